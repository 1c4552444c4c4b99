// Writes every committed file that follows from another one (`npm run generate`); `--check` only compares.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const bin = (name) => join(root, 'node_modules/.bin', name);

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) {
    process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${error}\n` : ''}`);
    throw new Error(`${relative(root, command)} failed`);
  }
}

/** Types of the peer protocol's messages, by path under libs/delivery/src/generated. */
function protoTypes() {
  const out = mkdtempSync(join(tmpdir(), 'jieqiao-proto-'));
  try {
    run(bin('proto-loader-gen-types'), [
      ...['--longs=Number', '--enums=String', '--defaults', '--arrays', '--includeComments'],
      ...['--grpcLib=@grpc/grpc-js', '-I', 'proto', '-O', out, 'jieqiao/exchange/v1/exchange.proto'],
    ]);
    return new Map(filesUnder(out).map((file) => [relative(out, file), readFileSync(file, 'utf8')]));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function filesUnder(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

/** The text of docs/api/errors.md. */
function errorGuide({ errorKinds }, { status }) {
  const cell = (text) => text.replaceAll('|', '\\|');
  const rows = Object.entries(errorKinds).map(
    ([code, { http, grpc, severity, title }]) =>
      `| \`${code}\` | ${http} | ${status[grpc]} | ${severity} | ${cell(title.zh)} | ${cell(title.en)} |`,
  );
  return `# Error codes

<!-- Generated from apps/gateway/src/errors/errors.ts by \`npm run generate\`; do not edit. -->

Every failure has one code of this closed list. Over HTTP it comes as \`application/problem+json\` (RFC 9457) with the
members \`type\` (\`urn:jieqiao:error:<code>\`), \`title\`, \`status\`, \`code\`, \`params\`, \`errors\` and \`traceId\`; over gRPC
as the status below with the code as its details. A program decides by \`code\`; \`title\` is for people, in Chinese
unless \`Accept-Language\` prefers English. \`params\` holds ids, digests, limits and words of ours that explain the
error: never secrets, personal data or evidence. \`errors\` lists wrong fields as \`{pointer, code}\` (RFC 6901 pointers).

Severity says what it is to the node's operator: \`info\` is somebody's mistake, \`warning\` is worth a look, \`error\` is
a fault of the node or its surroundings.

| code | HTTP | gRPC | severity | 中文 | English |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

async function outputs() {
  run(bin('tsc'), ['-b', 'apps/gateway']);
  const gateway = (file) => require(join(root, 'apps/gateway/dist', file));
  const { openApiFile } = gateway('http/openapi-file.js');
  const { configurationGuide } = require('@jieqiao/platform');
  const generated = 'libs/delivery/src/generated';
  const slashes = (path) => path.split(sep).join('/');
  const all = new Map();
  // What nothing generates any more must go: null, unless it gets a text below.
  for (const file of filesUnder(join(root, generated))) all.set(slashes(relative(root, file)), null);
  for (const [file, text] of protoTypes()) all.set(`${generated}/${slashes(file)}`, text);
  all.set('docs/api/openapi.json', await openApiFile());
  all.set('docs/api/errors.md', errorGuide(gateway('errors/errors.js'), require('@grpc/grpc-js')));
  all.set('docs/guides/configuration.md', configurationGuide());
  return all;
}

const check = process.argv.includes('--check');
let differing = 0;
for (const [file, text] of await outputs()) {
  const path = join(root, file);
  const now = existsSync(path) ? readFileSync(path, 'utf8') : null;
  if (now === text) {
    console.log(`same    ${file}`);
    continue;
  }
  differing++;
  console.log(`${check ? 'differs' : 'written'} ${file}`);
  if (check) continue;
  if (text === null) rmSync(path);
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
if (check && differing > 0) {
  console.error('run `npm run generate` and look at what changed');
  process.exitCode = 1;
}
