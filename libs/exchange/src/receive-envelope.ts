import type { AuditLog } from '@jieqiao/audit';
import {
  type Agreement,
  type BundleFileRef,
  type Certificate,
  canonicalJson,
  checkFreshness,
  clockSkewMs,
  type Digest,
  digestOf,
  type Envelope,
  type ErrorCode,
  GatewayError,
  type LogEvent,
  parseEnvelope,
  parseManifest,
  type StateClaims,
  sealUrn,
  type TransferClaims,
  type Trust,
  trustedParty,
  uuidv7,
  verifyEnvelope,
  verifySeal,
} from '@jieqiao/core';
import {
  type AgreementBook,
  type ArrivedBlob,
  type BlobIntake,
  type ChainEnd,
  type CrlBook,
  type Delivery__Output,
  keepTaken,
  lockChain,
  moveChain,
  type Outcome,
  type TakenEnvelope,
  takenBefore,
} from '@jieqiao/delivery';
import { type Database, insertRows, lockForUpdate, step, type Tx, updateRows } from '@jieqiao/platform';
import {
  type CatalogueSet,
  evaluateRecognition,
  parseTransferData,
  type RecognitionDecision,
  type TransferData,
} from '@jieqiao/recognition';
import { In } from 'typeorm';
import {
  contentDigest,
  custodyPart,
  evidencePath,
  recognitionAgreement,
  recognitionPart,
  transferPart,
} from './bundle-contents';
import type { Clocks } from './clocks';
import { documentPart, documentRow, documentTypeOf, filingPart, readDocument, readFiling } from './documents';
import type { FilingProof } from './filing-tables';
import {
  clockRowsOf,
  deliveryId,
  isSending,
  lifeLogEvents,
  lifeOf,
  nodeActor,
  noFacts,
  saveCases,
  setLife,
} from './life-rows';
import type { PersonalData } from './personal-data';
import { numbersTaken, registersOf, sealOwner } from './registers';
import type { SameAct } from './same-act';
import { isBundleCommand } from './send-transfer';
import { BundleRow, DocumentRow, EvidenceRow, TransferRow } from './tables';
import { apply, isRefusal, receive } from './transfer/apply';
import { messageFault, type StateMessage } from './transfer/command-data';
import { newLife, versionsOf } from './transfer/life';

export interface ReceiveContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  crls: CrlBook;
  intake: BlobIntake;
  personal: PersonalData;
  clocks: Clocks;
  sameAct: SameAct;
  node: string;
  /** What the rules look items, powers and laws up in. */
  catalogue: () => CatalogueSet;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** A delivery as far as it could be read and checked without the database. */
interface Checked<Part = Contents> {
  digest: Digest;
  envelope: Envelope | null;
  /** What casework says in it; null when the delivery is to be refused for `refusal`, and of a test envelope. */
  message: StateMessage | null;
  /** With a message that hands a bundle over. */
  contents: Part | null;
  /** With a message about a transfer: the sealed document of the step, where one goes with it. */
  paper: Paper | null;
  refusal: ErrorCode | null;
  /** A refusal consumes the position in the chain only if the envelope is really the peer's. */
  authentic: boolean;
}

/** A bundle whose seal, digests and data are in order. */
interface Opened {
  transfer: TransferData;
  agreement: Agreement;
  /** Digest per evidence id as the seal covers them. */
  digests: Record<string, string>;
  sealOwner: string;
  parts: Record<string, Buffer>;
  manifest: Buffer;
  signature: Buffer;
  filing: FilingProof | null;
}

interface Contents extends Opened {
  decision: RecognitionDecision;
  /** The decision's canonical bytes, and their digest. */
  decisionJson: Buffer;
  report: Digest;
}

/** A step's document whose seal and digests are in order, and which says what the message says. */
interface Paper {
  content: Buffer;
  type: string;
  manifest: Buffer;
  signature: Buffer;
  filing: FilingProof | null;
}

/** What the transaction decides for one delivery. The receipt is fetched once the log has the entry. */
type Decided =
  | { status: 'STATUS_RETRY'; code: ErrorCode; expectedSeq?: number }
  | { status: Settled; code: string; log: LogRef };
type Settled = 'STATUS_RECEIVED' | 'STATUS_REFUSED';
/** An entry written before, or the position among those written now. */
type LogRef = { id: number } | { appended: number };

