import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  agreementFileBytes,
  agreementSignatureTimes,
  canonicalJson,
  parseAgreement,
  parseProposal,
} from '@jieqiao/core';
import { Desk, Desks, type Said } from '../support/cli';
import { OpensslAuthority } from '../support/openssl-authority';

jest.setTimeout(60_000);

const desks = new Desks();
const on = (name: string) => join(desks.stick, name);
let pinghu: Desk;
let jinshan: Desk;

beforeAll(async () => {
  pinghu = await desks.node('pinghu.330482', '平湖市综合行政执法局');
  jinshan = await desks.node('jinshan.310116', '上海市金山区城市管理行政执法局');
});
afterAll(() => desks.drop());

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

const good = ({ code, err }: Said) => expect({ code, err }).toEqual({ code: 0, err: '' });

describe('an agreement of two', () => {
  const draft = () => ['agreement', 'new', '--peer', jinshan.card, '--out', on('v1.json')];

  test('is not drafted before the fingerprint was compared', async () => {
    const { code, err } = await pinghu.jieqiao(draft());
    expect(code).toBe(1);
    expect(err).toContain('没有核对 jinshan.310116');
    expect(err).toContain('--fingerprint jinshan.310116=');
    expect(existsSync(on('v1.json'))).toBe(false);
  });

  test('nor with digits that differ, nor with those of another node', async () => {
    const [, heard] = await Desk.heard(jinshan);
    const wrong = heard!.replace(/.$/, (digit) => String((Number(digit) + 1) % 10));
    const differs = await pinghu.jieqiao([...draft(), '--fingerprint', wrong]);
    expect([differs.code, differs.err.includes('指纹对不上')]).toEqual([1, true]);
    const another = await pinghu.jieqiao([
      ...draft(),
      '--fingerprint',
      wrong.replace('jinshan.310116', 'jiashan.330421'),
    ]);
    expect([another.code, another.err.includes('jiashan.330421')]).toEqual([2, true]);
    const short = await pinghu.jieqiao([...draft(), '--fingerprint', 'jinshan.310116=12345']);
    expect(short.code).toBe(2);
    expect(existsSync(on('v1.json'))).toBe(false);
  });

  test('typed into the terminal, with a second try, it is drafted and sealed', async () => {
    const digits = await jinshan.fingerprint();
    const said = await pinghu.jieqiao(draft(), {
      answers: [
        ['25 位指纹', '12345'],
        ['25 位指纹', digits.replaceAll(' ', '-')],
      ],
    });
    expect(said.code).toBe(0);
    expect(said.err).toContain('是 5 位，应为 25 位');
    // What is typed is what was heard: the screen does not show it before.
    expect(said.err.indexOf(digits)).toBe(-1);
    expect(parseProposal(readFileSync(on('v1.json')))).toMatchObject({
      signed: ['pinghu.330482'],
      missing: ['jinshan.310116'],
    });
    expect(said.out).toContain('还缺 jinshan.310116 用印');
  });

  test('status says whose signature is missing', async () => {
    const { out } = await jinshan.jieqiao(['agreement', 'status', on('v1.json')]);
    expect(out).toContain('还没有导入任何协议');
    expect(out).toContain('还缺 jinshan.310116 用印');
  });

  test('the other side sees it all but the fingerprint that it has to hear, and may say no', async () => {
    const before = readFileSync(on('v1.json'));
    const answers: [string, string][] = [
      ['25 位指纹', await pinghu.fingerprint()],
      ['输入 yes', 'no'],
    ];
    const { code, out, err } = await jinshan.jieqiao(['agreement', 'sign', on('v1.json')], { answers });
    expect(code).toBe(1);
    expect(err).toContain('没有签署');
    expect(out).toContain('待电话核对');
    expect(out).not.toContain(await pinghu.fingerprint());
    expect(out).toContain('平湖→金山');
    expect(readFileSync(on('v1.json'))).toEqual(before);
  });

  test('with its signature it is complete, and imported at once', async () => {
    const said = await jinshan.jieqiao(['agreement', 'sign', on('v1.json'), ...(await Desk.heard(pinghu))]);
    good(said);
    expect(said.out).toMatch(/已导入 pinghu-jinshan 第 1 版：生效中，还有 10\d\d 天/);
    expect(() => parseAgreement(readFileSync(on('v1.json')))).not.toThrow();
  });

  test('the first side imports it; doing it again changes nothing', async () => {
    for (let i = 0; i < 2; i++) good(await pinghu.jieqiao(['agreement', 'import', on('v1.json')]));
    const { agreements } = await pinghu.json<{ agreements: { state: string; version: number }[] }>([
      'agreement',
      'status',
    ]);
    expect(agreements).toMatchObject([{ version: 1, state: 'in-force' }]);
  });

  test('export gives the same bytes, and does not overwrite', async () => {
    good(await pinghu.jieqiao(['agreement', 'export', 'pinghu-jinshan@1', '--out', on('copy.json')]));
    expect(readFileSync(on('copy.json'))).toEqual(readFileSync(on('v1.json')));
    writeFileSync(on('mine.json'), 'mine');
    const { code, err } = await pinghu.jieqiao(['agreement', 'export', 'pinghu-jinshan', '--out', on('mine.json')]);
    expect([code, err.includes('不覆盖'), readFileSync(on('mine.json'), 'utf8')]).toEqual([1, true, 'mine']);
  });
});

