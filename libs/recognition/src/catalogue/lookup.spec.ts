import { shippedCatalogues, smallCatalogue } from '../../../../test/support/catalogues';
import {
  type Catalogue,
  type CatalogueSet,
  catalogueAt,
  encodeCatalogue,
  equivalentsOf,
  hasPower,
  type ItemQuestion,
  itemAt,
  itemsFor,
  joinCatalogues,
  lawInForce,
  parseCatalogue,
  provisionsOn,
} from '../index';

const shipped = joinCatalogues([...shippedCatalogues().values()]);
const [dumping, river] = ['construction-waste-dumping', 'river-pollution'];

const codes = (question: ItemQuestion) =>
  itemsFor(shipped, question)
    ?.map(({ item }) => item.code)
    .sort();
const candidate = (code: string, question: ItemQuestion) =>
  itemsFor(shipped, question)!.find(({ item }) => item.code === code)!;
const amounts = (code: string, question: ItemQuestion) =>
  candidate(code, question).fines.map(({ actor, max, min, mode, when }) => [actor, min, max, mode, when ?? '']);

function small(edit: (catalogue: Catalogue) => void = () => undefined): CatalogueSet {
  const catalogue = smallCatalogue();
  edit(catalogue);
  return joinCatalogues([parseCatalogue(encodeCatalogue(catalogue))]);
}

const refused = (reason: string) => expect.objectContaining({ code: 'VALIDATION_FAILED', params: { reason } });

describe('a catalogue on a day', () => {
  it('has the rows that hold: from the first day on, no longer on the last', () => {
    const rows = (day: string) => catalogueAt(smallCatalogue(), day).items.map(({ code }) => code);
    expect(rows('2022-08-31')).toEqual(['x-A']);
    expect(rows('2022-09-01')).toEqual(['x-A', 'x-B']);
    expect(rows('2024-08-31')).toEqual(['x-A', 'x-B']);
    expect(rows('2024-09-01')).toEqual(['x-A']);
    expect(catalogueAt(shipped, '2026-08-14').laws.some(({ law }) => law === '固体废物污染环境防治法')).toBe(true);
    expect(catalogueAt(shipped, '2026-08-15').laws.some(({ law }) => law === '固体废物污染环境防治法')).toBe(false);
  });

  it('refuses days for which it does not answer, in every question', () => {
    const set = small();
    const range = (day: string) => ({ from: day, to: day });
    const questions: ((day: string) => unknown)[] = [
      (day) => catalogueAt(smallCatalogue(), day),
      (day) => itemAt(set, 'x-A', day),
      (day) => itemsFor(set, { family: 'dumping', jurisdiction: '330482', day }),
      (day) => hasPower(set, '某局', 'x-A', day),
      (day) => equivalentsOf(set, 'x-A', day),
      (day) => lawInForce(set, { law: '某条例' }, range(day)),
      (day) => provisionsOn(set, 'limitation', '330482', day),
    ];
    for (const ask of questions) {
      expect(() => ask('2021-12-31')).toThrow(refused('day-outside-catalogue'));
      expect(() => ask('2030-01-01')).toThrow(refused('day-outside-catalogue'));
      expect(() => ask('2022-02-29')).toThrow(refused('day'));
      expect(() => ask('2022-9-1')).toThrow(refused('day'));
      expect(() => ask('2022-01-01')).not.toThrow();
      expect(() => ask('2029-12-31')).not.toThrow();
    }
    expect(() => lawInForce(set, { law: '某条例' }, { from: '2022-05-02', to: '2030-01-01' })).toThrow(
      refused('day-outside-catalogue'),
    );
    expect(() => lawInForce(set, { law: '某条例' }, { from: '2022-05-02', to: '2022-05-01' })).toThrow(
      refused('empty-range'),
    );
  });
});

