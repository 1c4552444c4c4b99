import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transferSchema } from '@jieqiao/recognition';
import { openApiFile } from '../../apps/gateway/src/http/openapi-file';

type Schema = Record<string, unknown> & { properties?: Record<string, Schema>; items?: Schema; $ref?: string };
type Operation = { operationId?: string; security?: unknown[]; responses: Record<string, unknown> };

const committed = join(__dirname, '../../docs/api/openapi.json');
let text: string;
let schemas: Record<string, Schema>;
let operations: [string, Operation][];
beforeAll(async () => {
  text = await openApiFile();
  if (process.env.JIEQIAO_TEST_GENERATE) writeFileSync(committed, text);
  const document = JSON.parse(text);
  schemas = document.components.schemas;
  operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
}, 30_000);

it('docs/api/openapi.json is what the controllers say (npm run generate)', () => {
  expect(readFileSync(committed, 'utf8')).toBe(text);
});

it('is OpenAPI 3.1; every operation has an id of its own, and a session unless it is public', () => {
  expect(JSON.parse(text).openapi).toBe('3.1.0');
  const ids = operations.map(([, { operationId }]) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const open = operations.filter(([, { security }]) => security === undefined).map(([name]) => name);
  expect(open.sort()).toEqual(['post /api/v1/session', 'post /api/v1/session/refresh', 'post /tsa']);
  for (const [, { responses }] of operations) expect(responses).toHaveProperty('default');
});

describe('the form’s bounds are those of transfer.json', () => {
  const bounds = ['maxLength', 'minLength', 'pattern', 'minimum', 'maximum', 'enum', 'maxItems'] as const;
  const resolve = (schema: Schema): Schema => {
    const ref = schema.$ref ?? (schema.allOf as Schema[] | undefined)?.[0]?.$ref;
    return ref === undefined ? schema : schemas[ref.split('/').at(-1)!]!;
  };

  /** Differences of a DTO's schema to the JSON Schema, as lines; formats have patterns of their own in the DTO. */
  function differences(dto: Schema, data: Schema, path: string): string[] {
    const own = resolve(dto);
    if (data.properties !== undefined) {
      return Object.entries(own.properties ?? {}).flatMap(([name, field]) => {
        const of = data.properties![name];
        return of === undefined ? [`${path}/${name}: not in transfer.json`] : differences(field, of, `${path}/${name}`);
      });
    }
    const items = data.items === undefined ? [] : differences(own.items ?? {}, data.items, `${path}/*`);
    const wrong = bounds.flatMap((bound) => {
      const expected = bound === 'enum' && data.const !== undefined ? [data.const] : data[bound];
      if (expected === undefined || (bound === 'maxItems' && own.items?.enum !== undefined)) return [];
      return JSON.stringify(own[bound]) === JSON.stringify(expected)
        ? []
        : [`${path} ${bound}: ${JSON.stringify(own[bound])}, not ${JSON.stringify(expected)}`];
    });
    // A form pattern alone bounds the length; one length more does no harm.
    return [...wrong, ...items];
  }

  const transfer = transferSchema as unknown as Schema;
  const { unit } = transfer.properties!.from!.properties!;
  const evidence = transfer.properties!.evidence!.items!;

  it('for case data', () => {
    // The reporter is asked for in the same form as anybody, and stays at home.
    const reporter = evidence.properties!.personal!;
    const data = { ...transfer, properties: { ...transfer.properties, unit: unit!, reporter } };
    expect(differences(schemas.CaseDataDto!, data, '')).toEqual([]);
  });

  it('for evidence', () => {
    expect(differences(schemas.EvidenceDataDto!, evidence, '')).toEqual([]);
    const { fileName, mediaType, bytes, digest } = schemas.AddEvidenceDto!.properties!;
    expect(
      differences({ properties: { fileName, mediaType, bytes, digest } as Record<string, Schema> }, evidence, ''),
    ).toEqual([]);
  });

  it('and no field of either is forgotten', () => {
    const given = new Set([
      ...[
        'schema',
        'id',
        'dossier',
        'kind',
        'number',
        'from',
        'to',
        'evidence',
        'documents',
        'attestation',
        'redacted',
      ],
    ]);
    const fields = Object.keys(transfer.properties!).filter((name) => !given.has(name));
    expect(Object.keys(schemas.CaseDataDto!.properties!).sort()).toEqual([...fields, 'unit', 'reporter'].sort());
    const computed = new Set(['id', 'seq', 'fileName', 'mediaType', 'bytes', 'digest', 'firstHashAt']);
    const items = Object.keys(evidence.properties!).filter((name) => !computed.has(name));
    expect(Object.keys(schemas.EvidenceDataDto!.properties!).sort()).toEqual(items.sort());
  });
});
