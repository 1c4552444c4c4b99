import { bundleOf, cn, digestFor, TransferPair } from '../../../../test/support/transfer-pair';
import { isRefusal, sharedView, stateIn } from './apply';
import { overdueClocks, standingOf } from './clocks';
import { filingsOf, firstToFile, flagsOf, ladderOf, mattersOf, versionsOf } from './life';
import type { LifeClockId, Side } from './lifecycle';

// The ten sample cases of domain.md §5 as commands, with its dates and the ends that the law gives. S7, a joint
// operation, makes no transfer.

const both = (pair: TransferPair) => [stateIn(pair.lives.sender), stateIn(pair.lives.receiver)];
const shared = (pair: TransferPair) => sharedView(pair.lives.receiver);

/** The last day, or for hours the exact end, of the clock of this name that was started last. */
function due(pair: TransferPair, side: Side, id: LifeClockId, at: string): string | undefined {
  const life = pair.lives[side];
  const clock = [...sharedView(life).clocks, ...life.home.clocks].findLast((each) => each.id === id);
  if (!clock) return undefined;
  const end = standingOf(clock, life.urgent, at).due!;
  return end.at.includes('T00:00:00.000') ? end.day : end.at.slice(0, 16).replace('T', ' ');
}

function code(result: ReturnType<TransferPair['try']>): string {
  return isRefusal(result) ? result.code : 'ok';
}

const decision = { number: '金综执罚决〔2022〕第9号', noticedAt: cn('2022-12-01 09:00') };

test('S1 urgent dumping of spoil: act and call first, approvals within 24 hours', () => {
  const s1 = new TransferPair('LEAD', true);
  s1.sendUrgently(cn('2022-08-18 23:50'), { phonedAt: cn('2022-08-18 23:46'), number: '金枫综执线移〔2022〕第12号' });
  s1.arrive(cn('2022-08-18 23:51'), cn('2022-08-18 23:58'));
  expect(due(s1, 'receiver', 'receipt', cn('2022-08-18 23:58'))).toBe('2022-08-19 00:21');
  expect(due(s1, 'receiver', 'acceptance', cn('2022-08-18 23:58'))).toBe('2022-08-19 01:58');
  s1.do('receiver', 'handler', 'accept-provisionally', cn('2022-08-19 00:40'));
  s1.deliverAll();
  expect(both(s1)).toEqual(['ACCEPTED', 'ACCEPTED']);
  expect(flagsOf(s1.lives.sender, shared(s1)).afterwards).toEqual({ sender: 'owed', receiver: 'owed' });

  const filing = { number: '平综执立〔2022〕第31号', at: cn('2022-08-19 09:00'), proof: digestFor('token') };
  expect(code(s1.try('receiver', 'head', 'file', cn('2022-08-19 09:00'), { data: { filing } }))).toBe(
    'approvals-complete',
  );
  expect(code(s1.try('receiver', 'head', 'approve-afterwards', cn('2022-08-19 09:00')))).toBe('opinions-complete');
  // Whoever acted first owes them since the call, the receiver since it accepted.
  const afterwards = (side: Side) =>
    sharedView(s1.lives[side]).clocks.find(({ id, owner }) => id === 'approval-afterwards' && owner === side)!;
  expect(standingOf(afterwards('sender'), true, cn('2022-08-19 09:00')).due!.at).toBe('2022-08-19T23:46:00.000+08:00');
  expect(standingOf(afterwards('receiver'), true, cn('2022-08-19 09:00')).due!.at).toBe(
    '2022-08-20T00:40:00.000+08:00',
  );
  for (const side of ['sender', 'receiver'] as const) {
    if (side === 'sender') s1.do(side, 'squad-lead', 'give-opinion-afterwards', cn('2022-08-19 09:10'));
    s1.do(side, 'legal-reviewer', 'give-opinion-afterwards', cn('2022-08-19 09:20'), { facts: { legalReview: true } });
    s1.do(side, 'head', 'approve-afterwards', cn('2022-08-19 09:30'), { facts: { legalReview: true } });
  }
  s1.deliverAll();
  expect(flagsOf(s1.lives.receiver, shared(s1)).afterwards).toEqual({ sender: 'approved', receiver: 'approved' });

  s1.do('receiver', 'head', 'file', cn('2022-08-19 10:00'), {
    data: { filing: { ...filing, at: cn('2022-08-19 10:00') } },
  });
  expect(due(s1, 'receiver', 'decision', cn('2022-08-19 10:00'))).toBe('2022-11-17');
  s1.do('receiver', 'head', 'decide', cn('2022-11-01 10:00'), {
    data: { number: '平综执罚决〔2022〕第31号', waived: true },
  });
  s1.do('receiver', 'head', 'feedback', cn('2022-11-03 10:00'), { data: { outcome: 'penalty', step: '一般' } });
  s1.deliverAll();
  s1.do('sender', 'handler', 'confirm', cn('2022-11-04 10:00'));
  s1.deliverAll();
  expect(both(s1)).toEqual(['CLOSED', 'CLOSED']);
  expect(shared(s1).records[0]!.data.act).toBe('stopped');
});

