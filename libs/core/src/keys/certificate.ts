import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { DerError } from '../bundle/der';
import { fromBase64 } from '../encoding';
import { GatewayError } from '../errors';
import { CertificateFieldError, type CertificateFields, readCertificateFields } from './certificate-fields';
import { NameTooLong } from './distinguished-name';

/** What a certificate is used for: TLS and envelopes, bundles, or a person's signature. */
export type CertificateUse = 'node' | 'seal' | 'officer';

/** Larger certificates than any we or a public CA issue: refused before parsing. */
const maxCertificateBytes = 16 * 1024;
const maxCached = 2_048;

const pemBlock = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;

/** A parsed X.509 certificate. Parsing costs 0.6 ms, so equal bytes give the same object again. */
export class Certificate {
  private static readonly cache = new Map<string, Certificate>();

  private constructor(
    readonly raw: Buffer,
    /** SHA-256 over the DER, lower-case hex. */
    readonly fingerprint: string,
    readonly x509: X509Certificate,
    readonly publicKey: KeyObject,
    private readonly fields: CertificateFields,
  ) {}

  /**
   * @param input DER, or text with one PEM block
   * @throws GatewayError CERTIFICATE_MALFORMED with a `reason`: `too-large` (16 KiB), `not-one`, `not-der`, `too-deep`,
   *   `name-too-long` (4 KiB or 32 relative names), `too-many-names` (100), `serial`, `validity` (ends before it
   *   begins), `public-key` (of a kind unknown to Node)
   */
  static parse(input: Uint8Array | string): Certificate {
    if (input.length > 2 * maxCertificateBytes) throw malformed('too-large');
    const raw = typeof input === 'string' ? fromPem(input) : Buffer.from(input);
    if (raw.length > maxCertificateBytes) throw malformed('too-large');
    const fingerprint = createHash('sha256').update(raw).digest('hex');
    const known = Certificate.cache.get(fingerprint);
    if (known) return known;
    const certificate = Certificate.fromDer(raw, fingerprint);
    if (Certificate.cache.size >= maxCached) Certificate.cache.clear();
    Certificate.cache.set(fingerprint, certificate);
    return certificate;
  }

  private static fromDer(raw: Buffer, fingerprint: string): Certificate {
    let fields: CertificateFields;
    let x509: X509Certificate;
    try {
      fields = readCertificateFields(raw);
      x509 = new X509Certificate(raw);
      if (!x509.raw.equals(raw)) throw new DerError('another encoding of the same certificate');
    } catch (cause) {
      if (cause instanceof NameTooLong) throw malformed('name-too-long', cause);
      throw malformed(cause instanceof CertificateFieldError ? cause.reason : 'not-der', cause);
    }
    try {
      const publicKey = createPublicKey(x509.publicKey.export({ type: 'spki', format: 'pem' }));
      return new Certificate(raw, fingerprint, x509, publicKey, fields);
    } catch (cause) {
      throw malformed('public-key', cause);
    }
  }

  /**
   * RFC 4514 text, escaped so that no two subjects read the same: what an agreement's speakers are compared with, and
   * what `openssl x509 -noout -subject -nameopt RFC2253,-esc_msb` prints.
   */
  get subject(): string {
    return this.fields.subject;
  }

  /** As `subject`. */
  get issuer(): string {
    return this.fields.issuer;
  }

  /** The subject as the certificate writes it. */
  get subjectDer(): Buffer {
    return this.fields.subjectDer;
  }

  /** Organisations and common names of the subject, in this order: whose certificate it is, as people read it. */
  get subjectNames(): readonly string[] {
    const { O = [], CN = [] } = this.x509.toLegacyObject().subject as { O?: string | string[]; CN?: string | string[] };
    return [O, CN].flat();
  }

  /** Upper-case hex of whole bytes. */
  get serial(): string {
    return this.fields.serial;
  }

  get notBefore(): Date {
    return this.fields.notBefore;
  }

  get notAfter(): Date {
    return this.fields.notAfter;
  }

  /** The one URI in the subject alternative name: who this certificate speaks for. Null: none, or several. */
  get urn(): string | null {
    return this.fields.uris.length === 1 ? this.fields.uris[0]! : null;
  }

  get isCa(): boolean {
    return this.fields.isCa;
  }

  /** How many more authorities may stand below this one; null: any number. */
  get pathLength(): number | null {
    return this.fields.pathLength;
  }

  /** Dotted types of the critical extensions. */
  get critical(): readonly string[] {
    return this.fields.critical;
  }

  /** Sum of `keyUsageBit`s; null where the extension is absent. */
  get keyUsage(): number | null {
    return this.fields.keyUsage;
  }

  /** Dotted purposes; null where the extension is absent. */
  get extendedKeyUsage(): readonly string[] | null {
    return this.fields.extendedKeyUsage;
  }

  get subjectKeyId(): Buffer | null {
    return this.fields.subjectKeyId;
  }

  /** Dotted types of critical extensions that `checkChain` does not look at. */
  get unknownCritical(): readonly string[] {
    return this.fields.unknownCritical;
  }

  /** Whether the issuer signed with SHA-256, SHA-384 or SHA-512 and RSA or ECDSA. */
  get strongSignature(): boolean {
    return this.fields.strongSignature;
  }

  toPem(): string {
    return this.x509.toString();
  }
}

function fromPem(text: string): Buffer {
  const blocks = [...text.matchAll(pemBlock)];
  if (blocks.length > 1) throw malformed('not-one');
  const der = fromBase64((blocks[0]?.[1] ?? '').replace(/\s/g, ''));
  if (!der || der.length === 0) throw malformed('not-der');
  return der;
}

function malformed(reason: string, cause?: unknown): GatewayError {
  return new GatewayError('CERTIFICATE_MALFORMED', { reason }, { cause });
}

/** P-256 everywhere; RSA from 2,048 bits because many authorities' seals are RSA. */
export function isStrongKey(key: KeyObject): boolean {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec') return details?.namedCurve === 'prime256v1';
  // Under the exponent 1 every number is its own signature.
  return key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= 2048 && details!.publicExponent! > 1n;
}
