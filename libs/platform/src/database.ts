import 'reflect-metadata';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from '@jieqiao/core';
import {
  DataSource,
  type DataSourceOptions,
  type EntityManager,
  type ObjectLiteral,
  type SelectQueryBuilder,
} from 'typeorm';
import type { Dialect } from './migrations/ddl';
import { migrate, migrationState } from './migrations/migrate';

/** A transaction, or a read's view: what stores get to work with. */
export type Tx = EntityManager;

type Entity = new () => object;

/** Deadlocks in a row before one is passed on. */
const maxAttempts = 5;

/** Use as column transformer: MySQL hands 64-bit integers over as text; ours stay below 2^53. */
export const bigintNumber = {
  to: (value: number | null | undefined): number | null | undefined => value,
  from: (value: string | number | null): number | null => (value === null ? null : Number(value)),
};

/** Use as column transformer: libsql hands BLOBs over as `ArrayBuffer`. */
export const blobBuffer = {
  to: (value: Buffer): Buffer => value,
  from: (value: Buffer | ArrayBuffer): Buffer => (Buffer.isBuffer(value) ? value : Buffer.from(value)),
};

/**
 * The node's database: SQLite (embedded default) or MySQL/MariaDB, one schema. Whatever is durable goes through
 * `transaction`; there is no other way to write.
 */
export class Database {
  /** SQLite has one connection: transactions and reads take turns. Null on MySQL, where each has its own. */
  private turn: Promise<unknown> | null;

  private constructor(
    private readonly source: DataSource,
    readonly dialect: Dialect,
  ) {
    this.turn = dialect === 'sqlite' ? Promise.resolve() : null;
  }

  /**
   * @param url `sqlite:/path/file` or `mysql://user:password@host:port/name` (`mariadb://` too)
   * @param entities every lib's tables; the composition root collects them
   * @throws GatewayError DATABASE_UNAVAILABLE
   */
  static async open(url: string, entities: readonly Entity[], now: () => Date): Promise<Database> {
    const dialect: Dialect = url.startsWith('sqlite:') ? 'sqlite' : 'mysql';
    const source = new DataSource({ ...optionsFor(url), entities: [...entities] as Entity[], synchronize: false });
    try {
      await source.initialize();
      await migrate(source, dialect, now);
    } catch (cause) {
      if (source.isInitialized) await source.destroy().catch(() => undefined);
      throw unavailable(cause);
    }
    return new Database(source, dialect);
  }

  /**
   * Opens a database that is there, without bringing its schema up to date: for those who only look.
   * @throws GatewayError DATABASE_UNAVAILABLE
   */
  static async look(url: string, entities: readonly Entity[]): Promise<Database> {
    const dialect: Dialect = url.startsWith('sqlite:') ? 'sqlite' : 'mysql';
    const source = new DataSource({ ...optionsFor(url), entities: [...entities] as Entity[], synchronize: false });
    try {
      await source.initialize();
    } catch (cause) {
      throw unavailable(cause);
    }
    return new Database(source, dialect);
  }

  /** The server's version, and how the schema stands to this program: migrations to come, and ones it does not know. */
  async state(): Promise<{ version: string; pending: string[]; unknown: string[] }> {
    return this.read(async (tx) => {
      const version = this.dialect === 'sqlite' ? 'sqlite_version()' : 'VERSION()';
      const rows: { version: string }[] = await tx.query(`SELECT ${version} AS version`);
      return { version: rows[0]!.version, ...(await migrationState(tx)) };
    });
  }

