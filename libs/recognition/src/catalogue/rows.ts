import type { ItemRelation } from '../agreement-terms';
import type { DayRange } from '../china-date';
import type { Words } from '../code-words';
import type { EvidenceKind } from '../transfer-data';
import {
  type BasisRole,
  catalogueWords,
  type DocumentReach,
  type DocumentSeal,
  type DocumentSigner,
  type FineMode,
  type FineUnit,
  type FormNeed,
  type ItemActor,
  type ItemMeasure,
  type ItemPrecondition,
  type ItemTerritory,
  type ProvisionTopic,
  type RowStatus,
} from './vocabulary';

/**
 * The rows of a catalogue, and once for all their columns: the JSON Schema, the CSV files, the checks and the diff are
 * all made from the tables below.
 */

/** What every row says of itself: when it holds and how it is known. An open `from` is before the catalogue's first day. */
export interface CatalogueRow extends DayRange {
  status: RowStatus;
  /** Code of one of the catalogue's sources. */
  source: string;
  /** Where in the source, e.g. `第四十四条第五款`; every verified row has it. */
  place?: string;
  checkedOn: string;
  note?: string;
}

/** A version of a law; two versions of one law are two rows. */
export interface LawRow extends CatalogueRow {
  /** As it is cited: its usual short Chinese title. */
  law: string;
  aliases: string[];
  jurisdiction: string;
  version: string;
  /** Laws to look at from `to` on. */
  replacedBy: string[];
}

export interface FamilyRow extends CatalogueRow {
  code: string;
  zh: string;
  en: string;
}

/** An offence. Its articles, fines and discretion steps are rows of their own, because they change without it. */
export interface ItemRow extends CatalogueRow {
  code: string;
  /** 案由 */
  name: string;
  families: string[];
  /** GB/T 2260 code of the area whose law it is, `CN` for the nation's. */
  jurisdiction: string;
  domain: string;
  actor: ItemActor;
  territory: ItemTerritory;
  /** As the law calls it. */
  department: string;
  preconditions: ItemPrecondition[];
  measures: ItemMeasure[];
  /** Items before which it gives way where they apply; the basis with the role `yields` says why. */
  yieldsTo: string[];
  /** Items to look at from `to` on. */
  replacedBy: string[];
}

/** 条, 款, 项. A `paragraph` is given where the article has several. */
export interface Citation {
  law: string;
  article: number;
  paragraph?: number;
  clause?: number;
}

export interface BasisRow extends CatalogueRow, Citation {
  item: string;
  role: BasisRole;
}

export interface FineRow extends CatalogueRow {
  item: string;
  actor: ItemActor;
  /** The case in which this amount applies, where the article tells several apart. */
  when?: string;
  min: number;
  max: number;
  unit: FineUnit;
  mode: FineMode;
}

export interface DiscretionStepRow extends CatalogueRow {
  item: string;
  step: string;
  actor: ItemActor;
  condition: string;
  min: number;
  max: number;
  unit: FineUnit;
}

/** A general provision that the rules rely on. */
export interface ProvisionRow extends CatalogueRow, Citation {
  topic: ProvisionTopic;
  /** The cases of which it speaks, where not all. */
  scope?: string;
  /** Of a limitation. */
  years?: number;
  summary: string;
}

/** An authority's power to punish an item, by its name as on its seal. */
export interface PowerRow extends CatalogueRow {
  authority: string;
  item: string;
  noticeNo: string;
}

/** `a` is this to `b`: by what is forbidden, not by preconditions or fines. Each pair stands once. */
export interface EquivalenceRow extends CatalogueRow {
  a: string;
  relation: ItemRelation;
  b: string;
}

export interface ReturnCodeRow extends CatalogueRow {
  code: string;
  zh: string;
  en: string;
  /** Rules whose finding it answers. */
  rules: string[];
}

export interface EvidenceKindRow extends CatalogueRow {
  kind: EvidenceKind;
  zh: string;
  en: string;
  /** The clause of 行政处罚法 §46. */
  clause: number;
}

