import { type AgreementContent, canonicalJson, sha256 } from '@jieqiao/core';
import { type AgreementChange, agreementDiff, type ChangeTopic, type NamedParty } from './agreement-diff';
import type {
  AgreementTerms,
  CrimeThreshold,
  DisputeLevel,
  DocumentTemplate,
  FormRequirement,
  ItemRelation,
  LegalBasis,
  RecognitionLevel,
  TimeLimit,
  TimeUnit,
  TransferStep,
} from './agreement-terms';
import type { Language, Words } from './code-words';
import { describeBasis, ruleSubject, words } from './words';

/** Violation families of the region; domain.md §5. Others are shown by their code. */
const familyWords: Readonly<Record<string, Words>> = {
  'construction-waste-dumping': { zh: '渣土偷倒', en: 'dumping of construction waste' },
  'river-pollution': { zh: '河道污染', en: 'river pollution' },
  'street-vending': { zh: '流动设摊', en: 'street vending' },
  'illegal-posting': { zh: '乱张贴', en: 'illegal posting' },
  'cross-province-solid-waste': { zh: '非法跨省转移固废', en: 'illegal transfer of solid waste across provinces' },
  'mixed-waste': { zh: '垃圾混投', en: 'mixing of sorted waste' },
  'outdoor-advertising': { zh: '违法户外广告', en: 'illegal outdoor advertising' },
  'night-construction-noise': { zh: '夜间施工噪声', en: 'construction noise at night' },
  'catering-fumes': { zh: '餐饮油烟', en: 'catering fumes' },
  'illegal-leafleting': { zh: '违规散发', en: 'illegal leafleting' },
  'straw-burning': { zh: '秸秆焚烧', en: 'straw burning' },
  'trading-beyond-shopfront': { zh: '超出门窗经营', en: 'trading beyond the shopfront' },
};

/** Short names by GB/T 2260 code, as people say them. */
const regionWords: Readonly<Record<string, Words>> = {
  '310116': { zh: '金山', en: 'Jinshan' },
  '310117': { zh: '松江', en: 'Songjiang' },
  '310118': { zh: '青浦', en: 'Qingpu' },
  '320509': { zh: '吴江', en: 'Wujiang' },
  '330400': { zh: '嘉兴', en: 'Jiaxing' },
  '330402': { zh: '南湖', en: 'Nanhu' },
  '330411': { zh: '秀洲', en: 'Xiuzhou' },
  '330421': { zh: '嘉善', en: 'Jiashan' },
  '330424': { zh: '海盐', en: 'Haiyan' },
  '330481': { zh: '海宁', en: 'Haining' },
  '330482': { zh: '平湖', en: 'Pinghu' },
  '330483': { zh: '桐乡', en: 'Tongxiang' },
  '330522': { zh: '长兴', en: 'Changxing' },
};

const stepWords: Readonly<Record<TransferStep, Words>> = {
  DRAFT: { zh: '拟稿', en: 'drafting' },
  IN_REVIEW: { zh: '提交审核', en: 'submission for review' },
  LEGAL_REVIEW: { zh: '中队审核', en: 'squad review' },
  PENDING_APPROVAL: { zh: '法制审核', en: 'legal review' },
  SENT: { zh: '审批发出', en: 'approval and sending' },
  DELIVERED: { zh: '送达', en: 'delivery' },
  REJECTED_TECH: { zh: '技术拒收', en: 'technical rejection' },
  RECEIVED: { zh: '签收', en: 'acknowledgement' },
  ACCEPTED: { zh: '受理', en: 'acceptance' },
  SUPPLEMENT_REQUESTED: { zh: '要求补充', en: 'supplement request' },
  RETURNED: { zh: '退回', en: 'return' },
  FORWARDED: { zh: '转送', en: 'forwarding' },
  IN_DISPUTE: { zh: '提出争议', en: 'raising a dispute' },
  DESIGNATED: { zh: '指定管辖', en: 'designation' },
  NOT_FILED: { zh: '不予立案', en: 'refusal to file' },
  FILED: { zh: '立案', en: 'filing' },
  CRIMINAL_REFERRED: { zh: '移送公安', en: 'referral to the police' },
  DECIDED: { zh: '决定', en: 'decision' },
  FEEDBACK_SENT: { zh: '反馈', en: 'feedback' },
  CLOSED: { zh: '办结', en: 'closing' },
  WITHDRAWN: { zh: '撤回', en: 'withdrawal' },
};

