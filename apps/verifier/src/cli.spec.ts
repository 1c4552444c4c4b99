import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crossChecks, issueCrl, nextVersion, occasionalChecks, requiredChecks } from '@jieqiao/core';
import {
  type Exchange,
  makeAgreement,
  makeExchange,
  makeParty,
  verifiedAt,
} from '../../../test/support/sealed-exchange';
import { run } from './cli';
import { checkWords } from './words';

const pem = (crl: Buffer): Buffer => {
  const lines = crl.toString('base64').match(/.{1,64}/g)!;
  return Buffer.from(`-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`);
};

describe('jieqiao-verify', () => {
  let directory: string;
  let exchange: Exchange;
  const path = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verify-'));
    exchange = await makeExchange();
    const { sender, recipient, agreement } = exchange;
    const effective = { ...agreement.content.effective, from: '2022-08-25T00:00:00.000Z' };
    const second = makeAgreement([sender, recipient], nextVersion(agreement, { title: '第二版', effective }));
    const fork = makeAgreement([sender, recipient], { title: '另一份第一版' });
    const list = {
      number: 3,
      thisUpdate: new Date('2022-08-31T00:00:00Z'),
      nextUpdate: new Date('2022-09-07T00:00:00Z'),
    };
    const revoked = [{ serial: '02', at: new Date('2022-08-25T00:00:00Z'), reason: 'key-compromise' as const }];
    const crl = await issueCrl(sender.root, { ...list, revoked });
    const namesake = await makeParty(sender.node, sender.authority);
    const damaged = Buffer.from(exchange.bundle);
    damaged[damaged.indexOf(Buffer.from('%PDF'))]! ^= 1;
    const files = {
      'agreement.json': agreement.bytes,
      'second.json': second.bytes,
      'fork.json': fork.bytes,
      'list.crl': crl,
      'list.pem': pem(crl),
      'stranger.crl': await issueCrl(namesake.root, { ...list, revoked }),
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
    expect(result.trust).toEqual({ agreements: [exchange.agreement.ref], crls: [] });
    expect(result.files.map(({ kind }: { kind: string }) => kind)).toEqual([
      'bundle',
      'envelope',
      'receipt',
      'agreement',
    ]);
    expect(result.files[1].facts.envelope.number).toBe('平综执线移〔2022〕第31号');
  });

  it('takes several versions, and says under which one a file was judged', async () => {
    const { code, out } = await verify([...all(), ...trust(), '--trust', path('second.json')]);
    expect(code).toBe(0);
    expect(out.match(/依据: /g)).toHaveLength(2);
    expect(out).toContain('所依协议: pinghu-jinshan 第 1 版');
  });

  it('says that revocation was not looked into where no list was given, and still answers', async () => {
    const { code, out } = await verify([path('bundle.asice'), ...trust()]);
    expect(code).toBe(0);
    expect(out).toContain('吊销列表: 未给出（--crl），没有核对证书是否被吊销');
    expect(out).toMatch(/· 用印时，印章证书是否未被吊销？ 未核对（不影响结论）\n {6}理由: 没有用 --crl/);
  });

  it.each(['list.crl', 'list.pem'])('with a list (%s): revoked since, which a receipt answers', async (list) => {
    const given = [...trust(), '--crl', path(list)];
    const alone = await verify([path('bundle.asice'), ...given]);
    expect(alone.code).toBe(2);
    expect(alone.out).toMatch(/^核验结论: 证据不足\n/);
    expect(alone.out).toContain('吊销列表: CN=平湖市综合行政执法局 根证书,O=平湖市综合行政执法局,C=CN，第 3 号');
    expect(alone.out).toContain('证书已于 2022-08-25T00:00:00.000Z 吊销，没有可信时间证明签名在此之前');
    const together = await verify([...all(), ...given]);
    expect(together.code).toBe(0);
    expect(together.out).toContain('证明已存在于: 2022-08-20T09:30:03.250Z (jinshan.310116');
    expect(together.out).toContain('证书此后于 2022-08-25T00:00:00.000Z 吊销');
    const json = JSON.parse((await verify([...all(), ...given, '--json'])).out);
    expect(json.trust.crls).toEqual([expect.objectContaining({ number: 3, nextUpdate: '2022-09-07T00:00:00.000Z' })]);
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
    ['a list that is not there', () => [path('bundle.asice'), '--crl', path('nothing')], /无法读取 .*nothing/],
    [
      'a list that is none',
      () => [path('bundle.asice'), ...trust(), '--crl', path('bundle.asice')],
      /不是可读的吊销列表（CRL_MALFORMED/,
    ],
    [
      'a list by a look-alike of the root',
      () => [path('bundle.asice'), ...trust(), '--crl', path('stranger.crl')],
      /不是由所给协议的任何一方的根证书签发/,
    ],
    ['a list without an agreement', () => [path('bundle.asice'), '--crl', path('list.crl')], /任何一方的根证书签发/],
    [
      'versions that contradict each other',
      () => [path('bundle.asice'), ...trust(), '--trust', path('fork.json')],
      /互相矛盾（第 1 版，AGREEMENT_FORKED: 同一版号有两份/,
    ],
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
    const ids = [...Object.values(requiredChecks).flat(), ...crossChecks, ...occasionalChecks];
    expect(Object.keys(checkWords).sort()).toEqual([...new Set<string>(ids)].sort());
  });
});
