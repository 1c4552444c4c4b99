import type { Finding, Rule } from './rule';

/**
 * R08, 证据规定 §10: a copy of a document states its source and was compared with the original; where a department or
 * other body keeps the original, that body's seal is on the copy. A missing page count only warns.
 */
export const r08: Rule = {
  id: 'R08',
  basis: [{ law: '行政诉讼证据规定', article: '10' }],
  appliesTo: 'every',
  check({ transfer }) {
    const findings: Finding[] = [];
    let examined = 0;
    for (const item of transfer.evidence) {
      if (item.kind !== 'documentary' || item.isOriginal) continue;
      examined++;
      const missing: string[] = [];
      if (item.sourceHolder === undefined) missing.push('sourceHolder');
      if (item.verifiedAgainstOriginal !== true) missing.push('verifiedAgainstOriginal');
      // An unknown holder may be a body: the seal is asked for until a person is named.
      if (item.sourceHolder?.kind !== 'person' && item.holderSeal !== true) missing.push('holderSeal');
      if (missing.length > 0) {
        findings.push({
          result: 'supplement',
          remedy: 'certify-copy',
          facts: { missing },
          evidence: item.id,
          cap: 'AFTER_REVIEW',
        });
      }
      if (item.pages === undefined) {
        findings.push({ result: 'warn', remedy: 'count-pages', facts: { missing: ['pages'] }, evidence: item.id });
      }
    }
    return { examined, findings };
  },
};
