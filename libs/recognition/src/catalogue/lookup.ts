import { GatewayError } from '@jieqiao/core';
import type { ItemRelation } from '../agreement-terms';
import { type DayRange, holdsOn, isRealDate } from '../china-date';
import { type CatalogueSet, coverRange } from './join';
import {
  type BasisRow,
  type CatalogueRow,
  type CatalogueRows,
  type DiscretionStepRow,
  type FineRow,
  type ItemRow,
  type LawRow,
  type PowerRow,
  type ProvisionRow,
  rowKinds,
} from './rows';
import { type ItemActor, type ItemTerritory, inverseRelation, type ProvisionTopic } from './vocabulary';

/**
 * Questions to catalogues. A day is a Chinese day `YYYY-MM-DD`. Each of them throws GatewayError VALIDATION_FAILED for a
 * day that is none (`day`) or for which the catalogues don't answer (`day-outside-catalogue`): an empty answer would
 * read as "there is no such law".
 */

/** Whether the catalogues answer for a day; it must be one. */
export function answersOn({ effective }: CatalogueSet, day: string): boolean {
  return holdsOn(effective, day);
}

/** The rows that hold on a day. */
export function catalogueAt(
  catalogue: Readonly<CatalogueRows> & { readonly effective: DayRange },
  day: string,
): CatalogueRows {
  requireDay(catalogue.effective, day);
  return Object.fromEntries(
    rowKinds.map((kind) => [kind, catalogue[kind].filter((row) => holdsOn(row, day))]),
  ) as unknown as CatalogueRows;
}

/** An item with what belongs to it on a day. */
export interface CatalogueItem {
  item: ItemRow;
  bases: BasisRow[];
  fines: FineRow[];
  steps: DiscretionStepRow[];
}

/** An item by its code; null when no catalogue has it on that day. */
export function itemAt(set: CatalogueSet, code: string, day: string): CatalogueItem | null {
  const item = itemRowAt(set, code, day);
  return item ? withParts(set, item, day) : null;
}

/** As `itemAt`, without what belongs to it. */
export function itemRowAt(set: CatalogueSet, code: string, day: string): ItemRow | null {
  requireDay(set.effective, day);
  return set.index.items.get(code)?.find((row) => holdsOn(row, day)) ?? null;
}

export interface ItemQuestion {
  family: string;
  /** Place of the act: GB/T 2260 code, or 9 or 12 digits for a town or village. */
  jurisdiction: string;
  /** All that the party is, e.g. `['organisation', 'haulier']`; absent while it is unknown. */
  actors?: readonly ItemActor[];
  /** What the place is; absent while it is unknown. */
  territories?: readonly ItemTerritory[];
  day: string;
}

/** An item that an act may fall under. One act may fall under several; which of them governs is for people to say. */
export interface CandidateItem extends CatalogueItem {
  /** Codes of the candidates before which this one gives way. */
  yieldsTo: string[];
}

/**
 * Items of a family that apply at a place, to what the party is, with the fines and steps for it. Null when the
 * catalogues don't know the family on that day.
 */
export function itemsFor(set: CatalogueSet, question: ItemQuestion): CandidateItem[] | null {
  const { day } = question;
  const found = itemRowsFor(set, question);
  if (!found) return null;
  const meant = (actor: ItemActor) => isMeant(actor, question.actors);
  const codes = new Set(found.map(({ code }) => code));
  return found.map((row) => {
    const { fines, steps, ...rest } = withParts(set, row, day);
    return {
      ...rest,
      fines: fines.filter(({ actor }) => meant(actor)),
      steps: steps.filter(({ actor }) => meant(actor)),
      yieldsTo: row.yieldsTo.filter((code) => codes.has(code)),
    };
  });
}

