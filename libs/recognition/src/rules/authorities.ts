import type { RecognitionAgreement, RecognitionParty } from '../agreement-terms';
import type { PowerSuccession } from '../catalogue';
import { chinaDay } from '../china-date';

function namesOf({ authority, aliases = [] }: RecognitionParty): string[] {
  return authority === undefined ? [...aliases] : [authority, ...aliases];
}

/** The names of an authority: the stated one and, where it is the party at that node, the others it goes by. */
export function namesAt(agreement: RecognitionAgreement, node: string, stated: string): string[] {
  const party = agreement.parties.find((entry) => entry.node === node);
  const names = party ? namesOf(party) : [];
  return names.includes(stated) ? names : [stated];
}

/** Which authorities have been succeeded by which, under all their names. */
export function successionsOf({ parties }: RecognitionAgreement): PowerSuccession[] {
  return parties.flatMap((party) => {
    const { successor } = party;
    const next = successor && parties.find(({ node }) => node === successor.node);
    if (!next) return [];
    const from = chinaDay(successor.from);
    return namesOf(party).flatMap((authority) => namesOf(next).map((name) => ({ authority, successor: name, from })));
  });
}
