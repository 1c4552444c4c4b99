import {
  type AgreementDirection,
  type ForwardClock,
  type TransferClock,
  type TransferKind,
  transferClocks,
} from '@jieqiao/recognition';
import type { LifeClockId, LifeState } from './lifecycle';

type TimeLimit = NonNullable<AgreementDirection['timeLimits']>[number];

/** What an agreement calls each clock that the parties may set: the state to be reached, and after which. */
const limitFor: Partial<Record<LifeClockId, { step: LifeState; after?: LifeState; kinds?: readonly TransferKind[] }>> =
  {
    'squad-opinion': { step: 'LEGAL_REVIEW' },
    'legal-opinion': { step: 'PENDING_APPROVAL' },
    approval: { step: 'SENT' },
    delivery: { step: 'DELIVERED' },
    receipt: { step: 'RECEIVED' },
    acceptance: { step: 'ACCEPTED' },
    supplement: { step: 'RECEIVED', after: 'SUPPLEMENT_REQUESTED' },
    forwarding: { step: 'FORWARDED' },
    negotiation: { step: 'ACCEPTED', after: 'IN_DISPUTE' },
    designation: { step: 'DESIGNATED' },
    filing: { step: 'FILED' },
    feedback: { step: 'FEEDBACK_SENT', kinds: ['LEAD', 'CASE'] },
    confirmation: { step: 'CLOSED' },
    'assist-reply': { step: 'FEEDBACK_SENT', kinds: ['ASSIST'] },
  };

/**
 * The clocks under an agreement: the usual ones, with the lengths that the direction sets for this kind of transfer.
 * What a law sets is not for the parties to change.
 */
export function agreedClocks(limits: readonly TimeLimit[], kind: TransferKind): TransferClock[] {
  return transferClocks.map((row) => {
    const wanted = limitFor[row.id as LifeClockId];
    if (row.origin !== 'agreement' || !wanted || wanted.kinds?.includes(kind) === false) return row;
    const fits = ({ step, after }: TimeLimit) =>
      step === wanted.step && (after === wanted.after || (wanted.after === undefined && after === row.starts));
    const limit = (urgent: boolean) => {
      const fitting = limits.filter((each) => fits(each) && (each.urgent ?? false) === urgent);
      return fitting.find((each) => each.kind === kind) ?? fitting.find((each) => each.kind === undefined);
    };
    const [usual, urgent] = [limit(false), limit(true)];
    return {
      ...row,
      ...(usual ? { clock: clockOf(usual, row) } : {}),
      ...(urgent ? { urgent: clockOf(urgent, row) } : {}),
    };
  });
}

function clockOf({ amount, basis, rolls, unit }: TimeLimit, row: TransferClock): ForwardClock {
  return { unit, amount, direction: 'forward', rolls: rolls ?? false, basis: basis ?? row.clock.basis };
}
