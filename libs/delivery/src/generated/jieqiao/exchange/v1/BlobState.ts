// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { Long } from '@grpc/proto-loader';

export interface BlobState {
  'digest'?: (string);
  /**
   * Bytes that are durable at the receiver; push from here.
   */
  'offset'?: (number | string | Long);
  'complete'?: (boolean);
}

export interface BlobState__Output {
  'digest': (string);
  /**
   * Bytes that are durable at the receiver; push from here.
   */
  'offset': (number);
  'complete': (boolean);
}
