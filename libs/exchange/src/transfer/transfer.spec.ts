import { type TransferCommand, type TransferState, transferAfter } from './transfer';

const states: TransferState[] = ['DRAFT', 'SENT', 'REJECTED_TECH', 'DELIVERED'];
const allowed: Record<TransferCommand, TransferState[]> = {
  edit: ['DRAFT', 'REJECTED_TECH'],
  send: ['DRAFT', 'REJECTED_TECH'],
  receive: ['SENT'],
  refuse: ['SENT'],
};

describe('the life of a transfer', () => {
  for (const command of Object.keys(allowed) as TransferCommand[]) {
    it.each(states)(`${command} from %s`, (state) => {
      expect(transferAfter(state, command) !== null).toBe(allowed[command].includes(state));
    });
  }

  it('a delivered transfer is never edited, sent or refused', () => {
    expect(['edit', 'send', 'refuse'].map((command) => transferAfter('DELIVERED', command as TransferCommand))).toEqual(
      [null, null, null],
    );
  });
});
