import { createPublicKey, type KeyObject } from 'node:crypto';
import { DerReader, tag } from '../bundle/der';
import { fromBase64 } from '../encoding';
import { GatewayError } from '../errors';
import { signatureBits, verifySigned } from './signature-algorithm';

const maxRequestBytes = 16 * 1024;
const pemBlock =
  /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]*)-----END (?:NEW )?CERTIFICATE REQUEST-----/g;

interface Request {
  signed: Buffer;
  publicKey: KeyObject;
  algorithm: Buffer;
  signature: Buffer;
}

/**
 * The public key of a PKCS#10 request (RFC 2986) whose signature proves that the requester has the private one.
 * Nothing else of it is read.
 * @param input DER, or text with one PEM block
 * @throws GatewayError CERTIFICATE_MALFORMED {reason: 'request' | 'too-large'}; CERTIFICATE_REFUSED {reason:
 *   'request-signature'}
 */
export function readCertificateRequest(input: Uint8Array | string): KeyObject {
  if (input.length > 2 * maxRequestBytes) throw new GatewayError('CERTIFICATE_MALFORMED', { reason: 'too-large' });
  let request: Request;
  try {
    request = read(typeof input === 'string' ? fromPem(input) : Buffer.from(input));
  } catch (cause) {
    throw new GatewayError('CERTIFICATE_MALFORMED', { reason: 'request' }, { cause });
  }
  const { signed, algorithm, signature, publicKey } = request;
  if (!verifySigned(signed, algorithm, signature, publicKey)) {
    throw new GatewayError('CERTIFICATE_REFUSED', { reason: 'request-signature' });
  }
  return publicKey;
}

function read(bytes: Buffer): Request {
  const whole = new DerReader(bytes);
  const request = whole.enter(tag.sequence);
  whole.end();
  const info = request.next(tag.sequence);
  const algorithm = request.next(tag.sequence).raw;
  const signature = signatureBits(request.next(tag.bitString));
  request.end();
  const fields = new DerReader(info.value);
  fields.next(tag.integer);
  fields.next(tag.sequence);
  const key = fields.next(tag.sequence).raw;
  return { signed: info.raw, publicKey: createPublicKey({ key, format: 'der', type: 'spki' }), algorithm, signature };
}

function fromPem(text: string): Buffer {
  const blocks = [...text.matchAll(pemBlock)];
  const bytes = blocks.length === 1 ? fromBase64(blocks[0]![1]!.replace(/\s/g, '')) : null;
  if (!bytes) throw new Error('not one request in PEM');
  return bytes;
}
