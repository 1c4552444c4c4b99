import { crc32 } from 'node:zlib';
import { type Digest, digestFromRaw, digestOf, fromBase64, rawDigest } from '../encoding';
import { GatewayError } from '../errors';
import { type ChainProblem, checkChain, type Revocation } from '../keys/chain';
import type { Signer } from '../keys/signer';
import type { Anchor } from '../trust';
import { type Cades, signCades, verifyCades } from './cades';
import { foldName, nameProblem } from './names';
import { planZip, type ZipEntry, type ZipPlan } from './zip';

export const bundleMediaType = 'application/vnd.etsi.asic-e+zip';
export const mimetypeName = 'mimetype';
export const manifestName = 'META-INF/ASiCManifest.xml';
export const signatureName = 'META-INF/signature.p7s';

/** A file as the manifest names it. */
export interface BundleFileRef {
  /** One of `fixedNames`, `documents/<name>` or `evidence/<name>`. */
  name: string;
  mediaType: string;
  digest: Digest;
}

/** A file with what its container needs to know of it, all from the one pass over its bytes at upload. */
export interface BundleFile extends BundleFileRef {
  bytes: number;
  /** As `zlib.crc32` gives it. */
  crc32: number;
  /** The bytes, for the small parts that are made on the spot. */
  content?: Buffer;
}

export interface BundleLimits {
  maxFiles: number;
  maxNameBytes: number;
  maxManifestBytes: number;
}

export const bundleLimits: BundleLimits = { maxFiles: 2_000, maxNameBytes: 255, maxManifestBytes: 4 * 1024 * 1024 };

/** What is signed and sent; the container is a rendering of it and of the files. */
export interface SealedBundle {
  manifest: Buffer;
  signature: Buffer;
  /** Of the manifest: the bundle's name everywhere. */
  digest: Digest;
}

/** A bundle's file made of bytes at hand. */
export function bundleFile(name: string, mediaType: string, content: Buffer): BundleFile {
  return { name, mediaType, digest: digestOf(content), bytes: content.length, crc32: crc32(content), content };
}

/**
 * Writes the manifest over the files, in any order given, and seals it.
 * @throws GatewayError BUNDLE_MALFORMED for no files, too many, or a name or media type that may not stand in a bundle
 */
export function sealBundle(
  files: readonly BundleFileRef[],
  signer: Signer,
  signingTime: Date,
  limits: BundleLimits = bundleLimits,
): SealedBundle {
  const manifest = manifestOf([...files].sort(byName));
  parseManifest(manifest, limits);
  return { manifest, signature: signCades(manifest, signer, signingTime), digest: digestOf(manifest) };
}

/**
 * Reads a manifest in exactly the form that `sealBundle` writes, from anyone. Not an XML parser: whatever is not our
 * form, entities and processing instructions included, cannot be expressed and is refused.
 * @throws GatewayError BUNDLE_MALFORMED with a `reason`
 */
export function parseManifest(bytes: Uint8Array, limits: BundleLimits = bundleLimits): BundleFileRef[] {
  if (bytes.length > limits.maxManifestBytes) throw malformed('too-large');
  const manifest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = manifest.toString('latin1');
  if (!text.startsWith(manifestHead)) throw malformed('form');
  const files: BundleFileRef[] = [];
  reference.lastIndex = manifestHead.length;
  for (let match = reference.exec(text); match; match = reference.exec(text)) {
    if (files.length === limits.maxFiles) throw malformed('too-many-files');
    const [, uri, mediaType, base64] = match;
    const name = decodeUri(uri!);
    const digest = fromBase64(base64!);
    if (name === null || digest === null) throw malformed('form', files.length);
    files.push({ name, mediaType: mediaType!, digest: digestFromRaw(digest) });
  }
  // Shuts out whatever stands between or after the references, and every other spelling of them.
  if (!manifestOf(files).equals(manifest)) throw malformed('form');
  checkFiles(files, limits);
  return files;
}

export interface Seal extends Cades {
  /** Why the signer is not to be believed, or null. */
  problem: ChainProblem | null;
}

/**
 * Checks the seal over a manifest. A break in the signature is thrown; what is wrong with the signer is a value, since
 * "sound but by a stranger" is an answer of its own.
 * @param at the moment for which certificates must be valid; `signing-time` is the signer's own claim
 * @param urn the name that the signer's certificate must carry
 * @throws GatewayError as `verifyCades` does
 */
export function verifySeal(
  manifest: Uint8Array,
  signature: Uint8Array,
  anchors: readonly Anchor[],
  at: 'signing-time' | Date,
  urn?: string,
  revocation?: Revocation,
): Seal {
  const cades = verifyCades(manifest, signature);
  const moment = at === 'signing-time' ? cades.signingTime : at;
  return { ...cades, problem: checkChain(cades.signer, anchors, moment, 'seal', urn, revocation) };
}