test('S2 dumping of spoil with a supplement: due 2022-10-12, decided by 2023-01-16', () => {
  const s2 = new TransferPair('CASE');
  const own = { number: '平综执立〔2022〕第88号', at: cn('2022-09-09 09:00'), proof: digestFor('pinghu') };
  s2.send(cn('2022-09-27 09:00'), { filing: own });
  s2.arrive(cn('2022-09-27 09:05'), cn('2022-09-27 10:00'));

  s2.do('receiver', 'legal-reviewer', 'request-supplement', cn('2022-09-30 10:00'), {
    data: {
      rules: ['R07', 'R08', 'R10'],
      missing: ['卡口录像制作人、证明对象', '过磅单出处和盖章', '设备审核公示信息'],
    },
  });
  s2.deliverAll();
  expect(both(s2)).toEqual(['SUPPLEMENT_REQUESTED', 'SUPPLEMENT_REQUESTED']);
  expect(due(s2, 'sender', 'supplement', cn('2022-09-30 10:00'))).toBe('2022-10-12');
  const held = sharedView(s2.lives.receiver).clocks.find(({ id }) => id === 'acceptance')!;
  expect(standingOf(held, false, cn('2022-10-09 10:00'))).toMatchObject({ due: null, paused: true, overdue: false });

  s2.do('sender', 'seal-keeper', 'answer-supplement', cn('2022-10-11 11:00'), { data: bundleOf('v2') });
  s2.deliverAll();
  s2.do('receiver', 'handler', 'report-mismatch', cn('2022-10-11 14:00'), { data: { items: ['EV-1'] } });
  s2.deliverAll();
  s2.do('receiver', 'handler', 'propose-acceptance', cn('2022-10-11 14:30'));
  expect(code(s2.try('receiver', 'legal-reviewer', 'accept', cn('2022-10-11 15:00')))).toBe('no-mismatch');
  s2.do('sender', 'seal-keeper', 'replace-items', cn('2022-10-11 16:00'), { data: bundleOf('v3') });
  s2.deliverAll();
  expect(versionsOf(shared(s2)).map(({ no, bundle }) => [no, bundle])).toEqual(
    ['v1', 'v2', 'v3'].map((version, i) => [i + 1, bundleOf(version).bundle]),
  );
  // What was proposed on the version before does not count for this one.
  expect(code(s2.try('receiver', 'legal-reviewer', 'accept', cn('2022-10-14 15:00')))).toBe('proposed');
  expect(due(s2, 'receiver', 'acceptance', cn('2022-10-14 15:00'))).toBe('2022-10-14');
  s2.accept(cn('2022-10-14 15:00'));
  expect(both(s2)).toEqual(['ACCEPTED', 'ACCEPTED']);

  const filing = { number: '金综执立〔2022〕第9号', at: cn('2022-10-18 10:00'), proof: digestFor('jinshan') };
  s2.do('receiver', 'head', 'file', cn('2022-10-18 10:05'), { data: { filing } });
  expect(due(s2, 'receiver', 'decision', cn('2022-10-18 10:05'))).toBe('2023-01-16');
  s2.deliverAll();
  expect(filingsOf(sharedView(s2.lives.sender))).toEqual({ sender: own, receiver: filing });

  s2.do('receiver', 'head', 'decide', cn('2022-12-20 10:00'), { data: decision });
  expect(due(s2, 'receiver', 'feedback', cn('2022-12-20 10:00'))).toBe('2022-12-27');
  const outcome = { outcome: 'penalty', text: '罚款1万元，从旧兼从轻' } as const;
  expect(code(s2.try('receiver', 'head', 'feedback', cn('2022-12-22 10:00'), { data: outcome }))).toBe('step-stated');
  s2.do('receiver', 'head', 'feedback', cn('2022-12-22 10:00'), { data: { ...outcome, step: '较轻' } });
  s2.deliverAll();
  expect(due(s2, 'sender', 'confirmation', cn('2022-12-22 10:00'))).toBe('2023-01-06');
  s2.do('sender', 'handler', 'confirm', cn('2022-12-26 10:00'));
  s2.do('sender', 'head', 'drop-own-case', cn('2022-12-26 11:00'));
  s2.deliverAll();
  expect(both(s2)).toEqual(['CLOSED', 'CLOSED']);
  expect(shared(s2).clocks.every(({ stopped }) => stopped !== null)).toBe(true);
});

