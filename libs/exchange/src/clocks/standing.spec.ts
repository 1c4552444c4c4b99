import { isRole } from '@jieqiao/access';
import type { ForwardClock } from '@jieqiao/recognition';
import { cn } from '../../../../test/support/transfer-pair';
import { lifeClocks } from '../transfer/lifecycle';
import { lapses, lookAt, nodeActs, remindedRoles } from './standing';
import type { ClockRow } from './tables';

const length: ForwardClock = {
  unit: 'working-days',
  amount: 3,
  direction: 'forward',
  rolls: false,
  basis: { law: '互认协议', article: '时限' },
};
const row = (over: Partial<ClockRow> = {}): ClockRow => ({
  ...{
    id: 'c',
    transferId: 't',
    clock: 'acceptance',
    matter: null,
    startedBy: 'm-1',
    owner: 'receiver',
    side: 'receiver',
  },
  ...{
    startedAt: cn('2022-09-30 10:00'),
    untilDay: null,
    pauses: [],
    length,
    dueAt: null,
    fault: null,
    stoppedAt: null,
  },
  ...{
    stoppedBy: null,
    stoppedWith: null,
    overdue: false,
    reminded: 0,
    lookedAt: cn('2022-09-30 10:00'),
    nextAt: null,
  },
  ...over,
});
const after = (time: string) => new Date(Date.parse(cn(time)) + 1).toISOString();

describe('a look at a clock of three working days from 2022-09-30', () => {
  const due = cn('2022-10-11 00:00');

  it.each([
    ['2022-09-30 10:00', { reminder: null, overdue: false, nextAt: cn('2022-10-09 09:00') }],
    ['2022-10-09 09:00', { reminder: cn('2022-10-09 09:00'), overdue: false, nextAt: cn('2022-10-10 09:00') }],
    ['2022-10-10 12:00', { reminder: cn('2022-10-10 09:00'), overdue: false, nextAt: after('2022-10-11 00:00') }],
    ['2022-10-11 00:00', { reminder: cn('2022-10-10 09:00'), overdue: false, nextAt: after('2022-10-11 00:00') }],
    ['2022-10-11 00:01', { reminder: null, overdue: true, nextAt: null }],
  ])('at %s', (now, found) => {
    expect(lookAt(row(), cn(now))).toEqual({ ...found, dueAt: due, fault: null });
  });

  it('reminds of nothing that was looked at before', () => {
    const looked = row({ lookedAt: cn('2022-10-10 09:00') });
    expect(lookAt(looked, cn('2022-10-10 12:00')).reminder).toBeNull();
  });

  it('reminds nobody of what the other side owes', () => {
    const look = lookAt(row({ side: 'sender' }), cn('2022-10-09 09:00'));
    expect(look).toMatchObject({ reminder: null, nextAt: after('2022-10-11 00:00') });
  });

  it('rests while a pause lasts', () => {
    const paused = row({ pauses: [{ from: cn('2022-10-08 09:00'), to: null, by: 'receiver' }] });
    expect(lookAt(paused, cn('2022-10-12 09:00'))).toEqual({
      ...{ dueAt: null, fault: null, overdue: false, nextAt: null, reminder: null },
    });
  });

  it('of one that was stopped says whether that was too late; one that was annulled was never', () => {
    const stopped = (at: string) => row({ stoppedAt: at, stoppedBy: 'receiver', stoppedWith: 'accept' });
    expect(lookAt(stopped(due), cn('2022-12-01 09:00'))).toMatchObject({ overdue: false, nextAt: null });
    expect(lookAt(stopped(after('2022-10-11 00:00')), cn('2022-12-01 09:00'))).toMatchObject({
      overdue: true,
      nextAt: null,
    });
    expect(lookAt(row({ stoppedAt: cn('2022-11-01 09:00') }), cn('2022-12-01 09:00'))).toMatchObject({
      overdue: false,
    });
  });

  it('that ends beyond the tables of holidays says so, and looks again tomorrow', () => {
    const start = cn('2026-12-30 10:00');
    expect(lookAt(row({ startedAt: start }), start)).toEqual({
      ...{ dueAt: null, fault: 'no-holiday-table', overdue: false, nextAt: cn('2026-12-31 10:00'), reminder: null },
    });
    expect(lookAt(row({ length: null }), start).fault).toBe('no-clock-in-force');
  });

  it('has a certain end, if no reminders, where the days before it lie in a pause beyond the tables', () => {
    const pauses = [{ from: cn('2022-10-08 00:00'), to: cn('2026-11-09 00:00'), by: 'receiver' }] as const;
    expect(lookAt(row({ pauses }), cn('2022-10-08 09:00'))).toMatchObject({ dueAt: cn('2026-11-12 00:00') });
    const farther = [{ from: cn('2022-10-08 00:00'), to: cn('2030-01-01 00:00'), by: 'receiver' }] as const;
    expect(lookAt(row({ pauses: farther }), cn('2022-10-08 09:00')).fault).toBe('no-holiday-table');
  });

  it('tries what the node itself must do again and again, ever more seldom', () => {
    const silent = row({ clock: 'confirmation', owner: 'sender' });
    const waits = (now: string) => (Date.parse(lookAt(silent, cn(now)).nextAt!) - Date.parse(cn(now))) / 60_000;
    expect(['2022-10-11 00:01', '2022-10-11 01:00', '2022-10-12 00:00', '2022-11-12 00:00'].map(waits)).toEqual([
      ...[1, 15, 60, 60],
    ]);
  });
});

it('only silence lapses, and only the receiving node has a command to give then', () => {
  const clocks = Object.keys(lifeClocks) as ClockRow['clock'][];
  expect(clocks.filter((clock) => lapses(row({ clock })))).toEqual(['confirmation']);
  expect(nodeActs(row({ clock: 'confirmation', side: 'receiver' }))).toBe(true);
  expect(nodeActs(row({ clock: 'confirmation', side: 'sender' }))).toBe(false);
});

it('every clock has somebody who is reminded', () => {
  for (const roles of Object.values(remindedRoles)) {
    expect(roles.length).toBeGreaterThan(0);
    expect(roles.every(isRole)).toBe(true);
  }
});
