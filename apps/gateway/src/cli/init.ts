import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Certificate, cardFingerprint, nodePattern } from '@jieqiao/core';
import { type KeyRing, loadConfig, NodeConfig } from '@jieqiao/platform';
import { cardBytesToFile } from './card';
import { type Cli, command, need, Stop, UsageError } from './command';
import { pathOf, readBounded, writeNew, writeWhole } from './files';
import { certificateIssued, clockOf, keyStoreOf, logEvents, logKeyIssued, withNode } from './node';
import { keepOwnCard, makeOwnCard, ownCardFile, type Profile, profileOf } from './own-card';
import { addPerson } from './people';
import { maxContainerBytes, sealPassphrase, takeSeal } from './seal';
import { secretFrom } from './secrets';

export const init = command({
  name: 'init',
  summary: {
    zh: '建立节点：根证书、密钥、设置、首位管理员、名片。中断后再执行会接着做，已有的不动',
    en: 'Make a node: root, keys, settings, first administrator, card. Done again it goes on where it stopped',
  },
  options: {
    node: {
      value: 'ID',
      about: { zh: '节点名：小写简称、点、六位行政区划代码', en: 'short name, point, GB/T 2260 code: pinghu.330482' },
    },
    authority: { value: 'NAME', about: { zh: '执法机关全称，与印章一致', en: 'the authority’s name, as on its seal' } },
    host: {
      value: 'NAME',
      many: true,
      about: {
        zh: '对端拨打的域名或地址，第一个写进名片；可多次',
        en: 'name or address that peers dial; the first one stands in the card; may be given several times',
      },
    },
    alias: { value: 'NAME', many: true, about: { zh: '机关的其他名称，可多次', en: 'another name of the authority' } },
    data: { value: 'DIR', about: { zh: '数据目录，缺省为当前目录', en: 'where everything goes; here by default' } },
    card: { value: 'FILE', about: { zh: '名片另存一份，例如存到 U 盘', en: 'a copy of the card, on a stick say' } },
    'http-port': { value: 'PORT', about: { zh: '人员使用的端口，缺省 8080', en: 'for people, 8080 by default' } },
    'grpc-port': {
      value: 'PORT',
      about: { zh: '对端投递信封的端口，缺省 9080', en: 'for envelopes, 9080 by default' },
    },
    'blob-port': { value: 'PORT', about: { zh: '对端传证据的端口，缺省 9081', en: 'for evidence, 9081 by default' } },
    'seal-p12': {
      value: 'FILE',
      about: { zh: '发证机构给的电子印章（PKCS#12）', en: 'a seal that a certification authority delivered (PKCS#12)' },
    },
    'seal-ca': { value: 'FILE', about: { zh: '签发该印章的 CA 证书', en: 'the certificate of the CA that issued it' } },
    'passphrase-file': {
      value: 'FILE',
      about: { zh: '印章文件的口令（第一行）', en: 'passphrase of the seal’s file' },
    },
    'admin-password-file': {
      value: 'FILE',
      about: { zh: '管理员密码（第一行）；不给则生成', en: 'the administrator’s password; made up when absent' },
    },
  },
  notes: {
    zh: '数据库由 DATABASE_URL 指定，缺省为数据目录里的 SQLite 文件。',
    en: 'DATABASE_URL names the database; by default an SQLite file among the data.',
  },
  async run(given, _operands, cli) {
    const { terminal, around } = cli;
    const node = need(given.node, 'node');
    const authority = need(given.authority, 'authority');
    if (!new RegExp(nodePattern).test(node)) {
      throw new UsageError({
        zh: '--node 须是小写简称、点和六位行政区划代码，例如 pinghu.330482',
        en: '--node is a short name in lower case, a point and a six-digit code, such as pinghu.330482',
      });
    }
    const config = configFor(cli, node, pathOf(cli, given.data ?? around.env.JIEQIAO_DATA_DIR ?? '.'), given);
    const host = given.host[0];
    checkRepeated(config, authority, host);
    const now = clockOf(cli, config);

    const store = keyStoreOf(config);
    const isNew = !store.exists;
    if (isNew) {
      const hosts = ['localhost', '127.0.0.1', ...(host === undefined ? [hostname()] : given.host)];
      await store.create({ node, authority, hosts: [...new Set(hosts)], now: now() });
    }
    let profile: Profile = existsSync(ownCardFile(config))
      ? profileOf(config, store.load())
      : { authority, aliases: given.alias, host: host ?? hostname(), issuers: [], roots: null };
    if (given['seal-p12'] !== undefined && !existsSync(ownCardFile(config))) {
      const container = readBounded(pathOf(cli, given['seal-p12']), maxContainerBytes, 'KEY_UNUSABLE');
      const passphrase = await sealPassphrase(cli, given['passphrase-file']);
      profile = takeSeal(cli, store, config, profile, container, passphrase, given['seal-ca']);
    }
    const keys = store.load();
    const passwordFile = await firstAdministrator(cli, config, keys, isNew, given['admin-password-file']);
    // Last: without it the next call still takes the seal in.
    const card = makeOwnCard(config, keys, profile, { now: now() });
    keepOwnCard(config, card);
    if (given.card !== undefined) cardBytesToFile(card, pathOf(cli, given.card));

    terminal.line(
      terminal.say(
        isNew
          ? { zh: '节点 {node}（{authority}）已建立', en: 'Node {node} ({authority}) is made' }
          : {
              zh: '节点 {node}（{authority}）已在，没有改动密钥',
              en: 'Node {node} ({authority}) was there; no key was changed',
            },
        { node, authority },
      ),
    );
    terminal.line();
    const label = (zh: string, en: string) => terminal.say({ zh, en });
    terminal.facts([
      [label('设置', 'settings'), join(config.dataDir, 'config.json')],
      [label('密钥', 'keys'), join(config.dataDir, 'keys')],
      [label('名片', 'card'), given.card === undefined ? ownCardFile(config) : pathOf(cli, given.card)],
      [label('对端拨打', 'peers dial'), `${card.endpoints.grpc}  ${card.endpoints.blobs}`],
      ...(passwordFile === null
        ? []
        : [
            [
              label('管理员', 'administrator'),
              label(
                `admin，密码在 ${passwordFile}，登录后删除`,
                `admin, password in ${passwordFile}; delete it once used`,
              ),
            ] as const,
          ]),
    ]);
    terminal.heading(label('名片指纹（电话里念给对方）', 'Card fingerprint, to be read aloud on the phone'));
    terminal.fingerprint(cardFingerprint(card));
    terminal.heading(label('下一步', 'Next'));
    terminal.paragraph(
      label(
        '与对方交换名片文件，打电话互念指纹。然后一方起草协议，另一方签署：',
        'Exchange cards with the other side and read each other the fingerprints. Then one side drafts, the other signs:',
      ),
      2,
    );
    terminal.line(
      `    jieqiao agreement new --peer ${label('对方名片', 'THEIR-CARD')} --out ${label('协议.json', 'agreement.json')}`,
    );
    terminal.line(`    jieqiao agreement sign ${label('协议.json', 'agreement.json')}`);
    if (existsSync(join(store.dir, 'root.key.pem'))) {
      terminal.line();
      terminal.paragraph(
        label(
          `建好以后把 ${join(store.dir, 'root.key.pem')} 移到离线的 U 盘：节点运行不需要它。`,
          `Afterwards move ${join(store.dir, 'root.key.pem')} to a stick that is kept offline: the node runs without it.`,
        ),
        2,
      );
    }
    return 0;
  },
});

