export { type CaseData, type EvidenceData, recognitionAgreement } from './bundle-contents';
export { CatalogueBook, type Edition, rowsByStatus } from './catalogue-book';
export * from './lane-callbacks';
export * from './receive-envelope';
export * from './send-transfer';
export * from './tables';
export type { DeliveryState, TransferState } from './transfer/transfer';
export * from './transfers';
export type { DeliveryView, EvidenceView, TransferSummary, TransferView } from './views';
