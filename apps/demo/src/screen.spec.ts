import { Writable } from 'node:stream';
import { columnsOf } from '@jieqiao/platform';
import { chinaInstant, Screen, sizeOf } from './screen';

/** A window of the given width, or a file when there is none. */
function window(columns?: number): { out: NodeJS.WriteStream; text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  const out = Object.assign(stream, { isTTY: columns !== undefined, columns }) as unknown as NodeJS.WriteStream;
  return { out, text: () => chunks.join('') };
}

const escapeCode = '\u001b';

test('whatever is written fits the window, however long the text', () => {
  const text = '用印封包（ASiC-E/CAdES），签发信封，经双向 TLS 交给平湖，写入存证日志。'.repeat(5);
  for (const columns of [50, 64, 80, 200]) {
    const { out, text: written } = window(columns);
    const screen = new Screen(out, 'zh', { NO_COLOR: '1' });
    screen.title(text.slice(0, 20));
    screen.step('金山', text, text);
    screen.paragraph(text);
    screen.file(
      '12/28',
      '照片02-工地一层装修垃圾堆放处的很长很长很长很长的名字.jpg',
      123_456_789,
      `sha256:${'a'.repeat(64)}`,
    );
    screen.check(false, text, [text]);
    const widths = written().split('\n').map(columnsOf);
    expect(Math.max(...widths)).toBeLessThanOrEqual(Math.min(columns, 80));
  }
});

test('files stand in columns whatever script their names are in', () => {
  const { out, text } = window(80);
  const screen = new Screen(out, 'zh', { NO_COLOR: '1' });
  screen.file('1/2', '照片01.jpg', 43_324, `sha256:${'a'.repeat(64)}`);
  screen.file('2/2', 'track.gpx', 5, `sha256:${'b'.repeat(64)}`);
  const [first, second] = text().split('\n');
  expect(columnsOf(first!)).toBe(columnsOf(second!));
});

test('colours are for terminals alone, and not for those who refuse them', () => {
  const paint = (columns: number | undefined, env: Record<string, string>) => {
    const { out, text } = window(columns);
    const screen = new Screen(out, 'en', env);
    screen.title('Title');
    screen.step('Pinghu', 'does something');
    screen.check(true, 'fine');
    return text();
  };
  expect(paint(80, {})).toContain(escapeCode);
  expect(paint(80, { NO_COLOR: '1' })).not.toContain(escapeCode);
  expect(paint(80, { TERM: 'dumb' })).not.toContain(escapeCode);
  expect(paint(undefined, {})).not.toContain(escapeCode);
});

test('a reader who leaves does not end the story', () => {
  const { out } = window();
  new Screen(out, 'en', {});
  expect(() => out.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }))).not.toThrow();
  expect(() => out.emit('error', new Error('disk full'))).toThrow('disk full');
});

test('a long command goes on behind a backslash', () => {
  const { out, text } = window(60);
  new Screen(out, 'en', {}).command(['openssl cms -verify', '-in seal/signature.p7s', '-content seal/manifest.xml'], 0);
  expect(text()).toBe('openssl cms -verify -in seal/signature.p7s \\\n  -content seal/manifest.xml\n');
});

test('times are those of China', () => {
  expect(chinaInstant(new Date('2026-11-23T17:07:54.123Z'))).toBe('2026-11-24 01:07:54');
});

test('sizes are short', () => {
  expect([5, 43_324, 5_000_000].map(sizeOf)).toEqual(['5 B', '42.3 KB', '4.8 MB']);
});
