import type { TransferKind } from '@jieqiao/recognition';
import fc from 'fast-check';
import { sharedView, stateIn } from '../../libs/exchange/src/transfer/apply';
import type { LifeClock } from '../../libs/exchange/src/transfer/clocks';
import { type CommandData, fieldsOf } from '../../libs/exchange/src/transfer/command-data';
import { type Facts, other } from '../../libs/exchange/src/transfer/guards';
import { disputeOf, proposalOf, type TransferLife } from '../../libs/exchange/src/transfer/life';
import { type Actor, type Command, commands, type Side, transitions } from '../../libs/exchange/src/transfer/lifecycle';
import { bundleOf, digestFor, TransferPair } from './transfer-pair';

// What may happen to two replicas of a transfer. The choices are numbers, so that a failing run shrinks to few of them.

export const actors: readonly Actor[] = [
  'handler',
  'squad-lead',
  'legal-reviewer',
  'head',
  'seal-keeper',
  'clerk',
  'supervisor',
  'administrator',
  'security-auditor',
  'node',
];
export const minute = 60_000;
const day = 1440 * minute;
export const begin = Date.parse('2022-03-01T01:00:00.000Z');
export const span = 900 * day;

export interface Choice {
  act: 'legal' | 'wild' | 'deliver' | 'again' | 'refuse' | 'undo' | 'forge';
  side: Side;
  pick: number;
  vary: number;
  passes: number;
}

export const choices = fc.array(
  fc.record({
    act: fc.oneof(
      { weight: 9, arbitrary: fc.constant('legal' as const) },
      { weight: 2, arbitrary: fc.constant('wild' as const) },
      { weight: 5, arbitrary: fc.constant('deliver' as const) },
      { weight: 1, arbitrary: fc.constant('again' as const) },
      { weight: 1, arbitrary: fc.constant('refuse' as const) },
      { weight: 1, arbitrary: fc.constant('undo' as const) },
      { weight: 1, arbitrary: fc.constant('forge' as const) },
    ),
    side: fc.constantFrom<Side>('sender', 'receiver'),
    pick: fc.nat(10_000),
    vary: fc.nat(10_000),
    // Mostly minutes, sometimes weeks; now and then the other clock is behind.
    passes: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -30, max: 600 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 25 * 1440 }) },
    ),
  }),
  { minLength: 1, maxLength: 100, size: 'max' },
);

/** How far a run has come before chance takes over: each stage goes on from one before it. */
export const stages: Record<string, { after?: string; bring: (pair: TransferPair, at: string) => void }> = {
  drafted: { bring: () => undefined },
  sent: { bring: (pair, at) => pair.send(at) },
  received: { after: 'sent', bring: (pair, at) => pair.arrive(at) },
  accepted: { after: 'received', bring: (pair, at) => pair.accept(at) },
  filed: {
    after: 'accepted',
    bring: (pair, at) => pair.do('receiver', 'head', 'file', at, { data: { filing: filingAt(at) } }),
  },
  referred: { after: 'accepted', bring: refer },
  'referred-filed': { after: 'filed', bring: refer },
  'police-refused': { after: 'referred', bring: refused },
  'police-refused-filed': { after: 'referred-filed', bring: refused },
  disputed: {
    after: 'received',
    bring: (pair, at) => pair.do('sender', 'head', 'contest', at, { data: { text: '管辖' } }),
  },
  'to-superior': {
    after: 'disputed',
    bring: (pair, at) => pair.do('sender', 'head', 'refer-to-superior', at, { data: referral }),
  },
  'not-filed': {
    after: 'accepted',
    bring: (pair, at) => pair.do('receiver', 'head', 'not-file', at, { data: notFiled }),
  },
  answered: {
    after: 'not-filed',
    bring: (pair, at) => pair.do('receiver', 'head', 'feedback', at, { data: { outcome: 'education' } }),
  },
  'urgently-sent': { bring: (pair, at) => pair.sendUrgently(at) },
  'urgently-received': { after: 'urgently-sent', bring: (pair, at) => pair.arrive(at) },
  'provisionally-accepted': {
    after: 'urgently-received',
    bring: (pair, at) => pair.do('receiver', 'handler', 'accept-provisionally', at),
  },
};
const referral = { level: 'city', body: '嘉兴市、上海市主管部门' } as const;
const notFiled = { ground: 'corrected', text: '已及时改正' } as const;

function refer(pair: TransferPair, at: string): void {
  pair.do('receiver', 'handler', 'report-crime', at, { data: { team: ['3304820001', '3304820002'] } });
  pair.do('receiver', 'head', 'approve-referral', at);
  pair.do('receiver', 'handler', 'refer-crime', at);
}

