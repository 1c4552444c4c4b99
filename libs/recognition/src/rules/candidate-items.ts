import { equivalentsOf, type ItemActor, type ItemRow } from '../catalogue';
import { coversPlace, itemRowAt, itemRowsFor } from '../catalogue/lookup';
import type { TransferParty } from '../transfer-data';
import type { RuleInput } from './rule';

/**
 * The items that the act may fall under where it happened: the transfer's own and what agreement and catalogues hold
 * to be the same or akin, as far as they are law at that place; where that gives none, all of its family there.
 * @param day for which the catalogues answer
 * @param reach `closest`: items that are only related are left out where there are others
 */
export function candidateItems(
  { act, catalogue, direction, transfer }: Pick<RuleInput, 'act' | 'catalogue' | 'direction' | 'transfer'>,
  day: string,
  reach: 'closest' | 'all',
): ItemRow[] {
  const { code } = act.place;
  const { item } = transfer;
  if (item !== undefined) {
    const agreed = (direction?.equivalences ?? []).filter(({ a }) => a === item);
    const listed = equivalentsOf(catalogue, item, day) ?? [];
    const akin = [...agreed.map(({ b, relation }) => ({ item: b, relation })), ...listed];
    const lawThere = (names: readonly string[]) =>
      [...new Set(names)]
        .map((name) => itemRowAt(catalogue, name, day))
        .filter((row) => row !== null)
        .filter((row) => coversPlace(row.jurisdiction, code));
    const close = lawThere([item, ...akin.filter(({ relation }) => relation !== 'related').map((entry) => entry.item)]);
    if (reach === 'closest' && close.length > 0) return close;
    const named = lawThere([item, ...akin.map((entry) => entry.item)]);
    if (named.length > 0) return named;
  }
  const question = { family: transfer.family, jurisdiction: code, day };
  const actors = actorsOf(transfer.parties);
  return itemRowsFor(catalogue, actors ? { ...question, actors } : question) ?? [];
}

/** All that a party is known to be; null while it may be more than is stated. */
export function actorsOfParty({ kind, roles, vessel }: TransferParty): ItemActor[] | null {
  if (kind === 'unknown' || roles === undefined) return null;
  return [
    kind === 'natural' ? 'person' : 'organisation',
    ...roles,
    ...(vessel === undefined ? [] : ['vessel' as const]),
  ];
}

function actorsOf(parties: readonly TransferParty[]): ItemActor[] | null {
  const each = parties.map(actorsOfParty);
  return each.every((actors) => actors !== null) ? [...new Set(each.flat())] : null;
}
