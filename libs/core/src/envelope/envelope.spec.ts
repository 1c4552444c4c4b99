import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import {
  Certificate,
  type CertificateUse,
  Crl,
  checkFreshness,
  createRoot,
  digestOf,
  type GatewayError,
  issueCertificate,
  issueCrl,
  type KeyAndCertificate,
  nodeUrn,
  openEnvelope,
  parseAgreement,
  parseEnvelope,
  Signer,
  sealUrn,
  signEnvelope,
  type TestClaims,
  type TransferClaims,
  verifyEnvelope,
} from '@jieqiao/core';
import { agreementOf, sealedBy } from '../../../../test/support/agreement';

const validity = { notBefore: new Date('2022-01-01T00:00:00Z'), notAfter: new Date('2032-01-01T00:00:00Z') };

async function party(node: string, authority: string) {
  const root = await createRoot({ organisation: authority, commonName: `${authority} 根证书` }, validity, '01');
  const issue = async (use: CertificateUse, urn: string, serial: string): Promise<Signer> => {
    const pair: KeyAndCertificate = await issueCertificate(root, {
      use,
      name: { organisation: authority, commonName: `${authority} ${use}` },
      urn,
      hosts: use === 'node' ? ['localhost', '127.0.0.1'] : [],
      validity,
      serial,
    });
    return Signer.fromPem(pair.privateKeyPem, pair.certificatePem);
  };
  return {
    node,
    authority,
    root,
    issue,
    nodeSigner: await issue('node', nodeUrn(node), '02'),
    seal: await issue('seal', sealUrn(node), '03'),
    logKey: generateKeyPairSync('ed25519').privateKey,
  };
}

type Party = Awaited<ReturnType<typeof party>>;

function signed(parties: Party[]): Buffer {
  const described = parties.map((p) => ({ ...p, root: Certificate.parse(p.root.certificatePem) }));
  return sealedBy(agreementOf(described), parties);
}

const claims = (over: Partial<TransferClaims> = {}): TransferClaims => ({
  iss: 'pinghu.330482',
  aud: 'jinshan.310116',
  jti: '01900000-0000-7000-8000-000000000001',
  iat: 1_661_000_000,
  exp: 1_661_086_400,
  kind: 'transfer',
  dossier: '01900000-0000-7000-8000-000000000002',
  transfer: '01900000-0000-7000-8000-000000000003',
  seq: 1,
  prev: null,
  agreement: { id: 'pinghu-jinshan', version: 1, digest: digestOf(Buffer.from('a')) },
  bundle: { manifest: digestOf(Buffer.from('m')), files: [{ digest: digestOf(Buffer.from('f')), bytes: 1 }] },
  body: { transferKind: 'LEAD', number: '平综执线移〔2022〕第31号', message: { command: 'send' } },
  ...over,
});

/** When the envelopes of these tests arrive. */
const arrival = new Date('2022-08-20T13:00:00Z');

const testClaims = (over: Record<string, unknown> = {}): TestClaims => {
  const { iss, aud, jti, iat, exp, seq, prev, agreement } = claims();
  const common = { iss, aud, jti, iat, exp, seq, prev, agreement };
  return { ...common, kind: 'test', dossier: null, transfer: null, bundle: null, body: {}, ...over } as TestClaims;
};

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as GatewayError).code;
  }
  return 'accepted';
};

