import { canonicalJson, GatewayError, parseCanonicalJson, schemaCheck } from '@jieqiao/core';
import { type DayRange, isRealDate } from '../china-date';
import { code, line, list, object, word } from '../schema-parts';
import {
  type AnyRow,
  type AnyTable,
  type CatalogueRow,
  type CatalogueRows,
  type CatalogueSource,
  type Cell,
  type RowKind,
  rowKey,
  rowKinds,
  sourceTable,
  tables,
} from './rows';

/** The schema identifier of a catalogue file. Specification: docs/spec/catalogue.md. */
export const catalogueSchemaId = 'jieqiao/catalogue/v1';

export const catalogueLimits = { maxBytes: 4 << 20, maxDepth: 4, maxRows: 20_000, maxList: 100 } as const;

/** One file: an edition (`version`) of a jurisdiction's rows. It keeps past rows, so that the newest answers for old cases. */
export interface Catalogue extends CatalogueRows {
  schema: typeof catalogueSchemaId;
  /** E.g. `shanghai.310000`, `national.cn`. */
  id: string;
  version: number;
  /** Days for which it answers; it says nothing of others. */
  effective: DayRange & { from: string };
  title: string;
  sources: CatalogueSource[];
}

export const catalogueIdPattern = '^[a-z][a-z0-9-]{0,31}\\.(?:cn|[1-9][0-9]{5})$';
const day = { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' } as const;
// The first branch is the one whose fault is told.
const openDay = { anyOf: [day, { type: 'null' }] } as const;

function cellSchema(cell: Cell): unknown {
  if (cell.kind === 'code') return code;
  if (cell.kind === 'word') return word;
  if (cell.kind === 'sign') return { type: 'string', pattern: '^[A-Z][A-Z0-9_]{0,63}$' };
  if (cell.kind === 'jurisdiction') return { type: 'string', pattern: '^(?:CN|[1-9][0-9]{5})$' };
  if (cell.kind === 'catalogue') return { type: 'string', pattern: catalogueIdPattern };
  // Blanks at an end would not survive a spreadsheet.
  if (cell.kind === 'line') return { allOf: [line(cell.maxLength), { type: 'string', pattern: '^\\S(?:.*\\S)?$' }] };
  if (cell.kind === 'count') return { type: 'integer', minimum: cell.min, maximum: cell.max };
  if (cell.kind === 'choice') return { enum: Object.keys(cell.choices) };
  if (cell.kind === 'day') return day;
  if (cell.kind === 'open-day') return openDay;
  const element = cellSchema(cell.of) as Record<string, unknown>;
  // The signs that part the elements of a list in a CSV cell.
  const item = cell.of.kind === 'line' ? { allOf: [element, { type: 'string', pattern: '^[^;；]+$' }] } : element;
  return list(item, catalogueLimits.maxList, { uniqueItems: true });
}

function tableSchema({ columns }: AnyTable): unknown {
  const names = Object.keys(columns);
  return list(
    object(
      Object.fromEntries(names.map((name) => [name, cellSchema(columns[name]!.cell)])),
      names.filter((name) => columns[name]!.optional),
    ),
    catalogueLimits.maxRows,
  );
}

/** JSON Schema (draft 07) of a catalogue file. */
export const catalogueSchema: Readonly<Record<string, unknown>> = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: catalogueSchemaId,
  ...object({
    schema: { const: catalogueSchemaId },
    id: { type: 'string', pattern: catalogueIdPattern },
    version: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    effective: object({ from: day, to: openDay }),
    title: line(200),
    sources: tableSchema(sourceTable),
    ...Object.fromEntries(rowKinds.map((kind) => [kind, tableSchema(tables[kind])])),
  }),
};

// Compiled on first use: it takes longer than anything else here.
let compiled: ((value: unknown) => Catalogue) | undefined;
function followSchema(value: unknown): Catalogue {
  compiled ??= schemaCheck<Catalogue>(catalogueSchema, 'VALIDATION_FAILED');
  return compiled(value);
}

/**
 * Reads a catalogue file (hostile bytes): canonical JSON (RFC 8785) of at most 4 MiB, rows in the order of their keys.
 * What other catalogues must confirm is `joinCatalogues`' to check.
 * @throws GatewayError VALIDATION_FAILED with `reason` and mostly `pointer`: what `parseCanonicalJson` or the schema
 * found, those of `checkCatalogue`, or `not-sorted`
 */
export function parseCatalogue(bytes: Uint8Array): Catalogue {
  const catalogue = checkCatalogue(parseCanonicalJson(bytes, catalogueLimits, 'VALIDATION_FAILED'));
  for (const kind of ['sources', ...rowKinds] as const) {
    const rows: readonly AnyRow[] = catalogue[kind] as never;
    const at = rows.findIndex((row, i) => i > 0 && comparison(tableOf(kind))(rows[i - 1]!, row) >= 0);
    if (at >= 0) bad('not-sorted', `/${kind}/${at}`);
  }
  return catalogue;
}

/**
 * The bytes of a catalogue file: the same for the same rows, in whatever order they are given.
 * @throws GatewayError VALIDATION_FAILED as `parseCatalogue`, LIMIT_EXCEEDED
 */
