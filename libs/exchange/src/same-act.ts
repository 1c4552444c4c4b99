import { setImmediate } from 'node:timers/promises';
import type { AuditLog } from '@jieqiao/audit';
import { base64url, digestOf, type ErrorCode, GatewayError, hasCode, powersOf, trustedParty } from '@jieqiao/core';
import {
  type ActKey,
  ActQuestion,
  type AgreementBook,
  actKeyFor,
  actTag,
  type CompareActsRequest__Output,
  type CompareActsResponse,
  checkQuestion,
  comparisonLimits,
  evaluateBlinded,
  type FilingNotice,
  PeerConnection,
} from '@jieqiao/delivery';
import { type Database, insertRows, type KeyRing, lockName, type Tx } from '@jieqiao/platform';
import { type ActDescription, type ActElement, actOf, askedElements, filedElements } from '@jieqiao/recognition';
import { In } from 'typeorm';
import { recognitionAgreement } from './bundle-contents';
import { ActQuotaRow, FilingRow, FilingTagRow } from './filing-tables';
import { actFiled, type Filings, ownTag, saltOf } from './filings';
import { TransferRow } from './tables';

/** A case that some side has filed about the same act, perhaps: a person decides whether it is the same. */
export interface SameActFiling {
  node: string;
  number: string;
  /** Attested by that node's log, ISO-8601 UTC. */
  filedAt: string;
}

export interface SameActFindings {
  /** The first to file first (行政处罚法 §25). */
  filings: SameActFiling[];
  /** Peers of which it is not known, sorted. */
  unanswered: string[];
}

export interface SameActOptions {
  /** Filings that came of this transfer, or hand their case over by it, are no second filing. */
  transfer?: string;
  /** Only this node's own register: on receipt the peer waits for an answer, and peers are asked before anything is decided. */
  ownOnly?: boolean;
  /** Ask again, also what was answered a moment ago: where something is decided by it. */
  fresh?: boolean;
}

export interface SameActContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  filings: Filings;
  keys: () => KeyRing;
  /** `timeoutMs`: what a peer has to answer in. `elementsPerHour`: asked of one peer, and by one peer. */
  settings: { timeoutMs: number; elementsPerHour: number };
  now: () => Date;
  random: (bytes: number) => Buffer;
  warn: (message: string, details: Record<string, unknown>) => void;
}

/** What a peer answered, or null. */
type Answer = readonly FilingNotice[] | null;

const hourMs = 3_600_000;
/** Who looks at a draft again and again does not ask each time, nor wait for a peer that is away. */
const keptMs = 10_000;
const maxKept = 500;
/** How long a peer that asks waits for tags that were not made yet; their making goes on. */
const makingWaitMs = 2_000;
/** Filings whose tags are made in one transaction. */
const madeAtOnce = 16;
const maxAttempts = 3;

/**
 * Whether the same act has been filed already, here or at a peer (R15; 行政处罚法 §25, §29). Peers are asked by a protocol
 * that shows them nothing of the act, and tells this node nothing but the filings about it: docs/spec/same-act.md.
 */
export class SameAct {
  private readonly connections = new Map<string, PeerConnection>();
  private readonly kept = new Map<string, { until: number; answered: boolean; answer: Promise<Answer> }>();
  private readonly making = new Map<string, Promise<void>>();

  constructor(private readonly context: SameActContext) {}

  /**
   * This node's own register, and every peer under an agreement in force that has this family between the two.
   * @throws GatewayError VALIDATION_FAILED for times or places that are none
   */
  async find(description: ActDescription, options: SameActOptions = {}): Promise<SameActFindings> {
    const { agreements, now } = this.context;
    const act = actOf(description);
    const elements = askedElements(act);
    if (elements.length === 0) return { filings: [], unanswered: [] };
    const at = now();
    const peers = options.ownOnly
      ? []
      : agreements.peers(at).filter((peer) => this.familiesWith(peer, at).has(act.family));
    const [own, ...answers] = await Promise.all([
      this.own(elements, options.transfer),
      ...peers.map((peer) => this.answerOf(peer, elements, options.fresh ?? false)),
    ]);
    const filings = [...own];
    const unanswered: string[] = [];
    for (const [i, answer] of answers.entries()) {
      const node = peers[i]!;
      if (!answer) unanswered.push(node);
      for (const { number, filedAt, transfer } of answer ?? []) {
        if (transfer === '' || transfer !== options.transfer) filings.push({ node, number, filedAt });
      }
    }
    return { filings: filings.sort(byTime), unanswered };
  }

