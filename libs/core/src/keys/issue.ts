import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { DerReader, der, oid, sequence, setOf, tag, time, unsigned } from '../bundle/der';
import { sha256 } from '../encoding';
import { GatewayError } from '../errors';
import { certNoPattern } from '../names';
import { Certificate, type CertificateUse, isStrongKey } from './certificate';
import { keyUsageBit, parseSerial } from './certificate-fields';
import { readCertificateRequest } from './certificate-request';
import { Crl, crlOids, type RevocationReason, reasonNumber } from './crl';
import { signatureBits } from './signature-algorithm';

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

export interface CertificateRequest {
  /** `timestamp`: a time authority's (RFC 3161 §2.3), good for nothing else. */
  use: CertificateUse | 'timestamp';
  name: CertificateName;
  /** Goes into the subject alternative name: the only name that decides anything. */
  urn: string;
  /** Number of an officer's enforcement certificate (执法证号). Goes into the subject, and as part of `urn` decides. */
  certNo?: string;
  /** Host names and addresses for TLS; a node's certificate only. */
  hosts?: readonly string[];
  validity: Validity;
  /** Hex, at most 20 bytes, positive. */
  serial: string;
}

export interface CrlRequest {
  /** Higher than that of the root's last list. */
  number: number;
  thisUpdate: Date;
  nextUpdate: Date;
  /** All that were ever revoked: a list without an entry takes the revocation back. */
  revoked: readonly { serial: string; at: Date; reason: RevocationReason }[];
}

const yes = der(tag.boolean, Buffer.of(0xff));
const basicConstraints = '2.5.29.19';
const keyUsage = '2.5.29.15';
const subjectKeyId = '2.5.29.14';
const subjectAltName = '2.5.29.17';
const extendedKeyUsage = '2.5.29.37';
const tlsPurposes = extension(extendedKeyUsage, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2')));
/** RFC 3161 §2.3: critical, and no other purpose. */
const timePurpose = extension(extendedKeyUsage, sequence(oid('1.3.6.1.5.5.7.3.8')), true);
const certNo = new RegExp(certNoPattern);
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const rsaWithSha256 = sequence(oid('1.2.840.113549.1.1.11'), der(tag.null));

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
  const publicKey = createPublicKey(key);
  const subject = distinguishedName(name);
  const extensions = [
    extension(basicConstraints, sequence(yes, der(tag.integer, Buffer.of(0))), true),
    extension(keyUsage, usage(keyUsageBit.keyCertSign | keyUsageBit.cRLSign), true),
    extension(subjectKeyId, der(tag.octetString, keyIdentifier(publicKey))),
  ];
  const certificate = signCertificate({ serial, issuer: subject, subject, validity, publicKey, extensions }, key);
  return { privateKeyPem: pemOf(key), certificatePem: certificate };
}

/** A new P-256 key and its certificate. */
export async function issueCertificate(
  root: KeyAndCertificate,
  request: CertificateRequest,
): Promise<KeyAndCertificate> {
  const key = generateP256();
  return { privateKeyPem: pemOf(key), certificatePem: await certify(root, createPublicKey(key), request) };
}

/**
 * A certificate for a key that someone else has made (PKCS#10, RFC 2986): an officer's, or that of a device which
 * never gives its key away. Names and extensions asked for are left aside; `request` decides.
 * @param csr DER, or text with one PEM block
 * @returns PEM
 * @throws GatewayError CERTIFICATE_MALFORMED {reason: 'request' | 'too-large'}; CERTIFICATE_REFUSED {reason:
 *   'request-signature'} when the request is not signed by the key that it names; as `certify`
 */
export async function issueForRequest(
  root: KeyAndCertificate,
  csr: Uint8Array | string,
  request: CertificateRequest,
): Promise<string> {
  return certify(root, readCertificateRequest(csr), request);
}

