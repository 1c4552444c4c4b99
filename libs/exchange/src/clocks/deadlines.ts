import { type Person, type Role, requirePermission } from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import { GatewayError } from '@jieqiao/core';
import { type Database, lockForUpdate, newestFirst, type PageFilter, type Tx } from '@jieqiao/platform';
import type { Clock } from '@jieqiao/recognition';
import { In, IsNull } from 'typeorm';
import { type ClockOwner, isPaused } from '../transfer/clocks';
import type { Command, LifeClockId, Side } from '../transfer/lifecycle';
import { type ClockFault, isRunning, lifeClockOf, standingOfRow } from './standing';
import { ClockRow, ReminderRow, SupervisionItemRow, type SupervisionKind } from './tables';

/** A clock as people see it. Instants are ISO-8601 UTC with milliseconds. */
export interface DeadlineView {
  id: string;
  transfer: string;
  clock: LifeClockId;
  /** Of a request for assistance. */
  matter: number | null;
  /** Who must act in time. */
  owner: ClockOwner;
  /** This node's own side. */
  side: Side;
  /** Null with `fault` `no-clock-in-force`. */
  length: Pick<Clock, 'unit' | 'amount' | 'rolls'> | null;
  basis: Clock['basis'] | null;
  startedAt: string;
  /** The Chinese day at whose 24:00 it ends, or in which it ends; and the last instant in time. Null: nobody can say. */
  due: { day: string; at: string } | null;
  /** In the unit of `length`; null where nobody can say, or where a day was set in writing. */
  left: number | null;
  overdue: boolean;
  paused: { since: string; by: Side } | null;
  /** `by` null: annulled, because the command that had started it had no effect. */
  stopped: { at: string; by: Side | null; command: Command | null } | null;
  /** Why nobody can say when it ends. */
  fault: ClockFault | null;
}

/** Where a list goes on: after the clock with this end (null: after all that have one) and this id. */
export interface DeadlineCursor {
  dueAt: string | null;
  id: string;
}

export interface DeadlineFilter {
  overdue?: boolean;
  /** Ends before this instant. */
  before?: string;
  limit: number;
  after?: DeadlineCursor;
}

export interface SupervisionItemView {
  id: string;
  transfer: string;
  kind: SupervisionKind;
  /** Null for a refused message. */
  clock: DeadlineView | null;
  /** Of a refused message: its id, and the error code. */
  message: string | null;
  code: string | null;
  openedAt: string;
  /** By the command of a side, or by a person; by neither: the clock turned out not to have run out. */
  closed: { at: string; by: Side | null; command: Command | null; person: string | null; note: string | null } | null;
}

export interface ReminderView {
  id: string;
  role: Role;
  at: string;
  clock: DeadlineView;
  /** `person` null: the clock was stopped. */
  ended: { at: string; person: string | null } | null;
}

/** Newest first; ids sort by time, and the page holds what came before this one. */
export interface DeadlinesContext {
  db: Database;
  audit: AuditLog;
  now: () => Date;
}

/** What people see of clocks, and do about them. Each use case begins with the check of the person. */
export class Deadlines {
  constructor(private readonly context: DeadlinesContext) {}

  /** Clocks that run, the first to end first; those of which nobody can say when they end come last. */
  async list(
    person: Person,
    { after, before, limit, overdue }: DeadlineFilter,
  ): Promise<{ items: DeadlineView[]; next: DeadlineCursor | null }> {
    requirePermission(person, 'clock.list');
    const now = this.now();
    const rows = await this.context.db.read(async (tx) => {
      const running = (rest: number) =>
        tx.createQueryBuilder(ClockRow, 'c').where('c.stoppedAt IS NULL').addOrderBy('c.id').limit(rest);
      const dated = running(limit + 1)
        .orderBy('c.dueAt')
        .addOrderBy('c.id')
        .andWhere('c.dueAt IS NOT NULL');
      if (overdue === true) dated.andWhere('c.dueAt < :now', { now });
      if (overdue === false) dated.andWhere('c.dueAt >= :now', { now });
      if (before !== undefined) dated.andWhere('c.dueAt < :before', { before });
      if (after) dated.andWhere('c.dueAt >= :dueAt AND (c.dueAt > :dueAt OR c.id > :id)', after);
      const first = after?.dueAt === null ? [] : await dated.getMany();
      if (first.length > limit || overdue === true || before !== undefined) return first;
      const undated = running(limit + 1 - first.length).andWhere('c.dueAt IS NULL');
      if (after?.dueAt === null) undated.andWhere('c.id > :id', { id: after.id });
      return [...first, ...(await undated.getMany())];
    });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next = rows.length > limit && last ? { dueAt: last.dueAt, id: last.id } : null;
    return { items: page.map((row) => deadlineOf(row, now)), next };
  }

  /** All clocks of a transfer, also those that were stopped, in the order in which they were started. */
  async ofTransfer(tx: Tx, transferId: string): Promise<DeadlineView[]> {
    const rows = await tx.find(ClockRow, { where: { transferId }, order: { startedAt: 'ASC', id: 'ASC' } });
    const now = this.now();
    return rows.map((row) => deadlineOf(row, now));
  }

  async supervisionItems(
    person: Person,
    { state, ...page }: PageFilter & { state: SupervisionItemRow['state'] },
  ): Promise<{ items: SupervisionItemView[]; nextBefore: string | null }> {
    requirePermission(person, 'supervision.list');
    return this.context.db.read(async (tx) => {
      const query = tx.createQueryBuilder(SupervisionItemRow, 'i').where('i.state = :state', { state });
      const { rows, nextBefore } = await newestFirst(query, page);
      const clocks = await this.clocksOf(
        tx,
        rows.map(({ subject }) => subject),
      );
      return { items: rows.map((row) => itemOf(row, clocks)), nextBefore };
    });
  }

