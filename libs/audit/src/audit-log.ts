import { encodeLogEntry, formatTlogProof, GatewayError, hasCode, inclusionProof, type LogEvent } from '@jieqiao/core';
import { type Database, Lease, type Logger, step, type Tx } from '@jieqiao/platform';
import * as store from './log-store';
import { type Integrated, type LogKeys, maxBatch, Sequencer } from './sequencer';

/** Rows per INSERT: with entries of 16 KiB still far below any packet limit. */
const maxInsertRows = 128;
const maxEntriesPerRead = 256;

export interface AuditLogOptions {
  node: string;
  /** Ed25519 keys whose common name is the checkpoint's origin line (`logOrigin`) */
  keys: LogKeys;
  /** this process, by a name that survives its restart */
  holder: string;
  logger: Logger;
  now: () => Date;
  random: (bytes: number) => Buffer;
  /** how often to look for entries that other processes appended */
  pollMs?: number;
  leaseTtlMs?: number;
}

/** An entry's proof of inclusion; the bytes of `proof` are the same whenever it is asked for. */
export interface LogReceipt {
  id: number;
  index: number;
  /** `*.tlog-proof`: entry, index, hashes and signed checkpoint; `openReceiptProof` verifies it alone */
  proof: string;
}

interface Waiter {
  missing: Set<number>;
  /** the cycle of the loop during which it came */
  since: number;
  receipts: Map<number, LogReceipt>;
  settle: (error?: unknown) => void;
}

/** Who logs, when, and where the nonces come from. */
export interface LogFrame {
  node: string;
  dialect: Database['dialect'];
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/**
 * Writes events into the log, within the transaction that does what they tell of: if this fails, that fails, and if
 * that rolls back, this was never there. The entries get their place in the tree after the commit.
 * @param at when it happened, where the caller says the same in what it saves
 * @returns the entries' ids, in order
 * @throws LOG_MALFORMED when an event is not in the catalogue's form
 */
export async function appendAuditEvent(
  tx: Tx,
  frame: LogFrame,
  events: LogEvent | LogEvent[],
  at: Date = frame.now(),
): Promise<number[]> {
  const list = Array.isArray(events) ? events : [events];
  const time = at.toISOString();
  const nonces = frame.random(16 * list.length);
  const entries = list.map((event, i) =>
    encodeLogEntry(event, { node: frame.node, time, nonce: nonces.subarray(16 * i, 16 * (i + 1)) }),
  );
  const ids: number[] = [];
  for (let i = 0; i < entries.length; i += maxInsertRows) {
    ids.push(...(await store.insertEntries(tx, frame.dialect, entries.slice(i, i + maxInsertRows), time)));
  }
  if (entries.length > 0) step('log', 'append');
  return ids;
}

/** A node's log: append in a transaction, wait for the place in the tree, prove it for ever. */
export class AuditLog {
  private readonly lease: Lease;
  private readonly sequencer: Sequencer;
  private readonly frame: LogFrame;
  private readonly pollMs: number;
  private readonly waiters = new Set<Waiter>();
  private cycle = 0;
  private awake = false;
  private interrupt: (() => void) | null = null;
  private loop: Promise<void> | null = null;
  private stopping = false;
  private lastFailure: unknown = null;

  constructor(
    private readonly db: Database,
    private readonly options: AuditLogOptions,
  ) {
    const { node, keys, holder, now, random, pollMs = 250, leaseTtlMs = 10_000 } = options;
    this.frame = { node, dialect: db.dialect, now, random };
    this.lease = new Lease(db, 'log.sequencer', holder, leaseTtlMs, now);
    this.sequencer = new Sequencer(db, this.lease, keys, now);
    this.pollMs = pollMs;
  }

  start(): void {
    this.stopping = false;
    this.loop ??= this.run();
  }

  /** Ends after the batch in hand; those who wait get NOT_READY, their entries keep. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.interrupt?.();
    await this.loop;
    this.loop = null;
    for (const waiter of this.waiters) waiter.settle(new GatewayError('NOT_READY', { what: 'log' }));
    await this.lease.release().catch(() => undefined);
  }

  /** Why the log does not grow at the moment, or null: for the readiness probe. */
  get failure(): unknown {
    return this.lastFailure;
  }

