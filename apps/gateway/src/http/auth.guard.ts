import { Access, type Identity, type Permission, type Reader, requirePermission } from '@jieqiao/access';
import { GatewayError } from '@jieqiao/core';
import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiExtension, ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ValidationError } from '../errors/errors';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard on every route that is not public. */
    identity?: Identity;
  }
}

export const routeAccess = 'jieqiao:route-access';
export type RouteAccess = { kind: 'public' } | { kind: 'signed-in' } | { kind: 'permission'; permission: Permission };

/** For the guard, and in the OpenAPI document as `x-access`: `public`, `signed-in`, or a permission. */
const accessible = (access: RouteAccess, shown: string) =>
  applyDecorators(SetMetadata(routeAccess, access), ApiExtension('x-access', shown));

/** Anyone may call it. */
export const Public = () => accessible({ kind: 'public' }, 'public');
/** Anyone signed in, whatever their roles. */
export const SignedInOnly = () => accessible({ kind: 'signed-in' }, 'signed-in');
/** Those whose roles permit it. Use cases check again, with the object in hand. */
export const Permit = (permission: Permission) => accessible({ kind: 'permission', permission }, permission);

const bearerPattern = /^Bearer ([A-Za-z0-9._-]{1,4096})$/i;

/** Runs before anything of a request is read but its headers. A route that says nothing about access is closed. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly access: Access,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const route = this.reflector.getAllAndOverride<RouteAccess | undefined>(routeAccess, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (route?.kind === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    request.identity = this.access.identify(bearerToken(request));
    if (route === undefined) throw new GatewayError('FORBIDDEN', {});
    if (route.kind === 'permission') requirePermission(request.identity.person, route.permission);
    return true;
  }
}

export function bearerToken(request: FastifyRequest): string {
  const token = bearerPattern.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new GatewayError('NOT_SIGNED_IN', {});
  return token;
}

function identityOf(context: ExecutionContext): Identity {
  const { identity } = context.switchToHttp().getRequest<FastifyRequest>();
  if (identity === undefined) throw new GatewayError('NOT_SIGNED_IN', {});
  return identity;
}

/** The person who sent the request, with the reason that they state in its headers. */
export const CurrentPerson = createParamDecorator((_: unknown, context: ExecutionContext): Reader => {
  const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
  return { ...identityOf(context).person, ...statedReason(headers) };
});
/** The person and the sign-in that the request belongs to. */
export const CurrentIdentity = createParamDecorator((_: unknown, context: ExecutionContext) => identityOf(context));

const reasonHeader = 'jieqiao-reason';
const reasonTextHeader = 'jieqiao-reason-text';
const maxReasonText = 200;

/** Routes that show some people content for a reason only. */
export const TakesReason = () =>
  applyDecorators(
    ApiHeader({ name: 'Jieqiao-Reason', required: false, description: 'Code of the reason; see REASON_REQUIRED.' }),
    ApiHeader({
      name: 'Jieqiao-Reason-Text',
      required: false,
      description: `The reason in words, 1 to ${maxReasonText} characters, percent-encoded UTF-8.`,
    }),
  );

/** @throws VALIDATION_FAILED when one is stated in another form, or without words */
function statedReason(headers: FastifyRequest['headers']): Pick<Reader, 'reason'> {
  const { [reasonHeader]: code, [reasonTextHeader]: encoded } = headers;
  if (code === undefined) return {};
  const wrong = (header: string, problem: string) => new ValidationError([{ pointer: `#${header}`, code: problem }]);
  if (typeof code !== 'string' || !/^[a-z][a-z-]{0,47}$/.test(code)) throw wrong('Jieqiao-Reason', 'WRONG_FORM');
  if (encoded === undefined) throw wrong('Jieqiao-Reason-Text', 'REQUIRED');
  const text = typeof encoded === 'string' ? decoded(encoded) : null;
  if (text === null || text.trim() === '' || /\p{Cc}/u.test(text)) throw wrong('Jieqiao-Reason-Text', 'WRONG_FORM');
  if (text.length > maxReasonText) throw wrong('Jieqiao-Reason-Text', 'TOO_LONG');
  return { reason: { code, text } };
}

function decoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // Not percent-encoded UTF-8: null is told to the client as such.
    return null;
  }
}
