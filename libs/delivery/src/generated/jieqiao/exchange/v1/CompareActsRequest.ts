// Original file: proto/jieqiao/exchange/v1/exchange.proto


export interface CompareActsRequest {
  /**
   * Chinese months, 2022-09, under which a filing about the act may stand: 1 to 14, each once.
   */
  'months'?: (string)[];
  /**
   * Blinded elements (RFC 9497, VOPRF, P256-SHA256; compressed points of 33 bytes): 1 to 512.
   */
  'blinded'?: (Buffer | Uint8Array | string)[];
}

export interface CompareActsRequest__Output {
  /**
   * Chinese months, 2022-09, under which a filing about the act may stand: 1 to 14, each once.
   */
  'months': (string)[];
  /**
   * Blinded elements (RFC 9497, VOPRF, P256-SHA256; compressed points of 33 bytes): 1 to 512.
   */
  'blinded': (Buffer)[];
}
