import { hasCode } from '@jieqiao/core';
import { formatNumber, parseNumber } from '@jieqiao/recognition';

/** What stands between the authority's short name and the year, where the authority sets nothing else. */
const usualWords = {
  'lead-transfer-letter': '线移',
  'case-transfer-letter': '移字',
  'assistance-letter': '协',
  'assistance-reply': '协复',
  'evidence-list': '证移',
  'item-list': '物移',
  'evidence-registration-notice': '登存',
  'correction-order': '责改',
  'filing-approval': '立',
  'penalty-notice': '罚告',
  'penalty-decision': '罚决字',
  'closing-approval': '结',
  'feedback-letter': '馈',
  'jurisdiction-letter': '管协',
  'supplement-or-return-letter': '补退',
  'joint-operation-record': '联',
  'crime-transfer-letter': '罪移',
  'notice-sheet': '抄',
  'transfer-receipt': '收',
  'acceptance-notice': '受',
  'forwarding-letter': '转',
} as const;

/** Documents that bear a number of the authority, by their codes in the catalogue. */
export type NumberedType = keyof typeof usualWords;
export const numberedTypes = Object.keys(usualWords) as NumberedType[];

/** For `formatNumber`. A type that is not here has none: its numbers are given by hand. */
export type NumberPatterns = Partial<Record<NumberedType, string>>;

export interface NumberSettings {
  /** The authority's short name in its numbers, e.g. `平综执`; empty: only `patterns` count. */
  prefix: string;
  /** Patterns of a type's own; `{prefix}` stands for the prefix. */
  patterns: Readonly<Record<string, string>>;
}

/**
 * The patterns of a node, usual or its own.
 * @returns also what is wrong with the settings, a line each, as other settings are told
 */
export function numberPatterns({ patterns: own, prefix }: NumberSettings): {
  patterns: NumberPatterns;
  problems: string[];
} {
  const problems = Object.keys(own)
    .filter((type) => !Object.hasOwn(usualWords, type))
    .map((type) => `numbers.patterns: ${type.slice(0, 60)} bears no number; give one of ${numberedTypes.join(', ')}`);
  const usual = (type: NumberedType) =>
    prefix === '' ? undefined : `{prefix}${usualWords[type]}〔{year}〕第{sequence}号`;
  const patterns: NumberPatterns = {};
  const firstNumbers = new Map<string, NumberedType>();
  for (const type of numberedTypes) {
    const pattern = (own[type] ?? usual(type))?.replaceAll('{prefix}', prefix);
    if (pattern === undefined) continue;
    const key = firstNumberOf(pattern);
    if (key === null) problems.push(`numbers: ${JSON.stringify(pattern)} for ${type} makes no number that reads back`);
    else if (firstNumbers.has(key)) problems.push(`numbers: ${type} has the pattern of ${firstNumbers.get(key)}`);
    else firstNumbers.set(key, type);
    patterns[type] = pattern;
  }
  return { patterns, problems };
}

function firstNumberOf(pattern: string): string | null {
  try {
    const squad = pattern.includes('{squad') ? 1 : undefined;
    return parseNumber(formatNumber(pattern, { year: 2000, sequence: 1, squad }))!.key;
  } catch (error) {
    if (hasCode(error, 'VALIDATION_FAILED')) return null;
    throw error;
  }
}

export function isNumberedType(type: string): type is NumberedType {
  return (numberedTypes as readonly string[]).includes(type);
}
