import { randomBytes } from 'node:crypto';
import type { Person, Role } from '@jieqiao/access';
import { uuidv7 } from '@jieqiao/core';
import type { Command, CommandData, Transfers } from '@jieqiao/exchange';

/** A node's people: `second-handler` is the other officer. */
export type Who = Role | 'second-handler';

/** Somebody for each role, always the same. */
export class People {
  private readonly known = new Map<Who, Person>();

  of(who: Who): Person {
    const known = this.known.get(who);
    if (known) return known;
    const person: Person = {
      id: uuidv7(Date.now(), randomBytes(10)),
      login: who,
      name: who,
      roles: [who === 'second-handler' ? 'handler' : who],
      certNo: who === 'legal-reviewer' ? 'legal-0001' : null,
      unit: null,
      qualifiedSince: who === 'legal-reviewer' ? '2018-09-01' : null,
    };
    this.known.set(who, person);
    return person;
  }
}

export const commandKey = (): string => randomBytes(8).toString('hex');

/** The steps at home before the seal keeper may send a draft: who does what. */
export const homePath: readonly (readonly [Who, Command])[] = [
  ['handler', 'sign'],
  ['second-handler', 'submit'],
  ['squad-lead', 'endorse'],
  ['legal-reviewer', 'clear'],
  ['head', 'approve'],
];

/** Takes a draft so far that it may be sent. Nothing happens to what is no draft. */
export async function approveDraft(
  transfers: Transfers,
  people: People,
  transferId: string,
  acknowledge: readonly string[] = [],
): Promise<void> {
  const { state } = await transfers.get(people.of('handler'), transferId);
  if (state !== 'DRAFT') return;
  for (const [who, command] of homePath) {
    const request = { command, data: {}, acknowledge, idempotencyKey: commandKey(), waitMs: 0 };
    await transfers.command(people.of(who), transferId, request);
  }
}

export function give(
  transfers: Transfers,
  person: Person,
  transferId: string,
  command: Command,
  { data = {} as CommandData, acknowledge = [] as readonly string[], key = commandKey(), waitMs = 0 } = {},
) {
  return transfers.command(person, transferId, { command, data, acknowledge, idempotencyKey: key, waitMs });
}
