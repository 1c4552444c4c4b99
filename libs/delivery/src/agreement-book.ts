import type { AuditLog } from '@jieqiao/audit';
import {
  type Agreement,
  type AgreementParty,
  type AgreementRef,
  type AgreementSignature,
  anchorOf,
  Certificate,
  type ChainProblem,
  type Crl,
  checkChain,
  checkSuccession,
  clockSkewMs,
  type Digest,
  digestFromRaw,
  digestOf,
  type ErrorCode,
  effectiveUntil,
  encodeVkey,
  GatewayError,
  hasCode,
  inForce,
  invalidSignature,
  type NoteSigner,
  nameProblem,
  nodeUrn,
  parseAgreement,
  powersOf,
  type RevocationReason,
  type Trust,
  type TrustedParty,
  trustedParty,
  versionInForce,
} from '@jieqiao/core';
import { blobBuffer, type Database, insertRows, type KeyRing, lockName, type TlsIdentity } from '@jieqiao/platform';
import { Column, Entity, In, PrimaryColumn } from 'typeorm';

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
  /** Roots under which its certificate may stand in TLS now, see `AgreementBook.believed`. */
  roots: readonly Certificate[];
  /** What is wrong with a certificate that it shows in TLS, at that moment; null when nothing is. */
  certificateProblem(leaf: Certificate, at: Date): ChainProblem | null;
}

/** Longest time that any node may be told to keep delivering an envelope (`lane.envelopeHours`). */
const maxEnvelopeLifeMs = 720 * 3_600_000;
/** A seal revoked for another reason than these may be in other hands. */
const merelyReplaced: ReadonlySet<RevocationReason> = new Set([
  'superseded',
  'cessation-of-operation',
  'affiliation-changed',
]);
/** Refused texts that are remembered, so that the same one offered every minute does not fill the log. */
const maxRefused = 1_000;

/**
 * The agreements this node has signed: the only source of whom it believes. Old versions stay for ever, because old
 * transfers are judged by them.
 */
export class AgreementBook {
  private readonly byDigest = new Map<Digest, Agreement>();
  /** Held versions by agreement id, oldest first. */
  private readonly byId = new Map<string, Agreement[]>();
  private readonly refused = new Set<string>();
  private governing: { at: number; agreements: Agreement[] } | null = null;
  private believing: { second: number; agreements: Agreement[] } | null = null;
  /** Called after another version has come in, by whatever way. */
  onChange: () => void = () => undefined;

  /**
   * @param keys this node's keys as they are now
   * @param crls all revocation lists at hand, this node's own among them
   * @param checkTerms throws for terms that the rules can't read: better now than when somebody wants to send
   */
  constructor(
    private readonly db: Database,
    private readonly audit: AuditLog,
    private readonly keys: () => KeyRing,
    private readonly crls: () => readonly Crl[],
    private readonly now: () => Date,
    private readonly checkTerms: (agreement: Agreement) => void = () => undefined,
  ) {}

  get node(): string {
    return this.keys().nodeId;
  }

  /** Reads what this process does not know yet: all at the start, then what other processes have imported. */
  async refresh(): Promise<void> {
    const listed = await this.db.read((tx) => tx.find(AgreementRow, { select: { digest: true } }));
    const fresh = listed.map(({ digest }) => digest).filter((digest) => !this.byDigest.has(digest));
    if (fresh.length === 0) return;
    const rows = await this.db.read((tx) => tx.findBy(AgreementRow, { digest: In(fresh) }));
    for (const row of rows) this.hold(parseAgreement(row.document));
    this.onChange();
  }

