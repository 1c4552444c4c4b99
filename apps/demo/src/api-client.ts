import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

/** A node's answer that is not a success: the problem document of RFC 9457. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly body: Record<string, unknown>,
  ) {
    super(`${status} ${code}`);
  }
}

export interface ApiAnswer<T> {
  status: number;
  headers: Headers;
  body: T;
}

/** A request takes no longer, so that it does not outlive its session. */
const requestMs = 60_000;

/** A signed-in person's view of a node's HTTP API. */
export class ApiClient {
  private token: string | null = null;
  private expiresAt = 0;

  constructor(readonly url: string) {}

  async signIn(login: string, password: string): Promise<void> {
    const { body } = await this.call<{ accessToken: string; accessExpiresAt: string }>('POST', '/session', {
      login,
      password,
    });
    this.token = body.accessToken;
    this.expiresAt = Date.parse(body.accessExpiresAt);
  }

  /** Whether a request that begins now will still find the session open. @param now by the node's clock */
  isSignedIn(now: Date): boolean {
    return now.getTime() < this.expiresAt - requestMs;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.call<T>('GET', path)).body;
  }

  async post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer<T>> {
    return this.call<T>('POST', path, body, headers);
  }

  /** @throws ApiProblem; TypeError when the node cannot be reached */
  async call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<T>> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      const problem = (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>;
      throw new ApiProblem(response.status, String(problem.code ?? 'UNKNOWN'), problem);
    }
    const json = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : text) as T };
  }

  /** Uploads a file from `offset` in one request, as the tus protocol has it. */
  async upload(path: string, file: string, offset = 0): Promise<void> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${this.token}`,
        'tus-resumable': '1.0.0',
        'upload-offset': String(offset),
        'content-type': 'application/offset+octet-stream',
      },
      body: Readable.toWeb(createReadStream(file, { start: offset, highWaterMark: 1 << 20 })) as ReadableStream,
      duplex: 'half',
    });
    if (!response.ok) {
      const problem = (await response.json()) as Record<string, unknown>;
      throw new ApiProblem(response.status, String(problem.code), problem);
    }
    await response.arrayBuffer();
  }

  /** How many bytes of an upload the node already has. */
  async uploadOffset(path: string): Promise<number> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${this.token}`, 'tus-resumable': '1.0.0' },
    });
    if (!response.ok) throw new ApiProblem(response.status, 'UPLOAD_STATE', {});
    return Number(response.headers.get('upload-offset'));
  }

  async download(path: string): Promise<Buffer> {
    const response = await fetch(`${this.url}/api/v1${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw new ApiProblem(response.status, 'DOWNLOAD', {});
    return Buffer.from(await response.arrayBuffer());
  }
}
