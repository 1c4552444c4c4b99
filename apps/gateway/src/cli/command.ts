import { parseArgs } from 'node:util';
import { columnsOf, pad, wrap } from '@jieqiao/platform';
import { fill, type Language, type Params, type Text } from '../words';
import type { Surroundings, Terminal } from './terminal';

export interface Option {
  /** What stands for its value in the usage; an option without is a switch. */
  value?: string;
  /** May be given several times. */
  many?: true;
  about: Text;
}

export type Options = Readonly<Record<string, Option>>;

export type Given<O extends Options> = {
  -readonly [K in keyof O]: O[K] extends { many: true }
    ? string[]
    : O[K] extends { value: string }
      ? string | undefined
      : boolean;
};

/** What a command works with besides its own words. */
export interface Cli {
  terminal: Terminal;
  around: Surroundings;
}

export interface Command<O extends Options = Options> {
  /** One or two words: `init`, `agreement sign`. */
  name: string;
  /** Operands as the usage shows them, e.g. `FILE`. */
  operands?: string;
  /** How many operands there may be. */
  count?: readonly [min: number, max: number];
  summary: Text;
  /** Said below the options: what is worth knowing before using it. */
  notes?: Text;
  options: O;
  /** @returns the exit code: 0 done, 1 no or failed */
  run(given: Given<O>, operands: readonly string[], cli: Cli): number | Promise<number>;
}

/** Keeps a command's options in its type, so that `run` knows what it is given. */
export function command<const O extends Options>(definition: Command<O>): Command {
  return definition as unknown as Command;
}

/** The command line makes no sense: exit code 2, with the usage. */
export class UsageError extends Error {
  constructor(
    readonly text: Text,
    readonly params: Params = {},
  ) {
    super(fill(text, 'en', params));
  }
}

/** The command stops without having done it, and says what to do first: exit code 1. */
export class Stop extends Error {
  constructor(
    readonly text: Text,
    readonly params: Params = {},
  ) {
    super(fill(text, 'en', params));
  }
}

/** @throws UsageError */
export function need<T>(value: T | undefined, option: string): T {
  if (value !== undefined && value !== '') return value;
  throw new UsageError({ zh: '缺少 --{option}', en: '--{option} is missing' }, { option });
}

/** @throws UsageError */
export function parse(definition: Command, argv: readonly string[]): { given: Given<Options>; operands: string[] } {
  const entries = Object.entries(definition.options);
  const { values, positionals } = parseStrictly(argv, entries);
  const given = Object.fromEntries(
    entries.map(([name, { value, many }]) => [
      name,
      values[name] ?? (many ? [] : value === undefined ? false : undefined),
    ]),
  );
  const [min, max] = definition.count ?? [0, 0];
  if (positionals.length < min) {
    throw new UsageError({ zh: '缺少 {operands}', en: '{operands} is missing' }, { operands: definition.operands });
  }
  if (positionals.length > max) {
    throw new UsageError({ zh: '多出来的：{extra}', en: 'What is this? {extra}' }, { extra: positionals.slice(max) });
  }
  return { given: given as Given<Options>, operands: positionals };
}

function parseStrictly(argv: readonly string[], entries: [string, Option][]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: true,
      options: Object.fromEntries(
        entries.map(([name, { value, many }]) => [
          name,
          { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: many === true },
        ]),
      ),
    });
  } catch (error) {
    // Node names the option within quotes; the rest of its sentence is English only.
    const which = /'([^']+)'/.exec((error as Error).message)?.[1] ?? (error as Error).message;
    throw new UsageError(
      { zh: '不认识的选项，或者缺少参数：{which}', en: 'Unknown option, or its value is missing: {which}' },
      { which },
    );
  }
}

/** `jieqiao agreement sign FILE [--out FILE]`, its options and its notes. */
export function usageOf(definition: Command, language: Language, columns = 80): string {
  const { name, operands, summary, notes, options } = definition;
  const rows = Object.entries(options).map(([option, { value, about }]): [string, string] => [
    `--${option}${value === undefined ? '' : ` ${value}`}`,
    about[language],
  ]);
  const title = `${language === 'zh' ? '用法：' : 'Usage: '}jieqiao ${name}${operands ? ` ${operands}` : ''}${
    rows.length > 0 ? (language === 'zh' ? ' [选项]' : ' [options]') : ''
  }`;
  return [
    title,
    '',
    ...wrap(summary[language], columns),
    ...(rows.length > 0 ? ['', ...twoColumns(rows, columns)] : []),
    ...(notes
      ? ['', ...notes[language].split('\n').flatMap((text) => (text === '' ? [''] : wrap(text, columns)))]
      : []),
  ].join('\n');
}

/** Left words, and to their right an explanation that wraps; a long left word stands on a line of its own. */
export function twoColumns(rows: readonly (readonly [string, string])[], columns = 80, indent = 2): string[] {
  const widest = Math.max(...rows.map(([left]) => columnsOf(left)));
  const width = Math.min(widest, 26) + 2;
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, columns - indent - width);
    const beside = columnsOf(left) <= width - 2;
    const first = beside
      ? [`${' '.repeat(indent)}${pad(left, width)}${lines.shift() ?? ''}`]
      : [' '.repeat(indent) + left];
    return [...first.map((line) => line.trimEnd()), ...lines.map((line) => ' '.repeat(indent + width) + line)];
  });
}
