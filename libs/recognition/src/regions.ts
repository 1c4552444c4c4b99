import { canonicalJson, GatewayError, parseCanonicalJson, schemaCheck } from '@jieqiao/core';
import { isRealDate } from './china-date';
import { line, list, object } from './schema-parts';

/**
 * Division codes: GB/T 2260 with six digits down to the county, and towns with nine. Specification: docs/spec/regions.md.
 * The file says in which yearly lists a code stands. When it began or ended between two of them it does not know, so
 * every answer allows for the whole time between.
 */
export const regionsSchemaId = 'jieqiao/regions/v1';

const limits = { maxBytes: 2 << 20, maxDepth: 5, maxRows: 50_000, maxLists: 50 } as const;

interface Origin {
  title: string;
  package: string;
  version: string;
  licence: string;
}

/** The file. */
export interface Regions {
  schema: typeof regionsSchemaId;
  version: number;
  /** The lists of divisions, each as of a day, the earliest first. */
  lists: (Origin & { day: string })[];
  /** `[code, name, first, last]`: indexes of the first and last list in which the code has the name. */
  divisions: [string, string, number, number][];
  /** The towns of some provinces (two digits), as of one undated list: `[code, name]`. */
  towns: Origin & { provinces: string[]; rows: [string, string][] };
}

export interface Region {
  code: string;
  name: string;
  level: 'province' | 'prefecture' | 'county' | 'town';
  /** The divisions around it, the largest first. */
  parents: { code: string; name: string }[];
  /** Chinese days between which it surely or possibly existed, both excluded; null is open or not known. */
  after: string | null;
  before: string | null;
}

interface Row {
  code: string;
  name: string;
  after: string | null;
  before: string | null;
}

/** Regions ready to be asked; made by `readRegions` only. */
export interface RegionSet {
  readonly version: number;
  /** The day of the earliest list: before it nothing can be said. */
  readonly from: string;
  /** The day of the newest list: what began since is unknown here. */
  readonly listedOn: string;
  /** Provinces (two digits) whose towns are known. */
  readonly townsOf: readonly string[];
  readonly rows: ReadonlyMap<string, readonly Row[]>;
}

const digits = (pattern: string) => ({ type: 'string', pattern: `^${pattern}$` });
const tuple = (...items: unknown[]) => ({
  type: 'array',
  items,
  minItems: items.length,
  maxItems: items.length,
  additionalItems: false,
});
const origin = {
  title: line(200),
  package: line(100),
  version: line(40),
  licence: line(40),
};
const index = { type: 'integer', minimum: 0, maximum: limits.maxLists - 1 };

/** JSON Schema (draft 07) of the file. */
const regionsSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  ...object({
    schema: { const: regionsSchemaId },
    version: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    lists: list(object({ ...origin, day: digits('\\d{4}-\\d{2}-\\d{2}') }), limits.maxLists, { minItems: 1 }),
    divisions: list(tuple(digits('[1-9]\\d{5}'), line(60), index, index), limits.maxRows),
    towns: object({
      ...origin,
      provinces: list(digits('[1-9]\\d'), 34),
      rows: list(tuple(digits('[1-9]\\d{8}'), line(60)), limits.maxRows),
    }),
  }),
};

let compiled: ((value: unknown) => Regions) | undefined;

/** The bytes of the file: the same for the same rows. @throws GatewayError as `readRegions` */
export function encodeRegions(regions: Regions): Buffer {
  const sorted = <Row extends [string, ...unknown[]]>(rows: readonly Row[]) =>
    [...rows].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : Number(a[2]) - Number(b[2])));
  const { divisions, towns } = regions;
  const bytes = canonicalJson({
    ...regions,
    divisions: sorted(divisions),
    towns: { ...towns, rows: sorted(towns.rows) },
  });
  readRegions(bytes);
  return bytes;
}

/**
 * Reads the file: canonical JSON (RFC 8785) of at most 2 MiB.
 * @throws GatewayError VALIDATION_FAILED with `reason` and mostly `pointer`: what `parseCanonicalJson` or the schema
 * found, `day`, `not-sorted` (lists by day), `no-such-list`, `row-twice` (two names for one time), `unknown-reference` (a
 * town without its county)
 */
export function readRegions(bytes: Uint8Array): RegionSet {
  compiled ??= schemaCheck<Regions>(regionsSchema, 'VALIDATION_FAILED');
  const { divisions, lists, towns, version } = compiled(parseCanonicalJson(bytes, limits, 'VALIDATION_FAILED'));
  for (const [i, { day }] of lists.entries()) {
    if (!isRealDate(day)) bad('day', `/lists/${i}/day`);
    if (i > 0 && lists[i - 1]!.day >= day) bad('not-sorted', `/lists/${i}`);
  }
  const rows = new Map<string, Row[]>();
  const last = new Map<string, number>();
  for (const [i, [code, name, first, end]] of divisions.entries()) {
    if (first > end || end >= lists.length) bad('no-such-list', `/divisions/${i}`);
    if ((last.get(code) ?? -1) >= first) bad('row-twice', `/divisions/${i}`);
    last.set(code, end);
    const row = { code, name, after: lists[first - 1]?.day ?? null, before: lists[end + 1]?.day ?? null };
    rows.set(code, [...(rows.get(code) ?? []), row]);
  }
  for (const [i, [code, name]] of towns.rows.entries()) {
    if (!rows.has(code.slice(0, 6))) bad('unknown-reference', `/towns/rows/${i}`);
    if (rows.has(code)) bad('row-twice', `/towns/rows/${i}`);
    rows.set(code, [{ code, name, after: null, before: null }]);
  }
  return { version, from: lists[0]!.day, listedOn: lists.at(-1)!.day, townsOf: towns.provinces, rows };
}

