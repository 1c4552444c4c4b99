import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { GatewayError } from '@jieqiao/core';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  validateSync,
} from 'class-validator';

/** EX_CONFIG of sysexits.h: the start failed because of a setting; trying again without a change is no use. */
export const configExitCode = 78;

const kib = 1024;
const mib = 1024 * kib;
const gib = 1024 * mib;

type SettingKind = 'text' | 'number' | 'boolean' | 'json';

/** How a setting is documented and how its text in an environment variable is read. */
interface SettingDoc {
  about: string;
  /** What to give, said in the error: "a whole number from 0 to 65535". */
  give: string;
  kind: SettingKind;
  /** Shown instead of the value wherever the value is printed. */
  secret?: boolean;
  /** The documented default where it depends on other settings or the machine. */
  defaultText?: string;
  /** An environment variable known by another name than JIEQIAO_…. */
  env?: string;
}

const docsOf = new WeakMap<object, Map<string, SettingDoc>>();

function document(doc: SettingDoc): PropertyDecorator {
  return (target, key) => {
    const docs = docsOf.get(target) ?? new Map<string, SettingDoc>();
    docs.set(String(key), doc);
    docsOf.set(target, docs);
  };
}

function all(...decorators: PropertyDecorator[]): PropertyDecorator {
  return (target, key) => {
    for (const decorate of decorators) decorate(target, key);
  };
}

/** A whole number between two bounds, both included. */
function whole(min: number, max: number, about: string): PropertyDecorator {
  return all(
    document({ about, give: `a whole number from ${min} to ${max}`, kind: 'number' }),
    IsInt(),
    Min(min),
    Max(max),
  );
}

function text(about: string, give: string, pattern: RegExp, more: Partial<SettingDoc> = {}): PropertyDecorator {
  return all(
    document({ about, give, kind: 'text', ...more }),
    IsString(),
    MinLength(1),
    MaxLength(500),
    Matches(pattern),
  );
}

function flag(about: string): PropertyDecorator {
  return all(document({ about, give: 'true or false', kind: 'boolean' }), IsBoolean());
}

const maxUrls = 10;

