import {
  type Checkpoint,
  GatewayError,
  leafHash,
  type NoteKey,
  type NoteSigner,
  openCheckpointNote,
  parseNote,
  signCheckpoint,
  TileTree,
} from '@jieqiao/core';
import { type Database, type Lease, step, type Tx } from '@jieqiao/platform';
import * as store from './log-store';

/** Entries per batch: one commit and one checkpoint for all of them. */
export const maxBatch = 512;

/** The log's own keys, as they are now: generations come and go while the sequencer runs. */
export interface LogKeys {
  /** Every one signs each checkpoint; never empty. */
  signers: () => readonly NoteSigner[];
  /** All that ever signed, public halves: the last checkpoint may be by one that signs no more. */
  known: () => readonly NoteKey[];
}

export interface Integrated {
  /** the tree that the checkpoint signs */
  tree: TileTree;
  /** the signed checkpoint, committed */
  note: string;
  entries: { id: number; index: number; entry: Buffer }[];
}

/**
 * Gives pending entries their place in the tree, batch by batch, for the one process that holds the lease.
 *
 * A log must never sign two trees of one size. What guards that: the lease's fencing token (checked and renewed in the
 * same transaction), the comparison of the tree in memory with the checkpoint that this transaction sees, and the
 * unique keys on `log_entry.log_index` and `log_checkpoint.size`. A checkpoint leaves this class only after its commit;
 * a signature made for a transaction that failed is forgotten with its tree.
 */
export class Sequencer {
  /** The stored tree, as far as we know; null when that is in doubt: start-up, lost lease, any failed commit. */
  private tree: TileTree | null = null;

  constructor(
    private readonly db: Database,
    private readonly lease: Lease,
    private readonly keys: LogKeys,
    private readonly now: () => Date,
  ) {}

  /**
   * Integrates what is pending, at most one batch. Null when another process holds the lease.
   * @throws LEASE_LOST, LOG_INCONSISTENT, LOG_SIGNATURE_INVALID (no key of ours signed the stored checkpoint), DATABASE_UNAVAILABLE:
   *   nothing was released, and the next call starts from what the database says
   */
  async integrate(): Promise<Integrated | null> {
    if (!this.lease.held) {
      this.tree = null;
      if (!(await this.lease.acquire())) return null;
    }
    const tree = this.tree ?? (await this.db.read((tx) => this.load(tx)));
    // From here to the end, a failure leaves open what the database holds: even a lost answer to COMMIT may have
    // committed. So the tree in memory is forgotten first, and set again only when the commit is known.
    this.tree = null;
    const result = await this.db.transaction((tx) => this.integrateIn(tx, tree));
    this.tree = result.tree;
    if (result.entries.length > 0) step('log', 'integrate:after-commit');
    return result;
  }

  private async integrateIn(tx: Tx, tree: TileTree): Promise<Integrated> {
    // First statement: it takes the lease's row, so a transaction of ours whose COMMIT went unanswered is over before
    // we look at the log.
    await this.lease.assertHeld(tx);
    const { size, entries: pending } = await store.pendingEntries(tx, maxBatch);
    if (pending.length === 0) return { tree, note: '', entries: [] };
    if (size !== tree.size)
      throw new GatewayError('LOG_INCONSISTENT', { reason: 'log-moved-on', size, known: tree.size });

    // The leaf is hashed from the stored bytes, not taken from a column: an entry altered while it was pending would
    // otherwise never verify.
    const { tree: next, changed } = tree.extend(pending.map(({ entry }) => leafHash(entry)));
    const note = signCheckpoint(next.size, next.root(), this.keys.signers());
    const at = this.now().toISOString();
    await store.assignIndices(
      tx,
      this.db.dialect,
      pending.map(({ id }) => id),
      tree.size,
    );
    await store.saveTiles(tx, changed);
    await store.saveCheckpoint(tx, { size: next.size, note }, at);
    // Crash before the commit: entries are pending still and get their place at the next start, perhaps in other
    // company. Crash after it: whoever waited asks again and gets the proof from the tables.
    step('log', 'integrate:before-commit');
    return { tree: next, note, entries: pending.map((entry, i) => ({ ...entry, index: tree.size + i })) };
  }

  /** Reads the tree back and holds it against the log's own last signature before anything new is signed. */
  private async load(tx: Tx): Promise<TileTree> {
    const stored = await store.latestCheckpoint(tx);
    const integrated = await store.countIntegrated(tx);
    if (integrated !== (stored?.size ?? 0)) {
      throw new GatewayError('LOG_INCONSISTENT', { reason: 'entries-and-checkpoint', integrated, size: stored?.size });
    }
    if (!stored) return TileTree.empty();
    const checkpoint = this.opened(stored.note);
    const tree = await TileTree.load(
      checkpoint.size,
      async (level, index) => (await store.readTile(tx, level, index)) ?? Buffer.alloc(0),
    );
    if (checkpoint.size !== stored.size || !tree.root().equals(checkpoint.root)) {
      throw new GatewayError('LOG_INCONSISTENT', { reason: 'tiles-and-checkpoint', size: stored.size });
    }
    return tree;
  }

  private opened(note: string): Checkpoint {
    const parsed = parseNote(note);
    const signed = (key: NoteKey) => parsed.signatures.some(({ keyId }) => keyId.equals(key.id));
    const key = this.keys.known().find(signed);
    if (!key) throw new GatewayError('LOG_SIGNATURE_INVALID', { reason: 'not-signed-by-the-log' });
    return openCheckpointNote(parsed, key);
  }
}
