import type { Role } from '@jieqiao/access';
import { hasCode } from '@jieqiao/core';
import { chinaDay, daysBetween, type ForwardClock, reminderTimes } from '@jieqiao/recognition';
import { type ClockStanding, type LifeClock, standingUnder } from '../transfer/clocks';
import { type LifeClockId, type Side, transitions } from '../transfer/lifecycle';
import type { ClockRow } from './tables';

/** Who is reminded on the side that has to act; of what others owe, those who can ask them. */
export const remindedRoles: Readonly<Record<LifeClockId, readonly Role[]>> = {
  'squad-opinion': ['squad-lead'],
  'legal-opinion': ['legal-reviewer'],
  // The head approves, and then the seal keeper sends.
  approval: ['head', 'seal-keeper'],
  'approval-afterwards': ['squad-lead', 'legal-reviewer', 'head'],
  delivery: ['seal-keeper'],
  receipt: ['clerk'],
  acceptance: ['handler', 'legal-reviewer'],
  supplement: ['handler'],
  forwarding: ['handler', 'head'],
  negotiation: ['head'],
  designation: ['head'],
  filing: ['handler', 'head'],
  decision: ['handler', 'head'],
  feedback: ['handler', 'head'],
  confirmation: ['handler'],
  'assist-reply': ['handler', 'head'],
  'crime-decision': ['head'],
  'crime-handover': ['handler', 'head'],
  'police-forwarding': ['handler'],
  'police-decision': ['handler'],
  'reconsideration-request': ['head'],
  'reconsideration-answer': ['handler'],
  'supervision-request': ['head'],
  'crime-items-handover': ['handler'],
};

/** The clock at whose end a node itself gives a command: nothing is owed any more, so nobody is late. */
const lapsing = new Map(
  transitions.flatMap(({ after, roles, side }) => (after && roles.includes('node') ? [[after, side] as const] : [])),
);

export function lapses({ clock }: ClockRow): boolean {
  return lapsing.has(clock);
}

/** Whether this node has a command to give at the end of the clock. */
export function nodeActs({ clock, side }: ClockRow): boolean {
  return lapsing.get(clock) === side;
}

export function isRunning({ stoppedAt }: ClockRow): boolean {
  return stoppedAt === null;
}

/** Not the other side's alone. */
function isOurs({ owner, side }: ClockRow): boolean {
  const others: Side = side === 'sender' ? 'receiver' : 'sender';
  return owner !== others;
}

export function lifeClockOf(row: ClockRow): LifeClock {
  const { clock: id, owner, matter, startedBy, startedAt: start, untilDay: until, pauses } = row;
  const stopped =
    row.stoppedAt !== null && row.stoppedBy !== null
      ? { at: row.stoppedAt, by: row.stoppedBy, command: row.stoppedWith! }
      : null;
  return { id, owner, matter, startedBy, start, until, pauses, stopped };
}

/** Why nobody can say when a clock ends; `year`: the one without a table of holidays. */
export interface ClockFault {
  reason: string;
  year?: number;
}

/** A peer names the times from which clocks run: no such time may keep its message, or the scheduler, from going on. */
export function standingOfRow(row: ClockRow, now: string): ClockStanding | ClockFault {
  if (row.length === null) return { reason: 'no-clock-in-force' };
  try {
    return standingUnder(row.length, lifeClockOf(row), row.stoppedAt ?? now);
  } catch (error) {
    return faultOf(error);
  }
}

/** What of a failure is a property of the clock; anything else is thrown on. */
export function faultOf(error: unknown): ClockFault {
  if (!hasCode(error, 'VALIDATION_FAILED')) throw error;
  const { reason, year } = error.params;
  return { reason: String(reason), ...(typeof year === 'number' ? { year } : {}) };
}

/** What a look at a clock finds. */
export interface Look {
  dueAt: string | null;
  fault: string | null;
  overdue: boolean;
  nextAt: string | null;
  /** The time of a reminder that has come. Of several that came while nobody looked, the last. */
  reminder: string | null;
}

const day = 86_400_000;
const minute = 60_000;

/** Pure: the same row and time, the same look. */
export function lookAt(row: ClockRow, now: string): Look {
  const nothing: Look = { dueAt: row.dueAt, fault: null, overdue: false, nextAt: null, reminder: null };
  if (row.stoppedAt !== null && row.stoppedBy === null) return nothing;
  const standing = standingOfRow(row, now);
  if ('reason' in standing) {
    // A new edition of the tables comes with a new version of the program.
    const nextAt = isRunning(row) ? later(now, day) : null;
    return { ...nothing, dueAt: null, fault: standing.reason, nextAt };
  }
  const dueAt = standing.due === null ? null : utc(standing.due.at);
  const look = { ...nothing, dueAt, overdue: standing.overdue };
  if (!isRunning(row) || dueAt === null) return look;
  if (standing.overdue) return { ...look, nextAt: nodeActs(row) ? later(now, retryAfter(dueAt, now)) : null };
  const times = isOurs(row) ? remindersOf(row, standing) : [];
  return {
    ...look,
    reminder: times.findLast((time) => time > row.lookedAt && time <= now) ?? null,
    // What happens at the end is in time.
    nextAt: times.find((time) => time > now) ?? later(dueAt, 1),
  };
}

function remindersOf(row: ClockRow, { due }: ClockStanding): string[] {
  const { startedAt, untilDay } = row;
  const length = untilDay === null ? row.length! : daysUntil(row.length!, startedAt, untilDay);
  try {
    return reminderTimes(length, startedAt, due!).map(utc);
  } catch (error) {
    // The end is certain, but working days before it lie in a pause over a year without a table: it ends unreminded.
    faultOf(error);
    return [];
  }
}

/** A day that was set in writing is reminded of like so many calendar days. */
function daysUntil(length: ForwardClock, start: string, until: string): ForwardClock {
  const amount = Math.min(3650, Math.max(1, daysBetween(chinaDay(start), until)));
  return { ...length, unit: 'calendar-days', rolls: false, amount };
}

/** What the node could not do at once, it tries again: soon at first, in the end every hour. */
function retryAfter(dueAt: string, now: string): number {
  const waited = Date.parse(now) - Date.parse(dueAt);
  return Math.min(60 * minute, Math.max(minute, waited / 4));
}

function utc(instant: string): string {
  return new Date(instant).toISOString();
}

function later(instant: string, ms: number): string {
  return new Date(Date.parse(instant) + Math.round(ms)).toISOString();
}
