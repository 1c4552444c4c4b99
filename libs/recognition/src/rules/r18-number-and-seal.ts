import { withPredecessors } from '../catalogue/lookup';
import { chinaDay } from '../china-date';
import { parseNumber } from '../document-numbers';
import { namesAt, successionsOf } from './authorities';
import type { Finding, Rule, RuleInput } from './rule';

/**
 * R18, 行政处罚法 §59, 国务院令第716号 §9: the number reads as one and no other document of the issuer bears it; the seal's
 * certificate is valid and in the name of the issuing authority, another of its names, or one that it has succeeded.
 */
export const r18: Rule = {
  id: 'R18',
  basis: [
    { law: '行政处罚法', article: '59' },
    { law: '国务院关于在线政务服务的若干规定', article: '9' },
  ],
  appliesTo: 'every',
  check(input) {
    const { registers, transfer } = input;
    const findings: Finding[] = [];
    if (parseNumber(transfer.number) === null) {
      findings.push({ result: 'block', remedy: 'correct-number', facts: { number: 'unreadable' } });
    }
    if (registers.numberTaken) {
      findings.push({ result: 'block', remedy: 'take-another-number', facts: { number: 'taken' } });
    }
    const { seal } = registers;
    if (seal && !seal.valid) findings.push({ result: 'block', remedy: 'seal-again', facts: { seal: 'invalid' } });
    else if (seal && !isIssuers(seal.owner, input)) {
      findings.push({ result: 'block', remedy: 'seal-again', facts: { seal: 'of-another' } });
    }
    return { examined: 1, findings, facts: { seal: seal ? 'valid' : 'none' } };
  },
};

function isIssuers(owner: string, { agreement, at, transfer }: RuleInput): boolean {
  const { authority, node } = transfer.from;
  const names = namesAt(agreement, node, authority);
  const successions = successionsOf(agreement);
  return names.some((name) => withPredecessors(successions, name, chinaDay(at)).has(owner));
}
