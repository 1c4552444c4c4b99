import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Certificate, Crl, type LogEntry, officerUrn, parseAgreement, parseCard, parseLogEntry } from '@jieqiao/core';
import { createLogger, Database, KeyStore, loadConfig, readPkcs12 } from '@jieqiao/platform';
import { Gateway } from '../../apps/gateway/src/gateway';
import { Desk, Desks, type Said } from '../support/cli';
import { entities } from '../support/entities';

jest.setTimeout(60_000);

const desks = new Desks();
const on = (name: string) => join(desks.stick, name);
let pinghu: Desk;
let jinshan: Desk;

const good = ({ code, err }: Said) => expect({ code, err }).toEqual({ code: 0, err: '' });
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: desks.stick, stdio: 'pipe' }).toString();

/** All that a node has logged, in order. */
async function logged(desk: Desk): Promise<LogEntry[]> {
  const db = await Database.open(`sqlite:${join(desk.dir, 'node.sqlite')}`, entities, () => new Date());
  try {
    const rows: { entry: ArrayBuffer }[] = await db.read((tx) => tx.query('SELECT entry FROM log_entry ORDER BY id'));
    return rows.map(({ entry }) => parseLogEntry(Buffer.from(entry)));
  } finally {
    await db.close();
  }
}

interface Listed {
  certificates: { use: string; generation: number; serial: string; revokedAt: string | null }[];
  logKeys: string[];
  crls: { number: number; nextUpdate: string }[];
}
const list = (desk: Desk) => desk.json<Listed>(['key', 'list']);

beforeAll(async () => {
  pinghu = await desks.node('pinghu.330482', '平湖市综合行政执法局');
  jinshan = await desks.node('jinshan.310116', '上海市金山区城市管理行政执法局');
  good(
    await pinghu.jieqiao([
      'agreement',
      'new',
      '--peer',
      jinshan.card,
      ...(await Desk.heard(jinshan)),
      '--out',
      on('v1.json'),
    ]),
  );
  good(await jinshan.jieqiao(['agreement', 'sign', on('v1.json'), ...(await Desk.heard(pinghu))]));
  good(await pinghu.jieqiao(['agreement', 'import', on('v1.json')]));
});
afterAll(() => desks.drop());