export interface EvidenceFormRow extends CatalogueRow {
  kind: EvidenceKind;
  form: string;
  zh: string;
  en: string;
  need: FormNeed;
  /** Names of the data that answer it; those that transfer data has are spelled as there. */
  fields: string[];
  law?: string;
  article?: number;
  paragraph?: number;
  clause?: number;
}

export interface DocumentTypeRow extends CatalogueRow {
  code: string;
  number: number;
  zh: string;
  en: string;
  /** Beside the common header, in Chinese. */
  fields: string[];
  signers: DocumentSigner[];
  seal: DocumentSeal;
  attachments: string[];
  reach: DocumentReach;
}

export interface CatalogueRows {
  laws: LawRow[];
  families: FamilyRow[];
  items: ItemRow[];
  bases: BasisRow[];
  fines: FineRow[];
  steps: DiscretionStepRow[];
  provisions: ProvisionRow[];
  powers: PowerRow[];
  equivalences: EquivalenceRow[];
  returnCodes: ReturnCodeRow[];
  evidenceKinds: EvidenceKindRow[];
  evidenceForms: EvidenceFormRow[];
  documentTypes: DocumentTypeRow[];
}
export type RowKind = keyof CatalogueRows;

/** A text that rows were checked against, or a word on why there is none. */
export interface CatalogueSource {
  code: string;
  title: string;
}

type TextCell =
  | { kind: 'code' }
  | { kind: 'word' }
  | { kind: 'sign' }
  | { kind: 'jurisdiction' }
  | { kind: 'catalogue' }
  | { kind: 'line'; maxLength: number }
  | { kind: 'choice'; choices: Readonly<Record<string, Words>> };
/** What one value may be. Blank in CSV is null for an open day, [] for a list, and absent where the column is optional. */
export type Cell =
  | TextCell
  | { kind: 'day' }
  | { kind: 'open-day' }
  | { kind: 'count'; min: number; max: number }
  | { kind: 'list'; of: TextCell };

export interface Reference {
  to: RowKind;
  /** The row referred to must hold as long as the one that refers to it. */
  throughout: boolean;
}

export interface Column<Optional extends boolean = boolean> {
  words: Words;
  cell: Cell;
  optional: Optional;
  refers?: Reference;
}

/** In the order of the CSV file. */
export type Columns<Row> = { readonly [Name in keyof Row]-?: Column<undefined extends Row[Name] ? true : false> };

/** `key`: the columns that say which row it is. Versions of one row have the same key and ranges that don't meet. */
export interface Table<Row> {
  words: Words;
  columns: Columns<Row>;
  key: readonly (keyof Row & string)[];
  /** Whether the key means the same with its columns the other way round. */
  eitherWay?: true;
}

type Extra = { refers?: Reference };
const column = (zh: string, en: string, cell: Cell, extra: Extra = {}): Column<false> => ({
  words: { zh, en },
  cell,
  optional: false,
  ...extra,
});
const optional = (zh: string, en: string, cell: Cell, extra: Extra = {}): Column<true> => ({
  ...column(zh, en, cell, extra),
  optional: true,
});
const line = (maxLength: number): TextCell => ({ kind: 'line', maxLength });
const count = (min: number, max: number): Cell => ({ kind: 'count', min, max });
const choice = (choices: Readonly<Record<string, Words>>): TextCell => ({ kind: 'choice', choices });
const list = (of: TextCell): Cell => ({ kind: 'list', of });
const code = { kind: 'code' } as const;
const word = { kind: 'word' } as const;
const day: Cell = { kind: 'day' };
const openDay: Cell = { kind: 'open-day' };
const money = count(0, 1_000_000_000);
const part = { refers: { to: 'items', throughout: true } } as const;
const pointer = { refers: { to: 'items', throughout: false } } as const;
const ofLaw = { refers: { to: 'laws', throughout: true } } as const;

