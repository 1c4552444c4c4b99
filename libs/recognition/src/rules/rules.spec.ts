import { readFileSync } from 'node:fs';
import path from 'node:path';
import { quietRegisters, shippedSet } from '../../../../test/support/catalogues';
import {
  type AgreementTerms,
  evaluateRecognition,
  type RecognitionAgreement,
  type RecognitionDecision,
  type RuleId,
  readRecognitionAgreement,
  type TransferData,
  type TransferEvidence,
} from '../index';

const samples = path.join(__dirname, '../../../../test/samples');
const read = (file: string) => JSON.parse(readFileSync(path.join(samples, file), 'utf8'));
const terms: AgreementTerms = read('agreement-terms.json');
const content = {
  id: 'pinghu-jinshan',
  version: 1,
  effective: { from: '2022-08-01T00:00:00.000Z', to: '2027-08-01T00:00:00.000Z' },
  parties: [
    { node: 'pinghu.330482', region: '330482' },
    { node: 'jinshan.310116', region: '310116' },
  ],
};
const agreement = readRecognitionAgreement({ ...content, terms });
const at = '2022-09-27T02:00:00.000Z';

/** S1 (a lead with recordings and one original paper) or S2 (a case with every kind of form), changed by the test. */
function transferOf(sample: 's1' | 's2', change: (transfer: TransferData) => void = () => {}): TransferData {
  const transfer: TransferData = read(`${sample}.json`).transfer;
  change(transfer);
  return transfer;
}
function evaluate(transfer: TransferData, overrides: Partial<Parameters<typeof evaluateRecognition>[0]> = {}) {
  return evaluateRecognition({
    ...{ transfer, agreement, manifest: null, at, catalogue: shippedSet(), registers: quietRegisters },
    ...overrides,
  });
}
function of(decision: RecognitionDecision, rule: RuleId) {
  return decision.results.filter((entry) => entry.rule === rule);
}
function resultsOf(decision: RecognitionDecision, rule: RuleId) {
  return of(decision, rule).map((entry) => entry.result);
}
function proposalOf(decision: RecognitionDecision, item: TransferEvidence) {
  return decision.proposals.find((proposal) => proposal.evidence === item.id);
}
function itemOf(transfer: TransferData, title: string): TransferEvidence {
  return transfer.evidence.find((item) => item.title.startsWith(title))!;
}
function withParameters(parameters: AgreementTerms['parameters']): RecognitionAgreement {
  return readRecognitionAgreement({ ...content, terms: { ...terms, parameters } });
}

describe('R01 two officers', () => {
  const first = (transfer: TransferData) => transfer.evidence[0]!;

  it('passes when two valid officers collected each item', () => {
    expect(resultsOf(evaluate(transferOf('s1')), 'R01')).toEqual(['pass']);
  });

  it('blocks an item of one officer and leaves the others', () => {
    const transfer = transferOf('s1', (t) => first(t).collectors.pop());
    const [entry, ...rest] = of(evaluate(transfer), 'R01');
    expect(entry).toMatchObject({ result: 'block', remedy: 'add-officers', evidence: first(transfer).id });
    expect(rest).toEqual([]);
    expect(evaluate(transfer).outcome).toBe('blocked');
  });

  it('does not count a certificate that the transfer does not list', () => {
    const transfer = transferOf('s1', (t) => {
      first(t).collectors = ['31011600001', '31011699999'];
    });
    expect(of(evaluate(transfer), 'R01')[0]).toMatchObject({ result: 'block', remedy: 'renew-certificate' });
  });

  it.each([
    ['the first day', '2022-08-18', '2022-12-31', 'pass'],
    ['the last day', '2020-01-01', '2022-08-18', 'pass'],
    ['the day before the first', '2022-08-19', '2022-12-31', 'block'],
    ['the day after the last', '2020-01-01', '2022-08-17', 'block'],
  ])('counts Chinese days: %s', (_, validFrom, validTo, expected) => {
    // 16:00 UTC on the 17th is midnight in China: the item was collected on the 18th.
    const transfer = transferOf('s1', (t) => {
      t.evidence = [{ ...first(t), collectedAt: '2022-08-17T16:00:00Z' }];
      t.officers = t.officers.map((officer) => ({ ...officer, validFrom, validTo }));
    });
    expect(resultsOf(evaluate(transfer), 'R01')).toEqual([expected]);
  });

  it('warns when the validity is not stated', () => {
    const transfer = transferOf('s1', (t) => {
      t.officers = t.officers.map(({ certNo }) => ({ certNo }));
      t.evidence = [first(t)];
    });
    expect(of(evaluate(transfer), 'R01')).toMatchObject([{ result: 'warn', remedy: 'state-certificate-validity' }]);
  });

  it('exempts what a citizen handed in, which stays a lead', () => {
    const transfer = transferOf('s1', (t) => {
      t.evidence = [{ ...first(t), collectors: [], handedInBy: 'citizen' }];
    });
    const decision = evaluate(transfer);
    expect(resultsOf(decision, 'R01')).toEqual(['not-applicable']);
    expect(proposalOf(decision, first(transfer))).toMatchObject({ proposed: 'LEAD_ONLY', reasons: ['handed-in'] });
  });

  it('does not count one officer twice', () => {
    const transfer = transferOf('s1', (t) => {
      first(t).collectors = ['31011600001', '31011600001'];
    });
    expect(resultsOf(evaluate(transfer), 'R01')).toEqual(['block']);
  });
});

