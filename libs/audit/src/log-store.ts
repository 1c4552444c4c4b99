import { type ChangedTile, GatewayError, leafHash } from '@jieqiao/core';
import type { Database, Tx } from '@jieqiao/platform';

/**
 * The log's three tables. SQL by hand: these few statements run for every batch of everything that a node does.
 * `log_entry` gets a row in the business transaction, its index when it is integrated, and is never changed again.
 */

export interface StoredEntry {
  id: number;
  /** null until the sequencer has given the entry its place */
  index: number | null;
  entry: Buffer;
}

export interface StoredCheckpoint {
  size: number;
  note: string;
}

type Dialect = Database['dialect'];
type Row = Record<string, unknown>;

/** MySQL gives BLOBs as Buffers, libsql as ArrayBuffers. */
const bytes = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : Buffer.from(value as ArrayBuffer));
const number = (value: unknown): number => Number(value);

const marks = (count: number, group: string) => Array.from({ length: count }, () => group).join(', ');

async function affectedBy(tx: Tx, sql: string, parameters: unknown[]): Promise<{ affected: number; raw: unknown }> {
  const result = await tx.queryRunner!.query(sql, parameters, true);
  return { affected: result.affected ?? 0, raw: result.raw };
}

/** One INSERT for all; the ids in the order of the entries. */
export async function insertEntries(tx: Tx, dialect: Dialect, entries: Buffer[], at: string): Promise<number[]> {
  const leaves = entries.map(leafHash);
  const sql = `INSERT INTO log_entry (entry, leaf_hash, created_at) VALUES ${marks(entries.length, '(?, ?, ?)')}`;
  const { raw } = await affectedBy(
    tx,
    sql,
    entries.flatMap((entry, i) => [entry, leaves[i], at]),
  );
  if (dialect === 'sqlite') {
    // One writer, so the ids of one statement are consecutive and the last one is what the driver reports.
    const first = Number(raw) - entries.length + 1;
    return entries.map((_, i) => first + i);
  }
  const first = number((raw as { insertId: unknown }).insertId);
  if (entries.length === 1) return [first];
  // A cluster (Galera, Group Replication) hands ids out in steps that change with its members: look, don't count.
  const rows: Row[] = await tx.query('SELECT id, leaf_hash FROM log_entry WHERE id >= ? AND leaf_hash IN (?)', [
    first,
    leaves,
  ]);
  const ids = new Map(rows.map((row) => [bytes(row.leaf_hash).toString('hex'), number(row.id)]));
  return leaves.map((leaf) => ids.get(leaf.toString('hex'))!);
}

export async function hasPending(tx: Tx): Promise<boolean> {
  return ((await tx.query('SELECT id FROM log_entry WHERE log_index IS NULL LIMIT 1')) as Row[]).length > 0;
}

/** Entries without a place, oldest first, and the size of the latest checkpoint as this transaction sees it. */
export async function pendingEntries(
  tx: Tx,
  limit: number,
): Promise<{ size: number; entries: { id: number; entry: Buffer }[] }> {
  const rows: Row[] = await tx.query(
    `SELECT id, entry, (SELECT MAX(size) FROM log_checkpoint) AS size
       FROM log_entry WHERE log_index IS NULL ORDER BY id LIMIT ${limit}`,
  );
  return {
    size: number(rows[0]?.size ?? 0),
    entries: rows.map((row) => ({ id: number(row.id), entry: bytes(row.entry) })),
  };
}

/** Gives the entries `ids` (ascending, all pending) the indices from `first` on, in one statement. */
export async function assignIndices(tx: Tx, dialect: Dialect, ids: number[], first: number): Promise<void> {
  // Within a run of consecutive ids the index is the id plus a constant; ids of rolled-back transactions make gaps.
  const runs: { last: number; offset: number }[] = [];
  ids.forEach((id, i) => {
    const run = runs.at(-1);
    if (run && run.last === id - 1) run.last = id;
    else runs.push({ last: id, offset: first + i - id });
  });
  const { offset: lastOffset } = runs.pop()!;
  const value =
    runs.length === 0 ? 'id + ?' : `CASE ${runs.map(() => 'WHEN id <= ? THEN id + ?').join(' ')} ELSE id + ? END`;
  const values = [...runs.flatMap(({ last, offset }) => [last, offset]), lastOffset];
  // On MySQL a range would also lock the next row, perhaps another transaction's fresh insert, and wait for it; single
  // keys lock only themselves, provided that the optimizer does not scan a small table instead.
  const { affected } =
    dialect === 'mysql'
      ? await affectedBy(tx, `UPDATE log_entry FORCE INDEX (PRIMARY) SET log_index = ${value} WHERE id IN (?)`, [
          ...values,
          ids,
        ])
      : await affectedBy(
          tx,
          `UPDATE log_entry SET log_index = ${value} WHERE id BETWEEN ? AND ? AND log_index IS NULL`,
          [...values, ids[0], ids.at(-1)],
        );
  if (affected !== ids.length) throw new GatewayError('LOG_INCONSISTENT', { reason: 'entries-changed-meanwhile' });
}

