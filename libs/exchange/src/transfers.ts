import type { Readable } from 'node:stream';
import { Readable as ReadableStream } from 'node:stream';
import { type Permission, type Person, type Reader, requirePermission, requireSight } from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import { type Digest, foldName, GatewayError, type LogEvent, planBundle, uuidv7, writeZip } from '@jieqiao/core';
import {
  type AgreementBook,
  laneTrouble,
  type PushProgress,
  type Settled,
  sentEnvelope,
  takenEnvelope,
} from '@jieqiao/delivery';
import { type BlobStore, type Database, insertRows, lockForUpdate, type Tx } from '@jieqiao/platform';
import { evaluateRecognition, type RecognitionDecision, type TransferKind } from '@jieqiao/recognition';
import { In } from 'typeorm';
import { composeTransfer, digestsById, evidencePath, recognitionAgreement, storedBundleFiles } from './bundle-contents';
import { type ContentAccess, matterOf, onlyVisible, summaryFor } from './content-access';
import { ofCaseData, type PersonalData } from './personal-data';
import type { SendTransfer } from './send-transfer';
import { Settlements } from './settlements';
import { BundleRow, EvidenceRow, TransferRow } from './tables';
import { type TransferState, transferAfter } from './transfer/transfer';
import {
  type EvidenceView,
  evidenceOf,
  summaryOf,
  summaryOfSent,
  type TransferSummary,
  type TransferView,
  viewOf,
  viewOfSent,
} from './views';

export interface DraftInput {
  to: string;
  kind: TransferKind;
  number: string;
  title: string;
  dossier?: string;
  /** As complete as the officer has it; completeness is checked before sending. */
  data: Record<string, unknown>;
}

export type DraftChange = Partial<Pick<DraftInput, 'number' | 'title' | 'data'>>;

export interface EvidenceInput {
  fileName: string;
  mediaType: string;
  bytes: number;
  /** If the officer's device has hashed the file, the upload is checked against it. */
  expectedDigest?: Digest;
  data: Record<string, unknown>;
}

export interface UploadState {
  offset: number;
  length: number;
  complete: boolean;
  digest: Digest | null;
}

export interface ByteRange {
  start: number;
  /** Inclusive. */
  end: number;
}

export interface Download {
  bytes: number;
  mediaType: string;
  fileName: string;
  open(range?: ByteRange): Readable;
}

export interface SendOptions {
  acknowledge: readonly string[];
  ifVersion?: number;
  idempotencyKey: string;
  waitMs: number;
  /** The answer need not repeat what the sender knows: a summary will do where it saves a read. */
  minimal?: boolean;
}

export interface SendAnswer {
  status: 200 | 202;
  view: TransferView | TransferSummary;
}

export interface TransferFilter {
  direction?: 'out' | 'in';
  state?: TransferState;
  /** Those that this node deals with on the other side now, its own and those of whom it has succeeded. */
  handledBy?: string;
  limit: number;
  /** Ids sort by creation time; the page holds what was created before this one. */
  before?: string;
}

export interface TransfersContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  blobs: BlobStore;
  personal: PersonalData;
  content: ContentAccess;
  sender: SendTransfer;
  node: string;
  limits: { fileBytes: number; filesPerTransfer: number };
  progressOf(peer: string, jti: string): PushProgress | null;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** What people do with transfers. Each use case begins with the check of the person and of the object. */
export class Transfers {
  /** Items whose bytes are arriving in this process. */
  private readonly uploading = new Set<string>();

  readonly settlements = new Settlements((ids) => this.settledAmong(ids));

  constructor(private readonly context: TransfersContext) {}

  async create(person: Person, input: DraftInput): Promise<TransferView> {
    requirePermission(person, 'transfer.create');
    const { db, audit, agreements, node, now, personal, random } = this.context;
    const at = now();
    const agreement = agreements.current(input.to, at);
    for (const party of [node, input.to]) agreements.mustHavePowers(agreement, party, at);
    const createdAt = at.toISOString();
    const row: TransferRow = {
      id: uuidv7(at.getTime(), random(10)),
      direction: 'out',
      kind: input.kind,
      dossierId: input.dossier ?? uuidv7(at.getTime(), random(10)),
      number: input.number,
      title: input.title,
      peer: input.to,
      state: 'DRAFT',
      delivery: 'none',
      refusal: null,
      version: 1,
      data: null,
      recognition: null,
      bundleDigest: null,
      jti: null,
      authorId: person.id,
      unit: person.unit,
      createdAt,
      updatedAt: createdAt,
    };
    await db.transaction(async (tx) => {
      const data = await personal.keep(tx, row.id, ofCaseData, input.data);
      await insertRows(tx, TransferRow, [{ ...row, data }]);
      const subject = { dossier: row.dossierId, kind: row.kind, person: person.id, transfer: row.id };
      await audit.append(tx, [{ event: 'transfer.created', subject }]);
    });
    return this.get(person, row.id);
  }

