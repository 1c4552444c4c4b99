import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '@jieqiao/access';
import { errorCodes } from '@jieqiao/core';
import request from 'supertest';
import { errorKinds } from '../../apps/gateway/src/errors/errors';
import { type HttpNode, startHttpNode } from '../support/http-node';

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({
    config: (config) => {
      config.limits.bodyBytes = 64 * 1024;
      config.session.attemptsPerMinute = 1000;
    },
  });
}, 30_000);
afterAll(() => node.close());

const id = '01900000-0000-7000-8000-000000000001';
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head';
interface Route {
  method: Method;
  path: string;
  /** A role that may not; null where everybody signed in may. */
  stranger: 'administrator' | 'handler' | null;
  /** A role that may, where the handler may not. */
  allowed?: Role;
  body?: object;
  headers?: Record<string, string>;
}

const upload = { 'tus-resumable': '1.0.0', 'upload-offset': '0' };
const evidence = `/api/v1/transfers/${id}/evidence`;
const anyRole = (path: string): Route => ({ method: 'get', path: `/api/v1/${path}`, stranger: null });
const routes: Route[] = [
  { method: 'delete', path: '/api/v1/session', stranger: null },
  { method: 'get', path: '/api/v1/me', stranger: null },
  { method: 'post', path: '/api/v1/transfers', stranger: 'administrator', body: { to: 'pinghu.330482', kind: 'LEAD' } },
  { method: 'get', path: '/api/v1/transfers', stranger: 'administrator' },
  {
    method: 'post',
    path: `/api/v1/transfers/${id}/reveal`,
    stranger: 'administrator',
    body: { pointer: '/parties/0/personal/idNumber', reason: 'identify-person', text: '核对' },
  },
  { method: 'get', path: `/api/v1/transfers/${id}`, stranger: 'administrator' },
  {
    method: 'patch',
    path: `/api/v1/transfers/${id}`,
    stranger: 'administrator',
    body: { title: 'x' },
    headers: { 'if-match': '"1"' },
  },
  { method: 'get', path: `/api/v1/transfers/${id}/check`, stranger: 'administrator' },
  {
    method: 'post',
    path: `/api/v1/transfers/${id}/commands`,
    stranger: 'administrator',
    body: { command: 'sign' },
    headers: { 'idempotency-key': 'k' },
  },
  {
    method: 'put',
    path: `/api/v1/transfers/${id}/decisions`,
    stranger: 'handler',
    allowed: 'legal-reviewer',
    body: { decisions: [{ evidence: 'EV-1', level: 'DIRECT' }] },
    headers: { 'if-match': '"1"' },
  },
  {
    method: 'put',
    path: `/api/v1/transfers/${id}/findings`,
    stranger: 'administrator',
    body: { gains: 3000 },
    headers: { 'if-match': '"1"' },
  },
  { method: 'get', path: `/api/v1/transfers/${id}/documents`, stranger: 'administrator' },
  { method: 'get', path: `/api/v1/transfers/${id}/bundle`, stranger: 'administrator' },
  { method: 'get', path: `/api/v1/transfers/${id}/receipt`, stranger: 'administrator' },
  { method: 'get', path: `/api/v1/transfers/${id}/envelope`, stranger: 'administrator' },
  {
    method: 'post',
    path: evidence,
    stranger: 'administrator',
    body: {
      fileName: 'a.jpg',
      mediaType: 'image/jpeg',
      bytes: 1,
      data: { kind: 'documentary', title: 't', isOriginal: true, collectors: [] },
    },
  },
  {
    method: 'patch',
    path: `${evidence}/${id}`,
    stranger: 'administrator',
    body: { kind: 'documentary', title: 't', isOriginal: true, collectors: [] },
  },
  { method: 'delete', path: `${evidence}/${id}`, stranger: 'administrator' },
  { method: 'patch', path: `${evidence}/${id}/content`, stranger: 'administrator', headers: upload },
  { method: 'get', path: `${evidence}/${id}/content`, stranger: 'administrator' },
  { method: 'head', path: `${evidence}/${id}/content`, stranger: 'administrator', headers: upload },
  { method: 'get', path: '/api/v1/deadlines', stranger: 'administrator' },
  { method: 'get', path: '/api/v1/supervision-items', stranger: 'handler' },
  {
    method: 'post',
    path: `/api/v1/supervision-items/${id}/close`,
    stranger: 'handler',
    allowed: 'supervisor',
    body: { note: '已发监督通知书' },
  },
  { method: 'get', path: '/api/v1/reminders', stranger: 'administrator' },
  { method: 'post', path: `/api/v1/reminders/${id}/acknowledge`, stranger: 'administrator' },
  {
    method: 'post',
    path: '/api/v1/numbers',
    stranger: 'administrator',
    body: { type: 'lead-transfer-letter' },
  },
  { method: 'get', path: '/api/v1/numbers', stranger: 'administrator' },
  {
    method: 'post',
    path: `/api/v1/numbers/${id}/void`,
    stranger: 'administrator',
    body: { reason: '重复编号' },
  },
  {
    method: 'post',
    path: '/api/v1/filings',
    stranger: 'administrator',
    body: {
      number: '第1号',
      authority: '上海市金山区城市管理行政执法局',
      family: 'river-pollution',
      act: {
        from: '2022-08-18T23:40:00+08:00',
        place: { code: '310116', name: '界河', longitude: 121.0158, latitude: 30.8846, datum: 'WGS-84' },
      },
      parties: [{ kind: 'organisation', name: '当事人甲' }],
    },
  },
  { method: 'get', path: '/api/v1/filings', stranger: 'administrator' },
  { method: 'get', path: `/api/v1/filings/${id}`, stranger: 'administrator' },
  { method: 'get', path: `/api/v1/filings/${id}/proof`, stranger: 'administrator' },
  {
    method: 'post',
    path: `/api/v1/filings/${id}/close`,
    stranger: 'administrator',
    body: { reason: 'decided' },
  },
  { method: 'get', path: '/api/v1/agreements', stranger: null },
  { method: 'get', path: '/api/v1/agreements/none/1', stranger: null },
  // Its body is a signed file, not our JSON: http-agreements.spec.ts.
  { method: 'post', path: '/api/v1/agreements', stranger: 'handler' },
  ...['catalogues', 'catalogues/items', `catalogues/items/${id}`, 'catalogues/return-codes'].map(anyRole),
  ...['catalogues/document-types', 'catalogues/powers', `catalogues/${id}/diff`, 'regions'].map(anyRole),
  // As with agreements: http-catalogues.spec.ts.
  { method: 'post', path: '/api/v1/catalogues', stranger: 'handler' },
  { method: 'get', path: '/api/v1/log/checkpoint', stranger: 'handler' },
  { method: 'get', path: '/api/v1/peers', stranger: 'handler' },
  { method: 'get', path: `/api/v1/peers/${id}`, stranger: 'handler' },
  { method: 'post', path: `/api/v1/peers/${id}/test`, stranger: 'handler' },
  { method: 'post', path: `/api/v1/peers/${id}/test-envelope`, stranger: 'handler' },
  { method: 'get', path: `/api/v1/peers/${id}/test-envelope/${id}`, stranger: 'handler' },
  { method: 'get', path: '/api/v1/node/warnings', stranger: 'handler' },
];
const named = routes.map((route): [string, Route] => [`${route.method} ${route.path}`, route]);
const withBody = named.filter(([, { body }]) => body !== undefined);

