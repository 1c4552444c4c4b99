import { createMysqlSchema } from '../support/databases';
import { checkExchange, type SentCase } from '../support/exchange-invariants';
import { FaultPair, seeded, seededBytes } from '../support/fault-nodes';
import { pause } from '../support/peer-nodes';
import { PrivateMariadb } from '../support/private-mariadb';
import { tellAndWithdraw } from '../support/team';

jest.setTimeout(300_000);

const crashes = 4;

it('a database server that dies under load loses and doubles nothing', async () => {
  const server = await PrivateMariadb.start();
  if (!server) {
    console.warn('!!! NOT TESTED: no mariadbd to crash; install mariadb-server');
    return;
  }
  const pair = await FaultPair.start([
    (await createMysqlSchema(server.url)).url,
    (await createMysqlSchema(server.url)).url,
  ]);
  const random = seeded(2);
  const sent: SentCase[] = [];
  let loading = true;
  let failure: unknown = null;
  try {
    const load = Array.from({ length: 6 }, async (_, officer) => {
      for (let i = 0; loading && failure === null; i++) {
        const files = Array.from({ length: i % 3 }, (_, k) => ({
          fileName: `证据-${k}.jpg`,
          content: seededBytes(random, 20_000),
        }));
        const key = `crash-${officer}-${i}`;
        try {
          const done = await pair.teams.sender.send(key, files);
          sent.push(i % 2 === 0 ? await tellAndWithdraw(key, done, pair.teams, 60_000) : done);
        } catch (error) {
          failure = error;
        }
      }
    });
    for (let i = 0; i < crashes; i++) {
      const before = sent.length;
      await pause(300 + random() * 700);
      await server.crash();
      await pause(random() * 500);
      await server.run();
      while (sent.length === before && failure === null) await pause(20);
    }
    loading = false;
    await Promise.all(load);
    if (failure !== null) throw failure;
    for (const { id } of sent.filter(({ ended }) => !ended)) await pair.teams.sender.delivered(id, 60_000);
    await checkExchange(pair.sender.checked, pair.receiver.checked, sent);
    // The nodes themselves lived through it.
    expect(pair.both.map((node) => node.kills)).toEqual([0, 0]);
  } catch (error) {
    loading = false;
    console.error(`logs in ${pair.dir}`);
    for (const node of pair.both) node.abandon();
    await server.remove();
    throw error;
  }
  await pair.close();
  await server.remove();
  console.info(`${crashes} crashes of the database server, ${sent.length} transfers`);
});
