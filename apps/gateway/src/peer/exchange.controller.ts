import type { PeerCertificate } from 'node:tls';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { Certificate, GatewayError } from '@jieqiao/core';
import type {
  AnnounceRequest__Output,
  AnnounceResponse,
  CompareActsRequest__Output,
  CompareActsResponse,
  DeliverRequest__Output,
  DeliverResponse,
  HelloRequest__Output,
  HelloResponse,
  OfferAgreementsRequest__Output,
  OfferAgreementsResponse,
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

  @GrpcMethod('ExchangeService', 'Hello')
  async hello(
    request: HelloRequest__Output,
    _metadata: unknown,
    call: ServerUnaryCall<unknown, unknown>,
  ): Promise<HelloResponse> {
    const peer = this.identify(call);
    return this.gateway.hello.answer(peer, Certificate.parse(certificateOf(call)!), request);
  }

  @GrpcMethod('ExchangeService', 'OfferAgreements')
  async offerAgreements(
    request: OfferAgreementsRequest__Output,
    _metadata: unknown,
    call: ServerUnaryCall<unknown, unknown>,
  ): Promise<OfferAgreementsResponse> {
    const peer = this.identify(call);
    return { outcomes: await this.gateway.hello.takeOffered(peer, request.files) };
  }

  @GrpcMethod('ExchangeService', 'CompareActs')
  async compareActs(
    request: CompareActsRequest__Output,
    _metadata: unknown,
    call: ServerUnaryCall<unknown, unknown>,
  ): Promise<CompareActsResponse> {
    const peer = this.identify(call);
    return this.gateway.sameAct.answer(peer, request);
  }

  private identify(call: ServerUnaryCall<unknown, unknown>): string {
    try {
      return this.gateway.agreements.identify(certificateOf(call));
    } catch (error) {
      this.gateway.refusals.record(error);
      throw error;
    }
  }
}

function certificateOf(call: ServerUnaryCall<unknown, unknown>): Buffer | undefined {
  return (call.getAuthContext()?.sslPeerCertificate as PeerCertificate | undefined)?.raw;
}

function mustBeFew(items: readonly unknown[]): void {
  if (items.length > maxPerCall) throw new GatewayError('LIMIT_EXCEEDED', { what: 'per-call', limit: maxPerCall });
}
