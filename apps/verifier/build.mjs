// Bundles the verifier into one file that needs Node 20 and nothing else.
import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = here('dist/jieqiao-verify.js');

await build({
  entryPoints: [here('src/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // From source, so that building the verifier doesn't wait for anything else to be built.
  alias: { '@jieqiao/core': here('../../libs/core/src/index.ts') },
  banner: { js: '#!/usr/bin/env node' },
  legalComments: 'inline',
  logLevel: 'warning',
});
await chmod(outfile, 0o755);
