import { Certificate, officerUrn, sealUrn } from '@jieqiao/core';
import {
  ecKey,
  extensions,
  forger,
  nameOf,
  nodeUsage,
  oddCertificate,
  oddCertificateDer,
  rootUsage,
  rsaKey,
  sealUsage,
  signerOf,
} from '../odd-certificates';
import { issueRsaSeal, sealedAt, validity, verifiedAt } from '../sealed-exchange';
import type { Group } from './situation';
import { hours, later, type World } from './world';

const day = (n: number) => later(sealedAt, hours(24 * n));
const urn = sealUrn('pinghu.330482');
const own = [sealUsage, extensions.uris(urn)];

const expired = { notBefore: validity.notBefore, notAfter: day(-1) };
const notYet = { notBefore: day(1), notAfter: validity.notAfter };
const expiresSoon = { notBefore: validity.notBefore, notAfter: day(2) };

/** A certification authority between a root and a seal. */
function below(world: World, rootPathLength: number | undefined) {
  const root = oddCertificate({
    subject: world.root().certificate.subjectDer,
    extensions: [extensions.ca(rootPathLength), extensions.usage(0x06)],
  });
  const between = oddCertificate({ issuer: root, subject: nameOf(['CN', '下级机构']), extensions: rootUsage });
  const seal = oddCertificate({ issuer: between, extensions: own });
  return { root, between, seal };
}

