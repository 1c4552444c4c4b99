import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import {
  type AgreementContent,
  agreementFileBytes,
  digestOf,
  GatewayError,
  inForce,
  openReceiptProof,
  parseEnvelope,
  parseLogEntry,
  signAgreement,
  signEnvelope,
  uuidv7,
  verifyFiles,
} from '@jieqiao/core';
import type { HopResult } from '@jieqiao/delivery';
import type { NodeConfig, TlsIdentity } from '@jieqiao/platform';
import { sealedBy } from '../support/agreement';
import { impersonate, loadExchange, type PeerNode, pause, TwoNodes, until } from '../support/peer-nodes';

jest.setTimeout(60_000);

const minute = 60_000;
const day = 86_400_000;
const photo = (content = randomBytes(3_000)) => ({ fileName: '照片.jpg', mediaType: 'image/jpeg', content });
const often = ({ peer }: NodeConfig) => Object.assign(peer, { helloSeconds: 1 });

let two: TwoNodes;
afterEach(() => two.close());

const send = async (files: ReturnType<typeof photo>[] = []) => {
  const id = await two.sender.draft(files);
  await two.sender.send(id);
  return id;
};
const settled = (id: string, state: 'received' | 'refused') =>
  until(`${id} is ${state}`, async () => (await two.sender.view(id)).delivery.state === state);
const seenBy = (node: PeerNode, peer: PeerNode) => node.gateway.peers.get(peer.node);
const keysDir = ({ config }: PeerNode) => join(config.dataDir, 'keys');
const ownDigests = (node: PeerNode) => node.keys.crls.map(({ digest }) => digest);
const heldOf = (node: PeerNode, peer: PeerNode) =>
  node.gateway.crls.digestsOf(node.gateway.agreements.peer(peer.node, node.now()).party.anchors);
/** Both have the newest revocation lists of each other. */
const listsCrossed = () =>
  until('the lists have crossed', () =>
    [
      [two.sender, two.receiver],
      [two.receiver, two.sender],
    ].every(([here, there]) => heldOf(here!, there!).join() === ownDigests(there!).join()),
  );

/** One gRPC call to the receiver; gives the answer or the error's details. */
async function call(method: string, message: object, identity: TlsIdentity = two.sender.tls): Promise<unknown> {
  const { receiver } = two;
  const ca = Buffer.from(receiver.keys.roots.map((root) => root.toPem()).join(''));
  const pair = [Buffer.from(identity.key), Buffer.from(identity.cert)] as const;
  const client = new (loadExchange())(
    `127.0.0.1:${receiver.config.peer.grpcPort}`,
    credentials.createSsl(ca, ...pair, { checkServerIdentity: () => undefined }),
  );
  try {
    return await new Promise((resolve) => {
      client[method]!(message, { deadline: Date.now() + 5_000 }, (error: ServiceError | null, answer: object) =>
        resolve(error ? error.details : answer),
      );
    });
  } finally {
    client.close();
  }
}

/** What the offline verifier says of an envelope and its receipt, told what the receiver believes. */
async function verdicts(...contents: unknown[]): Promise<string[]> {
  const files = contents.map((content, i) => {
    const bytes = Buffer.from(String(content));
    const read = async (start: number, length: number) => bytes.subarray(start, start + length);
    return { file: String(i), source: { size: bytes.length, read } };
  });
  const { agreements, crls } = two.receiver.gateway;
  const reports = await verifyFiles(files, { agreements: agreements.all(), crls: crls.all() }, new Date());
  return reports.map(({ verdict }) => verdict);
}

const greeting = (over: object = {}) => ({ time: new Date().toISOString(), software: 'test/1', ...over });