test('S3 oil on the river: returned on day 3, not sent again unchanged, help asked for separately', () => {
  const s3 = new TransferPair('LEAD');
  s3.send(cn('2022-08-26 15:00'), { number: '平综执线移〔2022〕第31号' });
  s3.arrive(cn('2022-08-26 15:01'), cn('2022-08-26 16:00'));
  s3.do('receiver', 'handler', 'find-not-ours', cn('2022-08-26 17:00'));
  expect(due(s3, 'receiver', 'forwarding', cn('2022-08-26 17:00'))).toBe('2022-08-31');
  const reason = '排放口位于新埭镇，建议转平湖市生态环境主管部门；我方可提供上游监测数据。';
  s3.do('receiver', 'head', 'return', cn('2022-08-29 10:00'), { data: { code: 'NO_TERRITORY', text: reason } });
  s3.deliverAll();
  expect(both(s3)).toEqual(['RETURNED', 'RETURNED']);
  expect(s3.lives.receiver.home.clocks[0]!.stopped).toMatchObject({ by: 'receiver', command: 'return' });

  s3.do('sender', 'head', 'forward-at-home', cn('2022-08-29 11:00'), {
    data: { department: '平湖市生态环境主管部门' },
  });
  expect(both(s3)).toEqual(['RETURNED', 'RETURNED']);
  expect(s3.underWay.sender).toEqual([]);
  s3.do('sender', 'handler', 'edit', cn('2022-08-29 12:00'));
  expect(() => s3.send(cn('2022-08-29 13:00'))).toThrow('changed-since-return');
  s3.do('sender', 'seal-keeper', 'send', cn('2022-08-29 14:00'), { data: { ...bundleOf('v2'), number: '第32号' } });
  s3.deliverAll();
  expect(both(s3)).toEqual(['SENT', 'SENT']);

  const assist = new TransferPair('ASSIST');
  assist.send(cn('2022-08-29 15:00'), { matters: 1 });
  assist.arrive(cn('2022-08-29 15:01'));
  assist.do('receiver', 'head', 'answer-matter', cn('2022-09-01 10:00'), { data: { matter: 1, text: '上游监测数据' } });
  assist.do('receiver', 'head', 'feedback', cn('2022-09-01 10:10'), { data: { outcome: 'assistance' } });
  assist.deliverAll();
  expect(both(assist)).toEqual(['FEEDBACK_SENT', 'FEEDBACK_SENT']);
});

