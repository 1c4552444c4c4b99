import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { columnsOf, createLogger, Database, loadConfig } from '@jieqiao/platform';
import { findingWords } from '../../apps/gateway/src/doctor/finding';
import { Gateway } from '../../apps/gateway/src/gateway';
import { Desk, Desks, jieqiao, type Said, type Situation } from '../support/cli';
import { createMysqlSchema } from '../support/databases';
import { entities } from '../support/entities';

jest.setTimeout(60_000);

interface Report {
  node: string;
  settings: Record<string, unknown> | null;
  findings: { check: string; finding: string; state: string; params: Record<string, unknown>; zh: Words; en: Words }[];
}
interface Words {
  what: string;
  fix: string | null;
}

const desks = new Desks();
const day = 86_400_000;
let pinghu: Desk;
let jinshan: Desk;

const good = ({ code, err }: Said) => expect({ code, err }).toEqual({ code: 0, err: '' });
const config = (desk: Desk) =>
  loadConfig({ argv: ['--config', join(desk.dir, 'config.json')], env: {}, cwd: desk.dir });
const inDays = (days: number) => () => new Date(Date.now() + days * day);

async function doctor(desk: Desk, situation?: Situation): Promise<{ code: number; report: Report; ids: string[] }> {
  const { code, out, err } = await desk.jieqiao(['doctor', '--json'], situation);
  if (out === '') throw new Error(err);
  const report = JSON.parse(out) as Report;
  return { code, report, ids: report.findings.map(({ finding }) => finding) };
}

async function withDatabase(desk: Desk, sql: string, parameters: unknown[] = []): Promise<void> {
  const db = await Database.look(config(desk).databaseUrl, entities);
  await db.transaction((tx) => tx.query(sql, parameters));
  await db.close();
}

beforeAll(async () => {
  pinghu = await desks.node('pinghu.330482', '平湖市综合行政执法局');
  jinshan = await desks.node('jinshan.310116', '上海市金山区城市管理行政执法局');
});
afterAll(() => desks.drop());

test('a new node, not started: nothing wrong, what is not used says so, what asks for action says which', async () => {
  const { code, report, ids } = await doctor(pinghu);
  expect(code).toBe(0);
  const warned = report.findings.filter(({ state, finding }) => state === 'warning' && !/slow|disk/.test(finding));
  expect(warned.map(({ finding }) => finding)).toEqual(['files.admin-password', 'root.online']);
  for (const id of [
    ...['config.read', 'software.supported', 'process.stopped', 'ports.free', 'files.private', 'crl.current'],
    ...['log.waiting', 'queue.empty', 'agreements.none', 'peers.none', 'clock.none'],
    ...['timestamps.none', 'certificates.good'],
  ]) {
    expect(ids).toContain(id);
  }
  // How fast they are is this machine's matter.
  for (const check of ['database', 'blobs']) {
    expect(report.findings.find((one) => one.check === check)!.finding).toMatch(/\.(good|slow)$/);
  }
  for (const { state, zh, en } of report.findings) {
    const acts = state === 'wrong' || state === 'warning';
    expect([zh.fix !== null, en.fix !== null]).toEqual([acts, acts]);
    expect(`${zh.what}${zh.fix}${en.what}${en.fix}`).not.toMatch(/\{\w+\}|undefined/);
  }
  // The probe has left nothing.
  const left = readdirSync(join(pinghu.dir, 'blobs'), { recursive: true, withFileTypes: true }).filter((e) =>
    e.isFile(),
  );
  expect(left).toEqual([]);
});

