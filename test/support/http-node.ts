import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from '@jieqiao/exchange';
import { createLogger, KeyStore, loadConfig, Metrics, type NodeConfig } from '@jieqiao/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { appModule } from '../../apps/gateway/src/app.module';
import { Gateway } from '../../apps/gateway/src/gateway';
import { createHttpApp } from '../../apps/gateway/src/http/http-app';
import { agreementOf, sealedBy } from './agreement';
import { commandKey, homePath, type Who } from './home-path';

export const password = 'demo password 1';
const sender = { node: 'jinshan.310116', authority: '上海市金山区城市管理行政执法局' };
const receiver = { node: 'pinghu.330482', authority: '平湖市综合行政执法局' };
const sample = (name: string) => JSON.parse(readFileSync(join(__dirname, '../samples', name), 'utf8'));

/** One node with its HTTP API listening, a demo person for each role, and an agreement with a peer that is not there. */
export interface HttpNode {
  gateway: Gateway;
  server: Server;
  url: string;
  log: string[];
  /** An access token of a person with this role. */
  token(who: Who): Promise<string>;
  /** A command over HTTP. */
  command(who: Who, id: string, command: Command, more?: CommandBody): Promise<request.Response>;
  /** Everybody's step over HTTP, until the seal keeper may send. */
  approve(id: string, acknowledge?: readonly string[]): Promise<void>;
  /** What the officer of sample case S1 fills in. */
  caseData: Record<string, unknown>;
  evidenceData: Record<string, unknown>;
  close(): Promise<void>;
}

export interface CommandBody {
  data?: object;
  acknowledge?: readonly string[];
  key?: string;
  headers?: Record<string, string>;
}

export interface HttpNodeOptions {
  config?: (config: NodeConfig) => void;
  /** When the test plays; the clock goes on from there. */
  at?: string;
}

export async function startHttpNode({
  config: adjust,
  at = '2022-08-19T02:00:00.000Z',
}: HttpNodeOptions = {}): Promise<HttpNode> {
  const dir = mkdtempSync(join(tmpdir(), 'http-node-'));
  const shift = Date.parse(at) - Date.now();
  const now = () => new Date(Date.now() + shift);
  const config = loadConfig({
    argv: [],
    env: { JIEQIAO_NODE: sender.node, JIEQIAO_DATA_DIR: join(dir, 'node'), JIEQIAO_HTTP_PORT: '0' },
    cwd: dir,
  });
  adjust?.(config);
  const log: string[] = [];
  const logger = createLogger('info', config.node, { write: (line: string) => void log.push(line) });
  const [mine, theirs] = [new KeyStore(join(config.dataDir, 'keys')), new KeyStore(join(dir, 'peer-keys'))];
  await mine.create({ ...sender, hosts: ['localhost'], now: now() });
  await theirs.create({ ...receiver, hosts: ['localhost'], now: now() });
  const gateway = await Gateway.open(config, logger, now);
  await gateway.agreements.import(
    signedAgreement([
      { ...sender, keys: mine.load() },
      { ...receiver, keys: theirs.load() },
    ]),
  );
  await gateway.start();
  const app: NestFastifyApplication = await createHttpApp(appModule(gateway, new Metrics(config.node)), config, logger);
  await app.listen(0, '127.0.0.1');
  const tokens = new Map<Who, string>();
  const server = app.getHttpServer() as Server;
  const { transfer } = sample('s1.json');
  const { schema, id, dossier, kind, number, from, to, evidence, documents, ...caseData } = transfer;
  const { id: _, seq, fileName, mediaType, bytes, digest, firstHashAt, ...evidenceData } = evidence[0];
  const token: HttpNode['token'] = async (who) => {
    const known = tokens.get(who);
    if (known !== undefined) return known;
    const qualified = who === 'legal-reviewer' ? { certNo: 'legal-0001', qualifiedSince: '2018-09-01' } : {};
    const roles = [who === 'second-handler' ? 'handler' : who] as const;
    await gateway.access.addPerson({ login: who, password, name: who, roles, ...qualified });
    const { accessToken } = await gateway.access.signIn(who, password, 'test');
    tokens.set(who, accessToken);
    return accessToken;
  };
  const command: HttpNode['command'] = async (who, id, command, { key = commandKey(), headers = {}, ...more } = {}) =>
    request(server)
      .post(`/api/v1/transfers/${id}/commands`)
      .set('authorization', `Bearer ${await token(who)}`)
      .set({ 'idempotency-key': key, ...headers })
      .send({ command, ...more });
  return {
    gateway,
    server,
    url: await app.getUrl(),
    log,
    caseData: { ...caseData, unit: from.unit },
    evidenceData,
    token,
    command,
    async approve(id, acknowledge = []) {
      for (const [who, step] of homePath) {
        const { status, body } = await command(who, id, step, step === 'submit' ? { acknowledge } : {});
        if (status !== 200) throw new Error(`${step}: ${status} ${JSON.stringify(body)}`);
      }
    },
    async close() {
      await app.close();
      await gateway.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function signedAgreement(parties: { node: string; authority: string; keys: ReturnType<KeyStore['load']> }[]): Buffer {
  const described = parties.map(({ keys, ...party }) => ({
    ...party,
    root: keys.roots[0]!,
    logKey: keys.logs[0]!.privateKey,
  }));
  const content = agreementOf(described, { terms: sample('agreement-terms.json') });
  return sealedBy(
    content,
    parties.map(({ node, keys }) => ({ node, seal: keys.seals[0]! })),
  );
}
