import { bundleOf, cn, digestFor, noFacts, TransferPair } from '../../../../test/support/transfer-pair';
import { apply, isRefusal, lifeLimits, type Refusal, receive, sharedView, stateIn } from './apply';
import type { StateMessage } from './command-data';
import type { TransferLife } from './life';
import type { LifeState } from './lifecycle';

const at = (hour: number) => cn(`2022-09-20 ${String(hour).padStart(2, '0')}:00`);
const text = { text: '理由' };

function received(): TransferPair {
  const pair = new TransferPair('CASE');
  pair.send(at(8));
  pair.arrive(at(8), at(9));
  return pair;
}

function accepted(): TransferPair {
  const pair = received();
  pair.accept(at(10));
  return pair;
}

function disputed(): TransferPair {
  const pair = accepted();
  pair.do('receiver', 'head', 'contest', at(11), { data: text });
  pair.deliverAll();
  return pair;
}

/** Where both stand after all is delivered, the sender's messages first or the receiver's; and what crossed. */
function ends(pair: TransferPair): { state: LifeState; crossed: string[] } {
  const before = pair.lives;
  const underWay = { sender: [...pair.underWay.sender], receiver: [...pair.underWay.receiver] };
  const results = (['sender', 'receiver'] as const).map((first) => {
    pair.lives = before;
    pair.underWay.sender.splice(0, 100, ...underWay.sender);
    pair.underWay.receiver.splice(0, 100, ...underWay.receiver);
    while (pair.underWay[first].length > 0) expect(isRefusal(pair.deliver(first))).toBe(false);
    pair.deliverAll();
    expect(sharedView(pair.lives.sender)).toEqual(sharedView(pair.lives.receiver));
    const { crossed } = sharedView(pair.lives.sender);
    return { state: stateIn(pair.lives.sender), crossed: crossed.map(({ command }) => command) };
  });
  expect(results[0]).toEqual(results[1]);
  return results[0]!;
}

