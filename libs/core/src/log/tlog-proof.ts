import { fromBase64 } from '../encoding';
import { GatewayError } from '../errors';
import { type OpenedCheckpoint, openCheckpointNote, parseCheckpointBody, parseDecimal } from './checkpoint';
import { hashBytes, leafHash, maxProofHashes, verifyInclusion } from './merkle';
import { boundedText, type NoteKey, parseNote, parseVkey } from './note';

/**
 * C2SP tlog-proof: the inclusion of one entry under a signed checkpoint, as a text that verifies offline.
 * In a Jieqiao receipt (`*.tlog-proof`) the opaque `extra` line carries the log entry itself.
 */
export interface TlogProof {
  extra: Buffer | null;
  index: number;
  /** sibling hashes, from the leaf upwards */
  hashes: readonly Buffer[];
  /** the signed checkpoint, verbatim */
  checkpoint: string;
}

export interface OpenedReceipt {
  /** the logged bytes (canonical JSON; `parseLogEntry` reads them) */
  entry: Buffer;
  index: number;
  checkpoint: OpenedCheckpoint;
}

const header = 'c2sp.org/tlog-proof@v1';
/** An entry of 65,535 bytes in base64, 64 hashes and a note of 64 KiB fit. */
const maxProofBytes = 163_840;
/** tlog-tiles writes entries with a 16-bit length. */
export const maxLoggedBytes = 65_535;

export function formatTlogProof(proof: TlogProof): string {
  const extra = proof.extra === null ? '' : `extra ${proof.extra.toString('base64')}\n`;
  let hashes = '';
  for (const hash of proof.hashes) hashes += `${hash.toString('base64')}\n`;
  return `${header}\n${extra}index ${proof.index}\n${hashes}\n${proof.checkpoint}`;
}

/**
 * Reads a proof without trusting it. Every part has one spelling: what parses is exactly what `formatTlogProof` writes.
 * @throws LOG_MALFORMED
 */
export function parseTlogProof(input: Uint8Array | string): TlogProof {
  const malformed = (reason: string) => new GatewayError('LOG_MALFORMED', { what: 'tlog-proof', reason });
  const text = boundedText(input, maxProofBytes);
  if (text === null) throw malformed('size-or-encoding');
  const end = text.indexOf('\n\n');
  if (end < 0) throw malformed('no-checkpoint');
  const lines = text.slice(0, end).split('\n');
  if (lines.length > maxProofHashes + 3) throw malformed('too-many-hashes');
  if (lines.shift() !== header) throw malformed('header');

  let extra: Buffer | null = null;
  if (lines[0]?.startsWith('extra ')) {
    extra = fromBase64(lines.shift()!.slice(6));
    // An empty extra would have a second spelling: leaving the line out.
    if (!extra || extra.length === 0) throw malformed('extra');
  }
  const indexLine = lines.shift();
  const index = indexLine?.startsWith('index ') ? parseDecimal(indexLine.slice(6)) : null;
  if (index === null) throw malformed('index');
  const hashes = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== hashBytes) throw malformed('hash');
    return hash;
  });
  const checkpoint = text.slice(end + 2);
  parseCheckpointBody(parseNote(checkpoint).text);
  return { extra, index, hashes, checkpoint };
}

/**
 * Opens receipts of one log. Receipts of one batch share their checkpoint, and its signature costs more than all the
 * rest, so the last checkpoint that verified is remembered, byte for byte.
 */
export class ReceiptOpener {
  private readonly log: NoteKey;
  private lastText: string | undefined;
  private lastCheckpoint: OpenedCheckpoint | undefined;

  constructor(
    vkey: string,
    private readonly witnesses: readonly NoteKey[] = [],
  ) {
    this.log = parseVkey(vkey);
  }

  /**
   * 1 the form, 2 the log's signature under the checkpoint, 3 the entry's place in the tree.
   * @throws LOG_MALFORMED, LOG_SIGNATURE_INVALID, LOG_PROOF_INVALID
   */
  open(input: Uint8Array | string): OpenedReceipt {
    const { extra: entry, index, hashes, checkpoint: text } = parseTlogProof(input);
    if (entry === null) throw new GatewayError('LOG_MALFORMED', { what: 'receipt', reason: 'no-entry' });
    if (entry.length > maxLoggedBytes)
      throw new GatewayError('LOG_MALFORMED', { what: 'receipt', reason: 'too-large' });

    let checkpoint = text === this.lastText ? this.lastCheckpoint : undefined;
    if (!checkpoint) {
      checkpoint = openCheckpointNote(parseNote(text), this.log, this.witnesses);
      this.lastText = text;
      this.lastCheckpoint = checkpoint;
    }
    if (!verifyInclusion(leafHash(entry), index, checkpoint.size, hashes, checkpoint.root)) {
      throw new GatewayError('LOG_PROOF_INVALID', { index, size: checkpoint.size });
    }
    return { entry, index, checkpoint };
  }
}

/** One receipt under the vkey of the log that gave it; the file alone is enough. Errors as `ReceiptOpener.open`. */
export function openReceiptProof(input: Uint8Array | string, vkey: string): OpenedReceipt {
  return new ReceiptOpener(vkey).open(input);
}
