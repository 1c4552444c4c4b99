import { type Agreement, maxAgreementBytes } from '../agreement/agreement';
import { bundleMediaType, manifestName, signatureName } from '../bundle/asic';
import type { Cades } from '../bundle/cades';
import type { ByteSource } from '../bundle/zip';
import { base64url, type Digest } from '../encoding';
import { clockSkewMs, type Envelope, envelopeType } from '../envelope/envelope';
import type { LogEntry } from '../log/entry';
import { sealUrn } from '../names';
import { checkGivenTrust, type GivenTrust, versionOf } from './given-trust';
import { type Attributed, judgeSeal, judgeStanding } from './judge-signer';
import { type Facts, type FileKind, Findings, type Report } from './report';
import { judgeAgreements, verifyAgreementFile } from './verify-agreement';
import { verifyBundle } from './verify-bundle';
import { verifyEnvelopeFile, verifyReceiptFile } from './verify-message';

export interface FileToVerify {
  /** For showing only: what a file is, is told by its content. */
  file: string;
  source: ByteSource;
}

const headBytes = 4 * 1024;
const tailBytes = 64 * 1024;

/**
 * Checks files one by one, then against each other: a receipt should be for one of the envelopes beside it, an envelope
 * for one of the bundles; a receipt proves when both existed, and that decides over certificates that have run out or
 * were revoked since. Reports come in the order of the files.
 * @throws GatewayError as `checkGivenTrust` does
 */
export async function verifyFiles(files: readonly FileToVerify[], trust: GivenTrust, now: Date): Promise<Report[]> {
  checkGivenTrust(trust);
  const all: Verified[] = [];
  for (const { file, source } of files) all.push(await verifyOne(file, source, trust, now));
  judgeAgreements(all, trust.agreements);
  matchReceipts(all);
  judgeSeals(all, trust);
  matchBundles(all);
  for (const { findings, signature } of all) {
    if (!signature) continue;
    findings.facts.proven = earliestProof(all, findings, signature);
    judgeStanding(findings, signature, trust, now);
  }
  return all.map(({ findings }) => findings.report());
}

interface Verified {
  findings: Findings;
  seal?: Cades | null;
  envelope?: Envelope | null;
  signature?: Attributed | null;
  entry?: LogEntry | null;
  agreement?: Agreement | null;
}

async function verifyOne(file: string, source: ByteSource, trust: GivenTrust, now: Date): Promise<Verified> {
  const kind = await kindOf(source);
  if (kind === 'bundle') return verifyBundle(file, source, now);
  if (kind === 'unknown') {
    const findings = new Findings(file, kind);
    findings.unchecked('file.kind', (await isZip(source)) ? 'foreign-container' : 'unknown-format');
    return { findings };
  }
  const bytes = await source.read(0, source.size);
  if (kind === 'envelope') return verifyEnvelopeFile(file, bytes, trust);
  if (kind === 'receipt') return verifyReceiptFile(file, bytes, trust);
  return verifyAgreementFile(file, bytes);
}

/**
 * Tells what a file means to be. Each kind is known by marks in more than one place, so that damage to one of them
 * still gives "this bundle is damaged" and not "I don't know this file".
 */
export async function kindOf(source: ByteSource): Promise<FileKind> {
  const head = await source.read(0, Math.min(source.size, headBytes));
  const tailSize = Math.min(source.size, tailBytes);
  const tail = await source.read(source.size - tailSize, tailSize);
  const headText = head.toString('latin1');
  const tailText = tail.toString('latin1');
  if (zipMarks(head, tail)) {
    const ours = [manifestName, signatureName].some((name) => headText.includes(name) || tailText.includes(name));
    return ours || headText.includes(`mimetype${bundleMediaType}`) ? 'bundle' : 'unknown';
  }
  if (source.size > maxAgreementBytes) return 'unknown';
  if (headText.startsWith(envelopeMarks[0]) || headText.startsWith(envelopeMarks[1], envelopeMarkAt)) return 'envelope';
  if (headText.startsWith('c2sp.org/tlog-proof@') || tail.includes('\n\n— ')) return 'receipt';
  if (headText.startsWith('{"agreement":{') || headText.includes('"schema":"jieqiao/agreement/')) return 'agreement';
  return tailText.includes('"signatures":[{"jws":') ? 'agreement' : 'unknown';
}

async function isZip(source: ByteSource): Promise<boolean> {
  const head = await source.read(0, Math.min(source.size, headBytes));
  const tail = await source.read(source.size - Math.min(source.size, 22), Math.min(source.size, 22));
  return zipMarks(head, tail);
}

