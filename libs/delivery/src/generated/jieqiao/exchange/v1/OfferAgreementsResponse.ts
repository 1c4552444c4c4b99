// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { AgreementOutcome as _jieqiao_exchange_v1_AgreementOutcome, AgreementOutcome__Output as _jieqiao_exchange_v1_AgreementOutcome__Output } from '../../../jieqiao/exchange/v1/AgreementOutcome';

export interface OfferAgreementsResponse {
  /**
   * One per file, in the same order.
   */
  'outcomes'?: (_jieqiao_exchange_v1_AgreementOutcome)[];
}

export interface OfferAgreementsResponse__Output {
  /**
   * One per file, in the same order.
   */
  'outcomes': (_jieqiao_exchange_v1_AgreementOutcome__Output)[];
}
