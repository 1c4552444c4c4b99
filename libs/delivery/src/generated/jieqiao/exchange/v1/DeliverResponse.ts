// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { Outcome as _jieqiao_exchange_v1_Outcome, Outcome__Output as _jieqiao_exchange_v1_Outcome__Output } from '../../../jieqiao/exchange/v1/Outcome';

export interface DeliverResponse {
  'outcomes'?: (_jieqiao_exchange_v1_Outcome)[];
}

export interface DeliverResponse__Output {
  'outcomes': (_jieqiao_exchange_v1_Outcome__Output)[];
}