type Ports = Partial<Record<'http-port' | 'grpc-port' | 'blob-port', string>>;

/** Writes `config.json` unless it is there, and reads it as the node will. */
function configFor(cli: Cli, node: string, dataDir: string, given: Ports): NodeConfig {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'config.json');
  // Where the data is, is said by --data; everything else the environment may say, as it may to the running node.
  const { JIEQIAO_DATA_DIR, JIEQIAO_CONFIG, ...env } = cli.around.env;
  const load = () => loadConfig({ argv: ['--config', file], env, cwd: dataDir });
  if (existsSync(file)) {
    const config = load();
    if (config.node === node) return config;
    throw new Stop(
      {
        zh: '{file} 属于节点 {other}，不是 {node}：换一个 --data 目录',
        en: '{file} is of node {other}, not {node}: choose another --data',
      },
      { file, other: config.node, node },
    );
  }
  const defaults = new NodeConfig();
  const port = (option: keyof Ports, variable: string, byDefault: number) => {
    const text = given[option] ?? env[variable] ?? String(byDefault);
    if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
    throw new UsageError(
      { zh: '--{option} 须是 0 至 65535 的数', en: '--{option} is a number from 0 to 65535' },
      { option },
    );
  };
  const settings = {
    node,
    dataDir: '.',
    http: { port: port('http-port', 'JIEQIAO_HTTP_PORT', defaults.http.port) },
    peer: {
      host: '0.0.0.0',
      grpcPort: port('grpc-port', 'JIEQIAO_PEER_GRPC_PORT', defaults.peer.grpcPort),
      blobPort: port('blob-port', 'JIEQIAO_PEER_BLOB_PORT', defaults.peer.blobPort),
    },
  };
  writeWhole(file, `${JSON.stringify(settings, null, 2)}\n`, 0o600);
  return load();
}

