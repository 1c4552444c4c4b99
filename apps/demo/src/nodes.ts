import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { agreementFileBytes, draftAgreement, makeCard, signAgreement } from '@jieqiao/core';
import { type KeyRing, KeyStore } from '@jieqiao/platform';

const gatewayDir = join(__dirname, '../../gateway/dist');
const main = join(gatewayDir, 'main.js');
const cli = join(gatewayDir, 'cli/jieqiao.js');
/** Built, also when this file runs from source: it is loaded by another Node.js. */
const leash = join(__dirname, '../dist/leash.js');

/** One node of a demonstration: who it is, where it lives, where it listens. */
export interface NodeSpec {
  node: string;
  authority: string;
  unit: string;
  dir: string;
  ports: { http: number; grpc: number; blobs: number };
  /** The embedded database when absent. */
  databaseUrl?: string;
  /** Where the time stands at which the node plays; its keys are then good for decades. Absent: the time is true. */
  clockFile?: string;
}

export interface DemoPerson {
  login: string;
  password: string;
  name: string;
  roles: string[];
  certNo?: string;
  qualifiedSince?: string;
  unit: string;
}

export interface AgreementOptions {
  id: string;
  title: string;
  terms: Record<string, unknown>;
  effective: { from: string; to: string };
}

/** TLS asks this machine's clock and the node asks its own: keys of a demonstration suit both. */
const demonstrationLifetime = {
  notBefore: new Date('2022-01-01T00:00:00.000Z'),
  notAfter: new Date('2052-01-01T00:00:00.000Z'),
};

export const agreementFile = (dir: string): string => join(dir, 'agreement.json');

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/**
 * Makes nodes from nothing: keys and settings for each, one agreement signed by all, and the people who may sign in.
 * Everything is done again harmlessly if it was interrupted.
 */
export async function prepareNodes(
  dir: string,
  specs: readonly NodeSpec[],
  agreement: AgreementOptions,
  people: (spec: NodeSpec) => DemoPerson[],
  signal?: AbortSignal,
): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const keys = new Map<string, KeyRing>();
  for (const spec of specs) {
    mkdirSync(spec.dir, { recursive: true });
    writeWhole(join(spec.dir, 'config.json'), `${JSON.stringify(configOf(spec), null, 2)}\n`);
    const store = new KeyStore(join(spec.dir, 'keys'));
    const { node, authority } = spec;
    const lifetime = spec.clockFile === undefined ? undefined : demonstrationLifetime;
    const hosts = ['localhost', '127.0.0.1'];
    if (!store.exists) await store.create({ node, authority, hosts, now: new Date(), lifetime });
    keys.set(node, store.load());
    writeWhole(join(spec.dir, 'people.json'), JSON.stringify(people(spec), null, 2));
  }
  if (!existsSync(agreementFile(dir))) {
    writeWhole(agreementFile(dir), signedAgreement(specs, keys, agreement), 0o644);
  }
  await Promise.all(specs.map((spec) => setUp(spec, agreementFile(dir), signal)));
}

/** Powers of the demonstration's authorities, made up: no authority's notices are shipped. */
const samplePowers = join(__dirname, '../../../libs/recognition/catalogues/sample.cn.json');

/** Takes agreement, powers and people into a node's database, in a process of its own like an administrator would. */
export async function setUp(spec: NodeSpec, agreement: string, signal?: AbortSignal): Promise<void> {
  const options = [
    ...['--config', join(spec.dir, 'config.json'), '--agreement', agreement],
    ...['--catalogue', samplePowers, '--people', join(spec.dir, 'people.json')],
  ];
  await promisify(execFile)(process.execPath, [cli, 'setup', ...options], {
    env: cleanEnvironment(),
    signal,
  });
}

/** Under its name there is never half a file, whenever the process ends. */
export function writeWhole(file: string, content: string | Buffer, mode = 0o600): void {
  writeFileSync(`${file}.new`, content, { mode });
  renameSync(`${file}.new`, file);
}

function configOf(spec: NodeSpec): object {
  const { node, databaseUrl, ports, clockFile } = spec;
  return {
    node,
    dataDir: '.',
    ...(databaseUrl ? { databaseUrl } : {}),
    http: { port: ports.http },
    peer: { grpcPort: ports.grpc, blobPort: ports.blobs },
    ...(clockFile
      ? { demonstration: { clockFile: relative(spec.dir, clockFile) }, session: { accessMinutes: 60 } }
      : {}),
  };
}

