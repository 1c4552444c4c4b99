import { GatewayError } from '@jieqiao/core';

/** A document's number (文号), of whatever authority. */
export interface DocumentNumber {
  /** As it was spelled; shown, never compared. */
  text: string;
  /** One spelling for all that mean the same: compare by this. */
  key: string;
  /** Issuer and kind, before the year, e.g. `平综执移字`. */
  prefix: string;
  year: number;
  /** What stands between year and sequence, without 第, e.g. `罚决字`; usually empty. */
  infix: string;
  /** Numbers before the sequence, e.g. the squad's 10 in `第10-0326号`. */
  series: number[];
  sequence: number;
}

export const numberLimits = { length: 80, digits: 12, firstYear: 1949, lastYear: 2999 } as const;

/** Ideographs, listed instead of taken from the runtime's tables: every node must read the same. No radicals, no 〇. */
const han = '[\\u3400-\\u4dbf\\u4e00-\\u9fff\\u{20000}-\\u{323af}]';

/**
 * Of the one spelling: 〔〕 for brackets, ASCII digits and hyphens, no spaces. Each class begins where the one before it
 * can't go on, so a text is read once, whatever it holds.
 */
const grammar = new RegExp(
  `^(${han}{1,24}(?:〔${han}{1,12}〕${han}{0,24})?)〔(\\d{4})〕(${han}{0,24})(\\d{1,12}(?:-\\d{1,12}){0,2})号$`,
  'u',
);

const spellings: readonly [string, string][] = [
  ['[［(（【〖﹝', '〔'],
  [']］)）】〗﹞', '〕'],
  ['－‐‑–—―−﹣', '-'],
  [' \u00a0\u3000', ''],
  ...Array.from('０１２３４５６７８９', (digit, value): [string, string] => [digit, String(value)]),
];
const respelled = new Map(spellings.flatMap(([from, to]) => Array.from(from, (character) => [character, to] as const)));

/**
 * Reads a number of any authority: `prefix〔year〕infix第series-sequence号`. The year's brackets are 〔〕, [], (), 【】, 〖〗 or
 * ﹝﹞, of either width; 第, infix, up to two numbers of a series and zeros in front are there or not; spaces don't
 * matter. The prefix may hold one more bracket, as in `浙嘉（平）综执〔2023〕3号`.
 * @returns null for what does not read as a number or is over 80 characters (as `number` in transfer.json)
 */
export function parseNumber(text: string): DocumentNumber | null {
  if (text.length > numberLimits.length) return null;
  const spelled = Array.from(text, (character) => respelled.get(character) ?? character).join('');
  const match = grammar.exec(spelled);
  if (!match) return null;
  const [, prefix, yearText, between, digits] = match as unknown as [string, string, string, string, string];
  const year = Number(yearText);
  if (year < numberLimits.firstYear || year > numberLimits.lastYear) return null;
  const infix = between.replace(/第+$/, '');
  const series = digits.split('-').map(Number);
  const sequence = series.pop()!;
  // 第000号 is a form that nobody has filled in.
  if (sequence === 0) return null;
  const key = `${prefix}〔${year}〕${infix}${[...series, sequence].join('-')}号`;
  return { text, key, prefix, year, infix, series, sequence };
}

/**
 * The number that a pattern gives. A pattern is the number as an authority spells it, per kind of document, with
 * `{year}` and `{sequence}` once each and, in front of the sequence, `{squad}` if it has squads: `秀综执立[{year}]第{squad}-{sequence:3}号`.
 * `:3` (1 to 9; not for the year) fills with zeros up to three digits and cuts nothing off. Everything else stands for
 * itself.
 * @throws GatewayError VALIDATION_FAILED: `bad-pattern` (its number would not be read back as the same values),
 * `bad-number-value` with `field`
 */
export function formatNumber(pattern: string, values: { year: number; sequence: number; squad?: number }): string {
  const { sequence, squad, year } = values;
  const { digits, firstYear, lastYear, length } = numberLimits;
  check('year', year, firstYear, lastYear);
  check('sequence', sequence, 1, 10 ** digits - 1);
  if (squad !== undefined) check('squad', squad, 1, 10 ** digits - 1);
  if (pattern.length > length) return bad({ reason: 'bad-pattern' });

  const text = pattern.replace(
    /\{(year|sequence|squad)(?::([1-9]))?\}/g,
    (_, field: keyof typeof values, width = '1') => {
      const value = values[field];
      if (value === undefined) return bad({ reason: 'bad-number-value', field });
      return String(value).padStart(Number(width), '0');
    },
  );
  const read = parseNumber(text);
  const squadRead = !pattern.includes('{squad') || read?.series.includes(squad!);
  const same = read?.year === year && read.sequence === sequence && squadRead;
  const once = (['{year}', '{sequence'] as const).every((field) => pattern.split(field).length === 2);
  return same && once ? text : bad({ reason: 'bad-pattern' });
}

function check(field: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) bad({ reason: 'bad-number-value', field });
}

function bad(params: { reason: string; field?: string }): never {
  throw new GatewayError('VALIDATION_FAILED', params);
}