describe('init', () => {
  test('made everything for this account alone, and logged the first keys', async () => {
    for (const name of [
      'config.json',
      'admin-password',
      'node.sqlite',
      'keys/root.key.pem',
      'keys/session.key',
      'keys/same-act.key',
    ]) {
      expect([name, statSync(join(pinghu.dir, name)).mode & 0o077]).toEqual([name, 0]);
    }
    const uses = (await logged(pinghu)).flatMap((entry) => (entry.event === 'key.issued' ? [entry.subject.use] : []));
    expect(uses).toEqual(['root', 'seal', 'node', 'log']);
    expect(JSON.parse(readFileSync(join(pinghu.dir, 'config.json'), 'utf8'))).toMatchObject({
      peer: { host: '0.0.0.0' },
    });
  });

  test('again it changes nothing; for another authority or host it says no', async () => {
    const before = [readFileSync(join(pinghu.dir, 'keys/root.cert.pem')), readFileSync(pinghu.card)];
    const init = ['init', '--node', pinghu.node, '--authority'];
    good(await pinghu.jieqiao([...init, '平湖市综合行政执法局', '--host', '127.0.0.1']));
    const password = readFileSync(join(pinghu.dir, 'admin-password'), 'utf8');
    expect(password).toMatch(/^[a-z2-9]{4}(-[a-z2-9]{4}){3}\n$/);
    expect([readFileSync(join(pinghu.dir, 'keys/root.cert.pem')), readFileSync(pinghu.card)]).toEqual(before);
    const other = await pinghu.jieqiao([...init, '别的机关']);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('属于 平湖市综合行政执法局')]);
    const moved = await pinghu.jieqiao([...init, '平湖市综合行政执法局', '--host', 'elsewhere.example']);
    expect([moved.code, moved.err]).toEqual([1, expect.stringContaining('jieqiao card --host')]);
    const another = await pinghu.jieqiao(['init', '--node', 'x.330482', '--authority', '平湖市综合行政执法局']);
    expect([another.code, another.err]).toEqual([1, expect.stringContaining('pinghu.330482')]);
  });

  test.each([
    [['--authority', '甲'], '--node'],
    [['--node', 'pinghu.330482'], '--authority'],
    [['--node', 'Pinghu', '--authority', '甲'], 'pinghu.330482'],
    [['--node', 'a.330482', '--authority', '甲', '--grpc-port', '99999'], '--grpc-port'],
    [['--node', 'a.330482', '--authority', '甲', '--password', 'x'], '--password'],
  ])('init %j is a usage error', async (argv, named) => {
    const { code, err } = await pinghu.jieqiao(['init', ...argv, '--data', join(desks.dir, 'nowhere')]);
    expect([code, err]).toEqual([2, expect.stringContaining(named)]);
  });

  test('ended half-way, it goes on, and the administrator signs in with the password of the file', async () => {
    const desk = await desks.node('tongxiang.330483', '桐乡市综合行政执法局');
    const root = readFileSync(join(desk.dir, 'keys/root.cert.pem'));
    const password = readFileSync(join(desk.dir, 'admin-password'), 'utf8').trim();
    // As after a crash once the keys and the password were written.
    for (const name of ['node.sqlite', 'node.sqlite-wal', 'node.sqlite-shm', 'tongxiang.330483.card.json']) {
      rmSync(join(desk.dir, name), { force: true });
    }
    good(
      await desk.jieqiao(['init', '--node', desk.node, '--authority', '桐乡市综合行政执法局', '--host', '127.0.0.1']),
    );
    expect(readFileSync(join(desk.dir, 'keys/root.cert.pem'))).toEqual(root);
    const config = loadConfig({ argv: ['--config', join(desk.dir, 'config.json')], env: {}, cwd: desk.dir });
    const gateway = await Gateway.open(config, createLogger('silent', desk.node), () => new Date());
    const { person } = await gateway.access.signIn('admin', password, '127.0.0.1');
    await gateway.stop();
    expect(person.roles).toEqual(['administrator']);
    const events = (await logged(desk)).filter(({ event }) => event === 'key.issued');
    expect(events).toHaveLength(4);
  });

  test('the administrator can choose the password, by a file', async () => {
    writeFileSync(on('password'), 'a password of my own\n');
    const desk = await desks.node('haining.330481', '海宁市综合行政执法局', ['--admin-password-file', on('password')]);
    expect(existsSync(join(desk.dir, 'admin-password'))).toBe(false);
  });
});

describe('people', () => {
  const add = (more: string[]) => [
    'person',
    'add',
    '--login',
    'handler1',
    '--name',
    '执法人员甲',
    '--role',
    'handler',
    ...more,
  ];

  test('a password comes by a file or a hidden prompt, never by an argument', async () => {
    const nobody = await pinghu.jieqiao(add([]));
    expect([nobody.code, nobody.err]).toEqual([2, expect.stringContaining('--password-file')]);
    const answers: [string, string][] = [
      ['新密码', 'a long password 1'],
      ['再输一遍', 'another password 2'],
    ];
    const differ = await pinghu.jieqiao(add([]), { answers });
    expect([differ.code, differ.err]).toEqual([1, expect.stringContaining('两次输入不一致')]);
    const typed = await pinghu.jieqiao(add([]), {
      answers: [
        ['新密码', 'a long password 1'],
        ['再输一遍', 'a long password 1'],
      ],
    });
    expect(typed.code).toBe(0);
    expect(typed.err + typed.out).not.toContain('a long password 1');
    const again = await pinghu.jieqiao(add(['--password-file', on('password')]));
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('已有用户 handler1')]);
  });

  test('an unknown role, a weak password and an empty file are told', async () => {
    const role = await pinghu.jieqiao([
      'person',
      'add',
      '--login',
      'x1',
      '--name',
      'x',
      '--role',
      'king',
      '--password-file',
      on('password'),
    ]);
    expect([role.code, role.err]).toEqual([2, expect.stringContaining('king')]);
    writeFileSync(on('short'), 'short\n');
    writeFileSync(on('empty'), '\n');
    const person = ['person', 'add', '--login', 'x2', '--name', 'x', '--role', 'clerk', '--password-file'];
    const short = await pinghu.jieqiao([...person, on('short')]);
    expect([short.code, short.err]).toEqual([1, expect.stringContaining('VALIDATION_FAILED')]);
    expect(short.err).not.toContain('short\n');
    const empty = await pinghu.jieqiao([...person, on('empty')]);
    expect([empty.code, empty.err]).toEqual([1, expect.stringContaining('第一行是空的')]);
  });
});

