import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Catalogue, encodeCatalogue, parseCatalogue } from '@jieqiao/recognition';
import { shippedCatalogues } from '../support/catalogues';
import { type Desk, Desks, type Said } from '../support/cli';

jest.setTimeout(60_000);

const desks = new Desks();
const on = (name: string) => join(desks.stick, name);
const shippedFolder = join(__dirname, '../../libs/recognition/catalogues');
let pinghu: Desk;
beforeAll(async () => {
  pinghu = await desks.node('pinghu.330482', '平湖市综合行政执法局');
});
afterAll(() => desks.drop());

const good = ({ code, err }: Said) => expect({ code, err }).toEqual({ code: 0, err: '' });
const run = async (...argv: string[]) => {
  const said = await pinghu.jieqiao(argv);
  good(said);
  return said.out;
};
const zhejiang = (change: Partial<Catalogue>): Catalogue => ({
  ...shippedCatalogues().get('zhejiang.330400')!,
  ...change,
});

test('list says what is in use and how its rows are known', async () => {
  const out = await run('catalogue', 'list');
  expect(out).toContain('zhejiang.330400 第 1 版  在用  随软件');
  expect(out).toMatch(/已核对 \d+/);
  expect(out).not.toContain('sample');
  const listed = await pinghu.json<{ id: string; statuses: object }[]>(['catalogue', 'list']);
  expect(listed.map(({ id }) => id)).toEqual([
    'common.cn',
    'delta.cn',
    'national.cn',
    'shanghai.310000',
    'zhejiang.330400',
  ]);
});

test('show says an item of a day, in both languages', async () => {
  const zh = await run('catalogue', 'show', 'x-ZJ-SR-28', '--day', '2022-09-05');
  expect(zh).toMatch(/罚则\s+.*第28条/);
  expect(zh).toContain('单位 100000–1000000 元');
  expect(zh).toMatch(/对应\s+/);
  const en = await run('catalogue', 'show', 'x-ZJ-HD-41', '--day', '2022-09-05', '--lang', 'en');
  expect(en).toMatch(/before a fine\s+order to correct/);
  const unknown = await pinghu.jieqiao(['catalogue', 'show', 'x-NONE', '--day', '2022-09-05']);
  expect([unknown.code, unknown.err]).toEqual([1, '2022-09-05 没有事项 x-NONE\n']);
  const early = await pinghu.jieqiao(['catalogue', 'show', 'x-ZJ-SR-28', '--day', '2020-01-01']);
  expect([early.code, early.err.includes('目录不回答这一天')]).toEqual([1, true]);
});

describe.each(['csv', 'xlsx', 'json'] as const)('as %s', (format) => {
  const out = () => on(format === 'csv' ? 'tables' : `tables.${format}`);

  test('it goes out and comes back the same', async () => {
    expect(await run('catalogue', 'export', 'zhejiang.330400', out())).toContain('zhejiang.330400 第 1 版');
    if (format === 'csv') expect(readdirSync(out())).toContain('fines.csv');
    expect(await run('catalogue', 'diff', 'zhejiang.330400@1', out())).toBe('没有区别\n');
    expect(await run('catalogue', 'check', out())).toContain('没有矛盾');
  });
});

test('what is exported is not written over something else, and the format may be told', async () => {
  writeFileSync(on('taken.xlsx'), 'x');
  const taken = await pinghu.jieqiao(['catalogue', 'export', 'common.cn', on('taken.xlsx')]);
  expect([taken.code, taken.err.includes('不覆盖')]).toEqual([1, true]);
  await run('catalogue', 'export', join(shippedFolder, 'sample.cn.json'), on('sample'), '--format', 'json');
  expect(parseCatalogue(readFileSync(on('sample'))).id).toBe('sample.cn');
  const wrong = await pinghu.jieqiao(['catalogue', 'export', 'common.cn', on('x'), '--format', 'ods']);
  expect(wrong.code).toBe(2);
  const absent = await pinghu.jieqiao(['catalogue', 'export', 'beijing.110000', on('x')]);
  expect([absent.code, absent.err]).toEqual([1, '这里没有 beijing.110000\n']);
});

