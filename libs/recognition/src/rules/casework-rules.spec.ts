import { readFileSync } from 'node:fs';
import path from 'node:path';
import { quietRegisters, shippedSet } from '../../../../test/support/catalogues';
import {
  type AgreementTerms,
  defaultRuleParameters,
  describeResult,
  type EvidenceSeizure,
  evaluateRecognition,
  type Findings,
  parseFindings,
  type RecognitionInput,
  type RuleId,
  readRecognitionAgreement,
  type TransferAttestation,
  type TransferData,
} from '../index';

/** The rules that ask catalogues, registers, findings and clocks. The others: rules.spec.ts. */

const samples = path.join(__dirname, '../../../../test/samples');
const read = (file: string) => JSON.parse(readFileSync(path.join(samples, file), 'utf8'));
const terms: AgreementTerms = read('agreement-terms.json');
const [pinghu, jinshan] = ['平湖市综合行政执法局', '上海市金山区城市管理行政执法局'];
const content = {
  id: 'pinghu-jinshan',
  version: 1,
  effective: { from: '2022-01-01T00:00:00.000Z', to: '2032-01-01T00:00:00.000Z' },
  parties: [
    { node: 'pinghu.330482', region: '330482', authority: pinghu, aliases: ['平湖市城市管理局'] },
    { node: 'jinshan.310116', region: '310116', authority: jinshan },
  ],
};
const agreement = readRecognitionAgreement({ ...content, terms });
const withTerms = (change: Partial<AgreementTerms>) =>
  readRecognitionAgreement({ ...content, terms: { ...terms, ...change } });

/** S1 is a lead to Pinghu, S2 a case to Jinshan. */
function transferOf(sample: 's1' | 's2', change: (transfer: TransferData) => void = () => {}): TransferData {
  const transfer: TransferData = read(`${sample}.json`).transfer;
  change(transfer);
  return transfer;
}

const at = '2022-09-27T02:00:00.000Z';
type Change = Partial<Omit<RecognitionInput, 'transfer'>>;
function found(rule: RuleId, transfer: TransferData, change: Change = {}) {
  const decision = evaluateRecognition({
    ...{ transfer, agreement, manifest: null, at, catalogue: shippedSet(), registers: quietRegisters },
    ...change,
  });
  const results = decision.results.filter((entry) => entry.rule === rule);
  return { decision, results, told: results.map(({ result, remedy }) => (remedy ? `${result} ${remedy}` : result)) };
}

describe('R02 place, by coordinates', () => {
  /** Degrees of latitude for metres north of the line at 121.03° E, square to the line. */
  const beyond = (metres: number) => 30.8735 + (metres / 0.99342) * (1 / 111_195);
  const place = (latitude: number) =>
    transferOf('s1', (t) => Object.assign(t.act.place, { longitude: 121.03, latitude }));

  it.each<[string, number, string, object]>([
    ['well inside', -500, 'pass', { area: 'inside' }],
    ['just past the buffer, inside', -31, 'pass', { area: 'inside' }],
    ['within the buffer, inside', -29, 'warn confirm-place', { area: 'buffer', within: true }],
    ['within the buffer, beyond', 29, 'warn confirm-place', { area: 'buffer', within: false }],
    ['just past the buffer, beyond', 31, 'block send-to-place-of-act', { area: 'outside', liesIn: '310116' }],
  ])('%s', (_, metres, expected, facts) => {
    const { results, told } = found('R02', place(beyond(metres)));
    expect(told).toEqual([expected]);
    expect(results[0]!.facts).toMatchObject(facts);
  });

  it('takes the buffer of the agreement, and of the direction before it', () => {
    const wide = withTerms({ parameters: { bufferMetres: 100 } });
    expect(found('R02', place(beyond(31)), { agreement: wide }).told).toEqual(['warn confirm-place']);
    const directions = terms.directions.map((entry) => ({ ...entry, parameters: { bufferMetres: 0 } }));
    expect(found('R02', place(beyond(-1)), { agreement: withTerms({ directions }) }).told).toEqual(['pass']);
  });

  it('goes by the code alone where the agreement has no outline, and says so', () => {
    const { results } = found('R02', place(beyond(5000)), { agreement: withTerms({ areas: [] }) });
    expect(results).toMatchObject([{ result: 'pass', facts: { area: 'none' } }]);
  });

  it('goes by what the receiver has measured, before what the sender stated', () => {
    const measured = { code: '330482', longitude: 121.03, latitude: beyond(40), datum: 'WGS-84' as const };
    expect(found('R02', transferOf('s1'), { findings: { place: measured } }).told).toEqual([
      'block send-to-place-of-act',
    ]);
  });
});

