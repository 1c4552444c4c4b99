import { join } from 'node:path';
import { type AgreementContent, assertJsonDepth, hasCode, maxAgreementBytes } from '@jieqiao/core';
import { readRecognitionAgreement } from '@jieqiao/recognition';
import { Stop } from './command';
import { readBounded } from './files';

/** Terms to begin with, for any two parties. A copy, changed, is what `--terms` takes. */
export const termsTemplate = join(__dirname, '../../templates/agreement-terms.json');

const maxDepth = 14;

type Terms = Record<string, unknown>;
type Direction = Record<string, unknown> & { from: string; to: string };

/**
 * Terms out of a file that a person writes: plain JSON, where a direction from `{{from}}` to `{{to}}` stands for every
 * two parties that have none of their own.
 * @throws Stop when it is no JSON object with directions
 */
export function readTerms(file: string, nodes: readonly string[]): Terms {
  const text = readBounded(file, maxAgreementBytes, 'AGREEMENT_MALFORMED')
    .toString('utf8')
    .replace(/^\ufeff/, '');
  assertJsonDepth(text, maxDepth, 'AGREEMENT_MALFORMED');
  let terms: unknown;
  try {
    terms = JSON.parse(text);
  } catch (error) {
    const place = /position \d+.*$/.exec((error as Error).message)?.[0] ?? '';
    throw new Stop({ zh: '{file} 不是 JSON（{place}）', en: '{file} is not JSON ({place})' }, { file, place });
  }
  const { directions } = (terms ?? {}) as Terms;
  if (!Array.isArray(directions)) {
    throw new Stop(
      { zh: '{file} 里没有 directions；样例见 {template}', en: '{file} has no directions; {template} is an example' },
      { file, template: termsTemplate },
    );
  }
  return withDirections(terms as Terms, nodes, directions as Direction[]);
}

/**
 * For the parties of a next version: without those who leave, and for those who join as the template has it. Between
 * the others nothing is added: what they have not agreed on, they have left out.
 */
export function termsFor(terms: Terms, before: readonly string[], nodes: readonly string[]): Terms {
  const kept = (terms.directions as Direction[]).filter(({ from, to }) => nodes.includes(from) && nodes.includes(to));
  const { contacts } = terms as { contacts?: { node: string }[] };
  const forNodes = contacts ? { ...terms, contacts: contacts.filter(({ node }) => nodes.includes(node)) } : terms;
  const joined = pairsOf(nodes).filter(({ from, to }) => !before.includes(from) || !before.includes(to));
  return { ...forNodes, directions: [...kept, ...joined.map((pair) => ({ ...templatePattern(), ...pair }))] };
}

/** Checked as every node will check them. @throws GatewayError AGREEMENT_MALFORMED */
export function checkTerms(content: AgreementContent): void {
  readRecognitionAgreement(content);
}

/** The same for terms that a person here has written, who is told the place. @throws Stop */
export function checkOwnTerms(content: AgreementContent, file: string): void {
  try {
    checkTerms(content);
  } catch (error) {
    if (!hasCode(error, 'AGREEMENT_MALFORMED')) throw error;
    const { reason, pointer, ...others } = error.params;
    const place = String(pointer ?? Object.values(others).join(' '));
    throw new Stop(
      { zh: '{file} 的条款有误：{place}（{reason}）', en: 'The terms in {file} are wrong: {place} ({reason})' },
      { file, place, reason: String(reason) },
    );
  }
}

function templatePattern(): Direction {
  const template = readBounded(termsTemplate, maxAgreementBytes, 'AGREEMENT_MALFORMED').toString('utf8');
  return (JSON.parse(template) as { directions: Direction[] }).directions.find(isPattern)!;
}

const isPattern = ({ from, to }: Direction) => from === '{{from}}' && to === '{{to}}';

const pairsOf = (nodes: readonly string[]) =>
  nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => ({ from, to })));

function withDirections(terms: Terms, nodes: readonly string[], directions: readonly Direction[]): Terms {
  const own = directions.filter((direction) => !isPattern(direction));
  const pattern = directions.find(isPattern);
  if (!pattern) return { ...terms, directions: own };
  const missing = pairsOf(nodes).filter((pair) => !own.some(({ from, to }) => from === pair.from && to === pair.to));
  return { ...terms, directions: [...own, ...missing.map((pair) => ({ ...pattern, ...pair }))] };
}