/** A local header at the start, one where our second entry begins, or an end record without a comment. */
function zipMarks(head: Buffer, tail: Buffer): boolean {
  const local = 'PK\u0003\u0004';
  const secondEntry = 30 + 'mimetype'.length + bundleMediaType.length;
  const starts = (at: number) => head.subarray(at, at + 4).equals(Buffer.from(local, 'latin1'));
  const end = tail.length >= 22 && tail.subarray(-22, -18).equals(Buffer.from('PK\u0005\u0006', 'latin1'));
  return starts(0) || starts(secondEntry) || end;
}

/** The constant beginning of an envelope's header, and the constant part behind the 64 digits of its `kid`. */
const envelopeMarkAt = 116;
const envelopeMarks = [
  base64url(Buffer.from('{"alg":"ES256","kid":"')).slice(0, 29),
  base64url(Buffer.from(`,"typ":"${envelopeType}","x5c"`)).slice(0, 40),
] as const;

type WithEnvelope = Verified & { envelope: Envelope };
const hasEnvelope = (one: Verified): one is WithEnvelope => Boolean(one.envelope);

/** A bundle is judged by the version that the envelope for it names, if that one is sound and not older than the seal. */
function judgeSeals(all: readonly Verified[], trust: GivenTrust): void {
  for (const one of all) {
    const { seal, findings: bundle } = one;
    if (!seal) continue;
    const earliest = seal.signingTime.getTime() - clockSkewMs;
    const named = all
      .filter(hasEnvelope)
      .filter(({ envelope }) => envelope.claims.bundle?.manifest === bundle.facts.digest)
      .filter(({ envelope }) => envelope.claims.iat * 1000 >= earliest)
      .find(({ findings }) => namingChecks.every((id) => findings.passed(id)));
    const version = named && versionOf(trust.agreements, named.envelope.claims.agreement.digest);
    one.signature = judgeSeal(bundle, seal, trust, version);
  }
}

const namingChecks = ['envelope.signature', 'envelope.signer', 'envelope.certificate', 'envelope.agreement'] as const;

function matchBundles(all: readonly Verified[]): void {
  const bundles = all.filter(({ findings }) => findings.kind === 'bundle');
  const envelopes = all.filter(hasEnvelope);
  const named = new Set(envelopes.map(({ envelope }) => envelope.claims.bundle?.manifest));
  const orphan = bundles.some(({ findings }) => !named.has(findings.facts.digest));
  for (const { findings, envelope } of envelopes) {
    const announced = envelope.claims.bundle;
    if (bundles.length === 0 || !announced) continue;
    const bundle = bundles.find((candidate) => candidate.findings.facts.digest === announced.manifest);
    if (!bundle) notBeside(findings, 'envelope.matches-bundle', orphan, { manifest: announced.manifest });
    else matchBundle(findings, envelope, bundle);
  }
}

function matchBundle(findings: Findings, { claims }: Envelope, { findings: bundle, signature }: Verified): void {
  const { files = [], signedAt, signer } = bundle.facts;
  const sizes = new Map(files.map((file) => [file.digest, file.bytes]));
  const wrong = claims.bundle?.files.find(({ digest, bytes }) => sizes.get(digest) !== bytes);
  const params = { bundle: bundle.file };
  // Without an agreement only the certificate itself can say whose it is.
  const bySigner = signature ? signature.party.node === claims.iss : signer?.urn === sealUrn(claims.iss);
  if (wrong) findings.fail('envelope.matches-bundle', 'file-differs', { ...params, digest: wrong.digest });
  else if (signer && !bySigner) findings.fail('envelope.matches-bundle', 'sealed-by-another', params);
  else findings.pass('envelope.matches-bundle', params);
  if (signedAt === undefined) findings.unchecked('envelope.after-seal', 'earlier-failure', params);
  else if (Date.parse(signedAt) > claims.iat * 1000 + clockSkewMs) {
    findings.fail('envelope.after-seal', 'sealed-later', { ...params, signedAt });
  } else findings.pass('envelope.after-seal', { ...params, signedAt });
}

function matchReceipts(all: readonly Verified[]): void {
  const envelopes = all.filter(hasEnvelope);
  const named = new Set(all.map(({ entry }) => (entry && 'envelope' in entry.subject ? entry.subject.envelope : null)));
  const orphan = envelopes.some(({ envelope }) => !named.has(envelope.digest));
  for (const { findings, entry } of all) {
    if (!entry || !('envelope' in entry.subject) || envelopes.length === 0) continue;
    const digest = entry.subject.envelope;
    if (digest === null) continue; // a step that told nobody
    const match = envelopes.find(({ envelope }) => envelope.digest === digest);
    if (!match) notBeside(findings, 'receipt.matches-envelope', orphan, { envelope: digest });
    else matchReceipt(findings, entry, match.envelope, match.findings.file);
  }
}

