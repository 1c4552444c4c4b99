import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { digestOf, type GatewayError } from '@jieqiao/core';
import { laneCallbacks, type SendRequest } from '@jieqiao/exchange';
import type { RecognitionDecision } from '@jieqiao/recognition';
import { databases } from '../support/databases';
import {
  bytesOf,
  claimsOf,
  countRows,
  envelopeDigest,
  loggedBy,
  provenEntry,
  readSample,
  rowsOf,
  type Sample,
  samplesDir,
  TwoSides,
} from '../support/exchange-fixture';
import { approveDraft } from '../support/home-path';

jest.setTimeout(60_000);

const run = promisify(execFile);
const codeOf = (result: PromiseSettledResult<unknown>): string =>
  result.status === 'fulfilled' ? 'done' : ((result.reason as GatewayError).code ?? String(result.reason));

describe.each(databases())('the exchange on %s', (_name, create) => {
  let two: TwoSides;
  beforeEach(async () => {
    two = await TwoSides.open(create);
  });
  afterEach(() => two.close());

  /** Everybody's step but the last: the seal keeper may send. */
  const approved = async (): Promise<string> => {
    const id = await two.draft();
    await approveDraft(two.sender.transfers, two.sender.people, id);
    return id;
  };

  it.each([
    ['s1', '2022-08-19T02:00:00.000Z'],
    ['s2', '2024-06-01T02:00:00.000Z'],
  ] as const)('%s crosses byte for byte, and its receipt proves what was received', async (name, at) => {
    two.clock.set(at);
    const sample = readSample(name);
    const way = name === 's1' ? two : two.reversed();
    const { sender, receiver } = way;
    const id = await way.draft(way.sampleFiles(sample), sample);
    const acknowledge = rulesToAcknowledge(sample);
    if (acknowledge.length > 0) await expect(way.send(id)).rejects.toMatchObject({ code: 'ACKNOWLEDGEMENT_REQUIRED' });
    await way.send(id, { acknowledge });
    expect(sender.woken).toEqual([receiver.node]);
    const [delivery] = await way.deliveries([id]);
    const claims = claimsOf(delivery!.envelope);

    expect(await way.deliver(delivery!)).toMatchObject([{ status: 'STATUS_RETRY', code: 'BLOB_MISSING' }]);
    await way.push(delivery!.envelope);
    const [outcome] = await way.deliver(delivery!);
    expect(outcome).toMatchObject({ status: 'STATUS_RECEIVED', code: '' });

    const view = await receiver.transfers.get(receiver.handler, id);
    expect(view).toMatchObject({ direction: 'in', state: 'DELIVERED', number: sample.transfer.number });
    expect(view.recognition!.outcome).toBe(sample.expected.receiver.outcome);
    expect(findingsOf(view.recognition!)).toEqual(findingsOf(sample.expected.receiver));
    const [row] = await rowsOf(receiver.db, 'SELECT recognition FROM transfer WHERE id = ?', [id]);
    expect(provenEntry(outcome!.receipt, receiver)).toMatchObject({
      event: 'envelope.received',
      node: receiver.node,
      subject: {
        agreement: two.agreement.ref,
        degree: 'verified',
        dossier: claims.dossier,
        envelope: envelopeDigest(delivery!),
        jti: claims.jti,
        kind: 'transfer',
        manifest: digestOf(delivery!.manifest),
        outcome: sample.expected.receiver.outcome,
        peer: sender.node,
        report: digestOf(Buffer.from(String(row!.recognition))),
        seq: 1,
        transfer: id,
      },
    });

    expect(view.evidence.map((item) => item.fileName)).toEqual(sample.transfer.evidence.map((item) => item.fileName));
    for (const [i, item] of view.evidence.entries()) {
      const original = readFileSync(join(samplesDir, sample.files[sample.transfer.evidence[i]!.id]!));
      const content = await receiver.transfers.readEvidence(receiver.handler, id, item.id);
      expect((await buffer(content.open())).equals(original)).toBe(true);
      expect(item.digest).toBe(digestOf(original));
    }
    const [left, right] = await Promise.all(
      [sender, receiver].map(async (side) => buffer((await side.transfers.bundle(side.handler, id)).open())),
    );
    expect(left!.length).toBeGreaterThan(100_000);
    expect(left!.equals(right!)).toBe(true);
    await opensslAccepts(delivery!, sender.party.root.certificatePem, two.clock.now());
  });

  it('gives the original receipt again, byte for byte, and logs nothing for it', async () => {
    const first = await two.sealed();
    const second = await two.sealed();
    const receipts = [...(await two.deliver(first)), ...(await two.deliver(second))].map((outcome) => outcome.receipt);
    const before = await countRows(two.receiver.db);
    const again = await two.deliver(first, second, first);
    expect(again.map((outcome) => outcome.status)).toEqual(Array(3).fill('STATUS_RECEIVED'));
    expect(again.map((outcome) => outcome.receipt)).toEqual([receipts[0], receipts[1], receipts[0]]);
    const concurrent = await Promise.all(Array.from({ length: 8 }, () => two.deliver(first)));
    expect(new Set(concurrent.map(([outcome]) => outcome!.receipt))).toEqual(new Set([receipts[0]]));
    expect(await countRows(two.receiver.db)).toEqual(before);
  });

  it('takes an envelope once, however many calls bring it at the same time', async () => {
    const delivery = await two.sealed();
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => two.deliver(delivery)));
    const [again] = await two.deliver(delivery);
    expect(again).toMatchObject({ status: 'STATUS_RECEIVED' });
    for (const outcome of outcomes) expect(outcome).toEqual([again]);
    expect(await countRows(two.receiver.db)).toMatchObject({ transfer: 1, bundle: 1, inbox: 1 });
    const received = (await loggedBy(two.receiver.db)).filter((entry) => entry.event === 'envelope.received');
    expect(received).toHaveLength(1);
  });

  it('sends the good ones of a batch and answers each of the others by itself', async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, approved));
    const early = await two.draft();
    const incomplete = await two.draft();
    const input = { fileName: '照片.jpg', mediaType: 'image/jpeg', bytes: 10, data: {} };
    await two.sender.transfers.addEvidence(two.sender.handler, incomplete, input);
    const blocked = await two.draft([], {
      ...two.s1,
      transfer: { ...two.s1.transfer, facts: '当事人身份证号 110101199003078515' },
    });
    const unknown = two.newId();
    const before = await countRows(two.sender.db);
    const all = [ids[0]!, incomplete, ids[1]!, blocked, ids[2]!, unknown, early, ids[3]!];
    const person = two.sender.people.of('seal-keeper');
    const request: Omit<SendRequest, 'transferId' | 'idempotencyKey'> = {
      person,
      command: 'send',
      data: {},
      acknowledge: [],
      ifVersion: null,
      filing: null,
      sameAct: { filings: [], unanswered: [] },
    };
    const results = await Promise.allSettled(
      all.map((transferId, i) => two.sender.sender.send({ ...request, transferId, idempotencyKey: `k${i}` })),
    );
    expect(results.map(codeOf)).toEqual([
      ...['done', 'COMMAND_REFUSED', 'done', 'COMMAND_REFUSED', 'done', 'NOT_FOUND', 'COMMAND_REFUSED', 'done'],
    ]);
    const after = await countRows(two.sender.db);
    expect(after).toEqual({
      ...before,
      outbox: before.outbox! + 4,
      bundle: before.bundle! + 4,
      idempotency: before.idempotency! + 4,
      // And who wanted what the rules or the table forbid.
      log_entry: before.log_entry! + 7,
    });
    const refused = (await loggedBy(two.sender.db)).filter(({ event }) => event === 'command.refused');
    expect(refused.map(({ subject }) => subject)).toMatchObject([
      { command: 'send', reason: 'WRONG_STATE', transfer: incomplete },
      { command: 'send', reason: 'WRONG_STATE', transfer: blocked },
      { command: 'send', reason: 'WRONG_STATE', transfer: early },
    ]);
    expect((await two.deliveries()).map(({ envelope }) => claimsOf(envelope).transfer)).toEqual(ids);
    for (const id of [incomplete, blocked, early]) {
      const view = await two.sender.transfers.get(two.sender.handler, id);
      expect(view).toMatchObject({ state: 'DRAFT', delivery: { state: 'none' }, envelope: null });
    }
    // The refused ones left no gap: what is sent next goes on where the good ones ended.
    await two.sealed();
    const deliveries = await two.deliveries();
    const outcomes = await two.deliver(...deliveries);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(Array(5).fill('STATUS_RECEIVED'));
  });

  it.each(['one process', 'two processes'])('makes one envelope of two sends at once, from %s', async (where) => {
    const id = await approved();
    const other = where === 'two processes' ? two.sender.anotherSender() : two.sender.sender;
    const same = await Promise.allSettled([two.send(id, { key: 'k1' }), two.send(id, { key: 'k1', by: other })]);
    expect(same.map(codeOf)).toEqual(['done', 'done']);
    await two.send(id, { key: 'k1' });
    const twice = { code: 'COMMAND_REFUSED', params: { reason: 'WRONG_STATE' } };
    await expect(two.send(id, { key: 'k2' })).rejects.toMatchObject(twice);
    await expect(two.send(await two.draft(), { key: 'k1' })).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await two.deliveries()).toHaveLength(1);

    const next = await approved();
    const different = await Promise.allSettled([two.send(next, { key: 'a' }), two.send(next, { key: 'b', by: other })]);
    expect(different.map(codeOf).sort()).toEqual(['COMMAND_REFUSED', 'done']);
    expect(await two.deliveries()).toHaveLength(2);
    const sent = (await loggedBy(two.sender.db)).filter((entry) => entry.event === 'transfer.sent');
    expect(sent).toHaveLength(2);
  });

  it('numbers 200 sends of two processes without a gap, and all of them arrive', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 200; i += 20) ids.push(...(await Promise.all(Array.from({ length: 20 }, approved))));
    const other = two.sender.anotherSender();
    const results = await Promise.allSettled(
      ids.map((id, i) => two.send(id, { by: i % 2 === 0 ? other : two.sender.sender })),
    );
    expect(results.map(codeOf).filter((code) => code !== 'done')).toEqual([]);

    const rows = await rowsOf(two.sender.db, 'SELECT seq, digest, envelope, jti FROM outbox ORDER BY seq');
    expect(rows.map((row) => Number(row.seq))).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    rows.forEach((row, i) => {
      const claims = claimsOf(String(row.envelope));
      expect([claims.seq, claims.jti]).toEqual([i + 1, row.jti]);
      expect(claims.prev).toBe(i === 0 ? null : rows[i - 1]!.digest);
      expect(digestOf(Buffer.from(String(row.envelope)))).toBe(row.digest);
    });

    const deliveries = await two.deliveries();
    for (let i = 0; i < 200; i += 64) {
      for (const [k, outcome] of (await two.deliver(...deliveries.slice(i, i + 64))).entries()) {
        expect(outcome.status).toBe('STATUS_RECEIVED');
        const { subject } = provenEntry(outcome.receipt, two.receiver);
        expect(subject).toMatchObject({ envelope: rows[i + k]!.digest, jti: rows[i + k]!.jti, seq: i + k + 1 });
      }
    }
    expect(await two.chainEnd()).toEqual({ seq: 200, digest: rows[199]!.digest });
    const inbox = await rowsOf(two.receiver.db, 'SELECT jti, digest, refusal FROM inbox ORDER BY seq');
    expect(inbox).toEqual(rows.map(({ jti, digest }) => ({ jti, digest, refusal: null })));
  });

  it('completes an upload whose last byte came just before the power went', async () => {
    const { sender } = two;
    const content = Buffer.from('x'.repeat(1000));
    const id = await two.draft();
    const input = { fileName: '照片.jpg', mediaType: 'image/jpeg', bytes: content.length, data: two.evidenceForm };
    const expectedDigest = digestOf(content);
    const item = await sender.transfers.addEvidence(sender.handler, id, { ...input, expectedDigest });
    // As the process leaves it that is killed between the last byte and the file's name.
    await sender.blobs.append(item.id, 0, Readable.from([content]), { limit: 1000 });
    const state = () => sender.transfers.uploadState(sender.handler, id, item.id);
    expect(await state()).toEqual({ offset: 1000, length: 1000, complete: true, digest: expectedDigest });
    expect(await state()).toEqual({ offset: 1000, length: 1000, complete: true, digest: expectedDigest });
    expect((await loggedBy(sender.db)).filter((entry) => entry.event === 'evidence.stored')).toHaveLength(1);
    await two.send(id);

    // The same at the receiver: all bytes are there, and the push that makes the end brings none.
    const [delivery] = await two.deliveries([id]);
    await two.receiver.intake.announce(sender.node, [delivery!.envelope]);
    const upload = `${sender.node}-${expectedDigest.slice(7)}`;
    await two.receiver.blobs.append(upload, 0, Readable.from([content]), { limit: 1000 });
    await two.push(delivery!.envelope);
    expect(await two.deliver(delivery!)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
  });

  it('keeps the sealed parts exactly as they were signed', async () => {
    const delivery = await two.sealed([
      { fileName: '照片.jpg', mediaType: 'image/jpeg', content: Buffer.from('x'.repeat(3000)) },
    ]);
    await two.push(delivery.envelope);
    await two.deliver(delivery);
    const [row] = await rowsOf(two.receiver.db, 'SELECT * FROM bundle');
    const manifests = [digestOf(delivery.manifest)];
    const kept = await laneCallbacks(two.receiver.work, () => undefined).partsOf(manifests);
    expect(kept.get(manifests[0]!)!.parts).toEqual(delivery.parts);
    // What says who is concerned does not lie open in the database.
    expect(bytesOf(row!.transfer_json).toString()).not.toContain('jieqiao/transfer/v1');
    expect(bytesOf(row!.manifest)).toEqual(delivery.manifest);
    expect(bytesOf(row!.signature)).toEqual(delivery.signature);
    // The announcement has done its work and no longer counts against the peer.
    expect(await countRows(two.receiver.db)).toMatchObject({ announcement: 0, evidence: 1 });
  });
});

