import { bundleNameProblem, canonicalJson, type Digest, GatewayError, parseCanonicalJson } from '@jieqiao/core';
import type { ValidateFunction } from 'ajv';
import {
  isIdNumber,
  isTelephone,
  type PersonalBlock,
  type PersonalDataCategory,
  personalDataCategories,
  personalFaults,
  personalFields,
  personalSchema,
} from './personal-data';
import { code, day, instant, line, list, newAjv, node, object, text, word } from './schema-parts';

/** The schema identifier that every `transfer.json` of this version carries. Specification: docs/spec/transfer.md. */
export const transferSchemaId = 'jieqiao/transfer/v1';

export const transferKinds = ['LEAD', 'CASE', 'ASSIST', 'EVIDENCE', 'NOTICE', 'CRIMINAL_STATUS'] as const;
export type TransferKind = (typeof transferKinds)[number];

/** The eight kinds of evidence of 行政处罚法 §46, in its order. */
export const evidenceKinds = [
  'documentary',
  'physical',
  'audio-visual',
  'electronic-data',
  'witness-testimony',
  'party-statement',
  'expert-opinion',
  'inspection-record',
] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

export const leadSources = [
  'complaint',
  'superior',
  'subordinate',
  'peer',
  'patrol',
  'comprehensive-check',
  'grid',
  'system-warning',
  'other',
] as const;
export type LeadSource = (typeof leadSources)[number];

export const urgencyGrounds = ['ongoing', 'perishable', 'safety'] as const;
export type UrgencyGround = (typeof urgencyGrounds)[number];

/** Harm that lengthens the limitation period where the agreement's parameters say so. */
export const harmKinds = ['life-health', 'finance', 'environment'] as const;
export type HarmKind = (typeof harmKinds)[number];

/** Who handed in material that officers did not collect themselves. */
export const handedInSources = ['hotline', 'grid', 'citizen', 'other-body'] as const;
export type HandedInSource = (typeof handedInSources)[number];

export const quantityUnits = ['tonne', 'kilogram', 'cubic-metre', 'square-metre', 'piece'] as const;
export type QuantityUnit = (typeof quantityUnits)[number];

/** What a party is, beside a person or an organisation: whom articles name. The catalogue's words for actors. */
export const partyRoles = ['construction-unit', 'producer', 'haulier', 'organiser'] as const;
export type PartyRole = (typeof partyRoles)[number];

/** The sender's home steps, in their order. */
export const attestedSteps = ['signed', 'submitted', 'endorsed', 'cleared', 'approved', 'sealed'] as const;
export type AttestedStep = (typeof attestedSteps)[number];

/** How much of what. Substances that thresholds name are words such as `hazardous-waste`. */
export interface Quantity {
  substance: string;
  /** 0.000001 to 10⁹; six decimals count. */
  amount: number;
  unit: QuantityUnit;
}

/** An article as the sender cites it; the law by its usual short title or another that the catalogue knows. */
export interface TransferCitation {
  law: string;
  article: number;
}

/** Who took a home step, by certificate number: what a peer may know of the internal path. */
export interface TransferAttestation {
  step: AttestedStep;
  /** The role in which the step was taken, e.g. `legal-reviewer`. */
  role: string;
  certNo: string;
  at: string;
  /** Legal reviewers: since when they are qualified (行政处罚法 §58), Chinese day. */
  qualifiedSince?: string;
}

export interface TransferOfficer {
  certNo: string;
  /** First and last day of validity, `YYYY-MM-DD`, Chinese civil days. */
  validFrom?: string;
  validTo?: string;
}

export interface TransferParty {
  kind: 'organisation' | 'natural' | 'unknown';
  name?: string;
  /** 统一社会信用代码 with a correct check character (GB 32100). */
  uscc?: string;
  plate?: string;
  vessel?: string;
  /** Absent: not stated, so nothing follows. */
  roles?: PartyRole[];
  /** Of a person, or of whoever speaks for an organisation. */
  personal?: PersonalBlock;
}

