import type { AuditLog } from '@jieqiao/audit';
import {
  type Agreement,
  type AgreementRef,
  type Anchor,
  type Certificate,
  type Crl,
  type Digest,
  digestFromRaw,
  digestOf,
  type ErrorCode,
  GatewayError,
  hasCode,
  isDigest,
  trustedParty,
} from '@jieqiao/core';
import { type Database, insertRows, isDuplicate } from '@jieqiao/platform';
import type { AgreementBook } from './agreement-book';
import type { CrlBook } from './crl-book';
import type { AgreementOutcome } from './generated/jieqiao/exchange/v1/AgreementOutcome';
import type { AgreementVersion__Output } from './generated/jieqiao/exchange/v1/AgreementVersion';
import type { HelloRequest, HelloRequest__Output } from './generated/jieqiao/exchange/v1/HelloRequest';
import type { HelloResponse } from './generated/jieqiao/exchange/v1/HelloResponse';
import type { PeerClient } from './peer-client';
import { PeerStateRow } from './tables';

export interface HelloSettings {
  /** By how much two clocks may differ. */
  maxSkewMs: number;
  /** How long a call may take: so old may the time be that a client states. */
  callTimeoutMs: number;
}

export interface HelloContext {
  db: Database;
  audit: AuditLog;
  agreements: AgreementBook;
  crls: CrlBook;
  /** This node's own revocation lists. */
  ownCrls: () => readonly Crl[];
  /** Name and version, as told to peers. */
  software: string;
  settings: HelloSettings;
  now: () => Date;
  warn: (message: string, details: Record<string, unknown>) => void;
}

/** What a Hello showed of the peer. */
export interface Heard {
  /** The peer's clock less ours. */
  skewMs: number;
  rttMs: number;
  software: string;
  agreements: AgreementRef[];
  /** Which of our revocation lists the peer holds. */
  crlsHeld: Digest[];
  /** Why the peer takes nothing now. */
  refusal: ErrorCode | null;
}

const maxCrls = 16;
const maxCrlBytes = 6 * 1024 * 1024;
const maxVersions = 256;
const maxFiles = 8;
/** Leaves room under the message limit for the frame. */
const maxOfferBytes = 6 * 1024 * 1024;
const clockRefusedEveryMs = 60_000;
const maxRemembered = 1_000;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/**
 * What two nodes tell each other before they exchange, both ways: the time, which bounds how far their clocks lie
 * apart; revocation lists, which are taken over; the agreements that they hold, of which the missing are handed over.
 */
export class Hello {
  /** Digests of our lists that each peer has said to hold: those need not be sent again. */
  private readonly heldBy = new Map<string, ReadonlySet<string>>();
  private readonly clockLogged = new Map<string, number>();
  /** Files that a peer has refused, with what it held then: offered again only when that changes. */
  private readonly refusedOffers = new Set<string>();

  constructor(private readonly context: HelloContext) {}

  /**
   * Our Hello to a peer, and what follows from its answer.
   * @returns null when the peer's software is older than this call
   * @throws GatewayError CLOCK_SKEW, PEER_UNREACHABLE, or what the peer answered
   */
  async say(peer: string, client: PeerClient): Promise<Heard | null> {
    try {
      const heard = await this.hear(peer, client);
      if (!heard) return null;
      const { skewMs, refusal } = heard;
      if (this.clocksApart(heard)) {
        await this.logClock(peer, skewMs);
        throw new GatewayError('CLOCK_SKEW', { peer, skewMs, limitMs: this.maxSkewMs });
      }
      if (refusal) throw new GatewayError(refusal, { peer, skewMs, by: 'peer' });
      await this.offerMissing(peer, client, heard.agreements);
      await this.note(peer, { error: null, errorAt: null });
      return heard;
    } catch (error) {
      const code = hasCode(error) ? error.code : 'INTERNAL';
      await this.note(peer, { error: code, errorAt: this.context.now().toISOString() }).catch((cause: unknown) => {
        this.context.warn('peer-state-not-saved', { peer, error: cause });
      });
      throw error;
    }
  }