describe('two nodes that meet', () => {
  it('know each other’s lists, clocks, agreements and software, and say so', async () => {
    two = await TwoNodes.start({ config: often });
    await listsCrossed();
    await until('both have measured', async () =>
      (await Promise.all([seenBy(two.sender, two.receiver), seenBy(two.receiver, two.sender)])).every(
        ({ hello }) => hello.measuredAt !== null,
      ),
    );
    const view = await seenBy(two.sender, two.receiver);
    expect(view).toMatchObject({ standing: 'fine', problems: [], versions: 'equal' });
    expect(view.hello).toMatchObject({ software: expect.stringMatching(/^jieqiao\/\d/), error: null });
    expect(Math.abs(view.hello.skewMs!)).toBeLessThan(5_000);
    expect(view.certificate!.fingerprint).toBe(`sha256:${two.receiver.keys.nodes[0]!.certificate.fingerprint}`);
    expect(view.certificate!.daysLeft).toBeGreaterThan(700);
    expect(view.crls).toHaveLength(1);
    // Nothing has gone wrong with the third party either: it has never been there.
    const absent = await two.sender.gateway.peers.get(two.absent.node);
    expect(absent).toMatchObject({ standing: 'unused', hello: { seenAt: null } });

    const taken = await two.sender.logged('crl.taken');
    expect(taken.map(({ subject }) => subject)).toEqual([
      { digest: ownDigests(two.receiver)[0], number: two.receiver.keys.crls[0]!.number, peer: two.receiver.node },
    ]);
    await pause(2_500); // further Hellos
    expect(await two.sender.logged('crl.taken')).toHaveLength(1);
    expect(two.sender.waits()).toEqual([]);
  });

  it('go on without it where the peer’s software is older', async () => {
    two = await TwoNodes.prepare({ config: often });
    const old = await impersonate(two.receiver, {});
    try {
      await two.sender.start();
      await until('it was seen', async () => (await seenBy(two.sender, two.receiver)).hello.seenAt !== null);
      const { hello, standing } = await seenBy(two.sender, two.receiver);
      expect(standing).toBe('fine');
      expect(hello).toMatchObject({ software: null, measuredAt: null, skewMs: null, error: null });
      await expect(two.sender.gateway.peers.sendTestEnvelope(two.receiver.node)).rejects.toMatchObject({
        code: 'WRONG_STATE',
        params: { reason: 'no-hello' },
      });
    } finally {
      old.stop();
    }
  });

  it('a peer that is away is told with its state, and is no failure of a lane with nothing to deliver', async () => {
    two = await TwoNodes.prepare({ config: often });
    await two.sender.start();
    await until('a Hello failed', async () => (await seenBy(two.sender, two.receiver)).hello.error !== null);
    const view = await seenBy(two.sender, two.receiver);
    expect(view).toMatchObject({ standing: 'unused', hello: { error: 'PEER_UNREACHABLE' }, lane: { state: 'idle' } });
    expect(two.sender.waits()).toEqual([]);
    // What there is to deliver does not wait for the next Hello.
    await two.receiver.start();
    await settled(await send(), 'received');
    await until('seen', async () => (await seenBy(two.sender, two.receiver)).standing === 'fine');
  });
});

