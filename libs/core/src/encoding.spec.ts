import canonicalize from 'canonicalize';
import fc from 'fast-check';
import {
  base64url,
  canonicalJson,
  digestOf,
  fromBase64,
  fromBase64url,
  isDigest,
  parseCanonicalJson,
  uuidPattern,
  uuidv7,
} from './encoding';
import type { GatewayError } from './errors';

const limits = { maxBytes: 10_000, maxDepth: 8 };
const parse = (text: string) => parseCanonicalJson(Buffer.from(text), limits, 'ENVELOPE_MALFORMED');
const reasonOf = (text: string): unknown => {
  try {
    parse(text);
    return 'accepted';
  } catch (error) {
    return (error as GatewayError).params.reason;
  }
};

describe('canonical JSON (RFC 8785)', () => {
  it('sorts by UTF-16 code units and writes numbers as ECMAScript does (RFC 8785 §3.2.3)', () => {
    const value = { '\u20ac': 1, '\r': 2, '1': 3, '\u0080': 4, '\u00f6': 5, '\ufb33': 6, '\u{1f600}': 7 };
    expect(canonicalJson(value).toString()).toBe(
      '{"\\r":2,"1":3,"\u0080":4,"\u00f6":5,"\u20ac":1,"\u{1f600}":7,"\ufb33":6}',
    );
    expect(canonicalJson([1e21, 1e-7, -0, 333333333.3333333]).toString()).toBe('[1e+21,1e-7,0,333333333.3333333]');
  });

  it('reads back exactly what it wrote', () => {
    const json = fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' });
    fc.assert(
      fc.property(json, (value) => {
        const bytes = canonicalJson(value);
        if (bytes.length > limits.maxBytes) return;
        expect(canonicalJson(parseCanonicalJson(bytes, limits, 'INTERNAL'))).toEqual(bytes);
      }),
    );
  });

  it('writes what the library writes, number-like and odd keys included', () => {
    const key = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.nat().map(String),
      fc.constantFrom('__proto__', 'toJSON', '', '01', '-1'),
    );
    const leaf = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(key, tie('value'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (sample) => {
        const expected = Buffer.from(canonicalize(sample)!);
        expect(canonicalJson(sample)).toEqual(expected);
        const limit = { maxBytes: expected.length, maxDepth: 10 };
        expect(() => parseCanonicalJson(expected, limit, 'INTERNAL')).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['{"b":1,"a":2}', 'not-canonical'],
    ['{"a":1,"a":1}', 'not-canonical'],
    ['{"a":1.0}', 'not-canonical'],
    ['{"9":1,"10":1}', 'not-canonical'],
    ['{"10":1,"9":1}', 'accepted'],
    ['{"a": 1}', 'not-canonical'],
    ['{"a":"\\u0041"}', 'not-canonical'],
    ['\ufeff{}', 'not-json'],
    ['{}x', 'not-json'],
    ['', 'not-json'],
    ['"\\ud800"', 'not-canonical'],
    ['[[[[[[[[[1]]]]]]]]]', 'too-deep'],
    [`"${'x'.repeat(10_001)}"`, 'too-large'],
  ])('refuses %s', (text, reason) => expect(reasonOf(text)).toBe(reason));

  it('counts no brackets inside strings', () => expect(reasonOf('["[[[[[[[[[[\\"[["]')).toBe('accepted'));

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseCanonicalJson(Buffer.from([0x22, 0xff, 0x22]), limits, 'INTERNAL')).toThrow('not-canonical');
  });

  it('keeps a backslash before the letters ud800 apart from a lone surrogate', () => {
    expect(canonicalJson('\\ud800').toString()).toBe('"\\\\ud800"');
    expect(() => canonicalJson('\ud800')).toThrow('lone surrogate');
    expect(() => canonicalJson(Number.NaN)).toThrow();
  });
});

describe('digests, Base64 and ids', () => {
  it('a digest has one form', () => {
    const digest = digestOf(Buffer.from('abc'));
    expect(digest).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(isDigest(digest)).toBe(true);
    expect(isDigest(digest.toUpperCase())).toBe(false);
    expect(isDigest(digest.slice(0, -1))).toBe(false);
  });

  it('decoding accepts one spelling only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(fromBase64url(base64url(bytes))).toEqual(Buffer.from(bytes));
        expect(fromBase64(Buffer.from(bytes).toString('base64'))).toEqual(Buffer.from(bytes));
      }),
    );
    expect(fromBase64url('QQ==')).toBeNull();
    expect(fromBase64url('QR')).toBeNull(); // trailing bits
    expect(fromBase64('QQ')).toBeNull();
    expect(fromBase64('Q Q=')).toBeNull();
  });

  it('ids sort by time', () => {
    const random = Buffer.alloc(10, 0xff);
    const ids = [1, 1_000, 1_700_000_000_000].map((time) => uuidv7(time, random));
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(uuidPattern);
    expect(ids[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
  });
});
