import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { jieqiao } from '../support/cli';
import { startHttpNode } from '../support/http-node';

const dir = mkdtempSync(join(tmpdir(), 'demonstration-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Report {
  at: string;
  findings: { finding: string; state: string }[];
}

it('is shown at /health, where a true clock shows nothing', async () => {
  const node = await startHttpNode();
  const playing = await startHttpNode({
    config: (config) => {
      config.demonstration.clockFile = 'clock';
    },
  });
  try {
    const told = (await request(node.server).get('/health').expect(200)).body;
    expect(Object.keys(told)).toEqual(['status', 'warnings']);
    const health = (await request(playing.server).get('/health').expect(200)).body;
    expect(health.status).toBe('warnings');
    expect(health.demonstrationClock).toMatch(/^2022-08-19T02:\d\d:\d\d\.\d{3}Z$/);
  } finally {
    await node.close();
    await playing.close();
  }
}, 60_000);

it('is a warning of the doctor, who keeps the same time, and stops a command where its file says nothing', async () => {
  const clock = join(dir, 'clock');
  writeFileSync(clock, '2022-08-18T23:40:00+08:00\n');
  const env = { JIEQIAO_DEMONSTRATION_CLOCK_FILE: clock };
  const init = ['init', '--node', 'pinghu.330482', '--authority', '平湖市综合行政执法局', '--host', 'localhost'];
  // What `init` makes listens to other machines: it looks like a node at work.
  const refused = await jieqiao(dir, [...init, '--data', join(dir, 'refused')], { env });
  expect(refused.code).toBe(78);
  expect(refused.err).toContain('noRealCases');

  const playing = { ...env, JIEQIAO_DEMONSTRATION_NO_REAL_CASES: 'true' };
  const data = join(dir, 'node');
  const made = await jieqiao(dir, [...init, '--data', data], { env: playing });
  expect(made.code).toBe(0);
  expect(made.err).toContain('demonstration-clock');

  const doctor = ['doctor', '--json', '--config', join(data, 'config.json')];
  const report = JSON.parse((await jieqiao(dir, doctor, { env: playing })).out) as Report;
  expect(report.at).toMatch(/^2022-08-18T15:4\d:/);
  expect(report.findings).toContainEqual(expect.objectContaining({ finding: 'clock.demonstration', state: 'warning' }));

  writeFileSync(clock, 'some time');
  const broken = await jieqiao(dir, doctor, { env: playing });
  expect(broken.code).toBe(78);
  expect(broken.out).toContain('demonstration.clockFile');
}, 60_000);
