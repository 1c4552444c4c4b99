import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Certificate, type CertificateUse, checkChain, createRoot, issueCertificate, nodeUrn, sealUrn } from '../index';

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
  function issueByOpenssl(key: string[], extensions: string): Certificate {
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
    );
    return Certificate.parse(readFileSync(join(dir, 'leaf.pem'), 'utf8'));
  }

  const p256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const sealExtensions =
    'keyUsage=critical,digitalSignature,nonRepudiation\nsubjectAltName=URI:urn:jieqiao:seal:pinghu.330482\n';
  const check = (leaf: Certificate, use: CertificateUse, urn?: string, when = at) =>
    checkChain(leaf, [anchor], when, use, urn)?.code ?? 'good';

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
    expect(checkChain(seal, [other], at, 'seal')?.code).toBe('UNKNOWN_ISSUER');
    expect(checkChain(seal, [other, anchor], at, 'seal')).toBeNull();
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
  ])('a seal with %s', (_what, extensions, expected) => {
    expect(check(issueByOpenssl(p256, extensions), 'seal')).toBe(expected);
  });

  it('speaks for one name or for none', () => {
    const two =
      'keyUsage=digitalSignature,nonRepudiation\nsubjectAltName=URI:urn:a:b,URI:urn:jieqiao:seal:pinghu.330482\n';
    expect(check(issueByOpenssl(p256, two), 'seal', sealUrn('pinghu.330482'))).toBe('WRONG_NAME');
  });

  it('refuses what is not exactly one certificate', async () => {
    const seal = await issue('seal', sealUrn('pinghu.330482'));
    const parse = (bytes: Buffer | string) => () => Certificate.parse(bytes);
    expect(parse(Buffer.concat([seal.raw, Buffer.from([0])]))).toThrow('CERTIFICATE_MALFORMED');
    expect(parse(seal.raw.subarray(0, -1))).toThrow('CERTIFICATE_MALFORMED');
    expect(parse(Buffer.alloc(40_000))).toThrow('CERTIFICATE_MALFORMED');
    expect(parse('nonsense')).toThrow('CERTIFICATE_MALFORMED');
    expect(Certificate.parse(seal.raw)).toBe(Certificate.parse(seal.toPem()));
  });
});
