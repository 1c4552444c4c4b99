import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { fromBase64 } from '../encoding';
import { GatewayError } from '../errors';

/** C2SP signed-note: a text with signature lines, and the verifier keys ("vkeys") that name who may sign it. */

const maxNoteBytes = 65_536;
const maxSignatures = 16;

/** 0x01: Ed25519 over the text (signed-note). 0x04: a witness's cosignature/v1 of a checkpoint (tlog-cosignature). */
export type NoteKeyType = 1 | 4;

export interface NoteKey {
  /** the signer's name; for a log, its origin */
  name: string;
  type: NoteKeyType;
  /** first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key): an identifier, not a commitment */
  id: Buffer;
  publicKey: KeyObject;
}

export interface NoteSignature {
  name: string;
  keyId: Buffer;
  /** what follows the key id; its form depends on the key's type */
  signature: Buffer;
}

export interface Note {
  /** what was signed, with its final newline */
  text: string;
  signatures: NoteSignature[];
}

export interface VerifiedSignature {
  key: NoteKey;
  /** POSIX seconds at which a witness cosigned; null for a plain signature, which carries no time */
  time: number | null;
}

const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Points of small order (the sign bit cleared). Under such a key a signature fits many texts, so whoever registers one
 * could deny every receipt it ever gave; OpenSSL accepts them.
 */
const smallOrderPoints = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isSmallOrder(raw: Buffer): boolean {
  const point = Buffer.from(raw);
  point[31]! &= 0x7f;
  return smallOrderPoints.has(point.toString('hex'));
}

const spaceOrPlus = /[\p{White_Space}+]/u;

function isKeyName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification forbids exactly these
  return name !== '' && !spaceOrPlus.test(name) && !/[\x00-\x1f]/.test(name);
}

function keyId(name: string, type: NoteKeyType, raw: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), raw]), 'buffer').subarray(0, 4);
}

function rawPublicKey(publicKey: KeyObject): Buffer {
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new GatewayError('KEY_UNUSABLE', { reason: 'not-ed25519' });
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length);
}

/** The key under which `name` signs; give the public or the private half. */
export function noteKey(name: string, key: KeyObject, type: NoteKeyType = 1): NoteKey {
  if (!isKeyName(name)) throw new GatewayError('KEY_UNUSABLE', { reason: 'bad-name' });
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return { name, type, id: keyId(name, type, rawPublicKey(publicKey)), publicKey };
}

/** A private key with the name under which it signs; made once, as deriving the public half costs more than signing. */
export interface NoteSigner {
  key: NoteKey;
  privateKey: KeyObject;
}

export function noteSigner(name: string, privateKey: KeyObject): NoteSigner {
  return { key: noteKey(name, privateKey), privateKey };
}

/** `<name>+<key id in hex>+<base64 of type ‖ public key>` (signed-note, "Verifier keys"). */
export function encodeVkey(key: NoteKey): string {
  const typed = Buffer.concat([Buffer.of(key.type), rawPublicKey(key.publicKey)]);
  return `${key.name}+${key.id.toString('hex')}+${typed.toString('base64')}`;
}

/** Reads a vkey. @throws LOG_MALFORMED, with the reason */
export function parseVkey(vkey: string): NoteKey {
  const malformed = (reason: string) => new GatewayError('LOG_MALFORMED', { what: 'vkey', reason });
  if (vkey.length > 1024) throw malformed('too-large');
  // Neither a name nor a hex id has a plus; base64 may.
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey);
  if (!match || !isKeyName(match[1]!)) throw malformed('form');
  const typed = fromBase64(match[3]!);
  const type = typed?.[0];
  if (typed?.length !== 33 || (type !== 1 && type !== 4)) throw malformed('key-type');
  const raw = typed.subarray(1);
  const id = keyId(match[1]!, type, raw);
  if (id.toString('hex') !== match[2]) throw malformed('key-id');
  if (isSmallOrder(raw)) throw malformed('weak-key');
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' });
  } catch {
    throw malformed('key');
  }
  return { name: match[1]!, type, id, publicKey };
}

function malformedNote(reason: string): GatewayError {
  return new GatewayError('LOG_MALFORMED', { what: 'note', reason });
}

