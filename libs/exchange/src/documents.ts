import type { Person } from '@jieqiao/access';
import {
  type BundleFile,
  bundleFile,
  canonicalJson,
  type Digest,
  digestOf,
  filingLimits,
  GatewayError,
  parseCanonicalJson,
  type SealedBundle,
  type Signer,
  schemaCheck,
  sealBundle,
  verifyFilingProof,
} from '@jieqiao/core';
import type { BundleParts } from '@jieqiao/delivery';
import { recognitionLevels } from '@jieqiao/recognition';
import type { FilingProof } from './filing-tables';
import type { DocumentRow, ItemDecision } from './tables';
import type { CommandData, Filing, StateMessage } from './transfer/command-data';
import type { TransferLife } from './transfer/life';
import { type Command, type DocumentType, rowsFor, type Side } from './transfer/lifecycle';

export const documentPart = 'document.json';
export const filingPart = 'filing.json';
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
export function sealDocument(content: Buffer, filing: FilingProof | null, seal: Signer, at: Date): SealedBundle {
  return sealBundle([bundleFile(documentPart, 'application/json', content), ...filingFiles(filing)], seal, at);
}

/** `filing.json`: the statement of a filing and the proof by the log of whoever filed; docs/spec/same-act.md. */
export function filingFiles(filing: FilingProof | null): BundleFile[] {
  return filing === null ? [] : [bundleFile(filingPart, 'application/json', canonicalJson(filing))];
}

export function documentParts(row: DocumentRow): BundleParts {
  const files = filingFiles(row.filing).map(({ name, content }) => ({ name, content: content! }));
  const parts = [{ name: documentPart, content: row.content }, ...files];
  return { manifest: row.manifest!, signature: row.signature!, parts };
}

const maxFilingBytes = 512 * 1024;
const checkFiling = schemaCheck<FilingProof>(
  {
    type: 'object',
    properties: {
      statement: { type: 'string', minLength: 1, maxLength: filingLimits.bytes },
      proof: { type: 'string', minLength: 1, maxLength: maxFilingBytes },
    },
    required: ['statement', 'proof'],
    additionalProperties: false,
  },
  'BUNDLE_MALFORMED',
);
/**
 * Reads what is to prove when the peer filed its case (行政处罚法 §25; hostile bytes), and holds it against what the
 * message states: number, time and proof are those that the peer's own log gives.
 * @param vkey of the peer's log, by the agreement
 * @throws GatewayError BUNDLE_MALFORMED {reason: 'filing'}, LOG_*
 */
export function readFiling(bytes: Buffer, filing: Filing, from: string, vkey: string): FilingProof {
  const limits = { maxBytes: maxFilingBytes, maxDepth: 2 };
  const given = checkFiling(parseCanonicalJson(bytes, limits, 'BUNDLE_MALFORMED'));
  const { statement, attestedAt } = verifyFilingProof(Buffer.from(given.proof), Buffer.from(given.statement), vkey);
  const same =
    statement.node === from &&
    statement.number === filing.number &&
    attestedAt === filing.at &&
    digestOf(Buffer.from(given.proof)) === filing.proof;
  if (!same) throw new GatewayError('BUNDLE_MALFORMED', { reason: 'filing' });
  return given;
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
  filing: FilingProof | null = null,
): DocumentRow {
  return {
    ...about,
    digest: digestOf(about.content),
    manifestDigest: sealed?.digest ?? null,
    manifest: sealed?.manifest ?? null,
    signature: sealed?.signature ?? null,
    filing,
  };
}
