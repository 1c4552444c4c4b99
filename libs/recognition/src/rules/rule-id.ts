/** The twenty rules of domain.md §5. */
export const ruleIds = [
  'R01',
  'R02',
  'R03',
  'R04',
  'R05',
  'R06',
  'R07',
  'R08',
  'R09',
  'R10',
  'R11',
  'R12',
  'R13',
  'R14',
  'R15',
  'R16',
  'R17',
  'R18',
  'R19',
  'R20',
] as const;
/** Those not yet written are never reported as passed, they are absent. */
export type RuleId = (typeof ruleIds)[number];

export type RuleResult = 'pass' | 'warn' | 'supplement' | 'block' | 'not-applicable';

/** What a rule saw: field names, ids, codes, counts and days. Never names, numbers of persons, or text of the case. */
export type Facts = Record<string, string | number | boolean | readonly string[]>;
