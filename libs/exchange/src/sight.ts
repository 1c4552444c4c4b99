import { draftScope, type Matter, type Person } from '@jieqiao/access';
import type { SelectQueryBuilder } from 'typeorm';
import type { TransferRow } from './tables';

/** A transfer as permissions see it. */
export function matterOf(row: Pick<TransferRow, 'direction' | 'jti' | 'authorId' | 'unit'>): Matter {
  return { direction: row.direction, isSent: row.jti !== null, authorId: row.authorId, unit: row.unit };
}

/** Narrows a list's query to what the person sees of it. The transfer's alias is `t`. */
export function onlyVisible(query: SelectQueryBuilder<object>, person: Person): void {
  const scope = draftScope(person);
  if (scope === 'all') return;
  const { authorId, unit, ofUnit } = scope;
  const sameUnit = !ofUnit ? '' : unit === null ? ' OR t.unit IS NULL' : ' OR t.unit = :unit';
  const ours = "t.direction = 'in' OR t.jti IS NOT NULL OR t.authorId = :authorId";
  query.andWhere(`(${ours}${sameUnit})`, { authorId, unit });
}
