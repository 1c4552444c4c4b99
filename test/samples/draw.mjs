// Pictures for the sample cases: SVG scenes with a seeded generator, so that the same script draws the same pictures.

/** Small seeded generator (mulberry32): the pictures need variety, not secrecy. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const sans = 'Noto Sans CJK SC';
const serif = 'Noto Serif CJK SC';
// Papers use fonts with TrueType outlines: cairo embeds only the glyphs that occur, 20 KB instead of 600.
const song = 'AR PL UMing CN';
const kai = 'AR PL UKai CN';

export function svg(width, height, body, defs = '') {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<defs>
<filter id="b2" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="2"/></filter>
<filter id="b8" x="-80%" y="-80%" width="260%" height="260%"><feGaussianBlur stdDeviation="8"/></filter>
<filter id="b25" x="-100%" y="-100%" width="300%" height="300%"><feGaussianBlur stdDeviation="25"/></filter>
<radialGradient id="glow"><stop offset="0" stop-color="#fff6d8"/><stop offset=".25" stop-color="#ffe3a0" stop-opacity=".75"/><stop offset="1" stop-color="#ffcf70" stop-opacity="0"/></radialGradient>
<radialGradient id="red"><stop offset="0" stop-color="#ffd0c0"/><stop offset=".3" stop-color="#ff3a20" stop-opacity=".8"/><stop offset="1" stop-color="#c00" stop-opacity="0"/></radialGradient>
<radialGradient id="torch" cx=".5" cy=".5" r=".5"><stop offset="0" stop-color="#fff4d6" stop-opacity=".6"/><stop offset=".5" stop-color="#e8d7a8" stop-opacity=".26"/><stop offset=".8" stop-color="#c9b98c" stop-opacity=".07"/><stop offset="1" stop-color="#000" stop-opacity="0"/></radialGradient>
<radialGradient id="vignette" cx=".5" cy=".5" r=".75"><stop offset=".55" stop-color="#000" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity=".6"/></radialGradient>
<linearGradient id="night" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#05070d"/><stop offset="1" stop-color="#182234"/></linearGradient>
<linearGradient id="river" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#101a24"/><stop offset="1" stop-color="#04070b"/></linearGradient>
<linearGradient id="soil" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#6a5337"/><stop offset="1" stop-color="#2a2015"/></linearGradient>
<linearGradient id="day" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#a9bccb"/><stop offset="1" stop-color="#dfe3e2"/></linearGradient>
<linearGradient id="ground" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#8b8471"/><stop offset="1" stop-color="#5d5646"/></linearGradient>
${defs}
</defs>
${body}
</svg>`;
}

export function label(x, y, size, text, { color = '#000', family = sans, anchor = 'start', weight = 400, rotate = 0 } = {}) {
  const turn = rotate ? ` transform="rotate(${rotate} ${x} ${y})"` : '';
  return `<text x="${x}" y="${y}" font-family="${family}" font-size="${size}" font-weight="${weight}" fill="${color}" text-anchor="${anchor}"${turn} xml:space="preserve">${escape(text)}</text>`;
}

/** A tipper lorry seen from the side, facing right; `tilt` lifts the body in degrees, `load` shows spoil on top. */
export function truck(x, y, scale, { tilt = 0, body = '#7d3a22', cab = '#30506e', load = true, lights = true } = {}) {
  const wheel = (cx) =>
    `<circle cx="${cx}" cy="118" r="19" fill="#0b0b0c"/><circle cx="${cx}" cy="118" r="9" fill="#3a3b3d"/><circle cx="${cx}" cy="118" r="4" fill="#17181a"/>`;
  const spoil = load
    ? '<path d="M8 34 Q30 10 60 18 Q90 2 120 16 Q150 6 188 34 Z" fill="url(#soil)"/>'
    : '';
  return `<g transform="translate(${x} ${y}) scale(${scale})">
<ellipse cx="140" cy="137" rx="155" ry="9" fill="#000" opacity=".55"/>
<rect x="2" y="96" width="275" height="12" fill="#34363a"/>
<g transform="rotate(${-tilt} 12 94)">
${spoil}
<path d="M0 30 H200 L194 94 H10 Z" fill="${body}"/><path d="M0 30 H200 L199 40 H1 Z" fill="#000" opacity=".25"/>
${[34, 66, 98, 130, 162].map((rib) => `<rect x="${rib}" y="34" width="5" height="58" fill="#000" opacity=".28"/>`).join('')}
</g>
${tilt ? `<path d="M176 100 L${(12 + 128 * Math.cos((tilt * Math.PI) / 180)).toFixed(0)} ${(94 - 128 * Math.sin((tilt * Math.PI) / 180)).toFixed(0)}" stroke="#8a8d90" stroke-width="8"/>` : ''}
<path d="M212 28 H256 Q272 32 278 66 L280 106 H212 Z" fill="${cab}"/>
<path d="M232 36 H256 Q266 40 270 64 H232 Z" fill="#9fb7c6" opacity=".55"/><rect x="217" y="40" width="3" height="58" fill="#000" opacity=".4"/>
<rect x="268" y="86" width="13" height="9" rx="3" fill="${lights ? '#fff3c8' : '#b9b9b0'}"/>
<rect x="276" y="99" width="8" height="10" fill="#222"/>
<rect x="0" y="86" width="6" height="8" fill="#ff3a20"/>
${wheel(42)}${wheel(84)}${wheel(240)}
${lights ? '<ellipse cx="300" cy="92" rx="95" ry="42" fill="url(#glow)" opacity=".85"/><circle cx="276" cy="90" r="22" fill="url(#glow)"/><circle cx="2" cy="90" r="16" fill="url(#red)"/>' : ''}
</g>`;
}