  /**
   * A peer's question. It is durable in the log before the peer gets anything of it.
   * @throws GatewayError LIMIT_EXCEEDED, VALIDATION_FAILED for what is malformed; AGREEMENT_MISSING {peer} without a
   *   direction between the two; TOO_MANY_REQUESTS; NOT_READY while tags are being made
   */
  async answer(peer: string, { months, blinded }: CompareActsRequest__Output): Promise<CompareActsResponse> {
    const { keys, filings, now, random } = this.context;
    checkQuestion(months, blinded);
    const families = [...this.familiesWith(peer, now())];
    if (families.length === 0) throw new GatewayError('AGREEMENT_MISSING', { peer });
    if (!(await this.charge(peer, 'in', blinded.length))) {
      throw new GatewayError('TOO_MANY_REQUESTS', { peer, limit: this.context.settings.elementsPerHour });
    }
    await filings.attestPending();
    const key = actKeyFor(keys().actSecret, peer);
    const tags = await this.allTags(peer, key, families, months);
    const { evaluated, proofs } = await evaluateBlinded(key, blinded, random);
    return { key: Buffer.from(key.publicKey), evaluated, proofs, tags };
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close();
    this.connections.clear();
  }

  private async own(elements: readonly ActElement[], except: string | undefined): Promise<SameActFiling[]> {
    const { db, agreements, filings } = this.context;
    const { node } = agreements;
    await filings.attestPending();
    const tags = elements.map(({ text }) => ownTag(text));
    const rows = await db.read(async (tx) => {
      const found = await tx.findBy(FilingTagRow, { owner: node, tag: In(tags) });
      const ids = [...new Set(found.map(({ filingId }) => filingId))];
      return ids.length === 0 ? [] : tx.findBy(FilingRow, { id: In(ids) });
    });
    return rows
      .filter((row) => standing(row) && (row.transferId === null || row.transferId !== except))
      .map(({ number, attestedAt }) => ({ node, number, filedAt: attestedAt! }));
  }

  /** What a peer answers about these elements; asked at most once at a time, and kept for a little. */
  private answerOf(peer: string, elements: readonly ActElement[], fresh: boolean): Promise<Answer> {
    const at = performance.now();
    const key = `${peer} ${digestOf(Buffer.from(JSON.stringify(elements)))}`;
    const known = this.kept.get(key);
    if (known && known.until > at && !(fresh && known.answered)) return known.answer;
    this.kept.delete(key);
    const [oldest] = this.kept.keys();
    if (oldest !== undefined && this.kept.size >= maxKept) this.kept.delete(oldest);
    const entry = { until: Number.POSITIVE_INFINITY, answered: false, answer: this.ask(peer, elements) };
    this.kept.set(key, entry);
    entry.answer.then(
      () => Object.assign(entry, { answered: true, until: performance.now() + keptMs }),
      () => this.kept.delete(key), // whoever waits for it hears of it
    );
    return entry.answer;
  }

  private async ask(peer: string, elements: readonly ActElement[]): Promise<Answer> {
    if (!(await this.charge(peer, 'out', elements.length))) {
      this.context.warn('same-act-not-asked', { peer, code: 'TOO_MANY_REQUESTS' });
      return null;
    }
    const { notices, code } = await this.heard(peer, elements);
    await this.log(peer, elements.length, notices?.length ?? 0, code);
    return notices;
  }

  /** Whatever keeps a peer from answering, it is no answer: never "none". */
  private async heard(
    peer: string,
    elements: readonly ActElement[],
  ): Promise<{ notices: Answer; code: ErrorCode | null }> {
    const { random, warn } = this.context;
    const question = await ActQuestion.about(elements, random);
    try {
      const answer = await this.connection(peer).client().compareActs(question.request);
      return { notices: await question.matches(answer), code: null };
    } catch (error) {
      if (!hasCode(error)) throw error;
      // A connection that failed would not try again before a pause of its own.
      if (hasCode(error, 'PEER_CERTIFICATE_REFUSED', 'PEER_UNREACHABLE')) this.connections.get(peer)?.close();
      warn('same-act-unanswered', { peer, error });
      return { notices: null, code: error.code };
    }
  }

