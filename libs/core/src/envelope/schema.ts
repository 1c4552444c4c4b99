import { nodePattern } from '../names';

const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;
const uuid = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
} as const;
const seconds = { type: 'integer', minimum: 0, maximum: 99_999_999_999 } as const;

const node = { type: 'string', pattern: nodePattern } as const;

export const agreementRefSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'version', 'digest'],
  properties: {
    id: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,79}$' },
    version: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    digest,
  },
} as const;

const members = [
  'iss',
  'aud',
  'jti',
  'iat',
  'exp',
  'kind',
  'dossier',
  'transfer',
  'seq',
  'prev',
  'agreement',
  'bundle',
  'body',
];

const common = {
  iss: node,
  aud: node,
  jti: uuid,
  iat: seconds,
  exp: seconds,
  seq: { type: 'integer', minimum: 1, maximum: 2_147_483_647 },
  prev: { anyOf: [digest, { type: 'null' }] },
  agreement: agreementRefSchema,
} as const;

/** What casework says in an envelope. Its form is casework's matter; here it is an object that names its command. */
const message = {
  type: 'object',
  required: ['command'],
  properties: { command: { type: 'string', pattern: '^[a-z][a-z-]{0,47}$' } },
} as const;

/** JSON Schema of the claims of an envelope that hands a transfer over; docs/spec/envelope.md explains each. */
export const transferClaimsSchema = {
  type: 'object',
  additionalProperties: false,
  required: members,
  properties: {
    ...common,
    kind: { const: 'transfer' },
    dossier: uuid,
    transfer: uuid,
    bundle: {
      anyOf: [
        { type: 'null' },
        {
          type: 'object',
          additionalProperties: false,
          required: ['manifest', 'files'],
          properties: {
            manifest: digest,
            files: {
              type: 'array',
              maxItems: 2_000,
              items: {
                type: 'object',
                additionalProperties: false,
                required: ['digest', 'bytes'],
                properties: { digest, bytes: { type: 'integer', minimum: 0, maximum: 1_099_511_627_776 } },
              },
            },
          },
        },
      ],
    },
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['transferKind', 'number', 'message'],
      properties: {
        message,
        transferKind: { enum: ['LEAD', 'CASE', 'ASSIST', 'EVIDENCE', 'NOTICE', 'CRIMINAL_STATUS'] },
        number: { type: 'string', minLength: 1, maxLength: 100 },
      },
    },
  },
} as const;

/** The claims of an envelope that says what became of a transfer; its bundle is the sealed document, if one goes with it. */
export const stateClaimsSchema = {
  type: 'object',
  additionalProperties: false,
  required: members,
  properties: {
    ...common,
    kind: { const: 'state' },
    dossier: uuid,
    transfer: uuid,
    bundle: {
      anyOf: [
        { type: 'null' },
        {
          type: 'object',
          additionalProperties: false,
          required: ['manifest', 'files'],
          properties: { manifest: digest, files: { type: 'array', maxItems: 0 } },
        },
      ],
    },
    body: { type: 'object', additionalProperties: false, required: ['message'], properties: { message } },
  },
} as const;

const nothing = { type: 'null' } as const;

/** The claims of a test envelope: the same members, of which those that would speak of a case are empty. */
export const testClaimsSchema = {
  type: 'object',
  additionalProperties: false,
  required: members,
  properties: {
    ...common,
    kind: { const: 'test' },
    dossier: nothing,
    transfer: nothing,
    bundle: nothing,
    body: { type: 'object', additionalProperties: false },
  },
} as const;
