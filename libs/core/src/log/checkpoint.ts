import { fromBase64 } from '../encoding';
import { GatewayError } from '../errors';
import { hashBytes } from './merkle';
import {
  type Note,
  type NoteKey,
  type NoteSigner,
  parseNote,
  signNote,
  type VerifiedSignature,
  verifyNote,
} from './note';

/** C2SP tlog-checkpoint: the signed head of a log, a note whose text is origin, tree size and root hash. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: Buffer;
  /** further lines, opaque to us; our logs write none */
  extensions: readonly string[];
}

export interface OpenedCheckpoint extends Checkpoint {
  /** cosignatures of known witnesses that hold; empty when none were asked for */
  cosignatures: readonly VerifiedSignature[];
}

const decimal = /^(?:0|[1-9][0-9]{0,15})$/;

/** A non-negative decimal without leading zeroes that a number holds exactly, or null. */
export function parseDecimal(text: string): number | null {
  if (!decimal.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

export function formatCheckpointBody(origin: string, size: number, root: Buffer): string {
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== hashBytes || origin === '' || origin.includes('\n')) {
    throw new TypeError('not a checkpoint');
  }
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** @throws LOG_MALFORMED */
export function parseCheckpointBody(text: string): Checkpoint {
  const malformed = (reason: string) => new GatewayError('LOG_MALFORMED', { what: 'checkpoint', reason });
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.includes('')) throw malformed('lines');
  const [origin, sizeText, rootText, ...extensions] = lines as [string, string, string, ...string[]];
  const size = parseDecimal(sizeText);
  if (size === null) throw malformed('size');
  const root = fromBase64(rootText);
  if (root?.length !== hashBytes) throw malformed('root');
  return { origin, size, root, extensions };
}

/**
 * The signed checkpoint of a log, by one or more generations of its key; their common name is the origin. Ed25519 is
 * deterministic: the same tree and keys, the same text.
 */
export function signCheckpoint(size: number, root: Buffer, signers: readonly NoteSigner[]): string {
  const origin = signers[0]?.key.name;
  if (origin === undefined || signers.some(({ key }) => key.name !== origin)) throw new TypeError('not one log');
  return signNote(formatCheckpointBody(origin, size, root), signers);
}

/**
 * Reads a checkpoint that must be signed by the log's own key. Cosignatures of `witnesses` are verified when present;
 * how many are needed is the caller's policy.
 * @throws LOG_MALFORMED, LOG_SIGNATURE_INVALID
 */
export function openCheckpoint(
  input: Uint8Array | string,
  log: NoteKey,
  witnesses: readonly NoteKey[] = [],
): OpenedCheckpoint {
  const note = parseNote(input);
  return openCheckpointNote(note, log, witnesses);
}

export function openCheckpointNote(note: Note, log: NoteKey, witnesses: readonly NoteKey[] = []): OpenedCheckpoint {
  const checkpoint = parseCheckpointBody(note.text);
  const verified = verifyNote(note, [log, ...witnesses]);
  if (!verified.some(({ key }) => key === log)) {
    throw new GatewayError('LOG_SIGNATURE_INVALID', { reason: 'not-signed-by-the-log' });
  }
  // A log's key must not vouch for another log's head, even if both belong to one operator.
  if (checkpoint.origin !== log.name) throw new GatewayError('LOG_SIGNATURE_INVALID', { reason: 'other-origin' });
  return { ...checkpoint, cosignatures: verified.filter(({ key }) => key !== log) };
}