describe('R02 place of the act', () => {
  const at330482 = (code: string) =>
    transferOf('s1', (t) => {
      t.act.place.code = code;
    });

  it.each([
    ['the county', '330482', 'pass'],
    ['a town of it', '330482103', 'pass'],
    ['a village of it', '330482103201', 'pass'],
    ['the neighbour over the province line', '310116', 'block'],
    ['the next county', '330481', 'block'],
    ['the whole prefecture', '330400', 'block'],
  ])('%s', (_, code, expected) => {
    expect(resultsOf(evaluate(at330482(code)), 'R02')).toEqual([expected]);
  });

  it('asks for a finer code where the given one covers the receiver', () => {
    expect(of(evaluate(at330482('330000')), 'R02')[0]?.remedy).toBe('refine-place-code');
    expect(of(evaluate(at330482('340000')), 'R02')[0]?.remedy).toBe('send-to-place-of-act');
  });

  it('covers all counties of a prefecture that is a party', () => {
    const wide = {
      ...agreement,
      parties: [
        { node: 'pinghu.330482', region: '330400' },
        { node: 'jinshan.310116', region: '310000' },
      ],
    };
    expect(resultsOf(evaluate(at330482('330411'), { agreement: wide }), 'R02')).toEqual(['pass']);
    expect(resultsOf(evaluate(at330482('330502'), { agreement: wide }), 'R02')).toEqual(['block']);
  });

  it('notices swapped coordinates', () => {
    const transfer = transferOf('s1', (t) => {
      t.act.place.longitude = 30.87;
      t.act.place.latitude = 75;
    });
    expect(of(evaluate(transfer), 'R02')[0]).toMatchObject({ result: 'block', facts: { swapped: true } });
  });

  it('speaks of leads and cases only', () => {
    const transfer = transferOf('s1', (t) => {
      t.kind = 'ASSIST';
      t.act.place.code = '310116';
    });
    expect(resultsOf(evaluate(transfer), 'R02')).toEqual(['not-applicable']);
  });
});

describe('R05 limitation', () => {
  const act = (from: string, to: string | undefined, discoveredAt: string, harm?: TransferData['act']['harm']) =>
    transferOf('s2', (t) => {
      t.act = { ...t.act, from, to, harm };
      t.discoveredAt = discoveredAt;
    });
  const check = (transfer: TransferData) => of(evaluate(transfer), 'R05')[0];

  it.each([
    ['on the last day', '2022-08-18T23:59:59+08:00', 'warn', 0],
    ['a day too late', '2022-08-19T00:00:00+08:00', 'block', undefined],
    ['with 60 days left', '2022-06-19T12:00:00+08:00', 'pass', undefined],
    ['with 59 days left', '2022-06-20T12:00:00+08:00', 'warn', 59],
  ])('discovered %s', (_, discoveredAt, result, daysLeft) => {
    const entry = check(act('2020-08-17T09:00:00+08:00', '2020-08-18T00:30:00+08:00', discoveredAt));
    expect(entry?.result).toBe(result);
    if (daysLeft !== undefined) expect(entry?.facts.daysLeft).toBe(daysLeft);
  });

  it('counts from the end in Chinese days, not in UTC', () => {
    // 17:00 UTC on the 17th is already the 18th in China.
    const entry = check(act('2020-08-17T09:00:00Z', '2020-08-17T17:00:00Z', '2022-08-18T20:00:00+08:00'));
    expect(entry).toMatchObject({ result: 'warn', facts: { ended: '2020-08-18', lastDay: '2022-08-18' } });
  });

  it('ends on 28 February when it began on 29 February', () => {
    const entry = check(act('2020-02-29T09:00:00+08:00', '2020-02-29T10:00:00+08:00', '2022-03-01T09:00:00+08:00'));
    expect(entry).toMatchObject({ result: 'block', facts: { lastDay: '2022-02-28' } });
  });

  it('has not begun while the act goes on', () => {
    expect(check(act('2015-01-01T00:00:00+08:00', undefined, '2022-09-08T00:00:00+08:00'))?.result).toBe('pass');
  });

  it('runs five years after harm to life or health, under the law of the day the act ended', () => {
    const found = '2025-09-08T00:00:00+08:00';
    const later = act('2021-07-15T08:00:00+08:00', '2021-07-15T09:00:00+08:00', found, ['life-health']);
    expect(check(later)?.result).toBe('pass');
    const earlier = act('2021-07-14T08:00:00+08:00', '2021-07-14T09:00:00+08:00', found, ['life-health']);
    expect(check(earlier)?.result).toBe('block');
  });

  it('names the article of the environmental code where that lengthens it', () => {
    const entry = check(
      act('2026-08-15T08:00:00+08:00', '2026-08-15T09:00:00+08:00', '2031-08-14T09:00:00+08:00', ['environment']),
    );
    expect(entry).toMatchObject({ result: 'warn', basis: [{ law: '生态环境法典', article: '1054' }] });
  });

  it('asks about a discovery before the act', () => {
    const entry = check(act('2022-09-05T22:00:00+08:00', undefined, '2022-09-05T21:59:59+08:00'));
    expect(entry).toMatchObject({ result: 'supplement', remedy: 'correct-discovery' });
  });
});

