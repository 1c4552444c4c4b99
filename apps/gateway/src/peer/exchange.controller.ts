import type { PeerCertificate } from 'node:tls';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { GatewayError } from '@jieqiao/core';
import type {
  AnnounceRequest__Output,
  AnnounceResponse,
  DeliverRequest__Output,
  DeliverResponse,
} from '@jieqiao/delivery';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Gateway } from '../gateway';
import { PeerErrorFilter } from './peer-error.filter';

/** More deliveries or announcements in one call than any lane of ours sends. */
const maxPerCall = 1_000;

/** The gRPC service for peers: who is it, one call, encode. */
@Controller()
@UseFilters(PeerErrorFilter)
export class ExchangeController {
  constructor(private readonly gateway: Gateway) {}

  @GrpcMethod('ExchangeService', 'Announce')
  async announce(
    request: AnnounceRequest__Output,
    _metadata: unknown,
    call: ServerUnaryCall<unknown, unknown>,
  ): Promise<AnnounceResponse> {
    const peer = this.identify(call);
    mustBeFew(request.envelopes);
    return { blobs: await this.gateway.intake.announce(peer, request.envelopes) };
  }

  @GrpcMethod('ExchangeService', 'Deliver')
  async deliver(
    request: DeliverRequest__Output,
    _metadata: unknown,
    call: ServerUnaryCall<unknown, unknown>,
  ): Promise<DeliverResponse> {
    const peer = this.identify(call);
    mustBeFew(request.deliveries);
    return { outcomes: await this.gateway.receiver.receive(peer, request.deliveries) };
  }

  private identify(call: ServerUnaryCall<unknown, unknown>): string {
    const certificate = call.getAuthContext()?.sslPeerCertificate as PeerCertificate | undefined;
    try {
      return this.gateway.agreements.identify(certificate?.raw);
    } catch (error) {
      this.gateway.refusals.record(error);
      throw error;
    }
  }
}

function mustBeFew(items: readonly unknown[]): void {
  if (items.length > maxPerCall) throw new GatewayError('LIMIT_EXCEEDED', { what: 'per-call', limit: maxPerCall });
}
