import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { commandWords, refusalWords, stateWords } from '@jieqiao/exchange';
import { describeOutcome, type RecognitionDecision } from '@jieqiao/recognition';
import { ApiClient, ApiProblem } from './api-client';
import {
  changeItems,
  checkTransfer,
  decideAsProposed,
  giveCommand,
  handOver,
  type ItemChanges,
  operationByNumber,
  operationStep,
  proposeOperation,
  recordFindings,
  registerFiling,
  reopenDraft,
} from './casework';
import { mismatches } from './matching';
import { accounts, type Pair, placeOf } from './pair';
import { chinaInstantOf, inChina, type PlayClock } from './play-clock';
import {
  addEvidence,
  type Cargo,
  createDraft,
  findByNumber,
  type Life,
  readSample,
  type Sample,
  samplesDir,
  type TransferAnswer,
} from './scenario';
import { chinaInstant, type Screen } from './screen';
import { type Expected, readScript, type Script, type Step, timelineOf } from './steps';

/** How long two nodes may take to tell each other what was just done; on this machine it is a fraction of a second. */
const settleMs = 30_000;
const lookMs = 60;
/** Steps that need a few seconds of the nodes' own: their timers look every so often. */
const ownAccordMs = 90_000;

/** Two sides' views of one transfer. */
export interface BothSides {
  sender: TransferAnswer | null;
  receiver: TransferAnswer | null;
}

/** A transfer that has just been sent, for those who look closer. */
export interface JustSent {
  cargo: Cargo;
  officer: ApiClient;
  clerk: ApiClient;
  sent: TransferAnswer;
  received: TransferAnswer;
  /** Gives the command again, with the same key. */
  repeat: () => Promise<unknown>;
}

/** @returns whether all was as expected */
export type AfterSending = (sample: Sample, just: JustSent) => Promise<boolean>;

/** A case in the diary: its sample, its script, and what has come of it so far. */
interface Chapter {
  sample: Sample;
  script: Script;
  /** Something was not as expected. */
  failed: boolean;
  /** A step could not be done: what follows it would only go wrong as well. */
  over: boolean;
  /** Node's id of each transfer at the sender, by the name that the steps use. */
  transfers: Map<string, string>;
  filings: Map<string, string>;
  operation: string | null;
}

export interface Ending {
  name: string;
  expected: string;
  actual: string;
  good: boolean;
}

/** Several cases, lived through on the same nodes in the order of their dates. */
export class Diary {
  private readonly chapters: readonly Chapter[];
  private readonly clients = new Map<string, Promise<ApiClient>>();
  /** Ids of transfers by node and number. */
  private readonly known = new Map<string, string>();
  private day = '';

  constructor(
    names: readonly string[],
    private readonly pairs: readonly Pair[],
    private readonly clock: PlayClock,
    private readonly screen: Screen,
    private readonly afterSending: AfterSending,
  ) {
    this.chapters = names.map((name) => ({
      sample: readSample(name),
      script: readScript(name),
      failed: false,
      over: false,
      transfers: new Map(),
      filings: new Map(),
      operation: null,
    }));
  }

  async play(stop: AbortSignal): Promise<void> {
    for (const { script, index, step } of timelineOf(this.chapters.map((chapter) => chapter.script))) {
      const chapter = this.chapters.find((candidate) => candidate.script === script)!;
      if (chapter.over) continue;
      stop.throwIfAborted();
      this.clock.forwardTo(chinaInstantOf(step.at));
      await this.live(chapter, index, step);
    }
  }

  /** What has become of each case, by what both nodes show at the end. */
  async endings(): Promise<Ending[]> {
    const endings: Ending[] = [];
    for (const { sample, script, failed, transfers } of this.chapters) {
      const states = [];
      for (const [on, expected] of Object.entries(script.end.states)) {
        const { sender, receiver } = transfers.has(on)
          ? await this.look(cargoOf(sample, on))
          : { sender: null, receiver: null };
        states.push({ expected, actual: [sender?.state ?? '-', receiver?.state ?? '-'] });
      }
      const good = !failed && states.every(({ expected, actual }) => `${expected}` === `${actual}`);
      const words = this.screen.say(script.end.zh, script.end.en);
      const actual = states.map((each) => this.stateLine(each.actual[0]!, each.actual[1]!)).join('; ');
      endings.push({ name: sample.scenario, expected: words, actual: actual || (good ? words : '-'), good });
    }
    return endings;
  }

