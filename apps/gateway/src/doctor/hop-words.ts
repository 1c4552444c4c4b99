import type { Hop, HopResult } from '@jieqiao/delivery';
import { errorKinds } from '../errors/errors';
import { chainWords, type ReasonWords } from '../errors/reasons';
import { remedies } from '../errors/remedies';
import { chinaDate, filled, type Params, type Text } from '../words';

const text = (zh: string, en: string): Text => ({ zh, en });
const why = (zh: string, en: string, fixZh: string, fixEn: string): ReasonWords => ({
  what: { zh, en },
  fix: { zh: fixZh, en: fixEn },
});
const is = (zh: string, en: string): ReasonWords => ({ what: { zh, en } });

const hopNames: Readonly<Record<Hop, Text>> = {
  agreement: text('协议', 'agreement'),
  direction: text('移送方向', 'direction'),
  name: text('域名', 'name'),
  'tcp-grpc': text('信封端口', 'envelope port'),
  'tls-grpc': text('TLS', 'TLS'),
  'their-certificate': text('对方证书', 'their certificate'),
  'our-certificate': text('本方证书', 'our certificate'),
  hello: text('握手通报', 'Hello'),
  clock: text('时钟', 'clocks'),
  'agreement-versions': text('协议版本', 'versions'),
  'their-crl': text('对方吊销列表', 'their revocations'),
  'our-crl': text('本方吊销列表', 'our revocations'),
  'tcp-blobs': text('证据端口', 'evidence port'),
  blobs: text('证据通道', 'evidence way'),
  queue: text('待投递', 'queue'),
};

export const hopName = (hop: string): Text => hopNames[hop as Hop] ?? text(hop, hop);

const tcp = {
  CONNECTED: is('{host}:{port} 已连通，{ms} 毫秒', '{host}:{port} connected, {ms} ms'),
  REFUSED: why(
    '{host}:{port} 拒绝连接：没有程序在听',
    '{host}:{port} refuses: nothing listens there',
    '请对方启动节点（jieqiao serve），核对端口与名片一致',
    'They start the node (jieqiao serve); ports must be those of the card',
  ),
  TIMEOUT: why(
    '{host}:{port} 没有回应，多半被防火墙丢弃',
    '{host}:{port} does not answer; a firewall drops it, most likely',
    '两边的防火墙放行到 {host}:{port} 的 TCP',
    'Both sides’ firewalls must let TCP through to {host}:{port}',
  ),
  UNREACHABLE: why(
    '到 {host}:{port} 没有路',
    'There is no way to {host}:{port}',
    '检查网络和路由；地址变了请对方签新版协议',
    'Check network and routes; if the address has changed, a new version must say so',
  ),
};

const notNode = why(
  '应答的不是界桥节点',
  'What answers is no Jieqiao node',
  '核对地址和端口；中间有代理的话，须原样转发 TLS',
  'Check address and port; a proxy in between must pass TLS through as it is',
);

const tls = {
  TIMEOUT: why(
    'TLS 握手没有完成',
    'The TLS handshake does not end',
    '检查防火墙是否拆解 TLS，MTU 是否过大',
    'Does a firewall inspect TLS? Is the MTU too large?',
  ),
  NOT_TLS: notNode,
  ALERT: why(
    '对方在握手中拒绝了本方证书',
    'They refused our certificate in the handshake',
    '双方核对协议版本（jieqiao agreement status），本方 jieqiao key rotate node',
    'Both compare versions (jieqiao agreement status); here, jieqiao key rotate node',
  ),
  CLOSED: why(
    '对方在握手中断开',
    'They hung up during the handshake',
    '看对方节点日志里的 peer.refused；核对双方协议版本',
    'See peer.refused in their log; compare both sides’ versions',
  ),
  NOT_A_NODE: notNode,
};

const notAccepted = why(
  '对方不接受本方证书（{reason}）',
  'They do not accept our certificate ({reason})',
  '双方核对协议版本（jieqiao agreement status）；本方换过根证书的，新版协议要先在对方导入',
  'Compare versions (jieqiao agreement status); after a change of root they import the new version first',
);

const crl = {
  NONE: is('还没有收到过', 'none seen so far'),
};