interface Writes {
  events: LogEvent[];
  inbox: (Omit<TakenEnvelope, 'logId'> & { appended: number })[];
  transfers: TransferRow[];
  /** Transfers that were here before. */
  changed: Set<TransferRow>;
  evidence: EvidenceRow[];
  /** Items that a new version leaves out, or takes in again. */
  versioned: Set<EvidenceRow>;
  bundles: BundleRow[];
  documents: DocumentRow[];
}

/**
 * The inbound path, for a batch of deliveries of one authenticated peer, in the order of their chain.
 *
 * What survives a crash: before the commit nothing was taken and the peer has no receipt; it delivers again. After the
 * commit the envelope, its transfer and its log entry are there together; the peer, still without a receipt, delivers
 * again and gets the proof of that same entry.
 */
export class ReceiveEnvelope {
  constructor(private readonly context: ReceiveContext) {}

  async receive(peer: string, deliveries: readonly Delivery__Output[]): Promise<Outcome[]> {
    const { db, audit } = this.context;
    // 1 openEnvelope (agreement, certificate, signature); 3 evaluateRecognition: before anything is locked
    const opened = deliveries.map((delivery) => this.check(peer, delivery));
    const transfers = opened.flatMap(({ contents }) => (contents ? [contents.transfer] : []));
    const taken = await db.read((tx) => numbersTaken(tx, { direction: 'in', peer }, transfers));
    const checked = await Promise.all(
      opened.map(async (one) => ({ ...one, contents: one.contents && (await this.judge(one.contents, taken)) })),
    );
    step('receive', '3-checked');

    const { decided, ids } = await db.transaction(async (tx) => {
      const writes: Writes = {
        ...{ events: [], inbox: [], transfers: [], evidence: [], bundles: [], documents: [] },
        ...{ changed: new Set(), versioned: new Set() },
      };
      // One moment for the step and for the log entry that proves it: both sides will have it from the receipt.
      const at = this.context.now();
      const result = await this.decide(tx, peer, checked, writes, at);
      // 4 one transaction: save + inbox + appendAuditEvent
      const appended = await audit.append(tx, writes.events, at);
      await save(tx, this.context.personal, writes, appended);
      await this.syncClocks(tx, peer, writes, at);
      step('receive', '4-before-commit');
      return { decided: result, ids: appended };
    });
    step('receive', '4-after-commit');

    // 5 log integrates, receipt = proof
    const logIds = decided.map((outcome) => {
      if (outcome.status === 'STATUS_RETRY') return null;
      return 'id' in outcome.log ? outcome.log.id : ids[outcome.log.appended]!;
    });
    const receipts = await audit.integrated(logIds.filter((id) => id !== null));
    const proofs = new Map(receipts.map((receipt) => [receipt.id, receipt.proof]));
    step('receive', '5-proven');
    return decided.map((outcome, i) => {
      if (outcome.status === 'STATUS_RETRY') return outcome;
      return { status: outcome.status, code: outcome.code, receipt: proofs.get(logIds[i]!)! };
    });
  }

  private async syncClocks(tx: Tx, peer: string, { transfers, changed }: Writes, at: Date): Promise<void> {
    const { agreements, clocks, node } = this.context;
    const agreement = agreements.currentWith(peer, at);
    const terms = agreement && recognitionAgreement(agreement);
    const rows = [...transfers, ...changed];
    const replicas = rows.map((row) => ({ life: lifeOf(row), clockRows: clockRowsOf(terms, row, node) }));
    await clocks.sync(tx, replicas, at.toISOString());
  }

  /** Everything that can be said of a delivery from its bytes and the agreements. Hostile until this has passed. */
  private check(peer: string, delivery: Delivery__Output): Checked<Opened> {
    const checked: Checked<Opened> = {
      digest: digestOf(Buffer.from(delivery.envelope)),
      envelope: null,
      message: null,
      contents: null,
      paper: null,
      refusal: null,
      authentic: false,
    };
    try {
      const envelope = parseEnvelope(delivery.envelope);
      checked.envelope = envelope;
      if (envelope.claims.iss !== peer)
        throw new GatewayError('ENVELOPE_WRONG_ISSUER', { issuer: envelope.claims.iss });
      const { agreements, crls } = this.context;
      const { claims } = envelope;
      const now = this.context.now();
      verifyEnvelope(envelope, agreements.trustUnder(claims.agreement), now);
      checked.authentic = envelope.claims.aud === this.context.node;
      step('receive', '1-opened');
      checkFreshness(claims, this.context.node, now);
      const agreement = agreements.judge(claims.agreement, new Date(claims.iat * 1000));
      const { anchors } = trustedParty(agreement.trust, peer)!;
      if (!crls.fresh(anchors, now)) throw new GatewayError('REVOCATION_STALE', { peer });
      if (claims.kind !== 'test') checked.message = openMessage(claims);
      if (claims.kind === 'transfer')
        checked.contents = this.openContents(claims, agreement, delivery, checked.message!);
      if (claims.kind === 'state') checked.paper = this.openPaper(claims, delivery, checked.message!);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // Signed with a key that has been revoked since, and handed over by the peer itself: not taken, but it is the
      // peer's next envelope, or the chain could never go on.
      if (error.params.problem === 'REVOKED' && checked.envelope?.claims.aud === this.context.node) {
        checked.authentic = true;
      }
      checked.refusal = error.code;
    }
    return checked;
  }

