import { Access } from '@jieqiao/access';
import { AuditLog } from '@jieqiao/audit';
import { parseCheckpointBody, parseNote } from '@jieqiao/core';
import { AgreementBook, queueState } from '@jieqiao/delivery';
import { Transfers } from '@jieqiao/exchange';
import { Metrics, NodeConfig } from '@jieqiao/platform';
import { type DynamicModule, Module } from '@nestjs/common';
import type { Gateway } from './gateway';
import { type HealthChecks, healthChecks } from './http/health/health.controller';
import { httpModule } from './http/http.module';

@Module({})
class AppModule {}

/** The composition root's Nest side: hands the parts of an opened `Gateway` to the controllers. */
export function appModule(gateway: Gateway, metrics: Metrics): DynamicModule {
  const checks: HealthChecks = {
    database: () => gateway.db.ping(),
    log: async () => {
      if (gateway.audit.failure !== null) throw gateway.audit.failure;
    },
  };
  const queue = () => gateway.db.read(queueState);
  metrics.gauge('outbox_queued', 'Envelopes that wait for their receipt.', async () => (await queue()).queued);
  metrics.gauge('lanes_in_trouble', 'Lanes that wait after a failure.', async () => (await queue()).lanesInTrouble);
  metrics.gauge('log_size', 'Entries under the latest checkpoint.', async () => {
    const checkpoint = await gateway.audit.checkpoint();
    return checkpoint === null ? 0 : parseCheckpointBody(parseNote(checkpoint).text).size;
  });
  const parts = [
    { provide: NodeConfig, useValue: gateway.config },
    { provide: Access, useValue: gateway.access },
    { provide: Transfers, useValue: gateway.transfers },
    { provide: AgreementBook, useValue: gateway.agreements },
    { provide: AuditLog, useValue: gateway.audit },
    { provide: Metrics, useValue: metrics },
    { provide: healthChecks, useValue: checks },
  ];
  return { module: AppModule, imports: [httpModule(parts)] };
}
