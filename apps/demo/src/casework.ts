import { setTimeout as delay } from 'node:timers/promises';
import type { RecognitionDecision } from '@jieqiao/recognition';
import type { ApiClient } from './api-client';
import { type Cargo, evidenceFile, type Operation, type TransferAnswer } from './scenario';

/** What people ask of a node about a transfer besides drafting it, each as one request of its HTTP API. */

export interface CommandBody {
  command: string;
  data?: Record<string, unknown>;
  /** Id of the entry of the filing register that the command states. */
  filing?: string;
  acknowledge?: readonly string[];
}

/** @param key the same one again is the same command again. @throws ApiProblem COMMAND_REFUSED {command, reason} */
export async function giveCommand(
  client: ApiClient,
  transfer: string,
  body: CommandBody,
  key: string,
): Promise<TransferAnswer> {
  const headers = { 'idempotency-key': key, prefer: 'wait=30' };
  return (await client.post<TransferAnswer>(`/transfers/${transfer}/commands`, body, headers)).body;
}

export function checkTransfer(client: ApiClient, transfer: string): Promise<RecognitionDecision> {
  return client.get(`/transfers/${transfer}/check`);
}

/** Decides on every item as the receiver's rules propose. */
export async function decideAsProposed(client: ApiClient, transfer: string): Promise<void> {
  const { proposals } = (await client.get<TransferAnswer>(`/transfers/${transfer}`)).recognition!;
  const decisions = proposals.map(({ evidence, proposed }) => ({ evidence, level: proposed }));
  await client.call('PUT', `/transfers/${transfer}/decisions`, { decisions }, await currentVersion(client, transfer));
}

export async function recordFindings(client: ApiClient, transfer: string, findings: object): Promise<void> {
  await client.call('PUT', `/transfers/${transfer}/findings`, findings, await currentVersion(client, transfer));
}

/** Opens what was returned or refused for changes, without changing anything yet. */
export async function reopenDraft(client: ApiClient, transfer: string, title: string): Promise<void> {
  await client.call('PATCH', `/transfers/${transfer}`, { title }, await currentVersion(client, transfer));
}

async function currentVersion(client: ApiClient, transfer: string): Promise<{ 'if-match': string }> {
  const { headers } = await client.call('GET', `/transfers/${transfer}`);
  return { 'if-match': headers.get('etag')! };
}

/** How long the node's log may take to attest a filing; usually it is milliseconds. */
const attestMs = 15_000;

/** Enters a case in the register and waits until the log has attested when. @returns the entry's id */
export async function registerFiling(client: ApiClient, filing: object): Promise<string> {
  const { id } = (await client.post<{ id: string }>('/filings', filing)).body;
  for (const end = Date.now() + attestMs; ; await delay(50)) {
    const { attestation } = await client.get<{ attestation: object | null }>(`/filings/${id}`);
    if (attestation !== null) return id;
    if (Date.now() > end) throw new Error(`filing ${id} is not attested after ${attestMs / 1000} s`);
  }
}

/** What changes in a bundle's next version: what is said of items, their files, further items. By the sample's ids. */
export interface ItemChanges {
  change?: Record<string, Record<string, unknown>>;
  replace?: Record<string, { path: string; bytes: number; digest: string; [field: string]: unknown }>;
  add?: (Cargo['transfer']['evidence'][number] & { path: string })[];
}

/** Takes out what changes and puts it in anew, at the end: the node keeps the versions that were sent. */
export async function changeItems(
  client: ApiClient,
  transfer: string,
  { transfer: { evidence }, files }: Cargo,
  { change = {}, replace = {}, add = [] }: ItemChanges,
): Promise<void> {
  const present = (await client.get<TransferAnswer>(`/transfers/${transfer}`)).evidence;
  const changed = evidence.filter(({ id }) => id in change || id in replace);
  const next = [...changed.map((item) => ({ ...item, ...change[item.id], ...replace[item.id] })), ...add];
  for (const item of next) {
    const { id, seq, path, firstHashAt, ...stated } = item as typeof item & { path?: string };
    const { fileName, mediaType, bytes, digest, ...data } = stated;
    const before = present.find((each) => each.fileName === fileName);
    if (before) await client.call('DELETE', `/transfers/${transfer}/evidence/${before.id}`);
    const body = { fileName, mediaType, bytes, digest, data };
    const { id: evidenceId } = (await client.post<{ id: string }>(`/transfers/${transfer}/evidence`, body)).body;
    const file = evidenceFile({ files: path === undefined ? files : { [id]: path } }, id);
    await client.upload(`/transfers/${transfer}/evidence/${evidenceId}/content`, file);
  }
}

/** Each of the two who hand a thing over enters it at their own node. */
export async function handOver(
  client: ApiClient,
  transfer: string,
  items: readonly string[],
  reason: string,
): Promise<void> {
  for (const item of items) {
    await client.post(`/transfers/${transfer}/evidence/${item}/custody`, { event: 'PHYSICAL_HANDOVER', reason });
  }
}

export interface OperationAnswer {
  id: string;
  state: string;
  objects: object[];
  [field: string]: unknown;
}

export async function proposeOperation(client: ApiClient, plan: Operation, key: string): Promise<OperationAnswer> {
  return (await client.post<OperationAnswer>('/operations', plan, { 'idempotency-key': key })).body;
}

export async function operationStep(
  client: ApiClient,
  operation: string,
  body: { command: string; data?: object },
  key: string,
): Promise<OperationAnswer> {
  const headers = { 'idempotency-key': key };
  return (await client.post<OperationAnswer>(`/operations/${operation}/commands`, body, headers)).body;
}

export async function operationByNumber(client: ApiClient, number: string): Promise<OperationAnswer | undefined> {
  const { items } = await client.get<{ items: (OperationAnswer & { number: string })[] }>('/operations');
  return items.find((item) => item.number === number);
}
