#!/usr/bin/env node
// Draws and encodes the media of sample cases S1 and S2 and writes s1.json and s2.json; make-cases.mjs does the others. The
// outputs are committed: nobody needs these scripts or the tools that media.mjs names to run the project. Everything shown
// and told is invented.
import { writeFileSync } from 'node:fs';
import {
  checkpoint,
  dayGround,
  heap,
  label,
  lorryFront,
  page,
  random,
  riverNight,
  seal,
  signature,
  site,
  song,
  svg,
  truck,
  truckRear,
  weighSlip,
} from './draw.mjs';
import { inquiry, inquiryHead } from './inquiry.mjs';
import { at, emptyFolders, evidenceList, fileFacts, finish, pdf, photograph, rasterise, run, video, write } from './media.mjs';

emptyFolders('s1', 's2');

// ---------------------------------------------------------------- S1: pictures
const bank = { longitude: 121.05, latitude: 30.87 };
const near = (dx, dy) => ({ longitude: +(bank.longitude + dx).toFixed(6), latitude: +(bank.latitude + dy).toFixed(6) });
const s1Photos = [
  {
    title: '照片1 省界桥西侧渣土车驶入河埠头',
    name: '照片01-省界桥西侧.jpg',
    time: '2022-08-18T23:41:20+08:00',
    where: near(0.00041, 0.00012),
    purpose: '证明渣土车自省界桥方向驶入平湖一侧河埠头',
    picture: riverNight({ seed: 11, sign: true, trucks: [truck(330, 236, 0.78, { cab: '#27465f' }), truck(590, 244, 0.6, { cab: '#5a2f26' })], torch: [470, 350, 230] }),
  },
  {
    title: '照片2 三辆渣土车在河埠头',
    name: '照片02-三辆渣土车.jpg',
    time: '2022-08-18T23:42:05+08:00',
    where: near(0.00018, 0.00006),
    purpose: '证明现场有无号牌渣土车三辆',
    picture: riverNight({ seed: 12, trucks: [truck(20, 244, 0.82, { cab: '#3f4f2b' }), truck(285, 258, 0.8, { cab: '#27465f' }), truck(548, 250, 0.8, { cab: '#5a2f26' })], torch: [400, 360, 330] }),
  },
  {
    title: '照片3 向岸坡倾倒',
    name: '照片03-向岸坡倾倒.jpg',
    time: '2022-08-18T23:42:51+08:00',
    where: near(0.00004, 0.00002),
    purpose: '证明一辆渣土车正向岸坡倾倒工程渣土',
    picture: riverNight({ seed: 13, trucks: [truck(285, 214, 1.35, { tilt: 33, load: false, cab: '#27465f' })], heaps: [heap(96, 452, 262, 112, 5)], torch: [300, 380, 300], extra: '<path d="M250 340 Q240 400 214 430 L262 436 Q280 396 300 348 Z" fill="#4d3c26" opacity=".85" filter="url(#b2)"/>' }),
  },
  {
    title: '照片4 车尾无号牌',
    name: '照片04-车尾无号牌.jpg',
    time: '2022-08-18T23:43:37+08:00',
    where: near(0.0001, -0.00002),
    purpose: '证明渣土车车尾未悬挂号牌',
    picture: riverNight({ seed: 14, trucks: [truckRear(228, 128, 1.75)], torch: [402, 330, 340], lamps: 3, yard: true }),
  },
  {
    title: '照片5 岸坡渣土堆',
    name: '照片05-岸坡渣土堆.jpg',
    time: '2022-08-18T23:48:12+08:00',
    where: near(-0.00003, -0.00005),
    purpose: '证明已倾倒渣土的位置和数量（标尺长2米）',
    picture: riverNight({
      seed: 15,
      heaps: [heap(60, 470, 420, 165, 21), heap(380, 478, 330, 120, 22)],
      torch: [390, 400, 380],
      extra: `<g transform="rotate(-4 560 330)">${[...Array(8).keys()].map((i) => `<rect x="552" y="${240 + i * 28}" width="13" height="28" fill="${i % 2 ? '#eee' : '#d22'}"/>`).join('')}</g>`,
    }),
  },
  {
    title: '照片6 制止后车辆停放',
    name: '照片06-制止后车辆停放.jpg',
    time: '2022-08-18T23:50:30+08:00',
    where: near(0.00022, 0.00009),
    purpose: '证明经制止后倾倒停止、车辆停放现场',
    picture: riverNight({
      seed: 16,
      trucks: [truck(60, 250, 0.78, { lights: false }), truck(430, 246, 0.85, { lights: false, cab: '#27465f' })],
      torch: [330, 372, 280],
      extra: `<g transform="translate(330 296)"><ellipse cx="18" cy="112" rx="26" ry="5" fill="#000" opacity=".5"/><path d="M8 46 h20 l4 62 h-10 l-3 -36 l-4 36 h-10 Z" fill="#1b2430"/><path d="M2 8 h32 l4 44 h-40 Z" fill="#b7d327"/><path d="M0 24 h37 v6 h-38 Z" fill="#f3f6e0"/><circle cx="18" cy="-4" r="10" fill="#b08a6c"/><path d="M7 -7 a11 10 0 0 1 22 0 Z" fill="#1d2c44"/></g>`,
    }),
  },
];
s1Photos.forEach((photo, i) => {
  photo.file = `s1/photo-${i + 1}.jpg`;
  photograph(photo.file, photo.picture, { time: photo.time, ...photo.where, bearing: 240 + i * 9, seed: 100 + i });
});

