import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { type Edition, editionSummary } from '@jieqiao/exchange';
import {
  type Catalogue,
  type CatalogueItem,
  catalogueChangeWords,
  catalogueDiff,
  catalogueFromCsv,
  catalogueLimits,
  catalogueToCsv,
  catalogueWords,
  encodeCatalogue,
  equivalentsOf,
  itemAt,
  parseCatalogue,
} from '@jieqiao/recognition';
import type { Gateway } from '../gateway';
import { chinaDate, type Text } from '../words';
import { catalogueFromXlsx, catalogueToXlsx, maxXlsxBytes } from './catalogue-xlsx';
import { type Cli, command, type Option, Stop, UsageError } from './command';
import { pathOf, readBounded, writeNew } from './files';
import { configOf, configOption, withNode } from './node';
import type { Terminal } from './terminal';

const jsonOption = { json: { about: { zh: '以 JSON 输出', en: 'print JSON' } } } as const satisfies Record<
  string,
  Option
>;
const dayOption = {
  day: {
    value: 'DAY',
    about: { zh: '哪一天的，如 2022-09-05；缺省为今天', en: 'of which day, e.g. 2022-09-05; today' },
  },
} as const satisfies Record<string, Option>;

export const catalogueList = command({
  name: 'catalogue list',
  summary: {
    zh: '这个节点有哪些目录、哪一版在用、每条是怎么核对的',
    en: 'Which catalogues are here, which edition is in use, how their rows are known',
  },
  options: { ...jsonOption, ...configOption },
  run(given, _operands, cli) {
    return withNode(cli, configOf(cli, given.config), async ({ catalogues }) => {
      const { terminal } = cli;
      const inUse = new Set(catalogues.inUse());
      const rows = catalogues.all().map((edition) => ({ edition, inUse: inUse.has(edition) }));
      if (given.json) terminal.json(rows.map((row) => editionSummary(row.edition, row.inUse)));
      for (const { edition, inUse: used } of given.json ? [] : rows) tellEdition(terminal, edition, used);
      return 0;
    });
  },
});

export const catalogueShow = command({
  name: 'catalogue show',
  operands: 'CODE',
  count: [1, 1],
  summary: {
    zh: '一个事项：依据、罚款、裁量、前置条件、对方的对应事项',
    en: 'One item: its articles, fines, discretion steps, what must come first, the other side’s items',
  },
  options: { ...dayOption, ...jsonOption, ...configOption },
  run(given, [code], cli) {
    const day = given.day ?? chinaDate(cli.around.now());
    return withNode(cli, configOf(cli, given.config), async ({ catalogues }) => {
      const set = catalogues.current();
      const item = itemAt(set, code!, day);
      if (item === null) {
        throw new Stop({ zh: '{day} 没有事项 {code}', en: 'There is no item {code} on {day}' }, { day, code });
      }
      const equivalents = equivalentsOf(set, code!, day) ?? [];
      if (given.json) cli.terminal.json({ ...item, equivalents });
      else tellItem(cli.terminal, item, equivalents);
      return 0;
    });
  },
});

export const catalogueDiffCommand = command({
  name: 'catalogue diff',
  operands: 'OLD NEW',
  count: [2, 2],
  summary: {
    zh: '两版目录之间改了什么；OLD、NEW 是文件、CSV 目录或 ID[@版本]',
    en: 'What one edition changes of another; OLD and NEW are files, folders of CSV or ID[@VERSION]',
  },
  options: { ...jsonOption, ...configOption },
  async run(given, operands, cli) {
    const before = await open(cli, operands[0]!, given.config);
    const changes = catalogueDiff(before, await open(cli, operands[1]!, given.config));
    if (given.json) {
      cli.terminal.json(
        changes.map((change) => ({
          ...change,
          words: { zh: catalogueChangeWords(change, 'zh'), en: catalogueChangeWords(change, 'en') },
        })),
      );
      return 0;
    }
    for (const change of changes) cli.terminal.paragraph(catalogueChangeWords(change, cli.terminal.language), 0, 2);
    if (changes.length === 0) cli.terminal.line(cli.terminal.say({ zh: '没有区别', en: 'No difference' }));
    return 0;
  },
});

export const catalogueImport = command({
  name: 'catalogue import',
  operands: 'FILE|FOLDER',
  count: [1, 1],
  summary: {
    zh: '导入一版目录（.json、.xlsx 或 CSV 目录）；运行中的节点几秒内采用，不用重启',
    en: 'Take an edition in (.json, .xlsx or a folder of CSV); a running node uses it within seconds',
  },
  notes: {
    zh: '与其他目录有矛盾的不导入。版本号须比现有的大，旧版留存可查。',
    en: 'Nothing that the other catalogues contradict is taken in. Its version must be higher than any here; those stay to be read.',
  },
  options: { ...configOption },
  async run(given, [what], cli) {
    const bytes = encodeCatalogue(await readCatalogue(pathOf(cli, what!)));
    return withNode(cli, configOf(cli, given.config), async (gateway) => {
      await takeCatalogue(cli.terminal, gateway, bytes);
      return 0;
    });
  },
});

