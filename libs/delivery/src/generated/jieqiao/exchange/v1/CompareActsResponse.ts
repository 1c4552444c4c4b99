// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { ActTag as _jieqiao_exchange_v1_ActTag, ActTag__Output as _jieqiao_exchange_v1_ActTag__Output } from '../../../jieqiao/exchange/v1/ActTag';

export interface CompareActsResponse {
  /**
   * Public key of the answering node for the asking one, a compressed point.
   */
  'key'?: (Buffer | Uint8Array | string);
  /**
   * One per blinded element, in the same order.
   */
  'evaluated'?: (Buffer | Uint8Array | string)[];
  /**
   * Of 64 bytes each: the i-th is about the elements from 16 i up to 16 i + 15.
   */
  'proofs'?: (Buffer | Uint8Array | string)[];
  /**
   * Every filing of these months that the agreement lets the asking node find, in the order of their tags.
   */
  'tags'?: (_jieqiao_exchange_v1_ActTag)[];
}

export interface CompareActsResponse__Output {
  /**
   * Public key of the answering node for the asking one, a compressed point.
   */
  'key': (Buffer);
  /**
   * One per blinded element, in the same order.
   */
  'evaluated': (Buffer)[];
  /**
   * Of 64 bytes each: the i-th is about the elements from 16 i up to 16 i + 15.
   */
  'proofs': (Buffer)[];
  /**
   * Every filing of these months that the agreement lets the asking node find, in the order of their tags.
   */
  'tags': (_jieqiao_exchange_v1_ActTag__Output)[];
}
