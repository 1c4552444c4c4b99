import { UsageError } from './command';

/**
 * An instant as a person writes it: a day, meaning its beginning in China, or a whole instant with its offset, or `now`.
 * @throws UsageError
 */
export function instantOf(text: string, option: string, now: Date): string {
  if (text === 'now') return toTheMinute(now);
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const withOffset = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = new Date(day ? `${text}T00:00:00+08:00` : withOffset ? text : Number.NaN);
  // Date would roll the 31st of a short month over into the next.
  const rolled =
    day && !Number.isNaN(at.getTime()) && new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10) !== text;
  if (!Number.isNaN(at.getTime()) && !rolled) return at.toISOString();
  throw new UsageError(
    {
      zh: '--{option} 须是 2026-12-01（北京时间当日零时）、2026-12-01T09:00+08:00 或 now',
      en: '--{option} is 2026-12-01 (its beginning in China), 2026-12-01T09:00+08:00, or now',
    },
    { option },
  );
}

export function toTheMinute(at: Date): string {
  return new Date(Math.floor(at.getTime() / 60_000) * 60_000).toISOString();
}

/** The beginning of a day in China that lies `days` whole days ahead, so that everybody has time to sign. */
export function dayAhead(now: Date, days: number): string {
  const china = new Date(now.getTime() + 8 * 3_600_000 + days * 86_400_000).toISOString().slice(0, 10);
  return new Date(`${china}T00:00:00+08:00`).toISOString();
}
