import type { Person } from '@jieqiao/access';
import { DocumentNumbers } from '@jieqiao/exchange';
import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentPerson, Permit } from '../auth.guard';
import { decodeCursor, encodeCursor, IdPipe, nextPage } from '../headers';
import { Answers, NeedsSession } from '../openapi';
import { IssueNumberDto, ListNumbersQuery, NumberBody, NumberListBody, VoidNumberDto } from './numbers.dto';

const defaultPage = 50;

@ApiTags('numbers')
@NeedsSession()
@Controller('api/v1/numbers')
export class NumbersController {
  constructor(private readonly numbers: DocumentNumbers) {}

  @Post()
  @Permit('number.issue')
  @ApiOperation({ summary: 'Give the next number of the year; each call gives another', operationId: 'issueNumber' })
  @Answers({ 201: NumberBody }, 'NUMBER_PATTERN_MISSING')
  issue(@CurrentPerson() person: Person, @Body() { squad, type }: IssueNumberDto): Promise<NumberBody> {
    return this.numbers.issue(person, type, squad);
  }

  @Post(':id/void')
  @HttpCode(200)
  @Permit('number.void')
  @ApiOperation({ summary: 'Void a number that no document bears; it is not given again', operationId: 'voidNumber' })
  @Answers({ 200: NumberBody }, 'NOT_FOUND', 'WRONG_STATE')
  void(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() { reason }: VoidNumberDto,
  ): Promise<NumberBody> {
    return this.numbers.void(person, id, reason);
  }

  @Get()
  @Permit('number.list')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'The register of numbers, newest first, voids among them', operationId: 'listNumbers' })
  @Answers({ 200: NumberListBody })
  async list(
    @CurrentPerson() person: Person,
    @Query() { cursor, limit = defaultPage, type, year }: ListNumbersQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NumberListBody> {
    const before = cursor === undefined ? undefined : decodeCursor(cursor);
    const { items, nextBefore } = await this.numbers.list(person, { type, year, limit, before });
    if (nextBefore !== null) {
      const page = { limit, cursor: encodeCursor(nextBefore), type, year };
      reply.header('link', nextPage('/api/v1/numbers', page));
    }
    return { items };
  }
}