  private async live(chapter: Chapter, index: number, step: Step): Promise<void> {
    const problems: string[] = [];
    let outcome = '';
    try {
      outcome = await this.perform(chapter, index, step, problems);
    } catch (error) {
      problems.push(error instanceof ApiProblem ? problemLine(error) : String(error));
      chapter.over = true;
    }
    this.tell(chapter, step, outcome, problems);
    if (problems.length > 0) chapter.failed = true;
    if (chapter.over || (step.do !== 'send' && step.do !== 'send-urgent') || step.expect?.refused) return;
    const cargo = cargoOf(chapter.sample, step.on);
    const { from, to } = cargo.transfer;
    const [officer, clerk] = await Promise.all([this.as(from.node, 'handler'), this.as(to.node, 'clerk')]);
    const { sender, receiver } = await this.look(cargo);
    const repeat = () => this.act(chapter, step, keyOf(chapter, index));
    const just = { cargo, officer, clerk, sent: sender!, received: receiver!, repeat };
    if (!(await this.afterSending(chapter.sample, just))) chapter.failed = true;
  }

  /** Does what the step says and compares. @returns what came of it, in words */
  private async perform(chapter: Chapter, index: number, step: Step, problems: string[]): Promise<string> {
    const { expect = {} } = step;
    const answer = await this.act(chapter, step, keyOf(chapter, index)).catch((error: unknown): Answer => {
      if (!(error instanceof ApiProblem) || !expect.refused) throw error;
      return { refusal: error };
    });
    if (expect.refused) {
      if (!answer || !('refusal' in answer)) {
        problems.push(`not refused: ${expect.refused.code} ${expect.refused.reason ?? ''}`);
        return '';
      }
      problems.push(...refusalMismatches(expect.refused, answer.refusal));
      return this.refusalWord(answer.refusal);
    }
    const told: string[] = [];
    if (answer && 'decision' in answer) told.push(await this.compareDecision(chapter, step, answer.decision, problems));
    if (answer && 'said' in answer) {
      told.push(answer.said);
      problems.push(...answer.problems);
    }
    if (chapter.transfers.has(step.on ?? 'main')) {
      const cargo = cargoOf(chapter.sample, step.on);
      const sides = await this.settled(cargo, step, step.do === 'wait' ? ownAccordMs : settleMs, problems);
      problems.push(...this.compareSides(cargo, step, sides, expect));
      if (changesState(step)) told.push(this.whereItStands(cargo, step, sides, expect));
    }
    return told.filter((text) => text !== '').join(' · ');
  }

  private async act(chapter: Chapter, step: Step, key: string): Promise<Answer> {
    const { sample, transfers } = chapter;
    const client = await this.as(step.node, step.by);
    const data = inChina(step.data ?? {}) as Record<string, unknown>;
    const on = step.on ?? 'main';
    switch (step.do) {
      case 'draft': {
        const cargo = cargoOf(sample, step.on);
        const { id } = await createDraft(client, cargo);
        await addEvidence(client, id, cargo);
        transfers.set(on, id);
        return null;
      }
      case 'register-filing': {
        const { authority } = placeOf(step.node);
        // A case that came of the transfer is no second one about the same act.
        const came = step.on ? { transfer: await this.idAt(cargoOf(sample, step.on), step.node) } : {};
        const filing = { authority: authority.zh, ...this.actOf(sample), ...came, ...data };
        chapter.filings.set(step.filing!, await registerFiling(client, filing));
        return null;
      }
      case 'basis':
        return this.basis(step);
      case 'wait':
        return null;
      case 'propose-operation': {
        const { id, number } = { ...(await proposeOperation(client, sample.operation!, key)), ...sample.operation! };
        chapter.operation = id;
        return { said: number, problems: [] };
      }
      case 'agree-operation':
      case 'record-object':
      case 'record-recheck':
      case 'sign-operation':
        return this.operation(chapter, step, client, data, key);
    }
    const id = await this.idAt(cargoOf(sample, step.on), step.node);
    switch (step.do) {
      case 'edit':
        await reopenDraft(client, id, sample.transfer!.cause);
        return null;
      case 'check':
        return { decision: await checkTransfer(client, id) };
      case 'decide-items':
        await decideAsProposed(client, id);
        return null;
      case 'findings':
        await recordFindings(client, id, data);
        return null;
      case 'change-items': {
        const changes = readChanges(chapter.script.name)[String(data.change)]!;
        await changeItems(client, id, cargoOf(sample, step.on), changes);
        return null;
      }
      case 'hand-over': {
        const items = await this.itemsAt(cargoOf(sample, step.on), step.node, data.items as string[]);
        await handOver(client, id, items, String(data.reason));
        return null;
      }
      default: {
        const filing = step.filing === undefined ? undefined : chapter.filings.get(step.filing)!;
        const { items } = data as { items?: string[] };
        const named = items ? { ...data, items: await this.sealedItems(cargoOf(sample, step.on), items) } : data;
        const { acknowledge } = step;
        await giveCommand(client, id, { command: step.do, data: named, filing, acknowledge }, key);
        return null;
      }
    }
  }