describe('R06 digests', () => {
  const manifestOf = (transfer: TransferData): Record<string, string> =>
    Object.fromEntries([...transfer.evidence, ...(transfer.documents ?? [])].map(({ id, digest }) => [id, digest]));

  it('passes when both lists agree and waits while there is no manifest', () => {
    const transfer = transferOf('s2');
    expect(resultsOf(evaluate(transfer, { manifest: manifestOf(transfer) }), 'R06')).toEqual(['pass']);
    expect(resultsOf(evaluate(transfer), 'R06')).toEqual(['not-applicable']);
  });

  it.each([
    [
      'another digest',
      (m: Record<string, string>, id: string) => Object.assign(m, { [id]: `sha256:${'0'.repeat(64)}` }),
      'digest-differs',
    ],
    ['no entry', (m: Record<string, string>, id: string) => delete m[id], 'not-in-manifest'],
  ])('blocks an item with %s and proposes to refuse it', (_, spoil, cause) => {
    const transfer = transferOf('s1');
    const item = transfer.evidence[3]!;
    const manifest = manifestOf(transfer);
    spoil(manifest, item.id);
    const decision = evaluate(transfer, { manifest });
    expect(of(decision, 'R06')).toMatchObject([{ result: 'block', evidence: item.id, facts: { cause } }]);
    expect(proposalOf(decision, item)).toMatchObject({ proposed: 'REFUSED', reasons: ['R06'] });
  });

  it('blocks a file that only the manifest knows, and a changed document', () => {
    const transfer = transferOf('s2');
    const manifest = { ...manifestOf(transfer), stowaway: `sha256:${'1'.repeat(64)}` };
    expect(of(evaluate(transfer, { manifest }), 'R06')).toMatchObject([{ facts: { cause: 'unlisted', unlisted: 1 } }]);
    const changed = { ...manifestOf(transfer), [transfer.documents![0]!.id]: `sha256:${'1'.repeat(64)}` };
    expect(of(evaluate(transfer, { manifest: changed }), 'R06')).toMatchObject([
      { facts: { cause: 'digest-differs' } },
    ]);
  });

  it('does not find an item called constructor on the prototype', () => {
    const transfer = transferOf('s1', (t) => {
      t.evidence = [{ ...t.evidence[0]!, id: 'constructor' }];
    });
    expect(of(evaluate(transfer, { manifest: {} }), 'R06')).toMatchObject([{ facts: { cause: 'not-in-manifest' } }]);
  });
});

describe('R07 production of recordings and data', () => {
  it('passes complete recordings', () => {
    expect(resultsOf(evaluate(transferOf('s1')), 'R07')).toEqual(['pass']);
  });

  it('lists what is missing', () => {
    const transfer = transferOf('s1', (t) => {
      delete t.evidence[0]!.madeBy;
      delete t.evidence[0]!.purpose;
    });
    expect(of(evaluate(transfer), 'R07')).toMatchObject([
      { result: 'supplement', evidence: transfer.evidence[0]!.id, facts: { missing: ['madeBy', 'purpose'] } },
    ]);
  });

  it('wants a transcript of sound, as an item that is there', () => {
    const recorder = (t: TransferData) => itemOf(t, '执法记录仪视频1');
    const sound = (transcriptRef?: string) =>
      transferOf('s1', (t) => {
        Object.assign(recorder(t), { hasSound: true, transcriptRef });
      });
    const statement = itemOf(transferOf('s1'), '制止情况说明').id;
    expect(of(evaluate(sound()), 'R07')).toMatchObject([{ remedy: 'add-transcript' }]);
    expect(of(evaluate(sound('EV-not-there')), 'R07')).toMatchObject([{ remedy: 'add-transcript' }]);
    expect(of(evaluate(sound(recorder(transferOf('s1')).id)), 'R07')).toMatchObject([{ remedy: 'add-transcript' }]);
    expect(resultsOf(evaluate(sound(statement)), 'R07')).toEqual(['pass']);
  });

  it('wants to know of a video whether it has sound, of a photograph not', () => {
    const transfer = transferOf('s1', (t) => {
      for (const item of t.evidence) delete item.hasSound;
    });
    expect(of(evaluate(transfer), 'R07').map((entry) => entry.remedy)).toEqual(['state-sound', 'state-sound']);
  });

  it('leaves other kinds alone', () => {
    const transfer = transferOf('s2', (t) => {
      t.evidence = [itemOf(t, '过磅单')];
    });
    expect(resultsOf(evaluate(transfer), 'R07')).toEqual(['not-applicable']);
  });
});

