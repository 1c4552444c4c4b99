import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { GatewayError } from '@jieqiao/core';

/** A key for data at rest. Its id, the beginning of its SHA-256, stands before whatever it has sealed. */
export interface DataKey {
  id: Buffer;
  key: KeyObject;
}

const version = 1;
const idBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + idBytes + nonceBytes;

/** @param secret 32 bytes */
export function dataKey(secret: Uint8Array): DataKey {
  return { id: createHash('sha256').update(secret).digest().subarray(0, idBytes), key: createSecretKey(secret) };
}

/**
 * Data at rest, AES-256-GCM: version, key id, 96-bit random nonce, ciphertext, tag. `about` names the row and is
 * authenticated with it, so that whoever can write to the database can't put one row's data into another.
 */
export class Vault {
  /** @param keys newest first, as a `KeyRing` has them */
  constructor(
    private readonly keys: () => { readonly dataKeys: readonly DataKey[] },
    private readonly random: (bytes: number) => Buffer,
  ) {}

  /** Under the newest key. @throws GatewayError KEY_UNUSABLE {reason: 'no-data-key'} */
  seal(about: string, clear: Uint8Array): Buffer {
    const [newest] = this.keys().dataKeys;
    if (!newest) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-data-key' });
    const nonce = this.random(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', newest.key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(about));
    const sealed = Buffer.concat([cipher.update(clear), cipher.final()]);
    return Buffer.concat([Buffer.of(version), newest.id, nonce, sealed, cipher.getAuthTag()]);
  }

  /** @throws GatewayError KEY_UNUSABLE {reason: 'no-data-key' | 'sealed-data-altered'}, with the row in `about` */
  open(about: string, sealed: Uint8Array): Buffer {
    const bytes = Buffer.from(sealed);
    if (bytes.length < headBytes + tagBytes || bytes[0] !== version) throw altered(about);
    const id = bytes.subarray(1, 1 + idBytes);
    const known = this.keys().dataKeys.find((candidate) => candidate.id.equals(id));
    if (!known) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-data-key', about });
    const nonce = bytes.subarray(1 + idBytes, headBytes);
    const decipher = createDecipheriv('aes-256-gcm', known.key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(headBytes, -tagBytes)), decipher.final()]);
    } catch (cause) {
      throw altered(about, cause);
    }
  }
}

function altered(about: string, cause?: unknown): GatewayError {
  return new GatewayError('KEY_UNUSABLE', { reason: 'sealed-data-altered', about }, { cause });
}
