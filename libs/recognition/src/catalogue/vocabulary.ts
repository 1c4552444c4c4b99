import type { ItemRelation } from '../agreement-terms';
import { actorWords, evidenceKindWords, type Words } from '../code-words';
import type { EvidenceKind } from '../transfer-data';

/**
 * The closed codes of catalogue rows, with what people read. In a CSV cell the Chinese words stand, so within a table
 * no two may be the same.
 */
export const catalogueWords = {
  /** Whom an article or a fine names. A party may be several at once: a firm that hauls is `organisation` and `haulier`. */
  actor: actorWords,
  /** Where within its jurisdiction an item applies. */
  territory: {
    whole: { zh: '全域', en: 'the whole area' },
    'built-up': { zh: '建成区及实行城市化管理的区域', en: 'built-up areas' },
    urbanised: { zh: '城市化地区', en: 'urbanised areas' },
    river: { zh: '河道管理范围', en: 'the managed area of rivers' },
    water: { zh: '水体及其滩地、岸坡', en: 'waters, their flats and banks' },
  },
  /** What must have happened before a fine. */
  precondition: {
    'order-to-correct': { zh: '先责令改正', en: 'order to correct' },
    're-check': { zh: '复查仍未改正', en: 're-check that found no correction' },
    'education-if-light': { zh: '情节较轻先教育', en: 'education first in light cases' },
  },
  /** What the law allows or orders beside the fine. */
  measure: {
    'order-to-correct': { zh: '责令改正', en: 'order to correct' },
    'order-to-stop': { zh: '责令停止违法行为', en: 'order to stop' },
    'order-to-treat': { zh: '责令采取治理措施', en: 'order to treat the pollution' },
    'clear-on-behalf': { zh: '代为清除', en: 'clearing at their cost' },
    'treat-on-behalf': { zh: '代为治理', en: 'treatment at their cost' },
    'confiscate-gains': { zh: '没收违法所得', en: 'confiscation of gains' },
    'hold-vehicle': { zh: '暂扣运输工具', en: 'holding the vehicle' },
    'hold-goods': { zh: '暂扣物品和工具', en: 'holding goods and tools' },
    'suspend-telephone': { zh: '通知后逾期的暂停通信工具号码', en: 'suspending the number after notice and delay' },
    'revoke-permit': { zh: '吊销运输许可证', en: 'revoking the haulage permit' },
    'restrict-production': { zh: '限制生产、停产整治', en: 'restricting or halting production' },
    'close-down': { zh: '责令停业、关闭', en: 'closing down' },
  },
  /** What an article does for an item: sets the duty or the liability, allows a measure, says who acts, or gives way. */
  basisRole: {
    duty: { zh: '义务', en: 'duty' },
    liability: { zh: '罚则', en: 'liability' },
    measure: { zh: '措施', en: 'measure' },
    competence: { zh: '执法权限', en: 'competence' },
    yields: { zh: '从其规定', en: 'gives way' },
  },
  fineUnit: {
    yuan: { zh: '元', en: 'yuan' },
    'yuan-per-tonne': { zh: '元/吨', en: 'yuan a tonne' },
    'disposal-cost-times': { zh: '倍处置费用', en: 'times the cost of disposal' },
  },
  fineMode: { may: { zh: '可以处', en: 'may' }, shall: { zh: '处', en: 'shall' } },
  /** What a general provision settles, whatever the item. */
  topic: {
    'place-of-act': { zh: '违法行为发生地管辖', en: 'place of the act' },
    power: { zh: '处罚权', en: 'power to punish' },
    'first-to-file': { zh: '最先立案', en: 'first to file' },
    assistance: { zh: '协助', en: 'assistance' },
    'referral-to-police': { zh: '移送司法机关', en: 'referral to the police' },
    'order-to-correct': { zh: '责令改正', en: 'order to correct' },
    'one-fine': { zh: '一事不二罚', en: 'one fine for one act' },
    'no-penalty-if-minor': { zh: '轻微不罚、首违可不罚', en: 'no penalty for the minor' },
    'discretion-standard': { zh: '裁量基准', en: 'discretion standards' },
    limitation: { zh: '追责时效', en: 'limitation' },
    'law-at-time-of-act': { zh: '从旧兼从轻', en: 'law at the time of the act, or a lighter later one' },
    'education-if-light': { zh: '情节较轻先教育', en: 'education first in light cases' },
  },
  /**
   * `verified`: read in the text that the row's source names. `unverified`: the text was not at hand. `proposed`: our
   * judgement, to be agreed. `sample`: invented for demonstrations.
   */
  status: {
    verified: { zh: '已核对', en: 'verified' },
    unverified: { zh: '未核对', en: 'unverified' },
    proposed: { zh: '建议', en: 'proposed' },
    sample: { zh: '示例', en: 'sample' },
  },
  relation: {
    exact: { zh: '等同', en: 'exactly' },
    broader: { zh: '宽于', en: 'broader than' },
    narrower: { zh: '窄于', en: 'narrower than' },
    related: { zh: '相关', en: 'related to' },
  } satisfies Record<ItemRelation, Words>,
  evidenceKind: evidenceKindWords satisfies Record<EvidenceKind, Words>,
  /** Whether a form of evidence is asked for by law always, by law where it applies, or by practice only. */
  formNeed: {
    shall: { zh: '应当', en: 'required' },
    'where-fit': { zh: '有此情形时应当', en: 'required where it applies' },
    practice: { zh: '惯例', en: 'practice' },
  },
  signer: {
    'two-officers': { zh: '两名执法人员', en: 'two officers' },
    head: { zh: '机关负责人', en: 'head of the authority' },
    chief: { zh: '机关正职负责人', en: 'chief of the authority' },
    'legal-reviewer': { zh: '法制审核', en: 'legal reviewer' },
    clerk: { zh: '收文人', en: 'receiving clerk' },
    hander: { zh: '移交人', en: 'who hands over' },
    taker: { zh: '接收人', en: 'who takes over' },
    party: { zh: '当事人', en: 'party' },
    witness: { zh: '见证人', en: 'witness' },
    'person-asked': { zh: '被询问人', en: 'person asked' },
    holder: { zh: '持有人', en: 'holder' },
    server: { zh: '送达人', en: 'who serves' },
    addressee: { zh: '受送达人', en: 'addressee' },
    'all-parties': { zh: '各方', en: 'all parties' },
  },
  documentSeal: {
    none: { zh: '无', en: 'none' },
    authority: { zh: '机关印章', en: "authority's seal" },
    receipt: { zh: '收文章', en: 'receipt stamp' },
    'all-parties': { zh: '各方印章', en: "all parties' seals" },
  },
  /** Whom a document is for: the peer, the party to the case, the file that may travel, or the part that stays home. */
  documentReach: {
    peer: { zh: '发往对方机关', en: 'to the peer' },
    party: { zh: '送达当事人', en: 'to the party' },
    file: { zh: '随卷', en: 'part of the file' },
    internal: { zh: '内部留存', en: 'stays home' },
  },
} as const;

type Code<Table extends keyof typeof catalogueWords> = keyof (typeof catalogueWords)[Table];
export type ItemActor = Code<'actor'>;
export type ItemTerritory = Code<'territory'>;
export type ItemPrecondition = Code<'precondition'>;
export type ItemMeasure = Code<'measure'>;
export type BasisRole = Code<'basisRole'>;
export type FineUnit = Code<'fineUnit'>;
export type FineMode = Code<'fineMode'>;
export type ProvisionTopic = Code<'topic'>;
export type RowStatus = Code<'status'>;
export type FormNeed = Code<'formNeed'>;
export type DocumentSigner = Code<'signer'>;
export type DocumentSeal = Code<'documentSeal'>;
export type DocumentReach = Code<'documentReach'>;

/** What `b` is to `a` where `a` is this to `b`. */
export function inverseRelation(relation: ItemRelation): ItemRelation {
  if (relation === 'broader') return 'narrower';
  return relation === 'narrower' ? 'broader' : relation;
}