describe('R03 power', () => {
  const to = (authority: string, item?: string) =>
    transferOf('s2', (t) => {
      t.to.authority = authority;
      if (item !== undefined) t.item = item;
    });
  const parties = (from: string) => [
    { node: 'pinghu.330482', region: '330482', authority: pinghu },
    { node: 'old.310116', region: '310116', authority: jinshan, successor: { node: 'jinshan.310116', from } },
    { node: 'jinshan.310116', region: '310116', authority: '金山区综合行政执法局' },
  ];

  it.each<[string, TransferData, Change, string]>([
    ['it holds one of the family', to(jinshan), {}, 'pass'],
    ['it holds what the sender’s item is akin to', to(jinshan, 'x-JX-JZLJ-9'), {}, 'pass'],
    ['it holds none of them', transferOf('s2', (t) => (t.family = 'river-pollution')), {}, 'pass'],
    [
      'it is registered, but not for this',
      transferOf('s1', (t) =>
        Object.assign(t, { to: { ...t.to, authority: '平湖市新埭镇人民政府' }, item: 'x-SH-HD-45' }),
      ),
      {},
      'block send-to-holder-of-power',
    ],
    ['nothing is known of its powers', to('某局'), {}, 'warn check-power'],
    ['nothing is known of such items', transferOf('s2', (t) => (t.family = 'catering-fumes')), {}, 'warn check-power'],
    ['the catalogues begin later', to(jinshan), { at: '2021-12-31T15:59:59.999Z' }, 'warn check-power'],
    ['the catalogues begin today', to(jinshan), { at: '2021-12-31T16:00:00.000Z' }, 'pass'],
    ['it asks nothing of assistance', transferOf('s2', (t) => (t.kind = 'ASSIST')), {}, 'not-applicable'],
  ])('%s', (_, transfer, change, expected) => {
    expect(found('R03', transfer, change).told).toEqual([expected]);
  });

  it('a gap on the day of the act is no block: the power counts when the receiver acts', () => {
    // Granted from 2026-08-15; the act came before.
    const transfer = transferOf('s2', (t) => Object.assign(t, { item: 'x-CN-ST-1169-1' }));
    expect(found('R03', transfer, { at: '2026-08-15T00:00:00+08:00' }).told).toEqual(['pass']);
  });

  it.each([
    ['on the day of the succession', '2022-09-26T16:00:00.000Z', ['pass']],
    ['a day before it', '2022-09-27T16:00:00.000Z', ['warn check-power']],
  ])('what was granted to the predecessor counts %s', (_, from, expected) => {
    const successors = readRecognitionAgreement({ ...content, parties: parties(from), terms });
    expect(found('R03', to('金山区综合行政执法局'), { agreement: successors }).told).toEqual(expected);
  });

  it('one that has been succeeded holds none', () => {
    const successors = readRecognitionAgreement({ ...content, parties: parties('2022-09-26T16:00:00.000Z'), terms });
    const transfer = transferOf('s2', (t) => Object.assign(t.to, { node: 'old.310116' }));
    expect(found('R03', transfer, { agreement: successors }).told).toEqual(['block address-successor']);
  });
});

