import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PeerCertificate } from 'node:tls';
import { type Client, connectivityState, credentials as grpcCredentials, Metadata, status } from '@grpc/grpc-js';
import { Certificate, type Digest, type ErrorCode, errorCodes, GatewayError } from '@jieqiao/core';
import type { TlsIdentity } from '@jieqiao/platform';
import { type ClientGrpcProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom, type Observable, Subject, takeUntil } from 'rxjs';
import type { Peer } from './agreement-book';
import type { AgreementOutcome__Output } from './generated/jieqiao/exchange/v1/AgreementOutcome';
import type { AnnounceRequest } from './generated/jieqiao/exchange/v1/AnnounceRequest';
import type { AnnounceResponse__Output } from './generated/jieqiao/exchange/v1/AnnounceResponse';
import type { BlobState__Output } from './generated/jieqiao/exchange/v1/BlobState';
import type { CompareActsRequest } from './generated/jieqiao/exchange/v1/CompareActsRequest';
import type { CompareActsResponse__Output } from './generated/jieqiao/exchange/v1/CompareActsResponse';
import type { DeliverRequest } from './generated/jieqiao/exchange/v1/DeliverRequest';
import type { DeliverResponse__Output } from './generated/jieqiao/exchange/v1/DeliverResponse';
import type { HelloRequest } from './generated/jieqiao/exchange/v1/HelloRequest';
import type { HelloResponse__Output } from './generated/jieqiao/exchange/v1/HelloResponse';
import type { OfferAgreementsRequest } from './generated/jieqiao/exchange/v1/OfferAgreementsRequest';
import type { OfferAgreementsResponse__Output } from './generated/jieqiao/exchange/v1/OfferAgreementsResponse';
import type { Outcome__Output } from './generated/jieqiao/exchange/v1/Outcome';

export const protoFile = join(__dirname, '../../../proto/jieqiao/exchange/v1/exchange.proto');
export const protoPackage = 'jieqiao.exchange.v1';
/** One decoded form on both sides: 64-bit numbers as numbers, enums by name, absent fields as defaults. */
export const protoLoader = { longs: Number, enums: String, defaults: true, arrays: true };
export const maxMessageBytes = 8 * 1024 * 1024;

type Call<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { deadline: number },
) => Observable<Response>;

interface ExchangeStub {
  announce: Call<AnnounceRequest, AnnounceResponse__Output>;
  deliver: Call<DeliverRequest, DeliverResponse__Output>;
  hello: Call<HelloRequest, HelloResponse__Output>;
  offerAgreements: Call<OfferAgreementsRequest, OfferAgreementsResponse__Output>;
  compareActs: Call<CompareActsRequest, CompareActsResponse__Output>;
}

/** Speaks to one peer: gRPC for envelopes, HTTPS for evidence bytes, both under the node's certificate. */
export class PeerClient {
  private readonly proxy: ClientGrpcProxy;
  private readonly stub: ExchangeStub;
  private readonly agent: Agent;
  private readonly closed = new Subject<void>();
  /** Of the peer, at the last handshake of the gRPC connection. */
  certificate: Certificate | null = null;
  /** Handshakes of the gRPC connection so far: another number, another connection. */
  handshakes = 0;

  constructor(
    private readonly peer: Peer,
    identity: TlsIdentity,
    private readonly callTimeoutMs: number,
    private readonly now: () => Date,
  ) {
    const roots = peer.roots.map((root) => root.toPem()).join('');
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
          Buffer.from(roots),
          Buffer.from(identity.key),
          Buffer.from(identity.cert),
          {
            checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
              this.handshakes++;
              this.certificate = Certificate.parse(certificate.raw);
              return this.refusalOf(this.certificate);
            },
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
    this.agent = new Agent({
      ...identity,
      ca: roots,
      keepAlive: true,
      maxSockets: 4,
      checkServerIdentity: (_host, certificate) => this.refusalOf(Certificate.parse(certificate.raw)),
    });
  }

  /** Whether the gRPC connection stands; the next call would make one. */
  get connected(): boolean {
    const client = this.proxy.getClientByServiceName<Client>('ExchangeService');
    return client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** False when the certificate that was good at the handshake has expired since, or stands on a list that came since. */
  get stillGood(): boolean {
    return this.certificate === null || this.peer.certificateProblem(this.certificate, this.now()) === null;
  }

  /** @throws GatewayError PEER_UNREACHABLE, or what the peer answered */
  async announce(envelopes: string[]): Promise<BlobState__Output[]> {
    return (await this.call(this.stub.announce, { envelopes })).blobs;
  }

  /** @throws GatewayError PEER_UNREACHABLE, or what the peer answered */
  async deliver(request: DeliverRequest): Promise<Outcome__Output[]> {
    return (await this.call(this.stub.deliver, request)).outcomes;
  }

  /**
   * @returns null when the peer's software is older than this call
   * @throws GatewayError PEER_UNREACHABLE, or what the peer answered
   */
  async hello(request: HelloRequest): Promise<HelloResponse__Output | null> {
    try {
      return await this.call(this.stub.hello, request);
    } catch (error) {
      if (error instanceof GatewayError && error.params.grpc === status.UNIMPLEMENTED) return null;
      throw error;
    }
  }

  /** @throws GatewayError PEER_UNREACHABLE, or what the peer answered */
  async offerAgreements(files: Uint8Array[]): Promise<AgreementOutcome__Output[]> {
    return (await this.call(this.stub.offerAgreements, { files: files.map((file) => Buffer.from(file)) })).outcomes;
  }

  /** @throws GatewayError PEER_UNREACHABLE, also for software older than this call; or what the peer answered */
  compareActs(request: CompareActsRequest): Promise<CompareActsResponse__Output> {
    return this.call(this.stub.compareActs, request);
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

  /** Calls under way fail at once. */
  close(): void {
    this.closed.next();
    this.proxy.close();
    this.agent.destroy();
  }

  private async call<Request, Response>(method: Call<Request, Response>, request: Request): Promise<Response> {
    const answer = method.call(this.stub, request, new Metadata(), { deadline: Date.now() + this.callTimeoutMs });
    const nothing = new GatewayError('PEER_UNREACHABLE', { reason: 'closed' });
    const response = await firstValueFrom(answer.pipe(takeUntil(this.closed)), { defaultValue: nothing }).catch(
      asGatewayError,
    );
    if (response === nothing) throw nothing;
    return response as Response;
  }

  private refusalOf(leaf: Certificate): Error | undefined {
    const problem = this.peer.certificateProblem(leaf, this.now());
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
