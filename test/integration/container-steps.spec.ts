import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ApiClient } from '../../apps/demo/src/api-client';
import { carry } from '../../apps/demo/src/journey';
import { freePorts } from '../../apps/demo/src/nodes';
import { readScenario } from '../../apps/demo/src/scenario';
import { readScript } from '../../apps/demo/src/steps';
import {
  composeFile,
  dockerfileStages,
  environmentOf,
  instructionsOf,
  isIgnored,
  root,
  type Service,
  type Stage,
} from '../support/container-files';
import { createMysqlSchema } from '../support/databases';

/**
 * Runs the steps of Dockerfile and docker-compose.yml without a container engine: the same commands, on the files that
 * .dockerignore leaves, in directories of their own instead of file systems, with addresses of this machine instead of
 * the services' names. What is not shown here: the base images, and the networks.
 */
const dir = mkdtempSync(join(tmpdir(), 'jieqiao-container-'));
const buildDir = join(dir, 'build');
const imageDir = join(dir, 'image');
const nodeDirs = { pinghu: join(dir, 'pinghu'), jinshan: join(dir, 'jinshan') };
type Name = keyof typeof nodeDirs;
const names = Object.keys(nodeDirs) as Name[];

const [build, image] = dockerfileStages() as [Stage, Stage];
const { services } = composeFile();
const me = `${process.getuid!()}`;

/** What stands in the files for places and addresses of the containers, and what it is here. */
const places = new Map<string, string>();
const here = (text: string) => {
  // The longest first: `pinghu:9080` before `pinghu`.
  for (const from of [...places.keys()].sort((a, b) => b.length - a.length))
    text = text.replaceAll(from, places.get(from)!);
  return text;
};

interface Ended {
  code: number | string;
  text: string;
}

function run(command: string, args: string[], cwd: string, env: Record<string, string>): Promise<Ended> {
  const child = spawn(command, args, { cwd, env: { ...surroundings, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: signal ?? code ?? 0, text }));
  });
}

/** A container has none of the caller's settings. How to reach the package registry is not one of them. */
const surroundings: Record<string, string> = {
  npm_config_prefer_offline: 'true',
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^(JIEQIAO_|DATABASE_URL$|NODE_ENV$|NODE_OPTIONS$|JEST_|CI$)/.test(entry[0]),
    ),
  ),
};

async function must(ended: Promise<Ended>, step: string): Promise<string> {
  const { code, text } = await ended;
  if (code !== 0) throw new Error(`${step} ended with ${code}:\n${text.slice(-4_000)}`);
  return text;
}

/** A service's process: the image's entry point and command unless the service has its own. */
function commandOf(service: Service): string[] {
  const entrypoint = service.entrypoint ?? instructionsOf(image, 'ENTRYPOINT')[0]!.list!;
  // As in Docker: an entry point of its own drops the image's command.
  const byDefault = service.entrypoint ? [] : instructionsOf(image, 'CMD')[0]!.list!;
  return [...entrypoint, ...(service.command ?? byDefault)].map(here);
}

const running: ChildProcess[] = [];
const drops: (() => Promise<void>)[] = [];
const ports: Record<string, number> = {};
let environments: Record<Name, Record<string, string>>;

beforeAll(async () => {
  const free = await freePorts(6);
  names.forEach((name, i) => {
    ports[name] = free[3 * i]!;
    places.set(`${name}:9080`, `127.0.0.1:${free[3 * i + 1]}`);
    places.set(`${name}:9081`, `127.0.0.1:${free[3 * i + 2]}`);
    places.set(`/nodes/${name}`, nodeDirs[name]);
  });
  const server = process.env.JIEQIAO_TEST_MYSQL;
  const environmentFor = async (name: Name, i: number) => {
    places.set('/data', nodeDirs[name]);
    const declared = { ...environmentOf(image), ...services[name]!.environment };
    const environment = Object.fromEntries(Object.entries(declared).map(([key, value]) => [key, here(value)]));
    // Without a server (said loudly by the global set-up, an error in CI) the steps are still run, on SQLite.
    if (server) {
      const { url, drop } = await createMysqlSchema(server);
      drops.push(drop);
      environment.DATABASE_URL = url;
    } else delete environment.DATABASE_URL;
    // Two containers may both use 8080; two processes of one machine may not.
    environment.JIEQIAO_HTTP_PORT = String(free[3 * i]);
    environment.JIEQIAO_PEER_GRPC_PORT = String(free[3 * i + 1]);
    environment.JIEQIAO_PEER_BLOB_PORT = String(free[3 * i + 2]);
    return environment;
  };
  environments = { pinghu: await environmentFor('pinghu', 0), jinshan: await environmentFor('jinshan', 1) };
  places.delete('/data');
}, 60_000);

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  for (const drop of drops) await drop();
  rmSync(dir, { recursive: true, force: true });
});