/** As `itemsFor`, the items alone. */
export function itemRowsFor(set: CatalogueSet, question: ItemQuestion): ItemRow[] | null {
  const { actors, day, family, jurisdiction, territories } = question;
  requireDay(set.effective, day);
  if (!set.families.some((row) => row.code === family && holdsOn(row, day))) return null;
  return (set.index.itemsOfFamily.get(family) ?? []).filter(
    (row) =>
      holdsOn(row, day) &&
      coversPlace(row.jurisdiction, jurisdiction) &&
      isMeant(row.actor, actors) &&
      (row.territory === 'whole' || territories === undefined || territories.includes(row.territory)),
  );
}

function isMeant(actor: ItemActor, actors: readonly ItemActor[] | undefined): boolean {
  return actor === 'any' || actors === undefined || actors.includes(actor);
}

/** An authority whose powers another took over on a day. */
export interface PowerSuccession {
  authority: string;
  successor: string;
  /** First day on which the successor holds them. */
  from: string;
}

export type PowerAnswer =
  | { held: true; grant: PowerRow }
  /** `no-register`: nothing is known of this authority's powers, so nothing follows. */
  | { held: false; why: 'succeeded' | 'unknown-item' | 'no-register' | 'not-granted' };

/**
 * Whether an authority, or one that it has succeeded, has the power to punish an item on a day. What was granted to the
 * predecessor goes on for the successor for as long as that grant's own range says.
 */
export function hasPower(
  set: CatalogueSet,
  authority: string,
  item: string,
  day: string,
  successions: readonly PowerSuccession[] = [],
): PowerAnswer {
  requireDay(set.effective, day);
  if (successions.some((entry) => entry.from <= day && entry.authority === authority)) {
    return { held: false, why: 'succeeded' };
  }
  const holders = withPredecessors(successions, authority, day);
  const register = [...holders].flatMap((name) => set.index.powers.get(name) ?? []);
  const grant = register.find((row) => row.item === item && holdsOn(row, day));
  if (grant) return { held: true, grant };
  if (!set.index.items.has(item)) return { held: false, why: 'unknown-item' };
  return { held: false, why: register.length === 0 ? 'no-register' : 'not-granted' };
}

/** An authority and all those whose powers had come to it by a day. */
export function withPredecessors(
  successions: readonly PowerSuccession[],
  authority: string,
  day: string,
): ReadonlySet<string> {
  const holders = new Set([authority]);
  // A set is walked to what is added on the way, and a ring of successions ends.
  for (const holder of holders) {
    for (const { authority: before, from, successor } of successions) {
      if (successor === holder && from <= day) holders.add(before);
    }
  }
  return holders;
}

export interface EquivalentItem {
  item: string;
  /** What the item asked for is to this one. */
  relation: ItemRelation;
  row: CatalogueRow;
}

/** The other side's items for one of ours, whichever side wrote them down; null for an unknown item. */
export function equivalentsOf(set: CatalogueSet, item: string, day: string): EquivalentItem[] | null {
  requireDay(set.effective, day);
  if (!set.index.items.has(item)) return null;
  return (set.index.equivalences.get(item) ?? [])
    .filter((row) => holdsOn(row, day))
    .map((row) =>
      row.a === item
        ? { item: row.b, relation: row.relation, row }
        : { item: row.a, relation: inverseRelation(row.relation), row },
    );
}

export interface LawStanding {
  /** By its usual short title; null when unknown. */
  law: string | null;
  /** Over the days asked for: in force on all, some or none of them. */
  standing: 'throughout' | 'partly' | 'never' | 'unknown';
  /** The versions in force on some day of them, the earliest first. More than one: the law was amended meanwhile. */
  versions: LawRow[];
  /** Laws that came in its place, where it ended before the last of those days. */
  replacedBy: string[];
  /** Whom the article names, by the items that cite it; empty when no article was given or no item cites it. */
  actors: ItemActor[];
  /** The articles to look at instead, where those items have ended. */
  successors: BasisRow[];
}

