import { findRegions } from '@jieqiao/recognition';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Permit } from '../auth.guard';
import { type Reference, reference } from '../catalogues/reference';
import { Day, Form, Line, Whole } from '../fields';
import { Answers, NeedsSession } from '../openapi';

const defaultRegions = 50;

class RegionsQuery {
  @Line(60, { optional: true, about: 'Part of a name, or the first digits of a code.' })
  q?: string;

  @Form('^[1-9][0-9]{5}(?:[0-9]{3}){0,2}$', 12, {
    optional: true,
    about: 'Its direct children, with `q` whatever lies within. Without both, the provinces.',
  })
  parent?: string;

  @Day({ optional: true, about: 'Chinese day; as last listed when absent.' })
  day?: string;

  @Whole(1, 200, { optional: true, from: 'query', about: '50 when absent.' })
  limit?: number;
}

class RegionNameBody {
  @ApiProperty()
  code!: string;

  @ApiProperty()
  name!: string;
}

class RegionBody extends RegionNameBody {
  @ApiProperty({ enum: ['province', 'prefecture', 'county', 'town'] })
  level!: string;

  @ApiProperty({ type: RegionNameBody, isArray: true, description: 'The largest first.' })
  parents!: RegionNameBody[];

  @ApiProperty({ type: String, format: 'date', nullable: true, description: 'The last list without it.' })
  after!: string | null;

  @ApiProperty({ type: String, format: 'date', nullable: true, description: 'The first list without it again.' })
  before!: string | null;
}

class RegionListBody {
  @ApiProperty({ type: RegionBody, isArray: true })
  items!: RegionBody[];

  @ApiProperty({ description: 'Whether there are more than the limit.' })
  more!: boolean;

  @ApiProperty({ format: 'date', description: 'Day of the newest list.' })
  listedOn!: string;
}

@ApiTags('catalogues')
@NeedsSession()
@Controller('api/v1/regions')
@Permit('catalogue.read')
export class RegionsController {
  constructor(@Inject(reference) private readonly about: Reference) {}

  @Get()
  @ApiOperation({ summary: 'Divisions by name, code or what they lie in', operationId: 'listRegions' })
  @Answers({ 200: RegionListBody }, 'VALIDATION_FAILED')
  list(@Query() { limit = defaultRegions, ...question }: RegionsQuery): RegionListBody {
    const regions = this.about.regions();
    const found = findRegions(regions, { ...question, limit: limit + 1 });
    return { items: found.slice(0, limit), more: found.length > limit, listedOn: regions.listedOn };
  }
}