  async edit(person: Person, id: string, version: number, change: DraftChange): Promise<TransferView> {
    requirePermission(person, 'transfer.edit');
    await this.context.db.transaction(async (tx) => {
      const row = await this.draftOf(tx, person, id);
      if (row.version !== version) throw new GatewayError('PRECONDITION_FAILED', { version: row.version });
      const data = change.data && { data: await this.context.personal.keep(tx, id, ofCaseData, change.data) };
      await tx.update(TransferRow, { id }, { ...change, ...data, ...this.editedState(row) } as object);
    });
    return this.get(person, id);
  }

  async list(person: Person, filter: TransferFilter): Promise<{ items: TransferSummary[]; nextBefore: string | null }> {
    requirePermission(person, 'transfer.list');
    const rows = await this.context.db.read((tx) => {
      const query = tx
        .createQueryBuilder(TransferRow, 't')
        .orderBy('t.id', 'DESC')
        .limit(filter.limit + 1);
      if (filter.direction) query.andWhere('t.direction = :direction', { direction: filter.direction });
      if (filter.state) query.andWhere('t.state = :state', { state: filter.state });
      if (filter.handledBy) {
        const peers = this.context.agreements.actsFor(filter.handledBy, this.context.now());
        query.andWhere('t.peer IN (:...peers)', { peers });
      }
      onlyVisible(query, person);
      if (filter.before) query.andWhere('t.id < :before', { before: filter.before });
      return query.getMany();
    });
    const items = rows
      .slice(0, filter.limit)
      .map((row) => summaryFor(person, row, summaryOf(row, this.handledBy(row))));
    return { items, nextBefore: rows.length > filter.limit ? items.at(-1)!.id : null };
  }

  async get(person: Reader, id: string): Promise<TransferView> {
    requirePermission(person, 'transfer.read');
    const { content, personal } = this.context;
    return content.reading(person, async (tx) => {
      const row = await this.found(tx, id);
      await content.mayRead(tx, person, row, 'transfer', 'transfer.read');
      const held = await personal.heldBy(tx, [id]);
      const evidence = await tx.find(EvidenceRow, { where: { transferId: id }, order: { seq: 'ASC' } });
      const bundle = await this.bundleOf(tx, row);
      const outgoing = row.direction === 'out' && row.jti;
      const outbox = outgoing ? await sentEnvelope(tx, row.jti!) : null;
      const inbox = row.direction === 'in' ? await takenEnvelope(tx, row.jti!) : null;
      const lane = row.delivery === 'queued' ? await laneTrouble(tx, row.peer) : null;
      const progress = row.jti ? this.context.progressOf(row.peer, row.jti) : null;
      return viewOf({ row, handledBy: this.handledBy(row), held, evidence, bundle, outbox, inbox, lane, progress });
    });
  }

  async addEvidence(person: Person, transferId: string, input: EvidenceInput): Promise<EvidenceView> {
    requirePermission(person, 'evidence.add');
    const { db, limits, now, personal, random } = this.context;
    if (input.bytes > limits.fileBytes) throw new GatewayError('FILE_TOO_LARGE', { limit: limits.fileBytes });
    const at = now();
    const id = uuidv7(at.getTime(), random(10));
    return db.transaction(async (tx) => {
      const row = await this.draftOf(tx, person, transferId);
      const items = await tx.find(EvidenceRow, { where: { transferId }, select: { seq: true, fileName: true } });
      if (items.length >= limits.filesPerTransfer) {
        throw new GatewayError('LIMIT_EXCEEDED', { what: 'files-per-transfer', limit: limits.filesPerTransfer });
      }
      // As the container will compare them: two names that one disk takes for one would not be opened anywhere.
      const folded = foldName(input.fileName);
      if (items.some((item) => foldName(item.fileName) === folded)) {
        throw new GatewayError('VALIDATION_FAILED', { errors: ['/fileName unique'] });
      }
      const { fileName, mediaType, bytes, expectedDigest, data } = input;
      const seq = Math.max(0, ...items.map((item) => item.seq)) + 1;
      const item: EvidenceRow = {
        id,
        transferId,
        seq,
        fileName: fileName.normalize('NFC'),
        mediaType,
        bytes,
        digest: null,
        crc32: null,
        data: expectedDigest ? { ...data, [expectedKey]: expectedDigest } : data,
        firstHashAt: null,
        createdAt: at.toISOString(),
      };
      const kept = await personal.keep(tx, transferId, id, item.data ?? {});
      await insertRows(tx, EvidenceRow, [{ ...item, data: kept }]);
      await tx.update(TransferRow, { id: transferId }, this.editedState(row) as object);
      const held = await personal.heldBy(tx, [transferId]);
      return evidenceOf({ ...item, data }, held.of(transferId, id), null);
    });
  }

