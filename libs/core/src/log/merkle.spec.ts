import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  type ChangedTile,
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  type ReadTile,
  rootFromTiles,
  TileTree,
  tileWidthAt,
  verifyConsistency,
  verifyInclusion,
} from './merkle';

/** RFC 6962 §2.1 as written, over leaf hashes: slow and obvious. */
const naive = {
  split(n: number): number {
    let k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  },
  root(leaves: Buffer[]): Buffer {
    if (leaves.length === 0) return createHash('sha256').digest();
    if (leaves.length === 1) return leaves[0]!;
    const k = naive.split(leaves.length);
    const inner = createHash('sha256').update(Buffer.of(1));
    return inner
      .update(naive.root(leaves.slice(0, k)))
      .update(naive.root(leaves.slice(k)))
      .digest();
  },
  path(index: number, leaves: Buffer[]): Buffer[] {
    if (leaves.length <= 1) return [];
    const k = naive.split(leaves.length);
    return index < k
      ? [...naive.path(index, leaves.slice(0, k)), naive.root(leaves.slice(k))]
      : [...naive.path(index - k, leaves.slice(k)), naive.root(leaves.slice(0, k))];
  },
  consistency(old: number, leaves: Buffer[], whole = true): Buffer[] {
    if (old === leaves.length) return whole ? [] : [naive.root(leaves)];
    const k = naive.split(leaves.length);
    return old <= k
      ? [...naive.consistency(old, leaves.slice(0, k), whole), naive.root(leaves.slice(k))]
      : [...naive.consistency(old - k, leaves.slice(k), false), naive.root(leaves.slice(0, k))];
  },
};

const hex = (bytes: Uint8Array[]) => bytes.map((b) => Buffer.from(b).toString('hex'));
const makeLeaves = (n: number) => Array.from({ length: n }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));

class Store {
  readonly tiles = new Map<string, Buffer>();
  reads = 0;
  save(changed: ChangedTile[]): void {
    for (const { level, index, hashes } of changed) this.tiles.set(`${level}/${index}`, Buffer.from(hashes));
  }
  readonly read: ReadTile = async (level, index) => {
    this.reads++;
    return this.tiles.get(`${level}/${index}`) ?? Buffer.alloc(0);
  };
}

function grow(leaves: Buffer[], batches: number[]): { tree: TileTree; store: Store } {
  const store = new Store();
  let tree = TileTree.empty();
  let at = 0;
  for (const batch of [...batches, leaves.length]) {
    const { tree: next, changed } = tree.extend(leaves.slice(at, at + batch));
    at = Math.min(leaves.length, at + batch);
    store.save(changed);
    tree = next;
  }
  return { tree, store };
}

describe('RFC 6962 vectors of the Certificate Transparency reference implementation', () => {
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const leaves = inputs.map((input) => leafHash(Buffer.from(input, 'hex')));
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];

  it.each(roots.map((root, size) => [size, root] as const))('root of %i leaves', async (size, root) => {
    const { tree, store } = grow(leaves.slice(0, size), []);
    expect(tree.root().toString('hex')).toBe(root);
    expect((await rootFromTiles(size, store.read)).toString('hex')).toBe(root);
  });

  it('inclusion of leaf 5 in 8', () => {
    const proof = grow(leaves, []).tree.recentInclusionProof(5)!;
    expect(hex(proof)).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
    expect(verifyInclusion(leaves[5]!, 5, 8, proof, Buffer.from(roots[8]!, 'hex'))).toBe(true);
  });

  it('consistency from 6 to 8', async () => {
    const proof = await consistencyProof(6, 8, grow(leaves, []).store.read);
    expect(hex(proof)).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });
});

describe('against the naive tree', () => {
  const leaves = makeLeaves(1200);

  it('roots, proofs and reloads agree for any batching', async () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 1200 }), fc.constantFrom(255, 256, 257, 511, 512, 513, 768, 1024));
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        async (size, batches, a, b) => {
          const some = leaves.slice(0, size);
          const { tree, store } = grow(some, batches);
          const root = naive.root(some);
          expect(tree.root()).toEqual(root);
          const index = a % size;
          const proof = await inclusionProof(index, size, store.read);
          expect(hex(proof)).toEqual(hex(naive.path(index, some)));
          expect(verifyInclusion(some[index]!, index, size, proof, root)).toBe(true);
          const recent = tree.recentInclusionProof(index);
          if (recent) expect(hex(recent)).toEqual(hex(proof));

          // An older tree's proof comes out of the tiles of the newer one.
          const older = 1 + (b % size);
          const inOlder = a % older;
          expect(hex(await inclusionProof(inOlder, older, store.read))).toEqual(
            hex(naive.path(inOlder, some.slice(0, older))),
          );
          const consistency = await consistencyProof(older, size, store.read);
          expect(hex(consistency)).toEqual(hex(naive.consistency(older, some)));
          const oldRoot = naive.root(some.slice(0, older));
          expect(verifyConsistency(older, oldRoot, size, root, consistency)).toBe(true);

          const loaded = await TileTree.load(size, store.read);
          expect(loaded.root()).toEqual(root);
          const more = makeLeaves(300);
          expect(loaded.extend(more).tree.root()).toEqual(naive.root([...some, ...more]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a failed extension leaves no trace', () => {
    const { tree } = grow(leaves.slice(0, 300), []);
    const before = tree.root();
    tree.extend(makeLeaves(700));
    expect(tree.root()).toEqual(before);
    expect(tree.extend(leaves.slice(300, 900)).tree.root()).toEqual(naive.root(leaves.slice(0, 900)));
  });

  it('proves every leaf of the last batch from memory', () => {
    for (const [before, batch] of [
      [0, 512],
      [200, 512],
      [256, 1],
      [511, 513],
      [768, 64],
    ] as const) {
      const { tree } = grow(leaves.slice(0, before + batch), [before]);
      const root = tree.root();
      for (let i = before; i < before + batch; i++) {
        const proof = tree.recentInclusionProof(i);
        expect(proof && verifyInclusion(leaves[i]!, i, before + batch, proof, root)).toBe(true);
      }
    }
  });

  it('three levels of tiles', async () => {
    const count = 65_536 + 256 + 5;
    const many = makeLeaves(count);
    const { tree, store } = grow(many, [65_535, 1, 255, 2]);
    const root = naive.root(many);
    expect(tree.root()).toEqual(root);
    expect((await TileTree.load(count, store.read)).root()).toEqual(root);
    for (const index of [0, 255, 256, 65_535, 65_536, 65_791, 65_792, count - 1]) {
      const proof = await inclusionProof(index, count, store.read);
      expect(verifyInclusion(many[index]!, index, count, proof, root)).toBe(true);
    }
    expect([tileWidthAt(count, 0, 257), tileWidthAt(count, 1, 1), tileWidthAt(count, 2, 0)]).toEqual([5, 1, 1]);
  });
});

