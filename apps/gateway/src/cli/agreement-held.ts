import type { Agreement } from '@jieqiao/core';
import type { Gateway } from '../gateway';
import { type Option, Stop } from './command';

export const outOption = {
  out: { value: 'FILE', about: { zh: '写到哪个文件', en: 'the file to write' } },
} as const satisfies Record<string, Option>;
/** `ID`: the newest version; `ID@VERSION`. @throws Stop */
export function held(gateway: Gateway, what: string): Agreement {
  const [id = '', version] = what.split('@');
  const versions = gateway.agreements.versions(id);
  const found = version === undefined ? versions.at(-1) : versions.find(({ ref }) => String(ref.version) === version);
  if (found) return found;
  const known = gateway.agreements.all().map(({ ref }) => `${ref.id}@${ref.version}`);
  throw new Stop(
    { zh: '没有 {what}；本节点持有：{known}', en: 'There is no {what}; this node holds: {known}' },
    { what, known: known.length > 0 ? known : ['—'] },
  );
}
