import { posix } from 'node:path';
import { GatewayError } from '@jieqiao/core';
import { columnsOf } from '@jieqiao/platform';
import {
  type Catalogue,
  catalogueFromSheets,
  catalogueLimits,
  type SheetRow,
  sheetsOf,
  sheetTitles,
} from '@jieqiao/recognition';
import { type QualifiedTag, parser as saxParser } from 'sax';
import writeExcelFile from 'write-excel-file/node';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';

/**
 * A catalogue as an XLSX workbook (ECMA-376): the sheets of `sheetsOf` under their Chinese titles. Every cell is text, so
 * that a spreadsheet neither rounds a code nor turns a day around.
 */

const limits = {
  /** Of the file. */
  bytes: 8 << 20,
  parts: 500,
  /** Unpacked, of all parts that are read. A catalogue of the largest size stays below a third of it. */
  unpackedBytes: 96 << 20,
  depth: 50,
  columns: 100,
  /** What a spreadsheet lets into a cell. */
  cellCharacters: 32_767,
} as const;
export const maxXlsxBytes = limits.bytes;

const bold = { fontWeight: 'bold', backgroundColor: '#EEEEEE' } as const;
const [minWidth, maxWidth] = [8, 60];

export async function catalogueToXlsx(catalogue: Catalogue): Promise<Buffer> {
  const cell = (text: string) => (text === '' ? null : { type: String, value: escapeText(text), format: '@' });
  const sheets = sheetsOf(catalogue).map(({ title, header, rows }) => ({
    sheet: title,
    data: [header.map((value) => ({ type: String, value, format: '@', ...bold })), ...rows.map((row) => row.map(cell))],
    columns: header.map((_, i) => {
      const widest = Math.max(...[header, ...rows].map((row) => columnsOf(row[i]!)));
      return { width: Math.min(Math.max(widest + 2, minWidth), maxWidth) };
    }),
    stickyRowsCount: 1,
  }));
  return writeExcelFile(sheets).toBuffer();
}

/**
 * Reads what `catalogueToXlsx` writes or a person with a spreadsheet saves (hostile bytes), as `catalogueFromSheets`
 * allows; numbers that are whole and dates count as the text that is seen. Nothing is calculated, followed or run.
 * @throws GatewayError VALIDATION_FAILED with `reason`: `too-large`, `not-xlsx` (no ZIP, a password, XML that is not
 * well-formed, a document type), `unpacked-too-large`, `external-content` (`part`: links to other files, macros, objects),
 * `missing-sheet` and `unknown-sheet` (`sheet`), `too-many-columns`; with `sheet`, `line` and `column` (its letters)
 * `formula` and `bad-cell`, `cell-outside` (beside the header's columns); and those of `catalogueFromSheets` with `sheet`
 */
export async function catalogueFromXlsx(bytes: Buffer): Promise<Catalogue> {
  if (bytes.length > limits.bytes) bad('too-large', { limit: limits.bytes });
  const parts = await unpack(bytes);
  const { sheets, date1904 } = readWorkbook(parts);
  const context = { strings: readStrings(parts), dateStyles: readDateStyles(parts), date1904 };
  const titles = [...sheetTitles.keys()];
  for (const title of sheets.keys()) if (!titles.includes(title)) bad('unknown-sheet', { sheet: title.slice(0, 100) });
  const rows = new Map(
    titles.map((title) => {
      const part = sheets.get(title);
      if (part === undefined) return bad('missing-sheet', { sheet: title });
      return [sheetTitles.get(title)!, readSheet(parts, part, title, context)];
    }),
  );
  const titleOf = new Map([...sheetTitles].map(([title, name]) => [name, title]));
  return catalogueFromSheets({ rows, placeOf: (name) => ({ sheet: titleOf.get(name)! }) });
}

// The container

