import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Access, PersonRow, SessionRow } from '@jieqiao/access';
import { AuditLog } from '@jieqiao/audit';
import { type Agreement, digestOf, GatewayError, powersOf } from '@jieqiao/core';
import {
  AgreementBook,
  AgreementRow,
  AnnouncementRow,
  BlobIntake,
  CrlBook,
  CrlRow,
  Hello,
  InboxRow,
  LaneRow,
  Lanes,
  OutboxRow,
  PeerStateRow,
  Peers,
} from '@jieqiao/delivery';
import {
  ActQuotaRow,
  BundleRow,
  blobUse,
  Casework,
  CatalogueBook,
  ClockRow,
  Clocks,
  ContentAccess,
  ContentAccessRow,
  Deadlines,
  DocumentNumberRow,
  DocumentNumbers,
  DocumentRow,
  Evaluation,
  EvidenceRow,
  FilingRow,
  Filings,
  FilingTagRow,
  IdempotencyRow,
  laneCallbacks,
  type NumberPatterns,
  numberPatterns,
  PersonalData,
  PersonalDataRow,
  ReceiveEnvelope,
  ReminderRow,
  recognitionAgreement,
  SameAct,
  Scheduler,
  SendTransfer,
  SupervisionItemRow,
  TransferRow,
  Transfers,
} from '@jieqiao/exchange';
import {
  BlobStore,
  Database,
  type KeyRing,
  KeyStore,
  LeaseRow,
  LiveKeys,
  type Logger,
  type NodeConfig,
  Vault,
} from '@jieqiao/platform';
import { type CatalogueSet, chinaDay, holdsOn, type RegionSet, readRegions } from '@jieqiao/recognition';
import { PeerRefusals } from './peer/peer-refusals';

/** Every table of every lib. */
export const entities = [
  ActQuotaRow,
  AgreementRow,
  AnnouncementRow,
  BundleRow,
  ClockRow,
  ContentAccessRow,
  CrlRow,
  DocumentNumberRow,
  DocumentRow,
  EvidenceRow,
  FilingRow,
  FilingTagRow,
  IdempotencyRow,
  InboxRow,
  LaneRow,
  LeaseRow,
  OutboxRow,
  PeerStateRow,
  PersonRow,
  PersonalDataRow,
  ReminderRow,
  SessionRow,
  SupervisionItemRow,
  TransferRow,
];

export const gatewayVersion = '0.1.0';

/** Catalogues and region codes come with the software. */
const shipped = join(dirname(require.resolve('@jieqiao/recognition')), '..');

const laneLeaseMs = 30_000;
const lanePollMs = 500;
const schedulerLeaseMs = 30_000;
const schedulerBatch = 100;
const janitorMs = 60_000;
/** For each hop of a peer's test. */
const peerTestMs = 5_000;
/** What a peer has for its answer whether it has filed the same act: a person waits for it. */
const sameActMs = 5_000;
/** How often to look for keys, agreements, catalogues and revocation lists that another process has brought. */
const refreshMs = 2_000;
/** Looking at every blob is dearer than the rest of the tidying. */
const orphansEvery = 60;
const minOrphanAgeMs = 600_000;

/** The parts of a running node, put together. Controllers get them from here; nothing below knows of Nest. */
export class Gateway {
  private janitor: NodeJS.Timeout | null = null;
  private tidyings = 0;
  private watch: NodeJS.Timeout | null = null;
  private refreshing: Promise<void> | null = null;
  private stopping = false;
  private readonly followers: (() => Promise<void>)[] = [];
  /** Which parts of a refresh failed the last time. */
  private readonly notRefreshed = new Set<number>();
  /** Peers that have a lane. */
  private readonly greeted = new Set<string>();
  private regionSet: RegionSet | null = null;

