import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Certificate, Signer } from '@jieqiao/core';
import { der, oid, sequence, setOf, tag, time, unsigned } from '../../libs/core/src/bundle/der';
import { extension } from './crl-vectors';
import { validity } from './sealed-exchange';

/** Certificates that no issuer of ours would make: every part as a test wants it, signed over whatever it is. */

export interface OddCertificate {
  /** Who signs; itself where left out. */
  issuer?: { certificate: Certificate; key: KeyObject };
  key?: KeyObject;
  /** DER of a Name. */
  subject?: Buffer;
  serial?: string;
  validity?: { notBefore: Date; notAfter: Date };
  extensions?: readonly Buffer[];
  hash?: 'sha256' | 'sha1';
}

export interface Keyed {
  certificate: Certificate;
  key: KeyObject;
}

export const ecKey = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
export const rsaKey = (modulusLength: number): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey;

const attributeTypes = { C: '2.5.4.6', O: '2.5.4.10', CN: '2.5.4.3' };

/** A Name of UTF8Strings, each in a relative name of its own. */
export const nameOf = (...parts: readonly [type: keyof typeof attributeTypes, text: string][]): Buffer =>
  sequence(...parts.map(([type, text]) => setOf(sequence(oid(attributeTypes[type]), der(0x0c, Buffer.from(text))))));

const yes = der(tag.boolean, Buffer.of(0xff));
const ascii = (text: string) => Buffer.from(text, 'latin1');

export const extensions = {
  ca: (pathLength?: number) =>
    extension(
      '2.5.29.19',
      sequence(yes, ...(pathLength === undefined ? [] : [der(tag.integer, Buffer.of(pathLength))])),
      true,
    ),
  /** The byte of the BIT STRING: 0x80 digitalSignature, 0x40 nonRepudiation, 0x04 keyCertSign, 0x02 cRLSign. */
  usage: (byte: number) => {
    const unused = 31 - Math.clz32(byte & -byte);
    return extension('2.5.29.15', der(tag.bitString, Buffer.of(unused, byte)), true);
  },
  purposes: (...purposes: readonly string[]) => extension('2.5.29.37', sequence(...purposes.map(oid))),
  uris: (...uris: readonly string[]) => extension('2.5.29.17', sequence(...uris.map((uri) => der(0x86, ascii(uri))))),
  critical: () => extension('1.2.156.10197.99999', der(tag.null), true),
  padding: (bytes: number) => extension('1.2.156.10197.99998', der(tag.octetString, Buffer.alloc(bytes))),
};
export const sealUsage = extensions.usage(0xc0);
export const nodeUsage = [
  extensions.usage(0x80),
  extensions.purposes('1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'),
] as const;
export const rootUsage = [extensions.ca(0), extensions.usage(0x06)] as const;

/** DER, readable by our reader or not. */
export function oddCertificateDer(parts: OddCertificate): Buffer {
  const { key = ecKey('P-256'), subject = nameOf(['CN', '某证书']), serial = '4d2' } = parts;
  const { hash = 'sha256', extensions: list = [], validity: period = validity } = parts;
  const signingKey = parts.issuer?.key ?? key;
  const rsa = signingKey.asymmetricKeyType === 'rsa';
  const algorithm = {
    sha256: rsa ? sequence(oid('1.2.840.113549.1.1.11'), der(tag.null)) : sequence(oid('1.2.840.10045.4.3.2')),
    sha1: rsa ? sequence(oid('1.2.840.113549.1.1.5'), der(tag.null)) : sequence(oid('1.2.840.10045.4.1')),
  }[hash];
  const tbs = sequence(
    der(tag.context0, der(tag.integer, Buffer.of(2))),
    unsigned(Buffer.from(serial.padStart(40, '0'), 'hex')),
    algorithm,
    parts.issuer?.certificate.subjectDer ?? subject,
    sequence(time(period.notBefore), time(period.notAfter)),
    subject,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    ...(list.length > 0 ? [der(0xa3, sequence(...list))] : []),
  );
  return sequence(tbs, algorithm, der(tag.bitString, Buffer.of(0), sign(hash, tbs, signingKey)));
}

export function oddCertificate(parts: OddCertificate): Keyed {
  const key = parts.key ?? ecKey('P-256');
  return { certificate: Certificate.parse(oddCertificateDer({ ...parts, key })), key };
}

export const keyedOf = (pair: { privateKeyPem: string; certificatePem: string }): Keyed => ({
  certificate: Certificate.parse(pair.certificatePem),
  key: createPrivateKey(pair.privateKeyPem),
});

export const pairOf = ({ certificate, key }: Keyed): { privateKeyPem: string; certificatePem: string } => ({
  privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }) as string,
  certificatePem: certificate.toPem(),
});

export const signerOf = (keyed: Keyed): Signer => {
  const { privateKeyPem, certificatePem } = pairOf(keyed);
  return Signer.fromPem(privateKeyPem, certificatePem);
};

/** Signs with a key and shows a certificate that is not the key's, or that nobody should be able to read. */
export function forger(raw: Buffer, key: KeyObject, fingerprint = 'f'.repeat(64)): Signer {
  const forged = {
    algorithm: key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256',
    certificate: { raw, fingerprint },
    sign: (data: Uint8Array) => sign('sha256', data, key),
    signJose: (data: Uint8Array) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
  };
  return forged as unknown as Signer;
}

export const pemOf = (raw: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${raw
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`;
