import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '@jieqiao/access';
import { digestOf } from '@jieqiao/core';
import { createLogger } from '@jieqiao/platform';
import { type Catalogue, catalogueLimits, encodeCatalogue } from '@jieqiao/recognition';
import request from 'supertest';
import { Gateway } from '../../apps/gateway/src/gateway';
import { sampleRow, shippedCatalogues } from '../support/catalogues';
import { loggedBy } from '../support/exchange-fixture';
import { type HttpNode, startHttpNode } from '../support/http-node';

jest.setTimeout(60_000);

const mediaType = 'application/vnd.jieqiao.catalogue+json';
let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode();
});
afterAll(() => node.close());

const get = async (path: string, role: Role = 'handler') =>
  request(node.server)
    .get(`/api/v1/${path}`)
    .set('authorization', `Bearer ${await node.token(role)}`);
const post = async (body: Uint8Array, role: Role = 'administrator', type = mediaType) =>
  request(node.server)
    .post('/api/v1/catalogues')
    .set('authorization', `Bearer ${await node.token(role)}`)
    .set('content-type', type)
    .send(Buffer.from(body).toString());
const refused = (params: object) => ({ status: 400, body: { code: 'VALIDATION_FAILED', params } });

const shanghai = (change: Partial<Catalogue>, version = 2): Buffer =>
  encodeCatalogue({ ...shippedCatalogues().get('shanghai.310000')!, version, ...change });
const folder = () => join(node.gateway.config.dataDir, 'catalogues');
const editions = async () => {
  const { body } = await get('catalogues');
  return (body.items as { id: string; version: number; origin: string; inUse: boolean }[]).map(
    ({ id, version, origin, inUse }) => `${id} ${version} ${origin}${inUse ? ' in use' : ''}`,
  );
};
const imported = async () =>
  (await loggedBy(node.gateway.db)).flatMap((entry) => (entry.event === 'catalogue.imported' ? [entry.subject] : []));

describe('the catalogues at a node', () => {
  it('are the shipped ones until somebody takes another edition in; nothing invented is among them', async () => {
    expect(await editions()).toEqual([
      'common.cn 2 shipped in use',
      'delta.cn 1 shipped in use',
      'national.cn 1 shipped in use',
      'shanghai.310000 1 shipped in use',
      'zhejiang.330400 1 shipped in use',
    ]);
    const { body } = await get('catalogues');
    const file = readFileSync(join(__dirname, '../../libs/recognition/catalogues/shanghai.310000.json'));
    expect(body.items[3]).toMatchObject({ digest: digestOf(file), from: '2022-01-01', to: null });
    expect(body.items.flatMap(({ statuses }: { statuses: object }) => Object.keys(statuses))).not.toContain('sample');
  });

  it('are for every role to read, and for nobody without a session', async () => {
    const roles: Role[] = ['handler', 'squad-lead', 'legal-reviewer', 'head', 'seal-keeper', 'clerk', 'supervisor'];
    for (const role of [...roles, 'administrator', 'security-auditor'] as Role[]) {
      for (const path of ['catalogues', 'catalogues/return-codes', 'regions']) {
        expect((await get(path, role)).status).toBe(200);
      }
    }
    for (const path of ['catalogues', 'catalogues/items', 'regions']) {
      expect((await request(node.server).get(`/api/v1/${path}`)).status).toBe(401);
    }
  });
});

