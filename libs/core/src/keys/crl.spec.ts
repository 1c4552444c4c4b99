import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  type CrlVectors,
  crlEntry,
  crlNumber,
  extension,
  makeCrl,
  writeCrlVectors,
} from '../../../../test/support/crl-vectors';
import { der, tag, time, unsigned } from '../bundle/der';
import {
  Certificate,
  Crl,
  checkChain,
  createRoot,
  GatewayError,
  issueCertificate,
  issueCrl,
  type KeyAndCertificate,
  ownRoot,
  parseSerial,
  revocationReasons,
  sealUrn,
} from '../index';

const folder = join(__dirname, '../../../../test/vectors/crl/v1');
/** `JIEQIAO_NEW_VECTORS=folder` writes a set for a new version of the format; the old sets stay. */
const newFolder = process.env.JIEQIAO_NEW_VECTORS;

// Many runs of openssl and of generated cases: slow on a busy machine.
jest.setTimeout(120_000);

const validity = { notBefore: new Date('2022-01-01T00:00:00Z'), notAfter: new Date('2032-01-01T00:00:00Z') };
const name = { organisation: '平湖市综合行政执法局', commonName: '平湖市综合行政执法局根证书' };
const update = { thisUpdate: new Date('2022-09-01T00:00:00Z'), nextUpdate: new Date('2022-09-08T00:00:00Z') };
const revokedAt = new Date('2022-08-25T08:00:00Z');
const after = new Date('2022-09-02T00:00:00Z');
const urn = sealUrn('pinghu.330482');

const reasonFor = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'CRL_MALFORMED') return error.params.reason;
    throw error;
  }
  return 'accepted';
};

