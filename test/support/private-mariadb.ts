import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { quietPorts, until } from './peer-nodes';

function which(name: string): string | undefined {
  const places = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', ...(process.env.PATH ?? '').split(':')];
  return places.map((place) => join(place, name)).find((path) => existsSync(path));
}

/** A MariaDB server of a test's own, which it may crash: on a data directory of its own, with durable commits. */
export class PrivateMariadb {
  private child: ChildProcess | null = null;

  private constructor(
    private readonly daemon: string,
    private readonly dir: string,
    readonly port: number,
  ) {}

  /** Null where no server is installed. */
  static async start(): Promise<PrivateMariadb | null> {
    const [installer, daemon] = [which('mariadb-install-db'), which('mariadbd')];
    if (!installer || !daemon) return null;
    const dir = mkdtempSync(join(tmpdir(), 'jieqiao-mariadb-'));
    const init = spawnSync(
      installer,
      [
        ...['--no-defaults', `--user=${userInfo().username}`, `--datadir=${dir}/data`],
        ...['--auth-root-authentication-method=normal', '--skip-test-db'],
      ],
      { encoding: 'utf8' },
    );
    if (init.status !== 0) throw new Error(`mariadb-install-db: ${init.stdout}${init.stderr}`);
    const server = new PrivateMariadb(daemon, dir, (await quietPorts(1))[0]!);
    await server.run();
    return server;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }

  /** Starts it, on the data that are there. */
  async run(): Promise<void> {
    const args = [
      ...['--no-defaults', `--user=${userInfo().username}`, `--datadir=${this.dir}/data`],
      ...[`--socket=${this.dir}/s.sock`, `--port=${this.port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
      '--innodb-flush-log-at-trx-commit=1',
    ];
    const child = spawn(this.daemon, args, { stdio: 'ignore' });
    this.child = child;
    await until(
      'mariadbd answers',
      async () => {
        if (child.exitCode !== null) throw new Error(`mariadbd ended with ${child.exitCode}`);
        return this.answers();
      },
      30_000,
    );
  }

  /** As a power cut would end it. */
  async crash(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.crash();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    try {
      const connection = await createConnection({ uri: this.url, connectTimeout: 1_000 });
      await connection.end();
      return true;
    } catch {
      return false;
    }
  }
}
