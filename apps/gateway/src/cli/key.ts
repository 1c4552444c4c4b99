import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Certificate,
  certNoPattern,
  encodeVkey,
  GatewayError,
  type LogEvent,
  type RevocationReason,
  revocationReasons,
  trustedParty,
} from '@jieqiao/core';
import type { KeyStore, StoredCertificate } from '@jieqiao/platform';
import type { Gateway } from '../gateway';
import { chinaDate, chinaMinute, daysUntil, type Text } from '../words';
import { command, need, Stop, UsageError } from './command';
import { pathOf, readBounded, writeNew } from './files';
import {
  certificateIssued,
  clockOf,
  configOf,
  configOption,
  dataKeyIssued,
  fingerprintOf,
  keyStoreOf,
  logEvents,
  logKeyIssued,
  withNode,
} from './node';
import { keepOwnCard, makeOwnCard, profileOf } from './own-card';
import { maxContainerBytes, pemOrDer, sealPassphrase, takeSeal } from './seal';
import { newSecret } from './secrets';
import type { Terminal } from './terminal';

const maxRequestBytes = 32 * 1024;
/** Enough of a serial number to tell certificates apart; any longer or shorter beginning that is unique will do. */
const shownSerial = 12;

type KeyUse = StoredCertificate['use'] | 'log' | 'data' | 'officer' | 'acts';
export const useWords: Readonly<Record<KeyUse, Text>> = {
  root: { zh: '根证书', en: 'root' },
  seal: { zh: '电子印章', en: 'seal' },
  node: { zh: '节点证书', en: 'node certificate' },
  log: { zh: '日志密钥', en: 'log key' },
  data: { zh: '数据密钥', en: 'data key' },
  officer: { zh: '执法人员证书', en: 'officer’s certificate' },
  acts: { zh: '同一违法行为比对密钥', en: 'secret of the same-act check' },
};

export const keyList = command({
  name: 'key list',
  summary: {
    zh: '本节点的证书和密钥：用途、有效期、序列号',
    en: 'This node’s certificates and keys: use, validity, serial number',
  },
  options: { json: { about: { zh: '以 JSON 输出', en: 'print JSON' } }, ...configOption },
  run(given, _operands, cli) {
    const { terminal } = cli;
    const config = configOf(cli, given.config);
    const store = keyStoreOf(config);
    const keys = store.load();
    const now = clockOf(cli, config)();
    const revokedAt = (certificate: Certificate) =>
      keys.crls.map((crl) => crl.entry(certificate.serial)).find((entry) => entry !== null)?.revokedAt ?? null;
    const rows = store.certificates().map(({ use, generation, certificate }) => ({
      use,
      generation,
      serial: certificate.serial,
      subject: certificate.subject,
      fingerprint: fingerprintOf(certificate),
      notBefore: certificate.notBefore.toISOString(),
      notAfter: certificate.notAfter.toISOString(),
      daysLeft: daysUntil(certificate.notAfter, now),
      revokedAt: revokedAt(certificate)?.toISOString() ?? null,
    }));
    const logs = keys.logs.map(({ key }) => encodeVkey(key));
    const crls = keys.crls.map((crl) => ({ number: crl.number, nextUpdate: crl.nextUpdate.toISOString() }));
    if (given.json) {
      terminal.json({ certificates: rows, logKeys: logs, crls });
      return 0;
    }
    const cell = (row: (typeof rows)[number]): string => {
      if (row.revokedAt !== null) return terminal.say({ zh: '已吊销', en: 'revoked' });
      if (row.daysLeft < 0) return terminal.say({ zh: '已到期', en: 'expired' });
      return terminal.say({ zh: '{days} 天', en: '{days} days' }, { days: row.daysLeft });
    };
    terminal.table([
      [
        { zh: '用途', en: 'use' },
        { zh: '代', en: 'gen' },
        { zh: '有效期', en: 'valid' },
        { zh: '还有', en: 'left' },
        { zh: '序列号', en: 'serial' },
      ].map((text) => terminal.paint('dim', terminal.say(text))),
      ...rows.map((row) => [
        terminal.say(useWords[row.use]),
        String(row.generation),
        `${chinaDate(row.notBefore)} – ${chinaDate(row.notAfter)}`,
        cell(row),
        row.serial.slice(0, shownSerial),
      ]),
    ]);
    terminal.line();
    terminal.facts([
      ...logs.map((vkey) => [terminal.say(useWords.log), vkey.split('+')[1]!] as const),
      ...crls.map(
        ({ number, nextUpdate }) =>
          [
            terminal.say({ zh: '吊销列表', en: 'revocations' }),
            terminal.say(
              { zh: '第 {number} 号，{date} 前更新', en: 'number {number}, next by {date}' },
              { number, date: chinaDate(nextUpdate) },
            ),
          ] as const,
      ),
      [
        terminal.say({ zh: '根密钥', en: 'root key' }),
        rootKeysHere(store).length > 0
          ? terminal.say({ zh: '在本机，宜移到离线的 U 盘', en: 'on this machine; better on a stick kept offline' })
          : terminal.say({ zh: '不在本机', en: 'not on this machine' }),
      ],
    ]);
    return 0;
  },
});

