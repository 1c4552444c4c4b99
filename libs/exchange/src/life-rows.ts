import type { Person } from '@jieqiao/access';
import { GatewayError, type LogEvent } from '@jieqiao/core';
import { type Tx, updateRows } from '@jieqiao/platform';
import { type AgreementDirection, type RecognitionAgreement, transferClocks } from '@jieqiao/recognition';
import type { TransferRow } from './tables';
import { agreedClocks } from './transfer/agreed-clocks';
import {
  type Applied,
  apply,
  isRefusal,
  type LifeEvent,
  type Refusal,
  receive,
  rowAndRole,
  stateIn,
} from './transfer/apply';
import type { StateMessage } from './transfer/command-data';
import type { Facts } from './transfer/guards';
import type { TransferLife } from './transfer/life';
import type { Command } from './transfer/lifecycle';

/** @throws GatewayError WRONG_STATE for a transfer from before there were lives: it can be read, and no more */
export function lifeOf(row: TransferRow): TransferLife {
  if (!row.life) throw new GatewayError('WRONG_STATE', { state: row.state, reason: 'no-life' });
  return row.life;
}

/** Puts a life into its row. `state` follows from it. */
export function setLife(row: TransferRow, life: TransferLife): void {
  row.life = life;
  row.state = stateIn(life);
}

/** The lengths of a transfer's clocks as the parties have agreed them. */
export function clockRowsOf(
  agreement: RecognitionAgreement | null,
  row: Pick<TransferRow, 'direction' | 'peer' | 'kind'>,
  node: string,
) {
  const [from, to] = row.direction === 'out' ? [node, row.peer] : [row.peer, node];
  const direction: AgreementDirection | undefined = agreement?.terms.directions.find(
    (each) => each.from === from && each.to === to,
  );
  return direction?.timeLimits ? agreedClocks(direction.timeLimits, row.kind) : transferClocks;
}

/** The node acts by itself: it delivers, refuses, and counts days. */
export const nodeActor = { id: 'node', roles: ['node'] as const };

/** For commands whose guards ask for none of these. */
export const noFacts: Facts = {
  against: [],
  collectors: [],
  legalReview: true,
  undecidedItems: 0,
  ownCase: null,
  penaltyReview: true,
};

/**
 * The receiver's word that its node has taken the transfer in. It never travels: the receipt is the word, and both
 * sides make the same message of it. `at` is the time of the log entry that the receipt proves.
 */
export function deliveryMessage(sending: Pick<StateMessage, 'id' | 'transfer' | 'index'>, index: number, at: string) {
  const { id, transfer, index: seen } = sending;
  const message: StateMessage = {
    id: deliveryId(id),
    transfer,
    from: 'receiver',
    index,
    seen,
    command: 'deliver',
    role: 'node',
    at,
    data: {},
  };
  return message;
}

export const deliveryId = (sending: string): string => `r-${sending}`;

export const isSending = ({ command }: Pick<StateMessage, 'command'>): boolean =>
  command === 'send' || command === 'send-urgent';

/**
 * What the fate of an own message at the peer does to this side's life. Null: nothing. A receiver's message that was
 * refused is agreed already: it is mended and sent again.
 */
export function settleMessage(
  life: TransferLife,
  message: StateMessage,
  fate: { refusal: string | null; at: string },
): Applied | Refusal | null {
  if (fate.refusal === null) {
    if (!isSending(message)) return null;
    return receive(life, deliveryMessage(message, life.received.length + 1, fate.at));
  }
  if (life.side === 'receiver') return null;
  return apply(
    life,
    isSending(message) ? 'reject' : 'reject-message',
    { message: message.id, code: fate.refusal },
    { actor: nodeActor, at: fate.at, messageId: 'none', facts: noFacts },
  );
}

interface Told {
  transfer: string;
  person: string | null;
  document?: string | null;
  envelope?: string | null;
}

/** What the log tells of a step. Drafts and sendings have entries of their own. */
export function lifeLogEvents(events: readonly LifeEvent[], told: Told): LogEvent[] {
  return events
    .filter(({ event }) => event !== 'transfer.sent' && event !== 'transfer.created')
    .map(({ event, command, side, role, from, to }) => {
      const { transfer, person, document = null, envelope = null } = told;
      const subject = { command, document, envelope, from, person, role, side, to, transfer };
      return { event, subject } as LogEvent;
    });
}

/**
 * The step as the table has it for this side, state and role.
 * @throws GatewayError COMMAND_REFUSED
 */
export function mustBeTheirs(command: Command, life: TransferLife, person: Person) {
  const state = stateIn(life);
  const found = rowAndRole(command, life.side, life.kind, state, person.roles);
  if (isRefusal(found)) throw new GatewayError('COMMAND_REFUSED', { command, reason: found.code, state });
  return found;
}

/** @throws GatewayError COMMAND_REFUSED */
export function accepted(result: Applied | Refusal, command: string): Applied {
  if (!isRefusal(result)) return result;
  const { pointer, ...params } = result.params;
  throw new GatewayError('COMMAND_REFUSED', {
    command,
    ...params,
    ...(pointer === undefined ? {} : { pointer }),
    reason: result.code,
    ...(result.params.reason === undefined ? {} : { detail: String(result.params.reason) }),
  });
}

/** Whoever wanted what the machine or the rules forbid is on record; a slip of form is not. */
export function refusalEvents(
  error: GatewayError,
  command: string,
  person: { id: string },
  transfer: string,
): LogEvent[] {
  const reasons: Partial<Record<string, unknown>> = {
    COMMAND_REFUSED: error.params.reason,
    RECOGNITION_BLOCKED: error.code,
  };
  const reason = reasons[error.code];
  if (typeof reason !== 'string') return [];
  return [{ event: 'command.refused', subject: { command, person: person.id, reason, transfer } }];
}

/** What a step changes in the rows of transfers, in one statement. */
export async function saveCases(tx: Tx, rows: readonly TransferRow[]): Promise<void> {
  await updateRows(
    tx,
    'transfer',
    'id',
    rows.map((row) => ({
      id: row.id,
      state: row.state,
      delivery: row.delivery,
      refusal: row.refusal,
      version: row.version,
      number: row.number,
      title: row.title,
      bundle_digest: row.bundleDigest,
      jti: row.jti,
      last_jti: row.lastJti,
      life: JSON.stringify(row.life),
      acknowledged: row.acknowledged && JSON.stringify(row.acknowledged),
      decisions: row.decisions && JSON.stringify(row.decisions),
      findings: row.findings && JSON.stringify(row.findings),
      recognition: row.recognition,
      updated_at: row.updatedAt,
    })),
  );
}
