import { type Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js';
import { isRealInstant } from '../china-date';
import { longestSpan } from './functions';
import { EvaluationStop, type Shape } from './model';

/** Bounds of one expression. `steps`: of all own rules of a direction together, for the largest transfer there can be. */
export const expressionLimits = {
  length: 1000,
  nodes: 200,
  depth: 40,
  nesting: 20,
  literal: 100,
  literals: 50,
  steps: 1_000_000,
} as const;

/** What an expression may name, by name: its shape, and how its fields are called in the facts. */
export type Scope = ReadonlyMap<string, { shape: Shape; path: string }>;

/**
 * `syntax`: not CEL. `size`: over a limit but for steps. `unknown`: a name that the model does not have. `form`: CEL that
 * is not for rules, such as `matches` or joining texts. `type`: types that do not go together. `steps`: could take too long.
 */
export type ExpressionFault = 'syntax' | 'size' | 'unknown' | 'form' | 'type' | 'steps';

export class ExpressionRefused extends Error {
  /** @param position UTF-16 offset in the expression */
  constructor(
    readonly fault: ExpressionFault,
    readonly position: number,
  ) {
    super(`${fault} at ${position}`);
  }
}

/** Why an expression had no answer. `missing`: a field that this transfer does not have. */
export type EvaluationFault = 'missing' | 'index' | 'division-by-zero' | 'overflow' | EvaluationStop['code'];

export type Answer = { steps: number } & (
  | { passed: boolean }
  | { passed: null; fault: EvaluationFault; missing?: string }
);

export interface Expression {
  /** Steps that one evaluation takes at most. */
  cost: number;
  /** Fields that it reads, e.g. `transfer.evidence.mediaType`. */
  fields: readonly string[];
  evaluate(values: Readonly<Record<string, unknown>>): Answer;
}

/** A node as the library makes it: its parts are not in the library's types, so its version is pinned and tested. */
interface Node {
  op: string;
  args: unknown;
  pos: number;
  meta: { evaluate: Evaluate; alternate?: Node; macro?: { evaluate: Evaluate } };
  setMeta(key: string, value: unknown): void;
}
type Evaluate = (...parts: unknown[]) => unknown;

/**
 * Reads an expression that must be a question answered by true or false.
 * @param environment has a variable for each name of the scope; its parser has `parserLimits`
 * @throws ExpressionRefused
 */
export function compileExpression(text: string, environment: Environment, scope: Scope): Expression {
  if (text.length > expressionLimits.length) throw new ExpressionRefused('size', expressionLimits.length);
  const parsed = parse(text, environment);
  const root = parsed.ast as unknown as Node;
  const fields = new Set<string>();
  // Before the library looks at types: it keeps every type that it has met, and ours lets in only a few.
  const { cost } = new Measure(fields).of(root, scope, 0);
  if (cost > expressionLimits.steps) throw new ExpressionRefused('steps', 0);
  const { valid, type, error } = parsed.check();
  if (!valid) throw new ExpressionRefused('type', error?.range?.start ?? 0);
  if (type !== 'bool') throw new ExpressionRefused('type', 0);

  let steps = 0;
  countSteps(root, () => {
    // Never reached unless the measure is wrong. `||`, `&&` and loops go on over an error, to nodes that stop at once too.
    if (++steps > cost) throw new EvaluationStop('steps');
  });
  return {
    cost,
    fields: [...fields].sort(),
    evaluate(values) {
      steps = 0;
      try {
        const passed: unknown = parsed(values);
        if (typeof passed !== 'boolean') throw new EvaluationStop('model');
        return { steps, passed };
      } catch (fault) {
        return { steps, passed: null, ...evaluationFault(fault) };
      }
    },
  };
}

/** What the parser is told; `Measure` has the rest. */
export const parserLimits = {
  maxAstNodes: expressionLimits.nodes,
  maxDepth: expressionLimits.nesting,
  maxListElements: expressionLimits.literals,
  maxMapEntries: 0,
  maxCallArguments: 3,
} as const;

function parse(text: string, environment: Environment): ReturnType<Environment['parse']> {
  try {
    return environment.parse(text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new ExpressionRefused(error.code === 'limit_exceeded' ? 'size' : 'syntax', error.range?.start ?? 0);
  }
}

const evaluationFaults: Readonly<Record<string, EvaluationFault>> = {
  no_such_key: 'missing',
  index_out_of_bounds: 'index',
  division_by_zero: 'division-by-zero',
  modulo_by_zero: 'division-by-zero',
  numeric_overflow: 'overflow',
};

function evaluationFault(error: unknown): { fault: EvaluationFault; missing?: string } {
  if (error instanceof EvaluationStop) return { fault: error.code };
  if (!(error instanceof EvaluationError)) throw error;
  const fault = evaluationFaults[error.code] ?? 'model';
  const node = error.node as unknown as Node | undefined;
  return fault === 'missing' && node?.op === '.' ? { fault, missing: (node.args as [Node, string])[1] } : { fault };
}

interface Measured {
  shape: Shape;
  cost: number;
  path: string;
}

const bool: Shape = { kind: 'bool' };
const int: Shape = { kind: 'int' };
const double: Shape = { kind: 'double' };
const largestInt = 2n ** 63n - 1n;

/**
 * Lets through what is allowed, and says how many steps it takes at most. A step is the evaluation of one node, or about
 * as much work inside one: 64 characters compared, 4 counted, one entry of a list looked at. Nothing that is allowed
 * makes a text or a list longer than those it is made from, so the steps bound the memory too.
 */
class Measure {
  constructor(private readonly fields: Set<string>) {}

  of(node: Node, scope: Scope, depth: number): Measured {
    if (depth > expressionLimits.depth) refuse('size', node);
    const inner = (part: unknown) => this.of(part as Node, scope, depth + 1);
    switch (node.op) {
      case 'value':
        return { shape: literalShape(node), cost: 1, path: '' };
      case 'id': {
        const known = scope.get(node.args as string) ?? refuse('unknown', node);
        return { ...known, cost: 1 };
      }
      case '.':
        return this.field(node, inner);
      case '[]': {
        const [list, index] = (node.args as Node[]).map(inner) as [Measured, Measured];
        if (list.shape.kind !== 'list' || index.shape.kind !== 'int') refuse('type', node);
        return { shape: list.shape.of, cost: list.cost + index.cost + 1, path: list.path };
      }
      case 'list': {
        const entries = node.args as Node[];
        // Literals only: nothing nests, and nothing is built that is not in the text.
        if (entries.length === 0 || !entries.every(({ op }) => op === 'value')) refuse('form', node);
        const shapes = entries.map((entry) => inner(entry).shape);
        const of = shapes.reduce((a, b) => (lengthOf(a) >= lengthOf(b) ? a : b));
        return { shape: { kind: 'list', max: shapes.length, of }, cost: 1 + shapes.length, path: '' };
      }
      case 'call':
        return this.call(node, inner);
      case 'rcall':
        return this.method(node, scope, depth, inner);
      default:
        return this.operator(node, inner);
    }
  }

  private field(node: Node, inner: (part: unknown) => Measured): Measured {
    const [of, name] = node.args as [Node, string];
    const { shape, cost, path } = inner(of);
    const field = shape.kind === 'object' ? shape.fields.get(name) : undefined;
    if (!field) return refuse('unknown', node);
    const fieldPath = `${path}.${name}`;
    if (field.kind !== 'object') this.fields.add(fieldPath);
    return { shape: field, cost: cost + 1, path: fieldPath };
  }

  private operator(node: Node, inner: (part: unknown) => Measured): Measured {
    const parts = ([] as unknown[]).concat(node.args).map(inner);
    const cost = 1 + sum(parts);
    const [left, right, third] = parts.map(({ shape }) => shape) as [Shape, Shape, Shape];
    if (node.op !== 'in' && !parts.every(({ shape }) => isScalar(shape))) refuse('form', node);
    switch (node.op) {
      case '?:':
        return { shape: lengthOf(right) >= lengthOf(third) ? right : third, cost, path: '' };
      case '&&':
      case '||':
      case '!_':
        return { shape: bool, cost, path: '' };
      case '-_':
        return { shape: left, cost, path: '' };
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return { shape: bool, cost: cost + comparison(left, right), path: '' };
      case 'in':
        if (right.kind !== 'list' || !isScalar(right.of) || right.of.kind === 'timestamp') return refuse('form', node);
        return { shape: bool, cost: cost + right.max * (1 + comparison(left, right.of)), path: '' };
      case '/':
        // 1.0 / 0.0 is no error in the language, it is infinite: nothing would be said.
        if (left.kind === 'double' && !isNonZero((node.args as [Node, Node])[1])) refuse('form', node);
        return number(left, cost, node);
      case '+':
      case '-':
      case '*':
      case '%':
        return number(left, cost, node);
      default:
        return refuse('form', node);
    }
  }

  private call(node: Node, inner: (part: unknown) => Measured): Measured {
    const [name, parts] = node.args as [string, Node[]];
    if (name === 'has') {
      if (parts.length !== 1 || parts[0]!.op !== '.') refuse('form', node);
      return { shape: bool, cost: 1 + inner(parts[0]).cost, path: '' };
    }
    if (name === 'timestamp') {
      // Only written out and with its offset: the library reads other texts by the time zone of the process.
      const [text] = parts;
      if (parts.length !== 1 || text!.op !== 'value' || !isRealInstant(String(text!.args))) refuse('form', node);
      return { shape: { kind: 'timestamp' }, cost: 4, path: '' };
    }
    const measured = parts.map(inner);
    const cost = 1 + sum(measured);
    switch (name) {
      case 'size':
        return this.size(measured[0], cost, node);
      case 'chinaDay':
        return { shape: { kind: 'string', max: 10 }, cost: cost + 4, path: '' };
      case 'hoursBetween':
        return { shape: double, cost, path: '' };
      case 'workingDaysBetween':
        return { shape: int, cost: cost + longestSpan, path: '' };
      default:
        return refuse('form', node);
    }
  }

  private method(node: Node, scope: Scope, depth: number, inner: (part: unknown) => Measured): Measured {
    const [name, receiver, parts] = node.args as [string, Node, Node[]];
    const on = inner(receiver);
    switch (name) {
      case 'all':
      case 'exists':
      case 'exists_one':
      case 'filter':
        return this.loop(node, on, scope, depth);
      case 'size':
        if (parts.length > 0) refuse('form', node);
        return this.size(on, on.cost + 1, node);
      case 'contains':
      case 'startsWith':
      case 'endsWith': {
        const [sought] = parts;
        if (on.shape.kind !== 'string' || parts.length !== 1 || sought!.op !== 'value') return refuse('form', node);
        const length = lengthOf(inner(sought).shape);
        const places = name === 'contains' ? on.shape.max : 1;
        return { shape: bool, cost: on.cost + 2 + chunks(places * length), path: '' };
      }
      case 'hasDocument': {
        const documents = on.shape.kind === 'object' ? on.shape.fields.get('documents') : undefined;
        if (documents?.kind !== 'list' || parts.length !== 1) return refuse('form', node);
        const { cost, shape } = inner(parts[0]);
        this.fields.add(`${on.path}.documents.type`);
        return { shape: bool, cost: on.cost + cost + 1 + documents.max * (1 + comparison(shape, shape)), path: '' };
      }
      default:
        return refuse('form', node);
    }
  }

  /** The library makes three more nodes around the question asked of each entry, and two around the loop. */
  private loop(node: Node, on: Measured, scope: Scope, depth: number): Measured {
    const [name, , [variable, question, ...more]] = node.args as [string, Node, Node[]];
    if (on.shape.kind !== 'list') return refuse('type', node);
    if (!variable || !question || more.length > 0 || variable.op !== 'id') return refuse('form', node);
    const entry = variable.args as string;
    if (scope.has(entry)) refuse('form', variable);
    const within = new Map(scope).set(entry, { shape: on.shape.of, path: on.path });
    const asked = this.of(question, within, depth + 1);
    const cost = on.cost + 2 + on.shape.max * (3 + asked.cost);
    const result = { filter: on.shape, exists_one: bool, exists: bool, all: bool }[name]!;
    return { shape: result, cost, path: on.path };
  }

  private size(of: Measured | undefined, cost: number, node: Node): Measured {
    if (of?.shape.kind === 'list') return { shape: int, cost, path: '' };
    if (of?.shape.kind !== 'string') return refuse('form', node);
    return { shape: int, cost: cost + Math.ceil(of.shape.max / 4), path: '' };
  }
}

function refuse(fault: ExpressionFault, { pos }: Node): never {
  throw new ExpressionRefused(fault, pos);
}

function literalShape(node: Node): Shape {
  const { args } = node;
  if (typeof args === 'boolean') return bool;
  if (typeof args === 'number') return double;
  // The library reads whole numbers of any length.
  if (typeof args === 'bigint') return args <= largestInt ? int : refuse('size', node);
  if (typeof args !== 'string') return refuse('form', node);
  return args.length <= expressionLimits.literal ? { kind: 'string', max: args.length } : refuse('size', node);
}

const isScalar = ({ kind }: Shape): boolean => kind !== 'list' && kind !== 'object';
const isNonZero = ({ op, args }: Node): boolean => op === 'value' && args !== 0;
const lengthOf = (shape: Shape): number => (shape.kind === 'string' ? shape.max : 0);
const chunks = (characters: number): number => Math.ceil(characters / 64);
const comparison = (a: Shape, b: Shape): number => chunks(Math.min(lengthOf(a), lengthOf(b)));
const sum = (parts: readonly Measured[]): number => parts.reduce((total, { cost }) => total + cost, 0);

function number(shape: Shape, cost: number, node: Node): Measured {
  // Texts and lists could double in length at every `+`.
  return shape.kind === 'int' || shape.kind === 'double' ? { shape, cost, path: '' } : refuse('form', node);
}

/** Has every node report when it is evaluated, those that the library puts in for its macros too. */
function countSteps(root: Node, step: () => void): void {
  const seen = new Set<unknown>();
  const counted = (evaluate: Evaluate): Evaluate => {
    return (...parts) => {
      step();
      return evaluate(...parts);
    };
  };
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return;
    seen.add(part);
    if (Array.isArray(part)) part.forEach(visit);
    else if (isNode(part)) {
      const { alternate, evaluate, macro } = part.meta;
      if (macro) macro.evaluate = counted(macro.evaluate);
      else part.setMeta('evaluate', counted(evaluate));
      visit(alternate ?? (part.op === 'comprehension' ? loopParts(part) : part.args));
    }
  };
  visit(root);
}

function loopParts({ args }: Node): unknown[] {
  const { init, iterable, step } = args as Record<string, unknown>;
  return [init, iterable, step];
}

const isNode = (part: object): part is Node => 'setMeta' in part;
