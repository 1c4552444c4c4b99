import type { Digest } from '@jieqiao/core';
import { bigintNumber, blobBuffer } from '@jieqiao/platform';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What proves to another side, or to anybody, when the case was filed: `verifyFilingProof`. */
export interface FilingProof {
  statement: string;
  /** tlog-proof */
  proof: string;
}

/**
 * Why a filing is closed. One that is `withdrawn` (撤案, 销案) or `transferred` (移送) stands in nobody's way any more; one
 * that is `decided` still does: no second fine for the same act (行政处罚法 §29).
 */
export const closeReasons = ['decided', 'withdrawn', 'transferred'] as const;
export type CloseReason = (typeof closeReasons)[number];

/** A case that this node's authority has filed (立案). Of the parties it holds only what acts are compared by. */
@Entity('filing')
export class FilingRow {
  @PrimaryColumn('varchar')
  id!: string;

  @Column('varchar')
  number!: string;

  @Column('varchar')
  authority!: string;

  @Column('varchar')
  family!: string;

  @Column('varchar', { nullable: true })
  item!: string | null;

  @Column('varchar', { name: 'act_from' })
  actFrom!: string;

  @Column('varchar', { name: 'act_to' })
  actTo!: string;

  @Column('varchar', { name: 'place_code' })
  placeCode!: string;

  @Column('double')
  longitude!: number;

  @Column('double')
  latitude!: number;

  @Column('simple-json', { name: 'party_keys' })
  partyKeys!: string[];

  /** From which each element's salt is made, hex. */
  @Column('varchar', { name: 'salt_key' })
  saltKey!: string;

  /** Canonical JSON, as attested. */
  @Column('text')
  statement!: string;

  @Column('varchar', { name: 'transfer_id', nullable: true })
  transferId!: string | null;

  @Column('varchar', { name: 'person_id' })
  personId!: string;

  @Column('bigint', { name: 'log_id', transformer: bigintNumber })
  logId!: number;

  /** Time of the log's entry. Null, like the proof, between the commit and the entry's place in the tree. */
  @Column('varchar', { name: 'attested_at', nullable: true })
  attestedAt!: string | null;

  @Column('text', { nullable: true })
  proof!: string | null;

  @Column('varchar', { name: 'proof_digest', nullable: true })
  proofDigest!: Digest | null;

  @Column('varchar', { name: 'created_at' })
  createdAt!: string;

  @Column('varchar', { name: 'closed_at', nullable: true })
  closedAt!: string | null;

  @Column('varchar', { name: 'closed_reason', nullable: true })
  closedReason!: CloseReason | null;
}

/** Under what a filing is found: by this node itself, and by each peer that has asked. */
@Entity('filing_tag')
export class FilingTagRow {
  /** Who finds it. */
  @PrimaryColumn('varchar')
  owner!: string;

  /** 16 bytes in hex: for this node the digest of the element, for a peer what the protocol makes of it. */
  @PrimaryColumn('varchar')
  tag!: string;

  @PrimaryColumn('varchar', { name: 'filing_id' })
  filingId!: string;

  /** Of the key that made it; empty for this node's own. */
  @Column('varchar', { name: 'key_id' })
  keyId!: string;

  @Column('varchar')
  month!: string;

  /** What the peer reads who has the element; empty for this node's own. */
  @Column('blob', { transformer: blobBuffer })
  sealed!: Buffer;
}

/** Elements asked within an hour: by a peer (`in`), or of a peer by this node (`out`). */
@Entity('act_quota')
export class ActQuotaRow {
  @PrimaryColumn('varchar')
  peer!: string;

  @PrimaryColumn('varchar')
  direction!: 'in' | 'out';

  /** Its beginning. */
  @Column('varchar')
  hour!: string;

  @Column('int')
  elements!: number;

  @Column('int')
  refused!: number;
}
