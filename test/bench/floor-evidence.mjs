// The floor under evidence: one file over HTTP or mutual TLS, hashed, written and synced by plain Node.
import { createHash, X509Certificate } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer, request } from 'node:https';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { serveParent } from './environment.mjs';

const batchBytes = 1 << 20;
const writebackBytes = 64 << 20;
const readChunkBytes = 256 << 10;

/** Hashes and writes what comes, the next megabyte while the last one is being written; durable when it returns. */
async function take(stream, target) {
  const partial = `${target}.part`;
  const file = await open(partial, 'w', 0o600);
  const sha = createHash('sha256');
  let crc = 0;
  let pending = [];
  let pendingBytes = 0;
  let position = 0;
  let sinceWriteback = 0;
  let writing = Promise.resolve();
  let writeback = null;
  const flush = async () => {
    await writing;
    const batch = pending;
    const at = position;
    position += pendingBytes;
    sinceWriteback += pendingBytes;
    pending = [];
    pendingBytes = 0;
    writing = file.writev(batch, at);
    if (sinceWriteback >= writebackBytes && writeback === null) {
      sinceWriteback = 0;
      writeback = file.datasync().then(() => {
        writeback = null;
      });
    }
  };
  for await (const chunk of stream) {
    sha.update(chunk);
    crc = crc32(chunk, crc);
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes >= batchBytes) await flush();
  }
  await flush();
  await writing;
  await writeback;
  await file.sync();
  await file.close();
  await rename(partial, target);
  const parent = await open(dirname(target), 'r');
  await parent.sync();
  await parent.close();
  return { digest: sha.digest('hex'), crc };
}

let taken = 0;

function listen(server, dir) {
  server.requestTimeout = 0;
  server.on('request', (incoming, response) => {
    take(incoming, join(dir, `taken-${++taken}`)).then(
      (hashes) => response.writeHead(201).end(JSON.stringify(hashes)),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port })));
}

serveParent({
  http: ({ dir }) => listen(createHttpServer(), dir),
  https: ({ dir, tls, peerRoot }) =>
    listen(createHttpsServer({ ...tls, ca: peerRoot, requestCert: true, rejectUnauthorized: true }), dir),

  /** Frees the disk between two measurements. */
  clear: ({ dir }) => rm(join(dir, `taken-${taken}`), { force: true }),

  /** @param hashing whether this side hashes what it reads, too */
  async push({ url, file, tls, peerRoot, hashing }) {
    const start = performance.now();
    const expected = new X509Certificate(peerRoot);
    const put = request(url, {
      method: 'PUT',
      ...tls,
      ca: peerRoot,
      headers: { 'content-length': statSync(file).size },
      checkServerIdentity: (_host, certificate) =>
        new X509Certificate(certificate.raw).checkIssued(expected) ? undefined : new Error('stranger'),
    });
    const answered = new Promise((resolve, reject) => {
      put.once('error', reject);
      put.once('response', (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
      });
    });
    const sha = createHash('sha256');
    let crc = 0;
    const content = createReadStream(file, { highWaterMark: readChunkBytes });
    if (hashing) {
      content.on('data', (chunk) => {
        sha.update(chunk);
        crc = crc32(chunk, crc);
      });
      content.pause();
    }
    await pipeline(content, put);
    const status = await answered;
    if (status !== 201) throw new Error(`the floor answered ${status}`);
    return { ms: performance.now() - start };
  },
});