describe('candidate items', () => {
  const ask = (query: Record<string, string>) => get(`catalogues/items?${new URLSearchParams(query)}`);
  const dumping = { family: 'construction-waste-dumping', place: '330482102', day: '2022-09-05' };

  it('come with their articles, fines, preconditions and what they give way to', async () => {
    const { body, status } = await ask(dumping);
    expect(status).toBe(200);
    const codes = body.items.map(({ item }: { item: { code: string } }) => item.code);
    expect(codes).toEqual(expect.arrayContaining(['x-JX-JZLJ-9', 'x-ZJ-SR-28', 'x-CN-GF-111-4']));
    expect(codes).not.toContain('x-SH-SR-44-5');
    const spoil = body.items.find(({ item }: { item: { code: string } }) => item.code === 'x-ZJ-SR-28');
    expect(spoil.fines.map(({ min, max }: { min: number; max: number }) => [min, max]).sort()).toEqual([
      [0, 200],
      [100_000, 1_000_000],
    ]);
    expect(
      spoil.bases.some(
        ({ role, article }: { role: string; article: number }) => role === 'liability' && article === 28,
      ),
    ).toBe(true);
    expect(spoil.item.preconditions).toEqual([]);
    expect(spoil.yieldsTo.length).toBeGreaterThan(0);
    expect(body.more).toBe(false);
  });

  it('are narrowed by what the party is, by words, and by number', async () => {
    const person = await ask({ ...dumping, actor: 'person', q: 'x-ZJ-SR-28' });
    expect(person.body.items[0].fines).toHaveLength(1);
    expect((await ask({ ...dumping, q: '没有这种' })).body).toEqual({ items: [], more: false });
    expect(await ask({ ...dumping, limit: '1' })).toMatchObject({ status: 200, body: { items: [{}], more: true } });
  });

  it('of today where no day is given, by the law of the day where one is', async () => {
    const codes = async (day: string) =>
      (await ask({ ...dumping, place: '310116', day })).body.items.map(
        (each: { item: { code: string } }) => each.item.code,
      );
    expect(await codes('2026-08-14')).toContain('x-CN-GF-111-4');
    expect(await codes('2026-08-15')).not.toContain('x-CN-GF-111-4');
    // The node's clock stands in August 2022.
    const today = await ask({ family: dumping.family, place: '310116' });
    expect(today.body.items.length).toBe((await codes('2022-08-19')).length);
  });

  it.each<[what: string, query: Record<string, string>, params: object]>([
    ['an unknown family', { family: 'no-such-thing' }, { reason: 'unknown-family', pointer: '/family' }],
    ['a place that does not exist', { place: '331982' }, { reason: 'place-unknown', pointer: '/place' }],
    ['a place that had ended', { place: '330104', day: '2023-01-01' }, { reason: 'place-ended', pointer: '/place' }],
    ['a code of no form', { place: '3304' }, { reason: 'place-form', pointer: '/place' }],
    ['a day that is none', { day: '2022-02-30' }, { reason: 'day' }],
    ['a day before any catalogue', { day: '2021-12-31' }, { reason: 'day-outside-catalogue' }],
  ])('are refused for %s', async (_, query, params) => {
    expect(await ask({ ...dumping, ...query })).toMatchObject(refused(params));
  });

  it.each<[query: string, code: string]>([
    ['family=construction-waste-dumping', 'REQUIRED'],
    ['family=Dumping&place=330482', 'WRONG_FORM'],
    ['family=a&place=330482&limit=201', 'OUT_OF_RANGE'],
    ['family=a&place=330482&actor=nobody', 'NOT_ALLOWED'],
    ['family=a&place=330482&colour=red', 'UNKNOWN_FIELD'],
    ['family=a&family=b&place=330482', 'WRONG_TYPE'],
    [`family=a&place=330482&q=${'x'.repeat(61)}`, 'TOO_LONG'],
  ])('need a question that makes sense: %s', async (query, code) => {
    const answer = await get(`catalogues/items?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ code }] } });
  });
});

describe('one item', () => {
  it('comes with the other side’s', async () => {
    const { body } = await get('catalogues/items/x-SH-SR-44-5?day=2022-09-05');
    expect(body).toMatchObject({ item: { code: 'x-SH-SR-44-5' }, fines: [{ min: 5_000, max: 50_000 }] });
    expect(body.equivalents.length).toBeGreaterThan(0);
    for (const { item } of body.equivalents)
      expect((await get(`catalogues/items/${item}?day=2022-09-05`)).status).toBe(200);
  });

  it('is not found when unknown, or not yet there on that day', async () => {
    for (const path of ['no-such?day=2022-09-05', 'x-CN-ST-1169-1?day=2026-08-14', 'constructor', '%00', 'diff']) {
      expect(await get(`catalogues/items/${path}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
    expect((await get('catalogues/items/x-CN-ST-1169-1?day=2026-08-15')).status).toBe(200);
    expect(await get('catalogues/items/x-SH-SR-44-5?day=2021-01-01')).toMatchObject(
      refused({ reason: 'day-outside-catalogue' }),
    );
  });
});

it('return codes and documents are told', async () => {
  const codes = await get('catalogues/return-codes');
  expect(codes.body.items).toEqual(
    expect.arrayContaining([expect.objectContaining({ code: 'NO_TERRITORY', rules: ['R02'] })]),
  );
  const documents = await get('catalogues/document-types');
  expect(documents.body.items.map(({ number }: { number: number }) => number)).toEqual(
    Array.from({ length: 31 }, (_, i) => i + 1),
  );
  expect(await get('catalogues/document-types?day=2021-01-01')).toMatchObject(
    refused({ reason: 'day-outside-catalogue' }),
  );
});

it('regions are found by name, code and what they lie in', async () => {
  expect((await get('regions')).body.items).toHaveLength(34);
  const found = await get(`regions?q=${encodeURIComponent('新埭')}`);
  expect(found.body).toMatchObject({
    items: [{ code: '330482102', level: 'town' }],
    more: false,
    listedOn: '2024-12-31',
  });
  const below = await get('regions?parent=330400&day=2022-09-05');
  expect(below.body.items.map(({ name }: { name: string }) => name)).toContain('平湖市');
  expect(await get('regions?parent=330400&limit=2')).toMatchObject({ body: { items: [{}, {}], more: true } });
  expect(await get('regions?day=2019-01-01')).toMatchObject(refused({ reason: 'day-outside-regions' }));
  expect(await get('regions?parent=33')).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/parent', code: 'WRONG_FORM' }] },
  });
});