describe('R04 laws in force', () => {
  const cites = (law: string, article: number, from: string, to: string | undefined, roles?: 'construction-unit') =>
    transferOf('s2', (t) => {
      t.citations = [{ law, article }];
      t.act = { ...t.act, from, to };
      if (roles) t.parties = [{ kind: 'organisation', roles: [roles] }];
    });
  const day = (text: string) => `${text}T12:00:00+08:00`;

  it.each<[string, TransferData, string, string[]]>([
    ['in force throughout', cites('固废法', 111, day('2026-08-01'), day('2026-08-14')), day('2026-08-14'), ['pass']],
    [
      'gone on the day of the decision',
      cites('固废法', 111, day('2026-08-01'), day('2026-08-14')),
      day('2026-08-15'),
      ['ended-since'],
    ],
    [
      'gone before the act ended',
      cites('固废法', 111, day('2026-08-14'), day('2026-08-15')),
      day('2026-08-15'),
      ['changed-during-act'],
    ],
    [
      'gone while the act goes on',
      cites('固废法', 111, day('2026-08-14'), undefined),
      day('2026-08-16'),
      ['changed-during-act'],
    ],
    [
      'gone before it began',
      cites('固废法', 111, day('2026-08-15'), day('2026-08-15')),
      day('2026-08-16'),
      ['not-in-force'],
    ],
    [
      'not there yet when it began',
      cites('生态环境法典', 1169, day('2026-08-14'), day('2026-08-16')),
      day('2026-08-16'),
      ['changed-during-act'],
    ],
    [
      'there from the first day',
      cites('生态环境法典', 1169, day('2026-08-15'), day('2026-08-16')),
      day('2026-08-16'),
      ['pass'],
    ],
    ['unheard of', cites('某某条例', 1, day('2026-08-15'), day('2026-08-16')), day('2026-08-16'), ['unknown']],
    [
      'before the catalogues',
      cites('固废法', 111, day('2021-12-31'), day('2022-01-02')),
      day('2022-01-03'),
      ['day-outside-catalogue'],
    ],
  ])('a law that is %s', (_, transfer, when, expected) => {
    const { results } = found('R04', transfer, { at: when });
    expect(results.map(({ result, facts }) => (result === 'pass' ? result : facts.why))).toEqual(expected);
    expect(results.every(({ result }) => result === 'pass' || result === 'warn')).toBe(true);
  });

  it('names the article that took its place, and the rule of the new code for the change', () => {
    const { results } = found('R04', cites('固废法', 63, day('2026-08-14'), day('2026-08-15')), {
      at: day('2026-08-20'),
    });
    expect(results[0]).toMatchObject({
      remedy: 'compare-laws',
      basis: [
        { law: '行政处罚法', article: '37' },
        { law: '生态环境法典', article: '1057' },
      ],
      facts: { successors: ['生态环境法典 1169', '生态环境法典 1174'] },
    });
    expect(describeResult(results[0]!, 'zh').detail).toBe(
      '《固体废物污染环境防治法》第63条：行为期间法律有更替；请核对生态环境法典 1169、生态环境法典 1174',
    );
  });

  it.each<[string, TransferData['parties'], string[]]>([
    ['is whom it names', [{ kind: 'organisation', roles: ['construction-unit'] }], ['pass']],
    ['is another', [{ kind: 'organisation', roles: ['haulier'] }], ['warn check-actor']],
    ['is a person', [{ kind: 'natural', roles: [] }], ['warn check-actor']],
    ['may be whom it names', [{ kind: 'organisation' }], ['pass']],
    ['is unknown', [{ kind: 'unknown' }], ['pass']],
    [
      'is one of several',
      [
        { kind: 'organisation', roles: ['haulier'] },
        { kind: 'organisation', roles: ['construction-unit'] },
      ],
      ['pass'],
    ],
  ])('a party that %s', (_, parties, expected) => {
    const transfer = { ...cites('固废法', 111, day('2022-09-05'), day('2022-09-07')), parties };
    expect(found('R04', transfer).told).toEqual(expected);
  });

  it('never repeats the sender’s words for a law', () => {
    const { results } = found('R04', cites('某某条例', 1, day('2022-09-05'), day('2022-09-07')));
    expect(JSON.stringify(results)).not.toContain('某某条例');
  });
});

describe('R05, discovered by whoever was first', () => {
  it('takes the receiver’s earlier record, and not a later one', () => {
    const transfer = transferOf('s2', (t) => {
      t.act = { ...t.act, from: '2020-08-17T09:00:00+08:00', to: '2020-08-18T00:30:00+08:00' };
      t.discoveredAt = '2022-08-19T00:00:00+08:00';
    });
    expect(found('R05', transfer).told).toEqual(['block do-not-pursue']);
    const own = (discoveredAt: string) => found('R05', transfer, { findings: { discoveredAt } }).told;
    expect(own('2022-06-19T10:00:00+08:00')).toEqual(['pass']);
    expect(own('2022-08-20T10:00:00+08:00')).toEqual(['block do-not-pursue']);
  });

  it('takes the harm that the receiver found', () => {
    const transfer = transferOf('s2', (t) => {
      t.act = { ...t.act, from: '2022-01-01T09:00:00+08:00', to: '2022-01-01T10:00:00+08:00' };
      t.discoveredAt = '2025-01-01T09:00:00+08:00';
    });
    expect(found('R05', transfer).told).toEqual(['block do-not-pursue']);
    expect(found('R05', transfer, { findings: { harm: ['life-health'] } }).told).toEqual(['pass']);
  });
});

