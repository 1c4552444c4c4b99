import { chinaDay } from '../china-date';
import type { Facts, Finding, Rule } from './rule';

/**
 * R20, 行政处罚法 §58: whoever cleared the transfer as legal reviewer did not handle the case, did not approve it, and was
 * qualified on that day.
 */
export const r20: Rule = {
  id: 'R20',
  basis: [{ law: '行政处罚法', article: '58' }],
  appliesTo: 'every',
  check({ transfer }) {
    const attested = transfer.attestation ?? [];
    const certificatesOf = (...steps: string[]) =>
      attested.filter(({ step }) => steps.includes(step)).map(({ certNo }) => certNo);
    const handlers = new Set([
      ...transfer.officers.map(({ certNo }) => certNo),
      ...transfer.evidence.flatMap(({ collectors }) => collectors),
      ...certificatesOf('signed', 'submitted'),
    ]);
    const approvers = new Set(certificatesOf('approved'));
    const findings: Finding[] = [];
    const reviews = attested.filter(({ step }) => step === 'cleared');
    for (const { at, certNo, qualifiedSince } of reviews) {
      const reviewed = chinaDay(at);
      const found = (result: Finding['result'], remedy: Finding['remedy'], why: string, more: Facts = {}) =>
        findings.push({ result, remedy, facts: { why, reviewed, ...more } });
      if (handlers.has(certNo)) found('block', 'review-by-another', 'handler');
      if (approvers.has(certNo)) found('block', 'review-by-another', 'approver');
      if (qualifiedSince === undefined) found('supplement', 'state-qualification', 'qualification-unstated');
      else if (qualifiedSince > reviewed) found('block', 'review-by-another', 'not-qualified', { qualifiedSince });
    }
    return { examined: reviews.length, findings };
  },
};
