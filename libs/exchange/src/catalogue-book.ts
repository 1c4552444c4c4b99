import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditLog } from '@jieqiao/audit';
import { type Digest, digestOf, GatewayError } from '@jieqiao/core';
import type { Database } from '@jieqiao/platform';
import {
  type Catalogue,
  type CatalogueSet,
  catalogueLimits,
  joinCatalogues,
  parseCatalogue,
  type RowStatus,
  rowKinds,
} from '@jieqiao/recognition';

/** An edition of a catalogue that a node has. */
export interface Edition {
  catalogue: Catalogue;
  bytes: Buffer;
  digest: Digest;
  /** With the software, or taken in at this node. */
  origin: 'shipped' | 'own';
}

/** `shanghai.310000@2.json` */
const ownName = /^([a-z][a-z0-9-]{0,31}\.(?:cn|[1-9]\d{5}))@([1-9]\d{0,6})\.json$/;
/** Invented rows are for demonstrations: nobody's powers follow from them unless somebody takes them in. */
const shippedName = /^(?!sample\.).*\.json$/;

/**
 * The catalogues that a node works with: those shipped with the software, and the editions taken in, which lie in a
 * folder of the node's, each in a file of its own that never changes. Of each id the highest version counts; of a
 * version that is shipped and taken in, the one taken in. Earlier ones stay to be read.
 */
export class CatalogueBook {
  private readonly shipped = new Map<string, Edition>();
  private readonly own = new Map<string, Edition>();
  private joined: { editions: readonly Edition[]; set: CatalogueSet } | null = null;
  private importing: Promise<unknown> = Promise.resolve();

  /**
   * @param folder of the editions taken in; it may not be there yet
   * @param shippedFolder of the catalogues shipped with the software
   */
  constructor(
    private readonly folder: string,
    private readonly shippedFolder: string,
    private readonly db: Database,
    private readonly audit: AuditLog,
  ) {}

  /**
   * The catalogues in use, checked against each other. @throws GatewayError as `refresh`, when they could not be read yet
   */
  current(): CatalogueSet {
    if (this.joined === null) this.load();
    return this.joined!.set;
  }

  /** The editions of which `current` is made: what a decision names as the catalogues that it was made by. */
  inUse(): readonly Edition[] {
    this.current();
    return this.joined!.editions;
  }

  /** Every edition at hand, by id and version. @throws GatewayError as `refresh` */
  all(): Edition[] {
    this.readFolders();
    return [...this.shipped.values(), ...this.own.values()].sort(byIdAndVersion);
  }

  /** Of one id, the lowest version first. */
  versions(id: string): Edition[] {
    return this.all().filter(({ catalogue }) => catalogue.id === id);
  }

  /** One edition; without a version the one in use. @throws GatewayError NOT_FOUND */
  edition(id: string, version?: number): Edition {
    const found = counting(
      this.versions(id).filter(({ catalogue }) => version === undefined || catalogue.version === version),
    );
    if (found[0] === undefined) throw new GatewayError('NOT_FOUND', {});
    return found[0];
  }

  /**
   * Takes up what another process has brought, or a person has taken away. When that can't be read or contradicts the
   * rest, what was in use stays in use.
   * @throws GatewayError VALIDATION_FAILED as `parseCatalogue` and `joinCatalogues`, with `file`; also `misnamed`
   */
  async refresh(): Promise<void> {
    this.load();
  }

  /**
   * Takes an edition in; taking the same one again changes nothing. From then on it is in use here, and in other
   * processes from their next look on.
   * @throws GatewayError VALIDATION_FAILED with `reason`: as `parseCatalogue`; as `joinCatalogues` when it contradicts the
   * others in use; `version-not-newer` {catalogue, version, newest}: an edition never changes, so its number is used once
   */
  import(bytes: Uint8Array): Promise<Edition> {
    const imported = this.importing.then(() => this.take(Buffer.from(bytes)));
    this.importing = imported.catch(() => undefined);
    return imported;
  }

  /** What would be in use with an edition in place of its predecessor. @throws GatewayError as `import` */
  joinedWith(catalogue: Catalogue): CatalogueSet {
    const others = counting(this.all()).filter((edition) => edition.catalogue.id !== catalogue.id);
    return joinCatalogues([catalogue, ...others.map((edition) => edition.catalogue)]);
  }