describe('S4 dispute over a ship on the boundary', () => {
  const jinshan = { number: '金综执立〔2022〕第7号', at: cn('2022-09-15 09:05'), proof: digestFor('jinshan') };
  const pinghu = { number: '平综执立〔2022〕第90号', at: cn('2022-09-15 09:20'), proof: digestFor('pinghu') };
  const disputed = () => {
    const s4 = new TransferPair('CASE');
    s4.send(cn('2022-09-15 10:00'), { filing: pinghu });
    s4.arrive(cn('2022-09-15 10:01'), cn('2022-09-15 10:30'));
    s4.do('receiver', 'head', 'contest', cn('2022-09-15 11:00'), {
      data: { text: '倾倒口在我方一侧，且先立案', filing: jinshan },
    });
    s4.deliverAll();
    return s4;
  };

  test('both filing times attested; agreed on 2022-09-20, Pinghu closes its case', () => {
    const s4 = disputed();
    expect(both(s4)).toEqual(['IN_DISPUTE', 'IN_DISPUTE']);
    expect(filingsOf(sharedView(s4.lives.sender))).toEqual({ sender: pinghu, receiver: jinshan });
    expect(firstToFile(sharedView(s4.lives.sender))).toBe('receiver');
    expect(due(s4, 'sender', 'negotiation', cn('2022-09-15 11:00'))).toBe('2022-09-22');
    // What is in dispute is not passed on; a filing time is not moved.
    expect(
      code(
        s4.try('receiver', 'head', 'forward', cn('2022-09-16 09:00'), { data: { department: '水利局', text: '转' } }),
      ),
    ).toBe('WRONG_STATE');
    const earlier = { ...pinghu, at: cn('2022-09-15 09:00') };
    expect(code(s4.try('sender', 'head', 'claim-filing', cn('2022-09-16 09:00'), { data: { filing: earlier } }))).toBe(
      'same-claim',
    );

    s4.do('receiver', 'head', 'propose-settlement', cn('2022-09-19 10:00'), { data: { handling: 'receiver' } });
    s4.deliverAll();
    s4.do('sender', 'head', 'agree-on-receiver', cn('2022-09-20 10:00'));
    s4.deliverAll();
    expect(both(s4)).toEqual(['ACCEPTED', 'ACCEPTED']);
    s4.do('sender', 'head', 'drop-own-case', cn('2022-09-20 11:00'));
    // The receiver's own case is the earlier one: the transfer joins it.
    expect(
      code(
        s4.try('receiver', 'head', 'file', cn('2022-09-21 09:00'), {
          data: { filing: jinshan },
          facts: { against: ['R15'] },
        }),
      ),
    ).toBe('may-file');
    s4.do('receiver', 'head', 'attach', cn('2022-09-21 09:00'), {
      data: { filing: jinshan },
      facts: { ownCase: jinshan.number },
    });
    s4.deliverAll();
    expect(both(s4)).toEqual(['FILED', 'FILED']);
    expect(due(s4, 'receiver', 'decision', cn('2022-09-21 09:00'))).toBe('2022-12-14');
  });

  test('no agreement: the ladder, one level after the other, then designation', () => {
    const s4 = disputed();
    const refer = (level: 'city' | 'province' | 'nation', at: string, side: Side = 'sender') =>
      code(s4.try(side, 'head', 'refer-to-superior', cn(at), { data: { level, body: '上级机关' } }));
    const notice = { handling: 'receiver', body: '共同的上级机关' } as const;
    expect(code(s4.try('sender', 'clerk', 'designate', cn('2022-09-23 09:00'), { data: notice }))).toBe('referred');
    expect(refer('province', '2022-09-23 09:00')).toBe('next-level');
    expect(refer('city', '2022-09-23 09:00')).toBe('ok');
    s4.deliverAll();
    expect(due(s4, 'receiver', 'designation', cn('2022-09-23 09:00'))).toBe('2022-10-09');
    expect(refer('city', '2022-10-10 09:00', 'receiver')).toBe('next-level');
    expect(refer('province', '2022-10-10 09:00', 'receiver')).toBe('ok');
    s4.deliverAll();
    expect(refer('nation', '2022-10-20 09:00')).toBe('ok');
    expect(refer('nation', '2022-10-30 09:00')).toBe('next-level');
    s4.deliverAll();
    expect(ladderOf(shared(s4))).toEqual({ level: 'nation', next: null });
    expect(
      shared(s4)
        .clocks.filter(({ id }) => id === 'designation')
        .map(({ stopped }) => stopped?.command ?? 'runs'),
    ).toEqual(['refer-to-superior', 'refer-to-superior', 'runs']);
    s4.do('sender', 'clerk', 'designate', cn('2022-10-31 09:00'), { data: notice });
    s4.deliverAll();
    expect(both(s4)).toEqual(['DESIGNATED', 'DESIGNATED']);
    expect(
      code(s4.try('receiver', 'head', 'return', cn('2022-10-31 10:00'), { data: { code: 'OTHER', text: '不办' } })),
    ).toBe('designated-elsewhere');
    s4.do('receiver', 'head', 'accept', cn('2022-11-01 09:00'));
    s4.deliverAll();
    expect(both(s4)).toEqual(['ACCEPTED', 'ACCEPTED']);
  });

  test('designated to the other side: it goes back', () => {
    const s4 = disputed();
    s4.do('receiver', 'head', 'refer-to-superior', cn('2022-09-23 09:00'), {
      data: { level: 'city', body: '嘉兴市、上海市主管部门' },
    });
    s4.do('receiver', 'head', 'designate', cn('2022-09-30 09:00'), {
      data: { handling: 'sender', body: '共同的上级机关' },
    });
    expect(code(s4.try('receiver', 'head', 'accept', cn('2022-09-30 10:00')))).toBe('designated-receiver');
    s4.do('receiver', 'head', 'return', cn('2022-09-30 10:00'), { data: { code: 'OTHER', text: '指定由移送方管辖' } });
    s4.do('receiver', 'head', 'drop-own-case', cn('2022-09-30 11:00'));
    s4.deliverAll();
    expect(both(s4)).toEqual(['RETURNED', 'RETURNED']);
  });
});