  private async operation(
    chapter: Chapter,
    step: Step,
    client: ApiClient,
    data: Record<string, unknown>,
    key: string,
  ): Promise<Answer> {
    const plan = chapter.sample.operation!;
    const operation = await waitFor(settleMs, () => operationByNumber(client, plan.number));
    if (!operation) return { said: '', problems: ['operation: not there'] };
    const command = step.do.replace('-operation', '');
    const object = typeof data.object === 'number' ? { ...plan.objects[data.object - 1]!, ...data } : data;
    const after = await operationStep(client, operation.id, { command, data: object }, key);
    const { operation: expected, transfers, statistics } = step.expect ?? {};
    const problems: string[] = [];
    if (expected) {
      const { objects, ...rest } = expected;
      problems.push(...mismatches(rest, after));
      if (objects !== undefined) problems.push(...mismatches(objects, after.objects.length, 'objects'));
    }
    if (transfers !== undefined) {
      const { items } = await client.get<{ items: { title?: string }[] }>('/transfers?limit=200');
      const ours = items.filter(({ title }) => title === plan.number).length;
      problems.push(...mismatches(transfers, ours, 'transfers'));
    }
    if (statistics) problems.push(...mismatches(statistics, await client.get('/operations/statistics'), 'statistics'));
    return { said: after.state, problems };
  }

  /** On what the two sides' agreement rests in one direction. */
  private basis(step: Step): Answer {
    const [from, to] = [placeOf(String(step.data?.from)), placeOf(String(step.data?.to))];
    const pair = this.pairOf(from.node);
    const direction = pair.terms.directions.find((each) => each.from === from.node && each.to === to.node);
    const laws = direction?.legalBasis.map(({ law }) => law) ?? [];
    const { language } = this.screen;
    const articles = (direction?.legalBasis ?? []).map(({ law, article }) => `《${law}》[${article}]`);
    const said = this.screen.say(
      `${from.name[language]}→${to.name[language]}：${articles.join('、')}`,
      `${from.name[language]}→${to.name[language]}: ${articles.join(', ')}`,
    );
    return { said, problems: mismatches(step.expect?.laws ?? [], laws, 'laws') };
  }

  private async compareDecision(
    chapter: Chapter,
    step: Step,
    decision: RecognitionDecision,
    problems: string[],
  ): Promise<string> {
    const { outcome, rules = {}, proposals = {} } = step.expect ?? {};
    if (outcome !== undefined) problems.push(...mismatches(outcome, decision.outcome, 'outcome'));
    for (const [rule, result] of Object.entries(rules)) {
      const found = [...new Set(decision.results.filter((each) => each.rule === rule).map((each) => each.result))];
      // A rule that asks of each item gives its worst answer.
      const worst = ['block', 'supplement', 'warn', 'pass', 'not-applicable'].find((each) =>
        found.includes(each as never),
      );
      problems.push(...mismatches(result, worst ?? null, rule));
    }
    const cargo = cargoOf(chapter.sample, step.on);
    const sealed = await this.sealedItems(cargo, Object.keys(proposals));
    for (const [i, [sampleId, level]] of Object.entries(proposals).entries()) {
      const found = decision.proposals.find(({ evidence }) => evidence === sealed[i]);
      problems.push(...mismatches(level, found?.proposed ?? null, sampleId));
    }
    const open = decision.results.filter(({ result }) => result !== 'pass' && result !== 'not-applicable');
    const named = [...new Set(open.map(({ rule }) => rule))].sort().join(' ');
    const word = describeOutcome(decision.outcome, this.screen.language);
    return named === '' ? word : `${word}${this.screen.say('：', ': ')}${named}`;
  }

