import { Access, requirePermission } from '@jieqiao/access';
import { GatewayError } from '@jieqiao/core';
import { Peers } from '@jieqiao/delivery';
import { Metrics, NodeConfig } from '@jieqiao/platform';
import { Controller, Get, Header, Inject, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bearerToken, Public } from '../auth.guard';
import { clock } from '../clock';
import { type WarningBody, warningsOf } from '../peers/peers.dto';

/** Each check resolves while its part works and rejects when it doesn't. */
export type HealthChecks = Readonly<Record<string, () => Promise<unknown>>>;
export const healthChecks = Symbol('healthChecks');

interface Health {
  status: 'ok' | 'warnings';
  warnings: WarningBody[];
  /** Only there where the node plays at another time: that time, ISO-8601 UTC. */
  demonstrationClock?: string;
}

const checkTimeoutMs = 2_000;
const loopback = /^(127\.|::1$|::ffff:127\.)/;

@ApiExcludeController()
@Controller()
@Public()
export class HealthController {
  constructor(
    @Inject(healthChecks) private readonly checks: HealthChecks,
    private readonly metrics: Metrics,
    private readonly access: Access,
    private readonly peers: Peers,
    private readonly config: NodeConfig,
    @Inject(clock) private readonly now: () => Date,
  ) {}

  /** For those who watch over the node: what runs out soon, and whether its time is true. Fingerprints, ids and dates. */
  @Get('health')
  @Header('cache-control', 'no-store')
  async health(): Promise<Health> {
    const warnings = warningsOf(await this.peers.expiries());
    if (this.config.demonstration.clockFile !== '') {
      return { status: 'warnings', warnings, demonstrationClock: this.now().toISOString() };
    }
    return { status: warnings.length === 0 ? 'ok' : 'warnings', warnings };
  }

  /** The process runs and answers. */
  @Get('health/live')
  @Header('cache-control', 'no-store')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** It can do its work. @throws NOT_READY {failing} */
  @Get('health/ready')
  @Header('cache-control', 'no-store')
  async ready(): Promise<{ status: 'ok' }> {
    const names = Object.keys(this.checks);
    const failing = (await Promise.all(names.map((name) => passes(this.checks[name]!)))).flatMap((ok, i) =>
      ok ? [] : [names[i]!],
    );
    if (failing.length > 0) throw new GatewayError('NOT_READY', { failing });
    return { status: 'ok' };
  }

  /** Prometheus' text format: for a collector on this machine, or for those who may see the node's state. */
  @Get('metrics')
  async expose(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    // What came through a proxy is from elsewhere, whatever the socket's address says.
    const local = loopback.test(request.socket.remoteAddress ?? '') && request.headers['x-forwarded-for'] === undefined;
    if (!local) requirePermission(this.access.identify(bearerToken(request)).person, 'node.metrics');
    reply.type(this.metrics.contentType).send(await this.metrics.expose());
  }
}

async function passes(check: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), checkTimeoutMs);
  });
  try {
    return await Promise.race([check().then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
