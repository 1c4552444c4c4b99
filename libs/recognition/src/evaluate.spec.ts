import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson } from '@jieqiao/core';
import fc from 'fast-check';
import { quietRegisters, shippedSet } from '../../../test/support/catalogues';
import {
  type AgreementTerms,
  attestedSteps,
  describeOutcome,
  describeProposal,
  describeResult,
  evaluateRecognition,
  evidenceKinds,
  type Findings,
  findTransferFaults,
  handedInSources,
  harmKinds,
  leadSources,
  parseFindings,
  partyRoles,
  personalDataCategories,
  quantityUnits,
  type Registers,
  readRecognitionAgreement,
  remedyCodes,
  type TransferData,
  transferKinds,
  urgencyGrounds,
  words,
} from './index';

interface Expected {
  outcome: string;
  passed: string[];
  findings: { rule: string; result: string; remedy: string; evidence?: string }[];
  proposals: Record<string, string>;
}
interface Scenario {
  scenario: string;
  transfer: TransferData;
  files: Record<string, string>;
  expected: { sender: Expected; receiver: Expected };
}

const samples = path.join(__dirname, '../../../test/samples');
const readJson = (file: string) => JSON.parse(readFileSync(path.join(samples, file), 'utf8'));
const scenarios: Scenario[] = ['s1.json', 's2.json'].map(readJson);
const terms: AgreementTerms = readJson('agreement-terms.json');
const agreement = readRecognitionAgreement({
  id: 'pinghu-jinshan',
  version: 1,
  effective: { from: '2022-08-01T00:00:00.000Z', to: '2030-08-01T00:00:00.000Z' },
  parties: [
    { node: 'pinghu.330482', region: '330482' },
    { node: 'jinshan.310116', region: '310116' },
  ],
  terms,
});
const at = '2022-09-27T02:00:00.000Z';
const rest = { catalogue: shippedSet(), registers: quietRegisters };
const manifestOf = (transfer: TransferData) =>
  Object.fromEntries([...transfer.evidence, ...(transfer.documents ?? [])].map(({ id, digest }) => [id, digest]));

describe.each(scenarios)('sample $scenario', ({ expected, files, transfer }) => {
  it.each([
    ['sender, before sealing', null, expected.sender],
    ['receiver', manifestOf(transfer), expected.receiver],
  ])('comes out as expected at the %s', (_, manifest, side) => {
    const decision = evaluateRecognition({ ...rest, transfer, agreement, manifest, at });
    expect(decision.outcome).toBe(side.outcome);
    const found = decision.results.filter((entry) => !['pass', 'not-applicable'].includes(entry.result));
    expect(found.map(({ rule, result, remedy, evidence }) => ({ rule, result, remedy, evidence }))).toEqual(
      side.findings,
    );
    const passed = decision.results.filter((entry) => entry.result === 'pass').map((entry) => entry.rule);
    expect(passed).toEqual(manifest ? [...side.passed, 'R06'].sort() : side.passed);
    expect(Object.fromEntries(decision.proposals.map((entry) => [entry.evidence, entry.proposed]))).toEqual(
      side.proposals,
    );
  });

  it('does not depend on the year it is evaluated in, as long as the agreement holds', () => {
    const results = (when: string) =>
      evaluateRecognition({ ...rest, transfer, agreement, manifest: null, at: when }).results;
    expect(results('2026-11-23T00:00:00.000Z')).toEqual(results(at));
  });

  it('describes its files truly', () => {
    for (const item of [...transfer.evidence, ...(transfer.documents ?? [])]) {
      const bytes = readFileSync(path.join(samples, files[item.id]!));
      expect(bytes.length).toBe(item.bytes);
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(item.digest);
      const magic = { 'image/jpeg': 'ffd8ff', 'image/png': '89504e47', 'application/pdf': '25504446' }[item.mediaType];
      if (magic) expect(bytes.subarray(0, magic.length / 2).toString('hex')).toBe(magic);
      if (item.mediaType === 'video/mp4') expect(bytes.subarray(4, 8).toString()).toBe('ftyp');
    }
    expect(Object.keys(files)).toHaveLength(transfer.evidence.length + (transfer.documents?.length ?? 0));
  });
});