/** 先行登记保存 (行政处罚法 §56). Instants. */
export interface EvidenceRegistration {
  from: string;
  /** When it was disposed of; absent while it was not. */
  disposed?: string;
}

/** 查封、扣押 (行政强制法 §25). */
export interface EvidenceSeizure {
  /** Instant of the decision. */
  from: string;
  /** Extended once, by the head's decision. */
  extended?: boolean;
  /** Days of testing, inspection or appraisal, both included; `to` is absent while they last. */
  testing?: { from: string; to?: string }[];
  /** Instant. */
  released?: string;
}

export interface EvidenceSignatures {
  /** Certificate numbers of the officers who signed. */
  officers: string[];
  party: boolean;
  eachPage?: boolean;
  /** Why the party did not or could not sign. */
  refusalReason?: string;
  /** Another person signed as witness, or a note says that none was present. */
  witness?: 'signed' | 'none-present';
}

export interface TransferEvidence {
  id: string;
  seq: number;
  kind: EvidenceKind;
  title: string;
  /** Name in the bundle below `evidence/`; unique without regard to case. */
  fileName: string;
  mediaType: string;
  bytes: number;
  digest: Digest;
  isOriginal: boolean;
  method?: string;
  tool?: string;
  madeAt?: string;
  madeBy?: string;
  purpose?: string;
  collectors: string[];
  collectedAt?: string;
  firstHashAt: string;
  /** Present when officers did not collect the item: it can be a lead, never more (domain ruling on R01). */
  handedInBy?: HandedInSource;
  /** Who keeps the original of a copy. A body must seal the copy, a person need not (证据规定 §10). */
  sourceHolder?: { kind: 'body' | 'person'; name: string };
  /** 核对无异: someone compared the copy with the original. */
  verifiedAgainstOriginal?: boolean;
  holderSeal?: boolean;
  pages?: number;
  hasSound?: boolean;
  /** Id of the evidence item that is the transcript. */
  transcriptRef?: string;
  /** Recorded by a monitoring device of 行政处罚法 §41. */
  isMonitoringDevice?: boolean;
  deviceReviewNo?: string;
  /** Where the device's location was published. */
  devicePublished?: string;
  /** A statement whose taking was itself recorded. */
  recorded?: boolean;
  signatures?: EvidenceSignatures;
  /** Id of the item that this one was made from (redacted copy, extracted frame). */
  derivedFrom?: string;
  /** What document it is, by the catalogue's types, e.g. `correction-order`, `re-check-record`. */
  documentType?: string;
  registration?: EvidenceRegistration;
  seizure?: EvidenceSeizure;
  /** Of whoever gave the statement (证据规定 §13). */
  personal?: PersonalBlock;
}

/** Where the act happened. */
export interface TransferPlace {
  /** GB/T 2260 county code, or 9 or 12 digits for a town or village. */
  code: string;
  name: string;
  longitude: number;
  latitude: number;
  datum: 'WGS-84';
  /** What was given before it was converted; `readPlace`. */
  converted?: { system: 'GCJ-02'; longitude: number; latitude: number };
}

export interface TransferDocument {
  id: string;
  type: string;
  title: string;
  number?: string;
  /** Name in the bundle below `documents/`. */
  fileName: string;
  mediaType: string;
  bytes: number;
  digest: Digest;
}

