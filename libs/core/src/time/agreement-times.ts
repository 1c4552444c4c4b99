import type { Agreement, AgreementProposal, AgreementSignature } from '../agreement/agreement';
import { digestOf } from '../encoding';
import { type GatewayError, hasCode } from '../errors';
import { readTimeAuthorities, type Timestamp, verifyTimestamp } from './timestamp';

/** When a signature under an agreement existed at the latest, as far as a token shows it. */
export interface SignatureTime {
  signature: AgreementSignature;
  /** Null: there is no token, or it is no good. */
  timestamp: Timestamp | null;
  /** TIMESTAMP_MALFORMED or TIMESTAMP_INVALID with its `reason`; null where there is no token, or it is good. */
  problem: GatewayError | null;
}

/**
 * Checks the tokens beside an agreement's signatures, each over the ASCII of its JWS, against the time authorities that
 * the agreement itself names: who agreed on the text agreed on its clocks. A token is not signed by anybody but its
 * authority, so a bad one says nothing against the signature.
 */
export function agreementSignatureTimes(agreement: Agreement | AgreementProposal): SignatureTime[] {
  const authorities = readTimeAuthorities(agreement.content.timeAuthorities);
  return agreement.signatures.map((signature) => {
    if (signature.timestamp === null) return { signature, timestamp: null, problem: null };
    const token = Buffer.from(signature.timestamp, 'base64');
    try {
      const timestamp = verifyTimestamp(token, digestOf(Buffer.from(signature.jws)), authorities);
      return { signature, timestamp, problem: null };
    } catch (problem) {
      if (!hasCode(problem, 'TIMESTAMP_MALFORMED', 'TIMESTAMP_INVALID')) throw problem;
      return { signature, timestamp: null, problem };
    }
  });
}
