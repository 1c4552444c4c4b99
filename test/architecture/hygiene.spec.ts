import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFiles, root } from './repository';

const isText = (file: string) => /\.(ts|mts|cts|js|mjs|cjs|json|md|yml|yaml|proto|sql|html|css|svg|txt|sh)$/.test(file);
/** Without this file, which shows what it looks for. */
const files = repositoryFiles().filter((file) => file !== 'test/architecture/hygiene.spec.ts');
const texts = files
  .filter((file) => isText(file) || !/\.[a-z0-9-]+$/i.test(file))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
const code = texts.filter(({ file }) => /^(libs|apps)\/[^/]+\/src\/.*(?<!\.spec)\.ts$/.test(file));

/** "file:line text" of every match. */
function places(among: typeof texts, pattern: RegExp): string[] {
  return among.flatMap(({ file, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1} ${line.trim().slice(0, 100)}`] : [])),
  );
}

const machinePath = /(^|[\s"'`(=:])\/(?:work|root|home\/[a-z]+|Users\/[a-z]+)\//i;
const privateKey = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;
const registry = /"resolved":\s*"https?:/;

test('no path of a developer’s machine stands anywhere', () => {
  expect(places(texts, machinePath)).toEqual([]);
});

test('the lock file names versions and digests, no registry', () => {
  expect(places(texts, registry)).toEqual([]);
  expect(files.filter((file) => /(^|\/)\.npmrc$/.test(file))).toEqual([]);
});

test('no private key is committed', () => {
  expect(places(texts, privateKey)).toEqual([]);
  expect(files.filter((file) => /\.(key|p12|pfx|key\.pem)$/.test(file))).toEqual([]);
});

test('no password stands in the code', () => {
  expect(places(code, /(?:password|passwd|secret)\s*[:=]\s*(['"`])(?!\1)[^'"`{}$]{4,}\1/i)).toEqual([]);
});

test('libs write nothing to the console', () => {
  const libs = code.filter(({ file }) => file.startsWith('libs/'));
  expect(places(libs, /\bconsole\s*\.|process\.(stdout|stderr)\b/)).toEqual([]);
});

test('no `any` and no suppressed check without a reason', () => {
  const ours = texts.filter(({ file }) => file.endsWith('.ts') && !file.includes('/generated/'));
  expect(places(ours, /@ts-ignore|@ts-nocheck|@ts-expect-error(?!.*\S{3})/)).toEqual([]);
  expect(places(ours, /biome-ignore [^:]*(?::\s*)?$/)).toEqual([]);
});

test('each of these checks can fail', () => {
  const one = (text: string) => [{ file: 'x', text }];
  expect(places(one('see "/work/main/x"'), machinePath)).toHaveLength(1);
  expect(places(one('cd /home/somebody/x'), machinePath)).toHaveLength(1);
  expect(places(one('GET /api/v1/work/1'), machinePath)).toHaveLength(0);
  expect(places(one('-----BEGIN PRIVATE KEY-----'), privateKey)).toHaveLength(1);
  expect(places(one('"resolved": "https://registry.example/x.tgz"'), registry)).toHaveLength(1);
});
