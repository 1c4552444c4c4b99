import { type Digest, type ErrorCode, parseLogEntry, parseTlogProof } from '@jieqiao/core';
import type { LaneTrouble, PushProgress, SentEnvelope, Settled, TakenEnvelope } from '@jieqiao/delivery';
import {
  maskTransfer,
  type RecognitionDecision,
  type Redaction,
  type TransferData,
  type TransferKind,
} from '@jieqiao/recognition';
import { messageIn } from './envelopes';
import { settle } from './lane-callbacks';
import type { LifeView } from './life-view';
import { type Held, type HeldData, joinMasked, ofCaseData } from './personal-data';
import type { Sent } from './send-transfer';
import type { BundleRow, DeliveryState, EvidenceRow, ItemDecision, TransferRow } from './tables';
import type { LifeState } from './transfer/lifecycle';

/** Where the message stands. Never mixed with `state`, where the matter stands. */
export interface DeliveryView {
  state: DeliveryState | 'delivering';
  /** Failed attempts in a row, the last reason, and when the next one is due: of the whole lane to this peer. */
  attempts: number;
  lastError: ErrorCode | null;
  nextAttemptAt: string | null;
  receivedAt: string | null;
  /** Why the peer refused the envelope for good. */
  refusal: ErrorCode | null;
  progress: PushProgress | null;
}

export interface EvidenceView {
  id: string;
  seq: number;
  fileName: string;
  mediaType: string;
  bytes: number;
  complete: boolean;
  digest: Digest | null;
  firstHashAt: string | null;
  data: Record<string, unknown>;
}

export interface TransferView {
  id: string;
  direction: 'out' | 'in';
  kind: TransferKind;
  dossier: string;
  number: string;
  /** Null for those who see metadata only, and for supervisors in a list. */
  title: string | null;
  /** The node with which it was exchanged, and whose log and keys prove it, for ever. */
  peer: string;
  /** The node that deals with it on the other side now: the peer, or whoever has taken its powers over. */
  handledBy: string;
  state: LifeState;
  delivery: DeliveryView;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** Typed personal data in it is masked. */
  data: Record<string, unknown>;
  /** Typed personal data that was taken out before it was sealed. */
  redacted: readonly Redaction[];
  evidence: EvidenceView[];
  /** This node's own decision: made at sending, or on receipt. */
  recognition: RecognitionDecision | null;
  /** The receiver's decision on each item so far, by the sender's id of the item. */
  decisions: Record<string, Pick<ItemDecision, 'level' | 'reason' | 'at'>>;
  /** What the receiver found itself; empty at the sender. */
  findings: Record<string, unknown>;
  /** Null only for what was exchanged before there were lives. */
  life: LifeView | null;
  envelope: { jti: string; seq: number; digest: Digest } | null;
  receipt: { entryIndex: number; checkpointSize: number; degree: 'verified' | 'refused'; time: string } | null;
}

/** A transfer without what needs other tables: a line of a list. */
export type TransferSummary = Omit<
  TransferView,
  | 'data'
  | 'redacted'
  | 'evidence'
  | 'recognition'
  | 'decisions'
  | 'findings'
  | 'life'
  | 'envelope'
  | 'receipt'
  | 'delivery'
> & {
  delivery: Pick<DeliveryView, 'state' | 'refusal'>;
};

export interface ViewSources {
  row: TransferRow;
  handledBy: string;
  /** Of a draft. */
  held: HeldData;
  evidence: readonly EvidenceRow[];
  /** Opened. */
  bundle: BundleRow | null;
  outbox: SentEnvelope | null;
  inbox: TakenEnvelope | null;
  lane: LaneTrouble | null;
  progress: PushProgress | null;
  life: LifeView | null;
}

export function summaryOf(row: TransferRow, handledBy: string): TransferSummary {
  const { id, direction, kind, number, title, peer, state, version, createdAt, updatedAt } = row;
  const delivery = { state: row.delivery, refusal: row.refusal };
  return {
    id,
    direction,
    kind,
    dossier: row.dossierId,
    number,
    title,
    peer,
    handledBy,
    state,
    delivery,
    version,
    createdAt,
    updatedAt,
  };
}