  /** Both views once everything that was said has been taken, or at the end of the patience. */
  private async settled(cargo: Cargo, step: Step, patienceMs: number, problems: string[]): Promise<BothSides> {
    const wanted = step.do === 'wait' ? step.expect?.both : undefined;
    let sides = await this.look(cargo);
    const isDone = () => agree(sides) && (wanted === undefined || sides.receiver?.state === wanted);
    for (const end = Date.now() + patienceMs; !isDone() && Date.now() < end; ) {
      await delay(lookMs);
      sides = await this.look(cargo);
    }
    if (!agree(sides)) problems.push(`the two sides do not agree after ${patienceMs / 1000} s`);
    return sides;
  }

  private compareSides(cargo: Cargo, step: Step, sides: BothSides, expect: Expected): string[] {
    const atSender = placeOf(step.node).node === cargo.transfer.from.node;
    const here = atSender ? sides.sender : sides.receiver;
    const there = atSender ? sides.receiver : sides.sender;
    const problems: string[] = [];
    if (expect.both !== undefined) {
      problems.push(...mismatches(expect.both, sides.sender?.state ?? null, 'sender'));
      problems.push(...mismatches(expect.both, sides.receiver?.state ?? null, 'receiver'));
    }
    if (expect.here) problems.push(...mismatches(expect.here, here));
    if (expect.there) problems.push(...mismatches(expect.there, there));
    for (const [id, due] of Object.entries(expect.due ?? {}))
      problems.push(...mismatches(due, dueOf(here?.life, id), `${id} due`));
    for (const [id, due] of Object.entries(expect.dueThere ?? {}))
      problems.push(...mismatches(due, dueOf(there?.life, id), `${id} due there`));
    for (const id of expect.thereWithout ?? []) {
      if (there?.life?.clocks.some((clock) => clock.id === id)) problems.push(`${id}: shown to the other side`);
    }
    const decided = Object.values(here?.decisions ?? {}).map(({ level }) => level);
    const level = expect.levels?.['*'];
    if (level !== undefined) {
      const all = cargo.transfer.evidence.map(() => level);
      problems.push(...mismatches(all, decided.slice(0, all.length), 'levels'));
    }
    return problems;
  }

  private tell({ sample }: Chapter, step: Step, outcome: string, problems: readonly string[]): void {
    const { screen } = this;
    const [day, time] = step.at.split(' ') as [string, string];
    if (day !== this.day) screen.heading(day);
    this.day = day;
    const place = placeOf(step.node).name[screen.language];
    const role = accounts.find(({ login }) => login === step.by)!.title[screen.language];
    const words = commandWords[step.do as keyof typeof commandWords] ?? stepWords[step.do];
    const what = step.say ? screen.say(step.say.zh, step.say.en) : (words?.[screen.language] ?? step.do);
    const details = detailsOf(step);
    screen.entry(
      problems.length === 0,
      time,
      sample.scenario,
      `${place} ${role}`,
      `${what}${details}`,
      outcome,
      problems,
    );
  }

  private whereItStands(cargo: Cargo, step: Step, { sender, receiver }: BothSides, expect: Expected): string {
    if (!sender) return '';
    const state = this.stateLine(sender.state, receiver?.state ?? sender.state);
    const due = { ...expect.due, ...expect.dueThere };
    const clocks = Object.entries(due).map(([id, end]) => `${clockWord(id, this.screen)} ${end}`);
    const isAtHome = receiver === null && placeOf(step.node).node === cargo.transfer.from.node;
    return [isAtHome ? this.stateWord(sender.state) : state, ...clocks].join(this.screen.say('，', ', '));
  }

  private stateLine(sender: string, receiver: string): string {
    if (sender === receiver) return this.screen.say(`两侧${this.stateWord(sender)}`, `both ${this.stateWord(sender)}`);
    const { screen } = this;
    return screen.say(
      `移送方${this.stateWord(sender)}，接收方${this.stateWord(receiver)}`,
      `sender ${this.stateWord(sender)}, receiver ${this.stateWord(receiver)}`,
    );
  }

  private stateWord(state: string): string {
    return stateWords[state as keyof typeof stateWords]?.[this.screen.language] ?? state;
  }