const unitWords: Readonly<Record<TimeUnit, Words>> = {
  hours: { zh: '小时', en: 'hour' },
  'calendar-days': { zh: '日', en: 'calendar day' },
  'working-days': { zh: '个工作日', en: 'working day' },
};

const relationWords: Readonly<Record<ItemRelation, Words>> = {
  exact: { zh: '等同', en: 'exactly' },
  broader: { zh: '宽于', en: 'broader than' },
  narrower: { zh: '窄于', en: 'narrower than' },
  related: { zh: '相关', en: 'related to' },
};

const disputeLevelWords: Readonly<Record<DisputeLevel, Words>> = {
  county: { zh: '县级', en: 'county' },
  city: { zh: '市级', en: 'city' },
  province: { zh: '省级', en: 'province' },
  nation: { zh: '国家', en: 'nation' },
};

/** Requirements of form (domain.md §2.2), what records are kept, and why personal data may stay. */
const codeWords: Readonly<Record<string, Words>> = {
  original: { zh: '原件', en: 'the original' },
  'source-stated': { zh: '注明出处', en: 'source stated' },
  'compared-with-original': { zh: '核对无异', en: 'compared with the original' },
  'holder-seal': { zh: '保管单位盖章', en: "holder's seal" },
  'page-count': { zh: '注明页数', en: 'page count' },
  photographs: { zh: '照片或复制件', en: 'photographs or a copy' },
  'how-made': { zh: '制作方法、时间、制作人、证明对象', en: 'method, time, maker and purpose' },
  transcript: { zh: '声音附文字记录', en: 'transcript of sound' },
  'device-review': { zh: '设备审核与设置地点公示', en: "the device's review and published location" },
  digest: { zh: '完整性校验值', en: 'digest' },
  'holder-signature': { zh: '持有人签名', en: "holder's signature" },
  'author-identity': { zh: '证人基本情况', en: 'who the witness is' },
  'signature-and-date': { zh: '签名并注明日期', en: 'signature and date' },
  'each-page-signed': { zh: '逐页签名', en: 'signature on each page' },
  recorded: { zh: '全程录音录像', en: 'recording of the taking' },
  'basis-and-method': { zh: '依据与方法', en: 'basis and method' },
  qualification: { zh: '鉴定资质', en: 'qualification' },
  'signature-and-seal': { zh: '签名并盖章', en: 'signature and seal' },
  'officers-and-party-sign': { zh: '执法人员与当事人签名', en: 'signatures of officers and party' },
  'refusal-noted': { zh: '拒签注明原因', en: 'reason where a signature is refused' },
  transfer: { zh: '移送与回执', en: 'transfers and receipts' },
  evidence: { zh: '证据', en: 'evidence' },
  log: { zh: '存证日志', en: 'log' },
  agreement: { zh: '互认协议', en: 'agreements' },
  'impact-assessment': { zh: '个人信息保护影响评估', en: 'personal data impact assessments' },
  'telecom-suspension': { zh: '通信工具暂停', en: 'suspension of telephone service' },
  'identify-party': { zh: '核对当事人身份', en: 'to identify a party' },
  'serve-documents': { zh: '送达文书', en: 'to serve documents' },
  'hear-witness': { zh: '通知证人', en: 'to hear a witness' },
  'case-transfer-letter': { zh: '案件移送函', en: 'case transfer letter' },
  'lead-transfer-letter': { zh: '线索移送函', en: 'lead transfer letter' },
  'evidence-list': { zh: '证据移交清单', en: 'evidence list' },
  'assistance-letter': { zh: '协助调查函', en: 'request for assistance' },
  'feedback-letter': { zh: '处理结果反馈函', en: 'feedback letter' },
  'life-health': { zh: '公民生命健康安全', en: 'life and health' },
  finance: { zh: '金融安全', en: 'finance' },
  environment: { zh: '生态环境', en: 'environment' },
  'hazardous-waste': { zh: '危险废物', en: 'hazardous waste' },
  gains: { zh: '违法所得', en: 'gains' },
  losses: { zh: '公私财产损失', en: 'losses' },
};

const joined = (texts: readonly string[], language: Language) => texts.join(language === 'zh' ? '、' : ', ');
const quoted = (text: string) => `“${text}”`;

function codeName(code: unknown, language: Language): string {
  const key = String(code);
  return (Object.hasOwn(codeWords, key) ? codeWords[key] : undefined)?.[language] ?? key;
}

