import type { KeyObject } from 'node:crypto';
import {
  type AgreementContent,
  agreementFileBytes,
  type Card,
  type Certificate,
  draftAgreement,
  makeCard,
  type Signer,
  signAgreement,
} from '@jieqiao/core';

/** What a test agreement needs to know of a party, whatever holds its keys. */
export interface TestParty {
  node: string;
  authority: string;
  root: Certificate;
  logKey: KeyObject;
  endpoints?: Card['endpoints'];
}

/** Port 9 (discard) of this machine: nobody answers. */
export const nowhere = { grpc: 'localhost:9', blobs: 'https://localhost:9' };

export const cardOf = ({ root, endpoints = nowhere, ...party }: TestParty): Card =>
  makeCard({ ...party, roots: [root], endpoints });

/** The first version of an agreement between these, with nothing agreed unless `over` says so. */
export function agreementOf(parties: readonly TestParty[], over: Partial<AgreementContent> = {}): AgreementContent {
  const content = draftAgreement({
    id: 'pinghu-jinshan',
    title: '平湖金山执法互认协议',
    effective: { from: '2022-01-01T00:00:00.000Z', to: '2032-01-01T00:00:00.000Z' },
    parties: parties.map(cardOf),
    terms: {},
  });
  return { ...content, ...over };
}

/** The file with every seal's signature. */
export function sealedBy(content: AgreementContent, seals: readonly { node: string; seal: Signer }[]): Buffer {
  const signatures = seals.map(({ node, seal }) => ({ node, jws: signAgreement(content, seal) }));
  return agreementFileBytes({ agreement: content, signatures });
}