describe('items for an act', () => {
  const pinghu: ItemQuestion = { family: dumping, jurisdiction: '330482', day: '2022-09-05' };
  const jinshan: ItemQuestion = { ...pinghu, jurisdiction: '310116' };

  it('are those of the place and of all areas around it', () => {
    const zhejiang = ['x-CN-GF-111-4', 'x-CN-SW-85-4', 'x-JX-JZLJ-18', 'x-JX-JZLJ-9', 'x-ZJ-HD-41', 'x-ZJ-SR-28'];
    expect(codes(pinghu)).toEqual(zhejiang);
    expect(codes({ ...pinghu, jurisdiction: '330482103' })).toEqual(zhejiang);
    // Changxing lies in Zhejiang, but not in Jiaxing.
    expect(codes({ ...pinghu, jurisdiction: '330522' })).toEqual(zhejiang.filter((code) => !code.startsWith('x-JX')));
    expect(codes({ ...pinghu, jurisdiction: '320509' })).toEqual(['x-CN-GF-111-4', 'x-CN-SW-85-4']);
    expect(codes(jinshan)).toEqual([
      'x-CN-GF-111-4',
      'x-CN-SW-85-4',
      'x-SH-HD-45',
      'x-SH-SR-28-4',
      'x-SH-SR-43',
      'x-SH-SR-44-1',
      'x-SH-SR-44-2',
      'x-SH-SR-44-3',
      'x-SH-SR-44-5',
    ]);
  });

  it('are those of the party, who may be several things', () => {
    expect(codes({ ...jinshan, actors: ['organisation', 'haulier'], territories: ['urbanised'] })).toEqual([
      'x-SH-SR-28-4',
      'x-SH-SR-43',
      'x-SH-SR-44-2',
      'x-SH-SR-44-3',
      'x-SH-SR-44-5',
    ]);
    expect(codes({ ...jinshan, actors: ['person'], territories: ['urbanised'] })).toEqual([
      'x-SH-SR-28-4',
      'x-SH-SR-43',
      'x-SH-SR-44-5',
    ]);
    // 第111条 names the contractor; a haulier is none.
    expect(codes({ ...pinghu, actors: ['construction-unit', 'organisation'] })).toContain('x-CN-GF-111-4');
    expect(codes({ ...pinghu, actors: ['haulier', 'organisation'] })).not.toContain('x-CN-GF-111-4');
  });

  it('come with the fines for that party', () => {
    expect(amounts('x-ZJ-SR-28', { ...pinghu, actors: ['person'] })).toEqual([['person', 0, 200, 'shall', '']]);
    expect(amounts('x-JX-JZLJ-9', { ...pinghu, actors: ['person', 'haulier'] })).toEqual([
      ['person', 5_000, 50_000, 'shall', '建设工程垃圾'],
      ['person', 1_000, 10_000, 'shall', '装修垃圾'],
    ]);
    expect(amounts('x-ZJ-SR-28', pinghu)).toHaveLength(2);
  });

  it('yield to those that stand higher, where these apply at all', () => {
    const yields = (code: string, question: ItemQuestion) => candidate(code, question).yieldsTo.sort();
    const person: ItemQuestion = { ...pinghu, actors: ['person', 'haulier'] };
    // 嘉兴 §19: in a built-up area a person is fined at most 200, not 5,000 to 50,000.
    expect(yields('x-JX-JZLJ-9', { ...person, territories: ['built-up'] })).toEqual(['x-ZJ-SR-28']);
    expect(yields('x-JX-JZLJ-9', { ...person, territories: ['river'] })).toEqual([]);
    const builder: ItemQuestion = { ...pinghu, actors: ['construction-unit', 'haulier'] };
    expect(yields('x-JX-JZLJ-9', builder)).toEqual(['x-CN-GF-111-4', 'x-ZJ-SR-28']);
    expect(yields('x-JX-JZLJ-9', { ...person, day: '2026-08-15', territories: ['whole'] })).toEqual([
      'x-CN-ST-1169-1',
      'x-CN-ST-1169-3',
    ]);
    expect(yields('x-CN-ST-1169-1', { ...person, day: '2026-08-15' })).toEqual(['x-CN-ST-1169-3']);
    const firm: ItemQuestion = { ...person, actors: ['organisation', 'haulier'], day: '2026-08-15' };
    expect(yields('x-CN-ST-1169-1', firm)).toEqual([]);
  });

  it('change with the law', () => {
    const national = (day: string, family: string) =>
      codes({ family, day, jurisdiction: '330482' })!.filter((code) => code.startsWith('x-CN'));
    expect(national('2026-08-14', river)).toEqual(['x-CN-SW-85-1', 'x-CN-SW-85-3', 'x-CN-SW-85-4', 'x-CN-SW-90-1']);
    expect(national('2026-08-15', river)).toEqual([
      'x-CN-ST-1136-1',
      'x-CN-ST-1136-3',
      'x-CN-ST-1136-5',
      'x-CN-ST-1143-1',
      'x-CN-ST-1169-1',
      'x-CN-ST-1169-3',
    ]);
    expect(national('2026-08-15', dumping)).toEqual([
      'x-CN-ST-1136-5',
      'x-CN-ST-1169-1',
      'x-CN-ST-1169-3',
      'x-CN-ST-1174-3',
    ]);
    // The Shanghai text of 2022 is not at hand: the items go on, their amounts do not.
    const street: ItemQuestion = { family: 'street-vending', jurisdiction: '310116', day: '2022-11-30' };
    expect(amounts('x-SH-SR-25', street)).toEqual([['any', 50, 500, 'may', '']]);
    expect(candidate('x-SH-SR-25', { ...street, day: '2022-12-01' })).toMatchObject({
      item: { status: 'unverified' },
      fines: [],
      bases: [],
    });
  });

  it('say what they can not say: a family nobody knows, and one without items', () => {
    expect(itemsFor(shipped, { ...pinghu, family: 'illegal-parking' })).toBeNull();
    expect(itemsFor(shipped, { ...pinghu, family: 'straw-burning' })).toEqual([]);
    const set = small((c) => {
      c.families[0]!.to = '2023-01-01';
    });
    expect(itemsFor(set, { family: 'dumping', jurisdiction: '330482', day: '2022-12-31' })).toHaveLength(2);
    expect(itemsFor(set, { family: 'dumping', jurisdiction: '330482', day: '2023-01-01' })).toBeNull();
    expect(itemsFor(set, { family: 'dumping', jurisdiction: '330481', day: '2022-12-31' })).toEqual([]);
    expect(itemAt(shipped, 'x-none', '2022-09-05')).toBeNull();
    expect(itemAt(shipped, 'x-CN-ST-1169-1', '2026-08-14')).toBeNull();
    expect(itemAt(shipped, 'x-CN-ST-1169-1', '2026-08-15')?.bases.map(({ article }) => article)).toEqual([1169, 1169]);
  });
});

