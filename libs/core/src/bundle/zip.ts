import { GatewayError } from '../errors';
import { foldName, nameProblem } from './names';

/** What a ZIP must know of a file beforehand; all of it comes from the one pass over the bytes at upload. */
export interface ZipEntry {
  name: string;
  bytes: number;
  /** CRC-32 as `zlib.crc32` gives it. */
  crc32: number;
  /** The bytes themselves, for small parts made on the spot; others are opened when they are written. */
  content?: Buffer;
}

/** A run of output bytes: known now, or the whole body of the entry of that name. */
export type ZipSegment =
  | { offset: number; bytes: number; content: Buffer }
  | { offset: number; bytes: number; entry: string };

export interface ZipPlan {
  /** Bytes of the whole file: its Content-Length. */
  length: number;
  segments: ZipSegment[];
}

/** Random access to bytes from outside: a file, a buffer, a browser's `File`. */
export interface ByteSource {
  readonly size: number;
  /** Gives exactly `length` bytes; callers stay within `size`. */
  read(offset: number, length: number): Promise<Buffer>;
}

export interface ZipLimits {
  maxEntries: number;
  maxNameBytes: number;
}

export const zipLimits: ZipLimits = { maxEntries: 10_000, maxNameBytes: 512 };

export interface StoredEntry extends ZipEntry {
  /** Where the entry's bytes begin. */
  offset: number;
}

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const localBytes = 30;
const centralBytes = 46;
const endBytes = 22;
const end64Bytes = 56;
const locator64Bytes = 20;
const zip64Extra = 0x0001;
const utf8Names = 0x0800;
/** 1980-01-01 00:00:00, the zero of MS-DOS time: when a file was packed is no fact about it. */
const epochDate = 0x0021;
const max16 = 0xffff;
const max32 = 0xffffffff;

/**
 * Lays out a stored-only ZIP (APPNOTE 6.3.9) of the given entries in the given order. Equal entries give equal bytes:
 * no clocks, no attributes, no data descriptors, ZIP64 exactly where a value does not fit.
 * @throws GatewayError BUNDLE_MALFORMED for a name or number that may not stand in a container
 */
export function planZip(entries: readonly ZipEntry[], limits: ZipLimits = zipLimits): ZipPlan {
  checkEntries(entries, limits);
  const { starts, central, end } = layOut(entries);
  const segments: ZipSegment[] = [];
  entries.forEach((entry, i) => {
    const header = localHeader(entry);
    const offset = starts[i]!;
    if (entry.content) {
      segments.push({
        offset,
        bytes: header.length + entry.bytes,
        content: Buffer.concat([header, entry.content]),
      });
    } else {
      segments.push({ offset, bytes: header.length, content: header });
      if (entry.bytes > 0) segments.push({ offset: offset + header.length, bytes: entry.bytes, entry: entry.name });
    }
  });
  const tail = Buffer.concat([central, end]);
  const last = segments.at(-1);
  const offset = last ? last.offset + last.bytes : 0;
  segments.push({ offset, bytes: tail.length, content: tail });
  return { length: offset + tail.length, segments };
}

/**
 * Writes a planned ZIP, or the byte range [start, end) of it, holding one chunk at a time.
 * @param open gives an entry's bytes from `start` on; it is closed early when a range ends inside the entry
 * @throws GatewayError LENGTH_MISMATCH when an entry turns out shorter or longer than planned
 */
export async function* writeZip(
  plan: ZipPlan,
  open: (name: string, start: number) => AsyncIterable<Uint8Array>,
  range: { start: number; end: number } = { start: 0, end: plan.length },
): AsyncIterable<Buffer> {
  for (const segment of plan.segments) {
    const from = Math.max(range.start - segment.offset, 0);
    const to = Math.min(range.end - segment.offset, segment.bytes);
    if (from >= to) continue;
    if ('content' in segment) yield segment.content.subarray(from, to);
    else yield* entryBytes(open(segment.entry, from), to - from, to === segment.bytes);
  }
}

async function* entryBytes(
  chunks: AsyncIterable<Uint8Array>,
  wanted: number,
  toItsEnd: boolean,
): AsyncIterable<Buffer> {
  let left = wanted;
  for await (const chunk of chunks) {
    if (chunk.length > left && toItsEnd)
      throw new GatewayError('LENGTH_MISMATCH', { reason: 'longer', expected: wanted });
    const part = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, left));
    left -= part.length;
    if (part.length > 0) yield part;
    if (left === 0 && !toItsEnd) return;
  }
  if (left > 0) throw new GatewayError('LENGTH_MISMATCH', { reason: 'shorter', expected: wanted });
}

/**
 * Reads the directory of a ZIP from anyone and takes only what `planZip` would have written: after the entries are
 * read, every header is built again and compared. So there is nothing before, between or after the entries, no second
 * directory, no attribute, and one reading of the file only. Needs memory for the directory, none for the bodies.
 * @throws GatewayError BUNDLE_MALFORMED with a `reason`
 */