  /** `appendAuditEvent` for this node. Call `committed` or `integrated` after the commit. */
  append(tx: Tx, events: LogEvent | LogEvent[], at?: Date): Promise<number[]> {
    return appendAuditEvent(tx, this.frame, events, at);
  }

  /** Says that appended entries are committed, for those who do not wait for their proof. */
  committed(): void {
    this.awake = true;
    this.interrupt?.();
  }

  /**
   * Waits until committed entries are in the tree under a committed checkpoint.
   * @throws NOT_READY when that takes longer than `timeoutMs`; the entries keep, `proofOf` gives the proof later
   */
  integrated(ids: readonly number[], timeoutMs = 10_000): Promise<LogReceipt[]> {
    return new Promise((resolve, reject) => {
      const receipts = new Map<number, LogReceipt>();
      const settle = (error?: unknown) => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        if (error === undefined) resolve(ids.map((id) => receipts.get(id)!));
        else reject(error);
      };
      const timer = setTimeout(() => settle(new GatewayError('NOT_READY', { what: 'log', ms: timeoutMs })), timeoutMs);
      const waiter: Waiter = { missing: new Set(ids), since: this.cycle, receipts, settle };
      if (waiter.missing.size === 0) return settle();
      this.waiters.add(waiter);
      this.committed();
    });
  }

  /**
   * The proof of one entry, always under the first checkpoint that covered it.
   * @throws NOT_FOUND; NOT_READY while the entry waits for its place
   */
  async proofOf(id: number): Promise<LogReceipt> {
    const receipt = (await this.db.read((tx) => this.proofsFromTables(tx, [id]))).get(id);
    if (receipt === undefined) throw new GatewayError('NOT_FOUND', { what: 'log-entry' });
    if (receipt === null) throw new GatewayError('NOT_READY', { what: 'log' });
    return receipt;
  }

  /** The latest signed checkpoint; null while the log is empty. */
  async checkpoint(): Promise<string | null> {
    return (await this.db.read(store.latestCheckpoint))?.note ?? null;
  }

  state(): Promise<store.LogState> {
    return this.db.read(store.logState);
  }

  /** A tile's hashes as far as they are there (tlog-tiles: at most 256 of 32 bytes), or null. */
  tile(level: number, index: number): Promise<Buffer | null> {
    return this.db.read((tx) => store.readTile(tx, level, index));
  }

  /** Entries with indices in [from, to), at most 256. */
  entries(from: number, to: number): Promise<{ index: number; entry: Buffer }[]> {
    const end = Math.min(to, from + maxEntriesPerRead);
    return this.db.read(async (tx) =>
      (await store.entriesByIndex(tx, from, end)).map(({ index, entry }) => ({ index: index!, entry })),
    );
  }

  private async run(): Promise<void> {
    let failures = 0;
    let eagerUntil = 0;
    while (!this.stopping) {
      this.cycle++;
      const called = this.awake;
      this.awake = false;
      let pause = this.now() < eagerUntil ? Math.min(this.pollMs, 20) : this.pollMs;
      try {
        const batch = await this.integrateOnce();
        if (batch?.entries.length === maxBatch) this.awake = true;
        // Entries that nobody here announced: another process is at work, and its people wait for our next look.
        if (!called && batch && batch.entries.length > 0) eagerUntil = this.now() + 1_000;
        if (batch === null && this.waiters.size > 0) pause = Math.min(pause, 20); // another process integrates
        failures = 0;
        this.lastFailure = null;
      } catch (error) {
        // Losing the lease is how another process takes over: no failure.
        if (!hasCode(error, 'LEASE_LOST')) {
          failures++;
          this.lastFailure = error;
          this.options.logger.error({ error, failures }, 'the log could not be extended; trying again');
        }
        this.awake = false;
        pause = Math.min(5_000, 50 * 2 ** Math.min(failures, 7));
      }
      await this.rest(pause, failures > 0);
    }
  }

