import { GatewayError } from '@jieqiao/core';
import { casework, isPermitted, type Permission, requirePermission } from './permissions';
import type { Person } from './person';

/** What decides who sees a transfer. */
export interface Matter {
  /** `in`: a peer's, received here. */
  direction: 'out' | 'in';
  /** It was sent at least once. What has not been sent is a draft, wherever on the path to approval. */
  isSent: boolean;
  authorId: string | null;
  /** The author's unit; null where the author has none. */
  unit: string | null;
}

/**
 * How much of one transfer somebody sees. `metadata`: ids, number, kind, peer, states and times, no title, no text.
 * `for-a-reason`: the content too, once the reason is stated and recorded.
 */
export type Sight = 'content' | 'for-a-reason' | 'metadata' | 'none';

const approvers = ['legal-reviewer', 'head', 'seal-keeper'] as const;
const squad = ['handler', 'squad-lead'] as const;

function hasOneOf({ roles }: Person, wanted: readonly string[]): boolean {
  return roles.some((role) => wanted.includes(role));
}

/**
 * Received and sent matters are the whole authority's. A draft is its author's, its unit's and its approvers'; persons
 * without a unit are one unit, so a node that knows no units has one.
 */
export function sightOf(person: Person, matter: Matter): Sight {
  const isOwn = matter.authorId === person.id && hasOneOf(person, casework);
  const isOurs = matter.direction === 'in' || matter.isSent;
  const isOfUnit = matter.unit === person.unit && hasOneOf(person, squad);
  if (isOwn || (isOurs && hasOneOf(person, casework)) || isOfUnit || hasOneOf(person, approvers)) return 'content';
  if (hasOneOf(person, ['supervisor'])) return 'for-a-reason';
  return hasOneOf(person, ['security-auditor']) ? 'metadata' : 'none';
}

/** Which drafts somebody sees in a list besides all that was sent or received. */
export type DraftScope = 'all' | { authorId: string; unit: string | null; ofUnit: boolean };

/** The same as `sightOf` for a list's query: drafts for which that is not `none`. */
export function draftScope(person: Person): DraftScope {
  if (hasOneOf(person, [...approvers, 'supervisor', 'security-auditor'])) return 'all';
  return { authorId: person.id, unit: person.unit, ofUnit: hasOneOf(person, squad) };
}

/**
 * The check of the person and of the object, in one: the first line of every use case on a transfer.
 * @returns how the person sees the content; never less than `metadata` where `wanted` is that
 * @throws FORBIDDEN {permission}
 */
export function requireSight(
  person: Person,
  permission: Permission,
  matter: Matter,
  wanted: 'content' | 'metadata' = 'content',
): Sight {
  requirePermission(person, permission);
  const sight = sightOf(person, matter);
  if (sight === 'none' || (wanted === 'content' && sight === 'metadata')) {
    throw new GatewayError('FORBIDDEN', { permission });
  }
  return sight;
}

/** Whether somebody may ever need to state a reason: then a read also writes. */
export function readsForReasons(person: Person): boolean {
  return hasOneOf(person, ['supervisor']) && isPermitted(person, 'transfer.read');
}
