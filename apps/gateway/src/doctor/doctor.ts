import { join } from 'node:path';
import { hasCode } from '@jieqiao/core';
import { createLogger, KeyStore, type NodeConfig } from '@jieqiao/platform';
import { Gateway, gatewayVersion } from '../gateway';
import { chinaMinute } from '../words';
import { type CheckName, checkOf, checkWords, type Finding, finding, type State, stateOf, states } from './finding';
import { checkBlobs, checkDisk, checkFiles, checkPorts, checkProcess, checkSoftware, configFileOf } from './machine';
import {
  checkAgreements,
  checkCertificates,
  checkClock,
  checkCrls,
  checkDatabase,
  checkLog,
  checkPeers,
  checkQueue,
  checkRoot,
  checkTimestamps,
  checkUsable,
} from './node';

const checkMs = 15_000;
/** The hops of a peer have their own limits; one peer that swallows every packet costs several. */
const peersMs = 45_000;

export interface Diagnosis {
  node: string;
  at: Date;
  findings: Finding[];
}

/** The worst state of any finding: what decides the exit code. */
export function worstOf(findings: readonly Finding[]): State {
  return states.find((state) => findings.some((one) => stateOf(one) === state)) ?? 'unused';
}

/** Settings that do not hold: nothing else can be looked at. */
export function diagnoseConfig(problems: readonly string[], now: () => Date): Diagnosis {
  const wrong = problems.map((problem) => finding('config.invalid', { problem }));
  return { node: '', at: now(), findings: [...wrong, ...checkSoftware(gatewayVersion, process.versions.node)] };
}

/**
 * Looks at everything that a node needs, one check after another where one needs the other's result. Nothing is changed
 * but a probe file that is removed again, and what saying Hello to peers changes. Never throws: what breaks is a finding.
 */
export async function diagnose(
  config: NodeConfig,
  now: () => Date,
  rootKeys: (store: KeyStore) => string[],
): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const at = now();
  const check = async <T>(name: CheckName, work: () => T | Promise<T>, ms = checkMs): Promise<T | null> => {
    const result = await inTime(work, ms);
    if ('value' in result) return result.value;
    const label = checkWords[name];
    findings.push(
      result.late
        ? finding('doctor.timeout', { check: label, seconds: ms / 1000 })
        : finding('doctor.failed', { check: label, code: result.code }),
    );
    return null;
  };
  const add = (found: Finding[] | null) => findings.push(...(found ?? []));

  const file = configFileOf(config);
  findings.push(file === null ? finding('config.defaults') : finding('config.read', { file }));
  add(checkSoftware(gatewayVersion, process.versions.node));
  const { clockFile } = config.demonstration;
  if (clockFile !== '') findings.push(finding('clock.demonstration', { file: clockFile, time: chinaMinute(at) }));
  const process_ = await check('process', () => checkProcess(config));
  const running = process_?.running ?? false;
  add(process_?.findings ?? null);
  add(await check('disk', () => checkDisk(config)));
  add(await check('files', () => checkFiles(config)));
  add(await check('blobs', () => checkBlobs(config)));

  const store = new KeyStore(join(config.dataDir, 'keys'));
  const keys = await check('certificates', () => loadKeys(store, findings));
  add(await check('root', () => (keys ? checkRoot(rootKeys(store)) : [])));
  add(await check('crl', () => (keys ? checkCrls(keys, at) : [])));
  const own = new Set((keys?.nodes ?? []).map(({ certificate }) => certificate.fingerprint));
  add(await check('ports', () => checkPorts(config, running, own)));
  const database = await check('database', () => checkDatabase(config));
  add(database?.findings ?? null);
  const gateway = keys && database?.usable ? await check('agreements', () => openGateway(config, now, findings)) : null;
  if (!gateway) {
    if (keys) add(await check('certificates', () => checkCertificates(store, keys, null, at)));
    return { node: config.node, at, findings };
  }
  try {
    add(
      await check('certificates', async () =>
        checkCertificates(store, gateway.keys, await gateway.peers.expiries(), at),
      ),
    );
    add(await check('certificates', () => checkUsable(gateway, at)));
    add(await check('log', () => checkLog(gateway, running, at)));
    add(await check('queue', () => checkQueue(gateway, running)));
    add(await check('agreements', () => checkAgreements(gateway, at)));
    const [peers, timestamps] = await Promise.all([
      check('peers', () => checkPeers(gateway, at), peersMs),
      check('timestamps', () => checkTimestamps(gateway, at)),
    ]);
    add(peers?.findings ?? null);
    add(timestamps?.findings ?? null);
    add(checkClock([...(timestamps?.clocks ?? []), ...(peers?.clocks ?? [])], config.peer.maxClockSkewSeconds));
  } finally {
    await inTime(() => gateway.stop(), checkMs);
  }
  return { node: config.node, at, findings };
}

function loadKeys(store: KeyStore, findings: Finding[]) {
  // Without keys the key files' own check has said so.
  if (!store.exists) return null;
  try {
    return store.load();
  } catch (error) {
    if (!hasCode(error)) throw error;
    const { reason = '' } = error.params;
    findings.push(finding('certificates.unreadable', { code: error.code, reason: String(reason) }));
    return null;
  }
}

async function openGateway(config: NodeConfig, now: () => Date, findings: Finding[]): Promise<Gateway | null> {
  try {
    return await Gateway.look(config, createLogger('silent', config.node), now);
  } catch (error) {
    if (!hasCode(error)) throw error;
    findings.push(finding('agreements.unreadable', { code: error.code }));
    return null;
  }
}

type InTime<T> = { value: T } | { late: true } | { late: false; code: string };

async function inTime<T>(work: () => T | Promise<T>, ms: number): Promise<InTime<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<InTime<T>>((resolve) => {
    timer = setTimeout(() => resolve({ late: true }), ms);
  });
  try {
    return await Promise.race([(async (): Promise<InTime<T>> => ({ value: await work() }))(), late]);
  } catch (error) {
    const code = hasCode(error) ? error.code : ((error as NodeJS.ErrnoException).code ?? 'INTERNAL');
    return { late: false, code: String(code) };
  } finally {
    clearTimeout(timer);
  }
}

/** By urgency, then in the order in which a person would look. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const order = Object.keys(checkWords);
  const rank = (one: Finding) => states.indexOf(stateOf(one)) * 100 + order.indexOf(checkOf(one));
  return [...findings].sort((a, b) => rank(a) - rank(b));
}
