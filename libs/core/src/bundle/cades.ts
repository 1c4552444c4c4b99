import { verify } from 'node:crypto';
import { sha256 } from '../encoding';
import { GatewayError } from '../errors';
import { Certificate } from '../keys/certificate';
import type { Signer } from '../keys/signer';
import { DerReader, der, oid, readTime, sequence, setOf, tag, time } from './der';

/** A seal is about 1.5 KB; a certificate with many names and an RSA key stays far below this. */
const maxSignatureBytes = 32 * 1024;

const oids = {
  data: oid('1.2.840.113549.1.7.1'),
  signedData: oid('1.2.840.113549.1.7.2'),
  contentType: oid('1.2.840.113549.1.9.3'),
  messageDigest: oid('1.2.840.113549.1.9.4'),
  signingTime: oid('1.2.840.113549.1.9.5'),
  signingCertificateV2: oid('1.2.840.113549.1.9.16.2.47'),
};
const sha256Algorithm = sequence(oid('2.16.840.1.101.3.4.2.1'));
/** RFC 5758 §3.2 without parameters, RFC 4055 §5 with NULL. */
const signatureAlgorithms = {
  ES256: sequence(oid('1.2.840.10045.4.3.2')),
  RS256: sequence(oid('1.2.840.113549.1.1.11'), der(tag.null)),
};
const one = der(tag.integer, Buffer.from([1]));

/** The variable parts of a signature: everything else in its bytes follows from these. */
interface Parts {
  certificate: Buffer;
  signingTime: Date;
  messageDigest: Buffer;
  /** SHA-256 over the signer's certificate, from signing-certificate-v2. */
  certificateHash: Buffer;
  algorithm: keyof typeof signatureAlgorithms;
  value: Buffer;
}

export interface Cades {
  signer: Certificate;
  /** As claimed by the signer, to the second. */
  signingTime: Date;
}

/**
 * A detached CAdES baseline-B signature (EN 319 122-1 §6) over `content`: CMS SignedData (RFC 5652) with SHA-256, one
 * signer, the signer's certificate, and exactly the four signed attributes of the baseline.
 * @param signingTime cut to whole seconds
 */
export function signCades(content: Uint8Array, signer: Signer, signingTime: Date): Buffer {
  const certificate = signer.certificate.raw;
  const parts = { certificate, signingTime, messageDigest: sha256(content), certificateHash: sha256(certificate) };
  const value = signer.sign(signedAttributes(parts));
  return encode({ ...parts, algorithm: signer.algorithm, value });
}

/**
 * Checks everything about a signature but whether its signer is trusted (`checkChain` does). The parts are read,
 * encoded again and compared with the input, so no byte of the input is free.
 * @throws GatewayError BUNDLE_MALFORMED when it is not of the form `signCades` writes;
 *   CERTIFICATE_MALFORMED; BUNDLE_SIGNATURE_INVALID with a `reason`: `message-digest`, `signing-certificate`,
 *   `algorithm` or `signature`
 */
export function verifyCades(content: Uint8Array, signature: Uint8Array): Cades {
  const parts = parse(signature);
  const signer = Certificate.parse(parts.certificate);
  if (!parts.certificateHash.equals(sha256(parts.certificate))) throw invalid('signing-certificate');
  const fits =
    parts.algorithm === 'ES256'
      ? signer.publicKey.asymmetricKeyType === 'ec' &&
        signer.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1'
      : signer.publicKey.asymmetricKeyType === 'rsa';
  if (!fits) throw invalid('algorithm');
  if (!verify('sha256', signedAttributes(parts), signer.publicKey, parts.value)) throw invalid('signature');
  if (!parts.messageDigest.equals(sha256(content))) throw invalid('message-digest');
  return { signer, signingTime: parts.signingTime };
}

function parse(signature: Uint8Array): Parts {
  if (signature.length > maxSignatureBytes) throw malformed('too-large');
  const bytes = Buffer.from(signature.buffer, signature.byteOffset, signature.length);
  let parts: Parts;
  try {
    parts = read(bytes);
  } catch (cause) {
    throw new GatewayError('BUNDLE_MALFORMED', { part: 'signature', reason: 'structure' }, { cause });
  }
  if (!encode(parts).equals(bytes)) throw malformed('form');
  return parts;
}

