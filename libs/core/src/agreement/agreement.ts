import { type KeyObject, sign, verify } from 'node:crypto';
import { base64url, canonicalJson, digestOf, fromBase64url, parseCanonicalJson } from '../encoding';
import { GatewayError } from '../errors';
import type { Certificate } from '../keys/certificate';
import { type ChainProblem, checkChain } from '../keys/chain';
import type { Signer } from '../keys/signer';
import { parseVkey } from '../log/note';
import { nodePattern, sealUrn } from '../names';
import { schemaCheck } from '../schema';
import type { AgreementRef, Trust, TrustedParty } from '../trust';
import {
  type AgreementParty,
  isLogKeyOf,
  line,
  partySchema,
  readCertificate,
  readParty,
  timeAuthoritySchema,
} from './party';

export const maxAgreementBytes = 4 * 1024 * 1024;
const limits = { maxBytes: maxAgreementBytes, maxDepth: 16 };
const headerLimits = { maxBytes: 32_000, maxDepth: 3 };
const agreementType = 'jieqiao-agreement+jws';
/** As many as keys that may be due when all change: seal and log key, old and new, of every party. */
const maxSignatures = 256;

/** A time-stamp authority (RFC 3161) whose word counts between the parties. */
export interface AgreementTimeAuthority {
  name: string;
  /** Base64 of the DER of its root, or of its own certificate. */
  certificate: string;
  /** For trying out: its word is marked as such in every verdict. */
  demonstration: boolean;
}

/** The text that all parties sign. `terms` are read by the recognition rules; here they are only bounded and signed. */
export interface AgreementContent {
  schema: 'jieqiao/agreement/v1';
  id: string;
  version: number;
  /** Digest of the version before; null in version 1 only. */
  previous: string | null;
  title: string;
  effective: { from: string; to: string };
  parties: readonly AgreementParty[];
  timeAuthorities?: readonly AgreementTimeAuthority[];
  terms: Record<string, unknown>;
}

export interface AgreementFile {
  agreement: AgreementContent;
  /** `timestamp`: Base64 of an RFC 3161 token over the ASCII of `jws`. Kept here, judged where time is judged. */
  signatures: readonly { node: string; jws: string; timestamp?: string }[];
}

/** A signature that holds for the key it names. */
export interface AgreementSignature {
  node: string;
  jws: string;
  timestamp: string | null;
  /** By the party's seal: its certificate. */
  certificate: Certificate | null;
  /** By the party's log: its verifier key. */
  vkey: string | null;
  /** Whether this very text names the key as the party's. Otherwise only the version before can say whose it is. */
  current: boolean;
}

interface ReadText {
  content: AgreementContent;
  ref: AgreementRef;
  trust: Trust;
  signatures: readonly AgreementSignature[];
}

/** An agreement signed by every party. */
export interface Agreement extends ReadText {
  /** The whole file's canonical bytes, signatures included. */
  bytes: Buffer;
}

/** An agreement on its way round: the parties whose seals have signed, and those whose have not yet. */
export interface AgreementProposal extends ReadText {
  signed: readonly string[];
  missing: readonly string[];
  file: AgreementFile;
}

const contentSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'id', 'version', 'previous', 'title', 'effective', 'parties', 'terms'],
  properties: {
    schema: { const: 'jieqiao/agreement/v1' },
    id: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,79}$' },
    version: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    previous: { anyOf: [{ type: 'null' }, { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' }] },
    title: line(200),
    effective: {
      type: 'object',
      additionalProperties: false,
      required: ['from', 'to'],
      properties: { from: { type: 'string', format: 'instant' }, to: { type: 'string', format: 'instant' } },
    },
    parties: { type: 'array', minItems: 2, maxItems: 64, items: partySchema },
    timeAuthorities: { type: 'array', maxItems: 10, items: timeAuthoritySchema },
    terms: { type: 'object' },
  },
};

/** JSON Schema (draft 07) of an agreement file; `terms` are any object here. Format `instant` as in `schemaCheck`. */
export const agreementSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['agreement', 'signatures'],
  properties: {
    agreement: contentSchema,
    signatures: {
      type: 'array',
      maxItems: maxSignatures,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['node', 'jws'],
        properties: {
          node: { type: 'string', pattern: nodePattern },
          jws: { type: 'string', minLength: 1, maxLength: 32_000 },
          timestamp: { type: 'string', minLength: 4, maxLength: 64_000, pattern: '^[A-Za-z0-9+/]+={0,2}$' },
        },
      },
    },
  },
};

const checkFile = schemaCheck<AgreementFile>(agreementSchema, 'AGREEMENT_MALFORMED');
const checkForm = schemaCheck<AgreementContent>(contentSchema, 'AGREEMENT_MALFORMED');

export function agreementFileBytes(file: AgreementFile): Buffer {
  return canonicalJson(file);
}

