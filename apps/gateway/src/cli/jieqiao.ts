#!/usr/bin/env node
import { run } from './run';

const { env, stdin, stdout, stderr } = process;
void run(process.argv.slice(2), { env, cwd: process.cwd(), stdin, stdout, stderr, now: () => new Date() }).then(
  (code) => {
    // A node that failed to start has workers under way: the process ends all the same, once everything is written.
    stdout.write('', () => process.exit(code));
  },
);
