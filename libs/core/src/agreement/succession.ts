import { GatewayError } from '../errors';
import { trustedParty } from '../trust';
import {
  type Agreement,
  type AgreementContent,
  type AgreementProposal,
  checkContent,
  invalidSignature,
  sealProblem,
} from './agreement';
import type { Card } from './card';
import type { AgreementParty } from './party';

/**
 * The first version of a new agreement, signed by nobody.
 * @throws GatewayError AGREEMENT_MALFORMED
 */
export function draftAgreement(
  draft: Omit<AgreementContent, 'schema' | 'version' | 'previous' | 'parties'> & { parties: readonly Card[] },
): AgreementContent {
  const parties = draft.parties.map(partyFromCard);
  return checkContent({ ...draft, schema: 'jieqiao/agreement/v1', version: 1, previous: null, parties });
}

/** How a card enters an agreement: as it is. */
export function partyFromCard(card: Card): AgreementParty {
  const { schema, ...party } = card;
  return party;
}

/**
 * The text that follows a version, signed by nobody: the same but for what is given here.
 * @throws GatewayError AGREEMENT_MALFORMED
 */
export function nextVersion(
  previous: Pick<Agreement, 'content' | 'ref'>,
  changes: Partial<Omit<AgreementContent, 'schema' | 'id' | 'version' | 'previous'>>,
): AgreementContent {
  const { content, ref } = previous;
  return checkContent({ ...content, ...changes, version: ref.version + 1, previous: ref.digest });
}

/** By which key a party has yet to sign. `-before`: the key that the previous version names. */
export type SignatureDue = 'seal' | 'seal-before' | 'log-key' | 'log-key-before';

/**
 * What is still missing to a text before every node that holds `previous` takes it in. A party of the previous version
 * signs by keys of both versions (one signature does where the anchor stayed), and by both log keys when its log key
 * changed: nobody can slip new keys under another's name, and nobody can announce a key that he does not have.
 */
export function signaturesDue(
  next: Agreement | AgreementProposal,
  previous: Agreement | null,
): { node: string; due: SignatureDue }[] {
  return next.trust.parties.flatMap((party) => {
    const { node } = party;
    const signatures = next.signatures.filter((signature) => signature.node === node);
    const due: SignatureDue[] = [];
    if (!signatures.some(({ certificate, current }) => certificate && current)) due.push('seal');
    const before = previous ? trustedParty(previous.trust, node) : undefined;
    if (before) {
      const bySealBefore = signatures.some(
        ({ certificate }) => certificate && !sealProblem(certificate, before, next.content),
      );
      if (!bySealBefore) due.push('seal-before');
      if (before.logVkey !== party.logVkey) {
        if (!signatures.some(({ vkey }) => vkey === before.logVkey)) due.push('log-key-before');
        if (!signatures.some(({ vkey }) => vkey === party.logVkey)) due.push('log-key');
      }
    }
    return due.map((one) => ({ node, due: one }));
  });
}

/**
 * Whether a version may follow the newest one that is held. Taking the same file in again is no succession: ask by the
 * digest first.
 * @throws GatewayError AGREEMENT_FORKED, AGREEMENT_ROLLED_BACK, AGREEMENT_VERSION_GAP, AGREEMENT_MALFORMED
 *   (`previous`, `effective-before-previous`), AGREEMENT_SIGNATURE_INVALID (`not-by-the-key-before`,
 *   `log-key-not-shown`, `key-unknown`)
 */
export function checkSuccession(next: Agreement, previous: Agreement): void {
  const { id, version } = next.ref;
  const held = previous.ref.version;
  if (id !== previous.ref.id) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'previous', id });
  if (version === held) throw new GatewayError('AGREEMENT_FORKED', { id, version });
  if (version < held) throw new GatewayError('AGREEMENT_ROLLED_BACK', { id, version, held });
  if (version > held + 1) throw new GatewayError('AGREEMENT_VERSION_GAP', { id, version, held });
  if (next.content.previous !== previous.ref.digest) {
    throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'previous', id, version });
  }
  // An earlier beginning would, after the fact, take the ground from under what was sent under the version before.
  if (next.content.effective.from < previous.content.effective.from) {
    throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'effective-before-previous', id, version });
  }
  const [missing] = signaturesDue(next, previous);
  if (missing) {
    const bySeal = missing.due === 'seal' || missing.due === 'seal-before';
    throw invalidSignature(missing.node, bySeal ? 'not-by-the-key-before' : 'log-key-not-shown');
  }
  for (const { node, certificate, vkey, current } of next.signatures) {
    if (current) continue;
    // Neither text names this key: whoever added it, no party did.
    const before = trustedParty(previous.trust, node);
    const known = certificate ? before && !sealProblem(certificate, before, next.content) : vkey === before?.logVkey;
    if (!known) throw invalidSignature(node, 'key-unknown');
  }
}

/**
 * The version that governs at a moment: of those that have begun the highest, while its end has not come. Versions that
 * this node does not hold cannot count.
 * @param versions of one agreement
 */
export function versionInForce(versions: readonly Agreement[], at: Date): Agreement | null {
  const time = at.toISOString();
  const newest = versions
    .filter(({ content }) => content.effective.from <= time)
    .reduce<Agreement | null>((best, one) => (best && best.ref.version > one.ref.version ? best : one), null);
  return newest && time < newest.content.effective.to ? newest : null;
}

/** When a version ceases to be in force: at its own end, or when a later one of those begins. An instant. */
export function effectiveUntil(agreement: Agreement, versions: readonly Agreement[]): string {
  const { id, version } = agreement.ref;
  const later = versions.filter(({ ref }) => ref.id === id && ref.version > version);
  return [agreement.content.effective.to, ...later.map(({ content }) => content.effective.from)].sort()[0]!;
}
