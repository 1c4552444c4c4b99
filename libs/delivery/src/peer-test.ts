import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import {
  type Agreement,
  Certificate,
  type Crl,
  checkChain,
  digestOf,
  effectiveUntil,
  GatewayError,
  hasCode,
  nodeUrn,
  trustedParty,
} from '@jieqiao/core';
import type { Database, KeyRing, TlsIdentity } from '@jieqiao/platform';
import type { AgreementBook, Peer } from './agreement-book';
import type { CrlBook } from './crl-book';
import { type Heard, type Hello, newestVersions } from './hello';
import { laneTrouble, queueTo } from './mailbox';
import { PeerClient } from './peer-client';

/** In the order in which they are walked. */
export const hops = [
  'agreement',
  'direction',
  'name',
  'tcp-grpc',
  'tls-grpc',
  'their-certificate',
  'our-certificate',
  'hello',
  'clock',
  'agreement-versions',
  'their-crl',
  'our-crl',
  'tcp-blobs',
  'blobs',
  'queue',
] as const;
export type Hop = (typeof hops)[number];

/** `unused`: nothing is wrong, there is just nothing of the kind. `unchecked`: an earlier hop is in the way. */
export interface HopResult {
  hop: string;
  state: 'fine' | 'unused' | 'wrong' | 'unchecked';
  code: string;
  params: Record<string, string | number | boolean>;
}

export interface PeerTestContext {
  db: Database;
  agreements: AgreementBook;
  crls: CrlBook;
  hello: Hello;
  keys: () => KeyRing;
  /** Whether an agreement's terms know the direction. */
  provides: (agreement: Agreement, from: string, to: string) => boolean;
  /** For each hop. */
  timeoutMs: number;
  now: () => Date;
}

type Outcome = Omit<HopResult, 'hop'>;
type Params = HopResult['params'];

const day = 86_400_000;
const fine = (code: string, params: Params = {}): Outcome => ({ state: 'fine', code, params });
const unused = (code: string, params: Params = {}): Outcome => ({ state: 'unused', code, params });
const wrong = (code: string, params: Params = {}): Outcome => ({ state: 'wrong', code, params });
const unchecked: Outcome = { state: 'unchecked', code: 'NOT_REACHED', params: {} };

/**
 * Walks every hop of the way to one peer and says of each what it found. Nothing of it does harm: it says Hello as a
 * lane does, and asks the blob endpoint for leave to send a file that nobody announced.
 */
export async function peerTest(context: PeerTestContext, node: string): Promise<HopResult[]> {
  const test = new PeerTest(context, node);
  await test.walk();
  return hops.map((hop) => ({ hop, ...(test.results.get(hop) ?? unchecked) }));
}

class PeerTest {
  readonly results = new Map<Hop, Outcome>();

  constructor(
    private readonly context: PeerTestContext,
    private readonly node: string,
  ) {}

  async walk(): Promise<void> {
    const agreement = this.agreement();
    if (agreement) {
      this.direction(agreement);
      await this.way(agreement);
    }
    this.results.set('queue', await this.queue());
  }

  private async way(agreement: Agreement): Promise<void> {
    const { agreements, now } = this.context;
    const peer = agreements.peerUnder(agreement, this.node, now());
    const { endpoints } = peer;
    this.results.set('their-crl', this.theirCrl(peer));
    const own = this.ownCertificate(agreement);
    if (own.state === 'wrong') this.results.set('our-certificate', own);
    const grpc = addressOf(`https://${endpoints.grpc}`);
    const blobs = addressOf(endpoints.blobs);
    const name = await this.name([grpc.host, blobs.host]);
    this.results.set('name', name);
    if (name.state === 'wrong') return;
    let identity: TlsIdentity;
    try {
      identity = this.identity(agreement);
    } catch {
      return; // our-certificate says why
    }
    await Promise.all([this.grpc(peer, grpc, identity, own), this.blobs(peer, blobs, identity)]);
  }

  /** The version in force, or one that is to come: the way may be tried before its time. */
  private agreement(): Agreement | null {
    const { agreements, now } = this.context;
    const { node } = this;
    const at = now();
    const shared = agreements.all().filter(({ trust }) => node !== agreements.node && trustedParty(trust, node));
    try {
      const agreement = agreements.current(node, at);
      const { id, version } = agreement.ref;
      const until = effectiveUntil(agreement, shared);
      const days = daysUntil(new Date(until), at);
      this.results.set('agreement', fine('IN_FORCE', { id, version, until, days }));
      return agreement;
    } catch (error) {
      if (!hasCode(error, 'AGREEMENT_MISSING', 'AGREEMENT_NOT_IN_FORCE')) throw error;
    }
    const newest = [...shared].sort((a, b) => b.content.effective.to.localeCompare(a.content.effective.to))[0];
    if (!newest) {
      this.results.set('agreement', wrong('MISSING', { node }));
      return null;
    }
    const { id, version } = newest.ref;
    const { from, to } = newest.content.effective;
    if (from <= at.toISOString()) {
      this.results.set('agreement', wrong('ENDED', { id, version, until: to }));
      return null;
    }
    this.results.set('agreement', unused('TO_COME', { id, version, from }));
    return newest;
  }

