import type { Finding, Rule } from './rule';

/**
 * R10, 行政处罚法 §41: what a monitoring device recorded comes with the device's legal and technical review and the
 * publication of its location. Until then it may not be used as evidence, only as a lead.
 */
export const r10: Rule = {
  id: 'R10',
  basis: [{ law: '行政处罚法', article: '41' }],
  appliesTo: 'every',
  check({ transfer }) {
    const findings: Finding[] = [];
    let examined = 0;
    for (const item of transfer.evidence) {
      if (item.isMonitoringDevice !== true) continue;
      examined++;
      const missing: string[] = [];
      if (item.deviceReviewNo === undefined) missing.push('deviceReviewNo');
      if (item.devicePublished === undefined) missing.push('devicePublished');
      if (missing.length === 0) continue;
      findings.push({
        result: 'supplement',
        remedy: 'publish-device',
        facts: { missing },
        evidence: item.id,
        cap: 'LEAD_ONLY',
      });
    }
    return { examined, findings };
  },
};
