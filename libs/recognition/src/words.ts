import type { LegalBasis, RecognitionLevel } from './agreement-terms';
import { actorWords, evidenceKindWords, type Language, type Words } from './code-words';
import type {
  ProposalReason,
  RecognitionDecision,
  RecognitionOutcome,
  RecognitionProposal,
  RecognitionResult,
} from './evaluate';
import type { EvaluationFault } from './own-rules/expression';
import type { OwnRuleId } from './own-rules/own-rules';
import type { PersonalDataCategory } from './personal-data';
import type { Facts, RemedyCode, RuleId, RuleResult } from './rules/rule';
import type { HandedInSource, LeadSource, TransferKind, UrgencyGround } from './transfer-data';

/** A rule's reason as it stands in a return or supplement notice; domain.md §5. */
const ruleReasons: Partial<Record<RuleId, Words>> = {
  R01: {
    zh: '取证执法人员不足两人或执法证件无效',
    en: 'fewer than two officers collected the item, or a certificate was not valid',
  },
  R02: { zh: '违法行为发生地不在接收方辖区', en: "the act did not happen in the receiver's area" },
  R03: { zh: '接收方无该事项处罚权', en: 'the receiver does not hold the power to punish this' },
  R04: {
    zh: '引用依据在行为发生时未生效或已废止，请核对从旧兼从轻',
    en: 'a law cited was not in force at the time of the act or is no longer: compare old and new',
  },
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
  R11: {
    zh: '先行登记保存已逾七个工作日未作处理',
    en: 'an item registered for preservation was not disposed of within seven working days',
  },
  R12: {
    zh: '扣押期限即将届满或已届满，请先作处理或办理延期',
    en: 'a seizure ends soon or has ended: dispose of the item or extend',
  },
  R13: {
    zh: '可能涉嫌犯罪，不得以行政处罚代替移送',
    en: 'a crime may have been committed: no penalty may take the place of the police',
  },
  R14: {
    zh: '该事项须先责令改正，缺少责令改正通知书或复查笔录',
    en: 'this item needs an order to correct first: the order or the record of the re-check is missing',
  },
  R15: { zh: '疑似同一违法行为已由他方立案', en: 'another side seems to have filed a case for the same act' },
  R16: { zh: '包含超出办案必要范围的个人信息', en: 'the text holds more personal data than the matter needs' },
  R17: { zh: '不符合紧迫性标准，按一般时限办理', en: 'no accepted ground of urgency: the usual time limits apply' },
  R18: {
    zh: '文号无法识别、重复，或签章单位与发文机关不一致',
    en: "the number does not read as one or is taken, or the seal is invalid or not the issuer's",
  },
  R19: { zh: '不在互认协议范围或协议未生效', en: 'the agreement is not in force or does not cover this' },
  R20: {
    zh: '法制审核人员为本案承办人、审批人或未具备资格',
    en: 'the legal reviewer handled or approved the case, or is not shown to be qualified',
  },
};

