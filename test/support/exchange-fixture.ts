import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Person, Role } from '@jieqiao/access';
import { AuditLog } from '@jieqiao/audit';
import {
  type Agreement,
  type AgreementContent,
  Certificate,
  type Digest,
  digestOf,
  type ErrorCode,
  encodeVkey,
  type LogEntry,
  logOrigin,
  noteSigner,
  openReceiptProof,
  parseEnvelope,
  parseLogEntry,
  type Signer,
  signEnvelope,
  type TransferClaims,
  uuidv7,
} from '@jieqiao/core';
import {
  AgreementBook,
  BlobIntake,
  CrlBook,
  type Delivery__Output,
  type IntakeLimits,
  OutboxRow,
  type Outcome,
} from '@jieqiao/delivery';
import {
  blobUse,
  Casework,
  Clocks,
  type Command,
  type CommandData,
  ContentAccess,
  DocumentNumbers,
  Evaluation,
  type FilingInput,
  Filings,
  type LaneWork,
  laneCallbacks,
  numberPatterns,
  PersonalData,
  ReceiveEnvelope,
  recognitionAgreement,
  returnCodes,
  SameAct,
  SendTransfer,
  Transfers,
} from '@jieqiao/exchange';
import { BlobStore, createLogger, Database, dataKey, KeyRing, Vault } from '@jieqiao/platform';
import { entities } from '../../apps/gateway/src/gateway';
import { shippedSet } from './catalogues';
import type { TestDatabase } from './databases';
import { approveDraft, give, People, type Who } from './home-path';
import { makeAgreement, makeParty, type Party } from './sealed-exchange';

export const samplesDir = join(__dirname, '../samples');

export type Row = Record<string, unknown>;

/** SQL with `?` marks; numbers come as MySQL or SQLite gives them. */
export function rowsOf(db: Database, sql: string, parameters: unknown[] = []): Promise<Row[]> {
  return db.read((tx) => tx.query(sql, parameters)) as Promise<Row[]>;
}

export const bytesOf = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : Buffer.from(value as ArrayBuffer));

/** A sample case: what the officer filled in, and the files beside it. */
export interface Sample {
  transfer: {
    kind: 'LEAD';
    number: string;
    cause: string;
    from: { node: string; unit: string };
    to: { node: string };
    evidence: SampleEvidence[];
    [field: string]: unknown;
  };
  files: Record<string, string>;
  expected: Record<'sender' | 'receiver', { outcome: string; findings: { rule: string; result: string }[] }>;
}

interface SampleEvidence {
  id: string;
  fileName: string;
  mediaType: string;
  bytes: number;
  digest: string;
  [field: string]: unknown;
}

export function readSample(name: 's1' | 's2'): Sample {
  return JSON.parse(readFileSync(join(samplesDir, `${name}.json`), 'utf8')) as Sample;
}

export const sampleTerms = (): Record<string, unknown> =>
  JSON.parse(readFileSync(join(samplesDir, 'agreement-terms.json'), 'utf8')) as Record<string, unknown>;

/** A clock that runs, from wherever a test puts it. */
export class TestClock {
  private shift = 0;

  constructor(at: string) {
    this.set(at);
  }

  readonly now = (): Date => new Date(Date.now() + this.shift);

  set(at: string): void {
    this.shift = Date.parse(at) - Date.now();
  }

  advance(ms: number): void {
    this.shift += ms;
  }
}

/** One node's parts as the gateway puts them together, without listeners and lanes. */
export interface Side {
  party: Party;
  node: string;
  vkey: string;
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  personal: PersonalData;
  content: ContentAccess;
  blobs: BlobStore;
  intake: BlobIntake;
  sender: SendTransfer;
  receiver: ReceiveEnvelope;
  transfers: Transfers;
  casework: Casework;
  work: LaneWork;
  filings: Filings;
  sameAct: SameAct;
  handler: Person;
  people: People;
  /** Peers whose lane was woken. */
  woken: string[];
  /** How many drafts it has written. */
  drafts: number;
  /** What another process of this node, on the same database, sends with. */
  anotherSender(): SendTransfer;
}

