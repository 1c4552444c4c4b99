import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@jieqiao/platform';
import { Gateway } from '../../apps/gateway/src/gateway';
import { agreementOf, sealedBy } from '../support/agreement';
import { databases, type TestDatabase } from '../support/databases';
import { sampleTerms } from '../support/exchange-fixture';
import { describedNode, leadBetween, makePeerNode, type PeerNode, until } from '../support/peer-nodes';

const day = 86_400_000;
let dir: string;
let used: TestDatabase[];
let nodes: PeerNode[];
afterEach(async () => {
  for (const node of nodes) await node.stop();
  for (const test of used) await test.drop();
  rmSync(dir, { recursive: true, force: true });
}, 30_000);

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

it.each(databases())(
  'on %s, running nodes take up the agreement that another process imports',
  async (_name, create) => {
    dir = mkdtempSync(join(tmpdir(), 'jieqiao-live-'));
    used = [await create(), await create()];
    const make = (node: string, authority: string, at: number) =>
      makePeerNode(dir, node, authority, (config) => void Object.assign(config, { databaseUrl: used[at]!.url }));
    const jinshan = await make('jinshan.310116', '上海市金山区城市管理行政执法局', 0);
    const pinghu = await make('pinghu.330482', '平湖市综合行政执法局', 1);
    nodes = [jinshan, pinghu];
    for (const node of nodes) await node.start();
    const ports = nodes.flatMap(({ config }) => [config.peer.grpcPort, config.peer.blobPort]);
    expect(await Promise.all(ports.map(listens))).toEqual([false, false, false, false]);
    await expect(jinshan.draft([], leadBetween(jinshan.node, pinghu.node))).rejects.toMatchObject({
      code: 'AGREEMENT_MISSING',
    });

    const effective = {
      from: new Date(Date.now() - day).toISOString(),
      to: new Date(Date.now() + 365 * day).toISOString(),
    };
    const content = agreementOf(nodes.map(describedNode), { effective, terms: sampleTerms() });
    const file = sealedBy(
      content,
      nodes.map(({ node, keys }) => ({ node, seal: keys.seals[0]! })),
    );
    for (const { config } of nodes) {
      // As `jieqiao agreement import` does it, beside the running node.
      const beside = await Gateway.open(
        { ...config, instance: 'command-line' },
        createLogger('silent', config.node),
        () => new Date(),
      );
      await beside.agreements.import(file);
      await beside.stop();
    }
    for (const port of ports) await until(`port ${port} is open`, () => listens(port));
    for (const [from, to] of [
      [jinshan, pinghu],
      [pinghu, jinshan],
    ] as const) {
      const id = await from.draft([], leadBetween(from.node, to.node));
      await from.send(id);
      await until('delivered', async () => (await from.view(id)).delivery.state === 'received');
    }

    // When the agreement has ended there is nobody left to be believed, and nobody is listened to.
    for (const node of nodes) node.clockShift = 400 * day;
    for (const port of ports) await until(`port ${port} is closed`, async () => !(await listens(port)));
    for (const node of nodes) node.clockShift = 0;
    for (const port of ports) await until(`port ${port} is open again`, () => listens(port));
  },
  60_000,
);
