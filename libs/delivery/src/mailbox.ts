import type { Digest, ErrorCode } from '@jieqiao/core';
import { type Database, insertRows, lockForUpdate, type Tx } from '@jieqiao/platform';
import { In, IsNull, Not } from 'typeorm';
import { InboxRow, LaneRow, OutboxRow } from './tables';

/** The end of the gapless chain of envelopes in one direction between this node and a peer. */
export interface ChainEnd {
  seq: number;
  /** Digest of the last envelope; null before the first. */
  digest: Digest | null;
}

/** An envelope to be delivered. */
export interface QueuedEnvelope {
  jti: string;
  peer: string;
  seq: number;
  transferId: string;
  envelope: string;
  digest: Digest;
  createdAt: string;
}

/** An envelope taken, or refused for good. */
export type TakenEnvelope = Readonly<InboxRow>;

/** Locks a chain's end until the transaction ends: what comes next is numbered by one at a time, whoever it is. */
export async function lockChain(
  tx: Tx,
  dialect: Database['dialect'],
  peer: string,
  direction: 'out' | 'in',
): Promise<ChainEnd> {
  const find = () => tx.findOne(LaneRow, { where: { peer, direction }, ...lockForUpdate(dialect) });
  const row = (await find()) ?? (await beginChain(tx, peer, direction).then(find));
  return { seq: row!.seq, digest: row!.digest };
}

/** Two at once may find that nothing is there yet: the second waits for the first one's row and goes on with it. */
async function beginChain(tx: Tx, peer: string, direction: 'out' | 'in'): Promise<void> {
  const first: LaneRow = { peer, direction, seq: 0, digest: null, attempts: 0, error: null, nextAttemptAt: null };
  await tx.createQueryBuilder().insert().into(LaneRow).values(first).orIgnore().updateEntity(false).execute();
}

export async function moveChain(tx: Tx, peer: string, direction: 'out' | 'in', end: ChainEnd): Promise<void> {
  await tx.update(LaneRow, { peer, direction }, { seq: end.seq, digest: end.digest });
}

export async function queueEnvelopes(tx: Tx, envelopes: readonly QueuedEnvelope[]): Promise<void> {
  const rows = envelopes.map((envelope): OutboxRow => {
    return { ...envelope, state: 'queued', refusal: null, settledAt: null, receipt: null };
  });
  await insertRows(tx, OutboxRow, rows);
}

/** Those of these envelopes that were taken or refused before: idempotency is permanent. */
export function takenBefore(tx: Tx, jtis: readonly string[]): Promise<TakenEnvelope[]> {
  return tx.findBy(InboxRow, { jti: In([...jtis]) });
}

export async function keepTaken(tx: Tx, envelopes: readonly TakenEnvelope[]): Promise<void> {
  await insertRows(tx, InboxRow, [...envelopes]);
}

/** What became of an outgoing envelope. */
export interface SentEnvelope {
  jti: string;
  seq: number;
  digest: Digest;
  envelope: string;
  settledAt: string | null;
  receipt: string | null;
}

export function sentEnvelope(tx: Tx, jti: string): Promise<SentEnvelope | null> {
  return tx.findOneBy(OutboxRow, { jti });
}

export function takenEnvelope(tx: Tx, jti: string): Promise<TakenEnvelope | null> {
  return tx.findOneBy(InboxRow, { jti });
}

/** Why a lane waits, for people: failed attempts in a row, the last reason, when the next attempt is due. */
export interface LaneTrouble {
  attempts: number;
  error: ErrorCode | null;
  nextAttemptAt: string | null;
}

export function laneTrouble(tx: Tx, peer: string): Promise<LaneTrouble | null> {
  return tx.findOneBy(LaneRow, { peer, direction: 'out' });
}

/** How many envelopes to a peer wait for their receipt, and since when the oldest of them. */
export async function queueTo(tx: Tx, peer: string): Promise<{ queued: number; oldestAt: string | null }> {
  const queued = await tx.countBy(OutboxRow, { peer, state: 'queued' });
  const oldest = await tx.findOne(OutboxRow, {
    where: { peer, state: 'queued' },
    order: { seq: 'ASC' },
    select: { jti: true, createdAt: true },
  });
  return { queued, oldestAt: oldest?.createdAt ?? null };
}

/** How many envelopes wait for their receipt, and how many lanes wait after a failure. */
export async function queueState(tx: Tx): Promise<{ queued: number; lanesInTrouble: number }> {
  const queued = await tx.countBy(OutboxRow, { state: 'queued' });
  const lanesInTrouble = await tx.countBy(LaneRow, { direction: 'out', error: Not(IsNull()) });
  return { queued, lanesInTrouble };
}
