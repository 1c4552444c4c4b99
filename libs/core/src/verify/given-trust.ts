import { type Agreement, inForce } from '../agreement/agreement';
import { checkSuccession, effectiveUntil } from '../agreement/succession';
import type { Digest } from '../encoding';
import { GatewayError } from '../errors';
import type { Crl } from '../keys/crl';
import type { TrustedParty } from '../trust';

/** What a verifier was told to believe. It looks nowhere else. */
export interface GivenTrust {
  /** Versions of agreements, any number and of any ids. None: nobody's signature can be attributed. */
  agreements: readonly Agreement[];
  /** Revocation lists of the parties' roots; those of other roots decide nothing. */
  crls: readonly Crl[];
}

/**
 * Refuses trust that could not mean anything certain. Versions of one agreement must be one history: with two of them in
 * contradiction, what follows from one could be denied by the other. (Gaps are none; versions between may be missing
 * here.) And a list that no root of theirs signed revokes nothing: whoever gave it believes that it was looked at.
 * @throws GatewayError as `checkSuccession` does; CRL_SIGNATURE_INVALID {issuer, number}
 */
export function checkGivenTrust({ agreements, crls }: GivenTrust): void {
  const versions = [...agreements].sort(newestFirst);
  for (const next of versions) {
    const previous = versions.find(({ ref }) => ref.id === next.ref.id && ref.version === next.ref.version - 1);
    const twin = versions.find(({ ref }) => ref.id === next.ref.id && ref.version === next.ref.version);
    if (twin && twin.ref.digest !== next.ref.digest) checkSuccession(twin, next);
    if (previous) checkSuccession(next, previous);
  }
  const anchors = agreements.flatMap(({ trust }) => trust.parties.flatMap((party) => party.anchors));
  for (const crl of crls) {
    if (anchors.some(({ certificate }) => crl.issuedBy(certificate))) continue;
    throw new GatewayError('CRL_SIGNATURE_INVALID', { issuer: crl.issuer, number: crl.number });
  }
}

export function versionOf(agreements: readonly Agreement[], digest: Digest): Agreement | undefined {
  return agreements.find((agreement) => agreement.ref.digest === digest);
}

/** The newest version that had taken over from this one at a moment, or undefined. */
export function laterVersion(agreements: readonly Agreement[], { ref }: Agreement, at: Date): Agreement | undefined {
  return agreements
    .filter(({ ref: other }) => other.id === ref.id && other.version > ref.version)
    .filter(({ content }) => content.effective.from <= at.toISOString())
    .sort(newestFirst)[0];
}

/** A party of one version, as a judge of what it may have signed. */
export interface Judge {
  agreement: Agreement;
  party: TrustedParty;
  /** Whether the version governed at the moment asked about. */
  inForce: boolean;
}

/**
 * The parties that may have signed something at a moment, newest version first. Where a version in force knows such a
 * party, only those in force judge: an old version must not vouch for keys that a newer one has withdrawn.
 */
export function judgesAt(
  agreements: readonly Agreement[],
  at: Date,
  known: (party: TrustedParty) => boolean,
): readonly Judge[] {
  const judges = [...agreements].sort(newestFirst).flatMap((agreement) => {
    const governs = inForce(agreement, at) && at.toISOString() < effectiveUntil(agreement, agreements);
    return agreement.trust.parties.filter(known).map((party) => ({ agreement, party, inForce: governs }));
  });
  const governing = judges.filter((judge) => judge.inForce);
  return governing.length > 0 ? governing : judges;
}

function newestFirst(a: Agreement, b: Agreement): number {
  return b.ref.version - a.ref.version;
}
