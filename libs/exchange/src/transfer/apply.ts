import { type ErrorParams, hasCode } from '@jieqiao/core';
import type { TransferClock } from '@jieqiao/recognition';
import { type ClockChange, clockChanges, type LifeClock, standingOf, stopAll, turn } from './clocks';
import { type CommandData, dataFault, messageFault, type StateMessage } from './command-data';
import { type Facts, type HomeCase, homeChecks, other, type Person, type SharedCase, sharedChecks } from './guards';
import { mattersOf, type SharedLife, type SharedRecord, stateOf, type TransferLife } from './life';
import {
  type Actor,
  type Command,
  commands,
  type Guard,
  type HomeGuard,
  type HomeState,
  isCommand,
  isHomeState,
  type LifeClockId,
  type LifeState,
  lifeClocks,
  rowsFor,
  type SharedGuard,
  type SharedState,
  type Side,
  sendableStates,
  sharedFrom,
  type Transition,
} from './lifecycle';

/**
 * The machine. Both sides run it on their own replica. The receiver's node gives the order: what it does or takes in
 * counts from then on, and each of its messages says how many of the sender's it had taken. The sender keeps its own
 * messages apart until then and lays them on top of what is agreed. So both replicas are the same fold of the same
 * commands, however the two directions interleave; a command that the receiver's node meets in a state that no longer
 * allows it has crossed, and has no effect on either side.
 */

/** Reasons for which a command or a message is refused, besides the guards. */
export type RefusalCode =
  | Guard
  | 'VALIDATION_FAILED'
  | 'FORBIDDEN'
  | 'WRONG_KIND'
  | 'WRONG_STATE'
  | 'DOCUMENT_MISSING'
  | 'CLOCK_NOT_RUNNING'
  | 'CLOCK_NOT_OVER'
  | 'LIMIT_EXCEEDED'
  | 'MESSAGE_ALTERED'
  | 'OUT_OF_TURN';

/** An answer, not a failure. The life is as it was. */
export interface Refusal {
  code: RefusalCode;
  params: ErrorParams;
}

/** For the log and for whoever watches: codes only, no text, no person. */
export interface LifeEvent {
  /** `transfer.` and the row's word; `transfer.crossed`, `transfer.uncrossed`, `transfer.draft-dropped`. */
  event: string;
  command: Command;
  side: Side;
  role: Actor | null;
  from: LifeState;
  to: LifeState;
}

export interface Applied {
  life: TransferLife;
  events: LifeEvent[];
  /** None, or one, for the peer. */
  messages: StateMessage[];
  clocks: ClockChange[];
}

export interface Context {
  actor: Person;
  /** ISO-8601 UTC with milliseconds. */
  at: string;
  /** Id of the message, should the command need one; never used before. */
  messageId: string;
  facts: Facts;
  /** The clocks under the transfer's agreement; absent: those of law and proposal. */
  clockRows?: readonly TransferClock[];
}

/** More than any life needs; a peer that goes on talking is refused. */
export const lifeLimits = { records: 1000, homeRecords: 1000, pending: 100 } as const;

export function isRefusal(result: object): result is Refusal {
  return 'code' in result;
}

/** What this side knows now: what is agreed, with its own messages on top that have yet to be taken. */
export function sharedView(life: TransferLife): SharedLife {
  return life.pending.reduce((shared, message) => advanceOrCross(life, shared, message), life.agreed);
}

export function stateIn(life: TransferLife): LifeState {
  return stateOf(life.home, sharedView(life));
}