describe('the next version', () => {
  test('own new keys: drafted, told in words, signed with old and new', async () => {
    good(await pinghu.jieqiao(['key', 'rotate', 'log']));
    good(await pinghu.jieqiao(['key', 'rotate', 'root']));
    const amend = ['agreement', 'amend', 'pinghu-jinshan', '--own-keys', '--to', '2031-01-01', '--out', on('v2.json')];
    const said = await pinghu.jieqiao([...amend, '--from', 'now']);
    good(said);
    expect(said.out).toContain('版本 1 → 2');
    expect(said.out).toContain('平湖：日志密钥');
    expect(said.out).toContain('2031-01-01 00:00');
    const { signatures } = parseProposal(readFileSync(on('v2.json')));
    // A seal under the old root, one under the new.
    expect(signatures.filter(({ certificate }) => certificate)).toHaveLength(2);
    expect(signatures.filter(({ vkey }) => vkey)).toHaveLength(2);
  });

  test('the other side needs no call for it, and signs', async () => {
    const said = await jinshan.jieqiao(['agreement', 'sign', on('v2.json'), '--lang', 'en']);
    good(said);
    expect(said.out).toContain('log key');
    expect(said.out).toContain('Imported pinghu-jinshan version 2: in force');
    good(await pinghu.jieqiao(['agreement', 'import', on('v2.json')]));
  });

  test('the old root goes with the version after that', async () => {
    const amend = ['agreement', 'amend', 'pinghu-jinshan', '--own-keys', '--newest-root-only', '--from', 'now'];
    good(await pinghu.jieqiao([...amend, '--out', on('v3.json')]));
    good(await jinshan.jieqiao(['agreement', 'sign', on('v3.json')]));
    good(await pinghu.jieqiao(['agreement', 'import', on('v3.json')]));
    const own = parseAgreement(readFileSync(on('v3.json'))).trust.parties.find(({ node }) => node === pinghu.node)!;
    expect(own.anchors).toHaveLength(1);
    good(await pinghu.jieqiao(['key', 'rotate', 'seal']));
  });

  test('by default it begins in three days, and status says so', async () => {
    const said = await jinshan.jieqiao([
      'agreement',
      'amend',
      'pinghu-jinshan',
      '--title',
      '新标题',
      '--out',
      on('v4.json'),
    ]);
    good(said);
    const { content } = parseProposal(readFileSync(on('v4.json')));
    const ahead = Date.parse(content.effective.from) - Date.now();
    expect(ahead).toBeGreaterThan(2 * 86_400_000 - 60_000);
    expect(ahead).toBeLessThan(3 * 86_400_000 + 60_000);
    good(await pinghu.jieqiao(['agreement', 'sign', on('v4.json')]));
    good(await jinshan.jieqiao(['agreement', 'import', on('v4.json')]));
    const { out } = await jinshan.jieqiao(['agreement', 'status']);
    expect(out).toMatch(/第 4 版\s+未到生效时间/);
    expect(out).toMatch(/第 3 版\s+生效中/);
    expect(out).toMatch(/第 1 版\s+已被取代/);
  });

  test('an older version, another text of the same number and a gap are refused, each by its name', async () => {
    const [v2, v5] = [on('v2.json'), on('v5.json')];
    const third = await desks.node('haining.330481', '海宁市综合行政执法局');
    // It has never seen an earlier version.
    good(await jinshan.jieqiao(['agreement', 'amend', 'pinghu-jinshan', '--title', '第五版', '--out', v5]));
    const stranger = await third.jieqiao(['agreement', 'sign', v5, ...(await Desk.heard(pinghu, jinshan))]);
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringContaining('haining.330481 不是这份协议的当事方')]);
    good(await pinghu.jieqiao(['agreement', 'import', v2]));
    const content = parseProposal(readFileSync(on('v4.json'))).content;
    const fork = agreementFileBytes({ agreement: { ...content, title: '另一份' }, signatures: [] });
    writeFileSync(on('fork.json'), fork);
    const forked = await pinghu.jieqiao(['agreement', 'sign', on('fork.json')]);
    expect([forked.code, forked.err]).toEqual([1, expect.stringContaining('AGREEMENT_FORKED')]);
    const old = agreementFileBytes({ agreement: { ...content, version: 2, title: '旧的' }, signatures: [] });
    writeFileSync(on('old.json'), old);
    const rolledBack = await pinghu.jieqiao(['agreement', 'sign', on('old.json')]);
    expect([rolledBack.code, rolledBack.err]).toEqual([1, expect.stringContaining('AGREEMENT_ROLLED_BACK')]);
    const far = agreementFileBytes({ agreement: { ...content, version: 9 }, signatures: [] });
    writeFileSync(on('far.json'), far);
    const gap = await pinghu.jieqiao(['agreement', 'sign', on('far.json')]);
    expect([gap.code, gap.err]).toEqual([1, expect.stringContaining('AGREEMENT_VERSION_GAP')]);
    expect(gap.err).toContain('怎么办：按版本号从小到大逐份导入');
  });

  test('a text that states somebody else’s root, or an old card’s, for us is not signed', async () => {
    const content = parseProposal(readFileSync(on('v4.json'))).content;
    const theirs = content.parties.find(({ node }) => node === jinshan.node)!.anchors;
    const parties = content.parties.map((party) =>
      party.node === pinghu.node ? { ...party, anchors: [...party.anchors, ...theirs] } : party,
    );
    const next = { ...content, version: 5, previous: parseProposal(readFileSync(on('v4.json'))).ref.digest, parties };
    writeFileSync(on('slipped.json'), agreementFileBytes({ agreement: next, signatures: [] }));
    const { code, err } = await pinghu.jieqiao(['agreement', 'sign', on('slipped.json')]);
    expect([code, err]).toEqual([1, expect.stringContaining('本方根证书不是本节点的')]);
  });

  test('a third party joins, and its directions come with it; another leaves', async () => {
    const jiashan = await desks.node('jiashan.330421', '嘉善县综合行政执法局');
    const amend = ['agreement', 'amend', 'pinghu-jinshan', '--party', jiashan.card, '--out', on('join.json')];
    const silent = await pinghu.jieqiao(amend);
    expect([silent.code, silent.err]).toEqual([1, expect.stringContaining('没有核对 jiashan.330421')]);
    good(await pinghu.jieqiao([...amend, ...(await Desk.heard(jiashan))]));
    const unheard = await jinshan.jieqiao(['agreement', 'sign', on('join.json')]);
    expect([unheard.code, unheard.err]).toEqual([1, expect.stringContaining('没有核对 jiashan.330421')]);
    good(await jinshan.jieqiao(['agreement', 'sign', on('join.json'), ...(await Desk.heard(jiashan))]));
    // Pinghu's keys have changed since version 1: what it reads aloud is what the text says.
    const said = await jiashan.jieqiao(['agreement', 'sign', on('join.json'), ...(await Desk.heard(pinghu, jinshan))]);
    good(said);
    expect(said.out).toContain('已导入 pinghu-jinshan 第 5 版');
    for (const desk of [pinghu, jinshan]) good(await desk.jieqiao(['agreement', 'import', on('join.json')]));
    const { directions } = parseAgreement(readFileSync(on('join.json'))).content.terms as { directions: unknown[] };
    expect(directions).toHaveLength(6);
    const left = ['agreement', 'amend', 'pinghu-jinshan', '--remove', 'jiashan.330421', '--from', inDays(200)];
    const gone = await pinghu.jieqiao([...left, '--out', on('left.json')]);
    good(gone);
    expect(gone.out).toContain('嘉善');
    const after = parseProposal(readFileSync(on('left.json'))).content;
    expect([after.parties.length, (after.terms as { directions: unknown[] }).directions.length]).toEqual([2, 2]);
  });

  test('a successor is written with its date', async () => {
    const amend = ['agreement', 'amend', 'pinghu-jinshan', '--from', inDays(100), '--out', on('merged.json')];
    const said = await pinghu.jieqiao([...amend, '--successor', 'jiashan.330421=pinghu.330482@2030-07-01']);
    good(said);
    const party = parseProposal(readFileSync(on('merged.json'))).content.parties.find(
      ({ node }) => node === 'jiashan.330421',
    );
    expect(party?.successor).toEqual({ node: 'pinghu.330482', from: '2030-06-30T16:00:00.000Z' });
    const unknown = await pinghu.jieqiao([...amend, '--successor', 'x.330421=pinghu.330482@2030-07-01']);
    expect([unknown.code, unknown.err.includes('x.330421')]).toEqual([1, true]);
    const nonsense = await pinghu.jieqiao([...amend, '--successor', 'jiashan.330421']);
    expect(nonsense.code).toBe(2);
  });
});

