import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../..');
const config: { forbidden: { name: string }[] } = require('./depcruise.cjs');
const ruleNames = config.forbidden.map((rule) => rule.name);

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}

function cruise(dir: string): { status: number | null; violations: Violation[] } {
  const tool = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(dir, 'test/architecture/depcruise.cjs');
  const run = (...more: string[]) =>
    spawnSync(process.execPath, [tool, '--config', config, ...more, 'libs', 'apps'], {
      cwd: dir,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    });
  const json = run('--output-type', 'json');
  if (json.stdout === '') throw new Error(json.stderr);
  const violations = (JSON.parse(json.stdout) as { summary: { violations: Violation[] } }).summary.violations;
  return { status: run('--output-type', 'err').status, violations };
}

test('the imports of libs and apps keep to the house’s rules', () => {
  const { status, violations } = cruise(root);
  expect(violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
  expect(status).toBe(0);
});

test('every lib and app has a rule of its own, and none is called common, shared or utils', () => {
  const libs = readdirSync(join(root, 'libs'));
  expect(libs.filter((name) => !ruleNames.includes(`layer-${name}`))).toEqual([]);
  expect(libs.filter((name) => /^(common|shared|utils?|helpers?|misc|base)$/.test(name))).toEqual([]);
  expect(readdirSync(join(root, 'apps')).filter((name) => !ruleNames.includes(`layer-app-${name}`))).toEqual([]);
});

/** By rule: a file that breaks it. */
const planted: Record<string, [file: string, text: string]> = {
  'layer-core': ['libs/core/src/bad.ts', "import '@jieqiao/recognition';"],
  'layer-recognition': ['libs/recognition/src/bad.ts', "import '@jieqiao/platform';"],
  'layer-platform': ['libs/platform/src/bad.ts', "import type { a } from '@jieqiao/audit'; export type B = typeof a;"],
  'layer-access': ['libs/access/src/bad.ts', "import '@jieqiao/audit';"],
  'layer-audit': ['libs/audit/src/bad.ts', "import '@jieqiao/delivery';"],
  'layer-delivery': ['libs/delivery/src/bad.ts', "export { a } from '@jieqiao/exchange';"],
  'layer-exchange': ['libs/exchange/src/bad.ts', "import '../../../apps/gateway/src/main';"],
  'layer-app-gateway': ['apps/gateway/src/bad.ts', "import '../../verifier/src/main';"],
  'layer-app-verifier': ['apps/verifier/src/bad.ts', "import '@jieqiao/platform';"],
  'layer-app-demo': ['apps/demo/src/bad.ts', "import '@jieqiao/audit';"],
  'pure-core': ['libs/core/src/reads.ts', "import { readFileSync } from 'node:fs'; readFileSync('x');"],
  'pure-recognition': ['libs/recognition/src/calls.ts', "import { get } from 'node:https'; get('x');"],
  'index-only': ['libs/exchange/src/deep.ts', "import '../../core/src/leaf';"],
  'no-cycles': ['libs/core/src/inner.ts', "import './index'; export const b = 1;"],
  'no-tests-in-production': ['libs/audit/src/tested.ts', "import '../../../test/support/thing';"],
  resolvable: ['libs/audit/src/lost.ts', "import './nowhere';"],
  'no-dev-dependency': ['libs/audit/src/dev.ts', "import 'only-for-development';"],
  'forge-in-one-file': ['libs/platform/src/forge.ts', "import 'node-forge';"],
};

describe('in a house with one violation of each rule', () => {
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-arch-'));
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), `${text}\n`);
  };
  let violations: Violation[];
  let status: number | null;

  beforeAll(() => {
    for (const name of ['depcruise.cjs', 'tsconfig.depcruise.json']) {
      mkdirSync(join(dir, 'test/architecture'), { recursive: true });
      cpSync(join(__dirname, name), join(dir, 'test/architecture', name));
    }
    const packages = { dependencies: { 'node-forge': '1' }, devDependencies: { 'only-for-development': '1' } };
    write('package.json', JSON.stringify({ name: 'house', ...packages }));
    for (const name of ['node-forge', 'only-for-development']) {
      write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
      write(`node_modules/${name}/index.js`, '');
    }
    for (const lib of ['core', 'recognition', 'platform', 'access', 'audit', 'delivery', 'exchange']) {
      write(`libs/${lib}/src/index.ts`, lib === 'core' ? "export * from './inner';" : 'export const a = 1;');
    }
    for (const app of ['gateway', 'verifier', 'demo']) write(`apps/${app}/src/main.ts`, "import '@jieqiao/core';");
    write('libs/core/src/leaf.ts', 'export const l = 1;');
    write('test/support/thing.ts', 'export const t = 1;');
    for (const [file, text] of Object.values(planted)) write(file, text);
    ({ violations, status } = cruise(dir));
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('there is a planted violation for each rule', () => {
    expect(Object.keys(planted).sort()).toEqual([...ruleNames].sort());
  });

  test.each(Object.entries(planted))('%s is broken, and no other rule', (rule, [file]) => {
    const found = violations.filter(({ from, to }) => from === file || to === file);
    expect([...new Set(found.map((violation) => violation.rule.name))]).toEqual([rule]);
  });

  test('what keeps to the rules is not reported, and the command fails', () => {
    const innocent = violations.filter(({ from }) => /\/(main|thing)\.ts$/.test(from));
    expect(innocent).toEqual([]);
    expect(status).not.toBe(0);
  });
});
