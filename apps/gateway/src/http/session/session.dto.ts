import { roles } from '@jieqiao/access';
import { ApiProperty } from '@nestjs/swagger';
import { Form, Line, Secret } from '../fields';

export class SignInDto {
  @Form('^[A-Za-z0-9._-]{1,64}$', 64, { example: 'handler' })
  login!: string;

  @Secret(200)
  password!: string;
}

export class RefreshDto {
  @Line(100, { about: 'The refresh token of the last answer; each is good once.' })
  refreshToken!: string;
}

export class PersonBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  login!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ enum: Object.keys(roles), isArray: true })
  roles!: readonly string[];

  @ApiProperty({ type: String, nullable: true })
  certNo!: string | null;

  @ApiProperty({ type: String, nullable: true })
  unit!: string | null;

  @ApiProperty({ type: String, format: 'date', nullable: true, description: 'As a legal reviewer, 行政处罚法 §58.' })
  qualifiedSince!: string | null;
}

export class SignedInBody {
  @ApiProperty()
  accessToken!: string;

  @ApiProperty({ enum: ['Bearer'] })
  tokenType!: 'Bearer';

  @ApiProperty({ format: 'date-time' })
  accessExpiresAt!: string;

  @ApiProperty()
  refreshToken!: string;

  @ApiProperty({ format: 'date-time' })
  refreshExpiresAt!: string;

  @ApiProperty()
  person!: PersonBody;
}

export class MeBody extends PersonBody {
  @ApiProperty({ isArray: true, type: String, description: 'What these roles may do, for pages to show or hide.' })
  permissions!: string[];

  @ApiProperty({ description: 'Id of this node.' })
  node!: string;
}
