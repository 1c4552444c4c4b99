import { join } from 'node:path';
import type { Certificate } from '@jieqiao/core';
import { digestFromRaw, digestOf, type LogEvent, type NoteKey } from '@jieqiao/core';
import { createLogger, type DataKey, KeyStore, loadConfig, type NodeConfig, nodeClock } from '@jieqiao/platform';
import type { Gateway } from '../gateway';
import type { Cli, Option } from './command';

/** Every command that works on a node takes it. */
export const configOption = {
  config: {
    value: 'FILE',
    about: {
      zh: '节点的 config.json；缺省依次为 JIEQIAO_CONFIG、JIEQIAO_DATA_DIR、当前目录里的',
      en: 'the node’s config.json; else by JIEQIAO_CONFIG, JIEQIAO_DATA_DIR, or the one here',
    },
  },
} as const satisfies Record<string, Option>;

export function configOf({ around }: Cli, file: string | undefined): NodeConfig {
  return loadConfig({ argv: file === undefined ? [] : ['--config', file], env: around.env, cwd: around.cwd });
}

/** What this node takes for the time: the same as the running one. */
export function clockOf({ around }: Cli, config: NodeConfig): () => Date {
  const warn = (message: string, details: Record<string, unknown>) =>
    void around.stderr.write(`${JSON.stringify({ level: 'warn', message, ...details })}\n`);
  return nodeClock(config, around.now, warn);
}

export function keyStoreOf(config: NodeConfig): KeyStore {
  return new KeyStore(join(config.dataDir, 'keys'));
}

/** Works on a node's database beside the running node or without one; nothing is served and no worker runs. */
export async function withNode<T>(cli: Cli, config: NodeConfig, work: (gateway: Gateway) => Promise<T>): Promise<T> {
  // Late: it brings the whole node with it, which --help and a look at a file need not wait for.
  const { Gateway } = require('../gateway') as typeof import('../gateway');
  const warnings = { write: (line: string) => void cli.around.stderr.write(line) };
  const gateway = await Gateway.open(config, createLogger('error', config.node, warnings), clockOf(cli, config));
  try {
    return await work(gateway);
  } finally {
    await gateway.stop();
  }
}

/** A change of keys belongs into the node's log: whoever audits it sees which certificate is from when. */
export async function logEvents(gateway: Gateway, events: LogEvent[]): Promise<void> {
  await gateway.db.transaction((tx) => gateway.audit.append(tx, events));
  gateway.audit.committed();
}

export function certificateIssued(use: string, certificate: Certificate): LogEvent {
  return { event: 'key.issued', subject: { fingerprint: fingerprintOf(certificate), use } };
}

export function logKeyIssued({ publicKey }: NoteKey): LogEvent {
  const fingerprint = digestOf(publicKey.export({ type: 'spki', format: 'der' }));
  return { event: 'key.issued', subject: { fingerprint, use: 'log' } };
}

/** By the id that stands before whatever the key has sealed: nothing of the key itself. */
export function dataKeyIssued({ id }: DataKey): LogEvent {
  return { event: 'key.issued', subject: { fingerprint: digestOf(id), use: 'data' } };
}

export function fingerprintOf(certificate: Certificate) {
  return digestFromRaw(Buffer.from(certificate.fingerprint, 'hex'));
}
