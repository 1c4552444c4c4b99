import { GatewayError } from '@jieqiao/core';
import { chinaDay, daysBetween, isRealInstant } from './china-date';
import { coordinateFault } from './territory';
import type { TransferParty } from './transfer-data';

/** Where and when the same act may have been seen by two sides that do not agree to the metre. docs/spec/same-act.md. */
export const actGrain = {
  /** Side of a cell, millionths of a degree. */
  cell: 10_000,
  /** How far apart in either direction two sides may put the place and still certainly match: at most half a cell. */
  placeTolerance: 5_000,
  /** The same between the times, ms. */
  timeTolerance: 12 * 3_600_000,
  /** An act on more Chinese days than this is long, and compared by months. */
  shortDays: 8,
  /** Of a long act the last months count. */
  longMonths: 12,
  /** Of more parties the first keys in their order count. */
  keys: 8,
} as const;

/** What the comparison needs of an act; a `TransferData` is one. */
export interface ActDescription {
  family: string;
  act: { from: string; to?: string; place: { longitude: number; latitude: number } };
  /** The end of what is known of an act that goes on. */
  discoveredAt?: string;
  parties: readonly TransferParty[];
}

/** An act reduced to what is compared. */
export interface Act {
  family: string;
  /** Who, normalised and sorted. With none, the act can't be compared, and has no elements. */
  keys: readonly string[];
  /** ISO-8601 UTC. */
  from: string;
  to: string;
  longitude: number;
  latitude: number;
}

/** One statement that two descriptions of the same act have in common. */
export interface ActElement {
  /** Chinese month `YYYY-MM` under which it is filed. */
  month: string;
  /** Holds who in the clear: it never leaves the node as it is. */
  text: string;
}

type Grain = 'day' | 'month' | 'long';

const maxKeyLength = 200;

/** @throws GatewayError VALIDATION_FAILED {reason} for times or coordinates that are none */
export function actOf({ family, act, discoveredAt, parties }: ActDescription): Act {
  const { longitude, latitude } = act.place;
  const fault = coordinateFault({ longitude, latitude });
  if (fault) throw new GatewayError('VALIDATION_FAILED', { reason: fault });
  const from = utc(act.from);
  const to = utc(act.to ?? discoveredAt ?? act.from);
  if (to < from && act.to !== undefined) throw new GatewayError('VALIDATION_FAILED', { reason: 'order' });
  return { family, keys: partyKeys(parties), from, to: to < from ? from : to, longitude, latitude };
}

/**
 * Who, so that two sides write it alike: the unified social credit code (统一社会信用代码); failing that number plate and
 * vessel; failing that the name. "不明" names nobody, so of a party of kind `unknown` the name counts for nothing.
 */
export function partyKeys(parties: readonly TransferParty[]): string[] {
  const keys = parties.flatMap(({ kind, name, uscc, plate, vessel }) => {
    if (uscc !== undefined) return keyOf('uscc', uscc);
    const carriers = [...keyOf('plate', plate), ...keyOf('vessel', vessel)];
    return carriers.length > 0 || kind === 'unknown' ? carriers : keyOf('name', name);
  });
  return [...new Set(keys)].sort().slice(0, actGrain.keys);
}

/** What a filing is found by: its own cell, day by day, or month by month where it is long. */
export function filedElements(act: Act): ActElement[] {
  const cells = [cellOf(micro(act.longitude), micro(act.latitude))];
  const months = monthsBetween(act.from, act.to, actGrain.longMonths);
  const anyLength = elements(act, 'month', months, cells);
  if (isLong(act)) return [...anyLength, ...elements(act, 'long', months, cells)];
  return [...anyLength, ...elements(act, 'day', daysFrom(act.from, act.to), cells)];
}

/**
 * What is asked to find any filing about the same act: everything that a filing within the tolerances may stand under.
 * Only this side looks around, so two sides that differ at the edge of a cell or at midnight still meet.
 */
export function askedElements(act: Act): ActElement[] {
  const cells = cellsAround(micro(act.longitude), micro(act.latitude));
  const from = shifted(act.from, -actGrain.timeTolerance);
  const to = shifted(act.to, actGrain.timeTolerance);
  const months = monthsBetween(from, to, actGrain.longMonths + 1);
  if (isLong(act)) return elements(act, 'month', months, cells);
  return [...elements(act, 'day', daysFrom(from, to), cells), ...elements(act, 'long', months, cells)];
}

/** NFKC, one case, letters and digits only: 沪Ａ·12345 and 沪a-12345 are one plate, as are brackets of either width. */
function keyOf(kind: string, written: string | undefined): string[] {
  const text = (written ?? '').normalize('NFKC').toLowerCase().normalize('NFKC');
  const plain = [...text.replace(/[^\p{L}\p{M}\p{N}]/gu, '')].slice(0, maxKeyLength).join('');
  return plain === '' ? [] : [`${kind}:${plain}`];
}

function elements(act: Act, grain: Grain, periods: readonly string[], cells: readonly string[]): ActElement[] {
  return act.keys.flatMap((key) =>
    periods.flatMap((period) =>
      cells.map((cell) => ({
        month: period.slice(0, 7),
        text: ['jieqiao/act/v1', grain, period, cell, act.family, key].join('\n'),
      })),
    ),
  );
}

function isLong({ from, to }: Act): boolean {
  return daysBetween(chinaDay(from), chinaDay(to)) + 1 > actGrain.shortDays;
}

function daysFrom(from: string, to: string): string[] {
  const [first, last] = [chinaDay(from), chinaDay(to)];
  const start = Date.parse(`${first}T00:00:00Z`);
  return Array.from({ length: daysBetween(first, last) + 1 }, (_, i) =>
    new Date(start + i * 86_400_000).toISOString().slice(0, 10),
  );
}

/** The last `limit` months of those that two instants lie in or between. */
function monthsBetween(from: string, to: string, limit: number): string[] {
  const first = chinaDay(from).slice(0, 7);
  const [year, month] = chinaDay(to).split('-').map(Number) as [number, number];
  const months: string[] = [];
  for (let back = 0; back < limit; back++) {
    const count = year * 12 + (month - 1) - back;
    const name = `${String(Math.floor(count / 12)).padStart(4, '0')}-${String((count % 12) + 1).padStart(2, '0')}`;
    if (name < first) break;
    months.unshift(name);
  }
  return months;
}

/** Whole millionths of a degree: what follows is in integers, and alike on every machine. */
const micro = (degrees: number): number => Math.round(degrees * 1e6);

const cellOf = (x: number, y: number): string => `${Math.floor(x / actGrain.cell)},${Math.floor(y / actGrain.cell)}`;

function cellsAround(x: number, y: number): string[] {
  const { placeTolerance } = actGrain;
  const corners = [-placeTolerance, placeTolerance].flatMap((dx) =>
    [-placeTolerance, placeTolerance].map((dy) => cellOf(x + dx, y + dy)),
  );
  return [...new Set(corners)];
}

const shifted = (instant: string, ms: number): string => new Date(Date.parse(instant) + ms).toISOString();

function utc(instant: string): string {
  if (!isRealInstant(instant)) throw new GatewayError('VALIDATION_FAILED', { reason: 'instant' });
  return new Date(instant).toISOString();
}
