import { base64url, type Digest, digestOf, parseCanonicalJson, sha256, uuidPattern } from '../encoding';
import { GatewayError } from '../errors';
import { nodePattern } from '../names';
import { schemaCheck } from '../schema';
import { parseLogEntry } from './entry';
import { openReceiptProof } from './tlog-proof';

export const filingSchemaId = 'jieqiao/filing/v1';

/**
 * What an authority attests of a case that it has filed (立案). It names no party and no place: `acts` commits to them,
 * so that a filing can't be turned to another act afterwards. docs/spec/same-act.md.
 */
export interface FilingStatement {
  schema: typeof filingSchemaId;
  /** `commitmentTo` each element of the act, sorted. */
  acts: string[];
  authority: string;
  family: string;
  id: string;
  node: string;
  /** 立案文号 as the authority wrote it. */
  number: string;
}

export const filingLimits = { acts: 512, bytes: 64 * 1024, saltBytes: 16 } as const;

const uuid = { type: 'string', pattern: uuidPattern.source };
const line = (maxLength: number) => ({
  type: 'string',
  minLength: 1,
  maxLength,
  pattern: '^[^\\u0000-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069]+$',
});
const properties = {
  schema: { const: filingSchemaId },
  acts: {
    type: 'array',
    maxItems: filingLimits.acts,
    uniqueItems: true,
    items: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
  },
  authority: line(100),
  family: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,63}$' },
  id: uuid,
  node: { type: 'string', pattern: nodePattern },
  number: line(80),
};
const check = schemaCheck<FilingStatement>(
  { type: 'object', additionalProperties: false, required: Object.keys(properties), properties },
  'LOG_MALFORMED',
);

/**
 * Reads a statement from outside: canonical JSON with exactly these fields.
 * @throws GatewayError LOG_MALFORMED
 */
export function parseFilingStatement(bytes: Uint8Array): FilingStatement {
  return check(parseCanonicalJson(bytes, { maxBytes: filingLimits.bytes, maxDepth: 3 }, 'LOG_MALFORMED'));
}

/** @param salt 16 bytes, of this element alone: who learns it can check this element and guess at no other */
export function commitmentTo(element: string, salt: Uint8Array): string {
  return base64url(sha256(salt, Buffer.from(element)));
}

export interface AttestedFiling {
  statement: FilingStatement;
  digest: Digest;
  /** When the authority's log took the filing in: ISO-8601 UTC, by that node's clock. */
  attestedAt: string;
  /** Place in that log. */
  index: number;
}

/**
 * When a case was filed (行政处罚法 §25), by the log of the authority that filed it. Needs no network and neither node.
 * @param proof tlog-proof of the entry `filing.attested`
 * @param statement canonical JSON, as attested
 * @param vkey of the log, from the agreement
 * @throws GatewayError LOG_MALFORMED, LOG_SIGNATURE_INVALID, LOG_PROOF_INVALID; RECEIPT_INVALID {reason} where the proof
 *   is of another entry, node or statement
 */
export function verifyFilingProof(proof: Uint8Array | string, statement: Uint8Array, vkey: string): AttestedFiling {
  const read = parseFilingStatement(statement);
  const digest = digestOf(statement);
  const { entry: bytes, index } = openReceiptProof(proof, vkey);
  const entry = parseLogEntry(bytes);
  if (entry.event !== 'filing.attested') throw new GatewayError('RECEIPT_INVALID', { reason: 'event' });
  if (entry.node !== read.node) throw new GatewayError('RECEIPT_INVALID', { reason: 'node' });
  if (entry.subject.filing !== digest) throw new GatewayError('RECEIPT_INVALID', { reason: 'statement' });
  return { statement: read, digest, attestedAt: entry.time, index };
}
