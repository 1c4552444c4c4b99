import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** From a fraction of a millisecond to the minute, in seconds. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** More series of one metric than this is a label that should not be one (an id, a path, a name). */
const maxSeries = 200;

/**
 * One process's Prometheus metrics. Labels take values of small closed sets only (a state, a code, a peer): past
 * `maxSeries` combinations, further ones are counted under `other`, so that nothing outside can grow the memory.
 */
export class Metrics {
  private readonly registry = new Registry();

  constructor(node: string) {
    this.registry.setDefaultLabels({ node });
    collectDefaultMetrics({ register: this.registry, prefix: 'jieqiao_' });
  }

  /** @param name without prefix: "transfers_sent_total" */
  counter<L extends string>(
    name: string,
    help: string,
    labels: readonly L[] = [],
  ): (values: Record<L, string>, by?: number) => void {
    const metric = new Counter({ name: `jieqiao_${name}`, help, labelNames: [...labels], registers: [this.registry] });
    const bounded = boundSeries(labels);
    return (values, by = 1) => metric.inc(bounded(values), by);
  }

  /** Durations in seconds. */
  duration<L extends string>(
    name: string,
    help: string,
    labels: readonly L[] = [],
  ): (values: Record<L, string>, seconds: number) => void {
    const metric = new Histogram({
      name: `jieqiao_${name}`,
      help,
      labelNames: [...labels],
      buckets: latencyBuckets,
      registers: [this.registry],
    });
    const bounded = boundSeries(labels);
    return (values, seconds) => metric.observe(bounded(values), seconds);
  }

  /** A value read when the metrics are asked for. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name: `jieqiao_${name}`,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await read());
      },
    });
  }

  /** Values by one label, read when the metrics are asked for; what is not read any more is gone. */
  gauges(name: string, help: string, label: string, read: () => Promise<ReadonlyMap<string, number>>): void {
    new Gauge({
      name: `jieqiao_${name}`,
      help,
      labelNames: [label],
      registers: [this.registry],
      async collect() {
        const values = await read();
        this.reset();
        for (const [of, value] of [...values].slice(0, maxSeries)) this.set({ [label]: of }, value);
      },
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text exposition format. */
  expose(): Promise<string> {
    return this.registry.metrics();
  }
}

function boundSeries<L extends string>(labels: readonly L[]): (values: Record<L, string>) => Record<L, string> {
  const seen = new Set<string>();
  const other = Object.fromEntries(labels.map((label) => [label, 'other'])) as Record<L, string>;
  return (values) => {
    if (labels.length === 0) return values;
    const key = labels.map((label) => values[label]).join('\u0000');
    if (seen.has(key)) return values;
    if (seen.size >= maxSeries) return other;
    seen.add(key);
    return values;
  };
}
