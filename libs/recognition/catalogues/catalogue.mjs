// Catalogue files for people with a spreadsheet; docs/guides/catalogues.md. Needs `npm run build`.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  catalogueChangeWords,
  catalogueDiff,
  catalogueFromCsv,
  catalogueToCsv,
  encodeCatalogue,
  joinCatalogues,
  parseCatalogue,
} from '@jieqiao/recognition';

const read = (file) => parseCatalogue(readFileSync(file));
const namesIn = (folder, ending) => readdirSync(folder).filter((name) => name.endsWith(ending));

const commands = {
  /** Reads every catalogue of a folder, and all of them together. */
  check(folder) {
    const files = namesIn(folder, '.json');
    const set = joinCatalogues(files.map((name) => read(join(folder, name))));
    for (const { id, version } of set.catalogues) console.log(`${id} v${version}`);
  },
  export(file, folder) {
    mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of Object.entries(catalogueToCsv(read(file)))) writeFileSync(join(folder, name), bytes);
  },
  /** Writes nothing that its neighbours would contradict. */
  import(folder, file) {
    const files = namesIn(folder, '.csv').map((name) => [name, readFileSync(join(folder, name))]);
    const bytes = encodeCatalogue(catalogueFromCsv(Object.fromEntries(files)));
    const others = namesIn(dirname(resolve(file)), '.json').filter(
      (name) => resolve(dirname(file), name) !== resolve(file),
    );
    joinCatalogues([parseCatalogue(bytes), ...others.map((name) => read(join(dirname(file), name)))]);
    writeFileSync(file, bytes);
  },
  diff(before, after) {
    for (const change of catalogueDiff(read(before), read(after))) console.log(catalogueChangeWords(change, 'zh'));
  },
};

const [, , name, ...args] = process.argv;
const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
if (!command || args.length !== command.length) {
  console.error('catalogue.mjs check FOLDER | export FILE FOLDER | import FOLDER FILE | diff OLD NEW');
  process.exit(2);
}
try {
  command(...args);
} catch (error) {
  console.error(error.code, JSON.stringify(error.params ?? error.message));
  process.exit(1);
}
