import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { startProcess } from './environment.mjs';
import { peakRss } from './measure.mjs';
import { agreementFile, databaseUrlOf, insertDrafts, leadDraft, makeNodes, makeSchema, startNodes } from './nodes.mjs';

/**
 * Signed exchanges of two nodes on one engine, each setting between two runs of the floor, so that whatever else the
 * machine does falls on both.
 * @param database null for the embedded engine, else what `durableMysql` gives
 */
export async function measureExchanges(cleanup, dir, database, plan, say) {
  const urls = async (name) =>
    database
      ? [await database.schema(), await database.schema()]
      : [`sqlite:${join(dir, `${name}-sender.sqlite`)}`, `sqlite:${join(dir, `${name}-receiver.sqlite`)}`];
  const specs = await makeNodes(join(dir, 'nodes'), database ? await urls('node') : undefined);
  const product = await openProduct(cleanup, specs, database, plan);
  const floor = await openFloor(cleanup, specs, join(dir, 'nodes'), await urls('floor'), database);
  const counters = await statementCounters(database);
  try {
    await product.load(plan.warmUp, counters);
    await floor.load(plan.warmUp, counters);
    const settings = [];
    for (const setting of plan.settings) {
      const half = { ...setting, measureMs: setting.measureMs / 2 };
      const before = await floor.load(half, counters);
      const measured = await product.load(setting, counters);
      const after = await floor.load(half, counters);
      const line = { inFlight: setting.inFlight, product: measured, floor: together(before, after) };
      line.cpuRatio = line.product.cpuMicros / line.floor.cpuMicros;
      line.rateRatio = line.product.perSecond / line.floor.perSecond;
      say(line);
      settings.push(line);
    }
    return {
      settings,
      readyMs: product.readyMs,
      peakRss: { sender: peakRss(product.pids.sender), receiver: peakRss(product.pids.receiver) },
      floorPeakRss: { sender: peakRss(floor.pids.sender), receiver: peakRss(floor.pids.receiver) },
    };
  } finally {
    await counters.close();
    await Promise.all([product.close(), floor.close()]);
  }
}

/** Two runs of one setting as one. Latencies are those of the slower run: percentiles can't be added up. */
function together(a, b) {
  const count = a.count + b.count;
  const weigh = (x, y) => (x * a.count + y * b.count) / count;
  const each = (x, y) => Object.fromEntries(Object.keys(x).map((key) => [key, weigh(x[key], y[key])]));
  return {
    inFlight: a.inFlight,
    count,
    seconds: a.seconds + b.seconds,
    perSecond: count / (a.seconds + b.seconds),
    p50Ms: weigh(a.p50Ms, b.p50Ms),
    p99Ms: Math.max(a.p99Ms, b.p99Ms),
    cpuMicros: weigh(a.cpuMicros, b.cpuMicros),
    cpuMicrosBy: each(a.cpuMicrosBy, b.cpuMicrosBy),
    ...(a.statements && b.statements ? { statements: each(a.statements, b.statements) } : {}),
  };
}

/** As many drafts as a run may need at the rate of the runs before; a window ends early where they do not suffice. */
class Supply {
  #rate = 300;

  constructor(databaseUrl, draft) {
    this.databaseUrl = databaseUrl;
    this.draft = draft;
  }

  for({ inFlight, warmUpMs, measureMs }) {
    const rate = inFlight === 1 ? 500 : Math.max(600, 3 * this.#rate);
    return insertDrafts(this.databaseUrl, this.draft, Math.ceil((rate * (warmUpMs + measureMs)) / 1000) + inFlight);
  }

  saw({ inFlight, perSecond }) {
    if (inFlight > 1) this.#rate = perSecond;
  }
}

async function openProduct(cleanup, specs, database, plan) {
  const nodes = await startNodes(cleanup, specs, { execArgv: plan.execArgv ?? [] });
  const driver = startProcess(cleanup, 'driver.mjs');
  const supply = new Supply(databaseUrlOf(specs[0]), leadDraft(nodes.personId));
  const pids = { ...nodes.pids, ...(database ? { database: database.pid } : {}) };
  return {
    pids: nodes.pids,
    readyMs: nodes.readyMs,
    async load(setting, counters) {
      const ids = await supply.for(setting);
      const { url, token } = nodes;
      const request = { type: 'load', url, token, ids, acknowledge: [], pids, ...setting };
      const { ownCpuMicros, ...result } = await counters.around(() => driver.ask(request));
      supply.saw(result);
      return { ...result, driverCpuMicros: ownCpuMicros };
    },
    async close() {
      await nodes.stop();
      await driver.stop();
    },
  };
}

async function openFloor(cleanup, specs, agreementDir, urls, database) {
  await Promise.all(urls.map(makeSchema));
  const person = randomUUID();
  const [sender, receiver] = [startProcess(cleanup, 'floor.mjs'), startProcess(cleanup, 'floor.mjs')];
  const options = (i) => ({
    node: specs[i].node,
    peer: specs[1 - i].node,
    dir: specs[i].dir,
    agreementFile: agreementFile(agreementDir),
    databaseUrl: urls[i],
    person,
  });
  const { port } = await receiver.ask({ type: 'receiver', ...options(1) });
  await sender.ask({ type: 'sender', ...options(0), port });
  const supply = new Supply(urls[0], leadDraft(person));
  const own = { sender: sender.pid, receiver: receiver.pid };
  const pids = { ...own, ...(database ? { database: database.pid } : {}) };
  return {
    pids: own,
    async load(setting, counters) {
      const ids = await supply.for(setting);
      // The floor's sender makes its own load; that CPU time is part of the sender's.
      const { ownCpuMicros, ...result } = await counters.around(() =>
        sender.ask({ type: 'load', ids, pids, ...setting }),
      );
      supply.saw(result);
      return result;
    },
    async close() {
      await sender.stop();
      await receiver.stop();
    },
  };
}

const counted = {
  commits: ['Com_commit'],
  selects: ['Com_select'],
  rowsWritten: ['Handler_write', 'Handler_update'],
  logWrites: ['Innodb_log_writes'],
  received: ['Bytes_received'],
};

/**
 * What a private MariaDB did during a run, per exchange: shows that product and floor write the same rows in as many
 * commits. Counted over the whole run, its warm-up and its end included.
 */
async function statementCounters(database) {
  if (!database?.alone) return { around: (work) => work(), close: async () => {} };
  const connection = await mysql.createConnection({ uri: database.url });
  connection.on('error', () => {}); // the server may be ended first, on Ctrl-C
  const names = Object.values(counted).flat();
  const read = async () => {
    const [rows] = await connection.query('SHOW GLOBAL STATUS WHERE Variable_name IN (?)', [names]);
    return Object.fromEntries(rows.map((row) => [row.Variable_name, Number(row.Value)]));
  };
  return {
    async around(work) {
      const before = await read();
      const result = await work();
      const after = await read();
      const statements = Object.fromEntries(
        Object.entries(counted).map(([name, variables]) => [
          name,
          variables.reduce((sum, variable) => sum + after[variable] - before[variable], 0) / result.total,
        ]),
      );
      return { ...result, statements };
    },
    close: () => connection.end(),
  };
}