  private async judge(opened: Opened, numbersTaken: ReadonlySet<string>): Promise<Contents> {
    const { catalogue, now, sameAct } = this.context;
    const { agreement, digests, sealOwner, transfer } = opened;
    const own = await sameAct.find(transfer, { transfer: transfer.id, ownOnly: true });
    const decision = evaluateRecognition({
      transfer,
      agreement: recognitionAgreement(agreement),
      manifest: digests,
      at: now().toISOString(),
      catalogue: catalogue(),
      registers: registersOf(numbersTaken.has(transfer.id), { owner: sealOwner, valid: true }, own),
    });
    const decisionJson = canonicalJson(decision);
    return { ...opened, decision, decisionJson, report: digestOf(decisionJson) };
  }

  private openContents(
    claims: TransferClaims,
    agreement: Agreement,
    delivery: Delivery__Output,
    message: StateMessage,
  ): Opened {
    const { agreements, now } = this.context;
    // By the date of issue: what was on its way when the powers passed still counts.
    for (const node of [claims.iss, claims.aud])
      agreements.mustHavePowers(agreement, node, new Date(claims.iat * 1000));
    if (!claims.bundle) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'none' });
    // Its bytes were refused when they were announced: without this the envelope would wait for them until it expires.
    this.context.intake.mustFit(claims.bundle.files);
    if (digestOf(delivery.manifest) !== claims.bundle.manifest) throw new GatewayError('BUNDLE_DIGEST_MISMATCH', {});
    const refs = parseManifest(delivery.manifest);
    const signer = checkSeal(delivery, claims, agreements.trustUnder(claims.agreement), now());
    const parts = inlineParts(refs, delivery, [transferPart, custodyPart, recognitionPart]);
    const transfer = parseTransferData(parts[transferPart]!);
    mustMatchEnvelope(transfer, claims);
    mustMatchMessage(transfer, parts, claims, message);
    const digests = checkEvidence(refs, transfer, claims, Object.keys(parts).length);
    const { manifest, signature } = delivery;
    const owner = sealOwner(signer, agreement, claims.iss);
    const filing = this.filingIn(parts, claims, message);
    return { transfer, agreement, digests, sealOwner: owner, parts, manifest, signature, filing };
  }

  /** What proves the filing that a message states: there if it states one, and only then. */
  private filingIn(
    parts: Record<string, Buffer>,
    claims: TransferClaims | StateClaims,
    { data }: StateMessage,
  ): FilingProof | null {
    const bytes = parts[filingPart];
    if ((bytes === undefined) !== (data.filing === undefined)) {
      throw new GatewayError('BUNDLE_FILE_MISSING', { part: filingPart });
    }
    if (!bytes || !data.filing) return null;
    const { trust } = this.context.agreements.underRef(claims.agreement);
    return readFiling(bytes, data.filing, claims.iss, trustedParty(trust, claims.iss)!.logVkey);
  }

  /** The document that goes with a step; which type it has to be depends on the transfer, and is asked later. */
  private openPaper(claims: StateClaims, delivery: Delivery__Output, message: StateMessage): Paper | null {
    if (!claims.bundle) {
      if (message.data.document !== undefined) throw new GatewayError('BUNDLE_FILE_MISSING', { part: documentPart });
      return null;
    }
    const { agreements, now } = this.context;
    const { manifest, signature } = delivery;
    if (digestOf(manifest) !== claims.bundle.manifest) throw new GatewayError('BUNDLE_DIGEST_MISMATCH', {});
    const refs = parseManifest(manifest);
    checkSeal(delivery, claims, agreements.trustUnder(claims.agreement), now());
    const parts = inlineParts(refs, delivery, [documentPart]);
    if (refs.length !== Object.keys(parts).length) {
      throw new GatewayError('BUNDLE_MALFORMED', { reason: 'file-without-data' });
    }
    const content = parts[documentPart]!;
    const { type } = readDocument(content, message, claims.iss, claims.aud);
    const filing = this.filingIn(parts, claims, message);
    return { content, type, manifest, signature, filing };
  }

  private async decide(
    tx: Tx,
    peer: string,
    checked: readonly Checked[],
    writes: Writes,
    at: Date,
  ): Promise<Decided[]> {
    const { db, intake } = this.context;
    const lane = await lockChain(tx, db.dialect, peer, 'in');
    const jtis = checked.flatMap(({ envelope }) => (envelope ? [envelope.claims.jti] : []));
    const known = new Map<string, { digest: Digest; refusal: ErrorCode | null; log: LogRef }>();
    for (const row of await takenBefore(tx, jtis)) {
      known.set(row.jti, { digest: row.digest, refusal: row.refusal, log: { id: row.logId } });
    }
    const bundles = checked.flatMap(({ envelope }) => (envelope?.claims.bundle ? [envelope.claims.bundle] : []));
    const arrived = await intake.arrived(tx, peer, bundles);
    const cases = await existingCases(tx, db.dialect, checked);
    const start = lane.seq;
    const decided: Decided[] = [];
    for (const delivery of checked) {
      const outcome = this.decideOne(peer, delivery, { lane, known, arrived, cases, writes, at });
      decided.push(outcome);
      if (outcome.status === 'STATUS_RETRY') break; // the chain stops here; what follows waits for it
    }
    while (decided.length < checked.length) decided.push(decided.at(-1)!);
    if (lane.seq !== start) await moveChain(tx, peer, 'in', lane);
    // Also for what was received before: a sender that did not hear of it has announced the files once more.
    const received = checked.filter((_, i) => decided[i]!.status === 'STATUS_RECEIVED');
    const files = received.flatMap(({ envelope }) => envelope?.claims.bundle?.files ?? []);
    await intake.claimed(tx, peer, [...new Set(files.map((file) => file.digest))]);
    return decided;
  }

  private decideOne(peer: string, delivery: Checked, state: DecisionState): Decided {
    const { lane, known, arrived, writes, at } = state;
    const claims = delivery.envelope?.claims ?? null;
    // 2 known envelope: the original receipt again, whatever has become of its agreement and its signer since
    const before = claims?.iss === peer ? known.get(claims.jti) : undefined;
    if (before?.digest === delivery.digest) {
      if (before.refusal) return { status: 'STATUS_REFUSED', code: before.refusal, log: before.log };
      return { status: 'STATUS_RECEIVED', code: '', log: before.log };
    }
    if (delivery.refusal && passing.has(delivery.refusal)) {
      writes.events.push(refusedEvent(peer, delivery, delivery.refusal));
      return { status: 'STATUS_RETRY', code: delivery.refusal };
    }
    if (!claims || !delivery.authentic) return refuse(writes, peer, delivery, delivery.refusal ?? 'ENVELOPE_MALFORMED');
    if (before) return refuse(writes, peer, delivery, 'ENVELOPE_ALTERED');
    if (claims.seq <= lane.seq) return refuse(writes, peer, delivery, 'ENVELOPE_CHAIN_BROKEN');
    if (claims.seq !== lane.seq + 1) {
      writes.events.push(refusedEvent(peer, delivery, 'ENVELOPE_SEQ_GAP'));
      return { status: 'STATUS_RETRY', code: 'ENVELOPE_SEQ_GAP', expectedSeq: lane.seq + 1 };
    }
    if (claims.prev !== lane.digest) return refuse(writes, peer, delivery, 'ENVELOPE_CHAIN_BROKEN');

    let refusal = delivery.refusal;
    const { contents } = delivery;
    const files = contents ? (claims.bundle?.files ?? []) : [];
    if (!files.every((file) => arrived.has(file.digest))) return { status: 'STATUS_RETRY', code: 'BLOB_MISSING' };
    if (files.some((file) => arrived.get(file.digest)!.bytes !== file.bytes)) refusal = 'LENGTH_MISMATCH';

    const log = { appended: writes.events.length };
    if (!refusal && claims.kind === 'test') {
      writes.events.push(testedEvent(peer, delivery));
    } else if (!refusal && claims.kind !== 'test' && delivery.message) {
      const outcome = this.hear(peer, claims, delivery, state);
      if (outcome === 'later') {
        writes.events.push(refusedEvent(peer, delivery, 'MESSAGE_OUT_OF_TURN'));
        return { status: 'STATUS_RETRY', code: 'MESSAGE_OUT_OF_TURN' };
      }
      refusal = outcome;
    } else {
      refusal ??= 'INTERNAL';
      writes.events.push(refusedEvent(peer, delivery, refusal));
    }
    lane.seq = claims.seq;
    lane.digest = delivery.digest;
    known.set(claims.jti, { digest: delivery.digest, refusal, log });
    writes.inbox.push({
      jti: claims.jti,
      peer,
      seq: claims.seq,
      envelope: compact(delivery.envelope!),
      digest: delivery.digest,
      refusal,
      receivedAt: at.toISOString(),
      appended: log.appended,
    });
    return refusal ? { status: 'STATUS_REFUSED', code: refusal, log } : { status: 'STATUS_RECEIVED', code: '', log };
  }

  /**
   * Takes a message of casework into this side's replica of the transfer's life, with what it brings.
   * @returns null when it was taken, why it never will be, or `later` when something of the peer's has to come first
   */
  private hear(
    peer: string,
    claims: TransferClaims | StateClaims,
    delivery: Checked,
    state: DecisionState,
  ): ErrorCode | 'later' | null {
    const { cases, writes, at } = state;
    const message = delivery.message!;
    const known = cases.get(claims.transfer);
    const refuseFor = (code: ErrorCode, reason: string): ErrorCode => {
      const { command, transfer } = message;
      writes.events.push(refusedEvent(peer, delivery, code));
      writes.events.push({ event: 'command.refused', subject: { command, person: null, reason, transfer } });
      return code;
    };
    if (known && !isParty(known.row, peer, claims, message)) return refuseFor('MESSAGE_REFUSED', 'another-transfer');
    if (!known && !(delivery.contents && isSending(message))) return refuseFor('MESSAGE_REFUSED', 'unknown-transfer');
    const row = known?.row ?? newRow(peer, claims, delivery.contents!, at);
    const { kind, side } = lifeOf(row);
    const wanted = documentTypeOf(message.command, message.from, kind);
    if (delivery.paper && delivery.paper.type !== wanted) return refuseFor('MESSAGE_REFUSED', 'document-type');

    const result = receive(lifeOf(row), message);
    if (isRefusal(result)) {
      // The receipt for our own sending is still on its way into the database; until then the peer's first word waits.
      const waits = side === 'sender' && lifeOf(row).pending.some(isSending);
      if (result.code === 'OUT_OF_TURN' && waits) return 'later';
      return refuseFor('MESSAGE_REFUSED', result.code);
    }
    const changedItem = known && delivery.contents ? changedFile(known.evidence, delivery.contents.transfer) : null;
    if (changedItem) return refuseFor('BUNDLE_MALFORMED', 'evidence-changed');

    writes.events.push(receivedEvent(peer, delivery, claims));
    // Known already, in another envelope: nothing comes of it.
    if (result.life === lifeOf(row)) return null;
    const told = { transfer: row.id, person: null, document: message.data.document, envelope: delivery.digest };
    writes.events.push(...lifeLogEvents(result.events, told));
    setLife(row, result.life);
    if (known) {
      row.version++;
      row.updatedAt = at.toISOString();
      writes.changed.add(row);
    } else {
      cases.set(row.id, { row, evidence: [] });
      writes.transfers.push(row);
    }
    if (delivery.contents) this.takeBundle(claims as TransferClaims, delivery.contents, cases.get(row.id)!, state);
    if (delivery.paper) {
      const { content, manifest, signature, filing } = delivery.paper;
      const about = { transferId: row.id, type: wanted!, side: message.from, content, createdAt: at.toISOString() };
      const sealed = { manifest, signature, digest: digestOf(manifest) };
      writes.documents.push(documentRow(about, sealed, filing));
    }
    if (isSending(message)) this.deliver(row, message, delivery.digest, state);
    return null;
  }

  /** The receipt says it to the peer: the node has taken the transfer in. */
  private deliver(row: TransferRow, message: StateMessage, envelope: Digest, { writes, at }: DecisionState): void {
    const context = {
      actor: nodeActor,
      at: at.toISOString(),
      messageId: deliveryId(message.id),
      facts: noFacts,
    };
    const delivered = apply(lifeOf(row), 'deliver', {}, context);
    if (isRefusal(delivered)) throw new GatewayError('INTERNAL', { reason: 'not-deliverable', code: delivered.code });
    setLife(row, delivered.life);
    writes.events.push(...lifeLogEvents(delivered.events, { transfer: row.id, person: null, envelope }));
  }

  /** A bundle, the first or a new version: what stood in the one before is kept beside it. */
  private takeBundle(
    claims: TransferClaims,
    contents: Contents,
    known: { row: TransferRow; evidence: EvidenceRow[] },
    { arrived, writes, at }: DecisionState,
  ): void {
    const { random } = this.context;
    const { row } = known;
    const createdAt = at.toISOString();
    const { transfer } = contents;
    const digest = claims.bundle!.manifest;
    Object.assign(row, {
      number: transfer.number,
      title: transfer.cause,
      bundleDigest: digest,
      jti: claims.jti,
      recognition: contents.decisionJson.toString(),
      decisions: stillDecided(row, contents),
    } satisfies Partial<TransferRow>);
    writes.bundles.push({
      digest,
      transferId: row.id,
      manifest: contents.manifest,
      signature: contents.signature,
      transferJson: contents.parts[transferPart]!,
      custodyJson: contents.parts[custodyPart]!,
      recognitionJson: contents.parts[recognitionPart]!,
      filing: contents.filing,
      createdAt,
    });
    const before = versionsOf(lifeOf(row).agreed).length - 1;
    const current = new Set(transfer.evidence.map(({ seq }) => seq));
    for (const item of known.evidence) {
      const lastVersion = current.has(item.seq) ? null : (item.lastVersion ?? before);
      if (lastVersion !== item.lastVersion) writes.versioned.add(Object.assign(item, { lastVersion }));
    }
    const there = new Set(known.evidence.map(({ seq }) => seq));
    for (const item of transfer.evidence.filter(({ seq }) => !there.has(seq))) {
      const taken: EvidenceRow = {
        // The sender's ids may collide with ours, by chance or on purpose; they stay inside the bundle's data.
        id: uuidv7(at.getTime(), random(10)),
        transferId: row.id,
        seq: item.seq,
        fileName: item.fileName,
        mediaType: item.mediaType,
        bytes: item.bytes,
        digest: item.digest,
        crc32: arrived.get(item.digest)!.crc32,
        data: null,
        firstHashAt: item.firstHashAt,
        lastVersion: null,
        createdAt,
      };
      known.evidence.push(taken);
      writes.evidence.push(taken);
    }
  }
}

