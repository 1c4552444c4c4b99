import type { Role } from '@jieqiao/access';
import type { HopResult } from '@jieqiao/delivery';
import request from 'supertest';
import { type HttpNode, startHttpNode } from '../support/http-node';
import { until } from '../support/peer-nodes';

jest.setTimeout(30_000);

const peer = 'pinghu.330482';
const day = 86_400_000;
let node: HttpNode;
afterEach(() => node.close());

const call = async (method: 'get' | 'post', path: string, role: Role = 'administrator') =>
  request(node.server)
    [method](path)
    .set('authorization', `Bearer ${await node.token(role)}`);
const code = (response: request.Response) => [response.status, response.body.code];

it('the list and one peer of it, for administrators and auditors; a test for administrators only', async () => {
  node = await startHttpNode();
  const { body } = await call('get', '/api/v1/peers', 'security-auditor');
  expect(body.items).toHaveLength(1);
  expect(body.items[0]).toMatchObject({
    node: peer,
    authority: '平湖市综合行政执法局',
    standing: 'unused',
    agreement: { id: 'pinghu-jinshan', version: 1, state: 'in-force', until: '2032-01-01T00:00:00.000Z' },
    versions: 'unknown',
    lane: { state: 'idle', queued: 0, lastError: null },
    certificate: null,
    crls: [],
  });
  expect((await call('get', `/api/v1/peers/${peer}`)).body).toMatchObject({ node: peer, standing: 'unused' });
  for (const path of ['/api/v1/peers/songjiang.310117', '/api/v1/peers/jinshan.310116', '/api/v1/peers/%00']) {
    expect(code(await call('get', path))).toEqual([404, 'NOT_FOUND']);
  }
  for (const path of ['test', 'test-envelope']) {
    expect(code(await call('post', `/api/v1/peers/${peer}/${path}`, 'security-auditor'))).toEqual([403, 'FORBIDDEN']);
    expect(code(await call('post', `/api/v1/peers/songjiang.310117/${path}`))).toEqual([404, 'NOT_FOUND']);
  }
});

it('a test walks the hops; a second one at once is one too many', async () => {
  node = await startHttpNode();
  const { body, status } = await call('post', `/api/v1/peers/${peer}/test`);
  expect(status).toBe(200);
  const hops = body.hops as HopResult[];
  expect(hops.find(({ hop }) => hop === 'tcp-grpc')).toMatchObject({
    state: 'wrong',
    code: 'REFUSED',
    params: { host: 'localhost', port: 9 },
  });
  expect(hops.find(({ hop }) => hop === 'hello')).toEqual({
    hop: 'hello',
    state: 'unchecked',
    code: 'NOT_REACHED',
    params: {},
  });
  const again = await call('post', `/api/v1/peers/${peer}/test`);
  expect(code(again)).toEqual([429, 'TOO_MANY_REQUESTS']);
  expect(Number(again.headers['retry-after'])).toBeGreaterThan(0);
});

it('a test envelope is queued, and shows with the peer while it waits', async () => {
  node = await startHttpNode({ config: ({ lane }) => Object.assign(lane, { retryFirstMs: 50 }) });
  const sent = await call('post', `/api/v1/peers/${peer}/test-envelope`);
  expect([sent.status, sent.body]).toEqual([202, expect.objectContaining({ peer, state: 'queued', refusal: null })]);
  const path = `/api/v1/peers/${peer}/test-envelope`;
  await until('it waits', async () => (await call('get', `${path}/${sent.body.jti}`)).body.lastError !== null);
  expect((await call('get', `${path}/${sent.body.jti}`)).body).toMatchObject({
    jti: sent.body.jti,
    state: 'queued',
    lastError: 'PEER_UNREACHABLE',
  });
  expect((await call('get', `/api/v1/peers/${peer}`)).body).toMatchObject({
    standing: 'wrong',
    problems: ['PEER_UNREACHABLE'],
    lane: { state: 'waiting', queued: 1, lastError: 'PEER_UNREACHABLE' },
  });
  expect(code(await call('get', `/api/v1/peers/songjiang.310117/test-envelope/${sent.body.jti}`))).toEqual([
    404,
    'NOT_FOUND',
  ]);
  expect(code(await call('get', `${path}/01900000-0000-7000-8000-000000000001`))).toEqual([404, 'NOT_FOUND']);
});

it('what runs out is told 30, 7 and 1 days ahead and when it is over: in the API, in /health and in the metrics', async () => {
  // The agreement ends on 2032-01-01; keys are made for two years, the root for twenty.
  node = await startHttpNode({ at: '2031-11-01T00:00:00.000Z' });
  const warnings = async () =>
    (await call('get', '/api/v1/node/warnings', 'security-auditor')).body.items as Record<string, unknown>[];
  expect(await warnings()).toEqual([]);
  expect((await request(node.server).get('/health')).body).toEqual({ status: 'ok', warnings: [] });

  const { gateway } = node;
  const real = gateway.peers.expiries.bind(gateway.peers);
  expect((await real()).map(({ what }) => what).sort()).toEqual(['agreement', 'node', 'own-crl', 'root', 'seal']);
  const metrics = async () =>
    (await call('get', '/metrics')).text.split('\n').filter((line) => /_days_left\{|_peer_/.test(line));
  expect(await metrics()).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^jieqiao_agreement_days_left\{agreement="pinghu-jinshan",node="jinshan.310116"\} 60$/),
      expect.stringMatching(/^jieqiao_certificate_days_left\{use="seal",node="jinshan.310116"\} (729|730)$/),
      expect.stringMatching(/^jieqiao_certificate_days_left\{use="own-crl",node="jinshan.310116"\} (29|30)$/),
    ]),
  );
});

it.each([
  [31, null],
  [29, 30],
  [6, 7],
  [0.5, 1],
  [-1, 0],
])('%s days before the agreement ends: %s', async (left, threshold) => {
  node = await startHttpNode({ at: new Date(Date.parse('2032-01-01T00:00:00.000Z') - left * day).toISOString() });
  const { items } = (await call('get', '/api/v1/node/warnings')).body;
  const expected = {
    what: 'agreement',
    name: 'pinghu-jinshan',
    until: '2032-01-01T00:00:00.000Z',
    daysLeft: Math.floor(left - 0.001),
    threshold,
  };
  expect(items).toEqual(threshold === null ? [] : [expected]);
  const health = (await request(node.server).get('/health')).body;
  expect(health).toEqual({ status: threshold === null ? 'ok' : 'warnings', warnings: items });
});