/** A tipper from behind; the place of the number plate is empty. */
export function truckRear(x, y, scale) {
  return `<g transform="translate(${x} ${y}) scale(${scale})">
<ellipse cx="100" cy="206" rx="120" ry="12" fill="#000" opacity=".6"/>
<rect x="14" y="160" width="34" height="46" rx="6" fill="#0a0a0b"/><rect x="152" y="160" width="34" height="46" rx="6" fill="#0a0a0b"/>
<rect x="10" y="20" width="180" height="128" fill="#6f3a24"/><path d="M10 20 Q50 -6 100 6 Q150 -8 190 20 Z" fill="url(#soil)"/>
<path d="M10 20 H190 V30 H10 Z M10 138 H190 V148 H10 Z" fill="#000" opacity=".35"/>
${[44, 76, 108, 140].map((rib) => `<rect x="${rib}" y="30" width="6" height="108" fill="#000" opacity=".25"/>`).join('')}
<rect x="8" y="148" width="184" height="16" fill="#17181a"/>
<rect x="64" y="166" width="72" height="24" fill="#2c2d2f" stroke="#55575a" stroke-width="2"/>
<circle cx="72" cy="172" r="2" fill="#999"/><circle cx="128" cy="172" r="2" fill="#999"/>
${[22, 168].map((lamp) => `<rect x="${lamp - 6}" y="150" width="22" height="11" fill="#d22"/><circle cx="${lamp + 4}" cy="156" r="26" fill="url(#red)"/>`).join('')}
${[...Array(12).keys()].map((i) => `<rect x="${10 + i * 15}" y="149" width="7" height="4" fill="${i % 2 ? '#ddd' : '#c22'}" opacity=".8"/>`).join('')}
</g>`;
}

export function heap(x, y, width, height, seed, { rubble = 0, fill = 'url(#soil)' } = {}) {
  const next = random(seed);
  let path = `M${x} ${y}`;
  const steps = 30;
  for (let i = 1; i < steps; i++) {
    const t = i / steps;
    const top = Math.sin(Math.PI * t) ** 0.8 * height * (0.93 + next() * 0.14);
    path += ` L${(x + t * width).toFixed(1)} ${(y - top).toFixed(1)}`;
  }
  path += ` L${x + width} ${y} Z`;
  let bits = '';
  for (let i = 0; i < width * height * 0.006; i++) {
    const t = next();
    const up = next() ** 0.85 * Math.sin(Math.PI * t) ** 0.8 * height * 0.94;
    const size = 1.5 + next() * 6;
    const tone = 40 + Math.floor(next() * 95);
    bits += `<ellipse cx="${(x + t * width).toFixed(1)}" cy="${(y - up).toFixed(1)}" rx="${size.toFixed(1)}" ry="${(size * 0.65).toFixed(1)}" fill="rgb(${tone + 25},${tone + 8},${tone - 12})" opacity=".65"/>`;
  }
  const tones = ['#a7553b', '#b5b1a6', '#d8d2c0', '#7c7f82', '#c4a574', '#8f4630'];
  for (let i = 0; i < rubble; i++) {
    const t = 0.06 + next() * 0.88;
    const up = next() ** 0.7 * Math.sin(Math.PI * t) ** 0.8 * height * 0.95;
    const w = 10 + next() * 26;
    const h = 5 + next() * 13;
    const cx = x + t * width;
    const cy = y - up;
    bits += `<g transform="rotate(${(next() * 90 - 45).toFixed(0)} ${cx.toFixed(1)} ${cy.toFixed(1)})"><rect x="${(cx - w / 2 + 2).toFixed(1)}" y="${(cy - h / 2 + 3).toFixed(1)}" width="${w.toFixed(1)}" height="${h.toFixed(1)}" fill="#000" opacity=".35"/><rect x="${(cx - w / 2).toFixed(1)}" y="${(cy - h / 2).toFixed(1)}" width="${w.toFixed(1)}" height="${h.toFixed(1)}" fill="${tones[Math.floor(next() * tones.length)]}"/></g>`;
  }
  return `<path d="${path}" fill="${fill}"/>${bits}`;
}

