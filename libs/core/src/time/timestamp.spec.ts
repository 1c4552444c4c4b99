import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ContentInfo, Certificate as PkijsCertificate, SignedData, TSTInfo } from 'pkijs';
import {
  forTimestamps,
  type KeyKind,
  OpensslAuthority,
  type ReplyOptions,
} from '../../../../test/support/openssl-authority';
import { DerReader, der, oid, sequence, setOf, tag, unsigned } from '../bundle/der';
import {
  answerTimestampRequest,
  Certificate,
  createDemonstrationAuthority,
  createRoot,
  type DemonstrationAuthority,
  demonstrationPolicy,
  digestOf,
  GatewayError,
  issueCertificate,
  readTimeAuthorities,
  readTimestampResponse,
  Signer,
  sha256,
  type TimeAuthority,
  timestampRequest,
  verifyTimestamp,
} from '../index';

const data = Buffer.from('a signature to be dated');
const imprint = digestOf(data);
const nonce = Buffer.from('00f1e2d3c4b5a69788', 'hex');
const validity = { notBefore: new Date('2022-01-01T00:00:00Z'), notAfter: new Date('2032-01-01T00:00:00Z') };
const now = new Date('2026-11-23T08:30:15.250Z');
const node = 'pinghu.330482';

/** What a person is told: the code and the reason, or the authority. */
function answerTo(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `${error.code} ${error.params.reason}`;
  }
}

