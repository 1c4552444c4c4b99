import { type Permission, type Person, requirePermission, requireSight } from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import { type Agreement, canonicalJson, type Digest, digestOf, GatewayError, uuidv7 } from '@jieqiao/core';
import { type AgreementBook, lockChain, moveChain, queueEnvelopes } from '@jieqiao/delivery';
import { type Database, insertRows, type KeyRing, lockForUpdate, step, type Tx } from '@jieqiao/platform';
import {
  type Findings,
  parseTransferData,
  type RecognitionLevel,
  type TransferClock,
  type TransferData,
} from '@jieqiao/recognition';
import { IsNull } from 'typeorm';
import { composeTransfer, partyOf, recognitionAgreement } from './bundle-contents';
import type { Clocks } from './clocks';
import type { DocumentNumbers } from './document-numbers';
import { documentRow, documentTypeOf, makeDocument, type StepDocument, sealDocument } from './documents';
import { nextEnvelope, wholeSecond } from './envelopes';
import type { Evaluation } from './evaluation';
import { actorOf, factsOf, mayBeSent, needsRules } from './facts';
import type { FilingProof } from './filing-tables';
import {
  accepted,
  clockRowsOf,
  lifeLogEvents,
  lifeOf,
  mustBeTheirs,
  nodeActor,
  noFacts,
  refusalEvents,
  saveCases,
  setLife,
} from './life-rows';
import { isNumberedType } from './number-patterns';
import type { PersonalData } from './personal-data';
import type { SameAct, SameActFindings } from './same-act';
import { fingerprint, isBundleCommand, isRepeated } from './send-transfer';
import { matterOf } from './sight';
import { BundleRow, DocumentRow, EvidenceRow, IdempotencyRow, type ItemDecision, TransferRow } from './tables';
import { type Applied, apply, isRefusal, stateIn } from './transfer/apply';
import type { CommandData, StateMessage } from './transfer/command-data';
import { type Command, letterOf, type Transition } from './transfer/lifecycle';

export interface CommandRequest {
  person: Person;
  transferId: string;
  command: Command;
  data: CommandData;
  /** What proves the filing that the data state. */
  filing: FilingProof | null;
  /** Who else has filed about the same act, by those who were asked just now; null where it is not asked. */
  sameAct: SameActFindings | null;
  /** With `submit`: rules whose request for supplements the officer has seen. */
  acknowledge: readonly string[];
  ifVersion: number | null;
  idempotencyKey: string;
}

export interface CaseworkContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  node: string;
  keys: () => KeyRing;
  envelopeLifetime: number;
  evaluation: Evaluation;
  personal: PersonalData;
  clocks: Clocks;
  numbers: DocumentNumbers;
  sameAct: SameAct;
  legalReviewOfLeads: boolean;
  returnCodes: (day: string) => readonly string[];
  wake(peer: string): void;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** A transfer as a command meets it. */
interface Case {
  row: TransferRow;
  agreement: Agreement;
  /** As it was sealed last, or as the draft stands; null where a step does not look at it. */
  transfer: TransferData | null;
  evidence: EvidenceRow[];
}

/**
 * Commands of this node's own people that bring no bundle: opinions and approvals at home, and everything that the two
 * sides tell each other about a transfer.
 *
 * What survives a crash: before the commit nothing has happened and nobody was told; the document that was made is
 * nowhere. After it the step, its document, its log entries and the envelope that tells of it are there together, and
 * the lane delivers; the answer may be lost, and the same Idempotency-Key gives it again.
 */
export class Casework {
  constructor(private readonly context: CaseworkContext) {}

