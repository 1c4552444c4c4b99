import { verify } from 'node:crypto';
import { base64url, canonicalJson, digestOf, fromBase64, fromBase64url, parseCanonicalJson } from '../encoding';
import { GatewayError } from '../errors';
import { Certificate, checkChain } from '../keys/certificate';
import type { Signer } from '../keys/signer';
import { nodePattern, sealUrn } from '../names';
import { schemaCheck } from '../schema';
import type { AgreementRef, Trust, TrustedParty } from '../trust';

export const maxAgreementBytes = 4 * 1024 * 1024;
const limits = { maxBytes: maxAgreementBytes, maxDepth: 16 };
const agreementType = 'jieqiao-agreement+jws';

export interface AgreementParty {
  node: string;
  authority: string;
  /** GB/T 2260 code of the area. */
  region: string;
  aliases: readonly string[];
  /** Base64 DER of the roots that certify this party. */
  anchors: readonly string[];
  logVkey: string;
  endpoints: { grpc: string; blobs: string };
}

/** The text that all parties sign. `terms` are read by the recognition rules; here they are only bounded and signed. */
export interface AgreementContent {
  schema: 'jieqiao/agreement/v1';
  id: string;
  version: number;
  previous: string | null;
  title: string;
  effective: { from: string; to: string };
  parties: readonly AgreementParty[];
  terms: Record<string, unknown>;
}

export interface AgreementFile {
  agreement: AgreementContent;
  signatures: readonly { node: string; jws: string }[];
}

/** An agreement signed by every party. */
export interface Agreement {
  content: AgreementContent;
  ref: AgreementRef;
  trust: Trust;
  /** The whole file's canonical bytes, signatures included. */
  bytes: Buffer;
}

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;

const checkFile = schemaCheck<AgreementFile>(
  {
    type: 'object',
    additionalProperties: false,
    required: ['agreement', 'signatures'],
    properties: {
      agreement: {
        type: 'object',
        additionalProperties: false,
        required: ['schema', 'id', 'version', 'previous', 'title', 'effective', 'parties', 'terms'],
        properties: {
          schema: { const: 'jieqiao/agreement/v1' },
          id: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,79}$' },
          version: { type: 'integer', minimum: 1, maximum: 1_000_000 },
          previous: { anyOf: [{ type: 'null' }, { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' }] },
          title: text(200),
          effective: {
            type: 'object',
            additionalProperties: false,
            required: ['from', 'to'],
            properties: { from: { type: 'string', format: 'instant' }, to: { type: 'string', format: 'instant' } },
          },
          parties: {
            type: 'array',
            minItems: 2,
            maxItems: 64,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['node', 'authority', 'region', 'aliases', 'anchors', 'logVkey', 'endpoints'],
              properties: {
                node: { type: 'string', pattern: nodePattern },
                authority: text(100),
                region: { type: 'string', pattern: '^[0-9]{6}$' },
                aliases: { type: 'array', maxItems: 20, items: text(100) },
                anchors: { type: 'array', minItems: 1, maxItems: 8, items: text(24_000) },
                logVkey: text(400),
                endpoints: {
                  type: 'object',
                  additionalProperties: false,
                  required: ['grpc', 'blobs'],
                  properties: {
                    grpc: { type: 'string', pattern: '^[^/\\s]{1,255}:[0-9]{1,5}$' },
                    blobs: { type: 'string', pattern: '^https://[^/\\s]{1,255}:[0-9]{1,5}$' },
                  },
                },
              },
            },
          },
          terms: { type: 'object' },
        },
      },
      signatures: {
        type: 'array',
        maxItems: 64,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['node', 'jws'],
          properties: { node: { type: 'string', pattern: nodePattern }, jws: text(32_000) },
        },
      },
    },
  },
  'AGREEMENT_MALFORMED',
);

export function agreementFileBytes(file: AgreementFile): Buffer {
  return canonicalJson(file);
}

/** One party's detached JWS (RFC 7515 Appendix F) by its seal: agreeing is an act of the authority, not of a machine. */
export function signAgreement(content: AgreementContent, seal: Signer): string {
  const header = base64url(
    canonicalJson({ alg: seal.algorithm, typ: agreementType, x5c: [seal.certificate.raw.toString('base64')] }),
  );
  const input = `${header}.${base64url(canonicalJson(content))}`;
  return `${header}..${base64url(seal.signJose(Buffer.from(input)))}`;
}

