import type { Readable } from 'node:stream';
import type { Person } from '@jieqiao/access';
import type { Digest, ErrorCode } from '@jieqiao/core';
import type { RecognitionDecision, TransferKind } from '@jieqiao/recognition';
export interface EvidenceView { id: string; seq: number; fileName: string; mediaType: string; bytes: number; received: number; complete: boolean; digest: Digest | null; firstHashAt: string | null; data: Record<string, unknown> | null }
export interface TransferView {
  id: string; direction: 'out' | 'in'; kind: TransferKind; dossier: string; number: string; peer: string; title: string; state: string;
  delivery: { state: string; attempts: number; lastError?: string; nextAttemptAt?: string; receivedAt?: string };
  version: number; createdAt: string; updatedAt: string; data: Record<string, unknown> | null; evidence: EvidenceView[];
  recognition: RecognitionDecision | null; envelope: { jti: string; seq: number; digest: Digest } | null;
  receipt: { entryIndex: number; checkpointSize: number; degree: string; time: string } | null;
}
export interface UploadState { offset: number; length: number; complete: boolean; digest?: Digest }
export abstract class Transfers {
  abstract create(person: Person, input: unknown): Promise<TransferView>;
  abstract edit(person: Person, id: string, version: number, input: unknown): Promise<TransferView>;
  abstract list(person: Person, q: { direction?: 'out' | 'in'; state?: string; limit: number; before?: string }): Promise<{ items: TransferView[]; nextBefore: string | null }>;
  abstract get(person: Person, id: string): Promise<TransferView>;
  abstract addEvidence(person: Person, id: string, meta: unknown): Promise<EvidenceView>;
  abstract removeEvidence(person: Person, id: string, evidenceId: string): Promise<void>;
  abstract uploadState(person: Person, id: string, evidenceId: string): Promise<UploadState>;
  abstract upload(person: Person, id: string, evidenceId: string, offset: number, stream: Readable): Promise<UploadState>;
  abstract readEvidence(person: Person, id: string, evidenceId: string): Promise<{ bytes: number; mediaType: string; fileName: string; open(start?: number, end?: number): Readable }>;
  abstract check(person: Person, id: string): Promise<RecognitionDecision>;
  abstract send(person: Person, id: string, o: { acknowledge: string[]; ifVersion?: number; idempotencyKey: string; waitMs: number }): Promise<{ status: 200 | 202; view: TransferView }>;
  abstract bundle(person: Person, id: string): Promise<{ length: number; fileName: string; open(start?: number, end?: number): Readable }>;
  abstract receipt(person: Person, id: string): Promise<string>;
  abstract envelope(person: Person, id: string): Promise<string>;
}
export type _Unused = ErrorCode;
