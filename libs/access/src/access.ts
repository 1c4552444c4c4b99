import { randomBytes } from 'node:crypto';
import { digestOf, GatewayError, type LogEvent, uuidv7 } from '@jieqiao/core';
import type { Database, Tx } from '@jieqiao/platform';
import { IsNull, LessThan } from 'typeorm';
import { AccessTokens, type Identity } from './access-token';
import { checkPassword, hashPassword } from './passwords';
import { isRole, type Role } from './permissions';
import { type Person, PersonRow, SessionRow } from './person';
import { SignInLimiter } from './sign-in-limiter';

export interface AccessSettings {
  node: string;
  /** 32 bytes, known to the node's processes only. */
  tokenSecret: Uint8Array;
  accessMinutes: number;
  refreshDays: number;
  attemptsPerMinute: number;
}

/** What a person gets on signing in or refreshing. Times are ISO-8601 UTC. */
export interface SignedIn {
  person: Person;
  accessToken: string;
  accessExpiresAt: string;
  /** 256 random bits; good once, for the next pair of tokens. */
  refreshToken: string;
  refreshExpiresAt: string;
}

export interface NewPerson {
  login: string;
  password: string;
  name: string;
  roles: readonly Role[];
  certNo?: string | null;
  unit?: string | null;
  qualifiedSince?: string | null;
}

const loginPattern = /^[a-z0-9][a-z0-9._-]{1,63}$/;
const refreshTokenPattern = /^[A-Za-z0-9_-]{43}$/;
const minPasswordLength = 10;
const maxPasswordLength = 200;
const day = 86_400_000;

