import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../../apps/demo/src/api-client';
import { accounts } from '../../apps/demo/src/pair';
import { type Scenario, samplesDir } from '../../apps/demo/src/scenario';
import { Command, gone, nodesOf, root, runCommand, shell } from './command';

jest.setTimeout(60_000);

const dir = mkdtempSync(join(tmpdir(), 'jieqiao-e2e-'));
const data = join(dir, 'data');
const s1 = JSON.parse(readFileSync(join(samplesDir, 's1.json'), 'utf8')) as Scenario;
const running: Command[] = [];
/** Anything goes slower while other suites run; on a machine of its own it is a third of this. */
const readyMs = 20_000;

function start(...args: string[]): Command {
  const command = new Command('start', ['--data', data, ...args]);
  running.push(command);
  return command;
}

interface Pair {
  password: string;
  ports: Record<string, { http: number; grpc: number; blobs: number }>;
}
const pair = () => JSON.parse(readFileSync(join(data, 'demo.json'), 'utf8')) as Pair;

async function signIn(node: string, login: string): Promise<ApiClient> {
  const { password, ports } = pair();
  const client = new ApiClient(`http://127.0.0.1:${ports[node]!.http}`);
  await client.signIn(login, password);
  return client;
}

async function transfersAt(node: string): Promise<{ number: string; state: string; delivery: string }[]> {
  const clerk = await signIn(node, 'clerk');
  const { items } = await clerk.get<{ items: { number: string; state: string; delivery: { state: string } }[] }>(
    '/transfers',
  );
  return items.map(({ number, state, delivery }) => ({ number, state, delivery: delivery.state }));
}

const carriedOnce = [{ number: s1.transfer.number, state: 'ACCEPTED', delivery: 'received' }];

async function expectGone(pids: number[], withinMs: number): Promise<void> {
  expect(pids).toHaveLength(2);
  expect(await gone(pids, withinMs)).toEqual([]);
}

afterAll(async () => {
  for (const command of running) command.signal('SIGKILL');
  await Promise.all(running.map((command) => command.exited));
  rmSync(dir, { recursive: true, force: true });
});

