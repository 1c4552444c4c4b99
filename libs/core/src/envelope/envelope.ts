import { verify } from 'node:crypto';
import {
  base64url,
  canonicalJson,
  type Digest,
  digestOf,
  fromBase64,
  fromBase64url,
  parseCanonicalJson,
} from '../encoding';
import { GatewayError } from '../errors';
import { Certificate } from '../keys/certificate';
import { checkChain } from '../keys/chain';
import type { Signer } from '../keys/signer';
import { nodeUrn } from '../names';
import { schemaCheck } from '../schema';
import { type AgreementRef, type Trust, trustedParty } from '../trust';
import { stateClaimsSchema, testClaimsSchema, transferClaimsSchema } from './schema';

export const envelopeType = 'jieqiao-envelope+jwt';
/** 2,000 announced files are some 200 KB of claims. */
export const maxEnvelopeBytes = 512 * 1024;
/** How far two nodes' clocks may lie apart. */
export const clockSkewMs = 5 * 60_000;

const claimLimits = { maxBytes: maxEnvelopeBytes, maxDepth: 12 };
const headerLimits = { maxBytes: 8 * 1024, maxDepth: 3 };

export interface EnvelopeBundle {
  /** Digest of the bundle's manifest: it pins every file inside. */
  manifest: Digest;
  /** Files that travel ahead as blobs, each digest once. */
  files: readonly { digest: Digest; bytes: number }[];
}

/** Claims of every envelope. Times are whole seconds (RFC 7519 NumericDate). */
interface CommonClaims {
  iss: string;
  aud: string;
  jti: string;
  iat: number;
  exp: number;
  /** Position in the gapless chain from `iss` to `aud`, from 1. */
  seq: number;
  /** Digest of the envelope before this one, null for the first. */
  prev: Digest | null;
  agreement: AgreementRef;
}

/** What a side of a transfer tells the other: a command of casework, which checks all the rest of it. */
export type CaseMessage = { command: string } & Record<string, unknown>;

/** Hands a transfer over, or a new version of what it brought. */
export interface TransferClaims extends CommonClaims {
  kind: 'transfer';
  dossier: string;
  transfer: string;
  bundle: EnvelopeBundle | null;
  body: { transferKind: string; number: string; message: CaseMessage };
}

/** Says what became of a transfer: received, accepted, returned, decided… Its bundle brings the sealed document. */
export interface StateClaims extends CommonClaims {
  kind: 'state';
  dossier: string;
  transfer: string;
  bundle: EnvelopeBundle | null;
  body: { message: CaseMessage };
}

/** Tries the whole way, and hands nothing over. */
export interface TestClaims extends CommonClaims {
  kind: 'test';
  dossier: null;
  transfer: null;
  bundle: null;
  body: Record<string, never>;
}

export type EnvelopeClaims = TransferClaims | StateClaims | TestClaims;

export interface Envelope {
  claims: EnvelopeClaims;
  /** Over the compact JWS as sent: the name by which receipts and logs speak of it. */
  digest: Digest;
  certificate: Certificate;
  /** Not for use before `verifyEnvelope`. */
  signature: { input: string; bytes: Buffer };
}

const checkTransfer = schemaCheck<TransferClaims>(transferClaimsSchema, 'ENVELOPE_MALFORMED');
const checkState = schemaCheck<StateClaims>(stateClaimsSchema, 'ENVELOPE_MALFORMED');
const checkTest = schemaCheck<TestClaims>(testClaimsSchema, 'ENVELOPE_MALFORMED');

function checkClaims(value: unknown): EnvelopeClaims {
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (kind === 'test') return checkTest(value);
  return kind === 'state' ? checkState(value) : checkTransfer(value);
}

/** Signs claims as a compact JWS (RFC 7515) with ES256. */
export function signEnvelope(claims: EnvelopeClaims, signer: Signer): string {
  if (signer.algorithm !== 'ES256') throw new GatewayError('KEY_UNUSABLE', { reason: 'node-keys-are-p256' });
  const input = `${protectedHeader(signer.certificate)}.${base64url(canonicalJson(claims))}`;
  return `${input}.${base64url(signer.signJose(Buffer.from(input)))}`;
}

const headers = new WeakMap<Certificate, string>();

function protectedHeader(certificate: Certificate): string {
  let header = headers.get(certificate);
  if (!header) {
    const value = {
      alg: 'ES256',
      kid: certificate.fingerprint,
      typ: envelopeType,
      x5c: [certificate.raw.toString('base64')],
    };
    header = base64url(canonicalJson(value));
    headers.set(certificate, header);
  }
  return header;
}

/**
 * Reads an envelope without believing it: exactly one spelling is accepted, nothing is checked against trust.
 * @throws GatewayError ENVELOPE_MALFORMED
 */
