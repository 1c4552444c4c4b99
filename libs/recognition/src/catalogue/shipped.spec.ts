import { readFileSync } from 'node:fs';
import path from 'node:path';
import { shippedCatalogues } from '../../../../test/support/catalogues';
import {
  type AgreementTerms,
  catalogueAt,
  encodeCatalogue,
  evidenceKinds,
  type FineRow,
  itemAt,
  joinCatalogues,
} from '../index';
import { rowKinds } from './rows';

const catalogues = shippedCatalogues();
const set = joinCatalogues([...catalogues.values()]);
const terms: AgreementTerms = JSON.parse(
  readFileSync(path.join(__dirname, '../../../../test/samples/agreement-terms.json'), 'utf8'),
);
const allRows = rowKinds.flatMap((kind) => set[kind].map((row) => ({ kind, row })));

describe('the catalogues that are shipped', () => {
  it('are files named by their id, the same bytes as their rows make', () => {
    expect([...catalogues.keys()].sort()).toEqual([
      'common.cn',
      'delta.cn',
      'national.cn',
      'sample.cn',
      'shanghai.310000',
      'zhejiang.330400',
    ]);
    for (const [id, catalogue] of catalogues) {
      const file = path.join(__dirname, '../../catalogues', `${id}.json`);
      expect(readFileSync(file).equals(encodeCatalogue(catalogue))).toBe(true);
    }
  });

  it('say of every row where it comes from and when it was checked', () => {
    expect(allRows.filter(({ row }) => row.checkedOn !== '2026-11-23')).toEqual([]);
    const unread = allRows.filter(({ row }) => row.status === 'unverified');
    expect(unread.every(({ row }) => row.source === 'not-read' && row.note !== undefined)).toBe(true);
    expect(unread.filter(({ kind }) => kind === 'laws').map(({ row }) => 'law' in row && row.law)).toEqual(
      expect.arrayContaining([
        '上海市市容环境卫生管理条例',
        '上海市建筑垃圾处理管理规定',
        '浙江省固体废物污染环境防治条例',
        '住房和城乡建设部令第55号',
      ]),
    );
    // Invented rows stand in the sample catalogue and nowhere else.
    for (const [id, catalogue] of catalogues) {
      const statuses = new Set(rowKinds.flatMap((kind) => catalogue[kind].map(({ status }) => status)));
      expect(statuses.has('sample')).toBe(id === 'sample.cn');
      if (id === 'sample.cn') expect([...statuses]).toEqual(['sample']);
    }
  });

  it('call no item by a code that could be taken for an official one', () => {
    expect(set.items.filter(({ code }) => !/^x-(?:CN|ZJ|JX|SH)-/.test(code))).toEqual([]);
  });

  it('give every item read in a text its liability and a fine, and none to others', () => {
    for (const day of ['2022-01-01', '2022-11-30', '2022-12-01', '2026-08-14', '2026-08-15']) {
      for (const { code, status } of catalogueAt(set, day).items) {
        const { bases, fines } = itemAt(set, code, day)!;
        const found = [
          code,
          bases.some(({ role }) => role === 'liability'),
          fines.some((fine) => fine.status === 'verified'),
        ];
        expect(found).toEqual([code, status === 'verified', status === 'verified']);
      }
    }
  });

  it('know the families and codes of the agreement', () => {
    const four = ['construction-waste-dumping', 'river-pollution', 'street-vending', 'illegal-posting'];
    for (const { families } of terms.directions) expect([...families].sort()).toEqual([...four].sort());
    expect(set.families.map(({ code }) => code)).toEqual(expect.arrayContaining(four));
    const withItems = new Set(set.items.flatMap(({ families }) => families));
    expect([...withItems].sort()).toEqual([...four, 'cross-province-solid-waste'].sort());
    const forms = terms.directions.flatMap(({ evidenceKinds: kinds }) =>
      kinds.flatMap(({ forms = [], kind }) => forms.map(({ form }) => `${kind} ${form}`)),
    );
    expect(set.evidenceForms.map(({ form, kind }) => `${kind} ${form}`)).toEqual(expect.arrayContaining(forms));
    const types = terms.directions.flatMap(({ documentTemplates = [] }) => documentTemplates.map(({ type }) => type));
    expect(set.documentTypes.map(({ code }) => code)).toEqual(expect.arrayContaining(types));
  });

  it('have the eight kinds of evidence, the return codes and the twenty-five documents', () => {
    const kinds = [...set.evidenceKinds].sort((a, b) => a.clause - b.clause);
    expect(kinds.map(({ clause, kind }) => [clause, kind])).toEqual(evidenceKinds.map((kind, i) => [i + 1, kind]));
    expect(set.returnCodes.map(({ code }) => code).sort()).toEqual([
      'CRIME_TRACK',
      'DUPLICATE',
      'EXPIRED',
      'FORMALITY',
      'INSUFFICIENT_AFTER_SUPPLEMENT',
      'INTEGRITY',
      'NOT_COVERED',
      'NO_POWER',
      'NO_TERRITORY',
      'OTHER',
      'PRIVACY',
    ]);
    const numbers = set.documentTypes.map(({ number }) => number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
  });

  const told = ({ actor, max, min, mode, unit, when }: FineRow) =>
    `${actor} ${mode} ${min}-${max} ${unit}${when ? ` ${when}` : ''}`;
  it.each<[code: string, day: string, fines: string[]]>([
    ['x-ZJ-SR-28', '2022-09-05', ['organisation shall 100000-1000000 yuan', 'person shall 0-200 yuan']],
    ['x-ZJ-SR-16', '2022-09-05', ['any may 0-50 yuan']],
    ['x-ZJ-SR-20', '2022-09-05', ['any shall 50-300 yuan']],
    ['x-ZJ-HD-41', '2022-09-05', ['any shall 10000-50000 yuan']],
    [
      'x-JX-JZLJ-9',
      '2022-09-05',
      [
        'organisation shall 100000-1000000 yuan 建设工程垃圾',
        'organisation shall 20000-200000 yuan 装修垃圾',
        'person shall 1000-10000 yuan 装修垃圾',
        'person shall 5000-50000 yuan 建设工程垃圾',
      ],
    ],
    ['x-JX-JZLJ-18', '2022-09-05', ['organisation shall 10000-100000 yuan', 'person shall 2000-20000 yuan']],
    ['x-SH-SR-44-1', '2022-09-05', ['producer shall 10000-100000 yuan']],
    ['x-SH-SR-44-2', '2022-09-05', ['haulier shall 5000-30000 yuan']],
    ['x-SH-SR-44-3', '2022-09-05', ['haulier shall 200-2000 yuan']],
    ['x-SH-SR-44-5', '2022-09-05', ['any shall 5000-50000 yuan']],
    ['x-SH-SR-43', '2022-11-30', ['any may 200-200 yuan-per-tonne']],
    ['x-SH-SR-43', '2022-12-01', ['any may 0-10000 yuan']],
    ['x-SH-SR-28-4', '2022-09-05', ['organisation shall 5000-50000 yuan', 'person shall 0-200 yuan']],
    ['x-SH-SR-25', '2022-09-05', ['any may 50-500 yuan']],
    ['x-SH-SR-24-3', '2022-09-05', ['any shall 50-500 yuan']],
    ['x-SH-SR-24-3-O', '2022-09-05', ['organiser may 10000-100000 yuan']],
    ['x-SH-HD-45', '2022-09-05', ['any may 10000-50000 yuan']],
    ['x-CN-GF-111-4', '2026-08-14', ['construction-unit shall 100000-1000000 yuan']],
    ['x-CN-GF-112-3', '2026-08-14', ['any shall 3-5 disposal-cost-times']],
    ['x-CN-SW-85-1', '2026-08-14', ['any shall 100000-1000000 yuan']],
    ['x-CN-SW-85-4', '2026-08-14', ['any shall 20000-200000 yuan']],
    ['x-CN-ST-1136-1', '2026-08-15', ['any shall 100000-1000000 yuan']],
    ['x-CN-ST-1136-5', '2026-08-15', ['any shall 100000-1000000 yuan']],
    ['x-CN-ST-1143-1', '2026-08-15', ['vessel shall 10000-100000 yuan', 'vessel shall 20000-200000 yuan 造成水污染的']],
    ['x-CN-ST-1169-1', '2026-08-15', ['any shall 100000-1000000 yuan']],
    [
      'x-CN-ST-1169-2',
      '2026-08-15',
      [
        'any shall 200000-2000000 yuan',
        'any shall 2000000-5000000 yuan 造成严重后果的',
        'responsible-person shall 20000-100000 yuan',
      ],
    ],
    ['x-CN-ST-1169-3', '2026-08-15', ['person shall 100-1000 yuan']],
  ])('have for %s on %s the fines of the law', (code, day, fines) => {
    expect(itemAt(set, code, day)!.fines.map(told).sort()).toEqual(fines);
  });

  it.each<[code: string, preconditions: string[], territory: string]>([
    ['x-ZJ-SR-16', ['order-to-correct', 're-check'], 'built-up'],
    ['x-ZJ-SR-20', ['order-to-correct', 're-check'], 'built-up'],
    ['x-ZJ-SR-28', [], 'built-up'],
    ['x-ZJ-HD-41', ['order-to-correct', 're-check'], 'river'],
    ['x-SH-SR-25', ['education-if-light'], 'urbanised'],
    ['x-SH-SR-24-3', ['education-if-light', 'order-to-correct', 're-check'], 'urbanised'],
    ['x-SH-HD-45', ['education-if-light'], 'river'],
    ['x-JX-JZLJ-9', [], 'whole'],
  ])('have for %s what must come before a fine, and where it applies', (code, preconditions, territory) => {
    expect(itemAt(set, code, '2022-09-05')!.item).toMatchObject({ preconditions, territory });
  });
});
