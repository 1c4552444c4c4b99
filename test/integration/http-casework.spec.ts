import { createHash, randomBytes } from 'node:crypto';
import { digestOf } from '@jieqiao/core';
import request from 'supertest';
import { Upload } from 'tus-js-client';
import { type HttpNode, password, startHttpNode } from '../support/http-node';

let node: HttpNode;
let handler: string;
beforeAll(async () => {
  node = await startHttpNode();
  handler = await node.token('handler');
}, 30_000);
afterAll(() => node.close());

const api = (method: 'get' | 'post' | 'patch' | 'delete' | 'head', path: string, token = handler) =>
  request(node.server)[method](`/api/v1${path}`).set('authorization', `Bearer ${token}`);

let drafts = 0;
const draft = async (over: object = {}) => {
  const body = {
    to: 'pinghu.330482',
    kind: 'LEAD',
    number: `金枫综执线移〔2022〕第${12 + drafts++}号`,
    title: '渣土偷倒',
    data: node.caseData,
  };
  return (
    await api('post', '/transfers')
      .send({ ...body, ...over })
      .expect(201)
  ).body as { id: string; version: number };
};

const announce = async (id: string, bytes: Buffer, over: object = {}) => {
  const body = {
    fileName: '照片01.jpg',
    mediaType: 'image/jpeg',
    bytes: bytes.length,
    data: node.evidenceData,
    ...over,
  };
  const answer = await api('post', `/transfers/${id}/evidence`).send(body).expect(201);
  expect(answer.headers.location).toBe(answer.body.upload);
  return { id: answer.body.id as string, path: (answer.body.upload as string).slice('/api/v1'.length) };
};

const tus = (path: string, offset: number, bytes: Buffer) =>
  api('patch', path)
    .set({
      'tus-resumable': '1.0.0',
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    })
    .send(bytes);

