import { readFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson, GatewayError } from '@jieqiao/core';
import fc from 'fast-check';
import {
  encodeTransferData,
  findTransferFaults,
  isUscc,
  parseTransferData,
  type TransferData,
  transferLimits,
} from './index';

const root = path.join(__dirname, '../../..');
const sample = (name: string): TransferData =>
  JSON.parse(readFileSync(path.join(root, `test/samples/${name}.json`), 'utf8')).transfer;

/** The fault that the parser names, as `pointer rule`. */
function refusal(change: (transfer: Record<string, unknown> & TransferData) => void): string {
  const transfer = sample('s2') as Record<string, unknown> & TransferData;
  change(transfer);
  return refusalOf(canonicalJson(transfer));
}
function refusalOf(bytes: Uint8Array): string {
  try {
    parseTransferData(bytes);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.code).toBe('BUNDLE_MALFORMED');
    return `${error.params.pointer ?? ''} ${error.params.rule ?? error.params.reason}`.trim();
  }
  return 'accepted';
}

describe('parseTransferData', () => {
  it.each(['s1', 's2'])('reads %s back as it was written', (name) => {
    const transfer = sample(name);
    expect(parseTransferData(encodeTransferData(transfer))).toEqual(transfer);
    expect(findTransferFaults(transfer)).toEqual([]);
  });

  it.each<[string, (t: Record<string, unknown> & TransferData) => void, string]>([
    ['an unknown field', (t) => Object.assign(t, { note: 1 }), '/note additionalProperties'],
    [
      'an unknown field inside',
      (t) => Object.assign(t.evidence[1]!, { 'a/b': 1 }),
      '/evidence/1/a~1b additionalProperties',
    ],
    ['a missing field', (t) => Reflect.deleteProperty(t, 'facts'), '/facts required'],
    ['a number for a text', (t) => Object.assign(t, { cause: 7 }), '/cause type'],
    ['an empty text', (t) => Object.assign(t, { cause: '' }), '/cause minLength'],
    ['an overlong text', (t) => Object.assign(t, { facts: '渣'.repeat(8001) }), '/facts maxLength'],
    ['a control character', (t) => Object.assign(t, { cause: '倾倒\u0000' }), '/cause pattern'],
    ['a bidirectional override', (t) => Object.assign(t, { cause: '\u202e倾倒' }), '/cause pattern'],
    ['a line break in a title', (t) => Object.assign(t.evidence[0]!, { title: 'a\nb' }), '/evidence/0/title pattern'],
    ['another schema', (t) => Object.assign(t, { schema: 'jieqiao/transfer/v2' }), '/schema const'],
    ['an unknown kind', (t) => Object.assign(t, { kind: 'GIFT' }), '/kind enum'],
    ['a time without offset', (t) => Object.assign(t, { discoveredAt: '2022-09-08T15:30:00' }), '/discoveredAt format'],
    ['30 February', (t) => Object.assign(t, { discoveredAt: '2022-02-30T15:30:00Z' }), '/discoveredAt format'],
    ['hour 24', (t) => Object.assign(t, { discoveredAt: '2022-02-03T24:00:00Z' }), '/discoveredAt format'],
    [
      'a day that is none',
      (t) => Object.assign(t.officers[0]!, { validTo: '2023-02-29' }),
      '/officers/0/validTo format',
    ],
    [
      'a wrong credit code',
      (t) => Object.assign(t.parties[0]!, { uscc: '913101160000000195' }),
      '/parties/0/uscc format',
    ],
    ['a longitude of 181', (t) => Object.assign(t.act.place, { longitude: 181 }), '/act/place/longitude maximum'],
    ['another datum', (t) => Object.assign(t.act.place, { datum: 'GCJ-02' }), '/act/place/datum const'],
    [
      'an upper-case digest',
      (t) => Object.assign(t.evidence[0]!, { digest: `sha256:${'A'.repeat(64)}` }),
      '/evidence/0/digest pattern',
    ],
    ['a fraction of a byte', (t) => Object.assign(t.evidence[0]!, { bytes: 1.5 }), '/evidence/0/bytes type'],
    ['no party', (t) => Object.assign(t, { parties: [] }), '/parties minItems'],
    ['too much evidence', (t) => Object.assign(t, { evidence: Array(1001).fill(t.evidence[0]) }), '/evidence maxItems'],
    ['a UUID that is not v7', (t) => Object.assign(t, { id: '01837d0e-1c80-4b22-9c40-51a7e3d2b801' }), '/id pattern'],
    ['one id twice', (t) => Object.assign(t.evidence[3]!, { id: t.evidence[0]!.id }), '/evidence/3/id unique'],
    ['one number twice', (t) => Object.assign(t.evidence[3]!, { seq: 1 }), '/evidence/3/seq unique'],
    [
      'an id of a document and an item',
      (t) => Object.assign(t.documents![0]!, { id: t.evidence[0]!.id }),
      '/documents/0/id unique',
    ],
    [
      'names that differ in case',
      (t) => {
        t.evidence[0]!.fileName = 'A.jpg';
        t.evidence[1]!.fileName = 'a.JPG';
      },
      '/evidence/1/fileName unique',
    ],
    [
      'a name not in NFC',
      (t) => Object.assign(t.evidence[0]!, { fileName: 'e\u0301.jpg' }),
      '/evidence/0/fileName file-name',
    ],
    ['an end before the start', (t) => Object.assign(t.act, { to: '2022-09-01T00:00:00Z' }), '/act/to order'],
    ['a transfer to oneself', (t) => Object.assign(t.to, { node: t.from.node }), '/to/node distinct'],
  ])('refuses %s and names the place', (_, change, expected) => {
    expect(refusal(change)).toBe(expected);
  });

  it.each([
    '../a.jpg',
    'a/b',
    'a\\b',
    '.hidden',
    ' a',
    'a.',
    'a ',
    'C:a',
    'a?',
    'a\u202egpj.exe',
    'a\u200bb',
    'con.jpg',
    'Lpt1',
    '',
  ])('refuses the file name %j', (fileName) => {
    expect(refusal((t) => Object.assign(t.evidence[0]!, { fileName }))).toMatch(/^\/evidence\/0\/fileName/);
  });

  it.each(['照片01-省界桥西侧.jpg', 'console.log', 'a.b.c', '询问笔录（6页）.pdf', '𠮷.png'])(
    'accepts the file name %j',
    (fileName) => {
      expect(refusal((t) => Object.assign(t.evidence[0]!, { fileName }))).toBe('accepted');
    },
  );

  it('refuses bytes that are not canonical JSON, too long or too deep', () => {
    const bytes = encodeTransferData(sample('s1'));
    expect(refusalOf(Buffer.concat([bytes, Buffer.from('\n')]))).toBe('not-canonical');
    expect(refusalOf(Buffer.from(JSON.stringify(sample('s1'), null, 1)))).toBe('not-canonical');
    expect(refusalOf(bytes.subarray(0, -1))).toBe('not-json');
    expect(refusalOf(Buffer.alloc(transferLimits.maxBytes + 1, 0x20))).toBe('too-large');
    expect(refusalOf(Buffer.from('['.repeat(9) + ']'.repeat(9)))).toBe('too-deep');
    for (const json of ['null', '[]', '1', '""', '{}']) expect(refusalOf(Buffer.from(json))).not.toBe('accepted');
  });

  it('never fails otherwise than by its own error', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        refusalOf(canonicalJson(value ?? null));
      }),
      { numRuns: 300 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => refusalOf(bytes) !== 'accepted'));
  });

  it('cuts and cleans the name of an unknown field before it reaches a log', () => {
    const pointer = refusal((t) => Object.assign(t, { [`\u202e\n${'x'.repeat(5000)}`]: 1 }));
    expect(pointer.length).toBeLessThan(100);
    expect(pointer).toMatch(/^\/\?\?x+ additionalProperties$/);
  });
});

