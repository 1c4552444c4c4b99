import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digest, digestOf, encodeVkey, logOrigin, noteKey } from '@jieqiao/core';
import { KeyStore } from '@jieqiao/platform';
import { NodeProcess, type NodeSpec, prepareNodes } from '../../apps/demo/src/nodes';
import { readSample, sampleTerms } from './exchange-fixture';
import type { CheckedNode, SentCase } from './exchange-invariants';
import { pause, quietPorts } from './peer-nodes';

const password = 'correct horse battery';
const day = 86_400_000;
const killAt = join(__dirname, '../faults/kill-at.cjs');

/** A node as a process of its own that is started again whenever it was killed, as a service manager would. */
export class FaultNode {
  /** How often it was killed. */
  kills = 0;
  private process: NodeProcess | null = null;
  private starting: Promise<void> = Promise.resolve();
  private stopping = false;
  private readonly faultFile: string;

  constructor(readonly spec: NodeSpec) {
    this.faultFile = join(spec.dir, 'fault');
  }

  get url(): string {
    return `http://127.0.0.1:${this.spec.ports.http}`;
  }

  get checked(): CheckedNode {
    const { node, dir, databaseUrl = `sqlite:${join(dir, 'node.sqlite')}` } = this.spec;
    const { log } = new KeyStore(join(dir, 'keys')).load();
    return { node, databaseUrl, blobsDir: join(dir, 'blobs'), vkey: encodeVkey(noteKey(logOrigin(node), log)) };
  }

  start(): Promise<void> {
    this.stopping = false;
    this.starting = this.spawn();
    return this.starting;
  }

  /** Resolves when it is up, perhaps again. */
  async up(): Promise<void> {
    for (let before: Promise<void> | null = null; before !== this.starting; ) {
      before = this.starting;
      await before;
    }
  }

  /** Asks for a power cut at a step: "receive:4-before-commit", or "log:append#3" for the third time. */
  arm(step: string): void {
    writeFileSync(this.faultFile, step);
  }

  get armed(): boolean {
    return existsSync(this.faultFile);
  }

  disarm(): void {
    rmSync(this.faultFile, { force: true });
  }

  /** A power cut now, whatever it is doing, starting included. False if there is nothing to kill at the moment. */
  kill(): boolean {
    if (!this.pid) return false;
    process.kill(this.pid, 'SIGKILL');
    return true;
  }

  async stop(): Promise<number | string | null> {
    this.stopping = true;
    await this.starting.catch(() => undefined);
    return this.process?.stop() ?? null;
  }

  get lastWords(): string {
    return this.process?.lastWords ?? '';
  }

  private pid = 0;

  private async spawn(): Promise<void> {
    const execArgv = ['--require', killAt];
    const env = {
      JIEQIAO_FAULT_FILE: this.faultFile,
      JIEQIAO_LANE_RETRY_FIRST_MS: '50',
      JIEQIAO_LANE_RETRY_MAX_MS: '1000',
      JIEQIAO_SESSION_ACCESS_MINUTES: '60',
      JIEQIAO_SESSION_ATTEMPTS_PER_MINUTE: '1000',
    };
    for (;;) {
      const started = NodeProcess.spawn(this.spec, { execArgv, env });
      this.pid = started.pid;
      void started.exited.then((how) => {
        this.pid = 0;
        if (how === 'SIGKILL') this.kills++;
      });
      try {
        await started.ready;
        this.process = started;
        break;
      } catch (error) {
        if ((await started.exited) !== 'SIGKILL' || this.stopping) throw error;
      }
    }
    void this.process.exited.then((how) => {
      if (!this.stopping && how === 'SIGKILL') this.starting = this.spawn();
    });
  }
}
