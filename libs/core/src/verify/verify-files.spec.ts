import { crc32 } from 'node:zlib';
import {
  type Agreement,
  bundleFile,
  type Check,
  type CheckId,
  exitCodeOf,
  type GivenTrust,
  kindOf,
  nextVersion,
  parseEnvelope,
  planBundle,
  planZip,
  type Report,
  readZip,
  sealBundle,
  sealUrn,
  signEnvelope,
  type TransferClaims,
  verdictOf,
  verifyFiles,
  writeZip,
  type ZipEntry,
} from '@jieqiao/core';
import {
  collect,
  type Exchange,
  issue,
  makeAgreement,
  makeExchange,
  makeParty,
  makeReceipt,
  nothing,
  sealedAt,
  smallFiles,
  sourceOf,
  verifiedAt,
} from '../../../../test/support/sealed-exchange';

type Trusted = Agreement | null | GivenTrust;

async function verify(files: Record<string, Buffer>, trusted: Trusted, now = verifiedAt): Promise<Report[]> {
  const given = Object.entries(files).map(([file, bytes]) => ({ file, source: sourceOf(bytes) }));
  const alone = (agreement: Agreement | null) => ({ agreements: agreement ? [agreement] : [], crls: [] });
  return verifyFiles(given, trusted && 'crls' in trusted ? trusted : alone(trusted), now);
}

async function verifyOne(bytes: Buffer, trusted: Trusted, now = verifiedAt): Promise<Report> {
  return (await verify({ file: bytes }, trusted, now))[0]!;
}

const failed = (report: Report): CheckId[] =>
  report.checks.filter(({ result }) => result === 'fail').map(({ id }) => id);
const reasonOf = (report: Report, id: CheckId): unknown =>
  report.checks.find((check) => check.id === id && check.result !== 'pass')?.params.reason;

