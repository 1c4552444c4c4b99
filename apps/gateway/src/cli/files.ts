import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { type ErrorCode, GatewayError } from '@jieqiao/core';
import { type Cli, Stop } from './command';

/** A path as typed, from where the person stands. */
export function pathOf(cli: Cli, given: string): string {
  return resolve(cli.around.cwd, given);
}

/**
 * A file from outside, never more of it than it may have.
 * @throws GatewayError `code` with reason `too-large` before more than `maxBytes` are read
 */
export function readBounded(path: string, maxBytes: number, code: ErrorCode): Buffer {
  const file = openSync(path, 'r');
  try {
    // A directory can be opened, but not read.
    if (fstatSync(file).isDirectory()) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR', path });
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= maxBytes; length += read) {
      read = readSync(file, bytes, length, maxBytes + 1 - length, null);
    }
    if (length > maxBytes) throw new GatewayError(code, { reason: 'too-large', limit: maxBytes });
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** Whole or not at all, and on the disk when it returns: a stick may be pulled out next. */
export function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const file = openSync(`${path}.new`, 'w', mode);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

/** @throws Stop when something else stands there */
export function writeNew(path: string, content: string | Uint8Array, mode?: number): void {
  if (existsSync(path) && !readFileSync(path).equals(Buffer.from(content))) {
    throw new Stop(
      { zh: '{path} 已存在，不覆盖；换一个文件名', en: '{path} exists and is not overwritten; choose another name' },
      { path },
    );
  }
  writeWhole(path, content, mode);
}
