import { type KeyObject, verify } from 'node:crypto';
import { DerError, der, oid, sequence, type Tlv, tag } from '../bundle/der';

interface SignatureAlgorithm {
  hash: 'sha256' | 'sha384' | 'sha512';
  key: 'rsa' | 'ec';
}

/** By AlgorithmIdentifier in hex. RSA's parameters are NULL or absent (RFC 4055 §5), ECDSA's absent (RFC 5758 §3.2). */
const algorithms = new Map<string, SignatureAlgorithm>();
const hashes = ['sha256', 'sha384', 'sha512'] as const;
for (const [i, hash] of hashes.entries()) {
  const rsa = oid(`1.2.840.113549.1.1.${11 + i}`);
  algorithms.set(sequence(rsa, der(tag.null)).toString('hex'), { hash, key: 'rsa' });
  algorithms.set(sequence(rsa).toString('hex'), { hash, key: 'rsa' });
  algorithms.set(sequence(oid(`1.2.840.10045.4.3.${2 + i}`)).toString('hex'), { hash, key: 'ec' });
}

/** SHA-256, SHA-384 or SHA-512 with RSA (PKCS#1 v1.5) or ECDSA: all that is believed in certificates and lists. */
export function isStrongSignature(identifier: Buffer): boolean {
  return algorithms.has(identifier.toString('hex'));
}

/** The content of a BIT STRING that holds a signature: whole bytes. */
export function signatureBits(element: Tlv): Buffer {
  if (element.value[0] !== 0) throw new DerError('bit string');
  return element.value.subarray(1);
}

/** False also where the algorithm is not a strong one, or not the key's. */
export function verifySigned(signed: Buffer, identifier: Buffer, signature: Buffer, key: KeyObject): boolean {
  const algorithm = algorithms.get(identifier.toString('hex'));
  if (!algorithm || algorithm.key !== key.asymmetricKeyType) return false;
  return verify(algorithm.hash, signed, key, signature);
}