function stars(next, count, width, height) {
  let dots = '';
  for (let i = 0; i < count; i++) {
    dots += `<circle cx="${(next() * width).toFixed(0)}" cy="${(next() * height).toFixed(0)}" r="${(0.4 + next() * 0.8).toFixed(1)}" fill="#cdd6e6" opacity="${(0.2 + next() * 0.4).toFixed(2)}"/>`;
  }
  return dots;
}

function trees(next, y, width, tone) {
  let shapes = '';
  for (let x = -20; x < width + 20; x += 18 + next() * 26) {
    const h = 26 + next() * 46;
    shapes += `<ellipse cx="${x.toFixed(0)}" cy="${(y - h / 2).toFixed(0)}" rx="${(16 + next() * 16).toFixed(0)}" ry="${(h / 2 + 8).toFixed(0)}" fill="${tone}"/>`;
  }
  return shapes;
}

function speckle(next) {
  let dots = '';
  for (let i = 0; i < 260; i++) {
    const y = 345 + next() * 255;
    dots += `<ellipse cx="${(next() * 800).toFixed(0)}" cy="${y.toFixed(0)}" rx="${(0.6 + next() * 3).toFixed(1)}" ry="1" fill="#6b6452" opacity="${(0.2 + next() * 0.5).toFixed(2)}"/>`;
  }
  return dots;
}

/** River bank at night: water in front, slope, road with lorries, far trees and a few lamps. */
export function riverNight({ seed, trucks = [], heaps = [], torch = null, sign = false, extra = '', lamps = 5, yard = false }) {
  const next = random(seed);
  const far = [...Array(lamps)]
    .map(() => {
      const x = next() * 800;
      const y = 232 + next() * 14;
      return `<circle cx="${x.toFixed(0)}" cy="${y.toFixed(0)}" r="${(10 + next() * 14).toFixed(0)}" fill="url(#glow)" opacity=".7"/><rect x="${(x - 2).toFixed(0)}" y="470" width="4" height="${(60 + next() * 70).toFixed(0)}" fill="#ffe3a0" opacity=".16" filter="url(#b2)"/>`;
    })
    .join('');
  let ripples = '';
  for (let i = 0; i < 70; i++) {
    const y = 462 + next() ** 1.6 * 138;
    ripples += `<rect x="${(next() * 800).toFixed(0)}" y="${y.toFixed(0)}" width="${(20 + next() * 90).toFixed(0)}" height="1.4" fill="#7d93a8" opacity="${(0.05 + next() * 0.16).toFixed(2)}"/>`;
  }
  let tufts = '';
  for (let i = 0; i < 130; i++) {
    const x = next() * 800;
    const y = 395 + next() * 62;
    tufts += `<path d="M${x.toFixed(0)} ${y.toFixed(0)} l${(-4 + next() * 8).toFixed(0)} ${(-8 - next() * 10).toFixed(0)}" stroke="#2d3a22" stroke-width="1.5" opacity=".8"/>`;
  }
  return svg(
    800,
    600,
    `<rect width="800" height="260" fill="url(#night)"/>${stars(next, 50, 800, 150)}
<rect y="200" width="800" height="70" fill="#26324a" opacity=".5" filter="url(#b25)"/>
${trees(next, 262, 800, '#070c0d')}${far}
<path d="M0 262 H800 V460 H0 Z" fill="#1b1b1a"/><path d="M0 330 H800 V334 H0 Z" fill="#3d3a30" opacity=".6"/>
<path d="M0 366 Q200 352 420 368 T800 362 V470 H0 Z" fill="#17190f"/>${tufts}
<path d="M0 456 Q160 448 330 460 T800 452 V600 H0 Z" fill="url(#river)"/>${ripples}
${yard ? '<path d="M0 330 H800 V600 H0 Z" fill="#1f1e1a"/><path d="M0 600 L330 340 M800 600 L470 340" stroke="#0f0f0d" stroke-width="16" opacity=".5"/>' + speckle(next) : ''}
${trucks.join('')}${heaps.join('')}
${sign ? `<g transform="translate(70 150)"><rect x="60" y="70" width="7" height="150" fill="#555"/><rect x="0" y="0" width="190" height="74" rx="5" fill="#0d5a3a" stroke="#d7e3dc" stroke-width="3"/>${label(95, 33, 25, '省 界', { color: '#f2fff8', anchor: 'middle', weight: 700 })}${label(95, 62, 20, '浙江  |  上海', { color: '#f2fff8', anchor: 'middle' })}<rect width="190" height="74" fill="url(#torch)"/></g>` : ''}
${extra}
${torch ? `<ellipse cx="${torch[0]}" cy="${torch[1]}" rx="${torch[2]}" ry="${torch[2] * 0.66}" fill="url(#torch)"/>` : ''}
<rect width="800" height="600" fill="url(#vignette)"/>`,
  );
}

