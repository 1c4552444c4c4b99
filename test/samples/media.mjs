// Draws, encodes and counts the media of the sample cases; used by the scripts beside it. Needs (Debian): ffmpeg
// libimage-exiftool-perl imagemagick librsvg2-bin fonts-noto-cjk fonts-arphic-uming fonts-arphic-ukai poppler-utils.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { label, page, song, svg, wrap } from './draw.mjs';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const scratch = mkdtempSync(path.join(tmpdir(), 'samples-'));
const font = '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc';
const environment = { ...process.env, TZ: 'Asia/Shanghai', SOURCE_DATE_EPOCH: '1660838400' };
export const run = (command, ...args) => execFileSync(command, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
export const at = (...parts) => path.join(here, ...parts);

export function rasterise(name, picture) {
  const source = path.join(scratch, `${name}.svg`);
  const target = path.join(scratch, `${name}.png`);
  writeFileSync(source, picture);
  run('rsvg-convert', '-o', target, source);
  return target;
}

/** JPEG with a camera's EXIF: time with offset, position, model. */
export function photograph(file, picture, { time, longitude, latitude, noise = 0.7, bearing = 0, seed = 1, width = 800, height = 600, quality = 70 }) {
  const source = rasterise(path.basename(file, '.jpg'), picture);
  const resize = width === 800 ? [] : ['-resize', `${width}x${height}!`];
  run('convert', source, ...resize, '-seed', String(seed), '-attenuate', String(noise), '+noise', 'Gaussian', '-blur', '0x0.55', '-modulate', '100,88', '-strip', '-sampling-factor', '4:2:0', '-interlace', 'none', '-quality', String(quality), at(file));
  const [date, clock] = time.slice(0, 19).split('T');
  const stamp = `${date.replaceAll('-', ':')} ${clock}`;
  run('exiftool', '-q', '-overwrite_original', '-Make=Jieqiao Samples', '-Model=SAMPLE-CAM 1', '-Software=make-samples', `-DateTimeOriginal=${stamp}`, `-CreateDate=${stamp}`, '-OffsetTimeOriginal=+08:00', '-OffsetTimeDigitized=+08:00', `-GPSLatitude=${latitude}`, '-GPSLatitudeRef=N', `-GPSLongitude=${longitude}`, '-GPSLongitudeRef=E', '-GPSMapDatum=WGS-84', `-GPSImgDirection=${bearing}`, '-GPSImgDirectionRef=T', '-ExposureTime=1/30', '-FNumber=2', '-ISO=1600', `-ExifImageWidth=${width}`, `-ExifImageHeight=${height}`, at(file));
}

/** A still frame with moving lights and the recorder's running clock: H.264, no sound, low frame rate. */
export function video(file, { width, height, seconds, fps, start, background, sprite, motion, grow, text, crf = 34 }) {
  const epoch = Math.floor(Date.parse(start) / 1000);
  const clock = `drawtext=fontfile=${font}:fontsize=${Math.round(height / 21)}:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw=3:x=6:y=6:text='%{pts\\:localtime\\:${epoch}\\:%Y-%m-%d %T}  ${text}'`;
  run('ffmpeg', '-hide_banner', '-loglevel', 'error', '-y', '-loop', '1', '-framerate', String(fps), '-t', String(seconds), '-i', background, '-loop', '1', '-framerate', String(fps), '-t', String(seconds), '-i', sprite, '-filter_complex', `[1:v]${grow ? `scale=${grow}:eval=frame` : 'null'}[sprite];[0:v][sprite]overlay=${motion}:shortest=1,scale=${width}:${height},${clock},format=yuv420p`, '-c:v', 'libx264', '-preset', 'veryslow', '-tune', 'stillimage', '-crf', String(crf), '-g', String(fps * 60), '-threads', '1', '-an', '-map_metadata', '-1', '-metadata', `creation_time=${new Date(Date.parse(start)).toISOString()}`, '-fflags', '+bitexact', '-flags:v', '+bitexact', '-movflags', '+faststart', at(file));
}

const emWidth = Math.floor((page.width - page.left - page.right) / page.size);

/** Pages of running text as PDF with selectable characters (cairo, through rsvg-convert). */
export function pdf(file, { title, subtitle, paragraphs, foot, marks = () => '', linesPerPage = 23 }) {
  const lines = paragraphs.flatMap((paragraph) =>
    typeof paragraph === 'string' ? wrap(paragraph, emWidth).map((text) => ({ text })) : [paragraph],
  );
  const pages = [];
  let rest = lines;
  for (let number = 1; rest.length > 0; number++) {
    const room = number === 1 ? linesPerPage - 3 : linesPerPage;
    pages.push(rest.slice(0, room));
    rest = rest.slice(room);
  }
  const sources = pages.map((content, i) => {
    const top = i === 0 ? 168 : 92;
    const body = content
      .map(({ text, align }, row) =>
        align === 'right'
          ? label(page.width - page.right, top + row * page.leading, page.size, text, { family: song, anchor: 'end' })
          : label(page.left, top + row * page.leading, page.size, text, { family: song }),
      )
      .join('\n');
    const head =
      i === 0
        ? `${label(page.width / 2, 96, 24, title, { family: song, anchor: 'middle', weight: 700 })}${subtitle ? label(page.width / 2, 126, 15, subtitle, { family: song, anchor: 'middle' }) : ''}`
        : label(page.width / 2, 58, 12, `${title}（续页）`, { family: song, anchor: 'middle', color: '#555' });
    const bottom = `${label(page.width / 2, 822, 10.5, `第${i + 1}页  共${pages.length}页　·　样例文书，内容均为虚构`, { family: song, anchor: 'middle', color: '#777' })}`;
    const source = path.join(scratch, `${path.basename(file, '.pdf')}-${i}.svg`);
    const picture = svg(page.width, page.height, `<rect width="${page.width}" height="${page.height}" fill="#fff"/>${head}${body}${foot ? foot(i, pages.length) : ''}${marks(i, pages.length, top + content.length * page.leading)}${bottom}`);
    // The page is A4 in points; the drawing keeps its own units.
    writeFileSync(source, picture.replace(`width="${page.width}" height="${page.height}"`, `width="${page.width}pt" height="${page.height}pt"`));
    return source;
  });
  run('rsvg-convert', '-f', 'pdf', '-o', at(file), ...sources);
  return sources.length;
}

const digests = new Map();
export function fileFacts(file) {
  const bytes = readFileSync(at(file));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (digests.has(digest)) throw new Error(`${file} equals ${digests.get(digest)}`);
  digests.set(digest, file);
  return { bytes: bytes.length, digest };
}

/** Evidence items with ids, places, sizes and digests, and which file is whose. */
export function evidenceList(prefix, items) {
  const files = {};
  const evidence = items.map(({ file, ...item }, i) => {
    const seq = i + 1;
    const id = `${prefix}-${String(seq).padStart(2, '0')}`;
    files[id] = file;
    return { id, seq, ...item, ...fileFacts(file) };
  });
  return { evidence, files };
}

/** Clean folders for the media of these samples. */
export function emptyFolders(...folders) {
  for (const folder of folders) {
    rmSync(at(folder), { recursive: true, force: true });
    mkdirSync(at(folder));
  }
}

export const write = (file, value) => writeFileSync(at(file), `${JSON.stringify(value, null, 2)}\n`);

/** The last thing to do: says what there is now. */
export function finish() {
  rmSync(scratch, { recursive: true, force: true });
  let total = 0;
  for (const [digest, file] of digests) {
    const { size } = statSync(at(file));
    total += size;
    console.log(`${String(size).padStart(8)}  ${file}  ${digest.slice(7, 19)}`);
  }
  console.log(`${digests.size} files, ${(total / 1024).toFixed(0)} KiB`);
}
