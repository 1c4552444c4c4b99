import type { Role } from '@jieqiao/access';
import type { ClockId, TransferKind } from '@jieqiao/recognition';

/**
 * A transfer's whole life, as data: the one table of who may do what in which state. Nothing here computes; `apply` and
 * `receive` in apply.ts walk it, and docs/spec/lifecycle.md is generated from it. 行政处罚法 is meant by a bare §.
 */

/**
 * Where the sender works on a transfer before it leaves. The peer sees none of these: of what its node refused
 * (REJECTED_TECH) it holds nothing.
 */
export const homeStates = ['DRAFT', 'IN_REVIEW', 'LEGAL_REVIEW', 'PENDING_APPROVAL', 'REJECTED_TECH'] as const;
export type HomeState = (typeof homeStates)[number];

/** What both sides agree on. NEW: nothing has been sent yet. */
export const sharedStates = [
  'NEW',
  'SENT',
  'DELIVERED',
  'RECEIVED',
  'SUPPLEMENT_REQUESTED',
  'RETURNED',
  'FORWARDED',
  'IN_DISPUTE',
  'DESIGNATED',
  'ACCEPTED',
  'NOT_FILED',
  'FILED',
  'CRIMINAL_REFERRED',
  'DECIDED',
  'FEEDBACK_SENT',
  'CLOSED',
  'WITHDRAWN',
] as const;
export type SharedState = (typeof sharedStates)[number];
export type LifeState = HomeState | SharedState;

/** In these the sender may work on a transfer and send it, for the first time or again. */
export const sendableStates: readonly SharedState[] = ['NEW', 'RETURNED'];

export type Side = 'sender' | 'receiver';
/** A person in a role, or the node itself, which delivers, refuses and counts days. */
export type Actor = Role | 'node';

/** Documents that a step needs, by their codes in the catalogue; the last seven stand in domain.md §4 only. */
export type DocumentType =
  | 'transfer-receipt'
  | 'assistance-reply'
  | 'evidence-list'
  | 'item-list'
  | 'filing-approval'
  | 'penalty-decision'
  | 'closing-approval'
  | 'feedback-letter'
  | 'jurisdiction-letter'
  | 'supplement-or-return-letter'
  | 'crime-transfer-letter'
  /** lead-transfer-letter, case-transfer-letter, assistance-letter, evidence-list or notice-sheet: `letterOf`. */
  | 'transfer-letter'
  | 'personal-opinion'
  | 'acceptance-notice'
  | 'forwarding-letter'
  | 'designation-notice'
  | 'police-notice'
  | 'confirmation';

/** The letter with which each kind of transfer leaves. */
export const letterOf: Readonly<Record<TransferKind, string>> = {
  LEAD: 'lead-transfer-letter',
  CASE: 'case-transfer-letter',
  ASSIST: 'assistance-letter',
  EVIDENCE: 'evidence-list',
  NOTICE: 'notice-sheet',
  CRIMINAL_STATUS: 'notice-sheet',
};

/**
 * The clocks of a transfer's life: who must act in time, and whether both sides keep it or only the one at home. Ids
 * and lengths are recognition's. Clocks of the receiver's own case (seizure, hearing, service, payment) are not here.
 */
export const lifeClocks = {
  'squad-opinion': { owner: 'sender', home: true },
  'legal-opinion': { owner: 'sender', home: true },
  approval: { owner: 'sender', home: true },
  /** Either side may owe approvals; the clock is its own. */
  'approval-afterwards': { owner: 'actor', home: false },
  delivery: { owner: 'sender', home: false },
  receipt: { owner: 'receiver', home: false },
  acceptance: { owner: 'receiver', home: false },
  supplement: { owner: 'sender', home: false },
  forwarding: { owner: 'receiver', home: true },
  negotiation: { owner: 'both', home: false },
  designation: { owner: 'superior', home: false },
  filing: { owner: 'receiver', home: false },
  decision: { owner: 'receiver', home: false },
  feedback: { owner: 'receiver', home: false },
  confirmation: { owner: 'sender', home: false },
  'assist-reply': { owner: 'receiver', home: false },
  'crime-decision': { owner: 'receiver', home: true },
  'crime-handover': { owner: 'receiver', home: true },
  'police-forwarding': { owner: 'police', home: true },
  'police-decision': { owner: 'police', home: true },
  'reconsideration-request': { owner: 'receiver', home: true },
  'reconsideration-answer': { owner: 'police', home: true },
  'supervision-request': { owner: 'receiver', home: true },
  'crime-items-handover': { owner: 'receiver', home: true },
} as const satisfies Partial<Record<ClockId, { owner: string; home: boolean }>>;
export type LifeClockId = keyof typeof lifeClocks;