  /**
   * A peer's Hello to us.
   * @throws GatewayError LIMIT_EXCEEDED, VALIDATION_FAILED
   */
  async answer(peer: string, certificate: Certificate, request: HelloRequest__Output): Promise<HelloResponse> {
    const { now, settings } = this.context;
    const { maxSkewMs } = this;
    const stated = this.checked(request);
    await this.learn(peer, certificate, request, {});
    const ahead = stated - now().getTime();
    const apart = ahead > maxSkewMs || -ahead > maxSkewMs + settings.callTimeoutMs;
    if (apart) await this.logClock(peer, ahead);
    return { ...this.introduction(peer), refusal: apart ? 'CLOCK_SKEW' : '' };
  }

  /**
   * Agreement versions that a peer hands over, in their order. Each counts for itself.
   * @throws GatewayError LIMIT_EXCEEDED
   */
  async takeOffered(peer: string, files: readonly Uint8Array[]): Promise<AgreementOutcome[]> {
    mustBeFew('files', files.length, maxFiles);
    const outcomes: AgreementOutcome[] = [];
    for (const file of files) outcomes.push({ digest: digestOf(file), code: await this.takeFile(peer, file) });
    return outcomes;
  }

  /** What this node would tell a peer now, but for the time: another text, something new to tell. */
  news(peer: string): string {
    const { agreements, ownCrls } = this.context;
    return [...shared(agreements, peer).map(({ ref }) => ref.digest), ...ownCrls().map(({ digest }) => digest)].join();
  }

  /** Beyond what may be: the answer's time is of some moment on its way, so half the way is the measurement's error. */
  clocksApart({ skewMs, rttMs }: Pick<Heard, 'skewMs' | 'rttMs'>): boolean {
    return Math.abs(skewMs) - rttMs / 2 > this.maxSkewMs;
  }

  get maxSkewMs(): number {
    return this.context.settings.maxSkewMs;
  }

  /** Asks and learns, as `say` does, and judges nothing. Returns and throws the same. */
  async hear(peer: string, client: PeerClient): Promise<Heard | null> {
    const { now } = this.context;
    const sentAt = now().getTime();
    const answer = await client.hello(this.introduction(peer));
    const heardAt = now().getTime();
    if (!answer) {
      const nothing = { software: null, helloAt: null, skewMs: null, rttMs: null, error: null, errorAt: null };
      await this.note(peer, { ...seen(client.certificate, now()), ...nothing });
      return null;
    }
    const stated = this.checked(answer);
    const skewMs = Math.round(stated - (sentAt + heardAt) / 2);
    const rttMs = Math.max(0, heardAt - sentAt);
    await this.learn(peer, client.certificate, answer, { helloAt: now().toISOString(), skewMs, rttMs });
    return {
      skewMs,
      rttMs,
      software: printable(answer.software),
      agreements: versionsOf(answer.agreements),
      crlsHeld: answer.crlsHeld.filter(isDigest),
      refusal: answer.refusal === '' ? null : 'CLOCK_SKEW',
    };
  }

  /** What this node says of itself to a peer, less the revocation lists that the peer holds already. */
  private introduction(peer: string): HelloRequest {
    const { agreements, crls, ownCrls, software, now } = this.context;
    const held = this.heldBy.get(peer);
    let bytes = 0;
    const lists = ownCrls()
      .filter(({ digest }) => !held?.has(digest))
      .slice(0, maxCrls)
      .map(({ raw }) => raw)
      .filter((list) => {
        bytes += list.length;
        return bytes <= maxCrlBytes;
      });
    return {
      time: now().toISOString(),
      software,
      agreements: shared(agreements, peer)
        .sort((a, b) => b.ref.version - a.ref.version)
        .slice(0, maxVersions)
        .map(({ ref }) => ({ id: ref.id, version: ref.version, digest: ref.digest })),
      crls: lists,
      crlsHeld: crls.digestsOf(anchorsEver(agreements, peer)).slice(0, maxCrls),
    };
  }