describe('a power', () => {
  const held = (...question: [string, string, string]) => hasPower(shipped, ...question);

  it('is held by whom it was granted to, from the day of the grant', () => {
    expect(held('平湖市新埭镇人民政府', 'x-ZJ-SR-16', '2022-08-25')).toMatchObject({
      held: true,
      grant: { noticeNo: '示例赋权公告〔2022〕第2号', status: 'sample' },
    });
    expect(held('平湖市综合行政执法局', 'x-CN-ST-1169-1', '2026-08-14')).toEqual({ held: false, why: 'not-granted' });
    expect(held('平湖市综合行政执法局', 'x-CN-ST-1169-1', '2026-08-15')).toMatchObject({ held: true });
    // A repealed item may still be decided under the law at the time of the act.
    expect(held('平湖市综合行政执法局', 'x-CN-GF-111-4', '2026-10-01')).toMatchObject({ held: true });
  });

  it('is not held, and why', () => {
    // S3: oil in the water is for the environment authorities.
    expect(held('上海市金山区城市管理行政执法局', 'x-CN-SW-85-1', '2022-08-29')).toEqual({
      held: false,
      why: 'not-granted',
    });
    expect(held('平湖市新埭镇人民政府', 'x-SH-SR-25', '2022-08-29')).toEqual({ held: false, why: 'not-granted' });
    expect(held('海宁市综合行政执法局', 'x-ZJ-SR-16', '2022-08-29')).toEqual({ held: false, why: 'no-register' });
    expect(held('平湖市综合行政执法局', 'x-ZJ-SR-99', '2022-08-29')).toEqual({ held: false, why: 'unknown-item' });
    const ended = small((c) => (c.powers[0]!.to = '2023-01-01'));
    expect(hasPower(ended, '某局', 'x-A', '2022-12-31')).toMatchObject({ held: true });
    expect(hasPower(ended, '某局', 'x-A', '2023-01-01')).toEqual({ held: false, why: 'not-granted' });
  });

  it('goes to a successor on the day, through several, and never round in a ring', () => {
    const set = small();
    const chain = [
      { authority: '某局', successor: '二局', from: '2022-07-01' },
      { authority: '二局', successor: '三局', from: '2024-07-01' },
    ];
    const ask = (authority: string, day: string) => hasPower(set, authority, 'x-A', day, chain);
    expect(ask('某局', '2022-06-30')).toMatchObject({ held: true });
    expect(ask('二局', '2022-06-30')).toEqual({ held: false, why: 'no-register' });
    expect(ask('某局', '2022-07-01')).toEqual({ held: false, why: 'succeeded' });
    expect(ask('二局', '2022-07-01')).toMatchObject({ held: true, grant: { authority: '某局' } });
    expect(ask('三局', '2024-06-30')).toEqual({ held: false, why: 'no-register' });
    expect(ask('三局', '2024-07-01')).toMatchObject({ held: true, grant: { authority: '某局' } });
    const ring = [...chain, { authority: '三局', successor: '某局', from: '2024-07-01' }];
    expect(hasPower(set, '四局', 'x-A', '2024-07-01', ring)).toEqual({ held: false, why: 'no-register' });
    expect(hasPower(set, '三局', 'x-A', '2024-07-01', ring)).toEqual({ held: false, why: 'succeeded' });
  });

  it('of a predecessor ends for the successor, too, when its grant does', () => {
    const set = small((c) => (c.powers[0]!.to = '2025-01-01'));
    const merged = [{ authority: '某局', successor: '二局', from: '2022-07-01' }];
    expect(hasPower(set, '二局', 'x-A', '2024-12-31', merged)).toMatchObject({ held: true });
    expect(hasPower(set, '二局', 'x-A', '2025-01-01', merged)).toEqual({ held: false, why: 'not-granted' });
  });
});

