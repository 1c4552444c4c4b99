import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { AgreementTerms } from './agreement-terms';
import { followsTermsSchema } from './agreement-terms';
import { findTransferFaults, type TransferData, type TransferEvidence } from './transfer-data';

const folder = path.join(__dirname, '../../../test/samples');

interface Sample {
  agreement: string;
  transfer?: TransferData;
  others?: Record<string, { transfer: TransferData; files: Record<string, string> }>;
  found?: { evidence?: TransferEvidence[]; files?: Record<string, string> };
  evidence?: TransferEvidence[];
  files: Record<string, string>;
}

const read = <T>(file: string): T => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as T;
const samples = ['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10'];
const transfersOf = ({ transfer, others }: Sample): TransferData[] => [
  ...(transfer ? [transfer] : []),
  ...Object.values(others ?? {}).map((other) => other.transfer),
];

describe.each(samples)('sample %s', (name) => {
  const sample = read<Sample>(`${name}.json`);

  it('has transfers that could travel, within what its agreement covers', () => {
    const terms = read<AgreementTerms>(sample.agreement);
    expect(followsTermsSchema(terms)).toBe(true);
    for (const transfer of transfersOf(sample)) {
      expect(findTransferFaults(transfer)).toEqual([]);
      const direction = terms.directions.find(({ from, to }) => from === transfer.from.node && to === transfer.to.node);
      expect(direction?.families).toContain(transfer.family);
      expect(direction?.transferKinds).toContain(transfer.kind);
    }
  });

  it('has every file that it names, with these bytes', () => {
    const lists = [
      [sample.evidence ?? [], sample.files],
      ...transfersOf(sample).map((transfer) => {
        const other = Object.values(sample.others ?? {}).find((each) => each.transfer === transfer);
        return [[...transfer.evidence, ...(transfer.documents ?? [])], other?.files ?? sample.files] as const;
      }),
      [sample.found?.evidence ?? [], sample.found?.files ?? {}],
    ] as const;
    for (const [items, files] of lists) {
      for (const { id, bytes, digest } of items) {
        const content = readFileSync(path.join(folder, files[id]!));
        const facts = { bytes: content.length, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` };
        expect({ id, ...facts }).toEqual({ id, bytes, digest });
      }
    }
  });

  it('has no file that nobody names', () => {
    if (!existsSync(path.join(folder, name))) return;
    const named = [
      ...Object.values(sample.files),
      ...Object.values(sample.others ?? {}).flatMap(({ files }) => Object.values(files)),
      ...Object.values(sample.found?.files ?? {}),
    ];
    const there = readdirSync(path.join(folder, name)).map((file) => `${name}/${file}`);
    expect(there.sort()).toEqual(named.sort());
  });
});
