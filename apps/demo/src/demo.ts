import { createHash, randomInt } from 'node:crypto';
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
import { digestOf, parseLogEntry, parseTlogProof } from '@jieqiao/core';
import { describeOutcome, type RecognitionDecision } from '@jieqiao/recognition';
import { ApiClient, ApiProblem } from './api-client';
import {
  type Artefacts,
  artefactsIn,
  commands,
  fetchSealed,
  runOpenssl,
  runVerifier,
  type Sealed,
  writeArtefacts,
} from './artefacts';
import { differences } from './expectation';
import { interruption } from './interruption';
import { carry, openRules, sendKey } from './journey';
import { freePorts, NodeNotReady, NodeProcess } from './nodes';
import { Pair, placeOf } from './pair';
import { evidenceFile, findByNumber, readScenario, type Scenario, send, type TransferAnswer } from './scenario';
import { type Screen, sizeOf } from './screen';
import { shownPath } from './shown-path';

const scenarioNames = ['s1', 's2'];
const startAttempts = 3;

/** First line of the README in an output directory: by it a later run knows that it may replace what is there. */
const outMark = 'Jieqiao 界桥: npm run demo';

/**
 * `npm run demo`: fresh nodes on free ports carry S1 and S2 across, and everything that is to come of it is checked.
 * @returns 0 when all came out as expected, 1 when not, 2 when `out` cannot be used, 130 when it was interrupted
 */
export async function demo(out: string | null, screen: Screen, problems: Screen): Promise<number> {
  if (out !== null && !claimOut(out, problems)) return 2;
  const stop = interruption();
  const dir = mkdtempSync(join(tmpdir(), 'jieqiao-demo-'));
  screen.title(
    screen.say(
      '界桥演示：两个新节点，两件移送，逐项核对',
      'Jieqiao demo: two new nodes, two transfers, every result checked',
    ),
  );
  let good = 0;
  let nodes: NodeProcess[] = [];
  try {
    const began = Date.now();
    const pair = await openNodes(dir, stop, (started) => {
      nodes = started;
    });
    screen.paragraph(
      screen.say(
        `节点、密钥、协议就绪，${seconds(began)} 秒，进程 ${nodes.map(({ pid }) => pid).join('、')}`,
        `Nodes, keys and agreement ready in ${seconds(began)} s, processes ${nodes.map(({ pid }) => pid).join(' and ')}`,
      ),
    );
    for (const name of scenarioNames) {
      const scenario = readScenario(name);
      const folder = join(out ?? dir, scenario.scenario);
      if (await new Trial(pair, scenario, folder, screen).run()) good += 1;
    }
    if (out !== null)
      screen.paragraph(
        screen.say(
          `文件在 ${shownPath(out)}，见其中的 README.txt`,
          `The files are in ${shownPath(out)}; see its README.txt`,
        ),
      );
  } catch (error) {
    if (!stop.aborted) tellFailure(error, problems);
  }
  await Promise.all(nodes.map((node) => node.stop()));
  if (stop.aborted) {
    rmSync(dir, { recursive: true, force: true });
    problems.line(problems.say('已中断。', 'Interrupted.'));
    return 130;
  }
  const all = good === scenarioNames.length;
  if (all) rmSync(dir, { recursive: true, force: true });
  else
    problems.paragraph(
      problems.say(`两个节点的数据和日志留在 ${dir}`, `Data and logs of both nodes are kept in ${dir}`),
      0,
    );
  screen.line();
  screen.line(`demo: ${good} of ${scenarioNames.length} as expected`);
  return all ? 0 : 1;
}