export const seals: Group = {
  letter: 'S',
  zh: '印章证书',
  en: 'Seal certificates',
  situations: [
    {
      zh: '印章证书有效，由本机关的根证书签发',
      en: 'a good seal under the authority’s own root',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askSeal({ signer: world.pinghu.seal }),
    },
    {
      zh: '印章为 RSA 2048 位',
      en: 'a good seal with an RSA key of 2,048 bits',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: async (world) => world.askSeal({ signer: await issueRsaSeal(world.pinghu.root, urn, '0a') }),
    },
    {
      zh: '用印时证书尚未生效',
      en: 'sealed before the certificate began',
      node: 'BUNDLE_SIGNER_UNKNOWN NOT_YET_VALID',
      verifier: 'invalid',
      checks: ['seal.certificate NOT_YET_VALID'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: signerOf(world.seal({ validity: notYet })) }),
    },
    {
      zh: '用印时证书已经到期',
      en: 'sealed after the certificate had run out',
      node: 'BUNDLE_SIGNER_UNKNOWN EXPIRED',
      verifier: 'invalid',
      checks: ['seal.certificate EXPIRED'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: signerOf(world.seal({ validity: expired })) }),
    },
    {
      zh: '用印时有效，核验时证书已到期，没有时间证明',
      en: 'good when it sealed, run out when verified, no proof of time',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['seal.still-valid expired-without-proof-of-time'],
      openssl: 'fail',
      ask: (world) =>
        world.askSeal({ signer: signerOf(world.seal({ validity: expiresSoon })), openssl: { at: verifiedAt } }),
    },
    {
      zh: '用印时有效，核验时证书已到期，有对方当时的回执',
      en: 'good when it sealed, run out when verified, the other party’s receipt of that time given along',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) =>
        world.askSeal({
          signer: signerOf(world.seal({ validity: expiresSoon })),
          receipt: { at: later(sealedAt, 3_250) },
        }),
    },
    {
      zh: '证书到期之后才有回执，信封自称在到期之前',
      en: 'the receipt is of a time after the certificate ran out; the seal claims one before',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['seal.still-valid expired-without-proof-of-time'],
      openssl: 'fail',
      ask: (world) =>
        world.askSeal({
          signer: signerOf(world.seal({ validity: expiresSoon })),
          receipt: { at: day(3) },
          openssl: { at: day(3) },
        }),
    },
    {
      zh: '先吊销，后用印',
      en: 'revoked before it sealed',
      node: 'BUNDLE_SIGNER_UNKNOWN REVOKED',
      verifier: 'invalid',
      checks: ['seal.revocation REVOKED'],
      openssl: 'fail',
      ask: async (world) => {
        const seal = world.seal();
        const crls = [await world.crl({ certificate: seal.certificate, at: day(-1) })];
        return world.askSeal({ signer: signerOf(seal), crls, openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '先用印，后吊销，有吊销之前的回执',
      en: 'revoked after it sealed; a receipt of a time before shows it',
      node: 'accepted',
      verifier: 'valid',
      ask: async (world) => {
        const seal = world.seal();
        const crls = [await world.crl({ certificate: seal.certificate, at: day(1) })];
        // OpenSSL counts every entry of a list, whatever its date.
        return world.askSeal({ signer: signerOf(seal), crls, receipt: { at: later(sealedAt, 3_250) }, openssl: null });
      },
    },
    {
      zh: '自称吊销之前用印，没有时间证明；节点在吊销之后收到',
      en: 'revoked; the seal claims to be older and nothing proves it; the node receives it afterwards',
      node: 'BUNDLE_SIGNER_UNKNOWN REVOKED',
      verifier: 'indeterminate',
      checks: ['seal.revocation revoked-without-proof-of-time'],
      openssl: 'fail',
      ask: async (world) => {
        const seal = world.seal();
        const crls = [await world.crl({ certificate: seal.certificate, at: day(1) })];
        return world.askSeal({ signer: signerOf(seal), crls, received: day(2), openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '吊销之后才有回执，印章自称在吊销之前',
      en: 'the receipt is of a time after the revocation; the seal claims one before',
      node: 'BUNDLE_SIGNER_UNKNOWN REVOKED',
      verifier: 'invalid',
      checks: ['seal.revocation REVOKED'],
      openssl: 'fail',
      ask: async (world) => {
        const seal = world.seal();
        const crls = [await world.crl({ certificate: seal.certificate, at: day(1) })];
        const receipt = { at: day(2) };
        return world.askSeal({ signer: signerOf(seal), crls, received: day(2), receipt, openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '已吊销，只有签发方自己日志的证明',
      en: 'revoked; the only proof of time is from the signer’s own log',
      node: 'BUNDLE_SIGNER_UNKNOWN REVOKED',
      verifier: 'indeterminate',
      checks: ['seal.revocation revoked-without-proof-of-time'],
      ask: async (world) => {
        const seal = world.seal();
        const crls = [await world.crl({ certificate: seal.certificate, at: day(1) })];
        const receipt = { at: later(sealedAt, 3_250), by: world.pinghu, alone: true };
        return world.askSeal({ signer: signerOf(seal), crls, received: day(2), receipt, openssl: null });
      },
    },
    {
      zh: '已吊销，只有对方拒收的回执（拒收不证明印章经过核对）',
      en: 'revoked; the only receipt is a refusal, which does not say that the seal was checked',
      node: 'BUNDLE_SIGNER_UNKNOWN REVOKED',
      verifier: 'indeterminate',
      checks: ['seal.revocation revoked-without-proof-of-time'],
      ask: async (world) => {
        const seal = world.seal();
        const crls = [await world.crl({ certificate: seal.certificate, at: day(1) })];
        const receipt = { at: later(sealedAt, 3_250), event: 'envelope.refused' as const };
        return world.askSeal({ signer: signerOf(seal), crls, received: day(2), receipt, openssl: null });
      },
    },
    {
      zh: '用节点（TLS）证书用印',
      en: 'sealed with a TLS certificate',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_USE',
      verifier: 'invalid',
      checks: ['seal.certificate WRONG_USE'],
      openssl: 'fail',
      ask: (world) => {
        const [usage, tls] = nodeUsage;
        const seal = world.seal({ extensions: [usage, tls, extensions.uris(urn)] });
        return world.askSeal({ signer: signerOf(seal) });
      },
    },
    {
      zh: '用代码签名证书用印',
      en: 'sealed with a code-signing certificate',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_USE',
      verifier: 'invalid',
      checks: ['seal.certificate WRONG_USE'],
      openssl: 'fail',
      ask: (world) => {
        const seal = world.seal({ extensions: [...own, extensions.purposes('1.3.6.1.5.5.7.3.3')] });
        return world.askSeal({ signer: signerOf(seal) });
      },
    },
    {
      zh: '证书没有“不可否认”用途',
      en: 'the certificate’s key usage lacks non-repudiation',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_USE',
      verifier: 'invalid',
      checks: ['seal.certificate WRONG_USE'],
      ask: (world) => {
        const seal = world.seal({ extensions: [extensions.usage(0x80), extensions.uris(urn)] });
        return world.askSeal({ signer: signerOf(seal), openssl: null });
      },
    },
    {
      zh: '证书没有注明密钥用途',
      en: 'the certificate states no key usage at all',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_USE',
      verifier: 'invalid',
      checks: ['seal.certificate WRONG_USE'],
      ask: (world) =>
        world.askSeal({ signer: signerOf(world.seal({ extensions: [extensions.uris(urn)] })), openssl: null }),
    },
    {
      zh: '用下级认证机构的证书用印',
      en: 'sealed with the certificate of a subordinate certification authority',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_USE',
      verifier: 'invalid',
      checks: ['seal.certificate WRONG_USE'],
      ask: (world) => {
        const seal = world.seal({ extensions: [extensions.ca(), extensions.usage(0xc6), extensions.uris(urn)] });
        return world.askSeal({ signer: signerOf(seal), openssl: null });
      },
    },
    {
      zh: '用本机关执法人员的证书用印',
      en: 'sealed with an officer’s certificate of the same authority',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_NAME',
      verifier: 'unknown-signer',
      checks: ['seal.signer not-a-party'],
      ask: (world) => {
        const officer = extensions.uris(officerUrn('pinghu.330482', '330482-0001'));
        const seal = world.seal({ extensions: [sealUsage, officer] });
        return world.askSeal({ signer: signerOf(seal), openssl: null });
      },
    },
    {
      zh: '本机关的根证书为对方的名称签发的印章',
      en: 'a seal in the other party’s name, issued by this party’s root',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_NAME',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      ask: (world) => {
        const seal = world.seal({ extensions: [sealUsage, extensions.uris(sealUrn(world.jinshan.node))] });
        return world.askSeal({ signer: signerOf(seal), openssl: null });
      },
    },
    {
      zh: '对方的根证书为本机关的名称签发的印章',
      en: 'a seal in this party’s name, issued by the other party’s root',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: signerOf(world.seal({ issuer: world.root(world.jinshan) })) }),
    },
    {
      zh: '根证书名称完全相同的冒名者',
      en: 'a look-alike: root and seal have all the same names',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: world.namesake.seal }),
    },
    {
      zh: '自签名的印章证书',
      en: 'a self-signed seal certificate with the right name',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const seal = oddCertificate({ subject: world.pinghu.seal.certificate.subjectDer, extensions: own });
        return world.askSeal({ signer: signerOf(seal) });
      },
    },
    {
      zh: '协议之外的机关',
      en: 'an authority that is no party',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer not-a-party'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: world.stranger.seal }),
    },
    {
      zh: '证书里有两个机关名（URN）',
      en: 'the certificate carries two URNs',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_NAME',
      verifier: 'unknown-signer',
      checks: ['seal.signer not-a-party'],
      ask: (world) => {
        const two = extensions.uris(urn, sealUrn(world.jinshan.node));
        return world.askSeal({ signer: signerOf(world.seal({ extensions: [sealUsage, two] })), openssl: null });
      },
    },
    {
      zh: '机关名大小写不同',
      en: 'the URN in other letter case',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_NAME',
      verifier: 'unknown-signer',
      checks: ['seal.signer not-a-party'],
      ask: (world) => {
        const shouted = extensions.uris('urn:jieqiao:seal:Pinghu.330482');
        return world.askSeal({ signer: signerOf(world.seal({ extensions: [sealUsage, shouted] })), openssl: null });
      },
    },
    {
      zh: '机关名以形近字符冒充（0 与 O）',
      en: 'a URN that looks alike (O for 0)',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_NAME',
      verifier: 'unknown-signer',
      checks: ['seal.signer not-a-party'],
      ask: (world) => {
        const alike = extensions.uris('urn:jieqiao:seal:pinghu.33O482');
        return world.askSeal({ signer: signerOf(world.seal({ extensions: [sealUsage, alike] })), openssl: null });
      },
    },
    {
      zh: '名称只写在证书主题（CN）里',
      en: 'the right name stands in the subject only (CN)',
      node: 'BUNDLE_SIGNER_UNKNOWN WRONG_NAME',
      verifier: 'unknown-signer',
      checks: ['seal.signer not-a-party'],
      ask: (world) => {
        const seal = world.seal({ subject: nameOf(['CN', urn]), extensions: [sealUsage] });
        return world.askSeal({ signer: signerOf(seal), openssl: null });
      },
    },
    {
      zh: '密钥过弱：RSA 1024 位',
      en: 'a weak key: RSA of 1,024 bits',
      node: 'BUNDLE_SIGNER_UNKNOWN WEAK_KEY',
      verifier: 'invalid',
      checks: ['seal.certificate WEAK_KEY'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: signerOf(world.seal({ key: rsaKey(1024) })) }),
    },
    {
      zh: '密钥过弱：P-192 曲线',
      en: 'a weak key: curve P-192',
      node: 'BUNDLE_SIGNATURE_INVALID algorithm',
      verifier: 'invalid',
      checks: ['seal.signature algorithm'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: signerOf(world.seal({ key: ecKey('prime192v1') })) }),
    },
    {
      zh: '不接受的曲线：secp256k1',
      en: 'a curve that is not admitted: secp256k1',
      node: 'BUNDLE_SIGNATURE_INVALID algorithm',
      verifier: 'invalid',
      checks: ['seal.signature algorithm'],
      ask: (world) => world.askSeal({ signer: signerOf(world.seal({ key: ecKey('secp256k1') })), openssl: null }),
    },
    {
      zh: '证书由 SHA-1 签发',
      en: 'the certificate is signed with SHA-1',
      node: 'BUNDLE_SIGNER_UNKNOWN WEAK_SIGNATURE',
      verifier: 'invalid',
      checks: ['seal.certificate WEAK_SIGNATURE'],
      openssl: 'fail',
      ask: (world) => world.askSeal({ signer: signerOf(world.seal({ hash: 'sha1' })) }),
    },
    {
      zh: '持有人把自己证书的有效期改长',
      en: 'the holder has made its own certificate last longer',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const seal = world.seal({ validity: expired });
        const raw = Buffer.from(seal.certificate.raw);
        raw.write('49', raw.indexOf(`${expired.notAfter.toISOString().slice(2, 4)}0819`));
        const longer = Certificate.parse(raw);
        return world.askSeal({ signer: forger(raw, seal.key, longer.fingerprint) });
      },
    },
    {
      zh: '印章签名值被改一位',
      en: 'one bit of the seal’s signature changed',
      node: 'BUNDLE_SIGNATURE_INVALID signature',
      verifier: 'invalid',
      checks: ['seal.signature signature'],
      openssl: 'fail',
      ask: async (world) => {
        let openssl: 'ok' | 'fail' | null = null;
        const change = ({ manifest, signature }: { manifest: Buffer; signature: Buffer }) => {
          signature[signature.length - 1]! ^= 1;
          openssl = cms(world, manifest, signature);
        };
        return { ...(await world.askSeal({ signer: world.pinghu.seal, change, openssl: null })), openssl };
      },
    },
    {
      zh: '用印之后改动清单',
      en: 'the manifest changed after sealing',
      node: 'BUNDLE_SIGNATURE_INVALID message-digest',
      verifier: 'invalid',
      checks: ['seal.signature message-digest'],
      openssl: 'fail',
      ask: async (world) => {
        let openssl: 'ok' | 'fail' | null = null;
        const change = ({ manifest, signature }: { manifest: Buffer; signature: Buffer }) => {
          manifest.write('image/tiff', manifest.indexOf('image/jpeg'));
          openssl = cms(world, manifest, signature);
        };
        return { ...(await world.askSeal({ signer: world.pinghu.seal, change, openssl: null })), openssl };
      },
    },
    {
      zh: '证书链过长：根证书与印章之间有下级机构（根证书允许）',
      en: 'a chain too long: an authority between root and seal, which the root’s path length would allow',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const { root, between, seal } = below(world, undefined);
        const agreement = world.agreementWithAnchors([root.certificate]);
        return world.askSeal({ signer: signerOf(seal), agreement, openssl: { between: between.certificate } });
      },
    },
    {
      zh: '证书链过长：根证书不允许有下级机构（pathlen 0）',
      en: 'a chain too long: an authority between, which the root’s path length of 0 forbids',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const { root, between, seal } = below(world, 0);
        const agreement = world.agreementWithAnchors([root.certificate]);
        return world.askSeal({ signer: signerOf(seal), agreement, openssl: { between: between.certificate } });
      },
    },
    {
      zh: '证书含不认识的关键扩展',
      en: 'an unknown critical extension',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_CRITICAL_EXTENSION',
      verifier: 'invalid',
      checks: ['seal.certificate UNKNOWN_CRITICAL_EXTENSION'],
      openssl: 'fail',
      ask: (world) => {
        const seal = world.seal({ extensions: [...own, extensions.critical()] });
        return world.askSeal({ signer: signerOf(seal) });
      },
    },
    {
      zh: '证书过大（20 KiB）',
      en: 'an oversized certificate (20 KiB)',
      node: 'CERTIFICATE_MALFORMED too-large',
      verifier: 'invalid',
      checks: ['seal.certificate too-large'],
      ask: (world) => {
        const key = ecKey('P-256');
        const list = [...own, extensions.padding(20 * 1024)];
        const raw = oddCertificateDer({ issuer: world.root(), key, extensions: list });
        return world.askSeal({ signer: forger(raw, key), openssl: null });
      },
    },
    {
      zh: '证书含 101 个名称',
      en: 'a certificate with 101 names',
      node: 'CERTIFICATE_MALFORMED too-many-names',
      verifier: 'invalid',
      checks: ['seal.certificate too-many-names'],
      ask: (world) => {
        const key = ecKey('P-256');
        const many = extensions.uris(...Array.from({ length: 101 }, (_, i) => `${urn}${i}`));
        const raw = oddCertificateDer({ issuer: world.root(), key, extensions: [sealUsage, many] });
        return world.askSeal({ signer: forger(raw, key), openssl: null });
      },
    },
  ],
};

/** `openssl cms -verify -cades` over manifest and signature, as docs/spec/bundle.md §3 has it. */
function cms(world: World, manifest: Buffer, signature: Buffer): 'ok' | 'fail' | null {
  const root = world.write('root.pem', world.pinghu.root.certificatePem);
  return world.opensslSays(
    ...['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-purpose', 'any', '-out', '/dev/null'],
    ...['-in', world.write('signature.p7s', signature), '-content', world.write('manifest.xml', manifest)],
    ...['-CAfile', root, '-attime', String(sealedAt.getTime() / 1000)],
  );
}
