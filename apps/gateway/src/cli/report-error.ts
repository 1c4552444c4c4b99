import { type ErrorParams, GatewayError, hasCode } from '@jieqiao/core';
import { configExitCode, visible, wrap } from '@jieqiao/platform';
import { errorKinds } from '../errors/errors';
import { type ReasonWords, reasonWords } from '../errors/reasons';
import { remedies } from '../errors/remedies';
import { fill, type Language, type Text } from '../words';
import { Stop, UsageError } from './command';

/** What the operating system says, for people: by the names of errno(3). */
const systemWords: Readonly<Record<string, { what: Text; fix: Text }>> = {
  ENOENT: {
    what: { zh: '找不到文件或目录 {path}', en: 'There is no file or directory {path}' },
    fix: { zh: '核对路径；U 盘是否已插好', en: 'Check the path; is the stick in?' },
  },
  EACCES: {
    what: { zh: '没有权限：{path}', en: 'Not permitted: {path}' },
    fix: {
      zh: '用运行节点的那个系统账号执行；1024 以下的端口改用更大的',
      en: 'Run it as the account that runs the node; instead of a port below 1024 take a higher one',
    },
  },
  EPERM: {
    what: { zh: '没有权限：{path}', en: 'Not permitted: {path}' },
    fix: { zh: '用运行节点的那个系统账号执行', en: 'Run it as the account that runs the node' },
  },
  EISDIR: {
    what: { zh: '{path} 是目录，不是文件', en: '{path} is a directory, not a file' },
    fix: { zh: '给出文件的路径', en: 'Give the path of a file' },
  },
  EROFS: {
    what: { zh: '{path} 是只读的', en: '{path} is read-only' },
    fix: { zh: '换一个可写的位置', en: 'Choose a place that can be written' },
  },
  ENOSPC: {
    what: { zh: '磁盘已满：{path}', en: 'The disk is full: {path}' },
    fix: { zh: '腾出空间后再试', en: 'Make room and try again' },
  },
  EADDRINUSE: {
    what: { zh: '端口 {port} 已被占用（EADDRINUSE）', en: 'Port {port} is taken already (EADDRINUSE)' },
    fix: {
      zh: '节点可能已在运行；否则找出占用者（ss -ltnp），或在 config.json 换一个端口',
      en: 'Perhaps the node runs already; else see who has it (ss -ltnp), or set another port in config.json',
    },
  },
  EADDRNOTAVAIL: {
    what: { zh: '本机没有这个地址：{address}', en: 'This machine has no such address: {address}' },
    fix: {
      zh: '在 config.json 里改 host；0.0.0.0 表示本机所有地址',
      en: 'Change host in config.json; 0.0.0.0 means all addresses of this machine',
    },
  },
};

/** `pointer` and `reason` of a JSON Schema (RFC 6901, ajv's keywords). */
const wrongPlace: Text = { zh: '不合规定之处：{pointer}（{reason}）', en: 'What is wrong: {pointer} ({reason})' };

/** No setting is wrong: none was found. */
const noConfig: Text = {
  zh: '在节点的数据目录里执行，或用 --config 指明 config.json；新节点先运行 jieqiao init',
  en: 'Work in the node’s directory, or name its config.json with --config; a new node begins with jieqiao init',
};

export function lacksConfig({ code, params }: GatewayError): boolean {
  const [problem, ...others] = Array.isArray(params.problems) ? (params.problems as readonly string[]) : [];
  return code === 'CONFIG_INVALID' && others.length === 0 && (problem ?? '').startsWith('node: found nothing');
}

/** The exit code that a failure gives. */
export function exitCodeOf(error: unknown): 1 | 2 | typeof configExitCode {
  if (error instanceof UsageError) return 2;
  return hasCode(error, 'CONFIG_INVALID') ? configExitCode : 1;
}

/**
 * What to print when a command or the start of the node fails: what happened, its code and parameters, and what to do.
 * Never a stack, but for a failure without a code, which is a defect.
 */
export function describeError(error: unknown, language: Language, columns = 80): string {
  const lines: string[] = [];
  const add = (text: string, indent: number) => {
    for (const line of wrap(text, columns - indent)) lines.push(' '.repeat(indent) + line);
  };
  const fix = (text: Text, params = {}) => {
    const label = language === 'zh' ? '怎么办：' : 'What to do: ';
    add(label + fill(text, language, params), 2);
  };
  if (error instanceof UsageError || error instanceof Stop) {
    for (const text of fill(error.text, language, error.params).split('\n')) add(text, 0);
  } else if (error instanceof GatewayError) {
    const { code, params } = error;
    const reason = typeof params.reason === 'string' ? reasonWords[code]?.[params.reason] : undefined;
    add(
      `${errorKinds[code].title[language]}${language === 'zh' ? '（' : ' ('}${code}${language === 'zh' ? '）' : ')'}`,
      0,
    );
    if (reason) add(fill(reason.what, language, params), 2);
    else if (typeof params.pointer === 'string') add(fill(wrongPlace, language, params), 2);
    for (const line of paramLines(params, reason)) add(line, 2);
    fix(lacksConfig(error) ? noConfig : (reason?.fix ?? remedies[code]), params);
  } else {
    const { code, path, port, address, message, stack } = systemError(error);
    const words = systemWords[code ?? ''];
    if (words) {
      add(fill(words.what, language, { path: path ?? '', port, address }), 0);
      fix(words.fix);
    } else {
      // A database driver's error repeats the statement and its parameters.
      const shown = typeof error === 'object' && error !== null && 'query' in error ? String(code) : message;
      add(`${errorKinds.INTERNAL.title[language]}: ${visible(shown ?? String(error))}`, 0);
      if (stack) lines.push(...stack.split('\n').slice(1, 12));
      fix(remedies.INTERNAL);
    }
  }
  return lines.join('\n');
}

type SystemError = NodeJS.ErrnoException & { port?: number | string; address?: string };

/** gRPC's server wraps what the system said about its port in a sentence of its own. */
function systemError(error: unknown): SystemError {
  const given = error as SystemError;
  const [, code, address, port] = /listen (E[A-Z]+): .*? (\S+):(\d+)/.exec(given.message ?? '') ?? [];
  return given.code === undefined && code !== undefined
    ? Object.assign(new Error(given.message), { code, address, port })
    : given;
}

/** What the words have not said already. */
function paramLines(params: ErrorParams, reason: ReasonWords | undefined): string[] {
  const template = reason ? `${reason.what.zh}${reason.fix?.zh}{reason}{remedy}` : '';
  const placed = reason === undefined && typeof params.pointer === 'string' ? '{pointer}{reason}' : '';
  return Object.entries(params).flatMap(([name, value]) => {
    if (value === undefined || `${template}${placed}`.includes(`{${name}}`)) return [];
    if (Array.isArray(value)) return (value as readonly string[]).map((item) => visible(item));
    return [`${name}: ${visible(String(value))}`];
  });
}
