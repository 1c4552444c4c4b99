import type { ErrorParams } from '@jieqiao/core';
import { chinaDay, type RecognitionResult, type RuleId, type TransferKind } from '@jieqiao/recognition';
import type { CommandData, StateMessage } from './command-data';
import {
  designationOf,
  filingsOf,
  hasMismatch,
  hasOwnCase,
  ladderOf,
  mattersOf,
  policeRefused,
  proposalOf,
  type SharedLife,
  since,
  stateBeforeReferral,
  supplementsOf,
  type TransferLife,
  versionsOf,
} from './life';
import {
  type Actor,
  type Command,
  type HomeGuard,
  maxSupplements,
  returnCodes,
  type SharedGuard,
  type Side,
} from './lifecycle';

/** What this node knows of the transfer when a command is given: its rules' results, its registers, its policy. */
export interface Facts {
  /** Rules that speak against the step, by this node's own evaluation now. */
  against: readonly RecognitionResult['rule'][];
  /** Certificate numbers of the officers who collected the evidence. */
  collectors: readonly string[];
  /** Whether this authority wants a legal review of such a transfer. A CASE always has one. */
  legalReview: boolean;
  /** Evidence items on which the legal reviewer has not yet decided. */
  undecidedItems: number;
  /** The number of an own case about the same act. */
  ownCase: string | null;
  /** Whether §58 and the authority's own rules want a legal review before this penalty. */
  penaltyReview: boolean;
  /** In force in the catalogue; absent: the usual ones. */
  returnCodes?: readonly string[];
}

export interface Person {
  id: string;
  roles: readonly Actor[];
  certNo?: string;
  /** Chinese day since when a legal reviewer is qualified (§58). */
  qualifiedSince?: string;
}

/** What both sides know when they ask. */
export interface SharedCase {
  shared: SharedLife;
  kind: TransferKind;
  side: Side;
  at: string;
  data: CommandData;
}
/** And what only the side knows on which the command is given. */
export interface HomeCase extends SharedCase {
  urgent: boolean;
  home: TransferLife['home'];
  pending: TransferLife['pending'];
  actor: Person;
  role: Actor;
  facts: Facts;
}

/** What is missing, as parameters of the refusal; null: the guard lets pass. Pure and total. */
type Answer<Case> = (at: Case) => ErrorParams | null;

const pass = null;
const when = (missing: boolean, params: ErrorParams = {}): ErrorParams | null => (missing ? params : pass);

/** The roles whose steps need different persons. A clerk who registers is none of them. */
const separate: readonly Actor[] = ['handler', 'squad-lead', 'legal-reviewer', 'head', 'seal-keeper'];
/** Where a draft's history begins anew: opinions on what was before do not count. */
const anew = ['create', 'edit', 'send-back'] as const;
const competence: readonly RuleId[] = ['R02', 'R03', 'R05', 'R19'];
const filing: readonly RuleId[] = ['R03', 'R14', 'R15'];

const against = ({ facts }: HomeCase, rules: readonly RuleId[]) => {
  const found = facts.against.filter((rule) => (rules as readonly string[]).includes(rule));
  return when(found.length > 0, { rules: found });
};
const draftRecords = ({ home }: HomeCase) => since(home.records, ...anew);

/** Whether a report of a suspected crime waits for the head, is approved, or neither. */
function crimeReport({ home }: HomeCase): 'reported' | 'approved' | null {
  const steps: readonly Command[] = ['report-crime', 'approve-referral', 'refuse-referral', 'refer-crime'];
  const last = home.records.findLast(({ command }) => steps.includes(command))?.command;
  if (last === 'report-crime') return 'reported';
  return last === 'approve-referral' ? 'approved' : null;
}

/** Whether a person in this role has reviewed what went out, before or after. */
function reviewedBy({ home, side }: HomeCase, role: Actor): boolean {
  const opinions = ['endorse', 'endorse-without-legal-review', 'clear', 'give-opinion-afterwards'];
  const records = side === 'sender' ? since(home.records, ...anew) : since(home.records, 'accept-provisionally');
  return records.some((record) => record.role === role && opinions.includes(record.command));
}