/** Rules that only ask for supplements: the officer says that they have seen them. */
function rulesToAcknowledge(sample: Sample): string[] {
  const { findings } = sample.expected.sender;
  return [...new Set(findings.filter(({ result }) => result === 'supplement').map(({ rule }) => rule))];
}

function findingsOf(decision: RecognitionDecision | Sample['expected']['receiver']): string[] {
  const list = 'findings' in decision ? decision.findings : decision.results;
  return list
    .filter(({ result }) => ['supplement', 'warn', 'block'].includes(result))
    .map(({ rule, result }) => `${rule} ${result}`)
    .sort();
}

/** A stranger's tool is the judge of the seal. */
async function opensslAccepts(
  delivery: { manifest: Buffer; signature: Buffer },
  rootPem: string,
  at: Date,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-cms-'));
  const path = (name: string) => join(dir, name);
  try {
    writeFileSync(path('manifest.xml'), delivery.manifest);
    writeFileSync(path('signature.p7s'), delivery.signature);
    writeFileSync(path('root.pem'), rootPem);
    const verify = (content: string) =>
      run('openssl', [
        ...['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-purpose', 'any', '-out', '/dev/null'],
        ...['-in', path('signature.p7s'), '-content', path(content), '-CAfile', path('root.pem')],
        ...['-attime', String(Math.floor(at.getTime() / 1000))],
      ]);
    await verify('manifest.xml');
    writeFileSync(path('changed.xml'), Buffer.concat([delivery.manifest, Buffer.from(' ')]));
    await expect(verify('changed.xml')).rejects.toThrow(/Verification fail/);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
