import type { RecognitionDecision, RecognitionResult } from '@jieqiao/recognition';
import { mayBeSent, rulesAgainst } from './facts';

const peer = 'jinshan.310116';
const decided = (...results: Pick<RecognitionResult, 'rule' | 'result' | 'facts'>[]) =>
  ({ outcome: 'blocked', results: results.map((each) => ({ basis: [], ...each })) }) as unknown as RecognitionDecision;
const filedBy = (node: string) => decided({ rule: 'R15', result: 'block', facts: { node } });

describe('a case that was filed about the same act', () => {
  it('by the receiver: it may be told of it, and nothing is filed a second time', () => {
    expect(() => mayBeSent(filedBy(peer), peer, [])).not.toThrow();
    for (const command of ['submit', 'send', 'send-urgent', 'answer-supplement'] as const) {
      expect(rulesAgainst(filedBy(peer), command, peer)).toEqual([]);
    }
    expect(rulesAgainst(filedBy(peer), 'file', peer)).toEqual(['R15']);
  });

  it('by a third: nobody is sent it', () => {
    expect(() => mayBeSent(filedBy('jiashan.330421'), peer, [])).toThrow('RECOGNITION_BLOCKED');
    expect(rulesAgainst(filedBy('jiashan.330421'), 'submit', peer)).toEqual(['R15']);
  });

  it('lets no other rule through with it', () => {
    const both = decided(
      { rule: 'R15', result: 'block', facts: { node: peer } },
      { rule: 'R18', result: 'block', facts: {} },
    );
    expect(() => mayBeSent(both, peer, [])).toThrow('"rules":["R18"]');
  });
});

it('what lacks something leaves once the officer has seen each rule that says so', () => {
  const lacking = decided(
    { rule: 'R07', result: 'supplement', facts: {} },
    { rule: 'R08', result: 'supplement', facts: {} },
  );
  expect(() => mayBeSent(lacking, peer, ['R07'])).toThrow('"rules":["R08"]');
  expect(() => mayBeSent(lacking, peer, ['R07', 'R08'])).not.toThrow();
  expect(rulesAgainst(lacking, 'submit', peer, ['R08'])).toEqual(['R07']);
});
