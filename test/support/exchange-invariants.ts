import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CaseMessage,
  canonicalJson,
  type Digest,
  digestOf,
  type EnvelopeClaims,
  type LogEntry,
  leafHash,
  openCheckpoint,
  openReceiptProof,
  parseEnvelope,
  parseLogEntry,
  parseManifest,
  parseVkey,
  TileTree,
} from '@jieqiao/core';
import type { TransferRow } from '@jieqiao/exchange';
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
  /** Signed for, taken back and disposed of (`tellAndWithdraw`); else it is where its delivery left it. */
  ended: boolean;
}

type Life = NonNullable<TransferRow['life']>;

interface Seen {
  vkey: string;
  transfers: (Row & { life: Life })[];
  bundles: Row[];
  documents: Row[];
  evidence: Row[];
  outbox: Row[];
  inbox: Row[];
  lanes: Row[];
  announcements: Row[];
  /** In the order of the log. */
  entries: { id: number; entry: LogEntry; bytes: Buffer }[];
}

/** What each side has said to the other, and what its own people did, of a case that went its way. */
const toldBySender = { delivered: ['send'], ended: ['send', 'withdraw'] };
const toldByReceiver = { delivered: [], ended: ['sign-for', 'attest-disposal'] };
const doneAtSender = ['create', 'sign', 'submit', 'endorse', 'clear', 'approve'];
const doneAtReceiver = { delivered: ['deliver'], ended: ['deliver', 'sign-for', 'propose-acceptance'] };
/** The words of the log for it: the same on both sides for what both know. */
const loggedByBoth = { delivered: ['delivered'], ended: ['delivered', 'received', 'withdrawn', 'disposal-attested'] };
const loggedBySender = ['signed', 'submitted', 'endorsed', 'cleared', 'approved'];
const loggedByReceiver = { delivered: [], ended: ['acceptance-proposed'] };

/**
 * What must hold whatever was killed whenever, once everything has settled: each transfer once on both sides and each
 * step of it once, one life on both sides to the byte, its documents where they belong, one receipt per envelope, one
 * log entry per event, gapless equal chains in both directions, the same bytes, and a log that is one history.
 */
export async function checkExchange(
  sender: CheckedNode,
  receiver: CheckedNode,
  sent: readonly SentCase[],
): Promise<void> {
  const [there, here] = [await look(sender), await look(receiver)];
  const wayOf = ({ ended }: SentCase) => (ended ? 'ended' : 'delivered');

  // Each transfer exactly once on both sides, and nothing else.
  const expected = sent.map(({ id, ended }) => ({
    ...{ id, state: ended ? 'WITHDRAWN' : 'DELIVERED', delivery: 'received' },
  }));
  expected.sort((a, b) => (a.id < b.id ? -1 : 1));
  const begun = there.transfers.filter((row) => row.direction === 'out');
  expect(stateOf(begun.filter(({ life }) => life.agreed.state !== 'NEW'))).toEqual(expected);
  expect(stateOf(here.transfers)).toEqual(expected);

  // One chain in each direction, and each envelope in it.
  checkChain(
    there,
    here,
    sent.flatMap((each) => toldBySender[wayOf(each)].map((command) => `${each.id} ${command}`)),
  );
  checkChain(
    here,
    there,
    sent.flatMap((each) => toldByReceiver[wayOf(each)].map((command) => `${each.id} ${command}`)),
  );

  // One life: the same on both sides to the byte, every step in it once, and nothing waits any more.
  for (const each of sent) {
    const way = wayOf(each);
    const [mine, theirs] = [lifeOf(there, each.id), lifeOf(here, each.id)];
    expect(canonicalJson(mine.agreed).toString()).toBe(canonicalJson(theirs.agreed).toString());
    expect({ pending: mine.pending, crossed: mine.agreed.crossed }).toEqual({ pending: [], crossed: [] });
    expect(mine.agreed.records.map(({ command }) => command).sort()).toEqual(
      [...toldBySender[way], 'deliver', ...toldByReceiver[way]].sort(),
    );
    const done = (life: Life) => life.home.records.map(({ command }) => command);
    expect(done(mine)).toEqual([...doneAtSender, ...toldBySender[way]]);
    const disposal = each.ended ? ['attest-disposal'] : [];
    expect(done(theirs)).toEqual([...doneAtReceiver[way], ...disposal]);

    // Every step logged once on each side that knows of it.
    const events = (seen: Seen) =>
      stepsIn(seen)
        .filter(({ subject }) => subject.transfer === each.id)
        .map(({ event }) => event.slice('transfer.'.length));
    expect(events(there).sort()).toEqual([...loggedBySender, ...loggedByBoth[way]].sort());
    expect(events(here).sort()).toEqual([...loggedByReceiver[way], ...loggedByBoth[way]].sort());
    // What was sealed for a step is the same on both sides; what hands the transfer over is its own document.
    for (const { data, command } of mine.agreed.records.filter((record) => record.data.document)) {
      const sealed = [there, here].map((seen) => sealedFor(seen, data, command === 'send'));
      expect(sealed[0]).toEqual(sealed[1]);
      expect(sealed[0]!.digest).toBe(data.document);
    }
  }
  // What was signed is there for each step that was taken, and for no other. A draft that was lost half-way keeps its own.
  const ids = sent.map(({ id }) => id).sort();
  for (const seen of [there, here]) {
    const signed = stepsIn(seen).flatMap(({ subject }) => subject.document ?? []);
    expect(seen.documents.map((row) => String(row.digest)).sort()).toEqual([...signed].sort());
    expect(seen.bundles.map((row) => row.transfer_id).sort()).toEqual(ids);
  }

  // One log entry per event on each side.
  expect(subjects(there, 'transfer.created', 'transfer').sort()).toEqual(begun.map((row) => String(row.id)).sort());
  const whole = there.evidence.filter((row) => row.digest !== null);
  expect(subjects(there, 'evidence.stored', 'evidence').sort()).toEqual(whole.map((row) => String(row.id)).sort());
  for (const seen of [there, here]) expect(subjects(seen, 'command.refused', 'reason')).toEqual([]);

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
  for (const seen of [there, here]) expect(seen.announcements).toEqual([]);
  expect(await uploadsIn(receiver.blobsDir)).toEqual([]);
}

