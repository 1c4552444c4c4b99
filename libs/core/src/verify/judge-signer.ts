import { type Agreement, inForce } from '../agreement/agreement';
import type { Cades } from '../bundle/cades';
import { clockSkewMs, type Envelope } from '../envelope/envelope';
import type { Certificate } from '../keys/certificate';
import { anchorOf, checkChain, nameProblem } from '../keys/chain';
import { nodeUrn, sealUrn } from '../names';
import { type Anchor, type TrustedParty, trustedParty } from '../trust';
import { type GivenTrust, type Judge, judgesAt, laterVersion, versionOf } from './given-trust';
import type { Findings } from './report';

/** The two signatures by certificate: what each is for, and who may make it. Prefixes of the checks. */
const signatures = {
  seal: { use: 'seal', urn: sealUrn },
  envelope: { use: 'node', urn: nodeUrn },
} as const;

/** A signature that is a party's. Left to ask is whether its certificate stood when it was made. */
export interface Attributed {
  kind: keyof typeof signatures;
  certificate: Certificate;
  agreement: Agreement;
  party: TrustedParty;
  /** The signer's own claim. */
  claimedAt: Date;
}

/**
 * Says whose a seal is.
 * @param named the version that an envelope given along names for it; otherwise those in force at the claimed time judge
 */
export function judgeSeal(
  findings: Findings,
  { signer, signingTime }: Cades,
  { agreements }: GivenTrust,
  named: Agreement | undefined,
): Attributed | null {
  if (agreements.length === 0) {
    const { notBefore, notAfter } = signer;
    findings.unchecked('seal.signer', 'no-trust');
    if (signingTime >= notBefore && signingTime <= notAfter) findings.unchecked('seal.certificate', 'no-trust');
    else findings.fail('seal.certificate', signingTime < notBefore ? 'NOT_YET_VALID' : 'EXPIRED');
    return null;
  }
  const { urn } = signer;
  // A certificate of an authority that serves others has no name of ours: any party may have listed it.
  const known = ({ node, anchors }: TrustedParty) => urn === sealUrn(node) || anchors.some(({ speakers }) => speakers);
  const judges = named ? judgesOf(named, known) : judgesAt(agreements, signingTime, known);
  return attribute(findings, 'seal', signer, signingTime, judges);
}

/** Asks an envelope's agreement, recipient and signer. The version that it names judges it, if it is given. */
export function judgeEnvelope(
  findings: Findings,
  { claims, certificate }: Envelope,
  { agreements }: GivenTrust,
): Attributed | null {
  if (agreements.length === 0) {
    for (const id of ['envelope.agreement', 'envelope.certificate', 'envelope.signer', 'envelope.recipient'] as const) {
      findings.unchecked(id, 'no-trust');
    }
    return null;
  }
  const issuedAt = new Date(claims.iat * 1000);
  const named = versionOf(agreements, claims.agreement.digest);
  checkNamedVersion(findings, claims.agreement, named, issuedAt, agreements);

  const at = (node: string) => {
    const known = (party: TrustedParty) => party.node === node;
    return named ? judgesOf(named, known) : judgesAt(agreements, issuedAt, known);
  };
  const node = claims.aud;
  const recipient = at(node)[0]?.party;
  if (node === claims.iss) findings.fail('envelope.recipient', 'to-itself', { node });
  else if (recipient) findings.pass('envelope.recipient', { node, authority: recipient.authority });
  else if (named) findings.fail('envelope.recipient', 'not-a-party', { node });
  else findings.unchecked('envelope.recipient', 'other-agreement', { node });

  return attribute(findings, 'envelope', certificate, issuedAt, at(claims.iss));
}

function checkNamedVersion(
  findings: Findings,
  { id, version }: Envelope['claims']['agreement'],
  named: Agreement | undefined,
  issuedAt: Date,
  agreements: readonly Agreement[],
): void {
  // Nodes learn of a new version by their own clocks, so both count for a while.
  const later = named && laterVersion(agreements, named, new Date(issuedAt.getTime() - clockSkewMs));
  // Another agreement, or another version of it, may well be in force: those at hand can't tell.
  if (!named) findings.unchecked('envelope.agreement', 'other-agreement', { id, version });
  else if (named.ref.id !== id || named.ref.version !== version) {
    findings.fail('envelope.agreement', 'name-and-digest-differ');
  } else if (!inForce(named, issuedAt)) findings.fail('envelope.agreement', 'not-in-force');
  else if (later) findings.fail('envelope.agreement', 'superseded', { id, version, later: later.ref.version });
  else findings.pass('envelope.agreement', { id, version });
}

/** Parties of a version that was named. Whether it was in force is asked of what names it. */
function judgesOf(agreement: Agreement, known: (party: TrustedParty) => boolean): Judge[] {
  return agreement.trust.parties.filter(known).map((party) => ({ agreement, party, inForce: true }));
}

