// Original file: proto/jieqiao/exchange/v1/exchange.proto


export interface BundlePart {
  'name'?: (string);
  'content'?: (Buffer | Uint8Array | string);
}

export interface BundlePart__Output {
  'name': (string);
  'content': (Buffer);
}
