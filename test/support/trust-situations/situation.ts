import type { Verdict } from '@jieqiao/core';
import type { Outcome, World } from './world';

/** A situation of trust with what must be said of it. */
export interface Situation {
  zh: string;
  en: string;
  /** `accepted`, or error code and reason; null: no node is asked. */
  node: string | null;
  /** Null: there is no file to verify. `refused`: the verifier does not begin. */
  verifier: Verdict | 'refused' | null;
  /** Exactly the checks that are not answered with yes: id and reason. */
  checks?: readonly string[];
  /** Left out: openssl can't express the question. */
  openssl?: 'ok' | 'fail';
  ask(world: World): Outcome | Promise<Outcome>;
}

export interface Group {
  /** Begins the numbers of its situations. */
  letter: string;
  zh: string;
  en: string;
  situations: readonly Situation[];
}
