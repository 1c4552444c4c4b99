import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../errors';
import { openCheckpoint } from './checkpoint';
import { encodeLogEntry, parseLogEntry } from './entry';
import { leafHash, TileTree, verifyConsistency, verifyInclusion } from './merkle';
import { parseVkey } from './note';
import { formatTlogProof, openReceiptProof, parseTlogProof } from './tlog-proof';

/** Kept for ever: what version 1 wrote must be read, and what it refused must stay refused. */
const folder = join(__dirname, '../../../../test/vectors/log/v1');
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const fromHex = (text: string) => Buffer.from(text, 'hex');

function outcomeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return hasCode(error) ? error.code : `unexpected: ${String(error)}`;
  }
  return 'valid';
}

describe('trees', () => {
  const { leaves, roots, inclusion, consistency } = read('trees.json') as {
    leaves: string[];
    roots: string[];
    inclusion: { index: number; size: number; proof: string[] }[];
    consistency: { from: number; to: number; proof: string[] }[];
  };
  const leaf = (i: number) => leafHash(fromHex(leaves[i]!));

  it('roots', () => {
    const tree = (size: number) => TileTree.empty().extend(leaves.slice(0, size).map((_, i) => leaf(i))).tree;
    expect(roots.map((_, size) => tree(size).root().toString('hex'))).toEqual(roots);
  });

  it.each(inclusion)('leaf $index in $size', ({ index, size, proof }) => {
    expect(verifyInclusion(leaf(index), index, size, proof.map(fromHex), fromHex(roots[size]!))).toBe(true);
  });

  it.each(consistency)('$from to $to', ({ from, to, proof }) => {
    const [oldRoot, newRoot] = [fromHex(roots[from]!), fromHex(roots[to]!)];
    expect(verifyConsistency(from, oldRoot, to, newRoot, proof.map(fromHex))).toBe(true);
  });
});

describe('checkpoints', () => {
  const cases: { what: string; log: string; witness?: string; note: string; expect: string }[] =
    read('checkpoints.json');

  it.each(cases)('$what: $expect', ({ log, witness, note, expect: expected }) => {
    const witnesses = witness ? [parseVkey(witness)] : [];
    expect(outcomeOf(() => openCheckpoint(note, parseVkey(log), witnesses))).toBe(expected);
  });
});

describe('entries', () => {
  const cases: { what: string; entry: string; expect: string }[] = read('entries.json');

  it.each(cases)('$what: $expect', ({ entry, expect: expected }) => {
    expect(outcomeOf(() => parseLogEntry(Buffer.from(entry)))).toBe(expected);
    if (expected !== 'valid') return;
    const { node, time, nonce, ...event } = parseLogEntry(Buffer.from(entry));
    expect(encodeLogEntry(event, { node, time, nonce: Buffer.from(nonce, 'base64url') }).toString()).toBe(entry);
  });
});

describe('receipts', () => {
  const { vkey, receipts } = read('receipts.json') as {
    vkey: string;
    receipts: { file: string; what: string; expect: string }[];
  };

  it('has a case for every file', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.tlog-proof'));
    expect(receipts.map(({ file }) => file).sort()).toEqual(files.sort());
  });

  it.each(receipts)('$file ($what): $expect', ({ file, expect: expected }) => {
    const bytes = readFileSync(join(folder, file));
    expect(outcomeOf(() => openReceiptProof(bytes, vkey))).toBe(expected);
    if (expected !== 'valid') return;
    expect(formatTlogProof(parseTlogProof(bytes))).toBe(bytes.toString());
    expect(parseLogEntry(openReceiptProof(bytes, vkey).entry)).toMatchObject({ event: 'envelope.received' });
  });
});