export function signedAgreement(
  specs: readonly NodeSpec[],
  keys: ReadonlyMap<string, KeyRing>,
  { id, title, terms, effective }: AgreementOptions,
): Buffer {
  const cards = specs.map(({ node, authority, ports }) => {
    const { roots, logs } = keys.get(node)!;
    const endpoints = { grpc: `127.0.0.1:${ports.grpc}`, blobs: `https://127.0.0.1:${ports.blobs}` };
    return makeCard({ node, authority, roots, logKey: logs[0]!.privateKey, endpoints });
  });
  const agreement = draftAgreement({ id, title, effective, parties: cards, terms });
  const signatures = specs.map(({ node }) => ({ node, jws: signAgreement(agreement, keys.get(node)!.seals[0]!) }));
  return agreementFileBytes({ agreement, signatures });
}

/** The node reads its settings from its file; this process's own JIEQIAO_… variables are not meant for it. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('JIEQIAO_') && name !== 'DATABASE_URL'),
  );
}

export interface StartOptions {
  /** Further arguments for the Node.js that runs the gateway, such as `--require FILE`. */
  execArgv?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Ends the node while it is starting; once it is ready, `stop` does. */
  signal?: AbortSignal;
  /** Told the process id as soon as there is one. */
  onSpawn?: (pid: number) => void;
}

/** A node ended before people and peers could reach it. */
export class NodeNotReady extends Error {
  constructor(
    readonly spec: NodeSpec,
    readonly ended: number | string,
    readonly lastWords: string,
  ) {
    super(`${spec.node} ended (${ended}) before it was ready:\n${lastWords}`);
  }
}

/** Where a node's log goes: JSON lines, the newest at the end. */
export const logFile = (spec: Pick<NodeSpec, 'dir'>): string => join(spec.dir, 'node.log');

/**
 * A node running as a process of its own. It never outlives the process that started it: `leash.ts` ends it when that
 * one is gone, however it went.
 */
export class NodeProcess {
  private readonly recent: string[] = [];
  private readonly exit: Promise<number | string>;
  private stopping = false;

  private constructor(
    readonly spec: NodeSpec,
    private readonly child: ChildProcess,
    onReady: () => void,
  ) {
    this.exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)));
    const keep = (line: string): void => {
      writeFileSync(logFile(spec), `${line}\n`, { flag: 'a' });
      this.recent.push(line);
      if (this.recent.length > 50) this.recent.shift();
      if (line.includes('"message":"ready"')) onReady();
    };
    createInterface({ input: child.stdout! }).on('line', keep);
    createInterface({ input: child.stderr! }).on('line', keep);
  }

  /** Resolves when people and peers can reach the node; rejects with its last words if it ends before. */
  static async start(spec: NodeSpec, options: StartOptions = {}): Promise<NodeProcess> {
    const args = ['--require', leash, ...(options.execArgv ?? []), main, '--config', join(spec.dir, 'config.json')];
    const env = { ...cleanEnvironment(), ...options.env };
    // A group of its own: Ctrl-C in the terminal reaches whoever started the node, and that one ends it in good order.
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true });
    if (child.pid !== undefined) options.onSpawn?.(child.pid);
    let ready = () => {};
    const isReady = new Promise<true>((resolve) => {
      ready = () => resolve(true);
    });
    const started = new NodeProcess(spec, child, ready);
    const stop = (): void => void started.stop();
    options.signal?.addEventListener('abort', stop);
    if (options.signal?.aborted) stop();
    const ended = await Promise.race([isReady, started.exit]);
    options.signal?.removeEventListener('abort', stop);
    if (ended !== true) throw new NodeNotReady(spec, ended, started.lastWords);
    return started;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves with the exit code or the signal. */
  get exited(): Promise<number | string> {
    return this.exit;
  }

  get lastWords(): string {
    return this.recent.join('\n');
  }

  /** Ends it as an administrator would. Asking twice is asking once: a second signal would cut it short. */
  async stop(): Promise<number | string> {
    if (this.running && !this.stopping) this.child.kill('SIGTERM');
    this.stopping = true;
    return this.exit;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL');
    await this.exit;
  }
}

export function readSpec(dir: string): Omit<NodeSpec, 'authority' | 'unit'> {
  const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as {
    node: string;
    databaseUrl?: string;
    http: { port: number };
    peer: { grpcPort: number; blobPort: number };
  };
  const ports = { http: config.http.port, grpc: config.peer.grpcPort, blobs: config.peer.blobPort };
  return { node: config.node, dir, ports, databaseUrl: config.databaseUrl };
}
