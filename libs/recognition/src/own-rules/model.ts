import { isRealDate } from '../china-date';

/**
 * What an own rule can see, made out of the JSON Schemas of what it sees: a field of the schema is a field of the model,
 * and the schema's bounds are the model's. Specification: docs/spec/own-rules.md.
 */
export type Shape = Scalar | ListShape | ObjectShape;
/** `max`: UTF-16 units of a text, entries of a list. */
export type Scalar = { kind: 'string'; max: number } | { kind: 'int' | 'double' | 'bool' | 'timestamp' };
export interface ListShape {
  kind: 'list';
  max: number;
  of: Shape;
}
export interface ObjectShape {
  kind: 'object';
  name: string;
  fields: ReadonlyMap<string, Shape>;
  /** Shows plain data as the language wants it; has the fields as getters, and no others. */
  view: new (
    data: object,
  ) => object;
}

interface JsonSchema {
  type?: unknown;
  const?: unknown;
  enum?: readonly unknown[];
  format?: string;
  maxLength?: number;
  maxItems?: number;
  items?: unknown;
  properties?: Readonly<Record<string, unknown>>;
}

/** For texts whose schema has a pattern and no length. A longer one stops the evaluation, so the bound holds anyway. */
const unstatedLength = 128;

/** Something the schema promises is not so, or an own rule's function has no answer. The code is a fact of the result. */
export class EvaluationStop extends Error {
  constructor(readonly code: 'model' | 'steps' | 'day' | 'span' | 'no-holiday-table') {
    super(code);
  }
}

/** Null for what the language has no type for, such as a choice between types: the model does not have that field. */
export function shapeOf(of: unknown, name: string): Shape | null {
  const schema = of as JsonSchema;
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (choices) {
    if (!choices.every((choice) => typeof choice === 'string')) return null;
    return { kind: 'string', max: Math.max(0, ...choices.map((choice) => choice.length)) };
  }
  switch (schema.type) {
    case 'string':
      if (schema.format === 'instant') return { kind: 'timestamp' };
      return { kind: 'string', max: schema.maxLength ?? unstatedLength };
    case 'integer':
      return { kind: 'int' };
    case 'number':
      return { kind: 'double' };
    case 'boolean':
      return { kind: 'bool' };
    case 'array': {
      const entry = schema.items === undefined ? null : shapeOf(schema.items, name);
      return entry && schema.maxItems !== undefined ? { kind: 'list', max: schema.maxItems, of: entry } : null;
    }
    case 'object':
      return schema.properties ? objectShape(schema.properties, name) : null;
    default:
      return null;
  }
}

export function objectShape(properties: Readonly<Record<string, unknown>>, name: string): ObjectShape {
  const fields = new Map<string, Shape>();
  for (const [field, schema] of Object.entries(properties)) {
    const shape = shapeOf(schema, `${name}${field.charAt(0).toUpperCase()}${field.slice(1)}`);
    if (shape) fields.set(field, shape);
  }
  return { kind: 'object', name, fields, view: viewOf(fields) };
}

function viewOf(fields: ReadonlyMap<string, Shape>): ObjectShape['view'] {
  class View {
    readonly #data: Readonly<Record<string, unknown>>;
    readonly #shown = new Map<string, unknown>();

    constructor(data: object) {
      this.#data = data as Record<string, unknown>;
    }

    static {
      for (const [field, shape] of fields) {
        // What is made anew at every look would cost a loop within a loop its size again.
        const kept = ['list', 'object', 'timestamp'].includes(shape.kind);
        const get = function (this: View): unknown {
          const data = Object.hasOwn(this.#data, field) ? this.#data[field] : undefined;
          if (!kept || data === undefined) return shown(shape, data);
          if (!this.#shown.has(field)) this.#shown.set(field, shown(shape, data));
          return this.#shown.get(field);
        };
        Object.defineProperty(View.prototype, field, { get });
      }
    }
  }
  return View;
}

/** Data as a value of the language. @throws EvaluationStop where it is not as the schema says, or larger */
export function shown(shape: Shape, data: unknown): unknown {
  if (data === undefined) return undefined;
  switch (shape.kind) {
    case 'string':
      if (typeof data === 'string' && data.length <= shape.max) return data;
      break;
    case 'int':
      if (Number.isSafeInteger(data)) return BigInt(data as number);
      break;
    case 'double':
      if (typeof data === 'number') return data;
      break;
    case 'bool':
      if (typeof data === 'boolean') return data;
      break;
    case 'timestamp':
      if (typeof data === 'string' && isRealDate(data.slice(0, 10))) return new Date(data);
      break;
    case 'list':
      // The library knows an array by its constructor: `data.map` would keep one from another realm.
      if (Array.isArray(data) && data.length <= shape.max) return Array.from(data, (entry) => shown(shape.of, entry));
      break;
    case 'object':
      if (typeof data === 'object' && data !== null) return new shape.view(data);
  }
  throw new EvaluationStop('model');
}
