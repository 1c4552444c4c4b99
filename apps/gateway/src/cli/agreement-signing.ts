import {
  type Agreement,
  type AgreementContent,
  type AgreementFile,
  type AgreementParty,
  type AgreementProposal,
  agreementFileBytes,
  type Certificate,
  checkChain,
  checkSuccession,
  digestOf,
  encodeVkey,
  hasCode,
  parseProposal,
  readTimeAuthorities,
  type Signer,
  sealProblem,
  sealUrn,
  signAgreement,
  signAgreementByLogKey,
  signaturesDue,
  type TrustedParty,
  trustedParty,
  withSignature,
} from '@jieqiao/core';
import { type KeyRing, type NodeConfig, TimestampClient } from '@jieqiao/platform';
import type { Gateway } from '../gateway';
import { chinaDate } from '../words';
import { cardOf } from './agreement-text';
import { type Cli, Stop } from './command';
import { clockOf } from './node';
import type { Profile } from './own-card';

/**
 * What this node holds under our name in somebody's text must be ours: whoever could slip in a root of his own would
 * speak for us.
 * @throws Stop
 */
export function mustStateOurKeys(content: AgreementContent, keys: KeyRing, profile: Profile): void {
  const node = keys.nodeId;
  const party = content.parties.find((candidate) => candidate.node === node);
  if (!party) {
    throw new Stop({ zh: '{node} 不是这份协议的当事方', en: '{node} is no party of this agreement' }, { node });
  }
  const roots = new Set(keys.roots.map((root) => root.raw.toString('base64')));
  const own = [...keys.seals, ...keys.nodes].map(({ certificate }) => certificate);
  const foreign = party.anchors.some((anchor) => {
    if (typeof anchor === 'string') return !roots.has(anchor);
    const known = profile.issuers.find(({ certificate }) => certificate === anchor.certificate)?.speakers ?? [];
    return !anchor.speakers.every(
      (speaker) =>
        known.some((one) => JSON.stringify(one) === JSON.stringify(speaker)) ||
        own.some((certificate) =>
          'fingerprint' in speaker
            ? certificate.fingerprint === speaker.fingerprint
            : certificate.subject === speaker.subject,
        ),
    );
  });
  const logs = keys.logs.map(({ key }) => encodeVkey(key));
  if (!foreign && logs.includes(party.logVkey)) return;
  throw new Stop(
    {
      zh: '协议里写的本方{what}不是本节点的：可能用了旧名片，也可能被人改过。不要签署；把最新的名片交给起草方（jieqiao card --out），请其重新起草',
      en: 'The text states a {what} for this node that is not its own: an old card, or somebody changed it. Do not sign; give the drafter your newest card (jieqiao card --out)',
    },
    { what: foreign ? { zh: '根证书', en: 'root' } : { zh: '日志密钥', en: 'log key' } },
  );
}

/**
 * The parties that no agreement of ours has introduced yet. New keys of a known party need no call: the version before
 * demands that its old keys sign them in.
 */
export function strangersIn(content: AgreementContent, gateway: Gateway, own: string) {
  const before = gateway.agreements.versions(content.id).at(-1)?.content.parties ?? [];
  const known = gateway.agreements.all().flatMap((agreement) => agreement.content.parties);
  const keysOf = ({ node, anchors, logVkey }: AgreementParty) => JSON.stringify([node, anchors, logVkey]);
  return content.parties
    .filter(({ node }) => node !== own && !before.some((party) => party.node === node))
    .filter((party) => !known.some((other) => keysOf(other) === keysOf(party)))
    .map(cardOf);
}

/**
 * Refuses a version that could never be taken in after those held; what signatures it lacks does not matter yet.
 * @throws GatewayError AGREEMENT_FORKED, AGREEMENT_ROLLED_BACK, AGREEMENT_VERSION_GAP, AGREEMENT_MALFORMED,
 *   AGREEMENT_SIGNATURE_INVALID {reason: 'key-unknown'}
 */
export function mustFollow(proposal: AgreementProposal, newest: Agreement | null): void {
  if (!newest) return;
  try {
    checkSuccession({ ...proposal, bytes: Buffer.alloc(0) }, newest);
  } catch (error) {
    const unsigned = hasCode(error, 'AGREEMENT_SIGNATURE_INVALID') && error.params.reason !== 'key-unknown';
    if (!unsigned) throw error;
  }
}

/**
 * Adds every signature that this node owes: by its seal, and where its keys change by the keys of the version before.
 * @param previous the newest version held, or null
 * @throws Stop when a key that is needed is not here
 */
