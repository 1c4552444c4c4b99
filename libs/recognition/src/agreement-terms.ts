import { GatewayError, hasCode, schemaCheck } from '@jieqiao/core';
import { isRealDate } from './china-date';
import { type LegalBasis, legalBasis } from './legal-basis';
import { maxOwnRules, type OwnRule, OwnRules, ownRule } from './own-rules/own-rules';
import { type PersonalDataCategory, personalDataCategories } from './personal-data';
import { ruleIds } from './rules/rule-id';
import { forbiddenSwitch, type RuleSwitches, switchedResults } from './rules/switches';
import { code, line, list, node, object, text, word } from './schema-parts';
import { type Area, areaLimits, defaultBufferMetres, readArea } from './territory';
import {
  type EvidenceKind,
  evidenceKinds,
  type HarmKind,
  harmKinds,
  type TransferData,
  type TransferKind,
  transferKinds,
  transferSchema,
  type UrgencyGround,
  urgencyGrounds,
} from './transfer-data';

export type { LegalBasis };

/** From most to least: what a receiver may do with an item. The software proposes, a person of the receiver decides. */
export const recognitionLevels = ['DIRECT', 'AFTER_REVIEW', 'LEAD_ONLY', 'RETAKE', 'REFUSED'] as const;
export type RecognitionLevel = (typeof recognitionLevels)[number];

/** The states that a transfer may come to: what a time limit may be set for. */
export const transferSteps = [
  'DRAFT',
  'IN_REVIEW',
  'LEGAL_REVIEW',
  'PENDING_APPROVAL',
  'SENT',
  'DELIVERED',
  'REJECTED_TECH',
  'RECEIVED',
  'ACCEPTED',
  'SUPPLEMENT_REQUESTED',
  'RETURNED',
  'FORWARDED',
  'IN_DISPUTE',
  'DESIGNATED',
  'NOT_FILED',
  'FILED',
  'CRIMINAL_REFERRED',
  'DECIDED',
  'FEEDBACK_SENT',
  'CLOSED',
  'WITHDRAWN',
] as const;
export type TransferStep = (typeof transferSteps)[number];

export const timeUnits = ['hours', 'calendar-days', 'working-days'] as const;
export type TimeUnit = (typeof timeUnits)[number];

export interface TimeLimit {
  /** The state to be reached in time. */
  step: TransferStep;
  /** The state in which it begins to run, where the step can be reached from several; else the one before. */
  after?: TransferStep;
  /** For this kind of transfer only; goes before one for all kinds. */
  kind?: TransferKind;
  /** For urgent transfers, instead of the usual one. */
  urgent?: boolean;
  /** Days: whole. Hours: whole or half. */
  amount: number;
  unit: TimeUnit;
  /** Whether an end on a day off moves to the next working day. False when absent; working days always end on one. */
  rolls?: boolean;
  basis?: LegalBasis;
}

export const itemRelations = ['exact', 'broader', 'narrower', 'related'] as const;
export type ItemRelation = (typeof itemRelations)[number];

/** What an item of evidence must have in the receiver's eyes, e.g. `holder-seal`; a word, explained by `text`. */
export interface FormRequirement {
  form: string;
  text?: string;
  basis?: LegalBasis;
}

/** How a field of the sender's document goes into the receiver's. */
export interface FieldMapping {
  from: string;
  to: string;
  transform?: string;
  requiredIn?: 'from' | 'to' | 'both';
  /** `note`: something is lost, and goes to the remarks. */
  loss: 'none' | 'note';
}

export interface DocumentTemplate {
  /** Type of document as in a transfer, e.g. `case-transfer-letter`. */
  type: string;
  /** The template with its version, e.g. `jx-case-transfer.2022`. */
  template: string;
  fieldMap?: FieldMapping[];
}

/**
 * From how much on an act looks like a crime, for acts that ended on a Chinese day from `from` (inclusive) to `to`
 * (exclusive); null is open.
 */
export interface CrimeThreshold {
  /** A substance, in tonnes; or `gains` or `losses`, in yuan. */
  measure: string;
  atLeast: number;
  from: string | null;
  to: string | null;
  basis: LegalBasis;
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
  /** Categories of personal data that each kind of transfer must not carry, typed or in its text. */
  redaction: Partial<Record<TransferKind, PersonalDataCategory[]>>;
  /** Purposes for which such data may be carried all the same, when the transfer states one. */
  personalDataPurposes: string[];
  /** A statement is proposed AFTER_REVIEW only when its taking was recorded. */
  statementNeedsRecording: boolean;
  /** Up to so far from the line of an area, on either side, a person decides where the act happened. 0 to 10,000. */
  bufferMetres: number;
  crimeThresholds: CrimeThreshold[];
  /** Fewer days than these before a seizure ends are told. */
  seizureWarnDays: number;
}

