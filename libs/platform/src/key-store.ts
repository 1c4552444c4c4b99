import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  Certificate,
  Crl,
  createRoot,
  encodeVkey,
  GatewayError,
  hasCode,
  issueCertificate,
  issueCrl,
  issueForRequest,
  type KeyAndCertificate,
  logOrigin,
  type NoteKey,
  type NoteSigner,
  nodeUrn,
  noteKey,
  noteSigner,
  officerUrn,
  parseSerial,
  type RevocationReason,
  Signer,
  sealUrn,
  type Validity,
} from '@jieqiao/core';
import { KeyRing, type NodeKey } from './key-ring';
import { readPkcs12, writePkcs12 } from './pkcs12';
import { step } from './step';
import { type DataKey, dataKey } from './vault';

export interface NewKeys {
  node: string;
  authority: string;
  /** Host names and addresses under which peers reach the node. */
  hosts: readonly string[];
  now: Date;
  /** One for everything, the revocation list too, instead of the usual ones: for demonstrations in other years. */
  lifetime?: Validity;
}

/** A person who signs documents of their own. */
export interface Officer {
  name: string;
  /** Number of the enforcement certificate (执法证号). */
  certNo: string;
}

/** A certificate of this authority's own that counts no longer. */
interface RecordedRevocation {
  serial: string;
  reason: RevocationReason;
  revokedAt: string;
  /** Generation of the root that issued it. */
  root: number;
}

/** A certificate in the store, for those who show or revoke it. */
export interface StoredCertificate {
  use: 'root' | 'seal' | 'node';
  generation: number;
  certificate: Certificate;
}

const day = 86_400_000;
const rootYears = 20;
const leafYears = 2;
const crlDays = 30;
const revocationsFile = 'revocations.json';
const actSecretFile = 'same-act.key';

/**
 * A node's keys as files of mode 0600 in one directory, in generations: `seal.key.pem`, `seal-2.key.pem`, … Nothing is
 * overwritten: what is new stands beside what was.
 *
 * What survives a crash: every file appears whole, under its name, after it is on the disk. A key comes before its
 * certificate, and without the certificate it is no generation; a passphrase comes before its container. So wherever
 * the process is killed, the store is the one from before or the one from after, at most with a file that nobody reads.
 */
export class KeyStore {
  constructor(readonly dir: string) {}

  get exists(): boolean {
    return existsSync(this.path('complete'));
  }

  /** Makes all keys. Killed half-way, the next call starts over: only the last file says that all are there. */
  async create({ node, authority, hosts, now, lifetime }: NewKeys): Promise<void> {
    if (this.exists) throw new GatewayError('KEY_UNUSABLE', { reason: 'keys-exist', dir: this.dir });
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    const root = await createRoot(rootName(authority, 1), lifetime ?? validity(now, rootYears), serial());
    const leaf = lifetime ?? validity(now, leafYears);
    this.writePair('root', root);
    await this.writeCrl(1, root, 1, [], lifetime ?? listed(now, crlDays));
    this.writePair('seal', await issueCertificate(root, sealRequest(node, authority, leaf)));
    this.writePair('node', await issueCertificate(root, nodeRequest(node, authority, hosts, leaf)));
    this.writeFile('log.key.pem', pemOf(generateKeyPairSync('ed25519').privateKey));
    this.writeFile('session.key', randomBytes(32).toString('hex'));
    this.ensureDataKey();
    this.renewActSecret();
    this.writeFile('complete', `${now.toISOString()}\n`);
  }

  /**
   * A new node key under a root of this store. Peers accept it without a new agreement where that names the root.
   * @param hosts as in `create`; those of the newest node certificate when left out
   * @param root generation; the newest when left out. Until an agreement names a new root, renew under the one before.
   * @throws GatewayError KEY_UNUSABLE {reason: 'root-key-not-here', file, remedy}
   */
  async issueNode(now: Date, hosts?: readonly string[], root = this.newest('root')): Promise<Certificate> {
    const { nodeId, authority } = this.identity();
    const pair = this.rootPair(root);
    const request = nodeRequest(nodeId, authority, hosts ?? this.hosts(), validity(now, leafYears));
    return this.addPair('node', await issueCertificate(pair, request));
  }

  /** A new seal under a root of this store. Parameters and errors as with `issueNode`. */
  async issueSeal(now: Date, root = this.newest('root')): Promise<Certificate> {
    const { nodeId, authority } = this.identity();
    const request = sealRequest(nodeId, authority, validity(now, leafYears));
    return this.addPair('seal', await issueCertificate(this.rootPair(root), request));
  }

