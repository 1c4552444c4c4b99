import { GatewayError } from '@jieqiao/core';
import type { LegalBasis } from '../agreement-terms';
import { isRealDate, isRealInstant } from '../china-date';
import { isWorkingDay } from './working-days';

interface TimeLimit {
  unit: 'hours' | 'calendar-days' | 'working-days';
  /** Days: whole, 1 to 3650. Hours: 1/60 to 8760, so 0.5 is half an hour. */
  amount: number;
  /** A last day on which nobody works moves on, in the direction of counting, to the next working day. Never for hours. */
  rolls: boolean;
  basis: LegalBasis;
}
export type ForwardClock = TimeLimit & { direction: 'forward' };
/** Counts from an event in the future back to the last moment for something that must precede it. */
type BackwardClock = TimeLimit & { direction: 'backward' };
/** A time limit, apart from when it starts. */
export type Clock = ForwardClock | BackwardClock;

/** The end of a clock. What happens at `at` is in time (民法典 §203, §1259), what happens later is late. */
export interface Deadline {
  /** The Chinese day whose 24:00 is the end; for hours, the one in which `at` lies. */
  day: string;
  /** Instant at UTC+8: 24:00 of `day`, written as 00:00 of the next; for hours exact to the millisecond. */
  at: string;
}

/** A time in which a clock stands still: from `from` up to, not including, `to`; null while it lasts. */
export interface Pause {
  from: string;
  to: string | null;
  /** Who stopped the clock: a node or an office, no person's name. */
  by: string;
  basis: LegalBasis;
}

export interface Remaining {
  /** Null when a pause that has not ended keeps the end open. */
  due: Deadline | null;
  /** In the clock's unit: hours as a fraction; days that count and are over, so today is still among `left`. */
  elapsed: number;
  /** The amount less `elapsed`. Zero before `due` on the days by which the end rolled. */
  left: number;
  overdue: boolean;
  paused: boolean;
  /** The pauses that hold the clock now. */
  pausedBy: Pause[];
}

const hour = 3_600_000;
const dayLength = 24 * hour;
const chinaOffset = 8 * hour;
const limits = { days: 3650, hours: 8760, pauses: 1000, reminders: 10 } as const;
/** Reminders for clocks that count in days go out when offices open. */
const reminderTime = 9 * hour;

/**
 * When a clock ends. A clock in days does not count the day on which it starts.
 * @param start instant; for a clock in days also a Chinese day `YYYY-MM-DD`
 * @throws GatewayError VALIDATION_FAILED: `bad-clock`, `bad-start`; `no-holiday-table` with `year`, when the count comes
 * upon a day of a year for which no arrangement is known
 */
export function dueAt(clock: Clock, start: string): Deadline {
  checkClock(clock);
  if (clock.unit === 'hours') {
    const length = lengthOf(clock);
    return endingAt(startInstant(start) + (clock.direction === 'forward' ? length : -length));
  }
  const first = startDay(start);
  if (clock.direction === 'backward') {
    const day = stepBack(clock.unit, first, clock.amount);
    return endOfDay(clock.rolls && !works(day) ? stepBack('working-days', day, 1) : day);
  }
  return endOfDay(lastDay(clock, first, [])!);
}

/**
 * How a clock stands at `now`. A pause takes its exact time from a clock in hours. From a clock in days it takes every
 * Chinese day that it touches: a day counts only if it lies wholly outside every pause, and the end does not roll into
 * one. A pause without length takes nothing; overlapping pauses take their common time once.
 * @throws GatewayError VALIDATION_FAILED as `dueAt`, `bad-now`, and `bad-pause` (ends before it begins, or over 1000)
 */
export function remaining(clock: ForwardClock, start: string, pauses: readonly Pause[], now: string): Remaining {
  checkClock(clock);
  const at = instant(now, 'bad-now');
  const spans = pauses.map(spanOf);
  if (spans.length > limits.pauses) bad('bad-pause');
  const pausedBy = pauses.filter((_, i) => spans[i]!.from <= at && at < spans[i]!.to);
  const { due, elapsed } =
    clock.unit === 'hours'
      ? hoursAt(lengthOf(clock), startInstant(start), merge(spans), at)
      : daysAt(clock, startDay(start), merge(spans.map(touchedDays)), dayOf(at));
  const overdue = due !== null && at > Date.parse(due.at);
  return { due, elapsed, left: clock.amount - elapsed, overdue, paused: pausedBy.length > 0, pausedBy };
}

/**
 * How long before the end to remind, in the clock's unit; 0 is the last day itself. Hours: half and a quarter of them.
 * Days: the last, from two on also the one before, from sixteen on the tenth and the third before.
 */
export function usualReminders({ unit, amount }: Clock): number[] {
  if (unit === 'hours') return [amount / 2, amount / 4];
  if (amount > 15) return [10, 3, 0];
  return amount > 1 ? [1, 0] : [0];
}

/**
 * Instants at which to remind of an end, in order, each once. For clocks in days 09:00 in China, `before` days of the
 * clock's kind ahead of `due.day`; what would not lie after the start is left out.
 * @param due of this clock and start, from `dueAt` or `remaining`
 * @param before at most ten numbers, 0 to the clock's amount
 * @throws GatewayError VALIDATION_FAILED `bad-reminder`, and as `dueAt`
 */
