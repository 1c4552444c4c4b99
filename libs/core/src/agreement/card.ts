import type { KeyObject } from 'node:crypto';
import { canonicalJson, parseCanonicalJson, sha256 } from '../encoding';
import { GatewayError } from '../errors';
import type { Certificate } from '../keys/certificate';
import { encodeVkey, noteKey } from '../log/note';
import { logOrigin } from '../names';
import { schemaCheck } from '../schema';
import { type PartyDescription, partyDescriptionProperties, readParty } from './party';

/** What one party hands to another before they have an agreement: who it is, its roots, its log key, where to reach it. */
export interface Card extends PartyDescription {
  schema: 'jieqiao/card/v1';
}

const limits = { maxBytes: 256 * 1024, maxDepth: 8 };

const properties = { schema: { const: 'jieqiao/card/v1' }, ...partyDescriptionProperties };

const cardSchema = {
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
};

const checkCard = schemaCheck<Card>(cardSchema, 'CARD_MALFORMED');

/** The card of a node with roots of its own. */
export function makeCard(node: {
  node: string;
  authority: string;
  aliases?: readonly string[];
  roots: readonly Certificate[];
  logKey: KeyObject;
  endpoints: PartyDescription['endpoints'];
}): Card {
  return {
    schema: 'jieqiao/card/v1',
    node: node.node,
    authority: node.authority,
    region: node.node.slice(-6),
    aliases: node.aliases ?? [],
    anchors: node.roots.map((root) => root.raw.toString('base64')),
    logVkey: encodeVkey(noteKey(logOrigin(node.node), node.logKey)),
    endpoints: node.endpoints,
  };
}

/** Canonical JSON: the bytes of the file, and what its fingerprint is over. */
export function cardBytes(card: Card): Buffer {
  return canonicalJson(card);
}

/** @throws GatewayError CARD_MALFORMED */
export function parseCard(bytes: Uint8Array): Card {
  const card = checkCard(parseCanonicalJson(bytes, limits, 'CARD_MALFORMED'));
  readParty(card, (reason, cause) => new GatewayError('CARD_MALFORMED', { reason }, { cause }));
  return card;
}

/**
 * What two people read to each other on the telephone: five groups of five digits, about 83 bits. That is beyond
 * anybody who would make a second card with the same digits (2^83 trials), and short enough to be compared in full.
 */
export function cardFingerprint(card: Card): string {
  const head = sha256(cardBytes(card)).subarray(0, 11);
  const number = BigInt(`0x${head.toString('hex')}`) % 10n ** 25n;
  const digits = number.toString().padStart(25, '0');
  return digits.match(/\d{5}/g)!.join(' ');
}
