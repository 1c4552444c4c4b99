// Original file: proto/jieqiao/exchange/v1/exchange.proto


export interface ActTag {
  /**
   * 16 bytes.
   */
  'tag'?: (Buffer | Uint8Array | string);
  /**
   * 540 bytes: readable to who has the element that the tag was made of.
   */
  'sealed'?: (Buffer | Uint8Array | string);
}

export interface ActTag__Output {
  /**
   * 16 bytes.
   */
  'tag': (Buffer);
  /**
   * 540 bytes: readable to who has the element that the tag was made of.
   */
  'sealed': (Buffer);
}
