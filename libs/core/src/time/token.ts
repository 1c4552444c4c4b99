import { DerReader, dotted, oid, type Tlv, tag } from '../bundle/der';
import { GatewayError } from '../errors';

/** Tokens have 1 to 12 KB, by the certificates in them. */
export const maxTimestampBytes = 64 * 1024;
const maxCertificates = 16;
const maxSerialBytes = 32;

export const oids = {
  signedData: oid('1.2.840.113549.1.7.2'),
  timestampInfo: oid('1.2.840.113549.1.9.16.1.4'),
  contentType: oid('1.2.840.113549.1.9.3'),
  messageDigest: oid('1.2.840.113549.1.9.4'),
  signingCertificate: oid('1.2.840.113549.1.9.16.2.12'),
  signingCertificateV2: oid('1.2.840.113549.1.9.16.2.47'),
  sha256: oid('2.16.840.1.101.3.4.2.1'),
  sha384: oid('2.16.840.1.101.3.4.2.2'),
  sha512: oid('2.16.840.1.101.3.4.2.3'),
};
export const versionOne = Buffer.from([1]);

/** PKIFailureInfo bits (RFC 3161 §2.4.2). */
export const failures = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  addInfoNotAvailable: 17,
  systemFailure: 25,
} as const;

/** The signed statement: this digest was shown to the authority at this time (RFC 3161 §2.4.2). */
export interface TimestampInfo {
  /** Dotted object identifier. */
  policy: string;
  imprint: Imprint;
  /** Content octets of the INTEGER. */
  serial: Buffer;
  time: Date;
  /** How far the time may be off, rounded up to milliseconds; null when the token does not say. */
  accuracyMs: number | null;
  /** Content octets of the INTEGER. */
  nonce: Buffer | null;
}

export interface Imprint {
  /** The whole MessageImprint, for repeating it. */
  raw: Buffer;
  /** The whole object identifier element. */
  algorithm: Buffer;
  digest: Buffer;
}

export interface SignedAttributes {
  /** As the signature covers them: the SET OF (RFC 5652 §5.4). */
  bytes: Buffer;
  contentType: Buffer;
  messageDigest: Buffer;
  /** From signing-certificate, signing-certificate-v2 or both: digests that the signer's certificate must have. */
  certificates: readonly { algorithm: 'sha1' | 'sha256' | 'sha384' | 'sha512'; digest: Buffer }[];
}

/** A time-stamp token taken apart (RFC 5652 §5, RFC 3161 §2.4.2). Nothing in it is believed yet. */
export interface TimestampToken {
  info: TimestampInfo;
  infoBytes: Buffer;
  /** DER of the certificates that came along. */
  certificates: readonly Buffer[];
  /** Issuer and serial number, or the key identifier, as the token writes them. */
  signer: { issuer: Buffer; serial: Buffer } | { keyIdentifier: Buffer };
  attributes: SignedAttributes;
  /** Whole object identifier elements. */
  digestAlgorithm: Buffer;
  signatureAlgorithm: Buffer;
  signature: Buffer;
}

/**
 * Takes a token apart. It must be DER throughout, as RFC 3161 §3.4 has it sent: what is read has one encoding.
 * @throws GatewayError TIMESTAMP_MALFORMED {reason: 'too-large' | 'structure'}; TIMESTAMP_INVALID {reason: 'content-type'
 *   (no time-stamp token), 'signers' (not exactly one), 'attributes' (a signed attribute is missing or there twice),
 *   'extension' (critical, and we know none)}
 */
export function readToken(bytes: Uint8Array): TimestampToken {
  return readDer(bytes, (reader) => {
    const contentInfo = reader.enter(tag.sequence);
    if (!contentInfo.next(tag.oid).raw.equals(oids.signedData)) throw invalid('content-type');
    const signedData = inside(contentInfo, tag.context0, (content) => content.enter(tag.sequence));
    contentInfo.end();
    // The version and the list of digest algorithms are hints for readers in one pass: nothing follows from them.
    signedData.next(tag.integer);
    signedData.next(tag.set);
    const encapsulated = signedData.enter(tag.sequence);
    if (!encapsulated.next(tag.oid).raw.equals(oids.timestampInfo)) throw invalid('content-type');
    const infoBytes = inside(encapsulated, tag.context0, (content) => content.next(tag.octetString).value);
    encapsulated.end();
    const certificates = readCertificates(signedData);
    if (signedData.nextTag() === tag.context1) signedData.next(tag.context1);
    const signers = signedData.enter(tag.set);
    signedData.end();
    if (signers.done) throw invalid('signers');
    const signerInfo = signers.enter(tag.sequence);
    if (!signers.done) throw invalid('signers');
    return { info: readInfo(infoBytes), infoBytes, certificates, ...readSigner(signerInfo) };
  });
}