describe('trusted time', () => {
  let server: Server;
  let url: string;
  const authority = () => new OpensslAuthority(desks.stick, '某时间戳服务');

  beforeAll(async () => {
    const openssl = authority();
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.setHeader('content-type', 'application/timestamp-reply');
        response.end(openssl.reply(Buffer.concat(chunks)));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const named = `某时间戳服务=${openssl.root}`;
    const amend = ['agreement', 'amend', 'pinghu-jinshan', '--time-authority', named, '--from', inDays(10)];
    const said = await pinghu.jieqiao([...amend, '--out', on('timed.json')], { env: { JIEQIAO_TIMESTAMPS_URLS: url } });
    good(said);
    expect(said.out).toContain('某时间戳服务');
  });
  afterAll(() => server.close());

  test('whose authority the text names stamps this node’s seal signatures', () => {
    const proposal = parseProposal(readFileSync(on('timed.json')));
    expect(proposal.content.timeAuthorities).toMatchObject([{ name: '某时间戳服务', demonstration: false }]);
    const times = agreementSignatureTimes(proposal).filter(({ signature }) => signature.certificate);
    expect(times.map(({ timestamp, problem }) => [timestamp?.authority, problem])).toEqual([['某时间戳服务', null]]);
  });

  test('a service that does not answer is no reason not to sign', async () => {
    const env = { JIEQIAO_TIMESTAMPS_URLS: 'http://127.0.0.1:1/' };
    const said = await jinshan.jieqiao(['agreement', 'sign', on('timed.json')], { env });
    expect([said.code, said.err]).toEqual([0, expect.stringContaining('没有盖上时间戳')]);
    const own = parseProposal(readFileSync(on('timed.json'))).signatures.filter(({ node }) => node === jinshan.node);
    expect(own.map(({ timestamp }) => timestamp)).toEqual([null]);
  });

  test('for demonstration, it is said so; nonsense is a usage error', async () => {
    const { root } = authority();
    const amend = ['agreement', 'amend', 'pinghu-jinshan', '--from', inDays(10)];
    const said = await pinghu.jieqiao([...amend, '--demo-time-authority', `演示=${root}`, '--out', on('demo.json')]);
    good(said);
    const shown = await pinghu.jieqiao(['agreement', 'show', on('demo.json')]);
    expect(shown.out).toContain('演示用，不是可信时间');
    const nonsense = await pinghu.jieqiao([...amend, '--time-authority', root, '--out', on('never.json')]);
    expect([nonsense.code, nonsense.err]).toEqual([2, expect.stringContaining('--time-authority')]);
  });
});

