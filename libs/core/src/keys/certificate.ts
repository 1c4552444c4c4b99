// @peculiar/x509 resolves its algorithms through tsyringe, which needs this first.
import 'reflect-metadata';
import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import { GatewayError } from '../errors';

/** What a certificate is used for: TLS and envelopes, bundles, or a person's signature. */
export type CertificateUse = 'node' | 'seal' | 'officer';

/** Larger certificates than any we or a public CA issue: refused before parsing. */
const maxCertificateBytes = 16 * 1024;
const maxCached = 2_048;

const oidServerAuth = '1.3.6.1.5.5.7.3.1';
const oidClientAuth = '1.3.6.1.5.5.7.3.2';
const oidEmailProtection = '1.3.6.1.5.5.7.3.4';

/** Critical extensions that `checkChain` looks at; any other critical one is a reason to refuse (RFC 5280 §4.2). */
const understoodCritical = new Set(['2.5.29.15', '2.5.29.19', '2.5.29.37', '2.5.29.17']);

/** A parsed X.509 certificate. Parsing costs 0.7 ms, so equal bytes give the same object again. */
export class Certificate {
  private static readonly cache = new Map<string, Certificate>();

  private constructor(
    readonly raw: Buffer,
    /** SHA-256 over the DER, lower-case hex. */
    readonly fingerprint: string,
    readonly x509: X509Certificate,
    readonly publicKey: KeyObject,
    /** The one URI in the subject alternative name: who this certificate speaks for. */
    readonly urn: string | null,
    readonly isCa: boolean,
    /** Null where the extension is absent. */
    readonly keyUsage: KeyUsageFlags | null,
    readonly extendedKeyUsage: readonly string[] | null,
    readonly unknownCritical: readonly string[],
  ) {}

  /** @throws GatewayError CERTIFICATE_MALFORMED */
  static parse(input: Uint8Array | string): Certificate {
    let raw: Buffer;
    try {
      if (input.length > 2 * maxCertificateBytes) throw new Error('too large');
      raw = typeof input === 'string' ? new X509Certificate(input).raw : Buffer.from(input);
      if (raw.length > maxCertificateBytes) throw new Error('too large');
      const fingerprint = createHash('sha256').update(raw).digest('hex');
      const known = Certificate.cache.get(fingerprint);
      if (known) return known;
      const certificate = Certificate.fromDer(raw, fingerprint);
      if (Certificate.cache.size >= maxCached) Certificate.cache.clear();
      Certificate.cache.set(fingerprint, certificate);
      return certificate;
    } catch (cause) {
      throw new GatewayError('CERTIFICATE_MALFORMED', {}, { cause });
    }
  }

  private static fromDer(raw: Buffer, fingerprint: string): Certificate {
    const x509 = new X509Certificate(raw);
    // Trailing bytes after the DER structure would give one certificate many fingerprints.
    if (!x509.raw.equals(raw)) throw new Error('not exactly one DER certificate');
    const parsed = new ParsedCertificate(raw);
    const names = parsed.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
    const uris = names.filter((name) => name.type === 'url').map((name) => String(name.value));
    return new Certificate(
      raw,
      fingerprint,
      x509,
      createPublicKey(x509.publicKey.export({ type: 'spki', format: 'pem' })),
      uris.length === 1 ? uris[0]! : null,
      parsed.getExtension(BasicConstraintsExtension)?.ca === true,
      parsed.getExtension(KeyUsagesExtension)?.usages ?? null,
      parsed.getExtension(ExtendedKeyUsageExtension)?.usages.map(String) ?? null,
      parsed.extensions.filter((e) => e.critical && !understoodCritical.has(e.type)).map((e) => e.type),
    );
  }

  get subject(): string {
    return this.x509.subject;
  }

  get issuer(): string {
    return this.x509.issuer;
  }

  get serial(): string {
    return this.x509.serialNumber;
  }

  get notBefore(): Date {
    return new Date(this.x509.validFrom);
  }

  get notAfter(): Date {
    return new Date(this.x509.validTo);
  }

