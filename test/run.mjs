// `npm test`: everything that CI checks, in the order in which failures are cheapest to find. Stops at the first
// failing stage; `node test/run.mjs STAGE…` runs only those named. Results of the suites go to .cache/test/<stage>.json,
// what it all came to goes to summary.json there.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const results = join(root, '.cache/test');
const inCi = /^(1|true|yes)$/i.test(process.env.CI ?? '');
/** No stage takes this long; one that does hangs. */
const stageLimitMs = 15 * 60_000;
/** Programs by others that judge our files and protocols, with the Debian package that brings each. */
const judges = { openssl: 'openssl', unzip: 'unzip', python3: 'python3' };

const npm = (script, ...args) => ['npm', ['run', '--silent', script, ...args]];
const node = (...args) => [process.execPath, args];
const jest = (project, ...more) => ({
  name: project,
  report: join(results, `${project}.json`),
  command: node(
    join(root, 'node_modules/jest/bin/jest.js'),
    ...['--ci', '--selectProjects', project, '--json', '--outputFile', join(results, `${project}.json`)],
    ...more,
  ),
});

const allStages = [
  { name: 'surroundings', work: checkSurroundings },
  { name: 'install', work: install },
  { name: 'build', command: npm('build') },
  // Colours only for a person's screen.
  { name: 'lint', command: npm('lint', '--', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`) },
  { name: 'types', command: npm('types') },
  { name: 'arch', command: npm('arch') },
  { name: 'drift', command: node(join(root, 'test/support/generate.mjs'), '--check') },
  { name: 'database', work: findDatabase },
  jest('unit'),
  jest('architecture'),
  jest('integration', '--runInBand'),
  jest('e2e', '--runInBand'),
  jest('faults', '--runInBand'),
];
const wanted = process.argv.slice(2);
const stages = allStages.filter(({ name }) => wanted.length === 0 || wanted.includes(name));

/** What this machine can't check, said at the top and again at the end; in CI a failure. */
const notChecked = [];
const done = [];
let running = null;
let stopDatabase = () => undefined;

async function main() {
  const unknown = wanted.find((name) => !allStages.some((stage) => stage.name === name));
  if (unknown) {
    console.error(`no such stage: ${unknown}; there are ${allStages.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  process.chdir(root);
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  for (const stage of stages) {
    console.log(`\n━━ ${stage.name} ${'━'.repeat(Math.max(3, 76 - stage.name.length))}`);
    const began = performance.now();
    let problem = null;
    try {
      problem = stage.work ? await stage.work() : await run(...stage.command);
    } catch (error) {
      problem = error.message;
    }
    const counts = stage.report ? countsIn(stage.report) : null;
    if (stage.report && problem === null) problem = problemIn(counts);
    done.push({ stage: stage.name, seconds: (performance.now() - began) / 1000, problem, ...counts });
    if (problem !== null) {
      console.error(`\n✗ ${stage.name}: ${problem}`);
      break;
    }
  }
  stopDatabase();
  return summarise();
}

function checkSurroundings() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}${inCi ? ', CI' : ''}`);
  if (major < 20 || (major === 20 && minor < 19)) return `Node 20.19 or later is needed, this is ${process.version}`;
  const missing = Object.entries(judges).filter(([command]) => !onPath(command));
  for (const [command, debianPackage] of missing) {
    cannotCheck(
      `${command} is missing: install it (Debian: apt-get install ${debianPackage}), or tests that need it fail`,
    );
  }
  return inCi && missing.length > 0 ? 'CI needs every judge' : null;
}

function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function cannotCheck(what) {
  notChecked.push(what);
  console.warn(`!!! ${what}`);
}

/** Installs what the lock file says, unless that is what is there. */
async function install() {
  const reason = whyInstall();
  if (reason === null) {
    console.log('node_modules is what package-lock.json says');
    return null;
  }
  console.log(`${reason}: npm ci`);
  return run('npm', ['ci', '--no-audit', '--no-fund']);
}

function whyInstall() {
  const hidden = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return 'nothing is installed';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const found = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  for (const [path, { version, optional, link }] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const here = found[path];
    // Optional packages for other platforms are in the lock file and not on the disk.
    if (here ? !link && here.version !== version : !optional) return `${path} is not what package-lock.json says`;
  }
  const extra = Object.keys(found).find((path) => path.startsWith('node_modules/') && !wanted[path]);
  return extra ? `${extra} is not in package-lock.json` : null;
}

/** One server for all suites; each of them makes databases of its own in it. */
async function findDatabase() {
  const { findMysql } = createRequire(import.meta.url)('./support/mysql-server.cjs');
  const server = await findMysql();
  if (!server) {
    cannotCheck(
      'NOT TESTED ON MySQL/MariaDB: no server answers at 127.0.0.1:3306 and none can be started. Install ' +
        'mariadb-server, or set JIEQIAO_TEST_MYSQL=mysql://user:password@host:port',
    );
    return inCi ? 'CI needs a MySQL or MariaDB server' : null;
  }
  stopDatabase = server.stop;
  process.env.JIEQIAO_TEST_MYSQL = server.url;
  console.log(`suites run on SQLite and on ${server.url.replace(/\/\/[^@]*@/, '//')}`);
  return null;
}

/** Runs a command in a group of its own, so that nothing it started outlives it. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    running = child;
    const end = (problem) => {
      clearTimeout(timer);
      killGroup(child);
      running = null;
      resolve(problem);
    };
    const timer = setTimeout(() => end(`not finished after ${stageLimitMs / 60_000} minutes`), stageLimitMs);
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`));
  });
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // nobody of the group is left
  }
}

