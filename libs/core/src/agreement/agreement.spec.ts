import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type Agreement,
  type AgreementContent,
  type AgreementFile,
  type AgreementParty,
  agreementFileBytes,
  base64url,
  Certificate,
  canonicalJson,
  checkSuccession,
  createRoot,
  draftAgreement,
  effectiveUntil,
  encodeVkey,
  GatewayError,
  inForce,
  type KeyAndCertificate,
  logOrigin,
  maxAgreementBytes,
  nextVersion,
  nodeUrn,
  noteKey,
  parseAgreement,
  parseProposal,
  powersOf,
  type Signer,
  sealUrn,
  signAgreement,
  signAgreementByLogKey,
  signaturesDue,
  versionInForce,
  withSignature,
} from '@jieqiao/core';
import { agreementOf, cardOf } from '../../../../test/support/agreement';
import { issue, issueRsaSeal, makeParty, type Party, validity } from '../../../../test/support/sealed-exchange';

type Signatures = AgreementFile['signatures'];
type Outcome = 'accepted' | string;

/** `CODE reason`, or just the code where a schema keyword is the reason. */
function outcome(work: () => unknown): Outcome {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `${error.code} ${error.params.reason ?? ''}`.trim();
  }
}

const derOf = (root: KeyAndCertificate) => Certificate.parse(root.certificatePem);
const base64Of = (certificate: Certificate) => certificate.raw.toString('base64');
const vkeyOf = (node: string, key: KeyObject) => encodeVkey(noteKey(logOrigin(node), key));
const file = (agreement: AgreementContent, signatures: Signatures) => agreementFileBytes({ agreement, signatures });
const by = (node: string, content: AgreementContent, seal: Signer) => ({ node, jws: signAgreement(content, seal) });

/** A JWS with whatever header, signed truly. */
function jwsWith(header: unknown, content: AgreementContent, signer: (input: Buffer) => Buffer): string {
  const encoded = base64url(Buffer.isBuffer(header) ? header : canonicalJson(header));
  const signature = signer(Buffer.from(`${encoded}.${base64url(canonicalJson(content))}`));
  return `${encoded}..${base64url(signature)}`;
}

let pinghu: Party;
let jinshan: Party;
let jiashan: Party;
/** A certification authority for everybody. */
let publicCa: KeyAndCertificate;
let content: AgreementContent;

const described = (...parties: Party[]) => parties.map((party) => ({ ...party, root: derOf(party.root) }));

beforeAll(async () => {
  pinghu = await makeParty('pinghu.330482', '平湖市综合行政执法局');
  jinshan = await makeParty('jinshan.310116', '上海市金山区城市管理行政执法局');
  jiashan = await makeParty('jiashan.330421', '嘉善县综合行政执法局');
  publicCa = await createRoot({ organisation: '某电子政务电子认证机构', commonName: '认证机构' }, validity, '01');
  content = agreementOf(described(pinghu, jinshan));
});

const sealed = (text: AgreementContent, ...parties: Party[]) =>
  file(
    text,
    parties.map((party) => by(party.node, text, party.seal)),
  );
const change = (index: number, over: Partial<AgreementParty>): AgreementContent => ({
  ...content,
  parties: content.parties.map((party, i) => (i === index ? { ...party, ...over } : party)),
});