/** What each hop can answer. A code that is not here is one of a certificate's problems or an error code. */
const hopWords: Readonly<Record<Hop, Readonly<Record<string, ReasonWords>>>> = {
  agreement: {
    IN_FORCE: is('{id} 第 {version} 版，还有 {days} 天', '{id} version {version}, {days} days left'),
    TO_COME: is('{id} 第 {version} 版 {from} 起生效', '{id} version {version} begins on {from}'),
    MISSING: why(
      '与 {node} 没有协议',
      'There is no agreement with {node}',
      'jieqiao agreement import；还没有就 jieqiao agreement new',
      'jieqiao agreement import; if there is none, jieqiao agreement new',
    ),
    ENDED: why(
      '{id} 第 {version} 版已于 {until} 到期',
      '{id} version {version} ended on {until}',
      '续签：jieqiao agreement amend {id} --to 新的日期',
      'Renew it: jieqiao agreement amend {id} --to DATE',
    ),
  },
  direction: {
    BOTH: is('双向', 'both ways'),
    SENDS_ONLY: is('只能发出', 'to them only'),
    RECEIVES_ONLY: is('只能接收', 'from them only'),
    NONE: is('条款没有约定这两方之间的移送', 'the terms say nothing of these two'),
  },
  name: {
    ADDRESS: is('{host} 是地址，不用解析', '{host} is an address'),
    RESOLVED: is('{host} → {address}', '{host} → {address}'),
    NOT_FOUND: why(
      '域名 {host} 解析不到',
      'The name {host} is not found',
      '检查本机 DNS；或写进 /etc/hosts',
      'Check this machine’s DNS, or put it into /etc/hosts',
    ),
    NO_RESOLVER: why(
      'DNS 服务器没有应答，{host} 解析不了',
      'No DNS server answers, so {host} can’t be resolved',
      '检查本机的网络和 DNS 设置',
      'Check this machine’s network and DNS settings',
    ),
    TIMEOUT: why(
      '解析 {host} 超时',
      'Resolving {host} takes too long',
      '检查本机的 DNS 服务器',
      'Check this machine’s DNS server',
    ),
  },
  'tcp-grpc': tcp,
  'tcp-blobs': tcp,
  'tls-grpc': { SHAKEN: is('{protocol}', '{protocol}'), ...tls },
  'their-certificate': {
    ACCEPTED: is('有效，还有 {daysLeft} 天', 'good, {daysLeft} days left'),
    MALFORMED: why(
      '读不出来',
      'It can’t be read',
      '请对方 jieqiao key rotate node',
      'They run jieqiao key rotate node',
    ),
  },
  'our-certificate': {
    ACCEPTED: is('对方接受，还有 {daysLeft} 天', 'accepted, {daysLeft} days left'),
    NOT_ACCEPTED: notAccepted,
  },
  hello: {
    SAID: is('{software}，往返 {rttMs} 毫秒', '{software}, {rttMs} ms'),
    NO_HELLO: is('对方版本较旧，没有这一步', 'their version knows none'),
  },
  clock: {
    TOGETHER: is('相差 {seconds} 秒', '{seconds} s apart'),
    APART: why(
      '相差 {seconds} 秒，超过 {limit} 秒，停止往来',
      '{seconds} s apart; beyond {limit} s nothing is exchanged',
      '两边都开启网络校时：timedatectl set-ntp true',
      'Switch network time on, on both sides: timedatectl set-ntp true',
    ),
  },
  'agreement-versions': {
    EQUAL: is('双方持有的最新版相同', 'both hold the same newest versions'),
    FORKED: why(
      '{id} 第 {ours} 版，双方文本不同',
      'The two texts of {id} version {ours} differ',
      '可能有人造假：停用，双方电话核对摘要（jieqiao agreement show）',
      'Perhaps a forgery: stop, and compare digests by phone (jieqiao agreement show)',
    ),
    THEY_LACK: why(
      '{id} 本方有第 {ours} 版，对方只有第 {theirs} 版',
      'Of {id} we hold version {ours}, they {theirs}',
      '节点会自动送去；对方没有收下的，jieqiao agreement export {id} 交给对方',
      'The node hands it over by itself; if they do not take it, jieqiao agreement export {id}',
    ),
    WE_LACK: why(
      '{id} 对方有第 {theirs} 版，本方只有第 {ours} 版',
      'Of {id} they hold version {theirs}, we {ours}',
      '对方节点会自动送来；没有收下的看节点日志，或请对方导出后 import',
      'Their node hands it over; if it was not taken see the node’s log, or have it exported and import it',
    ),
  },
  'their-crl': {
    ...crl,
    FRESH: is('第 {number} 号，{date} 前更新', 'number {number}, next by {date}'),
    STALE: why(
      '第 {number} 号已于 {date} 过期，对方的移送会等待',
      'Number {number} was due by {date}: their envelopes wait',
      '请对方运行 jieqiao key crl（需要其根密钥）',
      'They run jieqiao key crl (it needs their root key)',
    ),
  },
  'our-crl': {
    ...crl,
    HELD: is('对方已有第 {number} 号', 'they hold number {number}'),
    NOT_HELD: why(
      '对方还没有第 {number} 号',
      'They do not hold number {number} yet',
      '下次握手通报时自动送到；持续不断时看对方日志里的 crl.refused',
      'It goes with the next hello; if it stays, see crl.refused in their log',
    ),
    STALE: why(
      '第 {number} 号已于 {date} 过期，对方会停收',
      'Number {number} was due by {date}: they let our envelopes wait',
      'jieqiao key crl（需要根密钥）',
      'jieqiao key crl (it needs the root key)',
    ),
  },
  blobs: {
    ANSWERS: is('应答正常', 'answers'),
    THEIR_CERTIFICATE: why(
      '对方证书不被接受（{problem}）',
      'Their certificate is not accepted ({problem})',
      '同“对方证书”一项',
      'As for their certificate above',
    ),
    NOT_ACCEPTED: notAccepted,
    ...tls,
  },
  queue: {
    NEVER_USED: is('还没有移送过', 'nothing was ever sent'),
    EMPTY: is('没有待投递的', 'nothing waits'),
    MOVING: is('{queued} 件在途', '{queued} under way'),
    WAITING: why(
      '{queued} 件投不出去，连续 {attempts} 次：{why}（{error}）',
      '{queued} can’t be delivered, {attempts} times in a row: {why} ({error})',
      '{remedy}',
      '{remedy}',
    ),
  },
};

