import type { AuditLog } from '@jieqiao/audit';
import type { Digest, LogEvent } from '@jieqiao/core';
import type { AgreementBook, BlobUse, BundleParts, LaneCallbacks, Settled } from '@jieqiao/delivery';
import { type Database, lockForUpdate, type Tx } from '@jieqiao/platform';
import { In } from 'typeorm';
import { custodyPart, recognitionAgreement, recognitionPart, transferPart } from './bundle-contents';
import type { Casework } from './casework';
import type { Clocks } from './clocks';
import { documentParts, filingProofPart } from './documents';
import { messageIn } from './envelopes';
import { clockRowsOf, lifeLogEvents, saveCases, setLife, settleMessage } from './life-rows';
import type { PersonalData } from './personal-data';
import { BundleRow, DocumentRow, EvidenceRow, TransferRow } from './tables';
import { isRefusal } from './transfer/apply';
import type { StateMessage } from './transfer/command-data';

export interface LaneWork {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  node: string;
  casework: Casework;
  clocks: Clocks;
  personal: PersonalData;
  now: () => Date;
}

/** What the lanes need of the casework: the bundles they carry, and what a receipt changes. */
export function laneCallbacks(work: LaneWork, afterSettled: (settled: Settled[]) => void): LaneCallbacks {
  const { db, audit, agreements, node, casework, clocks, personal, now } = work;
  return {
    async partsOf(manifests) {
      if (manifests.length === 0) return new Map<Digest, BundleParts>();
      return db.read(async (tx) => {
        const bundles = await tx.findBy(BundleRow, { digest: In(manifests) });
        const parts = new Map(bundles.map((row) => [row.digest, partsOf(personal.openedBundle(row))]));
        const others = manifests.filter((digest) => !parts.has(digest));
        const documents = others.length > 0 ? await tx.findBy(DocumentRow, { manifestDigest: In(others) }) : [];
        for (const row of documents) parts.set(row.manifestDigest!, documentParts(row));
        return parts;
      });
    },
    async onSettled(tx, settled) {
      const ids = [...new Set(settled.map(({ row }) => row.transferId))];
      const rows = await tx.find(TransferRow, { where: { id: In(ids) }, ...lockForUpdate(db.dialect) });
      const cases = new Map(rows.map((row) => [row.id, row]));
      const events: LogEvent[] = [];
      const changed = new Set<TransferRow>();
      for (const each of settled) {
        const row = cases.get(each.row.transferId);
        const message = row && messageIn(each.row.envelope);
        if (!row || !message) continue;
        events.push(...settle(row, message, each));
        if (mustGoAgain(row, each)) await casework.sendAgain(tx, row, message);
        else if (each.refusal) {
          const refused = { transfer: row.id, message: message.id, code: each.refusal, now: now().toISOString() };
          await clocks.reportRefused(tx, refused);
        }
        row.version++;
        changed.add(row);
      }
      await saveCases(tx, [...changed]);
      const replicas = [...changed].flatMap((row) => {
        const agreement = agreements.currentWith(row.peer, now());
        const clockRows = clockRowsOf(agreement && recognitionAgreement(agreement), row, node);
        return row.life ? [{ life: row.life, clockRows }] : [];
      });
      await clocks.sync(tx, replicas, now().toISOString());
      await audit.append(tx, events);
    },
    afterSettled,
  };
}

/** What the fate of an envelope does to its transfer: the receipt for a sending says that it was delivered. */
export function settle(
  row: TransferRow,
  message: StateMessage,
  { row: sent, state, refusal, at }: Settled,
): LogEvent[] {
  // An envelope may be settled long after another one went about the same transfer: `delivery` speaks of the last.
  if (row.lastJti === sent.jti) Object.assign(row, { delivery: state, refusal } satisfies Partial<TransferRow>);
  if (!row.life) return [];
  const result = settleMessage(row.life, message, { refusal, at });
  if (result === null) return [];
  const transfer = row.id;
  if (isRefusal(result)) {
    // The peer's log contradicts what the peer has said before. Both are kept, and nothing follows from it.
    const { command } = message;
    return [{ event: 'command.refused', subject: { command, person: null, reason: result.code, transfer } }];
  }
  setLife(row, result.life);
  return lifeLogEvents(result.events, { transfer, person: null, envelope: sent.digest });
}

/** The receiver's word stands although its envelope came too late: the peer was not there to take it. */
function mustGoAgain(row: TransferRow, { refusal }: Settled): boolean {
  return row.life?.side === 'receiver' && refusal === 'ENVELOPE_EXPIRED';
}

function partsOf(row: BundleRow): BundleParts {
  const parts = [
    { name: transferPart, content: row.transferJson },
    { name: custodyPart, content: row.custodyJson },
    { name: recognitionPart, content: row.recognitionJson },
  ];
  if (row.filingProof !== null) parts.push({ name: filingProofPart, content: Buffer.from(row.filingProof) });
  return { manifest: row.manifest, signature: row.signature, parts };
}

/** Which blobs transfers hold. */
export const blobUse: BlobUse = {
  async receivedFrom(tx: Tx, peer, digests) {
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
