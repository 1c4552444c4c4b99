import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { digestOf, hasCode } from '@jieqiao/core';
import { BlobStore, type NodeConfig } from '@jieqiao/platform';
import { type Finding, finding } from './finding';

const gib = 1024 ** 3;
const lowShare = 0.1;
const lowBytes = 5 * gib;
/** Less than this, and a database may not be able to end a transaction. */
const fullBytes = 256 * 1024 ** 2;
const httpMs = 3_000;
const maxAnswer = 16 * 1024;
const slowDiskMs = 500;
const probeBytes = 64 * 1024;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'INTERNAL';

/** What package.json asks for. */
const supportedNode = '20.19, 22.13';

export function checkSoftware(version: string, node: string): Finding[] {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major > 22;
  return [finding(supported ? 'software.supported' : 'software.old-node', { version, node, supported: supportedNode })];
}

export async function checkDisk({ dataDir, databaseUrl }: NodeConfig): Promise<Finding[]> {
  const blobs = join(dataDir, 'blobs');
  const database = databaseUrl.startsWith('sqlite:') ? dirname(databaseUrl.slice('sqlite:'.length)) : dataDir;
  const findings = new Map<number | string, Finding>();
  for (const dir of [dataDir, blobs, database]) {
    try {
      // A node that has not been started has no evidence directory yet: it will be made on the disk of its parent.
      const there = existsSync(dir) ? dir : dirname(dir);
      const device = statSync(there).dev;
      if (findings.has(device)) continue;
      const { bavail, blocks, bsize } = await statfs(there);
      const free = bavail * bsize;
      const share = bavail / Math.max(1, blocks);
      const id = free < fullBytes ? 'disk.full' : free < lowBytes || share < lowShare ? 'disk.low' : 'disk.enough';
      findings.set(device, finding(id, { dir: there, free: sizeOf(free), percent: Math.floor(share * 100) }));
    } catch (error) {
      findings.set(dir, finding('disk.unreadable', { dir, code: codeOf(error) }));
    }
  }
  return [...findings.values()];
}

/** Private keys and passphrases are for the node's account alone. */
export function checkFiles({ dataDir }: NodeConfig): Finding[] {
  const keys = join(dataDir, 'keys');
  if (!existsSync(join(keys, 'complete'))) return [finding('files.absent', { dir: keys })];
  const adminPassword = join(dataDir, 'admin-password');
  const names = readdirSync(keys);
  const looked = [
    { path: keys, file: 'keys', should: '700' },
    ...names.map((name) => ({ path: join(keys, name), file: `keys/${name}`, should: '600' })),
    { path: join(dataDir, 'config.json'), file: 'config.json', should: '600' },
    ...['node.sqlite', 'node.sqlite-wal'].map((file) => ({ path: join(dataDir, file), file, should: '600' })),
    { path: adminPassword, file: 'admin-password', should: '600' },
  ].filter(({ path }) => existsSync(path));
  const open = looked.flatMap(({ path, file, should }) => {
    const mode = statSync(path).mode & 0o777;
    const id = file.startsWith('node.sqlite') ? 'files.data-open' : 'files.open';
    return (mode & 0o077) === 0 ? [] : [finding(id, { path, file, mode: mode.toString(8), should })];
  });
  return [
    ...(open.length > 0 ? open : [finding('files.private', { count: looked.length - 1 })]),
    ...(existsSync(adminPassword) ? [finding('files.admin-password', { path: adminPassword })] : []),
  ];
}

/** @returns also whether the node runs, which says what the others should find */
export async function checkProcess({ http }: NodeConfig): Promise<{ findings: Finding[]; running: boolean }> {
  if (http.port === 0) return { findings: [finding('process.port-unknown')], running: false };
  const url = `http://${dialled(http.host)}:${http.port}`;
  const stranger = { findings: [finding('process.stranger', { url })], running: false };
  try {
    const { status, body } = await get(`${url}/health/ready`);
    const said = JSON.parse(body) as { status?: unknown; code?: unknown; params?: { failing?: unknown } };
    if (status === 200 && said.status === 'ok') return { findings: [finding('process.ready', { url })], running: true };
    if (said.code !== 'NOT_READY') return stranger;
    const failing = Array.isArray(said.params?.failing) ? said.params.failing.map(String) : [];
    return { findings: [finding('process.not-ready', { url, failing })], running: true };
  } catch (error) {
    if (codeOf(error) !== 'ECONNREFUSED') return stranger;
    return { findings: [finding('process.stopped', { url })], running: false };
  }
}

