import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ActTag as _jieqiao_exchange_v1_ActTag, ActTag__Output as _jieqiao_exchange_v1_ActTag__Output } from './jieqiao/exchange/v1/ActTag';
import type { AgreementOutcome as _jieqiao_exchange_v1_AgreementOutcome, AgreementOutcome__Output as _jieqiao_exchange_v1_AgreementOutcome__Output } from './jieqiao/exchange/v1/AgreementOutcome';
import type { AgreementVersion as _jieqiao_exchange_v1_AgreementVersion, AgreementVersion__Output as _jieqiao_exchange_v1_AgreementVersion__Output } from './jieqiao/exchange/v1/AgreementVersion';
import type { AnnounceRequest as _jieqiao_exchange_v1_AnnounceRequest, AnnounceRequest__Output as _jieqiao_exchange_v1_AnnounceRequest__Output } from './jieqiao/exchange/v1/AnnounceRequest';
import type { AnnounceResponse as _jieqiao_exchange_v1_AnnounceResponse, AnnounceResponse__Output as _jieqiao_exchange_v1_AnnounceResponse__Output } from './jieqiao/exchange/v1/AnnounceResponse';
import type { BlobState as _jieqiao_exchange_v1_BlobState, BlobState__Output as _jieqiao_exchange_v1_BlobState__Output } from './jieqiao/exchange/v1/BlobState';
import type { BundlePart as _jieqiao_exchange_v1_BundlePart, BundlePart__Output as _jieqiao_exchange_v1_BundlePart__Output } from './jieqiao/exchange/v1/BundlePart';
import type { CompareActsRequest as _jieqiao_exchange_v1_CompareActsRequest, CompareActsRequest__Output as _jieqiao_exchange_v1_CompareActsRequest__Output } from './jieqiao/exchange/v1/CompareActsRequest';
import type { CompareActsResponse as _jieqiao_exchange_v1_CompareActsResponse, CompareActsResponse__Output as _jieqiao_exchange_v1_CompareActsResponse__Output } from './jieqiao/exchange/v1/CompareActsResponse';
import type { DeliverRequest as _jieqiao_exchange_v1_DeliverRequest, DeliverRequest__Output as _jieqiao_exchange_v1_DeliverRequest__Output } from './jieqiao/exchange/v1/DeliverRequest';
import type { DeliverResponse as _jieqiao_exchange_v1_DeliverResponse, DeliverResponse__Output as _jieqiao_exchange_v1_DeliverResponse__Output } from './jieqiao/exchange/v1/DeliverResponse';
import type { Delivery as _jieqiao_exchange_v1_Delivery, Delivery__Output as _jieqiao_exchange_v1_Delivery__Output } from './jieqiao/exchange/v1/Delivery';
import type { ExchangeServiceClient as _jieqiao_exchange_v1_ExchangeServiceClient, ExchangeServiceDefinition as _jieqiao_exchange_v1_ExchangeServiceDefinition } from './jieqiao/exchange/v1/ExchangeService';
import type { HelloRequest as _jieqiao_exchange_v1_HelloRequest, HelloRequest__Output as _jieqiao_exchange_v1_HelloRequest__Output } from './jieqiao/exchange/v1/HelloRequest';
import type { HelloResponse as _jieqiao_exchange_v1_HelloResponse, HelloResponse__Output as _jieqiao_exchange_v1_HelloResponse__Output } from './jieqiao/exchange/v1/HelloResponse';
import type { OfferAgreementsRequest as _jieqiao_exchange_v1_OfferAgreementsRequest, OfferAgreementsRequest__Output as _jieqiao_exchange_v1_OfferAgreementsRequest__Output } from './jieqiao/exchange/v1/OfferAgreementsRequest';
import type { OfferAgreementsResponse as _jieqiao_exchange_v1_OfferAgreementsResponse, OfferAgreementsResponse__Output as _jieqiao_exchange_v1_OfferAgreementsResponse__Output } from './jieqiao/exchange/v1/OfferAgreementsResponse';
import type { Outcome as _jieqiao_exchange_v1_Outcome, Outcome__Output as _jieqiao_exchange_v1_Outcome__Output } from './jieqiao/exchange/v1/Outcome';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  jieqiao: {
    exchange: {
      v1: {
        ActTag: MessageTypeDefinition<_jieqiao_exchange_v1_ActTag, _jieqiao_exchange_v1_ActTag__Output>
        AgreementOutcome: MessageTypeDefinition<_jieqiao_exchange_v1_AgreementOutcome, _jieqiao_exchange_v1_AgreementOutcome__Output>
        AgreementVersion: MessageTypeDefinition<_jieqiao_exchange_v1_AgreementVersion, _jieqiao_exchange_v1_AgreementVersion__Output>
        AnnounceRequest: MessageTypeDefinition<_jieqiao_exchange_v1_AnnounceRequest, _jieqiao_exchange_v1_AnnounceRequest__Output>
        AnnounceResponse: MessageTypeDefinition<_jieqiao_exchange_v1_AnnounceResponse, _jieqiao_exchange_v1_AnnounceResponse__Output>
        BlobState: MessageTypeDefinition<_jieqiao_exchange_v1_BlobState, _jieqiao_exchange_v1_BlobState__Output>
        BundlePart: MessageTypeDefinition<_jieqiao_exchange_v1_BundlePart, _jieqiao_exchange_v1_BundlePart__Output>
        CompareActsRequest: MessageTypeDefinition<_jieqiao_exchange_v1_CompareActsRequest, _jieqiao_exchange_v1_CompareActsRequest__Output>
        CompareActsResponse: MessageTypeDefinition<_jieqiao_exchange_v1_CompareActsResponse, _jieqiao_exchange_v1_CompareActsResponse__Output>
        DeliverRequest: MessageTypeDefinition<_jieqiao_exchange_v1_DeliverRequest, _jieqiao_exchange_v1_DeliverRequest__Output>
        DeliverResponse: MessageTypeDefinition<_jieqiao_exchange_v1_DeliverResponse, _jieqiao_exchange_v1_DeliverResponse__Output>
        Delivery: MessageTypeDefinition<_jieqiao_exchange_v1_Delivery, _jieqiao_exchange_v1_Delivery__Output>
        ExchangeService: SubtypeConstructor<typeof grpc.Client, _jieqiao_exchange_v1_ExchangeServiceClient> & { service: _jieqiao_exchange_v1_ExchangeServiceDefinition }
        HelloRequest: MessageTypeDefinition<_jieqiao_exchange_v1_HelloRequest, _jieqiao_exchange_v1_HelloRequest__Output>
        HelloResponse: MessageTypeDefinition<_jieqiao_exchange_v1_HelloResponse, _jieqiao_exchange_v1_HelloResponse__Output>
        OfferAgreementsRequest: MessageTypeDefinition<_jieqiao_exchange_v1_OfferAgreementsRequest, _jieqiao_exchange_v1_OfferAgreementsRequest__Output>
        OfferAgreementsResponse: MessageTypeDefinition<_jieqiao_exchange_v1_OfferAgreementsResponse, _jieqiao_exchange_v1_OfferAgreementsResponse__Output>
        Outcome: MessageTypeDefinition<_jieqiao_exchange_v1_Outcome, _jieqiao_exchange_v1_Outcome__Output>
      }
    }
  }
}

