import {
  type CatalogueChange,
  type CatalogueRows,
  catalogueSchema,
  catalogueWords,
  type ItemActor,
  type ItemRelation,
  type ItemTerritory,
  type RowKind,
} from '@jieqiao/recognition';
import type { Type as Class } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Day, Form, Line, OneOf, Whole } from '../fields';

interface JsonSchema extends Record<string, unknown> {
  properties: Record<string, JsonSchema>;
  required: string[];
  items: JsonSchema;
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

/** A class for the document, with the members that the catalogue's own JSON Schema gives the rows of a kind. */
function rowBody<Kind extends RowKind>(kind: Kind, name: string): Class<CatalogueRows[Kind][number]> {
  const { properties, required } = (catalogueSchema as unknown as JsonSchema).properties[kind]!.items;
  const body = { [name]: class {} }[name]!;
  for (const [column, schema] of Object.entries(properties)) {
    ApiProperty({ ...flat(schema), required: required.includes(column) } as ApiPropertyOptions)(body.prototype, column);
  }
  return body as Class<CatalogueRows[Kind][number]>;
}

/** One schema with a type, as the document builder wants it: of several patterns the narrowest, null as `nullable`. */
function flat({ allOf = [], anyOf = [], ...schema }: JsonSchema): Record<string, unknown> {
  if (schema.enum !== undefined) return { ...schema, type: 'string' };
  if (schema.type === 'array') return { ...schema, items: flat(schema.items) };
  return { ...schema, ...Object.assign({}, ...allOf), ...(anyOf.length > 0 && { ...anyOf[0], nullable: true }) };
}

const ItemRowBody = rowBody('items', 'CatalogueItemRowBody');
const BasisRowBody = rowBody('bases', 'CatalogueBasisBody');
const FineRowBody = rowBody('fines', 'CatalogueFineBody');
const StepRowBody = rowBody('steps', 'CatalogueStepBody');
const PowerRowBody = rowBody('powers', 'CataloguePowerBody');
const EquivalenceRowBody = rowBody('equivalences', 'CatalogueEquivalenceRowBody');
const ReturnCodeRowBody = rowBody('returnCodes', 'CatalogueReturnCodeBody');
const DocumentTypeRowBody = rowBody('documentTypes', 'CatalogueDocumentTypeBody');

type Rows<Kind extends RowKind> = CatalogueRows[Kind];

export class EditionBody {
  @ApiProperty({ example: 'shanghai.310000' })
  id!: string;

  @ApiProperty()
  version!: number;

  @ApiProperty({ description: 'SHA-256 over the file.' })
  digest!: string;

  @ApiProperty()
  title!: string;

  @ApiProperty({ enum: ['shipped', 'own'], description: 'With the software, or taken in at this node.' })
  origin!: 'shipped' | 'own';

  @ApiProperty({ description: 'Whether it is the edition of its id that counts.' })
  inUse!: boolean;

  @ApiProperty({ format: 'date', description: 'First day for which it answers.' })
  from!: string;

  @ApiProperty({ type: String, format: 'date', nullable: true, description: 'First day for which it no longer does.' })
  to!: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'Rows by how they are known: verified, unverified, proposed, sample.',
  })
  statuses!: Record<string, number>;
}

export class EditionListBody {
  @ApiProperty({ type: EditionBody, isArray: true })
  items!: EditionBody[];
}

const dayQuery = { optional: true, about: 'Chinese day; today when absent.' } as const;
/** A name has at most a hundred characters, an item's at most three hundred; nobody types that much. */
const maxSearch = 60;
export const maxItems = 200;

export class DayQuery {
  @Day(dayQuery)
  day?: string;
}

export class ItemsQuery extends DayQuery {
  @Form('^[a-z][a-z0-9-]{0,63}$', 64, { about: 'Family of violations.' })
  family!: string;

  @Form('^[0-9]{1,12}$', 12, { about: 'Place of the act: GB/T 2260 code, or 9 or 12 digits.' })
  place!: string;

  @OneOf(Object.keys(catalogueWords.actor), { optional: true, about: 'What the party is; absent while unknown.' })
  actor?: ItemActor;

