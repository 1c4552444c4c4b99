import { existsSync, readFileSync } from 'node:fs';
import type { Role } from '@jieqiao/access';
import request from 'supertest';
import { loggedBy } from '../support/exchange-fixture';
import { type HttpNode, startHttpNode } from '../support/http-node';

jest.setTimeout(60_000);

const party = {
  name: '当事人甲乙',
  idNumber: '330482198003051233',
  phone: '138-0000-1234',
  address: '浙江省平湖市新埭镇某村12号',
};
const reporter = { name: '举报人丙丁', phone: '13700009012' };
const secrets = [...Object.values(party), ...Object.values(reporter), '13800001234', '19800305'];

let node: HttpNode;
let answers: request.Response[];
beforeAll(async () => {
  node = await startHttpNode();
});
afterAll(() => node.close());
beforeEach(() => {
  answers = [];
});

async function call(
  method: 'get' | 'post' | 'patch',
  path: string,
  role: Role,
  body?: object,
  headers: Record<string, string> = {},
): Promise<request.Response> {
  const sent = request(node.server)[method](`/api/v1/transfers${path}`).set(headers);
  const answer = await sent.set('authorization', `Bearer ${await node.token(role)}`).send(body);
  answers.push(answer);
  return answer;
}

let drafts = 0;
const draft = async (): Promise<string> => {
  const data = { ...node.caseData, parties: [{ kind: 'natural', personal: party }], reporter };
  const body = { to: 'pinghu.330482', kind: 'LEAD', number: `移〔2022〕第${++drafts}号`, title: '渣土偷倒', data };
  return (await call('post', '', 'handler', body)).body.id;
};

it('goes in typed, comes back masked, and out in clear once, for a reason', async () => {
  const id = await draft();
  const shown = await call('get', `/${id}`, 'handler');
  expect(shown.body.data).toMatchObject({
    parties: [{ personal: { name: '当****', idNumber: '330482********1233', phone: '138****1234' } }],
    reporter: { name: '举****', phone: '137****9012' },
  });
  // What is shown is a form that may be sent back.
  const patched = await call('patch', `/${id}`, 'handler', { data: shown.body.data }, { 'if-match': '"1"' });
  expect([patched.status, patched.body.data]).toEqual([200, shown.body.data]);

  const ask = { pointer: '/parties/0/personal/idNumber', reason: 'identify-person', text: '核对身份' };
  expect(answers.map(({ text }) => text).join()).not.toContain(party.idNumber);
  const revealed = await call('post', `/${id}/reveal`, 'handler', ask);
  expect(revealed.body).toEqual({ pointer: ask.pointer, category: 'id-number', value: party.idNumber });
  expect(revealed.headers['cache-control']).toBe('no-store');
  expect((await call('post', `/${id}/reveal`, 'handler', { ...ask, reason: 'curiosity' })).body.errors).toEqual([
    { pointer: '/reason', code: 'NOT_ALLOWED' },
  ]);
  expect((await call('post', `/${id}/reveal`, 'handler', { ...ask, pointer: '/facts' })).status).toBe(400);
  const nothing = { ...ask, pointer: '/parties/7/personal/idNumber' };
  expect((await call('post', `/${id}/reveal`, 'handler', nothing)).status).toBe(404);
});

