import { type Agreement, GatewayError, hasCode } from '@jieqiao/core';
import type { KeyRing, Tx } from '@jieqiao/platform';
import {
  type CatalogueSet,
  evaluateRecognition,
  parseFindings,
  type RecognitionDecision,
  type Registers,
  type TransferData,
} from '@jieqiao/recognition';
import { digestsById, recognitionAgreement } from './bundle-contents';
import { numbersTaken, registersOf, sealOwner } from './registers';
import type { SameActFindings } from './same-act';
import type { EvidenceRow, TransferRow } from './tables';

export interface EvaluationContext {
  node: string;
  /** This node's keys as they are now. */
  keys: () => KeyRing;
  /** What the rules look items, powers and laws up in. */
  catalogue: () => CatalogueSet;
}

/** What the rules say of a transfer now, with what this node's registers and, at the receiver, its findings say. */
export class Evaluation {
  constructor(private readonly context: EvaluationContext) {}

  async decide(
    tx: Tx,
    about: {
      row: TransferRow;
      transfer: TransferData;
      evidence: readonly EvidenceRow[];
      agreement: Agreement;
      at: Date;
      sameAct: SameActFindings;
    },
  ): Promise<RecognitionDecision> {
    const { row, transfer, evidence, agreement, at, sameAct } = about;
    const { catalogue } = this.context;
    const issuer =
      row.direction === 'out' ? { direction: 'out' as const } : { direction: 'in' as const, peer: row.peer };
    const taken = await numbersTaken(tx, issuer, [row]);
    const seal = row.direction === 'out' ? this.sealAt(agreement, at) : sealAtReceipt(row);
    return evaluateRecognition({
      transfer,
      agreement: recognitionAgreement(agreement),
      manifest: manifestOf(row, transfer, evidence),
      at: at.toISOString(),
      catalogue: catalogue(),
      registers: registersOf(taken.has(row.id), seal, sameAct),
      ...(row.findings ? { findings: parseFindings(row.findings) } : {}),
    });
  }

  /** The seal that a send would take; none that may be used is told as one that is not valid. */
  private sealAt(agreement: Agreement, at: Date): Registers['seal'] {
    const { keys, node } = this.context;
    try {
      return { owner: sealOwner(keys().seal(agreement, at).certificate, agreement, node), valid: true };
    } catch (error) {
      if (!hasCode(error, 'CERTIFICATE_REFUSED')) throw error;
      return { owner: String(error.params.subject), valid: false };
    }
  }
}

/** It was verified when the bundle came; what was found then stands. */
function sealAtReceipt({ recognition }: TransferRow): Registers['seal'] {
  if (recognition === null) throw new GatewayError('INTERNAL', { reason: 'received-without-decision' });
  return (JSON.parse(recognition) as RecognitionDecision).inputs.registers.seal;
}

/** Digests of the files as they lie here, by the ids that the sender gave the items. */
function manifestOf(row: TransferRow, transfer: TransferData, evidence: readonly EvidenceRow[]) {
  if (row.direction === 'out') return digestsById(evidence);
  const digests = new Map(evidence.map(({ seq, digest }) => [seq, digest]));
  return digestsById(transfer.evidence.map(({ id, seq }) => ({ id, digest: digests.get(seq) ?? null })));
}
