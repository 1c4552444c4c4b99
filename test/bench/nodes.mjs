import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './environment.mjs';

const require = createRequire(import.meta.url);
const { agreementFile, freePorts, NodeProcess, prepareNodes, signedAgreement } = require(
  join(root, 'apps/demo/dist/nodes.js'),
);
const { ApiClient } = require(join(root, 'apps/demo/dist/api-client.js'));
const { Database, KeyStore } = require('@jieqiao/platform');
const { uuidv7 } = require('@jieqiao/core');
const libsql = require('libsql');
const mysql = require('mysql2/promise');
const { randomBytes, randomUUID } = require('node:crypto');
const { apply } = require(join(root, 'libs/exchange/dist/transfer/apply.js'));
const { newLife } = require(join(root, 'libs/exchange/dist/transfer/life.js'));

export { agreementFile };
export const sender = 'jinshan.310116';
export const receiver = 'pinghu.330482';
const password = randomBytes(16).toString('hex');

/** The steps at home before the seal keeper may send: who does what. */
const homePath = [
  ['handler', 'sign'],
  ['second-handler', 'submit'],
  ['squad-lead', 'endorse'],
  ['legal-reviewer', 'clear'],
  ['head', 'approve'],
];
const roleOf = (who) => (who === 'second-handler' ? 'handler' : who);
const qualified = { certNo: 'legal-0001', qualifiedSince: '2018-09-01' };
const team = [...homePath.map(([who]) => who), 'seal-keeper'].map((who) => ({
  ...{ login: who, name: who, roles: [roleOf(who)] },
  ...(who === 'legal-reviewer' ? qualified : {}),
}));

const terms = () => JSON.parse(readFileSync(join(root, 'test/samples/agreement-terms.json'), 'utf8'));

const agreement = () => ({
  id: 'pinghu-jinshan',
  title: '平湖金山互认协议',
  terms: terms(),
  effective: { from: '2022-01-01T00:00:00.000Z', to: '2100-01-01T00:00:00.000Z' },
});

async function makeSpecs(dir, databaseUrls) {
  mkdirSync(dir, { recursive: true });
  const ports = await freePorts(6);
  return [
    { node: sender, authority: '上海市金山区城市管理行政执法局', unit: '枫泾镇综合行政执法队' },
    { node: receiver, authority: '平湖市综合行政执法局', unit: '新埭中队' },
  ].map((who, i) => ({
    ...who,
    dir: join(dir, who.node),
    ports: { http: ports[3 * i], grpc: ports[3 * i + 1], blobs: ports[3 * i + 2] },
    databaseUrl: databaseUrls?.[i],
  }));
}

/** Keys, settings, agreement and database of two nodes; nothing runs yet. */
export async function makeNodes(dir, databaseUrls) {
  const specs = await makeSpecs(dir, databaseUrls);
  await prepareNodes(dir, specs, agreement(), ({ unit }) => team.map((person) => ({ ...person, password, unit })));
  return specs;
}

/** The keys and the agreement of two nodes that never run. */
export async function makePapers(dir) {
  const specs = await makeSpecs(dir);
  const keys = new Map();
  for (const { node, authority, dir: own } of specs) {
    const store = new KeyStore(join(own, 'keys'));
    await store.create({ node, authority, hosts: ['localhost', '127.0.0.1'], now: new Date() });
    keys.set(node, store.load());
  }
  writeFileSync(agreementFile(dir), signedAgreement(specs, keys, agreement()));
  return specs;
}

/** Two running nodes, with the sender's people signed in; `token` is the seal keeper's, who sends. */
export async function startNodes(cleanup, specs, options = {}) {
  const start = performance.now();
  const nodes = await Promise.all(
    specs.map(async (spec) => {
      const node = await NodeProcess.start(spec, options);
      cleanup.add(() => node.kill());
      return { node, readyMs: performance.now() - start };
    }),
  );
  const url = `http://127.0.0.1:${specs[0].ports.http}`;
  const sessions = {};
  for (const { login } of team) sessions[login] = await signIn(url, login);
  return {
    url,
    token: sessions['seal-keeper'].accessToken,
    officerToken: sessions.handler.accessToken,
    personId: sessions.handler.personId,
    /** Everybody's step until the seal keeper may send. */
    async approve(transferId) {
      const client = new ApiClient(url);
      for (const [who, command] of homePath) {
        client.token = sessions[who].accessToken;
        const headers = { 'idempotency-key': randomUUID() };
        await client.post(`/transfers/${transferId}/commands`, { command }, headers);
      }
    },
    readyMs: Object.fromEntries(nodes.map(({ node, readyMs }) => [node.spec.node, readyMs])),
    pids: { sender: nodes[0].node.pid, receiver: nodes[1].node.pid },
    stop: async () => {
      await Promise.all(nodes.map(({ node }) => node.stop()));
    },
  };
}

