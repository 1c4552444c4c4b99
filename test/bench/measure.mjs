import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What `/proc/<pid>/stat` counts in: USER_HZ, 100 on every Linux that Node.js runs on. */
const tickMs = 10;

/** User and system time of all threads of a process so far, in milliseconds; of its ended children too, if asked. */
export function cpuMs(pid, withChildren = false) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command's name, in brackets, may hold anything; fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const counted = fields.slice(11, withChildren ? 15 : 13);
  return counted.reduce((sum, ticks) => sum + Number(ticks), 0) * tickMs;
}

export function cpuOf(pids) {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMs(pid)]));
}

/** The largest resident size of a process since it began or since `resetPeak`, in bytes. */
export function peakRss(pid) {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match[1]) * 1024;
}

export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/**
 * Keeps `inFlight` operations under way and measures a window of steady state: after `warmUpMs`, for `measureMs`.
 * CPU is read at the two edges of the window, and only what finishes between them is counted.
 * @param operation does one exchange; resolves to false when there is nothing left to do
 * @param pids names and process ids whose CPU time belongs to the exchanges
 */
export async function runLoad({ inFlight, warmUpMs, measureMs, pids, operation }) {
  const latencies = [];
  let total = 0;
  let open = false;
  let stopped = false;
  let exhausted = () => {};
  const drained = new Promise((resolve) => {
    exhausted = resolve;
  });
  const worker = async () => {
    while (!stopped) {
      const start = performance.now();
      if ((await operation()) === false) return exhausted();
      total++;
      if (open) latencies.push(performance.now() - start);
    }
  };
  const workers = Promise.all(Array.from({ length: inFlight }, worker));
  const ended = async (ms) => {
    await Promise.race([sleep(ms), drained, workers]);
  };
  await ended(warmUpMs);
  const cpuBefore = cpuOf(pids);
  const ownBefore = process.cpuUsage();
  const start = performance.now();
  open = true;
  await ended(measureMs);
  open = false;
  const ms = performance.now() - start;
  const cpuAfter = cpuOf(pids);
  const own = process.cpuUsage(ownBefore);
  stopped = true;
  await workers;
  const count = latencies.length;
  latencies.sort((a, b) => a - b);
  const quantile = (q) => latencies[Math.min(count - 1, Math.floor(q * count))] ?? Number.NaN;
  const cpu = Object.fromEntries(
    Object.keys(pids).map((name) => [name, ((cpuAfter[name] - cpuBefore[name]) * 1000) / count]),
  );
  return {
    inFlight,
    count,
    /** with those of the warm-up and of the last moments */
    total,
    seconds: ms / 1000,
    perSecond: (count * 1000) / ms,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpuMicros: Object.values(cpu).reduce((sum, value) => sum + value, 0),
    cpuMicrosBy: cpu,
    ownCpuMicros: (own.user + own.system) / count,
  };
}