/** Families are known by their Chinese names on both sides; English adds what they mean. */
function familyName(code: unknown, language: Language): string {
  const known = Object.hasOwn(familyWords, String(code)) ? familyWords[String(code)] : undefined;
  if (!known) return String(code);
  return language === 'zh' ? known.zh : `${known.zh} (${known.en})`;
}

function lookUp(table: Readonly<Record<string, Words>>, language: Language): (code: unknown) => string {
  return (code) => (Object.hasOwn(table, String(code)) ? table[String(code)]![language] : String(code));
}

/** As people say it: 平湖, Pinghu. An area may have several bodies; only the node called after it has its name. */
function partyName({ node, authority }: NamedParty, language: Language): string {
  const region = regionWords[node.slice(-6)];
  if (region && node === `${region.en.toLowerCase()}.${node.slice(-6)}`) return region[language];
  return language === 'zh' ? authority || node : node;
}

/** 64 bits, for the eye: SHA-256 over a certificate's DER, or over the text of a verifier key. */
function shortFingerprint(bytes: Uint8Array): string {
  return sha256(bytes)
    .toString('hex')
    .slice(0, 16)
    .replace(/(.{4})(?=.)/g, '$1 ');
}

/** Chinese time, which both sides live by; smaller units only where they are not zero. */
function instantName(value: unknown, language: Language): string {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) return absentOr(value, language, { zh: '不限', en: 'open' });
  const [date, clock] = new Date(time + 8 * 3_600_000).toISOString().slice(0, -1).split('T') as [string, string];
  const shown = clock.replace(/:00\.000$/, '').replace(/\.000$/, '');
  const zone = language === 'zh' ? '北京时间' : 'China time';
  return language === 'zh' ? `${date} ${shown}（${zone}）` : `${date} ${shown} (${zone})`;
}

function absentOr(value: unknown, language: Language, absent: Words): string {
  return value === null || value === undefined ? absent[language] : json(value);
}

const json = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function basisName(value: unknown, language: Language): string {
  const basis = value as LegalBasis;
  const text = basis.text === undefined ? '' : language === 'zh' ? `（${basis.text}）` : ` (${basis.text})`;
  return `${describeBasis([basis], language)}${text}`;
}

function amountName(amount: unknown, unit: TimeUnit, language: Language): string {
  const name = lookUp(unitWords, language)(unit);
  return language === 'zh' ? `${amount} ${name}` : `${amount} ${name}${amount === 1 ? '' : 's'}`;
}

function timeLimitName(value: unknown, language: Language): string {
  const { amount, unit, rolls, basis } = value as TimeLimit;
  const more = [
    ...(rolls === undefined ? [] : [rolls ? rollsWords.yes[language] : rollsWords.no[language]]),
    ...(basis ? [basisName(basis, language)] : []),
  ];
  const base = amountName(amount, unit, language);
  if (more.length === 0) return base;
  return language === 'zh' ? `${base}（${more.join('，')}）` : `${base} (${more.join(', ')})`;
}

const rollsWords = {
  yes: { zh: '遇休息日顺延', en: 'a day off moves the end' },
  no: { zh: '不顺延', en: 'days off do not move the end' },
};

/** `5→3 个工作日` where only the number differs. */
function timeLimitChange(before: unknown, after: unknown, language: Language): string {
  const [old, now] = [before as TimeLimit, after as TimeLimit];
  const [a, b] = [timeLimitName(before, language), timeLimitName(after, language)];
  const onlyAmount = JSON.stringify({ ...old, amount: 0 }) === JSON.stringify({ ...now, amount: 0 });
  if (onlyAmount && !old.basis && old.rolls === undefined) {
    return `${old.amount}→${amountName(now.amount, now.unit, language)}`;
  }
  return `${a} → ${b}`;
}

function timeLimitLabel({ before, after }: AgreementChange, language: Language): string {
  const { step, after: from, kind, urgent } = (after ?? before) as TimeLimit;
  const name = lookUp(stepWords, language);
  if (language === 'zh') {
    const begin = from ? `（自${name(from)}起）` : '';
    const which = kind ? words.transferKind[kind].zh : '';
    return `${urgent ? '紧急' : ''}${which}${name(step)}期限${begin}`;
  }
  const begin = from ? ` after ${name(from)}` : '';
  const which = kind ? ` of a ${words.transferKind[kind].en}` : '';
  return `${urgent ? 'urgent ' : ''}${name(step)} time limit${which}${begin}`;
}

