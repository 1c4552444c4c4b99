import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import {
  type Agreement,
  type AgreementContent,
  agreementFileBytes,
  type BundleFile,
  type ByteSource,
  bundleFile,
  Certificate,
  type CertificateUse,
  createRoot,
  digestOf,
  encodeLogEntry,
  encodeVkey,
  formatTlogProof,
  issueCertificate,
  type KeyAndCertificate,
  leafHash,
  logOrigin,
  nodeHash,
  nodeUrn,
  noteKey,
  parseAgreement,
  planBundle,
  type SealedBundle,
  Signer,
  sealBundle,
  sealUrn,
  signAgreement,
  signCheckpoint,
  signEnvelope,
  writeZip,
} from '@jieqiao/core';
import {
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A small, complete exchange in memory: two parties, their agreement, one bundle, its envelope and its receipt. */
export interface Exchange {
  sender: Party;
  recipient: Party;
  agreement: Agreement;
  files: BundleFile[];
  sealed: SealedBundle;
  bundle: Buffer;
  envelope: Buffer;
  receipt: Buffer;
}

export interface Party {
  node: string;
  authority: string;
  root: KeyAndCertificate;
  seal: Signer;
  nodeSigner: Signer;
  logKey: KeyObject;
}

export const validity = { notBefore: new Date('2022-01-01T00:00:00Z'), notAfter: new Date('2032-01-01T00:00:00Z') };
export const sealedAt = new Date('2022-08-20T09:30:00Z');
/** The verifier's clock in tests. */
export const verifiedAt = new Date('2022-09-01T00:00:00Z');

export async function issue(
  root: KeyAndCertificate,
  use: CertificateUse,
  urn: string,
  serial: string,
  period = validity,
): Promise<Signer> {
  const pair = await issueCertificate(root, {
    use,
    name: { organisation: '平湖市综合行政执法局', commonName: `${use} ${serial}` },
    urn,
    hosts: use === 'node' ? ['localhost'] : [],
    validity: period,
    serial,
  });
  return Signer.fromPem(pair.privateKeyPem, pair.certificatePem);
}

/** An RSA seal under a P-256 root: many authorities' seals are RSA. */
export async function issueRsaSeal(root: KeyAndCertificate, urn: string, serial: string): Promise<Signer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const rootKey = createPrivateKey(root.privateKeyPem).export({ type: 'pkcs8', format: 'der' });
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    subject: 'CN=RSA seal',
    issuer: new X509Certificate(root.certificatePem).subject,
    ...validity,
    publicKey: await webcrypto.subtle.importKey('spki', publicKey.export({ type: 'spki', format: 'der' }), rsa, true, [
      'verify',
    ]),
    signingKey: await webcrypto.subtle.importKey('pkcs8', rootKey, ecdsa, false, ['sign']),
    signingAlgorithm: ecdsa,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation, true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: urn }]),
    ],
  });
  return Signer.fromPem(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, certificate.toString('pem'));
}

export async function makeParty(node: string, authority: string): Promise<Party> {
  const root = await createRoot({ organisation: authority, commonName: `${authority} 根证书` }, validity, '01');
  return {
    node,
    authority,
    root,
    seal: await issue(root, 'seal', sealUrn(node), '02'),
    nodeSigner: await issue(root, 'node', nodeUrn(node), '03'),
    logKey: generateKeyPairSync('ed25519').privateKey,
  };
}

export function makeAgreement(parties: readonly Party[], over: Partial<AgreementContent> = {}): Agreement {
  const content: AgreementContent = {
    schema: 'jieqiao/agreement/v1',
    id: 'pinghu-jinshan',
    version: 1,
    previous: null,
    title: '平湖金山执法互认协议',
    effective: { from: '2022-01-01T00:00:00.000Z', to: '2030-01-01T00:00:00.000Z' },
    parties: parties.map((party) => ({
      node: party.node,
      authority: party.authority,
      region: party.node.slice(-6),
      aliases: [],
      anchors: [Certificate.parse(party.root.certificatePem).raw.toString('base64')],
      logVkey: encodeVkey(noteKey(logOrigin(party.node), party.logKey)),
      endpoints: { grpc: 'localhost:7000', blobs: 'https://localhost:7001' },
    })),
    terms: {},
    ...over,
  };
  const signatures = parties.map((party) => ({ node: party.node, jws: signAgreement(content, party.seal) }));
  return parseAgreement(agreementFileBytes({ agreement: content, signatures }));
}