  /**
   * A new root, with a seal and a node key under it. They are used as soon as an agreement names the root. Killed
   * half-way, the next call completes the root that is there.
   * @param authority the authority's name now; that of the root before when left out
   */
  async rotateRoot(now: Date, authority = this.identity().authority): Promise<Certificate> {
    const { nodeId } = this.identity();
    const hosts = this.hosts();
    const begun = this.newest('root');
    const lacks = (use: 'seal' | 'node') => !this.issuedUnder(begun).some((stored) => stored.use === use);
    const goOn = begun > 1 && existsSync(this.path(keyFile('root', begun))) && (lacks('seal') || lacks('node'));
    const generation = goOn ? begun : await this.addRoot(now, authority);
    const root = this.rootPair(generation);
    const has = (use: 'seal' | 'node') => this.issuedUnder(generation).some((stored) => stored.use === use);
    if (!existsSync(this.path(crlFile(generation)))) await this.writeCrl(generation, root, 1, [], listed(now, crlDays));
    const leaf = validity(now, leafYears);
    if (!has('seal')) this.addPair('seal', await issueCertificate(root, sealRequest(nodeId, authority, leaf)));
    if (!has('node')) this.addPair('node', await issueCertificate(root, nodeRequest(nodeId, authority, hosts, leaf)));
    return Certificate.parse(root.certificatePem);
  }

  /** A new log key. It signs beside the one before, and becomes this log's when an agreement names it. */
  rotateLog(): NoteSigner {
    const { privateKey } = generateKeyPairSync('ed25519');
    this.claim('log', (generation) => keyFile('log', generation), pemOf(privateKey));
    return noteSigner(this.origin(), privateKey);
  }

  /** A new key for data at rest. What older keys have sealed, they go on opening: none is ever taken away. */
  rotateData(): DataKey {
    const secret = randomBytes(32);
    this.claim('data', dataFile, secret.toString('hex'));
    return dataKey(secret);
  }

  /** Makes the first key for data at rest where there is none yet; of several processes at once, one does. */
  ensureDataKey(): void {
    if (this.dataGenerations().length === 0) this.createFile(dataFile(1), randomBytes(32).toString('hex'));
  }

  /**
   * Takes a log key away that no agreement needs any more; its public half stays, because the log's older checkpoints
   * are by it.
   * @param vkey as in agreements
   * @throws GatewayError KEY_UNUSABLE {reason: 'no-such-key' | 'only-key'}
   */
  removeLog(vkey: string): void {
    const generations = this.generations('log');
    const generation = generations.find((candidate) => encodeVkey(this.logKey(candidate).key) === vkey);
    if (generation === undefined) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-such-key', vkey });
    if (generations[0] === generation) throw new GatewayError('KEY_UNUSABLE', { reason: 'only-key', vkey });
    const { publicKey } = this.logKey(generation).key;
    this.writeFile(`${stem('log', generation)}.pub.pem`, publicKey.export({ type: 'spki', format: 'pem' }) as string);
    unlinkSync(this.path(keyFile('log', generation)));
    this.syncDirectory();
  }

  /**
   * The secret of the same-act check, anew. The one before is gone: it is good for nothing but finding out what tags
   * were made of. Tags are made again as peers ask.
   */
  renewActSecret(): void {
    this.writeFile(actSecretFile, randomBytes(32).toString('hex'));
  }

  /** For a store from before there was one. Of two processes at once, both go on with the one that was first. */
  ensureActSecret(): void {
    if (!existsSync(this.path(actSecretFile))) this.createFile(actSecretFile, randomBytes(32).toString('hex'));
  }

  /**
   * Takes in a seal that a certification authority delivered as PKCS#12 (P-256 or RSA). It is used as soon as an
   * agreement lets it speak.
   * @throws GatewayError KEY_UNUSABLE as `readPkcs12`
   */
  importSeal(container: Uint8Array, passphrase: string): Certificate {
    return this.importPair('seal', container, passphrase);
  }

  /** The same for a node key, which must be P-256. @throws GatewayError KEY_UNUSABLE also {reason: 'node-keys-are-p256'} */
  importNode(container: Uint8Array, passphrase: string): Certificate {
    return this.importPair('node', container, passphrase);
  }

