import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const libsql = require('libsql');
const mysql = require('mysql2');

/** The floor's way to the database: the engine's driver, prepared statements, transactions, nothing else. */
export async function openStore(url) {
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openMysql(url);
}

/** @returns {string} `(?,?),(?,?)` for two rows of two columns */
export const rowsOf = (rows, columns) => {
  const one = `(${Array.from({ length: columns }, () => '?').join()})`;
  return Array.from({ length: rows }, () => one).join();
};
export const list = (count) => Array.from({ length: count }, () => '?').join();

function openMysql(url) {
  const idle = [];
  const all = [];
  const connect = async () => {
    const connection = mysql.createConnection({ uri: url, charset: 'utf8mb4' });
    all.push(connection);
    const session = {
      // The text protocol would write every byte of a blob as two hexadecimal digits.
      run: (sql, values = []) =>
        new Promise((resolve, reject) =>
          connection.execute(sql, values, (error, result) => (error ? reject(error) : resolve(result))),
        ),
      plain: (sql) =>
        new Promise((resolve, reject) => connection.query(sql, (error) => (error ? reject(error) : resolve()))),
    };
    await session.plain('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    return session;
  };
  return {
    lock: ' FOR UPDATE',
    firstId: (result) => Number(result.insertId),
    async transaction(work) {
      const session = idle.pop() ?? (await connect());
      await session.plain('START TRANSACTION');
      const result = await work(session.run);
      await session.plain('COMMIT');
      idle.push(session);
      return result;
    },
    async close() {
      await Promise.all(all.map((connection) => new Promise((resolve) => connection.end(resolve))));
    },
  };
}

function openSqlite(file) {
  const db = new libsql(file);
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('PRAGMA synchronous = FULL');
  db.exec('PRAGMA busy_timeout = 5000');
  const prepared = new Map();
  const run = (sql, values = []) => {
    let statement = prepared.get(sql);
    if (!statement) {
      statement = db.prepare(sql);
      prepared.set(sql, statement);
    }
    return sql.startsWith('SELECT') ? statement.all(values) : statement.run(values);
  };
  let turn = Promise.resolve();
  return {
    lock: '',
    firstId: (result, rows) => Number(result.lastInsertRowid) - rows + 1,
    transaction(work) {
      const mine = turn.then(async () => {
        db.exec('BEGIN');
        const result = await work(async (sql, values) => run(sql, values));
        db.exec('COMMIT');
        return result;
      });
      turn = mine.catch(() => undefined);
      return mine;
    },
    async close() {
      await turn;
      db.close();
    },
  };
}
