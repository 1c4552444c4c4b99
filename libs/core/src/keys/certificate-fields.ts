import { DerError, DerReader, dotted, readTime, type Tlv, tag } from '../bundle/der';
import { GatewayError } from '../errors';
import { formatName } from './distinguished-name';
import { type Extension, isTrue, readExtensions } from './extensions';
import { isStrongSignature } from './signature-algorithm';

/** Bits of a key usage (RFC 5280 §4.2.1.3): bit n of the BIT STRING is 2^n. */
export const keyUsageBit = { digitalSignature: 1, nonRepudiation: 2, keyCertSign: 32, cRLSign: 64 } as const;

/** What we read of a certificate ourselves; its public key and its signature are left to `node:crypto`. */
export interface CertificateFields {
  serial: string;
  issuer: string;
  subject: string;
  subjectDer: Buffer;
  notBefore: Date;
  notAfter: Date;
  isCa: boolean;
  /** Of the basic constraints: how many more authorities may stand below; null: any number. */
  pathLength: number | null;
  /** Sum of `keyUsageBit`s; null where the extension is absent, as below. */
  keyUsage: number | null;
  extendedKeyUsage: readonly string[] | null;
  subjectKeyId: Buffer | null;
  /** URIs of the subject alternative name. */
  uris: readonly string[];
  critical: readonly string[];
  unknownCritical: readonly string[];
  strongSignature: boolean;
}

/** A name for each reason that a person can do something about. */
export class CertificateFieldError extends DerError {
  constructor(readonly reason: 'not-one' | 'too-deep' | 'serial' | 'validity' | 'too-many-names') {
    super(reason);
  }
}

const oids = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
};

/** Critical extensions that `checkChain` looks at; any other critical one is a reason to refuse (RFC 5280 §4.2). */
const understoodCritical = new Set([oids.keyUsage, oids.subjectAltName, oids.basicConstraints, oids.extendedKeyUsage]);

const maxSerialBytes = 20;
const maxNames = 100;
/** Far more than any certificate in use: what other software makes of deeper ones is not ours to find out. */
const maxDepth = 16;
const uriName = 0x86;

/** @throws DerError */
export function readCertificateFields(raw: Buffer): CertificateFields {
  const whole = new DerReader(raw);
  const outer = whole.next(tag.sequence);
  if (!whole.done) throw new CertificateFieldError('not-one');
  if (!nestsWithin(outer, maxDepth)) throw new CertificateFieldError('too-deep');
  const certificate = new DerReader(outer.value);
  const tbs = certificate.enter(tag.sequence);
  const algorithm = certificate.next(tag.sequence).raw;
  certificate.next(tag.bitString);
  certificate.end();
  if (tbs.nextTag() === tag.context0) tbs.next(tag.context0);
  const serial = serialOf(tbs.next(tag.integer));
  if (!tbs.next(tag.sequence).raw.equals(algorithm)) throw new DerError('two algorithms');
  const issuer = formatName(tbs.next(tag.sequence).raw);
  const validity = tbs.enter(tag.sequence);
  const notBefore = readTime(validity.any());
  const notAfter = readTime(validity.any());
  if (notAfter < notBefore) throw new CertificateFieldError('validity');
  const subjectDer = tbs.next(tag.sequence).raw;
  const subject = formatName(subjectDer);
  tbs.next(tag.sequence);
  // Unique identifiers (RFC 5280 §4.1.2.8): nobody uses them, some old authorities write them.
  for (const unused of [0x81, 0x82]) if (tbs.nextTag() === unused) tbs.next(unused);
  const extensions = tbs.nextTag() === 0xa3 ? readExtensions(tbs.enter(0xa3)) : new Map<string, Extension>();
  tbs.end();
  for (const { value } of extensions.values()) {
    if (!nestsWithin({ tag: tag.sequence, value }, maxDepth)) throw new CertificateFieldError('too-deep');
  }
  const read = <T>(type: string, reader: (value: DerReader) => T): T | null => {
    const extension = extensions.get(type);
    return extension ? reader(new DerReader(extension.value)) : null;
  };
  const critical = [...extensions].filter(([, extension]) => extension.critical).map(([type]) => type);
  return {
    serial,
    issuer,
    subject,
    subjectDer,
    notBefore,
    notAfter,
    isCa: read(oids.basicConstraints, caFlag) ?? false,
    pathLength: read(oids.basicConstraints, pathLengthOf),
    keyUsage: read(oids.keyUsage, usageBits),
    extendedKeyUsage: read(oids.extendedKeyUsage, purposes),
    subjectKeyId: read(oids.subjectKeyId, (value) => value.next(tag.octetString).value),
    uris: read(oids.subjectAltName, urisOf) ?? [],
    critical,
    unknownCritical: critical.filter((type) => !understoodCritical.has(type)),
    strongSignature: isStrongSignature(algorithm),
  };
}