  private constructor(
    readonly config: NodeConfig,
    readonly log: Logger,
    private readonly keyStore: KeyStore,
    private readonly liveKeys: LiveKeys,
    readonly db: Database,
    readonly audit: AuditLog,
    readonly agreements: AgreementBook,
    readonly crls: CrlBook,
    readonly catalogues: CatalogueBook,
    readonly hello: Hello,
    readonly peers: Peers,
    readonly blobs: BlobStore,
    readonly intake: BlobIntake,
    readonly access: Access,
    readonly receiver: ReceiveEnvelope,
    readonly transfers: Transfers,
    readonly casework: Casework,
    readonly content: ContentAccess,
    readonly clocks: Clocks,
    readonly deadlines: Deadlines,
    readonly numbers: DocumentNumbers,
    readonly filings: Filings,
    readonly sameAct: SameAct,
    readonly refusals: PeerRefusals,
    private readonly lanes: Lanes,
    private readonly scheduler: Scheduler,
    readonly now: () => Date,
  ) {}

  /** @throws GatewayError DATABASE_UNAVAILABLE, KEY_UNUSABLE, AGREEMENT_*: the node does not start half */
  static async open(config: NodeConfig, log: Logger, now: () => Date): Promise<Gateway> {
    const store = keyStoreOf(config);
    // A node from before there were such keys gets its first ones.
    if (store.exists) {
      store.ensureDataKey();
      store.ensureActSecret();
    }
    return Gateway.over(config, log, now, (url) => Database.open(url, entities, now));
  }

  /** The same for those who only look at a node, perhaps a running one of another version: its schema stays as it is. */
  static look(config: NodeConfig, log: Logger, now: () => Date): Promise<Gateway> {
    return Gateway.over(config, log, now, (url) => Database.look(url, entities));
  }

  private static async over(
    config: NodeConfig,
    log: Logger,
    now: () => Date,
    connect: (url: string) => Promise<Database>,
  ): Promise<Gateway> {
    const store = keyStoreOf(config);
    const keys = new LiveKeys(store);
    const { nodeId } = keys.current;
    const { patterns, problems } = numberPatterns(config.numbers);
    if (problems.length > 0) throw new GatewayError('CONFIG_INVALID', { problems });
    if (nodeId !== config.node) throw new GatewayError('KEY_UNUSABLE', { reason: 'of-another-node', node: nodeId });
    const db = await connect(config.databaseUrl);
    try {
      return await Gateway.assemble(config, log, store, keys, db, patterns, now);
    } catch (error) {
      await db.close();
      throw error;
    }
  }