  private async take(bytes: Buffer): Promise<Edition> {
    const catalogue = parseCatalogue(bytes);
    const { id, version } = catalogue;
    const edition: Edition = { catalogue, bytes, digest: digestOf(bytes), origin: 'own' };
    const known = this.versions(id);
    const same = known.find(({ digest }) => digest === edition.digest);
    if (same) return same;
    const newest = Math.max(0, ...known.map((each) => each.catalogue.version));
    if (version <= newest) refuseVersion(id, version, newest);
    this.joinedWith(catalogue);

    await mkdir(this.folder, { recursive: true });
    const waiting = join(this.folder, `.${randomUUID()}.new`);
    try {
      await writeSynced(waiting, bytes);
      // Logged before it is there: nothing may be in use that the log does not tell of. After a crash between the two
      // the administrator, who got no answer, takes it in again, and the log tells of it twice.
      const subject = { digest: edition.digest, id, version };
      await this.db.transaction((tx) => this.audit.append(tx, { event: 'catalogue.imported', subject }));
      this.audit.committed();
      // A link, because a rename would replace what another process has put there meanwhile.
      await link(waiting, join(this.folder, `${id}@${version}.json`)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') refuseVersion(id, version, version);
        throw error;
      });
      await syncFolder(this.folder);
    } finally {
      await rm(waiting, { force: true });
    }
    this.load();
    return edition;
  }

  private load(): void {
    this.readFolders();
    const editions = counting([...this.shipped.values(), ...this.own.values()]);
    const before = this.joined?.editions;
    if (before?.length === editions.length && editions.every((edition, i) => edition === before[i])) return;
    this.joined = { editions, set: joinCatalogues(editions.map(({ catalogue }) => catalogue)) };
  }

  private readFolders(): void {
    if (this.shipped.size === 0) this.readFolder(this.shippedFolder, shippedName, 'shipped', this.shipped);
    this.readFolder(this.folder, ownName, 'own', this.own);
  }

  private readFolder(folder: string, pattern: RegExp, origin: Edition['origin'], into: Map<string, Edition>): void {
    const names = namesIn(folder, origin === 'own').filter((name) => pattern.test(name));
    for (const name of into.keys()) if (!names.includes(name)) into.delete(name);
    for (const name of names) if (!into.has(name)) into.set(name, readEdition(folder, name, origin));
  }
}

/** An edition without its rows. `inUse`: it is the one that counts of its id. */
export function editionSummary({ catalogue, digest, origin }: Edition, inUse: boolean) {
  const { effective, id, title, version } = catalogue;
  return { id, version, digest, title, origin, inUse, ...effective, statuses: rowsByStatus(catalogue) };
}

/** How many rows of a catalogue are verified, unverified, proposed and invented. */
function rowsByStatus(catalogue: Catalogue): Partial<Record<RowStatus, number>> {
  const counts: Partial<Record<RowStatus, number>> = {};
  for (const kind of rowKinds) {
    for (const { status } of catalogue[kind]) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

/** One edition of each id: the highest version, and of two of one version the node's own. */
function counting(editions: readonly Edition[]): Edition[] {
  const byId = new Map<string, Edition>();
  for (const edition of [...editions].sort(byIdAndVersion)) byId.set(edition.catalogue.id, edition);
  return [...byId.values()];
}

function byIdAndVersion(a: Edition, b: Edition): number {
  if (a.catalogue.id !== b.catalogue.id) return a.catalogue.id < b.catalogue.id ? -1 : 1;
  return a.catalogue.version - b.catalogue.version || Number(a.origin === 'own') - Number(b.origin === 'own');
}

function namesIn(folder: string, mayBeMissing: boolean): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readEdition(folder: string, file: string, origin: Edition['origin']): Edition {
  try {
    const bytes = readBounded(join(folder, file));
    const catalogue = parseCatalogue(bytes);
    const named = origin === 'own' ? `${catalogue.id}@${catalogue.version}.json` : `${catalogue.id}.json`;
    if (named !== file) throw new GatewayError('VALIDATION_FAILED', { reason: 'misnamed', pointer: '/id' });
    return { catalogue, bytes, digest: digestOf(bytes), origin };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new GatewayError(error.code, { ...error.params, file });
  }
}

/** A file put there by hand may be anything: it is looked at before it is read. */
function readBounded(path: string): Buffer {
  const { size } = statSync(path);
  const limit = catalogueLimits.maxBytes;
  if (size > limit) throw new GatewayError('VALIDATION_FAILED', { reason: 'too-large', limit });
  return readFileSync(path);
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function refuseVersion(catalogue: string, version: number, newest: number): never {
  throw new GatewayError('VALIDATION_FAILED', {
    reason: 'version-not-newer',
    pointer: '/version',
    catalogue,
    version,
    newest,
  });
}
