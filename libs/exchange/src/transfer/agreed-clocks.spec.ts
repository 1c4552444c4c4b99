import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clockInForce, transferClocks, transferKinds } from '@jieqiao/recognition';
import { agreedClocks } from './agreed-clocks';

const sample = JSON.parse(readFileSync(join(__dirname, '../../../../test/samples/agreement-terms.json'), 'utf8')) as {
  directions: { timeLimits: Parameters<typeof agreedClocks>[0] }[];
};
const limits = sample.directions[0]!.timeLimits;

it.each(transferKinds)('%s: the sample agreement sets what is proposed', (kind) => {
  const length = ({ id, clock, urgent }: (typeof transferClocks)[number]) => [
    id,
    clock.unit,
    clock.amount,
    urgent?.amount,
  ];
  expect(agreedClocks(limits, kind).map(length)).toEqual(transferClocks.map(length));
});

it.each([
  ['LEAD', { step: 'ACCEPTED', amount: 3, unit: 'working-days' }, 'acceptance', false, 3],
  ['LEAD', { step: 'ACCEPTED', after: 'RECEIVED', amount: 3, unit: 'working-days' }, 'acceptance', false, 3],
  ['LEAD', { step: 'ACCEPTED', urgent: true, amount: 1, unit: 'hours' }, 'acceptance', true, 1],
  ['LEAD', { step: 'ACCEPTED', after: 'IN_DISPUTE', amount: 8, unit: 'working-days' }, 'negotiation', false, 8],
  ['LEAD', { step: 'ACCEPTED', after: 'IN_DISPUTE', amount: 8, unit: 'working-days' }, 'acceptance', false, 5],
  ['LEAD', { step: 'ACCEPTED', kind: 'CASE', amount: 8, unit: 'working-days' }, 'acceptance', false, 5],
  ['CASE', { step: 'ACCEPTED', kind: 'CASE', amount: 8, unit: 'working-days' }, 'acceptance', false, 8],
  ['ASSIST', { step: 'FEEDBACK_SENT', kind: 'ASSIST', amount: 20, unit: 'calendar-days' }, 'assist-reply', false, 20],
  // The law's 90 days are not the parties' to change.
  ['CASE', { step: 'DECIDED', amount: 200, unit: 'calendar-days' }, 'decision', false, 90],
] as const)('%s under %j: %s', (kind, limit, id, urgent, amount) => {
  const rows = agreedClocks([limit], kind);
  expect(clockInForce(id, '2022-09-20', urgent, rows).amount).toBe(amount);
});

it('a limit for the kind goes before one for all', () => {
  const both = [
    { step: 'FILED', amount: 10, unit: 'working-days' },
    { step: 'FILED', kind: 'CASE', amount: 20, unit: 'working-days' },
  ] as const;
  const amount = (kind: 'LEAD' | 'CASE') =>
    clockInForce('filing', '2022-09-20', false, agreedClocks(both, kind)).amount;
  expect([amount('LEAD'), amount('CASE')]).toEqual([10, 20]);
});
