import { type Language, languageOf } from '../words';
import { type Command, parse, twoColumns, UsageError, usageOf } from './command';
import { groups } from './commands';
import { describeError, exitCodeOf } from './report-error';
import { type Surroundings, Terminal } from './terminal';

const commands: readonly Command[] = groups.flatMap((group) => group.commands);

/** Runs `jieqiao` and gives its exit code: 0 done, 1 no or failed, 2 bad usage, 78 bad settings. */
export async function run(argv: readonly string[], around: Surroundings): Promise<number> {
  const { lang, help, rest } = takeGlobals(argv);
  const language = lang === 'zh' || lang === 'en' ? lang : languageOf(around.env);
  const terminal = new Terminal(around, language);
  const [first, second] = rest;
  const definition =
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first);
  try {
    if (lang !== undefined && lang !== language)
      throw new UsageError({ zh: '--lang 只能是 zh 或 en', en: '--lang is zh or en' });
    if (definition === undefined) {
      const known =
        first === undefined || first === 'help'
          ? commands
          : commands.filter(({ name }) => name.startsWith(`${first} `));
      if (known.length === 0)
        throw new UsageError({ zh: '没有这个命令：{first}', en: 'There is no command {first}' }, { first });
      const whole = known === commands;
      terminal.line(whole ? overview(language) : help ? groupUsage(known, language) : shortList(known, language));
      // Asked for help it is an answer; a half-typed command is not.
      return help || first === 'help' || (first === undefined && argv.length > 0) ? 0 : 2;
    }
    if (help) {
      terminal.line(usageOf(definition, language, terminal.columns));
      return 0;
    }
    const { given, operands } = parse(definition, rest.slice(definition.name.split(' ').length));
    return await definition.run(given, operands, { terminal, around });
  } catch (error) {
    terminal.problem(describeError(error, language, terminal.columns));
    if (error instanceof UsageError) {
      const which = definition ? ` ${definition.name}` : '';
      terminal.problem(language === 'zh' ? `  用法见 jieqiao${which} --help` : `  See jieqiao${which} --help`);
    }
    return exitCodeOf(error);
  }
}

/** `--lang` and `--help` may stand anywhere. */
function takeGlobals(argv: readonly string[]): { lang: string | undefined; help: boolean; rest: string[] } {
  const rest: string[] = [];
  let lang: string | undefined;
  let help = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--lang') lang = argv[++i] ?? '';
    else if (word.startsWith('--lang=')) lang = word.slice('--lang='.length);
    else if (word === '--help' || word === '-h') help = true;
    else rest.push(word);
  }
  return { lang, help, rest };
}

function overview(language: Language): string {
  const texts = {
    zh: {
      usage: '用法：jieqiao 命令 [选项]',
      more: 'jieqiao 命令 --help 显示该命令的选项。每个命令都可加 --lang zh|en。',
      codes: '退出码：0 完成，1 未完成或有异常，2 命令行有误，78 设置有误。',
    },
    en: {
      usage: 'Usage: jieqiao COMMAND [options]',
      more: 'jieqiao COMMAND --help shows a command’s options. Every command takes --lang zh|en.',
      codes: 'Exit codes: 0 done, 1 no or failed, 2 bad command line, 78 bad settings.',
    },
  }[language];
  // Padded names: one column width for all groups.
  const width = Math.max(...commands.map(({ name }) => name.length));
  const body = groups.flatMap((group) => [
    '',
    group.title[language],
    ...twoColumns(group.commands.map(({ name, summary }) => [name.padEnd(width), summary[language]])),
  ]);
  return [texts.usage, ...body, '', texts.more, texts.codes].join('\n');
}

function shortList(some: readonly Command[], language: Language): string {
  const [first = ''] = some.map(({ name }) => name.split(' ')[0]!);
  const more = {
    zh: `jieqiao ${first} --help 显示各命令的选项`,
    en: `jieqiao ${first} --help shows the options of each`,
  }[language];
  return [...twoColumns(some.map(({ name, summary }) => [name, summary[language]])), '', more].join('\n');
}

function groupUsage(some: readonly Command[], language: Language): string {
  return some.map((definition) => usageOf(definition, language)).join('\n\n\n');
}
