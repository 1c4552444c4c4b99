// Original file: proto/jieqiao/exchange/v1/exchange.proto


export interface AgreementVersion {
  'id'?: (string);
  'version'?: (number);
  'digest'?: (string);
}

export interface AgreementVersion__Output {
  'id': (string);
  'version': (number);
  'digest': (string);
}