describe('equivalents', () => {
  it('are found from either side, turned the right way', () => {
    const of = (item: string) =>
      equivalentsOf(shipped, item, '2022-09-05')?.map(({ item: other, relation }) => [other, relation]);
    expect(of('x-SH-SR-25')).toEqual([['x-ZJ-SR-16', 'exact']]);
    expect(of('x-ZJ-SR-16')).toEqual([['x-SH-SR-25', 'exact']]);
    expect(of('x-SH-HD-45')).toEqual([['x-ZJ-HD-41', 'broader']]);
    expect(of('x-ZJ-HD-41')).toEqual([['x-SH-HD-45', 'narrower']]);
    expect(of('x-JX-JZLJ-9')).toEqual([
      ['x-SH-SR-43', 'related'],
      ['x-SH-SR-44-5', 'narrower'],
    ]);
    expect(of('x-CN-GF-111-4')).toEqual([]);
    expect(of('x-none')).toBeUndefined();
  });

  it('hold on their days only', () => {
    const set = small();
    expect(equivalentsOf(set, 'x-A', '2022-08-31')).toEqual([]);
    expect(equivalentsOf(set, 'x-A', '2022-09-01')).toMatchObject([{ item: 'x-B', relation: 'broader' }]);
    expect(equivalentsOf(set, 'x-B', '2022-09-01')).toMatchObject([{ item: 'x-A', relation: 'narrower' }]);
    expect(equivalentsOf(set, 'x-A', '2024-09-01')).toEqual([]);
  });
});

