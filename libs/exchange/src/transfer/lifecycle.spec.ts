import { roles } from '@jieqiao/access';
import { lifeEventWords } from '@jieqiao/core';
import {
  agreementTermsSchema,
  clockIds,
  type RuleId,
  type TransferKind,
  transferClocks,
  transferKinds,
} from '@jieqiao/recognition';
import { bundleOf, cn, digestFor, noFacts } from '../../../../test/support/transfer-pair';
import { apply, type Context, isRefusal, type Refusal } from './apply';
import type { ClockOwner, LifeClock } from './clocks';
import { type CommandData, fieldsOf } from './command-data';
import { newLife, type SharedLife, type SharedRecord, type TransferLife } from './life';
import {
  type Actor,
  type Command,
  commands,
  type Guard,
  homeGuards,
  homeStates,
  isHomeState,
  type LifeClockId,
  type LifeState,
  lifeClocks,
  rowsFor,
  type SharedState,
  type Side,
  sharedFrom,
  sharedGuards,
  sharedStates,
  type Transition,
  transitions,
} from './lifecycle';
import { commandWords, refusalWords, stateWords } from './lifecycle-words';

const actors: Actor[] = [...(Object.keys(roles) as Actor[]), 'node'];
const now = cn('2022-09-20 10:00');
const early = cn('2022-09-01 10:00');
const filing = { number: '金综执立〔2022〕第9号', at: early, proof: digestFor('token') };

/** A situation in which a row's command is given: all that its guards look at. Tests bend one thing at a time. */
interface Situation {
  row: Transition;
  state: LifeState;
  kind: TransferKind;
  side: Side;
  urgent: boolean;
  shared: SharedState;
  records: SharedRecord[];
  clocks: LifeClock[];
  home: { command: Command; person: string; role: Actor }[];
  data: CommandData;
  facts: Context['facts'];
  actor: Context['actor'];
}

const fields: CommandData = {
  text: '理由',
  code: 'OTHER',
  message: 'm-9',
  ...bundleOf('v2'),
  number: '第5号',
  filing,
  matter: 1,
  until: '2022-10-20',
  act: 'stopped',
  phonedAt: early,
  phonedTo: '新埭值班室',
  rules: ['R07'],
  missing: ['制作人'],
  items: ['EV-1'],
  department: '生态环境局',
  handling: 'receiver',
  level: 'city',
  body: '嘉兴市、上海市主管部门',
  ground: 'corrected',
  outcome: 'other-department',
  disposal: 'deleted',
  team: ['3304820001', '3304820002'],
};

function situation(row: Transition, state: LifeState, kind = row.kinds?.[0] ?? 'LEAD'): Situation {
  const { needs = [] } = fieldsOf[row.command] ?? {};
  const base: Situation = {
    row,
    state,
    kind,
    side: row.side === 'either' ? 'sender' : row.side,
    urgent: false,
    shared: isHomeState(state) ? 'NEW' : state,
    records: [],
    clocks: [],
    home: [{ command: 'create', person: 'someone', role: 'clerk' }],
    data: Object.fromEntries(needs.map((field) => [field, fields[field]])),
    facts: { ...noFacts },
    actor: { id: 'p', roles: [row.roles[0]!], certNo: '3304820009', qualifiedSince: '2018-09-01' },
  };
  if (row.signed) base.data.document = digestFor('document');
  record(base, 'send', 'sender', { ...bundleOf('v1'), ...(kind === 'ASSIST' ? { matters: 2 } : {}) }, 'NEW', 'SENT');
  record(base, 'sign-for', 'receiver', {}, 'DELIVERED', 'RECEIVED');
  if (row.during) base.clocks.push(clock(row.during, base.side));
  if (row.after) base.clocks.push(clock(row.after, base.side));
  for (const guard of row.guards ?? []) fit[guard]?.(base);
  return base;
}

function record(
  at: Situation,
  command: Command,
  side: Side,
  data: CommandData = {},
  from = at.shared,
  to = from,
): void {
  at.records.push({ id: `r-${at.records.length}`, side, command, role: 'head', at: early, from, to, data });
}

const byHome = (at: Situation, command: Command, role: Actor, person = 'q') => at.home.push({ command, person, role });
const otherSide = ({ side }: Situation): Side => (side === 'sender' ? 'receiver' : 'sender');

