import type { TransferEvidence } from '../transfer-data';
import type { Finding, Rule } from './rule';

/**
 * R07, 证据规定 §12: audio-visual material and electronic data state how, when and by whom they were made and what they
 * prove; sound comes with its transcript.
 */
export const r07: Rule = {
  id: 'R07',
  basis: [{ law: '行政诉讼证据规定', article: '12' }],
  appliesTo: 'every',
  check({ transfer }) {
    const findings: Finding[] = [];
    let examined = 0;
    for (const item of transfer.evidence) {
      if (item.kind !== 'audio-visual' && item.kind !== 'electronic-data') continue;
      examined++;
      const missing = missingDetails(item);
      if (missing.length > 0) findings.push(finding(item, 'describe-production', missing));
      const recording = item.mediaType.startsWith('video/') || item.mediaType.startsWith('audio/');
      if (recording && item.hasSound === undefined) findings.push(finding(item, 'state-sound', ['hasSound']));
      else if (item.hasSound && !transfer.evidence.some((other) => other !== item && other.id === item.transcriptRef)) {
        findings.push(finding(item, 'add-transcript', ['transcriptRef']));
      }
    }
    return { examined, findings };
  },
};

function missingDetails(item: TransferEvidence): string[] {
  const missing: string[] = [];
  if (item.method === undefined) missing.push('method');
  if (item.madeAt === undefined) missing.push('madeAt');
  if (item.madeBy === undefined) missing.push('madeBy');
  if (item.purpose === undefined) missing.push('purpose');
  return missing;
}

function finding(item: TransferEvidence, remedy: Finding['remedy'], missing: string[]): Finding {
  return { result: 'supplement', remedy, facts: { missing }, evidence: item.id, cap: 'AFTER_REVIEW' };
}
