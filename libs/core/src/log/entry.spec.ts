import fc from 'fast-check';
import { canonicalJson, type Digest } from '../encoding';
import { encodeLogEntry, type LogEvent, lifeEventWords, logEventNames, parseLogEntry } from './entry';

const id = '0193569e-7b2c-7000-8000-000000000001';
const digest = `sha256:${'ab'.repeat(32)}` as Digest;
const agreement = { id: 'pinghu-jinshan-2026', version: 1, digest };
const peer = 'jinshan.310116';

const step = {
  command: 'accept',
  document: digest,
  envelope: null,
  from: 'RECEIVED',
  person: id,
  role: 'legal-reviewer',
  side: 'receiver',
  to: 'ACCEPTED',
  transfer: id,
} as const;

const samples: LogEvent[] = [
  ...lifeEventWords.map((word) => ({ event: `transfer.${word}`, subject: step }) as LogEvent),
  { event: 'node.started', subject: { version: '0.1.0' } },
  { event: 'agreement.imported', subject: { agreement } },
  { event: 'catalogue.imported', subject: { digest, id: 'shanghai.310000', version: 2 } },
  { event: 'agreement.refused', subject: { agreement: null, code: 'AGREEMENT_MALFORMED', digest } },
  { event: 'key.issued', subject: { fingerprint: digest, use: 'seal' } },
  { event: 'key.revoked', subject: { fingerprint: null, reason: 'key-compromise', serial: '4f00' } },
  { event: 'crl.taken', subject: { digest, number: 2, peer } },
  { event: 'crl.refused', subject: { code: 'CRL_ROLLED_BACK', digest, peer } },
  { event: 'clock.refused', subject: { behind: 'peer', milliseconds: 400_000, peer } },
  { event: 'envelope.tested', subject: { agreement, envelope: digest, jti: id, peer, seq: 1 } },
  { event: 'transfer.created', subject: { transfer: id, dossier: id, kind: 'LEAD', person: id } },
  {
    event: 'transfer.sent',
    subject: { transfer: id, dossier: id, peer, jti: id, envelope: digest, seq: 1, manifest: null },
  },
  {
    event: 'envelope.received',
    subject: {
      peer,
      jti: id,
      envelope: digest,
      seq: 7,
      kind: 'transfer',
      transfer: id,
      dossier: id,
      manifest: digest,
      agreement,
      degree: 'verified',
      outcome: 'sendable-with-warnings',
      report: digest,
    },
  },
  { event: 'envelope.refused', subject: { peer, jti: null, envelope: digest, seq: null, code: 'ENVELOPE_MALFORMED' } },
  { event: 'peer.refused', subject: { code: 'PEER_UNKNOWN', fingerprint: null, count: 3 } },
  { event: 'receipt.stored', subject: { peer, jti: id, receipt: digest } },
  { event: 'filing.attested', subject: { filing: digest, person: id, transfer: null } },
  { event: 'filing.closed', subject: { filing: digest, person: id, reason: 'withdrawn' } },
  { event: 'acts.compared', subject: { code: null, elements: 12, matches: 1, peer } },
  { event: 'acts.asked', subject: { code: 'TOO_MANY_REQUESTS', elements: 12, peer } },
  { event: 'evidence.stored', subject: { transfer: id, evidence: id, digest, bytes: 0 } },
  { event: 'content.read', subject: { transfer: id, what: 'document', reason: null, object: null, person: id } },
  {
    event: 'content.exported',
    subject: { transfer: id, what: 'bundle', reason: 'file-review', object: digest, person: null, digest },
  },
  {
    event: 'personal-data.revealed',
    subject: { transfer: id, reason: 'serve-document', category: 'name', person: id },
  },
  { event: 'clock.reminded', subject: { clock: 'acceptance', matter: null, owner: 'receiver', transfer: id } },
  { event: 'clock.overdue', subject: { clock: 'assist-reply', matter: 3, owner: 'receiver', transfer: id } },
  { event: 'supervision.closed', subject: { item: id, person: id, transfer: id } },
  {
    event: 'number.issued',
    subject: {
      number: id,
      person: id,
      type: 'lead-transfer-letter',
      year: 2022,
      squad: null,
      sequence: 12,
      transfer: null,
    },
  },
  { event: 'number.voided', subject: { number: id, person: id } },
  { event: 'session.opened', subject: { person: id } },
  { event: 'session.refused', subject: { person: null } },
  { event: 'session.closed', subject: { person: id } },
  { event: 'command.refused', subject: { command: 'submit', person: id, reason: 'second-officer', transfer: id } },
  { event: 'findings.recorded', subject: { findings: digest, person: id, transfer: id } },
  { event: 'recognition.decided', subject: { decisions: digest, person: id, transfer: id } },
  { event: 'access.denied', subject: { person: id, action: 'transfer.command', object: id } },
];