function clock(id: LifeClockId, side: Side, start = early): LifeClock {
  const owner = lifeClocks[id].owner;
  const who: ClockOwner = owner === 'actor' ? side : owner;
  return {
    id,
    owner: who,
    matter: id === 'assist-reply' ? 1 : null,
    startedBy: 'm',
    start,
    until: null,
    pauses: [],
    stopped: null,
  };
}

/** What makes a guard let pass, where nothing does by itself. */
const fit: Partial<Record<Guard, (at: Situation) => void>> = {
  'second-officer': (at) => byHome(at, 'sign', 'handler'),
  'head-approved': (at) => byHome(at, 'approve', 'head'),
  urgent: (at) => {
    at.urgent = true;
  },
  'opinions-complete': (at) => {
    byHome(at, 'accept-provisionally', 'handler');
    byHome(at, 'give-opinion-afterwards', 'squad-lead');
    byHome(at, 'give-opinion-afterwards', 'legal-reviewer', 'r');
  },
  proposed: (at) => byHome(at, 'propose-acceptance', 'handler'),
  'own-filing': (at) => {
    at.facts = { ...at.facts, ownCase: filing.number };
  },
  'crime-reported': (at) => byHome(at, 'report-crime', 'handler'),
  'crime-report-open': (at) => byHome(at, 'report-crime', 'handler'),
  'referral-approved': (at) => byHome(at, 'approve-referral', 'head'),
  mismatch: (at) => record(at, 'report-mismatch', 'receiver'),
  'return-ground': (at) => {
    if (at.state !== 'SUPPLEMENT_REQUESTED') return;
    record(at, 'request-supplement', 'receiver');
    at.data.code = 'INSUFFICIENT_AFTER_SUPPLEMENT';
  },
  'proposed-receiver': (at) => {
    record(at, 'contest', 'sender');
    record(at, 'propose-settlement', otherSide(at), { handling: 'receiver' });
  },
  'proposed-sender': (at) => {
    record(at, 'contest', 'sender');
    record(at, 'propose-settlement', otherSide(at), { handling: 'sender' });
  },
  'next-level': (at) => record(at, 'contest', 'sender'),
  referred: (at) => {
    record(at, 'contest', 'sender');
    record(at, 'refer-to-superior', 'sender', { level: 'city' });
  },
  'designated-receiver': (at) => {
    record(at, 'contest', 'sender');
    record(at, 'designate', 'sender', { handling: 'receiver' });
  },
  'designated-elsewhere': (at) => {
    record(at, 'contest', 'sender');
    record(at, 'designate', 'sender', { handling: 'sender' });
  },
  'notice-given': (at) => {
    at.data.noticedAt = early;
  },
  'matters-settled': (at) => {
    record(at, 'answer-matter', 'receiver', { matter: 1 });
    record(at, 'refuse-matter', 'receiver', { matter: 2 });
  },
  'police-refused': (at) => {
    record(at, 'refer-crime', 'receiver', {}, at.row.guards?.includes('was-filed') ? 'FILED' : 'ACCEPTED');
    record(at, 'record-police-refusal', 'receiver');
  },
  'own-case-open': (at) => record(at, 'contest', at.side, { filing }),
};

const against = (at: Situation, rule: RuleId) => {
  at.facts = { ...at.facts, against: [rule] };
};
const forget = (at: Situation, ...gone: Command[]) => {
  at.home = at.home.filter(({ command }) => !gone.includes(command));
  at.records = at.records.filter(({ command }) => !gone.includes(command));
};

