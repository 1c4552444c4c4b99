import { createPrivateKey, sign } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Certificate,
  type ChainProblemCode,
  createRoot,
  issueCertificate,
  issueCrl,
  type KeyAndCertificate,
  type RevocationReason,
  sealUrn,
} from '@jieqiao/core';
import { der, oid, sequence, setOf, tag, time, unsigned } from '../../libs/core/src/bundle/der';

/** What a reader must say of the list in `file`, under the root `root.pem`. */
export interface CrlVector {
  file: string;
  what: string;
  /** `not-issued`: well-formed, and not the root's. */
  result: 'good' | 'malformed' | 'not-issued';
  /** Of CRL_MALFORMED. */
  reason?: string;
  number?: number;
  entries?: { serial: string; revokedAt: string; reason: RevocationReason }[];
}

/** What checkChain must say of a seal under `root.pem`, on `at`, with one list at hand; null: nothing is wrong. */
export interface CrlChainVector {
  certificate: string;
  crl: string;
  at: string;
  code: ChainProblemCode | null;
}

export interface CrlVectors {
  lists: CrlVector[];
  chains: CrlChainVector[];
}

export const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

export const extension = (type: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(type), ...(critical ? [der(tag.boolean, Buffer.of(0xff))] : []), der(tag.octetString, value));

