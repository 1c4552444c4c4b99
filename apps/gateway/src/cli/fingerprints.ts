import { type Card, cardFingerprint } from '@jieqiao/core';
import { type Cli, type Option, Stop, UsageError } from './command';

export const fingerprintOption = {
  fingerprint: {
    value: 'NODE=12345-…',
    many: true,
    about: {
      zh: '对方在电话里念的名片指纹，每方一次；不给则在终端里输入',
      en: 'a card’s fingerprint as read to you on the phone, once for each party; else it is asked for',
    },
  },
} as const satisfies Record<string, Option>;

const attempts = 3;
const digits = 25;

const digitsOf = (text: string) => text.replace(/\D/g, '');

/**
 * Goes on only when a person has heard every card's fingerprint from the other side. What they type is what they heard:
 * the screen does not show it before, for it would be copied.
 * @throws Stop when one differs or nobody can be asked; UsageError
 */
export async function confirmFingerprints(cli: Cli, cards: readonly Card[], given: readonly string[]): Promise<void> {
  const heard = new Map(given.map(readGiven));
  for (const node of heard.keys()) {
    if (cards.some((card) => card.node === node)) continue;
    throw new UsageError(
      { zh: '--fingerprint：不需要核对 {node}', en: '--fingerprint: {node} is not to be compared' },
      { node },
    );
  }
  for (const card of cards) {
    const { node, authority } = card;
    const expected = digitsOf(cardFingerprint(card));
    const said = heard.get(node) ?? (await askFor(cli, card, expected));
    if (said === expected) continue;
    throw new Stop(
      {
        zh: '{node}（{authority}）的名片指纹对不上，没有签署。\n可能听错；可能对方的密钥或地址在交出名片之后变过；也可能名片在途中被人换过。重新通话，请对方重新导出名片；仍然对不上就不要使用，请当面交付。',
        en: 'The fingerprint of {node} ({authority}) differs: nothing was signed.\nPerhaps misheard; perhaps their keys or address have changed since; perhaps the card was exchanged on its way. Call again and have the card exported anew; if it still differs, do not use it and have it handed over in person.',
      },
      { node, authority },
    );
  }
}

function readGiven(text: string): [string, string] {
  const [, node, fingerprint = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (node !== undefined && digitsOf(fingerprint).length === digits) return [node, digitsOf(fingerprint)];
  throw new UsageError({
    zh: '--fingerprint 须是 节点名=25 位数字，例如 jinshan.310116=12345-…',
    en: '--fingerprint is NODE=25 digits, such as jinshan.310116=12345-…',
  });
}

async function askFor(cli: Cli, { node, authority }: Card, expected: string): Promise<string> {
  const { terminal } = cli;
  if (!terminal.interactive) {
    throw new Stop(
      {
        zh: '没有核对 {node}（{authority}）的名片指纹，不能签署。\n打电话给对方，请其念出自己的指纹（jieqiao card），再加上\n--fingerprint {node}=念到的数字',
        en: 'Nothing is signed before the fingerprint of {node} ({authority}) is compared.\nCall the other side, have them read theirs (jieqiao card), and add\n--fingerprint {node}=WHAT-THEY-READ',
      },
      { node, authority },
    );
  }
  terminal.note(
    terminal.say(
      {
        zh: '请给 {authority} 打电话，由对方念出其指纹（对方运行 jieqiao card 或 jieqiao agreement show 可见），听一组输一组。',
        en: 'Call {authority}. They read their fingerprint (jieqiao card or jieqiao agreement show shows it); type it as you hear it.',
      },
      { authority },
    ),
  );
  const question = terminal.say({ zh: '{node} 的 25 位指纹：', en: 'The 25 digits of {node}: ' }, { node });
  let said = '';
  for (let attempt = 1; attempt <= attempts; attempt++) {
    said = digitsOf(await terminal.ask(question));
    if (said === expected) break;
    const short = said.length !== digits;
    terminal.problem(
      terminal.say(
        short
          ? { zh: '是 {count} 位，应为 25 位', en: 'These are {count} digits, not 25' }
          : { zh: '对不上，请对方再念一遍', en: 'It differs; have it read again' },
        { count: said.length },
      ),
    );
  }
  return said;
}
