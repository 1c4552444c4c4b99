import type { Rule } from './rule';

/**
 * R17, the agreement's urgency criteria: an urgent transfer names at least one ground that the parties accept. "Ongoing"
 * holds only if the act had not ended when it was discovered. Otherwise the usual time limits apply.
 */
export const r17: Rule = {
  id: 'R17',
  basis: [],
  appliesTo: ['LEAD', 'CASE'],
  check({ transfer, act, parameters }) {
    if (transfer.urgency !== 'urgent') return { examined: 0, findings: [] };
    const claimed = transfer.urgencyGrounds ?? [];
    const ended = act.to !== undefined && Date.parse(act.to) < Date.parse(act.discoveredAt);
    const holds = claimed.some(
      (ground) => parameters.urgencyGrounds.includes(ground) && !(ground === 'ongoing' && ended),
    );
    if (holds) return { examined: 1, findings: [] };
    const facts = { claimed, accepted: parameters.urgencyGrounds, endedBeforeDiscovery: ended };
    return { examined: 1, findings: [{ result: 'warn', remedy: 'use-normal-procedure', facts }] };
  },
};
