/**
 * Every failure has one code from this closed list. The server sends codes and parameters only; words are made
 * where they are shown. `apps/gateway/src/errors` maps each code to HTTP, gRPC and a severity, checked by the compiler.
 */
export const errorCodes = [
  // input from people
  'VALIDATION_FAILED',
  'MALFORMED_JSON',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'RANGE_NOT_SATISFIABLE',
  'NOT_SIGNED_IN',
  'BAD_CREDENTIALS',
  'SESSION_EXPIRED',
  'SESSION_REVOKED',
  'FORBIDDEN',
  'REASON_REQUIRED',
  'TOO_MANY_REQUESTS',
  'PRECONDITION_REQUIRED',
  'PRECONDITION_FAILED',
  'IDEMPOTENCY_KEY_REQUIRED',
  'IDEMPOTENCY_KEY_REUSED',
  // casework
  'WRONG_STATE',
  'COMMAND_REFUSED',
  'RECOGNITION_BLOCKED',
  'ACKNOWLEDGEMENT_REQUIRED',
  'EVIDENCE_INCOMPLETE',
  'LIMIT_EXCEEDED',
  'NUMBER_TAKEN',
  'NUMBER_PATTERN_MISSING',
  // evidence bytes
  'FILE_TOO_LARGE',
  'UPLOAD_OFFSET_MISMATCH',
  'UPLOAD_IN_PROGRESS',
  'LENGTH_MISMATCH',
  'DIGEST_MISMATCH',
  'BLOB_NOT_ANNOUNCED',
  'BLOB_MISSING',
  // trust
  'PEER_UNKNOWN',
  'PEER_CERTIFICATE_REFUSED',
  'AGREEMENT_MISSING',
  'AGREEMENT_MALFORMED',
  'AGREEMENT_SIGNATURE_INVALID',
  'AGREEMENT_NOT_IN_FORCE',
  'AGREEMENT_UNKNOWN_VERSION',
  'AGREEMENT_SUPERSEDED',
  'AGREEMENT_FORKED',
  'AGREEMENT_ROLLED_BACK',
  'AGREEMENT_VERSION_GAP',
  'AUTHORITY_SUCCEEDED',
  'CARD_MALFORMED',
  'CERTIFICATE_MALFORMED',
  'CERTIFICATE_REFUSED',
  'KEY_UNUSABLE',
  'CRL_MALFORMED',
  'CRL_SIGNATURE_INVALID',
  'CRL_ROLLED_BACK',
  'REVOCATION_STALE',
  // time
  'CLOCK_SKEW',
  'TIMESTAMP_MALFORMED',
  'TIMESTAMP_INVALID',
  'TIMESTAMP_UNAVAILABLE',
  // envelopes, bundles, proofs
  'ENVELOPE_MALFORMED',
  'ENVELOPE_SIGNATURE_INVALID',
  'ENVELOPE_SIGNER_UNKNOWN',
  'ENVELOPE_WRONG_ISSUER',
  'ENVELOPE_WRONG_AUDIENCE',
  'ENVELOPE_EXPIRED',
  'ENVELOPE_FROM_FUTURE',
  'ENVELOPE_ALTERED',
  'ENVELOPE_SEQ_GAP',
  'ENVELOPE_CHAIN_BROKEN',
  'MESSAGE_REFUSED',
  'MESSAGE_OUT_OF_TURN',
  'BUNDLE_MALFORMED',
  'BUNDLE_SIGNATURE_INVALID',
  'BUNDLE_SIGNER_UNKNOWN',
  'BUNDLE_DIGEST_MISMATCH',
  'BUNDLE_FILE_MISSING',
  'LOG_MALFORMED',
  'LOG_SIGNATURE_INVALID',
  'LOG_PROOF_INVALID',
  'LOG_INCONSISTENT',
  'RECEIPT_INVALID',
  // the node itself
  'CONFIG_INVALID',
  'DATABASE_UNAVAILABLE',
  'PEER_UNREACHABLE',
  'LEASE_LOST',
  'NOT_READY',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Values that explain an error. Never secrets, personal data or evidence content: they reach logs and peers. */
export type ErrorParams = Record<string, string | number | boolean | readonly string[] | undefined>;

/** A failure with a stable code. Refusals are values (`Verdict`, `RecognitionDecision`); only surprises are thrown. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';

  constructor(
    readonly code: ErrorCode,
    readonly params: ErrorParams = {},
    options?: ErrorOptions,
  ) {
    super(`${code} ${JSON.stringify(params)}`, options);
  }
}

export function hasCode(error: unknown, ...codes: ErrorCode[]): error is GatewayError {
  return error instanceof GatewayError && (codes.length === 0 || codes.includes(error.code));
}
