import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '../..');

/** What .gitignore names; the walk does not ask git, so that an unpacked archive is checked like a clone. */
const notOurs = new Set(['.git', 'node_modules', 'dist', '.data', '.cache', 'coverage']);

/** Paths of all files that belong to the repository, with slashes, sorted. */
export function repositoryFiles(dir = ''): string[] {
  return readdirSync(join(root, dir), { withFileTypes: true })
    .filter((entry) => !notOurs.has(entry.name) && !entry.name.endsWith('.tsbuildinfo'))
    .flatMap((entry) => {
      const path = dir === '' ? entry.name : `${dir}/${entry.name}`;
      return entry.isDirectory() ? repositoryFiles(path) : [path];
    })
    .sort();
}