const rotatable = ['node', 'seal', 'data', 'acts', 'log', 'root'] as const;
type Rotatable = (typeof rotatable)[number];

export const keyRotate = command({
  name: 'key rotate',
  operands: rotatable.join('|'),
  count: [1, 1],
  summary: {
    zh: '换发密钥和证书。node、seal、data、acts 换后即用，不停机、不改协议；log、root 换后须签新版协议才启用',
    en: 'Make a new key. node, seal, data and acts are used at once, with no stop and no new agreement; log and root once a new version names them',
  },
  options: {
    host: {
      value: 'NAME',
      many: true,
      about: {
        zh: '（node）证书上的域名或地址；缺省照旧',
        en: '(node) names in the certificate; by default as before',
      },
    },
    authority: {
      value: 'NAME',
      about: { zh: '（root）机关的现名；缺省照旧', en: '(root) the authority’s name now; by default as before' },
    },
    ...configOption,
  },
  notes: {
    zh: 'node、seal、root 需要根密钥：把它放回 keys 目录，做完再取走。旧密钥都留着，已签的仍可核验；acts 不签名，旧的即销毁。',
    en: 'node, seal and root need the root key: put it back into keys, take it away afterwards. Old keys stay; what they signed stays good. acts signs nothing: the old one is destroyed.',
  },
  async run(given, [what], cli) {
    if (!rotatable.includes(what as Rotatable)) {
      throw new UsageError({ zh: '换哪个？{rotatable}', en: 'Which one? {rotatable}' }, { rotatable });
    }
    const { terminal } = cli;
    const config = configOf(cli, given.config);
    const store = keyStoreOf(config);
    const now = clockOf(cli, config)();
    if (what === 'acts') {
      store.renewActSecret();
      terminal.line(terminal.say({ zh: '已换发{use}', en: 'Made: a new {use}' }, { use: useWords.acts }));
      return 0;
    }
    await withNode(cli, config, async (gateway) => {
      const events: LogEvent[] = [];
      if (what === 'log') events.push(logKeyIssued(store.rotateLog().key));
      else if (what === 'data') events.push(dataKeyIssued(store.rotateData()));
      else if (what === 'root') {
        const before = new Set(store.certificates().map(({ certificate }) => certificate.fingerprint));
        await store.rotateRoot(now, given.authority);
        for (const { use, certificate } of store.certificates()) {
          if (!before.has(certificate.fingerprint)) events.push(certificateIssued(use, certificate));
        }
      } else {
        const root = agreedRoot(gateway, store);
        const hosts = given.host.length > 0 ? [...new Set(['localhost', '127.0.0.1', ...given.host])] : undefined;
        const certificate =
          what === 'node' ? await store.issueNode(now, hosts, root) : await store.issueSeal(now, root);
        events.push(certificateIssued(what!, certificate));
      }
      await logEvents(gateway, events);
      // The card says what the newest keys are.
      const keys = store.load();
      keepOwnCard(config, makeOwnCard(config, keys, profileOf(config, keys), { now }));
      terminal.line(terminal.say({ zh: '已换发{use}', en: 'Made: a new {use}' }, { use: useWords[what as Rotatable] }));
      if (what === 'data') {
        terminal.paragraph(
          terminal.say({
            zh: '运行中的节点几秒内换用新的。旧数据密钥须一直留着：没有它，此前的个人信息再也打不开。',
            en: 'A running node uses it within seconds. Keep the old one for ever: without it, earlier personal data can’t be opened.',
          }),
        );
      } else if (what === 'node' || what === 'seal') {
        terminal.paragraph(
          terminal.say({
            zh: '运行中的节点几秒内换用新的。旧证书到期前仍然有效；若旧密钥可能泄露，另用 jieqiao key revoke 吊销。',
            en: 'A running node uses it within seconds. The old certificate stays valid until it runs out; if its key may have leaked, jieqiao key revoke.',
          }),
        );
      } else tellToAmend(terminal, gateway, now);
    });
    return 0;
  },
});

