import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Agreement,
  type AgreementContent,
  agreementFileBytes,
  type Certificate,
  draftAgreement,
  encodeVkey,
  makeCard,
  nextVersion,
  parseAgreement,
  type Signer,
  sealUrn,
  signAgreement,
} from '@jieqiao/core';
import type { KeyRing } from './key-ring';
import { KeyStore, LiveKeys } from './key-store';

const node = 'pinghu.330482';
const authority = '平湖市综合行政执法局';
const day = 86_400_000;
const now = new Date('2026-11-23T02:00:00.000Z');
const later = (days: number) => new Date(now.getTime() + days * day);

const base = mkdtempSync(join(tmpdir(), 'jieqiao-keys-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let made = 0;
const newDir = () => join(base, `${++made}`);

async function newStore(of = node): Promise<KeyStore> {
  const store = new KeyStore(newDir());
  await store.create({ node: of, authority, hosts: ['localhost', '127.0.0.1'], now });
  return store;
}

const other = newStore('jinshan.310116').then((store) => store.load());

it('keys of a demonstration have one lifetime, whatever the year in which it plays', async () => {
  const store = new KeyStore(newDir());
  const lifetime = { notBefore: new Date('2022-01-01T00:00:00Z'), notAfter: new Date('2052-01-01T00:00:00Z') };
  await store.create({ node, authority, hosts: ['localhost'], now, lifetime });
  for (const { certificate } of store.certificates()) {
    expect(certificate).toMatchObject(lifetime);
  }
  const [crl] = store.load().crls;
  expect([crl!.thisUpdate, crl!.nextUpdate]).toEqual([lifetime.notBefore, lifetime.notAfter]);
  expect(await store.refreshCrls(new Date('2026-08-20T00:00:00Z'))).toEqual([]);
});

/** An agreement of this node with another: its anchors are the given roots. */
async function agreementWith(ring: KeyRing, roots: readonly Certificate[] = ring.roots): Promise<Agreement> {
  return signed(await contentWith(ring, roots), ring, ring.seals[0]!);
}

async function contentWith(ring: KeyRing, roots: readonly Certificate[]): Promise<AgreementContent> {
  const endpoints = { grpc: 'localhost:9', blobs: 'https://localhost:9' };
  const cardOf = (keys: KeyRing, certificates: readonly Certificate[]) =>
    makeCard({ node: keys.nodeId, authority, roots: certificates, logKey: keys.logs[0]!.privateKey, endpoints });
  return draftAgreement({
    id: 'pinghu-jinshan',
    title: '平湖金山执法互认协议',
    effective: { from: now.toISOString(), to: later(3_000).toISOString() },
    parties: [cardOf(ring, roots), cardOf(await other, (await other).roots)],
    terms: {},
  });
}

async function signed(content: AgreementContent, ring: KeyRing, ...seals: Signer[]): Promise<Agreement> {
  const theirs = await other;
  const signatures = [
    ...seals.map((seal) => ({ node: ring.nodeId, jws: signAgreement(content, seal) })),
    { node: theirs.nodeId, jws: signAgreement(content, theirs.seals[0]!) },
  ];
  return parseAgreement(agreementFileBytes({ agreement: content, signatures }));
}

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

const unusable = (reason: string) =>
  expect.objectContaining({ code: 'KEY_UNUSABLE', params: expect.objectContaining({ reason }) });
const refused = (problem: string) =>
  expect.objectContaining({ code: 'CERTIFICATE_REFUSED', params: expect.objectContaining({ problem }) });

describe('a new key store', () => {
  it('holds one generation of everything, in files that only their owner reads', async () => {
    const store = await newStore();
    const { nodeId, roots, seals, nodes, logs, crls, sessionSecret } = store.load();
    expect(nodeId).toBe(node);
    expect([roots, seals, nodes, logs, crls].map(({ length }) => length)).toEqual([1, 1, 1, 1, 1]);
    expect(sessionSecret).toHaveLength(32);
    expect(crls[0]).toMatchObject({ number: 1, thisUpdate: now, nextUpdate: later(30) });
    expect(crls[0]!.issuedBy(roots[0]!)).toBe(true);
    expect(statSync(store.dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(store.dir)) expect(statSync(join(store.dir, name)).mode & 0o777).toBe(0o600);
  });

  it('is not made over another, and not opened where there is none', async () => {
    const store = await newStore();
    await expect(store.create({ node, authority, hosts: [], now })).rejects.toEqual(unusable('keys-exist'));
    expect(caught(() => new KeyStore(newDir()).load())).toEqual(unusable('no-keys'));
  });

  it('has another node’s keys only under that node’s name', async () => {
    expect((await other).nodeId).toBe('jinshan.310116');
  });
});

describe('generations', () => {
  it('a renewed node key and seal are used at once, under the agreement that stands', async () => {
    const store = await newStore();
    const agreement = await agreementWith(store.load());
    const before = store.load();
    await store.issueNode(later(1));
    await store.issueSeal(later(1));
    const ring = store.load();
    expect(ring.nodes).toHaveLength(2);
    expect(ring.node(agreement, later(1))).toBe(ring.nodes[0]);
    expect(ring.seal(agreement, later(1))).toBe(ring.seals[0]);
    expect(ring.node(agreement, later(1)).certificate.fingerprint).not.toBe(before.nodes[0]!.certificate.fingerprint);
    expect(ring.nodes[0]!.certificate.x509.subjectAltName).toContain('DNS:localhost, IP Address:127.0.0.1');
    expect(ring.tls([agreement], later(1)).cert).toBe(ring.nodes[0]!.certificate.toPem());
  });

  it('keys under a new root wait for the version that names it', async () => {
    const store = await newStore();
    const first = await agreementWith(store.load());
    await store.rotateRoot(later(1));
    const ring = store.load();
    expect([ring.roots, ring.seals, ring.nodes, ring.crls].map(({ length }) => length)).toEqual([2, 2, 2, 2]);
    expect(ring.roots[0]!.subject).not.toBe(ring.roots[1]!.subject);
    expect(ring.node(first, later(1))).toBe(ring.nodes[1]);
    expect(ring.seal(first, later(1))).toBe(ring.seals[1]);

    const parties = (await contentWith(ring, [ring.roots[0]!])).parties;
    const next = await signed(nextVersion(first, { parties }), ring, ring.seals[0]!, ring.seals[1]!);
    expect(ring.node(next, later(1))).toBe(ring.nodes[0]);
    expect(ring.seal(next, later(1))).toBe(ring.seals[0]);
    // One certificate for all who connect: under both versions there is none, so the newest that one accepts.
    expect(ring.tls([first, next], later(1)).cert).toBe(ring.nodes[0]!.certificate.toPem());
    const both = await signed(
      nextVersion(first, { parties: (await contentWith(ring, ring.roots)).parties }),
      ring,
      ring.seals[1]!,
    );
    expect(ring.tls([first, both], later(1)).cert).toBe(ring.nodes[1]!.certificate.toPem());
  });

  it('says what is wrong with the newest when none is good', async () => {
    const store = await newStore();
    const ring = store.load();
    const agreement = await agreementWith(ring);
    expect(caught(() => ring.seal(agreement, later(3 * 365)))).toEqual(refused('EXPIRED'));
    // Nothing of this node's comes from the root that this version names.
    const stranger = (await newStore()).load();
    const foreign = await signed(await contentWith(stranger, stranger.roots), stranger, stranger.seals[0]!);
    expect(caught(() => ring.node(foreign, now))).toEqual(refused('UNKNOWN_ISSUER'));
    expect(caught(() => ring.tls([foreign], now))).toEqual(refused('UNKNOWN_ISSUER'));
  });

  it('a new log key stands beside the old one until that is taken away; its public half stays known', async () => {
    const store = await newStore();
    const [old] = store.load().logs;
    const next = store.rotateLog();
    const vkeys = (ring: KeyRing) => ring.logs.map(({ key }) => encodeVkey(key));
    expect(vkeys(store.load())).toEqual([encodeVkey(next.key), encodeVkey(old!.key)]);
    expect(caught(() => store.removeLog(encodeVkey(next.key)))).toEqual(unusable('only-key'));
    store.removeLog(encodeVkey(old!.key));
    const ring = store.load();
    expect(vkeys(ring)).toEqual([encodeVkey(next.key)]);
    expect(ring.knownLogKeys.map(encodeVkey)).toEqual([encodeVkey(next.key), encodeVkey(old!.key)]);
    expect(caught(() => store.removeLog(encodeVkey(old!.key)))).toEqual(unusable('no-such-key'));
  });

  it('two who make keys at once get a number each', async () => {
    const store = await newStore();
    const another = new KeyStore(store.dir);
    await Promise.all([store, another, store, another].map((one) => one.issueNode(later(1))));
    const ring = store.load();
    expect(ring.nodes).toHaveLength(5);
    expect(new Set(ring.nodes.map(({ certificate }) => certificate.serial)).size).toBe(5);
  });

  it('notice a change by looking, and keep what they had when it can’t be read', async () => {
    const store = await newStore();
    const live = new LiveKeys(store);
    const first = live.current;
    live.refresh();
    expect(live.current).toBe(first);
    await store.issueSeal(later(1));
    live.refresh();
    expect(live.current.seals).toHaveLength(2);
    const good = live.current;
    writeFileSync(join(store.dir, 'seal-3.cert.pem'), 'not a certificate');
    expect(caught(() => live.refresh())).toMatchObject({ code: 'KEY_UNUSABLE' });
    expect(live.current).toBe(good);
    rmSync(join(store.dir, 'seal-3.cert.pem'));
    live.refresh();
    expect(live.current.seals).toHaveLength(2);
  });
});

describe('revocation', () => {
  it('a revoked certificate is never used again, and stands on its root’s next list', async () => {
    const store = await newStore();
    const agreement = await agreementWith(store.load());
    await store.issueNode(now);
    const [newest, older] = store.load().nodes;
    const crl = await store.revoke(newest!.certificate.serial, 'key-compromise', later(1));
    expect(crl.number).toBe(2);
    expect(crl.entry(newest!.certificate.serial)).toMatchObject({ reason: 'key-compromise', revokedAt: later(1) });
    const ring = store.load();
    expect(ring.node(agreement, now).certificate.serial).toBe(newest!.certificate.serial);
    expect(ring.node(agreement, later(1)).certificate.serial).toBe(older!.certificate.serial);
    await store.revoke(older!.certificate.serial.toLowerCase(), 'superseded', later(2));
    expect(caught(() => store.load().node(agreement, later(2)))).toEqual(refused('REVOKED'));
    expect(store.load().crls[0]!.number).toBe(3);
  });

  it('goes on the list of the root that issued it', async () => {
    const store = await newStore();
    const [first] = store.load().nodes;
    await store.rotateRoot(later(1));
    await store.revoke(first!.certificate.serial, 'superseded', later(2));
    const { crls, roots } = store.load();
    expect(crls.map(({ number }) => number)).toEqual([1, 2]);
    expect(crls[1]!.issuedBy(roots[1]!)).toBe(true);
    expect(crls[1]!.entry(first!.certificate.serial)).not.toBeNull();
    await expect(store.revoke('0badc0de', 'superseded', later(2))).rejects.toEqual(unusable('serial-unknown'));
    expect((await store.revoke('0badc0de', 'superseded', later(2), 1)).entry('0BADC0DE')).not.toBeNull();
  });

  it('lists are renewed when half of their life is over, each for as long as before', async () => {
    const store = await newStore();
    expect(await store.refreshCrls(later(14))).toEqual([]);
    expect(await store.refreshCrls(later(16))).toMatchObject([{ number: 2, nextUpdate: later(46) }]);
    expect(await store.refreshCrls(later(17), 365)).toMatchObject([{ number: 3, nextUpdate: later(382) }]);
    expect(await store.refreshCrls(later(190))).toEqual([]);
    expect(await store.refreshCrls(later(200))).toMatchObject([{ number: 4, nextUpdate: later(565) }]);
  });
});

describe('a root whose key is kept elsewhere', () => {
  it('stops nothing but issuing, and the error says what to do', async () => {
    const store = await newStore();
    const agreement = await agreementWith(store.load());
    renameSync(join(store.dir, 'root.key.pem'), join(base, `root-${made}.key.pem`));
    const ring = store.load();
    expect(ring.seal(agreement, now)).toBe(ring.seals[0]);
    expect(ring.node(agreement, now)).toBe(ring.nodes[0]);
    store.rotateLog();
    expect(await store.refreshCrls(later(40))).toEqual([]);
    const missing = expect.objectContaining({
      code: 'KEY_UNUSABLE',
      params: {
        reason: 'root-key-not-here',
        file: 'root.key.pem',
        remedy: expect.stringMatching(/^put root\.key\.pem back into .*, do this again, and take it away$/),
      },
    });
    await expect(store.issueNode(now)).rejects.toEqual(missing);
    await expect(store.issueSeal(now)).rejects.toEqual(missing);
    await expect(store.revoke(ring.nodes[0]!.certificate.serial, 'superseded', now)).rejects.toEqual(missing);
    expect(existsSync(join(store.dir, 'revocations.json'))).toBe(false);
    // Another root can be made without the first.
    await store.rotateRoot(now);
    expect(store.load().roots).toHaveLength(2);
  });
});

describe('killed at any file', () => {
  /** Runs the change in one copy, and gives every state that a power cut could have left: file by file, as written. */
  async function statesOf(before: KeyStore, change: (store: KeyStore) => unknown): Promise<KeyStore[]> {
    const after = new KeyStore(newDir());
    if (existsSync(before.dir)) cpSync(before.dir, after.dir, { recursive: true, preserveTimestamps: true });
    const versions: { name: string; content: Buffer }[] = [];
    const note = (message: unknown) => {
      const { path, at } = message as { path: string; at: string };
      if (path === 'keys') versions.push({ name: at, content: readFileSync(join(after.dir, at)) });
    };
    subscribe('jieqiao:step', note);
    try {
      await change(after);
    } finally {
      unsubscribe('jieqiao:step', note);
    }
    expect(versions.length).toBeGreaterThan(0);
    return versions.map((_, written) => {
      const store = new KeyStore(newDir());
      mkdirSync(store.dir, { mode: 0o700 });
      if (existsSync(before.dir)) cpSync(before.dir, store.dir, { recursive: true });
      for (const { name, content } of versions.slice(0, written)) writeFileSync(join(store.dir, name), content);
      // Half of the next one, under the name that it has while it is written.
      writeFileSync(join(store.dir, `${versions[written]!.name}.4711.new`), versions[written]!.content.subarray(0, 20));
      return store;
    });
  }

  it('while the store is made: it is not there yet, and making it again makes it', async () => {
    for (const store of await statesOf(new KeyStore(newDir()), (copy) =>
      copy.create({ node, authority, hosts: ['localhost'], now }),
    )) {
      expect(store.exists).toBe(false);
      await store.create({ node, authority, hosts: ['localhost'], now });
      const ring = store.load();
      expect(ring.seal(await agreementWith(ring), now)).toBe(ring.seals[0]);
    }
  });

  const changes: [string, (store: KeyStore) => unknown, (ring: KeyRing) => unknown][] = [
    ['a node key', (store) => store.issueNode(later(1)), (ring) => expect(ring.nodes).toHaveLength(2)],
    ['a seal', (store) => store.issueSeal(later(1)), (ring) => expect(ring.seals).toHaveLength(2)],
    ['a log key', (store) => store.rotateLog(), (ring) => expect(ring.logs).toHaveLength(2)],
    [
      'a root',
      (store) => store.rotateRoot(later(1)),
      ({ roots, seals, nodes, crls }) => {
        expect([roots, crls].map(({ length }) => length)).toEqual([2, 2]);
        // Whatever the interrupted attempt left, the new root has certified a seal and a node key.
        for (const { certificate } of [seals[0]!, nodes[0]!]) expect(certificate.issuer).toBe(roots[0]!.subject);
      },
    ],
    [
      'a revocation',
      (store) => store.revoke(store.load().nodes[0]!.certificate.serial, 'key-compromise', later(1)),
      (ring) => expect(ring.crls[0]!.entry(ring.nodes[0]!.certificate.serial)).not.toBeNull(),
    ],
    ['a revocation list', (store) => store.refreshCrls(later(20)), (ring) => expect(ring.crls[0]!.number).toBe(2)],
  ];

  it.each(changes)(
    'while %s is made: the keys of before serve, and doing it again does it',
    async (_what, change, done) => {
      const before = await newStore();
      const agreement = await agreementWith(before.load());
      for (const store of await statesOf(before, change)) {
        const ring = store.load();
        expect(ring.seal(agreement, now).certificate.serial).toBe(before.load().seals[0]!.certificate.serial);
        expect(ring.node(agreement, now).certificate.serial).toBe(before.load().nodes[0]!.certificate.serial);
        await change(store);
        done(store.load());
      }
    },
  );

  it('while a log key is taken away: it is there, or only its public half is', async () => {
    const before = await newStore();
    before.rotateLog();
    const old = encodeVkey(before.load().logs[1]!.key);
    for (const store of await statesOf(before, (copy) => copy.removeLog(old))) {
      expect(store.load().knownLogKeys.map(encodeVkey)).toContain(old);
      store.removeLog(old);
      expect(store.load().logs).toHaveLength(1);
      expect(store.load().knownLogKeys).toHaveLength(2);
    }
  });

  it('between the record of a revocation and the list: the next look at the lists completes it', async () => {
    const before = await newStore();
    const { serial } = before.load().nodes[0]!.certificate;
    const states = await statesOf(before, (copy) => copy.revoke(serial, 'key-compromise', later(1)));
    const recorded = states.at(-1)!;
    expect(recorded.load().crls[0]!.entry(serial)).toBeNull();
    expect(await recorded.refreshCrls(later(1))).toMatchObject([{ number: 2 }]);
    expect(recorded.load().crls[0]!.entry(serial)).toMatchObject({ revokedAt: later(1) });
  });
});

describe('a seal delivered as PKCS#12', () => {
  const passphrase = 'seal passphrase 42';
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-p12-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });

  /** Certified by the store's own root, as a CA would do it, and packed by openssl. */
  function pack(store: KeyStore, name: string, algorithm: string[]): Buffer {
    const extensions = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature,nonRepudiation',
      `subjectAltName=URI:${sealUrn(node)}`,
      'authorityKeyIdentifier=keyid',
    ];
    writeFileSync(join(dir, 'ext'), extensions.join('\n'));
    writeFileSync(join(dir, 'pass'), passphrase);
    openssl('genpkey', ...algorithm, '-out', `${name}.key`);
    openssl(
      'req',
      '-new',
      '-utf8',
      '-key',
      `${name}.key`,
      '-subj',
      '/O=平湖市综合行政执法局/CN=电子印章',
      '-out',
      `${name}.csr`,
    );
    const root = ['-CA', join(store.dir, 'root.cert.pem'), '-CAkey', join(store.dir, 'root.key.pem')];
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...root,
      '-set_serial',
      '0x4711',
      '-days',
      '300',
      '-extfile',
      'ext',
      '-out',
      `${name}.pem`,
    );
    openssl(
      'pkcs12',
      '-export',
      '-inkey',
      `${name}.key`,
      '-in',
      `${name}.pem`,
      '-passout',
      'file:pass',
      '-out',
      `${name}.p12`,
    );
    return readFileSync(join(dir, `${name}.p12`));
  }
  const rsa = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
  const ec = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];

  it.each([
    ['rsa', rsa, 'RS256'],
    ['p256', ec, 'ES256'],
  ] as const)('of kind %s becomes the newest seal', async (name, algorithm, alg) => {
    const store = new KeyStore(newDir());
    await store.create({ node, authority, hosts: ['localhost'], now: new Date() });
    const agreement = await agreementWith(store.load());
    const certificate = store.importSeal(pack(store, name, [...algorithm]), passphrase);
    const ring = store.load();
    const at = new Date();
    expect(ring.seals).toHaveLength(2);
    expect(ring.seal(agreement, new Date(Math.max(at.getTime(), now.getTime() + day)))).toMatchObject({
      algorithm: alg,
      certificate,
    });
    expect(statSync(join(store.dir, 'seal-2.p12.pass')).mode & 0o777).toBe(0o600);
    expect(statSync(join(store.dir, 'seal-2.p12')).mode & 0o777).toBe(0o600);
    if (alg === 'RS256') {
      expect(caught(() => store.importNode(readFileSync(join(dir, 'rsa.p12')), passphrase))).toEqual(
        unusable('node-keys-are-p256'),
      );
    }
  });

  it('with a wrong passphrase, or damaged, is refused and leaves nothing behind', async () => {
    const store = await newStore();
    const container = pack(store, 'other', [...ec]);
    const files = () => readdirSync(store.dir).sort();
    const before = files();
    expect(caught(() => store.importSeal(container, 'wrong'))).toEqual(unusable('passphrase-or-damaged'));
    expect(caught(() => store.importSeal(container.subarray(0, 400), passphrase))).toEqual(
      unusable('passphrase-or-damaged'),
    );
    expect(caught(() => store.importSeal(Buffer.alloc(300 * 1024), passphrase))).toEqual(unusable('too-large'));
    expect(files()).toEqual(before);
  });

  it('whose passphrase was changed behind the store’s back stops the start, and names its file', async () => {
    const store = await newStore();
    store.importSeal(pack(store, 'moved', [...ec]), passphrase);
    writeFileSync(join(store.dir, 'seal-2.p12.pass'), 'forgotten\n');
    expect(caught(() => store.load())).toMatchObject({
      code: 'KEY_UNUSABLE',
      params: { reason: 'passphrase-or-damaged', file: 'seal-2.p12' },
    });
  });

  it('killed between passphrase and container: the store is as before, and the next one is taken', async () => {
    const store = await newStore();
    writeFileSync(join(store.dir, 'seal-2.p12.pass'), passphrase);
    expect(store.load().seals).toHaveLength(1);
    store.importSeal(pack(store, 'again', [...ec]), passphrase);
    expect(store.load().seals).toHaveLength(2);
  });
});

it('an officer’s certificate that was handed out is revoked by its number', async () => {
  const store = await newStore();
  const officer = { name: '执法人员乙', certNo: '33048200001' };
  const { certificate } = await store.issueOfficer(officer, 'officer passphrase 42', now);
  const asShown = certificate.serial.toLowerCase().match(/../g)!.join(':');
  const crl = await store.revoke(asShown, 'affiliation-changed', later(1));
  expect(crl.entry(certificate.serial)).toMatchObject({ reason: 'affiliation-changed', revokedAt: later(1) });
  await expect(store.revoke('not hex', 'superseded', later(1))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
});