test('S5 street vending: corrected in time, not filed, education', () => {
  const s5 = new TransferPair('LEAD');
  s5.send(cn('2022-08-23 09:00'));
  s5.arrive(cn('2022-08-23 09:01'), cn('2022-08-23 10:00'));
  s5.accept(cn('2022-08-24 10:00'));
  const filing = { number: '平综执立〔2022〕第40号', at: cn('2022-08-25 18:00'), proof: digestFor('token') };
  // Ordered to correct on 25 August; without the re-check there is nothing to punish.
  expect(
    code(s5.try('receiver', 'head', 'file', cn('2022-08-25 18:00'), { data: { filing }, facts: { against: ['R14'] } })),
  ).toBe('may-file');
  expect(due(s5, 'receiver', 'filing', cn('2022-08-25 18:00'))).toBe('2022-09-15');
  s5.do('receiver', 'head', 'not-file', cn('2022-08-27 18:00'), {
    data: { ground: 'corrected', text: '已及时改正，未造成危害后果' },
  });
  expect(due(s5, 'receiver', 'feedback', cn('2022-08-27 18:00'))).toBe('2022-09-02');
  expect(
    code(
      s5.try('receiver', 'head', 'feedback', cn('2022-08-29 10:00'), { data: { outcome: 'penalty', step: '一般' } }),
    ),
  ).toBe('step-stated');
  s5.do('receiver', 'head', 'feedback', cn('2022-08-29 10:00'), { data: { outcome: 'no-penalty' } });
  s5.deliverAll();
  expect(both(s5)).toEqual(['FEEDBACK_SENT', 'FEEDBACK_SENT']);
  // 10 working days of silence, over the mid-autumn holiday.
  expect(due(s5, 'sender', 'confirmation', cn('2022-08-29 10:00'))).toBe('2022-09-13');
  expect(code(s5.try('receiver', 'node', 'close-by-silence', cn('2022-09-13 23:59')))).toBe('CLOCK_NOT_OVER');
  s5.do('receiver', 'node', 'close-by-silence', cn('2022-09-14 00:01'));
  s5.deliverAll();
  expect(both(s5)).toEqual(['CLOSED', 'CLOSED']);
});