const common: Columns<CatalogueRow> = {
  from: column('生效日', 'in force from', openDay),
  to: column('失效日', 'no longer from', openDay),
  status: column('核对状态', 'status', choice(catalogueWords.status)),
  source: column('来源', 'source', code),
  place: optional('来源位置', 'place in the source', line(100)),
  checkedOn: column('核对日', 'checked on', day),
  note: optional('说明', 'note', line(500)),
};
const citation: Columns<Citation> = {
  law: column('法律名称', 'law', line(100), ofLaw),
  article: column('条', 'article', count(1, 2000)),
  paragraph: optional('款', 'paragraph', count(1, 20)),
  clause: optional('项', 'clause', count(1, 50)),
};
const range = {
  min: column('下限', 'from', money),
  max: column('上限', 'to', money),
  unit: column('单位', 'unit', choice(catalogueWords.fineUnit)),
};
const named = { zh: column('中文', 'Chinese', line(200)), en: column('英文', 'English', line(200)) };
const evidenceKind = choice(catalogueWords.evidenceKind);

export const tables: { readonly [Kind in RowKind]: Table<CatalogueRows[Kind][number]> } = {
  laws: {
    words: { zh: '法律', en: 'law' },
    columns: {
      law: column('法律名称', 'law', line(100)),
      aliases: column('别称', 'other names', list(line(100))),
      jurisdiction: column('辖区', 'jurisdiction', { kind: 'jurisdiction' }),
      version: column('文本', 'version', line(100)),
      replacedBy: column('替代法律', 'replaced by', list(line(100)), { refers: { to: 'laws', throughout: false } }),
      ...common,
    },
    key: ['law'],
  },
  families: {
    words: { zh: '违法类型', en: 'violation family' },
    columns: { code: column('代码', 'code', word), ...named, ...common },
    key: ['code'],
  },
  items: {
    words: { zh: '事项', en: 'item' },
    columns: {
      code: column('事项代码', 'item', code),
      name: column('案由', 'name', line(300)),
      families: column('违法类型', 'families', list(word), { refers: { to: 'families', throughout: false } }),
      jurisdiction: column('辖区', 'jurisdiction', { kind: 'jurisdiction' }),
      domain: column('领域', 'domain', line(60)),
      actor: column('主体', 'actor', choice(catalogueWords.actor)),
      territory: column('适用区域', 'territory', choice(catalogueWords.territory)),
      department: column('主管部门', 'department', line(200)),
      preconditions: column('前置条件', 'preconditions', list(choice(catalogueWords.precondition))),
      measures: column('措施', 'measures', list(choice(catalogueWords.measure))),
      yieldsTo: column('让位于', 'gives way to', list(code), pointer),
      replacedBy: column('替代事项', 'replaced by', list(code), pointer),
      ...common,
    },
    key: ['code'],
  },
  bases: {
    words: { zh: '依据', en: 'basis' },
    columns: {
      item: column('事项代码', 'item', code, part),
      role: column('作用', 'role', choice(catalogueWords.basisRole)),
      ...citation,
      ...common,
    },
    key: ['item', 'role', 'law', 'article', 'paragraph', 'clause'],
  },
  fines: {
    words: { zh: '罚款', en: 'fine' },
    columns: {
      item: column('事项代码', 'item', code, part),
      actor: column('主体', 'actor', choice(catalogueWords.actor)),
      when: optional('情形', 'case', line(200)),
      ...range,
      mode: column('幅度性质', 'mode', choice(catalogueWords.fineMode)),
      ...common,
    },
    key: ['item', 'actor', 'when', 'unit'],
  },
  steps: {
    words: { zh: '裁量档次', en: 'discretion step' },
    columns: {
      item: column('事项代码', 'item', code, part),
      step: column('档次', 'step', line(60)),
      actor: column('主体', 'actor', choice(catalogueWords.actor)),
      condition: column('适用条件', 'condition', line(500)),
      ...range,
      ...common,
    },
    key: ['item', 'step', 'actor', 'unit'],
  },
  provisions: {
    words: { zh: '通则', en: 'general provision' },
    columns: {
      topic: column('主题', 'topic', choice(catalogueWords.topic)),
      ...citation,
      scope: optional('适用范围', 'scope', line(200)),
      years: optional('年数', 'years', count(1, 50)),
      summary: column('要旨', 'summary', line(500)),
      ...common,
    },
    key: ['topic', 'law', 'article', 'paragraph', 'clause', 'scope'],
  },
  powers: {
    words: { zh: '处罚权', en: 'power' },
    columns: {
      authority: column('机关', 'authority', line(100)),
      item: column('事项代码', 'item', code, pointer),
      noticeNo: column('公告文号', 'notice', line(100)),
      ...common,
    },
    key: ['authority', 'item'],
  },
  equivalences: {
    words: { zh: '事项对应', en: 'equivalence' },
    columns: {
      a: column('事项甲', 'item a', code, part),
      relation: column('甲对乙', 'a to b', choice(catalogueWords.relation)),
      b: column('事项乙', 'item b', code, part),
      ...common,
    },
    key: ['a', 'b'],
    eitherWay: true,
  },
  returnCodes: {
    words: { zh: '退回代码', en: 'return code' },
    columns: {
      code: column('代码', 'code', { kind: 'sign' }),
      ...named,
      rules: column('对应规则', 'rules', list(code)),
      ...common,
    },
    key: ['code'],
  },
  evidenceKinds: {
    words: { zh: '证据种类', en: 'kind of evidence' },
    columns: {
      kind: column('证据种类', 'kind', evidenceKind),
      ...named,
      clause: column('项', 'clause', count(1, 50)),
      ...common,
    },
    key: ['kind'],
  },
  evidenceForms: {
    words: { zh: '证据形式', en: 'form of evidence' },
    columns: {
      kind: column('证据种类', 'kind', evidenceKind, { refers: { to: 'evidenceKinds', throughout: true } }),
      form: column('形式', 'form', word),
      ...named,
      need: column('要求', 'need', choice(catalogueWords.formNeed)),
      fields: column('数据项', 'fields', list(code)),
      law: optional('法律名称', 'law', line(100), ofLaw),
      article: optional('条', 'article', count(1, 2000)),
      paragraph: citation.paragraph,
      clause: citation.clause,
      ...common,
    },
    key: ['kind', 'form'],
  },
  documentTypes: {
    words: { zh: '文书种类', en: 'type of document' },
    columns: {
      code: column('代码', 'code', word),
      number: column('序号', 'number', count(1, 1000)),
      ...named,
      fields: column('专有项', 'fields', list(line(60))),
      signers: column('签署', 'signers', list(choice(catalogueWords.signer))),
      seal: column('用印', 'seal', choice(catalogueWords.documentSeal)),
      attachments: column('附件', 'attachments', list(line(60))),
      reach: column('去向', 'reach', choice(catalogueWords.documentReach)),
      ...common,
    },
    key: ['code'],
  },
};

