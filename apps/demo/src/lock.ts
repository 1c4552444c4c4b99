import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeWhole } from './nodes';

interface Running {
  /** The process that holds the directory. */
  pid: number;
  nodes: number[];
}

/** Nodes whose parent was killed end by themselves within this time. */
const leaveMs = 6_000;

/** Says that a directory's nodes run, so that neither a second start nor a reset gets between. */
export class Lock {
  private readonly running: Running;

  private constructor(private readonly file: string) {
    this.running = { pid: process.pid, nodes: [] };
  }

  /** @returns null when another process holds the directory */
  static async take(dir: string): Promise<Lock | null> {
    if (await holder(dir)) return null;
    const file = lockFile(dir);
    rmSync(file, { force: true });
    const lock = new Lock(file);
    try {
      // Exclusive: of two who start at once, one is second.
      writeFileSync(file, JSON.stringify(lock.running), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
      throw error;
    }
    return lock;
  }

  addNode(pid: number): void {
    this.running.nodes.push(pid);
    writeWhole(this.file, JSON.stringify(this.running));
  }

  release(): void {
    rmSync(this.file, { force: true });
  }
}

const lockFile = (dir: string): string => join(dir, 'running.json');

/** Process id of whoever runs this directory's nodes, or of a node that is left; null when nobody does. */
export async function holder(dir: string): Promise<number | null> {
  const running = read(dir);
  if (!running) return null;
  if (isOurs(running.pid)) return running.pid;
  for (const end = Date.now() + leaveMs; ; await delay(100)) {
    const left = running.nodes.find(isOurs);
    if (left === undefined) return null;
    if (Date.now() > end) return left;
  }
}

function read(dir: string): Running | null {
  if (!existsSync(lockFile(dir))) return null;
  try {
    return JSON.parse(readFileSync(lockFile(dir), 'utf8')) as Running;
  } catch {
    // Taken a moment ago and not yet written, or cut off by a power failure: nobody is named.
    return null;
  }
}

/** A process id may have gone to somebody else since; then its command is not one of ours. */
function isOurs(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return ourCommand.test(commandOf(pid));
}

/** What `ps` shows of a process that holds a directory. */
export const processTitle = 'jieqiao-demo';
const ourCommand = new RegExp(`${processTitle}|apps[/\\\\]gateway[/\\\\]`);

function commandOf(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return ''; // it ended between the two looks
  }
}
