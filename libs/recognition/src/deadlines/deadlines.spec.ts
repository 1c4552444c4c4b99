import { GatewayError } from '@jieqiao/core';
import { isWorkday } from 'chinese-days';
import arrangement from 'chinese-days/dist/chinese-days.json';
import fc from 'fast-check';
import { chinaDay } from '../china-date';
import {
  type Clock,
  dueAt,
  type ForwardClock,
  type Pause,
  remaining,
  reminderTimes,
  usualReminders,
} from './deadlines';
import { type ClockId, clockIds, clockInForce, transferClocks } from './transfer-clocks';
import { isWorkingDay } from './working-days';

const basis = { law: '互认协议', article: '时限' };
const clock = (unit: Clock['unit'], amount: number, rolls = false): ForwardClock => ({
  unit,
  amount,
  direction: 'forward',
  rolls,
  basis,
});
const backward = (timer: Clock): Clock => ({ ...timer, direction: 'backward' });
const pause = (from: string, to: string | null, by = '金山'): Pause => ({ from, to, by, basis });
const reasonOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { reason, year } = error.params;
    return [error.code, reason, ...(year === undefined ? [] : [year])].join(' ');
  }
};

describe('the working days of the State Council', () => {
  test.each([
    ['2022-10-01', false],
    ['2022-10-07', false],
    ['2022-10-08', true],
    ['2022-10-09', true],
    ['2022-10-15', false],
    ['2018-12-29', true],
    ['2018-12-31', false],
    ['2026-12-28', true],
  ])('%s: %s', (day, expected) => {
    expect(isWorkingDay(day)).toBe(expected);
  });

  it("of 2022 are those of the State Council's notice (国办发明电〔2021〕11号)", () => {
    const off = [
      '01-01/03',
      '01-31/31',
      '02-01/06',
      '04-03/05',
      '04-30/30',
      '05-01/04',
      '06-03/05',
      '09-10/12',
      '10-01/07',
    ];
    const worked = ['01-29', '01-30', '04-02', '04-24', '05-07', '10-08', '10-09'];
    const isOff = (day: string) =>
      off.some((range) => day >= range.slice(0, 5) && day <= range.slice(0, 3) + range.slice(6));
    const wrong: string[] = [];
    for (let at = Date.UTC(2022, 0, 1); at < Date.UTC(2023, 0, 1); at += 86_400_000) {
      const day = new Date(at).toISOString().slice(0, 10);
      const weekend = [0, 6].includes(new Date(at).getUTCDay());
      // 31 December 2022 belongs to the arrangement of 2023, and is a Saturday.
      const expected = worked.includes(day.slice(5)) || (!weekend && !isOff(day.slice(5)));
      if (isWorkingDay(day) !== expected) wrong.push(day);
    }
    expect(wrong).toEqual([]);
  });

  it('are an error for a year without a table, also its first days and the last of the year before', () => {
    expect(isWorkday(new Date(2027, 9, 1, 12))).toBe(true); // What the package's function guesses.
    expect(reasonOf(() => isWorkingDay('2027-10-01'))).toBe('VALIDATION_FAILED no-holiday-table 2027');
    expect(reasonOf(() => isWorkingDay('2027-01-02'))).toBe('VALIDATION_FAILED no-holiday-table 2027');
    expect(reasonOf(() => isWorkingDay('2026-12-29'))).toBe('VALIDATION_FAILED no-holiday-table 2027');
    expect(reasonOf(() => isWorkingDay('2003-12-31'))).toBe('VALIDATION_FAILED no-holiday-table 2003');
    expect(reasonOf(() => isWorkingDay('2022-02-30'))).toBe('VALIDATION_FAILED bad-day');
  });

  it('no arrangement so far moved a day of December before the 29th', () => {
    const moved = [...Object.keys(arrangement.holidays), ...Object.keys(arrangement.workdays)];
    expect(
      moved
        .filter((day) => day.slice(5) >= '12-01')
        .sort()[0]!
        .slice(5) >= '12-29',
    ).toBe(true);
    expect(moved.filter((day) => day.slice(5) >= '12-01' && day.slice(5) < '12-29')).toEqual([]);
  });
});

