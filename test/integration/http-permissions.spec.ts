import { randomUUID } from 'node:crypto';
import { permissions, type Role, roles } from '@jieqiao/access';
import request from 'supertest';
import { type HttpNode, startHttpNode } from '../support/http-node';

/**
 * Endpoint × role: for every endpoint of the OpenAPI document, what each of the nine roles and somebody who is not
 * signed in is answered about a draft of a handler's. A new endpoint without a row here fails the test.
 */

jest.setTimeout(120_000);

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head' | 'options';
type Caller = Role | 'nobody';
/** Who gets which status; whoever is in none of the lists gets 403, and nobody signed in 401. */
type Answers = Record<number, readonly Caller[]>;

interface Endpoint {
  answers: Answers;
  /** For path parameters, made anew for each caller. */
  on?: (node: HttpNode) => Promise<Record<string, string>>;
  body?: object | ((node: HttpNode) => object);
  headers?: Record<string, string>;
  query?: Record<string, string>;
}

const everyRole = Object.keys(roles) as Role[];
const everybody: readonly Caller[] = [...everyRole, 'nobody'];
const casework: readonly Role[] = ['handler', 'squad-lead', 'legal-reviewer', 'head', 'seal-keeper', 'clerk'];
/** Whoever works on cases, and the supervisor: registers and what runs out are theirs to read. */
const readers: readonly Role[] = [...casework, 'supervisor'];
/** A draft is shown to its author, its unit (none, so all that have none) and its approvers; not to the clerk. */
const seesDraft: readonly Role[] = ['handler', 'squad-lead', 'legal-reviewer', 'head', 'seal-keeper'];
const technicians: readonly Role[] = ['administrator', 'security-auditor'];
const absent = '01900000-0000-7000-8000-000000000001';

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({
    config: (config) => {
      config.session.attemptsPerMinute = 1000;
      config.numbers.prefix = '金综执';
    },
  });
});
afterAll(() => node.close());

const as = async (role: Role) => `Bearer ${await node.token(role)}`;

async function draft(): Promise<Record<string, string>> {
  const data = { ...node.caseData, parties: [{ kind: 'natural', personal: { phone: '13800001234' } }] };
  const body = { to: 'pinghu.330482', kind: 'LEAD', number: '第1号', title: '渣土偷倒', data };
  return { id: await made('/api/v1/transfers', body) };
}

