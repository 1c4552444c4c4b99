import type { Person } from '@jieqiao/access';
import { type FilingInput, Filings } from '@jieqiao/exchange';
import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentPerson, Permit } from '../auth.guard';
import { decodeCursor, encodeCursor, IdPipe, nextPage } from '../headers';
import { Answers, NeedsSession } from '../openapi';
import {
  CloseFilingDto,
  FilingBody,
  FilingListBody,
  FilingProofBody,
  ListFilingsQuery,
  RegisterFilingDto,
} from './filing.dto';

const defaultPage = 50;

@ApiTags('filings')
@NeedsSession()
@Controller('api/v1/filings')
export class FilingsController {
  constructor(private readonly filings: Filings) {}

  @Post()
  @Permit('filing.create')
  @ApiOperation({ summary: 'Enter a case that was filed; the log attests the time', operationId: 'registerFiling' })
  @Answers({ 201: FilingBody }, 'NOT_FOUND')
  async register(
    @CurrentPerson() person: Person,
    @Body() body: RegisterFilingDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FilingBody> {
    const view = await this.filings.register(person, body as FilingInput);
    reply.header('location', `/api/v1/filings/${view.id}`);
    return view;
  }

  @Get()
  @Permit('filing.read')
  @Header('cache-control', 'private, no-store')
  @ApiOperation({ summary: 'The filing register, newest first; the next page by `Link`', operationId: 'listFilings' })
  @Answers({ 200: FilingListBody })
  async list(
    @CurrentPerson() person: Person,
    @Query() { transfer, open, limit = defaultPage, cursor }: ListFilingsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FilingListBody> {
    const { items, nextBefore } = await this.filings.list(person, {
      transfer,
      open: open === undefined ? undefined : open === 'true',
      limit,
      before: cursor === undefined ? undefined : decodeCursor(cursor),
    });
    if (nextBefore !== null) {
      const page = { limit, cursor: encodeCursor(nextBefore), transfer, open };
      reply.header('link', nextPage('/api/v1/filings', page));
    }
    return { items };
  }

  @Get(':id')
  @Permit('filing.read')
  @Header('cache-control', 'private, no-store')
  @ApiOperation({ summary: 'One filing', operationId: 'getFiling' })
  @Answers({ 200: FilingBody }, 'NOT_FOUND')
  get(@CurrentPerson() person: Person, @Param('id', IdPipe) id: string): Promise<FilingBody> {
    return this.filings.get(person, id);
  }

  @Get(':id/proof')
  @Permit('filing.read')
  @Header('cache-control', 'private, no-store')
  @ApiOperation({ summary: 'What proves the time of filing to anybody', operationId: 'getFilingProof' })
  @Answers({ 200: FilingProofBody }, 'NOT_FOUND', 'NOT_READY')
  proof(@CurrentPerson() person: Person, @Param('id', IdPipe) id: string): Promise<FilingProofBody> {
    return this.filings.proof(person, id);
  }

  @Post(':id/close')
  @HttpCode(200)
  @Permit('filing.close')
  @ApiOperation({ summary: 'Close a filing', operationId: 'closeFiling' })
  @Answers({ 200: FilingBody }, 'NOT_FOUND', 'WRONG_STATE')
  close(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() { reason }: CloseFilingDto,
  ): Promise<FilingBody> {
    return this.filings.close(person, id, reason);
  }
}
