import { agreementTexts, succession, underAgreements } from './agreements';
import { officers, publicAuthorities, roots } from './authorities';
import { envelopes } from './envelopes';
import { lists, logs, stamps } from './proofs';
import { seals } from './seals';
import type { Group } from './situation';

/** The table of trust situations, in the order of docs/spec/trust-situations.md. */
export const groups: readonly Group[] = [
  seals,
  envelopes,
  officers,
  publicAuthorities,
  roots,
  lists,
  logs,
  stamps,
  agreementTexts,
  succession,
  underAgreements,
];

export * from './situation';
export * from './world';