describe('R08 copies of documents', () => {
  const copy = (change: Partial<TransferEvidence>) =>
    transferOf('s2', (t) => {
      t.evidence = [{ ...itemOf(t, '过磅单'), ...change }];
    });
  const body = { kind: 'body', name: '某地磅经营单位' } as const;

  it('passes a sealed copy of a body and an unsealed one of a person', () => {
    const sealed = copy({ sourceHolder: body, verifiedAgainstOriginal: true, holderSeal: true });
    expect(resultsOf(evaluate(sealed), 'R08')).toEqual(['pass']);
    const persons = copy({ sourceHolder: { kind: 'person', name: '当事人甲' }, verifiedAgainstOriginal: true });
    expect(resultsOf(evaluate(persons), 'R08')).toEqual(['pass']);
  });

  it('asks for source, comparison and seal', () => {
    expect(of(evaluate(copy({})), 'R08')).toMatchObject([
      { result: 'supplement', facts: { missing: ['sourceHolder', 'verifiedAgainstOriginal', 'holderSeal'] } },
    ]);
    const unsealed = copy({ sourceHolder: body, verifiedAgainstOriginal: true });
    expect(of(evaluate(unsealed), 'R08')).toMatchObject([{ facts: { missing: ['holderSeal'] } }]);
  });

  it('only warns of a missing page count', () => {
    const transfer = copy({ sourceHolder: body, verifiedAgainstOriginal: true, holderSeal: true, pages: undefined });
    expect(of(evaluate(transfer), 'R08')).toMatchObject([{ result: 'warn', remedy: 'count-pages' }]);
  });

  it('asks nothing of an original', () => {
    expect(resultsOf(evaluate(copy({ isOriginal: true })), 'R08')).toEqual(['not-applicable']);
  });
});

describe('R09 signatures', () => {
  const record = (title: string, change: Partial<TransferEvidence>) =>
    transferOf('s2', (t) => {
      t.evidence = [{ ...itemOf(t, title), ...change }];
    });
  const officers = ['33048200001', '33048200002'];

  it('passes signed records', () => {
    expect(resultsOf(evaluate(record('询问', {})), 'R09')).toEqual(['pass']);
    expect(resultsOf(evaluate(record('现场检查', {})), 'R09')).toEqual(['pass']);
  });

  it('cites §15 for the scene and §10(4) for a statement', () => {
    const scene = of(evaluate(record('现场检查', { signatures: undefined })), 'R09')[0];
    expect(scene).toMatchObject({ result: 'supplement', basis: [{ article: '15' }] });
    expect(of(evaluate(record('询问', { signatures: undefined })), 'R09')[0]?.basis).toMatchObject([
      { article: '10(4)' },
    ]);
  });

  it('accepts a refusal only with its reason and a witness or the note of none', () => {
    const refused = (extra: object) => record('现场检查', { signatures: { officers, party: false, ...extra } });
    expect(resultsOf(evaluate(refused({})), 'R09')).toEqual(['supplement']);
    expect(of(evaluate(refused({ refusalReason: '拒绝签名' })), 'R09')).toMatchObject([
      { facts: { missing: ['signatures.witness'] } },
    ]);
    for (const witness of ['signed', 'none-present']) {
      expect(resultsOf(evaluate(refused({ refusalReason: '拒绝签名', witness })), 'R09')).toEqual(['pass']);
    }
  });

  it('wants two officers, but none on testimony that a citizen wrote and handed in', () => {
    const one = record('现场检查', { signatures: { officers: officers.slice(1), party: true } });
    expect(of(evaluate(one), 'R09')).toMatchObject([{ facts: { missing: ['signatures.officers'] } }]);
    const written = record('询问', {
      kind: 'witness-testimony',
      handedInBy: 'citizen',
      signatures: { officers: [], party: true },
    });
    expect(resultsOf(evaluate(written), 'R09')).toEqual(['pass']);
  });

  it('proposes to take a statement again that is not signed on each page or not recorded', () => {
    const proposed = (change: Partial<TransferEvidence>) => evaluate(record('询问', change)).proposals[0];
    expect(proposed({})).toMatchObject({ proposed: 'AFTER_REVIEW' });
    expect(proposed({ recorded: undefined })).toMatchObject({ proposed: 'RETAKE', reasons: ['statement-form'] });
    expect(proposed({ signatures: { officers, party: true } })).toMatchObject({ proposed: 'RETAKE' });
    const lenient = withParameters({ statementNeedsRecording: false });
    const transfer = record('询问', { recorded: undefined });
    expect(evaluate(transfer, { agreement: lenient }).proposals[0]?.proposed).toBe('AFTER_REVIEW');
  });
});

