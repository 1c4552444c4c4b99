import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { type Digest, GatewayError, hasCode, isDigest } from '@jieqiao/core';
import { errorKinds } from '../errors/errors';
import type { Gateway } from '../gateway';

const pathPattern = /^\/peer\/v1\/blobs\/(sha256:[0-9a-f]{64})$/;
const rangePattern = /^bytes (?:([0-9]{1,15})-([0-9]{1,15})|\*)\/([0-9]{1,15})$/;

/**
 * Evidence bytes from peers: `PUT /peer/v1/blobs/<digest>` with `Content-Range`, `HEAD` for the offset to go on from.
 * Plain Node: the bytes go from the socket to the blob store with nothing in between.
 */
export function blobServer(gateway: Gateway, tls: SecureContextOptions): Server {
  const server = createServer({
    ...tls,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  });
  server.requestTimeout = 0; // a gigabyte over a county line takes its time; silence is bounded by the idle timeout
  server.setTimeout(60_000);
  server.on('tlsClientError', (error: Error, socket) => {
    gateway.refusals.record(handshakeRefusal(error, socket));
  });
  server.on('request', (request, response) => {
    void answer(gateway, request, response);
  });
  return server;
}

/** Why a TLS handshake failed, with the certificate if one was shown. */
export function handshakeRefusal(_error: Error, socket: TLSSocket | undefined): GatewayError {
  const raw = socket?.getPeerX509Certificate?.()?.fingerprint256;
  const fingerprint = raw ? `sha256:${raw.replaceAll(':', '').toLowerCase()}` : undefined;
  return new GatewayError('PEER_UNKNOWN', { fingerprint });
}

async function answer(gateway: Gateway, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const peer = identify(gateway, request);
    const digest = pathPattern.exec(request.url ?? '')?.[1] as Digest | undefined;
    if (!isDigest(digest)) throw new GatewayError('NOT_FOUND', {});
    if (request.method === 'HEAD') {
      const progress = await gateway.intake.progress(peer, digest);
      reply(response, 200, progress.offset, progress.complete);
    } else if (request.method === 'PUT') {
      const { start, total } = rangeOf(request);
      const progress = await gateway.intake.receive(peer, digest, start, total, request);
      reply(response, progress.complete ? 201 : 202, progress.offset, progress.complete);
    } else throw new GatewayError('NOT_FOUND', {});
  } catch (error) {
    refuse(gateway, request, response, error);
  }
}

function identify(gateway: Gateway, request: IncomingMessage): string {
  try {
    return gateway.agreements.identify((request.socket as TLSSocket).getPeerCertificate().raw);
  } catch (error) {
    gateway.refusals.record(error);
    throw error;
  }
}

/** RFC 9110 §14.4: `bytes 0-99/1000`; with `*` for the range where no byte is left to send, only the end to be made. */
function rangeOf(request: IncomingMessage): { start: number; total: number } {
  const match = rangePattern.exec(request.headers['content-range'] ?? '');
  if (!match) throw new GatewayError('VALIDATION_FAILED', { errors: ['content-range'] });
  return { start: Number(match[1] ?? match[3]), total: Number(match[3]) };
}

function reply(response: ServerResponse, status: number, offset: number, complete: boolean): void {
  response.writeHead(status, { 'upload-offset': offset, 'upload-complete': complete ? '?1' : '?0' });
  response.end();
}

function refuse(gateway: Gateway, request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const known = hasCode(error);
  const code = known ? error.code : 'INTERNAL';
  if (known) gateway.log.warn({ error }, 'peer-blob-refused');
  else gateway.log.error({ error }, 'peer-blob-failed');
  if (response.headersSent) return void response.destroy();
  // What is still coming is not wanted: answer, then close.
  response.writeHead(errorKinds[code].http, { 'content-type': 'application/problem+json', connection: 'close' });
  response.end(
    JSON.stringify({ code, ...(known && error.params.offset !== undefined ? { offset: error.params.offset } : {}) }),
  );
  request.unpipe();
  request.resume();
}