/** Open ground by day with a heap of decoration waste. */
export function dayGround({ seed, heaps = [], extra = '', horizon = 230, wall = true }) {
  const next = random(seed);
  let pebbles = '';
  for (let i = 0; i < 420; i++) {
    const y = horizon + next() ** 0.7 * (600 - horizon);
    const size = 0.6 + ((y - horizon) / (600 - horizon)) * 4 * next();
    const tone = 70 + Math.floor(next() * 90);
    pebbles += `<ellipse cx="${(next() * 800).toFixed(0)}" cy="${y.toFixed(0)}" rx="${size.toFixed(1)}" ry="${(size * 0.5).toFixed(1)}" fill="rgb(${tone},${tone - 6},${tone - 22})" opacity=".7"/>`;
  }
  let grass = '';
  for (let i = 0; i < 180; i++) {
    const x = next() * 800;
    const y = horizon + 8 + next() * 40;
    grass += `<path d="M${x.toFixed(0)} ${y.toFixed(0)} q${(-3 + next() * 6).toFixed(0)} -8 ${(-6 + next() * 12).toFixed(0)} -${(8 + next() * 14).toFixed(0)}" stroke="${next() > 0.5 ? '#5f7040' : '#7d7a48'}" stroke-width="1.6" fill="none"/>`;
  }
  const panels = wall
    ? [...Array(9).keys()]
        .map((i) => `<rect x="${i * 92 - 10}" y="${horizon - 86}" width="90" height="88" fill="${i % 2 ? '#5d7f95' : '#678a9f'}"/><rect x="${i * 92 - 10}" y="${horizon - 86}" width="3" height="88" fill="#3d5565"/>`)
        .join('')
    : '';
  return svg(
    800,
    600,
    `<rect width="800" height="${horizon + 4}" fill="url(#day)"/>
<ellipse cx="180" cy="70" rx="220" ry="24" fill="#fff" opacity=".35" filter="url(#b25)"/>
${trees(next, wall ? horizon - 60 : horizon + 4, 800, '#5b6b55')}${panels}
<rect y="${horizon}" width="800" height="${600 - horizon}" fill="url(#ground)"/>${pebbles}${grass}
${heaps.join('')}${extra}
<rect width="800" height="600" fill="url(#vignette)" opacity=".45"/>`,
  );
}

