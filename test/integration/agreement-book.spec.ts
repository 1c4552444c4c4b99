import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { AuditLog } from '@jieqiao/audit';
import {
  type Agreement,
  type AgreementContent,
  type AgreementFile,
  agreementFileBytes,
  Certificate,
  Crl,
  createRoot,
  digestOf,
  encodeVkey,
  issueCrl,
  type KeyAndCertificate,
  logOrigin,
  nextVersion,
  nodeUrn,
  noteSigner,
  parseAgreement,
  type Signer,
  signAgreement,
  signAgreementByLogKey,
} from '@jieqiao/core';
import { AgreementBook } from '@jieqiao/delivery';
import { createLogger, Database, KeyRing } from '@jieqiao/platform';
import { entities } from '../../apps/gateway/src/gateway';
import { agreementOf, cardOf, sealedBy } from '../support/agreement';
import { databases, type TestDatabase } from '../support/databases';
import { loggedBy, ringOf, TestClock } from '../support/exchange-fixture';
import { issue, makeParty, type Party, validity } from '../support/sealed-exchange';

const start = '2024-03-01T00:00:00.000Z';
const minute = 60_000;
const atMinute = (minutes: number) => new Date(Date.parse(start) + minutes * minute);
const coded = (code: string, params: object = {}) =>
  expect.objectContaining({ code, params: expect.objectContaining(params) });

let pinghu: Party;
let jinshan: Party;
let jiashan: Party;
beforeAll(async () => {
  [pinghu, jinshan, jiashan] = (await Promise.all([
    makeParty('pinghu.330482', '平湖市综合行政执法局'),
    makeParty('jinshan.310116', '上海市金山区城市管理行政执法局'),
    makeParty('jiashan.330421', '嘉善县综合行政执法局'),
  ])) as [Party, Party, Party];
});

const described = (party: Party) => ({ ...party, root: Certificate.parse(party.root.certificatePem) });
const card = (party: Party) => {
  const { schema, ...rest } = cardOf(described(party));
  return rest;
};

function firstVersion(over: Partial<AgreementContent> = {}, parties: readonly Party[] = [pinghu, jinshan]): Buffer {
  return sealedBy(agreementOf(parties.map(described), over), parties);
}

/** The version after another, sealed by its parties and whoever else signs. */
function following(
  before: Buffer,
  changes: Parameters<typeof nextVersion>[1],
  signers: readonly Party[] = [pinghu, jinshan],
  more: (content: AgreementContent) => AgreementFile['signatures'] = () => [],
): Buffer {
  const content = nextVersion(parseAgreement(before), changes);
  const signatures = signers.map(({ node, seal }) => ({ node, jws: signAgreement(content, seal) }));
  return agreementFileBytes({ agreement: content, signatures: [...signatures, ...more(content)] });
}

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

/** Pinghu's book, as one process of its node has it. */
class Process {
  ring: KeyRing;
  lists: Crl[] = [];
  changes = 0;
  readonly book: AgreementBook;

  constructor(
    readonly db: Database,
    readonly clock: TestClock,
    party: Party = pinghu,
  ) {
    this.ring = ringOf(party);
    const keys = { signers: () => this.book.logSigners(clock.now()), known: () => this.ring.knownLogKeys };
    const logger = createLogger('silent', party.node);
    const audit = new AuditLog(db, {
      node: party.node,
      keys,
      holder: 'a',
      logger,
      now: clock.now,
      random: randomBytes,
    });
    this.book = new AgreementBook(
      db,
      audit,
      () => this.ring,
      () => this.lists,
      clock.now,
    );
    this.book.onChange = () => void this.changes++;
  }
}

