import type { ReadingReason, RevealReason } from '@jieqiao/access';
import type { Digest, ErrorCode } from '@jieqiao/core';
import { bigintNumber, blobBuffer } from '@jieqiao/platform';
import type { PersonalDataCategory, TransferKind } from '@jieqiao/recognition';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DeliveryState, TransferState } from './transfer/transfer';

const bigint = { transformer: bigintNumber };
const blob = { transformer: blobBuffer };

/** What may be read of a transfer, each for itself. */
export type ContentKind = 'transfer' | 'check' | 'evidence' | 'bundle' | 'personal-data';

@Entity('transfer')
export class TransferRow {
  @PrimaryColumn('varchar')
  id!: string;

  @Column('varchar')
  direction!: 'out' | 'in';

  @Column('varchar')
  kind!: TransferKind;

  @Column('varchar', { name: 'dossier_id' })
  dossierId!: string;

  /** 文号, in the sender's spelling. */
  @Column('varchar')
  number!: string;

  @Column('varchar')
  title!: string;

  @Column('varchar')
  peer!: string;

  @Column('varchar')
  state!: TransferState;

  @Column('varchar')
  delivery!: DeliveryState;

  @Column('varchar', { nullable: true })
  refusal!: ErrorCode | null;

  /** Grows with every change that a person could collide with: the ETag. */
  @Column('int')
  version!: number;

  /** A draft's case data, without typed personal data. What was sealed stands in the bundle, not here. */
  @Column('simple-json', { nullable: true })
  data!: Record<string, unknown> | null;

  /** This node's own decision on a received transfer, canonical JSON. */
  @Column('text', { nullable: true })
  recognition!: string | null;

  @Column('varchar', { name: 'bundle_digest', nullable: true })
  bundleDigest!: Digest | null;

  @Column('varchar', { nullable: true })
  jti!: string | null;

  @Column('varchar', { name: 'author_id', nullable: true })
  authorId!: string | null;

  /** The author's unit when the draft was made: whose draft it is. */
  @Column('varchar', { nullable: true })
  unit!: string | null;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;

  @Column('varchar', { name: 'updated_at' })
  updatedAt!: string;
}

@Entity('evidence')
export class EvidenceRow {
  @PrimaryColumn('varchar')
  id!: string;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('int')
  seq!: number;

  @Column('varchar', { name: 'file_name' })
  fileName!: string;

  @Column('varchar', { name: 'media_type' })
  mediaType!: string;

  @Column('bigint', bigint)
  bytes!: number;

  /** Null until all bytes are here. */
  @Column('varchar', { nullable: true })
  digest!: Digest | null;

  @Column('bigint', { nullable: true, ...bigint })
  crc32!: number | null;

  /** The item's form fields as the officer gave them; null for received items, whose data the bundle holds. */
  @Column('simple-json', { nullable: true })
  data!: Record<string, unknown> | null;

  @Column('varchar', { name: 'first_hash_at', nullable: true })
  firstHashAt!: string | null;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;
}

/** A sealed bundle's small parts, byte for byte. Never changed: a new sealing is a new row. */
@Entity('bundle')
export class BundleRow {
  @PrimaryColumn('varchar')
  digest!: Digest;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('blob', blob)
  manifest!: Buffer;

  @Column('blob', blob)
  signature!: Buffer;

  /** Sealed by `PersonalData.sealedBundle`, because typed personal data is in it. */
  @Column('blob', { name: 'transfer_json', ...blob })
  transferJson!: Buffer;

  @Column('blob', { name: 'custody_json', ...blob })
  custodyJson!: Buffer;

  @Column('blob', { name: 'recognition_json', ...blob })
  recognitionJson!: Buffer;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;
}

/** A send that was done: the same key again gives the same answer, and never a second envelope. */
@Entity('idempotency')
export class IdempotencyRow {
  @PrimaryColumn('varchar', { name: 'person_id' })
  personId!: string;

  @PrimaryColumn('varchar', { name: 'idem_key' })
  key!: string;

  @Column('varchar')
  request!: Digest;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;
}

/** Typed personal data of one form, encrypted. */
@Entity('personal_data')
export class PersonalDataRow {
  @PrimaryColumn('varchar', { name: 'transfer_id' })
  transferId!: string;

  /** `case-data`, or the id of an evidence item. */
  @PrimaryColumn('varchar')
  holder!: string;

  @Column('blob', blob)
  sealed!: Buffer;
}

/** That somebody was shown what is shown for a reason only, and the reason. Never changed. */
@Entity('content_access')
export class ContentAccessRow {
  @PrimaryColumn('varchar')
  id!: string;

  @Column('varchar', { name: 'person_id' })
  personId!: string;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('varchar')
  what!: ContentKind;

  /** Which field, where one value was revealed: its place, never its value. */
  @Column('varchar', { nullable: true })
  pointer!: string | null;

  @Column('varchar', { nullable: true })
  category!: PersonalDataCategory | null;

  @Column('varchar')
  reason!: ReadingReason | RevealReason;

  @Column('varchar', { name: 'reason_text' })
  reasonText!: string;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;
}