/** What makes a guard refuse; each case by itself. */
const bend: Record<Guard, ((at: Situation) => void)[]> = {
  'second-officer': [
    (at) => forget(at, 'sign'),
    // The first officer can't be the second, and a signature before a change is none.
    (at) => {
      forget(at, 'sign');
      byHome(at, 'sign', 'handler', 'p');
    },
    (at) => byHome(at, 'edit', 'handler'),
  ],
  'one-role': [
    (at) => byHome(at, 'edit', at.row.roles.includes('head') ? 'handler' : 'head', 'p'),
    (at) => byHome(at, 'edit', at.row.roles.includes('seal-keeper') ? 'squad-lead' : 'seal-keeper', 'p'),
  ],
  'no-collector': [(at) => (at.facts = { ...at.facts, collectors: ['3304820009'] })],
  qualified: [
    (at) => (at.actor = { ...at.actor, qualifiedSince: undefined }),
    (at) => (at.actor = { ...at.actor, qualifiedSince: '2022-09-21' }),
  ],
  'rules-pass': [(at) => against(at, 'R03')],
  'legal-review-optional': [
    (at) => (at.facts = { ...at.facts, legalReview: true }),
    (at) => {
      at.kind = 'CASE';
    },
  ],
  'head-approved': [(at) => forget(at, 'approve'), (at) => byHome(at, 'edit', 'handler')],
  urgent: [
    (at) => {
      at.urgent = false;
    },
    (at) => against(at, 'R17'),
  ],
  'opinions-complete': [
    (at) => forget(at, 'give-opinion-afterwards'),
    (at) => {
      at.kind = 'CASE';
      at.home = at.home.filter(({ role }) => role !== 'legal-reviewer');
    },
  ],
  proposed: [
    (at) => forget(at, 'propose-acceptance'),
    // Proposed on the version before.
    (at) => record(at, 'answer-supplement', 'sender', bundleOf('v3'), 'SUPPLEMENT_REQUESTED', 'RECEIVED'),
  ],
  'items-decided': [(at) => (at.facts = { ...at.facts, undecidedItems: 1 })],
  competent: [(at) => against(at, 'R02'), (at) => against(at, 'R19')],
  'may-file': [(at) => against(at, 'R15'), (at) => against(at, 'R14')],
  'own-filing': [
    (at) => (at.facts = { ...at.facts, ownCase: null }),
    (at) => (at.facts = { ...at.facts, ownCase: '别的号' }),
  ],
  'crime-cleared': [(at) => against(at, 'R13'), (at) => byHome(at, 'report-crime', 'handler')],
  'legally-reviewed': [(at) => (at.facts = { ...at.facts, penaltyReview: true })],
  'known-return-code': [
    (at) => {
      at.data.code = 'NO_REASON';
    },
    (at) => (at.facts = { ...at.facts, returnCodes: ['EXPIRED'] }),
  ],
  redacted: [(at) => against(at, 'R16')],
  'team-of-two': [(at) => (at.data.team = ['3304820001']), (at) => (at.data.team = ['3304820001', '3304820001'])],
  'no-crime-report': [(at) => byHome(at, 'report-crime', 'handler'), (at) => byHome(at, 'approve-referral', 'head')],
  'crime-reported': [(at) => forget(at, 'report-crime'), (at) => byHome(at, 'approve-referral', 'head')],
  'crime-report-open': [(at) => forget(at, 'report-crime'), (at) => byHome(at, 'refer-crime', 'handler')],
  'referral-approved': [(at) => forget(at, 'approve-referral'), (at) => byHome(at, 'refuse-referral', 'head')],
  'sending-refused': [],
  'message-refused': [],
  'changed-since-return': [
    (at) => {
      record(at, 'return', 'receiver', {}, 'RECEIVED', 'RETURNED');
      Object.assign(at.data, bundleOf('v1'));
    },
  ],
  'case-filing': [
    (at) => {
      at.kind = 'CASE';
      at.data.filing = undefined;
    },
  ],
  'same-claim': [
    (at) => {
      record(at, 'contest', at.side, { filing: { ...filing, at: cn('2022-08-30 09:00') } });
      at.data.filing = filing;
    },
  ],
  'matters-listed': [
    (at) => (at.data.matters = 2),
    (at) => {
      at.kind = 'ASSIST';
    },
  ],
  'supplements-left': [
    (at) => {
      record(at, 'request-supplement', 'receiver');
      record(at, 'request-supplement', 'receiver');
    },
  ],
  'new-version': [(at) => (at.data.bundle = bundleOf('v1').bundle), (at) => (at.data.content = bundleOf('v1').content)],
  'no-mismatch': [(at) => record(at, 'report-mismatch', 'receiver')],
  mismatch: [(at) => forget(at, 'report-mismatch'), (at) => record(at, 'replace-items', 'sender', bundleOf('v3'))],
  'return-ground': [
    (at) => (at.data.code = 'INTEGRITY'),
    (at) => (at.data.code = at.state === 'SUPPLEMENT_REQUESTED' ? 'OTHER' : 'INSUFFICIENT_AFTER_SUPPLEMENT'),
  ],
  'approvals-complete': [(at) => at.clocks.push(clock('approval-afterwards', at.side))],
  'proposed-receiver': [
    (at) => forget(at, 'propose-settlement'),
    (at) => record(at, 'propose-settlement', otherSide(at), { handling: 'sender' }),
    // Only the own side proposed it; or it was in a dispute before.
    (at) => {
      forget(at, 'propose-settlement');
      record(at, 'propose-settlement', at.side, { handling: 'receiver' });
    },
    (at) => record(at, 'contest', 'sender'),
  ],
  'proposed-sender': [
    (at) => forget(at, 'propose-settlement'),
    (at) => record(at, 'propose-settlement', otherSide(at), { handling: 'receiver' }),
  ],
  'next-level': [(at) => (at.data.level = 'province'), (at) => record(at, 'refer-to-superior', 'receiver')],
  referred: [(at) => forget(at, 'refer-to-superior')],
  'designated-receiver': [
    (at) => forget(at, 'designate'),
    (at) => record(at, 'designate', 'sender', { handling: 'other' }),
  ],
  'designated-elsewhere': [(at) => record(at, 'designate', 'sender', { handling: 'receiver' })],
  'notice-given': [
    (at) => {
      at.data.noticedAt = undefined;
      at.data.waived = false;
    },
  ],
  'step-stated': [
    (at) => (at.data.outcome = 'assistance'),
    (at) => (at.data.outcome = 'penalty'),
    (at) => {
      at.shared = at.state = 'NOT_FILED';
      Object.assign(at.data, { outcome: 'penalty', step: '一般' });
    },
  ],
  'matter-open': [(at) => record(at, 'answer-matter', 'receiver', { matter: 1 }), (at) => (at.data.matter = 3)],
  'later-end': [(at) => (at.data.until = '2022-09-20')],
  'matters-settled': [
    (at) => forget(at, 'refuse-matter'),
    (at) => record(at, 'extend-matter', 'receiver', { matter: 2 }),
  ],
  'police-refused': [
    (at) => forget(at, 'record-police-refusal'),
    (at) => record(at, 'refer-crime', 'receiver', {}, at.row.guards?.includes('was-filed') ? 'FILED' : 'ACCEPTED'),
  ],
  'was-filed': [
    (at) => Object.assign(at.records.find(({ command }) => command === 'refer-crime')!, { from: 'ACCEPTED' }),
  ],
  'was-not-filed': [
    (at) => Object.assign(at.records.find(({ command }) => command === 'refer-crime')!, { from: 'FILED' }),
  ],
  'not-attested': [(at) => record(at, 'attest-disposal', 'receiver')],
  'own-case-open': [(at) => forget(at, 'contest'), (at) => record(at, 'drop-own-case', at.side)],
};

