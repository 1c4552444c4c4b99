import type { Person } from '@jieqiao/access';
import { GatewayError } from '@jieqiao/core';
import type { RecognitionDecision, RecognitionResult, TransferData } from '@jieqiao/recognition';
import type { TransferRow } from './tables';
import type { Person as Actor, Facts } from './transfer/guards';
import type { TransferLife } from './transfer/life';
import { type Command, type Guard, rowsFor } from './transfer/lifecycle';

const asksRules: readonly Guard[] = [
  'rules-pass',
  'urgent',
  'competent',
  'may-file',
  'own-filing',
  'crime-cleared',
  'redacted',
];

/** Whether a command is decided by what the rules say now. */
export function needsRules(command: Command, life: TransferLife): boolean {
  return rowsFor(command, life.side, life.kind).some((row) => row.guards?.some((guard) => asksRules.includes(guard)));
}

/**
 * Findings that only warn of a transfer and yet stand against a step: an order to correct that is not there when the
 * case is filed, a crime threshold when anything administrative is decided, grounds of urgency when it is claimed.
 */
const warningsThatCount: Partial<Record<Command, readonly string[]>> = {
  'send-urgent': ['R17'],
  'accept-provisionally': ['R17'],
  file: ['R13', 'R14'],
  attach: ['R13'],
  'not-file': ['R13'],
  decide: ['R13'],
};

/** The rules that speak against a step. A request for supplements does unless the officer has seen it. */
export function rulesAgainst(
  decision: RecognitionDecision,
  command: Command,
  acknowledged: readonly string[] = [],
): RecognitionResult['rule'][] {
  const counts = warningsThatCount[command] ?? [];
  const against = decision.results.filter(
    ({ rule, result }) =>
      result === 'block' ||
      (result === 'supplement' && !acknowledged.includes(rule)) ||
      (result === 'warn' && counts.includes(rule)),
  );
  return [...new Set(against.map(({ rule }) => rule))];
}

export function factsOf(about: {
  row: TransferRow;
  command: Command;
  transfer: TransferData | null;
  decision: RecognitionDecision | null;
  acknowledged?: readonly string[];
  legalReview: boolean;
  ownCase: string | null;
  returnCodes: readonly string[];
}): Facts {
  const { row, command, transfer, decision, acknowledged, legalReview, ownCase, returnCodes } = about;
  const evidence = transfer?.evidence ?? [];
  const decided = row.decisions ?? {};
  return {
    against: decision ? rulesAgainst(decision, command, acknowledged) : [],
    collectors: [...new Set(evidence.flatMap(({ collectors }) => collectors))],
    legalReview,
    undecidedItems: evidence.filter(({ id }) => !decided[id]).length,
    ownCase,
    penaltyReview: true,
    returnCodes,
  };
}

/** A person as the machine sees one. */
export function actorOf({ id, roles, certNo, qualifiedSince }: Person & { qualifiedSince?: string | null }): Actor {
  return { id, roles, ...(certNo ? { certNo } : {}), ...(qualifiedSince ? { qualifiedSince } : {}) };
}

/** Blocked transfers never leave; those that lack something leave only when the officer has said so, rule by rule. */
export function mayBeSent(decision: RecognitionDecision, acknowledged: readonly string[]): void {
  const rules = (result: string) => [
    ...new Set(decision.results.filter((entry) => entry.result === result).map((entry) => entry.rule)),
  ];
  if (decision.outcome === 'blocked' || decision.outcome === 'crime-track') {
    throw new GatewayError('RECOGNITION_BLOCKED', { outcome: decision.outcome, rules: rules('block') });
  }
  const open = rules('supplement').filter((rule) => !acknowledged.includes(rule));
  if (open.length > 0) throw new GatewayError('ACKNOWLEDGEMENT_REQUIRED', { rules: open });
}
