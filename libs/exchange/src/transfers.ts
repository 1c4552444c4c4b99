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
import {
  type BlobStore,
  type Database,
  insertRows,
  lockForUpdate,
  newestFirst,
  type PageFilter,
  type Tx,
} from '@jieqiao/platform';
import type { RecognitionDecision, TransferKind } from '@jieqiao/recognition';
import { In, IsNull } from 'typeorm';
import { evidencePath, recognitionAgreement, storedBundleFiles } from './bundle-contents';
import type { Casework } from './casework';
import type { Clocks } from './clocks';
import { type ContentAccess, summaryFor } from './content-access';
import type { Evaluation } from './evaluation';
import { actorOf } from './facts';
import type { Filings } from './filings';
import { accepted, clockRowsOf, lifeLogEvents, lifeOf, noFacts, saveCases, setLife } from './life-rows';
import { type LifeView, lifeViewOf } from './life-view';
import { ofCaseData, type PersonalData } from './personal-data';
import type { SameAct } from './same-act';
import { isBundleCommand, type SendTransfer } from './send-transfer';
import { Settlements } from './settlements';
import { matterOf, onlyVisible } from './sight';
import { BundleRow, DocumentRow, EvidenceRow, TransferRow } from './tables';
import { apply, commandsFor, isRefusal, rowAndRole, sharedView, stateIn } from './transfer/apply';
import type { CommandData } from './transfer/command-data';
import { hasMismatch, newLife, type TransferLife, versionsOf } from './transfer/life';
import type { Command, LifeState } from './transfer/lifecycle';
import {
  type EvidenceView,
  evidenceOf,
  summaryOf,
  summaryOfSent,
  type TransferSummary,
  type TransferView,
  viewOf,
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

export interface CommandOptions {
  command: Command;
  /** What the person gives with it; document, bundle, content and number are the node's to add. */
  data: CommandData;
  /** Entry of the filing register that the command states. */
  filing?: string;
  acknowledge: readonly string[];
  ifVersion?: number;
  idempotencyKey: string;
  waitMs: number;
  /** The answer need not repeat what the sender knows: a summary will do where it saves a read. */
  minimal?: boolean;
}

export interface DocumentView {
  digest: Digest;
  type: string;
  side: 'sender' | 'receiver';
  /** It was sealed and exchanged; else it is an opinion, which stays at home. */
  sealed: boolean;
  createdAt: string;
  content: Record<string, unknown>;
}

/** 200: done, and if the peer was told, its receipt is here. 202: done, and the peer is being told. */
export interface CommandAnswer {
  status: 200 | 202;
  view: TransferView | TransferSummary;
}

export interface TransferFilter extends PageFilter {
  direction?: 'out' | 'in';
  state?: LifeState;
  /** Those that this node deals with on the other side now, its own and those of whom it has succeeded. */
  handledBy?: string;
}

export interface TransfersContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  blobs: BlobStore;
  personal: PersonalData;
  clocks: Clocks;
  content: ContentAccess;
  sender: SendTransfer;
  casework: Casework;
  filings: Filings;
  sameAct: SameAct;
  node: string;
  evaluation: Evaluation;
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
    const id = uuidv7(at.getTime(), random(10));
    const begun = newLife({ transfer: id, kind: input.kind, urgent: isUrgent(input.data), side: 'sender' });
    const context = { actor: actorOf(person), at: createdAt, messageId: 'none', facts: noFacts };
    const { life } = accepted(apply(begun, 'create', {}, context), 'create');
    const row: TransferRow = {
      id,
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
      lastJti: null,
      life,
      acknowledged: null,
      decisions: null,
      findings: null,
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
      Object.assign(row, change, data);
      await tx.update(TransferRow, { id }, { ...change, ...data } as object);
      await this.edited(tx, row, person);
    });
    return this.get(person, id);
  }

  async list(person: Person, filter: TransferFilter): Promise<{ items: TransferSummary[]; nextBefore: string | null }> {
    requirePermission(person, 'transfer.list');
    const { rows, nextBefore } = await this.context.db.read((tx) => {
      const query = tx.createQueryBuilder(TransferRow, 't');
      if (filter.direction) query.andWhere('t.direction = :direction', { direction: filter.direction });
      if (filter.state) query.andWhere('t.state = :state', { state: filter.state });
      if (filter.handledBy) {
        const peers = this.context.agreements.actsFor(filter.handledBy, this.context.now());
        query.andWhere('t.peer IN (:...peers)', { peers });
      }
      onlyVisible(query, person);
      return newestFirst(query, filter);
    });
    return { items: rows.map((row) => summaryFor(person, row, summaryOf(row, this.handledBy(row)))), nextBefore };
  }

  async get(person: Reader, id: string): Promise<TransferView> {
    requirePermission(person, 'transfer.read');
    const { content, personal } = this.context;
    return content.reading(person, async (tx) => {
      const row = await this.found(tx, id);
      await content.mayRead(tx, person, row, 'transfer', 'transfer.read');
      const held = await personal.heldBy(tx, [id]);
      const where = { transferId: id, lastVersion: IsNull() };
      const evidence = await tx.find(EvidenceRow, { where, order: { seq: 'ASC' } });
      const bundle = await this.bundleOf(tx, row);
      const outgoing = row.direction === 'out' && row.jti;
      const outbox = outgoing ? await sentEnvelope(tx, row.jti!) : null;
      const inbox = row.direction === 'in' ? await takenEnvelope(tx, row.jti!) : null;
      const lane = row.delivery === 'queued' ? await laneTrouble(tx, row.peer) : null;
      const progress = row.jti ? this.context.progressOf(row.peer, row.jti) : null;
      const life = row.life && this.lifeView(row, row.life, person);
      const handledBy = this.handledBy(row);
      return viewOf({ row, handledBy, held, evidence, bundle, outbox, inbox, lane, progress, life });
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
      const items = await tx.find(EvidenceRow, {
        where: { transferId },
        select: { seq: true, fileName: true, lastVersion: true },
      });
      if (items.length >= limits.filesPerTransfer) {
        throw new GatewayError('LIMIT_EXCEEDED', { what: 'files-per-transfer', limit: limits.filesPerTransfer });
      }
      // As the container will compare them: two names that one disk takes for one would not be opened anywhere. What was
      // left out of the version to come has its name in the versions before only.
      const folded = foldName(input.fileName);
      if (items.some((item) => item.lastVersion === null && foldName(item.fileName) === folded)) {
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
        lastVersion: null,
        createdAt: at.toISOString(),
      };
      const kept = await personal.keep(tx, transferId, id, item.data ?? {});
      await insertRows(tx, EvidenceRow, [{ ...item, data: kept }]);
      await this.edited(tx, row, person);
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
      // What was sent with a version stays with it.
      const sent = versionsOf(sharedView(lifeOf(row))).length;
      if (sent > 0) await tx.update(EvidenceRow, { id: evidenceId }, { lastVersion: sent });
      else await tx.delete(EvidenceRow, { id: evidenceId });
      await this.edited(tx, row, person);
    });
    // A complete blob may be shared; it goes when nothing holds it any more (`BlobIntake.removeOrphans`).
    await blobs.discard(evidenceId);
  }

  /** States an item otherwise; its file stays. */
  async editEvidence(
    person: Person,
    transferId: string,
    evidenceId: string,
    data: Record<string, unknown>,
  ): Promise<EvidenceView> {
    requirePermission(person, 'evidence.add');
    return this.context.db.transaction(async (tx) => {
      const row = await this.draftOf(tx, person, transferId);
      const item = await this.evidenceOf(tx, transferId, evidenceId);
      // An upload under way keeps what it is to be checked against.
      const expected = item.data?.[expectedKey];
      const { personal } = this.context;
      const given = expected === undefined ? data : { ...data, [expectedKey]: expected };
      const kept = await personal.keep(tx, transferId, evidenceId, given);
      await tx.update(EvidenceRow, { id: evidenceId }, { data: kept } as object);
      await this.edited(tx, row, person);
      const held = await personal.heldBy(tx, [transferId]);
      return evidenceOf({ ...item, data }, held.of(transferId, evidenceId), null);
    });
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

  /** What the rules say now: of a draft as it stands, of what was sent or received with this side's findings. */
  async check(person: Reader, id: string): Promise<RecognitionDecision> {
    requirePermission(person, 'transfer.check');
    const { db, agreements, casework, content, evaluation, now, sameAct } = this.context;
    const at = now();
    const matter = await content.reading(person, async (tx) => {
      const row = await this.found(tx, id);
      await content.mayRead(tx, person, row, 'check', 'transfer.check');
      return casework.load(tx, row, agreements.current(row.peer, at), at);
    });
    const found = await sameAct.find(matter.transfer, { transfer: id });
    return db.read((tx) => evaluation.decide(tx, { ...matter, at, sameAct: found }));
  }

  /**
   * Gives a command of the transfer's life, and waits up to `waitMs` for the peer's receipt where the peer is told.
   * @throws GatewayError COMMAND_REFUSED and what `SendTransfer.send` and `Casework.command` throw
   */
  async command(person: Person, id: string, options: CommandOptions): Promise<CommandAnswer> {
    requirePermission(person, 'transfer.command');
    const { command, acknowledge, ifVersion = null, idempotencyKey, waitMs } = options;
    const { sender, casework, filings } = this.context;
    const stated = options.filing === undefined ? null : await filings.attested(person, options.filing);
    const data = stated ? { ...options.data, filing: stated.filing } : options.data;
    const filing = stated?.proof ?? null;
    const sameAct = await casework.askAround(id, command);
    const request = { person, transferId: id, data, acknowledge, ifVersion, idempotencyKey, filing };
    const waiting = waitMs > 0 ? this.settlements.expect(id, waitMs) : null;
    try {
      if (!isBundleCommand(command)) {
        await casework.command({ ...request, command, sameAct });
        return await this.sentBefore(person, id, waiting?.settled ?? null);
      }
      if (!sameAct) throw new GatewayError('NOT_FOUND', { what: 'transfer' });
      const sent = await sender.send({ ...request, command, sameAct });
      if (!sent) return await this.sentBefore(person, id, waiting?.settled ?? null);
      const settled = waiting ? await waiting.settled : null;
      if (waiting && !settled) return await this.sentBefore(person, id, null);
      // Another message may have been settled first; what was sent is what is shown.
      const own = settled?.row.jti === sent.outbox.jti ? settled : null;
      if (settled && !own) return await this.sentBefore(person, id, null);
      const summary = summaryOfSent(sent, own, this.handledBy(sent.row));
      return { status: own ? 200 : 202, view: options.minimal ? summary : await this.get(person, id) };
    } finally {
      waiting?.cancel();
    }
  }

  private async sentBefore(
    person: Person,
    id: string,
    settled: Promise<Settled | null> | null,
  ): Promise<CommandAnswer> {
    const view = await this.get(person, id);
    const { state } = view.delivery;
    const done = state !== 'queued' && state !== 'delivering';
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

  /** What was signed for the steps of its life, by both sides as far as it has come here; oldest first. */
  async documents(person: Reader, id: string): Promise<DocumentView[]> {
    requirePermission(person, 'transfer.read');
    const { content } = this.context;
    const rows = await content.reading(person, async (tx) => {
      await content.mayRead(tx, person, await this.found(tx, id), 'document', 'transfer.read');
      return tx.find(DocumentRow, { where: { transferId: id }, order: { createdAt: 'ASC', digest: 'ASC' } });
    });
    return rows.map(({ digest, type, side, manifestDigest, createdAt, content }) => {
      const said = JSON.parse(content.toString()) as Record<string, unknown>;
      return { digest, type, side, sealed: manifestDigest !== null, createdAt, content: said };
    });
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

  private lifeView(row: TransferRow, life: TransferLife, person: Person): LifeView {
    const { agreements, node, now } = this.context;
    const agreement = agreements.currentWith(row.peer, now());
    const rows = clockRowsOf(agreement && recognitionAgreement(agreement), row, node);
    return lifeViewOf(life, now().toISOString(), rows, commandsFor(life, person.roles));
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
    if (!mayBePrepared(lifeOf(row), person))
      throw new GatewayError('WRONG_STATE', { state: row.state, command: 'edit' });
    return row;
  }

  private async evidenceOf(tx: Tx, transferId: string, id: string): Promise<EvidenceRow> {
    const item = await tx.findOneBy(EvidenceRow, { id, transferId });
    if (!item) throw new GatewayError('NOT_FOUND', { what: 'evidence' });
    return item;
  }

  /** A change voids what was signed and said about the draft as it was. Supplements and replacements have no draft. */
  private async edited(tx: Tx, row: TransferRow, person: Person): Promise<void> {
    const at = this.context.now().toISOString();
    let life = lifeOf(row);
    if (life.agreed.state === 'NEW') life = { ...life, urgent: isUrgent(row.data) };
    const last = life.home.records.at(-1);
    const goesOn = last?.person === person.id && (last.command === 'edit' || last.command === 'create');
    if (rowsForEdit(life, person) && !(goesOn && stateIn(life) === 'DRAFT')) {
      const context = { actor: actorOf(person), at, messageId: 'none', facts: noFacts };
      const applied = accepted(apply(life, 'edit', {}, context), 'edit');
      life = applied.life;
      const told = { transfer: row.id, person: person.id };
      await this.context.audit.append(tx, lifeLogEvents(applied.events, told));
    }
    setLife(row, life);
    if (row.state === 'DRAFT') Object.assign(row, { delivery: 'none', refusal: null } satisfies Partial<TransferRow>);
    Object.assign(row, { acknowledged: null, version: row.version + 1, updatedAt: at } satisfies Partial<TransferRow>);
    await saveCases(tx, [row]);
    await this.context.clocks.sync(tx, [{ life }], at);
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

function isUrgent(data: Record<string, unknown> | null): boolean {
  return data?.urgency === 'urgent';
}

/** Whether a draft may be edited here and now by this person's roles. */
function rowsForEdit(life: TransferLife, { roles }: Person): boolean {
  return !isRefusal(rowAndRole('edit', life.side, life.kind, stateIn(life), roles));
}

/** Also while the receiver waits for a supplement or for files to be replaced: the next version is made ready. */
function mayBePrepared(life: TransferLife, person: Person): boolean {
  const shared = sharedView(life);
  return rowsForEdit(life, person) || shared.state === 'SUPPLEMENT_REQUESTED' || hasMismatch(shared);
}

function stored({ bytes, digest }: Pick<EvidenceRow, 'bytes' | 'digest'>): UploadState {
  return { offset: bytes, length: bytes, complete: true, digest };
}

/** Kept beside the form fields until the upload is checked against it; never sealed. */
const expectedKey = 'expectedDigest';
