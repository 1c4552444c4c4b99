import type { Digest } from '@jieqiao/core';
import type { TransferKind } from '@jieqiao/recognition';
import type { LifeClock } from './clocks';
import type { CommandData, Filing, StateMessage } from './command-data';
import {
  type Actor,
  type Command,
  disputeLevels,
  type HomeState,
  type LifeState,
  type SharedState,
  type Side,
} from './lifecycle';

/** A step that both sides have, in the one order that the receiver's node gave. Its `id` is the message's. */
export interface SharedRecord {
  id: string;
  side: Side;
  command: Command;
  role: Actor;
  at: string;
  from: SharedState;
  to: SharedState;
  data: CommandData;
}

/** A command of the sender that the receiver's node met in a state that no longer allowed it. It has no effect. */
export interface CrossedCommand {
  id: string;
  command: Command;
  reason: string;
}

/** What both sides agree on once everything is delivered: equal to the byte. */
export interface SharedLife {
  state: SharedState;
  records: readonly SharedRecord[];
  crossed: readonly CrossedCommand[];
  clocks: readonly LifeClock[];
}

/** A step of this side's own people. `known`: how many shared records there were. */
export interface HomeRecord {
  command: Command;
  person: string;
  /** Of the person's enforcement certificate, and since when a legal reviewer is qualified: what a peer may be told. */
  certNo?: string;
  qualifiedSince?: string;
  role: Actor;
  at: string;
  known: number;
}

/** One side's replica of a transfer's life. Plain JSON; never changed in place. */
export interface TransferLife {
  transfer: string;
  kind: TransferKind;
  urgent: boolean;
  side: Side;
  /** As far as the receiver's order is known here. At the receiver: all of it. */
  agreed: SharedLife;
  /** At the sender: own messages of which no message of the receiver says yet that they were taken. */
  pending: readonly StateMessage[];
  /** Own messages so far, and how many of them the peer had taken by its last message. */
  sent: number;
  acknowledged: number;
  /** Ids of the peer's messages in their order. */
  received: readonly string[];
  home: { path: HomeState | null; records: readonly HomeRecord[]; clocks: readonly LifeClock[] };
}

export function newLife(about: { transfer: string; kind: TransferKind; urgent: boolean; side: Side }): TransferLife {
  return {
    ...about,
    agreed: { state: 'NEW', records: [], crossed: [], clocks: [] },
    pending: [],
    sent: 0,
    acknowledged: 0,
    received: [],
    home: { path: null, records: [], clocks: [] },
  };
}

// Below: what the records say. All of it is read, never stored twice.

export interface BundleVersion {
  no: number;
  bundle: Digest;
  content: Digest;
  at: string;
  /** The receiver sent the transfer back with this version in hand. */
  returned: boolean;
}

/** Every version that was sent, in order. */
export function versionsOf({ records }: SharedLife): BundleVersion[] {
  let versions: BundleVersion[] = [];
  for (const { data, at, to, from } of records) {
    if (data.bundle && data.content) {
      versions.push({ no: versions.length + 1, bundle: data.bundle, content: data.content, at, returned: false });
    }
    if (to === 'RETURNED' && from !== to) versions = versions.map((version) => ({ ...version, returned: true }));
  }
  return versions;
}

/** Each side's own case, as it last attested it. The guard `same-claim` keeps its time from being moved. */
export function filingsOf({ records }: SharedLife): Record<Side, Filing | null> {
  const last = (side: Side) => records.findLast((record) => record.side === side && record.data.filing)?.data.filing;
  return { sender: last('sender') ?? null, receiver: last('receiver') ?? null };
}

/** Who filed first (§25); null while not both have, or at the same time. */
export function firstToFile(shared: SharedLife): Side | null {
  const { sender, receiver } = filingsOf(shared);
  if (!sender || !receiver || sender.at === receiver.at) return null;
  return sender.at < receiver.at ? 'sender' : 'receiver';
}

/** The records since the transfer was last sent. */
export function round({ records }: SharedLife): readonly SharedRecord[] {
  return since(records, 'send', 'send-urgent');
}

