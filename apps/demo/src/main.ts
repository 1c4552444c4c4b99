import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { demo } from './demo';
import { reset } from './reset';
import { type Language, Screen } from './screen';
import { givenPath } from './shown-path';
import { start } from './start';

const defaultData = join(__dirname, '../../../.data');

const commands = ['start', 'demo', 'reset'] as const;
type Command = (typeof commands)[number];

const usages: Record<Command, Record<Language, string>> = {
  start: {
    zh: `用法：npm start [-- --lang zh|en] [--data 目录]

启动平湖、金山两个节点，让一条线索从金山移送到平湖，然后保持运行，Ctrl-C 结束。
  --lang zh|en   语言；不给时按 LANG，缺省为中文
  --data 目录    数据放在哪里，缺省为 .data`,
    en: `Usage: npm start [-- --lang zh|en] [--data DIR]

Starts the nodes of Pinghu and Jinshan, carries a lead from Jinshan to Pinghu, and stays up until Ctrl-C.
  --lang zh|en   language; by LANG when absent, else Chinese
  --data DIR     where the data goes, .data when absent`,
  },
  demo: {
    zh: `用法：npm run demo [-- --out 目录] [--lang zh|en]

四个全新的节点，按日期经历十个案例（2022 年 8 月至 2026 年 8 月），逐步核对两侧；
全部相符时退出码为 0。
  --out 目录     留下 S1、S2 的协议、证据包、信封和回执，供任何人核验
  --lang zh|en   语言；不给时按 LANG，缺省为中文`,
    en: `Usage: npm run demo [-- --out DIR] [--lang zh|en]

Lives through ten cases on four new nodes, by date from August 2022 to August 2026, and checks every step on both
sides; exits with 0 when all are as expected.
  --out DIR      leaves agreement, bundles, envelopes and receipts of S1 and S2 there, for anybody to verify
  --lang zh|en   language; by LANG when absent, else Chinese`,
  },
  reset: {
    zh: `用法：npm run reset [-- --lang zh|en] [--data 目录]

清空 npm start 的数据。节点运行时不清空。
  --lang zh|en   语言；不给时按 LANG，缺省为中文
  --data 目录    数据所在，缺省为 .data`,
    en: `Usage: npm run reset [-- --lang zh|en] [--data DIR]

Clears the data of npm start; not while its nodes run.
  --lang zh|en   language; by LANG when absent, else Chinese
  --data DIR     where the data is, .data when absent`,
  },
};

interface Options {
  language: Language;
  help: boolean;
  data: string;
  out: string | null;
}

/**
 * Runs one of the three commands.
 * @returns the exit code; 2 for a command line that makes no sense
 */
export async function main(command: Command, argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(command, argv);
  } catch (error) {
    const language = argv.join(' ').match(/--lang[= ](zh|en)\b/)?.[1] === 'en' ? 'en' : languageOf(process.env);
    const { message } = error as Error;
    const which = /'([^']+)'/.exec(message)?.[1] ?? message;
    const said = { zh: `不认识的选项，或者缺少参数：${which}`, en: `Unknown option, or a value is missing: ${which}` };
    console.error(`${said[language]}\n\n${usages[command][language]}`);
    return 2;
  }
  const { language, help, data, out } = options;
  if (help) {
    console.log(usages[command][language]);
    return 0;
  }
  const screen = new Screen(process.stdout, language);
  const problems = new Screen(process.stderr, language);
  if (command === 'start') return start(data, screen, problems);
  if (command === 'demo') return demo(out, screen, problems);
  return reset(data, screen, problems);
}

function readOptions(command: Command, argv: readonly string[]): Options {
  const place = command === 'demo' ? 'out' : 'data';
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    options: {
      lang: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
      [place]: { type: 'string' },
    },
  }) as { values: { lang?: string; help: boolean; data?: string; out?: string } };
  const { lang = languageOf(process.env), help, data, out } = values;
  if (lang !== 'zh' && lang !== 'en') throw new Error(`--lang ${lang}`);
  if (data === '' || out === '') throw new Error(`--${place}`);
  return {
    language: lang,
    help,
    data: data === undefined ? defaultData : givenPath(data),
    out: out === undefined ? null : givenPath(out),
  };
}

/** English where the surroundings are set to it; C, POSIX and nothing at all are no choice of a language. */
function languageOf(env: NodeJS.ProcessEnv): Language {
  return (env.LC_ALL || env.LC_MESSAGES || env.LANG || '').startsWith('en') ? 'en' : 'zh';
}

if (require.main === module) {
  const [command, ...rest] = process.argv.slice(2);
  if (!commands.includes(command as Command)) {
    console.error(`main.js ${commands.join('|')} …`);
    process.exitCode = 2;
  } else {
    void main(command as Command, rest).then((code) => {
      process.exitCode = code;
    });
  }
}
