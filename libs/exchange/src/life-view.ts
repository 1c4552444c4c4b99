import { type GatewayError, hasCode } from '@jieqiao/core';
import type { TransferClock } from '@jieqiao/recognition';
import { sharedView } from './transfer/apply';
import { type ClockOwner, type LifeClock, standingOf } from './transfer/clocks';
import {
  type BundleVersion,
  type CrossedCommand,
  designationOf,
  filingsOf,
  firstToFile,
  flagsOf,
  ladderOf,
  type MatterState,
  mattersOf,
  proposalOf,
  type SharedRecord,
  stateOf,
  type TransferLife,
  versionsOf,
} from './transfer/life';
import type { Command, LifeState, Side } from './transfer/lifecycle';

/** A clock as people look at it: what it rests on, when it ends, what is left, who stopped or paused it. */
export interface ClockView {
  id: string;
  owner: ClockOwner;
  matter: number | null;
  start: string;
  basis: { law: string; article: string };
  unit: string;
  /** Last day by Chinese time, and the exact end; null while a pause keeps the end open, or where no table tells. */
  due: { day: string; at: string } | null;
  left: number | null;
  paused: boolean;
  overdue: boolean;
  stopped: LifeClock['stopped'];
  /** Why no end can be told, e.g. `no-holiday-table`. */
  problem: string | null;
}

export interface LifeView {
  side: Side;
  state: LifeState;
  flags: ReturnType<typeof flagsOf> & { overdue: boolean };
  records: readonly SharedRecord[];
  crossed: readonly CrossedCommand[];
  /** Own messages of which the other side has not yet said that they were taken. */
  pending: { id: string; command: Command }[];
  /** Steps of this side's own people. */
  home: { command: Command; person: string; role: string; at: string }[];
  clocks: ClockView[];
  versions: BundleVersion[];
  matters: MatterState[];
  filings: ReturnType<typeof filingsOf> & { first: Side | null };
  dispute: {
    level: string | null;
    next: string | null;
    proposals: Record<Side, string | null>;
    designated: string | null;
  };
  /** Commands that whoever asks may give now, as far as role and state say. */
  allowed: Command[];
}

export function lifeViewOf(
  life: TransferLife,
  now: string,
  rows: readonly TransferClock[],
  allowed: Command[],
): LifeView {
  const shared = sharedView(life);
  const clocks = [...shared.clocks, ...life.home.clocks].map((clock) => clockView(clock, life.urgent, now, rows));
  return {
    side: life.side,
    state: stateOf(life.home, shared),
    flags: { ...flagsOf(life, shared), overdue: clocks.some(({ overdue, stopped }) => overdue && stopped === null) },
    records: shared.records,
    crossed: shared.crossed,
    pending: life.pending.map(({ id, command }) => ({ id, command })),
    home: life.home.records.map(({ command, person, role, at }) => ({ command, person, role, at })),
    clocks,
    versions: versionsOf(shared),
    matters: mattersOf(shared),
    filings: { ...filingsOf(shared), first: firstToFile(shared) },
    dispute: {
      ...ladderOf(shared),
      proposals: { sender: proposalOf(shared, 'sender') ?? null, receiver: proposalOf(shared, 'receiver') ?? null },
      designated: designationOf(shared) ?? null,
    },
    allowed,
  };
}

function clockView(clock: LifeClock, urgent: boolean, now: string, rows: readonly TransferClock[]): ClockView {
  const { id, owner, matter, start, stopped } = clock;
  const about = { id, owner, matter, start, stopped };
  const row = rows.find((each) => each.id === id)!;
  const { basis, unit } = row.clock;
  try {
    const { due, left, paused, overdue, ...standing } = standingOf(clock, urgent, now, rows);
    return { ...about, basis: standing.basis, unit, due, left, paused, overdue, problem: null };
  } catch (error) {
    // A year of which nobody knows the holidays yet: shown as open, never guessed.
    if (!hasCode(error, 'VALIDATION_FAILED')) throw error;
    const problem = String((error as GatewayError).params.reason);
    return { ...about, basis, unit, due: null, left: null, paused: false, overdue: false, problem };
  }
}
