import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Certificate, type GatewayError, Signer } from '@jieqiao/core';
import { readPkcs12, writePkcs12 } from './pkcs12';

const passphrase = 'seal passphrase 42';

describe('PKCS#12', () => {
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-p12-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });

  /** A self-signed certificate with a Chinese name, packed by openssl. */
  function pack(name: string, key: string[], pkcs12Options: string[] = []): Buffer {
    openssl('genpkey', ...key, '-out', `${name}.key`);
    openssl(
      'req',
      '-new',
      '-x509',
      '-utf8',
      '-key',
      `${name}.key`,
      '-subj',
      '/O=平湖市综合行政执法局/CN=电子印章',
      '-days',
      '30',
      '-out',
      `${name}.pem`,
    );
    writeFileSync(join(dir, 'pass'), passphrase);
    openssl(
      'pkcs12',
      '-export',
      '-inkey',
      `${name}.key`,
      '-in',
      `${name}.pem`,
      '-passout',
      'file:pass',
      '-out',
      `${name}.p12`,
      ...pkcs12Options,
    );
    return readFileSync(join(dir, `${name}.p12`));
  }

  it.each([
    ['rsa', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], []],
    ['p256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], []],
    [
      'rsa-old',
      ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
      ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
    ],
  ])('reads a %s seal, certificate byte for byte', (name, key, options) => {
    const pair = readPkcs12(pack(name, key, options), passphrase);
    const original = Certificate.parse(readFileSync(join(dir, `${name}.pem`), 'utf8'));
    const signer = Signer.fromPem(pair.privateKeyPem, pair.certificatePem);
    expect(signer.certificate.fingerprint).toBe(original.fingerprint);
    expect(signer.algorithm).toBe(name === 'p256' ? 'ES256' : 'RS256');
  });

  it('names a wrong passphrase and damage, and says nothing of the passphrase', () => {
    const container = pack('other', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
    const damaged = Buffer.from(container);
    damaged[damaged.length >> 1]! ^= 1;
    for (const [bytes, pass] of [
      [container, 'wrong'],
      [damaged, passphrase],
      [Buffer.from('not a container'), passphrase],
    ] as const) {
      expect(() => readPkcs12(bytes, pass)).toThrow(
        expect.objectContaining<Partial<GatewayError>>({
          code: 'KEY_UNUSABLE',
          params: { reason: 'passphrase-or-damaged' },
        }),
      );
    }
    expect(() => readPkcs12(Buffer.alloc(300_000), passphrase)).toThrow('too-large');
    expect(() => readPkcs12(container, '印章口令')).toThrow('passphrase-not-ascii');
  });

  it('writes what openssl and we ourselves read again, and nobody without the passphrase', () => {
    const pair = readPkcs12(pack('again', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']), passphrase);
    const written = writePkcs12(pair, passphrase);
    expect(readPkcs12(written, passphrase)).toEqual(pair);
    writeFileSync(join(dir, 'written.p12'), written);
    const text = openssl('pkcs12', '-in', 'written.p12', '-passin', 'file:pass', '-nodes').toString();
    expect(text).toContain(pair.privateKeyPem.split('\n')[1]);
    expect(text).toContain(pair.certificatePem.split('\n')[1]);
    expect(() => readPkcs12(written, 'another')).toThrow('passphrase-or-damaged');
    expect(() => writePkcs12(pair, '口令')).toThrow('passphrase-not-ascii');
    expect(() => writePkcs12(pair, '')).toThrow('passphrase-not-ascii');
  });
});
