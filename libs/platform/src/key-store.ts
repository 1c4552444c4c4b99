import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  Certificate,
  createRoot,
  GatewayError,
  issueCertificate,
  type KeyAndCertificate,
  nodeUrn,
  Signer,
  sealUrn,
} from '@jieqiao/core';
import { readPkcs12 } from './pkcs12';

export interface NewKeys {
  node: string;
  authority: string;
  /** Host names and addresses under which peers reach the node. */
  hosts: readonly string[];
  now: Date;
}

/** Everything secret that a running node needs. The root's key is not among it: it only issues certificates. */
export interface NodeKeys {
  root: Certificate;
  seal: Signer;
  node: Signer;
  tls: { key: string; cert: string };
  /** Ed25519; signs checkpoints and nothing else. */
  log: KeyObject;
  sessionSecret: Buffer;
}

const day = 86_400_000;
const rootYears = 20;
const leafYears = 2;

/** A node's keys as files of mode 0600 in one directory. */
export class KeyStore {
  constructor(private readonly dir: string) {}

  get exists(): boolean {
    return existsSync(this.path('complete'));
  }

  /** Makes all keys. Killed half-way, the next call starts over: only the last file says that all are there. */
  async create({ node, authority, hosts, now }: NewKeys): Promise<void> {
    if (this.exists) throw new GatewayError('KEY_UNUSABLE', { reason: 'keys-exist', dir: this.dir });
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    const notBefore = new Date(now.getTime() - day);
    const until = (years: number) => new Date(now.getTime() + years * 365 * day);
    const name = (what: string) => ({ organisation: authority, commonName: `${authority}${what}` });
    const root = await createRoot(name('根证书'), { notBefore, notAfter: until(rootYears) }, serial());
    const leaf = { validity: { notBefore, notAfter: until(leafYears) } };
    this.write('root', root);
    const urn = sealUrn(node);
    this.write(
      'seal',
      await issueCertificate(root, { ...leaf, use: 'seal', name: name('电子印章'), urn, serial: serial() }),
    );
    await this.renewNode(node, authority, hosts, leaf.validity);
    const log = generateKeyPairSync('ed25519').privateKey;
    this.writeFile('log.key.pem', log.export({ type: 'pkcs8', format: 'pem' }) as string);
    this.writeFile('session.key', randomBytes(32).toString('hex'));
    this.writeFile('complete', `${now.toISOString()}\n`);
  }

  /** Issues the node's certificate anew; peers accept it without a new agreement, since it comes from the same root. */
  async renewNode(
    node: string,
    authority: string,
    hosts: readonly string[],
    validity: { notBefore: Date; notAfter: Date },
  ): Promise<void> {
    const root = { privateKeyPem: this.read('root.key.pem'), certificatePem: this.read('root.cert.pem') };
    const name = { organisation: authority, commonName: node };
    const request = { use: 'node' as const, name, urn: nodeUrn(node), hosts, validity, serial: serial() };
    this.write('node', await issueCertificate(root, request));
  }

  /** @throws GatewayError KEY_UNUSABLE, CERTIFICATE_MALFORMED */
  load(): NodeKeys {
    if (!this.exists) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-keys', dir: this.dir });
    const pair = (name: string): [string, string] => [this.read(`${name}.key.pem`), this.read(`${name}.cert.pem`)];
    const [key, cert] = pair('node');
    return {
      root: Certificate.parse(this.read('root.cert.pem')),
      seal: this.loadSeal(pair),
      node: Signer.fromPem(key, cert),
      tls: { key, cert },
      log: createPrivateKey(this.read('log.key.pem')),
      sessionSecret: Buffer.from(this.read('session.key').trim(), 'hex'),
    };
  }

  /** A seal that a certification authority delivered as PKCS#12 goes before the one made here. */
  private loadSeal(pair: (name: string) => [string, string]): Signer {
    if (!existsSync(this.path('seal.p12'))) return Signer.fromPem(...pair('seal'));
    const passphrase = this.read('seal.p12.pass').replace(/\r?\n$/, '');
    const { privateKeyPem, certificatePem } = readPkcs12(readFileSync(this.path('seal.p12')), passphrase);
    return Signer.fromPem(privateKeyPem, certificatePem);
  }

  private write(name: string, pair: KeyAndCertificate): void {
    this.writeFile(`${name}.key.pem`, pair.privateKeyPem);
    this.writeFile(`${name}.cert.pem`, pair.certificatePem);
  }

  private writeFile(name: string, text: string): void {
    const target = this.path(name);
    const file = openSync(`${target}.new`, 'w', 0o600);
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    renameSync(`${target}.new`, target);
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

/** A positive certificate serial of 16 random bytes (RFC 5280 §4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}