describe('the end of a clock', () => {
  test.each([
    [
      'three working days over National Day, with two make-up days',
      clock('working-days', 3),
      '2022-09-30',
      '2022-10-10',
    ],
    ["S2's supplement", clockInForce('supplement', '2022-09-30', false), '2022-09-30T16:20:00+08:00', '2022-10-12'],
    ["S2's decision", clockInForce('decision', '2022-10-18', false), '2022-10-18T10:00:00+08:00', '2023-01-16'],
    ["S8's head, on a Sunday", clockInForce('crime-decision', '2022-09-22', false), '2022-09-22', '2022-09-25'],
    ["S8's police", clockInForce('police-decision', '2022-09-26', false), '2022-09-26', '2022-09-29'],
    ["S4's negotiation", clockInForce('negotiation', '2022-09-15', false), '2022-09-15', '2022-09-22'],
    ["S9's answer", clockInForce('assist-reply', '2024-06-03', false), '2024-06-03', '2024-06-13'],
    ['calendar days that end in a holiday, rolling', clock('calendar-days', 7, true), '2022-09-26', '2022-10-08'],
    ['calendar days that end in a holiday, not rolling', clock('calendar-days', 7), '2022-09-26', '2022-10-03'],
    ['a start on a day off', clock('working-days', 1), '2022-10-01', '2022-10-08'],
  ])('%s', (_, timer, start, day) => {
    expect(dueAt(timer, start).day).toBe(day);
  });

  it('is 24:00 in China of the last day, wherever the start was written', () => {
    const at = '2022-10-11T00:00:00.000+08:00';
    expect(dueAt(clock('working-days', 3), '2022-09-30T23:59:59+08:00')).toEqual({ day: '2022-10-10', at });
    expect(dueAt(clock('working-days', 3), '2022-09-29T16:00:00Z')).toEqual({ day: '2022-10-10', at });
    // One second earlier in UTC is still the 29th in China.
    expect(dueAt(clock('working-days', 3), '2022-09-29T15:59:59Z').day).toBe('2022-10-09');
  });

  it('is exact for hours, over nights and holidays', () => {
    const timer = clockInForce('crime-handover', '2022-09-30', false);
    expect(dueAt(timer, '2022-09-30T17:03:21.250+08:00')).toEqual({
      day: '2022-10-01',
      at: '2022-10-01T17:03:21.250+08:00',
    });
    expect(dueAt(clockInForce('receipt', '2022-08-18', true), '2022-08-18T15:46:00Z').at).toBe(
      '2022-08-19T00:16:00.000+08:00',
    );
    expect(dueAt(backward(clock('hours', 24)), '2022-10-01T17:00:00+08:00').at).toBe('2022-09-30T17:00:00.000+08:00');
  });

  it('counts back from a hearing, and rolls further back', () => {
    const notice = clockInForce('hearing-notice', '2022-10-12', false);
    expect(dueAt(notice, '2022-10-12T09:00:00+08:00').day).toBe('2022-09-28');
    expect(dueAt(backward(clock('calendar-days', 7, true)), '2022-10-10').day).toBe('2022-09-30');
    expect(dueAt(backward(clock('calendar-days', 2, true)), '2022-10-11').day).toBe('2022-10-09');
  });

  it('needs the table of a year only when a day of it is looked at', () => {
    const without = 'VALIDATION_FAILED no-holiday-table 2027';
    expect(dueAt(clock('working-days', 5), '2026-12-21').day).toBe('2026-12-28');
    expect(reasonOf(() => dueAt(clock('working-days', 6), '2026-12-21'))).toBe(without);
    expect(dueAt(clock('calendar-days', 90), '2026-12-21').day).toBe('2027-03-21');
    expect(reasonOf(() => dueAt(clock('calendar-days', 90, true), '2026-12-21'))).toBe(without);
    expect(dueAt(clock('hours', 24), '2030-01-01T00:00:00Z').day).toBe('2030-01-02');
  });

  test.each([
    ['bad-clock', clock('hours', 24, true), '2022-01-01T00:00:00Z'],
    ['bad-clock', clock('hours', 0), '2022-01-01T00:00:00Z'],
    ['bad-clock', clock('hours', 8761), '2022-01-01T00:00:00Z'],
    ['bad-clock', clock('hours', Number.NaN), '2022-01-01T00:00:00Z'],
    ['bad-clock', clock('calendar-days', 0), '2022-01-01'],
    ['bad-clock', clock('calendar-days', 1.5), '2022-01-01'],
    ['bad-clock', clock('working-days', 3651), '2022-01-01'],
    ['bad-clock', clock('working-days', Number.POSITIVE_INFINITY), '2022-01-01'],
    ['bad-start', clock('hours', 1), '2022-01-01'],
    ['bad-start', clock('working-days', 1), '2022-02-30'],
    ['bad-start', clock('working-days', 1), '2022-01-01T24:00:00+08:00'],
    ['bad-start', clock('working-days', 1), '2022-01-01T10:00:00'],
    ['bad-start', clock('calendar-days', 1), '1991-07-01'],
    ['bad-start', clock('calendar-days', 1), '9999-12-31'],
  ])('%s', (reason, timer, start) => {
    expect(reasonOf(() => dueAt(timer, start))).toBe(`VALIDATION_FAILED ${reason}`);
  });
});

