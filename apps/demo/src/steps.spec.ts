import { transitions } from '../../../libs/exchange/src/transfer/lifecycle';
import { placeOf } from './pair';
import { readSample } from './scenario';
import { readScript, timelineOf } from './steps';

const names = ['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10'];
const scripts = names.map(readScript);
/** What people do besides giving commands. */
const others = [
  ...[
    'draft',
    'edit',
    'check',
    'decide-items',
    'findings',
    'register-filing',
    'change-items',
    'hand-over',
    'wait',
    'basis',
  ],
  ...['propose-operation', 'agree-operation', 'record-object', 'record-recheck', 'sign-operation'],
];

describe.each(scripts.map((script) => [script.name, script] as const))('%s', (_, { steps }) => {
  it('says only what somebody can do, in a role that may', () => {
    const roleOf = { handler2: 'handler', squad: 'squad-lead', legal: 'legal-reviewer', seal: 'seal-keeper' } as const;
    for (const { do: what, by } of steps) {
      const rows = transitions.filter(({ command }) => command === what);
      if (others.includes(what) && (rows.length === 0 || what === 'edit')) continue;
      const role = by in roleOf ? roleOf[by as keyof typeof roleOf] : by;
      expect({ what, by, roles: rows.flatMap(({ roles }) => roles) }).toMatchObject({
        roles: expect.arrayContaining([role]),
      });
    }
  });
});

it('is one timeline from August 2022 to August 2026', () => {
  const times = timelineOf(scripts).map(({ step }) => step.at);
  expect([...times].sort()).toEqual(times);
  expect([times[0], times.at(-1)]).toEqual(['2022-08-18 23:54', '2026-08-26 10:10']);
});

it('has the days of domain knowledge', () => {
  const text = JSON.stringify(scripts);
  for (const day of [
    '2022-10-12',
    '2022-10-14',
    '2023-01-16',
    '2022-09-25',
    '2024-06-13',
    '2024-06-28',
    '2026-11-19',
  ]) {
    expect(text).toContain(day);
  }
});

it('plays where the samples play', () => {
  for (const { name, steps } of scripts) {
    const { transfer } = readSample(name);
    if (!transfer) continue;
    const sides = [transfer.from.node, transfer.to.node];
    expect(steps.map(({ node }) => placeOf(node).node).filter((node) => !sides.includes(node))).toEqual([]);
  }
});
