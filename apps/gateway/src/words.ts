import { visible } from '@jieqiao/platform';
import type { Language } from '@jieqiao/recognition';

export type { Language };
/** The same thing said in both languages; `{name}` stands for a parameter. */
export type Text = Readonly<Record<Language, string>>;

/** What stands for `{name}`: a value, or a text that has both languages itself. */
export type Params = Readonly<Record<string, string | number | boolean | readonly string[] | Text | undefined>>;

/** English where the surroundings are set to it; C, POSIX and nothing at all are no choice of a language. */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  return (env.LC_ALL || env.LC_MESSAGES || env.LANG || '').startsWith('en') ? 'en' : 'zh';
}

/** A text with its parameters in place. They may come from a hostile file: what would move the cursor is shown as code. */
export function fill(text: Text, language: Language, params: Params = {}): string {
  return text[language].replace(/\{(\w+)\}/g, (_, name: string) => shown(params[name], language));
}

/** The same for both languages, to be a parameter itself. */
export function filled(text: Text, params: Params): Text {
  return { zh: fill(text, 'zh', params), en: fill(text, 'en', params) };
}

function shown(value: Params[string], language: Language): string {
  if (typeof value !== 'object') return visible(String(value ?? ''));
  if ('zh' in value) return visible(value[language]);
  return value.map(visible).join(language === 'zh' ? '、' : ', ');
}

const chinaOffset = 8 * 3_600_000;

/** The day in China, where everybody concerned is: `2026-11-23`. */
export function chinaDate(instant: Date | string): string {
  return new Date(new Date(instant).getTime() + chinaOffset).toISOString().slice(0, 10);
}

/** `2026-11-23 15:04` in China. */
export function chinaMinute(instant: Date | string): string {
  return new Date(new Date(instant).getTime() + chinaOffset).toISOString().slice(0, 16).replace('T', ' ');
}

/** Whole days left, rounded down: less than a day is 0, past is negative. */
export function daysUntil(instant: Date | string, now: Date): number {
  return Math.floor((new Date(instant).getTime() - now.getTime()) / 86_400_000);
}

/** How long something took or is ago, roughly. */
export function duration(ms: number): Text {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return { zh: `${seconds} 秒`, en: `${seconds} s` };
  if (seconds < 7_200) return { zh: `${Math.round(seconds / 60)} 分钟`, en: `${Math.round(seconds / 60)} min` };
  if (seconds < 172_800) return { zh: `${Math.round(seconds / 3600)} 小时`, en: `${Math.round(seconds / 3600)} h` };
  return { zh: `${Math.round(seconds / 86_400)} 天`, en: `${Math.round(seconds / 86_400)} days` };
}