  async removeEvidence(person: Person, transferId: string, evidenceId: string): Promise<void> {
    requirePermission(person, 'evidence.remove');
    const { db, blobs, personal } = this.context;
    await db.transaction(async (tx) => {
      const row = await this.draftOf(tx, person, transferId);
      await this.evidenceOf(tx, transferId, evidenceId);
      await personal.drop(tx, transferId, evidenceId);
      await tx.delete(EvidenceRow, { id: evidenceId });
      await tx.update(TransferRow, { id: transferId }, this.editedState(row) as object);
    });
    // A complete blob may be shared; it goes when nothing holds it any more (`BlobIntake.removeOrphans`).
    await blobs.discard(evidenceId);
  }

  async uploadState(person: Person, transferId: string, evidenceId: string): Promise<UploadState> {
    requirePermission(person, 'evidence.add');
    const item = await this.context.db.read(async (tx) => {
      await this.visible(tx, person, transferId, 'evidence.add', 'content');
      return this.evidenceOf(tx, transferId, evidenceId);
    });
    if (item.digest) return stored(item);
    const offset = await this.context.blobs.offset(evidenceId);
    // All bytes are here and nobody is at it: the process ended before it could name them. Clients send nothing more.
    if (offset === item.bytes && !this.uploading.has(evidenceId)) return this.complete(item);
    return { offset, length: item.bytes, complete: false, digest: null };
  }

  /**
   * Takes evidence bytes from `offset`. The last byte makes the item complete: hashed on the way, synced, named by its
   * digest. Killed before it has its name, the next question for its state makes it complete; killed after that and
   * before the row is written, the officer's client uploads again from 0.
   */
  async upload(
    person: Person,
    transferId: string,
    evidenceId: string,
    offset: number,
    stream: Readable,
  ): Promise<UploadState> {
    requirePermission(person, 'evidence.add');
    const { db, blobs } = this.context;
    const item = await db.read(async (tx) => {
      await this.draftOf(tx, person, transferId);
      return this.evidenceOf(tx, transferId, evidenceId);
    });
    if (item.digest) return stored(item);
    if (this.uploading.has(evidenceId)) throw new GatewayError('UPLOAD_IN_PROGRESS', {});
    this.uploading.add(evidenceId);
    try {
      const limits = { limit: item.bytes, expectedLength: item.bytes };
      const { offset: reached } = await blobs.append(evidenceId, offset, stream, limits);
      if (reached < item.bytes) return { offset: reached, length: item.bytes, complete: false, digest: null };
      return await this.complete(item);
    } finally {
      this.uploading.delete(evidenceId);
    }
  }

  private async complete(item: EvidenceRow): Promise<UploadState> {
    const { db, blobs, audit, now } = this.context;
    const { id, transferId } = item;
    const { [expectedKey]: expectedDigest, ...data } = item.data ?? {};
    const { digest, crc32, bytes } = await blobs.finish(id, {
      length: item.bytes,
      ...(expectedDigest ? { expectedDigest: expectedDigest as Digest } : {}),
    });
    await db.transaction(async (tx) => {
      const firstHashAt = now().toISOString();
      await tx.update(EvidenceRow, { id }, { digest, crc32, data, firstHashAt } as object);
      await audit.append(tx, [
        { event: 'evidence.stored', subject: { bytes, digest, evidence: id, transfer: transferId } },
      ]);
    });
    return stored({ bytes, digest });
  }

  /** @throws GatewayError BLOB_MISSING when the item's bytes have not all come yet */
  async readEvidence(person: Reader, transferId: string, evidenceId: string): Promise<Download> {
    requirePermission(person, 'evidence.read');
    const { blobs, content, db } = this.context;
    const item = await db.transaction(async (tx) => {
      const row = await this.found(tx, transferId);
      requireSight(person, 'evidence.read', matterOf(row));
      const found = await this.evidenceOf(tx, transferId, evidenceId);
      if (!found.digest) throw new GatewayError('BLOB_MISSING', { evidence: evidenceId });
      const reason = await content.mayRead(tx, person, row, 'evidence', 'evidence.read', found.digest);
      if (!reason) await this.record(tx, 'content.read', person, transferId, 'evidence', found.digest);
      return found;
    });
    const { bytes, mediaType, fileName, digest } = item;
    return { bytes, mediaType, fileName, open: (range) => blobs.read(digest!, range?.start, range?.end) };
  }

