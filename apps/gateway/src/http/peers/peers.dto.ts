import { type ErrorCode, errorCodes } from '@jieqiao/core';
import {
  type Expiry,
  expiringThings,
  type HopResult,
  hops,
  type PeerView,
  type TestEnvelopeState,
} from '@jieqiao/delivery';
import { ApiProperty } from '@nestjs/swagger';

const time = { format: 'date-time' } as const;
const timeOrNull = { type: 'string', format: 'date-time', nullable: true } as const;
const whole = { type: 'integer' } as const;
const wholeOrNull = { type: 'integer', nullable: true } as const;
const error = { enum: errorCodes, enumName: 'ErrorCode' } as const;

export class PeerAgreementBody {
  @ApiProperty()
  id!: string;

  @ApiProperty(whole)
  version!: number;

  @ApiProperty()
  digest!: PeerView['agreement']['digest'];

  @ApiProperty({ enum: ['in-force', 'to-come', 'ended'] })
  state!: PeerView['agreement']['state'];

  @ApiProperty(time)
  from!: string;

  @ApiProperty({ ...time, description: 'Its own end, or the beginning of the version that follows.' })
  until!: string;
}

export class PeerLaneBody {
  @ApiProperty({ enum: ['idle', 'delivering', 'waiting'] })
  state!: PeerView['lane']['state'];

  @ApiProperty({ ...whole, description: 'Envelopes without receipt.' })
  queued!: number;

  @ApiProperty(timeOrNull)
  oldestAt!: string | null;

  @ApiProperty({ ...whole, description: 'Failed attempts in a row.' })
  attempts!: number;

  @ApiProperty({ ...error, nullable: true })
  lastError!: ErrorCode | null;

  @ApiProperty(timeOrNull)
  nextAttemptAt!: string | null;
}

export class PeerHelloBody {
  @ApiProperty({ ...timeOrNull, description: 'The last Hello of either side.' })
  seenAt!: string | null;

  @ApiProperty({ ...timeOrNull, description: 'When the clocks were compared.' })
  measuredAt!: string | null;

  @ApiProperty({ ...wholeOrNull, description: 'The peer’s clock less this node’s, milliseconds.' })
  skewMs!: number | null;

  @ApiProperty({ ...wholeOrNull, description: 'Time of that Hello there and back, milliseconds.' })
  rttMs!: number | null;

  @ApiProperty({ type: 'string', nullable: true })
  software!: string | null;

  @ApiProperty({ ...error, nullable: true })
  error!: ErrorCode | null;

  @ApiProperty(timeOrNull)
  errorAt!: string | null;
}

export class PeerCertificateBody {
  @ApiProperty()
  fingerprint!: NonNullable<PeerView['certificate']>['fingerprint'];

  @ApiProperty(time)
  notAfter!: string;

  @ApiProperty({ ...whole, description: 'Below zero: it has expired.' })
  daysLeft!: number;
}

export class PeerCrlBody {
  @ApiProperty(whole)
  number!: number;

  @ApiProperty(time)
  thisUpdate!: string;

  @ApiProperty(time)
  nextUpdate!: string;
}

export class PeerBody implements PeerView {
  @ApiProperty()
  node!: string;

  @ApiProperty()
  authority!: string;

  @ApiProperty({ enum: ['fine', 'unused', 'wrong'], description: '`unused`: nothing has ever gone either way.' })
  standing!: PeerView['standing'];

  @ApiProperty({ ...error, isArray: true })
  problems!: ErrorCode[];

  @ApiProperty({ type: PeerAgreementBody })
  agreement!: PeerAgreementBody;

  @ApiProperty({
    enum: ['equal', 'differ', 'unknown'],
    description: 'Whether both sides hold the same newest versions.',
  })
  versions!: PeerView['versions'];

  @ApiProperty({ type: PeerLaneBody })
  lane!: PeerLaneBody;

  @ApiProperty({ type: PeerHelloBody })
  hello!: PeerHelloBody;

  @ApiProperty({ type: PeerCertificateBody, nullable: true })
  certificate!: PeerCertificateBody | null;

  @ApiProperty({ type: PeerCrlBody, isArray: true })
  crls!: PeerCrlBody[];
}

export class PeerListBody {
  @ApiProperty({ type: PeerBody, isArray: true })
  items!: PeerBody[];
}

export class HopBody implements HopResult {
  @ApiProperty({ enum: hops })
  hop!: string;

  @ApiProperty({
    enum: ['fine', 'unused', 'wrong', 'unchecked'],
    description: '`unused`: there is nothing of the kind. `unchecked`: an earlier hop is in the way.',
  })
  state!: HopResult['state'];

  @ApiProperty({ description: 'What was found; with the hop it names cause and remedy.' })
  code!: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  params!: HopResult['params'];
}

export class PeerTestBody {
  @ApiProperty({ type: HopBody, isArray: true })
  hops!: HopBody[];
}

export class TestEnvelopeBody implements TestEnvelopeState {
  @ApiProperty({ format: 'uuid' })
  jti!: string;

  @ApiProperty()
  peer!: string;

  @ApiProperty({ enum: ['queued', 'received', 'refused'] })
  state!: TestEnvelopeState['state'];

  @ApiProperty({ ...error, nullable: true })
  refusal!: ErrorCode | null;

  @ApiProperty(time)
  queuedAt!: string;

  @ApiProperty(timeOrNull)
  settledAt!: string | null;

  @ApiProperty(whole)
  attempts!: number;

  @ApiProperty({ ...error, nullable: true })
  lastError!: ErrorCode | null;

  @ApiProperty(timeOrNull)
  nextAttemptAt!: string | null;
}

export class WarningBody {
  @ApiProperty({ enum: expiringThings })
  what!: Expiry['what'];

  @ApiProperty({ description: 'A fingerprint, a node, an agreement’s id or an authority’s name.' })
  name!: string;

  @ApiProperty(time)
  until!: string;

  @ApiProperty({ ...whole, description: 'Below zero: it is over.' })
  daysLeft!: number;

  @ApiProperty({ type: 'integer', enum: [0, 1, 7, 30], description: 'At most so many days are left; 0: none.' })
  threshold!: number;
}

export class WarningListBody {
  @ApiProperty({ type: WarningBody, isArray: true })
  items!: WarningBody[];
}

export function warningsOf(expiries: readonly Expiry[]): WarningBody[] {
  return expiries.flatMap(({ warning, ...expiry }) => (warning === null ? [] : [{ ...expiry, threshold: warning }]));
}
