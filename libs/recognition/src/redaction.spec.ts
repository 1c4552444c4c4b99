import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { quietRegisters, shippedSet } from '../../../test/support/catalogues';
import {
  defaultRuleParameters,
  encodeTransferData,
  evaluateRecognition,
  findTransferFaults,
  maskBlock,
  type PersonalBlock,
  personalDataCategories,
  personalFaults,
  readRecognitionAgreement,
  redactTransfer,
  removedBlocks,
  spills,
  type TransferData,
  type TransferKind,
  transferKinds,
} from './index';

const samples = path.join(__dirname, '../../../test/samples');
const read = (file: string) => JSON.parse(readFileSync(path.join(samples, file), 'utf8'));
const sample = (change: (transfer: TransferData) => void = () => {}): TransferData => {
  const { transfer } = read('s2.json') as { transfer: TransferData };
  change(transfer);
  return transfer;
};
const statementAt = sample().evidence.findIndex(({ kind }) => kind === 'party-statement');

/** Right in form: birth on 5 March 1980, a man by the 17th digit. */
const man = '330482198003051234'.slice(0, 17) + checkOf('33048219800305123');
function checkOf(digits: string): string {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  return '10X98765432'.charAt([...digits].reduce((sum, digit, i) => sum + Number(digit) * weights[i]!, 0) % 11);
}
const whole: PersonalBlock = {
  name: '当事人甲',
  sex: 'male',
  age: 42,
  occupation: '司机',
  idNumber: man,
  birthDate: '1980-03-05',
  phone: '13800001234',
  address: '浙江省平湖市新埭镇某村12号',
};

describe('a block', () => {
  it('is shown masked', () => {
    expect(maskBlock(whole)).toEqual({
      ...whole,
      name: '当***',
      idNumber: `330482********${man.slice(14)}`,
      birthDate: '1980-**-**',
      phone: '138****1234',
      address: '浙江省平****',
    });
  });

  it.each([
    [{ name: '甲' }, { name: '*' }],
    [{ phone: '0573-8501 2345' }, { phone: '057*****2345' }],
    [{ phone: '110110' }, { phone: '******' }],
    [{ address: '某村' }, { address: '****' }],
  ])('%j becomes %j', (block, masked) => {
    expect(maskBlock(block)).toEqual(masked);
  });

  it('never shows the day of birth, or more than seven digits of a telephone number', () => {
    fc.assert(
      fc.property(personalBlocks, (block) => {
        const shown = maskBlock(block);
        expect(shown.idNumber?.slice(6, 14) ?? '********').toBe('********');
        expect((shown.phone ?? '').replace(/\D/g, '').length).toBeLessThanOrEqual(7);
        expect(shown.address ?? '****').not.toBe(block.address);
      }),
    );
  });

  it.each([
    ['a wrong check digit', { idNumber: man.slice(0, 17) + (man.endsWith('1') ? '2' : '1') }, ['idNumber format']],
    ['a small x', { idNumber: '33048219800305123x' }, ['idNumber format']],
    ['no such day', { birthDate: '1980-02-30' }, ['birthDate format']],
    ['a telephone number of letters', { phone: 'call me' }, ['phone format']],
    ['another birth date', { idNumber: man, birthDate: '1980-03-06' }, ['birthDate contradicts-id-number']],
    ['another sex', { idNumber: man, sex: 'female' as const }, ['sex contradicts-id-number']],
    ['nothing wrong', whole, []],
  ])('with %s', (_, block, faults) => {
    expect(personalFaults(block).map(({ field, rule }) => `${field} ${rule}`)).toEqual(faults);
  });
});

