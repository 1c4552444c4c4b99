import { randomBytes } from 'node:crypto';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import type { Person, Role } from '@jieqiao/access';
import { parseFilingStatement, verifyFilingProof } from '@jieqiao/core';
import { ActQuestion } from '@jieqiao/delivery';
import type { FilingInput, FilingView, SameActOptions } from '@jieqiao/exchange';
import type { TlsIdentity } from '@jieqiao/platform';
import { type ActDescription, actOf, askedElements } from '@jieqiao/recognition';
import { databases, type TestDatabase } from '../support/databases';
import { impersonate, loadExchange, type PeerNode, TwoNodes, type TwoNodesOptions } from '../support/peer-nodes';

jest.setTimeout(90_000);

const handler: Person = {
  id: '0193569e-7b2c-7000-8000-00000000000a',
  login: 'handler',
  name: '执法人员甲',
  roles: ['handler'],
  certNo: null,
  unit: null,
  qualifiedSince: null,
};
const place = { code: '310116', name: '界河', longitude: 121.0158, latitude: 30.8846, datum: 'WGS-84' as const };
/** S4: mud tipped from a vessel in the river that is the line. */
const s4 = {
  family: 'river-pollution',
  act: { from: '2022-09-14T22:15:00+08:00', to: '2022-09-14T22:15:00+08:00', place },
  parties: [{ kind: 'organisation' as const, name: '平运货0001', vessel: '平运货0001' }],
};
/** The same as the other side saw it: later, on the other side of midnight and of a cell's edge, and spelt otherwise. */
const s4Seen: ActDescription = {
  family: 'river-pollution',
  act: { from: '2022-09-15T00:20:00+08:00', place: { longitude: 121.0203, latitude: 30.8861 } },
  parties: [{ kind: 'organisation', vessel: '平运货 ０００１' }],
};
const filing = (number: string, over: Partial<FilingInput> = {}): FilingInput => ({
  ...s4,
  number,
  authority: '上海市金山区城市管理行政执法局',
  ...over,
});
/** Elements of the question about `s4Seen`. */
const asked = askedElements(actOf(s4Seen)).length;

let two: TwoNodes;
let used: TestDatabase[] = [];
afterEach(async () => {
  await two?.close();
  for (const test of used) await test.drop();
  used = [];
}, 30_000);

const register = (node: PeerNode, input: FilingInput): Promise<FilingView> =>
  node.gateway.filings.register(handler, input);
const find = (node: PeerNode, act: ActDescription = s4Seen, options?: SameActOptions) =>
  node.gateway.sameAct.find(act, options);
const subjects = async (node: PeerNode, event: 'acts.asked' | 'acts.compared') =>
  (await node.logged(event)).map(({ subject }) => subject);

/** A call as any other implementation would make it: the answer, or the error's details. */
async function call(message: object, identity: TlsIdentity = two.sender.tls): Promise<unknown> {
  const { receiver } = two;
  const ca = Buffer.from(receiver.keys.roots.map((root) => root.toPem()).join(''));
  const client = new (loadExchange())(
    `127.0.0.1:${receiver.config.peer.grpcPort}`,
    credentials.createSsl(ca, Buffer.from(identity.key), Buffer.from(identity.cert), {
      checkServerIdentity: () => undefined,
    }),
  );
  try {
    return await new Promise((resolve) => {
      client.compareActs!(message, { deadline: Date.now() + 10_000 }, (error: ServiceError | null, answer: object) =>
        resolve(error ? error.details : answer),
      );
    });
  } finally {
    client.close();
  }
}

