import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  type Agreement,
  type AgreementContent,
  type BundleFile,
  type ByteSource,
  bundleFile,
  Certificate,
  type CertificateUse,
  certify,
  createRoot,
  digestOf,
  encodeLogEntry,
  formatTlogProof,
  issueCertificate,
  type KeyAndCertificate,
  leafHash,
  logOrigin,
  nodeHash,
  nodeUrn,
  noteSigner,
  parseAgreement,
  planBundle,
  type SealedBundle,
  Signer,
  sealBundle,
  sealUrn,
  signCheckpoint,
  signEnvelope,
  writeZip,
} from '@jieqiao/core';
import { agreementOf, sealedBy } from './agreement';

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
    name: { organisation: Certificate.parse(root.certificatePem).subjectNames[0]!, commonName: `${use} ${serial}` },
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
  const name = { organisation: Certificate.parse(root.certificatePem).subjectNames[0]!, commonName: 'RSA' };
  const certificate = await certify(root, publicKey, { use: 'seal', name, urn, validity, serial });
  return Signer.fromPem(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, certificate);
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
  const described = parties.map((party) => ({ ...party, root: Certificate.parse(party.root.certificatePem) }));
  return parseAgreement(sealedBy(agreementOf(described, over), parties));
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
      body: { transferKind: 'LEAD', number: '平综执线移〔2022〕第31号', message: { command: 'send' } },
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
  time = '2022-08-20T09:30:03.250Z',
): string {
  const entry = encodeLogEntry(
    {
      event: 'envelope.received',
      subject: {
        ...ids,
        agreement: agreement.ref,
        degree: 'verified',
        envelope: digestOf(envelope),
        kind: 'transfer',
        manifest: sealed.digest,
        outcome: 'sendable',
        peer: sender.node,
        report: digestOf(Buffer.from('report')),
        seq: 1,
      },
    },
    { node: recipient.node, time, nonce: Buffer.alloc(16, 7) },
  );
  const others = [0, 1].map((i) => leafHash(Buffer.from(`other ${i}`)));
  const pair = nodeHash(others[0]!, others[1]!);
  const root = nodeHash(pair, leafHash(entry));
  const checkpoint = signCheckpoint(3, root, [noteSigner(logOrigin(recipient.node), recipient.logKey)]);
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
