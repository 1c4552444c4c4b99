import type { RuleId, RuleResult } from './rule-id';

/** What a direction of an agreement says of the twenty rules. */
export interface RuleSwitches {
  /** Rules that are not applied in this direction. */
  off?: RuleId[];
  /** What a rule's warnings and supplements count as in this direction. Blocks stay blocks. */
  severity?: { rule: RuleId; result: SwitchedResult }[];
}

export const switchedResults = ['warn', 'supplement'] as const;
export type SwitchedResult = (typeof switchedResults)[number];

/**
 * How far the parties may go down from a rule. They may always go up: a warning may ask for a supplement.
 *
 * `law`: a statute forbids to act without it, whoever agrees (行政处罚法 §17, §22, §29, §36, §38, §42, §56, §58; 移送规定
 * §11; 个人信息保护法 §34; 716号令 §9), or it is what makes an exchange one (R06, R19). `warn`: the law asks it of evidence
 * or of the decision, not of the handing over. What is missing may follow, but it is said, and the item's cap stays.
 * `off`: an advice or an agreed criterion.
 */
export const mayGoDownTo: Readonly<Record<RuleId, 'law' | 'warn' | 'off'>> = {
  R01: 'law',
  R02: 'law',
  R03: 'law',
  R04: 'off',
  R05: 'law',
  R06: 'law',
  R07: 'warn',
  R08: 'warn',
  R09: 'warn',
  R10: 'warn',
  R11: 'law',
  R12: 'law',
  R13: 'law',
  R14: 'warn',
  R15: 'law',
  R16: 'law',
  R17: 'off',
  R18: 'law',
  R19: 'law',
  R20: 'law',
};

/** The first switch that the law does not leave to the parties. */
export function forbiddenSwitch({ off = [], severity = [] }: RuleSwitches): RuleId | undefined {
  const lowered = severity.find(({ rule, result }) => result === 'warn' && mayGoDownTo[rule] === 'law');
  return off.find((rule) => mayGoDownTo[rule] !== 'off') ?? lowered?.rule;
}

/** A finding's result as the direction has it. */
export function agreedResult(switches: RuleSwitches | undefined, rule: RuleId, result: RuleResult): RuleResult {
  if (result === 'block') return result;
  return switches?.severity?.find((entry) => entry.rule === rule)?.result ?? result;
}