export const keyRevoke = command({
  name: 'key revoke',
  operands: 'SERIAL',
  count: [1, 1],
  summary: {
    zh: '吊销本机关的一张证书：自此刻起它签的不再有效，此前签的仍有效',
    en: 'Revoke a certificate of this authority: what it signs from now on does not count, what it signed before does',
  },
  options: {
    reason: {
      value: 'REASON',
      about: { zh: `原因：${revocationReasons.join('、')}`, en: `one of ${revocationReasons.join(', ')}` },
    },
    ...configOption,
  },
  notes: {
    zh: 'SERIAL 见 jieqiao key list，给开头几位即可。需要根密钥。新的吊销列表随下次联络自动送到各对端。',
    en: 'SERIAL as in jieqiao key list; its first digits will do. Needs the root key. Peers get the new list with the next contact.',
  },
  async run(given, [serial], cli) {
    const { terminal } = cli;
    const reason = need(given.reason, 'reason') as RevocationReason;
    if (!revocationReasons.includes(reason)) {
      throw new UsageError(
        { zh: '--reason 须是其中之一：{reasons}', en: '--reason is one of {reasons}' },
        { reasons: revocationReasons },
      );
    }
    const config = configOf(cli, given.config);
    const store = keyStoreOf(config);
    const found = certificateBySerial(store, serial!);
    if (found?.use === 'root') {
      throw new Stop({
        zh: '根证书不能由它自己吊销。换根：jieqiao key rotate root，再签新版协议去掉旧根，见 docs/guides/keys.md',
        en: 'A root can’t be revoked by itself. Replace it: jieqiao key rotate root, then a version without the old one; see docs/guides/keys.md',
      });
    }
    const now = clockOf(cli, config)();
    await withNode(cli, config, async (gateway) => {
      const full = found?.certificate.serial ?? serial!.replaceAll(':', '').toUpperCase();
      const crl = await store.revoke(full, reason, now);
      const fingerprint = found ? fingerprintOf(found.certificate) : null;
      await logEvents(gateway, [
        { event: 'key.revoked', subject: { fingerprint, reason, serial: full } },
        { event: 'crl.taken', subject: { digest: crl.digest, number: crl.number, peer: config.node } },
      ]);
      const use = found ? useWords[found.use] : useWords.officer;
      terminal.line(
        terminal.say(
          {
            zh: '已吊销{use} {serial}，吊销列表第 {number} 号',
            en: 'Revoked: {use} {serial}; revocation list number {number}',
          },
          { use, serial: full.slice(0, shownSerial), number: crl.number },
        ),
      );
      if (found) {
        terminal.paragraph(
          terminal.say(
            {
              zh: '若没有别的可用，换发：jieqiao key rotate {use}',
              en: 'If there is no other: jieqiao key rotate {use}',
            },
            { use: found.use },
          ),
        );
      }
    });
    return 0;
  },
});

export const keyCrl = command({
  name: 'key crl',
  summary: {
    zh: '更新吊销列表：过了一半期限才重签，--days 则立即重签。需要根密钥',
    en: 'Renew the revocation list when half its time is over; with --days at once. Needs the root key',
  },
  options: {
    days: {
      value: 'N',
      about: {
        zh: '立即重签，有效 N 天（1 至 400）：根密钥长期离线之前用',
        en: 'sign anew for N days (1 to 400): before the root key goes offline for long',
      },
    },
    out: { value: 'FILE', about: { zh: '把最新的列表（DER）另存一份', en: 'a copy of the newest list (DER)' } },
    ...configOption,
  },
  async run(given, _operands, cli) {
    const { terminal } = cli;
    const config = configOf(cli, given.config);
    const store = keyStoreOf(config);
    const days = given.days === undefined ? undefined : Number(given.days);
    if (days !== undefined && !(Number.isInteger(days) && days >= 1 && days <= 400)) {
      throw new UsageError({ zh: '--days 须是 1 至 400 的整数', en: '--days is a whole number from 1 to 400' });
    }
    if (rootKeysHere(store).length === 0) {
      throw new GatewayError('KEY_UNUSABLE', { reason: 'root-key-not-here', file: 'root.key.pem', dir: store.dir });
    }
    const issued = await store.refreshCrls(clockOf(cli, config)(), days);
    if (issued.length > 0) {
      await withNode(cli, config, (gateway) =>
        logEvents(
          gateway,
          issued.map(({ digest, number }) => ({ event: 'crl.taken', subject: { digest, number, peer: config.node } })),
        ),
      );
    }
    const newest = store.load().crls;
    for (const crl of newest) {
      const words = issued.includes(crl)
        ? { zh: '已更新：第 {number} 号，下次在 {date} 前更新', en: 'Renewed: number {number}, next by {date}' }
        : { zh: '不用更新：第 {number} 号，{date} 前更新即可', en: 'Not due: number {number}, next by {date}' };
      terminal.line(terminal.say(words, { number: crl.number, date: chinaMinute(crl.nextUpdate) }));
    }
    if (given.out !== undefined && newest[0]) writeNew(pathOf(cli, given.out), newest[0].raw);
    return 0;
  },
});

