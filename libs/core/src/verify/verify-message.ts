import { verify } from 'node:crypto';
import { type Agreement, inForce, parseAgreement } from '../agreement/agreement';
import { digestOf } from '../encoding';
import { type Envelope, parseEnvelope } from '../envelope/envelope';
import { hasCode } from '../errors';
import { checkChain } from '../keys/certificate';
import { openCheckpointNote, parseCheckpointBody } from '../log/checkpoint';
import { type LogEntry, parseLogEntry } from '../log/entry';
import { leafHash, verifyInclusion } from '../log/merkle';
import { type Note, parseNote, parseVkey } from '../log/note';
import { parseTlogProof, type TlogProof } from '../log/tlog-proof';
import { logOrigin, nodeUrn } from '../names';
import { type TrustedParty, trustedParty } from '../trust';
import { Findings } from './report';
import { certificateFacts, reasonOf } from './verify-bundle';

export interface VerifiedEnvelope {
  findings: Findings;
  /** Null when it could not be read. */
  envelope: Envelope | null;
}

/** Checks an envelope's bytes, which are the compact JWS and nothing else. Its lifetime is for delivery, not asked here. */
export function verifyEnvelopeFile(file: string, bytes: Uint8Array, agreement: Agreement | null): VerifiedEnvelope {
  const findings = new Findings(file, 'envelope');
  findings.facts.digest = digestOf(bytes);
  let envelope: Envelope;
  try {
    // One byte, one character: what is not ASCII is no Base64 either.
    envelope = parseEnvelope(Buffer.from(bytes).toString('latin1'));
    findings.pass('envelope.form');
  } catch (error) {
    findings.fail('envelope.form', ...reasonOf(error));
    return { findings, envelope: null };
  }
  const { claims, certificate, signature } = envelope;
  findings.facts.signer = certificateFacts(certificate);
  findings.facts.signedAt = new Date(claims.iat * 1000).toISOString();
  findings.facts.agreement = claims.agreement;
  findings.facts.envelope = {
    id: claims.jti,
    from: claims.iss,
    to: claims.aud,
    kind: claims.body.transferKind,
    number: claims.body.number,
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
  if (agreement) checkEnvelopeParties(findings, envelope, agreement);
  else {
    for (const id of ['envelope.agreement', 'envelope.certificate', 'envelope.signer', 'envelope.recipient'] as const) {
      findings.unchecked(id, 'no-trust');
    }
  }
  return { findings, envelope };
}

function checkEnvelopeParties(findings: Findings, { claims, certificate }: Envelope, agreement: Agreement): void {
  const issuedAt = new Date(claims.iat * 1000);
  const named = claims.agreement;
  if (named.digest !== agreement.ref.digest) {
    // Another agreement, or another version of it, may well be in force: this one can't tell.
    findings.unchecked('envelope.agreement', 'other-agreement', { id: named.id, version: named.version });
  } else if (named.id !== agreement.ref.id || named.version !== agreement.ref.version) {
    findings.fail('envelope.agreement', 'name-and-digest-differ');
  } else if (!inForce(agreement, issuedAt)) findings.fail('envelope.agreement', 'not-in-force');
  else findings.pass('envelope.agreement', { id: named.id, version: named.version });

  const recipient = trustedParty(agreement.trust, claims.aud);
  if (claims.aud === claims.iss) findings.fail('envelope.recipient', 'to-itself', { node: claims.aud });
  else if (recipient) findings.pass('envelope.recipient', { node: claims.aud, authority: recipient.authority });
  else if (named.digest === agreement.ref.digest)
    findings.fail('envelope.recipient', 'not-a-party', { node: claims.aud });
  else findings.unchecked('envelope.recipient', 'other-agreement', { node: claims.aud });

  const issuer = trustedParty(agreement.trust, claims.iss);
  if (!issuer) {
    findings.fail('envelope.signer', 'not-a-party', { node: claims.iss });
    return;
  }
  const problem = checkChain(certificate, issuer.anchors, issuedAt, 'node', nodeUrn(claims.iss));
  if (problem?.code === 'UNKNOWN_ISSUER') {
    findings.fail('envelope.signer', problem.code, { node: claims.iss });
    return;
  }
  findings.pass('envelope.signer', { node: claims.iss, authority: issuer.authority });
  if (findings.facts.signer) findings.facts.signer.authority = issuer.authority;
  if (problem) findings.fail('envelope.certificate', problem.code);
  else findings.pass('envelope.certificate');
}

export interface VerifiedReceipt {
  findings: Findings;
  /** Null when it could not be read. */
  entry: LogEntry | null;
}

/** Checks a `*.tlog-proof` file: the log entry in it, its place in the tree, and the log's signature over the tree. */
export function verifyReceiptFile(file: string, bytes: Uint8Array, agreement: Agreement | null): VerifiedReceipt {
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
  checkCheckpoint(findings, note, origin, agreement);
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
    return { ...facts, envelope, degree, outcome };
  }
  if (entry.event === 'envelope.refused') {
    return { ...facts, envelope: entry.subject.envelope, code: entry.subject.code };
  }
  return facts;
}

