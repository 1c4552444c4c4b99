import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import {
  type AgreementContent,
  agreementFileBytes,
  encodeVkey,
  logOrigin,
  noteKey,
  signAgreement,
} from '@jieqiao/core';
import { KeyStore, type NodeKeys } from '@jieqiao/platform';

const gatewayDir = join(__dirname, '../../gateway/dist');
const main = join(gatewayDir, 'main.js');
const cli = join(gatewayDir, 'cli/jieqiao.js');

/** One node of a demonstration: who it is, where it lives, where it listens. */
export interface NodeSpec {
  node: string;
  authority: string;
  unit: string;
  dir: string;
  ports: { http: number; grpc: number; blobs: number };
  /** The embedded database when absent. */
  databaseUrl?: string;
}

export interface DemoPerson {
  login: string;
  password: string;
  name: string;
  roles: string[];
  certNo?: string;
  unit: string;
}

export interface AgreementOptions {
  id: string;
  title: string;
  terms: Record<string, unknown>;
  effective: { from: string; to: string };
}

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
): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const keys = new Map<string, NodeKeys>();
  for (const spec of specs) {
    mkdirSync(spec.dir, { recursive: true });
    writeFileSync(join(spec.dir, 'config.json'), `${JSON.stringify(configOf(spec), null, 2)}\n`, { mode: 0o600 });
    const store = new KeyStore(join(spec.dir, 'keys'));
    const { node, authority } = spec;
    if (!store.exists) await store.create({ node, authority, hosts: ['localhost', '127.0.0.1'], now: new Date() });
    keys.set(node, store.load());
    writeFileSync(join(spec.dir, 'people.json'), JSON.stringify(people(spec), null, 2), { mode: 0o600 });
  }
  if (!existsSync(agreementFile(dir))) writeFileSync(agreementFile(dir), signedAgreement(specs, keys, agreement));
  await Promise.all(specs.map((spec) => setUp(spec, agreementFile(dir))));
}

/** Takes agreement and people into a node's database, in a process of its own like an administrator would. */
export async function setUp(spec: NodeSpec, agreement: string): Promise<void> {
  const options = ['--config', join(spec.dir, 'config.json'), '--agreement', agreement];
  await promisify(execFile)(process.execPath, [cli, 'setup', ...options, '--people', join(spec.dir, 'people.json')], {
    env: cleanEnvironment(),
  });
}

function configOf(spec: NodeSpec): object {
  const { node, databaseUrl, ports } = spec;
  return {
    node,
    dataDir: '.',
    ...(databaseUrl ? { databaseUrl } : {}),
    http: { port: ports.http },
    peer: { grpcPort: ports.grpc, blobPort: ports.blobs },
  };
}

export function signedAgreement(
  specs: readonly NodeSpec[],
  keys: ReadonlyMap<string, NodeKeys>,
  { id, title, terms, effective }: AgreementOptions,
): Buffer {
  const agreement: AgreementContent = {
    schema: 'jieqiao/agreement/v1',
    id,
    version: 1,
    previous: null,
    title,
    effective,
    parties: specs.map(({ node, authority, ports }) => {
      const { root, log } = keys.get(node)!;
      return {
        node,
        authority,
        region: node.slice(-6),
        aliases: [],
        anchors: [root.raw.toString('base64')],
        logVkey: encodeVkey(noteKey(logOrigin(node), log)),
        endpoints: { grpc: `127.0.0.1:${ports.grpc}`, blobs: `https://127.0.0.1:${ports.blobs}` },
      };
    }),
    terms,
  };
  const signatures = specs.map(({ node }) => ({ node, jws: signAgreement(agreement, keys.get(node)!.seal) }));
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
}

/** A node running as a process of its own. */
export class NodeProcess {
  private readonly recent: string[] = [];
  private exit: Promise<number | string>;

  private constructor(
    readonly spec: NodeSpec,
    private readonly child: ChildProcess,
    logFile: string,
    onReady: () => void,
  ) {
    this.exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)));
    const keep = (line: string): void => {
      writeFileSync(logFile, `${line}\n`, { flag: 'a' });
      this.recent.push(line);
      if (this.recent.length > 50) this.recent.shift();
      if (line.includes('"message":"ready"')) onReady();
    };
    createInterface({ input: child.stdout! }).on('line', keep);
    createInterface({ input: child.stderr! }).on('line', keep);
  }

  /** Resolves when people and peers can reach the node; rejects with its last words if it ends before. */
  static async start(spec: NodeSpec, options: StartOptions = {}): Promise<NodeProcess> {
    const args = [...(options.execArgv ?? []), main, '--config', join(spec.dir, 'config.json')];
    const env = { ...cleanEnvironment(), ...options.env };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let ready = () => {};
    const isReady = new Promise<true>((resolve) => {
      ready = () => resolve(true);
    });
    const started = new NodeProcess(spec, child, join(spec.dir, 'node.log'), ready);
    const ended = await Promise.race([isReady, started.exit]);
    if (ended !== true) throw new Error(`${spec.node} ended (${ended}) before it was ready:\n${started.lastWords}`);
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

  /** Ends it as an administrator would. */
  async stop(): Promise<number | string> {
    if (this.running) this.child.kill('SIGTERM');
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
