import { type Digest, digestOf, GatewayError } from '@jieqiao/core';
import type { DayRange } from '../china-date';
import { type Catalogue, encodeCatalogue, secondNameOf, sharedDay, tableOf } from './catalogue';
import type {
  BasisRow,
  CatalogueRow,
  CatalogueRows,
  DiscretionStepRow,
  EquivalenceRow,
  FineRow,
  ItemRow,
  LawRow,
  PowerRow,
  RowKind,
} from './rows';
import { rowKinds } from './rows';

/** Catalogues that have been checked against each other, their rows by the day from which they hold; made by `joinCatalogues` only. */
export interface CatalogueSet extends Readonly<CatalogueRows> {
  /** `digest`: of the file's bytes. */
  readonly catalogues: readonly { id: string; version: number; digest: Digest }[];
  /** Days for which all of them answer. */
  readonly effective: DayRange & { from: string };
  readonly index: CatalogueIndex;
}

/** Rows by what they are looked up by. */
interface CatalogueIndex {
  items: ReadonlyMap<string, ItemRow[]>;
  itemsOfFamily: ReadonlyMap<string, ItemRow[]>;
  bases: ReadonlyMap<string, BasisRow[]>;
  basesOfLaw: ReadonlyMap<string, BasisRow[]>;
  fines: ReadonlyMap<string, FineRow[]>;
  steps: ReadonlyMap<string, DiscretionStepRow[]>;
  equivalences: ReadonlyMap<string, EquivalenceRow[]>;
  powers: ReadonlyMap<string, PowerRow[]>;
  laws: ReadonlyMap<string, LawRow[]>;
}

/**
 * Puts catalogues together, one edition of each, so that they can refer to each other. Do it once, not per question.
 * @throws GatewayError VALIDATION_FAILED with `reason`, the `catalogue` and the `pointer` in it: `catalogue-twice`,
 * `no-common-day` (none for which all answer), `row-twice`, `name-twice` (as `checkCatalogue`, across files),
 * `unknown-reference` (nothing of that name), `reference-outside-range` (it does not hold as long as what refers to
 * it), `step-outside-fine` (no fine allows that discretion step)
 */
export function joinCatalogues(catalogues: readonly Catalogue[]): CatalogueSet {
  if (catalogues.length === 0) bad('no-common-day', { catalogue: '', pointer: '/' });
  const ids = new Set<string>();
  const effective: DayRange & { from: string } = { from: '', to: null };
  for (const { id, effective: own } of catalogues) {
    if (ids.has(id)) bad('catalogue-twice', { catalogue: id, pointer: '/id' });
    ids.add(id);
    if (own.from > effective.from) effective.from = own.from;
    if (own.to !== null && (effective.to === null || own.to < effective.to)) effective.to = own.to;
    if (effective.to !== null && effective.from >= effective.to) {
      bad('no-common-day', { catalogue: id, pointer: '/effective' });
    }
  }
  const origins = new Map<CatalogueRow, Origin>();
  const rows = Object.fromEntries(
    rowKinds.map((kind) => {
      const all = catalogues.flatMap((catalogue) => {
        for (const [i, row] of catalogue[kind].entries()) {
          origins.set(row, { catalogue: catalogue.id, pointer: `/${kind}/${i}` });
        }
        return catalogue[kind] as CatalogueRow[];
      });
      return [kind, all.sort(earlierFirst)];
    }),
  ) as unknown as CatalogueRows;

  for (const kind of rowKinds) {
    const [, origin] =
      sharedDay(
        kind,
        rows[kind].map((row) => [row, origins.get(row)!] as const),
      ) ?? [];
    if (origin) bad('row-twice', origin);
  }
  const law = secondNameOf(rows.laws);
  if (law !== null) bad('name-twice', origins.get(rows.laws[law]!)!);
  const index = indexOf(rows);
  checkReferences(rows, effective, origins);
  checkSteps(rows, effective, index, origins);
  return {
    ...rows,
    catalogues: catalogues.map((catalogue) => {
      const { id, version } = catalogue;
      return { id, version, digest: digestOf(encodeCatalogue(catalogue)) };
    }),
    effective,
    index,
  };
}

