import { base64url, type Digest, fromBase64url, isDigest, parseCanonicalJson, uuidPattern } from '../encoding';
import { type ErrorCode, errorCodes, GatewayError } from '../errors';
import { nodePattern } from '../names';
import type { AgreementRef } from '../trust';

/**
 * The closed catalogue of what a node logs, and the form of an entry: canonical JSON
 * `{event, node, nonce, subject, time, v}`. An entry names things by id and digest only; it holds no personal data,
 * so the log can be given to any auditor and outlives every deletion. The nonce keeps a digest from being guessed.
 */

export const maxEntryBytes = 16 * 1024;
const nonceBytes = 16;

/** What the receiver's recognition rules proposed for an envelope. */
export const recognitionOutcomes = [
  'sendable',
  'sendable-with-warnings',
  'supplement',
  'blocked',
  'crime-track',
] as const;
export type RecognitionOutcome = (typeof recognitionOutcomes)[number];

/** Reads one field; gives undefined when the value is not of its kind. */
type Field<T> = (value: unknown) => T | undefined;
type Shape = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
type Values<S extends Shape> = { [K in keyof S]: ValueOf<S[K]> };

const matching =
  (pattern: RegExp): Field<string> =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? value : undefined;

const oneOf =
  <const T extends string>(list: readonly T[]): Field<T> =>
  (value) =>
    list.includes(value as T) ? (value as T) : undefined;

const orNull =
  <T>(field: Field<T>): Field<T | null> =>
  (value) =>
    value === null ? null : field(value);

const count =
  (min: number): Field<number> =>
  (value) =>
    Number.isSafeInteger(value) && !Object.is(value, -0) && (value as number) >= min ? (value as number) : undefined;

const id = matching(uuidPattern);
const node = matching(new RegExp(nodePattern));
const digest: Field<Digest> = (value) => (isDigest(value) ? value : undefined);
const code: Field<ErrorCode> = oneOf(errorCodes);
/** A word of ours, such as a document's kind or an action: never text that a person typed. */
const word = matching(/^[A-Za-z][A-Za-z0-9._:-]{0,63}$/);
/** What was read or refused: an id, a digest, or a word. */
const object = matching(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/);
const agreementShape = { digest, id: matching(/^[a-z0-9][a-z0-9-]{0,79}$/), version: count(1) };
const agreement: Field<AgreementRef> = (value) => readShape(agreementShape, value)?.value;
const person = orNull(id);

/**
 * Steps of a transfer's life, each an event `transfer.` and the word (docs/spec/lifecycle.md): one form for all, whoever
 * took the step. `person` is null for a step of the node or of the peer; `envelope` is the message that told of it.
 */
export const lifeEventWords = [
  'accepted',
  'accepted-provisionally',
  'acceptance-proposed',
  'acceptance-revoked',
  'acknowledged',
  'approved',
  'approved-afterwards',
  'attached',
  'cleared',
  'closed-by-silence',
  'confirmed',
  'contested',
  'crime-items-handed-over',
  'crime-referred',
  'crime-reported',
  'crossed',
  'decided',
  'delivered',
  'designated',
  'disapproved-afterwards',
  'disposal-attested',
  'draft-dropped',
  'edited',
  'endorsed',
  'feedback-sent',
  'filed',
  'filing-claimed',
  'forwarded',
  'forwarded-at-home',
  'found-not-ours',
  'items-replaced',
  'matter-answered',
  'matter-extended',
  'matter-refused',
  'message-rejected',
  'mismatch-reported',
  'not-filed',
  'outcome-known',
  'own-case-dropped',
  'penalty-reviewed',
  'police-filed',
  'police-forwarded',
  'police-not-competent',
  'police-refused',
  'received',
  'reconsideration-refused',
  'reconsideration-requested',
  'referral-approved',
  'referral-refused',
  'referred-to-superior',
  'rejected',
  'resumed',
  'returned',
  'reviewed-afterwards',
  'sent-back',
  'sent-before-approval',
  'settled',
  'settlement-proposed',
  'signed',
  'submitted',
  'supervision-requested',
  'supplement-requested',
  'supplemented',
  'taken-over',
  'uncrossed',
  'withdrawn',
] as const;
type LifeEventName = `transfer.${(typeof lifeEventWords)[number]}`;
const lifeShape = {
  command: word,
  document: orNull(digest),
  envelope: orNull(digest),
  from: word,
  person,
  role: orNull(word),
  side: oneOf(['sender', 'receiver']),
  to: word,
  transfer: id,
};
const lifeEvents = Object.fromEntries(lifeEventWords.map((name) => [`transfer.${name}`, lifeShape])) as Record<
  LifeEventName,
  typeof lifeShape