test('fits an 80-column screen in both languages, what is wrong first', async () => {
  const key = join(pinghu.dir, 'keys/node.key.pem');
  chmodSync(key, 0o644);
  for (const lang of ['zh', 'en']) {
    const { code, out } = await pinghu.jieqiao(['doctor', '--lang', lang]);
    expect(code).toBe(1);
    const lines = out.trimEnd().split('\n');
    // A path is not broken, however long.
    expect(lines.filter((line) => columnsOf(line) > 80 && !line.includes('/'))).toEqual([]);
    expect(lines[2]).toMatch(
      lang === 'zh' ? /^✗ 异常 +密钥文件 +keys\/node\.key\.pem 别的账号也能读（644）/ : /^✗ wrong +Key files/,
    );
    expect(out).toContain(lang === 'zh' ? '怎么办：chmod 600' : 'What to do: chmod 600');
    if (lang === 'en') expect(out).not.toMatch(/\p{Script=Han}/u);
    expect(lines.at(-1)).toMatch(
      lang === 'zh' ? /^1 项异常，\d+ 项注意，\d+ 项正常，\d+ 项未使用$/ : /^1 wrong, \d+ warning/,
    );
  }
  chmodSync(key, 0o600);
});

describe('no secret leaves by the report', () => {
  test('of keys, passphrases, passwords and the database’s URL', async () => {
    const database = 'mysql://jieqiao:very-secret-database@127.0.0.1:1/jieqiao';
    writeFileSync(join(pinghu.dir, 'keys/seal.p12.pass'), 'very-secret-passphrase\n', { mode: 0o600 });
    const env = { DATABASE_URL: database };
    const { code, out, err } = await pinghu.jieqiao(['doctor', '--report', 'report.json'], { env });
    expect(code).toBe(1);
    const report = readFileSync(join(pinghu.dir, 'report.json'), 'utf8');
    expect(JSON.parse(report)).toMatchObject({ schema: 'jieqiao/doctor/v1', settings: { database: 'mysql' } });
    expect(report).toContain('ECONNREFUSED');
    expect(report).toContain('127.0.0.1:1/jieqiao');
    const keys = join(pinghu.dir, 'keys');
    const secrets = [
      ...['very-secret-database', 'very-secret-passphrase', 'PRIVATE KEY', 'jieqiao:very'],
      readFileSync(join(pinghu.dir, 'admin-password'), 'utf8').trim(),
      readFileSync(join(keys, 'session.key'), 'utf8').trim(),
      ...readdirSync(keys)
        .filter((name) => name.endsWith('.key.pem'))
        .map((name) => readFileSync(join(keys, name), 'utf8').split('\n')[1]!),
    ];
    expect(secrets.filter((secret) => `${report}${out}${err}`.includes(secret))).toEqual([]);
    renameSync(join(keys, 'seal.p12.pass'), join(desks.stick, 'pass'));
  });
});