describe('an edition', () => {
  const { items, sources } = shippedCatalogues().get('shanghai.310000')!;
  const renamed = () => shanghai({ items: items.map((item, i) => (i === 0 ? { ...item, name: '改过的案由' } : item)) });

  it('is taken in by an administrator alone', async () => {
    for (const role of ['handler', 'head', 'supervisor', 'security-auditor'] as const) {
      expect(await post(renamed(), role)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    }
    expect(existsSync(folder())).toBe(false);
  });

  it.each<[what: string, bytes: () => Buffer, params: object]>([
    ['no JSON', () => Buffer.from('目录'), { reason: 'not-json' }],
    ['blanks between', () => Buffer.concat([Buffer.from(' '), renamed()]), { reason: 'not-canonical' }],
    [
      'a range the wrong way round',
      () => {
        const text = renamed().toString();
        const wrong = text.replace(
          '"effective":{"from":"2022-01-01","to":null}',
          '"effective":{"from":"2022-01-01","to":"2021-01-01"}',
        );
        expect(wrong).not.toBe(text);
        return Buffer.from(wrong);
      },
      { reason: 'empty-range', pointer: '/effective/to' },
    ],
    [
      'a code that nothing knows',
      () =>
        shanghai({
          powers: [{ ...sampleRow, source: sources[0]!.code, authority: '某局', item: 'x-NONE', noticeNo: '1' }],
        }),
      { reason: 'unknown-reference', catalogue: 'shanghai.310000', pointer: '/powers/0/item' },
    ],
    [
      'days for which no other answers',
      () => shanghai({ effective: { from: '2010-01-01', to: '2011-01-01' } }),
      { reason: 'no-common-day' },
    ],
    [
      'a version that is in use',
      () => shanghai({ title: '别的' }, 1),
      { reason: 'version-not-newer', catalogue: 'shanghai.310000', version: 1, newest: 1 },
    ],
  ])('is refused with %s', async (_, bytes, params) => {
    expect(await post(bytes())).toMatchObject(refused(params));
    expect(existsSync(folder())).toBe(false);
    expect(await imported()).toEqual([]);
  });

  it('too large, or in another media type, is not read', async () => {
    expect(await post(Buffer.alloc(catalogueLimits.maxBytes + 1, 0x20))).toMatchObject({
      status: 413,
      body: { code: 'BODY_TOO_LARGE' },
    });
    expect(await post(Buffer.from('{}'), 'administrator', 'application/json')).toMatchObject({ status: 415 });
  });

  it('is in use at once, logged, and kept beside the one before it', async () => {
    const bytes = renamed();
    const answer = await post(bytes);
    expect(answer).toMatchObject({
      status: 200,
      body: { id: 'shanghai.310000', version: 2, digest: digestOf(bytes), origin: 'own', inUse: true },
    });
    expect(await editions()).toEqual(
      expect.arrayContaining(['shanghai.310000 1 shipped', 'shanghai.310000 2 own in use']),
    );
    expect(await imported()).toEqual([{ digest: digestOf(bytes), id: 'shanghai.310000', version: 2 }]);
    expect(readdirSync(folder())).toEqual(['shanghai.310000@2.json']);
    const { code } = shippedCatalogues().get('shanghai.310000')!.items[0]!;
    expect((await get(`catalogues/items/${code}?day=2022-09-05`)).body.item.name).toBe('改过的案由');
    // The same once more.
    expect((await post(bytes)).status).toBe(200);
    expect(await imported()).toHaveLength(1);
    const diff = await get('catalogues/shanghai.310000/diff?from=1&to=2');
    expect(diff.body.changes).toMatchObject([
      { kind: 'catalogue', change: 'changed', columns: [{ column: 'version', before: 1, after: 2 }] },
      { kind: 'items', change: 'changed', columns: [{ column: 'name', after: '改过的案由' }] },
    ]);
    for (const path of ['shanghai.310000/diff?from=1&to=9', 'beijing.110000/diff?from=1&to=2', 'x/diff?from=1&to=2']) {
      expect((await get(`catalogues/${path}`)).status).toBe(404);
    }
  });

  it('that another text has taken the number of is refused, and what was there stays', async () => {
    const other = shanghai({ title: '另一份' });
    expect(await post(other)).toMatchObject(refused({ reason: 'version-not-newer', version: 2, newest: 2 }));
    expect(await imported()).toHaveLength(1);
  });

  it('of two at the same moment, one is taken in', async () => {
    const texts = ['甲', '乙'].map((title) => shanghai({ title }, 3));
    const answers = await Promise.all(texts.map((text) => post(text)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(await editions()).toContain('shanghai.310000 3 own in use');
  });
});

describe('another process of the node', () => {
  it('takes up what came in meanwhile, and keeps what it has while a file is no catalogue', async () => {
    const { config, now } = node.gateway;
    const other = await Gateway.open(config, createLogger('error', config.node, { write: () => undefined }), now);
    try {
      const version = () => other.catalogues.current().catalogues.find(({ id }) => id === 'shanghai.310000')!.version;
      expect(version()).toBe(3);
      await node.gateway.catalogues.import(shanghai({}, 4));
      expect(version()).toBe(3);
      await other.catalogues.refresh();
      expect(version()).toBe(4);

      const broken = join(folder(), 'shanghai.310000@5.json');
      for (const [bytes, reason] of [
        [shanghai({}, 6), 'misnamed'],
        [Buffer.from('{'), 'not-json'],
        [Buffer.alloc(catalogueLimits.maxBytes + 1), 'too-large'],
      ] as const) {
        writeFileSync(broken, bytes);
        await expect(other.catalogues.refresh()).rejects.toMatchObject({
          code: 'VALIDATION_FAILED',
          params: { reason, file: 'shanghai.310000@5.json' },
        });
        expect(version()).toBe(4);
      }
      // Who starts has nothing in use yet, and does not start half.
      const third = await Gateway.open(config, createLogger('error', config.node, { write: () => undefined }), now);
      await expect(third.start()).rejects.toMatchObject({ params: { file: 'shanghai.310000@5.json' } });
      await third.stop();
      rmSync(broken);
      // Whoever takes a file away goes back to the edition before it.
      rmSync(join(folder(), 'shanghai.310000@4.json'));
      await other.catalogues.refresh();
      expect(version()).toBe(3);
      expect(other.catalogues.versions('shanghai.310000').map(({ catalogue }) => catalogue.version)).toEqual([1, 2, 3]);
      expect(other.catalogues.edition('shanghai.310000', 1).origin).toBe('shipped');
    } finally {
      await other.stop();
    }
  });
});
