import { createHash, type KeyObject, verify } from 'node:crypto';
import type { AgreementTimeAuthority } from '../agreement/agreement';
import { issuerAndSerial } from '../bundle/cades';
import { der, oid, sequence, tag, unsigned } from '../bundle/der';
import { type Digest, rawDigest } from '../encoding';
import { GatewayError, hasCode } from '../errors';
import { Certificate, isStrongKey } from '../keys/certificate';
import { keyUsageBit } from '../keys/certificate-fields';
import { type ChainProblemCode, issued } from '../keys/chain';
import { failures, hashName, oids, readDer, readToken, type TimestampToken, versionOne } from './token';

/** Whose time-stamps count. The agreement names them; nothing else makes an authority of time. */
export interface TimeAuthority {
  name: string;
  /** The authority's own certificate, or a root under which its certificate must lie. */
  certificate: Certificate;
  /** Its time proves nothing to strangers: whoever runs the node can make it say any time. */
  demonstration: boolean;
}

/** What a good token says: the digest existed at this time. */
export interface Timestamp {
  /** To the millisecond, cut. */
  time: Date;
  /** How far the true time may lie to either side; null when the token does not say. */
  accuracyMs: number | null;
  /** Name of the authority in the agreement. */
  authority: string;
  demonstration: boolean;
  /** Upper-case hex, as certificates' serial numbers. */
  serial: string;
  /** Dotted object identifier. */
  policy: string;
}

/** Of every token of the embedded authority: 2.25 and a UUID as a number (ITU-T X.667). */
export const demonstrationPolicy = '2.25.260294909652277955043223463946081819587';

const oidExtendedKeyUsage = '2.5.29.37';
const oidTimeStamping = '1.3.6.1.5.5.7.3.8';
/** Certification authorities between the signer and the named certificate. */
const maxIntermediates = 3;
const largerCurves = new Set(['secp384r1', 'secp521r1']);

/** By object identifier. `hash` is null where the SignerInfo's digest algorithm says it. */
const signatureAlgorithms = new Map(
  (
    [
      ['1.2.840.113549.1.1.1', 'rsa', null],
      ['1.2.840.113549.1.1.11', 'rsa', 'sha256'],
      ['1.2.840.113549.1.1.12', 'rsa', 'sha384'],
      ['1.2.840.113549.1.1.13', 'rsa', 'sha512'],
      ['1.2.840.10045.4.3.2', 'ec', 'sha256'],
      ['1.2.840.10045.4.3.3', 'ec', 'sha384'],
      ['1.2.840.10045.4.3.4', 'ec', 'sha512'],
    ] as const
  ).map(([name, key, hash]) => [oid(name).toString('hex'), { key, hash }]),
);

/** @throws GatewayError CERTIFICATE_MALFORMED, which an agreement's reader has ruled out */
export function readTimeAuthorities(list: readonly AgreementTimeAuthority[] = []): TimeAuthority[] {
  return list.map(({ name, certificate, demonstration }) => {
    return { name, certificate: Certificate.parse(Buffer.from(certificate, 'base64')), demonstration };
  });
}

/**
 * DER of a TimeStampReq (RFC 3161 §2.4.1) for a SHA-256 digest, asking for the authority's certificates.
 * @param nonce random, read as a number that is not negative: 8 to 20 bytes
 */
export function timestampRequest(imprint: Digest, nonce: Uint8Array): Buffer {
  // With NULL, as `openssl ts` writes it: there are authorities that know no other spelling.
  const sha256 = sequence(oids.sha256, der(tag.null));
  return sequence(
    der(tag.integer, versionOne),
    sequence(sha256, der(tag.octetString, rawDigest(imprint))),
    unsigned(nonce),
    der(tag.boolean, Buffer.from([0xff])),
  );
}

const statuses = [
  'granted',
  'grantedWithMods',
  'rejection',
  'waiting',
  'revocationWarning',
  'revocationNotification',
] as const;

/**
 * The token in a TimeStampResp. Its free text is left alone: it is a stranger's.
 * @throws GatewayError TIMESTAMP_MALFORMED; TIMESTAMP_INVALID {reason: 'refused', status, failInfo} when the authority
 *   granted nothing
 */
