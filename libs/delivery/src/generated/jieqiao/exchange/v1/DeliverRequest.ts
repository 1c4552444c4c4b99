// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { Delivery as _jieqiao_exchange_v1_Delivery, Delivery__Output as _jieqiao_exchange_v1_Delivery__Output } from '../../../jieqiao/exchange/v1/Delivery';

export interface DeliverRequest {
  'deliveries'?: (_jieqiao_exchange_v1_Delivery)[];
}

export interface DeliverRequest__Output {
  'deliveries': (_jieqiao_exchange_v1_Delivery__Output)[];
}
