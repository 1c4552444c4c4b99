// Original file: proto/jieqiao/exchange/v1/exchange.proto


export interface AgreementOutcome {
  /**
   * SHA-256 over the file as it came.
   */
  'digest'?: (string);
  /**
   * Empty: the node has this version now. Otherwise why it was refused.
   */
  'code'?: (string);
}

export interface AgreementOutcome__Output {
  /**
   * SHA-256 over the file as it came.
   */
  'digest': (string);
  /**
   * Empty: the node has this version now. Otherwise why it was refused.
   */
  'code': (string);
}