/** Asked where the command is given: about persons and about what this node's rules and registers say. */
export const homeGuards = [
  'second-officer',
  'one-role',
  'no-collector',
  'qualified',
  'rules-pass',
  'legal-review-optional',
  'head-approved',
  'urgent',
  'opinions-complete',
  'proposed',
  'items-decided',
  'competent',
  'may-file',
  'own-filing',
  'crime-cleared',
  'legally-reviewed',
  'known-return-code',
  'redacted',
  'team-of-two',
  'no-crime-report',
  'crime-reported',
  'crime-report-open',
  'referral-approved',
  'sending-refused',
  'message-refused',
] as const;
/** Asked on both sides of what both know, so that both answer alike. */
export const sharedGuards = [
  'changed-since-return',
  'case-filing',
  'same-claim',
  'matters-listed',
  'supplements-left',
  'new-version',
  'no-mismatch',
  'mismatch',
  'return-ground',
  'approvals-complete',
  'proposed-receiver',
  'proposed-sender',
  'next-level',
  'referred',
  'designated-receiver',
  'designated-elsewhere',
  'notice-given',
  'step-stated',
  'matter-open',
  'later-end',
  'matters-settled',
  'police-refused',
  'was-filed',
  'was-not-filed',
  'not-attested',
  'own-case-open',
] as const;
export type HomeGuard = (typeof homeGuards)[number];
export type SharedGuard = (typeof sharedGuards)[number];
export type Guard = HomeGuard | SharedGuard;

export const maxSupplements = 2;

/** Reason codes of a return (domain.md §5, §8): the default; a node takes them from its catalogue. */
export const returnCodes = [
  'NO_TERRITORY',
  'NO_POWER',
  'NOT_COVERED',
  'EXPIRED',
  'DUPLICATE',
  'CRIME_TRACK',
  'INSUFFICIENT_AFTER_SUPPLEMENT',
  'INTEGRITY',
  'FORMALITY',
  'PRIVACY',
  'OTHER',
] as const;

/** Bodies that can settle a dispute over competence, from the lowest up, after the two sides themselves. */
export const disputeLevels = ['city', 'province', 'nation'] as const;

interface Row {
  command: string;
  from: readonly LifeState[];
  /** `same`: the state stays; something is put on record. `before`: what it was before the message that is undone. */
  to: LifeState | 'same' | 'before';
  side: Side | 'either';
  /** Who may; one of them is enough. */
  roles: readonly Actor[];
  /** Absent: every kind. */
  kinds?: readonly TransferKind[];
  guards?: readonly Guard[];
  /** Only while this clock of the side's own runs or is paused. */
  during?: LifeClockId;
  /** Only when this clock has run out. */
  after?: LifeClockId;
  stops?: readonly LifeClockId[];
  pauses?: readonly LifeClockId[];
  resumes?: readonly LifeClockId[];
  /** A clock that runs already is left alone. */
  starts?: readonly LifeClockId[];
  /** The time for the clocks where it is not the command's own or `happenedAt`: that of the filing. */
  dated?: 'filing';
  /** What must have been signed: the command names it by digest in `document`. */
  signed?: DocumentType;
  /** The kind of message to the peer; absent: the step stays at home. */
  message?: string;
  /** The event for the log, after `transfer.` */
  event: string;
}

const penal = ['LEAD', 'CASE'] as const;
const examined = ['LEAD', 'CASE', 'EVIDENCE'] as const;
const told = ['NOTICE', 'CRIMINAL_STATUS'] as const;
const anywhere: readonly LifeState[] = [...homeStates, ...sharedStates.filter((state) => state !== 'NEW')];
const withPolice = [
  'police-decision',
  'police-forwarding',
  'reconsideration-request',
  'reconsideration-answer',
  'supervision-request',
] as const;

