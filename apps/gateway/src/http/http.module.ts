import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AgreementsController } from './agreements/agreements.controller';
import { AuthGuard } from './auth.guard';
import { HealthController } from './health/health.controller';
import { LogController } from './log/log.controller';
import { SessionController } from './session/session.controller';
import { EvidenceController } from './transfers/evidence.controller';
import { TransfersController } from './transfers/transfers.controller';

@Module({})
class HttpModule {}

/** What people's clients reach. `parts`: Access, Transfers, AgreementBook, AuditLog, Metrics, NodeConfig, healthChecks. */
export function httpModule(parts: Provider[]): DynamicModule {
  return {
    module: HttpModule,
    controllers: [
      SessionController,
      TransfersController,
      EvidenceController,
      AgreementsController,
      LogController,
      HealthController,
    ],
    providers: [...parts, { provide: APP_GUARD, useClass: AuthGuard }],
  };
}
