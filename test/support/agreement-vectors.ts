import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AgreementContent,
  type AgreementFile,
  type AgreementParty,
  agreementFileBytes,
  type Card,
  Certificate,
  cardBytes,
  cardFingerprint,
  createRoot,
  encodeVkey,
  type KeyAndCertificate,
  logOrigin,
  nextVersion,
  nodeUrn,
  noteKey,
  parseAgreement,
  partyFromCard,
  type Signer,
  sealUrn,
  signAgreement,
  signAgreementByLogKey,
} from '@jieqiao/core';
import { agreementOf, cardOf } from './agreement';
import { issue, makeParty, type Party, validity } from './sealed-exchange';

/** What reading a file must come to, and what taking it in after another one must. */
export interface AgreementVector {
  file: string;
  what: string;
  /** The version that is held; null for a first one. */
  after: string | null;
  /** `valid`, or the code and reason of the refusal. */
  expect: string;
}

/** A card with the digits that people read aloud. */
export interface CardVector {
  file: string;
  fingerprint: string;
}

const direction = (from: string, to: string, article: string) => ({
  from,
  to,
  legalBasis: [{ law: '行政处罚法', article }],
  families: ['construction-waste-dumping'],
  transferKinds: ['LEAD', 'CASE'],
  evidenceKinds: [{ kind: 'documentary', proposed: 'AFTER_REVIEW' }],
  timeLimits: [{ step: 'DECIDED', amount: 90, unit: 'calendar-days' }],
});

/**
 * Writes a new set of vectors, with new keys. A set once released is never written again: implementations of that
 * version were tested against these bytes.
 */