/**
 * Reads an agreement file and requires every party's valid signature. The anchors that check the signatures stand in
 * the text itself: that all parties signed the same text makes it the root of trust, and a node accepts only a text
 * that its own seal has signed.
 * @throws GatewayError AGREEMENT_MALFORMED, AGREEMENT_SIGNATURE_INVALID
 */
export function parseAgreement(bytes: Uint8Array): Agreement {
  const file = checkFile(parseCanonicalJson(bytes, limits, 'AGREEMENT_MALFORMED'));
  const content = file.agreement;
  if (content.effective.from >= content.effective.to) {
    throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'effective-range' });
  }
  const nodes = content.parties.map((party) => party.node);
  if (new Set(nodes).size !== nodes.length) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'party-twice' });
  const canonical = canonicalJson(content);
  const parties = content.parties.map(readParty);
  for (const party of parties) checkSignature(party, file, canonical);
  if (file.signatures.length !== parties.length) {
    throw new GatewayError('AGREEMENT_SIGNATURE_INVALID', { reason: 'not-one-per-party' });
  }
  const ref: AgreementRef = { id: content.id, version: content.version, digest: digestOf(canonical) };
  return { content, ref, trust: { agreement: ref, parties }, bytes: Buffer.from(bytes) };
}

/** In force: the start has come and the end has not. All signatures are a condition of being an `Agreement` at all. */
export function inForce(agreement: Agreement, at: Date): boolean {
  const time = at.toISOString();
  return agreement.content.effective.from <= time && time < agreement.content.effective.to;
}

function readParty(party: AgreementParty): TrustedParty {
  const anchors = party.anchors.map((anchor) => {
    const der = fromBase64(anchor);
    if (!der) throw new GatewayError('AGREEMENT_MALFORMED', { reason: 'anchor', party: party.node });
    return Certificate.parse(der);
  });
  return { node: party.node, authority: party.authority, anchors, logVkey: party.logVkey };
}

function checkSignature(party: TrustedParty, file: AgreementFile, canonical: Buffer): void {
  const refuse = (reason: string): GatewayError =>
    new GatewayError('AGREEMENT_SIGNATURE_INVALID', { party: party.node, reason });
  const signatures = file.signatures.filter((signature) => signature.node === party.node);
  if (signatures.length !== 1) throw refuse(signatures.length === 0 ? 'missing' : 'twice');
  const [header, detached, signature, ...rest] = signatures[0]!.jws.split('.');
  const headerBytes = header ? fromBase64url(header) : null;
  const signatureBytes = signature ? fromBase64url(signature) : null;
  if (!headerBytes || detached !== '' || !signatureBytes || rest.length > 0) throw refuse('encoding');
  const { alg, typ, x5c, ...others } = parseCanonicalJson(
    headerBytes,
    { maxBytes: 32_000, maxDepth: 3 },
    'AGREEMENT_SIGNATURE_INVALID',
  ) as Record<string, unknown>;
  const der = Array.isArray(x5c) && x5c.length === 1 && typeof x5c[0] === 'string' ? fromBase64(x5c[0]) : null;
  if (typ !== agreementType || !der || Object.keys(others).length > 0) throw refuse('header');
  const certificate = Certificate.parse(der);
  // The certificate must have been good when the agreement took effect; later expiry leaves what was agreed standing.
  const from = new Date(file.agreement.effective.from);
  const at = certificate.notBefore > from ? certificate.notBefore : from;
  const problem = checkChain(certificate, party.anchors, at, 'seal', sealUrn(party.node));
  if (problem) throw refuse(problem.code);
  const rsa = certificate.publicKey.asymmetricKeyType === 'rsa';
  if (alg !== (rsa ? 'RS256' : 'ES256')) throw refuse('algorithm');
  const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' as const };
  if (!verify('sha256', Buffer.from(`${header}.${base64url(canonical)}`), key, signatureBytes)) {
    throw refuse('signature');
  }
}
