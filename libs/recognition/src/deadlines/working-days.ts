import { GatewayError } from '@jieqiao/core';
import arrangement from 'chinese-days/dist/chinese-days.json';
import { isRealDate } from '../china-date';

const daysOff = new Set(Object.keys(arrangement.holidays));
const makeUpDays = new Set(Object.keys(arrangement.workdays));

/**
 * True for a day on which authorities work by the State Council's yearly arrangement, make-up Saturdays and Sundays
 * included. Reads the package's data and not its functions: these answer for a year without a table as if it were
 * ordinary, and depend on the process's time zone.
 * @param day Chinese day `YYYY-MM-DD`
 * @throws GatewayError VALIDATION_FAILED `no-holiday-table` with the `year` that has none
 */
export function isWorkingDay(day: string): boolean {
  if (!isRealDate(day)) throw new GatewayError('VALIDATION_FAILED', { reason: 'bad-day' });
  const year = Number(day.slice(0, 4));
  requireTable(year);
  // The arrangement of a year moves the last days of the December before it: 2018-12-29 was worked for 2019's New Year.
  if (day.slice(5) >= '12-29') requireTable(year + 1);
  if (makeUpDays.has(day)) return true;
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return !daysOff.has(day) && weekday !== 0 && weekday !== 6;
}

/** Both days are off by law in every year. One alone could come from the arrangement of the year after. */
function requireTable(year: number): void {
  if (daysOff.has(`${year}-01-01`) && daysOff.has(`${year}-10-01`)) return;
  throw new GatewayError('VALIDATION_FAILED', { reason: 'no-holiday-table', year });
}
