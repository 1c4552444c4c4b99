import type { AuditLog } from '@jieqiao/audit';
import {
  type Digest,
  digestOf,
  type EnvelopeClaims,
  type ErrorCode,
  GatewayError,
  hasCode,
  isDigest,
  type LogEntry,
  parseLogEntry,
  ReceiptOpener,
} from '@jieqiao/core';
import { type BlobStore, type Database, Lease, Pause, step, type Tx, updateRows } from '@jieqiao/platform';
import type { AgreementBook } from './agreement-book';
import type { Delivery } from './generated/jieqiao/exchange/v1/Delivery';
import type { Outcome__Output } from './generated/jieqiao/exchange/v1/Outcome';
import type { Hello } from './hello';
import type { PeerClient } from './peer-client';
import { PeerConnection } from './peer-connection';
import { LaneRow, OutboxRow } from './tables';

/** The small parts of a sealed bundle, as they travel with the envelope. */
export interface BundleParts {
  manifest: Buffer;
  signature: Buffer;
  parts: { name: string; content: Buffer }[];
}

/** An envelope whose fate at the peer is known and proven. */
export interface Settled {
  /** As it is stored now. */
  row: OutboxRow;
  state: 'received' | 'refused';
  refusal: ErrorCode | null;
  /** When the peer's log says that it happened. */
  at: string;
}

/** What a lane needs of the casework it serves. */
export interface LaneCallbacks {
  partsOf(manifests: Digest[]): Promise<Map<Digest, BundleParts>>;
  /** Within the transaction that keeps the receipts. */
  onSettled(tx: Tx, settled: Settled[]): Promise<void>;
  /** After it. */
  afterSettled(settled: Settled[]): void;
}

export interface LaneSettings {
  leaseMs: number;
  callTimeoutMs: number;
  /** First wait after a failure; doubles up to `maxBackoffMs`, with jitter. */
  backoffMs: number;
  maxBackoffMs: number;
  /** How often to look for envelopes that other processes queued. */
  pollMs: number;
  /** Envelopes in one call at most. */
  maxBatch: number;
  /** Between two Hellos on a connection that stands. */
  helloMs: number;
}

export interface LaneContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  hello: Hello;
  blobs: BlobStore;
  instance: string;
  settings: LaneSettings;
  now: () => Date;
  random: () => number;
  warn: (message: string, details: Record<string, unknown>) => void;
}

/** How far the evidence of one envelope has been pushed. */
export interface PushProgress {
  sentBytes: number;
  totalBytes: number;
}

/** Files pushed at the same time. */
const parallelPushes = 4;
/** Leaves room under the peer's message limit for one envelope of the largest size. */
const maxBatchBytes = 3 * 1024 * 1024;

/**
 * Delivers this node's envelopes to one peer, in the order of their chain: one batch at a time is at the peer, and the
 * receipts of the batch before it go into the database meanwhile.
 *
 * What survives a crash: the outbox row is durable before the lane sees it, and stays `queued` until the peer's receipt
 * is durable here. Killed anywhere in between, the restarted lane delivers the same bytes again and gets the same
 * receipt again, because the peer remembers every envelope for ever.
 */
export class Lane {
  private readonly lease: Lease;
  private readonly connection: PeerConnection;
  /** On which connection the last Hello was said, what there was to tell, and when (ms of a clock that never jumps). */
  private greeted: { client: PeerClient; handshakes: number; news: string; at: number } | null = null;
  /** With nothing to deliver, no Hello before this moment of that clock. */
  private restUntil = 0;
  private newsAtRest = '';
  private greetingAtRest = false;
  /** By the log key that an envelope's agreement names: while a key is being replaced, two of them. */
  private readonly openers = new Map<string, ReceiptOpener>();
  private readonly progress = new Map<string, PushProgress>();
  private loop: Promise<void> | null = null;
  private stopping = false;
  private readonly resting = new Pause();
  private woken = false;
  /** Where the peer's chain stood when we last delivered settled envelopes again; still there means: to no avail. */
  private gapAt: number | null = null;
  /** The last batch's receipts on their way into the database, while the next batch is at the peer already. */
  private settling: Promise<void> = Promise.resolve();
  /** Up to here in the chain envelopes are settled, or about to be. */
  private handedOver = 0;

  constructor(
    readonly peer: string,
    private readonly context: LaneContext,
    private readonly callbacks: LaneCallbacks,
  ) {
    const { db, agreements, instance, settings, now } = context;
    this.connection = new PeerConnection(peer, agreements, settings.callTimeoutMs, now);
    this.lease = new Lease(db, `lane:${peer}`, instance, settings.leaseMs, now);
  }

  start(): void {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    // A peer that is not there may take its time not to answer; what is at stake is only a Hello.
    if (this.greetingAtRest) this.connection.close();
    await this.loop;
    this.connection.close();
    await this.lease.release().catch(() => undefined);
  }

