import { GatewayError } from '@jieqiao/core';
import { pointToLineDistance } from '@turf/point-to-line-distance';
import fc from 'fast-check';
import gcoord from 'gcoord';
import { areaLimits, coordinateFault, defaultBufferMetres, locate, readArea, readPlace } from './territory';

type Ring = [number, number][];
const box = (west: number, south: number, east: number, north: number): Ring => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];
const polygon = (...rings: unknown[]) => ({ type: 'Polygon', coordinates: rings });
const at = (longitude: number, latitude: number) => ({ longitude, latitude });
/** Degrees of longitude for metres at a latitude, on the sphere of mean radius 6371008.8 m. */
const east = (metres: number, latitude: number) =>
  (metres / (6_371_008.8 * Math.cos((latitude * Math.PI) / 180))) * (180 / Math.PI);
const refusal = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { reason, at: pointer } = error.params;
    return [error.code, reason, ...(pointer === undefined ? [] : [pointer])].join(' ');
  }
};

// Schematic: the line between the two sides is the meridian 121.05; Jinshan lies east of it.
const jinshan = readArea(polygon(box(121.05, 30.8, 121.15, 30.9)));

describe('a point and an area', () => {
  it('finds the nearest edge as a look at every edge would', () => {
    const outline = readArea({
      type: 'MultiPolygon',
      coordinates: [
        [box(121, 30.8, 121.3, 30.95), box(121.1, 30.85, 121.2, 30.9)],
        [[...box(120.2, 31.2, 120.9, 31.6).slice(0, 3), [120.4, 31.5], [120.2, 31.2]]],
      ],
    });
    const rings = outline.outline.coordinates.flat();
    const longitude = fc.double({ min: 118, max: 123, noNaN: true });
    const latitude = fc.double({ min: 28, max: 34, noNaN: true });
    fc.assert(
      fc.property(longitude, latitude, (x, y) => {
        const all = rings.map((coordinates) =>
          pointToLineDistance([x, y], { type: 'LineString', coordinates }, { units: 'meters' }),
        );
        expect(locate(at(x, y), outline).metres).toBeCloseTo(Math.min(...all), 0);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["S3: the outlet, 40 m on Pinghu's side", -40, 'outside', false],
    ['S4: the middle of the boundary river', 0, 'buffer', true],
    ['a metre beyond', -1, 'buffer', false],
    ['just within the buffer, beyond', -29.9, 'buffer', false],
    ['at the buffer’s edge', -30, 'buffer', false],
    ['just out of the buffer', -30.2, 'outside', false],
    ['just within the buffer, on our side', 29.9, 'buffer', true],
    ['past the buffer, on our side', 30.2, 'inside', true],
    ['well inside', 2000, 'inside', true],
  ])('%s', (_, metres, position, within) => {
    const found = locate(at(121.05 + east(metres, 30.85), 30.85), jinshan);
    expect(found.position).toBe(position);
    expect(found.metres).toBeCloseTo(Math.abs(metres), 1);
    if (metres !== 0) expect(found.within).toBe(within);
  });

  it('takes the buffer that the parties set, zero included', () => {
    const point = at(121.05 - east(40, 30.85), 30.85);
    expect(locate(point, jinshan, 40).position).toBe('buffer');
    expect(locate(point, jinshan, 39.9).position).toBe('outside');
    expect(locate(at(121.05, 30.85), jinshan, 0)).toMatchObject({ position: 'buffer', metres: 0 });
    expect(locate(at(121.05 + east(1, 30.85), 30.85), jinshan, 0).position).toBe('inside');
    expect(locate(at(121.05, 30.8), jinshan)).toEqual({ position: 'buffer', metres: 0, within: true });
    expect(defaultBufferMetres).toBe(30);
  });

  it('sees holes and several parts', () => {
    const holed = readArea(polygon(box(121, 30.8, 121.1, 30.9), box(121.04, 30.84, 121.06, 30.86)));
    expect(locate(at(121.05, 30.85), holed)).toMatchObject({ position: 'outside', within: false });
    expect(locate(at(121.06 - east(20, 30.85), 30.85), holed)).toEqual({
      position: 'buffer',
      metres: 20,
      within: false,
    });
    expect(locate(at(121.06 + east(50, 30.85), 30.85), holed)).toEqual({
      position: 'inside',
      metres: 50,
      within: true,
    });

    const parts = [[box(121, 30.8, 121.01, 30.81)], [box(121.02, 30.8, 121.03, 30.81)]];
    const both = readArea({ type: 'MultiPolygon', coordinates: parts });
    expect(locate(at(121.025, 30.805), both).position).toBe('inside');
    expect(locate(at(121.015, 30.805), both)).toMatchObject({ position: 'outside', within: false });
    expect(locate(at(121.02 - east(10, 30.805), 30.805), both)).toEqual({
      position: 'buffer',
      metres: 10,
      within: false,
    });
  });

  it('measures to the same straight edge that separates inside from outside, however long', () => {
    // Along a parallel a great circle of two degrees would leave the edge by over 200 m.
    const wide = readArea(polygon(box(120, 30, 122, 31)));
    for (const longitude of [120.5, 121, 121.013, 121.7]) {
      expect(locate(at(longitude, 31 - 0.0001), wide)).toMatchObject({ within: true, position: 'buffer' });
      expect(locate(at(longitude, 31 + 0.0001), wide)).toMatchObject({ within: false, position: 'buffer' });
      expect(Math.abs(locate(at(longitude, 31.0001), wide).metres - 11.12)).toBeLessThan(0.2);
      expect(Math.abs(locate(at(longitude, 30.9999), wide).metres - 11.12)).toBeLessThan(0.2);
    }
    const slope: Ring = [
      [120, 30],
      [121.5, 31.5],
      [120, 31.5],
      [120, 30],
    ];
    const slanted = readArea(polygon(slope));
    expect(locate(at(120.77, 30.77), slanted).metres).toBeLessThan(0.3);
  });

  it('moves through inside, buffer and outside as the distance grows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -500, max: 500 }),
        fc.double({ min: 30.81, max: 30.89, noNaN: true }),
        (m, latitude) => {
          const found = locate(at(121.05 + east(m, latitude), latitude), jinshan);
          expect(Math.abs(found.metres - Math.abs(m))).toBeLessThanOrEqual(0.2);
          if (Math.abs(Math.abs(m) - 30) > 1) {
            expect(found.position).toBe(Math.abs(m) < 30 ? 'buffer' : m > 0 ? 'inside' : 'outside');
          }
        },
      ),
    );
  });

  it('refuses a point or a buffer that says nothing', () => {
    expect(refusal(() => locate(at(Number.NaN, 30), jinshan))).toBe('VALIDATION_FAILED not-a-number');
    expect(refusal(() => locate(at(30.85, 121.05), jinshan))).toBe('VALIDATION_FAILED swapped');
    for (const buffer of [-1, Number.NaN, 10_001]) {
      expect(refusal(() => locate(at(121, 30), jinshan, buffer))).toBe('VALIDATION_FAILED bad-buffer');
    }
  });
});