describe('a cited law', () => {
  const standing = (law: string, from: string, to: string, article?: number) =>
    lawInForce(shipped, article === undefined ? { law } : { law, article }, { from, to });

  it('of S10: in force when the dumping began, not when it ended, and about contractors', () => {
    const answer = standing('固废法', '2026-08-12', '2026-08-20', 111);
    expect(answer).toMatchObject({
      law: '固体废物污染环境防治法',
      standing: 'partly',
      replacedBy: ['生态环境法典'],
      actors: ['construction-unit'],
    });
    expect(answer.successors.map(({ article, law, paragraph }) => [law, article, paragraph])).toEqual(
      expect.arrayContaining([['生态环境法典', 1169, 1]]),
    );
    expect(standing('固废法', '2026-08-12', '2026-08-20', 63).actors).toEqual(['construction-unit']);
    // An act wholly after the change: whom the article named, and where to look, is still told.
    const late = standing('固废法', '2026-12-01', '2026-12-02', 111);
    expect(late).toMatchObject({ standing: 'never', actors: ['construction-unit'], successors: answer.successors });
    expect(standing('固废法', '2026-08-12', '2026-08-14', 111).successors).toEqual([]);
  });

  it.each<[from: string, to: string, standing: string, replacedBy: string[]]>([
    ['2026-08-12', '2026-08-14', 'throughout', []],
    ['2026-08-14', '2026-08-14', 'throughout', []],
    ['2026-08-14', '2026-08-15', 'partly', ['生态环境法典']],
    ['2026-08-15', '2026-08-15', 'never', ['生态环境法典']],
    ['2026-12-01', '2026-12-31', 'never', ['生态环境法典']],
  ])('from %s to %s stands as %s', (from, to, expected, replacedBy) => {
    expect(standing('中华人民共和国水污染防治法', from, to)).toMatchObject({ standing: expected, replacedBy });
  });

  it('stands the other way round where it came later', () => {
    expect(standing('生态环境法典', '2026-08-14', '2026-08-14', 1169)).toMatchObject({
      standing: 'never',
      replacedBy: [],
      successors: [],
    });
    expect(standing('生态环境法典', '2026-08-14', '2026-08-15').standing).toBe('partly');
    expect(standing('生态环境法典', '2026-08-15', '2030-01-01', 1169)).toMatchObject({ standing: 'throughout' });
  });

  it('keeps its versions apart, and still stands throughout', () => {
    const answer = standing('上海市市容环境卫生管理条例', '2022-11-30', '2022-12-01', 44);
    expect(answer.standing).toBe('throughout');
    expect(answer.versions.map(({ status, version }) => [version, status])).toEqual([
      ['2018年修正', 'verified'],
      ['2022年文本未取得', 'unverified'],
    ]);
    expect(answer.replacedBy).toEqual([]);
    expect(answer.actors.sort()).toEqual(['any', 'haulier', 'producer']);
    expect(standing('上海市市容环境卫生管理条例', '2022-11-01', '2022-11-30').versions).toHaveLength(1);
  });

  it('may be unknown, or be cited by no item', () => {
    expect(standing('某某管理办法', '2022-09-05', '2022-09-07', 3)).toEqual({
      law: null,
      standing: 'unknown',
      versions: [],
      replacedBy: [],
      actors: [],
      successors: [],
    });
    expect(standing('固废法', '2022-09-05', '2022-09-07', 5)).toMatchObject({ standing: 'throughout', actors: [] });
  });

  it('leaves a gap where there is one', () => {
    const set = small((c) => {
      c.bases = [];
      c.provisions = [];
      const [law] = c.laws as [(typeof c.laws)[0]];
      c.laws = [
        { ...law, to: '2023-01-01' },
        { ...law, from: '2023-01-02', version: '二' },
      ];
    });
    const ask = (from: string, to: string) => lawInForce(set, { law: '条例' }, { from, to }).standing;
    expect(ask('2022-12-30', '2022-12-31')).toBe('throughout');
    expect(ask('2022-12-31', '2023-01-02')).toBe('partly');
    expect(ask('2023-01-01', '2023-01-01')).toBe('never');
  });
});

describe('general provisions', () => {
  it('are those of the nation and of the place', () => {
    const on = (...question: ['limitation' | 'law-at-time-of-act' | 'education-if-light', string, string]) =>
      provisionsOn(shipped, ...question).map(({ article, law, years }) => [law, article, years]);
    expect(on('limitation', '330482', '2026-08-14')).toEqual([
      ['行政处罚法', 36, 2],
      ['行政处罚法', 36, 5],
    ]);
    expect(on('limitation', '330482', '2026-08-15')).toEqual(
      expect.arrayContaining([
        ['行政处罚法', 36, 2],
        ['生态环境法典', 1054, 5],
        ['生态环境法典', 1054, 2],
      ]),
    );
    expect(on('law-at-time-of-act', '310116', '2026-08-15').map(([, article]) => article)).toEqual([37, 1057]);
    expect(on('education-if-light', '330482', '2022-08-25')).toEqual([]);
    expect(on('education-if-light', '310116', '2022-08-25')).toEqual([['上海市城市管理行政执法条例', 18, undefined]]);
  });
});
