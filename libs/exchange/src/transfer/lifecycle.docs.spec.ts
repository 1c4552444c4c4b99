import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TransferKind, transferKinds } from '@jieqiao/recognition';
import { shippedCatalogues } from '../../../../test/support/catalogues';
import { fieldsOf } from './command-data';
import {
  commands,
  homeGuards,
  homeStates,
  type LifeState,
  letterOf,
  lifeClocks,
  sharedFrom,
  sharedGuards,
  sharedStates,
  type Transition,
  transitions,
} from './lifecycle';
import { commandWords, refusalWords, stateWords } from './lifecycle-words';

// docs/spec/lifecycle.md holds what is generated between marks; JIEQIAO_WRITE_LIFECYCLE=1 writes it anew.

const page = join(__dirname, '../../../../docs/spec/lifecycle.md');
const states: readonly LifeState[] = ['NEW', ...homeStates, ...sharedStates.filter((state) => state !== 'NEW')];

const tick = (text: string) => `\`${text}\``;
const ticks = (texts: readonly string[] | undefined) => (texts ?? []).map(tick).join(' ');
const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function transitionTable(): string {
  const everywhere = states.length - 1;
  const clocksOf = ({ starts, stops, pauses, resumes, during, after }: Transition) =>
    [
      ...(during ? [`while ${tick(during)}`] : []),
      ...(after ? [`once ${tick(after)} is over`] : []),
      ...(stops ?? []).map((id) => `−${id}`),
      ...(pauses ?? []).map((id) => `‖${id}`),
      ...(resumes ?? []).map((id) => `▷${id}`),
      ...(starts ?? []).map((id) => `+${id}`),
    ].join(' ');
  return tableOf(
    ['command', 'from', 'to', 'who', 'kinds', 'guards', 'clocks', 'signed', 'message', 'event'],
    transitions.map((row) => [
      `${tick(row.command)} ${commandWords[row.command].zh}`,
      row.from.length === everywhere ? 'any but NEW' : row.from.join(' '),
      row.to,
      `${row.side}: ${row.roles.join(', ')}`,
      row.kinds?.join(' ') ?? 'all',
      ticks(row.guards),
      clocksOf(row),
      row.signed ?? '',
      row.message ? tick(row.message) : '–',
      row.event,
    ]),
  );
}

/** The states to which rows lead from NEW, guards left aside. */
function statesOf(kind: TransferKind): Set<LifeState> {
  const rows = transitions.filter(({ kinds }) => !kinds || kinds.includes(kind));
  const found = new Set<LifeState>(['NEW']);
  for (const state of found) {
    for (const { from, to } of rows) if (to !== 'same' && to !== 'before' && from.includes(state)) found.add(to);
  }
  return found;
}

function kindTable(): string {
  const found = transferKinds.map(statesOf);
  return tableOf(
    ['state', '', ...transferKinds],
    states.map((state) => [state, stateWords[state].zh, ...found.map((each) => (each.has(state) ? '●' : ''))]),
  );
}

/** For commands of the sender that the receiver may have made impossible, and with which of its own. */
function crossingTable(): string {
  const told = transitions.filter(({ message }) => message);
  const of = (side: 'sender' | 'receiver', kind: TransferKind) =>
    told.filter((row) => (row.side === side || row.side === 'either') && (row.kinds?.includes(kind) ?? true));
  const rows = sharedStates.flatMap((state) =>
    commands.flatMap((command) => {
      const crosses = new Set<string>();
      const counts = new Set<string>();
      for (const kind of transferKinds) {
        const allowed = of('sender', kind)
          .filter((row) => row.command === command)
          .flatMap(sharedFrom);
        if (!allowed.includes(state)) continue;
        for (const row of of('receiver', kind)) {
          if (row.to === 'same' || !sharedFrom(row).includes(state)) continue;
          (allowed.includes(row.to as never) ? counts : crosses).add(row.command);
        }
      }
      return crosses.size > 0 ? [[state, tick(command), ticks([...crosses]), ticks([...counts])]] : [];
    }),
  );
  return tableOf(['both in', 'the sender', 'crosses with, no effect', 'still counts after'], rows);
}

const generated: Record<string, string> = {
  transitions: transitionTable(),
  kinds: kindTable(),
  crossing: crossingTable(),
  guards: tableOf(
    ['guard', 'asked', 'refuses', ''],
    [...homeGuards, ...sharedGuards].map((guard) => [
      tick(guard),
      (homeGuards as readonly string[]).includes(guard) ? 'at home' : 'on both sides',
      refusalWords[guard].en,
      refusalWords[guard].zh,
    ]),
  ),
  data: tableOf(
    ['command', 'must have', 'may have'],
    commands.flatMap((command) => {
      const { needs, may } = fieldsOf[command] ?? {};
      return needs || may ? [[tick(command), ticks(needs), ticks(may)]] : [];
    }),
  ),
  letters: tableOf(
    ['kind', 'letter'],
    transferKinds.map((kind) => [kind, tick(letterOf[kind])]),
  ),
  clocks: tableOf(
    ['clock', 'who must act', 'kept'],
    Object.entries(lifeClocks).map(([id, { owner, home }]) => [
      tick(id),
      owner === 'actor' ? 'the side that acted first' : owner,
      home ? 'at home' : 'on both sides',
    ]),
  ),
};

const marked = (name: string, text: string) => `<!-- generated: ${name} -->\n${text}\n<!-- end -->`;
const block = (name: string) => new RegExp(`<!-- generated: ${name} -->\\n[\\s\\S]*?<!-- end -->`);

test.each(Object.entries(generated))('the page has the table of %s that the code has', (name, text) => {
  const before = readFileSync(page, 'utf8');
  expect(before).toMatch(block(name));
  if (process.env.JIEQIAO_WRITE_LIFECYCLE)
    writeFileSync(
      page,
      before.replace(block(name), () => marked(name, text)),
    );
  expect(block(name).exec(readFileSync(page, 'utf8'))?.[0]).toBe(marked(name, text));
});

test('each kind has the states that fit it', () => {
  const without = (kind: TransferKind) => states.filter((state) => !statesOf(kind).has(state)).join(' ');
  const penal = 'IN_DISPUTE DESIGNATED ACCEPTED NOT_FILED FILED CRIMINAL_REFERRED DECIDED';
  expect(transferKinds.map((kind) => [kind, without(kind)])).toEqual([
    ['LEAD', ''],
    ['CASE', ''],
    ['ASSIST', `SUPPLEMENT_REQUESTED FORWARDED ${penal}`],
    ['EVIDENCE', `FORWARDED ${penal} FEEDBACK_SENT`],
    ['NOTICE', `RECEIVED SUPPLEMENT_REQUESTED RETURNED FORWARDED ${penal} FEEDBACK_SENT`],
    ['CRIMINAL_STATUS', `RECEIVED SUPPLEMENT_REQUESTED RETURNED FORWARDED ${penal} FEEDBACK_SENT`],
  ]);
});

test('every document that a step needs is a type in the catalogue', () => {
  const types = new Set(
    shippedCatalogues()
      .get('common.cn')!
      .documentTypes.map(({ code }) => code),
  );
  const needed = transitions.flatMap(({ signed }) =>
    signed === undefined || signed === 'transfer-letter' ? [] : [signed],
  );
  expect(needed.length).toBeGreaterThan(0);
  expect([...new Set([...needed, ...Object.values(letterOf)])].filter((code) => !types.has(code))).toEqual([]);
});
