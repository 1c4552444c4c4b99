import { readFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson } from '@jieqiao/core';
import { sampleRow, smallCatalogue } from '../../../../test/support/catalogues';
import {
  type Catalogue,
  catalogueLimits,
  catalogueSchema,
  catalogueWords,
  encodeCatalogue,
  joinCatalogues,
  parseCatalogue,
} from '../index';
import { type AnyTable, headerTable, sourceTable, tables } from './rows';

const refused = (reason: string, params: Record<string, unknown> = {}) =>
  expect.objectContaining({ code: 'VALIDATION_FAILED', params: expect.objectContaining({ reason, ...params }) });

function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return 'nothing thrown';
}

/** The small catalogue after an edit, as a file that nobody has checked. */
function edited(edit: (catalogue: Catalogue) => void): Buffer {
  const catalogue = smallCatalogue();
  edit(catalogue);
  return canonicalJson(catalogue);
}

const at = <T>(list: T[], index = 0): T => list[index]!;

describe('a catalogue file', () => {
  it('is read back as it was written, and is the same bytes in whatever order its rows are given', () => {
    const bytes = encodeCatalogue(smallCatalogue());
    expect(encodeCatalogue(parseCatalogue(bytes))).toEqual(bytes);
    const turned = smallCatalogue();
    turned.items.reverse();
    expect(encodeCatalogue(turned)).toEqual(bytes);
    expect(turned.items.map(({ code }) => code)).toEqual(['x-B', 'x-A']);
  });

  it('may say different things of one row for days that follow each other', () => {
    const catalogue = smallCatalogue();
    const fine = at(catalogue.fines);
    catalogue.fines = [
      { ...fine, to: '2023-01-01' },
      { ...fine, from: '2023-01-01', max: 900 },
    ];
    expect(parseCatalogue(encodeCatalogue(catalogue)).fines).toHaveLength(2);
  });

  it.each<[reason: string, pointer: string, edit: (catalogue: Catalogue) => void]>([
    // the schema
    ['const', '/schema', (c) => Object.assign(c, { schema: 'jieqiao/catalogue/v2' })],
    ['pattern', '/id', (c) => Object.assign(c, { id: 'Shanghai.310000' })],
    ['pattern', '/id', (c) => Object.assign(c, { id: 'shanghai.01' })],
    ['minimum', '/version', (c) => Object.assign(c, { version: 0 })],
    ['additionalProperties', '/', (c) => Object.assign(c, { remark: 'x' })],
    ['additionalProperties', '/items/0', (c) => Object.assign(at(c.items), { price: 1 })],
    ['required', '/items/0', (c) => Reflect.deleteProperty(at(c.items), 'department')],
    ['required', '/', (c) => Reflect.deleteProperty(c, 'powers')],
    ['enum', '/items/0/actor', (c) => Object.assign(at(c.items), { actor: 'driver' })],
    ['enum', '/items/0/preconditions/0', (c) => Object.assign(at(c.items), { preconditions: ['a-warning'] })],
    ['enum', '/fines/0/unit', (c) => Object.assign(at(c.fines), { unit: 'dollar' })],
    ['enum', '/equivalences/0/relation', (c) => Object.assign(at(c.equivalences), { relation: 'same' })],
    ['enum', '/bases/0/status', (c) => Object.assign(at(c.bases), { status: 'true' })],
    ['pattern', '/items/0/jurisdiction', (c) => Object.assign(at(c.items), { jurisdiction: '000000' })],
    ['pattern', '/items/0/code', (c) => Object.assign(at(c.items), { code: '3.30275E+11' })],
    ['type', '/fines/0/min', (c) => Object.assign(at(c.fines), { min: '100' })],
    ['minimum', '/fines/0/min', (c) => Object.assign(at(c.fines), { min: -1 })],
    ['type', '/fines/0/max', (c) => Object.assign(at(c.fines), { max: 0.5 })],
    ['maximum', '/fines/0/max', (c) => Object.assign(at(c.fines), { max: 1e10 })],
    ['maximum', '/bases/0/article', (c) => Object.assign(at(c.bases), { article: 2001 })],
    ['pattern', '/items/0/name', (c) => Object.assign(at(c.items), { name: 'a\u202eb' })],
    ['pattern', '/items/0/name', (c) => Object.assign(at(c.items), { name: ' 倾倒' })],
    ['maxLength', '/items/0/name', (c) => Object.assign(at(c.items), { name: '甲'.repeat(301) })],
    ['pattern', '/laws/0/aliases/0', (c) => Object.assign(at(c.laws), { aliases: ['甲；乙'] })],
    ['uniqueItems', '/laws/0/aliases', (c) => Object.assign(at(c.laws), { aliases: ['甲', '甲'] })],
    ['maxItems', '/items/0/yieldsTo', (c) => (at(c.items).yieldsTo = Array.from({ length: 101 }, (_, i) => `x-${i}`))],
    ['pattern', '/returnCodes/0/code', (c) => Object.assign(at(c.returnCodes), { code: 'no-power' })],
    // days
    ['day', '/items/0/from', (c) => Object.assign(at(c.items), { from: '2022-02-30' })],
    ['day', '/items/0/to', (c) => Object.assign(at(c.items), { to: '2023-13-01' })],
    ['day', '/items/0/checkedOn', (c) => Object.assign(at(c.items), { checkedOn: '2026-11-31' })],
    ['pattern', '/items/0/from', (c) => Object.assign(at(c.items), { from: '2022/9/1' })],
    ['day', '/effective/from', (c) => Object.assign(c.effective, { from: '2022-00-01' })],
    // contradictions
    ['empty-range', '/effective/to', (c) => Object.assign(c.effective, { to: '2022-01-01' })],
    ['empty-range', '/items/1/to', (c) => Object.assign(at(c.items, 1), { to: '2022-09-01' })],
    ['empty-range', '/items/1/to', (c) => Object.assign(at(c.items, 1), { to: '2022-08-31' })],
    ['range-order', '/fines/0/min', (c) => Object.assign(at(c.fines), { min: 501 })],
    ['range-order', '/steps/0/min', (c) => Object.assign(at(c.steps), { min: 201 })],
    ['same-item', '/equivalences/0/b', (c) => Object.assign(at(c.equivalences), { b: 'x-A' })],
    ['unknown-source', '/fines/0/source', (c) => Object.assign(at(c.fines), { source: 'other' })],
    ['verified-without-place', '/fines/0', (c) => Object.assign(at(c.fines), { status: 'verified' })],
    ['half-citation', '/evidenceForms/0', (c) => Object.assign(at(c.evidenceForms), { law: '某条例' })],
    ['half-citation', '/evidenceForms/0', (c) => Object.assign(at(c.evidenceForms), { article: 9 })],
    ['half-citation', '/evidenceForms/0', (c) => Object.assign(at(c.evidenceForms), { clause: 1 })],
    ['row-twice', '/items/2', (c) => c.items.push({ ...at(c.items), from: '2025-01-01' })],
    ['row-twice', '/sources/1', (c) => c.sources.push({ code: 'text', title: '另一份' })],
    ['row-twice', '/fines/1', (c) => c.fines.push({ ...at(c.fines), to: '2022-10-01' })],
    ['row-twice', '/equivalences/1', (c) => c.equivalences.push({ ...at(c.equivalences), a: 'x-B', b: 'x-A' })],
    ['row-twice', '/families/1', (c) => c.families.push({ ...at(c.families) })],
    ['name-twice', '/laws/1', (c) => c.laws.push({ ...at(c.laws), law: '另一条例', aliases: ['条例'] })],
    ['name-twice', '/laws/1', (c) => c.laws.push({ ...at(c.laws), law: '条例', aliases: [] })],
    ['not-sorted', '/items/1', (c) => c.items.reverse()],
  ])('is refused with %s at %s', (reason, pointer, edit) => {
    expect(thrown(() => parseCatalogue(edited(edit)))).toEqual(refused(reason, { pointer }));
  });

  it('may cite two versions of a law under one set of names', () => {
    const bytes = edited((catalogue) => {
      catalogue.laws = [
        { ...at(catalogue.laws), to: '2023-01-01' },
        { ...at(catalogue.laws), from: '2023-01-01', version: '二' },
      ];
    });
    expect(parseCatalogue(bytes).laws.map(({ version }) => version)).toEqual(['一', '二']);
  });

  it('is refused when it is not canonical JSON of bounded size and depth', () => {
    const bytes = encodeCatalogue(smallCatalogue());
    const text = bytes.toString();
    const parse = (changed: string | Buffer) => thrown(() => parseCatalogue(Buffer.from(changed)));
    expect(parse(JSON.stringify(JSON.parse(text), null, 2))).toEqual(refused('not-canonical'));
    expect(parse(`\ufeff${text}`)).toEqual(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
    expect(parse(text.replace('"version":1', '"version":1,"version":2'))).toEqual(refused('not-canonical'));
    expect(parse(text.slice(0, -1))).toEqual(refused('not-json'));
    expect(parse('['.repeat(5) + ']'.repeat(5))).toEqual(refused('too-deep'));
    expect(parse(Buffer.alloc(catalogueLimits.maxBytes + 1, 0x20))).toEqual(refused('too-large'));
    expect(parse('null')).toEqual(refused('type', { pointer: '/' }));
  });

  it('is never written when it could not be read', () => {
    const catalogue = smallCatalogue();
    at(catalogue.fines).min = 9_999;
    expect(thrown(() => encodeCatalogue(catalogue))).toEqual(refused('range-order', { pointer: '/fines/0/min' }));
    const long = smallCatalogue();
    long.families = Array.from({ length: 12_000 }, (_, i) => ({
      ...sampleRow,
      code: `f-${i}`,
      zh: '甲'.repeat(120),
      en: 'e',
    }));
    expect(thrown(() => encodeCatalogue(long))).toEqual(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
    long.families = Array.from({ length: 20_001 }, (_, i) => ({ ...sampleRow, code: `f-${i}`, zh: '甲', en: 'e' }));
    expect(thrown(() => encodeCatalogue(long))).toEqual(refused('maxItems', { pointer: '/families' }));
  });

  it('has a schema that stands alone, closed at every level', () => {
    const open: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const entry = schema as Record<string, unknown>;
      if (entry.type === 'object' && entry.additionalProperties !== false) open.push(path);
      if (entry.type === 'array' && typeof entry.maxItems !== 'number') open.push(path);
      const bounded = entry.pattern !== undefined || entry.maxLength !== undefined;
      if (entry.type === 'string' && !bounded) open.push(path);
      for (const [name, value] of Object.entries(entry)) walk(value, `${path}/${name}`);
    };
    walk(catalogueSchema, '');
    expect(open).toEqual([]);
    expect(JSON.stringify(catalogueSchema)).not.toContain('$ref');
  });

  it('has one Chinese word for each code, or a CSV cell could not be read back', () => {
    for (const [name, table] of Object.entries(catalogueWords)) {
      const words = Object.values(table).map(({ zh }) => zh);
      expect([name, new Set(words).size]).toEqual([name, words.length]);
      expect(words.filter((word) => /[;；]/.test(word) || Object.hasOwn(table, word))).toEqual([]);
    }
  });
});

describe('catalogues together', () => {
  const second = (edit: (catalogue: Catalogue) => void = () => undefined): Catalogue => {
    const empty = Object.fromEntries(
      Object.entries(smallCatalogue()).map(([name, value]) => [name, Array.isArray(value) ? [] : value]),
    ) as unknown as Catalogue;
    const catalogue = { ...empty, id: 'other.310116', sources: smallCatalogue().sources };
    edit(catalogue);
    return catalogue;
  };
  const joined = (...catalogues: Catalogue[]) => thrown(() => joinCatalogues(catalogues));

  it('may refer to each other, in any order', () => {
    const other = second((c) => c.powers.push({ ...sampleRow, authority: '乙局', item: 'x-A', noticeNo: '1' }));
    for (const list of [
      [smallCatalogue(), other],
      [other, smallCatalogue()],
    ]) {
      expect(joinCatalogues(list).powers).toHaveLength(2);
    }
  });

  it('answer for the days for which all of them do', () => {
    const other = second((c) => Object.assign(c, { effective: { from: '2023-01-01', to: null } }));
    expect(joinCatalogues([smallCatalogue(), other])).toMatchObject({
      catalogues: [
        { id: 'sample.330482', version: 1 },
        { id: 'other.310116', version: 1 },
      ],
      effective: { from: '2023-01-01', to: '2030-01-01' },
    });
    expect(
      joined(
        smallCatalogue(),
        second((c) => Object.assign(c.effective, { from: '2030-01-01', to: null })),
      ),
    ).toEqual(refused('no-common-day', { catalogue: 'other.310116', pointer: '/effective' }));
    expect(joined()).toEqual(refused('no-common-day'));
    expect(joined(smallCatalogue(), smallCatalogue())).toEqual(refused('catalogue-twice'));
  });

  const item = () => at(smallCatalogue().items);
  it.each<[reason: string, pointer: string, edit: (catalogue: Catalogue) => void]>([
    ['row-twice', '/items/0', (c) => c.items.push({ ...item(), from: '2022-05-01' })],
    ['name-twice', '/laws/0', (c) => c.laws.push({ ...at(smallCatalogue().laws), law: '乙条例', aliases: ['条例'] })],
    ['unknown-reference', '/items/0/families', (c) => c.items.push({ ...item(), code: 'x-C', families: ['noise'] })],
    ['unknown-reference', '/items/0/yieldsTo', (c) => c.items.push({ ...item(), code: 'x-C', yieldsTo: ['x-Z'] })],
    ['unknown-reference', '/items/0/replacedBy', (c) => c.items.push({ ...item(), code: 'x-C', replacedBy: ['x-Z'] })],
    ['unknown-reference', '/fines/0/item', (c) => c.fines.push({ ...at(smallCatalogue().fines), item: 'x-Z' })],
    ['unknown-reference', '/powers/0/item', (c) => c.powers.push({ ...at(smallCatalogue().powers), item: 'x-Z' })],
    ['unknown-reference', '/bases/0/law', (c) => c.bases.push({ ...at(smallCatalogue().bases), law: '乙条例' })],
    [
      'unknown-reference',
      '/equivalences/0/b',
      (c) => c.equivalences.push({ ...sampleRow, a: 'x-A', b: 'x-Z', relation: 'exact' }),
    ],
    [
      'unknown-reference',
      '/evidenceForms/0/kind',
      (c) => c.evidenceForms.push({ ...at(smallCatalogue().evidenceForms), kind: 'physical' }),
    ],
    // x-B holds from 2022-09-01 to 2024-09-01 only.
    [
      'reference-outside-range',
      '/equivalences/0/a',
      (c) =>
        c.equivalences.push({ ...sampleRow, a: 'x-B', b: 'x-C', relation: 'exact' }) &&
        c.items.push({ ...item(), code: 'x-C' }),
    ],
    [
      'reference-outside-range',
      '/fines/0/item',
      (c) => c.fines.push({ ...at(smallCatalogue().fines), item: 'x-B', from: '2022-09-01', to: '2024-09-02' }),
    ],
    [
      'step-outside-fine',
      '/steps/0',
      (c) => c.steps.push({ ...at(smallCatalogue().steps), step: '较重', min: 200, max: 501 }),
    ],
    ['step-outside-fine', '/steps/0', (c) => c.steps.push({ ...at(smallCatalogue().steps), unit: 'yuan-per-tonne' })],
  ])('are refused with %s at %s', (reason, pointer, edit) => {
    expect(joined(smallCatalogue(), second(edit))).toEqual(refused(reason, { catalogue: 'other.310116', pointer }));
  });

  it('may hold back what refers to a row until that row holds, and need not agree before their first day', () => {
    const fine = { ...at(smallCatalogue().fines), item: 'x-B', from: '2022-09-01', to: '2024-09-01' };
    expect(
      joined(
        smallCatalogue(),
        second((c) => c.fines.push(fine)),
      ),
    ).toBe('nothing thrown');
    const early = smallCatalogue();
    at(early.laws).from = '2022-01-01';
    expect(joined(early)).toBe('nothing thrown');
    at(early.laws).from = '2022-01-02';
    expect(joined(early)).toEqual(refused('reference-outside-range', { pointer: '/bases/0/law' }));
  });
});

describe('the specification', () => {
  const specification = readFileSync(path.join(__dirname, '../../../../docs/spec/catalogue.md'), 'utf8');

  it('lists every column with its header, and every closed code with its word', () => {
    const all: AnyTable[] = [...Object.values(tables as unknown as Record<string, AnyTable>), sourceTable, headerTable];
    const missing = all.flatMap(({ columns }) =>
      Object.entries(columns)
        .map(([name, { optional, words }]) => `| \`${name}\`${optional ? '?' : ''} | ${words.zh} |`)
        .filter((row) => !specification.includes(row)),
    );
    expect(missing).toEqual([]);
    const words = Object.values(catalogueWords).flatMap((table) => Object.entries(table));
    expect(words.filter(([code, { zh }]) => !specification.includes(`\`${code}\` ${zh}`))).toEqual([]);
  });
});