describe('an agreement file', () => {
  const parse = (text: AgreementContent, signatures: Signatures) =>
    outcome(() => parseAgreement(file(text, signatures)));
  const bySeals = (text: AgreementContent) => [
    by(pinghu.node, text, pinghu.seal),
    by(jinshan.node, text, jinshan.seal),
  ];

  it('is read with what it lets us believe', () => {
    const agreement = parseAgreement(sealed(content, pinghu, jinshan));
    expect(agreement.ref).toMatchObject({ id: 'pinghu-jinshan', version: 1 });
    expect(agreement.content).toEqual(content);
    expect(agreement.trust.crls).toEqual([]);
    expect(agreement.trust.parties[0]).toEqual({
      node: pinghu.node,
      authority: pinghu.authority,
      anchors: [{ certificate: derOf(pinghu.root), speakers: null }],
      logVkey: vkeyOf(pinghu.node, pinghu.logKey),
      validity: { from: null, to: null },
      successor: null,
    });
  });

  it('may tell when an authority exists and who succeeds it', () => {
    const text = change(0, {
      validity: { from: null, to: '2022-06-30T16:00:00.000Z' },
      successor: { node: jinshan.node, from: '2022-06-30T16:00:00.000Z' },
    });
    const { trust } = parseAgreement(sealed(text, pinghu, jinshan));
    expect(trust.parties[0]).toMatchObject({
      validity: text.parties[0]!.validity,
      successor: text.parties[0]!.successor,
    });
    expect(powersOf(trust, pinghu.node, new Date('2022-06-30T15:59:59.999Z'))?.node).toBe(pinghu.node);
    expect(powersOf(trust, pinghu.node, new Date('2022-06-30T16:00:00.000Z'))?.node).toBe(jinshan.node);
  });

  it('is the same agreement in whatever order it was signed', () => {
    const there = parseAgreement(sealed(content, pinghu, jinshan));
    const back = parseAgreement(sealed(content, jinshan, pinghu));
    expect(back.ref).toEqual(there.ref);
  });

  describe('needs every party’s seal on this text', () => {
    it('takes RSA seals, log keys beside seals, and time-stamps as they are', async () => {
      const rsa = await issueRsaSeal(pinghu.root, sealUrn(pinghu.node), '0a');
      const extra = signAgreementByLogKey(content, jinshan.logKey, vkeyOf(jinshan.node, jinshan.logKey));
      const agreement = parseAgreement(
        file(content, [
          by(pinghu.node, content, rsa),
          { ...by(jinshan.node, content, jinshan.seal), timestamp: 'AAAA' },
          { node: jinshan.node, jws: extra },
        ]),
      );
      const seen = agreement.signatures.map((s) => [s.node, s.certificate?.fingerprint, s.vkey !== null, s.timestamp]);
      expect(seen).toEqual([
        [pinghu.node, rsa.certificate.fingerprint, false, null],
        [jinshan.node, jinshan.seal.certificate.fingerprint, false, 'AAAA'],
        [jinshan.node, undefined, true, null],
      ]);
    });

    const withSecond = (signature: () => Signatures[number] | Promise<Signatures[number]>) => async () =>
      parse(content, [by(pinghu.node, content, pinghu.seal), await signature()]);
    const jws = (make: () => string | Promise<string>) =>
      withSecond(async () => ({ node: jinshan.node, jws: await make() }));
    const header = (change: (header: Record<string, unknown>) => unknown) =>
      jws(() => {
        const x5c = [base64Of(jinshan.seal.certificate)];
        const changed = change({ alg: 'ES256', typ: 'jieqiao-agreement+jws', x5c });
        return jwsWith(changed, content, (input) => jinshan.seal.signJose(input));
      });
    const certified = (make: () => Promise<Signer>) => jws(async () => signAgreement(content, await make()));
    const log = (make: () => string) => async () =>
      parse(content, [...bySeals(content), { node: jinshan.node, jws: make() }]);
    const invalid = (reason: string) => `AGREEMENT_SIGNATURE_INVALID ${reason}`;

    it.each<[what: string, expected: Outcome, run: () => Promise<Outcome>]>([
      ['as it should be', 'accepted', header((h) => h)],
      ['nobody', invalid('missing'), async () => parse(content, [])],
      ['one of two', invalid('missing'), async () => parse(content, [by(pinghu.node, content, pinghu.seal)])],
      [
        'a log key in place of a seal',
        invalid('missing'),
        jws(() => signAgreementByLogKey(content, jinshan.logKey, vkeyOf(jinshan.node, jinshan.logKey))),
      ],
      [
        'the same seal twice',
        invalid('twice'),
        async () => parse(content, [...bySeals(content), by(pinghu.node, content, pinghu.seal)]),
      ],
      [
        'a stranger besides',
        invalid('not-a-party'),
        async () => parse(content, [...bySeals(content), by(jiashan.node, content, jiashan.seal)]),
      ],
      ['the other party’s signature', invalid('UNKNOWN_ISSUER'), jws(() => signAgreement(content, pinghu.seal))],
      [
        'the same words of another title',
        invalid('signature'),
        jws(() => signAgreement({ ...content, title: '另一份协议' }, jinshan.seal)),
      ],
      ['another text', invalid('signature'), jws(() => signAgreement({ ...content, terms: { a: 1 } }, jinshan.seal))],

      [
        'its name under the other’s root',
        invalid('UNKNOWN_ISSUER'),
        certified(() => issue(pinghu.root, 'seal', sealUrn(jinshan.node), '0b')),
      ],
      [
        'a look-alike root',
        invalid('UNKNOWN_ISSUER'),
        certified(async () => (await makeParty(jinshan.node, jinshan.authority)).seal),
      ],
      [
        'another’s name under its root',
        invalid('WRONG_NAME'),
        certified(() => issue(jinshan.root, 'seal', sealUrn(pinghu.node), '0c')),
      ],
      ['the node’s certificate', invalid('WRONG_USE'), certified(async () => jinshan.nodeSigner)],
      [
        'a node’s name on a seal',
        invalid('WRONG_NAME'),
        certified(() => issue(jinshan.root, 'seal', nodeUrn(jinshan.node), '0d')),
      ],
      [
        'a seal that ended before',
        invalid('EXPIRED'),
        certified(() =>
          issue(jinshan.root, 'seal', sealUrn(jinshan.node), '0e', {
            notBefore: new Date('2021-01-01'),
            notAfter: new Date('2021-12-31'),
          }),
        ),
      ],
      [
        'a seal that began later',
        'accepted',
        certified(() =>
          issue(jinshan.root, 'seal', sealUrn(jinshan.node), '0f', {
            notBefore: new Date('2023-01-01'),
            notAfter: new Date('2025-01-01'),
          }),
        ),
      ],
      [
        'a seal that ended since',
        'accepted',
        certified(() =>
          issue(jinshan.root, 'seal', sealUrn(jinshan.node), '10', {
            notBefore: new Date('2022-01-01'),
            notAfter: new Date('2022-02-01'),
          }),
        ),
      ],

      ['no header', invalid('encoding'), jws(() => `..AAAA`)],
      [
        'a payload inside',
        invalid('encoding'),
        jws(() => signAgreement(content, jinshan.seal).replace('..', '.AAAA.')),
      ],
      ['padding', invalid('encoding'), jws(() => `${signAgreement(content, jinshan.seal)}=`)],
      ['a fourth part', invalid('encoding'), jws(() => `${signAgreement(content, jinshan.seal)}.AAAA`)],
      ['a header that is no JSON', invalid('not-json'), header(() => Buffer.from('{'))],
      [
        'a header that is not canonical',
        invalid('not-canonical'),
        header((h) => Buffer.from(JSON.stringify(h, null, 1))),
      ],
      ['a header as deep as the sea', invalid('too-deep'), header((h) => ({ ...h, x5c: [[[[]]]] }))],
      ['another type', invalid('header'), header((h) => ({ ...h, typ: 'JWT' }))],
      ['one more member', invalid('header'), header((h) => ({ ...h, kid: 'x' }))],
      ['null for a header', invalid('header'), header(() => Buffer.from('null'))],
      ['no certificate', invalid('header'), header(({ x5c, ...h }) => h)],
      ['two certificates', invalid('header'), header((h) => ({ ...h, x5c: [...(h.x5c as string[]), 'AAAA'] }))],
      [
        'certificate and log key',
        invalid('header'),
        header((h) => ({ ...h, vkey: vkeyOf(jinshan.node, jinshan.logKey) })),
      ],
      ['a certificate that is none', invalid('certificate'), header((h) => ({ ...h, x5c: ['AAAA'] }))],
      ['RS256 with a P-256 key', invalid('algorithm'), header((h) => ({ ...h, alg: 'RS256' }))],
      ['no algorithm', invalid('algorithm'), header((h) => ({ ...h, alg: 'none' }))],

      [
        'a log key besides',
        'accepted',
        log(() => signAgreementByLogKey(content, jinshan.logKey, vkeyOf(jinshan.node, jinshan.logKey))),
      ],
      [
        'the other’s log key',
        invalid('log-key'),
        log(() => signAgreementByLogKey(content, pinghu.logKey, vkeyOf(pinghu.node, pinghu.logKey))),
      ],
      [
        'an unknown log key',
        invalid('log-key'),
        log(() => signAgreementByLogKey(content, pinghu.logKey, vkeyOf(jinshan.node, pinghu.logKey))),
      ],
      [
        'a log key over another text',
        invalid('signature'),
        log(() =>
          signAgreementByLogKey({ ...content, title: 'x' }, jinshan.logKey, vkeyOf(jinshan.node, jinshan.logKey)),
        ),
      ],
      [
        'a vkey of another algorithm',
        invalid('algorithm'),
        log(() =>
          jwsWith(
            { alg: 'ES256', typ: 'jieqiao-agreement+jws', vkey: vkeyOf(jinshan.node, jinshan.logKey) },
            content,
            (input) => sign(null, input, jinshan.logKey),
          ),
        ),
      ],
    ])('%s: %s', async (_, expected, run) => {
      expect(await run()).toBe(expected);
    });
  });

  describe('under a certification authority that serves others too', () => {
    const speaking = (speakers: object[]): AgreementContent =>
      change(1, { anchors: [{ certificate: base64Of(derOf(publicCa)), speakers: speakers as never }] });
    /** Such an authority writes no URN of ours. */
    const byCa = (serial: string, urn = 'urn:uuid:00000000-0000-4000-8000-000000000000') =>
      issue(publicCa, 'seal', urn, serial);

    it('only those speak for a party whom the agreement names', async () => {
      const [ours, others] = [await byCa('21'), await byCa('22', sealUrn(jinshan.node))];
      const sealedBy = (text: AgreementContent, seal: Signer) =>
        parse(text, [by(pinghu.node, text, pinghu.seal), by(jinshan.node, text, seal)]);
      const { fingerprint, subject } = ours.certificate;
      expect(sealedBy(speaking([{ use: 'seal', fingerprint }]), ours)).toBe('accepted');
      expect(sealedBy(speaking([{ use: 'seal', subject }]), ours)).toBe('accepted');
      expect(sealedBy(speaking([{ use: 'node', fingerprint }]), ours)).toBe(
        'AGREEMENT_SIGNATURE_INVALID NOT_A_SPEAKER',
      );
      // Another customer of the same authority, even one that got our name into its certificate.
      expect(sealedBy(speaking([{ use: 'seal', fingerprint }]), others)).toBe(
        'AGREEMENT_SIGNATURE_INVALID NOT_A_SPEAKER',
      );
      expect(sealedBy(speaking([{ use: 'seal', fingerprint }]), jinshan.seal)).toBe(
        'AGREEMENT_SIGNATURE_INVALID UNKNOWN_ISSUER',
      );
    });

    it('one certificate speaks for one party, and a shared authority is nobody’s own root', () => {
      const anchor = { certificate: base64Of(derOf(publicCa)), speakers: [{ use: 'seal' as const, subject: 'CN=甲' }] };
      const both = (first: AgreementParty['anchors']): AgreementContent => ({
        ...content,
        parties: content.parties.map((party, i) => ({ ...party, anchors: i === 0 ? first : [anchor] })),
      });
      expect(parse(both([anchor]), [])).toBe('AGREEMENT_MALFORMED speaker-twice');
      expect(parse(both([{ ...anchor, speakers: [{ use: 'seal', subject: 'CN=乙' }] }]), [])).toBe(
        'AGREEMENT_SIGNATURE_INVALID missing',
      );
      expect(parse(both([anchor.certificate]), [])).toBe('AGREEMENT_MALFORMED anchor-shared');
    });
  });

  describe('is refused for what it says', () => {
    const leaf = () => base64Of(pinghu.seal.certificate);
    const ownRoot = () => base64Of(derOf(pinghu.root));
    const successor = (node: string, from = '2023-01-01T00:00:00.000Z') => ({ successor: { node, from } });
    const tsa = (over: object = {}) => ({ name: '甲', certificate: ownRoot(), demonstration: true, ...over });
    const malformed = (reason: string) => `AGREEMENT_MALFORMED ${reason}`;

    it.each<[what: string, reason: string, text: () => AgreementContent]>([
      [
        'ends before it begins',
        'effective-range',
        () => ({ ...content, effective: { from: content.effective.to, to: content.effective.from } }),
      ],
      [
        'ends as it begins',
        'effective-range',
        () => ({ ...content, effective: { from: content.effective.to, to: content.effective.to } }),
      ],
      [
        'a day that is none',
        'format',
        () => ({ ...content, effective: { ...content.effective, from: '2022-02-30T00:00:00.000Z' } }),
      ],
      [
        'an hour that is none',
        'format',
        () => ({ ...content, effective: { ...content.effective, from: '2022-02-01T24:00:00.000Z' } }),
      ],
      [
        'no milliseconds',
        'format',
        () => ({ ...content, effective: { ...content.effective, from: '2022-02-01T00:00:00Z' } }),
      ],
      ['version 2 without a predecessor', 'previous', () => ({ ...content, version: 2 })],
      ['version 1 with one', 'previous', () => ({ ...content, previous: `sha256:${'0'.repeat(64)}` })],
      ['version 0', 'minimum', () => ({ ...content, version: 0 })],
      ['half a version', 'type', () => ({ ...content, version: 1.5 })],
      ['one party', 'minItems', () => ({ ...content, parties: content.parties.slice(0, 1) })],
      ['a party twice', 'party-twice', () => ({ ...content, parties: [content.parties[0]!, ...content.parties] })],
      [
        '65 parties',
        'maxItems',
        () => ({ ...content, parties: Array.from({ length: 65 }, () => content.parties[0]!) }),
      ],
      ['a node of another form', 'pattern', () => change(0, { node: 'Pinghu' })],
      ['a region that is not the node’s', 'region', () => change(0, { region: '330483' })],
      ['no anchor', 'minItems', () => change(0, { anchors: [] })],
      ['an anchor that is no Base64', 'pattern', () => change(0, { anchors: ['====', '*'] })],
      ['an anchor that is no certificate', 'anchor', () => change(0, { anchors: ['AAAA'] })],
      [
        'an anchor with a byte behind it',
        'anchor',
        () => change(0, { anchors: [Buffer.concat([derOf(pinghu.root).raw, Buffer.of(0)]).toString('base64')] }),
      ],
      ['an anchor that certifies nobody', 'anchor-not-a-ca', () => change(0, { anchors: [leaf()] })],
      ['an anchor twice', 'anchor-twice', () => change(0, { anchors: [ownRoot(), ownRoot()] })],
      [
        'an anchor twice, once with speakers',
        'anchor-twice',
        () =>
          change(0, { anchors: [ownRoot(), { certificate: ownRoot(), speakers: [{ use: 'seal', subject: 'x' }] }] }),
      ],
      ['nine anchors', 'maxItems', () => change(0, { anchors: Array.from({ length: 9 }, ownRoot) })],
      ['a huge anchor', 'maxLength', () => change(0, { anchors: ['A'.repeat(24_004)] })],
      ['speakers, but none', 'type', () => change(0, { anchors: [{ certificate: ownRoot(), speakers: [] }] })],
      ['a log key without form', 'log-key', () => change(0, { logVkey: 'jieqiao.log/pinghu.330482+00000000+AA==' })],
      ['another log’s key', 'log-key', () => change(0, { logVkey: vkeyOf(jinshan.node, pinghu.logKey) })],
      [
        'a witness’s key',
        'log-key',
        () => change(0, { logVkey: encodeVkey(noteKey(logOrigin(pinghu.node), pinghu.logKey, 4)) }),
      ],
      [
        'an authority that ends before it begins',
        'validity',
        () => change(0, { validity: { from: '2023-01-01T00:00:00.000Z', to: '2022-01-01T00:00:00.000Z' } }),
      ],
      ['half a validity', 'required', () => change(0, { validity: { from: null } as never })],
      ['an unknown successor', 'successor-unknown', () => change(0, successor('jiashan.330421'))],
      [
        'an unknown successor of a successor',
        'successor-unknown',
        () => ({
          ...content,
          parties: [
            { ...content.parties[0]!, ...successor(jinshan.node) },
            { ...content.parties[1]!, ...successor('jiashan.330421') },
          ],
        }),
      ],
      ['its own successor', 'successor-ring', () => change(0, successor(pinghu.node))],
      [
        'a ring of successors',
        'successor-ring',
        () => ({
          ...content,
          parties: [
            { ...content.parties[0]!, ...successor(jinshan.node) },
            { ...content.parties[1]!, ...successor(pinghu.node) },
          ],
        }),
      ],
      ['a time authority twice', 'time-authority-twice', () => ({ ...content, timeAuthorities: [tsa(), tsa()] })],
      [
        'a time authority without a certificate',
        'time-authority',
        () => ({ ...content, timeAuthorities: [tsa({ certificate: 'AAAA' })] }),
      ],
      ['a member nobody knows', 'additionalProperties', () => ({ ...content, extra: 1 }) as never],
      ['a party’s member nobody knows', 'additionalProperties', () => change(0, { extra: 1 } as never)],
      ['a title that clears the screen', 'pattern', () => ({ ...content, title: '协议\u001b[2J' })],
      ['a title that reads backwards', 'pattern', () => ({ ...content, title: '协议\u202e' })],
      ['an authority on two lines', 'pattern', () => change(0, { authority: '甲\n乙' })],
      ['a title without end', 'maxLength', () => ({ ...content, title: '协'.repeat(201) })],
      ['another schema', 'const', () => ({ ...content, schema: 'jieqiao/agreement/v2' }) as never],
    ])('%s: %s', (_, reason, text) => {
      expect(parse(text(), [])).toBe(malformed(reason));
    });

    it.each([
      ...[
        'localhost',
        ':7000',
        'localhost:0',
        'localhost:65536',
        'localhost:07',
        'a b:7000',
        'a/b:7000',
        'user@host:7000',
      ],
      ...['host:7000\n', '-host:7000', 'https://host:7000', `${'a'.repeat(300)}:7000`, '[host]:7000', '主机:7000'],
    ])('gRPC at %j', (grpc) => {
      expect(parse(change(0, { endpoints: { grpc, blobs: 'https://localhost:7001' } }), [])).toBe(malformed('pattern'));
    });

    it.each(['127.0.0.1:1', 'a.example:65535', '[::1]:7000', 'pinghu_node:7000'])('but not gRPC at %j', (grpc) => {
      const text = change(0, { endpoints: { grpc, blobs: `https://${grpc}` } });
      expect(parse(text, [])).toBe('AGREEMENT_SIGNATURE_INVALID missing');
    });
  });

  describe('is refused for its form', () => {
    const good = () => sealed(content, pinghu, jinshan);
    const edit = (from: string, to: string) => Buffer.from(good().toString().replace(from, to));
    it.each<[what: string, expected: Outcome, bytes: () => Buffer]>([
      ['nothing', 'AGREEMENT_MALFORMED not-json', () => Buffer.alloc(0)],
      ['too much', 'AGREEMENT_MALFORMED too-large', () => Buffer.alloc(maxAgreementBytes + 1, 0x20)],
      ['too deep', 'AGREEMENT_MALFORMED too-deep', () => Buffer.from(`${'['.repeat(17)}${']'.repeat(17)}`)],
      [
        'terms too deep',
        'AGREEMENT_MALFORMED too-deep',
        () => edit('"terms":{}', `"terms":{"a":${'['.repeat(14)}${']'.repeat(14)}}`),
      ],
      ['deeper than any stack', 'AGREEMENT_MALFORMED too-deep', () => Buffer.alloc(4_000_000, '[')],
      ['a key twice', 'AGREEMENT_MALFORMED not-canonical', () => edit('"version":1', '"version":1,"version":1')],
      [
        'a key twice, other values',
        'AGREEMENT_MALFORMED not-canonical',
        () => edit('"version":1', '"version":2,"version":1'),
      ],
      ['a space', 'AGREEMENT_MALFORMED not-canonical', () => edit('"version":1', '"version": 1')],
      ['a number spelt otherwise', 'AGREEMENT_MALFORMED not-canonical', () => edit('"version":1', '"version":1e0')],
      ['a byte-order mark', 'AGREEMENT_MALFORMED not-json', () => Buffer.concat([Buffer.from('\ufeff'), good()])],
      ['a line feed at the end', 'AGREEMENT_MALFORMED not-canonical', () => Buffer.concat([good(), Buffer.from('\n')])],
      [
        'bytes that are no UTF-8',
        'AGREEMENT_MALFORMED not-canonical',
        () => Buffer.from(good().toString('latin1').replace('v1', 'v\xff'), 'latin1'),
      ],
      ['an array', 'AGREEMENT_MALFORMED type', () => Buffer.from('[]')],
      ['null', 'AGREEMENT_MALFORMED type', () => Buffer.from('null')],
      [
        'a prototype',
        'AGREEMENT_MALFORMED additionalProperties',
        () => edit('{"agreement":', '{"__proto__":{},"agreement":'),
      ],
      [
        'too many signatures',
        'AGREEMENT_MALFORMED maxItems',
        () =>
          file(
            content,
            Array.from({ length: 257 }, (_, i) => ({ node: pinghu.node, jws: `${i}` })),
          ),
      ],
      [
        'a signature without end',
        'AGREEMENT_MALFORMED maxLength',
        () => file(content, [{ node: pinghu.node, jws: 'a'.repeat(32_001) }]),
      ],
      [
        'a time-stamp without end',
        'AGREEMENT_MALFORMED maxLength',
        () => file(content, [{ node: pinghu.node, jws: 'a', timestamp: 'A'.repeat(64_004) }]),
      ],
    ])('%s: %s', (_, expected, bytes) => {
      expect(outcome(() => parseAgreement(bytes()))).toBe(expected);
    });

    it('any flipped bit is found', () => {
      const bytes = good();
      for (let i = 0; i < bytes.length; i++) {
        const bad = Buffer.from(bytes);
        bad[i]! ^= 1 << (i % 8);
        expect([i, outcome(() => parseAgreement(bad))]).not.toContain('accepted');
      }
    });
  });
});

