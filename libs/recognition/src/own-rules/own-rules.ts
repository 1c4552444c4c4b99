import { GatewayError } from '@jieqiao/core';
import { Environment } from '@marcbachmann/cel-js';
import { type LegalBasis, legalBasis } from '../legal-basis';
import type { Facts, RuleResult } from '../rules/rule-id';
import { line, list, object } from '../schema-parts';
import { type TransferData, type TransferKind, transferKinds } from '../transfer-data';
import {
  compileExpression,
  type Expression,
  ExpressionRefused,
  expressionLimits,
  parserLimits,
  type Scope,
} from './expression';
import { ownFunctions } from './functions';
import { type ObjectShape, objectShape, type Shape, shapeOf, shown } from './model';

/** Not an `R`: the twenty rules keep their names to themselves. */
export type OwnRuleId = `X${string}`;

export const ownRuleResults = ['warn', 'supplement', 'block'] as const;
export type OwnRuleResult = (typeof ownRuleResults)[number];

export interface Bilingual {
  zh: string;
  en: string;
}

/** What people read of an own rule. */
export interface OwnRuleWords {
  /** What a passed rule asserts. */
  title: Bilingual;
  /** Why it did not pass. */
  reason: Bilingual;
  remedy: Bilingual;
}

/** A rule that the parties add for a direction. Specification: docs/spec/own-rules.md. */
export interface OwnRule extends OwnRuleWords {
  id: OwnRuleId;
  /** Asked once, or of each item of evidence, which it then knows as `item`. */
  per: 'transfer' | 'evidence';
  /** CEL; true is a pass. */
  expression: string;
  /** What it means when the expression is false, or has no answer. */
  result: OwnRuleResult;
  /** Kinds of transfer it speaks of; absent: every kind. */
  kinds?: TransferKind[];
  basis: LegalBasis[];
}

export const maxOwnRules = 20;

const bilingual = object({ zh: line(200), en: line(200) });
export const ownRule = object(
  {
    id: { type: 'string', pattern: '^X[0-9]{2}$' },
    title: bilingual,
    per: { enum: ['transfer', 'evidence'] },
    expression: line(expressionLimits.length),
    result: { enum: ownRuleResults },
    kinds: list({ enum: transferKinds }, transferKinds.length, { minItems: 1, uniqueItems: true }),
    basis: list(legalBasis, 10, { minItems: 1 }),
    reason: bilingual,
    remedy: bilingual,
  },
  ['kinds'],
);

/** What an expression is asked about; each member is a variable of the language. */
export interface OwnRuleInput {
  transfer: TransferData;
  /** As they are for the direction. */
  parameters: object;
  /** ISO instant with an offset. */
  at: string;
}

export interface OwnResult {
  rule: OwnRuleId;
  result: RuleResult;
  basis: readonly LegalBasis[];
  facts: Facts;
  evidence?: string;
}

interface Model {
  transfer: ObjectShape;
  item: ObjectShape;
  parameters: ObjectShape;
  /** The most items that a transfer carries. */
  items: number;
}

/** The own rules of agreements, over a model made from the schemas of what they see. */
export class OwnRules {
  private made: Model | undefined;
  /** Compiled once per text of an agreement, for as long as somebody holds that text. */
  private readonly compiled = new WeakMap<OwnRule, Expression>();

  /** @param schemas JSON Schemas: of a transfer, and of each parameter. */
  constructor(private readonly schemas: { transfer: object; parameters: Readonly<Record<string, unknown>> }) {}

  /**
   * Reads the own rules of an agreement's directions, which follow their schema.
   * @throws GatewayError AGREEMENT_MALFORMED {reason: `own-rule-<fault>`, direction, rule, position}; `fault` as in
   * `ExpressionFault`
   */
  read(directions: readonly { from: string; to: string; rules?: { own?: readonly OwnRule[] } }[]): void {
    // The library remembers every name of a function that it has met in a text: it forgets them with the agreement.
    const environments = new Map<OwnRule['per'], Environment>();
    for (const { from, rules, to } of directions) {
      let steps = 0;
      for (const rule of rules?.own ?? []) {
        const environment = environments.get(rule.per) ?? this.environmentFor(rule.per);
        environments.set(rule.per, environment);
        try {
          const { cost } = this.compile(rule, environment);
          steps += rule.per === 'evidence' ? this.model.items * cost : cost;
          if (steps > expressionLimits.steps) throw new ExpressionRefused('steps', 0);
        } catch (error) {
          if (!(error instanceof ExpressionRefused)) throw error;
          const { fault, position } = error;
          const place = { direction: `${from} ${to}`, rule: rule.id, position };
          throw new GatewayError('AGREEMENT_MALFORMED', { reason: `own-rule-${fault}`, ...place });
        }
      }
    }
  }