describe('an edition', () => {
  beforeAll(() => {
    const changed = zhejiang({ version: 2, title: '新的一版' });
    writeFileSync(on('new.json'), encodeCatalogue(changed));
  });

  test('is compared, taken in from a workbook, and used; the one before it stays', async () => {
    expect(await run('catalogue', 'diff', 'zhejiang.330400', on('new.json'))).toContain('版本 1→2');
    await run('catalogue', 'export', on('new.json'), on('new.xlsx'));
    expect(await run('catalogue', 'import', on('new.xlsx'))).toBe('目录 zhejiang.330400 第 2 版：在用\n');
    const listed = await run('catalogue', 'list');
    expect(listed).toContain('zhejiang.330400 第 1 版  留存  随软件');
    expect(listed).toContain('zhejiang.330400 第 2 版  在用  本节点导入  新的一版');
    expect(readFileSync(join(pinghu.dir, 'catalogues/zhejiang.330400@2.json'))).toEqual(readFileSync(on('new.json')));
    // Again: nothing changes.
    await run('catalogue', 'import', on('new.json'));
    expect(await run('catalogue', 'diff', 'zhejiang.330400@1', 'zhejiang.330400@2')).toContain('新的一版');
  });

  test('of a version that is there already is refused', async () => {
    writeFileSync(on('again.json'), encodeCatalogue(zhejiang({ version: 2, title: '同一版号' })));
    const { code, err } = await pinghu.jieqiao(['catalogue', 'import', on('again.json')]);
    expect(code).toBe(1);
    expect(err).toContain('已有第 2 版');
    expect(err).toContain('把版本改为更大的数');
  });

  test('that another catalogue contradicts is refused, with the place', async () => {
    writeFileSync(
      on('gap.json'),
      encodeCatalogue(zhejiang({ version: 3, items: [], bases: [], fines: [], steps: [] })),
    );
    const { code, err } = await pinghu.jieqiao(['catalogue', 'import', on('gap.json')]);
    expect(code).toBe(1);
    expect(err).toMatch(/引用的代码不存在：delta\.cn \/equivalences\/\d+\/[ab]/);
    expect(existsSync(join(pinghu.dir, 'catalogues/zhejiang.330400@3.json'))).toBe(false);
  });

  test('with a mistake in a table is refused by file, line and column, in the person’s language', async () => {
    const folder = on('mistakes');
    cpSync(on('tables'), folder, { recursive: true });
    const fines = readFileSync(join(folder, 'fines.csv'), 'utf8');
    const lines = fines.split('\r\n');
    lines[2] = lines[2]!.replace(/,(处|可以处),/, ',罚,');
    writeFileSync(join(folder, 'fines.csv'), lines.join('\r\n'));
    const zh = await pinghu.jieqiao(['catalogue', 'import', folder]);
    expect([zh.code, zh.err.includes('第 3 行“幅度性质”读不懂'), zh.err.includes('file: fines.csv')]).toEqual([
      1,
      true,
      true,
    ]);
    const en = await pinghu.jieqiao(['catalogue', 'check', folder, '--lang', 'en']);
    expect([en.code, en.err.includes('Line 3, 幅度性质, can’t be read')]).toEqual([1, true]);
    const empty = on('empty');
    mkdirSync(empty);
    expect((await pinghu.jieqiao(['catalogue', 'import', empty])).err).toContain('缺少 catalogue.csv');
    const none = await pinghu.jieqiao(['catalogue', 'import', on('nowhere.json')]);
    expect([none.code, none.err.includes('找不到文件')]).toEqual([1, true]);
  });
});

test('setup takes catalogues in unattended, and once', async () => {
  const file = join(shippedFolder, 'sample.cn.json');
  for (const _ of [1, 2]) expect(await run('setup', '--catalogue', file)).toContain('sample.cn 第 1 版');
  expect(await run('catalogue', 'list')).toContain('sample.cn 第 1 版  在用  本节点导入');
});
