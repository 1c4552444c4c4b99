import type { Digest } from './encoding';
import type { Certificate, CertificateUse } from './keys/certificate';
import type { Crl } from './keys/crl';

/** Which version of which agreement something was done under. The digest is over the agreement's canonical bytes. */
export interface AgreementRef {
  id: string;
  version: number;
  digest: Digest;
}

/** A certificate that speaks for a party under a certification authority that serves others too. */
export type Speaker = { use: CertificateUse; fingerprint: string } | { use: CertificateUse; subject: string };

/** A root that may certify a party. */
export interface Anchor {
  certificate: Certificate;
  /** Null: the party's own root, under which a certificate's URN decides. Otherwise these and no others speak for it. */
  speakers: readonly Speaker[] | null;
}

/** A root that certifies one party and nobody else. */
export const ownRoot = (certificate: Certificate): Anchor => ({ certificate, speakers: null });

export interface TrustedParty {
  node: string;
  authority: string;
  anchors: readonly Anchor[];
  /** C2SP verifier key of the party's log. */
  logVkey: string;
  /** When the authority exists: from (inclusive), to (exclusive); null is open. Instants. */
  validity: { from: string | null; to: string | null };
  /** Which party takes over its powers and open transfers, and when. */
  successor: { node: string; from: string } | null;
}

/** What one agreement version lets us believe. Verification gets it as an argument and looks nowhere else. */
export interface Trust {
  agreement: AgreementRef;
  parties: readonly TrustedParty[];
  /** Revocation lists at hand, of any party's roots; those of other roots are ignored. */
  crls: readonly Crl[];
}

export function trustedParty(trust: Trust, node: string): TrustedParty | undefined {
  return trust.parties.find((party) => party.node === node);
}

/** Who holds a party's powers at a moment: the party itself, or the last in its line of successors. Null: not a party. */
export function powersOf(trust: Trust, node: string, at: Date): TrustedParty | null {
  const time = at.toISOString();
  let party = trustedParty(trust, node);
  // As many steps as there are parties: a ring of successors, refused on reading, still can't hang us.
  for (let i = 0; party?.successor && party.successor.from <= time && i < trust.parties.length; i++) {
    party = trustedParty(trust, party.successor.node);
  }
  return party ?? null;
}