describe('rotation and revocation', () => {
  test('a new node key and a new seal are there, logged, and the card stays as it was', async () => {
    const before = await pinghu.fingerprint();
    for (const use of ['node', 'seal']) good(await pinghu.jieqiao(['key', 'rotate', use]));
    expect(await pinghu.fingerprint()).toBe(before);
    const { certificates } = await list(pinghu);
    expect(certificates.map(({ use, generation }) => `${use} ${generation}`)).toEqual([
      ...['root 1', 'seal 2', 'seal 1', 'node 2', 'node 1'],
    ]);
    const issued = (await logged(pinghu)).filter(({ event }) => event === 'key.issued');
    expect(issued.slice(-2)).toMatchObject([{ subject: { use: 'node' } }, { subject: { use: 'seal' } }]);
  });

  test('a new secret of the same-act check takes the place of the old one', async () => {
    const secret = () => readFileSync(join(pinghu.dir, 'keys/same-act.key'), 'utf8');
    const before = secret();
    good(await pinghu.jieqiao(['key', 'rotate', 'acts']));
    expect(secret()).toMatch(/^[0-9a-f]{64}$/);
    expect(secret()).not.toBe(before);
  });

  test('the old one is revoked by the beginning of its serial number; the list is as openssl reads it', async () => {
    const old = (await list(pinghu)).certificates.find(({ use, generation }) => use === 'node' && generation === 1)!;
    const said = await pinghu.jieqiao([
      'key',
      'revoke',
      old.serial.slice(0, 10).toLowerCase(),
      '--reason',
      'key-compromise',
    ]);
    good(said);
    expect(said.out).toContain('已吊销节点证书');
    const after = await list(pinghu);
    expect(after.certificates.filter(({ revokedAt }) => revokedAt !== null).map(({ serial }) => serial)).toEqual([
      old.serial,
    ]);
    good(await pinghu.jieqiao(['key', 'crl', '--days', '90', '--out', on('pinghu.crl')]));
    const text = openssl('crl', '-inform', 'DER', '-in', on('pinghu.crl'), '-noout', '-text');
    expect(text).toContain(`Serial Number: ${old.serial}`);
    expect(text).toContain('Key Compromise');
    const events = (await logged(pinghu)).map(({ event }) => event);
    expect(events).toContain('key.revoked');
    expect(events.filter((event) => event === 'crl.taken')).toHaveLength(2);
  });

  test.each([
    [['key', 'revoke', 'AB'], 2, '--reason'],
    [['key', 'revoke', 'AB', '--reason', 'because'], 2, 'key-compromise'],
    [['key', 'revoke', 'FFFF', '--reason', 'superseded'], 1, 'FFFF'],
    [['key', 'rotate', 'everything'], 2, 'node'],
    [['key', 'rotate'], 2, 'node'],
    [['key', 'crl', '--days', '0'], 2, '--days'],
  ])('%j → %i', async (argv, expected, named) => {
    const { code, err } = await pinghu.jieqiao(argv);
    expect([code, err]).toEqual([expected, expect.stringContaining(named)]);
  });

  test('a root is not revoked by itself', async () => {
    const root = (await list(pinghu)).certificates.find(({ use }) => use === 'root')!;
    const { code, err } = await pinghu.jieqiao(['key', 'revoke', root.serial, '--reason', 'key-compromise']);
    expect([code, err]).toEqual([1, expect.stringContaining('jieqiao key rotate root')]);
  });

  test('without the root key nothing is issued, and it says how to go on', async () => {
    const key = join(pinghu.dir, 'keys/root.key.pem');
    renameSync(key, on('root.key.pem'));
    const before = await list(pinghu);
    for (const argv of [
      ['rotate', 'node'],
      ['rotate', 'seal'],
      ['crl'],
      ['officer', '--name', '甲', '--cert-no', '1234', '--p12', on('x.p12'), '--passphrase-file', on('password')],
    ]) {
      const { code, err } = await pinghu.jieqiao(['key', ...argv]);
      expect([argv[0], code, err]).toEqual([argv[0], 1, expect.stringContaining('不在这台机器上')]);
      expect(err).toContain('放回 keys 目录');
    }
    expect(await list(pinghu)).toEqual(before);
    renameSync(on('root.key.pem'), key);
  });
});