function call({ method, path, headers = {} }: Route, token?: string) {
  const call = request(node.server)[method](path).set(headers);
  return token === undefined ? call : call.set('authorization', `Bearer ${token}`);
}

/** An RFC 9457 body of ours, with nothing of the machine in it. */
function expectProblem(response: request.Response, status: number, code: string): void {
  expect([response.status, response.body.code]).toEqual([status, code]);
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(Object.keys(response.body).sort()).toEqual(['code', 'errors', 'params', 'status', 'title', 'traceId', 'type']);
  expect(response.body).toMatchObject({ type: `urn:jieqiao:error:${code}`, status });
  expect(response.body.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(response.text).not.toMatch(/node_modules|\.ts:|\.js:|\bat \w+|SELECT|sqlite/i);
}

it('the routes tested are the routes of the document', () => {
  const document = JSON.parse(readFileSync(join(__dirname, '../../docs/api/openapi.json'), 'utf8'));
  const documented = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const pattern = (path: string) => path.replaceAll(id, '{}').replace('none/1', '{}/{}');
  const tested = routes.map(({ method, path }) => `${method} ${pattern(path)}`);
  const open = ['post /api/v1/session', 'post /api/v1/session/refresh', 'post /tsa'];
  const elsewhere = [...open, `options ${pattern(evidence)}/{}/content`];
  expect([...tested, ...elsewhere].sort()).toEqual(documented.map((name) => name.replace(/\{[^}]+\}/g, '{}')).sort());
});

