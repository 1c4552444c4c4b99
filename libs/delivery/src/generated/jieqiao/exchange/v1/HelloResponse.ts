// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { AgreementVersion as _jieqiao_exchange_v1_AgreementVersion, AgreementVersion__Output as _jieqiao_exchange_v1_AgreementVersion__Output } from '../../../jieqiao/exchange/v1/AgreementVersion';

export interface HelloResponse {
  'time'?: (string);
  'software'?: (string);
  'agreements'?: (_jieqiao_exchange_v1_AgreementVersion)[];
  'crls'?: (Buffer | Uint8Array | string)[];
  'crlsHeld'?: (string)[];
  /**
   * Why the answering node would take nothing now (CLOCK_SKEW), or empty.
   */
  'refusal'?: (string);
}

export interface HelloResponse__Output {
  'time': (string);
  'software': (string);
  'agreements': (_jieqiao_exchange_v1_AgreementVersion__Output)[];
  'crls': (Buffer)[];
  'crlsHeld': (string)[];
  /**
   * Why the answering node would take nothing now (CLOCK_SKEW), or empty.
   */
  'refusal': (string);
}
