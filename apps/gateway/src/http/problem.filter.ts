import { Access } from '@jieqiao/access';
import { type ErrorCode, GatewayError } from '@jieqiao/core';
import type { Logger } from '@jieqiao/platform';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorKinds, problemOf } from '../errors/errors';

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'VALIDATION_FAILED',
  401: 'NOT_SIGNED_IN',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  416: 'RANGE_NOT_SATISFIABLE',
  429: 'TOO_MANY_REQUESTS',
};

/** Whole seconds after which trying again is worth it, for answers that are nobody's fault. */
const retryAfterSeconds = 5;

/**
 * Turns whatever is thrown into `application/problem+json` (RFC 9457). What has no code of ours is INTERNAL: logged
 * with its stack under the trace id, told without anything but that id.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly access: Access,
    private readonly logger: Logger,
    private readonly allowedMethods: (path: string) => string[],
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const error = this.coded(thrown, request);
    await this.note(error, request);
    // Once bytes are out, only breaking the connection tells the reader that they are not all.
    if (reply.sent || reply.raw.headersSent) reply.raw.destroy();
    else sendProblem(error, request, reply);
  }

  private coded(thrown: unknown, request: FastifyRequest): GatewayError {
    if (thrown instanceof GatewayError) return thrown;
    if (thrown instanceof HttpException) {
      const status = thrown.getStatus();
      if (status === 404) {
        const allow = this.allowedMethods(request.url.split('?')[0]!);
        if (allow.length > 0) return new GatewayError('METHOD_NOT_ALLOWED', { allow });
      }
      const cause = thrown.cause as { code?: unknown } | undefined;
      const code = cause?.code === 'FST_ERR_CTP_EMPTY_JSON_BODY' ? 'MALFORMED_JSON' : byStatus[status];
      if (code !== undefined) return new GatewayError(code, {});
    }
    return new GatewayError('INTERNAL', {}, { cause: thrown });
  }

  /** Only ids and codes are logged. A denial is an event of the audit log, too. */
  private async note(error: GatewayError, request: FastifyRequest): Promise<void> {
    const { severity } = errorKinds[error.code];
    const where = { trace: request.id, method: request.method, route: request.routeOptions?.url ?? null };
    if (severity === 'error') this.logger.error({ error, ...where }, 'request failed');
    else if (severity === 'warning') this.logger.warn({ error, ...where }, 'request refused');
    const person = request.identity?.person;
    if (error.code !== 'FORBIDDEN' || person === undefined) return;
    const { permission } = error.params;
    const { id } = (request.params ?? {}) as { id?: unknown };
    try {
      await this.access.recordDenial(person, typeof permission === 'string' ? permission : 'unknown', logged(id));
    } catch (failure) {
      this.logger.error({ error: failure, ...where }, 'a denial could not be logged');
    }
  }
}

export function sendProblem(error: GatewayError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error, request.id, languageOf(request));
  for (const [name, value] of Object.entries(headersFor(error, problem.status))) reply.header(name, value);
  reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problem));
}

const loggedIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
const logged = (id: unknown) => (typeof id === 'string' && loggedIdPattern.test(id) ? id : null);

function headersFor(error: GatewayError, status: number): Record<string, string> {
  const { retryAfter, version, offset, length, allow } = error.params;
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 503 || status === 502) headers['retry-after'] = String(retryAfterSeconds);
  if (error.code === 'TOO_MANY_REQUESTS') headers['retry-after'] = String(retryAfter ?? retryAfterSeconds);
  if (error.code === 'METHOD_NOT_ALLOWED' && Array.isArray(allow)) headers.allow = allow.join(', ');
  if (error.code === 'PRECONDITION_FAILED' && typeof version === 'number') headers.etag = `"${version}"`;
  if (error.code === 'UPLOAD_OFFSET_MISMATCH') headers['upload-offset'] = String(offset);
  if (error.code === 'RANGE_NOT_SATISFIABLE' && length !== undefined) headers['content-range'] = `bytes */${length}`;
  return headers;
}

/** English for those whose first language by `Accept-Language` is English; Chinese for all others. */
function languageOf(request: FastifyRequest): 'zh' | 'en' {
  const header = request.headers['accept-language']?.slice(0, 200) ?? '';
  let best: { language: 'zh' | 'en'; weight: number } = { language: 'zh', weight: 0 };
  for (const range of header.split(',')) {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const language = /^zh\b/.test(tag) ? 'zh' : /^en\b/.test(tag) ? 'en' : null;
    const q = parameters.map((p) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(p)?.[1]).find((v) => v !== undefined);
    const weight = q === undefined ? 1 : Number(q);
    if (language !== null && weight > best.weight) best = { language, weight };
  }
  return best.language;
}