const lights = rasterise('lights', svg(220, 120, '<circle cx="80" cy="64" r="60" fill="url(#glow)"/><circle cx="128" cy="66" r="52" fill="url(#glow)"/>'));
const officerTorch = rasterise('torch', svg(420, 280, '<ellipse cx="210" cy="140" rx="205" ry="135" fill="url(#torch)"/>'));
const s1Videos = [
  {
    title: '执法记录仪视频1（4分12秒）',
    name: '执法记录仪视频1.mp4',
    file: 's1/recorder-1.mp4',
    time: '2022-08-18T23:42:10+08:00',
    seconds: 252,
    purpose: '证明倾倒过程及执法人员表明身份、口头制止的经过',
    background: rasterise('v1', riverNight({ seed: 31, trucks: [truck(40, 246, 0.8), truck(360, 222, 1.2, { tilt: 28, load: false, cab: '#27465f' })], heaps: [heap(250, 452, 190, 80, 8)], lamps: 4 })),
    sprite: officerTorch,
    motion: "x='190+170*sin(t/9)':y='230+40*cos(t/7)'",
  },
  {
    title: '执法记录仪视频2（2分05秒）',
    name: '执法记录仪视频2.mp4',
    file: 's1/recorder-2.mp4',
    time: '2022-08-18T23:48:40+08:00',
    seconds: 125,
    purpose: '证明仍有车辆驶来以及制止后的现场状况',
    background: rasterise('v2', riverNight({ seed: 32, sign: true, trucks: [truck(500, 250, 0.8, { lights: false })], heaps: [heap(300, 456, 220, 90, 9)], lamps: 6 })),
    sprite: lights,
    motion: "x='-160+5.2*t':y='250+6*sin(t*1.7)'",
  },
];
for (const [i, clip] of s1Videos.entries()) {
  video(clip.file, { width: 384, height: 288, seconds: clip.seconds, fps: 4, start: clip.time, background: clip.background, sprite: clip.sprite, motion: clip.motion, text: `记录仪样例${i + 1}  证号31011600001`, crf: 33 });
}

const statementPages = pdf('s1/statement.pdf', {
  title: '制止情况说明',
  subtitle: '枫泾镇综合行政执法队',
  paragraphs: [
    '　　2022年8月18日23时40分，本队执法人员甲、乙（执法证号31011600001、31011600002）夜间巡查至省界桥，发现无号牌渣土车3辆驶入平湖市新埭镇某村河埠头（东经121.05度、北纬30.87度），正向岸坡倾倒工程渣土，目测已倾倒约45立方米，仍有车辆驶来。',
    '　　因倾倒正在进行、证据可能灭失，执法人员于23时42分到场表明身份，口头制止，并以执法记录仪和照相方式固定现场情况。23时46分电话通报平湖市新埭镇值班室。23时50分倾倒停止，车辆停放现场，驾驶人拒绝说明所属单位。',
    '　　上述行为发生地在平湖市辖区。本队在现场仅实施制止和固定证据，未作询问、扣押等其他措施，未实施行政处罚。现场照片6张、视频2段（4分12秒、2分05秒，无声音）随线索移送函一并移送，原始存储介质保存于本队。',
    '　　特此说明。',
    { text: '' },
    { text: '执法人员：　　　　　　　　　　', align: 'right' },
    { text: '' },
    { text: '枫泾镇综合行政执法队', align: 'right' },
    { text: '2022年8月18日23时53分', align: 'right' },
  ],
  marks: (i, count, y) => `${signature(372, y - 4 * page.leading, '执法人员甲', 3)}${signature(454, y - 4 * page.leading, '乙', 4)}${seal(440, y - 46, '枫泾镇综合行政执法队')}`,
});

