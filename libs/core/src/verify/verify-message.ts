import { verify } from 'node:crypto';
import type { Agreement } from '../agreement/agreement';
import { digestOf } from '../encoding';
import { type Envelope, parseEnvelope } from '../envelope/envelope';
import { openCheckpointNote, parseCheckpointBody } from '../log/checkpoint';
import { type LogEntry, parseLogEntry } from '../log/entry';
import { leafHash, verifyInclusion } from '../log/merkle';
import { type Note, type NoteKey, parseNote, parseVkey } from '../log/note';
import { parseTlogProof, type TlogProof } from '../log/tlog-proof';
import { logOrigin } from '../names';
import type { TrustedParty } from '../trust';
import { type GivenTrust, type Judge, judgesAt, versionOf } from './given-trust';
import { type Attributed, judgeEnvelope } from './judge-signer';
import { Findings } from './report';
import { certificateFacts, reasonOf } from './verify-bundle';

export interface VerifiedEnvelope {
  findings: Findings;
  /** Null when it could not be read. */
  envelope: Envelope | null;
  /** Null when it is nobody's whom we know. */
  signature: Attributed | null;
}

/** Checks an envelope's bytes, which are the compact JWS and nothing else. Its lifetime is for delivery, not asked here. */
export function verifyEnvelopeFile(file: string, bytes: Uint8Array, trust: GivenTrust): VerifiedEnvelope {
  const findings = new Findings(file, 'envelope');
  findings.facts.digest = digestOf(bytes);
  let envelope: Envelope;
  try {
    // One byte, one character: what is not ASCII is no Base64 either.
    envelope = parseEnvelope(Buffer.from(bytes).toString('latin1'));
    findings.pass('envelope.form');
  } catch (error) {
    findings.fail('envelope.form', ...reasonOf(error));
    return { findings, envelope: null, signature: null };
  }
  const { claims, certificate, signature } = envelope;
  findings.facts.signer = certificateFacts(certificate);
  findings.facts.signedAt = new Date(claims.iat * 1000).toISOString();
  findings.facts.agreement = claims.agreement;
  findings.facts.envelope = {
    id: claims.jti,
    from: claims.iss,
    to: claims.aud,
    kind: claims.kind === 'transfer' ? claims.body.transferKind : claims.kind.toUpperCase(),
    number: claims.kind === 'transfer' ? claims.body.number : null,
    command: claims.kind === 'test' ? null : claims.body.message.command,
    dossier: claims.dossier,
    transfer: claims.transfer,
    seq: claims.seq,
    manifest: claims.bundle?.manifest ?? null,
    announced: claims.bundle?.files.length ?? 0,
  };
  const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' as const };
  const isP256 = certificate.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (isP256 && verify('sha256', Buffer.from(signature.input), key, signature.bytes))
    findings.pass('envelope.signature');
  else findings.fail('envelope.signature', isP256 ? 'signature' : 'algorithm');
  return { findings, envelope, signature: judgeEnvelope(findings, envelope, trust) };
}

export interface VerifiedReceipt {
  findings: Findings;
  /** Null when it could not be read. */
  entry: LogEntry | null;
}

/** Checks a `*.tlog-proof` file: the log entry in it, its place in the tree, and the log's signature over the tree. */
export function verifyReceiptFile(file: string, bytes: Uint8Array, trust: GivenTrust): VerifiedReceipt {
  const findings = new Findings(file, 'receipt');
  findings.facts.digest = digestOf(bytes);
  let proof: TlogProof;
  let note: Note;
  try {
    proof = parseTlogProof(bytes);
    note = parseNote(proof.checkpoint);
    findings.pass('receipt.form');
  } catch (error) {
    findings.fail('receipt.form', ...reasonOf(error));
    return { findings, entry: null };
  }
  const { size, root, origin } = parseCheckpointBody(note.text);
  const entry = readEntry(findings, proof);
  if (entry) {
    findings.facts.receipt = { ...entryFacts(entry), index: proof.index, treeSize: size, origin };
    if (origin === logOrigin(entry.node)) findings.pass('receipt.log', { node: entry.node, origin });
    else findings.fail('receipt.log', 'other-log', { node: entry.node, origin });
  }
  if (proof.extra && verifyInclusion(leafHash(proof.extra), proof.index, size, proof.hashes, root)) {
    findings.pass('receipt.inclusion', { index: proof.index, size });
  } else findings.fail('receipt.inclusion', 'not-included', { index: proof.index, size });
  checkCheckpoint(findings, note, origin, entry, trust);
  return { findings, entry };
}

