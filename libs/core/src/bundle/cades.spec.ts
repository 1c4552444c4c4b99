import { type GatewayError, sha256, signCades, verifyCades } from '@jieqiao/core';
import { issueRsaSeal, makeParty, type Party, sealedAt } from '../../../../test/support/sealed-exchange';
import { DerReader, der, oid, readTime, sequence, setOf, tag, time } from './der';

const content = Buffer.from('a manifest');

const answerTo = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    const { code, params } = error as GatewayError;
    return `${code} ${params?.reason ?? ''}`.trim();
  }
};

describe('CAdES baseline-B', () => {
  let party: Party;

  beforeAll(async () => {
    party = await makeParty('pinghu.330482', '平湖市综合行政执法局');
  });

  it.each(['P-256', 'RSA'])('%s signatures verify and tell signer and time', async (kind) => {
    const signer = kind === 'RSA' ? await issueRsaSeal(party.root, 'urn:jieqiao:seal:pinghu.330482', '0a') : party.seal;
    const signature = signCades(content, signer, new Date('2022-08-20T09:30:00.999Z'));
    const cades = verifyCades(content, signature);
    expect(cades.signer.fingerprint).toBe(signer.certificate.fingerprint);
    expect(cades.signingTime.toISOString()).toBe('2022-08-20T09:30:00.000Z');
  });

  it('from 2050 on the time has four digits of year', () => {
    const signature = signCades(content, party.seal, new Date('2050-01-01T00:00:00Z'));
    expect(verifyCades(content, signature).signingTime.toISOString()).toBe('2050-01-01T00:00:00.000Z');
  });

  it('every flipped bit of the signature is refused', () => {
    const signature = signCades(content, party.seal, sealedAt);
    for (let at = 0; at < signature.length; at++) {
      for (const bit of [0x01, 0x20, 0x80]) {
        const bad = Buffer.from(signature);
        bad[at]! ^= bit;
        expect([at, answerTo(() => verifyCades(content, bad))]).not.toContain('accepted');
      }
    }
  });

  it('other content, truncation, trailing bytes and size are refused', () => {
    const signature = signCades(content, party.seal, sealedAt);
    expect(answerTo(() => verifyCades(Buffer.from('another'), signature))).toBe(
      'BUNDLE_SIGNATURE_INVALID message-digest',
    );
    for (let length = 0; length < signature.length; length += 11) {
      expect(answerTo(() => verifyCades(content, signature.subarray(0, length)))).toBe('BUNDLE_MALFORMED structure');
    }
    expect(answerTo(() => verifyCades(content, Buffer.concat([signature, Buffer.alloc(1)])))).toBe(
      'BUNDLE_MALFORMED form',
    );
    expect(answerTo(() => verifyCades(content, Buffer.alloc(40_000, 0x30)))).toBe('BUNDLE_MALFORMED too-large');
  });

  it('another certificate for the same key, issuer and serial is refused', () => {
    // Only the last bytes differ, the issuer's signature: what signing-certificate-v2 exists to catch.
    const signature = signCades(content, party.seal, sealedAt);
    const certificate = Buffer.from(party.seal.certificate.raw);
    certificate[certificate.length - 1]! ^= 1;
    const swapped = rebuild(signature, { certificate });
    expect(answerTo(() => verifyCades(content, swapped))).toBe('BUNDLE_SIGNATURE_INVALID signing-certificate');
    expect(rebuild(signature, {}).equals(signature)).toBe(true);
  });

  it.each([
    ['a missing attribute', ['contentType']],
    ['a repeated attribute', []],
  ])('hand-made: %s is refused though the signature over it holds', (_, dropped) => {
    const digest = der(tag.octetString, sha256(content));
    const hash = der(tag.octetString, sha256(party.seal.certificate.raw));
    const attributes = {
      contentType: sequence(oid('1.2.840.113549.1.9.3'), setOf(oid('1.2.840.113549.1.7.1'))),
      signingTime: sequence(oid('1.2.840.113549.1.9.5'), setOf(time(sealedAt))),
      messageDigest: sequence(oid('1.2.840.113549.1.9.4'), setOf(digest)),
      certificate: sequence(oid('1.2.840.113549.1.9.16.2.47'), setOf(sequence(sequence(sequence(hash))))),
    };
    const kept = Object.entries(attributes).filter(([name]) => !dropped.includes(name));
    const list = kept.map(([, bytes]) => bytes);
    const signed = setOf(...list, ...(dropped.length === 0 ? [attributes.messageDigest] : []));
    const honest = signCades(content, party.seal, sealedAt);
    const original = setOf(...Object.values(attributes));
    expect(honest.includes(original.subarray(1))).toBe(true);
    const implicit = Buffer.from(signed);
    implicit[0] = tag.context0;
    const forged = rebuild(honest, { attributes: implicit, value: party.seal.sign(signed) });
    expect(answerTo(() => verifyCades(content, forged))).toMatch(/BUNDLE_MALFORMED/);
  });
});

describe('DER', () => {
  it.each([
    ['indefinite length', '3080'],
    ['long form for a short length', '30810100'],
    ['a leading zero in the length', '3082000100'],
    ['a length past the end', '300501'],
    ['a length of 2^31', '3084ffffffff'],
    ['nothing', ''],
    ['another tag', '3100'],
  ])('%s is refused', (_, hex) => {
    expect(() => new DerReader(Buffer.from(hex, 'hex')).next(tag.sequence)).toThrow();
  });

  it.each(['220230093000Z', '221301093000Z', '2208200930Z', '220820093000+0800', '220820093060Z'])(
    'time %s is refused',
    (text) => {
      const element = new DerReader(der(tag.utcTime, Buffer.from(text))).next(tag.utcTime);
      expect(() => readTime(element)).toThrow('time');
    },
  );

  it('a GeneralizedTime before 2050 is refused', () => {
    const element = new DerReader(der(tag.generalizedTime, Buffer.from('20220820093000Z'))).next(tag.generalizedTime);
    expect(() => readTime(element)).toThrow('time');
  });

  it('lengths of one to three bytes', () => {
    for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
      const read = new DerReader(der(tag.octetString, Buffer.alloc(length))).next(tag.octetString);
      expect(read.value.length).toBe(length);
    }
  });
});

interface Forged {
  attributes?: Buffer;
  value?: Buffer;
  certificate?: Buffer;
}

/** The honest signature with some parts exchanged and all lengths right. */
function rebuild(honest: Buffer, forged: Forged): Buffer {
  const outer = new DerReader(honest).enter(tag.sequence);
  const type = outer.next(tag.oid).raw;
  const signedData = outer.enter(tag.context0).enter(tag.sequence);
  const head = [tag.integer, tag.set, tag.sequence].map((expected) => signedData.next(expected).raw);
  const certificate = forged.certificate ?? signedData.next(tag.context0).value;
  if (forged.certificate) signedData.next(tag.context0);
  const signerInfo = signedData.enter(tag.set).enter(tag.sequence);
  const before = [tag.integer, tag.sequence, tag.sequence].map((expected) => signerInfo.next(expected).raw);
  const attributes = signerInfo.next(tag.context0).raw;
  const algorithm = signerInfo.next(tag.sequence).raw;
  const value = signerInfo.next(tag.octetString).value;
  const signature = der(tag.octetString, forged.value ?? value);
  const info = sequence(...before, forged.attributes ?? attributes, algorithm, signature);
  return sequence(type, der(tag.context0, sequence(...head, der(tag.context0, certificate), setOf(info))));
}
