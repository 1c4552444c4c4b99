import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  composeFile,
  dockerfileStages,
  environmentOf,
  instructionsOf,
  isIgnored,
  root,
} from '../support/container-files';

const compose = composeFile();
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);

/** What the Compose Specification knows of a service and we use. */
const serviceKeys = new Set([
  ...['build', 'image', 'entrypoint', 'command', 'environment', 'volumes', 'networks', 'network_mode', 'ports'],
  ...['depends_on', 'healthcheck', 'restart', 'stop_grace_period'],
]);

describe('docker-compose.yml', () => {
  test('has the members that the Compose Specification names', () => {
    const members = Object.keys(compose).filter((key) => !key.startsWith('x-'));
    expect(members.sort()).toEqual(['name', 'networks', 'services', 'volumes']);
    expect(compose.name).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
    expect(services.length).toBeGreaterThan(0);
    for (const [name, service] of services) {
      expect([name, Object.keys(service).filter((key) => !serviceKeys.has(key))]).toEqual([name, []]);
    }
  });

  test.each(services)('%s: what it names is there', (_, service) => {
    const { depends_on = {}, networks = [], volumes = [], network_mode } = service;
    expect(service.image).toMatch(/^[a-z0-9./-]+:[0-9][0-9.]*$/);
    expect(networks.length > 0 || network_mode === 'none').toBe(true);
    expect(networks.filter((name) => !(name in compose.networks))).toEqual([]);
    expect(volumes.filter((mount) => !(mount.split(':')[0]! in compose.volumes))).toEqual([]);
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const other = compose.services[name];
      expect([name, other !== undefined]).toEqual([name, true]);
      if (condition === 'service_healthy') expect(other!.healthcheck?.test).toBeDefined();
      else expect(condition).toBe('service_completed_successfully');
    }
  });

  test('nothing is reachable from another machine, and no database at all', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    expect(services.filter(([name, { ports: own }]) => name.endsWith('-db') && own)).toEqual([]);
  });

  test('the two nodes share a network, and neither reaches the other one’s database', () => {
    const { pinghu, jinshan } = compose.services as Record<string, { networks: string[] }>;
    const shared = pinghu!.networks.filter((name) => jinshan!.networks.includes(name));
    expect(shared).toEqual(['between']);
    for (const [name, { networks }] of services) if (name.endsWith('-db')) expect(networks).not.toContain('between');
  });

  test('a one-shot service has no health to check; nodes use the image’s', () => {
    const waitedFor = services.flatMap(([, service]) =>
      Object.entries(service.depends_on ?? {})
        .filter(([, { condition }]) => condition === 'service_completed_successfully')
        .map(([name]) => name),
    );
    for (const name of new Set(waitedFor)) {
      expect([name, compose.services[name]!.healthcheck]).toEqual([name, { disable: true }]);
      expect([name, compose.services[name]!.restart]).toEqual([name, undefined]);
    }
    expect(ours.filter(([name, { healthcheck }]) => healthcheck === undefined && waitedFor.includes(name))).toEqual([]);
  });
});

describe('Dockerfile', () => {
  const stages = dockerfileStages();
  const last = stages.at(-1)!;

  test('builds, prunes, and runs as somebody without rights', () => {
    const runs = stages.flatMap((stage) => instructionsOf(stage, 'RUN').map(({ text }) => text));
    expect(runs.slice(0, 3)).toEqual([
      expect.stringMatching(/^npm ci\b/),
      'npm run build',
      expect.stringMatching(/^npm prune --omit=dev\b/),
    ]);
    expect(instructionsOf(last, 'USER').map(({ text }) => text)).toEqual(['node']);
    expect(instructionsOf(last, 'HEALTHCHECK')[0]!.text).toContain('/health/ready');
    expect(environmentOf(last).NODE_ENV).toBe('production');
    for (const { image } of stages) expect(image).toMatch(/^node:20-/);
  });

  test('copies what is there, and the context has it', () => {
    const copies = instructionsOf(last, 'COPY').map(({ text }) => text.split(/\s+/));
    for (const [from, source] of copies) {
      expect(from).toBe('--from=build');
      const path = source!.replace('/app/', '');
      expect([path, path === 'node_modules' || existsSync(join(root, path))]).toEqual([path, true]);
    }
    for (const file of ['package-lock.json', 'libs/core/src/index.ts', 'test/samples/agreement-terms.json']) {
      expect([file, isIgnored(file)]).toEqual([file, false]);
    }
    const kept = ['.git/config', '.data/pinghu/keys/root.key.pem', 'node_modules/ajv/package.json', 'docs/glossary.md'];
    const inner = [
      'libs/core/dist/index.js',
      'apps/x/node_modules/y.js',
      'libs/core/src/log/note.spec.ts',
      'README.md',
    ];
    for (const file of [...kept, ...inner]) expect([file, isIgnored(file)]).toEqual([file, true]);
  });

  test('every workspace of package.json reaches the image', () => {
    const copied = instructionsOf(last, 'COPY').map(({ text }) => text.split(/\s+/)[1]);
    const { workspaces } = require(join(root, 'package.json')) as { workspaces: string[] };
    for (const pattern of workspaces) {
      const folder = pattern.replace('/*', '');
      expect(copied).toContain(`/app/${folder}`);
      expect(readdirSync(join(root, folder)).length).toBeGreaterThan(0);
    }
  });
});
