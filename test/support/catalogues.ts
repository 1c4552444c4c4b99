import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type Catalogue,
  type CatalogueRow,
  type CatalogueSet,
  type ItemRow,
  joinCatalogues,
  parseCatalogue,
  type Registers,
} from '@jieqiao/recognition';

const folder = path.join(__dirname, '../../libs/recognition/catalogues');

/** The catalogue files that are shipped, by id. */
export function shippedCatalogues(): Map<string, Catalogue> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(
    files.map((name) => {
      const catalogue = parseCatalogue(readFileSync(path.join(folder, name)));
      return [catalogue.id, catalogue];
    }),
  );
}

let joined: CatalogueSet | undefined;
/** All of them put together. */
export function shippedSet(): CatalogueSet {
  joined ??= joinCatalogues([...shippedCatalogues().values()]);
  return joined;
}

/** Registers in which nothing stands against a transfer. */
export const quietRegisters: Registers = { filings: [], unanswered: [], numberTaken: false, seal: null };

export const sampleRow: CatalogueRow = {
  from: null,
  to: null,
  status: 'sample',
  source: 'text',
  checkedOn: '2026-11-23',
};

/** A catalogue with at least one row of each kind, whose references are its own. */
export function smallCatalogue(): Catalogue {
  const row = sampleRow;
  const dated = { ...row, from: '2022-09-01', to: '2024-09-01' };
  const item = (code: string, name: string): ItemRow => ({
    ...row,
    code,
    name,
    families: ['dumping'],
    jurisdiction: '330482',
    domain: '市容',
    actor: 'any',
    territory: 'whole',
    department: '执法部门',
    preconditions: ['order-to-correct', 're-check'],
    measures: ['hold-vehicle'],
    yieldsTo: [],
    replacedBy: [],
  });
  return {
    schema: 'jieqiao/catalogue/v1',
    id: 'sample.330482',
    version: 1,
    effective: { from: '2022-01-01', to: '2030-01-01' },
    title: '示例目录',
    sources: [{ code: 'text', title: '某条例' }],
    laws: [{ ...row, law: '某条例', aliases: ['条例'], jurisdiction: '330482', version: '一', replacedBy: [] }],
    families: [{ ...row, code: 'dumping', zh: '倾倒', en: 'dumping' }],
    items: [item('x-A', '倾倒'), { ...item('x-B', '抛撒'), from: dated.from, to: dated.to, yieldsTo: ['x-A'] }],
    bases: [{ ...row, item: 'x-A', role: 'liability', law: '某条例', article: 9, paragraph: 2, clause: 1 }],
    fines: [{ ...row, item: 'x-A', actor: 'any', when: '夜间', min: 100, max: 500, unit: 'yuan', mode: 'may' }],
    steps: [{ ...row, item: 'x-A', step: '一般', actor: 'any', condition: '初次', min: 100, max: 200, unit: 'yuan' }],
    provisions: [{ ...row, topic: 'limitation', law: '某条例', article: 36, years: 2, summary: '二年' }],
    powers: [{ ...row, authority: '某局', item: 'x-A', noticeNo: '公告〔2022〕1号' }],
    equivalences: [{ ...dated, a: 'x-A', relation: 'broader', b: 'x-B' }],
    returnCodes: [{ ...row, code: 'NO_POWER', zh: '无处罚权', en: 'no power', rules: ['R03'] }],
    evidenceKinds: [{ ...row, kind: 'documentary', zh: '书证', en: 'documents', clause: 1 }],
    evidenceForms: [
      {
        ...row,
        kind: 'documentary',
        form: 'page-count',
        zh: '页数',
        en: 'pages',
        need: 'practice',
        fields: ['pages'],
      },
    ],
    documentTypes: [
      {
        ...row,
        code: 'notice-sheet',
        number: 25,
        zh: '抄告单',
        en: 'notice',
        fields: ['事实'],
        signers: ['head'],
        seal: 'authority',
        attachments: [],
        reach: 'peer',
      },
    ],
  };
}
