import { columnsOf, fit, pad, visible, wrap } from './terminal-text';

test('a Chinese character takes two columns', () => {
  expect(columnsOf('平湖 a（1）')).toBe(4 + 1 + 1 + 2 + 1 + 2);
  expect(columnsOf('Pinghu’s …')).toBe(10);
  expect(columnsOf('𠮷')).toBe(2);
  expect(pad('平湖', 6)).toBe('平湖  ');
});

test('lines break between characters and words, and no closing mark begins a line', () => {
  expect(wrap('一二三四五，六七', 10)).toEqual(['一二三四', '五，六七']);
  expect(wrap('一二三（四五）六', 8)).toEqual(['一二三', '（四五）', '六']);
  expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
  expect(wrap('第 12 号信封和 9 件证据', 10)).toEqual(['第 12 号信', '封和 9 件', '证据']);
  expect(wrap('the node’s log', 9)).toEqual(['the', 'node’s', 'log']);
  expect(wrap('', 10)).toEqual([]);
});

test('what is too long is cut, with a mark', () => {
  expect(fit('平湖市', 6)).toBe('平湖市');
  expect(fit('平湖市局', 6)).toBe('平湖…');
});

test('text of others can’t move the cursor, recolour or turn around', () => {
  expect(visible('a\u001b[31mb\u202ec\nd')).toBe(String.raw`a\u{1b}[31mb\u{202e}c\u{a}d`);
  expect(visible('平湖市（甲）')).toBe('平湖市（甲）');
});