/** One party's detached JWS (RFC 7515 Appendix F) by its seal: agreeing is an act of the authority, not of a machine. */
export function signAgreement(content: AgreementContent, seal: Signer): string {
  const x5c = [seal.certificate.raw.toString('base64')];
  return detachedJws({ alg: seal.algorithm, typ: agreementType, x5c }, content, (input) => seal.signJose(input));
}

/** The same by the party's log key (RFC 8037): shows, when that key changes, that the party holds the old and the new. */
export function signAgreementByLogKey(content: AgreementContent, logKey: KeyObject, vkey: string): string {
  return detachedJws({ alg: 'EdDSA', typ: agreementType, vkey }, content, (input) => sign(null, input, logKey));
}

function detachedJws(header: object, content: AgreementContent, signer: (input: Buffer) => Buffer): string {
  const encoded = base64url(canonicalJson(header));
  const signature = signer(Buffer.from(`${encoded}.${base64url(canonicalJson(content))}`));
  return `${encoded}..${base64url(signature)}`;
}

/** Adds a signature; one by the same key takes the place of the one before. Whether it holds, `parseProposal` says. */
export function withSignature(file: AgreementFile, node: string, jws: string, timestamp?: string): AgreementFile {
  const keyOf = (signature: { node: string; jws: string }) => `${signature.node} ${signature.jws.split('.')[0]}`;
  const added = timestamp === undefined ? { node, jws } : { node, jws, timestamp };
  const others = file.signatures.filter((signature) => keyOf(signature) !== keyOf(added));
  // Sorted by key: whoever collects the same signatures, in whatever order, has the same file.
  const signatures = [...others, added].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return { agreement: file.agreement, signatures };
}

/**
 * Checks a text that nobody has signed yet as strictly as a signed one.
 * @throws GatewayError AGREEMENT_MALFORMED
 */
export function checkContent(content: AgreementContent): AgreementContent {
  readContent(checkForm(content));
  return content;
}

/**
 * Reads an agreement file and requires every party's valid signature. The anchors that check the signatures stand in
 * the text itself: that all parties signed the same text makes it the root of trust, and a node accepts only a text
 * that its own seal has signed. Whether it may follow the version before, `checkSuccession` says.
 * @throws GatewayError AGREEMENT_MALFORMED, AGREEMENT_SIGNATURE_INVALID
 */
export function parseAgreement(bytes: Uint8Array): Agreement {
  const { missing, content, ref, trust, signatures } = parseProposal(bytes);
  if (missing.length > 0) throw invalidSignature(missing[0]!, 'missing');
  return { content, ref, trust, signatures, bytes: Buffer.from(bytes) };
}

/**
 * Reads an agreement file to which signatures may be missing; one that is there and does not hold is an error.
 * @throws GatewayError AGREEMENT_MALFORMED, AGREEMENT_SIGNATURE_INVALID
 */
export function parseProposal(bytes: Uint8Array): AgreementProposal {
  const file = checkFile(parseCanonicalJson(bytes, limits, 'AGREEMENT_MALFORMED'));
  const content = file.agreement;
  const parties = readContent(content);
  const canonical = canonicalJson(content);
  const payload = base64url(canonical);
  const keys = new Set<string>();
  const signatures = file.signatures.map((entry) => {
    const party = parties.find(({ node }) => node === entry.node);
    if (!party) throw invalidSignature(entry.node, 'not-a-party');
    const key = `${entry.node} ${entry.jws.split('.')[0]}`;
    if (keys.has(key)) throw invalidSignature(entry.node, 'twice');
    keys.add(key);
    return readSignature(entry, party, content, payload);
  });
  const sealed = new Set(signatures.filter((s) => s.certificate && s.current).map((s) => s.node));
  const nodes = parties.map(({ node }) => node);
  const ref: AgreementRef = { id: content.id, version: content.version, digest: digestOf(canonical) };
  return {
    content,
    ref,
    trust: { agreement: ref, parties, crls: [] },
    signatures,
    signed: nodes.filter((node) => sealed.has(node)),
    missing: nodes.filter((node) => !sealed.has(node)),
    file,
  };
}

/** Within its own dates. A later version may have taken its place since: `versionInForce` knows. */
export function inForce(agreement: Agreement, at: Date): boolean {
  const time = at.toISOString();
  return agreement.content.effective.from <= time && time < agreement.content.effective.to;
}

/**
 * Whether a seal certificate may sign a text for a party. It must have been good when the text took effect, or at its
 * own beginning if that is later; its later expiry leaves what was agreed standing.
 */
export function sealProblem(
  certificate: Certificate,
  party: TrustedParty,
  content: AgreementContent,
): ChainProblem | null {
  const from = new Date(content.effective.from);
  const at = certificate.notBefore > from ? certificate.notBefore : from;
  return checkChain(certificate, party.anchors, at, 'seal', sealUrn(party.node));
}

export function invalidSignature(party: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('AGREEMENT_SIGNATURE_INVALID', { party, reason }, { cause });
}

