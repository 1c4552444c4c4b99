import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  Certificate,
  createRoot,
  type Digest,
  digestOf,
  issueCertificate,
  type KeyAndCertificate,
  nodeUrn,
  parseEnvelope,
  signEnvelope,
  uuidv7,
} from '@jieqiao/core';
import type { Outcome } from '@jieqiao/delivery';
import { countRows } from '../support/exchange-fixture';
import { loadExchange, pause, TwoNodes, until } from '../support/peer-nodes';

jest.setTimeout(30_000);

type Identity = { key: string; cert: string } | null;

const day = 86_400_000;
const stackTrace = /\bat [^ ]+ \(|\.[jt]s:\d+|node_modules|node:internal/;

let two: TwoNodes;
beforeAll(async () => {
  two = await TwoNodes.start({
    config: ({ limits }) => Object.assign(limits, { fileBytes: 100_000, peerAnnouncedBytes: 150_000 }),
  });
});
afterAll(() => two.close());

const rootOf = (keysDir: string): KeyAndCertificate => ({
  privateKeyPem: readFileSync(join(keysDir, 'root.key.pem'), 'utf8'),
  certificatePem: readFileSync(join(keysDir, 'root.cert.pem'), 'utf8'),
});
const senderRoot = () => rootOf(join(two.sender.config.dataDir, 'keys'));
const receiverRoot = () => rootOf(join(two.receiver.config.dataDir, 'keys'));
const absentRoot = () => rootOf(join(two.dir, two.absent.node, 'keys'));

async function certificate(
  root: KeyAndCertificate,
  urn: string,
  { use = 'node' as 'node' | 'seal' | 'officer', from = -1, to = 100 } = {},
): Promise<Identity> {
  const validity = { notBefore: new Date(Date.now() + from * day), notAfter: new Date(Date.now() + to * day) };
  const pair = await issueCertificate(root, {
    use,
    name: { organisation: '测试', commonName: urn },
    urn,
    hosts: ['localhost', '127.0.0.1'],
    validity,
    serial: `0${randomBytes(8).toString('hex').slice(1)}`,
  });
  return { key: pair.privateKeyPem, cert: pair.certificatePem };
}

const fingerprintOf = (identity: Identity) => `sha256:${Certificate.parse(identity!.cert).fingerprint}`;

/** One gRPC call as `identity`; gives the answer or the error, whichever came. */
async function call(
  method: 'Announce' | 'Deliver',
  message: object,
  identity: Identity = two.sender.tls,
): Promise<{ answer?: { outcomes?: Outcome[] }; error?: ServiceError }> {
  const Exchange = loadExchange();
  const client = new Exchange(
    `127.0.0.1:${two.receiver.config.peer.grpcPort}`,
    credentials.createSsl(
      Buffer.from(receiverRoot().certificatePem),
      identity && Buffer.from(identity.key),
      identity && Buffer.from(identity.cert),
      { checkServerIdentity: () => undefined },
    ),
    { 'grpc.max_send_message_length': -1 },
  );
  try {
    return await new Promise((resolve) => {
      const deadline = { deadline: Date.now() + 5_000 };
      client[method]!(message, deadline, (error: ServiceError | null, answer: object) =>
        resolve(error ? { error } : { answer }),
      );
    });
  } finally {
    client.close();
  }
}

interface BlobAnswer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

function blob(
  method: string,
  path: string,
  {
    headers = {},
    body,
    identity = two.sender.tls,
    cutAfter,
  }: {
    headers?: Record<string, string | number>;
    body?: Buffer;
    identity?: Identity;
    cutAfter?: number;
  } = {},
): Promise<BlobAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port: two.receiver.config.peer.blobPort,
      path,
      method,
      headers,
      ca: receiverRoot().certificatePem,
      checkServerIdentity: () => undefined,
      agent: false,
      ...identity,
    });
    call.once('error', reject);
    call.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    });
    if (cutAfter === undefined) call.end(body);
    else call.write(body!.subarray(0, cutAfter), () => setTimeout(() => call.destroy(new Error('cut')), 50));
  });
}

const blobPath = (digest: Digest) => `/peer/v1/blobs/${digest}`;
const rangeOf = (start: number, bytes: number, total: number) => ({
  'content-range': `bytes ${start}-${start + bytes - 1}/${total}`,
});

