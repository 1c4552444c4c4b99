import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { GatewayError } from '@jieqiao/core';
import jwt from 'jsonwebtoken';
import { isRole, type Role } from './permissions';
import type { Person } from './person';

const secretBytes = 32;

/**
 * The secret that signs this node's access tokens, made on first use. All processes of a node share the file.
 * @throws KEY_UNUSABLE when others may read it, or when it is not 32 bytes.
 */
export function loadTokenSecret(path: string): Buffer {
  const existing = readSecret(path);
  if (existing !== null) return existing;
  // Written aside and linked into place: a crash leaves no half secret, and of two starting processes one wins.
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  const fd = openSync(aside, 'wx', 0o600);
  try {
    writeSync(fd, randomBytes(secretBytes));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  try {
    linkSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  const made = readSecret(path);
  if (made === null) throw new GatewayError('KEY_UNUSABLE', { key: 'token-secret', reason: 'missing' });
  return made;
}

function readSecret(path: string): Buffer | null {
  let secret: Buffer;
  try {
    secret = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new GatewayError('KEY_UNUSABLE', { key: 'token-secret', reason: 'unreadable' }, { cause: error });
  }
  if ((statSync(path).mode & 0o077) !== 0)
    throw new GatewayError('KEY_UNUSABLE', { key: 'token-secret', reason: 'readable-by-others' });
  if (secret.length !== secretBytes) throw new GatewayError('KEY_UNUSABLE', { key: 'token-secret', reason: 'length' });
  return secret;
}

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
}

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

  issue(person: Person, session: string, now: Date): { token: string; expiresAt: string } {
    const iat = Math.floor(now.getTime() / 1000);
    const exp = iat + this.minutes * 60;
    const { id, login, name, roles, certNo, unit } = person;
    const claims = { sub: id, sid: session, login, name, roles, cert: certNo, unit, node: this.node, iat, exp };
    const token = jwt.sign({ ...claims, iss: this.issuer, aud: this.audience }, this.key, { algorithm: 'HS256' });
    return { token, expiresAt: new Date(exp * 1000).toISOString() };
  }

  /** @throws SESSION_EXPIRED; NOT_SIGNED_IN for anything else that is not one of our tokens. */
  verify(token: string, now: Date): Identity {
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
    const { sub, sid, login, name, roles, cert, unit } = claims;
    return { person: { id: sub, login, name, roles, certNo: cert, unit }, session: sid };
  }
}

function isClaims(value: unknown): value is Claims {
  if (typeof value !== 'object' || value === null) return false;
  const { sub, sid, login, name, roles, cert, unit } = value as Record<string, unknown>;
  return (
    [sub, sid, login, name].every((text) => typeof text === 'string') &&
    [cert, unit].every((text) => text === null || typeof text === 'string') &&
    Array.isArray(roles) &&
    roles.every(isRole)
  );
}
