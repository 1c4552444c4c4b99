import {
  type AgreementContent,
  agreementFileBytes,
  encodeVkey,
  nextVersion,
  openReceiptProof,
  parseAgreement,
  parseEnvelope,
  parseLogEntry,
  partyFromCard,
  signAgreement,
} from '@jieqiao/core';
import { cardOf } from '../support/agreement';
import { databases, type TestDatabase } from '../support/databases';
import { describedNode, leadBetween, makePeerNode, type PeerNode, pause, TwoNodes, until } from '../support/peer-nodes';

let two: TwoNodes;
let jiashan: PeerNode;
let used: TestDatabase[];
/** Ends the stream between the two, in good order or because the test is over. */
let joined: boolean;
let gone: boolean;
beforeEach(() => {
  joined = false;
  gone = false;
});
afterEach(async () => {
  gone = true;
  await jiashan?.stop();
  await two.close();
  for (const test of used) await test.drop();
}, 30_000);

/** What two agreed on in one direction, for every ordered pair. */
function termsFor(terms: AgreementContent['terms'], nodes: readonly string[]): AgreementContent['terms'] {
  const [direction] = terms.directions as Record<string, unknown>[];
  const pairs = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => ({ ...direction, from, to })));
  return { ...terms, directions: pairs };
}

async function delivered(from: PeerNode, to: PeerNode): Promise<string> {
  const id = await from.draft([], leadBetween(from.node, to.node));
  await from.send(id);
  await until(`${from.node} to ${to.node}`, async () => (await from.view(id)).delivery.state === 'received', 30_000);
  return id;
}

it.each(databases())(
  'on %s, Jiashan joins two who exchange, and all six directions work',
  async (_name, create) => {
    used = [await create(), await create(), await create()];
    const urls = used.map(({ url }) => url);
    const config: Parameters<typeof makePeerNode>[3] = (settings) => {
      settings.databaseUrl = urls.shift()!;
      settings.peer.helloSeconds = 1;
    };
    two = await TwoNodes.start({
      config,
      agreement: (content) => Object.assign(content, { parties: content.parties.slice(0, 2) }),
    });
    const { sender: jinshan, receiver: pinghu } = two;
    jiashan = await makePeerNode(two.dir, 'jiashan.330421', '嘉善县综合行政执法局', config);
    // Up without any agreement: people can come, peers can't.
    await jiashan.start();
    expect(jiashan.gateway.agreements.all()).toEqual([]);

    const sent: string[] = [];
    const traffic = (async () => {
      while (!joined && !gone) {
        sent.push(await delivered(jinshan, pinghu));
        await pause(50);
      }
    })();
    await until('the two exchange', () => sent.length >= 3, 30_000);

    const before = parseAgreement(two.signed());
    const nodes = [jinshan, pinghu, jiashan];
    const content = nextVersion(before, {
      title: '平湖金山嘉善执法互认协议',
      effective: { ...before.content.effective, from: new Date(Date.now() + 500).toISOString() },
      parties: [...before.content.parties, partyFromCard(cardOf(describedNode(jiashan)))],
      terms: termsFor(
        before.content.terms,
        nodes.map(({ node }) => node),
      ),
    });
    const signatures = nodes.map(({ node, keys }) => ({ node, jws: signAgreement(content, keys.seals[0]!) }));
    const file = agreementFileBytes({ agreement: content, signatures });
    // The one who joins imports the file, and so does one of the two; the other is given it by a peer.
    await jiashan.gateway.agreements.import(file);
    await jinshan.gateway.agreements.import(file);
    await until('Pinghu has the version', () => pinghu.gateway.agreements.all().length === 2, 30_000);

    // Envelopes state whole seconds.
    await until('the version is in force', () => Date.now() >= Date.parse(content.effective.from) + 1_000);

    for (const from of nodes) {
      for (const to of nodes.filter((node) => node !== from)) {
        const id = await delivered(from, to);
        const { claims } = parseEnvelope(await from.envelope(id));
        expect(claims).toMatchObject({ iss: from.node, aud: to.node, agreement: { version: 2 } });
        const { logVkey } = content.parties.find(({ node }) => node === to.node)!;
        expect(logVkey).toBe(encodeVkey(to.keys.logs[0]!.key));
        const entry = parseLogEntry(openReceiptProof(await from.receipt(id), logVkey).entry);
        expect(entry).toMatchObject({ event: 'envelope.received', node: to.node, subject: { transfer: id } });
      }
    }
    joined = true;
    await traffic;
    const envelopes = await Promise.all(sent.map((id) => jinshan.envelope(id)));
    const versions = envelopes.map((envelope) => parseEnvelope(envelope).claims.agreement.version);
    // Without a pause, under the version of two and then under that of three.
    expect([...new Set(versions)]).toEqual([1, 2]);
    for (const node of nodes) {
      expect(await node.rows("SELECT jti FROM outbox WHERE state <> 'received'")).toEqual([]);
      expect(await node.logged('envelope.refused')).toEqual([]);
      expect((await node.logged('agreement.imported')).map(({ subject }) => subject.agreement.version).at(-1)).toBe(2);
    }
  },
  120_000,
);
