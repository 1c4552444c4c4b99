export {
  type Act,
  type ActDescription,
  type ActElement,
  actGrain,
  actOf,
  askedElements,
  filedElements,
  partyKeys,
} from './act-fingerprint';
export { type AgreementChange, agreementDiff } from './agreement-diff';
export {
  type AgreementDirection,
  type AgreementTerms,
  agreementTermsSchema,
  type CrimeThreshold,
  defaultRuleParameters,
  directionOf,
  type ItemRelation,
  type LegalBasis,
  parametersOf,
  type RecognitionAgreement,
  type RecognitionLevel,
  type RuleParameters,
  readRecognitionAgreement,
  recognitionLevels,
} from './agreement-terms';
export { agreementSummary, changeWords } from './agreement-words';
export * from './catalogue';
export { chinaDay, type DayRange, daysBetween, holdsOn } from './china-date';
export type { Language } from './code-words';
export {
  type Clock,
  type Deadline,
  dueAt,
  type ForwardClock,
  type Pause,
  type Remaining,
  remaining,
  reminderTimes,
} from './deadlines/deadlines';
export { type ClockId, clockIds, clockInForce, type TransferClock, transferClocks } from './deadlines/transfer-clocks';
export { isWorkingDay } from './deadlines/working-days';
export { type DocumentNumber, formatNumber, parseNumber } from './document-numbers';
export {
  evaluateRecognition,
  type ProposalReason,
  proposesCrimeTrack,
  type RecognitionDecision,
  type RecognitionInput,
  type RecognitionOutcome,
  type RecognitionProposal,
  type RecognitionResult,
  recognitionSchemaId,
} from './evaluate';
export { type Findings, findingsSchema, parseFindings } from './findings';
export { type EvaluationFault, type ExpressionFault, expressionLimits } from './own-rules/expression';
export { maxOwnRules, type OwnRule, type OwnRuleId, type OwnRuleWords } from './own-rules/own-rules';
export {
  categoryOf,
  isTelephone,
  maskBlock,
  masks,
  type PersonalBlock,
  type PersonalDataCategory,
  type PersonalFault,
  type PersonalField,
  personalDataCategories,
  personalFaults,
  personalFields,
  sexes,
} from './personal-data';
export { maskTransfer, type Redaction, redactTransfer, removedBlocks, spills, typedPersonalData } from './redaction';
export {
  encodeRegions,
  findRegions,
  placeCodeFault,
  type Region,
  type RegionQuestion,
  type RegionSet,
  type Regions,
  readRegions,
  regionOf,
} from './regions';
export type { Registers } from './registers';
export { holdsPersonalNumber } from './rules/r16-personal-data';
export { type Facts, type RemedyCode, type RuleId, type RuleResult, remedyCodes } from './rules/rule';
export { mayGoDownTo, type RuleSwitches } from './rules/switches';
export {
  type Area,
  coordinateFault,
  defaultBufferMetres,
  type Location,
  locate,
  type Place,
  readArea,
  readPlace,
} from './territory';
export {
  type AttestedStep,
  attestedSteps,
  type EvidenceKind,
  type EvidenceRegistration,
  type EvidenceSeizure,
  type EvidenceSignatures,
  encodeTransferData,
  evidenceKinds,
  findTransferFaults,
  type HandedInSource,
  type HarmKind,
  handedInSources,
  harmKinds,
  isUscc,
  type LeadSource,
  leadSources,
  type PartyRole,
  parseTransferData,
  partyRoles,
  type Quantity,
  type QuantityUnit,
  quantityUnits,
  type TransferAttestation,
  type TransferCitation,
  type TransferData,
  type TransferDocument,
  type TransferEvidence,
  type TransferFault,
  type TransferKind,
  type TransferOfficer,
  type TransferParty,
  type TransferPlace,
  transferKinds,
  transferLimits,
  transferSchema,
  transferSchemaId,
  type UrgencyGround,
  urgencyGrounds,
} from './transfer-data';
export { describeOutcome, describeProposal, describeResult, type ResultWords, words } from './words';
