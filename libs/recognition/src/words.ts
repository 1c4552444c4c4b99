import type { LegalBasis, RecognitionLevel } from './agreement-terms';
import type { ProposalReason, RecognitionOutcome, RecognitionProposal, RecognitionResult } from './evaluate';
import type { PersonalDataCategory } from './personal-data';
import type { RemedyCode, RuleId, RuleResult } from './rules/rule';
import type { EvidenceKind, HandedInSource, LeadSource, TransferKind, UrgencyGround } from './transfer-data';

export type Language = 'zh' | 'en';
export type Words = Readonly<Record<Language, string>>;

/** A rule's reason as it stands in a return or supplement notice; domain.md §5. */
const ruleReasons: Partial<Record<RuleId, Words>> = {
  R01: {
    zh: '取证执法人员不足两人或执法证件无效',
    en: 'fewer than two officers collected the item, or a certificate was not valid',
  },
  R02: { zh: '违法行为发生地不在接收方辖区', en: "the act did not happen in the receiver's area" },
  R05: { zh: '已超过追责时效', en: 'the limitation period has run out' },
  R06: { zh: '证据文件校验值不一致', en: "a file's digest differs from the manifest" },
  R07: {
    zh: '视听资料或电子数据缺少制作方法、时间、制作人或证明对象',
    en: 'audio-visual material or electronic data does not state how, when or by whom it was made, or what it proves',
  },
  R08: {
    zh: '书证复制件未注明出处或未加盖保管单位印章',
    en: "a copy of a document lacks its source, the comparison with the original, or the holder's seal",
  },
  R09: { zh: '笔录缺少签名且未注明原因', en: 'a record lacks signatures and gives no reason' },
  R10: {
    zh: '电子监控设备未附法制和技术审核及公示信息',
    en: 'the monitoring device comes without its review or the publication of its location',
  },
  R16: { zh: '包含超出办案必要范围的个人信息', en: 'the text holds more personal data than the matter needs' },
  R17: { zh: '不符合紧迫性标准，按一般时限办理', en: 'no accepted ground of urgency: the usual time limits apply' },
  R19: { zh: '不在互认协议范围或协议未生效', en: 'the agreement is not in force or does not cover this' },
};

/** What a passed rule asserts. */
const ruleSubjects: Partial<Record<RuleId, Words>> = {
  R01: { zh: '取证执法人员与证件', en: 'two officers with valid certificates' },
  R02: { zh: '违法行为发生地', en: 'place of the act' },
  R05: { zh: '追责时效', en: 'limitation period' },
  R06: { zh: '证据校验值', en: 'digests of the files' },
  R07: { zh: '视听资料和电子数据的制作说明', en: 'how recordings and data were made' },
  R08: { zh: '书证复制件的出处与核对', en: 'source of copied documents' },
  R09: { zh: '笔录签名', en: 'signatures on records' },
  R10: { zh: '电子监控设备审核与公示', en: 'review of monitoring devices' },
  R16: { zh: '个人信息最小化', en: 'no needless personal data' },
  R17: { zh: '紧迫性标准', en: 'urgency' },
  R19: { zh: '互认协议范围', en: 'coverage by the agreement' },
};