describe('R10 monitoring devices', () => {
  const video = (change: Partial<TransferEvidence>) =>
    transferOf('s2', (t) => {
      t.evidence = [{ ...itemOf(t, '卡口录像'), madeBy: '某卡口管理单位', purpose: '证明车辆去向', ...change }];
    });

  it('passes with review number and published location', () => {
    const transfer = video({ deviceReviewNo: '审〔2022〕1号', devicePublished: '公告〔2022〕3号' });
    const decision = evaluate(transfer);
    expect(resultsOf(decision, 'R10')).toEqual(['pass']);
    expect(decision.proposals[0]?.proposed).toBe('AFTER_REVIEW');
  });

  it('keeps the item a lead while either is missing', () => {
    const decision = evaluate(video({ deviceReviewNo: '审〔2022〕1号' }));
    expect(of(decision, 'R10')).toMatchObject([{ result: 'supplement', facts: { missing: ['devicePublished'] } }]);
    expect(decision.proposals[0]).toMatchObject({ proposed: 'LEAD_ONLY', reasons: ['R10'] });
  });

  it('does not speak of an officer’s own recorder', () => {
    expect(resultsOf(evaluate(transferOf('s1')), 'R10')).toEqual(['not-applicable']);
  });
});

describe('R16 personal data', () => {
  // Right in form, for a birth on 1 January 1900.
  const idNumber = '330482190001010010'.slice(0, 17) + idCheck('33048219000101001');
  const says = (facts: string, change: (t: TransferData) => void = () => {}) =>
    transferOf('s1', (t) => {
      t.facts = facts;
      change(t);
    });
  const check = (transfer: TransferData) => of(evaluate(transfer), 'R16');

  function idCheck(digits: string): string {
    const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    return '10X98765432'.charAt([...digits].reduce((sum, digit, i) => sum + Number(digit) * weights[i]!, 0) % 11);
  }

  it.each([
    ['an ID number', `驾驶人身份证号${idNumber}。`, 'id-number'],
    ['one in groups', `${idNumber.slice(0, 6)} ${idNumber.slice(6, 14)} ${idNumber.slice(14)}`, 'id-number'],
    [
      'one in full-width digits',
      idNumber.replace(/\d/g, (d) => String.fromCharCode(d.charCodeAt(0) + 0xfee0)),
      'id-number',
    ],
    ['a mobile number', '联系电话13800000000', 'mobile-phone'],
    ['one with country code and dashes', '+86 138-0000-0000', 'mobile-phone'],
  ])('blocks a lead with %s and names the field, not the value', (_, facts, category) => {
    const [entry] = check(says(facts));
    expect(entry).toMatchObject({ result: 'block', facts: { category, fields: ['/facts'] } });
    expect(JSON.stringify(entry)).not.toMatch(/1380|0482/);
  });

  it.each([
    ['a wrong check digit', idNumber.slice(0, 17) + (idNumber.endsWith('1') ? '2' : '1')],
    ['no real birth date', '330482190002300010'],
    ['one digit more', `${idNumber}0`],
    ['a credit code', '913101160000000194'],
    ['a landline', '0573-8500 0000'],
    ['eleven digits of a longer number', '913800000000'],
    ['times and coordinates', '2022-08-18 23:40，121.05,30.87'],
  ])('lets pass %s', (_, facts) => {
    expect(check(says(facts)).map((entry) => entry.result)).toEqual(['pass']);
  });

  it('lets pass a number with a purpose that the agreement lists, and only its category', () => {
    const stated = (purpose: string) => (t: TransferData) => {
      t.personalData = [{ category: 'mobile-phone', purpose }];
    };
    expect(check(says('13800000000', stated('telecom-suspension'))).map((e) => e.result)).toEqual(['pass']);
    expect(check(says('13800000000', stated('convenience'))).map((e) => e.result)).toEqual(['block']);
    expect(check(says(idNumber, stated('telecom-suspension'))).map((e) => e.result)).toEqual(['block']);
  });

  it('applies the profile of the kind: a case may carry a telephone number', () => {
    const asCase = (t: TransferData) => {
      t.kind = 'CASE';
    };
    expect(check(says('13800000000', asCase)).map((e) => e.result)).toEqual(['pass']);
    expect(check(says(idNumber, asCase)).map((e) => e.result)).toEqual(['block']);
    const open = withParameters({ redaction: {} });
    const free = evaluate(says(idNumber, asCase), { agreement: open });
    expect(resultsOf(free, 'R16')).toEqual(['not-applicable']);
  });

  it('looks into evidence fields and leaves the duty contact alone', () => {
    const transfer = transferOf('s1', (t) => {
      t.contact.phone = '13800000000';
      t.evidence[2]!.title = '照片 13800000000';
    });
    expect(check(transfer)).toMatchObject([{ facts: { fields: ['/evidence/2/title'] } }]);
  });

  it('comes to an end on hostile text', () => {
    // Exponential or cubic matching would not be done before the suite's time limit.
    for (const text of ['1380 '.repeat(1600), '3'.repeat(8000), '86-'.repeat(2600), '330482-19000101-'.repeat(500)]) {
      expect(resultsOf(evaluate(says(text)), 'R16')).toEqual(['pass']);
    }
  });
});

