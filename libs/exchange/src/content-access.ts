import {
  type Permission,
  type Person,
  PersonRow,
  type Reader,
  type ReadingReason,
  type RevealReason,
  readingReasons,
  readsForReasons,
  requirePermission,
  requireReason,
  requireSight,
  revealReasons,
  type StatedReason,
  sightOf,
} from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import { type Digest, GatewayError, uuidv7 } from '@jieqiao/core';
import { type Database, insertRows, lockForUpdate, type Tx } from '@jieqiao/platform';
import {
  categoryOf,
  holdsPersonalNumber,
  type PersonalBlock,
  type PersonalDataCategory,
  type PersonalField,
  personalFields,
  type TransferData,
  typedPersonalData,
} from '@jieqiao/recognition';
import { MoreThan } from 'typeorm';
import { ofCaseData, type PersonalData } from './personal-data';
import { matterOf } from './sight';
import { BundleRow, ContentAccessRow, type ContentKind, EvidenceRow, TransferRow } from './tables';
import type { TransferSummary } from './views';

export interface ContentAccessContext {
  db: Database;
  audit: AuditLog;
  personal: PersonalData;
  revealsPerHour: number;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** One value of personal data in clear. */
export interface Revealed {
  pointer: string;
  category: PersonalDataCategory;
  value: string | number;
}

const hourMs = 3_600_000;

/** A line of a list as the person sees it: a title is content. */
export function summaryFor(person: Person, row: TransferRow, summary: TransferSummary): TransferSummary {
  return sightOf(person, matterOf(row)) === 'content' ? summary : { ...summary, title: null };
}

/** Who reads what, and why: the object-level check, stated reasons, and personal data one value at a time. */
export class ContentAccess {
  constructor(private readonly context: ContentAccessContext) {}

  /** A read for those who must leave a trace of it is a transaction. */
  reading<T>(person: Person, work: (tx: Tx) => Promise<T>): Promise<T> {
    return readsForReasons(person) ? this.context.db.transaction(work) : this.context.db.read(work);
  }

  /**
   * Lets the person read content of a transfer, or throws. Whoever reads for a reason only has it kept and logged.
   * @returns the reason's code, where one was needed
   * @throws FORBIDDEN {permission}, REASON_REQUIRED {reasons}, VALIDATION_FAILED
   */
  async mayRead(
    tx: Tx,
    person: Reader,
    row: TransferRow,
    what: ContentKind,
    permission: Permission,
    object: Digest | null = null,
  ): Promise<ReadingReason | null> {
    if (requireSight(person, permission, matterOf(row)) === 'content') return null;
    const stated = requireReason(person.reason, readingReasons);
    await this.keepReasons(tx, person, row.id, stated, [{ what, pointer: null, category: null }]);
    const subject = { object, person: person.id, reason: stated.code, transfer: row.id, what };
    // Taking a bundle out has an event of its own.
    if (what !== 'bundle') await this.context.audit.append(tx, [{ event: 'content.read', subject }]);
    return stated.code;
  }

  /**
   * A bundle leaves with what is in it: typed personal data is taken out by those who may have it revealed, with a
   * reason.
   * @throws FORBIDDEN {permission}, REASON_REQUIRED {reasons}, VALIDATION_FAILED
   */
  async mayExport(tx: Tx, person: Reader, transferId: string, transferJson: Buffer): Promise<RevealReason | null> {
    const found = typedPersonalData(JSON.parse(transferJson.toString()) as TransferData);
    if (found.length === 0) return null;
    requirePermission(person, 'personal-data.reveal');
    const stated = requireReason(person.reason, revealReasons);
    const categories = [...new Set(found.map(({ category }) => category))];
    const entries = categories.map((category) => ({ what: 'bundle' as const, pointer: null, category }));
    await this.keepReasons(tx, person, transferId, stated, entries);
    await this.logRevealed(tx, person, transferId, stated.code, categories);
    return stated.code;
  }