  /**
   * @returns false when this key has done it before
   * @throws GatewayError FORBIDDEN, NOT_FOUND, COMMAND_REFUSED, PRECONDITION_FAILED, IDEMPOTENCY_KEY_REUSED,
   * ACKNOWLEDGEMENT_REQUIRED, RECOGNITION_BLOCKED, AGREEMENT_*, CERTIFICATE_REFUSED
   */
  async command(request: CommandRequest): Promise<boolean> {
    requirePermission(request.person, 'transfer.command');
    const { db, audit } = this.context;
    try {
      const peer = await db.transaction((tx) => this.commandIn(tx, request));
      step('command', 'after-commit');
      if (peer === undefined) return false;
      if (peer !== null) this.context.wake(peer);
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // The refusal is on record although nothing else of the transaction is.
      const events = refusalEvents(error, request.command, request.person, request.transferId);
      if (events.length > 0) await db.transaction((tx) => audit.append(tx, events));
      throw error;
    }
  }

  /** @returns the peer that is told, null if nobody is, undefined when this key has done it before */
  private async commandIn(tx: Tx, request: CommandRequest): Promise<string | null | undefined> {
    // 1 permission and state
    const { db, now, random, agreements, node } = this.context;
    const { person, command, transferId } = request;
    // The lock first: of two requests with one key the second one waits here, and then sees what the first has done.
    const row = await tx.findOne(TransferRow, { where: { id: transferId }, ...lockForUpdate(db.dialect) });
    if (await doneBefore(tx, request)) return undefined;
    const at = now();
    if (!row) throw new GatewayError('NOT_FOUND', { what: 'transfer' });
    requireSight(person, 'transfer.command', matterOf(row));
    if (request.ifVersion !== null && request.ifVersion !== row.version) {
      throw new GatewayError('PRECONDITION_FAILED', { version: row.version });
    }
    const life = lifeOf(row);
    const found = mustBeTheirs(command, life, person);
    const matter = await this.load(tx, row, agreements.current(row.peer, wholeSecond(at)), at);
    step('command', '1-permitted');

    // 2 evaluateRecognition, where a guard asks for it
    if (needsRules(command, life) && !request.sameAct) throw new GatewayError('INTERNAL', { reason: 'not-asked' });
    const { sameAct } = request;
    const decision = sameAct && (await this.context.evaluation.decide(tx, { ...matter, at, sameAct }));

    // 3 document, command, envelope
    const createdAt = at.toISOString();
    const type = documentTypeOf(command, life.side, life.kind);
    const about = { ...found, type, command, person, at: createdAt, data: request.data };
    const content = type === null ? null : makeDocument(this.documentAbout(matter, { ...about, type }));
    const document = content && digestOf(content);
    const clockRows = clockRowsOf(recognitionAgreement(matter.agreement), row, node);
    const acknowledged = [...request.acknowledge, ...(row.acknowledged ?? [])];
    const result = apply(life, command, document ? { ...request.data, document } : request.data, {
      actor: actorOf(person),
      at: createdAt,
      messageId: uuidv7(at.getTime(), random(10)),
      facts: factsOf({
        row,
        command,
        transfer: matter.transfer,
        decision,
        acknowledged,
        legalReview: this.context.legalReviewOfLeads,
        ownCase: ownCaseOf(request, node),
        returnCodes: this.context.returnCodes(createdAt),
      }),
      clockRows,
    });
    // Where nothing but the rules stands against it, the officer learns which, and may say of some that they were seen.
    if (decision && isRefusal(result) && result.code === 'rules-pass') mayBeSent(decision, row.peer, acknowledged);
    const applied = accepted(result, command);
    if (command === 'submit') await this.takeNumber(tx, row, person);
    const envelope = await this.queue(tx, matter, applied, content, request.filing, at);

    // 4 one transaction: save + appendAuditEvent + outbox
    if (command === 'submit') row.acknowledged = [...request.acknowledge];
    await this.saveStep(tx, row, applied, clockRows, createdAt);
    if (content && type && envelope === null) {
      const home = { transferId, type, side: life.side, content, createdAt };
      await insertRows(tx, DocumentRow, [documentRow(home, null)]);
    }
    const done = {
      personId: person.id,
      key: request.idempotencyKey,
      request: fingerprint(request),
      transferId,
      createdAt,
    };
    await insertRows(tx, IdempotencyRow, [done]);
    const told = { transfer: transferId, person: person.id, document, envelope };
    await this.context.audit.append(tx, lifeLogEvents(applied.events, told));
    step('command', 'before-commit');
    return envelope === null ? null : row.peer;
  }

