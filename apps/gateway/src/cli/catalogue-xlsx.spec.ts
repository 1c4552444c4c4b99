import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { planZip, writeZip } from '@jieqiao/core';
import { type Catalogue, encodeCatalogue, sheetsOf } from '@jieqiao/recognition';
import fc from 'fast-check';
import { fromBufferPromise } from 'yauzl';
import { shippedCatalogues, smallCatalogue } from '../../../../test/support/catalogues';
import { catalogueFromXlsx, catalogueToXlsx, maxXlsxBytes } from './catalogue-xlsx';

jest.setTimeout(60_000);

type Parts = Map<string, Buffer>;

async function unzip(bytes: Buffer): Promise<Parts> {
  const zip = await fromBufferPromise(bytes);
  const parts: Parts = new Map();
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    parts.set(entry.fileName, Buffer.concat(chunks));
  }
  return parts;
}

async function zip(parts: Parts): Promise<Buffer> {
  const entries = [...parts].map(([name, content]) => ({
    name,
    bytes: content.length,
    crc32: crc32(content),
    content,
  }));
  const chunks: Buffer[] = [];
  for await (const chunk of writeZip(planZip(entries), () => [] as never)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const sheetNumber = (title: string) => sheetsOf(smallCatalogue()).findIndex((sheet) => sheet.title === title) + 1;
const partOf = (title: string) => `xl/worksheets/sheet${sheetNumber(title)}.xml`;

/** The small catalogue's workbook after a change of one part's text, and what reading it gives. */
async function read(part: string, change: (xml: string) => string): Promise<unknown> {
  const parts = await unzip(await catalogueToXlsx(smallCatalogue()));
  parts.set(part, Buffer.from(change(parts.get(part)?.toString() ?? '')));
  return outcome(await zip(parts));
}

const outcome = (bytes: Buffer): Promise<unknown> => catalogueFromXlsx(bytes).catch((error) => error);
const refused = (params: object) => expect.objectContaining({ code: 'VALIDATION_FAILED', params });
const same = (catalogue: unknown, expected: Catalogue) =>
  expect(encodeCatalogue(catalogue as Catalogue)).toEqual(encodeCatalogue(expected));

/** A cell of a sheet written by us, replaced as a whole. */
const cell = (reference: string, instead: string) => (xml: string) => {
  const changed = xml.replace(new RegExp(`<c r="${reference}".*?</c>`), instead);
  if (changed === xml) throw new Error(`no cell ${reference}`);
  return changed;
};

describe('a catalogue as XLSX', () => {
  it('has a sheet for each kind of row, headers that stay, columns one can read, and text cells only', async () => {
    const parts = await unzip(await catalogueToXlsx(smallCatalogue()));
    const workbook = parts.get('xl/workbook.xml')!.toString();
    const titles = [...workbook.matchAll(/<sheet [^>]*name="([^"]+)"/g)].map(([, title]) => title);
    expect(titles).toEqual(sheetsOf(smallCatalogue()).map(({ title }) => title));
    expect(titles).toEqual(expect.arrayContaining(['目录', '来源', '事项', '罚款', '文书种类']));
    for (let i = 1; i <= titles.length; i++) {
      const xml = parts.get(`xl/worksheets/sheet${i}.xml`)!.toString();
      expect(xml).toMatch(/<pane [^>]*ySplit="1"[^>]*state="frozen"/);
      const widths = [...xml.matchAll(/<col [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
      expect(Math.min(...widths)).toBeGreaterThanOrEqual(8);
      expect(Math.max(...widths)).toBeLessThanOrEqual(60);
      // Shared or inline text; a number or a formula would have neither.
      const types = [...xml.matchAll(/<c r="[A-Z]+\d+"[^>]*?(?: t="(\w+)")?[^>]*>/g)].map(([whole]) => whole);
      expect(types.filter((each) => !/t="(?:s|inlineStr)"/.test(each) && !each.endsWith('/>'))).toEqual([]);
      expect(xml).not.toContain('<f>');
    }
  });

  it('is read back to the same bytes, for every catalogue that is shipped', async () => {
    const catalogues = [...shippedCatalogues().values()];
    expect(catalogues.length).toBeGreaterThan(0);
    for (const catalogue of catalogues) same(await catalogueFromXlsx(await catalogueToXlsx(catalogue)), catalogue);
  });

  it('is read from what LibreOffice 7.4 made of it', async () => {
    const saved = readFileSync(join(__dirname, '../../../../test/samples/catalogue-libreoffice.xlsx'));
    same(await catalogueFromXlsx(saved), smallCatalogue());
  });

  it.each([
    '=1+1',
    "'=1",
    '330275012000',
    '1E5',
    '_x0041_',
    '_x005F_',
    'a&b<c>"d"',
    '\ufffe',
    '\ufffd',
    '\u{1fffe}',
    'valueOf',
    '__proto__',
    '𠮷',
    '2022-09-01',
  ])('gives back %s', async (text) => {
    const catalogue = smallCatalogue();
    catalogue.items[0]!.name = text;
    const { items } = await catalogueFromXlsx(await catalogueToXlsx(catalogue));
    expect(items[0]!.name).toBe(text);
  });

  it('gives back any text that a row may hold', async () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 30 })
      .map((each) => each.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '.').trim())
      .filter((each) => each !== '' && !/\p{Cs}/u.test(each));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 100, maxLength: 100 }), async (titles) => {
        const more = titles.map((title, i) => ({ code: `text-${i}`, title }));
        const catalogue = { ...smallCatalogue(), sources: [...smallCatalogue().sources, ...more] };
        same(await catalogueFromXlsx(await catalogueToXlsx(catalogue)), catalogue);
      }),
      { numRuns: 3 },
    );
  });

  it('is read as people and spreadsheets leave it', async () => {
    const amount = sheetsOf(smallCatalogue())
      .find(({ title }) => title === '罚款')!
      .header.indexOf('下限');
    const letter = String.fromCharCode(65 + amount);
    // A number, a day by its number and by ISO 8601, text in runs with its pronunciation, a formatted empty column.
    same(await read(partOf('罚款'), cell(`${letter}2`, `<c r="${letter}2"><v>100</v></c>`)), smallCatalogue());
    same(await read(partOf('罚款'), cell(`${letter}2`, `<c r="${letter}2"><v>1E2</v></c>`)), smallCatalogue());
    const runs =
      '<c r="B2" t="inlineStr"><is><r><t>倾</t></r><r><t>倒</t></r><rPh sb="0" eb="1"><t>qing</t></rPh></is></c>';
    same(await read(partOf('事项'), cell('B2', runs)), smallCatalogue());
    same(
      await read(partOf('罚款'), (xml) =>
        xml.replace('</sheetData>', '<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'),
      ),
      smallCatalogue(),
    );
  });

  it('reads a day where a spreadsheet made a number of it, by either system', async () => {
    const catalogue = await unzip(await catalogueToXlsx(smallCatalogue()));
    const from = 'C2'; // 适用自, 2022-01-01
    const styles = catalogue.get('xl/styles.xml')!.toString();
    const dated = styles.replace(/(<cellXfs[^>]*>)/, '$1<xf numFmtId="14"/>');
    expect(dated).not.toBe(styles);
    const sheet = partOf('目录');
    const xml = catalogue.get(sheet)!.toString();
    const shifted = (text: string) => text.replace(/ s="(\d+)"/g, (_, style) => ` s="${Number(style) + 1}"`);
    for (const [value, setting] of [
      ['44562', ''],
      ['43100', ' date1904="1"'],
    ]) {
      const parts = new Map(catalogue);
      parts.set('xl/styles.xml', Buffer.from(dated));
      const book = parts
        .get('xl/workbook.xml')!
        .toString()
        .replace(/<workbookPr[^>]*>/, '');
      parts.set('xl/workbook.xml', Buffer.from(book.replace('<sheets>', `<workbookPr${setting}/><sheets>`)));
      parts.set(sheet, Buffer.from(cell(from, `<c r="C2" s="0"><v>${value}</v></c>`)(shifted(xml))));
      same(await outcome(await zip(parts)), smallCatalogue());
      parts.set(sheet, Buffer.from(cell(from, `<c r="C2" s="0"><v>${value}.5</v></c>`)(shifted(xml))));
      expect(await outcome(await zip(parts))).toEqual(
        refused({ reason: 'bad-cell', sheet: '目录', line: 2, column: 'C' }),
      );
    }
  });

  it.each<[what: string, part: string, change: (xml: string) => string, params: object]>([
    [
      'a formula, whatever result it states',
      partOf('罚款'),
      cell('A2', '<c r="A2" t="str"><f>HYPERLINK("http://x")</f><v>x-A</v></c>'),
      { reason: 'formula', sheet: '罚款', line: 2, column: 'A' },
    ],
    [
      'an error for a value',
      partOf('罚款'),
      cell('A2', '<c r="A2" t="e"><v>#REF!</v></c>'),
      { reason: 'bad-cell', sheet: '罚款', line: 2, column: 'A' },
    ],
    [
      'a code of more digits than a spreadsheet keeps',
      partOf('罚款'),
      cell('A2', '<c r="A2"><v>3302750120001234</v></c>'),
      { reason: 'bad-cell', sheet: '罚款', line: 2, column: 'A' },
    ],
    [
      'a string that is not in the table of strings',
      partOf('罚款'),
      cell('A2', '<c r="A2" t="s"><v>99999</v></c>'),
      { reason: 'bad-cell', sheet: '罚款', line: 2, column: 'A' },
    ],
    [
      'a word that is none, told by its Chinese header',
      partOf('罚款'),
      cell('G2', '<c r="G2" t="inlineStr"><is><t>可处罚</t></is></c>'),
      { reason: 'bad-cell', sheet: '罚款', line: 2, column: '幅度性质' },
    ],
    [
      'a value far below',
      partOf('罚款'),
      (xml) => xml.replace('</sheetData>', '<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'),
      { reason: 'too-many-rows', sheet: '罚款', limit: 20_000 },
    ],
    [
      'a value far to the right',
      partOf('罚款'),
      cell('A2', '<c r="XFD2"><v>1</v></c>'),
      { reason: 'too-many-columns', sheet: '罚款', line: 2, limit: 100 },
    ],
    [
      'a value beside the table',
      partOf('罚款'),
      (xml) => xml.replace('</row></sheetData>', '<c r="Z2"><v>1</v></c></row></sheetData>'),
      { reason: 'cell-outside', sheet: '罚款', line: 2, column: 'Z' },
    ],
    [
      'a sheet missing',
      'xl/workbook.xml',
      (xml) => xml.replace(/<sheet [^>]*name="处罚权"[^>]*\/>/, ''),
      { reason: 'missing-sheet', sheet: '处罚权' },
    ],
    [
      'a sheet of no kind',
      'xl/workbook.xml',
      (xml) => xml.replace('name="处罚权"', 'name="备注"'),
      { reason: 'unknown-sheet', sheet: '备注' },
    ],
    [
      'a link to another workbook',
      'xl/externalLinks/externalLink1.xml',
      () => '<x/>',
      { reason: 'external-content', part: 'xl/externalLinks/externalLink1.xml' },
    ],
    ['a macro', 'xl/vbaProject.bin', () => 'x', { reason: 'external-content', part: 'xl/vbaProject.bin' }],
    [
      'an embedded object',
      'xl/embeddings/oleObject1.bin',
      () => 'x',
      { reason: 'external-content', part: 'xl/embeddings/oleObject1.bin' },
    ],
    [
      'a sheet that lies elsewhere',
      'xl/_rels/workbook.xml.rels',
      (xml) => xml.replace('<Relationship ', '<Relationship TargetMode="External" '),
      { reason: 'external-content', part: 'xl/workbook.xml' },
    ],
    [
      'a document type, which may name entities',
      partOf('罚款'),
      (xml) => xml.replace(/<worksheet/, '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet'),
      { reason: 'not-xlsx' },
    ],
    ['XML that does not end', partOf('罚款'), (xml) => xml.slice(0, -5), { reason: 'not-xlsx' }],
    ['elements without end within each other', partOf('罚款'), () => '<a>'.repeat(100_000), { reason: 'not-xlsx' }],
    ['rows that go back', partOf('罚款'), (xml) => xml.replace('<row r="2"', '<row r="1"'), { reason: 'not-xlsx' }],
    [
      'a row too many in the catalogue',
      partOf('目录'),
      (xml) =>
        xml.replace(
          '</sheetData>',
          '<row r="3"><c r="A3"><v>1</v></c><c r="B3"><v>1</v></c><c r="C3" t="d"><v>2022-01-01</v></c><c r="E3"><v>1</v></c></row></sheetData>',
        ),
      { reason: 'one-line', sheet: '目录' },
    ],
  ])('is refused with %s', async (_, part, change, params) => {
    expect(await read(part, change)).toEqual(refused(params));
  });

  it('is refused when it is too large, or no XLSX: another format, one with a password, a cut file', async () => {
    expect(await outcome(Buffer.alloc(maxXlsxBytes + 1))).toEqual(
      refused({ reason: 'too-large', limit: maxXlsxBytes }),
    );
    const whole = await catalogueToXlsx(smallCatalogue());
    const ole = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(1_000)]);
    for (const bytes of [Buffer.alloc(0), Buffer.from('事项代码,主体'), ole, whole.subarray(0, -100)]) {
      expect(await outcome(bytes)).toEqual(refused({ reason: 'not-xlsx' }));
    }
  });

  it('is refused when a small file unpacks to a large one, whatever size it states', async () => {
    const bomb = Buffer.alloc(100 << 20, 0x20);
    const packed = deflateRawSync(bomb);
    expect(packed.length).toBeLessThan(200_000);
    expect(await outcome(oneDeflated('xl/workbook.xml', packed, bomb.length))).toEqual(
      refused({ reason: 'unpacked-too-large', limit: 96 << 20 }),
    );
    expect(await outcome(oneDeflated('xl/workbook.xml', packed, 100))).toEqual(refused({ reason: 'not-xlsx' }));
  });

  it('never gives anything but a refusal or a catalogue for altered bytes', async () => {
    const whole = await catalogueToXlsx(smallCatalogue());
    const parts = await unzip(whole);
    const names = [...parts.keys()].filter((name) => name.startsWith('xl/'));
    const place = fc.tuple(fc.constantFrom(...names), fc.nat(), fc.string({ unit: 'binary', maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(place, fc.nat(whole.length - 1), fc.nat(255), async ([name, at, text], byteAt, byte) => {
        const inside = new Map(parts);
        const xml = parts.get(name)!.toString();
        const cut = at % (xml.length + 1);
        inside.set(name, Buffer.from(xml.slice(0, cut) + text + xml.slice(cut)));
        const outside = Buffer.from(whole);
        outside[byteAt] = byte;
        for (const bytes of [await zip(inside), outside]) {
          const result = await outcome(bytes);
          if (result instanceof Error) expect(result).toMatchObject({ code: 'VALIDATION_FAILED' });
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** A ZIP of one deflated entry that states a size. */
function oneDeflated(name: string, packed: Buffer, size: number): Buffer {
  const title = Buffer.from(name);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(size, 18);
  fields.writeUInt16LE(title.length, 22);
  const local = Buffer.concat([Buffer.from('504b0304', 'hex'), fields, title, packed]);
  const central = Buffer.concat([Buffer.from('504b01021400', 'hex'), fields, Buffer.alloc(14), title]);
  const end = Buffer.alloc(22);
  end.write('504b0506', 'hex');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