/** What is read of a workbook. Whatever else it holds, such as themes or comments, is never unpacked. */
const wanted = /^xl\/(?:workbook|sharedStrings|styles|worksheets\/[^/]+)\.xml$|^xl\/_rels\/workbook\.xml\.rels$/;
/** Whoever sends one of these wants something run, fetched or seen that no table of rows needs. */
const foreign =
  /^xl\/(?:externalLinks|embeddings|activeX|ctrlProps|queryTables|model|webextensions)\/|^xl\/connections\.xml$|(?:^|\/)vba/i;

async function unpack(bytes: Buffer): Promise<Map<string, Buffer>> {
  let zip: ZipFile;
  try {
    zip = await fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true, validateEntrySizes: true });
  } catch {
    return bad('not-xlsx');
  }
  if (zip.entryCount > limits.parts) bad('not-xlsx');
  const parts = new Map<string, Buffer>();
  let left: number = limits.unpackedBytes;
  for (const entry of await entriesOf(zip)) {
    if (foreign.test(entry.fileName)) bad('external-content', { part: entry.fileName.slice(0, 100) });
    if (!wanted.test(entry.fileName)) continue;
    if (parts.has(entry.fileName)) bad('not-xlsx');
    // What the directory says is a first look; the bytes that come out are counted.
    if (entry.uncompressedSize > left) bad('unpacked-too-large', { limit: limits.unpackedBytes });
    const part = await partOf(zip, entry, left);
    left -= part.length;
    parts.set(entry.fileName, part);
  }
  return parts;
}

function entriesOf(zip: ZipFile): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    const notXlsx = () => reject(new GatewayError('VALIDATION_FAILED', { reason: 'not-xlsx' }));
    zip.on('error', notXlsx);
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      if (entries.length > limits.parts) notXlsx();
      else zip.readEntry();
    });
    zip.readEntry();
  });
}

async function partOf(zip: ZipFile, entry: Entry, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      length += (chunk as Buffer).length;
      if (length > maxBytes) bad('unpacked-too-large', { limit: limits.unpackedBytes });
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    return bad('not-xlsx');
  }
  return Buffer.concat(chunks);
}

// The parts

interface Element {
  /** Without its prefix. */
  name: string;
  /** @param space of its name; without, it has no prefix */
  attribute(name: string, space?: RegExp): string | undefined;
}

interface Walker {
  open?(element: Element, parents: readonly string[]): void;
  /** `parents` are the elements around the text, the innermost last. A long text may come in pieces. */
  text?(text: string, parents: readonly string[]): void;
  close?(name: string, parents: readonly string[]): void;
}

function walk(parts: ReadonlyMap<string, Buffer>, part: string, walker: Walker): void {
  const bytes = parts.get(part);
  if (bytes === undefined) bad('not-xlsx');
  const parents: string[] = [];
  const xml = saxParser(true, { xmlns: true });
  const refuse = () => bad('not-xlsx');
  xml.onerror = refuse;
  // With one, a few bytes could stand for many.
  xml.ondoctype = refuse;
  xml.onopentag = (tag) => {
    const { attributes, local } = tag as QualifiedTag;
    if (parents.length >= limits.depth) refuse();
    const attribute = (name: string, space?: RegExp) =>
      Object.values(attributes).find(
        (each) => each.local === name && (space === undefined ? each.prefix === '' : space.test(each.uri)),
      )?.value;
    walker.open?.({ name: local, attribute }, parents);
    parents.push(local);
  };
  xml.ontext = (text) => walker.text?.(text, parents);
  xml.oncdata = (text) => walker.text?.(text, parents);
  xml.onclosetag = () => {
    const name = parents.pop()!;
    walker.close?.(name, parents);
  };
  const text = decode(bytes);
  // In pieces: the parser bounds what it holds of one element between two of them.
  for (let at = 0; at < text.length; at += 1 << 16) xml.write(text.slice(at, at + (1 << 16)));
  xml.close();
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bad('not-xlsx');
  }
}