describe('what is left of a clock', () => {
  const acceptance = clock('working-days', 5);
  const received = '2022-09-26T09:00:00+08:00';

  test.each([
    ['on the first day', '2022-09-26T23:59:59+08:00', 0, false],
    ['a day later', '2022-09-27T00:00:00+08:00', 0, false],
    ['on the third day', '2022-09-29T12:00:00+08:00', 2, false],
    ['on the last day', '2022-10-08T23:59:59.999+08:00', 4, false],
    ['at 24:00', '2022-10-09T00:00:00+08:00', 5, false],
    ['after 24:00', '2022-10-09T00:00:00.001+08:00', 5, true],
    ['before the start', '2022-09-01T00:00:00+08:00', 0, false],
  ])('%s', (_, now, elapsed, overdue) => {
    const standing = remaining(acceptance, received, [], now);
    expect(standing).toMatchObject({ elapsed, left: 5 - elapsed, overdue, paused: false, pausedBy: [] });
    expect(standing.due!.day).toBe('2022-10-08');
  });

  it("S2: the supplement holds the acceptance's clock; the days that it touches do not count", () => {
    const supplement = pause('2022-09-30T10:00:00+08:00', null, 'jinshan.310116');
    const during = remaining(acceptance, received, [supplement], '2022-10-09T10:00:00+08:00');
    expect(during).toEqual({ due: null, elapsed: 3, left: 2, overdue: false, paused: true, pausedBy: [supplement] });

    const over = { ...supplement, to: '2022-10-11T15:00:00+08:00' };
    const after = remaining(acceptance, received, [over], '2022-10-12T10:00:00+08:00');
    expect(after).toEqual({
      due: { day: '2022-10-13', at: '2022-10-14T00:00:00.000+08:00' },
      elapsed: 3,
      left: 2,
      overdue: false,
      paused: false,
      pausedBy: [],
    });
    // Seen from within: already ended in the records, not yet at that time.
    expect(remaining(acceptance, received, [over], '2022-10-11T14:59:59+08:00').pausedBy).toEqual([over]);
    expect(remaining(acceptance, received, [over], '2022-10-11T15:00:00+08:00').paused).toBe(false);
  });

  it('a pause that ends at 24:00 leaves the next day alone, one millisecond more takes it', () => {
    const due = (to: string) =>
      remaining(acceptance, received, [pause('2022-09-27T00:00:00+08:00', to)], received).due!.day;
    expect(due('2022-09-28T00:00:00+08:00')).toBe('2022-10-09');
    expect(due('2022-09-28T00:00:00.001+08:00')).toBe('2022-10-10');
  });

  it('overlapping and touching pauses take their days once, in whatever order; an empty one takes none', () => {
    const pauses = [
      pause('2022-09-28T08:00:00+08:00', '2022-09-28T09:00:00+08:00'),
      pause('2022-09-27T08:00:00+08:00', '2022-09-28T08:00:00+08:00'),
      pause('2022-09-27T20:00:00+08:00', '2022-09-27T21:00:00+08:00'),
      pause('2022-09-29T08:00:00+08:00', '2022-09-29T08:00:00+08:00'),
    ];
    expect(remaining(acceptance, received, pauses, received).due!.day).toBe('2022-10-10');
    expect(remaining(acceptance, received, pauses.toReversed(), received).due!.day).toBe('2022-10-10');
  });

  it('takes exact time from hours', () => {
    const day = clock('hours', 24);
    const start = '2022-09-30T08:00:00+08:00';
    const pauses = [
      pause('2022-09-30T07:00:00+08:00', '2022-09-30T09:00:00+08:00'),
      pause('2022-09-30T12:00:00+08:00', '2022-09-30T12:30:00+08:00'),
      pause('2022-10-02T00:00:00+08:00', null),
    ];
    const standing = remaining(day, start, pauses, '2022-09-30T13:00:00+08:00');
    expect(standing).toMatchObject({ elapsed: 3.5, left: 20.5, overdue: false, paused: false });
    expect(standing.due!.at).toBe('2022-10-01T09:30:00.000+08:00');
    // A pause that begins when the time is up comes too late.
    const tooLate = pause('2022-10-01T08:00:00+08:00', null);
    expect(remaining(day, start, [tooLate], start).due!.at).toBe('2022-10-01T08:00:00.000+08:00');
    const late = remaining(day, start, pauses, '2022-10-01T09:30:00.001+08:00');
    expect(late).toMatchObject({ elapsed: 24, left: 0, overdue: true });
    const held = remaining(day, start, [pause('2022-09-30T20:00:00+08:00', null)], '2022-10-20T00:00:00+08:00');
    expect(held).toMatchObject({ due: null, elapsed: 12, left: 12, overdue: false, paused: true });
  });

  it('an end that rolled is not overdue before it, and rolls past a pause', () => {
    const timer = clock('calendar-days', 15, true);
    const start = '2022-09-16';
    expect(remaining(timer, start, [], '2022-10-05T00:00:00+08:00')).toMatchObject({ left: 0, overdue: false });
    expect(remaining(timer, start, [], '2022-10-05T00:00:00+08:00').due!.day).toBe('2022-10-08');
    const stop = pause('2022-10-05T00:00:00+08:00', '2022-10-08T12:00:00+08:00');
    expect(remaining(timer, start, [stop], start.concat('T00:00:00Z')).due!.day).toBe('2022-10-09');
    expect(remaining(timer, start, [{ ...stop, to: null }], '2022-10-06T00:00:00Z').due).toBeNull();
  });

  it('R12: an appraisal holds the seizure, calendar days', () => {
    const seizure = clockInForce('seizure', '2022-09-01', false) as ForwardClock;
    const test = pause('2022-09-05T09:00:00+08:00', '2022-09-14T17:00:00+08:00', '鉴定机构');
    const standing = remaining(seizure, '2022-09-01', [test], '2022-10-08T09:00:00+08:00');
    expect(standing).toMatchObject({ elapsed: 26, left: 4 });
    expect(standing.due!.day).toBe('2022-10-11');
  });

  it('paused days need no holiday table, however many', () => {
    const stop = pause('2022-09-27T00:00:00+08:00', '2899-12-31T00:00:00+08:00');
    expect(reasonOf(() => remaining(acceptance, received, [stop], received))).toBe(
      'VALIDATION_FAILED no-holiday-table 2899',
    );
    expect(remaining(clock('calendar-days', 5), received, [stop], received).due!.day).toBe('2900-01-04');
  });

  it('looks at no day beyond the end', () => {
    const standing = remaining(acceptance, '2026-12-21', [], '2026-12-31T09:00:00+08:00');
    expect(standing).toMatchObject({ elapsed: 5, left: 0, overdue: true });
  });

  test.each([
    ['bad-pause', [pause('2022-09-28T08:00:00+08:00', '2022-09-28T07:00:00+08:00')], received],
    ['bad-pause', [pause('2022-09-28', null)], received],
    ['bad-pause', Array.from({ length: 1001 }, () => pause(received, null)), received],
    ['bad-now', [], '2022-09-28'],
  ])('%s', (reason, pauses, now) => {
    expect(reasonOf(() => remaining(acceptance, received, pauses, now))).toBe(`VALIDATION_FAILED ${reason}`);
  });
});