/**
 * A certificate for a public key: a new one, or the key of a certificate that is running out.
 * @returns PEM
 * @throws GatewayError CERTIFICATE_REFUSED {reason: 'weak-key'} unless it is P-256 or RSA from 2,048 bits;
 *   VALIDATION_FAILED {field: 'certNo'}
 */
export async function certify(
  root: KeyAndCertificate,
  publicKey: KeyObject,
  request: CertificateRequest,
): Promise<string> {
  if (!isStrongKey(publicKey)) throw new GatewayError('CERTIFICATE_REFUSED', { reason: 'weak-key' });
  const { use, urn, hosts = [], validity, serial } = request;
  const issuer = Certificate.parse(root.certificatePem);
  const extensions = [
    extension(basicConstraints, sequence(), true),
    extension(subjectAltName, sequence(der(0x86, ascii(urn)), ...hosts.map(hostName))),
    extension(subjectKeyId, der(tag.octetString, keyIdentifier(publicKey))),
    authorityKeyId(issuer),
    extension(keyUsage, usage(keyUsageBit.digitalSignature | (use === 'node' ? 0 : keyUsageBit.nonRepudiation)), true),
  ];
  // Seals and officers have no purpose: `openssl cms -verify` refuses a signer that has one of TLS.
  if (use === 'node') extensions.push(tlsPurposes);
  if (use === 'timestamp') extensions.push(timePurpose);
  const subject = distinguishedName(request.name, officerNumber(request));
  return signCertificate(
    { serial, issuer: issuer.subjectDer, subject, validity, publicKey, extensions },
    createPrivateKey(root.privateKeyPem),
  );
}

/**
 * A complete revocation list of the root (RFC 5280 §5), version 2, in DER. Times are cut to whole seconds.
 * @throws GatewayError CRL_MALFORMED where peers would refuse the list; VALIDATION_FAILED {field: 'serial'}
 */
export async function issueCrl(root: KeyAndCertificate, request: CrlRequest): Promise<Buffer> {
  const issuer = Certificate.parse(root.certificatePem);
  const key = createPrivateKey(root.privateKeyPem);
  const entries = request.revoked.map(({ serial, at, reason }) => {
    const parts = [unsigned(serialBytes(serial)), time(at)];
    // RFC 5280 §5.3.1: unspecified is said by saying nothing.
    const code = der(tag.enumerated, Buffer.of(reasonNumber(reason)));
    if (reason !== 'unspecified') parts.push(sequence(extension(crlOids.reason, code)));
    return sequence(...parts);
  });
  const number = unsigned(Buffer.from(request.number.toString(16).padStart(14, '0'), 'hex'));
  const list = sequence(
    der(tag.integer, Buffer.of(1)),
    algorithmOf(key),
    issuer.subjectDer,
    time(request.thisUpdate),
    time(request.nextUpdate),
    // RFC 5280 §5.1.2.6: absent, not empty.
    ...(entries.length > 0 ? [sequence(Buffer.concat(entries))] : []),
    der(tag.context0, sequence(authorityKeyId(issuer), extension(crlOids.number, number))),
  );
  // A list that peers refuse would revoke nothing, and nobody here would notice.
  return Crl.parse(signed(list, key)).raw;
}

interface Tbs {
  serial: string;
  issuer: Buffer;
  subject: Buffer;
  validity: Validity;
  publicKey: KeyObject;
  extensions: readonly Buffer[];
}

/** Certificate (RFC 5280 §4.1), version 3. */
function signCertificate(tbs: Tbs, key: KeyObject): string {
  const bytes = sequence(
    der(tag.context0, der(tag.integer, Buffer.of(2))),
    unsigned(serialBytes(tbs.serial)),
    algorithmOf(key),
    tbs.issuer,
    sequence(time(tbs.validity.notBefore), time(tbs.validity.notAfter)),
    tbs.subject,
    tbs.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...tbs.extensions)),
  );
  const lines = signed(bytes, key)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function signed(tbs: Buffer, key: KeyObject): Buffer {
  return sequence(tbs, algorithmOf(key), der(tag.bitString, Buffer.of(0), sign('sha256', tbs, key)));
}