export function reminderTimes(
  clock: Clock,
  start: string,
  due: Deadline,
  before: readonly number[] = usualReminders(clock),
): string[] {
  checkClock(clock);
  const { amount, direction, unit } = clock;
  const whole = unit !== 'hours';
  const fits = (n: number) => n >= 0 && n <= amount && (!whole || Number.isInteger(n));
  if (before.length > limits.reminders || !before.every(fits)) bad('bad-reminder');
  const end = instant(due.at, 'bad-reminder');
  const times = whole
    ? before
        .map((n) => stepBack(unit, dayOf(end - 1), n))
        .filter((day) => direction === 'backward' || day > startDay(start))
    : before
        .map((n) => end - Math.round(n * hour))
        .filter((at) => direction === 'backward' || at > startInstant(start));
  return [...new Set(times)]
    .sort((a, b) => a - b)
    .map((time) => (whole ? chinaInstant(time * dayLength - chinaOffset + reminderTime) : chinaInstant(time)));
}

// Below, a day is a number: Chinese days since 1970-01-01. An instant is milliseconds.

/** Half-open; `to` is Infinity while a pause lasts. */
interface Span {
  from: number;
  to: number;
}

function hoursAt(length: number, start: number, stops: Span[], now: number) {
  let end: number | null = start + length;
  let ran = Math.max(0, now - start);
  for (const { from, to } of stops) {
    const since = Math.max(from, start);
    if (to <= since) continue;
    ran -= Math.max(0, Math.min(to, now) - since);
    if (end !== null && since < end) end = to === Infinity ? null : end + (to - since);
  }
  return { due: end === null ? null : endingAt(end), elapsed: Math.min(ran, length) / hour };
}

function daysAt(clock: ForwardClock, first: number, stops: Span[], today: number) {
  const last = lastDay(clock, first, stops);
  let elapsed = 0;
  for (const day of countedDays(clock.unit, first, stops)) {
    // Not a day further than the amount: the next one might need a table that nobody has.
    if (day >= today || ++elapsed === clock.amount) break;
  }
  return { due: last === null ? null : endOfDay(last), elapsed };
}

/** Null when a pause that has not ended comes first. */
function lastDay({ amount, rolls, unit }: ForwardClock, first: number, stops: Span[]): number | null {
  let counted = 0;
  for (const day of countedDays(unit, first, stops)) {
    if (++counted < amount) continue;
    if (!rolls || works(day)) return day;
    return countedDays('working-days', day, stops).next().value ?? null;
  }
  return null;
}

/** The days after `first` that count, in order. Ends only at a pause that has not ended. */
function* countedDays(unit: Clock['unit'], first: number, stops: Span[]): Generator<number, undefined> {
  let next = 0;
  for (let day = first + 1; day < Infinity; day++) {
    while (next < stops.length && stops[next]!.to <= day) next++;
    const stop = stops[next];
    // Paused days are jumped over, not looked up: they need no holiday table, however long the pause.
    if (stop && stop.from <= day) day = stop.to - 1;
    else if (unit === 'calendar-days' || works(day)) yield day;
  }
}

function stepBack(unit: Clock['unit'], from: number, count: number): number {
  let day = from;
  for (let left = count; left > 0; ) {
    day--;
    if (unit === 'calendar-days' || works(day)) left--;
  }
  return day;
}

/** In order and apart from each other: what overlaps or touches becomes one. */
function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const before = merged.at(-1);
    if (before && from <= before.to) before.to = Math.max(before.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

function spanOf({ from, to }: Pause): Span {
  const span = { from: instant(from, 'bad-pause'), to: to === null ? Infinity : instant(to, 'bad-pause') };
  if (span.to < span.from) bad('bad-pause');
  return span;
}

function touchedDays({ from, to }: Span): Span {
  const first = dayOf(from);
  return { from: first, to: from === to ? first : dayOf(to - 1) + 1 };
}

function checkClock({ amount, rolls, unit }: Clock): void {
  const fits =
    unit === 'hours'
      ? amount >= 1 / 60 && amount <= limits.hours && !rolls
      : Number.isInteger(amount) && amount >= 1 && amount <= limits.days;
  if (!fits) bad('bad-clock');
}

function lengthOf({ amount }: Clock): number {
  return Math.round(amount * hour);
}

function startInstant(start: string): number {
  return instant(start, 'bad-start');
}

function startDay(start: string): number {
  if (!isRealDate(start)) return dayOf(startInstant(start));
  return dayOf(instant(`${start}T00:00:00+08:00`, 'bad-start'));
}

/** Milliseconds of an instant. UTC+8 holds all year only since 1992, and a count must not leave the four-digit years. */
function instant(text: string, reason: string): number {
  if (!isRealInstant(text) || text < '1992' || text >= '2900') bad(reason);
  return Date.parse(text);
}

function dayOf(at: number): number {
  return Math.floor((at + chinaOffset) / dayLength);
}

function dayText(day: number): string {
  return new Date(day * dayLength).toISOString().slice(0, 10);
}

function works(day: number): boolean {
  return isWorkingDay(dayText(day));
}

function endOfDay(day: number): Deadline {
  return { day: dayText(day), at: chinaInstant((day + 1) * dayLength - chinaOffset) };
}

function endingAt(at: number): Deadline {
  return { day: dayText(dayOf(at)), at: chinaInstant(at) };
}

function chinaInstant(at: number): string {
  return `${new Date(at + chinaOffset).toISOString().slice(0, -1)}+08:00`;
}

function bad(reason: string): never {
  throw new GatewayError('VALIDATION_FAILED', { reason });
}
