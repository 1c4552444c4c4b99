import { bundleNameProblem } from '@jieqiao/core';
import { applyDecorators, type Type as Class } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';

/*
 * One decorator per field: its check and its OpenAPI schema in one place. Every text and list is bounded. An optional
 * field may be absent; null is not a way of leaving it out.
 */

interface FieldOptions {
  optional?: boolean;
  about?: string;
  example?: unknown;
}

const presence = ({ optional }: FieldOptions): PropertyDecorator =>
  optional ? ValidateIf((_, value) => value !== undefined) : IsDefined();

function field(options: FieldOptions, schema: ApiPropertyOptions, ...checks: PropertyDecorator[]): PropertyDecorator {
  const { optional = false, about, example } = options;
  const documented = { ...schema, required: !optional, description: about, example } as ApiPropertyOptions;
  return applyDecorators(ApiProperty(documented), presence(options), ...checks);
}

// Control characters and bidirectional overrides could make a text read as something else than it is.
const linePattern = '^[^\\u0000-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069]+$';
const textPattern = '^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069]+$';

function patterned(pattern: string, minLength: number, maxLength: number, options: FieldOptions): PropertyDecorator {
  const checks = [IsString(), MinLength(minLength), MaxLength(maxLength), Matches(new RegExp(pattern))];
  return field(options, { type: 'string', minLength, maxLength, pattern }, ...checks);
}

/** Text on one line, without control characters. */
export const Line = (maxLength: number, options: FieldOptions = {}) => patterned(linePattern, 1, maxLength, options);

/** Text of several lines, without other control characters. */
export const Text = (maxLength: number, options: FieldOptions = {}) => patterned(textPattern, 1, maxLength, options);

/** Text of a closed form. */
export function Form(pattern: string, maxLength: number, options: FieldOptions = {}): PropertyDecorator {
  return field(
    options,
    { type: 'string', maxLength, pattern },
    IsString(),
    MaxLength(maxLength),
    Matches(new RegExp(pattern)),
  );
}

/** Name of an evidence file in a bundle; the bundle's own rules say what it may be (`bundleNameProblem`). */
export function EvidenceFileName(options: FieldOptions = {}): PropertyDecorator {
  const pattern = '^[^./\\\\][^/\\\\]*$';
  const validate = (value: unknown) =>
    typeof value === 'string' && bundleNameProblem(`evidence/${value.normalize('NFC')}`) === null;
  const storable = ValidateBy({ name: 'matches', validator: { validate } });
  const checks = [IsString(), MinLength(1), MaxLength(120), storable];
  return field(options, { type: 'string', minLength: 1, maxLength: 120, pattern }, ...checks);
}

/** A secret: any characters, never shown as an example. */
export function Secret(maxLength: number): PropertyDecorator {
  return field(
    {},
    { type: 'string', format: 'password', minLength: 1, maxLength },
    IsString(),
    MinLength(1),
    MaxLength(maxLength),
  );
}

export const Id = (options: FieldOptions = {}) =>
  Form('^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$', 36, options);

/** A time with its offset, as `2026-09-06T02:14:00+08:00`; that it exists is checked with the transfer's data. */
export const Instant = (options: FieldOptions = {}) =>
  Form(
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$',
    35,
    options,
  );

export const Day = (options: FieldOptions = {}) => Form('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', 10, options);

export function OneOf(values: readonly string[], options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: 'string', enum: [...values] }, IsString(), IsIn(values));
}

/** @param from Also takes digits as text, for query parameters. */
export function Whole(
  minimum: number,
  maximum: number,
  options: FieldOptions & { from?: 'query' } = {},
): PropertyDecorator {
  const convert = options.from === 'query' ? [Type(() => Number)] : [];
  return field(options, { type: 'integer', minimum, maximum }, ...convert, IsInt(), Min(minimum), Max(maximum));
}

export function Decimal(minimum: number, maximum: number, options: FieldOptions = {}): PropertyDecorator {
  const checks = [IsNumber({ allowNaN: false, allowInfinity: false }), Min(minimum), Max(maximum)];
  return field(options, { type: 'number', minimum, maximum }, ...checks);
}

export const Flag = (options: FieldOptions = {}) => field(options, { type: 'boolean' }, IsBoolean());

/** A list of texts of one form. */
export function Forms(
  pattern: string,
  maxLength: number,
  maxItems: number,
  options: FieldOptions = {},
): PropertyDecorator {
  const each = { each: true };
  const checks = [
    IsArray(),
    ArrayMaxSize(maxItems),
    IsString(each),
    MaxLength(maxLength, each),
    Matches(new RegExp(pattern), each),
  ];
  return field(options, { type: 'array', maxItems, items: { type: 'string', maxLength, pattern } }, ...checks);
}

export function SomeOf(values: readonly string[], options: FieldOptions = {}): PropertyDecorator {
  const checks = [IsArray(), ArrayMaxSize(values.length), IsIn(values, { each: true })];
  return field(
    options,
    { type: 'array', maxItems: values.length, items: { type: 'string', enum: [...values] } },
    ...checks,
  );
}

/* The document builder takes a type for a late one by its name: a function property called `type`. */
export function Nested(of: () => Class<unknown>, options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: () => of() }, IsObject(), ValidateNested(), Type(of));
}

export function NestedList(
  of: () => Class<unknown>,
  maxItems: number,
  options: FieldOptions & { minItems?: number } = {},
): PropertyDecorator {
  const { minItems = 0 } = options;
  const checks = [
    IsArray(),
    ArrayMinSize(minItems),
    ArrayMaxSize(maxItems),
    IsObject({ each: true }),
    ValidateNested({ each: true }),
    Type(of),
  ];
  return field(options, { type: () => of(), isArray: true, maxItems, minItems }, ...checks);
}

/** The page of a list that is asked for. */
export class PageQuery {
  @Whole(1, 200, { optional: true, from: 'query', about: '50 when absent.' })
  limit?: number;

  @Form('^[A-Za-z0-9_-]{22}$', 22, { optional: true, about: 'From the `next` link of the page before.' })
  cursor?: string;
}
