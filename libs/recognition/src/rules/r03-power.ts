import { answersOn, hasPower } from '../catalogue';
import { chinaDay } from '../china-date';
import { namesAt, successionsOf } from './authorities';
import { candidateItems } from './candidate-items';
import type { Checked, Facts, Finding, Rule } from './rule';

/**
 * R03, 行政处罚法 §17, §24: the receiving authority, or one that it has succeeded, holds the power over an item that the
 * act may fall under, on the day on which it would act. Where nothing is known of its powers or of such items, nothing
 * follows, and a person checks.
 */
export const r03: Rule = {
  id: 'R03',
  basis: [
    { law: '行政处罚法', article: '17' },
    { law: '行政处罚法', article: '24' },
  ],
  appliesTo: ['LEAD', 'CASE'],
  check(input): Checked {
    const { agreement, at, catalogue, transfer } = input;
    const day = chinaDay(at);
    const found = (result: Finding['result'], remedy: Finding['remedy'], facts: Facts) => ({
      examined: 1,
      findings: [{ result, remedy, facts: { day, ...facts } }],
    });
    if (!answersOn(catalogue, day)) return found('warn', 'check-power', { why: 'day-outside-catalogue' });
    const items = candidateItems(input, day, 'all').map(({ code }) => code);
    if (items.length === 0) return found('warn', 'check-power', { why: 'no-items' });
    const successions = successionsOf(agreement);
    const names = namesAt(agreement, transfer.to.node, transfer.to.authority);
    const reasons = new Set<string>();
    for (const [name, item] of names.flatMap((each) => items.map((code) => [each, code] as const))) {
      const answer = hasPower(catalogue, name, item, day, successions);
      if (answer.held) return { examined: 1, findings: [] };
      reasons.add(answer.why);
    }
    if (reasons.has('succeeded')) return found('block', 'address-successor', { why: 'succeeded', items });
    if (reasons.has('not-granted')) return found('block', 'send-to-holder-of-power', { why: 'not-granted', items });
    return found('warn', 'check-power', { why: 'no-register', items });
  },
};