describe('when messages cross, the receiver’s order decides', () => {
  const withdraw = (pair: TransferPair) => pair.do('sender', 'head', 'withdraw', at(12), { data: text });

  it('withdrawal and acceptance: accepted', () => {
    const pair = received();
    pair.do('receiver', 'handler', 'propose-acceptance', at(12));
    pair.do('receiver', 'legal-reviewer', 'accept', at(12));
    withdraw(pair);
    expect(stateIn(pair.lives.sender)).toBe('WITHDRAWN');
    expect(ends(pair)).toEqual({ state: 'ACCEPTED', crossed: ['withdraw'] });
  });

  it('withdrawal and receipt: withdrawn', () => {
    const pair = new TransferPair('LEAD');
    pair.send(at(8));
    pair.deliver('sender');
    pair.do('receiver', 'node', 'deliver', at(8));
    pair.do('receiver', 'clerk', 'sign-for', at(12));
    withdraw(pair);
    expect(ends(pair)).toEqual({ state: 'WITHDRAWN', crossed: [] });
  });

  it('withdrawal and request for supplement: withdrawn', () => {
    const pair = received();
    pair.do('receiver', 'legal-reviewer', 'request-supplement', at(12), {
      data: { rules: ['R07'], missing: ['制作人'] },
    });
    withdraw(pair);
    expect(ends(pair)).toEqual({ state: 'WITHDRAWN', crossed: [] });
  });

  it.each([
    ['return', { code: 'NO_TERRITORY', text: '不在辖区' }, 'RETURNED'],
    ['forward', { department: '生态环境局', text: '转送' }, 'FORWARDED'],
  ] as const)('withdrawal and %s: that stands', (command, data, state) => {
    const pair = received();
    pair.do('receiver', 'head', command, at(12), { data });
    withdraw(pair);
    expect(ends(pair)).toEqual({ state, crossed: ['withdraw'] });
  });

  it('an answer and the return because none came: returned, the late version is not on record', () => {
    const pair = received();
    pair.do('receiver', 'legal-reviewer', 'request-supplement', at(12), {
      data: { rules: ['R07'], missing: ['制作人'] },
    });
    pair.deliverAll();
    pair.do('sender', 'seal-keeper', 'answer-supplement', cn('2022-09-27 23:59'), { data: bundleOf('v2') });
    pair.do('receiver', 'head', 'return', cn('2022-09-28 00:01'), {
      data: { code: 'INSUFFICIENT_AFTER_SUPPLEMENT', text: '逾期未补充' },
    });
    expect(ends(pair)).toEqual({ state: 'RETURNED', crossed: ['answer-supplement'] });
  });

  it('both contest: one dispute, opened by the receiver', () => {
    const pair = accepted();
    for (const side of ['sender', 'receiver'] as const) pair.do(side, 'head', 'contest', at(12), { data: text });
    expect(ends(pair)).toEqual({ state: 'IN_DISPUTE', crossed: ['contest'] });
  });

  it('the sender contests while the receiver files: filed', () => {
    const pair = accepted();
    const filing = { number: '金综执立〔2022〕第9号', at: at(12), proof: digestFor('token') };
    pair.do('receiver', 'head', 'file', at(12), { data: { filing } });
    pair.do('sender', 'head', 'contest', at(12), { data: text });
    expect(ends(pair)).toEqual({ state: 'FILED', crossed: ['contest'] });
  });

  it('both refer to the superior: once, by the receiver', () => {
    const pair = disputed();
    const data = { level: 'city', body: '嘉兴市、上海市主管部门' } as const;
    for (const side of ['sender', 'receiver'] as const) pair.do(side, 'head', 'refer-to-superior', at(12), { data });
    expect(ends(pair)).toEqual({ state: 'IN_DISPUTE', crossed: ['refer-to-superior'] });
  });

  it('each agrees to what the other proposed: the receiver’s agreement', () => {
    const pair = disputed();
    pair.do('sender', 'head', 'propose-settlement', at(12), { data: { handling: 'receiver' } });
    pair.do('receiver', 'head', 'propose-settlement', at(12), { data: { handling: 'sender' } });
    pair.deliverAll();
    pair.do('sender', 'head', 'agree-on-sender', at(13));
    pair.do('receiver', 'head', 'agree-on-receiver', at(13));
    expect(ends(pair)).toEqual({ state: 'ACCEPTED', crossed: ['agree-on-sender'] });
  });

  it('an agreement and another proposal by who made the first: no agreement', () => {
    const pair = disputed();
    pair.do('receiver', 'head', 'propose-settlement', at(12), { data: { handling: 'sender' } });
    pair.deliverAll();
    pair.do('sender', 'head', 'agree-on-sender', at(13));
    pair.do('receiver', 'head', 'propose-settlement', at(13), { data: { handling: 'receiver' } });
    expect(ends(pair)).toEqual({ state: 'IN_DISPUTE', crossed: ['agree-on-sender'] });
  });

  it('confirmation and closing by silence: closed', () => {
    const pair = accepted();
    pair.do('receiver', 'head', 'not-file', at(11), { data: { ground: 'corrected', ...text } });
    pair.do('receiver', 'head', 'feedback', at(12), { data: { outcome: 'education' } });
    pair.deliverAll();
    pair.do('sender', 'handler', 'confirm', cn('2022-10-11 23:59'));
    pair.do('receiver', 'node', 'close-by-silence', cn('2022-10-12 00:01'));
    expect(ends(pair)).toEqual({ state: 'CLOSED', crossed: ['confirm'] });
  });

  it('work begun on the word of a message that crossed is dropped, with its clocks', () => {
    const pair = disputed();
    pair.do('receiver', 'head', 'propose-settlement', at(12), { data: { handling: 'sender' } });
    pair.do('sender', 'head', 'propose-settlement', at(12), { data: { handling: 'receiver' } });
    pair.deliverAll();
    pair.do('sender', 'head', 'agree-on-sender', at(13));
    pair.do('sender', 'handler', 'edit', at(13));
    pair.do('sender', 'handler', 'sign', at(13), { person: 'sender-officer-1' });
    pair.do('sender', 'handler', 'submit', at(13), { person: 'sender-officer-2' });
    pair.do('receiver', 'head', 'agree-on-receiver', at(14));
    const result = pair.deliver('receiver');
    if (isRefusal(result)) throw new Error(result.code);
    expect(result.events.map(({ event }) => event)).toEqual([
      'transfer.settled',
      'transfer.crossed',
      'transfer.draft-dropped',
    ]);
    expect(result.life.home.path).toBeNull();
    expect(result.life.home.clocks.at(-1)).toMatchObject({ id: 'squad-opinion', stopped: { by: 'receiver' } });
    expect(ends(pair)).toEqual({ state: 'ACCEPTED', crossed: ['agree-on-sender'] });
  });

  it('tells what crossed, and of the clocks that went with it', () => {
    const pair = accepted();
    const filing = { number: '金综执立〔2022〕第9号', at: at(12), proof: digestFor('token') };
    pair.do('receiver', 'head', 'file', at(12), { data: { filing } });
    pair.do('sender', 'head', 'contest', at(12), { data: text });
    const result = pair.deliver('receiver');
    if (isRefusal(result)) throw new Error(result.code);
    expect(result.events).toEqual([
      { event: 'transfer.filed', command: 'file', side: 'receiver', role: 'head', from: 'IN_DISPUTE', to: 'FILED' },
      { event: 'transfer.crossed', command: 'contest', side: 'sender', role: null, from: 'IN_DISPUTE', to: 'FILED' },
    ]);
    expect(result.clocks.map(({ id, change }) => `${id} ${change}`)).toEqual([
      'decision started',
      'negotiation annulled',
    ]);
  });

  it('a command may count after all, when the receiver comes back to a state that allows it', () => {
    const pair = disputed();
    pair.do('receiver', 'head', 'propose-settlement', at(12), { data: { handling: 'sender' } });
    pair.do('sender', 'head', 'propose-settlement', at(12), { data: { handling: 'receiver' } });
    pair.deliver('sender');
    pair.do('receiver', 'head', 'agree-on-receiver', at(13));
    pair.do('receiver', 'head', 'contest', at(14), { data: text });
    pair.do('sender', 'head', 'claim-filing', at(13), {
      data: { filing: { number: '平综执移字〔2022〕第5号', at: at(8), proof: digestFor('token') } },
    });
    const events: string[] = [];
    while (pair.underWay.receiver.length > 0) {
      const result = pair.deliver('receiver');
      if (!isRefusal(result)) events.push(...result.events.map(({ event }) => event));
    }
    expect(events).toEqual([
      'transfer.settlement-proposed',
      'transfer.settled',
      'transfer.crossed',
      'transfer.contested',
      'transfer.uncrossed',
    ]);
    expect(ends(pair)).toEqual({ state: 'IN_DISPUTE', crossed: [] });
  });
});