export interface AgreementDirection {
  /** Node ids of sender and receiver. Recognition is directional: the reverse needs its own entry. */
  from: string;
  to: string;
  legalBasis: LegalBasis[];
  families: string[];
  transferKinds: TransferKind[];
  /** Catalogue items within the families; absent: all of them. */
  items?: string[];
  /** `a` of the sender's catalogue is exactly, more broadly, more narrowly or only loosely `b` of the receiver's. */
  equivalences?: { a: string; b: string; relation: ItemRelation }[];
  evidenceKinds: { kind: EvidenceKind; proposed: RecognitionLevel; forms?: FormRequirement[] }[];
  documentTemplates?: DocumentTemplate[];
  timeLimits?: TimeLimit[];
  parameters?: Partial<RuleParameters>;
  /** Switches of the twenty rules, and rules of the parties' own. */
  rules?: RuleSwitches & { own?: OwnRule[] };
}

export const disputeLevels = ['county', 'city', 'province', 'nation'] as const;
export type DisputeLevel = (typeof disputeLevels)[number];

/** `terms` of an agreement file: what the parties agreed on recognition. */
export interface AgreementTerms {
  directions: AgreementDirection[];
  /** Outlines of the parties' areas, each region once: the geometry of GeoJSON as `readArea` takes it. */
  areas?: { region: string; outline: { type: 'Polygon' | 'MultiPolygon'; coordinates: unknown[] } }[];
  /** For all directions; a direction's own parameters go before these, key by key. */
  parameters?: Partial<RuleParameters>;
  /** Who decides a dispute over competence, from the lowest level up. */
  disputeLadder?: { level: DisputeLevel; bodies: string[] }[];
  /** How long each class of record is kept; null is for ever. */
  retention?: { class: string; years: number | null }[];
  /** What is counted and how, so that both sides count alike. */
  statistics?: { name: string; definition: string }[];
  /** How a party leaves, and what becomes of transfers under way. */
  exit?: { noticeDays: number; openTransfers: 'complete' | 'return'; text?: string };
  /** Offices on duty, not persons. */
  contacts?: { node: string; office: string; dutyPhone: string }[];
  /** When the parties look at the agreement again, `YYYY-MM-DD`. */
  reviewDate?: string;
}

/** An authority as the rules see it. */
export interface RecognitionParty {
  node: string;
  /** As on its seal. */
  authority?: string;
  /** Other names of the same authority. */
  aliases?: readonly string[];
  /** GB/T 2260 code of the party's area; a code ending in 00 or 0000 covers all below it. */
  region: string;
  /** Instants; null is open. Absent: no bounds. */
  validity?: { from: string | null; to: string | null };
  /** Who takes over its powers, and when. */
  successor?: { node: string; from: string };
}

/** What the rules read of an agreement. The file, its signatures and its trust anchors are core's matter. */
export interface RecognitionAgreement {
  id: string;
  version: number;
  /** Instants: in force from `from` (inclusive) to `to` (exclusive). */
  effective: { from: string; to: string };
  parties: readonly RecognitionParty[];
  terms: AgreementTerms;
  /** By region. */
  areas: ReadonlyMap<string, Area>;
}

/** §1 of 法释〔2016〕29号 and of the text that took its place. */
function wasteCrimes(law: string, from: string | null, to: string | null): CrimeThreshold[] {
  const row = (measure: string, atLeast: number, article: string) => ({
    ...{ measure, atLeast, from, to },
    basis: { law, article },
  });
  return [row('hazardous-waste', 3, '1(2)'), row('gains', 300_000, '1'), row('losses', 300_000, '1')];
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
    LEAD: ['id-number', 'mobile-phone', 'home-address', 'birth-date'],
    CASE: ['id-number'],
    ASSIST: ['id-number'],
    EVIDENCE: ['id-number'],
    // These two carry an outcome only.
    NOTICE: [...personalDataCategories],
    CRIMINAL_STATUS: [...personalDataCategories],
  },
  personalDataPurposes: ['telecom-suspension', 'identify-party', 'serve-documents', 'hear-witness'],
  statementNeedsRecording: true,
  bufferMetres: defaultBufferMetres,
  crimeThresholds: [
    ...wasteCrimes('办理环境污染刑事案件解释（法释〔2016〕29号）', null, '2023-08-15'),
    ...wasteCrimes('办理环境污染刑事案件解释（法释〔2023〕7号）', '2023-08-15', null),
  ],
  seizureWarnDays: 5,
};

