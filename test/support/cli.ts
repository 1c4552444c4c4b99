import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { type Card, cardFingerprint } from '@jieqiao/core';
import { freePorts } from '../../apps/demo/src/nodes';
import { run } from '../../apps/gateway/src/cli/run';

export interface Said {
  code: number;
  out: string;
  err: string;
}

export interface Situation {
  env?: Record<string, string>;
  now?: () => Date;
  /** Somebody sits there: for a question that contains the first text they type the second. Each is used once. */
  answers?: [question: string, answer: string][];
}

/** Runs `jieqiao` in this process, as somebody would in a directory. */
export async function jieqiao(cwd: string, argv: readonly string[], situation: Situation = {}): Promise<Said> {
  const { env = {}, now = () => new Date(), answers } = situation;
  const stdin = Object.assign(new PassThrough(), { isTTY: answers !== undefined }) as unknown as NodeJS.ReadStream;
  const left = [...(answers ?? [])];
  let out = '';
  let err = '';
  const screen = (write: (text: string) => void) =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        write(chunk.toString());
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const stdout = screen((text) => {
    out += text;
  });
  let unanswered = '';
  const stderr = screen((text) => {
    err += text;
    unanswered += text;
    const [question, answer] = left[0] ?? [];
    if (question === undefined || !unanswered.includes(question)) return;
    left.shift();
    unanswered = '';
    setImmediate(() => (stdin as unknown as PassThrough).write(`${answer}\n`));
  });
  const code = await run(argv, { env, cwd, stdin, stdout, stderr, now });
  return { code, out, err };
}

/** Directories of their own for some nodes, and what lies between them. */
export class Desks {
  readonly dir = mkdtempSync(join(tmpdir(), 'jieqiao-cli-'));
  readonly stick = join(this.dir, 'stick');

  constructor() {
    mkdirSync(this.stick);
  }

  /** A node made by `jieqiao init`, on ports that are free now. */
  async node(node: string, authority: string, more: readonly string[] = []): Promise<Desk> {
    const dir = join(this.dir, node);
    mkdirSync(dir);
    const [http, grpc, blobs] = (await freePorts(3)) as [number, number, number];
    const card = join(this.stick, `${node}.card.json`);
    const ports = ['--http-port', `${http}`, '--grpc-port', `${grpc}`, '--blob-port', `${blobs}`];
    const desk = new Desk(dir, node, card);
    const given = ['--node', node, '--authority', authority, '--host', '127.0.0.1', '--card', card];
    const { code, err } = await desk.jieqiao(['init', ...given, ...ports, ...more]);
    if (code !== 0) throw new Error(err);
    return desk;
  }

  drop(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export class Desk {
  constructor(
    readonly dir: string,
    readonly node: string,
    readonly card: string,
  ) {}

  jieqiao(argv: readonly string[], situation?: Situation): Promise<Said> {
    return jieqiao(this.dir, argv, situation);
  }

  /** What the command prints as JSON. */
  async json<T>(argv: readonly string[], situation?: Situation): Promise<T> {
    const { out, err } = await this.jieqiao([...argv, '--json'], situation);
    if (out === '') throw new Error(err);
    return JSON.parse(out) as T;
  }

  /** As its administrator reads it aloud. */
  async fingerprint(): Promise<string> {
    return cardFingerprint(await this.json<Card>(['card']));
  }

  /** `--fingerprint NODE=…` of others, as heard from them. */
  static async heard(...others: Desk[]): Promise<string[]> {
    const options: string[] = [];
    for (const other of others) options.push('--fingerprint', `${other.node}=${await other.fingerprint()}`);
    return options;
  }
}
