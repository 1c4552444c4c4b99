import { randomBytes } from 'node:crypto';
import type { AuditLog } from '@jieqiao/audit';
import {
  Certificate,
  createRoot,
  digestOf,
  issueCrl,
  type KeyAndCertificate,
  type LogEvent,
  ownRoot,
} from '@jieqiao/core';
import { CrlBook, CrlRow } from '@jieqiao/delivery';
import { Database } from '@jieqiao/platform';
import { databases, type TestDatabase } from '../support/databases';

const hour = 3_600_000;
const peer = 'jinshan.310116';

describe.each(databases())('revocation lists on %s', (_, create) => {
  let test: TestDatabase;
  let db: Database;
  let root: KeyAndCertificate;
  let events: LogEvent[];

  beforeAll(async () => {
    const validity = { notBefore: new Date(Date.now() - 1_000 * hour), notAfter: new Date(Date.now() + 10_000 * hour) };
    const authority = '上海市金山区城市管理行政执法局';
    root = await createRoot({ organisation: authority, commonName: `${authority}根证书` }, validity, '01');
  });
  beforeEach(async () => {
    events = [];
    test = await create();
    db = await Database.open(test.url, [CrlRow], () => new Date());
  });
  afterEach(async () => {
    await db.close();
    await test.drop();
  });

  const anchors = () => [ownRoot(Certificate.parse(root.certificatePem))];
  const list = (number: number) =>
    issueCrl(root, {
      number,
      thisUpdate: new Date(Date.now() - hour),
      nextUpdate: new Date(Date.now() + 48 * hour),
      // A list of some size, to see it through the column.
      revoked: Array.from({ length: 500 }, () => ({
        serial: `0${randomBytes(16).toString('hex').slice(1)}`,
        at: new Date(Date.now() - 2 * hour),
        reason: 'superseded' as const,
      })),
    });
  const open = () => {
    const append = async (_tx: unknown, event: LogEvent) => events.push(event);
    const settings = { graceMs: hour, maxAheadMs: hour };
    return new CrlBook(db, { append } as unknown as AuditLog, settings, () => new Date());
  };

  it('the newest is kept over a restart, byte for byte', async () => {
    const [first, second] = [await list(1), await list(2)];
    await open().take(peer, anchors(), [first]);
    await open().take(peer, anchors(), [second]);
    const restarted = open();
    await restarted.refresh();
    expect(restarted.all().map(({ raw }) => digestOf(raw))).toEqual([digestOf(second)]);
    expect(restarted.all()[0]!.raw.equals(second)).toBe(true);
    const [row, ...more] = await db.read((tx) => tx.find(CrlRow));
    expect(more).toEqual([]);
    expect(row).toMatchObject({ peer, number: 2, digest: digestOf(second) });
  });

  it('of several processes that meet several lists at once, all end with the newest', async () => {
    const lists = await Promise.all([1, 2, 3, 4, 5, 6].map(list));
    const books = lists.map(open);
    await Promise.all(books.map((book, i) => book.take(peer, anchors(), [lists[i]!])));
    for (const book of books) await book.refresh();
    const newest = digestOf(lists[5]!);
    expect(books.map((book) => book.digestsOf(anchors()))).toEqual(books.map(() => [newest]));
    const taken = events
      .filter(({ event }) => event === 'crl.taken')
      .map(({ subject }) => (subject as { number: number }).number);
    expect(taken).toEqual([...taken].sort((a, b) => a - b));
    expect(taken.at(-1)).toBe(6);
    expect(events).toHaveLength(6);
  });
});
