import { type Digest, type ErrorParams, hasCode, schemaCheck } from '@jieqiao/core';
import { type Command, commands, disputeLevels, type Side } from './lifecycle';

/** When and under which number a side opened a case of its own (§25), with what proves the time. */
export interface Filing {
  number: string;
  /** Trusted time, ISO-8601 UTC with milliseconds. */
  at: string;
  /** Digest of the time-stamp token or of the log's proof. */
  proof: Digest;
}

export const outcomes = ['penalty', 'no-penalty', 'education', 'other-department', 'assistance'] as const;
export const notFiledGrounds = ['corrected', 'first-minor', 'no-violation', 'expired', 'duplicate', 'other'] as const;

/** What comes with a command. Which fields belong to which command: `fieldsOf`. */
export interface CommandData {
  /** Digest of the document that was signed for the step. */
  document?: Digest;
  /** Reason or other text of a person. It is content: it goes to the peer, never into an event or a refusal. */
  text?: string;
  /** Reason code of a return or of a refused matter; the error code of the other node's refusal. */
  code?: string;
  /** When it happened, where that is not when it is put on record. */
  happenedAt?: string;
  /** Id of the message that the other node refused for good. */
  message?: string;
  /** Manifest digest of the bundle. */
  bundle?: Digest;
  /** Digest of what is said and enclosed, without number, dates and seals: the same if nothing was changed. */
  content?: Digest;
  /** 文号 of the transfer, or of the decision. */
  number?: string;
  filing?: Filing;
  /** How many matters a request for assistance has. */
  matters?: number;
  matter?: number;
  /** Chinese day to which an answer is put off. */
  until?: string;
  /** What was done on the spot, when and which office was telephoned. */
  act?: 'stopped' | 'secured';
  phonedAt?: string;
  phonedTo?: string;
  /** Rules on which a request for supplement rests, and what is missing. */
  rules?: string[];
  missing?: string[];
  /** Evidence ids that differ from the manifest. */
  items?: string[];
  /** Department to which it is forwarded. */
  department?: string;
  handling?: Side | 'other';
  level?: (typeof disputeLevels)[number];
  body?: string;
  ground?: (typeof notFiledGrounds)[number];
  outcome?: (typeof outcomes)[number];
  /** Step of the published discretion standard (§34). */
  step?: string;
  /** When the party was told of the intended penalty (§44), or that it waived defence. */
  noticedAt?: string;
  waived?: boolean;
  disposal?: 'deleted' | 'archived';
  /** Certificate numbers of the officers who looked into the suspected crime. */
  team?: string[];
}
type Field = keyof CommandData;

const line = (maxLength: number) => ({
  type: 'string',
  minLength: 1,
  maxLength,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
});
const lines = (maxLength: number) => ({ type: 'array', minItems: 1, maxItems: 50, items: line(maxLength) });
const text = { type: 'string', minLength: 1, maxLength: 2000, pattern: '^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f]+$' };
const code = { type: 'string', pattern: '^[A-Z][A-Z_]{1,59}$' };
const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' };
const instant = { type: 'string', format: 'instant' };
const day = { type: 'string', pattern: '^[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$' };
const id = { type: 'string', pattern: '^[0-9A-Za-z-]{1,64}$' };
const count = { type: 'integer', minimum: 1, maximum: 50 };
const certNos = {
  type: 'array',
  minItems: 1,
  maxItems: 20,
  items: { type: 'string', pattern: '^[0-9A-Za-z-]{4,32}$' },
};

const fieldSchemas: Record<Field, object> = {
  document: digest,
  text,
  code,
  happenedAt: instant,
  message: id,
  bundle: digest,
  content: digest,
  number: line(80),
  filing: {
    type: 'object',
    properties: { number: line(80), at: instant, proof: digest },
    required: ['number', 'at', 'proof'],
    additionalProperties: false,
  },
  matters: count,
  matter: count,
  until: day,
  act: { enum: ['stopped', 'secured'] },
  phonedAt: instant,
  phonedTo: line(100),
  rules: {
    type: 'array',
    minItems: 1,
    maxItems: 20,
    items: { type: 'string', pattern: '^R(?:0[1-9]|1[0-9]|20)$' },
  },
  missing: lines(500),
  items: lines(64),
  department: line(100),
  handling: { enum: ['sender', 'receiver', 'other'] },
  level: { enum: disputeLevels },
  body: line(100),
  ground: { enum: notFiledGrounds },
  outcome: { enum: outcomes },
  step: line(64),
  noticedAt: instant,
  waived: { type: 'boolean' },
  disposal: { enum: ['deleted', 'archived'] },
  team: certNos,
};

interface Fields {
  needs?: readonly Field[];
  may?: readonly Field[];
}
const settlement: Fields = { needs: ['handling'], may: ['text'] };
const bundle: Fields = { needs: ['bundle', 'content'], may: ['text'] };
const filing: Fields = { needs: ['filing'] };
const dated: Fields = { may: ['happenedAt'] };
const returned: Fields = { needs: ['code', 'text'] };