describe('a seal from a certification authority', () => {
  const passphrase = 'seal passphrase 42';

  /** A CA for everybody, and a seal issued by it, packed as PKCS#12. */
  function delivered(name: string, key: string[]): void {
    openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'ca.key');
    const ca = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    openssl(
      'req',
      '-x509',
      '-new',
      '-utf8',
      '-key',
      'ca.key',
      '-subj',
      '/O=某电子认证服务机构/CN=某电子认证服务机构 CA',
      '-days',
      '3650',
      ...ca,
      '-out',
      'ca.pem',
    );
    openssl('genpkey', ...key, '-out', `${name}.key`);
    openssl(
      'req',
      '-new',
      '-utf8',
      '-key',
      `${name}.key`,
      '-subj',
      '/O=平湖市综合行政执法局/CN=平湖市综合行政执法局电子印章',
      '-out',
      `${name}.csr`,
    );
    writeFileSync(
      on('seal.ext'),
      'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-days',
      '700',
      '-set_serial',
      '77',
      '-extfile',
      'seal.ext',
      '-out',
      `${name}.pem`,
    );
    writeFileSync(on('seal.pass'), `${passphrase}\n`);
    openssl(
      'pkcs12',
      '-export',
      '-inkey',
      `${name}.key`,
      '-in',
      `${name}.pem`,
      '-passout',
      'file:seal.pass',
      '-out',
      `${name}.p12`,
    );
  }

  beforeAll(() => delivered('rsa', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072']));

  const importSeal = (file: string, more: string[] = []) => [
    'key',
    'import-seal',
    on(file),
    '--passphrase-file',
    on('seal.pass'),
    ...more,
  ];

  test('needs the CA’s certificate, which must be the right one', async () => {
    const without = await pinghu.jieqiao(importSeal('rsa.p12'));
    expect([without.code, without.err]).toEqual([1, expect.stringContaining('--seal-ca')]);
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'other.key',
      '-subj',
      '/CN=other',
      '-days',
      '30',
      '-out',
      'other.pem',
    );
    const other = await pinghu.jieqiao(importSeal('rsa.p12', ['--ca', on('other.pem')]));
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('UNKNOWN_ISSUER')]);
    expect((await list(pinghu)).certificates.filter(({ use }) => use === 'seal')).toHaveLength(2);
  });

  test.each([
    ['a wrong passphrase', () => writeFileSync(on('bad.pass'), 'wrong\n'), 'rsa.p12', 'bad.pass', '口令不对'],
    ['one that is not ASCII', () => writeFileSync(on('bad.pass'), '口令\n'), 'rsa.p12', 'bad.pass', '口令含有'],
    [
      'a damaged file',
      () => writeFileSync(on('bad.p12'), readFileSync(on('rsa.p12')).subarray(0, 900)),
      'bad.p12',
      'seal.pass',
      '文件损坏',
    ],
    [
      'an oversized file',
      () => writeFileSync(on('bad.p12'), Buffer.alloc(256 * 1024 + 1)),
      'bad.p12',
      'seal.pass',
      '文件太大',
    ],
    ['something else', () => writeFileSync(on('bad.p12'), 'hello'), 'bad.p12', 'seal.pass', '文件损坏'],
  ])('%s is a clear error, and nothing is kept', async (_, prepare, file, pass, told) => {
    prepare();
    const argv = ['key', 'import-seal', on(file), '--ca', on('ca.pem'), '--passphrase-file', on(pass)];
    const { code, err } = await pinghu.jieqiao(argv);
    expect([code, err]).toEqual([1, expect.stringContaining(told)]);
    expect(err).toContain('KEY_UNUSABLE');
    expect(err).not.toContain('wrong');
    expect(err).not.toMatch(/^\s+at /m);
    expect((await list(pinghu)).certificates.filter(({ use }) => use === 'seal')).toHaveLength(2);
  });

  test('RSA is taken in; card and next version say that of this CA only this certificate counts', async () => {
    const said = await pinghu.jieqiao(importSeal('rsa.p12', ['--ca', on('ca.pem')]));
    good(said);
    expect(said.out).toContain('jieqiao agreement amend pinghu-jinshan --own-keys');
    const card = parseCard(readFileSync(join(pinghu.dir, 'pinghu.330482.card.json')));
    const { fingerprint } = Certificate.parse(readFileSync(on('rsa.pem'), 'utf8'));
    expect(card.anchors).toEqual([
      expect.any(String),
      { certificate: expect.any(String), speakers: [{ use: 'seal', fingerprint }] },
    ]);
    good(
      await pinghu.jieqiao([
        'agreement',
        'amend',
        'pinghu-jinshan',
        '--own-keys',
        '--from',
        'now',
        '--out',
        on('v2.json'),
      ]),
    );
    good(await jinshan.jieqiao(['agreement', 'sign', on('v2.json')]));
    const { signatures } = parseAgreement(readFileSync(on('v2.json')));
    const ours = signatures.filter(({ node, certificate }) => node === pinghu.node && certificate);
    // By the delivered seal, and by one that the version before knows.
    expect(ours.map(({ certificate }) => certificate!.fingerprint === fingerprint).sort()).toEqual([false, true]);
    good(await pinghu.jieqiao(['agreement', 'import', on('v2.json')]));
  });

  test('a new node can begin with it', async () => {
    delivered('ec', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
    const more = ['--seal-p12', on('ec.p12'), '--seal-ca', on('ca.pem'), '--passphrase-file', on('seal.pass')];
    const desk = await desks.node('jiashan.330421', '嘉善县综合行政执法局', more);
    expect(parseCard(readFileSync(desk.card)).anchors).toHaveLength(2);
    expect((await list(desk)).certificates.filter(({ use }) => use === 'seal')).toHaveLength(2);
  });
});

