import type { LegalBasis } from '../agreement-terms';
import { answersOn, type ItemPrecondition, type ItemRow, itemAt } from '../catalogue';
import { chinaDay } from '../china-date';
import { candidateItems } from './candidate-items';
import type { Facts, Finding, Rule, RuleInput } from './rule';

/** What proves a precondition, by the catalogue's types of document. Education in light cases leaves none. */
const proofs = { 'order-to-correct': 'correction-order', 're-check': 're-check-record' } as const;
type Provable = keyof typeof proofs;

/**
 * R14: where every item that the act may fall under can be fined only after an order to correct and a re-check, their
 * proof is there. A sender without the power can't order, so a lead is only told that the receiver will.
 */
export const r14: Rule = {
  id: 'R14',
  basis: [],
  appliesTo: ['LEAD', 'CASE'],
  check(input) {
    const { act, at, catalogue, findings: own, transfer } = input;
    const day = chinaDay(act.to ?? at);
    const result = transfer.kind === 'CASE' ? 'supplement' : 'warn';
    const found = (remedy: Finding['remedy'], facts: Facts, basis?: LegalBasis[]) => ({
      examined: 1,
      findings: [{ result, remedy, facts, ...(basis ? { basis } : {}) } as Finding],
    });
    if (!answersOn(catalogue, day)) {
      const facts = { day, why: 'day-outside-catalogue' };
      return { examined: 1, findings: [{ result: 'warn', remedy: 'check-preconditions', facts }] };
    }
    const items = candidateItems(input, day, 'closest');
    const required = requiredBy(items);
    if (required.length === 0) return { examined: 0, findings: [] };
    const basis = items.flatMap((item) => basisOf(input, item, day));
    const codes = items.map(({ code }) => code);
    if (own.reCheck?.result === 'corrected') {
      return found('close-as-corrected', { items: codes, reCheck: own.reCheck.day }, basis);
    }
    const missing = required.filter((precondition) => !proven(input, precondition)).map((each) => proofs[each]);
    if (missing.length === 0) return { examined: 1, findings: [] };
    const remedy = result === 'supplement' ? 'add-order-and-re-check' : 'order-to-correct-first';
    return found(remedy, { items: codes, missing }, basis);
  },
};

function requiredBy(items: readonly ItemRow[]): Provable[] {
  const provable = Object.keys(proofs) as Provable[];
  return provable.filter((precondition) => items.length > 0 && items.every((item) => asksFor(item, precondition)));
}

function asksFor({ preconditions }: ItemRow, precondition: ItemPrecondition): boolean {
  return preconditions.includes(precondition);
}

function proven({ findings, transfer }: RuleInput, precondition: Provable): boolean {
  const type = proofs[precondition];
  const own = precondition === 'order-to-correct' ? (findings.orders?.length ?? 0) > 0 : findings.reCheck !== undefined;
  return (
    own ||
    (transfer.documents ?? []).some((document) => document.type === type) ||
    transfer.evidence.some(({ documentType }) => documentType === type)
  );
}

/** The articles that set the item's liability, and with it the precondition. */
function basisOf({ catalogue }: RuleInput, { code }: ItemRow, day: string): LegalBasis[] {
  return (itemAt(catalogue, code, day)?.bases ?? [])
    .filter(({ role }) => role === 'liability')
    .map(({ article, law }) => ({ law, article: String(article) }));
}
