import { GatewayError } from '@jieqiao/core';
import { CatalogueBook, editionSummary } from '@jieqiao/exchange';
import { catalogueAt, catalogueDiff, equivalentsOf, itemAt, itemsFor, placeCodeFault } from '@jieqiao/recognition';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Permit } from '../auth.guard';
import { Answers, NeedsSession } from '../openapi';
import {
  CandidateListBody,
  CatalogueDiffBody,
  CatalogueItemWithEquivalentsBody,
  DayQuery,
  DiffQuery,
  DocumentTypeListBody,
  EditionBody,
  EditionListBody,
  ItemsQuery,
  PowerListBody,
  PowersQuery,
  ReturnCodeListBody,
} from './catalogues.dto';
import { type Reference, reference } from './reference';

/** A catalogue file as it is: what is logged is the digest over its bytes. */
export const catalogueMediaType = 'application/vnd.jieqiao.catalogue+json';

const defaultItems = 50;
const maxChanges = 1_000;

@ApiTags('catalogues')
@NeedsSession()
@Controller('api/v1/catalogues')
@Permit('catalogue.read')
export class CataloguesController {
  constructor(
    private readonly book: CatalogueBook,
    @Inject(reference) private readonly about: Reference,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Every edition of every catalogue at this node', operationId: 'listCatalogues' })
  @Answers({ 200: EditionListBody })
  list(): EditionListBody {
    const inUse = new Set(this.book.inUse());
    return { items: this.book.all().map((edition) => editionSummary(edition, inUse.has(edition))) };
  }

  @Post()
  @Permit('catalogue.import')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Take in an edition of a catalogue; it is in use at once. The same one again changes nothing',
    operationId: 'importCatalogue',
  })
  @ApiConsumes(catalogueMediaType)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @Answers({ 200: EditionBody }, 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE', 'VALIDATION_FAILED')
  async import(@Body() file: unknown): Promise<EditionBody> {
    if (!Buffer.isBuffer(file)) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', { expected: catalogueMediaType });
    const edition = await this.book.import(file);
    return editionSummary(
      edition,
      this.book.inUse().some(({ digest }) => digest === edition.digest),
    );
  }

  @Get('items')
  @ApiOperation({ summary: 'Items that an act at a place may fall under', operationId: 'listCatalogueItems' })
  @Answers({ 200: CandidateListBody }, 'VALIDATION_FAILED')
  items(@Query() query: ItemsQuery): CandidateListBody {
    const { actor, family, limit = defaultItems, place, q, territory, day = this.about.today() } = query;
    const candidates = itemsFor(this.book.current(), {
      family,
      jurisdiction: place,
      day,
      ...(actor && { actors: [actor] }),
      ...(territory && { territories: [territory] }),
    });
    if (candidates === null) throw unknown('/family', 'unknown-family');
    const fault = placeCodeFault(this.about.regions(), place, day);
    // The list of towns has no date: a town that it lacks may be a new one.
    if (fault !== null && fault !== 'unknown-town') throw unknown('/place', `place-${fault}`);
    const found = candidates.filter(({ item }) => q === undefined || item.name.includes(q) || item.code.includes(q));
    return { items: found.slice(0, limit), more: found.length > limit };
  }

  @Get('items/:code')
  @ApiOperation({ summary: 'One item on a day, and the other side’s', operationId: 'getCatalogueItem' })
  @Answers({ 200: CatalogueItemWithEquivalentsBody }, 'NOT_FOUND', 'VALIDATION_FAILED')
  item(@Param('code') code: string, @Query() { day = this.about.today() }: DayQuery): CatalogueItemWithEquivalentsBody {
    const set = this.book.current();
    const item = itemAt(set, code, day);
    if (item === null) throw new GatewayError('NOT_FOUND', {});
    return { ...item, equivalents: equivalentsOf(set, code, day) ?? [] };
  }

  @Get('return-codes')
  @ApiOperation({ summary: 'Why a transfer may be returned', operationId: 'listReturnCodes' })
  @Answers({ 200: ReturnCodeListBody }, 'VALIDATION_FAILED')
  returnCodes(@Query() { day = this.about.today() }: DayQuery): ReturnCodeListBody {
    return { items: catalogueAt(this.book.current(), day).returnCodes };
  }

  @Get('document-types')
  @ApiOperation({ summary: 'Types of legal documents', operationId: 'listDocumentTypes' })
  @Answers({ 200: DocumentTypeListBody }, 'VALIDATION_FAILED')
  documentTypes(@Query() { day = this.about.today() }: DayQuery): DocumentTypeListBody {
    const { documentTypes } = catalogueAt(this.book.current(), day);
    return { items: documentTypes.sort((a, b) => a.number - b.number) };
  }

  @Get('powers')
  @ApiOperation({ summary: 'What an authority may punish on a day', operationId: 'listPowers' })
  @Answers({ 200: PowerListBody }, 'VALIDATION_FAILED')
  powers(@Query() { authority, day = this.about.today() }: PowersQuery): PowerListBody {
    const set = this.book.current();
    const items = catalogueAt(set, day).powers.filter((row) => row.authority === authority);
    return { items, registered: set.index.powers.has(authority) };
  }

  @Get(':catalogueId/diff')
  @ApiOperation({ summary: 'What an edition changes of another', operationId: 'diffCatalogue' })
  @Answers({ 200: CatalogueDiffBody }, 'NOT_FOUND')
  diff(@Param('catalogueId') id: string, @Query() { from, to }: DiffQuery): CatalogueDiffBody {
    const changes = catalogueDiff(this.book.edition(id, from).catalogue, this.book.edition(id, to).catalogue);
    return { changes: changes.slice(0, maxChanges), more: changes.length > maxChanges };
  }
}

const unknown = (pointer: string, reason: string) => new GatewayError('VALIDATION_FAILED', { reason, pointer });
