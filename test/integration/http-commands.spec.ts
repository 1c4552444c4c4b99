import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { type Role, roles } from '@jieqiao/access';
import { createLogger, Metrics } from '@jieqiao/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { appModule } from '../../apps/gateway/src/app.module';
import { createHttpApp } from '../../apps/gateway/src/http/http-app';
import { peoplesCommands } from '../../apps/gateway/src/http/transfers/transfer.dto';
import { commandKey } from '../support/home-path';
import { password } from '../support/http-node';
import { leadBetween, type PeerNode, TwoNodes, until } from '../support/peer-nodes';

jest.setTimeout(60_000);

const everybody = Object.keys(roles) as Role[];

/** Two nodes with their peers' listeners and their HTTP APIs: casework as its clients see it, on both sides. */
describe('casework over HTTP, between two nodes', () => {
  let two: TwoNodes;
  const apps: NestFastifyApplication[] = [];
  let sender: Client;
  let receiver: Client;

  beforeAll(async () => {
    two = await TwoNodes.start();
    [sender, receiver] = (await Promise.all(two.both.map(open))) as [Client, Client];
  }, 60_000);
  afterAll(async () => {
    for (const app of apps) await app.close();
    await two?.close();
  });

  async function open(node: PeerNode): Promise<Client> {
    const { gateway, config } = node;
    const logger = createLogger('silent', config.node);
    const app = await createHttpApp(appModule(gateway, new Metrics(config.node)), config, logger);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    apps.push(app);
    return Client.open(node, app.getHttpServer() as Server);
  }

  /** A lead with one photograph, at the other side. */
  async function delivered(): Promise<string> {
    const content = randomBytes(500);
    const sample = leadBetween(two.sender.node, two.receiver.node);
    sample.transfer.number = `金枫综执线移〔2022〕第${++cases}号`;
    const id = await two.sender.draft([{ fileName: '照片.jpg', mediaType: 'image/jpeg', content }], sample);
    await two.sender.send(id, 20_000);
    await receiver.is(id, 'DELIVERED');
    await sender.is(id, 'DELIVERED');
    return id;
  }
  let cases = 0;

  it('a step of the receiver shows at the sender: state, life, documents', async () => {
    const id = await delivered();
    const signed = await receiver.command('clerk', id, 'sign-for').expect(202);
    expect(signed.body).toMatchObject({ state: 'RECEIVED', delivery: { state: 'queued' } });
    expect(signed.headers.etag).toBe(`"${signed.body.version}"`);
    await sender.is(id, 'RECEIVED');
    const [mine, theirs] = await Promise.all([sender.get('handler', id), receiver.get('clerk', id)]);
    const shared = ({ life }: { life: Record<string, unknown> }) => [
      life.state,
      life.records,
      life.crossed,
      life.versions,
    ];
    expect(shared(mine)).toEqual(shared(theirs));
    expect([mine.life.side, theirs.life.side]).toEqual(['sender', 'receiver']);

    // A supervisor says why; of others nothing is asked.
    const reason = { 'jieqiao-reason': 'case-supervision', 'jieqiao-reason-text': encodeURIComponent('督办第3号') };
    const list = (client: Client, who: Role) =>
      client.request(who, 'get', `/transfers/${id}/documents`).set(reason).expect(200);
    const receipt = (items: { type: string }[]) => items.filter(({ type }) => type === 'transfer-receipt');
    const [here, there] = [(await list(receiver, 'clerk')).body.items, (await list(sender, 'supervisor')).body.items];
    expect(receipt(here)).toMatchObject([
      { side: 'receiver', sealed: true, content: { command: 'sign-for', role: 'clerk' } },
    ]);
    expect(receipt(there)[0]).toMatchObject({ digest: (receipt(here)[0] as unknown as { digest: string }).digest });
    expect(there.filter(({ sealed }: { sealed: boolean }) => !sealed)).toHaveLength(5);
    expect(here.filter(({ sealed }: { sealed: boolean }) => !sealed)).toEqual([]);
  });

  it('a step is for whoever may take it, once, and says why not', async () => {
    const id = await delivered();
    const before = await receiver.get('head', id);
    const refusal = async (who: Role, command: string, more: object = {}) => {
      const { body } = await receiver.command(who, id, command, more).expect(409);
      return [body.code, body.params.reason];
    };
    expect(await refusal('handler', 'sign-for')).toEqual(['COMMAND_REFUSED', 'FORBIDDEN']);
    expect(await refusal('head', 'return', { data: { code: 'OTHER', text: '理由' } })).toEqual([
      'COMMAND_REFUSED',
      'WRONG_STATE',
    ]);
    expect(await refusal('seal-keeper', 'answer-matter', { data: { matter: 1 } })).toEqual([
      'COMMAND_REFUSED',
      'WRONG_KIND',
    ]);
    // A bundle is handed over by the side whose transfer it is.
    expect((await receiver.command('seal-keeper', id, 'send').expect(404)).body.code).toBe('NOT_FOUND');
    expect(settled(await receiver.get('head', id))).toEqual(settled(before));
    // What a client offers people is what they may do.
    expect((await receiver.get('clerk', id)).life.allowed).toEqual(['sign-for']);
    expect(before.life.allowed).not.toContain('sign-for');

    const stale = await receiver.command('clerk', id, 'sign-for', {}, { 'if-match': '"99"' }).expect(412);
    expect(stale.headers.etag).toBe(`"${before.version}"`);
    const headers = { 'if-match': `"${before.version}"`, 'idempotency-key': 'once' };
    const { body } = await receiver.command('clerk', id, 'sign-for', {}, { ...headers, prefer: 'wait=20' }).expect(200);
    expect(body).toMatchObject({ state: 'RECEIVED', delivery: { state: 'received' } });
    const again = await receiver.command('clerk', id, 'sign-for', {}, headers).expect(200);
    expect(settled(again.body)).toEqual(settled(body));
    expect((await receiver.command('clerk', id, 'sign-for').expect(409)).body.params.reason).toBe('WRONG_STATE');
  });

  it('a refused step is on record, with who and why', async () => {
    const id = await delivered();
    await receiver.command('handler', id, 'sign-for').expect(409);
    const [last] = (await two.receiver.logged('command.refused')).slice(-1);
    const person = receiver.idOf('handler');
    expect(last!.subject).toEqual({ command: 'sign-for', person, reason: 'FORBIDDEN', transfer: id });
  });

  it('needs a command that people give, in the form of its data', async () => {
    const id = await delivered();
    for (const command of ['create', 'edit', 'deliver', 'reject', 'reject-message', 'close-by-silence', 'explode']) {
      const { body } = await receiver.command('handler', id, command).expect(400);
      expect(body.errors).toEqual([{ pointer: '/command', code: 'NOT_ALLOWED' }]);
    }
    expect(peoplesCommands).not.toContain('deliver');
    const wrong = { data: { text: '', code: 'x', until: '2022-02-30', rules: ['R99'], document: 'sha256:00' } };
    const { body } = await receiver.command('head', id, 'return', wrong).expect(400);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(
      expect.arrayContaining(['/data/code', '/data/document', '/data/rules', '/data/text']),
    );
    await receiver.command('clerk', id, 'sign-for').expect(202);
    const missing = await receiver.command('head', id, 'return', { data: { code: 'OTHER' } }).expect(409);
    expect(missing.body.params).toMatchObject({ command: 'return', reason: 'VALIDATION_FAILED' });
  });

  it('items are decided, and the transfer accepted, over HTTP', async () => {
    const id = await delivered();
    await receiver.command('clerk', id, 'sign-for').expect(202);
    await receiver.command('handler', id, 'propose-acceptance').expect(200);
    const { recognition, version } = await receiver.get('legal-reviewer', id);
    const [{ evidence, proposed }] = recognition.proposals;
    const put = (who: Role, etag: string | null, body: object) => {
      const call = receiver.request(who, 'put', `/transfers/${id}/decisions`);
      return (etag === null ? call : call.set('if-match', etag)).send(body);
    };
    const decisions = [{ evidence, level: proposed }];
    expect((await put('legal-reviewer', null, { decisions }).expect(428)).body.code).toBe('PRECONDITION_REQUIRED');
    expect((await put('legal-reviewer', '"99"', { decisions }).expect(412)).body.code).toBe('PRECONDITION_FAILED');
    expect((await put('head', `"${version}"`, { decisions }).expect(403)).body.code).toBe('FORBIDDEN');
    const none = await put('legal-reviewer', `"${version}"`, { decisions: [{ evidence: 'none', level: 'DIRECT' }] });
    expect([none.status, none.body.errors]).toEqual([400, [{ pointer: '/decisions/0/evidence', code: 'UNKNOWN' }]]);
    const done = await put('legal-reviewer', `"${version}"`, { decisions }).expect(200);
    expect(done.headers.etag).toBe(`"${version + 1}"`);
    expect(done.body.decisions).toMatchObject({ [evidence]: { level: proposed } });
    await receiver.command('legal-reviewer', id, 'accept').expect(202);
    await sender.is(id, 'ACCEPTED');
    const { items } = (await sender.request('head', 'get', `/transfers/${id}/documents`).expect(200)).body;
    const notice = items.find(({ type }: { type: string }) => type === 'acceptance-notice');
    expect(notice.content.decisions).toEqual([{ evidence, level: proposed, reason: null }]);
  });
});