  /**
   * @param note what was done about it; stays in the table
   * @throws GatewayError NOT_FOUND, WRONG_STATE {state}
   */
  async closeSupervisionItem(person: Person, id: string, note: string): Promise<SupervisionItemView> {
    requirePermission(person, 'supervision.close');
    const { audit, db } = this.context;
    const closed = await db.transaction(async (tx) => {
      const item = await tx.findOne(SupervisionItemRow, { where: { id }, ...lockForUpdate(db.dialect) });
      if (item === null) throw new GatewayError('NOT_FOUND', { what: 'supervision-item' });
      if (item.state === 'closed') throw new GatewayError('WRONG_STATE', { state: item.state });
      const change = { state: 'closed', closedAt: this.now(), closerId: person.id, note } as const;
      await tx.update(SupervisionItemRow, { id }, change);
      const subject = { item: id, person: person.id, transfer: item.transferId };
      await audit.append(tx, { event: 'supervision.closed', subject });
      return itemOf({ ...item, ...change }, await this.clocksOf(tx, [item.subject]));
    });
    audit.committed();
    return closed;
  }

  /** What the person's roles are reminded of and nobody has acknowledged, of clocks that still run. */
  async reminders(person: Person, page: PageFilter): Promise<{ items: ReminderView[]; nextBefore: string | null }> {
    requirePermission(person, 'reminder.list');
    return this.context.db.read(async (tx) => {
      const query = tx
        .createQueryBuilder(ReminderRow, 'r')
        .where('r.endedAt IS NULL AND r.role IN (:...roles)', { roles: person.roles });
      const { rows, nextBefore } = await newestFirst(query, page);
      const clocks = await this.clocksOf(
        tx,
        rows.map(({ clockId }) => clockId),
      );
      return { items: rows.map((row) => reminderOf(row, clocks)), nextBefore };
    });
  }

  /**
   * Done again, or after the clock was stopped, it changes nothing.
   * @throws GatewayError NOT_FOUND; FORBIDDEN for a reminder of a role that the person does not have
   */
  async acknowledge(person: Person, id: string): Promise<ReminderView> {
    requirePermission(person, 'reminder.acknowledge');
    return this.context.db.transaction(async (tx) => {
      const row = await tx.findOneBy(ReminderRow, { id });
      if (row === null) throw new GatewayError('NOT_FOUND', { what: 'reminder' });
      if (!person.roles.includes(row.role)) throw new GatewayError('FORBIDDEN', { permission: 'reminder.acknowledge' });
      const change = { endedAt: this.now(), acknowledgedBy: person.id };
      const { affected } = await tx.update(ReminderRow, { id, endedAt: IsNull() }, change);
      const clocks = await this.clocksOf(tx, [row.clockId]);
      if (affected === 1) return reminderOf({ ...row, ...change }, clocks);
      return reminderOf((await tx.findOneBy(ReminderRow, { id }))!, clocks);
    });
  }

  private async clocksOf(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, DeadlineView>> {
    const rows = ids.length === 0 ? [] : await tx.findBy(ClockRow, { id: In([...ids]) });
    const now = this.now();
    return new Map(rows.map((row) => [row.id, deadlineOf(row, now)]));
  }

  private now(): string {
    return this.context.now().toISOString();
  }
}

function deadlineOf(row: ClockRow, now: string): DeadlineView {
  const clock = lifeClockOf(row);
  const standing = standingOfRow(row, now);
  const known = 'reason' in standing ? null : standing;
  const annulled = !isRunning(row) && row.stoppedBy === null;
  const pause = isPaused(clock) ? clock.pauses.at(-1)! : null;
  return {
    id: row.id,
    transfer: row.transferId,
    clock: row.clock,
    matter: row.matter,
    owner: row.owner,
    side: row.side,
    length: row.length && { unit: row.length.unit, amount: row.length.amount, rolls: row.length.rolls },
    basis: row.length?.basis ?? null,
    startedAt: row.startedAt,
    due: known?.due ? { day: known.due.day, at: new Date(known.due.at).toISOString() } : null,
    left: known?.left ?? null,
    overdue: !annulled && (known?.overdue ?? false),
    paused: pause && { since: pause.from, by: pause.by },
    stopped: row.stoppedAt === null ? null : { at: row.stoppedAt, by: row.stoppedBy, command: row.stoppedWith },
    fault: 'reason' in standing ? standing : null,
  };
}

function itemOf(row: SupervisionItemRow, clocks: ReadonlyMap<string, DeadlineView>): SupervisionItemView {
  const { closedAt, closedBy, closedWith, closerId, note } = row;
  return {
    id: row.id,
    transfer: row.transferId,
    kind: row.kind,
    clock: clocks.get(row.subject) ?? null,
    message: row.kind === 'REFUSED_MESSAGE' ? row.subject : null,
    code: row.code,
    openedAt: row.openedAt,
    closed: closedAt === null ? null : { at: closedAt, by: closedBy, command: closedWith, person: closerId, note },
  };
}

function reminderOf(row: ReminderRow, clocks: ReadonlyMap<string, DeadlineView>): ReminderView {
  return {
    id: row.id,
    role: row.role,
    at: row.remindAt,
    clock: clocks.get(row.clockId)!,
    ended: row.endedAt === null ? null : { at: row.endedAt, person: row.acknowledgedBy },
  };
}