describe('reminders', () => {
  it('come at nine on the day before and on the last; counted in the kind of days', () => {
    const timer = clock('working-days', 3);
    const due = dueAt(timer, '2022-09-30');
    expect(reminderTimes(timer, '2022-09-30', due)).toEqual([
      '2022-10-09T09:00:00.000+08:00',
      '2022-10-10T09:00:00.000+08:00',
    ]);
    const decision = clock('calendar-days', 90);
    expect(reminderTimes(decision, '2022-10-18', dueAt(decision, '2022-10-18'))).toEqual([
      '2023-01-06T09:00:00.000+08:00',
      '2023-01-13T09:00:00.000+08:00',
      '2023-01-16T09:00:00.000+08:00',
    ]);
  });

  it('come after half and after three quarters of hours', () => {
    const timer = clock('hours', 24);
    const start = '2022-09-22T10:00:00+08:00';
    expect(reminderTimes(timer, start, dueAt(timer, start))).toEqual([
      '2022-09-22T22:00:00.000+08:00',
      '2022-09-23T04:00:00.000+08:00',
    ]);
  });

  it('never come on or before the start, nor twice', () => {
    const timer = clock('working-days', 1);
    const due = dueAt(timer, '2022-09-29');
    expect(usualReminders(timer)).toEqual([0]);
    expect(reminderTimes(timer, '2022-09-29T08:00:00+08:00', due, [1, 0, 0])).toEqual([
      '2022-09-30T09:00:00.000+08:00',
    ]);
    const hours = clock('hours', 2);
    const start = '2022-09-29T08:00:00+08:00';
    expect(reminderTimes(hours, start, dueAt(hours, start), [0.5, 2, 1])).toEqual([
      '2022-09-29T09:00:00.000+08:00',
      '2022-09-29T09:30:00.000+08:00',
    ]);
  });

  it('ahead of a hearing they come before the notice is due', () => {
    const notice = clockInForce('hearing-notice', '2022-10-12', false);
    expect(reminderTimes(notice, '2022-10-12', dueAt(notice, '2022-10-12'))).toEqual([
      '2022-09-27T09:00:00.000+08:00',
      '2022-09-28T09:00:00.000+08:00',
    ]);
  });

  test.each([[[4]], [[-1]], [[0.5]], [[Number.NaN]], [Array.from({ length: 11 }, () => 0)]])('refuse %p', (before) => {
    const timer = clock('working-days', 3);
    const run = () => reminderTimes(timer, '2022-09-30', dueAt(timer, '2022-09-30'), before);
    expect(reasonOf(run)).toBe('VALIDATION_FAILED bad-reminder');
  });
});