/** An own message that the peer has not taken, as far as is known here. */
const refusedMessage = ({ pending, data }: HomeCase) => pending.find(({ id }) => id === data.message);
const isSending = (message: StateMessage | undefined) =>
  message?.command === 'send' || message?.command === 'send-urgent';

export const homeChecks: Record<HomeGuard, Answer<HomeCase>> = {
  'second-officer': (at) =>
    when(!draftRecords(at).some(({ command, person }) => command === 'sign' && person !== at.actor.id)),
  'one-role': ({ home, actor, role }) => {
    const other = home.records.find(
      (record) => record.person === actor.id && record.role !== role && separate.includes(record.role),
    );
    return when(other !== undefined, { already: other?.role });
  },
  'no-collector': ({ actor, facts }) => when(actor.certNo !== undefined && facts.collectors.includes(actor.certNo)),
  qualified: ({ actor, at }) => when(actor.qualifiedSince === undefined || actor.qualifiedSince > chinaDay(at)),
  'rules-pass': ({ facts }) => when(facts.against.length > 0, { rules: facts.against }),
  'legal-review-optional': ({ facts, kind }) => when(facts.legalReview || kind === 'CASE'),
  'head-approved': (at) => when(!draftRecords(at).some(({ command }) => command === 'approve')),
  urgent: (at) => (at.urgent ? against(at, ['R17']) : { urgency: 'normal' }),
  'opinions-complete': (at) => {
    const legal = at.side === 'receiver' || at.kind === 'CASE' || at.facts.legalReview;
    const roles: Actor[] = [
      ...(at.side === 'sender' ? ['squad-lead' as const] : []),
      ...(legal ? ['legal-reviewer' as const] : []),
    ];
    const missing = roles.filter((role) => !reviewedBy(at, role));
    return when(missing.length > 0, { roles: missing });
  },
  proposed: ({ home, shared }) => {
    // A proposal is about the version that was there: a newer one needs a new proposal.
    const arrived = shared.records.findLastIndex(
      ({ to, from, data }) => (to === 'RECEIVED' && from !== to) || data.content,
    );
    return when(!home.records.some(({ command, known }) => command === 'propose-acceptance' && known > arrived));
  },
  'items-decided': ({ facts }) => when(facts.undecidedItems > 0, { items: facts.undecidedItems }),
  competent: (at) => against(at, competence),
  'may-file': (at) => against(at, filing),
  'own-filing': ({ facts, data }) => when(facts.ownCase === null || facts.ownCase !== data.filing?.number),
  'crime-cleared': (at) => {
    if (crimeReport(at) !== null) return { report: 'open' };
    return policeRefused(at.shared) ? pass : against(at, ['R13']);
  },
  'legally-reviewed': ({ facts, home, shared }) => {
    // A review is of the case as filed: one from before counts for nothing.
    const filed = shared.records.findLastIndex(({ to, from }) => to === 'FILED' && from !== to);
    const reviewed = home.records.some(({ command, known }) => command === 'review-penalty' && known > filed);
    return when(facts.penaltyReview && !reviewed);
  },
  'known-return-code': ({ data, facts }) =>
    when(!(facts.returnCodes ?? returnCodes).includes(data.code as never), { code: data.code }),
  redacted: (at) => against(at, ['R16']),
  'team-of-two': ({ data }) => when(new Set(data.team).size < 2),
  'no-crime-report': (at) => when(crimeReport(at) !== null),
  'crime-reported': (at) => when(crimeReport(at) !== 'reported'),
  'crime-report-open': (at) => when(crimeReport(at) === null),
  'referral-approved': (at) => when(crimeReport(at) !== 'approved'),
  'sending-refused': (at) => when(!isSending(refusedMessage(at))),
  'message-refused': (at) => when(refusedMessage(at) === undefined || isSending(refusedMessage(at))),
};