test('S6 posting on both sides: the receiver files its part, two acts, two decisions', () => {
  const s6 = new TransferPair('LEAD');
  s6.send(cn('2022-09-05 09:00'));
  s6.arrive(cn('2022-09-05 09:01'), cn('2022-09-05 10:00'));
  s6.accept(cn('2022-09-07 10:00'));
  const filing = { number: '金综执立〔2022〕第6号', at: cn('2022-09-08 10:00'), proof: digestFor('token') };
  s6.do('receiver', 'head', 'file', cn('2022-09-08 10:00'), { data: { filing } });
  s6.do('receiver', 'head', 'decide', cn('2022-10-20 10:00'), {
    data: { number: '金综执罚决〔2022〕第6号', waived: true },
  });
  s6.do('receiver', 'head', 'feedback', cn('2022-10-21 10:00'), {
    data: { outcome: 'penalty', step: '一般', text: '新埭部分由平湖处理' },
  });
  s6.deliverAll();
  s6.do('sender', 'handler', 'confirm', cn('2022-10-24 10:00'));
  s6.deliverAll();
  expect(both(s6)).toEqual(['CLOSED', 'CLOSED']);
});

describe('S8 suspected crime', () => {
  const reported = () => {
    const s8 = new TransferPair('LEAD');
    s8.send(cn('2022-09-20 09:00'));
    s8.arrive(cn('2022-09-20 09:01'), cn('2022-09-20 09:30'));
    s8.accept(cn('2022-09-20 11:00'));
    s8.do('receiver', 'handler', 'report-crime', cn('2022-09-22 16:00'), {
      data: { team: ['3304820001', '3304820002'] },
    });
    return s8;
  };
  const referred = () => {
    const s8 = reported();
    s8.do('receiver', 'head', 'approve-referral', cn('2022-09-24 15:00'));
    s8.do('receiver', 'handler', 'refer-crime', cn('2022-09-25 10:00'));
    s8.deliverAll();
    return s8;
  };

  test('the head decides by 2022-09-25, a Sunday; handed over within 24 hours; a fine meanwhile is blocked', () => {
    const s8 = reported();
    expect(due(s8, 'receiver', 'crime-decision', cn('2022-09-22 16:00'))).toBe('2022-09-25');
    const filing = { number: '平综执立〔2022〕第50号', at: cn('2022-09-23 09:00'), proof: digestFor('token') };
    expect(code(s8.try('receiver', 'head', 'file', cn('2022-09-23 09:00'), { data: { filing } }))).toBe(
      'crime-cleared',
    );
    expect(code(s8.try('receiver', 'handler', 'refer-crime', cn('2022-09-23 09:00')))).toBe('referral-approved');
    s8.do('receiver', 'head', 'approve-referral', cn('2022-09-24 15:00'));
    expect(due(s8, 'receiver', 'crime-handover', cn('2022-09-24 15:00'))).toBe('2022-09-25 15:00');
    s8.do('receiver', 'handler', 'refer-crime', cn('2022-09-25 10:00'));
    s8.deliverAll();
    expect(both(s8)).toEqual(['CRIMINAL_REFERRED', 'CRIMINAL_REFERRED']);
    expect(due(s8, 'receiver', 'police-decision', cn('2022-09-25 10:00'))).toBe('2022-09-28');
    // Jinshan sees that it was referred, not the steps that led there.
    expect(s8.lives.sender.home.clocks.filter(({ id }) => id.startsWith('crime') || id.startsWith('police'))).toEqual(
      [],
    );
    expect(shared(s8).records.map(({ command }) => command)).not.toContain('report-crime');
    s8.do('receiver', 'handler', 'record-police-filing', cn('2022-09-28 10:00'));
    s8.deliverAll();
    expect(both(s8)).toEqual(['CLOSED', 'CLOSED']);
    expect(due(s8, 'receiver', 'crime-items-handover', cn('2022-09-28 10:00'))).toBe('2022-10-01');
    s8.do('receiver', 'handler', 'hand-over-items', cn('2022-09-30 10:00'));
    expect(s8.lives.receiver.home.clocks.every(({ stopped }) => stopped !== null)).toBe(true);
  });

  test('not filed by the police, reconsidered, refused again: the administrative track is open', () => {
    const s8 = referred();
    s8.do('receiver', 'handler', 'note-other-police', cn('2022-09-25 18:00'));
    expect(due(s8, 'receiver', 'police-forwarding', cn('2022-09-25 18:00'))).toBe('2022-09-26 18:00');
    s8.do('receiver', 'handler', 'note-police-forwarded', cn('2022-09-26 09:00'));
    s8.do('receiver', 'handler', 'record-police-refusal', cn('2022-09-29 09:00'));
    expect(due(s8, 'receiver', 'reconsideration-request', cn('2022-09-29 09:00'))).toBe('2022-10-02');
    s8.do('receiver', 'head', 'request-reconsideration', cn('2022-10-01 09:00'));
    expect(due(s8, 'receiver', 'reconsideration-answer', cn('2022-10-01 09:00'))).toBe('2022-10-04');
    s8.do('receiver', 'handler', 'record-reconsideration-refusal', cn('2022-10-04 09:00'));
    s8.do('receiver', 'head', 'request-supervision', cn('2022-10-06 09:00'));
    expect(code(s8.try('receiver', 'head', 'resume-filed', cn('2022-10-08 09:00')))).toBe('was-filed');
    s8.do('receiver', 'head', 'resume', cn('2022-10-08 09:00'));
    s8.deliverAll();
    expect(both(s8)).toEqual(['ACCEPTED', 'ACCEPTED']);
    const filing = { number: '平综执立〔2022〕第50号', at: cn('2022-10-09 09:00'), proof: digestFor('token') };
    s8.do('receiver', 'head', 'file', cn('2022-10-09 09:00'), { data: { filing }, facts: { against: ['R13'] } });
    expect(overdueClocks(s8.lives.receiver.home.clocks, false, cn('2022-12-01 09:00'))).toEqual([]);
  });

  test('overdue opens an item for whoever must act, and stays on record', () => {
    const s8 = reported();
    const late = () =>
      overdueClocks(s8.lives.receiver.home.clocks, false, cn('2022-09-26 00:01')).map(({ clock }) => [
        clock.id,
        clock.owner,
      ]);
    expect(late()).toEqual([['crime-decision', 'receiver']]);
    s8.do('receiver', 'head', 'approve-referral', cn('2022-09-26 09:00'));
    expect(overdueClocks(s8.lives.receiver.home.clocks, false, cn('2022-09-26 09:01'))).toEqual([]);
    expect(standingOf(s8.lives.receiver.home.clocks[0]!, false, cn('2023-01-01 00:00')).overdue).toBe(true);
  });
});