describe('revocation lists', () => {
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-crl-'));
  let root: KeyAndCertificate;
  let anchor: Certificate;

  beforeAll(async () => {
    root = await createRoot(name, validity, '01');
    anchor = Certificate.parse(root.certificatePem);
    writeFileSync(join(dir, 'root.pem'), root.certificatePem);
    writeFileSync(join(dir, 'root.key'), root.privateKeyPem);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  async function seal(serial: string): Promise<Certificate> {
    const pair = await issueCertificate(root, { use: 'seal', name, urn, validity, serial });
    return Certificate.parse(pair.certificatePem);
  }
  const openssl = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: dir });
    return { ok: status === 0, text: `${stdout}${stderr}` };
  };

  it('openssl reads and verifies what we issue', async () => {
    const revoked = revocationReasons.map((reason, i) => ({ serial: (0x7f + i).toString(16), at: revokedAt, reason }));
    writeFileSync(join(dir, 'list.crl'), await issueCrl(root, { number: 257, ...update, revoked }));
    const { ok, text } = openssl('crl', '-inform', 'DER', '-in', 'list.crl', '-CAfile', 'root.pem', '-noout', '-text');
    expect([ok, text]).toEqual([true, expect.stringContaining('verify OK')]);
    expect(text).toContain('Version 2');
    expect(text).toMatch(/X509v3 CRL Number: \n\s+257\n/);
    expect(text.match(/Serial Number: .*/g)).toHaveLength(revoked.length);
    expect(text).toMatch(
      /Serial Number: 0?80\n\s+Revocation Date: Aug 25 08:00:00 2022 GMT\n.*\n.*CRL Reason Code: \n\s+Key Compromise/,
    );
    const other = await createRoot(name, validity, '01');
    writeFileSync(join(dir, 'other.pem'), other.certificatePem);
    expect(openssl('crl', '-inform', 'DER', '-in', 'list.crl', '-CAfile', 'other.pem', '-noout').text).toContain(
      'verify failure',
    );
  });

  it('openssl verify -crl_check agrees on who is revoked, and from when', async () => {
    // Serial numbers whose first bit is set, or whose first digits are zero, are where spellings differ.
    for (const serial of ['7f', '80', '0a', '0100', 'ff'.repeat(20), '00ff', '8'.repeat(39)]) {
      const certificate = await seal(serial);
      const stranger = await seal(`${serial.slice(0, -1)}5`);
      expect(certificate.serial).toBe(certificate.x509.serialNumber);
      const crl = await issueCrl(root, {
        number: 1,
        ...update,
        revoked: [{ serial: certificate.serial, at: revokedAt, reason: 'superseded' }],
      });
      const revocation = { crls: [Crl.parse(crl)], at: after };
      writeFileSync(join(dir, 'crl.pem'), openssl2pem(crl));
      for (const [leaf, code] of [
        [certificate, 'REVOKED'],
        [stranger, undefined],
      ] as const) {
        const problem = checkChain(leaf, [ownRoot(anchor)], after, 'seal', urn, revocation);
        expect([serial, problem?.code]).toEqual([serial, code]);
        writeFileSync(join(dir, 'leaf.pem'), leaf.toPem());
        const attime = String(after.getTime() / 1000);
        const chain = ['-CAfile', 'root.pem', '-crl_check', '-CRLfile', 'crl.pem', '-attime', attime];
        const { ok, text } = openssl('verify', '-x509_strict', ...chain, 'leaf.pem');
        expect([ok, text]).toEqual([code === undefined, expect.stringContaining(code ? 'certificate revoked' : 'OK')]);
      }
    }
  });

  function openssl2pem(crl: Buffer): string {
    return execFileSync('openssl', ['crl', '-inform', 'DER'], { input: crl }).toString();
  }

  it('reads a list that openssl made', async () => {
    writeFileSync(join(dir, 'leaf.pem'), (await seal('0abc')).toPem());
    writeFileSync(join(dir, 'index.txt'), '');
    writeFileSync(join(dir, 'number'), '0F\n');
    const config = `[ca]\ndefault_ca=x\n[x]\ndatabase=${dir}/index.txt\ncrlnumber=${dir}/number\ndefault_md=sha512\n`;
    writeFileSync(join(dir, 'ca.cnf'), `${config}crl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n`);
    const ca = ['ca', '-config', 'ca.cnf', '-cert', 'root.pem', '-keyfile', 'root.key'];
    const revoke = openssl(...ca, '-revoke', 'leaf.pem', '-crl_reason', 'cessationOfOperation');
    expect([revoke.ok, revoke.text]).toEqual([true, expect.anything()]);
    expect(openssl(...ca, '-gencrl', '-crldays', '7', '-out', 'theirs.pem').ok).toBe(true);
    const bytes = execFileSync('openssl', ['crl', '-in', 'theirs.pem', '-outform', 'DER'], { cwd: dir });
    const crl = Crl.parse(bytes);
    expect([crl.number, crl.size, crl.issuer, crl.issuedBy(anchor)]).toEqual([15, 1, anchor.subject, true]);
    expect(crl.entry('0ABC')?.reason).toBe('cessation-of-operation');
  });

  it('counts for its own root only, and only if that may sign lists', async () => {
    const crl = Crl.parse(await issueCrl(root, { number: 1, ...update, revoked: [] }));
    const namesake = Certificate.parse((await createRoot(name, validity, '01')).certificatePem);
    expect([crl.issuedBy(anchor), crl.issuedBy(anchor), crl.issuedBy(namesake)]).toEqual([true, true, false]);
    const leaf = await issueCertificate(root, { use: 'seal', name, urn, validity, serial: '05' });
    expect(Crl.parse(makeCrl(leaf)).issuedBy(Certificate.parse(leaf.certificatePem))).toBe(false);
  });

  it('a certificate is revoked from a moment on, by the list that names the earliest', async () => {
    const leaf = await seal('0b');
    const list = async (number: number, at: Date, by = root) =>
      Crl.parse(
        await issueCrl(by, { number, ...update, revoked: [{ serial: leaf.serial, at, reason: 'superseded' }] }),
      );
    const late = await list(1, new Date('2022-08-30T00:00:00Z'));
    const early = await list(2, revokedAt);
    const stranger = await list(3, validity.notBefore, await createRoot(name, validity, '01'));
    const none = Crl.parse(await issueCrl(root, { number: 4, ...update, revoked: [] }));
    const check = (at: Date) =>
      checkChain(leaf, [ownRoot(anchor)], after, 'seal', urn, { crls: [stranger, late, early, none], at });
    expect(check(after)).toEqual({ code: 'REVOKED', subject: leaf.subject, revokedAt });
    expect(check(revokedAt)?.code).toBe('REVOKED');
    expect(check(new Date(revokedAt.getTime() - 1))).toBeNull();
  });

  it('serial numbers are read as people write them', () => {
    const cases = {
      '0a:BC': '0ABC',
      abc: '0ABC',
      '000abc': '0ABC',
      '0': '0',
      '00:00': '0',
      ['f'.repeat(40)]: 'F'.repeat(40),
    };
    for (const [text, serial] of Object.entries(cases)) expect([text, parseSerial(text)]).toEqual([text, serial]);
    for (const text of ['', ':', '0x1', '-1', 'g', '1'.repeat(41), '0'.repeat(100)]) {
      expect(() => parseSerial(text)).toThrow('VALIDATION_FAILED');
    }
  });

  it('gives what it read, and the same object for the same bytes', async () => {
    const revoked = [
      { serial: '0c', at: revokedAt, reason: 'key-compromise' as const },
      { serial: '02', at: revokedAt, reason: 'unspecified' as const },
    ];
    const bytes = await issueCrl(root, { number: 9, ...update, revoked });
    const crl = Crl.parse(bytes);
    expect(Crl.parse(Buffer.from(bytes))).toBe(crl);
    expect([crl.thisUpdate, crl.nextUpdate, crl.size]).toEqual([update.thisUpdate, update.nextUpdate, 2]);
    expect([...crl.entries()]).toEqual([
      ['0C', { revokedAt, reason: 'key-compromise' }],
      ['02', { revokedAt, reason: 'unspecified' }],
    ]);
    expect(crl.entry('0D')).toBeNull();
  });

  it('issues nothing that peers would refuse', async () => {
    const twice = { serial: '0c', at: revokedAt, reason: 'superseded' as const };
    const issue = (over: object) => issueCrl(root, { number: 1, ...update, revoked: [], ...over });
    await expect(issue({ revoked: [twice, { ...twice, serial: 'C' }] })).rejects.toMatchObject({
      code: 'CRL_MALFORMED',
    });
    await expect(issue({ nextUpdate: update.thisUpdate })).rejects.toMatchObject({ code: 'CRL_MALFORMED' });
    await expect(issue({ revoked: [{ ...twice, serial: 'xyz' }] })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });

  it('is bounded in bytes and entries', () => {
    expect(reasonFor(() => Crl.parse(Buffer.alloc(4 * 1024 * 1024 + 1)))).toBe('too-large');
    const at = time(revokedAt);
    const entries = (count: number) => {
      const serials = Array.from({ length: count }, (_, i) =>
        unsigned(Buffer.from((i + 1).toString(16).padStart(8, '0'), 'hex')),
      );
      return [Buffer.concat(serials.map((serial) => crlEntry(serial, at)))];
    };
    expect(Crl.parse(makeCrl(root, { entries: entries(100_000) })).size).toBe(100_000);
    expect(reasonFor(() => Crl.parse(makeCrl(root, { entries: entries(100_001) })))).toBe('too-many-entries');
  });

  it('no byte can be changed: the list is refused, or not the root’s', async () => {
    const revoked = [{ serial: '0c', at: revokedAt, reason: 'key-compromise' as const }];
    const good = await issueCrl(root, { number: 9, ...update, revoked });
    for (let i = 0; i < good.length; i++) {
      for (const bits of [1, 0x80, 0xff]) {
        const bytes = Buffer.from(good);
        bytes[i]! ^= bits;
        const accepted = reasonFor(() => Crl.parse(bytes)) === 'accepted' && Crl.parse(bytes).issuedBy(anchor);
        expect([i, bits, accepted]).toEqual([i, bits, false]);
      }
    }
  });

  it('hostile bytes give CRL_MALFORMED and nothing else', async () => {
    const revoked = [{ serial: '0c', at: revokedAt, reason: 'key-compromise' as const }];
    const good = await issueCrl(root, { number: 9, ...update, revoked });
    const refused = (bytes: Uint8Array) => reasonFor(() => Crl.parse(bytes)) !== 'accepted';
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), refused));
    const element = fc.letrec<{ tlv: Buffer }>((tie) => ({
      tlv: fc.oneof(
        { maxDepth: 6 },
        fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 8 })).map(([t, value]) => der(t, value)),
        fc
          .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0x03, 0x04), fc.array(tie('tlv'), { maxLength: 6 }))
          .map(([t, parts]) => der(t, ...parts)),
      ),
    })).tlv;
    fc.assert(fc.property(element, refused), { numRuns: 500 });
    // Parts of a good list replaced by any element, then signed by the root: only the form can save the reader.
    const part = fc.constantFrom('version', 'times', 'entries', 'extensions', 'issuer' as const);
    fc.assert(
      fc.property(part, fc.array(element, { minLength: 1, maxLength: 3 }), (which, elements) => {
        const value = which === 'issuer' ? elements[0]! : elements;
        reasonFor(() => Crl.parse(makeCrl(root, { [which]: value })));
      }),
      { numRuns: 500 },
    );
    const spliced = fc.tuple(fc.nat(good.length), fc.nat(40), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(spliced, ([at, length, bytes]) => {
        const changed = Buffer.concat([good.subarray(0, at), bytes, good.subarray(at + length)]);
        const counts = reasonFor(() => Crl.parse(changed)) === 'accepted' && Crl.parse(changed).issuedBy(anchor);
        return counts === changed.equals(good);
      }),
      { numRuns: 500 },
    );
  });

  it('a hold counts like any other revocation', () => {
    const hold = extension('2.5.29.21', der(tag.enumerated, Buffer.of(6)));
    const crl = Crl.parse(makeCrl(root, { entries: [crlEntry(unsigned(Buffer.of(5)), time(revokedAt), hold)] }));
    expect(crl.entry('05')).toEqual({ revokedAt, reason: 'certificate-hold' });
    expect(Crl.parse(makeCrl(root, { extensions: [crlNumber(0)] })).number).toBe(0);
  });
});

