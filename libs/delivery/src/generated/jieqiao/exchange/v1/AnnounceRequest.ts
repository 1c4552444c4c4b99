// Original file: proto/jieqiao/exchange/v1/exchange.proto


export interface AnnounceRequest {
  /**
   * Signed envelopes (compact JWS) whose bundles name the files.
   */
  'envelopes'?: (string)[];
}

export interface AnnounceRequest__Output {
  /**
   * Signed envelopes (compact JWS) whose bundles name the files.
   */
  'envelopes': (string)[];
}
