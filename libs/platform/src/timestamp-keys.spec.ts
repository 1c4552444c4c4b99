import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTimestampKeys } from './timestamp-keys';

const now = new Date('2026-11-23T08:00:00.000Z');
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsa-keys-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = () => openTimestampKeys(join(dir, 'keys'), 'pinghu.330482', now);
const files = () => readdirSync(join(dir, 'keys')).sort();

it('processes that start at once end up with one and the same authority', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, open));
  expect(new Set(all.map(({ root }) => root.fingerprint)).size).toBe(1);
  expect(new Set(all.map(({ signer }) => signer.certificate.fingerprint)).size).toBe(1);
  expect(files()).toEqual(['tsa-root.cert.pem', 'tsa.pem']);
});

it('the root for people follows the keys, if it is missing or another’s', async () => {
  const { root } = await open();
  const path = join(dir, 'keys', 'tsa-root.cert.pem');
  rmSync(path);
  await open();
  expect(readFileSync(path, 'utf8')).toBe(root.toPem());
  writeFileSync(path, 'something else');
  await open();
  expect(readFileSync(path, 'utf8')).toBe(root.toPem());
});

it.each([
  ['empty', ''],
  ['cut off', '-----BEGIN PRIVATE' + ' KEY-----\nMIGH'],
])('a file that is %s is an error, and stays as it is', async (_, text) => {
  await open();
  writeFileSync(join(dir, 'keys', 'tsa.pem'), text);
  await expect(open()).rejects.toMatchObject({
    code: 'KEY_UNUSABLE',
    params: { reason: 'unreadable', file: 'tsa.pem' },
  });
  expect(readFileSync(join(dir, 'keys', 'tsa.pem'), 'utf8')).toBe(text);
});

it('a key that is not the certificate’s is an error', async () => {
  await open();
  const path = join(dir, 'keys', 'tsa.pem');
  const first = readFileSync(path, 'utf8');
  rmSync(path);
  await open();
  const second = readFileSync(path, 'utf8');
  const end = /-----END PRIVATE KEY-----\n/;
  writeFileSync(path, `${first.split(end)[0]}-----END PRIVATE KEY-----\n${second.split(end)[1]}`);
  await expect(open()).rejects.toMatchObject({ code: 'KEY_UNUSABLE', params: { reason: 'not-its-key' } });
});