describe('terms of one’s own', () => {
  const draft = async (terms: unknown) => {
    writeFileSync(on('terms.json'), typeof terms === 'string' ? terms : JSON.stringify(terms));
    const peer = ['--peer', jinshan.card, ...(await Desk.heard(jinshan))];
    return pinghu.jieqiao([
      'agreement',
      'new',
      ...peer,
      '--id',
      `t-${Date.now()}`,
      '--terms',
      on('terms.json'),
      '--out',
      on(`t-${Date.now()}.json`),
    ]);
  };
  const template = JSON.parse(
    readFileSync(join(__dirname, '../../apps/gateway/templates/agreement-terms.json'), 'utf8'),
  ) as {
    directions: Record<string, unknown>[];
  };

  test('a direction that was left out stays left out, whatever else changes', async () => {
    const oneWay = {
      ...template,
      directions: [{ ...template.directions[0], from: 'pinghu.330482', to: 'jinshan.310116' }],
    };
    writeFileSync(on('terms.json'), JSON.stringify(oneWay));
    const peer = ['--peer', jinshan.card, ...(await Desk.heard(jinshan)), '--id', 'one-way'];
    good(await pinghu.jieqiao(['agreement', 'new', ...peer, '--terms', on('terms.json'), '--out', on('one.json')]));
    good(await jinshan.jieqiao(['agreement', 'sign', on('one.json')]));
    good(await pinghu.jieqiao(['agreement', 'import', on('one.json')]));
    good(await pinghu.jieqiao(['agreement', 'amend', 'one-way', '--title', '单向', '--out', on('one-2.json')]));
    const { directions } = parseProposal(readFileSync(on('one-2.json'))).content.terms as { directions: unknown[] };
    expect(directions).toHaveLength(1);
  });

  test('a pattern stands for every two that have no direction of their own', async () => {
    const own = {
      ...template.directions[0],
      from: 'pinghu.330482',
      to: 'jinshan.310116',
      families: ['river-pollution'],
    };
    const { code, out } = await draft({ ...template, directions: [...template.directions, own] });
    expect(code).toBe(0);
    expect(out).toContain('已起草并用印');
  });

  test.each([
    ['not JSON', '{', 'JSON'],
    ['no directions', '{}', 'directions'],
    ['an unknown member', { ...template, surprise: 1 }, 'additionalProperties'],
    [
      'a direction to nobody',
      { directions: [{ ...template.directions[0], from: 'pinghu.330482', to: 'x.310116' }] },
      'direction-without-party',
    ],
    ['nested too deep', `${'['.repeat(40)}${']'.repeat(40)}`, 'AGREEMENT_MALFORMED'],
  ])('%s is told with its place, and nothing is signed', async (_, terms, named) => {
    const { code, err } = await draft(terms);
    expect([code, err]).toEqual([1, expect.stringContaining(named)]);
  });
});

