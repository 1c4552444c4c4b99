import { type Person, requirePermission } from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import {
  type Digest,
  digestOf,
  type EnvelopeClaims,
  GatewayError,
  type LogEvent,
  type SealedBundle,
  sealBundle,
  signEnvelope,
  uuidv7,
} from '@jieqiao/core';
import {
  type AgreementBook,
  type ChainEnd,
  lockChain,
  moveChain,
  type QueuedEnvelope,
  queueEnvelopes,
} from '@jieqiao/delivery';
import {
  Batcher,
  type Database,
  insertRows,
  type KeyRing,
  lockForUpdate,
  step,
  type Tx,
  updateRows,
} from '@jieqiao/platform';
import { evaluateRecognition, type RecognitionDecision } from '@jieqiao/recognition';
import { In } from 'typeorm';
import {
  announcedFiles,
  bundleFiles,
  composeTransfer,
  custodyPart,
  digestsById,
  recognitionAgreement,
  recognitionPart,
  transferPart,
} from './bundle-contents';
import type { HeldData, PersonalData } from './personal-data';
import { BundleRow, EvidenceRow, IdempotencyRow, TransferRow } from './tables';
import { transferAfter } from './transfer/transfer';

export interface SendRequest {
  person: Person;
  transferId: string;
  /** Rules whose request for supplements the sender has seen and sends in spite of. */
  acknowledge: readonly string[];
  /** The version that the sender has seen; null sends whatever stands. */
  ifVersion: number | null;
  idempotencyKey: string;
}

export interface SendContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  personal: PersonalData;
  node: string;
  /** This node's keys as they are now. */
  keys: () => KeyRing;
  /** How long the peer may take to accept an envelope, seconds. */
  envelopeLifetime: number;
  wake(peer: string): void;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** All that one send writes. */
export interface Sent {
  done: IdempotencyRow;
  row: TransferRow;
  evidence: EvidenceRow[];
  held: HeldData;
  outbox: QueuedEnvelope;
  /** Opened. */
  bundle: BundleRow;
}

const maxBatch = 64;

/**
 * The outbound path. Senders who come at the same time share one transaction, so one commit and one wait for the disk.
 *
 * What survives a crash: before the commit nothing was sent, nobody was told, and the draft stands. After it the
 * envelope is durable in the outbox and its lane delivers it; the answer to the sender may be lost, and the same
 * Idempotency-Key gives it again.
 */
export class SendTransfer {
  private readonly batcher = new Batcher<SendRequest, Sent | null>((requests) => this.sendBatch(requests), maxBatch);

  constructor(private readonly context: SendContext) {}

  /**
   * @returns what was written, or null when this key has done it before
   * @throws GatewayError FORBIDDEN, NOT_FOUND, WRONG_STATE, PRECONDITION_FAILED, IDEMPOTENCY_KEY_REUSED,
   * EVIDENCE_INCOMPLETE, VALIDATION_FAILED, AGREEMENT_*, AUTHORITY_SUCCEEDED, CERTIFICATE_REFUSED, RECOGNITION_BLOCKED,
   * ACKNOWLEDGEMENT_REQUIRED
   */
  send(request: SendRequest): Promise<Sent | null> {
    return this.batcher.add(request);
  }

  private async sendBatch(requests: SendRequest[]): Promise<PromiseSettledResult<Sent | null>[]> {
    const { results, peers } = await this.context.db.transaction(async (tx) => {
      const results: PromiseSettledResult<Sent | null>[] = [];
      const stored = await load(tx, this.context.db.dialect, this.context.personal, requests);
      const lanes = new Map<string, ChainEnd>();
      const sent: Sent[] = [];
      for (const request of requests) {
        try {
          const done = await this.sendOne(tx, request, stored, lanes);
          if (done) sent.push(done);
          results.push({ status: 'fulfilled', value: done });
        } catch (reason) {
          // A refusal of one request is no reason to hold up the others; a failure of the database is.
          if (!(reason instanceof GatewayError)) throw reason;
          results.push({ status: 'rejected', reason });
        }
      }
      // 4 one transaction: save + appendAuditEvent + outbox
      await save(tx, this.context.personal, sent, lanes);
      step('send', '4-saved');
      await this.context.audit.append(tx, sent.map(sentEvent));
      step('send', '4-before-commit');
      return { results, peers: new Set(sent.map(({ row }) => row.peer)) };
    });
    step('send', '4-after-commit');
    // 5 the lane delivers, the receipt is verified and kept
    for (const peer of peers) this.context.wake(peer);
    return results;
  }

