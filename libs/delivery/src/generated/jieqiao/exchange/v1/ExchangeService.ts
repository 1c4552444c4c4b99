// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AnnounceRequest as _jieqiao_exchange_v1_AnnounceRequest, AnnounceRequest__Output as _jieqiao_exchange_v1_AnnounceRequest__Output } from '../../../jieqiao/exchange/v1/AnnounceRequest';
import type { AnnounceResponse as _jieqiao_exchange_v1_AnnounceResponse, AnnounceResponse__Output as _jieqiao_exchange_v1_AnnounceResponse__Output } from '../../../jieqiao/exchange/v1/AnnounceResponse';
import type { CompareActsRequest as _jieqiao_exchange_v1_CompareActsRequest, CompareActsRequest__Output as _jieqiao_exchange_v1_CompareActsRequest__Output } from '../../../jieqiao/exchange/v1/CompareActsRequest';
import type { CompareActsResponse as _jieqiao_exchange_v1_CompareActsResponse, CompareActsResponse__Output as _jieqiao_exchange_v1_CompareActsResponse__Output } from '../../../jieqiao/exchange/v1/CompareActsResponse';
import type { DeliverRequest as _jieqiao_exchange_v1_DeliverRequest, DeliverRequest__Output as _jieqiao_exchange_v1_DeliverRequest__Output } from '../../../jieqiao/exchange/v1/DeliverRequest';
import type { DeliverResponse as _jieqiao_exchange_v1_DeliverResponse, DeliverResponse__Output as _jieqiao_exchange_v1_DeliverResponse__Output } from '../../../jieqiao/exchange/v1/DeliverResponse';
import type { HelloRequest as _jieqiao_exchange_v1_HelloRequest, HelloRequest__Output as _jieqiao_exchange_v1_HelloRequest__Output } from '../../../jieqiao/exchange/v1/HelloRequest';
import type { HelloResponse as _jieqiao_exchange_v1_HelloResponse, HelloResponse__Output as _jieqiao_exchange_v1_HelloResponse__Output } from '../../../jieqiao/exchange/v1/HelloResponse';
import type { OfferAgreementsRequest as _jieqiao_exchange_v1_OfferAgreementsRequest, OfferAgreementsRequest__Output as _jieqiao_exchange_v1_OfferAgreementsRequest__Output } from '../../../jieqiao/exchange/v1/OfferAgreementsRequest';
import type { OfferAgreementsResponse as _jieqiao_exchange_v1_OfferAgreementsResponse, OfferAgreementsResponse__Output as _jieqiao_exchange_v1_OfferAgreementsResponse__Output } from '../../../jieqiao/exchange/v1/OfferAgreementsResponse';

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
   * Has the asked node filed a case about the same act? Neither side shows the other what it does not know already
   * (docs/spec/same-act.md).
   */
  CompareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  CompareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  CompareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  CompareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Has the asked node filed a case about the same act? Neither side shows the other what it does not know already
   * (docs/spec/same-act.md).
   */
  compareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  compareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  compareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  compareActs(argument: _jieqiao_exchange_v1_CompareActsRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_CompareActsResponse__Output>): grpc.ClientUnaryCall;
  
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
  
  /**
   * What two nodes tell each other before they exchange: the time, revocation lists, agreements. Said by the client on
   * each new connection and then once a minute; both sides learn.
   */
  Hello(argument: _jieqiao_exchange_v1_HelloRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  Hello(argument: _jieqiao_exchange_v1_HelloRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  Hello(argument: _jieqiao_exchange_v1_HelloRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  Hello(argument: _jieqiao_exchange_v1_HelloRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  /**
   * What two nodes tell each other before they exchange: the time, revocation lists, agreements. Said by the client on
   * each new connection and then once a minute; both sides learn.
   */
  hello(argument: _jieqiao_exchange_v1_HelloRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  hello(argument: _jieqiao_exchange_v1_HelloRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  hello(argument: _jieqiao_exchange_v1_HelloRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  hello(argument: _jieqiao_exchange_v1_HelloRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_HelloResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Hands over agreement versions that the other party lacks: whole files with every party's signature, older first.
   */
  OfferAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  OfferAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  OfferAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  OfferAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Hands over agreement versions that the other party lacks: whole files with every party's signature, older first.
   */
  offerAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  offerAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  offerAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  offerAgreements(argument: _jieqiao_exchange_v1_OfferAgreementsRequest, callback: grpc.requestCallback<_jieqiao_exchange_v1_OfferAgreementsResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ExchangeServiceHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Names the files that are about to be pushed. Answers how much of each has arrived from this peer before.
   */
  Announce: grpc.handleUnaryCall<_jieqiao_exchange_v1_AnnounceRequest__Output, _jieqiao_exchange_v1_AnnounceResponse>;
  
  /**
   * Has the asked node filed a case about the same act? Neither side shows the other what it does not know already
   * (docs/spec/same-act.md).
   */
  CompareActs: grpc.handleUnaryCall<_jieqiao_exchange_v1_CompareActsRequest__Output, _jieqiao_exchange_v1_CompareActsResponse>;
  
  /**
   * Hands over envelopes in the order of their chain. The answer holds one outcome per envelope, in the same order.
   */
  Deliver: grpc.handleUnaryCall<_jieqiao_exchange_v1_DeliverRequest__Output, _jieqiao_exchange_v1_DeliverResponse>;
  
  /**
   * What two nodes tell each other before they exchange: the time, revocation lists, agreements. Said by the client on
   * each new connection and then once a minute; both sides learn.
   */
  Hello: grpc.handleUnaryCall<_jieqiao_exchange_v1_HelloRequest__Output, _jieqiao_exchange_v1_HelloResponse>;
  
  /**
   * Hands over agreement versions that the other party lacks: whole files with every party's signature, older first.
   */
  OfferAgreements: grpc.handleUnaryCall<_jieqiao_exchange_v1_OfferAgreementsRequest__Output, _jieqiao_exchange_v1_OfferAgreementsResponse>;
  
}

export interface ExchangeServiceDefinition extends grpc.ServiceDefinition {
  Announce: MethodDefinition<_jieqiao_exchange_v1_AnnounceRequest, _jieqiao_exchange_v1_AnnounceResponse, _jieqiao_exchange_v1_AnnounceRequest__Output, _jieqiao_exchange_v1_AnnounceResponse__Output>
  CompareActs: MethodDefinition<_jieqiao_exchange_v1_CompareActsRequest, _jieqiao_exchange_v1_CompareActsResponse, _jieqiao_exchange_v1_CompareActsRequest__Output, _jieqiao_exchange_v1_CompareActsResponse__Output>
  Deliver: MethodDefinition<_jieqiao_exchange_v1_DeliverRequest, _jieqiao_exchange_v1_DeliverResponse, _jieqiao_exchange_v1_DeliverRequest__Output, _jieqiao_exchange_v1_DeliverResponse__Output>
  Hello: MethodDefinition<_jieqiao_exchange_v1_HelloRequest, _jieqiao_exchange_v1_HelloResponse, _jieqiao_exchange_v1_HelloRequest__Output, _jieqiao_exchange_v1_HelloResponse__Output>
  OfferAgreements: MethodDefinition<_jieqiao_exchange_v1_OfferAgreementsRequest, _jieqiao_exchange_v1_OfferAgreementsResponse, _jieqiao_exchange_v1_OfferAgreementsRequest__Output, _jieqiao_exchange_v1_OfferAgreementsResponse__Output>
}
