import { assertJsonDepth, GatewayError } from '@jieqiao/core';

/** Our deepest body has six levels. A hostile one of a megabyte of brackets must not reach anything recursive. */
const maxDepth = 16;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A request's JSON: UTF-8 without byte-order mark, an object or array, not deep, no lone surrogates (they have no
 * UTF-8 form and could not be signed), no `__proto__`.
 * @throws MALFORMED_JSON {reason}
 */
export function parseJsonBody(bytes: Buffer): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw malformed('encoding');
  }
  assertJsonDepth(text, maxDepth, 'MALFORMED_JSON');
  let value: unknown;
  try {
    // Only an escape can spell a lone surrogate or hide the name: most bodies have none and skip the reviver.
    value = text.includes('\\u') || text.includes('__proto__') ? JSON.parse(text, refuseBad) : JSON.parse(text);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw malformed('syntax');
  }
  if (typeof value !== 'object' || value === null) throw malformed('not-an-object');
  return value;
}

function refuseBad(key: string, value: unknown): unknown {
  if (key === '__proto__') throw malformed('name');
  if (!isWellFormed(key) || (typeof value === 'string' && !isWellFormed(value))) throw malformed('encoding');
  return value;
}

const loneSurrogate = /\p{Surrogate}/u;
const isWellFormed = (text: string) => !loneSurrogate.test(text);

const malformed = (reason: string) => new GatewayError('MALFORMED_JSON', { reason });