/** A river by day: far bank, water, near bank; `oil` films on the water, from above where `drone`. */
export function riverDay({ seed, oil = [], extra = '', drone = false }) {
  const next = random(seed);
  let ripples = '';
  for (let i = 0; i < 120; i++) {
    const y = (drone ? 150 : 250) + next() * (drone ? 300 : 250);
    ripples += `<rect x="${(next() * 800).toFixed(0)}" y="${y.toFixed(0)}" width="${(16 + next() * 70).toFixed(0)}" height="1.3" fill="#e6eef0" opacity="${(0.08 + next() * 0.22).toFixed(2)}"/>`;
  }
  const films = oil
    .map(([x, y, rx, ry]) =>
      ['#4a3d5c', '#6d8a9c', '#a58a5a', '#5b6f52'].map((tone, i) => `<ellipse cx="${x + i * 5}" cy="${y + i * 2}" rx="${rx * (1 - i * 0.2)}" ry="${ry * (1 - i * 0.2)}" fill="${tone}" opacity=".34" transform="rotate(${(-6 + next() * 12).toFixed(1)} ${x} ${y})"/>`).join(''),
    )
    .join('');
  const water = drone
    ? '<rect width="800" height="600" fill="#5f6f4a"/><path d="M0 150 Q260 120 520 160 T800 140 V452 Q560 470 300 440 T0 460 Z" fill="#5d7683"/>'
    : `<rect width="800" height="244" fill="url(#day)"/>${trees(next, 236, 800, '#54664c')}<path d="M0 230 H800 V500 H0 Z" fill="#5f7a86"/><path d="M0 486 Q220 470 460 490 T800 480 V600 H0 Z" fill="#6f7450"/>`;
  return svg(800, 600, `${water}${ripples}${films}${extra}<rect width="800" height="600" fill="url(#vignette)" opacity=".4"/>`);
}

/** A cargo boat from the side, its bow to the right. */
export function barge(x, y, scale, name) {
  return `<g transform="translate(${x} ${y}) scale(${scale})"><path d="M0 40 H330 Q360 38 380 14 L372 74 Q360 92 330 92 H30 Q8 90 0 40 Z" fill="#3b3f46"/><path d="M0 40 H330 Q360 38 380 14 L378 30 Q360 54 330 54 H4 Z" fill="#8a3b2c"/><path d="M70 40 Q120 8 170 30 Q220 4 290 40 Z" fill="url(#soil)"/><rect x="8" y="-14" width="52" height="54" fill="#c9ccc4"/><rect x="16" y="-6" width="36" height="16" fill="#20303c"/><rect x="28" y="-40" width="6" height="26" fill="#777"/>${label(150, 76, 24, name, { color: '#e9ead9', anchor: 'middle', weight: 700 })}</g>`;
}

/** A street with shop fronts and a pavement. */
export function street({ seed, dusk = false, extra = '' }) {
  const next = random(seed);
  const tones = ['#b9a88c', '#a9b0b4', '#c2b7a6', '#9fae9b', '#b49a92'];
  const houses = [...Array(5).keys()]
    .map((i) => {
      const x = i * 164 - 6;
      const shop = ['便民超市', '五金', '家电维修', '面馆', '理发'][Math.floor(next() * 5)];
      return `<rect x="${x}" y="60" width="160" height="290" fill="${tones[Math.floor(next() * 5)]}"/><rect x="${x + 8}" y="190" width="144" height="34" fill="${['#1d5fa8', '#a8321d', '#2d7a4a'][i % 3]}"/>${label(x + 80, 215, 22, shop, { color: '#fff', anchor: 'middle', weight: 700 })}<rect x="${x + 14}" y="232" width="132" height="118" fill="#46525a"/><rect x="${x + 20}" y="84" width="50" height="60" fill="#5c6a73"/><rect x="${x + 90}" y="84" width="50" height="60" fill="#55626b"/>`;
    })
    .join('');
  return svg(
    800,
    600,
    `<rect width="800" height="120" fill="${dusk ? '#6b6f8c' : '#b6c7d3'}"/>${houses}<rect y="350" width="800" height="110" fill="#a7a297"/>${[...Array(14).keys()].map((i) => `<path d="M${i * 62} 350 L${i * 62 - 30} 460" stroke="#8f8a7e" stroke-width="2"/>`).join('')}<rect y="460" width="800" height="140" fill="#55585b"/><path d="M0 530 H800" stroke="#e7e3d0" stroke-width="6" stroke-dasharray="60 40"/>${extra}${dusk ? '<rect width="800" height="600" fill="#1b1f3a" opacity=".38"/><circle cx="620" cy="150" r="150" fill="url(#glow)" opacity=".6"/>' : ''}<rect width="800" height="600" fill="url(#vignette)" opacity=".4"/>`,
  );
}

