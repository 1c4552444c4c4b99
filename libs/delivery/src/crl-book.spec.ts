import { randomBytes } from 'node:crypto';
import type { AuditLog } from '@jieqiao/audit';
import {
  type Anchor,
  Certificate,
  createRoot,
  type Digest,
  digestOf,
  issueCrl,
  type KeyAndCertificate,
  type LogEvent,
  ownRoot,
} from '@jieqiao/core';
import { Database } from '@jieqiao/platform';
import { CrlBook, CrlRow } from './crl-book';

const hour = 3_600_000;
const peer = 'jinshan.310116';
const start = Date.parse('2026-11-23T04:07:13.000Z');

let now: number;
let db: Database;
let events: LogEvent[];
let book: CrlBook;
let root: KeyAndCertificate;
let anchors: Anchor[];

const anchorOf = (pair: KeyAndCertificate): Anchor => ownRoot(Certificate.parse(pair.certificatePem));
const makeRoot = (name: string) => {
  const validity = { notBefore: new Date(start - 1_000 * hour), notAfter: new Date(start + 10_000 * hour) };
  return createRoot({ organisation: name, commonName: `${name}根证书` }, validity, randomBytes(8).toString('hex'));
};
const list = (number: number, { by = root, from = -1, to = 48, revoked = [] as string[] } = {}) =>
  issueCrl(by, {
    number,
    thisUpdate: new Date(start + from * hour),
    nextUpdate: new Date(start + to * hour),
    revoked: revoked.map((serial) => ({ serial, at: new Date(start + from * hour), reason: 'key-compromise' })),
  });
const take = (...lists: Uint8Array[]) => book.take(peer, anchors, lists);
const openBook = () => {
  const audit = { append: async (_tx: unknown, event: LogEvent) => events.push(event) } as unknown as AuditLog;
  return new CrlBook(db, audit, { graceMs: 24 * hour, maxAheadMs: 120_000 }, () => new Date(now));
};
const logged = () => events.map(({ event, subject }) => [event, (subject as { code?: string }).code ?? '']);
const held = () => book.digestsOf(anchors);

beforeAll(async () => {
  root = await makeRoot('上海市金山区城市管理行政执法局');
  anchors = [anchorOf(root)];
});
beforeEach(async () => {
  now = start;
  events = [];
  db = await Database.open('sqlite::memory:', [CrlRow], () => new Date(now));
  book = openBook();
});
afterEach(() => db.close());

it('a first list is taken, logged and kept; the same one again is nothing new', async () => {
  const first = await list(3, { revoked: ['0A'] });
  await take(first);
  await take(first, first);
  const subject = { digest: digestOf(first), number: 3, peer };
  expect(events).toEqual([{ event: 'crl.taken', subject }]);
  expect(held()).toEqual([digestOf(first)]);
  expect(book.all()[0]!.entry('0A')).toMatchObject({ reason: 'key-compromise' });
});

it('a higher number replaces it, in either order of coming; a lower or the same number does not', async () => {
  const [older, middle, newest] = [await list(1), await list(2), await list(7)];
  const fork = await list(7, { revoked: ['0B'] });
  await take(middle);
  await take(older);
  await take(newest, fork);
  expect(held()).toEqual([digestOf(newest)]);
  const refused: [Uint8Array, string][] = [
    [older, 'CRL_ROLLED_BACK'],
    [fork, 'CRL_ROLLED_BACK'],
  ];
  const said = events.flatMap(({ event, subject }) => (event === 'crl.refused' ? [subject] : []));
  expect(said).toEqual(refused.map(([bytes, code]) => ({ code, digest: digestOf(bytes), peer })));
  expect(await db.read((tx) => tx.countBy(CrlRow, {}))).toBe(1);
});

it('what is refused once is not logged again with every Hello', async () => {
  await take(await list(2));
  const older = await list(1);
  for (let i = 0; i < 5; i++) await take(older);
  expect(logged()).toEqual([
    ['crl.taken', ''],
    ['crl.refused', 'CRL_ROLLED_BACK'],
  ]);
});

it('a stranger’s list, an altered one and none at all are refused; the good one beside them is taken', async () => {
  const stranger = await list(9, { by: await makeRoot('上海市金山区城市管理行政执法局') });
  const good = await list(1);
  const altered = Buffer.from(await list(9));
  altered[altered.length - 3]! ^= 1;
  await take(stranger, altered, Buffer.from('no list'), Buffer.alloc(0), good);
  expect(logged()).toEqual([
    ['crl.refused', 'CRL_SIGNATURE_INVALID'],
    ['crl.refused', 'CRL_SIGNATURE_INVALID'],
    ['crl.refused', 'CRL_MALFORMED'],
    ['crl.refused', 'CRL_MALFORMED'],
    ['crl.taken', ''],
  ]);
  expect(held()).toEqual([digestOf(good)]);
});

it('a list from the future waits for its time: logged once, taken when it has come', async () => {
  const early = await list(5, { from: 1 });
  await take(early);
  await take(early);
  expect(logged()).toEqual([['crl.refused', 'CLOCK_SKEW']]);
  expect(held()).toEqual([]);
  now = start + hour;
  await take(early);
  expect(held()).toEqual([digestOf(early)]);
});

it('roots have lists of their own', async () => {
  const second = await makeRoot('上海市金山区城市管理行政执法局');
  const [one, two] = [await list(8), await list(1, { by: second })];
  anchors = [anchorOf(root), anchorOf(second)];
  try {
    await take(one, two);
    expect(held()).toEqual([digestOf(one), digestOf(two)]);
    expect(book.digestsOf([anchorOf(second)])).toEqual([digestOf(two)]);
  } finally {
    anchors = [anchorOf(root)];
  }
});

it('is fresh to the end of the grace, without any list too, and again with the next one', async () => {
  const at = (hours: number) => book.fresh(anchors, new Date(start + hours * hour));
  expect(at(10_000)).toBe(true);
  await take(await list(1, { to: 48 }));
  expect([at(47), at(48), at(72), at(72.001)]).toEqual([true, true, true, false]);
  await take(await list(2, { to: 96 }));
  expect(at(72.001)).toBe(true);
});

it('another process learns of it, and can’t fall back behind it', async () => {
  const other = openBook();
  const digests = (which: CrlBook): Digest[] => which.digestsOf(anchors);
  await take(await list(4));
  expect(digests(other)).toEqual([]);
  // It has not looked yet, and the peer shows it an older list.
  await other.take(peer, anchors, [await list(3)]);
  expect(logged().at(-1)).toEqual(['crl.refused', 'CRL_ROLLED_BACK']);
  await other.refresh();
  expect(digests(other)).toEqual(held());
});

it('a list whose log entry can’t be written is not taken', async () => {
  const audit = { append: () => Promise.reject(new Error('disk full')) } as unknown as AuditLog;
  const broken = new CrlBook(db, audit, { graceMs: 0, maxAheadMs: 0 }, () => new Date(now));
  await expect(broken.take(peer, anchors, [await list(1)])).rejects.toThrow('disk full');
  expect(broken.all()).toEqual([]);
  await book.refresh();
  expect(held()).toEqual([]);
});