const sampleOf = (event: LogEvent['event']) => samples.find((sample) => sample.event === event)!;
const [nodeStarted, keyRevoked] = [sampleOf('node.started'), sampleOf('key.revoked')];
const at = { node: 'pinghu.330482', time: '2026-11-23T04:07:13.123Z', nonce: Buffer.alloc(16, 5) };

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

it('has a sample of every event', () => {
  expect(samples.map(({ event }) => event).sort()).toEqual([...logEventNames].sort());
});

describe.each(samples.map((sample) => [sample.event, sample] as const))('%s', (_, sample) => {
  const bytes = encodeLogEntry(sample, at);

  it('is canonical and reads back', () => {
    const entry = parseLogEntry(bytes);
    expect(entry).toMatchObject({ v: 1, ...sample, node: at.node, time: at.time });
    expect(canonicalJson(entry)).toEqual(bytes);
  });

  it('needs every field, each of its kind, and no other', () => {
    for (const key of Object.keys(sample.subject)) {
      const without: Record<string, unknown> = { ...sample.subject };
      delete without[key];
      const wrong = [without, { ...sample.subject, [key]: {} }, { ...sample.subject, [key]: '当事人甲' }];
      for (const subject of wrong) {
        const error = errorOf(() => encodeLogEntry({ event: sample.event, subject } as LogEvent, at));
        expect(error).toMatchObject({ code: 'LOG_MALFORMED', params: { field: `subject.${key}` } });
        const forged = canonicalJson({ ...JSON.parse(bytes.toString()), subject });
        expect(errorOf(() => parseLogEntry(forged))).toMatchObject({ code: 'LOG_MALFORMED' });
      }
    }
    const subject = { ...sample.subject, name: 'x' };
    expect(errorOf(() => encodeLogEntry({ event: sample.event, subject } as LogEvent, at))).toMatchObject({
      params: { field: 'subject.unexpected' },
    });
  });
});

describe('the frame of an entry', () => {
  const good = JSON.parse(encodeLogEntry(nodeStarted, at).toString()) as Record<string, unknown>;

  it.each([
    ['an unknown event', { ...good, event: 'node.exploded' }],
    ['an inherited name as event', { ...good, event: 'constructor' }],
    ['another version', { ...good, v: 2 }],
    ['a node that is none', { ...good, node: 'pinghu' }],
    ['a date that is none', { ...good, time: '2026-02-30T00:00:00.000Z' }],
    ['a time without milliseconds', { ...good, time: '2026-11-23T04:07:13Z' }],
    ['a short nonce', { ...good, nonce: 'AAAA' }],
    ['a field too many', { ...good, person: 'x' }],
    ['a list', [good]],
    ['null', null],
  ])('refuses %s', (_, value) => {
    expect(errorOf(() => parseLogEntry(canonicalJson(value)))).toMatchObject({ code: 'LOG_MALFORMED' });
  });

  it('refuses other spellings, deep nesting and anything over 16 KiB', () => {
    const bytes = encodeLogEntry(nodeStarted, at);
    const deep = Buffer.from(`${'['.repeat(5)}${']'.repeat(5)}`);
    const big = canonicalJson({ ...good, subject: { version: 'x'.repeat(17_000) } });
    for (const bad of [Buffer.from(` ${bytes}`), Buffer.from(JSON.stringify(good, null, 1)), deep, big]) {
      expect(errorOf(() => parseLogEntry(bad))).toMatchObject({ code: 'LOG_MALFORMED' });
    }
  });

  it('any flip of a byte gives a named refusal or another readable entry, never a surprise', () => {
    const bytes = encodeLogEntry(keyRevoked, at);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (position, flip) => {
        const flipped = Buffer.from(bytes);
        flipped[position]! ^= flip;
        const error = errorOf(() => parseLogEntry(flipped));
        if (error !== null) expect(error).toMatchObject({ code: 'LOG_MALFORMED' });
      }),
    );
  });
});
