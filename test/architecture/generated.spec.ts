import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './repository';

test('what is generated is what `npm run generate` makes of today’s sources', () => {
  const generate = join(root, 'test/support/generate.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [generate, '--check'], { encoding: 'utf8' });
  expect(`${stdout}${stderr}`).toMatch(/^(?:same {4}.*\n)+$/);
  expect(status).toBe(0);
}, 120_000);
