import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMysqlSchema } from '../support/databases';
import { checkExchange, type SentCase } from '../support/exchange-invariants';
import { FaultPair, seeded, seededBytes } from '../support/fault-nodes';
import { until } from '../support/peer-nodes';
import { tellAndWithdraw } from '../support/team';

jest.setTimeout(120_000);

type Side = 'sender' | 'receiver';

/** Every step of every path, with the side that reaches it; `#n` where a step is reached for different reasons. */
const onSqlite: [Side, string][] = [
  ['sender', 'upload:appended'],
  ['sender', 'upload:synced'],
  ['sender', 'upload:renamed'],
  ['sender', 'log:append'], // the draft
  ['sender', 'log:append#2'], // its first file
  ['sender', 'command:1-permitted'], // sign
  ['sender', 'command:before-commit'],
  ['sender', 'command:after-commit'],
  ['sender', 'send:1-permitted'],
  ['sender', 'send:2-evaluated'],
  ['sender', 'send:3-signed'],
  ['sender', 'send:4-saved'],
  ['sender', 'log:append#9'], // transfer.sent
  ['sender', 'send:4-before-commit'],
  ['sender', 'send:4-after-commit'],
  ['sender', 'deliver:announced'],
  ['sender', 'deliver:pushed'],
  ['sender', 'deliver:pushed#2'],
  ['sender', 'deliver:before-call'],
  ['sender', 'deliver:answered'],
  ['sender', 'log:append#11'], // receipt.stored
  ['sender', 'deliver:before-commit'],
  ['sender', 'deliver:after-commit'],
  // What the receiver says comes back the other way.
  ['sender', 'receive:4-before-commit'],
  ['sender', 'receive:4-after-commit'],
  ['sender', 'receive:5-proven'],
  ['sender', 'command:before-commit#6'], // withdraw
  ['sender', 'deliver:answered#2'],
  ['sender', 'log:integrate:before-commit'],
  ['sender', 'log:integrate:after-commit'],
  ['receiver', 'upload:appended'],
  ['receiver', 'upload:synced'],
  ['receiver', 'upload:renamed'],
  ['receiver', 'upload:renamed#2'],
  ['receiver', 'receive:1-opened'],
  ['receiver', 'receive:3-checked'],
  ['receiver', 'log:append'],
  ['receiver', 'receive:4-before-commit'],
  ['receiver', 'receive:4-after-commit'],
  ['receiver', 'log:integrate:before-commit'],
  ['receiver', 'log:integrate:after-commit'],
  ['receiver', 'receive:5-proven'],
  ['receiver', 'command:before-commit'], // sign-for
  ['receiver', 'command:after-commit'],
  ['receiver', 'deliver:answered'],
  ['receiver', 'deliver:after-commit'],
  ['receiver', 'receive:4-before-commit#2'], // withdraw
  ['receiver', 'command:before-commit#3'], // attest-disposal
];

/** On the other engine those steps at which a transaction is open or has just ended. */
const onMysql = onSqlite.filter(([, step]) =>
  /4-saved|answered$|before-commit(#2)?$|deliver:after-commit|receive:4-after-commit/.test(step),
);

/** Reached without a transfer under way: scheduler.spec.ts. */
const elsewhere = ['schedule:before-commit', 'schedule:after-commit'];

const libs = join(__dirname, '../../libs');

it('every step that the code publishes is killed at', () => {
  const sources = (readdirSync(libs, { recursive: true }) as string[]).filter((file) => /\/src\/.*\.ts$/.test(file));
  const published = sources.flatMap((file) =>
    [...readFileSync(join(libs, file), 'utf8').matchAll(/\bstep\('(\w+)',\s*'([^']+)'\)/g)].map(
      ([, path, at]) => `${path}:${at}`,
    ),
  );
  expect(published.length).toBeGreaterThan(15);
  const killedAt = new Set([...onSqlite.map(([, step]) => step.split('#')[0]), ...elsewhere]);
  expect([...new Set(published)].filter((step) => !killedAt.has(step))).toEqual([]);
});

const server = process.env.JIEQIAO_TEST_MYSQL;

describe.each([['sqlite', onSqlite], ...(server ? ([['mysql', onMysql]] as const) : [])] as const)(
  'a node on %s killed at a step',
  (engine, steps) => {
    const random = seeded(1);
    const sent: SentCase[] = [];
    const schemas: { url: string; drop(): Promise<void> }[] = [];
    let pair: FaultPair;
    let broken = '';

    beforeAll(async () => {
      if (engine === 'mysql') for (let i = 0; i < 2; i++) schemas.push(await createMysqlSchema(server!));
      pair = await FaultPair.start(engine === 'mysql' ? [schemas[0]!.url, schemas[1]!.url] : undefined);
      // Signed in, connected, the first checkpoints signed: from here on a transfer takes the same steps each time.
      sent.push(await tellAndWithdraw('first', await pair.teams.sender.send('first', []), pair.teams));
    });

    afterAll(async () => {
      await pair.close();
      for (const schema of schemas) await schema.drop();
    });

    it.each(steps)('%s at %s: the transfer is there exactly once', async (side, step) => {
      // What one step breaks would only make every later one wait in vain.
      if (broken) throw new Error(`not tried after the failure at ${broken}`);
      broken = step;
      const victim = pair[side];
      const before = victim.kills;
      const key = `${engine}-${side}-${step}`.replace(/[^a-z0-9-]/g, '-');
      const files = ['一.jpg', '二.jpg'].map((fileName) => ({ fileName, content: seededBytes(random, 5_000) }));
      victim.arm(step);
      const done = await tellAndWithdraw(key, await pair.teams.sender.send(key, files), pair.teams);
      await until(`${side} was killed at ${step}`, () => victim.kills === before + 1);
      expect(victim.armed).toBe(false);
      await victim.up();
      await pair.teams.sender.command(done.id, key, 'seal-keeper', 'send');
      await pair.teams.receiver.command(done.id, key, 'clerk', 'sign-for');
      sent.push(done);
      await checkExchange(pair.sender.checked, pair.receiver.checked, sent);
      expect(victim.kills).toBe(before + 1);
      broken = '';
    });
  },
);