export async function writeAgreementVectors(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const vectors: AgreementVector[] = [];
  const add = async (
    file: string,
    what: string,
    after: string | null,
    expect: string,
    bytes: Uint8Array,
  ): Promise<void> => {
    vectors.push({ file, what, after, expect });
    await writeFile(join(folder, file), bytes);
  };
  const invalid = (reason: string) => `AGREEMENT_SIGNATURE_INVALID ${reason}`;
  const malformed = (reason: string) => `AGREEMENT_MALFORMED ${reason}`;

  const pinghu = await makeParty('pinghu.330482', '平湖市综合行政执法局');
  const jinshan = await makeParty('jinshan.310116', '上海市金山区城市管理行政执法局');
  const jiashan = await makeParty('jiashan.330421', '嘉善县综合行政执法局');
  const der = (root: KeyAndCertificate) => Certificate.parse(root.certificatePem);
  const base64 = (certificate: Certificate) => certificate.raw.toString('base64');
  const card = (party: Party): Card => cardOf({ ...party, root: der(party.root) });
  const by = (node: string, text: AgreementContent, seal: Signer) => ({ node, jws: signAgreement(text, seal) });
  const file = (agreement: AgreementContent, signatures: AgreementFile['signatures']) =>
    agreementFileBytes({ agreement, signatures });

  // Version 1: two parties.
  const content: AgreementContent = {
    ...agreementOf([pinghu, jinshan].map((party) => ({ ...party, root: der(party.root) }))),
    effective: { from: '2022-07-31T16:00:00.000Z', to: '2030-07-31T16:00:00.000Z' },
    terms: {
      directions: [direction(jinshan.node, pinghu.node, '22'), direction(pinghu.node, jinshan.node, '26')],
    },
  };
  const both = (text: AgreementContent) => [by(pinghu.node, text, pinghu.seal), by(jinshan.node, text, jinshan.seal)];
  const good = file(content, both(content));
  await add('good-1.json', 'two parties', null, 'valid', good);
  const first = parseAgreement(good);

  // Version 2: Pinghu has a new root and log key, Jinshan speaks under a certification authority, Jiashan joins.
  const newRoot = await createRoot({ organisation: pinghu.authority, commonName: '新根证书' }, validity, '31');
  const newSeal = await issue(newRoot, 'seal', sealUrn(pinghu.node), '32');
  const newLog = generateKeyPairSync('ed25519').privateKey;
  const vkey = (key: typeof newLog) => encodeVkey(noteKey(logOrigin(pinghu.node), key));
  const ca = await createRoot({ organisation: '某电子政务电子认证机构', commonName: '认证机构' }, validity, '41');
  const speaker = await issue(ca, 'seal', 'urn:uuid:00000000-0000-4000-8000-000000000001', '42');
  const customer = await issue(ca, 'seal', sealUrn(jinshan.node), '43');
  const rotated: Partial<AgreementParty> = { anchors: [base64(der(newRoot))], logVkey: vkey(newLog) };
  const parties = (over: Record<string, Partial<AgreementParty>>): AgreementParty[] =>
    [...first.content.parties, partyFromCard(card(jiashan))].map((party) => ({ ...party, ...over[party.node] }));
  const second = nextVersion(first, {
    effective: { from: '2023-07-31T16:00:00.000Z', to: '2031-07-31T16:00:00.000Z' },
    parties: parties({
      [pinghu.node]: rotated,
      [jinshan.node]: {
        anchors: [
          {
            certificate: base64(der(ca)),
            speakers: [{ use: 'seal', fingerprint: speaker.certificate.fingerprint }],
          },
        ],
        successor: { node: jiashan.node, from: '2029-12-31T16:00:00.000Z' },
      },
    }),
  });
  const oldLogSigns = (text: AgreementContent) => ({
    node: pinghu.node,
    jws: signAgreementByLogKey(text, pinghu.logKey, vkey(pinghu.logKey)),
  });
  const newLogSigns = (text: AgreementContent) => ({
    node: pinghu.node,
    jws: signAgreementByLogKey(text, newLog, vkey(newLog)),
  });
  const signers = {
    oldSeal: by(pinghu.node, second, pinghu.seal),
    newSeal: by(pinghu.node, second, newSeal),
    oldLog: oldLogSigns(second),
    newLog: newLogSigns(second),
    jinshanBefore: by(jinshan.node, second, jinshan.seal),
    jinshan: by(jinshan.node, second, speaker),
    jiashan: by(jiashan.node, second, jiashan.seal),
  };
  const without = (...names: (keyof typeof signers)[]) =>
    Object.entries(signers)
      .filter(([name]) => !names.includes(name as keyof typeof signers))
      .map(([, signature]) => signature);
  const after = 'good-1.json';
  const whole = file(second, without());
  await add('good-2.json', 'new keys of both, and a third party', after, 'valid', whole);
  await add('good-2-alone.json', 'the same, to one who joins with it', null, 'valid', whole);

  // Signatures.
  const jinshanBy = (seal: Signer) => file(content, [both(content)[0]!, by(jinshan.node, content, seal)]);
  const lookAlike = await makeParty(jinshan.node, jinshan.authority);
  const early = { notBefore: new Date('2021-01-01T00:00:00Z'), notAfter: new Date('2022-06-30T00:00:00Z') };
  const signatures: [name: string, what: string, reason: string, bytes: Uint8Array][] = [
    ['missing', 'Jinshan has not signed', 'missing', file(content, both(content).slice(0, 1))],
    ['twice', 'Pinghu’s seal twice', 'twice', file(content, [...both(content), both(content)[0]!])],
    [
      'stranger',
      'somebody besides the parties',
      'not-a-party',
      file(content, [...both(content), by(jiashan.node, content, jiashan.seal)]),
    ],
    ['other-party', 'Pinghu’s seal in Jinshan’s place', 'UNKNOWN_ISSUER', jinshanBy(pinghu.seal)],
    ['look-alike', 'the same names under another root', 'UNKNOWN_ISSUER', jinshanBy(lookAlike.seal)],
    [
      'other-root',
      'Jinshan’s name under Pinghu’s root',
      'UNKNOWN_ISSUER',
      jinshanBy(await issue(pinghu.root, 'seal', sealUrn(jinshan.node), '51')),
    ],
    [
      'other-name',
      'Pinghu’s name under Jinshan’s root',
      'WRONG_NAME',
      jinshanBy(await issue(jinshan.root, 'seal', sealUrn(pinghu.node), '52')),
    ],
    [
      'node-certificate',
      'by the machine, not the authority',
      'WRONG_USE',
      jinshanBy(await issue(jinshan.root, 'node', nodeUrn(jinshan.node), '53')),
    ],
    [
      'expired-seal',
      'by a seal that ended before the agreement began',
      'EXPIRED',
      jinshanBy(await issue(jinshan.root, 'seal', sealUrn(jinshan.node), '54', early)),
    ],
    [
      'altered-end',
      'the end moved after signing',
      'signature',
      file({ ...content, effective: { ...content.effective, to: '2099-07-31T16:00:00.000Z' } }, both(content)),
    ],
    [
      'altered-terms',
      'a family added after signing',
      'signature',
      Buffer.from(
        good.toString().replace('"construction-waste-dumping"', '"construction-waste-dumping","straw-burning"'),
      ),
    ],
  ];
  for (const [name, what, reason, bytes] of signatures) {
    await add(`bad-signature-${name}.json`, what, null, invalid(reason), bytes);
  }
  const other = without('jinshan').concat(by(jinshan.node, second, customer));
  await add(
    'bad-signature-not-a-speaker.json',
    'by another customer of the certification authority, under our name',
    null,
    invalid('missing'),
    file(second, other),
  );

  // Text.
  const [a, b] = content.parties as [AgreementParty, AgreementParty];
  const text = (over: Partial<AgreementContent>) => file({ ...content, ...over }, []);
  const pair = (one: Partial<AgreementParty>, two: Partial<AgreementParty> = {}) =>
    text({
      parties: [
        { ...a, ...one },
        { ...b, ...two },
      ],
    });
  const successor = (node: string) => ({ successor: { node, from: '2025-01-01T00:00:00.000Z' } });
  const texts: [name: string, what: string, reason: string, bytes: Uint8Array][] = [
    [
      'ends-first',
      'ends before it begins',
      'effective-range',
      text({ effective: { from: content.effective.to, to: content.effective.from } }),
    ],
    [
      'no-such-day',
      '30 February',
      'format',
      text({ effective: { ...content.effective, from: '2022-02-30T00:00:00.000Z' } }),
    ],
    ['no-predecessor', 'version 2 of nothing', 'previous', text({ version: 2 })],
    ['party-twice', 'a party twice', 'party-twice', text({ parties: [a, b, a] })],
    ['region', 'a region that is not the node’s', 'region', pair({ region: '330483' })],
    [
      'anchor-leaf',
      'an anchor that may not certify',
      'anchor-not-a-ca',
      pair({ anchors: [base64(pinghu.seal.certificate)] }),
    ],
    [
      'anchor-tail',
      'an anchor with a byte behind it',
      'anchor',
      pair({ anchors: [Buffer.concat([der(pinghu.root).raw, Buffer.of(0)]).toString('base64')] }),
    ],
    ['log-key', 'the log key of another node', 'log-key', pair({ logVkey: b.logVkey })],
    ['ring', 'each the other’s successor', 'successor-ring', pair(successor(b.node), successor(a.node))],
    [
      'speaker-shared',
      'one certificate for two parties',
      'speaker-twice',
      pair({ anchors: second.parties[1]!.anchors }, { anchors: second.parties[1]!.anchors }),
    ],
    ['unknown-member', 'a member that version 1 does not have', 'additionalProperties', text({ note: 1 } as never)],
    ['control-character', 'a title with an escape', 'pattern', text({ title: '协议\u001b[2J' })],
  ];
  for (const [name, what, reason, bytes] of texts) {
    await add(`bad-text-${name}.json`, what, null, malformed(reason), bytes);
  }
  const edited = (from: string, to: string) => Buffer.from(good.toString().replace(from, to));
  await add(
    'bad-form-duplicate-key.json',
    'a key twice',
    null,
    malformed('not-canonical'),
    edited('"version":1', '"version":1,"version":1'),
  );
  await add('bad-form-space.json', 'a space', null, malformed('not-canonical'), edited('"version":1', '"version": 1'));
  await add(
    'bad-form-line-feed.json',
    'a line feed at the end',
    null,
    malformed('not-canonical'),
    Buffer.from(`${good}\n`),
  );
  await add(
    'bad-form-deep.json',
    'nested too deep',
    null,
    malformed('too-deep'),
    edited('"terms":{', `"terms":{"a":${'['.repeat(14)}${']'.repeat(14)},`),
  );

  // Succession.
  const lacking = (name: keyof typeof signers) => file(second, without(name));
  await add(
    'bad-succession-seal-before.json',
    'a new root without the old seal',
    after,
    invalid('not-by-the-key-before'),
    lacking('oldSeal'),
  );
  await add(
    'bad-succession-seal.json',
    'a new root without the new seal',
    after,
    invalid('missing'),
    lacking('newSeal'),
  );
  await add(
    'bad-succession-speaker-before.json',
    'a new speaker without the root before',
    after,
    invalid('not-by-the-key-before'),
    lacking('jinshanBefore'),
  );
  await add(
    'bad-succession-log-before.json',
    'a new log key without the old one',
    after,
    invalid('log-key-not-shown'),
    lacking('oldLog'),
  );
  await add(
    'bad-succession-log.json',
    'a new log key that nobody has shown',
    after,
    invalid('log-key-not-shown'),
    lacking('newLog'),
  );
  await add('bad-succession-third.json', 'the third has not signed', after, invalid('missing'), lacking('jiashan'));
  await add(
    'bad-succession-key-unknown.json',
    'signed by a seal of neither version besides',
    after,
    invalid('key-unknown'),
    file(second, [...without(), by(pinghu.node, second, lookAlike.seal)]),
  );
  const signed = (over: AgreementContent) => file(over, both(over));
  const fork = { ...content, title: '另一份第一版' };
  await add('bad-succession-fork.json', 'another version 1', after, 'AGREEMENT_FORKED', signed(fork));
  const next = nextVersion(first, {});
  await add(
    'bad-succession-gap.json',
    'version 3 after version 1',
    after,
    'AGREEMENT_VERSION_GAP',
    signed({ ...next, version: 3 }),
  );
  await add(
    'bad-succession-previous.json',
    'version 2 of another version 1',
    after,
    malformed('previous'),
    signed({ ...next, previous: parseAgreement(signed(fork)).ref.digest }),
  );
  await add(
    'bad-succession-earlier.json',
    'begins before the version before',
    after,
    malformed('effective-before-previous'),
    signed({ ...next, effective: { ...next.effective, from: '2022-07-31T15:59:59.999Z' } }),
  );
  await add(
    'bad-succession-rolled-back.json',
    'version 1 after version 2',
    'good-2.json',
    'AGREEMENT_ROLLED_BACK',
    good,
  );

  const cards: CardVector[] = [];
  for (const party of [pinghu, jinshan, jiashan]) {
    const name = `card-${party.node}.json`;
    cards.push({ file: name, fingerprint: cardFingerprint(card(party)) });
    await writeFile(join(folder, name), cardBytes(card(party)));
  }
  await writeFile(join(folder, 'vectors.json'), `${JSON.stringify({ agreements: vectors, cards }, null, 2)}\n`);
}
