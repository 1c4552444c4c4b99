import { isAbsolute, relative, resolve } from 'node:path';

/** Where the person's shell stands: npm changes the directory, and says from where. */
function hereOf(env: NodeJS.ProcessEnv): string {
  const { INIT_CWD, npm_lifecycle_event } = env;
  return npm_lifecycle_event !== undefined && INIT_CWD && isAbsolute(INIT_CWD) ? INIT_CWD : process.cwd();
}

/** A path as the person typed it. */
export function givenPath(path: string): string {
  return resolve(hereOf(process.env), path);
}

/** A path as the person would type it: relative below where they are, else whole. */
export function shownPath(path: string): string {
  const near = relative(hereOf(process.env), path);
  return near.startsWith('..') || isAbsolute(near) ? path : near || '.';
}
