import {
  type Agreement,
  type AgreementParty,
  type BundleFile,
  bundleFile,
  canonicalJson,
  type Digest,
  digestOf,
  GatewayError,
  parseManifest,
} from '@jieqiao/core';
import {
  type AttestedStep,
  directionOf,
  encodeTransferData,
  findTransferFaults,
  type PersonalBlock,
  parametersOf,
  type RecognitionAgreement,
  type RecognitionDecision,
  readRecognitionAgreement,
  redactTransfer,
  removedBlocks,
  spills,
  type TransferData,
  type TransferEvidence,
  transferSchemaId,
} from '@jieqiao/recognition';
import { filingFiles } from './documents';
import type { FilingProof } from './filing-tables';
import { type HeldData, join, ofCaseData } from './personal-data';
import type { BundleRow, EvidenceRow, TransferRow } from './tables';
import { since } from './transfer/life';
import type { Command } from './transfer/lifecycle';

export const transferPart = 'transfer.json';
export const custodyPart = 'custody.json';
export const recognitionPart = 'recognition.json';
export const evidencePath = (fileName: string): string => `evidence/${fileName}`;

/** What an officer fills in; who sends, to whom, and the evidence list are added from what the node knows. */
export type CaseData = Omit<
  TransferData,
  | 'schema'
  | 'id'
  | 'dossier'
  | 'kind'
  | 'number'
  | 'from'
  | 'to'
  | 'evidence'
  | 'documents'
  | 'attestation'
  | 'redacted'
> & {
  unit: string;
  /** Whoever reported it; stays at the sender. */
  reporter?: PersonalBlock;
};

/** The form fields of an evidence item; name, size and digest come from the file. */
export type EvidenceData = Omit<
  TransferEvidence,
  'id' | 'seq' | 'fileName' | 'mediaType' | 'bytes' | 'digest' | 'firstHashAt'
>;

const readAgreements = new WeakMap<Agreement, RecognitionAgreement>();

/** An agreement as the rules read it; read once. */
export function recognitionAgreement(agreement: Agreement): RecognitionAgreement {
  let read = readAgreements.get(agreement);
  if (!read) {
    read = readRecognitionAgreement(agreement.content);
    readAgreements.set(agreement, read);
  }
  return read;
}

/**
 * Puts a draft together as it would travel: with the typed personal data that its kind may carry, without the rest, and
 * never with the reporter's.
 * @param held what the draft's personal data is, from `PersonalData.heldBy`
 * @throws GatewayError EVIDENCE_INCOMPLETE with the items whose bytes are missing; VALIDATION_FAILED with pointers, rule
 *   `personal-data` where a text says what was taken out
 */
export function composeTransfer(
  row: TransferRow,
  evidence: readonly EvidenceRow[],
  agreement: Agreement,
  node: string,
  held: HeldData,
  at: Date,
): TransferData {
  const missing = evidence.filter((item) => item.digest === null).map((item) => item.id);
  if (missing.length > 0) throw new GatewayError('EVIDENCE_INCOMPLETE', { evidence: missing });
  const form = join(row.data ?? {}, held.of(row.id, ofCaseData)) as Partial<CaseData>;
  const { unit, reporter, ...data } = form;
  const whole = {
    ...data,
    schema: transferSchemaId,
    id: row.id,
    dossier: row.dossierId,
    kind: row.kind,
    number: row.number,
    from: { node, authority: partyOf(agreement, node).authority, unit },
    to: { node: row.peer, authority: partyOf(agreement, row.peer).authority },
    evidence: evidence.map((item) => composeEvidence(item, held)),
    ...attested(row),
  } as TransferData;
  const faults = findTransferFaults(whole);
  if (faults.length > 0) throw invalid(faults.map(({ pointer, rule }) => `${pointer} ${rule}`));
  const terms = recognitionAgreement(agreement);
  const transfer = redactTransfer(whole, parametersOf(terms, directionOf(terms, whole, at.toISOString())));
  const kept = [...removedBlocks(whole, transfer), ...(reporter ? [reporter] : [])];
  const spilt = spills(transfer, kept);
  if (spilt.length > 0) throw invalid(spilt.map((pointer) => `${pointer} personal-data`));
  return transfer;
}

/** How the step at home is called in what the peer is told; opinions themselves stay at home. */
const attestedAs: Partial<Record<Command, AttestedStep>> = {
  sign: 'signed',
  submit: 'submitted',
  endorse: 'endorsed',
  'endorse-without-legal-review': 'endorsed',
  clear: 'cleared',
  approve: 'approved',
};

