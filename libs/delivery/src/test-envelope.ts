import { digestOf, type ErrorCode, GatewayError, signEnvelope, type TestClaims, uuidv7 } from '@jieqiao/core';
import type { Database, KeyRing } from '@jieqiao/platform';
import type { AgreementBook } from './agreement-book';
import { laneTrouble, lockChain, moveChain, queueEnvelopes } from './mailbox';
import { OutboxRow, type OutboxState, PeerStateRow } from './tables';

export interface TestEnvelopeContext {
  db: Database;
  agreements: AgreementBook;
  keys: () => KeyRing;
  /** How long the peer may take to accept an envelope, seconds. */
  envelopeLifetime: number;
  wake(peer: string): void;
  now: () => Date;
  random: (bytes: number) => Buffer;
}

/** Where a test envelope stands. */
export interface TestEnvelopeState {
  jti: string;
  peer: string;
  state: OutboxState;
  refusal: ErrorCode | null;
  queuedAt: string;
  settledAt: string | null;
  /** While it is queued: failed attempts of its lane in a row, the last reason, when the next one is due. */
  attempts: number;
  lastError: ErrorCode | null;
  nextAttemptAt: string | null;
}

/**
 * Test envelopes: signed, queued, delivered and receipted as any other, in the same chain, with nothing in them. What
 * comes through for one comes through for a case.
 */
export class TestEnvelopes {
  constructor(private readonly context: TestEnvelopeContext) {}

  /**
   * Queues one. As with a transfer: before the commit nothing was sent; after it the lane delivers, whatever happens.
   * @returns its jti
   * @throws GatewayError AGREEMENT_MISSING, AGREEMENT_NOT_IN_FORCE, CERTIFICATE_REFUSED, WRONG_STATE {reason: 'no-hello'}
   */
  async send(peer: string): Promise<string> {
    const { db, agreements, keys, envelopeLifetime, now, random } = this.context;
    const at = now();
    const agreement = agreements.current(peer, at);
    const signer = keys().node(agreement, at);
    const jti = uuidv7(at.getTime(), random(10));
    await db.transaction(async (tx) => {
      const seen = await tx.findOneBy(PeerStateRow, { peer });
      // Software that knows neither can't close the envelope's place in the chain: nothing would ever follow it.
      if (seen?.seenAt && seen.software === null) throw new GatewayError('WRONG_STATE', { peer, reason: 'no-hello' });
      const lane = await lockChain(tx, db.dialect, peer, 'out');
      const iat = Math.floor(at.getTime() / 1000);
      const claims: TestClaims = {
        iss: agreements.node,
        aud: peer,
        jti,
        iat,
        exp: iat + envelopeLifetime,
        kind: 'test',
        dossier: null,
        transfer: null,
        seq: lane.seq + 1,
        prev: lane.digest,
        agreement: agreement.ref,
        bundle: null,
        body: {},
      };
      const envelope = signEnvelope(claims, signer);
      const digest = digestOf(Buffer.from(envelope));
      await moveChain(tx, peer, 'out', { seq: claims.seq, digest });
      // No transfer has this id: what settles transfers finds nothing to do.
      const row = { jti, peer, seq: claims.seq, transferId: jti, envelope, digest, createdAt: at.toISOString() };
      await queueEnvelopes(tx, [row]);
    });
    this.context.wake(peer);
    return jti;
  }

  /** @throws GatewayError NOT_FOUND */
  async state(jti: string): Promise<TestEnvelopeState> {
    const { row, trouble } = await this.context.db.read(async (tx) => {
      const found = await tx.findOneBy(OutboxRow, { jti, transferId: jti });
      return { row: found, trouble: found && (await laneTrouble(tx, found.peer)) };
    });
    if (!row) throw new GatewayError('NOT_FOUND', { what: 'test-envelope' });
    const waits = row.state === 'queued' ? trouble : null;
    return {
      jti,
      peer: row.peer,
      state: row.state,
      refusal: row.refusal,
      queuedAt: row.createdAt,
      settledAt: row.settledAt,
      attempts: waits?.attempts ?? 0,
      lastError: waits?.error ?? null,
      nextAttemptAt: waits?.nextAttemptAt ?? null,
    };
  }
}
