import type { Digest } from './encoding';
import type { Certificate } from './keys/certificate';

/** Which version of which agreement something was done under. The digest is over the agreement's canonical bytes. */
export interface AgreementRef {
  id: string;
  version: number;
  digest: Digest;
}

export interface TrustedParty {
  node: string;
  authority: string;
  /** Roots that may certify this party; whom a certificate speaks for is in its URN. */
  anchors: readonly Certificate[];
  /** C2SP verifier key of the party's log. */
  logVkey: string;
}

/** What one agreement version lets us believe. Verification gets it as an argument and looks nowhere else. */
export interface Trust {
  agreement: AgreementRef;
  parties: readonly TrustedParty[];
}

export function trustedParty(trust: Trust, node: string): TrustedParty | undefined {
  return trust.parties.find((party) => party.node === node);
}
