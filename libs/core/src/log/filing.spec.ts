import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../encoding';
import { GatewayError } from '../errors';
import { commitmentTo, filingLimits, parseFilingStatement, verifyFilingProof } from './filing';

interface Case {
  what: string;
  statement: string;
  proof: string;
  code: string;
  reason?: string;
}

const file = join(__dirname, '../../../../test/vectors/same-act/v1/filing.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
  vkey: string;
  elements: { element: string; salt: string; commitment: string }[];
  good: { statement: string; proof: string; attestedAt: string; digest: string };
  bad: Case[];
};
const { vkey, good } = vectors;

function errorOf(work: () => unknown): GatewayError | null {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  return null;
}

describe('the proof of a filing', () => {
  it('gives the attested time and the statement', () => {
    const attested = verifyFilingProof(good.proof, Buffer.from(good.statement), vkey);
    expect(attested).toMatchObject({ attestedAt: good.attestedAt, digest: good.digest, index: 0 });
    expect(canonicalJson(attested.statement).toString()).toBe(good.statement);
  });

  it.each(vectors.bad)('is none with $what', ({ statement, proof, code, reason }) => {
    const error = errorOf(() => verifyFilingProof(proof, Buffer.from(statement), vkey));
    expect(error).toMatchObject({ code, ...(reason ? { params: { reason } } : {}) });
  });

  it('is none under another log’s key', () => {
    const other = vkey.replace('jinshan.310116', 'pinghu.330482');
    expect(errorOf(() => verifyFilingProof(good.proof, Buffer.from(good.statement), other))?.code).toMatch(/^LOG_/);
  });
});

describe('a filing’s statement', () => {
  const { acts } = JSON.parse(good.statement) as { acts: string[] };

  it('commits to each element of the act, each with a salt of its own', () => {
    for (const { element, salt, commitment } of vectors.elements) {
      expect(commitmentTo(element, Buffer.from(salt, 'base64url'))).toBe(commitment);
      expect(acts).toContain(commitment);
    }
    expect(acts).toHaveLength(vectors.elements.length);
  });

  it.each([
    [
      'too many elements',
      { acts: Array.from({ length: filingLimits.acts + 1 }, (_, i) => String(i).padStart(43, 'A')) },
    ],
    ['an element twice', { acts: [acts[0], acts[0]] }],
    ['a control character in the number', { number: '第\u202e12号' }],
    ['a node that is none', { node: 'jinshan' }],
    ['a name', { party: '当事人甲' }],
  ])('is refused with %s', (_, over) => {
    const bytes = canonicalJson({ ...JSON.parse(good.statement), ...over });
    expect(errorOf(() => parseFilingStatement(bytes))).toMatchObject({ code: 'LOG_MALFORMED' });
  });
});