export function encodeCatalogue(draft: Catalogue): Buffer {
  const catalogue = checkCatalogue(draft);
  const sorted = Object.fromEntries(
    (['sources', ...rowKinds] as const).map((kind) => {
      const rows: AnyRow[] = catalogue[kind] as never;
      return [kind, [...rows].sort(comparison(tableOf(kind)))];
    }),
  );
  const bytes = canonicalJson({ ...catalogue, ...sorted });
  if (bytes.length > catalogueLimits.maxBytes) {
    throw new GatewayError('LIMIT_EXCEEDED', { what: 'catalogue', limit: catalogueLimits.maxBytes });
  }
  return bytes;
}

/**
 * What a schema can't say of one file by itself, rows in any order.
 * @throws GatewayError VALIDATION_FAILED with `reason` and `pointer`: `day` (none of the calendar), `empty-range` (from is
 * not before to), `unknown-source`, `verified-without-place`, `range-order` (min over max), `same-item` (equivalent to
 * itself), `half-citation` (a law without its article), `row-twice` (two rows of one key for the same day),
 * `name-twice` (one name for two laws)
 */
export function checkCatalogue(value: unknown): Catalogue {
  const catalogue = followSchema(value);
  const { effective, sources } = catalogue;
  checkRange(effective, '/effective');
  const sourceCodes = new Set<string>();
  for (const [i, { code: source }] of sources.entries()) {
    if (sourceCodes.has(source)) bad('row-twice', `/sources/${i}`);
    sourceCodes.add(source);
  }
  for (const kind of rowKinds) {
    for (const [i, row] of catalogue[kind].entries()) {
      const pointer = `/${kind}/${i}`;
      checkRange(row, pointer);
      if (!isRealDate(row.checkedOn)) bad('day', `${pointer}/checkedOn`);
      if (!sourceCodes.has(row.source)) bad('unknown-source', `${pointer}/source`);
      if (row.status === 'verified' && row.place === undefined) bad('verified-without-place', pointer);
      checkOwnSense(row, pointer);
    }
    const [row, i] =
      sharedDay(
        kind,
        [...catalogue[kind].entries()].map(([i, row]) => [row, i] as const),
      ) ?? [];
    if (row) bad('row-twice', `/${kind}/${i}`);
  }
  const law = secondNameOf(catalogue.laws);
  if (law !== null) bad('name-twice', `/laws/${law}`);
  return catalogue;
}

/** Two rows of one kind that say something of the same thing on the same day; the later of them, with what came with it. */
export function sharedDay<Mark>(
  kind: RowKind,
  rows: readonly (readonly [row: CatalogueRow, mark: Mark])[],
): readonly [row: CatalogueRow, mark: Mark] | null {
  const ends = new Map<string, CatalogueRow>();
  const table = tableOf(kind);
  for (const entry of [...rows].sort(([a], [b]) => compare(a.from ?? '', b.from ?? ''))) {
    const [row] = entry;
    const key = rowKey(table, row as never);
    const before = ends.get(key);
    if (before && (before.to === null || before.to > (row.from ?? ''))) return entry;
    ends.set(key, row);
  }
  return null;
}

/** The index of a law with a name or alias that another law has too. */
export function secondNameOf(laws: CatalogueRows['laws']): number | null {
  const owners = new Map<string, string>();
  for (const [i, { law, aliases }] of laws.entries()) {
    for (const name of [law, ...aliases]) {
      if ((owners.get(name) ?? law) !== law) return i;
      owners.set(name, law);
    }
  }
  return null;
}

export function tableOf(kind: RowKind | 'sources'): AnyTable {
  return (kind === 'sources' ? sourceTable : tables[kind]) as AnyTable;
}

function checkRange({ from, to }: DayRange, pointer: string): void {
  if (from !== null && !isRealDate(from)) bad('day', `${pointer}/from`);
  if (to !== null && !isRealDate(to)) bad('day', `${pointer}/to`);
  if (from !== null && to !== null && from >= to) bad('empty-range', `${pointer}/to`);
}

function checkOwnSense(row: CatalogueRow, pointer: string): void {
  const { a, article, b, law, max, min } = row as AnyRow & CatalogueRow;
  if (typeof min === 'number' && min > Number(max)) bad('range-order', `${pointer}/min`);
  if (a !== undefined && a === b) bad('same-item', `${pointer}/b`);
  // Only forms of evidence may leave the citation out, and then the whole of it.
  const { clause, paragraph } = row as AnyRow & CatalogueRow;
  const cites = article !== undefined || paragraph !== undefined || clause !== undefined;
  if ('form' in row && (law === undefined ? cites : article === undefined)) bad('half-citation', pointer);
}

function comparison(table: AnyTable): (a: AnyRow, b: AnyRow) => number {
  const { from } = table.columns;
  return (a, b) =>
    compare(rowKey(table, a), rowKey(table, b)) || (from ? compare(String(a.from ?? ''), String(b.from ?? '')) : 0);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function bad(reason: string, pointer: string): never {
  throw new GatewayError('VALIDATION_FAILED', { reason, pointer });
}