describe('verifying files', () => {
  let exchange: Exchange;
  let agreement: Agreement;

  beforeAll(async () => {
    exchange = await makeExchange();
    agreement = exchange.agreement;
  });

  const four = (over: Partial<Exchange> = {}) => {
    const { bundle, envelope, receipt } = { ...exchange, ...over };
    return { 'agreement.json': agreement.bytes, 'b.asice': bundle, 'e.jws': envelope, 'r.tlog-proof': receipt };
  };

  it('a whole exchange is valid, and says what it is', async () => {
    const reports = await verify(four(), agreement);
    expect(reports.map(({ kind, verdict }) => [kind, verdict])).toEqual([
      ['agreement', 'valid'],
      ['bundle', 'valid'],
      ['envelope', 'valid'],
      ['receipt', 'valid'],
    ]);
    const [, bundle, envelope, receipt] = reports;
    expect(bundle!.facts.signer?.authority).toBe('平湖市综合行政执法局');
    expect(bundle!.facts.signedAt).toBe('2022-08-20T09:30:00.000Z');
    expect(bundle!.facts.files).toHaveLength(6);
    expect(envelope!.checks.map(({ id }) => id)).toContain('envelope.matches-bundle');
    expect(receipt!.checks.map(({ id }) => id)).toContain('receipt.matches-envelope');
    expect(receipt!.facts.receipt).toMatchObject({ outcome: 'sendable', time: '2022-08-20T09:30:03.250Z', index: 2 });
    expect(exitCodeOf(reports.map(({ verdict }) => verdict))).toBe(0);
  });

  it('without an agreement nothing is valid, and nothing is called false', async () => {
    const reports = await verify(four(), null);
    expect(reports.map(({ verdict }) => verdict)).toEqual(Array(4).fill('indeterminate'));
    expect(reports.flatMap(failed)).toEqual([]);
    expect(exitCodeOf(reports.map(({ verdict }) => verdict))).toBe(2);
  });

  it('under an agreement of others the signer is unknown', async () => {
    const others = [await makeParty('jiashan.330421', '嘉善'), await makeParty('qingpu.310118', '青浦')];
    const reports = await verify(four(), makeAgreement(others, { id: 'jiashan-qingpu' }));
    expect(reports.map(({ verdict }) => verdict)).toEqual([
      'indeterminate',
      'unknown-signer',
      'unknown-signer',
      'unknown-signer',
    ]);
    expect(exitCodeOf(reports.map(({ verdict }) => verdict))).toBe(1);
  });

  it('a namesake with another root is unknown', async () => {
    const namesake = await makeParty('pinghu.330482', '平湖市综合行政执法局');
    const other = makeAgreement([namesake, exchange.recipient]);
    expect((await verifyOne(exchange.bundle, other)).verdict).toBe('unknown-signer');
    expect((await verifyOne(exchange.envelope, other)).verdict).toBe('unknown-signer');
  });

  describe('every single flipped byte', () => {
    const flips = async (bytes: Buffer, check: (report: Report, at: number) => void, step = 1) => {
      for (let at = 0; at < bytes.length; at += step) {
        const bad = Buffer.from(bytes);
        bad[at]! ^= 1 << (at % 8);
        const report = await verifyOne(bad, agreement);
        expect([at, ['valid', 'warning'].includes(report.verdict), failed(report).length > 0]).toEqual([
          at,
          false,
          true,
        ]);
        check(report, at);
      }
    };

    it('of a bundle is found by the check in charge of it', async () => {
      const entries = await readZip(sourceOf(exchange.bundle));
      const inCharge = (at: number): RegExp => {
        const index = entries.findIndex(({ offset, bytes }) => at >= offset && at < offset + bytes);
        if (index < 0) return /^container\.layout$/;
        return [/^container\.mimetype$/, /^seal\.signature$/, /^seal\./][index] ?? /^file\.digest$/;
      };
      await flips(exchange.bundle, (report, at) => {
        expect([at, failed(report).some((id) => inCharge(at).test(id))]).toEqual([at, true]);
      });
    });

    it('of an envelope', async () => {
      await flips(exchange.envelope, (report) => expect(report.kind).toBe('envelope'));
    });

    it('of a receipt', async () => {
      await flips(exchange.receipt, (report) => expect(report.kind).toBe('receipt'));
    });

    it('of an agreement', async () => {
      await flips(agreement.bytes, (report) => expect(report.kind).toBe('agreement'), 3);
    });

    it('of a large body, at sampled places', async () => {
      const body = Buffer.alloc(300_000, 'large');
      const files = [bundleFile('evidence/video.mp4', 'video/mp4', body)];
      const sealed = sealBundle(files, exchange.sender.seal, sealedAt);
      const zip = await collect(writeZip(planBundle(sealed, files), nothing));
      const { offset } = (await readZip(sourceOf(zip)))[3]!;
      for (const at of [0, 1, 65_535, 65_536, 131_072, 299_999]) {
        const bad = Buffer.from(zip);
        bad[offset + at]! ^= 0x10;
        expect(failed(await verifyOne(bad, agreement))).toEqual(['file.digest', 'container.checksum']);
      }
    });
  });

  describe('bundles made by an attacker who knows the format', () => {
    const pack = (entries: ZipEntry[]) => collect(writeZip(planZip(entries), nothing));
    const part = (name: string, text: string | Buffer): ZipEntry => {
      const content = Buffer.from(text);
      return { name, bytes: content.length, crc32: crc32(content), content };
    };
    const parts = (): ZipEntry[] => [
      part('mimetype', 'application/vnd.etsi.asic-e+zip'),
      part('META-INF/ASiCManifest.xml', exchange.sealed.manifest),
      part('META-INF/signature.p7s', exchange.sealed.signature),
      ...[...exchange.files].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
    ];
    const verifyParts = async (change: (entries: ZipEntry[]) => ZipEntry[]) =>
      verifyOne(await pack(change(parts())), agreement);

    it('the unchanged parts are the bundle', async () => {
      expect((await pack(parts())).equals(exchange.bundle)).toBe(true);
    });

    it.each<[string, CheckId, string, (entries: ZipEntry[]) => ZipEntry[]]>([
      ['an unsigned file added', 'manifest.complete', 'unreferenced', (e) => [...e, part('evidence/z', 'new')]],
      [
        'a file under META-INF added',
        'manifest.complete',
        'unreferenced',
        (e) => [...e, part('META-INF/x.p7s', 'new')],
      ],
      ['a file taken out', 'manifest.complete', 'missing', (e) => e.slice(0, -1)],
      ['files in another order', 'manifest.complete', 'order', (e) => [...e.slice(0, 3), ...e.slice(3).reverse()]],
      [
        'a file exchanged, checksum right',
        'file.digest',
        'differs',
        (e) => [...e.slice(0, -1), part('transfer.json', '{"a":1}')],
      ],
      [
        'another mimetype',
        'container.mimetype',
        'other-type',
        (e) => [part('mimetype', 'application/zip'), ...e.slice(1)],
      ],
      ['mimetype not first', 'container.mimetype', 'not-first', (e) => [e[1]!, e[0]!, ...e.slice(2)]],
      ['no signature', 'seal.form', 'absent', (e) => [...e.slice(0, 2), ...e.slice(3)]],
      ['no manifest', 'manifest.form', 'absent', (e) => [e[0]!, ...e.slice(2)]],
      [
        'an empty signature',
        'seal.form',
        'structure',
        (e) => [...e.slice(0, 2), part('META-INF/signature.p7s', ''), ...e.slice(3)],
      ],
    ])('%s', async (_, id, reason, change) => {
      const report = await verifyParts(change);
      expect([report.verdict, reasonOf(report, id)]).toEqual(['invalid', reason]);
    });

    it('a checksum that is wrong in both headers', async () => {
      const report = await verifyParts((e) => e.map((entry, i) => (i === 4 ? { ...entry, crc32: 1 } : entry)));
      expect(failed(report)).toEqual(['container.checksum']);
    });
  });

  describe('seals', () => {
    const sealedBy = async (signer: Exchange['sender']['seal'], at = sealedAt): Promise<Buffer> => {
      const sealed = sealBundle(exchange.files, signer, at);
      return collect(writeZip(planBundle(sealed, exchange.files), nothing));
    };

    it('by a TLS key, outside the certificate’s time, or in the future are invalid', async () => {
      const { root, node } = exchange.sender;
      const tls = await verifyOne(await sealedBy(await issue(root, 'node', sealUrn(node), '0b')), agreement);
      expect([tls.verdict, reasonOf(tls, 'seal.certificate')]).toEqual(['invalid', 'WRONG_USE']);
      const early = await verifyOne(await sealedBy(exchange.sender.seal, new Date('2021-01-01')), agreement);
      expect([early.verdict, reasonOf(early, 'seal.certificate')]).toEqual(['invalid', 'NOT_YET_VALID']);
      const future = await verifyOne(await sealedBy(exchange.sender.seal, new Date('2023-01-01')), agreement);
      expect(failed(future)).toEqual(['seal.time']);
    });

    it('by a party’s root for a name that is no party’s are by an unknown signer', async () => {
      const other = await issue(exchange.sender.root, 'seal', sealUrn('haiyan.330424'), '0c');
      expect((await verifyOne(await sealedBy(other), agreement)).verdict).toBe('unknown-signer');
      const borrowed = await issue(exchange.sender.root, 'seal', sealUrn(exchange.recipient.node), '0d');
      expect((await verifyOne(await sealedBy(borrowed), agreement)).verdict).toBe('unknown-signer');
    });

    it('whose certificate has run out since need a receipt that shows them to be older', async () => {
      const later = new Date('2033-01-01T00:00:00Z');
      const alone = await verifyOne(exchange.bundle, agreement, later);
      expect([alone.verdict, reasonOf(alone, 'seal.still-valid')]).toEqual([
        'indeterminate',
        'expired-without-proof-of-time',
      ]);
      const reports = await verify(four(), agreement, later);
      expect(reports.map(({ verdict }) => verdict)).toEqual(Array(4).fill('valid'));
      expect(reports[1]!.facts.proven).toEqual({
        time: '2022-08-20T09:30:03.250Z',
        node: exchange.recipient.node,
        receipt: 'r.tlog-proof',
      });
    });
  });

  describe('files given together', () => {
    it('another bundle, another envelope: the pair does not fit', async () => {
      const files = [...smallFiles().slice(1), bundleFile('transfer.json', 'application/json', Buffer.from('{"n":2}'))];
      const sealed = sealBundle(files, exchange.sender.seal, sealedAt);
      const bundle = await collect(writeZip(planBundle(sealed, files), nothing));
      const reports = await verify(four({ bundle }), agreement);
      expect(reports.map(({ verdict }) => verdict)).toEqual(['valid', 'valid', 'invalid', 'valid']);
      expect(reasonOf(reports[2]!, 'envelope.matches-bundle')).toBe('matches-none');
    });

    it('an envelope that announces other sizes than the bundle has', async () => {
      const { claims } = parseEnvelope(exchange.envelope.toString());
      const files = claims.bundle!.files.map((file) => ({ ...file, bytes: file.bytes + 1 }));
      const envelope = Buffer.from(
        signEnvelope({ ...claims, bundle: { ...claims.bundle!, files } } as TransferClaims, exchange.sender.nodeSigner),
      );
      const reports = await verify(four({ envelope }), agreement);
      expect(reasonOf(reports[2]!, 'envelope.matches-bundle')).toBe('file-differs');
      expect(reasonOf(reports[3]!, 'receipt.matches-envelope')).toBe('matches-none');
    });

    it('a receipt by somebody else’s log', async () => {
      const { sender, recipient, sealed, envelope } = exchange;
      const receipt = Buffer.from(makeReceipt(sender, recipient, agreement, sealed, envelope));
      const reports = await verify(four({ receipt }), agreement);
      expect(reasonOf(reports[3]!, 'receipt.matches-envelope')).toBe('not-by-the-recipient');
    });

    it('what merely was not given is not called false', async () => {
      const { claims } = parseEnvelope(exchange.envelope.toString());
      const manifest = `sha256:${'0'.repeat(64)}` as const;
      const second = Buffer.from(
        signEnvelope(
          { ...claims, seq: 2, bundle: { manifest, files: [] } } as TransferClaims,
          exchange.sender.nodeSigner,
        ),
      );
      const reports = await verify({ ...four(), second }, agreement);
      expect(reports.map(({ verdict }) => verdict)).toEqual(['valid', 'valid', 'valid', 'valid', 'indeterminate']);
      expect(reasonOf(reports[4]!, 'envelope.matches-bundle')).toBe('not-given');
    });

    it('an envelope under another version of the agreement could not be checked', async () => {
      const later = makeAgreement([exchange.sender, exchange.recipient], {
        version: 2,
        previous: agreement.ref.digest,
      });
      const report = await verifyOne(exchange.envelope, later);
      expect([report.verdict, reasonOf(report, 'envelope.agreement')]).toEqual(['indeterminate', 'other-agreement']);
    });
  });

  describe('proof of time', () => {
    const later = new Date('2033-01-01T00:00:00Z');

    it('no damaged receipt proves anything', async () => {
      for (let at = 0; at < exchange.receipt.length; at += 9) {
        const receipt = Buffer.from(exchange.receipt);
        receipt[at]! ^= 1 << (at % 8);
        const [, bundle, envelope] = await verify(four({ receipt }), agreement, later);
        expect([at, bundle!.verdict, envelope!.verdict]).toEqual([at, 'indeterminate', 'indeterminate']);
      }
    });

    it('a receipt for a bundle counts without the envelope between them, and in the order of any', async () => {
      const { bundle, receipt } = exchange;
      for (const files of [
        { bundle, receipt },
        { receipt, bundle },
      ]) {
        const reports = await verify(files, agreement, later);
        expect(reports.find(({ kind }) => kind === 'bundle')?.verdict).toBe('valid');
      }
    });

    it('the earliest of several counts', async () => {
      const { sender, recipient, sealed, envelope, bundle, receipt } = exchange;
      const earlier = Buffer.from(
        makeReceipt(recipient, sender, agreement, sealed, envelope, '2022-08-20T09:30:01.000Z'),
      );
      const [report] = await verify({ bundle, receipt, earlier }, agreement, later);
      expect(report!.facts.proven).toMatchObject({ time: '2022-08-20T09:30:01.000Z', receipt: 'earlier' });
    });

    it('a receipt under an agreement of strangers proves nothing', async () => {
      const strangers = [await makeParty(exchange.sender.node, 'x'), await makeParty(exchange.recipient.node, 'y')];
      const { sealed, envelope, bundle } = exchange;
      const receipt = Buffer.from(makeReceipt(strangers[1]!, strangers[0]!, agreement, sealed, envelope));
      const reports = await verify({ bundle, envelope, receipt }, agreement, later);
      expect(reports.map(({ verdict }) => verdict)).toEqual(['indeterminate', 'indeterminate', 'unknown-signer']);
    });
  });

  describe('several versions', () => {
    it('the one that the envelope names judges it, its bundle and its receipt', async () => {
      const effective = { ...agreement.content.effective, from: '2022-08-25T00:00:00.000Z' };
      const second = makeAgreement([exchange.sender, exchange.recipient], nextVersion(agreement, { effective }));
      const trust = { agreements: [second, agreement], crls: [] };
      const reports = await verify({ ...four(), 'second.json': second.bytes }, trust);
      expect(reports.map(({ verdict }) => verdict)).toEqual(Array(5).fill('valid'));
      expect(reports.slice(1, 4).map(({ facts }) => facts.agreement?.version)).toEqual([1, 1, 1]);
    });

    it('what follows from a trusted version is trusted, through files beside it, in any order', async () => {
      const parties = [exchange.sender, exchange.recipient];
      const second = makeAgreement(parties, nextVersion(agreement, {}));
      const third = makeAgreement(parties, nextVersion(second, {}));
      const reports = await verify({ third: third.bytes, second: second.bytes }, agreement);
      expect(reports.map(({ verdict }) => verdict)).toEqual(['valid', 'valid']);
      expect((await verifyOne(third.bytes, agreement)).verdict).toBe('indeterminate');
    });

    it('a fork that all have signed condemns both, a stranger’s namesake only itself', async () => {
      const parties = [exchange.sender, exchange.recipient];
      const [one, two] = ['一', '二'].map((title) => makeAgreement(parties, nextVersion(agreement, { title })));
      const forked = await verify({ one: one!.bytes, two: two!.bytes }, agreement);
      expect(forked.map((report) => reasonOf(report, 'agreement.succession'))).toEqual(
        Array(2).fill('AGREEMENT_FORKED'),
      );
      const strangers = [await makeParty(parties[0]!.node, 'x'), await makeParty(parties[1]!.node, 'y')];
      const namesake = makeAgreement(strangers, { version: 2, previous: agreement.ref.digest });
      const reports = await verify({ one: one!.bytes, namesake: namesake.bytes }, agreement);
      expect(reports.map(({ verdict }) => verdict)).toEqual(['valid', 'invalid']);
    });

    it('trust that contradicts itself is refused', async () => {
      const fork = makeAgreement([exchange.sender, exchange.recipient], { title: '另一份' });
      const trust = { agreements: [agreement, fork], crls: [] };
      await expect(verify(four(), trust)).rejects.toMatchObject({ code: 'AGREEMENT_FORKED' });
      const twice = { agreements: [agreement, agreement], crls: [] };
      expect((await verifyOne(exchange.bundle, twice)).verdict).toBe('valid');
    });
  });

  it('a test envelope and its receipt are verified like any other', async () => {
    const { sender, recipient } = exchange;
    const { claims } = parseEnvelope(exchange.envelope.toString());
    const nothingInside = { kind: 'test', dossier: null, transfer: null, bundle: null, body: {} } as const;
    const envelope = Buffer.from(signEnvelope({ ...claims, ...nothingInside }, sender.nodeSigner));
    const report = await verifyOne(envelope, agreement);
    expect([report.verdict, report.facts.envelope]).toEqual([
      'valid',
      expect.objectContaining({ kind: 'TEST', number: null, manifest: null, to: recipient.node }),
    ]);
  });

  describe('files of other kinds', () => {
    it.each([
      ['nothing', Buffer.alloc(0), 'unknown-format'],
      ['text', Buffer.from('hello'), 'unknown-format'],
      ['JSON', Buffer.from('{"a":1}'), 'unknown-format'],
      ['another JWS', Buffer.from('eyJhbGciOiJIUzI1NiJ9.e30.c2ln'), 'unknown-format'],
      ['an empty zip', Buffer.from(`PK\u0005\u0006${'\0'.repeat(18)}`), 'foreign-container'],
    ])('%s: could not check', async (_, bytes, reason) => {
      const report = await verifyOne(bytes, agreement);
      expect([report.kind, report.verdict, reasonOf(report, 'file.kind')]).toEqual([
        'unknown',
        'indeterminate',
        reason,
      ]);
    });

    it('a foreign signed container could not be checked, ours within a prefix is ours and invalid', async () => {
      const content = Buffer.from('<x/>');
      const xades = planZip([{ name: 'META-INF/signatures.xml', bytes: 4, crc32: crc32(content), content }]);
      expect((await verifyOne(await collect(writeZip(xades, nothing)), agreement)).verdict).toBe('indeterminate');
      const prefixed = await verifyOne(Buffer.concat([Buffer.from('#!/bin/sh\n'), exchange.bundle]), agreement);
      expect([prefixed.kind, prefixed.verdict]).toEqual(['bundle', 'invalid']);
      expect(await kindOf(sourceOf(exchange.bundle.subarray(100)))).toBe('bundle');
    });
  });

  it('an unanswered question never ends in "valid"', () => {
    const check = (id: CheckId, result: Check['result']): Check => ({ id, result, params: {} });
    expect(verdictOf([check('seal.form', 'pass'), check('seal.signer', 'unchecked')])).toBe('indeterminate');
    expect(verdictOf([check('seal.signer', 'fail'), check('seal.time', 'unchecked')])).toBe('unknown-signer');
    expect(verdictOf([check('seal.signer', 'fail'), check('seal.form', 'fail')])).toBe('invalid');
    expect(verdictOf([check('seal.crl-current', 'fail'), check('seal.signer', 'unchecked')])).toBe('indeterminate');
    expect(exitCodeOf([])).toBe(2);
    expect(exitCodeOf(['valid', 'indeterminate', 'invalid'])).toBe(1);
    expect(exitCodeOf(['valid', 'warning'])).toBe(0);
  });
});
