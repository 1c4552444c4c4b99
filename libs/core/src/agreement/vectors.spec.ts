import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cardFingerprint, checkSuccession, GatewayError, parseAgreement, parseCard } from '@jieqiao/core';
import {
  type AgreementVector,
  type CardVector,
  writeAgreementVectors,
} from '../../../../test/support/agreement-vectors';

/** Kept for ever: what version 1 wrote must be read, and what it refused must stay refused. */
const folder = join(__dirname, '../../../../test/vectors/agreement/v1');
const read = (name: string) => readFileSync(join(folder, name));
const { agreements, cards } = JSON.parse(read('vectors.json').toString()) as {
  agreements: AgreementVector[];
  cards: CardVector[];
};

/** `JIEQIAO_NEW_AGREEMENT_VECTORS=folder` writes a set for a new version of the format; the old sets stay. */
const newFolder = process.env.JIEQIAO_NEW_AGREEMENT_VECTORS;

function outcome({ file, after }: AgreementVector): string {
  try {
    const agreement = parseAgreement(read(file));
    if (after !== null) checkSuccession(agreement, parseAgreement(read(after)));
    return 'valid';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `${error.code} ${error.params.reason ?? ''}`.trim();
  }
}

test.each(agreements.map((vector) => [vector.file, vector.what, vector] as const))('%s: %s', (_file, _what, vector) => {
  expect(outcome(vector)).toBe(vector.expect);
});

test.each(cards.map(({ file, fingerprint }) => [file, fingerprint]))('%s: %s', (file, fingerprint) => {
  expect(cardFingerprint(parseCard(read(file)))).toBe(fingerprint);
});

test('there is a case for every file', () => {
  const named = [...agreements, ...cards].map(({ file }) => file);
  expect([...named, 'vectors.json'].sort()).toEqual(readdirSync(folder).sort());
});

if (newFolder) test('writes new vectors', () => writeAgreementVectors(newFolder));
