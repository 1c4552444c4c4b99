import { crc32 } from 'node:zlib';
import {
  type ByteSource,
  type GatewayError,
  planZip,
  readZip,
  writeZip,
  type ZipEntry,
  zipLimits,
} from '@jieqiao/core';
import fc from 'fast-check';
import { collect, nothing, sourceOf } from '../../../../test/support/sealed-exchange';

const entry = (name: string, text = name): ZipEntry => {
  const content = Buffer.from(text);
  return { name, bytes: content.length, crc32: crc32(content), content };
};

const zipOf = (...entries: ZipEntry[]): Promise<Buffer> => collect(writeZip(planZip(entries), nothing));

async function reasonFor(bytes: Buffer): Promise<unknown> {
  try {
    await readZip(sourceOf(bytes));
  } catch (error) {
    return (error as GatewayError).params?.reason ?? error;
  }
  return 'accepted';
}

/** What a hostile writer does: replaces equal-length text everywhere, in both headers. */
function renamed(zip: Buffer, from: string, to: string): Buffer {
  const [a, b] = [Buffer.from(from), Buffer.from(to)];
  if (a.length !== b.length) throw new Error('lengths differ');
  const out = Buffer.from(zip);
  for (let at = out.indexOf(a); at >= 0; at = out.indexOf(a, at + 1)) b.copy(out, at);
  return out;
}

/** Big files that exist only as a formula; reading them costs no memory. */
function virtualSource(plan: ReturnType<typeof planZip>): ByteSource {
  return {
    size: plan.length,
    read: async (offset, length) => {
      const out = Buffer.alloc(length);
      for (const segment of plan.segments) {
        const from = Math.max(segment.offset, offset);
        const to = Math.min(segment.offset + segment.bytes, offset + length);
        if (from < to && 'content' in segment) {
          segment.content.copy(out, from - offset, from - segment.offset, to - segment.offset);
        }
      }
      return out;
    },
  };
}