/** Tiles only grow, so replacing one keeps every older tree provable. */
export async function saveTiles(tx: Tx, tiles: ChangedTile[]): Promise<void> {
  await tx.query(
    `REPLACE INTO log_tile (level, idx, hashes) VALUES ${marks(tiles.length, '(?, ?, ?)')}`,
    tiles.flatMap(({ level, index, hashes }) => [level, index, hashes]),
  );
}

export async function saveCheckpoint(tx: Tx, { size, note }: StoredCheckpoint, at: string): Promise<void> {
  await tx.query('INSERT INTO log_checkpoint (size, note, created_at) VALUES (?, ?, ?)', [size, note, at]);
}

function checkpointFrom(rows: Row[]): StoredCheckpoint | null {
  const row = rows[0];
  return row ? { size: number(row.size), note: String(row.note) } : null;
}

export async function latestCheckpoint(tx: Tx): Promise<StoredCheckpoint | null> {
  return checkpointFrom(await tx.query('SELECT size, note FROM log_checkpoint ORDER BY size DESC LIMIT 1'));
}

/** How the log stands: its newest checkpoint and since when, and what waits for its place. */
export interface LogState {
  checkpoint: (StoredCheckpoint & { signedAt: string }) | null;
  pending: number;
  oldestPendingAt: string | null;
}

export async function logState(tx: Tx): Promise<LogState> {
  const [latest]: Row[] = await tx.query(
    'SELECT size, note, created_at FROM log_checkpoint ORDER BY size DESC LIMIT 1',
  );
  const [waiting]: Row[] = await tx.query(
    'SELECT COUNT(*) AS pending, MIN(created_at) AS oldest FROM log_entry WHERE log_index IS NULL',
  );
  return {
    checkpoint: latest
      ? { size: number(latest.size), note: String(latest.note), signedAt: String(latest.created_at) }
      : null,
    pending: number(waiting?.pending ?? 0),
    oldestPendingAt: waiting?.oldest == null ? null : String(waiting.oldest),
  };
}

/** The first checkpoint that covers a leaf: as no checkpoint is ever removed, always the same one. */
export async function checkpointCovering(tx: Tx, index: number): Promise<StoredCheckpoint | null> {
  return checkpointFrom(
    await tx.query('SELECT size, note FROM log_checkpoint WHERE size > ? ORDER BY size LIMIT 1', [index]),
  );
}

export async function readTile(tx: Tx, level: number, index: number): Promise<Buffer | null> {
  const rows: Row[] = await tx.query('SELECT hashes FROM log_tile WHERE level = ? AND idx = ?', [level, index]);
  return rows[0] ? bytes(rows[0].hashes) : null;
}

/** How many entries have a place. */
export async function countIntegrated(tx: Tx): Promise<number> {
  const rows: Row[] = await tx.query('SELECT MAX(log_index) AS last FROM log_entry');
  return rows[0]?.last == null ? 0 : number(rows[0].last) + 1;
}

const storedEntry = (row: Row): StoredEntry => ({
  id: number(row.id),
  index: row.log_index == null ? null : number(row.log_index),
  entry: bytes(row.entry),
});

export async function entriesById(tx: Tx, ids: number[]): Promise<StoredEntry[]> {
  const rows: Row[] = await tx.query(
    `SELECT id, log_index, entry FROM log_entry WHERE id IN (${marks(ids.length, '?')})`,
    ids,
  );
  return rows.map(storedEntry);
}

/** Integrated entries with indices in [from, to), ascending. */
export async function entriesByIndex(tx: Tx, from: number, to: number): Promise<StoredEntry[]> {
  const rows: Row[] = await tx.query(
    'SELECT id, log_index, entry FROM log_entry WHERE log_index >= ? AND log_index < ? ORDER BY log_index',
    [from, to],
  );
  return rows.map(storedEntry);
}
