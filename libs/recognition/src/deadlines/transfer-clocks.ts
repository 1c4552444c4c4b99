import { GatewayError } from '@jieqiao/core';
import type { LegalBasis } from '../agreement-terms';
import { holdsOn, isRealDate } from '../china-date';
import type { Clock, ForwardClock } from './deadlines';

export const clockIds = [
  'squad-opinion',
  'legal-opinion',
  'approval',
  'approval-afterwards',
  'delivery',
  'receipt',
  'acceptance',
  'supplement',
  'forwarding',
  'negotiation',
  'designation',
  'filing',
  'decision',
  'feedback',
  'confirmation',
  'assist-reply',
  'evidence-registration',
  'decision-service',
  'decision-withdrawal',
  'hearing-request',
  'hearing-notice',
  'fine-payment',
  'seizure',
  'seizure-extension',
  'crime-decision',
  'crime-handover',
  'police-forwarding',
  'police-decision',
  'reconsideration-request',
  'reconsideration-answer',
  'supervision-request',
  'crime-items-handover',
] as const;
export type ClockId = (typeof clockIds)[number];

/** What starts, ends or pauses a clock: a state of the transfer in capitals, else an event. */
export interface TransferClock {
  id: ClockId;
  words: Readonly<Record<'zh' | 'en', string>>;
  starts: string;
  ends: readonly string[];
  pausedBy: readonly string[];
  clock: Clock;
  /** Instead of `clock` when the transfer is urgent. */
  urgent?: ForwardClock;
  /** `agreement`: a proposal where the parties have set nothing else. */
  origin: 'law' | 'agreement';
  /** For clocks that start on a Chinese day from `from` (inclusive) to `to` (exclusive); null is open. */
  effective: { from: string | null; to: string | null };
}

const rowsOf = (origin: TransferClock['origin'], effective: TransferClock['effective']) => ({
  origin,
  effective,
  pausedBy: [],
});
const agreed = rowsOf('agreement', { from: null, to: null });
/** 行政处罚法 §86: in force since then, and with it §85, by which its days up to seven are working days. */
const penaltyLaw = rowsOf('law', { from: '2021-07-15', to: null });
const penaltyLawBefore = rowsOf('law', { from: null, to: '2021-07-15' });
const coercionLaw = rowsOf('law', { from: '2012-01-01', to: null });
/** As revised in 2020; earlier texts were not read. */
const crimeRules = rowsOf('law', { from: '2020-08-07', to: null });

const sla: LegalBasis = { law: '互认协议', article: '时限' };
const penalty = (article: string): LegalBasis => ({ law: '行政处罚法', article });
const coercion = (article: string): LegalBasis => ({ law: '行政强制法', article });
const crime = (article: string): LegalBasis => ({ law: '行政执法机关移送涉嫌犯罪案件的规定', article });

function hours(amount: number, basis: LegalBasis): ForwardClock {
  return { unit: 'hours', amount, direction: 'forward', rolls: false, basis };
}
/** Their last day is a working day already. */
function workingDays(amount: number, basis: LegalBasis): ForwardClock {
  return { unit: 'working-days', amount, direction: 'forward', rolls: false, basis };
}
function calendarDays(amount: number, basis: LegalBasis, rolls: 'rolls' | 'exact'): ForwardClock {
  return { unit: 'calendar-days', amount, direction: 'forward', rolls: rolls === 'rolls', basis };
}

/**
 * The clocks of a transfer's life, with their basis. Parties' clocks and service roll; limitation, seizure, hours, the
 * crime clocks and the 90 days do not. An agreement may put other rows of the same shape in their place.
 */
