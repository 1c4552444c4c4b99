import type { LogEvent } from '@jieqiao/core';
import { Database } from '@jieqiao/platform';
import * as argon2 from '@node-rs/argon2';
import jwt from 'jsonwebtoken';
import { Access } from './access';
import { type Permission, permissions, requirePermission, roles } from './permissions';
import { PersonRow, SessionRow } from './person';
import { SignInLimiter } from './sign-in-limiter';

jest.mock('@node-rs/argon2', () => {
  const real = jest.requireActual('@node-rs/argon2');
  return { ...real, verify: jest.fn(real.verify) };
});

const tokenSecret = Buffer.alloc(32, 7);
const password = 'correct horse 电池';
let time: number;
let database: Database;
let events: LogEvent[];
let access: Access;

function makeAccess() {
  const record = async (_tx: unknown, more: LogEvent[]) => events.push(...more);
  const settings = { node: 'pinghu.330482', tokenSecret, accessMinutes: 15, refreshDays: 7, attemptsPerMinute: 5 };
  return new Access(database, record, settings, () => new Date(time));
}

beforeEach(async () => {
  time = Date.parse('2026-11-23T04:07:13.123Z');
  events = [];
  database = await Database.open('sqlite::memory:', [PersonRow, SessionRow], () => new Date(time));
  access = makeAccess();
  await access.addPerson({
    login: 'handler1',
    password,
    name: '执法人员乙',
    roles: ['handler'],
    certNo: '33048200001',
    unit: '一中队',
  });
});
afterEach(() => database.close());

const names = () => events.map((e) => e.event);