// Values of the right form; rare ones (prototype names, empty lists, wrong years) as likely as usual ones.
const instant = fc
  .date({ min: new Date('1950-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const day = instant.map((text) => text.slice(0, 10));
const line = fc.oneof(
  fc.constantFrom('当事人甲', '13800000000', '__proto__', '１３８ 0000 0000'),
  fc.stringMatching(/^[\p{L}\d ()~.-]{1,40}$/u),
);
const id = fc.oneof(fc.constantFrom('constructor', 'toString', 'EV-1'), fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,20}$/));
const certNo = fc.constantFrom('33048200001', '33048200002', '31011600001', 'toString');
const certNos = fc.uniqueArray(certNo, { maxLength: 4 });
const digest = fc.constantFrom(`sha256:${'0'.repeat(64)}`, `sha256:${'1'.repeat(64)}`);
const node = fc.constantFrom('pinghu.330482', 'jinshan.310116', 'songjiang.310117');
const uuid = fc.constant('01837d0e-1c80-7b22-9c40-51a7e3d2b801');
const optional = <T, K extends keyof T>(model: { [P in keyof T]: fc.Arbitrary<T[P]> }, requiredKeys: K[]) =>
  fc.record(model, { requiredKeys });

const evidence = optional(
  {
    id,
    seq: fc.integer({ min: 1, max: 1000 }),
    kind: fc.constantFrom(...evidenceKinds),
    title: line,
    fileName: fc.nat(100_000).map((n) => `${n}.bin`),
    mediaType: fc.constantFrom('image/jpeg', 'video/mp4', 'audio/mpeg', 'application/pdf'),
    bytes: fc.nat(),
    digest,
    isOriginal: fc.boolean(),
    method: line,
    madeAt: instant,
    madeBy: line,
    purpose: line,
    collectors: certNos,
    collectedAt: instant,
    firstHashAt: instant,
    handedInBy: fc.constantFrom(...handedInSources),
    sourceHolder: fc.record({ kind: fc.constantFrom('body', 'person'), name: line }),
    verifiedAgainstOriginal: fc.boolean(),
    holderSeal: fc.boolean(),
    pages: fc.integer({ min: 1, max: 9 }),
    hasSound: fc.boolean(),
    transcriptRef: id,
    isMonitoringDevice: fc.boolean(),
    deviceReviewNo: line,
    devicePublished: line,
    recorded: fc.boolean(),
    signatures: optional(
      {
        officers: certNos,
        party: fc.boolean(),
        eachPage: fc.boolean(),
        refusalReason: line,
        witness: fc.constantFrom('signed', 'none-present'),
      },
      ['officers', 'party'],
    ),
    documentType: fc.constantFrom('correction-order', 're-check-record', 'police-refusal-notice', 'toString'),
    registration: optional({ from: instant, disposed: instant }, ['from']),
    seizure: optional(
      {
        from: instant,
        extended: fc.boolean(),
        testing: fc.array(optional({ from: day, to: day }, ['from']), { maxLength: 2 }),
        released: instant,
      },
      ['from'],
    ),
  },
  ['id', 'seq', 'kind', 'title', 'fileName', 'mediaType', 'bytes', 'digest', 'isOriginal', 'collectors', 'firstHashAt'],
);

const quantities = fc.array(
  fc.record({
    substance: fc.constantFrom('hazardous-waste', 'spoil', 'constructor'),
    amount: fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
    unit: fc.constantFrom(...quantityUnits),
  }),
  { maxLength: 3 },
);
const yuan = fc.integer({ min: 0, max: 1_000_000 });
const harm = fc.subarray([...harmKinds]);
const position = {
  code: fc.constantFrom('330482', '310116', '330000', '330482103201', '110000'),
  // Near the parties' line as likely as anywhere.
  longitude: fc.oneof(fc.constant(121.05), fc.double({ min: -180, max: 180, noNaN: true })),
  latitude: fc.oneof(fc.double({ min: 30.8, max: 30.9, noNaN: true }), fc.double({ min: -90, max: 90, noNaN: true })),
  datum: fc.constant('WGS-84' as const),
};
const document = { number: line, day };

const findingsArbitrary: fc.Arbitrary<Findings> = optional(
  {
    place: fc.record(position),
    discoveredAt: instant,
    harm,
    quantities,
    gains: yuan,
    losses: yuan,
    appraisal: fc.record({
      ...document,
      of: fc.constantFrom('spoil', 'constructor'),
      substance: fc.constantFrom('hazardous-waste', 'toxic'),
    }),
    orders: fc.array(fc.record(document), { maxLength: 2 }),
    reCheck: fc.record({ day, result: fc.constantFrom('corrected', 'not-corrected') }),
    policeRefusal: fc.record(document),
  },
  [],
);
const registersArbitrary: fc.Arbitrary<Registers> = fc.record({
  filings: fc.array(fc.record({ node, number: line, filedAt: instant }), { maxLength: 2 }),
  unanswered: fc.array(node, { maxLength: 2 }),
  numberTaken: fc.boolean(),
  seal: fc.option(fc.record({ owner: line, valid: fc.boolean() })),
});

const transferArbitrary = optional(
  {
    schema: fc.constant('jieqiao/transfer/v1'),
    id: uuid,
    dossier: uuid,
    kind: fc.constantFrom(...transferKinds),
    number: fc.oneof(line, fc.constant('平综执移字〔2022〕第5号')),
    urgency: fc.constantFrom('normal', 'urgent'),
    urgencyGrounds: fc.subarray([...urgencyGrounds]),
    from: fc.record({ node, authority: line, unit: line }),
    to: fc.record({ node, authority: line }),
    family: fc.constantFrom('construction-waste-dumping', 'street-vending', 'constructor', 'unheard-of'),
    cause: line,
    source: fc.constantFrom(...leadSources),
    act: optional(
      {
        from: instant,
        to: instant,
        harm,
        quantities,
        gains: yuan,
        losses: yuan,
        place: fc.record({ ...position, name: line }),
      },
      ['from', 'place'],
    ),
    discoveredAt: instant,
    parties: fc.array(
      optional(
        {
          kind: fc.constantFrom('organisation', 'natural', 'unknown'),
          name: line,
          plate: line,
          vessel: line,
          roles: fc.subarray([...partyRoles]),
        },
        ['kind'],
      ),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    facts: line,
    request: line,
    contact: fc.constant({ unit: '值班室', phone: '0573-0000 0000' }),
    officers: fc.uniqueArray(optional({ certNo, validFrom: day, validTo: day }, ['certNo']), {
      maxLength: 4,
      selector: (officer) => officer.certNo,
    }),
    evidence: fc.array(evidence, { maxLength: 6 }),
    item: fc.constantFrom('x-SH-SR-25', 'x-ZJ-SR-16', 'x-CN-GF-111-4', 'constructor', 'none'),
    citations: fc.array(
      fc.record({
        law: fc.oneof(fc.constantFrom('固废法', '行政处罚法', '生态环境法典', 'constructor'), line),
        article: fc.constantFrom(1, 63, 111, 1169, 2000),
      }),
      { maxLength: 3 },
    ),
    attestation: fc.array(
      optional(
        {
          step: fc.constantFrom(...attestedSteps),
          role: fc.constant('head'),
          certNo,
          at: instant,
          qualifiedSince: day,
        },
        ['step', 'role', 'certNo', 'at'],
      ),
      { maxLength: 4 },
    ),
    personalData: fc.array(
      fc.record({
        category: fc.constantFrom(...personalDataCategories),
        purpose: fc.constantFrom('telecom-suspension', 'x'),
      }),
      { maxLength: 2 },
    ),
  },
  [
    'schema',
    'id',
    'dossier',
    'kind',
    'number',
    'urgency',
    'from',
    'to',
    'family',
    'cause',
    'source',
    'act',
    'discoveredAt',
    'parties',
    'facts',
    'request',
    'contact',
    'officers',
    'evidence',
  ],
).map((value) => value as unknown as TransferData);

// Besides form, the schema's reader refuses doubled ids and the like; the rules must bear even those.
const formFault = (transfer: TransferData) =>
  findTransferFaults(transfer).find(({ rule }) => !['unique', 'order', 'distinct'].includes(rule));

describe('evaluateRecognition', () => {
  it('never throws and is deterministic to the byte on schema-valid input', () => {
    const manifest = fc.oneof(fc.constant(null), fc.dictionary(id, digest));
    fc.assert(
      fc.property(transferArbitrary, manifest, instant, registersArbitrary, findingsArbitrary, (...drawn) => {
        const [transfer, list, when, registers, findings] = drawn;
        expect(formFault(transfer)).toBeUndefined();
        expect(parseFindings(findings)).toBe(findings);
        const before = JSON.stringify(drawn);
        const { catalogue } = rest;
        const input = { transfer, agreement, manifest: list, at: when, catalogue, registers, findings };
        const first = canonicalJson(evaluateRecognition(input));
        const copies = structuredClone({ transfer, manifest: list, registers, findings });
        const again = canonicalJson(evaluateRecognition({ ...input, ...copies }));
        expect(again.equals(first)).toBe(true);
        expect(JSON.stringify(drawn)).toBe(before);
        const decision = evaluateRecognition(input);
        // Plain JSON: nothing is lost by writing it down.
        expect(JSON.parse(first.toString())).toEqual(JSON.parse(JSON.stringify(decision)));
        expect(decision.proposals).toHaveLength(transfer.evidence.length);
        const asked = new Set(decision.results.map((entry) => entry.rule).filter((rule) => rule.startsWith('R')));
        expect(asked.size).toBe(20);
        // What it was decided on stands in it: who has the same catalogues can decide again.
        const { registers: kept, findings: found } = JSON.parse(first.toString()).inputs;
        const repeated = evaluateRecognition({ ...input, registers: kept, findings: found });
        expect(canonicalJson(repeated).equals(first)).toBe(true);
        for (const entry of decision.results) {
          expect(describeResult(entry, 'zh', decision.ownRules).reason).not.toBe(entry.rule);
          expect(describeResult(entry, 'en', decision.ownRules).reason).not.toBe(entry.rule);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('never lets personal data or text of the case into the decision', () => {
    const transfer = structuredClone(scenarios[1]!.transfer);
    transfer.facts = '甲的电话13800000000，车牌浙F00000';
    transfer.kind = 'LEAD';
    const text = JSON.stringify(evaluateRecognition({ ...rest, transfer, agreement, manifest: null, at }));
    for (const secret of ['13800000000', '浙F00000', '沪甲土方', '33048200001', '过磅单', '枫泾']) {
      expect(text).not.toContain(secret);
    }
  });

  it('takes a block before a supplement before a warning', () => {
    const [s1, s2] = scenarios.map((scenario) => structuredClone(scenario.transfer));
    const outcome = (transfer: TransferData) =>
      evaluateRecognition({ ...rest, transfer, agreement, manifest: null, at }).outcome;
    delete s1!.evidence[0]!.madeBy;
    s1!.urgencyGrounds = [];
    expect(outcome(s1!)).toBe('supplement');
    s2!.act.place.code = '330482';
    expect(outcome(s2!)).toBe('blocked');
  });
});

describe('words', () => {
  it('speak both languages for every remedy', () => {
    for (const code of remedyCodes) {
      expect(words.remedy[code].zh).toMatch(/\p{Script=Han}/u);
      expect(words.remedy[code].en).toMatch(/^[\x20-\x7e]+$/);
    }
  });

  it('cite articles, list what is missing and say what to do', () => {
    const { transfer } = scenarios[1]!;
    const { outcome, proposals, results } = evaluateRecognition({ ...rest, transfer, agreement, manifest: null, at });
    const r07 = results.find((entry) => entry.rule === 'R07')!;
    expect(describeResult(r07, 'zh')).toMatchObject({
      reason: '视听资料或电子数据缺少制作方法、时间、制作人或证明对象',
      basis: '《行政诉讼证据规定》第十二条',
      missing: '制作人、证明对象',
      result: '须补充',
    });
    const cited = (article: string) => describeResult({ ...r07, basis: [{ law: '法', article }] }, 'zh').basis;
    expect(['5', '10(4)', '22', '101', '110', '1054', '1000'].map(cited)).toEqual([
      '《法》第五条',
      '《法》第十条第（四）项',
      '《法》第二十二条',
      '《法》第一百零一条',
      '《法》第一百一十条',
      '《法》第一千零五十四条',
      '《法》第一千条',
    ]);
    expect(describeResult(r07, 'en').missing).toBe('maker, what it proves');
    expect(describeOutcome(outcome, 'zh')).toBe('须补充材料');
    expect(describeProposal(proposals[0]!, 'zh')).toBe('仅作线索（R10）');
    expect(describeProposal(proposals[10]!, 'en')).toBe('usable after review (the agreement, form of the statement)');
  });
});
