import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  digestOf,
  formatTlogProof,
  openReceiptProof,
  parseEnvelope,
  parseLogEntry,
  parseTlogProof,
} from '@jieqiao/core';
import { impersonate, type PeerNode, pause, TwoNodes, until } from '../support/peer-nodes';

jest.setTimeout(60_000);

const hour = 3_600_000;
const photo = (content = randomBytes(3_000)) => ({ fileName: '照片.jpg', mediaType: 'image/jpeg', content });

let two: TwoNodes;
afterEach(() => two.close());

const send = async (files: ReturnType<typeof photo>[] = []) => {
  const id = await two.sender.draft(files);
  await two.sender.send(id);
  return id;
};
const settled = (id: string, state: 'received' | 'refused') =>
  until(`${id} is ${state}`, async () => (await two.sender.view(id)).delivery.state === state);

/** A backup of a node's database, and its return. */
const databaseFiles = ({ config }: PeerNode) =>
  ['', '-wal', '-shm'].map((end) => join(config.dataDir, `node.sqlite${end}`));
const backUp = async (node: PeerNode) => {
  await node.stop();
  for (const file of databaseFiles(node)) if (existsSync(file)) copyFileSync(file, `${file}.backup`);
  await node.start();
};
const restore = async (node: PeerNode) => {
  await node.stop();
  for (const file of databaseFiles(node)) {
    rmSync(file, { force: true });
    if (existsSync(`${file}.backup`)) copyFileSync(`${file}.backup`, file);
  }
  await node.start();
};

/** Both sides hold the same chain without a gap; gives its envelopes in order. */
async function sameChain(): Promise<{ jti: string; state: string; refusal: string | null; receipt: string }[]> {
  const outbox = await two.sender.rows(
    'SELECT jti, seq, digest, envelope, state, refusal, receipt FROM outbox ORDER BY seq',
  );
  const inbox = await two.receiver.rows('SELECT jti, seq, digest, envelope FROM inbox ORDER BY seq');
  expect(outbox.map(({ jti, seq, digest, envelope }) => ({ jti, seq, digest, envelope }))).toEqual(inbox);
  outbox.forEach((row, i) => {
    const { seq, prev } = parseEnvelope(String(row.envelope)).claims;
    expect(seq).toBe(i + 1);
    expect(prev).toBe(i === 0 ? null : outbox[i - 1]!.digest);
  });
  return outbox as never;
}

const proven = (receipt: string) => parseLogEntry(openReceiptProof(receipt, two.receiver.vkey).entry);

describe('a lane to a peer that is not there', () => {
  it('waits longer and longer, says so, and delivers when the peer comes', async () => {
    two = await TwoNodes.prepare();
    await two.sender.start();
    const ids = [await send([photo()]), await send(), await send()];
    await until('three attempts', () => two.sender.waits().length >= 4);
    const waits = two.sender.waits();
    expect(waits.map(({ code }) => code)).toEqual(waits.map(() => 'PEER_UNREACHABLE'));
    expect(waits.map(({ attempts }) => attempts)).toEqual(waits.map((_, i) => i + 1));
    waits.slice(0, 4).forEach(({ waitMs }, i) => {
      expect(waitMs).toBeGreaterThanOrEqual((50 * 2 ** i) / 2);
      expect(waitMs).toBeLessThanOrEqual(50 * 2 ** i);
    });
    const { delivery, state } = await two.sender.view(ids[0]!);
    expect(state).toBe('SENT');
    expect(delivery).toMatchObject({ state: 'queued', lastError: 'PEER_UNREACHABLE' });
    expect(delivery.attempts).toBeGreaterThanOrEqual(3);
    expect(Date.parse(delivery.nextAttemptAt!)).toBeGreaterThan(Date.now() - 2_000);

    await two.receiver.start();
    for (const id of ids) await settled(id, 'received');
    expect((await two.sender.view(ids[0]!)).delivery).toMatchObject({
      attempts: 0,
      lastError: null,
      nextAttemptAt: null,
    });
    expect(await sameChain()).toHaveLength(3);
  });

  it('shortens no wait for new envelopes: they queue behind the one that failed', async () => {
    two = await TwoNodes.prepare({
      config: ({ lane }) => Object.assign(lane, { retryFirstMs: 2_000, retryMaxMs: 4_000 }),
    });
    await two.sender.start();
    await send();
    await until('the first failure', () => two.sender.waits().length === 1);
    for (let i = 0; i < 5; i++) await send();
    await pause(500);
    expect(two.sender.waits()).toHaveLength(1);
  });
});

