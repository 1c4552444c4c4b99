/** Strict DER (X.690 §10), as much of it as CMS signatures need. A break of the rules throws `DerError`. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

export const tag = {
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific 0, constructed. */
  context0: 0xa0,
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

/** `1.2.840.…` as a whole element. */
export function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first! * 40 + second!, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(tag.oid, Buffer.from(bytes));
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
