import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Agreement,
  Certificate,
  encodeVkey,
  openReceiptProof,
  parseAgreement,
  parseLogEntry,
  sealUrn,
  verifySeal,
} from '@jieqiao/core';
import { Database } from '@jieqiao/platform';
import { entities } from '../../apps/gateway/src/gateway';
import { agreementOf, sealedBy } from '../support/agreement';
import { databases } from '../support/databases';
import {
  bytesOf,
  claimsOf,
  loggedBy,
  openSide,
  provenEntry,
  rowsOf,
  type Sample,
  type Side,
  sampleTerms,
  TestClock,
  TwoSides,
} from '../support/exchange-fixture';
import { approveDraft } from '../support/home-path';
import { leadBetween } from '../support/peer-nodes';
import { makeParty, type Party } from '../support/sealed-exchange';

/** 嘉兴经开区, July 2022: five bodies become one. Midnight in Jiaxing. */
const theDay = '2022-06-30T16:00:00.000Z';
const before = '2022-06-20T02:00:00.000Z';
const successor = 'jkq.330400';
const bodies: Record<string, string> = {
  'jkq-zhzf.330400': '嘉兴经开区综合行政执法局',
  'jkq-scjg.330400': '嘉兴经开区市场监督管理局',
  'jkq-wsjd.330400': '嘉兴经开区卫生监督所',
  'jkq-yjgl.330400': '嘉兴经开区应急管理局',
  'jkq-sthj.330400': '嘉兴经开区生态环境局',
};