describe('a revoked node certificate', () => {
  it('is refused from then on; what it signed before stays verifiable', async () => {
    two = await TwoNodes.start({ config: often });
    const { sender, receiver } = two;
    const earlier = await send([photo()]);
    await settled(earlier, 'received');
    const receipt = await sender.receipt(earlier);
    const [row] = await sender.rows('SELECT envelope, digest FROM outbox');
    const oldTls = sender.tls;
    const oldSigner = sender.keys.nodes[0]!;
    // Lists know whole seconds: a revocation in the receipt's own second might have come before it.
    const second = Math.floor(Date.now() / 1_000);
    await until('another second', () => Math.floor(Date.now() / 1_000) > second);

    // Something it has signed and nobody has taken yet.
    await receiver.stop();
    const signedBefore = await send([photo()]);
    await sender.keyStore.issueNode(new Date());
    await sender.keyStore.revoke(oldSigner.certificate.serial, 'key-compromise', new Date());
    await until('the new key is in use', () => sender.gateway.keys.nodes.length === 2);
    await receiver.start();
    await settled(signedBefore, 'refused');
    expect((await sender.view(signedBefore)).delivery).toMatchObject({ refusal: 'CERTIFICATE_REFUSED' });
    // Its place in the chain is closed: what follows goes on.
    const after = await send([photo()]);
    await settled(after, 'received');

    // Whoever has the old key gets in nowhere.
    expect(await call('Hello', greeting(), oldTls)).toBe('PEER_CERTIFICATE_REFUSED');
    const refused = await receiver.logged('peer.refused');
    expect(refused.map(({ subject }) => [subject.code, subject.fingerprint])).toContainEqual([
      'PEER_CERTIFICATE_REFUSED',
      `sha256:${oldSigner.certificate.fingerprint}`,
    ]);
    const { claims } = parseEnvelope(String(row!.envelope));
    const end = await receiver.rows("SELECT seq, digest FROM lane WHERE direction = 'in' AND peer = ?", [sender.node]);
    const forged = signEnvelope(
      {
        ...claims,
        jti: uuidv7(Date.now(), randomBytes(10)),
        seq: Number(end[0]!.seq) + 1,
        prev: end[0]!.digest as never,
      },
      oldSigner,
    );
    expect(await call('Announce', { envelopes: [forged] })).toBe('CERTIFICATE_REFUSED');

    // The envelope of before, delivered once more: the first answer, for ever.
    const again = (await call('Deliver', { deliveries: [{ envelope: row!.envelope }] })) as { outcomes: object[] };
    expect(again.outcomes).toMatchObject([{ status: 'STATUS_RECEIVED', receipt }]);
    expect(await verdicts(row!.envelope, receipt)).toEqual(['valid', 'valid']);
  });

  it('of a node that answers: nothing is said to it, and people see why', async () => {
    two = await TwoNodes.start({ config: often });
    const { sender, receiver } = two;
    await listsCrossed();
    const oldTls = receiver.tls;
    const { serial } = receiver.keys.nodes[0]!.certificate;
    await receiver.keyStore.issueNode(new Date());
    await receiver.keyStore.revoke(serial, 'superseded', new Date());
    await listsCrossed();
    await receiver.stop();
    const thief = await impersonate(receiver, { deliver: () => ({ outcomes: [] }) }, oldTls);
    try {
      const id = await send();
      await until('it waits', () => sender.waits().some(({ code }) => code === 'PEER_CERTIFICATE_REFUSED'));
      expect((await sender.view(id)).delivery.lastError).toBe('PEER_CERTIFICATE_REFUSED');
      thief.stop();
      await receiver.start();
      await settled(id, 'received');
    } finally {
      thief.stop();
    }
  });
});

describe('revocation lists', () => {
  it('too old: envelopes wait until the next one has come', async () => {
    two = await TwoNodes.start({ config: often });
    const { sender, receiver } = two;
    await listsCrossed();
    await settled(await send([photo()]), 'received');
    for (const node of two.both) node.clockShift = 32 * day;
    const id = await send([photo()]);
    await until('it waits', () => sender.waits().some(({ code }) => code === 'REVOCATION_STALE'));
    expect((await sender.view(id)).delivery).toMatchObject({ state: 'queued', lastError: 'REVOCATION_STALE' });
    expect((await seenBy(receiver, sender)).problems).toContain('REVOCATION_STALE');
    expect(await receiver.rows('SELECT jti FROM inbox')).toHaveLength(1);
    await sender.keyStore.refreshCrls(sender.now());
    await settled(id, 'received');
    expect((await seenBy(receiver, sender)).problems).not.toContain('REVOCATION_STALE');
  });

  it('older than the one at hand: refused, and logged once', async () => {
    two = await TwoNodes.start({ config: often });
    const { sender, receiver } = two;
    const file = join(keysDir(sender), 'crl.der');
    await listsCrossed();
    copyFileSync(file, `${file}.kept`);
    const { serial } = await sender.keyStore.issueNode(new Date());
    await sender.keyStore.revoke(serial, 'key-compromise', new Date());
    await listsCrossed();
    const newest = heldOf(receiver, sender);
    copyFileSync(`${file}.kept`, file);
    await until('it was refused', async () => (await receiver.logged('crl.refused')).length > 0);
    await pause(2_500); // and comes again with every Hello
    expect((await receiver.logged('crl.refused')).map(({ subject }) => subject)).toEqual([
      { code: 'CRL_ROLLED_BACK', digest: digestOf(readFileSync(file)), peer: sender.node },
    ]);
    expect(heldOf(receiver, sender)).toEqual(newest);
  });
});