/** `transfer.json` of a bundle: what is handed over, in data. Times carry their offset; personal data has its own fields. */
export interface TransferData {
  schema: typeof transferSchemaId;
  id: string;
  dossier: string;
  kind: TransferKind;
  /** 文号 as the sender wrote it. */
  number: string;
  urgency: 'normal' | 'urgent';
  urgencyGrounds?: UrgencyGround[];
  from: { node: string; authority: string; unit: string };
  to: { node: string; authority: string };
  /** Violation family of the agreement, e.g. `construction-waste-dumping`. */
  family: string;
  item?: string;
  /** 案由 */
  cause: string;
  source: LeadSource;
  act: {
    from: string;
    /** Absent while the act still goes on. */
    to?: string;
    harm?: HarmKind[];
    quantities?: Quantity[];
    /** 违法所得, 公私财产损失: whole yuan. */
    gains?: number;
    losses?: number;
    place: TransferPlace;
  };
  /** The earliest discovery that either side recorded. */
  discoveredAt: string;
  parties: TransferParty[];
  facts: string;
  request: string;
  /** The sender's duty contact, not a party's: the only place where a telephone number is expected. */
  contact: { unit: string; phone: string };
  officers: TransferOfficer[];
  evidence: TransferEvidence[];
  documents?: TransferDocument[];
  /** Personal data left in on purpose, because the receiver can't act without it. */
  personalData?: { category: PersonalDataCategory; purpose: string }[];
  citations?: TransferCitation[];
  /** What a request for assistance asks for, numbered from 1. */
  matters?: { no: number; text: string }[];
  attestation?: TransferAttestation[];
  /** Typed fields that the sender's node took out before it sealed. */
  redacted?: { pointer: string; category: PersonalDataCategory }[];
}

/** One thing wrong with transfer data: the JSON pointer (RFC 6901) to it and the rule of form it breaks. */
export interface TransferFault {
  pointer: string;
  rule: string;
}

export const transferLimits = { maxBytes: 1 << 20, maxDepth: 8, maxEvidence: 1000 } as const;

const uuid = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
} as const;
const certNo = { type: 'string', pattern: '^[0-9A-Za-z-]{4,32}$' } as const;
const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;
const mediaType = { type: 'string', maxLength: 100, pattern: '^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$' } as const;
const byteCount = { type: 'integer', minimum: 0, maximum: 2 ** 40 } as const;
// The rest of a name's form is the bundle's to say: `bundleNameProblem` in consistencyFaults.
const fileName = { type: 'string', minLength: 1, maxLength: 120, pattern: '^[^./\\\\][^/\\\\]*$' } as const;

const yuan = { type: 'integer', minimum: 0, maximum: 1_000_000_000_000 } as const;
/** What findings and transfers say alike. */
export const actParts = {
  harm: list({ enum: harmKinds }, 3, { uniqueItems: true }),
  quantities: list(
    object({
      substance: word,
      amount: { type: 'number', minimum: 0.000001, maximum: 1_000_000_000 },
      unit: { enum: quantityUnits },
    }),
    20,
  ),
  gains: yuan,
  losses: yuan,
  position: {
    code: { type: 'string', pattern: '^[1-9][0-9]{5}(?:[0-9]{3}(?:[0-9]{3})?)?$' },
    longitude: { type: 'number', minimum: -180, maximum: 180 },
    latitude: { type: 'number', minimum: -90, maximum: 90 },
    datum: { const: 'WGS-84' },
  },
} as const;
const personalPointer = {
  type: 'string',
  pattern: `^/(?:parties|evidence)/(?:0|[1-9][0-9]{0,2})/personal/(?:${personalFields.join('|')})$`,
} as const;
const maxParties = 100;
const maxPersonalFields = (maxParties + transferLimits.maxEvidence) * personalFields.length;

