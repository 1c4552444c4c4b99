import type { RecognitionDecision } from '@jieqiao/recognition';
import { differences, type ExpectedDecision } from './expectation';

const expected: ExpectedDecision = {
  outcome: 'supplement',
  passed: ['R01', 'R02'],
  findings: [{ rule: 'R07', result: 'supplement', remedy: 'describe-production', evidence: 'EV-1' }],
  proposals: { 'EV-1': 'LEAD_ONLY', 'EV-2': 'AFTER_REVIEW' },
};
const ids = new Map([
  ['one', 'EV-1'],
  ['two', 'EV-2'],
]);
const none = { basis: [], facts: {} };
const decision = (change: Partial<RecognitionDecision> = {}): RecognitionDecision => ({
  schema: 'jieqiao/recognition/v1',
  transfer: 't',
  agreement: { id: 'a', version: 1 },
  at: '2026-01-01T00:00:00.000Z',
  inputs: { catalogue: [], registers: { filings: [], unanswered: [], numberTaken: false, seal: null } },
  outcome: 'supplement',
  results: [
    { rule: 'R01', result: 'pass', ...none },
    { rule: 'R02', result: 'pass', ...none },
    { rule: 'R06', result: 'pass', ...none },
    { rule: 'R07', result: 'supplement', remedy: 'describe-production', evidence: 'one', ...none },
    { rule: 'R17', result: 'not-applicable', ...none },
  ],
  proposals: [
    { evidence: 'one', proposed: 'LEAD_ONLY', reasons: ['R07'] },
    { evidence: 'two', proposed: 'AFTER_REVIEW', reasons: ['agreement'] },
  ],
  ...change,
});
const results = decision().results;

test('a decision as expected has no differences', () => {
  expect(differences(expected, decision(), ids)).toEqual([]);
});

test.each<[string, Partial<RecognitionDecision>, string[]]>([
  ['outcome', { outcome: 'sendable' }, ['outcome: sendable instead of supplement']],
  [
    'rule that no longer finds anything',
    { results: results.slice(0, 3) },
    ['R07 supplement describe-production EV-1: missing'],
  ],
  ['rule that is silent instead of passing', { results: results.slice(1) }, ['R01 pass: missing']],
  [
    'rule that finds more',
    { results: [...results, { rule: 'R08', result: 'warn', evidence: 'two', ...none }] },
    ['R08 warn EV-2: unexpected'],
  ],
  [
    'finding that stands twice',
    { results: [...results, results[3]!] },
    ['R07 supplement describe-production EV-1: unexpected'],
  ],
  [
    'rule that blocks instead',
    { results: results.map((entry) => (entry.rule === 'R07' ? { ...entry, result: 'block' as const } : entry)) },
    ['R07 supplement describe-production EV-1: missing', 'R07 block describe-production EV-1: unexpected'],
  ],
  [
    'finding on another item',
    { results: results.map((entry) => (entry.rule === 'R07' ? { ...entry, evidence: 'two' } : entry)) },
    ['R07 supplement describe-production EV-1: missing', 'R07 supplement describe-production EV-2: unexpected'],
  ],
  [
    'proposal',
    { proposals: [{ evidence: 'one', proposed: 'DIRECT', reasons: [] }, decision().proposals[1]!] },
    ['EV-1 LEAD_ONLY: missing', 'EV-1 DIRECT: unexpected'],
  ],
  ['item without a proposal', { proposals: [decision().proposals[0]!] }, ['EV-2 AFTER_REVIEW: missing']],
  [
    'item that nobody sent',
    { proposals: [...decision().proposals, { evidence: 'three', proposed: 'DIRECT', reasons: [] }] },
    ['three DIRECT: unexpected'],
  ],
])('another %s is told', (_, change, told) => {
  expect(differences(expected, decision(change), ids)).toEqual(told);
});

test('no decision at all is a difference', () => {
  expect(differences(expected, null, ids)).toEqual(['decision: missing']);
});
