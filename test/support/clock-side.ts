import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { AuditLog } from '@jieqiao/audit';
import { type LogEntry, logOrigin, noteSigner, parseLogEntry } from '@jieqiao/core';
import { ClockRow, Clocks, Deadlines, ReminderRow, Scheduler, SupervisionItemRow } from '@jieqiao/exchange';
import { createLogger, type Database } from '@jieqiao/platform';
import type { TransferClock } from '@jieqiao/recognition';
import type { TransferLife } from '../../libs/exchange/src/transfer/life';
import type { LifeClockId } from '../../libs/exchange/src/transfer/lifecycle';
import { bytesOf, rowsOf } from './exchange-fixture';

const node = 'jinshan.310116';

/** A log to append to; nobody integrates its entries. */
export function pendingLog(db: Database, now: () => Date): AuditLog {
  const signer = noteSigner(logOrigin(node), generateKeyPairSync('ed25519').privateKey);
  const keys = { signers: () => [signer], known: () => [signer.key] };
  return new AuditLog(db, { node, keys, holder: node, logger: createLogger('silent', node), now, random: randomBytes });
}

export async function loggedEvents<E extends LogEntry['event']>(
  db: Database,
  event: E,
): Promise<Extract<LogEntry, { event: E }>['subject'][]> {
  const entries = (await rowsOf(db, 'SELECT entry FROM log_entry ORDER BY id')).map(({ entry }) =>
    parseLogEntry(bytesOf(entry)),
  );
  return entries.flatMap((entry) => (entry.event === event ? [entry.subject] : [])) as never;
}

/** The clocks of one node, at a time that the test sets. */
export class ClockSide {
  now: string;
  readonly audit: AuditLog;
  readonly clocks: Clocks;
  readonly deadlines: Deadlines;
  readonly warnings: Record<string, unknown>[] = [];
  /** What the scheduler asked the node to do. */
  readonly asked: [transfer: string, clock: LifeClockId][] = [];
  /** What the node does then. */
  onOverdue: (transfer: string, clock: LifeClockId) => Promise<void> = async () => undefined;

  constructor(
    readonly db: Database,
    at: string,
  ) {
    this.now = at;
    const now = () => new Date(this.now);
    this.audit = pendingLog(db, now);
    this.clocks = new Clocks({ db, audit: this.audit, random: randomBytes });
    this.deadlines = new Deadlines({ db, audit: this.audit, now });
  }

  sync(life: TransferLife, clockRows?: readonly TransferClock[]): Promise<void> {
    return this.db.transaction((tx) => this.clocks.sync(tx, [{ life, clockRows }], this.now));
  }

  scheduler(instance = 'one', { batch = 100, leaseMs = 30_000, clocks = this.clocks, db = this.db } = {}): Scheduler {
    return new Scheduler({
      ...{ db, audit: this.audit, clocks, instance, settings: { pollMs: 10, leaseMs, batch } },
      now: () => new Date(this.now),
      onOverdue: async (transfer, clock) => {
        this.asked.push([transfer, clock]);
        await this.onOverdue(transfer, clock);
      },
      warn: (_, details) => void this.warnings.push(details),
    });
  }

  rows(transferId: string): Promise<ClockRow[]> {
    return this.db.read((tx) => tx.find(ClockRow, { where: { transferId }, order: { startedAt: 'ASC', id: 'ASC' } }));
  }

  reminders(transferId: string): Promise<ReminderRow[]> {
    return this.db.read((tx) =>
      tx.find(ReminderRow, { where: { transferId }, order: { remindAt: 'ASC', role: 'ASC' } }),
    );
  }

  items(transferId: string): Promise<SupervisionItemRow[]> {
    return this.db.read((tx) => tx.find(SupervisionItemRow, { where: { transferId }, order: { id: 'ASC' } }));
  }
}