/** People and their sessions. Every sign-in, refused or not, and every end of one is an event of the log. */
export class Access {
  private readonly tokens: AccessTokens;
  private readonly limiter: SignInLimiter;
  /**
   * Sign-ins ended by this process, until their last access token would expire anyway: signing out then works at
   * once here, and within `accessMinutes` in other processes of the node.
   */
  private readonly ended = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly record: (tx: Tx, events: LogEvent[]) => Promise<unknown>,
    private readonly settings: AccessSettings,
    private readonly now: () => Date,
  ) {
    this.tokens = new AccessTokens(settings.node, settings.tokenSecret, settings.accessMinutes);
    this.limiter = new SignInLimiter(settings.attemptsPerMinute);
  }

  /** @throws VALIDATION_FAILED {field}: malformed, or a login that is taken */
  async addPerson(input: NewPerson): Promise<Person> {
    const { login, password, name, roles, certNo = null, unit = null, qualifiedSince = null } = input;
    if (!loginPattern.test(login)) throw new GatewayError('VALIDATION_FAILED', { field: 'login' });
    if (password.length < minPasswordLength || password.length > maxPasswordLength) {
      throw new GatewayError('VALIDATION_FAILED', { field: 'password', minLength: minPasswordLength });
    }
    if (name === '' || name.length > 100) throw new GatewayError('VALIDATION_FAILED', { field: 'name' });
    if (roles.length === 0 || !roles.every(isRole)) throw new GatewayError('VALIDATION_FAILED', { field: 'roles' });
    if (qualifiedSince !== null && !isDay(qualifiedSince)) {
      throw new GatewayError('VALIDATION_FAILED', { field: 'qualifiedSince' });
    }
    const passwordHash = await hashPassword(password);
    const at = this.now();
    const row = Object.assign(new PersonRow(), {
      id: uuidv7(at.getTime(), randomBytes(10)),
      login,
      name,
      passwordHash,
      roles: [...roles],
      certNo,
      unit,
      qualifiedSince,
      disabledAt: null,
      createdAt: at.toISOString(),
    });
    await this.database.transaction(async (tx) => {
      if (await tx.existsBy(PersonRow, { login })) {
        throw new GatewayError('VALIDATION_FAILED', { field: 'login', reason: 'taken' });
      }
      await tx.insert(PersonRow, row);
    });
    return personOf(row);
  }

  /** Whether anybody may sign in yet. */
  async hasPeople(): Promise<boolean> {
    return this.database.read((tx) => tx.exists(PersonRow));
  }

  /**
   * @param from the address the request came from, for the limit of attempts
   * @throws TOO_MANY_REQUESTS {retryAfter}; BAD_CREDENTIALS, the same for an unknown login, a wrong password and a
   *   disabled person, and after the same time
   */
  async signIn(login: string, password: string, from: string): Promise<SignedIn> {
    this.limiter.take(login, from, this.now().getTime());
    const row = await this.database.read((tx) => tx.findOneBy(PersonRow, { login }));
    const usable = row !== null && row.disabledAt === null ? row : null;
    if (!(await checkPassword(usable?.passwordHash ?? null, password)) || usable === null) {
      const subject = { person: row?.id ?? null };
      await this.database.transaction((tx) => this.record(tx, [{ event: 'session.refused', subject }]));
      throw new GatewayError('BAD_CREDENTIALS', {});
    }
    this.limiter.restore(login, from);
    return this.database.transaction(async (tx) => {
      const signedIn = await this.open(tx, usable, null);
      await this.record(tx, [{ event: 'session.opened', subject: { person: usable.id } }]);
      return signedIn;
    });
  }

  /**
   * A new pair of tokens for a refresh token, which is used up. Used a second time, it must have been stolen (or
   * its thief was first): the whole sign-in ends.
   * @throws NOT_SIGNED_IN (no such token); SESSION_EXPIRED; SESSION_REVOKED (signed out, reused, or person disabled)
   */
  async refresh(refreshToken: string): Promise<SignedIn> {
    if (!refreshTokenPattern.test(refreshToken)) throw new GatewayError('NOT_SIGNED_IN', {});
    const refreshHash = digestOf(Buffer.from(refreshToken));
    // A refusal is returned, not thrown: a throw would roll the revocation back.
    const outcome = await this.database.transaction(async (tx): Promise<SignedIn | GatewayError> => {
      const session = await tx.findOneBy(SessionRow, { refreshHash });
      if (session === null) return new GatewayError('NOT_SIGNED_IN', {});
      if (session.revokedAt !== null) return new GatewayError('SESSION_REVOKED', {});
      const at = this.now().toISOString();
      if (session.rotatedAt === null && session.expiresAt <= at) return new GatewayError('SESSION_EXPIRED', {});
      const person = await tx.findOneBy(PersonRow, { id: session.personId });
      // The condition decides between two requests that both read the row as unused.
      const used = await tx.update(SessionRow, { id: session.id, rotatedAt: IsNull() }, { rotatedAt: at });
      if (used.affected !== 1 || person === null || person.disabledAt !== null) {
        await this.revoke(tx, session.family, session.personId);
        return new GatewayError('SESSION_REVOKED', { reused: used.affected !== 1 });
      }
      return this.open(tx, person, session.family);
    });
    if (outcome instanceof GatewayError) throw outcome;
    return outcome;
  }

  /** Ends the sign-in that the access token comes from. Doing it again is harmless. */
  async signOut(identity: Identity): Promise<void> {
    await this.database.transaction((tx) => this.revoke(tx, identity.session, identity.person.id));
  }

  /** Who sends this access token. @throws NOT_SIGNED_IN; SESSION_EXPIRED; SESSION_REVOKED */
  identify(accessToken: string): Identity {
    const identity = this.tokens.verify(accessToken, this.now());
    if (this.ended.has(identity.session)) throw new GatewayError('SESSION_REVOKED', {});
    return identity;
  }

  /** Logs that somebody signed in tried what their roles don't permit. `object`: the id of what it was tried on. */
  async recordDenial(person: Person, action: string, object: string | null): Promise<void> {
    const subject = { action, object, person: person.id };
    await this.database.transaction((tx) => this.record(tx, [{ event: 'access.denied', subject }]));
  }

  /** Forgets sessions that expired before `before`: until then, a reuse of their tokens is recognised. */
  async sweepSessions(before: Date): Promise<void> {
    await this.database.transaction((tx) => tx.delete(SessionRow, { expiresAt: LessThan(before.toISOString()) }));
  }

  private async open(tx: Tx, row: PersonRow, family: string | null): Promise<SignedIn> {
    const at = this.now();
    const id = uuidv7(at.getTime(), randomBytes(10));
    const refreshToken = randomBytes(32).toString('base64url');
    const session = Object.assign(new SessionRow(), {
      id,
      personId: row.id,
      refreshHash: digestOf(Buffer.from(refreshToken)),
      family: family ?? id,
      createdAt: at.toISOString(),
      expiresAt: new Date(at.getTime() + this.settings.refreshDays * day).toISOString(),
      rotatedAt: null,
      revokedAt: null,
    });
    await tx.insert(SessionRow, session);
    const person = personOf(row);
    const { token, expiresAt } = this.tokens.issue(person, session.family, at);
    return {
      person,
      accessToken: token,
      accessExpiresAt: expiresAt,
      refreshToken,
      refreshExpiresAt: session.expiresAt,
    };
  }

  private async revoke(tx: Tx, family: string, person: string): Promise<void> {
    const at = this.now();
    const result = await tx.update(SessionRow, { family, revokedAt: IsNull() }, { revokedAt: at.toISOString() });
    if ((result.affected ?? 0) > 0) await this.record(tx, [{ event: 'session.closed', subject: { person } }]);
    for (const [session, until] of this.ended) if (until < at.getTime()) this.ended.delete(session);
    this.ended.set(family, at.getTime() + this.settings.accessMinutes * 60_000);
  }
}

function personOf({ id, login, name, roles, certNo, unit, qualifiedSince }: PersonRow): Person {
  return { id, login, name, roles, certNo, unit, qualifiedSince };
}

/** A day that the calendar has. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
