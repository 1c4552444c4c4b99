import { Access, type Identity, type Permission, requirePermission } from '@jieqiao/access';
import { GatewayError } from '@jieqiao/core';
import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard on every route that is not public. */
    identity?: Identity;
  }
}

export const routeAccess = 'jieqiao:route-access';
export type RouteAccess = { kind: 'public' } | { kind: 'signed-in' } | { kind: 'permission'; permission: Permission };

/** Anyone may call it. */
export const Public = () => SetMetadata(routeAccess, { kind: 'public' } satisfies RouteAccess);
/** Anyone signed in, whatever their roles. */
export const SignedInOnly = () => SetMetadata(routeAccess, { kind: 'signed-in' } satisfies RouteAccess);
/** Those whose roles permit it. Use cases check again, with the object in hand. */
export const Permit = (permission: Permission) =>
  SetMetadata(routeAccess, { kind: 'permission', permission } satisfies RouteAccess);

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

/** The person who sent the request. */
export const CurrentPerson = createParamDecorator(
  (_: unknown, context: ExecutionContext) => identityOf(context).person,
);
/** The person and the sign-in that the request belongs to. */
export const CurrentIdentity = createParamDecorator((_: unknown, context: ExecutionContext) => identityOf(context));