function anchorName(value: unknown, language: Language): string {
  const object = typeof value === 'object' && value !== null;
  const certificate = String(object ? (value as { certificate?: unknown }).certificate : value);
  const fingerprint = shortFingerprint(Buffer.from(certificate, 'base64'));
  if (!object) return language === 'zh' ? `自有根证书 ${fingerprint}` : `own root ${fingerprint}`;
  const count = ((value as { speakers?: unknown[] }).speakers ?? []).length;
  return language === 'zh'
    ? `电子认证机构 ${fingerprint}（${count} 张证书可代表该方）`
    : `certification authority ${fingerprint} (certificates that speak for the party: ${count})`;
}

function speakerName(value: unknown, language: Language): string {
  const { use, fingerprint, subject } = value as { use: string; fingerprint?: string; subject?: string };
  const uses: Record<string, Words> = {
    node: { zh: '节点', en: 'node' },
    seal: { zh: '印章', en: 'seal' },
    officer: { zh: '执法人员', en: 'officer' },
  };
  const who = fingerprint ? fingerprint.slice(0, 16).replace(/(.{4})(?=.)/g, '$1 ') : (subject ?? '');
  return `${uses[use]?.[language] ?? json(use ?? '?')} ${who}`;
}

function timeAuthorityName(value: unknown, language: Language): string {
  const { name, certificate, demonstration } = value as { name: string; certificate: string; demonstration: boolean };
  const mark = { zh: '，仅供演示', en: ', for demonstration only' }[language];
  const fingerprint = shortFingerprint(Buffer.from(String(certificate), 'base64'));
  return `${name} ${fingerprint}${demonstration ? mark : ''}`;
}

function successorName(value: unknown, language: Language): string {
  const { node, from } = value as { node: string; from: string };
  const name = partyName({ node, authority: '' }, language);
  return language === 'zh'
    ? `${name}（${node}），自 ${instantName(from, language)}`
    : `${name} (${node}), from ${instantName(from, language)}`;
}

function crimeThresholdName(value: unknown, language: Language): string {
  const { measure, atLeast, from, to, basis } = value as CrimeThreshold;
  const money = measure === 'gains' || measure === 'losses';
  const amount = money ? { zh: '元', en: 'yuan' } : { zh: '吨', en: 'tonnes' };
  const days = `${from ?? '…'} – ${to ?? '…'}`;
  const name = codeName(measure, language);
  return language === 'zh'
    ? `${name} ${atLeast} ${amount.zh}（${days}，${basisName(basis, 'zh')}）`
    : `${name} ${atLeast} ${amount.en} (${days}, ${basisName(basis, 'en')})`;
}

/** A line of hundreds of points can't be read: its digest tells one from another. */
function areaName(value: unknown, language: Language): string {
  const { region, outline } = value as NonNullable<AgreementTerms['areas']>[number];
  const name = lookUp(regionWords, language)(region);
  const fingerprint = shortFingerprint(canonicalJson(outline));
  return language === 'zh' ? `${name}（摘要 ${fingerprint}）` : `${name} (digest ${fingerprint})`;
}

function formName(value: unknown, language: Language): string {
  const { form, text, basis } = value as FormRequirement;
  const more = [...(text === undefined ? [] : [text]), ...(basis ? [basisName(basis, language)] : [])];
  const name = codeName(form, language);
  if (more.length === 0) return name;
  return language === 'zh' ? `${name}（${more.join('，')}）` : `${name} (${more.join(', ')})`;
}

function fieldMappingName(value: unknown, language: Language): string {
  const { from, to, transform, requiredIn, loss } = value as NonNullable<DocumentTemplate['fieldMap']>[number];
  const required: Record<string, Words> = {
    from: { zh: '移送方必填', en: 'required of the sender' },
    to: { zh: '接收方必填', en: 'required by the receiver' },
    both: { zh: '双方必填', en: 'required on both sides' },
  };
  const more = [...(transform ? [transform] : []), ...(requiredIn ? [required[requiredIn]![language]] : [])];
  const lossy = loss === 'note' ? [{ zh: '差额入备注', en: 'what is lost goes to the remarks' }[language]] : [];
  const all = [...more, ...lossy];
  if (all.length === 0) return `${from} = ${to}`;
  return language === 'zh' ? `${from} = ${to}（${all.join('，')}）` : `${from} = ${to} (${all.join(', ')})`;
}