  /**
   * What the receiver's legal reviewer decides on items of evidence, before the transfer is accepted. Other than the rules
   * propose, it needs a reason. It goes to the sender, sealed, with the acceptance.
   * @throws GatewayError FORBIDDEN, NOT_FOUND, WRONG_STATE, PRECONDITION_FAILED, VALIDATION_FAILED {errors}
   */
  async decideItems(
    person: Person,
    id: string,
    decisions: readonly { evidence: string; level: RecognitionLevel; reason?: string }[],
    ifVersion: number | null,
  ): Promise<void> {
    const { agreements, now, audit, evaluation } = this.context;
    await this.change(person, 'evidence.decide', id, ifVersion, async (tx, row) => {
      const state = stateIn(lifeOf(row));
      if (state !== 'RECEIVED' && state !== 'ACCEPTED') throw new GatewayError('WRONG_STATE', { state });
      const at = now();
      const matter = await this.load(tx, row, agreements.current(row.peer, wholeSecond(at)), at);
      const decision = await evaluation.decide(tx, { ...matter, at, sameAct: noFilings });
      const proposals = new Map(decision.proposals.map((each) => [each.evidence, each.proposed]));
      const stated = new Map(matter.transfer.evidence.map((item) => [item.id, digestOf(canonicalJson(item))]));
      const errors = decisions.flatMap(({ evidence, level, reason }, i) => {
        const proposed = proposals.get(evidence);
        if (proposed === undefined) return [`/decisions/${i}/evidence unknown`];
        return level !== proposed && !reason ? [`/decisions/${i}/reason required`] : [];
      });
      if (errors.length > 0) throw new GatewayError('VALIDATION_FAILED', { errors });
      const made = decisions.map(({ evidence, level, reason }) => {
        const by = { person: person.id, at: at.toISOString() };
        const decision: ItemDecision = { item: stated.get(evidence)!, level, ...by, ...(reason ? { reason } : {}) };
        return [evidence, decision] as const;
      });
      row.decisions = { ...row.decisions, ...Object.fromEntries(made) };
      const digest = digestOf(canonicalJson(row.decisions));
      await audit.append(tx, {
        event: 'recognition.decided',
        subject: { decisions: digest, person: person.id, transfer: id },
      });
    });
  }

  /**
   * What the receiver has found itself: what was weighed, ordered and checked again. The rules read it from now on, in
   * place of what was recorded before.
   * @throws GatewayError FORBIDDEN, NOT_FOUND, PRECONDITION_FAILED
   */
  async recordFindings(person: Person, id: string, findings: Findings, ifVersion: number | null): Promise<void> {
    await this.change(person, 'transfer.findings', id, ifVersion, async (tx, row) => {
      row.findings = findings as Record<string, unknown>;
      const subject = { findings: digestOf(canonicalJson(findings)), person: person.id, transfer: id };
      await this.context.audit.append(tx, { event: 'findings.recorded', subject });
    });
  }

  /**
   * The feedback's time has run out without a word of the sender's: the node closes the transfer. Nothing happens where
   * that is not so, or no longer.
   */
  async closeBySilence(transferId: string): Promise<void> {
    const { db, agreements, audit, node, now, random } = this.context;
    const peer = await db.transaction(async (tx) => {
      const row = await tx.findOne(TransferRow, { where: { id: transferId }, ...lockForUpdate(db.dialect) });
      if (row?.direction !== 'in') return null;
      const at = now();
      const agreement = agreements.current(row.peer, wholeSecond(at));
      const clockRows = clockRowsOf(recognitionAgreement(agreement), row, node);
      const messageId = uuidv7(at.getTime(), random(10));
      const context = { actor: nodeActor, at: at.toISOString(), messageId, facts: noFacts, clockRows };
      const applied = apply(lifeOf(row), 'close-by-silence', {}, context);
      if (isRefusal(applied)) return null;
      const matter = { row, agreement, transfer: null, evidence: [] };
      const envelope = await this.queue(tx, matter, applied, null, null, at);
      await this.saveStep(tx, row, applied, clockRows, context.at);
      await audit.append(tx, lifeLogEvents(applied.events, { transfer: transferId, person: null, envelope }));
      return row.peer;
    });
    if (peer !== null) this.context.wake(peer);
  }