  private connection(peer: string): PeerConnection {
    const { agreements, settings, now } = this.context;
    let connection = this.connections.get(peer);
    if (!connection) {
      connection = new PeerConnection(peer, agreements, settings.timeoutMs, now);
      this.connections.set(peer, connection);
    }
    return connection;
  }

  private async log(peer: string, elements: number, matches: number, code: ErrorCode | null): Promise<void> {
    const { db, audit } = this.context;
    const subject = { code, elements, matches, peer };
    await db.transaction((tx) => audit.append(tx, [{ event: 'acts.compared', subject }]));
  }

  /**
   * Counts a question against the hour's limit, and logs a peer's. In the database, so that neither a second process nor
   * a restart gives a peer more guesses.
   * @returns false when it is too much; the first refusal of an hour is logged
   */
  private async charge(peer: string, direction: 'in' | 'out', elements: number): Promise<boolean> {
    const { db, audit, settings, now } = this.context;
    const hour = new Date(Math.floor(now().getTime() / hourMs) * hourMs).toISOString();
    return db.transaction(async (tx) => {
      await lockName(tx, db.dialect, `acts:${direction}:${peer}`);
      const row = await tx.findOneBy(ActQuotaRow, { peer, direction });
      const used = row && row.hour >= hour ? row : { hour, elements: 0, refused: 0 };
      const allowed = used.elements + elements <= settings.elementsPerHour;
      const next = {
        peer,
        direction,
        hour: used.hour,
        elements: used.elements + (allowed ? elements : 0),
        refused: used.refused + (allowed ? 0 : 1),
      };
      if (row) await tx.update(ActQuotaRow, { peer, direction }, next);
      else await insertRows(tx, ActQuotaRow, [next]);
      if (direction === 'in' && (allowed || next.refused === 1)) {
        const code: ErrorCode | null = allowed ? null : 'TOO_MANY_REQUESTS';
        await audit.append(tx, [{ event: 'acts.asked', subject: { code, elements, peer } }]);
      }
      return allowed;
    });
  }

  /** The families for which an agreement in force has a direction between this node and a peer, either way. */
  private familiesWith(peer: string, at: Date): Set<string> {
    const { agreements } = this.context;
    const pair = [agreements.node, peer].sort().join();
    const families = new Set<string>();
    for (const agreement of agreements.inForce(at)) {
      if (!trustedParty(agreement.trust, peer)) continue;
      const holder = (node: string) => powersOf(agreement.trust, node, at)?.node ?? node;
      for (const direction of recognitionAgreement(agreement).terms.directions) {
        if ([holder(direction.from), holder(direction.to)].sort().join() !== pair) continue;
        for (const family of direction.families) families.add(family);
      }
    }
    return families;
  }