function newRow(peer: string, claims: TransferClaims | StateClaims, { transfer }: Contents, at: Date): TransferRow {
  const createdAt = at.toISOString();
  const { kind, number, cause, urgency } = transfer;
  const life = newLife({ transfer: claims.transfer, kind, urgent: urgency === 'urgent', side: 'receiver' });
  return {
    id: claims.transfer,
    direction: 'in',
    kind,
    dossierId: claims.dossier,
    number,
    title: cause,
    peer,
    state: 'SENT',
    delivery: 'received',
    refusal: null,
    version: 1,
    data: null,
    recognition: null,
    bundleDigest: null,
    jti: claims.jti,
    lastJti: null,
    life,
    acknowledged: null,
    decisions: null,
    findings: null,
    authorId: null,
    unit: null,
    createdAt,
    updatedAt: createdAt,
  };
}

/** Whether the transfer is one between this node and that peer, and the peer speaks for the side that it is on. */
function isParty(
  row: TransferRow,
  peer: string,
  claims: TransferClaims | StateClaims,
  { from }: StateMessage,
): boolean {
  const side = row.direction === 'in' ? 'sender' : 'receiver';
  return row.life !== null && row.peer === peer && row.dossierId === claims.dossier && from === side;
}

/** Under a number that an item has had, there can only be that item: it is left out, or it stays as it is. */
function changedFile(evidence: readonly EvidenceRow[], transfer: TransferData): boolean {
  const held = new Map(evidence.map((item) => [item.seq, item]));
  return transfer.evidence.some(({ seq, digest, fileName }) => {
    const item = held.get(seq);
    return item !== undefined && (item.digest !== digest || item.fileName !== fileName);
  });
}