  private async saveStep(
    tx: Tx,
    row: TransferRow,
    { life }: Applied,
    clockRows: readonly TransferClock[],
    at: string,
  ): Promise<void> {
    setLife(row, life);
    row.version++;
    row.updatedAt = at;
    await saveCases(tx, [row]);
    await this.context.clocks.sync(tx, [{ life, clockRows }], at);
  }

  /** From here on the number is this transfer's, or it is refused: a letter on its way to the seal has its own. */
  private async takeNumber(tx: Tx, { id, kind, number }: TransferRow, person: Person): Promise<void> {
    const type = letterOf[kind];
    if (isNumberedType(type))
      await this.context.numbers.takeNumber(tx, number, { type, transfer: id, person: person.id });
  }

  /**
   * Sends a message of this side again in a new envelope, with the document that went with it: the first one was refused
   * and the message stands. Within the transaction of whoever calls, who saves the row.
   */
  async sendAgain(tx: Tx, row: TransferRow, message: StateMessage): Promise<void> {
    const { agreements, now } = this.context;
    const at = now();
    const agreement = agreements.current(row.peer, wholeSecond(at));
    const { document } = message.data;
    const sealed = document ? await tx.findOneByOrFail(DocumentRow, { digest: document }) : null;
    await this.enqueue(tx, { row, message, manifest: sealed?.manifestDigest ?? null, agreement, at });
  }

  /** Changes what this side notes about a transfer that it has received. */
  private async change(
    person: Person,
    permission: Permission,
    id: string,
    ifVersion: number | null,
    work: (tx: Tx, row: TransferRow) => Promise<void>,
  ): Promise<void> {
    requirePermission(person, permission);
    const { db, now } = this.context;
    await db.transaction(async (tx) => {
      const row = await tx.findOne(TransferRow, { where: { id }, ...lockForUpdate(db.dialect) });
      if (row?.direction !== 'in') throw new GatewayError('NOT_FOUND', { what: 'transfer' });
      requireSight(person, permission, matterOf(row));
      if (ifVersion !== null && ifVersion !== row.version) {
        throw new GatewayError('PRECONDITION_FAILED', { version: row.version });
      }
      await work(tx, row);
      row.version++;
      row.updatedAt = now().toISOString();
      await saveCases(tx, [row]);
    });
  }

  /** The transfer as it was sealed last, or as the draft stands. */
  async load(tx: Tx, row: TransferRow, agreement: Agreement, at: Date): Promise<Case & { transfer: TransferData }> {
    const where = { transferId: row.id, lastVersion: IsNull() };
    const evidence = await tx.find(EvidenceRow, { where, order: { seq: 'ASC' } });
    const draft = row.direction === 'out' && lifeOf(row).home.path !== null;
    if (!draft && row.bundleDigest) {
      const stored = await tx.findOneByOrFail(BundleRow, { digest: row.bundleDigest });
      const bundle = this.context.personal.openedBundle(stored);
      return { row, agreement, transfer: parseTransferData(bundle.transferJson), evidence };
    }
    const held = await this.context.personal.heldBy(tx, [row.id]);
    const transfer = composeTransfer(row, evidence, agreement, this.context.node, held, at);
    return { row, agreement, transfer, evidence };
  }

