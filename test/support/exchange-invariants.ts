import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Digest,
  digestOf,
  type LogEntry,
  leafHash,
  openCheckpoint,
  openReceiptProof,
  parseEnvelope,
  parseLogEntry,
  parseVkey,
  TileTree,
} from '@jieqiao/core';
import { Database } from '@jieqiao/platform';
import { bytesOf, type Row, rowsOf } from './exchange-fixture';
import { until } from './peer-nodes';

/** Where a node keeps what it has, read from outside while the node runs. */
export interface CheckedNode {
  node: string;
  databaseUrl: string;
  blobsDir: string;
  /** The log's key, as the agreement has it. */
  vkey: string;
}

/** A transfer whose sending was answered with success, and the files that the officer gave. */
export interface SentCase {
  id: string;
  files: readonly { fileName: string; digest: Digest }[];
}

interface Seen {
  transfers: Row[];
  evidence: Row[];
  outbox: Row[];
  inbox: Row[];
  lanes: Row[];
  announcements: Row[];
  /** In the order of the log. */
  entries: { id: number; entry: LogEntry; bytes: Buffer }[];
}

/**
 * What must hold whatever was killed whenever, once everything has settled: each transfer once on both sides, one
 * receipt, one log entry per event, gapless equal chains, the same bytes, and a log that is one history.
 */
export async function checkExchange(
  sender: CheckedNode,
  receiver: CheckedNode,
  sent: readonly SentCase[],
): Promise<void> {
  const [there, here] = [await look(sender), await look(receiver)];
  const ids = sent.map(({ id }) => id).sort();

  // Each transfer exactly once on both sides, and nothing else.
  const delivered = there.transfers.filter((row) => row.direction === 'out' && row.state !== 'DRAFT');
  expect(stateOf(delivered)).toEqual(ids.map((id) => ({ id, state: 'DELIVERED', delivery: 'received' })));
  expect(stateOf(here.transfers)).toEqual(ids.map((id) => ({ id, state: 'DELIVERED', delivery: 'received' })));

  // One chain, gapless, the same on both sides.
  const { outbox } = there;
  expect(outbox.map((row) => row.transfer_id).sort()).toEqual(ids);
  outbox.forEach((row, i) => {
    const { claims, digest } = parseEnvelope(String(row.envelope));
    const prev = i === 0 ? null : outbox[i - 1]!.digest;
    expect(claims).toMatchObject({ seq: i + 1, prev, jti: row.jti, transfer: row.transfer_id });
    expect(row).toMatchObject({ seq: i + 1, digest, state: 'received', refusal: null });
  });
  const chain = (rows: Row[]) => rows.map(({ jti, seq, digest, envelope }) => ({ jti, seq, digest, envelope }));
  expect(chain(here.inbox)).toEqual(chain(outbox));
  expect(here.inbox.filter((row) => row.refusal !== null)).toEqual([]);
  const end = { seq: outbox.length, digest: outbox.at(-1)?.digest ?? null };
  expect(there.lanes.find((row) => row.direction === 'out')).toMatchObject(end);
  expect(here.lanes.find((row) => row.direction === 'in')).toMatchObject(end);

  // One log entry per event on each side.
  const jtis = outbox.map((row) => row.jti);
  expect(subjects(there, 'transfer.sent', 'jti')).toEqual(jtis);
  expect(subjects(there, 'receipt.stored', 'jti').sort()).toEqual([...jtis].sort());
  expect(subjects(here, 'envelope.received', 'jti')).toEqual(jtis);
  expect(subjects(here, 'envelope.refused', 'code')).toEqual([]);
  expect(subjects(there, 'transfer.created', 'transfer').sort()).toEqual(
    there.transfers
      .filter((row) => row.direction === 'out')
      .map((row) => String(row.id))
      .sort(),
  );
  const whole = there.evidence.filter((row) => row.digest !== null);
  expect(subjects(there, 'evidence.stored', 'evidence').sort()).toEqual(whole.map((row) => String(row.id)).sort());

  // Exactly one receipt each, and it proves the very entry that the receiver keeps.
  const byId = new Map(here.entries.map((entry) => [entry.id, entry]));
  const logIdOf = new Map(here.inbox.map((row) => [row.jti, Number(row.log_id)]));
  for (const row of outbox) {
    const { entry } = openReceiptProof(String(row.receipt), receiver.vkey);
    expect(entry.equals(byId.get(logIdOf.get(row.jti)!)!.bytes)).toBe(true);
    const stored = there.entries.find(({ entry: e }) => e.event === 'receipt.stored' && e.subject.jti === row.jti)!;
    expect(stored.entry.subject).toMatchObject({ receipt: digestOf(Buffer.from(String(row.receipt))) });
  }

  // The same bytes on both sides as the officer gave, and nothing left over.
  for (const { id, files } of sent) {
    const given = files.map(({ fileName, digest }) => `${fileName} ${digest}`).sort();
    for (const side of [there, here]) {
      const rows = side.evidence.filter((row) => row.transfer_id === id);
      expect(rows.map((row) => `${row.file_name} ${row.digest}`).sort()).toEqual(given);
    }
    for (const { digest } of files) {
      for (const { blobsDir } of [sender, receiver]) expect(await hashOfBlob(blobsDir, digest)).toBe(digest);
    }
  }
  expect(here.announcements).toEqual([]);
  expect(await uploadsIn(receiver.blobsDir)).toEqual([]);
}