export const keyImportSeal = command({
  name: 'key import-seal',
  operands: 'FILE',
  count: [1, 1],
  summary: {
    zh: '装入发证机构给的电子印章（PKCS#12，P-256 或 2048 位以上 RSA）',
    en: 'Take in a seal that a certification authority delivered (PKCS#12; P-256, or RSA from 2,048 bits)',
  },
  options: {
    ca: {
      value: 'FILE',
      about: {
        zh: '签发它的 CA 证书（不是本节点的根签发时）',
        en: 'the certificate of the CA that issued it, unless this node’s root did',
      },
    },
    'passphrase-file': {
      value: 'FILE',
      about: { zh: '口令所在文件（第一行）；不给则输入', en: 'its first line is the passphrase; else it is asked for' },
    },
    ...configOption,
  },
  async run(given, [file], cli) {
    const { terminal } = cli;
    const config = configOf(cli, given.config);
    const store = keyStoreOf(config);
    const container = readBounded(pathOf(cli, file!), maxContainerBytes, 'KEY_UNUSABLE');
    const passphrase = await sealPassphrase(cli, given['passphrase-file']);
    const before = profileOf(config, store.load());
    const profile = takeSeal(cli, store, config, before, container, passphrase, given.ca);
    const keys = store.load();
    const now = clockOf(cli, config)();
    keepOwnCard(config, makeOwnCard(config, keys, profile, { now }));
    const { certificate } = keys.seals[0]!;
    await withNode(cli, config, async (gateway) => {
      await logEvents(gateway, [certificateIssued('seal', certificate)]);
      terminal.line(
        terminal.say(
          { zh: '已装入印章：{subject}，至 {date}', en: 'Taken in: {subject}, until {date}' },
          { subject: certificate.subject.replaceAll('\n', ', '), date: chinaDate(certificate.notAfter) },
        ),
      );
      if (profile !== before) tellToAmend(terminal, gateway, now);
    });
    return 0;
  },
});

