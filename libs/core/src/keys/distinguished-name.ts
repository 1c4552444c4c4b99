import { DerError, DerReader, dotted, tag } from '../bundle/der';

/** More than any name of a person or a body. */
const maxNameBytes = 4 * 1024;
const maxRdns = 32;

/** Short names as openssl prints them; any other type appears as its dotted form with the value in hex. */
const shortNames: Record<string, string> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.17': 'postalCode',
  '2.5.4.42': 'GN',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

const utf8String = 0x0c;
const numericString = 0x12;
const printableString = 0x13;
const ia5String = 0x16;
const bmpString = 0x1e;

/** Over 4 KiB, or more than 32 relative names. */
export class NameTooLong extends DerError {}

/**
 * A Name (RFC 5280 §4.1.2.4) as RFC 4514 text, the last relative name first. Two names of different content give
 * different text: every character that separates is escaped, and what is no readable string appears as its DER in hex.
 * Equal to `openssl … -nameopt RFC2253,-esc_msb` but for characters that a screen does not show (controls, marks of
 * direction, line and paragraph separators), which are escaped here, and for types without a name here.
 * @throws DerError, NameTooLong
 */
export function formatName(name: Buffer): string {
  if (name.length > maxNameBytes) throw new NameTooLong('name too long');
  const rdns = new DerReader(name).enter(tag.sequence);
  const parts: string[] = [];
  while (!rdns.done) {
    if (parts.length === maxRdns) throw new NameTooLong('name too long');
    const attributes = rdns.enter(tag.set);
    const texts: string[] = [];
    do {
      const attribute = attributes.enter(tag.sequence);
      const type = dotted(attribute.next(tag.oid).value);
      const value = attribute.any();
      attribute.end();
      const known = Object.hasOwn(shortNames, type) ? shortNames[type] : undefined;
      const text = known === undefined ? null : textOf(value.tag, value.value);
      texts.push(`${known ?? type}=${text === null ? `#${value.raw.toString('hex').toUpperCase()}` : escaped(text)}`);
    } while (!attributes.done);
    parts.push(texts.reverse().join('+'));
  }
  return parts.reverse().join(',');
}

/** Null where bytes are not what their string type says: two such values must not look alike. */
function textOf(type: number, bytes: Buffer): string | null {
  switch (type) {
    case utf8String: {
      const text = bytes.toString('utf8');
      return Buffer.from(text, 'utf8').equals(bytes) ? text : null;
    }
    case numericString:
    case printableString:
    case ia5String:
      return bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : null;
    case bmpString: {
      if (bytes.length % 2 !== 0) return null;
      const text = Buffer.from(bytes).swap16().toString('utf16le');
      return /\p{Surrogate}/u.test(text) ? null : text;
    }
    default:
      return null;
  }
}

function escaped(text: string): string {
  return text
    .replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      Buffer.from(character, 'utf8').toString('hex').toUpperCase().replace(/../g, '\\$&'),
    );
}