describe('session', () => {
  it('signs in, refreshes, tells who it is, signs out', async () => {
    await node.token('head');
    const first = (await request(node.server).post('/api/v1/session').send({ login: 'head', password }).expect(201))
      .body;
    expect(first).toMatchObject({ tokenType: 'Bearer', person: { login: 'head', roles: ['head'] } });
    const second = (
      await request(node.server).post('/api/v1/session/refresh').send({ refreshToken: first.refreshToken }).expect(200)
    ).body;
    const me = await api('get', '/me', second.accessToken).expect(200);
    expect(me.body).toMatchObject({ login: 'head', node: 'jinshan.310116' });
    expect(me.body.permissions).toContain('transfer.command');
    expect(me.headers['cache-control']).toBe('no-store');
    await api('delete', '/session', second.accessToken).expect(204);
    expect((await api('get', '/me', second.accessToken).expect(401)).body.code).toBe('SESSION_REVOKED');
  });

  it('limits attempts and says when to come back', async () => {
    const attempt = () => request(node.server).post('/api/v1/session').send({ login: 'nobody', password: 'wrong' });
    for (let i = 0; i < 10; i++) await attempt().expect(401);
    const refused = await attempt().expect(429);
    expect(refused.body.code).toBe('TOO_MANY_REQUESTS');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('drafts', () => {
  it('are created, read, and edited by the version that was read', async () => {
    const created = await api('post', '/transfers').send({ to: 'pinghu.330482', kind: 'LEAD' }).expect(201);
    const path = `/transfers/${created.body.id}`;
    expect(created.headers.location).toBe(`/api/v1${path}`);
    expect(created.headers.etag).toBe('"1"');
    expect(created.body).toMatchObject({ direction: 'out', state: 'DRAFT', delivery: { state: 'none' }, data: {} });

    const edited = await api('patch', path)
      .set('if-match', '"1"')
      .send({ title: '新标题', data: node.caseData })
      .expect(200);
    expect(edited.headers.etag).toBe('"2"');
    expect(edited.body).toMatchObject({ title: '新标题', number: '', data: node.caseData });
    await api('patch', path).set('if-match', '"2"').send({ number: '第1号' }).expect(200);
    const read = await api('get', path).expect(200);
    expect(read.headers.etag).toBe('"3"');
    expect(read.body).toMatchObject({ title: '新标题', number: '第1号', data: node.caseData });
  });

  it('refuse a change without a version (428) and one of an old version (412, with the current ETag)', async () => {
    const { id } = await draft();
    expect((await api('patch', `/transfers/${id}`).send({ title: 'x' }).expect(428)).body.code).toBe(
      'PRECONDITION_REQUIRED',
    );
    const stale = await api('patch', `/transfers/${id}`).set('if-match', '"7"').send({ title: 'x' }).expect(412);
    expect(stale.body.code).toBe('PRECONDITION_FAILED');
    expect(stale.headers.etag).toBe('"1"');
    await api('patch', `/transfers/${id}`).set('if-match', 'W/"1"').send({ title: 'x' }).expect(412);
  });

  it('are listed in pages, each once', async () => {
    for (let i = 0; i < 3; i++) await draft();
    const seen: string[] = [];
    let path: string | undefined = '/transfers?limit=2&direction=out&state=DRAFT';
    while (path !== undefined) {
      const page: request.Response = await api('get', path).expect(200);
      seen.push(...page.body.items.map((item: { id: string }) => item.id));
      path = /^<\/api\/v1([^>]+)>; rel="next"$/.exec(page.headers.link ?? '')?.[1];
    }
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(new Set(seen).size).toBe(seen.length);
    expect([...seen].sort().reverse()).toEqual(seen);
    expect((await api('get', '/transfers?direction=in').expect(200)).body.items).toEqual([]);
  });
});

describe('evidence', () => {
  it('is uploaded in parts and downloaded whole and by range', async () => {
    const { id } = await draft();
    const bytes = randomBytes(300_000);
    const item = await announce(id, bytes, { digest: digestOf(bytes) });
    const state = () => api('head', item.path).set('tus-resumable', '1.0.0').expect(200);
    expect((await state()).headers).toMatchObject({
      'upload-offset': '0',
      'upload-length': '300000',
      'tus-resumable': '1.0.0',
      'cache-control': 'no-store',
    });
    expect((await tus(item.path, 0, bytes.subarray(0, 100_000)).expect(204)).headers['upload-offset']).toBe('100000');
    expect((await state()).headers['upload-offset']).toBe('100000');
    const wrong = await tus(item.path, 5, bytes.subarray(5)).expect(409);
    expect(wrong.body).toMatchObject({ code: 'UPLOAD_OFFSET_MISMATCH', params: { offset: 100_000 } });
    expect(wrong.headers['upload-offset']).toBe('100000');
    await tus(item.path, 100_000, bytes.subarray(100_000)).expect(204);
    const shown = (await api('get', `/transfers/${id}`).expect(200)).body.evidence[0];
    expect(shown).toMatchObject({ complete: true, digest: digestOf(bytes), bytes: 300_000 });

    const whole = await api('get', item.path).buffer().parse(binary).expect(200);
    expect((whole.body as Buffer).equals(bytes)).toBe(true);
    expect(whole.headers).toMatchObject({
      'content-length': '300000',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
    });
    expect(whole.headers['content-disposition']).toContain("filename*=UTF-8''%E7%85%A7%E7%89%8701.jpg");
    for (const [range, from, to] of [
      ['bytes=10-19', 10, 20],
      ['bytes=299990-', 299_990, 300_000],
      ['bytes=-5', 299_995, 300_000],
      ['bytes=299999-400000', 299_999, 300_000],
    ] as const) {
      const part = await api('get', item.path).set('range', range).buffer().parse(binary).expect(206);
      expect((part.body as Buffer).equals(bytes.subarray(from, to))).toBe(true);
      expect(part.headers['content-range']).toBe(`bytes ${from}-${to - 1}/300000`);
    }
    const outside = await api('get', item.path).set('range', 'bytes=300000-').expect(416);
    expect(outside.body.code).toBe('RANGE_NOT_SATISFIABLE');
    expect(outside.headers['content-range']).toBe('bytes */300000');
    await api('get', item.path).set('range', 'bytes=0-1,5-6').expect(200);
  });

  it('is uploaded by tus-js-client, as a browser would', async () => {
    const { id } = await draft();
    const bytes = randomBytes(2_500_000);
    const item = await announce(id, bytes);
    const progress: number[] = [];
    await new Promise<void>((resolve, reject) => {
      new Upload(bytes, {
        uploadUrl: `${node.url}/api/v1${item.path}`,
        headers: { authorization: `Bearer ${handler}` },
        chunkSize: 1_000_000,
        onProgress: (sent) => progress.push(sent),
        onSuccess: () => resolve(),
        onError: reject,
      }).start();
    });
    const [shown] = (await api('get', `/transfers/${id}`).expect(200)).body.evidence;
    expect(shown.digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    expect(progress.at(-1)).toBe(bytes.length);
  });

  it('keeps what arrived when the connection breaks', async () => {
    const { id } = await draft();
    const bytes = randomBytes(200_000);
    const item = await announce(id, bytes);
    const { promise, resolve } = deferred();
    const { request: open } = await import('node:http');
    const upload = open(`${node.url}/api/v1${item.path}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${handler}`,
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
        'content-length': '200000',
      },
    });
    upload.on('error', () => resolve());
    upload.write(bytes.subarray(0, 120_000), () => setTimeout(() => upload.destroy(), 100));
    await promise;
    let offset = 0;
    for (let i = 0; i < 50 && offset < 120_000; i++) {
      offset = Number((await api('head', item.path).set('tus-resumable', '1.0.0')).headers['upload-offset']);
      await new Promise((wake) => setTimeout(wake, 20));
    }
    expect(offset).toBe(120_000);
    await tus(item.path, offset, bytes.subarray(offset)).expect(204);
  });

  it('of another digest or length than announced is refused', async () => {
    const { id } = await draft();
    const bytes = randomBytes(1000);
    const wrong = await announce(id, bytes, { digest: digestOf(Buffer.from('other')) });
    expect((await tus(wrong.path, 0, bytes).expect(422)).body.code).toBe('DIGEST_MISMATCH');
    const short = await announce(id, bytes, { fileName: '照片02.jpg' });
    const long = await tus(short.path, 0, Buffer.concat([bytes, bytes]));
    expect(['FILE_TOO_LARGE', 'LENGTH_MISMATCH']).toContain(long.body.code);
    expect((await api('get', short.path).expect(409)).body.code).toBe('BLOB_MISSING');
  });

  it('is removed from a draft', async () => {
    const { id } = await draft();
    const item = await announce(id, Buffer.from('x'));
    await api('delete', `/transfers/${id}/evidence/${item.id}`).expect(204);
    expect((await api('get', `/transfers/${id}`).expect(200)).body.evidence).toEqual([]);
    await api('delete', `/transfers/${id}/evidence/${item.id}`).expect(404);
  });

  it('uploads need tus 1.0.0 and its media type', async () => {
    const { id } = await draft();
    const item = await announce(id, Buffer.from('x'));
    const old = await api('head', item.path).set('tus-resumable', '0.2.2').expect(412);
    expect(old.headers['tus-version']).toBe('1.0.0');
    const json = await api('patch', item.path)
      .set({ 'tus-resumable': '1.0.0', 'upload-offset': '0' })
      .send({ a: 1 })
      .expect(415);
    expect(json.body.code).toBe('UNSUPPORTED_MEDIA_TYPE');
    expect((await tus(item.path, -1, Buffer.from('x')).expect(400)).body.errors).toEqual([
      { pointer: '#Upload-Offset', code: 'WRONG_FORM' },
    ]);
    const options = await request(node.server).options(`/api/v1${item.path}`).expect(204);
    expect(options.headers['tus-version']).toBe('1.0.0');
  });
});

describe('check and send', () => {
  const ready = async () => {
    const { id } = await draft();
    const bytes = randomBytes(2000);
    const item = await announce(id, bytes);
    await tus(item.path, 0, bytes).expect(204);
    return id;
  };
  const send = (id: string, key: string, body: object = {}) =>
    node.command('seal-keeper', id, 'send', { key, ...body });

  it('tells what the rules say, and changes nothing', async () => {
    const id = await ready();
    const { version } = (await api('get', `/transfers/${id}`)).body;
    const decision = (await api('get', `/transfers/${id}/check`).expect(200)).body;
    expect(decision).toMatchObject({ schema: 'jieqiao/recognition/v1', transfer: id });
    expect(decision.results.length).toBeGreaterThan(5);
    expect((await api('get', `/transfers/${id}`)).body.version).toBe(version);
  });

  it('names the fields that are missing', async () => {
    const created = await api('post', '/transfers').send({ to: 'pinghu.330482', kind: 'LEAD' }).expect(201);
    const refused = await api('get', `/transfers/${created.body.id}/check`).expect(400);
    expect(refused.body.code).toBe('VALIDATION_FAILED');
    expect(refused.body.errors).toContainEqual({ pointer: '/facts', code: 'REQUIRED' });
  });

  it('sends once for one key, and gives the same answer again', async () => {
    const id = await ready();
    const { outcome, results } = (await api('get', `/transfers/${id}/check`).expect(200)).body;
    expect(['sendable', 'sendable-with-warnings', 'supplement']).toContain(outcome);
    const acknowledge = results
      .filter((r: { result: string }) => r.result === 'supplement')
      .map((r: { rule: string }) => r.rule);
    await node.approve(id, acknowledge);
    const seal = await node.token('seal-keeper');
    const without = await api('post', `/transfers/${id}/commands`, seal).send({ command: 'send' }).expect(400);
    expect(without.body.code).toBe('IDEMPOTENCY_KEY_REQUIRED');
    expect((await send(id, 'bad key with spaces')).status).toBe(400);
    const sent = await send(id, 'key-1', { acknowledge });
    expect(sent.status).toBe(202);
    expect(sent.body).toMatchObject({
      state: 'SENT',
      delivery: { state: expect.stringMatching(/queued|delivering/) },
      envelope: { seq: 1 },
      life: { side: 'sender', state: 'SENT', pending: [{ command: 'send' }], versions: [{ no: 1 }] },
    });
    const again = await send(id, 'key-1', { acknowledge });
    expect([again.status, again.body.envelope]).toEqual([202, sent.body.envelope]);
    const other = await send(id, 'key-1', { acknowledge: ['R20'] });
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    const twice = await send(id, 'key-2', { acknowledge });
    expect([twice.status, twice.body.code]).toEqual([409, 'COMMAND_REFUSED']);
    expect(twice.body.params).toEqual({ command: 'send', reason: 'WRONG_STATE', state: 'SENT' });
    const waited = await send(id, 'key-1', { acknowledge, headers: { prefer: 'respond-async, wait=1' } });
    expect(waited.status).toBe(202);
    expect(waited.headers['preference-applied']).toBe('wait=1');

    const envelope = await api('get', `/transfers/${id}/envelope`).expect(200);
    expect(envelope.text.split('.')).toHaveLength(3);
    const bundle = await api('get', `/transfers/${id}/bundle`).buffer().parse(binary).expect(200);
    expect(bundle.headers['content-type']).toBe('application/vnd.etsi.asic-e+zip');
    expect(String((bundle.body as Buffer).length)).toBe(bundle.headers['content-length']);
    expect((bundle.body as Buffer).subarray(38, 69).toString()).toBe('application/vnd.etsi.asic-e+zip');
    const part = await api('get', `/transfers/${id}/bundle`)
      .set('range', 'bytes=30-99')
      .buffer()
      .parse(binary)
      .expect(206);
    expect((part.body as Buffer).equals((bundle.body as Buffer).subarray(30, 100))).toBe(true);
    expect((await api('get', `/transfers/${id}/receipt`).expect(404)).body.code).toBe('NOT_FOUND');
    expect(
      (await api('patch', `/transfers/${id}`).set('if-match', '"9"').send({ title: 'x' }).expect(409)).body.code,
    ).toBe('WRONG_STATE');
  });

  it('needs complete evidence', async () => {
    const { id } = await draft();
    const item = await announce(id, Buffer.from('xyz'));
    expect((await node.command('handler', id, 'sign')).body.code).toBe('EVIDENCE_INCOMPLETE');
    const refused = await send(id, 'key-3');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'EVIDENCE_INCOMPLETE', params: { evidence: [item.id] } });
    expect((await api('get', `/transfers/${id}`)).body).toMatchObject({ state: 'DRAFT', delivery: { state: 'none' } });
  });
});

it('serves agreements, the log’s head, health and metrics', async () => {
  const list = (await api('get', '/agreements').expect(200)).body.items;
  expect(list).toMatchObject([
    { id: 'pinghu-jinshan', version: 1, parties: [{ node: 'jinshan.310116' }, { node: 'pinghu.330482' }] },
  ]);
  const file = await api('get', '/agreements/pinghu-jinshan/1').buffer().parse(binary).expect(200);
  expect(JSON.parse(String(file.body)).signatures).toHaveLength(2);
  await api('get', '/agreements/pinghu-jinshan/2').expect(404);
  await api('get', '/agreements/pinghu-jinshan/x').expect(404);
  const auditor = await node.token('security-auditor');
  const note = await api('get', '/log/checkpoint', auditor).expect(200);
  expect(note.text).toMatch(/^jieqiao\.log\/jinshan\.310116\n\d+\n/);
  await request(node.server).get('/health/live').expect(200, { status: 'ok' });
  await request(node.server).get('/health/ready').expect(200, { status: 'ok' });
  const metrics = await request(node.server).get('/metrics').expect(200);
  expect(metrics.text).toContain('jieqiao_http_request_duration_seconds_count');
  await request(node.server).get('/metrics').set('x-forwarded-for', '10.0.0.1').expect(401);
});

/** Supertest's parsers get the raw response, whatever its types say. */
function binary(response: request.Response, done: (error: Error | null, body: Buffer) => void): void {
  const stream = response as unknown as NodeJS.ReadableStream;
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => done(null, Buffer.concat(chunks)));
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
