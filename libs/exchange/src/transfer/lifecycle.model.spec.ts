import { isDeepStrictEqual } from 'node:util';
import { type TransferKind, transferKinds } from '@jieqiao/recognition';
import fc from 'fast-check';
import { bundleOf, digestFor, noFacts, TransferPair } from '../../../../test/support/transfer-pair';
import { type Applied, apply, isRefusal, type Refusal, receive, sharedView, stateIn } from './apply';
import { clockName, isPaused, type LifeClock } from './clocks';
import { type CommandData, fieldsOf, type StateMessage } from './command-data';
import { type Facts, other } from './guards';
import { disputeOf, proposalOf, type TransferLife } from './life';
import { type Actor, type Command, commands, rowsFor, type Side, transitions } from './lifecycle';

// Two replicas, and between them a network that delivers each direction in order but when it likes, and what was
// delivered once perhaps again. The choices are numbers, so that a failing run shrinks to few of them.

const longRun = Number(process.env.JIEQIAO_MODEL_STEPS ?? 3000);
const mostSteps = 100;
const actors: Actor[] = [
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
const minute = 60_000;
const day = 1440 * minute;
const begin = Date.parse('2022-03-01T01:00:00.000Z');
const span = 900 * day;

interface Choice {
  act: 'legal' | 'wild' | 'deliver' | 'again' | 'refuse' | 'undo' | 'forge';
  side: Side;
  pick: number;
  vary: number;
  passes: number;
}

const choices = fc.array(
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
  { minLength: 1, maxLength: mostSteps, size: 'max' },
);

/** How far a run has come before chance takes over: each stage goes on from one before it. */
const stages: Record<string, { after?: string; bring: (pair: TransferPair, at: string) => void }> = {
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

const filingAt = (at: string) => ({ number: '金综执立〔2022〕第9号', at, proof: digestFor('token') });

const taken = new Map<string, number>();
let walked = 0;

function run(kind: TransferKind, stage: string, steps: readonly Choice[]): void {
  const pair = new TransferPair(kind, stage.includes('urgent') || stage.includes('provisional'));
  let now = begin;
  const at = () => new Date(Math.min(begin + span, Math.max(begin, now))).toISOString();
  // Only LEAD and CASE come as far as the later stages.
  bringTo(kind === 'LEAD' || kind === 'CASE' || stage === 'drafted' ? stage : 'sent', pair, at());
  const delivered: Record<Side, StateMessage[]> = { sender: [], receiver: [] };
  const lost: StateMessage[] = [];
  for (const step of steps) {
    now += step.passes * minute;
    walked++;
    const { side } = step;
    const before = freeze(pair.lives[side]);
    if (step.act === 'deliver') {
      deliver(pair, side, delivered, lost);
    } else if (step.act === 'refuse') {
      // The receiver's node refuses an envelope for good, and with it whatever the sender says before it knows.
      const message = pair.underWay.sender.shift();
      if (message) lost.push(message);
    } else if (step.act === 'undo') {
      undo(pair, lost, at());
    } else if (step.act === 'again') {
      const message = delivered[side][step.pick % Math.max(1, delivered[side].length)];
      const life = pair.lives[other(side)];
      const again = message && receive(life, message);
      must(!again || (!isRefusal(again) && again.life === life && again.events.length === 0), 'taken twice', message);
    } else if (step.act === 'forge') {
      checkForgery(pair, side, step);
    } else {
      const { command, role } = step.act === 'legal' ? legal(before, step) : wild(step);
      const data =
        step.act === 'wild' && step.vary % 3 === 0
          ? { text: '', strange: 1 }
          : dataFor(command, pair, side, step, at());
      const result = pair.try(side, role, command, at(), {
        data,
        facts: factsFor(step),
        person: personFor(side, role, step),
      });
      checkApplied(before, pair.lives[side], result, command);
    }
    checkReplicas(pair);
  }
  while (pair.underWay.sender.length + pair.underWay.receiver.length + lost.length > 0) {
    deliver(pair, 'sender', delivered, lost);
    deliver(pair, 'receiver', delivered, lost);
    undo(pair, lost, at());
  }
  expect(sharedView(pair.lives.sender)).toEqual(sharedView(pair.lives.receiver));
  checkReplicas(pair);
}

function deliver(pair: TransferPair, side: Side, delivered: Record<Side, StateMessage[]>, lost: StateMessage[]): void {
  const message = pair.underWay[side][0];
  const to = other(side);
  if (!message) return;
  const before = freeze(pair.lives[to]);
  const result = pair.deliver(side);
  if (!isRefusal(result)) {
    delivered[side].push(message);
    checkTaken(before, result, message.command);
    return;
  }
  // Whatever crossed, an honest peer's message is never refused, unless one before it was.
  expect([result.code, side]).toEqual(['OUT_OF_TURN', 'sender']);
  expect(pair.lives[to]).toBe(before);
  pair.underWay[side].shift();
  lost.push(message);
}

/** The sender learns of a refusal. */
function undo(pair: TransferPair, lost: StateMessage[], at: string): void {
  const message = lost.shift();
  if (!message) return;
  const life = freeze(pair.lives.sender);
  const command = message.command.startsWith('send') ? 'reject' : 'reject-message';
  const result = pair.try('sender', 'node', command, at, { data: { message: message.id, code: 'BUNDLE_MALFORMED' } });
  const state = stateIn(life);
  if (isRefusal(result)) {
    // Undone already with one before it; or withdrawn, disputed or the like on top: then that goes first.
    expect(pair.lives.sender).toBe(life);
    if (life.pending.some(({ id }) => id === message.id))
      throw new Error(`${command} in ${state}: ${JSON.stringify(result)}`);
    return;
  }
  taken.set(`${command} sender`, (taken.get(`${command} sender`) ?? 0) + 1);
}

function checkApplied(before: TransferLife, after: TransferLife, result: Applied | Refusal, command: Command): void {
  if (isRefusal(result)) {
    must(after === before, 'a refusal changed something', result);
    return;
  }
  const from = stateIn(before);
  const to = stateIn(after);
  const row = rowsFor(command, before.side, before.kind).find((candidate) => candidate.from.includes(from));
  // No forbidden transition: what happened stands in the table.
  must((row?.to === 'same' ? from : row?.to) === to, 'forbidden transition', [command, from, to]);
  const name = `${command} ${before.side}`;
  taken.set(name, (taken.get(name) ?? 0) + 1);
  checkClocks(allClocks(before), allClocks(after));
}

function checkTaken(before: TransferLife, { life, events, clocks }: Applied, command: Command): void {
  // At the sender the receiver's word may come before its own: only what is agreed goes on from what it was.
  checkClocks(before.agreed.clocks, life.agreed.clocks);
  checkClocks(before.home.clocks, life.home.clocks);
  // A clock goes only because the command that started it crossed, and that is told.
  const annulled = clocks.filter(({ change }) => change === 'annulled').map(({ id }) => id);
  const names = new Set(allClocks(life).map(clockName));
  const gone = allClocks(before).flatMap((clock) => (names.has(clockName(clock)) ? [] : [clock.id]));
  must(isDeepStrictEqual(gone, annulled), 'gone and not told', [gone, annulled]);
  must(gone.length === 0 || events.some(({ event }) => event === 'transfer.crossed'), 'gone without crossing', gone);
  for (const event of events) {
    if (event.event !== 'transfer.crossed') continue;
    const pair = `${event.command} crosses ${command}`;
    taken.set(pair, (taken.get(pair) ?? 0) + 1);
  }
}

/** Each clock goes on from what it was: none is forgotten, none that was stopped runs again, who stopped it is known. */
function checkClocks(before: readonly LifeClock[], after: readonly LifeClock[]): void {
  const now = new Map(after.map((clock) => [clockName(clock), clock]));
  must(now.size === after.length, 'two clocks of one name', after);
  for (const clock of after) {
    const { pauses, start, stopped } = clock;
    const whole = !stopped || (stopped.at >= start && commands.includes(stopped.command) && !isPaused(clock));
    must(whole && pauses.every(({ from, to }) => to === null || to >= from), 'stopped by nobody', clock);
  }
  for (const clock of before) {
    const then = now.get(clockName(clock));
    if (!then) throw new Error(`a clock is lost: ${clockName(clock)}`);
    const open = { pauses: [], stopped: null };
    const goesOn = clock.stopped
      ? isDeepStrictEqual(then, clock)
      : isDeepStrictEqual({ ...then, ...open }, { ...clock, ...open }) && then.pauses.length >= clock.pauses.length;
    must(goesOn, 'another clock', [clock, then]);
  }
}

/** The sender never believes agreed what the receiver does not: its records are a beginning of the receiver's. */
function checkReplicas({ lives: { sender, receiver } }: TransferPair): void {
  const { records } = receiver.agreed;
  must(
    sender.agreed.records.every(({ id }, i) => id === records[i]?.id),
    'not the order of the receiver',
    records,
  );
  must(receiver.pending.length === 0, 'the receiver waits', receiver.pending);
}

/** As `expect`, which is too slow for so many. */
function must(holds: boolean, what: string, seen: unknown): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(seen)}`);
}

function checkForgery(pair: TransferPair, side: Side, { pick, vary }: Choice): void {
  const to = other(side);
  const life = freeze(pair.lives[to]);
  const real = pair.underWay[side][0];
  const command = commands[pick % commands.length]!;
  const forged = {
    ...(real ?? { id: 'f', transfer: life.transfer, from: side, seen: life.sent, at: new Date(begin).toISOString() }),
    index: life.received.length + (vary % 4),
    command,
    role: actors[vary % actors.length],
    data: vary % 2 === 0 ? {} : { text: 'x' },
    ...(vary % 5 === 0 ? { from: to } : {}),
    ...(vary % 7 === 0 ? { transfer: 'transfer-2' } : {}),
  };
  const result = receive(life, forged);
  // Taken only where an honest peer could have said the same; then it is not handed on, so nothing changes here.
  must(isRefusal(result) || forged.transfer === life.transfer, 'taken from elsewhere', forged);
}

const ending: readonly Command[] = ['withdraw', 'reject', 'return', 'edit', 'send-back'];

function legal(life: TransferLife, choice: Choice): { command: Command; role: Actor } {
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

function wild({ pick, vary }: Pick<Choice, 'pick' | 'vary'>): { command: Command; role: Actor } {
  return { command: commands[pick % commands.length]!, role: actors[vary % actors.length]! };
}

/** Two persons in each role, and now and then one who is in two roles. */
function personFor(side: Side, role: Actor, { vary }: Choice): string {
  return vary % 29 === 0 ? `${side}-both` : `${side}-${role}-${vary % 2}`;
}

function factsFor({ vary }: Choice): Partial<Facts> {
  if (vary % 11 === 0) return { against: ['R03', 'R15'] };
  if (vary % 13 === 0) return { against: ['R13'] };
  return { ownCase: vary % 3 === 0 ? '金综执立〔2022〕第9号' : null, legalReview: vary % 2 === 0 };
}

/** Data that fit the command, varied. */
function dataFor(command: Command, pair: TransferPair, side: Side, { vary }: Choice, at: string): CommandData {
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

function allClocks(life: TransferLife): LifeClock[] {
  return [...sharedView(life).clocks, ...life.home.clocks];
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}

it('two sides agree once all is delivered, whatever was done and however it crossed', () => {
  const kinds = fc.constantFrom<TransferKind>('LEAD', 'CASE', 'CASE', 'LEAD', ...transferKinds);
  const walk = fc.property(kinds, fc.constantFrom(...Object.keys(stages)), choices, run);
  // A long run goes on until chance has been everywhere: else it would prove less than it seems to.
  const missed = () =>
    transitions
      .flatMap(({ command, side }) =>
        (side === 'either' ? ['sender', 'receiver'] : [side]).map((at) => `${command} ${at}`),
      )
      .filter((name) => !taken.has(name));
  const isLong = longRun >= 100_000;
  while (walked < longRun || (isLong && missed().length > 0 && walked < 5 * longRun)) fc.assert(walk, { numRuns: 20 });
  if (isLong) expect(missed()).toEqual([]);
}, 600_000);

it('answers whatever comes in, and changes nothing', () => {
  const pair = new TransferPair('CASE');
  pair.send(new Date(begin).toISOString());
  const life = freeze(pair.lives.sender);
  const context = pair.context('sender', 'head', new Date(begin).toISOString());
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.anything(), fc.anything(), (command, data, at, message) => {
      expect(isRefusal(apply(life, command, data, { ...context, at: at as string }))).toBe(true);
      expect(isRefusal(apply(life, 'withdraw', data, { ...context, at: at as string }))).toBe(true);
      expect(isRefusal(receive(life, message))).toBe(true);
      expect(isRefusal(apply(life, 'constructor', data, context))).toBe(true);
    }),
    { numRuns: 300 },
  );
  expect(noFacts.against).toEqual([]);
});