  /**
   * Takes an agreement in; taking the same one again changes nothing. A refused one is logged.
   *
   * The first version of an agreement is whatever comes: a party may join later. What follows must follow: by number,
   * by digest, and signed with the keys of the version before.
   * @throws GatewayError AGREEMENT_MALFORMED, AGREEMENT_SIGNATURE_INVALID, AGREEMENT_FORKED, AGREEMENT_ROLLED_BACK,
   *   AGREEMENT_VERSION_GAP
   */
  async import(bytes: Uint8Array): Promise<Agreement> {
    let agreement: Agreement | null = null;
    try {
      agreement = parseAgreement(bytes);
      const known = this.byDigest.get(agreement.ref.digest);
      if (known) return known;
      this.mustBeOurs(agreement);
      this.refuseStolenSeals(agreement.signatures);
      this.checkTerms(agreement);
      await this.take(agreement);
    } catch (error) {
      if (hasCode(error) && error.code.startsWith('AGREEMENT_')) {
        await this.logRefusal(agreement?.ref ?? null, error.code, digestOf(bytes));
      }
      throw error;
    }
    this.onChange();
    return agreement;
  }

  /**
   * A seal that its authority has given up as stolen signs nothing in, whenever the signature claims to be from: whoever
   * has it could put his own root in the place of the authority's. What was taken in before stays. A seal that was
   * merely replaced has signed what it has signed.
   * @throws GatewayError AGREEMENT_SIGNATURE_INVALID {party, reason: 'seal-revoked'}
   */
  refuseStolenSeals(signatures: readonly AgreementSignature[]): void {
    for (const { node, certificate } of signatures) {
      if (!certificate) continue;
      const entries = this.crls()
        .filter(({ issuer }) => issuer === certificate.issuer)
        .flatMap((crl) => crl.entry(certificate.serial) ?? []);
      if (entries.some(({ reason }) => !merelyReplaced.has(reason))) throw invalidSignature(node, 'seal-revoked');
    }
  }

  all(): Agreement[] {
    return [...this.byDigest.values()];
  }

  /** Held versions of one agreement, oldest first. */
  versions(id: string): readonly Agreement[] {
    return this.byId.get(id) ?? [];
  }

  /** The version in force at a moment, as far as this node knows. */
  versionAt(id: string, at: Date): Agreement | null {
    return versionInForce(this.versions(id), at);
  }

  /** One version of each agreement that is in force. */
  inForce(at: Date): readonly Agreement[] {
    if (this.governing?.at !== at.getTime()) {
      const agreements = [...this.byId.values()].flatMap((versions) => versionInForce(versions, at) ?? []);
      this.governing = { at: at.getTime(), agreements };
    }
    return this.governing.agreements;
  }

  /** What an envelope's agreement lets us believe. @throws GatewayError AGREEMENT_UNKNOWN_VERSION */
  underRef(ref: AgreementRef): Agreement {
    const agreement = this.byDigest.get(ref.digest);
    if (agreement && agreement.ref.id === ref.id && agreement.ref.version === ref.version) return agreement;
    throw new GatewayError('AGREEMENT_UNKNOWN_VERSION', { id: ref.id, version: ref.version });
  }

  /** With the revocation lists of today. @throws GatewayError AGREEMENT_UNKNOWN_VERSION */
  trustUnder(ref: AgreementRef): Trust {
    return { ...this.underRef(ref).trust, crls: this.crls() };
  }

  /**
   * The version that an envelope names, which must be the one in force when it was issued. The other side may have
   * heard of a successor a little later than we: within the clocks' tolerance the version before is still good.
   * @throws GatewayError AGREEMENT_UNKNOWN_VERSION, AGREEMENT_NOT_IN_FORCE, AGREEMENT_SUPERSEDED
   */
  judge(ref: AgreementRef, issuedAt: Date): Agreement {
    const agreement = this.underRef(ref);
    const { id, version } = ref;
    if (!inForce(agreement, issuedAt)) throw new GatewayError('AGREEMENT_NOT_IN_FORCE', { id, version });
    const before = new Date(issuedAt.getTime() - clockSkewMs).toISOString();
    const successor = this.versions(id).find(
      (later) => later.ref.version > version && later.content.effective.from <= before,
    );
    if (successor) throw new GatewayError('AGREEMENT_SUPERSEDED', { id, version, by: successor.ref.version });
    return agreement;
  }

