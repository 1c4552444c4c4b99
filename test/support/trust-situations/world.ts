import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Agreement,
  type AgreementAnchor,
  type AgreementContent,
  type AgreementParty,
  type Anchor,
  Certificate,
  Crl,
  type CrlRequest,
  checkChain,
  digestOf,
  type EnvelopeClaims,
  encodeLogEntry,
  formatTlogProof,
  GatewayError,
  issueCrl,
  type LogEvent,
  leafHash,
  logOrigin,
  type NoteSigner,
  nextVersion,
  nodeHash,
  nodeUrn,
  noteSigner,
  officerUrn,
  openEnvelope,
  parseAgreement,
  planBundle,
  type Report,
  type Revocation,
  type SealedBundle,
  type Signer,
  sealBundle,
  sealUrn,
  signCheckpoint,
  signEnvelope,
  type Trust,
  trustedParty,
  type Verdict,
  verifyFiles,
  verifySeal,
  writeZip,
} from '@jieqiao/core';
import { agreementOf, sealedBy } from '../agreement';
import {
  extensions,
  type Keyed,
  keyedOf,
  nameOf,
  type OddCertificate,
  oddCertificate,
  pairOf,
  rootUsage,
  signerOf,
} from '../odd-certificates';
import {
  collect,
  makeAgreement,
  makeParty,
  nothing,
  type Party,
  sealedAt,
  smallFiles,
  sourceOf,
  verifiedAt,
} from '../sealed-exchange';

/** What somebody is told: a stable word, and what the words for it are filled with. */
export interface Said {
  word: string;
  params: Readonly<Record<string, unknown>>;
}

export interface Outcome {
  /** What a node says: `accepted`, or an error code and its reason. Null: no node is asked. */
  node: Said | null;
  /** What `jieqiao-verify` concludes; `refused`: it does not begin, exit code 2. Null: there is no file to give it. */
  verifier: Verdict | 'refused' | null;
  /** Its checks that were not answered with yes, each with its reason. */
  checks: readonly Said[];
  /** Null: openssl can't express the question. */
  openssl: 'ok' | 'fail' | null;
}

/** How a certificate stands before `openssl verify`. */
export interface OpensslQuestion {
  leaf: string;
  roots: readonly Certificate[];
  between?: Certificate;
  at: Date;
  purpose: 'smimesign' | 'sslserver' | 'sslclient' | 'timestampsign';
  crl?: Crl;
}

export const hours = (n: number): number => n * 3_600_000;
export const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms);

const ids = {
  jti: '01900000-0000-7000-8000-000000000001',
  dossier: '01900000-0000-7000-8000-000000000002',
  transfer: '01900000-0000-7000-8000-000000000003',
};

/** Somebody's proof of time over an envelope. */
export interface ReceiptCase {
  at: Date;
  /** Whose log; the recipient's if left out. */
  by?: Party;
  event?: 'envelope.received' | 'envelope.refused' | 'envelope.tested';
  /** Given without the envelope, which would contradict it. */
  alone?: boolean;
}

interface Surroundings {
  agreement?: Agreement;
  /** Versions that the verifier is given beside the one above. */
  alsoGiven?: readonly Agreement[];
  crls?: readonly Crl[];
  /** When the node receives it. */
  received?: Date;
  /** The verifier's clock. */
  now?: Date;
  receipt?: ReceiptCase;
  /** What to ask openssl otherwise than usual; null: nothing. */
  openssl?: Partial<OpensslQuestion> | null;
}

export interface SealCase extends Surroundings {
  signer: Signer;
  signedAt?: Date;
  /** Whose seal it claims to be: who sends the envelope. */
  party?: Party;
  /** Changes bytes of the signature after sealing. */
  change?: (sealed: { manifest: Buffer; signature: Buffer }) => void;
}

export interface EnvelopeCase extends Surroundings {
  signer: Signer;
  claims?: Partial<EnvelopeClaims>;
  issuedAt?: Date;
  change?: (jws: string) => string;
}

export interface OfficerCase {
  certificate: Certificate;
  at?: Date;
  certNo?: string;
  anchors?: readonly Anchor[];
  revocation?: Revocation;
  openssl?: Partial<OpensslQuestion> | null;
}

/** Two parties with an agreement, strangers who look like them, and a certification authority that serves many. */
export class World {
  private constructor(
    /** For what openssl reads. */
    readonly dir: string,
    readonly pinghu: Party,
    readonly jinshan: Party,
    /** Everything as Pinghu's, but the keys. */
    readonly namesake: Party,
    readonly stranger: Party,
    readonly agreement: Agreement,
  ) {}

