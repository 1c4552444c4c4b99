import type { Person } from '@jieqiao/access';
import { Casework, type CommandData, ContentAccess, type DraftChange, Transfers } from '@jieqiao/exchange';
import { parseFindings } from '@jieqiao/recognition';
import { Body, Controller, Get, Header, HttpCode, Param, Patch, Post, Put, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentPerson, Permit, TakesReason } from '../auth.guard';
import {
  contentDisposition,
  decodeCursor,
  encodeCursor,
  etagOf,
  IdPipe,
  idempotencyKey,
  ifMatch,
  nextPage,
  preferredWaitMs,
  prefersMinimal,
  requiredIfMatch,
  sendDownload,
} from '../headers';
import { Answers, NeedsSession } from '../openapi';
import { FindingsDto } from './case-data.dto';
import {
  type CommandDataDto,
  CommandDto,
  CreateTransferDto,
  DecideItemsDto,
  DocumentListBody,
  EditTransferDto,
  ListTransfersQuery,
  RecognitionBody,
  RevealDto,
  RevealedBody,
  TransferBody,
  TransferListBody,
  TransferSummaryBody,
} from './transfer.dto';

const defaultPage = 50;
const bundleType = 'application/vnd.etsi.asic-e+zip';

@ApiTags('transfers')
@NeedsSession()
@Controller('api/v1/transfers')
export class TransfersController {
  constructor(
    private readonly transfers: Transfers,
    private readonly casework: Casework,
    private readonly content: ContentAccess,
  ) {}