  private direction(agreement: Agreement): void {
    const { agreements, provides } = this.context;
    const sends = provides(agreement, agreements.node, this.node);
    const receives = provides(agreement, this.node, agreements.node);
    const code = sends ? (receives ? 'BOTH' : 'SENDS_ONLY') : receives ? 'RECEIVES_ONLY' : 'NONE';
    this.results.set('direction', code === 'NONE' ? unused(code) : fine(code));
  }

  private async name(hosts: readonly string[]): Promise<Outcome> {
    let last: Outcome = unused('ADDRESS', { host: hosts[0]! });
    for (const host of new Set(hosts)) {
      if (isIP(host)) continue;
      try {
        const { address } = await this.inTime(lookup(host));
        last = fine('RESOLVED', { host, address });
      } catch (error) {
        if (isTimeout(error)) return wrong('TIMEOUT', { host });
        const { code } = error as { code?: string };
        return code === 'ENOTFOUND' ? wrong('NOT_FOUND', { host }) : wrong('NO_RESOLVER', { host });
      }
    }
    return last;
  }

  private async grpc(peer: Peer, address: Address, identity: TlsIdentity, own: Outcome): Promise<void> {
    const wire = await this.dial('tcp-grpc', address);
    if (!wire) return;
    const shaken = await this.handshake(wire, address, identity);
    if ('failure' in shaken) {
      this.results.set('tls-grpc', shaken.failure);
      return;
    }
    const { socket, certificate } = shaken;
    try {
      const theirs = this.theirCertificate(peer, certificate);
      this.results.set('tls-grpc', fine('SHAKEN', { protocol: socket.getProtocol() ?? '' }));
      this.results.set('their-certificate', theirs);
      if (theirs.state === 'wrong') return;
      const answered = await this.firstWord(socket);
      // HTTP/2 servers speak first. Refusing a certificate, most just hang up after the handshake.
      if (own.state !== 'wrong') {
        this.results.set(
          'our-certificate',
          answered === 'closed' ? wrong('NOT_ACCEPTED', { ...own.params, reason: 'hung-up' }) : own,
        );
      }
      if (answered === 'silent') this.results.set('tls-grpc', wrong('NOT_A_NODE', { ...address }));
      if (answered !== 'spoke') return;
    } finally {
      hangUp(socket);
    }
    await this.hello(peer, identity, own);
  }

  private async hello(peer: Peer, identity: TlsIdentity, own: Outcome): Promise<void> {
    const { hello, timeoutMs, now } = this.context;
    const client = new PeerClient(peer, identity, timeoutMs, now);
    try {
      const heard = await hello.hear(this.node, client);
      if (!heard) {
        this.results.set('hello', unused('NO_HELLO'));
        return;
      }
      this.results.set('hello', fine('SAID', { software: heard.software, rttMs: heard.rttMs }));
      const clock = this.clock(heard);
      this.results.set('clock', clock);
      this.results.set('agreement-versions', this.versions(heard));
      // A list of today is from tomorrow to a clock that is behind: nobody could tell why it was not taken.
      if (clock.state === 'fine') this.results.set('our-crl', this.ourCrl(heard));
      this.results.set('their-crl', this.theirCrl(peer));
    } catch (error) {
      if (!hasCode(error)) throw error;
      // It has let us in, and does not know who we are, or no longer believes it.
      const unwelcome = error.code === 'PEER_UNKNOWN' || error.code === 'PEER_CERTIFICATE_REFUSED';
      if (unwelcome) this.results.set('our-certificate', wrong('NOT_ACCEPTED', { ...own.params, reason: error.code }));
      else this.results.set('hello', wrong(error.code));
    } finally {
      client.close();
    }
  }

  private async blobs(peer: Peer, address: Address, identity: TlsIdentity): Promise<void> {
    const wire = await this.dial('tcp-blobs', address);
    if (wire) this.results.set('blobs', await this.blobEndpoint(peer, wire, address, identity));
  }

