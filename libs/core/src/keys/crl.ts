import { DerError, DerReader, readTime, tag } from '../bundle/der';
import { type Digest, digestOf } from '../encoding';
import { GatewayError } from '../errors';
import type { Certificate } from './certificate';
import { keyUsageBit, serialOf, unsignedHex } from './certificate-fields';
import { formatName, NameTooLong } from './distinguished-name';
import { type Extension, readExtensions } from './extensions';
import { isStrongSignature, signatureBits, verifySigned } from './signature-algorithm';

export const maxCrlBytes = 4 * 1024 * 1024;
const maxEntries = 100_000;
/** Bytes of all lists in the cache. A decoded entry takes about five times as much as an encoded one. */
const maxCachedBytes = 2 * maxCrlBytes;

/** CRLReason (RFC 5280 §5.3.1) by number. 7 is not used; 8, removeFromCRL, stands in delta lists only. */
const reasons = [
  'unspecified',
  'key-compromise',
  'ca-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
  'certificate-hold',
  null,
  null,
  'privilege-withdrawn',
  'aa-compromise',
] as const;

export type RevocationReason = NonNullable<(typeof reasons)[number]>;
export const revocationReasons = reasons.filter((reason) => reason !== null);
export const reasonNumber = (reason: RevocationReason): number => reasons.indexOf(reason);

export const crlOids = {
  number: '2.5.29.20',
  reason: '2.5.29.21',
  deltaIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  authorityKeyId: '2.5.29.35',
};

export interface CrlEntry {
  revokedAt: Date;
  reason: RevocationReason;
}

interface Fields {
  issuer: string;
  issuerDer: Buffer;
  number: number;
  thisUpdate: Date;
  nextUpdate: Date;
  entries: ReadonlyMap<string, CrlEntry>;
  signed: Buffer;
  algorithm: Buffer;
  signature: Buffer;
}

/** Why a list is refused; also the `reason` of CRL_MALFORMED. */
class CrlError extends DerError {
  constructor(
    readonly reason:
      | 'not-one'
      | 'version'
      | 'algorithm'
      | 'validity'
      | 'number'
      | 'scope'
      | 'critical-extension'
      | 'too-many-entries'
      | 'entry',
  ) {
    super(reason);
  }
}

/**
 * A certificate revocation list (RFC 5280 §5): complete, of one root, about that root's own certificates. Parsing
 * believes nothing; a list counts for an anchor only where `issuedBy` is true.
 */
export class Crl {
  private static readonly cache = new Map<Digest, Crl>();
  private static cachedBytes = 0;
  private readonly issuers = new WeakMap<Certificate, boolean>();

  private constructor(
    readonly raw: Buffer,
    readonly digest: Digest,
    private readonly fields: Fields,
  ) {}

  /**
   * @param bytes DER
   * @throws GatewayError CRL_MALFORMED with a `reason`: `too-large` (4 MiB), `too-many-entries` (100,000), `not-one`,
   *   `not-der`, `name-too-long`, `version` (not 2), `algorithm`, `validity` (no next update, or none after this one),
   *   `number` (missing, or above 2^53-1), `scope` (a delta list, or one that does not cover the whole root),
   *   `critical-extension`, `entry` (a serial number twice, or a reason that is none)
   */
  static parse(bytes: Uint8Array): Crl {
    if (bytes.length > maxCrlBytes) throw malformed('too-large');
    const digest = digestOf(bytes);
    const known = Crl.cache.get(digest);
    if (known) return known;
    const raw = Buffer.from(bytes);
    const crl = new Crl(raw, digest, parse(raw));
    if (Crl.cachedBytes + raw.length > maxCachedBytes) {
      Crl.cache.clear();
      Crl.cachedBytes = 0;
    }
    Crl.cache.set(digest, crl);
    Crl.cachedBytes += raw.length;
    return crl;
  }

  /** Rises with each list of a root. */
  get number(): number {
    return this.fields.number;
  }

  get thisUpdate(): Date {
    return this.fields.thisUpdate;
  }

  /** When the next list is out at the latest. */
  get nextUpdate(): Date {
    return this.fields.nextUpdate;
  }

  /** As `Certificate.subject`. */
  get issuer(): string {
    return this.fields.issuer;
  }

  /** How many certificates are revoked. */
  get size(): number {
    return this.fields.entries.size;
  }

  /** @param serial as `Certificate.serial` */
  entry(serial: string): CrlEntry | null {
    return this.fields.entries.get(serial) ?? null;
  }

  /** Serial number and entry, in the order of the list. */
  entries(): IterableIterator<[string, CrlEntry]> {
    return this.fields.entries.entries();
  }

