import { type Agreement, maxAgreementBytes } from '../agreement/agreement';
import { bundleMediaType, manifestName, signatureName } from '../bundle/asic';
import type { ByteSource } from '../bundle/zip';
import { base64url } from '../encoding';
import { clockSkewMs, type Envelope, envelopeType } from '../envelope/envelope';
import type { LogEntry } from '../log/entry';
import { sealUrn } from '../names';
import { type FileKind, Findings, type Report } from './report';
import { verifyBundle } from './verify-bundle';
import { verifyAgreementFile, verifyEnvelopeFile, verifyReceiptFile } from './verify-message';

export interface FileToVerify {
  /** For showing only: what a file is, is told by its content. */
  file: string;
  source: ByteSource;
}

const headBytes = 4 * 1024;
const tailBytes = 64 * 1024;

/**
 * Checks files one by one, then against each other: a receipt should be for one of the envelopes beside it, an envelope
 * for one of the bundles. Reports come in the order of the files.
 */
export async function verifyFiles(
  files: readonly FileToVerify[],
  agreement: Agreement | null,
  now: Date,
): Promise<Report[]> {
  const all: Verified[] = [];
  for (const { file, source } of files) all.push(await verifyOne(file, source, agreement, now));
  matchBundles(all);
  matchReceipts(all);
  return all.map(({ findings }) => findings.report());
}

interface Verified {
  findings: Findings;
  envelope?: Envelope | null;
  entry?: LogEntry | null;
}

async function verifyOne(file: string, source: ByteSource, agreement: Agreement | null, now: Date): Promise<Verified> {
  const kind = await kindOf(source);
  if (kind === 'bundle') return { findings: await verifyBundle(file, source, agreement, now) };
  if (kind === 'unknown') {
    const findings = new Findings(file, kind);
    findings.unchecked('file.kind', (await isZip(source)) ? 'foreign-container' : 'unknown-format');
    return { findings };
  }
  const bytes = await source.read(0, source.size);
  if (kind === 'envelope') return verifyEnvelopeFile(file, bytes, agreement);
  if (kind === 'receipt') return verifyReceiptFile(file, bytes, agreement);
  return { findings: verifyAgreementFile(file, bytes, agreement) };
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

function matchBundles(all: readonly Verified[]): void {
  const bundles = all.filter(({ findings }) => findings.kind === 'bundle');
  const envelopes = all.filter((one): one is Verified & { envelope: Envelope } => Boolean(one.envelope));
  const named = new Set(envelopes.map(({ envelope }) => envelope.claims.bundle?.manifest));
  const orphan = bundles.some(({ findings }) => !named.has(findings.facts.digest));
  for (const { findings, envelope } of envelopes) {
    const announced = envelope.claims.bundle;
    if (bundles.length === 0 || !announced) continue;
    const bundle = bundles.find((candidate) => candidate.findings.facts.digest === announced.manifest);
    if (!bundle) notBeside(findings, 'envelope.matches-bundle', orphan, { manifest: announced.manifest });
    else matchBundle(findings, envelope, bundle.findings);
  }
}

function matchBundle(findings: Findings, { claims }: Envelope, bundle: Findings): void {
  const { files = [], signedAt, signer } = bundle.facts;
  const sizes = new Map(files.map((file) => [file.digest, file.bytes]));
  const wrong = claims.bundle?.files.find(({ digest, bytes }) => sizes.get(digest) !== bytes);
  const params = { bundle: bundle.file };
  if (wrong) findings.fail('envelope.matches-bundle', 'file-differs', { ...params, digest: wrong.digest });
  else if (signer && signer.urn !== sealUrn(claims.iss)) {
    findings.fail('envelope.matches-bundle', 'sealed-by-another', params);
  } else findings.pass('envelope.matches-bundle', params);
  if (signedAt === undefined) findings.unchecked('envelope.after-seal', 'earlier-failure', params);
  else if (Date.parse(signedAt) > claims.iat * 1000 + clockSkewMs) {
    findings.fail('envelope.after-seal', 'sealed-later', { ...params, signedAt });
  } else findings.pass('envelope.after-seal', { ...params, signedAt });
}

function matchReceipts(all: readonly Verified[]): void {
  const envelopes = all.filter((one): one is Verified & { envelope: Envelope } => Boolean(one.envelope));
  const named = new Set(all.map(({ entry }) => (entry && 'envelope' in entry.subject ? entry.subject.envelope : null)));
  const orphan = envelopes.some(({ envelope }) => !named.has(envelope.digest));
  for (const { findings, entry } of all) {
    if (!entry || !('envelope' in entry.subject) || envelopes.length === 0) continue;
    const digest = entry.subject.envelope;
    const match = envelopes.find(({ envelope }) => envelope.digest === digest);
    if (!match) notBeside(findings, 'receipt.matches-envelope', orphan, { envelope: digest });
    else matchReceipt(findings, entry, match.envelope, match.findings.file);
  }
}

function matchReceipt(findings: Findings, entry: LogEntry, { claims }: Envelope, file: string): void {
  const params = { envelope: file };
  const sameWay =
    entry.event === 'transfer.sent'
      ? entry.node === claims.iss && entry.subject.peer === claims.aud
      : entry.node === claims.aud && 'peer' in entry.subject && entry.subject.peer === claims.iss;
  const said: Record<string, unknown> = { ...entry.subject };
  const told: Record<string, unknown> = {
    jti: claims.jti,
    seq: claims.seq,
    dossier: claims.dossier,
    transfer: claims.transfer,
    manifest: claims.bundle?.manifest ?? null,
  };
  // A refusal may leave out what it could not read; what it does say must be so.
  const contradiction = Object.keys(told).find(
    (key) =>
      said[key] !== undefined && said[key] !== told[key] && !(entry.event === 'envelope.refused' && said[key] === null),
  );
  if (!sameWay) findings.fail('receipt.matches-envelope', 'not-by-the-recipient', params);
  else if (contradiction) findings.fail('receipt.matches-envelope', 'contradicts', { ...params, field: contradiction });
  else findings.pass('receipt.matches-envelope', params);
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
