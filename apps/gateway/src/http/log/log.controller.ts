import { AuditLog } from '@jieqiao/audit';
import { GatewayError } from '@jieqiao/core';
import { Controller, Get, Header } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Permit } from '../auth.guard';
import { Answers, NeedsSession } from '../openapi';

@ApiTags('log')
@NeedsSession()
@Controller('api/v1/log')
export class LogController {
  constructor(private readonly log: AuditLog) {}

  @Get('checkpoint')
  @Permit('log.read')
  @Header('content-type', 'text/plain; charset=utf-8')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'The log’s latest signed head (C2SP tlog-checkpoint)', operationId: 'getCheckpoint' })
  @Answers({ 200: { mediaType: 'text/plain' } }, 'NOT_FOUND')
  async checkpoint(): Promise<string> {
    const note = await this.log.checkpoint();
    if (note === null) throw new GatewayError('NOT_FOUND', {});
    return note;
  }
}
