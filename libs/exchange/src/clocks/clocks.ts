import { isDeepStrictEqual } from 'node:util';
import type { AuditLog } from '@jieqiao/audit';
import { type LogEvent, uuidv7 } from '@jieqiao/core';
import { type Database, insertRows, lockForUpdate, type Tx, updateRows } from '@jieqiao/platform';
import type { ForwardClock, TransferClock } from '@jieqiao/recognition';
import { In, IsNull } from 'typeorm';
import { sharedView } from '../transfer/apply';
import { clockName, type LifeClock, lengthOf } from '../transfer/clocks';
import type { TransferLife } from '../transfer/life';
import { faultOf, isRunning, lapses, lifeClockOf, lookAt, nodeActs, remindedRoles } from './standing';
import { ClockRow, ReminderRow, SupervisionItemRow, type SupervisionKind } from './tables';

interface ClockWrites {
  added: ClockRow[];
  changed: ClockRow[];
}

export interface ClocksContext {
  db: Database;
  audit: AuditLog;
  random: (bytes: number) => Buffer;
}

/** A firing of the scheduler. */
export interface Fired {
  transferId: string;
  clock: ClockRow['clock'];
  /** The clock has run out, and the node has a command to give. */
  nodeActs: boolean;
}

/**
 * The clocks of this node's transfers as rows: brought up to date by every command and message, looked at again by the
 * scheduler when time has passed. Both do the same to a row, in one transaction with what follows from it, so it does
 * not matter which of them comes first, and neither does anything twice.
 */
export class Clocks {
  constructor(private readonly context: ClocksContext) {}

  /**
   * Brings the rows to what this side's replicas say. To be called in the transaction that stores the lives.
   * @param clockRows the clocks under a transfer's agreement; absent: those of law and proposal
   * @param now ISO-8601 UTC with milliseconds
   */
  async sync(
    tx: Tx,
    replicas: readonly { life: TransferLife; clockRows?: readonly TransferClock[] }[],
    now: string,
  ): Promise<void> {
    if (replicas.length === 0) return;
    const found = await tx.find(ClockRow, {
      where: { transferId: In([...new Set(replicas.map(({ life }) => life.transfer))]) },
      ...lockForUpdate(this.context.db.dialect),
    });
    const known = new Map(found.map((row) => [nameOf(row), row]));
    const writes: ClockWrites = { added: [], changed: [] };
    for (const { life, clockRows } of replicas) {
      for (const clock of [...sharedView(life).clocks, ...life.home.clocks]) {
        const name = `${life.transfer} ${clockName(clock)}`;
        const row = known.get(name) ?? null;
        known.delete(name);
        const said = saidOf(clock, lengthOrNull(clock, life.urgent, clockRows));
        await this.turn(tx, row, row ? { ...row, ...said } : this.newRow(life, clock, said, now), now, writes);
      }
    }
    for (const row of known.values()) {
      if (!isRunning(row) && row.stoppedBy === null) continue;
      await this.turn(tx, row, { ...row, stoppedAt: now, stoppedBy: null, stoppedWith: null }, now, writes);
    }
    await this.store(tx, writes);
  }

  /** Looks at one clock whose time has come; null: somebody else has since. */
  async fire(tx: Tx, id: string, now: string): Promise<Fired | null> {
    const row = await tx.findOne(ClockRow, { where: { id }, ...lockForUpdate(this.context.db.dialect) });
    if (row === null || row.nextAt === null || row.nextAt > now) return null;
    const writes: ClockWrites = { added: [], changed: [] };
    const turned = await this.turn(tx, row, { ...row }, now, writes);
    await this.store(tx, writes);
    const { transferId, clock } = turned;
    return { transferId, clock, nodeActs: turned.overdue && isRunning(turned) && nodeActs(turned) };
  }

  /** Puts a message that one of the two nodes refused for good before the supervisor; once for each message. */
  async reportRefused(
    tx: Tx,
    refused: { transfer: string; message: string; code: string; now: string },
  ): Promise<void> {
    const { transfer: transferId, message: subject, code, now } = refused;
    const kind: SupervisionKind = 'REFUSED_MESSAGE';
    if (await tx.existsBy(SupervisionItemRow, { subject, kind })) return;
    await this.insertItem(tx, { transferId, kind, subject, code }, now);
  }

  /** Stores what a clock has become, with all that follows from it. */
  private async turn(
    tx: Tx,
    before: ClockRow | null,
    row: ClockRow,
    now: string,
    writes: ClockWrites,
  ): Promise<ClockRow> {
    const { reminder, ...look } = lookAt(row, now);
    const lookedAt = row.lookedAt > now ? row.lookedAt : now;
    const turned = { ...row, ...look, lookedAt, reminded: row.reminded + (reminder === null ? 0 : 1) };
    if (before === null) writes.added.push(turned);
    // A look that found nothing new is not worth a write.
    else if (!isDeepStrictEqual({ ...before, lookedAt }, turned)) writes.changed.push(turned);
    const events: LogEvent[] = [];
    const subject = { clock: row.clock, matter: row.matter, owner: row.owner, transfer: row.transferId };
    if (reminder !== null) {
      await this.remind(tx, turned, reminder, now);
      events.push({ event: 'clock.reminded', subject });
    }
    if (turned.overdue && !before?.overdue) events.push({ event: 'clock.overdue', subject });
    if (events.length > 0) await this.context.audit.append(tx, events);
    if (before && before.reminded > 0 && isRunning(before) && !isRunning(turned)) {
      await tx.update(ReminderRow, { clockId: row.id, endedAt: IsNull() }, { endedAt: now });
    }
    for (const kind of ['OVERDUE', 'AFTERWARDS'] as const) {
      const state = itemState(kind, turned);
      if (state !== (before && itemState(kind, before))) await this.setItem(tx, kind, state, turned, now);
    }
    return turned;
  }

