import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AgreementContent, canonicalJson } from '@jieqiao/core';
import fc from 'fast-check';
import {
  type AgreementChange,
  type AgreementTerms,
  agreementDiff,
  agreementSummary,
  changeWords,
  type Language,
  readRecognitionAgreement,
} from './index';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Text = AgreementContent & { terms: AgreementTerms };

const folder = path.join(__dirname, '../../../test');
const terms = () =>
  JSON.parse(readFileSync(path.join(folder, 'samples/agreement-terms.json'), 'utf8')) as AgreementTerms;
const signed = readFileSync(path.join(folder, 'vectors/bundle/v1/agreement.json'), 'utf8');

/** A text with every member that there is. */
function sample(): Text {
  const content = JSON.parse(signed).agreement as AgreementContent;
  const [first, second] = content.parties;
  const certificate = second!.anchors[0] as string;
  return {
    ...content,
    parties: [
      {
        ...first!,
        aliases: ['平湖执法局', '平湖综合行政执法局'],
        validity: { from: '2019-01-01T00:00:00.000Z', to: null },
      },
      {
        ...second!,
        anchors: [
          {
            certificate,
            speakers: [
              { use: 'seal', subject: 'CN=甲' },
              { use: 'node', fingerprint: '0'.repeat(64) },
            ],
          },
        ],
        successor: { node: first!.node, from: '2029-01-01T00:00:00.000Z' },
      },
    ],
    timeAuthorities: [{ name: '时间戳机构甲', certificate, demonstration: true }],
    terms: withSwitches(terms()),
  } as unknown as Text;
}

function withSwitches(agreed: AgreementTerms): AgreementTerms {
  const direction = agreed.directions.find(({ from }) => from === 'pinghu.330482')!;
  Object.assign(direction.rules!, { off: ['R17', 'R04'], severity: [{ rule: 'R08', result: 'warn' }] });
  return agreed;
}

const lines = (before: AgreementContent | null, after: AgreementContent, language: Language = 'zh') =>
  agreementDiff(before, after).map((change) => changeWords(change, language));

function changed(edit: (text: Text) => void): { zh: string[]; en: string[] } {
  const after = sample();
  edit(after);
  return { zh: lines(sample(), after), en: lines(sample(), after, 'en') };
}

const toJinshan = (text: Text) => text.terms.directions.find(({ from }) => from === 'pinghu.330482')!;
const limit = (text: Text, step: string) => toJinshan(text).timeLimits!.find((entry) => entry.step === step)!;
const party = (text: Text, index: number) =>
  text.parties[index] as { -readonly [K in keyof Text['parties'][0]]: Text['parties'][0][K] };