describe.each(databases())('on %s, five bodies of 经开区 become one on 2022-07-01', (_name, create) => {
  const clock = new TestClock(before);
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-succession-'));
  const closers: (() => Promise<void>)[] = [];
  let agreement: Agreement;
  let pinghu: Side;
  let old: Side;
  let merged: Side;
  let seals: Map<string, Party>;

  beforeAll(async () => {
    const names = Object.entries({
      'pinghu.330482': '平湖市综合行政执法局',
      ...bodies,
      [successor]: '嘉兴经开区综合行政执法队',
    });
    const parties = await Promise.all(names.map(([node, name]) => makeParty(node, name)));
    seals = new Map(parties.map((party) => [party.node, party]));
    const described = parties.map((party) => ({ ...party, root: Certificate.parse(party.root.certificatePem) }));
    const [direction] = sampleTerms().directions as Record<string, unknown>[];
    const others = names.slice(1).map(([node]) => node);
    const both = others.flatMap((node) => [
      { ...direction, from: 'pinghu.330482', to: node },
      { ...direction, from: node, to: 'pinghu.330482' },
    ]);
    const { contacts, ...terms } = sampleTerms();
    const content = agreementOf(described, { terms: { ...terms, directions: both } });
    const dated = content.parties.map((party) => {
      if (party.node === successor) return { ...party, validity: { from: theDay, to: null } };
      if (!(party.node in bodies)) return party;
      return { ...party, validity: { from: null, to: theDay }, successor: { node: successor, from: theDay } };
    });
    agreement = parseAgreement(sealedBy({ ...content, parties: dated }, parties));
    const open = async (node: string): Promise<Side> => {
      const test = await create();
      const db = await Database.open(test.url, entities, clock.now);
      const side = openSide(seals.get(node)!, db, join(dir, node), clock);
      closers.push(async () => {
        await side.audit.stop();
        await db.close();
        await test.drop();
      });
      await side.agreements.import(agreement.bytes);
      side.audit.start();
      return side;
    };
    pinghu = await open('pinghu.330482');
    old = await open('jkq-zhzf.330400');
    merged = await open(successor);
  }, 60_000);
  afterAll(async () => {
    for (const close of closers) await close();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  const between = (from: Side, to: Side) => TwoSides.between(from, to, agreement, clock);
  const lead = (from: string, to: string): Sample => leadBetween(from, to);

  async function exchanged(from: Side, to: Side): Promise<{ id: string; receipt: string }> {
    const two = between(from, to);
    const id = await two.draft([], lead(from.node, to.node));
    await two.send(id);
    const [delivery] = await two.deliveries([id]);
    const [outcome] = await two.deliver(delivery!);
    expect(outcome).toMatchObject({ status: 'STATUS_RECEIVED' });
    return { id, receipt: String(outcome!.receipt) };
  }

  const view = (side: Side, id: string) => side.transfers.get(side.handler, id);
  const succeeded = { code: 'AUTHORITY_SUCCEEDED', params: { node: 'jkq-zhzf.330400', successor } };

  it('before the day each acts for itself, and the new one not yet', async () => {
    const to = await exchanged(pinghu, old);
    const from = await exchanged(old, pinghu);
    expect(await view(pinghu, to.id)).toMatchObject({ peer: old.node, handledBy: old.node });
    expect(await view(pinghu, from.id)).toMatchObject({ direction: 'in', peer: old.node, handledBy: old.node });
    const early = between(pinghu, merged).draft([], lead(pinghu.node, successor));
    await expect(early).rejects.toMatchObject({ code: 'AGREEMENT_NOT_IN_FORCE', params: { node: successor } });
    await expect(between(merged, pinghu).draft([], lead(successor, pinghu.node))).rejects.toMatchObject({
      code: 'AGREEMENT_NOT_IN_FORCE',
    });
  });

  it('on the day the new one has the powers and what is open; the old ones neither send nor are sent to', async () => {
    const drafts = [
      [pinghu, await between(pinghu, old).draft([], lead(pinghu.node, old.node))],
      [old, await between(old, pinghu).draft([], lead(old.node, pinghu.node))],
    ] as const;
    // Everybody has signed but the seal keeper when the day comes.
    for (const [side, id] of drafts) await approveDraft(side.transfers, side.people, id);
    // Sealed and sent on the last evening, and still on its way at midnight.
    const evening = between(old, pinghu);
    clock.set('2022-06-30T15:59:50.000Z');
    const late = await evening.draft([], lead(old.node, pinghu.node));
    await evening.send(late);
    clock.set('2022-06-30T16:05:00.000Z');
    const [delivery] = await evening.deliveries([late]);
    expect(await evening.deliver(delivery!)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);

    for (const [side, id] of drafts) {
      const two = side === pinghu ? between(pinghu, old) : between(old, pinghu);
      await expect(two.send(id)).rejects.toMatchObject(succeeded);
      expect(await view(side, id)).toMatchObject({ state: 'PENDING_APPROVAL', delivery: { state: 'none' } });
    }
    await expect(between(pinghu, old).draft([], lead(pinghu.node, old.node))).rejects.toMatchObject(succeeded);

    // A node of the old one that goes on as if nothing had happened: refused, signed and logged.
    const seconds = Math.floor(clock.now().getTime() / 1000);
    const transfer = evening.newId();
    const { body } = claimsOf(delivery!.envelope);
    const forged = await evening.forge(delivery!, {
      ...{ iat: seconds, exp: seconds + 3_600, transfer },
      body: { ...body, message: { ...body.message, transfer } },
    });
    const [refusal] = await evening.deliver(forged);
    expect(refusal).toMatchObject({ status: 'STATUS_REFUSED', code: 'AUTHORITY_SUCCEEDED' });
    expect(provenEntry(String(refusal!.receipt), pinghu)).toMatchObject({
      event: 'envelope.refused',
      subject: { code: 'AUTHORITY_SUCCEEDED', peer: old.node, seq: claimsOf(forged.envelope).seq },
    });
    expect((await loggedBy(pinghu.db)).some(({ event }) => event === 'envelope.refused')).toBe(true);

    await exchanged(pinghu, merged);
    await exchanged(merged, pinghu);
    const list = (handledBy: string) => pinghu.transfers.list(pinghu.handler, { handledBy, limit: 100 });
    const open = (await list(successor)).items;
    // What the old body sent and was sent is the new one's matter now, beside its own.
    expect(new Set(open.map(({ peer }) => peer))).toEqual(new Set([old.node, successor]));
    expect(open.every(({ handledBy }) => handledBy === successor)).toBe(true);
    expect((await list(old.node)).items).toHaveLength(open.length - 2);
    expect(pinghu.agreements.actsFor(successor, clock.now()).sort()).toEqual(
      [successor, ...Object.keys(bodies)].sort(),
    );
    for (const body of Object.keys(bodies)) expect(pinghu.agreements.handledBy(body, clock.now())).toBe(successor);
  });

  it('old seals and receipts verify for ever, under the version that they name', async () => {
    clock.set('2031-07-01T00:00:00.000Z');
    const rows = await rowsOf(
      pinghu.db,
      `SELECT b.manifest, b.signature, i.envelope, i.log_id FROM inbox i
         JOIN transfer t ON t.jti = i.jti JOIN bundle b ON b.digest = t.bundle_digest WHERE i.peer = ?`,
      [old.node],
    );
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      const claims = claimsOf(String(row.envelope));
      const { parties } = pinghu.agreements.trustUnder(claims.agreement);
      const issuer = parties.find(({ node }) => node === claims.iss)!;
      const at = new Date(claims.iat * 1000);
      const seal = verifySeal(bytesOf(row.manifest), bytesOf(row.signature), issuer.anchors, at, sealUrn(old.node));
      expect(seal.problem).toBeNull();
      expect(seal.signer.fingerprint).toBe(seals.get(old.node)!.seal.certificate.fingerprint);
      const { proof } = await pinghu.audit.proofOf(Number(row.log_id));
      const { logVkey } = parties.find(({ node }) => node === pinghu.node)!;
      expect(logVkey).toBe(encodeVkey(pinghu.agreements.logSigners(clock.now())[0]!.key));
      expect(parseLogEntry(openReceiptProof(proof, logVkey).entry)).toMatchObject({
        event: 'envelope.received',
        subject: { peer: old.node, transfer: claims.transfer },
      });
    }
  });
});