describe('a lane whose peer asks it to come again', () => {
  it('backs off while the clocks are apart, and delivers when they are right: CLOCK_SKEW', async () => {
    two = await TwoNodes.start();
    two.receiver.clockShift = -10 * 60_000;
    const id = await send();
    await until('four attempts', () => two.sender.waits().length >= 4);
    expect((await two.sender.view(id)).delivery).toMatchObject({ state: 'queued', lastError: 'CLOCK_SKEW' });
    expect(await two.receiver.rows('SELECT jti FROM inbox')).toEqual([]);
    two.receiver.clockShift = 0;
    await settled(id, 'received');
    const waits = two.sender.waits();
    // At most one call may have gone out before the first Hello after the clock was put wrong.
    expect(waits.slice(1).map(({ code }) => code)).toEqual(waits.slice(1).map(() => 'CLOCK_SKEW'));
    waits.slice(0, 4).forEach(({ waitMs }, i) => {
      expect(waitMs).toBeLessThanOrEqual(50 * 2 ** i);
    });
    expect(await sameChain()).toHaveLength(1);
  });

  it('hands over the version of the agreement that the peer lacks, and delivers under it', async () => {
    two = await TwoNodes.start();
    const first = await send();
    await settled(first, 'received');
    const { sender, receiver } = two;
    const previous = sender.gateway.agreements.all()[0]!.ref.digest;
    await sender.gateway.agreements.import(two.signed({ ...two.agreement, version: 2, previous }));
    const ids = [await send([photo()]), await send()];
    for (const id of ids) await settled(id, 'received');
    expect(receiver.gateway.agreements.all().map(({ ref }) => ref.version)).toEqual([1, 2]);
    const envelopes = (await sameChain()) as unknown as { envelope: string }[];
    expect(envelopes.map(({ envelope }) => parseEnvelope(envelope).claims.agreement.version)).toEqual([1, 2, 2]);
  });
});

describe('a lane whose peer refuses for good', () => {
  it('keeps the signed refusal, and goes on with the next envelope: ENVELOPE_EXPIRED', async () => {
    two = await TwoNodes.start({ config: ({ lane }) => Object.assign(lane, { envelopeHours: 1 }) });
    await two.receiver.stop();
    two.sender.clockShift = -2 * hour;
    const late = await send();
    two.sender.clockShift = 0;
    await two.receiver.start();
    await settled(late, 'refused');
    const next = await send();
    await settled(next, 'received');

    const view = await two.sender.view(late);
    expect(view).toMatchObject({ state: 'REJECTED_TECH', receipt: { degree: 'refused' } });
    expect(view.delivery).toMatchObject({ state: 'refused', refusal: 'ENVELOPE_EXPIRED', lastError: null });
    const chain = await sameChain();
    expect(chain.map(({ state, refusal }) => [state, refusal])).toEqual([
      ['refused', 'ENVELOPE_EXPIRED'],
      ['received', null],
    ]);
    expect(proven(chain[0]!.receipt)).toMatchObject({
      event: 'envelope.refused',
      subject: { code: 'ENVELOPE_EXPIRED', jti: chain[0]!.jti, seq: 1 },
    });
    expect((await two.receiver.rows('SELECT id FROM transfer')).map(({ id }) => id)).toEqual([next]);

    // A person sends it again, in a new envelope.
    await two.sender.send(late);
    await settled(late, 'received');
    expect(await sameChain()).toHaveLength(3);
  });

  it('gives up a file that the peer will never take, and goes on: FILE_TOO_LARGE', async () => {
    two = await TwoNodes.start({
      config: ({ limits }, node) => {
        if (node.startsWith('pinghu')) limits.fileBytes = 2_000;
      },
    });
    const large = await send([photo()]);
    const small = await send([photo(randomBytes(1_000))]);
    await settled(large, 'refused');
    await settled(small, 'received');
    expect((await two.sender.view(large)).delivery).toMatchObject({ refusal: 'FILE_TOO_LARGE' });
    expect((await two.receiver.logged('envelope.refused')).map(({ subject }) => subject.code)).toEqual([
      'FILE_TOO_LARGE',
    ]);
    expect(await sameChain()).toHaveLength(2);
    expect(two.sender.waits()).toEqual([]);
  });

  it('lets an envelope expire whose files it has lost, and goes on', async () => {
    two = await TwoNodes.start();
    const content = randomBytes(3_000);
    const id = await two.sender.draft([photo(content)]);
    const path = join(
      two.sender.config.dataDir,
      'blobs/sha256',
      digestOf(content).slice(7, 9),
      digestOf(content).slice(7),
    );
    rmSync(path);
    await two.sender.send(id);
    await until('two attempts', () => two.sender.waits().length >= 2);
    expect((await two.sender.view(id)).delivery).toMatchObject({ state: 'queued', lastError: 'BLOB_MISSING' });
    const next = await send();
    for (const node of two.both) node.clockShift = 25 * hour;
    await settled(id, 'refused');
    expect((await two.sender.view(id)).delivery).toMatchObject({ refusal: 'ENVELOPE_EXPIRED' });
    await settled(next, 'refused');
    await settled(await send(), 'received');
    expect(await sameChain()).toHaveLength(3);
  });
});

