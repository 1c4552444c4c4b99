import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Person, Role } from '@jieqiao/access';
import { uuidv7 } from '@jieqiao/core';
import type { DeadlineCursor, DeadlineView } from '@jieqiao/exchange';
import { Database } from '@jieqiao/platform';
import { type TransferKind, transferClocks, transferKinds } from '@jieqiao/recognition';
import fc from 'fast-check';
import { entities } from '../../apps/gateway/src/gateway';
import { isRefusal } from '../../libs/exchange/src/transfer/apply';
import { clockName, isPaused, standingOf } from '../../libs/exchange/src/transfer/clocks';
import type { StateMessage } from '../../libs/exchange/src/transfer/command-data';
import type { TransferLife } from '../../libs/exchange/src/transfer/life';
import type { Side } from '../../libs/exchange/src/transfer/lifecycle';
import { ClockSide, loggedEvents } from '../support/clock-side';
import { databases, type TestDatabase } from '../support/databases';
import { rowsOf } from '../support/exchange-fixture';
import {
  allClocks,
  begin,
  type Choice,
  choices,
  dataFor,
  factsFor,
  legal,
  minute,
  personFor,
  span,
  stages,
  startPair,
  wild,
} from '../support/random-life';
import { bundleOf, cn, digestFor, TransferPair } from '../support/transfer-pair';

const newId = () => uuidv7(Date.now(), randomBytes(10));
const person = (...roles: Role[]): Person => {
  return { id: newId(), login: roles[0]!, name: roles[0]!, roles, certNo: null, unit: null, qualifiedSince: null };
};
const supervisor = person('supervisor');
const everything = { limit: 100 };