export const keyOfficer = command({
  name: 'key officer',
  summary: {
    zh: '给执法人员签发证书，载明执法证号。需要根密钥',
    en: 'Issue an officer’s certificate, with the number of the enforcement certificate. Needs the root key',
  },
  options: {
    name: { value: 'NAME', about: { zh: '姓名', en: 'the officer’s name' } },
    'cert-no': { value: 'NUMBER', about: { zh: '执法证号', en: 'number of the enforcement certificate' } },
    csr: {
      value: 'FILE',
      about: { zh: '其密钥设备生成的证书请求（PKCS#10）', en: 'a request made by the officer’s own device (PKCS#10)' },
    },
    p12: {
      value: 'FILE',
      about: { zh: '没有请求时：生成密钥，写成 PKCS#12', en: 'without a request: make a key and write it as PKCS#12' },
    },
    'passphrase-file': {
      value: 'FILE',
      about: {
        zh: '（p12）口令所在文件；不给则输入',
        en: '(p12) its first line is the passphrase; else it is asked for',
      },
    },
    out: { value: 'FILE', about: { zh: '（csr）证书写到哪个文件', en: '(csr) where the certificate goes' } },
    ...configOption,
  },
  async run(given, _operands, cli) {
    const { terminal } = cli;
    const name = need(given.name, 'name');
    const certNo = need(given['cert-no'], 'cert-no');
    if (!new RegExp(certNoPattern).test(certNo)) {
      throw new UsageError({
        zh: '--cert-no 须是 4 至 32 位字母、数字、连字符',
        en: '--cert-no is 4 to 32 letters, digits, hyphens',
      });
    }
    if ((given.csr === undefined) === (given.p12 === undefined)) {
      throw new UsageError({ zh: '--csr 和 --p12 给一个', en: 'Give either --csr or --p12' });
    }
    const config = configOf(cli, given.config);
    const store = keyStoreOf(config);
    const now = clockOf(cli, config)();
    await withNode(cli, config, async (gateway) => {
      const root = agreedRoot(gateway, store);
      let certificate: Certificate;
      let out: string;
      if (given.csr !== undefined) {
        out = pathOf(cli, need(given.out, 'out'));
        const request = readBounded(pathOf(cli, given.csr), maxRequestBytes, 'CERTIFICATE_MALFORMED');
        certificate = await store.certifyOfficer(pemOrDer(request), { name, certNo }, now, root);
        writeNew(out, certificate.toPem());
      } else {
        out = pathOf(cli, given.p12!);
        const passphrase = await newSecret(cli, given['passphrase-file'], 'passphrase-file', {
          zh: '给 PKCS#12 设一个口令：',
          en: 'A passphrase for the PKCS#12: ',
        });
        const made = await store.issueOfficer({ name, certNo }, passphrase, now, root);
        certificate = made.certificate;
        writeNew(out, made.container, 0o600);
      }
      await logEvents(gateway, [certificateIssued('officer', certificate)]);
      terminal.line(
        terminal.say(
          { zh: '已签发：{name}（{certNo}）→ {out}', en: 'Issued: {name} ({certNo}) → {out}' },
          { name, certNo, out },
        ),
      );
      terminal.facts([
        [terminal.say({ zh: '序列号', en: 'serial' }), certificate.serial],
        [terminal.say({ zh: '至', en: 'until' }), chinaDate(certificate.notAfter)],
      ]);
      terminal.paragraph(
        terminal.say({
          zh: '记下序列号：证书遗失或人员调离时凭它吊销（jieqiao key revoke）。',
          en: 'Keep the serial number: it is what jieqiao key revoke needs when the key is lost or the officer leaves.',
        }),
      );
    });
    return 0;
  },
});

/** The newest root that every agreement in force names: what is issued under it can be used now. */
function agreedRoot(gateway: Gateway, store: KeyStore): number | undefined {
  const agreements = gateway.agreements.inForce(gateway.now());
  const named = agreements.map(({ trust }) =>
    (trustedParty(trust, gateway.agreements.node)?.anchors ?? []).map(({ certificate }) => certificate.fingerprint),
  );
  const roots = store.certificates().filter(({ use }) => use === 'root');
  return roots.find(({ certificate }) => named.every((anchors) => anchors.includes(certificate.fingerprint)))
    ?.generation;
}

/**
 * One of this store, by the beginning of its serial number; undefined for one that was handed out, by the whole of it.
 * @throws Stop when several begin like this, or it is neither
 */
function certificateBySerial(store: KeyStore, given: string): StoredCertificate | undefined {
  const serial = given.replaceAll(':', '').toUpperCase();
  const found = store.certificates().filter(({ certificate }) => certificate.serial.startsWith(serial));
  if (found.length > 1) {
    throw new Stop(
      {
        zh: '有 {count} 张证书的序列号以 {serial} 开头，多给几位',
        en: '{count} serial numbers begin with {serial}; give more digits',
      },
      { count: found.length, serial },
    );
  }
  if (found.length === 0 && !/^[0-9A-F]{32}$/.test(serial)) {
    throw new Stop(
      {
        zh: '没有序列号以 {serial} 开头的证书。执法人员的证书不在这里，须给出完整的 32 位序列号',
        en: 'No serial number begins with {serial}. Officers’ certificates are not kept here: give all 32 digits',
      },
      { serial },
    );
  }
  return found[0];
}

export function rootKeysHere(store: KeyStore): string[] {
  return store
    .certificates()
    .filter(({ use }) => use === 'root')
    .map(({ generation }) => join(store.dir, `root${generation === 1 ? '' : `-${generation}`}.key.pem`))
    .filter((path) => isReadable(path));
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

function tellToAmend(terminal: Terminal, gateway: Gateway, now: Date): void {
  const ids = gateway.agreements.inForce(now).map(({ ref }) => ref.id);
  if (ids.length === 0) return;
  terminal.heading(
    terminal.say({
      zh: '下一步：写进协议，各方签署后启用',
      en: 'Next: into the agreement; it is used once all have signed',
    }),
  );
  for (const id of ids) terminal.line(`    jieqiao agreement amend ${id} --own-keys --out ${id}.json`);
}