  /** Prepares one send in memory; nothing of it is visible before the batch commits. Null for a repeated request. */
  private async sendOne(
    tx: Tx,
    request: SendRequest,
    stored: Stored,
    lanes: Map<string, ChainEnd>,
  ): Promise<Sent | null> {
    // 1 permission and state
    const { person } = request;
    requirePermission(person, 'transfer.send');
    if (alreadyDone(request, stored)) return null;
    const row = stored.transfers.get(request.transferId);
    if (row?.direction !== 'out') throw new GatewayError('NOT_FOUND', { what: 'transfer' });
    mustBeSenders(person, row);
    if (request.ifVersion !== null && request.ifVersion !== row.version) {
      throw new GatewayError('PRECONDITION_FAILED', { version: row.version });
    }
    const next = transferAfter(row.state, 'send');
    if (!next) throw new GatewayError('WRONG_STATE', { state: row.state, command: 'send' });
    step('send', '1-permitted');

    // 2 evaluateRecognition
    const { node, now, random, agreements, keys, envelopeLifetime } = this.context;
    const at = now();
    // The peer judges by the time in the envelope, which has whole seconds: so do we.
    const issuedAt = new Date(Math.floor(at.getTime() / 1000) * 1000);
    const agreement = agreements.current(row.peer, issuedAt);
    for (const party of [node, row.peer]) agreements.mustHavePowers(agreement, party, issuedAt);
    const evidence = stored.evidence.get(row.id) ?? [];
    const transfer = composeTransfer(row, evidence, agreement, node, stored.held, at);
    const decision = evaluateRecognition({
      transfer,
      agreement: recognitionAgreement(agreement),
      manifest: digestsById(evidence),
      at: at.toISOString(),
    });
    mayBeSent(decision, request.acknowledge);
    step('send', '2-evaluated');

    // 3 seal bundle, signEnvelope
    // An expired certificate is found here, where the administrator can act, not at the peer, where the chain would stop.
    const seal = keys().seal(agreement, issuedAt);
    const nodeSigner = keys().node(agreement, issuedAt);
    const files = bundleFiles(transfer, decision, evidence, at.toISOString());
    const sealed = sealBundle(files, seal, at);
    const lane = lanes.get(row.peer) ?? (await lockChain(tx, this.context.db.dialect, row.peer, 'out'));
    lanes.set(row.peer, lane);
    const claims: EnvelopeClaims = {
      iss: node,
      aud: row.peer,
      jti: uuidv7(at.getTime(), random(10)),
      iat: issuedAt.getTime() / 1000,
      exp: issuedAt.getTime() / 1000 + envelopeLifetime,
      kind: 'transfer',
      dossier: row.dossierId,
      transfer: row.id,
      seq: lane.seq + 1,
      prev: lane.digest,
      agreement: agreement.ref,
      bundle: { manifest: sealed.digest, files: announcedFiles(evidence) },
      body: { transferKind: row.kind, number: row.number },
    };
    const envelope = signEnvelope(claims, nodeSigner);
    step('send', '3-signed');

    lane.seq = claims.seq;
    lane.digest = digestOf(Buffer.from(envelope));
    const createdAt = at.toISOString();
    Object.assign(row, next, {
      refusal: null,
      version: row.version + 1,
      bundleDigest: sealed.digest,
      jti: claims.jti,
      updatedAt: createdAt,
    });
    const done: IdempotencyRow = {
      personId: person.id,
      key: request.idempotencyKey,
      request: fingerprint(request),
      transferId: row.id,
      createdAt,
    };
    stored.done.set(doneKey(person, request.idempotencyKey), done);
    return {
      done,
      row,
      evidence,
      held: stored.held,
      outbox: {
        jti: claims.jti,
        peer: row.peer,
        seq: claims.seq,
        transferId: row.id,
        envelope,
        digest: lane.digest,
        createdAt,
      },
      bundle: bundleRow(row.id, sealed, files, createdAt),
    };
  }
}

interface Stored {
  transfers: Map<string, TransferRow>;
  evidence: Map<string, EvidenceRow[]>;
  held: HeldData;
  done: Map<string, IdempotencyRow>;
}

