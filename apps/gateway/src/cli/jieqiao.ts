#!/usr/bin/env node
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isRole, type NewPerson } from '@jieqiao/access';
import { encodeVkey, GatewayError, hasCode, logOrigin, noteKey } from '@jieqiao/core';
import { configExitCode, createLogger, describeConfigError, KeyStore, loadConfig } from '@jieqiao/platform';
import { Gateway } from '../gateway';
import { serve } from '../serve';

const usage = `jieqiao <command> [options]

  init       --node ID --authority NAME [--data DIR] [--host NAME]…   make keys and a config.json
  card       [--config FILE]                                          what a peer needs to write you into an agreement
  setup      [--config FILE] [--agreement FILE]… [--people FILE]      take agreements and people in from files
  serve      [--config FILE]                                          run the node

  ID is a short name and the GB/T 2260 code, such as pinghu.330482. --config defaults to JIEQIAO_CONFIG.
  --people FILE: a JSON list of {login, password, name, roles, certNo, unit}; people who exist are left as they are.`;

interface CommandLine {
  node?: string;
  authority?: string;
  data?: string;
  host?: string[];
  config?: string;
  agreement?: string[];
  people?: string;
}

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  const options = command === undefined || command === '--help' || command === 'help' ? null : parse(rest);
  switch (options && command) {
    case 'init':
      return init(options!);
    case 'card':
      return card(options!);
    case 'setup':
      return setup(options!);
    case 'serve':
      return serve(argv);
    case null:
      console.log(usage);
      return command === undefined ? 2 : 0;
    default:
      throw new UsageError(`unknown command: ${command}`);
  }
}

class UsageError extends Error {}

function parse(argv: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...argv],
      strict: true,
      options: {
        node: { type: 'string' },
        authority: { type: 'string' },
        data: { type: 'string' },
        host: { type: 'string', multiple: true },
        config: { type: 'string' },
        agreement: { type: 'string', multiple: true },
        people: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Makes what a node needs before it can be started: keys, and a configuration to adapt. */
async function init(options: CommandLine): Promise<number> {
  const { node, authority } = options;
  if (!node || !authority) throw new UsageError('init needs --node and --authority');
  const dataDir = resolve(options.data ?? '.');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const config = join(dataDir, 'config.json');
  if (!existsSync(config))
    writeFileSync(config, `${JSON.stringify({ node, dataDir: '.' }, null, 2)}\n`, { mode: 0o600 });
  loadConfig({ argv: ['--config', config], env: {}, cwd: dataDir });
  const hosts = ['localhost', '127.0.0.1', ...(options.host ?? [])];
  await new KeyStore(join(dataDir, 'keys')).create({ node, authority, hosts: [...new Set(hosts)], now: new Date() });
  console.log(`keys      ${join(dataDir, 'keys')}\nsettings  ${config}`);
  return 0;
}

function card(options: CommandLine): number {
  const config = loadConfig({ argv: configArgv(options), env: process.env, cwd: process.cwd() });
  const { root, log } = new KeyStore(join(config.dataDir, 'keys')).load();
  const { node, peer } = config;
  const value = {
    node,
    region: node.slice(-6),
    anchors: [root.raw.toString('base64')],
    logVkey: encodeVkey(noteKey(logOrigin(node), log)),
    endpoints: { grpc: `${peer.host}:${peer.grpcPort}`, blobs: `https://${peer.host}:${peer.blobPort}` },
  };
  console.log(JSON.stringify(value, null, 2));
  return 0;
}

/** Unattended preparation. Doing it again changes nothing. */
async function setup(options: CommandLine): Promise<number> {
  const config = loadConfig({ argv: configArgv(options), env: process.env, cwd: process.cwd() });
  const gateway = await Gateway.open(config, createLogger('warn', config.node), () => new Date());
  try {
    for (const file of options.agreement ?? []) {
      const { ref } = await gateway.agreements.import(readFileSync(file));
      console.log(`agreement ${ref.id} version ${ref.version}`);
    }
    if (options.people) for (const person of peopleIn(options.people)) await addPerson(gateway, person);
  } finally {
    await gateway.stop();
  }
  return 0;
}

function peopleIn(file: string): NewPerson[] {
  const list: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const sound =
    Array.isArray(list) && list.every((p: NewPerson) => typeof p?.login === 'string' && p.roles?.every(isRole));
  if (!sound) throw new UsageError(`${file}: not a JSON list of people`);
  return list as NewPerson[];
}

async function addPerson(gateway: Gateway, person: NewPerson): Promise<void> {
  try {
    await gateway.access.addPerson(person);
    console.log(`person    ${person.login}`);
  } catch (error) {
    if (!hasCode(error, 'VALIDATION_FAILED') || error.params.reason !== 'taken') throw error;
  }
}

function configArgv(options: CommandLine): string[] {
  return options.config ? ['--config', options.config] : [];
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      process.exitCode = 2;
    } else if (hasCode(error, 'CONFIG_INVALID')) {
      console.error(describeConfigError(error));
      process.exitCode = configExitCode;
    } else {
      console.error(error instanceof GatewayError ? error.message : error);
      process.exitCode = 1;
    }
  },
);
