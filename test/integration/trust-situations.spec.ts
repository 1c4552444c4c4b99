import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groups, type Outcome, type Situation, World } from '../support/trust-situations';
import { checkWords, nodeWords, page } from '../support/trust-situations/page';

const pageFile = join(__dirname, '../../docs/spec/trust-situations.md');
/** `JIEQIAO_WRITE_TRUST_SITUATIONS=1` writes the page anew. */
const rewrite = process.env.JIEQIAO_WRITE_TRUST_SITUATIONS === '1';

const numbered = groups.flatMap((group) =>
  group.situations.map((situation, i) => {
    const number = `${group.letter}${String(i + 1).padStart(2, '0')}`;
    return { number, group, situation, en: situation.en };
  }),
);

describe('trust situations', () => {
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-trust-'));
  const outcomes = new Map<Situation, Outcome>();
  let world: World;

  beforeAll(async () => {
    world = await World.make(dir);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const outcomeOf = async (situation: Situation): Promise<Outcome> => {
    const outcome = outcomes.get(situation) ?? (await situation.ask(world));
    outcomes.set(situation, outcome);
    return outcome;
  };

  it.each(numbered)('$number $en', async ({ situation }) => {
    const { node, verifier, checks, openssl } = await outcomeOf(situation);
    expect({ node: node?.word ?? null, verifier, checks: checks.map(({ word }) => word), openssl }).toEqual({
      node: situation.node,
      verifier: situation.verifier,
      checks: situation.checks ?? [],
      openssl: situation.openssl ?? null,
    });
  });

  it('there are enough of them, and no two say the same', () => {
    expect(numbered.length).toBeGreaterThanOrEqual(75);
    for (const { situations } of groups) {
      expect(new Set(situations.map(({ zh }) => zh)).size).toBe(situations.length);
      expect(new Set(situations.map(({ en }) => en)).size).toBe(situations.length);
    }
  });

  it.each(numbered.filter(({ situation }) => situation.openssl))('$number openssl and we agree', ({ situation }) => {
    const taken = situation.node === 'accepted' && (situation.verifier ?? 'valid') === 'valid';
    if (situation.openssl === 'fail') expect(taken).toBe(false);
    else expect(situation.node).toBe('accepted');
  });

  it('a person is told in words, in both languages', async () => {
    for (const { situation, number } of numbered) {
      const { node, checks } = await outcomeOf(situation);
      for (const language of ['zh', 'en'] as const) {
        const told = [...(node ? [nodeWords(node, language)] : []), ...checks.map((one) => checkWords(one, language))];
        // A code or a place-holder in place of words would have this look.
        const bare = told.filter((text) => /^[A-Z]+_[A-Z_]+|undefined|\[object|\{\w+\}/.test(text));
        expect([number, bare]).toEqual([number, []]);
      }
    }
  });

  it('the page says what was found', async () => {
    const answered = [];
    for (const one of numbered) answered.push({ ...one, outcome: await outcomeOf(one.situation) });
    const text = page(answered);
    if (rewrite) writeFileSync(pageFile, text);
    expect(readFileSync(pageFile, 'utf8')).toBe(text);
  });
});
