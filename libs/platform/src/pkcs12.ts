import { createPrivateKey } from 'node:crypto';
import { Certificate, GatewayError, type KeyAndCertificate } from '@jieqiao/core';
import { asn1, pkcs12, pki, util } from 'node-forge';

const maxBytes = 256 * 1024;

/**
 * Reads the key and its certificate out of a PKCS#12 container (RFC 7292), the form in which authorities are given
 * their seals. node-forge only opens the container here: it knows no elliptic curves, so keys and certificates leave it
 * as DER and are read by Node's own crypto.
 * @throws GatewayError KEY_UNUSABLE {reason: 'too-large' | 'passphrase-not-ascii' | 'passphrase-or-damaged' | 'not-one-key' | 'no-certificate'}
 */
export function readPkcs12(container: Uint8Array, passphrase: string): KeyAndCertificate {
  if (container.length > maxBytes) throw new GatewayError('KEY_UNUSABLE', { reason: 'too-large' });
  // Containers of today encode a passphrase twice, in UTF-8 and in UTF-16; forge has one form for both.
  if (!/^[\x20-\x7e]*$/.test(passphrase)) throw new GatewayError('KEY_UNUSABLE', { reason: 'passphrase-not-ascii' });
  const bags = open(container, passphrase);
  const keys = [...bags(pki.oids.pkcs8ShroudedKeyBag!), ...bags(pki.oids.keyBag!)];
  if (keys.length !== 1) throw new GatewayError('KEY_UNUSABLE', { reason: 'not-one-key' });
  const key = createPrivateKey({ key: keyDer(keys[0]!), format: 'der', type: 'pkcs8' });
  const certificate = bags(pki.oids.certBag!)
    .map((bag) => Certificate.parse(certificateDer(bag)))
    .find((candidate) => candidate.x509.checkPrivateKey(key));
  if (!certificate) throw new GatewayError('KEY_UNUSABLE', { reason: 'no-certificate' });
  return {
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificatePem: certificate.toPem(),
  };
}

function open(container: Uint8Array, passphrase: string): (type: string) => pkcs12.Bag[] {
  try {
    const parsed = asn1.fromDer(util.createBuffer(Buffer.from(container).toString('binary')));
    const opened = pkcs12.pkcs12FromAsn1(parsed, true, passphrase);
    return (type) => opened.getBags({ bagType: type })[type] ?? [];
  } catch (cause) {
    throw new GatewayError('KEY_UNUSABLE', { reason: 'passphrase-or-damaged' }, { cause });
  }
}

/** PKCS#8 DER. forge gives an RSA key as its own object, any other key as the ASN.1 it could not read. */
function keyDer(bag: pkcs12.Bag): Buffer {
  return der(bag.key ? pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(bag.key)) : bag.asn1);
}

function certificateDer(bag: pkcs12.Bag): Buffer {
  return der(bag.cert ? pki.certificateToAsn1(bag.cert) : bag.asn1);
}

function der(value: asn1.Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), 'binary');
}
