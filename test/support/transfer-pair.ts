import type { TransferKind } from '@jieqiao/recognition';
import {
  type Applied,
  apply,
  type Context,
  isRefusal,
  type Refusal,
  receive,
} from '../../libs/exchange/src/transfer/apply';
import type { CommandData, StateMessage } from '../../libs/exchange/src/transfer/command-data';
import type { Facts } from '../../libs/exchange/src/transfer/guards';
import { newLife, type TransferLife } from '../../libs/exchange/src/transfer/life';
import { type Actor, type Command, type Side, transitions } from '../../libs/exchange/src/transfer/lifecycle';

export const noFacts: Facts = {
  against: [],
  collectors: [],
  legalReview: false,
  undecidedItems: 0,
  ownCase: null,
  penaltyReview: false,
};

/** An instant given as a Chinese day and time, `2022-09-30 10:00`, in the form that the machine takes. */
export function cn(text: string): string {
  return new Date(`${text.replace(' ', 'T')}:00+08:00`).toISOString();
}

/** A digest for whatever stands for a document, bundle or content. */
export function digestFor(text: string): `sha256:${string}` {
  return `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(-64)}`;
}

/** The commands that need a signed document, so that a test need not name one each time. */
const signing = new Set<Command>(transitions.filter(({ signed }) => signed).map(({ command }) => command));

interface Step {
  data?: CommandData;
  /** A person of that role other than the usual one. */
  person?: string;
  facts?: Partial<Facts>;
}

/** Two replicas of one transfer, with what is on its way between them. Persons are named by side and role. */
export class TransferPair {
  lives: Record<Side, TransferLife>;
  /** Sent by that side and not yet taken by the other. */
  readonly underWay: Record<Side, StateMessage[]> = { sender: [], receiver: [] };
  private messages = 0;

  constructor(kind: TransferKind, urgent = false, transfer = 'transfer-1') {
    const about = { transfer, kind, urgent };
    this.lives = { sender: newLife({ ...about, side: 'sender' }), receiver: newLife({ ...about, side: 'receiver' }) };
  }

  context(side: Side, role: Actor, at: string, { person, facts }: Step = {}): Context {
    this.messages++;
    return {
      actor: {
        id: person ?? `${side}-${role}`,
        roles: [role],
        certNo: person ?? `${side}-${role}`,
        qualifiedSince: '2018-09-01',
      },
      at,
      messageId: `m-${this.messages}`,
      facts: { ...noFacts, ...facts },
    };
  }

  /** Gives a command; what it says to the peer goes on its way. */
  try(side: Side, role: Actor, command: Command, at: string, step: Step = {}): Applied | Refusal {
    const data = { ...(signing.has(command) ? { document: digestFor(command) } : {}), ...step.data };
    const result = apply(this.lives[side], command, data, this.context(side, role, at, step));
    if (isRefusal(result)) return result;
    this.lives[side] = result.life;
    this.underWay[side].push(...result.messages);
    return result;
  }

  /** As `try`, and must be allowed. */
  do(side: Side, role: Actor, command: Command, at: string, step: Step = {}): Applied {
    const result = this.try(side, role, command, at, step);
    if (isRefusal(result)) throw new Error(`${command} by ${side} ${role}: ${JSON.stringify(result)}`);
    return result;
  }

  /** The other side takes the next message of this one. */
  deliver(from: Side): Applied | Refusal {
    const to = from === 'sender' ? 'receiver' : 'sender';
    const message = this.underWay[from][0]!;
    const result = receive(this.lives[to], message);
    if (!isRefusal(result)) {
      this.lives[to] = result.life;
      this.underWay[from].shift();
    }
    return result;
  }

  deliverAll(): void {
    for (const side of ['sender', 'receiver'] as const) {
      while (this.underWay[side].length > 0) {
        const result = this.deliver(side);
        if (isRefusal(result)) throw new Error(`message of ${side}: ${JSON.stringify(result)}`);
      }
    }
  }

  /** The sender's whole path at home, at one time, up to SENT. */
  send(at: string, data: CommandData = {}, facts: Partial<Facts> = {}): void {
    const { kind } = this.lives.sender;
    const step = (role: Actor, command: Command, more: Step = {}) =>
      this.do('sender', role, command, at, { facts, ...more });
    if (this.lives.sender.agreed.state === 'NEW') step('handler', 'create');
    step('handler', 'sign', { person: 'sender-officer-1' });
    step('handler', 'submit', { person: 'sender-officer-2' });
    step('squad-lead', 'endorse');
    step('legal-reviewer', 'clear');
    step('head', 'approve');
    const own = { number: '平综执移字〔2022〕第5号', at, proof: digestFor('token') };
    const more = { ...(kind === 'CASE' ? { filing: own } : {}), ...(kind === 'ASSIST' ? { matters: 3 } : {}) };
    step('seal-keeper', 'send', { data: { ...bundleOf('v1'), number: '第5号', ...more, ...data } });
  }

  /** Stopped, telephoned, sent; nobody but two officers and the seal keeper has seen it. */
  sendUrgently(at: string, data: CommandData = {}): void {
    this.do('sender', 'handler', 'create', at);
    this.do('sender', 'handler', 'sign', at, { person: 'sender-officer-1' });
    this.do('sender', 'handler', 'submit', at, { person: 'sender-officer-2' });
    const own = { number: '平综执移字〔2022〕第5号', at, proof: digestFor('token') };
    const filing = this.lives.sender.kind === 'CASE' ? { filing: own } : {};
    const call = { act: 'stopped', phonedAt: at, phonedTo: '新埭值班室' } as const;
    this.do('sender', 'seal-keeper', 'send-urgent', at, {
      data: { ...bundleOf('v1'), number: '第5号', ...filing, ...call, ...data },
    });
  }

  /** The receiver's node takes it in, its clerk signs for it; both sides know. */
  arrive(at: string, signedAt = at): void {
    this.deliver('sender');
    this.do('receiver', 'node', 'deliver', at);
    this.do('receiver', 'clerk', 'sign-for', signedAt);
    this.deliverAll();
  }

  /** A handler proposes, a legal reviewer accepts. */
  accept(at: string): void {
    this.do('receiver', 'handler', 'propose-acceptance', at);
    this.do('receiver', 'legal-reviewer', 'accept', at);
    this.deliverAll();
  }
}

export function bundleOf(version: string): { bundle: `sha256:${string}`; content: `sha256:${string}` } {
  return { bundle: digestFor(`bundle ${version}`), content: digestFor(`content ${version}`) };
}
