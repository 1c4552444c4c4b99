import {
  type Agreement,
  type CaseMessage,
  digestOf,
  type EnvelopeBundle,
  type EnvelopeClaims,
  signEnvelope,
  uuidv7,
} from '@jieqiao/core';
import type { ChainEnd, QueuedEnvelope } from '@jieqiao/delivery';
import type { KeyRing } from '@jieqiao/platform';
import type { TransferRow } from './tables';
import type { StateMessage } from './transfer/command-data';

export interface EnvelopeMaker {
  node: string;
  /** This node's keys as they are now. */
  keys: () => KeyRing;
  /** How long the peer may take to accept an envelope, seconds. */
  envelopeLifetime: number;
  random: (bytes: number) => Buffer;
}

/** The peer judges by the time in an envelope, which has whole seconds: so does whoever signs one. */
export const wholeSecond = (at: Date): Date => new Date(Math.floor(at.getTime() / 1000) * 1000);

/**
 * Signs the next envelope of a chain about a transfer, and moves the chain's end, which the caller has locked and saves.
 * `brings`: the kind and number of the transfer whose bundle it hands over; null for a message about it.
 */
export function nextEnvelope(
  { node, keys, envelopeLifetime, random }: EnvelopeMaker,
  end: ChainEnd,
  about: {
    row: Pick<TransferRow, 'id' | 'dossierId' | 'peer'>;
    message: StateMessage;
    bundle: EnvelopeBundle | null;
    brings: { transferKind: string; number: string } | null;
    agreement: Agreement;
    at: Date;
  },
): QueuedEnvelope {
  const { row, bundle, brings, agreement, at } = about;
  const message = about.message as StateMessage & CaseMessage;
  const iat = wholeSecond(at).getTime() / 1000;
  const common = {
    iss: node,
    aud: row.peer,
    jti: uuidv7(at.getTime(), random(10)),
    iat,
    exp: iat + envelopeLifetime,
    dossier: row.dossierId,
    transfer: row.id,
    seq: end.seq + 1,
    prev: end.digest,
    agreement: agreement.ref,
    bundle,
  };
  const claims: EnvelopeClaims = brings
    ? { ...common, kind: 'transfer', body: { ...brings, message } }
    : { ...common, kind: 'state', body: { message } };
  const envelope = signEnvelope(claims, keys().node(agreement, wholeSecond(at)));
  end.seq = claims.seq;
  end.digest = digestOf(Buffer.from(envelope));
  return {
    jti: claims.jti,
    peer: row.peer,
    seq: claims.seq,
    transferId: row.id,
    envelope,
    digest: end.digest,
    createdAt: at.toISOString(),
  };
}

/** What casework said in an envelope that this node has signed or checked itself. */
export function messageIn(jws: string): StateMessage | null {
  const claims = JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as EnvelopeClaims;
  return claims.kind === 'test' ? null : (claims.body.message as unknown as StateMessage);
}