  private static async assemble(
    config: NodeConfig,
    log: Logger,
    store: KeyStore,
    live: LiveKeys,
    db: Database,
    patterns: NumberPatterns,
    now: () => Date,
  ): Promise<Gateway> {
    const { node, instance, limits, peer: peerSettings } = config;
    const random = (bytes: number) => randomBytes(bytes);
    const keys = (): KeyRing => live.current;
    const logKeys = { signers: () => agreements.logSigners(now()), known: () => keys().knownLogKeys };
    const audit = new AuditLog(db, { node, keys: logKeys, holder: instance, logger: log, now, random });
    const maxSkewMs = peerSettings.maxClockSkewSeconds * 1_000;
    const crlSettings = { graceMs: peerSettings.crlGraceHours * 3_600_000, maxAheadMs: maxSkewMs };
    const crls = new CrlBook(db, audit, crlSettings, now);
    await crls.refresh();
    const allCrls = () => [...keys().crls, ...crls.all()];
    const agreements: AgreementBook = new AgreementBook(db, audit, keys, allCrls, now, recognitionAgreement);
    await agreements.refresh();
    const catalogues = new CatalogueBook(join(config.dataDir, 'catalogues'), join(shipped, 'catalogues'), db, audit);
    const warn = (message: string, details: Record<string, unknown>) => log.warn(details, message);
    const hello = new Hello({
      db,
      audit,
      agreements,
      crls,
      ownCrls: () => keys().crls,
      software: `jieqiao/${gatewayVersion}`,
      settings: { maxSkewMs, callTimeoutMs: config.lane.callTimeoutMs },
      now,
      warn,
    });
    const blobs = new BlobStore(join(config.dataDir, 'blobs'));
    const personal = new PersonalData(new Vault(keys, random));
    const { revealsPerHour } = limits;
    const content = new ContentAccess({ db, audit, personal, revealsPerHour, now, random });
    const keepMs = config.lane.envelopeHours * 2 * 3_600_000;
    const intake = new BlobIntake(db, blobs, agreements, blobUse, { ...limits, keepMs }, now);

    const laneContext = {
      db,
      audit,
      agreements,
      hello,
      blobs,
      instance,
      settings: {
        leaseMs: laneLeaseMs,
        callTimeoutMs: config.lane.callTimeoutMs,
        backoffMs: config.lane.retryFirstMs,
        maxBackoffMs: config.lane.retryMaxMs,
        pollMs: lanePollMs,
        maxBatch: config.lane.batch,
        helloMs: peerSettings.helloSeconds * 1_000,
      },
      now,
      random: Math.random,
      warn,
    };
    const clocks = new Clocks({ db, audit, random });
    const numbers = new DocumentNumbers({ db, audit, node, patterns, now, random });
    const filings = new Filings({ db, audit, node, now, random });
    const sameAct = new SameAct({
      db,
      audit,
      agreements,
      filings,
      keys,
      settings: {
        timeoutMs: Math.min(sameActMs, config.lane.callTimeoutMs),
        elementsPerHour: peerSettings.actElementsPerHour,
      },
      now,
      random,
      warn,
    });
    const catalogue = () => catalogues.current();
    const evaluation = new Evaluation({ node, keys, catalogue });
    const exchange = {
      db,
      audit,
      agreements,
      personal,
      node,
      keys,
      envelopeLifetime: config.lane.envelopeHours * 3600,
      catalogue,
      evaluation,
      clocks,
      numbers,
      sameAct,
      legalReviewOfLeads: config.casework.legalReviewOfLeads,
      returnCodes: (at: string) => returnCodesOn(catalogue(), chinaDay(at)),
      wake: (peer: string) => lanes.wake(peer),
      now,
      random,
    };
    const casework = new Casework(exchange);
    const sender = new SendTransfer(exchange);
    const work = { ...exchange, casework };
    const callbacks = laneCallbacks(work, (settled) => transfers.settlements.settled(settled));
    const lanes: Lanes = new Lanes(laneContext, callbacks);
    const peers = new Peers({
      db,
      agreements,
      crls,
      hello,
      keys,
      provides: (agreement, from, to) => provides(agreement, from, to, now()),
      timeoutMs: peerTestMs,
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
      personal,
      clocks,
      content,
      sender,
      casework,
      filings,
      sameAct,
      node,
      evaluation,
      limits,
      progressOf,
      now,
      random,
    });
    const receiver = new ReceiveEnvelope({
      ...{ db, audit, agreements, crls, intake, personal, clocks, sameAct, node, catalogue, now, random },
    });
    const deadlines = new Deadlines({ db, audit, now });
    const scheduler = new Scheduler({
      db,
      audit,
      clocks,
      instance,
      settings: { pollMs: config.scheduler.pollSeconds * 1_000, leaseMs: schedulerLeaseMs, batch: schedulerBatch },
      now,
      onOverdue: (transferId) => casework.closeBySilence(transferId),
      warn,
    });
    const access = new Access(
      db,
      (tx, events) => audit.append(tx, events),
      { node, tokenSecret: keys().sessionSecret, ...config.session },
      now,
    );
    const refusals = new PeerRefusals(db, audit, (error) => log.error({ error }, 'peer-refusal-not-logged'));
    return new Gateway(
      config,
      log,
      store,
      live,
      db,
      audit,
      agreements,
      crls,
      catalogues,
      hello,
      peers,
      blobs,
      intake,
      access,
      receiver,
      transfers,
      casework,
      content,
      clocks,
      deadlines,
      numbers,
      filings,
      sameAct,
      refusals,
      lanes,
      scheduler,
      now,
    );
  }

  /** Division codes of the country; read when first asked for. */
  get regions(): RegionSet {
    this.regionSet ??= readRegions(readFileSync(join(shipped, 'regions/regions.cn.json')));
    return this.regionSet;
  }

