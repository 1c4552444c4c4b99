import { chinaDay, daysBetween } from '../china-date';
import { type Pause, type Remaining, remaining } from '../deadlines/deadlines';
import { clockInForce } from '../deadlines/transfer-clocks';
import type { EvidenceSeizure } from '../transfer-data';
import { clockAnswer } from './clock-answer';
import type { Finding, Rule } from './rule';

/**
 * R12, 行政强制法 §25: a seizure lasts 30 days and once extended 60, days of testing and appraisal not counted. Few days
 * left warn; what is held beyond the end can't be relied on, because §28 orders its release.
 */
export const r12: Rule = {
  id: 'R12',
  basis: [{ law: '行政强制法', article: '25' }],
  appliesTo: 'every',
  check({ transfer, parameters, at }) {
    const findings: Finding[] = [];
    const lastDays: string[] = [];
    let examined = 0;
    for (const { id: evidence, seizure } of transfer.evidence) {
      if (!seizure) continue;
      examined++;
      if (seizure.released !== undefined && Date.parse(seizure.released) <= Date.parse(at)) continue;
      const clock = clockAnswer(() => runOf(seizure, at));
      if ('unanswered' in clock) {
        findings.push({ result: 'warn', remedy: 'count-by-hand', facts: { why: clock.unanswered }, evidence });
        continue;
      }
      // Being tested: the clock stands still, and nobody knows yet when it ends.
      if (clock.due === null) continue;
      const lastDay = clock.due.day;
      const facts = { seized: chinaDay(seizure.from), lastDay };
      if (clock.overdue) {
        const basis = [{ law: '行政强制法', article: '28' }];
        findings.push({ result: 'block', remedy: 'release-seized', facts, basis, evidence, cap: 'REFUSED' });
        continue;
      }
      const daysLeft = daysBetween(chinaDay(at), lastDay);
      if (daysLeft >= parameters.seizureWarnDays) lastDays.push(lastDay);
      else findings.push({ result: 'warn', remedy: 'extend-seizure', facts: { ...facts, daysLeft }, evidence });
    }
    return { examined, findings, facts: { lastDays: [...new Set(lastDays)].sort() } };
  },
};

function runOf({ from, extended, testing = [] }: EvidenceSeizure, at: string): Remaining {
  const day = chinaDay(from);
  const first = clockInForce('seizure', day, false);
  const more = extended === true ? clockInForce('seizure-extension', day, false).amount : 0;
  const pauses = testing.map(
    (days): Pause => ({
      from: midnight(days.from),
      // Both days are included: the clock goes on with the day after.
      to: days.to === undefined ? null : nextMidnight(days.to),
      by: '检测',
      basis: { law: '行政强制法', article: '25(3)' },
    }),
  );
  return remaining({ ...first, direction: 'forward', amount: first.amount + more }, from, pauses, at);
}

function midnight(day: string): string {
  return `${day}T00:00:00+08:00`;
}

function nextMidnight(day: string): string {
  return new Date(Date.parse(midnight(day)) + 86_400_000).toISOString();
}