/** A transfer as read, but for the time that is left on its clocks, which runs on. */
function settled(view: { life: { clocks: { left: number }[] } }): object {
  const clocks = view.life.clocks.map(({ left: _, ...clock }) => clock);
  return { ...view, life: { ...view.life, clocks } };
}

/** The people of a node, signed in. */
class Client {
  private constructor(
    private readonly server: Server,
    private readonly sessions: ReadonlyMap<Role, { token: string; id: string }>,
  ) {}

  static async open({ gateway }: PeerNode, server: Server): Promise<Client> {
    const sessions = new Map<Role, { token: string; id: string }>();
    for (const who of everybody) {
      const qualified = who === 'legal-reviewer' ? { certNo: 'legal-0001', qualifiedSince: '2018-09-01' } : {};
      const { id } = await gateway.access.addPerson({ login: who, password, name: who, roles: [who], ...qualified });
      const { accessToken: token } = await gateway.access.signIn(who, password, 'test');
      sessions.set(who, { token, id });
    }
    return new Client(server, sessions);
  }

  idOf(who: Role): string {
    return this.sessions.get(who)!.id;
  }

  request(who: Role, method: 'get' | 'post' | 'put', path: string): request.Test {
    const call = request(this.server)[method](`/api/v1${path}`);
    return call.set('authorization', `Bearer ${this.sessions.get(who)!.token}`);
  }

  async get(who: Role, id: string) {
    return (await this.request(who, 'get', `/transfers/${id}`).expect(200)).body;
  }

  command(
    who: Role,
    id: string,
    command: string,
    body: object = {},
    headers: Record<string, string> = {},
  ): request.Test {
    return this.request(who, 'post', `/transfers/${id}/commands`)
      .set({ 'idempotency-key': commandKey(), ...headers })
      .send({ command, ...body });
  }

  async is(id: string, state: string): Promise<void> {
    await until(`${id} is ${state}`, async () => {
      const { status, body } = await this.request('head', 'get', `/transfers/${id}`);
      return status === 200 && body.state === state && body.delivery.state === 'received';
    });
  }
}