describe('R17 urgency', () => {
  const urgent = (grounds: TransferData['urgencyGrounds'], to?: string) =>
    transferOf('s1', (t) => {
      t.urgencyGrounds = grounds;
      if (to) t.act.to = to;
    });
  const check = (transfer: TransferData) => resultsOf(evaluate(transfer), 'R17');

  it('passes any accepted ground', () => {
    for (const ground of ['ongoing', 'perishable', 'safety'] as const)
      expect(check(urgent([ground]))).toEqual(['pass']);
  });

  it('warns without a ground, or with one that the parties do not accept', () => {
    expect(check(urgent(undefined))).toEqual(['warn']);
    expect(check(urgent([]))).toEqual(['warn']);
    const strict = withParameters({ urgencyGrounds: ['safety'] });
    expect(resultsOf(evaluate(urgent(['ongoing']), { agreement: strict }), 'R17')).toEqual(['warn']);
  });

  it('takes an act as ongoing that ended when it was discovered, not before', () => {
    const { act, discoveredAt } = transferOf('s1');
    expect(Date.parse(act.to!)).toBeGreaterThan(Date.parse(discoveredAt));
    expect(check(urgent(['ongoing'], discoveredAt))).toEqual(['pass']);
    const before = transferOf('s1', (t) => {
      t.urgencyGrounds = ['ongoing'];
      t.act.from = '2022-08-18T20:00:00+08:00';
      t.act.to = '2022-08-18T23:39:59+08:00';
    });
    expect(check(before)).toEqual(['warn']);
    expect(evaluate(before).outcome).toBe('sendable-with-warnings');
  });

  it('does not speak of normal transfers', () => {
    expect(check(transferOf('s2'))).toEqual(['not-applicable']);
  });
});

describe('R19 agreement', () => {
  const check = (transfer: TransferData, when = at, under = agreement) =>
    of(evaluate(transfer, { at: when, agreement: under }), 'R19');

  it('passes and shows the legal basis of the direction', () => {
    const [toPinghu] = check(transferOf('s1'));
    const [toJinshan] = check(transferOf('s2'));
    expect(toPinghu).toMatchObject({ result: 'pass', basis: terms.directions[0]!.legalBasis });
    expect(toJinshan).toMatchObject({ result: 'pass', basis: terms.directions[1]!.legalBasis });
  });

  it.each([
    ['the first instant', '2022-08-01T00:00:00.000Z', 'pass'],
    ['just before', '2022-07-31T23:59:59.999Z', 'block'],
    ['the last instant', '2027-07-31T23:59:59.999Z', 'pass'],
    ['the end', '2027-08-01T00:00:00.000Z', 'block'],
  ])('is in force from the start to before the end: %s', (_, when, expected) => {
    expect(check(transferOf('s1'), when).map((entry) => entry.result)).toEqual([expected]);
  });

  it('blocks kind and family that the direction does not cover', () => {
    const narrow = readRecognitionAgreement({
      ...content,
      terms: { directions: [{ ...terms.directions[0]!, families: ['street-vending'], transferKinds: ['CASE'] }] },
    });
    expect(check(transferOf('s1'), at, narrow).map((entry) => entry.facts.uncovered)).toEqual(['kind', 'family']);
  });

  it('blocks the reverse direction when only one is agreed, and proposes nothing', () => {
    const oneWay = readRecognitionAgreement({ ...content, terms: { directions: [terms.directions[0]!] } });
    const decision = evaluate(transferOf('s2'), { agreement: oneWay });
    expect(of(decision, 'R19')).toMatchObject([{ result: 'block', facts: { uncovered: 'direction' } }]);
    expect(new Set(decision.proposals.map((proposal) => proposal.proposed))).toEqual(new Set(['REFUSED']));
  });

  it('warns of an evidence kind that is not listed', () => {
    const evidenceKinds = terms.directions[0]!.evidenceKinds.filter((entry) => entry.kind !== 'documentary');
    const narrow = readRecognitionAgreement({
      ...content,
      terms: { directions: [{ ...terms.directions[0]!, evidenceKinds }] },
    });
    const decision = evaluate(transferOf('s1'), { agreement: narrow });
    expect(of(decision, 'R19')).toMatchObject([{ result: 'warn', facts: { uncovered: 'evidence-kind' } }]);
    expect(decision.outcome).toBe('sendable-with-warnings');
    expect(decision.proposals.at(-1)).toMatchObject({ proposed: 'REFUSED', reasons: ['agreement', 'R19'] });
  });
});