export const crlNumber = (number: number | bigint): Buffer => {
  const hex = number.toString(16);
  return extension('2.5.29.20', unsigned(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')));
};

export const crlEntry = (serial: Buffer, at: Buffer, ...extensions: Buffer[]): Buffer =>
  sequence(serial, at, ...(extensions.length > 0 ? [sequence(...extensions)] : []));

export interface CrlParts {
  version: Buffer[];
  algorithm: Buffer;
  signedAlgorithm: Buffer;
  hash: string;
  issuer: Buffer;
  times: Buffer[];
  entries: Buffer[];
  extensions: Buffer[];
  /** Of the signature, which has none. */
  unusedBits: number;
}

const week = { from: new Date('2022-09-01T00:00:00Z'), to: new Date('2022-09-08T00:00:00Z') };
const revokedAt = new Date('2022-08-25T08:00:00Z');

/** A list of the root with parts of the test's choice, signed over whatever they are. */
export function makeCrl(root: KeyAndCertificate, over: Partial<CrlParts> = {}): Buffer {
  const parts: CrlParts = {
    version: [unsigned(Buffer.of(1))],
    algorithm: ecdsaWithSha256,
    signedAlgorithm: over.algorithm ?? ecdsaWithSha256,
    hash: 'sha256',
    issuer: Certificate.parse(root.certificatePem).subjectDer,
    times: [time(week.from), time(week.to)],
    entries: [],
    extensions: [crlNumber(7)],
    unusedBits: 0,
    ...over,
  };
  const list = sequence(
    ...parts.version,
    parts.signedAlgorithm,
    parts.issuer,
    ...parts.times,
    ...(parts.entries.length > 0 ? [sequence(...parts.entries)] : []),
    ...(parts.extensions.length > 0 ? [der(tag.context0, sequence(...parts.extensions))] : []),
  );
  const value = sign(parts.hash, list, createPrivateKey(root.privateKeyPem));
  return sequence(list, parts.algorithm, der(tag.bitString, Buffer.of(parts.unusedBits), value));
}

/** Writes a new set of vectors, with new keys. A set once released is never written again. */
export async function writeCrlVectors(folder: string): Promise<void> {
  const lists: CrlVector[] = [];
  await mkdir(folder, { recursive: true });
  const add = async (name: string, what: string, bytes: Buffer, said: Omit<CrlVector, 'file' | 'what'>) => {
    lists.push({ file: `${name}.crl`, what, ...said });
    await writeFile(join(folder, `${name}.crl`), bytes);
  };
  const validity = { notBefore: new Date('2022-01-01T00:00:00Z'), notAfter: new Date('2032-01-01T00:00:00Z') };
  const name = { organisation: '平湖市综合行政执法局', commonName: '平湖市综合行政执法局根证书' };
  const root = await createRoot(name, validity, '01');
  await writeFile(join(folder, 'root.pem'), root.certificatePem);
  for (const [file, serial] of [
    ['seal', '00a1'],
    ['revoked', '8f00000000000000000000000000000000000002'],
  ] as const) {
    const request = { use: 'seal' as const, name, urn: sealUrn('pinghu.330482'), validity, serial };
    await writeFile(join(folder, `${file}.pem`), (await issueCertificate(root, request)).certificatePem);
  }

  const serial = unsigned(Buffer.from('8f00000000000000000000000000000000000002', 'hex'));
  const entry = (...extensions: Buffer[]) => crlEntry(serial, time(revokedAt), ...extensions);
  const reason = (code: number) => extension('2.5.29.21', der(tag.enumerated, Buffer.of(code)));
  const revoked = [
    { serial: '8F00000000000000000000000000000000000002', at: revokedAt, reason: 'key-compromise' as const },
    { serial: '03', at: new Date('2022-08-26T00:00:00Z'), reason: 'unspecified' as const },
  ];
  const update = { thisUpdate: week.from, nextUpdate: week.to };
  const good = await issueCrl(root, { number: 7, ...update, revoked });
  const expected = revoked.map(({ serial: s, at, reason: r }) => ({
    serial: s,
    revokedAt: at.toISOString(),
    reason: r,
  }));
  await add('good', 'two revoked, one of them with a reason', good, { result: 'good', number: 7, entries: expected });
  const none = await issueCrl(root, { number: 8, ...update, revoked: [] });
  await add('good-none', 'nobody revoked', none, { result: 'good', number: 8, entries: [] });
  const words = [
    'unspecified',
    'key-compromise',
    'ca-compromise',
    'affiliation-changed',
    'superseded',
    'cessation-of-operation',
    'certificate-hold',
    null,
    null,
    'privilege-withdrawn',
    'aa-compromise',
  ] as const;
  const each = words.flatMap((word, code) => (word ? [{ word, code }] : []));
  const every = makeCrl(root, {
    entries: each.map(({ code }) => crlEntry(unsigned(Buffer.of(code + 16)), time(revokedAt), reason(code))),
  });
  await add('good-reasons', 'every reason', every, {
    result: 'good',
    number: 7,
    entries: each.map(({ word, code }) => ({
      serial: Buffer.of(code + 16)
        .toString('hex')
        .toUpperCase(),
      revokedAt: revokedAt.toISOString(),
      reason: word,
    })),
  });
  const sha384 = makeCrl(root, { algorithm: sequence(oid('1.2.840.10045.4.3.3')), hash: 'sha384' });
  await add('good-sha384', 'signed with SHA-384', sha384, { result: 'good', number: 7, entries: [] });
  const largest = makeCrl(root, { extensions: [crlNumber(Number.MAX_SAFE_INTEGER)] });
  await add('good-largest-number', 'number 2^53-1', largest, {
    result: 'good',
    number: Number.MAX_SAFE_INTEGER,
    entries: [],
  });
  const ignored = makeCrl(root, { extensions: [crlNumber(7), extension('1.2.3.4', der(tag.null))] });
  await add('good-extension', 'an unknown extension that is not critical', ignored, {
    result: 'good',
    number: 7,
    entries: [],
  });

  const bad: [name: string, what: string, reason: string, bytes: Buffer][] = [
    ['trailing-byte', 'a byte after the list', 'not-one', Buffer.concat([good, Buffer.of(0)])],
    ['two', 'two lists', 'not-one', Buffer.concat([good, good])],
    ['empty', 'no byte', 'not-der', Buffer.alloc(0)],
    ['truncated', 'the last byte missing', 'not-der', good.subarray(0, -1)],
    ['indefinite', 'a length that is not stated', 'not-der', Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(4)])],
    ['unused-bits', 'a signature of broken bytes', 'not-der', makeCrl(root, { unusedBits: 1 })],
    ['version-1', 'no version', 'version', makeCrl(root, { version: [] })],
    ['version-3', 'version 3', 'version', makeCrl(root, { version: [unsigned(Buffer.of(2))] })],
    [
      'sha1',
      'signed with SHA-1',
      'algorithm',
      makeCrl(root, { algorithm: sequence(oid('1.2.840.10045.4.1')), hash: 'sha1' }),
    ],
    [
      'two-algorithms',
      'another algorithm inside',
      'algorithm',
      makeCrl(root, { signedAlgorithm: sequence(oid('1.2.840.10045.4.3.3')) }),
    ],
    ['no-next-update', 'no next update', 'validity', makeCrl(root, { times: [time(week.from)] })],
    [
      'next-update-first',
      'the next update before this one',
      'validity',
      makeCrl(root, { times: [time(week.to), time(week.from)] }),
    ],
    [
      'time-zone',
      'a time with a zone',
      'not-der',
      makeCrl(root, { times: [der(tag.utcTime, Buffer.from('220901080000+0800')), time(week.to)] }),
    ],
    [
      'generalized-time',
      'a time before 2050 in the long form',
      'not-der',
      makeCrl(root, { times: [der(tag.generalizedTime, Buffer.from('20220901000000Z')), time(week.to)] }),
    ],
    ['no-number', 'no number', 'number', makeCrl(root, { extensions: [extension('1.2.3.4', der(tag.null))] })],
    ['no-extensions', 'no extension', 'number', makeCrl(root, { extensions: [] })],
    ['large-number', 'number 2^53', 'number', makeCrl(root, { extensions: [crlNumber(2n ** 53n)] })],
    ['number-twice', 'two numbers', 'not-der', makeCrl(root, { extensions: [crlNumber(7), crlNumber(8)] })],
    [
      'delta',
      'a delta list',
      'scope',
      makeCrl(root, {
        extensions: [crlNumber(7), extension('2.5.29.27', unsigned(Buffer.of(6)), true)],
      }),
    ],
    [
      'partial',
      'a list for CA certificates only',
      'scope',
      makeCrl(root, {
        extensions: [crlNumber(7), extension('2.5.29.28', sequence(der(0x82, Buffer.of(0xff))), true)],
      }),
    ],
    [
      'critical',
      'an unknown critical extension',
      'critical-extension',
      makeCrl(root, { extensions: [crlNumber(7), extension('1.2.3.4', der(tag.null), true)] }),
    ],
    [
      'critical-in-entry',
      'an unknown critical extension of an entry',
      'critical-extension',
      makeCrl(root, { entries: [entry(extension('1.2.3.4', der(tag.null), true))] }),
    ],
    [
      'indirect',
      'an entry of another issuer',
      'scope',
      makeCrl(root, { entries: [entry(extension('2.5.29.29', sequence(), true))] }),
    ],
    ['remove', 'the reason removeFromCRL', 'entry', makeCrl(root, { entries: [entry(reason(8))] })],
    ['reason-7', 'a reason that does not exist', 'entry', makeCrl(root, { entries: [entry(reason(7))] })],
    ['reason-11', 'a reason that does not exist', 'entry', makeCrl(root, { entries: [entry(reason(11))] })],
    ['serial-twice', 'a serial number twice', 'entry', makeCrl(root, { entries: [entry(), entry(reason(1))] })],
    [
      'negative-serial',
      'a negative serial number',
      'not-der',
      makeCrl(root, { entries: [crlEntry(der(tag.integer, Buffer.of(0x80)), time(revokedAt))] }),
    ],
    [
      'padded-serial',
      'a serial number with a needless zero',
      'not-der',
      makeCrl(root, { entries: [crlEntry(der(tag.integer, Buffer.of(0, 3)), time(revokedAt))] }),
    ],
    [
      'long-serial',
      'a serial number of 22 bytes',
      'not-der',
      makeCrl(root, { entries: [crlEntry(der(tag.integer, Buffer.alloc(22, 1)), time(revokedAt))] }),
    ],
    [
      'long-name',
      'an issuer of 33 relative names',
      'name-too-long',
      makeCrl(root, {
        issuer: sequence(
          ...Array.from({ length: 33 }, () => setOf(sequence(oid('2.5.4.11'), der(0x0c, Buffer.from('x'))))),
        ),
      }),
    ],
  ];
  for (const [file, what, why, bytes] of bad)
    await add(`bad-${file}`, what, bytes, { result: 'malformed', reason: why });

  const signature = Buffer.from(good);
  signature[signature.length - 1]! ^= 1;
  const serialChanged = Buffer.from(good);
  serialChanged[serialChanged.indexOf(serial) + serial.length - 1]! ^= 1;
  const namesake = await createRoot(name, validity, '01');
  const other = await createRoot({ ...name, commonName: '另一根证书' }, validity, '01');
  const otherName = Certificate.parse(other.certificatePem).subjectDer;
  const strangers: [name: string, what: string, bytes: Buffer][] = [
    ['signature', 'last byte of the signature', signature],
    ['serial', 'one bit of a revoked serial number', serialChanged],
    ['namesake', 'by a root of the same name', await issueCrl(namesake, { number: 7, ...update, revoked })],
    ['name', 'signed by the root in another’s name', makeCrl(root, { issuer: otherName })],
  ];
  for (const [file, what, bytes] of strangers) await add(`stranger-${file}`, what, bytes, { result: 'not-issued' });

  const chain = (certificate: string, crl: string, at: string, code: ChainProblemCode | null): CrlChainVector => ({
    certificate: `${certificate}.pem`,
    crl: `${crl}.crl`,
    at,
    code,
  });
  const chains = [
    chain('seal', 'good', '2022-09-02T00:00:00Z', null),
    chain('revoked', 'good', '2022-09-02T00:00:00Z', 'REVOKED'),
    chain('revoked', 'good', '2022-08-25T08:00:00Z', 'REVOKED'),
    chain('revoked', 'good', '2022-08-25T07:59:59Z', null),
    chain('revoked', 'good-none', '2022-09-02T00:00:00Z', null),
    chain('revoked', 'stranger-namesake', '2022-09-02T00:00:00Z', null),
    chain('revoked', 'stranger-signature', '2022-09-02T00:00:00Z', null),
  ];
  await writeFile(join(folder, 'vectors.json'), `${JSON.stringify({ lists, chains } satisfies CrlVectors, null, 2)}\n`);
}