  /** @returns the stated time, ms since 1970 */
  private checked(said: Pick<HelloRequest__Output, 'time' | 'agreements' | 'crls' | 'crlsHeld'>): number {
    mustBeFew('crls', said.crls.length, maxCrls);
    mustBeFew(
      'crl-bytes',
      said.crls.reduce((sum, list) => sum + list.length, 0),
      maxCrlBytes,
    );
    mustBeFew('crls-held', said.crlsHeld.length, maxCrls);
    mustBeFew('agreements', said.agreements.length, maxVersions);
    const time = instant.test(said.time) ? Date.parse(said.time) : Number.NaN;
    if (Number.isNaN(time)) throw new GatewayError('VALIDATION_FAILED', { field: 'time', rule: 'format' });
    return time;
  }

  private async learn(
    peer: string,
    certificate: Certificate | null,
    said: Pick<HelloRequest__Output, 'software' | 'agreements' | 'crls' | 'crlsHeld'>,
    measured: Partial<PeerStateRow>,
  ): Promise<void> {
    const { agreements, crls, now } = this.context;
    await crls.take(peer, anchorsEver(agreements, peer), said.crls);
    this.heldBy.set(peer, new Set(said.crlsHeld.filter(isDigest)));
    await this.note(peer, {
      ...seen(certificate, now()),
      software: printable(said.software),
      agreements: versionsOf(said.agreements),
      ...measured,
    });
  }

  private async offerMissing(peer: string, client: PeerClient, listed: readonly AgreementRef[]): Promise<void> {
    const newest = newestVersions(listed);
    const heldOf = ({ ref }: Agreement) => newest.get(ref.id)?.version ?? 0;
    const offerName = (agreement: Agreement) => `${peer} ${digestOf(agreement.bytes)} ${heldOf(agreement)}`;
    const missing = shared(this.context.agreements, peer)
      .filter((agreement) => agreement.ref.version > heldOf(agreement) && !this.refusedOffers.has(offerName(agreement)))
      .sort((a, b) => a.ref.version - b.ref.version);
    for (const batch of inMessages(missing)) {
      const outcomes = await this.offer(peer, client, batch);
      if (!outcomes) return;
      for (const [i, agreement] of batch.entries()) {
        const code = outcomes[i]?.code;
        if (code === '') continue;
        this.context.warn('agreement-not-taken-by-peer', { peer, agreement: agreement.ref, code });
        if (this.refusedOffers.size >= maxRemembered) this.refusedOffers.clear();
        this.refusedOffers.add(offerName(agreement));
      }
    }
  }

  /** Null when the peer can't take any now. That is no reason to hold up what it can take: envelopes. */
  private async offer(peer: string, client: PeerClient, batch: Agreement[]): Promise<AgreementOutcome[] | null> {
    try {
      return await client.offerAgreements(batch.map(({ bytes }) => bytes));
    } catch (error) {
      if (!hasCode(error) || error.code === 'PEER_UNREACHABLE') throw error;
      this.context.warn('agreements-not-offered', { peer, error });
      return null;
    }
  }

  /** @returns the code of a refusal, empty when the node has this version now */
  private async takeFile(peer: string, file: Uint8Array): Promise<ErrorCode | ''> {
    try {
      await this.context.agreements.import(file);
      return '';
    } catch (error) {
      // A database that is away is no answer to the file: the call fails, and it is offered again.
      if (!hasCode(error) || !/^(AGREEMENT|CERTIFICATE)_/.test(error.code)) throw error;
      this.context.warn('offered-agreement-refused', { peer, error });
      return error.code;
    }
  }