// ---------------------------------------------------------------- S2: pictures
const plates = ['沪A·Y0001', '沪A·Y0002'];
const trips = [
  { start: '2022-09-05T22:18:00+08:00', plate: 0, net: '8.12', gross: '20.46', tare: '12.34', weighed: '2022-09-05 22:14' },
  { start: '2022-09-05T22:44:00+08:00', plate: 1, net: '7.96', gross: '20.41', tare: '12.45', weighed: '2022-09-05 22:40' },
  { start: '2022-09-06T23:22:00+08:00', plate: 0, net: '8.04', gross: '20.38', tare: '12.34', weighed: '2022-09-06 23:18' },
  { start: '2022-09-07T22:31:00+08:00', plate: 1, net: '7.88', gross: '20.33', tare: '12.45', weighed: '2022-09-07 22:27' },
];
const later = (time, minutes) => new Date(Date.parse(time) + minutes * 60_000 + 8 * 3_600_000).toISOString().slice(0, 19);
const captures = trips.flatMap((trip, i) => [
  { trip, minutes: 21 + i, direction: '南向北', lane: 1 + (i % 2), device: '卡口A' },
  { trip, minutes: 33 + i, direction: '南向北（省界方向）', lane: 2, device: '卡口B' },
]);
captures.forEach((shot, i) => {
  const png = i % 2 === 1;
  shot.time = `${later(shot.trip.start, shot.minutes)}+08:00`;
  shot.file = `s2/capture-${i + 1}.${png ? 'png' : 'jpg'}`;
  shot.mediaType = png ? 'image/png' : 'image/jpeg';
  const size = png ? { width: 640, height: 360 } : { width: 960, height: 540 };
  const source = rasterise(`capture-${i}`, checkpoint({ seed: 40 + i, ...size, time: shot.time.slice(0, 19).replace('T', ' '), lane: shot.lane, plate: plates[shot.trip.plate], direction: shot.direction, device: shot.device, index: i + 1 }));
  if (png) run('convert', source, '-strip', '-colors', '96', '-define', 'png:exclude-chunks=date,time', `png8:${at(shot.file)}`);
  else run('convert', source, '-seed', String(i), '-attenuate', '0.12', '+noise', 'Gaussian', '-strip', '-sampling-factor', '4:2:0', '-quality', '62', at(shot.file));
});

const emptyRoad = rasterise('v3', checkpoint({ seed: 60, width: 640, height: 360, time: '', lane: 2, plate: '', direction: '', device: '', index: 0 }));
const lorry = rasterise('lorry', svg(360, 360, lorryFront(180, 200, 0.9, plates[0])));
// The lorry comes out of the dark 20 seconds in, grows, and passes below the camera.
const nearness = 'pow(clip((t-20)/16,0,1),2)';
video('s2/checkpoint.mp4', { width: 480, height: 270, seconds: 60, fps: 6, start: captures[1].time, background: emptyRoad, sprite: lorry, grow: `w='2*trunc((26+300*${nearness})/2)':h=-2`, motion: `x='330-w/2-20*${nearness}':y='72+330*${nearness}-h*0.3*${nearness}':enable='between(t,20,36)'`, text: '卡口B 样例', crf: 33 });

const siteAt = { longitude: 121.0213, latitude: 30.7012 };
const dumpAt = { longitude: 121.0158, latitude: 30.8846 };
function trackOf() {
  const next = random(77);
  const bends = [
    [siteAt.longitude, siteAt.latitude],
    [121.0302, 30.7188],
    [121.0356, 30.7559],
    [121.0331, 30.7984],
    [121.0274, 30.8402],
    [121.0203, 30.8691],
    [dumpAt.longitude, dumpAt.latitude],
  ];
  return trips
    .map((trip, i) => {
      const points = [];
      const perLeg = 9;
      for (let leg = 0; leg < bends.length - 1; leg++) {
        for (let step = 0; step < perLeg; step++) {
          const t = step / perLeg;
          const jitter = () => (next() - 0.5) * 0.0003;
          points.push([
            bends[leg][0] + (bends[leg + 1][0] - bends[leg][0]) * t + jitter(),
            bends[leg][1] + (bends[leg + 1][1] - bends[leg][1]) * t + jitter(),
          ]);
        }
      }
      for (let rest = 0; rest < 8; rest++) points.push([dumpAt.longitude + (next() - 0.5) * 0.0001, dumpAt.latitude + (next() - 0.5) * 0.0001]);
      const segment = points
        .map(([longitude, latitude], n) => {
          const time = new Date(Date.parse(trip.start) + n * 45_000).toISOString().replace('.000', '');
          return `<trkpt lat="${latitude.toFixed(6)}" lon="${longitude.toFixed(6)}"><time>${time}</time></trkpt>`;
        })
        .join('\n');
      return `<trk><name>${plates[trip.plate]}（样例）第${i + 1}趟</name><trkseg>\n${segment}\n</trkseg></trk>`;
    })
    .join('\n');
}
writeFileSync(
  at('s2/track.gpx'),
  `<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="make-samples" xmlns="http://www.topografix.com/GPX/1/1">
<metadata><name>车载定位轨迹 2022-09-05 至 2022-09-07（样例，WGS-84）</name><time>2022-09-13T02:40:00Z</time></metadata>
${trackOf()}
</gpx>
`,
);