const years = { type: 'integer', minimum: 1, maximum: 50 } as const;
const day = { type: 'string', pattern: '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$' } as const;
const openDay = { anyOf: [day, { type: 'null' }] } as const;
const region = { type: 'string', pattern: '^[1-9][0-9]{5}$' } as const;
const unique = { uniqueItems: true } as const;
const step = { enum: transferSteps } as const;
const flag = { type: 'boolean' } as const;

const parameterProperties = {
  minOfficers: { type: 'integer', minimum: 1, maximum: 10 },
  limitation: object({
    years,
    warnDays: { type: 'integer', minimum: 0, maximum: 3650 },
    longer: list(object({ harm: { enum: harmKinds }, years, from: day, basis: legalBasis }), 20),
  }),
  urgencyGrounds: list({ enum: urgencyGrounds }, 10),
  redaction: object(
    Object.fromEntries(transferKinds.map((kind) => [kind, list({ enum: personalDataCategories }, 10)])),
    transferKinds,
  ),
  personalDataPurposes: list(word, 50),
  statementNeedsRecording: flag,
  bufferMetres: { type: 'number', minimum: 0, maximum: 10_000 },
  crimeThresholds: list(
    object({
      measure: word,
      atLeast: { type: 'number', exclusiveMinimum: 0, maximum: 1_000_000_000_000 },
      from: openDay,
      to: openDay,
      basis: legalBasis,
    }),
    50,
  ),
  seizureWarnDays: { type: 'integer', minimum: 0, maximum: 60 },
};
const parameters = object(parameterProperties, Object.keys(parameterProperties));

const ruleId = { enum: ruleIds } as const;
const rules = object(
  {
    off: list(ruleId, ruleIds.length, unique),
    severity: list(object({ rule: ruleId, result: { enum: switchedResults } }), ruleIds.length),
    own: list(ownRule, maxOwnRules),
  },
  ['off', 'severity', 'own'],
);

const timeLimit = object(
  {
    step,
    after: step,
    kind: { enum: transferKinds },
    urgent: flag,
    amount: { type: 'number', minimum: 0.5, maximum: 8760, multipleOf: 0.5 },
    unit: { enum: timeUnits },
    rolls: flag,
    basis: legalBasis,
  },
  ['after', 'kind', 'urgent', 'rolls', 'basis'],
);

const evidenceKind = object(
  {
    kind: { enum: evidenceKinds },
    proposed: { enum: recognitionLevels },
    forms: list(object({ form: word, text: text(500), basis: legalBasis }, ['text', 'basis']), 30),
  },
  ['forms'],
);

const documentTemplate = object(
  {
    type: code,
    template: code,
    fieldMap: list(
      object(
        {
          from: line(100),
          to: line(100),
          transform: word,
          requiredIn: { enum: ['from', 'to', 'both'] },
          loss: { enum: ['none', 'note'] },
        },
        ['transform', 'requiredIn'],
      ),
      300,
    ),
  },
  ['fieldMap'],
);

const direction = object(
  {
    from: node,
    to: node,
    legalBasis: list(legalBasis, 50, { minItems: 1 }),
    families: list(word, 200, { minItems: 1, ...unique }),
    transferKinds: list({ enum: transferKinds }, 6, { minItems: 1, ...unique }),
    items: list(code, 2000, unique),
    equivalences: list(object({ a: code, b: code, relation: { enum: itemRelations } }), 5000),
    evidenceKinds: list(evidenceKind, 8),
    documentTemplates: list(documentTemplate, 100),
    timeLimits: list(timeLimit, 200),
    parameters,
    rules,
  },
  ['items', 'equivalences', 'documentTemplates', 'timeLimits', 'parameters', 'rules'],
);

export const ownRules = new OwnRules({ transfer: transferSchema, parameters: parameterProperties });