describe('R11 registered evidence', () => {
  const registered = (from: string, disposed?: string) =>
    transferOf('s2', (t) => {
      t.evidence = [{ ...t.evidence[0]!, registration: disposed === undefined ? { from } : { from, disposed } }];
    });

  // 2022-09-26 and seven working days: the National Day holidays are off, the 8th and 9th of October worked.
  it.each<[string, string, string | undefined, string, string]>([
    ['on the last day', '2022-09-26T10:00:00+08:00', undefined, '2022-10-10T23:59:59+08:00', 'pass'],
    ['at its end', '2022-09-26T10:00:00+08:00', undefined, '2022-10-11T00:00:00+08:00', 'pass'],
    [
      'a second too late',
      '2022-09-26T10:00:00+08:00',
      undefined,
      '2022-10-11T00:00:01+08:00',
      'block dispose-registered',
    ],
    [
      'disposed of in time',
      '2022-09-26T10:00:00+08:00',
      '2022-10-10T20:00:00+08:00',
      '2023-01-01T00:00:00+08:00',
      'pass',
    ],
    [
      'disposed of late',
      '2022-09-26T10:00:00+08:00',
      '2022-10-11T08:00:00+08:00',
      '2023-01-01T00:00:00+08:00',
      'warn explain-late-disposal',
    ],
    [
      'under the old law, natural days that roll',
      '2021-07-14T10:00:00+08:00',
      undefined,
      '2021-07-21T23:00:00+08:00',
      'pass',
    ],
    [
      'under the old law, a day late',
      '2021-07-14T10:00:00+08:00',
      undefined,
      '2021-07-22T01:00:00+08:00',
      'block dispose-registered',
    ],
    [
      'in a year without a table',
      '2027-03-01T10:00:00+08:00',
      undefined,
      '2027-03-05T10:00:00+08:00',
      'warn count-by-hand',
    ],
  ])('%s', (_, from, disposed, when, expected) => {
    expect(found('R11', registered(from, disposed), { at: when }).told).toEqual([expected]);
  });

  it('says which item, and nothing where none is registered', () => {
    const { results } = found('R11', registered('2022-09-01T10:00:00+08:00'));
    expect(results).toMatchObject([{ evidence: 'EV-330482-2022-000005-01', facts: { lastDay: '2022-09-13' } }]);
    expect(found('R11', transferOf('s2')).told).toEqual(['not-applicable']);
  });
});

describe('R12 seizure', () => {
  const seized = (seizure: EvidenceSeizure) =>
    transferOf('s2', (t) => {
      t.evidence = [{ ...t.evidence[0]!, seizure }];
    });
  const from = '2022-09-01T10:00:00+08:00';
  const on = (day: string) => `${day}T12:00:00+08:00`;

  // 30 days after 1 September: 1 October, a holiday, to which it does not roll.
  it.each<[string, EvidenceSeizure, string, string]>([
    ['five days left', { from }, on('2022-09-26'), 'pass'],
    ['four days left', { from }, on('2022-09-27'), 'warn extend-seizure'],
    ['the last day', { from }, on('2022-10-01'), 'warn extend-seizure'],
    ['the day after', { from }, on('2022-10-02'), 'block release-seized'],
    ['extended', { from, extended: true }, on('2022-10-02'), 'pass'],
    ['extended, the last day', { from, extended: true }, on('2022-10-31'), 'warn extend-seizure'],
    ['extended, the day after', { from, extended: true }, on('2022-11-01'), 'block release-seized'],
    ['ten days of testing', { from, testing: [{ from: '2022-09-05', to: '2022-09-14' }] }, on('2022-10-06'), 'pass'],
    [
      'their end',
      { from, testing: [{ from: '2022-09-05', to: '2022-09-14' }] },
      on('2022-10-12'),
      'block release-seized',
    ],
    ['testing still', { from, testing: [{ from: '2022-09-30' }] }, on('2023-09-01'), 'pass'],
    ['released in time', { from, released: on('2022-09-30') }, on('2023-01-01'), 'pass'],
    ['a release to come', { from, released: on('2022-11-01') }, on('2022-10-02'), 'block release-seized'],
    ['before the law', { from: '2011-12-31T10:00:00+08:00' }, on('2012-01-02'), 'warn count-by-hand'],
  ])('%s', (_, seizure, when, expected) => {
    expect(found('R12', seized(seizure), { at: when }).told).toEqual([expected]);
  });

  it('shows the running clock, and what is held too long is not to be relied on', () => {
    expect(found('R12', seized({ from }), { at: on('2022-09-20') }).results[0]!.facts).toMatchObject({
      lastDays: ['2022-10-01'],
    });
    const { decision, results } = found('R12', seized({ from }), { at: on('2022-10-02') });
    expect(results[0]).toMatchObject({ basis: [{ law: '行政强制法', article: '28' }] });
    expect(decision.proposals[0]).toMatchObject({ proposed: 'REFUSED', reasons: ['R12'] });
  });

  it('warns as early as the agreement says', () => {
    const early = withTerms({ parameters: { seizureWarnDays: 10 } });
    expect(found('R12', seized({ from }), { at: on('2022-09-22'), agreement: early }).told).toEqual([
      'warn extend-seizure',
    ]);
  });
});

