import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type handleUnaryCall,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type AgreementContent, encodeVkey, type LogEntry, parseLogEntry, uuidv7 } from '@jieqiao/core';
import { protoFile, protoLoader } from '@jieqiao/delivery';
import type { TransferView } from '@jieqiao/exchange';
import { createLogger, type KeyRing, KeyStore, loadConfig, type NodeConfig, type TlsIdentity } from '@jieqiao/platform';
import { Gateway } from '../../apps/gateway/src/gateway';
import { PeerListeners } from '../../apps/gateway/src/peer/peer-listeners';
import { agreementOf, sealedBy, type TestParty } from './agreement';
import { bytesOf, type FileToAdd, type Row, readSample, rowsOf, type Sample, sampleTerms } from './exchange-fixture';
import { approveDraft, give, People } from './home-path';

const day = 86_400_000;

/** Ports below the range from which the system gives ports to outgoing connections: they stay free while a node is down. */
export async function quietPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export async function until(what: string, done: () => Promise<boolean> | boolean, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One node in this process: everything of a real one but the HTTP API. It can be stopped and started again. */
export class PeerNode {
  gateway!: Gateway;
  /** Lines of the process log. */
  readonly log: string[] = [];
  /** How far this node's clock is from the real one, ms. TLS goes by the real one. */
  clockShift = 0;
  private listeners: PeerListeners | null = null;
  readonly people = new People();

  constructor(
    readonly node: string,
    readonly authority: string,
    readonly config: NodeConfig,
    readonly keyStore: KeyStore,
  ) {}

  readonly now = (): Date => new Date(Date.now() + this.clockShift);

  /** As they are on the disk. */
  get keys(): KeyRing {
    return this.keyStore.load();
  }

  get tls(): TlsIdentity {
    return this.keys.tls([], this.now());
  }

  /** Of its newest log key. */
  get vkey(): string {
    return encodeVkey(this.keys.logs[0]!.key);
  }

  /** Opens the database only: enough to take agreements and people in. */
  async open(): Promise<void> {
    const logger = createLogger('info', this.node, { write: (line: string) => void this.log.push(line) });
    this.gateway = await Gateway.open(this.config, logger, this.now);
  }

  async start(): Promise<void> {
    if (!this.gateway) await this.open();
    this.listeners = await PeerListeners.start(this.gateway);
    await this.gateway.start();
  }

  async stop(): Promise<void> {
    if (!this.gateway) return;
    await this.listeners?.stop();
    this.listeners = null;
    await this.gateway.stop();
    this.gateway = undefined as unknown as Gateway;
  }

  rows(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return rowsOf(this.gateway.db, sql, parameters);
  }

  async logged<E extends LogEntry['event']>(event: E): Promise<Extract<LogEntry, { event: E }>[]> {
    const entries = (await this.rows('SELECT entry FROM log_entry ORDER BY id')).map((row) => bytesOf(row.entry));
    return entries.map((entry) => parseLogEntry(entry)).filter((entry) => entry.event === event) as Extract<
      LogEntry,
      { event: E }
    >[];
  }

  private drafts = 0;
  async draft(files: readonly FileToAdd[] = [], sample: Sample = readSample('s1')): Promise<string> {
    const { transfers } = this.gateway;
    const { schema, id, dossier, kind, number, from, to, evidence, documents, ...data } = sample.transfer;
    const { id: _, seq, fileName, mediaType, bytes, digest, firstHashAt, ...form } = evidence[0]!;
    // No number is used twice.
    const own = number.replace(/\d+号$/, `${1000 + this.drafts++}号`);
    const input = { to: to.node, kind, number: own, title: sample.transfer.cause, data: { ...data, unit: from.unit } };
    const draft = await transfers.create(this.people.of('handler'), input);
    for (const { content, data: given, ...file } of files) {
      const item = { ...file, bytes: content.length, data: given ?? form };
      const added = await transfers.addEvidence(this.people.of('handler'), draft.id, item);
      await transfers.upload(this.people.of('handler'), draft.id, added.id, 0, Readable.from([content]));
    }
    return draft.id;
  }

  /** Drafts that the seal keeper may send. The first goes the whole way at home; the others are copies of its row. */
  async approved(count: number, sample: Sample): Promise<string[]> {
    const first = await this.draft([], sample);
    await approveDraft(this.gateway.transfers, this.people, first);
    const [row] = await this.rows('SELECT * FROM transfer WHERE id = ?', [first]);
    const newId = () => uuidv7(Date.now(), randomBytes(10));
    const copies = Array.from({ length: count - 1 }, () => {
      const id = newId();
      const number = String(row!.number).replace(/\d+号$/, `${1000 + this.drafts++}号`);
      return { ...row, id, dossier_id: newId(), number, life: String(row!.life).replace(first, id) };
    });
    await this.gateway.db.transaction(async (tx) => {
      for (const copy of copies) {
        const values = Object.values(copy);
        const into = `INSERT INTO transfer (${Object.keys(copy).join()}) VALUES (${values.map(() => '?').join()})`;
        await tx.query(into, values);
      }
    });
    return [first, ...copies.map(({ id }) => id)];
  }

  /** Sends and waits up to `waitMs` for the peer's answer. */
  async send(transferId: string, waitMs = 0): Promise<TransferView> {
    const { transfers } = this.gateway;
    await approveDraft(transfers, this.people, transferId);
    await give(transfers, this.people.of('seal-keeper'), transferId, 'send', { waitMs });
    return this.view(transferId);
  }

  view(transferId: string): Promise<TransferView> {
    return this.gateway.transfers.get(this.people.of('handler'), transferId);
  }

  envelope(transferId: string): Promise<string> {
    return this.gateway.transfers.envelope(this.people.of('handler'), transferId);
  }

  receipt(transferId: string): Promise<string> {
    return this.gateway.transfers.receipt(this.people.of('handler'), transferId);
  }

  /** How often the lane has had to wait so far. */
  waits(): { code: string; attempts: number; waitMs: number }[] {
    return this.log.filter((line) => line.includes('"lane-waits"')).map((line) => JSON.parse(line));
  }
}

/** A spot within each party's territory. */
const places: Record<string, readonly [longitude: number, latitude: number]> = {
  '310116': [121.0158, 30.8846],
  '330400': [120.72, 30.75],
  '330421': [120.926, 30.849],
  '330482': [121.05, 30.87],
};

/** The lead of sample S1 between any two nodes: what was dumped, was dumped on the receiver's side. */
export function leadBetween(from: string, to: string): Sample {
  const sample = readSample('s1');
  const { act, ...transfer } = sample.transfer as Sample['transfer'] & { act: { from: string; to: string } };
  const code = to.slice(-6);
  const [longitude, latitude] = places[code]!;
  const place = { code, name: '某村河埠头', longitude, latitude, datum: 'WGS-84' };
  return {
    ...sample,
    transfer: { ...transfer, from: { ...transfer.from, node: from }, to: { node: to }, act: { ...act, place } },
  };
}

export interface TwoNodesOptions {
  /** Settings of both, or by the node's name. */
  config?: (config: NodeConfig, node: string) => void;
  agreement?: (content: AgreementContent) => void;
}

/** A party of the agreement that runs no node here: its keys only. */
export interface AbsentParty {
  node: string;
  authority: string;
  keyStore: KeyStore;
}

/** Jinshan, which sends S1, and Pinghu, which receives it: in one process, over real TLS on real ports. */
export class TwoNodes {
  private constructor(
    readonly dir: string,
    readonly sender: PeerNode,
    readonly receiver: PeerNode,
    readonly absent: AbsentParty,
    readonly agreement: AgreementContent,
  ) {}

  static async prepare({ config, agreement: adjust }: TwoNodesOptions = {}): Promise<TwoNodes> {
    const dir = mkdtempSync(join(tmpdir(), 'jieqiao-peers-'));
    const sender = await makePeerNode(dir, 'jinshan.310116', '上海市金山区城市管理行政执法局', config);
    const receiver = await makePeerNode(dir, 'pinghu.330482', '平湖市综合行政执法局', config);
    const absent = await absentParty(dir);
    const content = agreementBetween([sender, receiver], absent);
    adjust?.(content);
    const two = new TwoNodes(dir, sender, receiver, absent, content);
    for (const node of two.both) {
      await node.open();
      await node.gateway.agreements.import(two.signed());
    }
    return two;
  }

  static async start(options: TwoNodesOptions = {}): Promise<TwoNodes> {
    const two = await TwoNodes.prepare(options);
    await two.receiver.start();
    await two.sender.start();
    return two;
  }

  get both(): PeerNode[] {
    return [this.sender, this.receiver];
  }

  signed(content: AgreementContent = this.agreement): Buffer {
    const { absent } = this;
    const everybody = [...this.both, { node: absent.node, keys: absent.keyStore.load() }];
    const signers = everybody.filter(({ node }) => content.parties.some((party) => party.node === node));
    return sealedBy(
      content,
      signers.map(({ node, keys }) => ({ node, seal: keys.seals[0]! })),
    );
  }

  async close(): Promise<void> {
    for (const node of this.both) await node.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A node with keys and settings of its own under `dir`; nothing runs yet. */
export async function makePeerNode(
  dir: string,
  node: string,
  authority: string,
  adjust?: TwoNodesOptions['config'],
): Promise<PeerNode> {
  const config = loadConfig({ argv: [], env: { JIEQIAO_NODE: node, JIEQIAO_DATA_DIR: join(dir, node) }, cwd: dir });
  const [grpcPort, blobPort] = (await quietPorts(2)) as [number, number];
  Object.assign(config.peer, { grpcPort, blobPort });
  // Tests wait for retries: they come soon, and still grow.
  Object.assign(config.lane, { retryFirstMs: 50, retryMaxMs: 1_000, callTimeoutMs: 5_000 });
  adjust?.(config, node);
  const keys = new KeyStore(join(config.dataDir, 'keys'));
  if (!keys.exists) await keys.create({ node, authority, hosts: ['localhost', '127.0.0.1'], now: new Date() });
  return new PeerNode(node, authority, config, keys);
}

/** How a node stands in an agreement. */
export function describedNode({ node, authority, keys, config }: PeerNode): TestParty {
  const { grpcPort, blobPort } = config.peer;
  const endpoints = { grpc: `127.0.0.1:${grpcPort}`, blobs: `https://127.0.0.1:${blobPort}` };
  return { node, authority, root: keys.roots[0]!, logKey: keys.logs[0]!.privateKey, endpoints };
}

async function absentParty(dir: string): Promise<AbsentParty> {
  const [node, authority] = ['jiashan.330421', '嘉善县综合行政执法局'];
  const keyStore = new KeyStore(join(dir, node, 'keys'));
  await keyStore.create({ node, authority, hosts: ['localhost'], now: new Date() });
  return { node, authority, keyStore };
}

function agreementBetween(nodes: readonly PeerNode[], absent: AbsentParty): AgreementContent {
  const keys = absent.keyStore.load();
  const parties = [
    ...nodes.map(describedNode),
    { node: absent.node, authority: absent.authority, root: keys.roots[0]!, logKey: keys.logs[0]!.privateKey },
  ];
  const effective = {
    from: new Date(Date.now() - 365 * day).toISOString(),
    to: new Date(Date.now() + 365 * day).toISOString(),
  };
  return agreementOf(parties, { effective, terms: sampleTerms() });
}

type Handlers = Record<'announce' | 'deliver' | 'compareActs', (request: Record<string, unknown>) => unknown>;

/** Somebody with a node's keys and address who answers as the test likes. */
export async function impersonate(
  node: PeerNode,
  handlers: Partial<Handlers>,
  tls = node.tls,
): Promise<{ stop(): void }> {
  const { config } = node;
  const server = new Server();
  const service = loadExchange().service;
  const answer =
    (name: keyof Handlers): handleUnaryCall<Record<string, unknown>, unknown> =>
    (call, reply) => {
      try {
        reply(null, handlers[name]?.(call.request) ?? {});
      } catch (error) {
        reply(error as Error);
      }
    };
  const calls: UntypedServiceImplementation = { Announce: answer('announce'), Deliver: answer('deliver') };
  if (handlers.compareActs) calls.CompareActs = answer('compareActs');
  server.addService(service, calls);
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  await new Promise<void>((resolve, reject) => {
    const credentials = ServerCredentials.createSsl(null, [pair], false);
    const done = (error: Error | null) => (error ? reject(error) : resolve());
    server.bindAsync(`127.0.0.1:${config.peer.grpcPort}`, credentials, done);
  });
  return { stop: () => server.forceShutdown() };
}

/** The peer service as grpc-js makes it from the proto file: what any other implementation would call. */
export function loadExchange(): ServiceClientConstructor {
  const loaded = loadPackageDefinition(loadSync(protoFile, protoLoader)) as unknown as {
    jieqiao: { exchange: { v1: { ExchangeService: ServiceClientConstructor } } };
  };
  return loaded.jieqiao.exchange.v1.ExchangeService;
}

/** A wire between a node and its database that can be cut and mended. */
export class CutWire {
  private readonly sockets = new Set<{ destroy(): void }>();
  private server: ReturnType<typeof createServer> | null = null;

  private constructor(
    private readonly target: { host: string; port: number },
    readonly port: number,
  ) {}

  static async to(host: string, port: number): Promise<CutWire> {
    const wire = new CutWire({ host, port }, (await quietPorts(1))[0]!);
    await wire.mend();
    return wire;
  }

  async cut(): Promise<void> {
    const { server } = this;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    this.server = null;
  }

  async mend(): Promise<void> {
    if (this.server) return;
    const server = createServer((near) => {
      const far = connect(this.target);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.server = server;
  }
}
