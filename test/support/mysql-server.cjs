// Finds a MySQL/MariaDB server for the tests: the one named by JIEQIAO_TEST_MYSQL, a local one, or a private mariadbd.
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir, userInfo } = require('node:os');
const { join } = require('node:path');
const mysql = require('mysql2/promise');

const usual = 'mysql://root@127.0.0.1:3306';

async function answers(url) {
  try {
    const connection = await mysql.createConnection({ uri: url, connectTimeout: 2000 });
    await connection.query('SELECT 1');
    await connection.end();
    return true;
  } catch {
    return false;
  }
}

function which(name) {
  const places = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', ...(process.env.PATH ?? '').split(':')];
  return places.map((place) => join(place, name)).find((path) => existsSync(path));
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function startPrivate() {
  const installer = which('mariadb-install-db');
  const daemon = which('mariadbd');
  if (!installer || !daemon) return null;
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-mariadb-'));
  const user = `--user=${userInfo().username}`;
  const init = spawnSync(
    installer,
    ['--no-defaults', user, `--datadir=${dir}/data`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { stdio: 'ignore' },
  );
  if (init.status !== 0) return null;
  const port = await freePort();
  const child = spawn(
    daemon,
    [
      '--no-defaults',
      user,
      `--datadir=${dir}/data`,
      `--socket=${dir}/s.sock`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
    ],
    { stdio: 'ignore' },
  );
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  const url = `mysql://root@127.0.0.1:${port}`;
  for (let i = 0; i < 100; i++) {
    if (await answers(url)) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  stop();
  return null;
}

/** @returns {Promise<{url: string, stop: () => void} | null>} */
exports.findMysql = async function findMysql() {
  for (const url of [process.env.JIEQIAO_TEST_MYSQL, usual]) {
    if (url && (await answers(url))) return { url, stop: () => undefined };
  }
  return startPrivate();
};
