import { type CloseReason, closeReasons } from '@jieqiao/exchange';
import { ApiProperty } from '@nestjs/swagger';
import { Form, Id, Instant, Line, Nested, NestedList, OneOf, PageQuery } from '../fields';
import { PartyDto, PlaceDto } from '../transfers/case-data.dto';

const optional = { optional: true };

export class FiledActDto {
  @Instant()
  from!: string;

  @Instant({ optional: true, about: 'Absent while the act still goes on.' })
  to?: string;

  @Nested(() => PlaceDto)
  place!: PlaceDto;
}

export class RegisterFilingDto {
  @Line(80, { about: '立案文号' })
  number!: string;

  @Line(100, { about: 'In whose name the case was filed.' })
  authority!: string;

  @Form('^[a-z][a-z0-9-]{0,63}$', 64, { about: 'Violation family of the agreement.' })
  family!: string;

  @Form('^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', 64, optional)
  item?: string;

  @Nested(() => FiledActDto)
  act!: FiledActDto;

  @Instant({ optional: true, about: 'Until when an act without end is known.' })
  discoveredAt?: string;

  @NestedList(() => PartyDto, 100, { minItems: 1, about: 'Kept only as what acts are compared by.' })
  parties!: PartyDto[];

  @Id({ optional: true, about: 'The transfer from which the case came, or in which it is handed over.' })
  transfer?: string;
}

export class CloseFilingDto {
  @OneOf(closeReasons, { about: '`decided` goes on standing in the way of a second one; the others do not.' })
  reason!: CloseReason;
}

export class ListFilingsQuery extends PageQuery {
  @Id(optional)
  transfer?: string;

  @OneOf(['true', 'false'], optional)
  open?: 'true' | 'false';
}

class FiledPlaceBody {
  @ApiProperty()
  code!: string;

  @ApiProperty()
  longitude!: number;

  @ApiProperty()
  latitude!: number;
}

class FiledActBody {
  @ApiProperty({ format: 'date-time' })
  from!: string;

  @ApiProperty({ format: 'date-time' })
  to!: string;

  @ApiProperty()
  place!: FiledPlaceBody;
}

class AttestationBody {
  @ApiProperty({ format: 'date-time', description: 'When the log took the filing in: the attested time of filing.' })
  at!: string;

  @ApiProperty({ description: 'Digest of the tlog-proof.' })
  proof!: string;

  @ApiProperty({ description: 'Digest of the statement that was attested.' })
  statement!: string;
}

class ClosedBody {
  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ enum: closeReasons })
  reason!: CloseReason;
}

export class FilingBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  number!: string;

  @ApiProperty()
  authority!: string;

  @ApiProperty()
  family!: string;

  @ApiProperty({ type: String, nullable: true })
  item!: string | null;

  @ApiProperty()
  act!: FiledActBody;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  transfer!: string | null;

  @ApiProperty({ description: 'False when no party is known well enough: no other side can find it then.' })
  comparable!: boolean;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: AttestationBody, nullable: true, description: 'Null until the log has integrated it.' })
  attestation!: AttestationBody | null;

  @ApiProperty({ type: ClosedBody, nullable: true })
  closed!: ClosedBody | null;
}

export class FilingListBody {
  @ApiProperty({ type: FilingBody, isArray: true })
  items!: readonly FilingBody[];
}

export class FilingProofBody {
  @ApiProperty({ description: 'Canonical JSON, as attested.' })
  statement!: string;

  @ApiProperty({ description: 'C2SP tlog-proof; verifies alone, under the log key in the agreement.' })
  proof!: string;
}
