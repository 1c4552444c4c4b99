import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '@jieqiao/platform';
import { createConnection } from 'mysql2/promise';
import { entities } from './entities';

export interface TestDatabase {
  db: Database;
  url: string;
  /** Closes and removes it. */
  drop(): Promise<void>;
}

/** Every engine that this machine has; the global set-up says loudly if MySQL/MariaDB is not among them. */
export function databases(): [name: string, create: () => Promise<TestDatabase>][] {
  const engines: [string, () => Promise<TestDatabase>][] = [['sqlite', createSqlite]];
  const server = process.env.JIEQIAO_TEST_MYSQL;
  if (server) engines.push(['mysql', () => createMysql(server)]);
  return engines;
}

async function createSqlite(): Promise<TestDatabase> {
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-db-'));
  const url = `sqlite:${join(dir, 'node.sqlite')}`;
  const db = await Database.open(url, entities, () => new Date());
  const drop = async () => {
    await db.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { db, url, drop };
}

async function createMysql(server: string): Promise<TestDatabase> {
  const { url, drop: dropSchema } = await createMysqlSchema(server);
  const db = await Database.open(url, entities, () => new Date());
  const drop = async () => {
    await db.close();
    await dropSchema();
  };
  return { db, url, drop };
}

/** An empty schema of its own on the test server. */
export async function createMysqlSchema(server: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `jieqiao_test_${randomBytes(6).toString('hex')}`;
  await query(server, `CREATE DATABASE ${name}`);
  return { url: `${server}/${name}`, drop: () => query(server, `DROP DATABASE ${name}`) };
}

async function query(server: string, sql: string): Promise<void> {
  const connection = await createConnection({ uri: server });
  await connection.query(sql);
  await connection.end();
}
