import {
  type AgreementContent,
  type AgreementParty,
  type AgreementTimeAuthority,
  agreementFileBytes,
  Certificate,
  draftAgreement,
  nextVersion,
  nodePattern,
  partyFromCard,
} from '@jieqiao/core';
import { held, outOption } from './agreement-held';
import { signOwn, stampOwn, strangersIn } from './agreement-signing';
import { showAgreement, showChanges, tellNext } from './agreement-text';
import { type Cli, command, need, type Option, Stop, UsageError } from './command';
import { dayAhead, instantOf, toTheMinute } from './dates';
import { pathOf, readBounded, writeNew } from './files';
import { confirmFingerprints, fingerprintOption } from './fingerprints';
import { clockOf, configOf, configOption, keyStoreOf, withNode } from './node';
import { keepOwnCard, makeOwnCard, profileOf, readCard } from './own-card';
import { pemOrDer } from './seal';
import { checkOwnTerms, readTerms, termsFor, termsTemplate } from './terms';

const defaultYears = 3;
/** Time for everybody to sign and import before a next version begins, unless --from says otherwise. */
const daysToSign = 3;

const maxCertificateBytes = 32 * 1024;

const authorityOptions = {
  'time-authority': {
    value: 'NAME=CERT',
    many: true,
    about: {
      zh: '各方认可的时间戳服务及其证书（PEM 或 DER），可多次',
      en: 'a time-stamp authority in which all trust, and its certificate; may be given several times',
    },
  },
  'demo-time-authority': {
    value: 'NAME=CERT',
    many: true,
    about: { zh: '演示用的时间戳服务：每份核验结论都会注明', en: 'one for demonstration: every verdict will say so' },
  },
} as const satisfies Record<string, Option>;

export const agreementNew = command({
  name: 'agreement new',
  summary: {
    zh: '与一方或几方起草新协议，并用本方印章签署。签署前须逐方电话核对名片指纹',
    en: 'Draft a new agreement with one or more others and seal it. Each card’s fingerprint is compared by phone first',
  },
  options: {
    peer: {
      value: 'CARD',
      many: true,
      about: { zh: '对方的名片文件，每方一次', en: 'the other side’s card, once for each' },
    },
    ...fingerprintOption,
    ...outOption,
    id: {
      value: 'ID',
      about: { zh: '协议编号，缺省由各节点简称组成', en: 'by default made of the nodes’ short names' },
    },
    title: { value: 'TEXT', about: { zh: '标题', en: 'what people call it' } },
    from: {
      value: 'DATE',
      about: { zh: '生效日（该日零时起），缺省为现在', en: 'from the beginning of this day; by default now' },
    },
    to: {
      value: 'DATE',
      about: { zh: '终止日（该日零时止），缺省三年后', en: 'to the beginning of this day; by default in three years' },
    },
    terms: { value: 'FILE', about: { zh: '条款文件；缺省用通用条款', en: 'the terms; by default general ones' } },
    ...authorityOptions,
    ...configOption,
  },
  notes: {
    zh: `条款文件可照 ${termsTemplate} 改写：from 写 {{from}}、to 写 {{to}} 的方向适用于任意两方。`,
    en: `Make a terms file from ${termsTemplate}: a direction from {{from}} to {{to}} stands for any two parties.`,
  },
  async run(given, _operands, cli) {
    if (given.peer.length === 0) throw new UsageError({ zh: '缺少 --peer', en: '--peer is missing' });
    const out = pathOf(cli, need(given.out, 'out'));
    const { terminal } = cli;
    const config = configOf(cli, given.config);
    const now = clockOf(cli, config)();
    const keys = keyStoreOf(config).load();
    const own = makeOwnCard(config, keys, profileOf(config, keys), { now });
    const cards = given.peer.map((file) => readCard(pathOf(cli, file)));
    if (cards.some(({ node }) => node === config.node)) {
      throw new Stop({ zh: '--peer 给的是本节点自己的名片', en: '--peer is this node’s own card' });
    }
    const parties = [own, ...cards];
    const nodes = parties.map(({ node }) => node);
    const from = given.from === undefined ? toTheMinute(now) : instantOf(given.from, 'from', now);
    const termsFile = given.terms === undefined ? termsTemplate : pathOf(cli, given.terms);
    const content = draftAgreement({
      id:
        given.id ??
        nodes
          .map((node) => node.split('.')[0])
          .join('-')
          .slice(0, 80),
      title: given.title ?? defaultTitle(parties.map(({ authority }) => authority)),
      effective: { from, to: given.to === undefined ? yearsLater(from, defaultYears) : instantOf(given.to, 'to', now) },
      parties,
      ...timeAuthorities(cli, [], given),
      terms: readTerms(termsFile, nodes),
    });
    checkOwnTerms(content, termsFile);
    await confirmFingerprints(cli, cards, given.fingerprint);
    const signed = signOwn({ agreement: content, signatures: [] }, null, keys, now);
    const proposal = await stampOwn(signed, config.node, cli, config);
    writeNew(out, agreementFileBytes(proposal.file));
    terminal.line(terminal.say({ zh: '已起草并用印：{out}', en: 'Drafted and sealed: {out}' }, { out }));
    terminal.line();
    showAgreement(terminal, proposal);
    tellNext(terminal, proposal, null, out, config.node);
    return 0;
  },
});

