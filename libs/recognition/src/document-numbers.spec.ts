import { GatewayError } from '@jieqiao/core';
import fc from 'fast-check';
import { formatNumber, numberLimits, parseNumber } from './document-numbers';

const refusal = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { field, reason } = error.params;
    return [error.code, reason, ...(field === undefined ? [] : [field])].join(' ');
  }
};

/** Numbers as they were seen, with the pattern that makes them. */
const seen = [
  ['秀综执立[2017]第1-001号', '秀综执立', 2017, '', [1], 1, '秀综执立[{year}]第{squad}-{sequence:3}号'],
  [
    '嘉海综执〔2021〕罚决字第10-0326号',
    '嘉海综执',
    2021,
    '罚决字',
    [10],
    326,
    '嘉海综执〔{year}〕罚决字第{squad}-{sequence:4}号',
  ],
  ['沪城管执〔2023〕14号', '沪城管执', 2023, '', [], 14, '沪城管执〔{year}〕{sequence}号'],
  ['平综执移字〔2022〕第5号', '平综执移字', 2022, '', [], 5, '平综执移字〔{year}〕第{sequence}号'],
  ['平综执线移〔2022〕第31号', '平综执线移', 2022, '', [], 31, '平综执线移〔{year}〕第{sequence}号'],
  ['金枫综执线移〔2022〕第12号', '金枫综执线移', 2022, '', [], 12, '金枫综执线移〔{year}〕第{sequence}号'],
  ['嘉善综执协〔2024〕第8号', '嘉善综执协', 2024, '', [], 8, '嘉善综执协〔{year}〕第{sequence}号'],
  [
    '浙嘉（平）综执罚决字〔2023〕第000123号',
    '浙嘉〔平〕综执罚决字',
    2023,
    '',
    [],
    123,
    '浙嘉（平）综执罚决字〔{year}〕第{sequence:6}号',
  ],
  [
    '沪金城管罚字（2022）第2220220012号',
    '沪金城管罚字',
    2022,
    '',
    [],
    2220220012,
    '沪金城管罚字（{year}）第{sequence}号',
  ],
] as const;