  /**
   * Runs `work` in one transaction and commits. A throw rolls back and is passed on. Keep it short: SQLite has one.
   * `work` may run again from its start when MySQL has rolled it back to end a deadlock; it must leave nothing outside.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.source.transaction(work);
        } catch (error) {
          if ((error as { code?: string }).code !== 'ER_LOCK_DEADLOCK' || attempt === maxAttempts) throw error;
        }
      }
    });
  }

  /** Reads committed state. On SQLite a read waits for the transaction before it, or it would see that one half done. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.inTurn(() => work(this.source.manager));
  }

  async ping(): Promise<void> {
    await this.read((tx) => tx.query('SELECT 1'));
  }

  async close(): Promise<void> {
    await this.turn;
    if (this.source.isInitialized) await this.source.destroy();
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const guarded = () => work().catch((error: unknown) => Promise.reject(translated(error)));
    if (!this.turn) return guarded();
    const mine = this.turn.then(guarded);
    this.turn = mine.catch(() => undefined);
    return mine;
  }
}

/** Find options that lock the rows found until the transaction ends. SQLite needs none: transactions take turns. */
export function lockForUpdate(dialect: Dialect): { lock?: { mode: 'pessimistic_write' } } {
  return dialect === 'mysql' ? { lock: { mode: 'pessimistic_write' } } : {};
}

/** One INSERT for many rows. */
export async function insertRows<E extends ObjectLiteral>(tx: Tx, entity: new () => E, rows: E[]): Promise<void> {
  if (rows.length === 0) return;
  // TypeORM's insert builder names every value and then searches the statement for the names: half the cost of a send.
  const { columns, tableName } = tx.dataSource.getMetadata(entity);
  const { driver } = tx.dataSource;
  const parameters = rows.flatMap((row) =>
    columns.map((column) => driver.preparePersistentValue(column.getEntityValue(row), column) ?? null),
  );
  const tuple = `(${columns.map(() => '?').join()})`;
  const names = columns.map((column) => driver.escape(column.databaseName)).join();
  const tuples = rows.map(() => tuple).join();
  await tx.query(`INSERT INTO ${driver.escape(tableName)} (${names}) VALUES ${tuples}`, parameters);
}

/**
 * One UPDATE for many rows. Every row has the key and the same further columns; names are table and column names of
 * ours, never input.
 */
export async function updateRows(tx: Tx, table: string, key: string, rows: Record<string, unknown>[]): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const parameters: unknown[] = [];
  const assignments = Object.keys(first)
    .filter((column) => column !== key)
    .map((column) => {
      if (rows.every((row) => row[column] === first[column])) {
        parameters.push(first[column]);
        return `${column} = ?`;
      }
      for (const row of rows) parameters.push(row[key], row[column]);
      return `${column} = CASE ${key} ${'WHEN ? THEN ? '.repeat(rows.length)}END`;
    });
  parameters.push(...rows.map((row) => row[key]));
  const keys = rows.map(() => '?').join();
  await tx.query(`UPDATE ${table} SET ${assignments.join()} WHERE ${key} IN (${keys})`, parameters);
}

/** Which part of a list: so many, and created before the one with this id. */
export interface PageFilter {
  limit: number;
  before?: string;
}

/** A page of a list, newest first: ids sort by creation time. `nextBefore`: before which id the next page begins. */
export async function newestFirst<Row extends { id: string }>(
  query: SelectQueryBuilder<Row>,
  { before, limit }: PageFilter,
): Promise<{ rows: Row[]; nextBefore: string | null }> {
  const { alias } = query;
  if (before !== undefined) query.andWhere(`${alias}.id < :before`, { before });
  const found = await query
    .orderBy(`${alias}.id`, 'DESC')
    .limit(limit + 1)
    .getMany();
  const rows = found.slice(0, limit);
  return { rows, nextBefore: found.length > limit ? rows.at(-1)!.id : null };
}

/** A row with this key is there already. */
export function isDuplicate(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return code === 'ER_DUP_ENTRY' || code.startsWith('SQLITE_CONSTRAINT');
}

function optionsFor(url: string): DataSourceOptions {
  if (url.startsWith('sqlite:')) {
    const database = url.slice('sqlite:'.length);
    if (database !== ':memory:') {
      mkdirSync(dirname(database), { recursive: true });
      // Case data: a new file is for this account alone. SQLite gives the files beside it the same mode.
      closeSync(openSync(database, 'a', 0o600));
    }
    return {
      type: 'better-sqlite3',
      // libsql brings its own binary in the package and speaks better-sqlite3's interface.
      driver: require('libsql'),
      database,
      prepareDatabase: (db: { exec(sql: string): void }) => {
        // FULL: a commit is on the disk before anyone hears of it.
        db.exec('PRAGMA journal_mode = WAL');
        db.exec('PRAGMA synchronous = FULL');
        db.exec('PRAGMA busy_timeout = 5000');
      },
    };
  }
  return {
    type: url.startsWith('mariadb:') ? 'mariadb' : 'mysql',
    url: url.replace(/^mariadb:/, 'mysql:'),
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout: 5_000,
    poolSize: 8,
    // Gap locks of MySQL's default level would let the log's sequencer and those who append to it block each other.
    isolationLevel: 'READ COMMITTED',
    extra: { enableKeepAlive: true },
  };
}

const lostConnection =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|PROTOCOL_CONNECTION_LOST|ER_SERVER_SHUTDOWN|ER_CON_COUNT_ERROR|ENOTFOUND)$/;

function translated(error: unknown): unknown {
  const code = (error as { code?: string }).code ?? '';
  const closed = /Connection is closed|is not established|closed state/.test((error as Error).message ?? '');
  return lostConnection.test(code) || closed ? unavailable(error) : error;
}

function unavailable(cause: unknown): GatewayError {
  const { code, errno } = cause as { code?: string; errno?: number };
  return new GatewayError('DATABASE_UNAVAILABLE', { cause: code ?? String(errno ?? 'unknown') }, { cause });
}
