import type { Person } from '@jieqiao/access';
import { type DeadlineCursor, Deadlines } from '@jieqiao/exchange';
import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ValidationError } from '../../errors/errors';
import { CurrentPerson, Permit } from '../auth.guard';
import { PageQuery } from '../fields';
import { decodeCursor, encodeCursor, IdPipe, nextPage } from '../headers';
import { Answers, NeedsSession } from '../openapi';
import {
  CloseSupervisionItemDto,
  DeadlineListBody,
  ListDeadlinesQuery,
  ListSupervisionItemsQuery,
  ReminderBody,
  ReminderListBody,
  SupervisionItemBody,
  SupervisionItemListBody,
} from './deadlines.dto';

const defaultPage = 50;

@ApiTags('deadlines')
@NeedsSession()
@Controller('api/v1')
export class DeadlinesController {
  constructor(private readonly deadlines: Deadlines) {}

  @Get('deadlines')
  @Permit('clock.list')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Clocks that run, the first to end first; those without a known end last',
    operationId: 'listDeadlines',
  })
  @Answers({ 200: DeadlineListBody })
  async list(
    @CurrentPerson() person: Person,
    @Query() query: ListDeadlinesQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DeadlineListBody> {
    const { before, cursor, limit = defaultPage, overdue } = query;
    const { items, next } = await this.deadlines.list(person, {
      limit,
      ...(overdue === undefined ? {} : { overdue: overdue === 'true' }),
      ...(before === undefined ? {} : { before: instantOf(before) }),
      ...(cursor === undefined ? {} : { after: decodeDeadlineCursor(cursor) }),
    });
    if (next !== null) {
      const page = { limit, cursor: encodeDeadlineCursor(next), overdue, before };
      reply.header('link', nextPage('/api/v1/deadlines', page));
    }
    return { items };
  }

  @Get('supervision-items')
  @Permit('supervision.list')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'What the supervisor has to look into, newest first', operationId: 'listSupervisionItems' })
  @Answers({ 200: SupervisionItemListBody })
  async supervisionItems(
    @CurrentPerson() person: Person,
    @Query() { cursor, limit = defaultPage, state = 'open' }: ListSupervisionItemsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SupervisionItemListBody> {
    const before = cursor === undefined ? undefined : decodeCursor(cursor);
    const { items, nextBefore } = await this.deadlines.supervisionItems(person, { state, limit, before });
    if (nextBefore !== null) {
      const page = { limit, cursor: encodeCursor(nextBefore), state };
      reply.header('link', nextPage('/api/v1/supervision-items', page));
    }
    return { items };
  }

  @Post('supervision-items/:id/close')
  @HttpCode(200)
  @Permit('supervision.close')
  @ApiOperation({ summary: 'Close a supervision item by hand', operationId: 'closeSupervisionItem' })
  @Answers({ 200: SupervisionItemBody }, 'NOT_FOUND', 'WRONG_STATE')
  closeSupervisionItem(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() { note }: CloseSupervisionItemDto,
  ): Promise<SupervisionItemBody> {
    return this.deadlines.closeSupervisionItem(person, id, note);
  }

  @Get('reminders')
  @Permit('reminder.list')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Reminders for the person’s roles, newest first', operationId: 'listReminders' })
  @Answers({ 200: ReminderListBody })
  async reminders(
    @CurrentPerson() person: Person,
    @Query() { cursor, limit = defaultPage }: PageQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReminderListBody> {
    const before = cursor === undefined ? undefined : decodeCursor(cursor);
    const { items, nextBefore } = await this.deadlines.reminders(person, { limit, before });
    if (nextBefore !== null) {
      reply.header('link', nextPage('/api/v1/reminders', { limit, cursor: encodeCursor(nextBefore) }));
    }
    return { items };
  }

  @Post('reminders/:id/acknowledge')
  @HttpCode(200)
  @Permit('reminder.acknowledge')
  @ApiOperation({ summary: 'Acknowledge a reminder for all of the role', operationId: 'acknowledgeReminder' })
  @Answers({ 200: ReminderBody }, 'NOT_FOUND')
  acknowledge(@CurrentPerson() person: Person, @Param('id', IdPipe) id: string): Promise<ReminderBody> {
    return this.deadlines.acknowledge(person, id);
  }
}

/** As times are stored: UTC with milliseconds. */
function instantOf(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new ValidationError([{ pointer: '/before', code: 'WRONG_FORM' }]);
  return time.toISOString();
}

/** Made opaque, as other cursors are. */
const encodeDeadlineCursor = ({ dueAt, id }: DeadlineCursor) =>
  Buffer.from(`${dueAt ?? ''} ${id}`).toString('base64url');

const cursorPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)? ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

function decodeDeadlineCursor(cursor: string): DeadlineCursor {
  const match = cursorPattern.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw new ValidationError([{ pointer: '/cursor', code: 'WRONG_FORM' }]);
  return { dueAt: match[1] ?? null, id: match[2]! };
}
