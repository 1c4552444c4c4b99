import { readFileSync } from 'node:fs';

const parentLookMs = 500;

/**
 * Aborted by Ctrl-C, SIGTERM, a closed terminal, or the end of the npm that runs this. A second signal does not wait
 * for the nodes; they end by themselves as soon as this process is gone.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  if (process.env.npm_lifecycle_event !== undefined) {
    // npm killed outright passes nothing on; without it nobody could press Ctrl-C here any more.
    const parents = npmAndItsShell();
    setInterval(() => npmAndItsShell() !== parents && controller.abort(), parentLookMs).unref();
  }
  return controller.signal;
}

/** npm runs a script in a shell that may stay between the two. Where there is no /proc, only that shell is looked at. */
function npmAndItsShell(): string {
  const shell = process.ppid;
  try {
    const stat = readFileSync(`/proc/${shell}/stat`, 'utf8');
    const [, npm] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${shell} ${npm}`;
  } catch {
    return String(shell);
  }
}
