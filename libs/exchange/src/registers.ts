import type { Agreement, Certificate } from '@jieqiao/core';
import type { Tx } from '@jieqiao/platform';
import type { Registers } from '@jieqiao/recognition';
import { In, IsNull, Not } from 'typeorm';
import { TransferRow } from './tables';

/** Whose documents: this node's own, or those that a peer has sent. */
export type Issuer = { direction: 'out' } | { direction: 'in'; peer: string };

/**
 * Of these transfers those whose number another document of the issuer bears, that has been sent or comes before it in
 * the list; by their id. Numbers are the same when they are spelled alike.
 */
export async function numbersTaken(
  tx: Tx,
  issuer: Issuer,
  transfers: readonly { id: string; number: string }[],
): Promise<ReadonlySet<string>> {
  if (transfers.length === 0) return new Set();
  const bearers = await tx.find(TransferRow, {
    where: { ...issuer, number: In(transfers.map(({ number }) => number)), bundleDigest: Not(IsNull()) },
    select: { id: true, number: true },
  });
  const taken = new Set<string>();
  for (const [i, { id, number }] of transfers.entries()) {
    const others = [...bearers, ...transfers.slice(0, i)];
    if (others.some((other) => other.number === number && other.id !== id)) taken.add(id);
  }
  return taken;
}

/** What is known here about a transfer without asking peers: they are asked for filings of the same act elsewhere. */
export function registersOf(numberTaken: boolean, seal: Registers['seal']): Registers {
  return { filings: [], unanswered: [], numberTaken, seal };
}

/** In whose name a seal's certificate is: authorities put theirs in the organisation, or in the common name. */
export function sealOwner(certificate: Certificate, agreement: Agreement, node: string): string {
  const party = agreement.content.parties.find((entry) => entry.node === node);
  const own = party ? [party.authority, ...party.aliases] : [];
  const { subject, subjectNames } = certificate;
  return subjectNames.find((name) => own.includes(name)) ?? subjectNames[0] ?? subject;
}