function lifeOf(at: Situation): TransferLife {
  const agreed: SharedLife = { state: at.shared, records: at.records, crossed: [], clocks: at.clocks };
  const home = at.home.map((each) => ({ ...each, at: early, known: 2 }));
  return {
    ...newLife({ transfer: 't', kind: at.kind, urgent: at.urgent, side: at.side }),
    agreed,
    home: { path: isHomeState(at.state) ? at.state : null, records: home, clocks: [] },
  };
}

/** The answer, `ok` or the refusal's code, and that a refusal has changed nothing. */
function answer(at: Situation, role: Actor = at.row.roles[0]!): string {
  const life = lifeOf(at);
  const before = JSON.stringify(life);
  const actor = { ...at.actor, roles: [role] };
  const result = apply(life, at.row.command, at.data, { actor, at: now, messageId: 'm-1', facts: at.facts });
  expect(JSON.stringify(life)).toBe(before);
  if (isRefusal(result)) return result.code;
  const { from, to } = result.events[0]!;
  expect([from, to]).toEqual([at.state, at.row.to === 'same' ? at.state : at.row.to]);
  return 'ok';
}

/** Undoing needs a message under way: further down. */
const ordinary = transitions.filter(({ command }) => !command.startsWith('reject'));
const places = ordinary.flatMap((row) => row.from.map((state) => ({ row, state, name: `${row.command} in ${state}` })));