/** JSON Schema (draft 07) of an agreement's `terms`. */
export const agreementTermsSchema: Readonly<Record<string, unknown>> = object(
  {
    directions: list(direction, 1000, { minItems: 1 }),
    // Positions are `readArea`'s to check.
    areas: list(
      object({
        region,
        outline: object({
          type: { enum: ['Polygon', 'MultiPolygon'] },
          coordinates: { type: 'array', minItems: 1, maxItems: areaLimits.vertices },
        }),
      }),
      100,
    ),
    parameters,
    disputeLadder: list(
      object({ level: { enum: disputeLevels }, bodies: list(line(100), 20, { minItems: 1, ...unique }) }),
      4,
    ),
    retention: list(
      object({ class: word, years: { anyOf: [{ type: 'null' }, { type: 'integer', minimum: 1, maximum: 200 }] } }),
      50,
    ),
    statistics: list(object({ name: line(100), definition: text(1000) }), 100),
    exit: object(
      {
        noticeDays: { type: 'integer', minimum: 0, maximum: 3650 },
        openTransfers: { enum: ['complete', 'return'] },
        text: text(2000),
      },
      ['text'],
    ),
    contacts: list(
      object({ node, office: line(100), dutyPhone: { type: 'string', pattern: '^[0-9+() -]{3,40}$' } }),
      500,
    ),
    reviewDate: day,
  },
  ['areas', 'parameters', 'disputeLadder', 'retention', 'statistics', 'exit', 'contacts', 'reviewDate'],
);

const checkTerms = schemaCheck<AgreementTerms>(agreementTermsSchema, 'AGREEMENT_MALFORMED');

export function followsTermsSchema(terms: unknown): terms is AgreementTerms {
  try {
    checkTerms(terms);
    return true;
  } catch (error) {
    if (hasCode(error, 'AGREEMENT_MALFORMED')) return false;
    throw error;
  }
}

/**
 * Gives the content of an agreement its typed terms. Call it once per version, not per transfer.
 * @throws GatewayError AGREEMENT_MALFORMED with the pointer inside `terms`, or with a reason: `direction-twice`,
 * `direction-without-party`, `contact-without-party`, `time-limit-amount`, `day`, `area` (with `region`, and what
 * `readArea` says as `problem` and `at`), or `<what>-twice` where two entries answer one question (`area`, `contact`,
 * `crime-threshold`, `dispute-level`, `equivalence`, `evidence-kind`, `form`, `own-rule`, `retention`, `rule-switch`,
 * `statistic`, `template`, `time-limit`). With `direction` and `rule`: `rule-is-law` for a switch that the law forbids
 * (`mayGoDownTo`), and `own-rule-<fault>` with the `position` in an own rule's expression (`ExpressionFault`).
 */
export function readRecognitionAgreement(
  content: Omit<RecognitionAgreement, 'terms' | 'areas'> & { terms: unknown },
): RecognitionAgreement {
  const terms = checkTerms(content.terms);
  const { effective, id, version } = content;
  const parties = content.parties.map(({ node, authority, aliases, region, validity, successor }) => ({
    node,
    ...(authority === undefined ? {} : { authority }),
    ...(aliases ? { aliases } : {}),
    region,
    ...(validity ? { validity } : {}),
    ...(successor ? { successor } : {}),
  }));
  const nodes = new Set(parties.map((party) => party.node));
  requireUnique('direction', terms.directions, pairOf);
  for (const direction of terms.directions) {
    const { from, to } = direction;
    if (from === to || !nodes.has(from) || !nodes.has(to)) {
      throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'direction-without-party', from, to });
    }
    requireUnique('evidence-kind', direction.evidenceKinds, ({ kind }) => kind);
    for (const { forms = [] } of direction.evidenceKinds) requireUnique('form', forms, ({ form }) => form);
    requireUnique('equivalence', direction.equivalences, ({ a, b }) => `${a} ${b}`);
    requireUnique('template', direction.documentTemplates, ({ type }) => type);
    requireUnique('time-limit', direction.timeLimits, timeLimitKey);
    for (const { amount, step, unit } of direction.timeLimits ?? []) {
      if (unit !== 'hours' && !(Number.isInteger(amount) && amount <= 3650)) {
        throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'time-limit-amount', step });
      }
    }
    checkParameters(direction.parameters);
    checkSwitches(direction);
    requireUnique('own-rule', direction.rules?.own, ({ id }) => id);
  }
  ownRules.read(terms.directions);
  checkParameters(terms.parameters);
  requireUnique('area', terms.areas, ({ region }) => region);
  requireUnique('dispute-level', terms.disputeLadder, ({ level }) => level);
  requireUnique('retention', terms.retention, (entry) => entry.class);
  requireUnique('statistic', terms.statistics, ({ name }) => name);
  requireUnique('contact', terms.contacts, ({ node, office }) => `${node} ${office}`);
  for (const { node } of terms.contacts ?? []) {
    if (!nodes.has(node)) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'contact-without-party', node });
  }
  if (terms.reviewDate !== undefined) requireRealDays([terms.reviewDate]);
  const areas = new Map((terms.areas ?? []).map(({ region, outline }) => [region, areaOf(region, outline)]));
  return { id, version, effective, parties, terms, areas };
}

