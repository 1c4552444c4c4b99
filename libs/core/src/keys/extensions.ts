import { DerError, type DerReader, dotted, tag } from '../bundle/der';

export interface Extension {
  critical: boolean;
  /** What the OCTET STRING wraps. */
  value: Buffer;
}

const maxExtensions = 64;

/** Extensions by dotted type (RFC 5280 §4.1.2.9), each type once. `list` stands before the SEQUENCE. */
export function readExtensions(list: DerReader): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  const items = list.enter(tag.sequence);
  while (!items.done) {
    const item = items.enter(tag.sequence);
    const type = dotted(item.next(tag.oid).value);
    // FALSE is the default, which DER leaves out and some issuers write.
    const critical = item.nextTag() === tag.boolean && isTrue(item.next(tag.boolean).value);
    const { value } = item.next(tag.octetString);
    item.end();
    if (extensions.has(type) || extensions.size === maxExtensions) throw new DerError('extensions');
    extensions.set(type, { critical, value });
  }
  return extensions;
}

export function isTrue(value: Buffer): boolean {
  if (value.length !== 1 || (value[0] !== 0 && value[0] !== 0xff)) throw new DerError('boolean');
  return value[0] === 0xff;
}