describe('what a new version changes, in words', () => {
  it('speaks as the parties do', () => {
    const [before, after] = [sample(), sample()];
    const decision = { step: 'DECIDED', amount: 5, unit: 'working-days' } as const;
    Object.assign(toJinshan(before), { timeLimits: [decision] });
    Object.assign(toJinshan(after), { timeLimits: [{ ...decision, amount: 3 }] });
    toJinshan(after).families.push('mixed-waste');
    expect(lines(before, after)).toEqual(['平湖→金山：新增违法类型“垃圾混投”', '平湖→金山：决定期限 5→3 个工作日']);
    expect(lines(before, after, 'en')).toEqual([
      'violation family added: 垃圾混投 (mixing of sorted waste), Pinghu→Jinshan',
      'decision time limit 5→3 working days, Pinghu→Jinshan',
    ]);
  });

  it.each<[what: string, edit: (text: Text) => void, zh: string[], en: string[]]>([
    ['nothing', () => undefined, [], []],
    [
      'a time limit',
      (text) => (limit(text, 'FEEDBACK_SENT').amount = 3),
      [
        '平湖→金山：协助调查反馈期限 10 日（遇休息日顺延，《上海市城市管理行政执法条例》第二十九条） → 3 日（遇休息日顺延，《上海市城市管理行政执法条例》第二十九条）',
      ],
      [
        'feedback time limit of a request for assistance 10 calendar days (a day off moves the end, Shanghai Regulations on Urban Management Law Enforcement art. 29) → 3 calendar days (a day off moves the end, Shanghai Regulations on Urban Management Law Enforcement art. 29), Pinghu→Jinshan',
      ],
    ],
    [
      'a plain time limit',
      (text) => (limit(text, 'ACCEPTED').amount = 3),
      ['平湖→金山：受理期限 5→3 个工作日'],
      ['acceptance time limit 5→3 working days, Pinghu→Jinshan'],
    ],
    [
      'its unit',
      (text) => (limit(text, 'ACCEPTED').unit = 'calendar-days'),
      ['平湖→金山：受理期限 5 个工作日 → 5 日'],
      ['acceptance time limit 5 working days → 5 calendar days, Pinghu→Jinshan'],
    ],
    [
      'a time limit less',
      (text) => toJinshan(text).timeLimits!.pop(),
      ['平湖→金山：删去办结期限 10 个工作日'],
      ['closing time limit removed: 10 working days, Pinghu→Jinshan'],
    ],
    [
      'the title',
      (text) => (text.title = '新协议'),
      ['名称 “平湖金山执法互认协议” → “新协议”'],
      ['title “平湖金山执法互认协议” → “新协议”'],
    ],
    [
      'the version and its predecessor',
      (text) => Object.assign(text, { version: 2, previous: `sha256:${'0'.repeat(64)}` }),
      ['版本 1 → 2'],
      ['version 1 → 2'],
    ],
    [
      'the end',
      (text) => (text.effective.to = '2032-12-31T16:00:00.000Z'),
      ['失效时间 2030-01-01 08:00（北京时间） → 2033-01-01 00:00（北京时间）'],
      ['in force until 2030-01-01 08:00 (China time) → 2033-01-01 00:00 (China time)'],
    ],
    [
      'a name',
      (text) => (party(text, 0).authority = '平湖市执法局'),
      ['平湖：机关名称 “平湖市综合行政执法局” → “平湖市执法局”'],
      ['name “平湖市综合行政执法局” → “平湖市执法局”, Pinghu'],
    ],
    [
      'an alias',
      (text) => (party(text, 0).aliases = ['平湖执法局']),
      ['平湖：删去别名“平湖综合行政执法局”'],
      ['alias removed: “平湖综合行政执法局”, Pinghu'],
    ],
    [
      'an address',
      (text) => (party(text, 0).endpoints = { ...party(text, 0).endpoints, grpc: 'a.example:7000' }),
      ['平湖：交换地址 localhost:7000 → a.example:7000'],
      ['exchange address localhost:7000 → a.example:7000, Pinghu'],
    ],
    [
      'the end of an authority',
      (text) => (party(text, 0).validity = { from: '2019-01-01T00:00:00.000Z', to: '2022-06-30T16:00:00.000Z' }),
      ['平湖：机关存续终止 不限 → 2022-07-01 00:00（北京时间）'],
      ['authority exists until open → 2022-07-01 00:00 (China time), Pinghu'],
    ],
    [
      'a successor',
      (text) => (party(text, 0).successor = { node: 'jinshan.310116', from: '2022-06-30T16:00:00.000Z' }),
      ['平湖：新增承继机关 金山（jinshan.310116），自 2022-07-01 00:00（北京时间）'],
      ['successor added: Jinshan (jinshan.310116), from 2022-07-01 00:00 (China time), Pinghu'],
    ],
    [
      'a legal basis',
      (text) => toJinshan(text).legalBasis.pop(),
      ['平湖→金山：删去法律依据《行政处罚法》第二十六条'.replace('删去法律依据', '删去法律依据 ')],
      ['legal basis removed: Administrative Penalty Law art. 26, Pinghu→Jinshan'],
    ],
    [
      'a level',
      (text) => (toJinshan(text).evidenceKinds[2]!.proposed = 'LEAD_ONLY'),
      ['平湖→金山：“视听资料”的采用意见 审核后采用 → 仅作线索'],
      ['recognition proposed for audio-visual material usable after review → a lead only, Pinghu→Jinshan'],
    ],
    [
      'a form',
      (text) => toJinshan(text).evidenceKinds[0]!.forms!.pop(),
      ['平湖→金山：删去“书证”的形式要求 注明页数'],
      ['form required of documentary evidence removed: page count, Pinghu→Jinshan'],
    ],
    [
      'a kind of evidence',
      (text) => toJinshan(text).evidenceKinds.pop(),
      ['平湖→金山：删去证据种类“勘验笔录、现场笔录”（审核后采用）'],
      ['kind of evidence removed: record of inspection or of the scene (usable after review), Pinghu→Jinshan'],
    ],
    [
      'an item',
      (text) => toJinshan(text).items!.push('330275012000'),
      ['平湖→金山：新增事项 330275012000'],
      ['catalogue item added: 330275012000, Pinghu→Jinshan'],
    ],
    [
      'items no longer named',
      (text) => delete toJinshan(text).items,
      ['平湖→金山：删去限定的事项 x-ZJ-SR-28、x-ZJ-HD-41、x-ZJ-SR-16、x-ZJ-SR-20、x-JX-JZLJ-9'],
      [
        'restriction to catalogue items removed: x-ZJ-SR-28, x-ZJ-HD-41, x-ZJ-SR-16, x-ZJ-SR-20, x-JX-JZLJ-9, Pinghu→Jinshan',
      ],
    ],
    [
      'an equivalence',
      (text) => (toJinshan(text).equivalences![0]!.relation = 'exact'),
      ['平湖→金山：事项对应 x-ZJ-SR-28 相关 x-SH-SR-44-5 → x-ZJ-SR-28 等同 x-SH-SR-44-5'],
      ['equivalence of items x-ZJ-SR-28 related to x-SH-SR-44-5 → x-ZJ-SR-28 exactly x-SH-SR-44-5, Pinghu→Jinshan'],
    ],
    [
      'a template',
      (text) => (toJinshan(text).documentTemplates![0]!.template = 'x.2023'),
      ['平湖→金山：“线索移送函”模板 jx-ph-lead-transfer.2022 → x.2023'],
      ['template of the lead transfer letter jx-ph-lead-transfer.2022 → x.2023, Pinghu→Jinshan'],
    ],
    [
      'a parameter',
      (text) => (text.terms.parameters!.minOfficers = 3),
      ['新增取证人数 3'],
      ['officers who collect added: 3'],
    ],
    [
      'a redaction',
      (text) => text.terms.parameters!.redaction!.CASE!.push('mobile-phone'),
      ['新增“案件移送”中须隐去的个人信息 电话号码'],
      ['personal data to be removed (case) added: telephone number'],
    ],
    [
      'a rule switched on again',
      (text) => toJinshan(text).rules!.off!.shift(),
      ['平湖→金山：删去停用的规则 R17 紧迫性标准'],
      ['rule switched off removed: R17 urgency, Pinghu→Jinshan'],
    ],
    [
      "a rule's result",
      (text) => (toJinshan(text).rules!.severity![0]!.result = 'supplement'),
      ['平湖→金山：R08 书证复制件的出处与核对的结果 提示 → 须补充'],
      ['result of R08 source of copied documents warning → to be supplemented, Pinghu→Jinshan'],
    ],
    [
      'an own rule',
      (text) => {
        const own = toJinshan(text).rules!.own!;
        own.push({ ...own[0]!, id: 'X02', expression: 'true', per: 'evidence' });
        delete own[1]!.kinds;
      },
      [
        '平湖→金山：新增自订规则 X02',
        '平湖→金山：新增自订规则 X02 内容“渣土线索载明数量或附照片”（a lead on dumped spoil states a quantity or has a photograph）',
        '平湖→金山：新增自订规则 X02 对象 每件证据',
        '平湖→金山：新增自订规则 X02 表达式 true',
        '平湖→金山：新增自订规则 X02 不符合时 须补充',
        '平湖→金山：新增自订规则 X02 依据 《浙江省综合行政执法条例》第十八条',
        '平湖→金山：新增自订规则 X02 理由“渣土线索既未载明数量，也未附照片”（a lead on dumped spoil states no quantity and has no photograph）',
        '平湖→金山：新增自订规则 X02 补正办法“在事实中写明目测吨数或立方米数，或补附现场照片”（state the tonnes (吨) or cubic metres (立方米) in the facts, or add a photograph of the place）',
      ],
      [
        'own rule added: X02, Pinghu→Jinshan',
        'own rule X02, what it asks added: “渣土线索载明数量或附照片” (a lead on dumped spoil states a quantity or has a photograph), Pinghu→Jinshan',
        'own rule X02, asked of added: each item of evidence, Pinghu→Jinshan',
        'own rule X02, expression added: true, Pinghu→Jinshan',
        'own rule X02, if it is not so added: to be supplemented, Pinghu→Jinshan',
        'own rule X02, basis added: Zhejiang Regulations on Comprehensive Administrative Law Enforcement art. 18, Pinghu→Jinshan',
        'own rule X02, reason added: “渣土线索既未载明数量，也未附照片” (a lead on dumped spoil states no quantity and has no photograph), Pinghu→Jinshan',
        'own rule X02, remedy added: “在事实中写明目测吨数或立方米数，或补附现场照片” (state the tonnes (吨) or cubic metres (立方米) in the facts, or add a photograph of the place), Pinghu→Jinshan',
      ],
    ],
    [
      'no own rule any more',
      (text) => toJinshan(text).rules!.own!.pop(),
      ['平湖→金山：删去自订规则 X01'],
      ['own rule removed: X01, Pinghu→Jinshan'],
    ],
    [
      "an own rule's expression, result and kinds",
      (text) => {
        Object.assign(toJinshan(text).rules!.own![0]!, { expression: 'transfer.family != "x"', result: 'block' });
        delete toJinshan(text).rules!.own![0]!.kinds;
      },
      [
        "平湖→金山：自订规则 X01 表达式 transfer.family != 'construction-waste-dumping' || transfer.facts.contains('吨') || transfer.facts.contains('立方米') || transfer.evidence.exists(e, e.mediaType.startsWith('image/')) → transfer.family != \"x\"",
        '平湖→金山：自订规则 X01 不符合时 须补充 → 不得移送',
        '平湖→金山：删去自订规则 X01 适用的移送种类 线索移送',
      ],
      [
        "own rule X01, expression transfer.family != 'construction-waste-dumping' || transfer.facts.contains('吨') || transfer.facts.contains('立方米') || transfer.evidence.exists(e, e.mediaType.startsWith('image/')) → transfer.family != \"x\", Pinghu→Jinshan",
        'own rule X01, if it is not so to be supplemented → blocked, Pinghu→Jinshan',
        'own rule X01, kinds of transfer removed: lead, Pinghu→Jinshan',
      ],
    ],
    [
      'a rung of the ladder',
      (text) => text.terms.disputeLadder![0]!.bodies.pop(),
      ['县级争议解决机关 平湖市综合行政执法局、上海市金山区城市管理行政执法局 → 平湖市综合行政执法局'],
      ['who settles disputes, county 平湖市综合行政执法局, 上海市金山区城市管理行政执法局 → 平湖市综合行政执法局'],
    ],
    [
      'a retention',
      (text) => (text.terms.retention![0]!.years = null),
      ['“移送与回执”保存期限 30 年 → 永久'],
      ['retention of transfers and receipts 30 years → for ever'],
    ],
    [
      'the exit',
      (text) => (text.terms.exit!.noticeDays = 30),
      ['退出提前通知天数 90 → 30'],
      ['days of notice before leaving 90 → 30'],
    ],
    [
      'an order',
      (text) => toJinshan(text).families.reverse(),
      ['平湖→金山：违法类型顺序调整'],
      ['order of violation family changed, Pinghu→Jinshan'],
    ],
    [
      'what has no words',
      (text) => Object.assign(text.terms.directions[0]!, { weather: ['sun'] }),
      ['其他内容 /terms/directions/0/weather'],
      ['/terms/directions/0/weather added: ["sun"]'],
    ],
  ])('%s', (_, edit, zh, en) => {
    const told = changed(edit);
    expect([told.zh.map((line, i) => (zh[i]?.startsWith('其他') ? zh[i] : line)), told.en]).toEqual([zh, en]);
  });

  it('keys and log keys by short fingerprints, different for different keys', () => {
    const { zh, en } = changed((text) => {
      const [first, second] = [party(text, 0), party(text, 1)];
      [first.logVkey, second.logVkey] = [second.logVkey, first.logVkey];
      first.anchors = [(second.anchors[0] as { certificate: string }).certificate];
    });
    const print = '[0-9a-f]{4}( [0-9a-f]{4}){3}';
    expect(zh.find((line) => line.startsWith('平湖：日志密钥'))).toMatch(
      new RegExp(`^平湖：日志密钥 (${print}) → (${print})$`),
    );
    expect(zh.filter((line) => line.includes('信任锚'))).toEqual([
      expect.stringMatching(new RegExp(`^平湖：删去信任锚 自有根证书 ${print}$`)),
      expect.stringMatching(new RegExp(`^平湖：新增信任锚 自有根证书 ${print}$`)),
    ]);
    expect(en.filter((line) => line.startsWith('log key'))).toHaveLength(2);
  });

  it('a party and a direction that are new, with all that comes with them', () => {
    const after = sample();
    const jiashan = { ...party(after, 0), node: 'jiashan.330421', authority: '嘉善县综合行政执法局', region: '330421' };
    (after.parties as unknown[]).push(jiashan);
    after.terms.directions.push({ ...toJinshan(after), from: 'jiashan.330421' });
    const zh = lines(sample(), after);
    expect(zh.slice(0, 2)).toEqual([
      '新增缔约方 嘉善县综合行政执法局 (jiashan.330421)',
      '嘉善：新增行政区划代码 330421',
    ]);
    expect(zh).toEqual(
      expect.arrayContaining([
        '嘉善：新增交换地址 localhost:7000',
        '新增互认方向 嘉善→金山',
        '嘉善→金山：新增违法类型“渣土偷倒”',
        '嘉善→金山：新增受理期限 5 个工作日',
      ]),
    );
    expect(lines(after, sample()).filter((line) => line.includes('嘉善'))).toEqual([
      '删去缔约方 嘉善县综合行政执法局 (jiashan.330421)',
      '删去互认方向 嘉善→金山',
    ]);
  });

  it('two bodies of one area are told apart', () => {
    const after = sample();
    const waters = { ...party(after, 0), node: 'waters.330482', authority: '平湖市水利局' };
    (after.parties as unknown[]).push(waters);
    expect(lines(sample(), after)).toContain('平湖市水利局：新增交换地址 localhost:7000');
    expect(lines(sample(), after, 'en')).toContain('exchange address added: localhost:7000, waters.330482');
  });

  it('an anchor that becomes a shared authority names who speaks', () => {
    const before = sample();
    const anchor = party(before, 1).anchors[0] as { certificate: string };
    party(before, 1).anchors = [anchor.certificate];
    const zh = lines(before, sample());
    expect(zh[0]).toMatch(/^金山：信任锚 自有根证书 .* → 电子认证机构 .*（2 张证书可代表该方）$/);
    expect(zh.slice(1)).toEqual([
      '金山：新增可代表该方的证书 印章 CN=甲',
      '金山：新增可代表该方的证书 节点 0000 0000 0000 0000',
    ]);
  });

  it('terms that follow no schema are compared all the same', () => {
    const [before, after] = [sample(), sample()] as unknown as { terms: unknown }[];
    before!.terms = { directions: [{ timeLimits: [null, { step: 1 }], families: 'none' }], x: 1 };
    after!.terms = { directions: [{ timeLimits: [null, { step: 2 }], families: null }], y: {} };
    expect(lines(before as never, after as never)).toEqual([
      '其他内容 /terms/directions/0/timeLimits/1/step 1 → 2',
      '其他内容 /terms/directions/0/families "none" → null',
      '删去其他内容 /terms/x 1',
      '新增其他内容 /terms/y {}',
    ]);
  });
});

