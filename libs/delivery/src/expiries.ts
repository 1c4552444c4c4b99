import { type Agreement, Certificate, type Crl, type ExpiryWarning, expiryWarning, hasCode } from '@jieqiao/core';
import type { Database, KeyRing } from '@jieqiao/platform';
import type { AgreementBook } from './agreement-book';
import type { CrlBook } from './crl-book';
import { newestVersions } from './hello';
import { PeerStateRow } from './tables';

export const expiringThings = [
  'root',
  'seal',
  'node',
  'time-authority',
  'own-crl',
  'peer-certificate',
  'peer-crl',
  'agreement',
] as const;

/** Something that runs out: whose, when, and in how many days at most. */
export interface Expiry {
  what: (typeof expiringThings)[number];
  /** A certificate's fingerprint, a peer's node id, an agreement's id, or an authority's name. */
  name: string;
  until: string;
  /** Less than nothing: it has. */
  daysLeft: number;
  /** The threshold crossed; null while there is time. */
  warning: ExpiryWarning | null;
}

export interface ExpiryContext {
  db: Database;
  agreements: AgreementBook;
  crls: CrlBook;
  keys: () => KeyRing;
  now: () => Date;
}

const day = 86_400_000;
const rememberedMs = 30 * day;

/**
 * All that runs out and would stop the exchange: this node's certificates in use, revocation lists, the certificates
 * that peers showed last, time-stamping authorities, agreements. The nearest end comes first.
 */
export async function expiries(context: ExpiryContext): Promise<Expiry[]> {
  const { db, agreements, crls, now } = context;
  const at = now();
  const inForce = agreements.inForce(at);
  const expiry = (what: Expiry['what'], name: string, until: Date): Expiry => ({
    what,
    name,
    until: until.toISOString(),
    daysLeft: Math.floor((until.getTime() - at.getTime()) / day),
    warning: expiryWarning(until, at),
  });
  const ofList = (what: Expiry['what'], name: string, crl: Crl): Expiry => {
    const due = expiry(what, name, crl.nextUpdate);
    // A list lives for weeks or hours: it is new when half of that is left.
    const lifeMs = crl.nextUpdate.getTime() - crl.thisUpdate.getTime();
    return due.warning !== null && 2 * due.warning * day > lifeMs ? { ...due, warning: null } : due;
  };
  const own = ownCertificates(context, at).map(([what, certificate]) =>
    expiry(what, `sha256:${certificate.fingerprint}`, certificate.notAfter),
  );
  const authorities = inForce.flatMap(({ content }) =>
    (content.timeAuthorities ?? []).map(({ name, certificate }) =>
      expiry('time-authority', name, Certificate.parse(Buffer.from(certificate, 'base64')).notAfter),
    ),
  );
  const peers = agreements.peers(at);
  const seen = (await db.read((tx) => tx.find(PeerStateRow))).filter(({ peer }) => peers.includes(peer));
  const all = [
    ...own,
    ...authorities,
    ...context.keys().crls.map((crl) => ofList('own-crl', crl.digest, crl)),
    ...seen.flatMap(({ peer, notAfter }) => (notAfter ? [expiry('peer-certificate', peer, new Date(notAfter))] : [])),
    ...peers.flatMap((peer) =>
      crls.of(agreements.peer(peer, at).party.anchors).map((crl) => ofList('peer-crl', peer, crl)),
    ),
    ...lastVersions(agreements, at).map(({ ref, content }) =>
      expiry('agreement', ref.id, new Date(content.effective.to)),
    ),
  ];
  const distinct = new Map(all.map((one) => [`${one.what} ${one.name} ${one.until}`, one]));
  return [...distinct.values()].sort((a, b) => a.until.localeCompare(b.until));
}

/** The certificates that speak for this node under the agreements in force, and their roots; without any, the newest. */
function ownCertificates({ agreements, keys }: ExpiryContext, at: Date): ['root' | 'seal' | 'node', Certificate][] {
  const ring = keys();
  const found: ['seal' | 'node', Certificate][] = [];
  for (const use of ['seal', 'node'] as const) {
    const newest = (use === 'seal' ? ring.seals : ring.nodes)[0]?.certificate;
    const used = agreements.inForce(at).flatMap((agreement) => chosen(ring, use, agreement, at) ?? newest ?? []);
    for (const certificate of used.length > 0 ? used : newest ? [newest] : []) found.push([use, certificate]);
  }
  const issuers = ring.roots.filter((root) => found.some(([, leaf]) => leaf.x509.checkIssued(root.x509)));
  return [...issuers.map((root): ['root', Certificate] => ['root', root]), ...found];
}

/** Null when no key is accepted any more: then it is the newest one's date that says why. */
function chosen(ring: KeyRing, use: 'seal' | 'node', agreement: Agreement, at: Date): Certificate | null {
  try {
    return ring[use](agreement, at).certificate;
  } catch (error) {
    if (!hasCode(error, 'CERTIFICATE_REFUSED')) throw error;
    return null;
  }
}

/** The last version at hand of each agreement that has not been over for long: what is long over is no news. */
function lastVersions(agreements: AgreementBook, at: Date): Agreement[] {
  const recently = new Date(at.getTime() - rememberedMs).toISOString();
  return [...newestVersions(agreements.all().map(({ ref }) => ref)).values()]
    .map((ref) => agreements.underRef(ref))
    .filter(({ content }) => content.effective.to > recently);
}