export const agreementAmend = command({
  name: 'agreement amend',
  operands: 'ID',
  count: [1, 1],
  summary: {
    zh: '由现有最新一版起草下一版，并用本方印章签署',
    en: 'Draft the version that follows the newest one held, and seal it',
  },
  options: {
    ...outOption,
    party: {
      value: 'CARD',
      many: true,
      about: { zh: '加入一方，或更换一方的名片', en: 'a party joins, or has a new card' },
    },
    remove: { value: 'NODE', many: true, about: { zh: '一方退出', en: 'a party leaves' } },
    successor: {
      value: 'OLD=NEW@DATE',
      many: true,
      about: { zh: '自某日起由另一方承继其职权', en: 'from a date on another party has its powers' },
    },
    'own-keys': {
      about: {
        zh: '写入本节点最新的根证书、日志密钥和地址',
        en: 'take over this node’s newest root, log key and addresses',
      },
    },
    'newest-root-only': {
      about: { zh: '同时去掉本节点较早的根证书', en: 'with --own-keys: leave its earlier roots out' },
    },
    endpoint: {
      value: 'HOST',
      about: { zh: '改变本节点对外的域名或地址', en: 'change the name or address under which this node is reached' },
    },
    terms: { value: 'FILE', about: { zh: '新的条款文件', en: 'new terms' } },
    title: { value: 'TEXT', about: { zh: '新标题', en: 'a new title' } },
    from: {
      value: 'DATE',
      about: {
        zh: '生效日；缺省三天后，留出各方签署的时间',
        en: 'when it begins; by default in three days, so that all can sign',
      },
    },
    to: { value: 'DATE', about: { zh: '终止日；缺省不变', en: 'when it ends; by default as before' } },
    ...authorityOptions,
    ...fingerprintOption,
    ...configOption,
  },
  notes: {
    zh: '生效时间之前各方都应导入新版：导入晚的一方，其间按旧版发出的移送会被要求按新版重发。',
    en: 'All should have imported it before it begins: what a late one sends under the version before must be sent again.',
  },
  async run(given, [id], cli) {
    const out = pathOf(cli, need(given.out, 'out'));
    const { terminal } = cli;
    const config = configOf(cli, given.config);
    const now = clockOf(cli, config)();
    return withNode(cli, config, async (gateway) => {
      const keys = keyStoreOf(config).load();
      const previous = held(gateway, id!);
      const cards = given.party.map((file) => readCard(pathOf(cli, file)));
      const ownKeys = given['own-keys'] || given.endpoint !== undefined;
      const profile = profileOf(config, keys);
      const own = makeOwnCard(
        config,
        keys,
        { ...profile, host: given.endpoint ?? profile.host },
        {
          now,
          newestRootOnly: given['newest-root-only'],
        },
      );
      let parties = replaceParties(previous.content.parties, ownKeys ? [own, ...cards] : cards);
      parties = withSuccessors(parties, given.successor, now).filter(({ node }) => !given.remove.includes(node));
      mustKnow(previous.content.parties, given.remove);
      const nodes = parties.map(({ node }) => node);
      const nodesBefore = previous.content.parties.map(({ node }) => node);
      const from = given.from === undefined ? dayAhead(now, daysToSign) : instantOf(given.from, 'from', now);
      const content = nextVersion(previous, {
        title: given.title ?? previous.content.title,
        effective: {
          from,
          to: given.to === undefined ? previous.content.effective.to : instantOf(given.to, 'to', now),
        },
        parties,
        ...timeAuthorities(cli, previous.content.timeAuthorities ?? [], given),
        terms:
          given.terms === undefined
            ? termsFor(previous.content.terms, nodesBefore, nodes)
            : readTerms(pathOf(cli, given.terms), nodes),
      });
      checkOwnTerms(content, given.terms === undefined ? termsTemplate : pathOf(cli, given.terms));
      await confirmFingerprints(cli, strangersIn(content, gateway, config.node), given.fingerprint);
      const signed = signOwn({ agreement: content, signatures: [] }, previous, keys, now);
      const proposal = await stampOwn(signed, config.node, cli, config);
      writeNew(out, agreementFileBytes(proposal.file));
      // What is read aloud from now on is what the agreement says.
      if (ownKeys) keepOwnCard(config, own);
      terminal.line(
        terminal.say(
          { zh: '已起草并用印：{out}，{id} 第 {version} 版', en: 'Drafted and sealed: {out}, {id} version {version}' },
          { out, ...proposal.ref },
        ),
      );
      showChanges(terminal, previous.content, content);
      tellNext(terminal, proposal, previous, out, config.node);
      return 0;
    });
  },
});

