import { randomBytes } from 'node:crypto';
import type { Person, Role } from '@jieqiao/access';
import { uuidv7 } from '@jieqiao/core';
import { DocumentNumbers, type NumberedType, numberPatterns } from '@jieqiao/exchange';
import { Database } from '@jieqiao/platform';
import fc from 'fast-check';
import { entities } from '../../apps/gateway/src/gateway';
import { loggedEvents, pendingLog } from '../support/clock-side';
import { databases, type TestDatabase } from '../support/databases';
import { cn, digestFor } from '../support/transfer-pair';

const newId = () => uuidv7(Date.now(), randomBytes(10));
const person = (role: Role): Person => {
  return { id: newId(), login: role, name: role, roles: [role], certNo: null, unit: null, qualifiedSince: null };
};
const keeper = person('seal-keeper');
const lead = 'lead-transfer-letter';

describe.each(databases())('document numbers on %s', (engine, create) => {
  let test: TestDatabase;
  let db: Database;
  let now: string;
  let numbers: DocumentNumbers;

  const settings = {
    prefix: '平综执',
    patterns: { 'penalty-decision': '嘉平综执〔{year}〕罚决字第{squad}-{sequence:4}号' },
  };
  const numbersOn = (on: Database, given: Parameters<typeof numberPatterns>[0] = settings) => {
    const { patterns, problems } = numberPatterns(given);
    expect(problems).toEqual([]);
    const clock = () => new Date(now);
    const audit = pendingLog(on, clock);
    return new DocumentNumbers({ db: on, audit, node: 'pinghu.330482', patterns, now: clock, random: randomBytes });
  };
  const issue = (type: NumberedType = lead, squad?: number) =>
    db.transaction((tx) => numbers.issueNumber(tx, { type, squad }));
  const take = (text: string, use: { type?: NumberedType; transfer?: string; document?: `sha256:${string}` } = {}) =>
    db.transaction((tx) => numbers.takeNumber(tx, text, { type: lead, ...use }));
  const isTaken = (text: string, transfer: string | null = null) =>
    db.read((tx) => numbers.isTaken(tx, text, transfer));

  beforeAll(async () => {
    test = await create();
    db = await Database.open(test.url, entities, () => new Date());
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });
  beforeEach(async () => {
    for (const table of ['document_number', 'number_counter', 'log_entry']) {
      await db.transaction((tx) => tx.query(`DELETE FROM ${table}`));
    }
    now = cn('2022-08-18 10:00');
    numbers = numbersOn(db);
  });

  it('count up through the year, each type and squad for itself, and are in the log', async () => {
    expect((await issue()).number).toBe('平综执线移〔2022〕第1号');
    expect((await issue()).number).toBe('平综执线移〔2022〕第2号');
    expect((await issue('case-transfer-letter')).number).toBe('平综执移字〔2022〕第1号');
    expect((await issue('penalty-decision', 10)).number).toBe('嘉平综执〔2022〕罚决字第10-0001号');
    expect((await issue('penalty-decision', 3)).number).toBe('嘉平综执〔2022〕罚决字第3-0001号');
    const last = await issue('penalty-decision', 10);
    expect(last.number).toBe('嘉平综执〔2022〕罚决字第10-0002号');
    const events = await loggedEvents(db, 'number.issued');
    expect(events).toHaveLength(6);
    expect(events.at(-1)).toEqual({
      ...{ number: last.id, person: null, transfer: null },
      ...{ type: 'penalty-decision', year: 2022, squad: 10, sequence: 2 },
    });
  });

  it('begin again at midnight of the year in China', async () => {
    now = new Date(Date.parse(cn('2023-01-01 00:00')) - 1).toISOString();
    expect((await issue()).number).toBe('平综执线移〔2022〕第1号');
    now = cn('2023-01-01 00:00');
    expect(now).toBe('2022-12-31T16:00:00.000Z');
    expect((await issue()).number).toBe('平综执线移〔2023〕第1号');
    now = new Date(Date.parse(now) - 1).toISOString();
    expect((await issue()).number).toBe('平综执线移〔2022〕第2号');
  });

  it('are distinct and without a gap for many at once, on several connections', async () => {
    const other = engine === 'sqlite' ? db : await Database.open(test.url, entities, () => new Date());
    const nodes = [numbersOn(db), numbersOn(other)];
    const given = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 ? other : db).transaction((tx) => nodes[i % 2]!.issueNumber(tx, { type: lead })),
      ),
    );
    if (other !== db) await other.close();
    const sequences = given.map(({ sequence }) => sequence!).sort((a, b) => a - b);
    expect(sequences).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it('leave no gap where a transaction rolls back, also among others', async () => {
    const attempts = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) =>
        db.transaction(async (tx) => {
          const row = await numbers.issueNumber(tx, { type: lead });
          if (i % 3 === 0) throw new Error('no');
          return row.sequence!;
        }),
      ),
    );
    const given = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(given.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const { items } = await numbers.list(keeper, { limit: 100 });
    expect(items).toHaveLength(20);
    expect(await loggedEvents(db, 'number.issued')).toHaveLength(20);
  });

  it('that are void stay, with the reason, and are not given again', async () => {
    const { id, number } = await numbers.issue(keeper, lead);
    const voided = await numbers.void(keeper, id, '打印错误');
    expect(voided).toMatchObject({ state: 'voided', voided: { at: now, by: keeper.id, reason: '打印错误' } });
    expect((await issue()).number).toBe('平综执线移〔2022〕第2号');
    await expect(numbers.void(keeper, id, '再次')).rejects.toMatchObject({
      code: 'WRONG_STATE',
      params: { state: 'voided' },
    });
    await expect(take(number)).rejects.toMatchObject({ code: 'NUMBER_TAKEN', params: { state: 'voided' } });
    expect(await isTaken(number)).toBe(true);
    expect((await numbers.list(keeper, { limit: 10 })).items.map(({ state }) => state).sort()).toEqual([
      'issued',
      'voided',
    ]);
    expect(await loggedEvents(db, 'number.voided')).toEqual([{ number: id, person: keeper.id }]);
    await expect(numbers.void(keeper, newId(), 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are not voided once a document bears them', async () => {
    const { id, number } = await numbers.issue(keeper, lead);
    await take(number, { transfer: newId(), document: digestFor('letter') });
    await expect(numbers.void(keeper, id, 'x')).rejects.toMatchObject({
      code: 'WRONG_STATE',
      params: { state: 'used' },
    });
  });

  it('given by hand are registered, refused if taken, and passed over when the node comes to them', async () => {
    const [one, other] = [newId(), newId()];
    await take('平综执线移[2022]2号', { transfer: one });
    await take('平综执线移〔2022〕第3号', { transfer: one });
    await take('平农字〔2021〕7号', { transfer: one });
    expect((await issue()).number).toBe('平综执线移〔2022〕第1号');
    expect((await issue()).number).toBe('平综执线移〔2022〕第4号');
    for (const taken of ['平综执线移（２０２２）第 02 号', '平农字[2021]第7号']) {
      await expect(take(taken, { transfer: other })).rejects.toMatchObject({ code: 'NUMBER_TAKEN' });
      expect([await isTaken(taken, other), await isTaken(taken, one), await isTaken(taken)]).toEqual([
        true,
        false,
        true,
      ]);
      // The same transfer, sent anew.
      await take(taken, { transfer: one, document: digestFor('second letter') });
    }
    await expect(take('第5号')).rejects.toMatchObject({ code: 'VALIDATION_FAILED', params: { reason: 'bad-number' } });
    const { items } = await numbers.list(keeper, { limit: 10, year: 2021 });
    expect(items).toMatchObject([
      { number: '平农字〔2021〕7号', sequence: null, document: digestFor('second letter') },
    ]);
  });

  it('issued beforehand wait for their document, and are for its type alone', async () => {
    const { number } = await numbers.issue(keeper, lead);
    expect(await isTaken(number, newId())).toBe(false);
    await expect(take(number, { type: 'case-transfer-letter', transfer: newId() })).rejects.toMatchObject({
      code: 'NUMBER_TAKEN',
      params: { state: 'issued', type: lead },
    });
    const transfer = newId();
    expect(await take(number, { transfer })).toMatchObject({ transferId: transfer, state: 'issued' });
    await expect(take(number, { transfer: newId() })).rejects.toMatchObject({ code: 'NUMBER_TAKEN' });
  });

  it('of another type’s series, given by hand, are passed over there', async () => {
    await take('平综执移字〔2022〕第1号', { type: 'notice-sheet', transfer: newId() });
    expect((await issue('case-transfer-letter')).number).toBe('平综执移字〔2022〕第2号');
  });

  it('taken by two at once belong to one', async () => {
    for (const text of ['平综执线移〔2022〕第9号', '平农字〔2021〕8号']) {
      const takers = await Promise.allSettled(Array.from({ length: 8 }, () => take(text, { transfer: newId() })));
      expect(takers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = takers.flatMap((taker) => (taker.status === 'rejected' ? [taker.reason.code] : []));
      expect(new Set(refused)).toEqual(new Set(['NUMBER_TAKEN']));
    }
  });

  it('need a pattern, and a squad where it has squads', async () => {
    numbers = numbersOn(db, { prefix: '', patterns: {} });
    await expect(issue()).rejects.toMatchObject({ code: 'NUMBER_PATTERN_MISSING', params: { type: lead } });
    // What has no pattern is given by hand.
    expect(await take('沪城管执〔2022〕14号', { transfer: newId() })).toMatchObject({ sequence: null });
    numbers = numbersOn(db);
    const wrong = { code: 'VALIDATION_FAILED', params: { reason: 'bad-number-value', field: 'squad' } };
    await expect(issue('penalty-decision')).rejects.toMatchObject(wrong);
    await expect(issue(lead, 3)).rejects.toMatchObject(wrong);
    expect((await numbers.list(keeper, { limit: 1 })).items).toHaveLength(1);
  });

  it('go on counting when the authority changes its short name in the year', async () => {
    await issue();
    await take('平综执线移〔2022〕第3号', { transfer: newId() });
    numbers = numbersOn(db, { ...settings, prefix: '平执' });
    expect((await issue()).number).toBe('平执线移〔2022〕第2号');
    expect((await issue()).number).toBe('平执线移〔2022〕第4号');
  });

  it.each(['supervisor', 'administrator', 'security-auditor', 'head', 'clerk'] as const)(
    '%s gives and voids none',
    async (role) => {
      await expect(numbers.issue(person(role), lead)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(numbers.void(person(role), newId(), 'x')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    },
  );

  it('whatever is issued, taken, voided and rolled back, no two are the same and the node leaves no gap', async () => {
    const acts = fc.array(
      fc.record({
        act: fc.constantFrom('issue', 'issue', 'take', 'void'),
        pick: fc.integer({ min: 1, max: 12 }),
        fails: fc.boolean(),
      }),
      { minLength: 1, maxLength: 25 },
    );
    let year = 2023;
    const run = fc.asyncProperty(acts, async (list) => {
      now = cn(`${++year}-06-01 10:00`);
      const given = new Set<string>();
      const borne = new Set<string>();
      for (const { act, fails, pick } of list) {
        const work = db.transaction(async (tx) => {
          let text: string | null = null;
          if (act === 'issue') text = (await numbers.issueNumber(tx, { type: lead })).number;
          else if (act === 'take') {
            text = (await numbers.takeNumber(tx, `平综执线移〔${year}〕第${pick}号`, { type: lead, transfer: newId() }))
              .number;
          } else {
            const rows: { id: string }[] = await tx.query('SELECT id FROM document_number WHERE year = ?', [year]);
            const row = rows[pick % Math.max(1, rows.length)];
            if (row) await numbers.voidNumber(tx, row.id, 'x', null);
          }
          if (fails) throw new Error('no');
          return text;
        });
        const text = await work.catch((error: { code?: string; message: string }) => {
          if (error.message !== 'no' && error.code !== 'NUMBER_TAKEN' && error.code !== 'WRONG_STATE') throw error;
          return null;
        });
        if (text === null) continue;
        // What was issued may be taken by its document; nothing is given or borne twice.
        expect((act === 'issue' ? given : borne).has(text)).toBe(false);
        given.add(text);
        if (act === 'take') borne.add(text);
      }
      const { items } = await numbers.list(keeper, { year, limit: 100 });
      expect(items.map(({ number }) => number).sort()).toEqual([...given].sort());
      const [counter] = await db.read((tx) => tx.query('SELECT last FROM number_counter WHERE year = ?', [year]));
      const sequences = new Set(items.map(({ sequence }) => sequence));
      for (let n = 1; n <= Number(counter?.last ?? 0); n++) expect(sequences).toContain(n);
    });
    await fc.assert(run, { numRuns: 15 });
  });
});
