import { digestOf } from '@jieqiao/core';
import type { Command } from '@jieqiao/exchange';
import { readSample, type Sample } from './exchange-fixture';
import type { SentCase } from './exchange-invariants';
import { homePath, type Who } from './home-path';
import { pause } from './peer-nodes';

export interface OfficersFile {
  fileName: string;
  content: Buffer;
}

interface View {
  id: string;
  state: string;
  life: { flags: { disposal: string | null } };
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

/** Who can sign in at a node of the fault tests: the login is who it is. */
export const teamLogins: readonly Who[] = [...homePath.map(([who]) => who), 'seal-keeper', 'clerk'];

/**
 * The people of one node, with a client that never gives up: whatever breaks off is tried again, resumed as tus clients
 * do, and given again under the same Idempotency-Key. Node.js's fetch keeps no promise about a connection that breaks:
 * any failure may have happened before or after the node did what was asked. Several cases may run at once.
 */
export class Team {
  private readonly tokens = new Map<Who, Promise<string>>();
  private readonly form: Record<string, unknown>;
  private readonly draftBody: Record<string, unknown>;
  /** How often something had to be tried again. */
  repetitions = 0;
  private cases = 0;

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

  /** Draft, files, and everybody's step until it is sent; resolves when the node has said so. */
  async send(key: string, files: readonly OfficersFile[], chunk = Number.POSITIVE_INFINITY): Promise<SentCase> {
    const { id } = await this.again('a draft', async () => {
      // A draft whose answer was lost keeps its number.
      const number = `金枫综执线移〔2022〕第${++this.cases}号`;
      return (await this.once('handler', 'POST', '/transfers', { ...this.draftBody, number })).body as View;
    });
    for (const file of files) await this.addFile(id, file, chunk);
    for (const [who, command] of homePath) await this.command(id, key, who, command);
    await this.command(id, key, 'seal-keeper', 'send');
    return { id, files: files.map(({ fileName, content }) => ({ fileName, digest: digestOf(content) })), ended: false };
  }

  /** The same request again changes nothing: the key is of the case, and each command is given once in it. */
  async command(id: string, key: string, who: Who, command: Command, data: object = {}): Promise<void> {
    const headers = { 'idempotency-key': `${key}-${command}` };
    await this.call(who, 'POST', `/transfers/${id}/commands`, { command, data }, headers);
  }

  async view(id: string): Promise<View> {
    return (await this.call('handler', 'GET', `/transfers/${id}`)).body as View;
  }

  /** Waits until the transfer stands like that here, and the peer has taken all that this node has told it. */
  async sees(id: string, what: string, standsLikeThat: (view: View) => boolean, ms = 30_000): Promise<void> {
    const end = Date.now() + ms;
    for (;;) {
      const view = await this.view(id).catch((error: unknown) => {
        // Not there yet.
        if (error instanceof Refused && error.status === 404) return null;
        throw error;
      });
      if (view && standsLikeThat(view) && view.delivery.state === 'received') return;
      if (Date.now() > end) {
        const seen = view && { is: view.state, ...view.delivery };
        throw new Error(`${id} is not ${what} at ${this.url} after ${ms} ms: ${JSON.stringify(seen)}`);
      }
      await pause(50);
    }
  }

  delivered(id: string, ms?: number): Promise<void> {
    return this.sees(id, 'delivered', ({ state }) => state === 'DELIVERED', ms);
  }

  disposed(id: string, ms?: number): Promise<void> {
    return this.sees(id, 'disposed of', ({ life }) => life.flags.disposal !== null, ms);
  }

  private async addFile(id: string, { fileName, content }: OfficersFile, chunk: number): Promise<void> {
    const mediaType = 'image/jpeg';
    const body = { fileName, mediaType, bytes: content.length, digest: digestOf(content), data: this.form };
    const evidenceId = await this.again(`${fileName} added`, async () => {
      const { evidence } = await this.view(id);
      const known = evidence.find((item) => item.fileName === fileName);
      return (
        known?.id ?? ((await this.once('handler', 'POST', `/transfers/${id}/evidence`, body)).body as { id: string }).id
      );
    });
    const path = `/transfers/${id}/evidence/${evidenceId}/content`;
    await this.again(`${fileName} uploaded`, async () => {
      const { headers } = await this.once('handler', 'HEAD', path, undefined, { 'tus-resumable': '1.0.0' });
      // As every tus client does: where all bytes are there, the upload is done (tus 1.0.0, "HEAD").
      for (let at = Number(headers.get('upload-offset')); at < content.length; ) {
        const part = content.subarray(at, at + chunk);
        await this.once('handler', 'PATCH', path, part, {
          'tus-resumable': '1.0.0',
          'upload-offset': String(at),
          'content-type': 'application/offset+octet-stream',
        });
        at += part.length;
      }
    });
  }

  private call(
    who: Who,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.again(`${method} ${path}`, () => this.once(who, method, path, body, headers));
  }

  private async again<T>(what: string, work: () => Promise<T>, ms = 300_000): Promise<T> {
    const end = Date.now() + ms;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof Refused && error.status === 401) this.tokens.clear();
        else if (error instanceof Refused && !passing.has(error.status)) throw error;
        if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`, { cause: error });
        this.repetitions++;
        await pause(100);
      }
    }
  }

  private async once(
    who: Who,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const token = await this.signedIn(who);
    return this.request(method, path, body, { authorization: `Bearer ${token}`, ...headers });
  }

  /** Cases that run at once share a sign-in, also one under way; one that failed is tried again by the next. */
  private signedIn(who: Who): Promise<string> {
    const known = this.tokens.get(who);
    if (known !== undefined) return known;
    const token = this.request('POST', '/session', { login: who, password: this.password }).then(
      ({ body }) => (body as { accessToken: string }).accessToken,
    );
    this.tokens.set(who, token);
    token.catch(() => this.tokens.delete(who));
    return token;
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

/** After the delivery, words go both ways and cross: signed for, taken back by the sender, disposed of. */
export async function tellAndWithdraw(
  key: string,
  sent: SentCase,
  { sender, receiver }: { sender: Team; receiver: Team },
  ms?: number,
): Promise<SentCase> {
  const { id } = sent;
  // As soon as the receiver has it: the sender may not have its receipt yet.
  await receiver.sees(id, 'delivered', ({ state }) => state === 'DELIVERED', ms);
  await receiver.command(id, key, 'clerk', 'sign-for');
  await sender.sees(id, 'delivered', ({ state }) => state === 'DELIVERED' || state === 'RECEIVED', ms);
  await receiver.command(id, key, 'handler', 'propose-acceptance');
  // Where the sender has not heard of the signature, the two messages cross.
  await sender.command(id, key, 'head', 'withdraw', { text: '情况已变化，撤回移送。' });
  await receiver.sees(id, 'withdrawn', ({ state }) => state === 'WITHDRAWN', ms);
  await receiver.command(id, key, 'clerk', 'attest-disposal', { disposal: 'deleted' });
  await sender.disposed(id, ms);
  await receiver.disposed(id, ms);
  return { ...sent, ended: true };
}
