import type { Finding, Rule } from './rule';

/**
 * R15, 行政处罚法 §25, §29: nobody but the sender, who hands its case over, has filed one for the same act. What a peer
 * that did not answer may have filed is not known.
 */
export const r15: Rule = {
  id: 'R15',
  basis: [
    { law: '行政处罚法', article: '25' },
    { law: '行政处罚法', article: '29' },
  ],
  appliesTo: ['LEAD', 'CASE'],
  check({ transfer, registers }) {
    const findings: Finding[] = registers.filings
      .filter(({ node }) => node !== transfer.from.node)
      .map(({ node, number, filedAt }) => ({
        result: 'block',
        remedy: 'join-filed-case',
        facts: { node, number, filedAt },
      }));
    if (registers.unanswered.length > 0) {
      findings.push({ result: 'warn', remedy: 'ask-peers-again', facts: { unanswered: [...registers.unanswered] } });
    }
    return { examined: 1, findings };
  },
};
