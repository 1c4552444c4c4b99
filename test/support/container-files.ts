import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const root = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

export interface Instruction {
  name: string;
  /** As written, continued lines joined. */
  text: string;
  /** The JSON list where there is one (exec form), else null. */
  list: string[] | null;
}

export interface Stage {
  name: string | null;
  image: string;
  instructions: Instruction[];
}

/** The stages of the Dockerfile; what we write ourselves, so only the forms that we use. */
export function dockerfileStages(text = read('Dockerfile')): Stage[] {
  const stages: Stage[] = [];
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  for (const line of lines.filter((one) => one.trim() !== '')) {
    const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (!name || !rest) throw new Error(`not an instruction: ${line}`);
    if (name === 'FROM') {
      const [image, , stage] = rest.split(/\s+/);
      stages.push({ name: stage ?? null, image: image!, instructions: [] });
      continue;
    }
    const list = /\[.*\]$/.exec(rest)?.[0];
    stages.at(-1)!.instructions.push({ name, text: rest, list: list ? (JSON.parse(list) as string[]) : null });
  }
  return stages;
}

export function instructionsOf(stage: Stage, name: string): Instruction[] {
  return stage.instructions.filter((instruction) => instruction.name === name);
}

/** `A=b C=d` of an ENV instruction. */
export function environmentOf(stage: Stage): Record<string, string> {
  const pairs = instructionsOf(stage, 'ENV').flatMap(({ text }) => text.trim().split(/\s+/));
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

export interface Service {
  build?: string;
  image: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  networks?: string[];
  network_mode?: string;
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  [key: string]: unknown;
}

export interface Compose {
  services: Record<string, Service>;
  networks: Record<string, unknown>;
  volumes: Record<string, unknown>;
  [key: string]: unknown;
}

/** docker-compose.yml with anchors, merge keys and `${NAME:-default}` resolved, as Compose reads it. */
export function composeFile(text = read('docker-compose.yml')): Compose {
  // The YAML parser that @nestjs/swagger brings.
  const yaml = createRequire(require.resolve('@nestjs/swagger'))('js-yaml') as { load(text: string): unknown };
  const given = text.replace(/(?<!\$)\$\{(\w+):-([^}]*)\}/g, (_, name: string, byDefault: string) => {
    return process.env[name] || byDefault;
  });
  const merged = mergeKeys(yaml.load(given)) as Compose;
  return JSON.parse(JSON.stringify(merged).replaceAll('$$', '$')) as Compose;
}

/** `<<` of YAML 1.1, which not every parser resolves. */
function mergeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mergeKeys);
  if (value === null || typeof value !== 'object') return value;
  const { '<<': merged, ...own } = value as Record<string, unknown>;
  const all = { ...((merged as object | undefined) ?? {}), ...own };
  return Object.fromEntries(Object.entries(all).map(([key, inner]) => [key, mergeKeys(inner)]));
}

/** Whether a file stays out of the build context: the last pattern of .dockerignore that fits decides. */
export function isIgnored(path: string, patterns = ignorePatterns()): boolean {
  let ignored = false;
  for (const { pattern, excludes } of patterns) if (pattern.test(path)) ignored = excludes;
  return ignored;
}

export function ignorePatterns(text = read('.dockerignore')): { pattern: RegExp; excludes: boolean }[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const excludes = !line.startsWith('!');
    const source = line
      .replace(/^!/, '')
      .replace(/[.+^$()|[\]\\]/g, '\\$&')
      .replace(/\*\*\/|\*\*|\*/g, (stars) => (stars === '*' ? '[^/]*' : stars === '**' ? '.*' : '(?:.*/)?'));
    // A pattern speaks of everything below what it names, too.
    return { pattern: new RegExp(`^${source}(?:/.*)?$`), excludes };
  });
}