export async function readZip(source: ByteSource, limits: ZipLimits = zipLimits): Promise<StoredEntry[]> {
  const directory = await findDirectory(source, limits);
  const central = await source.read(directory.offset, directory.bytes);
  const { entries, offsets } = parseCentral(central, directory.count);
  checkEntries(entries, limits);

  const planned = layOut(entries);
  const misplaced = planned.starts.findIndex((start, i) => start !== offsets[i]);
  if (misplaced >= 0) throw malformed('gap-or-overlap', misplaced);
  if (!planned.central.equals(central)) throw malformed('central-directory');
  const endOffset = directory.offset + directory.bytes;
  if (planned.centralOffset !== directory.offset || endOffset + planned.end.length !== source.size) {
    throw malformed('gap-or-overlap');
  }
  if (!planned.end.equals(await source.read(endOffset, planned.end.length))) throw malformed('end-record');

  const stored: StoredEntry[] = [];
  for (const [i, entry] of entries.entries()) {
    const expected = localHeader(entry);
    const start = planned.starts[i]!;
    if (!expected.equals(await source.read(start, expected.length))) throw malformed('local-header', i);
    stored.push({ ...entry, offset: start + expected.length });
  }
  return stored;
}

interface Layout {
  /** Where each local header begins. */
  starts: number[];
  centralOffset: number;
  central: Buffer;
  end: Buffer;
}

function layOut(entries: readonly ZipEntry[]): Layout {
  const starts: number[] = [];
  const headers: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    starts.push(offset);
    headers.push(centralHeader(entry, offset));
    offset += localBytes + Buffer.byteLength(entry.name) + (entry.bytes >= max32 ? 20 : 0) + entry.bytes;
  }
  if (!Number.isSafeInteger(offset)) throw malformed('too-large');
  const central = Buffer.concat(headers);
  return { starts, centralOffset: offset, central, end: endRecords(entries.length, offset, central.length) };
}

function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name, 'utf8');
  const large = entry.bytes >= max32;
  const header = Buffer.alloc(localBytes + name.length + (large ? 20 : 0));
  header.writeUInt32LE(localSignature, 0);
  header.writeUInt16LE(large ? 45 : 20, 4);
  header.writeUInt16LE(utf8Names, 6);
  header.writeUInt16LE(epochDate, 12);
  header.writeUInt32LE(entry.crc32, 14);
  header.writeUInt32LE(large ? max32 : entry.bytes, 18);
  header.writeUInt32LE(large ? max32 : entry.bytes, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(large ? 20 : 0, 28);
  name.copy(header, localBytes);
  if (large) writeZip64Extra(header, localBytes + name.length, [entry.bytes, entry.bytes]);
  return header;
}

function centralHeader(entry: ZipEntry, offset: number): Buffer {
  const name = Buffer.from(entry.name, 'utf8');
  const values: number[] = [];
  if (entry.bytes >= max32) values.push(entry.bytes, entry.bytes);
  if (offset >= max32) values.push(offset);
  const extraBytes = values.length === 0 ? 0 : 4 + 8 * values.length;
  const version = values.length === 0 ? 20 : 45;
  const header = Buffer.alloc(centralBytes + name.length + extraBytes);
  header.writeUInt32LE(centralSignature, 0);
  header.writeUInt16LE(version, 4);
  header.writeUInt16LE(version, 6);
  header.writeUInt16LE(utf8Names, 8);
  header.writeUInt16LE(epochDate, 14);
  header.writeUInt32LE(entry.crc32, 16);
  header.writeUInt32LE(Math.min(entry.bytes, max32), 20);
  header.writeUInt32LE(Math.min(entry.bytes, max32), 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extraBytes, 30);
  header.writeUInt32LE(Math.min(offset, max32), 42);
  name.copy(header, centralBytes);
  if (values.length > 0) writeZip64Extra(header, centralBytes + name.length, values);
  return header;
}

function writeZip64Extra(header: Buffer, at: number, values: readonly number[]): void {
  header.writeUInt16LE(zip64Extra, at);
  header.writeUInt16LE(8 * values.length, at + 2);
  values.forEach((value, i) => {
    header.writeBigUInt64LE(BigInt(value), at + 4 + 8 * i);
  });
}

function endRecords(count: number, centralOffset: number, centralLength: number): Buffer {
  const large = count >= max16 || centralOffset >= max32 || centralLength >= max32;
  const end = Buffer.alloc(endBytes);
  end.writeUInt32LE(endSignature, 0);
  end.writeUInt16LE(Math.min(count, max16), 8);
  end.writeUInt16LE(Math.min(count, max16), 10);
  end.writeUInt32LE(Math.min(centralLength, max32), 12);
  end.writeUInt32LE(Math.min(centralOffset, max32), 16);
  if (!large) return end;
  const end64 = Buffer.alloc(end64Bytes + locator64Bytes);
  end64.writeUInt32LE(end64Signature, 0);
  end64.writeBigUInt64LE(BigInt(end64Bytes - 12), 4);
  end64.writeUInt16LE(45, 12);
  end64.writeUInt16LE(45, 14);
  end64.writeBigUInt64LE(BigInt(count), 24);
  end64.writeBigUInt64LE(BigInt(count), 32);
  end64.writeBigUInt64LE(BigInt(centralLength), 40);
  end64.writeBigUInt64LE(BigInt(centralOffset), 48);
  end64.writeUInt32LE(locator64Signature, end64Bytes);
  end64.writeBigUInt64LE(BigInt(centralOffset + centralLength), end64Bytes + 8);
  end64.writeUInt32LE(1, end64Bytes + 16);
  return Buffer.concat([end64, end]);
}

