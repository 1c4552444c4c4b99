/** What the registers of the side that asks said. It is kept in the decision, so that the same can be asked again. */
export interface Registers {
  /** Cases filed for the same act, at this node and at the peers that were asked. `filedAt`: instant. */
  filings: readonly { node: string; number: string; filedAt: string }[];
  /** Peers that were asked for such cases and did not answer. */
  unanswered: readonly string[];
  /** Whether another document of the issuer bears the transfer's number. */
  numberTaken: boolean;
  /** In whose name the seal's certificate is, and whether it is valid; null while nothing is sealed. */
  seal: { owner: string; valid: boolean } | null;
}
