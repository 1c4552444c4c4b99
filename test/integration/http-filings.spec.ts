import { type Role, roles } from '@jieqiao/access';
import { verifyFilingProof } from '@jieqiao/core';
import request from 'supertest';
import { type HttpNode, startHttpNode } from '../support/http-node';

let node: HttpNode;
const tokens = new Map<Role, string>();
beforeAll(async () => {
  node = await startHttpNode();
  for (const role of Object.keys(roles) as Role[]) tokens.set(role, await node.token(role));
}, 60_000);
afterAll(() => node.close());

const api = (method: 'get' | 'post', path: string, role: Role = 'handler') =>
  request(node.server)
    [method](`/api/v1/filings${path}`)
    .set('authorization', `Bearer ${tokens.get(role)}`);

const body = (number: string, over: object = {}) => ({
  number,
  authority: '上海市金山区城市管理行政执法局',
  family: 'river-pollution',
  act: {
    from: '2022-09-14T22:15:00+08:00',
    place: { code: '310116', name: '界河', longitude: 121.0158, latitude: 30.8846, datum: 'WGS-84' },
  },
  parties: [{ kind: 'organisation', name: '当事人甲', vessel: '平运货0001' }],
  ...over,
});
const register = async (number: string, over: object = {}) =>
  (await api('post', '').send(body(number, over)).expect(201)).body as { id: string };

it('enters a case, shows it without its parties, and gives the proof of its time', async () => {
  const answer = await api('post', '').send(body('第1号')).expect(201);
  expect(answer.headers.location).toBe(`/api/v1/filings/${answer.body.id}`);
  expect(answer.body).toMatchObject({ number: '第1号', comparable: true, transfer: null, closed: null });
  expect(JSON.stringify(answer.body)).not.toMatch(/当事人|平运货/);
  expect((await api('get', `/${answer.body.id}`, 'clerk').expect(200)).body).toEqual(answer.body);
  const { statement, proof } = (await api('get', `/${answer.body.id}/proof`).expect(200)).body;
  const { agreements } = node.gateway;
  const party = agreements.all()[0]!.trust.parties.find((one) => one.node === agreements.node)!;
  const attested = verifyFilingProof(proof, Buffer.from(statement), party.logVkey);
  expect(attested).toMatchObject({ attestedAt: answer.body.attestation.at, statement: { number: '第1号' } });
});

it('lists page by page, by transfer, and what is open', async () => {
  const draft = await request(node.server)
    .post('/api/v1/transfers')
    .set('authorization', `Bearer ${tokens.get('handler')}`)
    .send({ to: 'pinghu.330482', kind: 'CASE', data: node.caseData })
    .expect(201);
  const transfer = draft.body.id as string;
  const ids: string[] = [];
  for (const number of ['第21号', '第22号', '第23号']) ids.push((await register(number, { transfer })).id);
  const page = async (path: string) => {
    const { body: got, headers } = await api('get', path).expect(200);
    const next = /<\/api\/v1\/filings(.*)>/.exec(headers.link ?? '')?.[1] ?? null;
    return { ids: got.items.map(({ id }: { id: string }) => id), next };
  };
  const first = await page(`?transfer=${transfer}&limit=2`);
  expect(first.ids).toEqual([ids[2], ids[1]]);
  expect(await page(first.next!)).toEqual({ ids: [ids[0]], next: null });

  const closed = await api('post', `/${ids[0]}/close`).send({ reason: 'transferred' }).expect(200);
  expect(closed.body.closed).toMatchObject({ reason: 'transferred' });
  const again = await api('post', `/${ids[0]}/close`).send({ reason: 'decided' }).expect(409);
  expect(again.body).toMatchObject({ code: 'WRONG_STATE', params: { state: 'closed' } });
  expect((await page(`?transfer=${transfer}&open=true`)).ids).toEqual([ids[2], ids[1]]);
  expect((await page(`?transfer=${transfer}&open=false`)).ids).toEqual([ids[0]]);
});

it.each([
  ['a number without end', { number: '号'.repeat(81) }, 'VALIDATION_FAILED'],
  ['no party', { parties: [] }, 'VALIDATION_FAILED'],
  ['a field that is none', { person: '当事人甲' }, 'VALIDATION_FAILED'],
  [
    'coordinates the other way round',
    { act: { ...body('').act, place: { ...body('').act.place, longitude: 30.8846, latitude: 89 } } },
    'VALIDATION_FAILED',
  ],
  ['an end before the beginning', { act: { ...body('').act, to: '2022-09-14T22:00:00+08:00' } }, 'VALIDATION_FAILED'],
  ['a day that is none', { act: { ...body('').act, from: '2022-02-30T22:00:00+08:00' } }, 'VALIDATION_FAILED'],
  ['a transfer that is not here', { transfer: '0193569e-7b2c-7000-8000-000000000001' }, 'NOT_FOUND'],
])('%s is refused, and nothing is kept', async (_, over, code) => {
  const before = (await api('get', '?limit=200').expect(200)).body.items.length;
  const answer = await api('post', '').send(body('第90号', over));
  expect(answer.body.code).toBe(code);
  expect((await api('get', '?limit=200').expect(200)).body.items).toHaveLength(before);
});

it('takes a number of an authority once', async () => {
  await register('第30号');
  const answer = await api('post', '').send(body('第30号')).expect(400);
  expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED' });
  await register('第30号', { authority: '另一机关' });
});

it('a filing that is not here', async () => {
  for (const path of ['/0193569e-7b2c-7000-8000-000000000001', '/0193569e-7b2c-7000-8000-000000000001/proof']) {
    expect((await api('get', path).expect(404)).body.code).toBe('NOT_FOUND');
  }
  const close = api('post', '/0193569e-7b2c-7000-8000-000000000001/close');
  expect((await close.send({ reason: 'decided' }).expect(404)).body.code).toBe('NOT_FOUND');
});

describe.each([
  ['handler', 201, 200],
  ['head', 201, 200],
  ['squad-lead', 403, 200],
  ['legal-reviewer', 403, 200],
  ['seal-keeper', 403, 200],
  ['clerk', 403, 200],
  ['supervisor', 403, 200],
  ['administrator', 403, 403],
  ['security-auditor', 403, 403],
] as const)('%s', (role, writes, reads) => {
  it(`is answered ${writes} where the register changes, ${reads} where it is read`, async () => {
    const { id } = await register(`号 ${role}`);
    await api('post', '', role)
      .send(body(`第${role}号`))
      .expect(writes);
    await api('get', '', role).expect(reads);
    await api('get', `/${id}`, role).expect(reads);
    await api('get', `/${id}/proof`, role).expect(reads);
    await api('post', `/${id}/close`, role)
      .send({ reason: 'decided' })
      .expect(writes === 201 ? 200 : 403);
  });
});
