import type { Readable } from 'node:stream';
import {
  type Digest,
  type Envelope,
  type EnvelopeBundle,
  GatewayError,
  parseEnvelope,
  verifyEnvelope,
} from '@jieqiao/core';
import { type BlobStore, type Database, insertRows, type Tx } from '@jieqiao/platform';
import { In, LessThan } from 'typeorm';
import type { AgreementBook } from './agreement-book';
import type { BlobState } from './generated/jieqiao/exchange/v1/BlobState';
import { AnnouncementRow } from './tables';

export interface IntakeLimits {
  /** Bytes of one file. */
  fileBytes: number;
  /** Bytes that one peer may have announced and not yet delivered an envelope for. */
  peerAnnouncedBytes: number;
  /** How long announced bytes wait for their envelope. */
  keepMs: number;
}

export interface BlobProgress {
  offset: number;
  complete: boolean;
}

/** A blob that is here, whole: its real length, and the CRC-32 that a container of it needs. */
export interface ArrivedBlob {
  bytes: number;
  crc32: number;
}

/** What the casework knows of blobs: which it has from a peer, and which anybody still needs. */
export interface BlobUse {
  receivedFrom(tx: Tx, peer: string, digests: Digest[]): Promise<Map<Digest, ArrivedBlob>>;
  inUse(tx: Tx, digest: Digest): Promise<boolean>;
}

/**
 * Takes evidence bytes from peers ahead of their envelope. Only what a signed envelope of that peer names is taken, and
 * "do you have it?" is answered only from what this same peer has sent: a digest can't be used to probe for content.
 *
 * What survives a crash: bytes are synced before an offset is answered; the row says "complete" only after the blob has
 * its final name. Killed between the two, the push is answered from offset 0 and repeated.
 */
export class BlobIntake {
  constructor(
    private readonly db: Database,
    private readonly blobs: BlobStore,
    private readonly agreements: AgreementBook,
    private readonly use: BlobUse,
    private readonly limits: IntakeLimits,
    private readonly now: () => Date,
  ) {}

  /** @throws GatewayError ENVELOPE_*, FILE_TOO_LARGE, LIMIT_EXCEEDED */
  async announce(peer: string, envelopes: readonly string[]): Promise<BlobState[]> {
    const opened = envelopes.map((jws) => this.open(peer, jws));
    const files = new Map<Digest, { bytes: number; jti: string }>();
    for (const { claims } of opened) {
      for (const file of claims.bundle?.files ?? []) files.set(file.digest, { bytes: file.bytes, jti: claims.jti });
    }
    this.mustFit([...files.values()]);
    const rows = await this.db.transaction((tx) => this.register(tx, peer, files));
    return Promise.all(
      rows.map(async (row) => {
        const complete = await this.isWhole(row);
        const offset = complete ? row.bytes : await this.blobs.offset(uploadId(peer, row.digest));
        return { digest: row.digest, offset, complete };
      }),
    );
  }

  /** @throws GatewayError FILE_TOO_LARGE: no envelope that names such a file will ever be taken */
  mustFit(files: readonly { bytes: number }[]): void {
    const limit = this.limits.fileBytes;
    if (files.some(({ bytes }) => bytes > limit)) throw new GatewayError('FILE_TOO_LARGE', { limit });
  }

  /** Where a push stands. @throws GatewayError BLOB_NOT_ANNOUNCED */
  async progress(peer: string, digest: Digest): Promise<BlobProgress> {
    const row = await this.announced(peer, digest);
    if (await this.isWhole(row)) return { offset: row.bytes, complete: true };
    return { offset: await this.blobs.offset(uploadId(peer, digest)), complete: false };
  }

  /**
   * Takes bytes from `offset`. Complete means: whole, hashed, on the disk under its digest.
   * @throws GatewayError BLOB_NOT_ANNOUNCED, UPLOAD_OFFSET_MISMATCH, LENGTH_MISMATCH, DIGEST_MISMATCH
   */
  async receive(peer: string, digest: Digest, offset: number, total: number, stream: Readable): Promise<BlobProgress> {
    const row = await this.announced(peer, digest);
    if (await this.isWhole(row)) return { offset: row.bytes, complete: true };
    if (total !== row.bytes) throw new GatewayError('LENGTH_MISMATCH', { expected: row.bytes, found: total });
    const upload = uploadId(peer, digest);
    const { offset: reached } = await this.blobs.append(upload, offset, stream, {
      limit: this.limits.fileBytes,
      expectedLength: row.bytes,
    });
    if (reached < row.bytes) return { offset: reached, complete: false };
    const blob = await this.blobs.finish(upload, { expectedDigest: digest, length: row.bytes });
    await this.db.transaction((tx) => tx.update(AnnouncementRow, { peer, digest }, { crc32: blob.crc32 }));
    return { offset: row.bytes, complete: true };
  }

  /** Not by the row alone: a file that the disk has lost since is asked for and taken again. */
  private async isWhole(row: AnnouncementRow): Promise<boolean> {
    return row.crc32 !== null && (await this.blobs.has(row.digest));
  }