  static async make(dir: string): Promise<World> {
    const pinghu = await makeParty('pinghu.330482', '平湖市综合行政执法局');
    const jinshan = await makeParty('jinshan.310116', '上海市金山区城市管理行政执法局');
    const namesake = await makeParty('pinghu.330482', '平湖市综合行政执法局');
    const stranger = await makeParty('haiyan.330424', '海盐县综合行政执法局');
    return new World(dir, pinghu, jinshan, namesake, stranger, makeAgreement([pinghu, jinshan]));
  }

  root(party: Party = this.pinghu): Keyed {
    return keyedOf(party.root);
  }

  /** A seal of Pinghu's under its own root, with whatever is different. */
  seal(over: OddCertificate = {}): Keyed {
    const usual = [extensions.usage(0xc0), extensions.uris(sealUrn(this.pinghu.node))];
    return oddCertificate({ issuer: this.root(), extensions: usual, ...over });
  }

  node(over: OddCertificate = {}): Keyed {
    const tls = extensions.purposes('1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2');
    const usual = [extensions.usage(0x80), tls, extensions.uris(nodeUrn(this.pinghu.node))];
    return oddCertificate({ issuer: this.root(), extensions: usual, ...over });
  }

  /** A list of Pinghu's root, or another's, on which this certificate stands. */
  async crl(
    revoked: { certificate: Certificate; at: Date } | null,
    over: Partial<CrlRequest> = {},
    issuer = this.root(),
  ): Promise<Crl> {
    const entries = revoked
      ? [{ serial: revoked.certificate.serial, at: revoked.at, reason: 'key-compromise' as const }]
      : [];
    const usual = { number: 7, thisUpdate: later(verifiedAt, -hours(24)), nextUpdate: later(verifiedAt, hours(144)) };
    return Crl.parse(await issueCrl(pairOf(issuer), { ...usual, revoked: entries, ...over }));
  }

  /** The text of an agreement between the two, or others. */
  text(
    over: Partial<AgreementContent> = {},
    parties: readonly Party[] = [this.pinghu, this.jinshan],
  ): AgreementContent {
    return agreementOf(
      parties.map((party) => ({ ...party, root: this.root(party).certificate })),
      over,
    );
  }

  /** The same with something else written of one party. */
  textWith(content: AgreementContent, node: string, change: Partial<AgreementParty>): AgreementContent {
    const parties = content.parties.map((party) => (party.node === node ? { ...party, ...change } : party));
    return { ...content, parties };
  }

  /** An agreement in which Pinghu has more anchors than its root. */
  agreementWithAnchors(more: readonly (Anchor | Certificate)[]): Agreement {
    const anchors: AgreementAnchor[] = more.map((anchor) => {
      if (anchor instanceof Certificate) return anchor.raw.toString('base64');
      const certificate = anchor.certificate.raw.toString('base64');
      return anchor.speakers ? { certificate, speakers: anchor.speakers } : certificate;
    });
    const own = this.root().certificate.raw.toString('base64');
    const content = this.textWith(this.text(), this.pinghu.node, { anchors: [own, ...anchors] });
    return parseAgreement(sealedBy(content, [this.pinghu, this.jinshan]));
  }

  /** The version after ours, in which Pinghu has another root: signed by its old seal and by one under the new root. */
  rotatedRoot(from: Date): { next: Agreement; newRoot: Keyed; newSeal: Keyed } {
    const newRoot = oddCertificate({ subject: nameOf(['CN', '平湖新根证书']), extensions: rootUsage });
    const newSeal = this.seal({ issuer: newRoot });
    const { effective } = this.agreement.content;
    const next = nextVersion(this.agreement, { effective: { from: from.toISOString(), to: effective.to } });
    const anchors = [newRoot.certificate.raw.toString('base64')];
    const signers = [this.pinghu, { node: this.pinghu.node, seal: signerOf(newSeal) }, this.jinshan];
    return {
      next: parseAgreement(sealedBy(this.textWith(next, this.pinghu.node, { anchors }), signers)),
      newRoot,
      newSeal,
    };
  }

  async askSeal(given: SealCase): Promise<Outcome> {
    const { signer, signedAt = sealedAt, party = this.pinghu, agreement = this.agreement, crls = [] } = given;
    const contents = smallFiles();
    const sealed = sealBundle(contents, signer, signedAt);
    given.change?.(sealed);
    const bundle = await collect(writeZip(planBundle(sealed, contents), nothing));
    const issuedAt = later(signedAt, 2_000);
    const envelope = this.envelope(party.nodeSigner, issuedAt, agreement, sealed);
    const anchors = trustedParty(agreement.trust, party.node)?.anchors ?? [];
    const at = given.received ?? later(issuedAt, 1_250);
    const node = said(() => {
      const revocation = { crls, at };
      // As receive-envelope.ts does.
      const seal = verifySeal(sealed.manifest, sealed.signature, anchors, issuedAt, sealUrn(party.node), revocation);
      if (seal.problem) throw new GatewayError('BUNDLE_SIGNER_UNKNOWN', { problem: seal.problem.code });
    });
    const files: Record<string, Buffer> = { bundle };
    if (given.receipt) files.receipt = this.receipt(given.receipt, agreement, envelope, sealed);
    if (given.receipt && !given.receipt.alone) files.envelope = envelope;
    const { verifier, checks } = await this.verify(files, given, agreement);
    const openssl = this.openssl(given.openssl, {
      leaf: pemText(signer.certificate.raw),
      roots: anchors.map(({ certificate }) => certificate),
      at: signedAt,
      purpose: 'smimesign',
      crl: crls[0],
    });
    return { node, verifier, checks, openssl };
  }

