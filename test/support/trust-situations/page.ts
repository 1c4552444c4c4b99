import type { ErrorCode } from '@jieqiao/core';
import { describeResult, type RecognitionResult } from '@jieqiao/recognition';
import { errorKinds } from '../../../apps/gateway/src/errors/errors';
import { reasonWords as nodeReasons } from '../../../apps/gateway/src/errors/reasons';
import { fill, type Params } from '../../../apps/gateway/src/words';
import { problems, verdictWords, reasonWords as verifierReasons } from '../../../apps/verifier/src/words';
import type { Group, Situation } from './situation';
import type { Outcome, Said } from './world';

type Language = 'zh' | 'en';
const languages: readonly Language[] = ['zh', 'en'];

export interface Answered {
  group: Group;
  number: string;
  situation: Situation;
  outcome: Outcome;
}

/** What a person reads at a node: the error's title, and the reason where there is one. */
export function nodeWords({ word, params }: Said, language: Language): string {
  if (word === 'accepted') return { zh: '接受', en: 'accepted' }[language];
  if (word.startsWith('R19')) {
    const { result, reason, remedy } = describeResult(params.finding as RecognitionResult, language);
    return language === 'zh' ? `${result}：${reason}（${remedy}）` : `${result}: ${reason} (${remedy})`;
  }
  const [code, reason] = word.split(' ') as [ErrorCode, string | undefined];
  const title = errorKinds[code].title[language];
  if (reason === undefined) return title;
  const stamp = code === 'TIMESTAMP_INVALID' ? verifierReasons[`agreement.timestamps ${reason}`] : undefined;
  const words = nodeReasons[code]?.[reason]?.what ?? stamp ?? verifierReasons[reason];
  if (!words) throw new Error(`no words for ${word}`);
  return `${title}${language === 'zh' ? '——' : ': '}${fill(words, language, params as Params)}`;
}

/** What a person reads in the verifier's report for one question, or when it does not begin. */
export function checkWords({ word, params }: Said, language: Language): string {
  const [head, reason] = word.split(' ') as [string, string | undefined];
  const file = String(params.issuer ?? params.version ?? '…');
  if (head === 'CRL_SIGNATURE_INVALID') return fill(problems.foreignCrl, language, { file });
  if (head === 'CRL_MALFORMED') return fill(problems.crl, language, { file, detail: word });
  if (head.startsWith('AGREEMENT_')) {
    return fill(problems.history, language, { file, detail: verifierReasons[reason ?? head]?.[language] });
  }
  const words = verifierReasons[word] ?? verifierReasons[reason ?? word];
  if (!words) throw new Error(`no words for ${word}`);
  return fill(words, language, params as Params);
}

const sides = { zh: { node: '节点', verifier: '核验' }, en: { node: 'Node', verifier: 'Verifier' } };
const refused = { zh: '拒绝核验', en: 'does not begin' };

function verdictCell({ node, verifier }: Outcome, language: Language): string {
  const { node: atNode, verifier: inVerifier } = sides[language];
  const parts: string[] = [];
  if (node) {
    const taken = { zh: ['接受', '拒绝'], en: ['accepts', 'refuses'] }[language];
    parts.push(`${atNode}${language === 'zh' ? '' : ' '}${taken[node.word === 'accepted' ? 0 : 1]}`);
  }
  if (verifier) {
    const verdict = verifier === 'refused' ? refused[language] : verdictWords[verifier][language];
    parts.push(`${inVerifier}：**${verdict}**`.replace('：', language === 'zh' ? '：' : ': '));
  }
  return parts.join(language === 'zh' ? '；' : '; ');
}

function wordsCell({ node, checks }: Outcome, language: Language): string {
  const { node: atNode, verifier } = sides[language];
  const colon = language === 'zh' ? '：' : ': ';
  const lines: string[] = [];
  if (node && node.word !== 'accepted') lines.push(`${atNode}${colon}${nodeWords(node, language)}`);
  for (const check of checks) lines.push(`${verifier}${colon}${checkWords(check, language)}`);
  return lines.join('<br>');
}

const codes = ({ node, checks }: Outcome): string =>
  [node && node.word !== 'accepted' ? node.word : null, ...checks.map(({ word }) => word)]
    .filter((word) => word !== null)
    .map((word) => `\`${word}\``)
    .join('<br>');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function row({ number, situation, outcome }: Answered): string {
  const both = (of: (language: Language) => string) => languages.map(of).filter(Boolean).join('<br>');
  const cells = [
    number,
    `${situation.zh}<br>${situation.en}`,
    both((language) => verdictCell(outcome, language)),
    [both((language) => wordsCell(outcome, language)), codes(outcome)].filter(Boolean).join('<br>'),
    outcome.openssl ?? '—',
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The text of docs/spec/trust-situations.md. */
export function page(answered: readonly Answered[]): string {
  const groups = [...new Set(answered.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const rows = answered.filter((one) => one.group === group).map(row);
    return `## ${group.letter} ${group.zh} · ${group.en}

| # | 情形 Situation | 结论 Verdict | 提示 What is shown | openssl |
|---|---|---|---|---|
${rows.join('\n')}
`;
  });
  return `# 信任情形一览 · Trust situations

<!-- Generated by test/integration/trust-situations.spec.ts; do not edit. JIEQIAO_WRITE_TRUST_SITUATIONS=1 rewrites it. -->

本表列出 ${answered.length} 种情形：证书、协议、吊销列表、回执或时间戳有什么问题时，收件的节点怎样答复，离线核验工具（\`jieqiao-verify\`）得出什么结论，
人看到什么提示。每一行都由测试实际构造并核对；提示取自软件的提示语，反引号内是不变的代码。

- **节点**：收到信封或证据包、导入协议或取得吊销列表时的答复。拒绝的，都有签名的拒收或日志记录。
- **核验**：结论有五种：**通过**、**有警告**、**证据不足**（没有发现虚假，但有的项目无从核验）、**未通过**、**签发方未知**（文件本身完好，但背后没有我们认识的一方）。
- **先后怎样认定**：印章和信封上的时间是签发方自称的。证书后来到期或被吊销时，只有对方日志出具的回执等可信时间，才能证明签名在此之前；没有这样的证明，一律为证据不足。
- **openssl**：同一问题交给 \`openssl verify\`（或 \`cms -verify\`、\`ts -verify\`）的答复；“—”表示它无法表达这个问题。它不接受的，我们都不认为通过。

This table has ${answered.length} situations: what a receiving node answers and what the offline verifier concludes when something
is wrong with a certificate, an agreement, a revocation list, a receipt or a time-stamp, and the words that a person
sees. A test sets up each row and checks it; the words are the software’s own, the codes in back-ticks are stable.

- **Node**: its answer to an envelope, a bundle, an agreement to import, a revocation list. What it refuses is signed
  or logged.
- **Verifier**: one of five verdicts: valid; valid with a warning; could not check (nothing was found to be false,
  something could not be answered); not valid; unknown signer (sound in itself, and nobody we know stands behind it).
- **What came first**: the times in seals and envelopes are their signers’ own claims. Once a certificate has run out or
  was revoked, only trusted time, such as a receipt by the other party’s log, shows that a signature is older. Without
  it the verdict is “could not check”.
- **openssl**: what \`openssl verify\` (or \`cms -verify\`, \`ts -verify\`) says to the same question; “—” where it can’t
  express it. What it refuses we never call valid.

${sections.join('\n')}`;
}
