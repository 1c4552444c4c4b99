import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@jieqiao/core';
import { errorKinds } from '../../apps/gateway/src/errors/errors';
import { repositoryFiles, root } from './repository';

/** The list itself and the table that words every code don't count as uses. */
const lists = ['libs/core/src/errors.ts', 'apps/gateway/src/errors/errors.ts'];
const sources = repositoryFiles()
  .filter((file) => /^(libs|apps)\/[^/]+\/src\/.*(?<!\.spec)\.ts$/.test(file) && !lists.includes(file))
  .map((file) => readFileSync(join(root, file), 'utf8'));
const guide = readFileSync(join(root, 'docs/api/errors.md'), 'utf8');

test.each(errorCodes)('%s is used somewhere, and documented', (code) => {
  // In quotes: a comment that only mentions a code is no use of it.
  expect(sources.some((text) => text.includes(`'${code}'`))).toBe(true);
  expect(guide).toContain(`\`${code}\``);
});

test('every code has words, and no word is without a code', () => {
  expect(Object.keys(errorKinds).sort()).toEqual([...errorCodes].sort());
});