describe('the table of clocks', () => {
  it('has for each id rows that never overlap, with a basis', () => {
    for (const id of clockIds) {
      const rows = transferClocks.filter((row) => row.id === id);
      expect([id, rows.length > 0]).toEqual([id, true]);
      const bounds = rows.map(({ effective }) => [effective.from ?? '0', effective.to ?? '9'] as const).sort();
      expect(bounds.slice(1).every(([from], i) => bounds[i]![1] <= from)).toBe(true);
    }
    for (const row of transferClocks) {
      expect(row.clock.basis.law).not.toBe('');
      expect(row.words.zh).toMatch(/^\p{Script=Han}/u);
      for (const timer of [row.clock, row.urgent ?? row.clock])
        expect(typeof dueAt(timer, '2022-06-01T08:00:00Z').day).toBe('string');
    }
  });

  it('§8: limitation-like, crime and hour clocks and the 90 days never roll', () => {
    const exact: ClockId[] = ['decision', 'seizure', 'seizure-extension', 'crime-decision', 'police-decision'];
    for (const { clock: timer, id, urgent } of transferClocks) {
      const crime = timer.basis.law === '行政执法机关移送涉嫌犯罪案件的规定';
      if (crime) expect(timer.unit).not.toBe('working-days');
      if (crime || exact.includes(id) || timer.unit === 'hours') expect([id, timer.rolls]).toEqual([id, false]);
      if (urgent) expect([id, urgent.unit, urgent.rolls]).toEqual([id, 'hours', false]);
    }
    expect(clockInForce('fine-payment', '2022-09-16', false).rolls).toBe(true);
  });

  it('counts the seven days of 行政处罚法 in working days since 2021-07-15 only', () => {
    expect(clockInForce('evidence-registration', '2021-07-14', false)).toMatchObject({
      unit: 'calendar-days',
      amount: 7,
    });
    expect(clockInForce('evidence-registration', '2021-07-15', false)).toMatchObject({
      unit: 'working-days',
      amount: 7,
    });
    expect(reasonOf(() => clockInForce('hearing-notice', '2021-07-14', false))).toBe(
      'VALIDATION_FAILED no-clock-in-force',
    );
    expect(reasonOf(() => clockInForce('decision', '2021-7-15', false))).toBe('VALIDATION_FAILED bad-day');
  });

  it('gives the urgent variant where there is one, and rows of an agreement instead of ours', () => {
    expect(clockInForce('acceptance', '2022-08-18', true)).toMatchObject({ unit: 'hours', amount: 2 });
    expect(clockInForce('filing', '2022-08-18', true)).toMatchObject({ unit: 'working-days', amount: 15 });
    const filing = transferClocks.find(({ id }) => id === 'filing')!;
    const rows = [{ ...filing, clock: clock('working-days', 7) }];
    expect(clockInForce('filing', '2022-08-18', false, rows).amount).toBe(7);
  });
});