export interface TwoSidesOptions {
  at?: string;
  limits?: Partial<IntakeLimits>;
  agreement?: Partial<AgreementContent>;
}

export interface FileToAdd {
  fileName: string;
  mediaType: string;
  content: Buffer;
  data?: Record<string, unknown>;
}

const authorities: Record<string, string> = {
  'pinghu.330482': '平湖市综合行政执法局',
  'jinshan.310116': '上海市金山区城市管理行政执法局',
  'jiashan.330421': '嘉善县综合行政执法局',
};

/**
 * Two parties in one process, each on a database of its own: what one seals is carried to the other by hand, so that a
 * test can hold it up, exchange it or forge it on the way. A third party of their agreement exists as keys only.
 */
export class TwoSides {
  readonly s1 = readSample('s1');

  private constructor(
    readonly sender: Side,
    readonly receiver: Side,
    readonly third: Party,
    readonly agreement: Agreement,
    readonly clock: TestClock,
    private readonly cleanUp: () => Promise<void>,
  ) {}

  /** Any two parties of an agreement, one of whom sends to the other. */
  static between(sender: Side, receiver: Side, agreement: Agreement, clock: TestClock): TwoSides {
    return new TwoSides(sender, receiver, sender.party, agreement, clock, async () => undefined);
  }

  /** S1's direction: Jinshan sends, Pinghu receives. */
  static async open(
    create: () => Promise<TestDatabase>,
    { at = '2022-08-19T02:00:00.000Z', limits = {}, agreement: over = {} }: TwoSidesOptions = {},
  ): Promise<TwoSides> {
    const clock = new TestClock(at);
    const parties = await Promise.all(Object.entries(authorities).map(([node, name]) => makeParty(node, name)));
    const agreement = makeAgreement(parties, { terms: sampleTerms(), ...over });
    const [pinghu, jinshan, third] = parties as [Party, Party, Party];
    const dir = mkdtempSync(join(tmpdir(), 'jieqiao-two-'));
    const closers: (() => Promise<void>)[] = [];
    const open = async (party: Party): Promise<Side> => {
      const test = await create();
      const db = await Database.open(test.url, entities, clock.now);
      const side = openSide(party, db, join(dir, party.node), clock, limits);
      closers.push(async () => {
        await side.audit.stop();
        await db.close();
        await test.drop();
      });
      await side.agreements.import(agreement.bytes);
      side.audit.start();
      return side;
    };
    const sender = await open(jinshan);
    const receiver = await open(pinghu);
    return new TwoSides(sender, receiver, third, agreement, clock, async () => {
      for (const close of closers) await close();
      rmSync(dir, { recursive: true, force: true });
    });
  }

  close(): Promise<void> {
    return this.cleanUp();
  }

  /** An officer's form for one evidence item. */
  get evidenceForm(): Record<string, unknown> {
    return formOf(this.s1.transfer.evidence[0]!);
  }

  /** The same two with their roles exchanged, as S2 needs them. */
  reversed(): TwoSides {
    return new TwoSides(this.receiver, this.sender, this.third, this.agreement, this.clock, async () => undefined);
  }

  /** A draft at the sender, with the sample's case data and whatever files are given. */
  async draft(files: readonly FileToAdd[] = [], sample: Sample = this.s1): Promise<string> {
    const from = this.sender;
    const {
      schema,
      id,
      dossier,
      kind,
      number: given,
      from: origin,
      to,
      evidence,
      documents,
      ...data
    } = sample.transfer;
    // No number is used twice: the first draft has the sample's.
    const number = from.drafts++ === 0 ? given : given.replace(/\d+号$/, `${1000 + from.drafts}号`);
    const draft = { to: to.node, kind, number, title: sample.transfer.cause, data: { ...data, unit: origin.unit } };
    const { id: transferId } = await from.transfers.create(from.handler, draft);
    for (const { fileName, mediaType, content, data: form } of files) {
      const input = { fileName, mediaType, bytes: content.length, data: form ?? this.evidenceForm };
      const item = await from.transfers.addEvidence(from.handler, transferId, input);
      await from.transfers.upload(from.handler, transferId, item.id, 0, Readable.from([content]));
    }
    return transferId;
  }

