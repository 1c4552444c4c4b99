import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { AuditLog, type AuditLogOptions, type LogKeys } from '@jieqiao/audit';
import {
  consistencyProof,
  type Digest,
  encodeVkey,
  GatewayError,
  type LogEvent,
  leafHash,
  logOrigin,
  type NoteSigner,
  noteSigner,
  openCheckpoint,
  openReceiptProof,
  parseLogEntry,
  parseVkey,
  TileTree,
  uuidv7,
  verifyConsistency,
} from '@jieqiao/core';
import { createLogger, Database, type Tx } from '@jieqiao/platform';
import { databases, type TestDatabase } from '../support/databases';
import { entities } from '../support/entities';

const node = 'jinshan.310116';
const newSigner = () => noteSigner(logOrigin(node), generateKeyPairSync('ed25519').privateKey);
const keysOf = (...signers: NoteSigner[]): LogKeys => ({
  signers: () => signers,
  known: () => signers.map(({ key }) => key),
});
const signer = newSigner();
const vkeyOf = ({ key }: NoteSigner): string => encodeVkey(key);
const vkey = vkeyOf(signer);
const digest = (): Digest => `sha256:${randomBytes(32).toString('hex')}`;
const id = () => uuidv7(Date.now(), randomBytes(10));
const events = (count: number): LogEvent[] =>
  Array.from({ length: count }, () => ({
    event: 'receipt.stored',
    subject: { peer: 'pinghu.330482', jti: id(), receipt: digest() },
  }));

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<T>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