/** The parts of the sheets by their titles, and from which year days are counted. */
function readWorkbook(parts: ReadonlyMap<string, Buffer>): { sheets: Map<string, string>; date1904: boolean } {
  const targets = new Map<string, string>();
  walk(parts, 'xl/_rels/workbook.xml.rels', {
    open({ name, attribute }) {
      if (name !== 'Relationship') return;
      if (attribute('TargetMode') === 'External') bad('external-content', { part: 'xl/workbook.xml' });
      targets.set(attribute('Id') ?? '', posix.resolve('/xl', attribute('Target') ?? '').slice(1));
    },
  });
  const sheets = new Map<string, string>();
  let date1904 = false;
  walk(parts, 'xl/workbook.xml', {
    open({ name, attribute }) {
      if (name === 'workbookPr') date1904 = /^(?:1|true)$/.test(attribute('date1904') ?? '');
      if (name !== 'sheet') return;
      const title = attribute('name') ?? '';
      const part = targets.get(attribute('id', /\/relationships$/) ?? '');
      if (part === undefined || sheets.has(title)) return bad('not-xlsx');
      sheets.set(title, part);
    },
  });
  return { sheets, date1904 };
}

/** Whether text stands in a cell, and is not how to pronounce what does. */
const isShown = (parents: readonly string[]) => parents.at(-1) === 't' && !parents.includes('rPh');

function readStrings(parts: ReadonlyMap<string, Buffer>): string[] {
  const strings: string[] = [];
  if (!parts.has('xl/sharedStrings.xml')) return strings;
  walk(parts, 'xl/sharedStrings.xml', {
    open({ name }) {
      if (name === 'si') strings.push('');
    },
    text(text, parents) {
      if (isShown(parents) && strings.length > 0) strings[strings.length - 1] += text;
    },
  });
  return strings.map(unescapeText);
}

/** Numbers of built-in formats that show a day: ECMA-376 part 1 §18.8.30, East Asian ones among them. */
const isBuiltInDate = (id: number) =>
  (id >= 14 && id <= 17) || id === 22 || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58);

/** Indexes of the cell styles under which a number is a day. */
function readDateStyles(parts: ReadonlyMap<string, Buffer>): ReadonlySet<number> {
  const dates = new Set<number>();
  if (!parts.has('xl/styles.xml')) return dates;
  const custom = new Map<string, string>();
  let index = 0;
  walk(parts, 'xl/styles.xml', {
    open({ name, attribute }, parents) {
      if (name === 'numFmt') custom.set(attribute('numFmtId') ?? '', attribute('formatCode') ?? '');
      if (name !== 'xf' || parents.at(-1) !== 'cellXfs') return;
      const id = attribute('numFmtId') ?? '0';
      // Quoted words and [colours] are shown as they are or not at all.
      const code = custom.get(id)?.replace(/"[^"]*"|\\.|\[[^\]]*\]/g, '');
      if (code === undefined ? isBuiltInDate(Number(id)) : /[yd]/i.test(code)) dates.add(index);
      index++;
    },
  });
  return dates;
}

interface CellContext {
  strings: readonly string[];
  dateStyles: ReadonlySet<number>;
  date1904: boolean;
}