const dir = mkdtempSync(join(tmpdir(), 'jieqiao-time-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const path = (name: string) => join(dir, name);

const named = (certificatePem: string, name = '某时间戳服务机构', demonstration = false): TimeAuthority => ({
  name,
  certificate: Certificate.parse(certificatePem),
  demonstration,
});
const pem = (file: string) => readFileSync(file, 'utf8');

describe('tokens that openssl made', () => {
  const authorities = new Map<string, OpensslAuthority>();
  const authority = (key: KeyKind): OpensslAuthority => {
    const known = authorities.get(key) ?? new OpensslAuthority(dir, key, { key });
    authorities.set(key, known);
    return known;
  };

  const keys: KeyKind[] = ['RSA', 'P-256', 'P-384'];
  const forms: [string, ReplyOptions][] = [
    ['plain', {}],
    ['signing-certificate by SHA-1', { ess: 'sha1' }],
    ['signing-certificate by SHA-384', { ess: 'sha384', digest: 'sha384' }],
    ['signed by SHA-384', { digest: 'sha384' }],
    ['signed by SHA-512, ordered', { digest: 'sha512', ordering: true }],
    ['accurate, in milliseconds', { accuracy: 'secs:1, millisecs:500, microsecs:100', precision: 6 }],
  ];

  it.each(keys.flatMap((key) => forms.map(([form, options]) => [key, form, options] as const)))(
    '%s, %s',
    (key, _, options) => {
      const before = Math.floor(Date.now() / 1000) * 1000;
      const response = authority(key).reply(timestampRequest(imprint, nonce), options);
      const token = readTimestampResponse(response);
      const stamp = verifyTimestamp(token, imprint, [named(pem(authority(key).root))], { nonce });
      expect(stamp).toEqual({
        time: expect.any(Date),
        accuracyMs: options.accuracy === undefined ? null : 1501,
        authority: '某时间戳服务机构',
        demonstration: false,
        serial: '0B',
        policy: '1.2.3.4.1',
      });
      expect(stamp.time.getTime()).toBeGreaterThanOrEqual(before);
      expect(stamp.time.getTime()).toBeLessThanOrEqual(Date.now());
    },
  );

  it('without a nonce: accepted where none was asked for, and refused where one was', () => {
    writeFileSync(path('data'), data);
    execFileSync(
      'openssl',
      ['ts', '-query', '-data', path('data'), '-sha256', '-no_nonce', '-cert', '-out', path('q')],
      {
        stdio: 'ignore',
      },
    );
    const token = readTimestampResponse(authority('P-256').reply(readFileSync(path('q'))));
    const trusted = [named(pem(authority('P-256').root))];
    expect(answerTo(() => verifyTimestamp(token, imprint, trusted))).toBe('accepted');
    expect(answerTo(() => verifyTimestamp(token, imprint, trusted, { nonce }))).toBe('TIMESTAMP_INVALID nonce');
  });

  it('an agreement may name the authority itself instead of its root', () => {
    const token = readTimestampResponse(authority('RSA').reply(timestampRequest(imprint, nonce)));
    expect(answerTo(() => verifyTimestamp(token, imprint, [named(pem(authority('RSA').signer))]))).toBe('accepted');
  });

  it('the one of several authorities that issued it is told', () => {
    const token = readTimestampResponse(authority('RSA').reply(timestampRequest(imprint, nonce)));
    const trusted = [named(pem(authority('P-256').root), '甲'), named(pem(authority('RSA').root), '乙')];
    expect(verifyTimestamp(token, imprint, trusted).authority).toBe('乙');
  });

  it('a refusal is told by its status and its reason', () => {
    const query = sequence(
      unsigned(Buffer.from([1])),
      sequence(sequence(oid('1.3.14.3.2.26'), der(tag.null)), der(tag.octetString, Buffer.alloc(20))),
    );
    const refuse = () => readTimestampResponse(authority('P-256').reply(query));
    expect(refuse).toThrow(
      expect.objectContaining({
        code: 'TIMESTAMP_INVALID',
        params: { reason: 'refused', status: 'rejection', failInfo: ['badAlg'] },
      }),
    );
  });

  it.each([
    [1, 'accepted'],
    [3, 'accepted'],
    [4, 'TIMESTAMP_INVALID UNKNOWN_ISSUER'],
  ])('%i certification authorities in between: %s', (intermediates, expected) => {
    const deep = new OpensslAuthority(dir, `deep${intermediates}`, { intermediates });
    const token = readTimestampResponse(deep.reply(timestampRequest(imprint, nonce), { chain: true }));
    expect(answerTo(() => verifyTimestamp(token, imprint, [named(pem(deep.root))]))).toBe(expected);
  });

  it('without its intermediates a token leads nowhere', () => {
    const deep = new OpensslAuthority(dir, 'bare', { intermediates: 1 });
    const token = readTimestampResponse(deep.reply(timestampRequest(imprint, nonce)));
    expect(answerTo(() => verifyTimestamp(token, imprint, [named(pem(deep.root))]))).toBe(
      'TIMESTAMP_INVALID UNKNOWN_ISSUER',
    );
  });

  it.each([
    ['no certification authority in between', { constraints: 'critical,CA:FALSE', intermediates: 1 }, 'NOT_A_CA'],
    [
      'a longer path than one in it allows',
      { constraints: 'critical,CA:TRUE,pathlen:0', intermediates: 2 },
      'NOT_A_CA',
    ],
    ['certificates signed with SHA-1', { certificateDigest: 'sha1' }, 'WEAK_SIGNATURE'],
    [
      'an extension that nobody knows',
      { extensions: `${forTimestamps}1.2.3.4=critical,DER:0500\n` },
      'UNKNOWN_CRITICAL_EXTENSION',
    ],
  ])('%s', (what, options, expected) => {
    const bad = new OpensslAuthority(dir, `bad ${what}`, options);
    const token = readTimestampResponse(bad.reply(timestampRequest(imprint, nonce), { chain: true }));
    expect(answerTo(() => verifyTimestamp(token, imprint, [named(pem(bad.root))]))).toBe(
      `TIMESTAMP_INVALID ${expected}`,
    );
  });
});

describe('the embedded authority', () => {
  let made: DemonstrationAuthority;
  let signer: Signer;
  let trusted: TimeAuthority[];
  const serial = Buffer.from('9a3c', 'hex');
  const answer = (request: Uint8Array, over: { signer?: Signer; now?: Date; serial?: Buffer } = {}) =>
    answerTimestampRequest(request, { signer, now, serial, ...over });
  const tokenOf = (over: Parameters<typeof answer>[1] = {}) =>
    readTimestampResponse(answer(timestampRequest(imprint, nonce), over));
  const judge = (token: Uint8Array, authorities = trusted) =>
    answerTo(() => verifyTimestamp(token, imprint, authorities, { nonce }));

  beforeAll(async () => {
    made = await createDemonstrationAuthority(node, validity);
    signer = Signer.fromPem(made.authority.privateKeyPem, made.authority.certificatePem);
    trusted = [named(made.rootPem, '演示', true)];
    writeFileSync(path('root.pem'), made.rootPem);
    writeFileSync(path('data'), data);
  });

  const openssl = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
    return { status, text: stdout + stderr };
  };
  const attime = String(Math.floor(now.getTime() / 1000));

  it('says what the token says', () => {
    expect(verifyTimestamp(tokenOf(), imprint, trusted, { nonce })).toEqual({
      time: now,
      accuracyMs: null,
      authority: '演示',
      demonstration: true,
      serial: '9A3C',
      policy: demonstrationPolicy,
    });
  });

  it('stays a demonstration where an agreement calls it something else', () => {
    const stamp = verifyTimestamp(tokenOf(), imprint, [named(made.rootPem)], { nonce });
    expect(stamp.demonstration).toBe(true);
  });

  it('openssl ts reads the request, and verifies response and token', () => {
    writeFileSync(path('own.tsq'), timestampRequest(imprint, nonce));
    writeFileSync(path('own.tsr'), answer(readFileSync(path('own.tsq'))));
    writeFileSync(path('own.tst'), tokenOf());
    expect(openssl('ts', '-query', '-in', 'own.tsq', '-text').text).toMatch(
      /Hash Algorithm: sha256[\s\S]*Certificate required: yes/,
    );
    const verify = ['ts', '-verify', '-CAfile', 'root.pem', '-attime', attime];
    for (const what of [
      ['-queryfile', 'own.tsq', '-in', 'own.tsr'],
      ['-data', 'data', '-in', 'own.tsr'],
      ['-data', 'data', '-in', 'own.tst', '-token_in'],
    ]) {
      expect(openssl(...verify, ...what)).toMatchObject({
        status: 0,
        text: expect.stringContaining('Verification: OK'),
      });
    }
    writeFileSync(path('other'), 'other data');
    expect(openssl(...verify, '-data', 'other', '-in', 'own.tsr').status).not.toBe(0);
    const text = openssl('ts', '-reply', '-in', 'own.tsr', '-text').text;
    expect(text).toContain('Status: Granted.');
    expect(text).toContain(`Policy OID: ${demonstrationPolicy}`);
    expect(text).toContain('Time stamp: Nov 23 08:30:15.25 2026 GMT');
    expect(openssl('x509', '-in', 'root.pem', '-noout', '-subject', '-nameopt', 'utf8').text).toContain('演示时间戳');
  });

  it('signs with RSA too, and openssl agrees', async () => {
    const key = execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
    writeFileSync(path('rsa.key'), key);
    writeFileSync(path('rsa.ext'), forTimestamps);
    const req = ['req', '-x509', '-new', '-key', 'rsa.key', '-subj', '/CN=RSA', '-days', '3650', '-out', 'rsa.pem'];
    openssl(
      ...req,
      '-addext',
      'extendedKeyUsage=critical,timeStamping',
      '-addext',
      'keyUsage=critical,digitalSignature',
    );
    const rsa = Signer.fromPem(key, pem(path('rsa.pem')));
    const at = new Date(rsa.certificate.notBefore.getTime() + 60_000);
    const token = tokenOf({ signer: rsa, now: at });
    expect(judge(token, [named(pem(path('rsa.pem')))])).toBe('accepted');
    writeFileSync(path('rsa.tst'), token);
    const verified = openssl('ts', '-verify', '-CAfile', 'rsa.pem', '-data', 'data', '-in', 'rsa.tst', '-token_in');
    expect(verified.text).toContain('Verification: OK');
  });

  it.each(['sha256', 'sha384', 'sha512'])('openssl asks for %s and is content with the answer', (hash) => {
    openssl('ts', '-query', '-data', 'data', `-${hash}`, '-cert', '-out', 'asked.tsq');
    writeFileSync(path('asked.tsr'), answer(readFileSync(path('asked.tsq'))));
    const verified = openssl(
      'ts',
      '-verify',
      '-queryfile',
      'asked.tsq',
      '-in',
      'asked.tsr',
      '-CAfile',
      'root.pem',
      '-attime',
      attime,
    );
    expect(verified.text).toContain('Verification: OK');
  });

  it('leaves its certificate out where nobody asks for it', () => {
    openssl('ts', '-query', '-data', 'data', '-sha256', '-out', 'lean.tsq');
    writeFileSync(path('lean.tsr'), answer(readFileSync(path('lean.tsq'))));
    writeFileSync(path('authority.pem'), made.authority.certificatePem);
    const verify = [
      'ts',
      '-verify',
      '-queryfile',
      'lean.tsq',
      '-in',
      'lean.tsr',
      '-CAfile',
      'root.pem',
      '-attime',
      attime,
    ];
    expect(openssl(...verify, '-untrusted', 'authority.pem').text).toContain('Verification: OK');
    const token = readTimestampResponse(readFileSync(path('lean.tsr')));
    expect(answerTo(() => verifyTimestamp(token, imprint, trusted))).toBe('TIMESTAMP_INVALID signing-certificate');
  });

  describe('what it does not stamp', () => {
    const failureWords = {
      badAlg: 'unrecognized or unsupported algorithm identifier',
      badRequest: 'transaction not permitted or supported',
      badDataFormat: 'the data submitted has the wrong format',
      unacceptedPolicy: 'the requested TSA policy is not supported by the TSA',
      unacceptedExtension: 'the requested extension is not supported by the TSA',
    };
    const version = unsigned(Buffer.from([1]));
    const hashed = (algorithm: string, length: number) =>
      sequence(sequence(oid(algorithm)), der(tag.octetString, Buffer.alloc(length)));
    const good = hashed('2.16.840.1.101.3.4.2.1', 32);
    it.each<[string, Buffer, keyof typeof failureWords]>([
      ['nothing', Buffer.alloc(0), 'badDataFormat'],
      ['text', Buffer.from('give me a time-stamp'), 'badDataFormat'],
      ['a request with a byte after it', Buffer.concat([sequence(version, good), Buffer.alloc(1)]), 'badDataFormat'],
      ['version 2', sequence(unsigned(Buffer.from([2])), good), 'badRequest'],
      ['SHA-1', sequence(version, hashed('1.3.14.3.2.26', 20)), 'badAlg'],
      ['MD5', sequence(version, hashed('1.2.840.113549.2.5', 16)), 'badAlg'],
      ['a digest of another length', sequence(version, hashed('2.16.840.1.101.3.4.2.1', 20)), 'badDataFormat'],
      ['a nonce of 65 bytes', sequence(version, good, der(tag.integer, Buffer.alloc(65, 1))), 'badDataFormat'],
      ['another policy', sequence(version, good, oid('1.2.3.4.1')), 'unacceptedPolicy'],
      [
        'an extension',
        sequence(version, good, der(tag.context0, sequence(oid('1.2.3'), der(tag.octetString)))),
        'unacceptedExtension',
      ],
    ])('%s: %s', (_, request, failure) => {
      const response = answer(request);
      expect(() => readTimestampResponse(response)).toThrow(
        expect.objectContaining({ params: { reason: 'refused', status: 'rejection', failInfo: [failure] } }),
      );
      // openssl reads the refusal and the same bit in it.
      writeFileSync(path('no.tsr'), response);
      expect(openssl('ts', '-reply', '-in', 'no.tsr', '-text').text).toContain(
        `Failure info: ${failureWords[failure]}`,
      );
    });

    it('its own policy, asked for by name, is fine', () => {
      const token = readTimestampResponse(
        answer(sequence(version, good, oid(demonstrationPolicy), der(tag.boolean, Buffer.from([0xff])))),
      );
      expect(answerTo(() => verifyTimestamp(token, `sha256:${'0'.repeat(64)}`, trusted))).toBe('accepted');
    });

    it('no bytes at all make it fail otherwise', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (request) => {
          expect(answerTo(() => readTimestampResponse(answer(request)))).toBe('TIMESTAMP_INVALID refused');
        }),
      );
    });
  });

  describe('refused', () => {
    const critical = 'extendedKeyUsage=critical,timeStamping';

    it('over other data, for another request, under another authority', async () => {
      const token = tokenOf();
      const other = await createDemonstrationAuthority(node, validity);
      expect(answerTo(() => verifyTimestamp(token, digestOf(Buffer.from('other')), trusted))).toBe(
        'TIMESTAMP_INVALID imprint',
      );
      expect(answerTo(() => verifyTimestamp(token, imprint, trusted, { nonce: Buffer.from([7]) }))).toBe(
        'TIMESTAMP_INVALID nonce',
      );
      // The look-alike has the same names, serial numbers and dates.
      expect(judge(token, [named(other.rootPem)])).toBe('TIMESTAMP_INVALID UNKNOWN_ISSUER');
      expect(judge(token, [named(other.authority.certificatePem)])).toBe('TIMESTAMP_INVALID UNKNOWN_ISSUER');
      expect(judge(token, [])).toBe('TIMESTAMP_INVALID UNKNOWN_ISSUER');
    });

    it.each([
      ['a second before its certificate begins', '2021-12-31T23:59:59.999Z', 'TIMESTAMP_INVALID NOT_YET_VALID'],
      ['at its certificate’s first moment', '2022-01-01T00:00:00.000Z', 'accepted'],
      ['at its certificate’s last moment', '2032-01-01T00:00:00.000Z', 'accepted'],
      ['a millisecond after its certificate has expired', '2032-01-01T00:00:00.001Z', 'TIMESTAMP_INVALID EXPIRED'],
    ])('%s: %s is %s', (_, at, expected) => {
      expect(judge(tokenOf({ now: new Date(at) }))).toBe(expected);
    });

    it.each(['seal', 'node', 'officer'] as const)('a %s certificate stamps nothing', async (use) => {
      const root = await createRoot({ organisation: '甲', commonName: '根' }, validity, '01');
      const pair = await issueCertificate(root, {
        use,
        name: { organisation: '甲', commonName: '乙' },
        urn: `urn:jieqiao:${use}:${node}`,
        validity,
        serial: '02',
        ...(use === 'officer' ? { certNo: '33048200001' } : {}),
      });
      const wrong = Signer.fromPem(pair.privateKeyPem, pair.certificatePem);
      expect(judge(tokenOf({ signer: wrong }), [named(root.certificatePem)])).toBe('TIMESTAMP_INVALID WRONG_USE');
      expect(judge(tokenOf({ signer: wrong }), [named(pair.certificatePem)])).toBe('TIMESTAMP_INVALID WRONG_USE');
    });

    it.each([
      ['not critical', 'extendedKeyUsage=timeStamping'],
      ['among others', 'extendedKeyUsage=critical,timeStamping,serverAuth'],
      ['absent', 'subjectAltName=DNS:w'],
      ['there, but the key may also sign certificates', `${critical}\nkeyUsage=digitalSignature,keyCertSign`],
      ['there, but the key may not sign', `${critical}\nkeyUsage=keyAgreement`],
    ])('the purpose is %s', (_, lines) => {
      // openssl itself refuses to sign with these, so the signer is ours.
      openssl(
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'w.key'],
        ...['-subj', '/CN=w', '-days', '3650', '-out', 'w.pem'],
        ...lines.split('\n').flatMap((line) => ['-addext', line]),
      );
      const wrong = Signer.fromPem(pem(path('w.key')), pem(path('w.pem')));
      const at = new Date(wrong.certificate.notBefore.getTime() + 1000);
      expect(judge(tokenOf({ signer: wrong, now: at }), [named(wrong.certificate.toPem())])).toBe(
        'TIMESTAMP_INVALID WRONG_USE',
      );
    });

    it('too large, truncated, with a byte after it, or something else', () => {
      const token = tokenOf();
      expect(judge(Buffer.alloc(64 * 1024 + 1, 0x30))).toBe('TIMESTAMP_MALFORMED too-large');
      expect(judge(Buffer.concat([token, Buffer.alloc(1)]))).toBe('TIMESTAMP_MALFORMED structure');
      for (let length = 0; length < token.length; length += 7) {
        expect(judge(token.subarray(0, length))).toBe('TIMESTAMP_MALFORMED structure');
      }
      expect(judge(answer(timestampRequest(imprint, nonce)))).toBe('TIMESTAMP_MALFORMED structure');
      expect(judge(Certificate.parse(made.rootPem).raw)).toBe('TIMESTAMP_MALFORMED structure');
    });

    it.each(['our', 'their'])('a flipped bit anywhere in %s token', (whose) => {
      let token = tokenOf();
      let root = trusted;
      if (whose === 'their') {
        const theirs = new OpensslAuthority(dir, 'flipped', { key: 'RSA', intermediates: 1 });
        token = readTimestampResponse(theirs.reply(timestampRequest(imprint, nonce), { chain: true }));
        root = [named(pem(theirs.root))];
      }
      const honest = verifyTimestamp(token, imprint, root);
      const free = freeRanges(token);
      for (let at = 0; at < token.length; at++) {
        for (const bit of [0x01, 0x08, 0x20, 0x80]) {
          const bad = Buffer.from(token);
          bad[at]! ^= bit;
          const told = judge(bad, root);
          const isFree = free.some(([start, end]) => start <= at && at < end);
          if (!isFree) expect([at, told]).not.toContain('accepted');
          if (told === 'accepted') expect(verifyTimestamp(bad, imprint, root)).toEqual(honest);
        }
      }
    });
  });

  describe('hand-made, with all signatures right', () => {
    const honest = () => takeApart(tokenOf());
    const digest = (bytes: Buffer) => der(tag.octetString, sha256(bytes));
    const attribute = (type: string, ...values: Buffer[]) => sequence(oid(type), setOf(...values));
    const contentType = attribute('1.2.840.113549.1.9.3', oid('1.2.840.113549.1.9.16.1.4'));
    const messageDigest = (info: Buffer) => attribute('1.2.840.113549.1.9.4', digest(info));
    const ess = (certificate: Buffer) =>
      attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(sequence(digest(certificate)))));

    it('taken apart and put together, a token is the same', () => {
      const token = tokenOf();
      expect(putTogether(takeApart(token)).equals(token)).toBe(true);
    });

    it.each<[string, (parts: Parts) => Partial<Parts>, string]>([
      ['no signer', () => ({ signerInfos: [] }), 'TIMESTAMP_INVALID signers'],
      [
        'two signers',
        ({ signerInfos }) => ({ signerInfos: [signerInfos[0]!, signerInfos[0]!] }),
        'TIMESTAMP_INVALID signers',
      ],
      ['no certificate', () => ({ certificates: [] }), 'TIMESTAMP_INVALID signing-certificate'],
      [
        'content of another type',
        () => ({ contentType: oid('1.2.840.113549.1.7.1') }),
        'TIMESTAMP_INVALID content-type',
      ],
      [
        '17 certificates',
        ({ certificates }) => ({ certificates: Array(17).fill(certificates[0]!) }),
        'TIMESTAMP_MALFORMED too-many-certificates',
      ],
    ])('%s', (_, change, expected) => {
      const parts = honest();
      expect(judge(putTogether({ ...parts, ...change(parts) }))).toBe(expected);
    });

    it.each<[string, (info: Buffer) => Buffer[], string]>([
      ['all attributes', (info) => [contentType, messageDigest(info), ess(signer.certificate.raw)], 'accepted'],
      ['no content-type', (info) => [messageDigest(info), ess(signer.certificate.raw)], 'TIMESTAMP_INVALID attributes'],
      ['no message-digest', () => [contentType, ess(signer.certificate.raw)], 'TIMESTAMP_INVALID attributes'],
      ['no signing-certificate', (info) => [contentType, messageDigest(info)], 'TIMESTAMP_INVALID attributes'],
      [
        'one twice',
        (info) => [contentType, contentType, messageDigest(info), ess(signer.certificate.raw)],
        'TIMESTAMP_INVALID attributes',
      ],
      [
        'one with two values',
        (info) => [
          attribute('1.2.840.113549.1.9.3', oid('1.2.840.113549.1.9.16.1.4'), oid('1.2.3')),
          messageDigest(info),
          ess(signer.certificate.raw),
        ],
        'TIMESTAMP_INVALID attributes',
      ],
      [
        'content-type of something else',
        (info) => [
          attribute('1.2.840.113549.1.9.3', oid('1.2.840.113549.1.7.1')),
          messageDigest(info),
          ess(signer.certificate.raw),
        ],
        'TIMESTAMP_INVALID content-type',
      ],
      [
        'the digest of something else',
        () => [contentType, messageDigest(data), ess(signer.certificate.raw)],
        'TIMESTAMP_INVALID message-digest',
      ],
      [
        'the digest of another certificate',
        (info) => [contentType, messageDigest(info), ess(data)],
        'TIMESTAMP_INVALID signing-certificate',
      ],
    ])('%s', (_, list, expected) => {
      const parts = honest();
      const attributes = setOf(...list(parts.info));
      expect(judge(putTogether({ ...parts, signerInfos: [resigned(parts, attributes, signer)] }))).toBe(expected);
    });

    it('another certificate of the same key, issuer and serial number is not the signer’s', () => {
      const parts = honest();
      const certificate = Buffer.from(parts.certificates[0]!);
      certificate[certificate.length - 1]! ^= 1;
      expect(judge(putTogether({ ...parts, certificates: [certificate] }))).toBe(
        'TIMESTAMP_INVALID signing-certificate',
      );
    });

    it.each<[string, (info: Buffer[]) => Buffer[], string]>([
      ['version 2', ([, ...rest]) => [unsigned(Buffer.from([2])), ...rest], 'TIMESTAMP_MALFORMED version'],
      [
        'a negative serial number',
        (info) => info.with(3, der(tag.integer, Buffer.from([0x80]))),
        'TIMESTAMP_MALFORMED serial',
      ],
      [
        'the 30th of February',
        (info) => info.with(4, der(0x18, Buffer.from('20260230120000Z'))),
        'TIMESTAMP_MALFORMED time',
      ],
      [
        'a time without seconds',
        (info) => info.with(4, der(0x18, Buffer.from('202602011200Z'))),
        'TIMESTAMP_MALFORMED time',
      ],
      ['local time', (info) => info.with(4, der(0x18, Buffer.from('20260201120000+0800'))), 'TIMESTAMP_MALFORMED time'],
      [
        'a time without a zone',
        (info) => info.with(4, der(0x18, Buffer.from('20260201120000'))),
        'TIMESTAMP_MALFORMED time',
      ],
      ['UTCTime', (info) => info.with(4, der(0x17, Buffer.from('260201120000Z'))), 'TIMESTAMP_MALFORMED structure'],
      [
        'a negative accuracy',
        (info) => info.toSpliced(5, 0, sequence(der(tag.integer, Buffer.from([0xff])))),
        'TIMESTAMP_MALFORMED accuracy',
      ],
      [
        'a critical extension',
        (info) => [
          ...info,
          der(tag.context1, sequence(oid('1.2.3'), der(tag.boolean, Buffer.from([0xff])), der(tag.octetString))),
        ],
        'TIMESTAMP_INVALID extension',
      ],
      [
        'an extension',
        (info) => [...info, der(tag.context1, sequence(oid('1.2.3'), der(tag.octetString)))],
        'accepted',
      ],
      [
        'a name of the authority',
        (info) => [...info, der(tag.context0, der(0x82, Buffer.from('tsa.example')))],
        'accepted',
      ],
      ['a serial number of 160 bits', (info) => info.with(3, unsigned(Buffer.alloc(20, 0xff))), 'accepted'],
      ['something more', (info) => [...info, der(tag.null)], 'TIMESTAMP_MALFORMED structure'],
    ])('a statement with %s', (_, change, expected) => {
      const parts = honest();
      const info = sequence(...change(elements(parts.info)));
      const attributes = setOf(contentType, messageDigest(info), ess(signer.certificate.raw));
      expect(judge(putTogether({ ...parts, info, signerInfos: [resigned(parts, attributes, signer)] }))).toBe(expected);
    });

    it('the signer may be named by key identifier', () => {
      const parts = honest();
      const identifier = (value: Buffer) => {
        const list = elements(parts.signerInfos[0]!);
        return [sequence(unsigned(Buffer.from([3])), der(0x80, value), ...list.slice(2))];
      };
      expect(judge(putTogether({ ...parts, signerInfos: identifier(signer.certificate.subjectKeyId!) }))).toBe(
        'accepted',
      );
      expect(judge(putTogether({ ...parts, signerInfos: identifier(Buffer.alloc(20)) }))).toBe(
        'TIMESTAMP_INVALID signing-certificate',
      );
    });

    it('another algorithm than the key’s', () => {
      const parts = honest();
      const list = elements(parts.signerInfos[0]!);
      const rsa = sequence(oid('1.2.840.113549.1.1.11'), der(tag.null));
      expect(judge(putTogether({ ...parts, signerInfos: [sequence(...list.with(4, rsa))] }))).toBe(
        'TIMESTAMP_INVALID algorithm',
      );
      const sha1 = sequence(oid('1.3.14.3.2.26'));
      expect(judge(putTogether({ ...parts, signerInfos: [sequence(...list.with(2, sha1))] }))).toBe(
        'TIMESTAMP_INVALID algorithm',
      );
    });

    it('certificates, lists and attributes that nobody signed change nothing', () => {
      const parts = honest();
      const unsignedAttribute = der(tag.context1, attribute('1.2.840.113549.1.9.16.2.14', parts.info));
      const info = sequence(...elements(parts.signerInfos[0]!), unsignedAttribute);
      const certificates = [Buffer.from('3003020101', 'hex'), der(0xa2, Buffer.alloc(3)), ...parts.certificates];
      const token = putTogether({ ...parts, certificates, crls: der(tag.context1, sequence()), signerInfos: [info] });
      expect(verifyTimestamp(token, imprint, trusted)).toEqual(verifyTimestamp(tokenOf(), imprint, trusted));
    });
  });

  it('mutilated at will, a token ends in an answer and not in a defect', () => {
    const token = tokenOf();
    const honest = verifyTimestamp(token, imprint, trusted);
    const edit = fc.record({
      at: fc.nat(token.length - 1),
      drop: fc.nat(20),
      put: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let bytes = Buffer.from(token);
        for (const { at, drop, put } of edits) {
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(Math.min(at + drop, bytes.length))]);
        }
        const told = answerTo(() => expect(verifyTimestamp(bytes, imprint, trusted)).toEqual(honest));
        expect(told).toMatch(/^(accepted|TIMESTAMP_(MALFORMED|INVALID) .+)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('any bytes end in an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(judge(bytes)).toMatch(/^TIMESTAMP_(MALFORMED|INVALID) /);
        expect(answerTo(() => readTimestampResponse(bytes))).toMatch(/^TIMESTAMP_(MALFORMED|INVALID) /);
      }),
      { numRuns: 2_000 },
    );
  });

  it('pkijs reads the same in our tokens, and finds their signature good', async () => {
    const token = tokenOf();
    const signedData = new SignedData({ schema: ContentInfo.fromBER(token).content });
    const info = TSTInfo.fromBER(signedData.encapContentInfo.eContent!.valueBlock.valueHexView);
    expect(info.genTime).toEqual(now);
    expect(Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView)).toEqual(sha256(data));
    const root = PkijsCertificate.fromBER(Certificate.parse(made.rootPem).raw);
    const verify = (content: Buffer) =>
      signedData.verify({
        signer: 0,
        data: new Uint8Array(content).buffer,
        trustedCerts: [root],
        checkChain: true,
        checkDate: now,
      });
    await expect(verify(data)).resolves.toBe(true);
    await expect(verify(Buffer.from('other'))).rejects.toThrow();
  });
});

