/**
 * The life of a transfer, as a table. Two axes that are never mixed: the business state says where the matter stands,
 * the delivery state says where its message stands. Casework adds the receiver's states and the internal review.
 */
export type TransferState = 'DRAFT' | 'SENT' | 'REJECTED_TECH' | 'DELIVERED';
export type DeliveryState = 'none' | 'queued' | 'received' | 'refused';

export type TransferCommand = 'edit' | 'send' | 'receive' | 'refuse';

interface Transition {
  from: readonly TransferState[];
  to: TransferState;
  delivery: DeliveryState;
}

const transitions: Record<TransferCommand, Transition> = {
  edit: { from: ['DRAFT', 'REJECTED_TECH'], to: 'DRAFT', delivery: 'none' },
  // A message that the other node refused may be sent again, in a new envelope.
  send: { from: ['DRAFT', 'REJECTED_TECH'], to: 'SENT', delivery: 'queued' },
  receive: { from: ['SENT'], to: 'DELIVERED', delivery: 'received' },
  refuse: { from: ['SENT'], to: 'REJECTED_TECH', delivery: 'refused' },
};

/** The states after a command, or null where the command is not allowed. */
export function transferAfter(
  state: TransferState,
  command: TransferCommand,
): { state: TransferState; delivery: DeliveryState } | null {
  const transition = transitions[command];
  return transition.from.includes(state) ? { state: transition.to, delivery: transition.delivery } : null;
}
