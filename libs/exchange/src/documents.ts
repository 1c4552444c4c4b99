import type { Person } from '@jieqiao/access';
import {
  bundleFile,
  canonicalJson,
  type Digest,
  digestOf,
  GatewayError,
  parseCanonicalJson,
  type SealedBundle,
  type Signer,
  schemaCheck,
  sealBundle,
} from '@jieqiao/core';
import type { BundleParts } from '@jieqiao/delivery';
import { recognitionLevels } from '@jieqiao/recognition';
import type { DocumentRow, ItemDecision } from './tables';
import type { CommandData, StateMessage } from './transfer/command-data';
import type { TransferLife } from './transfer/life';
import { type Command, type DocumentType, rowsFor, type Side } from './transfer/lifecycle';

export const documentPart = 'document.json';
export const filingProofPart = 'filing.tlog-proof';
const documentSchemaId = 'jieqiao/document/v1';
const limits = { maxBytes: 512 * 1024, maxDepth: 8 };

/** An authority as a document names it. */
interface Signatory {
  node: string;
  authority: string;
}

/** What is signed for a step, as data; docs/spec/document.md. Its digest is the step's `document`. */
export interface StepDocument {
  schema: typeof documentSchemaId;
  type: DocumentType;
  transfer: string;
  dossier: string;
  /** 文号 of the transfer that it is about. */
  number: string;
  from: Signatory;
  /** Null for an opinion, which stays at home. */
  to: Signatory | null;
  command: Command;
  role: string;
  certNo: string | null;
  at: string;
  /** The command's data but `document`, which is the digest of this. */
  data: CommandData;
  /** With an acceptance or a taking over: what was decided on each item, in the order of the evidence. */
  decisions: { evidence: string; level: ItemDecision['level']; reason: string | null }[] | null;
}

/** The type of document that a command needs, or null. */
export function documentTypeOf(command: Command, side: Side, kind: TransferLife['kind']): DocumentType | null {
  return rowsFor(command, side, kind).find(({ signed }) => signed)?.signed ?? null;
}

export function makeDocument(about: Omit<StepDocument, 'schema' | 'certNo'> & { person: Person | null }): Buffer {
  const { person, ...rest } = about;
  return canonicalJson({ ...rest, schema: documentSchemaId, certNo: person?.certNo ?? null } satisfies StepDocument);
}

/** Seals a document, and the proof of a filing with it, as a bundle of its own. */
export function sealDocument(content: Buffer, filingProof: string | null, seal: Signer, at: Date): SealedBundle {
  const files = [bundleFile(documentPart, 'application/json', content)];
  if (filingProof !== null) files.push(bundleFile(filingProofPart, 'text/plain', Buffer.from(filingProof)));
  return sealBundle(files, seal, at);
}

export function documentParts(row: DocumentRow): BundleParts {
  const parts = [{ name: documentPart, content: row.content }];
  if (row.filingProof !== null) parts.push({ name: filingProofPart, content: Buffer.from(row.filingProof) });
  return { manifest: row.manifest!, signature: row.signature!, parts };
}

const line = { type: 'string', minLength: 1, maxLength: 200 };
const signatory = {
  type: 'object',
  properties: { node: line, authority: line },
  required: ['node', 'authority'],
  additionalProperties: false,
};
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
const checkDocument = schemaCheck<StepDocument>(
  {
    type: 'object',
    properties: {
      schema: { const: documentSchemaId },
      type: line,
      transfer: line,
      dossier: line,
      number: line,
      from: signatory,
      to: orNull(signatory),
      command: line,
      role: line,
      certNo: orNull(line),
      at: { type: 'string', format: 'instant' },
      data: { type: 'object' },
      decisions: orNull({
        type: 'array',
        maxItems: 1000,
        items: {
          type: 'object',
          properties: {
            evidence: line,
            level: { enum: recognitionLevels },
            reason: orNull({ type: 'string', minLength: 1, maxLength: 2000 }),
          },
          required: ['evidence', 'level', 'reason'],
          additionalProperties: false,
        },
      }),
    },
    required: [
      'schema',
      'type',
      'transfer',
      'dossier',
      'number',
      'from',
      'to',
      'command',
      'role',
      'certNo',
      'at',
      'data',
      'decisions',
    ],
    additionalProperties: false,
  },
  'BUNDLE_MALFORMED',
);

/**
 * Reads a document that a peer has sealed (hostile bytes) and holds it against the message with which it came.
 * @throws GatewayError BUNDLE_MALFORMED {reason}
 */
export function readDocument(bytes: Buffer, message: StateMessage, from: string, to: string): StepDocument {
  const document = checkDocument(parseCanonicalJson(bytes, limits, 'BUNDLE_MALFORMED'));
  const { document: digest, ...data } = message.data;
  const same =
    digest === digestOf(bytes) &&
    document.transfer === message.transfer &&
    document.command === message.command &&
    document.role === message.role &&
    document.at === message.at &&
    document.from.node === from &&
    document.to?.node === to &&
    canonicalJson(document.data).equals(canonicalJson(data));
  if (!same) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'document-differs-from-message' });
  return document;
}

export function documentRow(
  about: Pick<DocumentRow, 'transferId' | 'type' | 'side' | 'content' | 'createdAt'>,
  sealed: { manifest: Buffer; signature: Buffer; digest: Digest } | null,
  filingProof: string | null = null,
): DocumentRow {
  return {
    ...about,
    digest: digestOf(about.content),
    manifestDigest: sealed?.digest ?? null,
    manifest: sealed?.manifest ?? null,
    signature: sealed?.signature ?? null,
    filingProof,
  };
}
