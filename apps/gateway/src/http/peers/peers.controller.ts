import { GatewayError } from '@jieqiao/core';
import { Peers } from '@jieqiao/delivery';
import { Controller, Get, Header, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Permit } from '../auth.guard';
import { IdPipe } from '../headers';
import { Answers, NeedsSession } from '../openapi';
import { PeerBody, PeerListBody, PeerTestBody, TestEnvelopeBody, WarningListBody, warningsOf } from './peers.dto';

/** A test opens connections, and a test envelope stays in the chain for ever: neither is wanted by the hundred. */
const testEveryMs = 5_000;

@ApiTags('peers')
@NeedsSession()
@Controller('api/v1')
export class PeersController {
  /** When a test of a peer was last begun. Only peers that exist get here, and those are few. */
  private readonly begun = new Map<string, number>();

  constructor(private readonly peers: Peers) {}

  @Get('peers')
  @Permit('peer.read')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'The other parties of this node’s agreements, and how they stand',
    operationId: 'listPeers',
  })
  @Answers({ 200: PeerListBody })
  async list(): Promise<PeerListBody> {
    return { items: await this.peers.list() };
  }

  @Get('peers/:node')
  @Permit('peer.read')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'One peer', operationId: 'getPeer' })
  @Answers({ 200: PeerBody }, 'NOT_FOUND')
  get(@Param('node') node: string): Promise<PeerBody> {
    return this.peers.get(node);
  }

  @Post('peers/:node/test')
  @HttpCode(200)
  @Permit('peer.test')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Walk every hop of the way to a peer', operationId: 'testPeer' })
  @Answers({ 200: PeerTestBody }, 'NOT_FOUND', 'TOO_MANY_REQUESTS')
  async test(@Param('node') node: string): Promise<PeerTestBody> {
    await this.pace(node, 'test');
    return { hops: await this.peers.test(node) };
  }

  @Post('peers/:node/test-envelope')
  @HttpCode(202)
  @Permit('peer.test')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Send a test envelope: the whole way, with nothing in it', operationId: 'sendTestEnvelope' })
  @Answers(
    { 202: TestEnvelopeBody },
    'NOT_FOUND',
    'TOO_MANY_REQUESTS',
    'AGREEMENT_MISSING',
    'AGREEMENT_NOT_IN_FORCE',
    'CERTIFICATE_REFUSED',
    'WRONG_STATE',
  )
  async sendTestEnvelope(@Param('node') node: string): Promise<TestEnvelopeBody> {
    await this.pace(node, 'test-envelope');
    return this.peers.testEnvelopeState(await this.peers.sendTestEnvelope(node));
  }

  @Get('peers/:node/test-envelope/:jti')
  @Permit('peer.test')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Where a test envelope stands', operationId: 'getTestEnvelope' })
  @Answers({ 200: TestEnvelopeBody }, 'NOT_FOUND')
  async testEnvelope(@Param('node') node: string, @Param('jti', IdPipe) jti: string): Promise<TestEnvelopeBody> {
    const state = await this.peers.testEnvelopeState(jti);
    if (state.peer !== node) throw new GatewayError('NOT_FOUND', {});
    return state;
  }

  @Get('node/warnings')
  @Permit('peer.read')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'What runs out within 30 days, or has', operationId: 'listWarnings' })
  @Answers({ 200: WarningListBody })
  async warnings(): Promise<WarningListBody> {
    return { items: warningsOf(await this.peers.expiries()) };
  }

  /** @throws GatewayError NOT_FOUND, TOO_MANY_REQUESTS {retryAfter: seconds} */
  private async pace(node: string, what: string): Promise<void> {
    await this.peers.get(node);
    const key = `${what} ${node}`;
    const waitMs = (this.begun.get(key) ?? Number.NEGATIVE_INFINITY) + testEveryMs - performance.now();
    if (waitMs > 0) throw new GatewayError('TOO_MANY_REQUESTS', { retryAfter: Math.ceil(waitMs / 1_000) });
    this.begun.set(key, performance.now());
  }
}