const evidenceSchema = object(
  {
    id: code,
    seq: { type: 'integer', minimum: 1, maximum: transferLimits.maxEvidence },
    kind: { enum: evidenceKinds },
    title: line(200),
    fileName,
    mediaType,
    bytes: byteCount,
    digest,
    isOriginal: { type: 'boolean' },
    method: line(500),
    tool: line(200),
    madeAt: instant,
    madeBy: line(200),
    purpose: line(500),
    collectors: list(certNo, 20, { uniqueItems: true }),
    collectedAt: instant,
    firstHashAt: instant,
    handedInBy: { enum: handedInSources },
    sourceHolder: object({ kind: { enum: ['body', 'person'] }, name: line(200) }),
    verifiedAgainstOriginal: { type: 'boolean' },
    holderSeal: { type: 'boolean' },
    pages: { type: 'integer', minimum: 1, maximum: 100_000 },
    hasSound: { type: 'boolean' },
    transcriptRef: code,
    isMonitoringDevice: { type: 'boolean' },
    deviceReviewNo: line(100),
    devicePublished: line(300),
    recorded: { type: 'boolean' },
    signatures: object(
      {
        officers: list(certNo, 20, { uniqueItems: true }),
        party: { type: 'boolean' },
        eachPage: { type: 'boolean' },
        refusalReason: line(500),
        witness: { enum: ['signed', 'none-present'] },
      },
      ['eachPage', 'refusalReason', 'witness'],
    ),
    derivedFrom: code,
    documentType: code,
    registration: object({ from: instant, disposed: instant }, ['disposed']),
    seizure: object(
      {
        from: instant,
        extended: { type: 'boolean' },
        testing: list(object({ from: day, to: day }, ['to']), 20),
        released: instant,
      },
      ['extended', 'testing', 'released'],
    ),
    personal: personalSchema,
  },
  [
    'method',
    'tool',
    'madeAt',
    'madeBy',
    'purpose',
    'collectedAt',
    'handedInBy',
    'sourceHolder',
    'verifiedAgainstOriginal',
    'holderSeal',
    'pages',
    'hasSound',
    'transcriptRef',
    'isMonitoringDevice',
    'deviceReviewNo',
    'devicePublished',
    'recorded',
    'signatures',
    'derivedFrom',
    'documentType',
    'registration',
    'seizure',
    'personal',
  ],
);

/** JSON Schema (draft 07) of `transfer.json`. Formats `instant`, `day`, `uscc`, `id-number` and `telephone` are defined in docs/spec/transfer.md. */
export const transferSchema: Readonly<Record<string, unknown>> = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: transferSchemaId,
  ...object(
    {
      schema: { const: transferSchemaId },
      id: uuid,
      dossier: uuid,
      kind: { enum: transferKinds },
      number: line(80),
      urgency: { enum: ['normal', 'urgent'] },
      urgencyGrounds: list({ enum: urgencyGrounds }, 3, { uniqueItems: true }),
      from: object({ node, authority: line(100), unit: line(100) }),
      to: object({ node, authority: line(100) }),
      family: word,
      item: code,
      cause: line(200),
      source: { enum: leadSources },
      act: object(
        {
          from: instant,
          to: instant,
          harm: actParts.harm,
          quantities: actParts.quantities,
          gains: actParts.gains,
          losses: actParts.losses,
          place: object(
            {
              ...actParts.position,
              name: line(200),
              converted: object({
                system: { const: 'GCJ-02' },
                longitude: actParts.position.longitude,
                latitude: actParts.position.latitude,
              }),
            },
            ['converted'],
          ),
        },
        ['to', 'harm', 'quantities', 'gains', 'losses'],
      ),
      discoveredAt: instant,
      parties: list(
        object(
          {
            kind: { enum: ['organisation', 'natural', 'unknown'] },
            name: line(200),
            uscc: { type: 'string', maxLength: 18, format: 'uscc' },
            plate: line(20),
            vessel: line(60),
            roles: list({ enum: partyRoles }, partyRoles.length, { uniqueItems: true }),
            personal: personalSchema,
          },
          ['name', 'uscc', 'plate', 'vessel', 'roles', 'personal'],
        ),
        maxParties,
        { minItems: 1 },
      ),
      facts: text(8000),
      request: text(2000),
      contact: object({ unit: line(100), phone: { type: 'string', pattern: '^[0-9+() -]{3,40}$' } }),
      officers: list(object({ certNo, validFrom: day, validTo: day }, ['validFrom', 'validTo']), 50),
      evidence: list(evidenceSchema, transferLimits.maxEvidence),
      documents: list(
        object(
          {
            id: code,
            type: code,
            title: line(200),
            number: line(80),
            fileName,
            mediaType,
            bytes: byteCount,
            digest,
          },
          ['number'],
        ),
        100,
      ),
      personalData: list(object({ category: { enum: personalDataCategories }, purpose: code }), 10),
      citations: list(object({ law: line(100), article: { type: 'integer', minimum: 1, maximum: 2000 } }), 20),
      matters: list(object({ no: { type: 'integer', minimum: 1, maximum: 50 }, text: text(1000) }), 50, {
        minItems: 1,
      }),
      attestation: list(
        object({ step: { enum: attestedSteps }, role: word, certNo, at: instant, qualifiedSince: day }, [
          'qualifiedSince',
        ]),
        50,
      ),
      redacted: list(
        object({ pointer: personalPointer, category: { enum: personalDataCategories } }),
        maxPersonalFields,
      ),
    },
    ['urgencyGrounds', 'item', 'documents', 'personalData', 'citations', 'matters', 'attestation', 'redacted'],
  ),
};

const usccAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const usccWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/** 统一社会信用代码, GB 32100-2015: 18 characters of a 31-letter alphabet, the last a weighted check modulo 31. */
export function isUscc(value: string): boolean {
  if (value.length !== 18) return false;
  let sum = 0;
  for (let i = 0; i < 17; i++) {
    const digitValue = usccAlphabet.indexOf(value.charAt(i));
    if (digitValue < 0) return false;
    sum += digitValue * usccWeights[i]!;
  }
  return usccAlphabet.charAt((31 - (sum % 31)) % 31) === value.charAt(17);
}

const compiled = new Map<'first' | 'all', ValidateFunction>();

/** Compiling costs some milliseconds, so it waits for the first use. `all` is for people's drafts, never for peers' bytes. */
function validator(mode: 'first' | 'all'): ValidateFunction {
  let validate = compiled.get(mode);
  if (!validate) {
    validate = newAjv(mode === 'all')
      .addFormat('uscc', isUscc)
      .addFormat('id-number', isIdNumber)
      .addFormat('telephone', isTelephone)
      .compile(transferSchema);
    compiled.set(mode, validate);
  }
  return validate;
}

const maxFaults = 50;

function schemaFaults(value: unknown, mode: 'first' | 'all'): TransferFault[] {
  const validate = validator(mode);
  if (validate(value)) return [];
  return (validate.errors ?? []).slice(0, maxFaults).map(({ instancePath, keyword, params }) => {
    const child = keyword === 'additionalProperties' ? params.additionalProperty : params.missingProperty;
    // An unknown field's name is the sender's to choose: it is cut before it can reach a log.
    const step = typeof child === 'string' ? `/${escapePointer(child.slice(0, 64))}` : '';
    return { pointer: `${instancePath}${step}`.slice(0, 200), rule: keyword };
  });
}

function escapePointer(name: string): string {
  return name
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?')
    .replaceAll('~', '~0')
    .replaceAll('/', '~1');
}