it('time authorities are read from an agreement’s list', async () => {
  const { rootPem } = await createDemonstrationAuthority(node, validity);
  const certificate = Certificate.parse(rootPem);
  const entry = { name: '甲', certificate: certificate.raw.toString('base64'), demonstration: true };
  expect(readTimeAuthorities([entry])).toEqual([{ name: '甲', certificate, demonstration: true }]);
  expect(readTimeAuthorities(undefined)).toEqual([]);
  expect(() => readTimeAuthorities([{ ...entry, certificate: 'AAAA' }])).toThrow('CERTIFICATE_MALFORMED');
});

interface Parts {
  contentType: Buffer;
  info: Buffer;
  certificates: readonly Buffer[];
  crls?: Buffer;
  signerInfos: readonly Buffer[];
}

/** The elements of a SEQUENCE or SET. */
function elements(constructed: Buffer): Buffer[] {
  const reader = new DerReader(new DerReader(constructed).any().value);
  const list: Buffer[] = [];
  while (!reader.done) list.push(reader.any().raw);
  return list;
}

function takeApart(token: Buffer): Parts {
  const [, content] = elements(token);
  const [, , encapsulated, certificates, signerInfos] = elements(elements(content!)[0]!);
  const [contentType, eContent] = elements(encapsulated!);
  const info = new DerReader(elements(eContent!)[0]!).any().value;
  return {
    contentType: contentType!,
    info,
    certificates: elements(certificates!),
    signerInfos: elements(signerInfos!),
  };
}

