import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { HopResult, PeerView, TestEnvelopeState } from '@jieqiao/delivery';
import { describeHop, hopName } from '../doctor/hop-words';
import { errorKinds } from '../errors/errors';
import { remedies } from '../errors/remedies';
import type { Gateway } from '../gateway';
import { chinaDate, chinaMinute, type Text } from '../words';
import { command, Stop, UsageError } from './command';
import { configOf, configOption, withNode } from './node';
import type { Colour, Terminal } from './terminal';

const defaultWaitSeconds = 30;
const pollMs = 200;

const standings: Readonly<Record<PeerView['standing'], Text & { colour: Colour }>> = {
  fine: { zh: '正常', en: 'fine', colour: 'green' },
  unused: { zh: '未往来', en: 'unused', colour: 'dim' },
  wrong: { zh: '异常', en: 'wrong', colour: 'red' },
};

export const peerShow = command({
  name: 'peer show',
  operands: '[NODE]',
  count: [0, 1],
  summary: {
    zh: '对端的情况：协议、上次联络、时钟、证书、待投递',
    en: 'What is known of peers: agreement, last contact, clock, certificate, queue',
  },
  options: { json: { about: { zh: '以 JSON 输出', en: 'print JSON' } }, ...configOption },
  run(given, [node], cli) {
    const { terminal } = cli;
    return withNode(cli, configOf(cli, given.config), async (gateway) => {
      const views = node === undefined ? await gateway.peers.list() : [await gateway.peers.get(node)];
      if (given.json) terminal.json(views);
      else if (views.length === 0)
        terminal.line(terminal.say({ zh: '还没有对端：先导入协议', en: 'No peers yet: import an agreement first' }));
      else for (const view of views) showPeer(terminal, view);
      return views.some(({ standing }) => standing === 'wrong') ? 1 : 0;
    });
  },
});

export const peerTest = command({
  name: 'peer test',
  operands: 'NODE',
  count: [1, 1],
  summary: {
    zh: '逐段检查通往对端的路：域名、TCP、TLS、证书、协议、时钟、吊销列表；说明原因和办法',
    en: 'Walk the way to a peer step by step: name, TCP, TLS, certificates, agreement, clock, revocation; with cause and remedy',
  },
  options: {
    envelope: {
      about: {
        zh: '再由运行中的节点发一个空的测试信封，等对方日志签出的回执',
        en: 'then have the running node send an empty test envelope, and wait for the receipt that the peer’s log signs',
      },
    },
    wait: {
      value: 'SECONDS',
      about: { zh: '等回执多久，缺省 30 秒', en: 'how long to wait for the receipt, 30 by default' },
    },
    json: { about: { zh: '以 JSON 输出', en: 'print JSON' } },
    ...configOption,
  },
  async run(given, [node], cli) {
    const { terminal } = cli;
    const seconds = given.wait === undefined ? defaultWaitSeconds : Number(given.wait);
    if (!(seconds >= 1 && seconds <= 3_600)) {
      throw new UsageError({ zh: '--wait 须是 1 至 3600 的秒数', en: '--wait is a number of seconds from 1 to 3600' });
    }
    return withNode(cli, configOf(cli, given.config), async (gateway) => {
      mustBePeer(gateway, node!);
      const results = await gateway.peers.test(node!);
      if (!given.json) showHops(terminal, node!, results);
      const passed = results.every(({ state }) => state !== 'wrong');
      const envelope = given.envelope ? await sendTestEnvelope(gateway, node!, seconds * 1_000) : null;
      if (given.json) terminal.json({ node, hops: results.map(withWords), envelope });
      else if (envelope) tellEnvelope(terminal, envelope, seconds);
      return passed && (envelope === null || envelope.state === 'received') ? 0 : 1;
    });
  },
});

/** @throws Stop */
function mustBePeer({ agreements }: Gateway, node: string): void {
  const known = agreements.all().flatMap(({ trust }) => trust.parties.map((party) => party.node));
  const others = [...new Set(known)].filter((one) => one !== agreements.node).sort();
  if (others.includes(node)) return;
  throw new Stop(
    { zh: '没有与 {node} 的协议；已有的对端：{others}', en: 'There is no agreement with {node}; peers are: {others}' },
    { node, others: others.length > 0 ? others : ['—'] },
  );
}

const withWords = (result: HopResult) => ({ ...result, ...describeHop(result) });

const hopColours: Readonly<Record<HopResult['state'], [mark: string, colour: Colour]>> = {
  fine: ['✓', 'green'],
  unused: ['–', 'dim'],
  wrong: ['✗', 'red'],
  unchecked: ['?', 'dim'],
};

export function showHops(terminal: Terminal, node: string, results: readonly HopResult[]): void {
  terminal.line(terminal.paint('bold', terminal.say({ zh: '通往 {node}', en: 'The way to {node}' }, { node })));
  const fixLabel = terminal.say({ zh: '怎么办：', en: 'What to do: ' });
  const rows = results.map((result) => {
    const [mark, colour] = hopColours[result.state];
    const { what, fix } = describeHop(result);
    return {
      mark: terminal.paint(colour, mark),
      name: hopName(result.hop)[terminal.language],
      text: what[terminal.language],
      fix: fix && result.state === 'wrong' ? fixLabel + fix[terminal.language] : null,
    };
  });
  terminal.marked(rows);
}

/**
 * Through outbox and lane of the running node, as a case would go; this process delivers nothing itself. What was queued
 * stays queued when nobody waits any more.
 */
