import { formatNumber, parseNumber } from '@jieqiao/recognition';
import { numberedTypes, numberPatterns } from './number-patterns';

const first = (pattern: string | undefined) =>
  formatNumber(pattern!, { year: 2022, sequence: 12, ...(pattern!.includes('{squad') ? { squad: 1 } : {}) });

it('give each document a number of its own, under the authority’s short name', () => {
  const { patterns, problems } = numberPatterns({ prefix: '平综执', patterns: {} });
  expect(problems).toEqual([]);
  expect(first(patterns['lead-transfer-letter'])).toBe('平综执线移〔2022〕第12号');
  expect(first(patterns['case-transfer-letter'])).toBe('平综执移字〔2022〕第12号');
  expect(first(patterns['filing-approval'])).toBe('平综执立〔2022〕第12号');
  const keys = numberedTypes.map((type) => parseNumber(first(patterns[type]))!.key);
  expect(new Set(keys).size).toBe(numberedTypes.length);
});

it('may be set for a type, with or without the short name', () => {
  const own = {
    'penalty-decision': '嘉{prefix}〔{year}〕罚决字第{squad:2}-{sequence:4}号',
    'notice-sheet': '平农[{year}]{sequence:3}号',
  };
  const { patterns, problems } = numberPatterns({ prefix: '平综执', patterns: own });
  expect(problems).toEqual([]);
  expect(first(patterns['penalty-decision'])).toBe('嘉平综执〔2022〕罚决字第01-0012号');
  expect(first(patterns['notice-sheet'])).toBe('平农[2022]012号');
});

it('are none without a short name but those that are set', () => {
  const { patterns } = numberPatterns({ prefix: '', patterns: { 'notice-sheet': '平农〔{year}〕{sequence}号' } });
  expect(Object.keys(patterns)).toEqual(['notice-sheet']);
});

it.each([
  [
    'an unknown type',
    { 'love-letter': '平〔{year}〕{sequence}号' },
    /^numbers\.patterns: love-letter bears no number; give one of lead-/,
  ],
  [
    'a name that every object has',
    { constructor: '平〔{year}〕{sequence}号' },
    /^numbers\.patterns: constructor bears no number/,
  ],
  [
    'no year',
    { 'notice-sheet': '平农{sequence}号' },
    /^numbers: "平农\{sequence\}号" for notice-sheet makes no number that reads back/,
  ],
  ['a sequence that does not read back', { 'notice-sheet': '平农〔{year}〕第{sequence}{squad}号' }, /makes no number/],
  [
    'two types with one series',
    { 'notice-sheet': '平综执线移[{year}]{sequence:4}号' },
    /^numbers: notice-sheet has the pattern of lead-transfer-letter$/,
  ],
])('%s is told', (_, patterns, problem) => {
  const { problems } = numberPatterns({ prefix: '平综执', patterns: patterns as Record<string, string> });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(problem);
});