/**
 * A division by its code: six digits, nine for a town, or twelve that end in 000 for the same. Without a day, as it was
 * listed last. Null: no list has it, or none that could be of that day.
 * @throws GatewayError VALIDATION_FAILED `day`, `day-outside-regions`
 */
export function regionOf(set: RegionSet, code: string, day?: string): Region | null {
  if (day !== undefined) requireDay(set, day);
  const row = rowAt(set, listed(code), day);
  return row === undefined ? null : withParents(set, row, day);
}

/**
 * What is wrong with the code of a place on a day: `form` (not 6, 9 or 12 digits), `unknown` (in no list), `not-yet` and
 * `ended` (surely so on that day), `unknown-town` (its county is known, and that county's towns are, too). Null: nothing,
 * as far as is known. A village (twelve digits) is judged by its town.
 * @throws GatewayError VALIDATION_FAILED `day`, `day-outside-regions`
 */
export function placeCodeFault(
  set: RegionSet,
  code: string,
  day: string,
): 'form' | 'unknown' | 'not-yet' | 'ended' | 'unknown-town' | null {
  requireDay(set, day);
  if (!/^[1-9]\d{5}(?:\d{3}(?:\d{3})?)?$/.test(code)) return 'form';
  const rows = set.rows.get(code.slice(0, 6)) ?? [];
  if (rows.length === 0) return 'unknown';
  if (!rows.some((row) => mayHold(row, day)))
    return rows.every(({ after }) => after !== null && day <= after) ? 'not-yet' : 'ended';
  const townKnown = code.length === 6 || !set.townsOf.includes(code.slice(0, 2)) || set.rows.has(code.slice(0, 9));
  return townKnown ? null : 'unknown-town';
}

export interface RegionQuestion {
  /** Part of a name, or the first digits of a code. */
  q?: string;
  /** Its direct children; with `q` whatever lies within. */
  parent?: string;
  day?: string;
  limit: number;
}

/**
 * Divisions by code. Without `q` and `parent`, the provinces.
 * @throws GatewayError VALIDATION_FAILED `day`, `day-outside-regions`
 */
export function findRegions(set: RegionSet, { q, parent, day, limit }: RegionQuestion): Region[] {
  if (day !== undefined) requireDay(set, day);
  const within = parent === undefined ? '' : prefixOf(listed(parent));
  const found: Region[] = [];
  for (const code of set.rows.keys()) {
    if (found.length >= limit) break;
    if (!code.startsWith(within) || code === parent) continue;
    const row = rowAt(set, code, day);
    if (row === undefined) continue;
    if (q !== undefined && !row.name.includes(q) && !code.startsWith(q)) continue;
    const region = withParents(set, row, day);
    if (q === undefined && region.parents.at(-1)?.code !== parent) continue;
    found.push(region);
  }
  return found;
}

/** The last of the rows that may hold on the day, or of all. */
function rowAt({ rows }: RegionSet, code: string, day: string | undefined): Row | undefined {
  return rows.get(code)?.findLast((row) => day === undefined || mayHold(row, day));
}

const mayHold = ({ after, before }: Row, day: string) =>
  (after === null || day > after) && (before === null || day < before);

/** The statistical form of a town's code has three more digits. */
const listed = (code: string) => (code.length === 12 && code.endsWith('000') ? code.slice(0, 9) : code);

function withParents(set: RegionSet, row: Row, day: string | undefined): Region {
  const { code } = row;
  // Not every county has a prefecture: those of municipalities and those that a province governs itself have none.
  const around = [`${code.slice(0, 2)}0000`, `${code.slice(0, 4)}00`, code.slice(0, 6)];
  const parents = [...new Set(around)]
    .filter((each) => each !== code)
    .flatMap((each) => rowAt(set, each, day) ?? [])
    .map(({ code: parent, name }) => ({ code: parent, name }));
  return { ...row, level: levelOf(code), parents };
}

function levelOf(code: string): Region['level'] {
  if (code.length > 6) return 'town';
  if (code.endsWith('0000')) return 'province';
  return code.endsWith('00') ? 'prefecture' : 'county';
}

function prefixOf(code: string): string {
  if (code.length > 6) return code;
  return code.replace(/(?:00){1,2}$/, '');
}

function requireDay({ from }: RegionSet, day: string): void {
  if (!isRealDate(day)) bad('day');
  if (day < from) bad('day-outside-regions');
}

function bad(reason: string, pointer?: string): never {
  throw new GatewayError('VALIDATION_FAILED', { reason, ...(pointer === undefined ? {} : { pointer }) });
}
