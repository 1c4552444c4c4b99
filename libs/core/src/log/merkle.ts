import { hash } from 'node:crypto';
import { GatewayError } from '../errors';

/**
 * RFC 6962 Merkle trees, stored as C2SP tlog-tiles of height 8.
 *
 * A node is named by its height (0 = leaf hash) and its index among the nodes of that height; only complete subtrees
 * have a name. Sizes go up to 2^53 - 1, so positions are computed by division, never by 32-bit operators.
 */

export const hashBytes = 32;
/** Hashes in a full tile (tlog-tiles). */
export const tileWidth = 256;
const tileHeight = 8;
/** An inclusion proof is as long as the tree is high: at most 53 with sizes that are safe integers. */
export const maxProofHashes = 64;

const emptyRoot = hash('sha256', '', 'buffer');
const node65 = Buffer.alloc(1 + 2 * hashBytes, 1);

/** RFC 6962 §2.1: SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(entry.length + 1);
  input[0] = 0;
  input.set(entry, 1);
  return hash('sha256', input, 'buffer');
}

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node65.set(left, 1);
  node65.set(right, 1 + hashBytes);
  return hash('sha256', node65, 'buffer');
}

const half = (x: number) => Math.floor(x / 2);
const isOdd = (x: number) => x % 2 === 1;
const isHash = (bytes: Uint8Array) => bytes.length === hashBytes;

/**
 * RFC 9162 §2.1.3.2. All arguments may come from outside: anything that is not a proof is simply false.
 * @param leaf the leaf hash, not the entry
 * @param proof sibling hashes from the leaf upwards
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  if (proof.length > maxProofHashes || !isHash(leaf) || !isHash(root) || !proof.every(isHash)) return false;
  let position = index;
  let last = size - 1;
  let current = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(position) || position === last) {
      current = nodeHash(sibling, current);
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      current = nodeHash(current, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && Buffer.compare(current, root) === 0;
}

/**
 * RFC 9162 §2.1.4.2. An old size of 0 is refused: everything is consistent with nothing, so a "proof" from there would
 * let a log that lost its state pass as an honest one.
 */
export function verifyConsistency(
  oldSize: number,
  oldRoot: Uint8Array,
  newSize: number,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 1 || oldSize > newSize)
    return false;
  if (proof.length > 2 * maxProofHashes || !isHash(oldRoot) || !isHash(newRoot) || !proof.every(isHash)) return false;
  if (oldSize === newSize) return proof.length === 0 && Buffer.compare(oldRoot, newRoot) === 0;

  let position = oldSize - 1;
  let last = newSize - 1;
  while (isOdd(position)) {
    position = half(position);
    last = half(last);
  }
  // An old tree that is one complete subtree is itself the first node of the path, and is left out of the proof.
  const path = position === 0 ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let oldHash = first;
  let newHash = first;
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(position) || position === last) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && Buffer.compare(oldHash, oldRoot) === 0 && Buffer.compare(newHash, newRoot) === 0;
}

interface NodeName {
  height: number;
  index: number;
}

/** The complete subtrees that make up leaves [from, to), left to right; `from` is a multiple of the first one's size. */
function completeSubtrees(from: number, to: number): NodeName[] {
  const nodes: NodeName[] = [];
  let start = from;
  while (start < to) {
    let height = 0;
    let span = 1;
    while (span * 2 <= to - start) {
      span *= 2;
      height++;
    }
    nodes.push({ height, index: start / span });
    start += span;
  }
  return nodes;
}

