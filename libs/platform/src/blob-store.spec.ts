import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { type Digest, digestOf } from '@jieqiao/core';
import { BlobStore } from './blob-store';

let dir: string;
let store: BlobStore;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'blobs-'));
  store = new BlobStore(dir);
});
afterEach(() => rmSync(dir, { recursive: true }));

const limit = 64 << 20;
const from = (bytes: Buffer, chunk = 16_384) =>
  Readable.from(
    (function* () {
      for (let i = 0; i < bytes.length; i += chunk) yield bytes.subarray(i, i + chunk);
    })(),
    { objectMode: false },
  );

/** A sender that breaks off after these bytes. */
const broken = (bytes: Buffer) => {
  async function* sender() {
    yield bytes;
    await new Promise((resolve) => setTimeout(resolve, 5));
    throw new Error('connection reset');
  }
  return Readable.from(sender(), { objectMode: false });
};

describe('BlobStore', () => {
  it.each([0, 1, 1 << 20, (3 << 20) + 17])('stores %i bytes under their digest', async (length) => {
    const bytes = randomBytes(length);
    if (length > 0) {
      expect(await store.append('u1', 0, from(bytes), { limit, expectedLength: length })).toEqual({
        offset: length,
        interrupted: false,
      });
    }
    const blob = await store.finish('u1', { length, expectedDigest: digestOf(bytes) });
    expect(blob).toEqual({ digest: digestOf(bytes), bytes: length, crc32: crc32(bytes) });
    expect(await store.stat(blob.digest)).toEqual({ bytes: length });
    expect((await buffer(store.read(blob.digest))).equals(bytes)).toBe(true);
    const hex = blob.digest.slice(7);
    expect(existsSync(join(dir, 'sha256', hex.slice(0, 2), hex))).toBe(true);
    expect(readdirSync(join(dir, 'incoming'))).toEqual([]);
    expect(await store.offset('u1')).toBe(0);
  });

  it('goes on after a broken stream, in this process and in the next', async () => {
    const bytes = randomBytes(2_500_000);
    expect(await store.append('u1', 0, broken(bytes.subarray(0, 1_100_000)), { limit })).toEqual({
      offset: 1_100_000,
      interrupted: true,
    });
    expect(await store.append('u1', 1_100_000, broken(bytes.subarray(1_100_000, 1_100_007)), { limit })).toMatchObject({
      interrupted: true,
    });
    const restarted = new BlobStore(dir);
    expect(await restarted.offset('u1')).toBe(1_100_007);
    await restarted.append('u1', 1_100_007, from(bytes.subarray(1_100_007)), { limit });
    expect((await restarted.finish('u1', { length: bytes.length })).digest).toBe(digestOf(bytes));
  });

  it('finishes after a restart between the last byte and finish', async () => {
    const bytes = randomBytes(100_000);
    await store.append('u1', 0, from(bytes), { limit });
    const blob = await new BlobStore(dir).finish('u1', { length: bytes.length });
    expect(blob).toEqual({ digest: digestOf(bytes), bytes: bytes.length, crc32: crc32(bytes) });
  });

  it('refuses a wrong offset and says the right one', async () => {
    await store.append('u1', 0, from(randomBytes(10)), { limit });
    await expect(store.append('u1', 5, from(randomBytes(5)), { limit })).rejects.toMatchObject({
      code: 'UPLOAD_OFFSET_MISMATCH',
      params: { offset: 10 },
    });
    expect(await store.offset('u1')).toBe(10);
  });

  it('refuses a second writer, and lets it in when the first is done', async () => {
    const slow = new PassThrough();
    const first = store.append('u1', 0, slow, { limit });
    slow.write('abc');
    await expect(store.append('u1', 0, from(Buffer.from('x')), { limit })).rejects.toMatchObject({
      code: 'UPLOAD_IN_PROGRESS',
    });
    await expect(store.finish('u1', { length: 3 })).rejects.toMatchObject({ code: 'UPLOAD_IN_PROGRESS' });
    slow.end();
    expect(await first).toEqual({ offset: 3, interrupted: false });
    await store.append('u1', 3, from(Buffer.from('def')), { limit });
    expect((await store.finish('u1', { length: 6 })).digest).toBe(digestOf(Buffer.from('abcdef')));
  });

  it('gives up a silent sender and keeps its bytes', async () => {
    const silent = new PassThrough();
    silent.write('abc');
    expect(await store.append('u1', 0, silent, { limit, idleMs: 20 })).toEqual({ offset: 3, interrupted: true });
  });

  it('keeps the bytes before a limit and refuses those after', async () => {
    await expect(store.append('u1', 0, from(randomBytes(300), 100), { limit: 250 })).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      params: { limit: 250 },
    });
    expect(await store.offset('u1')).toBe(200);
    await expect(
      store.append('u2', 0, from(randomBytes(300), 100), { limit, expectedLength: 299 }),
    ).rejects.toMatchObject({
      code: 'LENGTH_MISMATCH',
    });
    await expect(store.finish('u2', { length: 299 })).rejects.toMatchObject({
      code: 'LENGTH_MISMATCH',
      params: { found: 200 },
    });
  });

  it('removes an upload with a wrong digest', async () => {
    await store.append('u1', 0, from(Buffer.from('abc')), { limit });
    await expect(store.finish('u1', { length: 3, expectedDigest: digestOf(Buffer.from('abd')) })).rejects.toMatchObject(
      {
        code: 'DIGEST_MISMATCH',
      },
    );
    expect(await store.offset('u1')).toBe(0);
    expect(await store.has(digestOf(Buffer.from('abc')))).toBe(false);
  });

  it('keeps one copy of equal bytes', async () => {
    for (const id of ['u1', 'u2']) {
      await store.append(id, 0, from(Buffer.from('same')), { limit });
      await store.finish(id, { length: 4 });
    }
    expect(await store.has(digestOf(Buffer.from('same')))).toBe(true);
  });

  it('reads ranges, and says at once that a blob is missing', async () => {
    await store.append('u1', 0, from(Buffer.from('0123456789')), { limit });
    const { digest } = await store.finish('u1', { length: 10 });
    expect((await buffer(store.read(digest, 2, 4))).toString()).toBe('234');
    expect((await buffer(store.read(digest, 7))).toString()).toBe('789');
    await store.remove(digest);
    expect(() => store.read(digest)).toThrow(expect.objectContaining({ code: 'BLOB_MISSING' }));
  });

  it('accepts no name that could leave the directory', async () => {
    for (const id of ['../x', 'a/b', '', '.', '..', '.hidden', 'a\0b', 'x'.repeat(129)]) {
      await expect(store.append(id, 0, from(Buffer.from('x')), { limit })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(() => store.read('sha256:../../etc/passwd' as Digest)).toThrow(
      expect.objectContaining({ code: 'BLOB_MISSING' }),
    );
  });

  it('sweeps old uploads only', async () => {
    for (const id of ['old', 'new']) await store.append(id, 0, from(Buffer.from('x')), { limit });
    utimesSync(join(dir, 'incoming', 'old'), 1, 1);
    expect(await store.sweepIncoming(Date.now() - 60_000)).toBe(1);
    expect(readdirSync(join(dir, 'incoming'))).toEqual(['new']);
    await store.discard('new');
    expect(readdirSync(join(dir, 'incoming'))).toEqual([]);
    expect(await new BlobStore(join(dir, 'none')).sweepIncoming(0)).toBe(0);
  });

  it('keeps files from other users of the machine', async () => {
    await store.append('u1', 0, from(Buffer.from('x')), { limit });
    const { digest } = await store.finish('u1', { length: 1 });
    const hex = digest.slice(7);
    expect(statSync(join(dir, 'sha256', hex.slice(0, 2), hex)).mode & 0o077).toBe(0);
  });

  it('recomputes the hash when the file no longer matches the one kept in memory', async () => {
    await store.append('u1', 0, from(Buffer.from('abc')), { limit });
    const other = new BlobStore(dir);
    await other.append('u1', 3, from(Buffer.from('def')), { limit });
    const blob = await store.finish('u1', { length: 6 });
    expect(blob.digest).toBe(`sha256:${createHash('sha256').update('abcdef').digest('hex')}`);
    expect(readFileSync(join(dir, 'sha256', blob.digest.slice(7, 9), blob.digest.slice(7)), 'utf8')).toBe('abcdef');
  });
});