describe('a message', () => {
  const underWay = (): { pair: TransferPair; life: TransferLife; message: StateMessage } => {
    const pair = received();
    pair.do('receiver', 'legal-reviewer', 'request-supplement', at(12), {
      data: { rules: ['R07'], missing: ['制作人'] },
    });
    return { pair, life: pair.lives.sender, message: pair.underWay.receiver[0]! };
  };
  const refusal = (life: TransferLife, message: unknown): Refusal => {
    const before = JSON.stringify(life);
    const result = receive(life, message);
    expect(JSON.stringify(life)).toBe(before);
    if (!isRefusal(result)) throw new Error('taken');
    return result;
  };

  it('is taken once', () => {
    const { life, message } = underWay();
    const first = receive(life, message);
    if (isRefusal(first)) throw new Error(first.code);
    expect(receive(first.life, message)).toEqual({ life: first.life, events: [], messages: [], clocks: [] });
    expect(refusal(first.life, { ...message, id: 'other' })).toEqual({ code: 'MESSAGE_ALTERED', params: { index: 3 } });
  });

  it.each([
    ['one too far on', { index: 4 }, 'OUT_OF_TURN', { expected: 3 }],
    ['one that has seen more than was said', { seen: 2 }, 'OUT_OF_TURN', { seen: 2 }],
    ['one that has seen less than before', { seen: 0 }, 'OUT_OF_TURN', { seen: 0 }],
    ['of another transfer', { transfer: 'transfer-2' }, 'VALIDATION_FAILED', { reason: 'not-for-us' }],
    ['of our own side', { from: 'sender' }, 'VALIDATION_FAILED', { reason: 'not-for-us' }],
    [
      'with a command that is none',
      { command: 'constructor' },
      'VALIDATION_FAILED',
      { pointer: '/command', reason: 'enum' },
    ],
    ['with a field more', { more: 1 }, 'VALIDATION_FAILED', { pointer: '/', reason: 'additionalProperties' }],
    [
      'with data of another command',
      { data: { level: 'city' } },
      'VALIDATION_FAILED',
      { pointer: '/', reason: 'required' },
    ],
    [
      'with a time that is none',
      { at: '2022-02-30T00:00:00.000Z' },
      'VALIDATION_FAILED',
      { pointer: '/at', reason: 'format' },
    ],
    ['by a role that may not', { role: 'clerk' }, 'FORBIDDEN', { command: 'request-supplement' }],
    [
      'out of turn',
      { command: 'deliver', role: 'node', data: {} },
      'WRONG_STATE',
      { command: 'deliver', state: 'RECEIVED' },
    ],
    [
      'of a step that stays at home',
      { command: 'propose-acceptance', role: 'handler', data: {} },
      'WRONG_KIND',
      { command: 'propose-acceptance', kind: 'CASE' },
    ],
    [
      'without its document',
      { data: { rules: ['R07'], missing: ['制作人'] } },
      'DOCUMENT_MISSING',
      { document: 'supplement-or-return-letter' },
    ],
  ])('%s is refused', (_, change, code, params) => {
    const { life, message } = underWay();
    expect(refusal(life, { ...message, ...change })).toEqual({ code, params });
  });

  it('of the sender that was never allowed is refused too, and is no crossing', () => {
    const pair = accepted();
    const message: StateMessage = {
      id: 'm-x',
      transfer: 'transfer-1',
      from: 'sender',
      index: 2,
      seen: pair.lives.receiver.sent,
      command: 'withdraw',
      role: 'head',
      at: at(12),
      data: { ...text, document: digestFor('d') },
    };
    expect(refusal(pair.lives.receiver, message)).toEqual({
      code: 'WRONG_STATE',
      params: { command: 'withdraw', state: 'ACCEPTED' },
    });
    const crossing = receive(pair.lives.receiver, { ...message, seen: 2 });
    expect(crossing).toMatchObject({
      life: { agreed: { state: 'ACCEPTED', crossed: [{ id: 'm-x', command: 'withdraw', reason: 'WRONG_STATE' }] } },
    });
    // Who says it stays wrong, whatever crossed.
    expect(refusal(pair.lives.receiver, { ...message, seen: 2, role: 'clerk' }).code).toBe('FORBIDDEN');
  });

  it('of a peer that goes on and on is refused', () => {
    const pair = disputed();
    const records = Array.from({ length: lifeLimits.records }, () => pair.lives.sender.agreed.records[0]!);
    const life = { ...pair.lives.sender, agreed: { ...pair.lives.sender.agreed, records } };
    pair.do('receiver', 'head', 'propose-settlement', at(12), { data: { handling: 'sender' } });
    expect(refusal(life, pair.underWay.receiver[0]!)).toEqual({ code: 'LIMIT_EXCEEDED', params: { limit: 'records' } });
  });

  it('carries the role and no person', () => {
    const { message } = underWay();
    expect(JSON.stringify(message)).not.toContain('receiver-legal-reviewer');
    expect(message).toMatchObject({ from: 'receiver', role: 'legal-reviewer', index: 3, seen: 1 });
  });
});

