import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from './api-client';

export const samplesDir = join(__dirname, '../../../test/samples');

interface ScenarioEvidence {
  id: string;
  fileName: string;
  mediaType: string;
  bytes: number;
  digest: string;
  [field: string]: unknown;
}

/** A sample case as the officers of domain knowledge wrote it down, with its files and what is to come of it. */
export interface Scenario {
  scenario: string;
  title: { zh: string; en: string };
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
  expected: Record<'sender' | 'receiver', ExpectedDecision>;
}

export interface ExpectedDecision {
  outcome: string;
  [field: string]: unknown;
}

export interface TransferAnswer {
  id: string;
  state: string;
  version: number;
  delivery: { state: string; lastError: string | null; receivedAt: string | null };
  evidence: { id: string; fileName: string; bytes: number; digest: string | null }[];
  recognition: { outcome: string; results: { rule: string; result: string; evidence?: string }[] } | null;
  envelope: { jti: string; seq: number; digest: string } | null;
  receipt: { entryIndex: number; checkpointSize: number; degree: string; time: string } | null;
}

export function readScenario(name: string): Scenario {
  return JSON.parse(readFileSync(join(samplesDir, `${name}.json`), 'utf8')) as Scenario;
}

export const evidenceFile = (scenario: Scenario, id: string): string => join(samplesDir, scenario.files[id]!);

/** Fills in the draft as an officer would. */
export async function createDraft(client: ApiClient, { transfer }: Scenario): Promise<TransferAnswer> {
  const { schema, id, dossier, kind, number, from, to, evidence, documents, ...data } = transfer;
  const draft = { to: to.node, kind, number, title: transfer.cause, data: { ...data, unit: from.unit } };
  return (await client.post<TransferAnswer>('/transfers', draft)).body;
}

/** Adds every evidence item and uploads its bytes. */
export async function addEvidence(
  client: ApiClient,
  draftId: string,
  scenario: Scenario,
  onFile: (fileName: string, bytes: number) => void = () => {},
): Promise<void> {
  for (const item of scenario.transfer.evidence) {
    const { id, seq, fileName, mediaType, bytes, digest, firstHashAt, ...data } = item;
    const added = await client.post<{ id: string }>(`/transfers/${draftId}/evidence`, {
      fileName,
      mediaType,
      bytes,
      digest,
      data,
    });
    await client.upload(`/transfers/${draftId}/evidence/${added.body.id}/content`, evidenceFile(scenario, id));
    onFile(fileName, bytes);
  }
}

export async function send(
  client: ApiClient,
  draftId: string,
  options: { acknowledge?: string[]; key: string; waitSeconds: number },
): Promise<TransferAnswer> {
  const headers = { 'idempotency-key': options.key, prefer: `wait=${options.waitSeconds}` };
  const body = { acknowledge: options.acknowledge ?? [] };
  return (await client.post<TransferAnswer>(`/transfers/${draftId}/send`, body, headers)).body;
}