async function load(
  tx: Tx,
  dialect: Database['dialect'],
  personal: PersonalData,
  requests: readonly SendRequest[],
): Promise<Stored> {
  const ids = [...new Set(requests.map((request) => request.transferId))];
  const keys = [...new Set(requests.map((request) => request.idempotencyKey))];
  const transfers = await tx.find(TransferRow, { where: { id: In(ids) }, ...lockForUpdate(dialect) });
  const evidence = await tx.find(EvidenceRow, {
    where: { transferId: In(ids) },
    order: { transferId: 'ASC', seq: 'ASC' },
  });
  const done = await tx.findBy(IdempotencyRow, {
    personId: In([...new Set(requests.map((request) => request.person.id))]),
    key: In(keys),
  });
  const byTransfer = new Map<string, EvidenceRow[]>(ids.map((id) => [id, []]));
  for (const row of evidence) byTransfer.get(row.transferId)!.push(row);
  return {
    transfers: new Map(transfers.map((row) => [row.id, row])),
    evidence: byTransfer,
    held: await personal.heldBy(tx, ids),
    done: new Map(done.map((row) => [doneKey({ id: row.personId }, row.key), row])),
  };
}

async function save(
  tx: Tx,
  personal: PersonalData,
  sent: readonly Sent[],
  lanes: ReadonlyMap<string, ChainEnd>,
): Promise<void> {
  if (sent.length === 0) return;
  await updateRows(
    tx,
    'transfer',
    'id',
    sent.map(({ row }) => ({
      id: row.id,
      state: row.state,
      delivery: row.delivery,
      refusal: row.refusal,
      version: row.version,
      bundle_digest: row.bundleDigest,
      jti: row.jti,
      updated_at: row.updatedAt,
    })),
  );
  await insertRows(
    tx,
    BundleRow,
    sent.map(({ bundle }) => personal.sealedBundle(bundle)),
  );
  await queueEnvelopes(
    tx,
    sent.map(({ outbox }) => outbox),
  );
  await insertRows(
    tx,
    IdempotencyRow,
    sent.map(({ done }) => done),
  );
  for (const [peer, end] of lanes) await moveChain(tx, peer, 'out', end);
}

function sentEvent({ row, outbox }: Sent): LogEvent {
  return {
    event: 'transfer.sent',
    subject: {
      dossier: row.dossierId,
      envelope: outbox.digest,
      jti: outbox.jti,
      manifest: row.bundleDigest,
      peer: row.peer,
      seq: outbox.seq,
      transfer: row.id,
    },
  };
}

function alreadyDone(request: SendRequest, stored: Stored): boolean {
  const done = stored.done.get(doneKey(request.person, request.idempotencyKey));
  if (!done) return false;
  if (done.request !== fingerprint(request)) throw new GatewayError('IDEMPOTENCY_KEY_REUSED', {});
  return true;
}

/** Until the approval steps exist: whoever wrote the draft, or who may send for the authority. */
function mustBeSenders(person: Person, row: TransferRow): void {
  const forAuthority = person.roles.includes('head') || person.roles.includes('seal-keeper');
  if (!forAuthority && row.authorId !== person.id) throw new GatewayError('FORBIDDEN', { permission: 'transfer.send' });
}

/** Blocked transfers never leave; those that lack something leave only when the sender has said so, rule by rule. */
function mayBeSent(decision: RecognitionDecision, acknowledged: readonly string[]): void {
  const rules = (result: string) => [
    ...new Set(decision.results.filter((entry) => entry.result === result).map((entry) => entry.rule)),
  ];
  if (decision.outcome === 'blocked' || decision.outcome === 'crime-track') {
    throw new GatewayError('RECOGNITION_BLOCKED', { outcome: decision.outcome, rules: rules('block') });
  }
  const open = rules('supplement').filter((rule) => !acknowledged.includes(rule));
  if (open.length > 0) throw new GatewayError('ACKNOWLEDGEMENT_REQUIRED', { rules: open });
}

function bundleRow(
  transferId: string,
  sealed: SealedBundle,
  files: { name: string; content?: Buffer }[],
  createdAt: string,
): BundleRow {
  const part = (name: string): Buffer => files.find((file) => file.name === name)!.content!;
  return {
    digest: sealed.digest,
    transferId,
    manifest: sealed.manifest,
    signature: sealed.signature,
    transferJson: part(transferPart),
    custodyJson: part(custodyPart),
    recognitionJson: part(recognitionPart),
    createdAt,
  };
}

function fingerprint(request: SendRequest): Digest {
  return digestOf(Buffer.from(JSON.stringify([request.transferId, [...request.acknowledge].sort()])));
}

function doneKey(person: { id: string }, key: string): string {
  return `${person.id} ${key}`;
}