export function parseEnvelope(jws: string): Envelope {
  const malformed = (reason: string): GatewayError => new GatewayError('ENVELOPE_MALFORMED', { reason });
  if (jws.length > maxEnvelopeBytes) throw malformed('too-large');
  const [header, payload, signature, ...rest] = jws.split('.');
  if (!header || !payload || !signature || rest.length > 0) throw malformed('not-three-parts');
  const payloadBytes = fromBase64url(payload);
  const signatureBytes = fromBase64url(signature);
  if (!payloadBytes || !signatureBytes || signatureBytes.length !== 64) throw malformed('encoding');
  const claims = checkClaims(parseCanonicalJson(payloadBytes, claimLimits, 'ENVELOPE_MALFORMED'));
  return {
    claims,
    digest: digestOf(Buffer.from(jws)),
    certificate: certificateFromHeader(header),
    signature: { input: `${header}.${payload}`, bytes: signatureBytes },
  };
}

/** Headers of one node are all alike; reading one costs more than the rest of the parsing. */
const knownHeaders = new Map<string, Certificate>();
const maxKnownHeaders = 256;

function certificateFromHeader(text: string): Certificate {
  const known = knownHeaders.get(text);
  if (known) return known;
  const malformed = (reason: string): GatewayError => new GatewayError('ENVELOPE_MALFORMED', { reason });
  const bytes = text.length <= 2 * headerLimits.maxBytes ? fromBase64url(text) : null;
  if (!bytes) throw malformed('encoding');
  const header = parseCanonicalJson(bytes, headerLimits, 'ENVELOPE_MALFORMED') as Record<string, unknown>;
  if (header === null || typeof header !== 'object' || Object.keys(header).join() !== 'alg,kid,typ,x5c') {
    throw malformed('header');
  }
  const x5c = header.x5c;
  if (header.alg !== 'ES256' || header.typ !== envelopeType || !Array.isArray(x5c) || x5c.length !== 1) {
    throw malformed('header');
  }
  const der = typeof x5c[0] === 'string' ? fromBase64(x5c[0]) : null;
  if (!der) throw malformed('header');
  const certificate = Certificate.parse(der);
  if (header.kid !== certificate.fingerprint) throw malformed('kid');
  if (knownHeaders.size >= maxKnownHeaders) knownHeaders.clear();
  knownHeaders.set(text, certificate);
  return certificate;
}

/**
 * Checks an envelope against the agreement it names: signer, certificate at the time of issue, signature, and last
 * whether the certificate is revoked: with that problem, all the rest holds.
 * @param now by when a revocation must have taken effect to count. An envelope that comes today may have been signed
 *   today, whatever date it gives itself: only proof of time could say otherwise, and there is none in it.
 * @throws GatewayError ENVELOPE_SIGNER_UNKNOWN, ENVELOPE_WRONG_ISSUER, CERTIFICATE_REFUSED, ENVELOPE_SIGNATURE_INVALID
 */
export function verifyEnvelope(envelope: Envelope, trust: Trust, now: Date): void {
  const { claims, certificate } = envelope;
  const issuer = trustedParty(trust, claims.iss);
  if (!issuer || !trustedParty(trust, claims.aud) || claims.iss === claims.aud) {
    throw new GatewayError('ENVELOPE_WRONG_ISSUER', { issuer: claims.iss, audience: claims.aud });
  }
  const revocation = { crls: trust.crls, at: now };
  const issuedAt = new Date(claims.iat * 1000);
  const problem = checkChain(certificate, issuer.anchors, issuedAt, 'node', nodeUrn(claims.iss), revocation);
  if (problem?.code === 'UNKNOWN_ISSUER') throw new GatewayError('ENVELOPE_SIGNER_UNKNOWN', { issuer: claims.iss });
  const refused = problem && new GatewayError('CERTIFICATE_REFUSED', { problem: problem.code, issuer: claims.iss });
  if (refused && problem.code !== 'REVOKED') throw refused;
  const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' as const };
  if (!verify('sha256', Buffer.from(envelope.signature.input), key, envelope.signature.bytes)) {
    throw new GatewayError('ENVELOPE_SIGNATURE_INVALID', { issuer: claims.iss });
  }
  if (refused) throw refused;
}

/** Checks that an envelope may be taken now, by this node. Its lifetime decides, not the certificate's today. */
export function checkFreshness(claims: EnvelopeClaims, audience: string, now: Date): void {
  if (claims.aud !== audience) throw new GatewayError('ENVELOPE_WRONG_AUDIENCE', { audience: claims.aud });
  if (claims.iat * 1000 > now.getTime() + clockSkewMs)
    throw new GatewayError('ENVELOPE_FROM_FUTURE', { iat: claims.iat });
  if (claims.exp * 1000 < now.getTime() || claims.exp <= claims.iat) {
    throw new GatewayError('ENVELOPE_EXPIRED', { exp: claims.exp });
  }
}

/** Parses and verifies in one go, against the trust that the named agreement gives. */
export function openEnvelope(jws: string, trustUnder: (agreement: AgreementRef) => Trust, now: Date): Envelope {
  const envelope = parseEnvelope(jws);
  verifyEnvelope(envelope, trustUnder(envelope.claims.agreement), now);
  return envelope;
}