function putTogether({ contentType, info, certificates, crls, signerInfos }: Parts): Buffer {
  const signedData = sequence(
    unsigned(Buffer.from([3])),
    setOf(sequence(oid('2.16.840.1.101.3.4.2.1'))),
    sequence(contentType, der(tag.context0, der(tag.octetString, info))),
    ...(certificates.length > 0 ? [der(tag.context0, ...certificates)] : []),
    ...(crls ? [crls] : []),
    setOf(...signerInfos),
  );
  return sequence(oid('1.2.840.113549.1.7.2'), der(tag.context0, signedData));
}

/** The honest SignerInfo with other signed attributes and the signature that belongs to them. */
function resigned(parts: Parts, attributes: Buffer, signer: Signer): Buffer {
  const implicit = Buffer.from(attributes);
  implicit[0] = tag.context0;
  const list = elements(parts.signerInfos[0]!);
  return sequence(...list.with(3, implicit).with(5, der(tag.octetString, signer.sign(attributes))));
}

/** Where nothing is signed and nothing depends on the bytes: version numbers and the list of digest algorithms. */
function freeRanges(token: Buffer): [number, number][] {
  const range = (part: Buffer): [number, number] => {
    const start = part.byteOffset - token.byteOffset;
    return [start, start + part.length];
  };
  const [version, digestAlgorithms, , , signerInfos] = elements(elements(elements(token)[1]!)[0]!);
  const [signerVersion] = elements(elements(signerInfos!)[0]!);
  return [range(version!), range(digestAlgorithms!), range(signerVersion!)];
}