describe('a command', () => {
  const give = (life: TransferLife, command: string, data: unknown, when: unknown = at(12)) =>
    apply(life, command, data, {
      actor: { id: 'p', roles: ['head'] },
      at: when as string,
      messageId: 'm-1',
      facts: noFacts,
    });

  it.each([['undo'], ['constructor'], ['__proto__'], [''], [null], [{}]])('that is none is refused: %p', (command) => {
    expect(give(received().lives.sender, command as string, {})).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('says nothing of the state to whoever may never give it', () => {
    const result = apply(
      received().lives.sender,
      'withdraw',
      { text: 'x' },
      {
        actor: { id: 'p', roles: ['administrator', 'security-auditor', 'supervisor'] },
        at: at(12),
        messageId: 'm-1',
        facts: noFacts,
      },
    );
    expect(result).toEqual({ code: 'FORBIDDEN', params: { command: 'withdraw' } });
  });

  it('is refused when too many of the own messages wait', () => {
    const life = received().lives.sender;
    const message = { ...({} as StateMessage), command: 'confirm' as const, data: {}, from: 'sender' as const };
    const waiting = { ...life, pending: Array.from({ length: lifeLimits.pending }, () => message) };
    expect(give(waiting, 'withdraw', { text: 'x', document: digestFor('d') })).toEqual({
      code: 'LIMIT_EXCEEDED',
      params: { limit: 'home' },
    });
  });
});
