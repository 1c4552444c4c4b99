import { mkdtempSync, renameSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError } from '@jieqiao/core';
import { nodeClock } from './clock';

const dir = mkdtempSync(join(tmpdir(), 'clock-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = join(dir, 'clock');
const written = new Date('2026-11-30T12:00:00.000Z');
let system: Date;
let warnings: string[];

function set(text: string, at = written): void {
  writeFileSync(`${file}.new`, text);
  utimesSync(`${file}.new`, at, at);
  renameSync(`${file}.new`, file);
}

function clock(clockFile = file): () => Date {
  return nodeClock(
    { demonstration: { clockFile, noRealCases: false } },
    () => system,
    (message) => warnings.push(message),
  );
}

beforeEach(() => {
  system = written;
  warnings = [];
});

it('is the system clock where no file is named, and warns of nothing', () => {
  expect(clock('')()).toBe(system);
  expect(warnings).toEqual([]);
});

it('runs on from the instant in the file since the file was written, and says at the start that it does', () => {
  set('2022-08-18T23:40:00+08:00\n');
  const now = clock();
  expect(warnings).toEqual(['demonstration-clock']);
  expect(now().toISOString()).toBe('2022-08-18T15:40:00.000Z');
  system = new Date(written.getTime() + 90_000);
  expect(now().toISOString()).toBe('2022-08-18T15:41:30.000Z');
  // A process that starts later shows the same time.
  expect(clock()()).toEqual(now());
});

it('jumps as soon as the file is another', () => {
  set('2022-08-18T15:40:00Z');
  const now = clock();
  set('2022-09-30T02:00:00.000Z', new Date(written.getTime() + 1_000));
  system = new Date(written.getTime() + 1_500);
  expect(now().toISOString()).toBe('2022-09-30T02:00:00.500Z');
});

it.each(['', 'tomorrow', '2022-08-18', '2022-13-18T00:00:00Z', `2022-08-18T00:00:00Z${' '.repeat(100)}`])(
  'does not start on %j',
  (text) => {
    set(text);
    expect(() => clock()).toThrow(GatewayError);
    expect(() => clock(join(dir, 'nowhere'))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  },
);

it('goes on as it went while the file cannot be read, and tells it once', () => {
  set('2022-08-18T15:40:00Z');
  const now = clock();
  unlinkSync(file);
  system = new Date(written.getTime() + 60_000);
  expect(now().toISOString()).toBe('2022-08-18T15:41:00.000Z');
  now();
  set('nonsense');
  now();
  expect(warnings).toEqual(['demonstration-clock', 'demonstration-clock-unreadable']);
  set('2022-08-19T00:00:00Z', system);
  expect(now().toISOString()).toBe('2022-08-19T00:00:00.000Z');
});