/** The records of the dispute that was opened last. */
export function disputeOf({ records }: SharedLife): readonly SharedRecord[] {
  return since(records, 'contest');
}

/** The levels of the ladder to which the dispute has gone so far, and the next. */
export function ladderOf(shared: SharedLife): { level: string | null; next: string | null } {
  const gone = disputeOf(shared).filter(({ command }) => command === 'refer-to-superior').length;
  return { level: disputeLevels[gone - 1] ?? null, next: disputeLevels[gone] ?? null };
}

/** What a side last proposed in the dispute: which of the two handles the matter. */
export function proposalOf(shared: SharedLife, side: Side): CommandData['handling'] | null {
  const proposal = disputeOf(shared).findLast(
    (record) => record.command === 'propose-settlement' && record.side === side,
  );
  return proposal?.data.handling ?? null;
}

export function designationOf(shared: SharedLife): CommandData['handling'] | null {
  return disputeOf(shared).findLast(({ command }) => command === 'designate')?.data.handling ?? null;
}

export function supplementsOf(shared: SharedLife): number {
  return round(shared).filter(({ command }) => command === 'request-supplement').length;
}

/** Reported and not yet replaced, by a replacement or a later version. */
export function hasMismatch(shared: SharedLife): boolean {
  const last = round(shared).findLast(({ command, data }) => command === 'report-mismatch' || data.content);
  return last?.command === 'report-mismatch';
}

export type MatterState = 'open' | 'extended' | 'answered' | 'refused';

/** The matters of a request for assistance, the first at 0. */
export function mattersOf(shared: SharedLife): MatterState[] {
  const [request, ...later] = round(shared);
  const said = { 'extend-matter': 'extended', 'answer-matter': 'answered', 'refuse-matter': 'refused' } as const;
  return Array.from({ length: request?.data.matters ?? 0 }, (_, i) => {
    const last = later.findLast(({ command, data }) => command in said && data.matter === i + 1)?.command;
    return last ? said[last as keyof typeof said] : 'open';
  });
}

/** Whether the police refused what was last referred to them. */
export function policeRefused({ records }: SharedLife): boolean {
  return since(records, 'refer-crime').some(({ command }) => command === 'record-police-refusal');
}

/** Where the matter stood when it was last referred to the police. */
export function stateBeforeReferral({ records }: SharedLife): SharedState | null {
  return records.findLast(({ command }) => command === 'refer-crime')?.from ?? null;
}

/** Outcome of approvals after an urgent act (事后补审), as the peer was told; null: none was owed. */
export function afterwardsOf(shared: SharedLife, side: Side): 'owed' | 'approved' | 'disapproved' | null {
  const clock = shared.clocks.findLast(({ id, owner }) => id === 'approval-afterwards' && owner === side);
  if (!clock) return null;
  if (clock.stopped === null) return 'owed';
  return clock.stopped.command === 'approve-afterwards' ? 'approved' : 'disapproved';
}

/** Whether a side has attested a case of its own and not closed it. */
export function hasOwnCase(shared: SharedLife, side: Side): boolean {
  const dropped = shared.records.some((record) => record.command === 'drop-own-case' && record.side === side);
  return filingsOf(shared)[side] !== null && !dropped;
}

/** Flags besides the state. OVERDUE is read from the clocks: `overdueClocks`. */
export function flagsOf(life: { urgent: boolean }, shared: SharedLife) {
  return {
    urgent: life.urgent,
    afterwards: { sender: afterwardsOf(shared, 'sender'), receiver: afterwardsOf(shared, 'receiver') },
    attached: shared.records.some(({ command }) => command === 'attach'),
    mismatch: hasMismatch(shared),
    disposal: shared.records.findLast(({ command }) => command === 'attest-disposal')?.data.disposal ?? null,
  };
}

export function stateOf(home: TransferLife['home'], shared: SharedLife): LifeState {
  return home.path ?? shared.state;
}

/** From the last of these commands on, that one included; empty if there was none. */
export function since<T extends { command: Command }>(records: readonly T[], ...commands: Command[]): readonly T[] {
  const start = records.findLastIndex(({ command }) => commands.includes(command));
  return start < 0 ? [] : records.slice(start);
}
