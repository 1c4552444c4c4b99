// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { BundlePart as _jieqiao_exchange_v1_BundlePart, BundlePart__Output as _jieqiao_exchange_v1_BundlePart__Output } from '../../../jieqiao/exchange/v1/BundlePart';

export interface Delivery {
  'envelope'?: (string);
  /**
   * The bundle's small parts. Evidence bytes went ahead as blobs.
   */
  'manifest'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
  'parts'?: (_jieqiao_exchange_v1_BundlePart)[];
}

export interface Delivery__Output {
  'envelope': (string);
  /**
   * The bundle's small parts. Evidence bytes went ahead as blobs.
   */
  'manifest': (Buffer);
  'signature': (Buffer);
  'parts': (_jieqiao_exchange_v1_BundlePart__Output)[];
}
