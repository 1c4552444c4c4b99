/**
 * Chinese civil days (UTC+8 all year since 1992). Statutes count in them, so a day is text `YYYY-MM-DD` and an instant
 * is text with an explicit offset; nothing here reads a clock.
 */

const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const instantPattern =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;
const chinaOffset = 8 * 3_600_000;
const dayLength = 86_400_000;

/** Days `YYYY-MM-DD` of Chinese time, `from` inclusive, `to` exclusive; null is open. */
export interface DayRange {
  from: string | null;
  to: string | null;
}

/** True for a day that the calendar has: 2022-02-30 is none, though `Date` would roll it into March. */
export function isRealDate(text: string): boolean {
  const match = dayPattern.exec(text);
  if (!match) return false;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  return year >= 1900 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** True for RFC 3339 with an explicit offset, at most milliseconds, no leap second. */
export function isRealInstant(text: string): boolean {
  const match = instantPattern.exec(text);
  return match !== null && isRealDate(match[1]!);
}

export function holdsOn({ from, to }: DayRange, day: string): boolean {
  return (from === null || from <= day) && (to === null || day < to);
}

/** The Chinese day in which an instant lies. */
export function chinaDay(instant: string): string {
  return new Date(Date.parse(instant) + chinaOffset).toISOString().slice(0, 10);
}

/** The same day some years later; 29 February becomes the month's last day (民法典 §202). */
export function addYears(day: string, years: number): string {
  const year = Number(day.slice(0, 4)) + years;
  const month = Number(day.slice(5, 7));
  const dayOfMonth = Math.min(Number(day.slice(8, 10)), daysInMonth(year, month));
  return `${String(year).padStart(4, '0')}-${day.slice(5, 7)}-${String(dayOfMonth).padStart(2, '0')}`;
}

/** Whole days from one day to another, negative when `to` is earlier. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / dayLength);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