  /** Every file of a sample case, with the officer's form for each. */
  sampleFiles(sample: Sample): FileToAdd[] {
    return sample.transfer.evidence.map((item) => ({
      fileName: item.fileName,
      mediaType: item.mediaType,
      content: readFileSync(join(samplesDir, sample.files[item.id]!)),
      data: formOf(item),
    }));
  }

  /** A command by somebody in that role, on the side that is named. */
  command(side: Side, who: Who, transferId: string, command: Command, more: Parameters<typeof give>[4] = {}) {
    return give(side.transfers, side.people.of(who), transferId, command, more);
  }

  async send(
    transferId: string,
    {
      key = randomBytes(8).toString('hex'),
      acknowledge = [] as string[],
      by = this.sender.sender,
      data = {} as CommandData,
    } = {},
  ): Promise<unknown> {
    const { sender } = this;
    await approveDraft(sender.transfers, sender.people, transferId, acknowledge);
    const { kind } = await sender.transfers.get(sender.handler, transferId);
    const filed = kind === 'CASE' ? await this.fileOwnCase(transferId) : null;
    const person = sender.people.of('seal-keeper');
    return by.send({
      ...{ person, transferId, command: 'send', acknowledge, ifVersion: null, idempotencyKey: key },
      ...{ filing: filed?.proof ?? null, sameAct: { filings: [], unanswered: [] } },
      data: filed ? { filing: filed.filing, ...data } : data,
    });
  }

  /** The sender's own case about what it hands over, in its register. */
  private async fileOwnCase(transferId: string) {
    const { sender } = this;
    const head = sender.people.of('head');
    const { data, number } = await sender.transfers.get(head, transferId);
    const input = { ...(data as unknown as FilingInput), number: `${number}-立`, authority: '平湖市综合行政执法局' };
    const { id } = await sender.filings.register(head, { ...input, transfer: transferId });
    return sender.filings.attested(head, id);
  }

  /** What the lane would put on the wire for these transfers, in the order of the chain. */
  async deliveries(transferIds?: readonly string[]): Promise<Delivery__Output[]> {
    const { db } = this.sender;
    const rows = await rowsOf(db, 'SELECT transfer_id, envelope FROM outbox ORDER BY seq');
    const envelopes = rows
      .filter((row) => !transferIds || transferIds.includes(String(row.transfer_id)))
      .map((row) => String(row.envelope));
    const manifests = envelopes.map((envelope) => claimsOf(envelope).bundle!.manifest);
    const parts = await laneCallbacks(this.sender.work, () => undefined).partsOf(manifests);
    return envelopes.map((envelope, i) => ({ envelope, ...parts.get(manifests[i]!)! }));
  }

  /**
   * What the lanes do, both ways, until nothing is queued: envelopes go over, receipts come back and are settled.
   * @returns the codes of what was refused
   */
  async carry(): Promise<string[]> {
    const refused: string[] = [];
    for (let moved = true; moved; ) {
      moved = false;
      for (const way of [this as TwoSides, this.reversed()]) {
        const { db, node } = way.sender;
        const callbacks = laneCallbacks(way.sender.work, () => undefined);
        const rows = await db.read((tx) => tx.find(OutboxRow, { where: { state: 'queued' }, order: { seq: 'ASC' } }));
        for (const row of rows) {
          const { bundle } = claimsOf(row.envelope);
          const parts = bundle ? (await callbacks.partsOf([bundle.manifest])).get(bundle.manifest) : undefined;
          const none = { manifest: Buffer.alloc(0), signature: Buffer.alloc(0), parts: [] };
          if (bundle && bundle.files.length > 0) await way.push(row.envelope);
          const [outcome] = await way.receiver.receiver.receive(node, [{ envelope: row.envelope, ...(parts ?? none) }]);
          if (outcome!.status === 'STATUS_RETRY') break;
          moved = true;
          const { time } = provenEntry(outcome!.receipt, way.receiver);
          const state = outcome!.status === 'STATUS_RECEIVED' ? 'received' : 'refused';
          const refusal = state === 'refused' ? (outcome!.code as ErrorCode) : null;
          if (refusal) refused.push(refusal);
          Object.assign(row, { state, refusal, receipt: outcome!.receipt, settledAt: time });
          await db.transaction(async (tx) => {
            await tx.save(OutboxRow, row);
            await callbacks.onSettled(tx, [{ row, state, refusal, at: time }]);
          });
        }
      }
    }
    return refused;
  }