const formats = ['csv', 'xlsx', 'json'] as const;
type Format = (typeof formats)[number];

export const catalogueExport = command({
  name: 'catalogue export',
  operands: 'ID[@VERSION]|FILE|FOLDER OUT',
  count: [2, 2],
  summary: {
    zh: '把一版目录写成表格：OUT 以 .xlsx 或 .json 结尾是文件，否则是放 CSV 的目录',
    en: 'Write an edition for a spreadsheet: OUT is a file when it ends in .xlsx or .json, else a folder for CSV',
  },
  options: {
    format: { value: 'FORMAT', about: { zh: 'csv、xlsx 或 json；缺省看 OUT', en: 'csv, xlsx or json; else by OUT' } },
    ...configOption,
  },
  async run(given, [what, to], cli) {
    const out = pathOf(cli, to!);
    const format = formatOf(given.format, out);
    const catalogue = await open(cli, what!, given.config);
    if (format === 'csv') {
      mkdirSync(out, { recursive: true });
      for (const [name, bytes] of Object.entries(catalogueToCsv(catalogue))) writeNew(join(out, name), bytes);
    } else writeNew(out, format === 'xlsx' ? await catalogueToXlsx(catalogue) : encodeCatalogue(catalogue));
    const { id, version } = catalogue;
    cli.terminal.line(
      cli.terminal.say(
        { zh: '{id} 第 {version} 版 → {out}', en: '{id} version {version} → {out}' },
        { id, version, out },
      ),
    );
    return 0;
  },
});

export const catalogueCheck = command({
  name: 'catalogue check',
  operands: '[FILE|FOLDER]',
  count: [0, 1],
  summary: {
    zh: '检查在用的目录互相有没有矛盾；给出文件时，检查它换上之后',
    en: 'Check the catalogues in use against each other; given a file, as they would be with it',
  },
  options: { ...configOption },
  async run(given, [what], cli) {
    const catalogue = what === undefined ? null : await readCatalogue(pathOf(cli, what));
    return withNode(cli, configOf(cli, given.config), async ({ catalogues }) => {
      const set = catalogue === null ? catalogues.current() : catalogues.joinedWith(catalogue);
      for (const { id, version } of set.catalogues) cli.terminal.line(`${id} v${version}`);
      cli.terminal.line(cli.terminal.say({ zh: '没有矛盾', en: 'No contradiction' }));
      return 0;
    });
  },
});

/** Takes an edition in and says what it is; also for `setup`. @throws GatewayError as `CatalogueBook.import` */
export async function takeCatalogue(terminal: Terminal, { catalogues }: Gateway, bytes: Buffer): Promise<void> {
  const { id, version } = (await catalogues.import(bytes)).catalogue;
  const text = { zh: '目录 {id} 第 {version} 版：在用', en: 'Catalogue {id} version {version}: in use' };
  terminal.line(terminal.say(text, { id, version }));
}

/** A file where there is one, else what the node has under this name. */
async function open(cli: Cli, what: string, config: string | undefined): Promise<Catalogue> {
  const [, id, version] = /^([a-z][a-z0-9-]{0,31}\.(?:cn|[1-9]\d{5}))(?:@([1-9]\d{0,6}))?$/.exec(what) ?? [];
  const path = pathOf(cli, what);
  if (existsSync(path) || id === undefined) return readCatalogue(path);
  return withNode(cli, configOf(cli, config), async ({ catalogues }) => {
    const known = catalogues.versions(id).map(({ catalogue }) => catalogue.version);
    if (version === undefined ? known.length > 0 : known.includes(Number(version))) {
      return catalogues.edition(id, version === undefined ? undefined : Number(version)).catalogue;
    }
    throw new Stop({ zh: '这里没有 {what}', en: 'There is no {what} here' }, { what });
  });
}

/** A catalogue out of a file or a folder from outside. @throws GatewayError VALIDATION_FAILED */
export async function readCatalogue(path: string): Promise<Catalogue> {
  if (statSync(path).isDirectory()) {
    const names = readdirSync(path).filter((name) => name.endsWith('.csv'));
    // Those of no kind are refused by their names; nothing is read of a folder that is full of them.
    const some = names.slice(0, 100);
    return catalogueFromCsv(Object.fromEntries(some.map((name) => [name, readIn(join(path, name))])));
  }
  if (extname(path).toLowerCase() === '.xlsx') return catalogueFromXlsx(readIn(path, maxXlsxBytes));
  return parseCatalogue(readIn(path));
}

