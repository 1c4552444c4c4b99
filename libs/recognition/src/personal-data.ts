import { isRealDate } from './china-date';
import { line, object } from './schema-parts';

/** Kinds of personal data that a redaction profile tells apart. Specification: docs/spec/personal-data.md. */
export const personalDataCategories = [
  'id-number',
  'mobile-phone',
  'home-address',
  'birth-date',
  'name',
  'particulars',
] as const;
export type PersonalDataCategory = (typeof personalDataCategories)[number];

export const sexes = ['female', 'male'] as const;

/**
 * What identifies a person, each in a field of its own, so that it can be masked, removed and revealed one by one: of a
 * party, of whoever gave a statement (证据规定 §13), of a reporter.
 */
export interface PersonalBlock {
  name?: string;
  sex?: (typeof sexes)[number];
  age?: number;
  occupation?: string;
  /** 公民身份号码, GB 11643: 18 characters with the check character. */
  idNumber?: string;
  /** `YYYY-MM-DD` */
  birthDate?: string;
  /** Mobile or landline. */
  phone?: string;
  /** 住址 */
  address?: string;
}
export type PersonalField = keyof PersonalBlock;

export const categoryOf: Readonly<Record<PersonalField, PersonalDataCategory>> = {
  name: 'name',
  sex: 'particulars',
  age: 'particulars',
  occupation: 'particulars',
  idNumber: 'id-number',
  birthDate: 'birth-date',
  phone: 'mobile-phone',
  address: 'home-address',
};
export const personalFields = Object.keys(categoryOf) as PersonalField[];

export const personalSchema = {
  ...object(
    {
      name: line(200),
      sex: { enum: sexes },
      age: { type: 'integer', minimum: 0, maximum: 150 },
      occupation: line(100),
      idNumber: { type: 'string', maxLength: 18, format: 'id-number' },
      birthDate: { type: 'string', maxLength: 10, format: 'day' },
      phone: { type: 'string', maxLength: 40, format: 'telephone' },
      address: line(300),
    },
    personalFields,
  ),
  minProperties: 1,
};

const idWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** GB 11643-1999: six digits of a region, an existing birth date, a sequence, a check by ISO 7064 MOD 11-2; `X` upper case. */
export function isIdNumber(text: string): boolean {
  if (!/^[1-8]\d{16}[\dX]$/.test(text) || !isRealDate(birthDateIn(text))) return false;
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += (text.charCodeAt(i) - 48) * idWeights[i]!;
  return '10X98765432'.charAt(sum % 11) === text.charAt(17);
}

const birthDateIn = (idNumber: string) =>
  `${idNumber.slice(6, 10)}-${idNumber.slice(10, 12)}-${idNumber.slice(12, 14)}`;

/** Six to twenty digits, singly separated by spaces or hyphens at most. */
export function isTelephone(text: string): boolean {
  return /^\+?\d(?:[ -]?\d){5,19}$/.test(text);
}

/** One field of a block that is wrong, and the rule that it breaks. */
export interface PersonalFault {
  field: PersonalField;
  rule: 'format' | 'contradicts-id-number';
}

/** What the schema of a block does not bound by length and type: forms, and a birth date or sex that the ID number denies. */
export function personalFaults(block: PersonalBlock): PersonalFault[] {
  const { idNumber, birthDate, phone, sex } = block;
  const faults: PersonalFault[] = [];
  const malformed = (field: PersonalField) => faults.push({ field, rule: 'format' });
  if (birthDate !== undefined && !isRealDate(birthDate)) malformed('birthDate');
  if (phone !== undefined && !isTelephone(phone)) malformed('phone');
  if (idNumber === undefined) return faults;
  if (!isIdNumber(idNumber)) {
    malformed('idNumber');
    return faults;
  }
  const contradicts = (field: PersonalField) => faults.push({ field, rule: 'contradicts-id-number' });
  if (birthDate !== undefined && birthDate !== birthDateIn(idNumber)) contradicts('birthDate');
  if (sex !== undefined && sex !== sexes[Number(idNumber.charAt(16)) % 2]) contradicts('sex');
  return faults;
}

/** As pages show it by default. Sex, age and occupation say little of themselves and are shown as they are. */
export const masks: { readonly [F in PersonalField]?: (value: string) => string } = {
  name: (value) => [...value].map((letter, i) => (i === 0 && value.length > 1 ? letter : '*')).join(''),
  idNumber: (value) => `${value.slice(0, 6)}********${value.slice(14)}`,
  birthDate: (value) => `${value.slice(0, 4)}-**-**`,
  phone(value) {
    const digits = value.replace(/[^\d]/g, '');
    if (digits.length < 9) return '*'.repeat(digits.length);
    return `${digits.slice(0, 3)}${'*'.repeat(digits.length - 7)}${digits.slice(-4)}`;
  },
  address(value) {
    const letters = [...value];
    return `${letters.slice(0, Math.min(6, Math.floor(letters.length / 3))).join('')}****`;
  },
};

/** A block with every field masked that has a mask. */
export function maskBlock(block: PersonalBlock): PersonalBlock {
  const shown: Record<string, unknown> = { ...block };
  for (const field of personalFields) {
    const value = block[field];
    if (typeof value === 'string') shown[field] = masks[field]?.(value) ?? value;
  }
  return shown as PersonalBlock;
}