  /** There may be something to deliver. */
  wake(): void {
    this.woken = true;
    this.resting.end();
  }

  pushProgress(jti: string): PushProgress | undefined {
    return this.progress.get(jti);
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopping) {
      try {
        this.woken = false;
        const held = await this.lease.acquire();
        const busy = held && (await this.deliverBatch());
        if (!busy) {
          await this.settling;
          this.handedOver = 0;
        }
        if (held && !busy) await this.greetAtRest();
        if (this.gapAt === null) failures = 0;
        if (!busy) await this.pause(this.context.settings.pollMs);
      } catch (error) {
        // Whatever was about to be settled is settled now, or is read and delivered again.
        await this.settling.catch(() => undefined);
        this.settling = Promise.resolve();
        this.handedOver = 0;
        this.startAfresh(error);
        failures++;
        const waitMs = this.backoff(failures);
        await this.recordFailure(error, failures, waitMs);
        // New envelopes do not shorten the wait: they queue behind the one that failed.
        await this.pauseFully(waitMs);
      }
    }
    await this.settling.catch((error: unknown) => this.context.warn('lane-stopped', { peer: this.peer, error }));
  }

  /** @returns whether there was anything to do */
  private async deliverBatch(from?: number): Promise<boolean> {
    const rows = await this.nextRows(from);
    if (rows.length === 0) return false;
    const client = await this.greetedClient();
    const envelopes = rows.map((row) => ({ row, claims: ownClaims(row.envelope) }));
    const manifests = envelopes.flatMap(({ claims }) => (claims.bundle ? [claims.bundle.manifest] : []));
    const parts = await this.callbacks.partsOf(manifests);
    const batch = withinSize(
      envelopes.map(({ row, claims }) => ({ row, claims, delivery: toDelivery(row, claims, parts) })),
    );

    await this.pushEvidence(client, batch);
    step('deliver', 'before-call');
    const outcomes = await client.deliver({ deliveries: batch.map(({ delivery }) => delivery) });
    step('deliver', 'answered');
    if (outcomes.length !== batch.length) throw new GatewayError('RECEIPT_INVALID', { reason: 'count' });

    const settled: Settled[] = [];
    let retry: Outcome__Output | null = null;
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'STATUS_RETRY') {
        retry = outcome;
        break;
      }
      settled.push(this.proven(batch[i]!.row, batch[i]!.claims, outcome));
    }
    // What was settled before stays so: the first receipt is what convicts a peer that has "lost" the envelope since.
    const news = settled.filter(({ row }) => row.state === 'queued');
    await this.settling; // in the order of the chain
    if (news.length > 0) {
      this.settling = this.settle(news);
      this.settling.catch(() => undefined); // whoever waits for it hears of it
      this.handedOver = news.at(-1)!.row.seq;
    }
    if (retry || from !== undefined) await this.settling;
    // The peer waits for an earlier envelope than our first unsettled one: it has lost some (a restored backup, say).
    const lost = retry?.code === 'ENVELOPE_SEQ_GAP' && from === undefined && retry.expectedSeq < batch[0]!.row.seq;
    if (lost && retry!.expectedSeq !== this.gapAt) {
      this.gapAt = retry!.expectedSeq;
      this.context.warn('peer-lost-envelopes', { peer: this.peer, expectedSeq: this.gapAt });
      return this.deliverBatch(this.gapAt);
    }
    if (from === undefined) this.gapAt = null;
    if (!retry) return true;
    throw new GatewayError(retry.code === '' ? 'RECEIPT_INVALID' : (retry.code as ErrorCode), { peer: this.peer });
  }

  private nextRows(from: number | undefined): Promise<OutboxRow[]> {
    return this.context.db.read((tx) => {
      const query = tx.createQueryBuilder(OutboxRow, 'o').where('o.peer = :peer', { peer: this.peer });
      if (from === undefined) {
        query.andWhere("o.state = 'queued' AND o.seq > :handedOver", { handedOver: this.handedOver });
      } else query.andWhere('o.seq >= :from', { from });
      return query.orderBy('o.seq', 'ASC').limit(this.context.settings.maxBatch).getMany();
    });
  }

  /** Evidence goes ahead of the envelope: announced, then pushed from where the peer stands. */
  private async pushEvidence(client: PeerClient, batch: { row: OutboxRow; claims: EnvelopeClaims }[]): Promise<void> {
    for (const { row, claims } of batch) {
      const files = claims.bundle?.files ?? [];
      // An expired envelope only goes to be refused, which closes its place in the chain; its files are not needed.
      if (files.length === 0 || claims.exp * 1000 < this.context.now().getTime()) continue;
      const progress: PushProgress = { sentBytes: 0, totalBytes: files.reduce((sum, file) => sum + file.bytes, 0) };
      this.progress.set(row.jti, progress);
      try {
        const states = new Map((await client.announce([row.envelope])).map((state) => [state.digest, state]));
        step('deliver', 'announced');
        const missing = files.filter((file) => {
          const { offset = 0, complete = false } = states.get(file.digest) ?? {};
          progress.sentBytes += complete ? file.bytes : offset;
          return !complete;
        });
        // Small files wait for the peer's disk, not for the line: a few at a time.
        const next = missing.values();
        const pushNext = async (): Promise<void> => {
          for (const file of next) await this.pushFile(client, file, states.get(file.digest)?.offset ?? 0, progress);
        };
        await Promise.all(Array.from({ length: parallelPushes }, pushNext));
      } catch (error) {
        // Never to be taken: delivered without its files, the envelope is refused for good, with a signature.
        if (!hasCode(error, 'FILE_TOO_LARGE', 'CERTIFICATE_REFUSED')) throw error;
      } finally {
        this.progress.delete(row.jti);
      }
    }
  }

  private async pushFile(
    client: PeerClient,
    file: { digest: Digest; bytes: number },
    offset: number,
    progress: PushProgress,
  ): Promise<void> {
    const content = this.context.blobs.read(file.digest, offset);
    content.on('data', (chunk: Buffer) => {
      progress.sentBytes += chunk.length;
    });
    content.pause();
    await client.push(file.digest, offset, file.bytes, content);
    step('deliver', 'pushed');
  }

  /** Believes nothing that the peer's log does not prove about exactly this envelope. */
  private proven(row: OutboxRow, claims: EnvelopeClaims, outcome: Outcome__Output): Settled {
    const entry = parseLogEntry(this.receipts(claims).open(outcome.receipt).entry);
    if (!speaksOf(entry, row, this.peer, claims))
      throw new GatewayError('RECEIPT_INVALID', { reason: 'other-envelope' });
    row.receipt = outcome.receipt;
    if (entry.event === 'envelope.refused')
      return { row, state: 'refused', refusal: entry.subject.code, at: entry.time };
    return { row, state: 'received', refusal: null, at: entry.time };
  }

  private receipts(claims: EnvelopeClaims): ReceiptOpener {
    const { agreements, now } = this.context;
    const party = agreements.underRef(claims.agreement).trust.parties.find((candidate) => candidate.node === this.peer);
    const vkey = party?.logVkey ?? agreements.peer(this.peer, now()).party.logVkey;
    const opener = this.openers.get(vkey) ?? new ReceiptOpener(vkey);
    this.openers.set(vkey, opener);
    return opener;
  }

  /** One transaction: receipts kept, transfers moved on, both logged. Before it nothing is settled, after it all is. */
  private async settle(settled: Settled[]): Promise<void> {
    const { db, audit, now } = this.context;
    const settledAt = now().toISOString();
    await db.transaction(async (tx) => {
      await this.lease.assertHeld(tx);
      await updateRows(
        tx,
        'outbox',
        'jti',
        settled.map(({ row, state, refusal }) => ({
          jti: row.jti,
          state,
          refusal,
          receipt: row.receipt,
          settled_at: settledAt,
        })),
      );
      // Transfers are locked before the lane, as by whoever sends: in the other order they would block each other.
      await this.callbacks.onSettled(tx, settled);
      await tx.update(
        LaneRow,
        { peer: this.peer, direction: 'out' },
        { attempts: 0, error: null, nextAttemptAt: null },
      );
      await audit.append(
        tx,
        settled.map(({ row }) => ({
          event: 'receipt.stored',
          subject: { jti: row.jti, peer: this.peer, receipt: digestOf(Buffer.from(row.receipt!)) },
        })),
      );
      step('deliver', 'before-commit');
    });
    for (const { row, state, refusal } of settled) Object.assign(row, { state, refusal, settledAt });
    step('deliver', 'after-commit');
    this.callbacks.afterSettled(settled);
  }

  /**
   * The client of this batch, after a Hello where one is due: on a new connection, and then from time to time.
   * @throws GatewayError PEER_CERTIFICATE_REFUSED, CLOCK_SKEW, PEER_UNREACHABLE, or what the peer answered
   */
  private async greetedClient(): Promise<PeerClient> {
    const client = this.connection.client();
    const { greeted } = this;
    const { hello, settings } = this.context;
    const news = hello.news(this.peer);
    const sameConnection = greeted?.client === client && greeted.handshakes === client.handshakes && client.connected;
    const due = !sameConnection || greeted.news !== news || performance.now() - greeted.at >= settings.helloMs;
    if (!due) return client;
    this.greeted = null;
    await hello.say(this.peer, client);
    // The peer's own list may just have come.
    if (!client.stillGood) throw new GatewayError('PEER_CERTIFICATE_REFUSED', { node: this.peer });
    this.greeted = { client, handshakes: client.handshakes, news, at: performance.now() };
    return client;
  }

  /** With nothing to deliver a failed Hello is no failure of the lane: it is kept with the peer's state, and that is all. */
  private async greetAtRest(): Promise<void> {
    const news = this.context.hello.news(this.peer);
    if (this.stopping || (news === this.newsAtRest && performance.now() < this.restUntil)) return;
    this.newsAtRest = news;
    this.greetingAtRest = true;
    try {
      await this.greetedClient();
    } catch (error) {
      this.startAfresh(error);
      this.context.warn('hello-failed', { peer: this.peer, error });
    } finally {
      this.greetingAtRest = false;
      this.restUntil = performance.now() + this.context.settings.helloMs;
    }
  }

  /** Whatever went wrong: the next attempt begins with a Hello, which may tell why, or mend it. */
  private startAfresh(error: unknown): void {
    this.greeted = null;
    // The peer may have renewed its certificate long ago, and a connection that stands goes on showing the old one. One
    // that failed would not try again before a pause of its own, while the lane has its own.
    if (!hasCode(error, 'PEER_CERTIFICATE_REFUSED', 'PEER_UNREACHABLE')) return;
    this.connection.close();
  }

  private backoff(failures: number): number {
    const { backoffMs, maxBackoffMs } = this.context.settings;
    const full = Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(failures - 1, 20));
    return Math.round(full * (0.5 + this.context.random() / 2));
  }

  /** People see why a lane waits and until when. If even that can't be saved, the log line is what remains. */
  private async recordFailure(error: unknown, attempts: number, waitMs: number): Promise<void> {
    const { db, now, warn } = this.context;
    const code: ErrorCode = hasCode(error) ? error.code : 'INTERNAL';
    warn('lane-waits', { peer: this.peer, code, attempts, waitMs, error });
    const nextAttemptAt = new Date(now().getTime() + waitMs).toISOString();
    try {
      await db.transaction((tx) =>
        tx.update(LaneRow, { peer: this.peer, direction: 'out' }, { attempts, error: code, nextAttemptAt }),
      );
    } catch (cause) {
      warn('lane-failure-not-saved', { peer: this.peer, error: cause });
    }
  }

  /** Waits until woken or until `ms` have passed. */
  private async pause(ms: number): Promise<void> {
    if (this.woken || this.stopping) return;
    await this.resting.wait(ms);
  }

  private async pauseFully(ms: number): Promise<void> {
    const until = this.context.now().getTime() + ms;
    while (!this.stopping && this.context.now().getTime() < until) {
      this.woken = false;
      await this.pause(Math.min(until - this.context.now().getTime(), 200));
    }
  }
}

