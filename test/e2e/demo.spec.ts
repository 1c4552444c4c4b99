import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAgreement } from '@jieqiao/core';
import { samplesDir } from '../../apps/demo/src/scenario';
import { readScript } from '../../apps/demo/src/steps';
import { root, runCommand, shell } from './command';

jest.setTimeout(240_000);

const dir = mkdtempSync(join(tmpdir(), 'jieqiao-e2e-'));
const out = join(dir, 'out');
/**
 * What the product can't do yet, and where its case stops: things handed over hand to hand (S4), joint operations (S7).
 * The demonstration says so and fails; once one of them is there, this list gets shorter.
 */
const notYet = ['S4', 'S7'];
const shown = `demo: ${10 - notYet.length} of 10 as expected`;
const steps = readdirSync(samplesDir)
  .filter((name) => name.endsWith('.steps.json'))
  .map((name) => name.slice(0, -'.steps.json'.length))
  .filter((name) => !notYet.includes(name.toUpperCase()))
  .map((name) => readScript(name).steps.length)
  .reduce((sum, count) => sum + count, 0);
const escapeCode = '\u001b';

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('npm run demo', () => {
  it('lives through ten cases and finds every step as expected, but where the product ends', async () => {
    const { code, stdout, stderr } = await runCommand('demo', ['--out', out]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^各节点的数据和日志留在 \S+\n$/) });
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(shown);
    const wrong = [...stdout.matchAll(/^ {2}✗ +(?:[0-9:]{5} )?(S[0-9]+)/gm)].map(([, name]) => name);
    // The step at which it stops, and the end.
    expect(wrong.sort()).toEqual(notYet.flatMap((name) => [name, name]));
    // Every step of the others, ten proofs of each of two transfers.
    expect(stdout.match(/✓/g)!.length).toBeGreaterThanOrEqual(steps + 20 + (10 - notYet.length));
    expect(stdout.match(/✗/g)).toHaveLength(2 * notYet.length);
    for (const day of ['2022-10-12', '2023-01-16', '2022-09-25', '2024-06-13']) expect(stdout).toContain(day);
    expect(stdout).not.toContain(escapeCode);
  });

  it('leaves what a stranger verifies with the commands of its README', async () => {
    for (const name of ['S1', 'S2']) {
      expect(readdirSync(join(out, name)).sort()).toEqual(
        [`${name}.asice`, `${name}.jws`, `${name}.tlog-proof`, 'agreement.json', 'seal'].sort(),
      );
      expect(() => parseAgreement(readFileSync(join(out, name, 'agreement.json')))).not.toThrow();
    }
    const readme = readFileSync(join(out, 'README.txt'), 'utf8');
    const commands = readme
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .join('\n');
    const { code, text } = await shell(commands, out);
    expect({ code, text }).toMatchObject({ code: 0 });
    expect(text.match(/^核验结论: 通过$/gm)).toHaveLength(2);
    expect(text.match(/Verification successful/g)).toHaveLength(2);
  });

  it('leaves files of which none can be changed unnoticed', async () => {
    const verifier = join(root, 'apps/verifier/dist/jieqiao-verify.js');
    for (const [name, check] of [
      ['S1.asice', 'file.digest'],
      ['S1.jws', 'envelope.'],
      ['S1.tlog-proof', 'receipt.'],
    ]) {
      const file = join(out, 'S1', name!);
      const bytes = readFileSync(file);
      const changed = Buffer.from(bytes);
      const middle = changed.length >> 1;
      changed[middle] = changed[middle] === 0x41 ? 0x42 : 0x41;
      writeFileSync(file, changed);
      const verify = `node ${verifier} S1.asice S1.jws S1.tlog-proof --trust agreement.json`;
      const { code, text } = await shell(verify, join(out, 'S1'));
      writeFileSync(file, bytes);
      expect({ name, code }).toEqual({ name, code: 1 });
      expect(text).toContain(`[${check}`);
    }
  });

  it('tells it in English, and replaces what it left itself', async () => {
    const before = readFileSync(join(out, 'S1/S1.asice'));
    const { code, stdout } = await runCommand('demo', ['--out', out, '--lang', 'en']);
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(shown);
    // Numbers, departments and laws stay in the language of the case.
    const rest = stdout.replace(/\[[^\]]*\]|《[^》]*》/g, '');
    expect(rest.match(/[\u3000-\u303f\p{Script=Han}\uff00-\uffef]/gu)).toBeNull();
    expect(readFileSync(join(out, 'S1/S1.asice')).equals(before)).toBe(false);
  });

  it('does not write where other files are', async () => {
    const foreign = join(dir, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'mine.txt'), 'mine');
    const { code, stderr } = await runCommand('demo', ['--out', foreign, '--lang', 'en']);
    expect(code).toBe(2);
    expect(stderr).toContain('there are other files in it');
    expect(readdirSync(foreign)).toEqual(['mine.txt']);
    expect((await runCommand('demo', ['--out', join(foreign, 'mine.txt')])).code).toBe(2);
  });
});

it.each([
  ['start', ['--nonsense'], '--nonsense'],
  ['demo', ['more'], 'more'],
  ['demo', ['--out'], '--out'],
  ['reset', ['--lang', 'fr'], '--lang fr'],
] as const)('npm run %s %j is a usage error', async (name, args, named) => {
  const { code, stdout, stderr } = await runCommand(name, [...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.split('\n')[0]).toContain(named);
  expect(stderr).toContain('用法：npm');
});

it('an old Node.js is told what is needed', async () => {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '18.20.0' });`;
  const preload = join(dir, 'old-node.cjs');
  writeFileSync(preload, pretend);
  const { code, text } = await shell(`node --require ${preload} apps/demo/bin/start.mjs`, root);
  expect(code).toBe(1);
  expect(text).toMatch(/需要 Node\.js 20\.19 .*\nNode\.js 20\.19 or later/);
  expect(existsSync(join(root, 'apps/demo/dist/main.js'))).toBe(true);
});
