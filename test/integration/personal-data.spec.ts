import { type Person, type Reader, type Role, revealReasons } from '@jieqiao/access';
import { databases } from '../support/databases';
import {
  bytesOf,
  loggedBy,
  personOf,
  readSample,
  rowsOf,
  type Sample,
  type Side,
  TwoSides,
} from '../support/exchange-fixture';

jest.setTimeout(60_000);

const party = {
  name: '当事人甲',
  sex: 'male',
  idNumber: '330482198003051233',
  phone: '13800001234',
  address: '浙江省平湖市新埭镇某村12号',
};
const witness = { name: '证人乙', age: 51, occupation: '业主', phone: '13900005678', address: '上海市金山区某路34弄' };
const reporter = { name: '举报人丙丁', phone: '13700009012' };
const secrets = [party, witness, reporter].flatMap(({ name, phone, ...rest }) => [
  name,
  phone,
  ...Object.values(rest).filter((value): value is string => typeof value === 'string' && value.length > 5),
]);
const why = { code: 'identify-person', text: '核对当事人身份' };

/** Every value of every row, as bytes: what a dump of the database holds. */
async function dumpOf({ db }: Side): Promise<string> {
  const sql =
    db.dialect === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table'"
      : 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()';
  const tables = (await rowsOf(db, sql)).map(({ name }) => String(name));
  expect(tables).toEqual(
    expect.arrayContaining(['transfer', 'bundle', 'personal_data', 'content_access', 'log_entry']),
  );
  const values: string[] = [];
  for (const table of tables) {
    for (const row of await rowsOf(db, `SELECT * FROM ${table}`)) {
      for (const value of Object.values(row)) {
        const isText = value === null || typeof value !== 'object';
        values.push(isText ? String(value) : bytesOf(value).toString('utf8'));
      }
    }
  }
  return values.join('\n');
}

/** S2 turned round: a case from the sender's side, with a person as party, a witness, and a reporter. */
function caseWithPeople(purpose?: string): Sample {
  const sample = readSample('s1');
  const stated = purpose === undefined ? {} : { personalData: [{ category: 'id-number', purpose }] };
  const { personalData: _, ...transfer } = sample.transfer;
  return {
    ...sample,
    transfer: {
      ...transfer,
      ...stated,
      kind: (purpose === undefined ? 'LEAD' : 'CASE') as 'LEAD',
      parties: [{ kind: 'natural', name: '当事人', personal: party }],
      reporter,
    },
  };
}

const statement = () => ({
  fileName: 'statement.pdf',
  mediaType: 'application/pdf',
  content: Buffer.from('statement'),
  data: {
    kind: 'witness-testimony',
    title: '证言',
    isOriginal: true,
    collectors: [] as string[],
    handedInBy: 'other-body',
    signatures: { officers: [], party: true, eachPage: true },
    personal: witness,
  },
});