function listName(value: unknown, language: Language, one: (entry: unknown) => string): string {
  if (!Array.isArray(value)) return absentOr(value, language, { zh: '默认', en: 'the default' });
  return value.length === 0 ? { zh: '空', en: 'none' }[language] : joined(value.map(one), language);
}

interface TopicWords {
  label: Words | ((change: AgreementChange, language: Language) => string);
  /** For the list as a whole, where the label speaks of one entry. */
  listLabel?: Words;
  /** The value as people read it; its plain text when absent. */
  value?: (value: unknown, language: Language) => string;
  /** Both values, where that reads better than one after the other. */
  change?: (before: unknown, after: unknown, language: Language) => string;
}

const within =
  (zh: (of: string) => string, en: (of: string) => string, name: (code: unknown, language: Language) => string) =>
  ({ of }: AgreementChange, language: Language): string =>
    language === 'zh' ? zh(name(of, language)) : en(name(of, language));

const evidenceKindName = (code: unknown, language: Language) => lookUp(words.evidenceKind, language)(code);
const transferKindName = (code: unknown, language: Language) => lookUp(words.transferKind, language)(code);
const levelName = (code: unknown, language: Language) => lookUp(words.level, language)(code as RecognitionLevel);
const personalDataName = (code: unknown, language: Language) => lookUp(words.personalData, language)(code);
const urgencyName = (code: unknown, language: Language) => lookUp(words.urgencyGround, language)(code);
const yesNo = (value: unknown, language: Language) =>
  value === true || value === false
    ? { true: { zh: '是', en: 'yes' }, false: { zh: '否', en: 'no' } }[`${value}`][language]
    : absentOr(value, language, { zh: '默认', en: 'the default' });

/** `R17 紧迫性标准` */
function ruleName(code: unknown, language: Language): string {
  const subject = ruleSubject(code, language);
  return subject === undefined ? String(code) : `${code} ${subject}`;
}
const resultName = (code: unknown, language: Language) => lookUp(words.result, language)(code);

/** Both languages wherever one is signed: the parties sign both. */
function bilingualName(value: unknown, language: Language): string {
  const { zh, en } = value as Words;
  return language === 'zh' ? `${quoted(zh)}（${en}）` : `${quoted(zh)} (${en})`;
}

function ownRuleTopic(label: Words, value: TopicWords['value']): TopicWords {
  return {
    label: within(
      (of) => `自订规则 ${of} ${label.zh}`,
      (of) => `own rule ${of}, ${label.en}`,
      json,
    ),
    value,
  };
}