interface Origin {
  catalogue: string;
  pointer: string;
}

function indexOf(rows: CatalogueRows): CatalogueIndex {
  return {
    items: groupBy(rows.items, ({ code }) => [code]),
    itemsOfFamily: groupBy(rows.items, ({ families }) => families),
    bases: groupBy(rows.bases, ({ item }) => [item]),
    basesOfLaw: groupBy(rows.bases, ({ law }) => [law]),
    fines: groupBy(rows.fines, ({ item }) => [item]),
    steps: groupBy(rows.steps, ({ item }) => [item]),
    equivalences: groupBy(rows.equivalences, ({ a, b }) => [a, b]),
    powers: groupBy(rows.powers, ({ authority }) => [authority]),
    laws: groupBy(rows.laws, ({ aliases, law }) => [law, ...aliases]),
  };
}

function checkReferences(
  rows: CatalogueRows,
  effective: CatalogueSet['effective'],
  origins: ReadonlyMap<CatalogueRow, Origin>,
): void {
  const targets = Object.fromEntries(
    rowKinds.map((kind) => {
      const [name] = tableOf(kind).key as [string];
      return [kind, groupBy(rows[kind] as CatalogueRow[], (row) => [String(row[name as never])])];
    }),
  ) as unknown as Record<RowKind, ReadonlyMap<string, CatalogueRow[]>>;
  for (const kind of rowKinds) {
    for (const [name, { refers }] of Object.entries(tableOf(kind).columns)) {
      if (!refers) continue;
      for (const row of rows[kind]) {
        const value: unknown = row[name as never];
        for (const key of Array.isArray(value) ? value : value === undefined ? [] : [value]) {
          const found = targets[refers.to].get(String(key));
          const { catalogue, pointer } = origins.get(row)!;
          if (!found) bad('unknown-reference', { catalogue, pointer: `${pointer}/${name}` });
          if (refers.throughout && !coverRange(found, within(effective, row))) {
            bad('reference-outside-range', { catalogue, pointer: `${pointer}/${name}` });
          }
        }
      }
    }
  }
}

function checkSteps(
  { steps }: CatalogueRows,
  effective: CatalogueSet['effective'],
  index: CatalogueIndex,
  origins: ReadonlyMap<CatalogueRow, Origin>,
): void {
  for (const step of steps) {
    const fines = (index.fines.get(step.item) ?? []).filter(
      (fine) =>
        fine.unit === step.unit &&
        (fine.actor === step.actor || fine.actor === 'any') &&
        fine.min <= step.min &&
        step.max <= fine.max,
    );
    if (!coverRange(fines, within(effective, step))) bad('step-outside-fine', origins.get(step)!);
  }
}

/** What a row says of days for which the catalogues don't answer was never checked, and contradicts nothing. */
function within(effective: CatalogueSet['effective'], { from, to }: DayRange): DayRange {
  const start = from === null || from < effective.from ? effective.from : from;
  return { from: start, to: to === null || (effective.to !== null && effective.to < to) ? effective.to : to };
}

/** Whether on each day of a range at least one of the rows holds, which stand in the order of a set. */
export function coverRange(rows: readonly DayRange[], { from, to }: DayRange): boolean {
  let reached = from ?? '';
  if (to !== null && reached >= to) return true;
  for (const row of rows) {
    if ((row.from ?? '') > reached) return false;
    if (row.to === null) return true;
    if (row.to > reached) reached = row.to;
    if (to !== null && reached >= to) return true;
  }
  return false;
}

function earlierFirst(a: DayRange, b: DayRange): number {
  const [first, second] = [a.from ?? '', b.from ?? ''];
  return first < second ? -1 : first > second ? 1 : 0;
}

function groupBy<Row>(rows: readonly Row[], keysOf: (row: Row) => readonly string[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    for (const key of keysOf(row)) {
      const group = groups.get(key);
      if (group) group.push(row);
      else groups.set(key, [row]);
    }
  }
  return groups;
}

function bad(reason: string, origin: Origin): never {
  throw new GatewayError('VALIDATION_FAILED', { reason, ...origin });
}