function readEntry(findings: Findings, proof: TlogProof): LogEntry | null {
  if (!proof.extra) {
    findings.fail('receipt.entry', 'absent');
    return null;
  }
  try {
    const entry = parseLogEntry(proof.extra);
    findings.pass('receipt.entry', { event: entry.event, node: entry.node, time: entry.time });
    return entry;
  } catch (error) {
    findings.fail('receipt.entry', ...reasonOf(error));
    return null;
  }
}

function entryFacts(entry: LogEntry) {
  const facts = { event: entry.event, node: entry.node, time: entry.time };
  if (entry.event === 'envelope.received') {
    const { envelope, degree, outcome } = entry.subject;
    return { ...facts, envelope, degree, ...(outcome === null ? {} : { outcome }) };
  }
  if (entry.event === 'envelope.tested') return { ...facts, envelope: entry.subject.envelope };
  if (entry.event === 'envelope.refused') {
    return { ...facts, envelope: entry.subject.envelope, code: entry.subject.code };
  }
  return facts;
}

function checkCheckpoint(
  findings: Findings,
  note: Note,
  origin: string,
  entry: LogEntry | null,
  { agreements }: GivenTrust,
): void {
  if (agreements.length === 0) {
    for (const id of ['receipt.signer', 'receipt.checkpoint', 'receipt.cosignatures'] as const) {
      findings.unchecked(id, 'no-trust');
    }
    return;
  }
  const judges = logJudges(origin, entry, agreements);
  if (judges.length === 0) {
    findings.fail('receipt.signer', 'not-a-party', { origin });
    return;
  }
  // A log key changes only with the agreement: the right name with another key is somebody else.
  const signed = (key: NoteKey) => note.signatures.some(({ name, keyId }) => name === key.name && keyId.equals(key.id));
  const judge = judges.find(({ party }) => signed(parseVkey(party.logVkey)));
  if (!judge) {
    findings.fail('receipt.signer', 'no-signature-by-the-log', { origin });
    return;
  }
  // While a log's key changes, its checkpoints carry lines by the old one and the new one.
  const vkeys = agreements.flatMap(({ trust }) => trust.parties.map(({ logVkey }) => logVkey));
  const others = [...new Set(vkeys)].map(parseVkey).filter((key) => key.name === origin);
  try {
    openCheckpointNote(note, parseVkey(judge.party.logVkey), others);
    findings.pass('receipt.checkpoint');
  } catch (error) {
    findings.fail('receipt.checkpoint', ...reasonOf(error));
    return;
  }
  findings.facts.agreement = judge.agreement.ref;
  findings.pass('receipt.signer', { node: judge.party.node, authority: judge.party.authority });
  // Whoever reads a receipt sees all its signature lines, so a line that we can't answer for leaves a question open.
  const unknown = note.signatures.filter(
    ({ name, keyId }) => !others.some((key) => key.name === name && key.id.equals(keyId)),
  );
  const reason = unknown.every(({ name }) => name === origin) ? 'unknown-log-key' : 'unknown-witness';
  if (unknown.length > 0) findings.unchecked('receipt.cosignatures', reason, { unknown: unknown.length });
  else findings.pass('receipt.cosignatures', { signatures: note.signatures.length });
}

/** Whose log key may have signed: as the version says that the entry names, else those in force when it was logged. */
function logJudges(origin: string, entry: LogEntry | null, agreements: readonly Agreement[]): readonly Judge[] {
  const known = ({ node }: TrustedParty) => logOrigin(node) === origin;
  const ref = entry && 'agreement' in entry.subject ? entry.subject.agreement : null;
  const named = ref && versionOf(agreements, ref.digest);
  if (named) return judgesAt([named], new Date(entry!.time), known);
  return judgesAt(agreements, entry ? new Date(entry.time) : new Date(0), known);
}