describe('whatever the dates', () => {
  const from = Date.UTC(2005, 0, 1);
  const to = Date.UTC(2025, 11, 31);
  const instants = fc.integer({ min: from, max: to }).map((at) => new Date(at).toISOString());
  const dayClocks = fc
    .record({
      unit: fc.constantFrom('calendar-days' as const, 'working-days' as const),
      amount: fc.integer({ min: 1, max: 60 }),
      rolls: fc.boolean(),
    })
    .map(({ unit, amount, rolls }) => clock(unit, amount, rolls));
  const hourClocks = fc.integer({ min: 1, max: 2000 }).map((halves) => clock('hours', halves / 2));
  const clocks = fc.oneof(dayClocks, hourClocks);
  const pauses = fc.array(
    fc
      .record({
        start: fc.integer({ min: -40 * 24, max: 120 * 24 }),
        length: fc.option(fc.integer({ min: 0, max: 400 }), { nil: null, freq: 8 }),
      })
      .map(({ start, length }) => (base: number) => {
        const at = (hours: number) => new Date(base + hours * 3_600_000).toISOString();
        return pause(at(start), length === null ? null : at(start + length));
      }),
    { maxLength: 6 },
  );
  const endOf = (due: { at: string } | null) => (due === null ? Number.POSITIVE_INFINITY : Date.parse(due.at));

  it('a later start never ends earlier, nor a larger amount', () => {
    fc.assert(
      fc.property(clocks, instants, instants, (timer, one, other) => {
        const [early, late] = [one, other].sort() as [string, string];
        expect(endOf(dueAt(timer, early))).toBeLessThanOrEqual(endOf(dueAt(timer, late)));
        expect(endOf(dueAt(timer, one))).toBeLessThanOrEqual(endOf(dueAt({ ...timer, amount: timer.amount + 1 }, one)));
        expect(endOf(dueAt(timer, one))).toBeGreaterThan(Date.parse(one));
      }),
    );
  });

  it('working days and rolled ends fall on working days, with as many of them as were asked for', () => {
    fc.assert(
      fc.property(dayClocks, instants, (timer, start) => {
        const { day } = dueAt(timer, start);
        if (timer.unit === 'working-days' || timer.rolls) expect(isWorkingDay(day)).toBe(true);
        const standing = remaining(timer, start, [], dueAt(timer, start).at);
        expect(standing).toMatchObject({ elapsed: timer.amount, left: 0, overdue: false });
      }),
    );
  });

  it('counting back undoes counting forward', () => {
    fc.assert(
      fc.property(clocks, instants, (timer, start) => {
        const exact = { ...timer, rolls: false };
        const there = dueAt(exact, start);
        const back = dueAt(backward(exact), timer.unit === 'hours' ? there.at : there.day);
        if (timer.unit === 'hours') expect(endOf(back)).toBe(Date.parse(start));
        else if (timer.unit === 'calendar-days') expect(back.day).toBe(chinaDay(start));
        else if (isWorkingDay(chinaDay(start))) expect(back.day).toBe(chinaDay(start));
        else expect(back.day < chinaDay(start)).toBe(true);
      }),
    );
  });

  it('a pause more never ends a clock earlier; elapsed and left keep to the amount', () => {
    fc.assert(
      fc.property(clocks, instants, pauses, fc.integer({ min: -100, max: 4000 }), (timer, start, made, hours) => {
        const base = Date.parse(start);
        const all = made.map((make) => make(base));
        const now = new Date(base + hours * 3_600_000).toISOString();
        const standing = remaining(timer, start, all, now);
        const fewer = remaining(timer, start, all.slice(1), now);
        expect(endOf(standing.due)).toBeGreaterThanOrEqual(endOf(fewer.due));
        expect(standing.elapsed).toBeLessThanOrEqual(fewer.elapsed);
        expect(standing.elapsed + standing.left).toBeCloseTo(timer.amount, 9);
        expect(standing.left).toBeGreaterThanOrEqual(0);
        if (standing.overdue) expect(standing.left).toBe(0);
        if (all.length === 0) expect(standing.due).toEqual(dueAt(timer, start));
        expect(remaining(timer, start, all.toReversed(), now).due).toEqual(standing.due);
      }),
      { numRuns: 500 },
    );
  });

  it('reminders lie between start and end, in order', () => {
    fc.assert(
      fc.property(clocks, instants, (timer, start) => {
        const due = dueAt(timer, start);
        const times = reminderTimes(timer, start, due);
        expect(times).toEqual([...new Set(times)].sort());
        for (const time of times) {
          expect(Date.parse(time)).toBeGreaterThan(Date.parse(start));
          expect(Date.parse(time)).toBeLessThan(endOf(due));
        }
        expect(times.length).toBeGreaterThan(0);
      }),
    );
  });
});