describe('a proposal', () => {
  it('says who has signed and who has not', () => {
    expect(parseProposal(file(content, []))).toMatchObject({ signed: [], missing: [pinghu.node, jinshan.node] });
    const half = parseProposal(file(content, [by(jinshan.node, content, jinshan.seal)]));
    expect(half).toMatchObject({ signed: [jinshan.node], missing: [pinghu.node] });
    expect(signaturesDue(half, null)).toEqual([{ node: pinghu.node, due: 'seal' }]);
    const whole = parseProposal(sealed(content, pinghu, jinshan));
    expect(whole).toMatchObject({ signed: [pinghu.node, jinshan.node], missing: [] });
    expect(whole.ref).toEqual(half.ref);
  });

  it('with a wrong signature is an error, not unsigned', () => {
    const wrong = by(jinshan.node, { ...content, title: '另一份' }, jinshan.seal);
    expect(outcome(() => parseProposal(file(content, [wrong])))).toBe('AGREEMENT_SIGNATURE_INVALID signature');
  });

  it('comes out the same in whatever order it is signed, and however often', () => {
    const empty: AgreementFile = { agreement: content, signatures: [] };
    const [a, b] = [by(pinghu.node, content, pinghu.seal), by(jinshan.node, content, jinshan.seal)];
    const one = withSignature(withSignature(empty, a.node, a.jws), b.node, b.jws);
    const other = withSignature(withSignature(empty, b.node, b.jws), a.node, a.jws);
    expect(agreementFileBytes(other)).toEqual(agreementFileBytes(one));
    const again = withSignature(one, a.node, signAgreement(content, pinghu.seal), 'AAAA');
    expect(again.signatures).toHaveLength(2);
    expect(
      parseAgreement(agreementFileBytes(again))
        .signatures.map(({ timestamp }) => timestamp)
        .sort(),
    ).toEqual(['AAAA', null]);
  });

  it('is drafted from cards, and a draft is checked like a signed text', () => {
    const draft = {
      id: 'pinghu-jinshan',
      title: '平湖金山执法互认协议',
      effective: { from: '2022-01-01T00:00:00.000Z', to: '2032-01-01T00:00:00.000Z' },
      parties: described(pinghu, jinshan).map(cardOf),
      terms: {},
    };
    expect(draftAgreement(draft)).toEqual(content);
    expect(outcome(() => draftAgreement({ ...draft, id: 'Ö' }))).toBe('AGREEMENT_MALFORMED pattern');
    expect(outcome(() => draftAgreement({ ...draft, parties: [draft.parties[0]!, draft.parties[0]!] }))).toBe(
      'AGREEMENT_MALFORMED party-twice',
    );
  });
});