  /**
   * One value in clear, once: kept with its reason, logged without the value, and so many an hour.
   * @param pointer RFC 6901, into `transfer.json`, or `/reporter/<field>` of a draft
   * @throws FORBIDDEN, REASON_REQUIRED, VALIDATION_FAILED, NOT_FOUND, TOO_MANY_REQUESTS {retryAfter: seconds}
   */
  async reveal(person: Person, transferId: string, pointer: string, reason: StatedReason): Promise<Revealed> {
    requirePermission(person, 'personal-data.reveal');
    return this.context.db.transaction(async (tx) => {
      const row = await tx.findOneBy(TransferRow, { id: transferId });
      if (!row) throw new GatewayError('NOT_FOUND', { what: 'transfer' });
      const sight = requireSight(person, 'personal-data.reveal', matterOf(row));
      if (sight !== 'content') throw new GatewayError('FORBIDDEN', { permission: 'personal-data.reveal' });
      const stated = requireReason(reason, revealReasons);
      await this.pace(tx, person);
      const match = /^(\/(?:parties|evidence)\/(?:0|[1-9]\d{0,2})\/personal|\/reporter)\/([A-Za-z]{1,20})$/.exec(
        pointer,
      );
      const field = personalFields.find((name) => name === match?.[2]);
      const block = match && field ? await this.blockAt(tx, row, match[1]!) : undefined;
      const value = field && block?.[field];
      if (value === undefined) throw new GatewayError('NOT_FOUND', { what: 'personal-data' });
      const category = categoryOf[field as PersonalField];
      await this.keepReasons(tx, person, transferId, stated, [{ what: 'personal-data', pointer, category }]);
      await this.logRevealed(tx, person, transferId, stated.code, [category]);
      return { pointer, category, value };
    });
  }

  /** Of a draft what is kept of it; of what a peer sent, what stands in its bundle. */
  private async blockAt(tx: Tx, row: TransferRow, at: string): Promise<PersonalBlock | undefined> {
    const [, list, place] = at.split('/');
    if (row.direction === 'in') {
      if (list === 'reporter') return undefined;
      const bundle = row.bundleDigest && (await tx.findOneBy(BundleRow, { digest: row.bundleDigest }));
      if (!bundle) return undefined;
      const opened = this.context.personal.openedBundle(bundle);
      const transfer = JSON.parse(opened.transferJson.toString()) as TransferData;
      return transfer[list as 'parties' | 'evidence'][Number(place)]?.personal;
    }
    const held = await this.context.personal.heldBy(tx, [row.id]);
    if (list === 'evidence') {
      const items = await tx.find(EvidenceRow, { where: { transferId: row.id }, order: { seq: 'ASC' } });
      return held.of(row.id, items[Number(place)]?.id ?? '')?.personal;
    }
    const own = held.of(row.id, ofCaseData);
    return list === 'reporter' ? own?.reporter : own?.parties?.[place!];
  }

  /** Counted in the database: a person who goes from process to process, or waits for a restart, gains nothing. */
  private async pace(tx: Tx, person: Person): Promise<void> {
    const { db, now, revealsPerHour } = this.context;
    // Two requests of one person at once are counted one after the other.
    await tx.findOne(PersonRow, { where: { id: person.id }, select: { id: true }, ...lockForUpdate(db.dialect) });
    const since = new Date(now().getTime() - hourMs).toISOString();
    const recent = await tx.find(ContentAccessRow, {
      where: { personId: person.id, what: 'personal-data', createdAt: MoreThan(since) },
      order: { createdAt: 'DESC' },
      select: { id: true, createdAt: true },
      take: revealsPerHour,
    });
    if (recent.length < revealsPerHour) return;
    const retryAt = Date.parse(recent.at(-1)!.createdAt) + hourMs;
    throw new GatewayError('TOO_MANY_REQUESTS', { retryAfter: Math.ceil((retryAt - now().getTime()) / 1000) });
  }

  private async keepReasons(
    tx: Tx,
    person: Person,
    transferId: string,
    { code, text }: { code: ReadingReason | RevealReason; text: string },
    entries: readonly Pick<ContentAccessRow, 'what' | 'pointer' | 'category'>[],
  ): Promise<void> {
    // It is kept as it is written: an ID or telephone number has no place in it.
    if (holdsPersonalNumber(text)) throw new GatewayError('VALIDATION_FAILED', { errors: ['/text personal-data'] });
    const { now, random } = this.context;
    const at = now();
    const common = { personId: person.id, transferId, reason: code, reasonText: text, createdAt: at.toISOString() };
    const rows = entries.map((entry) => ({ id: uuidv7(at.getTime(), random(10)), ...common, ...entry }));
    await insertRows(tx, ContentAccessRow, rows);
  }

  private async logRevealed(
    tx: Tx,
    person: Person,
    transfer: string,
    reason: RevealReason,
    categories: readonly PersonalDataCategory[],
  ): Promise<void> {
    const events = categories.map((category) => ({
      event: 'personal-data.revealed' as const,
      subject: { category, person: person.id, reason, transfer },
    }));
    await this.context.audit.append(tx, events);
  }
}
