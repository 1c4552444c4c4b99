import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Access } from '@jieqiao/access';
import { GatewayError, maxAgreementBytes } from '@jieqiao/core';
import { type Logger, Metrics, type NodeConfig } from '@jieqiao/platform';
import { catalogueLimits } from '@jieqiao/recognition';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { agreementMediaType } from './agreements/agreements.controller';
import { catalogueMediaType } from './catalogues/catalogues.controller';
import { parseJsonBody } from './json-body';
import { openApiDocument } from './openapi';
import { ProblemFilter, sendProblem } from './problem.filter';
import { maxTimestampQueryBytes, timestampQueryType } from './timestamp/timestamp.controller';
import { uploadMediaType } from './transfers/evidence.controller';
import { createValidationPipe } from './validation.pipe';

/** Ids of evidence and transfers are 36 characters; agreement ids up to 80. */
const maxParamLength = 100;
/** A connection may rest this long within a request: longer than the longest `Prefer: wait`. */
const idleMs = 120_000;

/** Nest modules in whatever form `NestFactory.create` takes. */
type AppModule = Parameters<typeof NestFactory.create>[0];

/**
 * The HTTP application of a node, not yet listening. `module` must provide Access and Metrics besides what
 * `HttpModule` needs.
 */
export async function createHttpApp(
  module: AppModule,
  config: NodeConfig,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: config.limits.bodyBytes,
    trustProxy: config.http.trustProxy,
    genReqId: traceIdOf,
    routerOptions: { maxParamLength },
    requestTimeout: 0,
    connectionTimeout: idleMs,
    forceCloseConnections: true,
    logger: false,
    // A path that can't be decoded, or is absurdly long, never reaches a route.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(new GatewayError('NOT_FOUND', {}), request, reply),
  });
  const routes: RouteList = [];
  const fastify: FastifyInstance = adapter.getInstance();
  fastify.addHook('onRoute', ({ method, url }) => {
    routes.push({ methods: [method].flat(), path: pathPattern(url) });
  });
  readBodies(fastify);
  fastify.get('/', (_request, reply) => reply.redirect('/api/docs'));
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: false,
    abortOnError: false,
  });
  measure(fastify, app.get(Metrics, { strict: false }));
  const access = app.get(Access, { strict: false });
  app.useGlobalFilters(new ProblemFilter(access, logger, (path) => methodsOf(routes, path)));
  app.useGlobalPipes(createValidationPipe());
  SwaggerModule.setup('api/docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'api/openapi.json',
    raw: ['json'],
  });
  return app;
}

/** The trace id of W3C traceparent when the caller has one, or a new one: the caller's log and ours name the same. */
function traceIdOf(request: IncomingMessage): string {
  const header = request.headers.traceparent;
  const given = typeof header === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(header)?.[1] : undefined;
  return given !== undefined && !/^0+$/.test(given) ? given : randomBytes(16).toString('hex');
}

/** JSON is parsed strictly; an upload is handed on as it comes, what is signed or hashed as bytes; nothing else has a body. */
function readBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as GatewayError);
    }
  });
  fastify.addContentTypeParser(uploadMediaType, (_request, payload, done) => done(null, payload));
  for (const [type, bodyLimit] of [
    [timestampQueryType, maxTimestampQueryBytes],
    [agreementMediaType, maxAgreementBytes],
    [catalogueMediaType, catalogueLimits.maxBytes],
  ] as const) {
    fastify.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
  }
}

function measure(fastify: FastifyInstance, metrics: Metrics): void {
  const observe = metrics.duration('http_request_duration_seconds', 'Time to answer, by route.', [
    'method',
    'route',
    'status',
  ]);
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    done();
  });
}

type RouteList = { methods: string[]; path: RegExp }[];

function pathPattern(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+')}/?$`);
}

function methodsOf(routes: RouteList, path: string): string[] {
  return [...new Set(routes.filter((route) => route.path.test(path)).flatMap((route) => route.methods))].sort();
}