/** On a connection of its own, and never much of what comes. */
function get(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { agent: false, timeout: httpMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > maxAnswer) request.destroy(new Error('too large'));
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.once('error', reject);
    });
    request.once('timeout', () => request.destroy(new Error('timeout')));
    request.once('error', reject);
  });
}

/** @param ownCertificates SHA-256 fingerprints, lower-case hex: whoever shows one of them on a peer port is this node */
export async function checkPorts(
  { http, peer }: NodeConfig,
  running: boolean,
  ownCertificates: ReadonlySet<string>,
): Promise<Finding[]> {
  const ports = [
    { setting: 'http.port', host: http.host, port: http.port, isOurs: async () => running },
    ...(
      [
        ['peer.grpcPort', peer.grpcPort],
        ['peer.blobPort', peer.blobPort],
      ] as const
    ).map(([setting, port]) => ({
      setting,
      host: peer.host,
      port,
      isOurs: async () => ownCertificates.has((await shownCertificate(dialled(peer.host), port)) ?? ''),
    })),
  ];
  return Promise.all(
    ports.map(async ({ setting, host, port, isOurs }) => {
      if (port === 0) return finding('ports.any', { setting });
      const code = await tryToBind(host, port);
      if (code === null) return finding('ports.free', { setting, port });
      if (code !== 'EADDRINUSE') return finding('ports.unusable', { setting, port, code });
      return finding((await isOurs()) ? 'ports.ours' : 'ports.taken', { setting, port });
    }),
  );
}

/** Writes a file as an upload is written, makes it a blob, reads it back and removes it. */
export async function checkBlobs({ dataDir }: NodeConfig): Promise<Finding[]> {
  const dir = join(dataDir, 'blobs');
  const store = new BlobStore(dir);
  const bytes = randomBytes(probeBytes);
  const upload = `doctor-${randomBytes(8).toString('hex')}`;
  const steps = {
    write: { zh: '写入', en: 'writing' },
    finish: { zh: '落盘', en: 'syncing' },
    read: { zh: '读回', en: 'reading' },
    remove: { zh: '删除', en: 'deleting' },
  };
  let step: keyof typeof steps = 'write';
  const begun = performance.now();
  try {
    await store.append(upload, 0, Readable.from([bytes]), { limit: probeBytes });
    step = 'finish';
    const { digest } = await store.finish(upload, { expectedDigest: digestOf(bytes), length: probeBytes });
    const ms = Math.round(performance.now() - begun);
    step = 'read';
    const chunks: Buffer[] = [];
    for await (const chunk of store.read(digest)) chunks.push(chunk as Buffer);
    if (!Buffer.concat(chunks).equals(bytes))
      return [finding('blobs.failed', { dir, step: steps.read, code: 'DIGEST_MISMATCH' })];
    step = 'remove';
    // Random bytes: no evidence can have this name.
    await store.remove(digest);
    return [finding(ms > slowDiskMs ? 'blobs.slow' : 'blobs.good', { dir, ms })];
  } catch (error) {
    await store.discard(upload).catch(() => undefined);
    return [finding('blobs.failed', { dir, step: steps[step], code: hasCode(error) ? error.code : codeOf(error) })];
  }
}

/** Resolves with why the port can't be had, or null. */
function tryToBind(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(codeOf(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** The fingerprint of the certificate that a TLS server shows, whatever it is worth. */
function shownCertificate(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] });
    const end = (fingerprint: string | null) => {
      socket.destroy();
      resolve(fingerprint);
    };
    socket.setTimeout(httpMs, () => end(null));
    socket.once('error', () => end(null));
    socket.once('secureConnect', () => {
      const { raw } = socket.getPeerCertificate();
      end(raw ? digestOf(raw).slice('sha256:'.length) : null);
    });
  });
}

/** Where to reach on this machine what listens on a host setting. */
function dialled(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function sizeOf(bytes: number): string {
  return bytes < gib ? `${Math.floor(bytes / 1024 ** 2)} MiB` : `${(bytes / gib).toFixed(1)} GiB`;
}

/** The path of the configuration that was read, if there is one. */
export function configFileOf(config: NodeConfig): string | null {
  const file = join(config.dataDir, 'config.json');
  return existsSync(file) && readFileSync(file, 'utf8').includes(config.node) ? file : null;
}