/**
 * How a cited law, and the article if one is given, stands to an act that lasted from one day to another, both included.
 * @throws GatewayError VALIDATION_FAILED also `empty-range` (it ends before it begins)
 */
export function lawInForce(
  set: CatalogueSet,
  cited: { law: string; article?: number },
  act: { from: string; to: string },
): LawStanding {
  requireDay(set.effective, act.from);
  requireDay(set.effective, act.to);
  if (act.from > act.to) bad('empty-range');
  const all = set.index.laws.get(cited.law);
  if (!all) return { law: null, standing: 'unknown', versions: [], replacedBy: [], actors: [], successors: [] };
  // Sorts behind the last day and before the next one.
  const range = { from: act.from, to: `${act.to}~` };
  const versions = all.filter((row) => meets(row, range));
  const { law } = all[0]!;
  const ended = all.filter(({ to }) => to !== null && to <= act.to && !all.some(({ from }) => from === to));
  const items = cited.article === undefined ? [] : itemsCiting(set, law, cited.article, range);
  const later = items.filter(({ to }) => to !== null && to <= act.to).flatMap(({ replacedBy }) => replacedBy);
  return {
    law,
    standing: versions.length === 0 ? 'never' : coverRange(versions, range) ? 'throughout' : 'partly',
    versions,
    replacedBy: distinct(ended.flatMap(({ replacedBy }) => replacedBy)),
    actors: distinct(items.map(({ actor }) => actor)),
    successors: distinct(later)
      .flatMap((code) => set.index.bases.get(code) ?? [])
      .filter((row) => row.role === 'liability' && holdsOn(row, act.to)),
  };
}

/** General provisions on a topic, the nation's and those of the areas around a place. */
export function provisionsOn(set: CatalogueSet, topic: ProvisionTopic, place: string, day: string): ProvisionRow[] {
  requireDay(set.effective, day);
  return set.provisions.filter(
    (row) =>
      row.topic === topic &&
      holdsOn(row, day) &&
      (set.index.laws.get(row.law) ?? []).some(({ jurisdiction }) => coversPlace(jurisdiction, place)),
  );
}

/** Whether the law of an area is the law of a place. */
export function coversPlace(jurisdiction: string, place: string): boolean {
  if (jurisdiction === 'CN') return true;
  if (jurisdiction.endsWith('0000')) return place.startsWith(jurisdiction.slice(0, 2));
  return place.startsWith(jurisdiction.endsWith('00') ? jurisdiction.slice(0, 4) : jurisdiction);
}

/** Items of which an article is duty or liability on some day of a range, or was until they were replaced. */
function itemsCiting(set: CatalogueSet, law: string, article: number, range: { from: string; to: string }): ItemRow[] {
  const codes = (set.index.basesOfLaw.get(law) ?? [])
    .filter((row) => row.article === article && (row.role === 'duty' || row.role === 'liability'))
    .map(({ item }) => item);
  const rows = distinct(codes).flatMap((code) => set.index.items.get(code) ?? []);
  const met = rows.filter((row) => meets(row, range));
  return met.length > 0 ? met : rows;
}

function withParts({ index }: CatalogueSet, item: ItemRow, day: string): CatalogueItem {
  const now = <Row extends CatalogueRow>(rows: readonly Row[] = []) => rows.filter((row) => holdsOn(row, day));
  return {
    item,
    bases: now(index.bases.get(item.code)),
    fines: now(index.fines.get(item.code)),
    steps: now(index.steps.get(item.code)),
  };
}

function meets({ from, to }: DayRange, range: { from: string; to: string }): boolean {
  return (from === null || from < range.to) && (to === null || range.from < to);
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function requireDay(effective: DayRange, day: string): void {
  if (!isRealDate(day)) bad('day');
  if (!holdsOn(effective, day)) bad('day-outside-catalogue');
}

function bad(reason: string): never {
  throw new GatewayError('VALIDATION_FAILED', { reason });
}
