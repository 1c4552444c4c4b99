import { maxAgreementBytes } from '@jieqiao/core';
import request from 'supertest';
import { loggedBy } from '../support/exchange-fixture';
import { type HttpNode, startHttpNode } from '../support/http-node';

const mediaType = 'application/vnd.jieqiao.agreement+json';
let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode();
});
afterAll(() => node.close());

const post = async (role: 'administrator' | 'handler' | 'head', body: Buffer, type = mediaType) =>
  request(node.server)
    .post('/api/v1/agreements')
    .set('authorization', `Bearer ${await node.token(role)}`)
    .set('content-type', type)
    .send(body.toString());

const file = (): Buffer => node.gateway.agreements.all()[0]!.bytes;
const refused = async () =>
  (await loggedBy(node.gateway.db)).flatMap((entry) =>
    entry.event === 'agreement.refused' ? [entry.subject.code] : [],
  );

it('an administrator takes an agreement in from anywhere; the same one again changes nothing', async () => {
  const answer = await post('administrator', file());
  expect(answer.status).toBe(200);
  const { id, version, digest } = node.gateway.agreements.all()[0]!.ref;
  expect(answer.body).toMatchObject({
    id,
    version,
    digest,
    parties: [{ node: 'jinshan.310116' }, { node: 'pinghu.330482' }],
  });
  expect(node.gateway.agreements.all()).toHaveLength(1);
});

it('nobody else does', async () => {
  for (const role of ['handler', 'head'] as const) {
    const answer = await post(role, file());
    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  }
  expect(
    (await request(node.server).post('/api/v1/agreements').set('content-type', mediaType).send(file().toString()))
      .status,
  ).toBe(401);
});

it('what is not an agreement is refused with its reason, and logged', async () => {
  const altered = Buffer.from(file().toString().replace('互认协议', '互信协议'));
  expect(await post('administrator', altered)).toMatchObject({
    status: 422,
    body: { code: 'AGREEMENT_SIGNATURE_INVALID' },
  });
  const doubled = Buffer.from(`{"agreement":1,${file().toString().slice(1)}`);
  expect(await post('administrator', doubled)).toMatchObject({ status: 422, body: { code: 'AGREEMENT_MALFORMED' } });
  const spaced = Buffer.concat([Buffer.from(' '), file()]);
  expect(await post('administrator', spaced)).toMatchObject({
    status: 422,
    body: { code: 'AGREEMENT_MALFORMED', params: { reason: 'not-canonical' } },
  });
  expect(await refused()).toEqual(['AGREEMENT_SIGNATURE_INVALID', 'AGREEMENT_MALFORMED', 'AGREEMENT_MALFORMED']);
});

it('too large, or in another media type, is not read', async () => {
  const large = await post('administrator', Buffer.alloc(maxAgreementBytes + 1, 0x20));
  expect(large).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
  const asJson = await post('administrator', file(), 'application/json');
  expect(asJson).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
  expect(await refused()).toHaveLength(3);
});
