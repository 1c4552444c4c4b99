import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PeerCertificate } from 'node:tls';
import { credentials as grpcCredentials, Metadata } from '@grpc/grpc-js';
import { Certificate, checkChain, type Digest, type ErrorCode, errorCodes, GatewayError, nodeUrn } from '@jieqiao/core';
import { type ClientGrpcProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom, type Observable } from 'rxjs';
import type { Peer } from './agreement-book';
import type { AnnounceRequest } from './generated/jieqiao/exchange/v1/AnnounceRequest';
import type { AnnounceResponse__Output } from './generated/jieqiao/exchange/v1/AnnounceResponse';
import type { BlobState__Output } from './generated/jieqiao/exchange/v1/BlobState';
import type { DeliverRequest } from './generated/jieqiao/exchange/v1/DeliverRequest';
import type { DeliverResponse__Output } from './generated/jieqiao/exchange/v1/DeliverResponse';
import type { Outcome__Output } from './generated/jieqiao/exchange/v1/Outcome';

export const protoFile = join(__dirname, '../../../proto/jieqiao/exchange/v1/exchange.proto');
export const protoPackage = 'jieqiao.exchange.v1';
/** One decoded form on both sides: 64-bit numbers as numbers, enums by name, absent fields as defaults. */
export const protoLoader = { longs: Number, enums: String, defaults: true, arrays: true };
export const maxMessageBytes = 8 * 1024 * 1024;

/** This node's key and certificate as TLS wants them. */
export interface TlsIdentity {
  key: string;
  cert: string;
}

interface ExchangeStub {
  announce(request: AnnounceRequest, metadata: Metadata, options: CallOptions): Observable<AnnounceResponse__Output>;
  deliver(request: DeliverRequest, metadata: Metadata, options: CallOptions): Observable<DeliverResponse__Output>;
}

interface CallOptions {
  deadline: number;
}

/** Speaks to one peer: gRPC for envelopes, HTTPS for evidence bytes, both under the node's certificate. */
export class PeerClient {
  private readonly proxy: ClientGrpcProxy;
  private readonly stub: ExchangeStub;
  private readonly agent: Agent;

  constructor(
    private readonly peer: Peer,
    identity: TlsIdentity,
    private readonly callTimeoutMs: number,
  ) {
    const anchors = peer.party.anchors.map((anchor) => anchor.toPem()).join('');
    const checkServerIdentity = (_host: string, certificate: PeerCertificate) => this.identityProblem(certificate);
    this.proxy = ClientProxyFactory.create({
      transport: Transport.GRPC,
      options: {
        url: peer.endpoints.grpc,
        package: protoPackage,
        protoPath: protoFile,
        loader: protoLoader,
        maxSendMessageLength: maxMessageBytes,
        maxReceiveMessageLength: maxMessageBytes,
        credentials: grpcCredentials.createSsl(
          Buffer.from(anchors),
          Buffer.from(identity.key),
          Buffer.from(identity.cert),
          {
            checkServerIdentity,
          },
        ),
        channelOptions: {
          // Who answers is decided by its certificate's URN, not by its address.
          'grpc.ssl_target_name_override': 'peer.jieqiao.invalid',
          'grpc.initial_reconnect_backoff_ms': 200,
          'grpc.max_reconnect_backoff_ms': 5_000,
          'grpc.keepalive_time_ms': 30_000,
        },
      },
    }) as ClientGrpcProxy;
    this.stub = this.proxy.getService<ExchangeStub>('ExchangeService');
    this.agent = new Agent({ ...identity, ca: anchors, keepAlive: true, maxSockets: 4, checkServerIdentity });
  }

  /** @throws GatewayError PEER_UNREACHABLE, or what the peer answered */
  async announce(envelopes: string[]): Promise<BlobState__Output[]> {
    const answer = this.stub.announce({ envelopes }, new Metadata(), { deadline: Date.now() + this.callTimeoutMs });
    return (await firstValueFrom(answer).catch(asGatewayError)).blobs;
  }

  /** @throws GatewayError PEER_UNREACHABLE, or what the peer answered */
  async deliver(request: DeliverRequest): Promise<Outcome__Output[]> {
    const answer = this.stub.deliver(request, new Metadata(), { deadline: Date.now() + this.callTimeoutMs });
    return (await firstValueFrom(answer).catch(asGatewayError)).outcomes;
  }

  /**
   * Pushes the rest of a file. The receiver keeps what arrives, so a broken push is resumed from its new offset.
   * @throws GatewayError PEER_UNREACHABLE, or what the peer answered
   */
  async push(digest: Digest, offset: number, bytes: number, content: Readable): Promise<void> {
    const url = `${this.peer.endpoints.blobs}/peer/v1/blobs/${digest}`;
    const left = bytes - offset;
    const put = request(url, {
      method: 'PUT',
      agent: this.agent,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': left,
        'content-range': left === 0 ? `bytes */${bytes}` : `bytes ${offset}-${bytes - 1}/${bytes}`,
      },
    });
    put.setTimeout(this.callTimeoutMs, () => put.destroy(new Error('timeout')));
    const answered = new Promise<{ status: number; body: string }>((resolve, reject) => {
      put.once('error', reject);
      put.once('response', (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (body.length < 4_096) body += chunk;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.once('error', reject);
      });
    });
    // A refusal may come before all is sent; it is the answer that counts, not the broken pipe.
    const sent = pipeline(content, put).catch(() => undefined);
    try {
      const { status, body } = await answered;
      if (status !== 201) throw new GatewayError(codeIn(body), { status });
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError('PEER_UNREACHABLE', { reason: (cause as { code?: string }).code ?? 'broken' }, { cause });
    } finally {
      content.destroy();
      await sent;
    }
  }

  close(): void {
    this.proxy.close();
    this.agent.destroy();
  }

  private identityProblem(certificate: PeerCertificate): Error | undefined {
    const urn = nodeUrn(this.peer.party.node);
    const leaf = Certificate.parse(certificate.raw);
    const problem = checkChain(leaf, this.peer.party.anchors, new Date(), 'node', urn);
    return problem ? new Error(`PEER_CERTIFICATE_REFUSED ${problem.code}`) : undefined;
  }
}

function codeIn(body: string): ErrorCode {
  try {
    const code = (JSON.parse(body) as { code?: string }).code;
    return errorCodes.find((known) => known === code) ?? 'PEER_UNREACHABLE';
  } catch {
    return 'PEER_UNREACHABLE';
  }
}

/** gRPC errors carry our code at the start of their details; a peer that is not there has none. */
function asGatewayError(cause: unknown): never {
  if (typeof (cause as { code?: unknown }).code !== 'number') throw cause;
  const details = String((cause as { details?: string }).details ?? '');
  const code = errorCodes.find((known) => details === known || details.startsWith(`${known} `));
  const refused = details.includes('PEER_CERTIFICATE_REFUSED') ? 'PEER_CERTIFICATE_REFUSED' : undefined;
  throw new GatewayError(code ?? refused ?? 'PEER_UNREACHABLE', { grpc: (cause as { code?: number }).code }, { cause });
}
