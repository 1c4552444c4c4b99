import type { Role } from '@jieqiao/access';
import type { ForwardClock } from '@jieqiao/recognition';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ClockOwner, LifeClock } from '../transfer/clocks';
import type { Command, LifeClockId, Side } from '../transfer/lifecycle';

const noneAsZero = {
  to: (value: number | null) => value ?? 0,
  from: (value: number) => (value === 0 ? null : value),
};

/**
 * A clock of a transfer that was ever started, with all that its standing at any time follows from. Times are UTC with
 * milliseconds.
 */
@Entity('clock')
export class ClockRow {
  @PrimaryColumn('varchar')
  id!: string;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('varchar')
  clock!: LifeClockId;

  @Column('int', { transformer: noneAsZero })
  matter!: number | null;

  @Column('varchar', { name: 'started_by' })
  startedBy!: string;

  @Column('varchar')
  owner!: ClockOwner;

  /** This node's own side in the transfer. */
  @Column('varchar')
  side!: Side;

  @Column('varchar', { name: 'started_at' })
  startedAt!: string;

  @Column('varchar', { name: 'until_day', nullable: true })
  untilDay!: string | null;

  @Column('simple-json')
  pauses!: LifeClock['pauses'];

  /** Null: neither law nor agreement has such a clock for the day on which it started. */
  @Column('simple-json', { nullable: true })
  length!: ForwardClock | null;

  /** The last instant that is in time; null while a pause keeps it open, or with `fault`. */
  @Column('varchar', { name: 'due_at', nullable: true })
  dueAt!: string | null;

  /** Why nobody can say when it ends: `no-holiday-table`, `no-clock-in-force`. Looked at again every day. */
  @Column('varchar', { nullable: true })
  fault!: string | null;

  @Column('varchar', { name: 'stopped_at', nullable: true })
  stoppedAt!: string | null;

  /** Null with `stoppedAt`: it was annulled, because the command that had started it crossed. */
  @Column('varchar', { name: 'stopped_by', nullable: true })
  stoppedBy!: Side | null;

  @Column('varchar', { name: 'stopped_with', nullable: true })
  stoppedWith!: Command | null;

  /** It has run out, or had when it was stopped. */
  @Column('boolean')
  overdue!: boolean;

  /** How many times somebody was reminded. */
  @Column('int')
  reminded!: number;

  /** Reminders up to here have been given or left out. */
  @Column('varchar', { name: 'looked_at' })
  lookedAt!: string;

  /** When the scheduler must look again. */
  @Column('varchar', { name: 'next_at', nullable: true })
  nextAt!: string | null;
}

/** A role's people are told that a clock of theirs runs out. */
@Entity('reminder')
export class ReminderRow {
  @PrimaryColumn('varchar')
  id!: string;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('varchar', { name: 'clock_id' })
  clockId!: string;

  @Column('varchar')
  role!: Role;

  @Column('varchar', { name: 'remind_at' })
  remindAt!: string;

  /** Acknowledged, or the clock was stopped. */
  @Column('varchar', { name: 'ended_at', nullable: true })
  endedAt!: string | null;

  @Column('varchar', { name: 'acknowledged_by', nullable: true })
  acknowledgedBy!: string | null;
}

export const supervisionKinds = ['OVERDUE', 'AFTERWARDS', 'REFUSED_MESSAGE'] as const;
export type SupervisionKind = (typeof supervisionKinds)[number];

/** Something for the supervisor: one of a kind for each clock, or for each message that was refused. */
@Entity('supervision_item')
export class SupervisionItemRow {
  @PrimaryColumn('varchar')
  id!: string;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('varchar')
  kind!: SupervisionKind;

  /** Id of the clock's row, or of the message. */
  @Column('varchar')
  subject!: string;

  @Column('varchar', { nullable: true })
  clock!: LifeClockId | null;

  /** Error code of a refusal. */
  @Column('varchar', { nullable: true })
  code!: string | null;

  @Column('varchar')
  state!: 'open' | 'closed';

  @Column('varchar', { name: 'opened_at' })
  openedAt!: string;

  @Column('varchar', { name: 'closed_at', nullable: true })
  closedAt!: string | null;

  /** Whose command stopped the clock. Null without `closerId`: it turned out not to have run out. */
  @Column('varchar', { name: 'closed_by', nullable: true })
  closedBy!: Side | null;

  @Column('varchar', { name: 'closed_with', nullable: true })
  closedWith!: Command | null;

  /** The supervisor who closed it by hand: then it stays closed. */
  @Column('varchar', { name: 'closer_id', nullable: true })
  closerId!: string | null;

  /** What the supervisor said on closing it. Content: never in the log. */
  @Column('varchar', { nullable: true })
  note!: string | null;
}