const board = (text) =>
  `<g transform="translate(585 470)"><rect x="0" y="0" width="190" height="104" fill="#f4f1e4" stroke="#6b5d3c" stroke-width="4"/>${text.map((row, i) => label(12, 32 + i * 30, 19, row, { color: '#222' })).join('')}</g>`;
const rod = (x, y, turn = 0) =>
  `<g transform="rotate(${turn} ${x} ${y})">${[...Array(8).keys()].map((i) => `<rect x="${x}" y="${y - 30 - i * 24}" width="11" height="24" fill="${i % 2 ? '#f0f0ee' : '#d2342a'}"/>`).join('')}</g>`;
const tracks = '<path d="M120 600 Q260 430 420 330 L446 330 Q300 440 190 600 Z" fill="#4b4436" opacity=".55"/><path d="M300 600 Q400 450 500 332 L522 332 Q440 460 372 600 Z" fill="#4b4436" opacity=".55"/>';
const cement = (x, y) => `<g transform="translate(${x} ${y}) rotate(-12)"><path d="M0 0 h74 q8 22 0 40 h-74 q-8 -20 0 -40 Z" fill="#4f8a5b"/>${label(8, 27, 17, '水泥袋', { color: '#e9f3ea' })}</g>`;
const s2Photos = [
  ['装修工地出入口', siteAt, '2022-09-09T10:12:00+08:00', '证明装修垃圾出自平湖某装修工地', site({ seed: 71, bags: 3, extra: board(['某装修工地', '出入口', '2022-09-09']) })],
  ['工地一层装修垃圾堆放处', siteAt, '2022-09-09T10:16:00+08:00', '证明装运前装修垃圾的堆放位置', site({ seed: 72, bags: 16, gate: false })],
  ['装车位置地面散落物', siteAt, '2022-09-09T10:20:00+08:00', '证明装车位置有同类散落物', site({ seed: 73, bags: 5, gate: false, extra: heap(180, 560, 330, 62, 74, { rubble: 40, fill: '#8d8474' }) })],
  ['工地内绿色水泥袋', siteAt, '2022-09-09T10:23:00+08:00', '证明工地所用水泥袋的样式', site({ seed: 75, bags: 4, gate: false, extra: [cement(180, 420), cement(300, 450), cement(440, 430), cement(330, 500)].join('') })],
  ['枫泾空地全景', dumpAt, '2022-09-09T14:31:00+08:00', '证明倾倒地点的全貌', dayGround({ seed: 81, heaps: [heap(250, 350, 300, 86, 82, { rubble: 34, fill: '#9a9080' })], extra: board(['枫泾镇某路南侧', '全景', '2022-09-09']) })],
  ['垃圾堆近景（东侧）', dumpAt, '2022-09-09T14:34:00+08:00', '证明倾倒物为砖块、瓷砖、石膏板等装修垃圾', dayGround({ seed: 83, horizon: 170, heaps: [heap(40, 540, 720, 270, 84, { rubble: 150, fill: '#978c7b' })], wall: false })],
  ['垃圾堆近景（西侧）', dumpAt, '2022-09-09T14:36:00+08:00', '证明倾倒物的成分', dayGround({ seed: 85, horizon: 170, heaps: [heap(-30, 560, 640, 310, 86, { rubble: 170, fill: '#8f8675' })], wall: false })],
  ['堆高标尺', dumpAt, '2022-09-09T14:39:00+08:00', '证明堆放高度约1.9米（标尺每格0.25米）', dayGround({ seed: 87, heaps: [heap(120, 480, 560, 200, 88, { rubble: 110, fill: '#978c7b' })], extra: rod(402, 486, 3) })],
  ['堆长标尺', dumpAt, '2022-09-09T14:41:00+08:00', '证明堆放范围', dayGround({ seed: 89, heaps: [heap(60, 440, 680, 150, 90, { rubble: 100, fill: '#958b7a' })], extra: rod(66, 470, 0) + rod(730, 470, 0) + '<path d="M72 500 H736" stroke="#e8d33a" stroke-width="5"/>' + label(404, 530, 24, '约9.6米', { color: '#fff7c2', anchor: 'middle' }) })],
  ['堆内绿色水泥袋', dumpAt, '2022-09-09T14:43:00+08:00', '证明倾倒物与工地水泥袋样式一致', dayGround({ seed: 91, horizon: 150, heaps: [heap(20, 560, 760, 300, 92, { rubble: 120, fill: '#93897a' })], extra: cement(250, 420) + cement(430, 380), wall: false })],
  ['空地轮胎印痕', dumpAt, '2022-09-09T14:46:00+08:00', '证明重型车辆进出空地', dayGround({ seed: 93, extra: tracks, heaps: [heap(420, 322, 240, 60, 94, { rubble: 22, fill: '#958b7a' })] })],
  ['空地与道路连接处', dumpAt, '2022-09-09T14:49:00+08:00', '证明车辆自道路进入空地的位置', dayGround({ seed: 95, wall: false, extra: '<path d="M0 262 H800 V318 H0 Z" fill="#4d5054"/><path d="M0 288 H800" stroke="#e7e3d0" stroke-width="4" stroke-dasharray="46 30"/><path d="M330 316 Q300 420 200 600 H520 Q450 420 430 316 Z" fill="#5c5443" opacity=".8"/>' + board(['枫泾镇某路', '进出口', '2022-09-09']) })],
].map(([title, where, time, purpose, picture], i) => ({ title: `照片${i + 1} ${title}`, where, time, purpose, picture, file: `s2/photo-${String(i + 1).padStart(2, '0')}.jpg`, name: `照片${String(i + 1).padStart(2, '0')}-${title}.jpg` }));
s2Photos.forEach((photo, i) => {
  photograph(photo.file, photo.picture, { time: photo.time, longitude: +(photo.where.longitude + (i % 4) * 0.00003).toFixed(6), latitude: +(photo.where.latitude - (i % 3) * 0.00004).toFixed(6), noise: 0.45, bearing: (i * 37) % 360, seed: 200 + i });
});

