import { createHash, type Hash } from 'node:crypto';
import { createReadStream, openSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Digest, digestFromRaw, GatewayError, hasCode, isDigest } from '@jieqiao/core';
import { step } from './step';

/** What one stored blob is: its address, its length in bytes, and the CRC-32 that a ZIP entry of it needs. */
export interface StoredBlob {
  digest: Digest;
  bytes: number;
  crc32: number;
}

export interface AppendOptions {
  /** The most bytes the upload may ever hold; one more gives FILE_TOO_LARGE. */
  limit: number;
  /** The announced length of the whole file, when there is one; one byte more gives LENGTH_MISMATCH. */
  expectedLength?: number;
  /** A sender silent for so long is given up, so that a dead connection does not keep the upload locked. */
  idleMs?: number;
}

/** Where the upload stands after `append`. `interrupted`: the sender broke off; what arrived is kept. */
export interface AppendResult {
  offset: number;
  interrupted: boolean;
}

/** One write to the disk. Sockets give 16–64 KiB at a time; a system call for each costs more than the copy it saves. */
const batchBytes = 1 << 20;
/** The kernel is asked to start writing back this often, so that the final sync does not wait for the whole file. */
const writebackBytes = 64 << 20;
const readChunkBytes = 256 << 10;
/** Running hashes kept for uploads between two requests; an evicted one is recomputed from the file. */
const maxKeptHashes = 1_024;
const uploadIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** SHA-256 and CRC-32 of the first `length` bytes of an upload, in one pass. */
interface RunningHash {
  sha: Hash;
  crc: number;
  length: number;
}

/**
 * Content-addressed files in one directory: `sha256/ab/<64 hex>` is complete, synced and never changes;
 * `incoming/<uploadId>` is an upload under way, whose length is its resumable offset.
 *
 * What survives: `append` syncs before it returns, so a returned offset outlives a crash. A process killed in
 * between leaves a longer file, which a restart simply continues (an append-only file has no stale inside).
 * `finish` renames only a synced file, so whatever stands under `sha256/` is whole; killed before the rename, the
 * upload is still there to finish again; killed after it, the blob is there and the same upload starts at 0.
 *
 * One process writes to an upload at a time; the directory belongs to one node.
 */
export class BlobStore {
  private readonly incoming: string;
  private readonly blobs: string;
  private readonly hashes = new Map<string, RunningHash>();
  private readonly busy = new Set<string>();
  /** What is synced of uploads that are being written: their files are already longer. */
  private readonly synced = new Map<string, number>();
  private readonly knownDirs = new Set<string>();

  constructor(private readonly dir: string) {
    this.incoming = join(dir, 'incoming');
    this.blobs = join(dir, 'sha256');
  }

  /** Bytes of the upload that are durable here: 0 when it never began, or when `finish` has taken it. */
  async offset(uploadId: string): Promise<number> {
    const size = (await sizeOf(this.uploadPath(uploadId))) ?? 0;
    return this.synced.get(uploadId) ?? size;
  }

  /**
   * Adds a stream's bytes at `offset`, hashing on the way. A broken stream is not an error: its bytes are kept.
   * @throws UPLOAD_IN_PROGRESS while another writer is at it; UPLOAD_OFFSET_MISMATCH {offset: where it stands};
   *   FILE_TOO_LARGE and LENGTH_MISMATCH, with the bytes before the limit kept.
   */
  async append(uploadId: string, offset: number, stream: Readable, options: AppendOptions): Promise<AppendResult> {
    const path = this.uploadPath(uploadId);
    return this.exclusively(uploadId, async () => {
      const here = (await sizeOf(path)) ?? 0;
      if (here !== offset) throw new GatewayError('UPLOAD_OFFSET_MISMATCH', { offset: here });
      this.synced.set(uploadId, here);
      await this.makeDir(this.incoming);
      const hash = await this.runningHash(uploadId, path, here);
      const file = await open(path, here === 0 ? 'w' : 'r+', 0o600);
      const sink = new UploadSink(file, here, hash, options);
      let ended: unknown = null;
      try {
        await pipeline(stream, sink).catch((error: unknown) => {
          ended = error;
        });
        await sink.settle();
        await file.datasync();
      } catch (error) {
        // The running hash may be ahead of the disk (disk full, say): the next append recomputes it from the file.
        this.hashes.delete(uploadId);
        throw error;
      } finally {
        await file.close();
      }
      step('upload', 'appended');
      if (hasCode(ended)) throw ended;
      return { offset: sink.position, interrupted: ended !== null };
    });
  }

