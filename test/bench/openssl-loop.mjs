// What one would do without such a gateway: `openssl cms` on both sides and curl over mutual TLS in between.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root, serveParent, startProcess, Unavailable } from './environment.mjs';
import { cpuMs } from './measure.mjs';
import { makePapers } from './nodes.mjs';

const run = promisify(execFile);
const sign = (keys, input, output) => [
  ...['cms', '-sign', '-cades', '-binary', '-nodetach', '-md', 'sha256', '-outform', 'DER'],
  ...['-signer', join(keys, 'seal.cert.pem'), '-inkey', join(keys, 'seal.key.pem'), '-in', input, '-out', output],
];
const verify = (rootCertificate, input, output) => [
  ...['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-purpose', 'any'],
  ...['-CAfile', rootCertificate, '-in', input, '-out', output],
];

/** @param settings how many loops at once, each for `measureMs` */
export async function measureOpensslLoop(cleanup, dir, settings) {
  for (const tool of [
    ['openssl', 'version'],
    ['curl', '--version'],
  ]) {
    await run(...[tool[0], tool.slice(1)]).catch(() => {
      throw new Unavailable(`no ${tool[0]} here`);
    });
  }
  const { stdout: version } = await run('openssl', ['version']);
  const [sender, receiver] = await makePapers(join(dir, 'nodes'));
  const server = startProcess(cleanup, 'openssl-loop.mjs');
  const work = join(dir, 'server');
  const { port } = await server.ask({ type: 'listen', own: keysOf(receiver), peer: keysOf(sender), dir: work });
  const lead = join(dir, 'transfer.json');
  const { canonicalJson } = createRequire(import.meta.url)('@jieqiao/core');
  const { transfer } = JSON.parse(readFileSync(join(root, 'test/samples/s1.json'), 'utf8'));
  writeFileSync(lead, canonicalJson({ ...transfer, evidence: [] }));
  const results = [];
  for (const { loops, measureMs } of settings) {
    let count = 0;
    let stopped = false;
    const cpu = () => cpuMs(process.pid, true) + cpuMs(server.pid, true);
    const cpuBefore = cpu();
    const start = performance.now();
    const loop = async (_, number) => {
      const at = (name) => join(dir, `${number}-${name}`);
      const own = keysOf(sender);
      const peerRoot = join(keysOf(receiver), 'root.cert.pem');
      while (!stopped) {
        await run('openssl', sign(own, lead, at('sealed.der')));
        await run('curl', [
          ...['--silent', '--show-error', '--fail', '--cacert', peerRoot],
          ...['--cert', join(own, 'node.cert.pem'), '--key', join(own, 'node.key.pem')],
          ...['--data-binary', `@${at('sealed.der')}`, '--output', at('receipt.der')],
          `https://127.0.0.1:${port}/`,
        ]);
        await run('openssl', verify(peerRoot, at('receipt.der'), at('receipt.txt')));
        count++;
      }
    };
    const all = Promise.all(Array.from({ length: loops }, loop));
    await Promise.race([new Promise((resolve) => setTimeout(resolve, measureMs)), all]);
    stopped = true;
    await all;
    const seconds = (performance.now() - start) / 1000;
    results.push({
      loops,
      count,
      seconds,
      perSecond: count / seconds,
      cpuMicros: ((cpu() - cpuBefore) * 1000) / count,
    });
  }
  await server.stop();
  return { version: version.trim(), settings: results };
}

const keysOf = (spec) => join(spec.dir, 'keys');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let count = 0;
  serveParent({
    async listen({ own, peer, dir }) {
      mkdirSync(dir, { recursive: true });
      const read = (keys, name) => readFileSync(join(keys, name));
      const server = createServer({
        key: read(own, 'node.key.pem'),
        cert: read(own, 'node.cert.pem'),
        ca: read(peer, 'root.cert.pem'),
        requestCert: true,
        rejectUnauthorized: true,
      });
      server.on('request', async (request, response) => {
        const at = (name) => join(dir, `${number}-${name}`);
        const number = ++count;
        try {
          const chunks = [];
          for await (const chunk of request) chunks.push(chunk);
          writeFileSync(at('sealed.der'), Buffer.concat(chunks));
          await run('openssl', verify(join(peer, 'root.cert.pem'), at('sealed.der'), at('transfer.json')));
          writeFileSync(at('receipt.txt'), `received ${number} ${new Date().toISOString()}\n`);
          await run('openssl', sign(own, at('receipt.txt'), at('receipt.der')));
          response.end(readFileSync(at('receipt.der')));
        } catch (error) {
          response.writeHead(500).end(String(error));
        }
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      return { port: server.address().port };
    },
  });
}
