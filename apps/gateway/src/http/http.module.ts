import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { AgreementsController } from './agreements/agreements.controller';
import { AuthGuard } from './auth.guard';
import { CataloguesController } from './catalogues/catalogues.controller';
import { DeadlinesController } from './deadlines/deadlines.controller';
import { FilingsController } from './filings/filings.controller';
import { HealthController } from './health/health.controller';
import { LogController } from './log/log.controller';
import { NumbersController } from './numbers/numbers.controller';
import { PeersController } from './peers/peers.controller';
import { RegionsController } from './regions/regions.controller';
import { SessionController } from './session/session.controller';
import { TimestampController } from './timestamp/timestamp.controller';
import { EvidenceController } from './transfers/evidence.controller';
import { TransfersController } from './transfers/transfers.controller';

@Module({})
class HttpModule {}

/** What people's clients reach. `parts`: Access, Transfers, Deadlines, DocumentNumbers, AgreementBook, Peers, AuditLog, Metrics, … */
export function httpModule(parts: Provider[]): DynamicModule {
  return {
    module: HttpModule,
    // For those few routes that anyone may call and that say so; the rest have a session.
    imports: [ThrottlerModule.forRoot([{ limit: 60, ttl: 60_000 }])],
    controllers: [
      SessionController,
      TransfersController,
      EvidenceController,
      DeadlinesController,
      NumbersController,
      FilingsController,
      AgreementsController,
      CataloguesController,
      RegionsController,
      PeersController,
      LogController,
      TimestampController,
      HealthController,
    ],
    providers: [...parts, { provide: APP_GUARD, useClass: AuthGuard }],
  };
}