/** Besides `document`, which goes with every step that needs a signature. A command that is not here has no fields. */
export const fieldsOf: Partial<Record<Command, Fields>> = {
  'send-back': { needs: ['text'] },
  send: { needs: ['bundle', 'content', 'number'], may: ['filing', 'matters'] },
  'send-urgent': { needs: ['bundle', 'content', 'number', 'act', 'phonedAt', 'phonedTo'], may: ['filing'] },
  'forward-at-home': { needs: ['department'], may: ['text'] },
  'disapprove-afterwards': { needs: ['text'] },
  'revoke-acceptance': returned,
  reject: { needs: ['message', 'code'] },
  'reject-message': { needs: ['message', 'code'] },
  'request-supplement': { needs: ['rules', 'missing'] },
  'answer-supplement': bundle,
  'report-mismatch': { needs: ['items'] },
  'replace-items': bundle,
  return: returned,
  forward: { needs: ['department', 'text'] },
  'report-outcome': { needs: ['outcome'], may: ['text'] },
  contest: { needs: ['text'], may: ['filing'] },
  'claim-filing': filing,
  'propose-settlement': settlement,
  'refer-to-superior': { needs: ['level', 'body'] },
  designate: { needs: ['handling', 'body'] },
  'not-file': { needs: ['ground', 'text'] },
  file: filing,
  attach: filing,
  decide: { needs: ['number'], may: ['happenedAt', 'step', 'noticedAt', 'waived'] },
  feedback: { needs: ['outcome'], may: ['text', 'step'] },
  'report-crime': { needs: ['team'], may: ['happenedAt'] },
  'approve-referral': dated,
  'refuse-referral': { needs: ['text'], may: ['happenedAt'] },
  'refer-crime': dated,
  'note-other-police': dated,
  'note-police-forwarded': dated,
  'record-police-filing': dated,
  'record-police-refusal': dated,
  'request-reconsideration': dated,
  'record-reconsideration-refusal': dated,
  'request-supervision': dated,
  'hand-over-items': dated,
  'answer-matter': { needs: ['matter'], may: ['text', 'bundle'] },
  'refuse-matter': { needs: ['matter', 'code', 'text'] },
  'extend-matter': { needs: ['matter', 'until', 'text'] },
  withdraw: { needs: ['text'] },
  'attest-disposal': { needs: ['disposal'], may: ['text'] },
};

const checks = Object.fromEntries(
  commands.map((command) => {
    const { needs = [], may = [] } = fieldsOf[command] ?? {};
    const fields: readonly Field[] = ['document', ...needs, ...may];
    const schema = {
      type: 'object',
      properties: Object.fromEntries(fields.map((field) => [field, fieldSchemas[field]])),
      required: needs,
      additionalProperties: false,
    };
    return [command, schemaCheck<CommandData>(schema, 'VALIDATION_FAILED')];
  }),
) as Record<Command, (value: unknown) => CommandData>;

const envelope = schemaCheck<Omit<StateMessage, 'command' | 'data'> & { command: unknown; data: unknown }>(
  {
    type: 'object',
    properties: {
      id,
      transfer: id,
      from: { enum: ['sender', 'receiver'] },
      index: { type: 'integer', minimum: 1, maximum: 10_000 },
      seen: { type: 'integer', minimum: 0, maximum: 10_000 },
      command: { enum: commands },
      role: line(40),
      at: instant,
      data: { type: 'object' },
    },
    required: ['id', 'transfer', 'from', 'index', 'seen', 'command', 'role', 'at', 'data'],
    additionalProperties: false,
  },
  'VALIDATION_FAILED',
);
const time = schemaCheck<string>(instant, 'VALIDATION_FAILED');

/** A command as one side tells the other. Persons stay at home: the peer learns the role. */
export interface StateMessage {
  id: string;
  transfer: string;
  from: Side;
  /** The side's messages about this transfer, counted from 1. */
  index: number;
  /** How many of the other side's messages it had taken when it gave the command. */
  seen: number;
  command: Command;
  role: string;
  /** ISO-8601 UTC with milliseconds. */
  at: string;
  data: CommandData;
}

/** What is wrong with a command's data and time, or null. Times that it tells of lie before it. */
export function dataFault(command: Command, data: unknown, at: unknown): ErrorParams | null {
  const fault = faultOf(() => {
    time(at);
    checks[command](data);
  });
  return fault ?? wrongTime(data as CommandData, at as string);
}

/** What is wrong with a message of the peer, or null. */
export function messageFault(value: unknown): ErrorParams | null {
  const fault = faultOf(() => envelope(value));
  if (fault !== null) return fault;
  const { command, data, at } = value as StateMessage;
  return dataFault(command, data, at);
}

function faultOf(check: () => unknown): ErrorParams | null {
  try {
    check();
    return null;
  } catch (error) {
    if (hasCode(error, 'VALIDATION_FAILED')) return error.params;
    throw error;
  }
}

/** What is told lies before the command; deadlines are counted from 1992 on, and end in four-digit years. */
function wrongTime({ happenedAt, filing, noticedAt, phonedAt, until }: CommandData, at: string): ErrorParams | null {
  if (at < '1992' || at >= '2900') return { pointer: '/at', reason: 'range' };
  if (until !== undefined && !isDay(until)) return { pointer: '/until', reason: 'day' };
  for (const [name, instant] of Object.entries({ happenedAt, 'filing/at': filing?.at, noticedAt, phonedAt })) {
    if (instant === undefined || (instant >= '1992' && instant <= at)) continue;
    return { pointer: `/${name}`, reason: instant > at ? 'future' : 'range' };
  }
  return null;
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
