/** Text for an 80-column terminal in which Chinese characters take two columns. */

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns that a terminal takes for a text: two for each Chinese character. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += wide.test(character) ? 2 : 1;
  return columns;
}

export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

/** Cuts a text that is too long, with a mark that something is missing. */
export function fit(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  for (const character of text) {
    if (columnsOf(kept + character) > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

const notAtStart = /^[，。、；：！？）》」』】〕”…·,.;:!?)\]]/u;
const notAtEnd = /[（《「『【〔“([]$/u;

/** Breaks a text into lines: between words, between Chinese characters, never before a closing mark. */
export function wrap(text: string, columns: number, hanging = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const unit of unitsOf(text)) {
    const glued = line === '' || line === hanging ? unit.trimStart() : unit;
    if (line.trim() !== '' && columnsOf(line) + columnsOf(glued) > columns) {
      lines.push(line);
      line = hanging + unit.trimStart();
    } else line += glued;
  }
  return line === '' ? lines : [...lines, line];
}

/** What is not broken: a word with the space before it, or a Chinese character, with the marks that stick to it. */
function unitsOf(text: string): string[] {
  const units: string[] = [];
  for (const piece of text.match(/\s*(?:[^\s\u2e80-\uffef\u201c\u201d]+|\S)/gu) ?? []) {
    const last = units.at(-1);
    if (last !== undefined && !/^\s/.test(piece) && (notAtStart.test(piece) || notAtEnd.test(last))) {
      units.push(`${units.pop()}${piece}`);
    } else units.push(piece);
  }
  return units;
}

/** Text out of a hostile file must not move the cursor, recolour what is shown or reverse its words. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}
