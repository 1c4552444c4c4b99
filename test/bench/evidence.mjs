import { createCipheriv, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, startProcess } from './environment.mjs';
import { cpuOf, peakRss, resetPeak } from './measure.mjs';
import { makeNodes, nextNumber, startNodes } from './nodes.mjs';

const require = createRequire(import.meta.url);
const { ApiClient } = require(join(root, 'apps/demo/dist/api-client.js'));

const mega = 1e6;
const warmUpBytes = 48 << 20;

/** Bytes that no file system or TLS library can squeeze, made as fast as AES goes. */
function pseudoRandomFile(path, bytes) {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(8 << 20);
  const file = openSync(path, 'w');
  for (let left = bytes; left > 0; left -= zeros.length) {
    writeSync(file, cipher.update(left < zeros.length ? zeros.subarray(0, left) : zeros));
  }
  fsyncSync(file);
  closeSync(file);
}

/**
 * A virtual machine pays for memory that it has not touched lately, so whoever needs new pages for its file would pay
 * for it: before each run as much of the page cache is filled and given back as the run will need.
 */
function touchMemory(path, bytes) {
  const chunk = Buffer.alloc(8 << 20, 1);
  const file = openSync(path, 'w');
  for (let left = bytes; left > 0; left -= chunk.length) writeSync(file, chunk);
  closeSync(file);
  rmSync(path);
}

/**
 * One large file: from the officer to the node over the HTTP API, then from node to node until its receipt is there.
 * Each next to the same bytes through plain Node in the same chunks, hashed, written and synced.
 */
