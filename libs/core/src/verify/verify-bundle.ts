import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  type BundleFileRef,
  bundleLimits,
  bundleMediaType,
  manifestName,
  mimetypeName,
  parseManifest,
  signatureName,
} from '../bundle/asic';
import { type Cades, verifyCades } from '../bundle/cades';
import { type ByteSource, readZip, type StoredEntry } from '../bundle/zip';
import { type Digest, digestOf } from '../encoding';
import { GatewayError } from '../errors';
import type { Certificate } from '../keys/certificate';
import { type CertificateFacts, type FileFacts, Findings } from './report';

const chunkBytes = 64 * 1024;
const maxSignatureBytes = 64 * 1024;
/** A seal may carry a time this far ahead of the verifier's clock. */
const skewMs = 5 * 60_000;

export interface VerifiedBundle {
  findings: Findings;
  /** Null when there is none whose signature holds. */
  seal: Cades | null;
}

/**
 * Checks a sealed container from anyone, file by file in 64 KiB chunks. Whose seal it is, `judgeSeal` says.
 * @param now the verifier's clock, for seals dated in the future
 */
export async function verifyBundle(file: string, source: ByteSource, now: Date): Promise<VerifiedBundle> {
  const findings = new Findings(file, 'bundle');
  let entries: StoredEntry[];
  try {
    entries = await readZip(source);
    findings.pass('container.layout', { entries: entries.length });
  } catch (error) {
    findings.fail('container.layout', ...reasonOf(error));
    return { findings, seal: null };
  }
  await checkMimetype(findings, source, entries);

  const manifest = await readPart(source, entries[1], manifestName, bundleLimits.maxManifestBytes);
  const signature = await readPart(source, entries[2], signatureName, maxSignatureBytes);
  let seal: Cades | null = null;
  if (!manifest) findings.fail('manifest.form', 'absent');
  else {
    findings.facts.digest = digestOf(manifest);
    if (!signature) findings.fail('seal.form', 'absent');
    else seal = checkSeal(findings, manifest, signature, now);
  }
  const refs = manifest ? readManifest(findings, manifest) : [];
  await checkContents(findings, source, entries, refs);
  return { findings, seal };
}

async function checkMimetype(findings: Findings, source: ByteSource, entries: StoredEntry[]): Promise<void> {
  const content = await readPart(source, entries[0], mimetypeName, 256);
  if (content?.toString('latin1') === bundleMediaType) findings.pass('container.mimetype', { type: bundleMediaType });
  else findings.fail('container.mimetype', content ? 'other-type' : 'not-first');
}

/** One of the three parts with a fixed place, or null when it is not there or too large to be one. */
async function readPart(
  source: ByteSource,
  entry: StoredEntry | undefined,
  name: string,
  maxBytes: number,
): Promise<Buffer | null> {
  if (entry?.name !== name || entry.bytes > maxBytes) return null;
  return source.read(entry.offset, entry.bytes);
}

function readManifest(findings: Findings, manifest: Buffer): BundleFileRef[] {
  try {
    const refs = parseManifest(manifest);
    findings.pass('manifest.form', { files: refs.length });
    return refs;
  } catch (error) {
    findings.fail('manifest.form', ...reasonOf(error));
    return [];
  }
}

function checkSeal(findings: Findings, manifest: Buffer, signature: Buffer, now: Date): Cades | null {
  let cades: Cades;
  try {
    cades = verifyCades(manifest, signature);
    findings.pass('seal.form');
    findings.pass('seal.signature');
  } catch (error) {
    const [reason, params] = reasonOf(error);
    if (!(error instanceof GatewayError) || error.code === 'BUNDLE_MALFORMED') {
      findings.fail('seal.form', reason, params);
      return null;
    }
    findings.pass('seal.form');
    if (error.code === 'CERTIFICATE_MALFORMED') findings.fail('seal.certificate', reason, params);
    else findings.fail(reason === 'signing-certificate' ? 'seal.certificate' : 'seal.signature', reason, params);
    return null;
  }
  const signedAt = cades.signingTime.toISOString();
  findings.facts.signer = certificateFacts(cades.signer);
  findings.facts.signedAt = signedAt;
  if (cades.signingTime.getTime() > now.getTime() + skewMs) findings.fail('seal.time', 'in-the-future');
  else findings.pass('seal.time', { signedAt });
  return cades;
}

