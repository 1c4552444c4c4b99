export { type CaseData, type EvidenceData, recognitionAgreement } from './bundle-contents';
export { Casework, type CaseworkContext } from './casework';
export { CatalogueBook, type Edition, editionSummary } from './catalogue-book';
export * from './clocks';
export { ContentAccess, type ContentAccessContext, type Revealed } from './content-access';
export * from './document-numbers';
export { Evaluation } from './evaluation';
export * from './filing-tables';
export {
  type FilingFilter,
  type FilingInput,
  Filings,
  type FilingsContext,
  type FilingView,
} from './filings';
export { blobUse, type LaneWork, laneCallbacks } from './lane-callbacks';
export type { ClockView, LifeView } from './life-view';
export * from './number-patterns';
export { PersonalData } from './personal-data';
export * from './receive-envelope';
export * from './same-act';
export { type BundleCommand, type SendContext, type SendRequest, SendTransfer } from './send-transfer';
export * from './tables';
export { type CommandData, notFiledGrounds, outcomes } from './transfer/command-data';
export {
  type Command,
  commands,
  disputeLevels,
  homeStates,
  type LifeState,
  returnCodes,
  sharedStates,
} from './transfer/lifecycle';
export { commandWords, refusalWords, stateWords } from './transfer/lifecycle-words';
export * from './transfers';
export type { DeliveryView, EvidenceView, TransferSummary, TransferView } from './views';