describe('a lane whose peer has lost envelopes', () => {
  const lost = async (count: number): Promise<{ ids: string[]; receipts: string[] }> => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push(await send(i % 2 === 0 ? [photo()] : []));
    for (const id of ids) await settled(id, 'received');
    return { ids, receipts: await Promise.all(ids.map((id) => two.sender.receipt(id))) };
  };

  it('delivers again from where the restored peer stands, and keeps the receipts that it had', async () => {
    two = await TwoNodes.start({ config: ({ lane }) => Object.assign(lane, { batch: 2 }) });
    const before = await lost(2);
    await backUp(two.receiver);
    const { ids, receipts } = await lost(5);
    await restore(two.receiver);
    expect(await two.receiver.rows('SELECT jti FROM inbox')).toHaveLength(2);
    const stored = (await two.sender.logged('receipt.stored')).length;

    const next = await send();
    await settled(next, 'received');
    expect(await sameChain()).toHaveLength(8);
    const there = await two.receiver.rows("SELECT id FROM transfer WHERE state = 'DELIVERED' ORDER BY id");
    expect(there.map(({ id }) => id)).toEqual([...before.ids, ...ids, next].sort());
    // What the peer once signed is what convicts it, should it deny: a second receipt does not take its place.
    expect(await Promise.all(ids.map((id) => two.sender.receipt(id)))).toEqual(receipts);
    expect(await two.sender.logged('receipt.stored')).toHaveLength(stored + 1);
    for (const id of [...before.ids, ...ids]) {
      expect(await two.sender.view(id)).toMatchObject({ state: 'DELIVERED', delivery: { state: 'received' } });
    }
    // Five lost, two at a time: three passes and no busy loop around them.
    expect(two.sender.log.filter((line) => line.includes('peer-lost-envelopes'))).toHaveLength(3);
    expect((await two.receiver.logged('envelope.refused')).length).toBeLessThanOrEqual(4);
  });

  it('closes the gap with signed refusals when what was lost has expired', async () => {
    two = await TwoNodes.start({
      config: ({ lane }) => Object.assign(lane, { batch: 2, retryFirstMs: 5_000, retryMaxMs: 60_000 }),
    });
    await backUp(two.receiver);
    const { ids, receipts } = await lost(5);
    await restore(two.receiver);
    for (const node of two.both) node.clockShift = 25 * hour;
    const next = await send();
    await settled(next, 'received');
    expect(await two.receiver.rows('SELECT jti FROM inbox WHERE refusal IS NOT NULL')).toHaveLength(5);
    for (const id of ids) expect(await two.sender.view(id)).toMatchObject({ state: 'DELIVERED' });
    expect(await Promise.all(ids.map((id) => two.sender.receipt(id)))).toEqual(receipts);
    expect(two.sender.waits()).toEqual([]);
  });

  it('backs off when the gap can’t be closed', async () => {
    two = await TwoNodes.start();
    await lost(2);
    // Nobody can deliver this again: the sender's own copy is damaged.
    await two.sender.gateway.db.transaction((tx) =>
      tx.query("UPDATE outbox SET envelope = REPLACE(envelope, '.', '.A') WHERE seq = 1"),
    );
    await two.receiver.gateway.db.transaction(async (tx) => {
      for (const table of ['inbox', 'transfer', 'bundle', 'evidence', 'lane']) await tx.query(`DELETE FROM ${table}`);
    });
    await send();
    await pause(3_000);
    const waits = two.sender.waits();
    expect(waits.length).toBeGreaterThan(2);
    expect(waits.map(({ attempts }) => attempts)).toEqual(waits.map((_, i) => i + 1));
    // A few entries for each wait, not one for each turn of a busy loop.
    expect((await two.receiver.logged('envelope.refused')).length).toBeLessThanOrEqual(3 * waits.length + 3);
  });
});

