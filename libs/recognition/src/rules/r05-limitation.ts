import { addYears, chinaDay, daysBetween } from '../china-date';
import type { Rule } from './rule';

/**
 * R05, 行政处罚法 §36: the act was discovered, by whichever side was first, within the limitation period, counted from its
 * end. The day on which the period starts is not counted and the period never rolls to a working day.
 */
export const r05: Rule = {
  id: 'R05',
  basis: [{ law: '行政处罚法', article: '36' }],
  appliesTo: ['LEAD', 'CASE'],
  check({ act, parameters }) {
    const { discoveredAt } = act;
    if (Date.parse(discoveredAt) < Date.parse(act.from)) {
      const facts = { discovered: chinaDay(discoveredAt), actFrom: chinaDay(act.from) };
      return { examined: 1, findings: [{ result: 'supplement', remedy: 'correct-discovery', facts }] };
    }
    // Still going on: the period has not begun.
    if (act.to === undefined) return { examined: 1, findings: [] };

    const ended = chinaDay(act.to);
    const discovered = chinaDay(discoveredAt);
    const { longer, warnDays, years: usualYears } = parameters.limitation;
    let years = usualYears;
    let basis = r05.basis;
    for (const period of longer) {
      if (period.years > years && ended >= period.from && act.harm?.includes(period.harm)) {
        years = period.years;
        basis = [period.basis];
      }
    }
    const lastDay = addYears(ended, years);
    const daysLeft = daysBetween(discovered, lastDay);
    const facts = { ended, discovered, lastDay, years };
    if (daysLeft < 0) {
      return { examined: 1, findings: [{ result: 'block', remedy: 'do-not-pursue', facts, basis }] };
    }
    if (daysLeft < warnDays) {
      return {
        examined: 1,
        findings: [{ result: 'warn', remedy: 'check-limitation', facts: { ...facts, daysLeft }, basis }],
      };
    }
    return { examined: 1, findings: [] };
  },
};