  /** What the variables of the language stand for, but for `item`. */
  values({ at, parameters, transfer }: OwnRuleInput): { transfer: object; parameters: object; at: unknown } {
    const { model } = this;
    return {
      transfer: new model.transfer.view(transfer),
      parameters: new model.parameters.view(parameters),
      at: shown({ kind: 'timestamp' }, at),
    };
  }

  /** Asks them in their order. What has no answer counts as not passed. */
  ask(rules: readonly OwnRule[], input: OwnRuleInput): OwnResult[] {
    if (rules.length === 0) return [];
    const { transfer } = input;
    const values = this.values(input);
    const seen = values.transfer as { evidence: object[] };
    return rules.flatMap((rule): OwnResult[] => {
      const { basis, id, kinds, per } = rule;
      if (kinds && !kinds.includes(transfer.kind)) {
        return [{ rule: id, result: 'not-applicable', basis, facts: { kind: transfer.kind } }];
      }
      const expression = this.compile(rule);
      const found =
        per === 'transfer'
          ? findings(rule, expression, values)
          : seen.evidence.flatMap((item, i) =>
              findings(rule, expression, { ...values, item }, transfer.evidence[i]!.id),
            );
      if (found.length > 0) return found;
      const examined = per === 'transfer' ? 1 : seen.evidence.length;
      return [{ rule: id, result: examined === 0 ? 'not-applicable' : 'pass', basis, facts: { examined } }];
    });
  }

  private get model(): Model {
    if (!this.made) {
      const { parameters, transfer: schema } = this.schemas;
      const transfer = shapeOf(schema, 'Transfer');
      if (transfer?.kind !== 'object') throw new Error('the transfer is no object');
      const evidence = transfer.fields.get('evidence');
      if (evidence?.kind !== 'list' || evidence.of.kind !== 'object') throw new Error('the transfer has no evidence');
      const item = evidence.of;
      this.made = { transfer, item, parameters: objectShape(parameters, 'Parameters'), items: evidence.max };
    }
    return this.made;
  }

  /** Once for each rule. @throws ExpressionRefused */
  compile(rule: OwnRule, environment?: Environment): Expression {
    let expression = this.compiled.get(rule);
    if (!expression) {
      const scope: Scope = new Map(this.variables(rule.per).map(([name, shape]) => [name, { shape, path: name }]));
      expression = compileExpression(rule.expression, environment ?? this.environmentFor(rule.per), scope);
      this.compiled.set(rule, expression);
    }
    return expression;
  }

  private variables(per: OwnRule['per']): [name: string, shape: Shape][] {
    const { item, parameters, transfer } = this.model;
    const always: [string, Shape][] = [
      ['transfer', transfer],
      ['parameters', parameters],
      ['at', { kind: 'timestamp' }],
    ];
    return per === 'evidence' ? [...always, ['item', item]] : always;
  }

  private environmentFor(per: OwnRule['per']): Environment {
    const { parameters, transfer } = this.model;
    const environment = new Environment({ limits: parserLimits });
    for (const shape of [transfer, parameters]) registerTypes(environment, shape);
    for (const [name, shape] of this.variables(per)) environment.registerVariable(name, typeName(shape));
    const functions = { ...ownFunctions, [`${transfer.name}.hasDocument(string): bool`]: hasDocument };
    for (const [signature, handler] of Object.entries(functions)) {
      environment.registerFunction(signature, handler, { async: false });
    }
    return environment;
  }
}

function hasDocument({ documents }: { documents?: { type: string }[] }, type: string): boolean {
  return documents?.some((document) => document.type === type) ?? false;
}

/** At most one. */
function findings(
  rule: OwnRule,
  expression: Expression,
  values: Record<string, unknown>,
  evidence?: string,
): OwnResult[] {
  const answer = expression.evaluate(values);
  if (answer.passed) return [];
  const facts: Facts = { fields: expression.fields };
  if (answer.passed === null) {
    facts.error = answer.fault;
    if (answer.missing !== undefined) facts.missing = [answer.missing];
  }
  const { basis, id, result } = rule;
  return [{ rule: id, result, basis, facts, ...(evidence !== undefined && { evidence }) }];
}

function registerTypes(environment: Environment, { fields, name, view }: ObjectShape): void {
  for (const shape of fields.values()) {
    let inner = shape;
    while (inner.kind === 'list') inner = inner.of;
    if (inner.kind === 'object') registerTypes(environment, inner);
  }
  const types = Object.fromEntries([...fields].map(([field, shape]) => [field, typeName(shape)]));
  environment.registerType(name, { ctor: view, fields: types });
}

function typeName(shape: Shape): string {
  if (shape.kind === 'object') return shape.name;
  if (shape.kind === 'list') return `list<${typeName(shape.of)}>`;
  return shape.kind === 'timestamp' ? 'google.protobuf.Timestamp' : shape.kind;
}