describe('revocation list vectors v1', () => {
  const read = (file: string): Buffer => readFileSync(join(folder, file));
  const { lists, chains } = JSON.parse(read('vectors.json').toString()) as CrlVectors;
  const anchor = Certificate.parse(read('root.pem').toString());

  it.each(lists.map((vector) => [vector.file, vector] as const))('%s', (file, vector) => {
    if (vector.result === 'malformed') return expect(reasonFor(() => Crl.parse(read(file)))).toBe(vector.reason);
    const crl = Crl.parse(read(file));
    expect(crl.issuedBy(anchor)).toBe(vector.result === 'good');
    if (vector.result !== 'good') return;
    const entries = [...crl.entries()].map(([serial, entry]) => ({
      serial,
      revokedAt: entry.revokedAt.toISOString(),
      reason: entry.reason,
    }));
    expect([crl.number, entries]).toEqual([vector.number, vector.entries]);
  });

  it.each(chains.map((vector) => [`${vector.certificate} ${vector.crl} ${vector.at}`, vector] as const))(
    '%s',
    (_what, { certificate, crl, at, code }) => {
      const revocation = { crls: [Crl.parse(read(crl))], at: new Date(at) };
      const leaf = Certificate.parse(read(certificate).toString());
      const problem = checkChain(leaf, [ownRoot(anchor)], new Date(at), 'seal', urn, revocation);
      expect(problem?.code ?? null).toBe(code);
    },
  );

  if (newFolder) it('writes new vectors', () => writeCrlVectors(join(newFolder, 'crl')));
});
