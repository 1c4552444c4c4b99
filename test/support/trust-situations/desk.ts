import { randomBytes } from 'node:crypto';
import { AuditLog } from '@jieqiao/audit';
import { type GatewayError, type LogEvent, parseLogEntry, trustedParty } from '@jieqiao/core';
import { AgreementBook, CrlBook } from '@jieqiao/delivery';
import { createLogger, Database } from '@jieqiao/platform';
import { entities } from '../../../apps/gateway/src/gateway';
import { databases } from '../databases';
import { bytesOf, ringOf, rowsOf } from '../exchange-fixture';
import type { Party } from '../sealed-exchange';
import { type Said, saidBy } from './world';

export const accepted: Said = { word: 'accepted', params: {} };

/** A node's books, on a database of its own, with a clock that stands. */
export interface Desk {
  agreements: AgreementBook;
  /** What the node makes of lists that a peer hands it, and whether those it holds then still count. */
  lists(peer: Party, lists: readonly Uint8Array[]): Promise<Said>;
}

/**
 * What a party's node says to an act. A refusal that the node is to log must stand in its log, or this throws: a row of
 * the table is wrong otherwise.
 */
export async function atDesk(party: Party, at: Date, act: (desk: Desk) => Promise<Said>): Promise<Said> {
  const [, create] = databases()[0]!;
  const { url, drop } = await create();
  const now = () => at;
  const db = await Database.open(url, entities, now);
  try {
    const ring = ringOf(party);
    const keys = { signers: () => ring.logs, known: () => ring.knownLogKeys };
    const logger = createLogger('silent', party.node);
    const audit = new AuditLog(db, { node: party.node, keys, holder: party.node, logger, now, random: randomBytes });
    const crls = new CrlBook(db, audit, { graceMs: 86_400_000, maxAheadMs: 120_000 }, now);
    const agreements = new AgreementBook(
      db,
      audit,
      () => ring,
      () => crls.all(),
      now,
    );
    const logged = async (): Promise<LogEvent[]> => {
      const rows = await rowsOf(db, 'SELECT entry FROM log_entry ORDER BY id');
      return rows.map(({ entry }) => parseLogEntry(bytesOf(entry)));
    };
    const lists: Desk['lists'] = async (peer, given) => {
      const { anchors } = trustedParty(agreements.all()[0]!.trust, peer.node)!;
      await crls.take(peer.node, anchors, given);
      const refused = (await logged()).find(({ event }) => event === 'crl.refused');
      if (refused?.event === 'crl.refused') return { word: refused.subject.code, params: {} };
      return crls.fresh(anchors, at) ? accepted : { word: 'REVOCATION_STALE', params: {} };
    };
    try {
      return await act({ agreements, lists });
    } catch (error) {
      const word = saidBy(error);
      await mustBeLogged(error, logged);
      return word;
    }
  } finally {
    await db.close();
    await drop();
  }
}

/** Refused imports are logged with their code. Refused envelopes are logged too, by the path that receives them. */
async function mustBeLogged(error: unknown, logged: () => Promise<LogEvent[]>): Promise<void> {
  const { code } = error as GatewayError;
  const importing = ['FORKED', 'ROLLED_BACK', 'VERSION_GAP', 'MALFORMED', 'SIGNATURE_INVALID'];
  if (!importing.some((end) => code === `AGREEMENT_${end}`)) return;
  const events = await logged();
  if (!events.some(({ event, subject }) => event === 'agreement.refused' && subject.code === code)) {
    throw new Error(`${code} was not logged`);
  }
}