describe('R19 after one authority has succeeded another', () => {
  const check = (transfer: TransferData, when: string, under: RecognitionAgreement) =>
    of(evaluate(transfer, { at: when, agreement: under }), 'R19').map(({ result, facts }) => [result, facts.uncovered]);
  const takenOver = '2022-09-01T00:00:00.000Z';
  const [before, after] = ['2022-08-31T23:59:59.999Z', takenOver];
  /** 2022: one body of Pinghu takes over the powers of two, as in the Jiaxing economic development zone. */
  const merged = (directions: AgreementTerms['directions'] = terms.directions) =>
    readRecognitionAgreement({
      ...content,
      parties: [
        ...content.parties.map((party) =>
          party.node === 'pinghu.330482' ? { ...party, successor: { node: 'merged.330482', from: takenOver } } : party,
        ),
        { node: 'waters.330482', region: '330482', successor: { node: 'merged.330482', from: takenOver } },
        { node: 'merged.330482', region: '330482', validity: { from: takenOver, to: null } },
      ],
      terms: { ...terms, directions },
    });
  const toMerged = transferOf('s1', (transfer) => {
    transfer.to.node = 'merged.330482';
  });

  it('the one before holds the powers until then, the one after from then', () => {
    expect(check(transferOf('s1'), before, merged())).toEqual([['pass', undefined]]);
    expect(check(transferOf('s1'), after, merged())).toEqual([['block', 'authority']]);
    expect(check(toMerged, before, merged())).toEqual([
      ['block', 'authority'],
      ['block', 'direction'],
    ]);
    expect(check(toMerged, after, merged())).toEqual([['pass', undefined]]);
  });

  it('the successor sends under the inherited direction, too, on its legal basis', () => {
    const fromMerged = transferOf('s2', (transfer) => {
      transfer.from.node = 'merged.330482';
    });
    const [found] = of(evaluate(fromMerged, { at: '2022-09-27T02:00:00.000Z', agreement: merged() }), 'R19');
    expect(found).toMatchObject({ result: 'pass', basis: terms.directions[1]!.legalBasis });
  });

  it('says who has succeeded, and what to do', () => {
    const [found] = of(evaluate(transferOf('s1'), { at: after, agreement: merged() }), 'R19');
    const facts = {
      uncovered: 'authority',
      end: 'to',
      node: 'pinghu.330482',
      problem: 'succeeded',
      successor: 'merged.330482',
    };
    expect(found).toMatchObject({ result: 'block', remedy: 'address-successor', facts });
  });

  it('of several inherited directions the one that covers the transfer is taken', () => {
    const [toPinghu] = terms.directions;
    const waters = { ...toPinghu!, to: 'waters.330482', families: ['river-pollution'] };
    const river = { ...toMerged, family: 'river-pollution' };
    const narrow = { ...toPinghu!, families: ['construction-waste-dumping'] };
    for (const directions of [
      [narrow, waters],
      [waters, narrow],
    ]) {
      expect(check(river, after, merged(directions))).toEqual([['pass', undefined]]);
      expect(check(toMerged, after, merged(directions))).toEqual([['pass', undefined]]);
      expect(check({ ...toMerged, family: 'street-vending' }, after, merged(directions))).toEqual([
        ['block', 'family'],
      ]);
    }
  });

  it('a direction of its own goes before inherited ones', () => {
    const own = { ...terms.directions[0]!, to: 'merged.330482', families: ['street-vending'] };
    expect(check(toMerged, after, merged([...terms.directions, own]))).toEqual([['block', 'family']]);
  });

  it('an authority that has ended, or does not exist yet, holds no powers', () => {
    const bounded = (validity: { from: string | null; to: string | null }) =>
      readRecognitionAgreement({
        ...content,
        parties: content.parties.map((party) => (party.node === 'jinshan.310116' ? { ...party, validity } : party)),
        terms,
      });
    const problem = (when: string, validity: { from: string | null; to: string | null }) =>
      of(evaluate(transferOf('s1'), { at: when, agreement: bounded(validity) }), 'R19')[0]!.facts.problem;
    expect(problem(before, { from: null, to: after })).toBeUndefined();
    expect(problem(after, { from: null, to: after })).toBe('ended');
    expect(problem(before, { from: after, to: null })).toBe('not-yet');
    expect(problem(after, { from: after, to: null })).toBeUndefined();
  });
});

describe('R19 and catalogue items', () => {
  it('warns of an item that the direction does not name, and of none where it names none', () => {
    const check = (item: string, items: string[] | undefined) => {
      const directions = terms.directions.map((direction) => ({ ...direction, items }));
      const under = readRecognitionAgreement({
        ...content,
        terms: JSON.parse(JSON.stringify({ ...terms, directions })),
      });
      return resultsOf(evaluate({ ...transferOf('s1'), item }, { agreement: under }), 'R19');
    };
    expect(check('x-SH-SR-44-5', ['x-SH-SR-44-5'])).toEqual(['pass']);
    expect(check('x-SH-SR-44-1', ['x-SH-SR-44-5'])).toEqual(['warn']);
    expect(check('x-SH-SR-44-1', undefined)).toEqual(['pass']);
  });
});