describe('R13 crime', () => {
  const waste = (amount: number, unit: 'tonne' | 'kilogram' | 'cubic-metre' = 'tonne') =>
    transferOf('s2', (t) => {
      t.act.quantities = [{ substance: 'hazardous-waste', amount, unit }];
      t.evidence = t.evidence.filter(({ kind }) => kind === 'documentary');
    });
  const money = (change: Pick<TransferData['act'], 'gains' | 'losses'>, to = '2022-09-07T23:45:00+08:00') =>
    transferOf('s2', (t) => {
      Object.assign(t.act, change, { to });
      t.evidence = [];
    });
  const blocked = ['block refer-to-police'];

  it.each<[string, TransferData, string[]]>([
    ['three tonnes', waste(3), blocked],
    ['a kilogram less', waste(2.999), ['pass']],
    ['in kilograms', waste(3000, 'kilogram'), blocked],
    ['in cubic metres, which say nothing of tonnes', waste(300, 'cubic-metre'), ['not-applicable']],
    ['gains of 300,000', money({ gains: 300_000 }), blocked],
    ['gains of a yuan less', money({ gains: 299_999 }), ['pass']],
    ['losses of 300,000', money({ losses: 300_000 }), blocked],
    ['nothing stated', money({}), ['not-applicable']],
    ['assistance', { ...waste(5), kind: 'ASSIST' }, ['not-applicable']],
    ['a lead', { ...waste(5), kind: 'LEAD' }, ['warn consider-police']],
  ])('%s', (_, transfer, expected) => {
    expect(found('R13', transfer).told).toEqual(expected);
  });

  it('adds up loads without losing a gram', () => {
    const loads = transferOf('s2', (t) => {
      t.evidence = [];
      t.act.quantities = [1.1, 1.1, 0.8].map((amount) => ({ substance: 'hazardous-waste', amount, unit: 'tonne' }));
    });
    expect(found('R13', loads).results[0]).toMatchObject({ result: 'block', facts: { amount: 3 } });
  });

  it.each([
    ['2023-08-14T23:59:59+08:00', '办理环境污染刑事案件解释（法释〔2016〕29号）'],
    ['2023-08-15T00:00:00+08:00', '办理环境污染刑事案件解释（法释〔2023〕7号）'],
  ])('goes by the text in force when the act ended, %s', (ended, law) => {
    const { results } = found('R13', money({ losses: 400_000 }, ended), { at: '2023-09-01T00:00:00.000Z' });
    expect(results).toMatchObject([{ basis: [{ article: '11' }, { law }] }]);
  });

  it('goes before every other block', () => {
    const transfer = waste(5);
    transfer.act.place.code = '330482';
    expect(found('R13', transfer).decision.outcome).toBe('crime-track');
  });

  it('ends with the refusal of the police, wherever it stands', () => {
    const notice = transferOf('s2').documents![0]!;
    const attached = { ...waste(5), documents: [{ ...notice, type: 'police-refusal-notice' }] };
    expect(found('R13', attached).results).toMatchObject([{ result: 'pass', facts: { policeRefused: true } }]);
    const findings = { policeRefusal: { number: '平公不立字〔2022〕3号', day: '2022-09-25' } };
    expect(found('R13', waste(5), { findings }).told).toEqual(['pass']);
    const asEvidence = waste(5);
    asEvidence.evidence[0]!.documentType = 'police-refusal-notice';
    expect(found('R13', asEvidence).told).toEqual(['pass']);
  });

  it('goes by what the receiver found, and by the appraisal', () => {
    const quantities: Findings['quantities'] = [{ substance: 'dross', amount: 5.2, unit: 'tonne' }];
    const appraisal = { number: '鉴〔2022〕第7号', day: '2022-09-22', of: 'dross', substance: 'hazardous-waste' };
    expect(found('R13', waste(1), { findings: { quantities } }).told).toEqual(['not-applicable']);
    expect(found('R13', waste(1), { findings: { quantities, appraisal } }).told).toEqual(blocked);
    expect(found('R13', waste(5), { findings: { quantities: [] } }).told).toEqual(['not-applicable']);
  });

  it('has statements taken again', () => {
    const transfer = transferOf('s2', (t) => (t.act.losses = 500_000));
    const { decision, results } = found('R13', transfer);
    const statement = transfer.evidence.find(({ kind }) => kind === 'party-statement')!;
    expect(results.filter(({ evidence }) => evidence)).toMatchObject([
      { evidence: statement.id, remedy: 'retake-statement' },
    ]);
    expect(decision.proposals.find(({ evidence }) => evidence === statement.id)).toMatchObject({ proposed: 'RETAKE' });
  });

  it('takes the parties’ own thresholds', () => {
    const [first] = defaultRuleParameters.crimeThresholds;
    const strict = withTerms({ parameters: { crimeThresholds: [{ ...first!, measure: 'spoil', atLeast: 10 }] } });
    const spoil = transferOf('s2', (t) => (t.act.quantities = [{ substance: 'spoil', amount: 10, unit: 'tonne' }]));
    expect(found('R13', spoil, { agreement: strict }).told[0]).toBe('block refer-to-police');
    expect(found('R13', waste(5), { agreement: strict }).told).toEqual(['not-applicable']);
  });
});

