import type { AgreementRef, Digest, ErrorCode } from '@jieqiao/core';
import { bigintNumber } from '@jieqiao/platform';
import { Column, Entity, PrimaryColumn } from 'typeorm';

const bigint = { transformer: bigintNumber };

/** The chain between this node and a peer, one row per direction: the last position and the last envelope's digest. */
@Entity('lane')
export class LaneRow {
  @PrimaryColumn('varchar')
  peer!: string;

  @PrimaryColumn('varchar')
  direction!: 'out' | 'in';

  @Column('bigint', bigint)
  seq!: number;

  @Column('varchar', { nullable: true })
  digest!: Digest | null;

  /** Outgoing only: failed attempts in a row, the last failure, and when the next attempt is due. */
  @Column('int')
  attempts!: number;

  @Column('varchar', { nullable: true })
  error!: ErrorCode | null;

  @Column('varchar', { name: 'next_attempt_at', nullable: true })
  nextAttemptAt!: string | null;
}

export type OutboxState = 'queued' | 'received' | 'refused';

/** Every envelope sent or to be sent. Never deleted: it proves what was handed over. */
@Entity('outbox')
export class OutboxRow {
  @PrimaryColumn('varchar')
  jti!: string;

  @Column('varchar')
  peer!: string;

  @Column('bigint', bigint)
  seq!: number;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('text')
  envelope!: string;

  @Column('varchar')
  digest!: Digest;

  @Column('varchar')
  state!: OutboxState;

  @Column('varchar', { nullable: true })
  refusal!: ErrorCode | null;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;

  @Column('varchar', { name: 'settled_at', nullable: true })
  settledAt!: string | null;

  /** The peer's receipt or signed refusal, as a tlog-proof. */
  @Column('text', { nullable: true })
  receipt!: string | null;
}

/** Every envelope taken or refused for good. Never deleted: idempotency is permanent. */
@Entity('inbox')
export class InboxRow {
  @PrimaryColumn('varchar')
  jti!: string;

  @Column('varchar')
  peer!: string;

  @Column('bigint', bigint)
  seq!: number;

  @Column('text')
  envelope!: string;

  @Column('varchar')
  digest!: Digest;

  @Column('varchar', { nullable: true })
  refusal!: ErrorCode | null;

  /** The log entry whose proof is the receipt. */
  @Column('bigint', { name: 'log_id', ...bigint })
  logId!: number;

  @Column('varchar', { name: 'received_at' })
  receivedAt!: string;
}

/** A file that a peer has said it will push. `crc32` is set when it is whole. */
@Entity('announcement')
export class AnnouncementRow {
  @PrimaryColumn('varchar')
  peer!: string;

  @PrimaryColumn('varchar')
  digest!: Digest;

  @Column('bigint', bigint)
  bytes!: number;

  @Column('varchar')
  jti!: string;

  @Column('bigint', { nullable: true, ...bigint })
  crc32!: number | null;

  @Column('varchar', { name: 'expires_at' })
  expiresAt!: string;
}

/** What the last Hello of a peer told, either way. */
@Entity('peer_state')
export class PeerStateRow {
  @PrimaryColumn('varchar')
  peer!: string;

  /** The last Hello of either side that went through. */
  @Column('varchar', { name: 'seen_at', nullable: true })
  seenAt!: string | null;

  /** The last one of ours: the measurement is of then. Null while the peer's software knows no Hello. */
  @Column('varchar', { name: 'hello_at', nullable: true })
  helloAt!: string | null;

  /** The peer's clock less ours. */
  @Column('bigint', { name: 'skew_ms', nullable: true, ...bigint })
  skewMs!: number | null;

  @Column('bigint', { name: 'rtt_ms', nullable: true, ...bigint })
  rttMs!: number | null;

  @Column('varchar', { nullable: true })
  software!: string | null;

  /** Versions that the peer holds and that name both nodes. */
  @Column('simple-json', { nullable: true })
  agreements!: AgreementRef[] | null;

  /** Fingerprint of the certificate under which it was seen. */
  @Column('varchar', { nullable: true })
  certificate!: Digest | null;

  @Column('varchar', { name: 'not_after', nullable: true })
  notAfter!: string | null;

  /** Why our last Hello failed, or null. */
  @Column('varchar', { nullable: true })
  error!: ErrorCode | null;

  @Column('varchar', { name: 'error_at', nullable: true })
  errorAt!: string | null;
}