/** A food cart; whoever stands behind it has no face. */
export function cart(x, y, scale) {
  return `<g transform="translate(${x} ${y}) scale(${scale})"><circle cx="60" cy="-40" r="22" fill="#8b8b8b" filter="url(#b8)"/><path d="M34 -18 h52 l8 84 h-68 Z" fill="#53647a"/><rect x="0" y="40" width="200" height="90" fill="#d8d2c2"/><rect x="0" y="40" width="200" height="14" fill="#b5462f"/><path d="M-14 -70 H214 L190 -30 H10 Z" fill="#c9502f"/><rect x="14" y="-30" width="5" height="72" fill="#777"/><rect x="180" y="-30" width="5" height="72" fill="#777"/><circle cx="40" cy="140" r="17" fill="#222"/><circle cx="160" cy="140" r="17" fill="#222"/>${label(100, 98, 28, '小吃', { color: '#7a2a18', anchor: 'middle', weight: 700 })}</g>`;
}

/** A posted slip. The number on it is covered: the pictures need not carry it. */
export function poster(x, y, turn = 0) {
  return `<g transform="translate(${x} ${y}) rotate(${turn})"><rect width="92" height="58" fill="#f6efc9" stroke="#b8a978"/>${label(46, 25, 19, '管道疏通', { color: '#b3261e', anchor: 'middle', weight: 700 })}<rect x="10" y="36" width="72" height="12" fill="#777" opacity=".8" filter="url(#b2)"/></g>`;
}

/** Building site gate and bags of waste. */
export function site({ seed, bags = 8, extra = '', gate = true }) {
  const next = random(seed);
  let windows = '';
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 9; column++)
      windows += `<rect x="${40 + column * 84}" y="${20 + row * 62}" width="48" height="40" fill="${next() > 0.6 ? '#39444c' : '#55636c'}"/><rect x="${62 + column * 84}" y="${20 + row * 62}" width="3" height="40" fill="#aab"/>`;
  let sacks = '';
  for (let i = 0; i < bags; i++) {
    const x = 60 + next() * 640;
    const y = 400 + next() * 130;
    const tone = ['#cfc8b4', '#b9c4c9', '#d9d2bd', '#c2b48f'][i % 4];
    sacks += `<ellipse cx="${x.toFixed(0)}" cy="${(y + 24).toFixed(0)}" rx="52" ry="9" fill="#000" opacity=".35"/><path d="M${(x - 44).toFixed(0)} ${(y + 24).toFixed(0)} q-10 -50 18 -62 q26 -12 54 0 q26 14 16 62 Z" fill="${tone}"/><path d="M${(x - 12).toFixed(0)} ${(y - 40).toFixed(0)} q10 14 26 0" stroke="#6b6450" stroke-width="3" fill="none"/>${label(Math.round(x) - 22, Math.round(y), 15, '装修垃圾', { color: '#77705a' })}`;
  }
  return svg(
    800,
    600,
    `<rect width="800" height="300" fill="#c9c2b4"/>${windows}
<rect y="270" width="800" height="330" fill="#8a8880"/><path d="M0 270 H800 V282 H0 Z" fill="#6c6a62"/>
${[...Array(160).keys()].map(() => `<rect x="${(next() * 800).toFixed(0)}" y="${(290 + next() * 300).toFixed(0)}" width="${(2 + next() * 10).toFixed(0)}" height="2" fill="#55534c" opacity=".5"/>`).join('')}
${gate ? '<rect x="250" y="150" width="300" height="140" fill="#2d3438"/><rect x="258" y="158" width="138" height="132" fill="#3f5b6b"/><rect x="404" y="158" width="138" height="132" fill="#476474"/><rect x="230" y="110" width="340" height="38" fill="#1d5fa8"/>' + label(400, 137, 24, '装修工地  施工重地', { color: '#fff', anchor: 'middle', weight: 700 }) : ''}
${sacks}${extra}<rect width="800" height="600" fill="url(#vignette)" opacity=".5"/>`,
  );
}