  private now(): number {
    return this.options.now().getTime();
  }

  /** One batch, if there is one to be had and this process may. */
  private async integrateOnce(): Promise<Integrated | null> {
    const started = this.cycle;
    // Nobody waits: look before opening a transaction, which renews the lease and so costs a disk write.
    if (this.waiters.size === 0 && !(await this.db.read(store.hasPending))) return null;
    const batch = await this.sequencer.integrate();
    if (batch) this.hand(batch);
    if (batch?.entries.length === maxBatch) return batch;
    // Who came before this cycle and is not in its batch was integrated earlier: by a poll, by another process, or in
    // a commit whose answer got lost.
    const left = [...this.waiters].filter((waiter) => waiter.since < started);
    if (left.length > 0) await this.handFromTables(left);
    return batch;
  }

  /** Wakes those who wait for entries of this batch, with proofs made from memory. */
  private hand({ entries, tree, note }: Integrated): void {
    if (entries.length === 0 || this.waiters.size === 0) return;
    const first = entries[0]!.id;
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    for (const waiter of this.waiters) {
      for (const id of waiter.missing) {
        const found = id >= first ? byId.get(id) : undefined;
        if (!found) continue;
        const { index, entry } = found;
        const hashes = tree.recentInclusionProof(index)!;
        this.give(waiter, { id, index, proof: formatTlogProof({ extra: entry, index, hashes, checkpoint: note }) });
      }
    }
  }

  private async handFromTables(waiters: Waiter[]): Promise<void> {
    const ids = [...new Set(waiters.flatMap((waiter) => [...waiter.missing]))];
    for (let i = 0; i < ids.length; i += maxEntriesPerRead) {
      const some = ids.slice(i, i + maxEntriesPerRead);
      const receipts = await this.db.read((tx) => this.proofsFromTables(tx, some));
      for (const waiter of waiters) {
        for (const id of waiter.missing) {
          const receipt = receipts.get(id);
          if (receipt) this.give(waiter, receipt);
        }
      }
    }
  }

  private give(waiter: Waiter, receipt: LogReceipt): void {
    waiter.receipts.set(receipt.id, receipt);
    waiter.missing.delete(receipt.id);
    if (waiter.missing.size === 0) waiter.settle();
  }

  /** Proofs of stored entries by id: null for one that is still pending, none for one that is not there. */
  private async proofsFromTables(tx: Tx, ids: number[]): Promise<Map<number, LogReceipt | null>> {
    const result = new Map<number, LogReceipt | null>();
    const tiles = new Map<string, Buffer>();
    const readTile = async (level: number, index: number) => {
      const key = `${level}/${index}`;
      const tile = tiles.get(key) ?? (await store.readTile(tx, level, index)) ?? Buffer.alloc(0);
      tiles.set(key, tile);
      return tile;
    };
    let checkpoint: store.StoredCheckpoint | null = null;
    let coveredFrom = 0;
    const entries = (await store.entriesById(tx, ids)).sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
    for (const { id, index, entry } of entries) {
      if (index === null) {
        result.set(id, null);
        continue;
      }
      if (!checkpoint || index < coveredFrom || index >= checkpoint.size) {
        checkpoint = await store.checkpointCovering(tx, index);
        coveredFrom = index;
      }
      if (!checkpoint) throw new GatewayError('LOG_INCONSISTENT', { reason: 'no-checkpoint', index });
      const hashes = await inclusionProof(index, checkpoint.size, readTile);
      result.set(id, {
        id,
        index,
        proof: formatTlogProof({ extra: entry, index, hashes, checkpoint: checkpoint.note }),
      });
    }
    return result;
  }

  /** Sleeps until the time is up or somebody has committed; after a failure only the time counts. */
  private rest(ms: number, undisturbed: boolean): Promise<void> {
    if (this.stopping || (this.awake && !undisturbed)) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        if (undisturbed && !this.stopping) return;
        clearTimeout(timer);
        this.interrupt = null;
        resolve();
      };
      const timer = setTimeout(() => {
        this.interrupt = null;
        resolve();
      }, ms);
      this.interrupt = wake;
    });
  }
}