describe.each(named)('%s', (_, route) => {
  it('without a token, with a wrong and a foreign one: NOT_SIGNED_IN', async () => {
    for (const token of [undefined, 'x', 'eyJhbGciOiJub25lIn0.e30.']) {
      const response = await call(route, token).send(route.body);
      expect(response.headers['www-authenticate']).toBe('Bearer');
      if (route.method === 'head') expect(response.status).toBe(401);
      else expectProblem(response, 401, 'NOT_SIGNED_IN');
    }
  });

  it('with a role that may not: FORBIDDEN, and logged', async () => {
    if (route.stranger === null) return;
    const response = await call(route, await node.token(route.stranger)).send(route.body);
    if (route.method === 'head') expect(response.status).toBe(403);
    else expectProblem(response, 403, 'FORBIDDEN');
  });
});

describe.each(withBody)('%s', (_, route) => {
  const role = route.allowed ?? 'handler';

  it('with an unknown field: VALIDATION_FAILED, naming it', async () => {
    const response = await call(route, await node.token(role)).send({ ...route.body, 'a/b~c': 1 });
    expectProblem(response, 400, 'VALIDATION_FAILED');
    expect(response.body.errors).toContainEqual({ pointer: '/a~1b~0c', code: 'UNKNOWN_FIELD' });
  });

  it.each([
    ['broken', '{"a":'],
    ['not JSON', 'x'],
    ['empty', ''],
    ['a text', '"x"'],
    ['too deep', '['.repeat(5000)],
    ['a lone surrogate', '{"title":"\\ud800"}'],
    ['__proto__', '{"__proto__":{"roles":["head"]}}'],
    ['__proto__ in disguise', '{"\\u005f_proto__":{}}'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
  ])('with a body that is %s: MALFORMED_JSON', async (_name, body) => {
    const response = await call(route, await node.token(role))
      .set('content-type', 'application/json')
      .serialize((x) => x as unknown as string)
      .send(body as string);
    expectProblem(response, 400, 'MALFORMED_JSON');
  });

  it('with a body over the limit: BODY_TOO_LARGE', async () => {
    const response = await call(route, await node.token(role)).send({ title: 'x'.repeat(70_000) });
    expectProblem(response, 413, 'BODY_TOO_LARGE');
  });

  it('with another content type: UNSUPPORTED_MEDIA_TYPE', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
    ]) {
      const response = await call(route, await node.token(role))
        .set('content-type', type)
        .send('a=1');
      expectProblem(response, 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });
});

describe('fields', () => {
  const create = async (body: object) =>
    request(node.server)
      .post('/api/v1/transfers')
      .set('authorization', `Bearer ${await node.token('handler')}`)
      .send(body);
  const good = { to: 'pinghu.330482', kind: 'LEAD' };

  it.each<[string, object, { pointer: string; code: string }]>([
    ['missing', { kind: 'LEAD' }, { pointer: '/to', code: 'REQUIRED' }],
    ['null', { ...good, title: null }, { pointer: '/title', code: 'WRONG_TYPE' }],
    ['of another type', { ...good, title: 5 }, { pointer: '/title', code: 'WRONG_TYPE' }],
    ['an object for a text', { ...good, title: { $ne: '' } }, { pointer: '/title', code: 'WRONG_TYPE' }],
    ['too long', { ...good, title: 'x'.repeat(201) }, { pointer: '/title', code: 'TOO_LONG' }],
    ['with a control character', { ...good, title: 'a\u0000b' }, { pointer: '/title', code: 'WRONG_FORM' }],
    ['with a bidirectional override', { ...good, title: 'a\u202eb' }, { pointer: '/title', code: 'WRONG_FORM' }],
    ['outside its list', { ...good, kind: 'lead' }, { pointer: '/kind', code: 'NOT_ALLOWED' }],
    [
      'deep inside',
      {
        ...good,
        data: {
          act: {
            from: '2022-08-18T23:40:00+08:00',
            place: { code: '330482', name: 'x', longitude: 200, latitude: 1, datum: 'WGS-84' },
          },
        },
      },
      { pointer: '/data/act/place/longitude', code: 'OUT_OF_RANGE' },
    ],
    [
      'in a list',
      { ...good, data: { parties: [{ kind: 'unknown' }, { kind: 'x' }] } },
      { pointer: '/data/parties/1/kind', code: 'NOT_ALLOWED' },
    ],
    [
      'unknown deep inside',
      { ...good, data: { contact: { unit: 'u', phone: '110', x: 1 } } },
      { pointer: '/data/contact/x', code: 'UNKNOWN_FIELD' },
    ],
    [
      'a list too long',
      { ...good, data: { officers: Array.from({ length: 51 }, () => ({ certNo: '33048200001' })) } },
      { pointer: '/data/officers', code: 'TOO_MANY' },
    ],
    ['a list for an object', { ...good, data: [] }, { pointer: '/data', code: 'WRONG_TYPE' }],
    [
      'an object for a list',
      { ...good, data: { officers: { length: 1 } } },
      { pointer: '/data/officers', code: 'WRONG_TYPE' },
    ],
  ])('%s', async (_, body, expected) => {
    const response = await create(body);
    expectProblem(response, 400, 'VALIDATION_FAILED');
    expect(response.body.errors).toContainEqual(expected);
  });

  it('of the query are checked, too', async () => {
    const token = await node.token('handler');
    const list = (query: string) =>
      request(node.server).get(`/api/v1/transfers?${query}`).set('authorization', `Bearer ${token}`);
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=x',
      'direction=up',
      'x=1',
      'cursor=abc',
      'limit=1&limit=2',
      'state=DRAFT%27--',
    ]) {
      expectProblem(await list(query), 400, 'VALIDATION_FAILED');
    }
  });

  it('a receiver without agreement: AGREEMENT_MISSING', async () => {
    expectProblem(await create({ ...good, to: 'songjiang.310117' }), 422, 'AGREEMENT_MISSING');
  });
});