trips.forEach((trip, i) => {
  const source = rasterise(`slip-${i}`, weighSlip({ number: `GB-2022-09${String(31 + i * 7).padStart(4, '0')}`, time: trip.weighed, plate: plates[trip.plate], gross: trip.gross, tare: trip.tare, net: trip.net, seed: 300 + i }));
  run('convert', source, '-colorspace', 'Gray', '-seed', String(i), '-attenuate', '0.1', '+noise', 'Gaussian', '-strip', '-quality', '60', at(`s2/weigh-slip-${i + 1}.jpg`));
});

// ---------------------------------------------------------------- S2: papers
const inquiryPages = pdf('s2/inquiry.pdf', {
  title: '询问（调查）笔录',
  subtitle: '（平湖市综合行政执法局　案由：擅自倾倒建筑垃圾）',
  paragraphs: [...inquiryHead, ...inquiry.flatMap(([question, answer]) => [`问：${question}`, `答：${answer}`])],
  linesPerPage: 22,
  foot: (i) => `<path d="M${page.left} 762 H${page.width - page.right}" stroke="#444" stroke-width=".8"/>${label(page.left, 790, 13, '被询问人：', { family: song })}${label(page.left + 190, 790, 13, '询问人：', { family: song })}${label(page.left + 366, 790, 11, '2022年9月13日', { family: song })}${signature(page.left + 68, 790, '当事人甲', 500 + i)}${signature(page.left + 240, 790, '乙', 520 + i)}${signature(page.left + 288, 790, '丙', 540 + i)}`,
});

const siteRecordPages = pdf('s2/site-record.pdf', {
  title: '现场检查笔录',
  subtitle: '（平湖市综合行政执法局　新埭中队）',
  paragraphs: [
    '检查时间：2022年9月9日10时10分至10时40分',
    '检查地点：平湖某装修工地（东经121.0213度、北纬30.7012度）',
    '检查人：执法人员乙（证号33048200001）、执法人员丙（证号33048200002）　记录人：执法人员丙',
    '当事人：沪甲土方工程有限公司（统一社会信用代码913101160000000194）　现场负责人：当事人甲',
    '　　检查人已向现场负责人出示执法证件，说明检查事由，告知其依法享有申请回避、陈述和申辩的权利。现场负责人不申请回避。',
    '　　检查情况：一、工地为四层楼房内部装修，一层大厅东北角堆有待清运的装修垃圾，袋装与散装混合，主要为墙砖、混凝土块、瓷砖、石膏板、木条和绿色水泥袋。二、装车位置在大厅北门外水泥地坪，地面有同类散落物，长约3.2米、宽约1.8米。三、现场负责人当场说明，9月5日至7日夜间由其公司车辆清运四车，未办理平湖的建筑垃圾运输核准。四、检查时现场无车辆作业。五、拍摄照片4张（编号1至4），未采取先行登记保存和查封扣押措施。',
    '　　以上笔录经现场负责人阅看，与现场情况一致。',
    { text: '' },
    '现场负责人（签名）：',
    '检查人（签名）：',
    '见证人：无其他人员在场。',
    { text: '2022年9月9日', align: 'right' },
  ],
  linesPerPage: 28,
  marks: (i, count, y) => `${signature(250, y - 4 * page.leading, '当事人甲', 611)}${signature(215, y - 3 * page.leading, '执法人员乙', 612)}${signature(330, y - 3 * page.leading, '执法人员丙', 613)}`,
});

