import fc from 'fast-check';
import { shippedCatalogues, smallCatalogue } from '../../../../test/support/catalogues';
import { type Catalogue, catalogueFromCsv, catalogueToCsv, encodeCatalogue } from '../index';
import { checkCatalogue } from './catalogue';
import { type AnyTable, type Cell, type RowKind, rowKey, rowKinds, tables } from './rows';

const refused = (reason: string, params: Record<string, unknown> = {}) =>
  expect.objectContaining({ code: 'VALIDATION_FAILED', params: { reason, ...params } });

function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return 'nothing thrown';
}

const textOf = (files: Record<string, Buffer>, name: string) => files[name]!.toString().replace(/^\ufeff/, '');

/** The small catalogue's files after a change of the text of one. */
function changed(file: string, change: (text: string) => string | Buffer): unknown {
  const files = catalogueToCsv(smallCatalogue());
  files[file] = Buffer.from(change(textOf(files, file)));
  return thrown(() => catalogueFromCsv(files));
}

describe('a catalogue as CSV', () => {
  it('has a file for each kind of row, for spreadsheets in Chinese', () => {
    const files = catalogueToCsv(smallCatalogue());
    expect(Object.keys(files)).toEqual(['catalogue.csv', 'sources.csv', ...rowKinds.map((kind) => `${kind}.csv`)]);
    expect([...files['fines.csv']!.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(textOf(files, 'fines.csv')).toBe(
      '事项代码,主体,情形,下限,上限,单位,幅度性质,生效日,失效日,核对状态,来源,来源位置,核对日,说明\r\n' +
        'x-A,单位和个人,夜间,100,500,元,可以处,,,示例,text,,2026-11-23,\r\n',
    );
    expect(textOf(files, 'items.csv').split('\r\n')[1]).toBe(
      'x-A,倾倒,dumping,330482,市容,单位和个人,全域,执法部门,先责令改正；复查仍未改正,暂扣运输工具,,,,,示例,text,,2026-11-23,',
    );
    expect(textOf(files, 'catalogue.csv')).toBe(
      '目录代码,版本,适用自,适用至,名称\r\nsample.330482,1,2022-01-01,2030-01-01,示例目录\r\n',
    );
  });

  it('is read back to the same bytes, for every catalogue that is shipped', () => {
    const catalogues = [...shippedCatalogues().values()];
    expect(catalogues.length).toBeGreaterThan(0);
    for (const catalogue of catalogues) {
      expect(encodeCatalogue(catalogueFromCsv(catalogueToCsv(catalogue)))).toEqual(encodeCatalogue(catalogue));
    }
  });

  it('is read as people and spreadsheets leave it', () => {
    const files = catalogueToCsv(smallCatalogue());
    const lines = textOf(files, 'items.csv').trimEnd().split('\r\n');
    const cells = lines.map((line) => line.split(','));
    // Columns the other way round, no mark, plain line feeds, an empty line, codes for words, the other separator.
    const text = cells.map((line) => line.reverse().join(',')).join('\n');
    files['items.csv'] = Buffer.from(
      `\n${text}\n,,,,,,,,,,,,,,,,,,\n`.replace('先责令改正；复查仍未改正', ' order-to-correct ; 复查仍未改正;'),
    );
    files['equivalences.csv'] = Buffer.from(
      textOf(files, 'equivalences.csv').replace('2022-09-01,2024-09-01', '2022/9/1, 2024-9-1 '),
    );
    expect(encodeCatalogue(catalogueFromCsv(files))).toEqual(encodeCatalogue(smallCatalogue()));
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@x',
    '＝1',
    '＋1',
    '－1',
    '＠x',
    "'=1",
    "''=1",
    "'x",
    "'",
    '"',
    'a,"b"',
    '=HYPERLINK("x")',
  ])('gives back %s, and no cell of it is a formula', (text) => {
    const catalogue = smallCatalogue();
    catalogue.items[0]!.name = text;
    const files = catalogueToCsv(catalogue);
    expect(catalogueFromCsv(files).items[0]!.name).toBe(text);
    expect(textOf(files, 'items.csv')).not.toMatch(/(?:^|,|\n)"?[=+\-@＝＋－＠]/);
  });

  it.each<[what: string, file: string, change: (text: string) => string | Buffer, expected: object]>([
    [
      'a word that is none',
      'fines.csv',
      (t) => t.replace('可以处', '可处罚'),
      { reason: 'bad-cell', file: 'fines.csv', line: 2, column: '幅度性质' },
    ],
    [
      'a fraction',
      'fines.csv',
      (t) => t.replace(',100,', ',1.5,'),
      { reason: 'bad-cell', file: 'fines.csv', line: 2, column: '下限' },
    ],
    [
      'grouped digits',
      'fines.csv',
      (t) => t.replace(',500,', ',"1,000",'),
      { reason: 'bad-cell', file: 'fines.csv', line: 2, column: '上限' },
    ],
    [
      'a day in words',
      'fines.csv',
      (t) => t.replace('2026-11-23', '23 Nov'),
      { reason: 'bad-cell', file: 'fines.csv', line: 2, column: '核对日' },
    ],
    [
      'a day that is none',
      'fines.csv',
      (t) => t.replace('2026-11-23', '2026/11/31'),
      { reason: 'day', file: 'fines.csv', line: 2, pointer: '/fines/0/checkedOn' },
    ],
    [
      'a precondition that is none',
      'items.csv',
      (t) => t.replace('复查仍未改正', '警告'),
      { reason: 'bad-cell', file: 'items.csv', line: 2, column: '前置条件' },
    ],
    [
      'an empty cell',
      'items.csv',
      (t) => t.replace('x-B,抛撒', 'x-B, '),
      { reason: 'empty-cell', file: 'items.csv', line: 3, column: '案由' },
    ],
    [
      'digits that a spreadsheet has rounded',
      'items.csv',
      (t) => t.replace('x-B', '3.30275E+11'),
      { reason: 'pattern', file: 'items.csv', line: 3, pointer: '/items/1/code' },
    ],
    [
      'a range the wrong way round',
      'fines.csv',
      (t) => t.replace(',100,500,', ',500,100,'),
      { reason: 'range-order', file: 'fines.csv', line: 2, pointer: '/fines/0/min' },
    ],
    [
      'the same row twice',
      'fines.csv',
      (t) => `${t}\r\n${t.split('\r\n')[1]}`,
      { reason: 'row-twice', file: 'fines.csv', line: 4, pointer: '/fines/1' },
    ],
    [
      'a bad version',
      'catalogue.csv',
      (t) => t.replace(',1,', ',0,'),
      { reason: 'minimum', file: 'catalogue.csv', pointer: '/version' },
    ],
    ['no line', 'catalogue.csv', (t) => t.split('\r\n')[0]!, { reason: 'one-line', file: 'catalogue.csv' }],
    ['two lines', 'catalogue.csv', (t) => t + t.split('\r\n')[1], { reason: 'one-line', file: 'catalogue.csv' }],
    [
      'a column too few',
      'fines.csv',
      (t) => t.replace(',说明', '').replaceAll(/,\r\n/g, '\r\n'),
      { reason: 'header', file: 'fines.csv', column: '说明' },
    ],
    [
      'a column unknown',
      'fines.csv',
      (t) => t.replace('说明', '备注'),
      { reason: 'header', file: 'fines.csv', column: '备注' },
    ],
    [
      'a column twice',
      'fines.csv',
      (t) => t.replace('说明', '来源'),
      { reason: 'header', file: 'fines.csv', column: '来源' },
    ],
    ['no header', 'fines.csv', () => '', { reason: 'header', file: 'fines.csv', column: '事项代码' }],
    [
      'a cell too many',
      'fines.csv',
      (t) => t.replace('夜间', '夜间,'),
      { reason: 'not-csv', file: 'fines.csv', line: 2 },
    ],
    [
      'a quote without end',
      'fines.csv',
      (t) => t.replace('夜间', '"夜间'),
      { reason: 'not-csv', file: 'fines.csv', line: 3 },
    ],
    [
      'GBK, which spreadsheets write by default',
      'fines.csv',
      () => Buffer.from([0xca, 0xc2, 0xcf, 0xee]),
      { reason: 'not-utf8', file: 'fines.csv' },
    ],
    [
      'too many bytes',
      'fines.csv',
      () => Buffer.alloc((4 << 20) + 1, 0x0a),
      { reason: 'too-large', file: 'fines.csv', limit: 4 << 20 },
    ],
    [
      'too many rows',
      'sources.csv',
      () => `来源,名称\n${'a,b\n'.repeat(20_001)}`,
      { reason: 'too-many-rows', file: 'sources.csv', limit: 20_000 },
    ],
  ])('is refused with %s', (_, file, change, expected) => {
    expect(changed(file, change)).toEqual(expect.objectContaining({ code: 'VALIDATION_FAILED', params: expected }));
  });

  it('is refused when a kind is left out, which would read as all its rows deleted, or a file belongs to none', () => {
    const { 'powers.csv': _, ...rest } = catalogueToCsv(smallCatalogue());
    expect(thrown(() => catalogueFromCsv(rest))).toEqual(refused('missing-file', { file: 'powers.csv' }));
    const more = { ...catalogueToCsv(smallCatalogue()), 'remarks.csv': Buffer.from('x') };
    expect(thrown(() => catalogueFromCsv(more))).toEqual(refused('unknown-file', { file: 'remarks.csv' }));
  });
});

/** Text as hostile as the schema lets in. */
const textIn = (maxLength: number) =>
  fc
    .string({
      unit: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...'=+-@＝＋－＠\'"“,，;；\\/|%甲乙〔〕ab 0') },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
      ),
      minLength: 1,
      maxLength: Math.min(maxLength, 24),
    })
    .map((text) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '.').trim())
    .filter((text) => text !== '' && !/\p{Cs}/u.test(text) && text.length <= maxLength);

