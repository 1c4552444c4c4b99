import type { ReadingReason, RevealReason } from '@jieqiao/access';
import type { Digest, ErrorCode } from '@jieqiao/core';
import { bigintNumber, blobBuffer } from '@jieqiao/platform';
import type { PersonalDataCategory, RecognitionLevel, TransferKind } from '@jieqiao/recognition';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { FilingProof } from './filing-tables';
import type { TransferLife } from './transfer/life';
import type { DocumentType, LifeState, Side } from './transfer/lifecycle';

/** Where this side's last message stands. Never mixed with the state, where the matter stands. */
export type DeliveryState = 'none' | 'queued' | 'received' | 'refused';

/** What the receiver's legal reviewer has decided on an item of evidence; `reason` where the rules proposed otherwise. */
export interface ItemDecision {
  /** Over the item as it was stated then: stated otherwise in a new version, it is decided anew. */
  item: Digest;
  level: RecognitionLevel;
  reason?: string;
  person: string;
  at: string;
}

const bigint = { transformer: bigintNumber };
const blob = { transformer: blobBuffer };
const nullableBlob = {
  to: (value: Buffer | null): Buffer | null => value,
  from: (value: Buffer | ArrayBuffer | null): Buffer | null => (value === null ? null : blobBuffer.from(value)),
};

/** What may be read of a transfer, each for itself. */
export type ContentKind = 'transfer' | 'check' | 'document' | 'evidence' | 'bundle' | 'personal-data';

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

  /** Read from `life`; here for lists. */
  @Column('varchar')
  state!: LifeState;

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

  /** The envelope that brought the transfer, in its last version. */
  @Column('varchar', { nullable: true })
  jti!: string | null;

  /** This side's last envelope about it: the one that `delivery` and `refusal` speak of. */
  @Column('varchar', { name: 'last_jti', nullable: true })
  lastJti!: string | null;

  /** This side's replica of the transfer's life. Null only for what was exchanged before there were lives. */
  @Column('simple-json', { nullable: true })
  life!: TransferLife | null;

  /** Rules whose request for supplements the officer has seen: until the draft is changed. */
  @Column('simple-json', { nullable: true })
  acknowledged!: string[] | null;

  /** By the sender's id of the item. */
  @Column('simple-json', { nullable: true })
  decisions!: Record<string, ItemDecision> | null;

  /** What the receiver has found itself since. */
  @Column('simple-json', { nullable: true })
  findings!: Record<string, unknown> | null;

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

  /** The last version of the bundle that it was part of; null while it belongs to the current one, or to the next. */
  @Column('int', { name: 'last_version', nullable: true })
  lastVersion!: number | null;

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

  /** What proves when the sender filed its own case; only where the transfer states one. */
  @Column('simple-json', { nullable: true })
  filing!: FilingProof | null;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;
}

/**
 * What was signed for a step of a transfer's life, as data. An opinion stays at home, where the log holds its digest;
 * what goes to the peer is sealed. Never changed, never deleted.
 */
@Entity('document')
export class DocumentRow {
  @PrimaryColumn('varchar')
  digest!: Digest;

  @Column('varchar', { name: 'transfer_id' })
  transferId!: string;

  @Column('varchar')
  type!: DocumentType;

  /** Who made it. */
  @Column('varchar')
  side!: Side;

  /** `document.json`. */
  @Column('blob', blob)
  content!: Buffer;

  /** Of the small bundle in which it crossed; null for what stays at home. */
  @Column('varchar', { name: 'manifest_digest', nullable: true })
  manifestDigest!: Digest | null;

  @Column('blob', { nullable: true, transformer: nullableBlob })
  manifest!: Buffer | null;

  @Column('blob', { nullable: true, transformer: nullableBlob })
  signature!: Buffer | null;

  @Column('simple-json', { nullable: true })
  filing!: FilingProof | null;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;
}

/** A command that was done: the same key again gives the same answer, and never a second envelope. */
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
