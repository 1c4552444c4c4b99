import { canonicalJson, GatewayError } from '@jieqiao/core';
import type { Language, Words } from '../code-words';
import { type Catalogue, tableOf } from './catalogue';
import { type AnyRow, type AnyTable, type Cell, headerTable, type RowKind, rowKey, rowKinds } from './rows';

export interface ColumnChange {
  column: string;
  before: unknown;
  after: unknown;
}

/** What a new edition changes of one row, or of the catalogue's own line. */
export interface CatalogueChange {
  kind: RowKind | 'sources' | 'catalogue';
  change: 'added' | 'removed' | 'changed';
  /** JSON pointer to the row: in the new edition, or in the old one when it was removed. */
  pointer: string;
  before?: AnyRow;
  after?: AnyRow;
  /** In the order of the table; only of a changed row. */
  columns: ColumnChange[];
}

/**
 * What another edition of a catalogue changes, nothing left out. The order of rows means nothing. Versions of one row
 * are told apart by the day from which they hold; where each side has one such version left over, they are compared.
 * @throws GatewayError VALIDATION_FAILED `other-catalogue`: the two have different ids
 */
export function catalogueDiff(before: Catalogue, after: Catalogue): CatalogueChange[] {
  if (before.id !== after.id) throw new GatewayError('VALIDATION_FAILED', { reason: 'other-catalogue' });
  const header = compareRows('catalogue', headerOf(before), headerOf(after), '/');
  return [
    ...(header ? [header] : []),
    ...(['sources', ...rowKinds] as const).flatMap((kind) =>
      compareTables(kind, before[kind] as never, after[kind] as never),
    ),
  ];
}

function headerOf({ effective, id, title, version }: Catalogue): AnyRow {
  return { id, title, version, ...effective };
}

type Numbered = readonly [index: number, row: AnyRow];

function compareTables(
  kind: RowKind | 'sources',
  before: readonly AnyRow[],
  after: readonly AnyRow[],
): CatalogueChange[] {
  const table = tableOf(kind);
  const [old, now] = [byKey(table, before), byKey(table, after)];
  const changes: CatalogueChange[] = [];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [gone, come] = [[...(old.get(key) ?? [])], [...(now.get(key) ?? [])]];
    const pairs: [Numbered, Numbered][] = [];
    for (const was of [...gone]) {
      const is = come.find(([, row]) => row.from === was[1].from);
      if (is) pairs.push([take(gone, was), take(come, is)]);
    }
    if (gone.length === 1 && come.length === 1) pairs.push([gone.pop()!, come.pop()!]);
    for (const [[, was], [i, is]] of pairs) {
      const change = compareRows(kind, was, is, `/${kind}/${i}`);
      if (change) changes.push(change);
    }
    for (const [i, row] of gone) {
      changes.push({ kind, change: 'removed', pointer: `/${kind}/${i}`, before: row, columns: [] });
    }
    for (const [i, row] of come) {
      changes.push({ kind, change: 'added', pointer: `/${kind}/${i}`, after: row, columns: [] });
    }
  }
  return changes;
}

function byKey(table: AnyTable, rows: readonly AnyRow[]): Map<string, Numbered[]> {
  const groups = new Map<string, Numbered[]>();
  for (const [i, row] of rows.entries()) {
    const key = rowKey(table, row);
    const group = groups.get(key);
    if (group) group.push([i, row]);
    else groups.set(key, [[i, row]]);
  }
  return groups;
}

function take(rows: Numbered[], row: Numbered): Numbered {
  rows.splice(rows.indexOf(row), 1);
  return row;
}

function compareRows(
  kind: CatalogueChange['kind'],
  before: AnyRow,
  after: AnyRow,
  pointer: string,
): CatalogueChange | null {
  const columns = Object.keys(columnsOf(kind))
    .map((column) => ({ column, before: before[column], after: after[column] }))
    .filter((change) => !same(change.before, change.after));
  return columns.length === 0 ? null : { kind, change: 'changed', pointer, before, after, columns };
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && canonicalJson(a).equals(canonicalJson(b)));
}

function columnsOf(kind: CatalogueChange['kind']): AnyTable['columns'] {
  return (kind === 'catalogue' ? (headerTable as AnyTable) : tableOf(kind)).columns;
}

const kindWords = { added: { zh: '新增', en: 'added' }, removed: { zh: '删去', en: 'removed' } };
const open: Words = { zh: '无', en: 'none' };

/** A change as people say it: `罚款 x-SH-SR-43 单位和个人 元/吨：上限 200→10000`. */
export function catalogueChangeWords(change: CatalogueChange, language: Language): string {
  const { after, before, columns, kind } = change;
  const table = kind === 'catalogue' ? (headerTable as AnyTable) : tableOf(kind);
  const name = label(table, (after ?? before)!, language);
  if (change.change !== 'changed') {
    const { from, to } = (after ?? before)!;
    const dated = from === undefined ? '' : rangeWords(from, to, language);
    return language === 'zh'
      ? `${kindWords[change.change].zh}${name}${dated}`
      : `${name} ${kindWords[change.change].en}${dated}`;
  }
  const told = columns.map(({ column, before: was, after: is }) => {
    const { cell, words: header } = table.columns[column]!;
    const values = `${valueWords(cell, was, language)}→${valueWords(cell, is, language)}`;
    return `${header[language]} ${values}`;
  });
  return language === 'zh' ? `${name}：${told.join('；')}` : `${name}: ${told.join('; ')}`;
}

/** The kind and what identifies the row; an item by its name, too. */
function label(table: AnyTable, row: AnyRow, language: Language): string {
  const parts = table.key
    .filter((name) => row[name] !== undefined)
    .map((name) => partWords(name, table.columns[name]!.cell, row[name], language));
  const title = typeof row.name === 'string' ? (language === 'zh' ? `“${row.name}”` : ` “${row.name}”`) : '';
  return `${table.words[language]} ${parts.join(' ')}${title}`;
}

/** An article reads as one, not as a number among others. */
function partWords(column: string, cell: Cell, value: unknown, language: Language): string {
  const shown = valueWords(cell, value, language);
  if (column === 'article') return language === 'zh' ? `第${shown}条` : `art. ${shown}`;
  if (column === 'paragraph') return language === 'zh' ? `第${shown}款` : `para. ${shown}`;
  if (column === 'clause') return language === 'zh' ? `第${shown}项` : `item ${shown}`;
  return shown;
}

function rangeWords(from: unknown, to: unknown, language: Language): string {
  if (language === 'zh') {
    const parts = [from === null ? '' : `自${from}起`, to === null ? '' : `至${to}前`].join('');
    return parts === '' ? '' : `（${parts}）`;
  }
  const parts = [from === null ? '' : `from ${from}`, to === null ? '' : `until before ${to}`].filter(Boolean);
  return parts.length === 0 ? '' : ` (${parts.join(' ')})`;
}

function valueWords(cell: Cell, value: unknown, language: Language): string {
  if (value === undefined || value === null) return open[language];
  if (cell.kind === 'list') {
    const entries = (value as unknown[]).map((entry) => valueWords(cell.of, entry, language));
    return entries.length === 0 ? open[language] : entries.join(language === 'zh' ? '、' : ', ');
  }
  return cell.kind === 'choice' ? cell.choices[String(value)]![language] : String(value);
}
