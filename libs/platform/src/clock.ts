import { readFileSync, statSync } from 'node:fs';
import { GatewayError } from '@jieqiao/core';
import type { NodeConfig } from './config';

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?(?:Z|[+-]\d{2}:\d{2})\n?$/;

/** The system clock, or the demonstration's where the settings name one. @throws GatewayError CONFIG_INVALID */
export function nodeClock(
  { demonstration }: Pick<NodeConfig, 'demonstration'>,
  system: () => Date,
  warn: (message: string, details: Record<string, unknown>) => void,
): () => Date {
  if (demonstration.clockFile === '') return system;
  const clock = new DemonstrationClock(demonstration.clockFile, system, warn);
  warn('demonstration-clock', { clockFile: demonstration.clockFile, time: clock.now().toISOString() });
  return () => clock.now();
}

/**
 * Time as a file has it: the instant in the file was when the file was written, and time has gone on since at the usual
 * pace. So all processes that share the file agree, restarted or not, and from the moment on at which it is replaced.
 */
class DemonstrationClock {
  private stamp = '';
  private aheadMs = 0;
  private unreadable = false;

  constructor(
    private readonly file: string,
    private readonly system: () => Date,
    private readonly warn: (message: string, details: Record<string, unknown>) => void,
  ) {
    this.read();
  }

  now(): Date {
    try {
      this.read();
      this.unreadable = false;
    } catch (error) {
      // It goes on as it went. Told once, not with every look at the clock.
      if (!this.unreadable) this.warn('demonstration-clock-unreadable', { error });
      this.unreadable = true;
    }
    return new Date(this.system().getTime() + this.aheadMs);
  }

  /** Looking whether the file is another takes microseconds. */
  private read(): void {
    const { ino, size, mtimeMs } = statSync(this.file, { throwIfNoEntry: false }) ?? this.refuse('cannot be read');
    const stamp = `${ino} ${size} ${mtimeMs}`;
    if (stamp === this.stamp) return;
    const text = size <= 40 ? readFileSync(this.file, 'utf8') : '';
    const instant = instantPattern.test(text) ? Date.parse(text.trim()) : Number.NaN;
    if (Number.isNaN(instant)) this.refuse('holds no instant');
    this.aheadMs = instant - Math.floor(mtimeMs);
    this.stamp = stamp;
  }

  private refuse(what: string): never {
    const give = 'give a file with one ISO-8601 instant, such as 2022-08-18T23:40:00+08:00';
    throw new GatewayError('CONFIG_INVALID', { problems: [`demonstration.clockFile: ${this.file} ${what}; ${give}`] });
  }
}
