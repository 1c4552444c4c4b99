import { hasCode } from '@jieqiao/core';
import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import type { LogLevel } from './config';

export type Logger = PinoLogger;

/** Members that never reach a log line, at the top or one level down, whoever puts them there by mistake. */
const secretMembers = [
  'password',
  'passwordHash',
  'accessToken',
  'refreshToken',
  'token',
  'authorization',
  'cookie',
  'secret',
  'privateKey',
  'databaseUrl',
  'login',
  'certNo',
  'idNumber',
  'birthDate',
  'phone',
  'address',
  'personal',
  'reporter',
];

/**
 * JSON lines on standard output (or `destination`), one object each, with the node's id. Errors are logged by
 * code and parameters; a stack only for what has no code. Lines carry ids and digests, never names or evidence.
 */
export function createLogger(level: LogLevel, node: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { node },
      timestamp: stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: secretMembers.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 1, sync: false, minLength: 0 }),
  );
}

function describeError(error: unknown): unknown {
  if (hasCode(error)) {
    const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
    return { code: error.code, params: error.params, ...cause };
  }
  if (!(error instanceof Error)) return { message: String(error).slice(0, 500) };
  // A database driver's error repeats the statement and its parameters; only its name, code and place are kept.
  const driver = (error as { code?: unknown }).code;
  return {
    name: error.name,
    ...(typeof driver === 'string' ? { code: driver } : {}),
    message: 'query' in error ? 'database error' : error.message.slice(0, 500),
    stack: error.stack
      ?.split('\n')
      .slice(1, 12)
      .map((line) => line.trim()),
  };
}