  /**
   * Revokes a certificate of this authority's own, from `now` on, and puts it on the list of its root. The record comes
   * first: killed before the list is written, the next call, or `refreshCrls`, writes it.
   * @param given the certificate's serial number in hex
   * @param root generation of the root that issued it; needed only for a certificate that is not in this store
   * @throws GatewayError KEY_UNUSABLE {reason: 'serial-unknown' | 'root-key-not-here'}, VALIDATION_FAILED {field:
   *   'serial'}: nothing was changed
   */
  async revoke(given: string, reason: RevocationReason, now: Date, root?: number): Promise<Crl> {
    const serialNumber = parseSerial(given);
    const generation = root ?? this.issuerOf(serialNumber);
    const pair = this.rootPair(generation);
    const recorded = this.revocations();
    if (!recorded.some((entry) => entry.serial === serialNumber && entry.root === generation)) {
      recorded.push({ serial: serialNumber, reason, revokedAt: now.toISOString(), root: generation });
      this.writeFile(revocationsFile, `${JSON.stringify(recorded, null, 2)}\n`);
    }
    return this.renewCrl(generation, pair, now);
  }

  /**
   * Issues the lists anew that need it and whose root key is here: one that lacks a recorded revocation, or has less
   * than half of its life left. Each keeps the length of life that it has had.
   * @param days with it, all of them, with this life: before a root's key is taken away for long
   */
  async refreshCrls(now: Date, days?: number): Promise<Crl[]> {
    const issued: Crl[] = [];
    for (const generation of this.generations('root')) {
      if (!existsSync(this.path(keyFile('root', generation)))) continue;
      const crl = this.crl(generation);
      const due = !crl || now.getTime() > (crl.thisUpdate.getTime() + crl.nextUpdate.getTime()) / 2;
      const lacks = this.revocations().some((entry) => entry.root === generation && !crl?.entry(entry.serial));
      if (days !== undefined || due || lacks) {
        issued.push(await this.renewCrl(generation, this.rootPair(generation), now, days));
      }
    }
    return issued;
  }

  /**
   * A certificate for an officer's key that the officer's own device has made (PKCS#10). It is handed out, not kept.
   * @throws GatewayError KEY_UNUSABLE {reason: 'root-key-not-here'}, or as `issueForRequest`
   */
  async certifyOfficer(
    csr: Uint8Array | string,
    officer: Officer,
    now: Date,
    root = this.newest('root'),
  ): Promise<Certificate> {
    const request = officerRequest(this.identity(), officer, now);
    return Certificate.parse(await issueForRequest(this.rootPair(root), csr, request));
  }

  /** An officer's key and certificate, to be handed out as PKCS#12; the key is not kept. */
  async issueOfficer(
    officer: Officer,
    passphrase: string,
    now: Date,
    root = this.newest('root'),
  ): Promise<{ certificate: Certificate; container: Buffer }> {
    const pair = await issueCertificate(this.rootPair(root), officerRequest(this.identity(), officer, now));
    return { certificate: Certificate.parse(pair.certificatePem), container: writePkcs12(pair, passphrase) };
  }

  /** Every certificate of this store, newest first within each use. */
  certificates(): StoredCertificate[] {
    const list = (use: StoredCertificate['use']) =>
      this.generations(use).map((generation) => ({ use, generation, certificate: this.certificate(use, generation) }));
    return [...list('root'), ...list('seal'), ...list('node')];
  }

  /** What changes whenever a file of the store does; looking is cheap. */
  stamp(): string {
    return readdirSync(this.dir)
      .filter((name) => !name.endsWith('.new'))
      .sort()
      .map((name) => {
        const { ino, size, mtimeMs } = statSync(this.path(name), { throwIfNoEntry: false }) ?? {};
        return `${name} ${ino} ${size} ${mtimeMs}`;
      })
      .join('\n');
  }

  /** @throws GatewayError KEY_UNUSABLE, CERTIFICATE_MALFORMED, CRL_MALFORMED */
  load(): KeyRing {
    if (!this.exists) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-keys', dir: this.dir });
    const roots = this.generations('root');
    return new KeyRing({
      nodeId: this.identity().nodeId,
      roots: roots.map((generation) => this.certificate('root', generation)),
      seals: this.generations('seal').map((generation) => this.leaf('seal', generation).signer),
      nodes: this.generations('node').map((generation) => this.leaf('node', generation)),
      logs: this.generations('log').map((generation) => this.logKey(generation)),
      retiredLogs: this.retiredLogs(),
      crls: roots.flatMap((generation) => this.crl(generation) ?? []),
      sessionSecret: Buffer.from(this.read('session.key').trim(), 'hex'),
      dataKeys: this.dataGenerations().map((generation) => this.readDataKey(dataFile(generation))),
      actSecret: existsSync(this.path(actSecretFile))
        ? Buffer.from(this.read(actSecretFile).trim(), 'hex')
        : Buffer.alloc(0),
    });
  }