  /**
   * Makes the tags that a peer's question needs and that are not there: of new filings a few, after a change of keys all.
   * @throws GatewayError NOT_READY when that takes longer than a peer can wait
   */
  private async tagsMade(peer: string, key: ActKey, families: string[], months: readonly string[]): Promise<void> {
    const name = `${peer} ${key.id} ${months.join()}`;
    let making = this.making.get(name);
    if (!making) {
      making = this.makeTags(peer, key, families, months).finally(() => this.making.delete(name));
      this.making.set(name, making);
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new GatewayError('NOT_READY', { what: 'act-tags' })), makingWaitMs);
    });
    making.catch((error: unknown) => this.context.warn('act-tags-not-made', { peer, error }));
    await Promise.race([making, late]).finally(() => clearTimeout(timer));
  }

  private async makeTags(peer: string, key: ActKey, families: string[], months: readonly string[]): Promise<void> {
    const { db, random } = this.context;
    for (;;) {
      const rows = await db.read((tx) => this.withoutTags(tx, peer, key, families, months));
      if (rows.length === 0) return;
      const made: FilingTagRow[] = [];
      for (const { row, transfer } of rows) {
        const statement = digestOf(Buffer.from(row.statement));
        for (const { month, text } of filedElements(actFiled(row))) {
          await setImmediate();
          const salt = base64url(saltOf(row.saltKey, text));
          const notice: FilingNotice = { number: row.number, filedAt: row.attestedAt!, statement, salt, transfer };
          const { tag, sealed } = actTag(key, text, notice, random);
          made.push({ owner: peer, tag: tag.toString('hex'), filingId: row.id, keyId: key.id, month, sealed });
        }
      }
      await db.transaction(async (tx) => {
        // Another process may make the same: the later ones stand, and are as good.
        await lockName(tx, db.dialect, `act-tags:${peer}`);
        await tx.delete(FilingTagRow, { owner: peer, filingId: In(rows.map(({ row }) => row.id)) });
        await insertRows(tx, FilingTagRow, made);
      });
    }
  }

  /** Filings of these months whose tags for a peer are missing, or were made with another key. */
  private async withoutTags(
    tx: Tx,
    peer: string,
    key: ActKey,
    families: string[],
    months: readonly string[],
  ): Promise<{ row: FilingRow; transfer: string }[]> {
    const { node } = this.context.agreements;
    const rows = await tx
      .createQueryBuilder(FilingRow, 'f')
      .where('f.attestedAt IS NOT NULL AND f.family IN (:...families)', { families })
      .andWhere(
        `EXISTS (SELECT 1 FROM filing_tag o WHERE o.filing_id = f.id AND o.owner = :node AND o.month IN (:...months))`,
        { node, months },
      )
      .andWhere(
        `NOT EXISTS (SELECT 1 FROM filing_tag t WHERE t.filing_id = f.id AND t.owner = :peer AND t.key_id = :key)`,
        { peer, key: key.id },
      )
      .orderBy('f.id')
      .limit(madeAtOnce)
      .getMany();
    const ids = rows.flatMap(({ transferId }) => transferId ?? []);
    // Of a transfer to somebody else a peer hears nothing.
    const shared = ids.length === 0 ? [] : await tx.findBy(TransferRow, { id: In(ids), peer });
    const between = new Set(shared.map(({ id }) => id));
    return rows.map((row) => ({ row, transfer: row.transferId && between.has(row.transferId) ? row.transferId : '' }));
  }

  /**
   * All of them or none: a filing may just have come, or another process with a newer secret have put its tags in the
   * place of these, and what is missing would read as "not filed".
   * @throws GatewayError LIMIT_EXCEEDED, NOT_READY
   */
  private async allTags(
    peer: string,
    key: ActKey,
    families: string[],
    months: readonly string[],
  ): Promise<{ tag: Buffer; sealed: Buffer }[]> {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      await this.tagsMade(peer, key, families, months);
      const tags = await this.tagsFor(peer, key, families, months);
      if (tags) return tags;
    }
    throw new GatewayError('NOT_READY', { what: 'act-tags' });
  }

  /** Null when some are missing. @throws GatewayError LIMIT_EXCEEDED */
  private async tagsFor(
    peer: string,
    key: ActKey,
    families: string[],
    months: readonly string[],
  ): Promise<{ tag: Buffer; sealed: Buffer }[] | null> {
    const { tags: limit } = comparisonLimits;
    const { db } = this.context;
    const rows = await db.transaction(async (tx) => {
      await lockName(tx, db.dialect, `act-tags:${peer}`);
      const missing = await this.withoutTags(tx, peer, key, families, months);
      if (missing.length > 0) return null;
      return tx
        .createQueryBuilder(FilingTagRow, 't')
        .innerJoin(FilingRow, 'f', 'f.id = t.filingId')
        .where('t.owner = :peer AND t.keyId = :key AND t.month IN (:...months)', { peer, key: key.id, months })
        .andWhere('f.family IN (:...families)', { families })
        .andWhere(`(f.closedReason IS NULL OR f.closedReason = 'decided')`)
        .orderBy('t.tag')
        .limit(limit + 1)
        .getMany();
    });
    if (!rows) return null;
    if (rows.length > limit) throw new GatewayError('LIMIT_EXCEEDED', { what: 'tags', limit });
    return rows.map(({ tag, sealed }) => ({ tag: Buffer.from(tag, 'hex'), sealed }));
  }
}

/** Attested, and neither withdrawn nor handed over. */
function standing({ attestedAt, closedReason }: FilingRow): boolean {
  return attestedAt !== null && (closedReason === null || closedReason === 'decided');
}

function byTime(a: SameActFiling, b: SameActFiling): number {
  const [x, y] = [a, b].map(({ filedAt, node, number }) => `${filedAt} ${node} ${number}`) as [string, string];
  return x < y ? -1 : x > y ? 1 : 0;
}