describe('transfer.json with personal data', () => {
  it('is read with blocks of parties and of those who gave a statement', () => {
    const transfer = sample((t) => {
      t.parties[0]!.personal = whole;
      t.evidence[statementAt]!.personal = whole;
    });
    expect(findTransferFaults(transfer)).toEqual([]);
  });

  it.each<[string, (t: TransferData) => void, string]>([
    [
      'a block on a photograph',
      (t) => Object.assign(t.evidence.find(({ kind }) => kind === 'audio-visual')!, { personal: { name: '甲' } }),
      'statement-only',
    ],
    ['an empty block', (t) => Object.assign(t.parties[0]!, { personal: {} }), 'minProperties'],
    [
      'a false ID number',
      (t) => Object.assign(t.parties[0]!, { personal: { idNumber: '330482198003051230' } }),
      'format',
    ],
    ['an unknown field', (t) => Object.assign(t.parties[0]!, { personal: { bank: '1' } }), 'additionalProperties'],
    [
      'a pointer elsewhere',
      (t) => Object.assign(t, { redacted: [{ pointer: '/facts', category: 'name' }] }),
      'pattern',
    ],
  ])('is refused with %s', (_, change, rule) => {
    expect(findTransferFaults(sample(change)).map((fault) => fault.rule)).toContain(rule);
  });
});

const parameters = (over: Partial<typeof defaultRuleParameters> = {}) => ({ ...defaultRuleParameters, ...over });
const withBlocks = (kind: TransferKind, change: (t: TransferData) => void = () => {}) =>
  sample((t) => {
    t.kind = kind;
    t.parties[0]!.personal = whole;
    t.evidence[statementAt]!.personal = whole;
    change(t);
  });

describe('redactTransfer', () => {
  it('takes out what the kind may not carry, and lists it without its value', () => {
    const { parties, evidence, redacted } = redactTransfer(withBlocks('LEAD'), parameters());
    const { name, sex, age, occupation } = whole;
    expect(parties[0]!.personal).toEqual({ name, sex, age, occupation });
    expect(evidence[statementAt]!.personal).toEqual({ name, sex, age, occupation });
    expect(redacted).toEqual(
      [`/parties/0/personal`, `/evidence/${statementAt}/personal`].flatMap((at) => [
        { pointer: `${at}/idNumber`, category: 'id-number' },
        { pointer: `${at}/birthDate`, category: 'birth-date' },
        { pointer: `${at}/phone`, category: 'mobile-phone' },
        { pointer: `${at}/address`, category: 'home-address' },
      ]),
    );
    expect(JSON.stringify(redacted)).not.toMatch(/\d{4}/);
  });

  it('lets a lead carry an ID number, a telephone number or a home for a purpose that the agreement lists only', () => {
    // A profile that says nothing of them is no permission.
    const silent = parameters({ redaction: {} });
    expect(redactTransfer(withBlocks('LEAD'), silent).redacted!.map(({ category }) => category)).toEqual(
      expect.arrayContaining(['id-number', 'mobile-phone', 'home-address']),
    );
    const stated = (purpose: string) =>
      withBlocks('LEAD', (t) => {
        t.personalData = [{ category: 'id-number', purpose }];
      });
    expect(redactTransfer(stated('identify-party'), silent).parties[0]!.personal!.idNumber).toBe(man);
    expect(redactTransfer(stated('curiosity'), silent).parties[0]!.personal!.idNumber).toBeUndefined();
  });

  it('lets a case carry a party’s ID number for a purpose, and the rest as it is', () => {
    const { idNumber, ...others } = whole;
    expect(redactTransfer(withBlocks('CASE'), parameters()).parties[0]!.personal).toEqual(others);
    const stated = withBlocks('CASE', (t) => {
      t.personalData = [{ category: 'id-number', purpose: 'identify-party' }];
    });
    expect(redactTransfer(stated, parameters())).toBe(stated);
  });

  it.each(['citizen', 'hotline'] as const)('never says who a %s is', (handedInBy) => {
    const open = parameters({ redaction: {}, personalDataPurposes: ['identify-party'] });
    const transfer = withBlocks('CASE', (t) => {
      t.evidence[statementAt]!.handedInBy = handedInBy;
      t.personalData = personalDataCategories.map((category) => ({ category, purpose: 'identify-party' }));
    });
    const left = redactTransfer(transfer, open);
    expect(left.evidence[statementAt]).not.toHaveProperty('personal');
    expect(left.parties[0]!.personal).toEqual(whole);
  });

  it('finds what was taken out in text, however it is written', () => {
    const before = withBlocks('LEAD');
    const after = redactTransfer(before, parameters());
    const said = (facts: string) => spills({ ...after, facts }, removedBlocks(before, after));
    expect(said('沿街倾倒')).toEqual([]);
    expect(said('联系电话 138-0000-1234')).toEqual(['/facts']);
    expect(said('证件号３３０４８２ １９８００３０５ '.concat(man.slice(14)))).toEqual(['/facts']);
    expect(said(`住${whole.address}`)).toEqual(['/facts']);
  });
});

