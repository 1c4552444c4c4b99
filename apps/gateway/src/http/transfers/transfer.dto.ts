import { revealReasons } from '@jieqiao/access';
import { type Digest, nodePattern } from '@jieqiao/core';
import type { TransferState } from '@jieqiao/exchange';
import { personalDataCategories, type TransferKind, transferKinds } from '@jieqiao/recognition';
import { ApiProperty } from '@nestjs/swagger';
import { EvidenceFileName, Form, Forms, Id, Line, Nested, OneOf, Whole } from '../fields';
import { CaseDataDto, EvidenceDataDto } from './case-data.dto';

const optional = { optional: true };
/** Until the receiver's casework exists. */
const transferStates: readonly TransferState[] = ['DRAFT', 'SENT', 'REJECTED_TECH', 'DELIVERED'];
const maxFileBytes = 2 ** 40;

export class CreateTransferDto {
  @Form(nodePattern, 47, { about: 'The receiving node.', example: 'jinshan.310116' })
  to!: string;

  @OneOf(transferKinds)
  kind!: TransferKind;

  @Id({ optional: true, about: 'The dossier it belongs to; a new one when absent.' })
  dossier?: string;

  @Line(80, { optional: true, about: '文号, in the sender’s spelling.' })
  number?: string;

  @Line(200, optional)
  title?: string;

  @Nested(() => CaseDataDto, optional)
  data?: CaseDataDto;
}

export class EditTransferDto {
  @Line(80, optional)
  number?: string;

  @Line(200, optional)
  title?: string;

  @Nested(() => CaseDataDto, { optional: true, about: 'Replaces all case data.' })
  data?: CaseDataDto;
}

export class ListTransfersQuery {
  @OneOf(['out', 'in'], optional)
  direction?: 'out' | 'in';

  @OneOf(transferStates, optional)
  state?: TransferState;

  @Form(nodePattern, 47, { optional: true, about: 'Of this node, and of those whose powers it has taken over.' })
  handledBy?: string;

  @Whole(1, 200, { optional: true, from: 'query', about: '50 when absent.' })
  limit?: number;

  @Form('^[A-Za-z0-9_-]{22}$', 22, { optional: true, about: 'From the `next` link of the page before.' })
  cursor?: string;
}

export class AddEvidenceDto {
  @EvidenceFileName({ about: 'Name in the bundle; no path, unique in the transfer without regard to case.' })
  fileName!: string;

  @Form('^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$', 100)
  mediaType!: string;

  @Whole(0, maxFileBytes, { about: 'Length of the file; the node’s own limit is lower.' })
  bytes!: number;

  @Form('^sha256:[0-9a-f]{64}$', 71, { optional: true, about: 'When known before: the upload must have it.' })
  digest?: Digest;

  @Nested(() => EvidenceDataDto)
  data!: EvidenceDataDto;
}

export class SendDto {
  @Forms('^R[0-9]{2}$', 3, 20, {
    optional: true,
    about: 'Rules whose request for supplements was seen; it is sent in spite of them.',
  })
  acknowledge?: string[];
}

export class RevealDto {
  @Form('^/(?:(?:parties|evidence)/(?:0|[1-9][0-9]{0,2})/personal|reporter)/[A-Za-z]{1,20}$', 60, {
    about: 'Which value, as an RFC 6901 pointer into `transfer.json`, or `/reporter/…` of an own draft.',
    example: '/parties/0/personal/idNumber',
  })
  pointer!: string;

  @OneOf(Object.keys(revealReasons))
  reason!: string;

  @Line(200, { about: 'The reason in words. Kept, never logged.' })
  text!: string;
}

export class RevealedBody {
  @ApiProperty()
  pointer!: string;

  @ApiProperty({ enum: personalDataCategories })
  category!: string;

  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'integer' }] })
  value!: string | number;
}

export class RedactionBody {
  @ApiProperty({ example: '/parties/0/personal/idNumber' })
  pointer!: string;

  @ApiProperty({ enum: personalDataCategories })
  category!: string;
}

export class ProgressBody {
  @ApiProperty()
  sentBytes!: number;

  @ApiProperty()
  totalBytes!: number;
}

export class DeliverySummaryBody {
  @ApiProperty({ enum: ['none', 'queued', 'delivering', 'received', 'refused'] })
  state!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Code of why the other node refused it for good.' })
  refusal!: string | null;
}

export class DeliveryBody extends DeliverySummaryBody {
  @ApiProperty({ description: 'Failed attempts in a row.' })
  attempts!: number;

  @ApiProperty({ type: String, nullable: true, description: 'Error code of the last attempt.' })
  lastError!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  nextAttemptAt!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  receivedAt!: string | null;

