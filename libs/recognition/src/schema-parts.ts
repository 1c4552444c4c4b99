import { nodePattern } from '@jieqiao/core';
import Ajv from 'ajv';
import { isRealDate, isRealInstant } from './china-date';

/** Parts of JSON Schemas (draft 07) that transfers and terms share. */

// Control characters and bidirectional overrides could make a title read as something else than it is.
const lineClass = '[^\\u0000-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069]';
const textClass = '[^\\u0000-\\u0008\\u000b-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069]';

export const line = (maxLength: number) =>
  ({ type: 'string', minLength: 1, maxLength, pattern: `^${lineClass}+$` }) as const;
export const text = (maxLength: number) =>
  ({ type: 'string', minLength: 1, maxLength, pattern: `^${textClass}+$` }) as const;
export const code = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' } as const;
/** Our own names for things: families, purposes, forms. */
export const word = { type: 'string', pattern: '^[a-z][a-z0-9-]{0,63}$' } as const;
/** Formats that `newAjv` knows. */
export const instant = { type: 'string', maxLength: 35, format: 'instant' } as const;
export const day = { type: 'string', maxLength: 10, format: 'day' } as const;
export const node = { type: 'string', pattern: nodePattern } as const;

/** All members required but the optional ones, and no others allowed. */
export function object(properties: Record<string, unknown>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, required, properties };
}

export function list(items: unknown, maxItems: number, extra: Record<string, unknown> = {}) {
  return { type: 'array', maxItems, items, ...extra };
}

/** `allErrors` is for people's drafts, never for peers' bytes. */
export function newAjv(allErrors: boolean): Ajv {
  return new Ajv({ strict: true, ownProperties: true, allErrors })
    .addFormat('instant', isRealInstant)
    .addFormat('day', isRealDate);
}