  toPem(): string {
    return this.x509.toString();
  }
}

export interface ChainProblem {
  code:
    | 'NOT_YET_VALID'
    | 'EXPIRED'
    | 'UNKNOWN_ISSUER'
    | 'WRONG_USE'
    | 'WEAK_KEY'
    | 'NOT_A_CA'
    | 'UNKNOWN_CRITICAL_EXTENSION'
    | 'WRONG_NAME';
  subject: string;
}

/**
 * Checks a leaf against trust anchors at a moment in time (RFC 5280 §6, paths of exactly leaf and anchor: an
 * authority's root signs its certificates directly). `null` means that nothing is wrong.
 * @param urn who the leaf must speak for; names in the subject are for people and decide nothing.
 */
export function checkChain(
  leaf: Certificate,
  anchors: readonly Certificate[],
  at: Date,
  use: CertificateUse,
  urn?: string,
): ChainProblem | null {
  const anchor = anchors.find((candidate) => issued(candidate, leaf));
  if (!anchor) return { code: 'UNKNOWN_ISSUER', subject: leaf.subject };
  const problem = anchorProblem(anchor, at) ?? leafProblem(leaf, at, use);
  if (problem) return problem;
  if (urn !== undefined && leaf.urn !== urn) return { code: 'WRONG_NAME', subject: leaf.subject };
  return null;
}

const issuedCache = new Map<string, boolean>();

/** Name and signature both match. A signature check costs 0.1 ms, so the answer for a pair of certificates is kept. */
function issued(anchor: Certificate, leaf: Certificate): boolean {
  const pair = `${anchor.fingerprint}${leaf.fingerprint}`;
  const known = issuedCache.get(pair);
  if (known !== undefined) return known;
  const answer =
    anchor.fingerprint !== leaf.fingerprint && leaf.x509.checkIssued(anchor.x509) && leaf.x509.verify(anchor.publicKey);
  if (issuedCache.size >= maxCached) issuedCache.clear();
  issuedCache.set(pair, answer);
  return answer;
}

function anchorProblem(anchor: Certificate, at: Date): ChainProblem | null {
  const subject = anchor.subject;
  const mayCertify = anchor.keyUsage === null || (anchor.keyUsage & KeyUsageFlags.keyCertSign) !== 0;
  if (!anchor.isCa || !mayCertify) return { code: 'NOT_A_CA', subject };
  return generalProblem(anchor, at);
}

function leafProblem(leaf: Certificate, at: Date, use: CertificateUse): ChainProblem | null {
  const wrongUse: ChainProblem = { code: 'WRONG_USE', subject: leaf.subject };
  const usage = leaf.keyUsage;
  if (leaf.isCa || usage === null || (usage & KeyUsageFlags.digitalSignature) === 0) return wrongUse;
  const extended = leaf.extendedKeyUsage;
  if (use === 'node') {
    if (!extended?.includes(oidServerAuth) || !extended.includes(oidClientAuth)) return wrongUse;
  } else {
    if ((usage & KeyUsageFlags.nonRepudiation) === 0) return wrongUse;
    // A TLS key must not be able to seal documents.
    if (extended?.some((oid) => oid !== oidEmailProtection)) return wrongUse;
  }
  return generalProblem(leaf, at);
}

function generalProblem(certificate: Certificate, at: Date): ChainProblem | null {
  const subject = certificate.subject;
  if (certificate.unknownCritical.length > 0) return { code: 'UNKNOWN_CRITICAL_EXTENSION', subject };
  if (at < certificate.notBefore) return { code: 'NOT_YET_VALID', subject };
  if (at > certificate.notAfter) return { code: 'EXPIRED', subject };
  if (!strongKey(certificate.publicKey)) return { code: 'WEAK_KEY', subject };
  return null;
}

/** P-256 everywhere; RSA from 2,048 bits because many authorities' seals are RSA. */
function strongKey(key: KeyObject): boolean {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec') return details?.namedCurve === 'prime256v1';
  return key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= 2048;
}