describe('findTransferFaults', () => {
  it('lists all faults of a draft at once', () => {
    const transfer = sample('s2');
    Object.assign(transfer, { cause: '', kind: 'GIFT' });
    Reflect.deleteProperty(transfer, 'request');
    expect(findTransferFaults(transfer)).toEqual(
      expect.arrayContaining([
        { pointer: '/cause', rule: 'minLength' },
        { pointer: '/kind', rule: 'enum' },
        { pointer: '/request', rule: 'required' },
      ]),
    );
  });

  it('stops at fifty', () => {
    const transfer = { ...sample('s2'), evidence: Array(300).fill({}) };
    expect(findTransferFaults(transfer)).toHaveLength(50);
  });
});

describe('encodeTransferData', () => {
  it('refuses what is larger than the peer would read', () => {
    const big = sample('s1');
    const text = '渣'.repeat(500);
    big.evidence = Array.from({ length: 1000 }, (_, i) => ({
      ...big.evidence[0]!,
      id: `EV-${i}`,
      seq: i + 1,
      fileName: `${i}.jpg`,
      method: text,
    }));
    expect(() => encodeTransferData(big)).toThrow('LIMIT_EXCEEDED');
  });
});

describe('isUscc', () => {
  it.each([
    '913101160000000194',
    '91310116000000035R',
    '913304820000000279',
    '91330421000000043K',
    '91330482000000051R',
  ])('accepts %s', (code) => {
    expect(isUscc(code)).toBe(true);
  });

  it('notices any one wrong character', () => {
    const code = '91310116000000035R';
    fc.assert(
      fc.property(fc.nat(17), fc.constantFrom(...'0123456789ABCDEFGHJKLMNPQRTUWXYIOSVZa '), (at, character) => {
        fc.pre(code.charAt(at) !== character);
        return !isUscc(code.slice(0, at) + character + code.slice(at + 1));
      }),
    );
  });
});

describe('docs/spec/transfer.md', () => {
  it('names every field of the schema', () => {
    const spec = readFileSync(path.join(root, 'docs/spec/transfer.md'), 'utf8');
    const names = new Set<string>();
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties = {}, items } = schema as { properties?: Record<string, unknown>; items?: unknown };
      for (const [name, child] of Object.entries(properties)) {
        names.add(name);
        walk(child);
      }
      walk(items);
    };
    walk(jest.requireActual<typeof import('./index')>('./index').transferSchema);
    expect(names.size).toBeGreaterThan(60);
    expect([...names].filter((name) => !spec.includes(`\`${name}\``))).toEqual([]);
  });
});
