import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { encodeRegions, findRegions, placeCodeFault, type Regions, readRegions, regionOf } from './regions';

const file = readFileSync(path.join(__dirname, '../regions/regions.cn.json'));
const set = readRegions(file);
const day = '2022-09-05';

const small = (): Regions => ({
  schema: 'jieqiao/regions/v1',
  version: 1,
  lists: ['2020-12-31', '2022-12-31', '2024-12-31'].map((listed) => {
    return { day: listed, title: '名单', package: 'some-package', version: '1', licence: 'MIT' };
  }),
  divisions: [
    ['330000', '甲省', 0, 2],
    ['330400', '乙市', 0, 2],
    ['330482', '丙县', 0, 0],
    ['330482', '丙市', 1, 2],
    ['330483', '丁县', 1, 1],
  ],
  towns: {
    title: '名单',
    package: 'towns',
    version: '1',
    licence: 'MIT',
    provinces: ['33'],
    rows: [['330482102', '戊镇']],
  },
});

describe('the region codes that are shipped', () => {
  it('are the bytes that their rows make', () => {
    expect(encodeRegions(JSON.parse(file.toString())).equals(file)).toBe(true);
  });

  it('have the provinces, every county of the country, and the towns of the sample cases', () => {
    expect(findRegions(set, { limit: 100 }).map(({ name }) => name)).toHaveLength(34);
    const counties = [...set.rows.keys()].filter((code) => code.length === 6 && !code.endsWith('00'));
    expect(counties.length).toBeGreaterThan(2_800);
    expect(
      ['330402', '330411', '330421', '330482', '310116', '310118', '320509'].map((code) => regionOf(set, code)!.name),
    ).toEqual(['南湖区', '秀洲区', '嘉善县', '平湖市', '金山区', '青浦区', '吴江区']);
    expect(regionOf(set, '330482102', day)).toEqual({
      code: '330482102',
      name: '新埭镇',
      level: 'town',
      parents: [
        { code: '330000', name: '浙江省' },
        { code: '330400', name: '嘉兴市' },
        { code: '330482', name: '平湖市' },
      ],
      after: null,
      before: null,
    });
    // A municipality's districts lie in no prefecture.
    expect(regionOf(set, '310116102')!.parents.map(({ name }) => name)).toEqual(['上海市', '金山区']);
  });

  it('know the change of 2021 in Hangzhou as far as yearly lists tell it', () => {
    expect(regionOf(set, '330104', '2022-12-31')).toBeNull();
    expect(regionOf(set, '330104', '2021-03-01')).toMatchObject({ name: '江干区', before: '2022-12-31' });
    expect(placeCodeFault(set, '330104', '2022-12-31')).toBe('ended');
    expect(placeCodeFault(set, '330113', '2020-12-31')).toBe('not-yet');
    // Between two lists nobody can say.
    for (const code of ['330104', '330113']) expect(placeCodeFault(set, code, '2022-01-01')).toBeNull();
  });

  it.each<[code: string, fault: string | null]>([
    ['330482', null],
    ['330000', null],
    ['330482102', null],
    ['330482102000', null],
    ['330482102201', null],
    ['330482999', 'unknown-town'],
    ['330482999201', 'unknown-town'],
    // The towns of this province are not in the file.
    ['340722999', null],
    ['331982', 'unknown'],
    ['999999', 'unknown'],
    ['3304', 'form'],
    ['033048', 'form'],
    ['33048２', 'form'],
    ['3304821020001', 'form'],
    ['', 'form'],
  ])('say of the place code %s: %s', (code, fault) => {
    expect(placeCodeFault(set, code, day)).toBe(fault);
  });
});