/** The text of bytes from outside, or null when they are not UTF-8 or too many. */
export function boundedText(input: Uint8Array | string, maxBytes: number): string | null {
  if (input.length > maxBytes) return null;
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  if (bytes.length > maxBytes) return null;
  // Decoding and encoding again finds every ill-formed sequence, on the way in from strings too.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  if (typeof input === 'string') return text === input ? text : null;
  return Buffer.from(text).equals(input) ? text : null;
}

/**
 * Splits a signed note without trusting it: at most 64 KiB and 16 signatures, every line in its one canonical form.
 * @throws LOG_MALFORMED
 */
export function parseNote(input: Uint8Array | string): Note {
  const source = boundedText(input, maxNoteBytes);
  if (source === null) throw malformedNote('size-or-encoding');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification forbids exactly these
  if (/[\x00-\x09\x0b-\x1f]/.test(source)) throw malformedNote('control-character');
  const split = source.lastIndexOf('\n\n');
  if (split < 0 || !source.endsWith('\n')) throw malformedNote('no-signatures');
  const text = source.slice(0, split + 1);
  const lines = source.slice(split + 2).split('\n');
  lines.pop();
  if (lines.length === 0) throw malformedNote('no-signatures');
  if (lines.length > maxSignatures) throw malformedNote('too-many-signatures');
  const signatures = lines.map((line) => {
    const match = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line);
    const bytes = match && isKeyName(match[1]!) ? fromBase64(match[2]!) : null;
    if (!bytes || bytes.length < 5) throw malformedNote('signature-line');
    return { name: match![1]!, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
  });
  return { text, signatures };
}

/** What a cosignature/v1 signs (tlog-cosignature, "Ed25519 signed message"). `time` is in POSIX seconds. */
function cosignedMessage(time: number, text: string): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}

function verifySignature(key: NoteKey, text: string, signature: Buffer): VerifiedSignature | null {
  if (key.type === 1) {
    if (signature.length !== 64 || !verify(null, Buffer.from(text), key.publicKey, signature)) return null;
    return { key, time: null };
  }
  if (signature.length !== 72) return null;
  const time = Number(signature.readBigUInt64BE(0));
  if (!Number.isSafeInteger(time)) return null;
  return verify(null, cosignedMessage(time, text), key.publicKey, signature.subarray(8)) ? { key, time } : null;
}

/**
 * Verifies a parsed note against known keys. Signatures by others are ignored, as signed-note demands; a false one in
 * the name of a known key condemns the whole note, and so does having none.
 * @throws LOG_SIGNATURE_INVALID
 */
export function verifyNote(note: Note, keys: readonly NoteKey[]): VerifiedSignature[] {
  const verified: VerifiedSignature[] = [];
  for (const { name, keyId: id, signature } of note.signatures) {
    const key = keys.find((candidate) => candidate.name === name && candidate.id.equals(id));
    if (!key) continue;
    const result = verifySignature(key, note.text, signature);
    if (!result) throw new GatewayError('LOG_SIGNATURE_INVALID', { reason: 'false-signature', name });
    verified.push(result);
  }
  if (verified.length === 0) throw new GatewayError('LOG_SIGNATURE_INVALID', { reason: 'no-known-signer' });
  return verified;
}

/** One signature line, with its newline, over a text that ends in a newline. */
export function signatureLine(text: string, key: NoteKey, privateKey: KeyObject): string {
  const signature = sign(null, Buffer.from(text), privateKey);
  return `— ${key.name} ${Buffer.concat([key.id, signature]).toString('base64')}\n`;
}

/** A witness's signature line over a checkpoint's text; `key` has type 4, `time` is in POSIX seconds. */
export function cosignatureLine(text: string, key: NoteKey, privateKey: KeyObject, time: number): string {
  const stamped = Buffer.alloc(8);
  stamped.writeBigUInt64BE(BigInt(time));
  const signature = sign(null, cosignedMessage(time, text), privateKey);
  return `— ${key.name} ${Buffer.concat([key.id, stamped, signature]).toString('base64')}\n`;
}

/** A note over `text`, signed by Ed25519 keys of type 0x01, at most 16, in this order. */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  const note = `${text}\n${signers.map(({ key, privateKey }) => signatureLine(text, key, privateKey)).join('')}`;
  if (!text.endsWith('\n') || parseNote(note).text !== text) throw malformedNote('text');
  return note;
}