describe('sign-in', () => {
  it('gives tokens that say who it is', async () => {
    const signedIn = await access.signIn('handler1', password, '10.0.0.1');
    const { person, session } = access.identify(signedIn.accessToken);
    expect(person).toEqual(signedIn.person);
    expect(person).toMatchObject({
      login: 'handler1',
      name: '执法人员乙',
      roles: ['handler'],
      certNo: '33048200001',
      unit: '一中队',
    });
    expect(session).toMatch(/^[0-9a-f-]{36}$/);
    expect(signedIn.accessExpiresAt).toBe('2026-11-23T04:22:13.000Z');
    expect(signedIn.refreshExpiresAt).toBe('2026-11-30T04:07:13.123Z');
    expect(names()).toEqual(['session.opened']);
  });

  it('stores neither password nor token', async () => {
    const { refreshToken } = await access.signIn('handler1', password, 'x');
    const rows = await database.read((tx) => Promise.all([tx.find(PersonRow), tx.find(SessionRow)]));
    expect(JSON.stringify(rows)).not.toContain(refreshToken);
    expect(JSON.stringify(rows)).not.toContain(password);
    expect(rows[0][0]!.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('refuses a wrong password, an unknown login and a disabled person alike, and logs it', async () => {
    const refused = { code: 'BAD_CREDENTIALS', params: {} };
    await expect(access.signIn('handler1', 'wrong', 'x')).rejects.toMatchObject(refused);
    await expect(access.signIn('nobody', password, 'x')).rejects.toMatchObject(refused);
    await database.transaction((tx) => tx.update(PersonRow, { login: 'handler1' }, { disabledAt: 'now' }));
    await expect(access.signIn('handler1', password, 'x')).rejects.toMatchObject(refused);
    expect(names()).toEqual(['session.refused', 'session.refused', 'session.refused']);
    expect(events[1]!.subject).toEqual({ person: null });
  });

  it('does the same work for an unknown login and a disabled person, so that its time tells nothing', async () => {
    await database.transaction((tx) => tx.update(PersonRow, { login: 'handler1' }, { disabledAt: 'now' }));
    for (const login of ['handler1', 'nobody']) {
      jest.mocked(argon2.verify).mockClear();
      await expect(access.signIn(login, 'wrong', 'x')).rejects.toMatchObject({ code: 'BAD_CREDENTIALS' });
      expect(jest.mocked(argon2.verify).mock.calls).toEqual([
        [expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/), 'wrong'],
      ]);
    }
  });

  it('limits attempts, tells when to come back, and forgives a success', async () => {
    const limiter = new SignInLimiter(2);
    limiter.take('a', 'x', 0);
    limiter.take('a', 'x', 0);
    expect(() => limiter.take('a', 'x', 0)).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_REQUESTS', params: { retryAfter: 30 } }),
    );
    expect(() => limiter.take('b', 'x', 0)).not.toThrow();
    limiter.take('a', 'x', 31_000);
    limiter.restore('a', 'x');
    limiter.take('a', 'x', 31_000);
    for (let i = 0; i < 10; i++) limiter.take(`n${i}`, 'x', 31_000);
    expect(() => limiter.take('n8', 'x', 31_000)).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
    expect(() => limiter.take('n8', 'y', 31_000)).not.toThrow();
  });
});

describe('refresh', () => {
  it('rotates: the old token is used up, the new one works', async () => {
    const first = await access.signIn('handler1', password, 'x');
    const second = await access.refresh(first.refreshToken);
    expect(access.identify(second.accessToken).session).toBe(access.identify(first.accessToken).session);
    await access.refresh(second.refreshToken);
  });

  it('ends the whole sign-in when a used token comes again', async () => {
    const first = await access.signIn('handler1', password, 'x');
    const second = await access.refresh(first.refreshToken);
    await expect(access.refresh(first.refreshToken)).rejects.toMatchObject({
      code: 'SESSION_REVOKED',
      params: { reused: true },
    });
    await expect(access.refresh(second.refreshToken)).rejects.toMatchObject({ code: 'SESSION_REVOKED' });
    expect(() => access.identify(second.accessToken)).toThrow(expect.objectContaining({ code: 'SESSION_REVOKED' }));
    expect(names()).toEqual(['session.opened', 'session.closed']);
  });

  it('gives one of two simultaneous requests the new pair', async () => {
    const { refreshToken } = await access.signIn('handler1', password, 'x');
    const both = await Promise.allSettled([access.refresh(refreshToken), makeAccess().refresh(refreshToken)]);
    expect(both.map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('refuses expired, unknown and malformed tokens, and disabled people', async () => {
    const { refreshToken, accessToken } = await access.signIn('handler1', password, 'x');
    await expect(access.refresh('A'.repeat(43))).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    await expect(access.refresh('')).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    time += 15 * 60_000 + 1000;
    expect(() => access.identify(accessToken)).toThrow(expect.objectContaining({ code: 'SESSION_EXPIRED' }));
    const again = await access.refresh(refreshToken);
    time += 7 * 86_400_000;
    await expect(access.refresh(again.refreshToken)).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
    const fresh = await access.signIn('handler1', password, 'x');
    await database.transaction((tx) => tx.update(PersonRow, { login: 'handler1' }, { disabledAt: 'now' }));
    await expect(access.refresh(fresh.refreshToken)).rejects.toMatchObject({ code: 'SESSION_REVOKED' });
  });

  it('forgets old sessions', async () => {
    await access.signIn('handler1', password, 'x');
    await access.sweepSessions(new Date(time));
    expect(await database.read((tx) => tx.count(SessionRow))).toBe(1);
    await access.sweepSessions(new Date(time + 8 * 86_400_000));
    expect(await database.read((tx) => tx.count(SessionRow))).toBe(0);
  });
});

it('signs out once, at once', async () => {
  const { accessToken, refreshToken } = await access.signIn('handler1', password, 'x');
  const identity = access.identify(accessToken);
  await access.signOut(identity);
  await access.signOut(identity);
  expect(() => access.identify(accessToken)).toThrow(expect.objectContaining({ code: 'SESSION_REVOKED' }));
  await expect(access.refresh(refreshToken)).rejects.toMatchObject({ code: 'SESSION_REVOKED' });
  expect(names()).toEqual(['session.opened', 'session.closed']);
});

it('accepts only its own access tokens', async () => {
  const { accessToken } = await access.signIn('handler1', password, 'x');
  const claims = jwt.decode(accessToken) as jwt.JwtPayload;
  const refused = expect.objectContaining({ code: 'NOT_SIGNED_IN' });
  const [header, body, signature] = accessToken.split('.');
  const signed = `${header}.${body}`;
  const none = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${body}.`;
  const others = [
    '',
    'x',
    none,
    jwt.sign(claims, Buffer.alloc(32, 8)),
    jwt.sign(claims, tokenSecret, { algorithm: 'HS512' }),
    jwt.sign({ ...claims, aud: 'urn:jieqiao:api:jinshan.310116' }, tokenSecret),
    jwt.sign({ ...claims, iss: 'x' }, tokenSecret),
    jwt.sign({ ...claims, roles: ['root'] }, tokenSecret),
    `${signed}.${signature!.startsWith('A') ? 'B' : 'A'}${signature!.slice(1)}`,
  ];
  for (const token of others) expect(() => access.identify(token)).toThrow(refused);
  expect(access.identify(jwt.sign(claims, tokenSecret)).person.login).toBe('handler1');
});

it('adds only well-formed people, each login once', async () => {
  const person = { login: 'clerk1', password, name: '收文员', roles: ['clerk'] as const };
  const fields = [
    { login: 'A b' },
    { login: 'handler1' },
    { password: 'short' },
    { name: '' },
    { roles: [] },
    { qualifiedSince: '2022-02-30' },
  ];
  for (const wrong of fields) {
    await expect(access.addPerson({ ...person, ...wrong })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      params: { field: Object.keys(wrong)[0] },
    });
  }
});

it('keeps since when a legal reviewer is qualified, and tells it with the token', async () => {
  const reviewer = { login: 'legal1', password, name: '法制审核员', roles: ['legal-reviewer'] as const };
  await access.addPerson({ ...reviewer, qualifiedSince: '2018-09-01' });
  const { accessToken } = await access.signIn('legal1', password, 'x');
  expect(access.identify(accessToken).person.qualifiedSince).toBe('2018-09-01');
  const other = await access.signIn('handler1', password, 'x');
  expect(access.identify(other.accessToken).person.qualifiedSince).toBeNull();
});

it('records what was denied, by id', async () => {
  const { person } = await access.signIn('handler1', password, 'x');
  await access.recordDenial(person, 'log.read', null);
  expect(events.at(-1)).toEqual({
    event: 'access.denied',
    subject: { action: 'log.read', object: null, person: person.id },
  });
});

describe('permissions', () => {
  const contentless = ['administrator', 'security-auditor'] as const;

  it.each(contentless)('show %s no content', (role) => {
    const content: Permission[] = [
      'transfer.read',
      'transfer.check',
      'evidence.read',
      'bundle.export',
      'personal-data.reveal',
      'filing.read',
    ];
    for (const permission of content) {
      expect(() => requirePermission({ roles: [role] }, permission)).toThrow(
        expect.objectContaining({ code: 'FORBIDDEN', params: { permission } }),
      );
    }
  });

  it('name known roles only, and every role is good for something', () => {
    const used = new Set(Object.values(permissions).flat());
    expect([...used].sort()).toEqual(Object.keys(roles).sort());
  });
});
