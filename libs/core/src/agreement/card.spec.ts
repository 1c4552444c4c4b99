import {
  type Card,
  Certificate,
  canonicalJson,
  cardBytes,
  cardFingerprint,
  GatewayError,
  makeCard,
  parseCard,
  sha256,
} from '@jieqiao/core';
import { cardOf } from '../../../../test/support/agreement';
import { makeParty } from '../../../../test/support/sealed-exchange';

let card: Card;

beforeAll(async () => {
  const party = await makeParty('pinghu.330482', '平湖市综合行政执法局');
  card = cardOf({ ...party, root: Certificate.parse(party.root.certificatePem) });
});

function outcome(bytes: Uint8Array): string {
  try {
    parseCard(bytes);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `${error.code} ${error.params.reason}`;
  }
}

test('a card is read as it was written', () => {
  expect(parseCard(cardBytes(card))).toEqual(card);
  expect(card).toMatchObject({ schema: 'jieqiao/card/v1', region: '330482', aliases: [] });
});

test('aliases and several roots', async () => {
  const party = await makeParty('pinghu.330482', '平湖市综合行政执法局');
  const roots = [
    Certificate.parse(party.root.certificatePem),
    Certificate.parse(Buffer.from(card.anchors[0] as string, 'base64')),
  ];
  const made = makeCard({ ...party, aliases: ['平湖执法局'], roots, endpoints: card.endpoints });
  expect(parseCard(cardBytes(made))).toMatchObject({ aliases: ['平湖执法局'], anchors: { length: 2 } });
});

test('the fingerprint is of five groups of five digits, by the formula of the specification', () => {
  // Nothing of a card needs to be true for its fingerprint: this one is written out for other implementations.
  const written: Card = {
    schema: 'jieqiao/card/v1',
    node: 'pinghu.330482',
    authority: '平湖市综合行政执法局',
    region: '330482',
    aliases: [],
    anchors: ['AAAA'],
    logVkey: 'jieqiao.log/pinghu.330482+00000000+AA==',
    endpoints: { grpc: '127.0.0.1:7000', blobs: 'https://127.0.0.1:7001' },
  };
  expect(sha256(canonicalJson(written)).toString('hex').slice(0, 22)).toBe('1bf9849ba4e5bf10a427ec');
  expect(cardFingerprint(written)).toBe('38193 12569 38883 98761 75852');
  expect(cardFingerprint(card)).toMatch(/^\d{5}( \d{5}){4}$/);
});

test('small numbers keep their zeroes', () => {
  // One card in ten begins with a zero.
  const fingerprints = Array.from({ length: 200 }, (_, i) => cardFingerprint({ ...card, aliases: [`${i}`] }));
  expect(fingerprints.filter((text) => !/^\d{5}( \d{5}){4}$/.test(text))).toEqual([]);
  expect(fingerprints.some((text) => text.startsWith('0'))).toBe(true);
  expect(new Set(fingerprints).size).toBe(200);
});

test('any flipped bit is refused or changes the fingerprint', () => {
  const bytes = cardBytes(card);
  let changed = 0;
  for (let i = 0; i < bytes.length; i++) {
    const bad = Buffer.from(bytes);
    bad[i]! ^= 1 << (i % 8);
    if (outcome(bad) !== 'accepted') continue;
    changed++;
    expect(cardFingerprint(parseCard(bad))).not.toBe(cardFingerprint(card));
  }
  // Some flips make another valid card, such as another port: only the fingerprint tells.
  expect(changed).toBeGreaterThan(0);
});

test.each<[what: string, reason: string, bytes: () => Buffer]>([
  ['nothing', 'not-json', () => Buffer.alloc(0)],
  ['too much', 'too-large', () => Buffer.alloc(256 * 1024 + 1, 0x20)],
  ['too deep', 'too-deep', () => Buffer.from(`${'['.repeat(9)}${']'.repeat(9)}`)],
  [
    'a key twice',
    'not-canonical',
    () => Buffer.from(cardBytes(card).toString().replace('"region"', '"region":"330482","region"')),
  ],
  ['an indented file', 'not-canonical', () => Buffer.from(JSON.stringify(card, null, 2))],
  ['another schema', 'const', () => canonicalJson({ ...card, schema: 'jieqiao/card/v2' })],
  [
    'one member more',
    'additionalProperties',
    () => canonicalJson({ ...card, successor: { node: 'a.330482', from: '' } }),
  ],
  ['one member less', 'required', () => canonicalJson({ ...card, endpoints: undefined })],
  ['another region', 'region', () => canonicalJson({ ...card, region: '330483' })],
  ['an anchor that is none', 'anchor', () => canonicalJson({ ...card, anchors: ['AAAA'] })],
  ['another log’s key', 'log-key', () => canonicalJson({ ...card, logVkey: card.logVkey.replace('pinghu', 'haiyan') })],
  [
    'a port that is none',
    'pattern',
    () => canonicalJson({ ...card, endpoints: { ...card.endpoints, grpc: 'localhost:0' } }),
  ],
])('%s: CARD_MALFORMED %s', (_, reason, bytes) => {
  expect(outcome(bytes())).toBe(`CARD_MALFORMED ${reason}`);
});
