import { existsSync } from 'node:fs';
import { nodeClock } from '@jieqiao/platform';
import { writeWhole } from './nodes';

/** The time at which a demonstration's nodes play: one file for all of them, moved forward only. */
export class PlayClock {
  readonly now: () => Date;

  /** @param beginning where the file is not there yet */
  constructor(
    readonly file: string,
    beginning: Date,
  ) {
    if (!existsSync(file)) this.set(beginning);
    const demonstration = { clockFile: file, noRealCases: false };
    this.now = nodeClock(
      { demonstration },
      () => new Date(),
      () => undefined,
    );
  }

  /** At once, for every process that reads the file. What lies behind already is left alone. */
  forwardTo(at: Date): void {
    if (at.getTime() > this.now().getTime()) this.set(at);
  }

  private set(at: Date): void {
    writeWhole(this.file, `${at.toISOString()}\n`);
  }
}

/** An instant given as Chinese day and time, `2022-09-30 10:00`. */
export function chinaInstantOf(text: string): Date {
  return new Date(`${text.replace(' ', 'T')}:00+08:00`);
}

/** Chinese times in a step's data as the nodes take them. */
export function inChina(value: unknown): unknown {
  if (typeof value === 'string') {
    return /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$/.test(value) ? chinaInstantOf(value).toISOString() : value;
  }
  if (Array.isArray(value)) return value.map(inChina);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inChina(inner)]));
}