pdf('s2/transfer-letter.pdf', {
  title: '案件移送函',
  subtitle: '平综执移字〔2022〕第5号',
  paragraphs: [
    '上海市金山区城市管理行政执法局：',
    '　　我局于2022年9月9日对沪甲土方工程有限公司（统一社会信用代码913101160000000194）擅自倾倒建筑垃圾一案立案调查。经查，2022年9月5日至7日夜间，当事人从平湖某装修工地运出装修垃圾4车约32吨（8.12吨、7.96吨、8.04吨、7.88吨），倾倒于枫泾镇某路南侧空地（东经121.0158度、北纬30.8846度）。',
    '　　违法行为发生地在你局辖区。根据《中华人民共和国行政处罚法》第二十二条的规定，现将该案移送你局处理，请依法审核接收，并将处理结果函告我局。',
    '　　移送材料：卡口截图8张、卡口录像1段、车载定位轨迹1份、询问笔录1份（6页）、现场检查笔录1份、过磅单复印件4页、现场照片12张，共28件，详见证据移交清单。',
    '　　承办人：执法人员乙（证号33048200001）、执法人员丙（证号33048200002）',
    '　　联系单位：平湖市综合行政执法局新埭中队值班室（电话0573-0000 0000，样例）',
    { text: '' },
    { text: '平湖市综合行政执法局', align: 'right' },
    { text: '2022年9月27日', align: 'right' },
  ],
  marks: (i, count, y) => seal(450, y - 44, '平湖市综合行政执法局'),
});

pdf('s2/evidence-list.pdf', {
  title: '证据移交清单',
  subtitle: '附平综执移字〔2022〕第5号案件移送函',
  paragraphs: [
    '第1至8件　　卡口截图8张，电子数据，复制',
    '第9件　　　卡口录像1段，视听资料，复制',
    '第10件　　 车载定位轨迹1份，电子数据，复制',
    '第11件　　 询问笔录6页，原件扫描',
    '第12件　　 现场检查笔录1份，原件扫描',
    '第13至16件　过磅单4页，书证，复印件',
    '第17至28件　现场照片12张，视听资料，原始文件',
    { text: '' },
    '各件的文件名、字节数和SHA-256校验值载于随函证据包的移送数据，以证据包为准。',
    { text: '' },
    '移交人：',
    '接收人：',
    { text: '2022年9月27日', align: 'right' },
  ],
  marks: (i, count, y) => `${signature(160, y - 3 * page.leading, '执法人员乙', 701)}${signature(270, y - 3 * page.leading, '执法人员丙', 702)}`,
});

// ---------------------------------------------------------------- scenario files
const pinghu = { node: 'pinghu.330482', authority: '平湖市综合行政执法局' };
const jinshan = { node: 'jinshan.310116', authority: '上海市金山区城市管理行政执法局' };
const s1Officers = ['31011600001', '31011600002'];
const s2Officers = ['33048200001', '33048200002'];
const certificates = (numbers) => numbers.map((certNo) => ({ certNo, validFrom: '2020-07-01', validTo: '2025-06-30' }));

const s1 = evidenceList('EV-310116-2022-000012', [
  ...s1Photos.map((photo) => ({ kind: 'audio-visual', title: photo.title, fileName: photo.name, mediaType: 'image/jpeg', isOriginal: true, method: '数码照相，直接存储，未作编辑', tool: 'SAMPLE-CAM 1', madeAt: photo.time, madeBy: '执法人员甲', purpose: photo.purpose, collectors: s1Officers, collectedAt: photo.time, firstHashAt: '2022-08-18T23:53:40+08:00', file: photo.file })),
  ...s1Videos.map((clip) => ({ kind: 'audio-visual', title: clip.title, fileName: clip.name, mediaType: 'video/mp4', isOriginal: true, method: '执法记录仪录像，录音功能未开启', tool: '执法记录仪（样例）', madeAt: clip.time, madeBy: '执法人员乙', purpose: clip.purpose, collectors: s1Officers, collectedAt: clip.time, firstHashAt: '2022-08-18T23:53:40+08:00', hasSound: false, file: clip.file })),
  { kind: 'documentary', title: '制止情况说明', fileName: '制止情况说明.pdf', mediaType: 'application/pdf', isOriginal: true, madeAt: '2022-08-18T23:53:00+08:00', madeBy: '枫泾镇综合行政执法队', purpose: '说明发现、制止和固定证据的经过', collectors: s1Officers, collectedAt: '2022-08-18T23:53:00+08:00', firstHashAt: '2022-08-18T23:53:50+08:00', pages: statementPages, file: 's1/statement.pdf' },
]);