describe('every transition', () => {
  it.each(places)('$name: by each role, as the table says', ({ row, state }) => {
    const answers = actors.map((role) => [role, answer(situation(row, state), role)]);
    const sameCommand = rowsFor(row.command, situation(row, state).side, situation(row, state).kind);
    expect(answers).toEqual(actors.map((role) => [role, row.roles.includes(role) ? 'ok' : 'FORBIDDEN']));
    expect(sameCommand).toContain(row);
  });

  it.each(ordinary.filter(({ side }) => side === 'either'))('$command: by the other side too', (row) => {
    const at = situation(row, row.from.at(-1)!);
    const there: Situation = { ...at, side: 'receiver', clocks: row.during ? [clock(row.during, 'receiver')] : [] };
    there.records = at.records.map((each) => ({
      ...each,
      side: each.command === 'propose-settlement' ? 'sender' : each.side,
    }));
    expect(answer(there)).toBe('ok');
  });

  it.each(commands)('%s: in no other state, for no other kind, by no other side', (command) => {
    for (const side of ['sender', 'receiver'] as const) {
      for (const kind of transferKinds) {
        const rows = rowsFor(command, side, kind);
        for (const state of [...homeStates, ...sharedStates]) {
          const row = rows.find(({ from }) => from.includes(state));
          if (row) continue;
          const any = transitions.find((each) => each.command === command)!;
          const at: Situation = { ...situation(any, state, kind), side };
          const roles = rows.flatMap((each) => each.roles);
          expect(answer(at, roles[0] ?? any.roles[0])).toBe(rows.length === 0 ? 'WRONG_KIND' : 'WRONG_STATE');
        }
      }
    }
  });

  const guarded = ordinary.flatMap((row) =>
    (row.guards ?? []).map((guard) => ({ row, guard, name: `${row.command} needs ${guard}` })),
  );
  it.each(guarded)('$name', ({ row, guard }) => {
    const state = row.from[0]!;
    expect(answer(situation(row, state))).toBe('ok');
    const answers = bend[guard].map((change) => {
      const at = situation(row, state);
      change(at);
      return answer(at);
    });
    // Two ways to fail one-role may name a role that the row has itself; of those, one must fail.
    expect(answers).toContain(guard);
    if (guard !== 'one-role') expect(new Set(answers)).toEqual(new Set([guard]));
  });

  it('has a passing and a failing case for every guard', () => {
    const used = new Set(transitions.flatMap(({ guards }) => guards ?? []));
    expect([...homeGuards, ...sharedGuards].filter((guard) => !used.has(guard))).toEqual([]);
  });

  it.each(ordinary.filter(({ during }) => during))('$command: only while $during runs', (row) => {
    const at = situation(row, row.from.at(-1)!);
    at.clocks = at.clocks.map((each) => ({ ...each, stopped: { at: early, by: 'sender', command: 'withdraw' } }));
    expect(answer(at)).toBe('CLOCK_NOT_RUNNING');
  });

  it.each(ordinary.filter(({ after }) => after))('$command: only once $after has run out', (row) => {
    const at = situation(row, row.from[0]!);
    expect(answer({ ...at, clocks: [] })).toBe('CLOCK_NOT_RUNNING');
    expect(answer({ ...at, clocks: [clock(row.after!, at.side, cn('2022-09-19 10:00'))] })).toBe('CLOCK_NOT_OVER');
    // Nobody knows the working days of 2099.
    expect(answer({ ...at, clocks: [clock(row.after!, at.side, '2099-03-02T02:00:00.000Z')] })).toBe(
      'VALIDATION_FAILED',
    );
  });

  it.each(ordinary.filter(({ signed }) => signed))('$command: only with $signed', (row) => {
    const at = situation(row, row.from.at(-1)!);
    at.data.document = undefined;
    expect(answer(at)).toBe('DOCUMENT_MISSING');
  });

  it.each(ordinary.filter(({ command }) => fieldsOf[command]?.needs))('$command: only with its data', (row) => {
    for (const field of fieldsOf[row.command]!.needs!) {
      const at = situation(row, row.from[0]!);
      at.data[field] = undefined;
      expect([field, answer(at)]).toEqual([field, 'VALIDATION_FAILED']);
    }
  });

  it.each([
    ['an unknown field', { surprise: 1 }],
    ['text with control characters', { text: 'a\u0000b' }],
    ['a text too long', { text: '长'.repeat(2001) }],
    ['a code that is none', { code: 'drop table' }],
  ])('return with %s', (_, data) => {
    const row = transitions.find(({ command }) => command === 'return')!;
    const at = situation(row, 'RECEIVED');
    Object.assign(at.data, data);
    expect(answer(at)).toBe('VALIDATION_FAILED');
  });

  it.each([
    ['file', { filing: { ...filing, at: cn('2022-09-20 10:01') } }],
    ['file', { filing: { ...filing, at: '1970-01-01T00:00:00.000Z' } }],
    ['file', { filing: { ...filing, at: '2022-02-30T00:00:00.000Z' } }],
    ['refer-crime', { happenedAt: cn('2022-09-20 10:01') }],
    ['extend-matter', { until: '2022-11-31' }],
  ] as const)('%s: with times that can be', (command, data) => {
    const row = transitions.find((each) => each.command === command)!;
    const at = situation(row, row.from[0]!);
    Object.assign(at.data, data);
    expect(answer(at)).toBe('VALIDATION_FAILED');
  });
});

