import { existsSync } from 'node:fs';
import {
  type AgreementContent,
  type AgreementProposal,
  agreementFileBytes,
  maxAgreementBytes,
  parseProposal,
  signaturesDue,
} from '@jieqiao/core';
import { agreementDiff, changeWords } from '@jieqiao/recognition';
import type { Gateway } from '../gateway';
import { chinaMinute } from '../words';
import { held, outOption } from './agreement-held';
import { mustFollow, mustStateOurKeys, signOwn, stampOwn, strangersIn } from './agreement-signing';
import {
  dueLines,
  showAgreement,
  showChanges,
  showTerms,
  stateOfVersion,
  tellNext,
  versionStateWords,
} from './agreement-text';
import { type Cli, command, need, type Option, Stop } from './command';
import { pathOf, readBounded, writeNew, writeWhole } from './files';
import { confirmFingerprints, fingerprintOption } from './fingerprints';
import { configOf, configOption, keyStoreOf, withNode } from './node';
import { profileOf } from './own-card';
import type { Terminal } from './terminal';
import { checkTerms } from './terms';

const jsonOption = { json: { about: { zh: '以 JSON 输出', en: 'print JSON' } } } as const satisfies Record<
  string,
  Option
>;

export const agreementShow = command({
  name: 'agreement show',
  operands: 'FILE|ID[@VERSION]',
  count: [1, 1],
  summary: {
    zh: '看一份协议：当事方、指纹、期限、条款、谁已签署',
    en: 'Look at an agreement: parties, fingerprints, dates, terms, who has signed',
  },
  options: { ...jsonOption, ...configOption },
  async run(given, [what], cli) {
    const proposal = await open(cli, what!, given.config);
    if (given.json) {
      const { content, ref, signed, missing } = proposal;
      cli.terminal.json({ ...ref, signed, missing, agreement: content });
      return 0;
    }
    showAgreement(cli.terminal, proposal);
    showTerms(cli.terminal, proposal.content);
    return 0;
  },
});

export const agreementDiffCommand = command({
  name: 'agreement diff',
  operands: 'FILE|ID[@VERSION] FILE|ID[@VERSION]',
  count: [2, 2],
  summary: { zh: '两版协议之间改了什么', en: 'What changes between two versions' },
  options: { ...jsonOption, ...configOption },
  async run(given, operands, cli) {
    const [before, after] = await Promise.all(operands.map((what) => open(cli, what, given.config)));
    if (given.json) {
      const changes = agreementDiff(before!.content, after!.content);
      cli.terminal.json(
        changes.map((change) => ({
          ...change,
          words: { zh: changeWords(change, 'zh'), en: changeWords(change, 'en') },
        })),
      );
      return 0;
    }
    showChanges(cli.terminal, before!.content, after!.content);
    return 0;
  },
});

export const agreementSign = command({
  name: 'agreement sign',
  operands: 'FILE',
  count: [1, 1],
  summary: {
    zh: '看清一份协议改了什么，核对未见过的当事方的指纹，然后用本方印章签署；各方都签齐时随即导入',
    en: 'See what an agreement says, compare the fingerprints of parties not seen before, seal it; complete, it is imported',
  },
  options: {
    ...fingerprintOption,
    out: {
      value: 'FILE',
      about: { zh: '签署后写到另一个文件；缺省写回原文件', en: 'write to another file; by default to the same' },
    },
    'no-import': { about: { zh: '签齐了也不导入', en: 'do not import it, even when complete' } },
    ...configOption,
  },
  async run(given, [what], cli) {
    const { terminal } = cli;
    const file = pathOf(cli, what!);
    const out = given.out === undefined ? file : pathOf(cli, given.out);
    const config = configOf(cli, given.config);
    const before = parseProposal(readBounded(file, maxAgreementBytes, 'AGREEMENT_MALFORMED'));
    checkTerms(before.content);
    return withNode(cli, config, async (gateway) => {
      const { id, digest } = before.ref;
      if (gateway.agreements.all().some(({ ref }) => ref.digest === digest)) {
        terminal.line(
          terminal.say({ zh: '这一版已经导入，不用再签', en: 'This version is imported already; nothing is to sign' }),
        );
        return 0;
      }
      const keys = keyStoreOf(config).load();
      const previous = gateway.agreements.versions(id).at(-1) ?? null;
      mustFollow(before, previous);
      gateway.agreements.refuseStolenSeals(before.signatures);
      mustStateOurKeys(before.content, keys, profileOf(config, keys));
      const strangers = strangersIn(before.content, gateway, config.node);
      showAgreement(
        terminal,
        before,
        strangers.map(({ node }) => node),
      );
      if (previous) showChanges(terminal, previous.content, before.content);
      else showTerms(terminal, before.content);
      await confirmFingerprints(cli, strangers, given.fingerprint);
      await mustAgree(cli, before.content);
      const signed = signOwn(before.file, previous, keys, gateway.now());
      const proposal = await stampOwn(signed, config.node, cli, config);
      writeWhole(out, agreementFileBytes(proposal.file));
      terminal.line();
      terminal.line(terminal.say({ zh: '已用印：{out}', en: 'Sealed: {out}' }, { out }));
      const complete = signaturesDue(proposal, previous).length === 0;
      if (complete && !given['no-import']) await takeIn(terminal, gateway, agreementFileBytes(proposal.file));
      tellNext(terminal, proposal, previous, out, config.node);
      return 0;
    });
  },
});

