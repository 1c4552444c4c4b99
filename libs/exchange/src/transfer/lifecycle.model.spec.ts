import { isDeepStrictEqual } from 'node:util';
import { type TransferKind, transferKinds } from '@jieqiao/recognition';
import fc from 'fast-check';
import {
  actors,
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
} from '../../../../test/support/random-life';
import { noFacts, TransferPair } from '../../../../test/support/transfer-pair';
import { type Applied, apply, isRefusal, type Refusal, receive, sharedView, stateIn } from './apply';
import { clockName, isPaused, type LifeClock } from './clocks';
import type { StateMessage } from './command-data';
import { other } from './guards';
import type { TransferLife } from './life';
import { type Command, commands, rowsFor, type Side, transitions } from './lifecycle';

// Two replicas, and between them a network that delivers each direction in order but when it likes, and what was
// delivered once perhaps again.

const longRun = Number(process.env.JIEQIAO_MODEL_STEPS ?? 3000);
const taken = new Map<string, number>();
let walked = 0;

function run(kind: TransferKind, stage: string, steps: readonly Choice[]): void {
  let now = begin;
  const at = () => new Date(Math.min(begin + span, Math.max(begin, now))).toISOString();
  const pair = startPair(kind, stage, at());
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
