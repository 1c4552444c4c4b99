import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecognitionDecision } from '@jieqiao/recognition';
import type { ApiClient } from './api-client';
import type { ExpectedDecision } from './expectation';

export const samplesDir = join(__dirname, '../../../test/samples');

interface ScenarioEvidence {
  id: string;
  fileName: string;
  mediaType: string;
  bytes: number;
  digest: string;
  [field: string]: unknown;
}

/** What a draft is made from: `transfer.json` but for what the node fills in, and the files by evidence id. */
export interface Cargo {
  transfer: {
    kind: string;
    number: string;
    cause: string;
    from: { node: string; unit: string };
    to: { node: string };
    evidence: ScenarioEvidence[];
    [field: string]: unknown;
  };
  files: Record<string, string>;
}

/** A joint operation as its plan has it. */
export interface Operation {
  number: string;
  initiator: string;
  participants: { node: string; [field: string]: unknown }[];
  objects: { name: string; node: string; [field: string]: unknown }[];
  [field: string]: unknown;
}

/** A sample case as the officers of domain knowledge wrote it down, with its files. */
export interface Sample extends Partial<Cargo> {
  scenario: string;
  title: { zh: string; en: string };
  files: Record<string, string>;
  /** Further transfers of the case, by the name that its steps use. */
  others?: Record<string, Cargo>;
  operation?: Operation;
}

/** A sample that is one transfer, with what is to come of its rules. */
export type Scenario = Omit<Sample, 'transfer'> & Cargo & { expected: Record<'sender' | 'receiver', ExpectedDecision> };

/** Where the matter stands, as one side shows it. */
export interface Life {
  state: string;
  records: { id: string; command: string }[];
  crossed: { id: string }[];
  clocks: { id: string; owner: string; due: { day: string; at: string } | null }[];
  [field: string]: unknown;
}

export interface TransferAnswer {
  id: string;
  direction: 'out' | 'in';
  kind: string;
  dossier: string;
  number: string;
  peer: string;
  state: string;
  version: number;
  createdAt: string;
  delivery: { state: string; lastError: string | null; receivedAt: string | null; refusal: string | null };
  evidence: { id: string; fileName: string; bytes: number; complete: boolean; digest: string | null }[];
  recognition: RecognitionDecision | null;
  decisions?: Record<string, { level: string }>;
  life?: Life | null;
  envelope: { jti: string; seq: number; digest: string } | null;
  receipt: { entryIndex: number; checkpointSize: number; degree: string; time: string } | null;
}

export function readSample(name: string): Sample {
  return JSON.parse(readFileSync(join(samplesDir, `${name}.json`), 'utf8')) as Sample;
}

/** The samples that are one transfer whose rules are compared one by one: S1 and S2. */
export const readScenario = (name: string): Scenario => readSample(name) as Scenario;

export const evidenceFile = (scenario: Pick<Cargo, 'files'>, id: string): string =>
  join(samplesDir, scenario.files[id]!);

/** The transfers of this document number: none, or the one that a repeated run must not double. */
export async function findByNumber(
  client: ApiClient,
  direction: 'out' | 'in',
  number: string,
): Promise<{ id: string; state: string }[]> {
  const { items } = await client.get<{ items: { id: string; state: string; number: string }[] }>(
    `/transfers?direction=${direction}&limit=200`,
  );
  return items.filter((item) => item.number === number);
}

/** Fills in the draft as an officer would. */
export async function createDraft(client: ApiClient, { transfer }: Pick<Cargo, 'transfer'>): Promise<TransferAnswer> {
  const { schema, id, dossier, kind, number, from, to, evidence, documents, ...data } = transfer;
  const draft = { to: to.node, kind, number, title: transfer.cause, data: { ...data, unit: from.unit } };
  return (await client.post<TransferAnswer>('/transfers', draft)).body;
}

/** Adds every evidence item that the draft lacks and uploads its bytes, from where an earlier attempt broke off. */
export async function addEvidence(
  client: ApiClient,
  draftId: string,
  scenario: Cargo,
  onFile: (fileName: string, bytes: number, digest: string) => void = () => {},
): Promise<void> {
  const draft = await client.get<TransferAnswer>(`/transfers/${draftId}`);
  const present = new Map(draft.evidence.map((item) => [item.fileName, item]));
  for (const item of scenario.transfer.evidence) {
    const { id, seq, fileName, mediaType, bytes, digest, firstHashAt, ...data } = item;
    const known = present.get(fileName);
    const evidenceId = known?.id ?? (await announce(client, draftId, { fileName, mediaType, bytes, digest, data }));
    const content = `/transfers/${draftId}/evidence/${evidenceId}/content`;
    if (!known) await client.upload(content, evidenceFile(scenario, id));
    else if (!known.complete) {
      // Asked for its state, the node may find that all bytes came before it was cut short.
      const offset = await client.uploadOffset(content);
      if (offset < bytes) await client.upload(content, evidenceFile(scenario, id), offset);
    }
    onFile(fileName, bytes, digest);
  }
}

async function announce(client: ApiClient, draftId: string, item: object): Promise<string> {
  return (await client.post<{ id: string }>(`/transfers/${draftId}/evidence`, item)).body.id;
}
