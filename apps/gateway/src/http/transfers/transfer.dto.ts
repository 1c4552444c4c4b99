import { revealReasons } from '@jieqiao/access';
import { type Digest, nodePattern } from '@jieqiao/core';
import {
  type Command,
  commands,
  disputeLevels,
  homeStates,
  type LifeState,
  notFiledGrounds,
  outcomes,
  sharedStates,
} from '@jieqiao/exchange';
import {
  personalDataCategories,
  type RecognitionLevel,
  recognitionLevels,
  type TransferKind,
  transferKinds,
} from '@jieqiao/recognition';
import { ApiProperty } from '@nestjs/swagger';
import {
  Day,
  EvidenceFileName,
  Flag,
  Form,
  Forms,
  Id,
  Instant,
  Line,
  Nested,
  NestedList,
  OneOf,
  PageQuery,
  Text,
  Whole,
} from '../fields';
import { CaseDataDto, EvidenceDataDto } from './case-data.dto';

const optional = { optional: true };
const transferStates: readonly LifeState[] = [...homeStates, ...sharedStates].filter((state) => state !== 'NEW');
/** Given by the node itself, or by a route of its own. */
const nodesOwn: readonly Command[] = ['create', 'edit', 'deliver', 'reject', 'reject-message', 'close-by-silence'];
export const peoplesCommands = commands.filter((command) => !nodesOwn.includes(command));
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

export class ListTransfersQuery extends PageQuery {
  @OneOf(['out', 'in'], optional)
  direction?: 'out' | 'in';

  @OneOf(transferStates, optional)
  state?: LifeState;

  @Form(nodePattern, 47, { optional: true, about: 'Of this node, and of those whose powers it has taken over.' })
  handledBy?: string;
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

const certNoPattern = '^[0-9A-Za-z-]{4,32}$';

/** What a person gives with a command. Which fields go with which: docs/spec/lifecycle.md, §6. */
export class CommandDataDto {
  @Text(2000, { optional: true, about: 'Reason or other words, in the language of the case.' })
  text?: string;

  @Form('^[A-Z][A-Z_]{1,59}$', 60, { optional: true, about: 'Reason code of a return or of a refused matter.' })
  code?: string;

  @Instant({ optional: true, about: 'When it happened, where that is not now.' })
  happenedAt?: string;

  @Line(80, { optional: true, about: '文号 of the decision.' })
  number?: string;

  @Whole(1, 50, optional)
  matters?: number;

  @Whole(1, 50, { optional: true, about: 'Which matter of a request for assistance, from 1.' })
  matter?: number;

  @Day({ optional: true, about: 'To which day an answer is put off.' })
  until?: string;

  @OneOf(['stopped', 'secured'], { optional: true, about: 'What was done on the spot: 制止, 固定证据.' })
  act?: 'stopped' | 'secured';

  @Instant({ optional: true, about: 'When the other side was telephoned.' })
  phonedAt?: string;

  @Line(100, { optional: true, about: 'Which office was telephoned.' })
  phonedTo?: string;

  @Forms('^R(0[1-9]|1[0-9]|20)$', 3, 20, { optional: true, about: 'Rules on which a request for supplement rests.' })
  rules?: string[];

  @Forms('^[^\\u0000-\\u001f\\u007f]{1,500}$', 500, 50, { optional: true, about: 'What is missing.' })
  missing?: string[];

  @Forms('^[^\\u0000-\\u001f\\u007f]{1,64}$', 64, 50, { optional: true, about: 'Items that differ from the manifest.' })
  items?: string[];

  @Line(100, { optional: true, about: 'To which department.' })
  department?: string;

  @OneOf(['sender', 'receiver', 'other'], { optional: true, about: 'Who handles the matter.' })
  handling?: 'sender' | 'receiver' | 'other';

  @OneOf(disputeLevels, optional)
  level?: (typeof disputeLevels)[number];

  @Line(100, { optional: true, about: 'The superior body.' })
  body?: string;

  @OneOf(notFiledGrounds, optional)
  ground?: (typeof notFiledGrounds)[number];

  @OneOf(outcomes, optional)
  outcome?: (typeof outcomes)[number];

  @Line(64, { optional: true, about: 'Step of the published discretion standard.' })
  step?: string;

  @Instant({ optional: true, about: 'When the party was told of the intended penalty.' })
  noticedAt?: string;

  @Flag({ optional: true, about: 'The party has waived its defence.' })
  waived?: boolean;

  @OneOf(['deleted', 'archived'], optional)
  disposal?: 'deleted' | 'archived';

  @Forms(certNoPattern, 32, 20, { optional: true, about: 'Officers of the team, by certificate number.' })
  team?: string[];
}

export class CommandDto {
  @OneOf(peoplesCommands, { about: 'Of the table of transitions: docs/spec/lifecycle.md, §4.' })
  command!: Command;

