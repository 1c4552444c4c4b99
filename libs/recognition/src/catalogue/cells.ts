import { GatewayError } from '@jieqiao/core';
import { type Catalogue, catalogueLimits, catalogueSchemaId, checkCatalogue, tableOf } from './catalogue';
import { type AnyRow, type AnyTable, type Cell, headerTable, rowKinds } from './rows';

/**
 * A catalogue as tables of text, which CSV and XLSX both are: `catalogue` with one row, `sources`, and one per kind of
 * row. Headers are Chinese, closed codes their Chinese words.
 */
export interface Sheet {
  name: string;
  /** What people call it. */
  title: string;
  header: string[];
  rows: string[][];
}

/** A row as it was read, the header among them. */
export interface SheetRow {
  /** As people count them, from 1. */
  line: number;
  cells: readonly string[];
}

/** Sheets as they were read, the header first in each, and where to say that something is wrong. */
export interface ReadSheets {
  rows: ReadonlyMap<string, readonly SheetRow[]>;
  /** E.g. `{file: 'fines.csv'}`. */
  placeOf(name: string): Readonly<Record<string, string>>;
}

const kinds = ['sources', ...rowKinds] as const;
const tableNamed = (name: string): AnyTable =>
  name === 'catalogue' ? (headerTable as AnyTable) : tableOf(name as (typeof kinds)[number]);

export const sheetNames: readonly string[] = ['catalogue', ...kinds];
/** The sheets' names by what people call them. */
export const sheetTitles: ReadonlyMap<string, string> = new Map(
  sheetNames.map((name) => [tableNamed(name).words.zh, name]),
);

export function sheetsOf(catalogue: Catalogue): Sheet[] {
  const { effective, id, title, version } = catalogue;
  const rowsOf = (name: string): readonly AnyRow[] =>
    name === 'catalogue' ? [{ id, version, ...effective, title }] : (catalogue[name as never] as readonly AnyRow[]);
  return sheetNames.map((name) => {
    const { columns, words } = tableNamed(name);
    const entries = Object.entries(columns);
    return {
      name,
      title: words.zh,
      header: entries.map(([, column]) => column.words.zh),
      rows: rowsOf(name).map((row) => entries.map(([column, { cell }]) => show(cell, row[column]))),
    };
  });
}

/**
 * Reads sheets as people leave them: columns in any order, `2022/9/1` for a day, codes for words. Every sheet must be
 * there. Rows keep their order; `encodeCatalogue` sorts them.
 * @throws GatewayError VALIDATION_FAILED with `reason` and the place of the sheet: `too-many-rows`, `one-line` (of the
 * sheet `catalogue`), `header` (a column missing, unknown or twice, named in `column`), and with `line` and `column`, its
 * Chinese header: `empty-cell`, `bad-cell`. What `checkCatalogue` finds keeps its `pointer`, whose index counts rows
 * from 0, and gets the place and `line`.
 */
export function catalogueFromSheets(sheets: ReadSheets): Catalogue {
  const [header, ...more] = readTable('catalogue', sheets);
  if (!header || more.length > 0) bad('one-line', sheets.placeOf('catalogue'));
  const { id, title, version, from, to } = header.row;
  const read = new Map(kinds.map((kind) => [kind as string, readTable(kind, sheets)]));
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
    const place = sheets.placeOf(read.has(kind) ? kind : 'catalogue');
    throw new GatewayError(error.code, { ...error.params, ...place, ...(line === undefined ? {} : { line }) });
  }
}

function pointerOf(error: unknown): string {
  return error instanceof GatewayError && typeof error.params.pointer === 'string' ? error.params.pointer : '';
}

interface Line {
  line: number;
  row: AnyRow;
}

function readTable(name: string, sheets: ReadSheets): Line[] {
  const table = tableNamed(name);
  const place = sheets.placeOf(name);
  const [first, ...records] = sheets.rows.get(name) ?? [];
  const names = readHeader(table, first?.cells ?? [], place);
  if (records.length > catalogueLimits.maxRows) bad('too-many-rows', { ...place, limit: catalogueLimits.maxRows });
  return records.map(({ line, cells }) => {
    const row: Record<string, unknown> = {};
    for (const [i, column] of names.entries()) {
      const { cell, optional, words } = table.columns[column]!;
      const value = readCell(cell, cells[i] ?? '');
      if (value === undefined) bad('bad-cell', { ...place, line, column: words.zh });
      if (value !== missing) row[column] = value;
      else if (!optional) bad('empty-cell', { ...place, line, column: words.zh });
    }
    return { line, row };
  });
}

/** The columns' names in the order of the sheet. */
function readHeader({ columns }: AnyTable, headers: readonly string[], place: Record<string, string>): string[] {
  const byHeader = new Map(Object.entries(columns).map(([name, { words }]) => [words.zh, name]));
  const names = headers.map((header) => {
    const name = byHeader.get(header.trim());
    if (name === undefined) return bad('header', { ...place, column: header.trim().slice(0, 100) });
    return name;
  });
  for (const [header, name] of byHeader) {
    if (names.filter((each) => each === name).length !== 1) bad('header', { ...place, column: header });
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

function bad(reason: string, params: Readonly<Record<string, string | number>>): never {
  throw new GatewayError('VALIDATION_FAILED', { reason, ...params });
}