describe('what is not a proof', () => {
  const leaves = makeLeaves(70);
  const { store } = grow(leaves, []);
  const root = naive.root(leaves);

  it('a changed, missing, doubled or added hash, another index or size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(69), fc.nat(), fc.integer({ min: 1, max: 255 }), async (index, at, flip) => {
        const proof = await inclusionProof(index, 70, store.read);
        const leaf = leaves[index]!;
        const altered = proof.map((h) => Buffer.from(h));
        altered[at % proof.length]![at % 32]! ^= flip;
        expect(verifyInclusion(leaf, index, 70, altered, root)).toBe(false);
        expect(verifyInclusion(leaf, index, 70, proof.slice(1), root)).toBe(false);
        expect(verifyInclusion(leaf, index, 70, [...proof, root], root)).toBe(false);
        expect(verifyInclusion(leaf, index, 70, [proof[0]!, ...proof], root)).toBe(false);
        expect(verifyInclusion(leaf, (index + 1 + (at % 69)) % 70, 70, proof, root)).toBe(false);
        expect(verifyInclusion(leaf, index, 7, proof, root)).toBe(false);
        expect(verifyInclusion(leaf, index, 70, [proof[0]!.subarray(1), ...proof.slice(1)], root)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('an inner node given out as a leaf needs the leaf prefix that it lacks', () => {
    const [left, right] = [leaves[0]!, leaves[1]!];
    const forged = Buffer.concat([left, right]);
    expect(leafHash(forged)).not.toEqual(nodeHash(left, right));
  });

  it('consistency: from nothing, backwards, over a rewritten leaf, or with spare hashes', async () => {
    const proof = await consistencyProof(40, 70, store.read);
    const old = naive.root(leaves.slice(0, 40));
    expect(verifyConsistency(40, old, 70, root, proof)).toBe(true);
    expect(verifyConsistency(0, createHash('sha256').digest(), 70, root, [])).toBe(false);
    expect(verifyConsistency(70, root, 40, old, proof)).toBe(false);
    expect(verifyConsistency(40, old, 70, root, [...proof, root])).toBe(false);
    expect(verifyConsistency(40, old, 70, root, proof.slice(1))).toBe(false);
    expect(verifyConsistency(41, old, 70, root, proof)).toBe(false);
    expect(verifyConsistency(70, root, 70, root, [])).toBe(true);
    expect(verifyConsistency(70, root, 70, root, [root])).toBe(false);
    expect(verifyConsistency(70, root, 70, old, [])).toBe(false);
    const forged = makeLeaves(70);
    forged[3] = leafHash(Buffer.from('rewritten'));
    const rewritten = grow(forged, []).store;
    const forgedProof = await consistencyProof(40, 70, rewritten.read);
    expect(verifyConsistency(40, old, 70, naive.root(forged), forgedProof)).toBe(false);
    // RFC 9162 leaves the first hash out when the old tree is one complete subtree.
    const from64 = await consistencyProof(64, 70, store.read);
    expect(verifyConsistency(64, naive.root(leaves.slice(0, 64)), 70, root, from64)).toBe(true);
  });

  it('a stored tile that is too short is named', async () => {
    await expect(inclusionProof(3, 70, async () => Buffer.alloc(32))).rejects.toMatchObject({
      code: 'LOG_INCONSISTENT',
    });
    await expect(TileTree.load(70, async () => Buffer.alloc(32))).rejects.toMatchObject({ code: 'LOG_INCONSISTENT' });
  });
});

it('proofs in trees beyond 32 bits', () => {
  // Every leaf and subtree equal: the root of 2^k leaves is k hashings of itself.
  const powers = [leafHash(Buffer.alloc(0))];
  for (let k = 1; k <= 53; k++) powers.push(nodeHash(powers[k - 1]!, powers[k - 1]!));
  const size = 2 ** 40;
  const proof = powers.slice(0, 40);
  expect(verifyInclusion(powers[0]!, 2 ** 39 + 12_345, size, proof, powers[40]!)).toBe(true);
  expect(verifyInclusion(powers[0]!, 2 ** 39 + 12_345, size, proof.slice(1), powers[40]!)).toBe(false);
  expect(verifyConsistency(2 ** 39, powers[39]!, size, powers[40]!, [powers[39]!])).toBe(true);
});