/** What stands in certificates and cards already is not changed by the way. @throws Stop */
function checkRepeated(config: NodeConfig, authority: string, host: string | undefined): void {
  if (!existsSync(ownCardFile(config))) return;
  const known = profileOf(config, keyStoreOf(config).load());
  if (known.authority !== authority) {
    throw new Stop(
      { zh: '这个节点属于 {known}，不是 {authority}', en: 'This node is {known}’s, not {authority}’s' },
      { known: known.authority, authority },
    );
  }
  if (host !== undefined && known.host !== host) {
    throw new Stop(
      {
        zh: '名片上的地址是 {known}。要改成 {host}：jieqiao card --host {host}',
        en: 'The card says {known}. To change it: jieqiao card --host {host}',
      },
      { known: known.host, host },
    );
  }
}

/**
 * Logs the first keys and adds `admin`, once. The password is in its file before it is in the database: killed between,
 * the next call uses the same one.
 * @returns the file that holds the password, or null when the administrator chose it
 */
async function firstAdministrator(
  cli: Cli,
  config: NodeConfig,
  keys: KeyRing,
  isNew: boolean,
  given: string | undefined,
): Promise<string | null> {
  const file = join(config.dataDir, 'admin-password');
  const chosen = given === undefined ? null : secretFrom(pathOf(cli, given));
  return withNode(cli, config, async (gateway) => {
    const exists = await gateway.access.hasPeople();
    if (isNew || !exists) {
      const use = (name: string, list: readonly Certificate[]) => list.map((one) => certificateIssued(name, one));
      await logEvents(gateway, [
        ...use('root', keys.roots),
        ...use(
          'seal',
          keys.seals.map(({ certificate }) => certificate),
        ),
        ...use(
          'node',
          keys.nodes.map(({ certificate }) => certificate),
        ),
        ...keys.logs.map(({ key }) => logKeyIssued(key)),
      ]);
    }
    if (exists) return existsSync(file) ? file : null;
    if (chosen === null && !existsSync(file)) writeNew(file, `${madeUpPassword()}\n`, 0o600);
    const password = chosen ?? secretFrom(file);
    await addPerson(gateway, { login: 'admin', password, name: '系统管理员', roles: ['administrator'] });
    return chosen === null ? file : null;
  });
}

/** Without letters and digits that are mistaken for one another: about 80 bits. */
function madeUpPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const letters = Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return letters.replace(/(.{4})(?!$)/g, '$1-');
}
