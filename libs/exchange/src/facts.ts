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

const towardsPeer: readonly Command[] = ['submit', 'send', 'send-urgent', 'answer-supplement'];

/** The rules that speak against a step. A request for supplements does unless the officer has seen it. */
export function rulesAgainst(
  decision: RecognitionDecision,
  command: Command,
  peer: string,
  acknowledged: readonly string[] = [],
): RecognitionResult['rule'][] {
  const counts = warningsThatCount[command] ?? [];
  const against = decision.results.filter(
    (result) =>
      (result.result === 'block' && !(towardsPeer.includes(command) && isPeersOwnCase(result, peer))) ||
      (result.result === 'supplement' && !acknowledged.includes(result.rule)) ||
      (result.result === 'warn' && counts.includes(result.rule)),
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
    against: decision ? rulesAgainst(decision, command, row.peer, acknowledged) : [],
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

/**
 * The peer has filed the same act: that speaks against filing it here, and for telling the peer, which then joins the
 * two cases or disputes who is competent (行政处罚法 §25).
 */
function isPeersOwnCase({ rule, facts }: RecognitionResult, peer: string): boolean {
  return rule === 'R15' && facts.node === peer;
}

/** Blocked transfers never leave; those that lack something leave only when the officer has said so, rule by rule. */
export function mayBeSent(decision: RecognitionDecision, peer: string, acknowledged: readonly string[]): void {
  const rulesOf = (results: RecognitionResult[]) => [...new Set(results.map(({ rule }) => rule))];
  const rules = rulesOf(decision.results.filter((each) => each.result === 'block' && !isPeersOwnCase(each, peer)));
  if (rules.length > 0) throw new GatewayError('RECOGNITION_BLOCKED', { outcome: decision.outcome, rules });
  const asked = rulesOf(decision.results.filter(({ result }) => result === 'supplement'));
  const open = asked.filter((rule) => !acknowledged.includes(rule));
  if (open.length > 0) throw new GatewayError('ACKNOWLEDGEMENT_REQUIRED', { rules: open });
}