function refused(pair: TransferPair, at: string): void {
  pair.do('receiver', 'handler', 'record-police-refusal', at);
}

function bringTo(stage: string, pair: TransferPair, at: string): void {
  const { after, bring } = stages[stage]!;
  if (after !== undefined) bringTo(after, pair, at);
  pair.deliverAll();
  bring(pair, at);
}

/** A new pair that has come as far as this stage; of kinds other than LEAD and CASE, no further than they can. */
export function startPair(kind: TransferKind, stage: string, at: string, transfer?: string): TransferPair {
  const pair = new TransferPair(kind, stage.includes('urgent') || stage.includes('provisional'), transfer);
  bringTo(kind === 'LEAD' || kind === 'CASE' || stage === 'drafted' ? stage : 'sent', pair, at);
  return pair;
}

const filingAt = (at: string) => ({ number: '金综执立〔2022〕第9号', at, proof: digestFor('token') });

const ending: readonly Command[] = ['withdraw', 'reject', 'return', 'edit', 'send-back'];

export function legal(life: TransferLife, choice: Choice): { command: Command; role: Actor } {
  const { pick, vary } = choice;
  const state = stateIn(life);
  const rows = transitions.filter(
    (row) =>
      row.from.includes(state) &&
      (row.side === life.side || row.side === 'either') &&
      (row.kinds?.includes(life.kind) ?? true),
  );
  const row = rows[pick % Math.max(1, rows.length)];
  // What ends a life soon is chosen seldom.
  if (row && ending.includes(row.command) && vary % 8 !== 0)
    return legal(life, { ...choice, pick: pick + 1, vary: vary + 1 });
  return row ? { command: row.command, role: row.roles[vary % row.roles.length]! } : wild({ pick, vary });
}

export function wild({ pick, vary }: Pick<Choice, 'pick' | 'vary'>): { command: Command; role: Actor } {
  return { command: commands[pick % commands.length]!, role: actors[vary % actors.length]! };
}

/** Two persons in each role, and now and then one who is in two roles. */
export function personFor(side: Side, role: Actor, { vary }: Choice): string {
  return vary % 29 === 0 ? `${side}-both` : `${side}-${role}-${vary % 2}`;
}

export function factsFor({ vary }: Choice): Partial<Facts> {
  if (vary % 11 === 0) return { against: ['R03', 'R15'] };
  if (vary % 13 === 0) return { against: ['R13'] };
  return { ownCase: vary % 3 === 0 ? '金综执立〔2022〕第9号' : null, legalReview: vary % 2 === 0 };
}

/** Data that fit the command, varied. */
export function dataFor(command: Command, pair: TransferPair, side: Side, { vary }: Choice, at: string): CommandData {
  const { sender, receiver } = pair.lives;
  const shared = sharedView(pair.lives[side]);
  const { needs = [], may = [] } = fieldsOf[command] ?? {};
  const version = `v${vary % 9 === 0 ? 1 : sender.home.records.length + receiver.home.records.length}`;
  const all: CommandData = {
    text: '理由',
    code: (['OTHER', 'NO_TERRITORY', 'INTEGRITY', 'INSUFFICIENT_AFTER_SUPPLEMENT'] as const)[vary % 4]!,
    happenedAt: at,
    ...bundleOf(version),
    number: '第5号',
    filing: filingAt(vary % 4 === 0 ? at : new Date(begin).toISOString()),
    matters: 2,
    matter: 1 + (vary % 2),
    until: vary % 6 === 0 ? '2021-01-01' : '2030-01-01',
    act: 'stopped',
    phonedAt: at,
    phonedTo: '新埭值班室',
    rules: ['R07'],
    missing: ['制作人'],
    items: ['EV-1'],
    department: '生态环境局',
    handling: proposalOf(shared, other(side)) ?? (['sender', 'receiver', 'other'] as const)[vary % 3]!,
    level: (['city', 'province', 'nation'] as const)[
      vary % 5 === 0 ? vary % 3 : disputeOf(shared).filter((r) => r.command === 'refer-to-superior').length % 3
    ]!,
    body: '上级机关',
    ground: 'corrected',
    outcome: command === 'feedback' && shared.state === 'DECIDED' ? 'penalty' : 'no-penalty',
    step: '一般',
    noticedAt: at,
    waived: true,
    disposal: 'deleted',
    team: ['3304820001', '3304820002'],
  };
  const optional = may.filter((field) => field !== 'matters' || pair.lives.sender.kind === 'ASSIST');
  return Object.fromEntries([...needs, ...optional].map((field) => [field, all[field]]));
}

export function allClocks(life: TransferLife): LifeClock[] {
  return [...sharedView(life).clocks, ...life.home.clocks];
}
