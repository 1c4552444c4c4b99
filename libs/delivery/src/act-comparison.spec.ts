import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { p256_oprf } from '@noble/curves/nist.js';
import fc from 'fast-check';
import {
  bytesFor,
  elementVectors,
  exchangeVector,
  filingVectors,
  scalarOf,
} from '../../../test/support/same-act-vectors';
import {
  type ActKey,
  ActQuestion,
  actKeyFor,
  actTag,
  checkQuestion,
  comparisonLimits,
  evaluateBlinded,
  type FilingNotice,
  fitsNotice,
} from './act-comparison';
import type { CompareActsResponse__Output } from './generated/jieqiao/exchange/v1/CompareActsResponse';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const raw = (text: string) => Buffer.from(text, 'hex');

describe('the package against RFC 9497 appendix A.3.2 (P256-SHA256, VOPRF)', () => {
  const { voprf } = p256_oprf;
  const keys = voprf.deriveKeyPair(Buffer.alloc(32, 0xa3), raw('74657374206b6579'));
  const blind = '3338fa65ec36e0290022b48eb562889d89dbfa691d1cde91517fa222ed7ad364';
  const second = 'f9db001266677f62c095021db018cd8cbb55941d4073698ce45c405d1348b7b1';
  const zero = {
    input: '00',
    blinded: '02dd05901038bb31a6fae01828fd8d0e49e35a486b5c5d4b4994013648c01277da',
    evaluated: '0209f33cab60cf8fe69239b0afbcfcd261af4c1c5632624f2e9ba29b90ae83e4a2',
    output: '0412e8f78b02c415ab3a288e228978376f99927767ff37c5718d420010a645a1',
  };
  const fives = '5a'.repeat(17);
  const vectors = [
    {
      items: [{ ...zero, blind }],
      proofScalar: second,
      proof:
        'e7c2b3c5c954c035949f1f74e6bce2ed539a3be267d1481e9ddb178533df4c2664f69d065c604a4fd953e100b856ad83804eb3845189babfa5a702090d6fc5fa',
    },
    {
      items: [
        {
          input: fives,
          blind,
          blinded: '03cd0f033e791c4d79dfa9c6ed750f2ac009ec46cd4195ca6fd3800d1e9b887dbd',
          evaluated: '030d2985865c693bf7af47ba4d3a3813176576383d19aff003ef7b0784a0d83cf1',
          output: '771e10dcd6bcd3664e23b8f2a710cfaaa8357747c4a8cbba03133967b5c24f18',
        },
      ],
      proofScalar: second,
      proof:
        '2787d729c57e3d9512d3aa9e8708ad226bc48e0f1750b0767aaff73482c44b8d2873d74ec88aebd3504961acea16790a05c542d9fbff4fe269a77510db00abab',
    },
    {
      items: [
        { ...zero, blind },
        {
          input: fives,
          blind: second,
          blinded: '03462e9ae64cae5b83ba98a6b360d942266389ac369b923eb3d557213b1922f8ab',
          evaluated: '02bb24f4d838414aef052a8f044a6771230ca69c0a5677540fff738dd31bb69771',
          output: '771e10dcd6bcd3664e23b8f2a710cfaaa8357747c4a8cbba03133967b5c24f18',
        },
      ],
      proofScalar: '350e8040f828bf6ceca27405420cdf3d63cb3aef005f40ba51943c8026877963',
      proof:
        'bdcc351707d02a72ce49511c7db990566d29d6153ad6f8982fad2b435d6ce4d60da1e6b3fa740811bde34dd4fe0aa1b5fe6600d0440c9ddee95ea7fad7a60cf2',
    },
  ];

  it('derives the key pair', () => {
    expect(hex(keys.secretKey)).toBe('ca5d94c8807817669a51b196c34c1b7f8442fde4334a7121ae4736364312fca6');
    expect(hex(keys.publicKey)).toBe('03e17e70604bcabe198882c0a1f27a92441e774224ed9c702e51dd17038b102462');
  });

  it.each(vectors)('test vector %#', ({ items, proofScalar, proof }) => {
    const blinded = items.map((item) => voprf.blind(raw(item.input), () => bytesFor(item.blind)));
    expect(blinded.map((item) => hex(item.blinded))).toEqual(items.map((item) => item.blinded));
    expect(blinded.map((item) => hex(item.blind))).toEqual(items.map((item) => item.blind));
    const answer = voprf.blindEvaluateBatch(
      keys.secretKey,
      keys.publicKey,
      blinded.map((item) => item.blinded),
      () => bytesFor(proofScalar),
    );
    expect(answer.evaluated.map(hex)).toEqual(items.map((item) => item.evaluated));
    expect(hex(answer.proof)).toBe(proof);
    const outputs = voprf.finalizeBatch(
      blinded.map((item, i) => ({ ...item, input: raw(items[i]!.input), evaluated: answer.evaluated[i]! })),
      keys.publicKey,
      answer.proof,
    );
    expect(outputs.map(hex)).toEqual(items.map((item) => item.output));
    const { evaluate } = voprf as typeof voprf & { evaluate(key: Uint8Array, input: Uint8Array): Uint8Array };
    expect(items.map((item) => hex(evaluate(keys.secretKey, raw(item.input))))).toEqual(
      items.map((item) => item.output),
    );
  });

  it('scalars and the bytes they are drawn from', () => {
    expect(scalarOf(bytesFor(blind))).toBe(blind);
  });
});

