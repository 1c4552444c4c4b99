import { createMysqlSchema } from '../support/databases';
import { checkExchange, type SentCase } from '../support/exchange-invariants';
import { FaultPair, seeded, seededBytes } from '../support/fault-nodes';
import { pause } from '../support/peer-nodes';
import { tellAndWithdraw } from '../support/team';

/**
 * Power cuts at any moment: while officers send case after case and the receiver answers, both nodes are killed again and again, each by its own
 * clock, sometimes before they are even up. `JIEQIAO_FAULT_KILLS` says how often in all (`npm run test:faults`: 1000).
 * Moments and contents come from JIEQIAO_FAULT_SEED, which a failure prints.
 */
const allKills = Number(process.env.JIEQIAO_FAULT_KILLS || 40);
const seed = Number(process.env.JIEQIAO_FAULT_SEED || Math.floor(Math.random() * 2 ** 31));
const officers = 6;

const server = process.env.JIEQIAO_TEST_MYSQL;
const engines: [engine: string, kills: number][] = server
  ? [
      ['sqlite', Math.ceil(allKills * 0.6)],
      ['mysql', Math.floor(allKills * 0.4)],
    ]
  : [['sqlite', allKills]];

jest.setTimeout(120_000 + allKills * 10_000);

it.each(engines)('on %s, %i power cuts lose nothing and double nothing', async (engine, kills) => {
  const began = Date.now();
  const schemas = engine === 'mysql' ? [await createMysqlSchema(server!), await createMysqlSchema(server!)] : null;
  const pair = await FaultPair.start(schemas ? [schemas[0]!.url, schemas[1]!.url] : undefined);
  const random = seeded(seed);
  const sent: SentCase[] = [];
  let left = kills;
  let failure: unknown = null;

  const officer = async (number: number): Promise<void> => {
    const mine = seeded(Math.floor(random() * 2 ** 31));
    const { sender } = pair.teams;
    for (let i = 0; left > 0 && failure === null; i++) {
      const key = `officer-${number}-case-${i}`;
      const files = Array.from({ length: Math.floor(mine() * 4) }, (_, k) => {
        // From an empty file to one that takes several pieces.
        const content = seededBytes(mine, [0, 1_000, 20_000, 120_000][Math.floor(mine() * 4)]!);
        return { fileName: `证据-${k}.jpg`, content };
      });
      const done = await sender.send(key, files, 50_000);
      sent.push(mine() < 0.5 ? await tellAndWithdraw(key, done, pair.teams, 120_000) : done);
      if (mine() < 0.2) await sender.command(done.id, key, 'seal-keeper', 'send');
    }
  };

  const killer = async (node: 'sender' | 'receiver'): Promise<void> => {
    const mine = seeded(Math.floor(random() * 2 ** 31));
    let startMs = 1_000;
    while (left > 0 && failure === null) {
      // One in five hits a node that is starting; the others live as long as their start took, or less.
      if (mine() < 0.8) {
        const since = Date.now();
        await pair[node].up();
        startMs = Math.max(500, Date.now() - since);
        await pause(mine() * startMs);
      } else await pause(mine() * startMs);
      const before = pair[node].kills;
      pair[node].kill();
      while (pair[node].kills === before) await pause(5);
      left--;
    }
  };

  try {
    const all = [
      ...Array.from({ length: officers }, (_, i) => officer(i)),
      ...(['sender', 'receiver'] as const).map(killer),
    ];
    await Promise.all(
      all.map((work) =>
        work.catch((error: unknown) => {
          failure ??= error;
        }),
      ),
    );
    if (failure !== null) throw failure;
    await Promise.all(pair.both.map((node) => node.up()));
    for (const { id } of sent.filter(({ ended }) => !ended)) await pair.teams.sender.delivered(id, 60_000);
    await checkExchange(pair.sender.checked, pair.receiver.checked, sent);
    expect(pair.sender.kills + pair.receiver.kills).toBeGreaterThanOrEqual(kills);
    expect(sent.length).toBeGreaterThan(kills / 5);
  } catch (error) {
    console.error(`again with: JIEQIAO_FAULT_SEED=${seed} JIEQIAO_FAULT_KILLS=${allKills}; logs in ${pair.dir}`);
    for (const node of pair.both) node.abandon();
    throw error;
  }
  await pair.close();
  for (const schema of schemas ?? []) await schema.drop();
  const repetitions = pair.teams.sender.repetitions + pair.teams.receiver.repetitions;
  const seconds = Math.round((Date.now() - began) / 1000);
  console.info(
    `${engine}: ${pair.sender.kills} + ${pair.receiver.kills} power cuts, ${sent.length} transfers, ` +
      `${repetitions} repetitions by people, ${seconds} s, seed ${seed}`,
  );
});