  private refusalWord({ code, body }: ApiProblem): string {
    const params = (body.params ?? {}) as { reason?: string; rules?: string[] };
    const words = refusalWords[params.reason as keyof typeof refusalWords]?.[this.screen.language];
    const named = [params.reason ?? code, ...(params.rules ?? [])].join(' ');
    return this.screen.say(`不予办理：${words ?? ''}（${named}）`, `refused: ${words ?? ''} (${named})`);
  }

  /** What a filing is about, for the comparison with other registers. */
  private actOf({ transfer }: Sample): object {
    if (!transfer) return {};
    const { act, family, parties, discoveredAt } = transfer;
    return { act, family, parties, discoveredAt };
  }

  private async look({ transfer: { from, to, number } }: Cargo): Promise<BothSides> {
    const view = async (node: string, direction: 'out' | 'in'): Promise<TransferAnswer | null> => {
      // Drafts are their unit's to see.
      const officer = await this.as(node, 'handler');
      const name = `${node} ${number}`;
      const id = this.known.get(name) ?? (await findByNumber(officer, direction, number))[0]?.id;
      if (id === undefined) return null;
      this.known.set(name, id);
      return officer.get<TransferAnswer>(`/transfers/${id}`);
    };
    const [sender, receiver] = await Promise.all([view(from.node, 'out'), view(to.node, 'in')]);
    return { sender, receiver };
  }

  private async viewAt(cargo: Cargo, node: string): Promise<TransferAnswer> {
    const { sender, receiver } = await this.look(cargo);
    const view = placeOf(node).node === cargo.transfer.from.node ? sender : receiver;
    if (!view) throw new Error(`${cargo.transfer.number} is not at ${node}`);
    return view;
  }

  private async idAt(cargo: Cargo, node: string): Promise<string> {
    return (await this.viewAt(cargo, node)).id;
  }

  /** The ids by which the sealed list of evidence names the sample's items. */
  private async sealedItems(cargo: Cargo, items: readonly string[]): Promise<string[]> {
    return this.itemsAt(cargo, cargo.transfer.from.node, items);
  }

  private async itemsAt(cargo: Cargo, node: string, items: readonly string[]): Promise<string[]> {
    const view = await this.viewAt(cargo, node);
    const names = new Map(cargo.transfer.evidence.map(({ id, fileName }) => [id, fileName]));
    return items.map((item) => view.evidence.find(({ fileName }) => fileName === names.get(item))!.id);
  }

  private pairOf(node: string): Pair {
    return this.pairs.find(({ specs }) => specs.some((spec) => spec.node === placeOf(node).node))!;
  }

  /** Somebody's client; a session that the clock has left behind is opened anew. */
  private async as(node: string, login: string): Promise<ApiClient> {
    const name = `${placeOf(node).node} ${login}`;
    const known = await this.clients.get(name);
    if (known?.isSignedIn(this.clock.now())) return known;
    const pair = this.pairOf(node);
    const spec = pair.specs.find((each) => each.node === placeOf(node).node)!;
    const opening = (async () => {
      const client = new ApiClient(`http://127.0.0.1:${spec.ports.http}`);
      await client.signIn(login, pair.password);
      return client;
    })();
    this.clients.set(name, opening);
    return opening;
  }
}

/** What a step brought besides a change of the transfer; for comparing, or told already. */
type Answer = { decision: RecognitionDecision } | { said: string; problems: string[] } | { refusal: ApiProblem } | null;

const stepWords: Record<string, { zh: string; en: string }> = {
  draft: { zh: '起草，存入证据', en: 'drafts it and stores the evidence' },
  edit: { zh: '打开修改', en: 'opens it for changes' },
  check: { zh: '自查互认规则', en: 'asks the recognition rules' },
  'decide-items': { zh: '逐项认定证据', en: 'decides on each item of evidence' },
  findings: { zh: '登记己方查明的情况', en: 'records what this side has found' },
  'register-filing': { zh: '立案登记', en: 'enters a filing in the register' },
  'change-items': { zh: '更换证据文件', en: 'changes items of evidence' },
  'hand-over': { zh: '实物交接', en: 'hands things over' },
  basis: { zh: '查看互认依据', en: 'looks up the legal basis' },
  wait: { zh: '无人操作', en: 'nobody does anything' },
  'propose-operation': { zh: '提出联合执法方案', en: 'proposes a joint operation' },
  'agree-operation': { zh: '同意方案', en: 'agrees to the plan' },
  'record-object': { zh: '登记检查对象', en: 'records an object' },
  'record-recheck': { zh: '登记复查', en: 'records a second check' },
  'sign-operation': { zh: '签署联合执法记录', en: 'signs the record' },
};