it('the vectors of version 1 are what is made today', async () => {
  const file = (name: string) =>
    JSON.parse(readFileSync(join(__dirname, '../../../test/vectors/same-act/v1', name), 'utf8'));
  expect(file('elements.json')).toEqual(JSON.parse(JSON.stringify(elementVectors())));
  expect(file('exchange.json')).toEqual(JSON.parse(JSON.stringify(await exchangeVector())));
  expect(file('filing.json')).toEqual(JSON.parse(JSON.stringify(filingVectors())));
});

const secret = Buffer.alloc(32, 7);
const key = actKeyFor(secret, 'pinghu.330482');
const notice = (number: string): FilingNotice => ({
  number,
  filedAt: '2022-09-15T01:05:00.000Z',
  statement: `sha256:${Buffer.from(number).toString('hex').padStart(64, '0').slice(-64)}`,
  salt: 'AAAAAAAAAAAAAAAAAAAAAA',
  transfer: '',
});
const element = (text: string) => ({ month: '2022-09', text });

async function answerTo(
  question: ActQuestion,
  filed: readonly [text: string, number: string][],
  by: ActKey = key,
): Promise<CompareActsResponse__Output> {
  const { blinded } = question.request;
  const tags = filed.map(([text, number]) => actTag(by, text, notice(number), randomBytes));
  tags.sort((a, b) => a.tag.compare(b.tag));
  const answer = await evaluateBlinded(by, blinded as Buffer[], randomBytes);
  return { key: Buffer.from(by.publicKey), ...answer, tags };
}

const numbersOf = (notices: readonly FilingNotice[]) => notices.map(({ number }) => number);

describe('a question and its answer', () => {
  it('finds what both have, once, and nothing else', async () => {
    const question = await ActQuestion.about([element('a'), element('b'), element('c')], randomBytes);
    const answer = await answerTo(question, [
      ['b', '第1号'],
      ['c', '第1号'],
      ['d', '第2号'],
    ]);
    expect(await question.matches(answer)).toEqual([notice('第1号')]);
    expect(await question.matches(await answerTo(question, []))).toEqual([]);
  });

  it('whatever the two sets are', async () => {
    const some = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(some, some, async (asked, filed) => {
        const question = await ActQuestion.about(asked.map(element), randomBytes);
        const answer = await answerTo(
          question,
          filed.map((text) => [text, `第${text}号`]),
        );
        const common = filed.filter((text) => asked.includes(text)).map((text) => `第${text}号`);
        expect(numbersOf(await question.matches(answer)).sort()).toEqual(common.sort());
      }),
      { numRuns: 10 },
    );
  });

  it('two questions about one act have no element in common, nor with the bare one', async () => {
    const elements = [element('a'), element('b')];
    const asked = await Promise.all([0, 1, 2].map(() => ActQuestion.about(elements, randomBytes)));
    const points = asked.flatMap((question) => (question.request.blinded as Buffer[]).map(hex));
    expect(new Set(points).size).toBe(6);
  });

  it('tags for different peers, and after a change of the secret, have nothing in common', () => {
    const keys = [key, actKeyFor(secret, 'jiashan.330421'), actKeyFor(Buffer.alloc(32, 8), 'pinghu.330482')];
    const tags = keys.map((by) => actTag(by, 'a', notice('第1号'), randomBytes).tag.toString('hex'));
    expect(new Set(tags).size).toBe(3);
    expect(new Set(keys.map(({ id }) => id)).size).toBe(3);
  });

  it('the length of what is sealed tells nothing of it', () => {
    const lengths = ['1', '号'.repeat(80)].map((number) => actTag(key, 'a', notice(number), randomBytes).sealed.length);
    expect(lengths).toEqual([540, 540]);
    expect(fitsNotice('号'.repeat(80))).toBe(true);
    expect(fitsNotice('"'.repeat(200))).toBe(false);
  });

  it('needs a secret of 32 bytes', () => {
    expect(() => actKeyFor(Buffer.alloc(0), 'pinghu.330482')).toThrow(
      expect.objectContaining({ code: 'KEY_UNUSABLE' }),
    );
  });
});

