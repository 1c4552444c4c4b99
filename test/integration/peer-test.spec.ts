import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  type AgreementContent,
  createRoot,
  GatewayError,
  issueCertificate,
  type KeyAndCertificate,
  nodeUrn,
} from '@jieqiao/core';
import { type HopResult, hops } from '@jieqiao/delivery';
import type { PeerNode } from '../support/peer-nodes';
import { quietPorts, TwoNodes, until } from '../support/peer-nodes';

jest.setTimeout(60_000);

const day = 86_400_000;
let two: TwoNodes;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const close of closers.splice(0)) await close();
  await two.close();
});

/** As an administrator tests: by a process that has the node's files, beside the one that runs or instead of it. */
const walk = (from: PeerNode = two.sender, to: string = two.receiver.node): Promise<HopResult[]> =>
  from.gateway.peers.test(to);
const states = (results: HopResult[]) =>
  Object.fromEntries(results.map(({ hop, state, code }) => [hop, `${state} ${code}`]));
const wrongOnes = (results: HopResult[]) =>
  results.flatMap(({ hop, state, code }) => (state === 'wrong' ? [`${hop} ${code}`] : []));

const rootOf = ({ config }: PeerNode): KeyAndCertificate => ({
  privateKeyPem: readFileSync(join(config.dataDir, 'keys/root.key.pem'), 'utf8'),
  certificatePem: readFileSync(join(config.dataDir, 'keys/root.cert.pem'), 'utf8'),
});

async function certificate(root: KeyAndCertificate, urn: string, { from = -1, to = 100 } = {}) {
  const pair = await issueCertificate(root, {
    use: 'node',
    name: { organisation: '测试', commonName: '测试' },
    urn,
    hosts: ['localhost'],
    validity: { notBefore: new Date(Date.now() + from * day), notAfter: new Date(Date.now() + to * day) },
    serial: `0${randomBytes(8).toString('hex').slice(1)}`,
  });
  return { key: pair.privateKeyPem, cert: pair.certificatePem };
}

async function listen(server: Server, port: number): Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  closers.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
}

/** Somebody else at both addresses of the receiver. */
async function inPlaceOfReceiver(make: () => Server): Promise<void> {
  const { grpcPort, blobPort } = two.receiver.config.peer;
  await listen(make(), grpcPort);
  await listen(make(), blobPort);
}

const tls = (options: TlsOptions) => () => createTlsServer({ ALPNProtocols: ['h2', 'http/1.1'], ...options });

