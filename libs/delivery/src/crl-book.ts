import type { AuditLog } from '@jieqiao/audit';
import {
  type Anchor,
  Crl,
  type Digest,
  digestFromRaw,
  digestOf,
  type ErrorCode,
  GatewayError,
  hasCode,
} from '@jieqiao/core';
import { bigintNumber, blobBuffer, type Database, insertRows, isDuplicate, lockForUpdate } from '@jieqiao/platform';
import { Column, Entity, In, PrimaryColumn } from 'typeorm';

/** The newest revocation list of one root. */
@Entity('crl')
export class CrlRow {
  /** Fingerprint of the root's certificate. */
  @PrimaryColumn('varchar')
  issuer!: Digest;

  /** Who handed it over. */
  @Column('varchar')
  peer!: string;

  @Column('bigint', { transformer: bigintNumber })
  number!: number;

  @Column('varchar', { name: 'this_update' })
  thisUpdate!: string;

  @Column('varchar', { name: 'next_update' })
  nextUpdate!: string;

  @Column('varchar')
  digest!: Digest;

  @Column('blob', { transformer: blobBuffer })
  document!: Buffer;

  @Column('varchar', { name: 'fetched_at' })
  fetchedAt!: string;
}

export interface CrlSettings {
  /** How long a list is believed after its next update was due. */
  graceMs: number;
  /** How far a list's date may lie ahead of this node's clock. */
  maxAheadMs: number;
}

/** Refused lists that are remembered, so that the same one is not logged again with every Hello. */
const maxRefused = 1_000;

/** Peers' revocation lists: the newest of each root, for ever after the first. Those of this node are in its key ring. */
export class CrlBook {
  private readonly byIssuer = new Map<Digest, Crl>();
  private readonly refused = new Map<Digest, ErrorCode>();

  constructor(
    private readonly db: Database,
    private readonly audit: AuditLog,
    private readonly settings: CrlSettings,
    private readonly now: () => Date,
  ) {}

  /** Reads what this process does not know yet: at the start, and what other processes have taken since. */
  async refresh(): Promise<void> {
    const listed = await this.db.read((tx) => tx.find(CrlRow, { select: { issuer: true, digest: true } }));
    const changed = listed.filter(({ issuer, digest }) => this.byIssuer.get(issuer)?.digest !== digest);
    if (changed.length === 0) return;
    const issuers = changed.map(({ issuer }) => issuer);
    for (const row of await this.db.read((tx) => tx.findBy(CrlRow, { issuer: In(issuers) }))) this.hold(row);
  }

  /**
   * Takes lists from a peer, each signed by one of its anchors and newer than the one at hand; others are refused and
   * logged. The list at hand again is nothing new.
   */
  async take(peer: string, anchors: readonly Anchor[], lists: readonly Uint8Array[]): Promise<void> {
    for (const document of lists) {
      const digest = digestOf(document);
      const before = this.refused.get(digest);
      // A list from the future is good once its time has come; all other reasons stay.
      if ((before && before !== 'CLOCK_SKEW') || this.digestsOf(anchors).includes(digest)) continue;
      try {
        await this.takeOne(peer, anchors, Buffer.from(document), digest);
      } catch (error) {
        // What can't be saved is no refusal: it comes again with the next Hello.
        if (!hasCode(error, 'CRL_MALFORMED', 'CRL_SIGNATURE_INVALID', 'CRL_ROLLED_BACK', 'CLOCK_SKEW')) throw error;
        if (before !== error.code) await this.refuse(peer, digest, error.code);
      }
    }
  }

  /** What `checkChain` is to know of revocations. */
  all(): readonly Crl[] {
    return [...this.byIssuer.values()];
  }

  /** The lists at hand of these roots. */
  of(anchors: readonly Anchor[]): readonly Crl[] {
    return anchors.flatMap(({ certificate }) => this.byIssuer.get(issuerOf(certificate.fingerprint)) ?? []);
  }

  digestsOf(anchors: readonly Anchor[]): Digest[] {
    return this.of(anchors).map(({ digest }) => digest);
  }

  /**
   * Whether all lists at hand of these roots still count. A root of which none was ever seen has revoked nothing that
   * this node could know; that is true here, too.
   */
  fresh(anchors: readonly Anchor[], at: Date): boolean {
    return this.of(anchors).every((crl) => at.getTime() <= crl.nextUpdate.getTime() + this.settings.graceMs);
  }

  private async takeOne(peer: string, anchors: readonly Anchor[], document: Buffer, digest: Digest): Promise<void> {
    const crl = Crl.parse(document);
    const anchor = anchors.find(({ certificate }) => crl.issuedBy(certificate));
    if (!anchor) throw new GatewayError('CRL_SIGNATURE_INVALID', { peer });
    if (crl.thisUpdate.getTime() > this.now().getTime() + this.settings.maxAheadMs) {
      throw new GatewayError('CLOCK_SKEW', { peer, thisUpdate: crl.thisUpdate.toISOString() });
    }
    const row: CrlRow = {
      issuer: issuerOf(anchor.certificate.fingerprint),
      peer,
      number: crl.number,
      thisUpdate: crl.thisUpdate.toISOString(),
      nextUpdate: crl.nextUpdate.toISOString(),
      digest,
      document,
      fetchedAt: this.now().toISOString(),
    };
    // Two processes may meet a root's first list at once: the second one finds the first one's row.
    await this.save(row).catch((error: unknown) => {
      if (!isDuplicate(error)) throw error;
      return this.save(row);
    });
    this.hold(row);
  }

  /** @throws GatewayError CRL_ROLLED_BACK */
  private save(row: CrlRow): Promise<void> {
    return this.db.transaction(async (tx) => {
      const { issuer, number, digest, peer } = row;
      const held = await tx.findOne(CrlRow, { where: { issuer }, ...lockForUpdate(this.db.dialect) });
      if (held?.digest === digest) return;
      // An older list would bring a revoked certificate back to life; two lists of one number contradict each other.
      if (held && held.number >= number) throw new GatewayError('CRL_ROLLED_BACK', { peer, held: held.number, number });
      if (held) await tx.update(CrlRow, { issuer }, row);
      else await insertRows(tx, CrlRow, [row]);
      await this.audit.append(tx, { event: 'crl.taken', subject: { digest, number, peer } });
    });
  }

  private async refuse(peer: string, digest: Digest, code: ErrorCode): Promise<void> {
    await this.db.transaction((tx) => this.audit.append(tx, { event: 'crl.refused', subject: { code, digest, peer } }));
    if (this.refused.size >= maxRefused) this.refused.clear();
    this.refused.set(digest, code);
  }

  private hold({ issuer, document }: CrlRow): void {
    this.byIssuer.set(issuer, Crl.parse(document));
  }
}

const issuerOf = (fingerprint: string): Digest => digestFromRaw(Buffer.from(fingerprint, 'hex'));