/** A free port may be taken by another program before our node gets it; then again, with others. */
async function openNodes(dir: string, stop: AbortSignal, opened: (nodes: NodeProcess[]) => void): Promise<Pair> {
  for (let attempt = 1; ; attempt++) {
    const pair = await Pair.open(join(dir, `nodes-${attempt}`), async () => {
      const [a, b, c, d, e, f] = (await freePorts(6)) as [number, number, number, number, number, number];
      return [
        { http: a, grpc: b, blobs: c },
        { http: d, grpc: e, blobs: f },
      ];
    });
    await pair.prepare(stop);
    const results = await Promise.allSettled(pair.specs.map((spec) => NodeProcess.start(spec, { signal: stop })));
    const nodes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    opened(nodes);
    const failure = results.find((result) => result.status === 'rejected')?.reason as unknown;
    if (failure === undefined) return pair;
    const portTaken = failure instanceof NodeNotReady && failure.lastWords.includes('EADDRINUSE');
    if (!portTaken || attempt === startAttempts) throw failure;
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

/** One sample, carried across and looked at from every side. */
class Trial {
  private failed = 0;

  constructor(
    private readonly pair: Pair,
    private readonly scenario: Scenario,
    private readonly folder: string,
    private readonly screen: Screen,
  ) {}

  async run(): Promise<boolean> {
    const { screen, scenario } = this;
    const { from, to, number, evidence } = scenario.transfer;
    screen.heading(`${scenario.scenario}  ${scenario.title[screen.language]}`);
    const bytes = evidence.reduce((sum, item) => sum + item.bytes, 0);
    screen.paragraph(
      screen.say(
        `${number}，${evidence.length} 件证据，${sizeOf(bytes)}`,
        `${number}, ${evidence.length} files, ${sizeOf(bytes)}`,
      ),
    );
    const officer = await this.signedIn(from.node, 'handler');
    const clerk = await this.signedIn(to.node, 'clerk');
    const began = Date.now();
    let asked: RecognitionDecision | null = null;
    let refusal: readonly string[] = [];
    const sent = await carry(officer, scenario, {
      checked: (decision) => {
        asked = decision;
      },
      sending: async (open) => {
        if (open.length > 0) refusal = await this.refusedWithout(officer, open);
      },
    });
    const ms = Date.now() - began;

    const [item, ...more] = await findByNumber(clerk, 'in', number);
    const received = item ? await clerk.get<TransferAnswer>(`/transfers/${item.id}`) : null;
    const delivered = await this.checkStates(sent, received, more.length, ms);
    this.checkDecisions(asked, sent, received, refusal);
    if (delivered && received) {
      await this.checkFiles(clerk, received);
      const files = artefactsIn(this.folder, scenario.scenario);
      const mine = await fetchSealed(officer, sent.id);
      await writeArtefacts(files, mine, this.pair.dir, from.node);
      this.checkSameOnBothSides(mine, await fetchSealed(clerk, received.id));
      this.checkReceipt(mine, sent);
      await this.checkRepeatedSend(officer, clerk, sent);
      await this.checkWithTools(files, mine);
    }
    return this.failed === 0;
  }

  private async refusedWithout(officer: ApiClient, open: readonly string[]): Promise<string[]> {
    const [draft] = await findByNumber(officer, 'out', this.scenario.transfer.number);
    try {
      await send(officer, draft!.id, { key: 'demo-unacknowledged', waitSeconds: 0 });
    } catch (error) {
      const params = error instanceof ApiProblem ? (error.body.params as { rules?: string[] }) : {};
      const rules = params.rules ?? [];
      if (error instanceof ApiProblem && error.code === 'ACKNOWLEDGEMENT_REQUIRED' && `${rules}` === `${open}`)
        return [];
      return [`${error instanceof ApiProblem ? error.code : error} ${rules}`];
    }
    return ['sent without acknowledgement'];
  }

  private async checkStates(
    sent: TransferAnswer,
    received: TransferAnswer | null,
    more: number,
    ms: number,
  ): Promise<boolean> {
    const { screen } = this;
    const problems: string[] = [];
    const expect = (what: string, actual: unknown, expected: unknown) => {
      if (actual !== expected) problems.push(`${what}: ${String(actual)} ≠ ${String(expected)}`);
    };
    expect('sender state', sent.state, 'DELIVERED');
    expect('sender delivery', sent.delivery.state, 'received');
    expect('receipt degree', sent.receipt?.degree, 'verified');
    expect('receiver state', received?.state, 'DELIVERED');
    expect('receiver delivery', received?.delivery.state, 'received');
    expect('transfers at the receiver', (received ? 1 : 0) + more, 1);
    for (const field of ['kind', 'number', 'dossier'] as const) expect(field, received?.[field], sent[field]);
    expect('envelope', received?.envelope?.digest, sent.envelope?.digest);
    this.check(
      screen.say(
        `两侧都是已送达，发送方存有回执（起草到回执 ${ms} 毫秒）`,
        `Delivered on both sides, receipt kept (${ms} ms from draft to receipt)`,
      ),
      problems,
    );
    return sent.delivery.state === 'received';
  }

  private checkDecisions(
    asked: RecognitionDecision | null,
    sent: TransferAnswer,
    received: TransferAnswer | null,
    refusal: readonly string[],
  ): void {
    const { screen, scenario } = this;
    const byName = new Map(scenario.transfer.evidence.map(({ fileName, id }) => [fileName, id]));
    // Rules speak of evidence by the sender's ids, at the receiver too: those are the sealed ones.
    const sampleIds = new Map(sent.evidence.map(({ id, fileName }) => [id, byName.get(fileName) ?? fileName]));
    const { sender, receiver } = scenario.expected;
    const outcome = (side: { outcome: string }) =>
      describeOutcome(side.outcome as RecognitionDecision['outcome'], screen.language);
    const rules = (side: typeof sender) => [...new Set(side.findings.map(({ rule }) => rule))].sort().join(' ');
    const found = (side: typeof sender) =>
      side.findings.length === 0
        ? outcome(side)
        : screen.say(`${outcome(side)}（${rules(side)}）`, `${outcome(side)} (${rules(side)})`);
    this.check(screen.say(`发送方规则：${found(sender)}，逐条相符`, `Sender’s rules: ${found(sender)}, rule by rule`), [
      ...differences(sender, asked, sampleIds),
      ...differences(sender, sent.recognition, sampleIds),
    ]);
    this.check(
      screen.say(`接收方规则：${found(receiver)}，逐条相符`, `Receiver’s rules: ${found(receiver)}, rule by rule`),
      differences(receiver, received?.recognition ?? null, sampleIds),
    );
    const open = openRules(scenario).join(' ');
    if (open !== '') {
      this.check(
        screen.say(`未确认 ${open} 就发送：被拒绝`, `Sending without having seen ${open} is refused`),
        refusal,
      );
    }
  }

  private async checkFiles(clerk: ApiClient, received: TransferAnswer): Promise<void> {
    const { screen, scenario } = this;
    const expected = new Map(
      scenario.transfer.evidence.map(({ id, fileName }) => [fileName, readFileSync(evidenceFile(scenario, id))]),
    );
    const problems: string[] = [];
    for (const { id, fileName } of received.evidence) {
      const original = expected.get(fileName);
      expected.delete(fileName);
      const arrived = await clerk.download(`/transfers/${received.id}/evidence/${id}/content`);
      if (!original) problems.push(`${fileName}: unexpected`);
      else if (!original.equals(arrived)) problems.push(`${fileName}: ${sha256(arrived)} ≠ ${sha256(original)}`);
    }
    for (const fileName of expected.keys()) problems.push(`${fileName}: missing`);
    const count = scenario.transfer.evidence.length;
    this.check(
      screen.say(`接收方的 ${count} 件证据与原件逐字节相同`, `All ${count} files are at the receiver, byte for byte`),
      problems,
    );
  }

  private checkSameOnBothSides(mine: Sealed, theirs: Sealed): void {
    const { screen } = this;
    const problems = (['bundle', 'envelope', 'receipt'] as const)
      .filter((part) => !mine[part].equals(theirs[part]))
      .map((part) => `${part}: ${sha256(mine[part])} ≠ ${sha256(theirs[part])}`);
    this.check(
      screen.say('证据包、信封、回执在两侧逐字节相同', 'Bundle, envelope and receipt are the same bytes on both sides'),
      problems,
    );
  }

  private checkReceipt({ envelope, receipt }: Sealed, sent: TransferAnswer): void {
    const { screen, scenario } = this;
    const { to, from } = scenario.transfer;
    const entry = parseLogEntry(parseTlogProof(receipt).extra!);
    const says: Record<string, unknown> = { event: entry.event, node: entry.node, ...entry.subject };
    const expected: Record<string, unknown> = {
      event: 'envelope.received',
      node: to.node,
      peer: from.node,
      envelope: digestOf(envelope),
      jti: sent.envelope?.jti,
      transfer: sent.id,
      dossier: sent.dossier,
      degree: 'verified',
      outcome: scenario.expected.receiver.outcome,
    };
    const problems = Object.keys(expected)
      .filter((field) => says[field] !== expected[field])
      .map((field) => `${field}: ${String(says[field])} ≠ ${String(expected[field])}`);
    const receiver = placeOf(to.node).name[screen.language];
    this.check(
      screen.say(
        `回执是${receiver}存证日志的记录，写明这个信封和规则结果`,
        `The receipt is ${receiver}’s log entry on this envelope and the rules’ outcome`,
      ),
      problems,
    );
  }

  private async checkRepeatedSend(officer: ApiClient, clerk: ApiClient, sent: TransferAnswer): Promise<void> {
    const { screen, scenario } = this;
    const acknowledge = openRules(scenario);
    const again = await send(officer, sent.id, { acknowledge, key: sendKey(sent), waitSeconds: 0 });
    const arrived = await findByNumber(clerk, 'in', scenario.transfer.number);
    this.check(screen.say('同一发送再来一次：没有第二份', 'The same send again makes no second transfer'), [
      ...(again.envelope?.jti === sent.envelope?.jti ? [] : ['a new envelope was made']),
      ...(arrived.length === 1 ? [] : [`${arrived.length} at the receiver`]),
    ]);
  }

  private async checkWithTools(files: Artefacts, { bundle }: Sealed): Promise<void> {
    const { screen } = this;
    const { code, verdicts } = await runVerifier(files);
    const said = verdicts.map(({ kind, verdict }) => `${kind} ${verdict}`).join(', ');
    this.check(
      screen.say('jieqiao-verify：证据包、信封、回执 通过', 'jieqiao-verify: bundle, envelope and receipt are valid'),
      code === 0 && said === 'bundle valid, envelope valid, receipt valid' ? [] : [`exit code ${code}: ${said}`],
    );

    const tampered = `${files.bundle}.tampered`;
    const at = bundle.indexOf(Buffer.from([0xff, 0xd8, 0xff])) + randomInt(1_000, 10_000);
    const changed = Buffer.from(bundle);
    changed[at]! ^= 1;
    writeFileSync(join(files.dir, tampered), changed);
    const second = await runVerifier(files, tampered);
    rmSync(join(files.dir, tampered));
    const [verdict] = second.verdicts;
    this.check(
      screen.say(
        '照片中改动一个比特：未通过，指出是文件摘要',
        'One bit of a photograph changed: not valid, by the file’s digest',
      ),
      second.code === 1 && verdict?.verdict === 'invalid' && verdict.failed.includes('file.digest')
        ? []
        : [`exit code ${second.code}: ${verdict?.verdict} ${verdict?.failed}`],
    );

    const openssl = await runOpenssl(files);
    if (openssl === null) {
      screen.check(
        null,
        screen.say('没有 OpenSSL 3，印章未另行核验', 'No OpenSSL 3 here: the seal was not checked with it'),
      );
    } else {
      this.check(
        screen.say('openssl cms -verify -cades：印章成立', 'openssl cms -verify -cades: the seal holds'),
        openssl === 0 ? [] : [`exit code ${openssl}`],
      );
    }
  }

  private check(what: string, problems: readonly string[]): void {
    if (problems.length > 0) this.failed += 1;
    this.screen.check(problems.length === 0, what, problems);
  }

  private async signedIn(node: string, login: string): Promise<ApiClient> {
    const spec = this.pair.specs.find((candidate) => candidate.node === node)!;
    const client = new ApiClient(`http://127.0.0.1:${spec.ports.http}`);
    await client.signIn(login, this.pair.password);
    return client;
  }
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
      for (const name of scenarioNames) rmSync(join(out, name.toUpperCase()), { recursive: true, force: true });
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
  const folders = scenarioNames.map((name) => {
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

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}
