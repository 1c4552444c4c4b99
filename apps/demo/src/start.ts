import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseLogEntry, parseTlogProof } from '@jieqiao/core';
import { type Command, commandWords } from '@jieqiao/exchange';
import { describeOutcome, type RecognitionDecision } from '@jieqiao/recognition';
import { ApiClient } from './api-client';
import { areComplete, artefactsIn, commands, fetchSealed, runVerifier, shellWord, writeArtefacts } from './artefacts';
import { interruption } from './interruption';
import { carry, isSettled } from './journey';
import { Lock, processTitle } from './lock';
import { agreementFile, logFile, NodeNotReady, NodeProcess, type NodeSpec } from './nodes';
import { accounts, isFree, Pair, pinghuJinshan, placeOf, usualPorts } from './pair';
import { chinaInstantOf, PlayClock } from './play-clock';
import { findByNumber, readScenario, type Scenario, type TransferAnswer } from './scenario';
import { chinaInstant, type Screen, shortDigest } from './screen';
import { shownPath } from './shown-path';
import { readScript, type Script, type Step } from './steps';

interface Text {
  zh: string;
  en: string;
}

/** How far S1 is carried: what follows is for whoever signs in. */
const lastStep = 'accept-provisionally';

/** What else there is to say of a command in this story. */
const storyOf: Record<string, Text> = {
  'send-urgent': {
    zh: '对方已接电话通报；封包（ASiC-E/CAdES）用印，签发信封，经双向 TLS 送出',
    en: 'the other side was telephoned; bundle sealed (ASiC-E, CAdES), envelope signed, over mutual TLS',
  },
  'accept-provisionally': {
    zh: '紧急情形，法制审核和负责人审批 24 小时内补上',
    en: 'it is urgent: legal review and approval follow within 24 hours',
  },
};

/** How long after a failed request the news of a node's end may come. */
const exitNewsMs = 500;

/**
 * `npm start`: two nodes on lasting data, one lead across, then they stay up until Ctrl-C.
 * @returns the exit code: 0 after Ctrl-C or SIGTERM, 1 when a node ended by itself or the start failed
 */
export async function start(dir: string, screen: Screen, problems: Screen): Promise<number> {
  process.title = processTitle;
  const stop = interruption();
  const pair = await openPair(dir, problems);
  if (!pair) return 1;
  const lock = await Lock.take(dir);
  if (!lock) {
    problems.paragraph(
      problems.say(
        `${shownPath(dir)} 的两个节点已经在运行。请先在那个终端按 Ctrl-C 结束它。`,
        `The two nodes of ${shownPath(dir)} are already running. Press Ctrl-C in their terminal first.`,
      ),
      0,
    );
    return 1;
  }
  try {
    return await new Session(pair, screen, problems, lock, stop).run();
  } finally {
    lock.release();
  }
}

/** When the patrol of S1 is back with its pictures; from then on the nodes' time runs like everybody's. */
const beginning = chinaInstantOf('2022-08-18 23:54');
const clockFileOf = (dir: string): string => join(dir, 'clock');

async function openPair(dir: string, problems: Screen): Promise<Pair | null> {
  try {
    return await Pair.open(dir, pinghuJinshan, clockFileOf(dir), usualPorts);
  } catch (error) {
    problems.paragraph(
      problems.say(
        `无法使用 ${shownPath(dir)}（${(error as Error).message}）。npm run reset 可以清空重来。`,
        `${shownPath(dir)} cannot be used (${(error as Error).message}). npm run reset clears it.`,
      ),
      0,
    );
    return null;
  }
}

class Session {
  private readonly nodes: NodeProcess[] = [];
  private starting: Promise<PromiseSettledResult<void>[]> = Promise.resolve([]);

  constructor(
    private readonly pair: Pair,
    private readonly screen: Screen,
    private readonly problems: Screen,
    private readonly lock: Lock,
    private readonly stop: AbortSignal,
  ) {
    screen.now = new PlayClock(clockFileOf(pair.dir), beginning).now;
  }

