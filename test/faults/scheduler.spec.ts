import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidv7 } from '@jieqiao/core';
import { Database } from '@jieqiao/platform';
import { entities } from '../../apps/gateway/src/gateway';
import type { TransferLife } from '../../libs/exchange/src/transfer/life';
import { ClockSide, loggedEvents } from '../support/clock-side';
import { databases } from '../support/databases';
import { cn, TransferPair } from '../support/transfer-pair';

jest.setTimeout(120_000);

const newId = () => uuidv7(Date.now(), randomBytes(10));

/** The receiver's, with the feedback sent: what is left is the sender's word, or its silence. */
function answered(): TransferLife {
  const pair = new TransferPair('LEAD', false, newId());
  pair.send(cn('2022-10-10 09:00'));
  pair.arrive(cn('2022-10-10 09:01'));
  pair.accept(cn('2022-10-10 15:00'));
  pair.do('receiver', 'head', 'not-file', cn('2022-10-11 10:00'), { data: { ground: 'corrected', text: '已改正' } });
  pair.do('receiver', 'head', 'feedback', cn('2022-10-11 11:00'), { data: { outcome: 'education' } });
  return pair.lives.receiver;
}

/** The receiver's, signed for and never accepted. */
function forgotten(): TransferLife {
  const pair = new TransferPair('CASE', false, newId());
  pair.send(cn('2022-10-10 09:00'));
  pair.arrive(cn('2022-10-10 09:01'));
  return pair.lives.receiver;
}

describe.each(databases())('a scheduler on %s killed at a step', (_, create) => {
  it.each(['schedule:before-commit#2', 'schedule:after-commit#2'])(
    '%s: the next one goes on, and tells nothing twice',
    async (step) => {
      const test = await create();
      const dir = mkdtempSync(join(tmpdir(), 'scheduler-'));
      const fault = join(dir, 'fault');
      const db = await Database.open(test.url, entities, () => new Date());
      const side = new ClockSide(db, cn('2022-10-11 11:00'));
      const [late, silent] = [forgotten(), answered()];
      for (const life of [late, silent]) await side.sync(life);
      // SQLite's file is the child's as long as it runs; this connection only rests.
      const run = (at: string) =>
        spawnSync(
          process.execPath,
          [
            ...['--require', join(__dirname, 'kill-at.cjs')],
            ...[join(__dirname, 'scheduler-process.cjs'), test.url, cn(at)],
          ],
          { encoding: 'utf8', env: { ...process.env, JIEQIAO_FAULT_FILE: fault } },
        );
      writeFileSync(fault, step);
      const killed = run('2022-10-26 00:01');
      expect([killed.signal, killed.stderr]).toEqual(['SIGKILL', '']);
      expect(existsSync(fault)).toBe(false);

      const first = run('2022-10-26 00:01');
      const second = run('2022-10-26 00:30');
      expect([first.stderr, second.stderr]).toEqual(['', '']);
      const again = [first, second].map(({ stdout }) => JSON.parse(stdout));
      // Killed between commit and call, the node is asked a little later; it is asked until it has done it.
      expect(again[1]).toEqual([[silent.transfer, 'confirmation']]);
      expect(await side.items(late.transfer)).toMatchObject([{ kind: 'OVERDUE', clock: 'acceptance', state: 'open' }]);
      expect(await side.items(silent.transfer)).toEqual([]);
      const overdue = await loggedEvents(db, 'clock.overdue');
      expect(overdue.map(({ clock, transfer }) => [clock, transfer]).sort()).toEqual(
        [
          ['acceptance', late.transfer],
          ['confirmation', silent.transfer],
        ].sort(),
      );
      await db.close();
      await test.drop();
      rmSync(dir, { recursive: true, force: true });
    },
  );
});
