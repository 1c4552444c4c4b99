import { GatewayError } from '@jieqiao/core';
import type { ValidateFunction } from 'ajv';
import { day, instant, line, list, newAjv, object, word } from './schema-parts';
import { actParts, type HarmKind, type Quantity, type TransferPlace } from './transfer-data';

/**
 * What the receiver has found itself since a transfer came: it goes before what the transfer states. No names and no
 * text of the case: it stands in the decision. Specification: docs/spec/recognition.md.
 */
export interface Findings {
  /** Where the act happened, as measured. */
  place?: Pick<TransferPlace, 'code' | 'longitude' | 'latitude' | 'datum'>;
  /** An own discovery: the earlier one counts. */
  discoveredAt?: string;
  harm?: HarmKind[];
  quantities?: Quantity[];
  /** Whole yuan. */
  gains?: number;
  losses?: number;
  /** 鉴定意见: what is stated as `of` is `substance`. */
  appraisal?: { number: string; day: string; of: string; substance: string };
  /** 责令改正通知书 */
  orders?: { number: string; day: string }[];
  /** 复查 */
  reCheck?: { day: string; result: 'corrected' | 'not-corrected' };
  /** 不予立案通知书 of the police. */
  policeRefusal?: { number: string; day: string };
}

const document = { number: line(80), day };
const parts: Record<keyof Findings, unknown> = {
  place: object(actParts.position),
  discoveredAt: instant,
  harm: actParts.harm,
  quantities: actParts.quantities,
  gains: actParts.gains,
  losses: actParts.losses,
  appraisal: object({ ...document, of: word, substance: word }),
  orders: list(object(document), 20),
  reCheck: object({ day, result: { enum: ['corrected', 'not-corrected'] } }),
  policeRefusal: object(document),
};

/** JSON Schema (draft 07) of findings; its formats are those of transfer data. */
export const findingsSchema: Readonly<Record<string, unknown>> = object({ ...parts }, Object.keys(parts));

let compiled: ValidateFunction<Findings> | undefined;

/**
 * Findings from outside; every list and text in them is bounded.
 * @throws GatewayError VALIDATION_FAILED with the `pointer` and, as `reason`, the keyword of the schema that it breaks
 */
export function parseFindings(value: unknown): Findings {
  compiled ??= newAjv(false).compile<Findings>(findingsSchema);
  if (compiled(value)) return value;
  const { instancePath, keyword } = compiled.errors![0]!;
  throw new GatewayError('VALIDATION_FAILED', { reason: keyword, pointer: instancePath || '/' });
}