describe.each(databases())('the book of agreements on %s', (name, create) => {
  let test: TestDatabase;
  let db: Database;
  let clock: TestClock;
  let here: Process;
  const others: Database[] = [];

  beforeEach(async () => {
    test = await create();
    clock = new TestClock(start);
    db = await Database.open(test.url, entities, clock.now);
    here = new Process(db, clock);
  });
  afterEach(async () => {
    for (const other of [db, ...others.splice(0)]) await other.close();
    await test.drop();
  });

  async function another(): Promise<Process> {
    const other = await Database.open(test.url, entities, clock.now);
    others.push(other);
    const process = new Process(other, clock);
    await process.book.refresh();
    return process;
  }

  const held = () => here.book.all().map(({ ref }) => ref.version);
  const refusals = async () =>
    (await loggedBy(db)).flatMap((entry) => (entry.event === 'agreement.refused' ? [entry.subject] : []));
  const imports = async () => (await loggedBy(db)).filter(({ event }) => event === 'agreement.imported');

  async function refuses(bytes: Buffer, code: string, params: object = {}): Promise<void> {
    const before = { held: held(), imported: (await imports()).length, logged: (await refusals()).length };
    await expect(here.book.import(bytes)).rejects.toEqual(coded(code, params));
    expect({ held: held(), imported: (await imports()).length }).toEqual({
      held: before.held,
      imported: before.imported,
    });
    expect((await refusals()).slice(before.logged)).toEqual([
      { agreement: expect.anything(), code, digest: digestOf(bytes) },
    ]);
  }

  it('takes versions in their order, each once, and says so', async () => {
    const one = firstVersion();
    const two = following(one, { title: '第二版' });
    const three = following(two, { title: '第三版' });
    for (const file of [one, one, two, three, two, one]) await here.book.import(file);
    expect(held()).toEqual([1, 2, 3]);
    expect(await imports()).toHaveLength(3);
    expect(await refusals()).toEqual([]);
    expect(here.changes).toBe(3);
    // An older version replayed is known, and changes nothing of what is in force.
    expect(here.book.current(jinshan.node, clock.now()).ref.version).toBe(3);
  });

  it('begins with whatever version it sees first: a party may join later', async () => {
    const one = firstVersion();
    const two = following(one, { title: '第二版' });
    await here.book.import(following(two, { title: '第三版' }));
    await refuses(two, 'AGREEMENT_ROLLED_BACK', { version: 2, held: 3 });
    await refuses(one, 'AGREEMENT_ROLLED_BACK', { version: 1, held: 3 });
  });

  it('refuses two texts for one version, whichever came first', async () => {
    const one = firstVersion();
    await here.book.import(one);
    const two = following(one, { title: '第二版' });
    await here.book.import(two);
    await refuses(following(one, { title: '另一份第二版' }), 'AGREEMENT_FORKED', { version: 2 });
    await refuses(firstVersion({ title: '另一份第一版' }), 'AGREEMENT_FORKED', { version: 1 });
  });

  it('refuses what does not follow: a gap, another predecessor, a date before', async () => {
    const one = firstVersion();
    await here.book.import(one);
    const two = following(one, { title: '第二版' });
    await refuses(following(two, { title: '第三版' }), 'AGREEMENT_VERSION_GAP', { version: 3, held: 1 });
    const elsewhere = following(firstVersion({ title: '另一份第一版' }), { title: '第二版' });
    await refuses(elsewhere, 'AGREEMENT_MALFORMED', { reason: 'previous' });
    const earlier = { effective: { from: '2021-12-31T00:00:00.000Z', to: '2032-01-01T00:00:00.000Z' } };
    await refuses(following(one, earlier), 'AGREEMENT_MALFORMED', { reason: 'effective-before-previous' });
  });

  it('refuses a version in which somebody has other keys that the keys before have not signed', async () => {
    const one = firstVersion();
    await here.book.import(one);
    const usurper = await makeParty(jinshan.node, jinshan.authority);
    const parties = [card(pinghu), card(usurper)];
    const alone = following(one, { parties }, [pinghu, usurper]);
    await refuses(alone, 'AGREEMENT_SIGNATURE_INVALID', { party: jinshan.node });
    const bySeal = (content: AgreementContent) => [{ node: jinshan.node, jws: signAgreement(content, jinshan.seal) }];
    const sealed = following(one, { parties }, [pinghu, usurper], bySeal);
    await refuses(sealed, 'AGREEMENT_SIGNATURE_INVALID', { reason: 'log-key-not-shown' });
    const byAll = (content: AgreementContent) => [
      ...bySeal(content),
      ...[jinshan, usurper].map(({ logKey }) => ({
        node: jinshan.node,
        jws: signAgreementByLogKey(content, logKey, encodeVkey(noteSigner(logOrigin(jinshan.node), logKey).key)),
      })),
    ];
    await here.book.import(following(one, { parties }, [pinghu, usurper], byAll));
    expect(held()).toEqual([1, 2]);
  });

  it('refuses a text that names this node but not its seal, or not its log', async () => {
    const imposter = await makeParty(pinghu.node, pinghu.authority);
    await refuses(firstVersion({}, [imposter, jinshan]), 'AGREEMENT_SIGNATURE_INVALID', { reason: 'not-our-seal' });
    const otherLog = { ...pinghu, logKey: imposter.logKey };
    await refuses(firstVersion({}, [otherLog, jinshan]), 'AGREEMENT_SIGNATURE_INVALID', { reason: 'not-our-log-key' });
    await refuses(firstVersion({}, [jiashan, jinshan]), 'AGREEMENT_MALFORMED', { reason: 'not-a-party' });
  });

  it('refuses a version that a stolen seal has signed, and takes one by a seal that was merely replaced', async () => {
    const one = await here.book.import(firstVersion());
    const two = following(one.bytes, { title: '第二版' });
    const listOf = async (reason: 'key-compromise' | 'superseded', number: number) =>
      Crl.parse(
        await issueCrl(jinshan.root, {
          number,
          thisUpdate: here.clock.now(),
          nextUpdate: new Date(here.clock.now().getTime() + 86_400_000),
          revoked: [{ serial: jinshan.seal.certificate.serial, at: here.clock.now(), reason }],
        }),
      );
    here.lists = [await listOf('key-compromise', 1)];
    const stolen = { params: { party: jinshan.node, reason: 'seal-revoked' } };
    await expect(here.book.import(two)).rejects.toMatchObject({ code: 'AGREEMENT_SIGNATURE_INVALID', ...stolen });
    expect(held()).toEqual([1]);
    expect((await refusals()).map(({ code }) => code)).toEqual(['AGREEMENT_SIGNATURE_INVALID']);
    here.lists = [await listOf('superseded', 2)];
    await here.book.import(two);
    expect(held()).toEqual([1, 2]);
    // What was taken in before stays, and is read again at the next start.
    here.lists = [await listOf('key-compromise', 3)];
    const later = await another();
    later.lists = here.lists;
    await later.book.refresh();
    expect(later.book.versions('pinghu-jinshan').map(({ ref }) => ref.version)).toEqual([1, 2]);
  });

  it('refuses altered and unreadable bytes, and logs the same refusal once', async () => {
    const altered = Buffer.from(firstVersion().toString().replace('互认协议', '互信协议'));
    await expect(here.book.import(altered)).rejects.toEqual(coded('AGREEMENT_SIGNATURE_INVALID'));
    const spaced = Buffer.concat([firstVersion(), Buffer.from('\n')]);
    for (let i = 0; i < 3; i++) await expect(here.book.import(spaced)).rejects.toEqual(coded('AGREEMENT_MALFORMED'));
    expect(await refusals()).toEqual([
      { agreement: null, code: 'AGREEMENT_SIGNATURE_INVALID', digest: digestOf(altered) },
      { agreement: null, code: 'AGREEMENT_MALFORMED', digest: digestOf(spaced) },
    ]);
    expect(held()).toEqual([]);
  });

  it('finds what another process has imported', async () => {
    const there = await another();
    const one = firstVersion();
    await there.book.import(one);
    expect(held()).toEqual([]);
    await here.book.refresh();
    expect(held()).toEqual([1]);
    expect(here.changes).toBe(1);
    await here.book.refresh();
    expect(here.changes).toBe(1);
    // And without having looked: what counts is what the database holds.
    await there.book.import(following(one, { title: '第二版' }));
    const fork = following(one, { title: '另一份第二版' });
    await expect(here.book.import(fork)).rejects.toEqual(coded('AGREEMENT_FORKED', { version: 2 }));
    expect(await refusals()).toMatchObject([{ code: 'AGREEMENT_FORKED', digest: digestOf(fork) }]);
    expect(held()).toEqual([1, 2]);
  });

  it('of two different second versions imported at once by two processes one wins, the other is a fork', async () => {
    const there = await another();
    let before = firstVersion();
    await here.book.import(before);
    await there.book.refresh();
    for (let round = 0; round < 5; round++) {
      const files = ['甲', '乙'].map((which) => following(before, { title: `${round} ${which}` })) as [Buffer, Buffer];
      const first = here.book.import(files[0]);
      // Two connections to SQLite in one thread can't wait for each other; there the other one comes right after.
      if (name === 'sqlite') await first;
      const results = await Promise.allSettled([first, there.book.import(files[1])]);
      const won = results.findIndex(({ status }) => status === 'fulfilled');
      expect(results[1 - won]).toMatchObject({ status: 'rejected', reason: { code: 'AGREEMENT_FORKED' } });
      await Promise.all([here.book.refresh(), there.book.refresh()]);
      before = files[won]!;
      for (const { book } of [here, there]) {
        expect(book.versions('pinghu-jinshan').at(-1)!.ref.digest).toBe(parseAgreement(before).ref.digest);
      }
    }
    expect(await refusals()).toHaveLength(5);
  });

  describe('over time', () => {
    /** Second version from minute 10 on. */
    async function twoVersions(): Promise<[Agreement, Agreement]> {
      const one = firstVersion();
      const effective = { from: atMinute(10).toISOString(), to: '2030-01-01T00:00:00.000Z' };
      const two = following(one, { title: '第二版', effective });
      return [await here.book.import(one), await here.book.import(two)];
    }

    it('a version is in force from its beginning to its end, or until the next one begins', async () => {
      const [one, two] = await twoVersions();
      const inForceAt = (minutes: number) => here.book.versionAt('pinghu-jinshan', atMinute(minutes))?.ref.version;
      expect([0, 9.99, 10, 11].map(inForceAt)).toEqual([1, 1, 2, 2]);
      expect(here.book.versionAt('pinghu-jinshan', new Date('2021-12-31T23:59:59.999Z'))).toBeNull();
      expect(here.book.versionAt('pinghu-jinshan', new Date('2030-01-01T00:00:00.000Z'))).toBeNull();
      expect(here.book.current(jinshan.node, atMinute(0))).toBe(one);
      expect(here.book.current(jinshan.node, atMinute(10))).toBe(two);
      expect(caught(() => here.book.current(jinshan.node, new Date('2030-01-01')))).toEqual(
        coded('AGREEMENT_NOT_IN_FORCE'),
      );
      expect(caught(() => here.book.current(jiashan.node, atMinute(0)))).toEqual(coded('AGREEMENT_MISSING'));
      expect(caught(() => here.book.current(pinghu.node, atMinute(0)))).toEqual(coded('AGREEMENT_MISSING'));
    });

    it('of several agreements with a peer the one that began last counts, whatever its version number', async () => {
      const [, two] = await twoVersions();
      const effective = { from: atMinute(20).toISOString(), to: '2030-01-01T00:00:00.000Z' };
      const anew = await here.book.import(firstVersion({ id: 'pinghu-jinshan-anew', effective }));
      expect(here.book.current(jinshan.node, atMinute(19))).toBe(two);
      expect(here.book.current(jinshan.node, atMinute(20))).toBe(anew);
    });

    it('an envelope must name the version in force when it was issued; the one before is good a little longer', async () => {
      const [one, two] = await twoVersions();
      const judged = (agreement: Agreement, minutes: number) =>
        caught(() => here.book.judge(agreement.ref, atMinute(minutes)));
      expect([0, 9, 10, 14.99].map((minutes) => judged(one, minutes))).toEqual([null, null, null, null]);
      expect(judged(one, 15)).toEqual(coded('AGREEMENT_SUPERSEDED', { version: 1, by: 2 }));
      expect(judged(two, 9.99)).toEqual(coded('AGREEMENT_NOT_IN_FORCE', { version: 2 }));
      expect([10, 15].map((minutes) => judged(two, minutes))).toEqual([null, null]);
      const unknown = { ...one.ref, version: 3 };
      expect(caught(() => here.book.judge(unknown, atMinute(0)))).toEqual(coded('AGREEMENT_UNKNOWN_VERSION'));
    });

    it('a party that a version leaves out is no peer any more', async () => {
      const one = firstVersion({}, [pinghu, jinshan, jiashan]);
      await here.book.import(one);
      expect(here.book.peers(atMinute(0))).toEqual([jiashan.node, jinshan.node]);
      const effective = { from: atMinute(10).toISOString(), to: '2030-01-01T00:00:00.000Z' };
      await here.book.import(following(one, { parties: [card(pinghu), card(jinshan)], effective }));
      expect(here.book.peers(atMinute(9))).toEqual([jiashan.node, jinshan.node]);
      expect(here.book.peers(atMinute(10))).toEqual([jinshan.node]);
      expect(caught(() => here.book.current(jiashan.node, atMinute(10)))).toEqual(coded('AGREEMENT_NOT_IN_FORCE'));
      // Old receipts stay verifiable: the version that they name is there.
      expect(here.book.trustUnder(parseAgreement(one).ref).parties.map(({ node }) => node)).toContain(jiashan.node);
    });
  });

  describe('at the other end of a connection', () => {
    const identified = (signer: Signer, minutes: number) => {
      try {
        return here.book.identify(signer.certificate.raw, atMinute(minutes));
      } catch (error) {
        return (
          (error as { code: string; params: { problem?: string } }).params.problem ?? (error as { code: string }).code
        );
      }
    };

    it('a party whose root changes is known by the new root before the change, and by the old one a little after', async () => {
      const one = firstVersion();
      await here.book.import(one);
      const renewed = { ...(await makeParty(jinshan.node, jinshan.authority)), logKey: jinshan.logKey };
      expect(identified(renewed.nodeSigner, 0)).toBe('UNKNOWN_ISSUER');
      const effective = { from: atMinute(10).toISOString(), to: '2030-01-01T00:00:00.000Z' };
      const changes = { parties: [card(pinghu), card(renewed)], effective };
      const bySealBefore = (content: AgreementContent) => [
        { node: jinshan.node, jws: signAgreement(content, jinshan.seal) },
      ];
      await here.book.import(following(one, changes, [pinghu, renewed], bySealBefore));
      expect([0, 10, 14.9, 15].map((minutes) => identified(jinshan.nodeSigner, minutes))).toEqual([
        jinshan.node,
        jinshan.node,
        jinshan.node,
        'UNKNOWN_ISSUER',
      ]);
      expect([0, 10, 20].map((minutes) => identified(renewed.nodeSigner, minutes))).toEqual(
        Array(3).fill(jinshan.node),
      );
      const roots = (minutes: number) => here.book.anchors(atMinute(minutes)).length;
      expect([0, 10, 14.9, 15].map(roots)).toEqual([2, 2, 2, 1]);
      expect(here.book.peer(jinshan.node, atMinute(12)).roots).toHaveLength(2);
      expect(
        here.book.peer(jinshan.node, atMinute(12)).certificateProblem(jinshan.nodeSigner.certificate, atMinute(12)),
      ).toBeNull();
    });

    it('strangers, seals, this node itself and a party in another’s name are nobody', async () => {
      await here.book.import(firstVersion());
      expect(caught(() => here.book.identify(undefined))).toEqual(coded('PEER_UNKNOWN'));
      expect(identified(jiashan.nodeSigner, 0)).toBe('PEER_UNKNOWN');
      expect(identified(pinghu.nodeSigner, 0)).toBe('PEER_UNKNOWN');
      expect(identified(jinshan.seal, 0)).toBe('PEER_UNKNOWN');
      const imitation = await issue(jiashan.root, 'node', nodeUrn(jinshan.node), '77');
      expect(identified(imitation, 0)).toBe('UNKNOWN_ISSUER');
    });

    it('a revoked certificate is refused from the moment at which this node knows', async () => {
      await here.book.import(firstVersion());
      expect(identified(jinshan.nodeSigner, 5)).toBe(jinshan.node);
      const crl = await issueCrl(jinshan.root, {
        number: 1,
        thisUpdate: atMinute(4),
        nextUpdate: atMinute(10_000),
        revoked: [{ serial: jinshan.nodeSigner.certificate.serial, at: atMinute(4), reason: 'key-compromise' }],
      });
      here.lists = [Crl.parse(crl)];
      expect(identified(jinshan.nodeSigner, 3)).toBe(jinshan.node);
      expect(identified(jinshan.nodeSigner, 5)).toBe('REVOKED');
    });

    describe('under a certification authority that serves others too', () => {
      let authority: KeyAndCertificate;
      let [ours, theirs, foreign] = [] as unknown as [Signer, Signer, Signer];
      beforeAll(async () => {
        authority = await createRoot({ organisation: '某电子认证公司', commonName: '政务 CA' }, validity, '01');
        // What such a CA writes into its certificates is not ours to say: the name decides nothing.
        ours = await issue(authority, 'node', 'urn:example:1', '11');
        theirs = await issue(authority, 'node', 'urn:example:2', '12');
        foreign = await issue(authority, 'node', nodeUrn(jinshan.node), '13');
      });

      function withSpeakers(node: string, signers: readonly { use: 'node' | 'seal'; signer: Signer }[]) {
        const certificate = Certificate.parse(authority.certificatePem).raw.toString('base64');
        const speakers = signers.map(({ use, signer }) => ({ use, fingerprint: signer.certificate.fingerprint }));
        return { node, anchor: { certificate, speakers } };
      }

      async function importWith(...added: ReturnType<typeof withSpeakers>[]): Promise<void> {
        const parties = [pinghu, jinshan, jiashan].map((party) => {
          const described_ = card(party);
          const more = added.filter(({ node }) => node === party.node).map(({ anchor }) => anchor);
          return { ...described_, anchors: [...described_.anchors, ...more] };
        });
        await here.book.import(firstVersion({ parties }, [pinghu, jinshan, jiashan]));
      }

      it('a party is who the agreement says speaks for it, and another body’s certificate is nobody', async () => {
        await importWith(
          withSpeakers(jinshan.node, [{ use: 'node', signer: ours }]),
          withSpeakers(jiashan.node, [{ use: 'node', signer: theirs }]),
        );
        expect(identified(ours, 0)).toBe(jinshan.node);
        expect(identified(theirs, 0)).toBe(jiashan.node);
        expect(identified(foreign, 0)).toBe('NOT_A_SPEAKER');
        expect(identified(await issue(authority, 'node', 'urn:example:3', '14'), 0)).toBe('PEER_UNKNOWN');
      });

      it('of one that has run out it is still known whose it was', async () => {
        const period = { notBefore: validity.notBefore, notAfter: atMinute(10) };
        const brief = await issue(authority, 'node', 'urn:example:4', '15', period);
        await importWith(withSpeakers(jinshan.node, [{ use: 'node', signer: brief }]));
        expect([0, 11].map((minutes) => identified(brief, minutes))).toEqual([jinshan.node, 'EXPIRED']);
      });

      it('one that speaks with its seal does not speak with its node', async () => {
        await importWith(withSpeakers(jinshan.node, [{ use: 'seal', signer: ours }]));
        expect(identified(ours, 0)).toBe('PEER_UNKNOWN');
      });
    });
  });

  it('signs the log with every key back to the oldest that an envelope may still name', async () => {
    const signers = [pinghu.logKey, ...Array.from({ length: 3 }, () => generateKeyPairSync('ed25519').privateKey)].map(
      (key: KeyObject) => noteSigner(logOrigin(pinghu.node), key),
    );
    const [one, two, three, four] = signers.map(({ key }) => encodeVkey(key));
    const signing = (at: Date) => here.book.logSigners(at).map(({ key }) => encodeVkey(key));
    const ring = (...newestFirst: number[]) => {
      const base = ringOf(pinghu);
      here.ring = new KeyRing({
        nodeId: pinghu.node,
        roots: base.roots,
        seals: base.seals,
        nodes: [{ signer: base.nodes[0]!, keyPem: '' }],
        logs: newestFirst.map((i) => signers[i]!),
      });
    };
    // Before any agreement, the newest alone.
    ring(1, 0);
    expect(signing(atMinute(0))).toEqual([two]);
    const first = firstVersion();
    await here.book.import(first);
    // What is made beside it signs at once, so that no process is late when a version names it.
    expect(signing(atMinute(0))).toEqual([two, one]);
    ring(3, 2, 1, 0);
    const withLog = (i: number, at: number, before: Buffer) => {
      const effective = { from: atMinute(at).toISOString(), to: '2030-01-01T00:00:00.000Z' };
      const parties = [{ ...card(pinghu), logVkey: encodeVkey(signers[i]!.key) }, card(jinshan)];
      const old = parseAgreement(before).content.parties[0]!.logVkey;
      return following(before, { parties, effective }, [pinghu, jinshan], (content) =>
        signers
          .filter(({ key }) => [old, encodeVkey(signers[i]!.key)].includes(encodeVkey(key)))
          .map(({ key, privateKey }) => ({
            node: pinghu.node,
            jws: signAgreementByLogKey(content, privateKey, encodeVkey(key)),
          })),
      );
    };
    const second = withLog(2, 10, first);
    await here.book.import(second);
    expect(signing(atMinute(0))).toEqual([four, three, two, one]);
    expect(signing(atMinute(11))).toEqual([four, three, two, one]);
    const day = 24 * 60;
    expect(signing(atMinute(10 + 30 * day - 1))).toEqual([four, three, two, one]);
    expect(signing(atMinute(10 + 30 * day))).toEqual([four, three]);
    expect([...here.book.neededLogKeys(atMinute(10 + 31 * day))]).toEqual([three]);
  });
});