  /** Leave to send an empty file of a name that nobody can have announced: a node says no in its own words. */
  private async blobEndpoint(peer: Peer, wire: Socket, address: Address, identity: TlsIdentity): Promise<Outcome> {
    const { timeoutMs, now } = this.context;
    const shaken = await this.handshake(wire, address, identity);
    if ('failure' in shaken) return shaken.failure;
    const theirs = this.theirCertificate(peer, shaken.certificate);
    hangUp(shaken.socket);
    if (theirs.state === 'wrong') return wrong('THEIR_CERTIFICATE', { ...theirs.params, problem: theirs.code });
    const client = new PeerClient(peer, identity, timeoutMs, now);
    try {
      await client.push(digestOf(randomBytes(32)), 0, 0, Readable.from([]));
      return wrong('NOT_A_NODE', { ...address });
    } catch (error) {
      if (!hasCode(error)) throw error;
      const { code } = error;
      if (code === 'BLOB_NOT_ANNOUNCED') return fine('ANSWERS');
      if (code === 'PEER_UNKNOWN' || code === 'PEER_CERTIFICATE_REFUSED')
        return wrong('NOT_ACCEPTED', { reason: code });
      if (code !== 'PEER_UNREACHABLE') return wrong(code);
      // An answer with a status, but no code of ours, is somebody else's; none at all: it hung up on us.
      const { status } = error.params;
      return typeof status === 'number'
        ? wrong('NOT_A_NODE', { status })
        : wrong('NOT_ACCEPTED', { reason: 'hung-up' });
    } finally {
      client.close();
    }
  }

  /** The connection goes on into the handshake: one that was only tried would be logged as a stranger's. */
  private async dial(hop: 'tcp-grpc' | 'tcp-blobs', { host, port }: Address): Promise<Socket | null> {
    const begun = performance.now();
    const socket = connectTcp({ host, port });
    try {
      await this.inTime(once(socket, 'connect'));
      const ms = Math.round(performance.now() - begun);
      this.results.set(hop, fine('CONNECTED', { host, port, ms }));
      return socket;
    } catch (error) {
      socket.destroy();
      this.results.set(hop, wrong(connectProblem(error), { host, port }));
      return null;
    }
  }

  /** As a peer, but believing nothing yet: a certificate that TLS would refuse can be named only when it was seen. */
  private async handshake(
    wire: Socket,
    { host, port }: Address,
    { key, cert }: TlsIdentity,
  ): Promise<{ socket: TLSSocket; certificate: Certificate | null } | { failure: Outcome }> {
    const socket = connectTls({
      ...{ socket: wire, key, cert, rejectUnauthorized: false, minVersion: 'TLSv1.2' },
      ...{ servername: 'peer.jieqiao.invalid', ALPNProtocols: ['h2', 'http/1.1'] },
    });
    try {
      await this.inTime(once(socket, 'secureConnect'));
      const { raw } = socket.getPeerCertificate();
      return { socket, certificate: raw ? readable(raw) : null };
    } catch (error) {
      socket.destroy();
      return { failure: wrong(handshakeProblem(error), { host, port }) };
    }
  }

  private async firstWord(socket: TLSSocket): Promise<'spoke' | 'closed' | 'silent'> {
    try {
      await this.inTime(once(socket, 'data'));
      return 'spoke';
    } catch (error) {
      return isTimeout(error) ? 'silent' : 'closed';
    }
  }

  private theirCertificate(peer: Peer, certificate: Certificate | null): Outcome {
    if (!certificate) return wrong('MALFORMED');
    const at = this.context.now();
    const problem = peer.certificateProblem(certificate, at);
    const facts = certificateFacts(certificate, at);
    if (!problem) return fine('ACCEPTED', facts);
    return wrong(problem.code, { ...facts, expected: nodeUrn(this.node), found: certificate.urn ?? '' });
  }

  /** Whether we would accept ourselves: an expired certificate of ours needs no peer to be found. */
  private ownCertificate(agreement: Agreement): Outcome {
    const { agreements, keys, now } = this.context;
    const at = now();
    const urn = nodeUrn(agreements.node);
    const anchors = trustedParty(agreement.trust, agreements.node)!.anchors;
    let certificate: Certificate;
    try {
      certificate = Certificate.parse(this.identity(agreement).cert);
    } catch (error) {
      if (!hasCode(error)) throw error;
      return wrong(String(error.params.problem ?? error.code));
    }
    const problem = checkChain(certificate, anchors, at, 'node', urn, { crls: keys().crls, at });
    const facts = certificateFacts(certificate, at);
    return problem ? wrong(problem.code, facts) : fine('ACCEPTED', facts);
  }

  private identity(agreement: Agreement): TlsIdentity {
    const { keys, now } = this.context;
    return keys().tls([agreement], now());
  }

  private clock(heard: Heard): Outcome {
    const { hello } = this.context;
    const { skewMs, rttMs } = heard;
    const params = { skewMs, rttMs, limitMs: hello.maxSkewMs, behind: skewMs < 0 ? 'peer' : 'us' };
    return hello.clocksApart(heard) || heard.refusal === 'CLOCK_SKEW'
      ? wrong('APART', params)
      : fine('TOGETHER', params);
  }

