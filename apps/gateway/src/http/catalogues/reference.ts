import type { RegionSet } from '@jieqiao/recognition';

/** What questions of today are asked against. */
export interface Reference {
  /** The Chinese day, `YYYY-MM-DD`. */
  today(): string;
  regions(): RegionSet;
}
export const reference = Symbol('reference');
