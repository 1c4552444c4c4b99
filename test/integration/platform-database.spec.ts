import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type GatewayError } from '@jieqiao/core';
import { Batcher, Database, insertRows, isDuplicate, Lease, LeaseRow } from '@jieqiao/platform';
import { databases, type TestDatabase } from '../support/databases';

const row = (name: string) => ({ name, holder: 'h', token: 1, expiresAt: '2026-01-01T00:00:00.000Z' });

describe.each(databases())('database on %s', (_name, create) => {
  let test: TestDatabase;
  let db: Database;

  beforeAll(async () => {
    test = await create();
    db = test.db;
  });
  afterAll(() => test.drop());

  it('commits together or not at all', async () => {
    await db.transaction((tx) => insertRows(tx, LeaseRow, [row('a'), row('b')]));
    const failing = db.transaction(async (tx) => {
      await insertRows(tx, LeaseRow, [row('c')]);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await db.read((tx) => tx.countBy(LeaseRow, { holder: 'h' }))).toBe(2);
  });

  it('names a duplicate key', async () => {
    const error = await db.transaction((tx) => insertRows(tx, LeaseRow, [row('a')])).catch((e: unknown) => e);
    expect(isDuplicate(error)).toBe(true);
  });

  it('runs transactions side by side without mixing them up', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        db.transaction(async (tx) => {
          await insertRows(tx, LeaseRow, [row(`p${i}`)]);
          if (i % 2) throw new Error('odd');
        }),
      ),
    );
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(10);
    const names = (await db.read((tx) => tx.find(LeaseRow))).map((r) => r.name).filter((name) => name.startsWith('p'));
    expect(names.sort()).toEqual(Array.from({ length: 10 }, (_, i) => `p${i * 2}`).sort());
  });

  it('migrates once, and a second start finds all done', async () => {
    const again = await Database.open(test.url, [LeaseRow], () => new Date());
    const done: { name: string }[] = await again.read((tx) => tx.query('SELECT name FROM schema_migration'));
    const written = readdirSync(join(__dirname, '../../libs/platform/src/migrations')).filter((file) =>
      /^\d/.test(file),
    );
    expect(written.length).toBeGreaterThan(1);
    expect(done.map(({ name }) => `${name}.ts`).sort()).toEqual(written.sort());
    await again.close();
  });

  it('a lease has one holder, returns to it after a restart, and fences the old one out', async () => {
    let time = Date.parse('2026-01-01T00:00:00Z');
    const lease = (holder: string) => new Lease(db, 'lane', holder, 5_000, () => new Date(time));
    const first = lease('one');
    expect(await first.acquire()).toBe(true);
    expect(await lease('two').acquire()).toBe(false);
    const restarted = lease('one');
    expect(await restarted.acquire()).toBe(true);
    await expect(db.transaction((tx) => first.assertHeld(tx))).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await db.transaction((tx) => restarted.assertHeld(tx));
    time += 6_000;
    const third = lease('three');
    expect(await third.acquire()).toBe(true);
    await expect(db.transaction((tx) => restarted.assertHeld(tx))).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await third.release();
    expect(await lease('four').acquire()).toBe(true);
  });
});

it('a database that cannot be reached is named so, without the password', async () => {
  const error = (await Database.open('mysql://u:secret@127.0.0.1:1/x', [LeaseRow], () => new Date()).catch(
    (e: unknown) => e,
  )) as GatewayError;
  expect(error.code).toBe('DATABASE_UNAVAILABLE');
  expect(error.message).not.toContain('secret');
});

it('a batcher answers each caller and keeps order', async () => {
  const sizes: number[] = [];
  const batcher = new Batcher<number, number>(async (items) => {
    sizes.push(items.length);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return items.map((item) =>
      item === 3 ? { status: 'rejected', reason: new Error('three') } : { status: 'fulfilled', value: item * 2 },
    );
  }, 4);
  const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => batcher.add(i)));
  expect(sizes).toEqual([4, 4, 2]);
  expect(results.map((r) => (r.status === 'fulfilled' ? r.value : 'no'))).toEqual([
    0,
    2,
    4,
    'no',
    8,
    10,
    12,
    14,
    16,
    18,
  ]);
});