const remedies: Readonly<Record<RemedyCode, Words>> = {
  'add-officers': {
    zh: '由两名以上持有效证件的执法人员重新取证或补充取证人',
    en: 'have at least two officers with valid certificates collect it, or name them',
  },
  'renew-certificate': {
    zh: '核对取证人证号及取证当日有效期，必要时重新取证',
    en: 'check the certificate numbers and their validity on that day; collect again if need be',
  },
  'state-certificate-validity': { zh: '补填执法证件有效期', en: 'state from when to when the certificates are valid' },
  'send-to-place-of-act': {
    zh: '核实发生地，移送至发生地有管辖权的机关',
    en: 'check the place and send to the authority there',
  },
  'correct-coordinates': {
    zh: '更正经纬度（WGS-84，经度在前）',
    en: 'correct the coordinates (WGS-84, longitude first)',
  },
  'refine-place-code': { zh: '将发生地代码细化到县级或乡镇级', en: 'give the code of the county or town' },
  'check-limitation': { zh: '时效即将届满，请核对行为终了之日与发现之日', en: 'check the days of end and discovery' },
  'do-not-pursue': { zh: '不再移送；如有连续或继续状态请补充证据', en: 'do not send; or prove that the act went on' },
  'correct-discovery': { zh: '更正发现时间，发现不得早于行为开始', en: 'correct the time of discovery' },
  'replace-file': { zh: '重新上传该文件，原版本保留', en: 'upload the file again; the first version is kept' },
  'describe-production': { zh: '补填所缺的制作方法、制作时间、制作人、证明对象', en: 'fill in what is missing' },
  'state-sound': { zh: '注明录像有无声音', en: 'state whether the recording has sound' },
  'add-transcript': { zh: '附声音内容的文字记录', en: 'attach a transcript of the sound' },
  'certify-copy': {
    zh: '注明出处，与原件核对无异后由保管单位盖章',
    en: 'state the source, compare with the original, and have the holder seal the copy',
  },
  'count-pages': { zh: '补填页数', en: 'state the number of pages' },
  'complete-signatures': {
    zh: '补齐执法人员和当事人签名，或注明未签原因及见证情况',
    en: 'complete the signatures, or give the reason and the witness',
  },
  'publish-device': {
    zh: '补充设备法制和技术审核文号及设置地点公示情况；补正前仅作线索',
    en: "add the device's review number and where its location was published; until then it is a lead only",
  },
  redact: { zh: '删除或遮盖所列字段中的个人信息', en: 'remove the personal data from the fields named' },
  'use-normal-procedure': { zh: '改按一般时限办理，或补充紧急事由', en: 'use the usual limits, or state a ground' },
  'use-agreement-in-force': { zh: '改用有效的协议版本', en: 'use a version of the agreement that is in force' },
  'amend-agreement': { zh: '按协议外途径移送，或商对方修订协议', en: 'send by another way, or amend the agreement' },
  'address-successor': {
    zh: '该机关届时不行使职权：改由现行使职权的机关发送或接收',
    en: 'this authority does not hold the powers on that date: send by or to the one that does',
  },
  'expect-refusal-of-item': {
    zh: '协议未列该类证据，接收方可能不予采用',
    en: 'the agreement does not list this kind of evidence: the receiver need not recognise it',
  },
};

const results: Readonly<Record<RuleResult, Words>> = {
  pass: { zh: '通过', en: 'pass' },
  warn: { zh: '提示', en: 'warning' },
  supplement: { zh: '须补充', en: 'to be supplemented' },
  block: { zh: '不得移送', en: 'blocked' },
  'not-applicable': { zh: '不适用', en: 'not applicable' },
};

const outcomes: Readonly<Record<RecognitionOutcome, Words>> = {
  'crime-track': { zh: '涉嫌犯罪，只能走刑事移送', en: 'suspected crime: only the criminal track is open' },
  blocked: { zh: '不得移送', en: 'blocked' },
  supplement: { zh: '须补充材料', en: 'to be supplemented' },
  'sendable-with-warnings': { zh: '可移送，有提示', en: 'sendable, with warnings' },
  sendable: { zh: '可移送', en: 'sendable' },
};

const levels: Readonly<Record<RecognitionLevel, Words>> = {
  DIRECT: { zh: '直接采用', en: 'usable directly' },
  AFTER_REVIEW: { zh: '审核后采用', en: 'usable after review' },
  LEAD_ONLY: { zh: '仅作线索', en: 'a lead only' },
  RETAKE: { zh: '须重新取证', en: 'to be taken again' },
  REFUSED: { zh: '不予采用', en: 'refused' },
};

const ownReasons: Readonly<Record<Exclude<ProposalReason, RuleId>, Words>> = {
  agreement: { zh: '协议约定', en: 'the agreement' },
  'handed-in': { zh: '非执法人员收集', en: 'not collected by officers' },
  'statement-form': { zh: '询问笔录形式', en: 'form of the statement' },
};

