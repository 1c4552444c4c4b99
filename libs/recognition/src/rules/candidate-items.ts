import { equivalentsOf, type ItemActor, type ItemRow } from '../catalogue';
import { coversPlace, itemRowAt, itemRowsFor } from '../catalogue/lookup';
import type { TransferParty } from '../transfer-data';
import type { RuleInput } from './rule';

/**
 * The items that the act may fall under where it happened: the transfer's own and what agreement and catalogues hold
 * to be the same or akin, as far as they are law at that place; where that gives none, all of its family there.
 * @param day for which the catalogues answer
 */
export function candidateItems(
  { act, catalogue, direction, transfer }: Pick<RuleInput, 'act' | 'catalogue' | 'direction' | 'transfer'>,
  day: string,
): ItemRow[] {
  const { code } = act.place;
  const { item } = transfer;
  if (item !== undefined) {
    const agreed = (direction?.equivalences ?? []).filter(({ a }) => a === item).map(({ b }) => b);
    const listed = (equivalentsOf(catalogue, item, day) ?? []).map((entry) => entry.item);
    const named = [...new Set([item, ...agreed, ...listed])]
      .map((name) => itemRowAt(catalogue, name, day))
      .filter((row) => row !== null)
      .filter((row) => coversPlace(row.jurisdiction, code));
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