describe.each(databases())('two nodes on %s', (_name, create) => {
  beforeEach(async () => {
    used = [await create(), await create()];
    const urls = used.map(({ url }) => url);
    two = await TwoNodes.start({
      config: (config) => {
        config.databaseUrl = urls.shift()!;
      },
    });
  }, 60_000);

  it('find what the other has filed, by its attested time, and prove it; both logs say that they asked', async () => {
    const { sender, receiver } = two;
    const first = await register(sender, filing('金综执立字〔2022〕第31号'));
    const second = await register(receiver, filing('平综执立字〔2022〕第7号', { authority: '平湖市综合行政执法局' }));
    const both = [
      { node: sender.node, number: first.number, filedAt: first.attestation!.at },
      { node: receiver.node, number: second.number, filedAt: second.attestation!.at },
    ];
    expect(await find(sender)).toEqual({ filings: both, unanswered: [] });
    expect(await find(receiver)).toEqual({ filings: both, unanswered: [] });
    expect(await subjects(sender, 'acts.compared')).toEqual([
      { code: null, elements: asked, matches: 1, peer: receiver.node },
    ]);
    expect(await subjects(receiver, 'acts.asked')).toEqual([{ code: null, elements: asked, peer: sender.node }]);

    const { statement, proof } = await sender.gateway.filings.proof(handler, first.id);
    const attested = verifyFilingProof(proof, Buffer.from(statement), sender.vkey);
    expect(attested).toMatchObject({ attestedAt: first.attestation!.at, digest: first.attestation!.statement });
    expect(parseFilingStatement(Buffer.from(statement))).toMatchObject({ number: first.number, node: sender.node });
    // Nothing in either log says whom it was about.
    for (const node of two.both) {
      const entries = await node.rows('SELECT entry FROM log_entry');
      expect(entries.map(({ entry }) => Buffer.from(entry as Buffer).toString()).join()).not.toMatch(
        /平运货|第31号|121\.0/,
      );
    }
  });

  it('find nothing of another party, time, place or family, and of what was withdrawn or handed over', async () => {
    const { sender, receiver } = two;
    const view = await register(receiver, filing('第1号'));
    const none = { filings: [], unanswered: [] };
    const vessel = { kind: 'organisation' as const, vessel: '平运货0002' };
    expect(await find(sender, { ...s4, parties: [vessel] })).toEqual(none);
    expect(await find(sender, { ...s4, act: { ...s4.act, from: '2022-09-18T00:00:00+08:00', to: undefined } })).toEqual(
      none,
    );
    expect(await find(sender, { ...s4, act: { ...s4.act, place: { longitude: 121.2, latitude: 30.8846 } } })).toEqual(
      none,
    );
    expect(await find(sender, { ...s4, family: 'street-vending' })).toEqual(none);
    // Not in the agreement: not asked either.
    expect(await find(sender, { ...s4, family: 'noise' })).toEqual(none);
    expect(await find(sender, { ...s4, parties: [{ kind: 'unknown' }] })).toEqual(none);
    expect((await find(sender)).filings).toHaveLength(1);

    await receiver.gateway.filings.close(handler, view.id, 'withdrawn');
    expect(await find(sender, s4)).toEqual(none);
    expect(await find(receiver, s4)).toEqual(none);
    const decided = await register(receiver, filing('第2号'));
    await receiver.gateway.filings.close(handler, decided.id, 'decided');
    expect((await find(sender, s4, { fresh: true })).filings.map(({ number }) => number)).toEqual(['第2号']);
  });

  it('find the one among many, and each of several', async () => {
    const { sender, receiver } = two;
    const vessel = (n: number) => [{ kind: 'organisation' as const, vessel: `平运货${1000 + n}` }];
    // More than tags are made of at once.
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => register(receiver, filing(`第${n}号`, { parties: vessel(n) }))),
    );
    expect((await find(sender, { ...s4, parties: vessel(17) })).filings.map(({ number }) => number)).toEqual([
      '第17号',
    ]);
    await register(receiver, filing('又一号', { parties: vessel(17) }));
    const again = await find(sender, { ...s4, parties: vessel(17) }, { fresh: true });
    expect(again.filings.map(({ number }) => number)).toEqual(['第17号', '又一号']);
  });

  it('leave out what came of the very transfer', async () => {
    const { sender, receiver } = two;
    const transfer = await sender.draft();
    const own = await register(sender, filing('第1号', { transfer }));
    expect((await find(sender, s4)).filings).toHaveLength(1);
    expect(await find(sender, s4, { transfer })).toEqual({ filings: [], unanswered: [] });
    // The peer to whom it goes can tell as well; nobody else could.
    expect((await find(receiver)).filings).toHaveLength(1);
    expect(await find(receiver, s4Seen, { transfer })).toEqual({ filings: [], unanswered: [] });
    expect((await sender.gateway.filings.list(handler, { transfer, limit: 10 })).items).toEqual([own]);
  });

  it('give a filing whose proof was not kept in time the same proof later, and find it meanwhile', async () => {
    const { sender, receiver } = two;
    const view = await register(receiver, filing('第1号'));
    const kept = await receiver.gateway.filings.proof(handler, view.id);
    // As it stands when the process is killed between the commit and the proof.
    const forget = () =>
      receiver.gateway.db.transaction((tx) =>
        tx.query('UPDATE filing SET attested_at = NULL, proof = NULL, proof_digest = NULL'),
      );
    await forget();
    const found = { node: receiver.node, number: view.number, filedAt: view.attestation!.at };
    expect(await find(sender)).toEqual({ filings: [found], unanswered: [] });
    await forget();
    expect(await find(receiver)).toEqual({ filings: [found], unanswered: [] });
    await forget();
    expect(await receiver.gateway.filings.get(handler, view.id)).toEqual(view);
    expect(await receiver.gateway.filings.proof(handler, view.id)).toEqual(kept);
  });

  it('let those register, close and read who may', async () => {
    const { filings } = two.receiver.gateway;
    const as = (role: Role): Person => ({ ...handler, roles: [role] });
    const view = await filings.register(as('head'), filing('第1号'));
    for (const role of ['squad-lead', 'legal-reviewer', 'seal-keeper', 'clerk', 'supervisor'] as const) {
      await expect(filings.register(as(role), filing('第2号'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(filings.close(as(role), view.id, 'decided')).rejects.toMatchObject({ code: 'FORBIDDEN' });
      expect((await filings.list(as(role), { limit: 10 })).items).toEqual([view]);
    }
    for (const role of ['administrator', 'security-auditor'] as const) {
      for (const attempt of [
        () => filings.register(as(role), filing('第2号')),
        () => filings.close(as(role), view.id, 'decided'),
        () => filings.list(as(role), { limit: 10 }),
        () => filings.get(as(role), view.id),
        () => filings.proof(as(role), view.id),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ code: 'FORBIDDEN' });
      }
    }
  });

  it('refuse what they have to refuse, in so many words, and give nothing', async () => {
    const { receiver } = two;
    await register(receiver, filing('第1号'));
    const { request } = await ActQuestion.about(askedElements(actOf(s4Seen)), randomBytes);
    const [point] = request.blinded as Buffer[];
    const notAPoint = Buffer.concat([Buffer.from([2]), Buffer.alloc(31), Buffer.from([4])]);
    expect(await call({ ...request, blinded: [] })).toBe('VALIDATION_FAILED');
    expect(await call({ ...request, months: ['2022-13'] })).toBe('VALIDATION_FAILED');
    expect(await call({ ...request, blinded: [point!.subarray(1)] })).toBe('VALIDATION_FAILED');
    expect(await call({ ...request, blinded: [point, notAPoint] })).toBe('VALIDATION_FAILED');
    expect(await call({ ...request, blinded: Array(513).fill(point) })).toBe('LIMIT_EXCEEDED');
    expect(await call({ ...request, months: Array.from({ length: 15 }, (_, i) => `20${10 + i}-01`) })).toBe(
      'LIMIT_EXCEEDED',
    );
    // The absent party has an agreement with the two, and no direction.
    expect(await call(request, two.absent.keyStore.load().tls([], new Date()))).toBe('AGREEMENT_MISSING');
    // Only what was evaluated, or was about to be, counts as asked.
    expect(await subjects(receiver, 'acts.asked')).toEqual([{ code: null, elements: 2, peer: two.sender.node }]);
  });

  it('answer so many elements an hour, whoever answers; the first refusal is logged', async () => {
    const { sender, receiver } = two;
    const limit = receiver.config.peer.actElementsPerHour;
    // In the middle of an hour, so that none begins meanwhile.
    const hourMs = 3_600_000;
    const shift = hourMs * 1.5 - (Date.now() % hourMs);
    for (const node of two.both) node.clockShift = shift;
    const { request } = await ActQuestion.about([{ month: '2022-09', text: 'x' }], randomBytes);
    const [point] = request.blinded as Buffer[];
    // Up to three elements of the limit were asked before, on whatever process.
    const hour = new Date(Math.floor(receiver.now().getTime() / hourMs) * hourMs).toISOString();
    await receiver.gateway.db.transaction((tx) =>
      tx.query('INSERT INTO act_quota (peer, direction, hour, elements, refused) VALUES (?, ?, ?, ?, 0)', [
        sender.node,
        'in',
        hour,
        limit - 3,
      ]),
    );
    expect(await call({ ...request, blinded: [point, point, point, point] })).toBe('TOO_MANY_REQUESTS');
    expect(await call({ ...request, blinded: [point, point] })).toMatchObject({ tags: [] });
    expect(await call({ ...request, blinded: [point, point] })).toBe('TOO_MANY_REQUESTS');
    expect(await subjects(receiver, 'acts.asked')).toEqual([
      { code: 'TOO_MANY_REQUESTS', elements: 4, peer: sender.node },
      { code: null, elements: 2, peer: sender.node },
    ]);
    expect(await find(sender)).toEqual({ filings: [], unanswered: [receiver.node] });
    expect(await subjects(sender, 'acts.compared')).toEqual([
      { code: 'TOO_MANY_REQUESTS', elements: asked, matches: 0, peer: receiver.node },
    ]);
    for (const node of two.both) node.clockShift = shift + hourMs;
    expect(await call({ ...request, blinded: [point, point] })).toMatchObject({ tags: [] });
  });

  it('go on with a new secret: tags are made again, and have nothing in common with those before', async () => {
    const { sender, receiver } = two;
    await register(receiver, filing('第1号'));
    expect((await find(sender)).filings).toHaveLength(1);
    const tags = async () =>
      (await receiver.rows('SELECT tag FROM filing_tag WHERE owner = ?', [sender.node])).map(({ tag }) => tag);
    const before = await tags();
    receiver.keyStore.renewActSecret();
    await receiver.gateway.refresh();
    expect((await find(sender, s4)).filings).toHaveLength(1);
    const after = await tags();
    expect(after).toHaveLength(before.length);
    expect(after.filter((tag) => before.includes(tag))).toEqual([]);
  });
});

