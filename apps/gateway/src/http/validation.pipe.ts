import { ValidationPipe } from '@nestjs/common';
import type { ValidationError as ClassValidatorError } from 'class-validator';
import { type FieldError, ValidationError } from '../errors/errors';

const maxErrors = 50;

/** Our stable code for each check; what stands first in the list is told first. */
const codes: readonly [constraint: string, code: string][] = [
  ['whitelistValidation', 'UNKNOWN_FIELD'],
  ['isDefined', 'REQUIRED'],
  ['isString', 'WRONG_TYPE'],
  ['isInt', 'WRONG_TYPE'],
  ['isNumber', 'WRONG_TYPE'],
  ['isBoolean', 'WRONG_TYPE'],
  ['isArray', 'WRONG_TYPE'],
  ['isObject', 'WRONG_TYPE'],
  ['minLength', 'TOO_SHORT'],
  ['maxLength', 'TOO_LONG'],
  ['arrayMinSize', 'TOO_FEW'],
  ['arrayMaxSize', 'TOO_MANY'],
  ['min', 'OUT_OF_RANGE'],
  ['max', 'OUT_OF_RANGE'],
  ['isIn', 'NOT_ALLOWED'],
  ['matches', 'WRONG_FORM'],
];

/** Checks every body and query against its class; a field that the class does not name is refused, never dropped. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    exceptionFactory: (errors) =>
      new ValidationError(errors.flatMap((error) => fieldErrors(error, '')).slice(0, maxErrors)),
  });
}

function fieldErrors(error: ClassValidatorError, parent: string): FieldError[] {
  const pointer = `${parent}/${pointerStep(error.property)}`;
  const constraints = error.constraints ?? {};
  const code = codes.find(([constraint]) => constraint in constraints)?.[1];
  const own = code === undefined ? (error.children?.length ? [] : [{ pointer, code: 'INVALID' }]) : [{ pointer, code }];
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, pointer))];
}

/** An unknown field's name is the sender's to choose: cut, without control characters, escaped as RFC 6901 §3 says. */
function pointerStep(name: string): string {
  return String(name)
    .slice(0, 64)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?')
    .replaceAll('~', '~0')
    .replaceAll('/', '~1');
}
