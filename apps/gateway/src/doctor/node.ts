import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Agreement,
  type Certificate,
  encodeVkey,
  hasCode,
  openCheckpointNote,
  parseNote,
  readTimeAuthorities,
  trustedParty,
} from '@jieqiao/core';
import type { Expiry, HopResult } from '@jieqiao/delivery';
import {
  Database,
  type KeyRing,
  type KeyStore,
  type NodeConfig,
  type StoredCertificate,
  TimestampClient,
} from '@jieqiao/platform';
import { errorKinds } from '../errors/errors';
import { remedies } from '../errors/remedies';
import { entities, type Gateway } from '../gateway';
import { chinaDate, daysUntil, duration, filled, type Text } from '../words';
import { type Finding, finding } from './finding';
import { describeHop, hopName } from './hop-words';

const slowDatabaseMs = 200;
/** Longer than the sequencer ever takes while it works. */
const logBehindMs = 60_000;
const clockWarnSeconds = 10;

const labels = {
  root: { zh: '根证书', en: 'root' },
  seal: { zh: '电子印章', en: 'seal' },
  node: { zh: '节点证书', en: 'node certificate' },
  'peer-certificate': { zh: '{name} 的节点证书', en: 'certificate of {name}' },
  'time-authority': { zh: '时间戳服务 {name}', en: 'time-stamp authority {name}' },
} as const satisfies Partial<Record<Expiry['what'], Text>>;

/** The database, looked at without changing it. */
export async function checkDatabase({ databaseUrl }: NodeConfig): Promise<{ findings: Finding[]; usable: boolean }> {
  const place = placeOf(databaseUrl);
  const file = databaseUrl.startsWith('sqlite:') ? databaseUrl.slice('sqlite:'.length) : null;
  if (file !== null && file !== ':memory:' && !existsSync(file)) {
    return { findings: [finding('database.none', { place })], usable: false };
  }
  let database: Database | null = null;
  try {
    database = await Database.look(databaseUrl, entities);
    const { version, pending, unknown } = await database.state();
    const begun = performance.now();
    await database.ping();
    const ms = Math.round(performance.now() - begun);
    const engine = file === null ? (/mariadb/i.test(version) ? 'MariaDB' : 'MySQL') : 'SQLite';
    const params = { engine, version: version.split('-')[0]!, ms };
    if (unknown.length > 0) {
      return { findings: [finding('database.unknown-schema', { migrations: unknown })], usable: false };
    }
    if (pending.length > 0) {
      return { findings: [finding('database.pending', { ...params, migrations: pending })], usable: false };
    }
    return { findings: [finding(ms > slowDatabaseMs ? 'database.slow' : 'database.good', params)], usable: true };
  } catch (error) {
    const cause = hasCode(error) ? String(error.params.cause ?? error.code) : 'INTERNAL';
    return { findings: [finding('database.unreachable', { place, cause })], usable: false };
  } finally {
    await database?.close();
  }
}