  /** Most commands of a batch start and stop the same clocks: two statements for all of them. */
  private async store(tx: Tx, { added, changed }: ClockWrites): Promise<void> {
    await insertRows(tx, ClockRow, added);
    await updateRows(
      tx,
      'clock',
      'id',
      changed.map((row) => ({
        id: row.id,
        owner: row.owner,
        started_at: row.startedAt,
        until_day: row.untilDay,
        pauses: JSON.stringify(row.pauses),
        length: row.length && JSON.stringify(row.length),
        due_at: row.dueAt,
        fault: row.fault,
        stopped_at: row.stoppedAt,
        stopped_by: row.stoppedBy,
        stopped_with: row.stoppedWith,
        overdue: row.overdue ? 1 : 0,
        reminded: row.reminded,
        looked_at: row.lookedAt,
        next_at: row.nextAt,
      })),
    );
  }

  private async remind(tx: Tx, { id, clock, transferId }: ClockRow, remindAt: string, now: string): Promise<void> {
    const rows = remindedRoles[clock].map((role): ReminderRow => {
      return { id: this.newId(now), transferId, clockId: id, role, remindAt, endedAt: null, acknowledgedBy: null };
    });
    await insertRows(tx, ReminderRow, rows);
  }

  private async setItem(
    tx: Tx,
    kind: SupervisionKind,
    state: 'open' | 'closed' | null,
    { id: subject, clock, transferId, stoppedBy, stoppedWith }: ClockRow,
    now: string,
  ): Promise<void> {
    const closing = { state: 'closed', closedAt: now, closedBy: stoppedBy, closedWith: stoppedWith } as const;
    const item = await tx.findOne(SupervisionItemRow, {
      where: { subject, kind },
      ...lockForUpdate(this.context.db.dialect),
    });
    if (item === null) {
      if (state === null) return;
      await this.insertItem(tx, { transferId, kind, subject, clock, ...(state === 'closed' ? closing : {}) }, now);
    } else if (state === 'open') {
      // What stopped the clock did not count after all. What a person closed stays closed.
      if (item.closerId !== null) return;
      const reopened = { state: 'open', closedAt: null, closedBy: null, closedWith: null } as const;
      await tx.update(SupervisionItemRow, { id: item.id }, reopened);
    } else if (item.state === 'open') await tx.update(SupervisionItemRow, { id: item.id }, closing);
  }

  private async insertItem(
    tx: Tx,
    item: Pick<SupervisionItemRow, 'transferId' | 'kind' | 'subject'> & Partial<SupervisionItemRow>,
    now: string,
  ): Promise<void> {
    const open = { clock: null, code: null, closedAt: null, closedBy: null, closedWith: null, closerId: null };
    const row: SupervisionItemRow = { ...open, state: 'open', note: null, ...item, id: this.newId(now), openedAt: now };
    await insertRows(tx, SupervisionItemRow, [row]);
  }

  private newRow(life: TransferLife, clock: LifeClock, said: ReturnType<typeof saidOf>, now: string): ClockRow {
    const { id, matter, startedBy } = clock;
    return {
      ...{ id: this.newId(now), transferId: life.transfer, clock: id, matter, startedBy, side: life.side, ...said },
      // Whoever started it knows of it: reminders from before are left out.
      ...{ dueAt: null, fault: null, overdue: false, reminded: 0, lookedAt: now, nextAt: null },
    };
  }

  private newId(now: string): string {
    return uuidv7(Date.parse(now), this.context.random(10));
  }
}

const nameOf = (row: ClockRow): string => `${row.transferId} ${clockName(lifeClockOf(row))}`;

/** What the life says of a clock, apart from its name. */
function saidOf({ owner, pauses, start, stopped, until }: LifeClock, length: ForwardClock | null) {
  return {
    ...{ owner, startedAt: start, untilDay: until, pauses, length },
    ...{ stoppedAt: stopped?.at ?? null, stoppedBy: stopped?.by ?? null, stoppedWith: stopped?.command ?? null },
  };
}

function lengthOrNull(clock: LifeClock, urgent: boolean, rows?: readonly TransferClock[]): ForwardClock | null {
  try {
    return lengthOf(clock, urgent, rows);
  } catch (error) {
    faultOf(error);
    return null;
  }
}

/** Whether a clock has an item of this kind, and in which state. */
function itemState(kind: 'OVERDUE' | 'AFTERWARDS', row: ClockRow): 'open' | 'closed' | null {
  const has =
    kind === 'OVERDUE' ? row.overdue && !lapses(row) : row.clock === 'approval-afterwards' && row.owner === row.side;
  if (!has) return null;
  return isRunning(row) ? 'open' : 'closed';
}
