import { digestOf } from '@jieqiao/core';
import { readSample, type Sample } from './exchange-fixture';
import type { SentCase } from './exchange-invariants';
import { pause } from './peer-nodes';

export interface OfficersFile {
  fileName: string;
  content: Buffer;
}

interface View {
  id: string;
  state: string;
  delivery: { state: string; lastError: string | null };
  evidence: { id: string; fileName: string; complete: boolean }[];
}

interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** An answer that no repetition will better. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Record<string, unknown>,
    what: string,
  ) {
    super(`${what}: ${status} ${JSON.stringify(problem)}`);
  }
}

/** What a node answers when it can't just now: DATABASE_UNAVAILABLE, NOT_READY; UPLOAD_IN_PROGRESS. */
const passing = new Set([503, 423]);

/**
 * An officer's client that never gives up: whatever breaks off is tried again, resumed as tus clients do, and sent
 * again under the same Idempotency-Key. Node.js's fetch keeps no promise about a connection that breaks: any failure
 * may have happened before or after the node did what was asked.
 */
export class Officer {
  private token: string | null = null;
  private readonly form: Record<string, unknown>;
  private readonly draftBody: Record<string, unknown>;
  /** How often something had to be tried again. */
  repetitions = 0;

  constructor(
    private readonly url: string,
    private readonly password: string,
    sample: Sample = readSample('s1'),
  ) {
    const { schema, id, dossier, kind, number, from, to, evidence, documents, ...data } = sample.transfer;
    const { id: _, seq, fileName, mediaType, bytes, digest, firstHashAt, ...form } = evidence[0]!;
    this.form = form;
    const title = sample.transfer.cause;
    this.draftBody = { to: to.node, kind, number, title, data: { ...data, unit: from.unit } };
  }

  /** Fills in, uploads and sends a case; resolves when the node has said that it is sent. */
  async send(key: string, files: readonly OfficersFile[], chunk = Number.POSITIVE_INFINITY): Promise<SentCase> {
    const { id } = (await this.call('POST', '/transfers', this.draftBody)).body as View;
    for (const file of files) await this.addFile(id, file, chunk);
    await this.call('POST', `/transfers/${id}/send`, { acknowledge: [] }, { 'idempotency-key': key });
    return { id, files: files.map(({ fileName, content }) => ({ fileName, digest: digestOf(content) })) };
  }

  /** The same request once more: nothing may come of it. */
  async sendAgain(id: string, key: string): Promise<void> {
    await this.call('POST', `/transfers/${id}/send`, { acknowledge: [] }, { 'idempotency-key': key });
  }

  async view(id: string): Promise<View> {
    return (await this.call('GET', `/transfers/${id}`)).body as View;
  }

  async delivered(id: string, ms = 30_000): Promise<void> {
    const end = Date.now() + ms;
    for (;;) {
      const { state, delivery } = await this.view(id);
      if (state === 'DELIVERED') return;
      if (Date.now() > end) throw new Error(`${id} is ${state} ${JSON.stringify(delivery)} after ${ms} ms`);
      await pause(50);
    }
  }

  private async addFile(id: string, { fileName, content }: OfficersFile, chunk: number): Promise<void> {
    const mediaType = 'image/jpeg';
    const body = { fileName, mediaType, bytes: content.length, digest: digestOf(content), data: this.form };
    const evidenceId = await this.again(`${fileName} added`, async () => {
      const { evidence } = await this.view(id);
      const known = evidence.find((item) => item.fileName === fileName);
      return known?.id ?? ((await this.once('POST', `/transfers/${id}/evidence`, body)).body as { id: string }).id;
    });
    const path = `/transfers/${id}/evidence/${evidenceId}/content`;
    await this.again(`${fileName} uploaded`, async () => {
      const { headers } = await this.once('HEAD', path, undefined, { 'tus-resumable': '1.0.0' });
      // As every tus client does: where all bytes are there, the upload is done (tus 1.0.0, "HEAD").
      for (let at = Number(headers.get('upload-offset')); at < content.length; ) {
        const part = content.subarray(at, at + chunk);
        await this.once('PATCH', path, part, {
          'tus-resumable': '1.0.0',
          'upload-offset': String(at),
          'content-type': 'application/offset+octet-stream',
        });
        at += part.length;
      }
    });
  }

  private call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.again(`${method} ${path}`, () => this.once(method, path, body, headers));
  }

  private async again<T>(what: string, work: () => Promise<T>, ms = 300_000): Promise<T> {
    const end = Date.now() + ms;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof Refused && error.status === 401) this.token = null;
        else if (error instanceof Refused && !passing.has(error.status)) throw error;
        if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`, { cause: error });
        this.repetitions++;
        await pause(100);
      }
    }
  }

  private async once(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    this.token ??= await this.signIn();
    return this.request(method, path, body, { authorization: `Bearer ${this.token}`, ...headers });
  }

  private async signIn(): Promise<string> {
    const { body } = await this.request('POST', '/session', { login: 'officer', password: this.password });
    return (body as { accessToken: string }).accessToken;
  }

  private async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const raw = Buffer.isBuffer(body);
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    if (!response.ok) throw new Refused(response.status, parsed, `${method} ${path}`);
    return { status: response.status, headers: response.headers, body: parsed };
  }
}