/** Never the account, never the password. */
function placeOf(url: string): string {
  if (url.startsWith('sqlite:')) return url.slice('sqlite:'.length);
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}${port === '' ? '' : `:${port}`}${pathname}`;
}

/** The keys of the store: those in use by `expiries`, and the newest of each use. */
export function checkCertificates(
  store: KeyStore,
  keys: KeyRing,
  expiries: readonly Expiry[] | null,
  now: Date,
): Finding[] {
  const stored = store.certificates();
  const revoked = ({ certificate }: StoredCertificate) =>
    keys.crls.some((crl) => crl.issuedBy(issuerOf(keys, certificate)) && crl.entry(certificate.serial) !== null);
  const used = (expiries ?? []).flatMap(({ what, name }) =>
    stored.filter(({ use, certificate }) => use === what && name === `sha256:${certificate.fingerprint}`),
  );
  const own = (['root', 'seal', 'node'] as const).flatMap((use) => {
    const all = stored.filter((one) => one.use === use);
    const good = all.filter((one) => !revoked(one));
    if (good.length === 0)
      return all.slice(0, 1).map(() => finding('certificates.revoked', { label: labels[use], use }));
    const looked = new Set([...used.filter((one) => good.includes(one)), good[0]!]);
    return [...looked].map((one) => ownFinding(store, one, now));
  });
  const others = (expiries ?? []).flatMap(({ what, name, until }): Finding[] => {
    if (what !== 'peer-certificate' && what !== 'time-authority') return [];
    const found = expiryFinding('', filled(labels[what], { name }), new Date(0), new Date(until), now, {});
    return found.id === 'certificates.good' ? [] : [found];
  });
  return [...own, ...others];
}

function ownFinding(store: KeyStore, { use, generation, certificate }: StoredCertificate, now: Date): Finding {
  const { zh, en } = labels[use];
  const label = generation === 1 ? labels[use] : { zh: `${zh}（第 ${generation} 代）`, en: `${en} (${generation})` };
  const container = join(store.dir, `${use}${generation === 1 ? '' : `-${generation}`}.p12`);
  const kind = use === 'root' ? 'root-' : existsSync(container) ? 'imported-' : '';
  return expiryFinding(kind, label, certificate.notBefore, certificate.notAfter, now, { use });
}

function issuerOf(keys: KeyRing, certificate: Certificate): Certificate {
  return keys.roots.find((root) => certificate.x509.checkIssued(root.x509)) ?? certificate;
}

function expiryFinding(
  kind: '' | 'root-' | 'imported-',
  label: Text,
  notBefore: Date,
  notAfter: Date,
  now: Date,
  more: Record<string, string>,
): Finding {
  const params = { label, days: daysUntil(notAfter, now), date: chinaDate(notAfter), ...more };
  if (now < notBefore) return finding('certificates.not-yet', { ...params, date: chinaDate(notBefore) });
  if (now > notAfter) return finding(`certificates.${kind}expired`, params);
  return finding(params.days <= 30 ? `certificates.${kind}ending` : 'certificates.good', params);
}

/** Whether this node can sign under each agreement in force. */
export function checkUsable(gateway: Gateway, now: Date): Finding[] {
  const { agreements, keys } = gateway;
  return agreements.inForce(now).flatMap((agreement) => {
    const found: Finding[] = [];
    for (const use of ['seal', 'node'] as const) {
      try {
        keys[use](agreement, now);
      } catch (error) {
        if (!hasCode(error, 'CERTIFICATE_REFUSED')) throw error;
        const params = { label: labels[use], agreement: agreement.ref.id, problem: String(error.params.problem) };
        found.push(finding('certificates.not-accepted', params));
      }
    }
    const agreed = trustedParty(agreement.trust, agreements.node)?.logVkey;
    const newest = keys.logs[0];
    if (newest && encodeVkey(newest.key) !== agreed) {
      found.push(finding('certificates.log-key-not-agreed', { agreement: agreement.ref.id }));
    }
    return found;
  });
}

export function checkCrls(keys: KeyRing, now: Date): Finding[] {
  if (keys.crls.length === 0) return [finding('crl.none')];
  return keys.crls.map((crl) => {
    const params = { number: crl.number, count: crl.size, date: chinaDate(crl.nextUpdate) };
    const left = crl.nextUpdate.getTime() - now.getTime();
    const life = crl.nextUpdate.getTime() - crl.thisUpdate.getTime();
    if (left < 0) return finding('crl.stale', params);
    // A list is renewed at half its life; a quarter left means that nobody did.
    return finding(left < life / 4 ? 'crl.ending' : 'crl.current', params);
  });
}

export function checkRoot(rootKeys: readonly string[]): Finding[] {
  if (rootKeys.length === 0) return [finding('root.offline')];
  return rootKeys.map((path) => finding('root.online', { path }));
}

export async function checkLog(gateway: Gateway, running: boolean, now: Date): Promise<Finding[]> {
  const { checkpoint, pending, oldestPendingAt } = await gateway.audit.state();
  const found: Finding[] = [];
  const waited = oldestPendingAt === null ? 0 : now.getTime() - Date.parse(oldestPendingAt);
  if (pending > 0 && !running) found.push(finding('log.waiting', { pending }));
  else if (waited > logBehindMs) found.push(finding('log.behind', { pending, age: duration(waited) }));
  if (checkpoint === null) return found.length > 0 ? found : [finding('log.empty')];
  try {
    const note = parseNote(checkpoint.note);
    const own = gateway.keys.knownLogKeys.find((key) => note.signatures.some(({ keyId }) => keyId.equals(key.id)));
    const { size } = openCheckpointNote(note, own ?? gateway.keys.knownLogKeys[0]!);
    const age = duration(now.getTime() - Date.parse(checkpoint.signedAt));
    found.push(finding('log.good', { size, age }));
  } catch (error) {
    if (!hasCode(error)) throw error;
    found.push(finding('log.signature', { code: error.code }));
  }
  return found;
}

export async function checkQueue(gateway: Gateway, running: boolean): Promise<Finding[]> {
  const waiting = (await gateway.peers.list()).filter(({ lane }) => lane.queued > 0);
  if (waiting.length === 0) return [finding('queue.empty')];
  const moving = waiting.filter(({ lane }) => lane.lastError === null).reduce((sum, { lane }) => sum + lane.queued, 0);
  const stuck = waiting.flatMap(({ node, lane }): Finding[] => {
    const { queued, attempts, lastError } = lane;
    if (!running) return [finding('queue.stopped', { peer: node, queued })];
    if (lastError === null) return [];
    const words = { why: errorKinds[lastError].title, remedy: remedies[lastError] };
    return [finding('queue.trouble', { peer: node, queued, attempts, code: lastError, ...words })];
  });
  return running && moving > 0 ? [...stuck, finding('queue.moving', { queued: moving })] : stuck;
}

export function checkAgreements(gateway: Gateway, now: Date): Finding[] {
  const book = gateway.agreements;
  const ids = [...new Set(book.all().map(({ ref }) => ref.id))].sort();
  if (ids.length === 0) return [finding('agreements.none')];
  return ids.flatMap((id) => {
    const versions = book.versions(id);
    const current = book.versionAt(id, now);
    const found: Finding[] = [];
    const next = versions.find(({ content }) => content.effective.from > now.toISOString());
    if (current) found.push(...inForceFindings(current, next, now));
    else if (!next) {
      const until = versions.at(-1)!.content.effective.to;
      found.push(finding('agreements.ended', { agreement: nameOf(versions.at(-1)!), id, date: chinaDate(until) }));
    }
    if (next)
      found.push(finding('agreements.next', { agreement: nameOf(next), date: chinaDate(next.content.effective.from) }));
    return found;
  });
}

function inForceFindings(agreement: Agreement, next: Agreement | undefined, now: Date): Finding[] {
  const { to } = agreement.content.effective;
  const days = daysUntil(to, now);
  const params = { agreement: nameOf(agreement), id: agreement.ref.id, days, date: chinaDate(to) };
  const found = [finding(days <= 30 && !next ? 'agreements.ending' : 'agreements.in-force', params)];
  for (const { authority, successor, validity } of agreement.trust.parties) {
    if (successor) {
      const by = trustedParty(agreement.trust, successor.node)?.authority ?? successor.node;
      found.push(finding('agreements.succession', { authority, successor: by, date: chinaDate(successor.from) }));
    } else if (validity.to !== null && validity.to <= now.toISOString()) {
      found.push(finding('agreements.authority-ended', { authority, date: chinaDate(validity.to) }));
    }
  }
  return found;
}

const nameOf = ({ ref }: Agreement): Text => ({
  zh: `${ref.id} 第 ${ref.version} 版`,
  en: `${ref.id} version ${ref.version}`,
});

/** A clock that ours was compared with. */
interface ClockReading {
  source: string;
  aheadMs: number;
}

/** Each peer, hop by hop, all at once; one that works is one line. */
export async function checkPeers(
  gateway: Gateway,
  now: Date,
): Promise<{ findings: Finding[]; clocks: ClockReading[] }> {
  const { agreements } = gateway;
  const toCome = agreements
    .all()
    .filter(({ content }) => content.effective.from > now.toISOString())
    .flatMap(({ trust }) => trust.parties.map(({ node }) => node));
  const nodes = [...new Set([...agreements.peers(now), ...toCome])].filter((node) => node !== agreements.node).sort();
  if (nodes.length === 0) return { findings: [finding('peers.none')], clocks: [] };
  const tested = await Promise.all(nodes.map(async (node) => ({ node, results: await gateway.peers.test(node) })));
  const clocks = tested.flatMap(({ node, results }) => {
    const skewMs = results.find(({ hop }) => hop === 'clock')?.params.skewMs;
    return typeof skewMs === 'number' ? [{ source: node, aheadMs: skewMs }] : [];
  });
  return { findings: tested.flatMap(({ node, results }) => peerFindings(node, results)), clocks };
}

/** Clock and queue are checks of their own; what could not be reached has its cause in an earlier hop. */
function peerFindings(peer: string, results: readonly HopResult[]): Finding[] {
  const grpc = results.find(({ hop }) => hop === 'tcp-grpc');
  const wrong = results.filter(({ hop, state, code }) => {
    // One machine that does not answer is one cause, on however many ports.
    const again = hop === 'tcp-blobs' && grpc?.state === 'wrong' && grpc.code === code;
    return state === 'wrong' && hop !== 'clock' && hop !== 'queue' && !again;
  });
  if (wrong.length === 0) {
    const ms = results.find(({ hop }) => hop === 'tcp-grpc')?.params.ms ?? 0;
    return [finding('peers.good', { peer, ms })];
  }
  return wrong.map((result) => {
    const { what, fix } = describeHop(result);
    return finding('peers.wrong', { peer, hop: hopName(result.hop), what, fix: fix ?? remedies.INTERNAL });
  });
}

export async function checkTimestamps(
  gateway: Gateway,
  now: Date,
): Promise<{ findings: Finding[]; clocks: ClockReading[] }> {
  const { timestamps } = gateway.config;
  const client = new TimestampClient(timestamps, gateway.now);
  if (!client.configured) return { findings: [finding('timestamps.none')], clocks: [] };
  const authorities = gateway.agreements
    .inForce(now)
    .flatMap(({ content }) => readTimeAuthorities(content.timeAuthorities));
  const probes = await client.probe(authorities);
  const clocks = probes.flatMap(({ host, aheadMs }) => (aheadMs === null ? [] : [{ source: host, aheadMs }]));
  const findings = probes.map(({ host, problem, timestamp }) => {
    if (problem === null) {
      return finding(timestamp?.demonstration ? 'timestamps.demonstration' : 'timestamps.good', { name: host });
    }
    const code = authorities.length === 0 ? 'TIMESTAMP_INVALID' : 'TIMESTAMP_UNAVAILABLE';
    return finding('timestamps.failed', {
      name: host,
      code: problem,
      why: errorKinds[code].title,
      remedy: remedies[code],
    });
  });
  return { findings, clocks };
}

export function checkClock(clocks: readonly ClockReading[], limit: number): Finding[] {
  if (clocks.length === 0) return [finding('clock.none')];
  return clocks.map(({ source, aheadMs }) => {
    const seconds = Math.abs(aheadMs) / 1000;
    const params = { source, seconds: seconds.toFixed(1), limit };
    if (seconds > limit) return finding('clock.refused', params);
    return finding(seconds > clockWarnSeconds ? 'clock.off' : 'clock.right', params);
  });
}