async function draftWithFile(): Promise<Record<string, string>> {
  const { id } = await draft();
  const path = `/api/v1/transfers/${id}/evidence`;
  const file = { fileName: 'a.jpg', mediaType: 'image/jpeg', bytes: 1, data: node.evidenceData };
  const authorization = await as('handler');
  const added = await request(node.server).post(path).set({ authorization }).send(file).expect(201);
  const upload = { 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
  await request(node.server)
    .patch(added.body.upload)
    .set({ authorization, ...upload })
    .send(Buffer.from('x'))
    .expect(204);
  return { id: id!, evidenceId: added.body.id };
}

/** A new one each time: an authority gives a number once. */
const filingData = () => ({
  number: `第${randomUUID()}号`,
  authority: '上海市金山区城市管理行政执法局',
  family: 'river-pollution',
  act: {
    from: '2022-08-18T23:40:00+08:00',
    place: { code: '310116', name: '界河', longitude: 121.0158, latitude: 30.8846, datum: 'WGS-84' },
  },
  parties: [{ kind: 'organisation', name: '当事人甲' }],
});

async function filing(): Promise<Record<string, string>> {
  return { id: await made('/api/v1/filings', filingData()) };
}

async function documentNumber(): Promise<Record<string, string>> {
  return { id: await made('/api/v1/numbers', { type: 'lead-transfer-letter' }) };
}

/** By the handler. */
async function made(path: string, body: object): Promise<string> {
  const call = request(node.server)
    .post(path)
    .set('authorization', await as('handler'));
  return (await call.send(body).expect(201)).body.id;
}

const endpoints: Record<string, Endpoint> = {
  'post /api/v1/session': { answers: { 401: everybody }, body: { login: 'nobody', password: 'x' } },
  'post /api/v1/session/refresh': { answers: { 401: everybody }, body: { refreshToken: 'x' } },
  'delete /api/v1/session': { answers: { 204: everyRole } },
  'get /api/v1/me': { answers: { 200: everyRole } },
  'post /tsa': { answers: { 404: everybody }, headers: { 'content-type': 'application/timestamp-query' } },

  'post /api/v1/transfers': { answers: { 201: ['handler'] }, body: { to: 'pinghu.330482', kind: 'LEAD' } },
  'get /api/v1/transfers': { answers: { 200: [...readers, 'security-auditor'] } },
  'get /api/v1/transfers/{id}': { answers: { 200: seesDraft, 428: ['supervisor'] }, on: draft },
  'patch /api/v1/transfers/{id}': {
    answers: { 200: ['handler'] },
    on: draft,
    body: { title: '新' },
    headers: { 'if-match': '"1"' },
  },
  'get /api/v1/transfers/{id}/check': { answers: { 200: seesDraft, 428: ['supervisor'] }, on: draft },
  // Those who do casework may give commands; which one is whose, the command's own table says.
  'post /api/v1/transfers/{id}/commands': {
    answers: { 200: ['handler'], 409: ['squad-lead', 'legal-reviewer', 'head', 'seal-keeper'] },
    on: draft,
    body: { command: 'sign' },
    headers: { 'idempotency-key': 'k' },
  },
  // Both are about what a peer sent; this is a draft of ours.
  'put /api/v1/transfers/{id}/decisions': {
    answers: { 404: ['legal-reviewer'] },
    on: draft,
    body: { decisions: [{ evidence: 'EV-1', level: 'DIRECT' }] },
    headers: { 'if-match': '"1"' },
  },
  'put /api/v1/transfers/{id}/findings': {
    answers: { 404: ['handler', 'legal-reviewer'] },
    on: draft,
    body: { gains: 3000 },
    headers: { 'if-match': '"1"' },
  },
  'get /api/v1/transfers/{id}/documents': {
    answers: { 200: seesDraft, 428: ['supervisor'] },
    on: draft,
  },
  'get /api/v1/transfers/{id}/bundle': { answers: { 409: [...seesDraft, 'supervisor'] }, on: draft },
  'get /api/v1/transfers/{id}/receipt': {
    answers: { 404: [...seesDraft, 'supervisor', 'security-auditor'] },
    on: draft,
  },
  'get /api/v1/transfers/{id}/envelope': {
    answers: { 404: [...seesDraft, 'supervisor', 'security-auditor'] },
    on: draft,
  },
  'post /api/v1/transfers/{id}/reveal': {
    answers: { 200: ['handler', 'squad-lead', 'legal-reviewer', 'head'] },
    on: draft,
    body: { pointer: '/parties/0/personal/phone', reason: 'contact-person', text: '核对现场情况' },
  },
  'post /api/v1/transfers/{id}/evidence': {
    answers: { 201: ['handler'] },
    on: draft,
    body: ({ evidenceData: data }) => ({ fileName: 'b.jpg', mediaType: 'image/jpeg', bytes: 1, data }),
  },
  'patch /api/v1/transfers/{id}/evidence/{evidenceId}': {
    answers: { 200: ['handler'] },
    on: draftWithFile,
    body: ({ evidenceData }) => evidenceData,
  },
  'delete /api/v1/transfers/{id}/evidence/{evidenceId}': { answers: { 204: ['handler'] }, on: draftWithFile },
  'options /api/v1/transfers/{id}/evidence/{evidenceId}/content': { answers: { 204: everybody }, on: draftWithFile },
  'head /api/v1/transfers/{id}/evidence/{evidenceId}/content': {
    answers: { 200: ['handler'] },
    on: draftWithFile,
    headers: { 'tus-resumable': '1.0.0' },
  },
  'patch /api/v1/transfers/{id}/evidence/{evidenceId}/content': {
    answers: { 204: ['handler'] },
    on: draftWithFile,
    headers: { 'tus-resumable': '1.0.0', 'upload-offset': '1', 'content-type': 'application/offset+octet-stream' },
  },
  'get /api/v1/transfers/{id}/evidence/{evidenceId}/content': {
    answers: { 200: seesDraft, 428: ['supervisor'] },
    on: draftWithFile,
  },

  'get /api/v1/deadlines': { answers: { 200: readers } },
  'get /api/v1/supervision-items': { answers: { 200: ['supervisor', 'head', 'squad-lead'] } },
  'post /api/v1/supervision-items/{id}/close': {
    answers: { 404: ['supervisor'] },
    on: async () => ({ id: absent }),
    body: { note: '已发监督通知书' },
  },
  'get /api/v1/reminders': { answers: { 200: readers } },
  'post /api/v1/reminders/{id}/acknowledge': { answers: { 404: readers }, on: async () => ({ id: absent }) },

  'post /api/v1/numbers': { answers: { 201: ['handler', 'seal-keeper'] }, body: { type: 'lead-transfer-letter' } },
  'get /api/v1/numbers': { answers: { 200: readers } },
  'post /api/v1/numbers/{id}/void': {
    answers: { 200: ['handler', 'seal-keeper'] },
    on: documentNumber,
    body: { reason: '重复编号' },
  },

  'post /api/v1/filings': { answers: { 201: ['handler', 'head'] }, body: filingData },
  'get /api/v1/filings': { answers: { 200: readers } },
  'get /api/v1/filings/{id}': { answers: { 200: readers }, on: filing },
  'get /api/v1/filings/{id}/proof': { answers: { 200: readers }, on: filing },
  'post /api/v1/filings/{id}/close': {
    answers: { 200: ['handler', 'head'] },
    on: filing,
    body: { reason: 'decided' },
  },

  'get /api/v1/agreements': { answers: { 200: everyRole } },
  'post /api/v1/agreements': { answers: { 415: ['administrator'] } },
  'get /api/v1/agreements/{agreementId}/{version}': {
    answers: { 404: everyRole },
    on: async () => ({ agreementId: 'none', version: '1' }),
  },
  'get /api/v1/catalogues': { answers: { 200: everyRole } },
  'post /api/v1/catalogues': { answers: { 415: ['administrator'] } },
  'get /api/v1/catalogues/items': {
    answers: { 200: everyRole },
    query: { family: 'construction-waste-dumping', place: '330482' },
  },
  'get /api/v1/catalogues/items/{code}': { answers: { 404: everyRole }, on: async () => ({ code: 'none' }) },
  'get /api/v1/catalogues/return-codes': { answers: { 200: everyRole } },
  'get /api/v1/catalogues/document-types': { answers: { 200: everyRole } },
  'get /api/v1/catalogues/powers': { answers: { 200: everyRole }, query: { authority: '平湖市综合行政执法局' } },
  'get /api/v1/catalogues/{catalogueId}/diff': {
    answers: { 404: everyRole },
    on: async () => ({ catalogueId: 'none' }),
    query: { from: '1', to: '2' },
  },
  'get /api/v1/regions': { answers: { 200: everyRole } },
  'get /api/v1/log/checkpoint': { answers: { 200: ['supervisor', 'security-auditor'] } },
  'get /api/v1/peers': { answers: { 200: technicians } },
  'get /api/v1/peers/{node}': { answers: { 404: technicians }, on: async () => ({ node: 'nobody.330400' }) },
  'post /api/v1/peers/{node}/test': {
    answers: { 404: ['administrator'] },
    on: async () => ({ node: 'nobody.330400' }),
  },
  'post /api/v1/peers/{node}/test-envelope': {
    answers: { 404: ['administrator'] },
    on: async () => ({ node: 'nobody.330400' }),
  },
  'get /api/v1/peers/{node}/test-envelope/{jti}': {
    answers: { 404: ['administrator'] },
    on: async () => ({ node: 'nobody.330400', jti: absent }),
  },
  'get /api/v1/node/warnings': { answers: { 200: technicians } },

  // Not of the document: for machines that watch over the node.
  'get /health': { answers: { 200: everybody } },
  'get /health/live': { answers: { 200: everybody } },
  'get /health/ready': { answers: { 200: everybody } },
  'get /metrics': { answers: { 200: technicians }, headers: { 'x-forwarded-for': '192.0.2.1' } },
};
const undocumented = ['get /health', 'get /health/live', 'get /health/ready', 'get /metrics'];
/** Checked inside its handler: a collector on the same machine needs no session. */
const checkedInside = ['node.metrics'];

interface Operation {
  'x-access'?: string;
}

async function documented(): Promise<Map<string, Operation>> {
  const { body } = await request(node.server).get('/api/openapi.json').expect(200);
  const paths = body.paths as Record<string, Record<string, Operation>>;
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
    ),
  );
}

