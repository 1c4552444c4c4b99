import { createSecretKey, type KeyObject } from 'node:crypto';
import { GatewayError } from '@jieqiao/core';
import jwt from 'jsonwebtoken';
import { isRole, type Role } from './permissions';
import type { Person } from './person';

/** What a valid access token proves. */
export interface Identity {
  person: Person;
  /** The sign-in that the token comes from (`SessionRow.family`). */
  session: string;
}

interface Claims {
  sub: string;
  sid: string;
  login: string;
  name: string;
  roles: Role[];
  cert: string | null;
  unit: string | null;
  qualified: string | null;
  /** Seconds since the epoch. */
  exp: number;
}

const maxKnown = 2_000;

/** JWT, HS256 (RFC 7519). Checked without the database: a token stays good until it expires, 15 minutes as configured. */
export class AccessTokens {
  private readonly key: KeyObject;
  private readonly issuer: string;
  private readonly audience: string;

  constructor(
    node: string,
    secret: Uint8Array,
    private readonly minutes: number,
  ) {
    this.key = createSecretKey(secret);
    this.issuer = `urn:jieqiao:node:${node}`;
    this.audience = `urn:jieqiao:api:${node}`;
    this.node = node;
  }

  private readonly node: string;

  /** Tokens that were checked before, so that a client's many requests pay for one check. */
  private readonly known = new Map<string, { identity: Identity; exp: number }>();

  issue(person: Person, session: string, now: Date): { token: string; expiresAt: string } {
    const iat = Math.floor(now.getTime() / 1000);
    const exp = iat + this.minutes * 60;
    const { id, login, name, roles, certNo, unit, qualifiedSince } = person;
    const who = { sub: id, sid: session, login, name, roles, cert: certNo, unit, qualified: qualifiedSince };
    const claims = { ...who, node: this.node, iat, exp, iss: this.issuer, aud: this.audience };
    const token = jwt.sign(claims, this.key, { algorithm: 'HS256' });
    return { token, expiresAt: new Date(exp * 1000).toISOString() };
  }

  /** @throws SESSION_EXPIRED; NOT_SIGNED_IN for anything else that is not one of our tokens. */
  verify(token: string, now: Date): Identity {
    const known = this.known.get(token);
    if (known && known.exp > Math.floor(now.getTime() / 1000)) return known.identity;
    const { identity, exp } = this.check(token, now);
    if (this.known.size >= maxKnown) this.known.clear();
    this.known.set(token, { identity, exp });
    return identity;
  }

  private check(token: string, now: Date): { identity: Identity; exp: number } {
    let claims: unknown;
    try {
      claims = jwt.verify(token, this.key, {
        algorithms: ['HS256'],
        issuer: this.issuer,
        audience: this.audience,
        clockTimestamp: Math.floor(now.getTime() / 1000),
      });
    } catch (error) {
      throw new GatewayError(error instanceof jwt.TokenExpiredError ? 'SESSION_EXPIRED' : 'NOT_SIGNED_IN', {});
    }
    // Only this node signs with this key; a claim of another form comes from another version of it.
    if (!isClaims(claims)) throw new GatewayError('NOT_SIGNED_IN', {});
    const { sub: id, sid, login, name, roles, cert: certNo, unit, qualified: qualifiedSince, exp } = claims;
    return { identity: { person: { id, login, name, roles, certNo, unit, qualifiedSince }, session: sid }, exp };
  }
}

function isClaims(value: unknown): value is Claims {
  if (typeof value !== 'object' || value === null) return false;
  const { sub, sid, login, name, roles, cert, unit, qualified, exp } = value as Record<string, unknown>;
  return (
    typeof exp === 'number' &&
    [sub, sid, login, name].every((text) => typeof text === 'string') &&
    [cert, unit, qualified].every((text) => text === null || typeof text === 'string') &&
    Array.isArray(roles) &&
    roles.every(isRole)
  );
}