describe('the way to a peer', () => {
  it('in order: nothing is wrong, and what is not used is not called wrong', async () => {
    two = await TwoNodes.start();
    const { sender, receiver } = two;
    await until('they have met', async () => (await sender.gateway.peers.get(receiver.node)).hello.measuredAt !== null);
    const results = await walk();
    expect(results.map(({ hop }) => hop)).toEqual([...hops]);
    expect(states(results)).toEqual({
      agreement: 'fine IN_FORCE',
      direction: 'fine BOTH',
      name: 'unused ADDRESS',
      'tcp-grpc': 'fine CONNECTED',
      'tls-grpc': 'fine SHAKEN',
      'their-certificate': 'fine ACCEPTED',
      'our-certificate': 'fine ACCEPTED',
      hello: 'fine SAID',
      clock: 'fine TOGETHER',
      'agreement-versions': 'fine EQUAL',
      'their-crl': 'fine FRESH',
      'our-crl': 'fine HELD',
      'tcp-blobs': 'fine CONNECTED',
      blobs: 'fine ANSWERS',
      queue: 'unused NEVER_USED',
    });
    const params = Object.fromEntries(results.map((result) => [result.hop, result.params]));
    expect(params.agreement).toMatchObject({ id: 'pinghu-jinshan', version: 1, days: expect.any(Number) });
    expect(params['their-certificate']).toMatchObject({ daysLeft: expect.any(Number) });
    expect(params.hello).toMatchObject({ software: expect.stringMatching(/^jieqiao\//) });
    // It left nothing behind at the other side.
    expect(await receiver.rows('SELECT * FROM announcement')).toEqual([]);
    expect(await receiver.rows('SELECT * FROM inbox')).toEqual([]);
    expect(await receiver.logged('peer.refused')).toEqual([]);
  });

  it('to nobody whom an agreement names: NOT_FOUND', async () => {
    two = await TwoNodes.prepare();
    for (const node of ['songjiang.310117', two.sender.node, '', '../x']) {
      await expect(walk(two.sender, node)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });
});

describe('is told apart by', () => {
  const elsewhere = (endpoints: Partial<{ grpc: string; blobs: string }>) => ({
    agreement: (content: AgreementContent) => Object.assign(content.parties[1]!.endpoints, endpoints),
  });

  it('a wrong host name', async () => {
    two = await TwoNodes.prepare(elsewhere({ grpc: 'nowhere.invalid:9080', blobs: 'https://nowhere.invalid:9081' }));
    const results = await walk();
    const name = results.find(({ hop }) => hop === 'name')!;
    expect(name.state).toBe('wrong');
    // Which of the two depends on whether this machine has a resolver at all.
    expect(['NOT_FOUND', 'NO_RESOLVER']).toContain(name.code);
    expect(name.params).toEqual({ host: 'nowhere.invalid' });
    expect(states(results)).toMatchObject({ 'tcp-grpc': 'unchecked NOT_REACHED', blobs: 'unchecked NOT_REACHED' });
  });

  it('a name that resolves is fine', async () => {
    const [grpc, blobs] = await quietPorts(2);
    two = await TwoNodes.prepare(elsewhere({ grpc: `localhost:${grpc}`, blobs: `https://localhost:${blobs}` }));
    expect(states(await walk())).toMatchObject({ name: 'fine RESOLVED', 'tcp-grpc': 'wrong REFUSED' });
  });

  it('closed ports', async () => {
    two = await TwoNodes.prepare();
    const results = await walk();
    expect(wrongOnes(results)).toEqual(['tcp-grpc REFUSED', 'tcp-blobs REFUSED']);
    expect(states(results)).toMatchObject({ 'tls-grpc': 'unchecked NOT_REACHED', hello: 'unchecked NOT_REACHED' });
  });

  it('a firewall that drops what comes', async () => {
    two = await TwoNodes.prepare();
    const { grpcPort, blobPort } = two.receiver.config.peer;
    const dropped = await Promise.all([droppingPort(grpcPort), droppingPort(blobPort)]);
    closers.push(...dropped);
    expect(wrongOnes(await walk())).toEqual(['tcp-grpc TIMEOUT', 'tcp-blobs TIMEOUT']);
  });

  it('something that takes connections and says nothing', async () => {
    two = await TwoNodes.prepare();
    await inPlaceOfReceiver(() => createTcpServer());
    expect(wrongOnes(await walk())).toEqual(['tls-grpc TIMEOUT', 'blobs TIMEOUT']);
  });

  it('plain HTTP at the port', async () => {
    two = await TwoNodes.prepare();
    await inPlaceOfReceiver(() => createHttpServer((_request, response) => response.end('hello')));
    expect(wrongOnes(await walk())).toEqual(['tls-grpc NOT_TLS', 'blobs NOT_TLS']);
  });

  it('a web server with TLS of its own', async () => {
    two = await TwoNodes.prepare();
    const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
    const root = await createRoot({ organisation: '别的机关', commonName: '别的机关根证书' }, validity, '01');
    const own = await certificate(root, nodeUrn(two.receiver.node));
    await inPlaceOfReceiver(tls(own));
    const results = await walk();
    expect(states(results)).toMatchObject({
      'their-certificate': 'wrong UNKNOWN_ISSUER',
      blobs: 'wrong THEIR_CERTIFICATE',
    });
    expect(results.find(({ hop }) => hop === 'blobs')!.params.problem).toBe('UNKNOWN_ISSUER');
  });

  it('something with the peer’s certificate that is no node', async () => {
    two = await TwoNodes.prepare();
    await inPlaceOfReceiver(tls(two.receiver.tls));
    expect(wrongOnes(await walk())).toEqual(['tls-grpc NOT_A_NODE', 'blobs NOT_ACCEPTED']);
  });

  it.each<[string, string, () => Promise<{ key: string; cert: string }>]>([
    [
      'that has expired',
      'EXPIRED',
      () => certificate(rootOf(two.receiver), nodeUrn(two.receiver.node), { from: -10, to: -1 }),
    ],
    [
      'that is not valid yet',
      'NOT_YET_VALID',
      () => certificate(rootOf(two.receiver), nodeUrn(two.receiver.node), { from: 1 }),
    ],
    ['of another party', 'WRONG_NAME', () => certificate(rootOf(two.receiver), nodeUrn(two.absent.node))],
    ['under another root', 'UNKNOWN_ISSUER', () => certificate(rootOf(two.sender), nodeUrn(two.receiver.node))],
  ])('their certificate %s', async (_, problem, make) => {
    two = await TwoNodes.prepare();
    await inPlaceOfReceiver(tls({ ...(await make()), requestCert: true, rejectUnauthorized: false }));
    const results = await walk();
    const theirs = results.find(({ hop }) => hop === 'their-certificate')!;
    expect([theirs.state, theirs.code]).toEqual(['wrong', problem]);
    expect(theirs.params.expected).toBe(nodeUrn(two.receiver.node));
    const blobs = results.find(({ hop }) => hop === 'blobs')!;
    expect([blobs.code, blobs.params.problem]).toEqual(['THEIR_CERTIFICATE', problem]);
    expect(states(results).hello).toBe('unchecked NOT_REACHED');
  });

  it('their certificate that they have revoked', async () => {
    two = await TwoNodes.prepare();
    const { sender, receiver } = two;
    const oldTls = receiver.tls;
    await receiver.keyStore.issueNode(new Date());
    await receiver.keyStore.revoke(receiver.keys.nodes[1]!.certificate.serial, 'key-compromise', new Date());
    const { anchors } = sender.gateway.agreements.peer(receiver.node, sender.now()).party;
    await sender.gateway.crls.take(receiver.node, anchors, [receiver.keys.crls[0]!.raw]);
    await inPlaceOfReceiver(tls({ ...oldTls, requestCert: true, rejectUnauthorized: false }));
    expect(states(await walk())).toMatchObject({ 'their-certificate': 'wrong REVOKED', 'their-crl': 'fine FRESH' });
  });

  it('a peer that does not believe our certificate', async () => {
    two = await TwoNodes.prepare();
    const { receiver, absent } = two;
    // It knows the third party's root only.
    const ca = absent.keyStore.load().roots.map((root) => root.toPem());
    await inPlaceOfReceiver(tls({ ...receiver.tls, ca, requestCert: true, rejectUnauthorized: true }));
    const results = await walk();
    expect(states(results)).toMatchObject({
      'tls-grpc': 'fine SHAKEN',
      'their-certificate': 'fine ACCEPTED',
      'our-certificate': 'wrong NOT_ACCEPTED',
      hello: 'unchecked NOT_REACHED',
      blobs: 'wrong NOT_ACCEPTED',
    });
    expect(results.find(({ hop }) => hop === 'our-certificate')!.params.fingerprint).toMatch(/^sha256:/);
  });

  it('a peer that knows no agreement with us any more', async () => {
    two = await TwoNodes.prepare();
    const { receiver } = two;
    await receiver.start();
    // What a peer says whose TLS still believes the root, but who finds no party for the certificate.
    jest.spyOn(receiver.gateway.agreements, 'identify').mockImplementation(() => {
      throw new GatewayError('PEER_UNKNOWN', {});
    });
    const results = await walk();
    expect(wrongOnes(results)).toEqual(['our-certificate NOT_ACCEPTED', 'blobs NOT_ACCEPTED']);
    expect(results.find(({ hop }) => hop === 'our-certificate')!.params.reason).toBe('PEER_UNKNOWN');
  });

  it('our own certificate, revoked, whatever the peer says', async () => {
    two = await TwoNodes.prepare();
    const { sender, receiver } = two;
    await receiver.start();
    await sender.keyStore.revoke(sender.keys.nodes[0]!.certificate.serial, 'key-compromise', new Date());
    await sender.stop();
    await sender.open();
    expect(states(await walk())).toMatchObject({ 'our-certificate': 'wrong REVOKED', hello: 'unchecked NOT_REACHED' });
  });

  it('clocks that are apart', async () => {
    two = await TwoNodes.prepare();
    await two.receiver.start();
    two.receiver.clockShift = -10 * 60_000;
    const results = await walk();
    expect(wrongOnes(results)).toEqual(['clock APART']);
    expect(states(results)['our-crl']).toBe('unchecked NOT_REACHED');
    const { params } = results.find(({ hop }) => hop === 'clock')!;
    expect(params).toMatchObject({ behind: 'peer', limitMs: 120_000 });
    expect(Math.abs(Number(params.skewMs) + 600_000)).toBeLessThan(5_000);
  });

  it('versions of the agreement that differ: they lack one, we lack one, the two contradict each other', async () => {
    two = await TwoNodes.prepare();
    const { sender, receiver } = two;
    await receiver.start();
    const previous = sender.gateway.agreements.all()[0]!.ref.digest;
    const second = { ...two.agreement, version: 2, previous };
    const of = async () => (await walk()).find(({ hop }) => hop === 'agreement-versions');
    await sender.gateway.agreements.import(two.signed(second));
    expect(await of()).toMatchObject({ code: 'THEY_LACK', params: { id: 'pinghu-jinshan', ours: 2, theirs: 1 } });
    await receiver.gateway.agreements.import(two.signed({ ...second, title: '同号另文' }));
    expect(await of()).toMatchObject({ code: 'FORKED', params: { ours: 2, theirs: 2 } });
    const { ref } = receiver.gateway.agreements.all().at(-1)!;
    await receiver.gateway.agreements.import(
      two.signed({ ...second, title: '同号另文', version: 3, previous: ref.digest }),
    );
    expect(await of()).toMatchObject({ code: 'WE_LACK', params: { ours: 2, theirs: 3 } });
  });

  it('an agreement that is to come or has ended', async () => {
    const at = (days: number) => new Date(Date.now() + days * day).toISOString();
    two = await TwoNodes.prepare({
      agreement: (content) => Object.assign(content, { effective: { from: at(1), to: at(2) } }),
    });
    await two.receiver.start();
    // Before its time the way can be tried to its end.
    expect(states(await walk())).toMatchObject({
      agreement: 'unused TO_COME',
      hello: 'fine SAID',
      blobs: 'fine ANSWERS',
    });
    two.sender.clockShift = 3 * day;
    expect(states(await walk())).toMatchObject({ agreement: 'wrong ENDED', 'tcp-grpc': 'unchecked NOT_REACHED' });
  });

  it('revocation lists: none, too old, not taken by the peer', async () => {
    two = await TwoNodes.prepare();
    const { sender, receiver } = two;
    await receiver.start();
    jest.spyOn(receiver.gateway.crls, 'take').mockResolvedValue();
    expect(states(await walk())).toMatchObject({ 'their-crl': 'fine FRESH', 'our-crl': 'wrong NOT_HELD' });
    jest.restoreAllMocks();
    for (const node of two.both) node.clockShift = 32 * day;
    expect(states(await walk())).toMatchObject({ 'their-crl': 'wrong STALE', 'our-crl': 'wrong STALE' });
    await sender.stop();
  });
});

/** A port whose connections are neither taken nor refused: its owner sleeps, and its queue is full. */
async function droppingPort(port: number): Promise<() => Promise<void>> {
  const script = `require('node:net').createServer().listen({ port: ${port}, host: '127.0.0.1', backlog: 1 }, () => console.log('up'))`;
  const sleeper: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => sleeper.stdout!.once('data', resolve));
  sleeper.kill('SIGSTOP');
  const waiting: Socket[] = [];
  let full = false;
  while (!full) {
    const socket = connect(port, '127.0.0.1');
    waiting.push(socket);
    socket.on('error', () => undefined);
    full = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false));
      setTimeout(() => resolve(true), 500);
    });
  }
  return async () => {
    for (const socket of waiting) socket.destroy();
    const gone = new Promise((resolve) => sleeper.once('exit', resolve));
    sleeper.kill('SIGKILL');
    await gone;
  };
}
