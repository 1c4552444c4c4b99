import { createHmac } from 'node:crypto';
import { type Person, requirePermission, requireSight } from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import {
  canonicalJson,
  commitmentTo,
  type Digest,
  digestOf,
  type FilingStatement,
  filingLimits,
  filingSchemaId,
  GatewayError,
  hasCode,
  parseLogEntry,
  parseTlogProof,
  sha256,
  uuidv7,
} from '@jieqiao/core';
import { fitsNotice } from '@jieqiao/delivery';
import { type Database, insertRows, isDuplicate, lockForUpdate, newestFirst, type PageFilter } from '@jieqiao/platform';
import { type Act, type ActDescription, type ActElement, actOf, filedElements } from '@jieqiao/recognition';
import { IsNull } from 'typeorm';
import { type CloseReason, type FilingProof, FilingRow, FilingTagRow } from './filing-tables';
import { matterOf } from './sight';
import { TransferRow } from './tables';
import type { Filing } from './transfer/command-data';

export interface FilingInput extends ActDescription {
  /** 立案文号 */
  number: string;
  /** In whose name the case was filed. */
  authority: string;
  item?: string;
  act: ActDescription['act'] & { place: { code: string } };
  /** The transfer from which the case came, or in which it is handed over. */
  transfer?: string;
}

/** An entry of the filing register, without what says whom it is about. */
export interface FilingView {
  id: string;
  number: string;
  authority: string;
  family: string;
  item: string | null;
  act: { from: string; to: string; place: { code: string; longitude: number; latitude: number } };
  transfer: string | null;
  /** False when no party is known well enough: then no other side can find it. */
  comparable: boolean;
  createdAt: string;
  /** Null for the moment in which the log has not integrated the entry yet. */
  attestation: { at: string; proof: Digest; statement: Digest } | null;
  closed: { at: string; reason: CloseReason } | null;
}

export interface FilingFilter extends PageFilter {
  transfer?: string;
  open?: boolean;
}

export interface FilingsContext {
  db: Database;
  audit: AuditLog;
  node: string;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** Between the commit and the proof there is one batch of the log: milliseconds. */
const attestWaitMs = 10_000;
const maxPending = 100;

/**
 * The filing register (立案登记): which cases this authority has filed, when, by the word of its log, and about which acts.
 *
 * What survives a crash: row, tags and log entry are one commit. Killed before the proof is kept, the filing stands
 * without its attested time, and whoever next reads it fetches both from the log.
 */
export class Filings {
  constructor(private readonly context: FilingsContext) {}

  /**
   * @throws GatewayError VALIDATION_FAILED, also for a number that this authority has given before; NOT_FOUND for a
   *   transfer that is not here
   */
  async register(person: Person, input: FilingInput): Promise<FilingView> {
    requirePermission(person, 'filing.create');
    const { db, audit, node, now, random } = this.context;
    const number = input.number.normalize('NFC');
    if (!fitsNotice(number)) throw new GatewayError('VALIDATION_FAILED', { errors: ['/number maxLength'] });
    const act = actOf(input);
    const at = now();
    const id = uuidv7(at.getTime(), random(10));
    const saltKey = random(32).toString('hex');
    const elements = filedElements(act);
    const statement: FilingStatement = {
      schema: filingSchemaId,
      acts: elements.map(({ text }) => commitmentTo(text, saltOf(saltKey, text))).sort(),
      authority: input.authority,
      family: input.family,
      id,
      node,
      number,
    };
    const bytes = canonicalJson(statement);
    const { code, longitude, latitude } = input.act.place;
    const row: Omit<FilingRow, 'logId'> = {
      id,
      number,
      authority: input.authority,
      family: input.family,
      item: input.item ?? null,
      actFrom: act.from,
      actTo: act.to,
      placeCode: code,
      longitude,
      latitude,
      partyKeys: [...act.keys],
      saltKey,
      statement: bytes.toString(),
      transferId: input.transfer ?? null,
      personId: person.id,
      attestedAt: null,
      proof: null,
      proofDigest: null,
      createdAt: at.toISOString(),
      closedAt: null,
      closedReason: null,
    };
    await db
      .transaction(async (tx) => {
        const { transferId } = row;
        if (transferId) {
          const transfer = await tx.findOneBy(TransferRow, { id: transferId });
          if (!transfer) throw notFound();
          requireSight(person, 'filing.create', matterOf(transfer));
        }
        const subject = { filing: digestOf(bytes), person: person.id, transfer: transferId };
        const [logId] = (await audit.append(tx, [{ event: 'filing.attested', subject }])) as [number];
        await insertRows(tx, FilingRow, [{ ...row, logId }]);
        await insertRows(tx, FilingTagRow, ownTags(node, id, elements));
      })
      .catch((error: unknown) => {
        if (isDuplicate(error)) throw new GatewayError('VALIDATION_FAILED', { errors: ['/number unique'] });
        throw error;
      });
    return this.get(person, id);
  }

  async list(person: Person, filter: FilingFilter): Promise<{ items: FilingView[]; nextBefore: string | null }> {
    requirePermission(person, 'filing.read');
    const { db } = this.context;
    const { rows, nextBefore } = await db.read((tx) => {
      const query = tx.createQueryBuilder(FilingRow, 'f');
      if (filter.transfer) query.andWhere('f.transferId = :transfer', { transfer: filter.transfer });
      if (filter.open !== undefined) query.andWhere(`f.closedAt IS ${filter.open ? '' : 'NOT '}NULL`);
      return newestFirst(query, filter);
    });
    return { items: rows.map(viewOf), nextBefore };
  }

