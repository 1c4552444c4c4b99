import request from 'supertest';
import { loggedBy } from '../support/exchange-fixture';
import { type HttpNode, startHttpNode } from '../support/http-node';

jest.setTimeout(30_000);

/** What people try and may not leaves its trace in the log: ids, never what they typed. */
describe('the log of a node tells', () => {
  let node: HttpNode;
  let handler: string;
  beforeAll(async () => {
    node = await startHttpNode();
    handler = await node.token('handler');
  });
  afterAll(() => node.close());

  const api = (method: 'get' | 'post' | 'patch' | 'delete', path: string, token: string) =>
    request(node.server)[method](`/api/v1${path}`).set('authorization', `Bearer ${token}`);
  const last = async () => (await loggedBy(node.gateway.db)).at(-1)!;
  const draft = async (token: string): Promise<string> => {
    const body = { to: 'pinghu.330482', kind: 'LEAD', number: '第1号', title: '渣土偷倒', data: node.caseData };
    return (await api('post', '/transfers', token).send(body).expect(201)).body.id;
  };

  it('that somebody signed in, or failed to', async () => {
    const attempt = (login: string, password: string) =>
      request(node.server).post('/api/v1/session').send({ login, password });
    expect((await attempt('handler', 'a wrong password').expect(401)).body.code).toBe('BAD_CREDENTIALS');
    const known = await last();
    expect(known).toMatchObject({
      event: 'session.refused',
      subject: { person: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    expect((await attempt('nobody-here', 'a wrong password').expect(401)).body.code).toBe('BAD_CREDENTIALS');
    const unknown = await last();
    expect(unknown).toMatchObject({ event: 'session.refused', subject: { person: null } });
    expect(JSON.stringify([known, unknown])).not.toMatch(/wrong password|nobody-here|handler/);
  });

  it('that somebody without the role asked for a transfer', async () => {
    const id = await draft(handler);
    const administrator = await node.token('administrator');
    expect((await api('get', `/transfers/${id}`, administrator).expect(403)).body.code).toBe('FORBIDDEN');
    expect(await last()).toMatchObject({
      event: 'access.denied',
      subject: { action: 'transfer.read', object: id, person: expect.any(String) },
    });
  });

  it.each([
    ['edit it', 'patch', ''],
    ['add evidence to it', 'post', '/evidence'],
  ] as const)('that somebody else than its author tried to %s', async (what, method, path) => {
    const id = await draft(handler);
    const item = { fileName: 'a.jpg', mediaType: 'image/jpeg', bytes: 1, data: node.evidenceData };
    const answer = await api(method, `/transfers/${id}${path}`, await node.token('second-handler'))
      .set('if-match', '"1"')
      .send(what === 'edit it' ? { title: 'x' } : item);
    expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
    expect(await last()).toMatchObject({ event: 'access.denied', subject: { action: 'transfer.edit', object: id } });
    expect((await api('get', `/transfers/${id}`, handler).expect(200)).body).toMatchObject({
      state: 'DRAFT',
      title: '渣土偷倒',
      evidence: [],
    });
  });

  it('that somebody without a role in casework gave a command', async () => {
    const id = await draft(handler);
    const answer = await node.command('administrator', id, 'sign');
    expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
    expect(await last()).toMatchObject({ event: 'access.denied', subject: { action: 'transfer.command', object: id } });
  });

  it.each([
    ['is not theirs', 'handler', 'send', 'FORBIDDEN'],
    ['is theirs, but not now', 'head', 'approve', 'WRONG_STATE'],
    ['lacks another officer', 'handler', 'submit', 'second-officer'],
  ] as const)('that somebody wanted a step that %s', async (_what, who, command, reason) => {
    const id = await draft(handler);
    await node.command('handler', id, 'sign');
    const { version } = (await api('get', `/transfers/${id}`, handler)).body;
    const answer = await node.command(who, id, command);
    expect([answer.status, answer.body.code, answer.body.params.reason]).toEqual([409, 'COMMAND_REFUSED', reason]);
    expect(await last()).toMatchObject({
      event: 'command.refused',
      subject: { command, person: expect.stringMatching(/^[0-9a-f-]{36}$/), reason, transfer: id },
    });
    const after = (await api('get', `/transfers/${id}`, handler)).body;
    expect(after).toMatchObject({ state: 'DRAFT', version, delivery: { state: 'none' } });
    expect(after.life.home.map(({ command: done }: { command: string }) => done)).toEqual(['create', 'sign']);
  });
});