  private async addRoot(now: Date, authority: string): Promise<number> {
    const name = rootName(authority, this.newest('root') + 1);
    const pair = await createRoot(name, validity(now, rootYears), serial());
    const generation = this.claim('root', (n) => keyFile('root', n), pair.privateKeyPem);
    this.writeFile(certFile('root', generation), pair.certificatePem);
    return generation;
  }

  private addPair(use: 'seal' | 'node', pair: KeyAndCertificate): Certificate {
    const generation = this.claim(use, (n) => keyFile(use, n), pair.privateKeyPem);
    this.writeFile(certFile(use, generation), pair.certificatePem);
    return Certificate.parse(pair.certificatePem);
  }

  private importPair(use: 'seal' | 'node', container: Uint8Array, passphrase: string): Certificate {
    const pair = readPkcs12(container, passphrase);
    const { algorithm, certificate } = Signer.fromPem(pair.privateKeyPem, pair.certificatePem);
    if (use === 'node' && algorithm !== 'ES256') {
      throw new GatewayError('KEY_UNUSABLE', { reason: 'node-keys-are-p256' });
    }
    const generation = this.claim(use, (n) => `${stem(use, n)}.p12.pass`, `${passphrase}\n`);
    this.writeFile(`${stem(use, generation)}.p12`, container);
    return certificate;
  }

  private async renewCrl(generation: number, root: KeyAndCertificate, now: Date, days?: number): Promise<Crl> {
    const before = this.crl(generation);
    const life = before ? (before.nextUpdate.getTime() - before.thisUpdate.getTime()) / day : crlDays;
    const revoked = this.revocations().filter((entry) => entry.root === generation);
    return this.writeCrl(generation, root, (before?.number ?? 0) + 1, revoked, listed(now, days ?? life));
  }

  private async writeCrl(
    generation: number,
    root: KeyAndCertificate,
    number: number,
    revoked: readonly RecordedRevocation[],
    { notBefore, notAfter }: Validity,
  ): Promise<Crl> {
    const der = await issueCrl(root, {
      number,
      thisUpdate: notBefore,
      nextUpdate: notAfter,
      revoked: revoked.map(({ revokedAt, ...entry }) => ({ ...entry, at: new Date(revokedAt) })),
    });
    this.writeFile(crlFile(generation), der);
    return Crl.parse(der);
  }

  private revocations(): RecordedRevocation[] {
    return existsSync(this.path(revocationsFile))
      ? (JSON.parse(this.read(revocationsFile)) as RecordedRevocation[])
      : [];
  }

  private crl(generation: number): Crl | null {
    const file = this.path(crlFile(generation));
    return existsSync(file) ? Crl.parse(readFileSync(file)) : null;
  }

  private issuerOf(serialNumber: string): number {
    const roots = this.generations('root');
    const found = roots.find((root) => this.issuedUnder(root).some((s) => s.certificate.serial === serialNumber));
    // A certificate that was handed out, a person's say, is not here; with one root there is no doubt whose it is.
    const generation = found ?? (roots.length === 1 ? roots[0] : undefined);
    if (generation === undefined) throw new GatewayError('KEY_UNUSABLE', { reason: 'serial-unknown', serialNumber });
    return generation;
  }

  private issuedUnder(root: number): StoredCertificate[] {
    const issuer = this.certificate('root', root);
    return this.certificates().filter(
      ({ use, certificate }) =>
        use !== 'root' && certificate.issuer === issuer.subject && certificate.x509.verify(issuer.publicKey),
    );
  }

  /** Who this is, from what was made first: the first node certificate has a URN, the newest root the name of today. */
  private identity(): { nodeId: string; authority: string } {
    const urn = Certificate.parse(this.read(certFile('node', 1))).urn ?? '';
    const { O: authority } = this.certificate('root', this.newest('root')).x509.toLegacyObject().subject;
    return { nodeId: urn.slice(nodeUrn('').length), authority: String(authority) };
  }