function defaultTitle(authorities: readonly string[]): string {
  return `${authorities.join('、')}跨区域执法互认协议`.slice(0, 200);
}

function yearsLater(instant: string, years: number): string {
  const at = new Date(instant);
  at.setUTCFullYear(at.getUTCFullYear() + years);
  return at.toISOString();
}

/** A card takes the place of its party's description; what the agreement says of the authority's time stays. */
function replaceParties(
  parties: readonly AgreementParty[],
  cards: readonly Parameters<typeof partyFromCard>[0][],
): AgreementParty[] {
  const kept = parties.map((party): AgreementParty => {
    const card = cards.find(({ node }) => node === party.node);
    return card ? { ...party, ...partyFromCard(card) } : party;
  });
  return [...kept, ...cards.filter(({ node }) => !parties.some((party) => party.node === node)).map(partyFromCard)];
}

function withSuccessors(parties: readonly AgreementParty[], given: readonly string[], now: Date): AgreementParty[] {
  const node = nodePattern.slice(1, -1);
  const successors = given.map((text) => {
    const [, old, next, date] = new RegExp(`^(${node})=(${node})@(.+)$`).exec(text) ?? [];
    if (!old || !next || !date) {
      throw new UsageError({ zh: '--successor 须是 原节点=承继节点@日期', en: '--successor is OLD=NEW@DATE' });
    }
    return { old, successor: { node: next, from: instantOf(date, 'successor', now) } };
  });
  mustKnow(
    parties,
    successors.map(({ old }) => old),
  );
  return parties.map((party) => {
    const found = successors.find(({ old }) => old === party.node);
    return found ? { ...party, successor: found.successor } : party;
  });
}

function mustKnow(parties: readonly AgreementParty[], nodes: readonly string[]): void {
  const unknown = nodes.filter((node) => !parties.some((party) => party.node === node));
  if (unknown.length === 0) return;
  throw new Stop({ zh: '协议里没有 {unknown}', en: 'The agreement has no {unknown}' }, { unknown });
}

/** Those before, and those given: one of the same name takes its place. */
function timeAuthorities(
  cli: Cli,
  before: readonly AgreementTimeAuthority[],
  given: { 'time-authority': string[]; 'demo-time-authority': string[] },
): Pick<AgreementContent, 'timeAuthorities'> {
  const read = (option: keyof typeof given, demonstration: boolean) =>
    given[option].map((text): AgreementTimeAuthority => {
      const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (!name || !file)
        throw new UsageError({ zh: '--{option} 须是 名称=证书文件', en: '--{option} is NAME=CERT' }, { option });
      const bytes = readBounded(pathOf(cli, file), maxCertificateBytes, 'CERTIFICATE_MALFORMED');
      return { name, certificate: Certificate.parse(pemOrDer(bytes)).raw.toString('base64'), demonstration };
    });
  const added = [...read('time-authority', false), ...read('demo-time-authority', true)];
  const all = [...before.filter(({ name }) => !added.some((one) => one.name === name)), ...added];
  return all.length > 0 ? { timeAuthorities: all } : {};
}
