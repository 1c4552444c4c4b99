import { type Person, requirePermission } from '@jieqiao/access';
import type { AuditLog } from '@jieqiao/audit';
import { type Digest, GatewayError, type LogEvent, uuidv7 } from '@jieqiao/core';
import {
  bigintNumber,
  type Database,
  insertRows,
  isDuplicate,
  lockForUpdate,
  newestFirst,
  type PageFilter,
  type Tx,
} from '@jieqiao/platform';
import { chinaDay, type DocumentNumber, formatNumber, parseNumber } from '@jieqiao/recognition';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type NumberedType, type NumberPatterns, numberedTypes } from './number-patterns';

/** A number that an authority's document bears or bore: never taken out, never given twice. */
@Entity('document_number')
export class DocumentNumberRow {
  @PrimaryColumn('varchar')
  id!: string;

  /** The node that speaks for the authority. */
  @Column('varchar')
  authority!: string;

  @Column('varchar')
  type!: NumberedType;

  @Column('int')
  year!: number;

  /** 0: the pattern has no squads. */
  @Column('int')
  squad!: number;

  /** Null: given by hand, and not in the form of the pattern. */
  @Column('bigint', { nullable: true, transformer: bigintNumber })
  sequence!: number | null;

  /** As it is spelled. */
  @Column('varchar')
  number!: string;

  /** One spelling for all that mean the same (`DocumentNumber.key`). */
  @Column('varchar', { name: 'number_key' })
  key!: string;

  @Column('varchar')
  state!: 'issued' | 'voided';

  @Column('varchar', { name: 'transfer_id', nullable: true })
  transferId!: string | null;

  /** Digest of the document that bears it. */
  @Column('varchar', { nullable: true })
  document!: Digest | null;

  @Column('varchar', { name: 'issued_at' })
  issuedAt!: string;

  @Column('varchar', { name: 'issued_by', nullable: true })
  issuedBy!: string | null;

  @Column('varchar', { name: 'voided_at', nullable: true })
  voidedAt!: string | null;

  @Column('varchar', { name: 'voided_by', nullable: true })
  voidedBy!: string | null;

  /** Why it was voided. */
  @Column('varchar', { nullable: true })
  reason!: string | null;
}

export interface NumberView {
  id: string;
  type: NumberedType;
  year: number;
  squad: number | null;
  sequence: number | null;
  number: string;
  state: DocumentNumberRow['state'];
  transfer: string | null;
  document: Digest | null;
  issuedAt: string;
  voided: { at: string; by: string | null; reason: string } | null;
}

/** What a number is for, as far as it is known when it is given. */
export interface NumberUse {
  type: NumberedType;
  transfer?: string;
  document?: Digest;
  /** Id of the person. */
  person?: string;
}

export interface NumberFilter extends PageFilter {
  type?: NumberedType;
  year?: number;
}

export interface DocumentNumbersContext {
  db: Database;
  audit: AuditLog;
  node: string;
  patterns: NumberPatterns;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** The register of this authority's document numbers (文号). */
export class DocumentNumbers {
  constructor(private readonly context: DocumentNumbersContext) {}

  /** @throws GatewayError as `issueNumber` */
  async issue(person: Person, type: NumberedType, squad?: number): Promise<NumberView> {
    requirePermission(person, 'number.issue');
    const { audit, db } = this.context;
    const row = await db.transaction((tx) => this.issueNumber(tx, { type, squad, person: person.id }));
    audit.committed();
    return viewOf(row);
  }

  /** @throws GatewayError NOT_FOUND; WRONG_STATE {state}: `voided`, or `used` by a document */
  async void(person: Person, id: string, reason: string): Promise<NumberView> {
    requirePermission(person, 'number.void');
    const { audit, db } = this.context;
    const row = await db.transaction((tx) => this.voidNumber(tx, id, reason, person.id));
    audit.committed();
    return viewOf(row);
  }

  async list(
    person: Person,
    { type, year, ...page }: NumberFilter,
  ): Promise<{ items: NumberView[]; nextBefore: string | null }> {
    requirePermission(person, 'number.list');
    const { rows, nextBefore } = await this.context.db.read((tx) => {
      const query = tx.createQueryBuilder(DocumentNumberRow, 'n');
      if (type !== undefined) query.andWhere('n.type = :type', { type });
      if (year !== undefined) query.andWhere('n.year = :year', { year });
      return newestFirst(query, page);
    });
    return { items: rows.map(viewOf), nextBefore };
  }

