import { type ChildProcess, spawn } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeVkey } from '@jieqiao/core';
import { KeyStore } from '@jieqiao/platform';
import { type NodeSpec, prepareNodes } from '../../apps/demo/src/nodes';
import { sampleTerms } from './exchange-fixture';
import type { CheckedNode } from './exchange-invariants';
import { quietPorts } from './peer-nodes';
import { Team, teamLogins } from './team';

const password = 'correct horse battery';
const day = 86_400_000;
const main = join(__dirname, '../../apps/gateway/dist/main.js');
const killAt = join(__dirname, '../faults/kill-at.cjs');

/** A node as a process of its own that is started again whenever it was killed, as a service manager would. */
export class FaultNode {
  /** How often it was killed. */
  kills = 0;
  private child: ChildProcess | null = null;
  private ended: Promise<number | string> = Promise.resolve(0);
  private ready: Promise<void> = Promise.resolve();
  private stopping = false;
  private readonly faultFile: string;
  private readonly logFile: string;

  constructor(readonly spec: NodeSpec) {
    this.faultFile = join(spec.dir, 'fault');
    this.logFile = join(spec.dir, 'node.log');
  }

  get url(): string {
    return `http://127.0.0.1:${this.spec.ports.http}`;
  }

  get checked(): CheckedNode {
    const { node, dir, databaseUrl = `sqlite:${join(dir, 'node.sqlite')}` } = this.spec;
    const { logs } = new KeyStore(join(dir, 'keys')).load();
    return { node, databaseUrl, blobsDir: join(dir, 'blobs'), vkey: encodeVkey(logs[0]!.key) };
  }

  start(): Promise<void> {
    if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`);
    this.stopping = false;
    this.spawn();
    return this.up();
  }

  /** Resolves when it is up, however often it was killed meanwhile. */
  async up(): Promise<void> {
    for (let seen: Promise<void> | null = null; seen !== this.ready; ) {
      seen = this.ready;
      await seen;
    }
  }

  /** Asks for a power cut at a step: "receive:4-before-commit", or "log:append#3" for the third time. */
  arm(step: string): void {
    writeFileSync(this.faultFile, step);
  }

  get armed(): boolean {
    return existsSync(this.faultFile);
  }

  disarm(): void {
    rmSync(this.faultFile, { force: true });
  }

  /** A power cut now, whatever it is doing, starting included. */
  kill(): void {
    this.child?.kill('SIGKILL');
  }

  /** Ends it as an administrator would; gives the exit code. */
  async stop(): Promise<number | string> {
    this.stopping = true;
    this.child?.kill('SIGTERM');
    return this.ended;
  }

  /** Ends it for good, after a failure: what it leaves is for people to look at. */
  abandon(): void {
    this.stopping = true;
    this.kill();
  }

  get lastWords(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').slice(-4_000) : '';
  }

  private spawn(): void {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(JIEQIAO_|DATABASE_URL$)/.test(name));
    const env = {
      ...Object.fromEntries(inherited),
      JIEQIAO_FAULT_FILE: this.faultFile,
      JIEQIAO_LANE_RETRY_FIRST_MS: '50',
      JIEQIAO_LANE_RETRY_MAX_MS: '1000',
      JIEQIAO_SESSION_ACCESS_MINUTES: '60',
      JIEQIAO_SESSION_ATTEMPTS_PER_MINUTE: '1000',
    };
    const args = ['--require', killAt, main, '--config', join(this.spec.dir, 'config.json')];
    const log = openSync(this.logFile, 'a');
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', log] });
    this.child = child;
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)));
    this.ready = new Promise((resolve, reject) => {
      child.stdout!.on('data', (chunk: Buffer) => {
        writeFileSync(this.logFile, chunk, { flag: 'a' });
        if (chunk.includes('"message":"ready"')) resolve();
      });
      child.once('exit', (code, signal) => {
        if (signal === 'SIGKILL') {
          this.kills++;
          if (!this.stopping) this.spawn();
          resolve(); // `up` sees the next one
        } else reject(new Error(`${this.spec.node} ended (${signal ?? code}):\n${this.lastWords}`));
      });
    });
    this.ready.catch(() => undefined); // whoever waits in `up` hears of it
  }
}

/** Jinshan, which sends S1, and Pinghu, as two processes that outlive their being killed. */
export class FaultPair {
  /** The people of both, each at their own node. */
  readonly teams: { sender: Team; receiver: Team };

  private constructor(
    readonly dir: string,
    readonly sender: FaultNode,
    readonly receiver: FaultNode,
  ) {
    this.teams = { sender: new Team(sender.url, password), receiver: new Team(receiver.url, password) };
  }

  /** @param databaseUrls for sender and receiver; the embedded database when absent */
  static async start(databaseUrls?: readonly [string, string]): Promise<FaultPair> {
    const dir = mkdtempSync(join(tmpdir(), 'jieqiao-faults-'));
    const [a, b, c, d, e, f] = (await quietPorts(6)) as [number, number, number, number, number, number];
    const jinshan: NodeSpec = {
      node: 'jinshan.310116',
      authority: '上海市金山区城市管理行政执法局',
      unit: '枫泾镇综合行政执法队',
      dir: join(dir, 'jinshan'),
      ports: { http: a, grpc: b, blobs: c },
      databaseUrl: databaseUrls?.[0],
    };
    const pinghu: NodeSpec = {
      node: 'pinghu.330482',
      authority: '平湖市综合行政执法局',
      unit: '新埭中队',
      dir: join(dir, 'pinghu'),
      ports: { http: d, grpc: e, blobs: f },
      databaseUrl: databaseUrls?.[1],
    };
    const agreement = {
      id: 'pinghu-jinshan',
      title: '平湖金山执法互认协议',
      terms: sampleTerms(),
      effective: {
        from: new Date(Date.now() - 365 * day).toISOString(),
        to: new Date(Date.now() + 365 * day).toISOString(),
      },
    };
    const people = teamLogins.map((login) => ({
      ...{ login, password, name: login, roles: [login === 'second-handler' ? 'handler' : login] },
      ...(login === 'legal-reviewer' ? { certNo: 'legal-0001', qualifiedSince: '2018-09-01' } : {}),
    }));
    await prepareNodes(dir, [jinshan, pinghu], agreement, ({ unit }) => people.map((person) => ({ ...person, unit })));
    const pair = new FaultPair(dir, new FaultNode(jinshan), new FaultNode(pinghu));
    await Promise.all(pair.both.map((node) => node.start()));
    return pair;
  }

  get both(): FaultNode[] {
    return [this.sender, this.receiver];
  }

  async close(): Promise<void> {
    const ends = await Promise.all(this.both.map((node) => node.stop()));
    if (ends.some((end) => end !== 0)) throw new Error(`ended with ${ends}; see ${this.dir}`);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function seededBytes(random: () => number, length: number): Buffer {
  const key = Buffer.from(Array.from({ length: 16 }, () => Math.floor(random() * 256)));
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
