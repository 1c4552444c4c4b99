import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const root = join(__dirname, '../..');

/** A shell's environment of which only the language is chosen. */
function environment(lang: string): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, LANG: lang, ...(TMPDIR ? { TMPDIR } : {}) };
}

/** One of the demonstration's commands as a process of its own, its output not a terminal. */
export class Command {
  stdout = '';
  stderr = '';
  readonly began = Date.now();
  readonly exited: Promise<number | string>;
  private readonly child: ChildProcess;
  private readonly changed = new Set<() => void>();

  constructor(name: 'start' | 'demo' | 'reset', args: string[], lang = 'C.UTF-8') {
    const script = join(root, 'apps/demo/bin', `${name}.mjs`);
    this.child = spawn(process.execPath, [script, ...args], {
      cwd: root,
      env: environment(lang),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const note = (): void => {
      for (const look of this.changed) look();
    };
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      note();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(signal ?? code ?? -1)));
    void this.exited.then(note);
  }

  /** Resolves when the text stands in the output; fails when the process ends before. */
  async says(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        const ended = this.child.exitCode !== null || this.child.signalCode !== null;
        if (this.stdout.includes(text)) resolve();
        else if (ended) reject(new Error(`ended without saying ${text}\n${this.stdout}\n${this.stderr}`));
        else return;
        this.changed.delete(look);
      };
      this.changed.add(look);
      look();
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** A command that ends by itself. */
export async function runCommand(
  name: 'start' | 'demo' | 'reset',
  args: string[],
  lang?: string,
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const command = new Command(name, args, lang);
  const code = await command.exited;
  return { code, stdout: command.stdout, stderr: command.stderr };
}

/** Runs lines as a person would paste them; any that fails makes the whole fail. */
export function shell(lines: string, cwd: string): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile('sh', ['-e', '-c', lines], { cwd, env: environment('C.UTF-8') }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, text: stdout + stderr });
    });
  });
}

/** Process ids of a data directory's nodes, as long as its holder runs. */
export function nodesOf(dir: string): number[] {
  return (JSON.parse(readFileSync(join(dir, 'running.json'), 'utf8')) as { nodes: number[] }).nodes;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until none of the processes is left. @returns those that are after `withinMs` */
export async function gone(pids: readonly number[], withinMs: number): Promise<number[]> {
  for (const end = Date.now() + withinMs; Date.now() < end && pids.some(isAlive); ) await delay(50);
  return pids.filter(isAlive);
}