describe('R14 preconditions', () => {
  const posting = (kind: TransferData['kind'], documents: string[] = []) =>
    transferOf('s2', (t) => {
      const [letter] = t.documents!;
      t.kind = kind;
      t.family = 'illegal-posting';
      t.item = 'x-ZJ-SR-20';
      t.documents = documents.map((type, i) => ({ ...letter!, id: `D${i}`, type }));
    });
  const both = ['correction-order', 're-check-record'];

  it.each<[string, TransferData, string[]]>([
    ['a case without proof', posting('CASE'), ['supplement add-order-and-re-check']],
    ['a case with the order alone', posting('CASE', ['correction-order']), ['supplement add-order-and-re-check']],
    ['a case with both', posting('CASE', both), ['pass']],
    ['a lead', posting('LEAD'), ['warn order-to-correct-first']],
    ['assistance', posting('ASSIST'), ['not-applicable']],
    ['an item that needs none', transferOf('s2'), ['not-applicable']],
  ])('%s', (_, transfer, expected) => {
    expect(found('R14', transfer).told).toEqual(expected);
  });

  it('goes by the receiver’s law at the time of the act, and cites it', () => {
    const { results } = found('R14', posting('CASE'));
    expect(results[0]).toMatchObject({
      basis: [{ law: '上海市市容环境卫生管理条例', article: '24' }],
      facts: { items: ['x-SH-SR-24-3'], missing: both },
    });
    // The text of 2022-12-01 was not read: nothing is known of what it asks for.
    const later = posting('CASE');
    later.act.to = '2022-12-01T10:00:00+08:00';
    expect(found('R14', later).told).toEqual(['not-applicable']);
    later.act.to = '2022-11-30T23:59:59+08:00';
    expect(found('R14', later).told).toEqual(['supplement add-order-and-re-check']);
  });

  it('takes evidence and the receiver’s own order and re-check as proof', () => {
    const transfer = posting('CASE');
    for (const [i, documentType] of both.entries()) transfer.evidence[i]!.documentType = documentType;
    expect(found('R14', transfer).told).toEqual(['pass']);
    const orders = [{ number: '金责改〔2022〕3号', day: '2022-09-20' }];
    const reCheck = (result: 'corrected' | 'not-corrected') => ({ day: '2022-09-25', result });
    expect(found('R14', posting('CASE'), { findings: { orders, reCheck: reCheck('not-corrected') } }).told).toEqual([
      'pass',
    ]);
    expect(found('R14', posting('CASE'), { findings: { orders, reCheck: reCheck('corrected') } }).told).toEqual([
      'supplement close-as-corrected',
    ]);
  });

  it('leaves to people what the catalogues don’t answer', () => {
    const old = posting('CASE');
    old.act = { ...old.act, from: '2021-12-30T10:00:00+08:00', to: '2021-12-31T10:00:00+08:00' };
    expect(found('R14', old).told).toEqual(['warn check-preconditions']);
  });
});