  async askEnvelope(given: EnvelopeCase): Promise<Outcome> {
    const { signer, issuedAt = later(sealedAt, 2_000), agreement = this.agreement, crls = [] } = given;
    const jws = this.envelope(signer, issuedAt, agreement, null, given.claims).toString();
    const text = given.change?.(jws) ?? jws;
    const trust: Trust = { ...agreement.trust, crls };
    const node = said(() => openEnvelope(text, () => trust, given.received ?? later(issuedAt, 1_250)));
    const envelope = Buffer.from(text);
    const files: Record<string, Buffer> = { envelope };
    if (given.receipt) files.receipt = this.receipt(given.receipt, agreement, envelope, null);
    const { verifier, checks } = await this.verify(files, given, agreement);
    const issuer = given.claims?.iss ?? this.pinghu.node;
    const openssl = this.openssl(given.openssl, {
      leaf: pemText(signer.certificate.raw),
      roots: (trustedParty(trust, issuer)?.anchors ?? []).map(({ certificate }) => certificate),
      at: issuedAt,
      purpose: 'sslserver',
      crl: crls[0],
    });
    return { node, verifier, checks, openssl };
  }

  /** Officers sign nothing yet that is sent: their certificates stand before the same judge. */
  askOfficer(given: OfficerCase): Outcome {
    const { certificate, at = sealedAt, certNo = '330482-0001', revocation } = given;
    const anchors = given.anchors ?? trustedParty(this.agreement.trust, this.pinghu.node)!.anchors;
    const node = said(() => {
      const urn = officerUrn(this.pinghu.node, certNo);
      const problem = checkChain(certificate, anchors, at, 'officer', urn, revocation);
      if (problem) throw new GatewayError('CERTIFICATE_REFUSED', { problem: problem.code });
    });
    const openssl = this.openssl(given.openssl, {
      leaf: certificate.toPem(),
      roots: anchors.map((anchor) => anchor.certificate),
      at,
      purpose: 'smimesign',
      crl: revocation?.crls[0],
    });
    return { node, verifier: null, checks: [], openssl };
  }

  /** The verifier's answer about the first of the files. */
  async verify(
    files: Readonly<Record<string, Buffer>>,
    { crls = [], alsoGiven = [], now = verifiedAt }: Surroundings,
    ...agreements: readonly Agreement[]
  ): Promise<Pick<Outcome, 'verifier' | 'checks'>> {
    const given = Object.entries(files).map(([file, bytes]) => ({ file, source: sourceOf(bytes) }));
    let report: Report;
    try {
      [report] = (await verifyFiles(given, { agreements: [...agreements, ...alsoGiven], crls }, now)) as [Report];
    } catch (error) {
      return { verifier: 'refused', checks: [saidBy(error)] };
    }
    // What an earlier failure left open, and that no list was given, is the same in every row.
    const untold = ['earlier-failure', 'no-crl', 'predecessor-not-given'];
    const open = report.checks.filter(
      ({ result, params }) => result === 'fail' || (result !== 'pass' && !untold.includes(String(params.reason))),
    );
    const checks = open.map(({ id, params }) => ({ word: `${id} ${params.reason}`, params }));
    return { verifier: report.verdict, checks };
  }

  envelope(
    signer: Signer,
    issuedAt: Date,
    agreement: Agreement,
    sealed: SealedBundle | null,
    over: Partial<EnvelopeClaims> = {},
  ): Buffer {
    const iat = Math.floor(issuedAt.getTime() / 1000);
    const files = sealed ? smallFiles().slice(3) : [];
    const claims = {
      ...ids,
      iss: this.pinghu.node,
      aud: this.jinshan.node,
      iat,
      exp: iat + 86_400,
      kind: 'transfer',
      seq: 1,
      prev: null,
      agreement: agreement.ref,
      bundle: {
        manifest: sealed?.digest ?? digestOf(Buffer.from('manifest')),
        files: files.map(({ digest, bytes }) => ({ digest, bytes })),
      },
      body: { transferKind: 'LEAD', number: '平综执线移〔2022〕第31号', message: { command: 'send' } },
      ...over,
    } as EnvelopeClaims;
    return Buffer.from(signEnvelope(claims, signer));
  }