const dayIn = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

function valueIn(cell: Cell): fc.Arbitrary<unknown> {
  switch (cell.kind) {
    case 'code':
      return fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/);
    case 'word':
      return fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    case 'sign':
      return fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/);
    case 'jurisdiction':
      return fc.constantFrom('CN', '330000', '310116');
    case 'catalogue':
      return fc.constant('sample.330482');
    case 'line':
      return textIn(cell.maxLength);
    case 'count':
      return fc.integer({ min: cell.min, max: cell.max });
    case 'choice':
      return fc.constantFrom(...Object.keys(cell.choices));
    case 'day':
      return dayIn;
    case 'open-day':
      return fc.option(dayIn);
    case 'list': {
      const { of } = cell;
      const element =
        of.kind === 'line' ? textIn(of.maxLength).map((text) => text.replace(/[;；]/g, '.')) : valueIn(of);
      return fc.uniqueArray(element, { maxLength: 4 });
    }
  }
}

type Row = Record<string, unknown>;

/** Rows that agree with each other: what is left out is what `checkCatalogue` refuses, not what CSV can't carry. */
function rowsIn(kind: RowKind): fc.Arbitrary<Row[]> {
  const table = tables[kind] as unknown as AnyTable;
  const columns = Object.entries(table.columns).map(([name, { cell, optional }]) => {
    const value = valueIn(cell);
    return [name, optional ? fc.option(value, { nil: undefined }) : value] as const;
  });
  return fc
    .uniqueArray(fc.record(Object.fromEntries(columns)), { maxLength: 5, selector: (row) => rowKey(table, row) })
    .map((rows) =>
      rows.map((row) => {
        const fixed: Row = { ...row, source: 'text', place: row.place ?? '第一条' };
        if (typeof row.from === 'string' && typeof row.to === 'string' && row.from >= row.to) fixed.to = null;
        if (typeof row.min === 'number') fixed.max = Math.max(row.min, row.max as number);
        if (row.a !== undefined && row.a === row.b) fixed.b = `${row.b}0`.slice(-60);
        if (kind === 'evidenceForms' && (row.law === undefined || row.article === undefined)) {
          for (const name of ['law', 'article', 'paragraph', 'clause']) delete fixed[name];
        }
        if (kind === 'laws') fixed.aliases = [];
        return Object.fromEntries(Object.entries(fixed).filter(([, value]) => value !== undefined));
      }),
    );
}