/** Addresses with commas between them, or none. Not with a password: they appear in answers and logs. */
function isUrlList(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const parts = value === '' ? [] : value.split(',').map((part) => part.trim());
  const fits = (part: string) => /^https?:\/\/[^\s@#]{1,250}$/.test(part) && URL.canParse(part);
  return parts.length <= maxUrls && parts.every(fits);
}

const hostPattern = /^[0-9A-Za-z.:_-]{1,253}$/;
const giveHost = 'an address or host name of this machine, such as 127.0.0.1 or 0.0.0.0';

export class HttpConfig {
  @text('Where people’s browsers and clients connect (HTTP API).', giveHost, hostPattern)
  host = '127.0.0.1';

  @whole(0, 65535, 'Port of the HTTP API; 0 takes a free one.')
  port = 8080;

  @flag(
    'Believe X-Forwarded-For and -Proto. Only behind a reverse proxy that sets them, or sign-in limits can be evaded.',
  )
  trustProxy = false;
}

export class PeerConfig {
  @text('Where peer nodes connect (mutual TLS).', giveHost, hostPattern)
  host = '127.0.0.1';

  @whole(0, 65535, 'Port of the gRPC service for envelopes; 0 takes a free one.')
  grpcPort = 9080;

  @whole(0, 65535, 'Port of the HTTPS endpoint for evidence bytes; 0 takes a free one.')
  blobPort = 9081;

  @whole(1, 3_600, 'Seconds between two Hellos to a peer on a connection that stands.')
  helloSeconds = 60;

  @whole(1, 300, 'Seconds by which a peer’s clock may differ from this node’s; beyond it nothing is exchanged.')
  maxClockSkewSeconds = 120;

  @whole(0, 720, 'Hours for which a peer’s revocation list is believed after its next update was due.')
  crlGraceHours = 24;

  @whole(512, 100_000, 'Elements of acts that this node asks one peer about, and answers one peer, within an hour.')
  actElementsPerHour = 1_000;
}

export class LimitsConfig {
  @whole(kib, 16 * mib, 'Bytes of one request’s JSON body.')
  bodyBytes = mib;

  @whole(1, 1024 * gib, 'Bytes of one evidence file.')
  fileBytes = 10 * gib;

  @whole(1, 10_000, 'Evidence files of one transfer.')
  filesPerTransfer = 500;

  @whole(1, 64 * 1024 * gib, 'Bytes that one peer may have announced and not yet delivered.')
  peerAnnouncedBytes = 100 * gib;

  @whole(1, 10_000, 'Values of personal data that one person may have revealed in an hour.')
  revealsPerHour = 60;
}

export class SessionConfig {
  @whole(1, 60, 'Minutes an access token is good for.')
  accessMinutes = 15;

  @whole(1, 90, 'Days after which an unused session ends.')
  refreshDays = 7;

  @whole(1, 10_000, 'Sign-in attempts a minute for one login from one address.')
  attemptsPerMinute = 10;
}

export class LaneConfig {
  @whole(10, 60_000, 'Milliseconds before the first retry of a delivery.')
  retryFirstMs = 500;

  @whole(1_000, 86_400_000, 'Longest pause between two retries, in milliseconds.')
  retryMaxMs = 60_000;

  @whole(1, 1_000, 'Envelopes sent to a peer in one call at most.')
  batch = 64;

  @whole(100, 600_000, 'Milliseconds a peer has to answer one call.')
  callTimeoutMs = 30_000;

  @whole(1, 720, 'Hours an envelope stays valid; delivery is tried until then.')
  envelopeHours = 24;
}

export class TimestampsConfig {
  @document({
    about: 'Time-stamping services (RFC 3161), the preferred one first; the next is asked where one fails.',
    give: `up to ${maxUrls} http or https addresses without user names, separated by commas`,
    kind: 'text',
    defaultText: 'none: nothing is time-stamped',
  })
  @ValidateBy({ name: 'urls', validator: { validate: isUrlList } })
  urls = '';

  @whole(100, 60_000, 'Milliseconds that one time-stamping service has to answer.')
  timeoutMs = 5_000;

  @flag(
    'Answer POST /tsa with an embedded time-stamping authority. For demonstration: its time is this machine’s word, and every verdict says so.',
  )
  demonstrationAuthority = false;
}

export class DemonstrationConfig {
  @document({
    about:
      'File with the instant at which the node plays; from when it was written, time goes on at the usual pace. For demonstration: nothing that this node signs proves a time, and it says so wherever it is asked how it is.',
    give: 'a path',
    kind: 'text',
    defaultText: 'none: the time is this machine’s',
  })
  @IsString()
  @MaxLength(500)
  clockFile = '';

  @flag(
    'State that this node holds no real case. Needed for a demonstration clock beside a database server, a proxy, or addresses that other machines reach.',
  )
  noRealCases = false;
}

export class CaseworkConfig {
  @flag('Leads, too, have a legal review before they leave. Cases always have one.')
  legalReviewOfLeads = false;
}

const maxPatterns = 50;

/** Texts by name. What the names and texts mean is for whoever uses them to check. */
function isTextMap(value: unknown): boolean {
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  const fits = ([, text]: [string, unknown]) => typeof text === 'string' && text.length >= 1 && text.length <= 80;
  return entries.length <= maxPatterns && entries.every(fits);
}

export class NumbersConfig {
  @document({
    about: 'Short name of the authority in the numbers of its documents, such as 平综执: 平综执线移〔2022〕第12号.',
    give: 'up to 12 Chinese characters',
    kind: 'text',
    defaultText: 'none: only documents with a pattern of their own are numbered by the node',
  })
  @IsString()
  @Matches(/^[\u3400-\u4dbf\u4e00-\u9fff]{0,12}$/)
  prefix = '';

  @document({
    about:
      'Patterns by document type, where they differ from the usual ones (docs/spec/numbers.md): {"penalty-decision": "{prefix}〔{year}〕罚决字第{squad:2}-{sequence:4}号"}.',
    give: `an object of up to ${maxPatterns} texts of at most 80 characters; in the environment, as JSON`,
    kind: 'json',
    defaultText: 'none',
  })
  @ValidateBy({ name: 'patterns', validator: { validate: isTextMap } })
  patterns: Readonly<Record<string, string>> = {};
}

export class SchedulerConfig {
  @whole(1, 3_600, 'Seconds between two looks for clocks that have come due.')
  pollSeconds = 5;
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export class LogConfig {
  @document({ about: 'Least severe level that is written.', give: `one of ${logLevels.join(', ')}`, kind: 'text' })
  @IsIn(logLevels)
  level: LogLevel = 'info';
}

/** All settings of a node. Defaults are the initial values here; nothing else in the code has a default of its own. */
export class NodeConfig {
  @text(
    'Id of this node: a name and the six-digit region code.',
    'a name of lower-case letters, digits and hyphens, a point and six digits, such as pinghu.330482',
    /^[a-z][a-z0-9-]{0,39}\.[0-9]{6}$/,
    { defaultText: 'none; must be given' },
  )
  node = '';

  @text('Directory of the keys, agreements, evidence and the embedded database.', 'a path', /^[^\0]+$/, {
    defaultText: 'the directory of `config.json`',
  })
  dataDir = '';

  @text(
    'The database: an SQLite file, or a MySQL 8 / MariaDB 10.11 server.',
    'sqlite:<path>, mysql://user:password@host:port/name or mariadb://user:password@host:port/name',
    /^(sqlite:[^\0]+|(mysql|mariadb):\/\/[^\0\s]+)$/,
    { secret: true, env: 'DATABASE_URL', defaultText: '`sqlite:<dataDir>/node.sqlite`' },
  )
  databaseUrl = '';

  @text(
    'Name of this process among those that share the database (leases).',
    'up to 100 letters, digits, points, hyphens',
    /^[A-Za-z0-9._-]{1,100}$/,
    { defaultText: 'host name and a digest of `dataDir`' },
  )
  instance = '';

  readonly http = new HttpConfig();
  readonly peer = new PeerConfig();
  readonly limits = new LimitsConfig();
  readonly session = new SessionConfig();
  readonly lane = new LaneConfig();
  readonly casework = new CaseworkConfig();
  readonly timestamps = new TimestampsConfig();
  readonly demonstration = new DemonstrationConfig();
  readonly numbers = new NumbersConfig();
  readonly scheduler = new SchedulerConfig();
  readonly log = new LogConfig();
}

interface Setting {
  /** "http.port" */
  path: string;
  variable: string;
  doc: SettingDoc;
  default: unknown;
  holder: (config: NodeConfig) => Record<string, unknown>;
  key: string;
}

const sections = [
  'http',
  'peer',
  'limits',
  'session',
  'lane',
  'casework',
  'timestamps',
  'demonstration',
  'numbers',
  'scheduler',
  'log',
] as const;

const settings: readonly Setting[] = listSettings();

function listSettings(): Setting[] {
  const defaults = new NodeConfig();
  const list = (prefix: string, holder: Setting['holder']): Setting[] =>
    [...(docsOf.get(Object.getPrototypeOf(holder(defaults))) ?? [])].map(([key, doc]) => {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      const variable =
        doc.env ??
        `JIEQIAO_${path
          .replace(/[A-Z]/g, (c) => `_${c}`)
          .replace('.', '_')
          .toUpperCase()}`;
      return { path, variable, doc, default: holder(defaults)[key], holder, key };
    });
  return [
    ...list('', (config) => config as unknown as Record<string, unknown>),
    ...sections.flatMap((name) => list(name, (config) => config[name] as unknown as Record<string, unknown>)),
  ];
}

export interface ConfigSources {
  /** Command-line arguments; `--config FILE` and `--config=FILE` are read, the rest is the command's business. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths start when no configuration file is given. */
  cwd: string;
}

/** Variables of these prefixes belong to tests and tools, not to the node. */
const foreignVariables = /^JIEQIAO_(CONFIG$|FAULT|TEST|BENCH|DEMO(?!NSTRATION_))/;

/**
 * Reads `config.json`, lets environment variables override it, checks everything and fills in what depends on
 * the machine. Relative paths are relative to the file's directory.
 * @throws CONFIG_INVALID {problems}: every wrong setting at once, with its name, where it was given, what was
 *   found (never a secret) and what to give instead.
 */
export function loadConfig(sources: ConfigSources): NodeConfig {
  const config = new NodeConfig();
  const problems: string[] = [];
  const origin = new Map<string, string>();
  const file = configFile(sources);
  const base = file === null ? sources.cwd : dirname(file);
  if (file !== null) applyFile(config, file, origin, problems);
  applyEnvironment(config, sources.env, origin, problems);

  config.dataDir = resolve(base, config.dataDir === '' ? '.' : config.dataDir);
  if (config.databaseUrl === '') config.databaseUrl = `sqlite:${join(config.dataDir, 'node.sqlite')}`;
  else if (typeof config.databaseUrl === 'string' && config.databaseUrl.startsWith('sqlite:')) {
    config.databaseUrl = `sqlite:${resolve(base, config.databaseUrl.slice('sqlite:'.length))}`;
  }
  const { demonstration } = config;
  if (demonstration.clockFile) demonstration.clockFile = resolve(base, demonstration.clockFile);
  if (config.instance === '') config.instance = defaultInstance(config.dataDir);

  for (const setting of settings) {
    const holder = setting.holder(config);
    const wrong = validateSync(holder, { skipMissingProperties: false, forbidUnknownValues: true }).some(
      (error) => error.property === setting.key,
    );
    if (wrong) problems.push(problem(setting, origin.get(setting.path), holder[setting.key]));
  }
  if (config.lane.retryMaxMs < config.lane.retryFirstMs) {
    problems.push('lane.retryMaxMs: shorter than lane.retryFirstMs; give at least as many milliseconds');
  }
  problems.push(...clockProblems(config));
  if (problems.length > 0) throw new GatewayError('CONFIG_INVALID', { problems });
  return config;
}

const loopback = /^(localhost|127\.[0-9.]+|::1)$/;

/** A node that looks as if it were at work must not be given another time by a setting that somebody forgot. */
function clockProblems({ demonstration, databaseUrl, http, peer }: NodeConfig): string[] {
  if (demonstration.clockFile === '' || demonstration.noRealCases) return [];
  const serious = [
    ...(String(databaseUrl).startsWith('sqlite:') ? [] : ['databaseUrl']),
    ...(loopback.test(http.host) ? [] : ['http.host']),
    ...(http.trustProxy ? ['http.trustProxy'] : []),
    ...(loopback.test(peer.host) ? [] : ['peer.host']),
  ];
  if (serious.length === 0) return [];
  const why = `this looks like a node at work (${serious.join(', ')})`;
  return [
    `demonstration.clockFile: ${why}; leave it out, or set demonstration.noRealCases to true if it holds no real case`,
  ];
}

/** What to print when the start stops: one line per problem, no stack. */
export function describeConfigError(error: GatewayError): string {
  const problems = error.params.problems;
  const lines = Array.isArray(problems) ? problems : [JSON.stringify(error.params)];
  return ['CONFIG_INVALID: the node does not start with these settings', ...lines.map((line) => `  ${line}`)].join(
    '\n',
  );
}

function problem(setting: Setting, from: string | undefined, found: unknown): string {
  const shown =
    found === '' ? 'nothing' : setting.doc.secret ? 'a value (not shown)' : JSON.stringify(found)?.slice(0, 120);
  const where = from ?? `neither ${setting.variable} nor the file gives it`;
  return `${setting.path}: found ${shown} (${where}); give ${setting.doc.give}`;
}

function configFile({ argv, env, cwd }: ConfigSources): string | null {
  const at = argv.indexOf('--config');
  const given =
    at >= 0
      ? argv[at + 1]
      : (argv.find((a) => a.startsWith('--config='))?.slice('--config='.length) ?? env.JIEQIAO_CONFIG);
  if (at >= 0 && given === undefined) {
    throw new GatewayError('CONFIG_INVALID', { problems: ['--config: found nothing; give the path of a config.json'] });
  }
  if (given !== undefined && given !== '') return resolve(cwd, given);
  const inDataDir = resolve(cwd, env.JIEQIAO_DATA_DIR ?? '.', 'config.json');
  return existsSync(inDataDir) ? inDataDir : null;
}

function applyFile(config: NodeConfig, file: string, origin: Map<string, string>, problems: string[]): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The parser's message may quote the file, and the file may hold a password: only its kind is told.
    const reason =
      error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new GatewayError('CONFIG_INVALID', { problems: [`${file}: ${reason}; give a readable JSON object`] });
  }
  for (const [path, value] of flatten(parsed, file, problems)) {
    const setting = settings.find((s) => s.path === path);
    if (setting === undefined) {
      problems.push(
        `${path}: unknown setting (${file}); ${suggestion(
          path,
          settings.map((s) => s.path),
        )}`,
      );
      continue;
    }
    setting.holder(config)[setting.key] = value;
    origin.set(path, file);
  }
}

