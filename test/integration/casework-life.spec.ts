import type { LifeView } from '@jieqiao/exchange';
import { databases } from '../support/databases';
import { loggedBy, readSample, rowsOf, TwoSides } from '../support/exchange-fixture';

describe.each(databases())('the life of a transfer on %s', (_name, create) => {
  let two: TwoSides;
  beforeEach(async () => {
    two = await TwoSides.open(create);
  });
  afterEach(() => two.close());

  const lives = async (id: string) => {
    const views = await Promise.all([two.sender, two.receiver].map((side) => side.transfers.get(side.handler, id)));
    return views.map((view) => view.life!);
  };
  it('goes from the draft to its close, and both sides agree to the byte', async () => {
    const photo = { fileName: 'photo.jpg', mediaType: 'image/jpeg', content: Buffer.from('photograph') };
    const id = await two.draft([photo]);
    await two.send(id);
    expect(await two.carry()).toEqual([]);
    expect((await lives(id)).map(({ state }) => state)).toEqual(['DELIVERED', 'DELIVERED']);

    const { sender, receiver } = two;
    await two.command(receiver, 'clerk', id, 'sign-for');
    await two.command(receiver, 'handler', id, 'propose-acceptance');
    await expect(two.command(receiver, 'legal-reviewer', id, 'accept')).rejects.toMatchObject({
      code: 'COMMAND_REFUSED',
      params: { command: 'accept', reason: 'items-decided' },
    });
    const { recognition, version } = await receiver.transfers.get(receiver.handler, id);
    const [proposal] = recognition!.proposals;
    await receiver.casework.decideItems(
      receiver.people.of('legal-reviewer'),
      id,
      [{ evidence: proposal!.evidence, level: proposal!.proposed }],
      version,
    );
    await two.command(receiver, 'legal-reviewer', id, 'accept');
    expect(await two.carry()).toEqual([]);
    expect((await lives(id)).map(({ state }) => state)).toEqual(['ACCEPTED', 'ACCEPTED']);
    await two.command(receiver, 'head', id, 'not-file', { data: { ground: 'corrected', text: '已及时改正' } });
    await two.command(receiver, 'head', id, 'feedback', { data: { outcome: 'education' } });
    await two.carry();
    await two.command(sender, 'handler', id, 'confirm');
    expect(await two.carry()).toEqual([]);
    const [mine, theirs] = await lives(id);
    const shared = ({ state, records, crossed, versions }: LifeView) => ({ state, records, crossed, versions });
    expect(shared(mine!)).toEqual(shared(theirs!));
    expect(mine!.state).toBe('CLOSED');

    // The sender holds what the receiver sealed, decisions and all.
    const papers = await sender.transfers.documents(sender.handler, id);
    const notice = papers.find(({ type }) => type === 'acceptance-notice')!;
    expect(notice).toMatchObject({ side: 'receiver', sealed: true });
    expect(notice.content.decisions).toEqual([
      { evidence: proposal!.evidence, level: proposal!.proposed, reason: null },
    ]);
    const events = (await loggedBy(receiver.db)).map(({ event }) => event);
    expect(events).toEqual(expect.arrayContaining(['transfer.accepted', 'transfer.confirmed', 'command.refused']));
  });

  it('supplements in a new version; the one before stays readable', async () => {
    const s2 = readSample('s2');
    two.clock.set('2022-09-27T02:00:00.000Z');
    const way = two.reversed();
    const { sender, receiver } = way;
    const id = await way.draft(way.sampleFiles(s2), s2);
    await way.send(id, { acknowledge: ['R07', 'R08', 'R10'] });
    expect(await way.carry()).toEqual([]);
    await way.command(receiver, 'clerk', id, 'sign-for');
    const data = { rules: ['R07'], missing: ['制作人'] };
    await way.command(receiver, 'legal-reviewer', id, 'request-supplement', { data });
    await way.carry();
    const before = await sender.transfers.get(sender.handler, id);
    expect(before.state).toBe('SUPPLEMENT_REQUESTED');
    await expect(way.command(sender, 'seal-keeper', id, 'answer-supplement')).rejects.toMatchObject({
      params: { reason: 'new-version' },
    });
    const item = before.evidence[0]!;
    await sender.transfers.editEvidence(sender.handler, id, item.id, { ...item.data, purpose: '证明车辆当晚驶向枫泾' });
    await sender.transfers.removeEvidence(sender.handler, id, before.evidence[1]!.id);
    await way.command(sender, 'seal-keeper', id, 'answer-supplement');
    expect(await way.carry()).toEqual([]);
    const after = await receiver.transfers.get(receiver.handler, id);
    expect(after.state).toBe('RECEIVED');
    expect(after.life!.versions).toHaveLength(2);
    expect(after.evidence).toHaveLength(before.evidence.length - 1);
    const [bundles] = await rowsOf(receiver.db, 'SELECT COUNT(*) AS n FROM bundle WHERE transfer_id = ?', [id]);
    expect(Number(bundles!.n)).toBe(2);
  });
});
