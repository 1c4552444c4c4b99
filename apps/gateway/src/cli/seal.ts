import { Certificate, checkChain, ownRoot, sealUrn } from '@jieqiao/core';
import { type KeyStore, type NodeConfig, readPkcs12 } from '@jieqiao/platform';
import { type Cli, Stop } from './command';
import { pathOf, readBounded } from './files';
import { clockOf } from './node';
import { type Profile, withIssuer } from './own-card';
import { givenSecret } from './secrets';

export const maxContainerBytes = 256 * 1024;
const maxCertificateBytes = 32 * 1024;

export function sealPassphrase(cli: Cli, file: string | undefined): Promise<string> {
  return givenSecret(cli, file, 'passphrase-file', { zh: '印章文件的口令：', en: 'Passphrase of the seal’s file: ' });
}

/**
 * Takes a PKCS#12 seal in, and notes who issued it: a CA that serves others speaks for this node by this certificate only.
 * @throws Stop when it could not be used under any agreement
 */
export function takeSeal(
  cli: Cli,
  store: KeyStore,
  config: NodeConfig,
  profile: Profile,
  container: Buffer,
  passphrase: string,
  caFile: string | undefined,
): Profile {
  const issuer =
    caFile === undefined
      ? null
      : Certificate.parse(pemOrDer(readBounded(pathOf(cli, caFile), maxCertificateBytes, 'CERTIFICATE_MALFORMED')));
  const seal = Certificate.parse(readPkcs12(container, passphrase).certificatePem);
  const now = clockOf(cli, config)();
  const ours = store.load().roots.map(ownRoot);
  if (!checkChain(seal, ours, now, 'seal', sealUrn(config.node))) {
    store.importSeal(container, passphrase);
    return profile;
  }
  if (issuer === null) {
    throw new Stop({
      zh: '这枚印章不是本节点的根证书签发的：用 --seal-ca 给出签发它的 CA 证书',
      en: 'This seal was not issued by this node’s root: give the CA’s certificate with --seal-ca',
    });
  }
  const anchor = { certificate: issuer, speakers: [{ use: 'seal' as const, fingerprint: seal.fingerprint }] };
  const problem = checkChain(seal, [anchor], now, 'seal');
  if (problem) {
    throw new Stop(
      { zh: '这枚印章不能使用（{code}）：{subject}', en: 'This seal can’t be used ({code}): {subject}' },
      { code: problem.code, subject: problem.subject },
    );
  }
  store.importSeal(container, passphrase);
  return withIssuer(profile, issuer, seal);
}

export function pemOrDer(bytes: Buffer): string | Buffer {
  return bytes.subarray(0, 11).toString('latin1') === '-----BEGIN ' ? bytes.toString('latin1') : bytes;
}
