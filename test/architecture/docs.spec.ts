import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { lifeEventWords, logEventNames } from '@jieqiao/core';
import { repositoryFiles, root } from './repository';

const pages = repositoryFiles().filter((file) => file.endsWith('.md'));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The text without code: what stands in fences or back-ticks is no link. */
const prose = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

/** GitHub's anchors: lower case, punctuation dropped, spaces to hyphens. */
const anchorsOf = (text: string) =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Relative links of a page that lead nowhere. */
function deadLinks(page: string, text: string): string[] {
  const links = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path, anchor] = link.split('#') as [string, string?];
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (target.startsWith('..') || !existsSync(join(root, target))) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(read(target)).includes(anchor);
  });
}

test.each(pages)('%s: relative links lead somewhere', (page) => {
  expect(deadLinks(page, read(page))).toEqual([]);
});

test('a dead link is found', () => {
  const text =
    '[a](nowhere.md) [b](README.md#no-such-heading) [c](README.md#state) `[d](code.md)` [e](https://x.example)';
  expect(deadLinks('README.md', text)).toEqual(['nowhere.md', 'README.md#no-such-heading']);
});

/** Rows of the README's table: the files in back-ticks, the functions in back-ticks. */
function whereIsIt(text: string): { question: string; files: string[]; names: string[] }[] {
  const table = /## Where is it\?\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '';
  const ticked = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
  return table
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes('`'))
    .map((line) => {
      const [question, files, names] = line.slice(2).split(' | ') as [string, string, string];
      return { question, files: ticked(files), names: ticked(names) };
    });
}

/** A definition: a function, class, constant or member of a class of this name. A call or a mention is none. */
function defines(text: string, name: string): boolean {
  const declared = `(^|\\s)(function|class|const)\\s+${name}\\b`;
  const member = `^ {2}((private|static|async|override) )*${name}(<[^>]*>)?\\((.*\\{)?$`;
  return new RegExp(`${declared}|${member}`, 'm').test(text);
}

describe('“Where is it?” in the README', () => {
  const rows = whereIsIt(read('README.md'));

  test.each(rows)('$question', ({ files, names }) => {
    expect(files.length).toBeGreaterThan(0);
    expect(names.length).toBeGreaterThan(0);
    const texts = files.map(read);
    // Each name stands in one of the row's files, and each file is there for one of the names.
    expect(names.filter((name) => !texts.some((text) => defines(text, name)))).toEqual([]);
    expect(files.filter((_, i) => !names.some((name) => defines(texts[i]!, name)))).toEqual([]);
  });

  test('answers what a reader asks first', () => {
    const questions = rows.map(({ question }) => question).join('\n');
    for (const word of ['signed', 'agreement', 'logged', 'delivered', 'receipt verified', 'errors', 'rule']) {
      expect(questions).toContain(word);
    }
  });

  test('a call is not taken for a definition', () => {
    expect(defines('  return signEnvelope(claims);', 'signEnvelope')).toBe(false);
    expect(defines("import { signEnvelope } from 'x';", 'signEnvelope')).toBe(false);
    expect(defines('export function signEnvelope(claims: X): string {', 'signEnvelope')).toBe(true);
    expect(defines('  private async deliverBatch(from?: number): Promise<boolean> {', 'deliverBatch')).toBe(true);
  });
});

test('every command that the README names is there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...read('README.md').matchAll(/npm (?:run )?([a-z][a-z:]*)/g)].map(([, name]) => name!);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

describe('the documents keep up with the code', () => {
  const published = repositoryFiles()
    .filter((file) => /^libs\/[^/]+\/src\/.*(?<!\.spec)\.ts$/.test(file))
    .flatMap((file) => [...read(file).matchAll(/\bstep\('(\w+)', '([^']+)'\)/g)])
    .map(([, path, at]) => ({ path: path!, at: at! }));

  test.each(published)('step $path $at is in “Life of a transfer”', ({ path, at }) => {
    const life = read('docs/life-of-a-transfer.md');
    expect(life.includes(`\`${path}\` \`${at}\``) || (path === 'upload' && life.includes(`\`${at}\``))).toBe(true);
  });

  test('“Life of a transfer” names no step that is gone', () => {
    expect(published.length).toBeGreaterThan(15);
    const named = [
      ...read('docs/life-of-a-transfer.md').matchAll(/`(send|command|receive|deliver|upload|log|schedule)` `([^`]+)`/g),
    ];
    const known = published.map(({ path, at }) => `${path} ${at}`);
    expect(named.map(([, path, at]) => `${path} ${at}`).filter((step) => !known.includes(step))).toEqual([]);
  });

  test('every table is in “Architecture”, every table column of the database is created by hand', () => {
    const tables = [
      ...read('libs/platform/src/migrations/0001-initial.ts').matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g),
    ];
    const architecture = read('docs/architecture.md');
    expect(tables.map(([, name]) => name!).filter((name) => !architecture.includes(`\`${name}\``))).toEqual([]);
  });

  test.each(logEventNames)('event %s and its fields are in the log’s specification', (event) => {
    const source = read('libs/core/src/log/entry.ts');
    // The steps of a transfer's life have one form, and one row for all their words.
    const word = lifeEventWords.find((each) => event === `transfer.${each}`);
    const start = source.indexOf(word ? 'const lifeShape = {' : `  '${event}': {`);
    const shape = source.slice(start, source.indexOf('}', start));
    const fields = [...shape.matchAll(/(?:[{,]\s*|^\s+)([a-z]+)(?=[:,\s])/gm)].map(([, name]) => name!);
    expect(fields.length).toBeGreaterThan(0);
    const page = read('docs/spec/log.md');
    const named = word ? 'transfer.<word>' : event;
    const row = page
      .split('\n')
      .find((line) => line.startsWith('| `') && line.split(' | ')[0]!.includes(`\`${named}\``));
    if (word) expect(page).toContain(`\`${word}\``);
    expect(fields.filter((name) => !row?.includes(`\`${name}\``))).toEqual([]);
  });
});