describe('whatever else comes', () => {
  it('an unknown path is 404, a known one with another method 405', async () => {
    expectProblem(await request(node.server).get('/api/v1/nothing'), 404, 'NOT_FOUND');
    const wrong = await request(node.server).put('/api/v1/transfers');
    expectProblem(wrong, 405, 'METHOD_NOT_ALLOWED');
    expect(wrong.headers.allow).toBe('GET, HEAD, POST');
  });

  it('an id that is none names nothing', async () => {
    const token = await node.token('handler');
    for (const wrong of ['1', '..%2f..%2fetc', "'%20or%201=1", '%00', `${id}0`, 'x'.repeat(90)]) {
      expectProblem(
        await request(node.server).get(`/api/v1/transfers/${wrong}`).set('authorization', `Bearer ${token}`),
        404,
        'NOT_FOUND',
      );
    }
    for (const wrong of ['%', '%ff', 'x'.repeat(5000)]) {
      const response = await request(node.server)
        .get(`/api/v1/transfers/${wrong}`)
        .set('authorization', `Bearer ${token}`);
      expect([400, 404, 414]).toContain(response.status);
      expect(response.headers['content-type']).toContain('application/problem+json');
    }
  });

  it('a surprise is INTERNAL with a trace id, told in the log and not to the caller', async () => {
    const spy = jest
      .spyOn(node.gateway.transfers, 'get')
      .mockRejectedValueOnce(new Error('secret detail at /opt/x.ts:1'));
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const response = await request(node.server)
      .get(`/api/v1/transfers/${id}`)
      .set('authorization', `Bearer ${await node.token('handler')}`)
      .set('traceparent', traceparent);
    spy.mockRestore();
    expectProblem(response, 500, 'INTERNAL');
    expect(response.body).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', params: {} });
    expect(node.log.join('')).toMatch(/4bf92f3577b34da6a3ce929d0e0e4736.*/);
    expect(node.log.join('')).toContain('secret detail');
  });

  it('the title is Chinese, or English for those who ask for it', async () => {
    const title = async (language?: string) => {
      const get = request(node.server).get('/api/v1/me');
      return (await (language === undefined ? get : get.set('accept-language', language))).body.title;
    };
    expect(await title()).toBe('请先登录');
    expect(await title('en-GB,en;q=0.9')).toBe('Sign in first');
    expect(await title('en;q=0.5, zh-CN')).toBe('请先登录');
    expect(await title('de, en;q=0.1')).toBe('Sign in first');
    expect(await title('*')).toBe('请先登录');
  });

  it('a database that is away is 503, for readiness too, and comes back', async () => {
    const spy = jest.spyOn(node.gateway.db, 'ping').mockRejectedValueOnce(new Error('gone'));
    const response = await request(node.server).get('/health/ready');
    spy.mockRestore();
    expectProblem(response, 503, 'NOT_READY');
    expect(response.body.params).toEqual({ failing: ['database'] });
    expect(response.headers['retry-after']).toBe('5');
    await request(node.server).get('/health/ready').expect(200);
  });
});

it('no log line holds a password, a token or a name', () => {
  expect(node.log.join('')).not.toMatch(/demo password|eyJ[A-Za-z0-9]/);
});

it('every error code has words in both languages and a status that fits', () => {
  for (const code of errorCodes) {
    const { http, title } = errorKinds[code];
    expect(http).toBeGreaterThanOrEqual(400);
    expect(title.zh).toMatch(/\p{Script=Han}/u);
    expect(title.en).not.toMatch(/\p{Script=Han}/u);
  }
});