describe('a peer that does not answer', () => {
  const start = async (options: TwoNodesOptions = {}) => {
    two = await TwoNodes.prepare({
      config: (config) => {
        config.lane.callTimeoutMs = 1_500;
      },
      ...options,
    });
    await two.sender.start();
  };

  it('is down: unanswered, logged, and asked again when it is back', async () => {
    await start();
    const { sender, receiver } = two;
    const own = await register(sender, filing('第1号'));
    const mine = { node: sender.node, number: own.number, filedAt: own.attestation!.at };
    expect(await find(sender)).toEqual({ filings: [mine], unanswered: [receiver.node] });
    expect(await subjects(sender, 'acts.compared')).toEqual([
      { code: 'PEER_UNREACHABLE', elements: asked, matches: 0, peer: receiver.node },
    ]);
    await receiver.start();
    expect(await find(sender, s4Seen, { fresh: true })).toEqual({ filings: [mine], unanswered: [] });
  });

  it.each([
    ['has older software', undefined, 'PEER_UNREACHABLE'],
    ['answers with nothing', () => ({}), 'COMPARISON_INVALID'],
    [
      'evaluates with another key than it says',
      ({ blinded }: { blinded: Buffer[] }) => ({
        key: blinded[0],
        evaluated: blinded,
        proofs: [Buffer.alloc(64, 1)],
        tags: [],
      }),
      'COMPARISON_INVALID',
    ],
  ])('%s', async (_what, compareActs, code) => {
    await start();
    const { sender, receiver } = two;
    const impostor = await impersonate(receiver, (compareActs ? { compareActs } : {}) as object);
    try {
      expect(await find(sender)).toEqual({ filings: [], unanswered: [receiver.node] });
      const logged = await subjects(sender, 'acts.compared');
      expect(logged).toEqual([{ code, elements: asked, matches: 0, peer: receiver.node }]);
    } finally {
      impostor.stop();
    }
  });

  it('is asked once for two who ask at once, and its answer is kept for a moment', async () => {
    two = await TwoNodes.start();
    const { sender, receiver } = two;
    await Promise.all([find(sender), find(sender)]);
    await find(sender);
    expect(await subjects(receiver, 'acts.asked')).toHaveLength(1);
    await find(sender, s4Seen, { fresh: true });
    expect(await subjects(receiver, 'acts.asked')).toHaveLength(2);
  });
});