/** Reads every body once: its digest against the manifest, its CRC against the directory. */
async function checkContents(
  findings: Findings,
  source: ByteSource,
  entries: StoredEntry[],
  refs: readonly BundleFileRef[],
): Promise<void> {
  const manifest = new Map(refs.map((ref) => [ref.name, ref]));
  const files: FileFacts[] = [];
  const wrongChecksums: string[] = [];
  const strangers: string[] = [];
  for (const [i, entry] of entries.entries()) {
    const { digest, checksum } = await hashEntry(source, entry);
    if (checksum !== entry.crc32) wrongChecksums.push(entry.name);
    if (i < 3) continue;
    const ref = manifest.get(entry.name);
    if (!ref) {
      strangers.push(entry.name);
      continue;
    }
    manifest.delete(entry.name);
    files.push({ name: entry.name, mediaType: ref.mediaType, bytes: entry.bytes, digest });
    if (digest === ref.digest) findings.pass('file.digest', { name: entry.name, digest });
    else findings.fail('file.digest', 'differs', { name: entry.name, expected: ref.digest, digest });
  }
  findings.facts.files = files;
  if (wrongChecksums.length === 0) findings.pass('container.checksum');
  else findings.fail('container.checksum', 'differs', { name: wrongChecksums[0]!, files: wrongChecksums.length });
  checkCompleteness(findings, entries, refs, { missing: [...manifest.keys()], strangers });
}

function checkCompleteness(
  findings: Findings,
  entries: StoredEntry[],
  refs: readonly BundleFileRef[],
  { missing, strangers }: { missing: string[]; strangers: string[] },
): void {
  if (refs.length === 0) return;
  const inOrder = refs.every((ref, i) => entries[i + 3]?.name === ref.name);
  if (missing.length > 0) {
    findings.fail('manifest.complete', 'missing', { name: missing[0]!, files: missing.length });
  } else if (strangers.length > 0) {
    findings.fail('manifest.complete', 'unreferenced', { name: strangers[0]!, files: strangers.length });
  } else if (!inOrder) findings.fail('manifest.complete', 'order');
  else findings.pass('manifest.complete', { files: refs.length });
}

async function hashEntry(source: ByteSource, entry: StoredEntry): Promise<{ digest: Digest; checksum: number }> {
  const hasher = createHash('sha256');
  let checksum = 0;
  for (let at = 0; at < entry.bytes; at += chunkBytes) {
    const chunk = await source.read(entry.offset + at, Math.min(chunkBytes, entry.bytes - at));
    hasher.update(chunk);
    checksum = crc32(chunk, checksum);
  }
  return { digest: `sha256:${hasher.digest('hex')}`, checksum };
}

export function certificateFacts(certificate: Certificate): CertificateFacts {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    serial: certificate.serial,
    fingerprint: certificate.fingerprint,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    urn: certificate.urn,
  };
}

/**
 * The refusal of a parser as an answer. Anything but a `GatewayError` is a failure to read or a fault of ours, not of
 * the file, and goes on up: it must not be told as a verdict.
 */
export function reasonOf(error: unknown): [reason: string, params: Record<string, string | number>] {
  if (!(error instanceof GatewayError)) throw error;
  const { reason, ...others } = error.params;
  const params: Record<string, string | number> = { code: error.code };
  for (const [key, value] of Object.entries(others)) {
    if (typeof value === 'string' || typeof value === 'number') params[key] = value;
  }
  return [typeof reason === 'string' ? reason : error.code, params];
}