  async run(): Promise<number> {
    const { screen, stop } = this;
    screen.title(
      screen.say('界桥：一条线索过省界，回执自己作证', 'Jieqiao: a lead crosses, and the receipt proves itself'),
    );
    if (!(await this.portsAreFree())) return 1;
    const interrupted = stop.aborted ? Promise.resolve() : once(stop, 'abort').then(() => undefined);
    try {
      const told = this.tell();
      // Whoever loses the race below may still fail, and nobody listens any more.
      told.catch(() => undefined);
      await Promise.race([told, interrupted]);
      if (!stop.aborted) await Promise.race([interrupted, ...this.nodes.map((node) => node.exited)]);
    } catch (error) {
      if (!stop.aborted) return await this.failed(error);
    }
    if (!stop.aborted) return this.failed(null);
    return this.end();
  }

  private async tell(): Promise<void> {
    await this.startNodes();
    const scenario = readScenario('s1');
    const transfer = await this.carryOnce(scenario, readScript('s1'));
    await this.explain(scenario, transfer);
    this.stayUp();
  }

  private async startNodes(): Promise<void> {
    const { screen, pair, stop } = this;
    const fresh = !pair.prepared;
    screen.heading(screen.say('一、两个节点，一份协议', '1  Two nodes, one agreement'));
    if (fresh) {
      await pair.prepare(stop);
      for (const { node } of pair.specs) {
        const { name, authority } = placeOf(node);
        screen.step(
          name[screen.language],
          authority[screen.language],
          screen.say(
            `节点 ${node}：自建根证书、电子印章、节点证书、日志密钥，自有数据库和证据库`,
            `node ${node}: its own root, seal, node certificate and log key, its own database and evidence store`,
          ),
        );
      }
      screen.step(
        screen.say('双方', 'Both'),
        screen.say(
          '各以电子印章签署《平湖金山互认协议》第 1 版：彼此的根证书、日志公钥、地址，互认什么、凭什么',
          'seal version 1 of their agreement: each other’s root, log key and address; what is recognised, and on what legal basis',
        ),
      );
    } else {
      screen.step(
        screen.say('双方', 'Both'),
        screen.say(
          `沿用 ${shownPath(pair.dir)} 里的密钥、协议和数据`,
          `keep the keys, agreement and data in ${shownPath(pair.dir)}`,
        ),
      );
    }
    this.starting = Promise.allSettled(pair.specs.map((spec) => this.startNode(spec)));
    const failure = (await this.starting).find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
    for (const spec of pair.specs) {
      const { pid } = this.nodes.find((node) => node.spec === spec)!;
      screen.step(
        placeOf(spec.node).name[screen.language],
        screen.say(`节点就绪，独立进程 ${pid}`, `node ready, a process of its own (${pid})`),
      );
    }
  }

  private async startNode(spec: NodeSpec): Promise<void> {
    const options = { signal: this.stop, onSpawn: (pid: number) => this.lock.addNode(pid) };
    this.nodes.push(await NodeProcess.start(spec, options));
  }

  /** Carries the sample unless this data has it already; then shows what there is. */
  private async carryOnce(scenario: Scenario, script: Script): Promise<TransferAnswer> {
    const { screen } = this;
    const { from, number, evidence } = scenario.transfer;
    const sender = placeOf(from.node).name[screen.language];
    const officer = await this.signedIn(from.node, 'handler');
    const [known] = await findByNumber(officer, 'out', number);
    const as = (node: string, login: string) => this.signedIn(node, login);
    if (known && !['DRAFT', 'IN_REVIEW'].includes(known.state)) {
      screen.heading(screen.say('二、已经过桥的移送', '2  What has crossed already'));
      const transfer = await carry(as, scenario, script, lastStep, {});
      await this.listTransfers();
      return transfer;
    }
    screen.heading(`${screen.say('二、', '2  ')}${scenario.scenario} ${scenario.title[screen.language]}`);
    const transfer = await carry(as, scenario, script, lastStep, {
      drafted: (_, resumed) =>
        screen.step(
          sender,
          resumed
            ? screen.say(`承办人接着填写 ${number}`, `the handling officer goes on with ${number}`)
            : screen.say(`承办人起草 ${number}`, `the handling officer drafts ${number}`),
          screen.say(
            '夜间巡查发现：无号牌渣土车正越界倾倒，已制止并固定证据',
            'night patrol: trucks without plates dump spoil across the line; stopped, evidence secured',
          ),
        ),
      stored: (place, { name, bytes, digest }) => {
        if (place === 1) {
          screen.step(
            sender,
            screen.say(
              `存入证据 ${evidence.length} 件，边传边算摘要（SHA-256）`,
              `stores ${evidence.length} files, each hashed (SHA-256) on its way in`,
            ),
          );
        }
        screen.file(`${place}/${evidence.length}`, name, bytes, digest);
      },
      checked: (decision) =>
        screen.step(
          sender,
          screen.say(
            `发送前自查互认规则：${describeOutcome(decision.outcome, 'zh')}`,
            `asks the recognition rules before sending: ${describeOutcome(decision.outcome, 'en')}`,
          ),
          passedRules(decision, screen),
        ),
      done: (step) => this.tellCommand(step),
      arrived: (received, sent) => this.tellArrival(received, sent),
    });
    return transfer;
  }