describe('a next version', () => {
  let first: Agreement;
  let newRoot: KeyAndCertificate;
  let newSeal: Signer;
  const newLog = generateKeyPairSync('ed25519').privateKey;
  const version = (over: Partial<AgreementContent> = {}, previous = first) => nextVersion(previous, over);
  const partiesWith = (over: Partial<AgreementParty>) =>
    first.content.parties.map((party) => (party.node === pinghu.node ? { ...party, ...over } : party));

  beforeAll(async () => {
    first = parseAgreement(sealed(content, pinghu, jinshan));
    newRoot = await createRoot({ organisation: pinghu.authority, commonName: '新根证书' }, validity, '31');
    newSeal = await issue(newRoot, 'seal', sealUrn(pinghu.node), '32');
  });

  const newAnchors = () => ({ anchors: [base64Of(derOf(newRoot))] });
  const newLogKey = () => ({ logVkey: vkeyOf(pinghu.node, newLog) });
  type Key = 'old seal' | 'new seal' | 'old log' | 'new log' | 'jinshan' | 'jiashan' | 'stranger';
  const signers: Record<Key, (text: AgreementContent) => Signatures[number]> = {
    'old seal': (text) => by(pinghu.node, text, pinghu.seal),
    'new seal': (text) => by(pinghu.node, text, newSeal),
    'old log': (text) => ({
      node: pinghu.node,
      jws: signAgreementByLogKey(text, pinghu.logKey, vkeyOf(pinghu.node, pinghu.logKey)),
    }),
    'new log': (text) => ({
      node: pinghu.node,
      jws: signAgreementByLogKey(text, newLog, vkeyOf(pinghu.node, newLog)),
    }),
    jinshan: (text) => by(jinshan.node, text, jinshan.seal),
    jiashan: (text) => by(jiashan.node, text, jiashan.seal),
    stranger: (text) => by(pinghu.node, text, jiashan.seal),
  };
  const succeed = (text: AgreementContent, keys: Key[], previous = first) =>
    outcome(() => {
      const signatures = keys.map((key) => signers[key](text));
      checkSuccession(parseAgreement(file(text, signatures)), previous);
    });
  const withJiashan = () => [...first.content.parties, agreementOf(described(jiashan, jinshan)).parties[0]!];
  const invalid = (reason: string) => `AGREEMENT_SIGNATURE_INVALID ${reason}`;

  it.each<[what: string, expected: Outcome, text: () => AgreementContent, keys: Key[]]>([
    ['other terms', 'accepted', () => version({ terms: { a: 1 } }), ['old seal', 'jinshan']],
    ['other terms, one seal missing', invalid('missing'), () => version({ terms: { a: 1 } }), ['old seal']],
    [
      'a new root, by both seals',
      'accepted',
      () => version({ parties: partiesWith(newAnchors()) }),
      ['old seal', 'new seal', 'jinshan'],
    ],
    [
      'a new root, by the new seal only',
      invalid('not-by-the-key-before'),
      () => version({ parties: partiesWith(newAnchors()) }),
      ['new seal', 'jinshan'],
    ],
    [
      'a new root, by the old seal only',
      invalid('missing'),
      () => version({ parties: partiesWith(newAnchors()) }),
      ['old seal', 'jinshan'],
    ],
    [
      'a new root beside the old, by the old seal',
      'accepted',
      () => version({ parties: partiesWith({ anchors: [base64Of(derOf(newRoot)), base64Of(derOf(pinghu.root))] }) }),
      ['old seal', 'jinshan'],
    ],
    [
      'a new root beside the old, by the new seal',
      invalid('not-by-the-key-before'),
      () => version({ parties: partiesWith({ anchors: [base64Of(derOf(newRoot)), base64Of(derOf(pinghu.root))] }) }),
      ['new seal', 'jinshan'],
    ],
    [
      'a new log key, by both',
      'accepted',
      () => version({ parties: partiesWith(newLogKey()) }),
      ['old seal', 'old log', 'new log', 'jinshan'],
    ],
    [
      'a new log key, by seals only',
      invalid('log-key-not-shown'),
      () => version({ parties: partiesWith(newLogKey()) }),
      ['old seal', 'jinshan'],
    ],
    [
      'a new log key, by the old only',
      invalid('log-key-not-shown'),
      () => version({ parties: partiesWith(newLogKey()) }),
      ['old seal', 'old log', 'jinshan'],
    ],
    [
      'a new log key, by the new only',
      invalid('log-key-not-shown'),
      () => version({ parties: partiesWith(newLogKey()) }),
      ['old seal', 'new log', 'jinshan'],
    ],
    [
      'all keys new',
      'accepted',
      () => version({ parties: partiesWith({ ...newAnchors(), ...newLogKey() }) }),
      ['old seal', 'new seal', 'old log', 'new log', 'jinshan'],
    ],
    [
      'all keys new, the old seal missing',
      invalid('not-by-the-key-before'),
      () => version({ parties: partiesWith({ ...newAnchors(), ...newLogKey() }) }),
      ['new seal', 'old log', 'new log', 'jinshan'],
    ],
    [
      'a seal of neither version',
      invalid('key-unknown'),
      () => version({ parties: partiesWith(newAnchors()) }),
      ['old seal', 'new seal', 'stranger', 'jinshan'],
    ],
    [
      'a log key of neither version',
      invalid('key-unknown'),
      () => version({ terms: { a: 1 } }),
      ['old seal', 'new log', 'jinshan'],
    ],
    ['a party joins', 'accepted', () => version({ parties: withJiashan() }), ['old seal', 'jinshan', 'jiashan']],
    [
      'a party joins without signing',
      invalid('missing'),
      () => version({ parties: withJiashan() }),
      ['old seal', 'jinshan'],
    ],
    [
      'a party is left out',
      'accepted',
      () => version({ parties: [...withJiashan().slice(1)] }),
      ['jinshan', 'jiashan'],
    ],
    [
      'a party that left still signs',
      invalid('not-a-party'),
      () => version({ parties: [...withJiashan().slice(1)] }),
      ['jinshan', 'jiashan', 'old seal'],
    ],
    ['the same number', 'AGREEMENT_FORKED', () => ({ ...content, title: '另一份' }), ['old seal', 'jinshan']],
    ['a number too many', 'AGREEMENT_VERSION_GAP', () => ({ ...version(), version: 3 }), ['old seal', 'jinshan']],
    [
      'another predecessor',
      'AGREEMENT_MALFORMED previous',
      () => ({ ...version(), previous: `sha256:${'0'.repeat(64)}` }),
      ['old seal', 'jinshan'],
    ],
    [
      'another agreement',
      'AGREEMENT_MALFORMED previous',
      () => ({ ...version(), id: 'pinghu-jiashan' }),
      ['old seal', 'jinshan'],
    ],
    [
      'an earlier beginning',
      'AGREEMENT_MALFORMED effective-before-previous',
      () => version({ effective: { from: '2021-12-31T23:59:59.999Z', to: '2032-01-01T00:00:00.000Z' } }),
      ['old seal', 'jinshan'],
    ],
  ])('%s: %s', (_, expected, text, keys) => {
    expect(succeed(text(), keys)).toBe(expected);
  });

  it('an older one is no next one: AGREEMENT_ROLLED_BACK', () => {
    const second = parseAgreement(sealed(version({ terms: { a: 1 } }), pinghu, jinshan));
    expect(outcome(() => checkSuccession(first, second))).toBe('AGREEMENT_ROLLED_BACK');
  });

  it('a speaker is exchanged by the one before and the one after', async () => {
    const [old, now] = [await issue(publicCa, 'seal', 'urn:x:a', '41'), await issue(publicCa, 'seal', 'urn:x:b', '42')];
    const anchors = (seal: Signer): AgreementParty['anchors'] => [
      {
        certificate: base64Of(derOf(publicCa)),
        speakers: [{ use: 'seal', fingerprint: seal.certificate.fingerprint }],
      },
    ];
    const start = { ...content, parties: partiesWith({ anchors: anchors(old) }) };
    const previous = parseAgreement(file(start, [by(pinghu.node, start, old), by(jinshan.node, start, jinshan.seal)]));
    const text = version({ parties: partiesWith({ anchors: anchors(now) }) }, previous);
    const check = (...seals: Signer[]) =>
      outcome(() => {
        const signatures = [...seals.map((seal) => by(pinghu.node, text, seal)), by(jinshan.node, text, jinshan.seal)];
        checkSuccession(parseAgreement(file(text, signatures)), previous);
      });
    expect(check(old, now)).toBe('accepted');
    expect(check(now)).toBe('AGREEMENT_SIGNATURE_INVALID not-by-the-key-before');
    expect(check(old)).toBe('AGREEMENT_SIGNATURE_INVALID missing');
  });

  it('says which signatures are still due', () => {
    const text = version({ parties: partiesWith({ ...newAnchors(), ...newLogKey() }) });
    const due = (keys: Key[]) =>
      signaturesDue(
        parseProposal(
          file(
            text,
            keys.map((key) => signers[key](text)),
          ),
        ),
        first,
      ).map(({ node, due }) => `${node} ${due}`);
    expect(due([])).toEqual([
      'pinghu.330482 seal',
      'pinghu.330482 seal-before',
      'pinghu.330482 log-key-before',
      'pinghu.330482 log-key',
      'jinshan.310116 seal',
      'jinshan.310116 seal-before',
    ]);
    expect(due(['old seal', 'new seal', 'new log', 'jinshan'])).toEqual(['pinghu.330482 log-key-before']);
    expect(due(['old seal', 'new seal', 'old log', 'new log', 'jinshan'])).toEqual([]);
  });

  it('a text is checked before it is signed', () => {
    expect(outcome(() => version({ parties: [] }))).toBe('AGREEMENT_MALFORMED minItems');
  });
});

