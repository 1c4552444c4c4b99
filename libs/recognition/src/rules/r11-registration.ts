import { chinaDay } from '../china-date';
import { dueAt } from '../deadlines/deadlines';
import { clockInForce } from '../deadlines/transfer-clocks';
import { clockAnswer } from './clock-answer';
import type { Finding, Rule } from './rule';

/**
 * R11, 行政处罚法 §56, §85: an item registered for preservation (先行登记保存) is disposed of within seven working days;
 * before 2021-07-15 within seven days.
 */
export const r11: Rule = {
  id: 'R11',
  basis: [
    { law: '行政处罚法', article: '56' },
    { law: '行政处罚法', article: '85' },
  ],
  appliesTo: 'every',
  check({ transfer, at }) {
    const findings: Finding[] = [];
    let examined = 0;
    for (const { id: evidence, registration } of transfer.evidence) {
      if (!registration) continue;
      examined++;
      const { from, disposed } = registration;
      const due = clockAnswer(() => dueAt(clockInForce('evidence-registration', chinaDay(from), false), from));
      if ('unanswered' in due) {
        findings.push({ result: 'warn', remedy: 'count-by-hand', facts: { why: due.unanswered }, evidence });
        continue;
      }
      if (Date.parse(disposed ?? at) <= Date.parse(due.at)) continue;
      const facts = { registered: chinaDay(from), lastDay: due.day };
      if (disposed === undefined) findings.push({ result: 'block', remedy: 'dispose-registered', facts, evidence });
      else {
        const late = { ...facts, disposed: chinaDay(disposed) };
        findings.push({ result: 'warn', remedy: 'explain-late-disposal', facts: late, evidence });
      }
    }
    return { examined, findings };
  },
};
