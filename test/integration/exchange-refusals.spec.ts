import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type BundleFile,
  bundleFile,
  canonicalJson,
  type Digest,
  digestOf,
  type ErrorCode,
  nodeUrn,
  parseManifest,
  type Signer,
  sealBundle,
  sealUrn,
  signCades,
  type TransferClaims,
} from '@jieqiao/core';
import type { Delivery__Output } from '@jieqiao/delivery';
import type { TransferData } from '@jieqiao/recognition';
import { contentDigest, transferPart } from '../../libs/exchange/src/bundle-contents';
import { databases } from '../support/databases';
import {
  claimsOf,
  countRows,
  envelopeDigest,
  loggedBy,
  provenEntry,
  rowsOf,
  type Sample,
  sampleTerms,
  TwoSides,
} from '../support/exchange-fixture';
import { issue, makeAgreement, makeParty } from '../support/sealed-exchange';

/** What a receiver does to the chain when it refuses: the envelope takes its place, takes none, or may come again. */
type Effect = 'takes its place' | 'takes no place' | 'comes again';
/** Turns a delivery that would be received into one that must not be. */
type Make = (two: TwoSides, good: Delivery__Output) => Promise<Delivery__Output>;

const photo = { fileName: '照片.jpg', mediaType: 'image/jpeg', content: Buffer.from('not really a photograph') };
const photoUri = `evidence/${encodeURIComponent(photo.fileName)}`;
const hour = 3600;
const secondsOf = (two: TwoSides) => Math.floor(two.clock.now().getTime() / 1000);

/** Claims as a peer with real keys could sign them, whatever they say. */
function claims(
  over: (two: TwoSides, good: TransferClaims) => Partial<TransferClaims> | Promise<Partial<TransferClaims>>,
  signer?: (two: TwoSides) => Signer | Promise<Signer>,
): Make {
  return async (two, good) =>
    two.forge(good, await over(two, claimsOf(good.envelope)), signer ? await signer(two) : undefined);
}

/** A message that says something else of the bundle than the bundle is. */
function said(data: object): Make {
  return claims((_two, { body }) => {
    const { message } = body;
    return { body: { ...body, message: { ...message, data: { ...(message.data as object), ...data } } } };
  });
}

const signedBy = (signer: (two: TwoSides) => Signer | Promise<Signer>): Make => claims(() => ({}), signer);

/** Claims that are not even of the form, under a signature that holds. */
function payload(change: (claims: Record<string, unknown>) => Buffer | unknown): Make {
  return async (two, good) => {
    const forged = await two.forge(good);
    const made = change({ ...claimsOf(forged.envelope) });
    const bytes = Buffer.isBuffer(made) ? made : canonicalJson(made);
    const input = `${forged.envelope.split('.')[0]}.${bytes.toString('base64url')}`;
    const signature = two.sender.party.nodeSigner.signJose(Buffer.from(input));
    return { ...forged, envelope: `${input}.${signature.toString('base64url')}` };
  };
}

function envelope(change: (jws: string) => string): Make {
  return async (two, good) => {
    const forged = await two.forge(good);
    return { ...forged, envelope: change(forged.envelope) };
  };
}

const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

interface Contents {
  files: BundleFile[];
  parts: { name: string; content: Buffer }[];
}

/** A bundle in order as to form and seal, with something else in it than the sender's software would put there. */
function contents(
  change: (made: Contents, claims: TransferClaims) => void,
  { seal, at }: { seal?: (two: TwoSides) => Signer | Promise<Signer>; at?: (two: TwoSides) => Date } = {},
): Make {
  return async (two, good) => {
    const files = parseManifest(good.manifest).map((ref): BundleFile => {
      const content = good.parts.find((part) => part.name === ref.name)?.content;
      return { ...ref, bytes: (content ?? photo.content).length, crc32: 0, content };
    });
    const made: Contents = { files, parts: good.parts.map((part) => ({ ...part })) };
    const old = claimsOf(good.envelope);
    change(made, old);
    const signer = seal ? await seal(two) : two.sender.party.seal;
    const sealed = sealBundle(made.files, signer, at?.(two) ?? two.clock.now());
    const bundle = { ...old.bundle!, manifest: sealed.digest };
    // The message goes with what is sealed: what is wrong is wrong in the bundle alone.
    const { message } = old.body;
    const transfer = made.parts.find(({ name }) => name === transferPart);
    const data = { ...(message.data as object), bundle: sealed.digest, ...(transfer && versionOf(transfer.content)) };
    const body = { ...old.body, message: { ...message, data } };
    return two.forge({ ...good, ...sealed, parts: made.parts }, { bundle, body });
  };
}