const s2 = evidenceList('EV-330482-2022-000005', [
  ...captures.map((shot, i) => ({ kind: 'electronic-data', title: `卡口截图${i + 1}`, fileName: `卡口截图${i + 1}.${shot.file.slice(-3)}`, mediaType: shot.mediaType, isOriginal: false, method: '自卡口管理平台逐张截取导出', tool: '卡口管理平台（样例）', madeAt: shot.time, madeBy: '平湖市某卡口管理单位', purpose: `证明${plates[shot.trip.plate]}（样例）当晚驶向枫泾方向`, collectors: s2Officers, collectedAt: '2022-09-09T16:20:00+08:00', firstHashAt: '2022-09-09T16:31:00+08:00', isMonitoringDevice: true, file: shot.file })),
  { kind: 'audio-visual', title: '卡口录像', fileName: '卡口录像.mp4', mediaType: 'video/mp4', isOriginal: false, method: '自卡口管理平台导出', tool: '卡口管理平台（样例）', madeAt: captures[1].time, collectors: s2Officers, collectedAt: '2022-09-09T16:24:00+08:00', firstHashAt: '2022-09-09T16:31:00+08:00', hasSound: false, isMonitoringDevice: true, file: 's2/checkpoint.mp4' },
  { kind: 'electronic-data', title: '车载定位轨迹', fileName: '车载定位轨迹.gpx', mediaType: 'application/gpx+xml', isOriginal: false, method: '由当事人登录定位平台，执法人员当场导出', tool: '车载定位平台（样例）', madeAt: '2022-09-13T10:40:00+08:00', madeBy: '执法人员丙', purpose: '证明两辆车四趟行程及终点位置', collectors: s2Officers, collectedAt: '2022-09-13T10:40:00+08:00', firstHashAt: '2022-09-13T10:46:00+08:00', file: 's2/track.gpx' },
  { kind: 'party-statement', title: '询问（调查）笔录', fileName: '询问笔录.pdf', mediaType: 'application/pdf', isOriginal: true, madeAt: '2022-09-13T11:25:00+08:00', madeBy: '执法人员丙', purpose: '证明倾倒的经过、数量和决定人', collectors: s2Officers, collectedAt: '2022-09-13T11:25:00+08:00', firstHashAt: '2022-09-13T11:40:00+08:00', pages: inquiryPages, recorded: true, signatures: { officers: s2Officers, party: true, eachPage: true }, file: 's2/inquiry.pdf' },
  { kind: 'inspection-record', title: '现场检查笔录', fileName: '现场检查笔录.pdf', mediaType: 'application/pdf', isOriginal: true, madeAt: '2022-09-09T10:40:00+08:00', madeBy: '执法人员丙', purpose: '证明装修垃圾的来源和装车位置', collectors: s2Officers, collectedAt: '2022-09-09T10:40:00+08:00', firstHashAt: '2022-09-09T11:05:00+08:00', pages: siteRecordPages, signatures: { officers: s2Officers, party: true, witness: 'none-present' }, file: 's2/site-record.pdf' },
  ...trips.map((trip, i) => ({ kind: 'documentary', title: `过磅单复印件${i + 1}（净重${trip.net}吨）`, fileName: `过磅单复印件${i + 1}.jpg`, mediaType: 'image/jpeg', isOriginal: false, purpose: `证明第${i + 1}车的重量`, collectors: s2Officers, collectedAt: '2022-09-13T10:15:00+08:00', firstHashAt: '2022-09-13T10:46:00+08:00', pages: 1, file: `s2/weigh-slip-${i + 1}.jpg` })),
  ...s2Photos.map((photo) => ({ kind: 'audio-visual', title: photo.title, fileName: photo.name, mediaType: 'image/jpeg', isOriginal: true, method: '数码照相，直接存储，未作编辑', tool: 'SAMPLE-CAM 1', madeAt: photo.time, madeBy: '执法人员乙', purpose: photo.purpose, collectors: s2Officers, collectedAt: photo.time, firstHashAt: '2022-09-09T17:02:00+08:00', file: photo.file })),
]);
const s2Documents = [
  { id: 'DOC-330482-2022-000005-01', type: 'case-transfer-letter', title: '案件移送函', number: '平综执移字〔2022〕第5号', fileName: '案件移送函.pdf', mediaType: 'application/pdf', file: 's2/transfer-letter.pdf' },
  { id: 'DOC-330482-2022-000005-02', type: 'evidence-list', title: '证据移交清单', fileName: '证据移交清单.pdf', mediaType: 'application/pdf', file: 's2/evidence-list.pdf' },
].map(({ file, ...document }) => {
  s2.files[document.id] = file;
  return { ...document, ...fileFacts(file) };
});

const findings = (items, rule, remedy, result = 'supplement') => items.map((item) => ({ rule, result, remedy, evidence: item.id }));
const byTitle = (start) => s2.evidence.filter((item) => item.title.startsWith(start));
const both = (expected) => ({ sender: expected, receiver: expected });

