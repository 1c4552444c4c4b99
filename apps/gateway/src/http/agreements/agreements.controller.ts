import { type Agreement, GatewayError } from '@jieqiao/core';
import { AgreementBook } from '@jieqiao/delivery';
import { Body, Controller, Get, HttpCode, Param, ParseIntPipe, Post, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Permit } from '../auth.guard';
import { contentDisposition } from '../headers';
import { Answers, NeedsSession } from '../openapi';

/** An agreement file as it is: what was signed is its bytes, and JSON read and written again may be others. */
export const agreementMediaType = 'application/vnd.jieqiao.agreement+json';

export class AgreementPartyBody {
  @ApiProperty()
  node!: string;

  @ApiProperty()
  authority!: string;

  @ApiProperty()
  region!: string;
}

export class AgreementBody {
  @ApiProperty()
  id!: string;

  @ApiProperty()
  version!: number;

  @ApiProperty()
  digest!: string;

  @ApiProperty()
  title!: string;

  @ApiProperty({ format: 'date-time' })
  from!: string;

  @ApiProperty({ format: 'date-time' })
  to!: string;

  @ApiProperty({ type: AgreementPartyBody, isArray: true })
  parties!: AgreementPartyBody[];
}

export class AgreementListBody {
  @ApiProperty({ type: AgreementBody, isArray: true })
  items!: AgreementBody[];
}

@ApiTags('agreements')
@NeedsSession()
@Controller('api/v1/agreements')
@Permit('agreement.read')
export class AgreementsController {
  constructor(private readonly agreements: AgreementBook) {}

  @Get()
  @ApiOperation({ summary: 'The agreements that this node has signed, all versions', operationId: 'listAgreements' })
  @Answers({ 200: AgreementListBody })
  list(): AgreementListBody {
    return { items: this.agreements.all().map(encode) };
  }

  @Post()
  @Permit('agreement.import')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Take in an agreement that all parties have signed; the same one again changes nothing',
    operationId: 'importAgreement',
  })
  @ApiConsumes(agreementMediaType)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @Answers(
    { 200: AgreementBody },
    'UNSUPPORTED_MEDIA_TYPE',
    'BODY_TOO_LARGE',
    'AGREEMENT_MALFORMED',
    'AGREEMENT_SIGNATURE_INVALID',
    'AGREEMENT_FORKED',
    'AGREEMENT_ROLLED_BACK',
    'AGREEMENT_VERSION_GAP',
  )
  async import(@Body() file: unknown): Promise<AgreementBody> {
    if (!Buffer.isBuffer(file)) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', { expected: agreementMediaType });
    return encode(await this.agreements.import(file));
  }

  @Get(':agreementId/:version')
  @ApiOperation({ summary: 'The signed file itself: the offline verifier’s trust', operationId: 'getAgreement' })
  @Answers({ 200: { mediaType: 'application/json' } }, 'NOT_FOUND')
  file(
    @Param('agreementId') id: string,
    @Param('version', new ParseIntPipe({ exceptionFactory: () => new GatewayError('NOT_FOUND', {}) })) version: number,
    @Res() reply: FastifyReply,
  ): void {
    const agreement = this.agreements.all().find(({ ref }) => ref.id === id && ref.version === version);
    if (agreement === undefined) throw new GatewayError('NOT_FOUND', {});
    reply
      .type('application/json; charset=utf-8')
      .header('content-disposition', contentDisposition(`${id}-${version}.json`))
      .header('etag', `"${agreement.ref.digest}"`)
      .send(agreement.bytes);
  }
}

function encode({ ref, content }: Agreement): AgreementBody {
  const { from, to } = content.effective;
  const parties = content.parties.map(({ node, authority, region }) => ({ node, authority, region }));
  return { ...ref, title: content.title, from, to, parties };
}