it('stands in no list, error, log line, log entry or file', async () => {
  const id = await draft();
  await call('get', '', 'handler');
  await call('get', `/${id}`, 'clerk');
  await call('get', `/${id}`, 'administrator');
  const wrong = {
    ...node.caseData,
    parties: [{ kind: 'natural', personal: { ...party, idNumber: `${party.idNumber}9` } }],
  };
  expect((await call('patch', `/${id}`, 'handler', { data: wrong }, { 'if-match': '"1"' })).status).toBe(400);
  const denied = { ...node.caseData, parties: [{ kind: 'natural', personal: { ...party, birthDate: '1980-03-06' } }] };
  const answer = await call('patch', `/${id}`, 'handler', { data: denied }, { 'if-match': '"1"' });
  expect(answer.body.errors).toEqual([{ pointer: '/data/parties/0/personal/birthDate', code: 'CONTRADICTION' }]);
  // A field where none is, with personal data in it, and a logger that is handed everything by mistake.
  await call('patch', `/${id}`, 'handler', { parties: [party] }, { 'if-match': '"1"' });
  node.gateway.log.warn({ personal: party, form: { reporter } }, 'by mistake');
  await node.approve(id);
  answers.push(await node.command('seal-keeper', id, 'send'));
  expect(answers.at(-1)!.status).toBe(202);
  const said = { ...node.caseData, facts: `${reporter.name}反映`, reporter };
  const second = await call('post', '', 'handler', {
    to: 'pinghu.330482',
    kind: 'LEAD',
    number: '移〔2022〕第999号',
    data: said,
  });
  const refused = await node.command('handler', second.body.id, 'sign');
  answers.push(refused);
  expect(refused.body.errors).toEqual([{ pointer: '/facts', code: 'PERSONAL_DATA' }]);

  const file = node.gateway.config.databaseUrl.slice('sqlite:'.length);
  const disk = [file, `${file}-wal`].filter(existsSync).map((name) => readFileSync(name).toString('latin1'));
  const seen = [
    ...answers.map(({ text, headers }) => text + JSON.stringify(headers)),
    ...node.log,
    JSON.stringify(await loggedBy(node.gateway.db)),
  ];
  expect(node.log.length).toBeGreaterThan(3);
  expect(disk.join()).toContain(id);
  for (const value of secrets) {
    // Of the second draft the officer wrote the name into the facts; what people write into text is not typed data.
    const inText = value === reporter.name;
    for (const text of seen) if (!inText) expect(text).not.toContain(value);
    if (!inText) expect(disk.join()).not.toContain(Buffer.from(value).toString('latin1'));
  }
});

describe('a supervisor', () => {
  const reason = { 'jieqiao-reason': 'case-supervision', 'jieqiao-reason-text': encodeURIComponent('督办第3号') };
  let id: string;
  beforeEach(async () => {
    id = await draft();
  });

  it('states a reason in two headers', async () => {
    const refused = await call('get', `/${id}`, 'supervisor');
    expect([refused.status, refused.body.code]).toEqual([428, 'REASON_REQUIRED']);
    expect(refused.body.params.reasons).toContain('case-supervision');
    const read = await call('get', `/${id}`, 'supervisor', undefined, reason);
    expect([read.status, read.body.title]).toEqual([200, '渣土偷倒']);
    expect((await loggedBy(node.gateway.db)).at(-1)).toMatchObject({
      event: 'content.read',
      subject: { reason: 'case-supervision', transfer: id, what: 'transfer' },
    });
    expect((await call('get', `/${id}/check`, 'supervisor', undefined, reason)).status).toBe(200);
    expect((await call('get', '', 'supervisor')).body.items[0]).toMatchObject({ id, title: null });
  });

  it.each<[string, Record<string, string>, string, string]>([
    ['no words', { 'jieqiao-reason': 'file-review' }, '#Jieqiao-Reason-Text', 'REQUIRED'],
    ['blank words', { ...reason, 'jieqiao-reason-text': '%20' }, '#Jieqiao-Reason-Text', 'WRONG_FORM'],
    ['words in another encoding', { ...reason, 'jieqiao-reason-text': '%B6%BD' }, '#Jieqiao-Reason-Text', 'WRONG_FORM'],
    ['a line break', { ...reason, 'jieqiao-reason-text': 'a%0Ab' }, '#Jieqiao-Reason-Text', 'WRONG_FORM'],
    ['too many words', { ...reason, 'jieqiao-reason-text': 'a'.repeat(201) }, '#Jieqiao-Reason-Text', 'TOO_LONG'],
    ['no code', { ...reason, 'jieqiao-reason': 'File Review' }, '#Jieqiao-Reason', 'WRONG_FORM'],
  ])('is refused with %s', async (_, headers, pointer, code) => {
    const answer = await call('get', `/${id}`, 'supervisor', undefined, headers);
    expect([answer.status, answer.body.errors]).toEqual([400, [{ pointer, code }]]);
  });

  it('is refused with a reason that is not of the list, or with a telephone number in it', async () => {
    const other = await call('get', `/${id}`, 'supervisor', undefined, { ...reason, 'jieqiao-reason': 'constructor' });
    expect([other.status, other.body.code]).toEqual([428, 'REASON_REQUIRED']);
    const number = { ...reason, 'jieqiao-reason-text': '13800001234' };
    expect((await call('get', `/${id}`, 'supervisor', undefined, number)).body.code).toBe('VALIDATION_FAILED');
  });
});
