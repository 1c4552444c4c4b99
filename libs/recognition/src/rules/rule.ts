import type {
  AgreementDirection,
  LegalBasis,
  RecognitionAgreement,
  RecognitionLevel,
  RuleParameters,
} from '../agreement-terms';
import type { CatalogueSet } from '../catalogue';
import type { Findings } from '../findings';
import type { Registers } from '../registers';
import type { TransferData, TransferKind } from '../transfer-data';
import type { Facts, RuleId } from './rule-id';

export type { Facts, RuleId, RuleResult } from './rule-id';

/** One remedy per code; words for each in words.ts. */
export const remedyCodes = [
  'add-officers',
  'renew-certificate',
  'state-certificate-validity',
  'send-to-place-of-act',
  'correct-coordinates',
  'refine-place-code',
  'confirm-place',
  'send-to-holder-of-power',
  'check-power',
  'check-law',
  'compare-laws',
  'check-actor',
  'check-limitation',
  'do-not-pursue',
  'correct-discovery',
  'replace-file',
  'describe-production',
  'state-sound',
  'add-transcript',
  'certify-copy',
  'count-pages',
  'complete-signatures',
  'publish-device',
  'dispose-registered',
  'explain-late-disposal',
  'count-by-hand',
  'extend-seizure',
  'release-seized',
  'refer-to-police',
  'consider-police',
  'retake-statement',
  'check-preconditions',
  'add-order-and-re-check',
  'order-to-correct-first',
  'close-as-corrected',
  'join-filed-case',
  'ask-peers-again',
  'redact',
  'use-normal-procedure',
  'correct-number',
  'take-another-number',
  'seal-again',
  'use-agreement-in-force',
  'amend-agreement',
  'address-successor',
  'expect-refusal-of-item',
  'review-by-another',
  'state-qualification',
] as const;
export type RemedyCode = (typeof remedyCodes)[number];

export interface RuleInput {
  transfer: TransferData;
  agreement: RecognitionAgreement;
  /** The agreement's entry for this sender and receiver, by succession too; absent when it has none. */
  direction: AgreementDirection | undefined;
  parameters: RuleParameters;
  /** Digest per evidence and document id as the sealed manifest lists them; null before sealing. */
  manifest: Readonly<Record<string, string>> | null;
  /** When the evaluation happens, ISO instant. */
  at: string;
  catalogue: CatalogueSet;
  registers: Registers;
  /** Empty where the receiver has found nothing of its own yet. */
  findings: Findings;
  /** The act as the transfer states it, overlaid with the findings; discovered when either side first did. */
  act: TransferData['act'] & { discoveredAt: string };
}

export interface Finding {
  result: 'warn' | 'supplement' | 'block';
  remedy: RemedyCode;
  facts: Facts;
  /** Where an article other than the rule's usual one governs this finding. */
  basis?: readonly LegalBasis[];
  /** Id of the item it concerns; absent when it concerns the whole transfer. */
  evidence?: string;
  /** The item can't be proposed for more than this while the finding stands. */
  cap?: RecognitionLevel;
}

/** Nothing examined means not applicable; no findings means passed, and then `facts` say how. */
export interface Checked {
  examined: number;
  findings: Finding[];
  facts?: Facts;
}

export interface Rule {
  id: RuleId;
  basis: readonly LegalBasis[];
  /** Kinds of transfer it speaks of; domain.md §8. */
  appliesTo: 'every' | readonly TransferKind[];
  /** Pure and total. */
  check(input: RuleInput): Checked;
}
