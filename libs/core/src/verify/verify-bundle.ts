import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Agreement } from '../agreement/agreement';
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
import { type Certificate, checkChain } from '../keys/certificate';
import { sealUrn } from '../names';
import { trustedParty } from '../trust';
import { type CertificateFacts, type FileFacts, Findings } from './report';

const chunkBytes = 64 * 1024;
const maxSignatureBytes = 64 * 1024;
/** A seal may carry a time this far ahead of the verifier's clock. */
const skewMs = 5 * 60_000;

/**
 * Checks a sealed container from anyone, file by file in 64 KiB chunks.
 * @param agreement whose parties may have sealed it; null leaves the signer unchecked
 * @param now the verifier's clock, for seals dated in the future and certificates that have run out since
 */
export async function verifyBundle(
  file: string,
  source: ByteSource,
  agreement: Agreement | null,
  now: Date,
): Promise<Findings> {
  const findings = new Findings(file, 'bundle');
  let entries: StoredEntry[];
  try {
    entries = await readZip(source);
    findings.pass('container.layout', { entries: entries.length });
  } catch (error) {
    findings.fail('container.layout', ...reasonOf(error));
    return findings;
  }
  await checkMimetype(findings, source, entries);

  const manifest = await readPart(source, entries[1], manifestName, bundleLimits.maxManifestBytes);
  const signature = await readPart(source, entries[2], signatureName, maxSignatureBytes);
  if (!manifest) findings.fail('manifest.form', 'absent');
  else {
    findings.facts.digest = digestOf(manifest);
    if (!signature) findings.fail('seal.form', 'absent');
    else checkSeal(findings, manifest, signature, agreement, now);
  }
  const refs = manifest ? readManifest(findings, manifest) : [];
  await checkContents(findings, source, entries, refs);
  return findings;
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

function checkSeal(
  findings: Findings,
  manifest: Buffer,
  signature: Buffer,
  agreement: Agreement | null,
  now: Date,
): void {
  let cades: Cades;
  try {
    cades = verifyCades(manifest, signature);
    findings.pass('seal.form');
    findings.pass('seal.signature');
  } catch (error) {
    const [reason, params] = reasonOf(error);
    if (!(error instanceof GatewayError) || error.code === 'BUNDLE_MALFORMED') {
      findings.fail('seal.form', reason, params);
      return;
    }
    findings.pass('seal.form');
    if (error.code === 'CERTIFICATE_MALFORMED') findings.fail('seal.certificate', 'malformed');
    else findings.fail(reason === 'signing-certificate' ? 'seal.certificate' : 'seal.signature', reason, params);
    return;
  }
  const { signer, signingTime } = cades;
  findings.facts.signer = certificateFacts(signer);
  findings.facts.signedAt = signingTime.toISOString();
  checkSigner(findings, cades, agreement);
  if (signingTime.getTime() > now.getTime() + skewMs) findings.fail('seal.time', 'in-the-future');
  else findings.pass('seal.time', { signedAt: signingTime.toISOString() });
  // Without a trusted time-stamp a certificate that has run out can't prove when it was used.
  if (now > signer.notAfter) {
    findings.fail('seal.still-valid', 'expired-since', { notAfter: signer.notAfter.toISOString() });
  }
}

function checkSigner(findings: Findings, { signer, signingTime }: Cades, agreement: Agreement | null): void {
  if (signingTime < signer.notBefore || signingTime > signer.notAfter) {
    findings.fail('seal.certificate', signingTime < signer.notBefore ? 'NOT_YET_VALID' : 'EXPIRED');
  }
  if (!agreement) {
    findings.unchecked('seal.signer', 'no-trust');
    if (!findings.has('seal.certificate')) findings.unchecked('seal.certificate', 'no-trust');
    return;
  }
  const node = signer.urn?.startsWith(sealUrn('')) ? signer.urn.slice(sealUrn('').length) : '';
  const party = trustedParty(agreement.trust, node);
  if (!party) {
    findings.fail('seal.signer', 'not-a-party');
    return;
  }
  const problem = checkChain(signer, party.anchors, signingTime, 'seal', sealUrn(party.node));
  if (problem?.code === 'UNKNOWN_ISSUER') {
    findings.fail('seal.signer', problem.code, { node });
    return;
  }
  findings.pass('seal.signer', { node, authority: party.authority });
  if (findings.facts.signer) findings.facts.signer.authority = party.authority;
  if (findings.has('seal.certificate')) return;
  if (problem) findings.fail('seal.certificate', problem.code);
  else findings.pass('seal.certificate');
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