  /**
   * An authority acts within its time and until another has taken its powers over.
   * @throws GatewayError AUTHORITY_SUCCEEDED {node, successor}, AGREEMENT_NOT_IN_FORCE {node} outside its own time
   */
  mustHavePowers(agreement: Agreement, node: string, at: Date): void {
    const holder = powersOf(agreement.trust, node, at);
    if (holder && holder.node !== node) throw new GatewayError('AUTHORITY_SUCCEEDED', { node, successor: holder.node });
    const { from = null, to = null } = trustedParty(agreement.trust, node)?.validity ?? {};
    const time = at.toISOString();
    if ((from !== null && time < from) || (to !== null && time >= to)) {
      throw new GatewayError('AGREEMENT_NOT_IN_FORCE', { id: agreement.ref.id, node });
    }
  }

  /** Who deals with a party's matters at a moment: itself, or whoever has taken its powers over. */
  handledBy(node: string, at: Date): string {
    const agreement = this.naming(node).find((candidate) => inForce(candidate, at));
    return (agreement && powersOf(agreement.trust, node, at)?.node) ?? node;
  }

  /** The parties whose matters a node deals with: itself, and whose powers it has taken over. */
  actsFor(node: string, at: Date): string[] {
    const parties = this.inForce(at).flatMap((agreement) => agreement.trust.parties.map((party) => party.node));
    return [...new Set([node, ...parties.filter((party) => this.handledBy(party, at) === node)])];
  }

  /**
   * The version under which to send to a peer; of several agreements with it, the one that began last.
   * @throws GatewayError AGREEMENT_MISSING, AGREEMENT_NOT_IN_FORCE
   */
  current(peer: string, at: Date): Agreement {
    const agreement = this.currentWith(peer, at);
    if (agreement) return agreement;
    const known = peer !== this.node && this.naming(peer).length > 0;
    throw new GatewayError(known ? 'AGREEMENT_NOT_IN_FORCE' : 'AGREEMENT_MISSING', { peer });
  }

  /** The same, or null. */
  currentWith(peer: string, at: Date): Agreement | null {
    const shared = this.inForce(at).filter(({ trust }) => peer !== this.node && trustedParty(trust, peer));
    return shared.sort(latestBeginning)[0] ?? null;
  }

  /** @throws GatewayError AGREEMENT_MISSING, AGREEMENT_NOT_IN_FORCE */
  peer(node: string, at: Date): Peer {
    return this.peerUnder(this.current(node, at), node, at);
  }

  /** The same by a version that names the node and is in force or to come. */
  peerUnder(agreement: Agreement, node: string, at: Date): Peer {
    const endpoints = agreement.content.parties.find((party) => party.node === node)!.endpoints;
    const parties = this.believed(at).flatMap(({ trust }) => trustedParty(trust, node) ?? []);
    return {
      party: trustedParty(agreement.trust, node)!,
      endpoints,
      roots: rootsOf(parties),
      certificateProblem: (leaf, moment) => this.certificateProblem(leaf, node, moment),
    };
  }

  /** Every node with which an agreement is in force. */
  peers(at: Date): string[] {
    const nodes = this.inForce(at).flatMap(({ trust }) => trust.parties.map((party) => party.node));
    return [...new Set(nodes)].filter((node) => node !== this.node).sort();
  }

  /** Roots that may certify peers: what TLS is told to believe. Never empty where it is used, see `PeerListeners`. */
  anchors(at: Date): Certificate[] {
    const parties = this.believed(at).flatMap(({ trust }) => trust.parties);
    return rootsOf(parties.filter((party) => party.node !== this.node));
  }

  /** What this node shows in TLS, to one peer or to all. @throws GatewayError CERTIFICATE_REFUSED */
  identity(at: Date, peer?: string): TlsIdentity {
    const agreements = peer === undefined ? this.inForce(at) : [this.current(peer, at)];
    return this.keys().tls(agreements.length > 0 ? agreements : this.believed(at), at);
  }