  /** A draft sealed and sent, as it would travel. */
  async sealed(files: readonly FileToAdd[] = [], sample?: Sample): Promise<Delivery__Output> {
    const id = await this.draft(files, sample);
    await this.send(id);
    return (await this.deliveries([id]))[0]!;
  }

  /** Announces an envelope's files to the receiver and pushes those that it lacks. */
  async push(envelope: string): Promise<void> {
    const { sender, receiver } = this;
    const states = await receiver.intake.announce(sender.node, [envelope]);
    for (const { digest, offset, complete } of states) {
      const file = claimsOf(envelope).bundle!.files.find((candidate) => candidate.digest === digest)!;
      const from = Number(offset);
      if (complete) continue;
      const content = sender.blobs.read(file.digest, from);
      await receiver.intake.receive(sender.node, file.digest, from, file.bytes, content);
    }
  }

  deliver(...deliveries: Delivery__Output[]): Promise<Outcome[]> {
    return this.receiver.receiver.receive(this.sender.node, deliveries);
  }

  /** The end of the receiver's chain from the sender. */
  async chainEnd(): Promise<{ seq: number; digest: Digest | null }> {
    const sql = "SELECT seq, digest FROM lane WHERE peer = ? AND direction = 'in'";
    const [row] = await rowsOf(this.receiver.db, sql, [this.sender.node]);
    return { seq: Number(row?.seq ?? 0), digest: (row?.digest ?? null) as Digest | null };
  }

  /**
   * Signs an envelope anew with other claims, by default as the next one of the receiver's chain: what a peer that
   * holds real keys could hand over.
   */
  async forge(
    delivery: Delivery__Output,
    over: Partial<TransferClaims> = {},
    signer: Signer = this.sender.party.nodeSigner,
  ): Promise<Delivery__Output> {
    const end = await this.chainEnd();
    const claims = {
      ...claimsOf(delivery.envelope),
      jti: this.newId(),
      seq: end.seq + 1,
      prev: end.digest,
      ...over,
    };
    return { ...delivery, envelope: signEnvelope(claims, signer) };
  }

  newId(): string {
    return uuidv7(this.clock.now().getTime(), randomBytes(10));
  }
}

