import { canonicalJson } from '@jieqiao/core';
import fc from 'fast-check';
import { smallCatalogue } from '../../../../test/support/catalogues';
import {
  type Catalogue,
  type CatalogueChange,
  catalogueChangeWords,
  catalogueDiff,
  encodeCatalogue,
  parseCatalogue,
} from '../index';
import { rowKinds } from './rows';

function after(edit: (catalogue: Catalogue) => void): Catalogue {
  const catalogue = smallCatalogue();
  edit(catalogue);
  return parseCatalogue(encodeCatalogue(catalogue));
}

const lines = (edit: (catalogue: Catalogue) => void) => {
  const changes = catalogueDiff(smallCatalogue(), after(edit));
  return [
    changes.map((change) => catalogueChangeWords(change, 'zh')),
    changes.map((change) => catalogueChangeWords(change, 'en')),
  ];
};

describe('what a new edition of a catalogue changes', () => {
  it.each<[what: string, edit: (c: Catalogue) => void, zh: string[], en: string[]]>([
    ['nothing', () => undefined, [], []],
    ['the order of rows', (c) => c.items.reverse(), [], []],
    [
      'an amount',
      (c) => Object.assign(c.fines[0]!, { max: 10_000, mode: 'shall' }),
      ['罚款 x-A 单位和个人 夜间 元：上限 500→10000；幅度性质 可以处→处'],
      ['fine x-A anyone 夜间 yuan: to 500→10000; mode may→shall'],
    ],
    [
      'the end of an item and a new one',
      (c) => {
        Object.assign(c.items[0]!, { to: '2026-08-15', replacedBy: ['x-C'] });
        c.items.push({ ...c.items[0]!, code: 'x-C', from: '2026-08-15', to: null, replacedBy: [] });
      },
      ['事项 x-A“倾倒”：替代事项 无→x-C；失效日 无→2026-08-15', '新增事项 x-C“倾倒”（自2026-08-15起）'],
      [
        'item x-A “倾倒”: replaced by none→x-C; no longer from none→2026-08-15',
        'item x-C “倾倒” added (from 2026-08-15)',
      ],
    ],
    [
      'a second version of a row',
      (c) => {
        c.fines[0]!.to = '2024-01-01';
        c.fines.push({ ...c.fines[0]!, from: '2024-01-01', to: null, max: 900 });
      },
      ['罚款 x-A 单位和个人 夜间 元：失效日 无→2024-01-01', '新增罚款 x-A 单位和个人 夜间 元（自2024-01-01起）'],
      [
        'fine x-A anyone 夜间 yuan: no longer from none→2024-01-01',
        'fine x-A anyone 夜间 yuan added (from 2024-01-01)',
      ],
    ],
    [
      'the day from which a row holds',
      (c) => (c.items[1]!.from = '2022-08-01'),
      ['事项 x-B“抛撒”：生效日 2022-09-01→2022-08-01'],
      ['item x-B “抛撒”: in force from 2022-09-01→2022-08-01'],
    ],
    [
      'words of a closed list',
      (c) => Object.assign(c.items[0]!, { preconditions: [], measures: ['hold-vehicle', 'clear-on-behalf'] }),
      ['事项 x-A“倾倒”：前置条件 先责令改正、复查仍未改正→无；措施 暂扣运输工具→暂扣运输工具、代为清除'],
      [
        'item x-A “倾倒”: preconditions order to correct, re-check that found no correction→none; measures holding the vehicle→holding the vehicle, clearing at their cost',
      ],
    ],
    [
      'an article',
      (c) => (c.bases[0]!.paragraph = 3),
      ['删去依据 x-A 罚则 某条例 第9条 第2款 第1项', '新增依据 x-A 罚则 某条例 第9条 第3款 第1项'],
      [
        'basis x-A liability 某条例 art. 9 para. 2 item 1 removed',
        'basis x-A liability 某条例 art. 9 para. 3 item 1 added',
      ],
    ],
    ['a power less', (c) => c.powers.pop(), ['删去处罚权 某局 x-A'], ['power 某局 x-A removed']],
    [
      'the other direction of an equivalence',
      (c) => Object.assign(c.equivalences[0]!, { a: 'x-B', b: 'x-A', relation: 'narrower' }),
      ['事项对应 x-B x-A：事项甲 x-A→x-B；甲对乙 宽于→窄于；事项乙 x-B→x-A'],
      ['equivalence x-B x-A: item a x-A→x-B; a to b broader than→narrower than; item b x-B→x-A'],
    ],
    [
      'a note, a check and a source',
      (c) => {
        Object.assign(c.families[0]!, { note: '待核', status: 'unverified', checkedOn: '2027-01-04' });
        c.sources.push({ code: 'news', title: '新闻' });
      },
      ['新增来源 news', '违法类型 dumping：核对状态 示例→未核对；核对日 2026-11-23→2027-01-04；说明 无→待核'],
      [
        'source news added',
        'violation family dumping: status sample→unverified; checked on 2026-11-23→2027-01-04; note none→待核',
      ],
    ],
    [
      'the catalogue itself',
      (c) => Object.assign(c, { version: 2, title: '新目录', effective: { from: '2022-01-01', to: null } }),
      ['目录 sample.330482：版本 1→2；适用至 2030-01-01→无；名称 示例目录→新目录'],
      ['catalogue sample.330482: version 1→2; answers until 2030-01-01→none; title 示例目录→新目录'],
    ],
  ])('says so of %s', (_, edit, zh, en) => {
    expect(lines(edit)).toEqual([zh, en]);
  });

  it('points to the row, in the old edition when it is gone', () => {
    const edition = after((c) => {
      c.items[1]!.name = '丢弃';
      c.powers.pop();
    });
    expect(catalogueDiff(smallCatalogue(), edition)).toEqual([
      expect.objectContaining({
        kind: 'items',
        change: 'changed',
        pointer: '/items/1',
        columns: [{ column: 'name', before: '抛撒', after: '丢弃' }],
      }),
      expect.objectContaining({ kind: 'powers', change: 'removed', pointer: '/powers/0', columns: [] }),
    ]);
  });

  it('tells versions of one row apart by the day from which they hold', () => {
    const before = after((c) => {
      const [fine] = c.fines as [(typeof c.fines)[0]];
      c.fines = [
        { ...fine, to: '2023-01-01' },
        { ...fine, from: '2023-01-01', max: 600 },
      ];
    });
    const edition = after((c) => {
      const [fine] = c.fines as [(typeof c.fines)[0]];
      c.fines = [
        { ...fine, from: '2023-01-01', to: '2025-01-01', max: 600 },
        { ...fine, from: '2025-01-01', max: 700 },
      ];
    });
    // The first version has gone and the third has come; they are the two left over, so they are compared.
    expect(
      catalogueDiff(before, edition).map(({ change, columns }) => [change, columns.map(({ column }) => column)]),
    ).toEqual([
      ['changed', ['to']],
      ['changed', ['max', 'from', 'to']],
    ]);
    expect(catalogueDiff({ ...before, fines: before.fines.slice(1) }, edition).map(({ change }) => change)).toEqual([
      'changed',
      'added',
    ]);
  });

  it('compares editions of one catalogue only', () => {
    expect(() => catalogueDiff(smallCatalogue(), { ...smallCatalogue(), id: 'sample.310116' })).toThrow(
      expect.objectContaining({ code: 'VALIDATION_FAILED', params: { reason: 'other-catalogue' } }),
    );
  });

  it('leaves nothing out: the old edition with its changes made is the new one', () => {
    const made = (edition: Catalogue, changes: readonly CatalogueChange[]): Catalogue => {
      const next = structuredClone(edition) as unknown as Record<string, unknown[]>;
      for (const { kind, before, after: now } of changes) {
        if (kind === 'catalogue') {
          const { from, to, ...rest } = now as Record<string, unknown>;
          Object.assign(next, rest, { effective: { from, to } });
          continue;
        }
        const rows = next[kind]!.filter((row) => !before || !canonicalJson(row).equals(canonicalJson(before)));
        next[kind] = now ? [...rows, now] : rows;
      }
      return next as unknown as Catalogue;
    };
    const inAnyOrder = (catalogue: Catalogue) =>
      Object.entries(catalogue).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map((row) => canonicalJson(row).toString()).sort() : value,
      ]);
    const kinds = ['sources', ...rowKinds] as const;
    const edits = fc.array(
      fc.record({
        kind: fc.constantFrom(...kinds),
        row: fc.nat(2),
        how: fc.constantFrom('drop', 'note', 'end', 'split'),
        day: fc.constantFrom('2022-03-01', '2023-03-01', '2025-03-01'),
      }),
      { maxLength: 8 },
    );
    let told = 0;
    fc.assert(
      fc.property(edits, fc.nat(3), (list, version) => {
        const next = { ...smallCatalogue(), version: version + 1 } as unknown as Record<
          string,
          Record<string, unknown>[]
        >;
        for (const { day, how, kind, row: index } of list) {
          const rows = next[kind]!;
          const row = rows[index % Math.max(rows.length, 1)];
          if (!row) continue;
          const inside = kind !== 'sources' && String(row.from ?? '') < day && day < String(row.to ?? '~');
          if (how === 'drop') rows.splice(rows.indexOf(row), 1);
          else if (how === 'note' && kind === 'sources') row.title = `${row.title}一`;
          else if (how === 'note') row.note = `${row.note ?? ''}一`;
          else if (how === 'end' && inside) row.to = day;
          else if (how === 'split' && inside) {
            rows.push({ ...row, from: day });
            row.to = day;
          }
        }
        const edition = next as unknown as Catalogue;
        const changes = catalogueDiff(smallCatalogue(), edition);
        told += changes.length;
        expect(inAnyOrder(made(smallCatalogue(), changes))).toEqual(inAnyOrder(edition));
        expect(catalogueDiff(edition, edition)).toEqual([]);
        for (const change of changes) {
          expect(catalogueChangeWords(change, 'zh')).not.toMatch(/undefined|null|\[object/);
          expect(catalogueChangeWords(change, 'en')).not.toMatch(/undefined|null|\[object/);
        }
      }),
      { numRuns: 200 },
    );
    expect(told).toBeGreaterThan(100);
  });
});
