import { GatewayError } from '@jieqiao/core';
import { type CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { type Catalogue, catalogueLimits, catalogueSchemaId, checkCatalogue, tableOf } from './catalogue';
import { type AnyRow, type AnyTable, type Cell, headerTable, rowKinds } from './rows';

/** The files of a catalogue as CSV, by name: `catalogue.csv` with one line, `sources.csv` and one per kind of row. */
export type CsvFiles = Readonly<Record<string, Uint8Array>>;

const kinds = ['sources', ...rowKinds] as const;
const nameOf = (kind: string): string => `${kind}.csv`;
const headerFile = nameOf('catalogue');

/**
 * A catalogue as CSV for spreadsheets: RFC 4180, UTF-8 with a byte-order mark, Chinese headers, and Chinese words for
 * closed codes. A cell that a spreadsheet would take for a formula gets an apostrophe, which the import takes away.
 */
export function catalogueToCsv(catalogue: Catalogue): Record<string, Buffer> {
  const { effective, id, title, version } = catalogue;
  const files: Record<string, Buffer> = {
    [headerFile]: writeTable(headerTable as AnyTable, [{ id, version, ...effective, title }]),
  };
  for (const kind of kinds) files[nameOf(kind)] = writeTable(tableOf(kind), catalogue[kind] as never);
  return files;
}

/**
 * Reads what `catalogueToCsv` writes, or a person with a spreadsheet: with or without the mark, columns in any order,
 * `2022/9/1` for a day, codes for words. Rows keep their order; `encodeCatalogue` sorts them.
 * @throws GatewayError VALIDATION_FAILED with `reason` and `file`: `missing-file` (a kind left out would read as all its
 * rows deleted), `unknown-file`, `too-large`, `too-many-rows`, `not-utf8` (a spreadsheet's own encoding, such as GBK),
 * `not-csv`, `one-line` (of catalogue.csv), `header` (a column missing, unknown or twice, named in `column`), and with
 * `line` and `column`, its Chinese header: `empty-cell`, `bad-cell`. What `checkCatalogue` finds keeps its `pointer`,
 * whose index counts rows from 0, and gets `file` and `line`.
 */
export function catalogueFromCsv(files: CsvFiles): Catalogue {
  const known = new Set([headerFile, ...kinds.map(nameOf)]);
  for (const file of Object.keys(files)) if (!known.has(file)) bad('unknown-file', { file: file.slice(0, 100) });

  const [header, ...more] = readTable(headerTable as AnyTable, files, headerFile);
  if (!header || more.length > 0) bad('one-line', { file: headerFile });
  const { id, title, version, from, to } = header.row;
  const read = new Map(kinds.map((kind) => [kind as string, readTable(tableOf(kind), files, nameOf(kind))]));
  const rows = [...read].map(([kind, lines]) => [kind, lines.map(({ row }) => row)]);
  const draft = {
    schema: catalogueSchemaId,
    id,
    version,
    effective: { from, to },
    title,
    ...Object.fromEntries(rows),
  };
  try {
    return checkCatalogue(draft);
  } catch (error) {
    const [, kind = '', index] = /^\/([a-zA-Z]+)(?:\/(\d+))?/.exec(pointerOf(error)) ?? [];
    const line = read.get(kind)?.[Number(index)]?.line;
    if (!(error instanceof GatewayError)) throw error;
    const file = read.has(kind) ? nameOf(kind) : headerFile;
    throw new GatewayError(error.code, { ...error.params, file, ...(line === undefined ? {} : { line }) });
  }
}

function pointerOf(error: unknown): string {
  return error instanceof GatewayError && typeof error.params.pointer === 'string' ? error.params.pointer : '';
}

function writeTable({ columns }: AnyTable, rows: readonly AnyRow[]): Buffer {
  const names = Object.entries(columns);
  const lines = rows.map((row) => names.map(([name, { cell }]) => guard(show(cell, row[name]))));
  const text = stringify([names.map(([, { words }]) => words.zh), ...lines], {
    bom: true,
    record_delimiter: 'windows',
  });
  return Buffer.from(text);
}

interface Line {
  /** As an editor counts them, from 1. */
  line: number;
  row: AnyRow;
}

function readTable(table: AnyTable, files: CsvFiles, file: string): Line[] {
  const bytes = Object.hasOwn(files, file) ? files[file] : undefined;
  if (!bytes) return bad('missing-file', { file });
  if (bytes.length > catalogueLimits.maxBytes) bad('too-large', { file, limit: catalogueLimits.maxBytes });
  const [first, ...records] = readRecords(bytes, file);
  const names = readHeader(table, first?.record ?? [], file);
  if (records.length > catalogueLimits.maxRows) bad('too-many-rows', { file, limit: catalogueLimits.maxRows });
  return records.map(({ line, record }) => {
    const row: Record<string, unknown> = {};
    for (const [i, text] of record.entries()) {
      const { cell, optional, words } = table.columns[names[i]!]!;
      const value = readCell(cell, unguard(text));
      if (value === undefined) bad('bad-cell', { file, line, column: words.zh });
      if (value !== missing) row[names[i]!] = value;
      else if (!optional) bad('empty-cell', { file, line, column: words.zh });
    }
    return { line, row };
  });
}

function readRecords(bytes: Uint8Array, file: string): { line: number; record: string[] }[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bad('not-utf8', { file });
  }
  try {
    const records = parse(text, {
      info: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      // One more than allowed and the header: enough to see that there are too many.
      to: catalogueLimits.maxRows + 2,
    }) as unknown as { info: { lines: number }; record: string[] }[];
    return records.map(({ info, record }) => ({ line: info.lines, record }));
  } catch (error) {
    const { code, lines } = error as CsvError & { lines?: number };
    if (!code?.startsWith('CSV_')) throw error;
    return bad('not-csv', { file, ...(lines === undefined ? {} : { line: lines }) });
  }
}

