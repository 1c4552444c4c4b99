import { Access } from '@jieqiao/access';
import { AuditLog } from '@jieqiao/audit';
import { AgreementBook, Peers } from '@jieqiao/delivery';
import {
  Casework,
  CatalogueBook,
  ContentAccess,
  Deadlines,
  DocumentNumbers,
  Filings,
  Transfers,
} from '@jieqiao/exchange';
import { Metrics, NodeConfig } from '@jieqiao/platform';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { reference } from './catalogues/reference';
import { clock } from './clock';
import { healthChecks } from './health/health.controller';
import { httpModule } from './http.module';
import { openApiDocument } from './openapi';

/** The text of docs/api/openapi.json: from the controllers alone, with no database, keys or port. */
export async function openApiFile(): Promise<string> {
  const parts = [
    NodeConfig,
    Access,
    Casework,
    ContentAccess,
    Transfers,
    Deadlines,
    DocumentNumbers,
    Filings,
    AgreementBook,
    CatalogueBook,
    Peers,
    AuditLog,
    Metrics,
    healthChecks,
    reference,
    clock,
  ];
  const module = httpModule(parts.map((provide) => ({ provide, useValue: {} })));
  const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false, abortOnError: false });
  try {
    return `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
  } finally {
    await app.close();
  }
}