/** A lorry from the front with its lights on; (x, y) is its middle. */
export function lorryFront(x, y, size, plate) {
  return `<g transform="translate(${x} ${y}) scale(${size})">
<ellipse cx="0" cy="150" rx="170" ry="16" fill="#000" opacity=".6"/>
<rect x="-112" y="-150" width="224" height="120" fill="#6b3a25"/><path d="M-112 -150 Q-50 -180 0 -164 Q60 -184 112 -150 Z" fill="url(#soil)"/>
<path d="M-104 -96 H104 L110 120 H-110 Z" fill="#3a5f82"/><path d="M-92 -84 H92 L96 4 H-96 Z" fill="#16222c"/>
<path d="M-92 -84 H-20 L-40 4 H-96 Z" fill="#5d7385" opacity=".35"/>
<rect x="-108" y="26" width="216" height="52" fill="#2c4864"/>${[38, 50, 62].map((bar) => `<rect x="-70" y="${bar}" width="140" height="6" fill="#0d151c"/>`).join('')}
<rect x="-112" y="84" width="224" height="38" fill="#1b1d20"/>
<rect x="-52" y="90" width="104" height="27" rx="3" fill="#d9a400"/>${label(0, 109, 16, plate, { anchor: 'middle', weight: 700 })}
<rect x="-106" y="118" width="40" height="34" fill="#090909"/><rect x="66" y="118" width="40" height="34" fill="#090909"/>
${[-84, 84].map((lamp) => `<circle cx="${lamp}" cy="96" r="16" fill="#fffbe8"/><circle cx="${lamp}" cy="96" r="86" fill="url(#glow)"/>`).join('')}
</g>`;
}

/** One frame of a road checkpoint's camera, with the device's overlay; without a plate the road is empty. */
export function checkpoint({ seed, width, height, time, lane, plate, direction, device, index }) {
  const next = random(seed);
  const k = width / 960;
  const offset = -60 + next() * 120;
  const size = 0.92 + next() * 0.3;
  let rain = '';
  for (let i = 0; i < 60; i++) {
    const x = next() * 960;
    const y = next() * 540;
    rain += `<path d="M${x.toFixed(0)} ${y.toFixed(0)} l-3 14" stroke="#cfd8e0" stroke-width="1" opacity=".12"/>`;
  }
  const overlay = `<rect y="0" width="960" height="34" fill="#000" opacity=".6"/><rect y="500" width="960" height="40" fill="#000" opacity=".6"/>
${label(12, 24, 20, `${time}  ${device}`, { color: '#fff' })}${label(948, 24, 20, `截图 ${index}/8`, { color: '#fff', anchor: 'end' })}
${label(12, 527, 20, `${direction}  车道:${lane}  车牌:${plate}(样例)  车型:重型自卸货车`, { color: '#ffe9a8' })}`;
  const body = `<g transform="scale(${k})"><rect width="960" height="540" fill="#10151b"/>
<path d="M360 120 H600 L960 540 H0 Z" fill="#23282d"/><path d="M474 120 H486 L520 540 H440 Z" fill="#b8b39a" opacity=".22"/>
<path d="M356 120 L0 500 V120 Z" fill="#151d18"/><path d="M604 120 L960 500 V120 Z" fill="#151d18"/>
<rect width="960" height="122" fill="#0a0e14"/>${trees(next, 122, 960, '#080c0b')}
${plate ? lorryFront(480 + offset, 330, size, plate) : ''}${rain}
${plate ? overlay : ''}</g>`;
  return svg(width, height, body);
}

