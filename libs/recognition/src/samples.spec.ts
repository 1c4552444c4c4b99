import { readFileSync } from 'node:fs';
import path from 'node:path';
import { quietRegisters, shippedSet } from '../../../test/support/catalogues';
import {
  type AgreementTerms,
  evaluateRecognition,
  type Findings,
  findTransferFaults,
  type LegalBasis,
  parseFindings,
  proposesCrimeTrack,
  type Registers,
  type RuleId,
  readRecognitionAgreement,
  type TransferData,
} from './index';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
interface Situation {
  scenario: string;
  about: { zh: string; en: string };
  /** The transfer of S1 or S2, changed by a merge patch (RFC 7386). */
  base: 's1' | 's2';
  patch?: Json;
  /** Sender and receiver, where they are not Pinghu and Jinshan. */
  between?: [string, string];
  legalBasis?: LegalBasis[];
  registers?: Partial<Registers>;
  findings?: Findings;
  at: string;
  outcome?: string;
  /** Per rule its results, each once, with their remedy. */
  expected: Record<RuleId, string[]>;
  /** Among the facts of the rule's first result. */
  facts?: Record<string, object>;
}

const samples = path.join(__dirname, '../../../test/samples');
const read = (file: string) => JSON.parse(readFileSync(path.join(samples, file), 'utf8'));
const situations: Situation[] = read('rules.json');
const terms: AgreementTerms = read('agreement-terms.json');
const authorities: Record<string, string> = {
  'pinghu.330482': '平湖市综合行政执法局',
  'jinshan.310116': '上海市金山区城市管理行政执法局',
  'jiashan.330421': '嘉善县综合行政执法局',
  'qingpu.310118': '上海市青浦区城市管理行政执法局',
};

function merge(target: Json, patch: Json | undefined): Json {
  if (patch === undefined) return target;
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const object = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete object[name];
    else object[name] = merge(object[name] ?? null, value);
  }
  return object;
}

function decide({ at, base, between, findings, legalBasis, patch, registers }: Situation) {
  const transfer = merge(read(`${base}.json`).transfer, patch) as unknown as TransferData;
  const { contacts, ...common } = terms;
  const directions = between
    ? [{ ...terms.directions[0]!, from: between[0], to: between[1], legalBasis: legalBasis! }]
    : terms.directions;
  const nodes = between ?? ['pinghu.330482', 'jinshan.310116'];
  const agreement = readRecognitionAgreement({
    id: 'sample',
    version: 1,
    effective: { from: '2022-01-01T00:00:00.000Z', to: '2030-01-01T00:00:00.000Z' },
    parties: nodes.map((node) => ({ node, region: node.slice(-6), authority: authorities[node]! })),
    terms: { ...common, directions },
  });
  const seal = { owner: transfer.from.authority, valid: true };
  const decision = evaluateRecognition({
    ...{ transfer, agreement, manifest: null, at, catalogue: shippedSet() },
    registers: { ...quietRegisters, seal, ...registers },
    ...(findings ? { findings: parseFindings(findings) } : {}),
  });
  return { transfer, decision };
}

describe.each(situations)('$scenario: $about.en', (situation) => {
  const { decision, transfer } = decide(situation);

  it('is data as it travels', () => {
    expect(findTransferFaults(transfer)).toEqual([]);
  });

  it.each(Object.entries(situation.expected))('%s: %j', (rule, expected) => {
    const found = decision.results.filter((entry) => entry.rule === rule);
    const told = found.map(({ result, remedy }) => (remedy === undefined ? result : `${result} ${remedy}`));
    expect([...new Set(told)]).toEqual(expected);
    expect(found[0]!.facts).toMatchObject(situation.facts?.[rule] ?? {});
  });

  it('proposes the criminal track where R13 does', () => {
    expect(proposesCrimeTrack(decision)).toBe(situation.scenario === 'S8');
  });

  if (situation.outcome !== undefined) {
    it(`comes out as ${situation.outcome}`, () => {
      expect(decision.outcome).toBe(situation.outcome);
    });
  }
});

it('speaks of every sample that is a transfer', () => {
  const transfers = [1, 2, 3, 4, 5, 6, 8, 9, 10].map((n) => `S${n}`);
  expect([...new Set(situations.map(({ scenario }) => scenario))]).toEqual(transfers);
});