describe('a lane of a sender restored from a backup', () => {
  it('gets the receipts again that it had lost', async () => {
    two = await TwoNodes.prepare();
    await two.sender.start();
    const ids = [await send([photo()]), await send()];
    await backUp(two.sender);
    await two.receiver.start();
    for (const id of ids) await settled(id, 'received');
    const receipts = await Promise.all(ids.map((id) => two.sender.receipt(id)));
    await restore(two.sender);
    for (const id of ids) await settled(id, 'received');
    expect(await Promise.all(ids.map((id) => two.sender.receipt(id)))).toEqual(receipts);
    expect(await two.receiver.rows('SELECT jti FROM inbox')).toHaveLength(2);
    expect(await two.receiver.logged('envelope.received')).toHaveLength(2);
  });

  it('is told by a signed refusal that its chain is broken, and does not spin', async () => {
    two = await TwoNodes.start();
    await backUp(two.sender);
    await settled(await send(), 'received');
    await restore(two.sender);
    const again = await send();
    await settled(again, 'refused');
    expect((await two.sender.view(again)).delivery).toMatchObject({ refusal: 'ENVELOPE_CHAIN_BROKEN' });
    await pause(1_000);
    expect(await two.receiver.logged('envelope.refused')).toHaveLength(1);
  });
});

describe('a lane to somebody who has the peer’s keys but not its log', () => {
  const answers: [what: string, outcomes: (real: string) => unknown][] = [
    ['no receipt', () => [{ status: 'STATUS_RECEIVED' }]],
    ['a receipt that is none', () => [{ status: 'STATUS_RECEIVED', receipt: 'thanks' }]],
    ['too few answers', () => []],
    ['too many answers', (real) => Array(3).fill({ status: 'STATUS_RECEIVED', receipt: real })],
    ['an unknown status', () => [{ status: 'STATUS_UNSPECIFIED' }]],
    ['the receipt of another envelope', (real) => [{ status: 'STATUS_RECEIVED', receipt: real }]],
    [
      'a receipt with another entry',
      (real) => {
        const proof = parseTlogProof(real);
        const extra = Buffer.from(proof.extra!.toString().replace('verified', 'decided!'));
        return [{ status: 'STATUS_RECEIVED', receipt: formatTlogProof({ ...proof, extra }) }];
      },
    ],
  ];
  it.each(answers)('believes nothing that is not proven: %s', async (_what, outcomes) => {
    two = await TwoNodes.start();
    const first = await send();
    await settled(first, 'received');
    const real = await two.sender.receipt(first);
    await two.receiver.stop();
    let calls = 0;
    const fake = await impersonate(two.receiver, {
      deliver: () => {
        calls++;
        return { outcomes: outcomes(real) };
      },
    });
    const id = await send();
    await until('three calls', () => calls >= 3);
    const waits = two.sender.waits().filter(({ code }) => code !== 'PEER_UNREACHABLE');
    expect(new Set(waits.map(({ code }) => code.replace(/^LOG_.*/, 'LOG_')))).toEqual(
      new Set([['LOG_', 'RECEIPT_INVALID'].find((code) => waits[0]!.code.startsWith(code))]),
    );
    expect(await two.sender.view(id)).toMatchObject({ state: 'SENT', delivery: { state: 'queued' }, receipt: null });
    fake.stop();
    await two.receiver.start();
    await settled(id, 'received');
    expect(await sameChain()).toHaveLength(2);
  });
});
