import type { AuditLog } from '@jieqiao/audit';
import {
  type Agreement,
  type BundleFileRef,
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
import { type Database, insertRows, step, type Tx } from '@jieqiao/platform';
import {
  evaluateRecognition,
  parseTransferData,
  type RecognitionDecision,
  type TransferData,
} from '@jieqiao/recognition';
import { In } from 'typeorm';
import { custodyPart, evidencePath, recognitionAgreement, recognitionPart, transferPart } from './bundle-contents';
import type { PersonalData } from './personal-data';
import { BundleRow, EvidenceRow, TransferRow } from './tables';

export interface ReceiveContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  crls: CrlBook;
  intake: BlobIntake;
  personal: PersonalData;
  node: string;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** A delivery as far as it could be read and checked without the database. */
interface Checked {
  digest: Digest;
  envelope: Envelope | null;
  /** Null when the delivery is to be refused for `refusal`, and of a test envelope, which brings nothing. */
  contents: Contents | null;
  refusal: ErrorCode | null;
  /** A refusal consumes the position in the chain only if the envelope is really the peer's. */
  authentic: boolean;
}

/** A bundle whose seal, digests and data are in order. */
interface Contents {
  transfer: TransferData;
  decision: RecognitionDecision;
  /** The decision's canonical bytes, and their digest. */
  decisionJson: Buffer;
  report: Digest;
  parts: Record<string, Buffer>;
  manifest: Buffer;
  signature: Buffer;
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
  evidence: EvidenceRow[];
  bundles: BundleRow[];
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
    // 1 openEnvelope (agreement, certificate, signature); 3 evaluateRecognition: all that needs no database
    const checked = deliveries.map((delivery) => this.check(peer, delivery));
    step('receive', '3-checked');

    const { decided, ids } = await db.transaction(async (tx) => {
      const writes: Writes = { events: [], inbox: [], transfers: [], evidence: [], bundles: [] };
      const result = await this.decide(tx, peer, checked, writes);
      // 4 one transaction: save + inbox + appendAuditEvent
      const appended = await audit.append(tx, writes.events);
      await save(tx, this.context.personal, writes, appended);
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

  /** Everything that can be said of a delivery from its bytes and the agreements. Hostile until this has passed. */
  private check(peer: string, delivery: Delivery__Output): Checked {
    const checked: Checked = {
      digest: digestOf(Buffer.from(delivery.envelope)),
      envelope: null,
      contents: null,
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
      if (claims.kind === 'transfer') checked.contents = this.openContents(claims, agreement, delivery);
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

  private openContents(claims: TransferClaims, agreement: Agreement, delivery: Delivery__Output): Contents {
    const { agreements, now } = this.context;
    // By the date of issue: what was on its way when the powers passed still counts.
    for (const node of [claims.iss, claims.aud])
      agreements.mustHavePowers(agreement, node, new Date(claims.iat * 1000));
    if (!claims.bundle) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'none' });
    // Its bytes were refused when they were announced: without this the envelope would wait for them until it expires.
    this.context.intake.mustFit(claims.bundle.files);
    if (digestOf(delivery.manifest) !== claims.bundle.manifest) throw new GatewayError('BUNDLE_DIGEST_MISMATCH', {});
    const refs = parseManifest(delivery.manifest);
    checkSeal(delivery, claims, agreements.trustUnder(claims.agreement), now());
    const parts = inlineParts(refs, delivery);
    const transfer = parseTransferData(parts[transferPart]!);
    mustMatchEnvelope(transfer, claims);
    const manifest = checkEvidence(refs, transfer, claims);
    const decision = evaluateRecognition({
      transfer,
      agreement: recognitionAgreement(agreement),
      manifest,
      at: now().toISOString(),
    });
    const { manifest: manifestBytes, signature } = delivery;
    const decisionJson = canonicalJson(decision);
    const report = digestOf(decisionJson);
    return { transfer, decision, decisionJson, report, parts, manifest: manifestBytes, signature };
  }

  private async decide(tx: Tx, peer: string, checked: readonly Checked[], writes: Writes): Promise<Decided[]> {
    const { db, intake } = this.context;
    const lane = await lockChain(tx, db.dialect, peer, 'in');
    const jtis = checked.flatMap(({ envelope }) => (envelope ? [envelope.claims.jti] : []));
    const known = new Map<string, { digest: Digest; refusal: ErrorCode | null; log: LogRef }>();
    for (const row of await takenBefore(tx, jtis)) {
      known.set(row.jti, { digest: row.digest, refusal: row.refusal, log: { id: row.logId } });
    }
    const bundles = checked.flatMap(({ envelope }) => (envelope?.claims.bundle ? [envelope.claims.bundle] : []));
    const arrived = await intake.arrived(tx, peer, bundles);
    const taken = await existingTransfers(tx, checked);
    const start = lane.seq;
    const decided: Decided[] = [];
    for (const delivery of checked) {
      const outcome = this.decideOne(peer, delivery, { lane, known, arrived, taken, writes });
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
    const { lane, known, arrived, taken, writes } = state;
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
    if (!refusal && claims.kind === 'transfer' && taken.has(claims.transfer)) refusal = 'WRONG_STATE';

    const log = { appended: writes.events.length };
    if (!refusal && claims.kind === 'test') {
      writes.events.push(testedEvent(peer, delivery));
    } else if (!refusal && claims.kind === 'transfer' && contents) {
      writes.events.push(receivedEvent(peer, delivery, claims, contents));
      this.take(peer, claims, contents, arrived, writes);
      taken.add(claims.transfer);
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
      receivedAt: this.context.now().toISOString(),
      appended: log.appended,
    });
    return refusal ? { status: 'STATUS_REFUSED', code: refusal, log } : { status: 'STATUS_RECEIVED', code: '', log };
  }

  private take(
    peer: string,
    claims: TransferClaims,
    contents: Contents,
    arrived: ReadonlyMap<Digest, ArrivedBlob>,
    writes: Writes,
  ): void {
    const { now, random } = this.context;
    const at = now();
    const createdAt = at.toISOString();
    const { transfer } = contents;
    writes.transfers.push({
      id: claims.transfer,
      direction: 'in',
      kind: transfer.kind,
      dossierId: claims.dossier,
      number: transfer.number,
      title: transfer.cause,
      peer,
      state: 'DELIVERED',
      delivery: 'received',
      refusal: null,
      version: 1,
      data: null,
      recognition: contents.decisionJson.toString(),
      bundleDigest: claims.bundle!.manifest,
      jti: claims.jti,
      authorId: null,
      unit: null,
      createdAt,
      updatedAt: createdAt,
    });
    writes.bundles.push({
      digest: claims.bundle!.manifest,
      transferId: claims.transfer,
      manifest: contents.manifest,
      signature: contents.signature,
      transferJson: contents.parts[transferPart]!,
      custodyJson: contents.parts[custodyPart]!,
      recognitionJson: contents.parts[recognitionPart]!,
      createdAt,
    });
    for (const item of transfer.evidence) {
      writes.evidence.push({
        // The sender's ids may collide with ours, by chance or on purpose; they stay inside the bundle's data.
        id: uuidv7(at.getTime(), random(10)),
        transferId: claims.transfer,
        seq: item.seq,
        fileName: item.fileName,
        mediaType: item.mediaType,
        bytes: item.bytes,
        digest: item.digest,
        crc32: arrived.get(item.digest)!.crc32,
        data: null,
        firstHashAt: item.firstHashAt,
        createdAt,
      });
    }
  }
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
  /** Transfers that are here already, so that their ids can't be taken again. */
  taken: Set<string>;
  writes: Writes;
}

/** A bundle that comes today may have been sealed today: a revocation counts up to now, whatever date the seal states. */
function checkSeal(delivery: Delivery__Output, claims: TransferClaims, trust: Trust, now: Date): void {
  const { anchors } = trustedParty(trust, claims.iss)!;
  const issuedAt = new Date(claims.iat * 1000);
  const { manifest, signature } = delivery;
  const revocation = { crls: trust.crls, at: now };
  const seal = verifySeal(manifest, signature, anchors, issuedAt, sealUrn(claims.iss), revocation);
  if (seal.problem) throw new GatewayError('BUNDLE_SIGNER_UNKNOWN', { problem: seal.problem.code });
  if (seal.signingTime.getTime() > issuedAt.getTime() + clockSkewMs) {
    throw new GatewayError('BUNDLE_MALFORMED', { reason: 'signed-after-the-envelope' });
  }
}

/** The small parts, each exactly once, each as the sealed manifest says. */
function inlineParts(refs: readonly BundleFileRef[], delivery: Delivery__Output): Record<string, Buffer> {
  const expected = [transferPart, custodyPart, recognitionPart];
  const parts: Record<string, Buffer> = {};
  for (const { name, content } of delivery.parts) {
    if (!expected.includes(name) || parts[name]) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'part' });
    if (refs.find((ref) => ref.name === name)?.digest !== digestOf(content)) {
      throw new GatewayError('BUNDLE_DIGEST_MISMATCH', { part: name });
    }
    parts[name] = content;
  }
  const missing = expected.find((name) => !parts[name]);
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

/** Manifest, case data and envelope must speak of the same files. Returns the digest per evidence id for rule R06. */
function checkEvidence(
  refs: readonly BundleFileRef[],
  transfer: TransferData,
  claims: TransferClaims,
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
  if (refs.length !== transfer.evidence.length + 3) throw malformed('file-without-data');
  if (used.size !== announced.size || announced.size !== claims.bundle!.files.length)
    throw malformed('files-announced');
  return digests;
}

async function existingTransfers(tx: Tx, checked: readonly Checked[]): Promise<Set<string>> {
  const ids = checked.flatMap(({ contents }) => (contents ? [contents.transfer.id] : []));
  if (ids.length === 0) return new Set();
  const rows = await tx.find(TransferRow, { where: { id: In(ids) }, select: { id: true } });
  return new Set(rows.map((row) => row.id));
}

async function save(tx: Tx, personal: PersonalData, writes: Writes, ids: readonly number[]): Promise<void> {
  await keepTaken(
    tx,
    writes.inbox.map(({ appended, ...row }) => ({ ...row, logId: ids[appended]! })),
  );
  await insertRows(tx, TransferRow, writes.transfers);
  const bundles = writes.bundles.map((bundle) => personal.sealedBundle(bundle));
  await insertRows(tx, BundleRow, bundles);
  await insertRows(tx, EvidenceRow, writes.evidence);
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

function receivedEvent(peer: string, delivery: Checked, claims: TransferClaims, contents: Contents): LogEvent {
  return {
    event: 'envelope.received',
    subject: {
      agreement: claims.agreement,
      degree: 'verified',
      dossier: claims.dossier,
      envelope: delivery.digest,
      jti: claims.jti,
      kind: claims.kind,
      manifest: claims.bundle!.manifest,
      outcome: contents.decision.outcome,
      peer,
      report: contents.report,
      seq: claims.seq,
      transfer: claims.transfer,
    },
  };
}

function compact(envelope: Envelope): string {
  return `${envelope.signature.input}.${envelope.signature.bytes.toString('base64url')}`;
}
