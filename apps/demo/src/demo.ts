import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiProblem } from './api-client';
import { artefactsIn, commands } from './artefacts';
import { type AfterSending, Diary, type Ending } from './diary';
import { interruption } from './interruption';
import { freePorts, NodeNotReady, NodeProcess, type NodeSpec } from './nodes';
import { jiashanQingpu, Pair, pinghuJinshan, placeOf } from './pair';
import { chinaInstantOf, PlayClock } from './play-clock';
import { Proofs } from './proofs';
import { readScenario } from './scenario';
import type { Screen } from './screen';
import { shownPath } from './shown-path';

const sampleNames = ['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10'];
/** Of these the sealed files are looked at as well, and left for others to look at. */
const provenNames = ['s1', 's2'];
const beginning = chinaInstantOf('2022-08-18 23:40');
const startAttempts = 3;

/** First line of the README in an output directory: by it a later run knows that it may replace what is there. */
const outMark = 'Jieqiao 界桥: npm run demo';

/**
 * `npm run demo`: the ten sample cases between fresh nodes on free ports, day by day from August 2022 to August 2026, and
 * everything that is to come of each step is checked.
 * @returns 0 when all came out as expected, 1 when not, 2 when `out` cannot be used, 130 when it was interrupted
 */
export async function demo(out: string | null, screen: Screen, problems: Screen): Promise<number> {
  if (out !== null && !claimOut(out, problems)) return 2;
  const stop = interruption();
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-demo-'));
  screen.title(
    screen.say(
      '界桥演示：四个新节点，十个案例，四年日记，逐步核对',
      'Jieqiao demo: four new nodes, ten cases, a diary of four years, every step checked',
    ),
  );
  let endings: Ending[] = [];
  let nodes: NodeProcess[] = [];
  try {
    const began = Date.now();
    const { clock, pairs } = await openNodes(dir, stop, (started) => {
      nodes = started;
    });
    screen.paragraph(
      screen.say(
        `节点、密钥、协议就绪，${seconds(began)} 秒，进程 ${nodes.map(({ pid }) => pid).join('、')}。时间由演示时钟给出，只往前走`,
        `Nodes, keys and agreements ready in ${seconds(began)} s, processes ${nodes.map(({ pid }) => pid).join(', ')}. ` +
          'The time is a demonstration clock’s; it only moves forward',
      ),
    );
    const prove: AfterSending = (sample, people) => {
      const name = sample.scenario.toLowerCase();
      if (!provenNames.includes(name) || people.cargo.transfer !== sample.transfer) return Promise.resolve(true);
      const folder = join(out ?? dir, sample.scenario);
      return new Proofs(pairs[0]!.dir, readScenario(name), folder, screen).check(people);
    };
    const diary = new Diary(sampleNames, pairs, clock, screen, prove);
    await diary.play(stop);
    endings = await diary.endings();
    tellEndings(endings, screen);
    if (out !== null)
      screen.paragraph(
        screen.say(
          `文件在 ${shownPath(out)}，见其中的 README.txt`,
          `The files are in ${shownPath(out)}; see its README.txt`,
        ),
      );
    screen.paragraph(screen.say(`共 ${seconds(began)} 秒`, `${seconds(began)} s in all`));
  } catch (error) {
    if (!stop.aborted) tellFailure(error, problems);
  }
  await Promise.all(nodes.map((node) => node.stop()));
  if (stop.aborted) {
    rmSync(dir, { recursive: true, force: true });
    problems.line(problems.say('已中断。', 'Interrupted.'));
    return 130;
  }
  const good = endings.filter((ending) => ending.good).length;
  const all = good === sampleNames.length;
  if (all) rmSync(dir, { recursive: true, force: true });
  else
    problems.paragraph(
      problems.say(`各节点的数据和日志留在 ${dir}`, `Data and logs of the nodes are kept in ${dir}`),
      0,
    );
  screen.line();
  screen.line(`demo: ${good} of ${sampleNames.length} as expected`);
  return all ? 0 : 1;
}

function tellEndings(endings: readonly Ending[], screen: Screen): void {
  screen.heading(screen.say('十个案例的结果', 'What came of the ten'));
  for (const { name, expected, actual, good } of endings) {
    screen.entry(good, '', name, expected, '', actual, []);
  }
}

