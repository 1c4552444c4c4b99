import { connect } from 'node:tls';
import {
  type AgreementContent,
  agreementFileBytes,
  Certificate,
  encodeVkey,
  nextVersion,
  openReceiptProof,
  parseEnvelope,
  parseLogEntry,
  signAgreement,
  signAgreementByLogKey,
  verifyCades,
} from '@jieqiao/core';
import type { KeyRing } from '@jieqiao/platform';
import { databases, type TestDatabase } from '../support/databases';
import { bytesOf } from '../support/exchange-fixture';
import { leadBetween, type PeerNode, pause, TwoNodes, until } from '../support/peer-nodes';

const perDirection = 500;
/** Sent at a time on each side, and the pause after that: the stream goes on while keys change. */
const atOnce = 5;
const pauseMs = 100;
/** Between two changes, each side sends this many and no more, so that every change meets transfers under way. */
const perPhase = 70;

let two: TwoNodes;
const databasesUsed: TestDatabase[] = [];
afterEach(async () => {
  await two.close();
  for (const test of databasesUsed.splice(0)) await test.drop();
});

/** Both nodes send without a pause, phase by phase, until all are on their way. */
class Traffic {
  readonly ids = new Map<PeerNode, string[]>();
  private limit = perPhase;
  private readonly done: Promise<unknown>;
  private failure: unknown = null;

  constructor(private readonly between: TwoNodes) {
    this.done = Promise.all(between.both.map((node) => this.send(node)));
    this.done.catch((error: unknown) => {
      this.failure = error;
    });
  }

  private async send(node: PeerNode): Promise<void> {
    const peer = this.between.both.find((other) => other !== node)!;
    const drafts = await node.approved(perDirection, leadBetween(node.node, peer.node));
    const ids: string[] = [];
    this.ids.set(node, ids);
    while (ids.length < perDirection) {
      const count = Math.min(atOnce, this.limit - ids.length);
      const next = drafts.slice(ids.length, ids.length + count);
      await Promise.all(next.map((id) => node.send(id)));
      ids.push(...next);
      await pause(pauseMs);
    }
  }

  /** Goes on with the next phase, and waits until some of it has its receipts. */
  async goOn(): Promise<void> {
    const before = await Promise.all(this.between.both.map((node) => this.settledBy(node)));
    this.limit = Math.min(perDirection, this.limit + perPhase);
    for (const [i, node] of this.between.both.entries()) {
      const enough = Math.min(this.limit, before[i]! + perPhase / 3);
      await until(`receipts at ${node.node}`, async () => (await this.settledBy(node)) >= enough, 60_000);
    }
  }

  async all(): Promise<void> {
    this.limit = perDirection;
    await this.done;
    for (const node of this.between.both) {
      await until('the last receipt', async () => (await this.settledBy(node)) === perDirection, 60_000);
    }
  }

  private async settledBy(node: PeerNode): Promise<number> {
    if (this.failure) throw this.failure;
    const [row] = await node.rows("SELECT COUNT(*) AS n FROM outbox WHERE state <> 'queued'");
    return Number(row!.n);
  }
}

/** Waits until the running node has seen by itself what was changed in its directory. */
async function noticed(node: PeerNode, what: string, seen: (ring: KeyRing) => boolean): Promise<void> {
  await until(`${node.node} sees ${what}`, () => seen(node.gateway.keys), 30_000);
}

/** The next version, signed with every key that both versions know, taken in by both nodes; in force in a second. */
async function agree(changes: (content: AgreementContent) => AgreementContent['parties']): Promise<number> {
  const before = two.sender.gateway.agreements.versions(two.agreement.id).at(-1)!;
  const effective = { ...before.content.effective, from: new Date(Date.now() + 1_000).toISOString() };
  const content = nextVersion(before, { parties: changes(before.content), effective });
  const rings = [...two.both.map(({ keys }) => keys), two.absent.keyStore.load()];
  const signatures = rings.flatMap((ring) => [
    ...ring.seals.map((seal) => ({ node: ring.nodeId, jws: signAgreement(content, seal) })),
    ...ring.logs.map(({ key, privateKey }) => {
      const vkey = encodeVkey(key);
      return { node: ring.nodeId, jws: signAgreementByLogKey(content, privateKey, vkey) };
    }),
  ]);
  const named = new Set([...before.content.parties, ...content.parties].map(({ logVkey }) => logVkey));
  const due = signatures.filter(({ jws }) => {
    const { vkey } = JSON.parse(Buffer.from(jws.split('.')[0]!, 'base64url').toString()) as { vkey?: string };
    return vkey === undefined || named.has(vkey);
  });
  const file = agreementFileBytes({ agreement: content, signatures: due });
  for (const node of two.both) await node.gateway.agreements.import(file);
  return content.version;
}

const onlyOf = (ring: KeyRing, party: AgreementContent['parties'][number], anchors = [ring.roots[0]!]) =>
  party.node === ring.nodeId ? { ...party, anchors: anchors.map((root) => root.raw.toString('base64')) } : party;

