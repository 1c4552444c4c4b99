import type { Server as HttpsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { GatewayError } from '@jieqiao/core';
import { maxMessageBytes, protoFile, protoLoader, protoPackage } from '@jieqiao/delivery';
import { type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type GrpcOptions, ServerGrpc } from '@nestjs/microservices';
import { Gateway } from '../gateway';
import { blobServer, handshakeRefusal } from './blob-endpoint';
import { ExchangeController } from './exchange.controller';

@Module({})
class PeerModule {}

/** What peers reach: the gRPC service and the blob endpoint, both only for certificates under an agreement's roots. */
export class PeerListeners {
  private constructor(
    private readonly grpc: INestMicroservice,
    private readonly blobs: HttpsServer,
  ) {}

  /** @throws GatewayError AGREEMENT_MISSING: without one there is nobody whose certificate could be believed */
  static async start(gateway: Gateway): Promise<PeerListeners> {
    const anchors = gateway.agreements.anchors(new Date());
    // With no roots given, TLS would fall back on the machine's public certification authorities.
    if (anchors.length === 0) throw new GatewayError('AGREEMENT_MISSING', {});
    const { host, grpcPort, blobPort } = gateway.config.peer;
    const blobs = blobServer(gateway);
    await new Promise<void>((resolve, reject) => {
      blobs.once('error', reject);
      blobs.listen(blobPort, host, resolve);
    });
    const { key, cert } = gateway.keys.tls;
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
    const roots = Buffer.from(anchors.map((anchor) => anchor.toPem()).join(''));
    const module = {
      module: PeerModule,
      controllers: [ExchangeController],
      providers: [{ provide: Gateway, useValue: gateway }],
    };
    const strategy = new WatchedGrpcServer({
      url: `${host}:${grpcPort}`,
      package: protoPackage,
      protoPath: protoFile,
      loader: protoLoader,
      maxSendMessageLength: maxMessageBytes,
      maxReceiveMessageLength: maxMessageBytes,
      credentials: ServerCredentials.createSsl(roots, [pair], true),
      gracefulShutdown: true,
      channelOptions: { 'grpc.max_concurrent_streams': 64 },
    });
    const grpc = await NestFactory.createMicroservice(module, { strategy, logger: false, abortOnError: false });
    await grpc.listen();
    strategy.watchHandshakes(gateway);
    return new PeerListeners(grpc, blobs);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.blobs.close(() => resolve()));
    this.blobs.closeAllConnections();
    await Promise.all([this.grpc.close(), closed]);
  }
}

/**
 * A stranger's certificate fails in the TLS handshake, which grpc-js keeps to itself; its HTTP/2 servers are looked up
 * here so that the attempt reaches the log. An integration test fails should grpc-js rename them.
 */
class WatchedGrpcServer extends ServerGrpc {
  constructor(options: GrpcOptions['options']) {
    super(options);
  }

  watchHandshakes(gateway: Gateway): void {
    const { http2Servers } = this.grpcClient as { http2Servers?: Map<NodeJS.EventEmitter, unknown> };
    if (!http2Servers) gateway.log.error({}, 'grpc-handshakes-not-watched');
    for (const listener of http2Servers?.keys() ?? []) {
      listener.on('tlsClientError', (error: Error, socket: TLSSocket) => {
        gateway.refusals.record(handshakeRefusal(error, socket));
      });
    }
  }
}