/** What a schema can't say: uniqueness by one field, order of times, two different ends. */
function consistencyFaults(transfer: TransferData): TransferFault[] {
  const faults: TransferFault[] = [];
  const { act, evidence, documents = [], from, officers, to } = transfer;
  if (from.node === to.node) faults.push({ pointer: '/to/node', rule: 'distinct' });
  orderFault(faults, act.from, act.to, '/act/to');
  transfer.matters?.forEach(({ no }, i) => {
    if (no !== i + 1) faults.push({ pointer: `/matters/${i}/no`, rule: 'order' });
  });
  const ids = new Set<string>();
  const seqs = new Set<number>();
  const names = new Set<string>();
  evidence.forEach((item, i) => {
    const { registration, seizure } = item;
    if (registration)
      orderFault(faults, registration.from, registration.disposed, `/evidence/${i}/registration/disposed`);
    if (seizure) orderFault(faults, seizure.from, seizure.released, `/evidence/${i}/seizure/released`);
    seizure?.testing?.forEach(({ from, to }, t) => {
      orderFault(faults, from, to, `/evidence/${i}/seizure/testing/${t}/to`);
    });
    if (!claim(ids, item.id)) faults.push({ pointer: `/evidence/${i}/id`, rule: 'unique' });
    if (seqs.has(item.seq)) faults.push({ pointer: `/evidence/${i}/seq`, rule: 'unique' });
    seqs.add(item.seq);
    nameFault(faults, names, `evidence/${item.fileName}`, `/evidence/${i}/fileName`);
    if (item.personal && !isStatement(item))
      faults.push({ pointer: `/evidence/${i}/personal`, rule: 'statement-only' });
  });
  for (const [holder, list] of Object.entries({ parties: transfer.parties, evidence })) {
    list.forEach(({ personal = {} }, i) => {
      for (const { field, rule } of personalFaults(personal)) {
        faults.push({ pointer: `/${holder}/${i}/personal/${field}`, rule });
      }
    });
  }
  documents.forEach((document, i) => {
    if (!claim(ids, document.id)) faults.push({ pointer: `/documents/${i}/id`, rule: 'unique' });
    nameFault(faults, names, `documents/${document.fileName}`, `/documents/${i}/fileName`);
  });
  const certificates = new Set<string>();
  officers.forEach((officer, i) => {
    if (!claim(certificates, officer.certNo)) faults.push({ pointer: `/officers/${i}/certNo`, rule: 'unique' });
  });
  return faults.slice(0, maxFaults);
}

/** Two instants, or two days. */
function orderFault(faults: TransferFault[], from: string, to: string | undefined, pointer: string): void {
  if (to !== undefined && Date.parse(to) < Date.parse(from)) faults.push({ pointer, rule: 'order' });
}
const isStatement = ({ kind }: TransferEvidence) => kind === 'witness-testimony' || kind === 'party-statement';

function claim(taken: Set<string>, value: string): boolean {
  if (taken.has(value)) return false;
  taken.add(value);
  return true;
}

function nameFault(faults: TransferFault[], taken: Set<string>, name: string, pointer: string): void {
  if (bundleNameProblem(name) !== null) faults.push({ pointer, rule: 'file-name' });
  else if (!claim(taken, name.toUpperCase().toLowerCase())) faults.push({ pointer, rule: 'unique' });
}

/** All that is wrong with a draft's data, at most 50 faults; empty when it could travel. For forms: a value, not an error. */
export function findTransferFaults(value: unknown): TransferFault[] {
  const faults = schemaFaults(value, 'all');
  return faults.length > 0 ? faults : consistencyFaults(value as TransferData);
}

/**
 * Reads `transfer.json` from a bundle (hostile bytes): canonical JSON of at most 1 MiB, exactly the fields of the schema.
 * @throws GatewayError BUNDLE_MALFORMED with `file`, `reason`, and for a field its `pointer` and broken `rule`.
 */
export function parseTransferData(bytes: Uint8Array): TransferData {
  const value = parseCanonicalJson(bytes, transferLimits, 'BUNDLE_MALFORMED');
  const fault = schemaFaults(value, 'first')[0] ?? consistencyFaults(value as TransferData)[0];
  if (fault) {
    throw new GatewayError('BUNDLE_MALFORMED', { file: 'transfer.json', reason: 'schema', ...fault });
  }
  return value as TransferData;
}

/**
 * The bytes of `transfer.json`.
 * @param transfer without faults (`findTransferFaults`); the peer's parser would refuse others
 * @throws GatewayError LIMIT_EXCEEDED
 */
export function encodeTransferData(transfer: TransferData): Buffer {
  const bytes = canonicalJson(transfer);
  if (bytes.length > transferLimits.maxBytes) {
    throw new GatewayError('LIMIT_EXCEEDED', { what: 'transfer.json', limit: transferLimits.maxBytes });
  }
  return bytes;
}
