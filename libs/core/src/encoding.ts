import { createHash, hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type ErrorCode, GatewayError } from './errors';

/** A SHA-256 digest as text: `sha256:` and 64 lower-case hex digits. The one form in files, tables and messages. */
export type Digest = `sha256:${string}`;

const digestPattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && digestPattern.test(value);
}

export function sha256(...parts: Uint8Array[]): Buffer {
  if (parts.length === 1) return hash('sha256', parts[0]!, 'buffer');
  const hasher = createHash('sha256');
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

export function digestFromRaw(raw: Uint8Array): Digest {
  return `sha256:${Buffer.from(raw).toString('hex')}`;
}

export function rawDigest(digest: Digest): Buffer {
  return Buffer.from(digest.slice(7), 'hex');
}

const loneSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** RFC 8785 (JCS) bytes of a value: what we sign and hash. Throws on NaN, infinities and lone surrogates. */
export function canonicalJson(value: unknown): Buffer {
  // Where no key looks like a number, an object with sorted keys keeps its order, and the engine's own serialiser
  // writes JCS several times faster than the library. A property test holds the two side by side.
  const sorted = sortedCopy(value);
  const text = sorted === undefined ? canonicalize(value) : JSON.stringify(sorted);
  if (text === undefined) throw new TypeError('a value without a JSON form');
  // JSON.stringify escapes a lone surrogate instead of refusing it; RFC 8785 §3.2.2.2 wants an error.
  if (text.includes('\\ud') && loneSurrogate.test(text)) throw new TypeError('a lone surrogate');
  return Buffer.from(text, 'utf8');
}

/** A copy with sorted keys, or undefined where only the library will do: number-like keys, non-finite numbers, `toJSON`. */
function sortedCopy(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    for (const item of value) {
      const element = sortedCopy(item);
      if (element === undefined) return undefined;
      copy.push(element);
    }
    return copy;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    const first = key.charCodeAt(0);
    if ((first >= 0x30 && first <= 0x39) || key === '__proto__') return undefined;
    const element = sortedCopy(member);
    if (element === undefined) return undefined;
    copy[key] = element;
  }
  return copy;
}

/** Whether a parsed value has its keys in canonical order throughout. */
function isSorted(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let last: string | null = null;
  for (const key of Object.keys(value)) {
    if (last !== null && key <= last) return false;
    last = key;
    if (!isSorted((value as Record<string, unknown>)[key])) return false;
  }
  return true;
}

export interface JsonLimits {
  maxBytes: number;
  maxDepth: number;
}

/**
 * Parses JSON from outside that must already be canonical (RFC 8785). Byte equality with its own canonical form
 * shuts out duplicate keys, alternative number spellings, byte-order marks and trailing bytes in one check.
 */
export function parseCanonicalJson(bytes: Uint8Array, limits: JsonLimits, code: ErrorCode): unknown {
  if (bytes.length > limits.maxBytes) throw new GatewayError(code, { reason: 'too-large', limit: limits.maxBytes });
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  assertJsonDepth(text, limits.maxDepth, code);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GatewayError(code, { reason: 'not-json' });
  }
  if (!isCanonical(value, text, bytes)) throw new GatewayError(code, { reason: 'not-canonical' });
  return value;
}

function isCanonical(value: unknown, text: string, bytes: Uint8Array): boolean {
  // The common case costs one native serialisation; number-like keys, which the engine reorders, take the long way.
  // Bytes that are not UTF-8 decode to U+FFFD, which is longer than what it stands for.
  if (JSON.stringify(value) === text && isSorted(value)) {
    return Buffer.byteLength(text) === bytes.length && !(text.includes('\\ud') && loneSurrogate.test(text));
  }
  try {
    return canonicalJson(value).equals(bytes);
  } catch {
    return false;
  }
}

/** Counts nesting before parsing: neither the parser nor a recursive walk afterwards meets hostile depth. */
export function assertJsonDepth(text: string, maxDepth: number, code: ErrorCode): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > maxDepth) throw new GatewayError(code, { reason: 'too-deep', limit: maxDepth });
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Strict inverse of `base64url`: padding, other alphabets and non-zero trailing bits give null. */
export function fromBase64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

/** Strict standard Base64 (RFC 4648 §4, with padding), or null. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

/** UUIDv7 (RFC 9562 §5.7): sorts by creation time. `random` gives 10 bytes. */
export function uuidv7(now: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
