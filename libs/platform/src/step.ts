import { channel } from 'node:diagnostics_channel';

const steps = channel('jieqiao:step');

type Path = 'send' | 'command' | 'receive' | 'deliver' | 'upload' | 'log' | 'keys' | 'schedule';

/**
 * Says which numbered step of a path is reached, to whoever listens in this process: traces, and the fault tests, which
 * kill the process right there. Costs nothing while nobody listens.
 */
export function step(path: Path, at: string): void {
  if (steps.hasSubscribers) steps.publish({ path, at });
}