const readIn = (path: string, maxBytes: number = catalogueLimits.maxBytes) =>
  readBounded(path, maxBytes, 'VALIDATION_FAILED');

/** @throws UsageError */
function formatOf(given: string | undefined, out: string): Format {
  if (given === undefined) {
    const ending = extname(out).toLowerCase().slice(1);
    return ending === 'xlsx' || ending === 'json' ? ending : 'csv';
  }
  const format = formats.find((each) => each === given);
  if (format) return format;
  throw new UsageError({ zh: '--format 是 csv、xlsx 或 json', en: '--format is csv, xlsx or json' });
}

function tellEdition(terminal: Terminal, edition: Edition, used: boolean): void {
  const { id, version, title, origin, statuses } = editionSummary(edition, used);
  const origins = { shipped: { zh: '随软件', en: 'shipped' }, own: { zh: '本节点导入', en: 'taken in here' } };
  const state = used ? { zh: '在用', en: 'in use' } : { zh: '留存', en: 'kept' };
  const name = terminal.say({ zh: '{id} 第 {version} 版', en: '{id} version {version}' }, { id, version });
  terminal.line(
    `${terminal.paint(used ? 'bold' : 'dim', name)}  ${terminal.say(state)}  ${terminal.say(origins[origin])}  ${terminal.say({ zh: '{title}', en: '{title}' }, { title })}`,
  );
  const counts = Object.entries(catalogueWords.status).flatMap(([status, words]) => {
    const count = statuses[status as keyof typeof statuses];
    return count === undefined ? [] : [`${words[terminal.language]} ${count}`];
  });
  terminal.line(terminal.paint('dim', `  ${counts.join('  ')}`));
}

function tellItem(
  terminal: Terminal,
  { item, bases, fines, steps }: CatalogueItem,
  equivalents: NonNullable<ReturnType<typeof equivalentsOf>>,
): void {
  const word = (table: Readonly<Record<string, Text>>, code: string) => table[code]![terminal.language];
  const words = (table: Readonly<Record<string, Text>>, codes: readonly string[]) =>
    codes.map((code) => word(table, code)).join(terminal.language === 'zh' ? '、' : ', ');
  const label = (zh: string, en: string) => terminal.say({ zh, en });
  const cited = { zh: '{law} 第{article}条{paragraph}{clause}', en: '{law} art. {article}{paragraph}{clause}' };
  const part = (zh: string, en: string, number: number | undefined) =>
    number === undefined ? '' : terminal.say({ zh, en }, { number });
  terminal.line(terminal.say({ zh: '{code}  {name}', en: '{code}  {name}' }, { code: item.code, name: item.name }));
  const rows: [string, string][] = [
    [label('主体', 'actor'), word(catalogueWords.actor, item.actor)],
    [label('适用区域', 'territory'), word(catalogueWords.territory, item.territory)],
    [label('主管部门', 'department'), item.department],
    [label('前置条件', 'before a fine'), words(catalogueWords.precondition, item.preconditions)],
    [label('措施', 'measures'), words(catalogueWords.measure, item.measures)],
    ...bases.map((basis): [string, string] => [
      word(catalogueWords.basisRole, basis.role),
      terminal.say(cited, {
        law: basis.law,
        article: basis.article,
        paragraph: part('第{number}款', ' para. {number}', basis.paragraph),
        clause: part('第（{number}）项', ' item {number}', basis.clause),
      }),
    ]),
    ...fines.map((fine): [string, string] => [
      label('罚款', 'fine'),
      `${word(catalogueWords.actor, fine.actor)} ${fine.min}–${fine.max} ${word(catalogueWords.fineUnit, fine.unit)} ${word(catalogueWords.fineMode, fine.mode)} ${fine.when ?? ''}`,
    ]),
    ...steps.map((step): [string, string] => [
      label('裁量', 'step'),
      `${step.step} ${step.min}–${step.max} ${word(catalogueWords.fineUnit, step.unit)} ${step.condition}`,
    ]),
    [label('让位于', 'gives way to'), item.yieldsTo.join(' ')],
    ...equivalents.map(({ item: other, relation }): [string, string] => [
      label('对应', 'equivalent'),
      `${word(catalogueWords.relation, relation)} ${other}`,
    ]),
    [label('核对', 'status'), `${word(catalogueWords.status, item.status)} ${item.checkedOn}`],
  ];
  terminal.facts(rows.filter(([, value]) => value.trim() !== ''));
}