/** An envelope of the sender that names these files, as its node could sign it. */
async function envelopeFor(...files: { digest: Digest; bytes: number }[]): Promise<string> {
  const id = () => uuidv7(Date.now(), randomBytes(10));
  const iat = Math.floor(Date.now() / 1000);
  const { ref } = two.sender.gateway.agreements.all()[0]!;
  return signEnvelope(
    {
      iss: two.sender.node,
      aud: two.receiver.node,
      jti: id(),
      iat,
      exp: iat + 3600,
      kind: 'transfer',
      dossier: id(),
      transfer: id(),
      seq: 1,
      prev: null,
      agreement: ref,
      bundle: { manifest: digestOf(randomBytes(8)), files },
      body: { transferKind: 'LEAD', number: '测试1号', message: { command: 'send' } },
    },
    two.sender.keys.nodes[0]!,
  );
}

async function announced(content: Buffer): Promise<Digest> {
  const digest = digestOf(content);
  const { error } = await call('Announce', { envelopes: [await envelopeFor({ digest, bytes: content.length })] });
  expect(error).toBeUndefined();
  return digest;
}

const withoutLog = ({ log_entry, ...rest }: Record<string, number>) => rest;

describe('who is not a peer', () => {
  /** `null`: refused in the TLS handshake, by a code of its own once the handshake has passed. */
  const strangers: [who: string, code: string | null, identity: () => Promise<Identity> | Identity][] = [
    ['nobody', null, () => null],
    [
      'the namesake of a peer under a root of its own',
      null,
      async () => {
        const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
        const name = { organisation: two.sender.authority, commonName: `${two.sender.authority}根证书` };
        return certificate(await createRoot(name, validity, '01'), nodeUrn(two.sender.node));
      },
    ],
    [
      'a peer whose certificate has expired',
      null,
      () => certificate(senderRoot(), nodeUrn(two.sender.node), { from: -10, to: -1 }),
    ],
    [
      'a peer whose certificate is not yet valid',
      null,
      () => certificate(senderRoot(), nodeUrn(two.sender.node), { from: 1 }),
    ],
    [
      'the namesake of a peer under the root of this very node',
      null,
      () => certificate(receiverRoot(), nodeUrn(two.sender.node)),
    ],
    ['a node that no agreement names', 'PEER_UNKNOWN', () => certificate(senderRoot(), nodeUrn('nantong.320600'))],
    ['this very node', 'PEER_UNKNOWN', () => certificate(senderRoot(), nodeUrn(two.receiver.node))],
    [
      'a peer’s seal',
      'PEER_UNKNOWN',
      () => certificate(senderRoot(), `urn:jieqiao:seal:${two.sender.node}`, { use: 'seal' }),
    ],
    [
      'a peer’s seal under the name of its node',
      'PEER_CERTIFICATE_REFUSED',
      () => certificate(senderRoot(), nodeUrn(two.sender.node), { use: 'seal' }),
    ],
    [
      'another party under a peer’s name',
      'PEER_CERTIFICATE_REFUSED',
      () => certificate(absentRoot(), nodeUrn(two.sender.node)),
    ],
  ];

  it.each(strangers)('%s gets in nowhere, and leaves a trace: %s', async (_who, code, make) => {
    const { receiver } = two;
    const identity = await make();
    // A handshake that fails does not say whose it was; connections broken off for other reasons look the same.
    const fingerprint = code === null ? null : fingerprintOf(identity);
    const traces = async () =>
      (await receiver.logged('peer.refused')).filter(({ subject }) => subject.fingerprint === fingerprint);
    const more = (than: number) => until('the attempt is logged', async () => (await traces()).length > than);
    await receiver.gateway.refusals.flush();
    const before = await countRows(receiver.gateway.db);
    const atFirst = (await traces()).length;

    const viaGrpc = await call('Deliver', { deliveries: [{ envelope: 'x' }] }, identity);
    await more(atFirst);
    expect((await traces())[atFirst]!.subject).toEqual({ code: code ?? 'PEER_UNKNOWN', count: 1, fingerprint });
    expect(viaGrpc.error).toMatchObject(code === null ? { code: status.UNAVAILABLE } : { details: code });
    expect(JSON.stringify(viaGrpc.error)).not.toMatch(stackTrace);

    await receiver.gateway.refusals.flush();
    const then = (await traces()).length;
    const path = blobPath(digestOf(Buffer.from('x')));
    for (const method of ['HEAD', 'PUT'] as const) {
      const body = method === 'PUT' ? Buffer.from('x') : undefined;
      const attempt = blob(method, path, { identity, headers: rangeOf(0, 1, 1), body });
      if (code === null) await expect(attempt).rejects.toThrow(/alert|reset|hang up|EPIPE/);
      else expect(await attempt).toMatchObject({ status: 403, body: body ? JSON.stringify({ code }) : '' });
    }
    await more(then);
    if (code !== null) {
      // The second knock is only counted, and told once a minute.
      expect(await traces()).toHaveLength(then + 1);
      await receiver.gateway.refusals.flush();
      expect((await traces()).slice(then).map(({ subject }) => subject.count)).toEqual([1, 1]);
    }
    expect(withoutLog(await countRows(receiver.gateway.db))).toEqual(withoutLog(before));
  });

  it('a peer gets in', async () => {
    const identity = await certificate(senderRoot(), nodeUrn(two.sender.node));
    const { answer } = await call('Deliver', { deliveries: [] }, identity);
    expect(answer).toEqual({ outcomes: [] });
    expect(await blob('HEAD', blobPath(digestOf(Buffer.from('x'))), { identity })).toMatchObject({ status: 403 });
  });
});

