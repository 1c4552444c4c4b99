import { chinaDay } from '../china-date';
import type { TransferData, TransferEvidence, TransferOfficer } from '../transfer-data';
import type { Finding, Rule } from './rule';

/** R01, 行政处罚法 §42: at least two officers with certificates valid on the day collected each item. */
export const r01: Rule = {
  id: 'R01',
  basis: [{ law: '行政处罚法', article: '42' }],
  appliesTo: 'every',
  check({ transfer, parameters }) {
    const officers = new Map(transfer.officers.map((officer) => [officer.certNo, officer]));
    const findings: Finding[] = [];
    let examined = 0;
    for (const item of transfer.evidence) {
      // What the hotline, a grid or a citizen handed in has no collecting officers; it stays a lead.
      if (item.handedInBy !== undefined) continue;
      examined++;
      const finding = checkItem(item, officers, collectionDay(item, transfer), parameters.minOfficers);
      if (finding) findings.push(finding);
    }
    return { examined, findings };
  },
};

function collectionDay(item: TransferEvidence, transfer: TransferData): string {
  return chinaDay(item.collectedAt ?? item.madeAt ?? transfer.discoveredAt);
}

function checkItem(
  item: TransferEvidence,
  officers: ReadonlyMap<string, TransferOfficer>,
  day: string,
  required: number,
): Finding | null {
  let valid = 0;
  let unstated = 0;
  for (const certNo of new Set(item.collectors)) {
    const officer = officers.get(certNo);
    if (!officer) continue;
    if (officer.validFrom !== undefined && day < officer.validFrom) continue;
    if (officer.validTo !== undefined && day > officer.validTo) continue;
    if (officer.validFrom === undefined || officer.validTo === undefined) unstated++;
    else valid++;
  }
  const facts = { required, collectors: item.collectors.length, valid: valid + unstated, day };
  if (valid + unstated < required) {
    const remedy = item.collectors.length < required ? 'add-officers' : 'renew-certificate';
    return { result: 'block', remedy, facts, evidence: item.id, cap: 'LEAD_ONLY' };
  }
  if (valid >= required) return null;
  return { result: 'warn', remedy: 'state-certificate-validity', facts, evidence: item.id };
}