function checkCheckpoint(findings: Findings, note: Note, origin: string, agreement: Agreement | null): void {
  if (!agreement) {
    for (const id of ['receipt.signer', 'receipt.checkpoint', 'receipt.cosignatures'] as const) {
      findings.unchecked(id, 'no-trust');
    }
    return;
  }
  const party = agreement.trust.parties.find((candidate) => logOrigin(candidate.node) === origin);
  if (!party) {
    findings.fail('receipt.signer', 'not-a-party', { origin });
    return;
  }
  try {
    const key = parseVkey(party.logVkey);
    // A log key changes only with the agreement: the right name with another key is somebody else.
    if (!note.signatures.some(({ name, keyId }) => name === key.name && keyId.equals(key.id))) {
      findings.fail('receipt.signer', 'no-signature-by-the-log', { origin });
      return;
    }
    openCheckpointNote(note, key);
    findings.pass('receipt.checkpoint');
  } catch (error) {
    findings.fail('receipt.checkpoint', ...reasonOf(error));
    return;
  }
  findings.pass('receipt.signer', { node: party.node, authority: party.authority });
  checkCosignatures(findings, note, party);
}

/** Whoever reads a receipt sees all its signature lines, so a line that we can't answer for leaves a question open. */
function checkCosignatures(findings: Findings, note: Note, party: TrustedParty): void {
  const key = parseVkey(party.logVkey);
  const others = note.signatures.filter(({ name, keyId }) => name !== key.name || !keyId.equals(key.id));
  if (others.length === 0) findings.pass('receipt.cosignatures', { signatures: note.signatures.length });
  else findings.unchecked('receipt.cosignatures', 'unknown-witness', { unknown: others.length });
}

/**
 * Checks an agreement file. That all parties signed it is checked from the file alone; that the roots in it are really
 * theirs can't be, so it is valid only where the verifier was told to trust exactly this text.
 */
export function verifyAgreementFile(file: string, bytes: Uint8Array, trusted: Agreement | null): Findings {
  const findings = new Findings(file, 'agreement');
  let agreement: Agreement;
  try {
    agreement = parseAgreement(bytes);
  } catch (error) {
    if (hasCode(error, 'AGREEMENT_SIGNATURE_INVALID')) {
      findings.pass('agreement.form');
      findings.fail('agreement.signatures', ...reasonOf(error));
    } else findings.fail('agreement.form', ...reasonOf(error));
    return findings;
  }
  findings.pass('agreement.form');
  findings.pass('agreement.signatures', { parties: agreement.content.parties.length });
  const { title, effective, parties } = agreement.content;
  findings.facts.digest = agreement.ref.digest;
  findings.facts.agreement = {
    ...agreement.ref,
    title,
    from: effective.from,
    to: effective.to,
    parties: parties.map((party) => party.authority),
  };
  if (!trusted) findings.unchecked('agreement.trusted', 'no-trust');
  else if (trusted.ref.digest === agreement.ref.digest) findings.pass('agreement.trusted');
  else findings.unchecked('agreement.trusted', 'other-agreement');
  return findings;
}
