import type { Rule } from './rule';

/**
 * R02, 行政处罚法 §22: the act happened in the receiver's area, by the place's division code. Coordinates are checked
 * for sense only (inside the country's bounds, not swapped); boundary geometry and the buffer zone come with the
 * catalogues of areas.
 */
export const r02: Rule = {
  id: 'R02',
  basis: [{ law: '行政处罚法', article: '22' }],
  appliesTo: ['LEAD', 'CASE'],
  check({ transfer, agreement }) {
    const region = agreement.parties.find((party) => party.node === transfer.to.node)?.region ?? '';
    const { code, latitude, longitude } = transfer.act.place;
    const facts = { place: code, region };
    if (region === '' || !code.startsWith(prefixOf(region))) {
      // The code of a whole province or prefecture leaves open where in it the act happened.
      const remedy = region.startsWith(prefixOf(code)) ? 'refine-place-code' : 'send-to-place-of-act';
      return { examined: 1, findings: [{ result: 'block', remedy, facts }] };
    }
    if (longitude < 73 || longitude > 136 || latitude < 3 || latitude > 54) {
      const swapped = latitude >= 73 && longitude >= 3 && longitude <= 54;
      return {
        examined: 1,
        findings: [{ result: 'block', remedy: 'correct-coordinates', facts: { ...facts, swapped } }],
      };
    }
    return { examined: 1, findings: [] };
  },
};

/** 330000 covers the province 33, 330400 the prefecture 3304, other codes themselves and what lies below. */
function prefixOf(code: string): string {
  if (code.length !== 6) return code;
  if (code.endsWith('0000')) return code.slice(0, 2);
  return code.endsWith('00') ? code.slice(0, 4) : code;
}
