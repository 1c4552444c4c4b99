import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { signCheckpoint } from './checkpoint';
import { leafHash, TileTree } from './merkle';
import { encodeVkey, noteKey, noteSigner } from './note';
import { formatTlogProof, openReceiptProof, parseTlogProof, ReceiptOpener } from './tlog-proof';

const origin = 'jieqiao.log/jinshan.310116';
const { privateKey } = generateKeyPairSync('ed25519');
const signer = noteSigner(origin, privateKey);
const vkey = encodeVkey(signer.key);
const entries = Array.from({ length: 11 }, (_, i) => Buffer.from(`entry ${i}`));
const tree = TileTree.empty().extend(entries.map(leafHash)).tree;
const checkpoint = signCheckpoint(tree.size, tree.root(), [signer]);
const proofOf = (index: number) =>
  formatTlogProof({ extra: entries[index]!, index, hashes: tree.recentInclusionProof(index)!, checkpoint });

function codeOf(work: () => unknown): string | null {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return null;
}

it('a receipt file is enough by itself', () => {
  entries.forEach((entry, index) => {
    const opened = openReceiptProof(Buffer.from(proofOf(index)), vkey);
    expect(opened.entry).toEqual(entry);
    expect(opened.index).toBe(index);
    expect(opened.checkpoint).toMatchObject({ origin, size: 11 });
  });
});

it('every flip of every byte is refused, by a named check', () => {
  const good = Buffer.from(proofOf(4));
  const codes = new Set<string | null>();
  const opener = new ReceiptOpener(vkey);
  opener.open(good);
  for (let at = 0; at < good.length; at++) {
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      const flipped = Buffer.from(good);
      flipped[at]! ^= bit;
      const code = codeOf(() => opener.open(flipped));
      if (code === null) throw new Error(`a flip of bit ${bit} at ${at} was accepted`);
      codes.add(code);
    }
  }
  expect([...codes].sort()).toEqual(['LOG_MALFORMED', 'LOG_PROOF_INVALID', 'LOG_SIGNATURE_INVALID']);
});

it('every truncation and every added byte is refused', () => {
  const good = proofOf(4);
  for (let length = 0; length < good.length; length++) {
    expect(codeOf(() => openReceiptProof(good.slice(0, length), vkey))).toBe('LOG_MALFORMED');
  }
  for (const more of ['\n', ' ', 'x', '\n\n']) {
    expect(codeOf(() => openReceiptProof(good + more, vkey))).toBe('LOG_MALFORMED');
    expect(codeOf(() => openReceiptProof(more + good, vkey))).toBe('LOG_MALFORMED');
  }
});

it('what parses is written again byte for byte', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
  const extra = fc.option(fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)));
  fc.assert(
    fc.property(extra, fc.maxSafeNat(), fc.array(hash, { maxLength: 40 }), (data, index, hashes) => {
      const proof = { extra: data, index, hashes, checkpoint };
      const text = formatTlogProof(proof);
      expect(parseTlogProof(text)).toEqual(proof);
      expect(formatTlogProof(parseTlogProof(Buffer.from(text)))).toBe(text);
    }),
  );
});

it('hostile rearrangements either fail or are written again as they came', () => {
  const good = proofOf(4).split('\n');
  const edit = fc.tuple(fc.nat(good.length - 1), fc.constantFrom('drop', 'double', 'swap', 'blank', 'extra', 'index'));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const lines = [...good];
      for (const [at, what] of edits) {
        if (what === 'drop') lines.splice(at, 1);
        else if (what === 'double') lines.splice(at, 0, lines[at] ?? '');
        else if (what === 'swap') lines.splice(at, 2, lines[at + 1] ?? '', lines[at] ?? '');
        else if (what === 'blank') lines.splice(at, 0, '');
        else lines.splice(at, 0, `${what} 0`);
      }
      const text = lines.join('\n');
      try {
        expect(formatTlogProof(parseTlogProof(text))).toBe(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'LOG_MALFORMED' });
      }
    }),
  );
});

it('names what is wrong', () => {
  const other = encodeVkey(noteKey(origin, generateKeyPairSync('ed25519').privateKey));
  expect(codeOf(() => openReceiptProof(proofOf(4), other))).toBe('LOG_SIGNATURE_INVALID');
  expect(codeOf(() => openReceiptProof(proofOf(4).replace('index 4', 'index 5'), vkey))).toBe('LOG_PROOF_INVALID');
  expect(codeOf(() => openReceiptProof(proofOf(4).replace('index 4', 'index 11'), vkey))).toBe('LOG_PROOF_INVALID');
  expect(codeOf(() => openReceiptProof(proofOf(4).replace('index 4', 'index 04'), vkey))).toBe('LOG_MALFORMED');
  const bare = formatTlogProof({ extra: null, index: 4, hashes: tree.recentInclusionProof(4)!, checkpoint });
  expect(codeOf(() => openReceiptProof(bare, vkey))).toBe('LOG_MALFORMED');
  const swapped = formatTlogProof({ ...parseTlogProof(proofOf(4)), extra: entries[5]! });
  expect(codeOf(() => openReceiptProof(swapped, vkey))).toBe('LOG_PROOF_INVALID');
});