export function openSide(
  party: Party,
  db: Database,
  dir: string,
  clock: TestClock,
  limits: Partial<IntakeLimits> = {},
): Side {
  const { node } = party;
  const { now } = clock;
  const random = (bytes: number) => randomBytes(bytes);
  const logger = createLogger('silent', node);
  const ring = ringOf(party);
  const keys = () => ring;
  const logKeys = { signers: () => agreements.logSigners(now()), known: () => ring.knownLogKeys };
  const audit = new AuditLog(db, { node, keys: logKeys, holder: node, logger, now, random });
  const crls = new CrlBook(db, audit, { graceMs: 86_400_000, maxAheadMs: 120_000 }, now);
  const agreements: AgreementBook = new AgreementBook(db, audit, keys, () => crls.all(), now, recognitionAgreement);
  const blobs = new BlobStore(dir);
  const intakeLimits = { fileBytes: 1 << 20, peerAnnouncedBytes: 4 << 20, keepMs: 3_600_000, ...limits };
  const intake = new BlobIntake(db, blobs, agreements, blobUse, intakeLimits, now);
  const woken: string[] = [];
  const wake = (peer: string) => void woken.push(peer);
  const catalogue = shippedSet;
  const filings = new Filings({ db, audit, node, now, random });
  const sameAct = new SameAct({
    ...{ db, audit, agreements, filings, keys, now, random, warn: () => undefined },
    settings: { timeoutMs: 1_000, elementsPerHour: 1_000 },
  });
  // Nobody listens for the other side here: `same-act.spec.ts` has two nodes that do.
  const find = sameAct.find.bind(sameAct);
  sameAct.find = (act, options) => find(act, { ...options, ownOnly: true });
  const evaluation = new Evaluation({ node, keys, catalogue });
  const clocks = new Clocks({ db, audit, random });
  const { patterns } = numberPatterns({ prefix: '测综执', patterns: {} });
  const numbers = new DocumentNumbers({ db, audit, node, patterns, now, random });
  const personal = new PersonalData(new Vault(keys, random));
  const content = new ContentAccess({ db, audit, personal, revealsPerHour: 60, now, random });
  const context = {
    ...{ db, audit, agreements, personal, content, node, keys, catalogue, now, random, wake, envelopeLifetime: 86_400 },
    ...{ evaluation, clocks, numbers, sameAct, legalReviewOfLeads: false, returnCodes: () => returnCodes },
  };
  const casework = new Casework(context);
  const work = { ...context, casework };
  const sender = new SendTransfer(context);
  const anotherSender = () => new SendTransfer(context);
  const receiver = new ReceiveEnvelope({
    db,
    audit,
    agreements,
    crls,
    intake,
    personal,
    clocks,
    sameAct,
    node,
    catalogue,
    now,
    random,
  });
  const transfers = new Transfers({
    ...{
      db,
      audit,
      agreements,
      blobs,
      personal,
      clocks,
      content,
      sender,
      casework,
      filings,
      sameAct,
      evaluation,
      node,
      now,
      random,
    },
    limits: { fileBytes: 1 << 20, filesPerTransfer: 100 },
    progressOf: () => null,
  });
  const people = new People();
  const handler = people.of('handler');
  const vkey = encodeVkey(ring.logs[0]!.key);
  const parts = { db, audit, agreements, personal, content, blobs, intake, sender, anotherSender, receiver };
  return {
    party,
    node,
    vkey,
    handler,
    people,
    woken,
    drafts: 0,
    transfers,
    casework,
    work,
    filings,
    sameAct,
    ...parts,
  };
}

/** Somebody with this role, as an access token tells of them. */
export function personOf(id: string, role: Role, over: Partial<Person> = {}): Person {
  const unknown = { certNo: null, unit: null, qualifiedSince: null };
  return { id, login: role, name: '执法人员甲', roles: [role], ...unknown, ...over };
}

/** A party's keys as its node would have read them; without TLS. */
export function ringOf({ node, root, seal, nodeSigner, logKey }: Party): KeyRing {
  return new KeyRing({
    nodeId: node,
    roots: [Certificate.parse(root.certificatePem)],
    seals: [seal],
    nodes: [{ signer: nodeSigner, keyPem: '' }],
    logs: [noteSigner(logOrigin(node), logKey)],
    dataKeys: [dataKey(createHash('sha256').update(`${node} data`).digest())],
  });
}

/** The form fields of a sample's evidence item, without what the file itself gives. */
function formOf(item: SampleEvidence): Record<string, unknown> {
  const { id, seq, fileName, mediaType, bytes, digest, firstHashAt, ...form } = item;
  return form;
}

export const claimsOf = (envelope: string): TransferClaims => parseEnvelope(envelope).claims as TransferClaims;

export const envelopeDigest = (delivery: { envelope: string }): Digest => digestOf(Buffer.from(delivery.envelope));

/** The log entry that a receipt proves, under the log's own key. */
export function provenEntry(receipt: string | undefined, side: Pick<Side, 'vkey'>): LogEntry {
  return parseLogEntry(openReceiptProof(receipt!, side.vkey).entry);
}

/** Every entry that a node has logged, in the order in which it was appended. */
export async function loggedBy(db: Database): Promise<LogEntry[]> {
  return (await rowsOf(db, 'SELECT entry FROM log_entry ORDER BY id')).map((row) => parseLogEntry(bytesOf(row.entry)));
}

/** How many rows every table of the exchange has: what a refusal must leave as it was. */
export async function countRows(db: Database): Promise<Record<string, number>> {
  const tables = ['transfer', 'evidence', 'bundle', 'inbox', 'outbox', 'announcement', 'idempotency', 'log_entry'];
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const [row] = await rowsOf(db, `SELECT COUNT(*) AS n FROM ${table}`);
    counts[table] = Number(row!.n);
  }
  return counts;
}