describe('files that are not as they should be', () => {
  const sound = () => readFileSync(on('v1.json'), 'utf8');
  const cases: [string, () => string | Buffer, string][] = [
    ['damaged', () => sound().slice(0, -20), '不是 JSON'],
    ['oversized', () => Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), '文件太大'],
    ['with a key twice', () => sound().replace('{"agreement":', '{"agreement":{},"agreement":'), '不是规范 JSON'],
    ['not canonical', () => JSON.stringify(JSON.parse(sound()), null, 2), '不是规范 JSON'],
    ['nested too deep', () => `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`, '嵌套太深'],
    ['altered after signing', () => sound().replace('跨区域执法', '跨地区执法'), '签名与文本不符'],
    ['empty', () => '', '不是 JSON'],
  ];
  test.each(cases)('an agreement %s', async (_, content, told) => {
    writeFileSync(on('bad.json'), content());
    for (const command of ['sign', 'import', 'show']) {
      const { code, err } = await pinghu.jieqiao(['agreement', command, on('bad.json')]);
      expect([command, code, err]).toEqual([command, 1, expect.stringContaining(told)]);
      expect(err).toContain('怎么办：');
      expect(err).not.toMatch(/^\s+at /m);
    }
  });

  const card = () => readFileSync(jinshan.card, 'utf8');
  const cards: [string, () => string | Buffer, string][] = [
    ['damaged', () => card().slice(0, -20), '不是 JSON'],
    ['oversized', () => Buffer.alloc(256 * 1024 + 1, 0x20), '文件太大'],
    ['with a key twice', () => card().replace('{"aliases":', '{"aliases":[],"aliases":'), '不是规范 JSON'],
    ['not canonical', () => `${card()}\n`, '不是规范 JSON'],
    ['of another region', () => card().replace('"region":"310116"', '"region":"310117"'), '行政区划代码'],
    ['with a surprise', () => canonicalJson({ ...(JSON.parse(card()) as object), zzz: 1 }), 'additionalProperties'],
    ['with a root that is none', () => card().replace(/"anchors":\["...../, '"anchors":["AAAAA'), '根证书'],
  ];
  test.each(cards)('a card %s', async (_, content, told) => {
    writeFileSync(on('bad.card.json'), content());
    for (const argv of [
      ['card', 'show', on('bad.card.json')],
      ['agreement', 'new', '--peer', on('bad.card.json'), '--out', on('never.json')],
    ]) {
      const { code, err } = await pinghu.jieqiao(argv);
      expect([code, err]).toEqual([1, expect.stringContaining(told)]);
      expect(err).toContain('CARD_MALFORMED');
    }
    expect(existsSync(on('never.json'))).toBe(false);
  });

  test('a card whose names would move the cursor is refused, and an error never repeats them', async () => {
    const hostile = { ...(JSON.parse(card()) as object), aliases: ['甲\u001b[2J乙'] };
    writeFileSync(on('hostile.card.json'), canonicalJson(hostile));
    const { code, out, err } = await pinghu.jieqiao(['card', 'show', on('hostile.card.json')]);
    expect([code, out]).toEqual([1, '']);
    expect(err).not.toContain('\u001b');
  });

  test('a text that begins after the seal has run out is not signed, and it says why', async () => {
    const far = ['agreement', 'amend', 'pinghu-jinshan', '--from', inDays(800), '--to', inDays(1600)];
    const { code, err } = await pinghu.jieqiao([...far, '--out', on('far-off.json')]);
    expect([code, err]).toEqual([1, expect.stringContaining('没有一枚印章还能用（EXPIRED）')]);
  });

  test('no such file, a directory, and one’s own card', async () => {
    const absent = await pinghu.jieqiao(['agreement', 'import', on('absent.json')]);
    expect([absent.code, absent.err]).toEqual([1, expect.stringContaining('找不到文件或目录')]);
    mkdirSync(on('folder'), { recursive: true });
    const folder = await pinghu.jieqiao(['card', 'show', on('folder')]);
    expect([folder.code, folder.err]).toEqual([1, expect.stringContaining('是目录')]);
    const own = await pinghu.jieqiao(['agreement', 'new', '--peer', pinghu.card, '--out', on('never.json')]);
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('自己的名片')]);
    const unknown = await pinghu.jieqiao(['agreement', 'show', 'no-such-agreement']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('pinghu-jinshan@1')]);
  });
});
