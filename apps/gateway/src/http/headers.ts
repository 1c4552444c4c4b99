import { GatewayError, uuidPattern } from '@jieqiao/core';
import type { ByteRange, Download } from '@jieqiao/exchange';
import { Injectable, type PipeTransform } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ValidationError } from '../errors/errors';

/** An id in a path; anything else names nothing. */
@Injectable()
export class IdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (!uuidPattern.test(value)) throw new GatewayError('NOT_FOUND', {});
    return value;
  }
}

export const etagOf = (version: number) => `"${version}"`;

/**
 * The version named by If-Match (RFC 9110 §13.1.1), undefined when the header is absent. A tag that is not one of
 * ours can't match: -1.
 */
export function ifMatch(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match'];
  if (header === undefined) return undefined;
  const version = /^"([0-9]{1,15})"$/.exec(header.trim())?.[1];
  return version === undefined ? -1 : Number(version);
}

/** @throws PRECONDITION_REQUIRED when If-Match is absent */
export function requiredIfMatch(request: FastifyRequest): number {
  const version = ifMatch(request);
  if (version === undefined) throw new GatewayError('PRECONDITION_REQUIRED', { header: 'If-Match' });
  return version;
}

/**
 * The Idempotency-Key, as a quoted string (draft-ietf-httpapi-idempotency-key-header-07) or bare.
 * @throws IDEMPOTENCY_KEY_REQUIRED; VALIDATION_FAILED when it is not 1–128 visible characters
 */
export function idempotencyKey(request: FastifyRequest): string {
  const header = request.headers['idempotency-key'];
  if (header === undefined || header === '') throw new GatewayError('IDEMPOTENCY_KEY_REQUIRED', {});
  const key = typeof header === 'string' ? /^"?([A-Za-z0-9._:+/=-]{1,128})"?$/.exec(header.trim())?.[1] : undefined;
  if (key === undefined) throw new ValidationError([{ pointer: '#Idempotency-Key', code: 'WRONG_FORM' }]);
  return key;
}

const maxWaitSeconds = 60;

/** Milliseconds of `Prefer: wait=N` (RFC 7240 §4.3), at most a minute; 0 when it is absent or not understood. */
export function preferredWaitMs(request: FastifyRequest): number {
  const header = request.headers.prefer;
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?([0-9]{1,6})"?\s*(?=$|[,;])/i.exec(text.slice(0, 200))?.[1];
  return seconds === undefined ? 0 : Math.min(Number(seconds), maxWaitSeconds) * 1000;
}

/** Whether the client asks for no more than it needs: `Prefer: return=minimal` (RFC 7240 §4.2). */
export function prefersMinimal(request: FastifyRequest): boolean {
  const header = request.headers.prefer;
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return /(?:^|[,;])\s*return\s*=\s*"?minimal"?\s*(?=$|[,;])/i.test(text.slice(0, 200));
}

/** A list's cursor is the id after which it goes on, made opaque so that nobody builds one. */
export const encodeCursor = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');

export function decodeCursor(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length !== 16 || bytes.toString('base64url') !== cursor) {
    throw new ValidationError([{ pointer: '/cursor', code: 'WRONG_FORM' }]);
  }
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** `Link` to a list's next page (RFC 8288); what is undefined is left out. */
export function nextPage(path: string, query: Record<string, string | number | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return `<${path}?${given}>; rel="next"`;
}

/**
 * Sends a file, or the one range of it that is asked for (RFC 9110 §14). It is always saved, never shown: evidence
 * comes from outside, and an HTML page among it must not run under this site's name.
 */
export function sendDownload(request: FastifyRequest, reply: FastifyReply, file: Download): FastifyReply {
  reply
    .header('content-type', file.mediaType)
    .header('content-disposition', contentDisposition(file.fileName))
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('cache-control', 'private, no-store')
    .header('accept-ranges', 'bytes');
  const range = requestedRange(request, file.bytes);
  if (range === null) return reply.code(200).header('content-length', file.bytes).send(file.open());
  const { start, end } = range;
  return reply
    .code(206)
    .header('content-range', `bytes ${start}-${end}/${file.bytes}`)
    .header('content-length', end - start + 1)
    .send(file.open(range));
}

/** Null: all of it. Several ranges, other units and If-Range are answered with all of it, as the RFC permits. */
function requestedRange(request: FastifyRequest, length: number): ByteRange | null {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(request.headers.range ?? '');
  if (match === null || request.headers['if-range'] !== undefined) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  const suffix = first === '';
  const start = suffix ? Math.max(0, length - Number(last)) : Number(first);
  const end = suffix || last === '' ? length - 1 : Math.min(Number(last), length - 1);
  if (start > end) throw new GatewayError('RANGE_NOT_SATISFIABLE', { length });
  return { start, end };
}

/** RFC 6266: an ASCII name for old readers, the real one percent-encoded. */
export function contentDisposition(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(fileName).replace(
    /['()*!]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
