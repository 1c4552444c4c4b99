import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crossChecks, requiredChecks } from '@jieqiao/core';
import { type Exchange, makeExchange, verifiedAt } from '../../../test/support/sealed-exchange';
import { run } from './cli';
import { checkWords } from './words';

describe('jieqiao-verify', () => {
  let directory: string;
  let exchange: Exchange;
  const path = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verify-'));
    exchange = await makeExchange();
    const damaged = Buffer.from(exchange.bundle);
    damaged[damaged.indexOf(Buffer.from('%PDF'))]! ^= 1;
    const files = {
      'agreement.json': exchange.agreement.bytes,
      'bundle.asice': exchange.bundle,
      'envelope.jws': exchange.envelope,
      'receipt.tlog-proof': exchange.receipt,
      'damaged.asice': damaged,
      'evil\u001b[2J.txt': Buffer.from('x'),
    };
    for (const [name, bytes] of Object.entries(files)) await writeFile(path(name), bytes);
  });

  afterAll(() => rm(directory, { recursive: true }));

  async function verify(args: string[], env: Record<string, string> = {}) {
    let out = '';
    let err = '';
    const around = {
      env,
      now: verifiedAt,
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        err += text;
      },
    };
    const code = await run(args, around);
    return { code, out, err };
  }

  const all = () => ['bundle.asice', 'envelope.jws', 'receipt.tlog-proof'].map(path);
  const trust = () => ['--trust', path('agreement.json')];

  it('says the verdict first, in Chinese, with 0 for valid', async () => {
    const { code, out, err } = await verify([...all(), ...trust()]);
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n')[0]).toBe('核验结论: 通过');
    expect(out).toContain('平湖市综合行政执法局');
    expect(out).not.toContain('undefined');
    expect(out).not.toContain('✗');
  });

  it('answers in English by --lang or by the environment', async () => {
    expect((await verify([...all(), ...trust(), '--lang', 'en'])).out).toMatch(/^Verdict: VALID\n/);
    expect((await verify([...all(), ...trust()], { LANG: 'en_GB.UTF-8' })).out).toMatch(/^Verdict: VALID\n/);
    expect((await verify([...all(), ...trust(), '--lang', 'zh'], { LANG: 'en_GB.UTF-8' })).out).toContain('通过');
  });

  it('says without trust that it could not check, with 2', async () => {
    const { code, out } = await verify([path('bundle.asice')]);
    expect(code).toBe(2);
    expect(out).toMatch(/^核验结论: 证据不足\n/);
    expect(out).toContain('没有用 --trust 给出互认协议');
  });

  it('puts what failed first and names the file, with 1', async () => {
    const { code, out } = await verify([path('damaged.asice'), ...trust()]);
    expect(code).toBe(1);
    expect(out).toMatch(/^核验结论: 未通过\n/);
    const marks = out.split('\n').flatMap((line) => line.match(/^ {2}([✓✗?])/)?.[1] ?? []);
    expect(marks.slice(0, 2)).toEqual(['✗', '✗']);
    expect(marks.lastIndexOf('✗')).toBeLessThan(marks.indexOf('✓'));
    expect(out).toContain('documents/案件线索移送函.pdf 的内容已不是用印时的内容');
  });

  it('prints the same as JSON', async () => {
    const { code, out } = await verify([...all(), path('agreement.json'), ...trust(), '--json']);
    const result = JSON.parse(out);
    expect([code, result.verdict, result.checkedAt]).toEqual([0, 'valid', verifiedAt.toISOString()]);
    expect(result.trust.digest).toBe(exchange.agreement.ref.digest);
    expect(result.files.map(({ kind }: { kind: string }) => kind)).toEqual([
      'bundle',
      'envelope',
      'receipt',
      'agreement',
    ]);
    expect(result.files[1].facts.envelope.number).toBe('平综执线移〔2022〕第31号');
  });

  it('a file name cannot write to the terminal', async () => {
    const { code, out } = await verify([path('evil\u001b[2J.txt')]);
    expect(code).toBe(2);
    expect(out).not.toContain('\u001b');
    expect(out).toContain('evil\\u{1b}[2J.txt');
  });

  it.each<[string, () => string[], RegExp]>([
    ['no file', () => [], /没有给出要核验的文件/],
    ['an unknown option', () => ['--force', path('bundle.asice')], /不认识的选项.*--force/],
    ['an option without its value', () => [path('bundle.asice'), '--trust'], /--trust/],
    ['an unknown language', () => [path('bundle.asice'), '--lang', 'fr'], /--lang fr/],
    ['a file that is not there', () => [path('nothing')], /无法读取 .*nothing/],
    ['a directory', () => [directory], /无法读取/],
    ['trust that is not there', () => [path('bundle.asice'), '--trust', path('nothing')], /无法读取 .*nothing/],
    [
      'trust that is no agreement',
      () => [path('bundle.asice'), '--trust', path('bundle.asice')],
      /AGREEMENT_MALFORMED/,
    ],
  ])('%s: a clear text and 2', async (_, args, expected) => {
    const { code, out, err } = await verify(args());
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(expected);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('--help tells what it does, with 0', async () => {
    const { code, out } = await verify(['--help', '--lang', 'en']);
    expect([code, out.startsWith('Usage: jieqiao-verify')]).toEqual([0, true]);
  });

  it('every question has words in both languages', () => {
    const ids = [...Object.values(requiredChecks).flat(), ...crossChecks, 'seal.still-valid'];
    expect(Object.keys(checkWords).sort()).toEqual([...new Set<string>(ids)].sort());
  });
});
