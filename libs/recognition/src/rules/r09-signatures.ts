import type { LegalBasis } from '../agreement-terms';
import type { TransferEvidence } from '../transfer-data';
import type { Finding, Rule } from './rule';

const statementBasis: readonly LegalBasis[] = [{ law: '行政诉讼证据规定', article: '10(4)' }];
const writtenTestimonyBasis: readonly LegalBasis[] = [{ law: '行政诉讼证据规定', article: '13' }];

/**
 * R09: records carry the signatures of the officers and of the party or person questioned, or the reason why not and a
 * witness (or the note that none was present). 证据规定 §15 for records of the scene, §10(4) for records of statements,
 * §13 for testimony that its author wrote and handed in, which no officer signs.
 */
export const r09: Rule = {
  id: 'R09',
  basis: [{ law: '行政诉讼证据规定', article: '15' }],
  appliesTo: 'every',
  check({ transfer, parameters }) {
    const findings: Finding[] = [];
    let examined = 0;
    for (const item of transfer.evidence) {
      const scene = item.kind === 'inspection-record';
      if (!scene && item.kind !== 'party-statement' && item.kind !== 'witness-testimony') continue;
      examined++;
      const missing = missingSignatures(item, item.handedInBy === undefined ? parameters.minOfficers : 0);
      if (missing.length === 0) continue;
      const finding: Finding = {
        result: 'supplement',
        remedy: 'complete-signatures',
        facts: { missing },
        evidence: item.id,
        cap: 'AFTER_REVIEW',
      };
      if (!scene) finding.basis = item.handedInBy === undefined ? statementBasis : writtenTestimonyBasis;
      findings.push(finding);
    }
    return { examined, findings };
  },
};

function missingSignatures(item: TransferEvidence, officersNeeded: number): string[] {
  const { signatures } = item;
  const missing: string[] = [];
  if (new Set(signatures?.officers).size < officersNeeded) missing.push('signatures.officers');
  if (signatures?.party !== true) {
    if (signatures?.refusalReason === undefined) missing.push('signatures.refusalReason');
    if (signatures?.witness === undefined) missing.push('signatures.witness');
  }
  return missing;
}
