import {
  type Clock,
  chinaDay,
  clockInForce,
  type Deadline,
  type ForwardClock,
  remaining,
  type TransferClock,
  transferClocks,
} from '@jieqiao/recognition';
import type { CommandData } from './command-data';
import { type Command, type LifeClockId, lifeClocks, type Side, type Transition } from './lifecycle';

export type ClockOwner = Side | 'both' | 'superior' | 'police';

/**
 * A clock that was started. It holds what happened to it, not how long it is: that stands in the agreement and the law
 * (`transferClocks`), so two nodes whose holiday tables differ still agree on every transfer.
 */
export interface LifeClock {
  id: LifeClockId;
  /** Who must act in time. */
  owner: ClockOwner;
  /** The matter of a request for assistance; null for all other clocks. */
  matter: number | null;
  /** Message or home record that started it. With `id` and `matter` it names the clock. */
  startedBy: string;
  start: string;
  /** Chinese day that was set in writing instead of the clock's length. */
  until: string | null;
  pauses: readonly { from: string; to: string | null; by: Side }[];
  stopped: { at: string; by: Side; command: Command } | null;
}

/** What a row does to clocks, and when. */
export interface Turn {
  row: Transition;
  side: Side;
  at: string;
  data: CommandData;
  by: string;
  /** Matters for which a clock of a request for assistance is started or stopped. */
  matters: readonly number[];
}

/**
 * The clocks after a step: what it stops, then what it starts. Touches only clocks that both sides keep, or only those
 * kept at home.
 */
export function turn(clocks: readonly LifeClock[], which: 'shared' | 'home', step: Turn): LifeClock[] {
  const { row, side, at, by, data, matters } = step;
  const happened = (row.dated === 'filing' ? data.filing?.at : data.happenedAt) ?? at;
  // Whoever acted first owes approvals since the telephone call, not since the message that may have failed once.
  const startOf = (id: LifeClockId) => (id === 'approval-afterwards' ? data.phonedAt : undefined) ?? happened;
  const listed = (ids: readonly LifeClockId[] | undefined) =>
    (ids ?? []).filter((id) => lifeClocks[id].home === (which === 'home'));
  const [stops, pauses, resumes] = [row.stops, row.pauses, row.resumes].map(listed) as LifeClockId[][];
  const concerned = (clock: LifeClock, ids: LifeClockId[] | undefined) =>
    clock.stopped === null &&
    ids?.includes(clock.id) === true &&
    (lifeClocks[clock.id].owner !== 'actor' || clock.owner === side) &&
    (data.matter === undefined || clock.matter === data.matter);
  const turned = clocks.map((clock): LifeClock => {
    if (concerned(clock, stops)) {
      const stop = later(clock.start, happened);
      return { ...ended(clock, stop), stopped: { at: stop, by: side, command: row.command } };
    }
    if (concerned(clock, pauses) && !isPaused(clock)) {
      return { ...clock, pauses: [...clock.pauses, { from: later(clock.start, at), to: null, by: side }] };
    }
    return concerned(clock, resumes) ? ended(clock, at) : clock;
  });
  for (const id of listed(row.starts)) {
    for (const matter of id === 'assist-reply' ? matters : [null]) {
      const owner = lifeClocks[id].owner === 'actor' ? side : (lifeClocks[id].owner as ClockOwner);
      const runs = (clock: LifeClock) => clock.id === id && clock.owner === owner && clock.matter === matter;
      if (turned.some((clock) => runs(clock) && clock.stopped === null)) continue;
      const start = { id, owner, matter, startedBy: by, start: startOf(id), until: data.until ?? null };
      turned.push({ ...start, pauses: [], stopped: null });
    }
  }
  return turned;
}

/** Stops clocks whose matter has gone another way. */
export function stopAll(
  clocks: readonly LifeClock[],
  ids: readonly LifeClockId[],
  stop: NonNullable<LifeClock['stopped']>,
) {
  return clocks.map((clock): LifeClock => {
    if (clock.stopped !== null || !ids.includes(clock.id)) return clock;
    const at = later(clock.start, stop.at);
    return { ...ended(clock, at), stopped: { ...stop, at } };
  });
}

export function clockName({ id, matter, startedBy }: LifeClock): string {
  return `${id} ${matter ?? ''} ${startedBy}`;
}