export const transferClocks: readonly TransferClock[] = [
  {
    ...agreed,
    id: 'squad-opinion',
    words: { zh: '中队审核', en: "squad head's opinion" },
    starts: 'IN_REVIEW',
    ends: ['DRAFT', 'LEGAL_REVIEW'],
    clock: workingDays(1, sla),
  },
  {
    ...agreed,
    id: 'legal-opinion',
    words: { zh: '法制审核', en: 'legal review' },
    starts: 'LEGAL_REVIEW',
    ends: ['DRAFT', 'PENDING_APPROVAL'],
    clock: workingDays(2, sla),
    urgent: hours(2, sla),
  },
  {
    ...agreed,
    id: 'approval',
    words: { zh: '负责人审批', en: "head's approval" },
    starts: 'PENDING_APPROVAL',
    ends: ['DRAFT', 'SENT'],
    clock: workingDays(1, sla),
    urgent: hours(1, sla),
  },
  {
    ...agreed,
    id: 'approval-afterwards',
    words: { zh: '紧急事后补审', en: 'approvals after an urgent act' },
    starts: 'acted-before-approval',
    ends: ['approved-afterwards'],
    clock: hours(24, sla),
  },
  {
    ...agreed,
    id: 'delivery',
    words: { zh: '投递', en: 'delivery to the peer' },
    starts: 'SENT',
    ends: ['DELIVERED', 'REJECTED_TECH'],
    clock: hours(24, sla),
  },
  {
    ...agreed,
    id: 'receipt',
    words: { zh: '签收', en: 'receipt by the clerk' },
    starts: 'DELIVERED',
    ends: ['RECEIVED'],
    clock: workingDays(1, sla),
    urgent: hours(0.5, sla),
  },
  {
    ...agreed,
    id: 'acceptance',
    words: { zh: '受理审查', en: 'acceptance, supplement or return' },
    starts: 'RECEIVED',
    ends: ['ACCEPTED', 'RETURNED', 'FORWARDED', 'IN_DISPUTE', 'WITHDRAWN'],
    pausedBy: ['SUPPLEMENT_REQUESTED'],
    clock: workingDays(5, sla),
    urgent: hours(2, sla),
  },
  {
    ...agreed,
    id: 'supplement',
    words: { zh: '补充材料', en: 'supplement' },
    starts: 'SUPPLEMENT_REQUESTED',
    ends: ['RECEIVED', 'WITHDRAWN'],
    clock: workingDays(5, sla),
  },
  {
    ...agreed,
    id: 'forwarding',
    words: { zh: '转送', en: 'forwarding inside the receiving side' },
    starts: 'not-ours-found',
    ends: ['FORWARDED'],
    clock: workingDays(3, sla),
  },
  {
    ...agreed,
    id: 'negotiation',
    words: { zh: '管辖协商', en: 'negotiation of jurisdiction' },
    starts: 'IN_DISPUTE',
    ends: ['ACCEPTED', 'RETURNED', 'referred-to-superior'],
    clock: workingDays(5, sla),
  },
  {
    ...agreed,
    id: 'designation',
    words: { zh: '指定管辖', en: 'designation by the superior' },
    starts: 'referred-to-superior',
    ends: ['DESIGNATED'],
    clock: workingDays(7, sla),
  },
  {
    ...agreed,
    id: 'filing',
    words: { zh: '立案', en: 'filing' },
    starts: 'ACCEPTED',
    ends: ['FILED', 'NOT_FILED', 'CRIMINAL_REFERRED'],
    clock: workingDays(15, sla),
  },
  {
    ...penaltyLaw,
    id: 'decision',
    words: { zh: '作出处罚决定', en: 'decision on the penalty' },
    starts: 'FILED',
    ends: ['DECIDED', 'CRIMINAL_REFERRED'],
    clock: calendarDays(90, penalty('60'), 'exact'),
  },
  {
    ...agreed,
    id: 'feedback',
    words: { zh: '结果反馈', en: 'feedback of the outcome' },
    starts: 'outcome-known',
    ends: ['FEEDBACK_SENT'],
    clock: workingDays(5, sla),
  },
  {
    ...agreed,
    id: 'confirmation',
    words: { zh: '反馈确认（逾期视为确认）', en: 'confirmation of the feedback, silence counts as such' },
    starts: 'FEEDBACK_SENT',
    ends: ['CLOSED'],
    clock: workingDays(10, sla),
  },
  {
    ...agreed,
    id: 'assist-reply',
    words: { zh: '协助答复', en: 'answer to a request for assistance' },
    starts: 'assistance-requested',
    ends: ['assistance-answered', 'assistance-extended'],
    clock: calendarDays(10, sla, 'rolls'),
  },
  {
    ...penaltyLawBefore,
    id: 'evidence-registration',
    words: { zh: '先行登记保存处理', en: 'disposal of registered evidence' },
    starts: 'evidence-registered',
    ends: ['registered-evidence-disposed'],
    clock: calendarDays(7, { ...penalty('37(2)'), text: '2021年7月15日前的条文，七日为自然日' }, 'rolls'),
  },
  {
    ...penaltyLaw,
    id: 'evidence-registration',
    words: { zh: '先行登记保存处理', en: 'disposal of registered evidence' },
    starts: 'evidence-registered',
    ends: ['registered-evidence-disposed'],
    clock: workingDays(7, penalty('56')),
  },
  {
    ...penaltyLaw,
    id: 'decision-service',
    words: { zh: '处罚决定书送达', en: 'service of the decision on an absent party' },
    starts: 'DECIDED',
    ends: ['decision-served'],
    clock: workingDays(7, penalty('61')),
  },
  {
    ...penaltyLaw,
    id: 'decision-withdrawal',
    words: { zh: '撤回公开的处罚决定', en: 'withdrawal of a published decision' },
    starts: 'decision-revoked',
    ends: ['publication-withdrawn'],
    clock: workingDays(3, penalty('48')),
  },
  {
    ...penaltyLaw,
    id: 'hearing-request',
    words: { zh: '要求听证', en: "the party's request for a hearing" },
    starts: 'penalty-notice-served',
    ends: ['hearing-requested'],
    clock: workingDays(5, penalty('64(1)')),
  },
  {
    ...penaltyLaw,
    id: 'hearing-notice',
    words: { zh: '听证通知', en: 'notice ahead of the hearing' },
    starts: 'hearing-held',
    ends: ['hearing-notified'],
    clock: { ...workingDays(7, penalty('64(2)')), direction: 'backward' },
  },
  {
    ...penaltyLaw,
    id: 'fine-payment',
    words: { zh: '缴纳罚款', en: 'payment of the fine' },
    starts: 'decision-served',
    ends: ['fine-paid'],
    clock: calendarDays(
      15,
      { ...penalty('67'), text: '到期不缴纳的，依第七十二条每日按罚款数额的百分之三加处罚款' },
      'rolls',
    ),
  },
  {
    ...coercionLaw,
    id: 'seizure',
    words: { zh: '查封、扣押', en: 'sealing or seizure' },
    starts: 'items-seized',
    ends: ['seizure-ended', 'seizure-extended'],
    pausedBy: ['testing'],
    clock: calendarDays(30, coercion('25(1)'), 'exact'),
  },
  {
    ...coercionLaw,
    id: 'seizure-extension',
    words: { zh: '查封、扣押延长期', en: 'extension of sealing or seizure' },
    // Not the decision to extend: the last day of the first period.
    starts: 'seizure-period-ended',
    ends: ['seizure-ended'],
    pausedBy: ['testing'],
    clock: calendarDays(30, coercion('25(1)'), 'exact'),
  },
  {
    ...crimeRules,
    id: 'crime-decision',
    words: { zh: '正职负责人决定是否移送公安', en: "the head's decision to hand over to the police" },
    starts: 'crime-reported',
    ends: ['crime-approved', 'crime-refused'],
    clock: calendarDays(3, crime('5(2)'), 'exact'),
  },
  {
    ...crimeRules,
    id: 'crime-handover',
    words: { zh: '向公安机关移送', en: 'handing-over to the police' },
    starts: 'crime-approved',
    ends: ['CRIMINAL_REFERRED'],
    clock: hours(24, crime('5(2)')),
  },
  {
    ...crimeRules,
    id: 'police-forwarding',
    words: { zh: '公安机关转送', en: 'forwarding to the police that is competent' },
    starts: 'police-not-competent',
    ends: ['police-forwarded'],
    clock: hours(24, crime('7')),
  },
  {
    ...crimeRules,
    id: 'police-decision',
    words: { zh: '公安机关审查决定', en: "the police's decision" },
    starts: 'CRIMINAL_REFERRED',
    ends: ['police-filed', 'police-refused'],
    clock: calendarDays(3, crime('8'), 'exact'),
  },
  {
    ...crimeRules,
    id: 'reconsideration-request',
    words: { zh: '提请复议', en: 'request to reconsider' },
    starts: 'police-refused',
    ends: ['reconsideration-requested'],
    clock: calendarDays(3, crime('9(1)'), 'exact'),
  },
  {
    ...crimeRules,
    id: 'reconsideration-answer',
    words: { zh: '复议决定', en: 'decision on the request' },
    starts: 'reconsideration-requested',
    ends: ['reconsideration-answered'],
    clock: calendarDays(3, crime('9(2)'), 'exact'),
  },
  {
    ...crimeRules,
    id: 'supervision-request',
    words: { zh: '建议检察院立案监督', en: 'suggestion to the procuratorate' },
    starts: 'reconsideration-answered',
    ends: ['supervision-requested'],
    clock: calendarDays(3, crime('9(2)'), 'exact'),
  },
  {
    ...crimeRules,
    id: 'crime-items-handover',
    words: { zh: '移交涉案物品', en: 'handing-over of items and material' },
    starts: 'police-filed',
    ends: ['crime-items-handed-over'],
    clock: calendarDays(3, crime('12'), 'exact'),
  },
];

/**
 * The clock by which something is measured that starts on this Chinese day.
 * @param urgent takes the urgent variant, where there is one
 * @throws GatewayError VALIDATION_FAILED `bad-day`, or `no-clock-in-force` with `clock` and `day`
 */
export function clockInForce(id: ClockId, day: string, urgent: boolean, rows = transferClocks): Clock {
  if (!isRealDate(day)) throw new GatewayError('VALIDATION_FAILED', { reason: 'bad-day' });
  const row = rows.find(({ id: own, effective }) => own === id && holdsOn(effective, day));
  if (!row) throw new GatewayError('VALIDATION_FAILED', { reason: 'no-clock-in-force', clock: id, day });
  return (urgent && row.urgent) || row.clock;
}
