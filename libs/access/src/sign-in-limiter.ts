import { GatewayError } from '@jieqiao/core';

interface Bucket {
  tokens: number;
  at: number;
}

/** Behind one address may sit a whole office. */
const addressFactor = 6;
const maxBuckets = 20_000;
const minute = 60_000;

/**
 * Bounds sign-in attempts per login and address, and per address, by token buckets in this process's memory. Each
 * attempt costs an argon2 hash, so this also bounds the CPU that strangers can take.
 */
export class SignInLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly perMinute: number) {}

  /** @throws TOO_MANY_REQUESTS {retryAfter: seconds} */
  take(login: string, address: string, now: number): void {
    const wait = Math.max(
      this.waitFor(`l ${login} ${address}`, this.perMinute, now),
      this.waitFor(`a ${address}`, this.perMinute * addressFactor, now),
    );
    if (wait > 0) throw new GatewayError('TOO_MANY_REQUESTS', { retryAfter: Math.ceil(wait / 1000) });
  }

  /** A person who got in has used up nothing. */
  restore(login: string, address: string): void {
    this.buckets.delete(`l ${login} ${address}`);
  }

  /** Takes one token, or says how many ms to wait for one. */
  private waitFor(key: string, perMinute: number, now: number): number {
    const rate = perMinute / minute;
    const bucket = this.buckets.get(key);
    const tokens = bucket === undefined ? perMinute : Math.min(perMinute, bucket.tokens + (now - bucket.at) * rate);
    // Re-inserted at the end: the first key is always the one longest unused.
    this.buckets.delete(key);
    this.buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.buckets.size > maxBuckets) this.buckets.delete(this.buckets.keys().next().value!);
    return tokens >= 1 ? 0 : (1 - tokens) / rate;
  }
}