test('S9 assistance, matter by matter: two answered, one put off in writing', () => {
  const s9 = new TransferPair('ASSIST');
  s9.send(cn('2024-06-03 09:00'), { number: '嘉善综执协〔2024〕第8号' });
  s9.arrive(cn('2024-06-03 09:01'), cn('2024-06-03 10:00'));
  expect(
    shared(s9)
      .clocks.filter(({ id }) => id === 'assist-reply')
      .map(({ matter }) => matter),
  ).toEqual([1, 2, 3]);
  expect(due(s9, 'receiver', 'assist-reply', cn('2024-06-03 10:00'))).toBe('2024-06-13');
  for (const matter of [1, 2])
    s9.do('receiver', 'head', 'answer-matter', cn('2024-06-11 10:00'), { data: { matter, text: '复制件盖章' } });
  s9.do('receiver', 'head', 'extend-matter', cn('2024-06-12 10:00'), {
    data: { matter: 3, until: '2024-06-28', text: '经营人外出' },
  });
  s9.deliverAll();
  expect(mattersOf(sharedView(s9.lives.sender))).toEqual(['answered', 'answered', 'extended']);
  expect(due(s9, 'sender', 'assist-reply', cn('2024-06-12 10:00'))).toBe('2024-06-28');
  expect(
    code(s9.try('receiver', 'head', 'feedback', cn('2024-06-12 11:00'), { data: { outcome: 'assistance' } })),
  ).toBe('matters-settled');
  s9.do('receiver', 'head', 'answer-matter', cn('2024-06-27 10:00'), { data: { matter: 3 } });
  s9.do('receiver', 'head', 'feedback', cn('2024-06-27 11:00'), { data: { outcome: 'assistance' } });
  s9.deliverAll();
  s9.do('sender', 'handler', 'confirm', cn('2024-06-28 10:00'));
  s9.deliverAll();
  expect(both(s9)).toEqual(['CLOSED', 'CLOSED']);
});

