import {
  type Agreement,
  type AgreementRef,
  type Digest,
  type ErrorCode,
  effectiveUntil,
  GatewayError,
  trustedParty,
} from '@jieqiao/core';
import type { Tx } from '@jieqiao/platform';
import type { AgreementBook } from './agreement-book';
import { type Expiry, expiries } from './expiries';
import { newestVersions } from './hello';
import { queueTo } from './mailbox';
import { type HopResult, type PeerTestContext, peerTest } from './peer-test';
import { LaneRow, PeerStateRow } from './tables';
import { type TestEnvelopeContext, type TestEnvelopeState, TestEnvelopes } from './test-envelope';

/** `unused`: nothing has ever gone either way, which is no fault. */
export type Standing = 'fine' | 'unused' | 'wrong';

/** What can be seen of a peer: its agreement and its lane are two things, and stand apart. */
export interface PeerView {
  node: string;
  authority: string;
  standing: Standing;
  problems: ErrorCode[];
  /** The version in force; where there is none, the next to begin, or the last that was. */
  agreement: AgreementRef & { state: 'in-force' | 'to-come' | 'ended'; from: string; until: string };
  /** Whether both hold the same newest versions, as far as the peer has told. */
  versions: 'equal' | 'differ' | 'unknown';
  lane: {
    state: 'idle' | 'delivering' | 'waiting';
    queued: number;
    oldestAt: string | null;
    attempts: number;
    lastError: ErrorCode | null;
    nextAttemptAt: string | null;
  };
  hello: {
    seenAt: string | null;
    measuredAt: string | null;
    skewMs: number | null;
    rttMs: number | null;
    software: string | null;
    error: ErrorCode | null;
    errorAt: string | null;
  };
  /** As last shown in TLS. */
  certificate: { fingerprint: Digest; notAfter: string; daysLeft: number } | null;
  /** Its revocation lists at hand. */
  crls: { number: number; thisUpdate: string; nextUpdate: string }[];
}

export interface PeersContext extends PeerTestContext, TestEnvelopeContext {}

const day = 86_400_000;

/** What people can see of this node's peers and of the way to them, and what they can try. */
export class Peers {
  private readonly tests: TestEnvelopes;

  constructor(private readonly context: PeersContext) {
    this.tests = new TestEnvelopes(context);
  }

  /** Every other party of this node's agreements, with what is known of it. */
  list(): Promise<PeerView[]> {
    const { agreements, db } = this.context;
    const nodes = agreements.all().flatMap(({ trust }) => trust.parties.map(({ node }) => node));
    const others = [...new Set(nodes)].filter((node) => node !== agreements.node).sort();
    return db.read(async (tx) => {
      const views: PeerView[] = [];
      for (const node of others) views.push(await view(tx, this.context, node));
      return views;
    });
  }

  /** @throws GatewayError NOT_FOUND */
  get(node: string): Promise<PeerView> {
    this.mustBeKnown(node);
    return this.context.db.read((tx) => view(tx, this.context, node));
  }

  /** Walks the way to a peer, see `peerTest`. @throws GatewayError NOT_FOUND */
  async test(node: string): Promise<HopResult[]> {
    this.mustBeKnown(node);
    return peerTest(this.context, node);
  }

  /** Queues a test envelope, see `TestEnvelopes.send`. @throws GatewayError NOT_FOUND, and as there */
  async sendTestEnvelope(node: string): Promise<string> {
    this.mustBeKnown(node);
    return this.tests.send(node);
  }

  /** @throws GatewayError NOT_FOUND */
  testEnvelopeState(jti: string): Promise<TestEnvelopeState> {
    return this.tests.state(jti);
  }

  /** What runs out, see `expiries`. */
  expiries(): Promise<Expiry[]> {
    return expiries(this.context);
  }

  private mustBeKnown(node: string): void {
    const { agreements } = this.context;
    const known = agreements.all().some(({ trust }) => trustedParty(trust, node));
    if (!known || node === agreements.node) throw new GatewayError('NOT_FOUND', { what: 'peer' });
  }
}

