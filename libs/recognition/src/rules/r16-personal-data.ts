import { isIdNumber, type PersonalDataCategory } from '../personal-data';
import { forbiddenInText, unduePersonalData } from '../redaction';
import { isUscc, type TransferData } from '../transfer-data';
import type { Finding, Rule } from './rule';

/**
 * R16, 个人信息保护法 §34: typed personal data and the text of the transfer keep within the redaction profile for its
 * kind. In text it finds resident ID numbers (GB 11643, by birth date and check digit) and mobile numbers. A stated
 * purpose that the agreement lists lets a category through. Findings name the field, never the value.
 */
export const r16: Rule = {
  id: 'R16',
  basis: [{ law: '个人信息保护法', article: '34' }],
  appliesTo: 'every',
  check({ transfer, parameters }) {
    const fields = new Map<PersonalDataCategory, string[]>();
    const forbidden = forbiddenInText(transfer, parameters);
    for (const category of forbidden) fields.set(category, fieldsWith(category, transfer));
    // Its sender's node would have taken these out: only another program leaves them in.
    const undue = unduePersonalData(transfer, parameters);
    for (const { category, pointer } of undue) fields.set(category, [...(fields.get(category) ?? []), pointer]);
    const findings: Finding[] = [];
    for (const [category, named] of fields) {
      if (named.length === 0) continue;
      findings.push({ result: 'block', remedy: 'redact', facts: { category, fields: named.slice(0, maxFieldsNamed) } });
    }
    return { examined: fields.size === 0 ? 0 : 1, findings };
  },
};

const maxFieldsNamed = 20;

function fieldsWith(category: PersonalDataCategory, transfer: TransferData): string[] {
  const holds = inText[category];
  if (holds === undefined) return [];
  const fields: string[] = [];
  const scan = (pointer: string, value: string | undefined) => {
    // Eleven digits is the shortest that either pattern needs.
    if (value === undefined || value.length < 11 || fields.length >= maxFieldsNamed) return;
    if (holds(narrowDigits(value))) fields.push(pointer);
  };
  // The duty contact and the officers' certificates are the sender's own; digests and ids are no text.
  scan('/number', transfer.number);
  scan('/from/unit', transfer.from.unit);
  scan('/cause', transfer.cause);
  scan('/facts', transfer.facts);
  scan('/request', transfer.request);
  scan('/act/place/name', transfer.act.place.name);
  transfer.citations?.forEach(({ law }, i) => {
    scan(`/citations/${i}/law`, law);
  });
  transfer.matters?.forEach((matter, i) => {
    scan(`/matters/${i}/text`, matter.text);
  });
  transfer.parties.forEach((party, i) => {
    scan(`/parties/${i}/name`, party.name);
    scan(`/parties/${i}/plate`, party.plate);
    scan(`/parties/${i}/vessel`, party.vessel);
  });
  transfer.evidence.forEach((item, i) => {
    scan(`/evidence/${i}/title`, item.title);
    scan(`/evidence/${i}/fileName`, item.fileName);
    scan(`/evidence/${i}/method`, item.method);
    scan(`/evidence/${i}/tool`, item.tool);
    scan(`/evidence/${i}/madeBy`, item.madeBy);
    scan(`/evidence/${i}/purpose`, item.purpose);
    scan(`/evidence/${i}/sourceHolder/name`, item.sourceHolder?.name);
    scan(`/evidence/${i}/deviceReviewNo`, item.deviceReviewNo);
    scan(`/evidence/${i}/devicePublished`, item.devicePublished);
    scan(`/evidence/${i}/signatures/refusalReason`, item.signatures?.refusalReason);
  });
  transfer.documents?.forEach((document, i) => {
    scan(`/documents/${i}/title`, document.title);
    scan(`/documents/${i}/fileName`, document.fileName);
    scan(`/documents/${i}/number`, document.number);
  });
  return fields;
}

const wideDigits = /[０-９Ｘｘ－　]/;

/** Full-width digits are ordinary in Chinese typing and would otherwise slip through. */
function narrowDigits(text: string): string {
  return wideDigits.test(text) ? text.normalize('NFKC') : text;
}

// Every quantifier is bounded, so a hostile text costs linear time.
const idPattern = /(?<!\d)([1-8]\d{5})[- ]?((?:19|20)\d{2})(\d{2})(\d{2})[- ]?(\d{3}[\dXx])(?![\dXx])/g;
const mobilePattern = /(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)/;

function holdsIdNumber(text: string): boolean {
  for (const [, region, year, month, day, tail] of text.matchAll(idPattern)) {
    const number = `${region}${year}${month}${day}${tail}`.toUpperCase();
    if (isIdNumber(number) && !isUscc(number)) return true;
  }
  return false;
}

function holdsMobileNumber(text: string): boolean {
  return mobilePattern.test(text);
}

/** What can be told by its form alone; an address or a name can't. */
const inText: Partial<Record<PersonalDataCategory, (text: string) => boolean>> = {
  'id-number': holdsIdNumber,
  'mobile-phone': holdsMobileNumber,
};

/** Whether a text that people write, such as a reason, has somebody's ID or mobile number in it. */
export function holdsPersonalNumber(text: string): boolean {
  const narrow = narrowDigits(text);
  return holdsIdNumber(narrow) || holdsMobileNumber(narrow);
}
