import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { holder } from './lock';
import { pairFile, pinghuJinshan } from './pair';
import type { Screen } from './screen';
import { shownPath } from './shown-path';

/**
 * `npm run reset`: removes what `npm start` made, and nothing else.
 * @returns 0 when nothing is left of it, 1 when it was refused
 */
export async function reset(dir: string, screen: Screen, problems: Screen): Promise<number> {
  const shown = shownPath(dir);
  const found = existsSync(dir) ? readdirSync(dir) : [];
  if (found.length === 0) {
    screen.line(screen.say(`${shown} 里没有数据，无须清空。`, `There is no data in ${shown}: nothing to clear.`));
    return 0;
  }
  if (!existsSync(pairFile(dir))) {
    problems.paragraph(
      problems.say(
        `${shown} 不是 npm start 建立的，没有改动它。`,
        `${shown} was not made by npm start; it was left as it is.`,
      ),
      0,
    );
    return 1;
  }
  const pid = await holder(dir);
  if (pid !== null) {
    problems.paragraph(
      problems.say(
        `节点还在运行（进程 ${pid}），没有清空。请先在那个终端按 Ctrl-C。`,
        `The nodes are still running (process ${pid}); nothing was cleared. Press Ctrl-C in their terminal first.`,
      ),
      0,
    );
    return 1;
  }
  const { places } = pinghuJinshan;
  screen.line(screen.say(`清空 ${shown}：`, `Clearing ${shown}:`));
  const rows = places
    .filter(({ folder }) => existsSync(join(dir, folder)))
    .map(({ folder, name }) => [
      shownPath(join(dir, folder)),
      screen.say(`${name.zh}的密钥、数据库、证据和日志`, `keys, database, evidence and log of ${name.en}`),
    ]);
  if (existsSync(join(dir, 'agreement.json'))) {
    rows.push([shownPath(join(dir, 'agreement.json')), screen.say('双方签署的互认协议', 'the agreement of both')]);
  }
  if (existsSync(join(dir, 'S1'))) {
    rows.push([
      shownPath(join(dir, 'S1')),
      screen.say('导出的证据包、信封和回执', 'the exported bundle, envelope and receipt'),
    ]);
  }
  if (rows.length > 0) screen.table(rows);
  // demo.json last: while it is there, an interrupted reset can be done again.
  for (const name of [
    ...places.map(({ folder }) => folder),
    'S1',
    'agreement.json',
    'agreement.json.new',
    'clock',
    'clock.new',
    'running.json',
    'running.json.new',
    'demo.json.new',
    'demo.json',
  ]) {
    rmSync(join(dir, name), { recursive: true, force: true });
  }
  const left = readdirSync(dir);
  if (left.length === 0) rmdirSync(dir);
  else {
    screen.line(
      screen.say(
        `${shown} 里还有不是我们建立的 ${left.length} 项，保留未动。`,
        `${left.length} more in ${shown} were not made by us and stay.`,
      ),
    );
  }
  return 0;
}