  /**
   * Who is at the other end of a TLS connection. TLS has shown that the key is there and that some pinned root signed;
   * which party may use that root is decided here.
   * @throws GatewayError PEER_UNKNOWN, PEER_CERTIFICATE_REFUSED
   */
  identify(der: Uint8Array | undefined, at = this.now()): string {
    if (!der) throw new GatewayError('PEER_UNKNOWN', { reason: 'no-certificate' });
    const certificate = Certificate.parse(der);
    const fingerprint = digestFromRaw(Buffer.from(certificate.fingerprint, 'hex'));
    const parties = this.believed(at).flatMap(({ trust }) => trust.parties);
    const named = parties.filter((party) => party.node !== this.node && speaksFor(certificate, party, at));
    const nodes = [...new Set(named.map((party) => party.node))];
    const [node, another] = nodes.filter((candidate) => !this.certificateProblem(certificate, candidate, at));
    // Two parties that one certificate speaks for: it proves neither.
    if (another) throw new GatewayError('PEER_CERTIFICATE_REFUSED', { node, problem: 'AMBIGUOUS', fingerprint });
    if (node) return node;
    const [refused] = nodes;
    if (!refused) throw new GatewayError('PEER_UNKNOWN', { fingerprint });
    const problem = this.certificateProblem(certificate, refused, at)!.code;
    throw new GatewayError('PEER_CERTIFICATE_REFUSED', { node: refused, problem, fingerprint });
  }

  /**
   * The log keys that sign a checkpoint now: from the newest back to the oldest that a version names under which an
   * envelope may still come. So the receipt for an envelope always verifies by the key of the version that it names,
   * and a key stands under every checkpoint before the first version that names it is known to all processes.
   */
  logSigners(at: Date): readonly NoteSigner[] {
    const { logs } = this.keys();
    const needed = this.neededLogKeys(at);
    const oldest = logs.findLastIndex(({ key }) => needed.has(encodeVkey(key)));
    return logs.slice(0, Math.max(oldest, 0) + 1);
  }

  /** Verifier keys of this node's log that envelopes may still name, through their agreement. */
  neededLogKeys(at: Date): ReadonlySet<string> {
    const since = new Date(at.getTime() - maxEnvelopeLifeMs);
    const vkeys = this.lasting(since).flatMap(({ trust }) => trustedParty(trust, this.node)?.logVkey ?? []);
    return new Set(vkeys);
  }

  /**
   * The versions whose roots are believed in TLS: in force, begun a little later by the peer's clock, and to begin. A
   * connection outlives the moment at which a root is replaced; what comes over it is judged by itself.
   */
  private believed(at: Date): readonly Agreement[] {
    const second = Math.floor(at.getTime() / 1000);
    if (this.believing?.second !== second) {
      this.believing = { second, agreements: this.lasting(new Date(second * 1000 - clockSkewMs)) };
    }
    return this.believing.agreements;
  }

  /** The versions that were in force after a moment, or are to come. */
  private lasting(since: Date): Agreement[] {
    const time = since.toISOString();
    return this.all().filter((agreement) => effectiveUntil(agreement, this.versions(agreement.ref.id)) > time);
  }

  /** Null when any of the versions believed accepts it; otherwise the first thing that one has against it. */
  private certificateProblem(leaf: Certificate, node: string, at: Date): ChainProblem | null {
    const revocation = { crls: this.crls(), at };
    let found: ChainProblem | null = null;
    for (const { trust } of this.believed(at)) {
      const anchors = trustedParty(trust, node)?.anchors ?? [];
      const problem = checkChain(leaf, anchors, at, 'node', nodeUrn(node), revocation);
      if (!problem) return null;
      // Of a version with other roots there is nothing more to say.
      if (!found || found.code === 'UNKNOWN_ISSUER') found = problem;
    }
    return found ?? { code: 'UNKNOWN_ISSUER', subject: leaf.subject };
  }

  /** Held versions with a party, the latest first. */
  private naming(node: string): Agreement[] {
    return this.all()
      .filter(({ trust }) => trustedParty(trust, node))
      .sort(latestBeginning);
  }

