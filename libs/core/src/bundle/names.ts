/**
 * Why a name may not stand in a container, or null. The rules shut out whatever could make two readers, or a reader
 * and a file system, see different files: path tricks, names that a system cannot store, invisible and
 * direction-changing characters, and several spellings of one name. The character ranges are listed here instead of
 * taken from the runtime's Unicode tables, so that a verifier built in ten years refuses the same names.
 */
export function nameProblem(name: string, maxBytes: number): NameProblem | null {
  if (name.length === 0) return 'empty';
  if (Buffer.byteLength(name, 'utf8') > maxBytes) return 'too-long';
  if (refusedCharacters.test(name)) return 'character';
  if (name.normalize('NFC') !== name) return 'not-nfc';
  for (const part of name.split('/')) {
    if (part === '') return 'empty-component';
    if (part === '.' || part === '..') return 'traversal';
    if (/^ |[ .]$/.test(part)) return 'edge';
    if (deviceName.test(part)) return 'device-name';
  }
  return null;
}

export type NameProblem =
  | 'empty'
  | 'too-long'
  | 'character'
  | 'not-nfc'
  | 'empty-component'
  | 'traversal'
  | 'edge'
  | 'device-name';

/** Controls, format and direction marks, lone surrogates, noncharacters, tags, and what Windows keeps for itself. */
const refusedCharacters =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\uffff<>:"|?*\\\u{e0000}-\u{e007f}]/u;

const deviceName = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** Names with one fold would be one file on a case-insensitive disk. */
export function foldName(name: string): string {
  return name.toUpperCase().toLowerCase().normalize('NFC');
}