const topics: Readonly<Record<ChangeTopic, TopicWords>> = {
  schema: { label: { zh: '格式', en: 'format' } },
  id: { label: { zh: '协议编号', en: 'agreement id' } },
  version: { label: { zh: '版本', en: 'version' } },
  previous: { label: { zh: '前一版本摘要', en: 'digest of the version before' } },
  title: { label: { zh: '名称', en: 'title' }, value: (value) => quoted(json(value)) },
  'effective-from': { label: { zh: '生效时间', en: 'in force from' }, value: instantName },
  'effective-to': { label: { zh: '失效时间', en: 'in force until' }, value: instantName },
  party: {
    label: { zh: '缔约方', en: 'party' },
    value: (value) => {
      const { authority, node } = value as NamedParty;
      return `${authority} (${node})`;
    },
  },
  authority: { label: { zh: '机关名称', en: 'name' }, value: (value) => quoted(json(value)) },
  region: { label: { zh: '行政区划代码', en: 'region code' } },
  alias: { label: { zh: '别名', en: 'alias' }, value: (value) => quoted(json(value)) },
  anchor: { label: { zh: '信任锚', en: 'trust anchor' }, value: anchorName },
  speaker: { label: { zh: '可代表该方的证书', en: 'certificate that speaks for it' }, value: speakerName },
  'log-key': {
    label: { zh: '日志密钥', en: 'log key' },
    value: (value) => shortFingerprint(Buffer.from(json(value))),
  },
  'endpoint-grpc': { label: { zh: '交换地址', en: 'exchange address' } },
  'endpoint-blobs': { label: { zh: '证据地址', en: 'evidence address' } },
  'validity-from': { label: { zh: '机关存续起始', en: 'authority exists from' }, value: instantName },
  'validity-to': { label: { zh: '机关存续终止', en: 'authority exists until' }, value: instantName },
  successor: { label: { zh: '承继机关', en: 'successor' }, value: successorName },
  'time-authority': { label: { zh: '时间戳机构', en: 'time-stamp authority' }, value: timeAuthorityName },
  direction: {
    label: { zh: '互认方向', en: 'direction' },
    value: (value, language) => {
      const { from, to } = value as { from: string; to: string };
      const name = (node: string) => partyName({ node, authority: '' }, language);
      return `${name(from)}→${name(to)}`;
    },
  },
  'legal-basis': { label: { zh: '法律依据', en: 'legal basis' }, value: basisName },
  family: {
    label: { zh: '违法类型', en: 'violation family' },
    value: (value, language) => (language === 'zh' ? quoted(familyName(value, 'zh')) : familyName(value, 'en')),
  },
  'transfer-kind': { label: { zh: '移送种类', en: 'kind of transfer' }, value: transferKindName },
  item: { label: { zh: '事项', en: 'catalogue item' } },
  items: {
    label: { zh: '限定的事项', en: 'restriction to catalogue items' },
    value: (value, language) =>
      Array.isArray(value) ? listName(value, language, json) : { zh: '不限', en: 'none' }[language],
  },
  equivalence: {
    label: { zh: '事项对应', en: 'equivalence of items' },
    value: (value, language) => {
      const { a, b, relation } = value as { a: string; b: string; relation: ItemRelation };
      return `${a} ${lookUp(relationWords, language)(relation)} ${b}`;
    },
  },
  'evidence-kind': {
    label: { zh: '证据种类', en: 'kind of evidence' },
    value: (value, language) => {
      const { kind, proposed } = value as { kind: string; proposed: string };
      const [name, level] = [evidenceKindName(kind, language), levelName(proposed, language)];
      return language === 'zh' ? `“${name}”（${level}）` : `${name} (${level})`;
    },
  },
  'evidence-level': {
    label: within(
      (of) => `“${of}”的采用意见`,
      (of) => `recognition proposed for ${of}`,
      evidenceKindName,
    ),
    value: levelName,
  },
  'evidence-form': {
    label: within(
      (of) => `“${of}”的形式要求`,
      (of) => `form required of ${of}`,
      evidenceKindName,
    ),
    value: formName,
  },
  template: {
    listLabel: { zh: '文书模板', en: 'document templates' },
    label: within(
      (of) => `“${of}”模板`,
      (of) => `template of the ${of}`,
      codeName,
    ),
    value: (value) =>
      typeof value === 'object' && value !== null ? (value as DocumentTemplate).template : json(value),
  },
  'field-mapping': {
    label: within(
      (of) => `“${of}”字段对应`,
      (of) => `field of the ${of}`,
      codeName,
    ),
    value: fieldMappingName,
  },
  'time-limit': {
    label: timeLimitLabel,
    listLabel: { zh: '期限', en: 'time limits' },
    value: timeLimitName,
    change: timeLimitChange,
  },
  'min-officers': { label: { zh: '取证人数', en: 'officers who collect' } },
  'limitation-years': { label: { zh: '追责时效（年）', en: 'limitation period in years' } },
  'limitation-warning': { label: { zh: '时效提示提前天数', en: 'days ahead to warn of limitation' } },
  'limitation-longer': {
    label: { zh: '较长追责时效', en: 'longer limitation period' },
    value: (value, language) => {
      const { harm, years, from, basis } = value as { harm: string; years: number; from: string; basis: LegalBasis };
      const name = codeName(harm, language);
      return language === 'zh'
        ? `${name} ${years} 年（${from} 起，${basisName(basis, 'zh')}）`
        : `${name} ${years} years (from ${from}, ${basisName(basis, 'en')})`;
    },
  },
  'urgency-ground': { label: { zh: '紧急事由', en: 'ground of urgency' }, value: urgencyName },
  'urgency-grounds': {
    label: { zh: '紧急事由', en: 'grounds of urgency' },
    value: (value, language) => listName(value, language, (entry) => urgencyName(entry, language)),
  },
  redaction: {
    label: within(
      (of) => `“${of}”中须隐去的个人信息`,
      (of) => `personal data to be removed (${of})`,
      transferKindName,
    ),
    value: personalDataName,
  },
  redactions: {
    label: within(
      (of) => `“${of}”中须隐去的个人信息`,
      (of) => `personal data to be removed (${of})`,
      transferKindName,
    ),
    value: (value, language) => listName(value, language, (entry) => personalDataName(entry, language)),
  },
  'personal-data-purpose': {
    label: { zh: '可保留个人信息的用途', en: 'purpose for which personal data may stay' },
    value: codeName,
  },
  'personal-data-purposes': {
    label: { zh: '可保留个人信息的用途', en: 'purposes for which personal data may stay' },
    value: (value, language) => listName(value, language, (entry) => codeName(entry, language)),
  },
  'statement-recording': { label: { zh: '询问须全程录音录像', en: 'statements need a recording' }, value: yesNo },
  'boundary-buffer': { label: { zh: '界线缓冲（米）', en: 'metres to either side of the line' } },
  'crime-threshold': { label: { zh: '涉嫌犯罪标准', en: 'threshold of crime' }, value: crimeThresholdName },
  'crime-thresholds': {
    label: { zh: '涉嫌犯罪标准', en: 'thresholds of crime' },
    value: (value, language) => listName(value, language, (entry) => crimeThresholdName(entry, language)),
  },
  'seizure-warning': { label: { zh: '扣押期限提示提前天数', en: 'days ahead to warn of the end of a seizure' } },
  area: { label: { zh: '辖区界线', en: 'outline of an area' }, value: areaName },
  'rule-off': { label: { zh: '停用的规则', en: 'rule switched off' }, value: ruleName },
  'rule-severity': {
    listLabel: { zh: '规则结果', en: 'results of rules' },
    label: ({ before, after }, language) => {
      const { rule } = (after ?? before) as { rule: string };
      const name = ruleName(rule, language);
      return language === 'zh' ? `${name}的结果` : `result of ${name}`;
    },
    value: (value, language) => resultName((value as { result?: unknown } | null)?.result, language),
  },
  'own-rule': { label: { zh: '自订规则', en: 'own rule' }, value: (value) => String((value as { id?: unknown }).id) },
  'own-rule-title': ownRuleTopic({ zh: '内容', en: 'what it asks' }, bilingualName),
  'own-rule-per': ownRuleTopic({ zh: '对象', en: 'asked of' }, (value, language) =>
    lookUp(
      { transfer: { zh: '整件移送', en: 'the transfer' }, evidence: { zh: '每件证据', en: 'each item of evidence' } },
      language,
    )(value),
  ),
  'own-rule-expression': ownRuleTopic({ zh: '表达式', en: 'expression' }, json),
  'own-rule-result': ownRuleTopic({ zh: '不符合时', en: 'if it is not so' }, resultName),
  'own-rule-kind': ownRuleTopic({ zh: '适用的移送种类', en: 'kind of transfer' }, transferKindName),
  'own-rule-kinds': ownRuleTopic({ zh: '适用的移送种类', en: 'kinds of transfer' }, (value, language) =>
    Array.isArray(value)
      ? listName(value, language, (entry) => transferKindName(entry, language))
      : { zh: '不限', en: 'all' }[language],
  ),
  'own-rule-basis': ownRuleTopic({ zh: '依据', en: 'basis' }, basisName),
  'own-rule-reason': ownRuleTopic({ zh: '理由', en: 'reason' }, bilingualName),
  'own-rule-remedy': ownRuleTopic({ zh: '补正办法', en: 'remedy' }, bilingualName),
  'dispute-level': {
    listLabel: { zh: '争议解决机关', en: 'who settles disputes' },
    label: ({ before, after }, language) => {
      const { level } = (after ?? before) as { level: string };
      const name = lookUp(disputeLevelWords, language)(level);
      return language === 'zh' ? `${name}争议解决机关` : `who settles disputes, ${name}`;
    },
    value: (value, language) => listName((value as { bodies?: unknown } | null)?.bodies, language, json),
  },
  retention: {
    listLabel: { zh: '保存期限', en: 'retention' },
    label: ({ before, after }, language) => {
      const name = codeName(((after ?? before) as { class: string }).class, language);
      return language === 'zh' ? `“${name}”保存期限` : `retention of ${name}`;
    },
    value: (value, language) => {
      const { years } = value as { years: number | null };
      if (years === null) return { zh: '永久', en: 'for ever' }[language];
      return language === 'zh' ? `${years} 年` : `${years} year${years === 1 ? '' : 's'}`;
    },
  },
  statistic: {
    label: { zh: '统计口径', en: 'statistic' },
    value: (value, language) => {
      const { name, definition } = value as { name: string; definition: string };
      return language === 'zh' ? `“${name}”：${definition}` : `“${name}”: ${definition}`;
    },
  },
  'exit-notice': { label: { zh: '退出提前通知天数', en: 'days of notice before leaving' } },
  'exit-open-transfers': {
    label: { zh: '退出时在办移送', en: 'transfers under way when a party leaves' },
    value: (value, language) =>
      lookUp(
        { complete: { zh: '办理完毕', en: 'are completed' }, return: { zh: '退回', en: 'are returned' } },
        language,
      )(value),
  },
  'exit-text': { label: { zh: '退出条款', en: 'clause on leaving' } },
  contact: {
    label: { zh: '值班电话', en: 'duty telephone' },
    value: (value, language) => {
      const { node, office, dutyPhone } = value as { node: string; office: string; dutyPhone: string };
      return `${partyName({ node, authority: '' }, language)} ${office} ${dutyPhone}`;
    },
  },
  'review-date': { label: { zh: '复审日期', en: 'date of review' } },
  other: {
    label: ({ pointer }, language) => (language === 'zh' ? `其他内容 ${pointer}` : pointer),
    value: (value, language) => (value === undefined ? { zh: '无', en: 'nothing' }[language] : JSON.stringify(value)),
  },
};