/** What a passed rule asserts. */
const ruleSubjects: Partial<Record<RuleId, Words>> = {
  R01: { zh: '取证执法人员与证件', en: 'two officers with valid certificates' },
  R02: { zh: '违法行为发生地', en: 'place of the act' },
  R03: { zh: '接收方处罚权', en: "the receiver's power" },
  R04: { zh: '引用依据的效力', en: 'laws cited in force' },
  R05: { zh: '追责时效', en: 'limitation period' },
  R06: { zh: '证据校验值', en: 'digests of the files' },
  R07: { zh: '视听资料和电子数据的制作说明', en: 'how recordings and data were made' },
  R08: { zh: '书证复制件的出处与核对', en: 'source of copied documents' },
  R09: { zh: '笔录签名', en: 'signatures on records' },
  R10: { zh: '电子监控设备审核与公示', en: 'review of monitoring devices' },
  R11: { zh: '先行登记保存期限', en: 'time limit of registered items' },
  R12: { zh: '扣押期限', en: 'time limit of seizures' },
  R13: { zh: '涉嫌犯罪筛查', en: 'thresholds of crime' },
  R14: { zh: '处罚前置条件', en: 'what must precede the penalty' },
  R15: { zh: '同一违法行为立案情况', en: 'filings for the same act' },
  R16: { zh: '个人信息最小化', en: 'no needless personal data' },
  R17: { zh: '紧迫性标准', en: 'urgency' },
  R18: { zh: '文号与印章', en: 'number and seal' },
  R19: { zh: '互认协议范围', en: 'coverage by the agreement' },
  R20: { zh: '法制审核人员', en: 'legal reviewer' },
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
  'confirm-place': {
    zh: '发生地位于界线缓冲范围内，由人工核定',
    en: 'the place lies within the buffer of the line: a person decides',
  },
  'send-to-holder-of-power': {
    zh: '移送至有该事项处罚权的机关',
    en: 'send to the authority that holds the power for this item',
  },
  'check-power': {
    zh: '目录中查不到相应事项或接收方的权责登记，请人工核对',
    en: "the catalogues do not have the item or the receiver's powers: check by hand",
  },
  'check-law': {
    zh: '核对所引法律名称、条文和施行日期',
    en: 'check the title, the article and the dates of the law cited',
  },
  'compare-laws': {
    zh: '核对新旧规定，适用从旧兼从轻',
    en: 'compare the old and the new provisions: the law at the time of the act, or a lighter later one',
  },
  'check-actor': {
    zh: '所引条文的主体与当事人不符，请核对',
    en: 'the article cited names another kind of party: check it',
  },
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
  'dispose-registered': {
    zh: '登记保存已自动届满：先作出处理决定并补填处理时间',
    en: 'the registration has run out: decide on the item and state when',
  },
  'explain-late-disposal': { zh: '说明逾期处理登记保存物品的原因', en: 'explain why the item was disposed of late' },
  'count-by-hand': {
    zh: '该期间没有法定节假日安排或适用条文，请人工计算期限',
    en: 'no official holiday table or provision covers these days: count by hand',
  },
  'extend-seizure': { zh: '期限届满前作出处理决定或办理延期', en: 'decide on the item or extend before the last day' },
  'release-seized': {
    zh: '扣押期限已届满，应当解除；不得再以扣押物为据',
    en: 'the seizure has ended and the item must be released: do not rely on it',
  },
  'refer-to-police': {
    zh: '终止案件移送，按移送涉嫌犯罪案件的规定移送公安机关',
    en: 'do not transfer it as a case: refer it to the police',
  },
  'consider-police': {
    zh: '建议接收方启动涉嫌犯罪案件移送程序',
    en: 'the receiver should consider the referral to the police',
  },
  'retake-statement': {
    zh: '询问笔录转入刑事程序须重新制作',
    en: 'a statement must be taken again for the criminal procedure',
  },
  'check-preconditions': {
    zh: '目录不覆盖该日，请人工核对处罚前置条件',
    en: 'the catalogues do not answer for that day: check by hand what must precede the penalty',
  },
  'add-order-and-re-check': {
    zh: '补充责令改正通知书、复查笔录',
    en: 'add the order to correct and the record of the re-check',
  },
  'order-to-correct-first': {
    zh: '由接收方先责令改正并复查',
    en: 'the receiver orders to correct and checks again first',
  },
  'close-as-corrected': {
    zh: '复查已改正，不具备处罚前置条件，可教育后不予立案',
    en: 'the re-check found it corrected: no penalty; educate, and do not file',
  },
  'join-filed-case': {
    zh: '并入已立案件作为证据移交，或提出管辖协商',
    en: 'hand over as evidence for the case already filed, or negotiate competence',
  },
  'ask-peers-again': {
    zh: '部分对方节点未答复同一行为查询，请再次查询',
    en: 'some peers did not answer: ask them again',
  },
  redact: { zh: '删除或遮盖所列字段中的个人信息', en: 'remove the personal data from the fields named' },
  'use-normal-procedure': { zh: '改按一般时限办理，或补充紧急事由', en: 'use the usual limits, or state a ground' },
  'correct-number': {
    zh: '按“机关代字〔年份〕第几号”更正文号',
    en: 'write the number as issuer, year in brackets, sequence',
  },
  'take-another-number': {
    zh: '该文号已用于其他文书，请重新取号',
    en: 'another document bears this number: take another',
  },
  'seal-again': {
    zh: '用发文机关现行有效的印章重新签章',
    en: "seal it again with a valid seal in the issuing authority's name",
  },
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
  'review-by-another': {
    zh: '由未参与承办、审批且具备资格的法制审核人员重新审核',
    en: 'have a qualified legal reviewer clear it who neither handled nor approved the case',
  },
  'state-qualification': { zh: '补填法制审核人员取得资格的日期', en: 'state since when the reviewer is qualified' },
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

/** Why an own rule had no answer. */
const faults: Readonly<Record<EvaluationFault, Words>> = {
  missing: { zh: '缺少所需内容，无法判断', en: 'could not be judged: something it asks for is not stated' },
  index: { zh: '所指条目不存在，无法判断', en: 'could not be judged: there is no such entry' },
  'division-by-zero': { zh: '除数为零，无法判断', en: 'could not be judged: division by zero' },
  overflow: { zh: '数值超限，无法判断', en: 'could not be judged: a number is too large' },
  day: { zh: '日期有误，无法判断', en: 'could not be judged: this is no day' },
  span: { zh: '时间跨度过长，无法判断', en: 'could not be judged: too many days between' },
  'no-holiday-table': {
    zh: '该年节假日安排未知，无法判断',
    en: "could not be judged: that year's holidays are unknown",
  },
  model: { zh: '数据不合格式，无法判断', en: 'could not be judged: data of another form' },
  steps: { zh: '计算超限，无法判断', en: 'could not be judged: too many steps' },
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
  'correction-order': { zh: '责令改正通知书', en: 'order to correct' },
  're-check-record': { zh: '复查笔录', en: 'record of the re-check' },
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
  行政强制法: 'Administrative Coercion Law',
  刑事诉讼法: 'Criminal Procedure Law',
  国务院关于在线政务服务的若干规定: 'State Council Provisions on Online Government Services',
  固体废物污染环境防治法: 'Law on the Prevention and Control of Solid Waste Pollution',
  水污染防治法: 'Law on the Prevention and Control of Water Pollution',
  '办理环境污染刑事案件解释（法释〔2016〕29号）':
    'Interpretation on Criminal Cases of Environmental Pollution (Fashi [2016] No. 29)',
  '办理环境污染刑事案件解释（法释〔2023〕7号）':
    'Interpretation on Criminal Cases of Environmental Pollution (Fashi [2023] No. 7)',
  浙江省城市市容和环境卫生管理条例: 'Zhejiang Regulations on City Appearance and Environmental Sanitation',
  浙江省河道管理条例: 'Zhejiang Regulations on River Management',
  上海市市容环境卫生管理条例: 'Shanghai Regulations on City Appearance and Environmental Sanitation',
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

const lawProblems: Readonly<Record<string, Words>> = {
  'day-outside-catalogue': { zh: '目录不覆盖所涉日期', en: 'the catalogues do not answer for those days' },
  unknown: { zh: '目录中没有该法律', en: 'the catalogues do not know this law' },
  'not-in-force': { zh: '行为期间未施行', en: 'not in force during the act' },
  'changed-during-act': { zh: '行为期间法律有更替', en: 'the law changed during the act' },
  'ended-since': { zh: '行为之后已废止', en: 'no longer in force since' },
  amended: { zh: '行为之后已修改', en: 'amended since' },
};

const many = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** What a finding's facts say beyond its reason. */
const details: Partial<Record<RuleId, (facts: RecognitionResult['facts']) => Words | null>> = {
  R02: ({ area, metres }) => {
    if (area === undefined) return null;
    return { zh: `距辖区界线 ${metres} 米`, en: `${metres} m from the line of the area` };
  },
  R04: ({ actors, article, law, parties, successors, why }) => {
    const cited = {
      zh: law ? `《${law}》第${article}条` : `第${article}条`,
      en: `${lawsInEnglish[String(law)] ?? law ?? ''} art. ${article}`,
    };
    if (why === 'actor') {
      const named = (codes: unknown, language: Language) =>
        many(codes)
          .map((code) => (actorWords as Readonly<Record<string, Words>>)[code]?.[language] ?? code)
          .join(language === 'zh' ? '、' : ', ');
      return {
        zh: `${cited.zh}所指为${named(actors, 'zh')}，当事人为${named(parties, 'zh')}`,
        en: `${cited.en} names: ${named(actors, 'en')}; the party is: ${named(parties, 'en')}`,
      };
    }
    const problem = lawProblems[String(why)];
    if (!problem) return null;
    const next = many(successors);
    return {
      zh: `${cited.zh}：${problem.zh}${next.length > 0 ? `；请核对${next.join('、')}` : ''}`,
      en: `${cited.en}: ${problem.en}${next.length > 0 ? `; see ${next.join(', ')}` : ''}`,
    };
  },
  R05: lastDayWords,
  R11: lastDayWords,
  R12: lastDayWords,
  R13: ({ amount, atLeast, measure }) => {
    if (amount === undefined) return null;
    const money = measure === 'gains' || measure === 'losses';
    return {
      zh: `${amount} ${money ? '元' : '吨'}，标准为 ${atLeast} ${money ? '元' : '吨'}`,
      en: `${amount} ${money ? 'yuan' : 'tonnes'}, the threshold is ${atLeast}`,
    };
  },
  R15: ({ filedAt, node }) =>
    node === undefined ? null : { zh: `${node}，立案时间 ${filedAt}`, en: `${node}, filed at ${filedAt}` },
};

function lastDayWords({ lastDay }: RecognitionResult['facts']): Words | null {
  return lastDay === undefined ? null : { zh: `期限至 ${lastDay}`, en: `until ${lastDay}` };
}

/** What a rule asks after, where there are words for it. */
export function ruleSubject(rule: unknown, language: Language): string | undefined {
  return Object.hasOwn(ruleSubjects, String(rule)) ? ruleSubjects[rule as RuleId]?.[language] : undefined;
}

export interface ResultWords {
  /** The reason when the rule found something, else what it asserts. */
  reason: string;
  result: string;
  /** What is missing, for rules that list fields; empty otherwise. */
  missing: string;
  /** Days, amounts and articles of the finding, for rules that have them; empty otherwise. */
  detail: string;
  basis: string;
  /** Empty for a passed rule. */
  remedy: string;
}

/** @param ownRules of the decision that the result stands in: an agreement's own rules have their words with them */
export function describeResult(
  entry: RecognitionResult,
  language: Language,
  ownRules: RecognitionDecision['ownRules'] = {},
): ResultWords {
  const found = entry.result !== 'pass' && entry.result !== 'not-applicable';
  const own = Object.hasOwn(ownRules, entry.rule) ? ownRules[entry.rule as OwnRuleId] : undefined;
  const reason = own ? own[found ? 'reason' : 'title'] : (found ? ruleReasons : ruleSubjects)[entry.rule as RuleId];
  const missing = Array.isArray(entry.facts.missing) ? (entry.facts.missing as string[]) : [];
  const remedy = own && found ? own.remedy : entry.remedy && remedies[entry.remedy];
  return {
    reason: (reason?.[language] ?? entry.rule) + unanswered(entry.facts, language),
    result: results[entry.result][language] + agreed(entry.facts, language),
    missing: missing.map((name) => facts[name]?.[language] ?? name).join(language === 'zh' ? '、' : ', '),
    detail: (found && details[entry.rule as RuleId]?.(entry.facts)?.[language]) || '',
    basis: describeBasis(entry.basis, language),
    remedy: remedy?.[language] ?? '',
  };
}

const bracketed = (text: string, language: Language) => (language === 'zh' ? `（${text}）` : ` (${text})`);

function unanswered({ error }: Facts, language: Language): string {
  const words = Object.hasOwn(faults, String(error)) ? faults[error as EvaluationFault] : undefined;
  return words ? bracketed(words[language], language) : '';
}

/** Where the agreement switched the rule, what it would be without. */
function agreed({ off, usual }: Facts, language: Language): string {
  if (off !== undefined) return bracketed({ zh: '协议停用', en: 'switched off by the agreement' }[language], language);
  if (usual === undefined) return '';
  const before = results[usual as RuleResult][language];
  return bracketed({ zh: `协议约定，一般为${before}`, en: `by the agreement; usually ${before}` }[language], language);
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