  /** What the rules would say if it were sent now. */
  async check(person: Reader, id: string): Promise<RecognitionDecision> {
    requirePermission(person, 'transfer.check');
    const { agreements, content, node, now, personal } = this.context;
    const { row, held, evidence } = await content.reading(person, async (tx) => {
      const found = await this.found(tx, id);
      await content.mayRead(tx, person, found, 'check', 'transfer.check');
      const items = await tx.find(EvidenceRow, { where: { transferId: id }, order: { seq: 'ASC' } });
      return { row: found, held: await personal.heldBy(tx, [id]), evidence: items };
    });
    if (row.direction !== 'out' || row.data === null) throw new GatewayError('WRONG_STATE', { state: row.state });
    const at = now();
    const agreement = agreements.current(row.peer, at);
    return evaluateRecognition({
      transfer: composeTransfer(row, evidence, agreement, node, held, at),
      agreement: recognitionAgreement(agreement),
      manifest: digestsById(evidence),
      at: at.toISOString(),
    });
  }

  /**
   * Sends, and waits up to `waitMs` for the peer's receipt.
   * @returns 200 with the receipt there, 202 while it is on its way
   */
  async send(person: Person, id: string, options: SendOptions): Promise<SendAnswer> {
    requirePermission(person, 'transfer.send');
    const { acknowledge, ifVersion = null, idempotencyKey, waitMs } = options;
    const waiting = waitMs > 0 ? this.settlements.expect(id, waitMs) : null;
    try {
      const sent = await this.context.sender.send({ person, transferId: id, acknowledge, ifVersion, idempotencyKey });
      if (!sent) return await this.sentBefore(person, id, waiting?.settled ?? null);
      const settled = waiting ? await waiting.settled : null;
      if (waiting && !settled) return await this.sentBefore(person, id, null);
      const encode = options.minimal ? summaryOfSent : viewOfSent;
      const view = encode(sent, settled, this.handledBy(sent.row));
      return { status: settled ? 200 : 202, view };
    } finally {
      waiting?.cancel();
    }
  }

  private async sentBefore(person: Person, id: string, settled: Promise<Settled | null> | null): Promise<SendAnswer> {
    const view = await this.get(person, id);
    const done = view.delivery.state === 'received' || view.delivery.state === 'refused';
    if (done || !settled) return { status: done ? 200 : 202, view };
    await settled;
    return this.sentBefore(person, id, null);
  }

  /** The sealed bundle as one ASiC-E file, rendered while it is read; its length is known beforehand. */
  async bundle(person: Reader, id: string): Promise<Download> {
    requirePermission(person, 'bundle.export');
    const { blobs, content, db } = this.context;
    const { row, bundle, evidence } = await db.transaction(async (tx) => {
      const found = await this.visible(tx, person, id, 'bundle.export', 'content');
      const sealed = await this.bundleOf(tx, found);
      if (!sealed) throw new GatewayError('WRONG_STATE', { state: found.state, command: 'export' });
      const toRead = await content.mayRead(tx, person, found, 'bundle', 'bundle.export');
      const toReveal = await content.mayExport(tx, person, id, sealed.transferJson);
      await this.record(tx, 'content.exported', person, id, 'bundle', sealed.digest, toReveal ?? toRead);
      const items = await tx.find(EvidenceRow, { where: { transferId: id }, order: { seq: 'ASC' } });
      return { row: found, bundle: sealed, evidence: items };
    });
    const plan = planBundle(bundle, storedBundleFiles(bundle, evidence));
    const digests = new Map(evidence.map((item) => [evidencePath(item.fileName), item.digest!]));
    const openEntry = (name: string, start = 0) => blobs.read(digests.get(name)!, start);
    return {
      bytes: plan.length,
      mediaType: 'application/vnd.etsi.asic-e+zip',
      fileName: `${row.number}.asice`,
      open: (range) => {
        const part = range && { start: range.start, end: range.end + 1 };
        return ReadableStream.from(writeZip(plan, openEntry, part), { objectMode: false });
      },
    };
  }

