import type { Settled } from '@jieqiao/delivery';

type Waiter = (settled: Settled | null) => void;

const pollMs = 500;

/** Lets senders wait for the receipt of what they have just sent. */
export class Settlements {
  private readonly waiters = new Map<string, Set<Waiter>>();

  /** @param isSettled looks into the database: another process may own the lane, and then nobody calls us */
  constructor(private readonly isSettled: (transferId: string) => Promise<boolean>) {}

  /**
   * Begins to wait, before the transfer is sent.
   * @returns `settled`: how it ended, or null when the time is up or only the database knows
   */
  expect(transferId: string, waitMs: number): { settled: Promise<Settled | null>; cancel: () => void } {
    let finish: Waiter = () => {};
    const settled = new Promise<Settled | null>((resolve) => {
      const poll = setInterval(() => void this.isSettled(transferId).then((yes) => yes && finish(null)), pollMs);
      const timer = setTimeout(() => finish(null), waitMs);
      finish = (outcome) => {
        clearTimeout(timer);
        clearInterval(poll);
        this.remove(transferId, finish);
        resolve(outcome);
      };
    });
    const waiting = this.waiters.get(transferId) ?? new Set();
    this.waiters.set(transferId, waiting.add(finish));
    return { settled, cancel: () => finish(null) };
  }

  /** Called by the lane, after its commit. */
  settled(outcomes: readonly Settled[]): void {
    for (const outcome of outcomes) {
      for (const finish of [...(this.waiters.get(outcome.row.transferId) ?? [])]) finish(outcome);
    }
  }

  private remove(transferId: string, waiter: Waiter): void {
    const waiting = this.waiters.get(transferId);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.waiters.delete(transferId);
  }
}
