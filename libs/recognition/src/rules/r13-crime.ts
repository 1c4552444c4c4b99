import type { CrimeThreshold, LegalBasis } from '../agreement-terms';
import { chinaDay } from '../china-date';
import type { TransferData } from '../transfer-data';
import type { Facts, Finding, Rule, RuleInput } from './rule';

/** 公安机关不予立案通知书, as a document of the transfer or the form of an evidence item. */
export const policeRefusalNotice = 'police-refusal-notice';

/** 刑诉法 §54 does not name statements taken by administrative officers: they are taken again. */
const statementBasis: readonly LegalBasis[] = [{ law: '刑事诉讼法', article: '54' }];

/**
 * R13, 移送规定 §11: what reaches a threshold of crime goes to the police, and no penalty takes its place. A case can't be
 * transferred as one; a lead is, with the proposal of the criminal track. Once the police have refused to file, the
 * administrative track is open again (§10).
 */
export const r13: Rule = {
  id: 'R13',
  basis: [{ law: '行政执法机关移送涉嫌犯罪案件的规定', article: '11' }],
  appliesTo: ['LEAD', 'CASE'],
  check({ transfer, act, at, parameters, findings: own }) {
    const ended = chinaDay(act.to ?? at);
    let examined = 0;
    const findings: Finding[] = [];
    for (const threshold of parameters.crimeThresholds) {
      const { from, to, measure, atLeast, basis } = threshold;
      if ((from !== null && ended < from) || (to !== null && ended >= to)) continue;
      const amount = amountOf(threshold, act, own.appraisal);
      if (amount === null) continue;
      examined++;
      if (amount < atLeast) continue;
      const facts: Facts = { measure, amount, atLeast };
      const found = transfer.kind === 'CASE' ? 'block' : 'warn';
      const remedy = found === 'block' ? 'refer-to-police' : 'consider-police';
      findings.push({ result: found, remedy, facts, basis: [...r13.basis, basis] });
    }
    if (findings.length > 0 && refusedByPolice(transfer, own)) {
      return { examined, findings: [], facts: { policeRefused: true } };
    }
    if (findings.length > 0) findings.push(...statementsOf(transfer));
    return { examined, findings };
  },
};

/** In the threshold's unit; null where nothing is stated that could be compared with it. */
function amountOf(
  { measure }: CrimeThreshold,
  { gains, losses, quantities = [] }: RuleInput['act'],
  appraisal: RuleInput['findings']['appraisal'],
): number | null {
  if (measure === 'gains') return gains ?? null;
  if (measure === 'losses') return losses ?? null;
  const appraised = (substance: string) => (substance === appraisal?.of ? appraisal.substance : substance);
  const grams = quantities
    .filter(({ substance, unit }) => appraised(substance) === measure && (unit === 'tonne' || unit === 'kilogram'))
    // Whole grams: three loads of a tonne stay three tonnes, however their decimals are written.
    .map(({ amount, unit }) => Math.round(amount * (unit === 'tonne' ? 1_000_000 : 1_000)));
  return grams.length === 0 ? null : grams.reduce((sum, each) => sum + each, 0) / 1_000_000;
}

function refusedByPolice(
  { documents = [], evidence }: TransferData,
  { policeRefusal }: RuleInput['findings'],
): boolean {
  return (
    policeRefusal !== undefined ||
    documents.some(({ type }) => type === policeRefusalNotice) ||
    evidence.some(({ documentType }) => documentType === policeRefusalNotice)
  );
}

function statementsOf({ evidence }: TransferData): Finding[] {
  return evidence
    .filter(({ kind }) => kind === 'party-statement' || kind === 'witness-testimony')
    .map(({ id, kind }) => ({
      result: 'warn',
      remedy: 'retake-statement',
      facts: { kind },
      basis: statementBasis,
      evidence: id,
      cap: 'RETAKE',
    }));
}
