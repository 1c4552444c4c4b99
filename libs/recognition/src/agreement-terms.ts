import { GatewayError, nodePattern, schemaCheck } from '@jieqiao/core';
import {
  type EvidenceKind,
  evidenceKinds,
  type HarmKind,
  harmKinds,
  type PersonalDataCategory,
  personalDataCategories,
  type TransferKind,
  transferKinds,
  type UrgencyGround,
  urgencyGrounds,
} from './transfer-data';

/** From most to least: what a receiver may do with an item. The software proposes, a person of the receiver decides. */
export const recognitionLevels = ['DIRECT', 'AFTER_REVIEW', 'LEAD_ONLY', 'RETAKE', 'REFUSED'] as const;
export type RecognitionLevel = (typeof recognitionLevels)[number];

/** One article: `law` by its usual short Chinese title, `article` as a number or `number(item)`, e.g. `10(2)`. */
export interface LegalBasis {
  law: string;
  article: string;
  text?: string;
}

/**
 * Numbers and lists that the parties may set for themselves. All are effective-dated with the agreement's version;
 * the defaults below are proposals where no law fixes them.
 */
export interface RuleParameters {
  /** 行政处罚法 §42: two, where no law says otherwise. */
  minOfficers: number;
  limitation: {
    years: number;
    warnDays: number;
    /** Longer periods for acts that ended on or after `from` and did this harm. */
    longer: { harm: HarmKind; years: number; from: string; basis: LegalBasis }[];
  };
  /** Grounds on which the parties treat a transfer as urgent. */
  urgencyGrounds: UrgencyGround[];
  /** Categories of personal data that must not stand in the text of each kind of transfer. */
  redaction: Partial<Record<TransferKind, PersonalDataCategory[]>>;
  /** Purposes for which such data may stand there all the same, when the transfer states one. */
  personalDataPurposes: string[];
  /** A statement is proposed AFTER_REVIEW only when its taking was recorded. */
  statementNeedsRecording: boolean;
}

export interface AgreementDirection {
  /** Node ids of sender and receiver. Recognition is directional: the reverse needs its own entry. */
  from: string;
  to: string;
  legalBasis: LegalBasis[];
  families: string[];
  transferKinds: TransferKind[];
  evidenceKinds: { kind: EvidenceKind; proposed: RecognitionLevel }[];
  parameters?: Partial<RuleParameters>;
}

/** `terms` of an agreement file: what the parties agreed on recognition. */
export interface AgreementTerms {
  directions: AgreementDirection[];
  /** For all directions; a direction's own parameters go before these, key by key. */
  parameters?: Partial<RuleParameters>;
}

/** What the rules read of an agreement. The file, its signatures and its trust anchors are core's matter. */
export interface RecognitionAgreement {
  id: string;
  version: number;
  /** Instants: in force from `from` (inclusive) to `to` (exclusive). */
  effective: { from: string; to: string };
  /** `region`: GB/T 2260 code of the party's area; a code ending in 00 or 0000 covers all below it. */
  parties: readonly { node: string; region: string }[];
  terms: AgreementTerms;
}

export const defaultRuleParameters: RuleParameters = {
  minOfficers: 2,
  limitation: {
    years: 2,
    warnDays: 60,
    longer: [
      { harm: 'life-health', years: 5, from: '2021-07-15', basis: { law: '行政处罚法', article: '36' } },
      { harm: 'finance', years: 5, from: '2021-07-15', basis: { law: '行政处罚法', article: '36' } },
      { harm: 'environment', years: 5, from: '2026-08-15', basis: { law: '生态环境法典', article: '1054' } },
    ],
  },
  urgencyGrounds: ['ongoing', 'perishable', 'safety'],
  redaction: {
    LEAD: ['id-number', 'mobile-phone'],
    CASE: ['id-number'],
    ASSIST: ['id-number'],
    EVIDENCE: ['id-number'],
    NOTICE: ['id-number', 'mobile-phone'],
    CRIMINAL_STATUS: ['id-number', 'mobile-phone'],
  },
  personalDataPurposes: ['telecom-suspension'],
  statementNeedsRecording: true,
};

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;
const word = { type: 'string', pattern: '^[a-z][a-z0-9-]{0,63}$' } as const;
const node = { type: 'string', pattern: nodePattern } as const;
const years = { type: 'integer', minimum: 1, maximum: 50 } as const;

function object(properties: Record<string, unknown>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, required, properties };
}
function list(items: unknown, maxItems: number, minItems = 0) {
  return { type: 'array', minItems, maxItems, items };
}

const legalBasis = object({ law: text(100), article: text(40), text: text(2000) }, ['text']);
const parameterProperties = {
  minOfficers: { type: 'integer', minimum: 1, maximum: 10 },
  limitation: object({
    years,
    warnDays: { type: 'integer', minimum: 0, maximum: 3650 },
    longer: list(
      object({
        harm: { enum: harmKinds },
        years,
        from: { type: 'string', pattern: '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$' },
        basis: legalBasis,
      }),
      20,
    ),
  }),
  urgencyGrounds: list({ enum: urgencyGrounds }, 10),
  redaction: object(
    Object.fromEntries(transferKinds.map((kind) => [kind, list({ enum: personalDataCategories }, 10)])),
    transferKinds,
  ),
  personalDataPurposes: list(word, 50),
  statementNeedsRecording: { type: 'boolean' },
};
const parameters = object(parameterProperties, Object.keys(parameterProperties));

/** JSON Schema (draft 07) of an agreement's `terms`. */
export const agreementTermsSchema: Readonly<Record<string, unknown>> = object(
  {
    directions: list(
      object(
        {
          from: node,
          to: node,
          legalBasis: list(legalBasis, 50, 1),
          families: list(word, 200, 1),
          transferKinds: list({ enum: transferKinds }, 6, 1),
          evidenceKinds: list(object({ kind: { enum: evidenceKinds }, proposed: { enum: recognitionLevels } }), 8),
          parameters,
        },
        ['parameters'],
      ),
      1000,
      1,
    ),
    parameters,
  },
  ['parameters'],
);

const checkTerms = schemaCheck<AgreementTerms>(agreementTermsSchema, 'AGREEMENT_MALFORMED');

/**
 * Gives the content of a signed agreement its typed terms. Call it once per version, not per transfer.
 * @throws GatewayError AGREEMENT_MALFORMED with the pointer inside `terms`, or reason `direction-twice` or
 * `direction-without-party`.
 */
export function readRecognitionAgreement(
  content: Omit<RecognitionAgreement, 'terms'> & { terms: unknown },
): RecognitionAgreement {
  const terms = checkTerms(content.terms);
  const { effective, id, parties, version } = content;
  const pairs = new Set<string>();
  for (const { from, to } of terms.directions) {
    const pair = `${from} ${to}`;
    if (pairs.has(pair)) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'direction-twice', from, to });
    pairs.add(pair);
    if (from === to || ![from, to].every((end) => parties.some((party) => party.node === end))) {
      throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'direction-without-party', from, to });
    }
  }
  return { id, version, effective, parties: parties.map(({ node, region }) => ({ node, region })), terms };
}
