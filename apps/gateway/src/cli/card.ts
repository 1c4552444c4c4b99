import { type AgreementAnchor, type Card, Certificate, cardBytes, cardFingerprint } from '@jieqiao/core';
import { chinaDate } from '../words';
import { command } from './command';
import { pathOf, writeWhole } from './files';
import { clockOf, configOf, configOption, keyStoreOf } from './node';
import { keepOwnCard, makeOwnCard, profileOf, readCard } from './own-card';
import type { Terminal } from './terminal';

export const card = command({
  name: 'card',
  summary: {
    zh: '本节点的名片和指纹；密钥、地址变了以后重新生成',
    en: 'This node’s card and its fingerprint; made anew after keys or addresses have changed',
  },
  options: {
    out: { value: 'FILE', about: { zh: '写到文件，例如 U 盘上', en: 'write it to a file, on a stick say' } },
    host: {
      value: 'NAME',
      about: { zh: '改变对端拨打的域名或地址', en: 'change the name or address that peers dial' },
    },
    alias: {
      value: 'NAME',
      many: true,
      about: {
        zh: '机关的其他名称，可多次；替换原有的',
        en: 'other names of the authority; they replace those before',
      },
    },
    'newest-root-only': {
      about: {
        zh: '只写最新的根证书（换根的最后一步）',
        en: 'name the newest root alone, as the last step of a change of root',
      },
    },
    json: { about: { zh: '输出名片文件本身', en: 'print the card’s file itself' } },
    ...configOption,
  },
  run(given, _operands, cli) {
    const config = configOf(cli, given.config);
    const keys = keyStoreOf(config).load();
    const known = profileOf(config, keys);
    const profile = {
      ...known,
      host: given.host ?? known.host,
      aliases: given.alias.length > 0 ? given.alias : known.aliases,
    };
    const made = makeOwnCard(config, keys, profile, {
      now: clockOf(cli, config)(),
      newestRootOnly: given['newest-root-only'],
    });
    keepOwnCard(config, made);
    if (given.out !== undefined) cardBytesToFile(made, pathOf(cli, given.out));
    if (given.json) cli.terminal.line(cardBytes(made).toString());
    else showCard(cli.terminal, made);
    return 0;
  },
});

export const cardShow = command({
  name: 'card show',
  operands: 'FILE',
  count: [1, 1],
  summary: {
    zh: '看对方的名片，并与电话里听到的指纹比对',
    en: 'Look at somebody’s card, to compare its fingerprint by phone',
  },
  options: { json: { about: { zh: '以 JSON 输出', en: 'print JSON' } } },
  run(given, [file], cli) {
    const shown = readCard(pathOf(cli, file!));
    if (given.json) {
      cli.terminal.json({ fingerprint: cardFingerprint(shown), card: shown });
      return 0;
    }
    showCard(cli.terminal, shown);
    cli.terminal.line();
    cli.terminal.paragraph(
      cli.terminal.say({
        zh: '请打电话给对方（用已知的号码，不用随名片来的号码），由对方念出其屏幕上的指纹，逐组核对。有一位不同就不要使用这张名片。',
        en: 'Call the other side, at a number you know and not at one that came with the card. They read the fingerprint on their screen; compare every group. If one digit differs, do not use this card.',
      }),
    );
    return 0;
  },
});

/** The same bytes as everywhere: the fingerprint is over them. */
export function cardBytesToFile(made: Card, path: string): void {
  writeWhole(path, cardBytes(made));
}

export function showCard(terminal: Terminal, made: Card): void {
  const label = (zh: string, en: string) => terminal.say({ zh, en });
  terminal.line(
    terminal.paint('bold', terminal.say({ zh: '{authority}', en: '{authority}' }, { authority: made.authority })),
  );
  terminal.facts([
    [label('节点', 'node'), made.node],
    [label('行政区划', 'region'), made.region],
    ...(made.aliases.length > 0
      ? [
          [
            label('又名', 'also'),
            terminal.say({ zh: '{aliases}', en: '{aliases}' }, { aliases: made.aliases }),
          ] as const,
        ]
      : []),
    [label('信封', 'envelopes'), made.endpoints.grpc],
    [label('证据', 'evidence'), made.endpoints.blobs],
    ...made.anchors.map((anchor) => [label('根证书', 'root'), anchorLine(terminal, anchor)] as const),
    [label('日志密钥', 'log key'), made.logVkey.split('+')[1] ?? ''],
  ]);
  terminal.heading(label('指纹', 'Fingerprint'));
  terminal.fingerprint(cardFingerprint(made));
}

/** E.g. `…根证书，2026-11-22 至 2046-11-18`. */
export function anchorLine(terminal: Terminal, anchor: AgreementAnchor): string {
  const encoded = typeof anchor === 'string' ? anchor : anchor.certificate;
  const certificate = Certificate.parse(Buffer.from(encoded, 'base64'));
  const name = /^CN=(.*)$/m.exec(certificate.x509.subject)?.[1] ?? certificate.subject;
  const params = { name, from: chinaDate(certificate.notBefore), to: chinaDate(certificate.notAfter) };
  const own = terminal.say({ zh: '{name}，{from} 至 {to}', en: '{name}, {from} to {to}' }, params);
  if (typeof anchor === 'string') return own;
  return (
    own +
    terminal.say(
      { zh: '；公用 CA，只认 {count} 张证书', en: '; a CA that serves others, {count} certificates count' },
      { count: anchor.speakers.length },
    )
  );
}