describe('a return', () => {
  const row = transitions.find(({ command }) => command === 'return')!;

  it('for files that differ: only after the sender was told', () => {
    const at = situation(row, 'RECEIVED');
    at.data.code = 'INTEGRITY';
    record(at, 'report-mismatch', 'receiver');
    expect(answer(at)).toBe('ok');
    record(at, 'replace-items', 'sender', bundleOf('v2'));
    expect(answer(at)).toBe('return-ground');
  });

  it('as insufficient: only after a supplement was asked for', () => {
    const at = situation(row, 'RECEIVED');
    at.data.code = 'INSUFFICIENT_AFTER_SUPPLEMENT';
    record(at, 'request-supplement', 'receiver');
    expect(answer(at)).toBe('ok');
  });
});

it('a refusal by the police ends R13, until it is referred again', () => {
  const row = transitions.find(({ command }) => command === 'decide')!;
  const at = situation(row, 'FILED');
  against(at, 'R13');
  expect(answer(at)).toBe('crime-cleared');
  record(at, 'refer-crime', 'receiver');
  record(at, 'record-police-refusal', 'receiver');
  expect(answer(at)).toBe('ok');
});

describe('undoing what the other node refused', () => {
  const base = (side: Side = 'sender'): TransferLife => newLife({ transfer: 't', kind: 'LEAD', urgent: false, side });
  const message = { transfer: 't', from: 'sender', seen: 0, role: 'seal-keeper', at: early } as const;
  const sent: TransferLife = {
    ...base(),
    sent: 1,
    pending: [
      {
        ...message,
        id: 'm-1',
        index: 1,
        command: 'send',
        data: { ...bundleOf('v1'), number: '1', document: digestFor('d') },
      },
    ],
  };
  const withdrawn: TransferLife = {
    ...sent,
    sent: 2,
    pending: [
      ...sent.pending,
      {
        ...message,
        id: 'm-2',
        index: 2,
        role: 'head',
        command: 'withdraw',
        data: { text: '撤回', document: digestFor('d') },
      },
    ],
  };
  const give = (life: TransferLife, command: Command, id: string, role: Actor = 'node') =>
    apply(
      life,
      command,
      { message: id, code: 'BUNDLE_MALFORMED' },
      {
        actor: { id: role, roles: [role] },
        at: now,
        messageId: 'm-9',
        facts: noFacts,
      },
    );

  it.each([
    ['sent', sent],
    ['withdrawn already', withdrawn],
  ])('a transfer that was %s is not sent; what followed is undone', (_, life) => {
    const result = give(life, 'reject', 'm-1');
    if (isRefusal(result)) throw new Error(result.code);
    expect(result.life).toMatchObject({
      sent: 0,
      pending: [],
      agreed: { state: 'NEW' },
      home: { path: 'REJECTED_TECH' },
    });
    expect(result.clocks).toEqual(
      life === sent ? [{ id: 'delivery', owner: 'sender', matter: null, change: 'annulled' }] : expect.any(Array),
    );
    expect(result.messages).toEqual([]);
  });

  it('a later message alone is undone, and the transfer is where it was', () => {
    const result = give(withdrawn, 'reject-message', 'm-2');
    if (isRefusal(result)) throw new Error(result.code);
    expect(result.life).toMatchObject({ sent: 1, pending: sent.pending, home: { path: null } });
    expect(result.events[0]).toMatchObject({ from: 'WITHDRAWN', to: 'SENT' });
  });

  it('only what waits to be taken, each by its own command, by the node', () => {
    const code = (result: ReturnType<typeof give>) => (result as Refusal).code;
    expect(code(give(withdrawn, 'reject', 'm-2'))).toBe('sending-refused');
    expect(code(give(withdrawn, 'reject', 'm-7'))).toBe('sending-refused');
    expect(code(give(withdrawn, 'reject-message', 'm-1'))).toBe('message-refused');
    expect(code(give(withdrawn, 'reject-message', 'm-7'))).toBe('message-refused');
    expect(code(give(base(), 'reject', 'm-1'))).toBe('WRONG_STATE');
    expect(code(give(base('receiver'), 'reject', 'm-1'))).toBe('WRONG_KIND');
    for (const role of actors) {
      if (role !== 'node') expect(code(give(sent, 'reject', 'm-1', role))).toBe('FORBIDDEN');
      if (role !== 'node') expect(code(give(withdrawn, 'reject-message', 'm-2', role))).toBe('FORBIDDEN');
    }
  });
});

