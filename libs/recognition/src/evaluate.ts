import {
  type AgreementDirection,
  directionOf,
  type LegalBasis,
  ownRules,
  parametersOf,
  type RecognitionAgreement,
  type RecognitionLevel,
  type RuleParameters,
  recognitionLevels,
} from './agreement-terms';
import type { CatalogueSet } from './catalogue';
import type { Findings } from './findings';
import type { OwnRuleId, OwnRuleWords } from './own-rules/own-rules';
import type { Registers } from './registers';
import { r01 } from './rules/r01-two-officers';
import { r02 } from './rules/r02-place';
import { r03 } from './rules/r03-power';
import { r04 } from './rules/r04-law-in-force';
import { r05 } from './rules/r05-limitation';
import { r06 } from './rules/r06-digest';
import { r07 } from './rules/r07-production';
import { r08 } from './rules/r08-copy';
import { r09 } from './rules/r09-signatures';
import { r10 } from './rules/r10-monitoring-device';
import { r11 } from './rules/r11-registration';
import { r12 } from './rules/r12-seizure';
import { r13 } from './rules/r13-crime';
import { r14 } from './rules/r14-precondition';
import { r15 } from './rules/r15-same-act';
import { r16 } from './rules/r16-personal-data';
import { r17 } from './rules/r17-urgency';
import { r18 } from './rules/r18-number-and-seal';
import { r19 } from './rules/r19-agreement';
import { r20 } from './rules/r20-reviewer';
import type { Facts, RemedyCode, Rule, RuleId, RuleInput, RuleResult } from './rules/rule';
import { agreedResult } from './rules/switches';
import type { TransferData, TransferEvidence } from './transfer-data';

/** The schema identifier of `recognition.json`. Specification: docs/spec/recognition.md. */
export const recognitionSchemaId = 'jieqiao/recognition/v1';

const rules: readonly Rule[] = [
  r01,
  r02,
  r03,
  r04,
  r05,
  r06,
  r07,
  r08,
  r09,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  r16,
  r17,
  r18,
  r19,
  r20,
];

/** In order of precedence, the first that applies. */
export type RecognitionOutcome = 'crime-track' | 'blocked' | 'supplement' | 'sendable-with-warnings' | 'sendable';

export interface RecognitionResult {
  rule: RuleId | OwnRuleId;
  result: RuleResult;
  basis: readonly LegalBasis[];
  facts: Facts;
  remedy?: RemedyCode;
  evidence?: string;
}

/** Why an item is proposed for less than the best: the agreement's entry for its kind, its form, or a rule. */
export type ProposalReason = 'agreement' | 'handed-in' | 'statement-form' | RuleId;

export interface RecognitionProposal {
  evidence: string;
  proposed: RecognitionLevel;
  reasons: ProposalReason[];
}

/** Plain JSON, the same for the same input to the byte once canonicalised: it is hashed, sealed and logged. */
export interface RecognitionDecision {
  schema: typeof recognitionSchemaId;
  transfer: string;
  agreement: { id: string; version: number };
  at: string;
  /** What was looked at beside transfer and agreement: given the same, a verifier comes to the same decision. */
  inputs: {
    catalogue: readonly { id: string; version: number; digest: string }[];
    registers: Registers;
    findings?: Findings;
  };
  outcome: RecognitionOutcome;
  results: RecognitionResult[];
  proposals: RecognitionProposal[];
  /** What the agreement's own rules for this direction say to people; absent where it has none. */
  ownRules?: Record<OwnRuleId, OwnRuleWords>;
}

export interface RecognitionInput {
  /** Schema-valid: from `parseTransferData`, or a draft without faults. */
  transfer: TransferData;
  /** From `readRecognitionAgreement`. */
  agreement: RecognitionAgreement;
  /** Digest per evidence and document id as the sealed manifest lists them; null before sealing. */
  manifest: Readonly<Record<string, string>> | null;
  /** ISO instant with an offset. */
  at: string;
  catalogue: CatalogueSet;
  registers: Registers;
  /** From `parseFindings`; the receiver's own. */
  findings?: Findings;
}

/**
 * Applies every rule to a transfer. Sender, receiver and verifier call this same function; a refusal is its value, and
 * it throws for no schema-valid input.
 */