describe('R15 the same act', () => {
  const filing = (node: string) => ({ node, number: '立〔2022〕1号', filedAt: '2022-09-15T01:05:00.000Z' });
  const ask = (registers: Partial<RecognitionInput['registers']>, transfer = transferOf('s2')) =>
    found('R15', transfer, { registers: { ...quietRegisters, ...registers } }).told;

  it.each<[string, Partial<RecognitionInput['registers']>, string[]]>([
    ['nobody has filed', {}, ['pass']],
    ['the sender has, and hands it over', { filings: [filing('pinghu.330482')] }, ['pass']],
    ['the receiver has', { filings: [filing('jinshan.310116')] }, ['block join-filed-case']],
    ['a third has', { filings: [filing('jiashan.330421')] }, ['block join-filed-case']],
    ['a peer did not answer', { unanswered: ['jiashan.330421'] }, ['warn ask-peers-again']],
    [
      'one has and another did not answer',
      { filings: [filing('jinshan.310116')], unanswered: ['jiashan.330421'] },
      ['block join-filed-case', 'warn ask-peers-again'],
    ],
  ])('%s', (_, registers, expected) => {
    expect(ask(registers)).toEqual(expected);
  });

  it('asks nothing of assistance', () => {
    const assistance = transferOf('s2', (t) => (t.kind = 'ASSIST'));
    expect(ask({ filings: [filing('jinshan.310116')] }, assistance)).toEqual(['not-applicable']);
  });
});

describe('R18 number and seal', () => {
  const numbered = (number: string) => transferOf('s2', (t) => (t.number = number));
  const sealed = (owner: string, valid = true) => ({ registers: { ...quietRegisters, seal: { owner, valid } } });

  it.each<[string, TransferData, Change, string[]]>([
    ['a number, no seal yet', transferOf('s2'), {}, ['pass']],
    ['a peer’s spelling', numbered('沪城管执(2023)14号'), {}, ['pass']],
    ['no number', numbered('第1号'), {}, ['block correct-number']],
    ['a form that nobody filled in', numbered('平综执移字〔2022〕第000号'), {}, ['block correct-number']],
    [
      'a number that is taken',
      transferOf('s2'),
      { registers: { ...quietRegisters, numberTaken: true } },
      ['block take-another-number'],
    ],
    ['the issuer’s seal', transferOf('s2'), sealed(pinghu), ['pass']],
    ['a seal in another of its names', transferOf('s2'), sealed('平湖市城市管理局'), ['pass']],
    ['another’s seal', transferOf('s2'), sealed(jinshan), ['block seal-again']],
    ['a seal that is not valid', transferOf('s2'), sealed(pinghu, false), ['block seal-again']],
    [
      'a request, as every kind',
      transferOf('s2', (t) => Object.assign(t, { kind: 'ASSIST', number: '无' })),
      {},
      ['block correct-number'],
    ],
  ])('%s', (_, transfer, change, expected) => {
    expect(found('R18', transfer, change).told).toEqual(expected);
  });

  it.each([
    ['from the day of the succession', '2022-09-26T16:00:00.000Z', ['pass']],
    ['not before', '2022-09-27T16:00:00.000Z', ['block seal-again']],
  ])('takes the predecessor’s seal %s', (_, from, expected) => {
    const parties = [
      { node: 'old.330482', region: '330482', authority: '平湖市旧局', successor: { node: 'pinghu.330482', from } },
      ...content.parties,
    ];
    const succeeded = readRecognitionAgreement({ ...content, parties, terms });
    expect(found('R18', transferOf('s2'), { ...sealed('平湖市旧局'), agreement: succeeded }).told).toEqual(expected);
  });

  it('a name that the sender made up does not make another’s seal its own', () => {
    const transfer = transferOf('s2', (t) => (t.from.authority = '平湖市某局'));
    expect(found('R18', transfer, sealed(jinshan)).told).toEqual(['block seal-again']);
  });
});

