import { type CaseMessage, digestOf, type SealedBundle, type Signer, type StateClaims } from '@jieqiao/core';
import type { Delivery__Output, Outcome } from '@jieqiao/delivery';
import { laneCallbacks, TransferRow } from '@jieqiao/exchange';
import {
  documentParts,
  documentRow,
  makeDocument,
  type StepDocument,
  sealDocument,
} from '../../libs/exchange/src/documents';
import type { StateMessage } from '../../libs/exchange/src/transfer/command-data';
import { databases } from '../support/databases';
import { claimsOf, countRows, loggedBy, provenEntry, rowsOf, TwoSides } from '../support/exchange-fixture';

jest.setTimeout(60_000);

/** What a receiver says about a transfer, by a peer that holds real keys and says what it may not. */
describe.each(databases())('messages about a transfer on %s', (_name, create) => {
  let two: TwoSides;
  /** From the transfer's receiver to its sender: the way that its words go. */
  let back: TwoSides;
  let id: string;

  beforeAll(async () => {
    two = await TwoSides.open(create);
    back = two.reversed();
  });
  afterAll(() => two?.close());
  beforeEach(async () => {
    id = await two.draft();
    await two.send(id);
    expect(await two.carry()).toEqual([]);
    await two.command(two.receiver, 'clerk', id, 'sign-for');
  });
  // Whatever was refused: the chain goes on, and the true word is taken.
  afterEach(async () => {
    if ((await atSender()).state === 'DELIVERED') {
      expect(await deliver(await said())).toMatchObject({ status: 'STATUS_RECEIVED' });
      expect((await atSender()).state).toBe('RECEIVED');
    }
    await back.sender.db.transaction((tx) => tx.query("UPDATE outbox SET state = 'received'"));
  });

  const atSender = () => two.sender.db.read((tx) => tx.findOneByOrFail(TransferRow, { id }));

  /** The receiver's last word about the transfer, as it goes over next in the chain of the other side. */
  async function said(over: Partial<StateClaims> = {}): Promise<Delivery__Output & { claims: StateClaims }> {
    const { db, work } = back.sender;
    const sql = 'SELECT envelope FROM outbox WHERE transfer_id = ? ORDER BY seq DESC';
    const [row] = await rowsOf(db, sql, [id]);
    const envelope = String(row!.envelope);
    const { bundle } = claimsOf(envelope);
    const parts = await laneCallbacks(work, () => undefined).partsOf([bundle!.manifest]);
    const forged = await back.forge({ envelope, ...parts.get(bundle!.manifest)! }, over as never);
    return { ...forged, claims: claimsOf(forged.envelope) as unknown as StateClaims };
  }

  const deliver = async (delivery: Delivery__Output): Promise<Outcome> => (await back.deliver(delivery))[0]!;
  const messageOf = ({ claims }: { claims: StateClaims }) => claims.body.message as unknown as StateMessage;
  const withMessage = (message: StateMessage): Partial<StateClaims> => ({
    body: { message: message as StateMessage & CaseMessage },
  });

  /** A document as the receiver could make one, sealed by whom a test likes, with the message that names it. */
  async function rewritten(
    change: Partial<Omit<StepDocument, 'schema' | 'certNo'>>,
    inMessage: Partial<StateMessage> = {},
    seal: Signer = back.sender.party.seal,
  ): Promise<Delivery__Output> {
    const true_ = await said();
    const message = { ...messageOf(true_), ...inMessage };
    const { document: _, ...data } = message.data;
    const content = makeDocument({
      ...{ type: 'transfer-receipt', transfer: message.transfer, dossier: true_.claims.dossier, number: '第12号' },
      ...{ from: { node: back.sender.node, authority: '甲' }, to: { node: back.receiver.node, authority: '乙' } },
      ...{ command: message.command, role: message.role, at: message.at, data, decisions: null, person: null },
      ...change,
    });
    const sealed = sealDocument(content, null, seal, back.clock.now());
    return bringing(sealed, content, { ...message, data: { ...data, document: digestOf(content) } });
  }

  async function bringing(sealed: SealedBundle, content: Buffer, message: StateMessage): Promise<Delivery__Output> {
    const about = { transferId: id, type: 'transfer-receipt', side: 'receiver', content, createdAt: '' } as const;
    const bundle = { manifest: sealed.digest, files: [] };
    const { envelope } = await said({ bundle, transfer: message.transfer, ...withMessage(message) });
    return { envelope, ...documentParts(documentRow(about, sealed)) };
  }

  async function expectRefused(delivery: Delivery__Output, code: string, reason: string | null): Promise<void> {
    const before = await atSender();
    const counts = await countRows(two.sender.db);
    const [documents] = await rowsOf(two.sender.db, 'SELECT COUNT(*) AS n FROM document');
    const outcome = await deliver(delivery);
    expect(outcome).toMatchObject({ status: 'STATUS_REFUSED', code });
    const entry = provenEntry(outcome.receipt, back.receiver);
    expect(entry).toMatchObject({ event: 'envelope.refused', subject: { code, peer: back.sender.node } });
    const logged = await loggedBy(two.sender.db);
    if (reason === null) expect(logged.at(-1)).toEqual(entry);
    else {
      const { command, transfer } = claimsMessage(delivery);
      const subject = { command, person: null, reason, transfer };
      expect(logged.at(-1)).toMatchObject({ event: 'command.refused', subject });
    }
    expect(await atSender()).toEqual(before);
    const more = reason === null ? 1 : 2;
    expect(await countRows(two.sender.db)).toEqual({
      ...counts,
      ...{ inbox: counts.inbox! + 1, log_entry: counts.log_entry! + more },
    });
    expect(await rowsOf(two.sender.db, 'SELECT COUNT(*) AS n FROM document')).toEqual([documents]);
  }
  const claimsMessage = ({ envelope }: Delivery__Output) =>
    (claimsOf(envelope) as unknown as StateClaims).body.message as unknown as StateMessage;

  it('a document made as they are made is taken: the forgeries below differ in one thing each', async () => {
    const outcome = await deliver(await rewritten({}));
    expect(outcome).toMatchObject({ status: 'STATUS_RECEIVED', code: '' });
    expect((await atSender()).state).toBe('RECEIVED');
  });

  it.each<[string, Partial<StepDocument>]>([
    ['another command', { command: 'return' }],
    ['another role', { role: 'head' }],
    ['another time', { at: '2022-08-19T01:00:00.000Z' }],
    ['another transfer', { transfer: '01900000-0000-7000-8000-000000000009' }],
    ['other data', { data: { text: '另有说明' } }],
    ['another author', { from: { node: 'jiashan.330421', authority: '甲' } }],
    ['another addressee', { to: { node: 'jiashan.330421', authority: '乙' } }],
    ['nobody as addressee', { to: null }],
  ])('a document of %s than the message says is refused', async (_what, change) => {
    await expectRefused(await rewritten(change), 'BUNDLE_MALFORMED', null);
  });

  it('a document that the message does not name is refused', async () => {
    const delivery = await said();
    const message = messageOf(delivery);
    const data = { ...message.data, document: digestOf(Buffer.from('another')) };
    const forged = { ...(await said(withMessage({ ...message, data }))), ...partsOf(delivery) };
    await expectRefused(forged, 'BUNDLE_MALFORMED', null);
  });

  it('a document named and not brought is refused', async () => {
    const delivery = await said({ bundle: null });
    await expectRefused({ ...delivery, parts: [] }, 'BUNDLE_FILE_MISSING', null);
    const empty = await said();
    await expectRefused({ ...empty, parts: [] }, 'BUNDLE_FILE_MISSING', null);
  });

  it('a document whose bytes are not those sealed is refused', async () => {
    const delivery = await said();
    const parts = delivery.parts.map(({ name, content }) => ({
      name,
      content: Buffer.concat([content, Buffer.from(' ')]),
    }));
    await expectRefused({ ...delivery, parts }, 'BUNDLE_DIGEST_MISMATCH', null);
    const other = await said();
    await expectRefused(
      { ...other, manifest: Buffer.concat([other.manifest, Buffer.from(' ')]) },
      'BUNDLE_DIGEST_MISMATCH',
      null,
    );
  });

  it('a seal of somebody else, also of the addressee itself, is refused', async () => {
    for (const { seal } of [two.third, back.receiver.party]) {
      await expectRefused(await rewritten({}, {}, seal), 'BUNDLE_SIGNER_UNKNOWN', null);
    }
  });

  it('a document of the wrong type is refused', async () => {
    await expectRefused(await rewritten({ type: 'acceptance-notice' }), 'MESSAGE_REFUSED', 'document-type');
  });

  it('a step that needs a document is refused without one', async () => {
    const message = { ...messageOf(await said()), data: {} };
    await expectRefused(
      { ...(await said({ bundle: null, ...withMessage(message) })), parts: [] },
      'MESSAGE_REFUSED',
      'DOCUMENT_MISSING',
    );
  });

  it.each<[string, Partial<StateMessage>, string]>([
    ['of the other side', { from: 'sender' }, 'another-transfer'],
    ['in a role that may not', { role: 'head' }, 'FORBIDDEN'],
    ['later than the next', { index: 3 }, 'OUT_OF_TURN'],
    ['by one who has heard what was never said', { seen: 2 }, 'OUT_OF_TURN'],
    ['under a number that another one has', { index: 1, id: 'm-other' }, 'MESSAGE_ALTERED'],
  ])('a message %s is refused', async (_what, change, reason) => {
    await expectRefused(await rewritten({}, change), 'MESSAGE_REFUSED', reason);
  });

  it('a step that the state does not allow is refused', async () => {
    const data = { code: 'OTHER', text: '理由' };
    const change: Partial<StateMessage> = { command: 'return', role: 'head', data };
    const returned = await rewritten({ type: 'supplement-or-return-letter' }, change);
    await expectRefused(returned, 'MESSAGE_REFUSED', 'WRONG_STATE');
  });

  it('a step of another kind of transfer is refused', async () => {
    const answer = { ...messageOf(await said()), command: 'answer-matter', role: 'head', data: { matter: 1 } } as const;
    const delivery = { ...(await said({ bundle: null, ...withMessage(answer) })), parts: [] };
    await expectRefused(delivery, 'MESSAGE_REFUSED', 'WRONG_KIND');
  });

  it('a message about a transfer that is not here, or in another dossier, is refused', async () => {
    const elsewhere = '01900000-0000-7000-8000-000000000009';
    const other = await rewritten({}, { transfer: elsewhere });
    await expectRefused(other, 'MESSAGE_REFUSED', 'unknown-transfer');
    await expectRefused(await said({ dossier: elsewhere }), 'MESSAGE_REFUSED', 'another-transfer');
  });

  it('a message that is not the envelope’s, or none at all, is refused', async () => {
    const message = messageOf(await said());
    const elsewhere = { ...message, transfer: '01900000-0000-7000-8000-000000000009' };
    await expectRefused(await said(withMessage(elsewhere)), 'MESSAGE_REFUSED', null);
    const brings = { ...message, command: 'replace-items', from: 'sender' } as unknown as StateMessage;
    await expectRefused(await said(withMessage(brings)), 'MESSAGE_REFUSED', null);
    for (const wrong of [{ command: 'sign-for' }, { ...message, index: 0 }, { ...message, more: 1 }]) {
      await expectRefused(await said(withMessage(wrong as unknown as StateMessage)), 'MESSAGE_REFUSED', null);
    }
  });

  it('a known message in a new envelope changes nothing', async () => {
    expect(await deliver(await said())).toMatchObject({ status: 'STATUS_RECEIVED' });
    const before = await atSender();
    const steps = async () =>
      (await loggedBy(two.sender.db)).filter(({ event }) => event === 'transfer.received').length;
    const known = await steps();
    const again = await deliver(await said());
    expect(again).toMatchObject({ status: 'STATUS_RECEIVED', code: '' });
    expect(provenEntry(again.receipt, back.receiver)).toMatchObject({ event: 'envelope.received' });
    expect(await atSender()).toEqual(before);
    expect(await steps()).toBe(known);
    const [papers] = await rowsOf(
      two.sender.db,
      "SELECT COUNT(*) AS n FROM document WHERE transfer_id = ? AND side = 'receiver'",
      [id],
    );
    expect(Number(papers!.n)).toBe(1);
  });

  const partsOf = ({ manifest, signature, parts }: Delivery__Output) => ({ manifest, signature, parts });
});

describe.each(databases())('a word that comes before the receipt on %s', (_name, create) => {
  it('waits, and is taken when it comes again', async () => {
    const two = await TwoSides.open(create);
    try {
      const id = await two.draft();
      await two.send(id);
      const [brought] = await two.deliveries([id]);
      const [receipt] = await two.deliver(brought!);
      expect(receipt).toMatchObject({ status: 'STATUS_RECEIVED' });
      await two.command(two.receiver, 'clerk', id, 'sign-for');
      const back = two.reversed();
      const words = await back.deliveries([id]);
      const [early] = await back.deliver(...words);
      expect(early).toEqual({ status: 'STATUS_RETRY', code: 'MESSAGE_OUT_OF_TURN' });
      expect((await two.sender.transfers.get(two.sender.handler, id)).state).toBe('SENT');
      expect(await back.chainEnd()).toEqual({ seq: 0, digest: null });
      // The lane keeps the receipt, the word comes again.
      expect(await two.carry()).toEqual([]);
      const views = await Promise.all([two.sender, two.receiver].map((side) => side.transfers.get(side.handler, id)));
      expect(views.map(({ state }) => state)).toEqual(['RECEIVED', 'RECEIVED']);
    } finally {
      await two.close();
    }
  });
});
