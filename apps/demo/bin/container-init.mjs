#!/usr/bin/env node
// Prepares the two nodes of docker-compose.yml in their volumes: keys, settings, accounts, and an agreement signed by
// both. Done again, it changes nothing. Arguments: NODE=DIRECTORY,GRPC-HOST:PORT,BLOB-HOST:PORT for each node.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { agreementFileBytes, draftAgreement, makeCard, signAgreement } = require('@jieqiao/core');
const { KeyStore } = require('@jieqiao/platform');

const authorities = {
  'pinghu.330482': { authority: '平湖市综合行政执法局', unit: '新埭中队' },
  'jinshan.310116': { authority: '上海市金山区城市管理行政执法局', unit: '枫泾镇综合行政执法队' },
};
/** Who may sign in at each node. */
const accounts = [
  { login: 'handler', name: '执法人员甲', roles: ['handler'], cert: '01' },
  { login: 'handler2', name: '执法人员乙', roles: ['handler'], cert: '02' },
  { login: 'squad', name: '中队负责人', roles: ['squad-lead'], cert: '03' },
  { login: 'legal', name: '法制审核员', roles: ['legal-reviewer'], cert: '04', qualifiedSince: '2018-09-01' },
  { login: 'head', name: '机关负责人', roles: ['head'] },
  { login: 'seal', name: '印章管理员', roles: ['seal-keeper'] },
  { login: 'clerk', name: '收文员', roles: ['clerk'] },
  { login: 'supervisor', name: '执法监督员', roles: ['supervisor'] },
  { login: 'admin', name: '系统管理员', roles: ['administrator'] },
  { login: 'auditor', name: '安全审计员', roles: ['security-auditor'] },
];

function nodeFrom(argument) {
  const [, node, dir, grpc, blobs] = /^([^=]+)=([^,]+),([^,]+),([^,]+)$/.exec(argument) ?? [];
  if (!authorities[node])
    throw new Error(`not NODE=DIRECTORY,GRPC-HOST:PORT,BLOB-HOST:PORT of a known node: ${argument}`);
  return { node, dir, endpoints: { grpc, blobs: `https://${blobs}` }, ...authorities[node] };
}

/** Whole or not at all, and never over what is there. */
function writeOnce(file, content) {
  if (existsSync(file)) return false;
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return true;
}

const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
const nodes = process.argv.slice(2).map(nodeFrom);
if (nodes.length !== 2) throw new Error('two nodes are needed');

const keys = new Map();
for (const { node, dir, authority, unit, endpoints } of nodes) {
  const store = new KeyStore(join(dir, 'keys'));
  const hosts = ['localhost', '127.0.0.1', endpoints.grpc.replace(/:\d+$/, '')];
  if (!store.exists) await store.create({ node, authority, hosts: [...new Set(hosts)], now: new Date() });
  keys.set(node, store.load());
  writeOnce(join(dir, 'config.json'), json({ node, dataDir: '.' }));
  const people = accounts.map(({ cert, ...person }) => ({
    ...person,
    ...(cert ? { certNo: `${node.split('.')[1]}000${cert}` } : {}),
    unit,
    password: randomBytes(12).toString('base64url'),
  }));
  writeOnce(join(dir, 'people.json'), json(people));
}

const [first, second] = nodes.map(({ dir }) => join(dir, 'agreement.json'));
// Stopped between the two, the second gets the first one's copy, not another text under the same version.
if (!existsSync(first)) writeOnce(first, existsSync(second) ? readFileSync(second) : signedAgreement());
writeOnce(second, readFileSync(first));

function signedAgreement() {
  const terms = fileURLToPath(new URL('../../../test/samples/agreement-terms.json', import.meta.url));
  const agreement = draftAgreement({
    id: 'pinghu-jinshan',
    title: '平湖金山跨域执法互认协议（演示）',
    // From before the sample cases until long after the certificates.
    effective: { from: '2022-01-01T00:00:00.000Z', to: '2052-01-01T00:00:00.000Z' },
    parties: nodes.map(({ node, authority, endpoints }) => {
      const { roots, logs } = keys.get(node);
      return makeCard({ node, authority, roots, logKey: logs[0].privateKey, endpoints });
    }),
    terms: JSON.parse(readFileSync(terms, 'utf8')),
  });
  const signatures = nodes.map(({ node }) => ({ node, jws: signAgreement(agreement, keys.get(node).seals[0]) }));
  return agreementFileBytes({ agreement, signatures });
}

for (const { node, dir } of nodes) {
  for (const { login, password } of JSON.parse(readFileSync(join(dir, 'people.json'), 'utf8'))) {
    console.log(`${node}  ${login.padEnd(10)} ${password}`);
  }
}
