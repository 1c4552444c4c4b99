// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AnnounceRequest as _jieqiao_exchange_v1_AnnounceRequest, AnnounceRequest__Output as _jieqiao_exchange_v1_AnnounceRequest__Output } from '../../../jieqiao/exchange/v1/AnnounceRequest';
import type { AnnounceResponse as _jieqiao_exchange_v1_AnnounceResponse, AnnounceResponse__Output as _jieqiao_exchange_v1_AnnounceResponse__Output } from '../../../jieqiao/exchange/v1/AnnounceResponse';
import type { DeliverRequest as _jieqiao_exchange_v1_DeliverRequest, DeliverRequest__Output as _jieqiao_exchange_v1_DeliverRequest__Output } from '../../../jieqiao/exchange/v1/DeliverRequest';
import type { DeliverResponse as _jieqiao_exchange_v1_DeliverResponse, DeliverResponse__Output as _jieqiao_exchange_v1_DeliverResponse__Output } from '../../../jieqiao/exchange/v1/DeliverResponse';

export interface ExchangeServiceClient extends grpc.Client {
  /**
   * Names the files that are about to be pushed. Answers how much of each has arrived from this peer before.
   */
  Announce(argument: _jieqiao_exchange_v1_AnnounceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  Announce(argument: _jieqiao_exchange_v1_AnnounceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  Announce(argument: _jieqiao_exchange_v1_AnnounceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  Announce(argument: _jieqiao_exchange_v1_AnnounceRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Names the files that are about to be pushed. Answers how much of each has arrived from this peer before.
   */
  announce(argument: _jieqiao_exchange_v1_AnnounceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  announce(argument: _jieqiao_exchange_v1_AnnounceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  announce(argument: _jieqiao_exchange_v1_AnnounceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  announce(argument: _jieqiao_exchange_v1_AnnounceRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_AnnounceResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Hands over envelopes in the order of their chain. The answer holds one outcome per envelope, in the same order.
   */
  Deliver(argument: _jieqiao_exchange_v1_DeliverRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  Deliver(argument: _jieqiao_exchange_v1_DeliverRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  Deliver(argument: _jieqiao_exchange_v1_DeliverRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  Deliver(argument: _jieqiao_exchange_v1_DeliverRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Hands over envelopes in the order of their chain. The answer holds one outcome per envelope, in the same order.
   */
  deliver(argument: _jieqiao_exchange_v1_DeliverRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  deliver(argument: _jieqiao_exchange_v1_DeliverRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  deliver(argument: _jieqiao_exchange_v1_DeliverRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  deliver(argument: _jieqiao_exchange_v1_DeliverRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_DeliverResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ExchangeServiceHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Names the files that are about to be pushed. Answers how much of each has arrived from this peer before.
   */
  Announce: grpc.handleUnaryCall<_jieqiao_exchange_v1_AnnounceRequest__Output, _jieqiao_exchange_v1_AnnounceResponse>;
  
  /**
   * Hands over envelopes in the order of their chain. The answer holds one outcome per envelope, in the same order.
   */
  Deliver: grpc.handleUnaryCall<_jieqiao_exchange_v1_DeliverRequest__Output, _jieqiao_exchange_v1_DeliverResponse>;
  
}

export interface ExchangeServiceDefinition extends grpc.ServiceDefinition {
  Announce: MethodDefinition<_jieqiao_exchange_v1_AnnounceRequest, _jieqiao_exchange_v1_AnnounceResponse, _jieqiao_exchange_v1_AnnounceRequest__Output, _jieqiao_exchange_v1_AnnounceResponse__Output>
  Deliver: MethodDefinition<_jieqiao_exchange_v1_DeliverRequest, _jieqiao_exchange_v1_DeliverResponse, _jieqiao_exchange_v1_DeliverRequest__Output, _jieqiao_exchange_v1_DeliverResponse__Output>
}