  /** Starts the workers. What was under way when the process ended goes on from the database. */
  async start(): Promise<void> {
    // Without catalogues and regions nothing could be judged: the node does not start half.
    this.catalogues.current();
    void this.regions;
    await this.db.transaction((tx) =>
      this.audit.append(tx, [{ event: 'node.started', subject: { version: gatewayVersion } }]),
    );
    this.audit.start();
    this.agreements.onChange = () => void this.refresh();
    await this.refresh();
    this.scheduler.start();
    this.watch = setInterval(() => void this.refresh(), refreshMs);
    this.janitor = setInterval(() => void this.tidy(), janitorMs);
  }

  get keys(): KeyRing {
    return this.liveKeys.current;
  }

  /** Has something done whenever keys, agreements or catalogues may have changed, or the time has come for what they say. */
  follow(change: () => Promise<void>): void {
    this.followers.push(change);
  }

  /**
   * Takes up what has changed since: keys, revocation lists and catalogues in files, agreements in the database, and the
   * dates in them. Whatever can't be read is logged, and the node goes on with what it has.
   */
  async refresh(): Promise<void> {
    // One look at a time; who asks meanwhile may have changed something after it, and gets another.
    while (this.refreshing !== null) await this.refreshing;
    this.refreshing = this.takeUpChanges().finally(() => {
      this.refreshing = null;
    });
    await this.refreshing;
  }

  private async takeUpChanges(): Promise<void> {
    if (this.stopping) return;
    // Keys first: an agreement that names a new key comes after it.
    const parts = [
      async () => this.liveKeys.refresh(),
      () => this.crls.refresh(),
      () => this.agreements.refresh(),
      () => this.catalogues.refresh(),
      ...this.followers,
      async () => this.openLanes(),
    ];
    for (const [i, part] of parts.entries()) {
      try {
        await part();
        this.notRefreshed.delete(i);
      } catch (error) {
        // What fails every two seconds is told once.
        if (!this.notRefreshed.has(i)) this.log.error({ error }, 'refresh-failed');
        this.notRefreshed.add(i);
      }
    }
  }

  private openLanes(): void {
    const peers = this.agreements.peers(this.now()).filter((peer) => !this.greeted.has(peer));
    for (const peer of peers) {
      this.greeted.add(peer);
      this.lanes.wake(peer);
    }
  }

  /** Stops taking work, finishes what is under way, and closes the database. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.janitor) clearInterval(this.janitor);
    if (this.watch) clearInterval(this.watch);
    this.agreements.onChange = () => undefined;
    await this.refreshing;
    await this.scheduler.stop();
    await this.lanes.stop();
    this.sameAct.close();
    await this.refusals.flush();
    await this.audit.stop();
    await this.db.close();
  }

  private async tidy(): Promise<void> {
    try {
      await this.intake.sweep();
      if (this.tidyings++ % orphansEvery === 0) {
        // By the files' own times, which are the machine's.
        await this.intake.removeOrphans(new Date(Date.now() - minOrphanAgeMs));
      }
      await this.access.sweepSessions(this.now());
      await this.renewRevocationLists();
    } catch (error) {
      this.log.error({ error }, 'tidying-failed');
    }
  }

  /** Only where the root's key has been left with the node; elsewhere people do it, and are told when it is due. */
  private async renewRevocationLists(): Promise<void> {
    const { node } = this.config;
    for (const crl of await this.keyStore.refreshCrls(this.now())) {
      const subject = { digest: digestOf(crl.raw), number: crl.number, peer: node };
      await this.db.transaction((tx) => this.audit.append(tx, { event: 'crl.taken', subject }));
    }
  }
}

const keyStoreOf = (config: NodeConfig): KeyStore => new KeyStore(join(config.dataDir, 'keys'));

/** The reason codes of a return that the catalogues have on a Chinese day. */
function returnCodesOn({ returnCodes }: CatalogueSet, day: string): string[] {
  return returnCodes.filter((row) => holdsOn(row, day)).map(({ code }) => code);
}

/** Whether an agreement has terms for transfers from one node to another, or to those whose powers they hold. */
function provides(agreement: Agreement, from: string, to: string, at: Date): boolean {
  const holder = (node: string) => powersOf(agreement.trust, node, at)?.node;
  const { directions } = recognitionAgreement(agreement).terms;
  return directions.some((direction) => holder(direction.from) === from && holder(direction.to) === to);
}
