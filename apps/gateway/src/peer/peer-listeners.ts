import type { Server as HttpsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { hasCode } from '@jieqiao/core';
import { maxMessageBytes, protoFile, protoLoader, protoPackage } from '@jieqiao/delivery';
import { type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type GrpcOptions, ServerGrpc } from '@nestjs/microservices';
import { Gateway } from '../gateway';
import { blobServer, handshakeRefusal } from './blob-endpoint';
import { ExchangeController } from './exchange.controller';

/** How long calls under way may take to end when the node stops. */
const closeMs = 5_000;

@Module({})
class PeerModule {}

/** What a TLS server shows and whom it believes, PEM. */
export interface PeerTls {
  key: string;
  cert: string;
  /** Never empty: with no roots given, TLS would fall back on the machine's public certification authorities. */
  ca: string[];
  minVersion: 'TLSv1.2';
}

interface Open {
  grpc: INestMicroservice;
  credentials: PeerCredentials;
  blobs: HttpsServer;
  tls: PeerTls;
}

/**
 * What peers reach: the gRPC service and the blob endpoint, both only for certificates under an agreement's roots. They
 * open with the first agreement, follow renewed certificates and new roots without losing a connection, and close when
 * there is nobody left whose certificate could be believed.
 */
export class PeerListeners {
  private open: Open | null = null;
  private stopped = false;
  /** None of this node's certificates is good; said once. */
  private withoutCertificate = false;

  private constructor(private readonly gateway: Gateway) {}

  static async start(gateway: Gateway): Promise<PeerListeners> {
    const listeners = new PeerListeners(gateway);
    await listeners.refresh();
    gateway.follow(() => listeners.refresh());
    return listeners;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.close();
  }

  private async close(): Promise<void> {
    const open = this.open;
    if (!open) return;
    this.open = null;
    const closed = new Promise<void>((resolve) => open.blobs.close(() => resolve()));
    open.blobs.closeAllConnections();
    await Promise.all([open.grpc.close(), closed]);
  }

  private async refresh(): Promise<void> {
    if (this.stopped) return;
    const tls = this.wanted();
    if (!tls) return this.close();
    if (!this.open) {
      this.open = await this.listen(tls);
      this.gateway.log.info({ peer: this.gateway.config.peer }, 'open-to-peers');
      if (this.stopped) await this.close(); // meanwhile
    } else if (JSON.stringify(tls) !== JSON.stringify(this.open.tls)) {
      // Connections that stand go on under what they began with; each call on them is judged by itself.
      this.open.blobs.setSecureContext(tls);
      this.open.credentials.show(tls);
      this.open.tls = tls;
      this.gateway.log.info({}, 'peer-certificates-renewed');
    }
  }

  private wanted(): PeerTls | null {
    const { agreements, log, now } = this.gateway;
    const at = now();
    const ca = agreements.anchors(at).map((anchor) => anchor.toPem());
    if (ca.length === 0) return null;
    try {
      const identity = agreements.identity(at);
      this.withoutCertificate = false;
      return { ...identity, ca, minVersion: 'TLSv1.2' };
    } catch (error) {
      if (!hasCode(error, 'CERTIFICATE_REFUSED')) throw error;
      if (!this.withoutCertificate) log.error({ error, remedy: 'jieqiao doctor' }, 'own-certificate-not-good');
      this.withoutCertificate = true;
      return this.open && { ...this.open.tls, ca };
    }
  }

  private async listen(tls: PeerTls): Promise<Open> {
    const { gateway } = this;
    const { host, grpcPort, blobPort } = gateway.config.peer;
    const blobs = blobServer(gateway, tls);
    await new Promise<void>((resolve, reject) => {
      blobs.once('error', reject);
      blobs.listen(blobPort, host, resolve);
    });
    const module = {
      module: PeerModule,
      controllers: [ExchangeController],
      providers: [{ provide: Gateway, useValue: gateway }],
    };
    const credentials = new PeerCredentials(tls);
    const strategy = new WatchedGrpcServer({
      url: `${host}:${grpcPort}`,
      package: protoPackage,
      protoPath: protoFile,
      loader: protoLoader,
      maxSendMessageLength: maxMessageBytes,
      maxReceiveMessageLength: maxMessageBytes,
      credentials,
      gracefulShutdown: true,
      channelOptions: { 'grpc.max_concurrent_streams': 64 },
    });
    try {
      const grpc = await NestFactory.createMicroservice(module, { strategy, logger: false, abortOnError: false });
      await grpc.listen();
      strategy.watchHandshakes(gateway);
      return { grpc, credentials, blobs, tls };
    } catch (error) {
      blobs.close();
      throw error;
    }
  }
}

/** Mutual TLS whose key, certificate and roots change while the server runs. */
class PeerCredentials extends ServerCredentials {
  constructor(tls: PeerTls) {
    super({ requestCert: true, rejectUnauthorized: true }, tls);
  }

  show(tls: PeerTls): void {
    this.updateSecureContextOptions(tls);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
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

  /** grpc-js forgets a connection that is being made when it begins to close, and then waits for its end for ever. */
  override async close(): Promise<void> {
    const server = this.grpcClient as Server | null;
    const enough = setTimeout(() => server?.forceShutdown(), closeMs);
    try {
      await super.close();
    } finally {
      clearTimeout(enough);
    }
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