describe('officers', () => {
  const officer = ['key', 'officer', '--name', '执法人员乙', '--cert-no', '33048200002'];

  test('for a request of their own device', async () => {
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'officer.key');
    openssl('req', '-new', '-key', 'officer.key', '-subj', '/CN=whatever', '-out', 'officer.csr');
    good(await pinghu.jieqiao([...officer, '--csr', on('officer.csr'), '--out', on('officer.pem')]));
    const certificate = Certificate.parse(readFileSync(on('officer.pem'), 'utf8'));
    expect(certificate.urn).toBe(officerUrn('pinghu.330482', '33048200002'));
    expect(openssl('x509', '-in', 'officer.pem', '-noout', '-subject', '-nameopt', 'utf8')).toContain('33048200002');
    const root = new KeyStore(join(pinghu.dir, 'keys')).load().roots[0]!;
    writeFileSync(on('root.pem'), root.toPem());
    expect(openssl('verify', '-x509_strict', '-CAfile', 'root.pem', 'officer.pem')).toContain('OK');
  });

  test('or made here, as PKCS#12 that openssl and this node read', async () => {
    good(await pinghu.jieqiao([...officer, '--p12', on('officer.p12'), '--passphrase-file', on('password')]));
    expect(statSync(on('officer.p12')).mode & 0o077).toBe(0);
    const pair = readPkcs12(readFileSync(on('officer.p12')), 'a password of my own');
    const text = openssl('pkcs12', '-in', 'officer.p12', '-passin', 'file:password', '-nodes');
    expect(text).toContain(pair.certificatePem.split('\n')[1]);
    expect(text).toContain(pair.privateKeyPem.split('\n')[1]);
    const { serial } = Certificate.parse(pair.certificatePem);
    good(await pinghu.jieqiao(['key', 'revoke', serial, '--reason', 'cessation-of-operation']));
    good(await pinghu.jieqiao(['key', 'crl', '--days', '30', '--out', on('officers.crl')]));
    expect(Crl.parse(readFileSync(on('officers.crl'))).entry(serial)).toMatchObject({
      reason: 'cessation-of-operation',
    });
  });

  test('the passphrase is asked for twice, hidden', async () => {
    const answers: [string, string][] = [
      ['设一个口令', 'hidden phrase 3'],
      ['再输一遍', 'hidden phrase 3'],
    ];
    const said = await pinghu.jieqiao([...officer, '--p12', on('asked.p12')], { answers });
    expect(said.code).toBe(0);
    expect(said.out + said.err).not.toContain('hidden phrase 3');
    expect(() => readPkcs12(readFileSync(on('asked.p12')), 'hidden phrase 3')).not.toThrow();
  });

  test.each([
    [['--csr', 'not.csr', '--out', 'x.pem'], 1, 'CERTIFICATE_MALFORMED'],
    [['--csr', 'officer.csr'], 2, '--out'],
    [[], 2, '--csr'],
    [['--csr', 'officer.csr', '--p12', 'x.p12'], 2, '--csr'],
  ])('%j → %i', async (more, expected, named) => {
    writeFileSync(on('not.csr'), 'hello');
    const paths = more.map((word) => (word.includes('.') ? on(word) : word));
    const { code, err } = await pinghu.jieqiao([...officer, ...paths]);
    expect([code, err]).toEqual([expected, expect.stringContaining(named)]);
  });
});