/** A free port may be taken by another program before our node gets it; then again, with others. */
async function openNodes(
  dir: string,
  stop: AbortSignal,
  opened: (nodes: NodeProcess[]) => void,
): Promise<{ clock: PlayClock; pairs: Pair[] }> {
  for (let attempt = 1; ; attempt++) {
    const base = join(dir, `nodes-${attempt}`);
    mkdirSync(base, { recursive: true });
    const clock = new PlayClock(join(base, 'clock'), beginning);
    const pairs: Pair[] = [];
    for (const sides of [pinghuJinshan, jiashanQingpu]) {
      pairs.push(await Pair.open(join(base, sides.id), sides, clock.file, freePortsFor));
    }
    await Promise.all(pairs.map((pair) => pair.prepare(stop)));
    const specs = pairs.flatMap((pair) => pair.specs);
    const results = await Promise.allSettled(specs.map((spec) => NodeProcess.start(spec, { signal: stop })));
    const nodes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    opened(nodes);
    const failure = results.find((result) => result.status === 'rejected')?.reason as unknown;
    if (failure === undefined) return { clock, pairs };
    const portTaken = failure instanceof NodeNotReady && failure.lastWords.includes('EADDRINUSE');
    if (!portTaken || attempt === startAttempts) throw failure;
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

async function freePortsFor(places: readonly unknown[]): Promise<NodeSpec['ports'][]> {
  const ports = await freePorts(places.length * 3);
  return places.map((_, i) => ({ http: ports[i * 3]!, grpc: ports[i * 3 + 1]!, blobs: ports[i * 3 + 2]! }));
}

/** Takes an empty or new directory, or one that an earlier run filled; says why it can't be any other. */
function claimOut(out: string, problems: Screen): boolean {
  const refuse = (zh: string, en: string): false => {
    problems.paragraph(problems.say(`--out ${shownPath(out)}：${zh}`, `--out ${shownPath(out)}: ${en}`), 0);
    return false;
  };
  try {
    if (existsSync(out)) {
      if (!statSync(out).isDirectory()) return refuse('不是目录。', 'this is not a directory.');
      const readme = join(out, readmeName);
      const ours = existsSync(readme) && readFileSync(readme, 'utf8').startsWith(outMark);
      if (readdirSync(out).length > 0 && !ours) {
        return refuse(
          '目录里已有别的文件。请给一个空目录，或还不存在的目录。',
          'there are other files in it. Give an empty directory, or one that does not exist yet.',
        );
      }
      for (const name of provenNames) rmSync(join(out, name.toUpperCase()), { recursive: true, force: true });
    }
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, readmeName), readmeText(out));
    return true;
  } catch (error) {
    return refuse(`无法写入（${(error as Error).message}）。`, `it cannot be written (${(error as Error).message}).`);
  }
}

const readmeName = 'README.txt';

/** For a stranger, who may read either language. */
function readmeText(out: string): string {
  const folders = provenNames.map((name) => {
    const folder = name.toUpperCase();
    const { verify, openssl } = commands(artefactsIn(join(out, folder), folder));
    return `  cd ${folder}\n  ${verify.join(' ')}\n  ${openssl.join(' ')}\n  cd ..\n`;
  });
  return `${outMark}

每个文件夹是一次移送：双方签署的互认协议 agreement.json、盖章的证据包 *.asice、
信封 *.jws、回执 *.tlog-proof；seal/ 里是从证据包取出、供 openssl 使用的清单和签名，
以及协议所载的根证书。核验不需要网络，也不需要相信任何一个节点：

Each folder is one transfer: the agreement signed by both sides (agreement.json), the
sealed bundle (*.asice), the envelope (*.jws) and the receipt (*.tlog-proof). In seal/
are the manifest and signature from the bundle, for openssl, and the root certificate
that the agreement pins. Verifying needs no network and no trust in either node:

${folders.join('\n')}`;
}

function tellFailure(error: unknown, problems: Screen): void {
  if (error instanceof NodeNotReady) {
    const { name } = placeOf(error.spec.node);
    problems.line(
      problems.say(
        `${name.zh}的节点没有启动起来（${error.ended}）：`,
        `The node of ${name.en} did not come up (${error.ended}):`,
      ),
    );
    for (const line of error.lastWords.split('\n').slice(-5)) problems.line(`  ${line}`);
  } else if (error instanceof ApiProblem) problems.line(`${error.message} ${JSON.stringify(error.body)}`);
  else problems.line(String((error as Error)?.stack ?? error));
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}