const clockWords: Record<string, { zh: string; en: string }> = {
  receipt: { zh: '签收期限', en: 'receipt due' },
  acceptance: { zh: '受理期限', en: 'acceptance due' },
  supplement: { zh: '补充期限', en: 'supplement due' },
  forwarding: { zh: '转送期限', en: 'forwarding due' },
  negotiation: { zh: '协商期限', en: 'negotiation until' },
  filing: { zh: '立案期限', en: 'filing due' },
  decision: { zh: '决定期限', en: 'decision due' },
  feedback: { zh: '反馈期限', en: 'feedback due' },
  confirmation: { zh: '确认期限', en: 'confirmation until' },
  'approval-afterwards': { zh: '补审期限', en: 'approval afterwards due' },
  'assist-reply': { zh: '答复期限', en: 'reply due' },
  'crime-decision': { zh: '移送决定期限', en: 'referral decision due' },
  'crime-handover': { zh: '移送公安期限', en: 'referral due' },
  'police-decision': { zh: '公安决定期限', en: 'police decision due' },
  'crime-items-handover': { zh: '物品移交期限', en: 'items due' },
};

/** Of the command, for ever: a step done twice is done once. */
const keyOf = ({ script }: Chapter, index: number): string => `${script.name}-${index}`;

const clockWord = (name: string, { language }: Screen): string => clockWords[name.split('@')[0]!]?.[language] ?? name;

const cargoOf = (sample: Sample, on = 'main'): Cargo =>
  on === 'main' ? { transfer: sample.transfer!, files: sample.files } : sample.others![on]!;

/** Replicas agree when both have the same records in the same order. */
function agree({ sender, receiver }: BothSides): boolean {
  if (!sender?.life) return receiver === null;
  if (!receiver?.life) return sender.life.records.length === 0;
  const told = ({ records, crossed }: Life) => [records, crossed];
  return isDeepStrictEqual(told(sender.life), told(receiver.life));
}

/** Whether it is of interest where the transfer stands after this step. */
const changesState = ({ do: what }: Step): boolean =>
  !['check', 'findings', 'decide-items', 'change-items', 'hand-over', 'basis', 'register-filing', 'draft'].includes(
    what,
  );

/**
 * The end of the clock of this name that was started last: a Chinese day, or for hours the minute.
 * @param name the clock's id, with `@` and its owner where both sides have one
 */
function dueOf(life: Life | null | undefined, name: string): string | null {
  const [id, owner] = name.split('@');
  const due = life?.clocks.findLast((clock) => clock.id === id && (!owner || clock.owner === owner))?.due;
  if (!due) return null;
  const at = chinaInstant(new Date(due.at));
  return at.endsWith('00:00:00') ? due.day : at.slice(0, 16);
}

function refusalMismatches(expected: NonNullable<Expected['refused']>, { code, body }: ApiProblem): string[] {
  const params = (body.params ?? {}) as Record<string, unknown>;
  return [
    ...mismatches(expected.code, code, 'code'),
    ...(expected.reason ? mismatches(expected.reason, params.reason, 'reason') : []),
    ...(expected.rules ? mismatches(expected.rules, params.rules, 'rules') : []),
  ];
}

const problemLine = ({ message, body }: ApiProblem): string => `${message} ${JSON.stringify(body.params ?? {})}`;

const detailKeys = [
  'number',
  'code',
  'department',
  'matter',
  'until',
  'outcome',
  'step',
  'ground',
  'handling',
] as const;

function detailsOf({ data = {}, acknowledge = [] }: Step): string {
  const named = [...detailKeys.flatMap((name) => (name in data ? [String(data[name])] : [])), ...acknowledge];
  return named.length === 0 ? '' : ` [${named.join(' ')}]`;
}

function readChanges(name: string): Record<string, ItemChanges> {
  return JSON.parse(readFileSync(join(samplesDir, `${name}-supplement.json`), 'utf8')) as Record<string, ItemChanges>;
}

async function waitFor<T>(patienceMs: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const end = Date.now() + patienceMs; ; await delay(lookMs)) {
    const found = await look();
    if (found !== undefined || Date.now() > end) return found;
  }
}
