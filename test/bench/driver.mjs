// The people's side of a measured node, in a process of its own so that its work is not counted as the node's.
import { createReadStream, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { serveParent } from './environment.mjs';
import { runLoad } from './measure.mjs';

let agent = new Agent({ keepAlive: true });

function call(url, { method, headers, body, file }) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    if (file) pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), outgoing).catch(reject);
    else outgoing.end(body);
  });
}

serveParent({
  /** Sends the drafts `ids`, `inFlight` at a time, each until its receipt is there. */
  async load({ url, token, ids, inFlight, warmUpMs, measureMs, pids, acknowledge }) {
    agent = new Agent({ keepAlive: true, maxSockets: inFlight });
    const body = JSON.stringify({ command: 'send', acknowledge });
    let next = 0;
    const operation = async () => {
      const id = ids[next++];
      if (id === undefined) return false;
      const { status, text } = await call(`${url}/api/v1/transfers/${id}/commands`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': body.length,
          'idempotency-key': id,
          prefer: 'wait=60',
        },
        body,
      });
      if (status !== 200 || !text.includes('"state":"received"')) throw new Error(`send answered ${status}: ${text}`);
      return true;
    };
    const result = await runLoad({ inFlight, warmUpMs, measureMs, pids, operation });
    agent.destroy();
    return result;
  },

  /** One request with a file as its body; answers how long it took. */
  async upload({ url, method, headers, file, expectStatus }) {
    const start = performance.now();
    const { status, text } = await call(url, {
      method,
      headers: { ...headers, 'content-length': statSync(file).size },
      file,
    });
    if (status !== expectStatus) throw new Error(`upload answered ${status}: ${text}`);
    return { ms: performance.now() - start };
  },

  async post({ url, headers, body, expectStatus }) {
    const start = performance.now();
    const { status, text } = await call(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      body,
    });
    if (status !== expectStatus) throw new Error(`POST answered ${status}: ${text}`);
    return { ms: performance.now() - start, text };
  },
});