async function sendTestEnvelope(gateway: Gateway, peer: string, waitMs: number): Promise<TestEnvelopeState> {
  // Late, like the node itself.
  const { TestEnvelopes } = require('@jieqiao/delivery') as typeof import('@jieqiao/delivery');
  const { db, agreements, config, now } = gateway;
  const tests = new TestEnvelopes({
    ...{ db, agreements, now },
    keys: () => gateway.keys,
    envelopeLifetime: config.lane.envelopeHours * 3_600,
    wake: () => undefined,
    random: randomBytes,
  });
  const jti = await tests.send(peer);
  const until = performance.now() + waitMs;
  for (;;) {
    const state = await tests.state(jti);
    if (state.state !== 'queued' || performance.now() > until) return state;
    await delay(pollMs);
  }
}

function tellEnvelope(
  terminal: Terminal,
  { jti, peer, state, refusal, lastError, attempts, queuedAt, settledAt }: TestEnvelopeState,
  seconds: number,
): void {
  terminal.line();
  const label = terminal.paint('bold', terminal.say({ zh: '测试信封', en: 'Test envelope' }));
  if (state === 'received') {
    const ms = Date.parse(settledAt ?? queuedAt) - Date.parse(queuedAt);
    terminal.line(
      `${label}  ${terminal.paint('green', terminal.say({ zh: '✓ 对方已收，回执经其日志证明，{ms} 毫秒', en: '✓ received; its receipt is proven by their log, {ms} ms' }, { ms }))}`,
    );
    terminal.facts([[terminal.say({ zh: '编号', en: 'id' }), jti]]);
    return;
  }
  const code = state === 'refused' ? refusal : lastError;
  if (code !== null) {
    const words =
      state === 'refused'
        ? { zh: '✗ {peer} 拒收：{why}（{code}）', en: '✗ {peer} refused it: {why} ({code})' }
        : {
            zh: '✗ 还没送到，试了 {attempts} 次：{why}（{code}）',
            en: '✗ not delivered after {attempts} attempts: {why} ({code})',
          };
    terminal.line(
      `${label}  ${terminal.paint('red', terminal.say(words, { peer, attempts, code, why: errorKinds[code].title }))}`,
    );
    terminal.paragraph(
      terminal.say({ zh: '怎么办：{remedy}', en: 'What to do: {remedy}' }, { remedy: remedies[code] }),
      2,
    );
    return;
  }
  terminal.line(
    `${label}  ${terminal.paint('yellow', terminal.say({ zh: '… {seconds} 秒内没有送出', en: '… not sent within {seconds} s' }, { seconds }))}`,
  );
  terminal.paragraph(
    terminal.say({
      zh: '怎么办：节点没有运行的话，jieqiao serve；它已排队，节点运行后会自动送出。',
      en: 'What to do: if the node does not run, jieqiao serve. It is queued and goes out when the node runs.',
    }),
    2,
  );
}

function showPeer(terminal: Terminal, view: PeerView): void {
  const { agreement, lane, hello, certificate, standing } = view;
  const label = (zh: string, en: string) => terminal.say({ zh, en });
  const { colour } = standings[standing];
  terminal.line(
    `${terminal.paint('bold', terminal.say({ zh: '{authority}', en: '{authority}' }, { authority: view.authority }))}  ${view.node}  ${terminal.paint(colour, standings[standing][terminal.language])}`,
  );
  const states = {
    'in-force': label(`生效中，至 ${chinaDate(agreement.until)}`, `in force until ${chinaDate(agreement.until)}`),
    'to-come': label(`${chinaDate(agreement.from)} 起生效`, `begins on ${chinaDate(agreement.from)}`),
    ended: label(`已于 ${chinaDate(agreement.until)} 到期`, `ended on ${chinaDate(agreement.until)}`),
  };
  const rows: [string, string][] = [
    [
      label('协议', 'agreement'),
      `${terminal.say({ zh: '{id} 第 {version} 版', en: '{id} version {version}' }, { ...agreement })}  ${states[agreement.state]}`,
    ],
  ];
  if (hello.seenAt)
    rows.push([label('上次联络', 'last contact'), `${chinaMinute(hello.seenAt)}  ${hello.software ?? ''}`.trimEnd()]);
  if (hello.skewMs !== null) {
    const params = { seconds: (hello.skewMs / 1000).toFixed(1), rttMs: hello.rttMs ?? 0 };
    rows.push([
      label('时钟', 'clock'),
      terminal.say({ zh: '相差 {seconds} 秒，往返 {rttMs} 毫秒', en: '{seconds} s apart, {rttMs} ms' }, params),
    ]);
  }
  if (certificate) {
    const params = { days: certificate.daysLeft, date: chinaDate(certificate.notAfter) };
    rows.push([
      label('证书', 'certificate'),
      terminal.say({ zh: '还有 {days} 天（至 {date}）', en: '{days} days left (until {date})' }, params),
    ]);
  }
  for (const { number, nextUpdate } of view.crls) {
    rows.push([
      label('吊销列表', 'revocations'),
      terminal.say(
        { zh: '第 {number} 号，{date} 前更新', en: 'number {number}, next by {date}' },
        { number, date: chinaDate(nextUpdate) },
      ),
    ]);
  }
  rows.push([
    label('待投递', 'queue'),
    lane.queued === 0
      ? label('没有', 'empty')
      : terminal.say(
          { zh: '{queued} 件，最早 {at}', en: '{queued}, the oldest of {at}' },
          { queued: lane.queued, at: chinaMinute(lane.oldestAt ?? '') },
        ),
  ]);
  terminal.facts(rows);
  for (const code of view.problems) {
    const why = errorKinds[code].title;
    terminal.item('✗', 'red', terminal.say({ zh: '{why}（{code}）', en: '{why} ({code})' }, { why, code }));
    const remedy = remedies[code];
    terminal.paragraph(terminal.say({ zh: '怎么办：{remedy}', en: 'What to do: {remedy}' }, { remedy }), 4);
  }
  terminal.line();
}