describe('what peers may not send over gRPC', () => {
  const unchanged = async (attempt: () => Promise<void>) => {
    const before = await countRows(two.receiver.gateway.db);
    await attempt();
    expect(withoutLog(await countRows(two.receiver.gateway.db))).toEqual(withoutLog(before));
  };

  it('a message over 8 MiB: RESOURCE_EXHAUSTED', () =>
    unchanged(async () => {
      const manifest = Buffer.alloc(8 * 1024 * 1024 + 1);
      const { error } = await call('Deliver', { deliveries: [{ envelope: 'x', manifest }] });
      expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
      expect(JSON.stringify(error)).not.toMatch(stackTrace);
      // The connection of a peer that does so is of use for others.
      expect((await call('Deliver', { deliveries: [] })).answer).toEqual({ outcomes: [] });
    }));

  it('bytes that are no message', () =>
    unchanged(async () => {
      const { key, cert } = two.sender.tls;
      const client = new Client(
        `127.0.0.1:${two.receiver.config.peer.grpcPort}`,
        credentials.createSsl(Buffer.from(receiverRoot().certificatePem), Buffer.from(key), Buffer.from(cert), {
          checkServerIdentity: () => undefined,
        }),
      );
      for (const [method, bytes] of [
        ['Deliver', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
        ['Deliver', randomBytes(1000)],
        ['Steal', Buffer.alloc(0)],
      ] as const) {
        const error = await new Promise<ServiceError | null>((resolve) => {
          const path = `/jieqiao.exchange.v1.ExchangeService/${method}`;
          const same = (value: Buffer) => value;
          client.makeUnaryRequest(path, same, same, bytes, { deadline: Date.now() + 5_000 }, resolve);
        });
        expect(error).not.toBeNull();
        expect([status.INTERNAL, status.INVALID_ARGUMENT, status.UNIMPLEMENTED]).toContain(error!.code);
        expect(`${error!.details} ${JSON.stringify(error)}`).not.toMatch(stackTrace);
      }
      client.close();
    }));

  it('garbage in place of an envelope: a signed refusal to Deliver, a failure to Announce', () =>
    unchanged(async () => {
      const { answer } = await call('Deliver', { deliveries: [{ envelope: 'garbage' }, {}] });
      expect(answer!.outcomes).toMatchObject([
        { status: 'STATUS_REFUSED', code: 'ENVELOPE_MALFORMED' },
        { status: 'STATUS_REFUSED', code: 'ENVELOPE_MALFORMED' },
      ]);
      const { error } = await call('Announce', { envelopes: ['garbage'] });
      expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'ENVELOPE_MALFORMED' });
      expect(JSON.stringify(error)).not.toMatch(stackTrace);
    }));

  it('files over the limit, each or together: FILE_TOO_LARGE, LIMIT_EXCEEDED', () =>
    unchanged(async () => {
      const file = (bytes: number) => ({ digest: digestOf(randomBytes(8)), bytes });
      const large = await call('Announce', { envelopes: [await envelopeFor(file(100_001))] });
      expect(large.error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: 'FILE_TOO_LARGE' });
      const many = await call('Announce', { envelopes: [await envelopeFor(file(100_000), file(50_001))] });
      expect(many.error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: 'LIMIT_EXCEEDED' });
    }));
});