function countsIn(report) {
  if (!existsSync(report)) return null;
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  // A suite that can't even be loaded has no failed tests; it counts as one.
  return {
    passed: numPassedTests,
    failed: numFailedTests + numRuntimeErrorTestSuites,
    skipped: numPendingTests + numTodoTests,
  };
}

function problemIn(counts) {
  if (counts === null) return 'left no results';
  if (counts.failed > 0) return `${counts.failed} failed`;
  if (counts.passed === 0) return 'found no tests';
  if (counts.skipped > 0) {
    cannotCheck(`${counts.skipped} tests were skipped`);
    if (inCi) return 'in CI no test may be skipped';
  }
  return null;
}

function summarise() {
  const failure = done.find(({ problem }) => problem !== null);
  const total = (of) => done.reduce((sum, stage) => sum + (stage[of] ?? 0), 0);
  const passed = total('passed');
  // A stage that is no suite, or whose suite crashed, still counts as a failure.
  const failed = Math.max(total('failed'), failure ? 1 : 0);
  console.log(`\n━━ summary ${'━'.repeat(69)}`);
  for (const { stage, seconds, problem, passed: count } of done) {
    const what = problem ?? (count === undefined ? '' : `${count} passed`);
    console.log(`${problem === null ? '✓' : '✗'} ${stage.padEnd(13)} ${seconds.toFixed(1).padStart(6)} s  ${what}`);
  }
  for (const { name } of stages.slice(done.length)) console.log(`- ${name.padEnd(13)}          not run`);
  for (const what of notChecked) console.log(`!!! ${what}`);
  const seconds = total('seconds');
  writeFileSync(
    join(results, 'summary.json'),
    `${JSON.stringify({ passed, failed, seconds, stages: done, notChecked })}\n`,
  );
  console.log(
    `${failure ? `✗ failed in ${failure.stage}` : wanted.length > 0 ? '✓ the stages named passed' : '✓ all stages passed'}, ${Math.round(seconds)} s`,
  );
  console.log(`${passed} passed, ${failed} failed`);
  return failure ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    if (running) killGroup(running);
    stopDatabase();
    process.exit(130);
  });
}

process.exitCode = await main();
