import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2/promise';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const tmpfs = 0x01021994;

/** Why a figure can't be had on this machine: the bench says so and goes on with the others. */
export class Unavailable extends Error {}

/** Everything that a run leaves on the machine, in the order of its making; undone backwards, also on Ctrl-C. */
export class Cleanup {
  #undo = [];
  #done = null;

  add(undo) {
    this.#undo.push(undo);
    return () => {
      this.#undo = this.#undo.filter((other) => other !== undo);
    };
  }

  run() {
    this.#done ??= this.#runAll();
    return this.#done;
  }

  async #runAll() {
    for (const undo of this.#undo.reverse()) {
      try {
        await undo();
      } catch (error) {
        process.stderr.write(`bench: could not clean up: ${error.message}\n`);
      }
    }
  }
}

/** A directory for everything of this run. */
export function temporaryDirectory(cleanup, base = tmpdir()) {
  mkdirSync(base, { recursive: true });
  const dir = mkdtempSync(join(base, 'jieqiao-bench-'));
  cleanup.add(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

/** In memory a sync costs nothing, so neither side of a comparison would be worth anything. */
export function isInMemory(dir) {
  return statfsSync(dir).type === tmpfs;
}

/** Starts one of the bench's own processes; it hears requests and answers by IPC. */
export function startProcess(cleanup, file, args = [], options = {}) {
  const child = spawn(process.execPath, [...(options.execArgv ?? []), join(root, 'test/bench', file), ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { PATH: process.env.PATH },
    // Ctrl-C reaches only the parent, which ends its processes in order.
    detached: true,
    serialization: 'advanced',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const forget = cleanup.add(() => {
    child.kill('SIGKILL');
    return exited;
  });
  return {
    pid: child.pid,
    /** Sends a request and waits for its answer; one at a time. */
    ask(request) {
      return new Promise((resolve, reject) => {
        const ended = (code) => reject(new Error(`${file} ended (${code}) before it answered`));
        child.once('exit', ended);
        child.once('message', (answer) => {
          child.off('exit', ended);
          if (answer.error) reject(new Error(`${file}: ${answer.error}`));
          else resolve(answer.value);
        });
        child.send(request);
      });
    },
    async stop() {
      forget();
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The other half of `startProcess`: answers requests until the parent lets go. */
export function serveParent(handlers) {
  process.on('message', async ({ type, ...request }) => {
    try {
      process.send({ value: (await handlers[type](request)) ?? null });
    } catch (error) {
      process.send({ error: error.stack ?? String(error) });
    }
  });
  process.on('disconnect', () => (handlers.stop ? handlers.stop() : process.exit(0)));
}

/**
 * A MariaDB for this run alone, so that its CPU time is that of the exchanges; else the server at `given`.
 * Refuses one that does not sync at every commit.
 * @returns {Promise<{url: string, pid: number, version: string, alone: boolean, schema: () => Promise<string>}>}
 */
export async function durableMysql(cleanup, dir, given) {
  const server = given ? { url: given.replace(/\/$/, '') } : await startPrivate(cleanup, dir);
  const connection = await mysql.createConnection({ uri: server.url });
  connection.on('error', () => {}); // the server may be ended first, on Ctrl-C
  const variables = async (name) => (await connection.query('SHOW VARIABLES LIKE ?', [name]))[0][0]?.Value;
  if ((await variables('innodb_flush_log_at_trx_commit')) !== '1') {
    throw new Error('the database does not sync at every commit; set innodb_flush_log_at_trx_commit=1');
  }
  const pid = server.pid ?? Number(readFileSync(await variables('pid_file'), 'utf8'));
  const version = await variables('version');
  cleanup.add(() => connection.end().catch(() => undefined));
  let count = 0;
  const schema = async () => {
    const name = `jieqiao_bench_${process.pid}_${++count}`;
    await connection.query(`CREATE DATABASE ${name}`);
    // A private server goes with its directory.
    if (given) cleanup.add(() => connection.query(`DROP DATABASE ${name}`));
    return `${server.url}/${name}`;
  };
  return { url: server.url, pid, version, alone: !given, schema };
}

const which = (name) =>
  ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', ...(process.env.PATH ?? '').split(':')]
    .map((place) => join(place, name))
    .find((path) => existsSync(path));

async function startPrivate(cleanup, dir) {
  const installer = which('mariadb-install-db');
  const daemon = which('mariadbd');
  if (!installer || !daemon)
    throw new Unavailable('no mariadbd here; give a server with --mysql mysql://user@host:port');
  const data = join(dir, 'mariadb');
  const user = `--user=${userInfo().username}`;
  const made = spawnSync(
    installer,
    ['--no-defaults', user, `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.stderr}`);
  const port = await freePort();
  const child = spawn(
    daemon,
    [
      '--no-defaults',
      user,
      `--datadir=${data}`,
      `--socket=${dir}/mariadb.sock`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--skip-log-bin',
      '--innodb-flush-log-at-trx-commit=1',
      '--innodb-buffer-pool-size=256M',
    ],
    // Not in our process group: Ctrl-C must reach it only after those who use it.
    { stdio: 'ignore', detached: true },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  cleanup.add(() => {
    child.kill('SIGKILL');
    return exited;
  });
  const url = `mysql://root@127.0.0.1:${port}`;
  for (let i = 0; i < 200; i++) {
    try {
      await (await mysql.createConnection({ uri: url, connectTimeout: 2_000 })).end();
      return { url, pid: child.pid };
    } catch {
      await sleep(50);
    }
  }
  throw new Error('the private MariaDB did not come up');
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
