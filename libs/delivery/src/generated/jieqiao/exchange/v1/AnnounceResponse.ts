// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { BlobState as _jieqiao_exchange_v1_BlobState, BlobState__Output as _jieqiao_exchange_v1_BlobState__Output } from '../../../jieqiao/exchange/v1/BlobState';

export interface AnnounceResponse {
  'blobs'?: (_jieqiao_exchange_v1_BlobState)[];
}

export interface AnnounceResponse__Output {
  'blobs': (_jieqiao_exchange_v1_BlobState__Output)[];
}
