import { type ErrorCode, GatewayError } from '@jieqiao/core';
import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { errorKinds } from '../errors/errors';
import { Gateway } from '../gateway';

/** Turns a failure into a gRPC status whose details are our code and nothing else. */
@Catch()
export class PeerErrorFilter implements RpcExceptionFilter<unknown> {
  constructor(private readonly gateway: Gateway) {}

  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    const known = error instanceof GatewayError;
    const code: ErrorCode = known ? error.code : 'INTERNAL';
    if (!known) this.gateway.log.error({ error }, 'peer-call-failed');
    else this.gateway.log.warn({ error }, 'peer-call-refused');
    return throwError(() => ({ code: errorKinds[code].grpc, details: code, message: code }));
  }
}
