import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Certificate, createDemonstrationAuthority, GatewayError, Signer } from '@jieqiao/core';

export interface TimestampKeys {
  signer: Signer;
  /** What an agreement names. */
  root: Certificate;
}

const day = 86_400_000;
const years = 10;
const pemBlock = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n?/g;

/**
 * The keys of the embedded time-stamping authority: `tsa.pem` (key, certificate, root) and `tsa-root.cert.pem` for
 * people, mode 0600, made on first use.
 * @throws GatewayError KEY_UNUSABLE, CERTIFICATE_MALFORMED
 */
export async function openTimestampKeys(dir: string, node: string, now: Date): Promise<TimestampKeys> {
  const path = join(dir, 'tsa.pem');
  const text = readIfThere(path) ?? (await create(path, node, now));
  const [key, certificate, root] = [...text.matchAll(pemBlock)].map(([block]) => block);
  if (!key || !certificate || !root) throw new GatewayError('KEY_UNUSABLE', { reason: 'unreadable', file: 'tsa.pem' });
  // Follows from the other file, so that a crash between the two is made good here.
  const rootPath = join(dir, 'tsa-root.cert.pem');
  if (readIfThere(rootPath) !== root) renameSync(draft(rootPath, root), rootPath);
  return { signer: Signer.fromPem(key, certificate), root: Certificate.parse(root) };
}

/** Of two processes that start at once, the first one's keys stay: a file is linked to its name whole or not at all. */
async function create(path: string, node: string, now: Date): Promise<string> {
  const validity = { notBefore: new Date(now.getTime() - day), notAfter: new Date(now.getTime() + years * 365 * day) };
  const { authority, rootPem } = await createDemonstrationAuthority(node, validity);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const made = draft(path, `${authority.privateKeyPem}${authority.certificatePem}${rootPem}`);
  try {
    linkSync(made, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(made);
  }
  return readFileSync(path, 'utf8');
}

/** A synced file under a name of its own. */
function draft(path: string, text: string): string {
  const name = `${path}.${randomBytes(8).toString('hex')}.new`;
  const file = openSync(name, 'wx', 0o600);
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  return name;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new GatewayError('KEY_UNUSABLE', { reason: 'unreadable', file: basename(path) }, { cause });
  }
}