function attribute(
  findings: Findings,
  kind: Attributed['kind'],
  certificate: Certificate,
  claimedAt: Date,
  judges: readonly Judge[],
): Attributed | null {
  const { use, urn } = signatures[kind];
  const signer = `${kind}.signer` as const;
  const answers = judges.map((judge) => {
    const anchor = anchorOf(certificate, judge.party.anchors, claimedAt);
    return { judge, no: anchor ? nameProblem(certificate, anchor, use, urn(judge.party.node)) : 'UNKNOWN_ISSUER' };
  });
  // A certificate that a party's own root made out to another name is that party's doing, and no good.
  const answer = answers.find(({ no }) => no === null) ?? answers.find(({ no }) => no === 'WRONG_NAME');
  if (!answer) {
    const reason = answers.some(({ no }) => no === 'NOT_A_SPEAKER') ? 'NOT_A_SPEAKER' : 'UNKNOWN_ISSUER';
    findings.fail(signer, answers.length === 0 ? 'not-a-party' : reason);
    return null;
  }
  const { agreement, party, inForce: governed } = answer.judge;
  const { node, authority } = party;
  const { id, version } = agreement.ref;
  const absence = absenceOf(party, claimedAt);
  if (absence) findings.fail(signer, absence, { node, authority });
  else if (governed) findings.pass(signer, { node, authority });
  else findings.unchecked(signer, 'no-agreement-in-force', { node, authority, id, version });
  if (findings.facts.signer) Object.assign(findings.facts.signer, { node, authority });
  findings.facts.agreement ??= agreement.ref;
  const problem = checkChain(certificate, party.anchors, claimedAt, use, urn(node));
  if (problem) findings.fail(`${kind}.certificate`, problem.code);
  else findings.pass(`${kind}.certificate`);
  return { kind, certificate, agreement, party, claimedAt };
}

/** Why an authority could not act at a moment, by what the agreement says of its beginning, its end and its successor. */
function absenceOf({ validity, successor }: TrustedParty, at: Date): string | null {
  const time = at.toISOString();
  if (validity.from !== null && time < validity.from) return 'authority-not-yet';
  if (successor && successor.from <= time) return 'authority-succeeded';
  return validity.to !== null && validity.to <= time ? 'authority-ended' : null;
}

/**
 * Asks whether the certificate stood: not expired, not revoked, its root not withdrawn. What counts is a moment at which
 * the signature is proven to have existed, else the verifier's now: a stolen key can write any time into a signature.
 */
export function judgeStanding(findings: Findings, signature: Attributed, trust: GivenTrust, now: Date): void {
  if (findings.passed(`${signature.kind}.certificate`)) judgeValidity(findings, signature, trust, now);
  judgeRevocation(findings, signature, trust, now);
}

function judgeValidity(findings: Findings, signature: Attributed, { agreements }: GivenTrust, now: Date): void {
  const { kind, certificate, agreement, party, claimedAt } = signature;
  const { use, urn } = signatures[kind];
  const { proven } = findings.facts;
  const problem = (anchors: readonly Anchor[], at: Date) =>
    checkChain(certificate, anchors, at, use, urn(party.node))?.code;
  const newer = laterVersion(agreements, agreement, now);
  const anchorsNow = newer && trustedParty(newer.trust, party.node)?.anchors;
  const disowned = anchorsNow && problem(anchorsNow, claimedAt);
  const withdrawn = disowned === 'UNKNOWN_ISSUER' || disowned === 'NOT_A_SPEAKER';
  const expired = problem(party.anchors, now) === 'EXPIRED';
  const id = `${kind}.still-valid` as const;
  if (!expired && !withdrawn) return;
  if (expired && (!proven || problem(party.anchors, new Date(proven.time)) === 'EXPIRED')) {
    const ends = [certificate, anchorOf(certificate, party.anchors, claimedAt)!.certificate].map(
      ({ notAfter }) => notAfter,
    );
    const notAfter = ends.reduce((a, b) => (a < b ? a : b)).toISOString();
    findings.unchecked(id, 'expired-without-proof-of-time', { notAfter });
  } else if (!proven) findings.unchecked(id, 'withdrawn-without-proof-of-time', { version: newer!.ref.version });
  else findings.pass(id, { time: proven.time, node: proven.node });
}

function judgeRevocation(findings: Findings, signature: Attributed, trust: GivenTrust, now: Date): void {
  const { kind, certificate, party, claimedAt } = signature;
  const { proven } = findings.facts;
  const anchor = anchorOf(certificate, party.anchors, claimedAt);
  const crls = trust.crls.filter((crl) => anchor && crl.issuedBy(anchor.certificate));
  const [newest] = [...crls].sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime());
  const id = `${kind}.revocation` as const;
  if (!newest) {
    findings.notAsked(id, trust.crls.length === 0 ? 'no-crl' : 'no-crl-of-issuer');
    return;
  }
  const [revoked] = crls
    .flatMap((crl) => crl.entry(certificate.serial)?.revokedAt ?? [])
    .sort((a, b) => a.getTime() - b.getTime());
  const provenAt = proven ? new Date(proven.time) : null;
  const list = { number: newest.number, thisUpdate: newest.thisUpdate.toISOString() };
  if (!revoked) findings.pass(id, list);
  else {
    const revokedAt = revoked.toISOString();
    if (revoked <= claimedAt || (provenAt && revoked <= provenAt)) {
      findings.fail(id, 'REVOKED', { revokedAt });
      return;
    }
    if (!proven) {
      findings.unchecked(id, 'revoked-without-proof-of-time', { revokedAt });
      return;
    }
    findings.pass(id, { reason: 'revoked-since', ...list, revokedAt, time: proven.time, node: proven.node });
  }
  // A list made after the proven moment stays conclusive for it; any other must be the latest.
  const nextUpdate = newest.nextUpdate.toISOString();
  const conclusive = provenAt !== null && newest.thisUpdate > provenAt;
  const ahead = newest.thisUpdate.getTime() > now.getTime() + clockSkewMs;
  if (ahead) findings.fail(`${kind}.crl-current`, 'crl-from-the-future', { nextUpdate });
  else if (conclusive || newest.nextUpdate >= now) findings.pass(`${kind}.crl-current`, { nextUpdate });
  else findings.fail(`${kind}.crl-current`, 'crl-stale', { nextUpdate });
}
