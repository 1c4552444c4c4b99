/** Strict DER (X.690 §10), as much of it as CMS and its relatives need. A break of the rules throws `DerError`. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific 0 and 1. */
  context0: 0xa0,
  context1: 0xa1,
  context0Primitive: 0x80,
  context1Primitive: 0x81,
} as const;

export interface Tlv {
  tag: number;
  value: Buffer;
  /** The whole element: tag, length and value. */
  raw: Buffer;
}

/** Walks the elements of one constructed value, or of a whole input. */
export class DerReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  nextTag(): number | null {
    return this.bytes[this.at] ?? null;
  }

  next(expected: number): Tlv {
    const start = this.at;
    const first = this.bytes[start];
    const lengthByte = this.bytes[start + 1];
    if (first !== expected || lengthByte === undefined) throw new DerError('unexpected element');
    let at = start + 2;
    let length = lengthByte;
    if (lengthByte >= 0x80) {
      const count = lengthByte & 0x7f;
      // 0 is BER's indefinite length; four bytes are more than any limit on the input.
      if (count === 0 || count > 4 || at + count > this.bytes.length) throw new DerError('length');
      length = this.bytes.readUIntBE(at, count);
      if (length < 0x80 || (count > 1 && this.bytes[at] === 0)) throw new DerError('length not minimal');
      at += count;
    }
    const end = at + length;
    if (end > this.bytes.length) throw new DerError('truncated');
    this.at = end;
    return { tag: first, value: this.bytes.subarray(at, end), raw: this.bytes.subarray(start, end) };
  }

  /** The next element, whatever its tag. */
  any(): Tlv {
    return this.next(this.bytes[this.at] ?? -1);
  }

  /** A reader over the next element's value. */
  enter(expected: number): DerReader {
    return new DerReader(this.next(expected).value);
  }

  end(): void {
    if (!this.done) throw new DerError('trailing bytes');
  }
}

export function der(elementTag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  let header: Buffer;
  if (length < 0x80) header = Buffer.from([elementTag, length]);
  else if (length < 0x100) header = Buffer.from([elementTag, 0x81, length]);
  else if (length < 0x10000) header = Buffer.from([elementTag, 0x82, length >> 8, length & 0xff]);
  else header = Buffer.from([elementTag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  return Buffer.concat([header, ...parts]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(tag.sequence, ...parts);

/** SET OF in DER's order: by the elements' encodings (X.690 §11.6). */
export const setOf = (...parts: readonly Buffer[]): Buffer => der(tag.set, ...[...parts].sort(Buffer.compare));

/** `1.2.840.…` as a whole element. Arcs may be as large as those below 2.25, which are UUIDs. */
export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(BigInt);
  const bytes: number[] = [];
  for (const arc of [first! * 40n + second!, ...rest]) {
    const groups = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
    bytes.push(...groups);
  }
  return der(tag.oid, Buffer.from(bytes));
}

/** The dotted form of an object identifier's content octets. */
export function dotted(value: Buffer): string {
  if (value.length > 64) throw new DerError('object identifier too long');
  const arcs: bigint[] = [];
  let arc: bigint | null = null;
  for (const byte of value) {
    if (arc === null && byte === 0x80) throw new DerError('object identifier not minimal');
    arc = ((arc ?? 0n) << 7n) | BigInt(byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = null;
  }
  const [head, ...rest] = arcs;
  if (head === undefined || arc !== null) throw new DerError('object identifier');
  const first = head < 80n ? head / 40n : 2n;
  return [first, head - first * 40n, ...rest].join('.');
}

/** An INTEGER that is not negative, from its bytes in network order. */
export function unsigned(bytes: Uint8Array): Buffer {
  const digits = Buffer.from(bytes);
  const start = digits.findIndex((byte) => byte !== 0);
  const value = start < 0 ? Buffer.alloc(1) : digits.subarray(start);
  return der(tag.integer, Buffer.alloc(value[0]! < 0x80 ? 0 : 1), value);
}

/** Whole seconds in UTC; UTCTime until 2049 and GeneralizedTime after (RFC 5652 §11.3). */
export function time(at: Date): Buffer {
  const digits = at.toISOString().slice(0, 19).replace(/[-:T]/g, '');
  const year = at.getUTCFullYear();
  if (year >= 1950 && year < 2050) return der(tag.utcTime, Buffer.from(`${digits.slice(2)}Z`, 'latin1'));
  return der(tag.generalizedTime, Buffer.from(`${digits}Z`, 'latin1'));
}

export function readTime(element: Tlv): Date {
  const text = element.value.toString('latin1');
  const match = /^(\d{2})?(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!match || (match[1] !== undefined) !== (element.tag === tag.generalizedTime)) throw new DerError('time');
  const [, century, yy, month, day, hour, minute, second] = match;
  const year = `${century ?? (Number(yy) < 50 ? '20' : '19')}${yy}`;
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`);
  // Also catches the 30th of February, which Date would carry into March.
  if (Number.isNaN(at.getTime()) || !time(at).equals(element.raw)) throw new DerError('time');
  return at;
}