  @ApiProperty({ type: ProgressBody, nullable: true })
  progress!: ProgressBody | null;
}

export class EvidenceBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  seq!: number;

  @ApiProperty()
  fileName!: string;

  @ApiProperty()
  mediaType!: string;

  @ApiProperty()
  bytes!: number;

  @ApiProperty({ description: 'All bytes are here, hashed and durable.' })
  complete!: boolean;

  @ApiProperty({ type: String, nullable: true })
  digest!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  firstHashAt!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  data!: object;
}

export class EvidenceAddedBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ description: 'Where the bytes go: the Location header, too.' })
  upload!: string;
}

export class ResultBody {
  @ApiProperty({ example: 'R01' })
  rule!: string;

  @ApiProperty({ enum: ['pass', 'warn', 'supplement', 'block', 'not-applicable'] })
  result!: string;

  @ApiProperty({ isArray: true, type: 'object', additionalProperties: true, description: 'Articles of law.' })
  basis!: readonly object[];

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'What the rule saw.' })
  facts!: object;

  @ApiProperty({ required: false, description: 'What would mend it.' })
  remedy?: string;

  @ApiProperty({ required: false, description: 'The evidence item it concerns.' })
  evidence?: string;
}

export class ProposalBody {
  @ApiProperty()
  evidence!: string;

  @ApiProperty({ enum: ['DIRECT', 'AFTER_REVIEW', 'LEAD_ONLY', 'RETAKE', 'REFUSED'] })
  proposed!: string;

  @ApiProperty({ isArray: true, type: String })
  reasons!: readonly string[];
}

export class AgreementVersionBody {
  @ApiProperty()
  id!: string;

  @ApiProperty()
  version!: number;
}

export class RecognitionBody {
  @ApiProperty()
  schema!: string;

  @ApiProperty({ format: 'uuid' })
  transfer!: string;

  @ApiProperty()
  agreement!: AgreementVersionBody;

  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ enum: ['sendable', 'sendable-with-warnings', 'supplement', 'blocked', 'crime-track'] })
  outcome!: string;

  @ApiProperty({ type: ResultBody, isArray: true })
  results!: readonly ResultBody[];

  @ApiProperty({ type: ProposalBody, isArray: true })
  proposals!: readonly ProposalBody[];
}

export class EnvelopeBody {
  @ApiProperty({ format: 'uuid' })
  jti!: string;

  @ApiProperty()
  seq!: number;

  @ApiProperty()
  digest!: string;
}

export class ReceiptBody {
  @ApiProperty()
  entryIndex!: number;

  @ApiProperty()
  checkpointSize!: number;

  @ApiProperty({ enum: ['verified', 'refused'] })
  degree!: string;

  @ApiProperty({ format: 'date-time' })
  time!: string;
}

/** Both axes of state stand apart: `state` is the matter's, `delivery` (of the subclasses) the message's. */
abstract class TransferFields {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: ['out', 'in'] })
  direction!: 'out' | 'in';

  @ApiProperty({ enum: transferKinds })
  kind!: string;

  @ApiProperty({ format: 'uuid' })
  dossier!: string;

  @ApiProperty()
  number!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Null where content is not shown.' })
  title!: string | null;

  @ApiProperty({ description: 'The node with which it was exchanged.' })
  peer!: string;

  @ApiProperty({
    description: 'The node that deals with it there now: the peer, or whoever has taken its powers over.',
  })
  handledBy!: string;

  @ApiProperty({ description: 'Where the matter stands.' })
  state!: string;

  @ApiProperty({ description: 'The ETag, without quotes.' })
  version!: number;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
}

export class TransferSummaryBody extends TransferFields {
  @ApiProperty({ description: 'Where its message stands.' })
  delivery!: DeliverySummaryBody;
}

export class TransferBody extends TransferFields {
  @ApiProperty({ description: 'Where its message stands.' })
  delivery!: DeliveryBody;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'Typed personal data is masked.' })
  data!: object;

  @ApiProperty({ type: RedactionBody, isArray: true, description: 'Taken out before it was sealed.' })
  redacted!: readonly RedactionBody[];

  @ApiProperty({ type: EvidenceBody, isArray: true })
  evidence!: readonly EvidenceBody[];

  @ApiProperty({ type: RecognitionBody, nullable: true })
  recognition!: RecognitionBody | null;

  @ApiProperty({ type: EnvelopeBody, nullable: true })
  envelope!: EnvelopeBody | null;

  @ApiProperty({ type: ReceiptBody, nullable: true })
  receipt!: ReceiptBody | null;
}

export class TransferListBody {
  @ApiProperty({ type: TransferSummaryBody, isArray: true })
  items!: readonly TransferSummaryBody[];
}