export function signOwn(file: AgreementFile, previous: Agreement | null, keys: KeyRing, now: Date): AgreementProposal {
  const node = keys.nodeId;
  let proposal = parseProposal(agreementFileBytes(file));
  // One signature may do for two: look again after each.
  for (let due = ownDue(proposal, previous, node); due !== undefined; due = ownDue(proposal, previous, node)) {
    const content = proposal.content;
    const before = due.endsWith('-before');
    const party = trustedParty((before ? previous! : proposal).trust, node)!;
    const jws =
      due === 'seal' || due === 'seal-before'
        ? signAgreement(content, sealFor(party, content, keys, now))
        : signByLog(content, party.logVkey, keys);
    proposal = parseProposal(agreementFileBytes(withSignature(proposal.file, node, jws)));
  }
  return proposal;
}

function ownDue(proposal: AgreementProposal, previous: Agreement | null, node: string) {
  return signaturesDue(proposal, previous).find((one) => one.node === node)?.due;
}

/** The newest seal that may sign this text for the party, and is good today. @throws Stop */
function sealFor(party: TrustedParty, content: AgreementContent, keys: KeyRing, now: Date): Signer {
  const revocation = { crls: keys.crls, at: now };
  const good = ({ certificate }: { certificate: Certificate }) =>
    !sealProblem(certificate, party, content) &&
    !checkChain(certificate, party.anchors, now, 'seal', sealUrn(party.node), revocation);
  const seal = keys.seals.find(good);
  if (seal) return seal;
  const newest = keys.seals[0]?.certificate;
  const today = newest && checkChain(newest, party.anchors, now, 'seal', sealUrn(party.node), revocation);
  const then = newest && sealProblem(newest, party, content);
  throw new Stop(
    today || !then
      ? {
          zh: '没有可用的印章来签这份协议（{problem}）。jieqiao key list 可见各印章；换发用 jieqiao key rotate seal',
          en: 'No seal here can sign this text ({problem}). See jieqiao key list; jieqiao key rotate seal makes a new one',
        }
      : {
          zh: '到协议生效时（{date}），没有一枚印章还能用（{problem}）：把 --from 提前，或到时再签',
          en: 'When it begins ({date}) no seal here is good any more ({problem}): an earlier --from, or sign it nearer the date',
        },
    { problem: (today ?? then)?.code ?? 'UNKNOWN_ISSUER', date: chinaDate(content.effective.from) },
  );
}

/** @throws Stop */
function signByLog(content: AgreementContent, vkey: string, keys: KeyRing): string {
  const log = keys.logs.find(({ key }) => encodeVkey(key) === vkey);
  if (log) return signAgreementByLogKey(content, log.privateKey, vkey);
  throw new Stop(
    {
      zh: '换日志密钥须用新旧两把签署，而 {vkey} 不在这里：把它放回 keys 目录再签',
      en: 'A change of the log key is signed by the old and the new one, and {vkey} is not here: put it back into keys',
    },
    { vkey: vkey.split('+')[1] },
  );
}

/**
 * Adds time-stamps to this node's seal signatures, where the settings name a service and the text an authority: then the
 * signature outlives its certificate. A service that does not answer is no reason not to sign.
 */
export async function stampOwn(proposal: AgreementProposal, node: string, cli: Cli, config: NodeConfig) {
  const authorities = readTimeAuthorities(proposal.content.timeAuthorities);
  const client = new TimestampClient(config.timestamps, clockOf(cli, config));
  if (!client.configured || authorities.length === 0) return proposal;
  let { file } = proposal;
  for (const { node: signer, jws, certificate, timestamp } of proposal.signatures) {
    if (signer !== node || certificate === null || timestamp !== null) continue;
    try {
      const { token } = await client.stamp(digestOf(Buffer.from(jws)), authorities);
      file = withSignature(file, node, jws, token.toString('base64'));
    } catch (error) {
      if (!hasCode(error, 'TIMESTAMP_UNAVAILABLE')) throw error;
      const tried = Array.isArray(error.params.tried) ? (error.params.tried as readonly string[]) : [];
      cli.terminal.note(
        cli.terminal.say(
          {
            zh: '没有盖上时间戳（{tried}）；签名照样有效',
            en: 'No time-stamp was had ({tried}); the signature is good all the same',
          },
          { tried },
        ),
      );
    }
  }
  return parseProposal(agreementFileBytes(file));
}
