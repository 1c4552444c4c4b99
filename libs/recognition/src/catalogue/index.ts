export {
  type Catalogue,
  catalogueIdPattern,
  catalogueLimits,
  catalogueSchema,
  catalogueSchemaId,
  encodeCatalogue,
  parseCatalogue,
} from './catalogue';
export { catalogueFromSheets, type ReadSheets, type Sheet, type SheetRow, sheetsOf, sheetTitles } from './cells';
export { type CsvFiles, catalogueFromCsv, catalogueToCsv } from './csv';
export { type CatalogueChange, type ColumnChange, catalogueChangeWords, catalogueDiff } from './diff';
export { type CatalogueSet, joinCatalogues } from './join';
export {
  answersOn,
  type CandidateItem,
  type CatalogueItem,
  catalogueAt,
  type EquivalentItem,
  equivalentsOf,
  hasPower,
  type ItemQuestion,
  itemAt,
  itemsFor,
  type LawStanding,
  lawInForce,
  type PowerAnswer,
  type PowerSuccession,
  provisionsOn,
} from './lookup';
export type {
  BasisRow,
  CatalogueRow,
  CatalogueRows,
  CatalogueSource,
  Citation,
  DiscretionStepRow,
  DocumentTypeRow,
  EquivalenceRow,
  EvidenceFormRow,
  EvidenceKindRow,
  FamilyRow,
  FineRow,
  ItemRow,
  LawRow,
  PowerRow,
  ProvisionRow,
  ReturnCodeRow,
  RowKind,
} from './rows';
export { rowKinds } from './rows';
export {
  catalogueWords,
  type FineMode,
  type FineUnit,
  type ItemActor,
  type ItemMeasure,
  type ItemPrecondition,
  type ItemTerritory,
  type ProvisionTopic,
  type RowStatus,
} from './vocabulary';