/** What was decided on an item stands for as long as the item is stated as it was. */
function stillDecided({ decisions }: TransferRow, { transfer }: Contents): TransferRow['decisions'] {
  if (!decisions) return null;
  const stated = new Map(transfer.evidence.map((item) => [item.id, digestOf(canonicalJson(item))]));
  return Object.fromEntries(Object.entries(decisions).filter(([id, { item }]) => stated.get(id) === item));
}

/** What an envelope says, in the form of casework, about the transfer and by the side that the envelope names. */
function openMessage(claims: TransferClaims | StateClaims): StateMessage {
  const value: unknown = claims.body.message;
  const fault = messageFault(value);
  if (fault) throw new GatewayError('MESSAGE_REFUSED', fault);
  const message = value as StateMessage;
  const brings = claims.kind === 'transfer';
  if (message.transfer !== claims.transfer || isBundleCommand(message.command) !== brings) {
    throw new GatewayError('MESSAGE_REFUSED', { reason: 'message-differs-from-envelope' });
  }
  return message;
}

/** Reasons that pass: an agreement not imported here yet, a clock that is ahead, a revocation list that is to come. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'AGREEMENT_UNKNOWN_VERSION',
  'ENVELOPE_FROM_FUTURE',
  'REVOCATION_STALE',
]);

interface DecisionState {
  lane: ChainEnd;
  known: Map<string, { digest: Digest; refusal: ErrorCode | null; log: LogRef }>;
  arrived: ReadonlyMap<Digest, ArrivedBlob>;
  /** Transfers that are here already, locked, with all their evidence where a new version comes. */
  cases: Map<string, { row: TransferRow; evidence: EvidenceRow[] }>;
  writes: Writes;
  at: Date;
}