const algorithmOf = (key: KeyObject): Buffer => (key.asymmetricKeyType === 'rsa' ? rsaWithSha256 : ecdsaWithSha256);

/** Types in the order from general to particular; numbers of officers are PrintableString (RFC 5280 appendix A). */
function distinguishedName({ organisation, commonName }: CertificateName, serialNumber?: string): Buffer {
  const attribute = (type: string, value: Buffer) => setOf(sequence(oid(type), value));
  const utf8 = (text: string) => der(0x0c, Buffer.from(text, 'utf8'));
  return sequence(
    attribute('2.5.4.6', der(0x13, ascii('CN'))),
    attribute('2.5.4.10', utf8(organisation)),
    attribute('2.5.4.3', utf8(commonName)),
    ...(serialNumber === undefined ? [] : [attribute('2.5.4.5', der(0x13, ascii(serialNumber)))]),
  );
}

/** Only officers have a number, and none goes without. */
function officerNumber(request: CertificateRequest): string | undefined {
  const number = request.certNo;
  const fits = request.use === 'officer' ? number !== undefined && certNo.test(number) : number === undefined;
  if (!fits) throw new GatewayError('VALIDATION_FAILED', { field: 'certNo' });
  return number;
}

function extension(type: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(type), ...(critical ? [yes] : []), der(tag.octetString, value));
}

/** By the issuer's own identifier, as its certificate writes it. */
function authorityKeyId(issuer: Certificate): Buffer {
  const id = issuer.subjectKeyId ?? keyIdentifier(issuer.publicKey);
  return extension(crlOids.authorityKeyId, sequence(der(tag.context0Primitive, id)));
}

/** RFC 7093 §2 method 1: the first 160 bits of SHA-256 over the key without its algorithm. */
function keyIdentifier(key: KeyObject): Buffer {
  const spki = new DerReader(key.export({ type: 'spki', format: 'der' })).enter(tag.sequence);
  spki.next(tag.sequence);
  return sha256(signatureBits(spki.next(tag.bitString))).subarray(0, 20);
}

/** A named bit list of up to 8 bits: DER leaves out the zeros at its end (X.690 §11.2.2). */
function usage(bits: number): Buffer {
  let byte = 0;
  for (let bit = 0; bit < 8; bit++) if ((bits & (1 << bit)) !== 0) byte |= 0x80 >> bit;
  const unused = 31 - Math.clz32(byte & -byte);
  return der(tag.bitString, Buffer.of(unused, byte));
}

function hostName(host: string): Buffer {
  const address = addressBytes(host);
  if (!address && !/^[A-Za-z0-9._-]{1,253}$/.test(host))
    throw new GatewayError('VALIDATION_FAILED', { field: 'hosts' });
  return address ? der(0x87, address) : der(0x82, ascii(host));
}

/** Four or sixteen bytes, or null for what is no address. */
function addressBytes(host: string): Buffer | null {
  const bytes = /^\d{1,3}(\.\d{1,3}){3}$/.test(host) ? host.split('.').map(Number) : null;
  if (bytes?.every((byte) => byte <= 255)) return Buffer.from(bytes);
  const url = `http://[${host}]`;
  if (!host.includes(':') || !URL.canParse(url)) return null;
  // The engine's own parser gives the one short form of an address, without embedded IPv4.
  const [head = [], tail] = new URL(url).hostname
    .slice(1, -1)
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = tail ? Array<string>(8 - head.length - tail.length).fill('0') : [];
  const hex = [...head, ...zeros, ...(tail ?? [])].map((group) => group.padStart(4, '0'));
  return Buffer.from(hex.join(''), 'hex');
}

const serialBytes = (serial: string): Buffer => Buffer.from(parseSerial(serial).padStart(40, '0'), 'hex');

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}