/** A command of this side's own people or node. Pure; total: whatever comes in, it answers. */
export function apply(life: TransferLife, command: unknown, data: unknown, context: Context): Applied | Refusal {
  if (!isCommand(command)) return refuse('VALIDATION_FAILED', { reason: 'unknown-command' });
  const { side, kind } = life;
  const { actor, at, messageId } = context;
  const shared = sharedView(life);
  const from = stateOf(life.home, shared);

  const found = rowAndRole(command, side, kind, from, actor.roles);
  if ('code' in found) return found;
  const { row, role } = found;
  const fault = dataFault(command, data, at);
  if (fault) return refuse('VALIDATION_FAILED', fault);
  const given = data as CommandData;
  const full =
    life.home.records.length >= lifeLimits.homeRecords || (row.message && life.pending.length >= lifeLimits.pending);
  if (full) return refuse('LIMIT_EXCEEDED', { limit: 'home' });
  const refusal =
    clockRefusal(life, shared, row, context) ??
    guardRefusal(row, {
      shared,
      kind,
      side,
      at,
      data: given,
      urgent: life.urgent,
      home: life.home,
      pending: life.pending,
      actor,
      role,
      facts: context.facts,
    });
  if (refusal) return refusal;

  const message: StateMessage = {
    id: messageId,
    transfer: life.transfer,
    from: side,
    index: life.sent + 1,
    seen: life.received.length,
    command,
    role,
    at,
    data: given,
  };
  const malformed = row.message && messageFault(message);
  if (malformed) return refuse('VALIDATION_FAILED', malformed);
  const advanced = row.message ? advance(life, shared, message) : shared;
  if ('code' in advanced) return advanced;

  const next: TransferLife = {
    ...life,
    ...(row.message ? said(life, advanced, message) : undone(life, row, given)),
    home: {
      path: pathAfter(row, life.home.path),
      records: [
        ...life.home.records,
        {
          command,
          person: actor.id,
          ...(actor.certNo === undefined ? {} : { certNo: actor.certNo }),
          ...(actor.qualifiedSince === undefined ? {} : { qualifiedSince: actor.qualifiedSince }),
          role,
          at,
          known: shared.records.length,
        },
      ],
      clocks: turn(life.home.clocks, 'home', {
        row,
        side,
        at,
        data: given,
        by: `home-${life.home.records.length + 1}`,
        matters: [],
      }),
    },
  };
  const after = sharedView(next);
  next.home = withoutLostDraft(next.home, after, { at, by: side, command });
  const to = stateOf(next.home, after);
  return {
    life: next,
    events: [
      { event: `transfer.${row.event}`, command, side, role, from, to },
      ...draftDropped(life, next, command, from, to),
    ],
    messages: row.message ? [message] : [],
    clocks: changesOf(life.home.clocks, shared, next.home.clocks, after),
  };
}

/** The receiver's own word is agreed at once; the sender's when the receiver has taken it. */
function said({ pending, side }: TransferLife, agreed: SharedLife, message: StateMessage): Partial<TransferLife> {
  return { sent: message.index, ...(side === 'receiver' ? { agreed } : { pending: [...pending, message] }) };
}

/** The peer never took that message nor any after it: their numbers are free again. */
function undone({ pending }: TransferLife, row: Transition, data: CommandData): Partial<TransferLife> {
  const refused = pending.find(({ id }) => id === data.message);
  if (!refused || (row.command !== 'reject' && row.command !== 'reject-message')) return {};
  return { sent: refused.index - 1, pending: pending.filter(({ index }) => index < refused.index) };
}

/**
 * A message of the peer, in the order of its chain. Known ones change nothing. What crosses with a message of our own is
 * settled by the receiver's order.
 */
export function receive(life: TransferLife, value: unknown): Applied | Refusal {
  const fault = messageFault(value);
  if (fault) return refuse('VALIDATION_FAILED', fault);
  const message = value as StateMessage;
  if (message.transfer !== life.transfer || message.from === life.side) {
    return refuse('VALIDATION_FAILED', { reason: 'not-for-us' });
  }
  const known = life.received[message.index - 1];
  if (known === message.id) return { life, events: [], messages: [], clocks: [] };
  if (known !== undefined) return refuse('MESSAGE_ALTERED', { index: message.index });
  if (message.index !== life.received.length + 1) return refuse('OUT_OF_TURN', { expected: life.received.length + 1 });
  if (message.seen < life.acknowledged || message.seen > life.sent)
    return refuse('OUT_OF_TURN', { seen: message.seen });

  const before = sharedView(life);
  const taken = life.side === 'sender' ? fromReceiver(life, message) : fromSender(life, message);
  if ('code' in taken) return taken;
  const received: TransferLife = {
    ...life,
    ...taken,
    acknowledged: message.seen,
    received: [...life.received, message.id],
  };
  const after = sharedView(received);
  const next = { ...received, home: settledHome(received, after, message) };
  return {
    life: next,
    events: eventsOf(life, before, next, after, message),
    messages: [],
    clocks: changesOf(life.home.clocks, before, next.home.clocks, after),
  };
}

/** The sender takes the receiver's message: first its own that the receiver had taken before, in that order. */
function fromReceiver(life: TransferLife, message: StateMessage): Pick<TransferLife, 'agreed' | 'pending'> | Refusal {
  const taken = life.pending.filter(({ index }) => index <= message.seen);
  const agreed = advance(
    life,
    taken.reduce((shared, own) => advanceOrCross(life, shared, own), life.agreed),
    message,
  );
  return 'code' in agreed ? agreed : { agreed, pending: life.pending.slice(taken.length) };
}