  @Nested(() => CommandDataDto, optional)
  data?: CommandDataDto;

  @Id({ optional: true, about: 'Entry of the filing register that the command states.' })
  filing?: string;

  @Forms('^[RX][0-9A-Za-z-]{2,32}$', 33, 40, {
    optional: true,
    about: 'Rules whose request for supplements was seen; it is sent in spite of them.',
  })
  acknowledge?: string[];
}

export class ItemDecisionDto {
  @Line(64, { about: 'The sender’s id of the item.' })
  evidence!: string;

  @OneOf(recognitionLevels)
  level!: RecognitionLevel;

  @Text(2000, { optional: true, about: 'Required where the rules propose otherwise.' })
  reason?: string;
}

export class DecideItemsDto {
  @NestedList(() => ItemDecisionDto, 1000, { minItems: 1 })
  decisions!: ItemDecisionDto[];
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

  @ApiProperty({
    selfRequired: false,
    type: 'object',
    additionalProperties: true,
    description: "Title, reason and remedy of the agreement's own rules, by rule.",
  })
  ownRules?: object;
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

export class ClockBody {
  @ApiProperty()
  id!: string;

  @ApiProperty({ description: 'Who must act in time: sender, receiver, both, superior, police.' })
  owner!: string;

  @ApiProperty({ type: Number, nullable: true })
  matter!: number | null;

  @ApiProperty({ format: 'date-time' })
  start!: string;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'The article, or the agreement.' })
  basis!: object;

  @ApiProperty({ enum: ['hours', 'calendar-days', 'working-days'] })
  unit!: string;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  due!: object | null;

  @ApiProperty({ type: Number, nullable: true, description: 'In its unit.' })
  left!: number | null;

  @ApiProperty()
  paused!: boolean;

  @ApiProperty()
  overdue!: boolean;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description: 'Who stopped it, and when.' })
  stopped!: object | null;

  @ApiProperty({ type: String, nullable: true, description: 'Why no end can be told.' })
  problem!: string | null;
}

export class LifeBody {
  @ApiProperty({ enum: ['sender', 'receiver'] })
  side!: string;

  @ApiProperty()
  state!: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  flags!: object;

  @ApiProperty({
    isArray: true,
    type: 'object',
    additionalProperties: true,
    description: 'Steps that both sides have.',
  })
  records!: readonly object[];

  @ApiProperty({ isArray: true, type: 'object', additionalProperties: true, description: 'Commands without effect.' })
  crossed!: readonly object[];

  @ApiProperty({ isArray: true, type: 'object', additionalProperties: true })
  pending!: readonly object[];

  @ApiProperty({
    isArray: true,
    type: 'object',
    additionalProperties: true,
    description: 'Steps of this side’s people.',
  })
  home!: readonly object[];

  @ApiProperty({ type: ClockBody, isArray: true })
  clocks!: readonly ClockBody[];

  @ApiProperty({ isArray: true, type: 'object', additionalProperties: true, description: 'Versions of the bundle.' })
  versions!: readonly object[];

  @ApiProperty({ isArray: true, type: String })
  matters!: readonly string[];

  @ApiProperty({ type: 'object', additionalProperties: true })
  filings!: object;

  @ApiProperty({ type: 'object', additionalProperties: true })
  dispute!: object;

  @ApiProperty({ isArray: true, type: String, description: 'Commands that you may give now, by role and state.' })
  allowed!: readonly string[];
}

export class DocumentBody {
  @ApiProperty()
  digest!: string;

  @ApiProperty({ description: 'Type of document of the catalogue.' })
  type!: string;

  @ApiProperty({ enum: ['sender', 'receiver'], description: 'Who made it.' })
  side!: string;

  @ApiProperty({ description: 'Sealed and exchanged; else an opinion that stays at home.' })
  sealed!: boolean;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  content!: object;
}

export class DocumentListBody {
  @ApiProperty({ type: DocumentBody, isArray: true })
  items!: readonly DocumentBody[];
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

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'Decided on each item, by its sender’s id.' })
  decisions!: object;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'What the receiver found itself.' })
  findings!: object;

  @ApiProperty({ type: LifeBody, nullable: true })
  life!: LifeBody | null;

  @ApiProperty({ type: EnvelopeBody, nullable: true })
  envelope!: EnvelopeBody | null;

  @ApiProperty({ type: ReceiptBody, nullable: true })
  receipt!: ReceiptBody | null;
}

export class TransferListBody {
  @ApiProperty({ type: TransferSummaryBody, isArray: true })
  items!: readonly TransferSummaryBody[];
}