  /**
   * All signatures hold under roots that the text itself brings: anybody can make such a text. That it is this node's
   * agreement shows in that a seal of its own has signed it, and that its log is the one that is named.
   */
  private mustBeOurs({ trust, signatures }: Agreement): void {
    const { seals, knownLogKeys } = this.keys();
    const party = trustedParty(trust, this.node);
    if (!party) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'not-a-party' });
    const own = new Set(seals.map(({ certificate }) => certificate.fingerprint));
    const signed = signatures.some(
      ({ node, certificate }) => node === this.node && certificate && own.has(certificate.fingerprint),
    );
    if (!signed) throw invalidSignature(this.node, 'not-our-seal');
    if (!knownLogKeys.some((key) => encodeVkey(key) === party.logVkey))
      throw invalidSignature(this.node, 'not-our-log-key');
  }

  /** Checked against what the database holds, one import at a time: two processes can't take in two futures. */
  private async take(agreement: Agreement): Promise<void> {
    const { id, version, digest } = agreement.ref;
    await this.db.transaction(async (tx) => {
      await lockName(tx, this.db.dialect, 'agreement-book');
      const rows = await tx.findBy(AgreementRow, { agreementId: id });
      for (const row of rows) if (!this.byDigest.has(row.digest)) this.hold(parseAgreement(row.document));
      if (this.byDigest.has(digest)) return;
      mustFollow(agreement, this.versions(id));
      const importedAt = this.now().toISOString();
      await insertRows(tx, AgreementRow, [{ digest, agreementId: id, version, document: agreement.bytes, importedAt }]);
      await this.audit.append(tx, { event: 'agreement.imported', subject: { agreement: agreement.ref } });
    });
    this.hold(agreement);
  }

  private async logRefusal(agreement: AgreementRef | null, code: ErrorCode, digest: Digest): Promise<void> {
    const key = `${code} ${digest}`;
    if (this.refused.has(key)) return;
    const subject = { agreement, code, digest };
    await this.db.transaction((tx) => this.audit.append(tx, { event: 'agreement.refused', subject }));
    if (this.refused.size >= maxRefused) this.refused.clear();
    this.refused.add(key);
  }

  private hold(agreement: Agreement): void {
    const { digest, id } = agreement.ref;
    if (this.byDigest.has(digest)) return;
    this.byDigest.set(digest, agreement);
    const versions = [...this.versions(id), agreement].sort((a, b) => a.ref.version - b.ref.version);
    this.byId.set(id, versions);
    this.governing = null;
    this.believing = null;
  }
}

/** @throws GatewayError AGREEMENT_FORKED, AGREEMENT_ROLLED_BACK, AGREEMENT_VERSION_GAP, or as `checkSuccession` */
function mustFollow(agreement: Agreement, held: readonly Agreement[]): void {
  const { id, version } = agreement.ref;
  if (held.some(({ ref }) => ref.version === version)) throw new GatewayError('AGREEMENT_FORKED', { id, version });
  const newest = held.at(-1);
  if (newest) checkSuccession(agreement, newest);
}

/**
 * Version numbers say nothing across agreements: one that was made anew, after all keys were lost, begins at 1 again.
 * Within an agreement no version begins before the one that it follows.
 */
function latestBeginning(a: Agreement, b: Agreement): number {
  const [from, other] = [a.content.effective.from, b.content.effective.from];
  if (from !== other) return from < other ? 1 : -1;
  return b.ref.version - a.ref.version;
}

/** Whether or not it is good: by its URN, or, of a public certification authority, by what the agreement says of it. */
function speaksFor(certificate: Certificate, party: TrustedParty, at: Date): boolean {
  const anchor = anchorOf(certificate, party.anchors, at);
  return nodeUrn(party.node) === certificate.urn || (!!anchor?.speakers && !nameProblem(certificate, anchor, 'node'));
}

function rootsOf(parties: readonly TrustedParty[]): Certificate[] {
  const roots = parties.flatMap(({ anchors }) => anchors.map(({ certificate }) => certificate));
  return [...new Map(roots.map((root) => [root.fingerprint, root])).values()];
}