describe('a place', () => {
  it('keeps WGS-84 as it is', () => {
    const place = readPlace({ code: '330482', coordinates: at(121.0512345678, 30.87), system: 'WGS-84' });
    expect(place).toEqual({ code: '330482', coordinates: at(121.0512345678, 30.87) });
    expect(readPlace({ code: '310116111' })).toEqual({ code: '310116111' });
  });

  it('converts GCJ-02, marks it and keeps what was given', () => {
    const given = at(121.05, 30.87);
    const place = readPlace({ code: '330482', coordinates: given, system: 'GCJ-02' });
    expect(place).toEqual({
      code: '330482',
      coordinates: at(121.045494, 30.872101),
      converted: { system: 'GCJ-02', ...given },
    });
    // Hundreds of metres: unconverted it would be judged on the wrong side of the line.
    expect(Math.abs(place.coordinates!.longitude - given.longitude) * 95_000).toBeGreaterThan(400);
  });

  it('comes back to within 0.3 m when converted again, everywhere in the bounds', () => {
    const inBounds = fc.record({
      longitude: fc.double({ min: 73, max: 136, noNaN: true }),
      latitude: fc.double({ min: 3, max: 54, noNaN: true }),
    });
    fc.assert(
      fc.property(inBounds, (given) => {
        const { longitude, latitude } = readPlace({ code: '330482', coordinates: given, system: 'GCJ-02' })
          .coordinates!;
        const back = gcoord.transform([longitude, latitude] as [number, number], gcoord.WGS84, gcoord.GCJ02);
        expect(Math.abs(back[0] - given.longitude)).toBeLessThan(3e-6);
        expect(Math.abs(back[1] - given.latitude)).toBeLessThan(3e-6);
      }),
    );
  });

  // At 72.005° gcoord's inverse swings between two points for ever: it must never be reached.
  test.each([
    [73, 3],
    [73, 54],
    [136, 3],
    [136, 54],
  ])('ends at the corner %d, %d of the bounds', (longitude, latitude) => {
    const place = readPlace({ code: '330482', coordinates: at(longitude, latitude), system: 'GCJ-02' });
    expect(place.converted).toBeDefined();
  });

  test.each([
    ['outside-china', '330482', at(72.005, 30), 'GCJ-02'],
    ['outside-china', '330482', at(139.7, 35.7), 'GCJ-02'],
    ['outside-china', '330482', at(121, 54.5), 'GCJ-02'],
    ['outside-china', '330482', at(121, 2.5), 'GCJ-02'],
    ['outside-china', '330482', at(2.35, 48.85), 'WGS-84'],
    ['outside-china', '330482', at(0, 0), 'WGS-84'],
    ['swapped', '330482', at(30.87, 121.05), 'GCJ-02'],
    ['swapped', '330482', at(30.87, 121.05), 'WGS-84'],
    ['not-a-number', '330482', at(Number.NaN, 30.87), 'GCJ-02'],
    ['not-a-number', '330482', at(121, Number.POSITIVE_INFINITY), 'WGS-84'],
    ['bad-coordinate-system', '330482', at(121, 30), undefined],
    ['bad-coordinate-system', '330482', at(121, 30), 'BD-09' as 'GCJ-02'],
    ['bad-place-code', '33048', at(121, 30), 'WGS-84'],
    ['bad-place-code', '3304820', at(121, 30), 'WGS-84'],
    ['bad-place-code', '030482', at(121, 30), 'WGS-84'],
    ['bad-place-code', '330482\n', at(121, 30), 'WGS-84'],
  ] as const)('%s: %s %j %s', (reason, code, coordinates, system) => {
    expect(refusal(() => readPlace({ code, coordinates, system }))).toBe(`VALIDATION_FAILED ${reason}`);
  });

  it('a fault of coordinates can be asked for without a throw', () => {
    expect(coordinateFault(at(121, 30))).toBeNull();
    expect(coordinateFault(at(30, 121))).toBe('swapped');
    expect(coordinateFault(at(60, 60))).toBe('outside-china');
  });
});

