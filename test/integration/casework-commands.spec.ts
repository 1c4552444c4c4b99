import { roles as allRoles, isPermitted, type Role } from '@jieqiao/access';
import { digestOf } from '@jieqiao/core';
import { type Command, type CommandData, type LifeState, TransferRow } from '@jieqiao/exchange';
import { fieldsOf } from '../../libs/exchange/src/transfer/command-data';
import type { TransferLife } from '../../libs/exchange/src/transfer/life';
import {
  homeStates,
  isHomeState,
  type Side,
  sharedStates,
  type Transition,
  transitions,
} from '../../libs/exchange/src/transfer/lifecycle';
import { databases } from '../support/databases';
import { loggedBy, TwoSides } from '../support/exchange-fixture';
import { commandKey } from '../support/home-path';

jest.setTimeout(300_000);

const filing = {
  number: '金综执立〔2022〕第9号',
  at: '2022-08-19T01:00:00.000Z',
  proof: digestOf(Buffer.from('token')),
};
/** A value for every field that a person gives. */
const values: CommandData = {
  text: '理由',
  code: 'OTHER',
  number: '第5号',
  filing,
  matter: 1,
  until: '2022-10-20',
  act: 'stopped',
  phonedAt: '2022-08-19T01:00:00.000Z',
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
  team: ['11111111', '22222222'],
  noticedAt: '2022-08-19T01:00:00.000Z',
};
/** What the node adds itself. */
const nodesOwn: readonly string[] = ['bundle', 'content', 'document', 'number'];
const bringsBundle: readonly Command[] = ['send', 'send-urgent', 'answer-supplement', 'replace-items'];

function dataFor(command: Command): CommandData {
  const { needs = [], may = [] } = fieldsOf[command] ?? {};
  const given = [...needs, ...(command === 'decide' ? may : [])];
  const fields = given.filter((field) => !(bringsBundle.includes(command) && nodesOwn.includes(field)));
  return Object.fromEntries(fields.map((field) => [field, values[field]]).filter(([, value]) => value !== undefined));
}

const byPeople = transitions.filter(
  ({ command, roles }) => command !== 'create' && command !== 'edit' && !roles.includes('node'),
);
const sidesOf = ({ side }: Transition): Side[] => (side === 'either' ? ['sender', 'receiver'] : [side]);
const cases = byPeople.flatMap((row) =>
  sidesOf(row).map((side): [string, Side, Transition] => [row.command, side, row]),
);
const states: readonly LifeState[] = [...homeStates, ...sharedStates];

/** What the table says, read without the machine. */
function refusalByTable(row: Transition, side: Side, role: Role, state: LifeState): string | null {
  const kind = row.kinds?.[0] ?? 'LEAD';
  const rows = transitions.filter(
    (each) =>
      each.command === row.command &&
      (each.side === side || each.side === 'either') &&
      (each.kinds?.includes(kind) ?? true),
  );
  if (!rows.some(({ roles }) => roles.includes(role))) return 'FORBIDDEN';
  const here = rows.filter(({ from }) => from.includes(state));
  if (here.length === 0) return 'WRONG_STATE';
  return here.some(({ roles }) => roles.includes(role)) ? null : 'FORBIDDEN';
}

