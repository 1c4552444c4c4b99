import { fromBase64 } from '../encoding';
import { GatewayError } from '../errors';
import { Certificate } from '../keys/certificate';
import { parseVkey } from '../log/note';
import { logOrigin, nodePattern } from '../names';
import { type Anchor, ownRoot, type Speaker, type TrustedParty } from '../trust';

/**
 * A certificate (Base64 of its DER) that issues a party's certificates: its own root, or a certification authority that
 * serves others too, together with those that speak for this party.
 */
export type AgreementAnchor = string | { certificate: string; speakers: readonly Speaker[] };

/** What a party tells of itself; its card holds just this. */
export interface PartyDescription {
  node: string;
  authority: string;
  /** GB/T 2260 code of the area, the same as in the node id. */
  region: string;
  /** Other names of the authority. */
  aliases: readonly string[];
  anchors: readonly AgreementAnchor[];
  /** C2SP verifier key of the party's log. */
  logVkey: string;
  endpoints: { grpc: string; blobs: string };
}

export interface AgreementParty extends PartyDescription {
  /** When the authority exists: `from` inclusive, `to` exclusive, null is open. Instants. */
  validity?: { from: string | null; to: string | null };
  /** The party that takes over its powers and open transfers. */
  successor?: { node: string; from: string };
}

/** A text on one line that reads as it is written: no control characters, no overrides of direction. */
export const line = (maxLength: number) =>
  ({
    type: 'string',
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]+$',
  }) as const;
const instant = { type: 'string', format: 'instant' } as const;
const base64 = { type: 'string', minLength: 4, maxLength: 24_000, pattern: '^[A-Za-z0-9+/]+={0,2}$' } as const;
const use = { enum: ['node', 'seal', 'officer'] } as const;
const host = '(?:[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\\[[0-9A-Fa-f:.]{2,45}\\])';
const port = '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';

function closed(properties: Record<string, unknown>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, required, properties };
}

const speaker = {
  anyOf: [
    closed({ use, fingerprint: { type: 'string', pattern: '^[0-9a-f]{64}$' } }),
    closed({ use, subject: line(1000) }),
  ],
};

/** JSON Schema of each member of a party's description. */
export const partyDescriptionProperties = {
  node: { type: 'string', pattern: nodePattern },
  authority: line(100),
  region: { type: 'string', pattern: '^[0-9]{6}$' },
  aliases: { type: 'array', maxItems: 20, items: line(100) },
  anchors: {
    type: 'array',
    minItems: 1,
    maxItems: 8,
    items: {
      anyOf: [
        base64,
        closed({ certificate: base64, speakers: { type: 'array', minItems: 1, maxItems: 64, items: speaker } }),
      ],
    },
  },
  logVkey: line(400),
  endpoints: closed({
    grpc: { type: 'string', pattern: `^${host}:${port}$` },
    blobs: { type: 'string', pattern: `^https://${host}:${port}$` },
  }),
};

export const partySchema = closed(
  {
    ...partyDescriptionProperties,
    validity: closed({
      from: { anyOf: [{ type: 'null' }, instant] },
      to: { anyOf: [{ type: 'null' }, instant] },
    }),
    successor: closed({ node: { type: 'string', pattern: nodePattern }, from: instant }),
  },
  ['validity', 'successor'],
);

export const timeAuthoritySchema = closed({ name: line(100), certificate: base64, demonstration: { type: 'boolean' } });

/** Makes the error for a reason: a card, an agreement and a signature have different codes. */
export type Refusal = (reason: string, cause?: unknown) => GatewayError;

/** A certificate as it stands in an agreement: Base64 of its DER. @param reason why to refuse when it is none */
export function readCertificate(encoded: string, refuse: Refusal, reason: string): Certificate {
  const der = fromBase64(encoded);
  if (!der) throw refuse(reason);
  try {
    return Certificate.parse(der);
  } catch (cause) {
    throw refuse(reason, cause);
  }
}

export function readParty(party: AgreementParty, refuse: Refusal): TrustedParty {
  const { node, authority, logVkey } = party;
  if (party.region !== node.slice(-6)) throw refuse('region');
  const anchors = party.anchors.map((anchor) => readAnchor(anchor, refuse));
  const fingerprints = new Set(anchors.map((anchor) => anchor.certificate.fingerprint));
  if (fingerprints.size !== anchors.length) throw refuse('anchor-twice');
  if (!isLogKeyOf(node, logVkey)) throw refuse('log-key');
  const { from, to } = party.validity ?? { from: null, to: null };
  if (from !== null && to !== null && from >= to) throw refuse('validity');
  return { node, authority, anchors, logVkey, validity: { from, to }, successor: party.successor ?? null };
}

function readAnchor(anchor: AgreementAnchor, refuse: Refusal): Anchor {
  const [encoded, speakers] = typeof anchor === 'string' ? [anchor, null] : [anchor.certificate, anchor.speakers];
  const certificate = readCertificate(encoded, refuse, 'anchor');
  if (!certificate.isCa) throw refuse('anchor-not-a-ca');
  return speakers ? { certificate, speakers } : ownRoot(certificate);
}

/** Whether this is a verifier key by which the log of that node signs: its name is the log's origin. */
export function isLogKeyOf(node: string, vkey: string): boolean {
  try {
    const { name, type } = parseVkey(vkey);
    return type === 1 && name === logOrigin(node);
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}
