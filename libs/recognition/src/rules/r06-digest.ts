import type { Finding, Rule, RuleInput } from './rule';

/**
 * R06, 电子签名法 §5: what `transfer.json` says of each file is what the seal covers. Whether the bytes have that digest
 * is the bundle reader's check; here the two lists must name the same items with the same digests.
 */
export const r06: Rule = {
  id: 'R06',
  basis: [{ law: '电子签名法', article: '5' }],
  appliesTo: 'every',
  check({ transfer, manifest }: RuleInput) {
    if (manifest === null) return { examined: 0, findings: [] };
    const findings: Finding[] = [];
    const known = new Set<string>();
    for (const item of transfer.evidence) {
      known.add(item.id);
      const cause = fault(manifest, item.id, item.digest);
      if (cause === null) continue;
      findings.push({ result: 'block', remedy: 'replace-file', facts: { cause }, evidence: item.id, cap: 'REFUSED' });
    }
    for (const document of transfer.documents ?? []) {
      known.add(document.id);
      const cause = fault(manifest, document.id, document.digest);
      if (cause !== null) {
        findings.push({ result: 'block', remedy: 'replace-file', facts: { cause, document: document.id } });
      }
    }
    const unlisted = Object.keys(manifest).filter((id) => !known.has(id)).length;
    if (unlisted > 0)
      findings.push({ result: 'block', remedy: 'replace-file', facts: { cause: 'unlisted', unlisted } });
    return { examined: known.size, findings };
  },
};

function fault(manifest: Readonly<Record<string, string>>, id: string, digest: string): string | null {
  // Own properties only: an id such as "constructor" must not be found on the prototype.
  if (!Object.hasOwn(manifest, id)) return 'not-in-manifest';
  return manifest[id] === digest ? null : 'digest-differs';
}