/** Reads one element that is all of `bytes`; whatever is not DER of the expected form is TIMESTAMP_MALFORMED. */
export function readDer<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
  if (bytes.length > maxTimestampBytes) throw malformed('too-large');
  const reader = new DerReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  try {
    const result = read(reader);
    reader.end();
    return result;
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('TIMESTAMP_MALFORMED', { reason: 'structure' }, { cause });
  }
}

function readCertificates(signedData: DerReader): Buffer[] {
  if (signedData.nextTag() !== tag.context0) return [];
  const set = signedData.enter(tag.context0);
  const certificates: Buffer[] = [];
  for (let first = set.nextTag(); first !== null; first = set.nextTag()) {
    const { raw } = set.next(first);
    // The other choices of the set are attribute certificates, which say nothing about the signer's key.
    if (first === tag.sequence) certificates.push(raw);
  }
  if (certificates.length > maxCertificates) throw malformed('too-many-certificates');
  return certificates;
}

function readSigner(signerInfo: DerReader): Omit<TimestampToken, 'info' | 'infoBytes' | 'certificates'> {
  signerInfo.next(tag.integer);
  const signer = readSignerIdentifier(signerInfo);
  const digestAlgorithm = readAlgorithm(signerInfo);
  const attributes = readSignedAttributes(signerInfo.next(tag.context0));
  const signatureAlgorithm = readAlgorithm(signerInfo);
  const signature = signerInfo.next(tag.octetString).value;
  // Unsigned attributes: anyone may have added them.
  if (!signerInfo.done) signerInfo.next(tag.context1);
  signerInfo.end();
  return { signer, digestAlgorithm, attributes, signatureAlgorithm, signature };
}

function readSignerIdentifier(signerInfo: DerReader): TimestampToken['signer'] {
  if (signerInfo.nextTag() === tag.context0Primitive) {
    return { keyIdentifier: signerInfo.next(tag.context0Primitive).value };
  }
  const issuerAndSerial = signerInfo.enter(tag.sequence);
  const signer = { issuer: issuerAndSerial.next(tag.sequence).raw, serial: issuerAndSerial.next(tag.integer).raw };
  issuerAndSerial.end();
  return signer;
}

function readSignedAttributes(implicit: Tlv): SignedAttributes {
  const bytes = Buffer.from(implicit.raw);
  bytes[0] = tag.set;
  const found = new Map<string, DerReader>();
  const attributes = new DerReader(implicit.value);
  while (!attributes.done) {
    const attribute = attributes.enter(tag.sequence);
    const type = attribute.next(tag.oid).raw.toString('hex');
    if (found.has(type)) throw invalid('attributes');
    found.set(type, attribute.enter(tag.set));
    attribute.end();
  }
  const value = <T>(type: Buffer, read: (values: DerReader) => T): T | null => {
    const values = found.get(type.toString('hex'));
    if (!values) return null;
    const result = read(values);
    if (!values.done) throw invalid('attributes');
    return result;
  };
  const contentType = value(oids.contentType, (values) => values.next(tag.oid).raw);
  const messageDigest = value(oids.messageDigest, (values) => values.next(tag.octetString).value);
  const certificates = [
    value(oids.signingCertificate, (values) => readEssCertificate(values, 'sha1')),
    value(oids.signingCertificateV2, (values) => readEssCertificate(values, 'sha256')),
  ].filter((certificate) => certificate !== null);
  if (!contentType || !messageDigest || certificates.length === 0) throw invalid('attributes');
  return { bytes, contentType, messageDigest, certificates };
}

/** ESSCertID and ESSCertIDv2 (RFC 5035 §3, §4): the first of the list is the signer's; issuer and serial are hints. */
function readEssCertificate(values: DerReader, usual: 'sha1' | 'sha256'): SignedAttributes['certificates'][number] {
  const identifier = values.enter(tag.sequence).enter(tag.sequence).enter(tag.sequence);
  const named =
    usual === 'sha256' && identifier.nextTag() === tag.sequence ? hashName(readAlgorithm(identifier)) : usual;
  if (named === null) throw invalid('algorithm');
  return { algorithm: named, digest: identifier.next(tag.octetString).value };
}