export function smallFiles(): BundleFile[] {
  return [
    bundleFile('transfer.json', 'application/json', Buffer.from('{"number":"平综执线移〔2022〕第31号"}')),
    bundleFile('custody.json', 'application/json', Buffer.from('[]')),
    bundleFile('recognition.json', 'application/json', Buffer.from('{}')),
    bundleFile('documents/案件线索移送函.pdf', 'application/pdf', Buffer.from('%PDF-1.7 sample')),
    bundleFile('evidence/现场照片1.jpg', 'image/jpeg', Buffer.from([0xff, 0xd8, 0xff, 0xd9])),
    bundleFile('evidence/empty.txt', 'text/plain', Buffer.alloc(0)),
  ];
}

export async function makeExchange(files: BundleFile[] = smallFiles()): Promise<Exchange> {
  const sender = await makeParty('pinghu.330482', '平湖市综合行政执法局');
  const recipient = await makeParty('jinshan.310116', '上海市金山区城市管理行政执法局');
  const agreement = makeAgreement([sender, recipient]);
  const sealed = sealBundle(files, sender.seal, sealedAt);
  const bundle = await collect(writeZip(planBundle(sealed, files), nothing));
  const envelope = Buffer.from(makeEnvelope(sender, recipient, agreement, sealed, files));
  const receipt = Buffer.from(makeReceipt(recipient, sender, agreement, sealed, envelope));
  return { sender, recipient, agreement, files, sealed, bundle, envelope, receipt };
}

const ids = {
  jti: '01900000-0000-7000-8000-000000000001',
  dossier: '01900000-0000-7000-8000-000000000002',
  transfer: '01900000-0000-7000-8000-000000000003',
};
const issuedAt = sealedAt.getTime() / 1000 + 2;

function makeEnvelope(
  sender: Party,
  recipient: Party,
  agreement: Agreement,
  sealed: SealedBundle,
  files: readonly BundleFile[],
): string {
  return signEnvelope(
    {
      ...ids,
      iss: sender.node,
      aud: recipient.node,
      iat: issuedAt,
      exp: issuedAt + 86_400,
      kind: 'transfer',
      seq: 1,
      prev: null,
      agreement: agreement.ref,
      bundle: { manifest: sealed.digest, files: files.slice(3).map(({ digest, bytes }) => ({ digest, bytes })) },
      body: { transferKind: 'LEAD', number: '平综执线移〔2022〕第31号' },
    },
    sender.nodeSigner,
  );
}

export function makeReceipt(
  recipient: Party,
  sender: Party,
  agreement: Agreement,
  sealed: SealedBundle,
  envelope: Buffer,
): string {
  const entry = encodeLogEntry(
    {
      event: 'envelope.received',
      subject: {
        ...ids,
        agreement: agreement.ref,
        degree: 'verified',
        envelope: digestOf(envelope),
        kind: 'LEAD',
        manifest: sealed.digest,
        outcome: 'sendable',
        peer: sender.node,
        report: digestOf(Buffer.from('report')),
        seq: 1,
      },
    },
    { node: recipient.node, time: '2022-08-20T09:30:03.250Z', nonce: Buffer.alloc(16, 7) },
  );
  const others = [0, 1].map((i) => leafHash(Buffer.from(`other ${i}`)));
  const pair = nodeHash(others[0]!, others[1]!);
  const root = nodeHash(pair, leafHash(entry));
  const checkpoint = signCheckpoint(logOrigin(recipient.node), 3, root, recipient.logKey);
  return formatTlogProof({ extra: entry, index: 2, hashes: [pair], checkpoint });
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export async function* nothing(): AsyncIterable<Buffer> {}

export function sourceOf(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: async (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > bytes.length) throw new RangeError('read outside the file');
      return bytes.subarray(offset, offset + length);
    },
  };
}
