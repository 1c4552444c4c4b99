// Original file: proto/jieqiao/exchange/v1/exchange.proto


export interface OfferAgreementsRequest {
  /**
   * At most 8 files of 4 MiB; in all they must fit into one message.
   */
  'files'?: (Buffer | Uint8Array | string)[];
}

export interface OfferAgreementsRequest__Output {
  /**
   * At most 8 files of 4 MiB; in all they must fit into one message.
   */
  'files': (Buffer)[];
}
