import { Access, type Identity, isPermitted, type Permission, permissions, type SignedIn } from '@jieqiao/access';
import { NodeConfig } from '@jieqiao/platform';
import { Body, Controller, Delete, Get, Header, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentIdentity, Public, SignedInOnly } from '../auth.guard';
import { Answers, NeedsSession } from '../openapi';
import { MeBody, RefreshDto, SignedInBody, SignInDto } from './session.dto';

@ApiTags('session')
@Controller('api/v1')
export class SessionController {
  constructor(
    private readonly access: Access,
    private readonly config: NodeConfig,
  ) {}

  @Post('session')
  @Public()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Sign in', operationId: 'signIn' })
  @Answers({ 201: SignedInBody }, 'BAD_CREDENTIALS', 'TOO_MANY_REQUESTS')
  async signIn(@Body() body: SignInDto, @Req() request: FastifyRequest): Promise<SignedInBody> {
    return encode(await this.access.signIn(body.login.toLowerCase(), body.password, request.ip));
  }

  @Post('session/refresh')
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Exchange the refresh token for a new pair of tokens', operationId: 'refreshSession' })
  @Answers({ 200: SignedInBody }, 'NOT_SIGNED_IN', 'SESSION_EXPIRED', 'SESSION_REVOKED')
  async refresh(@Body() body: RefreshDto): Promise<SignedInBody> {
    return encode(await this.access.refresh(body.refreshToken));
  }

  @Delete('session')
  @SignedInOnly()
  @NeedsSession()
  @HttpCode(204)
  @ApiOperation({ summary: 'Sign out', operationId: 'signOut' })
  @Answers({ 204: null })
  async signOut(@CurrentIdentity() identity: Identity): Promise<void> {
    await this.access.signOut(identity);
  }

  @Get('me')
  @SignedInOnly()
  @NeedsSession()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Who is signed in, and what they may do', operationId: 'getMe' })
  @Answers({ 200: MeBody })
  me(@CurrentIdentity() { person }: Identity): MeBody {
    const permitted = (Object.keys(permissions) as Permission[]).filter((permission) =>
      isPermitted(person, permission),
    );
    return { ...person, permissions: permitted, node: this.config.node };
  }
}

function encode({ person, ...tokens }: SignedIn): SignedInBody {
  return { ...tokens, tokenType: 'Bearer', person };
}
