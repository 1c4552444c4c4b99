import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chainProblemCodes, errorCodes } from '@jieqiao/core';
import { columnsOf } from '@jieqiao/platform';
import { type Command, usageOf } from '../cli/command';
import { groups } from '../cli/commands';
import { reasonWords } from '../errors/reasons';
import { remedies } from '../errors/remedies';
import type { Text } from '../words';
import { checkOf, findingWords } from './finding';
import { describeHop, hasHopWords, hopName } from './hop-words';

const han = /[\u3000-\u303f\p{Script=Han}\uff00-\uffef]/u;
const root = join(__dirname, '../../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

/** Both languages say something, each its own, with the same parameters. */
function expectBoth(text: Text): void {
  expect(text.zh.trim()).not.toBe('');
  expect(text.en.trim()).not.toBe('');
  expect(text.en).not.toMatch(han);
  expect([...new Set(placeholders(text.zh))]).toEqual([...new Set(placeholders(text.en))]);
}

const commands: Command[] = groups.flatMap((group) => group.commands);

test.each(Object.entries(findingWords))('finding %s has words, and what asks for action says which', (_, words) => {
  expectBoth(words.what);
  expect('fix' in words).toBe(words.state === 'wrong' || words.state === 'warning');
  if ('fix' in words) expectBoth(words.fix);
});

test('every finding belongs to a check', () => {
  for (const id of Object.keys(findingWords)) expect(checkOf({ id, params: {} } as never)).toMatch(/^[a-z]+$/);
});

test.each(errorCodes)('%s has a remedy', (code) => expectBoth(remedies[code]));

describe('reasons', () => {
  const told = Object.entries(reasonWords).flatMap(([code, reasons]) =>
    Object.entries(reasons).map(([reason, words]) => ({ code, reason, words })),
  );
  test.each(told)('$code $reason', ({ words }) => {
    expectBoth(words.what);
    if (words.fix) expectBoth(words.fix);
  });

  /** Reasons as they stand in the sources of the libs that people's files go through. */
  const sources = [
    ['AGREEMENT_MALFORMED', 'libs/core/src/agreement/agreement.ts', /refuse\('([a-z-]+)'/g],
    ['AGREEMENT_MALFORMED', 'libs/core/src/agreement/party.ts', /refuse\('([a-z-]+)'/g],
    ['CARD_MALFORMED', 'libs/core/src/agreement/party.ts', /refuse\('([a-z-]+)'/g],
    ['AGREEMENT_MALFORMED', 'libs/core/src/agreement/succession.ts', /AGREEMENT_MALFORMED', \{ reason: '([a-z-]+)'/g],
    ['AGREEMENT_SIGNATURE_INVALID', 'libs/core/src/agreement/agreement.ts', /invalidSignature\([^,]+, '([a-z-]+)'\)/g],
    ['AGREEMENT_SIGNATURE_INVALID', 'libs/core/src/agreement/succession.ts', /'((?:not|log|key)-[a-z-]+)'/g],
    ['AGREEMENT_SIGNATURE_INVALID', 'libs/delivery/src/agreement-book.ts', /invalidSignature\([^,]+, '([a-z-]+)'\)/g],
    ['AGREEMENT_MALFORMED', 'libs/recognition/src/agreement-terms.ts', /AGREEMENT_MALFORMED', \{ reason: '([a-z-]+)'/g],
    ['KEY_UNUSABLE', 'libs/platform/src/key-store.ts', /KEY_UNUSABLE', \{ reason: '([a-z0-9-]+)'/g],
    ['KEY_UNUSABLE', 'libs/platform/src/pkcs12.ts', /KEY_UNUSABLE', \{ reason: '([a-z0-9-]+)'/g],
    ['KEY_UNUSABLE', 'libs/core/src/keys/signer.ts', /KEY_UNUSABLE', \{ reason: '([a-z0-9-]+)'/g],
    ['VALIDATION_FAILED', 'libs/recognition/src/catalogue/catalogue.ts', /bad\('([a-z-]+)'/g],
    ['VALIDATION_FAILED', 'libs/recognition/src/catalogue/cells.ts', /bad\('([a-z-]+)'/g],
    ['VALIDATION_FAILED', 'libs/recognition/src/catalogue/csv.ts', /bad\('([a-z-]+)'/g],
    ['VALIDATION_FAILED', 'libs/recognition/src/catalogue/join.ts', /bad\('([a-z-]+)'/g],
    ['VALIDATION_FAILED', 'libs/recognition/src/catalogue/lookup.ts', /bad\('([a-z-]+)'/g],
    ['VALIDATION_FAILED', 'libs/exchange/src/catalogue-book.ts', /reason: '([a-z-]+)'/g],
    ['VALIDATION_FAILED', 'apps/gateway/src/cli/catalogue-xlsx.ts', /(?:bad|refuse)\('([a-z-]+)'/g],
  ] as const;
  test.each(sources)('%s: every reason in %s has words', (code, file, pattern) => {
    const reasons = [...read(file).matchAll(pattern)].map(([, reason]) => reason!);
    expect(reasons.length).toBeGreaterThan(0);
    const notReasons = ['log-key', 'log-key-before'];
    const known = Object.keys(reasonWords[code]!);
    expect(reasons.filter((reason) => !known.includes(reason) && !notReasons.includes(reason))).toEqual([]);
  });

  test('every problem of a certificate has words wherever one is told', () => {
    for (const code of ['AGREEMENT_SIGNATURE_INVALID', 'PEER_CERTIFICATE_REFUSED', 'CERTIFICATE_REFUSED'] as const) {
      expect(chainProblemCodes.filter((problem) => !(problem in reasonWords[code]!))).toEqual([]);
    }
  });
});

describe('the hops of peer test', () => {
  const source = read('libs/delivery/src/peer-test.ts');
  const listed = /export const hops = \[([\s\S]*?)\]/.exec(source)![1]!;
  const hops = [...listed.matchAll(/'([a-z-]+)'/g)].map(([, hop]) => hop!);
  const codes = [...new Set([...source.matchAll(/\b(?:fine|unused|wrong)\(\s*'([A-Z_]+)'/g)].map(([, code]) => code!))];

  test('the source has hops and codes to look at', () => {
    expect(hops.length).toBeGreaterThan(10);
    expect(codes.length).toBeGreaterThan(20);
  });

  test.each(hops)('%s has a name', (hop) => {
    expectBoth(hopName(hop));
    expect(hopName(hop).zh).not.toBe(hop);
  });

  test.each(codes)('%s has words at some hop', (code) => {
    expect(hops.filter((hop) => hasHopWords(hop as never, code))).not.toEqual([]);
  });

  test.each([
    ...['TIMEOUT', 'REFUSED', 'UNREACHABLE'].flatMap((code) => ['tcp-grpc', 'tcp-blobs'].map((hop) => [hop, code])),
    ...['TIMEOUT', 'NOT_TLS', 'ALERT', 'CLOSED', 'NOT_A_NODE'].flatMap((code) =>
      ['tls-grpc', 'blobs'].map((hop) => [hop, code]),
    ),
    ...chainProblemCodes.flatMap((code) => ['their-certificate', 'our-certificate'].map((hop) => [hop, code])),
    ...['CLOCK_SKEW', 'PEER_UNREACHABLE', 'INTERNAL'].map((code) => ['hello', code]),
    ['name', 'NOT_FOUND'],
    ['agreement', 'MISSING'],
    ['agreement', 'ENDED'],
    ['clock', 'APART'],
    ['their-crl', 'STALE'],
    ['our-crl', 'STALE'],
    ['our-crl', 'NOT_HELD'],
    ['queue', 'WAITING'],
  ] as [string, string][])('%s %s says what is wrong and what to do', (hop, code) => {
    const { what, fix } = describeHop({ hop, state: 'wrong', code, params: { error: 'PEER_UNREACHABLE' } });
    expect(what.zh).not.toContain(code);
    expect(what.zh).toMatch(han);
    expect(what.en).not.toMatch(han);
    expect(fix?.zh).toMatch(/./);
    expect(fix?.en).toMatch(/./);
  });
});

describe('usage', () => {
  test.each(commands.map((one) => [one.name, one] as const))('%s', (name, definition) => {
    expectBoth(definition.summary);
    for (const { about } of Object.values(definition.options)) expectBoth(about);
    for (const language of ['zh', 'en'] as const) {
      const text = usageOf(definition, language);
      expect(text).toContain(`jieqiao ${name}`);
      // A path is not broken, however long.
      const long = text.split('\n').filter((line) => columnsOf(line) > 80 && !line.includes('/'));
      expect(long).toEqual([]);
    }
  });

  test('no secret is ever an argument', () => {
    const options = commands.flatMap(({ options: all }) => Object.keys(all));
    expect(options.filter((name) => /pass(word|phrase)|secret/.test(name) && !name.endsWith('-file'))).toEqual([]);
  });
});
