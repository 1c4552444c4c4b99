import {
  type Agreement,
  type AgreementContent,
  type AgreementParty,
  type AgreementProposal,
  type Card,
  cardFingerprint,
  effectiveUntil,
  type SignatureDue,
  signaturesDue,
  versionInForce,
} from '@jieqiao/core';
import { type AgreementChange, agreementDiff, agreementSummary, changeWords } from '@jieqiao/recognition';
import { chinaMinute, daysUntil, type Text } from '../words';
import { anchorLine } from './card';
import type { Terminal } from './terminal';

/** A party as its card: what was handed over and compared by phone before it stood in an agreement. */
export function cardOf({ validity, successor, ...party }: AgreementParty): Card {
  return { schema: 'jieqiao/card/v1', ...party };
}

export const dueWords: Readonly<Record<SignatureDue, Text>> = {
  seal: { zh: '用印', en: 'seal' },
  'seal-before': { zh: '用前一版所列的印章签署', en: 'signature by the seal that the version before names' },
  'log-key': { zh: '用新的日志密钥签署', en: 'signature by the new log key' },
  'log-key-before': { zh: '用前一版所列的日志密钥签署', en: 'signature by the log key that the version before names' },
};

export type VersionState = 'in-force' | 'to-come' | 'ended' | 'superseded';

export const versionStateWords: Readonly<Record<VersionState, Text>> = {
  'in-force': { zh: '生效中', en: 'in force' },
  'to-come': { zh: '未到生效时间', en: 'to come' },
  ended: { zh: '已到期', en: 'ended' },
  superseded: { zh: '已被取代', en: 'superseded' },
};

/** Where a held version stands, and until when it is or was in force. */
export function stateOfVersion(agreement: Agreement, versions: readonly Agreement[], now: Date) {
  const until = effectiveUntil(agreement, versions);
  const time = now.toISOString();
  let state: VersionState = 'superseded';
  if (versionInForce(versions, now) === agreement) state = 'in-force';
  else if (agreement.content.effective.from > time && until > agreement.content.effective.from) state = 'to-come';
  else if (until === agreement.content.effective.to) state = 'ended';
  return { state, until, daysLeft: state === 'in-force' ? daysUntil(until, now) : null };
}

/**
 * Everything that somebody who is about to sign should see, but for what changes.
 * @param unheard nodes whose fingerprint is still to be heard on the phone: it is not shown, or it would be copied
 */
export function showAgreement(
  terminal: Terminal,
  agreement: Agreement | AgreementProposal,
  unheard: readonly string[] = [],
): void {
  const { content, ref } = agreement;
  const label = (zh: string, en: string) => terminal.say({ zh, en });
  const said = (value: string) => terminal.say({ zh: '{value}', en: '{value}' }, { value });
  terminal.line(terminal.paint('bold', said(content.title)));
  const { from, to } = content.effective;
  terminal.facts([
    [label('编号', 'id'), terminal.say({ zh: '{id} 第 {version} 版', en: '{id} version {version}' }, { ...ref })],
    [label('摘要', 'digest'), ref.digest],
    [label('起', 'from'), label(`${chinaMinute(from)}（北京时间）`, `${chinaMinute(from)} (Beijing)`)],
    [label('止', 'to'), label(`${chinaMinute(to)}（北京时间）`, `${chinaMinute(to)} (Beijing)`)],
    ...(content.previous === null ? [] : [[label('前一版', 'previous'), content.previous] as const]),
    ...(content.timeAuthorities ?? []).map(
      ({ name, demonstration }) =>
        [
          label('时间戳', 'time-stamps'),
          said(name) +
            (demonstration ? label('（演示用，不是可信时间）', ' (for demonstration, not trusted time)') : ''),
        ] as const,
    ),
  ]);
  const signed = 'signed' in agreement ? agreement.signed : content.parties.map(({ node }) => node);
  for (const party of content.parties) {
    terminal.line();
    const mark = signed.includes(party.node)
      ? terminal.paint('green', label('✓ 已用印', '✓ sealed'))
      : terminal.paint('yellow', label('… 未用印', '… not sealed yet'));
    terminal.line(`${terminal.paint('bold', said(party.authority))}  ${mark}`);
    terminal.facts([
      [label('节点', 'node'), party.node],
      [
        label('指纹', 'fingerprint'),
        unheard.includes(party.node) ? label('待电话核对', 'to be heard on the phone') : cardFingerprint(cardOf(party)),
      ],
      ...party.anchors.map((anchor) => [label('根证书', 'root'), anchorLine(terminal, anchor)] as const),
      [label('信封', 'envelopes'), party.endpoints.grpc],
      [label('证据', 'evidence'), party.endpoints.blobs],
      ...(party.successor
        ? [[label('承继', 'successor'), `${party.successor.node}  ${chinaMinute(party.successor.from)}`] as const]
        : []),
      ...(party.validity
        ? [
            [
              label('存续', 'exists'),
              `${party.validity.from ? chinaMinute(party.validity.from) : '…'} – ${party.validity.to ? chinaMinute(party.validity.to) : '…'}`,
            ] as const,
          ]
        : []),
    ]);
  }
}