  /**
   * The next number of the year, by the type's pattern; the year is that of the Chinese day. Holds the counter until the
   * caller's transaction ends: whoever comes next waits, and goes on from what was committed. Rolled back, it was never
   * given. What was taken by hand is passed over.
   * @throws GatewayError NUMBER_PATTERN_MISSING {type}; VALIDATION_FAILED `bad-number-value` {field: squad}
   */
  async issueNumber(tx: Tx, { squad, ...use }: NumberUse & { squad?: number }): Promise<DocumentNumberRow> {
    const { node: authority } = this.context;
    const { type } = use;
    const pattern = this.patternOf(type);
    const year = this.year();
    if (squad !== undefined && !pattern.includes('{squad')) bad('squad');
    const counter = { authority, type, year, squad: squad ?? 0 };
    for (let sequence = (await this.lockCounter(tx, counter)) + 1; ; sequence++) {
      const { key, text } = parseNumber(formatNumber(pattern, { year, sequence, squad }))!;
      // By the same text, or by the place in the series under another short name.
      const taken = [
        { authority, key },
        { ...counter, sequence },
      ];
      if (await tx.existsBy(DocumentNumberRow, taken)) continue;
      await this.moveCounter(tx, counter, sequence);
      return this.insert(tx, { ...use, ...counter, sequence, number: text, key });
    }
  }

  /**
   * Takes a number that a person gave a document: one that was issued before and waits for it, or one that the register
   * does not know. A document of the same transfer may bear it again, as when it is sent anew after a refusal.
   * @throws GatewayError VALIDATION_FAILED `bad-number`; NUMBER_TAKEN {state}: `voided`, or `issued` to another document
   */
  async takeNumber(tx: Tx, text: string, use: NumberUse): Promise<DocumentNumberRow> {
    const parsed = parseNumber(text);
    if (parsed === null) throw new GatewayError('VALIDATION_FAILED', { field: 'number', reason: 'bad-number' });
    const { node: authority } = this.context;
    const series = this.seriesOf(parsed);
    // Whoever counts on in this series meanwhile waits, and then sees that it is taken.
    if (series !== null) await this.lockCounter(tx, { authority, ...series });
    const found = await this.find(tx, parsed.key);
    if (found === null) {
      const { sequence, year } = parsed;
      const place = series?.type === use.type ? { squad: series.squad, sequence } : { squad: 0, sequence: null };
      return this.insert(tx, { ...use, authority, year, ...place, number: text, key: parsed.key });
    }
    const { transfer = null, document = null } = use;
    const free = found.transferId === null && found.document === null;
    const same = found.transferId !== null && found.transferId === transfer;
    const fits = found.state === 'issued' && found.type === use.type && (free || same);
    if (!fits) throw new GatewayError('NUMBER_TAKEN', { state: found.state, type: found.type });
    const change = { transferId: transfer ?? found.transferId, document: document ?? found.document };
    await tx.update(DocumentNumberRow, { id: found.id }, change);
    return { ...found, ...change };
  }

  /** Whether the register knows this number, however it is spelled, for anything but this transfer (R18). */
  async isTaken(tx: Tx, text: string, transfer: string | null): Promise<boolean> {
    const parsed = parseNumber(text);
    const found = parsed && (await tx.findOneBy(DocumentNumberRow, { authority: this.context.node, key: parsed.key }));
    if (!found) return false;
    const waiting = found.state === 'issued' && found.transferId === null && found.document === null;
    return !waiting && (found.state === 'voided' || found.transferId !== transfer);
  }

  /** @throws GatewayError NOT_FOUND; WRONG_STATE {state} */
  async voidNumber(tx: Tx, id: string, reason: string, person: string | null): Promise<DocumentNumberRow> {
    const { audit, db, node: authority, now } = this.context;
    const row = await tx.findOne(DocumentNumberRow, { where: { id, authority }, ...lockForUpdate(db.dialect) });
    if (row === null) throw new GatewayError('NOT_FOUND', { what: 'number' });
    if (row.state === 'voided') throw new GatewayError('WRONG_STATE', { state: row.state });
    // A document that bears it exists for good; it is withdrawn or replaced, its number stays.
    if (row.document !== null) throw new GatewayError('WRONG_STATE', { state: 'used' });
    const change = { state: 'voided', voidedAt: now().toISOString(), voidedBy: person, reason } as const;
    await tx.update(DocumentNumberRow, { id }, change);
    await audit.append(tx, { event: 'number.voided', subject: { number: id, person } });
    return { ...row, ...change };
  }