/** Who took which step on the draft as it stands, by role and certificate; persons without a certificate are not named. */
function attested({ life }: TransferRow): Pick<TransferData, 'attestation'> {
  const records = life ? since(life.home.records, 'create', 'edit', 'send-back') : [];
  const attestation = records.flatMap(({ command, certNo, qualifiedSince, role, at }) => {
    const step = attestedAs[command];
    if (!step || certNo === undefined) return [];
    return [{ step, role, certNo, at, ...(qualifiedSince === undefined ? {} : { qualifiedSince }) }];
  });
  return attestation.length > 0 ? { attestation } : {};
}

const invalid = (errors: string[]): GatewayError => new GatewayError('VALIDATION_FAILED', { errors });

function composeEvidence(row: EvidenceRow, held: HeldData): TransferEvidence {
  const data = join(row.data ?? {}, held.of(row.transferId, row.id)) as unknown as EvidenceData;
  return {
    ...data,
    id: row.id,
    seq: row.seq,
    fileName: row.fileName,
    mediaType: row.mediaType,
    bytes: row.bytes,
    digest: row.digest!,
    firstHashAt: row.firstHashAt!,
  };
}

export function partyOf(agreement: Agreement, node: string): AgreementParty {
  return agreement.content.parties.find((party) => party.node === node)!;
}

/** Digest per evidence id, as the manifest will name them: what rule R06 compares. */
export function digestsById(evidence: readonly { id: string; digest: Digest | null }[]): Record<string, string> {
  return Object.fromEntries(evidence.map((item) => [item.id, item.digest ?? '']));
}

/** Custody of each item at the sender: hashed when its last byte came, stored, handed over. */
function custodyOf(transfer: TransferData, sentAt: string): object {
  const node = transfer.from.node;
  return {
    schema: 'jieqiao/custody/v1',
    transfer: transfer.id,
    items: transfer.evidence.map(({ id, digest, firstHashAt, collectedAt, collectors }) => ({
      evidence: id,
      digest,
      events: [
        ...(collectedAt ? [{ type: 'CAPTURED', time: collectedAt, node, officers: collectors }] : []),
        { type: 'HASHED', time: firstHashAt, node },
        { type: 'STORED', time: firstHashAt, node },
        { type: 'SENT', time: sentAt, node, to: transfer.to.node },
      ],
    })),
  };
}

/**
 * Digest over what a transfer says and encloses, without its number, dates of handling and seals: the same if nothing
 * was changed. What was returned may not come again with the same.
 */
export function contentDigest(transfer: TransferData): Digest {
  const { schema, number, attestation, evidence, ...said } = transfer;
  const enclosed = evidence.map(({ id, seq, firstHashAt, ...item }) => item);
  return digestOf(canonicalJson({ ...said, evidence: enclosed }));
}

/** Every file of a bundle, in the order of its manifest: the small parts with their bytes, evidence by digest. */
export function bundleFiles(
  transfer: TransferData,
  decision: RecognitionDecision,
  evidence: readonly EvidenceRow[],
  sentAt: string,
  filing: FilingProof | null,
): BundleFile[] {
  return [
    bundleFile(transferPart, 'application/json', encodeTransferData(transfer)),
    bundleFile(custodyPart, 'application/json', canonicalJson(custodyOf(transfer, sentAt))),
    bundleFile(recognitionPart, 'application/json', canonicalJson(decision)),
    ...filingFiles(filing),
    ...evidence.map(evidenceFile),
  ];
}

/** The same files of a bundle that was sealed before, from its stored parts: of any version, by its own manifest. */
export function storedBundleFiles(bundle: BundleRow, evidence: readonly EvidenceRow[]): BundleFile[] {
  const rows = new Map(evidence.map((row) => [`${row.digest} ${evidencePath(row.fileName)}`, row]));
  const listed = parseManifest(bundle.manifest).flatMap(({ name, digest }) => rows.get(`${digest} ${name}`) ?? []);
  return [
    bundleFile(transferPart, 'application/json', bundle.transferJson),
    bundleFile(custodyPart, 'application/json', bundle.custodyJson),
    bundleFile(recognitionPart, 'application/json', bundle.recognitionJson),
    ...filingFiles(bundle.filing),
    ...listed.map(evidenceFile),
  ];
}

function evidenceFile(row: EvidenceRow): BundleFile {
  return {
    name: evidencePath(row.fileName),
    mediaType: row.mediaType,
    digest: row.digest!,
    bytes: row.bytes,
    crc32: row.crc32!,
  };
}

/** Files that travel ahead as blobs, each digest once. */
export function announcedFiles(evidence: readonly EvidenceRow[]): { digest: Digest; bytes: number }[] {
  return [...new Map(evidence.map((row) => [row.digest!, { digest: row.digest!, bytes: row.bytes }])).values()];
}