  private tellCommand({ node, by, do: command }: Step): void {
    const { screen } = this;
    const who = placeOf(node).name[screen.language];
    const role = accounts.find(({ login }) => login === by)!.title[screen.language];
    const words = screen.say(
      `${role}：${commandWords[command as Command].zh}`,
      `${role}: ${commandWords[command as Command].en}`,
    );
    const more = storyOf[command];
    screen.step(who, words, ...(more ? [more[screen.language]] : []));
  }

  private tellArrival(received: TransferAnswer, sent: TransferAnswer): void {
    const { screen } = this;
    if (sent.delivery.state !== 'received') throw new Error(undelivered(sent, screen));
    const [sender, receiver] = [received.peer, sent.peer].map((node) => placeOf(node).name[screen.language]);
    screen.step(
      receiver!,
      screen.say(
        `收到第 ${sent.envelope!.seq} 号信封和 ${received.evidence.length} 件证据，核验签名、摘要、协议、规则：` +
          describeOutcome(received.recognition!.outcome, 'zh'),
        `has envelope no. ${sent.envelope!.seq} and ${received.evidence.length} files; checks signatures, digests, ` +
          `agreement and rules: ${describeOutcome(received.recognition!.outcome, 'en')}`,
      ),
    );
    screen.step(
      sender!,
      screen.say(
        `收到回执，核验后保存：${receiver}存证日志的记录，序号 ${sent.receipt!.entryIndex}`,
        `verifies and keeps the receipt: number ${sent.receipt!.entryIndex} of ${receiver}’s log`,
      ),
    );
  }

  private async listTransfers(): Promise<void> {
    const { screen } = this;
    const rows: string[][] = [];
    for (const { node } of this.pair.specs) {
      const { items } = await (await this.signedIn(node, 'clerk')).get<{ items: TransferAnswer[] }>(
        '/transfers?limit=20',
      );
      for (const { direction, number, peer, delivery, createdAt } of items) {
        const other = placeOf(peer)?.name[screen.language] ?? peer;
        rows.push([
          placeOf(node).name[screen.language],
          direction === 'out' ? screen.say(`发往${other}`, `to ${other}`) : screen.say(`来自${other}`, `from ${other}`),
          number || screen.say('（未编号）', '(no number)'),
          chinaInstant(new Date(createdAt)).slice(5, 16),
          deliveryWord(delivery.state, screen),
        ]);
      }
    }
    screen.table(rows);
  }

