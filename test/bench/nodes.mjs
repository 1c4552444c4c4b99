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
const { randomBytes } = require('node:crypto');

export { agreementFile };
export const sender = 'jinshan.310116';
export const receiver = 'pinghu.330482';
const password = randomBytes(16).toString('hex');

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
  await prepareNodes(dir, specs, agreement(), (spec) => [
    { login: 'officer', password, name: '执法人员甲', roles: ['handler'], unit: spec.unit },
  ]);
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

/** Two running nodes, with the sender's officer signed in. */
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
  const { accessToken, personId } = await signIn(url);
  return {
    url,
    token: accessToken,
    personId,
    readyMs: Object.fromEntries(nodes.map(({ node, readyMs }) => [node.spec.node, readyMs])),
    pids: { sender: nodes[0].node.pid, receiver: nodes[1].node.pid },
    stop: async () => {
      await Promise.all(nodes.map(({ node }) => node.stop()));
    },
  };
}

async function signIn(url) {
  const client = new ApiClient(url);
  const { body } = await client.post('/session', { login: 'officer', password });
  const [, claims] = body.accessToken.split('.');
  return { accessToken: body.accessToken, personId: JSON.parse(Buffer.from(claims, 'base64url').toString()).sub };
}

/** A lead as an officer has it ready to send: sample case S1 without its files. */
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
    state: 'DRAFT',
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
    const numbered = { ...draft, number: nextNumber(draft.number) };
    return [id, uuidv7(Date.now(), randomBytes(10)), ...Object.values(numbered)];
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
