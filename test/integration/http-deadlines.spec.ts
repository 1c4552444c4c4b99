import { randomBytes } from 'node:crypto';
import type { Role } from '@jieqiao/access';
import { uuidv7 } from '@jieqiao/core';
import request from 'supertest';
import { type HttpNode, startHttpNode } from '../support/http-node';
import { cn, TransferPair } from '../support/transfer-pair';

const start = cn('2022-10-20 09:00');
const newId = () => uuidv7(Date.parse(start), randomBytes(10));
let node: HttpNode;
const transfers: string[] = [];

beforeAll(async () => {
  node = await startHttpNode({
    at: start,
    config: (config) => {
      config.numbers.prefix = '平综执';
      config.scheduler.pollSeconds = 1;
    },
  });
  // Accepted at various times: reminders have come, and of the first clocks the end.
  for (const day of ['2022-09-15', '2022-09-20', '2022-10-13', '2022-10-19']) {
    const pair = new TransferPair('CASE', false, newId());
    pair.send(cn(`${day} 09:00`));
    pair.arrive(cn(`${day} 09:01`));
    const life = pair.lives.receiver;
    transfers.push(life.transfer);
    // Stored as it came, when there was nothing to remind of yet.
    await node.gateway.db.transaction((tx) => node.gateway.clocks.sync(tx, [{ life }], cn(`${day} 09:02`)));
  }
}, 30_000);
afterAll(() => node.close());

const call = async (role: Role, method: 'get' | 'post', path: string, body?: object) => {
  const token = await node.token(role);
  const sent = request(node.server)[method](`/api/v1${path}`).set('authorization', `Bearer ${token}`);
  return body === undefined ? sent : sent.send(body);
};

