import { GatewayError } from '@jieqiao/core';
import { createLogger } from './logging';
import { Metrics } from './metrics';

describe('createLogger', () => {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('info', 'pinghu.330482', { write: (line: string) => void lines.push(JSON.parse(line)) });
  beforeEach(() => lines.splice(0));

  it('writes JSON lines with level, time and node', () => {
    logger.info({ transfer: 'x' }, 'sent');
    expect(lines[0]).toMatchObject({ level: 'info', node: 'pinghu.330482', transfer: 'x', message: 'sent' });
    logger.debug('not written');
    expect(lines).toHaveLength(1);
  });

  it('hides secrets wherever they are put', () => {
    logger.warn({ password: 'p', request: { authorization: 'Bearer x', path: '/a' } }, 'x');
    expect(lines[0]).toMatchObject({ password: '[redacted]', request: { authorization: '[redacted]', path: '/a' } });
  });

  it('describes errors by code, and no statement of a database error', () => {
    logger.error({ error: new GatewayError('BLOB_MISSING', { digest: 'd' }, { cause: new Error('inner') }) });
    logger.error({ error: Object.assign(new Error("insert '当事人甲'"), { query: 'insert', code: 'ER_DUP_ENTRY' }) });
    expect(lines[0]!.error).toMatchObject({
      code: 'BLOB_MISSING',
      params: { digest: 'd' },
      cause: { message: 'inner' },
    });
    expect(lines[1]!.error).toMatchObject({ code: 'ER_DUP_ENTRY', message: 'database error' });
    expect(JSON.stringify(lines[1])).not.toContain('当事人甲');
  });
});

describe('Metrics', () => {
  it('counts, times and reads', async () => {
    const metrics = new Metrics('pinghu.330482');
    metrics.counter('things_total', 'Things.', ['state'])({ state: 'sent' }, 2);
    metrics.duration('step_seconds', 'A step.', ['step'])({ step: 'seal' }, 0.002);
    metrics.gauge('waiting', 'Waiting.', () => 7);
    const text = await metrics.expose();
    expect(text).toContain('jieqiao_things_total{state="sent",node="pinghu.330482"} 2');
    expect(text).toContain('jieqiao_waiting{node="pinghu.330482"} 7');
    expect(text).toMatch(/jieqiao_step_seconds_bucket\{le="0.0025".*step="seal".*\} 1/);
  });

  it('gathers labels past the bound under other', async () => {
    const metrics = new Metrics('pinghu.330482');
    const count = metrics.counter('paths_total', 'x', ['path']);
    for (let i = 0; i < 300; i++) count({ path: `/p/${i}` });
    const text = await metrics.expose();
    expect(text).toContain('jieqiao_paths_total{path="other",node="pinghu.330482"} 100');
  });
});