export const rowKinds = Object.keys(tables) as RowKind[];

export const sourceTable: Table<CatalogueSource> = {
  words: { zh: '来源', en: 'source' },
  columns: { code: column('来源', 'source', code), title: column('名称', 'title', line(200)) },
  key: ['code'],
};

/** A catalogue's own line: what it is called, and for which days it answers. */
export interface CatalogueHeader extends DayRange {
  id: string;
  version: number;
  from: string;
  title: string;
}

export const headerTable: Table<CatalogueHeader> = {
  words: { zh: '目录', en: 'catalogue' },
  columns: {
    id: column('目录代码', 'id', { kind: 'catalogue' }),
    version: column('版本', 'version', count(1, 1_000_000)),
    from: column('适用自', 'answers from', day),
    to: column('适用至', 'answers until', openDay),
    title: column('名称', 'title', line(200)),
  },
  key: ['id'],
};

/** A row where only its columns matter, not its kind. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** Any table as the generic code reads it. */
export interface AnyTable {
  words: Words;
  columns: Readonly<Record<string, Column>>;
  key: readonly string[];
  eitherWay?: true;
}

/** The same for all versions of a row. No value holds a line break. */
export function rowKey(table: AnyTable, row: AnyRow): string {
  const parts = table.key.map((name) => String(row[name] ?? ''));
  return (table.eitherWay ? parts.sort() : parts).join('\n');
}
