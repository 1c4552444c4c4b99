import { type Agreement, parseAgreement } from '../agreement/agreement';
import { checkSuccession } from '../agreement/succession';
import { hasCode } from '../errors';
import { agreementSignatureTimes } from '../time/agreement-times';
import { versionOf } from './given-trust';
import { Findings } from './report';
import { reasonOf } from './verify-bundle';

export interface VerifiedAgreement {
  findings: Findings;
  /** Null when not all parties have signed it. */
  agreement: Agreement | null;
}

/** Checks an agreement file by itself: that all parties signed it. Whether it is to be trusted, `judgeAgreements` says. */
export function verifyAgreementFile(file: string, bytes: Uint8Array): VerifiedAgreement {
  const findings = new Findings(file, 'agreement');
  let agreement: Agreement;
  try {
    agreement = parseAgreement(bytes);
  } catch (error) {
    if (hasCode(error, 'AGREEMENT_SIGNATURE_INVALID')) {
      findings.pass('agreement.form');
      findings.fail('agreement.signatures', ...reasonOf(error));
    } else findings.fail('agreement.form', ...reasonOf(error));
    return { findings, agreement: null };
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
  checkTimestamps(findings, agreement);
  return { findings, agreement };
}

/** Signatures may carry the time at which they were made, by an authority that the agreement itself names. */
function checkTimestamps(findings: Findings, agreement: Agreement): void {
  const stamped = agreementSignatureTimes(agreement).filter(({ signature }) => signature.timestamp !== null);
  if (stamped.length === 0) return;
  const named = new Map<string, boolean>();
  for (const { signature, timestamp, problem } of stamped) {
    const { node } = signature;
    if (timestamp) {
      const { time, authority, demonstration } = timestamp;
      findings.pass('agreement.timestamps', { node, time: time.toISOString(), authority });
      named.set(authority, demonstration);
    } else {
      const [reason, params] = reasonOf(problem);
      findings.fail('agreement.timestamps', reason, { ...params, node });
    }
  }
  for (const [authority, demonstration] of named) {
    if (demonstration) findings.fail('agreement.time-authorities', 'demonstration', { authority });
    else findings.pass('agreement.time-authorities', { authority });
  }
}

/**
 * That the roots in an agreement are really its parties' can't be seen from the file: it is believed where the verifier
 * was told to trust exactly this text, or where it follows from such a text, version by version, by the keys of each.
 */
export function judgeAgreements(
  all: readonly { findings: Findings; agreement?: Agreement | null }[],
  trusted: readonly Agreement[],
): void {
  const given = all.flatMap(({ agreement }) => agreement ?? []);
  const known = [...trusted, ...given.filter(({ ref }) => !versionOf(trusted, ref.digest))];
  const believed = new Set(trusted.map(({ ref }) => ref.digest));
  for (const next of given.sort((a, b) => a.ref.version - b.ref.version)) {
    const previous = known.find(({ ref }) => ref.digest === next.content.previous);
    if (!previous || !believed.has(previous.ref.digest)) continue;
    if (refusal(next, previous) === null) believed.add(next.ref.digest);
  }
  for (const { findings, agreement } of all) {
    if (!agreement) continue;
    // Only texts that are believed count: a stranger's text under the same name takes nothing from the true one.
    judgeSuccession(
      findings,
      agreement,
      known.filter(({ ref }) => believed.has(ref.digest)),
    );
    if (versionOf(trusted, agreement.ref.digest)) findings.pass('agreement.trusted');
    else if (believed.has(agreement.ref.digest)) findings.pass('agreement.trusted', { reason: 'by-succession' });
    else findings.unchecked('agreement.trusted', trusted.length === 0 ? 'no-trust' : 'other-agreement');
  }
}

function judgeSuccession(findings: Findings, agreement: Agreement, believed: readonly Agreement[]): void {
  const { id, version, digest } = agreement.ref;
  const others = believed.filter(({ ref }) => ref.id === id && ref.digest !== digest);
  const twin = others.find(({ ref }) => ref.version === version);
  if (twin) {
    findings.fail('agreement.succession', 'AGREEMENT_FORKED', { version, digest: twin.ref.digest });
    return;
  }
  const next = others.find(({ ref }) => ref.version === version + 1);
  if (next && next.content.previous !== digest) {
    // The version after this one was made upon another text.
    findings.fail('agreement.succession', 'AGREEMENT_FORKED', { version, digest: next.content.previous ?? '' });
    return;
  }
  const previous = others.find(({ ref }) => ref.version === version - 1);
  if (!previous) {
    if (version > 1) findings.notAsked('agreement.succession', 'predecessor-not-given', { version: version - 1 });
    return;
  }
  const refused = refusal(agreement, previous);
  if (refused) findings.fail('agreement.succession', ...refused);
  else findings.pass('agreement.succession', { previous: previous.ref.version });
}

function refusal(next: Agreement, previous: Agreement): ReturnType<typeof reasonOf> | null {
  try {
    checkSuccession(next, previous);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}