  /** Whether this root signed the list and may do so. */
  issuedBy(anchor: Certificate): boolean {
    const known = this.issuers.get(anchor);
    if (known !== undefined) return known;
    const { issuerDer, signed, algorithm, signature } = this.fields;
    const maySign = anchor.keyUsage === null || (anchor.keyUsage & keyUsageBit.cRLSign) !== 0;
    const answer =
      maySign && issuerDer.equals(anchor.subjectDer) && verifySigned(signed, algorithm, signature, anchor.publicKey);
    this.issuers.set(anchor, answer);
    return answer;
  }
}

function parse(raw: Buffer): Fields {
  try {
    return read(raw);
  } catch (cause) {
    if (cause instanceof NameTooLong) throw malformed('name-too-long', cause);
    throw malformed(cause instanceof CrlError ? cause.reason : 'not-der', cause);
  }
}

/** CertificateList (RFC 5280 §5.1). */
function read(raw: Buffer): Fields {
  const whole = new DerReader(raw);
  const outer = whole.enter(tag.sequence);
  if (!whole.done) throw new CrlError('not-one');
  const list = outer.next(tag.sequence);
  const algorithm = outer.next(tag.sequence).raw;
  const signature = signatureBits(outer.next(tag.bitString));
  outer.end();

  const tbs = new DerReader(list.value);
  if (tbs.nextTag() !== tag.integer || unsignedHex(tbs.next(tag.integer)) !== '01') throw new CrlError('version');
  if (!tbs.next(tag.sequence).raw.equals(algorithm) || !isStrongSignature(algorithm)) throw new CrlError('algorithm');
  const issuerDer = tbs.next(tag.sequence).raw;
  const issuer = formatName(issuerDer);
  const thisUpdate = readTime(tbs.any());
  if (!isTime(tbs.nextTag())) throw new CrlError('validity');
  const nextUpdate = readTime(tbs.any());
  if (nextUpdate <= thisUpdate) throw new CrlError('validity');
  const entries = tbs.nextTag() === tag.sequence ? readEntries(tbs.enter(tag.sequence)) : new Map();
  if (tbs.nextTag() !== tag.context0) throw new CrlError('number');
  const extensions = readExtensions(tbs.enter(tag.context0));
  tbs.end();
  if (extensions.has(crlOids.deltaIndicator) || extensions.has(crlOids.issuingDistributionPoint)) {
    throw new CrlError('scope');
  }
  refuseCritical(extensions, crlOids.number, crlOids.authorityKeyId);
  const number = numberOf(extensions.get(crlOids.number));
  return { issuer, issuerDer, number, thisUpdate, nextUpdate, entries, signed: list.raw, algorithm, signature };
}

function readEntries(list: DerReader): Map<string, CrlEntry> {
  const entries = new Map<string, CrlEntry>();
  // Entries give their reasons in the same few bytes, again and again.
  const known = new Map<string, RevocationReason>();
  while (!list.done) {
    if (entries.size === maxEntries) throw new CrlError('too-many-entries');
    const item = list.enter(tag.sequence);
    const serial = serialOf(item.next(tag.integer));
    const revokedAt = readTime(item.any());
    const extensions = item.done ? null : item.next(tag.sequence).raw;
    item.end();
    const key = extensions?.toString('latin1') ?? '';
    const reason = known.get(key) ?? reasonOf(extensions);
    known.set(key, reason);
    if (entries.has(serial)) throw new CrlError('entry');
    entries.set(serial, { revokedAt, reason });
  }
  return entries;
}

function reasonOf(encoded: Buffer | null): RevocationReason {
  if (encoded === null) return 'unspecified';
  const extensions = readExtensions(new DerReader(encoded));
  // With it the entry, and all after it, speak of another issuer's certificates (RFC 5280 §5.3.3).
  if (extensions.has(crlOids.certificateIssuer)) throw new CrlError('scope');
  refuseCritical(extensions, crlOids.reason);
  const extension = extensions.get(crlOids.reason);
  if (!extension) return 'unspecified';
  const value = new DerReader(extension.value);
  const [number, ...more] = value.next(tag.enumerated).value;
  value.end();
  const reason = number === undefined || more.length > 0 ? null : reasons[number];
  if (!reason) throw new CrlError('entry');
  return reason;
}

function numberOf(extension: Extension | undefined): number {
  if (!extension) throw new CrlError('number');
  const value = new DerReader(extension.value);
  const number = Number.parseInt(unsignedHex(value.next(tag.integer)), 16);
  value.end();
  if (!Number.isSafeInteger(number)) throw new CrlError('number');
  return number;
}

function refuseCritical(extensions: ReadonlyMap<string, Extension>, ...understood: string[]): void {
  for (const [type, { critical }] of extensions) {
    if (critical && !understood.includes(type)) throw new CrlError('critical-extension');
  }
}

const isTime = (next: number | null): boolean => next === tag.utcTime || next === tag.generalizedTime;

function malformed(reason: string, cause?: unknown): GatewayError {
  return new GatewayError('CRL_MALFORMED', { reason }, { cause });
}
