#!/usr/bin/env node
// `npm run bench`: how fast two real nodes are, each figure next to a floor of the same run. See docs/benchmarks.md.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cleanup, durableMysql, isInMemory, root, temporaryDirectory, Unavailable } from './environment.mjs';

const usage = `npm run bench [-- OPTIONS]
  --quick          shorter runs and a smaller file: below 90 s, rougher figures
  --full           1,000,000 recognition decisions, and as many of a typical transfer
  --only PARTS     some of: mysql, sqlite, openssl, evidence, verifying (comma-separated)
  --json FILE      also write everything measured as JSON; - writes it to standard output instead of the table
  --mysql URL      use this MySQL/MariaDB instead of a private one (mysql://user:password@host:port)
  --dir DIR        where databases and evidence go while it runs (default: the system's temporary directory)
  --profile DIR    write V8 CPU profiles of both nodes at 256 in flight there, and print where the time goes
`;
const partNames = ['mysql', 'sqlite', 'openssl', 'evidence', 'verifying'];

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    mysql: { type: 'string' },
    dir: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const only = options.profile ? ['mysql'] : (options.only?.split(',') ?? partNames);
const unknown = only.filter((part) => !partNames.includes(part));
if (unknown.length > 0) {
  process.stderr.write(`bench: no such part: ${unknown.join(', ')}\n\n${usage}`);
  process.exit(2);
}

const say = (text) => process.stderr.write(`${text}\n`);

if (!existsSync(join(root, 'apps/demo/dist/nodes.js')) || !existsSync(join(root, 'apps/gateway/dist/main.js'))) {
  say('building…');
  const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (built.status !== 0) process.exit(1);
}

const cleanup = new Cleanup();
let interrupted = false;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, async () => {
    if (!interrupted) say('bench: interrupted, cleaning up…');
    interrupted = true;
    await cleanup.run();
    process.exit(code);
  });
}

// What was under way when the interrupt came fails as its processes go.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, async (error) => {
    if (interrupted) return;
    interrupted = true;
    say(`bench: could not measure: ${error.stack ?? error}`);
    await cleanup.run();
    process.exit(1);
  });
}

const plans = options.quick
  ? {
      warmUp: { inFlight: 64, warmUpMs: 300, measureMs: 1_500 },
      settings: [
        { inFlight: 1, warmUpMs: 200, measureMs: 1_500 },
        { inFlight: 32, warmUpMs: 500, measureMs: 2_000 },
        { inFlight: 256, warmUpMs: 800, measureMs: 2_500 },
      ],
      loop: [
        { loops: 1, measureMs: 2_500 },
        { loops: 4, measureMs: 2_500 },
      ],
      evidence: { bytes: 128 << 20, passes: 1 },
      verifying: { seconds: 0.5, bundleBytes: 64 << 20, typical: 20_000 },
    }
  : {
      warmUp: { inFlight: 64, warmUpMs: 500, measureMs: 4_000 },
      settings: [
        { inFlight: 1, warmUpMs: 500, measureMs: 4_000 },
        { inFlight: 32, warmUpMs: 1_000, measureMs: 6_000 },
        { inFlight: 256, warmUpMs: 1_500, measureMs: 10_000 },
      ],
      loop: [
        { loops: 1, measureMs: 4_000 },
        { loops: 2, measureMs: 4_000 },
        { loops: 4, measureMs: 4_000 },
      ],
      evidence: { bytes: 1 << 30, passes: 2 },
      verifying: { seconds: 1.5, bundleBytes: 256 << 20, typical: 100_000 },
    };
if (options.full) Object.assign(plans.verifying, { evaluations: 1_000_000, typical: 1_000_000 });
if (options.profile) {
  mkdirSync(options.profile, { recursive: true });
  plans.settings = plans.settings.slice(-1);
  plans.execArgv = ['--cpu-prof', '--cpu-prof-dir', options.profile];
}

const results = {};
const notes = [];

/** Runs one part; what can't be had on this machine is noted, and everything else is a failure of the bench. */
async function part(name, work) {
  if (!only.includes(name)) return;
  say(`${name}…`);
  try {
    results[name] = await work(join(dir, name));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    notes.push(`${name}: not measured: ${error.message}`);
  }
}

let dir = '';
let failed = false;
const machine = {
  cores: cpus().length,
  cpu: cpus()[0].model.trim(),
  memory: totalmem(),
  node: process.versions.node,
  database: 'no MariaDB',
};
try {
  // Together, so that nothing runs before the interrupt handlers can undo it.
  const [
    { measureExchanges },
    { measureOpensslLoop },
    { measureEvidence },
    { measureVerifying },
    { summarise },
    report,
  ] = await Promise.all([
    import('./exchanges.mjs'),
    import('./openssl-loop.mjs'),
    import('./evidence.mjs'),
    import('./verifying.mjs'),
    import('./profile.mjs'),
    import('./report.mjs'),
  ]);
  dir = temporaryDirectory(cleanup, options.dir);
  if (isInMemory(dir)) notes.push('the directory lies in memory: syncs cost nothing there; give --dir on a disk');
  let database = null;
  if (only.includes('mysql')) {
    try {
      database = await durableMysql(cleanup, dir, options.mysql);
      machine.database = `${database.version}, innodb_flush_log_at_trx_commit=1`;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      notes.push(`mysql: not measured: ${error.message}`);
    }
  }
  const tell = ({ inFlight, product, floor, cpuRatio }) =>
    say(
      `  ${inFlight} in flight: ${product.perSecond.toFixed(0)}/s, floor ${floor.perSecond.toFixed(0)}/s, CPU ${cpuRatio.toFixed(2)} × the floor's`,
    );
  if (database) await part('mysql', (at) => measureExchanges(cleanup, at, database, plans, tell));
  await part('openssl', (at) => measureOpensslLoop(cleanup, at, plans.loop));
  await part('sqlite', (at) => measureExchanges(cleanup, at, null, plans, tell));
  await part('evidence', (at) =>
    measureEvidence(cleanup, at, null, plans.evidence.bytes, plans.evidence.passes, ({ delivery }) =>
      say(`  node to node ${delivery.product.megabytesPerSecond.toFixed(0)} MB/s`),
    ),
  );
  await part('verifying', (at) => measureVerifying(cleanup, at, plans.verifying));

  const date = new Date().toISOString();
  const targets = report.targetsOf(results);
  const everything = { date, machine, quick: options.quick, results, targets, notes };
  const json = `${JSON.stringify(everything, null, 2)}\n`;
  if (options.json === '-') process.stdout.write(json);
  else {
    process.stdout.write(`\n${report.textReport(everything)}`);
    if (options.json) writeFileSync(options.json, json);
  }
  if (options.profile) {
    for (const name of readdirSync(options.profile).filter((file) => file.endsWith('.cpuprofile'))) {
      const { busyMs, parts, functions } = summarise(join(options.profile, name), 15);
      say(`\n${name}: ${Math.round(busyMs)} ms busy`);
      for (const { name: what, percent } of [...parts, ...functions])
        say(`  ${percent.toFixed(1).padStart(5)} %  ${what}`);
    }
  }
} catch (error) {
  failed = !interrupted;
  if (failed) say(`bench: could not measure: ${error.stack ?? error}`);
} finally {
  if (!interrupted) {
    await cleanup.run();
    process.exit(failed ? 1 : 0);
  }
}