/** Everything in a text that its JSON Schema cannot say. */
function readContent(content: AgreementContent): TrustedParty[] {
  const refuse = (reason: string, party?: string, cause?: unknown): GatewayError =>
    new GatewayError('AGREEMENT_MALFORMED', { reason, party }, { cause });
  if ((content.version === 1) !== (content.previous === null)) throw refuse('previous');
  if (content.effective.from >= content.effective.to) throw refuse('effective-range');
  const parties = content.parties.map((party) =>
    readParty(party, (reason, cause) => refuse(reason, party.node, cause)),
  );
  const byNode = new Map(parties.map((party) => [party.node, party]));
  if (byNode.size !== parties.length) throw refuse('party-twice');
  const stray = parties.find(({ successor }) => successor && !byNode.has(successor.node));
  if (stray) throw refuse('successor-unknown', stray.node);
  for (const { node, successor } of parties) {
    let next = successor;
    for (let steps = 0; next; steps++) {
      if (steps === parties.length) throw refuse('successor-ring', node);
      next = byNode.get(next.node)!.successor;
    }
  }
  checkSharedAnchors(parties, refuse);
  const authorities = content.timeAuthorities ?? [];
  if (new Set(authorities.map(({ name }) => name)).size !== authorities.length) throw refuse('time-authority-twice');
  for (const { certificate } of authorities) {
    readCertificate(certificate, (reason, cause) => refuse(reason, undefined, cause), 'time-authority');
  }
  return parties;
}

/** A certificate that many may use speaks for one party, and never by what its URN says: others could obtain that too. */
function checkSharedAnchors(
  parties: readonly TrustedParty[],
  refuse: (reason: string, party?: string) => GatewayError,
): void {
  const shared = new Set<string>();
  const speakers = new Set<string>();
  for (const { node, anchors } of parties) {
    for (const anchor of anchors) {
      if (!anchor.speakers) continue;
      const issuer = anchor.certificate.fingerprint;
      shared.add(issuer);
      for (const speaker of anchor.speakers) {
        const name = 'fingerprint' in speaker ? speaker.fingerprint : speaker.subject;
        const key = `${issuer} ${speaker.use} ${name}`;
        if (speakers.has(key)) throw refuse('speaker-twice', node);
        speakers.add(key);
      }
    }
  }
  for (const { node, anchors } of parties) {
    const own = anchors.filter((anchor) => !anchor.speakers);
    if (own.some((anchor) => shared.has(anchor.certificate.fingerprint))) throw refuse('anchor-shared', node);
  }
}

function readSignature(
  { node, jws, timestamp }: AgreementFile['signatures'][number],
  party: TrustedParty,
  content: AgreementContent,
  payload: string,
): AgreementSignature {
  const [header, detached, signature, ...rest] = jws.split('.');
  const headerBytes = header ? fromBase64url(header) : null;
  const signatureBytes = signature ? fromBase64url(signature) : null;
  if (!headerBytes || detached !== '' || !signatureBytes || rest.length > 0) throw invalidSignature(node, 'encoding');
  const headerValue = parseCanonicalJson(headerBytes, headerLimits, 'AGREEMENT_SIGNATURE_INVALID');
  if (typeof headerValue !== 'object' || headerValue === null) throw invalidSignature(node, 'header');
  const { alg, typ, x5c, vkey, ...others } = headerValue as Record<string, unknown>;
  if (typ !== agreementType || Object.keys(others).length > 0) throw invalidSignature(node, 'header');
  const input = Buffer.from(`${header}.${payload}`);
  const read = { node, jws, timestamp: timestamp ?? null };
  // Only the version before knows the keys before; without one there is nothing to tolerate.
  const mayBeFormer = content.previous !== null;

  if (typeof vkey === 'string' && x5c === undefined) {
    if (alg !== 'EdDSA') throw invalidSignature(node, 'algorithm');
    const current = vkey === party.logVkey;
    if (!isLogKeyOf(node, vkey) || !(current || mayBeFormer)) throw invalidSignature(node, 'log-key');
    if (!verify(null, input, parseVkey(vkey).publicKey, signatureBytes)) throw invalidSignature(node, 'signature');
    return { ...read, certificate: null, vkey, current };
  }

  if (!Array.isArray(x5c) || x5c.length !== 1 || typeof x5c[0] !== 'string' || vkey !== undefined) {
    throw invalidSignature(node, 'header');
  }
  const refuse = (reason: string, cause?: unknown) => invalidSignature(node, reason, cause);
  const certificate = readCertificate(x5c[0], refuse, 'certificate');
  const problem = sealProblem(certificate, party, content);
  const former = mayBeFormer && (problem?.code === 'UNKNOWN_ISSUER' || problem?.code === 'NOT_A_SPEAKER');
  if (problem && !former) throw invalidSignature(node, problem.code);
  if (alg !== algorithmOf(certificate.publicKey)) throw invalidSignature(node, 'algorithm');
  const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' as const };
  if (!verify('sha256', input, key, signatureBytes)) throw invalidSignature(node, 'signature');
  return { ...read, certificate, vkey: null, current: !problem };
}

function algorithmOf(key: KeyObject): 'ES256' | 'RS256' | null {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : null;
}