describe('the version in force', () => {
  const year = (n: number) => `${n}-01-01T00:00:00.000Z`;
  let versions: Agreement[];
  beforeAll(() => {
    const add = (all: Agreement[], from: number, to: number): Agreement[] => {
      const effective = { from: year(from), to: year(to) };
      const previous = all.at(-1);
      const text = previous ? nextVersion(previous, { effective }) : { ...content, effective };
      return [...all, parseAgreement(sealed(text, pinghu, jinshan))];
    };
    versions = add(add(add([], 2022, 2030), 2024, 2026), 2025, 2029);
  });

  it.each([
    ['2021-12-31T23:59:59.999Z', null],
    ['2022-01-01T00:00:00.000Z', 1],
    ['2023-12-31T23:59:59.999Z', 1],
    ['2024-01-01T00:00:00.000Z', 2],
    ['2025-01-01T00:00:00.000Z', 3],
    ['2028-12-31T23:59:59.999Z', 3],
    // Version 1 would run longer, but it has been replaced for good.
    ['2029-01-01T00:00:00.000Z', null],
  ])('at %s: %s', (at, version) => {
    expect(versionInForce(versions, new Date(at))?.ref.version ?? null).toBe(version);
    expect(versionInForce([...versions].reverse(), new Date(at))?.ref.version ?? null).toBe(version);
  });

  it('ends with its own end or the next one’s beginning', () => {
    expect(versions.map((one) => effectiveUntil(one, versions))).toEqual([year(2024), year(2025), year(2029)]);
    expect(effectiveUntil(versions[0]!, [versions[0]!, versions[2]!])).toBe(year(2025));
    expect(effectiveUntil(versions[0]!, [])).toBe(year(2030));
  });

  it('its own dates are another question', () => {
    expect(inForce(versions[0]!, new Date(year(2025)))).toBe(true);
    expect(versionInForce([], new Date(year(2025)))).toBeNull();
  });
});