export function viewOf(sources: ViewSources): TransferView {
  const { row, handledBy, held, bundle, outbox, inbox } = sources;
  const sealed = bundle ? maskTransfer(JSON.parse(bundle.transferJson.toString()) as TransferData) : null;
  // A draft that was sent before and is being edited again shows what the officer works on, not what was sealed.
  const data = row.data ? joinMasked(row.data, held.of(row.id, ofCaseData)) : sealed ? caseDataOf(sealed) : {};
  const message = outbox ?? inbox;
  return {
    ...summaryOf(row, handledBy),
    delivery: deliveryOf(sources),
    data,
    redacted: sealed?.redacted ?? [],
    evidence: sources.evidence.map((item) => evidenceOf(item, held.of(row.id, item.id), sealed)),
    recognition: decisionOf(row, bundle),
    decisions: Object.fromEntries(
      Object.entries(row.decisions ?? {}).map(([id, { level, reason, at }]) => [
        id,
        { level, at, ...(reason ? { reason } : {}) },
      ]),
    ),
    findings: row.findings ?? {},
    life: sources.life,
    envelope: message ? { jti: message.jti, seq: message.seq, digest: message.digest } : null,
    receipt: outbox?.receipt ? receiptOf(outbox.receipt) : null,
  };
}

/** The summary right after sending, from what was written: a read would only bring the same back. */
export function summaryOfSent({ row, outbox }: Sent, settled: Settled | null, handledBy: string): TransferSummary {
  if (!settled) return summaryOf(row, handledBy);
  const after = { ...row, version: row.version + 1 };
  settle(after, messageIn(outbox.envelope)!, settled);
  return summaryOf(after, handledBy);
}

function deliveryOf({ row, outbox, inbox, lane, progress }: ViewSources): DeliveryView {
  const waiting = row.delivery === 'queued' ? lane : null;
  return {
    state: row.delivery === 'queued' && progress ? 'delivering' : row.delivery,
    attempts: waiting?.attempts ?? 0,
    lastError: waiting?.error ?? null,
    nextAttemptAt: waiting?.nextAttemptAt ?? null,
    receivedAt: outbox?.settledAt ?? inbox?.receivedAt ?? null,
    refusal: row.refusal,
    progress,
  };
}

/** @param sealed masked */
export function evidenceOf(row: EvidenceRow, held: Held | undefined, sealed: TransferData | null): EvidenceView {
  const { id, seq, fileName, mediaType, bytes, digest, firstHashAt } = row;
  const data = row.data ? joinMasked(row.data, held) : formFieldsOf(sealed, seq);
  return { id, seq, fileName, mediaType, bytes, complete: digest !== null, digest, firstHashAt, data };
}

function formFieldsOf(sealed: TransferData | null, seq: number): Record<string, unknown> {
  const item = sealed?.evidence.find((candidate) => candidate.seq === seq);
  if (!item) return {};
  const { seq: _seq, fileName, mediaType, bytes, digest, firstHashAt, ...fields } = item;
  return fields;
}

function caseDataOf(transfer: TransferData): Record<string, unknown> {
  const { schema, id, dossier, kind, number, from, to, evidence, documents, redacted, ...data } = transfer;
  return { ...data, unit: from.unit };
}

function decisionOf(row: TransferRow, bundle: BundleRow | null): RecognitionDecision | null {
  const text = row.recognition ?? (row.direction === 'out' ? bundle?.recognitionJson.toString() : undefined);
  return text ? (JSON.parse(text) as RecognitionDecision) : null;
}

/** The lane has verified the proof before it was kept; here it is only read. */
function receiptOf(proof: string): TransferView['receipt'] {
  const { extra, index, checkpoint } = parseTlogProof(proof);
  const entry = parseLogEntry(extra!);
  const size = Number(checkpoint.split('\n')[1]);
  const degree = entry.event === 'envelope.received' ? entry.subject.degree : 'refused';
  return { entryIndex: index, checkpointSize: size, degree, time: entry.time };
}