describe('what peers may not send as evidence bytes', () => {
  it.each([
    ['no range', {}],
    ['a range without a total', { 'content-range': 'bytes 0-9' }],
    ['a range of something else', { 'content-range': 'lines 0-9/10' }],
    ['a range that is none', { 'content-range': 'bytes a-b/c' }],
    ['a negative range', { 'content-range': 'bytes -5-9/10' }],
    ['a total that no file has', { 'content-range': 'bytes 0-9/99999999999999999' }],
    ['two ranges', { 'content-range': 'bytes 0-4/10, bytes 5-9/10' }],
  ])('%s: VALIDATION_FAILED', async (_what, headers) => {
    const digest = await announced(randomBytes(10));
    const answer = await blob('PUT', blobPath(digest), { headers, body: randomBytes(10) });
    expect(answer).toMatchObject({ status: 400, body: JSON.stringify({ code: 'VALIDATION_FAILED' }) });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect((await blob('HEAD', blobPath(digest))).headers['upload-offset']).toBe('0');
  });

  it.each([
    ['GET', '/peer/v1/blobs/sha256:'.padEnd(86, 'a')],
    ['DELETE', '/peer/v1/blobs/sha256:'.padEnd(86, 'a')],
    ['PUT', '/peer/v1/blobs/../../../etc/passwd'],
    ['PUT', '/peer/v1/blobs/sha256:..%2f..%2fx'],
    ['PUT', `/peer/v1/blobs/sha256:${'A'.repeat(64)}`],
    ['PUT', '/'],
    ['HEAD', '/peer/v1/blobs/'],
  ])('%s %s: NOT_FOUND', async (method, path) => {
    const answer = await blob(method, path, { headers: rangeOf(0, 1, 1) });
    expect(answer.status).toBe(404);
    if (method !== 'HEAD') expect(answer.body).toBe(JSON.stringify({ code: 'NOT_FOUND' }));
  });

  it('what nobody announced: BLOB_NOT_ANNOUNCED', async () => {
    const content = randomBytes(100);
    const answer = await blob('PUT', blobPath(digestOf(content)), { headers: rangeOf(0, 100, 100), body: content });
    expect(answer).toMatchObject({ status: 403, body: JSON.stringify({ code: 'BLOB_NOT_ANNOUNCED' }) });
    expect(await two.receiver.gateway.blobs.has(digestOf(content))).toBe(false);
    expect(await blob('HEAD', blobPath(digestOf(content)))).toMatchObject({ status: 403 });
  });

  it('another length than announced: LENGTH_MISMATCH', async () => {
    const content = randomBytes(100);
    const digest = await announced(content);
    const answer = await blob('PUT', blobPath(digest), { headers: rangeOf(0, 99, 99), body: content.subarray(0, 99) });
    expect(answer).toMatchObject({ status: 422, body: JSON.stringify({ code: 'LENGTH_MISMATCH' }) });
    const longer = await blob('PUT', blobPath(digest), { headers: rangeOf(0, 100, 100), body: randomBytes(70_000) });
    expect(longer).toMatchObject({ status: 422, body: JSON.stringify({ code: 'LENGTH_MISMATCH' }) });
  });

  it('other bytes than announced: DIGEST_MISMATCH, and the right ones are taken afterwards', async () => {
    const content = randomBytes(100);
    const digest = await announced(content);
    const put = (body: Buffer) => blob('PUT', blobPath(digest), { headers: rangeOf(0, 100, 100), body });
    expect(await put(randomBytes(100))).toMatchObject({
      status: 422,
      body: JSON.stringify({ code: 'DIGEST_MISMATCH' }),
    });
    expect(await two.receiver.gateway.blobs.has(digest)).toBe(false);
    expect((await blob('HEAD', blobPath(digest))).headers).toMatchObject({
      'upload-offset': '0',
      'upload-complete': '?0',
    });
    expect(await put(content)).toMatchObject({ status: 201 });
  });

  it('a file that breaks off is kept so far and goes on from there only: UPLOAD_OFFSET_MISMATCH', async () => {
    const content = randomBytes(90_000);
    const digest = await announced(content);
    const headers = { ...rangeOf(0, 90_000, 90_000), 'content-length': 90_000 };
    await expect(blob('PUT', blobPath(digest), { headers, body: content, cutAfter: 40_000 })).rejects.toThrow('cut');
    const offset = async () => Number((await blob('HEAD', blobPath(digest))).headers['upload-offset']);
    await until('what came is durable', async () => (await offset()) === 40_000);
    const wrong = await blob('PUT', blobPath(digest), { headers: rangeOf(0, 90_000, 90_000), body: content });
    expect(wrong).toMatchObject({
      status: 409,
      body: JSON.stringify({ code: 'UPLOAD_OFFSET_MISMATCH', offset: 40_000 }),
    });
    const rest = await blob('PUT', blobPath(digest), {
      headers: rangeOf(40_000, 50_000, 90_000),
      body: content.subarray(40_000),
    });
    expect(rest).toMatchObject({ status: 201, headers: { 'upload-offset': '90000', 'upload-complete': '?1' } });
    expect(await two.receiver.gateway.blobs.stat(digest)).toEqual({ bytes: 90_000 });
  });

  it('two at once on one file: UPLOAD_IN_PROGRESS for the second', async () => {
    const content = randomBytes(50_000);
    const digest = await announced(content);
    const headers = { ...rangeOf(0, 50_000, 50_000), 'content-length': 50_000 };
    const first = blob('PUT', blobPath(digest), { headers, body: content, cutAfter: 10_000 }).catch(() => null);
    await pause(20);
    const second = await blob('PUT', blobPath(digest), { headers: rangeOf(0, 50_000, 50_000), body: content });
    expect(second).toMatchObject({ status: 423, body: JSON.stringify({ code: 'UPLOAD_IN_PROGRESS' }) });
    await first;
  });

  it('all bytes are there and only the end was lost: an empty push makes it', async () => {
    const content = randomBytes(1_000);
    const digest = await announced(content);
    const { blobs } = two.receiver.gateway;
    const { Readable } = await import('node:stream');
    await blobs.append(`${two.sender.node}-${digest.slice(7)}`, 0, Readable.from([content]), { limit: 1_000 });
    const answer = await blob('PUT', blobPath(digest), { headers: { 'content-range': 'bytes */1000' } });
    expect(answer).toMatchObject({ status: 201, headers: { 'upload-offset': '1000' } });
    const empty = await announced(Buffer.alloc(0));
    expect(await blob('PUT', blobPath(empty), { headers: { 'content-range': 'bytes */0' } })).toMatchObject({
      status: 201,
    });
  });
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

describe('under which agreement', () => {
  const day400 = 400 * day;
  it.each([
    ['none', 'AGREEMENT_MISSING', null, false],
    ['one that has ended', 'AGREEMENT_NOT_IN_FORCE', [-2 * day400, -day400], false],
    // Its parties may say Hello already, and try the way.
    ['one that is not yet in force', 'AGREEMENT_NOT_IN_FORCE', [day400, 2 * day400], true],
  ] as const)('%s: nobody sends, and a person hears %s', async (_what, code, period, listens) => {
    const other = await TwoNodes.prepare({
      agreement: (content) => {
        if (period) {
          content.effective.from = new Date(Date.now() + period[0]).toISOString();
          content.effective.to = new Date(Date.now() + period[1]).toISOString();
        }
      },
    });
    try {
      if (!period) {
        for (const { gateway } of other.both) {
          await gateway.db.transaction((tx) => tx.query('DELETE FROM agreement'));
        }
        for (const node of other.both) {
          await node.stop();
          await node.open();
        }
      }
      await expect(other.sender.draft()).rejects.toMatchObject({ code });
      await other.receiver.start();
      const { grpcPort, blobPort } = other.receiver.config.peer;
      for (const port of [grpcPort, blobPort]) expect(await answers(port)).toBe(listens);
      expect(await other.sender.rows('SELECT id FROM transfer')).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('one that ends while an envelope waits: it stays, and a person hears AGREEMENT_NOT_IN_FORCE', async () => {
    const other = await TwoNodes.prepare();
    try {
      await other.sender.start();
      const id = await other.sender.draft();
      await other.sender.send(id);
      await until('an attempt', () => other.sender.waits().length > 0);
      other.sender.clockShift = day400;
      await until(
        'the reason',
        async () => (await other.sender.view(id)).delivery.lastError === 'AGREEMENT_NOT_IN_FORCE',
      );
      expect(await other.sender.view(id)).toMatchObject({ state: 'SENT', delivery: { state: 'queued' } });
      expect(
        parseEnvelope(String((await other.sender.rows('SELECT envelope FROM outbox'))[0]!.envelope)).claims.seq,
      ).toBe(1);
    } finally {
      await other.close();
    }
  });
});