describe('clocks ten minutes apart', () => {
  it.each([
    ['ahead', 10],
    ['behind', -10],
  ])(
    'the peer’s %s: the lane waits and says why, both log it, and it goes on when the clock is right',
    async (_, by) => {
      two = await TwoNodes.start({ config: often });
      const { sender, receiver } = two;
      await listsCrossed();
      receiver.clockShift = by * minute;
      await until('it was noticed', async () => (await seenBy(sender, receiver)).hello.error === 'CLOCK_SKEW');
      const id = await send([photo()]);
      await until('the lane waits', () => sender.waits().length >= 3);
      expect(sender.waits().map(({ code }) => code)).toEqual(sender.waits().map(() => 'CLOCK_SKEW'));
      const view = await seenBy(sender, receiver);
      expect(view).toMatchObject({ standing: 'wrong', lane: { state: 'waiting', queued: 1, lastError: 'CLOCK_SKEW' } });
      expect(view.problems).toContain('CLOCK_SKEW');
      expect(Math.abs(view.hello.skewMs! - by * minute)).toBeLessThan(5_000);
      expect(await receiver.rows('SELECT jti FROM inbox')).toEqual([]);
      expect(await receiver.logged('envelope.refused')).toEqual([]);

      // Once a minute, however often it is measured.
      const [logged, ...more] = await sender.logged('clock.refused');
      expect(more).toEqual([]);
      expect(logged!.subject).toMatchObject({ behind: by < 0 ? 'peer' : 'us', peer: receiver.node });
      expect(Math.abs(logged!.subject.milliseconds - 10 * minute)).toBeLessThan(5_000);
      expect(await receiver.logged('clock.refused')).toHaveLength(1);

      receiver.clockShift = 0;
      await settled(id, 'received');
      await until('it is fine', async () => (await seenBy(sender, receiver)).standing === 'fine');
    },
  );

  it('a minute apart is none of it', async () => {
    two = await TwoNodes.start({ config: often });
    two.receiver.clockShift = minute;
    await settled(await send(), 'received');
    expect(two.sender.waits()).toEqual([]);
    expect(await two.sender.logged('clock.refused')).toEqual([]);
  });
});

