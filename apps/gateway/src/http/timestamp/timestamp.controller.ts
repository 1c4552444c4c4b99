import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { answerTimestampRequest, GatewayError } from '@jieqiao/core';
import { NodeConfig, openTimestampKeys, type TimestampKeys } from '@jieqiao/platform';
import { Controller, Header, HttpCode, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ThrottlerGuard } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../auth.guard';
import { clock } from '../clock';
import { Answers } from '../openapi';

/** Media types of RFC 3161 §3.4. */
export const timestampQueryType = 'application/timestamp-query';
const timestampReplyType = 'application/timestamp-reply';
/** A request has some 70 bytes; with a long digest, a nonce and a policy, 200. */
export const maxTimestampQueryBytes = 4 * 1024;
const serialBytes = 16;

/**
 * The embedded time-stamping authority. For demonstration: its time is the word of whoever runs this machine, which is
 * what its certificate, its policy, this header and every verdict over its tokens say.
 */
@ApiTags('timestamp')
@Controller()
@UseGuards(ThrottlerGuard)
export class TimestampController {
  private keys: Promise<TimestampKeys> | null = null;

  constructor(
    private readonly config: NodeConfig,
    @Inject(clock) private readonly now: () => Date,
  ) {}

  @Post('tsa')
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('x-jieqiao-timestamp', 'demonstration')
  @ApiConsumes(timestampQueryType)
  @ApiBody({ required: true, schema: { type: 'string', format: 'binary' } })
  @ApiOperation({ summary: 'Time-stamp a digest (RFC 3161); for demonstration', operationId: 'createTimestamp' })
  @Answers(
    { 200: { mediaType: timestampReplyType, format: 'binary' } },
    'NOT_FOUND',
    'UNSUPPORTED_MEDIA_TYPE',
    'BODY_TOO_LARGE',
    'TOO_MANY_REQUESTS',
  )
  async create(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<Buffer> {
    if (!this.config.timestamps.demonstrationAuthority) throw new GatewayError('NOT_FOUND', {});
    if (request.headers['content-type'] !== timestampQueryType) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', {});
    const { signer } = await this.open();
    reply.type(timestampReplyType);
    const issue = { signer, now: this.now(), serial: randomBytes(serialBytes) };
    return answerTimestampRequest(request.body as Buffer, issue);
  }

  /** Once; a failure is tried again by the next request. */
  private open(): Promise<TimestampKeys> {
    this.keys ??= openTimestampKeys(join(this.config.dataDir, 'keys'), this.config.node, this.now()).catch((error) => {
      this.keys = null;
      throw error;
    });
    return this.keys;
  }
}
