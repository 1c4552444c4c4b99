import type { Role } from '@jieqiao/access';
import { roles } from '@jieqiao/access';
import { type DeadlineView, type SupervisionItemView, type SupervisionKind, supervisionKinds } from '@jieqiao/exchange';
import { clockIds } from '@jieqiao/recognition';
import { ApiProperty } from '@nestjs/swagger';
import { Form, Instant, OneOf, PageQuery, Text, Whole } from '../fields';

const time = { format: 'date-time' } as const;
const sides = ['sender', 'receiver'] as const;
const sideOrNull = { enum: sides, nullable: true } as const;

export class ListDeadlinesQuery {
  @OneOf(['true', 'false'], { optional: true, about: 'Only those that have run out, or that have not.' })
  overdue?: 'true' | 'false';

  @Instant({ optional: true, about: 'Only those that end before.' })
  before?: string;

  @Whole(1, 200, { optional: true, from: 'query', about: '50 when absent.' })
  limit?: number;

  @Form('^[A-Za-z0-9_-]{1,90}$', 90, { optional: true, about: 'From the `next` link of the page before.' })
  cursor?: string;
}

export class ListSupervisionItemsQuery extends PageQuery {
  @OneOf(['open', 'closed'], { optional: true, about: '`open` when absent.' })
  state?: 'open' | 'closed';
}

export class CloseSupervisionItemDto {
  @Text(1000, { about: 'What was done about it. Stays in this node.' })
  note!: string;
}

export class ClockLengthBody {
  @ApiProperty({ enum: ['hours', 'calendar-days', 'working-days'] })
  unit!: NonNullable<DeadlineView['length']>['unit'];

  @ApiProperty()
  amount!: number;

  @ApiProperty({ description: 'A last day on which nobody works moves on to the next working day.' })
  rolls!: boolean;
}

export class BasisBody {
  @ApiProperty()
  law!: string;

  @ApiProperty()
  article!: string;

  @ApiProperty({ required: false })
  text?: string;
}

export class DueBody {
  @ApiProperty({ format: 'date', description: 'Chinese day.' })
  day!: string;

  @ApiProperty({ ...time, description: 'The last instant that is in time.' })
  at!: string;
}

export class PausedBody {
  @ApiProperty(time)
  since!: string;

  @ApiProperty({ enum: sides })
  by!: NonNullable<DeadlineView['paused']>['by'];
}

export class StoppedBody {
  @ApiProperty(time)
  at!: string;

  @ApiProperty({ ...sideOrNull, description: 'Null: annulled; the command that had started it had no effect.' })
  by!: NonNullable<DeadlineView['stopped']>['by'];

  @ApiProperty({ type: String, nullable: true })
  command!: NonNullable<DeadlineView['stopped']>['command'];
}

export class ClockFaultBody {
  @ApiProperty({ description: '`no-holiday-table`, `no-clock-in-force`.' })
  reason!: string;

  @ApiProperty({ required: false, type: 'integer', description: 'The year without a table of holidays.' })
  year?: number;
}

export class DeadlineBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ format: 'uuid' })
  transfer!: string;

  @ApiProperty({ enum: clockIds, enumName: 'ClockId' })
  clock!: DeadlineView['clock'];

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of a request for assistance.' })
  matter!: number | null;

  @ApiProperty({ enum: [...sides, 'both', 'superior', 'police'], description: 'Who must act in time.' })
  owner!: DeadlineView['owner'];

  @ApiProperty({ enum: sides, description: 'This node’s own side.' })
  side!: DeadlineView['side'];

  @ApiProperty({ type: ClockLengthBody, nullable: true })
  length!: ClockLengthBody | null;

  @ApiProperty({ type: BasisBody, nullable: true })
  basis!: BasisBody | null;

  @ApiProperty(time)
  startedAt!: string;

  @ApiProperty({ type: DueBody, nullable: true, description: 'Null while a pause keeps it open, or with `fault`.' })
  due!: DueBody | null;

  @ApiProperty({ type: Number, nullable: true, description: 'In the unit of `length`; null where a day was set.' })
  left!: number | null;

  @ApiProperty()
  overdue!: boolean;

  @ApiProperty({ type: PausedBody, nullable: true })
  paused!: PausedBody | null;

  @ApiProperty({ type: StoppedBody, nullable: true })
  stopped!: StoppedBody | null;

  @ApiProperty({ type: ClockFaultBody, nullable: true, description: 'Why nobody can say when it ends.' })
  fault!: ClockFaultBody | null;
}

export class DeadlineListBody {
  @ApiProperty({ type: DeadlineBody, isArray: true })
  items!: readonly DeadlineBody[];
}

export class ClosedBody {
  @ApiProperty(time)
  at!: string;

  @ApiProperty({ ...sideOrNull, description: 'Whose command stopped the clock.' })
  by!: NonNullable<SupervisionItemView['closed']>['by'];

  @ApiProperty({ type: String, nullable: true })
  command!: NonNullable<SupervisionItemView['closed']>['command'];

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The supervisor who closed it by hand.' })
  person!: string | null;

  @ApiProperty({ type: String, nullable: true })
  note!: string | null;
}

export class SupervisionItemBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ format: 'uuid' })
  transfer!: string;

  @ApiProperty({ enum: supervisionKinds })
  kind!: SupervisionKind;

  @ApiProperty({ type: DeadlineBody, nullable: true, description: 'Null for a refused message.' })
  clock!: DeadlineBody | null;

  @ApiProperty({ type: String, nullable: true, description: 'Id of the refused message.' })
  message!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Error code of the refusal.' })
  code!: string | null;

  @ApiProperty(time)
  openedAt!: string;

  @ApiProperty({ type: ClosedBody, nullable: true })
  closed!: ClosedBody | null;
}

export class SupervisionItemListBody {
  @ApiProperty({ type: SupervisionItemBody, isArray: true })
  items!: readonly SupervisionItemBody[];
}

export class ReminderEndedBody {
  @ApiProperty(time)
  at!: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'Null: the clock was stopped.' })
  person!: string | null;
}

export class ReminderBody {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: Object.keys(roles), enumName: 'Role' })
  role!: Role;

  @ApiProperty({ ...time, description: 'The time for which it was set.' })
  at!: string;

  @ApiProperty()
  clock!: DeadlineBody;

  @ApiProperty({ type: ReminderEndedBody, nullable: true })
  ended!: ReminderEndedBody | null;
}

export class ReminderListBody {
  @ApiProperty({ type: ReminderBody, isArray: true })
  items!: readonly ReminderBody[];
}
