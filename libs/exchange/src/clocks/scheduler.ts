import type { AuditLog } from '@jieqiao/audit';
import { hasCode } from '@jieqiao/core';
import { type Database, Lease, Pause, step } from '@jieqiao/platform';
import type { LifeClockId } from '../transfer/lifecycle';
import type { Clocks, Fired } from './clocks';
import { ClockRow } from './tables';

export interface SchedulerSettings {
  /** Between two looks at the table. */
  pollMs: number;
  leaseMs: number;
  /** Clocks in one look at most. */
  batch: number;
}

export interface SchedulerContext {
  db: Database;
  audit: AuditLog;
  clocks: Clocks;
  /** This process, by a name that survives its restart. */
  instance: string;
  settings: SchedulerSettings;
  now: () => Date;
  /**
   * A clock has run out at whose end the node itself has a command to give: called after the commit, and again, later
   * and later, until the command has stopped the clock.
   */
  onOverdue: (transferId: string, clock: LifeClockId) => Promise<void>;
  warn: (message: string, details: Record<string, unknown>) => void;
}

/** A clock that can't be looked at is left alone this long, so that the others get their turn. */
const setAsideMs = 300_000;
const maxBackoffMs = 60_000;

/**
 * Sends reminders and finds what is overdue. What is to be done when stands in the table alone, so a restart, or a day
 * without power, loses nothing: whatever has come due meanwhile is looked at once, in its order.
 *
 * Each firing is one transaction: the row, reminders, the supervision item, the log entry. Killed before its commit, the
 * row is still due; after it, it is not. Of several processes the one with the lease fires; whoever has lost it without
 * knowing fails in `assertHeld`, and the row says whether it is still due.
 */
export class Scheduler {
  private readonly lease: Lease;
  /** Rows set aside, and until when. */
  private readonly aside = new Map<string, number>();
  private loop: Promise<void> | null = null;
  private stopping = false;
  private readonly resting = new Pause();

  constructor(private readonly context: SchedulerContext) {
    const { db, instance, now, settings } = context;
    this.lease = new Lease(db, 'scheduler', instance, settings.leaseMs, now);
  }

  start(): void {
    this.stopping = false;
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.resting.end();
    await this.loop;
    this.loop = null;
    await this.lease.release().catch(() => undefined);
  }

  /**
   * One look.
   * @returns whether there may be more that is due
   * @throws GatewayError LEASE_LOST, DATABASE_UNAVAILABLE: nothing is lost
   */
  async tick(): Promise<boolean> {
    const { settings } = this.context;
    const ids = await this.dueIds();
    if (ids.length === 0 || !(await this.lease.acquire())) return false;
    for (const id of ids) {
      if (this.stopping) return false;
      await this.fireOrSetAside(id);
    }
    return ids.length === settings.batch;
  }

  private dueIds(): Promise<string[]> {
    const { db, now, settings } = this.context;
    for (const [id, until] of this.aside) if (until <= now().getTime()) this.aside.delete(id);
    return db.read(async (tx) => {
      const rows = await tx
        .createQueryBuilder(ClockRow, 'c')
        .select(['c.id'])
        .where('c.nextAt <= :now', { now: now().toISOString() })
        .orderBy('c.nextAt')
        .addOrderBy('c.id')
        .limit(settings.batch + this.aside.size)
        .getMany();
      return rows
        .map(({ id }) => id)
        .filter((id) => !this.aside.has(id))
        .slice(0, settings.batch);
    });
  }

  private async fireOrSetAside(id: string): Promise<void> {
    const { now, warn } = this.context;
    try {
      const fired = await this.fire(id);
      if (fired?.nodeActs) await this.askNode(fired);
    } catch (error) {
      if (hasCode(error, 'LEASE_LOST', 'DATABASE_UNAVAILABLE')) throw error;
      this.aside.set(id, now().getTime() + setAsideMs);
      warn('clock-set-aside', { clock: id, error });
    }
  }

  /** The row says already when to ask again. */
  private async askNode({ clock, transferId }: Fired): Promise<void> {
    const { onOverdue, warn } = this.context;
    await onOverdue(transferId, clock).catch((error: unknown) =>
      warn('clock-not-acted-on', { transferId, clock, error }),
    );
  }

  private async fire(id: string): Promise<Fired | null> {
    const { audit, clocks, db, now } = this.context;
    const fired = await db.transaction(async (tx) => {
      await this.lease.assertHeld(tx);
      const done = await clocks.fire(tx, id, now().toISOString());
      step('schedule', 'before-commit');
      return done;
    });
    step('schedule', 'after-commit');
    audit.committed();
    return fired;
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopping) {
      let more = false;
      try {
        more = await this.tick();
        failures = 0;
      } catch (error) {
        failures++;
        // Losing the lease is how another process takes over.
        if (!hasCode(error, 'LEASE_LOST')) this.context.warn('scheduler-waits', { failures, error });
      }
      const { pollMs } = this.context.settings;
      if (!more) await this.pause(Math.min(Math.max(pollMs, maxBackoffMs), pollMs * 2 ** Math.min(failures, 10)));
    }
  }

  private async pause(ms: number): Promise<void> {
    if (this.stopping) return;
    await this.resting.wait(ms);
  }
}