  /** The peer's receipt for what was sent, or this node's own for what it received; both as a tlog-proof. */
  async receipt(person: Person, id: string): Promise<string> {
    requirePermission(person, 'receipt.read');
    const message = await this.message(person, id, 'receipt.read');
    if (message.receipt === null) throw new GatewayError('NOT_FOUND', { what: 'receipt' });
    if (message.receipt !== undefined) return message.receipt;
    return (await this.context.audit.proofOf(message.logId!)).proof;
  }

  async envelope(person: Person, id: string): Promise<string> {
    requirePermission(person, 'envelope.read');
    return (await this.message(person, id, 'envelope.read')).envelope;
  }

  private async settledAmong(ids: string[]): Promise<string[]> {
    const rows = await this.context.db.read((tx) =>
      tx.find(TransferRow, { where: { id: In(ids), delivery: In(['received', 'refused']) }, select: { id: true } }),
    );
    return rows.map((row) => row.id);
  }

  private async message(
    person: Person,
    id: string,
    permission: Permission,
  ): Promise<{ envelope: string; receipt?: string | null; logId?: number }> {
    return this.context.db.read(async (tx) => {
      const row = await this.visible(tx, person, id, permission, 'metadata');
      if (!row.jti) throw new GatewayError('NOT_FOUND', { what: 'envelope' });
      if (row.direction === 'in') {
        const { envelope, logId } = (await takenEnvelope(tx, row.jti))!;
        return { envelope, logId };
      }
      const { envelope, receipt } = (await sentEnvelope(tx, row.jti))!;
      return { envelope, receipt };
    });
  }

  /** Whoever deals with it at the other side now. Casework asks this before it lets somebody act on a transfer. */
  private handledBy(row: TransferRow): string {
    return this.context.agreements.handledBy(row.peer, this.context.now());
  }

  private async visible(
    tx: Tx,
    person: Person,
    id: string,
    permission: Permission,
    wanted: 'content' | 'metadata',
  ): Promise<TransferRow> {
    const row = await this.found(tx, id);
    requireSight(person, permission, matterOf(row), wanted);
    return row;
  }

  private async found(tx: Tx, id: string): Promise<TransferRow> {
    const row = await tx.findOneBy(TransferRow, { id });
    if (!row) throw new GatewayError('NOT_FOUND', { what: 'transfer' });
    return row;
  }

  private async bundleOf(tx: Tx, { bundleDigest }: TransferRow): Promise<BundleRow | null> {
    const stored = bundleDigest ? await tx.findOneBy(BundleRow, { digest: bundleDigest }) : null;
    return stored && this.context.personal.openedBundle(stored);
  }

  /** The author's own draft, locked. Others may read it, never change it. */
  private async draftOf(tx: Tx, person: Person, id: string): Promise<TransferRow> {
    const lock = tx.queryRunner?.isTransactionActive ? lockForUpdate(this.context.db.dialect) : {};
    const row = await tx.findOne(TransferRow, { where: { id }, ...lock });
    if (row?.direction !== 'out') throw new GatewayError('NOT_FOUND', { what: 'transfer' });
    if (row.authorId !== person.id) throw new GatewayError('FORBIDDEN', { permission: 'transfer.edit' });
    if (!transferAfter(row.state, 'edit')) throw new GatewayError('WRONG_STATE', { state: row.state, command: 'edit' });
    return row;
  }

  private async evidenceOf(tx: Tx, transferId: string, id: string): Promise<EvidenceRow> {
    const item = await tx.findOneBy(EvidenceRow, { id, transferId });
    if (!item) throw new GatewayError('NOT_FOUND', { what: 'evidence' });
    return item;
  }

  private editedState(row: TransferRow): Partial<TransferRow> {
    return {
      ...transferAfter(row.state, 'edit')!,
      refusal: null,
      version: row.version + 1,
      updatedAt: this.context.now().toISOString(),
    };
  }

  private async record(
    tx: Tx,
    event: 'content.read' | 'content.exported',
    person: Person,
    transfer: string,
    what: string,
    digest: Digest,
    reason: string | null = null,
  ): Promise<void> {
    const entry: LogEvent =
      event === 'content.read'
        ? { event, subject: { object: digest, person: person.id, reason, transfer, what } }
        : { event, subject: { digest, object: null, person: person.id, reason, transfer, what } };
    await this.context.audit.append(tx, [entry]);
  }
}

function stored({ bytes, digest }: Pick<EvidenceRow, 'bytes' | 'digest'>): UploadState {
  return { offset: bytes, length: bytes, complete: true, digest };
}

/** Kept beside the form fields until the upload is checked against it; never sealed. */
const expectedKey = 'expectedDigest';