describe('a number read', () => {
  test.each(seen)('%s', (text, prefix, year, infix, series, sequence) => {
    expect(parseNumber(text)).toMatchObject({ text, prefix, year, infix, series, sequence });
  });

  test.each([
    '平综执移字〔2022〕5号',
    '平综执移字〔2022〕第第5号',
    '平综执移字[2022]第5号',
    '平综执移字［2022］第005号',
    '平综执移字(2022)5号',
    '平综执移字（２０２２）第５号',
    '平综执移字【2022】第5号',
    '平综执移字〖2022〗第5号',
    '平综执移字﹝2022﹞ 第 5 号',
    '平综执移字　〔2022〕　第5号',
    '平综执移字〔2022]第5号',
  ])('%s is 平综执移字〔2022〕第5号 in another spelling', (text) => {
    const number = parseNumber(text)!;
    expect(number.key).toBe('平综执移字〔2022〕5号');
    expect(number.key).toBe(parseNumber('平综执移字〔2022〕第5号')!.key);
    expect(number.text).toBe(text);
  });

  it('keeps apart what differs in issuer, kind, year, series or sequence', () => {
    const others = [
      '平综执移字〔2022〕第5号',
      '平综执移〔2022〕第5号',
      '平综执线移〔2022〕第5号',
      '平综执移字〔2021〕第5号',
      '平综执移字〔2022〕第50号',
      '平综执移字〔2022〕第1-5号',
      '平综执移字〔2022〕第5-1号',
      '平综执移字〔2022〕第1-1-5号',
      '平综执移字〔2022〕罚字第5号',
      '平〔综〕执移字〔2022〕第5号',
    ];
    expect(new Set(others.map((text) => parseNumber(text)!.key)).size).toBe(others.length);
  });

  test.each([...'-－‐‑–—―−﹣'])('a series by %s', (dash) => {
    expect(parseNumber(`秀综执立〔2017〕第1${dash}001号`)).toMatchObject({
      series: [1],
      sequence: 1,
      key: '秀综执立〔2017〕1-1号',
    });
  });

  test.each([
    ['nothing', ''],
    ['no year', '平综执移字第5号'],
    ['no brackets', '平综执移字2022第5号'],
    ['no sequence', '平综执移字〔2022〕第号'],
    ['no 号', '平综执移字〔2022〕第5'],
    ['no issuer', '〔2022〕第5号'],
    ['a form not filled in', '平综执移字〔2022〕第000号'],
    ['a year of three digits', '平综执移字〔202〕第5号'],
    ['a year before', '平综执移字〔1948〕第5号'],
    ['a year beyond', '平综执移字〔3000〕第5号'],
    ['brackets the wrong way round', '平综执移字〕2022〔第5号'],
    ['more after it', '平综执移字〔2022〕第5号之一'],
    ['a line break', '平综执移字〔2022〕第5号\n'],
    ['an invisible character', '平综执\u200b移字〔2022〕第5号'],
    ['a change of direction', '平综执移字〔2022〕\u202e第5号'],
    ['a radical that looks like 一', '\u2f00综执移字〔2022〕第5号'],
    ['Latin', 'PH〔2022〕第5号'],
    ['a circled digit', '平综执移字〔2022〕第⑤号'],
    ['other digits', '平综执移字〔2022〕第٥号'],
    ['four numbers', '平综执移字〔2022〕第1-2-3-4号'],
    ['a dash without number', '平综执移字〔2022〕第1-号'],
    ['thirteen digits', '平综执移字〔2022〕第1234567890123号'],
    ['two years', '平综执〔2021〕移字〔2022〕第5号'],
    ['an issuer without end', `${'平'.repeat(25)}〔2022〕第5号`],
    ['too long a text', `平综执移字〔2022〕第5号${' '.repeat(68)}`],
  ])('null: %s', (_, text) => {
    expect(parseNumber(text)).toBeNull();
  });

  it('reads its own key as the same number, and never more than 80 characters', () => {
    const pieces = [
      '平',
      '综执',
      '第',
      '字',
      '〔',
      '〕',
      '[',
      '］',
      '（',
      ')',
      '2022',
      '１',
      '0',
      '7',
      '-',
      '－',
      ' ',
      '号',
      '\u{20000}',
      'a',
    ];
    const near = fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((parts) => parts.join(''));
    const numbers = fc
      .tuple(near, fc.constantFrom('〔2022〕', '[2017]', '（２０２１）'), near, fc.integer({ min: 0, max: 99 }))
      .map(([before, year, after, sequence]) => `${before}${year}${after}${sequence}号`);
    fc.assert(
      fc.property(fc.oneof(near, numbers, fc.string({ unit: 'binary', maxLength: 100 })), (text) => {
        const number = parseNumber(text);
        if (number === null) return;
        expect(text.length).toBeLessThanOrEqual(numberLimits.length);
        expect(number.text).toBe(text);
        const { text: _, ...meaning } = number;
        expect(parseNumber(number.key)).toEqual({ ...meaning, text: number.key });
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a number made', () => {
  test.each(seen)('%s', (text, _prefix, year, _infix, series, sequence, pattern) => {
    expect(formatNumber(pattern, { year, sequence, squad: series[0] })).toBe(text);
  });

  it('fills with zeros and cuts nothing off', () => {
    const pattern = '秀综执立[{year}]第{squad:2}-{sequence:3}号';
    expect(formatNumber(pattern, { year: 2022, sequence: 7, squad: 1 })).toBe('秀综执立[2022]第01-007号');
    expect(formatNumber(pattern, { year: 2022, sequence: 1234, squad: 123 })).toBe('秀综执立[2022]第123-1234号');
  });

  it('reads back as the values it was made of', () => {
    const patterns = seen.map((row) => row[6]);
    fc.assert(
      fc.property(
        fc.constantFrom(...patterns),
        fc.integer({ min: 1949, max: 2999 }),
        fc.integer({ min: 1, max: 99_999 }),
        fc.integer({ min: 1, max: 99 }),
        (pattern, year, sequence, squad) => {
          const number = parseNumber(formatNumber(pattern, { year, sequence, squad }))!;
          expect(number).toMatchObject({ year, sequence, series: pattern.includes('{squad}') ? [squad] : [] });
        },
      ),
    );
  });

  test.each([
    '',
    '平综执移字第{sequence}号',
    '平综执移字〔{year}〕第5号',
    '平综执移字〔{year}〕第{sequence}',
    '平综执移字〔{year}〕第{sequence}-{sequence}号',
    '平综执移字〔{year}〕第1{sequence}号',
    '平综执移字〔{year}〕第{squad}{sequence}号',
    '平综执移字〔{year}〕第1{squad}-{sequence}号',
    '平综执移字〔{year}〕第{sequence}-{squad}号',
    '平综执移字〔2022〕第{sequence}号',
    '平综执移字〔{year:4}〕第{sequence}号',
    '平综执移字〔{year}〕第{sequence:0}号',
    '平综执移字〔{year}〕第{sequence:10}号',
    '平综执移字〔{year}〕第{number}号',
    '平综执移字〔{year}〕第{ sequence }号',
    'PH〔{year}〕第{sequence}号',
    `${'平'.repeat(66)}〔{year}〕第{sequence}号`,
  ])('refuses the pattern %j', (pattern) => {
    expect(refusal(() => formatNumber(pattern, { year: 2022, sequence: 5, squad: 2 }))).toBe(
      'VALIDATION_FAILED bad-pattern',
    );
  });

  test.each([
    ['year', { year: 1948, sequence: 1 }],
    ['year', { year: 2022.5, sequence: 1 }],
    ['sequence', { year: 2022, sequence: 0 }],
    ['sequence', { year: 2022, sequence: Number.NaN }],
    ['sequence', { year: 2022, sequence: 1e12 }],
    ['squad', { year: 2022, sequence: 1, squad: -1 }],
    ['squad', { year: 2022, sequence: 1 }],
  ])('refuses the value of %s in %j', (field, values) => {
    const run = () => formatNumber('秀综执立[{year}]第{squad}-{sequence:3}号', values);
    expect(refusal(run)).toBe(`VALIDATION_FAILED bad-number-value ${field}`);
  });

  it('a series may stand in the pattern itself', () => {
    expect(formatNumber('嘉海综执〔{year}〕第10-{sequence:4}号', { year: 2021, sequence: 326 })).toBe(
      '嘉海综执〔2021〕第10-0326号',
    );
  });
});