  @OneOf(Object.keys(catalogueWords.territory), { optional: true, about: 'What the place is; absent while unknown.' })
  territory?: ItemTerritory;

  @Line(maxSearch, { optional: true, about: 'Part of the name or the code.' })
  q?: string;

  @Whole(1, maxItems, { optional: true, from: 'query', about: '50 when absent.' })
  limit?: number;
}

export class PowersQuery extends DayQuery {
  @Line(100, { about: 'The authority’s name, as on its seal.' })
  authority!: string;
}

export class DiffQuery {
  @Whole(1, 1_000_000, { from: 'query' })
  from!: number;

  @Whole(1, 1_000_000, { from: 'query' })
  to!: number;
}

export class CatalogueItemBody {
  @ApiProperty({ type: ItemRowBody })
  item!: Rows<'items'>[number];

  @ApiProperty({ type: BasisRowBody, isArray: true })
  bases!: Rows<'bases'>;

  @ApiProperty({ type: FineRowBody, isArray: true })
  fines!: Rows<'fines'>;

  @ApiProperty({ type: StepRowBody, isArray: true })
  steps!: Rows<'steps'>;
}

export class CandidateItemBody extends CatalogueItemBody {
  @ApiProperty({ type: String, isArray: true, description: 'Candidates before which it gives way.' })
  yieldsTo!: string[];
}

export class CandidateListBody {
  @ApiProperty({ type: CandidateItemBody, isArray: true })
  items!: CandidateItemBody[];

  @ApiProperty({ description: 'Whether there are more than the limit.' })
  more!: boolean;
}

export class EquivalentBody {
  @ApiProperty()
  item!: string;

  @ApiProperty({ enum: Object.keys(catalogueWords.relation), description: 'What the item asked for is to this one.' })
  relation!: ItemRelation;

  @ApiProperty({ type: EquivalenceRowBody })
  row!: object;
}

export class CatalogueItemWithEquivalentsBody extends CatalogueItemBody {
  @ApiProperty({ type: EquivalentBody, isArray: true })
  equivalents!: EquivalentBody[];
}

export class PowerListBody {
  @ApiProperty({ type: PowerRowBody, isArray: true })
  items!: Rows<'powers'>;

  @ApiProperty({ description: 'False: no grant of this authority is recorded for any day, so nothing follows.' })
  registered!: boolean;
}

export class ReturnCodeListBody {
  @ApiProperty({ type: ReturnCodeRowBody, isArray: true })
  items!: Rows<'returnCodes'>;
}

export class DocumentTypeListBody {
  @ApiProperty({ type: DocumentTypeRowBody, isArray: true })
  items!: Rows<'documentTypes'>;
}

/** Whatever a cell holds: text, a number, a list of texts, or null for an open day. */
const cellValue = {
  oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'array', items: { type: 'string' } }, { type: 'null' }],
  required: false,
} as ApiPropertyOptions;
const row: ApiPropertyOptions = { type: 'object', additionalProperties: true, selfRequired: false };

class CatalogueColumnChangeBody {
  @ApiProperty()
  column!: string;

  @ApiProperty(cellValue)
  before?: unknown;

  @ApiProperty(cellValue)
  after?: unknown;
}

class CatalogueChangeBody {
  @ApiProperty({ type: String, description: 'A kind of row, `sources` or `catalogue`.' })
  kind!: CatalogueChange['kind'];

  @ApiProperty({ enum: ['added', 'removed', 'changed'] })
  change!: CatalogueChange['change'];

  @ApiProperty({ description: 'To the row in the later edition, of a removed one in the earlier (RFC 6901).' })
  pointer!: string;

  @ApiProperty(row)
  before?: object;

  @ApiProperty(row)
  after?: object;

  @ApiProperty({ type: CatalogueColumnChangeBody, isArray: true })
  columns!: CatalogueColumnChangeBody[];
}

export class CatalogueDiffBody {
  @ApiProperty({ type: CatalogueChangeBody, isArray: true })
  changes!: CatalogueChangeBody[];

  @ApiProperty({ description: 'Whether there are more than the first 1,000.' })
  more!: boolean;
}
