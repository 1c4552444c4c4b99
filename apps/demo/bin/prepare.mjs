// What has to be there before our own code can run: a Node.js that is new enough, the packages, the build.
// Plain JavaScript without dependencies, written so that an old Node.js can at least read it and say so.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const at = (...parts) => join(root, ...parts);
const english = languageIsEnglish();
const say = (zh, en) => (english ? en : zh);

/** Runs one of the demonstration's commands with this process's arguments; its code is the process's exit code. */
export async function run(command) {
  if (!nodeIsNew()) return fail(1, nodeIsOld());
  const problem = install() || build();
  if (problem) return fail(1, problem);
  const { main } = createRequire(import.meta.url)('../dist/main.js');
  const code = await main(command, process.argv.slice(2));
  process.exit(code);
}

function fail(code, text) {
  console.error(text);
  process.exitCode = code;
}

function languageIsEnglish() {
  const given = process.argv.indexOf('--lang');
  if (given > 0) return process.argv[given + 1] === 'en';
  if (process.argv.includes('--lang=en')) return true;
  return (process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '').startsWith('en');
}

function nodeIsNew() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major > 22;
}

function nodeIsOld() {
  return (
    `需要 Node.js 20.19 以上（或 22.13 以上），现在是 ${process.version}。请先升级：https://nodejs.org\n` +
    `Node.js 20.19 or later (or 22.13 or later) is needed, this is ${process.version}: https://nodejs.org`
  );
}

/** @returns what went wrong, or nothing */
function install() {
  const reason = whyInstall();
  if (!reason) return undefined;
  console.log(`${reason} npm ci …`);
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } =
    npm && /\.c?js$/.test(npm)
      ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
      : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status === 0) return undefined;
  return say(
    `安装没有成功（${error ? error.message : `npm ci 的退出码 ${status}`}）。需要能访问 npm 仓库；修正后再运行一次。`,
    `Installing failed (${error ? error.message : `npm ci exited with ${status}`}). It needs an npm registry; run this again then.`,
  );
}

/** By times first, which is fast; a lock file that is merely newer is read. */
function whyInstall() {
  const installed = at('node_modules/.package-lock.json');
  if (!existsSync(installed))
    return say('首次安装依赖，约一分钟：', 'Installing packages for the first time, about a minute:');
  if (statSync(installed).mtimeMs >= statSync(at('package-lock.json')).mtimeMs) return '';
  const wanted = packages(at('package-lock.json'));
  const found = packages(installed);
  const differs = Object.keys(wanted).some((path) => {
    if (!path.startsWith('node_modules/')) return false;
    const here = found[path];
    // Optional packages for other platforms are in the lock file and not on the disk.
    return here ? here.version !== wanted[path].version : !wanted[path].optional;
  });
  return differs ? say('依赖有变化，重新安装：', 'The packages have changed, installing again:') : '';
}

function packages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** @returns what went wrong, or nothing */
function build() {
  const stamp = at('apps/demo/dist/.built');
  const sources = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources && outputs().every((file) => existsSync(file))) {
    return undefined;
  }
  console.log(say('编译 …', 'Building …'));
  for (const args of [[at('node_modules/typescript/bin/tsc'), '-b'], [at('apps/verifier/build.mjs')]]) {
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
    if (status !== 0) return say('编译没有成功，原因见上。', 'Building failed; the reason is above.');
  }
  writeFileSync(stamp, sources);
  return undefined;
}

function outputs() {
  const projects = ['libs', 'apps'].flatMap((kind) => readdirSync(at(kind)).map((name) => [kind, name]));
  return [
    ...projects
      .map(([kind, name]) => at(kind, name, 'dist/.tsbuildinfo'))
      .filter((file) => existsSync(join(file, '../../tsconfig.json'))),
    at('apps/verifier/dist/jieqiao-verify.js'),
    at('apps/gateway/dist/main.js'),
    at('apps/demo/dist/main.js'),
  ];
}

/** Names, sizes and times of all that is built from: reading a few hundred of them takes milliseconds. */
function fingerprint() {
  const hash = createHash('sha256');
  const add = (file) => {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  };
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.base.json']) add(at(name));
  for (const kind of ['libs', 'apps']) {
    for (const name of readdirSync(at(kind)).sort()) {
      for (const extra of ['tsconfig.json', 'package.json', 'build.mjs']) {
        if (existsSync(at(kind, name, extra))) add(at(kind, name, extra));
      }
      if (existsSync(at(kind, name, 'src'))) walk(at(kind, name, 'src'), add);
    }
  }
  return hash.digest('hex');
}

function walk(dir, add) {
  const entries = readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) walk(path, add);
    else if (/\.(ts|json)$/.test(entry.name) && !entry.name.endsWith('.spec.ts')) add(path);
  }
}