/** What a server shows to whoever connects. */
function shownAt(port: number, node: PeerNode): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ...node.tls, rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(Certificate.parse(raw).fingerprint);
    });
    socket.on('error', reject);
  });
}

it.each(databases())(
  'on %s, every key is rotated while 1,000 transfers are in flight both ways: none lost, none refused',
  async (_name, create) => {
    databasesUsed.push(await create(), await create());
    const urls = databasesUsed.map(({ url }) => url);
    two = await TwoNodes.start({ config: (config) => Object.assign(config, { databaseUrl: urls.shift() }) });
    const traffic = new Traffic(two);
    await traffic.goOn();
    // One node was up before the other.
    const startUp = new Map(two.both.map((node) => [node, node.waits().length]));

    for (const { keyStore } of two.both) await keyStore.issueNode(new Date());
    for (const node of two.both) await noticed(node, 'its new node key', ({ nodes }) => nodes.length === 2);
    await traffic.goOn();

    for (const { keyStore } of two.both) await keyStore.issueSeal(new Date());
    for (const node of two.both) await noticed(node, 'its new seal', ({ seals }) => seals.length === 2);
    await traffic.goOn();

    for (const { keyStore } of two.both) keyStore.rotateLog();
    for (const node of two.both) await noticed(node, 'its new log key', ({ logs }) => logs.length === 2);
    await traffic.goOn();
    const newLogs = new Map(two.both.map(({ keys }) => [keys.nodeId, encodeVkey(keys.logs[0]!.key)]));
    const second = await agree(({ parties }) =>
      parties.map((party) => ({ ...party, logVkey: newLogs.get(party.node) ?? party.logVkey })),
    );
    await pause(1_000);
    await traffic.goOn();

    for (const { keyStore } of two.both) await keyStore.rotateRoot(new Date());
    for (const node of two.both) await noticed(node, 'its new root', ({ nodes }) => nodes.length === 3);
    await traffic.goOn();
    const rings = two.both.map(({ keys }) => keys);
    const third = await agree(({ parties }) =>
      parties.map((party) => rings.reduce((p, ring) => onlyOf(ring, p), party)),
    );
    await pause(1_000);
    await traffic.goOn();
    await traffic.all();

    for (const [i, node] of two.both.entries()) {
      const peer = two.both[1 - i]!;
      const rows = await node.rows('SELECT jti, seq, envelope, digest, state, receipt FROM outbox ORDER BY seq');
      expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: perDirection }, (_, at) => at + 1));
      expect(rows.filter(({ state }) => state !== 'received')).toEqual([]);
      const taken = await peer.rows('SELECT digest FROM inbox ORDER BY seq');
      expect(taken.map(({ digest }) => digest)).toEqual(rows.map(({ digest }) => digest));
      const transfers = await peer.rows("SELECT id FROM transfer WHERE direction = 'in' AND state = 'DELIVERED'");
      expect(new Set(transfers.map(({ id }) => id))).toEqual(new Set(traffic.ids.get(node)));

      const versions = new Set<number>();
      const signers = new Set<string>();
      for (const row of rows) {
        const { claims, certificate } = parseEnvelope(String(row.envelope));
        versions.add(claims.agreement.version);
        signers.add(certificate.fingerprint);
        // By the key that the envelope's own version names, whatever has changed since.
        const { trust } = node.gateway.agreements.underRef(claims.agreement);
        const { logVkey } = trust.parties.find((party) => party.node === peer.node)!;
        const entry = parseLogEntry(openReceiptProof(String(row.receipt), logVkey).entry);
        expect(entry).toMatchObject({ event: 'envelope.received', subject: { jti: row.jti, envelope: row.digest } });
      }
      expect([...versions]).toEqual([1, second, third]);
      expect(signers.size).toBe(3);
      const bundles = await node.rows(
        "SELECT manifest, signature FROM bundle WHERE transfer_id IN (SELECT id FROM transfer WHERE direction = 'out')",
      );
      const seals = bundles.map((row) => verifyCades(bytesOf(row.manifest), bytesOf(row.signature)).signer.fingerprint);
      expect(new Set(seals).size).toBe(3);

      // Nobody was turned away on either side, and each server shows its newest certificate.
      expect(await node.logged('peer.refused')).toEqual([]);
      expect(await node.logged('envelope.refused')).toEqual([]);
      const newest = node.keys.nodes[0]!.certificate.fingerprint;
      for (const port of [node.config.peer.grpcPort, node.config.peer.blobPort]) {
        expect(await shownAt(port, peer)).toBe(newest);
      }
      // Not even a lane had to try again, but for what a busy machine may cause.
      const codes = node
        .waits()
        .slice(startUp.get(node))
        .map(({ code }) => code);
      expect(codes.filter((code) => !['AGREEMENT_UNKNOWN_VERSION', 'PEER_UNREACHABLE'].includes(code))).toEqual([]);
    }
  },
  180_000,
);