export function isPaused({ pauses }: LifeClock): boolean {
  return pauses.at(-1)?.to === null;
}

export type ClockChange = {
  id: LifeClockId;
  owner: ClockOwner;
  matter: number | null;
  /** `annulled`: it was started by a command that, in the receiver's order, had no effect. */
  change: 'started' | 'stopped' | 'paused' | 'resumed' | 'annulled';
};

export function clockChanges(before: readonly LifeClock[], after: readonly LifeClock[]): ClockChange[] {
  const known = new Map(before.map((clock) => [clockName(clock), clock]));
  const changes: ClockChange[] = [];
  const tell = ({ id, owner, matter }: LifeClock, change: ClockChange['change']) =>
    changes.push({ id, owner, matter, change });
  for (const clock of after) {
    const old = known.get(clockName(clock));
    known.delete(clockName(clock));
    if (!old) tell(clock, 'started');
    if ((old?.stopped ?? null) === null && clock.stopped !== null) tell(clock, 'stopped');
    // A command that was annulled may have stopped it.
    else if (old && old.stopped !== null && clock.stopped === null) tell(clock, 'started');
    else if (old && isPaused(old) !== isPaused(clock)) tell(clock, isPaused(clock) ? 'paused' : 'resumed');
  }
  for (const clock of known.values()) tell(clock, 'annulled');
  return changes;
}

/** How a clock stands: `due` is null while a pause keeps the end open. */
export interface ClockStanding {
  clock: LifeClock;
  basis: Clock['basis'];
  due: Deadline | null;
  paused: boolean;
  /** In the clock's unit; null where a day was set in writing. */
  left: number | null;
  /** Now, or when it was stopped. */
  overdue: boolean;
}

/**
 * How long a clock is: by law, or by the agreement under which the transfer was sent.
 * @throws GatewayError VALIDATION_FAILED `no-clock-in-force` {clock, day}
 */
export function lengthOf(
  clock: Pick<LifeClock, 'id' | 'start'>,
  urgent: boolean,
  rows: readonly TransferClock[] = transferClocks,
): ForwardClock {
  return clockInForce(clock.id, chinaDay(clock.start), urgent, rows) as ForwardClock;
}

/** @throws GatewayError VALIDATION_FAILED `no-holiday-table` {year} */
export function standingUnder(length: ForwardClock, clock: LifeClock, now: string): ClockStanding {
  const at = clock.stopped?.at ?? now;
  if (clock.until !== null) {
    const due = { day: clock.until, at: `${nextDay(clock.until)}T00:00:00.000+08:00` };
    const overdue = Date.parse(at) > Date.parse(due.at);
    return { clock, basis: length.basis, due, paused: false, left: null, overdue };
  }
  const pauses = clock.pauses.map((pause) => ({ ...pause, basis: length.basis }));
  const { due, left, overdue, paused } = remaining(length, clock.start, pauses, at);
  return { clock, basis: length.basis, due, paused, left, overdue };
}

/** @throws GatewayError as `lengthOf` and `standingUnder` */
export function standingOf(
  clock: LifeClock,
  urgent: boolean,
  now: string,
  rows?: readonly TransferClock[],
): ClockStanding {
  return standingUnder(lengthOf(clock, urgent, rows), clock, now);
}

/** OVERDUE: the clocks that still run and have run out. Each but silence opens a supervision item. */
export function overdueClocks(
  clocks: readonly LifeClock[],
  urgent: boolean,
  now: string,
  rows?: readonly TransferClock[],
): ClockStanding[] {
  return clocks
    .filter(({ stopped }) => stopped === null)
    .map((clock) => standingOf(clock, urgent, now, rows))
    .filter(({ overdue }) => overdue);
}

function ended(clock: LifeClock, at: string): LifeClock {
  const pauses = clock.pauses.map((pause) => (pause.to === null ? { ...pause, to: later(pause.from, at) } : pause));
  return { ...clock, pauses };
}

/** Two nodes' clocks differ by seconds: what ends never ends before it began. */
function later(one: string, other: string): string {
  return one > other ? one : other;
}

const dayLength = 86_400_000;

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + dayLength).toISOString().slice(0, 10);
}
