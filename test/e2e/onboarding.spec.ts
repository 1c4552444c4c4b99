import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePorts } from '../../apps/demo/src/nodes';
import { root } from './command';

/**
 * Runs docs/guides/onboarding.md as it stands: the fenced blocks marked `a` and `b`, in their order, each side in an empty
 * directory of its own. Only the page's placeholders are filled in, as its readers do: hosts, the stick, and the digits
 * "heard on the phone", which are those on the other side's screen.
 */
type Side = 'a' | 'b';

const guide = readFileSync(join(root, 'docs/guides/onboarding.md'), 'utf8');
const steps = [...guide.matchAll(/^```sh (a|b)\n([\s\S]*?)^```$/gm)].flatMap(([, side, block]) =>
  block!
    .trim()
    .split('\n')
    .map((line) => ({ side: side as Side, line })),
);
const heard = '11111-22222-33333-44444-55555';
const dir = mkdtempSync(join(tmpdir(), 'jieqiao-onboarding-'));
const dirs = { a: join(dir, 'a'), b: join(dir, 'b'), stick: join(dir, 'stick'), bin: join(dir, 'bin') };
const ports: Record<Side, { http: number; grpc: number; blobs: number }> = {} as never;
const screens: Record<Side, string[]> = { a: [], b: [] };
const running: ChildProcess[] = [];

function environment(side: Side): NodeJS.ProcessEnv {
  const { HOME, TMPDIR, PATH } = process.env;
  return {
    ...{ HOME, LANG: 'zh_CN.UTF-8', PATH: `${dirs.bin}${delimiter}${PATH}` },
    ...(TMPDIR ? { TMPDIR } : {}),
    JIEQIAO_HTTP_PORT: String(ports[side].http),
    JIEQIAO_PEER_GRPC_PORT: String(ports[side].grpc),
    JIEQIAO_PEER_BLOB_PORT: String(ports[side].blobs),
  };
}

/** What a reader types for the line. */
function typed({ side, line }: (typeof steps)[number]): string {
  const other = side === 'a' ? 'b' : 'a';
  return line
    .replaceAll(/node\.\w+\.example/g, '127.0.0.1')
    .replaceAll('/media/usb', dirs.stick)
    .replaceAll(heard, () => fingerprintOn(screens[other].join('\n')));
}

function fingerprintOn(screen: string): string {
  const groups = /^ +(\d{5}(?: +\d{5}){4})$/m.exec(screen)?.[1];
  if (!groups) throw new Error(`no fingerprint on the screen:\n${screen}`);
  return groups.replaceAll(/ +/g, '-');
}

function run(side: Side, line: string): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    // No terminal: whatever would have to be asked is an error.
    const child = spawn('sh', ['-c', line], {
      cwd: dirs[side],
      env: environment(side),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    child.once('close', (code) => resolve({ code, text }));
  });
}

function serve(side: Side, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', `exec ${line}`], { cwd: dirs[side], env: environment(side) });
    running.push(child);
    let text = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        if (text.includes('"message":"ready"')) resolve();
      });
    }
    child.once('close', (code) => reject(new Error(`ended with ${code}:\n${text}`)));
  });
}

beforeAll(async () => {
  for (const path of Object.values(dirs)) mkdirSync(path);
  const shim = join(dirs.bin, 'jieqiao');
  writeFileSync(
    shim,
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'apps/gateway/dist/cli/jieqiao.js')}" "$@"\n`,
  );
  chmodSync(shim, 0o755);
  const [a, b, c, d, e, f] = (await freePorts(6)) as [number, number, number, number, number, number];
  ports.a = { http: a, grpc: b, blobs: c };
  ports.b = { http: d, grpc: e, blobs: f };
});

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

test('the guide has at most five commands a side', () => {
  for (const side of ['a', 'b'] as const) {
    const own = steps.filter((step) => step.side === side).map(({ line }) => line);
    expect(own.length).toBeGreaterThan(3);
    expect(own.length).toBeLessThanOrEqual(5);
    expect(own.filter((line) => !line.startsWith('jieqiao '))).toEqual([]);
  }
});

test('as they stand, they lead from two empty directories to a proven test envelope each way', async () => {
  expect([readdirSync(dirs.a), readdirSync(dirs.b)]).toEqual([[], []]);
  for (const step of steps) {
    const line = typed(step);
    if (line === 'jieqiao serve') {
      await serve(step.side, line);
      continue;
    }
    const { code, text } = await run(step.side, line);
    screens[step.side].push(text);
    expect({ line: step.line, code, text: code === 0 ? '' : text }).toEqual({ line: step.line, code: 0, text: '' });
  }
  for (const side of ['a', 'b'] as const) expect(screens[side].at(-1)).toContain('✓ 对方已收，回执经其日志证明');
}, 120_000);

test('nothing secret was on the stick', () => {
  expect(readdirSync(dirs.stick).sort()).toEqual(['agreement.json', 'jinshan.card.json', 'pinghu.card.json']);
  const stick = readdirSync(dirs.stick).map((name) => readFileSync(join(dirs.stick, name), 'utf8'));
  for (const side of ['a', 'b'] as const) {
    const keys = join(dirs[side], 'keys');
    for (const name of readdirSync(keys).filter((file) => file.endsWith('.key.pem'))) {
      const body = readFileSync(join(keys, name), 'utf8').split('\n')[1]!;
      expect(stick.some((text) => text.includes(body))).toBe(false);
      expect(statSync(join(keys, name)).mode & 0o077).toBe(0);
    }
  }
});

test.each(['a', 'b'] as const)(
  'side %s: the doctor finds nothing wrong, and its report holds no secret',
  async (side) => {
    const { code, text } = await run(side, 'jieqiao doctor --report report.json');
    expect({ code, text: code === 0 ? '' : text }).toEqual({ code: 0, text: '' });
    expect(text).toContain('存证日志');
    const report = readFileSync(join(dirs[side], 'report.json'), 'utf8');
    const keys = join(dirs[side], 'keys');
    const secrets = [
      readFileSync(join(dirs[side], 'admin-password'), 'utf8').trim(),
      readFileSync(join(keys, 'session.key'), 'utf8').trim(),
      ...readdirSync(keys)
        .filter((name) => name.endsWith('.key.pem'))
        .map((name) => readFileSync(join(keys, name), 'utf8').split('\n')[1]!),
    ];
    expect(secrets.filter((secret) => report.includes(secret))).toEqual([]);
    expect(report).not.toContain('PRIVATE KEY');
  },
);

test('a second start says that the port is taken, and by whom perhaps, without a stack', async () => {
  const { code, text } = await run('a', 'jieqiao serve');
  expect(code).toBe(1);
  expect(text).toMatch(/端口 \d+ 已被占用（EADDRINUSE）/);
  expect(text).toContain('节点可能已在运行');
  expect(text).not.toMatch(/^\s+at /m);
}, 30_000);

test('somebody else’s card instead of the peer’s: the digits do not fit, and nothing is signed', async () => {
  const own = fingerprintOn(screens.a.join('\n'));
  const { code, text } = await run(
    'b',
    `jieqiao agreement new --peer ${dirs.stick}/pinghu.card.json --fingerprint pinghu.330482=${own.replace(/\d$/, (last) => String((Number(last) + 1) % 10))} --out forged.json`,
  );
  expect(code).toBe(1);
  expect(text).toContain('指纹对不上');
  expect(readdirSync(dirs.b)).not.toContain('forged.json');
});