  /** At most once a minute and peer: a clock that is wrong stays so for a while. */
  private async logClock(peer: string, skewMs: number): Promise<void> {
    const { db, audit, now } = this.context;
    const at = performance.now();
    const before = this.clockLogged.get(peer);
    if (before !== undefined && at - before < clockRefusedEveryMs) return;
    this.clockLogged.set(peer, at);
    const behind = skewMs < 0 ? 'peer' : 'us';
    this.context.warn('clocks-apart', { peer, skewMs, at: now().toISOString() });
    await db.transaction((tx) =>
      audit.append(tx, { event: 'clock.refused', subject: { behind, milliseconds: Math.abs(skewMs), peer } }),
    );
  }

  private async note(peer: string, change: Partial<PeerStateRow>): Promise<void> {
    const save = () =>
      this.context.db.transaction(async (tx) => {
        if (await tx.existsBy(PeerStateRow, { peer })) await tx.update(PeerStateRow, { peer }, change);
        else await insertRows(tx, PeerStateRow, [{ ...unknownPeer, ...change, peer }]);
      });
    // Both directions may meet a peer for the first time at once.
    await save().catch((error: unknown) => {
      if (!isDuplicate(error)) throw error;
      return save();
    });
  }
}

const unknownPeer: Omit<PeerStateRow, 'peer'> = {
  seenAt: null,
  helloAt: null,
  skewMs: null,
  rttMs: null,
  software: null,
  agreements: null,
  certificate: null,
  notAfter: null,
  error: null,
  errorAt: null,
};

function seen(certificate: Certificate | null, at: Date): Partial<PeerStateRow> {
  const seenAt = at.toISOString();
  if (!certificate) return { seenAt };
  const fingerprint = digestFromRaw(Buffer.from(certificate.fingerprint, 'hex'));
  return { seenAt, certificate: fingerprint, notAfter: certificate.notAfter.toISOString() };
}

/** Versions of agreements between this node and the peer, whether in force, past or to come. */
function shared(agreements: AgreementBook, peer: string): Agreement[] {
  return agreements.all().filter(({ trust }) => trustedParty(trust, peer));
}

/** Every root that certifies or has certified the peer: an old one still says what it has revoked. */
function anchorsEver(agreements: AgreementBook, peer: string): Anchor[] {
  const anchors = shared(agreements, peer).flatMap(({ trust }) => trustedParty(trust, peer)!.anchors);
  return [...new Map(anchors.map((anchor) => [anchor.certificate.fingerprint, anchor])).values()];
}

/** The newest version of each agreement, by its id. */
export function newestVersions(refs: readonly AgreementRef[]): Map<string, AgreementRef> {
  const newest = new Map<string, AgreementRef>();
  for (const ref of refs) if (ref.version > (newest.get(ref.id)?.version ?? 0)) newest.set(ref.id, ref);
  return newest;
}

/** Peers choose what they list: what is no version is left out. */
function versionsOf(listed: readonly AgreementVersion__Output[]): AgreementRef[] {
  return listed.flatMap(({ id, version, digest }) =>
    /^[a-z0-9][a-z0-9-]{0,79}$/.test(id) && version >= 1 && isDigest(digest) ? [{ id, version, digest }] : [],
  );
}

function printable(text: string): string {
  return /^[\x20-\x7e]{1,100}$/.test(text) ? text : '';
}

/** As many files as a message may hold, always at least one. */
function inMessages(agreements: readonly Agreement[]): Agreement[][] {
  const messages: Agreement[][] = [];
  let bytes = 0;
  for (const agreement of agreements) {
    const size = agreement.bytes.length;
    const current = messages.at(-1);
    if (!current || current.length === maxFiles || bytes + size > maxOfferBytes) {
      messages.push([agreement]);
      bytes = size;
    } else {
      current.push(agreement);
      bytes += size;
    }
  }
  return messages;
}

function mustBeFew(what: string, count: number, limit: number): void {
  if (count > limit) throw new GatewayError('LIMIT_EXCEEDED', { what, limit });
}