const catalogueIn: fc.Arbitrary<Catalogue> = fc
  .record(Object.fromEntries(rowKinds.map((kind) => [kind, rowsIn(kind)])))
  .chain((rows) => textIn(200).map((title) => ({ ...smallCatalogue(), ...rows, title }) as unknown as Catalogue))
  .filter((catalogue) => thrown(() => checkCatalogue(catalogue)) === 'nothing thrown');

describe('any catalogue', () => {
  it('comes back from CSV and from JSON as it was', () => {
    let formulas = 0;
    fc.assert(
      fc.property(catalogueIn, (catalogue) => {
        const bytes = encodeCatalogue(catalogue);
        const files = catalogueToCsv(catalogue);
        formulas += Object.values(files).filter((file) => /(?:^|,)"?'[=+\-@＝＋－＠]/m.test(file.toString())).length;
        expect(encodeCatalogue(catalogueFromCsv(files))).toEqual(bytes);
        expect(encodeCatalogue(JSON.parse(bytes.toString()))).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
    expect(formulas).toBeGreaterThan(10);
  });

  it('never gives anything but a refusal or a catalogue for hostile cells', () => {
    const kinds = ['catalogue', 'sources', ...rowKinds];
    const hostile = fc.tuple(fc.constantFrom(...kinds), fc.nat(2_000), fc.string({ unit: 'binary', maxLength: 20 }));
    fc.assert(
      fc.property(hostile, ([kind, place, text]) => {
        const outcome = changed(`${kind}.csv`, (whole) => {
          const at = place % (whole.length + 1);
          return whole.slice(0, at) + text + whole.slice(at);
        });
        if (outcome !== 'nothing thrown') expect(outcome).toMatchObject({ code: 'VALIDATION_FAILED' });
      }),
      { numRuns: 300 },
    );
  });
});
