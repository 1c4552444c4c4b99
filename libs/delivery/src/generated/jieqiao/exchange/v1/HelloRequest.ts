// Original file: proto/jieqiao/exchange/v1/exchange.proto

import type { AgreementVersion as _jieqiao_exchange_v1_AgreementVersion, AgreementVersion__Output as _jieqiao_exchange_v1_AgreementVersion__Output } from '../../../jieqiao/exchange/v1/AgreementVersion';

export interface HelloRequest {
  /**
   * The sender's clock, UTC with milliseconds: 2026-11-23T04:07:13.123Z.
   */
  'time'?: (string);
  /**
   * Name and version of the software, for people.
   */
  'software'?: (string);
  /**
   * Agreement versions that the sender holds and that name both nodes as parties, newest first, at most 256.
   */
  'agreements'?: (_jieqiao_exchange_v1_AgreementVersion)[];
  /**
   * The sender's own revocation lists (DER), less those that the other side has said to hold: at most 16, 6 MiB in all.
   */
  'crls'?: (Buffer | Uint8Array | string)[];
  /**
   * Digests of the other side's revocation lists that the sender holds, at most 16.
   */
  'crlsHeld'?: (string)[];
}

export interface HelloRequest__Output {
  /**
   * The sender's clock, UTC with milliseconds: 2026-11-23T04:07:13.123Z.
   */
  'time': (string);
  /**
   * Name and version of the software, for people.
   */
  'software': (string);
  /**
   * Agreement versions that the sender holds and that name both nodes as parties, newest first, at most 256.
   */
  'agreements': (_jieqiao_exchange_v1_AgreementVersion__Output)[];
  /**
   * The sender's own revocation lists (DER), less those that the other side has said to hold: at most 16, 6 MiB in all.
   */
  'crls': (Buffer)[];
  /**
   * Digests of the other side's revocation lists that the sender holds, at most 16.
   */
  'crlsHeld': (string)[];
}