/** The receiver takes the sender's message as it comes. Not allowed: crossed, if the sender did not know all of ours. */
function fromSender(life: TransferLife, message: StateMessage): Pick<TransferLife, 'agreed'> | Refusal {
  const agreed = advance(life, life.agreed, message);
  if (!('code' in agreed)) return { agreed };
  const crossing = message.seen < life.sent && mayCross(agreed);
  return crossing ? { agreed: crossed(life.agreed, message, agreed) } : agreed;
}

function advanceOrCross(about: Pick<TransferLife, 'kind'>, shared: SharedLife, message: StateMessage): SharedLife {
  const next = advance(about, shared, message);
  return 'code' in next ? crossed(shared, message, next) : next;
}

function crossed(shared: SharedLife, { id, command }: StateMessage, { code }: Refusal): SharedLife {
  return { ...shared, crossed: [...shared.crossed, { id, command, reason: code }] };
}

/** Only for what may have changed under way. Who says it and what it says stays wrong whatever crossed. */
function mayCross({ code }: Refusal): boolean {
  return code !== 'FORBIDDEN' && code !== 'WRONG_KIND' && code !== 'DOCUMENT_MISSING';
}

/** One command in the one order. The same on both sides: it reads nothing that only one of them knows. */
function advance(
  { kind }: Pick<TransferLife, 'kind'>,
  shared: SharedLife,
  message: StateMessage,
): SharedLife | Refusal {
  const { id, from: side, command, role, at, data } = message;
  const told = rowsFor(command, side, kind).filter((row) => row.message);
  if (told.length === 0) return refuse('WRONG_KIND', { command, kind });
  const rows = told.filter((row) => (row.roles as readonly string[]).includes(role));
  if (rows.length === 0) return refuse('FORBIDDEN', { command });
  const row = rows.find((candidate) => sharedFrom(candidate).includes(shared.state));
  if (!row) return refuse('WRONG_STATE', { command, state: shared.state });
  if (row.signed && !data.document) return refuse('DOCUMENT_MISSING', { document: row.signed });
  if (shared.records.length + shared.crossed.length >= lifeLimits.records) {
    return refuse('LIMIT_EXCEEDED', { limit: 'records' });
  }
  if (row.during && !lifeClocks[row.during].home && !isOpen(shared.clocks, row.during, side)) {
    return refuse('CLOCK_NOT_RUNNING', { clock: row.during });
  }
  const refusal = sharedRefusal(row, { shared, kind, side, at, data });
  if (refusal) return refusal;
  const to = row.to === 'same' ? shared.state : (row.to as SharedState);
  const record = { id, side, command, role: role as Actor, at, from: shared.state, to, data };
  const records = [...shared.records, record];
  const matters = data.matter ? [data.matter] : mattersOf({ ...shared, records }).map((_, i) => i + 1);
  const clocks = turn(shared.clocks, 'shared', { row, side, at, data, by: id, matters });
  return { ...shared, state: to, records, clocks };
}

/** The commands that somebody in these roles may give now, as far as state and kind say: guards may still refuse. */
export function commandsFor(life: TransferLife, roles: readonly Actor[]): Command[] {
  const state = stateIn(life);
  return commands.filter((command) => !isRefusal(rowAndRole(command, life.side, life.kind, state, roles)));
}

/** The row for a command here and now, and the role in which the person gives it. */
export function rowAndRole(
  command: Command,
  side: Side,
  kind: TransferLife['kind'],
  state: LifeState,
  roles: readonly Actor[],
): { row: Transition; role: Actor } | Refusal {
  const rows = rowsFor(command, side, kind);
  if (rows.length === 0) return refuse('WRONG_KIND', { command, kind, side });
  // Asked first, so that whoever may never give the command learns nothing of the state.
  if (!rows.some((row) => row.roles.some((role) => roles.includes(role)))) return refuse('FORBIDDEN', { command });
  const row = rows.find(({ from }) => from.includes(state));
  if (!row) return refuse('WRONG_STATE', { command, state });
  const role = row.roles.find((allowed) => roles.includes(allowed));
  return role ? { row, role } : refuse('FORBIDDEN', { command });
}

function guardRefusal(row: Transition, at: HomeCase): Refusal | null {
  if (row.signed && !at.data.document) return refuse('DOCUMENT_MISSING', { document: row.signed });
  for (const guard of row.guards ?? []) {
    const missing = guard in homeChecks ? homeChecks[guard as HomeGuard](at) : null;
    if (missing) return refuse(guard, missing);
  }
  return sharedRefusal(row, at);
}

function sharedRefusal(row: Transition, at: SharedCase): Refusal | null {
  for (const guard of row.guards ?? []) {
    const missing = guard in sharedChecks ? sharedChecks[guard as SharedGuard](at) : null;
    if (missing) return refuse(guard, missing);
  }
  return null;
}