describe.each(databases())('clocks on %s', (engine, create) => {
  let test: TestDatabase;
  let db: Database;
  let side: ClockSide;

  beforeAll(async () => {
    test = await create();
    db = await Database.open(test.url, entities, () => new Date());
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });
  beforeEach(async () => {
    for (const table of ['clock', 'reminder', 'supervision_item', 'log_entry', 'lease']) {
      await db.transaction((tx) => tx.query(`DELETE FROM ${table}`));
    }
    side = new ClockSide(db, cn('2022-09-01 09:00'));
  });

  const newPair = (kind: TransferKind, urgent = false) => new TransferPair(kind, urgent, newId());
  const at = async (time: string, life: TransferLife) => {
    side.now = cn(time);
    await side.sync(life);
  };
  const tick = async (time: string) => {
    side.now = cn(time);
    while (await side.scheduler().tick());
  };
  const listed = async (filter: object = {}) =>
    (await side.deadlines.list(supervisor, { ...everything, ...filter })).items;
  const deadline = async (clock: string) => (await listed()).find((each) => each.clock === clock);
  const filing = (time: string) => ({ number: '金综执立〔2022〕第9号', at: cn(time), proof: digestFor('token') });

  /** Accepted and filed on 2022-10-18; to be decided by 2023-01-16. */
  const filed = async () => {
    const pair = newPair('CASE');
    pair.send(cn('2022-10-10 09:00'));
    pair.arrive(cn('2022-10-10 09:01'));
    pair.accept(cn('2022-10-14 15:00'));
    pair.do('receiver', 'head', 'file', cn('2022-10-18 10:00'), { data: { filing: filing('2022-10-18 10:00') } });
    pair.deliverAll();
    await at('2022-10-18 10:00', pair.lives.receiver);
    return pair;
  };

  describe("S2's dates", () => {
    it('three working days after 2022-09-30 end on 2022-10-10, the supplement is due 2022-10-12, the decision 2023-01-16', async () => {
      const s2 = newPair('CASE');
      s2.send(cn('2022-09-26 09:00'));
      s2.arrive(cn('2022-09-26 09:01'));
      s2.do('receiver', 'handler', 'find-not-ours', cn('2022-09-30 09:30'));
      s2.do('receiver', 'legal-reviewer', 'request-supplement', cn('2022-09-30 10:00'), {
        data: { rules: ['R07', 'R08', 'R10'], missing: ['制作人'] },
      });
      s2.deliverAll();
      await at('2022-09-30 10:01', s2.lives.receiver);
      expect((await deadline('forwarding'))?.due).toEqual({ day: '2022-10-10', at: cn('2022-10-11 00:00') });
      expect(await deadline('supplement')).toMatchObject({
        owner: 'sender',
        side: 'receiver',
        due: { day: '2022-10-12' },
        length: { unit: 'working-days', amount: 5, rolls: false },
        left: 5,
        overdue: false,
        basis: { law: '互认协议', article: '时限' },
      });
      // Held by the supplement: nobody can say when it ends, but what is left of it.
      expect(await deadline('acceptance')).toMatchObject({
        due: null,
        left: 2,
        paused: { since: cn('2022-09-30 10:00'), by: 'receiver' },
        fault: null,
      });

      s2.do('sender', 'seal-keeper', 'answer-supplement', cn('2022-10-11 15:00'), { data: bundleOf('v2') });
      s2.deliverAll();
      await at('2022-10-11 15:01', s2.lives.receiver);
      expect(await deadline('supplement')).toBeUndefined();
      expect(await deadline('acceptance')).toMatchObject({ due: { day: '2022-10-13' }, paused: null });
      const rows = await side.rows(s2.lives.receiver.transfer);
      expect(rows.find(({ clock }) => clock === 'supplement')).toMatchObject({
        stoppedAt: cn('2022-10-11 15:00'),
        stoppedBy: 'sender',
        stoppedWith: 'answer-supplement',
        overdue: false,
        nextAt: null,
      });

      const case2 = await filed();
      expect(await deadline('decision')).toMatchObject({
        transfer: case2.lives.receiver.transfer,
        due: { day: '2023-01-16' },
        length: { unit: 'calendar-days', amount: 90 },
        left: 90,
        basis: { law: '行政处罚法', article: '60' },
      });
    });
  });

  describe('reminders and overdue', () => {
    it('come once each, to the roles of the side that must act, and are in the log', async () => {
      const { transfer } = (await filed()).lives.receiver;
      await tick('2023-01-06 08:59');
      expect(await side.reminders(transfer)).toEqual([]);
      for (const time of [
        '2023-01-06 09:00',
        '2023-01-06 09:01',
        '2023-01-13 09:30',
        '2023-01-16 23:59',
        '2023-01-17 00:00',
      ]) {
        await tick(time);
      }
      const reminders = await side.reminders(transfer);
      expect(reminders.map(({ remindAt, role }) => `${remindAt} ${role}`)).toEqual(
        ['2023-01-06 09:00', '2023-01-13 09:00', '2023-01-16 09:00'].flatMap((time) => [
          `${cn(time)} handler`,
          `${cn(time)} head`,
        ]),
      );
      expect(await side.items(transfer)).toEqual([]);
      side.now = new Date(Date.parse(cn('2023-01-17 00:00')) + 1).toISOString();
      await side.scheduler().tick();
      await tick('2023-03-01 09:00');
      expect(await side.items(transfer)).toMatchObject([{ kind: 'OVERDUE', clock: 'decision', state: 'open' }]);
      expect(await loggedEvents(db, 'clock.reminded')).toHaveLength(3);
      expect(await loggedEvents(db, 'clock.overdue')).toEqual([
        { clock: 'decision', matter: null, owner: 'receiver', transfer },
      ]);
      const [row] = (await side.rows(transfer)).filter(({ clock }) => clock === 'decision');
      expect(row).toMatchObject({ overdue: true, reminded: 3, nextAt: null });
    });

    it('after downtime: of the reminders that were missed the last, and what ran out meanwhile', async () => {
      const { transfer } = (await filed()).lives.receiver;
      await tick('2023-01-14 10:00');
      expect((await side.reminders(transfer)).map(({ remindAt }) => remindAt)).toEqual([
        cn('2023-01-13 09:00'),
        cn('2023-01-13 09:00'),
      ]);
      await tick('2023-02-20 10:00');
      expect(await side.reminders(transfer)).toHaveLength(2);
      expect(await side.items(transfer)).toHaveLength(1);
      expect((await side.rows(transfer)).filter(({ nextAt }) => nextAt !== null)).toEqual([]);
    });

    it('what others owe is looked at, shown and put before the supervisor, but nobody is reminded of it', async () => {
      const pair = newPair('CASE');
      pair.send(cn('2022-10-10 09:00'));
      pair.arrive(cn('2022-10-10 09:01'));
      const { transfer } = pair.lives.sender;
      await at('2022-10-10 09:02', pair.lives.sender);
      await tick('2022-10-18 00:01');
      expect(await side.reminders(transfer)).toEqual([]);
      expect(await side.items(transfer)).toMatchObject([{ kind: 'OVERDUE', clock: 'acceptance', state: 'open' }]);
      expect(await deadline('acceptance')).toMatchObject({ owner: 'receiver', side: 'sender', overdue: true, left: 0 });
    });

    it('what stops the clock closes the item, says who and with what, and ends the reminders', async () => {
      const pair = await filed();
      const { transfer } = pair.lives.receiver;
      await tick('2023-01-18 09:00');
      pair.do('receiver', 'head', 'decide', cn('2023-01-18 10:00'), {
        data: { number: '金综执罚〔2023〕第1号', step: '一般', noticedAt: cn('2022-12-01 09:00'), waived: true },
      });
      await at('2023-01-18 10:00', pair.lives.receiver);
      expect(await side.items(transfer)).toMatchObject([
        {
          kind: 'OVERDUE',
          state: 'closed',
          closedAt: cn('2023-01-18 10:00'),
          closedBy: 'receiver',
          closedWith: 'decide',
        },
      ]);
      expect((await side.deadlines.reminders(person('handler'), everything)).items).toEqual([]);
      const decision = (await side.rows(transfer)).find(({ clock }) => clock === 'decision');
      expect(decision).toMatchObject({ overdue: true, stoppedWith: 'decide' });
    });

    it('a clock that was stopped too late while nobody looked has an item all the same, closed', async () => {
      const pair = await filed();
      pair.do('receiver', 'head', 'decide', cn('2023-01-18 10:00'), {
        data: { number: '金综执罚〔2023〕第1号', step: '一般', noticedAt: cn('2022-12-01 09:00'), waived: true },
      });
      await at('2023-01-18 10:00', pair.lives.receiver);
      const items = await side.items(pair.lives.receiver.transfer);
      expect(items).toMatchObject([{ kind: 'OVERDUE', clock: 'decision', state: 'closed', closedWith: 'decide' }]);
      expect(await loggedEvents(db, 'clock.overdue')).toHaveLength(1);
    });

    it('a message that was in time but came late takes the flag back', async () => {
      const pair = newPair('CASE');
      pair.send(cn('2022-10-10 09:00'));
      pair.arrive(cn('2022-10-10 09:01'));
      pair.do('receiver', 'handler', 'propose-acceptance', cn('2022-10-14 15:00'));
      pair.do('receiver', 'legal-reviewer', 'accept', cn('2022-10-14 15:00'));
      const { transfer } = pair.lives.sender;
      await at('2022-10-10 09:02', pair.lives.sender);
      await tick('2022-10-18 00:01');
      expect(await side.items(transfer)).toMatchObject([{ state: 'open' }]);
      pair.deliverAll();
      await at('2022-10-19 09:00', pair.lives.sender);
      expect(await side.items(transfer)).toMatchObject([
        { state: 'closed', closedBy: 'receiver', closedWith: 'accept' },
      ]);
      expect((await side.rows(transfer)).find(({ clock }) => clock === 'acceptance')).toMatchObject({ overdue: false });
    });

    it('an urgent act before approval has an item until it is approved', async () => {
      const pair = newPair('LEAD', true);
      pair.sendUrgently(cn('2022-08-18 23:46'));
      const { transfer } = pair.lives.sender;
      await at('2022-08-18 23:50', pair.lives.sender);
      expect(await side.items(transfer)).toMatchObject([{ kind: 'AFTERWARDS', state: 'open' }]);
      await tick('2022-08-19 23:50');
      expect((await side.items(transfer)).map(({ kind }) => kind).sort()).toContain('OVERDUE');
      pair.deliver('sender');
      pair.do('sender', 'squad-lead', 'give-opinion-afterwards', cn('2022-08-20 09:00'));
      pair.do('sender', 'legal-reviewer', 'give-opinion-afterwards', cn('2022-08-20 09:01'));
      pair.do('sender', 'head', 'approve-afterwards', cn('2022-08-20 09:02'));
      await at('2022-08-20 09:02', pair.lives.sender);
      const items = (await side.items(transfer)).filter(({ clock }) => clock === 'approval-afterwards');
      expect(items.map(({ closedWith, kind, state }) => [kind, state, closedWith])).toEqual([
        ['AFTERWARDS', 'closed', 'approve-afterwards'],
        ['OVERDUE', 'closed', 'approve-afterwards'],
      ]);
    });

    it('a year without a table of holidays: no end, no guess, looked at again every day', async () => {
      const pair = newPair('CASE');
      pair.send(cn('2030-03-01 09:00'));
      pair.arrive(cn('2030-03-01 09:01'));
      const { transfer } = pair.lives.receiver;
      await at('2030-03-01 09:02', pair.lives.receiver);
      const row = async () => (await side.rows(transfer)).find(({ clock }) => clock === 'acceptance');
      expect(await row()).toMatchObject({ dueAt: null, fault: 'no-holiday-table', nextAt: cn('2030-03-02 09:02') });
      expect(await deadline('acceptance')).toMatchObject({
        due: null,
        left: null,
        overdue: false,
        fault: { reason: 'no-holiday-table', year: 2030 },
      });
      await tick('2030-05-02 10:00');
      expect(await row()).toMatchObject({ dueAt: null, overdue: false, nextAt: cn('2030-05-03 10:00') });
      expect(await side.reminders(transfer)).toEqual([]);
    });

    it("times that a peer names can't keep its message from being stored", async () => {
      const pair = newPair('CASE');
      pair.send(cn('2022-10-10 09:00'));
      pair.arrive(cn('2022-10-10 09:01'));
      pair.accept(cn('2022-10-14 15:00'));
      // Before the statute that the clock rests on.
      pair.do('receiver', 'head', 'file', cn('2022-10-18 10:00'), { data: { filing: filing('1993-01-01 10:00') } });
      pair.deliverAll();
      await at('2022-10-18 10:00', pair.lives.sender);
      expect(await deadline('decision')).toMatchObject({
        due: null,
        length: null,
        fault: { reason: 'no-clock-in-force' },
      });
      await tick('2022-10-20 10:00');
      expect(side.warnings).toEqual([]);
    });

    it("an agreement's own length counts, and a day set in writing", async () => {
      const pair = newPair('ASSIST');
      pair.send(cn('2024-06-03 09:00'));
      pair.arrive(cn('2024-06-03 09:01'));
      pair.do('receiver', 'head', 'extend-matter', cn('2024-06-12 09:00'), {
        data: { matter: 3, until: '2024-06-28', text: '经营人外出' },
      });
      const rows = transferClocks.map((row) =>
        row.id === 'assist-reply' ? { ...row, clock: { ...row.clock, amount: 20 } } : row,
      );
      side.now = cn('2024-06-12 09:00');
      await side.sync(pair.lives.receiver, rows);
      const matters = (await listed())
        .filter(({ clock }) => clock === 'assist-reply')
        .sort((a, b) => a.matter! - b.matter!);
      expect(matters.map(({ due, left, matter }) => [matter, due?.day, left])).toEqual([
        [1, '2024-06-24', 12],
        [2, '2024-06-24', 12],
        [3, '2024-06-28', null],
      ]);
      // Sixteen days: of the reminders ten days, three days before and on the day, the first falls into a time without a look.
      for (const time of ['2024-06-25 09:00', '2024-06-27 09:00', '2024-06-28 09:00']) await tick(time);
      const { transfer } = pair.lives.receiver;
      expect((await side.items(transfer)).map(({ clock }) => clock)).toEqual(['assist-reply', 'assist-reply']);
      const third = (await side.reminders(transfer)).filter(({ clockId }) => clockId === matters[2]!.id);
      expect(third.map(({ remindAt, role }) => `${remindAt} ${role}`)).toEqual(
        ['2024-06-25 09:00', '2024-06-28 09:00'].flatMap((time) => [`${cn(time)} handler`, `${cn(time)} head`]),
      );
    });
  });

  describe('silence', () => {
    const answered = async (owner: Side) => {
      const pair = newPair('LEAD');
      pair.send(cn('2022-10-10 09:00'));
      pair.arrive(cn('2022-10-10 09:01'));
      pair.accept(cn('2022-10-10 15:00'));
      pair.do('receiver', 'head', 'not-file', cn('2022-10-11 10:00'), {
        data: { ground: 'corrected', text: '已改正' },
      });
      pair.do('receiver', 'head', 'feedback', cn('2022-10-11 11:00'), { data: { outcome: 'education' } });
      pair.deliverAll();
      await at('2022-10-11 11:00', pair.lives[owner]);
      return pair;
    };

    it('the receiving node is asked for its command after the commit, and again until it has given it', async () => {
      const pair = await answered('receiver');
      const { transfer } = pair.lives.receiver;
      side.onOverdue = async () => {
        // Committed by then: another connection sees it.
        expect(await deadline('confirmation')).toMatchObject({ overdue: true });
        throw new Error('not yet');
      };
      await tick('2022-10-25 09:00');
      expect(side.asked).toEqual([]);
      await tick('2022-10-26 00:01');
      await tick('2022-10-26 00:01');
      expect(side.asked).toHaveLength(1);
      expect(side.warnings).toHaveLength(1);
      side.onOverdue = async () => {
        pair.do('receiver', 'node', 'close-by-silence', side.now);
        await side.sync(pair.lives.receiver);
      };
      await tick('2022-10-26 01:00');
      await tick('2022-10-28 01:00');
      expect(side.asked).toEqual([
        [transfer, 'confirmation'],
        [transfer, 'confirmation'],
      ]);
      expect(pair.lives.receiver.agreed.state).toBe('CLOSED');
      // Nothing was owed any more: no item, and nobody was late.
      expect(await side.items(transfer)).toEqual([]);
    });

    it('the sender waits for the word of the receiver', async () => {
      const pair = await answered('sender');
      for (const time of ['2022-10-25 10:00', '2022-10-26 00:01', '2022-12-26 00:01']) await tick(time);
      expect(side.asked).toEqual([]);
      expect(await side.items(pair.lives.sender.transfer)).toEqual([]);
      expect((await side.reminders(pair.lives.sender.transfer)).map(({ role }) => role)).toEqual(['handler']);
    });
  });

  describe('several schedulers', () => {
    /** Their own connections where the engine has several. */
    const another = async () => (engine === 'sqlite' ? db : Database.open(test.url, entities, () => new Date()));

    it('on one database fire each clock once', async () => {
      const transfers: string[] = [];
      for (let i = 0; i < 20; i++) transfers.push((await filed()).lives.receiver.transfer);
      const other = new ClockSide(await another(), side.now);
      for (const time of ['2023-01-06 09:00', '2023-01-13 09:00', '2023-01-17 00:01']) {
        side.now = cn(time);
        other.now = cn(time);
        // A lease that lasts no time: only the fencing and the rows keep them apart.
        const pair = [
          side.scheduler('one', { leaseMs: 0, batch: 3 }),
          other.scheduler('two', { leaseMs: 0, batch: 3 }),
        ];
        const run = async (scheduler: (typeof pair)[number]) => {
          for (let more = true; more; ) {
            more = await scheduler.tick().catch((error: { code?: string }) => {
              if (error.code !== 'LEASE_LOST') throw error;
              return true;
            });
          }
        };
        await Promise.all(pair.map(run));
        while (await side.scheduler('three').tick());
      }
      if (other.db !== db) await other.db.close();
      const count = async (table: string) => Number((await rowsOf(db, `SELECT COUNT(*) AS n FROM ${table}`))[0]!.n);
      expect(await count('reminder')).toBe(20 * 2 * 2);
      expect(await count('supervision_item')).toBe(20);
      const overdue = await loggedEvents(db, 'clock.overdue');
      expect(overdue.map(({ transfer }) => transfer).sort()).toEqual([...transfers].sort());
      expect(await loggedEvents(db, 'clock.reminded')).toHaveLength(40);
    });

    it('one that has lost its lease without knowing fires nothing', async () => {
      const { transfer } = (await filed()).lives.receiver;
      side.now = cn('2023-01-06 09:00');
      const first = side.scheduler('one', { leaseMs: 1_000 });
      expect(await first.tick()).toBe(false);
      expect(await side.reminders(transfer)).toHaveLength(2);
      side.now = cn('2023-01-13 09:00');
      const second = side.scheduler('two', { leaseMs: 1_000 });
      // Takes the lease over, and finds the clock before the first does.
      await second.tick();
      const later = (await filed()).lives.receiver.transfer;
      side.now = cn('2023-01-13 09:01');
      await db.transaction((tx) =>
        tx.query('UPDATE clock SET next_at = ? WHERE transfer_id = ? AND clock = ?', [side.now, later, 'decision']),
      );
      await expect(first.tick()).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(await side.reminders(transfer)).toHaveLength(4);
      expect(await first.tick()).toBe(false);
    });

    it('goes on by itself while it runs, and with the others when one clock can’t be looked at', async () => {
      const [broken, fine] = [(await filed()).lives.receiver.transfer, (await filed()).lives.receiver.transfer];
      await db.transaction((tx) =>
        tx.query("UPDATE clock SET pauses = 'x', next_at = ? WHERE transfer_id = ? AND clock = ?", [
          cn('2023-01-01 00:00'),
          broken,
          'decision',
        ]),
      );
      side.now = cn('2023-01-06 09:00');
      const scheduler = side.scheduler('one', { batch: 1 });
      scheduler.start();
      while ((await side.reminders(fine)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await scheduler.stop();
      expect(side.warnings).toHaveLength(1);
      await db.transaction((tx) => tx.query('DELETE FROM clock WHERE transfer_id = ?', [broken]));
    });
  });

  describe('what people see and do', () => {
    it('lists running clocks in pages by their end, those without one last, each once', async () => {
      for (let i = 0; i < 3; i++) await filed();
      const paused = newPair('CASE');
      paused.send(cn('2022-10-17 09:00'));
      paused.arrive(cn('2022-10-17 09:01'), cn('2022-10-17 09:30'));
      paused.do('receiver', 'legal-reviewer', 'request-supplement', cn('2022-10-18 09:00'), {
        data: { rules: ['R07'], missing: ['制作人'] },
      });
      await at('2022-10-18 10:00', paused.lives.receiver);
      const all = await listed();
      expect(all.map(({ clock }) => clock)).toEqual(['supplement', 'decision', 'decision', 'decision', 'acceptance']);
      for (const limit of [1, 2, 3, 4, 5]) {
        const seen: DeadlineView[] = [];
        for (let after: DeadlineCursor | undefined, first = true; first || after; first = false) {
          const page = await side.deadlines.list(supervisor, { limit, ...(after ? { after } : {}) });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items);
          after = page.next ?? undefined;
        }
        expect(seen).toEqual(all);
      }
      side.now = cn('2022-10-26 09:00');
      expect((await listed({ overdue: true })).map(({ clock }) => clock)).toEqual(['supplement']);
      expect((await listed({ overdue: false })).map(({ clock }) => clock)).toEqual([
        ...['decision', 'decision', 'decision'],
        'acceptance',
      ]);
      expect((await listed({ before: cn('2022-11-01 00:00') })).map(({ clock }) => clock)).toEqual(['supplement']);
      const ofTransfer = await db.read((tx) => side.deadlines.ofTransfer(tx, paused.lives.receiver.transfer));
      expect(ofTransfer.map(({ clock, stopped }) => [clock, stopped?.command ?? null])).toEqual([
        ['delivery', 'deliver'],
        ['receipt', 'sign-for'],
        ['acceptance', null],
        ['supplement', null],
      ]);
    });

    it('a supervisor closes an item for good; the text stays in the table', async () => {
      const pair = await filed();
      const { transfer } = pair.lives.receiver;
      await tick('2023-01-18 09:00');
      const { items } = await side.deadlines.supervisionItems(person('squad-lead'), { ...everything, state: 'open' });
      expect(items).toMatchObject([
        { kind: 'OVERDUE', transfer, clock: { clock: 'decision', overdue: true }, closed: null },
      ]);
      const { id } = items[0]!;
      await expect(side.deadlines.closeSupervisionItem(person('head'), id, '已催办')).rejects.toMatchObject({
        code: 'FORBIDDEN',
      });
      const closed = await side.deadlines.closeSupervisionItem(supervisor, id, '已催办');
      expect(closed.closed).toMatchObject({ person: supervisor.id, note: '已催办', by: null });
      await expect(side.deadlines.closeSupervisionItem(supervisor, id, '再办')).rejects.toMatchObject({
        code: 'WRONG_STATE',
      });
      expect(await loggedEvents(db, 'supervision.closed')).toEqual([{ item: id, person: supervisor.id, transfer }]);
      expect(JSON.stringify(await rowsOf(db, 'SELECT entry FROM log_entry'))).not.toContain('催');
      await tick('2023-01-19 09:00');
      await at('2023-01-19 09:00', pair.lives.receiver);
      expect(await side.items(transfer)).toMatchObject([{ state: 'closed', note: '已催办' }]);
      const page = await side.deadlines.supervisionItems(supervisor, { ...everything, state: 'closed' });
      expect(page.items.map((item) => item.id)).toEqual([id]);
    });

    it('a message that was refused for good comes before the supervisor once', async () => {
      const refused = { transfer: newId(), message: newId(), code: 'BUNDLE_MALFORMED', now: side.now };
      for (let i = 0; i < 2; i++) await db.transaction((tx) => side.clocks.reportRefused(tx, refused));
      const { items } = await side.deadlines.supervisionItems(supervisor, { ...everything, state: 'open' });
      expect(items).toMatchObject([
        { kind: 'REFUSED_MESSAGE', clock: null, message: refused.message, code: 'BUNDLE_MALFORMED' },
      ]);
    });

    it('a reminder is for a role, and gone once one of its people has acknowledged it', async () => {
      await filed();
      await tick('2023-01-06 09:00');
      const [head, handler] = [person('head'), person('handler')];
      const [reminder] = (await side.deadlines.reminders(handler, everything)).items;
      expect(reminder).toMatchObject({
        role: 'handler',
        at: cn('2023-01-06 09:00'),
        clock: { clock: 'decision', left: 11 },
      });
      expect((await side.deadlines.reminders(person('clerk'), everything)).items).toEqual([]);
      await expect(side.deadlines.acknowledge(head, reminder!.id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      expect((await side.deadlines.acknowledge(handler, reminder!.id)).ended).toMatchObject({ person: handler.id });
      // Again, it changes nothing.
      expect((await side.deadlines.acknowledge(person('handler'), reminder!.id)).ended).toMatchObject({
        person: handler.id,
      });
      expect((await side.deadlines.reminders(handler, everything)).items).toEqual([]);
      expect((await side.deadlines.reminders(head, everything)).items).toHaveLength(1);
    });

    it.each(['administrator', 'security-auditor'] as const)('%s sees none of it', async (role) => {
      const nobody = person(role);
      const calls = [
        side.deadlines.list(nobody, everything),
        side.deadlines.supervisionItems(nobody, { ...everything, state: 'open' }),
        side.deadlines.closeSupervisionItem(nobody, newId(), 'x'),
        side.deadlines.reminders(nobody, everything),
        side.deadlines.acknowledge(nobody, newId()),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'FORBIDDEN' });
    });
  });

  it('whatever happens, the rows are the standings, and nothing is told twice', async () => {
    const kinds = fc.constantFrom<TransferKind>('LEAD', 'CASE', 'CASE', 'LEAD', ...transferKinds);
    const ticks = fc.array(fc.boolean(), { minLength: 20, maxLength: 20 });
    const walks = fc.asyncProperty(kinds, fc.constantFrom(...Object.keys(stages)), choices, ticks, walk);
    await fc.assert(walks, { numRuns: 12 });
  }, 300_000);

  /** Both sides of one transfer in one database, each under a name of its own, with clocks that only go forward. */
  async function walk(
    kind: TransferKind,
    stage: string,
    steps: readonly Choice[],
    ticks: readonly boolean[],
  ): Promise<void> {
    const aliases: Record<Side, string> = { sender: newId(), receiver: newId() };
    let now = begin;
    const time = () => new Date(Math.min(begin + span, Math.max(begin, now))).toISOString();
    side.now = time();
    const pair = startPair(kind, stage, time(), newId());
    const lost: StateMessage[] = [];
    for (const [i, step] of steps.slice(0, 60).entries()) {
      now += step.passes * minute;
      if (side.now < time()) side.now = time();
      if (ticks[i % ticks.length]) while (await side.scheduler().tick());
      move(pair, step, time(), lost);
      for (const mine of ['sender', 'receiver'] as const) {
        const life = { ...pair.lives[mine], transfer: aliases[mine] };
        await side.sync(life);
        await checkRows(life);
      }
    }
    for (const mine of ['sender', 'receiver'] as const)
      await checkTold({ ...pair.lives[mine], transfer: aliases[mine] });
  }

  function move(pair: TransferPair, step: Choice, time: string, lost: StateMessage[]): void {
    const { side: mine } = step;
    if (step.act === 'deliver') {
      const message = pair.underWay[mine][0];
      if (message && isRefusal(pair.deliver(mine))) lost.push(pair.underWay[mine].shift()!);
    } else if (step.act === 'refuse') {
      const message = pair.underWay.sender.shift();
      if (message) lost.push(message);
    } else if (step.act === 'undo') {
      const message = lost.shift();
      const command = message?.command.startsWith('send') ? 'reject' : 'reject-message';
      if (message)
        pair.try('sender', 'node', command, time, { data: { message: message.id, code: 'BUNDLE_MALFORMED' } });
    } else {
      const { command, role } = step.act === 'legal' ? legal(pair.lives[mine], step) : wild(step);
      const data = dataFor(command, pair, mine, step, time);
      pair.try(mine, role, command, time, { data, facts: factsFor(step), person: personFor(mine, role, step) });
    }
  }

  async function checkRows(life: TransferLife): Promise<void> {
    const rows = await side.rows(life.transfer);
    const expected = allClocks(life).map((clock) => {
      const { due, overdue } = standingOf(clock, life.urgent, side.now);
      return {
        name: clockName(clock),
        owner: clock.owner,
        due: due && new Date(due.at).toISOString(),
        overdue,
        paused: isPaused(clock),
        stopped: clock.stopped,
      };
    });
    const found = rows
      .filter(({ stoppedAt, stoppedBy }) => stoppedAt === null || stoppedBy !== null)
      .map((row) => ({
        name: `${row.clock} ${row.matter ?? ''} ${row.startedBy}`,
        owner: row.owner,
        due: row.dueAt,
        overdue: row.overdue,
        paused: row.pauses.at(-1)?.to === null,
        stopped: row.stoppedAt && { at: row.stoppedAt, by: row.stoppedBy, command: row.stoppedWith },
      }));
    const byName = <T extends { name: string }>(list: T[]) => list.sort((a, b) => (a.name < b.name ? -1 : 1));
    if (!isDeepStrictEqual(byName(found), byName(expected))) expect(byName(found)).toEqual(byName(expected));
    // A clock that still runs will be looked at again, unless only a message or a person can move it.
    const idle = rows.filter(
      (row) => row.stoppedAt === null && row.nextAt === null && !row.overdue && row.dueAt !== null,
    );
    expect(idle).toEqual([]);
  }

  async function checkTold(life: TransferLife): Promise<void> {
    const [rows, reminders, items] = await Promise.all([
      side.rows(life.transfer),
      side.reminders(life.transfer),
      side.items(life.transfer),
    ]);
    const distinct = (values: string[]) => new Set(values).size;
    expect(distinct(reminders.map((r) => `${r.clockId} ${r.remindAt} ${r.role}`))).toBe(reminders.length);
    expect(distinct(items.map((item) => `${item.kind} ${item.subject}`))).toBe(items.length);
    const logged = (await loggedEvents(db, 'clock.reminded')).filter(({ transfer }) => transfer === life.transfer);
    expect(logged.length).toBe(distinct(reminders.map((r) => `${r.clockId} ${r.remindAt}`)));
    expect(rows.reduce((sum, { reminded }) => sum + reminded, 0)).toBe(logged.length);
    for (const row of rows) {
      const item = items.find(({ kind, subject }) => kind === 'OVERDUE' && subject === row.id);
      const late = row.overdue && row.clock !== 'confirmation';
      // One that was late once and is not any more has a closed one.
      expect(item?.state ?? null).toBe(late ? (row.stoppedAt === null ? 'open' : 'closed') : item ? 'closed' : null);
    }
    const before = await rowsOf(db, 'SELECT COUNT(*) AS n FROM log_entry');
    await side.sync(life);
    expect(await side.rows(life.transfer)).toEqual(rows);
    expect(await rowsOf(db, 'SELECT COUNT(*) AS n FROM log_entry')).toEqual(before);
  }
});