describe('regions', () => {
  const some = readRegions(encodeRegions(small()));

  it('begin after the last list without them and end before the first', () => {
    const told = (code: string, at: string) => [regionOf(some, code, at)?.name ?? null, placeCodeFault(some, code, at)];
    expect(told('330483', '2020-12-31')).toEqual([null, 'not-yet']);
    expect(told('330483', '2021-01-01')).toEqual(['丁县', null]);
    expect(told('330483', '2024-12-30')).toEqual(['丁县', null]);
    expect(told('330483', '2024-12-31')).toEqual([null, 'ended']);
    expect(told('330483', '2030-01-01')).toEqual([null, 'ended']);
  });

  it('are known by their name of the day, the later one where both may be', () => {
    expect(regionOf(some, '330482', '2020-12-31')!.name).toBe('丙县');
    expect(regionOf(some, '330482', '2021-06-01')!.name).toBe('丙市');
    expect(regionOf(some, '330482', '2022-12-31')!.name).toBe('丙市');
    expect(regionOf(some, '330482')!.name).toBe('丙市');
    expect(regionOf(some, '330482102', '2020-12-31')!.parents.at(-1)).toEqual({ code: '330482', name: '丙县' });
    expect(regionOf(some, '330499')).toBeNull();
    expect(regionOf(some, 'constructor')).toBeNull();
  });

  it('are found by name, by digits, and below one another', () => {
    const found = (question: Omit<Parameters<typeof findRegions>[1], 'limit'>, limit = 10) =>
      findRegions(some, { ...question, limit }).map(({ code }) => code);
    expect(found({})).toEqual(['330000']);
    expect(found({ parent: '330000' })).toEqual(['330400']);
    expect(found({ parent: '330400' })).toEqual(['330482', '330483']);
    expect(found({ parent: '330400', day: '2024-12-31' })).toEqual(['330482']);
    expect(found({ parent: '330482' })).toEqual(['330482102']);
    expect(found({ parent: '330482102' })).toEqual([]);
    expect(found({ q: '镇' })).toEqual(['330482102']);
    expect(found({ q: '3304' })).toEqual(['330400', '330482', '330483', '330482102']);
    expect(found({ q: '3304', parent: '330482' })).toEqual(['330482102']);
    expect(found({ q: '3304' }, 2)).toHaveLength(2);
    expect(found({ parent: '999999' })).toEqual([]);
  });

  const refused = (reason: string, pointer?: string) =>
    expect.objectContaining({
      code: 'VALIDATION_FAILED',
      params: expect.objectContaining({ reason, ...(pointer && { pointer }) }),
    });
  const thrown = (action: () => unknown) => {
    try {
      return action();
    } catch (error) {
      return error;
    }
  };

  it.each<[what: string, change: (regions: Regions) => void, reason: string, pointer: string]>([
    [
      'a day that is none',
      (r) => {
        r.lists[0]!.day = '2020-02-30';
      },
      'day',
      '/lists/0/day',
    ],
    [
      'lists out of order',
      (r) => {
        r.lists.reverse();
      },
      'not-sorted',
      '/lists/1',
    ],
    [
      'an index of no list',
      (r) => {
        r.divisions[4] = ['330483', '丁县', 1, 3];
      },
      'no-such-list',
      '/divisions/4',
    ],
    [
      'a range the wrong way round',
      (r) => {
        r.divisions[4] = ['330483', '丁县', 1, 0];
      },
      'no-such-list',
      '/divisions/4',
    ],
    [
      'two names in one list',
      (r) => {
        r.divisions[3] = ['330482', '丙市', 0, 2];
      },
      'row-twice',
      '/divisions/3',
    ],
    [
      'a town twice',
      (r) => {
        r.towns.rows.push(['330482102', '己镇']);
      },
      'row-twice',
      '/towns/rows/1',
    ],
    [
      'a town without its county',
      (r) => {
        r.towns.rows.push(['330499102', '己镇']);
      },
      'unknown-reference',
      '/towns/rows/1',
    ],
    [
      'a code that is none',
      (r) => {
        r.divisions[0]![0] = '33000';
      },
      'pattern',
      '/divisions/0/0',
    ],
    [
      'no list',
      (r) => {
        r.lists = [];
      },
      'minItems',
      '/lists',
    ],
  ])('are refused with %s', (_, change, reason, pointer) => {
    const regions = small();
    change(regions);
    expect(thrown(() => encodeRegions(regions))).toEqual(refused(reason, pointer));
  });

  it('are not asked for a day that is none or lies before the first list', () => {
    for (const ask of [
      (at: string) => regionOf(some, '330482', at),
      (at: string) => placeCodeFault(some, '330482', at),
      (at: string) => findRegions(some, { day: at, limit: 1 }),
    ]) {
      expect(thrown(() => ask('2022-02-30'))).toEqual(refused('day'));
      expect(thrown(() => ask('2020-12-30'))).toEqual(refused('day-outside-regions'));
    }
  });

  it('of a day are those that are not faulty on it', () => {
    const codes = [...set.rows.keys()];
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.integer({ min: 0, max: 3_000 }), (code, days) => {
        const at = new Date(Date.parse('2020-12-31') + days * 86_400_000).toISOString().slice(0, 10);
        const known = regionOf(set, code.slice(0, 6), at) !== null;
        expect(placeCodeFault(set, code, at) === null).toBe(known);
      }),
    );
  });
});