describe('an area', () => {
  const ring = box(121, 30, 121.1, 30.1);
  const open = ring.slice(0, 4);

  test.each([
    ['bad-area ', null],
    ['bad-area ', 'Polygon'],
    ['bad-area /type', {}],
    ['bad-area /type', { type: 'Feature', geometry: polygon(ring) }],
    ['bad-area /type', { type: 'LineString', coordinates: ring }],
    ['bad-area /coordinates', { type: 'Polygon' }],
    ['bad-area /coordinates', polygon()],
    ['bad-area /coordinates', { type: 'MultiPolygon', coordinates: [] }],
    ['bad-area /coordinates/1', { type: 'MultiPolygon', coordinates: [[ring], []] }],
    ['bad-area /coordinates/0', polygon({})],
    ['bad-area /coordinates/1', polygon(ring, [])],
    ['ring-not-closed /coordinates/0', polygon(open)],
    ['ring-not-closed /coordinates/1/0', { type: 'MultiPolygon', coordinates: [[ring], [open]] }],
    ['ring-not-closed /coordinates/0', polygon([...open, [121, 30.05]])],
    ['ring-not-closed /coordinates/0', polygon([...open, [121.05, 30]])],
    ['bad-ring /coordinates/0', polygon([ring[0], ring[1], ring[0]])],
    ['bad-ring /coordinates/0', polygon([ring[0], ring[1], ring[1], ring[1], ring[0]])],
    ['bad-position /coordinates/0/2', polygon([ring[0], ring[1], [121.1], ring[3], ring[0]])],
    ['bad-position /coordinates/0/2', polygon([ring[0], ring[1], ['121.1', 30.1], ring[3], ring[0]])],
    ['bad-position /coordinates/0/2', polygon([ring[0], ring[1], [121.1, 30.1, 5], ring[3], ring[0]])],
    ['bad-position /coordinates/0/2', polygon([ring[0], ring[1], [Number.NaN, 30.1], ring[3], ring[0]])],
    ['swapped /coordinates/0/0', polygon(ring.map(([x, y]) => [y, x]))],
    ['outside-china /coordinates/0/1', polygon([ring[0], [0, 0], ring[2], ring[3], ring[0]])],
    ['too-many-vertices /coordinates/0', polygon(Array.from({ length: areaLimits.vertices + 1 }, () => [121, 30]))],
    ['too-many-vertices /coordinates', polygon(...Array.from({ length: areaLimits.vertices + 1 }, () => ring))],
    [
      'too-many-vertices /coordinates/2000',
      polygon(...Array.from({ length: 2001 }, () => box(121, 30, 121.01, 30.01))),
    ],
    ['edges-too-long /coordinates/7', polygon(...Array.from({ length: 9 }, () => box(74, 4, 87, 17)))],
  ])('%s', (expected, geometry) => {
    expect(refusal(() => readArea(geometry))).toBe(`VALIDATION_FAILED ${expected}`);
  });

  it('passes over repeated vertices, which make distances undefined elsewhere', () => {
    const repeated = readArea(polygon([ring[0], ring[1], ring[1], ...ring.slice(2), ring[4]]));
    expect(repeated).toEqual(readArea(polygon(ring)));
  });

  it('leaves what it was given as it was', () => {
    const given = polygon(box(120, 30, 122, 31));
    readArea(given);
    expect(given).toEqual(polygon(box(120, 30, 122, 31)));
  });

  it('holds as many vertices as it says, and not one more', () => {
    const small = box(121, 30, 121.01, 30.01);
    const most = Array.from({ length: areaLimits.vertices / 5 }, () => [small]);
    const last = [[...small.slice(0, 4), [121, 30.005], small[4]]];
    expect(refusal(() => readArea({ type: 'MultiPolygon', coordinates: [...most.slice(1), last] }))).toBe(
      'VALIDATION_FAILED too-many-vertices /coordinates/1999/0',
    );
    const area = readArea({ type: 'MultiPolygon', coordinates: most });
    expect(locate(at(121.005, 30.005), area).position).toBe('inside');
  });
});