  private hosts(): string[] {
    const own = this.generations('node').map((generation) => this.certificate('node', generation));
    const names = own.find((certificate) => certificate.urn !== null)?.x509.subjectAltName ?? '';
    return names.split(', ').flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? []);
  }

  private origin(): string {
    return logOrigin(this.identity().nodeId);
  }

  private rootPair(generation: number): KeyAndCertificate {
    const file = keyFile('root', generation);
    if (!existsSync(this.path(file))) {
      const remedy = `put ${file} back into ${this.dir} (mode 0600), do this again, and take it away`;
      throw new GatewayError('KEY_UNUSABLE', { reason: 'root-key-not-here', file, remedy });
    }
    return { privateKeyPem: this.read(file), certificatePem: this.read(certFile('root', generation)) };
  }

  private leaf(use: 'seal' | 'node', generation: number): NodeKey {
    const pair = this.hasContainer(use, generation)
      ? this.openContainer(use, generation)
      : { privateKeyPem: this.read(keyFile(use, generation)), certificatePem: this.read(certFile(use, generation)) };
    return { signer: Signer.fromPem(pair.privateKeyPem, pair.certificatePem), keyPem: pair.privateKeyPem };
  }

  private certificate(use: StoredCertificate['use'], generation: number): Certificate {
    if (use !== 'root' && this.hasContainer(use, generation)) return this.leaf(use, generation).signer.certificate;
    return Certificate.parse(this.read(certFile(use, generation)));
  }

  /** What a certification authority delivered goes before what was made here under the same number. */
  private hasContainer(use: string, generation: number): boolean {
    return existsSync(this.path(`${stem(use, generation)}.p12`));
  }

  private openContainer(use: string, generation: number): KeyAndCertificate {
    const file = `${stem(use, generation)}.p12`;
    try {
      return readPkcs12(readFileSync(this.path(file)), this.read(`${file}.pass`).replace(/\r?\n$/, ''));
    } catch (cause) {
      throw hasCode(cause) ? new GatewayError(cause.code, { ...cause.params, file }, { cause }) : cause;
    }
  }

  private logKey(generation: number): NoteSigner {
    return noteSigner(this.origin(), readKey(this.read(keyFile('log', generation)), createPrivateKey));
  }

  private dataGenerations(): number[] {
    return this.numbers(/^data(?:-([0-9]+))?\.key$/);
  }

  private readDataKey(file: string): DataKey {
    const secret = this.read(file).trim();
    if (!/^[0-9a-f]{64}$/.test(secret)) throw new GatewayError('KEY_UNUSABLE', { reason: 'unreadable', file });
    return dataKey(Buffer.from(secret, 'hex'));
  }

  private retiredLogs(): NoteKey[] {
    return this.numbers(/^log(?:-([0-9]+))?\.pub\.pem$/).map((generation) => {
      const publicKey = readKey(this.read(`${stem('log', generation)}.pub.pem`), createPublicKey);
      return noteKey(this.origin(), publicKey);
    });
  }

  private newest(use: StoredCertificate['use']): number {
    const [generation] = this.generations(use);
    if (generation === undefined) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-keys', dir: this.dir });
    return generation;
  }

  /** Generations that are complete, newest first. */
  private generations(use: StoredCertificate['use'] | 'log'): number[] {
    if (use === 'log') return this.numbers(/^log(?:-([0-9]+))?\.key\.pem$/);
    return this.numbers(new RegExp(`^${use}(?:-([0-9]+))?\\.(?:cert\\.pem|p12)$`));
  }

  private numbers(pattern: RegExp): number[] {
    const found = readdirSync(this.dir)
      .map((name) => pattern.exec(name))
      .filter((match) => match !== null)
      .map((match) => Number(match[1] ?? 1));
    return [...new Set(found)].sort((a, b) => b - a);
  }

  /** Takes the next free number by making a file that must not be there: of two at once, each gets its own. */
  private claim(use: string, nameOf: (generation: number) => string, content: string): number {
    const taken = this.numbers(new RegExp(`^${use}(?:-([0-9]+))?\\..*(?<!\\.new)$`));
    for (let generation = (taken[0] ?? 0) + 1; ; generation++) {
      if (this.createFile(nameOf(generation), content)) return generation;
    }
  }

  private writePair(name: string, pair: KeyAndCertificate): void {
    this.writeFile(`${name}.key.pem`, pair.privateKeyPem);
    this.writeFile(`${name}.cert.pem`, pair.certificatePem);
  }

  private writeFile(name: string, content: string | Uint8Array): void {
    const target = this.path(name);
    renameSync(this.written(target, content), target);
    this.syncDirectory();
    step('keys', name);
  }

  /** False if there is one already. */
  private createFile(name: string, content: string): boolean {
    const target = this.path(name);
    const temporary = this.written(target, content);
    try {
      linkSync(temporary, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    } finally {
      unlinkSync(temporary);
    }
    this.syncDirectory();
    step('keys', name);
    return true;
  }

  private written(target: string, content: string | Uint8Array): string {
    const temporary = `${target}.${process.pid}.new`;
    const file = openSync(temporary, 'w', 0o600);
    writeSync(file, content as Uint8Array);
    fsyncSync(file);
    closeSync(file);
    return temporary;
  }

  /** A rename or link is on the disk when its directory is. */
  private syncDirectory(): void {
    const directory = openSync(this.dir, 'r');
    fsyncSync(directory);
    closeSync(directory);
  }

  private read(name: string): string {
    try {
      return readFileSync(this.path(name), 'utf8');
    } catch (cause) {
      throw new GatewayError('KEY_UNUSABLE', { reason: 'unreadable', file: name }, { cause });
    }
  }

  private path(name: string): string {
    return join(this.dir, name);
  }
}