it('the table has every endpoint of the document, and no other', async () => {
  expect(Object.keys(endpoints).sort()).toEqual([...(await documented()).keys(), ...undocumented].sort());
});

it('every endpoint says who may call it; the public ones are these; every permission is some endpoint’s', async () => {
  const access = [...(await documented())].map(([name, operation]) => [name, operation['x-access']] as const);
  const named = (wanted: string | undefined) => access.flatMap(([name, of]) => (of === wanted ? [name] : []));
  expect(named(undefined)).toEqual([]);
  expect(named('public').sort()).toEqual([
    'options /api/v1/transfers/{id}/evidence/{evidenceId}/content',
    'post /api/v1/session',
    'post /api/v1/session/refresh',
    'post /tsa',
  ]);
  expect(named('signed-in').sort()).toEqual(['delete /api/v1/session', 'get /api/v1/me']);
  const used = new Set(access.map(([, of]) => of));
  const unused = Object.keys(permissions).filter((name) => !used.has(name) && !checkedInside.includes(name));
  expect(unused).toEqual([]);
});

describe.each(Object.entries(endpoints))('%s', (name, { answers, on, body, headers = {}, query = {} }) => {
  const [method, template] = name.split(' ') as [Method, string];
  const expected = (caller: Caller): number => {
    const status = Object.entries(answers).find(([, callers]) => callers.includes(caller))?.[0];
    return status === undefined ? (caller === 'nobody' ? 401 : 403) : Number(status);
  };

  for (const caller of everybody) {
    const status = expected(caller);
    it(`answers ${status} to ${caller}`, async () => {
      const parameters = (await on?.(node)) ?? {};
      const path = template.replace(/\{(\w+)\}/g, (_, parameter: string) => parameters[parameter]!);
      const call = request(node.server)[method](path).set(headers).query(query);
      const token = name === 'delete /api/v1/session' ? ownToken : as;
      if (caller !== 'nobody') call.set('authorization', await token(caller));
      const answer = await call.send(typeof body === 'function' ? body(node) : body);
      expect([answer.status, answer.body?.code ?? null]).toEqual([
        status,
        status < 400 || method === 'head' ? (answer.body?.code ?? null) : expect.any(String),
      ]);
      if (status === 403 && method !== 'head') expect(answer.body.code).toBe('FORBIDDEN');
      if (status === 428) expect(answer.body.code).toBe('REASON_REQUIRED');
    });
  }
});

/** Of a sign-in that may be ended. */
async function ownToken(role: Role): Promise<string> {
  await node.token(role);
  const { accessToken } = await node.gateway.access.signIn(role, 'demo password 1', `test-${role}`);
  return `Bearer ${accessToken}`;
}
