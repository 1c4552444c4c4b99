import { issuerAndSerial } from '../bundle/cades';
import { type DerReader, der, dotted, oid, sequence, setOf, tag, unsigned } from '../bundle/der';
import { sha256 } from '../encoding';
import { hasCode } from '../errors';
import { createRoot, issueCertificate, type KeyAndCertificate, type Validity } from '../keys/issue';
import type { Signer } from '../keys/signer';
import { demonstrationPolicy } from './timestamp';
import { failures, hashName, type Imprint, oids, readDer, readImprint, versionOne } from './token';

const digestBytes = { sha256: 32, sha384: 48, sha512: 64 };
const maxNonceBytes = 64;
const signatureAlgorithms = {
  ES256: sequence(oid('1.2.840.10045.4.3.2')),
  RS256: sequence(oid('1.2.840.113549.1.1.11'), der(tag.null)),
};
const status = { granted: 0, rejection: 2 };

export interface DemonstrationAuthority {
  /** The authority's key and certificate. */
  authority: KeyAndCertificate;
  /** What an agreement names. Its key is not kept: nothing else can ever lie under it. */
  rootPem: string;
}

/**
 * Makes the embedded authority: a time-stamping certificate (RFC 3161 §2.3) under a root of its own, so that no party's
 * root vouches for its time.
 */
export async function createDemonstrationAuthority(node: string, validity: Validity): Promise<DemonstrationAuthority> {
  const name = (what: string) => ({ organisation: node, commonName: `演示时间戳 (demonstration) ${what}` });
  const root = await createRoot(name('root'), validity, '01');
  const authority = await issueCertificate(root, {
    use: 'timestamp',
    name: name('authority'),
    urn: `urn:jieqiao:timestamp:${node}`,
    validity,
    // The root signs nothing else, so there is nothing to tell it from.
    serial: '02',
  });
  return { authority, rootPem: root.certificatePem };
}

export interface TimestampIssue {
  signer: Signer;
  now: Date;
  /** Bytes of the token's serial number, read as a number that is not negative; never the same twice. */
  serial: Uint8Array;
}

interface TimestampQuery {
  imprint: Imprint;
  nonce: Buffer | null;
  wantsCertificate: boolean;
}

/**
 * What the embedded authority answers to a TimeStampReq: DER of a TimeStampResp (RFC 3161 §2.4.2), granted or refused.
 * No accuracy is stated: the clock is this machine's.
 */
export function answerTimestampRequest(request: Uint8Array, issue: TimestampIssue): Buffer {
  const query = readQuery(request);
  if (typeof query === 'string') return refusal(query);
  return sequence(sequence(integer(status.granted)), signToken(query, issue));
}

function readQuery(request: Uint8Array): TimestampQuery | keyof typeof failures {
  try {
    return readDer(request, (reader) => queryOf(reader.enter(tag.sequence)));
  } catch (error) {
    if (!hasCode(error, 'TIMESTAMP_MALFORMED')) throw error;
    return 'badDataFormat';
  }
}

function queryOf(query: DerReader): TimestampQuery | keyof typeof failures {
  if (!query.next(tag.integer).value.equals(versionOne)) return 'badRequest';
  const imprint = readImprint(query);
  const policy = query.nextTag() === tag.oid ? dotted(query.next(tag.oid).value) : null;
  const nonce = query.nextTag() === tag.integer ? query.next(tag.integer).value : null;
  const wantsCertificate = query.nextTag() === tag.boolean && !query.next(tag.boolean).value.equals(Buffer.alloc(1));
  const extensions = query.nextTag() === tag.context0 ? query.next(tag.context0) : null;
  query.end();
  const hash = hashName(imprint.algorithm);
  if (!hash) return 'badAlg';
  if (imprint.digest.length !== digestBytes[hash] || (nonce && nonce.length > maxNonceBytes)) return 'badDataFormat';
  if (policy !== null && policy !== demonstrationPolicy) return 'unacceptedPolicy';
  if (extensions) return 'unacceptedExtension';
  return { imprint, nonce, wantsCertificate };
}

function refusal(failure: keyof typeof failures): Buffer {
  const bit = failures[failure];
  const bits = Buffer.alloc(2 + (bit >> 3));
  // The first octet counts the unused bits of the last one; DER ends a list of named bits with its last 1.
  bits[0] = 7 - (bit & 7);
  bits[bits.length - 1] = 0x80 >> (bit & 7);
  return sequence(sequence(integer(status.rejection), der(tag.bitString, bits)));
}

function signToken(
  { imprint, nonce, wantsCertificate }: TimestampQuery,
  { signer, now, serial }: TimestampIssue,
): Buffer {
  const info = sequence(
    der(tag.integer, versionOne),
    oid(demonstrationPolicy),
    imprint.raw,
    unsigned(serial),
    generalizedTime(now),
    ...(nonce ? [der(tag.integer, nonce)] : []),
  );
  const certificate = signer.certificate.raw;
  const attributes = setOf(
    sequence(oids.contentType, setOf(oids.timestampInfo)),
    sequence(oids.messageDigest, setOf(der(tag.octetString, sha256(info)))),
    // ESSCertIDv2 (RFC 5816): SHA-256 is the default, which DER leaves out.
    sequence(oids.signingCertificateV2, setOf(sequence(sequence(sequence(der(tag.octetString, sha256(certificate))))))),
  );
  // Signed as SET OF, written as [0] IMPLICIT: only the tag differs (RFC 5652 §5.4).
  const implicit = Buffer.from(attributes);
  implicit[0] = tag.context0;
  const { issuer, serial: certificateSerial } = issuerAndSerial(certificate);
  const signerInfo = sequence(
    der(tag.integer, versionOne),
    sequence(issuer, certificateSerial),
    sequence(oids.sha256),
    implicit,
    signatureAlgorithms[signer.algorithm],
    der(tag.octetString, signer.sign(attributes)),
  );
  const signedData = sequence(
    integer(3),
    setOf(sequence(oids.sha256)),
    sequence(oids.timestampInfo, der(tag.context0, der(tag.octetString, info))),
    ...(wantsCertificate ? [der(tag.context0, certificate)] : []),
    setOf(signerInfo),
  );
  return sequence(oids.signedData, der(tag.context0, signedData));
}

/** With milliseconds, without zeros at their end (RFC 3161 §2.4.2). */
function generalizedTime(at: Date): Buffer {
  const [seconds, fraction] = at
    .toISOString()
    .replace(/[-:TZ]/g, '')
    .split('.') as [string, string];
  const tail = fraction.replace(/0+$/, '');
  return der(tag.generalizedTime, Buffer.from(`${seconds}${tail === '' ? '' : `.${tail}`}Z`, 'latin1'));
}

function integer(value: number): Buffer {
  return unsigned(Buffer.from([value]));
}