/** A weighbridge slip as photocopied: grey paper, skewed, with a pen tick; nobody's source note and no holder's seal. */
export function weighSlip({ number, time, plate, gross, tare, net, seed }) {
  const next = random(seed);
  const rows = [
    ['流水号', number],
    ['称重时间', time],
    ['车号', `${plate}（样例）`],
    ['货物名称', '装修垃圾'],
    ['毛重', `${gross} 吨`],
    ['皮重', `${tare} 吨`],
    ['净重', `${net} 吨`],
    ['司磅员', '值班员乙'],
  ];
  const line = rows
    .map(
      ([name, value], i) =>
        `<rect x="60" y="${150 + i * 58}" width="480" height="58" fill="none" stroke="#333" stroke-width="1.6"/><path d="M200 ${150 + i * 58} v58" stroke="#333" stroke-width="1.6"/>${label(130, 187 + i * 58, 24, name, { anchor: 'middle', family: serif, color: '#222' })}${label(222, 187 + i * 58, 25, value, { family: serif, color: '#111' })}`,
    )
    .join('');
  const specks = [...Array(90)]
    .map(() => `<circle cx="${(next() * 600).toFixed(0)}" cy="${(next() * 800).toFixed(0)}" r="${(0.4 + next() * 1.5).toFixed(1)}" fill="#444" opacity="${(next() * 0.5).toFixed(2)}"/>`)
    .join('');
  return svg(
    600,
    800,
    `<rect width="600" height="800" fill="#c9c9c6"/><g transform="rotate(${(-1.6 + next() * 3.2).toFixed(2)} 300 400)">
<rect x="26" y="24" width="548" height="750" fill="#f1f0ec"/><rect x="26" y="24" width="20" height="750" fill="#000" opacity=".1" filter="url(#b8)"/>
${label(300, 92, 38, '地磅称重单', { anchor: 'middle', family: serif, weight: 700, color: '#222' })}${label(300, 128, 19, '（第二联：承运单位）', { anchor: 'middle', family: serif, color: '#444' })}
${line}
<path d="M470 660 l16 20 l44 -62" stroke="#444" stroke-width="4" fill="none" opacity=".7"/>
${label(60, 668, 20, '备注：', { family: serif, color: '#333' })}${label(60, 740, 17, '样例单据，内容均为虚构', { family: serif, color: '#777' })}
</g>${specks}<rect width="600" height="800" fill="url(#vignette)" opacity=".3"/>`,
  );
}

/** A round seal that says that it is a sample. */
export function seal(cx, cy, name, centre = '样例专用') {
  const radius = 62;
  const letters = [...name];
  const spread = 250;
  const ring = letters
    .map((letter, i) => {
      const angle = -spread / 2 + (spread * i) / (letters.length - 1);
      return `<text x="${cx}" y="${cy - radius + 19}" font-family="${song}" font-size="14" fill="#c8102e" text-anchor="middle" transform="rotate(${angle.toFixed(1)} ${cx} ${cy})">${letter}</text>`;
    })
    .join('');
  const star = [...Array(10).keys()]
    .map((i) => {
      const r = i % 2 ? 7 : 18;
      const angle = (Math.PI / 5) * i - Math.PI / 2;
      return `${(cx + r * Math.cos(angle)).toFixed(1)},${(cy + r * Math.sin(angle)).toFixed(1)}`;
    })
    .join(' ');
  return `<g opacity=".82"><circle cx="${cx}" cy="${cy}" r="${radius}" fill="none" stroke="#c8102e" stroke-width="3.4"/>${ring}<polygon points="${star}" fill="#c8102e"/><text x="${cx}" y="${cy + 42}" font-family="${song}" font-size="13" fill="#c8102e" text-anchor="middle">${centre}</text></g>`;
}

/** A hand's scrawl over a printed name, so that signed pages look signed. */
export function signature(x, y, name, seed) {
  const next = random(seed);
  let path = `M${x - 6} ${y + 2}`;
  for (let i = 1; i <= 7; i++) {
    path += ` Q${(x + i * 9 - 6 + next() * 6).toFixed(0)} ${(y - 26 + next() * 36).toFixed(0)} ${x + i * 10} ${(y - 8 + next() * 12).toFixed(0)}`;
  }
  return `${label(x, y, 17, name, { family: kai, color: '#1b2f73', rotate: -4 })}<path d="${path}" fill="none" stroke="#1b2f73" stroke-width="1.5" opacity=".75"/>`;
}

const noLineStart = new Set('，。；：！？、）》”’】〕%');
const noLineEnd = new Set('（《“‘【〔');

function widthOf(character) {
  return character.charCodeAt(0) < 0x2e80 && !'“”‘’〔〕《》（）—…'.includes(character) ? 0.55 : 1;
}

/** Breaks Chinese text into lines of at most `em` full widths without a comma at a line's head or a bracket at its end. */
export function wrap(text, em) {
  const lines = [];
  let line = '';
  let width = 0;
  for (const character of text) {
    const step = widthOf(character);
    if (width + step > em && !noLineStart.has(character)) {
      const last = line.at(-1);
      const carry = noLineEnd.has(last) ? last : '';
      lines.push(carry ? line.slice(0, -1) : line);
      line = carry;
      width = carry ? 1 : 0;
    }
    line += character;
    width += step;
  }
  if (line) lines.push(line);
  return lines;
}

export const page = { width: 595, height: 842, left: 79, right: 74, size: 16, leading: 28 };

export { kai, sans, serif, song };
