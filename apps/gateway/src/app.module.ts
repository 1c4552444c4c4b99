import { Access } from '@jieqiao/access';
import { AuditLog } from '@jieqiao/audit';
import { parseCheckpointBody, parseNote } from '@jieqiao/core';
import { AgreementBook, type Expiry, Peers, type PeerView, queueState } from '@jieqiao/delivery';
import {
  Casework,
  CatalogueBook,
  ContentAccess,
  Deadlines,
  DocumentNumbers,
  Filings,
  Transfers,
} from '@jieqiao/exchange';
import { Metrics, NodeConfig } from '@jieqiao/platform';
import { type DynamicModule, Module } from '@nestjs/common';
import type { Gateway } from './gateway';
import { type Reference, reference } from './http/catalogues/reference';
import { clock } from './http/clock';
import { type HealthChecks, healthChecks } from './http/health/health.controller';
import { httpModule } from './http/http.module';
import { chinaDate } from './words';

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
  const least = async (of: (expiry: Expiry) => string | null) => {
    const days = new Map<string, number>();
    for (const expiry of await gateway.peers.expiries()) {
      const name = of(expiry);
      if (name !== null) days.set(name, Math.min(expiry.daysLeft, days.get(name) ?? expiry.daysLeft));
    }
    return days;
  };
  metrics.gauges('certificate_days_left', 'Days until the first certificate or list of its kind runs out.', 'use', () =>
    least(({ what }) => (what === 'agreement' ? null : what)),
  );
  metrics.gauges('agreement_days_left', 'Days until an agreement in force ends.', 'agreement', () =>
    least(({ what, name }) => (what === 'agreement' ? name : null)),
  );
  const ofPeers = async (of: (peer: PeerView) => number | null) => {
    const values = (await gateway.peers.list()).map((peer) => [peer.node, of(peer)] as const);
    return new Map(values.filter((entry): entry is readonly [string, number] => entry[1] !== null));
  };
  metrics.gauges('peer_clock_skew_seconds', 'A peer’s clock less this node’s, as last measured.', 'peer', () =>
    ofPeers(({ hello }) => (hello.skewMs === null ? null : hello.skewMs / 1000)),
  );
  metrics.gauges('peer_last_seen_seconds', 'Seconds since the last Hello of or to a peer.', 'peer', () =>
    ofPeers(({ hello }) =>
      hello.seenAt === null ? null : Math.max(0, (gateway.now().getTime() - Date.parse(hello.seenAt)) / 1000),
    ),
  );
  const about: Reference = { today: () => chinaDate(gateway.now()), regions: () => gateway.regions };
  const parts = [
    { provide: NodeConfig, useValue: gateway.config },
    { provide: Access, useValue: gateway.access },
    { provide: Transfers, useValue: gateway.transfers },
    { provide: Casework, useValue: gateway.casework },
    { provide: ContentAccess, useValue: gateway.content },
    { provide: Deadlines, useValue: gateway.deadlines },
    { provide: DocumentNumbers, useValue: gateway.numbers },
    { provide: Filings, useValue: gateway.filings },
    { provide: AgreementBook, useValue: gateway.agreements },
    { provide: CatalogueBook, useValue: gateway.catalogues },
    { provide: reference, useValue: about },
    { provide: Peers, useValue: gateway.peers },
    { provide: AuditLog, useValue: gateway.audit },
    { provide: Metrics, useValue: metrics },
    { provide: healthChecks, useValue: checks },
    { provide: clock, useValue: gateway.now },
  ];
  return { module: AppModule, imports: [httpModule(parts)] };
}
