import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type ActDescription, actGrain, actOf, askedElements, filedElements, partyKeys } from './act-fingerprint';
import type { TransferParty } from './transfer-data';

const organisation = (over: Partial<TransferParty> = {}): TransferParty => ({
  kind: 'organisation',
  name: '沪甲土方工程有限公司',
  ...over,
});
const s4: ActDescription = {
  family: 'river-pollution',
  act: {
    from: '2022-09-14T22:15:00+08:00',
    to: '2022-09-14T22:40:00+08:00',
    place: { longitude: 121.05, latitude: 30.87 },
  },
  parties: [{ kind: 'organisation', vessel: '平运货0001' }],
};
const changed = (over: Partial<ActDescription['act']>, more: Partial<ActDescription> = {}): ActDescription => ({
  ...s4,
  ...more,
  act: { ...s4.act, ...over },
});

/** Whether who asks about one finds a filing about the other. */
function meet(asked: ActDescription, filed: ActDescription): boolean {
  const tags = new Set(filedElements(actOf(filed)).map(({ text }) => text));
  return askedElements(actOf(asked)).some(({ text }) => tags.has(text));
}

describe('who', () => {
  it.each([
    [
      'the credit code before all else',
      organisation({ uscc: '913101160000000194', plate: '沪A12345' }),
      ['uscc:913101160000000194'],
    ],
    [
      'plate and vessel before the name',
      organisation({ plate: '沪A·12345', vessel: '平运货0001' }),
      ['plate:沪a12345', 'vessel:平运货0001'],
    ],
    ['the name last', organisation(), ['name:沪甲土方工程有限公司']],
    ['nobody by the name of a party that is unknown', { kind: 'unknown', name: '不明' }, []],
    ['the vehicle of an unknown driver', { kind: 'unknown', plate: '浙F·00001' }, ['plate:浙f00001']],
    ['nobody by punctuation', organisation({ name: '（）·－' }), []],
  ] as const)('%s', (_, party, keys) => {
    expect(partyKeys([party as TransferParty])).toEqual(keys);
  });

  it.each([
    [{ plate: '沪A·12345' }, { plate: '沪ａ－１２３４５' }],
    [{ vessel: '平运货0001' }, { vessel: ' 平运货 ０００１ ' }],
    [{ name: '沪甲（上海）有限公司' }, { name: '沪甲(上海)有限公司' }],
    [{ name: 'ACME Ltd.' }, { name: 'ａｃｍｅ　ltd' }],
  ])('%j is written %j too', (one, other) => {
    expect(partyKeys([organisation(one)])).toEqual(partyKeys([organisation(other)]));
  });

  it('of many, the first in their order, whatever the order given', () => {
    const many = Array.from({ length: 100 }, (_, i) => organisation({ name: `丙${100 - i}` }));
    expect(partyKeys(many)).toHaveLength(actGrain.keys);
    expect(partyKeys([...many].reverse())).toEqual(partyKeys(many));
  });

  it('an act of nobody known has no elements', () => {
    const nobody = changed({}, { parties: [{ kind: 'unknown' }] });
    expect(filedElements(actOf(nobody))).toEqual([]);
    expect(askedElements(actOf(nobody))).toEqual([]);
  });
});

describe('where and when', () => {
  const shift = (instant: string, ms: number) => new Date(Date.parse(instant) + ms).toISOString();
  const hour = 3_600_000;

  it.each([
    ['the same', {}, true],
    ['a little east, over the edge of a cell', { place: { longitude: 121.0549, latitude: 30.87 } }, true],
    ['at the tolerance, both ways', { place: { longitude: 121.055, latitude: 30.865 } }, true],
    ['beyond what can match', { place: { longitude: 121.0651, latitude: 30.87 } }, false],
    ['after midnight', { from: '2022-09-15T00:10:00+08:00', to: '2022-09-15T00:10:00+08:00' }, true],
    ['twelve hours before', { from: shift(s4.act.from, -12 * hour), to: shift(s4.act.from, -12 * hour) }, true],
    ['three days later', { from: '2022-09-17T22:15:00+08:00', to: '2022-09-17T22:15:00+08:00' }, false],
    ['a month of it', { from: '2022-09-01T00:00:00+08:00', to: '2022-09-30T00:00:00+08:00' }, true],
    ['another month of it', { from: '2022-10-20T00:00:00+08:00', to: '2022-11-30T00:00:00+08:00' }, false],
  ] as const)('%s', (_, over, same) => {
    expect(meet(s4, changed(over))).toBe(same);
    expect(meet(changed(over), s4)).toBe(same);
  });

  it('another family, another party: another act', () => {
    expect(meet(s4, changed({}, { family: 'street-vending' }))).toBe(false);
    expect(meet(s4, changed({}, { parties: [{ kind: 'organisation', vessel: '平运货0002' }] }))).toBe(false);
  });

  it('an act that goes on is known until it was discovered', () => {
    const going = (discoveredAt?: string) => changed({ to: undefined }, { discoveredAt });
    expect(actOf(going('2022-09-20T00:00:00+08:00')).to).toBe('2022-09-19T16:00:00.000Z');
    expect(actOf(going('2022-09-01T00:00:00+08:00')).to).toBe(actOf(s4).from);
    expect(actOf(going()).to).toBe(actOf(s4).from);
  });

  it.each([
    [{ from: '2022-09-14' }, 'instant'],
    [{ from: '2022-02-30T00:00:00+08:00' }, 'instant'],
    [{ to: '2022-09-14T22:14:00+08:00' }, 'order'],
    [{ place: { longitude: 30.87, latitude: 121.05 } }, 'swapped'],
    [{ place: { longitude: Number.NaN, latitude: 30 } }, 'not-a-number'],
  ])('%j is refused', (over, reason) => {
    expect(() => actOf(changed(over))).toThrow(
      expect.objectContaining({ code: 'VALIDATION_FAILED', params: { reason } }),
    );
  });
});