/**
 * A serial number as upper-case hex of whole bytes, as `X509Certificate.serialNumber` shows it. At most 20 bytes, not
 * negative (RFC 5280 §4.1.2.2); zero is let through, since roots have it.
 */
export function serialOf(element: Tlv): string {
  if (element.value.length > maxSerialBytes + 1 || (element.value[0] ?? 0x80) >= 0x80) {
    throw new CertificateFieldError('serial');
  }
  return unsignedHex(element);
}

/**
 * A serial number as people and tools write it, in the form of `Certificate.serial`: colons and case do not matter,
 * nor do zeroes in front.
 * @throws GatewayError VALIDATION_FAILED {field: 'serial'}
 */
export function parseSerial(text: string): string {
  const hex = text.replaceAll(':', '').toUpperCase();
  if (hex.length > 80 || !/^0*[0-9A-F]{1,40}$/.test(hex)) {
    throw new GatewayError('VALIDATION_FAILED', { field: 'serial' });
  }
  const digits = hex.replace(/^0+/, '');
  if (digits === '') return '0';
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

/** An INTEGER of minimal form (X.690 §8.3.2) that is not negative, as upper-case hex of whole bytes; zero is `0`. */
export function unsignedHex({ value }: Tlv): string {
  const [first, second] = value;
  if (first === undefined || first >= 0x80) throw new DerError('integer');
  if (first === 0 && second !== undefined && second < 0x80) throw new DerError('integer not minimal');
  return (first === 0 ? value.subarray(1) : value).toString('hex').toUpperCase() || '0';
}

function caFlag(value: DerReader): boolean {
  const constraints = value.enter(tag.sequence);
  return constraints.nextTag() === tag.boolean && isTrue(constraints.next(tag.boolean).value);
}

function pathLengthOf(value: DerReader): number | null {
  const constraints = value.enter(tag.sequence);
  if (constraints.nextTag() === tag.boolean) constraints.next(tag.boolean);
  if (constraints.done) return null;
  const { value: length } = constraints.next(tag.integer);
  if (length.length !== 1 || length[0]! >= 0x80) throw new DerError('path length');
  return length[0]!;
}

function usageBits(value: DerReader): number {
  const [unused, ...bytes] = value.next(tag.bitString).value;
  if (unused === undefined || unused > 7 || bytes.length > 2) throw new DerError('key usage');
  let usage = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if ((bytes[bit >> 3]! & (0x80 >> (bit & 7))) !== 0) usage |= 1 << bit;
  }
  return usage;
}

function purposes(value: DerReader): string[] {
  const list = value.enter(tag.sequence);
  const found: string[] = [];
  while (!list.done) found.push(dotted(list.next(tag.oid).value));
  return found;
}

function urisOf(value: DerReader): string[] {
  const names = value.enter(tag.sequence);
  const uris: string[] = [];
  for (let count = 0; !names.done; count++) {
    if (count === maxNames) throw new CertificateFieldError('too-many-names');
    const name = names.any();
    if (name.tag === uriName) uris.push(name.value.toString('latin1'));
  }
  return uris;
}

/** Whether constructed elements lie at most `depth` deep. Bytes that are no DER end the look at that place. */
function nestsWithin(element: Pick<Tlv, 'tag' | 'value'>, depth: number): boolean {
  if ((element.tag & 0x20) === 0) return true;
  if (depth === 0) return false;
  const inner = new DerReader(element.value);
  while (!inner.done) {
    let child: Tlv;
    try {
      child = inner.any();
    } catch {
      return true;
    }
    if (!nestsWithin(child, depth - 1)) return false;
  }
  return true;
}