/** A bundle that comes today may have been sealed today: a revocation counts up to now, whatever date the seal states. */
function checkSeal(
  delivery: Delivery__Output,
  claims: TransferClaims | StateClaims,
  trust: Trust,
  now: Date,
): Certificate {
  const { anchors } = trustedParty(trust, claims.iss)!;
  const issuedAt = new Date(claims.iat * 1000);
  const { manifest, signature } = delivery;
  const revocation = { crls: trust.crls, at: now };
  const seal = verifySeal(manifest, signature, anchors, issuedAt, sealUrn(claims.iss), revocation);
  if (seal.problem) throw new GatewayError('BUNDLE_SIGNER_UNKNOWN', { problem: seal.problem.code });
  if (seal.signingTime.getTime() > issuedAt.getTime() + clockSkewMs) {
    throw new GatewayError('BUNDLE_MALFORMED', { reason: 'signed-after-the-envelope' });
  }
  return seal.signer;
}

/** The small parts, each exactly once, each as the sealed manifest says. */
function inlineParts(
  refs: readonly BundleFileRef[],
  delivery: Delivery__Output,
  needed: readonly string[],
): Record<string, Buffer> {
  const expected = [...needed, filingPart];
  const parts: Record<string, Buffer> = {};
  for (const { name, content } of delivery.parts) {
    if (!expected.includes(name) || parts[name]) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'part' });
    if (refs.find((ref) => ref.name === name)?.digest !== digestOf(content)) {
      throw new GatewayError('BUNDLE_DIGEST_MISMATCH', { part: name });
    }
    parts[name] = content;
  }
  const missing = needed.find((name) => !parts[name]);
  if (missing) throw new GatewayError('BUNDLE_FILE_MISSING', { part: missing });
  return parts;
}