function checkParameters(parameters: Partial<RuleParameters> | undefined): void {
  requireRealDays(parameters?.limitation?.longer.map(({ from }) => from));
  const thresholds = parameters?.crimeThresholds;
  requireRealDays(thresholds?.flatMap(({ from, to }) => [from, to].filter((text) => text !== null)));
  requireUnique('crime-threshold', thresholds, ({ measure, from }) => `${measure} ${from}`);
}

function areaOf(region: string, outline: unknown): Area {
  try {
    return readArea(outline);
  } catch (error) {
    if (!hasCode(error, 'VALIDATION_FAILED')) throw error;
    const { reason: problem = '', at = '' } = error.params;
    throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'area', region, problem, at });
  }
}

function checkSwitches(direction: AgreementDirection): void {
  const { from, rules = {}, to } = direction;
  const { off = [], severity = [] } = rules;
  requireUnique('rule-switch', [...off, ...severity.map(({ rule }) => rule)], (rule) => rule);
  const rule = forbiddenSwitch(rules);
  if (rule) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'rule-is-law', direction: `${from} ${to}`, rule });
}

const pairOf = ({ from, to }: { from: string; to: string }): string => `${from} ${to}`;

/** What a time limit is for: two with the same key would contradict each other. */
export function timeLimitKey({ step: to, after, kind, urgent }: TimeLimit): string {
  return `${to} ${after ?? ''} ${kind ?? ''} ${urgent === true}`;
}

function requireUnique<T>(what: string, entries: readonly T[] | undefined, keyOf: (entry: T) => string): void {
  const seen = new Set<string>();
  for (const entry of entries ?? []) {
    const key = keyOf(entry);
    if (seen.has(key)) throw new GatewayError('AGREEMENT_MALFORMED', { reason: `${what}-twice`, key });
    seen.add(key);
  }
}

function requireRealDays(days: readonly string[] | undefined): void {
  for (const text of days ?? []) {
    if (!isRealDate(text)) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'day', day: text });
  }
}

/** Whether a party holds powers at an instant, and if not, why. */
export function powersProblem(party: RecognitionParty, at: string): 'not-yet' | 'ended' | 'succeeded' | null {
  const now = Date.parse(at);
  const { from = null, to = null } = party.validity ?? {};
  if (party.successor && Date.parse(party.successor.from) <= now) return 'succeeded';
  if (to !== null && Date.parse(to) <= now) return 'ended';
  return from !== null && now < Date.parse(from) ? 'not-yet' : null;
}

/**
 * The entry that governs a transfer at an instant: the pair's own, or else that of the authorities whose powers the two
 * have taken over by then. Where several bodies were merged into one, an entry that covers family and kind of the
 * transfer goes before one that does not; then their order in the agreement decides.
 */
export function directionOf(
  agreement: RecognitionAgreement,
  transfer: Pick<TransferData, 'from' | 'to' | 'family' | 'kind'>,
  at: string,
): AgreementDirection | undefined {
  const { directions } = agreement.terms;
  const [from, to] = [transfer.from.node, transfer.to.node];
  const own = directions.find((entry) => entry.from === from && entry.to === to);
  if (own) return own;
  const holder = (node: string): string => holderOfPowers(agreement.parties, node, at);
  const inherited = directions.filter((entry) => holder(entry.from) === from && holder(entry.to) === to);
  const covers = (entry: AgreementDirection) =>
    entry.families.includes(transfer.family) && entry.transferKinds.includes(transfer.kind);
  return inherited.find(covers) ?? inherited[0];
}

/** What applies in a direction: its own parameters go before the agreement's, and these before the defaults. */
export function parametersOf(
  agreement: RecognitionAgreement,
  direction: AgreementDirection | undefined,
): RuleParameters {
  return { ...defaultRuleParameters, ...agreement.terms.parameters, ...direction?.parameters };
}

function holderOfPowers(parties: readonly RecognitionParty[], node: string, at: string): string {
  let holder = node;
  // As many steps as there are parties: a ring of successors is refused on reading, and can't hang us either.
  for (let i = 0; i < parties.length; i++) {
    const { successor } = parties.find((party) => party.node === holder) ?? {};
    if (!successor || Date.parse(successor.from) > Date.parse(at)) break;
    holder = successor.node;
  }
  return holder;
}