export const sharedChecks: Record<SharedGuard, Answer<SharedCase>> = {
  'changed-since-return': ({ shared, data }) =>
    when(versionsOf(shared).some(({ returned, content }) => returned && content === data.content)),
  'case-filing': ({ kind, data }) => when(kind === 'CASE' && data.filing === undefined),
  'same-claim': ({ shared, side, data }) => {
    const claimed = filingsOf(shared)[side];
    return when(claimed !== null && data.filing !== undefined && claimed.at !== data.filing.at, {
      claimed: claimed?.at,
    });
  },
  'matters-listed': ({ kind, data }) => when((kind === 'ASSIST') !== (data.matters !== undefined)),
  'supplements-left': ({ shared }) => when(supplementsOf(shared) >= maxSupplements, { most: maxSupplements }),
  'new-version': ({ shared, data }) =>
    when(versionsOf(shared).some(({ bundle, content }) => bundle === data.bundle || content === data.content)),
  'no-mismatch': ({ shared }) => when(hasMismatch(shared)),
  mismatch: ({ shared }) => when(!hasMismatch(shared)),
  'return-ground': ({ shared, data }) => {
    if (data.code === 'INSUFFICIENT_AFTER_SUPPLEMENT') return when(supplementsOf(shared) === 0, { code: data.code });
    // R06 is no ground of its own: the sender is told first and may replace the item.
    if (data.code === 'INTEGRITY') return when(!hasMismatch(shared), { code: data.code });
    return when(shared.state === 'SUPPLEMENT_REQUESTED', { code: data.code });
  },
  'approvals-complete': ({ shared, side }) =>
    when(shared.clocks.some(({ id, owner, stopped }) => id === 'approval-afterwards' && owner === side && !stopped)),
  'proposed-receiver': ({ shared, side }) => when(proposalOf(shared, other(side)) !== 'receiver'),
  'proposed-sender': ({ shared, side }) => when(proposalOf(shared, other(side)) !== 'sender'),
  'next-level': ({ shared, data }) => {
    const { next } = ladderOf(shared);
    return when(data.level !== next, { next: next ?? undefined });
  },
  referred: ({ shared }) => when(ladderOf(shared).level === null),
  'designated-receiver': ({ shared }) => when(designationOf(shared) !== 'receiver'),
  'designated-elsewhere': ({ shared }) => when(designationOf(shared) === 'receiver'),
  'notice-given': ({ data }) => when(data.noticedAt === undefined && data.waived !== true),
  'step-stated': ({ shared, data }) => {
    if (data.outcome === 'penalty') return when(data.step === undefined || shared.state !== 'DECIDED');
    return when(data.outcome === 'assistance');
  },
  'matter-open': ({ shared, data }) => {
    const matter = mattersOf(shared)[(data.matter ?? 0) - 1];
    return when(matter !== 'open' && matter !== 'extended', { matter: data.matter });
  },
  'later-end': ({ data, at }) => when((data.until ?? '') <= chinaDay(at)),
  'matters-settled': ({ shared }) => {
    const open = mattersOf(shared).flatMap((matter, i) =>
      matter === 'open' || matter === 'extended' ? [`${i + 1}`] : [],
    );
    return when(open.length > 0, { matters: open });
  },
  'police-refused': ({ shared }) => when(!policeRefused(shared)),
  'was-filed': ({ shared }) => when(stateBeforeReferral(shared) !== 'FILED'),
  'was-not-filed': ({ shared }) => when(stateBeforeReferral(shared) === 'FILED'),
  'not-attested': ({ shared }) => when(shared.records.some(({ command }) => command === 'attest-disposal')),
  'own-case-open': ({ shared, side }) => when(!hasOwnCase(shared, side)),
};

export function other(side: Side): Side {
  return side === 'sender' ? 'receiver' : 'sender';
}
