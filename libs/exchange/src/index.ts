export { type CaseData, type EvidenceData, recognitionAgreement } from './bundle-contents';
export * from './filing-tables';
export {
  type FilingFilter,
  type FilingInput,
  type FilingProof,
  Filings,
  type FilingsContext,
  type FilingView,
} from './filings';
export * from './lane-callbacks';
export * from './receive-envelope';
export * from './same-act';
export * from './send-transfer';
export * from './tables';
export type { DeliveryState, TransferState } from './transfer/transfer';
export * from './transfers';
export type { DeliveryView, EvidenceView, TransferSummary, TransferView } from './views';