const facts: Readonly<Record<string, Words>> = {
  method: { zh: '制作方法', en: 'method' },
  madeAt: { zh: '制作时间', en: 'time made' },
  madeBy: { zh: '制作人', en: 'maker' },
  purpose: { zh: '证明对象', en: 'what it proves' },
  hasSound: { zh: '有无声音', en: 'whether it has sound' },
  transcriptRef: { zh: '文字记录', en: 'transcript' },
  sourceHolder: { zh: '出处', en: 'source' },
  verifiedAgainstOriginal: { zh: '核对无异', en: 'comparison with the original' },
  holderSeal: { zh: '保管单位印章', en: "holder's seal" },
  pages: { zh: '页数', en: 'page count' },
  deviceReviewNo: { zh: '设备审核文号', en: 'device review number' },
  devicePublished: { zh: '设置地点公示', en: "publication of the device's location" },
  'signatures.officers': { zh: '执法人员签名', en: "officers' signatures" },
  'signatures.refusalReason': { zh: '未签名原因', en: 'reason for no signature' },
  'signatures.witness': { zh: '见证情况', en: 'witness or note of none' },
};

const evidenceKindWords: Readonly<Record<EvidenceKind, Words>> = {
  documentary: { zh: '书证', en: 'documentary evidence' },
  physical: { zh: '物证', en: 'physical evidence' },
  'audio-visual': { zh: '视听资料', en: 'audio-visual material' },
  'electronic-data': { zh: '电子数据', en: 'electronic data' },
  'witness-testimony': { zh: '证人证言', en: 'witness testimony' },
  'party-statement': { zh: '当事人的陈述', en: "party's statement" },
  'expert-opinion': { zh: '鉴定意见', en: 'expert opinion' },
  'inspection-record': { zh: '勘验笔录、现场笔录', en: 'record of inspection or of the scene' },
};

const transferKindWords: Readonly<Record<TransferKind, Words>> = {
  LEAD: { zh: '线索移送', en: 'lead' },
  CASE: { zh: '案件移送', en: 'case' },
  ASSIST: { zh: '协助调查', en: 'request for assistance' },
  EVIDENCE: { zh: '证据移交', en: 'evidence' },
  NOTICE: { zh: '抄告', en: 'notice' },
  CRIMINAL_STATUS: { zh: '涉嫌犯罪移送情况', en: 'criminal status' },
};

const sourceWords: Readonly<Record<LeadSource, Words>> = {
  complaint: { zh: '投诉举报', en: 'complaint' },
  superior: { zh: '上级交办', en: 'assigned from above' },
  subordinate: { zh: '下级报送', en: 'reported from below' },
  peer: { zh: '同级转办', en: 'passed on by a peer' },
  patrol: { zh: '巡查发现', en: 'found on patrol' },
  'comprehensive-check': { zh: '综合查一次', en: 'comprehensive check' },
  grid: { zh: '网格', en: 'grid' },
  'system-warning': { zh: '系统预警', en: 'system warning' },
  other: { zh: '其他', en: 'other' },
};

const urgencyWords: Readonly<Record<UrgencyGround, Words>> = {
  ongoing: { zh: '违法行为正在进行', en: 'the act is going on' },
  perishable: { zh: '证据可能灭失', en: 'evidence may be lost' },
  safety: { zh: '危及人身或公共安全', en: 'danger to life or the public' },
};

const handedInWords: Readonly<Record<HandedInSource, Words>> = {
  hotline: { zh: '热线', en: 'hotline' },
  grid: { zh: '网格', en: 'grid' },
  citizen: { zh: '群众', en: 'citizen' },
  'other-body': { zh: '其他单位', en: 'another body' },
};

const personalDataWords: Readonly<Record<PersonalDataCategory, Words>> = {
  'id-number': { zh: '公民身份号码', en: 'resident ID number' },
  'mobile-phone': { zh: '电话号码', en: 'telephone number' },
  'home-address': { zh: '住址', en: 'home address' },
  'birth-date': { zh: '出生日期', en: 'date of birth' },
  name: { zh: '姓名', en: 'name' },
  particulars: { zh: '性别、年龄、职业', en: 'sex, age, occupation' },
};

