import { GatewayError } from '@jieqiao/core';
import { type CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { type Catalogue, catalogueLimits } from './catalogue';
import { catalogueFromSheets, type SheetRow, sheetNames, sheetsOf } from './cells';

/** The files of a catalogue as CSV, by name: `catalogue.csv` with one line, `sources.csv` and one per kind of row. */
export type CsvFiles = Readonly<Record<string, Uint8Array>>;

const fileOf = (name: string): string => `${name}.csv`;

/**
 * A catalogue as CSV for spreadsheets: RFC 4180, UTF-8 with a byte-order mark, Chinese headers, and Chinese words for
 * closed codes. A cell that a spreadsheet would take for a formula gets an apostrophe, which the import takes away.
 */
export function catalogueToCsv(catalogue: Catalogue): Record<string, Buffer> {
  const options = { bom: true, record_delimiter: 'windows' } as const;
  return Object.fromEntries(
    sheetsOf(catalogue).map(({ name, header, rows }) => {
      const text = stringify([header, ...rows.map((row) => row.map(guard))], options);
      return [fileOf(name), Buffer.from(text)];
    }),
  );
}

/**
 * Reads what `catalogueToCsv` writes, or a person with a spreadsheet: with or without the mark, and as
 * `catalogueFromSheets` allows.
 * @throws GatewayError VALIDATION_FAILED with `reason` and `file`: `missing-file` (a kind left out would read as all its
 * rows deleted), `unknown-file`, `too-large`, `not-utf8` (a spreadsheet's own encoding, such as GBK), `not-csv`, and
 * those of `catalogueFromSheets`
 */
export function catalogueFromCsv(files: CsvFiles): Catalogue {
  const known = new Set(sheetNames.map(fileOf));
  for (const file of Object.keys(files)) if (!known.has(file)) bad('unknown-file', { file: file.slice(0, 100) });
  const rows = new Map(sheetNames.map((name) => [name, readFile(files, fileOf(name))]));
  return catalogueFromSheets({ rows, placeOf: (name) => ({ file: fileOf(name) }) });
}

function readFile(files: CsvFiles, file: string): SheetRow[] {
  const bytes = Object.hasOwn(files, file) ? files[file] : undefined;
  if (!bytes) return bad('missing-file', { file });
  if (bytes.length > catalogueLimits.maxBytes) bad('too-large', { file, limit: catalogueLimits.maxBytes });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bad('not-utf8', { file });
  }
  try {
    const records = parse(text, {
      info: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      // One more than allowed and the header: enough to see that there are too many.
      to: catalogueLimits.maxRows + 2,
    }) as unknown as { info: { lines: number }; record: string[] }[];
    return records.map(({ info, record }) => ({ line: info.lines, cells: record.map(unguard) }));
  } catch (error) {
    const { code, lines } = error as CsvError & { lines?: number };
    if (!code?.startsWith('CSV_')) throw error;
    return bad('not-csv', { file, ...(lines === undefined ? {} : { line: lines }) });
  }
}

// Text that begins with apostrophes before such a sign gets one more, so that taking one away always gives it back.
const formula = /^'*[=+\-@\t\r＝＋－＠]/;

function guard(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

function unguard(text: string): string {
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}

function bad(reason: string, params: Record<string, string | number>): never {
  throw new GatewayError('VALIDATION_FAILED', { reason, ...params });
}