describe.each(databases())('the audit log on %s', (_name, create) => {
  let test: TestDatabase;
  let db: Database;
  const started: AuditLog[] = [];

  function makeLog(over: Partial<AuditLogOptions> = {}, on: Database = db): AuditLog {
    const log = new AuditLog(on, {
      node,
      keys: keysOf(signer),
      holder: 'process-1',
      logger: createLogger('silent', node),
      now: () => new Date(),
      random: randomBytes,
      ...over,
    });
    started.push(log);
    return log;
  }

  async function appendTo(log: AuditLog, list: LogEvent[], on: Database = db): Promise<number[]> {
    return on.transaction((tx) => log.append(tx, list));
  }

  const sizes = async (): Promise<number[]> =>
    ((await db.read((tx) => tx.query('SELECT size FROM log_checkpoint ORDER BY size'))) as { size: unknown }[]).map(
      ({ size }) => Number(size),
    );

  beforeEach(async () => {
    test = await create();
    db = test.db;
  });

  afterEach(async () => {
    for (const log of started.splice(0)) await log.stop();
    await test.drop();
  });

  it('gives receipts that verify alone, and the same bytes whenever they are asked for again', async () => {
    const log = makeLog();
    log.start();
    const all: { ids: number[]; proofs: string[]; list: LogEvent[] }[] = [];
    for (const count of [1, 3, 64, 300, 1, 200]) {
      const list = events(count);
      const ids = await appendTo(log, list);
      const receipts = await within(5_000, log.integrated(ids));
      expect(receipts.map((receipt) => receipt.id)).toEqual(ids);
      all.push({ ids, proofs: receipts.map(({ proof }) => proof), list });
    }
    const indices = new Set<number>();
    for (const { ids, proofs, list } of all) {
      for (const [i, proof] of proofs.entries()) {
        const opened = openReceiptProof(proof, vkey);
        indices.add(opened.index);
        expect(parseLogEntry(opened.entry)).toMatchObject({ ...list[i], node });
      }
      const later = await Promise.all([0, ids.length - 1].map((i) => log.proofOf(ids[i]!)));
      expect(later.map(({ proof }) => proof)).toEqual([proofs[0], proofs.at(-1)]);
      // Asking to wait again gives them from the tables.
      const again = await within(5_000, log.integrated(ids));
      expect(again.map(({ proof }) => proof)).toEqual(proofs);
    }
    expect(indices.size).toBe(569);
    await log.stop();
    const restarted = makeLog();
    restarted.start();
    const { ids, proofs } = all[3]!;
    expect((await within(5_000, restarted.integrated(ids))).map(({ proof }) => proof)).toEqual(proofs);
    const more = await appendTo(restarted, events(2));
    const [first] = await within(5_000, restarted.integrated(more));
    expect(first!.index).toBe(569);
  });

  it('serves checkpoint, tiles and entries that rebuild the whole tree', async () => {
    const log = makeLog();
    log.start();
    expect(await log.checkpoint()).toBeNull();
    const roots = new Map<number, Buffer>();
    for (let i = 0; i < 5; i++) {
      await within(5_000, log.integrated(await appendTo(log, events(120))));
      const { size, root } = openCheckpoint((await log.checkpoint())!, parseVkey(vkey));
      roots.set(size, root);
    }
    let tree = TileTree.empty();
    for (let from = 0; ; from += 256) {
      const page = await log.entries(from, 1_000_000);
      if (page.length === 0) break;
      expect(page.map(({ index }) => index)).toEqual(page.map((_, i) => from + i));
      tree = tree.extend(page.map(({ entry }) => leafHash(entry))).tree;
    }
    expect([tree.size, tree.root()]).toEqual([...roots].at(-1));
    const readTile = async (level: number, index: number) => (await log.tile(level, index))!;
    expect((await TileTree.load(600, readTile)).root()).toEqual(tree.root());
    const [from, to] = [[...roots][0]!, [...roots].at(-1)!];
    const proof = await consistencyProof(from[0], to[0], readTile);
    expect(verifyConsistency(from[0], from[1], to[0], to[1], proof)).toBe(true);
    expect(await log.tile(0, 99)).toBeNull();
  });

  it('is part of the business transaction', async () => {
    const log = makeLog();
    log.start();
    await expect(
      db.transaction(async (tx) => {
        await log.append(tx, events(3));
        throw new GatewayError('WRONG_STATE');
      }),
    ).rejects.toMatchObject({ code: 'WRONG_STATE' });
    const bad = { event: 'node.started', subject: { version: '当事人甲' } } as LogEvent;
    await expect(appendTo(log, [events(1)[0]!, bad])).rejects.toMatchObject({ code: 'LOG_MALFORMED' });
    const [kept] = await within(5_000, log.integrated(await appendTo(log, events(1))));
    expect(kept!.index).toBe(0);
    await expect(log.proofOf(kept!.id + 1000)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await log.integrated([])).toEqual([]);
  });

  it('integrates many concurrent writers without gap or repetition', async () => {
    const log = makeLog();
    log.start();
    const receipts = (
      await within(
        20_000,
        Promise.all(
          Array.from({ length: 150 }, async (_, i) => {
            // Some roll back: their ids leave gaps.
            if (i % 7 === 0) {
              await db
                .transaction(async (tx) => {
                  await log.append(tx, events(2));
                  throw new Error('rolled back');
                })
                .catch(() => undefined);
            }
            return log.integrated(await appendTo(log, events(1 + (i % 5))), 15_000);
          }),
        ),
      )
    ).flat();
    const indices = receipts.map(({ index }) => index).sort((a, b) => a - b);
    expect(indices).toEqual(indices.map((_, i) => i));
    for (const { proof } of receipts) openReceiptProof(proof, vkey);
    expect((await sizes()).length).toBeLessThan(150);
  });

  it('takes more entries at once than one batch holds', async () => {
    const log = makeLog();
    const ids = await appendTo(log, events(1300));
    log.start();
    const receipts = await within(10_000, log.integrated(ids));
    expect(receipts.map(({ index }) => index)).toEqual(ids.map((_, i) => i));
    expect(await sizes()).toEqual([512, 1024, 1300]);
    expect(openReceiptProof(receipts[1299]!.proof, vkey).checkpoint.size).toBe(1300);
  });

  it('finds by itself what nobody announced', async () => {
    const log = makeLog({ pollMs: 20 });
    log.start();
    const ids = await appendTo(log, events(4));
    for (let i = 0; i < 100 && (await sizes()).length === 0; i++) await new Promise((r) => setTimeout(r, 20));
    expect(await sizes()).toEqual([4]);
    expect((await log.integrated(ids)).map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  it('lets waiters go with NOT_READY when their time is up or the log stops; the entries keep', async () => {
    const log = makeLog();
    const ids = await appendTo(log, events(1));
    await expect(log.integrated(ids, 50)).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(log.proofOf(ids[0]!)).rejects.toMatchObject({ code: 'NOT_READY' });
    const waiting = log.integrated(ids);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'NOT_READY' });
    await log.stop();
    await refused;
    log.start();
    expect(await log.integrated(ids)).toHaveLength(1);
  });

  describe('when a batch goes wrong', () => {
    /** A database whose transactions commit, or not, and then report a failure. */
    function losingAnswers(committed: boolean, times: number): Database {
      return new Proxy(db, {
        get(target, key) {
          if (key !== 'transaction') {
            const value = Reflect.get(target, key, target) as unknown;
            return typeof value === 'function' ? value.bind(target) : value;
          }
          return async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
            let integrating = false;
            const result = await target.transaction(async (tx) => {
              const value = await work(tx);
              integrating = Boolean((value as { tree?: unknown } | null)?.tree);
              if (integrating && !committed && times-- > 0) throw new Error('failed');
              return value;
            });
            if (integrating && committed && times-- > 0) throw new Error('failed but persisted');
            return result;
          };
        },
      });
    }

    it.each([
      ['failed', false],
      ['failed but persisted', true],
    ])('%s: every entry once, one tree per size', async (_what, committed) => {
      const log = makeLog({}, losingAnswers(committed, 3));
      log.start();
      const first = await appendTo(log, events(5));
      const receipts = await within(10_000, log.integrated(first));
      expect(receipts.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
      for (let i = 0; i < 4; i++) await within(10_000, log.integrated(await appendTo(log, events(2))));
      for (const { id: entry, proof } of receipts) {
        openReceiptProof(proof, vkey);
        expect((await log.proofOf(entry)).proof).toBe(proof);
      }
      expect(await sizes()).toEqual([5, 7, 9, 11, 13]);
      expect(log.failure).toBeNull();
    });

    it('never signs over tables that were tampered with', async () => {
      const log = makeLog();
      log.start();
      await within(5_000, log.integrated(await appendTo(log, events(300))));
      await log.stop();
      const before = await sizes();
      await db.transaction(async (tx) => {
        const [row] = (await tx.query('SELECT hashes FROM log_tile WHERE level = 0 AND idx = 1')) as {
          hashes: ArrayBuffer | Buffer;
        }[];
        const hashes = Buffer.from(row!.hashes as ArrayBuffer);
        hashes[40]! ^= 1;
        await tx.query('UPDATE log_tile SET hashes = ? WHERE level = ? AND idx = ?', [hashes, 0, 1]);
      });
      const next = makeLog();
      next.start();
      await expect(next.integrated(await appendTo(next, events(1)), 300)).rejects.toMatchObject({ code: 'NOT_READY' });
      expect(next.failure).toMatchObject({ code: 'LOG_INCONSISTENT' });
      expect(await sizes()).toEqual(before);
    });

    it('never continues a log under another key, nor one whose last checkpoint is gone', async () => {
      const log = makeLog();
      log.start();
      await within(5_000, log.integrated(await appendTo(log, events(3))));
      await within(5_000, log.integrated(await appendTo(log, events(3))));
      await log.stop();
      const other = makeLog({ keys: keysOf(newSigner()) });
      other.start();
      await expect(other.integrated(await appendTo(other, events(1)), 300)).rejects.toMatchObject({
        code: 'NOT_READY',
      });
      expect(other.failure).toMatchObject({ code: 'LOG_SIGNATURE_INVALID' });
      await other.stop();
      await db.transaction((tx) => tx.query('DELETE FROM log_checkpoint WHERE size = 6'));
      const cut = makeLog();
      cut.start();
      await expect(cut.integrated(await appendTo(cut, events(1)), 300)).rejects.toMatchObject({ code: 'NOT_READY' });
      expect(cut.failure).toMatchObject({ code: 'LOG_INCONSISTENT' });
    });
  });

  it('goes on from one key to the next without a gap: both sign while both are needed', async () => {
    const next = newSigner();
    let signers = [signer];
    let known = [signer.key];
    const log = makeLog({ keys: { signers: () => signers, known: () => known } });
    log.start();
    const receipt = async () => (await within(5_000, log.integrated(await appendTo(log, events(1)))))[0]!.proof;
    const opens = (proof: string, by: NoteSigner): boolean => {
      try {
        return openReceiptProof(proof, vkeyOf(by)).checkpoint.size > 0;
      } catch {
        return false;
      }
    };
    const before = await receipt();
    known = [next.key, signer.key];
    signers = [next, signer];
    const during = await receipt();
    signers = [next];
    const after = await receipt();
    expect([before, during, after].map((proof) => [opens(proof, signer), opens(proof, next)])).toEqual([
      [true, false],
      [true, true],
      [false, true],
    ]);
    // A restart finds a checkpoint of the key that signs now; before the change, one of a key that only was known.
    await log.stop();
    const restarted = makeLog({ keys: { signers: () => signers, known: () => known } });
    restarted.start();
    openReceiptProof(
      (await within(5_000, restarted.integrated(await appendTo(restarted, events(1)))))[0]!.proof,
      vkeyOf(next),
    );
  });

  it('starts with a new key over a checkpoint of the old one', async () => {
    const log = makeLog();
    log.start();
    await within(5_000, log.integrated(await appendTo(log, events(2))));
    await log.stop();
    const next = newSigner();
    const other = makeLog({ keys: { signers: () => [next], known: () => [next.key, signer.key] } });
    other.start();
    const [{ proof } = { proof: '' }] = await within(5_000, other.integrated(await appendTo(other, events(1))));
    expect(openReceiptProof(proof, vkeyOf(next)).checkpoint.size).toBe(3);
  });

  it('needs few statements for a batch', async () => {
    const log = makeLog();
    log.start();
    await within(5_000, log.integrated(await appendTo(log, events(10))));
    const statements: string[] = [];
    const counting = new Proxy(db, {
      get(target, key) {
        if (key !== 'transaction') {
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return <T>(work: (tx: Tx) => Promise<T>): Promise<T> =>
          target.transaction((tx) => {
            const runner = tx.queryRunner!;
            const query = runner.query.bind(runner);
            runner.query = ((sql: string, ...rest: []) => {
              statements.push(sql);
              return query(sql, ...rest);
            }) as typeof runner.query;
            return work(tx).finally(() => {
              runner.query = query;
            });
          });
      },
    });
    await log.stop();
    const counted = makeLog({}, counting);
    counted.start();
    await within(5_000, counted.integrated(await appendTo(counted, events(1))));
    statements.length = 0;
    await within(5_000, counted.integrated(await appendTo(counted, events(64))));
    // lease, pending, indices, tiles, checkpoint
    expect(statements.length).toBeLessThanOrEqual(5);
  });
});

describe.each(databases().filter(([name]) => name === 'mysql'))('two processes on one %s', (_name, create) => {
  it('share one log: one integrates, both get their receipts, and the other takes over', async () => {
    const test = await create();
    const second = await Database.open(test.url, entities, () => new Date());
    const options = {
      node,
      keys: keysOf(signer),
      logger: createLogger('silent', node),
      now: () => new Date(),
      random: randomBytes,
      leaseTtlMs: 400,
    };
    const a = new AuditLog(test.db, { ...options, holder: 'a' });
    const b = new AuditLog(second, { ...options, holder: 'b' });
    try {
      a.start();
      b.start();
      const run = async (log: AuditLog, on: Database, times: number) => {
        const all = [];
        for (let i = 0; i < times; i++) {
          const ids = await on.transaction((tx) => log.append(tx, events(1 + (i % 4))));
          all.push(...(await log.integrated(ids, 10_000)));
        }
        return all;
      };
      const both = await Promise.all([
        run(a, test.db, 25),
        run(b, second, 25),
        run(a, test.db, 25),
        run(b, second, 25),
      ]);
      await a.stop();
      both.push(await run(b, second, 10));
      const receipts = both.flat();
      const indices = receipts.map(({ index }) => index).sort((x, y) => x - y);
      expect(indices).toEqual(indices.map((_, i) => i));
      for (const { proof } of receipts) openReceiptProof(proof, vkey);
    } finally {
      await a.stop();
      await b.stop();
      await second.close();
      await test.drop();
    }
  });
});