/** The scheduler runs by itself. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Listed {
  id: string;
  transfer: string;
  number: string;
  state: string;
}

const pages = async (role: Role, path: string) => {
  const items: Listed[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const page: request.Response = await call(role, 'get', next);
    expect(page.status).toBe(200);
    items.push(...page.body.items);
    next = /^<\/api\/v1([^>]+)>; rel="next"$/.exec(page.headers.link ?? '')?.[1];
  }
  return items;
};

describe('deadlines', () => {
  it('are listed by their end, with what is left, and why', async () => {
    const all = await pages('clerk', '/deadlines?limit=1');
    expect(all.map(({ transfer }) => transfer)).toEqual(transfers);
    expect(all[3]).toEqual({
      ...{ id: expect.any(String), transfer: transfers[3], clock: 'acceptance', matter: null },
      ...{ owner: 'receiver', side: 'receiver', length: { unit: 'working-days', amount: 5, rolls: false } },
      ...{ basis: { law: '互认协议', article: '时限' }, startedAt: cn('2022-10-19 09:01') },
      ...{ due: { day: '2022-10-26', at: cn('2022-10-27 00:00') }, left: 5, overdue: false },
      ...{ paused: null, stopped: null, fault: null },
    });
    const page = await call('clerk', 'get', '/deadlines');
    expect(page.headers['cache-control']).toBe('no-store');
    expect((await pages('head', '/deadlines?overdue=true&limit=1')).map(({ transfer }) => transfer)).toEqual(
      transfers.slice(0, 2),
    );
    expect(
      (await pages('head', '/deadlines?before=2022-10-26T00:00:00%2B08:00')).map(({ transfer }) => transfer),
    ).toEqual(transfers.slice(0, 3));
  });

  it.each(['overdue=maybe', 'before=2022-13-45T00:00:00Z', 'before=tomorrow', 'limit=0', 'cursor=AAAA', 'x=1'])(
    'refuse %s',
    async (query) => {
      const answer = await call('clerk', 'get', `/deadlines?${query}`);
      expect([answer.status, answer.body.code]).toEqual([400, 'VALIDATION_FAILED']);
    },
  );
});

describe('the scheduler of a running node', () => {
  it('reminds a role, and one of its people acknowledges', async () => {
    const reminder = await until(async () => (await pages('handler', '/reminders?limit=1'))[0]);
    expect(reminder).toMatchObject({ role: 'handler', ended: null, clock: { clock: 'acceptance' } });
    const acknowledged = await call('handler', 'post', `/reminders/${reminder.id}/acknowledge`);
    expect(acknowledged.status).toBe(200);
    expect(acknowledged.body.ended.person).toEqual(expect.any(String));
    expect((await pages('handler', '/reminders')).map(({ id }) => id)).not.toContain(reminder.id);
    expect((await call('legal-reviewer', 'post', `/reminders/${reminder.id}/acknowledge`)).status).toBe(403);
    expect((await call('handler', 'post', `/reminders/${newId()}/acknowledge`)).status).toBe(404);
  });

  it('opens supervision items, which the supervisor closes with a text', async () => {
    const items = await until(async () => {
      const found = await pages('supervisor', '/supervision-items?limit=1');
      return found.length === 2 ? found : undefined;
    });
    expect(items.map(({ transfer }) => transfer).sort()).toEqual(transfers.slice(0, 2).sort());
    const path = `/supervision-items/${items[0]!.id}/close`;
    expect((await call('supervisor', 'post', path, {})).status).toBe(400);
    const closed = await call('supervisor', 'post', path, { note: '已发监督通知书' });
    expect(closed.body.closed).toMatchObject({ note: '已发监督通知书', by: null });
    const again = await call('supervisor', 'post', path, { note: '再' });
    expect([again.status, again.body.code]).toEqual([409, 'WRONG_STATE']);
    expect(await pages('head', '/supervision-items?state=closed')).toMatchObject([{ id: items[0]!.id }]);
    expect(await pages('squad-lead', '/supervision-items')).toMatchObject([{ id: items[1]!.id }]);
  });
});

describe('numbers', () => {
  it('are given, voided and listed', async () => {
    const first = await call('handler', 'post', '/numbers', { type: 'lead-transfer-letter' });
    expect([first.status, first.body.number]).toEqual([201, '平综执线移〔2022〕第1号']);
    const second = await call('seal-keeper', 'post', '/numbers', { type: 'case-transfer-letter' });
    expect(second.body.number).toBe('平综执移字〔2022〕第1号');
    const voided = await call('handler', 'post', `/numbers/${first.body.id}/void`, { reason: '重复编号' });
    expect(voided.body).toMatchObject({ state: 'voided', voided: { reason: '重复编号' } });
    expect((await call('handler', 'post', `/numbers/${first.body.id}/void`, { reason: 'x' })).status).toBe(409);
    const third = await call('handler', 'post', '/numbers', { type: 'lead-transfer-letter' });
    expect(third.body.number).toBe('平综执线移〔2022〕第2号');
    const listed = await pages('clerk', '/numbers?type=lead-transfer-letter&year=2022&limit=1');
    expect(listed.map(({ number, state }) => [number, state])).toEqual([
      ['平综执线移〔2022〕第2号', 'issued'],
      ['平综执线移〔2022〕第1号', 'voided'],
    ]);
    expect(await pages('clerk', '/numbers?year=2021')).toEqual([]);
  });

  it.each([{}, { type: 'love-letter' }, { type: 'notice-sheet', squad: 0 }, { type: 'notice-sheet', squad: 3 }])(
    'are not given for %j',
    async (body) => {
      expect((await call('handler', 'post', '/numbers', body)).body.code).toBe('VALIDATION_FAILED');
    },
  );
});

describe('who may', () => {
  const id = '0193569e-7b2c-7000-8000-000000000001';
  const casework: Role[] = ['handler', 'squad-lead', 'legal-reviewer', 'head', 'seal-keeper', 'clerk'];
  const readers: Role[] = [...casework, 'supervisor'];
  const all: Role[] = [...readers, 'administrator', 'security-auditor'];
  const endpoints: [method: 'get' | 'post', path: string, body: object | undefined, allowed: Role[]][] = [
    ['get', '/deadlines', undefined, readers],
    ['get', '/supervision-items', undefined, ['supervisor', 'head', 'squad-lead']],
    ['post', `/supervision-items/${id}/close`, { note: 'x' }, ['supervisor']],
    ['get', '/reminders', undefined, readers],
    ['post', `/reminders/${id}/acknowledge`, undefined, readers],
    ['post', '/numbers', { type: 'notice-sheet' }, ['handler', 'seal-keeper']],
    ['post', `/numbers/${id}/void`, { reason: 'x' }, ['handler', 'seal-keeper']],
    ['get', '/numbers', undefined, readers],
  ];

  it.each(endpoints)('%s %s', async (method, path, body, allowed) => {
    for (const role of all) {
      const { status } = await call(role, method, path, body);
      if (allowed.includes(role)) expect([role, [200, 201, 404].includes(status)]).toEqual([role, true]);
      else expect([role, status]).toEqual([role, 403]);
    }
  });
});