describe('readRecognitionAgreement', () => {
  const refuse = (change: unknown) => () => readRecognitionAgreement({ ...content, terms: change });

  it('refuses unknown fields, doubled directions and strangers', () => {
    expect(refuse({ ...terms, note: 1 })).toThrow('AGREEMENT_MALFORMED');
    expect(refuse({ directions: [terms.directions[0], terms.directions[0]] })).toThrow('direction-twice');
    const stranger = { ...terms.directions[0]!, from: 'songjiang.310117' };
    expect(refuse({ directions: [stranger] })).toThrow('direction-without-party');
    expect(refuse({ directions: [] })).toThrow('AGREEMENT_MALFORMED');
    expect(refuse(null)).toThrow('AGREEMENT_MALFORMED');
  });

  const edit = (change: (edited: AgreementTerms) => void) => {
    const edited = structuredClone(terms);
    change(edited);
    return refuse(edited);
  };
  const first = (edited: AgreementTerms) => edited.directions[0]!;

  it.each<[what: string, reason: string, change: (edited: AgreementTerms) => void]>([
    ['a family twice', 'uniqueItems', (t) => first(t).families.push('street-vending')],
    ['an item twice', 'uniqueItems', (t) => first(t).items!.push('x-SH-SR-44-5')],
    ['an item without form', 'pattern', (t) => first(t).items!.push('渣土')],
    ['a kind of evidence twice', 'maxItems', (t) => first(t).evidenceKinds.push(first(t).evidenceKinds[0]!)],
    [
      'a kind in place of another',
      'evidence-kind-twice',
      (t) => first(t).evidenceKinds.splice(0, 1, first(t).evidenceKinds[1]!),
    ],
    [
      'a form twice',
      'form-twice',
      (t) => first(t).evidenceKinds[0]!.forms!.push({ form: 'page-count', text: '又一次' }),
    ],
    [
      'two relations of the same items',
      'equivalence-twice',
      (t) => first(t).equivalences!.push({ ...first(t).equivalences![0]!, relation: 'broader' }),
    ],
    [
      'a relation that is none',
      'enum',
      (t) => first(t).equivalences!.push({ a: 'A', b: 'B', relation: 'like' as never }),
    ],
    [
      'a template twice',
      'template-twice',
      (t) => first(t).documentTemplates!.push({ type: 'lead-transfer-letter', template: 'x' }),
    ],
    [
      'two limits of the same step',
      'time-limit-twice',
      (t) => first(t).timeLimits!.push({ step: 'RECEIVED', amount: 9, unit: 'hours', urgent: false }),
    ],
    ['a limit of no time', 'minimum', (t) => (first(t).timeLimits![0]!.amount = 0)],
    ['half a day', 'time-limit-amount', (t) => (first(t).timeLimits![0]!.amount = 0.5)],
    ['a third of a day', 'multipleOf', (t) => (first(t).timeLimits![0]!.amount = 1.3)],
    ['ten years and a day', 'time-limit-amount', (t) => (first(t).timeLimits![0]!.amount = 3651)],
    ['a step that is no state', 'enum', (t) => (first(t).timeLimits![0]!.step = 'READ' as never)],
    ['weeks', 'enum', (t) => (first(t).timeLimits![0]!.unit = 'weeks' as never)],
    ['a level twice', 'dispute-level-twice', (t) => t.disputeLadder!.splice(1, 1, t.disputeLadder![0]!)],
    ['a class twice', 'retention-twice', (t) => t.retention!.push({ class: 'log', years: 1 })],
    [
      'a statistic twice',
      'statistic-twice',
      (t) => t.statistics!.push({ ...t.statistics![0]!, definition: '另一口径' }),
    ],
    [
      'a telephone of a stranger',
      'contact-without-party',
      (t) => t.contacts!.push({ node: 'songjiang.310117', office: '值班室', dutyPhone: '021-0000' }),
    ],
    ['a telephone that is none', 'pattern', (t) => (t.contacts![0]!.dutyPhone = '值班电话')],
    ['an office twice', 'contact-twice', (t) => t.contacts!.push({ ...t.contacts![0]!, dutyPhone: '021-0000' })],
    ['a day that is none', 'day', (t) => (t.reviewDate = '2023-02-29')],
    [
      'a limitation from a day that is none',
      'day',
      (t) =>
        (t.parameters!.limitation = {
          years: 2,
          warnDays: 60,
          longer: [{ harm: 'finance', years: 5, from: '2021-02-31', basis: { law: '行政处罚法', article: '36' } }],
        }),
    ],
    ['a text that turns round', 'pattern', (t) => (t.statistics![0]!.definition = '甲\u202e乙')],
    ['an escape in an article', 'pattern', (t) => (first(t).legalBasis[0]!.article = '\u001b[2J')],
    ['a text without end', 'maxLength', (t) => (t.exit!.text = '甲'.repeat(2001))],
    ['a ladder of nobody', 'minItems', (t) => (t.disputeLadder![0]!.bodies = [])],
  ])('refuses %s: %s', (_, reason, change) => {
    expect(edit(change)).toThrow(reason);
    expect(edit(change)).toThrow('AGREEMENT_MALFORMED');
  });

  it('takes terms that name the bare minimum, as the first agreements did', () => {
    const bare = terms.directions.map(({ from, to, legalBasis, families, transferKinds, evidenceKinds }) => ({
      ...{ from, to, legalBasis, families, transferKinds },
      evidenceKinds: evidenceKinds.map(({ kind, proposed }) => ({ kind, proposed })),
    }));
    expect(readRecognitionAgreement({ ...content, terms: { directions: bare } }).terms).toEqual({ directions: bare });
  });

  it('lets a direction’s parameters go before the common ones', () => {
    const directions = [{ ...terms.directions[0]!, parameters: { minOfficers: 3 } }];
    const strict = readRecognitionAgreement({ ...content, terms: { directions, parameters: { minOfficers: 1 } } });
    expect(new Set(resultsOf(evaluate(transferOf('s1'), { agreement: strict }), 'R01'))).toEqual(new Set(['block']));
  });
});
