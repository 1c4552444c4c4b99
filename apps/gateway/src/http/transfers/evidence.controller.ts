import type { Readable } from 'node:stream';
import type { Person } from '@jieqiao/access';
import { GatewayError } from '@jieqiao/core';
import { Transfers } from '@jieqiao/exchange';
import { NodeConfig } from '@jieqiao/platform';
import { Body, Controller, Delete, Get, Head, HttpCode, Options, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ValidationError } from '../../errors/errors';
import { CurrentPerson, Permit, Public, TakesReason } from '../auth.guard';
import { IdPipe, sendDownload } from '../headers';
import { Answers, NeedsSession } from '../openapi';
import { EvidenceDataDto } from './case-data.dto';
import { AddEvidenceDto, EvidenceAddedBody, EvidenceBody } from './transfer.dto';

const tusVersion = '1.0.0';
/** Media type of the bytes of an upload (tus 1.0.0). Its body is handed on as a stream. */
export const uploadMediaType = 'application/offset+octet-stream';

const TusHeaders = () => ApiHeader({ name: 'Tus-Resumable', required: true, description: tusVersion });

@ApiTags('evidence')
@NeedsSession()
@Controller('api/v1/transfers/:id/evidence')
export class EvidenceController {
  constructor(
    private readonly transfers: Transfers,
    private readonly config: NodeConfig,
  ) {}

  @Post()
  @Permit('evidence.add')
  @ApiOperation({ summary: 'Announce a file; its bytes go to Location by tus', operationId: 'addEvidence' })
  @Answers({ 201: EvidenceAddedBody }, 'NOT_FOUND', 'WRONG_STATE', 'FILE_TOO_LARGE', 'LIMIT_EXCEEDED')
  async add(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() body: AddEvidenceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EvidenceAddedBody> {
    const { digest, data, ...file } = body;
    const added = await this.transfers.addEvidence(person, id, { ...file, expectedDigest: digest, data: { ...data } });
    const upload = `/api/v1/transfers/${id}/evidence/${added.id}/content`;
    reply.header('location', upload);
    return { id: added.id, upload };
  }

  @Patch(':evidenceId')
  @Permit('evidence.add')
  @ApiOperation({ summary: 'State an item otherwise; its file stays', operationId: 'editEvidence' })
  @Answers({ 200: EvidenceBody }, 'NOT_FOUND', 'WRONG_STATE')
  edit(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Param('evidenceId', IdPipe) evidenceId: string,
    @Body() body: EvidenceDataDto,
  ): Promise<EvidenceBody> {
    return this.transfers.editEvidence(person, id, evidenceId, { ...body });
  }

  @Delete(':evidenceId')
  @Permit('evidence.remove')
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a file out of a draft', operationId: 'removeEvidence' })
  @Answers({ 204: null }, 'NOT_FOUND', 'WRONG_STATE')
  async remove(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Param('evidenceId', IdPipe) evidenceId: string,
  ): Promise<void> {
    await this.transfers.removeEvidence(person, id, evidenceId);
  }

  @Options(':evidenceId/content')
  @Public()
  @HttpCode(204)
  @ApiOperation({ summary: 'What of tus this server speaks', operationId: 'describeUploads' })
  @Answers({ 204: null })
  describe(@Res({ passthrough: true }) reply: FastifyReply): void {
    reply
      .header('tus-resumable', tusVersion)
      .header('tus-version', tusVersion)
      .header('tus-max-size', this.config.limits.fileBytes);
  }

  // Before the GET route, which would otherwise answer HEAD as well.
  @Head(':evidenceId/content')
  @Permit('evidence.add')
  @TusHeaders()
  @ApiOperation({ summary: 'How much of the file is here (tus)', operationId: 'getUploadState' })
  @Answers({ 200: null }, 'NOT_FOUND')
  async state(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Param('evidenceId', IdPipe) evidenceId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    speakTus(request, reply);
    const { offset, length } = await this.transfers.uploadState(person, id, evidenceId);
    reply.header('upload-offset', offset).header('upload-length', length).header('cache-control', 'no-store');
  }

  @Patch(':evidenceId/content')
  @Permit('evidence.add')
  @HttpCode(204)
  @TusHeaders()
  @ApiHeader({ name: 'Upload-Offset', required: true })
  @ApiBody({ required: true, schema: { type: 'string', format: 'binary' } })
  @ApiOperation({ summary: 'Send bytes from an offset on (tus)', operationId: 'uploadEvidence' })
  @Answers(
    { 204: null },
    'NOT_FOUND',
    'WRONG_STATE',
    'UPLOAD_OFFSET_MISMATCH',
    'UPLOAD_IN_PROGRESS',
    'LENGTH_MISMATCH',
    'DIGEST_MISMATCH',
    'UNSUPPORTED_MEDIA_TYPE',
  )
  async upload(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Param('evidenceId', IdPipe) evidenceId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    speakTus(request, reply);
    if (request.headers['content-type'] !== uploadMediaType) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', {});
    const text = request.headers['upload-offset'];
    if (typeof text !== 'string' || !/^(0|[1-9][0-9]{0,14})$/.test(text)) {
      throw new ValidationError([{ pointer: '#Upload-Offset', code: text === undefined ? 'REQUIRED' : 'WRONG_FORM' }]);
    }
    const body = request.body as Readable;
    const { offset } = await this.transfers.upload(person, id, evidenceId, Number(text), body);
    reply.header('upload-offset', offset);
  }

  @Get(':evidenceId/content')
  @Permit('evidence.read')
  @TakesReason()
  @ApiOperation({ summary: 'The file; ranges as asked', operationId: 'readEvidence' })
  @Answers(
    {
      200: { mediaType: 'application/octet-stream', format: 'binary' },
      206: { mediaType: 'application/octet-stream', format: 'binary' },
    },
    'NOT_FOUND',
    'REASON_REQUIRED',
    'BLOB_MISSING',
    'RANGE_NOT_SATISFIABLE',
  )
  async read(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Param('evidenceId', IdPipe) evidenceId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    sendDownload(request, reply, await this.transfers.readEvidence(person, id, evidenceId));
  }
}

/** Every tus answer names the version; a client of another one is told so (tus 1.0.0, "Tus-Resumable"). */
function speakTus(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('tus-resumable', tusVersion);
  if (request.headers['tus-resumable'] === tusVersion) return;
  reply.header('tus-version', tusVersion);
  throw new GatewayError('PRECONDITION_FAILED', { header: 'Tus-Resumable', expected: tusVersion });
}
