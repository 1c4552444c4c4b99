import { coordinateFault, locate } from '../territory';
import type { Checked, Facts, Finding, Rule, RuleInput } from './rule';

/**
 * R02, 行政处罚法 §22: the act happened in the receiver's area, by the place's division code and by its coordinates.
 * Near the line, up to the agreement's buffer on either side, a person decides. Where the agreement has no outline of
 * the area the code alone counts.
 */
export const r02: Rule = {
  id: 'R02',
  basis: [{ law: '行政处罚法', article: '22' }],
  appliesTo: ['LEAD', 'CASE'],
  check({ transfer, agreement, act, parameters }): Checked {
    const region = agreement.parties.find((party) => party.node === transfer.to.node)?.region ?? '';
    const { place } = act;
    const facts: Facts = { place: place.code, region };
    const found = (finding: Finding) => ({ examined: 1, findings: [finding] });
    if (region === '' || !place.code.startsWith(prefixOf(region))) {
      // The code of a whole province or prefecture leaves open where in it the act happened.
      const remedy = region.startsWith(prefixOf(place.code)) ? 'refine-place-code' : 'send-to-place-of-act';
      return found({ result: 'block', remedy, facts });
    }
    const fault = coordinateFault(place);
    if (fault) {
      return found({
        result: 'block',
        remedy: 'correct-coordinates',
        facts: { ...facts, swapped: fault === 'swapped' },
      });
    }
    const area = agreement.areas.get(region);
    if (!area) return { examined: 1, findings: [], facts: { area: 'none' } };
    const { position, metres, within } = locate(place, area, parameters.bufferMetres);
    const located: Facts = { ...facts, area: position, metres, within };
    if (position === 'buffer') return found({ result: 'warn', remedy: 'confirm-place', facts: located });
    if (position === 'inside') return { examined: 1, findings: [], facts: { area: position, metres } };
    const elsewhere = regionAround(agreement, place);
    if (elsewhere !== undefined) located.liesIn = elsewhere;
    return found({ result: 'block', remedy: 'send-to-place-of-act', facts: located });
  },
};

function regionAround({ areas }: RuleInput['agreement'], place: RuleInput['act']['place']): string | undefined {
  return [...areas].find(([, area]) => locate(place, area).within)?.[0];
}

/** 330000 covers the province 33, 330400 the prefecture 3304, other codes themselves and what lies below. */
function prefixOf(code: string): string {
  if (code.length !== 6) return code;
  if (code.endsWith('0000')) return code.slice(0, 2);
  return code.endsWith('00') ? code.slice(0, 4) : code;
}