/** Everything of interest, once the log has no entry without a place; checks the log on the way. */
async function look({ databaseUrl, vkey, node }: CheckedNode): Promise<Seen> {
  const db = await Database.open(databaseUrl, [], () => new Date());
  try {
    const rows = (sql: string) => rowsOf(db, sql);
    await until(`the log of ${node} has integrated everything`, async () => {
      return (await rows('SELECT id FROM log_entry WHERE log_index IS NULL')).length === 0;
    });
    const integer = (row: Row): Row => ({ ...row, seq: Number(row.seq) });
    const entries = (await rows('SELECT id, log_index, entry FROM log_entry ORDER BY log_index')).map((row, i) => {
      expect(Number(row.log_index)).toBe(i);
      return { id: Number(row.id), entry: parseLogEntry(bytesOf(row.entry)), bytes: bytesOf(row.entry) };
    });
    checkLog(
      entries.map(({ bytes }) => bytes),
      (await rows('SELECT size, note FROM log_checkpoint ORDER BY size')).map((row) => String(row.note)),
      vkey,
    );
    return {
      transfers: await rows('SELECT id, direction, state, delivery FROM transfer ORDER BY id'),
      evidence: await rows('SELECT id, transfer_id, file_name, digest FROM evidence'),
      outbox: (await rows('SELECT * FROM outbox ORDER BY seq')).map(integer),
      inbox: (await rows('SELECT * FROM inbox ORDER BY seq')).map(integer),
      lanes: (await rows('SELECT direction, seq, digest FROM lane')).map(integer),
      announcements: await rows('SELECT * FROM announcement'),
      entries,
    };
  } finally {
    await db.close();
  }
}

/**
 * Every checkpoint that was ever signed is the head of a prefix of this one list of entries: so they are all consistent
 * with each other, and the last one covers everything.
 */
function checkLog(entries: readonly Buffer[], notes: readonly string[], vkey: string): void {
  const key = parseVkey(vkey);
  let tree = TileTree.empty();
  for (const note of notes) {
    const { size, root } = openCheckpoint(note, key);
    expect(size).toBeGreaterThan(tree.size);
    expect(size).toBeLessThanOrEqual(entries.length);
    tree = tree.extend(entries.slice(tree.size, size).map((entry) => leafHash(entry))).tree;
    expect(tree.root().equals(root)).toBe(true);
  }
  expect(tree.size).toBe(entries.length);
}

function stateOf(rows: Row[]): Row[] {
  return rows.map(({ id, state, delivery }) => ({ id, state, delivery }));
}

function subjects(seen: Seen, event: LogEntry['event'], field: string): string[] {
  return seen.entries
    .filter(({ entry }) => entry.event === event)
    .map(({ entry }) => String((entry.subject as Record<string, unknown>)[field]));
}

async function hashOfBlob(blobsDir: string, digest: Digest): Promise<string> {
  const hex = digest.slice('sha256:'.length);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(join(blobsDir, 'sha256', hex.slice(0, 2), hex)))
    hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

async function uploadsIn(blobsDir: string): Promise<string[]> {
  return readdir(join(blobsDir, 'incoming')).catch(() => []);
}