const notReached = is('前面的一段不通，没有检查', 'not tried: an earlier hop is in the way');

/** What a hop found, and what to do about it. Complete for every code that `peerTest` can give; a test holds it to that. */
export function describeHop({ hop, state, code, params }: HopResult): { what: Text; fix: Text | null } {
  const error = errorOf(code);
  const words: ReasonWords | undefined =
    code === 'NOT_REACHED'
      ? notReached
      : (hopWords[hop as Hop][code] ??
        chainWords[code] ??
        (error ? { what: errorKinds[error].title, fix: remedies[error] } : undefined));
  const all = withWords(params);
  if (!words) return { what: text(code, code), fix: remedies.INTERNAL };
  const fix = words.fix ?? (state === 'wrong' ? remedies.PEER_CERTIFICATE_REFUSED : null);
  return { what: filled(words.what, all), fix: fix && filled(fix, all) };
}

/** Whether a code has words of its own; a test asks. */
export function hasHopWords(hop: Hop, code: string): boolean {
  return code in hopWords[hop] || code in chainWords || errorOf(code) !== null || code === 'NOT_REACHED';
}

function errorOf(code: unknown): keyof typeof errorKinds | null {
  return typeof code === 'string' && code in errorKinds ? (code as keyof typeof errorKinds) : null;
}

/** Milliseconds as seconds, instants as days in China, codes with their words. */
function withWords(params: HopResult['params']): Params {
  const days = Object.fromEntries(
    (['from', 'until', 'nextUpdate'] as const).flatMap((name) =>
      typeof params[name] === 'string' && params[name] !== ''
        ? [[name === 'nextUpdate' ? 'date' : name, chinaDate(params[name])]]
        : [],
    ),
  );
  const seconds = typeof params.skewMs === 'number' ? { seconds: (params.skewMs / 1000).toFixed(1) } : {};
  const limit = typeof params.limitMs === 'number' ? { limit: params.limitMs / 1000 } : {};
  const error = errorOf(params.error);
  const why = error ? { why: errorKinds[error].title, remedy: remedies[error] } : {};
  return { ...params, ...days, ...seconds, ...limit, ...why };
}