  /**
   * Asks this node's register and the peers who else has filed about the same act, before a command that depends on it.
   * Not within a transaction: peers take their time.
   * @returns null where the command does not depend on it
   */
  async askAround(transferId: string, command: Command): Promise<SameActFindings | null> {
    const { db, agreements, now, sameAct } = this.context;
    const transfer = await db.read(async (tx) => {
      const row = await tx.findOneBy(TransferRow, { id: transferId });
      if (!row?.life || !(isBundleCommand(command) || needsRules(command, row.life))) return null;
      const at = now();
      return (await this.load(tx, row, agreements.current(row.peer, wholeSecond(at)), at)).transfer;
    });
    return transfer && sameAct.find(transfer, { transfer: transferId, fresh: true });
  }

  private documentAbout(
    { row, agreement, transfer }: Case,
    about: {
      row: Transition;
      role: string;
      type: StepDocument['type'];
      command: Command;
      person: Person;
      at: string;
      data: CommandData;
    },
  ) {
    const { type, command, role, person, at, data } = about;
    const signatory = (node: string) => ({ node, authority: partyOf(agreement, node).authority });
    // After a provisional acceptance they go with the approval.
    const deciding = ['accept', 'take-over', 'approve-afterwards'].includes(command) && row.direction === 'in';
    const decided = deciding && row.decisions !== null;
    const decisions = (transfer?.evidence ?? []).map(({ id }) => {
      const { level, reason = null } = row.decisions?.[id] ?? { level: 'REFUSED' as const };
      return { evidence: id, level, reason };
    });
    return {
      ...{ type, command, role, person, at, data },
      transfer: row.id,
      dossier: row.dossierId,
      number: row.number,
      from: signatory(this.context.node),
      to: about.row.message ? signatory(row.peer) : null,
      decisions: decided ? decisions : null,
    };
  }

  /** Seals the document, signs the envelope and queues it; null when the step stays at home. */
  private async queue(
    tx: Tx,
    { row, agreement }: Case,
    applied: Applied,
    content: Buffer | null,
    filing: FilingProof | null,
    at: Date,
  ): Promise<Digest | null> {
    const [message] = applied.messages;
    if (!message) return null;
    let manifest = null;
    if (content) {
      const seal = this.context.keys().seal(agreement, wholeSecond(at));
      const sealed = sealDocument(content, filing, seal, at);
      const type = documentTypeOf(message.command, message.from, row.kind)!;
      const about = { transferId: row.id, type, side: message.from, content, createdAt: at.toISOString() };
      await insertRows(tx, DocumentRow, [documentRow(about, sealed, filing)]);
      manifest = sealed.digest;
    }
    return this.enqueue(tx, { row, message, manifest, agreement, at });
  }

  /** Signs the next envelope to the peer and queues it. The row says so; whoever calls saves it. */
  private async enqueue(
    tx: Tx,
    about: { row: TransferRow; message: StateMessage; manifest: Digest | null; agreement: Agreement; at: Date },
  ): Promise<Digest> {
    const { row, manifest, ...said } = about;
    const bundle = manifest && { manifest, files: [] };
    const end = await lockChain(tx, this.context.db.dialect, row.peer, 'out');
    const queued = nextEnvelope(this.context, end, { row, bundle, brings: null, ...said });
    await moveChain(tx, row.peer, 'out', end);
    await queueEnvelopes(tx, [queued]);
    Object.assign(row, { lastJti: queued.jti, delivery: 'queued', refusal: null } satisfies Partial<TransferRow>);
    return queued.digest;
  }
}

const noFilings: SameActFindings = { filings: [], unanswered: [] };

/** The case that this authority has about the act, if the command names it. */
function ownCaseOf({ data, sameAct }: CommandRequest, node: string): string | null {
  const own = sameAct?.filings.find((filing) => filing.node === node && filing.number === data.filing?.number);
  return own?.number ?? null;
}

async function doneBefore(tx: Tx, request: CommandRequest): Promise<boolean> {
  const { person, idempotencyKey } = request;
  const done = await tx.findOneBy(IdempotencyRow, { personId: person.id, key: idempotencyKey });
  return isRepeated(request, done);
}