  /**
   * Makes a complete upload a blob. Doing it again with bytes already stored is harmless.
   * @throws LENGTH_MISMATCH (upload kept); DIGEST_MISMATCH (upload removed: it can only start over).
   */
  async finish(uploadId: string, expected: { expectedDigest?: Digest; length: number }): Promise<StoredBlob> {
    const path = this.uploadPath(uploadId);
    return this.exclusively(uploadId, async () => {
      const here = (await sizeOf(path)) ?? 0;
      if (here !== expected.length) {
        throw new GatewayError('LENGTH_MISMATCH', { expected: expected.length, found: here });
      }
      await this.makeDir(this.incoming);
      const hash = await this.runningHash(uploadId, path, here);
      const crc = hash.crc;
      const digest = digestFromRaw(hash.sha.copy().digest());
      if (expected.expectedDigest !== undefined && digest !== expected.expectedDigest) {
        await this.forget(uploadId, path);
        throw new GatewayError('DIGEST_MISMATCH', { expected: expected.expectedDigest, found: digest });
      }
      const file = await open(path, here === 0 ? 'w' : 'r+', 0o600);
      try {
        // Contents and length are on the disk before the name is: a name under sha256/ is never a half file.
        await file.sync();
      } finally {
        await file.close();
      }
      step('upload', 'synced');
      const target = this.blobPath(digest);
      const parent = join(target, '..');
      await this.makeDir(parent);
      await rename(path, target);
      step('upload', 'renamed');
      await syncDir(parent);
      this.hashes.delete(uploadId);
      return { digest, bytes: here, crc32: crc };
    });
  }

  /** Gives an upload up and frees its bytes. */
  async discard(uploadId: string): Promise<void> {
    const path = this.uploadPath(uploadId);
    await this.exclusively(uploadId, () => this.forget(uploadId, path));
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.stat(digest)) !== null;
  }

  async stat(digest: Digest): Promise<{ bytes: number } | null> {
    const bytes = await sizeOf(this.blobPath(digest));
    return bytes === null ? null : { bytes };
  }

  /**
   * A blob's bytes, or the part from `start` to `end`, both inclusive as in an HTTP range.
   * @throws BLOB_MISSING at once, before anything has been sent.
   */
  read(digest: Digest, start?: number, end?: number): Readable {
    let fd: number;
    try {
      fd = openSync(this.blobPath(digest), 'r');
    } catch (error) {
      if (isMissing(error)) throw new GatewayError('BLOB_MISSING', { digest });
      throw error;
    }
    return createReadStream('', { fd, start: start ?? 0, end, highWaterMark: readChunkBytes });
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.blobPath(digest), { force: true });
  }

  /** Every complete blob, with the time its bytes came (ms since the epoch). */
  async *list(): AsyncIterable<{ digest: Digest; storedAt: number }> {
    for (const prefix of await namesIn(this.blobs)) {
      for (const name of await namesIn(join(this.blobs, prefix))) {
        const digest = `sha256:${name}`;
        const info = isDigest(digest) ? await stat(join(this.blobs, prefix, name)).catch(() => null) : null;
        if (info && isDigest(digest)) yield { digest, storedAt: info.mtimeMs };
      }
    }
  }

  /** Removes uploads untouched since `before` (ms since the epoch), except those being written. Returns how many. */
  async sweepIncoming(before: number): Promise<number> {
    let removed = 0;
    for (const name of await namesIn(this.incoming)) {
      if (this.busy.has(name)) continue;
      const path = join(this.incoming, name);
      const info = await stat(path).catch(() => null);
      if (info === null || info.mtimeMs >= before || this.busy.has(name)) continue;
      await this.forget(name, path);
      removed++;
    }
    return removed;
  }

  private async exclusively<T>(uploadId: string, work: () => Promise<T>): Promise<T> {
    if (this.busy.has(uploadId)) throw new GatewayError('UPLOAD_IN_PROGRESS', {});
    this.busy.add(uploadId);
    try {
      return await work();
    } finally {
      this.synced.delete(uploadId);
      this.busy.delete(uploadId);
    }
  }

  /** The hash of the first `length` bytes: the one kept from the last append, or read again after a restart. */
  private async runningHash(uploadId: string, path: string, length: number): Promise<RunningHash> {
    let hash = this.hashes.get(uploadId);
    this.hashes.delete(uploadId);
    if (hash?.length !== length) {
      hash = { sha: createHash('sha256'), crc: 0, length: 0 };
      if (length > 0) {
        for await (const chunk of createReadStream(path, { end: length - 1, highWaterMark: batchBytes })) {
          hash.sha.update(chunk as Buffer);
          hash.crc = crc32(chunk as Buffer, hash.crc);
        }
        hash.length = length;
      }
    }
    this.hashes.set(uploadId, hash);
    if (this.hashes.size > maxKeptHashes) {
      for (const kept of this.hashes.keys()) {
        if (this.busy.has(kept)) continue;
        this.hashes.delete(kept);
        break;
      }
    }
    return hash;
  }

  private async forget(uploadId: string, path: string): Promise<void> {
    this.hashes.delete(uploadId);
    await rm(path, { force: true });
  }

  private async makeDir(path: string): Promise<void> {
    if (this.knownDirs.has(path)) return;
    await mkdir(path, { recursive: true, mode: 0o700 });
    // The entry of a new directory must be as durable as what will be renamed into it.
    await syncDir(join(path, '..'));
    await syncDir(this.dir);
    this.knownDirs.add(path);
  }

  /** Upload ids come from peers too: anything that could name another directory is refused. */
  private uploadPath(uploadId: string): string {
    if (!uploadIdPattern.test(uploadId)) throw new GatewayError('NOT_FOUND', { what: 'upload' });
    return join(this.incoming, uploadId);
  }

  private blobPath(digest: Digest): string {
    if (!isDigest(digest)) throw new GatewayError('BLOB_MISSING', {});
    const hex = digest.slice(7);
    return join(this.blobs, hex.slice(0, 2), hex);
  }
}

