import { hasCode } from '@jieqiao/core';

/**
 * What a clock answers, or why none does: no holiday table for the year, or no law read that was in force then. A rule
 * must say so and leave the count to a person.
 */
export function clockAnswer<T extends object>(ask: () => T): T | { unanswered: string } {
  try {
    return ask();
  } catch (error) {
    if (!hasCode(error, 'VALIDATION_FAILED')) throw error;
    return { unanswered: String(error.params.reason) };
  }
}