/** Words for the closed codes of `transfer.json` and `recognition.json`, in both languages. For display, never for decisions. */
export const words = {
  evidenceKind: evidenceKindWords,
  transferKind: transferKindWords,
  source: sourceWords,
  urgencyGround: urgencyWords,
  handedInBy: handedInWords,
  personalData: personalDataWords,
  remedy: remedies,
  result: results,
  outcome: outcomes,
  level: levels,
} as const;

const lawsInEnglish: Readonly<Record<string, string>> = {
  行政处罚法: 'Administrative Penalty Law',
  行政诉讼证据规定: "Supreme People's Court Provisions on Evidence in Administrative Litigation",
  电子签名法: 'Electronic Signature Law',
  个人信息保护法: 'Personal Information Protection Law',
  生态环境法典: 'Ecological and Environmental Code',
  行政执法机关移送涉嫌犯罪案件的规定: 'Provisions on Referring Suspected Crimes from Administrative Law Enforcement',
  上海市城市管理行政执法条例: 'Shanghai Regulations on Urban Management Law Enforcement',
  浙江省综合行政执法条例: 'Zhejiang Regulations on Comprehensive Administrative Law Enforcement',
};

/** Statutes are cited in Chinese numerals: 第一千零五十四条. Anything but 1 to 9999 stays as it is. */
function chineseNumber(text: string): string {
  if (!/^[1-9]\d{0,3}$/.test(text)) return text;
  const units = ['', '十', '百', '千'];
  const read = [...text]
    .map((digit, i) => '零一二三四五六七八九'.charAt(Number(digit)) + (digit === '0' ? '' : units[text.length - 1 - i]))
    .join('')
    .replace(/零+/g, '零')
    .replace(/零$/, '');
  return text.length === 2 && text.startsWith('1') ? read.slice(1) : read;
}

export function describeBasis(basis: readonly LegalBasis[], language: Language): string {
  return basis
    .map(({ article, law }) => {
      const [, number = article, item] = /^(\d+)(?:\((\d+)\))?$/.exec(article) ?? [];
      if (language === 'zh')
        return `《${law}》第${chineseNumber(number)}条${item ? `第（${chineseNumber(item)}）项` : ''}`;
      return `${lawsInEnglish[law] ?? law} art. ${number}${item ? ` (${item})` : ''}`;
    })
    .join(language === 'zh' ? '、' : '; ');
}

export interface ResultWords {
  /** The reason when the rule found something, else what it asserts. */
  reason: string;
  result: string;
  /** What is missing, for rules that list fields; empty otherwise. */
  missing: string;
  basis: string;
  /** Empty for a passed rule. */
  remedy: string;
}

export function describeResult(entry: RecognitionResult, language: Language): ResultWords {
  const found = entry.result !== 'pass' && entry.result !== 'not-applicable';
  const reason = (found ? ruleReasons : ruleSubjects)[entry.rule]?.[language] ?? entry.rule;
  const missing = Array.isArray(entry.facts.missing) ? (entry.facts.missing as string[]) : [];
  return {
    reason,
    result: results[entry.result][language],
    missing: missing.map((name) => facts[name]?.[language] ?? name).join(language === 'zh' ? '、' : ', '),
    basis: describeBasis(entry.basis, language),
    remedy: entry.remedy === undefined ? '' : remedies[entry.remedy][language],
  };
}

export function describeOutcome(outcome: RecognitionOutcome, language: Language): string {
  return outcomes[outcome][language];
}

/** E.g. `仅作线索（R10）`. */
export function describeProposal(proposal: RecognitionProposal, language: Language): string {
  const reasons = proposal.reasons.map((reason) => (isRuleId(reason) ? reason : ownReasons[reason][language]));
  const level = levels[proposal.proposed][language];
  return language === 'zh' ? `${level}（${reasons.join('、')}）` : `${level} (${reasons.join(', ')})`;
}

function isRuleId(reason: ProposalReason): reason is RuleId {
  return /^R\d\d$/.test(reason);
}
