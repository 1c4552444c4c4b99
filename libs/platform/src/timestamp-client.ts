import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  clockSkewMs,
  type Digest,
  digestOf,
  GatewayError,
  readTimestampResponse,
  type TimeAuthority,
  type Timestamp,
  timestampRequest,
  verifyTimestamp,
} from '@jieqiao/core';
import type { TimestampsConfig } from './config';

const maxAnswerBytes = 64 * 1024;
const nonceBytes = 16;
/** A service that failed is passed over for this long, unless all others fail, too. */
const restMs = 60_000;

/** A token that holds, and what it says. */
export interface Stamped {
  token: Buffer;
  timestamp: Timestamp;
}

export interface TimestampProbe {
  /** Host and port of the service. */
  host: string;
  /** How far its time lies ahead of this node's clock, by the middle of the request; null: it is wrong. */
  aheadMs: number | null;
  timestamp: Timestamp | null;
  /** Null: it is fine. Else a word of ours or of Node's: `timeout`, `ECONNREFUSED`, `status-503`, `imprint`, … */
  problem: string | null;
}

/**
 * Asks time-stamping services over HTTP (RFC 3161 §3.4). Each answer is checked against the authorities that count
 * before anybody sees it; where one is bad, slow or absent, the next service is asked.
 */
export class TimestampClient {
  private readonly services: readonly URL[];
  private readonly restUntil = new Map<URL, number>();
  private readonly timeoutMs: number;

  constructor(
    settings: Pick<TimestampsConfig, 'urls' | 'timeoutMs'>,
    private readonly now: () => Date,
  ) {
    this.services = settings.urls.split(',').flatMap((url) => (url.trim() === '' ? [] : [new URL(url.trim())]));
    this.timeoutMs = settings.timeoutMs;
  }

  get configured(): boolean {
    return this.services.length > 0;
  }

  /**
   * A token over a digest.
   * @param authorities whose tokens count: those that an agreement names
   * @throws GatewayError TIMESTAMP_UNAVAILABLE {tried: "host:port problem" of each service}
   */
  async stamp(imprint: Digest, authorities: readonly TimeAuthority[]): Promise<Stamped> {
    const start = this.now().getTime();
    const rests = (service: URL) => (this.restUntil.get(service) ?? 0) > start;
    const tried: string[] = [];
    for (const service of [...this.services.filter((s) => !rests(s)), ...this.services.filter(rests)]) {
      try {
        const { token, timestamp } = await this.ask(service, imprint, authorities);
        this.restUntil.delete(service);
        return { token, timestamp };
      } catch (error) {
        tried.push(`${service.host} ${problemOf(error)}`);
        this.restUntil.set(service, this.now().getTime() + restMs);
      }
    }
    throw new GatewayError('TIMESTAMP_UNAVAILABLE', { tried });
  }

  /** Asks every service for a token over random bytes. What is wrong with one is its answer. */
  async probe(authorities: readonly TimeAuthority[]): Promise<TimestampProbe[]> {
    return Promise.all(
      this.services.map(async (service) => {
        const { host } = service;
        try {
          const { timestamp, aheadMs } = await this.ask(service, digestOf(randomBytes(32)), authorities);
          return { host, aheadMs, timestamp, problem: null };
        } catch (error) {
          return { host, aheadMs: null, timestamp: null, problem: problemOf(error) };
        }
      }),
    );
  }

  private async ask(
    service: URL,
    imprint: Digest,
    authorities: readonly TimeAuthority[],
  ): Promise<Stamped & { aheadMs: number }> {
    const nonce = randomBytes(nonceBytes);
    const sent = this.now().getTime();
    const answer = await post(service, timestampRequest(imprint, nonce), this.timeoutMs);
    const received = this.now().getTime();
    const token = readTimestampResponse(answer);
    const timestamp = verifyTimestamp(token, imprint, authorities, { nonce });
    const time = timestamp.time.getTime();
    // One of the two clocks is wrong. A token from the wrong time would prove the wrong thing for ever.
    if (time < sent - clockSkewMs || time > received + clockSkewMs) throw new ServiceProblem('clock');
    return { token, timestamp, aheadMs: Math.round(time - (sent + received) / 2) };
  }
}

class ServiceProblem extends Error {
  override readonly name = 'ServiceProblem';
}

/** A word of ours or of Node's: never the service's own, which are a stranger's. What is no fault of the service is thrown. */
function problemOf(error: unknown): string {
  if (error instanceof ServiceProblem) return error.message;
  if (error instanceof GatewayError) {
    const { reason, status, failInfo } = error.params;
    return [reason, status, ...(Array.isArray(failInfo) ? failInfo : [])].filter(Boolean).join(' ') || error.code;
  }
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return 'timeout';
  if (code === undefined) throw error;
  return code;
}

/** Redirects are not followed: whoever configured the address meant it. */
async function post(service: URL, body: Buffer, timeoutMs: number): Promise<Buffer> {
  // Over the whole exchange: a service that sends a byte a second must not hold anybody up.
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const send = service.protocol === 'https:' ? httpsRequest : httpRequest;
    const headers = { 'content-type': 'application/timestamp-query', 'content-length': body.length };
    send(service, { method: 'POST', agent: false, headers, signal }, resolve).once('error', reject).end(body);
  });
  try {
    if (response.statusCode !== 200) throw new ServiceProblem(`status-${response.statusCode}`);
    const type = response.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/timestamp-reply') throw new ServiceProblem('content-type');
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxAnswerBytes) throw new ServiceProblem('too-large');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw signal.aborted ? new ServiceProblem('timeout') : error;
  } finally {
    response.destroy();
  }
}
