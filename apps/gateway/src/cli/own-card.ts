import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  type AgreementAnchor,
  type Card,
  type Certificate,
  cardBytes,
  encodeVkey,
  GatewayError,
  parseCard,
} from '@jieqiao/core';
import type { KeyRing, NodeConfig } from '@jieqiao/platform';
import { readBounded, writeWhole } from './files';

export const maxCardBytes = 256 * 1024;
/** Leaves room among a card's eight anchors for those who issued seals. */
const maxRoots = 4;

type SharedAnchor = Exclude<AgreementAnchor, string>;

/** What people decide about how others see their node. The keys do the rest. */
export interface Profile {
  authority: string;
  aliases: readonly string[];
  /** The name or address that peers dial. */
  host: string;
  /** Certification authorities that serve others too, and issued a seal of this node. */
  issuers: readonly SharedAnchor[];
  /** Roots of its own that the card names; null: it has none yet. */
  roots: readonly string[] | null;
}

/** The node's own card lies with its data: what it says of authority, aliases, host and issuers is said nowhere else. */
export function ownCardFile(config: NodeConfig): string {
  return join(config.dataDir, `${config.node}.card.json`);
}

export function readCard(path: string): Card {
  return parseCard(readBounded(path, maxCardBytes, 'CARD_MALFORMED'));
}

/** What the own card says; for a node that has none yet, what its certificates say. */
export function profileOf(config: NodeConfig, keys: KeyRing): Profile {
  const file = ownCardFile(config);
  if (existsSync(file)) {
    const { authority, aliases, endpoints, anchors } = readCard(file);
    const issuers = anchors.filter((anchor) => typeof anchor !== 'string');
    const roots = anchors.filter((anchor) => typeof anchor === 'string');
    return { authority, aliases, host: endpoints.grpc.replace(/:\d+$/, ''), issuers, roots };
  }
  const authority = String(keys.roots[0]?.x509.toLegacyObject().subject.O ?? config.node);
  return { authority, aliases: [], host: hostOf(config, keys.nodes[0]?.certificate), issuers: [], roots: null };
}

/** Name and address of the machine itself, which every node's certificate has, are not for peers. */
function hostOf(config: NodeConfig, certificate: Certificate | undefined): string {
  const names = [...(certificate?.x509.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,\s]+)/g)];
  const known = names.map(([, name]) => name!).find((name) => name !== 'localhost' && name !== '127.0.0.1');
  const bound = /^(0\.0\.0\.0|::)$/.test(config.peer.host) ? hostname() : config.peer.host;
  return known ?? bound;
}

export interface CardOptions {
  now: Date;
  /** Leave out roots from before the newest: once all agreements know that one. */
  newestRootOnly?: boolean;
}

/**
 * The newest root, and of those before it the ones that the card has named so far: one that was left out stays out.
 * @throws GatewayError CARD_MALFORMED; KEY_UNUSABLE {reason: 'root-expired'} when no root is left that could certify
 */
export function makeOwnCard(config: NodeConfig, keys: KeyRing, profile: Profile, options: CardOptions): Card {
  const { node, peer } = config;
  const { host, issuers, authority, aliases, roots } = profile;
  const usable = keys.roots
    .filter((root) => root.notAfter > options.now)
    .map((root) => root.raw.toString('base64'))
    .filter((root, i) => i === 0 || (!options.newestRootOnly && (roots?.includes(root) ?? true)))
    .slice(0, maxRoots);
  if (usable.length === 0) throw new GatewayError('KEY_UNUSABLE', { reason: 'root-expired' });
  const dialled = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const card: Card = {
    schema: 'jieqiao/card/v1',
    node,
    authority,
    region: node.slice(-6),
    aliases,
    anchors: [...usable, ...issuers],
    logVkey: encodeVkey(keys.logs[0]!.key),
    endpoints: { grpc: `${dialled}:${peer.grpcPort}`, blobs: `https://${dialled}:${peer.blobPort}` },
  };
  return parseCard(cardBytes(card));
}

/** Writes the node's card where it belongs, unless it is there as it should be. */
export function keepOwnCard(config: NodeConfig, card: Card): void {
  const file = ownCardFile(config);
  const bytes = cardBytes(card);
  if (existsSync(file) && readBounded(file, maxCardBytes, 'CARD_MALFORMED').equals(bytes)) return;
  writeWhole(file, bytes);
}

/** Lets a seal that somebody else's certification authority issued speak for this node. */
export function withIssuer(profile: Profile, issuer: Certificate, seal: Certificate): Profile {
  const certificate = issuer.raw.toString('base64');
  const speaker = { use: 'seal' as const, fingerprint: seal.fingerprint };
  const known = profile.issuers.find((anchor) => anchor.certificate === certificate);
  const speakers = [
    speaker,
    ...(known?.speakers ?? []).filter((one) => !('fingerprint' in one && one.fingerprint === seal.fingerprint)),
  ];
  return { ...profile, issuers: [{ certificate, speakers }, ...profile.issuers.filter((anchor) => anchor !== known)] };
}