describe('agreements', () => {
  const next = (content: AgreementContent, over: Partial<AgreementContent> = {}): AgreementContent => ({
    ...content,
    version: 2,
    previous: two.sender.gateway.agreements.all()[0]!.ref.digest,
    ...over,
  });

  it('a version that one side has imported reaches the other', async () => {
    two = await TwoNodes.start();
    const { sender, receiver } = two;
    await until('they have met', async () => (await seenBy(sender, receiver)).hello.measuredAt !== null);
    const second = await receiver.gateway.agreements.import(two.signed(next(two.agreement)));
    await until('it is here', () => sender.gateway.agreements.all().some(({ ref }) => ref.version === 2));
    expect(sender.gateway.agreements.underRef(second.ref).bytes).toEqual(second.bytes);
    expect((await sender.logged('agreement.imported')).at(-1)!.subject.agreement).toEqual(second.ref);
    expect(inForce(sender.gateway.agreements.current(receiver.node, sender.now()), sender.now())).toBe(true);
  });

  it('of several versions the older come first', async () => {
    two = await TwoNodes.prepare();
    const { sender, receiver } = two;
    const { agreements } = sender.gateway;
    for (const version of [2, 3, 4]) {
      const previous = agreements.all().at(-1)!.ref.digest;
      await agreements.import(two.signed({ ...two.agreement, version, previous }));
    }
    await receiver.start();
    await sender.start();
    await until('all are here', () => receiver.gateway.agreements.all().length === 4);
    expect((await receiver.logged('agreement.imported')).map(({ subject }) => subject.agreement.version)).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it('what this node has not signed, what forks and what is none are refused, each by its code', async () => {
    two = await TwoNodes.start();
    const { sender, receiver, absent } = two;
    const sealOf = (node: PeerNode) => ({ node: node.node, seal: node.keys.seals[0]! });
    const absentSeal = { node: absent.node, seal: absent.keyStore.load().seals[0]! };
    // Somebody writes a text in everybody's name, under a root of his own for us.
    const stolen = next(two.agreement, { title: '另一份协议' });
    const parties = stolen.parties.map((party) =>
      party.node === receiver.node ? { ...party, anchors: two.agreement.parties[0]!.anchors } : party,
    );
    const forSomebodyElse = { ...stolen, id: 'others', version: 1, previous: null, parties };
    const unsigned = agreementFileBytes({
      agreement: stolen,
      signatures: [sender].map((node) => ({ node: node.node, jws: signAgreement(stolen, node.keys.seals[0]!) })),
    });
    const good = two.signed(next(two.agreement));
    const fork = two.signed(next(two.agreement, { title: '同号另文' }));
    const gap = two.signed({ ...next(two.agreement), version: 7 });
    const files = [
      unsigned,
      sealedBy(forSomebodyElse, [sealOf(sender), { ...sealOf(sender), node: receiver.node }, absentSeal]),
      Buffer.from('{}'),
      gap,
      good,
      good,
      fork,
    ];
    const answer = (await call('OfferAgreements', { files })) as { outcomes: { digest: string; code: string }[] };
    expect(answer.outcomes.map(({ code }) => code)).toEqual([
      'AGREEMENT_SIGNATURE_INVALID',
      'AGREEMENT_SIGNATURE_INVALID',
      'AGREEMENT_MALFORMED',
      'AGREEMENT_VERSION_GAP',
      '',
      '',
      'AGREEMENT_FORKED',
    ]);
    expect(answer.outcomes.map(({ digest }) => digest)).toEqual(files.map((file) => digestOf(file)));
    expect(receiver.gateway.agreements.all()).toHaveLength(2);
    await call('OfferAgreements', { files });
    const logged = (await receiver.logged('agreement.refused')).map(({ subject }) => subject.code);
    expect(logged.filter((code) => code === 'AGREEMENT_FORKED')).toHaveLength(1);
    expect(logged.filter((code) => code === 'AGREEMENT_SIGNATURE_INVALID')).toHaveLength(2);
  });

  it('a version that the peer refuses is offered once; one that it can’t take now, again, and nothing waits for it', async () => {
    two = await TwoNodes.start({ config: often });
    const { sender, receiver } = two;
    await listsCrossed();
    const taking = jest.spyOn(receiver.gateway.agreements, 'import');
    taking.mockRejectedValue(new GatewayError('AGREEMENT_SIGNATURE_INVALID', {}));
    // To begin in a year: what is sent now is sent under the version that both have.
    const from = new Date(Date.now() + 300 * day).toISOString();
    const later = next(two.agreement, { effective: { ...two.agreement.effective, from } });
    await sender.gateway.agreements.import(two.signed(later));
    await until('it was refused', () => sender.log.some((line) => line.includes('agreement-not-taken-by-peer')));
    await pause(2_500); // further Hellos
    expect(taking).toHaveBeenCalledTimes(1);
    await settled(await send(), 'received');

    taking.mockRejectedValue(new GatewayError('DATABASE_UNAVAILABLE', {}));
    await sender.stop();
    await sender.start();
    await until('it was offered', () => sender.log.some((line) => line.includes('agreements-not-offered')));
    await settled(await send(), 'received');
    taking.mockRestore();
    await until('it is there', () => receiver.gateway.agreements.all().length === 2);
  });
});

it('what runs out is told in time, of this node and of its peers, and lists only when they are overdue for renewal', async () => {
  const to = new Date(Date.now() + 4_000 * day).toISOString();
  two = await TwoNodes.start({ agreement: (content) => Object.assign(content.effective, { to }) });
  const { sender, receiver } = two;
  await listsCrossed();
  await until('seen', async () => (await seenBy(sender, receiver)).certificate !== null);
  const told = async (days: number) => {
    sender.clockShift = days * day;
    const all = await sender.gateway.peers.expiries();
    return Object.fromEntries(all.flatMap(({ what, warning }) => (warning === null ? [] : [[what, warning]])));
  };
  expect(await told(0)).toEqual({});
  expect(await told(20)).toEqual({});
  expect(await told(25)).toEqual({ 'own-crl': 7, 'peer-crl': 7 });
  expect(await told(31)).toEqual({ 'own-crl': 0, 'peer-crl': 0 });
  const lists = { 'own-crl': 0, 'peer-crl': 0 };
  expect(await told(699)).toEqual(lists);
  expect(await told(701)).toEqual({ ...lists, seal: 30, node: 30, 'peer-certificate': 30 });
  expect(await told(724)).toEqual({ ...lists, seal: 7, node: 7, 'peer-certificate': 7 });
  expect(await told(729.5)).toEqual({ ...lists, seal: 1, node: 1, 'peer-certificate': 1 });
  expect(await told(731)).toEqual({ ...lists, seal: 0, node: 0, 'peer-certificate': 0 });
  sender.clockShift = 0;
});

describe('a Hello that is too much, or none', () => {
  it('is answered by a code, and changes nothing', async () => {
    two = await TwoNodes.start();
    const many = (n: number, make: (i: number) => unknown) => Array.from({ length: n }, (_, i) => make(i));
    const version = { id: 'x', version: 1, digest: 'x' };
    expect(await call('Hello', greeting({ crls: many(17, () => Buffer.from('x')) }))).toBe('LIMIT_EXCEEDED');
    expect(await call('Hello', greeting({ crls: [Buffer.alloc(7 << 20)] }))).toBe('LIMIT_EXCEEDED');
    expect(await call('Hello', greeting({ crlsHeld: many(17, () => 'x') }))).toBe('LIMIT_EXCEEDED');
    expect(await call('Hello', greeting({ agreements: many(257, () => version) }))).toBe('LIMIT_EXCEEDED');
    expect(await call('OfferAgreements', { files: many(9, () => Buffer.from('x')) })).toBe('LIMIT_EXCEEDED');
    for (const time of ['', 'now', '2026-11-23', '2026-13-45T00:00:00.000Z', '9'.repeat(1000)]) {
      expect(await call('Hello', greeting({ time }))).toBe('VALIDATION_FAILED');
    }
  });

  it('junk in it is left out', async () => {
    two = await TwoNodes.prepare();
    await two.receiver.start();
    const answer = await call(
      'Hello',
      greeting({
        software: 'x\u001b[31m',
        agreements: [{ id: '../x', version: -1, digest: 'x' }],
        crls: [Buffer.from('x')],
        crlsHeld: ['x'],
      }),
    );
    expect(answer).toMatchObject({ refusal: '', agreements: [{ id: 'pinghu-jinshan', version: 1 }] });
    const { hello, versions } = await seenBy(two.receiver, two.sender);
    expect([hello.software, versions]).toEqual(['', 'differ']);
    expect((await two.receiver.logged('crl.refused')).map(({ subject }) => subject.code)).toEqual(['CRL_MALFORMED']);
  });

  it('says nothing of agreements with others', async () => {
    two = await TwoNodes.prepare();
    const { receiver, absent } = two;
    const terms = JSON.parse(JSON.stringify(two.agreement.terms).replaceAll(two.sender.node, absent.node));
    const others = { ...two.agreement, id: 'others', parties: two.agreement.parties.slice(1), terms };
    const seals = [
      { node: receiver.node, seal: receiver.keys.seals[0]! },
      { node: absent.node, seal: absent.keyStore.load().seals[0]! },
    ];
    await receiver.gateway.agreements.import(sealedBy(others, seals));
    await receiver.start();
    const answer = (await call('Hello', greeting())) as { agreements: { id: string }[] };
    expect(answer.agreements.map(({ id }) => id)).toEqual(['pinghu-jinshan']);
  });
});

describe('a test envelope', () => {
  it('goes the whole way in the chain of the others, proves it, and leaves no transfer behind', async () => {
    two = await TwoNodes.start();
    const { sender, receiver } = two;
    const { peers } = sender.gateway;
    await settled(await send([photo()]), 'received');
    const jti = await peers.sendTestEnvelope(receiver.node);
    expect(['queued', 'received']).toContain((await peers.testEnvelopeState(jti)).state);
    await settled(await send([photo()]), 'received');
    expect(await peers.testEnvelopeState(jti)).toMatchObject({ peer: receiver.node, state: 'received', refusal: null });
    const outbox = await sender.rows('SELECT jti, seq, envelope, digest, receipt FROM outbox ORDER BY seq');
    expect(outbox.map(({ seq }) => Number(seq))).toEqual([1, 2, 3]);
    const row = outbox[1]!;
    expect(row.jti).toBe(jti);
    const { claims } = parseEnvelope(String(row.envelope));
    expect(claims).toMatchObject({ kind: 'test', dossier: null, transfer: null, bundle: null, body: {}, seq: 2 });
    const entry = parseLogEntry(openReceiptProof(String(row.receipt), receiver.vkey).entry);
    const { agreement } = claims;
    expect(entry).toMatchObject({
      event: 'envelope.tested',
      subject: { agreement, envelope: row.digest, jti, peer: sender.node, seq: 2 },
    });
    expect(await verdicts(row.envelope, row.receipt)).toEqual(['valid', 'valid']);
    expect(await verdicts(row.envelope, outbox[0]!.receipt)).not.toEqual(['valid', 'valid']);
    expect(await receiver.rows('SELECT id FROM transfer')).toHaveLength(2);
    expect(await receiver.rows('SELECT digest FROM bundle')).toHaveLength(2);
    await expect(peers.testEnvelopeState(String(outbox[0]!.jti))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(peers.sendTestEnvelope('songjiang.310117')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('waits with its lane, and says why', async () => {
    two = await TwoNodes.prepare();
    await two.sender.start();
    const { peers } = two.sender.gateway;
    const jti = await peers.sendTestEnvelope(two.receiver.node);
    await until('it waits', async () => (await peers.testEnvelopeState(jti)).lastError === 'PEER_UNREACHABLE');
    expect(await peers.testEnvelopeState(jti)).toMatchObject({ state: 'queued', settledAt: null });
    const queue = (await peers.test(two.receiver.node)).find(({ hop }) => hop === 'queue') as HopResult;
    expect(queue).toMatchObject({ state: 'wrong', code: 'WAITING', params: { queued: 1, error: 'PEER_UNREACHABLE' } });
    await two.receiver.start();
    await until('it came through', async () => (await peers.testEnvelopeState(jti)).state === 'received');
  });
});
