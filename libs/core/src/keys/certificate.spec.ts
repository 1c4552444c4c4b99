import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ecdsaWithSha256, extension } from '../../../../test/support/crl-vectors';
import { der, oid, sequence, setOf, tag, time, unsigned } from '../bundle/der';
import {
  type Anchor,
  Certificate,
  type CertificateUse,
  certify,
  checkChain,
  createRoot,
  expiryWarning,
  GatewayError,
  issueCertificate,
  issueForRequest,
  nodeUrn,
  officerUrn,
  ownRoot,
  Signer,
  type Speaker,
  sealUrn,
} from '../index';
import { formatName } from './distinguished-name';

// Many runs of openssl and of generated cases: slow on a busy machine.
jest.setTimeout(120_000);

const validity = { notBefore: new Date('2022-01-01T00:00:00Z'), notAfter: new Date('2032-01-01T00:00:00Z') };
/** Later than the moment at which openssl makes its certificates. */
const at = new Date('2028-06-01T00:00:00Z');
const name = { organisation: '平湖市综合行政执法局', commonName: '平湖市综合行政执法局根证书' };

describe('certificates', () => {
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-cert-'));
  let root: Awaited<ReturnType<typeof createRoot>>;
  let anchor: Certificate;

  beforeAll(async () => {
    root = await createRoot(name, validity, '01');
    anchor = Certificate.parse(root.certificatePem);
    writeFileSync(join(dir, 'root.key'), root.privateKeyPem);
    writeFileSync(join(dir, 'root.pem'), root.certificatePem);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });

  async function issue(use: CertificateUse, urn: string, over: Partial<typeof validity> = {}): Promise<Certificate> {
    const request = { use, name, urn, hosts: ['localhost'], validity: { ...validity, ...over }, serial: '02' };
    return Certificate.parse((await issueCertificate(root, request)).certificatePem);
  }

  /** A leaf made by openssl under our root, with a key and extensions of the test's choice. */
  function issueByOpenssl(key: string[], extensions: string, ...options: string[]): Certificate {
    writeFileSync(join(dir, 'ext'), extensions);
    openssl('genpkey', ...key, '-out', 'leaf.key');
    openssl('req', '-new', '-utf8', '-key', 'leaf.key', '-subj', '/CN=某证书', '-out', 'leaf.csr');
    openssl(
      'x509',
      '-req',
      '-in',
      'leaf.csr',
      '-CA',
      'root.pem',
      '-CAkey',
      'root.key',
      '-days',
      '3650',
      '-extfile',
      'ext',
      '-out',
      'leaf.pem',
      '-set_serial',
      '7',
      ...options,
    );
    return Certificate.parse(readFileSync(join(dir, 'leaf.pem'), 'utf8'));
  }

  const p256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const sealExtensions =
    'keyUsage=critical,digitalSignature,nonRepudiation\nsubjectAltName=URI:urn:jieqiao:seal:pinghu.330482\n';
  const check = (leaf: Certificate, use: CertificateUse, urn?: string, when = at) =>
    checkChain(leaf, [ownRoot(anchor)], when, use, urn)?.code ?? 'good';

  it('openssl accepts what we issue', async () => {
    const leaf = await issue('seal', sealUrn('pinghu.330482'));
    writeFileSync(join(dir, 'ours.pem'), leaf.toPem());
    expect(openssl('verify', '-x509_strict', '-CAfile', 'root.pem', 'ours.pem').toString()).toContain('OK');
    expect(openssl('x509', '-in', 'ours.pem', '-noout', '-issuer', '-nameopt', 'utf8').toString()).toContain(
      '平湖市综合行政执法局',
    );
  });

  it('each certificate serves its own use only', async () => {
    const node = await issue('node', nodeUrn('pinghu.330482'));
    const seal = await issue('seal', sealUrn('pinghu.330482'));
    expect(check(node, 'node', nodeUrn('pinghu.330482'))).toBe('good');
    expect(check(seal, 'seal', sealUrn('pinghu.330482'))).toBe('good');
    expect(check(node, 'seal')).toBe('WRONG_USE');
    expect(check(seal, 'node')).toBe('WRONG_USE');
    expect(check(anchor, 'seal')).toBe('UNKNOWN_ISSUER'); // a root is no leaf, not even under itself
    expect(check(node, 'node', nodeUrn('jinshan.310116'))).toBe('WRONG_NAME');
  });

  it('time decides, to the second', async () => {
    const node = await issue('node', nodeUrn('pinghu.330482'), { notBefore: new Date('2025-01-01T00:00:00Z') });
    const urn = nodeUrn('pinghu.330482');
    expect(check(node, 'node', urn, new Date('2024-12-31T23:59:59Z'))).toBe('NOT_YET_VALID');
    expect(check(node, 'node', urn, new Date('2025-01-01T00:00:00Z'))).toBe('good');
    expect(check(node, 'node', urn, new Date('2032-01-01T00:00:01Z'))).toBe('EXPIRED');
  });

  it('a look-alike root with the same name does not count', async () => {
    const other = Certificate.parse((await createRoot(name, validity, '01')).certificatePem);
    const seal = await issue('seal', sealUrn('pinghu.330482'));
    expect(checkChain(seal, [ownRoot(other)], at, 'seal')?.code).toBe('UNKNOWN_ISSUER');
    expect(checkChain(seal, [ownRoot(other), ownRoot(anchor)], at, 'seal')).toBeNull();
    expect(checkChain(seal, [], at, 'seal')?.code).toBe('UNKNOWN_ISSUER');
  });

  it('weak keys and foreign curves are refused, RSA from 2,048 bits is not', () => {
    const rsa = (bits: number) => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`];
    expect(check(issueByOpenssl(rsa(2048), sealExtensions), 'seal')).toBe('good');
    expect(check(issueByOpenssl(rsa(1024), sealExtensions), 'seal')).toBe('WEAK_KEY');
    const p384 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'];
    expect(check(issueByOpenssl(p384, sealExtensions), 'seal')).toBe('WEAK_KEY');
    expect(check(issueByOpenssl(['-algorithm', 'ED25519'], sealExtensions), 'seal')).toBe('WEAK_KEY');
  });

  it.each(['-sha1', '-sha224', '-sha256', '-sha384', '-sha512'])('signed with %s', (hash) => {
    const believed = ['-sha256', '-sha384', '-sha512'].includes(hash);
    expect(check(issueByOpenssl(p256, sealExtensions, hash), 'seal')).toBe(believed ? 'good' : 'WEAK_SIGNATURE');
  });

  it.each([
    ['-md5', 'WEAK_SIGNATURE'],
    ['-sha1', 'WEAK_SIGNATURE'],
    ['-sha256', 'good'],
  ])('signed by an RSA key with %s', (hash, expected) => {
    const root = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=RSA', '-days', '5000', hash];
    openssl(...root, '-keyout', 'rsa.key', '-out', 'rsa.pem');
    const rsa = Certificate.parse(readFileSync(join(dir, 'rsa.pem'), 'utf8'));
    const leaf = issueByOpenssl(p256, sealExtensions, '-CA', 'rsa.pem', '-CAkey', 'rsa.key', hash);
    expect(checkChain(leaf, [ownRoot(rsa)], at, 'seal')?.code ?? 'good').toBe(expected);
  });

  it('what signed an anchor does not matter: it is believed for standing in the agreement', () => {
    const root = ['req', '-x509', '-new', '-key', 'root.key', '-utf8', '-subj', '/CN=根', '-days', '5000', '-sha1'];
    openssl(...root, '-out', 'sha1.pem');
    const sha1 = Certificate.parse(readFileSync(join(dir, 'sha1.pem'), 'utf8'));
    expect(sha1.strongSignature).toBe(false);
    const leaf = handMade({ issuer: sha1.subjectDer });
    expect(checkChain(leaf, [ownRoot(sha1)], at, 'seal')).toBeNull();
  });

  it.each([
    ['a CA', `basicConstraints=critical,CA:true\n${sealExtensions}`, 'WRONG_USE'],
    ['a TLS purpose', `extendedKeyUsage=clientAuth\n${sealExtensions}`, 'WRONG_USE'],
    ['no key usage', 'subjectAltName=URI:urn:jieqiao:seal:pinghu.330482\n', 'WRONG_USE'],
    ['no non-repudiation', 'keyUsage=digitalSignature\n', 'WRONG_USE'],
    [
      'a critical extension nobody knows',
      `1.2.3.4=critical,ASN1:NULL\n${sealExtensions}`,
      'UNKNOWN_CRITICAL_EXTENSION',
    ],
    ['an e-mail purpose', `extendedKeyUsage=emailProtection\n${sealExtensions}`, 'good'],
    ['a document purpose', `extendedKeyUsage=1.3.6.1.5.5.7.3.36\n${sealExtensions}`, 'good'],
    ['both purposes', `extendedKeyUsage=emailProtection,1.3.6.1.5.5.7.3.36\n${sealExtensions}`, 'good'],
    ['any purpose', `extendedKeyUsage=anyExtendedKeyUsage\n${sealExtensions}`, 'WRONG_USE'],
    ['a time-stamping purpose', `extendedKeyUsage=critical,timeStamping\n${sealExtensions}`, 'WRONG_USE'],
  ])('a seal with %s', (_what, extensions, expected) => {
    expect(check(issueByOpenssl(p256, extensions), 'seal')).toBe(expected);
  });

  it('speaks for one name or for none', () => {
    const two =
      'keyUsage=digitalSignature,nonRepudiation\nsubjectAltName=URI:urn:a:b,URI:urn:jieqiao:seal:pinghu.330482\n';
    expect(check(issueByOpenssl(p256, two), 'seal', sealUrn('pinghu.330482'))).toBe('WRONG_NAME');
  });

  interface HandMade {
    serial: Buffer;
    issuer: Buffer;
    subject: Buffer;
    times: Buffer[];
    extensions: Buffer[];
    after: Buffer[];
  }

  const attribute = (type: string, text: string, stringType = 0x0c) =>
    sequence(oid(type), der(stringType, Buffer.from(text, 'utf8')));
  const nameOf = (...attributes: Buffer[]) => sequence(...attributes.map((one) => setOf(one)));
  const uri = (text: string) => der(0x86, Buffer.from(text));
  const sealParts = () => [
    extension('2.5.29.15', der(tag.bitString, Buffer.of(6, 0xc0)), true),
    extension('2.5.29.17', sequence(uri(sealUrn('pinghu.330482')))),
  ];

  /** A leaf with parts of the test's choice, signed by our root over whatever they are. */
  function handMadeDer(over: Partial<HandMade> = {}): Buffer {
    const parts: HandMade = {
      serial: unsigned(Buffer.of(9)),
      issuer: anchor.subjectDer,
      subject: nameOf(attribute('2.5.4.3', '某证书')),
      times: [time(validity.notBefore), time(validity.notAfter)],
      extensions: sealParts(),
      after: [],
      ...over,
    };
    const tbs = sequence(
      der(tag.context0, unsigned(Buffer.of(2))),
      parts.serial,
      ecdsaWithSha256,
      parts.issuer,
      sequence(...parts.times),
      parts.subject,
      anchor.publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...parts.extensions)),
      ...parts.after,
    );
    const value = sign('sha256', tbs, createPrivateKey(root.privateKeyPem));
    return sequence(tbs, ecdsaWithSha256, der(tag.bitString, Buffer.of(0), value));
  }
  const handMade = (over: Partial<HandMade> = {}) => Certificate.parse(handMadeDer(over));
  const refusal = (input: Uint8Array | string): unknown => {
    try {
      Certificate.parse(input);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'CERTIFICATE_MALFORMED') return error.params.reason;
      throw error;
    }
    return 'accepted';
  };

  it('refuses what is not exactly one certificate', async () => {
    const seal = await issue('seal', sealUrn('pinghu.330482'));
    const { raw } = seal;
    expect(refusal(Buffer.concat([raw, Buffer.from([0])]))).toBe('not-one');
    expect(refusal(Buffer.concat([raw, raw]))).toBe('not-one');
    expect(refusal(seal.toPem() + seal.toPem())).toBe('not-one');
    expect(refusal(raw.subarray(0, -1))).toBe('not-der');
    expect(refusal(Buffer.alloc(0))).toBe('not-der');
    expect(refusal('')).toBe('not-der');
    expect(refusal('nonsense')).toBe('not-der');
    expect(refusal(seal.toPem().replace(/[A-Z]/, '*'))).toBe('not-der');
    expect(refusal(seal.toPem().slice(0, -30))).toBe('not-der');
    // A reader of DER gets DER: text in its place is not looked into.
    expect(refusal(Buffer.from(seal.toPem()))).toBe('not-der');
    expect(Certificate.parse(raw)).toBe(Certificate.parse(`Subject: 某\n\n${seal.toPem()}`));
  });

  it('refuses absurd sizes, depths and names, and says which', () => {
    const names = (count: number) => sequence(...Array.from({ length: count }, (_, i) => uri(`urn:a:${i}`)));
    const nested = (depth: number): Buffer => (depth === 0 ? der(tag.null) : sequence(nested(depth - 1)));
    const units = (count: number, length = 1) =>
      nameOf(...Array.from({ length: count }, () => attribute('2.5.4.11', 'x'.repeat(length))));
    const cases: [expected: string, over: Partial<HandMade>][] = [
      ['accepted', {}],
      ['accepted', { subject: sequence() }],
      ['accepted', { subject: units(32) }],
      ['name-too-long', { subject: units(33) }],
      ['name-too-long', { issuer: units(33) }],
      ['accepted', { subject: units(1, 4000) }],
      ['name-too-long', { subject: units(1, 4100) }],
      ['name-too-long', { issuer: units(1, 4100) }],
      ['accepted', { extensions: [extension('2.5.29.17', names(100))] }],
      ['too-many-names', { extensions: [extension('2.5.29.17', names(101))] }],
      ['too-large', { extensions: [extension('1.2.3.4', der(tag.octetString, Buffer.alloc(16 * 1024)))] }],
      ['too-large', { extensions: [extension('1.2.3.4', der(tag.octetString, Buffer.alloc(64 * 1024)))] }],
      ['accepted', { extensions: [extension('1.2.3.4', nested(12))] }],
      ['too-deep', { extensions: [extension('1.2.3.4', nested(17))] }],
      ['too-deep', { extensions: [extension('1.2.3.4', nested(1000))] }],
      ['too-deep', { subject: sequence(setOf(sequence(oid('2.5.4.3'), nested(1000)))) }],
      ['not-der', { extensions: Array.from({ length: 65 }, (_, i) => extension(`1.2.3.${i}`, der(tag.null))) }],
      ['not-der', { extensions: [...sealParts(), sealParts()[1]!] }],
      ['not-der', { extensions: [extension('2.5.29.15', der(tag.bitString, Buffer.of()))] }],
      ['not-der', { extensions: [extension('2.5.29.15', der(tag.octetString, Buffer.of(0)))] }],
      ['not-der', { after: [der(tag.null)] }],
      ['validity', { times: [time(validity.notAfter), time(validity.notBefore)] }],
      ['not-der', { times: [time(validity.notBefore)] }],
      ['not-der', { times: [der(tag.utcTime, Buffer.from('220230000000Z')), time(validity.notAfter)] }],
      ['accepted', { serial: der(tag.integer, Buffer.of(0)) }],
      ['accepted', { serial: unsigned(Buffer.alloc(20, 0xff)) }],
      ['serial', { serial: der(tag.integer, Buffer.of(0x80)) }],
      ['serial', { serial: der(tag.integer, Buffer.alloc(22, 1)) }],
      ['not-der', { serial: der(tag.integer, Buffer.of(0, 1)) }],
    ];
    for (const [i, [expected, over]] of cases.entries()) expect([i, refusal(handMadeDer(over))]).toEqual([i, expected]);
  });

  it('no byte can be changed: the certificate is refused, or not the root’s', async () => {
    const good = (await issue('seal', sealUrn('pinghu.330482'))).raw;
    for (let i = 0; i < good.length; i++) {
      const bytes = Buffer.from(good);
      bytes[i]! ^= 1 << (i % 8);
      const answer = refusal(bytes) === 'accepted' ? check(Certificate.parse(bytes), 'seal') : 'refused';
      expect([i, ['refused', 'UNKNOWN_ISSUER']]).toEqual([i, expect.arrayContaining([answer])]);
    }
  });

  it('hostile bytes give CERTIFICATE_MALFORMED and nothing else', async () => {
    const good = (await issue('seal', sealUrn('pinghu.330482'))).raw;
    const refused = (input: Uint8Array | string) => refusal(input) !== 'accepted';
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), refused));
    fc.assert(fc.property(fc.string(), refused));
    const spliced = fc.tuple(fc.nat(good.length), fc.nat(40), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(spliced, ([from, length, bytes]) => {
        const changed = Buffer.concat([good.subarray(0, from), bytes, good.subarray(from + length)]);
        const accepted = refusal(changed) === 'accepted' && check(Certificate.parse(changed), 'seal') === 'good';
        return accepted === changed.equals(good);
      }),
      { numRuns: 500 },
    );
    const value = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 12 })).map(([t, bytes]) => der(t, bytes));
    const type = fc.constantFrom('2.5.29.14', '2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37');
    fc.assert(
      fc.property(fc.tuple(type, value, fc.boolean()), ([which, bytes, wrapped]) => {
        refusal(handMadeDer({ extensions: [extension(which, wrapped ? sequence(bytes) : bytes)] }));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(value, (bytes) => {
        refusal(handMadeDer({ subject: sequence(setOf(sequence(oid('2.5.4.3'), bytes))) }));
        refusal(handMadeDer({ subject: sequence(bytes) }));
      }),
      { numRuns: 500 },
    );
  });

  describe('subjects', () => {
    const o = '2.5.4.10';
    const cn = '2.5.4.3';
    const shown = (subject: Buffer): string => {
      writeFileSync(join(dir, 'name.der'), handMadeDer({ subject }));
      const options = ['-inform', 'DER', '-in', 'name.der', '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb'];
      return openssl('x509', ...options)
        .toString()
        .replace(/^subject=/, '')
        .replace(/\n$/, '');
    };

    it.each([
      [
        'C=CN,O=甲局,CN=甲局电子印章',
        nameOf(attribute('2.5.4.6', 'CN', 0x13), attribute(o, '甲局'), attribute(cn, '甲局电子印章')),
      ],
      ['CN=甲\\,O=乙', nameOf(attribute(cn, '甲,O=乙'))],
      ['CN=甲\\0AO=乙', nameOf(attribute(cn, '甲\nO=乙'))],
      ['CN=甲\\+O=乙', nameOf(attribute(cn, '甲+O=乙'))],
      ['CN=\\ 甲 乙\\ ', nameOf(attribute(cn, ' 甲 乙 '))],
      ['CN=\\ ', nameOf(attribute(cn, ' '))],
      ['CN=\\#0C01', nameOf(attribute(cn, '#0C01'))],
      ['CN=\\\\\\"\\<\\>\\;=', nameOf(attribute(cn, '\\"<>;='))],
      ['CN=甲\\00', nameOf(attribute(cn, '甲\0'))],
      ['CN=', nameOf(attribute(cn, ''))],
      ['', sequence()],
      [
        'serialNumber=33048200001+CN=甲',
        sequence(der(tag.set, attribute(cn, '甲'), attribute('2.5.4.5', '33048200001', 0x13))),
      ],
      ['CN=甲', nameOf(sequence(oid(cn), der(0x1e, Buffer.from([0x75, 0x32]))))],
      ['1.2.3.4=#0C03E794B2', nameOf(attribute('1.2.3.4', '甲'))],
      ['CN=#030200C0', nameOf(sequence(oid(cn), der(tag.bitString, Buffer.of(0, 0xc0))))],
    ])('%s, as openssl shows it', (expected, subject) => {
      const text = expected.startsWith('C=CN') ? expected.split(',').reverse().join(',') : expected;
      expect(handMade({ subject }).subject).toBe(text);
      expect(shown(subject)).toBe(text);
    });

    it('characters that a screen does not show are shown', () => {
      expect(handMade({ subject: nameOf(attribute(cn, '甲\u202e乙\u200b\u2028')) }).subject).toBe(
        'CN=甲\\E2\\80\\AE乙\\E2\\80\\8B\\E2\\80\\A8',
      );
      // Bytes that are no UTF-8 would all become the same replacement character.
      expect(formatName(nameOf(sequence(oid(cn), der(0x0c, Buffer.of(0xff)))))).toBe('CN=#0C01FF');
      expect(formatName(nameOf(attribute(cn, '甲', 0x13)))).toBe('CN=#1303E794B2');
    });

    it('two names never read the same', () => {
      const text = fc.string({
        unit: fc.constantFrom(',', '+', '=', '\\', '#', ' ', '\n', 'O', 'C', 'N', '0', 'A', '甲'),
      });
      const attributes = fc.array(fc.tuple(fc.constantFrom(cn, o, '1.2.3'), text), { maxLength: 4 });
      fc.assert(
        fc.property(attributes, attributes, (a, b) => {
          const [first, second] = [a, b].map((list) => nameOf(...list.map(([type, value]) => attribute(type, value))));
          return (formatName(first!) === formatName(second!)) === first!.equals(second!);
        }),
        { numRuns: 2000 },
      );
    });

    it('under an authority that serves others, the listed subject speaks and no look-alike', () => {
      const listed = nameOf(attribute(o, '平湖市综合行政执法局'), attribute(cn, '电子印章'));
      const subject = 'CN=电子印章,O=平湖市综合行政执法局';
      const speakers: Speaker[] = [{ use: 'seal', subject }];
      const says = (leaf: Certificate, list = speakers, use: CertificateUse = 'seal') =>
        checkChain(leaf, [{ certificate: anchor, speakers: list } satisfies Anchor], at, use, sealUrn('any.330482'))
          ?.code;
      expect(handMade({ subject: listed }).subject).toBe(subject);
      expect(says(handMade({ subject: listed }))).toBeUndefined();
      const lookAlikes = [
        nameOf(attribute(cn, '电子印章,O=平湖市综合行政执法局')),
        nameOf(attribute(cn, '电子印章\nO=平湖市综合行政执法局')),
        nameOf(attribute(o, '平湖市综合行政执法局\\,CN=电子印章')),
        nameOf(attribute(o, '平湖市综合行政执法局 '), attribute(cn, '电子印章')),
        nameOf(attribute(o, '平湖市综合行政执法局\u200b'), attribute(cn, '电子印章')),
        nameOf(attribute(cn, '电子印章'), attribute(o, '平湖市综合行政执法局')),
        sequence(setOf(attribute(o, '平湖市综合行政执法局'), attribute(cn, '电子印章'))),
        nameOf(attribute('2.5.4.6', 'CN', 0x13), attribute(o, '平湖市综合行政执法局'), attribute(cn, '电子印章')),
        nameOf(attribute(o, '金山区综合行政执法局'), attribute(cn, '电子印章')),
      ];
      for (const lookAlike of lookAlikes) expect(says(handMade({ subject: lookAlike }))).toBe('NOT_A_SPEAKER');
      const leaf = handMade({ subject: listed });
      expect(says(leaf, [{ use: 'officer', subject }])).toBe('NOT_A_SPEAKER');
      expect(says(leaf, [{ use: 'officer', subject }], 'officer')).toBeUndefined();
      expect(says(leaf, [{ use: 'seal', fingerprint: leaf.fingerprint }])).toBeUndefined();
      expect(says(leaf, [{ use: 'seal', fingerprint: anchor.fingerprint }])).toBe('NOT_A_SPEAKER');
      expect(says(leaf, [])).toBe('NOT_A_SPEAKER');
    });
  });

  describe('officers', () => {
    const urn = officerUrn('pinghu.330482', '33048200001');
    const request = {
      use: 'officer' as const,
      name: { organisation: name.organisation, commonName: '执法人员乙' },
      urn,
      certNo: '33048200001',
      validity,
      serial: '0e',
    };

    function makeRequest(...key: string[]): string {
      openssl('genpkey', ...key, '-out', 'officer.key');
      openssl('req', '-new', '-utf8', '-key', 'officer.key', '-subj', '/CN=别人', '-out', 'officer.csr');
      return readFileSync(join(dir, 'officer.csr'), 'utf8');
    }

    it('a certificate carries the number of the enforcement certificate', async () => {
      const { certificatePem, privateKeyPem } = await issueCertificate(root, request);
      const officer = Certificate.parse(certificatePem);
      expect(officer.subject).toBe(`serialNumber=33048200001,CN=执法人员乙,O=${name.organisation},C=CN`);
      expect(officer.urn).toBe('urn:jieqiao:officer:pinghu.330482:33048200001');
      expect(check(officer, 'officer', urn)).toBe('good');
      expect(check(officer, 'officer')).toBe('good');
      expect(check(officer, 'officer', officerUrn('pinghu.330482', '33048200002'))).toBe('WRONG_NAME');
      expect([check(officer, 'seal'), check(await issue('seal', sealUrn('pinghu.330482')), 'officer')]).toEqual([
        'WRONG_NAME',
        'WRONG_NAME',
      ]);
      writeFileSync(join(dir, 'officer.pem'), certificatePem);
      expect(openssl('verify', '-x509_strict', '-CAfile', 'root.pem', 'officer.pem').toString()).toContain('OK');
      expect(Signer.fromPem(privateKeyPem, certificatePem).certificate).toBe(officer);
    });

    it('a problem with an officer’s certificate names nobody', async () => {
      const short = { ...request, validity: { ...validity, notAfter: new Date('2028-01-01T00:00:00Z') } };
      const officer = Certificate.parse((await issueCertificate(root, short)).certificatePem);
      const problem = checkChain(officer, [ownRoot(anchor)], at, 'officer', urn);
      expect(problem).toEqual({ code: 'EXPIRED', subject: `sha256:${officer.fingerprint}` });
    });

    it('no officer without a number, and nobody else with one', async () => {
      const refused = { code: 'VALIDATION_FAILED', params: { field: 'certNo' } };
      for (const certNo of [undefined, '', '330', '33048200001:x', '执法证1', '1'.repeat(33)]) {
        await expect(issueCertificate(root, { ...request, certNo })).rejects.toMatchObject(refused);
      }
      await expect(issueCertificate(root, { ...request, use: 'seal' })).rejects.toMatchObject(refused);
    });

    it.each([
      ['P-256', p256, 'good'],
      ['RSA of 3,072 bits', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'], 'good'],
      ['RSA of 1,024 bits', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'], 'weak-key'],
      ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'weak-key'],
    ])('a request for a key of %s', async (_what, key, expected) => {
      const csr = makeRequest(...key);
      const answer = await issueForRequest(root, csr, request).then(
        (pem) => {
          const officer = Certificate.parse(pem);
          expect(officer.x509.checkPrivateKey(createPrivateKey(readFileSync(join(dir, 'officer.key'))))).toBe(true);
          expect(officer.subject).not.toContain('别人');
          return check(officer, 'officer', urn);
        },
        (error: GatewayError) => `${error.params.reason}`,
      );
      expect(answer).toBe(expected);
      const der = Buffer.from(csr.replace(/-.*-/g, ''), 'base64');
      if (expected === 'good')
        await expect(issueForRequest(root, der, request)).resolves.toContain('BEGIN CERTIFICATE');
    });

    it('a request that its key has not signed is refused, whatever byte was changed', async () => {
      const csr = Buffer.from(makeRequest(...p256).replace(/-.*-/g, ''), 'base64');
      for (let i = 0; i < csr.length; i++) {
        const bytes = Buffer.from(csr);
        bytes[i]! ^= 1;
        const codes = ['CERTIFICATE_MALFORMED', 'CERTIFICATE_REFUSED'];
        const code = await issueForRequest(root, bytes, request).catch((error: GatewayError) => error.code);
        expect([i, codes]).toEqual([i, expect.arrayContaining([code])]);
      }
      for (const bad of ['', 'x', csr.toString('base64'), Buffer.alloc(0), Buffer.concat([csr, csr])]) {
        await expect(issueForRequest(root, bad, request)).rejects.toMatchObject({ params: { reason: 'request' } });
      }
      await expect(issueForRequest(root, Buffer.alloc(40_000), request)).rejects.toMatchObject({
        params: { reason: 'too-large' },
      });
    });
  });

  it('a certificate is renewed with its key or with a new one', async () => {
    const urn = nodeUrn('pinghu.330482');
    const request = { use: 'node' as const, name, urn, hosts: ['localhost'], validity, serial: '0f' };
    const first = await issueCertificate(root, request);
    const later = { notBefore: new Date('2030-01-01T00:00:00Z'), notAfter: new Date('2034-01-01T00:00:00Z') };
    const key = createPublicKey(first.privateKeyPem);
    const renewed = await certify(root, key, { ...request, serial: '10', validity: later });
    expect(Signer.fromPem(first.privateKeyPem, renewed).certificate.notAfter).toEqual(later.notAfter);
    expect(check(Certificate.parse(renewed), 'node', urn, new Date('2031-01-01T00:00:00Z'))).toBe('good');
  });

  it('hosts are names and addresses as TLS reads them', async () => {
    const hosts = [
      'localhost',
      'a_b.example',
      '127.0.0.1',
      '::1',
      '2001:db8::a:0:1',
      '::ffff:10.0.0.1',
      'fe80:1:2:3:4:5:6:7',
    ];
    const request = { use: 'node' as const, name, urn: nodeUrn('pinghu.330482'), hosts, validity, serial: '11' };
    const { x509 } = Certificate.parse((await issueCertificate(root, request)).certificatePem);
    for (const host of hosts.slice(0, 2)) expect(x509.checkHost(host)).toBe(host);
    for (const host of hosts.slice(2)) expect([host, x509.checkIP(host)]).toEqual([host, host]);
    for (const host of ['', 'a b', '平湖', '1:2', '256.0.0.1:1', 'http://x']) {
      const bad = issueCertificate(root, { ...request, hosts: [host] });
      await expect(bad).rejects.toMatchObject({ code: 'VALIDATION_FAILED', params: { field: 'hosts' } });
    }
  });
});

describe('warnings of expiry', () => {
  const notAfter = new Date('2026-03-31T00:00:00Z');
  const before = (ms: number) => new Date(notAfter.getTime() - ms);
  const day = 86_400_000;

  it.each([
    [null, before(30 * day + 1)],
    [30, before(30 * day)],
    [30, before(7 * day + 1)],
    [7, before(7 * day)],
    [7, before(day + 1)],
    [1, before(day)],
    [1, before(0)],
    [0, before(-1)],
    [0, before(-400 * day)],
  ])('%s at %s', (expected, now) => expect(expiryWarning(notAfter, now)).toBe(expected));
});
