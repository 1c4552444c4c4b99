import { powersProblem } from '../agreement-terms';
import type { Facts, Finding, Rule } from './rule';

/**
 * R19: an agreement in force covers this pair, in this direction, for this family and kind of transfer, and both
 * authorities hold their powers. An evidence kind or catalogue item that the direction doesn't list travels, but nothing
 * obliges the receiver to recognise it.
 */
export const r19: Rule = {
  id: 'R19',
  basis: [],
  appliesTo: 'every',
  check({ transfer, agreement, direction, at }) {
    const now = Date.parse(at);
    const inForce = Date.parse(agreement.effective.from) <= now && now < Date.parse(agreement.effective.to);
    const findings: Finding[] = [];
    if (!inForce) findings.push({ result: 'block', remedy: 'use-agreement-in-force', facts: { uncovered: 'date' } });
    for (const end of ['from', 'to'] as const) {
      const party = agreement.parties.find(({ node }) => node === transfer[end].node);
      const problem = party && powersProblem(party, at);
      if (!problem) continue;
      const facts: Facts = { uncovered: 'authority', end, node: party.node, problem };
      if (problem === 'succeeded') facts.successor = party.successor!.node;
      findings.push({ result: 'block', remedy: 'address-successor', facts });
    }
    if (!direction) {
      const facts = { uncovered: 'direction', from: transfer.from.node, to: transfer.to.node };
      findings.push({ result: 'block', remedy: 'amend-agreement', facts });
      return { examined: 1, findings };
    }
    if (!direction.transferKinds.includes(transfer.kind)) {
      findings.push({ result: 'block', remedy: 'amend-agreement', facts: { uncovered: 'kind', kind: transfer.kind } });
    }
    if (!direction.families.includes(transfer.family)) {
      const facts = { uncovered: 'family', family: transfer.family };
      findings.push({ result: 'block', remedy: 'amend-agreement', facts });
    }
    if (transfer.item !== undefined && direction.items && !direction.items.includes(transfer.item)) {
      findings.push({ result: 'warn', remedy: 'amend-agreement', facts: { uncovered: 'item', item: transfer.item } });
    }
    for (const item of transfer.evidence) {
      if (direction.evidenceKinds.some((entry) => entry.kind === item.kind)) continue;
      findings.push({
        result: 'warn',
        remedy: 'expect-refusal-of-item',
        facts: { uncovered: 'evidence-kind', kind: item.kind },
        evidence: item.id,
        cap: 'REFUSED',
      });
    }
    return { examined: 1, findings };
  },
};