export function evaluateRecognition(given: RecognitionInput): RecognitionDecision {
  const { transfer, agreement, manifest, at, catalogue, registers, findings = {} } = given;
  const direction = directionOf(agreement, transfer, at);
  const parameters = parametersOf(agreement, direction);
  const input: RuleInput = {
    ...{ transfer, agreement, direction, parameters, manifest, at, catalogue, registers, findings },
    act: actAsFound(transfer, findings),
  };
  const results: RecognitionResult[] = [];
  const caps = new Map<string, [RuleId, RecognitionLevel][]>();
  for (const rule of rules) {
    const basis = rule.id === 'R19' ? (direction?.legalBasis ?? []) : rule.basis;
    if (direction?.rules?.off?.includes(rule.id)) {
      results.push({ rule: rule.id, result: 'not-applicable', basis, facts: { off: 'agreement' } });
      continue;
    }
    if (rule.appliesTo !== 'every' && !rule.appliesTo.includes(transfer.kind)) {
      results.push({ rule: rule.id, result: 'not-applicable', basis, facts: { kind: transfer.kind } });
      continue;
    }
    const { examined, findings: found, facts: how } = rule.check(input);
    if (found.length === 0) {
      const result = examined === 0 ? 'not-applicable' : 'pass';
      results.push({ rule: rule.id, result, basis, facts: { examined, ...how } });
    }
    for (const finding of found) {
      const { remedy, evidence, cap } = finding;
      const result = agreedResult(direction?.rules, rule.id, finding.result);
      // What the rule itself says stays to be seen.
      const facts = result === finding.result ? finding.facts : { ...finding.facts, usual: finding.result };
      const entry: RecognitionResult = { rule: rule.id, result, basis: finding.basis ?? basis, facts, remedy };
      if (evidence !== undefined) {
        entry.evidence = evidence;
        if (cap) caps.set(evidence, [...(caps.get(evidence) ?? []), [rule.id, cap]]);
      }
      results.push(entry);
    }
  }
  const own = direction?.rules?.own ?? [];
  results.push(...ownRules.ask(own, { transfer, parameters, at }));
  return {
    schema: recognitionSchemaId,
    transfer: transfer.id,
    agreement: { id: agreement.id, version: agreement.version },
    at,
    inputs: {
      catalogue: catalogue.catalogues,
      registers,
      ...(given.findings ? { findings: given.findings } : {}),
    },
    outcome: outcomeOf(results),
    results,
    proposals: transfer.evidence.map((item) => propose(item, direction, parameters, caps.get(item.id) ?? [])),
    ...(own.length > 0 && {
      ownRules: Object.fromEntries(own.map(({ id, title, reason, remedy }) => [id, { title, reason, remedy }])),
    }),
  };
}

/**
 * Whether a decision proposes the criminal track: then no penalty takes its place, in a lead either (移送规定 §11), unless
 * the police have refused.
 */
export function proposesCrimeTrack({ results }: RecognitionDecision): boolean {
  return results.some(({ rule, result }) => rule === 'R13' && (result === 'block' || result === 'warn'));
}

/** The act as the transfer states it, and over that what the receiver found. */
function actAsFound({ act, discoveredAt }: TransferData, findings: Findings): RuleInput['act'] {
  const { place, harm, quantities, gains, losses } = findings;
  const found = { harm, quantities, gains, losses };
  return {
    ...act,
    ...Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)),
    place: { ...act.place, ...place },
    discoveredAt: earlier(discoveredAt, findings.discoveredAt),
  };
}

function earlier(stated: string, found: string | undefined): string {
  return found !== undefined && Date.parse(found) < Date.parse(stated) ? found : stated;
}

function outcomeOf(results: readonly RecognitionResult[]): RecognitionOutcome {
  let outcome: RecognitionOutcome = 'sendable';
  for (const { rule, result } of results) {
    if (result === 'block') {
      if (rule === 'R13') return 'crime-track';
      outcome = 'blocked';
    } else if (result === 'supplement' && outcome !== 'blocked') outcome = 'supplement';
    else if (result === 'warn' && outcome === 'sendable') outcome = 'sendable-with-warnings';
  }
  return outcome;
}

function propose(
  item: TransferEvidence,
  direction: AgreementDirection | undefined,
  parameters: RuleParameters,
  caps: readonly [RuleId, RecognitionLevel][],
): RecognitionProposal {
  const limits: [ProposalReason, RecognitionLevel][] = [
    // Without an entry nothing is agreed, so nothing is proposed for recognition.
    ['agreement', direction?.evidenceKinds.find((entry) => entry.kind === item.kind)?.proposed ?? 'REFUSED'],
  ];
  if (item.handedInBy !== undefined) limits.push(['handed-in', 'LEAD_ONLY']);
  else if (item.kind === 'party-statement' || item.kind === 'witness-testimony') {
    const sound = item.signatures?.eachPage === true && (item.recorded === true || !parameters.statementNeedsRecording);
    limits.push(['statement-form', sound ? 'AFTER_REVIEW' : 'RETAKE']);
  }
  limits.push(...caps);
  const rank = Math.max(...limits.map(([, level]) => recognitionLevels.indexOf(level)));
  const proposed = recognitionLevels[rank]!;
  const reasons = limits.filter(([, level]) => level === proposed).map(([reason]) => reason);
  return { evidence: item.id, proposed, reasons: [...new Set(reasons)] };
}
