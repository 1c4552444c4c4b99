import { setTimeout as delay } from 'node:timers/promises';
import type { RecognitionDecision } from '@jieqiao/recognition';
import type { ApiClient } from './api-client';
import { checkTransfer, giveCommand } from './casework';
import { inChina } from './play-clock';
import { addEvidence, createDraft, findByNumber, type Scenario, type TransferAnswer } from './scenario';
import type { Script, Step } from './steps';

/** How long a transfer may be on its way before the story is given up. */
const arrivalMs = 60_000;
const lookMs = 100;

/** What happens on the way, told when it has happened. */
export interface Listener {
  drafted?(draft: TransferAnswer, resumed: boolean): void;
  stored?(place: number, file: { name: string; bytes: number; digest: string }): void;
  checked?(decision: RecognitionDecision): void;
  /** After each of the script's commands. */
  done?(step: Step): void;
  /** The receiver has it: its view, and the sender's with the receipt. */
  arrived?(received: TransferAnswer, sent: TransferAnswer): void;
}

/** Who acts: somebody signed in at a node. */
export type As = (node: string, login: string) => Promise<ApiClient>;

/**
 * Carries a sample across by the first steps of its script: draft, evidence, signatures, sending, and what the receiver's
 * people do with it up to the command `last`. Broken off anywhere and called again, it goes on where it was: the document
 * number finds the draft, and a command that was given already is not given twice.
 * @returns the transfer as the sender shows it
 */
export async function carry(
  as: As,
  scenario: Scenario,
  script: Script,
  last: string,
  listener: Listener,
): Promise<TransferAnswer> {
  const { from, to, number } = scenario.transfer;
  const officer = await as(from.node, 'handler');
  const [known] = await findByNumber(officer, 'out', number);
  const { id } = known ?? (await createDraft(officer, scenario));
  const draft = await officer.get<TransferAnswer>(`/transfers/${id}`);
  listener.drafted?.(draft, known !== undefined);
  if (draft.state === 'DRAFT') {
    let place = 0;
    await addEvidence(officer, id, scenario, (name, bytes, digest) => {
      place += 1;
      listener.stored?.(place, { name, bytes, digest });
    });
    listener.checked?.(await checkTransfer(officer, id));
  }
  for (const step of commandsUpTo(script, last)) {
    const isHome = from.node.startsWith(`${step.node}.`);
    const client = await as(isHome ? from.node : to.node, step.by);
    const at = isHome ? id : (await arrived(await as(to.node, 'clerk'), number)).id;
    const data = inChina(step.data ?? {}) as Record<string, unknown>;
    await giveCommand(client, at, { command: step.do, data }, `start-${step.by}-${step.do}`);
    listener.done?.(step);
    if (step.do !== 'send' && step.do !== 'send-urgent') continue;
    const received = await arrived(await as(to.node, 'clerk'), number);
    listener.arrived?.(received, await settled(officer, id));
  }
  return officer.get<TransferAnswer>(`/transfers/${id}`);
}

/** The script's commands that succeed; drafting and looking are not among them. */
function commandsUpTo({ steps }: Script, last: string): Step[] {
  const end = steps.findIndex((step) => step.do === last);
  return steps
    .slice(0, end + 1)
    .filter(({ do: what, expect }) => !['draft', 'check'].includes(what) && !expect?.refused);
}

async function arrived(clerk: ApiClient, number: string): Promise<TransferAnswer> {
  for (const end = Date.now() + arrivalMs; Date.now() < end; await delay(lookMs)) {
    const [item] = await findByNumber(clerk, 'in', number);
    if (item) return clerk.get<TransferAnswer>(`/transfers/${item.id}`);
  }
  throw new Error(`${number} has not arrived`);
}

/** The sender's view once the receipt is there, or once it is clear that none will come. */
async function settled(officer: ApiClient, id: string): Promise<TransferAnswer> {
  for (const end = Date.now() + arrivalMs; ; await delay(lookMs)) {
    const transfer = await officer.get<TransferAnswer>(`/transfers/${id}`);
    if (transfer.receipt !== null || isSettled(transfer) || Date.now() > end) return transfer;
  }
}

export const isSettled = ({ delivery }: TransferAnswer): boolean =>
  delivery.state === 'received' || delivery.state === 'refused';