test('the build stage: every RUN, on what .dockerignore leaves', async () => {
  expect(instructionsOf(build, 'COPY').map(({ text }) => text)).toEqual(['. .']);
  cpSync(root, buildDir, {
    recursive: true,
    filter: (source) => {
      const path = relative(root, source);
      if (/(^|\/)(node_modules|dist|\.git|\.data|\.cache)$/.test(path)) return false;
      // A directory may be ignored and something in it not: look inside.
      return path === '' || !/\.[^/]+$/.test(path) || !isIgnored(path);
    },
  });
  for (const { text } of instructionsOf(build, 'RUN')) {
    await must(run('sh', ['-ec', text], buildDir, {}), `RUN ${text}`);
  }
}, 300_000);

test('the image: every COPY and RUN', async () => {
  mkdirSync(imageDir);
  for (const { text } of instructionsOf(image, 'COPY')) {
    const [, from, to] = text.split(/\s+/) as [string, string, string];
    cpSync(from.replace(/^\/app/, buildDir), join(imageDir, to), { recursive: true, verbatimSymlinks: true });
  }
  places.set('/data', join(dir, 'data'));
  for (const { text } of instructionsOf(image, 'RUN')) {
    const ours = here(text).replaceAll('-o node -g node', `-o ${me} -g ${process.getgid!()}`);
    await must(run('sh', ['-ec', ours], imageDir, {}), `RUN ${text}`);
  }
  places.delete('/data');
}, 60_000);

test('init makes keys, settings, an agreement and accounts; doing it again changes nothing', async () => {
  const [command, ...args] = commandOf(services.init!);
  const first = await must(run(command!, args, imageDir, environmentOf(image)), 'init');
  const agreement = readFileSync(join(nodeDirs.pinghu, 'agreement.json'));
  expect(first).toMatch(/^pinghu\.330482 {2}handler +\S{10,}$/m);
  expect(await must(run(command!, args, imageDir, environmentOf(image)), 'init')).toBe(first);
  expect(readFileSync(join(nodeDirs.jinshan, 'agreement.json'))).toEqual(agreement);
}, 60_000);

test.each(names)(
  '%s-setup takes agreement and people in, twice',
  async (name) => {
    places.set('/data', nodeDirs[name]);
    const [command, ...args] = commandOf(services[`${name}-setup`]!);
    const text = await must(run(command!, args, imageDir, environments[name]), 'setup');
    expect(text).toContain('agreement pinghu-jinshan version 1');
    expect(text).toContain('handler');
    await must(run(command!, args, imageDir, environments[name]), 'setup again');
    places.delete('/data');
  },
  60_000,
);

test('both nodes serve, the health check says so, and a lead crosses', async () => {
  const check = instructionsOf(image, 'HEALTHCHECK')[0]!.list!;
  const texts: Record<string, string> = {};
  for (const name of names) {
    const [command, ...args] = commandOf(services[name]!);
    const env = { ...surroundings, ...environments[name] };
    const child = spawn(command!, args, { cwd: imageDir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        texts[name] = `${texts[name] ?? ''}${chunk}`;
      });
    }
  }
  for (const name of names) {
    let ended: Ended = { code: -1, text: '' };
    for (let i = 0; i < 60 && ended.code !== 0; i++) {
      ended = await run(check[0]!, check.slice(1), imageDir, environments[name]);
      if (ended.code !== 0) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect([name, ended.code, ended.code === 0 ? '' : texts[name]]).toEqual([name, 0, '']);
  }

  const as = async (node: string, login: string): Promise<ApiClient> => {
    const name = node.split('.')[0] as Name;
    const people = JSON.parse(readFileSync(join(nodeDirs[name], 'people.json'), 'utf8')) as Record<string, string>[];
    const client = new ApiClient(`http://127.0.0.1:${ports[name]}`);
    await client.signIn(login, people.find((person) => person.login === login)!.password!);
    return client;
  };
  const sent = await carry(as, readScenario('s1'), readScript('s1'), 'send-urgent', {});
  expect(sent).toMatchObject({ state: 'DELIVERED', delivery: { state: 'received' }, receipt: { degree: 'verified' } });

  for (const child of running) child.kill('SIGTERM');
  const codes = await Promise.all(
    running.map((child) => new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)))),
  );
  expect(codes).toEqual([0, 0]);
}, 120_000);
