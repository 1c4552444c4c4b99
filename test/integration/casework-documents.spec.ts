import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Digest, digestOf, GatewayError, parseManifest } from '@jieqiao/core';
import type { BundleRow, DocumentRow } from '@jieqiao/exchange';
import type { RecognitionLevel } from '@jieqiao/recognition';
import { databases } from '../support/databases';
import { bytesOf, loggedBy, readSample, rowsOf, type Side, TwoSides } from '../support/exchange-fixture';

jest.setTimeout(60_000);

const photo = (content: string, fileName = '照片.jpg') => ({
  fileName,
  mediaType: 'image/jpeg',
  content: Buffer.from(content),
});
const codeOf = (error: unknown) => (error instanceof GatewayError ? error.code : String(error));
const refused = (work: Promise<unknown>) => work.then(() => 'done', codeOf);

describe.each(databases())('documents, decisions and versions on %s', (_name, create) => {
  let two: TwoSides;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'documents-'));
  });
  afterAll(() => rm(directory, { recursive: true }));
  beforeEach(async () => {
    two = await TwoSides.open(create);
  });
  afterEach(() => two?.close());

  const sent = async (files = [photo('photograph')]): Promise<string> => {
    const id = await two.draft(files);
    await two.send(id);
    expect(await two.carry()).toEqual([]);
    return id;
  };
  const view = (side: Side, id: string) => side.transfers.get(side.handler, id);

  /** OpenSSL's word on a seal over a manifest, under a party's root alone. */
  async function opensslAccepts(manifest: Buffer, signature: Buffer, by: Side['party']): Promise<boolean> {
    const path = (name: string) => join(directory, name);
    await writeFile(path('manifest.xml'), manifest);
    await writeFile(path('signature.p7s'), signature);
    await writeFile(path('root.pem'), by.root.certificatePem);
    const args = [
      ...['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-purpose', 'any', '-out', '/dev/null'],
      ...['-in', path('signature.p7s'), '-content', path('manifest.xml'), '-CAfile', path('root.pem')],
      ...['-attime', String(Math.floor(two.clock.now().getTime() / 1000))],
    ];
    return promisify(execFile)('openssl', args).then(
      () => true,
      ({ code }) => {
        if (typeof code !== 'number') throw new Error('openssl could not be run');
        return false;
      },
    );
  }

  it('opinions stay at home; what was sealed is at the peer, and verifies there with openssl', async () => {
    const id = await sent();
    const { sender, receiver } = two;
    await two.command(receiver, 'clerk', id, 'sign-for');
    await two.command(receiver, 'handler', id, 'propose-acceptance');
    expect(await two.carry()).toEqual([]);
    await two.command(sender, 'head', id, 'withdraw', { data: { text: '情况已变化' } });
    expect(await two.carry()).toEqual([]);

    const listed = async (side: Side) =>
      (await side.transfers.documents(side.handler, id)).map(({ type, side: by, sealed }) => [type, by, sealed]);
    const opinions = Array.from({ length: 5 }, () => ['personal-opinion', 'sender', false]);
    const exchanged = [
      ['transfer-receipt', 'receiver', true],
      ['supplement-or-return-letter', 'sender', true],
    ];
    expect((await listed(sender)).sort()).toEqual([...opinions, ...exchanged].sort());
    expect((await listed(receiver)).sort()).toEqual([['personal-opinion', 'receiver', false], ...exchanged].sort());

    const rows = (side: Side) =>
      rowsOf(side.db, 'SELECT * FROM document WHERE transfer_id = ? AND manifest IS NOT NULL', [id]);
    const held = (await Promise.all([sender, receiver].map(rows))).flat() as unknown as (DocumentRow & {
      type: string;
    })[];
    expect(held).toHaveLength(4);
    for (const row of held) {
      const [manifest, signature, content] = [row.manifest, row.signature, row.content].map((part) => bytesOf(part));
      const [author, other] = row.side === 'sender' ? [sender, receiver] : [receiver, sender];
      expect(parseManifest(manifest!)).toMatchObject([{ name: 'document.json', digest: digestOf(content!) }]);
      expect(await opensslAccepts(manifest!, signature!, author.party)).toBe(true);
      expect(await opensslAccepts(manifest!, signature!, other.party)).toBe(false);
      expect(await opensslAccepts(Buffer.concat([manifest!, Buffer.from(' ')]), signature!, author.party)).toBe(false);
      expect(JSON.parse(content!.toString())).toMatchObject({
        ...{ schema: 'jieqiao/document/v1', type: row.type, transfer: id },
        ...{ from: { node: author.node }, to: { node: other.node } },
      });
    }
    // The log of each side names by digest what was signed for every step that it knows of.
    for (const side of [sender, receiver]) {
      const stored = (await rowsOf(side.db, 'SELECT digest FROM document')).map(({ digest }) => String(digest));
      const logged = (await loggedBy(side.db)).flatMap(({ subject }) =>
        'document' in subject && subject.document ? [subject.document] : [],
      );
      expect(stored.sort()).toEqual([...logged].sort());
    }
  });

  it('may be read by whoever may read the transfer, and by nobody else', async () => {
    const id = await sent();
    const { sender } = two;
    const { people, transfers } = sender;
    expect(await transfers.documents(people.of('squad-lead'), id)).toHaveLength(5);
    expect(await refused(transfers.documents(people.of('supervisor'), id))).toBe('REASON_REQUIRED');
    const reason = { code: 'case-supervision', text: '督办' };
    expect(await transfers.documents({ ...people.of('supervisor'), reason }, id)).toHaveLength(5);
    const read = (await loggedBy(sender.db)).at(-1)!;
    expect(read).toMatchObject({ event: 'content.read', subject: { what: 'document', transfer: id } });
    for (const who of ['administrator', 'security-auditor'] as const) {
      expect(await refused(transfers.documents(people.of(who), id))).toBe('FORBIDDEN');
    }
    expect(await refused(transfers.documents(people.of('head'), two.newId()))).toBe('NOT_FOUND');
  });

  it('items are decided by the legal reviewer, with a reason where the rules propose otherwise', async () => {
    const id = await sent([photo('one'), photo('two', '照片2.jpg')]);
    const { sender, receiver } = two;
    const reviewer = receiver.people.of('legal-reviewer');
    const { casework } = receiver;
    const decide = (decisions: object[], version: number | null = null, person = reviewer) =>
      casework.decideItems(person, id, decisions as Parameters<typeof casework.decideItems>[2], version);
    expect(await refused(decide([{ evidence: 'x', level: 'DIRECT' }]))).toBe('WRONG_STATE');
    await two.command(receiver, 'clerk', id, 'sign-for');
    const { recognition, version } = await view(receiver, id);
    const [first, second] = recognition!.proposals;
    const otherLevel: RecognitionLevel = first!.proposed === 'LEAD_ONLY' ? 'REFUSED' : 'LEAD_ONLY';

    const as = (proposal: typeof first, level = proposal!.proposed) => ({ evidence: proposal!.evidence, level });
    await expect(decide([as(first, otherLevel), { evidence: 'none', level: 'DIRECT' }])).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      params: { errors: ['/decisions/0/reason required', '/decisions/1/evidence unknown'] },
    });
    expect(await refused(decide([as(first)], version + 1))).toBe('PRECONDITION_FAILED');
    expect(await refused(decide([as(first)], version, receiver.people.of('head')))).toBe('FORBIDDEN');
    expect(await refused(two.sender.casework.decideItems(sender.people.of('legal-reviewer'), id, [], null))).toBe(
      'NOT_FOUND',
    );
    expect((await view(receiver, id)).decisions).toEqual({});
    expect((await view(receiver, id)).version).toBe(version);

    await decide([{ ...as(first, otherLevel), reason: '拍摄人未签名' }], version);
    await two.command(receiver, 'handler', id, 'propose-acceptance');
    // One item is still open.
    await expect(two.command(receiver, 'legal-reviewer', id, 'accept')).rejects.toMatchObject({
      params: { reason: 'items-decided' },
    });
    await decide([as(second)]);
    expect((await view(receiver, id)).decisions).toMatchObject({
      [first!.evidence]: { level: otherLevel, reason: '拍摄人未签名' },
      [second!.evidence]: { level: second!.proposed },
    });
    const decided = (await loggedBy(receiver.db)).filter(({ event }) => event === 'recognition.decided');
    expect(decided).toHaveLength(2);
    expect(JSON.stringify(decided)).not.toContain('拍摄人');

    await two.command(receiver, 'legal-reviewer', id, 'accept');
    expect(await two.carry()).toEqual([]);
    const notice = (await sender.transfers.documents(sender.handler, id)).find(
      ({ type }) => type === 'acceptance-notice',
    );
    expect(notice!.content.decisions).toEqual([
      { ...as(first, otherLevel), reason: '拍摄人未签名' },
      { ...as(second), reason: null },
    ]);
  });

  it('an item of a draft is stated otherwise; its file stays, and what was signed before is void', async () => {
    const id = await two.draft([photo('photograph')]);
    const { transfers, people, handler, db } = two.sender;
    const [item] = (await transfers.get(handler, id)).evidence;
    await two.command(two.sender, 'handler', id, 'sign');
    const changed = await transfers.editEvidence(handler, id, item!.id, { ...item!.data, title: '河埠头全景' });
    expect(changed).toMatchObject({
      id: item!.id,
      digest: item!.digest,
      complete: true,
      data: { title: '河埠头全景' },
    });
    expect((await view(two.sender, id)).evidence).toEqual([changed]);
    expect((await loggedBy(db)).at(-1)).toMatchObject({ event: 'transfer.edited', subject: { transfer: id } });
    await expect(two.command(two.sender, 'second-handler', id, 'submit')).rejects.toMatchObject({
      params: { reason: 'second-officer' },
    });
    const edit = (person: typeof handler, evidence: string) => transfers.editEvidence(person, id, evidence, item!.data);
    expect(await refused(edit(people.of('second-handler'), item!.id))).toBe('FORBIDDEN');
    expect(await refused(edit(handler, two.newId()))).toBe('NOT_FOUND');
    await two.send(id);
    expect(await refused(edit(handler, item!.id))).toBe('WRONG_STATE');
  });

  it('a supplement is a new version; bundle, seal and files of the one before stay on both sides', async () => {
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
    expect(await way.carry()).toEqual([]);
    const before = (await view(sender, id)).evidence;
    const gone = before[1]!;
    await sender.transfers.editEvidence(sender.handler, id, before[0]!.id, { ...before[0]!.data, purpose: '另一用途' });
    await sender.transfers.removeEvidence(sender.handler, id, gone.id);
    await way.command(sender, 'seal-keeper', id, 'answer-supplement');
    expect(await way.carry()).toEqual([]);

    for (const side of [sender, receiver]) {
      const now = await view(side, id);
      expect(now).toMatchObject({ state: 'RECEIVED', life: { versions: [{ no: 1 }, { no: 2 }] } });
      expect(now.evidence.map(({ digest }) => digest)).not.toContain(gone.digest);
      const sql = 'SELECT * FROM bundle WHERE transfer_id = ? ORDER BY created_at';
      const bundles = (await rowsOf(side.db, sql, [id])) as unknown as (BundleRow & { transfer_json: Buffer })[];
      expect(bundles.map(({ digest }) => digest)).toEqual(now.life!.versions.map(({ bundle }) => bundle));
      for (const [i, row] of bundles.entries()) {
        const [manifest, signature] = [bytesOf(row.manifest), bytesOf(row.signature)];
        expect(await opensslAccepts(manifest, signature, sender.party)).toBe(true);
        // Every file that a version names is there, byte for byte, also the one that the second leaves out.
        const files = parseManifest(manifest).filter(({ name }) => name.startsWith('evidence/'));
        expect(files).toHaveLength(before.length - i);
        for (const { digest } of files) expect(await digestOfBlob(side, digest)).toBe(digest);
        const opened = side.personal.openedBundle({
          digest: row.digest,
          transferJson: bytesOf(row.transfer_json),
        } as BundleRow);
        const stated = JSON.parse(opened.transferJson.toString()) as { evidence: { digest: string }[] };
        expect(stated.evidence.some(({ digest }) => digest === gone.digest)).toBe(i === 0);
      }
      const [left] = await rowsOf(side.db, 'SELECT id FROM evidence WHERE transfer_id = ? AND last_version = 1', [id]);
      const file = await side.transfers.readEvidence(side.handler, id, String(left!.id));
      expect(file).toMatchObject({ fileName: gone.fileName, bytes: gone.bytes });
      expect(digestOf(await collected(file.open()))).toBe(gone.digest);
    }
  });

  it('of two requests with one key at the same time, one is done and both are answered alike', async () => {
    const id = await two.draft();
    const give = () => two.command(two.sender, 'handler', id, 'sign', { key: 'double-click' });
    const [one, other] = await Promise.all([give(), give()]);
    expect([one.status, other.status]).toEqual([200, 200]);
    const { life } = await view(two.sender, id);
    expect(life!.home.map(({ command }) => command)).toEqual(['create', 'sign']);
    expect((await loggedBy(two.sender.db)).filter(({ event }) => event === 'transfer.signed')).toHaveLength(1);
    const reused = two.command(two.sender, 'handler', id, 'submit', { key: 'double-click' });
    expect(await refused(reused)).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  const digestOfBlob = async (side: Side, digest: Digest) => digestOf(await collected(side.blobs.read(digest)));
});

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