async function signIn(url, login) {
  const client = new ApiClient(url);
  const { body } = await client.post('/session', { login, password });
  const [, claims] = body.accessToken.split('.');
  return { accessToken: body.accessToken, personId: JSON.parse(Buffer.from(claims, 'base64url').toString()).sub };
}

/** Stands in a life for the transfer's id until the row has one. */
const anyTransfer = '00000000-0000-7000-8000-000000000000';

/** The life of a lead that all have signed and approved, as the node's own machine makes it. */
function approvedLife({ kind, urgency }, personId) {
  let life = newLife({ transfer: anyTransfer, kind, urgent: urgency === 'urgent', side: 'sender' });
  const at = new Date().toISOString();
  const facts = {
    against: [],
    collectors: [],
    legalReview: true,
    undecidedItems: 0,
    ownCase: null,
    penaltyReview: true,
  };
  const document = `sha256:${'0'.repeat(64)}`;
  for (const [who, command] of [['handler', 'create'], ...homePath]) {
    const actor = { id: who === 'handler' ? personId : randomUUID(), roles: [roleOf(who)], ...qualified };
    const data = command === 'create' ? {} : { document };
    const applied = apply(life, command, data, { actor, at, messageId: 'none', facts });
    if ('code' in applied) throw new Error(`${command}: ${JSON.stringify(applied)}`);
    life = applied.life;
  }
  return JSON.stringify(life);
}

/** A lead as the seal keeper has it before sending, all others having signed: sample case S1 without its files. */
export function leadDraft(personId) {
  const { transfer } = JSON.parse(readFileSync(join(root, 'test/samples/s1.json'), 'utf8'));
  const { schema, id, dossier, kind, number, from, to, evidence, documents, ...data } = transfer;
  const at = new Date().toISOString();
  return {
    direction: 'out',
    kind,
    number,
    title: transfer.cause,
    peer: to.node,
    state: 'PENDING_APPROVAL',
    life: approvedLife(transfer, personId),
    delivery: 'none',
    refusal: null,
    version: 1,
    data: JSON.stringify({ ...data, unit: from.unit }),
    recognition: null,
    bundle_digest: null,
    jti: null,
    author_id: personId,
    created_at: at,
    updated_at: at,
  };
}

let lastNumber = Date.now() % 1e10;

/** The same with another sequence: no two documents bear one number. */
export function nextNumber(number) {
  return number.replace(/\d+号$/, `${++lastNumber}号`);
}

/** Puts `count` copies of a draft straight into a node's table: making drafts is not what is measured. */
export async function insertDrafts(databaseUrl, draft, count) {
  const ids = Array.from({ length: count }, () => uuidv7(Date.now(), randomBytes(10))).sort();
  const columns = ['id', 'dossier_id', ...Object.keys(draft)];
  const insert = `INSERT INTO transfer (${columns.join()}) VALUES `;
  const one = `(${columns.map(() => '?').join()})`;
  const rows = ids.map((id) => {
    const own = {
      ...draft,
      number: nextNumber(draft.number),
      life: draft.life.replace(anyTransfer, id),
    };
    return [id, uuidv7(Date.now(), randomBytes(10)), ...Object.values(own)];
  });
  const db = await openRaw(databaseUrl);
  for (let i = 0; i < rows.length; i += 500) {
    const some = rows.slice(i, i + 500);
    await db.run(insert + some.map(() => one).join(), some.flat());
  }
  await db.close();
  return ids;
}

export async function openRaw(databaseUrl) {
  if (!databaseUrl.startsWith('sqlite:')) {
    const connection = await mysql.createConnection({ uri: databaseUrl, charset: 'utf8mb4' });
    return { run: (sql, values) => connection.query(sql, values), close: () => connection.end() };
  }
  const db = new libsql(databaseUrl.slice('sqlite:'.length));
  db.exec('PRAGMA busy_timeout = 5000');
  return { run: async (sql, values) => db.prepare(sql).run(values), close: async () => db.close() };
}

export const databaseUrlOf = (spec) => spec.databaseUrl ?? `sqlite:${join(spec.dir, 'node.sqlite')}`;

/** Makes the product's tables in an empty database and leaves it. */
export async function makeSchema(databaseUrl) {
  const db = await Database.open(databaseUrl, [], () => new Date());
  await db.close();
}