describe('any two descriptions', () => {
  const instant = fc.integer({ min: Date.parse('2019-01-01'), max: Date.parse('2029-01-01') });
  const spread = (limit: number) => fc.integer({ min: -limit, max: limit });
  const party = fc.constantFrom<TransferParty>(organisation({ uscc: '913101160000000194' }), organisation(), {
    kind: 'natural',
    plate: '浙F·00001',
  });
  const described = fc.record({
    at: instant,
    days: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 9, max: 300 })),
    x: fc.integer({ min: 118_000_000, max: 123_000_000 }),
    y: fc.integer({ min: 27_000_000, max: 35_000_000 }),
    party,
  });
  const act = ({
    at,
    days,
    x,
    y,
    party: who,
  }: {
    at: number;
    days: number;
    x: number;
    y: number;
    party: TransferParty;
  }) => ({
    family: 'construction-waste-dumping',
    act: {
      from: new Date(at).toISOString(),
      to: new Date(at + days * 86_400_000).toISOString(),
      place: { longitude: x / 1e6, latitude: y / 1e6 },
    },
    parties: [who],
  });

  it('of the same party match whenever some moment of both lies within the tolerances', () => {
    fc.assert(
      fc.property(
        described,
        fc.double({ min: 0, max: 1, noNaN: true }),
        spread(actGrain.timeTolerance),
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 200 }),
        spread(actGrain.placeTolerance),
        spread(actGrain.placeTolerance),
        (one, part, ms, before, after, dx, dy) => {
          const moment = one.at + part * one.days * 86_400_000 + ms;
          const other = {
            ...one,
            at: Math.round(moment - before * 86_400_000),
            days: before + after,
            x: one.x + dx,
            y: one.y + dy,
          };
          expect(meet(act(one), act(other))).toBe(true);
          expect(meet(act(other), act(one))).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never match when parties differ, nor beyond the cells around', () => {
    fc.assert(
      fc.property(described, described, (one, other) => {
        const apart = one.party !== other.party;
        const limit = actGrain.cell + actGrain.placeTolerance;
        const far = Math.abs(one.x - other.x) > limit || Math.abs(one.y - other.y) > limit;
        fc.pre(apart || far);
        expect(meet(act(one), act(other))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(described, party, (one, who) => {
        fc.pre(one.party !== who);
        expect(meet(act(one), act({ ...one, party: who }))).toBe(false);
      }),
    );
  });

  it('have few elements, however long the act and many the parties', () => {
    const parties = Array.from({ length: 100 }, (_, i) => organisation({ name: `丙${i}` }));
    fc.assert(
      fc.property(described, fc.integer({ min: 0, max: 3_000 }), (one, days) => {
        const long = actOf({ ...act({ ...one, days }), parties });
        const [filed, asked] = [filedElements(long), askedElements(long)];
        expect(filed.length).toBeLessThanOrEqual(192);
        expect(asked.length).toBeLessThanOrEqual(416);
        expect(new Set(asked.map(({ month }) => month)).size).toBeLessThanOrEqual(13);
        for (const list of [filed, asked]) expect(new Set(list.map(({ text }) => text)).size).toBe(list.length);
      }),
    );
  });
});

describe('vectors of version 1', () => {
  const file = join(__dirname, '../../../test/vectors/same-act/v1/elements.json');
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
    name: string;
    description: ActDescription;
    filed: string[];
    asked: string[];
  }[];

  it.each(vectors)('$name', ({ description, filed, asked }) => {
    const act = actOf(description);
    expect(filedElements(act).map(({ text }) => text)).toEqual(filed);
    expect(askedElements(act).map(({ text }) => text)).toEqual(asked);
  });
});
