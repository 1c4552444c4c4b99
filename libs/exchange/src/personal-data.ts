import { GatewayError } from '@jieqiao/core';
import { insertRows, type Tx, type Vault } from '@jieqiao/platform';
import { maskBlock, masks, type PersonalBlock, type PersonalField, personalFaults } from '@jieqiao/recognition';
import { In } from 'typeorm';
import { type BundleRow, PersonalDataRow } from './tables';

/** Holder of a draft's own blocks; those of an evidence item are held under its id. */
export const ofCaseData = 'case-data';

/** Typed personal data of one form, apart from the rest of it. */
export interface Held {
  /** By the party's place in the list. */
  parties?: Record<string, PersonalBlock>;
  /** Who reported it: asked for where the form is kept, and never part of what is sent. */
  reporter?: PersonalBlock;
  /** Whoever gave the statement that is an evidence item. */
  personal?: PersonalBlock;
}

/** A form with its blocks in their places. */
type Form = Record<string, unknown> & {
  parties?: { personal?: PersonalBlock }[];
  reporter?: PersonalBlock;
  personal?: PersonalBlock;
};

function split(form: Record<string, unknown>): { rest: Record<string, unknown>; held: Held } {
  const { reporter, personal, ...rest } = form as Form;
  const held: Held = { ...(reporter && { reporter }), ...(personal && { personal }) };
  const parties: Record<string, PersonalBlock> = {};
  if (rest.parties) {
    rest.parties = rest.parties.map(({ personal: block, ...party }, i) => {
      if (block) parties[i] = block;
      return party;
    });
  }
  if (Object.keys(parties).length > 0) held.parties = parties;
  return { rest, held };
}

/** Puts the blocks back into the form that they were taken from. */
export function join(form: Record<string, unknown>, { parties = {}, ...own }: Held = {}): Record<string, unknown> {
  const whole = { ...form, ...own } as Form;
  if (whole.parties) {
    whole.parties = whole.parties.map((party, i) => (parties[i] ? { ...party, personal: parties[i] } : party));
  }
  return whole;
}

/** For pages: the form with its blocks masked. */
export function joinMasked(form: Record<string, unknown>, held: Held = {}): Record<string, unknown> {
  return join(form, mapBlocks(held, maskBlock));
}

/** Every block with its place, as a pointer into the form. */
export function blocksOf({ parties = {}, reporter, personal }: Held = {}): [pointer: string, block: PersonalBlock][] {
  return [
    ...Object.entries(parties).map(([i, block]): [string, PersonalBlock] => [`/parties/${i}/personal`, block]),
    ...(reporter ? [['/reporter', reporter] as [string, PersonalBlock]] : []),
    ...(personal ? [['/personal', personal] as [string, PersonalBlock]] : []),
  ];
}

function mapBlocks(held: Held, change: (block: PersonalBlock, pointer: string) => PersonalBlock): Held {
  const { parties, reporter, personal } = held;
  return {
    ...(parties && {
      parties: Object.fromEntries(
        Object.entries(parties).map(([i, block]) => [i, change(block, `/parties/${i}/personal`)]),
      ),
    }),
    ...(reporter && { reporter: change(reporter, '/reporter') }),
    ...(personal && { personal: change(personal, '/personal') }),
  };
}

/**
 * A page sends a form back as it was shown: a masked value stands for what is kept. It is looked for at the same place
 * first, then wherever one value alone has that mask.
 * @throws VALIDATION_FAILED {errors}: pointers into the request, whose member `data` the form is; never values
 */
function unmasked(given: Held, kept: Held): Held {
  const before = new Map(blocksOf(kept));
  const errors: string[] = [];
  const result = mapBlocks(given, (block, pointer) => {
    const whole: Record<string, unknown> = { ...block };
    for (const [field, mask] of Object.entries(masks) as [PersonalField, (value: string) => string][]) {
      const value = block[field];
      if (typeof value !== 'string' || !value.includes('*')) continue;
      const hidden = (one: PersonalBlock | undefined) => {
        const own = one?.[field];
        return typeof own === 'string' && mask(own) === value ? [own] : [];
      };
      const here = hidden(before.get(pointer));
      const anywhere = new Set([...before.values()].flatMap(hidden));
      const found = here[0] ?? (anywhere.size === 1 ? [...anywhere][0] : undefined);
      if (found === undefined) errors.push(`/data${pointer}/${field} masked`);
      else whole[field] = found;
    }
    for (const { field, rule } of personalFaults(whole as PersonalBlock)) {
      if (!String(whole[field]).includes('*')) errors.push(`/data${pointer}/${field} ${rule}`);
    }
    return whole as PersonalBlock;
  });
  if (errors.length > 0) throw new GatewayError('VALIDATION_FAILED', { errors: errors.slice(0, 50) });
  return result;
}

/** What drafts hold, by transfer and holder. */
export class HeldData {
  private readonly byKey = new Map<string, Held>();

  add(transfer: string, holder: string, held: Held): void {
    this.byKey.set(`${transfer} ${holder}`, held);
  }

  of(transfer: string, holder: string): Held | undefined {
    return this.byKey.get(`${transfer} ${holder}`);
  }
}

/**
 * Where typed personal data lies at rest: of drafts in a table of its own, of what was sealed in the bundle's
 * `transfer.json`; both encrypted under the node's data key. Forms elsewhere in the database never have it in them.
 */
export class PersonalData {
  constructor(private readonly vault: Vault) {}

  /**
   * Takes the personal data out of a form and keeps it in place of what was kept for the holder before.
   * @returns the form without it
   */
  async keep(
    tx: Tx,
    transfer: string,
    holder: string,
    form: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const { rest, held } = split(form);
    const before = await tx.findOneBy(PersonalDataRow, { transferId: transfer, holder });
    const whole = unmasked(held, before ? this.read(before) : {});
    if (before) await this.drop(tx, transfer, holder);
    if (blocksOf(whole).length > 0) {
      const sealed = this.vault.seal(aboutForm(transfer, holder), Buffer.from(JSON.stringify(whole)));
      await insertRows(tx, PersonalDataRow, [{ transferId: transfer, holder, sealed }]);
    }
    return rest;
  }

  async drop(tx: Tx, transfer: string, holder: string): Promise<void> {
    await tx.delete(PersonalDataRow, { transferId: transfer, holder });
  }

  async heldBy(tx: Tx, transfers: readonly string[]): Promise<HeldData> {
    const held = new HeldData();
    if (transfers.length === 0) return held;
    for (const row of await tx.findBy(PersonalDataRow, { transferId: In([...transfers]) })) {
      held.add(row.transferId, row.holder, this.read(row));
    }
    return held;
  }

  /** A bundle as it is stored. */
  sealedBundle(row: BundleRow): BundleRow {
    return { ...row, transferJson: this.vault.seal(aboutBundle(row), row.transferJson) };
  }

  /** A stored bundle with the bytes that its manifest names. */
  openedBundle(row: BundleRow): BundleRow {
    // Stored before there were data keys: canonical JSON, which begins with a brace, as no sealed data does.
    if (row.transferJson[0] === 0x7b) return row;
    return { ...row, transferJson: this.vault.open(aboutBundle(row), row.transferJson) };
  }

  private read(row: PersonalDataRow): Held {
    return JSON.parse(this.vault.open(aboutForm(row.transferId, row.holder), row.sealed).toString()) as Held;
  }
}

const aboutForm = (transfer: string, holder: string): string => `personal_data ${transfer} ${holder}`;
const aboutBundle = (row: Pick<BundleRow, 'digest'>): string => `bundle ${row.digest} transfer.json`;
