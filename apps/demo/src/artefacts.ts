import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { manifestName, parseAgreement, readZip, signatureName, trustedParty } from '@jieqiao/core';
import type { ApiClient } from './api-client';
import { agreementFile } from './nodes';

export const verifier = join(__dirname, '../../verifier/dist/jieqiao-verify.js');

/** What a stranger needs to check one transfer: the files, by name within one directory. */
export interface Artefacts {
  dir: string;
  bundle: string;
  envelope: string;
  receipt: string;
}

export const trustName = 'agreement.json';
/** For openssl, which reads no ASiC container: manifest, signature and root, as they stand in bundle and agreement. */
export const sealNames = { manifest: 'seal/manifest.xml', signature: 'seal/signature.p7s', root: 'seal/root.pem' };

export function artefactsIn(dir: string, name: string): Artefacts {
  return { dir, bundle: `${name}.asice`, envelope: `${name}.jws`, receipt: `${name}.tlog-proof` };
}

export function areComplete({ dir, bundle, envelope, receipt }: Artefacts): boolean {
  const names = [trustName, bundle, envelope, receipt, ...Object.values(sealNames)];
  return names.every((name) => existsSync(join(dir, name)));
}

export interface Sealed {
  bundle: Buffer;
  envelope: Buffer;
  receipt: Buffer;
}

/** The three signed things of one transfer, as one side has them. */
export async function fetchSealed(client: ApiClient, transferId: string): Promise<Sealed> {
  const [bundle, envelope, receipt] = await Promise.all([
    client.download(`/transfers/${transferId}/bundle`),
    client.download(`/transfers/${transferId}/envelope`),
    client.download(`/transfers/${transferId}/receipt`),
  ]);
  return { bundle, envelope, receipt };
}

/** @param pairDir where the agreement of both nodes lies; @param sender whose seal is on the bundle */
export async function writeArtefacts(files: Artefacts, sealed: Sealed, pairDir: string, sender: string): Promise<void> {
  const agreement = readFileSync(agreementFile(pairDir));
  mkdirSync(join(files.dir, 'seal'), { recursive: true });
  const write = (name: string, content: Buffer | string): void => writeFileSync(join(files.dir, name), content);
  write(trustName, agreement);
  write(files.bundle, sealed.bundle);
  write(files.envelope, sealed.envelope);
  write(files.receipt, sealed.receipt);
  write(sealNames.manifest, await entryOf(sealed.bundle, manifestName));
  write(sealNames.signature, await entryOf(sealed.bundle, signatureName));
  const { anchors } = trustedParty(parseAgreement(agreement).trust, sender)!;
  write(sealNames.root, anchors.map(({ certificate }) => certificate.toPem()).join(''));
}

async function entryOf(bundle: Buffer, name: string): Promise<Buffer> {
  const source = {
    size: bundle.length,
    read: async (offset: number, length: number) => bundle.subarray(offset, offset + length),
  };
  const entry = (await readZip(source)).find((candidate) => candidate.name === name)!;
  return bundle.subarray(entry.offset, entry.offset + entry.bytes);
}

const repository = join(__dirname, '../../..');

/** Both commands in groups of words, each to be kept on one line; run in the directory of the files. */
export function commands({ dir, bundle, envelope, receipt }: Artefacts): { verify: string[]; openssl: string[] } {
  const { manifest, signature, root } = sealNames;
  const within = !relative(repository, dir).startsWith('..');
  return {
    verify: [
      `node ${shellWord(within ? relative(dir, verifier) : verifier)}`,
      [bundle, envelope, receipt].join(' '),
      `--trust ${trustName}`,
    ],
    openssl: [
      'openssl cms -verify -cades -binary -inform DER',
      '-purpose any',
      `-in ${signature}`,
      `-content ${manifest}`,
      `-CAfile ${root}`,
      '-out /dev/null',
    ],
  };
}

export function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

export interface FileVerdict {
  kind: string;
  verdict: string;
  /** Ids of the checks that were answered with no. */
  failed: string[];
}

/** Runs the built `jieqiao-verify`, as anybody would. */
export async function runVerifier(
  files: Artefacts,
  bundle = files.bundle,
): Promise<{ code: number; verdicts: FileVerdict[] }> {
  const names = [bundle, files.envelope, files.receipt, '--trust', trustName, '--json'];
  const { code, stdout } = await run(process.execPath, [verifier, ...names], files.dir);
  const { files: reports = [] } = (stdout === '' ? {} : JSON.parse(stdout)) as {
    files?: { kind: string; verdict: string; checks: { id: string; result: string }[] }[];
  };
  const verdicts = reports.map(({ kind, verdict, checks }) => {
    return { kind, verdict, failed: checks.filter(({ result }) => result === 'fail').map(({ id }) => id) };
  });
  return { code, verdicts };
}

/** @returns the exit code of `openssl cms -verify`, or null where there is no OpenSSL 3, the first that knows CAdES */
export async function runOpenssl({ dir }: Artefacts): Promise<number | null> {
  const { stdout } = await run('openssl', ['version'], dir);
  if (!/^OpenSSL ([3-9]|\d\d)\./.test(stdout)) return null;
  const { manifest, signature, root } = sealNames;
  const how = ['-cades', '-binary', '-inform', 'DER', '-purpose', 'any', '-out', '/dev/null'];
  const what = ['-in', signature, '-content', manifest, '-CAfile', root];
  return (await run('openssl', ['cms', '-verify', ...how, ...what], dir)).code;
}

function run(command: string, args: string[], cwd: string): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, maxBuffer: 64 << 20 }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout });
    });
  });
}
