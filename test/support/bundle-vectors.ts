import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  type CheckId,
  planBundle,
  planZip,
  sealBundle,
  sealUrn,
  type Verdict,
  writeZip,
  type ZipEntry,
} from '@jieqiao/core';
import { collect, issue, issueRsaSeal, makeExchange, makeParty, nothing, sealedAt } from './sealed-exchange';

/** One bundle with what a verifier must say of it under `agreement.json`, in the year it was sealed. */
export interface BundleVector {
  file: string;
  what: string;
  verdict: Verdict;
  /** Exactly the checks that must fail. */
  failing: CheckId[];
}

/**
 * Writes a new set of vectors, with new keys. A set once released is never written again: implementations of that
 * version were tested against these bytes.
 */
export async function writeBundleVectors(folder: string): Promise<void> {
  const exchange = await makeExchange();
  const { sender, files, sealed } = exchange;
  const vectors: BundleVector[] = [];
  await mkdir(folder, { recursive: true });
  const add = async (
    name: string,
    what: string,
    verdict: Verdict,
    failing: CheckId[],
    bytes: Buffer,
  ): Promise<void> => {
    vectors.push({ file: `${name}.asice`, what, verdict, failing });
    await writeFile(join(folder, `${name}.asice`), bytes);
  };
  const pack = (entries: readonly ZipEntry[]) => collect(writeZip(planZip(entries), nothing));
  const part = (name: string, text: string | Buffer): ZipEntry => {
    const content = Buffer.from(text);
    return { name, bytes: content.length, crc32: crc32(content), content };
  };
  const sealedBy = async (signer: typeof sender.seal, at = sealedAt) =>
    collect(writeZip(planBundle(sealBundle(files, signer, at), files), nothing));
  const byName = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const parts: ZipEntry[] = [
    part('mimetype', 'application/vnd.etsi.asic-e+zip'),
    part('META-INF/ASiCManifest.xml', sealed.manifest),
    part('META-INF/signature.p7s', sealed.signature),
    ...byName,
  ];
  const good = exchange.bundle;
  const flipped = (at: number, bit = 1): Buffer => {
    const bytes = Buffer.from(good);
    bytes[at]! ^= bit;
    return bytes;
  };
  const within = (text: string | Buffer, skip = 0) => good.indexOf(text) + skip;

  await add('good', 'three parts, a letter, two pieces of evidence, one of them empty', 'valid', [], good);
  const rsa = await issueRsaSeal(sender.root, sealUrn(sender.node), '0a');
  await add('good-rsa', 'sealed with an RSA key', 'valid', [], await sealedBy(rsa));

  const layout: CheckId[] = ['container.layout'];
  await add('bad-first-byte', 'first byte of the file', 'invalid', layout, flipped(0));
  await add('bad-last-byte', 'last byte of the file', 'invalid', layout, flipped(good.length - 1));
  await add('bad-date', 'time-stamp in one local header', 'invalid', layout, flipped(10));
  await add(
    'bad-prefix',
    'bytes before the container',
    'invalid',
    layout,
    Buffer.concat([Buffer.from('#!/bin/sh\n'), good]),
  );
  await add('bad-suffix', 'a byte after the container', 'invalid', layout, Buffer.concat([good, Buffer.from('x')]));
  await add('bad-two-ends', 'a second end record', 'invalid', layout, Buffer.concat([good, good.subarray(-22)]));
  await add('bad-truncated', 'the last 30 bytes missing', 'invalid', layout, good.subarray(0, -30));
  const slip = Buffer.from(good);
  for (let at = slip.indexOf('evidence/empty'); at >= 0; at = slip.indexOf('evidence/empty'))
    slip.write('../../../empty', at);
  await add('bad-zip-slip', 'a name that climbs out of its folder', 'invalid', layout, slip);
  const compressed = Buffer.from(good);
  compressed.writeUInt16LE(8, compressed.readUInt32LE(compressed.length - 6) + 10);
  await add('bad-compressed', 'an entry said to be deflated', 'invalid', layout, compressed);

  await add(
    'bad-mimetype',
    'another media type',
    'invalid',
    ['container.mimetype'],
    await pack([part('mimetype', 'application/zip'), ...parts.slice(1)]),
  );
  await add(
    'bad-mimetype-second',
    'mimetype is not the first entry',
    'invalid',
    ['container.mimetype', 'manifest.form'],
    await pack([parts[1]!, parts[0]!, ...parts.slice(2)]),
  );
  await add(
    'bad-no-signature',
    'the seal is missing',
    'invalid',
    ['seal.form', 'manifest.complete'],
    await pack(parts.filter((_, i) => i !== 2)),
  );
  await add(
    'bad-unsigned-file',
    'a file that the manifest does not name',
    'invalid',
    ['manifest.complete'],
    await pack([...parts, part('evidence/zzz.txt', 'new')]),
  );
  await add(
    'bad-missing-file',
    'a file of the manifest is missing',
    'invalid',
    ['manifest.complete'],
    await pack(parts.slice(0, -1)),
  );
  await add(
    'bad-order',
    'files in another order than the manifest’s',
    'invalid',
    ['manifest.complete'],
    await pack([...parts.slice(0, 3), ...parts.slice(3).reverse()]),
  );
  await add(
    'bad-file-byte',
    'one byte of a file',
    'invalid',
    ['file.digest', 'container.checksum'],
    flipped(within('%PDF-1.7')),
  );
  await add(
    'bad-file-exchanged',
    'a file exchanged, its checksum mended',
    'invalid',
    ['file.digest'],
    await pack([...parts.slice(0, -1), part('transfer.json', '{}')]),
  );
  await add(
    'bad-checksum',
    'a checksum wrong in both headers',
    'invalid',
    ['container.checksum'],
    await pack(parts.map((entry, i) => (i === 4 ? { ...entry, crc32: 1 } : entry))),
  );
  const mended = (index: number, change: (bytes: Buffer) => void) => {
    const content = Buffer.from(parts[index]!.content!);
    change(content);
    return pack(parts.map((entry, i) => (i === index ? part(entry.name, content) : entry)));
  };
  const manifestChange = await mended(1, (bytes) => bytes.write('application/jsom', bytes.indexOf('application/json')));
  await add(
    'bad-manifest-byte',
    'one byte of the manifest, checksum mended',
    'invalid',
    ['seal.signature'],
    manifestChange,
  );
  const seal: [string, string, CheckId, (bytes: Buffer) => void][] = [
    [
      'bad-seal-value',
      'last byte of the signature value',
      'seal.signature',
      (b) => {
        b[b.length - 1]! ^= 1;
      },
    ],
    [
      'bad-seal-time',
      'the claimed time, one minute later',
      'seal.signature',
      (b) => {
        b.write('220820093100Z', b.indexOf('220820093000Z'));
      },
    ],
    [
      'bad-seal-length',
      'a length inside the signature',
      'seal.form',
      (b) => {
        b[3]! ^= 1;
      },
    ],
    [
      'bad-seal-certificate',
      'the certificate’s own signature',
      'seal.certificate',
      (b) => {
        const certificate = sender.seal.certificate.raw;
        b[b.indexOf(certificate) + certificate.length - 1]! ^= 1;
      },
    ],
  ];
  for (const [name, what, check, change] of seal) await add(name, what, 'invalid', [check], await mended(2, change));

  const node = await issue(sender.root, 'node', sealUrn(sender.node), '0b');
  await add('bad-tls-key', 'sealed with a TLS certificate', 'invalid', ['seal.certificate'], await sealedBy(node));
  await add(
    'bad-too-early',
    'sealed before the certificate began',
    'invalid',
    ['seal.certificate'],
    await sealedBy(sender.seal, new Date('2021-01-01T00:00:00Z')),
  );
  await add(
    'bad-future',
    'sealed after the verifier’s now',
    'invalid',
    ['seal.time'],
    await sealedBy(sender.seal, new Date('2031-01-01T00:00:00Z')),
  );
  const stranger = await makeParty('haiyan.330424', '海盐县综合行政执法局');
  await add(
    'unknown-stranger',
    'sound, by an authority that is no party',
    'unknown-signer',
    ['seal.signer'],
    await sealedBy(stranger.seal),
  );
  const namesake = await makeParty(sender.node, sender.authority);
  await add(
    'unknown-namesake',
    'sound, by a party’s name under another root',
    'unknown-signer',
    ['seal.signer'],
    await sealedBy(namesake.seal),
  );

  await writeFile(join(folder, 'agreement.json'), exchange.agreement.bytes);
  await writeFile(join(folder, 'root.pem'), sender.root.certificatePem);
  await writeFile(join(folder, 'vectors.json'), `${JSON.stringify(vectors, null, 2)}\n`);
}
