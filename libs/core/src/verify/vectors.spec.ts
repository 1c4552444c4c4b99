import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAgreement, verifyFiles } from '@jieqiao/core';
import { type BundleVector, writeBundleVectors } from '../../../../test/support/bundle-vectors';
import { sourceOf, verifiedAt } from '../../../../test/support/sealed-exchange';

const folder = join(__dirname, '../../../../test/vectors/bundle/v1');

/** `JIEQIAO_NEW_VECTORS=folder` writes a set for a new version of the format; the old sets stay. */
const newFolder = process.env.JIEQIAO_NEW_VECTORS;

describe('bundle vectors v1', () => {
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  const vectors = JSON.parse(read('vectors.json').toString()) as BundleVector[];
  const trust = { agreements: [parseAgreement(read('agreement.json'))], crls: [] };

  it.each(vectors.map((vector) => [vector.file, vector] as const))('%s', async (file, vector) => {
    const [report] = await verifyFiles([{ file, source: sourceOf(read(file)) }], trust, verifiedAt);
    const failing = report!.checks.filter(({ result }) => result === 'fail').map(({ id }) => id);
    expect([report!.kind, report!.verdict]).toEqual(['bundle', vector.verdict]);
    expect(new Set(failing)).toEqual(new Set(vector.failing));
  });

  if (newFolder) it('writes new vectors', () => writeBundleVectors(newFolder));
});
