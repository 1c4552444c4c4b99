import type { Settled } from '@jieqiao/delivery';

type Waiter = (settled: Settled | null) => void;

const pollMs = 1_000;

/** Lets senders wait for the receipt of what they have just sent. */
export class Settlements {
  private readonly waiters = new Map<string, Set<Waiter>>();
  private poll: NodeJS.Timeout | null = null;

  /** @param settledAmong looks into the database: another process may own the lane, and then nobody calls us */
  constructor(private readonly settledAmong: (transferIds: string[]) => Promise<string[]>) {}

  /**
   * Begins to wait, before the transfer is sent.
   * @returns `settled`: how it ended, or null when the time is up or only the database knows
   */
  expect(transferId: string, waitMs: number): { settled: Promise<Settled | null>; cancel: () => void } {
    let finish: Waiter = () => {};
    const settled = new Promise<Settled | null>((resolve) => {
      const timer = setTimeout(() => finish(null), waitMs);
      finish = (outcome) => {
        clearTimeout(timer);
        this.remove(transferId, finish);
        resolve(outcome);
      };
    });
    const waiting = this.waiters.get(transferId) ?? new Set();
    this.waiters.set(transferId, waiting.add(finish));
    this.poll ??= setTimeout(() => void this.look(), pollMs).unref();
    return { settled, cancel: () => finish(null) };
  }

  /** Called by the lane, after its commit. */
  settled(outcomes: readonly Settled[]): void {
    for (const outcome of outcomes) this.finish(outcome.row.transferId, outcome);
  }

  private finish(transferId: string, outcome: Settled | null): void {
    for (const finish of [...(this.waiters.get(transferId) ?? [])]) finish(outcome);
  }

  /** One question for all who wait, however many. */
  private async look(): Promise<void> {
    try {
      const ids = [...this.waiters.keys()];
      if (ids.length > 0) for (const id of await this.settledAmong(ids)) this.finish(id, null);
    } catch {
      // The database is away; everybody's own time limit still holds.
    }
    this.poll = this.waiters.size > 0 ? setTimeout(() => void this.look(), pollMs).unref() : null;
  }

  private remove(transferId: string, waiter: Waiter): void {
    const waiting = this.waiters.get(transferId);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.waiters.delete(transferId);
  }
}
