import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { canonicalJson, GatewayError, parseCanonicalJson, schemaCheck, uuidPattern } from '@jieqiao/core';
import { p256_oprf } from '@noble/curves/nist.js';
import type { CompareActsRequest } from './generated/jieqiao/exchange/v1/CompareActsRequest';
import type { CompareActsResponse__Output } from './generated/jieqiao/exchange/v1/CompareActsResponse';

/**
 * The same-act check between two nodes: who asks learns whether the other has filed the same act, the other learns that
 * it was asked. A verifiable oblivious PRF (RFC 9497, P256-SHA256) keeps either from guessing offline.
 * docs/spec/same-act.md; why so: docs/adr/0015.
 */
const { voprf } = p256_oprf;
/** What who has the key computes without asking (RFC 9497 §3.3.1). The package has it and its types leave it out. */
const { evaluate } = voprf as typeof voprf & { evaluate(secretKey: Uint8Array, input: Uint8Array): Uint8Array };

export const comparisonLimits = {
  months: 14,
  elements: 512,
  /** Elements under one proof: between two proofs the process does other things. */
  batch: 16,
  /** With what is sealed beside them they still fit into one message. */
  tags: 12_000,
  /** Filings about one act, of one peer: more are no answer that a person could do anything with. */
  matches: 100,
} as const;

const pointBytes = 33;
const proofBytes = 64;
const tagBytes = 16;
const nonceBytes = 12;
/** What is sealed is always this long: a number's length tells nothing. */
const paddedBytes = 512;
const sealedBytes = nonceBytes + paddedBytes + 16;
const monthPattern = /^[0-9]{4}-(?:0[1-9]|1[0-2])$/;

/** Uniform bytes, fresh at each call. */
export type Random = (bytes: number) => Buffer;

/** What the answering node tells who asks about the same act, and nobody else. */
export interface FilingNotice {
  number: string;
  /** Attested by the answering node's log, ISO-8601 UTC. */
  filedAt: string;
  /** Digest of the filing's statement. */
  statement: string;
  /** Opens the statement's commitment to the element that matched, base64url. */
  salt: string;
  /** The transfer between these two nodes from which the case came, or empty. */
  transfer: string;
}

/** A node's key for one peer: tags made for different peers have nothing in common. */
export interface ActKey {
  /** The public key in hex. */
  id: string;
  publicKey: Uint8Array;
  secretKey: Uint8Array;
}

/**
 * @param secret 32 random bytes of the node's key store
 * @param peer the node that asks
 */
export function actKeyFor(secret: Uint8Array, peer: string): ActKey {
  if (secret.length !== 32) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-act-secret' });
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'jieqiao/act-key/v1', 32));
  const { publicKey, secretKey } = voprf.deriveKeyPair(seed, Buffer.from(peer));
  return { id: Buffer.from(publicKey).toString('hex'), publicKey, secretKey };
}

export interface ActTag {
  tag: Buffer;
  sealed: Buffer;
}