  /** @throws GatewayError NOT_FOUND */
  async get(person: Person, id: string): Promise<FilingView> {
    requirePermission(person, 'filing.read');
    return viewOf(await this.complete(id));
  }

  /** @throws GatewayError NOT_FOUND; NOT_READY while the log has not integrated it */
  async proof(person: Person, id: string): Promise<FilingProof> {
    requirePermission(person, 'filing.read');
    const { statement, proof } = await this.proven(id);
    return { statement, proof };
  }

  /**
   * A filing as a message states it, with what proves it to the other side.
   * @throws GatewayError NOT_FOUND; NOT_READY while the log has not integrated it
   */
  async attested(person: Person, id: string): Promise<{ filing: Filing; proof: FilingProof }> {
    requirePermission(person, 'filing.read');
    const { number, attestedAt, statement, proof, proofDigest } = await this.proven(id);
    return { filing: { number, at: attestedAt!, proof: proofDigest! }, proof: { statement, proof } };
  }

  /** @throws GatewayError NOT_FOUND, WRONG_STATE when it is closed already */
  async close(person: Person, id: string, reason: CloseReason): Promise<FilingView> {
    requirePermission(person, 'filing.close');
    const { db, audit, now } = this.context;
    await db.transaction(async (tx) => {
      const row = await tx.findOne(FilingRow, { where: { id }, ...lockForUpdate(db.dialect) });
      if (!row) throw notFound();
      if (row.closedAt !== null) throw new GatewayError('WRONG_STATE', { state: 'closed' });
      await tx.update(FilingRow, { id }, { closedAt: now().toISOString(), closedReason: reason });
      const subject = { filing: digestOf(Buffer.from(row.statement)), person: person.id, reason };
      await audit.append(tx, [{ event: 'filing.closed', subject }]);
    });
    return this.get(person, id);
  }

  /** Gives every filing its attested time. @throws GatewayError NOT_READY when the log takes too long to integrate one */
  async attestPending(): Promise<void> {
    const { db } = this.context;
    for (;;) {
      const rows = await db.read((tx) => tx.find(FilingRow, { where: { attestedAt: IsNull() }, take: maxPending }));
      if (rows.length === 0) return;
      await this.attest(rows);
    }
  }

  private async proven(id: string): Promise<FilingRow & { proof: string }> {
    const row = await this.complete(id);
    if (row.proof === null) throw new GatewayError('NOT_READY', { what: 'log' });
    return { ...row, proof: row.proof };
  }

  private async complete(id: string): Promise<FilingRow> {
    const find = () => this.context.db.read((tx) => tx.findOneBy(FilingRow, { id }));
    const row = await find();
    if (!row) throw notFound();
    if (row.attestedAt !== null) return row;
    try {
      await this.attest([row]);
    } catch (error) {
      // It is filed and logged; only its proof is late, and comes with the next look.
      if (!hasCode(error, 'NOT_READY')) throw error;
    }
    return (await find())!;
  }

  private async attest(rows: readonly FilingRow[]): Promise<void> {
    const { db, audit } = this.context;
    const receipts = await audit.integrated(
      rows.map(({ logId }) => logId),
      attestWaitMs,
    );
    await db.transaction(async (tx) => {
      for (const [i, { proof }] of receipts.entries()) {
        const attestedAt = parseLogEntry(parseTlogProof(proof).extra!).time;
        const proofDigest = digestOf(Buffer.from(proof));
        await tx.update(FilingRow, { id: rows[i]!.id }, { attestedAt, proof, proofDigest });
      }
    });
  }
}

/** The act that a filing is about. */
export function actFiled(row: FilingRow): Act {
  const { family, partyKeys, actFrom, actTo, longitude, latitude } = row;
  return { family, keys: partyKeys, from: actFrom, to: actTo, longitude, latitude };
}

/** Opens the statement's commitment to one element; from it nothing follows for another. */
export function saltOf(saltKey: string, element: string): Buffer {
  return createHmac('sha256', Buffer.from(saltKey, 'hex')).update(element).digest().subarray(0, filingLimits.saltBytes);
}

/** Under what this node finds its own filings. */
export function ownTag(element: string): string {
  return sha256(Buffer.from(element)).toString('hex', 0, 16);
}

function ownTags(node: string, filingId: string, elements: readonly ActElement[]): FilingTagRow[] {
  return elements.map(({ month, text }) => ({
    owner: node,
    tag: ownTag(text),
    filingId,
    keyId: '',
    month,
    sealed: Buffer.alloc(0),
  }));
}

function viewOf(row: FilingRow): FilingView {
  const { attestedAt, proofDigest, closedAt, closedReason } = row;
  return {
    id: row.id,
    number: row.number,
    authority: row.authority,
    family: row.family,
    item: row.item,
    act: {
      from: row.actFrom,
      to: row.actTo,
      place: { code: row.placeCode, longitude: row.longitude, latitude: row.latitude },
    },
    transfer: row.transferId,
    comparable: row.partyKeys.length > 0,
    createdAt: row.createdAt,
    attestation:
      attestedAt && proofDigest
        ? { at: attestedAt, proof: proofDigest, statement: digestOf(Buffer.from(row.statement)) }
        : null,
    closed: closedAt && closedReason ? { at: closedAt, reason: closedReason } : null,
  };
}

const notFound = () => new GatewayError('NOT_FOUND', {});