describe('an answer that does not hold', () => {
  const elements = Array.from({ length: 17 }, (_, i) => element(`e${i}`));
  let question: ActQuestion;
  let good: CompareActsResponse__Output;
  beforeAll(async () => {
    question = await ActQuestion.about(elements, randomBytes);
    good = await answerTo(question, [['e16', '第1号']]);
  });
  const flipped = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1;
    return copy;
  };

  it('the one that holds', async () => {
    expect(good.proofs).toHaveLength(2);
    expect(numbersOf(await question.matches(good))).toEqual(['第1号']);
  });

  it.each<[string, string, (answer: CompareActsResponse__Output) => Partial<CompareActsResponse__Output>]>([
    ['no key', 'key', () => ({ key: Buffer.alloc(0) })],
    ['one element less', 'evaluated', ({ evaluated }) => ({ evaluated: evaluated.slice(1) })],
    ['one element more', 'evaluated', ({ evaluated }) => ({ evaluated: [...evaluated, evaluated[0]!] })],
    ['a short point', 'evaluated', ({ evaluated }) => ({ evaluated: [Buffer.alloc(1), ...evaluated.slice(1)] })],
    ['no point', 'proof', ({ evaluated }) => ({ evaluated: [Buffer.alloc(33, 255), ...evaluated.slice(1)] })],
    ['two elements exchanged', 'proof', ({ evaluated: [a, b, ...c] }) => ({ evaluated: [b!, a!, ...c] })],
    ['a proof missing', 'proofs', ({ proofs }) => ({ proofs: proofs.slice(1) })],
    ['a short proof', 'proofs', ({ proofs }) => ({ proofs: [Buffer.alloc(63), proofs[1]!] })],
    ['a proof changed', 'proof', ({ proofs }) => ({ proofs: [flipped(proofs[0]!, 40), proofs[1]!] })],
    ['proofs exchanged', 'proof', ({ proofs: [a, b] }) => ({ proofs: [b!, a!] })],
    ['another key', 'proof', () => ({ key: Buffer.from(actKeyFor(secret, 'jiashan.330421').publicKey) })],
    ['a short tag', 'tags', ({ tags: [one] }) => ({ tags: [{ ...one!, tag: Buffer.alloc(15) }] })],
    ['a short seal', 'tags', ({ tags: [one] }) => ({ tags: [{ ...one!, sealed: Buffer.alloc(539) }] })],
    [
      'too many tags',
      'tags',
      ({ tags: [one] }) => ({ tags: Array.from({ length: comparisonLimits.tags + 1 }, () => one!) }),
    ],
    ['a seal changed', 'seal', ({ tags: [one] }) => ({ tags: [{ ...one!, sealed: flipped(one!.sealed, 200) }] })],
  ])('%s', async (_, reason, change) => {
    await expect(question.matches({ ...good, ...change(good) })).rejects.toMatchObject({
      code: 'COMPARISON_INVALID',
      params: { reason },
    });
  });

  it('a hundred filings about one act are enough', async () => {
    const asked = await ActQuestion.about([element('a')], randomBytes);
    const many = await answerTo(
      asked,
      Array.from({ length: comparisonLimits.matches }, (_, i) => ['a', `第${i}号`]),
    );
    expect(await asked.matches(many)).toHaveLength(comparisonLimits.matches);
    const more = actTag(key, 'a', notice('又一号'), randomBytes);
    await expect(asked.matches({ ...many, tags: [...many.tags, more] })).rejects.toMatchObject({
      params: { reason: 'matches' },
    });
  });

  it('a notice of another form, though its maker has the key', async () => {
    const odd = actTag(key, 'e16', { ...notice('第1号'), filedAt: 'yesterday' }, randomBytes);
    await expect(question.matches({ ...good, tags: [odd] })).rejects.toMatchObject({ code: 'COMPARISON_INVALID' });
  });
});

describe('a question from outside', () => {
  const point = Buffer.from(key.publicKey);
  const months = ['2022-09'];

  it.each([
    ['no months', [], [point], { code: 'VALIDATION_FAILED', params: { field: 'months', rule: 'minItems' } }],
    ['a month twice', ['2022-09', '2022-09'], [point], { params: { field: 'months', rule: 'unique' } }],
    ['no month', ['2022-13'], [point], { params: { field: 'months', rule: 'format' } }],
    ['no elements', months, [], { params: { field: 'blinded', rule: 'minItems' } }],
    ['a short element', months, [point.subarray(1)], { params: { field: 'blinded', rule: 'length' } }],
    [
      'too many elements',
      months,
      Array(513).fill(point),
      { code: 'LIMIT_EXCEEDED', params: { what: 'blinded', limit: 512 } },
    ],
    [
      'too many months',
      Array.from({ length: 15 }, (_, i) => `20${10 + i}-01`),
      [point],
      { code: 'LIMIT_EXCEEDED', params: { what: 'months', limit: 14 } },
    ],
  ])('%s is refused', (_, named, blinded, refusal) => {
    expect(() => checkQuestion(named, blinded)).toThrow(expect.objectContaining(refusal));
  });

  it('good ones pass', () => {
    expect(() => checkQuestion(months, [point])).not.toThrow();
  });

  it.each([
    ['an x that is on no point', Buffer.concat([Buffer.from([2]), Buffer.alloc(31), Buffer.from([4])])],
    ['the point at infinity', Buffer.alloc(33)],
    ['another form of point', Buffer.concat([Buffer.from([4]), point.subarray(1)])],
    ['an x beyond the field', Buffer.concat([Buffer.from([2]), Buffer.alloc(32, 255)])],
  ])('%s is refused, and not evaluated', async (_, bad) => {
    await expect(evaluateBlinded(key, [point, bad], randomBytes)).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      params: { field: 'blinded', rule: 'point' },
    });
  });
});
