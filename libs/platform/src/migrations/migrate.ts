import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { initial } from './0001-initial';
import { trust } from './0002-trust';
import { casework } from './0003-casework';
import { deadlinesAndNumbers } from './0004-deadlines-and-numbers';
import { personalData } from './0006-personal-data';
import { type Ddl, type Dialect, statementFor } from './ddl';

const migrations: readonly Ddl[] = [initial, trust, casework, deadlinesAndNumbers, personalData];

/** Brings the schema up to date. Several processes may start at once on MySQL: one migrates, the others wait. */
export async function migrate(source: DataSource, dialect: Dialect, now: () => Date): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    if (dialect === 'mysql') await runner.query("SELECT GET_LOCK('jieqiao.migrate', 120)");
    await runner.query(statementFor(dialect, ledger));
    const rows: { name: string }[] = await runner.query('SELECT name FROM schema_migration');
    const done = new Set(rows.map((row) => row.name));
    for (const migration of migrations) {
      if (!done.has(migration.name)) await apply(runner, dialect, migration, now());
    }
  } finally {
    if (dialect === 'mysql') await runner.query("SELECT RELEASE_LOCK('jieqiao.migrate')").catch(() => undefined);
    await runner.release();
  }
}

/** Looks without changing anything: an empty database lacks all. */
export async function migrationState(tx: EntityManager): Promise<{ pending: string[]; unknown: string[] }> {
  const known = migrations.map(({ name }) => name);
  const rows: { name: string }[] = await tx
    .query('SELECT name FROM schema_migration ORDER BY name')
    .catch((error: { code?: string }) => {
      if (error.code === 'ER_NO_SUCH_TABLE' || error.code === 'SQLITE_ERROR') return [];
      throw error;
    });
  const done = rows.map(({ name }) => name);
  return {
    pending: known.filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !known.includes(name)),
  };
}

const ledger =
  'CREATE TABLE IF NOT EXISTS schema_migration (name {name} NOT NULL PRIMARY KEY, applied_at {time} NOT NULL)';

/** A start that was killed half-way has left this index or column. */
function isDoneAlready(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return code === 'ER_DUP_KEYNAME' || code === 'ER_DUP_FIELDNAME' || message.includes('duplicate column name');
}

async function apply(runner: QueryRunner, dialect: Dialect, migration: Ddl, at: Date): Promise<void> {
  for (const statement of migration.statements) {
    try {
      await runner.query(statementFor(dialect, statement));
    } catch (error) {
      if (!isDoneAlready(error)) throw error;
    }
  }
  await runner.query('INSERT INTO schema_migration (name, applied_at) VALUES (?, ?)', [
    migration.name,
    at.toISOString(),
  ]);
}