async function view(tx: Tx, { agreements, crls, now }: PeersContext, node: string): Promise<PeerView> {
  const at = now();
  const shared = agreements.all().filter(({ trust }) => trustedParty(trust, node));
  const agreement = nearest(agreements, shared, node, at);
  const party = trustedParty(agreement.trust, node)!;
  const state = await tx.findOneBy(PeerStateRow, { peer: node });
  const [incoming, outgoing] = await Promise.all(
    (['in', 'out'] as const).map((direction) => tx.findOneBy(LaneRow, { peer: node, direction })),
  );
  const { queued, oldestAt } = await queueTo(tx, node);
  const lastError = queued > 0 ? (outgoing?.error ?? null) : null;
  const versions = versionsOf(shared, state?.agreements ?? null);
  const notAfter = state?.notAfter ?? null;
  const problems = new Set<ErrorCode>();
  if (agreement.state === 'ended') problems.add('AGREEMENT_NOT_IN_FORCE');
  if (lastError) problems.add(lastError);
  if (state?.error) problems.add(state.error);
  if (versions === 'differ') problems.add('AGREEMENT_UNKNOWN_VERSION');
  if (!crls.fresh(party.anchors, at)) problems.add('REVOCATION_STALE');
  if (notAfter !== null && notAfter < at.toISOString()) problems.add('CERTIFICATE_REFUSED');
  const used = Boolean(state?.seenAt) || Boolean(incoming?.seq) || Boolean(outgoing?.seq);
  return {
    node,
    authority: party.authority,
    standing: used ? (problems.size > 0 ? 'wrong' : 'fine') : 'unused',
    problems: [...problems],
    agreement: {
      ...agreement.ref,
      state: agreement.state,
      from: agreement.content.effective.from,
      until: effectiveUntil(agreement, shared),
    },
    versions,
    lane: {
      state: queued === 0 ? 'idle' : lastError ? 'waiting' : 'delivering',
      queued,
      oldestAt,
      attempts: lastError ? outgoing!.attempts : 0,
      lastError,
      nextAttemptAt: lastError ? outgoing!.nextAttemptAt : null,
    },
    hello: {
      seenAt: state?.seenAt ?? null,
      measuredAt: state?.helloAt ?? null,
      skewMs: state?.skewMs ?? null,
      rttMs: state?.rttMs ?? null,
      software: state?.software ?? null,
      error: state?.error ?? null,
      errorAt: state?.errorAt ?? null,
    },
    certificate: certificateOf(state, at),
    crls: crls.of(party.anchors).map(({ number, thisUpdate, nextUpdate }) => ({
      number,
      thisUpdate: thisUpdate.toISOString(),
      nextUpdate: nextUpdate.toISOString(),
    })),
  };
}

type Nearest = Agreement & { state: PeerView['agreement']['state'] };

function nearest(agreements: AgreementBook, shared: readonly Agreement[], node: string, at: Date): Nearest {
  const inForce = agreements.inForce(at).filter(({ trust }) => trustedParty(trust, node));
  const current = inForce.reduce<Agreement | null>((a, b) => (a && a.ref.version >= b.ref.version ? a : b), null);
  if (current) return { ...current, state: 'in-force' };
  const time = at.toISOString();
  const begins = (agreement: Agreement) => agreement.content.effective.from;
  const toCome = shared.filter((one) => begins(one) > time).sort((a, b) => begins(a).localeCompare(begins(b)))[0];
  if (toCome) return { ...toCome, state: 'to-come' };
  const until = (agreement: Agreement) => effectiveUntil(agreement, shared);
  const last = [...shared].sort((a, b) => until(b).localeCompare(until(a)))[0]!;
  return { ...last, state: 'ended' };
}

function versionsOf(shared: readonly Agreement[], told: readonly AgreementRef[] | null): PeerView['versions'] {
  if (!told) return 'unknown';
  const [ours, theirs] = [newestVersions(shared.map(({ ref }) => ref)), newestVersions(told)];
  const ids = [...new Set([...ours.keys(), ...theirs.keys()])];
  return ids.every((id) => ours.get(id)?.digest === theirs.get(id)?.digest) ? 'equal' : 'differ';
}

function certificateOf(state: PeerStateRow | null, at: Date): PeerView['certificate'] {
  if (!state?.certificate || !state.notAfter) return null;
  const { certificate: fingerprint, notAfter } = state;
  return { fingerprint, notAfter, daysLeft: Math.floor((Date.parse(notAfter) - at.getTime()) / day) };
}