>;

/** Every event with the exact fields of its subject, keys in canonical order. docs/spec/log.md explains each. */
const catalogue = {
  'node.started': { version: matching(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/) },
  'agreement.imported': { agreement },
  /** A text that was offered and not taken in: altered, rolled back, forked. `digest` is over the bytes as offered. */
  'agreement.refused': { agreement: orNull(agreement), code, digest },
  /** `fingerprint`: SHA-256 over the certificate, or over the log's public key. */
  'key.issued': { fingerprint: digest, use: word },
  'key.revoked': { fingerprint: orNull(digest), reason: word, serial: object },
  /** A certificate revocation list that now decides; `peer` is this node itself for its own. */
  'crl.taken': { digest, number: count(0), peer: node },
  'crl.refused': { code, digest, peer: node },
  /** A peer's clock was beyond the limit; `milliseconds` is how far, ahead or behind. */
  'clock.refused': { behind: oneOf(['peer', 'us']), milliseconds: count(0), peer: node },
  'transfer.created': { dossier: id, kind: word, person, transfer: id },
  'transfer.sent': {
    dossier: id,
    envelope: digest,
    jti: id,
    manifest: orNull(digest),
    peer: node,
    seq: count(1),
    transfer: id,
  },
  ...lifeEvents,
  /** What somebody wanted and may not, or not now: a guard's or a refusal's word. */
  'command.refused': { command: word, person, reason: word, transfer: id },
  /** What the receiver found itself; `findings` is over the whole of it. */
  'findings.recorded': { findings: digest, person, transfer: id },
  /** What the receiver's legal reviewer decided on the items; `decisions` is over the list. */
  'recognition.decided': { decisions: digest, person, transfer: id },
  /** This entry, with its proof, is the receipt in degree "verified". */
  'envelope.received': {
    agreement,
    degree: oneOf(['verified']),
    dossier: id,
    envelope: digest,
    jti: id,
    kind: word,
    manifest: orNull(digest),
    outcome: orNull(oneOf(recognitionOutcomes)),
    peer: node,
    report: orNull(digest),
    seq: count(1),
    transfer: id,
  },
  /** A test envelope came through: with its proof, the receipt for it. No case, no bundle, no effect. */
  'envelope.tested': { agreement, envelope: digest, jti: id, peer: node, seq: count(1) },
  /** With its proof, the signed refusal. `jti` and `seq` are null where the envelope could not be read that far. */
  'envelope.refused': { code, envelope: digest, jti: orNull(id), peer: node, seq: orNull(count(0)) },
  /** Somebody who could not show that they are a peer; attempts are counted so that they can't flood the log. */
  'peer.refused': { code, count: count(1), fingerprint: orNull(digest) },
  'receipt.stored': { jti: id, peer: node, receipt: digest },
  'evidence.stored': { bytes: count(0), digest, evidence: id, transfer: id },
  /** `reason`: the code that was stated, where content is shown for a reason only. */
  'content.read': { object: orNull(object), person, reason: orNull(word), transfer: id, what: word },
  'content.exported': {
    digest: orNull(digest),
    object: orNull(object),
    person,
    reason: orNull(word),
    transfer: id,
    what: word,
  },
  /** One value was shown in clear, or all of a category left in a bundle; never which value. */
  'personal-data.revealed': { category: word, person, reason: word, transfer: id },
  /** `matter`: of a request for assistance; null for all other clocks. */
  'clock.reminded': { clock: word, matter: orNull(count(1)), owner: word, transfer: id },
  'clock.overdue': { clock: word, matter: orNull(count(1)), owner: word, transfer: id },
  'supervision.closed': { item: id, person, transfer: id },
  /** `sequence` is null for a number that was given by hand in a form of its own. */
  'number.issued': {
    number: id,
    person,
    sequence: orNull(count(1)),
    squad: orNull(count(1)),
    transfer: orNull(id),
    type: word,
    year: count(1),
  },
  'number.voided': { number: id, person },
  'session.opened': { person },
  'session.refused': { person },
  'session.closed': { person },
  'access.denied': { action: word, object: orNull(object), person },
} as const satisfies Record<string, Shape>;

