import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Access, PersonRow, SessionRow } from '@jieqiao/access';
import { AuditLog } from '@jieqiao/audit';
import { logOrigin } from '@jieqiao/core';
import {
  AgreementBook,
  AgreementRow,
  AnnouncementRow,
  BlobIntake,
  InboxRow,
  LaneRow,
  Lanes,
  OutboxRow,
} from '@jieqiao/delivery';
import {
  BundleRow,
  blobUse,
  EvidenceRow,
  IdempotencyRow,
  laneCallbacks,
  ReceiveEnvelope,
  SendTransfer,
  TransferRow,
  Transfers,
} from '@jieqiao/exchange';
import {
  BlobStore,
  Database,
  KeyStore,
  LeaseRow,
  type Logger,
  type NodeConfig,
  type NodeKeys,
} from '@jieqiao/platform';
import { PeerRefusals } from './peer/peer-refusals';

/** Every table of every lib. */
export const entities = [
  AgreementRow,
  AnnouncementRow,
  BundleRow,
  EvidenceRow,
  IdempotencyRow,
  InboxRow,
  LaneRow,
  LeaseRow,
  OutboxRow,
  PersonRow,
  SessionRow,
  TransferRow,
];

export const gatewayVersion = '0.1.0';

const laneLeaseMs = 30_000;
const lanePollMs = 500;
const janitorMs = 60_000;
/** Looking at every blob is dearer than the rest of the tidying. */
const orphansEvery = 60;
const minOrphanAgeMs = 600_000;

/** The parts of a running node, put together. Controllers get them from here; nothing below knows of Nest. */
export class Gateway {
  private janitor: NodeJS.Timeout | null = null;
  private tidyings = 0;

  private constructor(
    readonly config: NodeConfig,
    readonly log: Logger,
    readonly keys: NodeKeys,
    readonly db: Database,
    readonly audit: AuditLog,
    readonly agreements: AgreementBook,
    readonly blobs: BlobStore,
    readonly intake: BlobIntake,
    readonly access: Access,
    readonly receiver: ReceiveEnvelope,
    readonly transfers: Transfers,
    readonly refusals: PeerRefusals,
    private readonly lanes: Lanes,
  ) {}

  /** @throws GatewayError DATABASE_UNAVAILABLE, KEY_UNUSABLE, AGREEMENT_*: the node does not start half */
  static async open(config: NodeConfig, log: Logger, now: () => Date): Promise<Gateway> {
    const keys = new KeyStore(join(config.dataDir, 'keys')).load();
    const db = await Database.open(config.databaseUrl, entities, now);
    try {
      return await Gateway.assemble(config, log, keys, db, now);
    } catch (error) {
      await db.close();
      throw error;
    }
  }

  private static async assemble(
    config: NodeConfig,
    log: Logger,
    keys: NodeKeys,
    db: Database,
    now: () => Date,
  ): Promise<Gateway> {
    const { node, instance, limits } = config;
    const random = (bytes: number) => randomBytes(bytes);
    const origin = logOrigin(node);
    const audit = new AuditLog(db, { node, origin, signer: keys.log, holder: instance, logger: log, now, random });
    const agreements = new AgreementBook(db, audit, node, now);
    await agreements.load();
    const blobs = new BlobStore(join(config.dataDir, 'blobs'));
    const keepMs = config.lane.envelopeHours * 2 * 3_600_000;
    const intake = new BlobIntake(db, blobs, agreements, blobUse, { ...limits, keepMs }, now);

    const laneContext = {
      db,
      audit,
      agreements,
      blobs,
      identity: keys.tls,
      instance,
      settings: {
        leaseMs: laneLeaseMs,
        callTimeoutMs: config.lane.callTimeoutMs,
        backoffMs: config.lane.retryFirstMs,
        maxBackoffMs: config.lane.retryMaxMs,
        pollMs: lanePollMs,
        maxBatch: config.lane.batch,
      },
      now,
      random: Math.random,
      warn: (message: string, details: Record<string, unknown>) => log.warn(details, message),
    };
    const lanes = new Lanes(
      laneContext,
      laneCallbacks(db, (settled) => transfers.settlements.settled(settled)),
    );
    const sender = new SendTransfer({
      db,
      audit,
      agreements,
      node,
      seal: keys.seal,
      nodeSigner: keys.node,
      envelopeLifetime: config.lane.envelopeHours * 3600,
      wake: (peer) => lanes.wake(peer),
      now,
      random,
    });
    const progressOf = (peer: string, jti: string) => lanes.progress(peer, jti);
    const transfers: Transfers = new Transfers({
      db,
      audit,
      agreements,
      blobs,
      sender,
      node,
      limits,
      progressOf,
      now,
      random,
    });
    const receiver = new ReceiveEnvelope({ db, audit, agreements, intake, node, now, random });
    const access = new Access(
      db,
      (tx, events) => audit.append(tx, events),
      { node, tokenSecret: keys.sessionSecret, ...config.session },
      now,
    );
    const refusals = new PeerRefusals(db, audit, (error) => log.error({ error }, 'peer-refusal-not-logged'));
    return new Gateway(
      config,
      log,
      keys,
      db,
      audit,
      agreements,
      blobs,
      intake,
      access,
      receiver,
      transfers,
      refusals,
      lanes,
    );
  }

  /** Starts the workers. What was under way when the process ended goes on from the database. */
  async start(): Promise<void> {
    await this.db.transaction((tx) =>
      this.audit.append(tx, [{ event: 'node.started', subject: { version: gatewayVersion } }]),
    );
    this.audit.start();
    for (const peer of this.agreements.peers(new Date())) this.lanes.wake(peer);
    this.janitor = setInterval(() => void this.tidy(), janitorMs);
  }

  /** Stops taking work, finishes what is under way, and closes the database. */
  async stop(): Promise<void> {
    if (this.janitor) clearInterval(this.janitor);
    await this.lanes.stop();
    await this.refusals.flush();
    await this.audit.stop();
    await this.db.close();
  }

  private async tidy(): Promise<void> {
    try {
      await this.intake.sweep();
      if (this.tidyings++ % orphansEvery === 0) {
        await this.intake.removeOrphans(new Date(Date.now() - minOrphanAgeMs));
      }
      await this.access.sweepSessions(new Date());
    } catch (error) {
      this.log.error({ error }, 'tidying-failed');
    }
  }
}