function checkEntries(entries: readonly ZipEntry[], limits: ZipLimits): void {
  if (entries.length > limits.maxEntries) throw malformed('too-many-entries');
  const seen = new Set<string>();
  for (const [i, { name, bytes, crc32, content }] of entries.entries()) {
    const problem = nameProblem(name, limits.maxNameBytes);
    if (problem) throw malformed(`name-${problem}`, i);
    const fold = foldName(name);
    if (seen.has(fold)) throw malformed('name-twice', i);
    seen.add(fold);
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw malformed('size', i);
    if (!Number.isInteger(crc32) || crc32 < 0 || crc32 > max32) throw malformed('checksum', i);
    if (content && content.length !== bytes) throw malformed('size', i);
  }
  for (const [i, { name }] of entries.entries()) {
    // A file `a` and a file `a/b` cannot both be unpacked.
    for (let slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
      if (seen.has(foldName(name.slice(0, slash)))) throw malformed('name-twice', i);
    }
  }
}

interface Directory {
  count: number;
  offset: number;
  bytes: number;
}

/** The end record is the last 22 bytes or the file is refused: a comment could hide a second directory. */
async function findDirectory(source: ByteSource, limits: ZipLimits): Promise<Directory> {
  if (source.size < endBytes) throw malformed('no-end-record');
  const end = await source.read(source.size - endBytes, endBytes);
  if (end.readUInt32LE(0) !== endSignature) throw malformed('no-end-record');
  let directory: Directory = {
    count: end.readUInt16LE(10),
    bytes: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  };
  let recordsAt = source.size - endBytes;
  if (directory.count === max16 || directory.bytes === max32 || directory.offset === max32) {
    recordsAt -= end64Bytes + locator64Bytes;
    if (recordsAt < 0) throw malformed('no-zip64-record');
    const end64 = await source.read(recordsAt, end64Bytes + locator64Bytes);
    if (end64.readUInt32LE(0) !== end64Signature) throw malformed('no-zip64-record');
    directory = { count: uint64(end64, 32), bytes: uint64(end64, 40), offset: uint64(end64, 48) };
  }
  // Bounds first: the counts come from outside and size the next allocation.
  if (directory.count > limits.maxEntries) throw malformed('too-many-entries');
  if (directory.bytes > directory.count * (centralBytes + limits.maxNameBytes + 28))
    throw malformed('central-directory');
  if (directory.offset + directory.bytes !== recordsAt) throw malformed('gap-or-overlap');
  return directory;
}

function parseCentral(central: Buffer, count: number): { entries: ZipEntry[]; offsets: number[] } {
  const entries: ZipEntry[] = [];
  const offsets: number[] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + centralBytes > central.length || central.readUInt32LE(at) !== centralSignature) {
      throw malformed('central-directory');
    }
    const nameLength = central.readUInt16LE(at + 28);
    const extraLength = central.readUInt16LE(at + 30);
    const extraAt = at + centralBytes + nameLength;
    if (extraAt + extraLength > central.length) throw malformed('central-directory');
    let name: string;
    try {
      name = decoder.decode(central.subarray(at + centralBytes, extraAt));
    } catch {
      throw malformed('name-encoding', i);
    }
    if ((central.readUInt16LE(at + 8) & 0x2041) !== 0) throw malformed('encrypted', i);
    if (central.readUInt16LE(at + 10) !== 0) throw malformed('compressed', i);
    if (central.readUInt16LE(at + 32) !== 0) throw malformed('comment', i);
    if (central.readUInt32LE(at + 38) !== 0) throw malformed('attributes', i);
    let bytes = central.readUInt32LE(at + 24);
    let offset = central.readUInt32LE(at + 42);
    const extra = central.subarray(extraAt, extraAt + extraLength);
    const expected = (bytes === max32 ? 16 : 0) + (offset === max32 ? 8 : 0);
    if (extra.length !== (expected === 0 ? 0 : 4 + expected)) throw malformed('extra-field', i);
    let valueAt = 4;
    if (bytes === max32) {
      bytes = uint64(extra, valueAt);
      valueAt += 16;
    }
    if (offset === max32) offset = uint64(extra, valueAt);
    entries.push({ name, bytes, crc32: central.readUInt32LE(at + 16) });
    offsets.push(offset);
    at = extraAt + extraLength;
  }
  if (at !== central.length) throw malformed('central-directory');
  return { entries, offsets };
}

function uint64(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('too-large');
  return Number(value);
}

/** An entry is named by its place: file names may tell of people, and errors end in logs and at peers. */
function malformed(reason: string, entry?: number): GatewayError {
  return new GatewayError('BUNDLE_MALFORMED', { part: 'container', reason, entry });
}
