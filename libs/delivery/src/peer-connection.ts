import type { AgreementBook } from './agreement-book';
import { PeerClient } from './peer-client';

/**
 * The client of one peer, made anew when the peer has moved or has other roots, when this node's certificate has been
 * renewed, and when the certificate that the peer showed is good no longer: a connection that stands goes on under what
 * it began with.
 */
export class PeerConnection {
  private current: { made: string; client: PeerClient } | null = null;

  constructor(
    private readonly peer: string,
    private readonly agreements: AgreementBook,
    private readonly callTimeoutMs: number,
    private readonly now: () => Date,
  ) {}

  /** @throws GatewayError AGREEMENT_MISSING, AGREEMENT_NOT_IN_FORCE, CERTIFICATE_REFUSED */
  client(): PeerClient {
    const { agreements, now } = this;
    const peer = agreements.peer(this.peer, now());
    const identity = agreements.identity(now(), this.peer);
    const roots = peer.roots.map(({ fingerprint }) => fingerprint);
    const made = JSON.stringify([peer.endpoints, roots, identity.cert]);
    if (this.current?.made !== made || !this.current.client.stillGood) {
      this.close();
      this.current = { made, client: new PeerClient(peer, identity, this.callTimeoutMs, now) };
    }
    return this.current.client;
  }

  /** Calls under way fail; the next one makes a connection. */
  close(): void {
    this.current?.client.close();
    this.current = null;
  }
}