  private patternOf(type: NumberedType): string {
    const pattern = this.context.patterns[type];
    if (pattern === undefined) throw new GatewayError('NUMBER_PATTERN_MISSING', { type });
    return pattern;
  }

  /** The series in which the node would come to this number, if it is spelled as a pattern would. */
  private seriesOf({ key, sequence, series, year }: DocumentNumber): Omit<CounterName, 'authority'> | null {
    for (const type of numberedTypes) {
      const pattern = this.context.patterns[type];
      if (pattern === undefined) continue;
      for (const squad of pattern.includes('{squad') ? series : [undefined]) {
        const fits = squad === undefined || (squad >= 1 && squad <= maxSquad);
        if (fits && parseNumber(formatNumber(pattern, { year, sequence, squad }))?.key === key) {
          return { type, year, squad: squad ?? 0 };
        }
      }
    }
    return null;
  }

  private find(tx: Tx, key: string): Promise<DocumentNumberRow | null> {
    const where = { authority: this.context.node, key };
    return tx.findOne(DocumentNumberRow, { where, ...lockForUpdate(this.context.db.dialect) });
  }

  private async insert(
    tx: Tx,
    given: NumberUse & Pick<DocumentNumberRow, 'authority' | 'year' | 'squad' | 'sequence' | 'number' | 'key'>,
  ): Promise<DocumentNumberRow> {
    const { audit, now, random } = this.context;
    const { type, transfer: transferId = null, document = null, person: issuedBy = null } = given;
    const { authority, key, number, sequence, squad, year } = given;
    const at = now();
    const row: DocumentNumberRow = {
      ...{ id: uuidv7(at.getTime(), random(10)), authority, type, year, squad, sequence, number, key, state: 'issued' },
      ...{ transferId, document, issuedAt: at.toISOString(), issuedBy, voidedAt: null, voidedBy: null, reason: null },
    };
    await insertRows(tx, DocumentNumberRow, [row]).catch((error: unknown) => {
      // Two took the same number of no series at once.
      throw isDuplicate(error) ? new GatewayError('NUMBER_TAKEN', { state: 'issued', type }) : error;
    });
    const subject = {
      number: row.id,
      person: issuedBy,
      sequence,
      squad: squad || null,
      transfer: transferId,
      type,
      year,
    };
    await audit.append(tx, { event: 'number.issued', subject } satisfies LogEvent);
    return row;
  }

  /**
   * Holds a counter's row until the transaction ends, made if it is not there; tells the last number that it gave. One
   * statement that writes, even nothing: MySQL then locks for one at a time, where INSERT IGNORE would let two share the
   * row and both wait for the other.
   */
  private async lockCounter(tx: Tx, { authority, squad, type, year }: CounterName): Promise<number> {
    const name = [authority, type, year, squad];
    const key = '(authority, type, year, squad)';
    const onConflict =
      this.context.db.dialect === 'mysql' ? 'ON DUPLICATE KEY UPDATE' : `ON CONFLICT ${key} DO UPDATE SET`;
    const insert = 'INSERT INTO number_counter (authority, type, year, squad, last) VALUES (?, ?, ?, ?, 0)';
    await tx.query(`${insert} ${onConflict} last = last`, name);
    const sql = `SELECT last FROM number_counter WHERE ${counterIs}`;
    const rows: { last: unknown }[] = await tx.query(sql, name);
    return Number(rows[0]!.last);
  }

  private async moveCounter(tx: Tx, { authority, squad, type, year }: CounterName, last: number): Promise<void> {
    await tx.query(`UPDATE number_counter SET last = ? WHERE ${counterIs}`, [last, authority, type, year, squad]);
  }

  private year(): number {
    return Number(chinaDay(this.context.now().toISOString()).slice(0, 4));
  }
}

interface CounterName {
  authority: string;
  type: NumberedType;
  year: number;
  squad: number;
}

const counterIs = 'authority = ? AND type = ? AND year = ? AND squad = ?';
/** What its column holds. */
const maxSquad = 2 ** 31 - 1;

function viewOf(row: DocumentNumberRow): NumberView {
  const { document, id, issuedAt, number, reason, sequence, squad, state, transferId, type, voidedAt, voidedBy, year } =
    row;
  return {
    ...{ id, type, year, squad: squad || null, sequence, number, state, transfer: transferId, document, issuedAt },
    voided: voidedAt === null ? null : { at: voidedAt, by: voidedBy, reason: reason! },
  };
}

function bad(field: string): never {
  throw new GatewayError('VALIDATION_FAILED', { reason: 'bad-number-value', field });
}