function readSheet(
  parts: ReadonlyMap<string, Buffer>,
  part: string,
  sheet: string,
  context: CellContext,
): readonly SheetRow[] {
  const rows: SheetRow[] = [];
  let line = 0;
  let cells: string[] = [];
  let cell = { column: -1, type: '', style: 0, value: '', inline: '' };
  const refuse: (reason: string) => never = (reason) => bad(reason, { sheet, line, column: lettersOf(cell.column) });
  walk(parts, part, {
    open({ name, attribute }, parents) {
      if (name === 'row' && parents.at(-1) === 'sheetData') {
        line = numberOf(attribute('r')) ?? line + 1;
        cells = [];
        cell.column = -1;
      } else if (name === 'c' && parents.at(-1) === 'row') {
        const column = columnOf(attribute('r')) ?? cell.column + 1;
        const style = numberOf(attribute('s')) ?? 0;
        cell = { column, type: attribute('t') ?? 'n', style, value: '', inline: '' };
      } else if (name === 'f' && parents.at(-1) === 'c') refuse('formula');
    },
    text(text, parents) {
      if (parents.at(-1) === 'v') cell.value += text;
      else if (isShown(parents) && parents.includes('is')) cell.inline += text;
      if (cell.value.length + cell.inline.length > 2 * limits.cellCharacters) refuse('bad-cell');
    },
    close(name) {
      if (name === 'c') {
        const text = textOf(cell, context);
        if (text === undefined) return refuse('bad-cell');
        if (text.trim() === '') return;
        // An empty cell may lie anywhere: spreadsheets format whole columns.
        if (line > catalogueLimits.maxRows + 1) bad('too-many-rows', { sheet, limit: catalogueLimits.maxRows });
        if (cell.column >= limits.columns) bad('too-many-columns', { sheet, line, limit: limits.columns });
        if (rows[0] && cell.column >= rows[0].cells.length) refuse('cell-outside');
        while (cells.length < cell.column) cells.push('');
        cells[cell.column] = text;
      } else if (name === 'row' && cells.length > 0) {
        if (line <= (rows.at(-1)?.line ?? 0)) bad('not-xlsx');
        rows.push({ line, cells });
      }
    },
  });
  return rows;
}

/** Undefined for what is no text, whole number or day. */
function textOf(
  { type, style, value, inline }: { type: string; style: number; value: string; inline: string },
  { strings, dateStyles, date1904 }: CellContext,
): string | undefined {
  if (type === 'inlineStr') return unescapeText(inline);
  if (value === '') return '';
  if (type === 'str') return unescapeText(value);
  if (type === 's') return strings[numberOf(value) ?? -1];
  if (type === 'd') return /^(\d{4}-\d{2}-\d{2})(?:T00:00:00(?:\.0+)?Z?)?$/.exec(value)?.[1];
  const number = Number(value);
  // Beyond fifteen digits a spreadsheet has rounded already.
  if (type !== 'n' || !Number.isInteger(number) || Math.abs(number) >= 1e15) return undefined;
  return dateStyles.has(style) ? dayOf(number + (date1904 ? 1462 : 0)) : String(number);
}

const maxSerial = 2_958_465; // 9999-12-31

/** A day by its number in the 1900 system, which counts a 29 February 1900 that never was: earlier ones are refused. */
function dayOf(serial: number): string | undefined {
  if (serial < 61 || serial > maxSerial) return undefined;
  return new Date((serial - 25_569) * 86_400_000).toISOString().slice(0, 10);
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** 0 for `A1`. */
function columnOf(reference: string | undefined): number | undefined {
  const [, letters] = /^([A-Z]{1,3})\d{1,7}$/.exec(reference ?? '') ?? [];
  return letters === undefined
    ? undefined
    : [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function lettersOf(column: number): string {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : lettersOf(Math.floor(column / 26) - 1) + last;
}

// ECMA-376 part 1 §22.4.2.4: a character that XML can't hold stands as `_x000B_`, and so must what only looks like one.
// The writer drops what XML merely discourages, and takes a text such as `valueOf` for a member of its table of strings:
// both are written by their codes.

const escaped = /_x([0-9A-Fa-f]{4})_/g;
const dropped = /[\ufffd\p{Noncharacter_Code_Point}]/gu;

function escapeText(text: string): string {
  const codes = (part: string) =>
    part
      .split('')
      .map((unit) => `_x${hexOf(unit)}_`)
      .join('');
  const safe = text.replace(escaped, '_x005F_x$1_').replace(dropped, codes);
  return safe in Object.prototype ? codes(safe.slice(0, 1)) + safe.slice(1) : safe;
}

const hexOf = (unit: string) => unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');

function unescapeText(text: string): string {
  return text.replace(escaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function bad(reason: string, params: Record<string, string | number> = {}): never {
  throw new GatewayError('VALIDATION_FAILED', { reason, ...params });
}