/** One direction: a gapless chain, the same on both sides, of these messages, each logged and receipted once. */
function checkChain(from: Seen, to: Seen, told: readonly string[]): void {
  const { outbox } = from;
  const messages = outbox.map((row, i) => {
    const { claims, digest } = parseEnvelope(String(row.envelope));
    const prev = i === 0 ? null : outbox[i - 1]!.digest;
    expect(claims).toMatchObject({ seq: i + 1, prev, jti: row.jti, transfer: row.transfer_id });
    expect(row).toMatchObject({ seq: i + 1, digest, state: 'received', refusal: null });
    return messageOf(claims);
  });
  expect(messages.map(({ transfer, command }) => `${transfer} ${command}`).sort()).toEqual([...told].sort());
  const chain = (rows: Row[]) => rows.map(({ jti, seq, digest, envelope }) => ({ jti, seq, digest, envelope }));
  expect(chain(to.inbox)).toEqual(chain(outbox));
  expect(to.inbox.filter((row) => row.refusal !== null)).toEqual([]);
  const end = { seq: outbox.length, digest: outbox.at(-1)?.digest ?? null };
  if (outbox.length > 0) {
    expect(from.lanes.find((row) => row.direction === 'out')).toMatchObject(end);
    expect(to.lanes.find((row) => row.direction === 'in')).toMatchObject(end);
  }

  const jtis = outbox.map((row) => row.jti);
  const brought = outbox.filter((_, i) => messages[i]!.command === 'send').map((row) => row.jti);
  expect(subjects(from, 'transfer.sent', 'jti')).toEqual(brought);
  expect(subjects(from, 'receipt.stored', 'jti').sort()).toEqual([...jtis].sort());
  expect(subjects(to, 'envelope.received', 'jti')).toEqual(jtis);
  // A word about a transfer may come before the receipt for it is in the database: it waits, and comes again.
  const waited = subjects(to, 'envelope.refused', 'code');
  expect(waited.filter((code) => code !== 'MESSAGE_OUT_OF_TURN')).toEqual([]);

  // Exactly one receipt each, and it proves the very entry that the other side keeps.
  const byId = new Map(to.entries.map((entry) => [entry.id, entry]));
  const logIdOf = new Map(to.inbox.map((row) => [row.jti, Number(row.log_id)]));
  for (const row of outbox) {
    const { entry } = openReceiptProof(String(row.receipt), to.vkey);
    expect(entry.equals(byId.get(logIdOf.get(row.jti)!)!.bytes)).toBe(true);
    const stored = from.entries.find(({ entry: e }) => e.event === 'receipt.stored' && e.subject.jti === row.jti)!;
    expect(stored.entry.subject).toMatchObject({ receipt: digestOf(Buffer.from(String(row.receipt))) });
  }
}

function messageOf(claims: EnvelopeClaims): CaseMessage {
  if (claims.kind === 'test') throw new Error('a test envelope among those of casework');
  return claims.body.message;
}

function lifeOf(seen: Seen, id: string): Life {
  return seen.transfers.find((row) => row.id === id)!.life;
}

type Step = { event: string; subject: { document: Digest | null; transfer: string } };

/** The entries of steps: those whose subject says on which side they were taken. Sending has an entry of its own kind. */
function stepsIn(seen: Seen): Step[] {
  return seen.entries.map(({ entry }) => entry).filter((entry) => 'side' in entry.subject) as Step[];
}

/** What was sealed for a step, with the digest of what was signed. Case data are encrypted: the manifest has their digest. */
function sealedFor(seen: Seen, { document, bundle }: { document?: Digest; bundle?: Digest }, brought: boolean) {
  const row = brought
    ? seen.bundles.find((each) => each.digest === bundle)!
    : seen.documents.find((each) => each.digest === document)!;
  const manifest = bytesOf(row.manifest);
  const digest = brought
    ? parseManifest(manifest).find(({ name }) => name === 'transfer.json')!.digest
    : digestOf(bytesOf(row.content));
  return { digest, manifest, signature: bytesOf(row.signature) };
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
      vkey,
      transfers: (await rows('SELECT id, direction, state, delivery, life FROM transfer ORDER BY id')).map((row) => ({
        ...row,
        life: JSON.parse(String(row.life)) as Life,
      })),
      bundles: await rows('SELECT digest, transfer_id, manifest, signature FROM bundle'),
      documents: await rows('SELECT digest, transfer_id, content, manifest, signature FROM document'),
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
