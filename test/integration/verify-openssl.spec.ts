import { execFile } from 'node:child_process';
import { chmod, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import {
  bundleFile,
  Certificate,
  ownRoot,
  planBundle,
  planZip,
  readZip,
  sealBundle,
  sealUrn,
  verifySeal,
  writeZip,
} from '@jieqiao/core';
import { fromBuffer } from 'yauzl';
import {
  collect,
  type Exchange,
  issueRsaSeal,
  makeExchange,
  nothing,
  sealedAt,
  sourceOf,
} from '../support/sealed-exchange';

const run = promisify(execFile);
const repository = join(__dirname, '../..');

/** Exit code and what was printed; tools of others are the judges here. */
async function judge(command: string, args: string[]): Promise<{ code: number; text: string }> {
  try {
    const { stdout, stderr } = await run(command, args, {
      env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' },
    });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : -1, text: stdout + stderr };
  }
}

describe('bundles before other people’s tools', () => {
  let directory: string;
  let exchange: Exchange;
  const path = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'judges-'));
    exchange = await makeExchange();
    await writeFile(path('bundle.asice'), exchange.bundle);
    await writeFile(path('manifest.xml'), exchange.sealed.manifest);
    await writeFile(path('signature.p7s'), exchange.sealed.signature);
    await writeFile(path('root.pem'), exchange.sender.root.certificatePem);
    await writeFile(path('other.pem'), exchange.recipient.root.certificatePem);
  });

  afterAll(() => rm(directory, { recursive: true }));

  const cms = (manifest: string, signature: string, root: string) =>
    judge('openssl', [
      ...['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-purpose', 'any', '-out', '/dev/null'],
      ...['-in', path(signature), '-content', path(manifest), '-CAfile', path(root)],
      ...['-attime', String(sealedAt.getTime() / 1000)],
    ]);

  it('openssl cms -verify -cades accepts the seal, under the right root only', async () => {
    expect(await cms('manifest.xml', 'signature.p7s', 'root.pem')).toMatchObject({ code: 0 });
    expect((await cms('manifest.xml', 'signature.p7s', 'other.pem')).code).not.toBe(0);
    await writeFile(path('changed.xml'), Buffer.concat([exchange.sealed.manifest, Buffer.from(' ')]));
    expect((await cms('changed.xml', 'signature.p7s', 'root.pem')).code).not.toBe(0);
  });

  it('openssl accepts a seal with an RSA key', async () => {
    const signer = await issueRsaSeal(exchange.sender.root, sealUrn(exchange.sender.node), '0a');
    const sealed = sealBundle(exchange.files, signer, sealedAt);
    await writeFile(path('rsa.xml'), sealed.manifest);
    await writeFile(path('rsa.p7s'), sealed.signature);
    expect(await cms('rsa.xml', 'rsa.p7s', 'root.pem')).toMatchObject({ code: 0 });
    const anchors = [ownRoot(Certificate.parse(exchange.sender.root.certificatePem))];
    expect(verifySeal(sealed.manifest, sealed.signature, anchors, 'signing-time').problem).toBeNull();
  });

  it('openssl reads the four signed attributes and no more', async () => {
    const { text } = await judge('openssl', [
      'cms',
      '-cmsout',
      '-print',
      '-inform',
      'DER',
      '-in',
      path('signature.p7s'),
    ]);
    const attributes = text.slice(
      text.indexOf('signedAttrs'),
      text.indexOf('signatureAlgorithm:', text.indexOf('signedAttrs')),
    );
    expect(attributes.match(/object: \S+/g)?.sort()).toEqual([
      'object: contentType',
      'object: id-smime-aa-signingCertificateV2',
      'object: messageDigest',
      'object: signingTime',
    ]);
    expect(text).toMatch(/unsignedAttrs:\s+<ABSENT>/);
  });

  it('unzip and python find nothing wrong with the container', async () => {
    expect(await judge('unzip', ['-t', path('bundle.asice')])).toMatchObject({ code: 0 });
    const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    assert z.infolist()[0].filename == 'mimetype'
    assert z.read('documents/案件线索移送函.pdf') == b'%PDF-1.7 sample'
    assert all(i.compress_type == 0 and not i.extra for i in z.infolist())
print('fine')`;
    expect(await judge('python3', ['-c', script, path('bundle.asice')])).toEqual({ code: 0, text: 'fine\n' });
  });

  it('yauzl reads the same names', async () => {
    const names = await new Promise<string[]>((resolve, reject) => {
      fromBuffer(exchange.bundle, { lazyEntries: true, strictFileNames: true }, (error, zip) => {
        if (error) return reject(error);
        const found: string[] = [];
        zip.on('entry', (entry) => {
          found.push(entry.fileName);
          zip.readEntry();
        });
        zip.on('end', () => resolve(found));
        zip.on('error', reject);
        zip.readEntry();
      });
    });
    expect(names).toEqual((await readZip(sourceOf(exchange.bundle))).map(({ name }) => name));
  });

  it('python reads behind 4 GiB', async () => {
    // A file with a hole: the body of 4.5 GiB takes no room and is not read.
    const large = 4.5 * 2 ** 30;
    const content = Buffer.from('behind the large one');
    const plan = planZip([
      { name: 'large', bytes: large, crc32: 0 },
      { name: 'small', bytes: content.length, crc32: crc32(content), content },
    ]);
    const file = await open(path('large.zip'), 'w');
    for (const segment of plan.segments) {
      if ('content' in segment) await file.write(segment.content, 0, segment.bytes, segment.offset);
    }
    await file.close();
    expect((await stat(path('large.zip'))).size).toBe(plan.length);
    const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    print(z.getinfo('large').file_size, z.read('small').decode())`;
    const { text } = await judge('python3', ['-c', script, path('large.zip')]);
    expect(text).toBe(`${large} behind the large one\n`);
    expect((await judge('unzip', ['-l', path('large.zip')])).text).toContain(`${large}`);
  });

  it('the verifier is one file that runs anywhere and agrees', async () => {
    await run('node', [join(repository, 'apps/verifier/build.mjs')]);
    const verifier = path('jieqiao-verify');
    await run('cp', [join(repository, 'apps/verifier/dist/jieqiao-verify.js'), verifier]);
    await chmod(verifier, 0o755);
    // It is handed around as one file: what it is made of must not grow unseen.
    expect((await stat(verifier)).size).toBeLessThan(600_000);
    await writeFile(path('agreement.json'), exchange.agreement.bytes);
    await writeFile(path('envelope.jws'), exchange.envelope);
    await writeFile(path('receipt.tlog-proof'), exchange.receipt);
    const files = ['bundle.asice', 'envelope.jws', 'receipt.tlog-proof'].map(path);
    const good = await judge(verifier, [...files, '--trust', path('agreement.json'), '--lang', 'en']);
    // The sample was sealed in 2022 and its certificate lasts until 2032.
    expect(good).toMatchObject({ code: 0, text: expect.stringMatching(/^Verdict: VALID/) });
    const untrusted = await judge(verifier, files);
    expect(untrusted.code).toBe(2);
    const bad = Buffer.from(exchange.bundle);
    bad[bad.length - 1]! ^= 1;
    await writeFile(path('bad.asice'), bad);
    expect((await judge(verifier, [path('bad.asice'), '--trust', path('agreement.json')])).code).toBe(1);
  });

  it('a seal over 2,000 files is accepted as well', async () => {
    const files = Array.from({ length: 2_000 }, (_, i) =>
      bundleFile(`evidence/现场照片-${i}.jpg`, 'image/jpeg', Buffer.from(`photo ${i}`)),
    );
    const sealed = sealBundle(files, exchange.sender.seal, sealedAt);
    await writeFile(path('many.xml'), sealed.manifest);
    await writeFile(path('many.p7s'), sealed.signature);
    await writeFile(path('many.asice'), await collect(writeZip(planBundle(sealed, files), nothing)));
    expect(await cms('many.xml', 'many.p7s', 'root.pem')).toMatchObject({ code: 0 });
    expect(await judge('unzip', ['-tq', path('many.asice')])).toMatchObject({ code: 0 });
  });
});
