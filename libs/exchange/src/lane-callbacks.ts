import type { Digest } from '@jieqiao/core';
import type { BlobUse, BundleParts, LaneCallbacks, Settled } from '@jieqiao/delivery';
import { type Database, updateRows } from '@jieqiao/platform';
import { In } from 'typeorm';
import { custodyPart, recognitionPart, transferPart } from './bundle-contents';
import type { PersonalData } from './personal-data';
import { BundleRow, EvidenceRow, TransferRow } from './tables';
import { transferAfter } from './transfer/transfer';

/** What the lanes need of the casework: the bundles they carry, and what a receipt changes. */
export function laneCallbacks(
  db: Database,
  personal: PersonalData,
  afterSettled: (settled: Settled[]) => void,
): LaneCallbacks {
  return {
    async partsOf(manifests) {
      if (manifests.length === 0) return new Map<Digest, BundleParts>();
      const rows = await db.read((tx) => tx.findBy(BundleRow, { digest: In(manifests) }));
      return new Map(rows.map((row) => [row.digest, partsOf(personal.openedBundle(row))]));
    },
    async onSettled(tx, settled) {
      // An envelope may be settled long after its transfer was sent anew in another one; then nothing changes.
      const ids = settled.map(({ row }) => row.transferId);
      const rows = await tx.find(TransferRow, {
        where: { id: In(ids) },
        select: { id: true, jti: true, state: true, version: true },
      });
      const byJti = new Map(rows.map((row) => [row.jti, row]));
      const changes = settled.flatMap(({ row, state, refusal }) => {
        const transfer = byJti.get(row.jti);
        const next = transfer && transferAfter(transfer.state, state === 'received' ? 'receive' : 'refuse');
        return next ? [{ id: transfer.id, ...next, refusal, version: transfer.version + 1 }] : [];
      });
      await updateRows(tx, 'transfer', 'id', changes);
    },
    afterSettled,
  };
}

function partsOf(row: BundleRow): BundleParts {
  return {
    manifest: row.manifest,
    signature: row.signature,
    parts: [
      { name: transferPart, content: row.transferJson },
      { name: custodyPart, content: row.custodyJson },
      { name: recognitionPart, content: row.recognitionJson },
    ],
  };
}

/** Which blobs transfers hold. */
export const blobUse: BlobUse = {
  async receivedFrom(tx, peer, digests) {
    if (digests.length === 0) return new Map();
    const rows = await tx
      .createQueryBuilder(EvidenceRow, 'e')
      .innerJoin(TransferRow, 't', 't.id = e.transferId')
      .where("e.digest IN (:...digests) AND t.direction = 'in' AND t.peer = :peer", { digests, peer })
      .getMany();
    return new Map(rows.map((row) => [row.digest!, { bytes: row.bytes, crc32: row.crc32! }]));
  },
  inUse: (tx, digest) => tx.existsBy(EvidenceRow, { digest }),
};