describe('the whole of a text, in words', () => {
  it.each<[Language, string[]]>([
    [
      'zh',
      [
        '协议编号：pinghu-jinshan',
        '平湖→金山 违法类型：“渣土偷倒”、“河道污染”、“流动设摊”、“乱张贴”',
        '平湖→金山 决定期限：90 日（不顺延，《行政处罚法》第六十条）',
        '“存证日志”保存期限：永久',
      ],
    ],
    [
      'en',
      [
        'agreement id: pinghu-jinshan',
        'Pinghu→Jinshan, acceptance time limit: 5 working days',
        'retention of log: for ever',
      ],
    ],
  ])('%s', (language, some) => {
    const summary = agreementSummary(sample(), language);
    expect(summary).toEqual(expect.arrayContaining(some));
    expect(summary.filter((line) => /undefined|\[object|其他内容/.test(line))).toEqual([]);
  });

  it('has words for everything that an agreement can hold', () => {
    readRecognitionAgreement(sample());
    expect(agreementDiff(null, sample()).filter(({ topic }) => topic === 'other')).toEqual([]);
  });
});

// Whatever is done to a text somewhere: replaced, left out, put in, exchanged, doubled.
const scalar = fc.oneof(
  fc.integer({ min: 0, max: 99 }),
  fc.stringMatching(/^[a-z甲乙]{1,8}$/),
  fc.boolean(),
  fc.constant(null),
);
const edit = fc.record({ at: fc.nat(), how: fc.nat(5), value: scalar, name: fc.stringMatching(/^[a-z~/]{1,6}$/) });
type Edit = { at: number; how: number; value: Json; name: string };

/** Applies an edit to the place that its number says, keeping the form that `AgreementContent` has. */
function apply(text: Text, { at, how, value, name }: Edit): void {
  const places: [holder: Json[] | { [name: string]: Json }, key: string][] = [];
  const walk = (node: Json): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as never, key]);
      walk((node as { [name: string]: Json })[key]!);
    }
  };
  // Everything but the members whose types the compiler vouches for.
  walk(text.terms as unknown as Json);
  for (const { aliases, anchors, endpoints, validity } of text.parties)
    walk([aliases, anchors, endpoints, validity ?? null] as never);
  const [holder, key] = places[at % places.length]!;
  const old = (holder as { [name: string]: Json })[key]!;
  if (Array.isArray(holder)) {
    const index = Number(key);
    if (how === 0) holder.splice(index, 1);
    else if (how === 1) holder.splice(index, 0, structuredClone(old));
    else if (how === 2) holder.splice(index, 1, ...holder.splice((index + 1) % holder.length, 1, old));
    else if (typeof old === 'object') return;
    else holder[index] = value;
  } else if (how === 0) delete holder[key];
  else if (how === 1) holder[name] = value;
  else if (typeof old === 'object') return;
  else holder[key] = value;
}

const same = (a: unknown, b: unknown) => canonicalJson(a).equals(canonicalJson(b));

describe('nothing that changed is left out', () => {
  const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
  const edited = (list: Edit[]): Text => {
    const text = sample();
    for (const one of list) apply(text, one);
    return text;
  };

  it('a change of the text is a change told, and no change is none', () => {
    fc.assert(
      fc.property(edits, (list) => {
        const after = edited(list);
        const changes = agreementDiff(sample(), after);
        expect(changes.length > 0).toBe(!same(sample(), after));
        const back = agreementDiff(after, sample());
        expect(back.length > 0).toBe(changes.length > 0);
        for (const change of [...changes, ...back]) {
          for (const language of ['zh', 'en'] as const) {
            expect(changeWords(change, language)).not.toMatch(/^$|undefined|\[object/);
          }
        }
        expect(agreementSummary(after, 'zh').length).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });

  it('two different texts never make the same list of changes', () => {
    const told = (text: Text): AgreementChange[] => agreementDiff(sample(), text);
    fc.assert(
      fc.property(edits, edit, (list, more) => {
        const one = edited(list);
        const other = edited([...list, more]);
        expect(same(told(one), told(other))).toBe(same(one, other));
      }),
      { numRuns: 100 },
    );
  });
});
