import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  answerTimestampRequest,
  Certificate,
  createDemonstrationAuthority,
  createRoot,
  type DemonstrationAuthority,
  digestOf,
  GatewayError,
  issueCertificate,
  readTimestampResponse,
  Signer,
  type TimeAuthority,
  timestampRequest,
  verifyTimestamp,
} from '@jieqiao/core';
import { openTimestampKeys, TimestampClient } from '@jieqiao/platform';
import request from 'supertest';
import { type HttpNode, startHttpNode } from '../support/http-node';

const dir = mkdtempSync(join(tmpdir(), 'timestamps-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const day = 86_400_000;
const start = new Date('2026-11-23T02:00:00.000Z');
const validity = { notBefore: new Date(start.getTime() - day), notAfter: new Date(start.getTime() + day) };
const imprint = digestOf(Buffer.from('a signature'));
const otherImprint = digestOf(Buffer.from('another signature'));
const replyType = { 'content-type': 'application/timestamp-reply' };

async function problemOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  );
  return error instanceof GatewayError ? { code: error.code, ...error.params } : error;
}

describe('the client of time-stamping services', () => {
  let made: DemonstrationAuthority;
  let trusted: TimeAuthority[];
  let now: Date;
  const servers: Server[] = [];

  beforeAll(async () => {
    made = await createDemonstrationAuthority('pinghu.330482', validity);
    trusted = [{ name: '演示', certificate: Certificate.parse(made.rootPem), demonstration: true }];
  });
  beforeEach(() => {
    now = start;
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function listen(server: Server, scheme = 'http'): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`;
  }

  /** A service that gets a request's bytes and answers as it likes. `asked` counts. */
  async function service(answer: (query: Buffer, response: ServerResponse) => void) {
    const state = { url: '', asked: 0 };
    const onRequest: RequestListener = async (incoming, response) => {
      state.asked++;
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      expect(incoming.method).toBe('POST');
      expect(incoming.headers['content-type']).toBe('application/timestamp-query');
      answer(Buffer.concat(chunks), response);
    };
    state.url = await listen(createServer(onRequest));
    return state;
  }

  const stamped = (query: Uint8Array, at = now, by = made) =>
    answerTimestampRequest(query, {
      signer: Signer.fromPem(by.authority.privateKeyPem, by.authority.certificatePem),
      now: at,
      serial: randomBytes(16),
    });
  const honest = () => service((query, response) => response.writeHead(200, replyType).end(stamped(query)));
  const hurried = (timeoutMs: number, ...urls: string[]) =>
    new TimestampClient({ urls: urls.join(' , '), timeoutMs }, () => now);
  const client = (...urls: string[]) => hurried(10_000, ...urls);
  const host = (url: string) => new URL(url).host;

  it('gets a token that says when, and by whom', async () => {
    const good = await honest();
    const { token, timestamp } = await client(good.url).stamp(imprint, trusted);
    expect(timestamp).toMatchObject({ time: start, authority: '演示', demonstration: true });
    expect(verifyTimestamp(token, imprint, trusted)).toEqual(timestamp);
  });

  it('asks with another nonce each time', async () => {
    const queries: string[] = [];
    const good = await service((query, response) => {
      queries.push(query.toString('hex'));
      response.writeHead(200, replyType).end(stamped(query));
    });
    await client(good.url).stamp(imprint, trusted);
    await client(good.url).stamp(imprint, trusted);
    expect(queries).toHaveLength(2);
    expect(queries[0]).not.toBe(queries[1]);
  });

  it('without services there is nobody to ask', async () => {
    expect(client().configured).toBe(false);
    expect(await problemOf(client().stamp(imprint, trusted))).toEqual({ code: 'TIMESTAMP_UNAVAILABLE', tried: [] });
  });

  type Answer = (query: Buffer, response: ServerResponse) => void;
  const reply =
    (bytes: (query: Buffer) => Uint8Array): Answer =>
    (query, response) => {
      response.writeHead(200, replyType).end(bytes(query));
    };
  const bad: [string, Answer, string][] = [
    ['never answers', () => undefined, 'timeout'],
    [
      'answers byte by byte, for ever',
      (_, response) => {
        response.writeHead(200, replyType);
        const drip = setInterval(() => response.write('0'), 20);
        response.once('close', () => clearInterval(drip));
      },
      'timeout',
    ],
    ['hangs up', (_, response) => response.socket!.destroy(), 'ECONNRESET'],
    [
      'hangs up half-way',
      (query, response) => {
        const bytes = stamped(query);
        response.writeHead(200, { ...replyType, 'content-length': bytes.length }).write(bytes.subarray(0, 100), () => {
          response.socket!.destroy();
        });
      },
      'ECONNRESET',
    ],
    ['is out of order', (_, response) => response.writeHead(503).end(), 'status-503'],
    [
      'sends elsewhere',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'status-302',
    ],
    [
      'answers in another type',
      (query, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(stamped(query)),
      'content-type',
    ],
    ['answers too much', reply(() => Buffer.alloc(64 * 1024 + 1, 0x30)), 'too-large'],
    ['answers nothing', reply(() => Buffer.alloc(0)), 'structure'],
    ['answers nonsense', reply(() => Buffer.from('<html>')), 'structure'],
    ['refuses', reply(() => stamped(Buffer.from('3003020101', 'hex'))), 'refused rejection badDataFormat'],
    ['stamps another digest', reply(() => stamped(timestampRequest(otherImprint, randomBytes(16)))), 'imprint'],
    ['repeats an old answer', reply(() => stamped(timestampRequest(imprint, randomBytes(16)))), 'nonce'],
    ['has a clock ahead by five minutes', reply((query) => stamped(query, new Date(now.getTime() + 300_001))), 'clock'],
    [
      'has a clock behind by five minutes',
      reply((query) => stamped(query, new Date(now.getTime() - 300_001))),
      'clock',
    ],
  ];

  it.each(bad)('goes on to the next service where one %s', async (_, answer, problem) => {
    const [first, second] = [await service(answer), await honest()];
    // Time enough for the one that answers, however busy the machine.
    const patience = problem === 'timeout' ? 3_000 : 10_000;
    const { timestamp } = await hurried(patience, first.url, second.url).stamp(imprint, trusted);
    expect(timestamp.authority).toBe('演示');
    expect([first.asked, second.asked]).toEqual([1, 1]);
    expect(await problemOf(hurried(problem === 'timeout' ? 100 : 10_000, first.url).stamp(imprint, trusted))).toEqual({
      code: 'TIMESTAMP_UNAVAILABLE',
      tried: [`${host(first.url)} ${problem}`],
    });
  });

  it('a clock that differs by less counts', async () => {
    const late = await service(reply((query) => stamped(query, new Date(now.getTime() - 299_000))));
    await expect(client(late.url).stamp(imprint, trusted)).resolves.toBeDefined();
  });

  it('a service that is not there, and one that no agreement names', async () => {
    const gone = await honest();
    servers.pop()!.close();
    const stranger = await createDemonstrationAuthority('pinghu.330482', validity);
    const lookAlike = await service(reply((query) => stamped(query, now, stranger)));
    expect(await problemOf(client(gone.url, lookAlike.url).stamp(imprint, trusted))).toEqual({
      code: 'TIMESTAMP_UNAVAILABLE',
      tried: [`${host(gone.url)} ECONNREFUSED`, `${host(lookAlike.url)} UNKNOWN_ISSUER`],
    });
  });

  it('https: a server certificate that the machine does not trust is refused', async () => {
    // TLS looks at the machine's clock.
    const today = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
    const root = await createRoot({ organisation: '甲', commonName: '根' }, today, '01');
    const pair = await issueCertificate(root, {
      use: 'node',
      name: { organisation: '甲', commonName: '乙' },
      urn: 'urn:jieqiao:node:pinghu.330482',
      hosts: ['127.0.0.1'],
      validity: today,
      serial: '02',
    });
    const url = await listen(createTlsServer({ key: pair.privateKeyPem, cert: pair.certificatePem }), 'https');
    expect(await problemOf(client(url).stamp(imprint, trusted))).toEqual({
      code: 'TIMESTAMP_UNAVAILABLE',
      tried: [`${host(url)} UNABLE_TO_VERIFY_LEAF_SIGNATURE`],
    });
  });

  it('passes over a service that failed, for a minute, unless all fail', async () => {
    let works = false;
    const first = await service((query, response) => {
      if (works) response.writeHead(200, replyType).end(stamped(query));
      else response.writeHead(500).end();
    });
    const second = await service((query, response) => {
      if (works) response.writeHead(500).end();
      else response.writeHead(200, replyType).end(stamped(query));
    });
    const both = client(first.url, second.url);
    const counts = async () => {
      const error = await problemOf(both.stamp(imprint, trusted));
      return [first.asked, second.asked, error === null];
    };
    expect(await counts()).toEqual([1, 1, true]);
    // The first one rests: only the second is asked.
    expect(await counts()).toEqual([1, 2, true]);
    // The second fails, so the first is asked though it rests.
    works = true;
    expect(await counts()).toEqual([2, 3, true]);
    // Now the second rests, and the first is back.
    expect(await counts()).toEqual([3, 3, true]);
    works = false;
    expect(await counts()).toEqual([4, 4, true]);
    now = new Date(start.getTime() + 59_999);
    expect(await counts()).toEqual([4, 5, true]);
    now = new Date(start.getTime() + 60_000);
    expect(await counts()).toEqual([5, 6, true]);
  });

  it('probes every service, those at rest too', async () => {
    const ahead = await service(reply((query) => stamped(query, new Date(now.getTime() + 7_000))));
    const broken = await service((_, response) => response.writeHead(404).end());
    const both = client(broken.url, ahead.url);
    await both.stamp(imprint, trusted);
    expect(await both.probe(trusted)).toEqual([
      { host: host(broken.url), aheadMs: null, timestamp: null, problem: 'status-404' },
      {
        host: host(ahead.url),
        aheadMs: 7_000,
        timestamp: expect.objectContaining({ authority: '演示', demonstration: true }),
        problem: null,
      },
    ]);
    expect(await client().probe(trusted)).toEqual([]);
  });
});

describe('the embedded authority of a node', () => {
  let node: HttpNode;
  beforeAll(async () => {
    node = await startHttpNode({
      // The client that asks it goes by the machine's clock.
      at: new Date().toISOString(),
      config: (config) => {
        config.timestamps.demonstrationAuthority = true;
      },
    });
  }, 30_000);
  afterAll(() => node.close());

  const ask = (query: Buffer) =>
    request(node.server)
      .post('/tsa')
      .set('content-type', 'application/timestamp-query')
      .buffer(true)
      .parse((response, done) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => done(null, Buffer.concat(chunks)));
      })
      .send(query);
  const keyDir = () => join(node.gateway.config.dataDir, 'keys');
  const rootFile = () => join(keyDir(), 'tsa-root.cert.pem');

  it('openssl asks it over HTTP and is content', async () => {
    const path = (name: string) => join(dir, name);
    writeFileSync(path('data'), 'a document');
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, encoding: 'utf8', stdio: 'pipe' });
    openssl('ts', '-query', '-data', 'data', '-sha256', '-cert', '-out', 'q.tsq');
    const answer = await ask(readFileSync(path('q.tsq')));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/timestamp-reply');
    expect(answer.headers['x-jieqiao-timestamp']).toBe('demonstration');
    expect(answer.headers['cache-control']).toBe('no-store');
    writeFileSync(path('r.tsr'), answer.body);
    expect(openssl('ts', '-verify', '-queryfile', 'q.tsq', '-in', 'r.tsr', '-CAfile', rootFile())).toContain('OK');
  });

  it('its client gets a token from it, marked as a demonstration', async () => {
    const certificate = Certificate.parse(readFileSync(rootFile(), 'utf8'));
    const client = new TimestampClient({ urls: `${node.url}/tsa`, timeoutMs: 10_000 }, () => new Date());
    const { timestamp } = await client.stamp(imprint, [{ name: '演示', certificate, demonstration: false }]);
    expect(timestamp.demonstration).toBe(true);
  });

  it('keeps its keys, in files that nobody else reads', async () => {
    const files = readdirSync(keyDir()).filter((name) => name.startsWith('tsa'));
    expect(files.sort()).toEqual(['tsa-root.cert.pem', 'tsa.pem']);
    for (const name of files) expect(statSync(join(keyDir(), name)).mode & 0o777).toBe(0o600);
    const before = readFileSync(join(keyDir(), 'tsa.pem'));
    const again = await openTimestampKeys(keyDir(), 'pinghu.330482', new Date());
    expect(readFileSync(join(keyDir(), 'tsa.pem')).equals(before)).toBe(true);
    expect(again.root.toPem()).toBe(readFileSync(rootFile(), 'utf8'));
  });

  it('answers what is no request with a refusal, and too much with an error', async () => {
    const refused = await ask(Buffer.from('what time is it?'));
    expect(refused.status).toBe(200);
    expect(() => readTimestampResponse(refused.body)).toThrow('badDataFormat');
    expect((await ask(Buffer.alloc(4 * 1024 + 1))).status).toBe(413);
    const text = await request(node.server).post('/tsa').set('content-type', 'text/plain').send('time?');
    expect([text.status, text.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    const nothing = await request(node.server).post('/tsa');
    expect([nothing.status, nothing.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    const read = await request(node.server).get('/tsa');
    expect([read.status, read.body.code, read.headers.allow]).toEqual([405, 'METHOD_NOT_ALLOWED', 'POST']);
  });

  it('answers one address sixty times a minute', async () => {
    const statuses = new Set<number>();
    let last = await ask(Buffer.alloc(1));
    for (let i = 0; i < 60 && last.status === 200; i++) {
      statuses.add(last.status);
      last = await ask(Buffer.alloc(1));
    }
    expect([...statuses]).toEqual([200]);
    expect(last.status).toBe(429);
    expect(JSON.parse(last.body.toString()).code).toBe('TOO_MANY_REQUESTS');
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('where the embedded authority is off', () => {
  let node: HttpNode;
  beforeAll(async () => {
    node = await startHttpNode({ at: new Date().toISOString() });
  }, 30_000);
  afterAll(() => node.close());

  it('there is none, and no keys of one', async () => {
    const query = timestampRequest(imprint, randomBytes(8));
    const answer = await request(node.server)
      .post('/tsa')
      .set('content-type', 'application/timestamp-query')
      .send(query);
    expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND']);
    expect(readdirSync(join(node.gateway.config.dataDir, 'keys')).filter((name) => name.startsWith('tsa'))).toEqual([]);
  });
});
