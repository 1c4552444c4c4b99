import Ajv, { type ValidateFunction } from 'ajv';
import { type ErrorCode, GatewayError } from './errors';

const ajv = new Ajv({ allErrors: false, strict: true, ownProperties: true });
ajv.addFormat('instant', isInstant);

/** A day that the calendar does not have would make a date that compares false with everything. */
function isInstant(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text)) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString() === text;
}

/**
 * Compiles a JSON Schema into a check that gives the value its type or throws with the offending place.
 * Formats: `instant` is a UTC time in milliseconds, `2026-11-23T04:07:13.123Z`.
 */
export function schemaCheck<T>(schema: object, code: ErrorCode): (value: unknown) => T {
  const validate = ajv.compile(schema) as ValidateFunction<T>;
  return (value) => {
    if (validate(value)) return value;
    const error = validate.errors?.[0];
    throw new GatewayError(code, { reason: error?.keyword ?? 'schema', pointer: error?.instancePath || '/' });
  };
}