const table = [
  // At the sender: two officers, squad head, legal review, head, seal keeper; nobody in two of these roles.
  { command: 'create', from: ['NEW'], to: 'DRAFT', side: 'sender', roles: ['handler'], event: 'created' },
  {
    command: 'edit',
    from: ['DRAFT', 'REJECTED_TECH', 'RETURNED'],
    to: 'DRAFT',
    side: 'sender',
    roles: ['handler'],
    event: 'edited',
  },
  {
    command: 'sign',
    from: ['DRAFT'],
    to: 'same',
    side: 'sender',
    roles: ['handler'],
    signed: 'personal-opinion',
    event: 'signed',
  },
  {
    command: 'submit',
    from: ['DRAFT'],
    to: 'IN_REVIEW',
    side: 'sender',
    roles: ['handler'],
    guards: ['second-officer', 'rules-pass'],
    starts: ['squad-opinion'],
    signed: 'personal-opinion',
    event: 'submitted',
  },
  {
    command: 'endorse',
    from: ['IN_REVIEW'],
    to: 'LEGAL_REVIEW',
    side: 'sender',
    roles: ['squad-lead'],
    guards: ['one-role'],
    stops: ['squad-opinion'],
    starts: ['legal-opinion'],
    signed: 'personal-opinion',
    event: 'endorsed',
  },
  {
    command: 'endorse-without-legal-review',
    from: ['IN_REVIEW'],
    to: 'PENDING_APPROVAL',
    side: 'sender',
    roles: ['squad-lead'],
    guards: ['one-role', 'legal-review-optional'],
    stops: ['squad-opinion'],
    starts: ['approval'],
    signed: 'personal-opinion',
    event: 'endorsed',
  },
  {
    command: 'clear',
    from: ['LEGAL_REVIEW'],
    to: 'PENDING_APPROVAL',
    side: 'sender',
    roles: ['legal-reviewer'],
    guards: ['one-role', 'no-collector', 'qualified'],
    stops: ['legal-opinion'],
    starts: ['approval'],
    signed: 'personal-opinion',
    event: 'cleared',
  },
  {
    command: 'approve',
    from: ['PENDING_APPROVAL'],
    to: 'same',
    side: 'sender',
    roles: ['head'],
    guards: ['one-role'],
    signed: 'personal-opinion',
    event: 'approved',
  },
  {
    command: 'send-back',
    from: ['IN_REVIEW'],
    to: 'DRAFT',
    side: 'sender',
    roles: ['squad-lead'],
    stops: ['squad-opinion'],
    event: 'sent-back',
  },
  {
    command: 'send-back',
    from: ['LEGAL_REVIEW'],
    to: 'DRAFT',
    side: 'sender',
    roles: ['legal-reviewer'],
    stops: ['legal-opinion'],
    event: 'sent-back',
  },
  {
    command: 'send-back',
    from: ['PENDING_APPROVAL'],
    to: 'DRAFT',
    side: 'sender',
    roles: ['head'],
    stops: ['approval'],
    event: 'sent-back',
  },
  {
    command: 'send',
    // What the other node refused may go again, in a new envelope, on the approval that it has.
    from: ['PENDING_APPROVAL', 'REJECTED_TECH'],
    to: 'SENT',
    side: 'sender',
    roles: ['seal-keeper'],
    guards: [
      'one-role',
      'head-approved',
      'rules-pass',
      'changed-since-return',
      'case-filing',
      'same-claim',
      'matters-listed',
    ],
    stops: ['approval'],
    starts: ['delivery'],
    signed: 'transfer-letter',
    message: 'transfer',
    event: 'sent',
  },
  {
    // 就近响应: stopped and secured on the spot, telephoned, then sent; the opinions that are missing come afterwards.
    command: 'send-urgent',
    from: ['IN_REVIEW', 'LEGAL_REVIEW', 'PENDING_APPROVAL', 'REJECTED_TECH'],
    to: 'SENT',
    side: 'sender',
    roles: ['seal-keeper'],
    kinds: penal,
    guards: ['urgent', 'one-role', 'rules-pass', 'changed-since-return', 'case-filing', 'same-claim'],
    stops: ['squad-opinion', 'legal-opinion', 'approval'],
    starts: ['delivery', 'approval-afterwards'],
    signed: 'transfer-letter',
    message: 'urgent-transfer',
    event: 'sent-before-approval',
  },
  {
    command: 'forward-at-home',
    from: ['RETURNED'],
    to: 'same',
    side: 'sender',
    roles: ['head'],
    signed: 'forwarding-letter',
    event: 'forwarded-at-home',
  },

  // Approvals after an urgent act (事后补审), on either side.
  {
    command: 'give-opinion-afterwards',
    from: anywhere,
    to: 'same',
    side: 'either',
    roles: ['squad-lead', 'legal-reviewer'],
    kinds: penal,
    guards: ['one-role', 'no-collector'],
    during: 'approval-afterwards',
    signed: 'personal-opinion',
    event: 'reviewed-afterwards',
  },
  {
    command: 'approve-afterwards',
    from: anywhere,
    to: 'same',
    side: 'either',
    roles: ['head'],
    kinds: penal,
    guards: ['one-role', 'opinions-complete'],
    during: 'approval-afterwards',
    stops: ['approval-afterwards'],
    signed: 'personal-opinion',
    message: 'approval',
    event: 'approved-afterwards',
  },
  {
    command: 'disapprove-afterwards',
    from: anywhere,
    to: 'same',
    side: 'sender',
    roles: ['head'],
    kinds: penal,
    during: 'approval-afterwards',
    stops: ['approval-afterwards'],
    signed: 'personal-opinion',
    message: 'disapproval',
    event: 'disapproved-afterwards',
  },
  {
    command: 'revoke-acceptance',
    from: ['ACCEPTED'],
    to: 'RETURNED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['known-return-code', 'return-ground', 'no-crime-report'],
    during: 'approval-afterwards',
    stops: ['approval-afterwards', 'filing'],
    signed: 'supplement-or-return-letter',
    message: 'revocation',
    event: 'acceptance-revoked',
  },

  // Arrival.
  {
    command: 'deliver',
    from: ['SENT'],
    to: 'DELIVERED',
    side: 'receiver',
    roles: ['node'],
    kinds: [...examined, ...told],
    stops: ['delivery'],
    starts: ['receipt'],
    message: 'receipt',
    event: 'delivered',
  },
  {
    command: 'deliver',
    from: ['SENT'],
    to: 'DELIVERED',
    side: 'receiver',
    roles: ['node'],
    kinds: ['ASSIST'],
    stops: ['delivery'],
    starts: ['receipt', 'assist-reply'],
    message: 'receipt',
    event: 'delivered',
  },
  {
    // On the strength of the other node's signed refusal: it holds nothing, so a withdrawal that followed is moot.
    command: 'reject',
    from: ['SENT', 'WITHDRAWN'],
    to: 'REJECTED_TECH',
    side: 'sender',
    roles: ['node'],
    guards: ['sending-refused'],
    event: 'rejected',
  },
  {
    // The same for a later message: it is undone, and what was said after it.
    command: 'reject-message',
    from: anywhere,
    to: 'before',
    side: 'sender',
    roles: ['node'],
    guards: ['message-refused'],
    event: 'message-rejected',
  },
  {
    command: 'sign-for',
    from: ['DELIVERED'],
    to: 'RECEIVED',
    side: 'receiver',
    roles: ['clerk'],
    kinds: examined,
    stops: ['receipt'],
    starts: ['acceptance'],
    signed: 'transfer-receipt',
    message: 'signed-receipt',
    event: 'received',
  },
  {
    command: 'sign-for',
    from: ['DELIVERED'],
    to: 'RECEIVED',
    side: 'receiver',
    roles: ['clerk'],
    kinds: ['ASSIST'],
    stops: ['receipt'],
    signed: 'transfer-receipt',
    message: 'signed-receipt',
    event: 'received',
  },
  {
    command: 'acknowledge',
    from: ['DELIVERED'],
    to: 'CLOSED',
    side: 'receiver',
    roles: ['clerk'],
    kinds: told,
    stops: ['receipt'],
    signed: 'transfer-receipt',
    message: 'acknowledgement',
    event: 'acknowledged',
  },

  // The receiver's examination.
  {
    command: 'propose-acceptance',
    from: ['RECEIVED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: examined,
    signed: 'personal-opinion',
    event: 'acceptance-proposed',
  },
  {
    command: 'accept',
    from: ['RECEIVED'],
    to: 'ACCEPTED',
    side: 'receiver',
    roles: ['legal-reviewer'],
    kinds: penal,
    guards: ['proposed', 'one-role', 'no-collector', 'qualified', 'competent', 'items-decided', 'no-mismatch'],
    stops: ['acceptance', 'forwarding'],
    starts: ['filing'],
    signed: 'acceptance-notice',
    message: 'acceptance',
    event: 'accepted',
  },
  {
    command: 'accept',
    from: ['DESIGNATED'],
    to: 'ACCEPTED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['designated-receiver'],
    stops: ['acceptance'],
    starts: ['filing'],
    signed: 'acceptance-notice',
    message: 'acceptance',
    event: 'accepted',
  },
  {
    command: 'accept-provisionally',
    from: ['RECEIVED'],
    to: 'ACCEPTED',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    guards: ['urgent', 'competent'],
    stops: ['acceptance', 'forwarding'],
    starts: ['filing', 'approval-afterwards'],
    message: 'provisional-acceptance',
    event: 'accepted-provisionally',
  },
  {
    command: 'take-over',
    from: ['RECEIVED'],
    to: 'CLOSED',
    side: 'receiver',
    roles: ['legal-reviewer'],
    kinds: ['EVIDENCE'],
    guards: ['proposed', 'one-role', 'no-collector', 'qualified', 'items-decided', 'no-mismatch'],
    stops: ['acceptance'],
    signed: 'evidence-list',
    message: 'taking-over',
    event: 'taken-over',
  },
  {
    command: 'request-supplement',
    from: ['RECEIVED'],
    to: 'SUPPLEMENT_REQUESTED',
    side: 'receiver',
    roles: ['legal-reviewer'],
    kinds: examined,
    guards: ['supplements-left'],
    pauses: ['acceptance'],
    starts: ['supplement'],
    signed: 'supplement-or-return-letter',
    message: 'supplement-request',
    event: 'supplement-requested',
  },
  {
    command: 'answer-supplement',
    from: ['SUPPLEMENT_REQUESTED'],
    to: 'RECEIVED',
    side: 'sender',
    roles: ['seal-keeper'],
    kinds: examined,
    guards: ['one-role', 'new-version'],
    stops: ['supplement'],
    resumes: ['acceptance'],
    signed: 'evidence-list',
    message: 'supplement',
    event: 'supplemented',
  },
  {
    // R06 found later: the item is replaced, both versions are kept; no supplement, no ground to return by itself.
    command: 'report-mismatch',
    from: ['RECEIVED', 'ACCEPTED', 'FILED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler', 'legal-reviewer'],
    kinds: examined,
    guards: ['no-mismatch'],
    message: 'mismatch',
    event: 'mismatch-reported',
  },
  {
    command: 'replace-items',
    from: ['RECEIVED', 'ACCEPTED', 'IN_DISPUTE', 'FILED'],
    to: 'same',
    side: 'sender',
    roles: ['seal-keeper'],
    kinds: examined,
    guards: ['one-role', 'mismatch', 'new-version'],
    signed: 'evidence-list',
    message: 'replacement',
    event: 'items-replaced',
  },
  {
    command: 'return',
    from: ['RECEIVED', 'FORWARDED'],
    to: 'RETURNED',
    side: 'receiver',
    roles: ['head'],
    kinds: [...examined, 'ASSIST'],
    guards: ['known-return-code', 'return-ground'],
    stops: ['acceptance', 'forwarding', 'feedback', 'assist-reply'],
    signed: 'supplement-or-return-letter',
    message: 'return',
    event: 'returned',
  },
  {
    command: 'return',
    from: ['SUPPLEMENT_REQUESTED'],
    to: 'RETURNED',
    side: 'receiver',
    roles: ['head'],
    kinds: examined,
    guards: ['known-return-code', 'return-ground'],
    after: 'supplement',
    stops: ['supplement', 'acceptance', 'forwarding'],
    signed: 'supplement-or-return-letter',
    message: 'return',
    event: 'returned',
  },
  {
    command: 'return',
    from: ['DESIGNATED'],
    to: 'RETURNED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['known-return-code', 'return-ground', 'designated-elsewhere'],
    stops: ['acceptance'],
    signed: 'supplement-or-return-letter',
    message: 'return',
    event: 'returned',
  },
  {
    command: 'find-not-ours',
    from: ['RECEIVED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    starts: ['forwarding'],
    event: 'found-not-ours',
  },
  {
    command: 'forward',
    from: ['RECEIVED'],
    to: 'FORWARDED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    stops: ['acceptance', 'forwarding'],
    signed: 'forwarding-letter',
    message: 'forwarding',
    event: 'forwarded',
  },
  {
    command: 'report-outcome',
    from: ['FORWARDED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    starts: ['feedback'],
    message: 'outcome',
    event: 'outcome-known',
  },

  // Dispute over competence (§25). There is no way from here to FORWARDED: what is in dispute is not passed on.
  {
    command: 'contest',
    from: ['RECEIVED', 'ACCEPTED'],
    to: 'IN_DISPUTE',
    side: 'either',
    roles: ['head'],
    kinds: penal,
    guards: ['same-claim', 'no-crime-report'],
    stops: ['acceptance', 'forwarding', 'filing'],
    starts: ['negotiation'],
    signed: 'jurisdiction-letter',
    message: 'contest',
    event: 'contested',
  },
  {
    command: 'claim-filing',
    from: ['IN_DISPUTE'],
    to: 'same',
    side: 'either',
    roles: ['head'],
    kinds: penal,
    guards: ['same-claim'],
    message: 'filing-claim',
    event: 'filing-claimed',
  },
  {
    command: 'propose-settlement',
    from: ['IN_DISPUTE'],
    to: 'same',
    side: 'either',
    roles: ['head'],
    kinds: penal,
    signed: 'jurisdiction-letter',
    message: 'settlement-proposal',
    event: 'settlement-proposed',
  },
  {
    command: 'agree-on-receiver',
    from: ['IN_DISPUTE'],
    to: 'ACCEPTED',
    side: 'either',
    roles: ['head'],
    kinds: penal,
    guards: ['proposed-receiver'],
    stops: ['negotiation', 'designation'],
    starts: ['filing'],
    signed: 'jurisdiction-letter',
    message: 'settlement-on-receiver',
    event: 'settled',
  },
  {
    command: 'agree-on-sender',
    from: ['IN_DISPUTE'],
    to: 'RETURNED',
    side: 'either',
    roles: ['head'],
    kinds: penal,
    guards: ['proposed-sender'],
    stops: ['negotiation', 'designation'],
    signed: 'jurisdiction-letter',
    message: 'settlement-on-sender',
    event: 'settled',
  },
  {
    command: 'refer-to-superior',
    from: ['IN_DISPUTE'],
    to: 'same',
    side: 'either',
    roles: ['head'],
    kinds: penal,
    guards: ['next-level'],
    // Each level has its own time.
    stops: ['negotiation', 'designation'],
    starts: ['designation'],
    signed: 'jurisdiction-letter',
    message: 'referral',
    event: 'referred-to-superior',
  },
  {
    // The superior has no node: whichever side holds its notice puts it on record.
    command: 'designate',
    from: ['IN_DISPUTE'],
    to: 'DESIGNATED',
    side: 'either',
    roles: ['head', 'clerk'],
    kinds: penal,
    guards: ['referred'],
    stops: ['negotiation', 'designation'],
    starts: ['acceptance'],
    signed: 'designation-notice',
    message: 'designation',
    event: 'designated',
  },

  // The receiver's case: milestones that it attests.
  {
    command: 'not-file',
    from: ['ACCEPTED'],
    to: 'NOT_FILED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['approvals-complete', 'crime-cleared'],
    stops: ['filing'],
    starts: ['feedback'],
    signed: 'filing-approval',
    message: 'no-filing',
    event: 'not-filed',
  },
  {
    command: 'file',
    from: ['ACCEPTED'],
    to: 'FILED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['approvals-complete', 'crime-cleared', 'may-file', 'same-claim'],
    stops: ['filing'],
    starts: ['decision'],
    dated: 'filing',
    signed: 'filing-approval',
    message: 'filing',
    event: 'filed',
  },
  {
    // R15 at home: the act is filed already, so the transfer joins that case and none is opened twice.
    command: 'attach',
    from: ['ACCEPTED'],
    to: 'FILED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['approvals-complete', 'crime-cleared', 'own-filing', 'same-claim'],
    stops: ['filing'],
    starts: ['decision'],
    dated: 'filing',
    signed: 'filing-approval',
    message: 'attachment',
    event: 'attached',
  },
  {
    // 法制审核 of the intended penalty, before the head decides (§58).
    command: 'review-penalty',
    from: ['FILED'],
    to: 'same',
    side: 'receiver',
    roles: ['legal-reviewer'],
    kinds: penal,
    guards: ['one-role', 'no-collector', 'qualified'],
    signed: 'personal-opinion',
    event: 'penalty-reviewed',
  },
  {
    command: 'decide',
    from: ['FILED'],
    to: 'DECIDED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['crime-cleared', 'notice-given', 'legally-reviewed'],
    stops: ['decision'],
    starts: ['feedback'],
    signed: 'penalty-decision',
    message: 'decision',
    event: 'decided',
  },
  {
    command: 'feedback',
    from: ['DECIDED', 'NOT_FILED', 'FORWARDED'],
    to: 'FEEDBACK_SENT',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['redacted', 'step-stated'],
    stops: ['feedback'],
    starts: ['confirmation'],
    signed: 'feedback-letter',
    message: 'feedback',
    event: 'feedback-sent',
  },
  {
    command: 'feedback',
    from: ['RECEIVED'],
    to: 'FEEDBACK_SENT',
    side: 'receiver',
    roles: ['head'],
    kinds: ['ASSIST'],
    guards: ['matters-settled', 'redacted'],
    stops: ['assist-reply'],
    starts: ['confirmation'],
    signed: 'assistance-reply',
    message: 'feedback',
    event: 'feedback-sent',
  },
  {
    command: 'confirm',
    from: ['FEEDBACK_SENT'],
    to: 'CLOSED',
    side: 'sender',
    roles: ['handler', 'head'],
    stops: ['confirmation'],
    signed: 'confirmation',
    message: 'confirmation',
    event: 'confirmed',
  },
  {
    command: 'close-by-silence',
    from: ['FEEDBACK_SENT'],
    to: 'CLOSED',
    side: 'receiver',
    roles: ['node'],
    after: 'confirmation',
    stops: ['confirmation'],
    message: 'silence',
    event: 'closed-by-silence',
  },

  // Suspected crime (移送规定). The peer is told 移送, 立案, 不立案 and nothing of the steps between.
  {
    command: 'report-crime',
    from: ['ACCEPTED', 'FILED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    guards: ['team-of-two', 'no-crime-report'],
    starts: ['crime-decision'],
    signed: 'personal-opinion',
    event: 'crime-reported',
  },
  {
    command: 'approve-referral',
    from: anywhere,
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['crime-reported'],
    stops: ['crime-decision'],
    starts: ['crime-handover'],
    signed: 'personal-opinion',
    event: 'referral-approved',
  },
  {
    command: 'refuse-referral',
    from: anywhere,
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['crime-report-open'],
    stops: ['crime-decision', 'crime-handover'],
    signed: 'personal-opinion',
    event: 'referral-refused',
  },
  {
    command: 'refer-crime',
    from: ['ACCEPTED', 'FILED'],
    to: 'CRIMINAL_REFERRED',
    side: 'receiver',
    roles: ['handler', 'head'],
    kinds: penal,
    guards: ['referral-approved'],
    stops: ['crime-handover', 'filing', 'decision'],
    starts: ['police-decision'],
    signed: 'crime-transfer-letter',
    message: 'crime-referral',
    event: 'crime-referred',
  },
  {
    command: 'note-other-police',
    from: ['CRIMINAL_REFERRED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    during: 'police-decision',
    stops: ['police-decision'],
    starts: ['police-forwarding'],
    event: 'police-not-competent',
  },
  {
    command: 'note-police-forwarded',
    from: ['CRIMINAL_REFERRED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    during: 'police-forwarding',
    stops: ['police-forwarding'],
    starts: ['police-decision'],
    event: 'police-forwarded',
  },
  {
    command: 'record-police-filing',
    from: ['CRIMINAL_REFERRED'],
    to: 'CLOSED',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    stops: withPolice,
    starts: ['crime-items-handover'],
    signed: 'police-notice',
    message: 'crime-filed',
    event: 'police-filed',
  },
  {
    command: 'record-police-refusal',
    from: ['CRIMINAL_REFERRED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    during: 'police-decision',
    stops: ['police-decision'],
    starts: ['reconsideration-request'],
    signed: 'police-notice',
    message: 'crime-not-filed',
    event: 'police-refused',
  },
  {
    command: 'request-reconsideration',
    from: ['CRIMINAL_REFERRED'],
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    during: 'reconsideration-request',
    stops: ['reconsideration-request'],
    starts: ['reconsideration-answer'],
    event: 'reconsideration-requested',
  },
  {
    command: 'record-reconsideration-refusal',
    from: ['CRIMINAL_REFERRED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    during: 'reconsideration-answer',
    stops: ['reconsideration-answer'],
    starts: ['supervision-request'],
    signed: 'police-notice',
    event: 'reconsideration-refused',
  },
  {
    command: 'request-supervision',
    from: ['CRIMINAL_REFERRED'],
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    during: 'supervision-request',
    stops: ['supervision-request'],
    event: 'supervision-requested',
  },
  {
    // 不予立案: the administrative track is open again, with the police's notice attached (移送规定 §10).
    command: 'resume',
    from: ['CRIMINAL_REFERRED'],
    to: 'ACCEPTED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['police-refused', 'was-not-filed'],
    stops: withPolice,
    starts: ['filing'],
    signed: 'police-notice',
    message: 'resumption',
    event: 'resumed',
  },
  {
    command: 'resume-filed',
    from: ['CRIMINAL_REFERRED'],
    to: 'FILED',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['police-refused', 'was-filed'],
    stops: withPolice,
    starts: ['decision'],
    signed: 'police-notice',
    message: 'resumption-of-case',
    event: 'resumed',
  },
  {
    command: 'hand-over-items',
    from: ['CLOSED'],
    to: 'same',
    side: 'receiver',
    roles: ['handler'],
    kinds: penal,
    during: 'crime-items-handover',
    stops: ['crime-items-handover'],
    signed: 'item-list',
    event: 'crime-items-handed-over',
  },

  // Assistance (§26), matter by matter.
  {
    command: 'answer-matter',
    from: ['RECEIVED'],
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: ['ASSIST'],
    guards: ['matter-open'],
    stops: ['assist-reply'],
    signed: 'assistance-reply',
    message: 'matter-answer',
    event: 'matter-answered',
  },
  {
    command: 'refuse-matter',
    from: ['RECEIVED'],
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: ['ASSIST'],
    guards: ['known-return-code', 'matter-open'],
    stops: ['assist-reply'],
    signed: 'assistance-reply',
    message: 'matter-refusal',
    event: 'matter-refused',
  },
  {
    command: 'extend-matter',
    from: ['RECEIVED'],
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: ['ASSIST'],
    guards: ['matter-open', 'later-end'],
    stops: ['assist-reply'],
    starts: ['assist-reply'],
    signed: 'assistance-reply',
    message: 'matter-extension',
    event: 'matter-extended',
  },

  // The sender takes it back, or closes its own case because the other side has the matter.
  {
    command: 'withdraw',
    from: ['SENT', 'DELIVERED', 'RECEIVED', 'SUPPLEMENT_REQUESTED'],
    to: 'WITHDRAWN',
    side: 'sender',
    roles: ['head'],
    stops: ['delivery', 'receipt', 'acceptance', 'supplement', 'forwarding', 'assist-reply'],
    signed: 'supplement-or-return-letter',
    message: 'withdrawal',
    event: 'withdrawn',
  },
  {
    command: 'attest-disposal',
    from: ['WITHDRAWN'],
    to: 'same',
    side: 'receiver',
    roles: ['clerk', 'handler'],
    guards: ['not-attested'],
    message: 'disposal',
    event: 'disposal-attested',
  },
  {
    command: 'drop-own-case',
    from: ['ACCEPTED', 'NOT_FILED', 'FILED', 'CRIMINAL_REFERRED', 'DECIDED', 'FEEDBACK_SENT', 'CLOSED'],
    to: 'same',
    side: 'sender',
    roles: ['head'],
    kinds: penal,
    guards: ['own-case-open'],
    signed: 'closing-approval',
    message: 'case-dropped',
    event: 'own-case-dropped',
  },
  {
    command: 'drop-own-case',
    from: ['RETURNED'],
    to: 'same',
    side: 'receiver',
    roles: ['head'],
    kinds: penal,
    guards: ['own-case-open'],
    signed: 'closing-approval',
    message: 'case-dropped',
    event: 'own-case-dropped',
  },
] as const satisfies readonly Row[];

export type Command = (typeof table)[number]['command'];
export type Transition = Row & { command: Command };

export const transitions: readonly Transition[] = table;
export const commands: readonly Command[] = [...new Set(transitions.map(({ command }) => command))];

export function isCommand(value: unknown): value is Command {
  return (commands as readonly unknown[]).includes(value);
}

export function isHomeState(state: LifeState): state is HomeState {
  return (homeStates as readonly LifeState[]).includes(state);
}

/** Whether a row speaks of this command, side and kind. */
function speaksOf(row: Transition, command: Command, side: Side, kind: TransferKind): boolean {
  return row.command === command && (row.side === side || row.side === 'either') && (row.kinds?.includes(kind) ?? true);
}

export function rowsFor(command: Command, side: Side, kind: TransferKind): Transition[] {
  return transitions.filter((row) => speaksOf(row, command, side, kind));
}

/** The states of a row as both sides see them: the sender's work at home happens in a state that can be sent from. */
export function sharedFrom(row: Transition): readonly SharedState[] {
  const shared = row.from.filter((state): state is SharedState => !isHomeState(state));
  return row.from.some(isHomeState) ? [...new Set([...sendableStates, ...shared])] : shared;
}