  private async explain(scenario: Scenario, transfer: TransferAnswer): Promise<void> {
    const { screen, pair } = this;
    const { from, to } = scenario.transfer;
    const sender = placeOf(from.node).name[screen.language];
    const receiver = placeOf(to.node).name[screen.language];
    if (transfer.delivery.state !== 'received') throw new Error(undelivered(transfer, screen));
    const files = artefactsIn(join(pair.dir, scenario.scenario), scenario.scenario);
    const officer = await this.signedIn(from.node, 'handler');
    const sealed = await fetchSealed(officer, transfer.id);
    if (!areComplete(files)) await writeArtefacts(files, sealed, pair.dir, from.node);

    const { extra, index, checkpoint } = parseTlogProof(sealed.receipt);
    const entry = parseLogEntry(extra!);
    const size = checkpoint.split('\n')[1]!;
    const time = chinaInstant(new Date(entry.time));
    const { seq, digest } = transfer.envelope!;
    screen.heading(screen.say('三、回执证明什么', '3  What the receipt proves'));
    screen.paragraph(
      screen.say(
        `${time}（北京时间），${receiver}收到${sender}第 ${seq} 号信封（${shortDigest(digest)}）和其中列明的全部 ` +
          `${transfer.evidence.length} 件证据，并核验无误。它记在${receiver}的存证日志里，序号 ${index}（自 0 起，共 ${size} 条），` +
          `连同此前的全部记录由${receiver}的日志密钥签名。今后无论谁否认收到、改动时间或换掉一个字节，都与这份回执对不上；` +
          '任何人不连网、不必相信任何一方，就能查出来。',
        `At ${time} (Beijing time) ${receiver} took in envelope no. ${seq} of ${sender} (${shortDigest(digest)}) with all ` +
          `${transfer.evidence.length} files that it names, and found them in order. It is entered in ${receiver}’s ` +
          `log as number ${index} (from 0, ${size} in all), signed with its log key together with every entry before it. Whoever later denies it, ` +
          'moves the time or swaps a byte contradicts this receipt; anybody can see that, with no network and without ' +
          'trusting either side.',
      ),
    );
    screen.heading(screen.say('四、自己核验', '4  Verify it yourself'));
    const { verify, openssl } = commands(files);
    screen.command([`cd ${shellWord(shownPath(files.dir))}`]);
    screen.line();
    screen.command(verify);
    screen.line();
    screen.command(openssl);
    screen.line();
    const { code } = await runVerifier(files);
    screen.paragraph(
      code === 0
        ? screen.say(
            '第一条核验证据包、信封和回执，刚刚运行过：通过。改动其中任何一个字节，它就不再通过。' +
              '第二条用别人写的工具核验印章。',
            'The first checks bundle, envelope and receipt. Just run, it said: valid. Change any byte in them and it no ' +
              'longer does. The second checks the seal with a tool that others wrote.',
          )
        : screen.say(
            `刚刚运行第一条：未通过（退出码 ${code}）。`,
            `Just run, the first did NOT say valid (exit code ${code}).`,
          ),
    );
    if (code !== 0) throw new Error(screen.say('核验未通过', 'verification failed'));
  }

  private stayUp(): void {
    const { screen, pair } = this;
    screen.heading(screen.say('五、正在运行', '5  Up and running'));
    screen.table(
      pair.specs.flatMap((spec) => {
        const url = `http://127.0.0.1:${spec.ports.http}`;
        return [
          [placeOf(spec.node).name[screen.language], screen.say('接口文档', 'API'), `${url}/api/docs`],
          ['', screen.say('健康状况', 'health'), `${url}/health/ready`],
          ['', screen.say('运行日志', 'log'), shownPath(logFile(spec))],
        ];
      }),
    );
    screen.line();
    screen.table([
      [screen.say('协议', 'Agreement'), shownPath(agreementFile(pair.dir))],
      [screen.say('时间', 'Time'), `${chinaInstant(screen.now()).slice(0, 16)}  ${shownPath(clockFileOf(pair.dir))}`],
    ]);
    screen.line();
    screen.paragraph(
      screen.say(
        '时间由演示时钟给出，从案件发生时起按通常的快慢走；这样签出的时间什么也不证明。',
        'The time is a demonstration clock’s: from when the case happened it goes at the usual pace. It proves nothing.',
      ),
    );
    screen.line();
    screen.paragraph(
      screen.say(
        `演示账号，两个节点相同。口令都是 ${pair.password}（仅供演示）`,
        `Demo accounts, the same at both nodes. Demo password of all: ${pair.password}`,
      ),
    );
    const named = accounts.map(({ login, title }) => [login, title[screen.language]]);
    const half = named.length / 2;
    screen.table(
      named.slice(0, half).map((left, i) => [...left, ...named[half + i]!]),
      4,
    );
    screen.line();
    screen.paragraph(
      screen.say(
        'Ctrl-C 结束。再次 npm start 沿用这些数据，npm run reset 清空。',
        'Ctrl-C ends both. npm start continues on this data, npm run reset clears it.',
      ),
    );
  }

  private async signedIn(node: string, login: string): Promise<ApiClient> {
    const spec = this.pair.specs.find((candidate) => candidate.node === node)!;
    const client = new ApiClient(`http://127.0.0.1:${spec.ports.http}`);
    await client.signIn(login, this.pair.password);
    return client;
  }