function labelOf(change: AgreementChange, language: Language): string {
  const { label, listLabel } = topics[change.topic];
  if (change.change === 'reordered' && listLabel) return listLabel[language];
  return typeof label === 'function' ? label(change, language) : label[language];
}

function valueWords(topic: ChangeTopic, value: unknown, language: Language): string {
  const { value: name } = topics[topic];
  if (name) return name(value, language);
  return absentOr(value, language, { zh: '无', en: 'none' });
}

function placeOf({ party, direction }: AgreementChange, language: Language): string {
  if (direction) return `${partyName(direction.from, language)}→${partyName(direction.to, language)}`;
  return party ? partyName(party, language) : '';
}

/** One change in a line for people who decide whether to sign: `平湖→金山：新增违法类型“垃圾混投”`. */
export function changeWords(change: AgreementChange, language: Language): string {
  const { topic, before, after } = change;
  const label = labelOf(change, language);
  const both = () =>
    topics[topic].change?.(before, after, language) ??
    `${valueWords(topic, before, language)} → ${valueWords(topic, after, language)}`;
  // A party and a direction name themselves.
  const place = topic === 'party' || topic === 'direction' ? '' : placeOf(change, language);
  if (language === 'zh') {
    const lead = place === '' ? '' : `${place}：`;
    if (change.change === 'reordered') return `${lead}${label}顺序调整`;
    if (change.change === 'changed') return `${lead}${label} ${both()}`;
    const [verb, value] = change.change === 'added' ? ['新增', after] : ['删去', before];
    return `${lead}${verb}${label}${spaced(valueWords(topic, value, 'zh'))}`;
  }
  const tail = place === '' ? '' : `, ${place}`;
  if (change.change === 'reordered') return `order of ${label} changed${tail}`;
  if (change.change === 'changed') return `${label} ${both()}${tail}`;
  const [verb, value] = change.change === 'added' ? ['added', after] : ['removed', before];
  return `${label} ${verb}: ${valueWords(topic, value, 'en')}${tail}`;
}

/** A space after Chinese words, but none before an opening quotation mark. */
const spaced = (value: string): string => (value.startsWith('“') ? value : ` ${value}`);

/** Everything that a text says, line by line, for `agreement show`. */
export function agreementSummary(content: AgreementContent, language: Language): string[] {
  const lines: { head: string; values: string[] }[] = [];
  for (const change of agreementDiff(null, content)) {
    const place = change.topic === 'party' || change.topic === 'direction' ? '' : placeOf(change, language);
    const colon = language === 'zh' ? '：' : ': ';
    const head = `${place === '' ? '' : `${place}${language === 'zh' ? ' ' : ', '}`}${labelOf(change, language)}${colon}`;
    const value = valueWords(change.topic, change.after, language);
    const last = lines.at(-1);
    if (last?.head === head) last.values.push(value);
    else lines.push({ head, values: [value] });
  }
  return lines.map(({ head, values }) => {
    // What has commas of its own is kept apart by something stronger.
    const parts = values.some((value) => /[、，。,]/.test(value)) ? { zh: '；', en: '; ' } : { zh: '、', en: ', ' };
    return head + values.join(parts[language]);
  });
}
