import { GatewayError } from '@jieqiao/core';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintNumber, type Database, insertRows, isDuplicate, lockForUpdate, type Tx } from './database';

@Entity('lease')
export class LeaseRow {
  @PrimaryColumn('varchar')
  name!: string;

  @Column('varchar')
  holder!: string;

  @Column('bigint', { transformer: bigintNumber })
  token!: number;

  @Column('varchar', { name: 'expires_at' })
  expiresAt!: string;
}

/**
 * What only one process may do at a time (a peer's lane, the sequencer), with a fencing token: each change of hands
 * raises it, and whoever still believes to hold the old one fails in `assertHeld`, inside its own transaction.
 */
export class Lease {
  private token: number | null = null;

  constructor(
    private readonly db: Database,
    private readonly name: string,
    /** This process, by a name that survives its restart: a restarted process takes its own lease at once. */
    private readonly holder: string,
    private readonly ttlMs: number,
    private readonly now: () => Date,
  ) {}

  get held(): boolean {
    return this.token !== null;
  }

  /** Takes the lease if it is free, expired or was this process's before; false if another process holds it. */
  async acquire(): Promise<boolean> {
    if (this.token !== null) return true;
    try {
      this.token = await this.db.transaction((tx) => this.take(tx));
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      this.token = null; // two processes inserted the first row at once; the other one has it
    }
    return this.token !== null;
  }

  /** Renews within the holder's transaction. @throws GatewayError LEASE_LOST: roll back, another process goes on. */
  async assertHeld(tx: Tx): Promise<void> {
    const result = await tx
      .createQueryBuilder()
      .update(LeaseRow)
      .set({ expiresAt: this.expiry() })
      .where('name = :name AND token = :token', { name: this.name, token: this.token })
      .execute();
    if (this.token !== null && result.affected === 1) return;
    this.token = null;
    throw new GatewayError('LEASE_LOST', { lease: this.name });
  }

  async release(): Promise<void> {
    if (this.token === null) return;
    const token = this.token;
    this.token = null;
    await this.db.transaction((tx) =>
      tx
        .createQueryBuilder()
        .update(LeaseRow)
        .set({ expiresAt: this.now().toISOString() })
        .where('name = :name AND token = :token', { name: this.name, token })
        .execute(),
    );
  }

  private async take(tx: Tx): Promise<number | null> {
    const row = await tx.findOneBy(LeaseRow, { name: this.name });
    if (!row) {
      await insertRows(tx, LeaseRow, [{ name: this.name, holder: this.holder, token: 1, expiresAt: this.expiry() }]);
      return 1;
    }
    if (row.holder !== this.holder && row.expiresAt > this.now().toISOString()) return null;
    const next = row.token + 1;
    const result = await tx
      .createQueryBuilder()
      .update(LeaseRow)
      .set({ holder: this.holder, token: next, expiresAt: this.expiry() })
      .where('name = :name AND token = :token', { name: this.name, token: row.token })
      .execute();
    return result.affected === 1 ? next : null;
  }

  private expiry(): string {
    return new Date(this.now().getTime() + this.ttlMs).toISOString();
  }
}

/**
 * Lets nobody else pass the same name until the transaction ends. First statement of its transaction: what is read after
 * it is what the one before has left. The row is never held by anybody; it is only there to be locked.
 */
export async function lockName(tx: Tx, dialect: Database['dialect'], name: string): Promise<void> {
  const row: LeaseRow = { name, holder: '', token: 0, expiresAt: new Date(0).toISOString() };
  // On SQLite writing, even nothing, takes the one lock there is; a read alone would not.
  await tx.createQueryBuilder().insert().into(LeaseRow).values(row).orIgnore().updateEntity(false).execute();
  await tx.findOne(LeaseRow, { where: { name }, ...lockForUpdate(dialect) });
}