/** This node has signed these bytes itself; reading them again with a stranger's suspicion would only cost. */
function ownClaims(jws: string): EnvelopeClaims {
  return JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as EnvelopeClaims;
}

function toDelivery(row: OutboxRow, claims: EnvelopeClaims, parts: Map<Digest, BundleParts>): Delivery {
  if (!claims.bundle) return { envelope: row.envelope };
  const bundle = parts.get(claims.bundle.manifest);
  if (!bundle) throw new GatewayError('INTERNAL', { reason: 'bundle-not-stored', jti: row.jti });
  return { envelope: row.envelope, ...bundle };
}

/** As many as fit into one message, always at least one. */
function withinSize<T extends { delivery: Delivery }>(batch: T[]): T[] {
  let bytes = 0;
  const end = batch.findIndex(({ delivery }, i) => {
    const size = (part: unknown) => (part instanceof Uint8Array || typeof part === 'string' ? part.length : 0);
    bytes += size(delivery.envelope) + size(delivery.manifest) + size(delivery.signature);
    for (const part of delivery.parts ?? []) bytes += size(part.content);
    return i > 0 && bytes > maxBatchBytes;
  });
  return end === -1 ? batch : batch.slice(0, end);
}

function speaksOf(
  entry: LogEntry,
  row: OutboxRow,
  peer: string,
  claims: EnvelopeClaims,
): entry is Extract<LogEntry, { event: 'envelope.received' | 'envelope.tested' | 'envelope.refused' }> {
  const taken = claims.kind === 'test' ? 'envelope.tested' : 'envelope.received';
  if (entry.event !== taken && entry.event !== 'envelope.refused') return false;
  const { subject } = entry;
  return (
    entry.node === peer &&
    subject.envelope === row.digest &&
    isDigest(subject.envelope) &&
    subject.peer === claims.iss &&
    (subject.jti === row.jti || (subject.jti === null && entry.event === 'envelope.refused'))
  );
}