/** Picks the variable parts; constant ones are only stepped over, since the comparison with `encode` checks them. */
function read(bytes: Buffer): Parts {
  const outer = new DerReader(bytes).enter(tag.sequence);
  outer.next(tag.oid);
  const signedData = outer.enter(tag.context0).enter(tag.sequence);
  signedData.next(tag.integer);
  signedData.next(tag.set);
  signedData.next(tag.sequence);
  const certificate = signedData.enter(tag.context0).next(tag.sequence).raw;
  const signerInfo = signedData.enter(tag.set).enter(tag.sequence);
  signerInfo.next(tag.integer);
  signerInfo.next(tag.sequence);
  signerInfo.next(tag.sequence);
  const attributes = signerInfo.enter(tag.context0);
  const found = new Map<string, DerReader>();
  while (!attributes.done) {
    const attribute = attributes.enter(tag.sequence);
    found.set(attribute.next(tag.oid).raw.toString('hex'), attribute.enter(tag.set));
  }
  const value = (type: Buffer): DerReader => {
    const reader = found.get(type.toString('hex'));
    if (!reader) throw new Error('a signed attribute is missing');
    return reader;
  };
  const timeReader = value(oids.signingTime);
  const timeTag = timeReader.nextTag() === tag.utcTime ? tag.utcTime : tag.generalizedTime;
  const essCertificate = value(oids.signingCertificateV2).enter(tag.sequence).enter(tag.sequence).enter(tag.sequence);
  const algorithm = signerInfo.next(tag.sequence).raw;
  return {
    certificate,
    signingTime: readTime(timeReader.next(timeTag)),
    messageDigest: value(oids.messageDigest).next(tag.octetString).value,
    certificateHash: essCertificate.next(tag.octetString).value,
    algorithm: algorithm.equals(signatureAlgorithms.RS256) ? 'RS256' : 'ES256',
    value: signerInfo.next(tag.octetString).value,
  };
}

function encode(parts: Parts): Buffer {
  const { issuer, serial } = issuerAndSerial(parts.certificate);
  const attributes = signedAttributes(parts);
  // Signed as SET OF, written as [0] IMPLICIT: only the tag differs (RFC 5652 §5.4).
  const implicit = Buffer.from(attributes);
  implicit[0] = tag.context0;
  const signerInfo = sequence(
    one,
    sequence(issuer, serial),
    sha256Algorithm,
    implicit,
    signatureAlgorithms[parts.algorithm],
    der(tag.octetString, parts.value),
  );
  const signedData = sequence(
    one,
    setOf(sha256Algorithm),
    sequence(oids.data),
    der(tag.context0, parts.certificate),
    setOf(signerInfo),
  );
  return sequence(oids.signedData, der(tag.context0, signedData));
}

function signedAttributes(parts: Pick<Parts, 'signingTime' | 'messageDigest' | 'certificateHash'>): Buffer {
  return setOf(
    sequence(oids.contentType, setOf(oids.data)),
    sequence(oids.signingTime, setOf(time(parts.signingTime))),
    sequence(oids.messageDigest, setOf(der(tag.octetString, parts.messageDigest))),
    // ESSCertIDv2 (RFC 5035 §3): SHA-256 is the default, which DER leaves out; the issuer is a hint and not repeated.
    sequence(
      oids.signingCertificateV2,
      setOf(sequence(sequence(sequence(der(tag.octetString, parts.certificateHash))))),
    ),
  );
}

/** The two fields as the certificate writes them (RFC 5280 §4.1): re-encoding names is where other libraries fail. */
export function issuerAndSerial(certificate: Buffer): { issuer: Buffer; serial: Buffer } {
  try {
    const tbs = new DerReader(certificate).enter(tag.sequence).enter(tag.sequence);
    if (tbs.nextTag() === tag.context0) tbs.next(tag.context0);
    const serial = tbs.next(tag.integer).raw;
    tbs.next(tag.sequence);
    return { issuer: tbs.next(tag.sequence).raw, serial };
  } catch (cause) {
    throw new GatewayError('CERTIFICATE_MALFORMED', {}, { cause });
  }
}

function malformed(reason: string): GatewayError {
  return new GatewayError('BUNDLE_MALFORMED', { part: 'signature', reason });
}

function invalid(reason: string): GatewayError {
  return new GatewayError('BUNDLE_SIGNATURE_INVALID', { reason });
}