  /** Those of the bundles' files that are here, whole, from this peer. */
  async arrived(tx: Tx, peer: string, bundles: readonly EnvelopeBundle[]): Promise<Map<Digest, ArrivedBlob>> {
    const digests = [...new Set(bundles.flatMap((bundle) => bundle.files.map((file) => file.digest)))];
    if (digests.length === 0) return new Map();
    const rows = await tx.findBy(AnnouncementRow, { peer, digest: In(digests) });
    return new Map(
      rows.flatMap(({ digest, bytes, crc32 }) => (crc32 === null ? [] : [[digest, { bytes, crc32 }] as const])),
    );
  }

  /** The files belong to a transfer now: the announcement has done its work and no longer counts against the peer. */
  async claimed(tx: Tx, peer: string, digests: readonly Digest[]): Promise<void> {
    if (digests.length > 0) await tx.delete(AnnouncementRow, { peer, digest: In([...digests]) });
  }

  /** Drops announcements that no envelope followed, and half-finished uploads that nobody continues. */
  async sweep(): Promise<void> {
    const before = this.now().toISOString();
    await this.db.transaction((tx) => tx.delete(AnnouncementRow, { expiresAt: LessThan(before) }));
    await this.blobs.sweepIncoming(this.now().getTime() - this.limits.keepMs);
  }

  /**
   * Removes blobs that neither a transfer nor an announcement holds.
   * @param storedBefore younger ones stay: their row may be about to be written, by this process or another
   * @returns how many were removed
   */
  async removeOrphans(storedBefore: Date): Promise<number> {
    let removed = 0;
    for await (const { digest, storedAt } of this.blobs.list()) {
      if (storedAt >= storedBefore.getTime() || (await this.isHeld(digest))) continue;
      await this.blobs.remove(digest);
      removed++;
    }
    return removed;
  }

  private isHeld(digest: Digest): Promise<boolean> {
    return this.db.read(async (tx) => {
      return (await tx.existsBy(AnnouncementRow, { digest })) || (await this.use.inUse(tx, digest));
    });
  }

  /** Announcing costs disk, so it takes a signed envelope, not only a connection. */
  private open(peer: string, jws: string): Envelope {
    const envelope = parseEnvelope(jws);
    verifyEnvelope(envelope, this.agreements.trustUnder(envelope.claims.agreement), this.now());
    if (envelope.claims.iss !== peer) throw new GatewayError('ENVELOPE_WRONG_ISSUER', { issuer: envelope.claims.iss });
    if (envelope.claims.aud !== this.agreements.node) {
      throw new GatewayError('ENVELOPE_WRONG_AUDIENCE', { audience: envelope.claims.aud });
    }
    return envelope;
  }

  private async register(
    tx: Tx,
    peer: string,
    files: Map<Digest, { bytes: number; jti: string }>,
  ): Promise<AnnouncementRow[]> {
    const digests = [...files.keys()];
    if (digests.length === 0) return [];
    const known = await tx.findBy(AnnouncementRow, { peer, digest: In(digests) });
    const fresh = digests.filter((digest) => !known.some((row) => row.digest === digest));
    const before = await this.use.receivedFrom(tx, peer, fresh);
    const expiresAt = new Date(this.now().getTime() + this.limits.keepMs).toISOString();
    const rows = fresh.map((digest) => {
      const { bytes, jti } = files.get(digest)!;
      // The length is the peer's claim until the bytes are here; a blob that is here has its own.
      const here = before.get(digest);
      return { peer, digest, bytes: here?.bytes ?? bytes, jti, crc32: here?.crc32 ?? null, expiresAt };
    });
    await this.checkQuota(tx, peer, rows);
    await insertRows(tx, AnnouncementRow, rows);
    if (known.length > 0) {
      await tx.update(AnnouncementRow, { peer, digest: In(known.map((row) => row.digest)) }, { expiresAt });
    }
    return [...known, ...rows];
  }

  private async checkQuota(tx: Tx, peer: string, rows: AnnouncementRow[]): Promise<void> {
    const outstanding = await tx
      .createQueryBuilder(AnnouncementRow, 'a')
      .select('SUM(a.bytes)', 'bytes')
      .where('a.peer = :peer', { peer })
      .getRawOne<{ bytes: string | number | null }>();
    const more = rows.reduce((sum, row) => sum + row.bytes, 0);
    if (Number(outstanding?.bytes ?? 0) + more > this.limits.peerAnnouncedBytes) {
      throw new GatewayError('LIMIT_EXCEEDED', { what: 'announced-bytes', limit: this.limits.peerAnnouncedBytes });
    }
  }

  private async announced(peer: string, digest: Digest): Promise<AnnouncementRow> {
    const row = await this.db.read((tx) => tx.findOneBy(AnnouncementRow, { peer, digest }));
    if (!row) throw new GatewayError('BLOB_NOT_ANNOUNCED', { digest });
    return row;
  }
}

/** One upload per peer and digest: two peers pushing the same content never meet. */
function uploadId(peer: string, digest: Digest): string {
  return `${peer}-${digest.slice(7)}`;
}