  private versions(heard: Heard): Outcome {
    const { agreements } = this.context;
    const ours = newestVersions(
      agreements.all().flatMap(({ ref, trust }) => (trustedParty(trust, this.node) ? [ref] : [])),
    );
    const theirs = newestVersions(heard.agreements);
    for (const id of new Set([...ours.keys(), ...theirs.keys()])) {
      const [our, their] = [ours.get(id), theirs.get(id)];
      if (our?.digest === their?.digest) continue;
      const params = { id, ours: our?.version ?? 0, theirs: their?.version ?? 0 };
      if (params.ours === params.theirs) return wrong('FORKED', params);
      return wrong(params.ours > params.theirs ? 'THEY_LACK' : 'WE_LACK', params);
    }
    return fine('EQUAL', { agreements: ours.size });
  }

  private theirCrl({ party }: Peer): Outcome {
    const { crls, now } = this.context;
    const lists = crls.of(party.anchors);
    const first = earliest(lists);
    if (!first) return unused('NONE');
    const facts = crlFacts(first, now());
    return crls.fresh(party.anchors, now()) ? fine('FRESH', facts) : wrong('STALE', facts);
  }

  private ourCrl(heard: Heard): Outcome {
    const { keys, now } = this.context;
    const first = earliest(keys().crls);
    if (!first) return unused('NONE');
    const facts = crlFacts(first, now());
    if (first.nextUpdate < now()) return wrong('STALE', facts);
    const missing = keys().crls.some(({ digest }) => !heard.crlsHeld.includes(digest));
    return missing ? wrong('NOT_HELD', facts) : fine('HELD', facts);
  }

  private async queue(): Promise<Outcome> {
    const { db, now } = this.context;
    const { queued, oldestAt, trouble } = await db.read(async (tx) => ({
      ...(await queueTo(tx, this.node)),
      trouble: await laneTrouble(tx, this.node),
    }));
    const oldestSeconds = oldestAt ? Math.max(0, Math.round((now().getTime() - Date.parse(oldestAt)) / 1000)) : 0;
    if (queued === 0) return trouble ? fine('EMPTY') : unused('NEVER_USED');
    if (!trouble?.error) return fine('MOVING', { queued, oldestSeconds });
    const { attempts, error, nextAttemptAt } = trouble;
    return wrong('WAITING', { queued, oldestSeconds, attempts, error, nextAttemptAt: nextAttemptAt ?? '' });
  }

  private async inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TimeUp()), this.context.timeoutMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

interface Address {
  host: string;
  port: number;
}

class TimeUp extends Error {}

const isTimeout = (error: unknown): boolean =>
  error instanceof TimeUp || (error as { code?: string }).code === 'ETIMEDOUT';

/** @param url as agreements have them: a host or an address (IPv6 in brackets) and a port */
function addressOf(url: string): Address {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
}

/** Resolves with the event, rejects with an error or when the socket closes first. */
function once(socket: Socket, event: 'connect' | 'secureConnect' | 'data'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

/** After what is still to be sent: cut off in its handshake, the other side would log a stranger. */
function hangUp(socket: TLSSocket): void {
  socket.destroySoon();
}

function connectProblem(error: unknown): string {
  if (isTimeout(error)) return 'TIMEOUT';
  return (error as { code?: string }).code === 'ECONNREFUSED' ? 'REFUSED' : 'UNREACHABLE';
}

function handshakeProblem(error: unknown): string {
  if (isTimeout(error)) return 'TIMEOUT';
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD/.test(code) ||
    /wrong version number/.test(message)
  ) {
    return 'NOT_TLS';
  }
  // Before the handshake is through: nobody has looked at our certificate yet, or it said so with an alert.
  return /ALERT/.test(code) ? 'ALERT' : 'CLOSED';
}

function readable(raw: Uint8Array): Certificate | null {
  try {
    return Certificate.parse(raw);
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}

const daysUntil = (then: Date, now: Date): number => Math.floor((then.getTime() - now.getTime()) / day);

function certificateFacts(certificate: Certificate, at: Date): Params {
  const { fingerprint, notAfter } = certificate;
  return { fingerprint: `sha256:${fingerprint}`, notAfter: notAfter.toISOString(), daysLeft: daysUntil(notAfter, at) };
}

/** The list that runs out first. */
function earliest(lists: readonly Crl[]): Crl | undefined {
  return [...lists].sort((a, b) => a.nextUpdate.getTime() - b.nextUpdate.getTime())[0];
}

function crlFacts({ number, nextUpdate }: Crl, at: Date): Params {
  return { number, nextUpdate: nextUpdate.toISOString(), daysLeft: daysUntil(nextUpdate, at) };
}
