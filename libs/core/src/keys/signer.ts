import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { GatewayError } from '../errors';
import { Certificate } from './certificate';

/** A private key with the certificate that speaks for it. */
export class Signer {
  readonly algorithm: 'ES256' | 'RS256';

  private constructor(
    private readonly key: KeyObject,
    readonly certificate: Certificate,
  ) {
    this.algorithm = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  }

  /** @throws GatewayError KEY_UNUSABLE when the key cannot be read or is not the certificate's. */
  static fromPem(privateKeyPem: string, certificatePem: string): Signer {
    const certificate = Certificate.parse(certificatePem);
    let key: KeyObject;
    try {
      key = createPrivateKey(privateKeyPem);
    } catch (cause) {
      throw new GatewayError('KEY_UNUSABLE', { reason: 'unreadable' }, { cause });
    }
    if (!certificate.x509.checkPrivateKey(key)) throw new GatewayError('KEY_UNUSABLE', { reason: 'not-its-key' });
    return new Signer(key, certificate);
  }

  /** SHA-256 signature as CMS wants it: DER `ECDSA-Sig-Value`, or PKCS#1 v1.5. */
  sign(data: Uint8Array): Buffer {
    return sign('sha256', data, this.key);
  }

  /** SHA-256 signature as JOSE wants it (RFC 7518 §3.4): r ‖ s of 32 bytes each, or PKCS#1 v1.5. */
  signJose(data: Uint8Array): Buffer {
    return sign('sha256', data, { key: this.key, dsaEncoding: 'ieee-p1363' });
  }
}