/**
 * Hashes and gathers chunks without copying them, and writes them in batches while the next batch arrives.
 * Holds at most two batches, whatever the file's size.
 */
class UploadSink extends Writable {
  /** Bytes of the upload that have been handed to the file. */
  position: number;
  /** A failure of the disk, as against one of the sender. */
  private failure: unknown;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private writing: Promise<void> | null = null;
  private writeback: Promise<unknown> | null = null;
  private sinceWriteback = 0;
  private readonly idle: NodeJS.Timeout | null;

  constructor(
    private readonly file: FileHandle,
    offset: number,
    private readonly hash: RunningHash,
    private readonly options: AppendOptions,
  ) {
    super({ highWaterMark: batchBytes, decodeStrings: true });
    this.position = offset;
    this.idle =
      options.idleMs === undefined ? null : setTimeout(() => this.destroy(new Error('idle')), options.idleMs).unref();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const { limit, expectedLength } = this.options;
    const total = this.hash.length + chunk.length;
    if (total > limit) {
      done(new GatewayError('FILE_TOO_LARGE', { limit }));
      return;
    }
    if (expectedLength !== undefined && total > expectedLength) {
      done(new GatewayError('LENGTH_MISMATCH', { expected: expectedLength, foundAtLeast: total }));
      return;
    }
    this.idle?.refresh();
    this.hash.sha.update(chunk);
    this.hash.crc = crc32(chunk, this.hash.crc);
    this.hash.length = total;
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    if (this.pendingBytes < batchBytes) done();
    else this.flush().then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.settle().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.idle !== null) clearTimeout(this.idle);
    done(error);
  }

  /** Waits for the running write, then starts the next one and returns without waiting for it. */
  private async flush(): Promise<void> {
    if (this.writing !== null) await this.writing;
    if (this.failure !== undefined) throw this.failure;
    const batch = this.pending;
    const bytes = this.pendingBytes;
    if (bytes === 0) return;
    this.pending = [];
    this.pendingBytes = 0;
    const at = this.position;
    this.position += bytes;
    this.writing = this.writeBatch(batch, bytes, at);
  }

  /** Everything gathered so far is written, also after the sender broke off. Throws the disk's failure. */
  async settle(): Promise<void> {
    await this.flush();
    await this.writing;
    await this.writeback;
    if (this.failure !== undefined) throw this.failure;
  }

  /** Never rejects: the failure is kept and thrown by whoever flushes next. */
  private async writeBatch(batch: Buffer[], bytes: number, at: number): Promise<void> {
    try {
      let written = (await this.file.writev(batch, at)).bytesWritten;
      if (written < bytes) {
        const rest = Buffer.concat(batch);
        while (written < bytes) {
          written += (await this.file.write(rest, written, bytes - written, at + written)).bytesWritten;
        }
      }
      this.sinceWriteback += bytes;
      if (this.sinceWriteback >= writebackBytes && this.writeback === null) {
        this.sinceWriteback = 0;
        this.writeback = this.file
          .datasync()
          .catch((error: unknown) => {
            this.failure ??= error;
          })
          .finally(() => {
            this.writeback = null;
          });
      }
    } catch (error) {
      this.failure ??= error;
    }
  }
}

async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    const info = await stat(path);
    return info.isFile() ? info.size : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function syncDir(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
