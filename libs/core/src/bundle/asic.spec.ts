import { crc32 } from 'node:zlib';
import {
  type Anchor,
  bundleFile,
  bundleNameProblem,
  Certificate,
  digestOf,
  type GatewayError,
  ownRoot,
  parseManifest,
  planBundle,
  sealBundle,
  verifySeal,
  writeZip,
} from '@jieqiao/core';
import fc from 'fast-check';
import {
  collect,
  issue,
  makeParty,
  nothing,
  type Party,
  sealedAt,
  smallFiles,
} from '../../../../test/support/sealed-exchange';

const reasonFor = (act: () => unknown): unknown => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    return (error as GatewayError).params?.reason ?? error;
  }
};

describe('bundles', () => {
  let party: Party;
  let anchor: Anchor;

  beforeAll(async () => {
    party = await makeParty('pinghu.330482', '平湖市综合行政执法局');
    anchor = ownRoot(Certificate.parse(party.root.certificatePem));
  });

  it('a sealed manifest names every file in the order of the names', () => {
    const sealed = sealBundle(smallFiles(), party.seal, sealedAt);
    const names = parseManifest(sealed.manifest).map(({ name }) => name);
    expect(names).toEqual([
      'custody.json',
      'documents/案件线索移送函.pdf',
      'evidence/empty.txt',
      'evidence/现场照片1.jpg',
      'recognition.json',
      'transfer.json',
    ]);
    expect(sealed.digest).toBe(digestOf(sealed.manifest));
    expect(sealed.manifest.toString('latin1')).toContain('documents/%E6%A1%88%E4%BB%B6');
    expect(verifySeal(sealed.manifest, sealed.signature, [anchor], 'signing-time').problem).toBeNull();
  });

  it('the manifest does not depend on the order in which files are given', () => {
    const sealed = sealBundle(smallFiles(), party.seal, sealedAt);
    expect(sealBundle(smallFiles().reverse(), party.seal, sealedAt).digest).toBe(sealed.digest);
  });

  it('sealing, writing and reading are inverse for any files', () => {
    const nameArbitrary = fc
      .tuple(fc.constantFrom('evidence', 'documents'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }))
      .map(([folder, name]) => `${folder}/${name}`)
      .filter((name) => bundleNameProblem(name) === null);
    const unique = fc.uniqueArray(nameArbitrary, {
      selector: (n) => n.toUpperCase().toLowerCase(),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(unique, (names) => {
        const files = names.map((name) => bundleFile(name, 'image/jpeg', Buffer.from(name)));
        const { manifest } = sealBundle(files, party.seal, sealedAt);
        expect(new Set(parseManifest(manifest).map(({ name }) => name))).toEqual(new Set(names));
      }),
      { numRuns: 60 },
    );
  });

  it('who sealed is a value, a broken seal is thrown', async () => {
    const { manifest, signature } = sealBundle(smallFiles(), party.seal, sealedAt);
    const stranger = await makeParty('jiashan.330421', '嘉善县综合行政执法局');
    const strangers = [ownRoot(Certificate.parse(stranger.root.certificatePem))];
    expect(verifySeal(manifest, signature, strangers, 'signing-time').problem?.code).toBe('UNKNOWN_ISSUER');
    expect(verifySeal(manifest, signature, [anchor], new Date('2040-01-01')).problem?.code).toBe('EXPIRED');
    expect(verifySeal(manifest, signature, [anchor], 'signing-time', 'urn:other').problem?.code).toBe('WRONG_NAME');
    const byNode = sealBundle(smallFiles(), await issue(party.root, 'node', 'urn:x', '09'), sealedAt);
    expect(verifySeal(byNode.manifest, byNode.signature, [anchor], 'signing-time').problem?.code).toBe('WRONG_USE');
    expect(reasonFor(() => verifySeal(Buffer.from('other'), signature, [anchor], 'signing-time'))).toBe(
      'message-digest',
    );
  });

  it('the container holds exactly the manifest’s files', async () => {
    const files = smallFiles();
    const sealed = sealBundle(files, party.seal, sealedAt);
    const zip = await collect(writeZip(planBundle(sealed, files), nothing));
    expect(zip.subarray(30, 69).toString()).toBe('mimetypeapplication/vnd.etsi.asic-e+zip');
    expect(zip.length).toBe(planBundle(sealed, files.reverse()).length);
    const missing = () => planBundle(sealed, files.slice(1));
    expect(missing).toThrow('BUNDLE_FILE_MISSING');
    expect(() => planBundle(sealed, [...files.slice(1), { ...files[0]!, digest: digestOf(Buffer.from('x')) }])).toThrow(
      'BUNDLE_FILE_MISSING',
    );
    expect(() => planBundle(sealed, [...files.slice(1), files[1]!])).toThrow('BUNDLE_FILE_MISSING');
  });

  it.each([
    'other.json',
    'META-INF/x',
    'mimetype',
    'evidence',
    'evidence/a/b',
    'evidence/../transfer.json',
    'Evidence/a',
    'evidence/a:b',
    `evidence/${'名'.repeat(83)}`,
  ])('no file called %s can be sealed', (name) => {
    const file = { name, mediaType: 'text/plain', digest: digestOf(Buffer.alloc(0)), bytes: 0, crc32: crc32('') };
    expect(() => sealBundle([file], party.seal, sealedAt)).toThrow('BUNDLE_MALFORMED');
  });

  it('no files, too many, twice the same, or a bad media type cannot be sealed', () => {
    const file = (name: string, mediaType = 'text/plain') => bundleFile(name, mediaType, Buffer.from(name));
    const seal = (files: ReturnType<typeof file>[]) => reasonFor(() => sealBundle(files, party.seal, sealedAt));
    expect(seal([])).toBe('no-files');
    expect(seal(Array.from({ length: 2001 }, (_, i) => file(`evidence/${i}`)))).toBe('too-many-files');
    expect(seal(Array.from({ length: 2000 }, (_, i) => file(`evidence/${i}`)))).toBe('accepted');
    expect(seal([file('evidence/a'), file('evidence/a')])).toBe('name-twice');
    expect(seal([file('evidence/a'), file('evidence/A')])).toBe('name-twice');
    expect(seal([file('evidence/a', 'image/"x')])).toBe('form');
    expect(seal([file('evidence/a', 'Image/JPEG')])).toBe('media-type');
    expect(seal([file('evidence/a', '')])).toBe('form');
  });

  describe('foreign manifests', () => {
    let text: string;
    const parse = (changed: string) => reasonFor(() => parseManifest(Buffer.from(changed, 'latin1')));

    beforeAll(() => {
      text = sealBundle(smallFiles(), party.seal, sealedAt).manifest.toString('latin1');
    });

    it('only one spelling is read', () => {
      const lines = text.split('\n');
      expect(parse(text)).toBe('accepted');
      expect(parse(`\ufeff${text}`)).toBe('form');
      expect(parse(text.replaceAll('\n', '\r\n'))).toBe('form');
      expect(parse(`${text}\n`)).toBe('form');
      expect(parse(`${text}<!-- -->`)).toBe('form');
      expect(parse(text.replace('?>\n', '?>\n<!DOCTYPE x [<!ENTITY a "b">]>\n'))).toBe('form');
      expect(parse(text.replace('URI="custody.json"', 'URI="c&#117;stody.json"'))).toBe('form');
      expect(parse(text.replace('URI="custody.json"', 'URI="%63ustody.json"'))).toBe('form');
      expect(parse(text.replace('%E6', '%e6'))).toBe('form');
      expect(parse(text.replace('%E6', '%FF'))).toBe('form');
      expect(parse(text.replaceAll('asic:', 'a:'))).toBe('form');
      expect(parse(text.replace('xmlenc#sha256', 'xmldsig-more#md5'))).toBe('form');
      expect(parse([...lines.slice(0, 3), lines[4], lines[3], ...lines.slice(5)].join('\n'))).toBe('order');
      expect(parse([...lines.slice(0, 4), lines[3], ...lines.slice(4)].join('\n'))).toBe('name-twice');
      expect(parse([...lines.slice(0, 3), ...lines.slice(-2)].join('\n'))).toBe('no-files');
      expect(parse('x'.repeat(5 * 1024 * 1024))).toBe('too-large');
    });

    it('every flipped bit gives another manifest or a refusal', () => {
      const good = Buffer.from(text, 'latin1');
      for (let at = 0; at < good.length; at++) {
        const bad = Buffer.from(good);
        bad[at]! ^= 0x01;
        try {
          expect(JSON.stringify(parseManifest(bad))).not.toBe(JSON.stringify(parseManifest(good)));
        } catch (error) {
          expect((error as GatewayError).code).toBe('BUNDLE_MALFORMED');
        }
      }
    });
  });
});
