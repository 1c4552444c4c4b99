// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { Long } from '@grpc/proto-loader';

// Original file: proto/jieqiao/exchange/v1/exchange.proto

export const _jieqiao_exchange_v1_Outcome_Status = {
  STATUS_UNSPECIFIED: 'STATUS_UNSPECIFIED',
  /**
   * Stored, verified and logged; `receipt` proves it.
   */
  STATUS_RECEIVED: 'STATUS_RECEIVED',
  /**
   * Will never be taken; `receipt` proves the refusal and `code` names its reason.
   */
  STATUS_REFUSED: 'STATUS_REFUSED',
  /**
   * Not now: something has to come first (`code`). Nothing was kept.
   */
  STATUS_RETRY: 'STATUS_RETRY',
} as const;

export type _jieqiao_exchange_v1_Outcome_Status =
  | 'STATUS_UNSPECIFIED'
  | 0
  /**
   * Stored, verified and logged; `receipt` proves it.
   */
  | 'STATUS_RECEIVED'
  | 1
  /**
   * Will never be taken; `receipt` proves the refusal and `code` names its reason.
   */
  | 'STATUS_REFUSED'
  | 2
  /**
   * Not now: something has to come first (`code`). Nothing was kept.
   */
  | 'STATUS_RETRY'
  | 3

export type _jieqiao_exchange_v1_Outcome_Status__Output = typeof _jieqiao_exchange_v1_Outcome_Status[keyof typeof _jieqiao_exchange_v1_Outcome_Status]

export interface Outcome {
  'status'?: (_jieqiao_exchange_v1_Outcome_Status);
  'code'?: (string);
  /**
   * A C2SP tlog-proof with the log entry as extra data.
   */
  'receipt'?: (string);
  /**
   * With ENVELOPE_SEQ_GAP: the position the receiver waits for.
   */
  'expectedSeq'?: (number | string | Long);
}

export interface Outcome__Output {
  'status': (_jieqiao_exchange_v1_Outcome_Status__Output);
  'code': (string);
  /**
   * A C2SP tlog-proof with the log entry as extra data.
   */
  'receipt': (string);
  /**
   * With ENVELOPE_SEQ_GAP: the position the receiver waits for.
   */
  'expectedSeq': (number);
}