export function showTerms(terminal: Terminal, content: AgreementContent): void {
  terminal.heading(terminal.say({ zh: '条款', en: 'Terms' }));
  // The parties and dates have been shown already, with their fingerprints.
  const frame = new Set(agreementSummary({ ...content, terms: {} }, terminal.language));
  for (const line of agreementSummary(content, terminal.language)) {
    if (!frame.has(line)) terminal.paragraph(line, 2, 2);
  }
}

const marks = { added: '+', removed: '−', changed: '~', reordered: '~' } as const;
const colours = { added: 'green', removed: 'red', changed: 'yellow', reordered: 'dim' } as const;

/** Line by line what changes; a direction that is new as a whole is told as a summary would tell it. */
export function showChanges(terminal: Terminal, before: AgreementContent, after: AgreementContent): void {
  const { language } = terminal;
  const changes = agreementDiff(before, after);
  terminal.heading(
    terminal.say(
      { zh: '第 {before} 版 → 第 {after} 版的变化', en: 'Changes from version {before} to version {after}' },
      { before: before.version, after: after.version },
    ),
  );
  if (changes.length === 0) terminal.line(terminal.say({ zh: '  没有变化', en: '  None' }));
  const tell = (change: keyof typeof marks, words: string) => terminal.item(marks[change], colours[change], words);
  const pair = ({ direction }: AgreementChange) => `${direction?.from.node} ${direction?.to.node}`;
  const isNew = ({ topic, change }: AgreementChange) => topic === 'direction' && change === 'added';
  const added = new Set(changes.filter(isNew).map(pair));
  for (const change of changes) if (!added.has(pair(change))) tell(change.change, changeWords(change, language));
  const { directions = [] } = after.terms as { directions?: { from: string; to: string }[] };
  const kept = directions.filter(({ from, to }) => !added.has(`${from} ${to}`));
  const known = new Set(agreementSummary({ ...after, terms: { ...after.terms, directions: kept } }, language));
  for (const line of agreementSummary(after, language)) if (!known.has(line)) tell('added', line);
}

/** What is missing, a line each. One signature by a seal mostly does for the version before, too. */
export function dueLines(terminal: Terminal, due: ReturnType<typeof signaturesDue>): string[] {
  return due
    .filter(
      (one) => one.due !== 'seal-before' || !due.some(({ node, due: what }) => node === one.node && what === 'seal'),
    )
    .map(({ node, due: what }) =>
      terminal.say({ zh: '  还缺 {node} {what}', en: '  lacks {node}: {what}' }, { node, what: dueWords[what] }),
    );
}

/** Who acts next, and with which command. */
export function tellNext(
  terminal: Terminal,
  proposal: AgreementProposal,
  previous: Agreement | null,
  out: string,
  own: string,
): void {
  const due = signaturesDue(proposal, previous);
  const others = proposal.content.parties.map(({ node }) => node).filter((node) => node !== own);
  terminal.heading(terminal.say({ zh: '下一步', en: 'Next' }));
  const name = out.split('/').at(-1)!;
  if (due.length > 0) {
    for (const line of dueLines(terminal, due)) terminal.line(line);
    terminal.paragraph(
      terminal.say({ zh: '把 {name} 交给对方，在对方节点上运行：', en: 'Hand {name} over; at their node:' }, { name }),
      2,
    );
    terminal.line(`    jieqiao agreement sign ${name}`);
    return;
  }
  terminal.paragraph(
    terminal.say(
      {
        zh: '各方都已签署。把 {name} 交给 {others}，各自运行：',
        en: 'All have signed. Hand {name} to {others}, who each run:',
      },
      { name, others },
    ),
    2,
  );
  terminal.line(`    jieqiao agreement import ${name}`);
}