function mustMatchEnvelope(transfer: TransferData, claims: TransferClaims): void {
  const same =
    transfer.id === claims.transfer &&
    transfer.dossier === claims.dossier &&
    transfer.kind === claims.body.transferKind &&
    transfer.number === claims.body.number &&
    transfer.from.node === claims.iss &&
    transfer.to.node === claims.aud;
  if (!same) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'data-differs-from-envelope' });
}

/** What the message says of the bundle is what the bundle is. */
function mustMatchMessage(
  transfer: TransferData,
  parts: Record<string, Buffer>,
  claims: TransferClaims,
  { data }: StateMessage,
): void {
  const same =
    data.bundle === claims.bundle!.manifest &&
    data.document === digestOf(parts[transferPart]!) &&
    data.content === contentDigest(transfer) &&
    (data.number === undefined || data.number === transfer.number);
  if (!same) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'data-differs-from-message' });
}

/** Manifest, case data and envelope must speak of the same files. Returns the digest per evidence id for rule R06. */
function checkEvidence(
  refs: readonly BundleFileRef[],
  transfer: TransferData,
  claims: TransferClaims,
  inline: number,
): Record<string, string> {
  const files = new Map(refs.map((ref) => [ref.name, ref]));
  const announced = new Map(claims.bundle!.files.map((file) => [file.digest, file.bytes]));
  const malformed = (reason: string): GatewayError => new GatewayError('BUNDLE_MALFORMED', { reason });
  const digests: Record<string, string> = {};
  const used = new Set<Digest>();
  for (const item of transfer.evidence) {
    const ref = files.get(evidencePath(item.fileName));
    if (!ref) throw new GatewayError('BUNDLE_FILE_MISSING', { evidence: item.id });
    if (ref.digest !== item.digest || ref.mediaType !== item.mediaType) throw malformed('data-differs-from-manifest');
    if (announced.get(ref.digest) !== item.bytes) throw malformed('evidence-not-announced');
    digests[item.id] = ref.digest;
    used.add(ref.digest);
  }
  if (refs.length !== transfer.evidence.length + inline) throw malformed('file-without-data');
  if (used.size !== announced.size || announced.size !== claims.bundle!.files.length)
    throw malformed('files-announced');
  return digests;
}