describe('R20 the legal reviewer', () => {
  const step = (change: Partial<TransferAttestation>): TransferAttestation => ({
    step: 'cleared',
    role: 'legal-reviewer',
    certNo: '33048200009',
    at: '2022-09-26T10:00:00+08:00',
    qualifiedSince: '2019-05-01',
    ...change,
  });
  const attested = (...attestation: TransferAttestation[]) => transferOf('s2', (t) => (t.attestation = attestation));

  it.each<[string, TransferData, string[]]>([
    ['nobody is named', transferOf('s2'), ['not-applicable']],
    [
      'another than who handled and approved',
      attested(step({}), step({ step: 'approved', certNo: '33048200001' })),
      ['pass'],
    ],
    ['a collector', attested(step({ certNo: '33048200001' })), ['block review-by-another']],
    ['who submitted it', attested(step({}), step({ step: 'submitted' })), ['block review-by-another']],
    ['who approved it', attested(step({}), step({ step: 'approved' })), ['block review-by-another']],
    ['who sealed it', attested(step({}), step({ step: 'sealed' })), ['pass']],
    ['qualified on that day', attested(step({ qualifiedSince: '2022-09-26' })), ['pass']],
    ['qualified the day after', attested(step({ qualifiedSince: '2022-09-27' })), ['block review-by-another']],
    // 20:00 UTC on the 25th is the 26th in China.
    ['by the Chinese day', attested(step({ qualifiedSince: '2022-09-26', at: '2022-09-25T20:00:00Z' })), ['pass']],
    ['of unstated qualification', attested(step({ qualifiedSince: undefined })), ['supplement state-qualification']],
    ['one of two', attested(step({}), step({ certNo: '33048200002' })), ['block review-by-another']],
  ])('%s', (_, transfer, expected) => {
    expect(found('R20', transfer).told).toEqual(expected);
  });

  it('names no certificate', () => {
    const { results } = found('R20', attested(step({ certNo: '33048200001' })));
    expect(JSON.stringify(results)).not.toContain('33048200001');
  });
});

describe('parseFindings', () => {
  const sound: Findings = { gains: 1, orders: [{ number: '平综执责改〔2022〕第61号', day: '2022-08-25' }] };

  it('takes what has the form', () => {
    expect(parseFindings(sound)).toEqual(sound);
    expect(parseFindings({})).toEqual({});
  });

  it.each<[string, unknown, string, string]>([
    ['a field that is none', { ...sound, name: '当事人甲' }, 'additionalProperties', '/'],
    ['a day that is none', { reCheck: { day: '2022-02-30', result: 'corrected' } }, 'format', '/reCheck/day'],
    ['a text for a number', { gains: '300000' }, 'type', '/gains'],
    ['less than nothing', { losses: -1 }, 'minimum', '/losses'],
    ['orders without end', { orders: Array.from({ length: 21 }, () => sound.orders![0]) }, 'maxItems', '/orders'],
    ['no object', null, 'type', '/'],
  ])('refuses %s', (_, value, reason, pointer) => {
    expect(() => parseFindings(value)).toThrow(
      expect.objectContaining({ code: 'VALIDATION_FAILED', params: { reason, pointer } }),
    );
  });
});

describe('areas and thresholds in an agreement', () => {
  const [area] = terms.areas!;
  const threshold = defaultRuleParameters.crimeThresholds[0]!;

  it.each<[string, Partial<AgreementTerms>, object]>([
    ['an area twice', { areas: [area!, area!] }, { reason: 'area-twice', key: '330482' }],
    [
      'a ring that is open',
      {
        areas: [
          {
            region: '330482',
            outline: {
              type: 'Polygon',
              coordinates: [
                [
                  [121, 30],
                  [121, 31],
                  [122, 31],
                ],
              ],
            },
          },
        ],
      },
      { reason: 'area', region: '330482', problem: 'ring-not-closed', at: '/coordinates/0' },
    ],
    [
      'a threshold twice',
      { parameters: { crimeThresholds: [threshold, threshold] } },
      { reason: 'crime-threshold-twice', key: 'hazardous-waste null' },
    ],
    [
      'a threshold from a day that is none',
      { parameters: { crimeThresholds: [{ ...threshold, from: '2023-02-29' }] } },
      { reason: 'day', day: '2023-02-29' },
    ],
    ['a buffer of 11 km', { parameters: { bufferMetres: 11_000 } }, { reason: 'maximum' }],
  ])('refuses %s', (_, change, params) => {
    expect(() => withTerms(change)).toThrow(
      expect.objectContaining({ code: 'AGREEMENT_MALFORMED', params: expect.objectContaining(params) }),
    );
  });
});