test('S10 filed already: attached to that case, not opened twice', () => {
  const s10 = new TransferPair('CASE');
  s10.send(cn('2026-08-24 09:00'));
  s10.arrive(cn('2026-08-24 09:01'), cn('2026-08-24 10:00'));
  s10.accept(cn('2026-08-25 10:00'));
  const filing = { number: '金综执立〔2026〕第21号', at: cn('2026-08-21 10:00'), proof: digestFor('token') };
  const known = { against: ['R15'] as const, ownCase: filing.number };
  expect(code(s10.try('receiver', 'head', 'file', cn('2026-08-26 10:00'), { data: { filing }, facts: known }))).toBe(
    'may-file',
  );
  s10.do('receiver', 'head', 'attach', cn('2026-08-26 10:00'), { data: { filing }, facts: known });
  s10.deliverAll();
  expect(both(s10)).toEqual(['FILED', 'FILED']);
  // The 90 days run from the case's own filing.
  expect(due(s10, 'sender', 'decision', cn('2026-08-26 10:00'))).toBe('2026-11-19');
  expect(flagsOf(s10.lives.sender, shared(s10)).attached).toBe(true);
});

test('a transfer withdrawn before acceptance ends with word of what became of it', () => {
  const pair = new TransferPair('LEAD');
  pair.send(cn('2022-08-26 15:00'));
  pair.arrive(cn('2022-08-26 15:01'));
  pair.do('sender', 'head', 'withdraw', cn('2022-08-27 10:00'), { data: { text: '系重复移送' } });
  pair.deliverAll();
  pair.do('receiver', 'clerk', 'attest-disposal', cn('2022-08-27 11:00'), { data: { disposal: 'deleted' } });
  pair.deliverAll();
  expect(both(pair)).toEqual(['WITHDRAWN', 'WITHDRAWN']);
  expect(flagsOf(pair.lives.sender, sharedView(pair.lives.sender)).disposal).toBe('deleted');
});

test('a notice is delivered and acknowledged; evidence is taken over', () => {
  const notice = new TransferPair('NOTICE');
  notice.send(cn('2022-08-26 15:00'));
  notice.deliver('sender');
  notice.do('receiver', 'node', 'deliver', cn('2022-08-26 15:01'));
  notice.do('receiver', 'clerk', 'acknowledge', cn('2022-08-26 16:00'));
  notice.deliverAll();
  expect(both(notice)).toEqual(['CLOSED', 'CLOSED']);

  const evidence = new TransferPair('EVIDENCE');
  evidence.send(cn('2022-09-21 15:00'));
  evidence.arrive(cn('2022-09-21 15:01'));
  evidence.do('receiver', 'handler', 'propose-acceptance', cn('2022-09-22 15:00'));
  evidence.do('receiver', 'legal-reviewer', 'take-over', cn('2022-09-22 16:00'));
  evidence.deliverAll();
  expect(both(evidence)).toEqual(['CLOSED', 'CLOSED']);
});