function flatten(value: unknown, file: string, problems: string[]): [string, unknown][] {
  if (!isObject(value)) {
    problems.push(`${file}: found something other than an object; give a JSON object of settings`);
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    if (!(sections as readonly string[]).includes(key)) return [[key, inner]];
    if (isObject(inner))
      return Object.entries(inner).map(([name, leaf]): [string, unknown] => [`${key}.${name}`, leaf]);
    problems.push(`${key}: found something other than an object (${file}); give an object of settings`);
    return [];
  });
}

function applyEnvironment(
  config: NodeConfig,
  env: ConfigSources['env'],
  origin: Map<string, string>,
  problems: string[],
): void {
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || (variable !== 'DATABASE_URL' && !variable.startsWith('JIEQIAO_'))) continue;
    if (foreignVariables.test(variable)) continue;
    const setting = settings.find((s) => s.variable === variable);
    if (setting === undefined) {
      problems.push(
        `${variable}: unknown environment variable; ${suggestion(
          variable,
          settings.map((s) => s.variable),
        )}`,
      );
      continue;
    }
    setting.holder(config)[setting.key] = fromText(setting.doc.kind, value);
    origin.set(setting.path, `environment ${variable}`);
  }
}

/** Text that is not of the kind stays text, so that the check that follows names it. */
function fromText(kind: SettingKind, value: string): unknown {
  if (kind === 'number') return /^-?[0-9]{1,16}$/.test(value) ? Number(value) : value;
  if (kind === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  if (kind === 'json') {
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }
  return value;
}

function suggestion(given: string, known: string[]): string {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const near = known.find((name) => distance(plain(name), plain(given)) <= 2);
  return near === undefined ? 'see docs/guides/configuration.md' : `did you mean ${near}?`;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

function defaultInstance(dataDir: string): string {
  const host =
    hostname()
      .replace(/[^A-Za-z0-9.-]/g, '-')
      .slice(0, 60) || 'host';
  return `${host}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of `docs/guides/configuration.md`: written from the settings above, checked for drift by a test. */
export function configurationGuide(): string {
  const cell = (s: string) => s.replaceAll('|', '\\|');
  const rows = settings.map(({ path, variable, doc, default: value }) => {
    const byDefault = doc.defaultText ?? `\`${String(value)}\``;
    return `| \`${path}\` | \`${variable}\` | ${byDefault} | ${cell(doc.about)} Give ${cell(doc.give)}. |`;
  });
  return [
    '# Settings of a node',
    '',
    '<!-- Generated from libs/platform/src/config.ts by `npm run generate`; do not edit. -->',
    '',
    'A node reads `config.json` (`--config FILE`, or the variable `JIEQIAO_CONFIG`; otherwise the one in',
    '`JIEQIAO_DATA_DIR`, otherwise one in the current directory). Every setting can be overridden by the environment',
    'variable next to it. In the file, a name with a point is a member of an object: `{"http": {"port": 8080}}`. Relative',
    'paths start at the directory of the file. A wrong or unknown setting stops the start with exit code',
    `${configExitCode}, its name, what was found and what to give instead; the database's URL is never printed.`,
    '',
    '| setting | environment variable | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