describe('settings', () => {
  test('that are wrong are findings, with exit code 78', async () => {
    const file = join(pinghu.dir, 'config.json');
    const before = readFileSync(file);
    const wrong = [
      ['peers', { peers: 1 }],
      ['love-letter', { numbers: { patterns: { 'love-letter': '平〔{year}〕{sequence}号' } } }],
    ] as const;
    for (const [named, settings] of wrong) {
      writeFileSync(file, JSON.stringify({ ...(JSON.parse(before.toString()) as object), ...settings }));
      const { code, report } = await doctor(pinghu);
      writeFileSync(file, before);
      expect(code).toBe(78);
      expect(report.findings[0]).toMatchObject({
        finding: 'config.invalid',
        state: 'wrong',
        params: { problem: expect.stringContaining(named) },
      });
    }
  });

  test('where there are none, it says where to go, and so do all commands', async () => {
    const nowhere = join(desks.dir, 'nowhere');
    mkdirSync(nowhere);
    for (const command of [['doctor'], ['card'], ['agreement', 'status'], ['serve']]) {
      const { code, err } = await jieqiao(nowhere, command);
      expect([command, code, err]).toEqual([command, 78, expect.stringContaining('jieqiao init')]);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });
});

describe('keys', () => {
  test('that are not there', async () => {
    renameSync(join(pinghu.dir, 'keys'), join(pinghu.dir, 'away'));
    const { code, ids } = await doctor(pinghu);
    renameSync(join(pinghu.dir, 'away'), join(pinghu.dir, 'keys'));
    expect([code, ids.includes('files.absent'), existsSync(join(pinghu.dir, 'keys'))]).toEqual([1, true, true]);
  });

  test('that can’t be read', async () => {
    const file = join(pinghu.dir, 'keys/seal.cert.pem');
    const before = readFileSync(file);
    writeFileSync(file, 'hello', { mode: 0o600 });
    const { code, ids } = await doctor(pinghu);
    writeFileSync(file, before, { mode: 0o600 });
    expect([code, ids.includes('certificates.unreadable')]).toEqual([1, true]);
  });

  test.each([
    [690, 'certificates.good', 0],
    [705, 'certificates.ending', 0],
    [729.5, 'certificates.ending', 0],
    [740, 'certificates.expired', 1],
    [-5, 'certificates.not-yet', 1],
  ])('after %d days: %s', async (days, expected) => {
    const { report, code } = await doctor(pinghu, { now: inDays(days) });
    const own = report.findings.filter(({ check, params }) => check === 'certificates' && params.use === 'node');
    expect(own.map(({ finding }) => finding)).toEqual([expected]);
    expect(findingWords[expected as keyof typeof findingWords].state === 'wrong' ? code : 1).toBe(1);
  });

  test.each([
    [5, 'crl.current'],
    [25, 'crl.ending'],
    [31, 'crl.stale'],
  ])('the revocation list after %d days: %s', async (days, expected) => {
    const { ids } = await doctor(pinghu, { now: inDays(days) });
    expect(ids.filter((id) => id.startsWith('crl.'))).toEqual([expected]);
  });

  test('the root key offline', async () => {
    renameSync(join(pinghu.dir, 'keys/root.key.pem'), join(desks.stick, 'root.key.pem'));
    const { ids } = await doctor(pinghu);
    renameSync(join(desks.stick, 'root.key.pem'), join(pinghu.dir, 'keys/root.key.pem'));
    expect(ids).toContain('root.offline');
  });
});

describe('ports and process', () => {
  function listen(port: number, body: string): Promise<Server> {
    return new Promise((resolve) => {
      const server = createServer((_request, response) => response.end(body)).listen(port, '127.0.0.1', () =>
        resolve(server),
      );
    });
  }

  test('something else has the ports', async () => {
    const { http, peer } = config(pinghu);
    const servers = [await listen(http.port, 'hello'), await listen(peer.grpcPort, 'hello')];
    const { code, report } = await doctor(pinghu);
    for (const server of servers) server.close();
    expect(code).toBe(1);
    const taken = report.findings.filter(({ finding }) => finding === 'ports.taken');
    expect(taken.map(({ params }) => params.setting)).toEqual(['http.port', 'peer.grpcPort']);
    expect(report.findings.map(({ finding }) => finding)).toContain('process.stranger');
  });

  test('a node that runs and is not ready', async () => {
    const { http } = config(pinghu);
    const problem = { code: 'NOT_READY', params: { failing: ['log'] } };
    const server = await listen(http.port, JSON.stringify(problem));
    const { report } = await doctor(pinghu);
    server.close();
    expect(report.findings.find(({ check }) => check === 'process')).toMatchObject({
      finding: 'process.not-ready',
      zh: { what: expect.stringContaining('log') },
    });
  });
});

describe('database', () => {
  test('not there yet', async () => {
    const env = { DATABASE_URL: `sqlite:${join(desks.dir, 'absent.sqlite')}` };
    const { code, ids } = await doctor(pinghu, { env });
    expect([code, ids.includes('database.none'), existsSync(join(desks.dir, 'absent.sqlite'))]).toEqual([
      0,
      true,
      false,
    ]);
  });

  test('older than this program, and newer', async () => {
    await withDatabase(pinghu, "UPDATE schema_migration SET name = '9999-future' WHERE name = '0002-trust'");
    const newer = await doctor(pinghu);
    expect([newer.code, newer.ids.filter((id) => id.startsWith('database.'))]).toEqual([
      1,
      ['database.unknown-schema'],
    ]);
    await withDatabase(pinghu, "DELETE FROM schema_migration WHERE name = '9999-future'");
    const older = await doctor(pinghu);
    expect([older.code, older.ids.filter((id) => id.startsWith('database.'))]).toEqual([0, ['database.pending']]);
    const at = new Date().toISOString();
    await withDatabase(pinghu, "INSERT INTO schema_migration (name, applied_at) VALUES ('0002-trust', ?)", [at]);
    expect((await doctor(pinghu)).ids.find((id) => id.startsWith('database.'))).toMatch(/good|slow/);
  });

  const server = process.env.JIEQIAO_TEST_MYSQL;
  (server ? test : test.skip)('on a server: its name and version, never the account', async () => {
    const { url, drop } = await createMysqlSchema(server!);
    const env = { DATABASE_URL: url };
    const { report, ids } = await doctor(pinghu, { env });
    expect(ids).toContain('database.pending');
    good(await pinghu.jieqiao(['init', '--node', pinghu.node, '--authority', '平湖市综合行政执法局'], { env }));
    const after = await doctor(pinghu, { env });
    expect(after.report.findings.find(({ check }) => check === 'database')).toMatchObject({
      finding: expect.stringMatching(/good|slow/),
      params: { engine: expect.stringMatching(/MariaDB|MySQL/), version: expect.stringMatching(/^\d+\.\d+/) },
    });
    expect(JSON.stringify(report)).not.toContain('root@');
    await drop();
  });
});

describe('with an agreement', () => {
  let nodes: Gateway[] = [];
  afterEach(async () => {
    for (const node of nodes) await node.stop();
    nodes = [];
  });
  const start = async (desk: Desk): Promise<Gateway> => {
    const gateway = await Gateway.open(config(desk), createLogger('silent', desk.node), () => new Date());
    nodes.push(gateway);
    await gateway.start();
    return gateway;
  };

  beforeAll(async () => {
    const out = join(desks.stick, 'v1.json');
    good(
      await pinghu.jieqiao(['agreement', 'new', '--peer', jinshan.card, ...(await Desk.heard(jinshan)), '--out', out]),
    );
    good(await jinshan.jieqiao(['agreement', 'sign', out, ...(await Desk.heard(pinghu))]));
    good(await pinghu.jieqiao(['agreement', 'import', out]));
  });

  test('a peer that is not there: the hop, its cause, what to do; exit code 1', async () => {
    const { code, report } = await doctor(pinghu);
    expect(code).toBe(1);
    const peers = report.findings.filter(({ check }) => check === 'peers');
    expect(peers).toHaveLength(1);
    expect(peers[0]).toMatchObject({ finding: 'peers.wrong', state: 'wrong', params: { peer: 'jinshan.310116' } });
    expect(peers[0]!.zh.what).toContain('拒绝连接');
    expect(peers[0]!.zh.fix).toContain('jieqiao serve');
    expect(peers[0]!.en.fix).toContain('jieqiao serve');
    const test = await pinghu.jieqiao(['peer', 'test', 'jinshan.310116', '--lang', 'en']);
    expect([test.code, test.out]).toEqual([1, expect.stringContaining('refuses: nothing listens there')]);
  });

  test.each([
    ['agreement', 'in-force', 10, 'agreements.in-force'],
    ['agreement', 'ending', 1_080, 'agreements.ending'],
    ['agreement', 'ended', 1_100, 'agreements.ended'],
  ])('%s %s', async (_, __, days, expected) => {
    const { ids } = await doctor(pinghu, { now: inDays(days) });
    expect(ids.filter((id) => id.startsWith('agreements.'))).toEqual([expected]);
  });

  test('keys that the agreement does not know', async () => {
    const { ids: before } = await doctor(pinghu);
    expect(before.filter((id) => id.startsWith('certificates.') && id !== 'certificates.good')).toEqual([]);
    good(await pinghu.jieqiao(['key', 'rotate', 'log']));
    const { ids } = await doctor(pinghu);
    expect(ids).toContain('certificates.log-key-not-agreed');
  });

  test('an envelope that waits for the node to start', async () => {
    const said = await pinghu.jieqiao(['peer', 'test', 'jinshan.310116', '--envelope', '--wait', '1']);
    expect([said.code, said.out]).toEqual([1, expect.stringContaining('1 秒内没有送出')]);
    const { report } = await doctor(pinghu);
    expect(report.findings.find(({ check }) => check === 'queue')).toMatchObject({
      finding: 'queue.stopped',
      params: { peer: 'jinshan.310116', queued: 1 },
    });
  });

  test('a log whose newest checkpoint is not its own', async () => {
    const gateway = await start(jinshan);
    const until = Date.now() + 20_000;
    while ((await gateway.audit.state()).pending > 0 && Date.now() < until) await new Promise((r) => setTimeout(r, 50));
    await gateway.stop();
    nodes = [];
    expect((await doctor(jinshan)).ids).toContain('log.good');
    await withDatabase(
      jinshan,
      "UPDATE log_checkpoint SET note = REPLACE(note, 'jieqiao.log/jinshan', 'jieqiao.log/jinsham')",
    );
    const { code, ids } = await doctor(jinshan);
    expect([code, ids.includes('log.signature')]).toEqual([1, true]);
    await withDatabase(
      jinshan,
      "UPDATE log_checkpoint SET note = REPLACE(note, 'jieqiao.log/jinsham', 'jieqiao.log/jinshan')",
    );
  });

  test('entries that nobody gives a place, while the node runs', async () => {
    const { http } = config(pinghu);
    const server = await new Promise<Server>((resolve) => {
      const ready = createServer((_, response) => response.end('{"status":"ok"}'));
      ready.listen(http.port, '127.0.0.1', () => resolve(ready));
    });
    const { report } = await doctor(pinghu, { now: () => new Date(Date.now() + 600_000) });
    server.close();
    expect(report.findings.find(({ finding }) => finding === 'log.behind')).toMatchObject({ state: 'wrong' });
  });

  test('time-stamp authorities that do not answer', async () => {
    const env = { JIEQIAO_TIMESTAMPS_URLS: 'http://127.0.0.1:1/tsa' };
    const { report } = await doctor(pinghu, { env });
    expect(report.findings.find(({ check }) => check === 'timestamps')).toMatchObject({
      finding: 'timestamps.failed',
      params: { name: '127.0.0.1:1' },
    });
  });

  test('peer show tells standing and agreement; a stranger is no peer', async () => {
    const { out } = await pinghu.jieqiao(['peer', 'show']);
    expect(out).toContain('上海市金山区城市管理行政执法局  jinshan.310116');
    expect(out).toContain('pinghu-jinshan 第 1 版');
    const unknown = await pinghu.jieqiao(['peer', 'test', 'jiashan.330421']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('已有的对端：jinshan.310116')]);
    const views = await pinghu.json<{ node: string }[]>(['peer', 'show']);
    expect(views.map(({ node }) => node)).toEqual(['jinshan.310116']);
  });
});

describe('the command line', () => {
  test.each([
    [['--help'], 0],
    [[], 2],
    [['help'], 0],
    [['agreement'], 2],
    [['agreement', '--help'], 0],
    [['agreement', 'sign', '--help'], 0],
    [['nonsense'], 2],
    [['agreement', 'nonsense'], 2],
    [['doctor', '--lang', 'fr'], 2],
    [['card', 'extra'], 2],
    [['card', 'show'], 2],
  ])('%j → %i', async (argv, expected) => {
    expect((await jieqiao(desks.dir, argv)).code).toBe(expected);
  });

  test('speaks as the surroundings do, or as told', async () => {
    const zh = await jieqiao(desks.dir, ['--help']);
    const en = await jieqiao(desks.dir, ['--help'], { env: { LANG: 'en_GB.UTF-8' } });
    const told = await jieqiao(desks.dir, ['--help', '--lang', 'zh'], { env: { LANG: 'en_GB.UTF-8' } });
    expect(en.out).not.toMatch(/\p{Script=Han}/u);
    expect(told.out).toBe(zh.out);
    expect(zh.out).toContain('互认协议');
  });
});
