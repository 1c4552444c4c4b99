import type { RecognitionDecision } from '@jieqiao/recognition';
import type { ApiClient } from './api-client';
import { addEvidence, createDraft, findByNumber, type Scenario, send, type TransferAnswer } from './scenario';

/** Longest wait for a receipt within one request; the node allows no more. */
const waitSeconds = 60;
const maxWaits = 3;

/** What happens on the way, told when it has happened. */
export interface Listener {
  drafted?(draft: TransferAnswer, resumed: boolean): void;
  stored?(place: number, file: { name: string; bytes: number; digest: string }): void;
  checked?(decision: RecognitionDecision): void;
  /** Before the send that acknowledges these rules, none where nothing is open. */
  sending?(acknowledged: string[]): Promise<void> | void;
}

/**
 * Carries a sample from draft to receipt, as its handling officer at the sending node. Broken off anywhere and called
 * again, it goes on where it was: the document number finds the draft, the Idempotency-Key the send.
 */
export async function carry(officer: ApiClient, scenario: Scenario, listener: Listener): Promise<TransferAnswer> {
  const [known] = await findByNumber(officer, 'out', scenario.transfer.number);
  const { id } = known ?? (await createDraft(officer, scenario));
  let transfer = await officer.get<TransferAnswer>(`/transfers/${id}`);
  listener.drafted?.(transfer, known !== undefined);
  if (transfer.state === 'DRAFT' || transfer.state === 'REJECTED_TECH') {
    let place = 0;
    await addEvidence(officer, id, scenario, (name, bytes, digest) => {
      place += 1;
      listener.stored?.(place, { name, bytes, digest });
    });
    listener.checked?.(await officer.get<RecognitionDecision>(`/transfers/${id}/check`));
  }
  const acknowledge = openRules(scenario);
  await listener.sending?.(acknowledge);
  const key = sendKey(transfer);
  for (let waits = 0; waits < maxWaits && !isSettled(transfer); waits++) {
    transfer = await send(officer, id, { acknowledge, key, waitSeconds });
  }
  return transfer;
}

/** The rules that the sample is known to leave open, and that its officer sends in spite of. */
export function openRules({ expected }: Scenario): string[] {
  const open = expected.sender.findings.filter(({ result }) => result === 'supplement').map(({ rule }) => rule);
  return [...new Set(open)].sort();
}

export const sendKey = ({ id }: { id: string }): string => `demo-${id}`;

export const isSettled = ({ delivery }: TransferAnswer): boolean =>
  delivery.state === 'received' || delivery.state === 'refused';