// One story on one data directory: each test goes on where the last one stopped.
describe('npm start', () => {
  it('is ended by SIGTERM in the middle of the upload', async () => {
    const command = start();
    await command.says('1/9');
    const nodes = nodesOf(data);
    command.signal('SIGTERM');
    expect(await command.exited).toBe(0);
    await expectGone(nodes, 0);
  });

  it('goes on with the same draft, carries it across, and stays up', async () => {
    const command = start();
    await command.says('Ctrl-C');
    expect(Date.now() - command.began).toBeLessThan(readyMs);
    expect(command.stdout).toContain(`承办人接着填写 ${s1.transfer.number}`);
    for (const { fileName } of s1.transfer.evidence) expect(command.stdout).toContain(fileName);
    expect(command.stdout).toContain('收到回执');
    expect(command.stdout).toContain('先行受理');
    // The story plays when the patrol was out, and the nodes’ time goes on from there.
    expect(command.stdout).toMatch(/23:5\d:\d\d/);
    expect(command.stdout).not.toContain('\u001b');
    expect(Math.max(...command.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(160);
    expect(await transfersAt('jinshan.310116')).toEqual(carriedOnce);
    expect(await transfersAt('pinghu.330482')).toEqual(carriedOnce);
  });

  it('shows commands that verify what crossed, and addresses that answer', async () => {
    const { stdout } = running.at(-1)!;
    const section = stdout.slice(stdout.indexOf('四、'), stdout.indexOf('五、'));
    const commands = section.split('\n').filter((line) => line.startsWith('    '));
    const { code, text } = await shell(commands.join('\n'), root);
    expect({ code, text }).toMatchObject({ code: 0 });
    expect(text).toMatch(/核验结论: 通过[\s\S]*Verification successful/);
    for (const url of stdout.match(/http:\/\/\S+/g)!) expect((await fetch(url)).status).toBe(200);
    expect(stdout).toContain(join(data, 'pinghu/node.log'));
  });

  it('lets the people of each side in', async () => {
    const { stdout } = running.at(-1)!;
    expect(stdout).toContain(pair().password);
    expect(pair().password).toMatch(/^demo-/);
    for (const node of ['pinghu.330482', 'jinshan.310116']) {
      for (const { login, role, title } of accounts) {
        expect(stdout).toContain(title.zh);
        const me = await (await signIn(node, login)).get<{ roles: string[] }>('/me');
        expect(me.roles).toEqual([role]);
      }
    }
  });

  it('lets neither a second start nor a reset between', async () => {
    const second = await runCommand('start', ['--data', data, '--lang', 'en']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('already running');
    const reset = await runCommand('reset', ['--data', data]);
    expect(reset.code).toBe(1);
    expect(reset.stderr).toContain('节点还在运行');
    expect(existsSync(join(data, 'pinghu/keys'))).toBe(true);
  });

  it('ends with 0 at Ctrl-C, and leaves no process', async () => {
    const nodes = nodesOf(data);
    running.at(-1)!.signal('SIGINT');
    expect(await running.at(-1)!.exited).toBe(0);
    await expectGone(nodes, 0);
    expect(running.at(-1)!.stderr).toBe('');
    expect(existsSync(join(data, 'running.json'))).toBe(false);
  });

  it('continues on the same data, in English, without a second transfer', async () => {
    const before = pair();
    const command = start('--lang', 'en');
    await command.says('Ctrl-C');
    expect(pair()).toEqual(before);
    expect(command.stdout).toContain('What has crossed already');
    const known = [s1.transfer.number, data];
    const rest = known.reduce((text, name) => text.replaceAll(name, ''), command.stdout);
    expect(rest.match(/[\u3000-\u303f\p{Script=Han}\uff00-\uffef]/gu)).toBeNull();
    expect(await transfersAt('jinshan.310116')).toEqual(carriedOnce);
    expect(await transfersAt('pinghu.330482')).toEqual(carriedOnce);
  });

  it('killed outright, it leaves no node running', async () => {
    const nodes = nodesOf(data);
    running.at(-1)!.signal('SIGKILL');
    await running.at(-1)!.exited;
    await expectGone(nodes, 5_000);
  });

  it('says which port is taken, by whom to look, and what to do', async () => {
    const { grpc } = pair().ports['jinshan.310116']!;
    const other = await new Promise<Server>((resolve) => {
      const server = createServer().listen(grpc, '127.0.0.1', () => resolve(server));
    });
    const { code, stderr } = await runCommand('start', ['--data', data]);
    await new Promise((resolve) => other.close(resolve));
    expect(code).toBe(1);
    expect(stderr).toContain(`端口 ${grpc}（金山）已被别的程序占用`);
    expect(stderr).toContain('npm run reset');
  });

  it('says so when a node ends by itself, and ends the other', async () => {
    const command = start();
    await command.says('Ctrl-C');
    const nodes = nodesOf(data);
    process.kill(nodes[1]!, 'SIGKILL');
    expect(await command.exited).toBe(1);
    expect(command.stderr).toMatch(/的节点自己结束了（SIGKILL）/);
    expect(command.stderr).toContain('node.log');
    await expectGone(nodes, 0);
  });
});

describe('npm run reset', () => {
  it('removes what npm start made, and says what', async () => {
    writeFileSync(join(data, 'notes.txt'), 'mine');
    const { code, stdout } = await runCommand('reset', ['--data', data]);
    expect(code).toBe(0);
    for (const name of ['pinghu', 'jinshan', 'agreement.json', 'S1']) expect(stdout).toContain(join(data, name));
    expect(readdirSync(data)).toEqual(['notes.txt']);
  });

  it('leaves a directory alone that npm start did not make', async () => {
    const { code, stderr } = await runCommand('reset', ['--data', data, '--lang', 'en']);
    expect(code).toBe(1);
    expect(stderr).toContain('was not made by npm start');
    expect(readdirSync(data)).toEqual(['notes.txt']);
  });

  it('has nothing to do where nothing is', async () => {
    const { code, stdout } = await runCommand('reset', ['--data', join(dir, 'nowhere')]);
    expect(code).toBe(0);
    expect(stdout).toContain('无须清空');
  });
});
