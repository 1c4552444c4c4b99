import { type NumberedType, type NumberView, numberedTypes } from '@jieqiao/exchange';
import { ApiProperty } from '@nestjs/swagger';
import { OneOf, PageQuery, Text, Whole } from '../fields';

const time = { format: 'date-time' } as const;
const wholeOrNull = { type: 'integer', nullable: true } as const;

export class IssueNumberDto {
  @OneOf(numberedTypes, { about: 'The document’s type, by its code in the catalogue.' })
  type!: NumberedType;

  @Whole(1, 9999, { optional: true, about: 'Where the type’s pattern has squads.' })
  squad?: number;
}

export class VoidNumberDto {
  @Text(1000, { about: 'Why. Stays with the number.' })
  reason!: string;
}

export class ListNumbersQuery extends PageQuery {
  @OneOf(numberedTypes, { optional: true })
  type?: NumberedType;

  @Whole(1949, 2999, { optional: true, from: 'query' })
  year?: number;
}

export class VoidedBody {
  @ApiProperty(time)
  at!: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The person.' })
  by!: string | null;

  @ApiProperty()
  reason!: string;
}

export class NumberBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: numberedTypes, enumName: 'NumberedType' })
  type!: NumberedType;

  @ApiProperty({ type: 'integer' })
  year!: number;

  @ApiProperty(wholeOrNull)
  squad!: number | null;

  @ApiProperty({ ...wholeOrNull, description: 'Null: given by hand, and not in the form of the pattern.' })
  sequence!: number | null;

  @ApiProperty({ example: '平综执线移〔2022〕第12号' })
  number!: string;

  @ApiProperty({ enum: ['issued', 'voided'] })
  state!: NumberView['state'];

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  transfer!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Digest of the document that bears it.' })
  document!: NumberView['document'];

  @ApiProperty(time)
  issuedAt!: string;

  @ApiProperty({ type: VoidedBody, nullable: true })
  voided!: VoidedBody | null;
}

export class NumberListBody {
  @ApiProperty({ type: NumberBody, isArray: true })
  items!: readonly NumberBody[];
}
