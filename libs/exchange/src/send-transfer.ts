import { type Person, requirePermission, requireSight } from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import {
  canonicalJson,
  type Digest,
  digestOf,
  GatewayError,
  type LogEvent,
  type SealedBundle,
  sealBundle,
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
import {
  type CatalogueSet,
  evaluateRecognition,
  type RecognitionDecision,
  type TransferClock,
  type TransferData,
} from '@jieqiao/recognition';
import { In, IsNull } from 'typeorm';
import {
  announcedFiles,
  bundleFiles,
  composeTransfer,
  contentDigest,
  custodyPart,
  digestsById,
  recognitionAgreement,
  recognitionPart,
  transferPart,
} from './bundle-contents';
import type { Clocks } from './clocks';
import { nextEnvelope, wholeSecond } from './envelopes';
import { actorOf, factsOf, mayBeSent, rulesAgainst } from './facts';
import type { FilingProof } from './filing-tables';
import { accepted, clockRowsOf, lifeLogEvents, lifeOf, mustBeTheirs, refusalEvents, setLife } from './life-rows';
import type { HeldData, PersonalData } from './personal-data';
import { numbersTaken, registersOf, sealOwner } from './registers';
import type { SameActFindings } from './same-act';
import { matterOf } from './sight';
import { BundleRow, EvidenceRow, IdempotencyRow, TransferRow } from './tables';
import { apply, type LifeEvent } from './transfer/apply';
import type { CommandData } from './transfer/command-data';
import type { Command } from './transfer/lifecycle';

/** Commands that hand a bundle over: the transfer itself, or a new version of it. */
export const bundleCommands = ['send', 'send-urgent', 'answer-supplement', 'replace-items'] as const;
export type BundleCommand = (typeof bundleCommands)[number];

export function isBundleCommand(command: Command): command is BundleCommand {
  return (bundleCommands as readonly Command[]).includes(command);
}

export interface SendRequest {
  person: Person;
  transferId: string;
  command: BundleCommand;
  /** What the person gives with the command; the node adds document, bundle, content and number. */
  data: CommandData;
  /** What proves the sender's own filing, where the data state one. */
  filing: FilingProof | null;
  /** Who else has filed about the same act, by those who were asked just now. */
  sameAct: SameActFindings;
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
  clocks: Clocks;
  node: string;
  /** This node's keys as they are now. */
  keys: () => KeyRing;
  /** What the rules look items, powers and laws up in. */
  catalogue: () => CatalogueSet;
  /** How long the peer may take to accept an envelope, seconds. */
  envelopeLifetime: number;
  /** Whether leads, too, have a legal review before they leave. */
  legalReviewOfLeads: boolean;
  returnCodes: (day: string) => readonly string[];
  wake(peer: string): void;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** All that one send writes. */
export interface Sent {
  done: IdempotencyRow;
  row: TransferRow;
  evidence: EvidenceRow[];
  outbox: QueuedEnvelope;
  /** Opened. */
  bundle: BundleRow;
  events: LifeEvent[];
  document: Digest;
  clockRows: readonly TransferClock[];
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
   * @throws GatewayError FORBIDDEN, NOT_FOUND, COMMAND_REFUSED, PRECONDITION_FAILED, IDEMPOTENCY_KEY_REUSED,
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
      const refused: LogEvent[] = [];
      for (const request of requests) {
        try {
          const done = await this.sendOne(tx, request, stored, lanes);
          if (done) sent.push(done);
          results.push({ status: 'fulfilled', value: done });
        } catch (reason) {
          // A refusal of one request is no reason to hold up the others; a failure of the database is.
          if (!(reason instanceof GatewayError)) throw reason;
          refused.push(...refusalEvents(reason, request.command, request.person, request.transferId));
          results.push({ status: 'rejected', reason });
        }
      }
      // 4 one transaction: save + appendAuditEvent + outbox
      await save(tx, this.context.personal, sent, lanes);
      const replicas = sent.map(({ row, clockRows }) => ({ life: lifeOf(row), clockRows }));
      await this.context.clocks.sync(tx, replicas, this.context.now().toISOString());
      step('send', '4-saved');
      await this.context.audit.append(tx, [...sent.flatMap(sentEvents), ...refused]);
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
    const { person, command } = request;
    requirePermission(person, 'transfer.command');
    if (isRepeated(request, stored.done.get(doneKey(person, request.idempotencyKey)))) return null;
    const row = stored.transfers.get(request.transferId);
    if (row?.direction !== 'out') throw new GatewayError('NOT_FOUND', { what: 'transfer' });
    requireSight(person, 'transfer.command', matterOf(row));
    if (request.ifVersion !== null && request.ifVersion !== row.version) {
      throw new GatewayError('PRECONDITION_FAILED', { version: row.version });
    }
    mustBeTheirs(command, lifeOf(row), person);
    step('send', '1-permitted');

    // 2 evaluateRecognition
    const { node, now, random, agreements, keys, catalogue, legalReviewOfLeads, returnCodes } = this.context;
    const at = now();
    const issuedAt = wholeSecond(at);
    const agreement = agreements.current(row.peer, issuedAt);
    for (const party of [node, row.peer]) agreements.mustHavePowers(agreement, party, issuedAt);
    const evidence = stored.evidence.get(row.id) ?? [];
    const transfer = composeTransfer(row, evidence, agreement, node, stored.held, at);
    const terms = recognitionAgreement(agreement);
    // An expired certificate is found here, where the administrator can act, not at the peer, where the chain would stop.
    const seal = keys().seal(agreement, issuedAt);
    const owner = sealOwner(seal.certificate, agreement, node);
    const decision = evaluateRecognition({
      transfer,
      agreement: terms,
      manifest: digestsById(evidence),
      at: at.toISOString(),
      catalogue: catalogue(),
      registers: registersOf(stored.numberTaken.has(row.id), { owner, valid: true }, request.sameAct),
    });
    const acknowledged = [...request.acknowledge, ...(row.acknowledged ?? [])];
    if (isSending(command)) mayBeSent(decision, row.peer, acknowledged);
    else mayBeSupplemented(decision, row.peer);
    step('send', '2-evaluated');

    // 3 seal bundle, signEnvelope
    const files = bundleFiles(transfer, decision, evidence, at.toISOString(), request.filing);
    const sealed = sealBundle(files, seal, at);
    const document = digestOf(part(files, transferPart));
    const life = lifeOf(row);
    const clockRows = clockRowsOf(terms, row, node);
    const facts = factsOf({
      row,
      command,
      transfer,
      decision,
      acknowledged,
      legalReview: legalReviewOfLeads,
      ownCase: null,
      returnCodes: returnCodes(at.toISOString()),
    });
    const applied = accepted(
      apply(
        life,
        command,
        { ...request.data, ...bundleData(command, row, transfer, sealed, document) },
        {
          actor: actorOf(person),
          at: at.toISOString(),
          messageId: uuidv7(at.getTime(), random(10)),
          facts,
          clockRows,
        },
      ),
      command,
    );
    const lane = lanes.get(row.peer) ?? (await lockChain(tx, this.context.db.dialect, row.peer, 'out'));
    lanes.set(row.peer, lane);
    const outbox = nextEnvelope(this.context, lane, {
      row,
      message: applied.messages[0]!,
      bundle: { manifest: sealed.digest, files: announcedFiles(evidence) },
      brings: { transferKind: row.kind, number: row.number },
      agreement,
      at,
    });
    step('send', '3-signed');

    const createdAt = at.toISOString();
    setLife(row, applied.life);
    Object.assign(row, {
      delivery: 'queued',
      refusal: null,
      version: row.version + 1,
      bundleDigest: sealed.digest,
      jti: outbox.jti,
      lastJti: outbox.jti,
      updatedAt: createdAt,
    } satisfies Partial<TransferRow>);
    const done: IdempotencyRow = {
      personId: person.id,
      key: request.idempotencyKey,
      request: fingerprint(request),
      transferId: row.id,
      createdAt,
    };
    stored.done.set(doneKey(person, request.idempotencyKey), done);
    const bundle = bundleRow(row.id, sealed, files, request.filing, createdAt);
    return { done, row, evidence, outbox, bundle, events: applied.events, document, clockRows };
  }
}

interface Stored {
  transfers: Map<string, TransferRow>;
  evidence: Map<string, EvidenceRow[]>;
  held: HeldData;
  done: Map<string, IdempotencyRow>;
  numberTaken: ReadonlySet<string>;
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
    where: { transferId: In(ids), lastVersion: IsNull() },
    order: { transferId: 'ASC', seq: 'ASC' },
  });
  const done = await tx.findBy(IdempotencyRow, {
    personId: In([...new Set(requests.map((request) => request.person.id))]),
    key: In(keys),
  });
  const byTransfer = new Map<string, EvidenceRow[]>(ids.map((id) => [id, []]));
  for (const row of evidence) byTransfer.get(row.transferId)!.push(row);
  const inOrder = ids.flatMap((id) => transfers.find((row) => row.id === id && row.direction === 'out') ?? []);
  return {
    transfers: new Map(transfers.map((row) => [row.id, row])),
    evidence: byTransfer,
    held: await personal.heldBy(tx, ids),
    done: new Map(done.map((row) => [doneKey({ id: row.personId }, row.key), row])),
    numberTaken: await numbersTaken(tx, { direction: 'out' }, inOrder),
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
      last_jti: row.lastJti,
      life: JSON.stringify(row.life),
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

function sentEvents({ row, outbox, done, events, document }: Sent): LogEvent[] {
  const { id: transfer, dossierId: dossier, bundleDigest: manifest } = row;
  const { digest: envelope, jti, peer, seq } = outbox;
  return [
    { event: 'transfer.sent', subject: { dossier, envelope, jti, manifest, peer, seq, transfer } },
    ...lifeLogEvents(events, { transfer, person: done.personId, document, envelope }),
  ];
}

/** What the node knows better than the person who gives the command. */
function bundleData(
  command: BundleCommand,
  row: TransferRow,
  transfer: TransferData,
  sealed: SealedBundle,
  document: Digest,
): CommandData {
  const version = { document, bundle: sealed.digest, content: contentDigest(transfer) };
  return isSending(command) ? { ...version, number: row.number } : version;
}

function isSending(command: BundleCommand): boolean {
  return command === 'send' || command === 'send-urgent';
}

/** The receiver has asked for it and knows the rest; what may never leave does not leave with a supplement either. */
function mayBeSupplemented(decision: RecognitionDecision, peer: string): void {
  const rules = rulesAgainst(decision, 'answer-supplement', peer).filter((rule) => neverLeaves.includes(rule));
  if (rules.length > 0) throw new GatewayError('RECOGNITION_BLOCKED', { outcome: 'blocked', rules });
}
const neverLeaves: readonly string[] = ['R06', 'R16', 'R18', 'R19'];

function bundleRow(
  transferId: string,
  sealed: SealedBundle,
  files: readonly MadeFile[],
  filing: FilingProof | null,
  createdAt: string,
): BundleRow {
  return {
    digest: sealed.digest,
    transferId,
    manifest: sealed.manifest,
    signature: sealed.signature,
    transferJson: part(files, transferPart),
    custodyJson: part(files, custodyPart),
    recognitionJson: part(files, recognitionPart),
    filing,
    createdAt,
  };
}

type MadeFile = { name: string; content?: Buffer };

function part(files: readonly MadeFile[], name: string): Buffer {
  return files.find((file) => file.name === name)!.content!;
}

interface Repeatable {
  transferId: string;
  command: string;
  data: object;
  acknowledge: readonly string[];
}

/**
 * @param done what was done with the request's key before
 * @throws GatewayError IDEMPOTENCY_KEY_REUSED where it was another request: a mistake of the caller's
 */
export function isRepeated(request: Repeatable, done: IdempotencyRow | null | undefined): boolean {
  if (!done) return false;
  if (done.request !== fingerprint(request)) throw new GatewayError('IDEMPOTENCY_KEY_REUSED', {});
  return true;
}

/** What was asked for. */
export function fingerprint(request: Repeatable): Digest {
  const { transferId, command, data, acknowledge } = request;
  return digestOf(canonicalJson({ transferId, command, data, acknowledge: [...acknowledge].sort() }));
}

export function doneKey(person: { id: string }, key: string): string {
  return `${person.id} ${key}`;
}