describe('the table', () => {
  it('has one row for a command, side, kind and state, as seen at home and as both see it', () => {
    for (const command of commands) {
      for (const side of ['sender', 'receiver'] as const) {
        for (const kind of transferKinds) {
          const rows = rowsFor(command, side, kind);
          const seen = rows.flatMap(({ from }) => from);
          const shared = rows.filter(({ message }) => message).flatMap(sharedFrom);
          expect([command, new Set(seen).size, new Set(shared).size]).toEqual([command, seen.length, shared.length]);
        }
      }
    }
  });

  it('moves what both sides share only by messages, and what is at home only without', () => {
    for (const { command, message, to } of transitions) {
      if (to === 'same' || to === 'before') continue;
      expect([command, isHomeState(to)]).toEqual([command, message === undefined]);
    }
    for (const command of commands) {
      const rows = transitions.filter((row) => row.command === command);
      expect([command, new Set(rows.map(({ message }) => message !== undefined)).size]).toEqual([command, 1]);
    }
  });

  it('has a name of its own for each message, and no clock of the other side alone', () => {
    const named = new Map(
      transitions.flatMap(({ command, message }) => (message ? [[message, command] as const] : [])),
    );
    for (const { command, message } of transitions) if (message) expect(named.get(message)).toBe(command);
    for (const row of transitions) {
      const homely = [...(row.starts ?? []), ...(row.pauses ?? [])].filter((id) => lifeClocks[id].home);
      for (const id of homely)
        expect([row.command, lifeClocks[id].owner === 'sender']).toEqual([row.command, row.side === 'sender']);
    }
  });

  it('has the states for which agreements set time limits, words for everything, and only clocks that there are', () => {
    const { properties } = agreementTermsSchema as { properties: { directions: Record<string, never> } };
    const limit = JSON.stringify(properties.directions);
    for (const state of [...homeStates, ...sharedStates]) if (state !== 'NEW') expect(limit).toContain(`"${state}"`);
    for (const words of [stateWords, commandWords, refusalWords]) {
      for (const { zh, en } of Object.values(words))
        expect([zh, en]).toEqual([expect.stringMatching(/\p{Script=Han}/u), expect.stringMatching(/^[\x20-\x7e]+$/)]);
    }
    for (const id of Object.keys(lifeClocks)) expect(clockIds).toContain(id);
  });

  it('agrees with what the recognition library says starts and ends each clock', () => {
    // Also on: a designation gives the receiver time to act; a new level of the ladder its own; settlement ends both.
    const known: Record<string, string[]> = {
      'acceptance starts': ['DESIGNATED'],
      'acceptance ends': ['CLOSED'],
      'designation ends': ['ACCEPTED', 'RETURNED'],
      'negotiation ends': ['DESIGNATED'],
      'filing ends': ['IN_DISPUTE', 'RETURNED'],
      'squad-opinion ends': ['PENDING_APPROVAL', 'SENT'],
      'legal-opinion ends': ['SENT'],
      'delivery ends': ['WITHDRAWN'],
      'receipt ends': ['CLOSED', 'WITHDRAWN'],
      'supplement ends': ['RETURNED'],
      'feedback ends': ['RETURNED'],
    };
    const named = (text: string) => /^[A-Z_]+$/.test(text);
    const isMove = ({ to }: Transition) => to !== 'same' && to !== 'before';
    for (const { id, starts, ends } of transferClocks) {
      if (!(id in lifeClocks)) continue;
      const clockId = id as LifeClockId;
      const starting = transitions.filter((row) => row.starts?.includes(clockId) && isMove(row)).map(({ to }) => to);
      const ending = transitions.filter((row) => row.stops?.includes(clockId) && isMove(row)).map(({ to }) => to);
      const unknown = (states: string[], listed: string[], what: string) =>
        states.filter((state) => !listed.includes(state) && !known[`${id} ${what}`]?.includes(state));
      if (named(starts)) expect([id, unknown(starting, [starts], 'starts')]).toEqual([id, []]);
      if (ends.some(named) && id !== 'acceptance' && id !== 'forwarding') {
        expect([id, unknown(ending, [...ends], 'ends')]).toEqual([id, []]);
      }
      // What the library says ends it ends it here, wherever that state can be come to while it runs.
      // A transfer that the other node refused takes its clock with it.
      const reached = id === 'delivery' ? [...ending, 'REJECTED_TECH'] : ending;
      expect([id, ends.filter(named).filter((state) => !reached.includes(state as never))]).toEqual([id, []]);
    }
  });

  it('logs every step by an event of the log', () => {
    const logged = new Set<string>([...lifeEventWords, 'created', 'sent']);
    const words = [...transitions.map(({ event }) => event), 'crossed', 'uncrossed', 'draft-dropped'];
    expect(words.filter((word) => !logged.has(word))).toEqual([]);
    expect([...logged].filter((word) => !words.includes(word))).toEqual([]);
  });
});

