import { hasCode } from '@jieqiao/core';
import { configExitCode, describeConfigError } from '@jieqiao/platform';
import { serve } from './serve';

/** The node as a process of its own: `jieqiao serve` without the rest of the command. */
serve(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(hasCode(error, 'CONFIG_INVALID') ? describeConfigError(error) : error);
    process.exit(hasCode(error, 'CONFIG_INVALID') ? configExitCode : 1);
  },
);