/**
 * Lays out the container: `mimetype`, manifest, signature, then the files in the manifest's order.
 * @throws GatewayError BUNDLE_FILE_MISSING when `files` are not those of the manifest, digest for digest
 */
export function planBundle(
  sealed: Pick<SealedBundle, 'manifest' | 'signature'>,
  files: readonly BundleFile[],
): ZipPlan {
  const byFileName = new Map(files.map((file) => [file.name, file]));
  const refs = parseManifest(sealed.manifest);
  if (byFileName.size !== files.length || files.length !== refs.length) {
    throw new GatewayError('BUNDLE_FILE_MISSING', { expected: refs.length, got: files.length });
  }
  const entries: ZipEntry[] = refs.map(({ name, digest }, index) => {
    const file = byFileName.get(name);
    if (file?.digest !== digest) throw new GatewayError('BUNDLE_FILE_MISSING', { file: index, digest });
    return file;
  });
  return planZip([
    inline(mimetypeName, Buffer.from(bundleMediaType, 'latin1')),
    inline(manifestName, sealed.manifest),
    inline(signatureName, sealed.signature),
    ...entries,
  ]);
}

function inline(name: string, content: Buffer): ZipEntry {
  return { name, bytes: content.length, crc32: crc32(content), content };
}

const manifestHead = `<?xml version="1.0" encoding="UTF-8"?>
<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
<asic:SigReference URI="${signatureName}" MimeType="application/pkcs7-signature"/>
`;
const manifestTail = '</asic:ASiCManifest>\n';
const digestMethod = '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>';
/** Quantifiers are bounded and their classes exclude what follows them: no backtracking. */
const reference = new RegExp(
  '<asic:DataObjectReference URI="([^"\\n]{1,1024})" MimeType="([^"\\n]{1,128})">' +
    `${digestMethod}<ds:DigestValue>([A-Za-z0-9+/]{43}=)</ds:DigestValue></asic:DataObjectReference>\\n`,
  'y',
);
/** Also free of whatever XML or a log line would need escaping for. */
const mediaTypePattern = /^[a-z0-9][a-z0-9.+-]{0,62}\/[a-z0-9][a-z0-9.+-]{0,63}$/;

function manifestOf(files: readonly BundleFileRef[]): Buffer {
  const references = files.map(
    ({ name, mediaType, digest }) =>
      `<asic:DataObjectReference URI="${encodeUri(name)}" MimeType="${mediaType}">` +
      `${digestMethod}<ds:DigestValue>${rawDigest(digest).toString('base64')}</ds:DigestValue>` +
      '</asic:DataObjectReference>\n',
  );
  return Buffer.from(manifestHead + references.join('') + manifestTail, 'latin1');
}

/** RFC 3986 path: UTF-8, percent-encoded, so that the manifest is ASCII and nothing in it needs XML escaping. */
function encodeUri(name: string): string {
  if (/\p{Surrogate}/u.test(name)) throw malformed('name-character');
  return name.split('/').map(encodeURIComponent).join('/');
}

function decodeUri(uri: string): string | null {
  try {
    return decodeURIComponent(uri);
  } catch {
    return null;
  }
}

function checkFiles(files: readonly BundleFileRef[], limits: BundleLimits): void {
  if (files.length === 0) throw malformed('no-files');
  const seen = new Set<string>();
  let before: BundleFileRef | undefined;
  for (const [i, file] of files.entries()) {
    const problem = bundleNameProblem(file.name, limits.maxNameBytes);
    if (problem) throw malformed(`name-${problem}`, i);
    if (!mediaTypePattern.test(file.mediaType)) throw malformed('media-type', i);
    const fold = foldName(file.name);
    if (seen.has(fold)) throw malformed('name-twice', i);
    seen.add(fold);
    if (before && byName(before, file) >= 0) throw malformed('order', i);
    before = file;
  }
}

const fixedNames: ReadonlySet<string> = new Set([
  'transfer.json',
  'custody.json',
  'recognition.json',
  'document.json',
  'filing.tlog-proof',
]);
const folderPattern = /^(documents|evidence)\/[^/]+$/;

/** Why a name may not stand in a bundle, or null: for telling a person before anything is sealed. */
export function bundleNameProblem(name: string, maxNameBytes: number = bundleLimits.maxNameBytes): string | null {
  const problem = nameProblem(name, maxNameBytes);
  if (problem) return problem;
  return fixedNames.has(name) || folderPattern.test(name) ? null : 'place';
}

/** By the UTF-8 bytes, which no locale changes. */
function byName(a: BundleFileRef, b: BundleFileRef): number {
  return Buffer.compare(Buffer.from(a.name, 'utf8'), Buffer.from(b.name, 'utf8'));
}

function malformed(reason: string, file?: number): GatewayError {
  return new GatewayError('BUNDLE_MALFORMED', { part: 'manifest', reason, file });
}