/** The row's clocks, asked at home: ends depend on tables that the peer may have in another edition. */
function clockRefusal(life: TransferLife, shared: SharedLife, row: Transition, context: Context): Refusal | null {
  const { during, after } = row;
  const clocks = [...shared.clocks, ...life.home.clocks];
  if (during && !isOpen(clocks, during, life.side)) return refuse('CLOCK_NOT_RUNNING', { clock: during });
  if (!after) return null;
  const clock = clocks.findLast(({ id, stopped }) => id === after && stopped === null);
  if (!clock) return refuse('CLOCK_NOT_RUNNING', { clock: after });
  try {
    const { overdue, due } = standingOf(clock, life.urgent, context.at, context.clockRows);
    return overdue ? null : refuse('CLOCK_NOT_OVER', { clock: after, due: due?.day });
  } catch (error) {
    // A year without a table of holidays: nobody can say yet whether it has run out.
    if (hasCode(error, 'VALIDATION_FAILED')) return refuse('VALIDATION_FAILED', error.params);
    throw error;
  }
}

function isOpen(clocks: readonly LifeClock[], id: LifeClockId, side: Side): boolean {
  return clocks.some(
    (clock) => clock.id === id && clock.stopped === null && (lifeClocks[id].owner !== 'actor' || clock.owner === side),
  );
}

function pathAfter({ to, message }: Transition, path: HomeState | null): HomeState | null {
  if (to === 'same' || to === 'before') return path;
  if (message) return null;
  return isHomeState(to) ? to : path;
}

/** What a message of the peer does at home: it stops clocks, and may end work on a draft. */
function settledHome(
  { home, kind, side }: TransferLife,
  after: SharedLife,
  message: StateMessage,
): TransferLife['home'] {
  const record = recordOf(after, message);
  const stop = { at: message.at, by: other(side), command: message.command };
  const stops = (record ? (rowOf(record, kind).stops ?? []) : []).filter((id) => lifeClocks[id].home);
  return withoutLostDraft({ ...home, clocks: stopAll(home.clocks, stops, stop) }, after, stop);
}

/** A draft that was begun on the word of a message that did not count can't be sent any more. */
function withoutLostDraft(
  home: TransferLife['home'],
  shared: SharedLife,
  stop: NonNullable<LifeClock['stopped']>,
): TransferLife['home'] {
  if (home.path === null || sendableStates.includes(shared.state)) return home;
  return { ...home, path: null, clocks: stopAll(home.clocks, ['squad-opinion', 'legal-opinion', 'approval'], stop) };
}

function eventsOf(
  life: TransferLife,
  before: SharedLife,
  next: TransferLife,
  after: SharedLife,
  message: StateMessage,
): LifeEvent[] {
  const from = stateOf(life.home, before);
  const to = stateOf(next.home, after);
  const events: LifeEvent[] = [];
  const tell = (event: string, command: Command, side: Side, role: Actor | null) =>
    events.push({ event: `transfer.${event}`, command, side, role, from, to });
  const record = recordOf(after, message);
  if (record) tell(rowOf(record, life.kind).event, record.command, record.side, record.role);
  const newIn = (these: SharedLife, those: SharedLife) =>
    these.crossed.filter(({ id }) => !those.crossed.some((each) => each.id === id));
  for (const { command } of newIn(after, before)) tell('crossed', command, 'sender', null);
  for (const { command } of newIn(before, after)) tell('uncrossed', command, 'sender', null);
  return [...events, ...draftDropped(life, next, message.command, from, to)];
}

function draftDropped(
  { home, side }: TransferLife,
  next: TransferLife,
  command: Command,
  from: LifeState,
  to: LifeState,
): LifeEvent[] {
  const dropped = home.path !== null && next.home.path === null && to !== 'SENT';
  return dropped ? [{ event: 'transfer.draft-dropped', command, side, role: null, from, to }] : [];
}

function recordOf({ records }: SharedLife, { id }: StateMessage): SharedRecord | undefined {
  return records.find((record) => record.id === id);
}

function rowOf({ command, from, side }: SharedRecord, kind: TransferLife['kind']): Transition {
  return rowsFor(command, side, kind).find((row) => sharedFrom(row).includes(from))!;
}

function changesOf(
  home: readonly LifeClock[],
  shared: SharedLife,
  nextHome: readonly LifeClock[],
  nextShared: SharedLife,
): ClockChange[] {
  return clockChanges([...shared.clocks, ...home], [...nextShared.clocks, ...nextHome]);
}

function refuse(code: RefusalCode, params: ErrorParams): Refusal {
  return { code, params };
}