describe('envelopes', () => {
  let pinghu: Party;
  let jinshan: Party;

  beforeAll(async () => {
    pinghu = await party('pinghu.330482', '平湖市综合行政执法局');
    jinshan = await party('jinshan.310116', '上海市金山区城市管理行政执法局');
  });

  it('an envelope opens under the agreement that pins its issuer', () => {
    const agreement = parseAgreement(signed([pinghu, jinshan]));
    const jws = signEnvelope(claims(), pinghu.nodeSigner);
    const envelope = openEnvelope(jws, () => agreement.trust, arrival);
    expect(envelope.claims).toEqual(claims());
    expect(envelope.digest).toBe(digestOf(Buffer.from(jws)));
  });

  it('any flipped character of an envelope is refused', () => {
    const { trust } = parseAgreement(signed([pinghu, jinshan]));
    const jws = Buffer.from(signEnvelope(claims(), pinghu.nodeSigner));
    for (let i = 0; i < jws.length; i++) {
      for (const bit of [1, 0x20]) {
        const bad = Buffer.from(jws);
        bad[i]! ^= bit;
        expect([i, codeOf(() => openEnvelope(bad.toString('latin1'), () => trust, arrival))]).not.toContain('accepted');
      }
    }
  });

  it('another party, a foreign root, a seal certificate and a wrong name cannot sign envelopes', async () => {
    const { trust } = parseAgreement(signed([pinghu, jinshan]));
    const stranger = await party('pinghu.330482', '平湖市综合行政执法局');
    const open = (signer: Signer, over: Partial<TransferClaims> = {}) =>
      codeOf(() => openEnvelope(signEnvelope(claims(over), signer), () => trust, arrival));
    expect(open(jinshan.nodeSigner)).toBe('ENVELOPE_SIGNER_UNKNOWN');
    expect(open(stranger.nodeSigner)).toBe('ENVELOPE_SIGNER_UNKNOWN');
    expect(open(pinghu.seal)).toBe('CERTIFICATE_REFUSED');
    expect(open(await pinghu.issue('node', nodeUrn('jinshan.310116'), '09'))).toBe('CERTIFICATE_REFUSED');
    expect(open(pinghu.nodeSigner, { iss: 'jiashan.330421' })).toBe('ENVELOPE_WRONG_ISSUER');
    expect(open(pinghu.nodeSigner, { aud: 'pinghu.330482' })).toBe('ENVELOPE_WRONG_ISSUER');
    expect(open(pinghu.nodeSigner, { iat: 1_100_000_000 })).toBe('CERTIFICATE_REFUSED');
  });

  it('a test envelope opens like any other, and speaks of no case', () => {
    const { trust } = parseAgreement(signed([pinghu, jinshan]));
    const envelope = openEnvelope(signEnvelope(testClaims(), pinghu.nodeSigner), () => trust, arrival);
    expect(envelope.claims).toEqual(testClaims());
    const { dossier, transfer, bundle, body } = claims();
    for (const over of [
      { dossier },
      { transfer },
      { bundle },
      { body },
      { body: { number: 'x' } },
      { kind: 'probe' },
    ]) {
      const jws = signEnvelope(testClaims(over), pinghu.nodeSigner);
      expect([over, codeOf(() => parseEnvelope(jws))]).toEqual([over, 'ENVELOPE_MALFORMED']);
    }
    const withoutCase = signEnvelope({ ...testClaims(), kind: 'transfer' } as never, pinghu.nodeSigner);
    expect(codeOf(() => parseEnvelope(withoutCase))).toBe('ENVELOPE_MALFORMED');
  });

  it('a revocation counts from when it took effect, by the time of arrival and not by the envelope’s own', async () => {
    const { trust } = parseAgreement(signed([pinghu, jinshan]));
    const revokedAt = new Date('2022-08-20T14:00:00Z');
    const list = await issueCrl(pinghu.root, {
      number: 1,
      thisUpdate: revokedAt,
      nextUpdate: new Date('2022-09-20T14:00:00Z'),
      revoked: [{ serial: pinghu.nodeSigner.certificate.serial, at: revokedAt, reason: 'key-compromise' }],
    });
    const knowing = { ...trust, crls: [Crl.parse(list)] };
    const envelope = parseEnvelope(signEnvelope(claims(), pinghu.nodeSigner));
    const refusal = (which: typeof envelope, now: Date) => {
      try {
        verifyEnvelope(which, knowing, now);
        return null;
      } catch (error) {
        return (error as GatewayError).params.problem ?? (error as GatewayError).code;
      }
    };
    expect(refusal(envelope, arrival)).toBeNull();
    expect(refusal(envelope, revokedAt)).toBe('REVOKED');
    const other = parseEnvelope(signEnvelope(claims({ seq: 2 }), pinghu.nodeSigner));
    // Only what holds otherwise is called revoked: by that the receiver closes the envelope's place in the chain.
    const altered = { input: envelope.signature.input, bytes: other.signature.bytes };
    expect(refusal({ ...envelope, signature: altered }, revokedAt)).toBe('ENVELOPE_SIGNATURE_INVALID');
  });

  it('freshness: audience, future, expiry', () => {
    const at = (seconds: number) => new Date(seconds * 1000);
    expect(codeOf(() => checkFreshness(claims(), 'jinshan.310116', at(1_661_000_001)))).toBe('accepted');
    expect(codeOf(() => checkFreshness(claims(), 'jiashan.330421', at(1_661_000_001)))).toBe('ENVELOPE_WRONG_AUDIENCE');
    expect(codeOf(() => checkFreshness(claims(), 'jinshan.310116', at(1_661_000_000 - 301)))).toBe(
      'ENVELOPE_FROM_FUTURE',
    );
    expect(codeOf(() => checkFreshness(claims(), 'jinshan.310116', at(1_661_086_401)))).toBe('ENVELOPE_EXPIRED');
  });

  it('unknown claims, duplicate keys and other spellings are malformed', () => {
    const parse = (payload: string) => {
      const [header] = signEnvelope(claims(), pinghu.nodeSigner).split('.');
      const body = `${header}.${Buffer.from(payload).toString('base64url')}`;
      return codeOf(() => parseEnvelope(`${body}.${'A'.repeat(86)}`));
    };
    const good = JSON.stringify(claims());
    expect(parse(good)).toBe('ENVELOPE_MALFORMED'); // not in canonical order
    expect(parse(good.replace('{', '{"extra":1,'))).toBe('ENVELOPE_MALFORMED');
    expect(parse('{"a":1,"a":2}')).toBe('ENVELOPE_MALFORMED');
    expect(parse('['.repeat(10_000))).toBe('ENVELOPE_MALFORMED');
    expect(parse('')).toBe('ENVELOPE_MALFORMED');
  });

  it('a signature over the wrong bytes is refused even by the right signer', () => {
    const { trust } = parseAgreement(signed([pinghu, jinshan]));
    const one = signEnvelope(claims(), pinghu.nodeSigner).split('.');
    const two = signEnvelope(claims({ seq: 2 }), pinghu.nodeSigner).split('.');
    const envelope = parseEnvelope([one[0], one[1], two[2]].join('.'));
    expect(codeOf(() => verifyEnvelope(envelope, trust, arrival))).toBe('ENVELOPE_SIGNATURE_INVALID');
  });

  it('a key that is not the certificate’s is refused', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const pem = createPrivateKey(other.export({ type: 'pkcs8', format: 'pem' })).export({
      type: 'pkcs8',
      format: 'pem',
    });
    expect(codeOf(() => Signer.fromPem(pem as string, pinghu.seal.certificate.toPem()))).toBe('KEY_UNUSABLE');
    expect(codeOf(() => Signer.fromPem('nonsense', pinghu.seal.certificate.toPem()))).toBe('KEY_UNUSABLE');
  });
});
