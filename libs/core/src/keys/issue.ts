import 'reflect-metadata';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificateUse } from './certificate';

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface KeyAndCertificate {
  privateKeyPem: string;
  certificatePem: string;
}

export interface CertificateName {
  /** The authority's name, as on its seal. */
  organisation: string;
  commonName: string;
}

export interface Validity {
  notBefore: Date;
  notAfter: Date;
}

export function generateP256(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** An authority's own root (P-256, self-signed, path length 0: it signs leaves and nothing else). */
export async function createRoot(
  name: CertificateName,
  validity: Validity,
  serial: string,
): Promise<KeyAndCertificate> {
  const key = generateP256();
  const keys = await webKeys(key);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    subject: distinguishedName(name),
    issuer: distinguishedName(name),
    ...validity,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: ecdsa,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { privateKeyPem: pemOf(key), certificatePem: certificate.toString('pem') };
}

export interface CertificateRequest {
  use: CertificateUse;
  name: CertificateName;
  /** Goes into the subject alternative name: the only name that decides anything. */
  urn: string;
  /** Host names for TLS; a node's certificate only. */
  hosts?: readonly string[];
  validity: Validity;
  /** Hex, at most 20 bytes, positive. */
  serial: string;
}

export async function issueCertificate(
  root: KeyAndCertificate,
  request: CertificateRequest,
): Promise<KeyAndCertificate> {
  const key = generateP256();
  const keys = await webKeys(key);
  const rootKeys = await webKeys(createPrivateKey(root.privateKeyPem));
  const rootCertificate = new X509Certificate(root.certificatePem);
  const names = [
    { type: 'url' as const, value: request.urn },
    ...(request.hosts ?? []).map((host) =>
      /^[0-9.]+$|:/.test(host) ? { type: 'ip' as const, value: host } : { type: 'dns' as const, value: host },
    ),
  ];
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new SubjectAlternativeNameExtension(names),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
    await AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
  ];
  if (request.use === 'node') {
    extensions.push(new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true));
    extensions.push(new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']));
  } else {
    // No extended key usage: `openssl cms -verify` refuses a signer with a TLS one.
    extensions.push(new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation, true));
  }
  const certificate = await X509CertificateGenerator.create({
    serialNumber: request.serial,
    subject: distinguishedName(request.name),
    issuer: rootCertificate.subject,
    ...request.validity,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: ecdsa,
    extensions,
  });
  return { privateKeyPem: pemOf(key), certificatePem: certificate.toString('pem') };
}

function distinguishedName(name: CertificateName): { [type: string]: string[] }[] {
  return [{ C: ['CN'] }, { O: [name.organisation] }, { CN: [name.commonName] }];
}

async function webKeys(key: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }) as string).export({
    type: 'spki',
    format: 'der',
  });
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', pkcs8, ecdsa, false, ['sign']),
    webcrypto.subtle.importKey('spki', spki, ecdsa, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}