export function readTimestampResponse(response: Uint8Array): Buffer {
  return readDer(response, (reader) => {
    const outer = reader.enter(tag.sequence);
    const statusInfo = outer.enter(tag.sequence);
    const { value } = statusInfo.next(tag.integer);
    const status = value.length === 1 ? statuses[value[0]!] : undefined;
    if (statusInfo.nextTag() === tag.sequence) statusInfo.next(tag.sequence);
    const bits = statusInfo.nextTag() === tag.bitString ? statusInfo.next(tag.bitString).value : null;
    statusInfo.end();
    if (status !== 'granted' && status !== 'grantedWithMods') {
      const isSet = (bit: number) => ((bits?.[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0;
      const failInfo = Object.entries(failures).flatMap(([name, bit]) => (isSet(bit) ? [name] : []));
      throw new GatewayError('TIMESTAMP_INVALID', { reason: 'refused', status: status ?? 'unknown', failInfo });
    }
    const token = outer.next(tag.sequence).raw;
    outer.end();
    return Buffer.from(token);
  });
}

/**
 * Checks a time-stamp token (RFC 3161 §2.3, §2.4.2; RFC 5816) over a digest. What no signature covers (version numbers,
 * the list of digest algorithms, certificates that are not on the path, revocation lists, unsigned attributes) has no
 * part in the answer.
 * @param nonce of the request, where the caller made one
 * @throws GatewayError TIMESTAMP_MALFORMED; TIMESTAMP_INVALID {reason}: `imprint`, `nonce`, `content-type`, `signers`,
 *   `attributes`, `extension`, `message-digest`, `signing-certificate`, `algorithm`, `signature`, or of the certificates
 *   `UNKNOWN_ISSUER`, `WRONG_USE`, `NOT_YET_VALID`, `EXPIRED`, `WEAK_KEY`, `WEAK_SIGNATURE`, `NOT_A_CA`,
 *   `UNKNOWN_CRITICAL_EXTENSION`
 */
export function verifyTimestamp(
  bytes: Uint8Array,
  imprint: Digest,
  authorities: readonly TimeAuthority[],
  options: { nonce?: Uint8Array } = {},
): Timestamp {
  const token = readToken(bytes);
  const { info } = token;
  if (!info.imprint.algorithm.equals(oids.sha256) || !info.imprint.digest.equals(rawDigest(imprint))) {
    throw invalid('imprint');
  }
  if (options.nonce && !(info.nonce && unsigned(options.nonce).equals(der(tag.integer, info.nonce)))) {
    throw invalid('nonce');
  }
  const certificates = token.certificates.flatMap((raw) => readable(raw) ?? []);
  const signer = signerOf(token, certificates);
  checkSignature(token, signer);
  const authority = authorityOf(signer, certificates, authorities, info.time);
  return {
    time: info.time,
    accuracyMs: info.accuracyMs,
    authority: authority.name,
    // The embedded authority is a demonstration, whatever an agreement calls it.
    demonstration: authority.demonstration || info.policy === demonstrationPolicy,
    serial: info.serial
      .toString('hex')
      .replace(/^(00)+(?=..)/, '')
      .toUpperCase(),
    policy: info.policy,
  };
}

/** A certificate that nothing leads to may be damaged; one that something leads to is then missed. */
function readable(raw: Buffer): Certificate | null {
  try {
    return Certificate.parse(raw);
  } catch (error) {
    if (hasCode(error, 'CERTIFICATE_MALFORMED')) return null;
    throw error;
  }
}

/** The certificate whose digest is signed. The identifier beside it must mean the same one. */
function signerOf(token: TimestampToken, certificates: readonly Certificate[]): Certificate {
  const isNamed = ({ raw }: Certificate) =>
    token.attributes.certificates.every(({ algorithm, digest }) =>
      createHash(algorithm).update(raw).digest().equals(digest),
    );
  const signer = certificates.find(isNamed);
  if (!signer) throw invalid('signing-certificate');
  if ('issuer' in token.signer) {
    const { issuer, serial } = issuerAndSerial(signer.raw);
    if (!issuer.equals(token.signer.issuer) || !serial.equals(token.signer.serial)) {
      throw invalid('signing-certificate');
    }
  } else if (!signer.subjectKeyId?.equals(token.signer.keyIdentifier)) {
    throw invalid('signing-certificate');
  }
  return signer;
}

function checkSignature(token: TimestampToken, signer: Certificate): void {
  const { attributes } = token;
  if (!attributes.contentType.equals(oids.timestampInfo)) throw invalid('content-type');
  const digestAlgorithm = hashName(token.digestAlgorithm);
  const algorithm = signatureAlgorithms.get(token.signatureAlgorithm.toString('hex'));
  const kind = signer.publicKey.asymmetricKeyType;
  if (!digestAlgorithm || !algorithm || algorithm.key !== kind) throw invalid('algorithm');
  if (!createHash(digestAlgorithm).update(token.infoBytes).digest().equals(attributes.messageDigest)) {
    throw invalid('message-digest');
  }
  if (!verify(algorithm.hash ?? digestAlgorithm, attributes.bytes, signer.publicKey, token.signature)) {
    throw invalid('signature');
  }
}

/**
 * The named authority under which the signer lies. Whether it was good is asked for the token's own time: the signature
 * was made then, by the word of the authority that one trusts for exactly this.
 */
function authorityOf(
  signer: Certificate,
  certificates: readonly Certificate[],
  authorities: readonly TimeAuthority[],
  at: Date,
): TimeAuthority {
  const signerProblem = leafProblem(signer, at);
  const self = authorities.find(({ certificate }) => certificate.fingerprint === signer.fingerprint);
  let problem: ChainProblemCode = 'UNKNOWN_ISSUER';
  const left = new Set(certificates);
  let level: readonly Certificate[] = self ? [] : [signer];
  let found = self;
  for (let below = 0; below <= maxIntermediates && !found && level.length > 0; below++) {
    for (const authority of authorities) {
      if (!level.some((certificate) => issued(authority.certificate, certificate))) continue;
      const wrong = issuerProblem(authority.certificate, at, below);
      if (wrong) problem = wrong;
      else found ??= authority;
    }
    const issuers = [...left].filter((candidate) => level.some((certificate) => issued(candidate, certificate)));
    level = issuers.filter((candidate) => {
      left.delete(candidate);
      const wrong = issuerProblem(candidate, at, below) ?? (candidate.strongSignature ? null : 'WEAK_SIGNATURE');
      problem = wrong ?? problem;
      return wrong === null;
    });
  }
  if (!found) throw invalid(problem);
  if (signerProblem) throw invalid(signerProblem);
  return found;
}

/** @param below certification authorities between this one and the signer */
function issuerProblem(certificate: Certificate, at: Date, below: number): ChainProblemCode | null {
  const usage = certificate.keyUsage;
  const mayCertify = usage === null || (usage & keyUsageBit.keyCertSign) !== 0;
  if (!certificate.isCa || !mayCertify || (certificate.pathLength ?? below) < below) return 'NOT_A_CA';
  return generalProblem(certificate, at);
}

/** RFC 3161 §2.3: the key is for time-stamps alone, and software that does not know this use must not accept it. */
function leafProblem(certificate: Certificate, at: Date): ChainProblemCode | null {
  const purposes = certificate.extendedKeyUsage;
  const forTime = certificate.critical.includes(oidExtendedKeyUsage) && purposes?.join() === oidTimeStamping;
  const signing = keyUsageBit.digitalSignature | keyUsageBit.nonRepudiation;
  const usage = certificate.keyUsage ?? keyUsageBit.digitalSignature;
  if (!forTime || (usage & signing) === 0 || (usage & ~signing) !== 0) return 'WRONG_USE';
  return generalProblem(certificate, at) ?? (certificate.strongSignature ? null : 'WEAK_SIGNATURE');
}

function generalProblem(certificate: Certificate, at: Date): ChainProblemCode | null {
  if (certificate.unknownCritical.length > 0) return 'UNKNOWN_CRITICAL_EXTENSION';
  if (at < certificate.notBefore) return 'NOT_YET_VALID';
  if (at > certificate.notAfter) return 'EXPIRED';
  return strongKey(certificate.publicKey) ? null : 'WEAK_KEY';
}

/** Wider than for parties' own keys: public authorities have larger curves. */
function strongKey(key: KeyObject): boolean {
  return isStrongKey(key) || largerCurves.has(key.asymmetricKeyDetails?.namedCurve ?? '');
}

function invalid(reason: string): GatewayError {
  return new GatewayError('TIMESTAMP_INVALID', { reason });
}