/** Under what a peer can find one element of a filing. @throws GatewayError LIMIT_EXCEEDED for a notice too long */
export function actTag(key: ActKey, element: string, notice: FilingNotice, random: Random): ActTag {
  const { tag, sealKey } = derived(evaluate(key.secretKey, Buffer.from(element)));
  const nonce = random(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', sealKey, nonce).setAAD(tag);
  const body = Buffer.concat([cipher.update(padded(notice)), cipher.final()]);
  return { tag, sealed: Buffer.concat([nonce, body, cipher.getAuthTag()]) };
}

/** Whether a notice with this number has its room. */
export function fitsNotice(number: string): boolean {
  return Buffer.byteLength(JSON.stringify(number)) <= 280;
}

/**
 * Holds a peer's question to its form; what costs comes after.
 * @throws GatewayError LIMIT_EXCEEDED {what, limit}, VALIDATION_FAILED {field, rule}
 */
export function checkQuestion(months: readonly string[], blinded: readonly Uint8Array[]): void {
  mustBeSome('months', months.length, comparisonLimits.months);
  mustBeSome('blinded', blinded.length, comparisonLimits.elements);
  if (new Set(months).size !== months.length) invalid('months', 'unique');
  if (!months.every((month) => monthPattern.test(month))) invalid('months', 'format');
  if (!blinded.every((point) => point.length === pointBytes)) invalid('blinded', 'length');
}

/** @throws GatewayError VALIDATION_FAILED {field: 'blinded', rule: 'point'} for bytes that are no point of the curve */
export async function evaluateBlinded(
  key: ActKey,
  blinded: readonly Uint8Array[],
  random: Random,
): Promise<{ evaluated: Buffer[]; proofs: Buffer[] }> {
  const evaluated: Buffer[] = [];
  const proofs: Buffer[] = [];
  for (const batch of batches(blinded)) {
    await setImmediate();
    const answer = unlessMalformed(
      () => voprf.blindEvaluateBatch(key.secretKey, key.publicKey, [...batch], rng(random)),
      () => invalid('blinded', 'point'),
    );
    evaluated.push(...answer.evaluated.map((point) => Buffer.from(point)));
    proofs.push(Buffer.from(answer.proof));
  }
  return { evaluated, proofs };
}

/** One question to one peer. The blinds are fresh, so two questions about the same act have nothing in common. */
export class ActQuestion {
  private constructor(
    private readonly months: readonly string[],
    private readonly items: readonly { input: Uint8Array; blind: Uint8Array; blinded: Uint8Array }[],
  ) {}

  /** @throws GatewayError LIMIT_EXCEEDED {what, limit} */
  static async about(elements: readonly { month: string; text: string }[], random: Random): Promise<ActQuestion> {
    const months = [...new Set(elements.map(({ month }) => month))].sort();
    mustBeSome('months', months.length, comparisonLimits.months);
    mustBeSome('blinded', elements.length, comparisonLimits.elements);
    const items: { input: Uint8Array; blind: Uint8Array; blinded: Uint8Array }[] = [];
    for (const { text } of elements) {
      if (items.length % comparisonLimits.batch === 0) await setImmediate();
      const input = Buffer.from(text);
      items.push({ input, ...voprf.blind(input, rng(random)) });
    }
    return new ActQuestion(months, items);
  }

  get request(): CompareActsRequest {
    return { months: [...this.months], blinded: this.items.map(({ blinded }) => Buffer.from(blinded)) };
  }

  /**
   * What the peer has filed about the act, each filing once.
   * @throws GatewayError COMPARISON_INVALID {reason}: then nothing is known, and least of all that there is none
   */
  async matches(answer: CompareActsResponse__Output): Promise<FilingNotice[]> {
    const { key, evaluated, proofs, tags } = answer;
    const wanted = Math.ceil(this.items.length / comparisonLimits.batch);
    if (key.length !== pointBytes) refuse('key');
    if (evaluated.length !== this.items.length || evaluated.some((point) => point.length !== pointBytes)) {
      refuse('evaluated');
    }
    if (proofs.length !== wanted || proofs.some((proof) => proof.length !== proofBytes)) refuse('proofs');
    if (tags.length > comparisonLimits.tags) refuse('tags');
    if (tags.some(({ tag, sealed }) => tag.length !== tagBytes || sealed.length !== sealedBytes)) refuse('tags');

    const sealKeys = new Map<string, Buffer>();
    for (const [i, batch] of batches(this.items).entries()) {
      await setImmediate();
      const offset = i * comparisonLimits.batch;
      const items = batch.map((item, j) => ({ ...item, evaluated: evaluated[offset + j]! }));
      const outputs = unlessMalformed(
        () => voprf.finalizeBatch(items, key, proofs[i]!),
        () => refuse('proof'),
      );
      for (const { tag, sealKey } of outputs.map(derived)) sealKeys.set(tag.toString('hex'), sealKey);
    }
    const found = new Map<string, FilingNotice>();
    for (const { tag, sealed } of tags) {
      const sealKey = sealKeys.get(tag.toString('hex'));
      if (!sealKey) continue;
      const notice = opened(sealKey, tag, sealed);
      found.set(notice.statement, notice);
      if (found.size > comparisonLimits.matches) refuse('matches');
    }
    return [...found.values()];
  }
}

function derived(output: Uint8Array): { tag: Buffer; sealKey: Buffer } {
  const okm = Buffer.from(hkdfSync('sha256', output, '', 'jieqiao/act-tag/v1', tagBytes + 32));
  return { tag: okm.subarray(0, tagBytes), sealKey: okm.subarray(tagBytes) };
}

function padded(notice: FilingNotice): Buffer {
  const json = canonicalJson(notice);
  const plain = Buffer.alloc(paddedBytes);
  if (json.length > paddedBytes - 2) throw new GatewayError('LIMIT_EXCEEDED', { what: 'notice', limit: paddedBytes });
  plain.writeUInt16BE(json.length);
  json.copy(plain, 2);
  return plain;
}

function opened(sealKey: Buffer, tag: Buffer, sealed: Buffer): FilingNotice {
  const decipher = createDecipheriv('aes-256-gcm', sealKey, sealed.subarray(0, nonceBytes)).setAAD(tag);
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = unlessMalformed(
    () => Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -16)), decipher.final()]),
    () => refuse('seal'),
  );
  const json = plain.subarray(2, 2 + plain.readUInt16BE());
  return checkNotice(parseCanonicalJson(json, { maxBytes: paddedBytes, maxDepth: 1 }, 'COMPARISON_INVALID'));
}

const noticeProperties = {
  number: {
    type: 'string',
    minLength: 1,
    maxLength: 80,
    pattern: '^[^\\u0000-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069]+$',
  },
  filedAt: { type: 'string', format: 'instant' },
  statement: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
  salt: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' },
  transfer: { type: 'string', pattern: `^$|${uuidPattern.source}` },
};
const checkNotice = schemaCheck<FilingNotice>(
  {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(noticeProperties),
    properties: noticeProperties,
  },
  'COMPARISON_INVALID',
);

function batches<T>(items: readonly T[]): T[][] {
  const all: T[][] = [];
  for (let i = 0; i < items.length; i += comparisonLimits.batch) all.push(items.slice(i, i + comparisonLimits.batch));
  return all;
}

const rng = (random: Random) => (bytes?: number) => new Uint8Array(random(bytes ?? 32));

/** The library throws plain errors for whatever is wrong with what a peer has sent; here they get their name. */
function unlessMalformed<T>(work: () => T, refusal: () => never): T {
  try {
    return work();
  } catch {
    return refusal();
  }
}

function mustBeSome(what: string, count: number, limit: number): void {
  if (count === 0) invalid(what, 'minItems');
  if (count > limit) throw new GatewayError('LIMIT_EXCEEDED', { what, limit });
}

function invalid(field: string, rule: string): never {
  throw new GatewayError('VALIDATION_FAILED', { field, rule });
}

function refuse(reason: string): never {
  throw new GatewayError('COMPARISON_INVALID', { reason });
}