it('R16 blocks a transfer that carries typed what its sender’s node should have taken out', () => {
  const agreement = readRecognitionAgreement({
    id: 'pinghu-jinshan',
    version: 1,
    effective: { from: '2022-08-01T00:00:00.000Z', to: '2027-08-01T00:00:00.000Z' },
    parties: [
      { node: 'pinghu.330482', region: '330482' },
      { node: 'jinshan.310116', region: '310116' },
    ],
    terms: read('agreement-terms.json'),
  });
  const of = (transfer: TransferData) =>
    evaluateRecognition({
      ...{ transfer, agreement, manifest: null, at: '2022-09-27T02:00:00.000Z' },
      ...{ catalogue: shippedSet(), registers: quietRegisters },
    }).results.filter(({ rule, result }) => rule === 'R16' && result === 'block');
  const transfer = withBlocks('CASE');
  expect(of(transfer)).toMatchObject([
    {
      facts: {
        category: 'id-number',
        fields: ['/parties/0/personal/idNumber', `/evidence/${statementAt}/personal/idNumber`],
      },
    },
  ]);
  expect(JSON.stringify(of(transfer))).not.toContain(man);
  expect(of(redactTransfer(transfer, parameters()))).toEqual([]);
});

const digits = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length });
const idNumbers = fc
  .tuple(
    fc.integer({ min: 110000, max: 820000 }),
    fc.integer({ min: 1900, max: 2020 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
    digits(3),
  )
  .map(([region, year, month, day, tail]) => {
    const body = `${region}${year}${String(month).padStart(2, '0')}${String(day).padStart(2, '0')}${tail}`;
    return body + checkOf(body);
  });
const personalBlocks: fc.Arbitrary<PersonalBlock> = fc
  .record(
    {
      name: fc.constantFrom('当事人甲', '执法人员乙', '证人丙'),
      idNumber: idNumbers,
      phone: digits(8).map((tail) => `139${tail}`),
      address: digits(7).map((number) => `某县某镇某路${number}号`),
      occupation: fc.constantFrom('司机', '业主'),
      age: fc.integer({ min: 0, max: 150 }),
    },
    { requiredKeys: [] },
  )
  .filter((block) => Object.keys(block).length > 0);

it('whatever goes in, no digit of it leaves where the profile forbids it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...transferKinds),
      fc.array(personalBlocks, { minLength: 1, maxLength: 5 }),
      fc.subarray([...personalDataCategories]),
      (kind, blocks, forbidden) => {
        const transfer = sample((t) => {
          t.kind = kind;
          t.parties = blocks.map((personal) => ({ kind: 'natural', personal }));
          t.evidence[statementAt]!.personal = blocks[0];
        });
        const left = redactTransfer(transfer, parameters({ redaction: { [kind]: forbidden } }));
        const sealed = encodeTransferData(left).toString();
        expect(findTransferFaults(left)).toEqual([]);
        const floor = kind === 'LEAD' ? ['id-number', 'mobile-phone', 'home-address'] : [];
        const isForbidden = (category: (typeof personalDataCategories)[number]) =>
          forbidden.includes(category) || floor.includes(category);
        for (const { idNumber, phone, address } of blocks) {
          for (const [category, value] of [
            ['id-number', idNumber],
            ['mobile-phone', phone],
            ['home-address', address?.replace(/\D/g, '')],
          ] as const) {
            if (value !== undefined) expect(sealed.includes(value)).toBe(!isForbidden(category));
          }
        }
        const listed = new Set((left.redacted ?? []).map(({ category }) => category));
        for (const category of listed) expect(isForbidden(category)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