/** What a message says of such a `transfer.json`; what is no JSON has no content to speak of. */
function versionOf(content: Buffer): { document: Digest; content?: Digest } {
  const document = digestOf(content);
  try {
    return { document, content: contentDigest(JSON.parse(content.toString()) as TransferData) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { document };
  }
}

/** One of the small parts with other bytes, sealed anew. */
function part(name: string, change: (content: Buffer) => Buffer): Make {
  return contents((made) => {
    const found = made.parts.find((candidate) => candidate.name === name)!;
    found.content = change(found.content);
    const at = made.files.findIndex((file) => file.name === name);
    made.files[at] = bundleFile(name, 'application/json', found.content);
  });
}

type TransferJson = Record<string, unknown> & { evidence: Record<string, unknown>[] };

function transferData(change: (transfer: TransferJson) => unknown): Make {
  return part('transfer.json', (content) => {
    const transfer = JSON.parse(content.toString()) as TransferJson;
    change(transfer);
    return canonicalJson(transfer);
  });
}

/** A manifest that `sealBundle` refuses to write, under a seal that holds. */
function manifest(change: (text: string) => string): Make {
  return (two, good) => {
    const text = good.manifest.toString();
    const other = Buffer.from(change(text));
    expect(other.toString()).not.toBe(text);
    const signature = signCades(other, two.sender.party.seal, two.clock.now());
    const bundle = { ...claimsOf(good.envelope).bundle!, manifest: digestOf(other) };
    return two.forge({ ...good, manifest: other, signature }, { bundle });
  };
}

const fileNamed = (uri: string): Make => manifest((text) => text.replace(photoUri, uri));
const reference = (text: string, uri: string) =>
  new RegExp(`<asic:DataObjectReference URI="${uri}".*\n`).exec(text)![0];

function announced(change: (files: { digest: Digest; bytes: number }[]) => { digest: Digest; bytes: number }[]): Make {
  return claims((_two, { bundle }) => ({ bundle: { ...bundle!, files: change([...bundle!.files]) } }));
}

/** A second agreement of the same parties, known to both, in force at another time. */
async function underAgreement(two: TwoSides, id: string, from: string, to: string): Promise<Partial<TransferClaims>> {
  const { sender, receiver, third } = two;
  const parties = [receiver.party, sender.party, third];
  const agreement = makeAgreement(parties, { id, effective: { from, to }, terms: sampleTerms() });
  await receiver.agreements.import(agreement.bytes);
  return { agreement: agreement.ref };
}

const otherFile = { digest: digestOf(Buffer.from('another file')), bytes: 12 };

const table: [what: string, code: ErrorCode, effect: Effect, make: Make][] = [
  // the envelope's form
  ['no envelope at all', 'ENVELOPE_MALFORMED', 'takes no place', envelope(() => '')],
  ['two parts', 'ENVELOPE_MALFORMED', 'takes no place', envelope((jws) => jws.split('.').slice(0, 2).join('.'))],
  ['four parts', 'ENVELOPE_MALFORMED', 'takes no place', envelope((jws) => `${jws}.AAAA`)],
  ['padding', 'ENVELOPE_MALFORMED', 'takes no place', envelope((jws) => `${jws}=`)],
  ['a line feed at its end', 'ENVELOPE_MALFORMED', 'takes no place', envelope((jws) => `${jws}\n`)],
  ['more than its size allows', 'ENVELOPE_MALFORMED', 'takes no place', envelope(() => 'A'.repeat(600_000))],
  [
    'an unknown algorithm',
    'ENVELOPE_MALFORMED',
    'takes no place',
    envelope((jws) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${jws.split('.')[1]}.`),
  ],
  ['malformed JSON', 'ENVELOPE_MALFORMED', 'takes no place', payload(() => Buffer.from('{"iss":'))],
  [
    'JSON in another spelling',
    'ENVELOPE_MALFORMED',
    'takes no place',
    payload((all) => Buffer.from(JSON.stringify(all, null, 1))),
  ],
  [
    'a claim twice',
    'ENVELOPE_MALFORMED',
    'takes no place',
    payload((all) => Buffer.from(canonicalJson(all).toString().replace('{', '{"aud":"jiashan.330421",'))),
  ],
  ['an unknown claim', 'ENVELOPE_MALFORMED', 'takes no place', payload((all) => ({ ...all, admin: true }))],
  [
    'an unknown claim inside',
    'ENVELOPE_MALFORMED',
    'takes no place',
    payload((all) => ({ ...all, body: { ...(all.body as object), cc: 'x' } })),
  ],
  ['a claim missing', 'ENVELOPE_MALFORMED', 'takes no place', payload(({ exp, ...rest }) => rest)],
  ['a position that is no number', 'ENVELOPE_MALFORMED', 'takes no place', payload((all) => ({ ...all, seq: '1' }))],
  ['position 0', 'ENVELOPE_MALFORMED', 'takes no place', payload((all) => ({ ...all, seq: 0 }))],
  ['an unknown kind', 'ENVELOPE_MALFORMED', 'takes no place', payload((all) => ({ ...all, kind: 'command' }))],
  [
    'more files than a bundle may have',
    'ENVELOPE_MALFORMED',
    'takes no place',
    announced(() =>
      Array.from({ length: 2_001 }, (_, i) => ({ digest: digestOf(Buffer.from([i >> 8, i])), bytes: 1 })),
    ),
  ],
  // who sent it
  ['the name of another party', 'ENVELOPE_WRONG_ISSUER', 'takes no place', claims((two) => ({ iss: two.third.node }))],
  [
    'the name and signature of another party',
    'ENVELOPE_WRONG_ISSUER',
    'takes no place',
    claims(
      (two) => ({ iss: two.third.node }),
      (two) => two.third.nodeSigner,
    ),
  ],
  ['itself as audience', 'ENVELOPE_WRONG_ISSUER', 'takes no place', claims((two) => ({ aud: two.sender.node }))],
  [
    'an audience outside the agreement',
    'ENVELOPE_WRONG_ISSUER',
    'takes no place',
    claims(() => ({ aud: 'nantong.320600' })),
  ],
  ['another audience', 'ENVELOPE_WRONG_AUDIENCE', 'takes no place', claims((two) => ({ aud: two.third.node }))],
  [
    'the signature of another party',
    'ENVELOPE_SIGNER_UNKNOWN',
    'takes no place',
    signedBy((two) => two.third.nodeSigner),
  ],
  [
    'the signature of a namesake under another root',
    'ENVELOPE_SIGNER_UNKNOWN',
    'takes no place',
    signedBy(async (two) => (await makeParty(two.sender.node, two.sender.party.authority)).nodeSigner),
  ],
  ['the signature of the seal', 'CERTIFICATE_REFUSED', 'takes no place', signedBy((two) => two.sender.party.seal)],
  [
    'the signature of a certificate for another node',
    'CERTIFICATE_REFUSED',
    'takes no place',
    signedBy((two) => issue(two.sender.party.root, 'node', nodeUrn(two.third.node), '11')),
  ],
  [
    'an expired certificate',
    'CERTIFICATE_REFUSED',
    'takes no place',
    signedBy((two) =>
      issue(two.sender.party.root, 'node', nodeUrn(two.sender.node), '12', {
        notBefore: new Date('2022-01-02'),
        notAfter: new Date('2022-06-01'),
      }),
    ),
  ],
  [
    'a certificate not yet valid',
    'CERTIFICATE_REFUSED',
    'takes no place',
    signedBy((two) =>
      issue(two.sender.party.root, 'node', nodeUrn(two.sender.node), '13', {
        notBefore: new Date('2023-01-01'),
        notAfter: new Date('2024-01-01'),
      }),
    ),
  ],
  ['a broken signature', 'ENVELOPE_SIGNATURE_INVALID', 'takes no place', envelope((jws) => flip(jws, jws.length - 40))],
  [
    'the signature of another envelope',
    'ENVELOPE_SIGNATURE_INVALID',
    'takes no place',
    async (two, good) => {
      const [forged, other] = [await two.forge(good), await two.forge(good)];
      return {
        ...forged,
        envelope: [...forged.envelope.split('.').slice(0, 2), other.envelope.split('.')[2]].join('.'),
      };
    },
  ],
  // when, and under what
  [
    'a date in the future',
    'ENVELOPE_FROM_FUTURE',
    'comes again',
    claims((two) => ({ iat: secondsOf(two) + 10 * 60, exp: secondsOf(two) + hour })),
  ],
  [
    'a lifetime that has ended',
    'ENVELOPE_EXPIRED',
    'takes its place',
    claims((two) => ({ iat: secondsOf(two) - 2 * hour, exp: secondsOf(two) - 2 })),
  ],
  [
    'a lifetime that ends before it begins',
    'ENVELOPE_EXPIRED',
    'takes its place',
    claims((two) => ({ iat: secondsOf(two), exp: secondsOf(two) })),
  ],
  [
    'an agreement that is not known here',
    'AGREEMENT_UNKNOWN_VERSION',
    'comes again',
    claims((_two, { agreement }) => ({ agreement: { ...agreement, version: 2, digest: otherFile.digest } })),
  ],
  [
    'an agreement of another digest',
    'AGREEMENT_UNKNOWN_VERSION',
    'comes again',
    claims((_two, { agreement }) => ({ agreement: { ...agreement, digest: otherFile.digest } })),
  ],
  [
    'an agreement that has ended',
    'AGREEMENT_NOT_IN_FORCE',
    'takes its place',
    claims((two) => underAgreement(two, 'ended', '2022-01-01T00:00:00.000Z', '2022-06-01T00:00:00.000Z')),
  ],
  [
    'an agreement that is not yet in force',
    'AGREEMENT_NOT_IN_FORCE',
    'takes its place',
    claims((two) => underAgreement(two, 'later', '2025-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')),
  ],
  // its place in the chain
  [
    'a gap before it',
    'ENVELOPE_SEQ_GAP',
    'comes again',
    claims(async (two) => ({ seq: (await two.chainEnd()).seq + 2 })),
  ],
  [
    'a place that is taken',
    'ENVELOPE_CHAIN_BROKEN',
    'takes no place',
    claims(async (two) => ({ seq: (await two.chainEnd()).seq })),
  ],
  ['another envelope before it', 'ENVELOPE_CHAIN_BROKEN', 'takes no place', claims(() => ({ prev: otherFile.digest }))],
  ['none before it', 'ENVELOPE_CHAIN_BROKEN', 'takes no place', claims(() => ({ prev: null }))],
  // the bundle it names
  ['no bundle', 'BUNDLE_MALFORMED', 'takes its place', claims(() => ({ bundle: null }))],
  [
    'another manifest than it names',
    'BUNDLE_DIGEST_MISMATCH',
    'takes its place',
    async (two, good) => two.forge({ ...good, manifest: Buffer.concat([good.manifest, Buffer.from(' ')]) }),
  ],
  ['an empty manifest', 'BUNDLE_MALFORMED', 'takes its place', manifest(() => '')],
  [
    'a manifest without files',
    'BUNDLE_MALFORMED',
    'takes its place',
    manifest((text) => text.replaceAll(/<asic:DataObjectReference.*\n/g, '')),
  ],
  [
    'a manifest with an entity',
    'BUNDLE_MALFORMED',
    'takes its place',
    manifest((text) => text.replace('?>\n', '?>\n<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n')),
  ],
  [
    'a file that leaves its directory',
    'BUNDLE_MALFORMED',
    'takes its place',
    fileNamed('evidence/../../../etc/cron.d/x'),
  ],
  [
    'a file that leaves its directory, encoded',
    'BUNDLE_MALFORMED',
    'takes its place',
    fileNamed('evidence/%2e%2e%2f%2e%2e%2fx'),
  ],
  ['an absolute path', 'BUNDLE_MALFORMED', 'takes its place', fileNamed('/etc/passwd')],
  ['a path with backslashes', 'BUNDLE_MALFORMED', 'takes its place', fileNamed('evidence/..%5C..%5Cx.exe')],
  ['a path with a drive', 'BUNDLE_MALFORMED', 'takes its place', fileNamed('C%3A/x')],
  ['a file in a directory of its own', 'BUNDLE_MALFORMED', 'takes its place', fileNamed('evidence/a/b.jpg')],
  ['a file beside the others', 'BUNDLE_MALFORMED', 'takes its place', fileNamed('extra.json')],
  ['a name with a zero byte', 'BUNDLE_MALFORMED', 'takes its place', fileNamed('evidence/a%00.jpg')],
  [
    'a name that turns the reading direction',
    'BUNDLE_MALFORMED',
    'takes its place',
    fileNamed('evidence/%E2%80%AEgpj.exe'),
  ],
  [
    'a name in another spelling of its bytes',
    'BUNDLE_MALFORMED',
    'takes its place',
    fileNamed(photoUri.replace('jpg', '%6Apg')),
  ],
  [
    'one file twice',
    'BUNDLE_MALFORMED',
    'takes its place',
    manifest((text) => text.replace(reference(text, photoUri), (line) => line + line)),
  ],
  [
    'two files that are one on some disks',
    'BUNDLE_MALFORMED',
    'takes its place',
    manifest((text) =>
      text.replace(
        reference(text, photoUri),
        (line) => line.replace(photoUri, 'evidence/A.jpg') + line.replace(photoUri, 'evidence/a.JPG'),
      ),
    ),
  ],
  [
    'a media type that breaks out of the form',
    'BUNDLE_MALFORMED',
    'takes its place',
    manifest((text) => text.replace('MimeType="image/jpeg"', 'MimeType="image/jpeg&quot;"')),
  ],
  [
    'a broken seal',
    'BUNDLE_MALFORMED',
    'takes its place',
    async (two, good) => two.forge({ ...good, signature: good.signature.subarray(0, -20) }),
  ],
  [
    'a seal over something else',
    'BUNDLE_SIGNATURE_INVALID',
    'takes its place',
    async (two, good) =>
      two.forge({ ...good, signature: signCades(Buffer.from('else'), two.sender.party.seal, two.clock.now()) }),
  ],
  [
    'no seal',
    'BUNDLE_MALFORMED',
    'takes its place',
    async (two, good) => two.forge({ ...good, signature: Buffer.alloc(0) }),
  ],
  [
    'the seal of another party',
    'BUNDLE_SIGNER_UNKNOWN',
    'takes its place',
    contents(() => undefined, { seal: (two) => two.third.seal }),
  ],
  [
    'the seal of another name under the same root',
    'BUNDLE_SIGNER_UNKNOWN',
    'takes its place',
    contents(() => undefined, { seal: (two) => issue(two.sender.party.root, 'seal', sealUrn(two.third.node), '14') }),
  ],
  [
    'the node certificate in place of the seal',
    'BUNDLE_SIGNER_UNKNOWN',
    'takes its place',
    contents(() => undefined, { seal: (two) => two.sender.party.nodeSigner }),
  ],
  [
    'an expired seal',
    'BUNDLE_SIGNER_UNKNOWN',
    'takes its place',
    contents(() => undefined, {
      seal: (two) =>
        issue(two.sender.party.root, 'seal', sealUrn(two.sender.node), '15', {
          notBefore: new Date('2022-01-02'),
          notAfter: new Date('2022-06-01'),
        }),
    }),
  ],
  [
    'a seal from after the envelope',
    'BUNDLE_MALFORMED',
    'takes its place',
    contents(() => undefined, { at: (two) => new Date(two.clock.now().getTime() + hour * 1000) }),
  ],
  // what is in the bundle
  ['a part missing', 'BUNDLE_FILE_MISSING', 'takes its place', contents((made) => void made.parts.pop())],
  ['a part twice', 'BUNDLE_MALFORMED', 'takes its place', contents((made) => void made.parts.push(made.parts[0]!))],
  [
    'a part that no manifest names',
    'BUNDLE_MALFORMED',
    'takes its place',
    contents((made) => void made.parts.push({ name: 'evidence/x.exe', content: Buffer.from('MZ') })),
  ],
  [
    'a part named like a property of every object',
    'BUNDLE_MALFORMED',
    'takes its place',
    contents((made) => void made.parts.push({ name: '__proto__', content: Buffer.from('{}') })),
  ],
  [
    'a part with other bytes',
    'BUNDLE_DIGEST_MISMATCH',
    'takes its place',
    contents((made) => {
      made.parts[1]!.content = Buffer.from('{}');
    }),
  ],
  [
    'a document that came with no bytes',
    'BUNDLE_MALFORMED',
    'takes its place',
    contents((made) => void made.files.push(bundleFile('documents/函.pdf', 'application/pdf', Buffer.from('%PDF')))),
  ],
  [
    'evidence that the case data do not know',
    'BUNDLE_MALFORMED',
    'takes its place',
    contents((made) => void made.files.push(bundleFile('evidence/x.jpg', 'image/jpeg', photo.content))),
  ],
  [
    'case data that are no JSON',
    'BUNDLE_MALFORMED',
    'takes its place',
    part('transfer.json', () => Buffer.from('{"schema":')),
  ],
  [
    'case data in another spelling',
    'BUNDLE_MALFORMED',
    'takes its place',
    part('transfer.json', (content) => Buffer.concat([content, Buffer.from('\n')])),
  ],
  [
    'case data with an unknown field',
    'BUNDLE_MALFORMED',
    'takes its place',
    transferData((transfer) => Object.assign(transfer, { approved: true })),
  ],
  [
    'case data with an unknown field of evidence',
    'BUNDLE_MALFORMED',
    'takes its place',
    transferData(({ evidence }) => Object.assign(evidence[0]!, { verified: true })),
  ],
  ['case data without facts', 'BUNDLE_MALFORMED', 'takes its place', transferData((transfer) => delete transfer.facts)],
  [
    'case data of another number',
    'BUNDLE_MALFORMED',
    'takes its place',
    transferData((transfer) => Object.assign(transfer, { number: '金枫综执线移〔2022〕第13号' })),
  ],
  [
    'case data from another node',
    'BUNDLE_MALFORMED',
    'takes its place',
    transferData((transfer) => Object.assign(transfer.from as object, { node: 'jiashan.330421' })),
  ],
  [
    'case data of another transfer',
    'BUNDLE_MALFORMED',
    'takes its place',
    claims((two, { body }) => {
      const transfer = two.newId();
      return { transfer, body: { ...body, message: { ...body.message, transfer } } };
    }),
  ],
  [
    'a message of another transfer',
    'MESSAGE_REFUSED',
    'takes its place',
    claims((two, { body }) => ({ body: { ...body, message: { ...body.message, transfer: two.newId() } } })),
  ],
  [
    'a message of another kind of envelope',
    'MESSAGE_REFUSED',
    'takes its place',
    claims((_two, { body }) => ({ body: { ...body, message: { ...body.message, command: 'withdraw' } } })),
  ],
  ['a message that names another bundle', 'BUNDLE_MALFORMED', 'takes its place', said({ bundle: otherFile.digest })],
  [
    'a message that names another document',
    'BUNDLE_MALFORMED',
    'takes its place',
    said({ document: otherFile.digest }),
  ],
  ['a message that names other content', 'BUNDLE_MALFORMED', 'takes its place', said({ content: otherFile.digest })],
  ['a message that names another number', 'BUNDLE_MALFORMED', 'takes its place', said({ number: '第99号' })],
  ['case data of another dossier', 'BUNDLE_MALFORMED', 'takes its place', claims((two) => ({ dossier: two.newId() }))],
  [
    'case data with another length',
    'BUNDLE_MALFORMED',
    'takes its place',
    transferData(({ evidence }) => Object.assign(evidence[0]!, { bytes: 5 })),
  ],
  [
    'case data with another digest',
    'BUNDLE_MALFORMED',
    'takes its place',
    transferData(({ evidence }) => Object.assign(evidence[0]!, { digest: otherFile.digest })),
  ],
  [
    'case data with a file that is not there',
    'BUNDLE_FILE_MISSING',
    'takes its place',
    transferData(({ evidence }) => Object.assign(evidence[0]!, { fileName: 'b.jpg' })),
  ],
  ['evidence that is not announced', 'BUNDLE_MALFORMED', 'takes its place', announced(() => [])],
  [
    'an announced file that is not in the bundle',
    'BUNDLE_MALFORMED',
    'takes its place',
    announced((files) => [...files, otherFile]),
  ],
  ['a file announced twice', 'BUNDLE_MALFORMED', 'takes its place', announced((files) => [...files, ...files])],
  [
    'a file over the limit',
    'FILE_TOO_LARGE',
    'takes its place',
    async (two, good) => {
      const grown = await transferData(({ evidence }) => Object.assign(evidence[0]!, { bytes: 2 << 20 }))(two, good);
      const { bundle } = claimsOf(grown.envelope);
      return two.forge(grown, { bundle: { ...bundle!, files: [{ ...bundle!.files[0]!, bytes: 2 << 20 }] } });
    },
  ],
];

describe.each(databases())('a receiver on %s', (_name, create) => {
  let two: TwoSides;
  beforeAll(async () => {
    two = await TwoSides.open(create);
    await two.deliver(await two.forge(await two.sealed()));
  });
  afterAll(() => two.close());

  it.each(table)('refuses %s: %s, which %s', async (_what, code, effect, make) => {
    const { db } = two.receiver;
    const good = await two.sealed([photo]);
    await two.push(good.envelope);
    const bad = await make(two, good);
    const before = await countRows(db);
    const end = await two.chainEnd();

    const [outcome] = await two.deliver(bad);
    expect(outcome!.code).toBe(code);
    expect(JSON.stringify(outcome)).not.toMatch(/\.ts|\.js|Error|at /);
    const entry = (await loggedBy(db)).at(-1)!;
    const known = { code, envelope: envelopeDigest(bad), peer: two.sender.node };
    expect(entry).toMatchObject({ event: 'envelope.refused', subject: known });
    const inbox = effect === 'takes its place' ? 1 : 0;
    expect(await countRows(db)).toEqual({ ...before, inbox: before.inbox! + inbox, log_entry: before.log_entry! + 1 });
    if (effect === 'comes again') {
      expect(outcome).toMatchObject({ status: 'STATUS_RETRY' });
      expect(outcome!.receipt).toBeUndefined();
      if (code === 'ENVELOPE_SEQ_GAP') expect(outcome!.expectedSeq).toBe(end.seq + 1);
    } else {
      expect(outcome).toMatchObject({ status: 'STATUS_REFUSED' });
      expect(provenEntry(outcome!.receipt, two.receiver)).toEqual(entry);
    }
    if (effect === 'takes its place') {
      expect(await two.chainEnd()).toEqual({ seq: end.seq + 1, digest: envelopeDigest(bad) });
      // The same bytes again: the same signed refusal again, and nothing new in the log.
      expect(await two.deliver(bad)).toEqual([outcome]);
      expect((await countRows(db)).log_entry).toBe(before.log_entry! + 1);
    } else {
      expect(await two.chainEnd()).toEqual(end);
    }

    // Nothing half: the same transfer, handed over as it should be, is received in the next place.
    expect(await two.deliver(await two.forge(good))).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
  });

  it('takes a transfer that is here already, in a new envelope, without touching it', async () => {
    const good = await two.sealed();
    await two.deliver(await two.forge(good));
    const { db } = two.receiver;
    const before = await countRows(db);
    const held = await rowsOf(db, 'SELECT * FROM transfer ORDER BY id');
    const [outcome] = await two.deliver(await two.forge(good));
    expect(outcome).toMatchObject({ status: 'STATUS_RECEIVED', code: '' });
    const after = { ...before, inbox: before.inbox! + 1, log_entry: before.log_entry! + 1 };
    expect(await countRows(db)).toEqual(after);
    expect(await rowsOf(db, 'SELECT * FROM transfer ORDER BY id')).toEqual(held);
  });

  it('refuses to have a transfer sent twice, without touching it: MESSAGE_REFUSED', async () => {
    const good = await two.sealed();
    await two.deliver(await two.forge(good));
    const { db } = two.receiver;
    const before = await countRows(db);
    const { body, transfer } = claimsOf(good.envelope);
    const again = { ...body, message: { ...body.message, id: two.newId(), index: 2, seen: 1 } };
    const [outcome] = await two.deliver(await two.forge(good, { body: again }));
    expect(outcome).toMatchObject({ status: 'STATUS_REFUSED', code: 'MESSAGE_REFUSED' });
    expect(provenEntry(outcome!.receipt, two.receiver)).toMatchObject({ subject: { code: 'MESSAGE_REFUSED' } });
    const subject = { command: 'send', person: null, reason: 'WRONG_STATE', transfer };
    expect((await loggedBy(db)).at(-1)).toMatchObject({ event: 'command.refused', subject });
    const after = { ...before, inbox: before.inbox! + 1, log_entry: before.log_entry! + 2 };
    expect(await countRows(db)).toEqual(after);
  });

  it('refuses other bytes under a known id, and keeps the first: ENVELOPE_ALTERED', async () => {
    const first = await two.forge(await two.sealed());
    const [receipt] = await two.deliver(first);
    const { jti, seq, prev } = claimsOf(first.envelope);
    const before = await countRows(two.receiver.db);
    const variants = [
      await two.forge(first, { jti, seq, prev }), // ECDSA: the same claims, other bytes
      await two.forge(await two.sealed(), { jti }),
      await two.forge(first, { jti, seq: seq + 1 }),
    ];
    for (const variant of variants) {
      expect(await two.deliver(variant)).toMatchObject([{ status: 'STATUS_REFUSED', code: 'ENVELOPE_ALTERED' }]);
    }
    expect(await countRows(two.receiver.db)).toEqual({ ...before, log_entry: before.log_entry! + 3 });
    expect(await two.deliver(first)).toEqual([receipt]);
  });

  it('asks for the files first, without a word in the log: BLOB_MISSING', async () => {
    const content = randomBytes(100);
    const good = await two.sealed([{ ...photo, content }]);
    const bad = await two.forge(good);
    const before = await countRows(two.receiver.db);
    expect(await two.deliver(bad)).toMatchObject([{ status: 'STATUS_RETRY', code: 'BLOB_MISSING' }]);
    expect(await countRows(two.receiver.db)).toEqual(before);
    // Half of them is not enough.
    await two.receiver.intake.announce(two.sender.node, [bad.envelope]);
    const half = Readable.from([content.subarray(0, 50)]);
    await two.receiver.intake.receive(two.sender.node, digestOf(content), 0, 100, half);
    expect(await two.deliver(bad)).toMatchObject([{ status: 'STATUS_RETRY', code: 'BLOB_MISSING' }]);
    await two.push(bad.envelope);
    expect(await two.deliver(bad)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
  });

  it('decides a batch in its order: refusals in between hold nothing up, a retry stops the rest', async () => {
    const make = async (count: number) => Promise.all(Array.from({ length: count }, () => two.sealed()));
    const [a, b, c, d, e] = (await make(5)) as [
      Delivery__Output,
      Delivery__Output,
      Delivery__Output,
      Delivery__Output,
      Delivery__Output,
    ];
    const start = await two.chainEnd();
    const chain = async (
      good: Delivery__Output,
      before: Delivery__Output | null,
      over: Partial<TransferClaims> = {},
    ) =>
      before
        ? two.forge(good, { seq: claimsOf(before.envelope).seq + 1, prev: envelopeDigest(before), ...over })
        : two.forge(good, over);
    const first = await chain(a, null);
    const expired = await chain(b, first, { exp: secondsOf(two) - 1, iat: secondsOf(two) - 100 });
    const garbage = { ...c, envelope: 'garbage' };
    const third = await chain(c, expired);
    const gap = await chain(d, third, { seq: claimsOf(third.envelope).seq + 2 });
    const fourth = await chain(e, third);
    const before = await countRows(two.receiver.db);
    const outcomes = await two.deliver(first, expired, garbage, third, gap, fourth);
    expect(outcomes.map(({ status, code }) => `${status} ${code}`)).toEqual([
      'STATUS_RECEIVED ',
      'STATUS_REFUSED ENVELOPE_EXPIRED',
      'STATUS_REFUSED ENVELOPE_MALFORMED',
      'STATUS_RECEIVED ',
      'STATUS_RETRY ENVELOPE_SEQ_GAP',
      'STATUS_RETRY ENVELOPE_SEQ_GAP',
    ]);
    expect(await countRows(two.receiver.db)).toMatchObject({
      transfer: before.transfer! + 2,
      inbox: before.inbox! + 3,
      log_entry: before.log_entry! + 7,
    });
    expect(await two.chainEnd()).toEqual({ seq: start.seq + 3, digest: envelopeDigest(third) });
    expect(await two.deliver(fourth)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
  });

  it('never takes an envelope twice within one call', async () => {
    const good = await two.forge(await two.sealed());
    const before = await countRows(two.receiver.db);
    const [first, second] = await two.deliver(good, good);
    expect(first).toMatchObject({ status: 'STATUS_RECEIVED' });
    expect(second).toEqual(first);
    expect(await countRows(two.receiver.db)).toMatchObject({
      transfer: before.transfer! + 1,
      inbox: before.inbox! + 1,
      log_entry: before.log_entry! + 2,
    });
  });
});

describe.each(databases())('evidence from peers on %s', (_name, create) => {
  let two: TwoSides;
  beforeEach(async () => {
    two = await TwoSides.open(create, { limits: { fileBytes: 5_000, peerAnnouncedBytes: 10_000 } });
  });
  afterEach(() => two.close());

  const announce = async (...files: Buffer[]) => {
    const delivery = await two.sealed(files.map((content, i) => ({ ...photo, fileName: `${i}.jpg`, content })));
    const states = await two.receiver.intake.announce(two.sender.node, [delivery.envelope]);
    return { delivery, states };
  };
  const receive = (content: Buffer, offset: number, bytes = content.subarray(offset), total = content.length) => {
    const { intake } = two.receiver;
    return intake.receive(two.sender.node, digestOf(content), offset, total, Readable.from([bytes]));
  };

  it('is taken only if an envelope of this peer names it', async () => {
    const content = randomBytes(100);
    await expect(receive(content, 0)).rejects.toMatchObject({ code: 'BLOB_NOT_ANNOUNCED' });
    await expect(two.receiver.intake.progress(two.sender.node, digestOf(content))).rejects.toMatchObject({
      code: 'BLOB_NOT_ANNOUNCED',
    });
    await announce(content);
    const asThird = () =>
      two.receiver.intake.receive(two.third.node, digestOf(content), 0, 100, Readable.from([content]));
    await expect(asThird()).rejects.toMatchObject({ code: 'BLOB_NOT_ANNOUNCED' });
    expect(await two.receiver.blobs.has(digestOf(content))).toBe(false);
    expect(await receive(content, 0)).toEqual({ offset: 100, complete: true });
  });

  it.each([
    ['malformed', 'ENVELOPE_MALFORMED', () => 'garbage'],
    [
      'of another issuer',
      'ENVELOPE_WRONG_ISSUER',
      async (good: Delivery__Output) => (await two.forge(good, { iss: two.third.node }, two.third.nodeSigner)).envelope,
    ],
    [
      'for another audience',
      'ENVELOPE_WRONG_AUDIENCE',
      async (good: Delivery__Output) => (await two.forge(good, { aud: two.third.node })).envelope,
    ],
    [
      'with a broken signature',
      'ENVELOPE_SIGNATURE_INVALID',
      (good: Delivery__Output) => flip(good.envelope, good.envelope.length - 40),
    ],
    [
      'under an unknown agreement',
      'AGREEMENT_UNKNOWN_VERSION',
      async (good: Delivery__Output) =>
        (await two.forge(good, { agreement: { ...two.agreement.ref, digest: otherFile.digest } })).envelope,
    ],
  ] as const)('is not announced by an envelope %s: %s', async (_what, code, make) => {
    const good = await two.sealed([photo]);
    const bad = await make(good);
    await expect(two.receiver.intake.announce(two.sender.node, [good.envelope, bad])).rejects.toMatchObject({ code });
    expect(await countRows(two.receiver.db)).toMatchObject({ announcement: 0 });
  });

  it('does not answer whether somebody else has sent a file', async () => {
    // An officer of the receiver holds the file; the peer must not learn that from its announcement.
    const content = randomBytes(200);
    await two.reversed().draft([{ ...photo, content }], fromReceiver(two));
    expect(await two.receiver.blobs.has(digestOf(content))).toBe(true);
    const { states } = await announce(content);
    expect(states).toEqual([{ digest: digestOf(content), offset: 0, complete: false }]);
  });

  it('that came before need not come again, from the same peer', async () => {
    const content = randomBytes(200);
    const { delivery } = await announce(content);
    await two.push(delivery.envelope);
    await two.deliver(delivery);
    const { states, delivery: next } = await announce(content);
    expect(states).toEqual([{ digest: digestOf(content), offset: 200, complete: true }]);
    expect(await two.deliver(next)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
  });

  it('that the disk has lost since is asked for and taken again', async () => {
    const content = randomBytes(200);
    const { delivery } = await announce(content);
    await two.push(delivery.envelope);
    await two.deliver(delivery);
    await two.receiver.blobs.remove(digestOf(content));
    const { states, delivery: next } = await announce(content);
    expect(states).toEqual([{ digest: digestOf(content), offset: 0, complete: false }]);
    await two.push(next.envelope);
    expect(await two.receiver.blobs.stat(digestOf(content))).toEqual({ bytes: 200 });
    expect(await two.deliver(next)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
  });

  it('that waits for its envelope is not removed with an officer’s own copy of it', async () => {
    const content = randomBytes(200);
    const { delivery } = await announce(content);
    await two.push(delivery.envelope);
    const { receiver } = two;
    const own = await two.reversed().draft([{ ...photo, content }], fromReceiver(two));
    const [item] = (await receiver.transfers.get(receiver.handler, own)).evidence;
    await receiver.transfers.removeEvidence(receiver.handler, own, item!.id);
    expect(await two.deliver(delivery)).toMatchObject([{ status: 'STATUS_RECEIVED' }]);
    expect(await receiver.blobs.stat(digestOf(content))).toEqual({ bytes: 200 });
  });

  it('of an envelope that is delivered again does not count against the peer', async () => {
    const { delivery } = await announce(randomBytes(200));
    await two.push(delivery.envelope);
    const [first] = await two.deliver(delivery);
    await two.push(delivery.envelope);
    expect(await countRows(two.receiver.db)).toMatchObject({ announcement: 1 });
    expect(await two.deliver(delivery)).toEqual([first]);
    expect(await countRows(two.receiver.db)).toMatchObject({ announcement: 0 });
  });

  it('over a limit is refused before a byte comes: FILE_TOO_LARGE, LIMIT_EXCEEDED', async () => {
    const limited = await two.sealed([{ ...photo, content: randomBytes(5_001) }]);
    const { intake, db } = two.receiver;
    await expect(intake.announce(two.sender.node, [limited.envelope])).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
    await announce(randomBytes(5_000), randomBytes(4_000));
    const before = await countRows(db);
    const over = await two.sealed([{ ...photo, content: randomBytes(1_001) }]);
    await expect(intake.announce(two.sender.node, [over.envelope])).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await countRows(db)).toEqual(before);
    await announce(randomBytes(1_000));
  });

  it('of another length or digest is refused and can be sent again', async () => {
    const content = randomBytes(1_000);
    await announce(content);
    await expect(receive(content, 0, content, 999)).rejects.toMatchObject({ code: 'LENGTH_MISMATCH' });
    await expect(receive(content, 0, Buffer.concat([content, content]))).rejects.toMatchObject({
      code: 'LENGTH_MISMATCH',
    });
    const { offset } = await two.receiver.intake.progress(two.sender.node, digestOf(content));
    const wrong = randomBytes(1_000);
    await expect(receive(content, offset, wrong.subarray(offset))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await two.receiver.blobs.has(digestOf(content))).toBe(false);
    expect(await two.receiver.intake.progress(two.sender.node, digestOf(content))).toEqual({
      offset: 0,
      complete: false,
    });
    expect(await receive(content, 0)).toEqual({ offset: 1_000, complete: true });
  });

  it('goes on from where it broke off, and from nowhere else: UPLOAD_OFFSET_MISMATCH', async () => {
    const content = randomBytes(1_000);
    await announce(content);
    const broken = new Readable({ read() {} });
    broken.push(content.subarray(0, 300));
    setTimeout(() => broken.destroy(new Error('cut')), 30);
    const { intake } = two.receiver;
    expect(await intake.receive(two.sender.node, digestOf(content), 0, 1_000, broken)).toEqual({
      offset: 300,
      complete: false,
    });
    for (const offset of [0, 299, 301, 1_000]) {
      await expect(receive(content, offset)).rejects.toMatchObject({
        code: 'UPLOAD_OFFSET_MISMATCH',
        params: { offset: 300 },
      });
    }
    expect(await receive(content, 300)).toEqual({ offset: 1_000, complete: true });
    expect(await receive(content, 0)).toEqual({ offset: 1_000, complete: true });
  });

  it('that was announced and never delivered is dropped, unless something needs it', async () => {
    const [kept, dropped] = [randomBytes(100), randomBytes(100)];
    const { delivery } = await announce(kept);
    await two.push(delivery.envelope);
    await two.deliver(delivery);
    const { delivery: again } = await announce(kept, dropped);
    await two.push(again.envelope);
    await two.receiver.intake.sweep();
    expect(await two.receiver.intake.removeOrphans(new Date(Date.now() + 1_000))).toBe(0);
    two.clock.advance(3_600_001);
    await two.receiver.intake.sweep();
    expect(await two.receiver.intake.removeOrphans(new Date(0))).toBe(0);
    expect(await two.receiver.intake.removeOrphans(new Date(Date.now() + 1_000))).toBe(1);
    expect(await rowsOf(two.receiver.db, 'SELECT * FROM announcement')).toEqual([]);
    expect(await two.receiver.blobs.has(digestOf(kept))).toBe(true);
    expect(await two.receiver.blobs.has(digestOf(dropped))).toBe(false);
  });
});

/** S1 as the receiver's own officers would write it. */
function fromReceiver({ s1, sender, receiver }: TwoSides): Sample {
  const from = { ...s1.transfer.from, node: receiver.node };
  return { ...s1, transfer: { ...s1.transfer, from, to: { node: sender.node } } };
}