describe('the deterministic zip', () => {
  it('reads back what it wrote', async () => {
    const zip = await zipOf(entry('mimetype'), entry('evidence/现场照片.jpg', 'x'.repeat(1000)), entry('b', ''));
    const read = await readZip(sourceOf(zip));
    expect(read.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['mimetype', 8],
      ['evidence/现场照片.jpg', 1000],
      ['b', 0],
    ]);
    expect(zip.subarray(read[0]!.offset, read[0]!.offset + 8).toString()).toBe('mimetype');
  });

  it('knows its length beforehand and serves any range of itself', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.boolean()), { maxLength: 6 }),
        fc.nat(2000),
        fc.nat(2000),
        async (bodies, a, b) => {
          const contents = new Map(bodies.map(([body], i) => [`f${i}`, Buffer.from(body)]));
          const plan = planZip(
            bodies.map(([body, inline], i) => {
              const content = Buffer.from(body);
              const known = { name: `f${i}`, bytes: content.length, crc32: crc32(content) };
              return inline ? { ...known, content } : known;
            }),
          );
          const open = async function* (name: string, start: number): AsyncIterable<Buffer> {
            const content = contents.get(name)!;
            for (let at = start; at < content.length; at += 7) yield content.subarray(at, at + 7);
          };
          const whole = await collect(writeZip(plan, open));
          expect(whole.length).toBe(plan.length);
          await readZip(sourceOf(whole));
          const [start, end] = [Math.min(a, b), Math.min(Math.max(a, b), plan.length)];
          const part = await collect(writeZip(plan, open, { start, end }));
          expect(part.equals(whole.subarray(start, end))).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('refuses to write an entry that is shorter or longer than planned', async () => {
    const plan = planZip([{ name: 'a', bytes: 5, crc32: 0 }]);
    const giving = (text: string) =>
      async function* () {
        yield Buffer.from(text);
      };
    await expect(collect(writeZip(plan, giving('1234')))).rejects.toMatchObject({ code: 'LENGTH_MISMATCH' });
    await expect(collect(writeZip(plan, giving('123456')))).rejects.toMatchObject({ code: 'LENGTH_MISMATCH' });
  });

  it('uses ZIP64 exactly where a size or an offset needs it', async () => {
    const sizes = [0xfffffffe, 0xffffffff, 6 * 2 ** 30, 3];
    const plan = planZip(sizes.map((bytes, i) => ({ name: `f${i}`, bytes, crc32: i })));
    const read = await readZip(virtualSource(plan));
    expect(read.map(({ bytes }) => bytes)).toEqual(sizes);
    expect(read[3]!.offset).toBeGreaterThan(10 * 2 ** 30);
  });

  it('bounds the directory before reading it', async () => {
    const many = Array.from({ length: 300 }, (_, i) => entry(`f${i}`));
    const zip = await zipOf(...many);
    await expect(readZip(sourceOf(zip), { ...zipLimits, maxEntries: 299 })).rejects.toMatchObject({
      params: { reason: 'too-many-entries' },
    });
    expect(() => planZip(Array.from({ length: 10_001 }, (_, i) => entry(`f${i}`)))).toThrow('too-many-entries');
  });

  it.each([
    '/etc/passwd',
    '../up',
    'a/../b',
    'a/./b',
    'a//b',
    'a/',
    'a\\b',
    'C:x',
    'a\0b',
    'a\nb',
    'a\u202egpj.exe',
    'a\u200bb',
    'cafe\u0301',
    'nul.txt',
    'COM1',
    'a.',
    'a ',
    ' a',
    '',
    '..',
    'x\ud800',
    'n'.repeat(513),
  ])('no name like %j', (name) => {
    expect(() => planZip([entry(name, 'x')])).toThrow('BUNDLE_MALFORMED');
  });

  it.each([
    ['a', 'A'],
    ['straße', 'STRASSE'],
    ['É', 'é'],
    ['dir', 'dir/file'],
    ['dir/file', 'DIR'],
  ])('no two names like %j and %j', (a, b) => {
    expect(() => planZip([entry(a), entry(b)])).toThrow('name-twice');
  });

  describe('attacks', () => {
    let zip: Buffer;
    const centralAt = (bytes: Buffer) => bytes.readUInt32LE(bytes.length - 6);
    const patched = (change: (bytes: Buffer, central: number) => void): Buffer => {
      const bytes = Buffer.from(zip);
      change(bytes, centralAt(bytes));
      return bytes;
    };

    beforeAll(async () => {
      zip = await zipOf(entry('mimetype'), entry('evidence/abc', 'body'), entry('evidence/abd', 'other'));
    });

    const both = (offset: number, value: number) => (bytes: Buffer, central: number) => {
      bytes.writeUInt16LE(value, offset);
      bytes.writeUInt16LE(value, central + offset + 2);
    };

    const table: [string, unknown, () => Buffer | Promise<Buffer>][] = [
      ['zip-slip', 'name-traversal', () => renamed(zip, 'evidence/abc', '../../../etc')],
      ['absolute name', 'name-empty-component', () => renamed(zip, 'evidence/abc', '/etc/passwd1')],
      ['backslashes', 'name-character', () => renamed(zip, 'evidence/abc', 'evidence\\abc')],
      ['directory entry', 'name-empty-component', () => renamed(zip, 'evidence/abc', 'evidence/ab/')],
      ['the same name twice', 'name-twice', () => renamed(zip, 'evidence/abd', 'evidence/abc')],
      ['names that differ in case', 'name-twice', () => renamed(zip, 'evidence/abd', 'evidence/ABC')],
      [
        'not UTF-8',
        'name-encoding',
        () =>
          patched((b, c) => {
            b[c + 46] = 0xff;
            b[30] = 0xff;
          }),
      ],
      ['a prefix', 'gap-or-overlap', () => Buffer.concat([Buffer.from('#!/bin/sh\n'), zip])],
      ['a suffix', 'no-end-record', () => Buffer.concat([zip, Buffer.from('x')])],
      [
        'a comment',
        'no-end-record',
        () => Buffer.concat([patched((b) => b.writeUInt16LE(1, b.length - 2)), Buffer.from('c')]),
      ],
      ['a promised comment', 'end-record', () => patched((b) => b.writeUInt16LE(1, b.length - 2))],
      ['two end records', 'gap-or-overlap', () => Buffer.concat([zip, zip.subarray(-22)])],
      ['a second archive behind', 'gap-or-overlap', async () => Buffer.concat([zip, await zipOf(entry('mimetype'))])],
      ['truncated', 'no-end-record', () => zip.subarray(0, -1)],
      ['empty file', 'no-end-record', () => Buffer.alloc(0)],
      ['encrypted', 'encrypted', () => patched(both(6, 0x0801))],
      ['strongly encrypted', 'encrypted', () => patched(both(6, 0x0841))],
      ['compressed', 'compressed', () => patched(both(8, 8))],
      ['data descriptors', 'central-directory', () => patched(both(6, 0x0808))],
      ['another date', 'central-directory', () => patched(both(12, 0x0022))],
      ['symbolic link', 'attributes', () => patched((b, c) => b.writeUInt32LE(0xa1ff0000, c + 38))],
      ['an entry comment', 'comment', () => patched((b, c) => b.writeUInt16LE(3, c + 32))],
      [
        'an extra field',
        'extra-field',
        () =>
          patched((b, c) => {
            b.writeUInt16LE(7, c + 28);
            b.writeUInt16LE(1, c + 30);
          }),
      ],
      ['headers that disagree on size', 'local-header', () => patched((b) => b.writeUInt32LE(7, 18))],
      [
        'headers that disagree on name',
        'local-header',
        () =>
          patched((b) => {
            b[31] = 0x41;
          }),
      ],
      ['overlapping entries', 'gap-or-overlap', () => patched((b, c) => b.writeUInt32LE(0, c + 54 + 42))],
      ['a body of 4 GiB declared', 'extra-field', () => patched((b, c) => b.writeUInt32LE(0xffffffff, c + 24))],
      ['a body past the end', 'gap-or-overlap', () => patched((b, c) => b.writeUInt32LE(0x7fffffff, c + 24))],
      [
        'more entries than the directory holds',
        'central-directory',
        () => patched((b) => b.writeUInt32LE(4 + (4 << 16), b.length - 14)),
      ],
      ['65,535 entries without ZIP64', 'no-zip64-record', () => patched((b) => b.writeUInt16LE(0xffff, b.length - 12))],
      ['a huge directory', 'central-directory', () => patched((b) => b.writeUInt32LE(0x7fffffff, b.length - 10))],
    ];
    it.each(table)('%s: %s', async (_, reason, make) => {
      expect(await reasonFor(await make())).toBe(reason);
    });

    it('any flipped bit outside the bodies is refused', async () => {
      const read = await readZip(sourceOf(zip));
      const inBody = (at: number) => read.some((e) => at >= e.offset && at < e.offset + e.bytes);
      for (let at = 0; at < zip.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          if (inBody(at)) continue;
          const bad = Buffer.from(zip);
          bad[at]! ^= 1 << bit;
          const reason = await reasonFor(bad);
          // A changed CRC or a changed name in one place only is seen by comparing the two headers.
          expect([at, bit, typeof reason === 'string' && reason !== 'accepted']).toEqual([at, bit, true]);
        }
      }
    });

    it('random bytes never do more than be refused', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.nat(300), async (noise, cut) => {
          const bytes = Buffer.concat([zip.subarray(0, cut), Buffer.from(noise), zip.subarray(-60)]);
          expect(typeof (await reasonFor(bytes))).toBe('string');
        }),
        { numRuns: 500 },
      );
    });
  });
});
