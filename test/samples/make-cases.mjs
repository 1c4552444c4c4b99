#!/usr/bin/env node
// Draws and encodes the media of sample cases S3 to S10 and of S2's supplement, and writes their data. As with
// make-samples.mjs the outputs are committed, and everything shown and told is invented. Names of cases as arguments: those
// alone are made anew.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  barge,
  cart,
  dayGround,
  heap,
  label,
  page,
  poster,
  random,
  riverDay,
  riverNight,
  seal,
  signature,
  street,
  svg,
  truckRear,
  weighSlip,
} from './draw.mjs';
import { at, emptyFolders, evidenceList, fileFacts, finish, pdf, photograph, rasterise, run, video, write } from './media.mjs';

const wanted = process.argv.slice(2);
const isWanted = (name) => wanted.length === 0 || wanted.includes(name);

const pinghu = { node: 'pinghu.330482', authority: '平湖市综合行政执法局', unit: '新埭中队', officers: ['33048200001', '33048200002'], contact: { unit: '平湖市综合行政执法局新埭中队值班室', phone: '0573-0000 0000' } };
const jinshan = { node: 'jinshan.310116', authority: '上海市金山区城市管理行政执法局', unit: '枫泾镇综合行政执法队', officers: ['31011600001', '31011600002'], contact: { unit: '枫泾镇综合行政执法队值班室', phone: '021-0000 0000' } };
const jiashan = { node: 'jiashan.330421', authority: '嘉善县综合行政执法局', unit: '姚庄中队', officers: ['33042100001', '33042100002'], contact: { unit: '嘉善县综合行政执法局姚庄中队值班室', phone: '0573-0000 0000' } };
const qingpu = { node: 'qingpu.310118', authority: '上海市青浦区城市管理行政执法局', unit: '金泽镇综合行政执法队', officers: ['31011800001', '31011800002'], contact: { unit: '金泽镇综合行政执法队值班室', phone: '021-0000 0000' } };

/** A sample's evidence under construction: each `…` method draws a file and lists it. */
class Sample {
  constructor(name, prefix, by, where) {
    Object.assign(this, { name, prefix, by, where, items: [] });
  }

  add(file, item) {
    const { officers } = this.by;
    const collectedAt = item.collectedAt ?? item.madeAt;
    this.items.push({ ...item, collectors: officers, collectedAt, firstHashAt: later(collectedAt, 12), file: `${this.name}/${file}` });
  }

  photos(pictures, { kind = 'audio-visual', width = 480, height = 360, quality = 58, original = true } = {}) {
    pictures.forEach(([title, time, purpose, picture, more = {}], i) => {
      const number = String(this.items.filter(({ mediaType }) => mediaType === 'image/jpeg').length + 1).padStart(2, '0');
      const file = `photo-${number}.jpg`;
      const { longitude, latitude } = this.where;
      photograph(`${this.name}/${file}`, picture, { time, longitude: +(longitude + (i % 4) * 0.00004).toFixed(6), latitude: +(latitude - (i % 3) * 0.00004).toFixed(6), noise: 0.35, bearing: (i * 41) % 360, seed: 900 + i, width, height, quality });
      this.add(file, { kind, title: `照片${number} ${title}`, fileName: `照片${number}-${title}.jpg`, mediaType: 'image/jpeg', isOriginal: original, method: '数码照相，直接存储，未作编辑', tool: 'SAMPLE-CAM 1', madeAt: time, madeBy: this.taker, purpose, ...more });
    });
  }

  clip(file, title, { time, seconds, purpose, background, sprite, motion, ...more }) {
    video(`${this.name}/${file}`, { width: 320, height: 240, seconds, fps: 4, start: time, background, sprite, motion, text: '记录仪样例', crf: 35 });
    this.add(file, { kind: 'audio-visual', title, fileName: `${title.replace(/（.*）/, '')}.mp4`, mediaType: 'video/mp4', isOriginal: true, method: '执法记录仪录像，录音功能未开启', tool: '执法记录仪（样例）', madeAt: time, madeBy: this.taker, purpose, hasSound: false, ...more });
  }

  paper(file, title, { time, purpose, kind = 'documentary', subtitle, paragraphs, by = this.by.authority, sealed, signed = [], ...more }) {
    const pages = pdf(`${this.name}/${file}`, {
      title,
      subtitle: subtitle ?? `（${this.by.authority}　${this.by.unit}）`,
      paragraphs: [...paragraphs, { text: '' }, { text: by, align: 'right' }, { text: dayOf(time), align: 'right' }],
      linesPerPage: 26,
      marks: (i, count, y) =>
        i < count - 1 ? '' : `${signed.map((name, n) => signature(170 + n * 104, y - 3 * page.leading, name, 30 + n)).join('')}${sealed ? seal(440, y - 44, sealed) : ''}`,
    });
    this.add(file, { kind, title, fileName: `${title}.pdf`, mediaType: 'application/pdf', isOriginal: true, madeAt: time, madeBy: this.taker, purpose, pages, ...more });
  }

  data(file, title, mediaType, content, item) {
    writeFileSync(at(this.name, file), content);
    this.add(file, { kind: 'electronic-data', title, fileName: `${title}.${file.split('.').at(-1)}`, mediaType, isOriginal: true, madeBy: this.taker, ...item });
  }

  get taker() {
    return this.by === jinshan || this.by === qingpu ? '执法人员甲' : '执法人员乙';
  }

  list() {
    return evidenceList(this.prefix, this.items);
  }
}

