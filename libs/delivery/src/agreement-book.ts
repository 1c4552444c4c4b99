import type { AuditLog } from '@jieqiao/audit';
import {
  type Agreement,
  type AgreementParty,
  type AgreementRef,
  Certificate,
  checkChain,
  type Digest,
  digestFromRaw,
  GatewayError,
  inForce,
  nodeUrn,
  parseAgreement,
  type Trust,
  type TrustedParty,
  trustedParty,
} from '@jieqiao/core';
import { blobBuffer, type Database, insertRows } from '@jieqiao/platform';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('agreement')
export class AgreementRow {
  @PrimaryColumn('varchar')
  digest!: Digest;

  @Column('varchar', { name: 'agreement_id' })
  agreementId!: string;

  @Column('int')
  version!: number;

  @Column('blob', { transformer: blobBuffer })
  document!: Buffer;

  @Column('varchar', { name: 'imported_at' })
  importedAt!: string;
}

/** Another party of an agreement, with what is needed to reach and to believe it. */
export interface Peer {
  party: TrustedParty;
  endpoints: AgreementParty['endpoints'];
}

/**
 * The agreements this node has signed: the only source of whom it believes. Old versions stay for ever, because old
 * transfers are judged by them.
 */
export class AgreementBook {
  private readonly byDigest = new Map<Digest, Agreement>();

  constructor(
    private readonly db: Database,
    private readonly audit: AuditLog,
    readonly node: string,
    private readonly now: () => Date,
  ) {}

  async load(): Promise<void> {
    const rows = await this.db.read((tx) => tx.find(AgreementRow));
    for (const row of rows) this.byDigest.set(row.digest, parseAgreement(row.document));
  }

  /**
   * Takes an agreement in; taking the same one again changes nothing.
   * @throws GatewayError AGREEMENT_MALFORMED, AGREEMENT_SIGNATURE_INVALID
   */
  async import(bytes: Uint8Array): Promise<Agreement> {
    const agreement = parseAgreement(bytes);
    const { id, version, digest } = agreement.ref;
    if (!trustedParty(agreement.trust, this.node))
      throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'not-a-party' });
    if (this.byDigest.has(digest)) return agreement;
    for (const known of this.byDigest.values()) {
      // Two different texts under one number: somebody shows different agreements to different people.
      if (known.ref.id === id && known.ref.version === version) {
        throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'another-text-with-this-version', id, version });
      }
    }
    await this.db.transaction(async (tx) => {
      const importedAt = this.now().toISOString();
      await insertRows(tx, AgreementRow, [{ digest, agreementId: id, version, document: agreement.bytes, importedAt }]);
      await this.audit.append(tx, [{ event: 'agreement.imported', subject: { agreement: agreement.ref } }]);
    });
    this.byDigest.set(digest, agreement);
    return agreement;
  }

  all(): Agreement[] {
    return [...this.byDigest.values()];
  }

  /** What an envelope's agreement lets us believe. @throws GatewayError AGREEMENT_UNKNOWN_VERSION */
  underRef(ref: AgreementRef): Agreement {
    const agreement = this.byDigest.get(ref.digest);
    if (agreement && agreement.ref.id === ref.id && agreement.ref.version === ref.version) return agreement;
    throw new GatewayError('AGREEMENT_UNKNOWN_VERSION', { id: ref.id, version: ref.version });
  }

  trustUnder(ref: AgreementRef): Trust {
    return this.underRef(ref).trust;
  }

  /** The version under which to send to a peer now. @throws GatewayError AGREEMENT_MISSING, AGREEMENT_NOT_IN_FORCE */
  current(peer: string, at: Date): Agreement {
    const shared = this.all().filter((agreement) => trustedParty(agreement.trust, peer) && peer !== this.node);
    if (shared.length === 0) throw new GatewayError('AGREEMENT_MISSING', { peer });
    const agreement = shared.filter((candidate) => inForce(candidate, at)).sort(newestFirst)[0];
    if (!agreement) throw new GatewayError('AGREEMENT_NOT_IN_FORCE', { peer });
    return agreement;
  }

  /** @throws GatewayError AGREEMENT_MISSING, AGREEMENT_NOT_IN_FORCE */
  peer(node: string, at: Date): Peer {
    const agreement = this.current(node, at);
    const endpoints = agreement.content.parties.find((party) => party.node === node)!.endpoints;
    return { party: trustedParty(agreement.trust, node)!, endpoints };
  }

  /** Every node with which an agreement is in force. */
  peers(at: Date): string[] {
    const nodes = this.all()
      .filter((agreement) => inForce(agreement, at))
      .flatMap((agreement) => agreement.trust.parties.map((party) => party.node));
    return [...new Set(nodes)].filter((node) => node !== this.node).sort();
  }

  /** Roots that may certify peers: what TLS is told to believe. Never empty where it is used, see `PeerListener`. */
  anchors(at: Date): Certificate[] {
    const certificates = this.peers(at).flatMap((node) => this.peer(node, at).party.anchors);
    return [...new Map(certificates.map((certificate) => [certificate.fingerprint, certificate])).values()];
  }

  /**
   * Who is at the other end of a TLS connection. TLS has shown that the key is there and that some pinned root signed;
   * which party may use that root is decided here.
   * @throws GatewayError PEER_UNKNOWN, PEER_CERTIFICATE_REFUSED
   */
  identify(der: Uint8Array | undefined): string {
    if (!der) throw new GatewayError('PEER_UNKNOWN', { reason: 'no-certificate' });
    const at = this.now();
    const certificate = Certificate.parse(der);
    const fingerprint = digestFromRaw(Buffer.from(certificate.fingerprint, 'hex'));
    const node = this.peers(at).find((candidate) => nodeUrn(candidate) === certificate.urn);
    if (!node) throw new GatewayError('PEER_UNKNOWN', { fingerprint });
    const problem = checkChain(certificate, this.peer(node, at).party.anchors, at, 'node', nodeUrn(node));
    if (problem) throw new GatewayError('PEER_CERTIFICATE_REFUSED', { node, problem: problem.code, fingerprint });
    return node;
  }
}

function newestFirst(a: Agreement, b: Agreement): number {
  return b.ref.version - a.ref.version;
}