/** An AlgorithmIdentifier without parameters or with NULL: all of ours, and both are written by authorities. */
function readAlgorithm(reader: DerReader): Buffer {
  const algorithm = reader.enter(tag.sequence);
  const name = algorithm.next(tag.oid).raw;
  if (!algorithm.done && algorithm.next(tag.null).value.length > 0) throw malformed('structure');
  algorithm.end();
  return name;
}

export function hashName(algorithm: Buffer): 'sha256' | 'sha384' | 'sha512' | null {
  return (['sha256', 'sha384', 'sha512'] as const).find((name) => oids[name].equals(algorithm)) ?? null;
}

function readInfo(bytes: Buffer): TimestampInfo {
  return readDer(bytes, (reader) => {
    const info = reader.enter(tag.sequence);
    if (!info.next(tag.integer).value.equals(versionOne)) throw malformed('version');
    const policy = dotted(info.next(tag.oid).value);
    const imprint = readImprint(info);
    const serial = info.next(tag.integer).value;
    if (serial.length === 0 || serial.length > maxSerialBytes || serial[0]! >= 0x80) throw malformed('serial');
    const time = readGeneralizedTime(info.next(tag.generalizedTime));
    const accuracyMs = info.nextTag() === tag.sequence ? readAccuracy(info.enter(tag.sequence)) : null;
    if (info.nextTag() === tag.boolean) info.next(tag.boolean);
    const nonce = info.nextTag() === tag.integer ? info.next(tag.integer).value : null;
    // The authority's name is a hint: the certificate says who it is.
    if (info.nextTag() === tag.context0) info.next(tag.context0);
    if (info.nextTag() === tag.context1) refuseCritical(info.enter(tag.context1));
    info.end();
    return { policy, imprint, serial, time, accuracyMs, nonce };
  });
}

export function readImprint(reader: DerReader): Imprint {
  const { raw, value } = reader.next(tag.sequence);
  const imprint = new DerReader(value);
  const algorithm = readAlgorithm(imprint);
  const digest = imprint.next(tag.octetString).value;
  imprint.end();
  return { raw, algorithm, digest };
}

const generalizedTime = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,9}))?Z$/;

/** In UTC with seconds (RFC 3161 §2.4.2), cut to milliseconds. A leap second is refused, as `Date` has none. */
function readGeneralizedTime(element: Tlv): Date {
  const match = generalizedTime.exec(element.value.toString('latin1'));
  if (!match) throw malformed('time');
  const [, year, month, day, hour, minute, second, fraction = ''] = match;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const at = new Date(text);
  // Also catches the 30th of February, which Date would carry into March.
  if (Number.isNaN(at.getTime()) || at.toISOString() !== text) throw malformed('time');
  return at;
}

function readAccuracy(accuracy: DerReader): number {
  const part = (expected: number): number => {
    if (accuracy.nextTag() !== expected) return 0;
    const { value } = accuracy.next(expected);
    if (value.length === 0 || value.length > 4 || value[0]! >= 0x80) throw malformed('accuracy');
    return value.readUIntBE(0, value.length);
  };
  const ms = part(tag.integer) * 1000 + part(tag.context0Primitive) + Math.ceil(part(tag.context1Primitive) / 1000);
  accuracy.end();
  return ms;
}

function refuseCritical(extensions: DerReader): void {
  while (!extensions.done) {
    const extension = extensions.enter(tag.sequence);
    extension.next(tag.oid);
    // DER leaves out `critical` when it is false.
    if (extension.nextTag() === tag.boolean) throw invalid('extension');
    extension.next(tag.octetString);
    extension.end();
  }
}

function inside<T>(reader: DerReader, expected: number, read: (inner: DerReader) => T): T {
  const inner = reader.enter(expected);
  const result = read(inner);
  inner.end();
  return result;
}

function malformed(reason: string): GatewayError {
  return new GatewayError('TIMESTAMP_MALFORMED', { reason });
}

function invalid(reason: string): GatewayError {
  return new GatewayError('TIMESTAMP_INVALID', { reason });
}