async function existingCases(
  tx: Tx,
  dialect: Database['dialect'],
  checked: readonly Checked[],
): Promise<DecisionState['cases']> {
  const ids = checked.flatMap(({ message }) => (message ? [message.transfer] : []));
  if (ids.length === 0) return new Map();
  const rows = await tx.find(TransferRow, { where: { id: In(ids) }, ...lockForUpdate(dialect) });
  const cases = new Map(rows.map((row) => [row.id, { row, evidence: [] as EvidenceRow[] }]));
  const renewed = checked.flatMap(({ contents }) =>
    contents && cases.has(contents.transfer.id) ? [contents.transfer.id] : [],
  );
  if (renewed.length > 0) {
    for (const item of await tx.findBy(EvidenceRow, { transferId: In(renewed) })) {
      cases.get(item.transferId)!.evidence.push(item);
    }
  }
  return cases;
}

async function save(tx: Tx, personal: PersonalData, writes: Writes, ids: readonly number[]): Promise<void> {
  await keepTaken(
    tx,
    writes.inbox.map(({ appended, ...row }) => ({ ...row, logId: ids[appended]! })),
  );
  await insertRows(tx, TransferRow, writes.transfers);
  await saveCases(tx, [...writes.changed]);
  const bundles = writes.bundles.map((bundle) => personal.sealedBundle(bundle));
  await insertRows(tx, BundleRow, bundles);
  await insertRows(tx, EvidenceRow, writes.evidence);
  const versioned = [...writes.versioned].map(({ id, lastVersion }) => ({ id, last_version: lastVersion }));
  await updateRows(tx, 'evidence', 'id', versioned);
  await insertRows(tx, DocumentRow, writes.documents);
}

/** A refusal that takes no place in the chain: the envelope is not, or not provably, the next one of this peer. */
function refuse(writes: Writes, peer: string, delivery: Checked, code: ErrorCode): Decided {
  writes.events.push(refusedEvent(peer, delivery, code));
  return { status: 'STATUS_REFUSED', code, log: { appended: writes.events.length - 1 } };
}

function refusedEvent(peer: string, delivery: Checked, code: ErrorCode): LogEvent {
  const claims = delivery.envelope?.claims;
  return {
    event: 'envelope.refused',
    subject: { code, envelope: delivery.digest, jti: claims?.jti ?? null, peer, seq: claims?.seq ?? null },
  };
}

function testedEvent(peer: string, { digest, envelope }: Checked): LogEvent {
  const { agreement, jti, seq } = envelope!.claims;
  return { event: 'envelope.tested', subject: { agreement, envelope: digest, jti, peer, seq } };
}

function receivedEvent(peer: string, delivery: Checked, claims: TransferClaims | StateClaims): LogEvent {
  const { contents } = delivery;
  return {
    event: 'envelope.received',
    subject: {
      agreement: claims.agreement,
      degree: 'verified',
      dossier: claims.dossier,
      envelope: delivery.digest,
      jti: claims.jti,
      kind: claims.kind,
      manifest: claims.bundle?.manifest ?? null,
      outcome: contents?.decision.outcome ?? null,
      peer,
      report: contents?.report ?? null,
      seq: claims.seq,
      transfer: claims.transfer,
    },
  };
}

function compact(envelope: Envelope): string {
  return `${envelope.signature.input}.${envelope.signature.bytes.toString('base64url')}`;
}
