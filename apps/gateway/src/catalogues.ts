import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CatalogueSet, joinCatalogues, parseCatalogue } from '@jieqiao/recognition';

/**
 * The catalogues that come with the software, checked against each other.
 * @throws GatewayError VALIDATION_FAILED: a node does not start with catalogues that contradict themselves
 */
export function shippedCatalogues(): CatalogueSet {
  const folder = join(dirname(require.resolve('@jieqiao/recognition')), '../catalogues');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();
  return joinCatalogues(files.map((name) => parseCatalogue(readFileSync(join(folder, name)))));
}
