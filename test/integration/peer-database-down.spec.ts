import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createLogger, Metrics } from '@jieqiao/platform';
import { appModule } from '../../apps/gateway/src/app.module';
import { createHttpApp } from '../../apps/gateway/src/http/http-app';
import { createMysqlSchema } from '../support/databases';
import { checkExchange, type SentCase } from '../support/exchange-invariants';
import { CutWire, type PeerNode, pause, TwoNodes, until } from '../support/peer-nodes';

jest.setTimeout(60_000);

const server = process.env.JIEQIAO_TEST_MYSQL;
const onMysql = server ? describe : describe.skip;

/** Both nodes on MySQL, each over a wire of its own that can be cut. */
onMysql('a node whose database goes away', () => {
  let two: TwoNodes;
  let wires: { sender: CutWire; receiver: CutWire };
  let schemas: { url: string; drop(): Promise<void> }[];
  let app: Awaited<ReturnType<typeof createHttpApp>>;
  let url: string;
  const sent: SentCase[] = [];

  beforeAll(async () => {
    const { hostname, port } = new URL(server!);
    schemas = [await createMysqlSchema(server!), await createMysqlSchema(server!)];
    const [sender, receiver] = [
      await CutWire.to(hostname, Number(port || 3306)),
      await CutWire.to(hostname, Number(port || 3306)),
    ];
    wires = { sender, receiver };
    two = await TwoNodes.start({
      config: (config, node) => {
        const [schema, wire] = node === 'jinshan.310116' ? [schemas[0]!, sender] : [schemas[1]!, receiver];
        const through = new URL(schema.url);
        through.hostname = '127.0.0.1';
        through.port = String(wire.port);
        config.databaseUrl = through.href;
      },
    });
    const { gateway, config } = two.sender;
    const logger = createLogger('silent', config.node);
    app = await createHttpApp(appModule(gateway, new Metrics(config.node)), config, logger);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    await gateway.access.addPerson({
      login: 'officer',
      password: 'correct horse battery',
      name: '甲',
      roles: ['handler'],
    });
  });

  afterAll(async () => {
    await app?.close();
    await two?.close();
    for (const wire of Object.values(wires)) await wire.cut();
    for (const schema of schemas) await schema.drop();
  });

  afterEach(async () => {
    for (const wire of Object.values(wires)) await wire.mend();
  });

  const send = async (): Promise<string> => {
    const content = randomBytes(2_000);
    const id = await two.sender.draft([{ fileName: '一.jpg', mediaType: 'image/jpeg', content }]);
    await two.sender.send(id);
    const [row] = await two.sender.rows('SELECT digest FROM evidence WHERE transfer_id = ?', [id]);
    const digest = row!.digest as SentCase['files'][number]['digest'];
    sent.push({ id, files: [{ fileName: '一.jpg', digest }], ended: false });
    return id;
  };
  const received = (id: string) =>
    until(`${id} is received`, async () => (await two.sender.view(id)).delivery.state === 'received', 20_000);
  const checked = (node: PeerNode, schema: { url: string }) => ({
    node: node.node,
    databaseUrl: schema.url,
    blobsDir: join(node.config.dataDir, 'blobs'),
    vkey: node.vkey,
  });
  const invariants = () => checkExchange(checked(two.sender, schemas[0]!), checked(two.receiver, schemas[1]!), sent);
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, { headers });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };

  it('tells people so, with a code and no more, and works again as soon as it is back', async () => {
    const signIn = () =>
      fetch(`${url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ login: 'officer', password: 'correct horse battery' }),
      });
    const { accessToken } = (await (await signIn()).json()) as { accessToken: string };
    const authorization = { authorization: `Bearer ${accessToken}` };
    expect((await get('/health/ready')).status).toBe(200);
    const draft = await two.sender.draft();

    await wires.sender.cut();
    const list = await get('/api/v1/transfers', authorization);
    expect(list).toMatchObject({ status: 503, type: expect.stringContaining('application/problem+json') });
    expect(JSON.parse(list.text)).toMatchObject({ code: 'DATABASE_UNAVAILABLE', status: 503 });
    const attempt = await fetch(`${url}/api/v1/transfers/${draft}/commands`, {
      method: 'POST',
      headers: { ...authorization, 'content-type': 'application/json', 'idempotency-key': 'while-down' },
      body: JSON.stringify({ command: 'sign' }),
    });
    const problem = await attempt.text();
    expect(JSON.parse(problem)).toMatchObject({ code: 'DATABASE_UNAVAILABLE', status: 503 });
    expect(await (await signIn()).json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    for (const text of [list.text, problem]) expect(text).not.toMatch(/\bat |mysql|127\.0\.0\.1|\.ts/);
    expect((await get('/health/live')).status).toBe(200);
    expect(JSON.parse((await get('/health/ready')).text)).toMatchObject({
      code: 'NOT_READY',
      params: { failing: expect.arrayContaining(['database']) },
    });

    await wires.sender.mend();
    await until('it is ready again', async () => (await get('/health/ready')).status === 200);
    expect((await get('/api/v1/transfers', authorization)).status).toBe(200);
    await received(await send());
    await invariants();
  });

  it('tells peers so, who come again: DATABASE_UNAVAILABLE', async () => {
    await received(await send());
    await wires.receiver.cut();
    const id = await send();
    await until('an attempt', async () => (await two.sender.view(id)).delivery.lastError === 'DATABASE_UNAVAILABLE');
    expect(await two.sender.view(id)).toMatchObject({ state: 'SENT', delivery: { state: 'queued' } });
    await wires.receiver.mend();
    await received(id);
    await invariants();
  });

  it('loses and doubles nothing while the wire is cut again and again under load', async () => {
    let cutting = true;
    const load = Array.from({ length: 3 }, async () => {
      for (let i = 0; i < 12 && cutting; i++) {
        // What fails half-way is a draft that nobody sent; a send whose answer was lost is found by its state.
        await send().catch(() => pause(50));
      }
    });
    for (let i = 0; i < 8; i++) {
      const wire = i % 2 === 0 ? wires.sender : wires.receiver;
      await pause(60 + 35 * i);
      await wire.cut();
      await pause(100);
      await wire.mend();
    }
    cutting = false;
    await Promise.all(load);
    await pause(200);
    const rows = await two.sender.rows("SELECT id FROM transfer WHERE direction = 'out' AND delivery <> 'none'");
    for (const row of rows) await received(String(row.id));
    const known = new Set(sent.map(({ id }) => id));
    for (const { id } of rows.filter((row) => !known.has(String(row.id)))) {
      const files = await two.sender.rows('SELECT file_name, digest FROM evidence WHERE transfer_id = ?', [id]);
      sent.push({
        id: String(id),
        ended: false,
        files: files.map((file) => ({ fileName: file.file_name, digest: file.digest })) as never,
      });
    }
    expect(rows.length).toBeGreaterThan(5);
    await invariants();
  });

  it('can be stopped while its database is away, and started when it is back', async () => {
    const id = await send();
    for (const side of ['receiver', 'sender'] as const) {
      await wires[side].cut();
      let stopped = false;
      const stopping = two[side].stop().then(() => {
        stopped = true;
      });
      await until(`the ${side} has stopped`, () => stopped, 10_000);
      await stopping;
      await expect(two[side].start()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
      await wires[side].mend();
    }
    for (const node of two.both) await node.start();
    await received(id);
    await invariants();
  });
});
