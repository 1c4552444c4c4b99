import { createPrivateKey, randomBytes } from 'node:crypto';
import { Certificate, GatewayError, type KeyAndCertificate } from '@jieqiao/core';
import { asn1, hmac, md, pkcs12, pki, util } from 'node-forge';

const maxBytes = 256 * 1024;
/** Rounds that a guess at the passphrase costs: five times what `openssl pkcs12` takes, and a second of forge's time. */
const rounds = 10_000;
/** Identifier of the key that authenticates (RFC 7292, appendix B.3). */
const macKeyId = 3;

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

/**
 * Writes a key and its certificate as PKCS#12 (RFC 7292), in which officers are handed theirs: the key under PBES2 with
 * AES-256, the whole authenticated with HMAC-SHA-256.
 * @throws GatewayError KEY_UNUSABLE {reason: 'passphrase-not-ascii'}
 */
export function writePkcs12({ privateKeyPem, certificatePem }: KeyAndCertificate, passphrase: string): Buffer {
  if (!/^[\x20-\x7e]+$/.test(passphrase)) throw new GatewayError('KEY_UNUSABLE', { reason: 'passphrase-not-ascii' });
  const pkcs8 = createPrivateKey(privateKeyPem).export({ type: 'pkcs8', format: 'der' });
  const certificate = Certificate.parse(certificatePem);
  // What ties the two bags together for the reader.
  const name = attribute(pki.oids.localKeyId!, octets(Buffer.from(certificate.fingerprint, 'hex').toString('latin1')));
  const shrouded = pki.encryptPrivateKeyInfo(asn1.fromDer(pkcs8.toString('latin1')), passphrase, {
    algorithm: 'aes256',
    count: rounds,
    prfAlgorithm: 'sha256',
  });
  const bags = [
    sequence(oid(pki.oids.pkcs8ShroudedKeyBag!), explicit(shrouded), name),
    sequence(
      oid(pki.oids.certBag!),
      explicit(sequence(oid(pki.oids.x509Certificate!), explicit(octets(certificate.raw.toString('latin1'))))),
      name,
    ),
  ];
  const contents = bags.map((bag) => data(sequence(bag)));
  const safe = asn1.toDer(sequence(...contents)).getBytes();
  const salt = randomBytes(16).toString('latin1');
  const key = pkcs12.generateKey(passphrase, util.createBuffer(salt), macKeyId, rounds, 32, md.sha256.create());
  const mac = hmac.create();
  mac.start('sha256', key);
  mac.update(safe);
  const digest = sequence(
    sequence(oid(pki.oids.sha256!), primitive(asn1.Type.NULL, '')),
    octets(mac.getMac().getBytes()),
  );
  const integer = (value: number) => primitive(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes());
  const macData = sequence(digest, octets(salt), integer(rounds));
  return der(sequence(integer(3), sequence(oid(pki.oids.data!), explicit(octets(safe))), macData));
}

const primitive = (type: asn1.Type, value: string) => asn1.create(asn1.Class.UNIVERSAL, type, false, value);
const octets = (bytes: string) => primitive(asn1.Type.OCTETSTRING, bytes);
const oid = (text: string) => primitive(asn1.Type.OID, asn1.oidToDer(text).getBytes());
const sequence = (...parts: asn1.Asn1[]) => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
const explicit = (part: asn1.Asn1) => asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0 as asn1.Type, true, [part]);
const setOf = (part: asn1.Asn1) => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [part]);
const attribute = (type: string, value: asn1.Asn1) => setOf(sequence(oid(type), setOf(value)));
/** ContentInfo of type data (RFC 5652 §4). */
const data = (part: asn1.Asn1) => sequence(oid(pki.oids.data!), explicit(octets(asn1.toDer(part).getBytes())));

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