describe.each(databases())('commands on %s', (_name, create) => {
  let two: TwoSides;
  let id: string;
  let begun: Record<Side, TransferRow>;

  beforeAll(async () => {
    two = await TwoSides.open(create);
    id = await two.draft();
    await two.send(id);
    expect(await two.carry()).toEqual([]);
    begun = { sender: await rowOf('sender'), receiver: await rowOf('receiver') };
  });
  afterAll(() => two?.close());

  const rowOf = (side: Side) => two[side].db.read((tx) => tx.findOneByOrFail(TransferRow, { id }));

  /** Puts the transfer into a state, as if its life had led there: on this side only. */
  async function forge(side: Side, row: Transition, state: LifeState): Promise<TransferRow> {
    const { life, ...rest } = begun[side];
    const kind = row.kinds?.[0] ?? 'LEAD';
    const home: TransferLife['home'] = { ...life!.home, path: isHomeState(state) ? state : null };
    const shared = isHomeState(state) ? 'RETURNED' : state;
    const forged = { ...life!, kind, home, agreed: { ...life!.agreed, state: shared }, pending: [] };
    const made = { ...rest, kind, state, life: forged, decisions: null } as TransferRow;
    await two[side].db.transaction(async (tx) => {
      await tx.save(TransferRow, made);
    });
    return rowOf(side);
  }

  const give = (side: Side, role: Role, command: Command) => {
    const options = { command, data: dataFor(command), acknowledge: [], idempotencyKey: commandKey(), waitMs: 0 };
    return two[side].transfers.command(two[side].people.of(role), id, options).then(
      ({ view }) => ({ done: view.state, refusal: null, reason: null }),
      ({ code, params }) => ({ done: null, refusal: String(code), reason: params?.reason ?? null }),
    );
  };

  async function expectRefused(side: Side, role: Role, command: Command, reason: string, before: TransferRow) {
    const answer = await give(side, role, command);
    if (!isPermitted({ roles: [role] }, 'transfer.command')) {
      expect([role, answer.refusal]).toEqual([role, 'FORBIDDEN']);
    } else {
      expect([role, answer.refusal, answer.reason]).toEqual([role, 'COMMAND_REFUSED', reason]);
      const subject = { command, person: two[side].people.of(role).id, reason, transfer: id };
      expect((await loggedBy(two[side].db)).at(-1)).toMatchObject({ event: 'command.refused', subject });
    }
    expect(await rowOf(side)).toEqual(before);
  }

  it.each(cases)('%s at the %s: who may not, never; who may, not in another state', async (command, side, row) => {
    const state = row.from[0]!;
    const before = await forge(side, row, state);
    for (const role of Object.keys(allRoles) as Role[]) {
      const reason = refusalByTable(row, side, role, state);
      if (reason !== null) await expectRefused(side, role, command as Command, reason, before);
    }
    const elsewhere = states.find((other) => refusalByTable(row, side, row.roles[0] as Role, other) === 'WRONG_STATE');
    if (elsewhere === undefined) return;
    const there = await forge(side, row, elsewhere);
    await expectRefused(side, row.roles[0] as Role, command as Command, 'WRONG_STATE', there);
  });

  it('whoever may and when: done as the table says, or refused by a guard of the row', async () => {
    const done = new Set<string>();
    for (const [command, side, row] of cases) {
      for (const role of row.roles as readonly Role[]) {
        const before = await forge(side, row, row.from[0]!);
        const answer = await give(side, role, command as Command);
        const what = `${command} by ${side} ${role}`;
        if (answer.refusal === null) {
          done.add(command);
          const after = await rowOf(side);
          const to = row.to === 'same' ? before.state : row.to;
          expect([what, answer.done, after.state, after.version]).toEqual([what, to, to, before.version + 1]);
          const records = (of: TransferRow) => of.life!.home.records;
          expect(records(after)).toHaveLength(records(before).length + 1);
          expect(records(after).at(-1)).toMatchObject({ command, role, person: two[side].people.of(role).id });
          const step = (await loggedBy(two[side].db)).findLast(({ event }) => event === `transfer.${row.event}`);
          const subject = { command, role, side, transfer: id, person: two[side].people.of(role).id };
          expect([what, step?.subject]).toMatchObject([what, row.event === 'sent' ? { transfer: id } : subject]);
        } else {
          const guards: string[] = [...(row.guards ?? [])];
          if (row.during || row.after) guards.push('CLOCK_NOT_RUNNING', 'CLOCK_NOT_OVER');
          expect([what, answer.refusal, guards]).toEqual([what, 'COMMAND_REFUSED', guards]);
          expect([what, guards.includes(answer.reason)]).toEqual([what, true]);
          expect(await rowOf(side)).toEqual(before);
        }
      }
    }
    // Those without a guard that asks for a history of its own go through.
    expect(withoutHistory.filter((command) => !done.has(command))).toEqual([]);
  });
});

/** Commands that a person gives on a fresh transfer in the right state, whatever was before. */
const withoutHistory: Command[] = [
  ...(['sign', 'endorse', 'send-back', 'forward-at-home', 'sign-for', 'acknowledge', 'propose-acceptance'] as const),
  ...(['request-supplement', 'report-mismatch', 'return', 'find-not-ours', 'forward', 'report-outcome'] as const),
  ...(['contest', 'claim-filing', 'propose-settlement', 'not-file', 'feedback', 'confirm'] as const),
  ...(['report-crime', 'withdraw', 'attest-disposal'] as const),
];