export async function measureEvidence(cleanup, dir, database, bytes, passes, say) {
  const databases = database ? [await database.schema(), await database.schema()] : undefined;
  const specs = await makeNodes(join(dir, 'nodes'), databases);
  const nodes = await startNodes(cleanup, specs);
  const client = startProcess(cleanup, 'driver.mjs');
  const [pusher, taker] = [startProcess(cleanup, 'floor-evidence.mjs'), startProcess(cleanup, 'floor-evidence.mjs')];
  const file = join(dir, 'evidence.bin');

  const timed = async (pids, work) => {
    touchMemory(join(dir, 'scratch.bin'), bytes);
    const before = cpuOf(pids);
    const { ms } = await work();
    const after = cpuOf(pids);
    const cpuMs = Object.keys(pids).reduce((sum, name) => sum + after[name] - before[name], 0);
    return { megabytesPerSecond: bytes / mega / (ms / 1000), cpuMsPerMegabyte: cpuMs / (bytes / mega) };
  };
  const keys = (spec, name) => readFileSync(join(spec.dir, 'keys', name), 'utf8');
  const tls = (spec) => ({ key: keys(spec, 'node.key.pem'), cert: keys(spec, 'node.cert.pem') });
  const { port: httpPort } = await taker.ask({ type: 'http', dir });
  const { port: httpsPort } = await taker.ask({
    type: 'https',
    dir,
    tls: tls(specs[1]),
    peerRoot: keys(specs[0], 'root.cert.pem'),
  });
  const cleared = async (work) => {
    const measured = await work;
    await taker.ask({ type: 'clear', dir });
    return measured;
  };
  const floorUpload = (from) =>
    cleared(
      timed({ taker: taker.pid }, () =>
        client.ask({
          type: 'upload',
          url: `http://127.0.0.1:${httpPort}/`,
          method: 'PUT',
          headers: {},
          file: from,
          expectStatus: 201,
        }),
      ),
    );
  const floorDelivery = (from, hashing) =>
    cleared(
      timed({ pusher: pusher.pid, taker: taker.pid }, () =>
        pusher.ask({
          type: 'push',
          url: `https://127.0.0.1:${httpsPort}/`,
          file: from,
          tls: tls(specs[0]),
          peerRoot: keys(specs[1], 'root.cert.pem'),
          hashing,
        }),
      ),
    );
  const productUpload = (from, evidencePath) =>
    timed({ sender: nodes.pids.sender }, () =>
      client.ask({
        type: 'upload',
        url: `${nodes.url}/api/v1${evidencePath}/content`,
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${nodes.officerToken}`,
          'tus-resumable': '1.0.0',
          'upload-offset': '0',
          'content-type': 'application/offset+octet-stream',
        },
        file: from,
        expectStatus: 204,
      }),
    );
  const productDelivery = (transferId) =>
    timed(nodes.pids, () =>
      client.ask({
        type: 'post',
        url: `${nodes.url}/api/v1/transfers/${transferId}/commands`,
        headers: { authorization: `Bearer ${nodes.token}`, 'idempotency-key': transferId, prefer: 'wait=60' },
        body: JSON.stringify({ command: 'send' }),
        expectStatus: 200,
      }),
    );

  // Code that has never run is slow everywhere; a small file first.
  const small = join(dir, 'small.bin');
  pseudoRandomFile(small, warmUpBytes);
  const first = await draftWithEvidence(nodes, warmUpBytes);
  for (let i = 0; i < 2; i++) {
    await floorUpload(small);
    await floorDelivery(small, true);
  }
  await productUpload(small, first.evidencePath);
  await nodes.approve(first.transferId);
  await productDelivery(first.transferId);

  for (const pid of Object.values(nodes.pids)) resetPeak(pid);
  const upload = { floor: [], product: [] };
  const delivery = { floor: [], product: [], floorHashedTwice: [] };
  for (let pass = 0; pass < passes; pass++) {
    // Bytes that the receiver has already would not be sent again.
    pseudoRandomFile(file, bytes);
    const { transferId, evidencePath } = await draftWithEvidence(nodes, bytes);
    upload.floor.push(await floorUpload(file));
    upload.product.push(await productUpload(file, evidencePath));
    await nodes.approve(transferId);
    upload.floor.push(await floorUpload(file));
    delivery.floor.push(await floorDelivery(file, false));
    delivery.product.push(await productDelivery(transferId));
    delivery.floor.push(await floorDelivery(file, false));
    delivery.floorHashedTwice.push(await floorDelivery(file, true));
  }
  const memory = { sender: peakRss(nodes.pids.sender), receiver: peakRss(nodes.pids.receiver) };
  rmSync(file);
  await Promise.all([nodes.stop(), client.stop(), pusher.stop(), taker.stop()]);
  const mean = (runs) =>
    Object.fromEntries(
      Object.keys(runs[0]).map((key) => [key, runs.reduce((sum, one) => sum + one[key], 0) / runs.length]),
    );
  const summary = {
    bytes,
    peakRss: memory,
    upload: { product: mean(upload.product), floor: mean(upload.floor) },
    delivery: {
      product: mean(delivery.product),
      floor: mean(delivery.floor),
      floorHashedTwice: mean(delivery.floorHashedTwice),
    },
    runs: { upload, delivery },
  };
  for (const part of [summary.upload, summary.delivery]) {
    part.ratio = part.product.megabytesPerSecond / part.floor.megabytesPerSecond;
  }
  say(summary);
  return summary;
}

async function draftWithEvidence(nodes, bytes) {
  const client = new ApiClient(nodes.url);
  client.token = nodes.officerToken;
  const { transfer } = JSON.parse(readFileSync(join(root, 'test/samples/s1.json'), 'utf8'));
  const { schema, id, dossier, kind, number, from, to, evidence, documents, ...data } = transfer;
  const draft = {
    to: to.node,
    kind,
    number: nextNumber(number),
    title: transfer.cause,
    data: { ...data, unit: from.unit },
  };
  const created = await client.post('/transfers', draft);
  const { id: _id, seq, fileName, mediaType, bytes: _bytes, digest, firstHashAt, ...fields } = evidence.at(-1);
  const item = { fileName, mediaType, bytes, data: fields };
  const added = await client.post(`/transfers/${created.body.id}/evidence`, item);
  const path = `/transfers/${created.body.id}/evidence/${added.body.id}`;
  return { transferId: created.body.id, evidencePath: path };
}