const s1Scenario = {
  scenario: 'S1',
  title: { zh: '渣土偷倒·紧急·金山→平湖（线索）', en: 'Spoil dumping, urgent, Jinshan to Pinghu (lead)' },
  agreement: 'agreement-terms.json',
  transfer: {
    schema: 'jieqiao/transfer/v1',
    id: '0182b1a4-6e40-7a10-8b51-2f6d0c5e9a01',
    dossier: '0182b1a4-6e40-7a10-8b51-2f6d0c5e9a00',
    kind: 'LEAD',
    number: '金枫综执线移〔2022〕第12号',
    urgency: 'urgent',
    urgencyGrounds: ['ongoing', 'perishable'],
    from: { ...jinshan, unit: '枫泾镇综合行政执法队' },
    to: pinghu,
    family: 'construction-waste-dumping',
    cause: '擅自倾倒工程渣土',
    source: 'patrol',
    act: { from: '2022-08-18T23:40:00+08:00', to: '2022-08-18T23:50:00+08:00', place: { code: '330482', name: '平湖市新埭镇某村河埠头', ...bank, datum: 'WGS-84' } },
    discoveredAt: '2022-08-18T23:40:00+08:00',
    parties: [{ kind: 'unknown' }],
    facts: '2022年8月18日23时40分，枫泾镇综合行政执法队执法人员甲、乙巡查至省界桥，发现无号牌渣土车3辆驶入平湖市新埭镇某村河埠头（121.05,30.87），正向岸坡倾倒工程渣土，目测约45立方米，仍有车辆驶来。已于23时46分电话通报新埭值班室并现场制止，23时50分倾倒停止。我方仅实施制止和固定证据。',
    request: '请即时到场、固定证据、依法管辖，并反馈处理结果。',
    contact: { unit: '枫泾镇综合行政执法队值班室', phone: '021-0000 0000' },
    officers: certificates(s1Officers),
    evidence: s1.evidence,
  },
  files: s1.files,
  expected: both({
    outcome: 'sendable',
    passed: ['R01', 'R02', 'R03', 'R05', 'R07', 'R15', 'R16', 'R17', 'R18', 'R19'],
    findings: [],
    proposals: Object.fromEntries(s1.evidence.map((item) => [item.id, 'AFTER_REVIEW'])),
  }),
};
const s2Scenario = {
  scenario: 'S2',
  title: { zh: '渣土偷倒·补充材料·平湖→金山（案件）', en: 'Waste dumping, to be supplemented, Pinghu to Jinshan (case)' },
  agreement: 'agreement-terms.json',
  transfer: {
    schema: 'jieqiao/transfer/v1',
    id: '01837d0e-1c80-7b22-9c40-51a7e3d2b801',
    dossier: '01837d0e-1c80-7b22-9c40-51a7e3d2b800',
    kind: 'CASE',
    number: '平综执移字〔2022〕第5号',
    urgency: 'normal',
    from: { ...pinghu, unit: '新埭中队' },
    to: jinshan,
    family: 'construction-waste-dumping',
    cause: '擅自倾倒建筑垃圾',
    source: 'patrol',
    act: { from: '2022-09-05T22:18:00+08:00', to: '2022-09-07T23:45:00+08:00', place: { code: '310116', name: '金山区枫泾镇某路南侧空地', ...dumpAt, datum: 'WGS-84' } },
    discoveredAt: '2022-09-08T15:30:00+08:00',
    parties: [{ kind: 'organisation', name: '沪甲土方工程有限公司', uscc: '913101160000000194', plate: plates[0] }],
    facts: '2022年9月5日至7日夜间，当事人从平湖某装修工地运出装修垃圾4车约32吨，倾倒于枫泾镇某路南侧空地。我局9月9日立案，查明倾倒地在金山，现移送全案。',
    request: '请依法审核接收，处理结果函告我局。',
    contact: { unit: '平湖市综合行政执法局新埭中队值班室', phone: '0573-0000 0000' },
    officers: certificates(s2Officers),
    evidence: s2.evidence,
    documents: s2Documents,
  },
  files: s2.files,
  expected: both({
    outcome: 'supplement',
    passed: ['R01', 'R02', 'R03', 'R05', 'R09', 'R15', 'R16', 'R18', 'R19'],
    findings: [
      ...findings(byTitle('卡口录像'), 'R07', 'describe-production'),
      ...findings(byTitle('过磅单'), 'R08', 'certify-copy'),
      ...findings(byTitle('卡口'), 'R10', 'publish-device'),
    ],
    proposals: Object.fromEntries(s2.evidence.map((item) => [item.id, item.title.startsWith('卡口') ? 'LEAD_ONLY' : 'AFTER_REVIEW'])),
  }),
};

write('s1.json', s1Scenario);
write('s2.json', s2Scenario);
finish();