/** A store's keys as they are now, for a process that goes on while people change them. */
export class LiveKeys {
  private stamp: string;
  private ring: KeyRing;

  /** @throws GatewayError KEY_UNUSABLE, CERTIFICATE_MALFORMED, CRL_MALFORMED */
  constructor(private readonly store: KeyStore) {
    this.stamp = store.exists ? store.stamp() : '';
    this.ring = store.load();
  }

  get current(): KeyRing {
    return this.ring;
  }

  /**
   * Reads the files again if one of them has changed.
   * @throws GatewayError as the constructor; the keys from before stay
   */
  refresh(): void {
    // Taken before reading: what changes meanwhile is seen the next time.
    const stamp = this.store.stamp();
    if (stamp === this.stamp) return;
    this.ring = this.store.load();
    this.stamp = stamp;
  }
}

const stem = (use: string, generation: number): string => (generation === 1 ? use : `${use}-${generation}`);
const keyFile = (use: string, generation: number): string => `${stem(use, generation)}.key.pem`;
const certFile = (use: string, generation: number): string => `${stem(use, generation)}.cert.pem`;
const dataFile = (generation: number): string => `${stem('data', generation)}.key`;
const crlFile = (root: number): string => `${stem('crl', root)}.der`;

/** Begins a day before issue, so that a clock that is behind does not refuse a new certificate. */
const validity = (now: Date, years: number): Validity => ({
  notBefore: new Date(now.getTime() - day),
  notAfter: new Date(now.getTime() + years * 365 * day),
});

const listed = (now: Date, days: number): Validity => ({
  notBefore: now,
  notAfter: new Date(now.getTime() + days * day),
});

/** Generations of a root have different names: tools that look issuers up by name find the right one. */
const rootName = (authority: string, generation: number) => ({
  organisation: authority,
  commonName: `${authority}根证书${generation === 1 ? '' : ` G${generation}`}`,
});

const sealRequest = (node: string, authority: string, within: Validity) => ({
  use: 'seal' as const,
  name: { organisation: authority, commonName: `${authority}电子印章` },
  urn: sealUrn(node),
  validity: within,
  serial: serial(),
});

const nodeRequest = (node: string, authority: string, hosts: readonly string[], within: Validity) => ({
  use: 'node' as const,
  name: { organisation: authority, commonName: node },
  urn: nodeUrn(node),
  hosts,
  validity: within,
  serial: serial(),
});

const officerRequest = (
  { nodeId, authority }: { nodeId: string; authority: string },
  { name, certNo }: Officer,
  now: Date,
) => ({
  use: 'officer' as const,
  name: { organisation: authority, commonName: name },
  urn: officerUrn(nodeId, certNo),
  certNo,
  validity: validity(now, leafYears),
  serial: serial(),
});

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

function readKey(pem: string, read: (pem: string) => KeyObject): KeyObject {
  try {
    return read(pem);
  } catch (cause) {
    throw new GatewayError('KEY_UNUSABLE', { reason: 'unreadable' }, { cause });
  }
}

/** A positive certificate serial of 16 random bytes (RFC 5280 §4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}