  private async portsAreFree(): Promise<boolean> {
    const { problems, pair } = this;
    for (const { node, ports } of pair.specs) {
      for (const port of Object.values(ports)) {
        if (await isFree(port)) continue;
        const name = placeOf(node).name[problems.language];
        problems.line();
        problems.paragraph(
          problems.say(
            `端口 ${port}（${name}）已被别的程序占用，节点无法启动。`,
            `Port ${port} (${name}) is in use by another program, so the node cannot start.`,
          ),
          0,
        );
        problems.paragraph(
          problems.say(
            '端口在首次启动时选定，并写进了双方签署的协议，所以不会自行更换。请结束占用它的程序（lsof -i ' +
              `:${port} 可以查出是谁）后再次 npm start；或者 npm run reset 清空数据，重新选择端口。`,
            'Ports were chosen at the first start and stand in the agreement that both sides signed, so they do not ' +
              `change by themselves. End that program (lsof -i :${port} names it) and run npm start again, or clear the ` +
              'data with npm run reset, and other ports will be chosen.',
          ),
          0,
        );
        return false;
      }
    }
    return true;
  }

  /** Says what went wrong, and whose end it was: what fails first is often a request to a node that is going. */
  private async failed(error: unknown): Promise<number> {
    const { problems } = this;
    const gone = await Promise.race([
      ...this.nodes.map((node) => node.exited.then(() => node)),
      delay(exitNewsMs, null),
    ]);
    problems.line();
    if (gone || error instanceof NodeNotReady) {
      const { spec, lastWords } = gone ?? (error as NodeNotReady);
      const ended = gone ? await gone.exited : (error as NodeNotReady).ended;
      const { name } = placeOf(spec.node);
      problems.paragraph(
        problems.say(
          `${name.zh}的节点自己结束了（${ended}）。它的日志在 ${shownPath(logFile(spec))}，最后几行：`,
          `The node of ${name.en} ended by itself (${ended}). Its log is ${shownPath(logFile(spec))}; the last lines:`,
        ),
        0,
      );
      for (const line of lastWords.split('\n').slice(-5)) problems.line(`  ${line}`);
    } else {
      const reason = error instanceof Error ? error.message : String(error);
      problems.paragraph(problems.say(`没有成功：${reason}`, `That did not work: ${reason}`), 0);
    }
    await this.stopNodes();
    return 1;
  }

  private async end(): Promise<number> {
    const { screen, problems } = this;
    screen.line();
    const codes = await this.stopNodes();
    const bad = codes.findIndex((code) => code !== 0);
    if (bad >= 0) {
      const { node } = this.nodes[bad]!.spec;
      problems.paragraph(
        problems.say(
          `${placeOf(node).name.zh}的节点没有正常结束（${codes[bad]}），见 ${shownPath(logFile(this.nodes[bad]!.spec))}`,
          `The node of ${placeOf(node).name.en} did not end well (${codes[bad]}), see ${shownPath(logFile(this.nodes[bad]!.spec))}`,
        ),
        0,
      );
      return 1;
    }
    screen.paragraph(
      codes.length === 0
        ? screen.say('已停止。再次运行会接着做。', 'Stopped. The next run goes on from here.')
        : screen.say('两个节点已正常结束，数据留着。', 'Both nodes have ended; the data stays.'),
    );
    return 0;
  }

  private async stopNodes(): Promise<(number | string)[]> {
    // One may still be starting, and is being told to end.
    await this.starting;
    return Promise.all(this.nodes.map((node) => node.stop()));
  }
}

function passedRules({ results }: RecognitionDecision, screen: Screen): string {
  const rules = results.filter(({ result }) => result === 'pass').map(({ rule }) => rule);
  return screen.say(`${rules.join(' ')} 通过`, `${rules.join(' ')} passed`);
}

function deliveryWord(state: string, screen: Screen): string {
  switch (state) {
    case 'received':
      return screen.say('已送达', 'received');
    case 'refused':
      return screen.say('对方拒收', 'refused');
    case 'none':
      return screen.say('草稿', 'draft');
    default:
      return screen.say('投递中', 'on its way');
  }
}

function undelivered(transfer: TransferAnswer, screen: Screen): string {
  const { state, lastError, refusal } = transfer.delivery;
  const why = refusal ?? lastError ?? '';
  return isSettled(transfer)
    ? screen.say(`移送没有被接收（${state} ${why}）`, `the transfer was not received (${state} ${why})`)
    : screen.say(`等不到回执（${why}）`, `no receipt came (${why})`);
}
