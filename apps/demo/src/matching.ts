/**
 * What of `expected` does not stand in `actual`: of objects these members, of a list of objects one entry for each, of a
 * list of other values all of it.
 * @returns one line per difference, such as `life.flags.urgent: false instead of true`
 */
export function mismatches(expected: unknown, actual: unknown, path = ''): string[] {
  if (Array.isArray(expected) && expected.some(isObject)) {
    const entries = Array.isArray(actual) ? actual : [];
    return expected.flatMap((entry, i) =>
      entries.some((candidate) => mismatches(entry, candidate).length === 0)
        ? []
        : [`${path}[${i}]: nothing like ${shown(entry)}`],
    );
  }
  if (isObject(expected)) {
    if (!isObject(actual)) return [`${path}: ${shown(actual)} instead of ${shown(expected)}`];
    return Object.entries(expected).flatMap(([name, value]) =>
      mismatches(value, actual[name], path === '' ? name : `${path}.${name}`),
    );
  }
  return shown(expected) === shown(actual) ? [] : [`${path}: ${shown(actual)} instead of ${shown(expected)}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 120);