/** The columns' names in the order of the file. */
function readHeader({ columns }: AnyTable, headers: readonly string[], file: string): string[] {
  const byHeader = new Map(Object.entries(columns).map(([name, { words }]) => [words.zh, name]));
  const names = headers.map((header) => {
    const name = byHeader.get(header.trim());
    if (name === undefined) return bad('header', { file, column: header.trim().slice(0, 100) });
    return name;
  });
  for (const [header, name] of byHeader) {
    if (names.filter((each) => each === name).length !== 1) bad('header', { file, column: header });
  }
  return names;
}

const missing = Symbol('an empty cell');
/** Not in any code or word; people type either. */
const separators = /[;；]/;

function show(cell: Cell, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (cell.kind === 'list') return (value as unknown[]).map((entry) => show(cell.of, entry)).join('；');
  return cell.kind === 'choice' ? (cell.choices[String(value)]?.zh ?? String(value)) : String(value);
}

/** Undefined for what can't be read; what is readable but wrong is the schema's to say. */
function readCell(cell: Cell, text: string): unknown {
  const trimmed = text.trim();
  if (cell.kind === 'list') {
    const entries = text.split(separators).filter((entry) => entry.trim() !== '');
    const values = entries.map((entry) => readCell(cell.of, entry));
    return values.includes(undefined) ? undefined : values;
  }
  if (trimmed === '') return cell.kind === 'open-day' ? null : missing;
  if (cell.kind === 'line') return trimmed;
  if (cell.kind === 'count') return /^(?:0|[1-9]\d{0,14})$/.test(trimmed) ? Number(trimmed) : undefined;
  if (cell.kind === 'day' || cell.kind === 'open-day') return readDay(trimmed);
  if (cell.kind !== 'choice') return trimmed;
  if (Object.hasOwn(cell.choices, trimmed)) return trimmed;
  return Object.keys(cell.choices).find((code) => cell.choices[code]!.zh === trimmed);
}

/** A spreadsheet turns 2022-09-01 into 2022/9/1. */
function readDay(text: string): string | undefined {
  const [, year, month, day] = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(text) ?? [];
  return year && `${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}`;
}

// Text that begins with apostrophes before such a sign gets one more, so that taking one away always gives it back.
const formula = /^'*[=+\-@\t\r＝＋－＠]/;

function guard(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

function unguard(text: string): string {
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}

function bad(reason: string, params: Record<string, string | number>): never {
  throw new GatewayError('VALIDATION_FAILED', { reason, ...params });
}
