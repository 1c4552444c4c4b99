import { hasCode } from '@jieqiao/core';
import { chinaDay, daysBetween, isRealDate } from '../china-date';
import { isWorkingDay } from '../deadlines/working-days';
import { EvaluationStop } from './model';

/** Calendar days over which working days are counted at most: a rule that needs more would be about something else. */
export const longestSpan = 366;

const timestamp = 'google.protobuf.Timestamp';

/** The functions that an own rule has besides those of the language itself, by their CEL signature. */
export const ownFunctions: Readonly<Record<string, (...values: never[]) => unknown>> = {
  [`chinaDay(${timestamp}): string`]: (at: Date) => chinaDay(at.toISOString()),
  [`hoursBetween(${timestamp}, ${timestamp}): double`]: (from: Date, to: Date) =>
    (to.getTime() - from.getTime()) / 3_600_000,
  'workingDaysBetween(string, string): int': (from: string, to: string) => BigInt(workingDaysBetween(from, to)),
};

const dayLength = 86_400_000;
const known = new Map<number, boolean>();

/**
 * Working days after `from` up to and including `to`, both Chinese days; negative when `to` comes first.
 * @throws EvaluationStop `day` for what is none, `span` beyond `longestSpan`, `no-holiday-table`
 */
function workingDaysBetween(from: string, to: string): number {
  if (!isRealDate(from) || !isRealDate(to)) throw new EvaluationStop('day');
  if (to < from) return 0 - workingDaysBetween(to, from);
  if (daysBetween(from, to) > longestSpan) throw new EvaluationStop('span');
  const last = Date.parse(`${to}T00:00:00Z`) / dayLength;
  let count = 0;
  for (let day = Date.parse(`${from}T00:00:00Z`) / dayLength + 1; day <= last; day++) if (works(day)) count++;
  return count;
}

/** Each day is looked up once in a process: the tables cover some twenty years. */
function works(day: number): boolean {
  let answer = known.get(day);
  if (answer === undefined) {
    try {
      answer = isWorkingDay(new Date(day * dayLength).toISOString().slice(0, 10));
    } catch (error) {
      if (hasCode(error, 'VALIDATION_FAILED')) throw new EvaluationStop('no-holiday-table');
      throw error;
    }
    known.set(day, answer);
  }
  return answer;
}