  @Post()
  @Permit('transfer.create')
  @ApiOperation({ summary: 'Begin a draft', operationId: 'createTransfer' })
  @Answers({ 201: TransferBody }, 'AGREEMENT_MISSING', 'AGREEMENT_NOT_IN_FORCE', 'AUTHORITY_SUCCEEDED')
  async create(
    @CurrentPerson() person: Person,
    @Body() body: CreateTransferDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TransferBody> {
    const view = await this.transfers.create(person, {
      to: body.to,
      kind: body.kind,
      number: body.number ?? '',
      title: body.title ?? '',
      dossier: body.dossier,
      data: { ...body.data },
    });
    reply.header('location', `/api/v1/transfers/${view.id}`).header('etag', etagOf(view.version));
    return view;
  }

  @Get()
  @Permit('transfer.list')
  @ApiOperation({
    summary: 'Transfers, newest first; the next page by `Link: rel="next"`',
    operationId: 'listTransfers',
  })
  @Answers({ 200: TransferListBody })
  async list(
    @CurrentPerson() person: Person,
    @Query() query: ListTransfersQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TransferListBody> {
    const { direction, state, handledBy, limit = defaultPage, cursor } = query;
    const before = cursor === undefined ? undefined : decodeCursor(cursor);
    const { items, nextBefore } = await this.transfers.list(person, { direction, state, handledBy, limit, before });
    if (nextBefore !== null) {
      const page = { limit, cursor: encodeCursor(nextBefore), direction, state, handledBy };
      reply.header('link', nextPage('/api/v1/transfers', page));
    }
    return { items };
  }

  @Get(':id')
  @Permit('transfer.read')
  @TakesReason()
  @ApiOperation({ summary: 'One transfer, with both axes of state', operationId: 'getTransfer' })
  @Answers({ 200: TransferBody }, 'NOT_FOUND', 'REASON_REQUIRED')
  async get(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TransferBody> {
    const view = await this.transfers.get(person, id);
    reply.header('etag', etagOf(view.version)).header('cache-control', 'private, no-store');
    return view;
  }

  @Patch(':id')
  @Permit('transfer.edit')
  @ApiOperation({ summary: 'Change a draft', operationId: 'editTransfer' })
  @ApiHeader({ name: 'If-Match', required: true, description: 'The ETag of what was read.' })
  @Answers({ 200: TransferBody }, 'NOT_FOUND', 'WRONG_STATE', 'PRECONDITION_REQUIRED', 'PRECONDITION_FAILED')
  async edit(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() body: EditTransferDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TransferBody> {
    const view = await this.transfers.edit(person, id, requiredIfMatch(request), changeOf(body));
    reply.header('etag', etagOf(view.version));
    return view;
  }

  @Get(':id/check')
  @Permit('transfer.check')
  @TakesReason()
  @ApiOperation({ summary: 'What the rules say now; changes nothing', operationId: 'checkTransfer' })
  @Answers(
    { 200: RecognitionBody },
    'NOT_FOUND',
    'REASON_REQUIRED',
    'EVIDENCE_INCOMPLETE',
    'AGREEMENT_MISSING',
    'AGREEMENT_NOT_IN_FORCE',
  )
  check(@CurrentPerson() person: Person, @Param('id', IdPipe) id: string): Promise<RecognitionBody> {
    return this.transfers.check(person, id);
  }

  @Post(':id/commands')
  @Permit('transfer.command')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Take a step: sign, approve, send, accept, return, decide…',
    description: '202 once it is durable; 200 where nobody has to be told, or once the other node’s receipt is here.',
    operationId: 'commandTransfer',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: true,
    description: 'Made by the caller; again, it gives the same answer.',
  })
  @ApiHeader({ name: 'If-Match', required: false, description: 'Only for this version.' })
  @ApiHeader({
    name: 'Prefer',
    required: false,
    description:
      '`wait=N`: wait up to N seconds (at most 60) for the receipt. `return=minimal`: a summary is enough for an answer.',
  })
  @Answers(
    { 200: TransferBody, 202: TransferBody },
    'COMMAND_REFUSED',
    'IDEMPOTENCY_KEY_REQUIRED',
    'IDEMPOTENCY_KEY_REUSED',
    'NOT_FOUND',
    'WRONG_STATE',
    'PRECONDITION_FAILED',
    'EVIDENCE_INCOMPLETE',
    'RECOGNITION_BLOCKED',
    'ACKNOWLEDGEMENT_REQUIRED',
    'AGREEMENT_MISSING',
    'AGREEMENT_NOT_IN_FORCE',
    'AUTHORITY_SUCCEEDED',
    'CERTIFICATE_REFUSED',
  )
  async command(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() body: CommandDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TransferBody | TransferSummaryBody> {
    const waitMs = preferredWaitMs(request);
    const minimal = prefersMinimal(request);
    const { status, view } = await this.transfers.command(person, id, {
      command: body.command,
      data: commandDataOf(body.data),
      filing: body.filing,
      acknowledge: body.acknowledge ?? [],
      ifVersion: ifMatch(request),
      idempotencyKey: idempotencyKey(request),
      waitMs,
      minimal,
    });
    reply.code(status).header('etag', etagOf(view.version));
    const applied = [...(waitMs > 0 ? [`wait=${waitMs / 1000}`] : []), ...(minimal ? ['return=minimal'] : [])];
    if (applied.length > 0) reply.header('preference-applied', applied.join(', '));
    return view;
  }

  @Put(':id/decisions')
  @Permit('evidence.decide')
  @ApiOperation({ summary: 'Decide on items of evidence, before acceptance', operationId: 'decideItems' })
  @ApiHeader({ name: 'If-Match', required: true, description: 'The ETag of what was read.' })
  @Answers({ 200: TransferBody }, 'NOT_FOUND', 'WRONG_STATE', 'PRECONDITION_REQUIRED', 'PRECONDITION_FAILED')
  async decide(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() body: DecideItemsDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TransferBody> {
    await this.casework.decideItems(person, id, body.decisions, requiredIfMatch(request));
    const view = await this.transfers.get(person, id);
    reply.header('etag', etagOf(view.version));
    return view;
  }

  @Put(':id/findings')
  @Permit('transfer.findings')
  @ApiOperation({
    summary: 'What the receiver found itself; the rules read it from now on',
    operationId: 'putFindings',
  })
  @ApiHeader({ name: 'If-Match', required: true, description: 'The ETag of what was read.' })
  @Answers({ 200: TransferBody }, 'NOT_FOUND', 'PRECONDITION_REQUIRED', 'PRECONDITION_FAILED')
  async findings(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() body: FindingsDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TransferBody> {
    // As JSON again: fields that were not given are there all the same, and undefined.
    const findings = parseFindings(JSON.parse(JSON.stringify(body)));
    await this.casework.recordFindings(person, id, findings, requiredIfMatch(request));
    const view = await this.transfers.get(person, id);
    reply.header('etag', etagOf(view.version));
    return view;
  }

  @Get(':id/documents')
  @Permit('transfer.read')
  @TakesReason()
  @ApiOperation({ summary: 'Documents of its steps: opinions, notices, letters', operationId: 'listDocuments' })
  @Answers({ 200: DocumentListBody }, 'NOT_FOUND', 'REASON_REQUIRED')
  async documents(@CurrentPerson() person: Person, @Param('id', IdPipe) id: string): Promise<DocumentListBody> {
    return { items: await this.transfers.documents(person, id) };
  }

  @Get(':id/bundle')
  @Permit('bundle.export')
  @TakesReason()
  @ApiOperation({ summary: 'The sealed bundle, an ASiC-E container', operationId: 'getBundle' })
  @Answers(
    { 200: { mediaType: bundleType, format: 'binary' }, 206: { mediaType: bundleType, format: 'binary' } },
    'NOT_FOUND',
    'REASON_REQUIRED',
    'RANGE_NOT_SATISFIABLE',
  )
  async bundle(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    sendDownload(request, reply, await this.transfers.bundle(person, id));
  }

  @Post(':id/reveal')
  @Permit('personal-data.reveal')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'One value of personal data in clear, for a reason', operationId: 'revealPersonalData' })
  @Answers({ 200: RevealedBody }, 'NOT_FOUND', 'TOO_MANY_REQUESTS')
  reveal(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Body() { pointer, reason, text }: RevealDto,
  ): Promise<RevealedBody> {
    return this.content.reveal(person, id, pointer, { code: reason, text });
  }

  @Get(':id/receipt')
  @Permit('receipt.read')
  @ApiOperation({ summary: 'The receipt: a C2SP tlog-proof that verifies alone', operationId: 'getReceipt' })
  @Answers({ 200: { mediaType: 'text/plain' } }, 'NOT_FOUND')
  async receipt(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const proof = await this.transfers.receipt(person, id);
    reply.type('text/plain; charset=utf-8').header('content-disposition', contentDisposition(`${id}.tlog-proof`));
    return proof;
  }

  @Get(':id/envelope')
  @Permit('envelope.read')
  @ApiOperation({ summary: 'The envelope: a compact JWS', operationId: 'getEnvelope' })
  @Answers({ 200: { mediaType: 'application/jose' } }, 'NOT_FOUND')
  async envelope(
    @CurrentPerson() person: Person,
    @Param('id', IdPipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const jws = await this.transfers.envelope(person, id);
    reply.type('application/jose').header('content-disposition', contentDisposition(`${id}.jws`));
    return jws;
  }
}

/** Only what the request states: an absent field stays as it is. */
function changeOf({ number, title, data }: EditTransferDto): DraftChange {
  return {
    ...(number === undefined ? {} : { number }),
    ...(title === undefined ? {} : { title }),
    ...(data === undefined ? {} : { data: { ...data } }),
  };
}

/** Times come with any offset; the machine has them in UTC with milliseconds. */
function commandDataOf(data: CommandDataDto | undefined): CommandData {
  // A field that was not given is there all the same, and undefined.
  const given: CommandData = Object.fromEntries(Object.entries(data ?? {}).filter(([, value]) => value !== undefined));
  for (const field of ['happenedAt', 'phonedAt', 'noticedAt'] as const) {
    const time = given[field] === undefined ? Number.NaN : Date.parse(given[field]);
    // A day that the calendar does not have stays as it was given, and is refused with its place.
    if (!Number.isNaN(time)) given[field] = new Date(time).toISOString();
  }
  return given;
}