function matchReceipt(findings: Findings, entry: LogEntry, { claims }: Envelope, file: string): void {
  const params = { envelope: file };
  const isStep = 'side' in entry.subject;
  const sameWay = isStep
    ? entry.node === claims.iss || entry.node === claims.aud
    : entry.event === 'transfer.sent'
      ? entry.node === claims.iss && entry.subject.peer === claims.aud
      : entry.node === claims.aud && 'peer' in entry.subject && entry.subject.peer === claims.iss;
  const { agreement, ...subject } = { agreement: undefined, ...entry.subject };
  const said: Record<string, unknown> = { ...subject, agreement: agreement?.digest };
  const told: Record<string, unknown> = {
    jti: claims.jti,
    seq: claims.seq,
    dossier: claims.dossier,
    transfer: claims.transfer,
    manifest: claims.bundle?.manifest ?? null,
    agreement: claims.agreement.digest,
  };
  // A refusal may leave out what it could not read; what it does say must be so.
  const contradiction = Object.keys(told).find(
    (key) =>
      said[key] !== undefined && said[key] !== told[key] && !(entry.event === 'envelope.refused' && said[key] === null),
  );
  const taken = entry.event === 'envelope.received' || entry.event === 'envelope.tested';
  const kind: string = entry.event === 'envelope.received' ? entry.subject.kind : 'test';
  const otherKind = taken && kind !== claims.kind;
  const early = taken && Date.parse(entry.time) + clockSkewMs < claims.iat * 1000;
  if (!sameWay) findings.fail('receipt.matches-envelope', 'not-by-the-recipient', params);
  else if (otherKind) findings.fail('receipt.matches-envelope', 'contradicts', { ...params, field: 'kind' });
  else if (contradiction) findings.fail('receipt.matches-envelope', 'contradicts', { ...params, field: contradiction });
  else if (early) findings.fail('receipt.matches-envelope', 'received-before-issued', { ...params, time: entry.time });
  else findings.pass('receipt.matches-envelope', params);
}

/**
 * The earliest moment at which a log says that this existed. The signer's own log is no witness of that: whoever has
 * stolen its other keys, or means to back-date, would write there what he likes. Nor is a log that had it before its
 * signer says it was made: one of them is wrong.
 */
function earliestProof(all: readonly Verified[], { kind, facts }: Findings, signed: Attributed): Facts['proven'] {
  const proofs = all.flatMap(({ findings, entry }) => {
    if (!entry || !isSoundReceipt(findings) || entry.node === signed.party.node) return [];
    if (!provesExistence(entry, kind, facts.digest)) return [];
    if (Date.parse(entry.time) + clockSkewMs < signed.claimedAt.getTime()) return [];
    return { time: entry.time, node: entry.node, receipt: findings.file };
  });
  return proofs.sort((a, b) => (a.time < b.time ? -1 : 1))[0];
}

function isSoundReceipt(findings: Findings): boolean {
  const asked = ['receipt.entry', 'receipt.log', 'receipt.inclusion', 'receipt.checkpoint', 'receipt.signer'] as const;
  const beside = 'receipt.matches-envelope';
  return asked.every((id) => findings.passed(id)) && !findings.failed(beside);
}

function provesExistence(entry: LogEntry, kind: FileKind, digest: Digest | undefined): boolean {
  // A refused envelope was there as well, signature and all. A bundle's name says nothing of its seal, so only a
  // receipt says of a bundle that it was sealed: its giver has verified that.
  const { event, subject } = entry;
  if (event === 'envelope.received') return digest === (kind === 'bundle' ? subject.manifest : subject.envelope);
  const refusedOrTested = event === 'envelope.refused' || event === 'envelope.tested';
  return refusedOrTested && kind === 'envelope' && digest === subject.envelope;
}

/**
 * The other file is not among those given. If one of its kind is left over, the two were meant as a pair and don't fit;
 * otherwise it just isn't here.
 */
function notBeside(
  findings: Findings,
  id: 'envelope.matches-bundle' | 'receipt.matches-envelope',
  orphan: boolean,
  params: Record<string, string>,
): void {
  if (orphan) findings.fail(id, 'matches-none', params);
  else findings.unchecked(id, 'not-given', params);
}