describe.each(databases())('personal data on %s', (_name, create) => {
  let two: TwoSides;
  beforeEach(async () => {
    two = await TwoSides.open(create);
  });
  afterEach(() => two.close());

  const person = (role: Role, over: Partial<Reader> = {}): Reader => ({
    ...personOf(two.newId(), role),
    ...over,
  });
  /** A draft, sent and taken by the other side; its id is the same on both. */
  async function exchanged(sample: Sample): Promise<string> {
    const id = await two.draft([statement()], sample);
    await two.send(id, { acknowledge: ['R07', 'R08', 'R09'] });
    const [delivery] = await two.deliveries([id]);
    await two.push(delivery!.envelope);
    expect(await two.deliver(delivery!)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
    return id;
  }
  async function sealedJson(id: string): Promise<string> {
    const [delivery] = await two.deliveries([id]);
    return delivery!.parts.find(({ name }) => name === 'transfer.json')!.content.toString();
  }

  it('is shown masked, and a form sent back as it was shown keeps it', async () => {
    const { transfers, handler, content } = two.sender;
    const id = await two.draft([statement()], caseWithPeople());
    const shown = await transfers.get(handler, id);
    expect(shown.data).toMatchObject({
      parties: [{ personal: { name: '当***', idNumber: '330482********1233', phone: '138****1234' } }],
      reporter: { name: '举****', phone: '137****9012' },
    });
    expect(shown.evidence[0]!.data).toMatchObject({ personal: { name: '证**', phone: '139****5678', age: 51 } });

    const edited = await transfers.edit(handler, id, shown.version, { data: { ...shown.data, request: '请依法处理' } });
    expect(edited.data).toEqual({ ...shown.data, request: '请依法处理' });
    const value = (pointer: string) => content.reveal(handler, id, pointer, why).then((revealed) => revealed.value);
    expect(await value('/parties/0/personal/idNumber')).toBe(party.idNumber);
    expect(await value('/reporter/phone')).toBe(reporter.phone);
    expect(await value('/evidence/0/personal/address')).toBe(witness.address);

    const strange = { ...edited.data, reporter: { phone: '136****9012' } };
    await expect(transfers.edit(handler, id, edited.version, { data: strange })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      params: { errors: ['/data/reporter/phone masked'] },
    });
    const wrong = { ...edited.data, reporter: { idNumber: '330482198003051230' } };
    await expect(transfers.edit(handler, id, edited.version, { data: wrong })).rejects.toMatchObject({
      params: { errors: ['/data/reporter/idNumber format'] },
    });
    const without = { ...edited.data, parties: [{ kind: 'unknown' }], reporter: undefined };
    await transfers.edit(handler, id, edited.version, { data: without });
    await expect(value('/reporter/phone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves in a lead only what a lead may carry; the reporter never leaves', async () => {
    const id = await exchanged(caseWithPeople());
    const json = await sealedJson(id);
    for (const value of [party.idNumber, party.phone, party.address, witness.phone, witness.address]) {
      expect(json).not.toContain(value);
    }
    for (const value of [...Object.values(reporter), 'reporter']) expect(json).not.toContain(value);
    const { redacted, data, evidence } = await two.receiver.transfers.get(person('clerk'), id);
    expect(redacted).toEqual([
      { pointer: '/parties/0/personal/idNumber', category: 'id-number' },
      { pointer: '/parties/0/personal/phone', category: 'mobile-phone' },
      { pointer: '/parties/0/personal/address', category: 'home-address' },
      { pointer: '/evidence/0/personal/phone', category: 'mobile-phone' },
      { pointer: '/evidence/0/personal/address', category: 'home-address' },
    ]);
    expect(data).toMatchObject({ parties: [{ personal: { name: '当***', sex: 'male' } }] });
    expect(evidence[0]!.data).toMatchObject({ personal: { name: '证**', age: 51, occupation: '业主' } });
    expect((await two.sender.transfers.get(two.sender.handler, id)).redacted).toEqual(redacted);
  });

  it('refuses to send a text that says what was taken out', async () => {
    const sample = caseWithPeople();
    sample.transfer.facts = `群众${reporter.name}反映，有人倾倒渣土`;
    const id = await two.draft([], sample);
    await expect(two.send(id)).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      params: { errors: ['/facts personal-data'] },
    });
  });

  it('travels typed in a case for a purpose, and is masked again at the receiver', async () => {
    const id = await exchanged(caseWithPeople('identify-party'));
    expect(await sealedJson(id)).toContain(party.idNumber);
    const { transfers, content } = two.receiver;
    const officer = person('handler');
    const view = await transfers.get(officer, id);
    expect(view.data).toMatchObject({ parties: [{ personal: { idNumber: '330482********1233' } }] });
    expect(view.redacted).toEqual([]);
    expect(JSON.stringify(view)).not.toContain(party.idNumber);
    expect(await content.reveal(officer, id, '/parties/0/personal/idNumber', why)).toEqual({
      pointer: '/parties/0/personal/idNumber',
      category: 'id-number',
      value: party.idNumber,
    });
    await expect(content.reveal(officer, id, '/reporter/phone', why)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('lies in no database, log line or error in clear', async () => {
    const id = await exchanged(caseWithPeople('identify-party'));
    await two.receiver.content.reveal(person('handler'), id, '/parties/0/personal/phone', why);
    for (const side of [two.sender, two.receiver]) {
      const dump = await dumpOf(side);
      expect(dump).toContain(id);
      for (const value of secrets) expect(dump).not.toContain(value);
      expect(JSON.stringify(await loggedBy(side.db))).not.toMatch(/13800001234|33048219800305/);
    }
  });

  it('is revealed for a listed reason, by those who may, with a trace and no value in it', async () => {
    const id = await exchanged(caseWithPeople('identify-party'));
    const { content, db } = two.receiver;
    const at = '/parties/0/personal/phone';
    for (const role of ['seal-keeper', 'clerk', 'supervisor', 'administrator', 'security-auditor'] as const) {
      await expect(content.reveal(person(role), id, at, why)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    const officer = person('squad-lead');
    await expect(content.reveal(officer, id, at, { code: 'curiosity', text: 'x' })).rejects.toMatchObject({
      code: 'REASON_REQUIRED',
      params: { reasons: Object.keys(revealReasons) },
    });
    const withNumber = { ...why, text: `查 ${party.phone}` };
    await expect(content.reveal(officer, id, at, withNumber)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    expect((await rowsOf(db, 'SELECT * FROM content_access')).length).toBe(0);

    await content.reveal(officer, id, at, why);
    expect(await rowsOf(db, 'SELECT * FROM content_access')).toMatchObject([
      {
        person_id: officer.id,
        transfer_id: id,
        what: 'personal-data',
        pointer: at,
        category: 'mobile-phone',
        reason: why.code,
        reason_text: why.text,
      },
    ]);
    const entry = (await loggedBy(db)).at(-1)!;
    expect(entry).toMatchObject({
      event: 'personal-data.revealed',
      subject: { category: 'mobile-phone', person: officer.id, reason: why.code, transfer: id },
    });
    expect(JSON.stringify(entry)).not.toContain(why.text);
  });

  it('is revealed so many times an hour, whichever process is asked', async () => {
    const id = await two.draft([], caseWithPeople());
    const { content, handler } = two.sender;
    const reveal = (by: Person = handler) => content.reveal(by, id, '/parties/0/personal/phone', why);
    for (let i = 0; i < 60; i++) await reveal();
    const refused = await reveal().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'TOO_MANY_REQUESTS', params: { retryAfter: expect.any(Number) } });
    await expect(reveal(person('head'))).resolves.toBeDefined();
    two.clock.advance(3_600_000);
    await expect(reveal()).resolves.toBeDefined();
  });

  it('leaves in a bundle only with those who may have it revealed, for a reason', async () => {
    const id = await exchanged(caseWithPeople('identify-party'));
    const { transfers, db } = two.receiver;
    const officer = person('handler');
    await expect(transfers.bundle(officer, id)).rejects.toMatchObject({ code: 'REASON_REQUIRED' });
    await expect(transfers.bundle(person('clerk', { reason: why }), id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const supervising = { code: 'file-review', text: '年度案卷评查' };
    const supervisor = person('supervisor', { reason: supervising });
    await expect(transfers.bundle(supervisor, id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await rowsOf(db, 'SELECT * FROM content_access')).length).toBe(0);
    await transfers.bundle({ ...officer, reason: why }, id);
    const events = (await loggedBy(db))
      .slice(-6)
      .map(({ event, subject }) => [event, (subject as { reason?: string }).reason]);
    expect(events.at(-1)).toEqual(['content.exported', why.code]);
    expect(events.filter(([event]) => event === 'personal-data.revealed').length).toBe(5);
  });

  it('cannot be moved to another transfer by whoever writes to the database', async () => {
    const [mine, other] = [await two.draft([], caseWithPeople()), await two.draft([], caseWithPeople())];
    const { db, transfers, handler } = two.sender;
    const [row] = await rowsOf(db, 'SELECT sealed FROM personal_data WHERE transfer_id = ?', [other]);
    await db.transaction((tx) =>
      tx.query('UPDATE personal_data SET sealed = ? WHERE transfer_id = ?', [bytesOf(row!.sealed), mine]),
    );
    await expect(transfers.get(handler, mine)).rejects.toMatchObject({
      code: 'KEY_UNUSABLE',
      params: { reason: 'sealed-data-altered' },
    });
  });

  it('a supervisor reads a transfer for a reason, which is kept and logged', async () => {
    const id = await exchanged(caseWithPeople());
    const { transfers, db } = two.receiver;
    const supervisor = person('supervisor');
    const listed = (await transfers.list(supervisor, { limit: 10 })).items;
    expect(listed).toMatchObject([{ id, title: null, state: 'DELIVERED' }]);
    const before = (await loggedBy(db)).length;
    await expect(transfers.get(supervisor, id)).rejects.toMatchObject({ code: 'REASON_REQUIRED' });
    expect((await loggedBy(db)).length).toBe(before);

    const reason = { code: 'file-review', text: '年度案卷评查' };
    const view = await transfers.get({ ...supervisor, reason }, id);
    expect(view.title).not.toBeNull();
    const item = view.evidence[0]!;
    await transfers.readEvidence({ ...supervisor, reason }, id, item.id);
    expect((await loggedBy(db)).slice(before).map(({ event, subject }) => ({ event, subject }))).toEqual([
      {
        event: 'content.read',
        subject: { object: null, person: supervisor.id, reason: reason.code, transfer: id, what: 'transfer' },
      },
      {
        event: 'content.read',
        subject: { object: item.digest, person: supervisor.id, reason: reason.code, transfer: id, what: 'evidence' },
      },
    ]);
    expect(await rowsOf(db, 'SELECT reason_text FROM content_access ORDER BY id')).toEqual([
      { reason_text: reason.text },
      { reason_text: reason.text },
    ]);
  });

  it('drafts are their unit’s; the list and the draft itself agree', async () => {
    const { transfers, handler } = two.sender;
    const unit = '枫泾中队';
    const author = { ...handler, unit };
    const { id } = await transfers.create(author, {
      to: two.receiver.node,
      kind: 'LEAD',
      number: '',
      title: 't',
      data: {},
    });
    const visible: [Reader, boolean][] = [
      [author, true],
      [person('handler', { unit }), true],
      [person('squad-lead', { unit }), true],
      [person('handler', { unit: '亭林中队' }), false],
      [person('squad-lead'), false],
      [person('legal-reviewer'), true],
      [person('head'), true],
      [person('seal-keeper'), true],
      [person('clerk', { unit }), false],
    ];
    for (const [who, sees] of visible) {
      const listed = (await transfers.list(who, { limit: 10 })).items.map((item) => item.id);
      expect([who.roles, who.unit, listed.includes(id)]).toEqual([who.roles, who.unit, sees]);
      const got = await transfers.get(who, id).then(
        () => true,
        (error: { code?: string }) => error.code !== 'FORBIDDEN',
      );
      expect(got).toBe(sees);
    }
    const auditor = person('security-auditor');
    expect((await transfers.list(auditor, { limit: 10 })).items).toMatchObject([{ id, title: null }]);
    await expect(transfers.list(person('administrator'), { limit: 10 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(transfers.get(auditor, id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
