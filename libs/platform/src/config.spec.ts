import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError } from '@jieqiao/core';
import { type ConfigSources, configurationGuide, describeConfigError, loadConfig } from './config';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function load(file: unknown, env: ConfigSources['env'] = {}) {
  const path = join(dir, 'config.json');
  writeFileSync(path, typeof file === 'string' ? file : JSON.stringify(file));
  return loadConfig({ argv: ['--config', path], env, cwd: '/' });
}

function problemsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'CONFIG_INVALID') return error.params.problems as string[];
    throw error;
  }
  throw new Error('no error');
}

describe('loadConfig', () => {
  it('fills in what depends on the machine', () => {
    const config = load({ node: 'pinghu.330482' });
    expect(config.dataDir).toBe(dir);
    expect(config.databaseUrl).toBe(`sqlite:${dir}/node.sqlite`);
    expect(config.instance).toMatch(/^[A-Za-z0-9.-]+-[0-9a-f]{8}$/);
    expect(config.limits.bodyBytes).toBe(1_048_576);
  });

  it('lets the environment override the file', () => {
    const config = load(
      { node: 'pinghu.330482', http: { port: 1, trustProxy: false } },
      {
        JIEQIAO_HTTP_PORT: '8123',
        JIEQIAO_HTTP_TRUST_PROXY: 'true',
        DATABASE_URL: 'mariadb://a:b@h:3306/x',
        PATH: '/bin',
      },
    );
    expect(config.http).toMatchObject({ port: 8123, trustProxy: true });
    expect(config.databaseUrl).toBe('mariadb://a:b@h:3306/x');
  });

  it('takes time-stamping services in the order given, with spaces or without', () => {
    const urls = 'https://tsa.example/a, http://[::1]:8080/tsa?x=1';
    expect(load({ node: 'pinghu.330482', timestamps: { urls } }).timestamps.urls).toBe(urls);
    expect(load({ node: 'pinghu.330482' }).timestamps).toEqual({
      urls: '',
      timeoutMs: 5_000,
      demonstrationAuthority: false,
    });
  });

  describe('a demonstration clock', () => {
    const node = 'pinghu.330482';
    const clock = { demonstration: { clockFile: 'clock' } };

    it('is there on a machine by itself', () => {
      expect(load({ node, ...clock }).demonstration.clockFile).toBe(join(dir, 'clock'));
      expect(load({ node }).demonstration).toEqual({ clockFile: '', noRealCases: false });
      expect(load({ node }, { JIEQIAO_DEMONSTRATION_CLOCK_FILE: '/c' }).demonstration.clockFile).toBe('/c');
    });

    it.each([
      ['databaseUrl', { databaseUrl: 'mysql://a:b@db/x' }],
      ['http.host', { http: { host: '0.0.0.0' } }],
      ['http.trustProxy', { http: { trustProxy: true } }],
      ['peer.host', { peer: { host: 'gateway.example' } }],
    ])('is refused beside %s of a node at work, unless it is said that there are no real cases', (setting, more) => {
      const [problem] = problemsOf(() => load({ node, ...clock, ...more }));
      expect(problem).toMatch(/^demonstration\.clockFile: this looks like a node at work \(.*noRealCases/);
      expect(problem).toContain(`(${setting})`);
      const said = { demonstration: { clockFile: 'clock', noRealCases: true } };
      expect(load({ node, ...said, ...more }).demonstration.noRealCases).toBe(true);
      expect(load({ node, ...more }).demonstration.clockFile).toBe('');
    });
  });

  it('takes patterns of numbers as an object, in the environment as JSON', () => {
    const numbers = { prefix: '平综执', patterns: { 'notice-sheet': '平农〔{year}〕{sequence}号' } };
    expect(load({ node: 'pinghu.330482', numbers }).numbers).toEqual(numbers);
    const env = {
      JIEQIAO_NUMBERS_PREFIX: '平执',
      JIEQIAO_NUMBERS_PATTERNS: '{"notice-sheet":"甲〔{year}〕{sequence}号"}',
    };
    expect(load({ node: 'pinghu.330482', numbers }, env).numbers).toEqual({
      prefix: '平执',
      patterns: { 'notice-sheet': '甲〔{year}〕{sequence}号' },
    });
    for (const patterns of ['x', [1], { a: 1 }, { a: '' }, { a: 'x'.repeat(81) }]) {
      expect(problemsOf(() => load({ node: 'pinghu.330482', numbers: { patterns } }))).toHaveLength(1);
    }
    expect(problemsOf(() => load({ node: 'pinghu.330482' }, { JIEQIAO_NUMBERS_PATTERNS: '{' }))[0]).toMatch(
      /^numbers\.patterns: found "\{" \(environment JIEQIAO_NUMBERS_PATTERNS\); give an object/,
    );
    expect(problemsOf(() => load({ node: 'pinghu.330482', numbers: { prefix: 'PH' } }))).toHaveLength(1);
  });

  it('starts from the environment alone, and finds config.json in the data directory', () => {
    const env = { JIEQIAO_NODE: 'jinshan.310116', JIEQIAO_DATA_DIR: dir };
    expect(loadConfig({ argv: [], env, cwd: '/' }).dataDir).toBe(dir);
    writeFileSync(join(dir, 'config.json'), '{"http":{"port":77}}');
    expect(loadConfig({ argv: [], env, cwd: '/' }).http.port).toBe(77);
  });

  it.each<[string, unknown, ConfigSources['env'], RegExp]>([
    ['missing node', {}, {}, /^node: found nothing \(neither JIEQIAO_NODE nor the file gives it\); give a name/],
    [
      'wrong type',
      { node: 'a.330482', http: { port: '80' } },
      {},
      /^http\.port: found "80" \(.*config\.json\); give a whole/,
    ],
    [
      'out of range',
      { node: 'a.330482' },
      { JIEQIAO_HTTP_PORT: '70000' },
      /^http\.port: found 70000 \(environment JIEQIAO_HTTP_PORT\)/,
    ],
    ['not a number', { node: 'a.330482' }, { JIEQIAO_HTTP_PORT: '80a' }, /^http\.port: found "80a"/],
    [
      'unknown key',
      { node: 'a.330482', http: { prot: 1 } },
      {},
      /^http\.prot: unknown setting .*did you mean http\.port\?/,
    ],
    [
      'unknown variable',
      { node: 'a.330482' },
      { JIEQIAO_HTP_PORT: '1' },
      /^JIEQIAO_HTP_PORT: .*did you mean JIEQIAO_HTTP_PORT\?/,
    ],
    ['section of a wrong type', { node: 'a.330482', http: 3 }, {}, /^http: found something other than an object/],
    ['not an object', [], {}, /found something other than an object/],
    ['not JSON', '{', {}, /config\.json: is not JSON/],
    ['unknown level', { node: 'a.330482', log: { level: 'loud' } }, {}, /^log\.level: found "loud" .*one of fatal/],
    ['null', { node: null }, {}, /^node: found null/],
    [
      'a service that is no address',
      { node: 'a.330482', timestamps: { urls: 'https://tsa.example,tsa.example' } },
      {},
      /^timestamps\.urls: found "https:.*; give up to 10 http or https addresses without user names/,
    ],
    [
      'a service with a password',
      { node: 'a.330482' },
      { JIEQIAO_TIMESTAMPS_URLS: 'https://a:b@tsa.example' },
      /^timestamps\.urls: found/,
    ],
    [
      'a port that is none',
      { node: 'a.330482', timestamps: { urls: 'http://tsa.example:99999' } },
      {},
      /^timestamps\.urls/,
    ],
    [
      'an empty place in a list',
      { node: 'a.330482', timestamps: { urls: 'http://tsa.example,' } },
      {},
      /^timestamps\.urls/,
    ],
    [
      'eleven services',
      { node: 'a.330482', timestamps: { urls: Array(11).fill('http://a').join() } },
      {},
      /^timestamps\.urls/,
    ],
    ['no text', { node: 'a.330482', timestamps: { urls: [] } }, {}, /^timestamps\.urls: found \[\]/],
    ['prototype key', '{"node":"a.330482","__proto__":{"x":1}}', {}, /^__proto__: unknown setting/],
  ])('refuses: %s', (_, file, env, expected) => {
    expect(problemsOf(() => load(file, env))[0]).toMatch(expected);
  });

  it('names every problem, and no password', () => {
    const problems = problemsOf(() =>
      load({ node: 'X' }, { DATABASE_URL: 'postgres://u:geheim@h/x', JIEQIAO_PEER_GRPC_PORT: '-1' }),
    );
    expect(problems.map((p) => p.split(':')[0])).toEqual(['node', 'databaseUrl', 'peer.grpcPort']);
    expect(problems.join()).not.toContain('geheim');
    expect(describeConfigError(new GatewayError('CONFIG_INVALID', { problems }))).toMatch(
      /^CONFIG_INVALID: .*\n {2}node: /,
    );
  });
});

it('docs/guides/configuration.md is what the settings say (npm run generate)', () => {
  const committed = readFileSync(join(__dirname, '../../../docs/guides/configuration.md'), 'utf8');
  expect(committed).toBe(configurationGuide());
});