const later = (time, minutes) => `${new Date(Date.parse(time) + minutes * 60_000 + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;
const dayOf = (time) => `${+time.slice(0, 4)}年${+time.slice(5, 7)}月${+time.slice(8, 10)}日`;
const certificates = (numbers, year = 2020) => numbers.map((certNo) => ({ certNo, validFrom: `${year}-07-01`, validTo: `${year + 5}-06-30` }));

/** `transfer.json` but for what the sending node fills in; the ids only show that the data has its form. */
function transfer(n, from, to, fields) {
  const { node, authority, unit, officers, contact } = from;
  const { evidence = [], ...rest } = fields;
  const year = +rest.act.from.slice(0, 4) < 2025 ? 2020 : 2025;
  return {
    schema: 'jieqiao/transfer/v1',
    id: `0182b1a4-6e40-7a10-8b51-2f6d0c5e9${n}1`,
    dossier: `0182b1a4-6e40-7a10-8b51-2f6d0c5e9${n}0`,
    urgency: 'normal',
    from: { node, authority, unit },
    to: { node: to.node, authority: to.authority },
    ...rest,
    contact,
    officers: certificates(officers, year),
    evidence,
  };
}

const place = (code, name, { longitude, latitude }) => ({ code, name, longitude, latitude, datum: 'WGS-84' });
const torch = () => rasterise('case-torch', svg(260, 180, '<ellipse cx="130" cy="90" rx="125" ry="86" fill="url(#torch)"/>'));
const board = (rows) => `<g transform="translate(570 470)"><rect width="206" height="104" fill="#f4f1e4" stroke="#6b5d3c" stroke-width="4"/>${rows.map((row, i) => label(12, 32 + i * 30, 19, row, { color: '#222' })).join('')}</g>`;

const cases = {
  // What S2 sends after the supplement was asked for: slips with source and seal, the review of the devices, a video again.
  's2-supplement': () => {
    const before = JSON.parse(readFileSync(at('s2.json'), 'utf8'));
    const slips = [
      ['8.12', '20.46', '12.34', '2022-09-05 22:14', '沪A·Y0001'],
      ['7.96', '20.41', '12.45', '2022-09-05 22:40', '沪A·Y0002'],
      ['8.04', '20.38', '12.34', '2022-09-06 23:18', '沪A·Y0001'],
      ['7.88', '20.33', '12.45', '2022-09-07 22:27', '沪A·Y0002'],
    ];
    slips.forEach(([net, gross, tare, time, plate], i) => {
      const slip = weighSlip({ number: `GB-2022-09${String(31 + i * 7).padStart(4, '0')}`, time, plate, gross, tare, net, seed: 300 + i });
      const stamp = `${label(70, 705, 18, '本件与原件核对无异，原件存我站。', { color: '#20306e' })}${seal(470, 690, '平湖市某地磅站')}`;
      const source = rasterise(`sealed-slip-${i}`, slip.replace('</svg>', `${stamp}</svg>`));
      run('convert', source, '-strip', '-resize', '480x640!', '-quality', '55', at(`s2-supplement/weigh-slip-${i + 1}.jpg`));
    });
    pdf('s2-supplement/device-review.pdf', {
      title: '电子监控设备审核和公示情况说明',
      subtitle: '平湖市某卡口管理单位',
      paragraphs: [
        '　　卡口A、卡口B电子监控设备经法制审核和技术审核，审核编号平卡审〔2021〕第14号（样例）；设置地点于2021年11月1日在平湖市人民政府网站公示（样例）。',
        '　　2022年9月5日至7日卡口录像由本单位值班员丙自卡口管理平台导出，未作编辑，用于证明沪A·Y0001当晚驶向枫泾方向。',
        { text: '' },
        { text: '平湖市某卡口管理单位', align: 'right' },
        { text: '2022年10月10日', align: 'right' },
      ],
      marks: (i, count, y) => seal(440, y - 44, '平湖市某卡口管理单位'),
    });
    for (const [file, fps] of [['checkpoint-2.mp4', 5], ['checkpoint-3.mp4', 6]]) {
      run('ffmpeg', '-hide_banner', '-loglevel', 'error', '-y', '-i', at('s2/checkpoint.mp4'), '-r', String(fps), '-c:v', 'libx264', '-preset', 'veryslow', '-crf', '36', '-threads', '1', '-an', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-movflags', '+faststart', at('s2-supplement', file));
    }
    const id = (seq) => `EV-330482-2022-000005-${String(seq).padStart(2, '0')}`;
    const facts = (file) => ({ ...fileFacts(`s2-supplement/${file}`), path: `s2-supplement/${file}` });
    const reviewed = { deviceReviewNo: '平卡审〔2021〕第14号', devicePublished: '平湖市人民政府网站，2021年11月1日' };
    const shown = before.transfer.evidence.filter(({ isMonitoringDevice }) => isMonitoringDevice).map((item) => item.id);
    write('s2-supplement.json', {
      about: 'S2: what changes with the answer to the supplement of 2022-10-11, and with the replacement that follows',
      answer: {
        change: Object.fromEntries(shown.map((item) => [item, { ...reviewed, ...(item === id(9) ? { madeBy: '值班员丙', purpose: '证明沪A·Y0001当晚驶向枫泾方向' } : {}) }])),
        replace: {
          [id(9)]: facts('checkpoint-2.mp4'),
          ...Object.fromEntries(slips.map((_, i) => [id(13 + i), { ...facts(`weigh-slip-${i + 1}.jpg`), sourceHolder: { kind: 'body', name: '平湖市某地磅站' }, verifiedAgainstOriginal: true, holderSeal: true }])),
        },
        add: [{ id: id(29), seq: 29, kind: 'documentary', title: '电子监控设备审核和公示情况说明', fileName: '电子监控设备审核和公示情况说明.pdf', mediaType: 'application/pdf', isOriginal: true, madeAt: '2022-10-10T15:00:00+08:00', madeBy: '平湖市某卡口管理单位', purpose: '证明电子监控设备经法制和技术审核并已公示', collectors: pinghu.officers, collectedAt: '2022-10-10T16:00:00+08:00', firstHashAt: '2022-10-10T16:10:00+08:00', pages: 1, ...facts('device-review.pdf') }],
      },
      replacement: { replace: { [id(9)]: facts('checkpoint-3.mp4') } },
    });
  },

  s3: () => {
    const where = { longitude: 121.031, latitude: 30.8738 };
    const s3 = new Sample('s3', 'EV-330482-2022-000031', pinghu, where);
    const oil = [[330, 330, 190, 34], [520, 380, 120, 22]];
    s3.photos([
      ['水面油污全景', '2022-08-26T09:12:00+08:00', '证明水面油污的范围', riverDay({ seed: 301, oil })],
      ['油污近景', '2022-08-26T09:14:00+08:00', '证明油污呈彩色油膜', riverDay({ seed: 302, oil: [[400, 380, 330, 90]] })],
      ['油污下游边缘', '2022-08-26T09:17:00+08:00', '证明油污扩散的方向', riverDay({ seed: 303, oil: [[150, 340, 130, 26]] })],
      ['岸边油迹', '2022-08-26T09:21:00+08:00', '证明岸边植物附着油迹', riverDay({ seed: 304, oil: [[420, 480, 240, 26]], extra: board(['上海塘', '岸边', '2022-08-26']) })],
      ['对岸方向', '2022-08-26T09:25:00+08:00', '证明居民所指的来源方向', riverDay({ seed: 305, oil: [[300, 300, 120, 16]], extra: '<rect x="560" y="150" width="150" height="90" fill="#8c8f8a"/>' + label(635, 190, 20, '汽修（样例）', { anchor: 'middle', color: '#fff' }) })],
    ]);
    s3.photos([['无人机俯视图', '2022-08-26T09:40:00+08:00', '证明油污面积约60平方米', riverDay({ seed: 306, oil: [[380, 300, 150, 70]], drone: true, extra: '<path d="M230 390 h150" stroke="#fff" stroke-width="4"/>' + label(305, 418, 20, '10米', { color: '#fff', anchor: 'middle' }) }), { method: '无人机航拍，直接存储，未作编辑', tool: '无人机（样例）' }]]);
    s3.data('points.csv', '坐标', 'text/csv', 'point,longitude,latitude,datum,time\n油污中心,121.031000,30.873800,WGS-84,2022-08-26T09:12:00+08:00\n油污西端,121.030860,30.873780,WGS-84,2022-08-26T09:17:00+08:00\n油污东端,121.031140,30.873820,WGS-84,2022-08-26T09:18:00+08:00\n', { method: '手持定位仪读取后录入', tool: '手持定位仪（样例）', madeAt: '2022-08-26T09:45:00+08:00', purpose: '证明油污的位置' });
    const { evidence, files } = s3.list();
    const common = {
      family: 'river-pollution',
      source: 'patrol',
      act: { from: '2022-08-26T09:10:00+08:00', to: '2022-08-26T09:45:00+08:00', place: place('310116', '金山区枫泾镇上海塘某段水面', where) },
      discoveredAt: '2022-08-26T09:10:00+08:00',
      parties: [{ kind: 'unknown' }],
    };
    write('s3.json', {
      scenario: 'S3',
      title: { zh: '河道污染·退回·平湖→金山（线索）', en: 'Oil on the river, returned, Pinghu to Jinshan (lead)' },
      agreement: 'agreement-terms.json',
      transfer: transfer('03', pinghu, jinshan, {
        kind: 'LEAD',
        number: '平综执线移〔2022〕第31号',
        ...common,
        cause: '河道水面油污',
        facts: '2022年8月26日9时10分，新埭中队发现上海塘支流水面有油污约60平方米，附近居民称来自枫泾一侧汽修店。',
        request: '请核查来源并依法处理，反馈结果。',
        evidence,
      }),
      others: {
        assist: {
          transfer: transfer('13', pinghu, jinshan, {
            kind: 'ASSIST',
            number: '平综执协〔2022〕第6号',
            ...common,
            cause: '上游水质监测数据',
            facts: '贵局退回平综执线移〔2022〕第31号线索时告知可提供上游监测数据。该线索已转平湖市生态环境主管部门。',
            request: '请提供2022年8月25日至26日上海塘枫泾段上游水质监测数据。',
            matters: [{ no: 1, text: '2022年8月25日至26日上海塘枫泾段上游水质监测数据' }],
          }),
          files: {},
        },
      },
      files,
    });
  },

  s4: () => {
    const where = { longitude: 121.065, latitude: 30.869875 };
    const s4 = new Sample('s4', 'EV-330482-2022-000090', pinghu, where);
    const boat = (scale, more = '') => riverNight({ seed: 401, extra: barge(190, 470 - 60 * scale, scale, '平运货0001') + more, lamps: 3 });
    const mud = '<path d="M420 430 q30 60 -10 120 h90 q-30 -60 -20 -110 Z" fill="#5b4a33" opacity=".85" filter="url(#b2)"/>';
    s4.clip('boat.mp4', '平湖巡查艇视频（1分40秒）', { time: '2022-09-14T22:15:10+08:00', seconds: 100, purpose: '证明货船平运货0001在河道中心线附近倾倒泥浆', background: rasterise('s4-v', boat(1, mud)), sprite: torch(), motion: "x='90+60*sin(t/8)':y='170+20*cos(t/6)'" });
    const track = [...Array(60).keys()].map((i) => `${later('2022-09-14T21:30:00+08:00', i)},000000001,${(121.0566 + i * 0.00018).toFixed(6)},${(30.86988 + Math.sin(i / 7) * 0.00012).toFixed(6)},${i > 42 && i < 52 ? '0.3' : '4.6'},78`);
    s4.data('ais.csv', 'AIS轨迹', 'text/csv', `time,mmsi,longitude,latitude,knots,course\n${track.join('\n')}\n`, { isOriginal: false, method: '自船舶自动识别系统岸台导出', tool: '岸台（样例）', madeAt: '2022-09-15T08:20:00+08:00', madeBy: '平湖市某航道管理单位', purpose: '证明货船22时13分至22时22分停留在河道中心线' });
    const bottle = (n) => svg(800, 600, `<rect width="800" height="600" fill="#c7c9c4"/><rect x="310" y="150" width="180" height="340" rx="18" fill="#8b7a5c" opacity=".9"/><rect x="350" y="100" width="100" height="60" fill="#e8e8e2"/><rect x="300" y="270" width="200" height="86" fill="#fff"/>${label(400, 304, 24, '泥浆样品', { anchor: 'middle' })}${label(400, 338, 22, `封签 2022-0915-${n}`, { anchor: 'middle', color: '#a11' })}`);
    for (const n of ['01', '02']) {
      const file = `sample-${n}.jpg`;
      photograph(`s4/${file}`, bottle(n), { time: '2022-09-15T00:05:00+08:00', ...where, noise: 0.3, seed: 440 + +n, width: 480, height: 360, quality: 58 });
      s4.add(file, { kind: 'physical', title: `泥浆样品${n}（封签号2022-0915-${n}）`, fileName: `泥浆样品${n}.jpg`, mediaType: 'image/jpeg', isOriginal: true, method: '现场取样装瓶封签，附照片', madeAt: '2022-09-15T00:05:00+08:00', madeBy: '执法人员乙', purpose: '证明倾倒物的成分' });
    }
    const evidence = s4.list();
    const own = new Sample('s4', 'EV-310116-2022-000007', jinshan, where);
    own.clip('bank.mp4', '枫泾岸边视频（1分10秒）', { time: '2022-09-14T22:15:40+08:00', seconds: 70, purpose: '证明倾倒口位于金山一侧', background: rasterise('s4-w', boat(0.8, mud)), sprite: torch(), motion: "x='40+1.5*t':y='160+12*sin(t/3)'" });
    const mine = own.list();
    const common = {
      family: 'river-pollution',
      cause: '船舶向河道倾倒泥浆',
      source: 'patrol',
      act: { from: '2022-09-14T22:15:00+08:00', to: '2022-09-14T22:24:00+08:00' },
      discoveredAt: '2022-09-14T22:15:00+08:00',
      parties: [{ kind: 'unknown', vessel: '平运货0001' }],
    };
    write('s4.json', {
      scenario: 'S4',
      title: { zh: '河道污染·管辖争议·平湖⇄金山（案件）', en: 'Mud from a boat, competence in dispute, Pinghu and Jinshan (case)' },
      agreement: 'agreement-terms.json',
      transfer: transfer('04', pinghu, jinshan, {
        kind: 'CASE',
        number: '平综执移字〔2022〕第6号',
        ...common,
        item: 'x-ZJ-HD-41',
        act: { ...common.act, place: place('310116', '平湖、金山界河某段中心线', where) },
        facts: '2022年9月14日22时15分，界河上货船“平运货0001”（样例）倾倒泥浆约20立方米，船体跨河道中心线。我局9月15日9时20分立案。船籍及泥浆来源地在平湖。现送请共同确定管辖。',
        request: '请就管辖与我局协商，并互通证据。',
        evidence: evidence.evidence,
      }),
      others: {
        evidence: {
          transfer: transfer('14', jinshan, pinghu, {
            kind: 'EVIDENCE',
            number: '金枫综执证移〔2022〕第3号',
            ...common,
            act: { ...common.act, place: place('330482', '平湖、金山界河某段中心线', where) },
            facts: '就2022年9月14日货船“平运货0001”（样例）倾倒泥浆的管辖协商，送交我方岸边视频1段。',
            request: '请查收。',
            evidence: mine.evidence,
          }),
          files: mine.files,
        },
      },
      files: evidence.files,
    });
  },

  s5: () => {
    const where = { longitude: 121.0488, latitude: 30.87 };
    const s5 = new Sample('s5', 'EV-310116-2022-000014', jinshan, where);
    s5.photos([
      ['流动餐车', '2022-08-20T17:38:00+08:00', '证明当事人在路口设摊', street({ seed: 501, dusk: true, extra: cart(300, 330, 1) })],
      ['餐车占用人行道', '2022-08-20T17:41:00+08:00', '证明餐车占用人行道', street({ seed: 502, dusk: true, extra: cart(120, 350, 1.2) })],
      ['移至新埭一侧', '2022-08-20T17:52:00+08:00', '证明执法时餐车移至新埭一侧', street({ seed: 503, dusk: true, extra: cart(520, 340, 0.9) })],
      ['再次设摊', '2022-08-22T18:20:00+08:00', '证明当事人再次设摊', street({ seed: 504, dusk: true, extra: cart(240, 340, 1.1) + board(['省界路口', '第二次', '2022-08-22']) })],
    ]);
    s5.clip('cart.mp4', '执法记录仪视频（58秒）', { time: '2022-08-22T18:22:00+08:00', seconds: 58, purpose: '证明餐车往返两地路口及劝导经过', background: rasterise('s5-v', street({ seed: 505, dusk: true })), sprite: rasterise('s5-cart', svg(260, 260, cart(20, 80, 1))), motion: "x='-60+11*t':y='250'" });
    s5.paper('persuasion.pdf', '劝导记录', {
      time: '2022-08-22T18:35:00+08:00',
      purpose: '证明已当场劝导',
      by: '枫泾镇综合行政执法队',
      signed: ['执法人员甲', '乙'],
      paragraphs: ['　　2022年8月20日17时35分、8月22日18时18分，执法人员甲、乙（证号31011600001、31011600002）巡查发现当事人甲推流动餐车往返两地路口经营，执法时即移至新埭一侧人行道。当场劝导其撤离，未登记证件号码和电话。'],
    });
    const { evidence, files } = s5.list();
    write('s5.json', {
      scenario: 'S5',
      title: { zh: '流动设摊·金山→平湖（线索）', en: 'Street vending, Jinshan to Pinghu (lead)' },
      agreement: 'agreement-terms.json',
      transfer: transfer('05', jinshan, pinghu, {
        kind: 'LEAD',
        number: '金枫综执线移〔2022〕第14号',
        family: 'street-vending',
        item: 'x-SH-SR-25',
        cause: '占用人行道设摊经营',
        source: 'patrol',
        act: { from: '2022-08-20T17:35:00+08:00', to: '2022-08-22T18:35:00+08:00', place: place('330482', '平湖市新埭镇省界路口人行道', where) },
        discoveredAt: '2022-08-20T17:35:00+08:00',
        parties: [{ kind: 'natural', name: '当事人甲' }],
        facts: '2022年8月20日、22日傍晚，枫泾队发现当事人甲推流动餐车往返两地路口经营，执法时即移至新埭一侧人行道。',
        request: '请依法处理，反馈结果。',
        evidence,
      }),
      files,
    });
  },

  s6: () => {
    const where = { longitude: 121.0142, latitude: 30.8891 };
    const s6 = new Sample('s6', 'EV-330482-2022-000033', pinghu, where);
    const next = random(66);
    const spots = [...Array(40).keys()].map((i) => ({ side: i < 15 ? '新埭' : '枫泾', time: later(`2022-09-0${1 + (i % 4)}T08:30:00+08:00`, i * 7) }));
    s6.photos(
      spots.map(({ side, time }, i) => {
        const slips = [...Array(2 + Math.floor(next() * 4))].map(() => poster(60 + next() * 620, 230 + next() * 130, -12 + next() * 24)).join('');
        return [`${side}张贴点${i + 1}`, time, `证明${side}沿街张贴“管道疏通”的位置和样式`, street({ seed: 600 + i, extra: slips })];
      }),
      { width: 320, height: 240, quality: 45 },
    );
    const rows = [...Array(302).keys()].map((i) => {
      const isXindai = i < 112;
      const base = isXindai ? [121.0391, 30.8655] : [121.0142, 30.8891];
      return `${i + 1},${isXindai ? '新埭' : '枫泾'},${(base[0] + (next() - 0.5) * 0.012).toFixed(6)},${(base[1] + (next() - 0.5) * 0.008).toFixed(6)},${['电杆', '墙面', '卷帘门', '树木'][i % 4]}`;
    });
    s6.data('points.csv', '张贴点清单', 'text/csv', `no,town,longitude,latitude,surface\n${rows.join('\n')}\n`, { method: '逐处定位登记后导出', tool: '移动执法终端（样例）', madeAt: '2022-09-04T17:20:00+08:00', purpose: '证明张贴点新埭112处、枫泾190处' });
    s6.paper('call.pdf', '通话核实记录', {
      time: '2022-09-04T16:10:00+08:00',
      purpose: '证明张贴物所留号码由沪乙家政服务有限公司使用',
      signed: ['执法人员乙', '丙'],
      paragraphs: ['　　2022年9月4日16时，执法人员乙、丙（证号33048200001、33048200002）拨打张贴物所留号码，接听人称系沪乙家政服务有限公司客服，承认张贴由该公司安排。所留号码见移送函案情，本记录不重复载明。'],
    });
    const { evidence, files } = s6.list();
    write('s6.json', {
      scenario: 'S6',
      title: { zh: '乱张贴·平湖→金山（线索）', en: 'Posting on both sides, Pinghu to Jinshan (lead)' },
      agreement: 'agreement-terms.json',
      transfer: transfer('06', pinghu, jinshan, {
        kind: 'LEAD',
        number: '平综执线移〔2022〕第33号',
        family: 'illegal-posting',
        item: 'x-ZJ-SR-20',
        cause: '乱张贴“管道疏通”',
        source: 'patrol',
        act: { from: '2022-09-01T06:00:00+08:00', to: '2022-09-04T18:00:00+08:00', place: place('310116', '金山区枫泾镇沿街', where) },
        discoveredAt: '2022-09-01T08:30:00+08:00',
        parties: [{ kind: 'organisation', name: '沪乙家政服务有限公司', uscc: '91310116000000035R', roles: ['organiser'] }],
        facts: '2022年9月1日起，新埭、枫泾沿街发现“管道疏通”张贴物300余张，所留号码均为13000000000（样例）；组织者为沪乙家政服务有限公司，住所地枫泾。新埭112处由我局责令清除，枫泾190余处及组织张贴行为移送贵局。',
        request: '请依法处理枫泾部分及组织张贴行为，必要时依法暂停所留号码。',
        personalData: [{ category: 'mobile-phone', purpose: 'telecom-suspension' }],
        evidence,
      }),
      files,
    });
  },

  s7: () => {
    const where = { longitude: 121.0402, latitude: 30.868 };
    const s7 = new Sample('s7', 'EV-330482-2022-000027', pinghu, where);
    const bins = '<g transform="translate(250 300)">' + ['#2f7d3b', '#555', '#2a5da8', '#a8342a'].map((tone, i) => `<rect x="${i * 84}" y="0" width="70" height="120" rx="6" fill="${tone}"/><rect x="${i * 84 - 3}" y="-10" width="76" height="16" fill="${tone}"/>`).join('') + '</g>';
    s7.photos([
      ['厂区垃圾桶混投', '2022-08-30T14:26:00+08:00', '证明厂区生活垃圾混投', dayGround({ seed: 701, extra: bins })],
      ['复查合格', '2022-09-06T10:10:00+08:00', '证明已整改', dayGround({ seed: 702, extra: bins + board(['复查', '合格', '2022-09-06']) })],
    ]);
    s7.paper('plan.pdf', '联合执法方案', {
      time: '2022-08-29T10:00:00+08:00',
      purpose: '载明联合执法的对象、分工、各方依据与职责',
      subtitle: '2022年第27号',
      by: '平湖市综合行政执法局　上海市金山区城市管理行政执法局',
      sealed: '平湖市综合行政执法局',
      paragraphs: [
        '　　时间：2022年8月30日14时。范围：张江长三角科技城平湖园区企业2家、枫泾园区企业2家。内容：文明施工、垃圾分类、渣土运输。',
        '　　人员：新埭中队3人，枫泾镇综合行政执法队3人。',
        '　　各方依据与职责：平湖园区内的检查、处理由平湖市综合行政执法局依浙江省综合行政执法条例负责，金山人员协助；枫泾园区内的检查、处理由上海市金山区城市管理行政执法局依上海市城市管理行政执法条例负责，平湖人员协助。各方在对方辖区不作处理决定。',
      ],
    });
    s7.paper('order.pdf', '责令改正通知书', {
      time: '2022-08-30T14:40:00+08:00',
      purpose: '证明当场责令改正',
      sealed: '平湖市综合行政执法局',
      signed: ['执法人员乙', '丙'],
      paragraphs: ['平丙科技有限公司（统一社会信用代码913304820000000279）：', '　　2022年8月30日检查发现你公司厂区生活垃圾混投。责令你公司于2022年9月5日前改正。'],
    });
    s7.paper('record.pdf', '联合执法记录', {
      time: '2022-08-30T16:30:00+08:00',
      purpose: '记载检查对象、结果和协助人员',
      kind: 'inspection-record',
      subtitle: '（2022年第27号联合执法方案）',
      by: '新埭中队　枫泾镇综合行政执法队',
      signed: ['执法人员乙', '执法人员甲'],
      signatures: { officers: [...pinghu.officers, ...jinshan.officers], party: true },
      paragraphs: ['　　检查企业4家：平湖园区2家、枫泾园区2家。平丙科技有限公司厂区生活垃圾混投，平湖当场出具责令改正通知书，金山人员协助；其余3家无问题。'],
    });
    const { evidence, files } = s7.list();
    write('s7.json', {
      scenario: 'S7',
      title: { zh: '联合执法·张江长三角科技城·平湖和金山', en: 'Joint operation in a park on both sides, Pinghu and Jinshan' },
      agreement: 'agreement-terms.json',
      operation: {
        number: '2022年第27号',
        initiator: pinghu.node,
        at: '2022-08-30T14:00:00+08:00',
        subject: '文明施工、垃圾分类、渣土运输',
        participants: [
          { node: pinghu.node, unit: '新埭中队', officers: ['33048200001', '33048200002', '33048200005'], duty: '负责平湖园区；在枫泾园区协助', legalBasis: [{ law: '浙江省综合行政执法条例', article: '15' }] },
          { node: jinshan.node, unit: '枫泾镇综合行政执法队', officers: ['31011600001', '31011600002', '31011600005'], duty: '负责枫泾园区；在平湖园区协助', legalBasis: [{ law: '上海市城市管理行政执法条例', article: '14' }] },
        ],
        objects: [
          { name: '平丙科技有限公司', uscc: '913304820000000279', node: pinghu.node, finding: '厂区生活垃圾混投', order: { title: '责令改正通知书', on: '2022-08-30', recheckedOn: '2022-09-06', corrected: true } },
          { name: '平湖园区某企业（样例）', node: pinghu.node, finding: null },
          { name: '枫泾园区某企业一（样例）', node: jinshan.node, finding: null },
          { name: '枫泾园区某企业二（样例）', node: jinshan.node, finding: null },
        ],
      },
      evidence,
      files,
    });
  },

  s8: () => {
    const where = { longitude: 121.0566, latitude: 30.8645 };
    const s8 = new Sample('s8', 'EV-310116-2022-000019', jinshan, where);
    const slag = (seed) => dayGround({ seed, wall: false, heaps: [heap(140, 500, 520, 190, seed + 1, { rubble: 50, fill: '#6f7276' })] });
    s8.photos([
      ['货车车厢残留物', '2022-09-20T08:12:00+08:00', '证明货车残留疑似铝灰渣', riverNight({ seed: 801, trucks: [truckRear(228, 128, 1.75)], torch: [402, 330, 340], yard: true })],
      ['残留物近景', '2022-09-20T08:15:00+08:00', '证明残留物的外观', slag(811)],
      ['车尾', '2022-09-20T08:18:00+08:00', '证明货车号牌', riverNight({ seed: 802, trucks: [truckRear(200, 110, 1.9)], torch: [402, 330, 340], lamps: 2, yard: true })],
      ['司机指认的路线', '2022-09-20T08:40:00+08:00', '证明司机所述倾倒地点的方向', dayGround({ seed: 821, extra: board(['省界', '某废弃厂房方向', '2022-09-20']) })],
    ]);
    s8.clip('stop.mp4', '执法记录仪视频（1分30秒）', { time: '2022-09-20T08:05:00+08:00', seconds: 90, purpose: '证明查获货车及司机陈述的经过', background: rasterise('s8-v', slag(831)), sprite: torch(), motion: "x='60+50*sin(t/9)':y='90+30*cos(t/7)'" });
    s8.paper('inquiry.pdf', '询问（调查）笔录', {
      time: '2022-09-20T10:20:00+08:00',
      purpose: '证明司机所述前夜倾倒的经过',
      kind: 'party-statement',
      by: '枫泾镇综合行政执法队',
      signed: ['当事人乙', '执法人员甲', '乙'],
      recorded: true,
      signatures: { officers: jinshan.officers, party: true, eachPage: true },
      paragraphs: ['时间：2022年9月20日9时40分至10时20分', '询问人：执法人员甲、乙（证号31011600001、31011600002）', '被询问人：当事人乙（货车司机）。证件号码及联系方式另存密件，不随本笔录移送。', '问：车厢里的残留物是什么？', '答：老板说是铝厂的灰渣，叫我拉走。', '问：拉到哪里去了？', '答：前天夜里倒在平湖那边一个没人的旧厂房里，一车都倒了。'],
    });
    const { evidence, files } = s8.list();
    const opinion = new Sample('s8', 'EV-330482-2022-000050', pinghu, where);
    opinion.paper('weighing.pdf', '现场称重记录', { time: '2022-09-20T16:30:00+08:00', purpose: '证明倾倒物重5.2吨', signed: ['执法人员乙', '丙'], paragraphs: ['　　2022年9月20日，在平湖市某废弃厂房现场称重，倾倒的疑似铝灰渣合计5.2吨。'] });
    opinion.paper('appraisal.pdf', '鉴定意见', { time: '2022-09-22T11:00:00+08:00', purpose: '证明倾倒物属危险废物', kind: 'expert-opinion', by: '某鉴定机构（样例）', sealed: '某鉴定机构专用', paragraphs: ['　　受平湖市综合行政执法局委托，对2022年9月20日送检的灰渣样品鉴定。依据国家危险废物名录和危险废物鉴别标准，该样品属危险废物。鉴定人资质见附件（样例）。'] });
    const ours = opinion.list();
    write('s8.json', {
      scenario: 'S8',
      title: { zh: '涉嫌犯罪·金山→平湖（线索）', en: 'Suspected crime, Jinshan to Pinghu (lead)' },
      agreement: 'agreement-terms.json',
      transfer: transfer('08', jinshan, pinghu, {
        kind: 'LEAD',
        number: '金枫综执线移〔2022〕第19号',
        family: 'construction-waste-dumping',
        cause: '倾倒疑似铝灰渣',
        source: 'patrol',
        act: { from: '2022-09-18T23:00:00+08:00', to: '2022-09-19T04:00:00+08:00', place: place('330482', '平湖市某废弃厂房', where) },
        discoveredAt: '2022-09-20T08:05:00+08:00',
        parties: [{ kind: 'natural', name: '当事人乙', plate: '沪D·Y0008' }],
        facts: '2022年9月20日，我队查获一辆货车残留疑似铝灰渣，司机称已于前夜倾倒于平湖某废弃厂房。',
        request: '请到场核查，依法处理，反馈结果。',
        evidence,
      }),
      files,
      /** What Pinghu finds itself; it stays there. */
      found: { evidence: ours.evidence, files: ours.files },
    });
  },

  s9: () => {
    const where = { longitude: 120.9321, latitude: 31.0412 };
    const s9 = new Sample('s9', 'EV-330421-2024-000008', jiashan, where);
    s9.paper('ledger.pdf', '建筑垃圾运输台账（复制件）', {
      time: '2024-05-31T15:00:00+08:00',
      purpose: '证明约1000吨建筑垃圾经青浦码头转船后去向不明',
      isOriginal: false,
      sourceHolder: { kind: 'body', name: '善丁建材有限公司' },
      verifiedAgainstOriginal: true,
      holderSeal: true,
      by: '善丁建材有限公司',
      sealed: '善丁建材有限公司',
      paragraphs: ['　　2024年5月28日至6月2日，经青浦某码头转船运出建筑垃圾合计约1000吨，接收单位栏空缺。', '　　本件与原件核对无异，原件存我公司。'],
    });
    const { evidence, files } = s9.list();
    const answer = new Sample('s9', 'EV-310118-2024-000002', qingpu, where);
    const next = random(99);
    const passages = [...Array(48).keys()].map((i) => `${later('2024-06-01T05:10:00+08:00', i * 55)},${i % 2 ? '进' : '出'},浙F·Y${String(100 + Math.floor(next() * 40)).padStart(4, '0')},重型自卸货车`);
    answer.data('gate.csv', '码头卡口记录', 'text/csv', `time,direction,plate,type\n${passages.join('\n')}\n`, { isOriginal: false, method: '自码头卡口系统导出，打印件加盖印章另存', madeAt: '2024-06-07T10:00:00+08:00', madeBy: '青浦某码头（样例）', purpose: '证明2024年6月1日至2日进出车辆' });
    const slips = [...Array(24).keys()].map((i) => `${later('2024-06-01T05:20:00+08:00', i * 110)},浙F·Y${String(100 + i).padStart(4, '0')},${(38 + next() * 6).toFixed(2)}`);
    answer.data('weights.csv', '过磅数据', 'text/csv', `time,plate,net_tonnes\n${slips.join('\n')}\n`, { isOriginal: false, method: '自码头地磅系统导出，打印件加盖印章另存', madeAt: '2024-06-07T10:20:00+08:00', madeBy: '青浦某码头（样例）', purpose: '证明2024年6月1日至2日过磅重量' });
    const answered = answer.list();
    write('s9.json', {
      scenario: 'S9',
      title: { zh: '协助调查·嘉善→青浦', en: 'Assistance, Jiashan to Qingpu' },
      agreement: 'agreement-terms-demonstration-zone.json',
      transfer: transfer('09', jiashan, qingpu, {
        kind: 'ASSIST',
        number: '嘉善综执协〔2024〕第8号',
        family: 'construction-waste-dumping',
        cause: '建筑垃圾去向不明',
        source: 'system-warning',
        act: { from: '2024-06-01T00:00:00+08:00', to: '2024-06-02T23:59:00+08:00', place: place('310118', '青浦区某码头', where) },
        discoveredAt: '2024-06-02T17:00:00+08:00',
        parties: [{ kind: 'organisation', name: '善丁建材有限公司', uscc: '91330421000000043K' }],
        facts: '善丁建材有限公司经青浦码头转船运输建筑垃圾约1000吨，去向不明。',
        request: '请协助：一、调取2024年6月1日至2日码头卡口记录；二、调取同期过磅数据；三、对码头经营人作询问笔录1份。',
        matters: [
          { no: 1, text: '调取6月1日至2日码头卡口记录' },
          { no: 2, text: '过磅数据' },
          { no: 3, text: '码头经营人询问笔录1份' },
        ],
        evidence,
      }),
      files,
      /** What Qingpu answers with. */
      found: { evidence: answered.evidence, files: answered.files },
    });
  },

  s10: () => {
    const where = { longitude: 121.0171, latitude: 30.8905 };
    const s10 = new Sample('s10', 'EV-330482-2026-000021', pinghu, where);
    const nights = ['12', '14', '15', '17', '19', '20'];
    s10.photos(nights.map((day, i) => [`第${i + 1}次倾倒现场`, `2026-08-${day}T23:4${i}:00+08:00`, `证明8月${+day}日倾倒的现场`, dayGround({ seed: 1000 + i, wall: false, heaps: [heap(120 + i * 18, 470, 420, 150, 1010 + i)], extra: board(['枫泾镇某地块', `第${i + 1}次`, `2026-08-${day}`]) })]));
    const points = nights.map((day, i) => {
      const start = `2026-08-${day}T22:5${i}:00+08:00`;
      const leg = [...Array(20).keys()].map((n) => `<trkpt lat="${(30.8402 + ((where.latitude - 30.8402) * n) / 19).toFixed(6)}" lon="${(121.0274 + ((where.longitude - 121.0274) * n) / 19).toFixed(6)}"><time>${new Date(Date.parse(start) + n * 60_000).toISOString().replace('.000', '')}</time></trkpt>`);
      return `<trk><name>浙F·Y0010（样例）第${i + 1}趟</name><trkseg>\n${leg.join('\n')}\n</trkseg></trk>`;
    });
    s10.data('track.gpx', '车载定位轨迹', 'application/gpx+xml', `<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="make-cases" xmlns="http://www.topografix.com/GPX/1/1">\n<metadata><name>车载定位轨迹 2026-08-12 至 2026-08-20（样例，WGS-84）</name></metadata>\n${points.join('\n')}\n</gpx>\n`, { isOriginal: false, method: '由当事人登录定位平台，执法人员当场导出', tool: '车载定位平台（样例）', madeAt: '2026-08-22T10:00:00+08:00', purpose: '证明六次行程及终点位置' });
    s10.paper('inquiry.pdf', '询问（调查）笔录', {
      time: '2026-08-22T11:10:00+08:00',
      purpose: '证明六次倾倒的经过',
      kind: 'party-statement',
      signed: ['当事人丙', '执法人员乙', '丙'],
      recorded: true,
      signatures: { officers: pinghu.officers, party: true, eachPage: true },
      paragraphs: ['时间：2026年8月22日10时20分至11时10分', '询问人：执法人员乙、丙（证号33048200001、33048200002）', '被询问人：当事人丙（平戊运输有限公司调度）。证件号码及联系方式另存密件，不随本笔录移送。', '问：8月12日至20日的渣土运到哪里？', '答：六个晚上各一车，都倒在枫泾那块空地。'],
    });
    const { evidence, files } = s10.list();
    write('s10.json', {
      scenario: 'S10',
      title: { zh: '法律更替与重复·平湖→金山（案件）', en: 'Change of law and a case already open, Pinghu to Jinshan (case)' },
      agreement: 'agreement-terms.json',
      transfer: transfer('10', pinghu, jinshan, {
        kind: 'CASE',
        number: '平综执移字〔2026〕第21号',
        family: 'construction-waste-dumping',
        cause: '擅自倾倒工程渣土',
        source: 'patrol',
        act: { from: '2026-08-12T23:30:00+08:00', to: '2026-08-20T23:59:00+08:00', place: place('310116', '金山区枫泾镇某地块', where) },
        discoveredAt: '2026-08-20T23:50:00+08:00',
        parties: [{ kind: 'organisation', name: '平戊运输有限公司', uscc: '91330482000000051R', plate: '浙F·Y0010', roles: ['haulier'] }],
        citations: [
          { law: '固废法', article: 63 },
          { law: '固废法', article: 111 },
        ],
        facts: '平戊运输有限公司2026年8月12日至20日在枫泾连续倾倒工程渣土6次，违反固体废物污染环境防治法第六十三条，依该法第一百一十一条处理。',
        request: '请依法审核接收，处理结果函告我局。',
        evidence,
      }),
      files,
    });
  },
};

for (const [name, make] of Object.entries(cases)) {
  if (!isWanted(name)) continue;
  emptyFolders(name);
  make();
}
finish();