export type LogEventName = keyof typeof catalogue;
export type LogSubject<E extends LogEventName> = Values<(typeof catalogue)[E]>;
export type LogEvent = { [E in LogEventName]: { event: E; subject: LogSubject<E> } }[LogEventName];

/** An entry as logged. `time` is ISO-8601 UTC with milliseconds, by the node's clock. */
export type LogEntry = LogEvent & { v: 1; node: string; time: string; nonce: string };

export const logEventNames = Object.keys(catalogue) as LogEventName[];

function readShape<S extends Shape>(shape: S, value: unknown): { value: Values<S> } | undefined {
  return wrongField(shape, value) === null ? { value: copyFields(shape, value as Record<string, unknown>) } : undefined;
}

/** The first field that is missing, unexpected or wrong, or null when the value has exactly this shape. */
function wrongField(shape: Shape, value: unknown): string | null {
  if (value === null || typeof value !== 'object') return '';
  const record = value as Record<string, unknown>;
  // A name from outside is not repeated in an error: it may be anything.
  for (const key of Object.keys(record)) if (!Object.hasOwn(shape, key)) return 'unexpected';
  for (const key in shape) if (!Object.hasOwn(record, key) || shape[key]!(record[key]) === undefined) return key;
  return null;
}

function copyFields<S extends Shape>(shape: S, record: Record<string, unknown>): Values<S> {
  const copy: Record<string, unknown> = {};
  for (const key in shape) copy[key] = shape[key]!(record[key]);
  return copy as Values<S>;
}

const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

function isTime(text: unknown): text is string {
  if (typeof text !== 'string' || !timePattern.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}

function malformed(field: string): GatewayError {
  return new GatewayError('LOG_MALFORMED', { what: 'entry', field });
}

/** Whether `name` is an event of the catalogue; own properties only, so that "constructor" is none. */
function isEventName(name: unknown): name is LogEventName {
  return typeof name === 'string' && Object.hasOwn(catalogue, name);
}

/**
 * The bytes to log. The subject is held to the catalogue here already, so that nothing is logged that can't be read.
 * @param nonce 16 random bytes
 * @throws LOG_MALFORMED with the field
 */
export function encodeLogEntry(event: LogEvent, at: { node: string; time: string; nonce: Uint8Array }): Buffer {
  if (!isEventName(event.event)) throw malformed('event');
  const shape: Shape = catalogue[event.event];
  const wrong = wrongField(shape, event.subject);
  if (wrong !== null) throw malformed(`subject.${wrong}`);
  if (node(at.node) === undefined) throw malformed('node');
  if (!isTime(at.time)) throw malformed('time');
  if (at.nonce.length !== nonceBytes) throw malformed('nonce');
  // Keys are written in canonical order at every level, and values are plain strings, integers and nulls: for these
  // JSON.stringify gives the canonical form (RFC 8785 §3.2.2) without a second walk. The spec compares, event by event.
  const entry = {
    event: event.event,
    node: at.node,
    nonce: base64url(at.nonce),
    subject: copyFields(shape, event.subject as Record<string, unknown>),
    time: at.time,
    v: 1,
  };
  const bytes = Buffer.from(JSON.stringify(entry));
  if (bytes.length > maxEntryBytes) throw malformed('size');
  return bytes;
}

const entryShape: Shape = {
  event: (value) => (isEventName(value) ? value : undefined),
  node,
  nonce: (value) => (typeof value === 'string' && fromBase64url(value)?.length === nonceBytes ? value : undefined),
  subject: (value) => value,
  time: (value) => (isTime(value) ? value : undefined),
  v: (value) => (value === 1 ? 1 : undefined),
};

/**
 * Reads an entry from outside: canonical, of a known event, with exactly its fields.
 * @throws LOG_MALFORMED with the field
 */
export function parseLogEntry(bytes: Uint8Array): LogEntry {
  const value = parseCanonicalJson(bytes, { maxBytes: maxEntryBytes, maxDepth: 4 }, 'LOG_MALFORMED');
  const wrong = wrongField(entryShape, value);
  if (wrong !== null) throw malformed(wrong);
  const entry = value as LogEntry;
  const wrongInSubject = wrongField(catalogue[entry.event], entry.subject);
  if (wrongInSubject !== null) throw malformed(`subject.${wrongInSubject}`);
  return entry;
}
