import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import {
  type AgreementContent,
  agreementFileBytes,
  Certificate,
  type CertificateUse,
  checkFreshness,
  createRoot,
  digestOf,
  type EnvelopeClaims,
  type GatewayError,
  issueCertificate,
  type KeyAndCertificate,
  nodeUrn,
  openEnvelope,
  parseAgreement,
  parseEnvelope,
  Signer,
  sealUrn,
  signAgreement,
  signEnvelope,
  verifyEnvelope,
} from '../index';

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
  };
}

type Party = Awaited<ReturnType<typeof party>>;

function agreementContent(parties: Party[]): AgreementContent {
  return {
    schema: 'jieqiao/agreement/v1',
    id: 'pinghu-jinshan',
    version: 1,
    previous: null,
    title: '平湖金山互认协议',
    effective: { from: '2022-01-01T00:00:00.000Z', to: '2030-01-01T00:00:00.000Z' },
    parties: parties.map((p) => ({
      node: p.node,
      authority: p.authority,
      region: p.node.slice(-6),
      aliases: [],
      anchors: [Certificate.parse(p.root.certificatePem).raw.toString('base64')],
      logVkey: `jieqiao.log/${p.node}+00000000+AA==`,
      endpoints: { grpc: '127.0.0.1:7000', blobs: 'https://127.0.0.1:7001' },
    })),
    terms: {},
  };
}

function signed(parties: Party[], content = agreementContent(parties)): Buffer {
  return agreementFileBytes({
    agreement: content,
    signatures: parties.map((p) => ({ node: p.node, jws: signAgreement(content, p.seal) })),
  });
}

const claims = (over: Partial<EnvelopeClaims> = {}): EnvelopeClaims => ({
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
  body: { transferKind: 'LEAD', number: '平综执线移〔2022〕第31号' },
  ...over,
});

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as GatewayError).code;
  }
  return 'accepted';
};

describe('envelopes and agreements', () => {
  let pinghu: Party;
  let jinshan: Party;

  beforeAll(async () => {
    pinghu = await party('pinghu.330482', '平湖市综合行政执法局');
    jinshan = await party('jinshan.310116', '上海市金山区城市管理行政执法局');
  });

  it('an envelope opens under the agreement that pins its issuer', () => {
    const agreement = parseAgreement(signed([pinghu, jinshan]));
    const jws = signEnvelope(claims(), pinghu.nodeSigner);
    const envelope = openEnvelope(jws, () => agreement.trust);
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
        expect([i, codeOf(() => openEnvelope(bad.toString('latin1'), () => trust))]).not.toContain('accepted');
      }
    }
  });

  it('another party, a foreign root, a seal certificate and a wrong name cannot sign envelopes', async () => {
    const { trust } = parseAgreement(signed([pinghu, jinshan]));
    const stranger = await party('pinghu.330482', '平湖市综合行政执法局');
    const open = (signer: Signer, over: Partial<EnvelopeClaims> = {}) =>
      codeOf(() => openEnvelope(signEnvelope(claims(over), signer), () => trust));
    expect(open(jinshan.nodeSigner)).toBe('ENVELOPE_SIGNER_UNKNOWN');
    expect(open(stranger.nodeSigner)).toBe('ENVELOPE_SIGNER_UNKNOWN');
    expect(open(pinghu.seal)).toBe('CERTIFICATE_REFUSED');
    expect(open(await pinghu.issue('node', nodeUrn('jinshan.310116'), '09'))).toBe('CERTIFICATE_REFUSED');
    expect(open(pinghu.nodeSigner, { iss: 'jiashan.330421' })).toBe('ENVELOPE_WRONG_ISSUER');
    expect(open(pinghu.nodeSigner, { aud: 'pinghu.330482' })).toBe('ENVELOPE_WRONG_ISSUER');
    expect(open(pinghu.nodeSigner, { iat: 1_100_000_000 })).toBe('CERTIFICATE_REFUSED');
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
    expect(codeOf(() => verifyEnvelope(envelope, trust))).toBe('ENVELOPE_SIGNATURE_INVALID');
  });

  it('an agreement needs every party, once, over the same text', () => {
    const content = agreementContent([pinghu, jinshan]);
    const by = (p: Party, over = content) => ({ node: p.node, jws: signAgreement(over, p.seal) });
    const parse = (signatures: { node: string; jws: string }[]) =>
      codeOf(() => parseAgreement(agreementFileBytes({ agreement: content, signatures })));
    expect(parse([by(pinghu), by(jinshan)])).toBe('accepted');
    expect(parse([by(pinghu)])).toBe('AGREEMENT_SIGNATURE_INVALID');
    expect(parse([by(pinghu), by(pinghu)])).toBe('AGREEMENT_SIGNATURE_INVALID');
    expect(parse([by(pinghu), { ...by(pinghu), node: 'jinshan.310116' }])).toBe('AGREEMENT_SIGNATURE_INVALID');
    expect(parse([by(pinghu), by(jinshan, { ...content, version: 2 })])).toBe('AGREEMENT_SIGNATURE_INVALID');
    expect(parse([by(pinghu), by(jinshan), by(jinshan)])).toBe('AGREEMENT_SIGNATURE_INVALID');
  });

  it('any flipped byte of an agreement file is refused', () => {
    const bytes = signed([pinghu, jinshan]);
    for (let i = 0; i < bytes.length; i += 7) {
      const bad = Buffer.from(bytes);
      bad[i]! ^= 1;
      expect([i, codeOf(() => parseAgreement(bad))]).not.toContain('accepted');
    }
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
