// Where the time goes: the heaviest functions and parts of a V8 CPU profile. `node test/bench/profile.mjs FILE…`
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const idle = new Set(['(idle)', '(root)', '(program)']);

/** Self time per function and per part of the code, in percent of the time that was not idle. */
export function summarise(file, top = 25) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const functions = new Map();
  const parts = new Map();
  const inclusive = new Map();
  const parents = new Map();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  let total = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (idle.has(functionName)) return;
    const time = timeDeltas[i];
    total += time;
    const part = partOf(url, functionName);
    const place = `${functionName || '(anonymous)'} ${shortUrl(url)}${url ? `:${lineNumber + 1}` : ''}`;
    functions.set(place, (functions.get(place) ?? 0) + time);
    parts.set(part, (parts.get(part) ?? 0) + time);
    const seen = new Set();
    for (let at = id; at !== undefined; at = parents.get(at)) {
      const { functionName: name, url: where, lineNumber: line } = byId.get(at).callFrame;
      if (!where || where.startsWith('node:')) continue;
      const key = `${name || '(anonymous)'} ${shortUrl(where)}:${line + 1}`;
      if (seen.has(key)) continue;
      seen.add(key);
      inclusive.set(key, (inclusive.get(key) ?? 0) + time);
    }
  });
  const ranked = (map) =>
    [...map]
      .sort((a, b) => b[1] - a[1])
      .slice(0, top)
      .map(([name, time]) => ({ name, percent: (100 * time) / total }));
  return { busyMs: total / 1000, parts: ranked(parts), functions: ranked(functions), inclusive: ranked(inclusive) };
}

function partOf(url, functionName) {
  if (url === '') return functionName === '(garbage collector)' ? '(garbage collector)' : '(native)';
  if (url.startsWith('node:')) return url.split('/')[0];
  const module = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(url)?.[1];
  return module ?? /\/((?:libs|apps)\/[^/]+)\//.exec(url)?.[1] ?? url;
}

function shortUrl(url) {
  return url.replace(/^.*node_modules\//, '').replace(/^.*\/((?:libs|apps)\/)/, '$1');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of process.argv.slice(2)) {
    const { busyMs, ...lists } = summarise(file, 45);
    console.log(`${file}: busy ${Math.round(busyMs)} ms`);
    for (const [title, list] of Object.entries(lists)) {
      console.log(` ${title}`);
      for (const { name, percent } of list) console.log(`  ${percent.toFixed(1).padStart(5)} %  ${name}`);
    }
  }
}
