import type { Anchor, Speaker } from '../trust';
import { type Certificate, type CertificateUse, isStrongKey } from './certificate';
import { keyUsageBit } from './certificate-fields';
import type { Crl } from './crl';

const oidServerAuth = '1.3.6.1.5.5.7.3.1';
const oidClientAuth = '1.3.6.1.5.5.7.3.2';
/** Purposes that fit a key that signs documents: e-mail protection, and document signing (RFC 9336). */
const documentPurposes = ['1.3.6.1.5.5.7.3.4', '1.3.6.1.5.5.7.3.36'];
const maxCached = 2_048;

export const chainProblemCodes = [
  'NOT_YET_VALID',
  'EXPIRED',
  'REVOKED',
  'UNKNOWN_ISSUER',
  'WRONG_USE',
  'WEAK_KEY',
  'WEAK_SIGNATURE',
  'NOT_A_CA',
  'UNKNOWN_CRITICAL_EXTENSION',
  'WRONG_NAME',
  'NOT_A_SPEAKER',
] as const;
export type ChainProblemCode = (typeof chainProblemCodes)[number];

export interface ChainProblem {
  code: ChainProblemCode;
  /** Whose certificate: its subject, or `sha256:` and its fingerprint where the subject is a person. */
  subject: string;
  /** With REVOKED: since when. */
  revokedAt?: Date;
}

/** What is known of revocations, and the moment up to which they count: the latest at which the key may have signed. */
export interface Revocation {
  crls: readonly Crl[];
  at: Date;
}

/**
 * Checks a leaf against trust anchors at a moment in time (RFC 5280 §6, paths of exactly leaf and anchor: an
 * authority's root signs its certificates directly). `null` means that nothing is wrong.
 * @param urn who the leaf must speak for; names in the subject are for people and decide nothing. Left out: anyone, in
 *   that use. Under an anchor with speakers the agreement's list decides instead.
 */
export function checkChain(
  leaf: Certificate,
  anchors: readonly Anchor[],
  at: Date,
  use: CertificateUse,
  urn?: string,
  revocation?: Revocation,
): ChainProblem | null {
  // Problems reach logs and peers, where an officer's name and number have no place.
  const subject = use === 'officer' ? `sha256:${leaf.fingerprint}` : leaf.subject;
  const anchor = anchorOf(leaf, anchors, at);
  if (!anchor) return { code: 'UNKNOWN_ISSUER', subject };
  const ofAnchor = anchorProblem(anchor.certificate, at);
  if (ofAnchor) return { code: ofAnchor, subject: anchor.certificate.subject };
  const code = leafProblem(leaf, at, use) ?? nameProblem(leaf, anchor, use, urn);
  if (code) return { code, subject };
  const revokedAt = revocation && revokedSince(leaf, anchor.certificate, revocation);
  return revokedAt ? { code: 'REVOKED', subject, revokedAt } : null;
}

/**
 * The anchor that issued a certificate, whatever else may be wrong with either. Where a root was renewed with its key,
 * both are issuers, and one that is good at that moment counts.
 */
export function anchorOf(leaf: Certificate, anchors: readonly Anchor[], at: Date): Anchor | undefined {
  const issuers = anchors.filter(({ certificate }) => issued(certificate, leaf));
  return issuers.find(({ certificate }) => !anchorProblem(certificate, at)) ?? issuers[0];
}

const issuedCache = new Map<string, boolean>();

/** Name and signature both match. A signature check costs 0.1 ms, so the answer for a pair of certificates is kept. */
export function issued(anchor: Certificate, leaf: Certificate): boolean {
  const pair = `${anchor.fingerprint}${leaf.fingerprint}`;
  const known = issuedCache.get(pair);
  if (known !== undefined) return known;
  const answer =
    anchor.fingerprint !== leaf.fingerprint && leaf.issuer === anchor.subject && leaf.x509.verify(anchor.publicKey);
  if (issuedCache.size >= maxCached) issuedCache.clear();
  issuedCache.set(pair, answer);
  return answer;
}

function anchorProblem(anchor: Certificate, at: Date): ChainProblemCode | null {
  const mayCertify = anchor.keyUsage === null || (anchor.keyUsage & keyUsageBit.keyCertSign) !== 0;
  if (!anchor.isCa || !mayCertify) return 'NOT_A_CA';
  return generalProblem(anchor, at);
}

function leafProblem(leaf: Certificate, at: Date, use: CertificateUse): ChainProblemCode | null {
  const usage = leaf.keyUsage;
  if (leaf.isCa || usage === null || (usage & keyUsageBit.digitalSignature) === 0) return 'WRONG_USE';
  const purposes = leaf.extendedKeyUsage;
  if (use === 'node') {
    if (!purposes?.includes(oidServerAuth) || !purposes.includes(oidClientAuth)) return 'WRONG_USE';
  } else {
    if ((usage & keyUsageBit.nonRepudiation) === 0) return 'WRONG_USE';
    // A TLS key must not be able to seal documents.
    if (purposes?.some((purpose) => !documentPurposes.includes(purpose))) return 'WRONG_USE';
  }
  // Only here: an anchor is believed for standing in the agreement, whatever signed it.
  return generalProblem(leaf, at) ?? (leaf.strongSignature ? null : 'WEAK_SIGNATURE');
}

function generalProblem(certificate: Certificate, at: Date): ChainProblemCode | null {
  if (certificate.unknownCritical.length > 0) return 'UNKNOWN_CRITICAL_EXTENSION';
  if (at < certificate.notBefore) return 'NOT_YET_VALID';
  if (at > certificate.notAfter) return 'EXPIRED';
  return isStrongKey(certificate.publicKey) ? null : 'WEAK_KEY';
}

/** Whether a certificate speaks for somebody under its anchor, whether or not it is good. */
export function nameProblem(
  leaf: Certificate,
  anchor: Anchor,
  use: CertificateUse,
  urn?: string,
): 'NOT_A_SPEAKER' | 'WRONG_NAME' | null {
  if (anchor.speakers !== null) {
    return anchor.speakers.some((speaker) => speaker.use === use && isSpeaker(leaf, speaker)) ? null : 'NOT_A_SPEAKER';
  }
  // Seals and officers differ in nothing but this name.
  const fits = urn === undefined ? leaf.urn?.startsWith(`urn:jieqiao:${use}:`) : leaf.urn === urn;
  return fits ? null : 'WRONG_NAME';
}

function isSpeaker(leaf: Certificate, speaker: Speaker): boolean {
  return 'fingerprint' in speaker ? speaker.fingerprint === leaf.fingerprint : speaker.subject === leaf.subject;
}

/** The earliest of the dates that lists name, if it counts: a list may say more than the one before, but not less. */
function revokedSince(leaf: Certificate, anchor: Certificate, { crls, at }: Revocation): Date | null {
  let since: Date | null = null;
  for (const crl of crls) {
    const revokedAt = crl.entry(leaf.serial)?.revokedAt;
    if (!revokedAt || revokedAt > at || (since && since <= revokedAt) || !crl.issuedBy(anchor)) continue;
    since = revokedAt;
  }
  return since;
}