  receipt(
    given: ReceiptCase,
    agreement: Agreement,
    envelope: Buffer,
    sealed: SealedBundle | null,
    signers?: readonly NoteSigner[],
  ): Buffer {
    const by = given.by ?? this.jinshan;
    const named = { envelope: digestOf(envelope), jti: ids.jti, seq: 1, peer: this.pinghu.node };
    const received: LogEvent = {
      event: 'envelope.received',
      subject: {
        ...named,
        dossier: ids.dossier,
        transfer: ids.transfer,
        agreement: agreement.ref,
        degree: 'verified',
        kind: 'transfer',
        manifest: sealed?.digest ?? digestOf(Buffer.from('manifest')),
        outcome: 'sendable',
        report: digestOf(Buffer.from('report')),
      },
    };
    const events: Record<NonNullable<ReceiptCase['event']>, LogEvent> = {
      'envelope.received': received,
      'envelope.refused': { event: 'envelope.refused', subject: { ...named, code: 'REVOCATION_STALE' } },
      'envelope.tested': { event: 'envelope.tested', subject: { ...named, agreement: agreement.ref } },
    };
    const event = events[given.event ?? 'envelope.received'];
    return this.proof(event, by.node, given.at, signers ?? [noteSigner(logOrigin(by.node), by.logKey)]);
  }

  /** The proof of an entry in a log of three. */
  proof(event: LogEvent, node: string, at: Date, signers: readonly NoteSigner[]): Buffer {
    const entry = encodeLogEntry(event, { node, time: at.toISOString(), nonce: Buffer.alloc(16, 7) });
    const pair = nodeHash(leafHash(Buffer.from('other 0')), leafHash(Buffer.from('other 1')));
    const checkpoint = signCheckpoint(3, nodeHash(pair, leafHash(entry)), signers);
    return Buffer.from(formatTlogProof({ extra: entry, index: 2, hashes: [pair], checkpoint }));
  }

  /**
   * Paths of root and leaf (`-verify_depth 0`: nothing between), and keys and hashes of 112 bits of strength
   * (`-auth_level 2`), as our agreements have it.
   */
  openssl(over: Partial<OpensslQuestion> | null | undefined, usual: OpensslQuestion): Outcome['openssl'] {
    if (over === null) return null;
    const { leaf, roots, between, at, purpose, crl } = { ...usual, ...over };
    const path = (name: string) => join(this.dir, name);
    writeFileSync(path('leaf.pem'), leaf);
    writeFileSync(path('roots.pem'), roots.map((root) => root.toPem()).join(''));
    const args = ['verify', '-CAfile', path('roots.pem'), '-no-CApath', '-no-CAstore', '-purpose', purpose];
    args.push('-verify_depth', '0', '-auth_level', '2', '-attime', String(Math.floor(at.getTime() / 1000)));
    if (between) {
      writeFileSync(path('between.pem'), between.toPem());
      args.push('-untrusted', path('between.pem'));
    }
    if (crl) {
      writeFileSync(path('list.pem'), pemText(crl.raw, 'X509 CRL'));
      args.push('-crl_check', '-CRLfile', path('list.pem'));
    }
    const { status } = spawnSync('openssl', [...args, path('leaf.pem')], { stdio: 'ignore' });
    if (status === null) throw new Error('no openssl');
    return status === 0 ? 'ok' : 'fail';
  }

  /** A judge of another kind: any command of openssl, its exit code being the answer. */
  opensslSays(...args: string[]): Outcome['openssl'] {
    return spawnSync('openssl', args, { cwd: this.dir, stdio: 'ignore' }).status === 0 ? 'ok' : 'fail';
  }

  write(name: string, bytes: Buffer | string): string {
    const path = join(this.dir, name);
    writeFileSync(path, bytes);
    return path;
  }
}

export function pemText(raw: Buffer, what = 'CERTIFICATE'): string {
  const lines = raw.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${what}-----\n${lines.join('\n')}\n-----END ${what}-----\n`;
}

/** What a node says to an act of its own: `accepted`, or the code of the error with its reason. */
export function said(act: () => unknown): Said {
  try {
    act();
    return { word: 'accepted', params: {} };
  } catch (error) {
    return saidBy(error);
  }
}

export function saidBy(error: unknown): Said {
  if (!(error instanceof GatewayError)) throw error;
  const { code, params } = error;
  const reason = params.problem ?? params.reason;
  return { word: reason === undefined ? code : `${code} ${String(reason)}`, params };
}