/** The largest power of two below `n` (n > 1): where RFC 6962 splits a list of n leaves. */
function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** RFC 6962 §2.1.1: for each hash of the proof, leaf upwards, the complete subtrees whose hashes make it up. */
function inclusionPath(index: number, size: number): NodeName[][] {
  const path: NodeName[][] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      path.push(completeSubtrees(middle, to));
      to = middle;
    } else {
      path.push(completeSubtrees(from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** RFC 6962 §2.1.2, in the same form. */
function consistencyPath(oldSize: number, newSize: number): NodeName[][] {
  const path: NodeName[][] = [];
  let from = 0;
  let to = newSize;
  while (to !== oldSize) {
    const middle = from + splitPoint(to - from);
    if (oldSize <= middle) {
      path.push(completeSubtrees(middle, to));
      to = middle;
    } else {
      path.push(completeSubtrees(from, middle));
      from = middle;
    }
  }
  if (from > 0) path.push(completeSubtrees(from, to));
  return path.reverse();
}

function foldSubtrees(hashes: readonly Buffer[]): Buffer {
  let result = hashes[hashes.length - 1]!;
  for (let i = hashes.length - 2; i >= 0; i--) result = nodeHash(hashes[i]!, result);
  return result;
}

/** Which hashes of which tile a node is made of: `2^row` hashes from `first`. */
function tileOf({ height, index }: NodeName) {
  const level = Math.floor(height / tileHeight);
  const row = height % tileHeight;
  const perTile = tileWidth >> row;
  const tile = Math.floor(index / perTile);
  return { level, row, tile, position: index - tile * perTile };
}

/** The width of tile `index` at `level` in a tree of `size` leaves; 0 where there is none (tlog-tiles). */
export function tileWidthAt(size: number, level: number, index: number): number {
  const hashes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth));
}

/**
 * Gives the first `width` hashes (32 bytes each; more are allowed and ignored) of a stored tile. Tiles only ever grow
 * to the right, so the tile of a later tree serves every earlier one.
 */
export type ReadTile = (level: number, index: number, width: number) => Promise<Uint8Array>;

/** One tile's new content: what must be stored before the checkpoint of the tree that it belongs to. */
export interface ChangedTile {
  level: number;
  index: number;
  /** 1 to 256 hashes, concatenated. Shared memory: do not write to it. */
  hashes: Buffer;
}

/** A tile with all its inner nodes, so that a proof near the right edge hashes nothing. Row r lies at `rowStart[r]`. */
class Tile {
  static readonly rowStart = Array.from({ length: tileHeight }, (_, row) => 2 * tileWidth - ((2 * tileWidth) >> row));

  private constructor(
    readonly level: number,
    readonly index: number,
    public width: number,
    private readonly nodes: Buffer,
  ) {}

  static empty(level: number, index: number): Tile {
    return new Tile(level, index, 0, Buffer.alloc(2 * tileWidth * hashBytes));
  }

  copy(): Tile {
    return new Tile(this.level, this.index, this.width, Buffer.from(this.nodes));
  }

  node(row: number, position: number): Buffer | undefined {
    if (position >= this.width >> row) return undefined;
    const at = (Tile.rowStart[row]! + position) * hashBytes;
    return this.nodes.subarray(at, at + hashBytes);
  }

  /** Adds one hash and the inner nodes that it completes. Returns the hash of the whole tile when that fills it. */
  push(leaf: Uint8Array): Buffer | undefined {
    this.nodes.set(leaf, this.width * hashBytes);
    this.width++;
    for (let row = 0; row < tileHeight; row++) {
      const count = this.width >> row;
      if (isOdd(count) || count << row !== this.width) return undefined;
      const parent = nodeHash(this.node(row, count - 2)!, this.node(row, count - 1)!);
      if (row === tileHeight - 1) return parent;
      this.nodes.set(parent, (Tile.rowStart[row + 1]! + count / 2 - 1) * hashBytes);
    }
    return undefined;
  }

  hashes(): Buffer {
    return this.nodes.subarray(0, this.width * hashBytes);
  }
}

/**
 * The right edge of a log's tree, held in memory: the partial tile of each level, and the tiles that the last
 * extension touched. Immutable: `extend` returns another tree, so that the caller can extend inside a transaction
 * and simply forget the result when the commit fails.
 */
export class TileTree {
  /** Hashes of the incomplete subtrees at the right edge, by first leaf: the proofs of one batch share them. */
  private readonly edge = new Map<number, Buffer>();

  private constructor(
    readonly size: number,
    /** per level, ascending by index; the last one is the right edge */
    private readonly levels: readonly (readonly Tile[])[],
  ) {}

  static empty(): TileTree {
    return new TileTree(0, []);
  }

  /**
   * Reads the right edge of a stored tree. The caller compares `root()` with a checkpoint it trusts.
   * @throws LOG_INCONSISTENT when a stored tile is too short
   */
  static async load(size: number, readTile: ReadTile): Promise<TileTree> {
    const levels: Tile[][] = [];
    for (let level = 0; Math.floor(size / tileWidth ** level) > 0; level++) {
      const index = Math.floor(size / tileWidth ** (level + 1));
      const width = tileWidthAt(size, level, index);
      if (width === 0) {
        levels.push([]);
        continue;
      }
      const tile = Tile.empty(level, index);
      const hashes = await readWholeTile(readTile, level, index, width);
      for (let i = 0; i < width; i++) tile.push(hashes.subarray(i * hashBytes, (i + 1) * hashBytes));
      levels.push([tile]);
    }
    return new TileTree(size, levels);
  }

  /** Appends leaf hashes: about one inner hash per leaf. `changed` is to be stored along with the new tree's checkpoint. */
  extend(leafHashes: readonly Uint8Array[]): { tree: TileTree; changed: ChangedTile[] } {
    if (leafHashes.length === 0) return { tree: this, changed: [] };
    const touched: Tile[][] = [];
    const push = (level: number, pushed: Uint8Array): void => {
      touched[level] ??= [];
      const tiles = touched[level];
      let tile = tiles.at(-1);
      if (tile === undefined) {
        const edge = this.levels[level]?.at(-1);
        const stored = Math.floor(this.size / tileWidth ** level);
        tile = edge && edge.width < tileWidth ? edge.copy() : Tile.empty(level, Math.floor(stored / tileWidth));
        tiles.push(tile);
      } else if (tile.width === tileWidth) {
        tile = Tile.empty(level, tile.index + 1);
        tiles.push(tile);
      }
      const whole = tile.push(pushed);
      if (whole) push(level + 1, whole);
    };
    for (const leaf of leafHashes) {
      if (!isHash(leaf)) throw new TypeError('a leaf hash has 32 bytes');
      push(0, leaf);
    }
    const levels: Tile[][] = touched.slice();
    for (let level = touched.length; level < this.levels.length; level++) levels.push([...this.levels[level]!]);
    const changed = touched.flat().map((t) => ({ level: t.level, index: t.index, hashes: t.hashes() }));
    return { tree: new TileTree(this.size + leafHashes.length, levels), changed };
  }

  root(): Buffer {
    return this.size === 0 ? emptyRoot : this.subtrees(completeSubtrees(0, this.size))!;
  }

  /** The proof of a leaf of this tree, or null when it lies too far back to be in memory (then: `inclusionProof`). */
  recentInclusionProof(index: number): Buffer[] | null {
    assertInside(index, this.size);
    const proof: Buffer[] = [];
    for (const nodes of inclusionPath(index, this.size)) {
      const value = this.subtrees(nodes);
      if (!value) return null;
      proof.push(value);
    }
    return proof;
  }

  /** The first `width` hashes of a tile if it is in memory. */
  tile(level: number, index: number, width: number): Buffer | undefined {
    const tile = this.find(level, index);
    return tile && tile.width >= width ? tile.hashes().subarray(0, width * hashBytes) : undefined;
  }

  private find(level: number, index: number): Tile | undefined {
    return this.levels[level]?.find((tile) => tile.index === index);
  }

  private node(name: NodeName): Buffer | undefined {
    const { level, row, tile, position } = tileOf(name);
    return this.find(level, tile)?.node(row, position);
  }

  private subtrees(nodes: NodeName[]): Buffer | undefined {
    const first = nodes[0]!;
    if (nodes.length === 1) return this.node(first);
    // More than one subtree occurs only where the tree ends, so the first leaf names the sum.
    const from = first.index * 2 ** first.height;
    let value = this.edge.get(from);
    if (!value) {
      const hashes: Buffer[] = [];
      for (const name of nodes) {
        const found = this.node(name);
        if (!found) return undefined;
        hashes.push(found);
      }
      value = foldSubtrees(hashes);
      this.edge.set(from, value);
    }
    return value;
  }
}

/**
 * The inclusion proof of leaf `index` in the tree of `size` leaves, from stored tiles: at most two reads per level.
 * @throws LOG_INCONSISTENT when a stored tile is too short
 */
export async function inclusionProof(index: number, size: number, readTile: ReadTile): Promise<Buffer[]> {
  assertInside(index, size);
  return hashesFromTiles(inclusionPath(index, size), size, readTile);
}

/** The consistency proof from the tree of `oldSize` (≥ 1) to the tree of `newSize`, from stored tiles. */
export async function consistencyProof(oldSize: number, newSize: number, readTile: ReadTile): Promise<Buffer[]> {
  assertInside(oldSize - 1, newSize);
  return hashesFromTiles(consistencyPath(oldSize, newSize), newSize, readTile);
}

/** The root of the first `size` leaves, from stored tiles. */
export async function rootFromTiles(size: number, readTile: ReadTile): Promise<Buffer> {
  if (size === 0) return emptyRoot;
  return (await hashesFromTiles([completeSubtrees(0, size)], size, readTile))[0]!;
}

async function hashesFromTiles(path: NodeName[][], size: number, readTile: ReadTile): Promise<Buffer[]> {
  const tiles = new Map<string, Buffer>();
  const nodeFromTile = async (name: NodeName): Promise<Buffer> => {
    const { level, row, tile: index, position } = tileOf(name);
    const key = `${level}/${index}`;
    let tile = tiles.get(key);
    if (!tile) {
      tile = await readWholeTile(readTile, level, index, tileWidthAt(size, level, index));
      tiles.set(key, tile);
    }
    const start = position << row;
    let hashes: Buffer[] = [];
    for (let i = start; i < start + (1 << row); i++) hashes.push(tile.subarray(i * hashBytes, (i + 1) * hashBytes));
    while (hashes.length > 1) {
      const parents: Buffer[] = [];
      for (let i = 0; i < hashes.length; i += 2) parents.push(nodeHash(hashes[i]!, hashes[i + 1]!));
      hashes = parents;
    }
    return hashes[0]!;
  };
  const result: Buffer[] = [];
  for (const nodes of path) {
    const hashes: Buffer[] = [];
    for (const name of nodes) hashes.push(await nodeFromTile(name));
    result.push(foldSubtrees(hashes));
  }
  return result;
}

async function readWholeTile(readTile: ReadTile, level: number, index: number, width: number): Promise<Buffer> {
  const bytes = await readTile(level, index, width);
  if (bytes.length < width * hashBytes || bytes.length % hashBytes !== 0) {
    throw new GatewayError('LOG_INCONSISTENT', { reason: 'tile-too-short', level, index, width });
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, width * hashBytes);
}

function assertInside(index: number, size: number): void {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) {
    throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  }
}