export const agreementImport = command({
  name: 'agreement import',
  operands: 'FILE',
  count: [1, 1],
  summary: {
    zh: '导入各方都已签署的协议；运行中的节点几秒内采用，不用重启',
    en: 'Take in an agreement that all have signed; a running node uses it within seconds, without a restart',
  },
  options: { ...configOption },
  run(given, [what], cli) {
    const config = configOf(cli, given.config);
    const bytes = readBounded(pathOf(cli, what!), maxAgreementBytes, 'AGREEMENT_MALFORMED');
    checkTerms(parseProposal(bytes).content);
    return withNode(cli, config, async (gateway) => {
      await takeIn(cli.terminal, gateway, bytes);
      return 0;
    });
  },
});

export const agreementExport = command({
  name: 'agreement export',
  operands: 'ID[@VERSION]',
  count: [1, 1],
  summary: {
    zh: '把持有的一版写成文件：交给缺这一版的一方，或作离线核验的依据',
    en: 'Write a version that is held to a file: for a party that lacks it, or as the offline verifier’s trust',
  },
  options: { ...outOption, ...configOption },
  async run(given, [what], cli) {
    const out = pathOf(cli, need(given.out, 'out'));
    const config = configOf(cli, given.config);
    const agreement = await withNode(cli, config, async (gateway) => held(gateway, what!));
    writeNew(out, agreement.bytes);
    cli.terminal.line(
      cli.terminal.say(
        { zh: '{id} 第 {version} 版 → {out}', en: '{id} version {version} → {out}' },
        { ...agreement.ref, out },
      ),
    );
    return 0;
  },
});

