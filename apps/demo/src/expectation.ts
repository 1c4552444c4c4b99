import type { RecognitionDecision } from '@jieqiao/recognition';

/** What is to come of a sample at one side, as `test/samples/*.json` say it: evidence by the sample's own ids. */
export interface ExpectedDecision {
  outcome: string;
  /**
   * Rules that pass without a manifest and approvals. Once files are stored R06 passes as well, and R20 once a legal
   * reviewer has cleared it.
   */
  passed: string[];
  findings: { rule: string; result: string; remedy?: string; evidence?: string }[];
  proposals: Record<string, string>;
}

/**
 * Compares a node's decision with the expected one.
 * @param sampleIdOf a node's evidence id → the sample's; ids that the node made up stay as they are, and differ
 * @returns one line per difference, such as `R07 supplement EV-1: missing`; empty when all is as expected
 */
export function differences(
  expected: ExpectedDecision,
  actual: RecognitionDecision | null,
  sampleIdOf: ReadonlyMap<string, string>,
): string[] {
  if (!actual) return ['decision: missing'];
  const id = (evidence: string) => sampleIdOf.get(evidence) ?? evidence;
  const found = actual.results.filter(({ result }) => result !== 'pass' && result !== 'not-applicable');
  const passed = actual.results.filter(({ result }) => result === 'pass');
  return [
    ...(actual.outcome === expected.outcome ? [] : [`outcome: ${actual.outcome} instead of ${expected.outcome}`]),
    ...compareLists(
      [...expected.passed, 'R06'].map((rule) => `${rule} pass`),
      passed.map(({ rule }) => `${rule} pass`),
    ),
    ...compareLists(
      expected.findings.map(findingLine),
      found.map(({ rule, result, remedy, evidence }) =>
        findingLine({ rule, result, remedy, evidence: evidence && id(evidence) }),
      ),
    ),
    ...compareLists(
      Object.entries(expected.proposals).map(([evidence, proposed]) => `${evidence} ${proposed}`),
      actual.proposals.map(({ evidence, proposed }) => `${id(evidence)} ${proposed}`),
    ),
  ];
}

function findingLine({ rule, result, remedy = '', evidence = '' }: ExpectedDecision['findings'][number]): string {
  return [rule, result, remedy, evidence].filter(Boolean).join(' ');
}

/** A line that stands twice on one side and once on the other is a difference too. */
function compareLists(expected: readonly string[], actual: readonly string[]): string[] {
  const open = [...actual];
  const missing = expected.filter((line) => {
    const at = open.indexOf(line);
    if (at >= 0) open.splice(at, 1);
    return at < 0;
  });
  return [...missing.map((line) => `${line}: missing`), ...open.map((line) => `${line}: unexpected`)];
}