describe('clocks', () => {
  /** Where each may run. Everything that can be come to by the table, guards left aside, is looked at. */
  const where: Record<LifeClockId, readonly LifeState[] | 'anywhere'> = {
    'squad-opinion': ['IN_REVIEW'],
    'legal-opinion': ['LEGAL_REVIEW'],
    approval: ['PENDING_APPROVAL'],
    'approval-afterwards': 'anywhere',
    delivery: ['SENT'],
    receipt: ['DELIVERED'],
    acceptance: ['RECEIVED', 'SUPPLEMENT_REQUESTED', 'DESIGNATED'],
    supplement: ['SUPPLEMENT_REQUESTED'],
    forwarding: ['RECEIVED', 'SUPPLEMENT_REQUESTED'],
    negotiation: ['IN_DISPUTE'],
    designation: ['IN_DISPUTE'],
    filing: ['ACCEPTED'],
    decision: ['FILED'],
    feedback: ['DECIDED', 'NOT_FILED', 'FORWARDED'],
    confirmation: ['FEEDBACK_SENT'],
    'assist-reply': ['RECEIVED', 'DELIVERED'],
    // The head decides on a report whatever else becomes of the transfer.
    'crime-decision': 'anywhere',
    'crime-handover': 'anywhere',
    'police-forwarding': ['CRIMINAL_REFERRED'],
    'police-decision': ['CRIMINAL_REFERRED'],
    'reconsideration-request': ['CRIMINAL_REFERRED'],
    'reconsideration-answer': ['CRIMINAL_REFERRED'],
    'supervision-request': ['CRIMINAL_REFERRED'],
    'crime-items-handover': ['CLOSED'],
  };

  it.each(transferKinds)('%s: run only where somebody can still act on them', (kind) => {
    const seen = new Set<string>();
    const todo: { state: LifeState; running: readonly LifeClockId[] }[] = [{ state: 'NEW', running: [] }];
    for (let next = todo.pop(); next; next = todo.pop()) {
      const { state, running } = next;
      const key = `${state} ${[...running].sort()}`;
      if (seen.has(key)) continue;
      seen.add(key);
      for (const id of running)
        if (where[id] !== 'anywhere') expect([id, where[id]]).toEqual([id, expect.arrayContaining([state])]);
      for (const row of transitions) {
        if (row.kinds && !row.kinds.includes(kind)) continue;
        if (!row.from.includes(state) || row.to === 'before' || row.command === 'reject') continue;
        if (row.during && !running.includes(row.during)) continue;
        // The head's decision and the referral need an open report.
        if (row.command === 'approve-referral' && !running.includes('crime-decision')) continue;
        const after = new Set<LifeClockId>(running.filter((id) => !row.stops?.includes(id)));
        for (const id of row.starts ?? []) after.add(id);
        todo.push({ state: row.to === 'same' ? state : row.to, running: [...after] });
      }
    }
    expect(seen.size).toBeGreaterThan(5);
  });
});