export const agreementStatus = command({
  name: 'agreement status',
  operands: '[FILE…]',
  count: [0, 100],
  summary: {
    zh: '持有哪些协议、哪一版在生效、还有几天；给出文件时说明还缺谁签署',
    en: 'Which agreements are held, which version is in force, for how long; of files, whose signature is missing',
  },
  options: { ...jsonOption, ...configOption },
  run(given, files, cli) {
    const { terminal } = cli;
    const proposals = files.map((file) => {
      return {
        file,
        proposal: parseProposal(readBounded(pathOf(cli, file), maxAgreementBytes, 'AGREEMENT_MALFORMED')),
      };
    });
    return withNode(cli, configOf(cli, given.config), async (gateway) => {
      const book = gateway.agreements;
      const now = gateway.now();
      const rows = book
        .all()
        .sort((a, b) => (a.ref.id === b.ref.id ? b.ref.version - a.ref.version : a.ref.id < b.ref.id ? -1 : 1))
        .map((agreement) => ({ agreement, ...stateOfVersion(agreement, book.versions(agreement.ref.id), now) }));
      const pending = proposals.map(({ file, proposal }) => {
        const due = signaturesDue(proposal, book.versions(proposal.ref.id).at(-1) ?? null);
        return { file, ref: proposal.ref, held: book.all().some(({ ref }) => ref.digest === proposal.ref.digest), due };
      });
      if (given.json) {
        terminal.json({
          agreements: rows.map(({ agreement, ...state }) => {
            return { ...agreement.ref, title: agreement.content.title, ...agreement.content.effective, ...state };
          }),
          files: pending,
        });
        return 0;
      }
      if (rows.length === 0)
        terminal.line(terminal.say({ zh: '还没有导入任何协议', en: 'No agreement is imported yet' }));
      let last = '';
      for (const { agreement, state, until, daysLeft } of rows) {
        const { ref, content } = agreement;
        if (ref.id !== last) {
          if (last !== '') terminal.line();
          terminal.line(
            terminal.paint(
              'bold',
              terminal.say({ zh: '{id}  {title}', en: '{id}  {title}' }, { id: ref.id, title: content.title }),
            ),
          );
          last = ref.id;
        }
        const words = versionStateWords[state][terminal.language];
        const rest =
          daysLeft === null
            ? ''
            : terminal.say({ zh: '，还有 {days} 天', en: ', {days} days left' }, { days: daysLeft });
        terminal.facts([
          [
            terminal.say({ zh: '第 {version} 版', en: 'version {version}' }, { ...ref }),
            `${terminal.paint(state === 'in-force' ? 'green' : 'dim', words)}${rest}  ${chinaMinute(content.effective.from)} – ${chinaMinute(until)}`,
          ],
        ]);
      }
      for (const { file, ref, held: isHeld, due } of pending) {
        terminal.heading(
          terminal.say({ zh: '{file}：{id} 第 {version} 版', en: '{file}: {id} version {version}' }, { file, ...ref }),
        );
        if (isHeld) terminal.line(terminal.say({ zh: '  已导入', en: '  imported' }));
        else if (due.length === 0)
          terminal.line(
            terminal.say(
              {
                zh: '  已签齐，可以导入：jieqiao agreement import {file}',
                en: '  complete: jieqiao agreement import {file}',
              },
              { file },
            ),
          );
        for (const line of dueLines(terminal, due)) terminal.line(line);
      }
      return 0;
    });
  },
});

/** A file where there is one, else what the node holds under this name. Signatures may be missing in a file. */
async function open(cli: Cli, what: string, config: string | undefined): Promise<AgreementProposal> {
  const path = pathOf(cli, what);
  if (existsSync(path) || !/^[a-z0-9][a-z0-9-]*(@\d+)?$/.test(what)) {
    return parseProposal(readBounded(path, maxAgreementBytes, 'AGREEMENT_MALFORMED'));
  }
  const { bytes } = await withNode(cli, configOf(cli, config), async (gateway) => held(gateway, what));
  return parseProposal(bytes);
}

/** Asks whoever sits there; a script has decided by calling the command. @throws Stop */
async function mustAgree(cli: Cli, { title }: AgreementContent): Promise<void> {
  const { terminal } = cli;
  if (!terminal.interactive) return;
  terminal.problem('');
  terminal.note(
    terminal.say({ zh: '代表本机关签署《{title}》吗？', en: 'Seal “{title}” for this authority?' }, { title }),
  );
  if ((await terminal.ask(terminal.say({ zh: '输入 yes 签署：', en: 'Type yes: ' }))) === 'yes') return;
  throw new Stop({ zh: '没有签署', en: 'Nothing was sealed' });
}

async function takeIn(terminal: Terminal, gateway: Gateway, bytes: Buffer): Promise<void> {
  const agreement = await gateway.agreements.import(bytes);
  const { ref, content } = agreement;
  const { state, daysLeft, until } = stateOfVersion(agreement, gateway.agreements.versions(ref.id), gateway.now());
  const words = {
    'in-force': {
      zh: '已导入 {id} 第 {version} 版：生效中，还有 {days} 天',
      en: 'Imported {id} version {version}: in force, {days} days left',
    },
    'to-come': {
      zh: '已导入 {id} 第 {version} 版：{from} 起生效（北京时间）',
      en: 'Imported {id} version {version}: in force from {from} (Beijing)',
    },
    ended: {
      zh: '已导入 {id} 第 {version} 版：已于 {until} 到期',
      en: 'Imported {id} version {version}: it ended on {until}',
    },
    superseded: {
      zh: '已导入 {id} 第 {version} 版：已被更新的版本取代',
      en: 'Imported {id} version {version}: a newer version is in force',
    },
  }[state];
  const params = { ...ref, days: daysLeft ?? 0, from: chinaMinute(content.effective.from), until: chinaMinute(until) };
  terminal.line(terminal.say(words, params));
}
