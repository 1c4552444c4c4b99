import { type FileHandle, open, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  type Agreement,
  type ByteSource,
  type Check,
  type CheckId,
  Crl,
  checkGivenTrust,
  exitCodeOf,
  type FileToVerify,
  GatewayError,
  type GivenTrust,
  maxAgreementBytes,
  maxCrlBytes,
  parseAgreement,
  type Report,
  type Verdict,
  verifyFiles,
} from '@jieqiao/core';
import {
  checkWords,
  kindWords,
  type Language,
  labels,
  notAskedAnswer,
  problems,
  reasonWords,
  uncheckedAnswer,
  usage,
  verdictMeanings,
  verdictWords,
} from './words';

export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  now: Date;
  out(text: string): void;
  err(text: string): void;
}

/** Runs `jieqiao-verify` and gives its exit code: 0 valid, 1 not valid, 2 could not check (bad usage included). */
export async function run(args: readonly string[], around: Surroundings): Promise<0 | 1 | 2> {
  const byEnvironment = languageOf(around.env);
  let options: Options;
  try {
    options = readOptions(args, byEnvironment);
  } catch (error) {
    around.err(`${say(problems.option, byEnvironment, { detail: messageOf(error) })}\n\n${usage[byEnvironment]}\n`);
    return 2;
  }
  const { language } = options;
  if (options.help) {
    around.out(`${usage[language]}\n`);
    return 0;
  }
  if (options.files.length === 0) {
    around.err(`${problems.noFiles[language]}\n\n${usage[language]}\n`);
    return 2;
  }
  const handles: FileHandle[] = [];
  try {
    const trust = await readTrust(options);
    const files: FileToVerify[] = [];
    for (const file of options.files) files.push(await openFile(file, handles));
    const reports = await verifyFiles(files, trust, around.now);
    around.out(options.json ? asJson(reports, trust, around.now) : asText(reports, trust, language));
    return exitCodeOf(reports.map(({ verdict }) => verdict));
  } catch (error) {
    // Whatever happened, there is no verdict: neither yes nor no.
    const problem = error instanceof Unreadable ? error : new Unreadable('fault', '', messageOf(error));
    around.err(`${say(problems[problem.problem], language, { file: problem.file, detail: problem.message })}\n`);
    return 2;
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

interface Options {
  files: string[];
  trust: string[];
  crl: string[];
  json: boolean;
  help: boolean;
  language: Language;
}

function readOptions(args: readonly string[], byEnvironment: Language): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      trust: { type: 'string', multiple: true, default: [] },
      crl: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      lang: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { lang = byEnvironment } = values;
  if (lang !== 'zh' && lang !== 'en') throw new Error(`--lang ${lang}`);
  const { trust, crl, json, help } = values;
  return { files: positionals, trust, crl, json, help, language: lang };
}

function languageOf(env: Surroundings['env']): Language {
  return (env.LC_ALL || env.LC_MESSAGES || env.LANG || '').startsWith('en') ? 'en' : 'zh';
}

class Unreadable extends Error {
  constructor(
    readonly problem: 'unreadable' | 'trust' | 'crl' | 'history' | 'foreignCrl' | 'fault',
    readonly file: string,
    message: string,
  ) {
    super(message);
  }
}

async function readTrust({ trust, crl, language }: Options): Promise<GivenTrust> {
  const agreements: Agreement[] = [];
  for (const file of trust) agreements.push(await parseFile(file, 'trust', maxAgreementBytes, parseAgreement));
  const crls: Crl[] = [];
  // Base64 takes a third more, and lines.
  for (const file of crl) crls.push(await parseFile(file, 'crl', 2 * maxCrlBytes, (bytes) => Crl.parse(derOf(bytes))));
  try {
    checkGivenTrust({ agreements, crls });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { reason = error.code, issuer, version } = error.params;
    if (error.code === 'CRL_SIGNATURE_INVALID') throw new Unreadable('foreignCrl', String(issuer), error.code);
    throw new Unreadable(
      'history',
      String(version ?? ''),
      `${error.code}: ${because('trust', { reason: String(reason) }, language)}`,
    );
  }
  return { agreements, crls };
}

async function parseFile<T>(
  file: string,
  problem: 'trust' | 'crl',
  maxBytes: number,
  parse: (bytes: Buffer) => T,
): Promise<T> {
  const handles: FileHandle[] = [];
  try {
    const { source } = await openFile(file, handles);
    if (source.size > maxBytes) throw new Unreadable(problem, file, 'too-large');
    return parse(await readFile(handles[0]!));
  } catch (error) {
    if (error instanceof GatewayError) {
      throw new Unreadable(problem, file, [error.code, error.params.reason].filter(Boolean).join(' '));
    }
    throw error;
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

/** Lists are published as DER and kept as PEM; the first block counts, as for openssl. */
function derOf(bytes: Buffer): Buffer {
  const pem = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/.exec(bytes.toString('latin1'));
  return pem ? Buffer.from(pem[1]!, 'base64') : bytes;
}

async function openFile(file: string, handles: FileHandle[]): Promise<FileToVerify> {
  try {
    const handle = await open(file, 'r');
    handles.push(handle);
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error('not a regular file');
    return { file, source: new OpenFile(handle, stats.size, file) };
  } catch (error) {
    throw new Unreadable('unreadable', file, messageOf(error));
  }
}

class OpenFile implements ByteSource {
  constructor(
    private readonly handle: FileHandle,
    readonly size: number,
    private readonly file: string,
  ) {}

  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.handle.read(buffer, at, length - at, offset + at).catch((error: unknown) => {
        throw new Unreadable('unreadable', this.file, messageOf(error));
      });
      if (bytesRead === 0) throw new Unreadable('unreadable', this.file, 'it became shorter while being read');
      at += bytesRead;
    }
    return buffer;
  }
}

function asJson(reports: readonly Report[], { agreements, crls }: GivenTrust, now: Date): string {
  const lists = crls.map(({ issuer, number, thisUpdate, nextUpdate }) => ({ issuer, number, thisUpdate, nextUpdate }));
  const trust = { agreements: agreements.map(({ ref }) => ref), crls: lists };
  const result = { verdict: worst(reports), checkedAt: now.toISOString(), trust, files: reports };
  return `${JSON.stringify(result, null, 2)}\n`;
}

/** The verdict first, then file by file, and within a file what failed before what held. */
function asText(reports: readonly Report[], trust: GivenTrust, language: Language): string {
  const verdict = worst(reports);
  const lines = [
    `${labels.overall[language]}: ${verdictWords[verdict][language]}`,
    `  ${verdictMeanings[verdict][language]}`,
    ...basis(trust, language).map((line) => `  ${line}`),
  ];
  for (const report of reports) {
    const { file, kind } = report;
    lines.push('', `${shown(file)} · ${kindWords[kind][language]} · ${verdictWords[report.verdict][language]}`);
    for (const line of factLines(report, language)) lines.push(`  ${line}`);
    for (const result of ['fail', 'unchecked', 'not-asked', 'pass'] as const) {
      for (const line of checkLines(report.checks, result, language)) lines.push(`  ${line}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function basis({ agreements, crls }: GivenTrust, language: Language): string[] {
  const versions = agreements.map(
    ({ content, ref }) =>
      `${shown(content.title)}, ${say(labels.version, language, { version: ref.version })} (${ref.digest})`,
  );
  const lists = crls.map(({ issuer, number, thisUpdate }) =>
    say(labels.list, language, { issuer, number, thisUpdate: thisUpdate.toISOString() }),
  );
  const orNone = (texts: string[], none: string) => (texts.length > 0 ? texts : [none]);
  return [
    ...orNone(versions, labels.noBasis[language]).map((text) => `${labels.basis[language]}: ${text}`),
    ...orNone(lists, labels.noLists[language]).map((text) => `${labels.lists[language]}: ${text}`),
  ];
}

const severity: readonly Verdict[] = ['invalid', 'unknown-signer', 'indeterminate', 'warning', 'valid'];

function worst(reports: readonly Report[]): Verdict {
  return severity.find((verdict) => reports.some((report) => report.verdict === verdict)) ?? 'indeterminate';
}

function factLines({ facts }: Report, language: Language): string[] {
  const lines: string[] = [];
  const add = (label: keyof typeof labels, value: string | null | undefined): void => {
    if (value) lines.push(`${labels[label][language]}: ${shown(value)}`);
  };
  const { signer, envelope, receipt, proven, agreement } = facts;
  add('signer', signer && (signer.authority ?? signer.subject.replaceAll('\n', ', ')));
  add('signedAt', facts.signedAt);
  add('proven', proven && `${proven.time} (${proven.node}, ${proven.receipt})`);
  add('under', agreement && `${agreement.id} ${say(labels.version, language, { version: agreement.version })}`);
  add('number', envelope?.number);
  if (envelope?.kind === 'TEST') lines.push(labels.test[language]);
  if (envelope) add('from', `${envelope.from} → ${envelope.to}`);
  add('event', receipt && `${receipt.event} ${receipt.time} ${receipt.node}`);
  add('outcome', receipt?.outcome ?? receipt?.code);
  add('files', facts.files && String(facts.files.length));
  add('digest', facts.digest);
  return lines;
}

const marks = { pass: '✓', fail: '✗', unchecked: '?', 'not-asked': '·' } as const;

/** Equal questions with the answer "yes" are one line, so that 2,000 sound files don't hide the one that matters. */
function checkLines(checks: readonly Check[], result: Check['result'], language: Language): string[] {
  const lines: string[] = [];
  const counts = new Map<CheckId, number>();
  for (const check of checks) {
    if (check.result !== result) continue;
    const count = (counts.get(check.id) ?? 0) + 1;
    counts.set(check.id, count);
    if (result === 'pass' && count > 1) continue;
    lines.push(checkLine(check, language));
  }
  if (result !== 'pass') return lines;
  const repeated = [...counts].map(([, count]) => (count > 1 ? say(labels.times, language, { count }) : ''));
  return lines.map((line, i) => `${line}${repeated[i]}`);
}

function checkLine({ id, result, params }: Check, language: Language): string {
  const words = checkWords[id];
  const answers = { ...words, unchecked: uncheckedAnswer, 'not-asked': notAskedAnswer };
  const line = `${marks[result]} ${words.question[language]} ${say(answers[result], language, params)}`;
  if (params.reason === undefined) return line;
  return `${line}\n      ${labels.reason[language]}: ${because(id, params, language)} [${id}]`;
}

/** A few reasons mean another thing with another question. */
function because(id: string, params: Check['params'], language: Language): string {
  const reason = String(params.reason);
  const words = reasonWords[`${id} ${reason}`] ?? reasonWords[reason];
  return words ? say(words, language, params) : shown(reason);
}

function say(text: Readonly<Record<Language, string>>, language: Language, params: Check['params']): string {
  return text[language].replace(/\{(\w+)\}/g, (_, name: string) => shown(String(params[name] ?? '')));
}

/** Text out of a hostile file must not move the cursor, recolour the verdict or reverse its words. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
