import type { RuleParameters } from './agreement-terms';
import { categoryOf, maskBlock, type PersonalBlock, type PersonalDataCategory, personalFields } from './personal-data';
import type { TransferData, TransferEvidence, TransferKind } from './transfer-data';

/** Which typed field was removed, or may not be carried; never its value. */
export interface Redaction {
  /** RFC 6901, into `transfer.json`: `/parties/0/personal/idNumber`. */
  pointer: string;
  category: PersonalDataCategory;
}

type Profile = Pick<RuleParameters, 'redaction' | 'personalDataPurposes'>;

/** Typed data that a lead carries for a declared purpose only, whatever the profile leaves out. */
const purposeRequired: Partial<Record<TransferKind, readonly PersonalDataCategory[]>> = {
  LEAD: ['id-number', 'mobile-phone', 'home-address'],
};

/** A declared purpose that the agreement lists lets its category through. */
export function forbiddenInText(transfer: TransferData, profile: Profile): PersonalDataCategory[] {
  return (profile.redaction[transfer.kind] ?? []).filter((category) => !isPurposed(category, transfer, profile));
}

function isPurposed(category: PersonalDataCategory, transfer: TransferData, profile: Profile): boolean {
  const { personalData = [] } = transfer;
  return personalData.some(
    (stated) => stated.category === category && profile.personalDataPurposes.includes(stated.purpose),
  );
}

/** The typed personal data of a transfer, field by field. */
export function typedPersonalData(transfer: Pick<TransferData, 'parties' | 'evidence'>): Redaction[] {
  return [
    ...transfer.parties.flatMap(({ personal }, i) => fieldsOf(personal, `/parties/${i}/personal`)),
    ...transfer.evidence.flatMap(({ personal }, i) => fieldsOf(personal, `/evidence/${i}/personal`)),
  ];
}

function fieldsOf(block: PersonalBlock | undefined, at: string): Redaction[] {
  if (block === undefined) return [];
  return personalFields
    .filter((field) => block[field] !== undefined)
    .map((field) => ({ pointer: `${at}/${field}`, category: categoryOf[field] }));
}

/** Whoever hands material in on their own is a reporter, and nobody learns who (上海市城管执法条例 §26). */
const isFromReporter = ({ handedInBy }: TransferEvidence) => handedInBy === 'citizen' || handedInBy === 'hotline';

/** Typed personal data that this transfer may not carry under this profile. */
export function unduePersonalData(transfer: TransferData, profile: Profile): Redaction[] {
  const listed = [...(profile.redaction[transfer.kind] ?? []), ...(purposeRequired[transfer.kind] ?? [])];
  const forbidden = new Set(listed.filter((category) => !isPurposed(category, transfer, profile)));
  const reporters = transfer.evidence.flatMap((item, i) =>
    isFromReporter(item) ? fieldsOf(item.personal, `/evidence/${i}/personal`).map(({ pointer }) => pointer) : [],
  );
  const ofReporters = new Set(reporters);
  return typedPersonalData(transfer).filter(
    ({ pointer, category }) => forbidden.has(category) || ofReporters.has(pointer),
  );
}

/**
 * The transfer as it may leave: without the typed personal data that its kind may not carry, and with a list of what
 * was taken out. Text is left alone; rule R16 and `spills` look at that.
 */
export function redactTransfer(transfer: TransferData, profile: Profile): TransferData {
  const redacted = unduePersonalData(transfer, profile);
  if (redacted.length === 0) return transfer;
  const gone = new Set(redacted.map(({ pointer }) => pointer));
  const without = <T extends { personal?: PersonalBlock }>(holder: T, at: string): T => {
    const { personal = {}, ...rest } = holder;
    const kept = Object.entries(personal).filter(([field]) => !gone.has(`${at}/${field}`));
    return (kept.length === 0 ? rest : { ...rest, personal: Object.fromEntries(kept) }) as T;
  };
  return {
    ...transfer,
    parties: transfer.parties.map((party, i) => without(party, `/parties/${i}/personal`)),
    evidence: transfer.evidence.map((item, i) => without(item, `/evidence/${i}/personal`)),
    redacted,
  };
}

/** A transfer as pages show it by default. */
export function maskTransfer(transfer: TransferData): TransferData {
  const masked = <T extends { personal?: PersonalBlock }>(holder: T): T =>
    holder.personal === undefined ? holder : { ...holder, personal: maskBlock(holder.personal) };
  return { ...transfer, parties: transfer.parties.map(masked), evidence: transfer.evidence.map(masked) };
}

/** Too short to tell a person by: it would be found by chance. */
const minSpill = { name: 2, other: 6 };
const spilling = ['name', 'idNumber', 'phone', 'address'] as const;
const folded = (text: string) => text.normalize('NFKC').replace(/[\s-]/g, '').toUpperCase();
/** Ids and digests: no text that anybody writes. */
const machineMade = new Set(['id', 'dossier', 'digest', 'schema', 'firstHashAt']);

/**
 * Where the values of these blocks stand in a transfer's text: what is taken out of a typed field must not leave in a
 * sentence. Spaces, hyphens and full-width forms make no difference.
 * @returns pointers, at most 20
 */
export function spills(transfer: TransferData, blocks: readonly PersonalBlock[]): string[] {
  const values = blocks.flatMap((block) =>
    spilling.flatMap((field) => {
      const value = folded(block[field] ?? '');
      return value.length >= (field === 'name' ? minSpill.name : minSpill.other) ? [value] : [];
    }),
  );
  if (values.length === 0) return [];
  const found: string[] = [];
  const visit = (value: unknown, pointer: string): void => {
    if (found.length >= 20) return;
    if (typeof value === 'string') {
      const text = folded(value);
      if (values.some((wanted) => text.includes(wanted))) found.push(pointer);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) if (!machineMade.has(key)) visit(child, `${pointer}/${key}`);
    }
  };
  visit(transfer, '');
  return found;
}

/** What `redactTransfer` takes out, as blocks, for `spills`. */
export function removedBlocks(before: TransferData, after: TransferData): PersonalBlock[] {
  const difference = (from: PersonalBlock | undefined, to: PersonalBlock | undefined): PersonalBlock =>
    Object.fromEntries(
      Object.entries(from ?? {}).filter(([field]) => to?.[field as keyof PersonalBlock] === undefined),
    );
  return [
    ...before.parties.map((party, i) => difference(party.personal, after.parties[i]!.personal)),
    ...before.evidence.map((item, i) => difference(item.personal, after.evidence[i]!.personal)),
  ];
}
