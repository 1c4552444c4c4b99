import { describeError, exitCodeOf } from './cli/report-error';
import { serve } from './serve';
import { languageOf } from './words';

/** The node as a process of its own: `jieqiao serve` without the rest of the command. */
serve(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(describeError(error, languageOf(process.env)));
    process.exit(exitCodeOf(error));
  },
);
