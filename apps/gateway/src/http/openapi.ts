import type { ErrorCode } from '@jieqiao/core';
import { errorCodes } from '@jieqiao/core';
import { applyDecorators, type Type as Class, type INestApplication } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiExtraModels,
  ApiProperty,
  ApiResponse,
  DocumentBuilder,
  getSchemaPath,
  type OpenAPIObject,
  SwaggerModule,
} from '@nestjs/swagger';
import { errorKinds, type FieldError, type ProblemDetails } from '../errors/errors';

class FieldErrorBody implements FieldError {
  @ApiProperty({ description: 'JSON pointer (RFC 6901) to the field; `#Name` for a header.' })
  pointer!: string;

  @ApiProperty({ description: 'UNKNOWN_FIELD, REQUIRED, WRONG_TYPE, TOO_LONG, WRONG_FORM, …' })
  code!: string;
}

export class ProblemBody implements ProblemDetails {
  @ApiProperty({ example: 'urn:jieqiao:error:NOT_FOUND' })
  type!: string;

  @ApiProperty({ description: 'In the language of Accept-Language, Chinese by default.' })
  title!: string;

  @ApiProperty()
  status!: number;

  @ApiProperty({ enum: errorCodes, enumName: 'ErrorCode' })
  code!: ErrorCode;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'Values that explain the error.' })
  params!: ProblemDetails['params'];

  @ApiProperty({ type: FieldErrorBody, isArray: true })
  errors!: readonly FieldError[];

  @ApiProperty({ description: 'Finds the request in the node’s log.' })
  traceId!: string;
}

/** A body of bytes or text by media type, as against a JSON class. */
interface RawBody {
  mediaType: string;
  format?: 'binary';
}

/**
 * The answers of a route: successes by status, and the errors that are its own. Every route may also answer
 * VALIDATION_FAILED, INTERNAL and the like; those that need a session, NOT_SIGNED_IN and FORBIDDEN.
 */
export function Answers(successes: Record<number, Class<unknown> | RawBody | null>, ...errors: ErrorCode[]) {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errors) {
    const { http } = errorKinds[code];
    byStatus.set(http, [...(byStatus.get(http) ?? []), code]);
  }
  return applyDecorators(
    ApiExtraModels(ProblemBody),
    ...Object.entries(successes).map(([status, body]) => success(Number(status), body)),
    ...[...byStatus].map(([status, codes]) => problem(status, codes.join(', '))),
    ApiResponse({ status: 'default', ...problemContent('Any other error; `code` says which.') }),
  );
}

function success(status: number, body: Class<unknown> | RawBody | null) {
  if (body === null) return ApiResponse({ status, description: 'Done.' });
  if (typeof body === 'function') return ApiResponse({ status, type: body, description: '' });
  const schema = { type: 'string', ...(body.format ? { format: body.format } : {}) } as const;
  return ApiResponse({ status, description: '', content: { [body.mediaType]: { schema } } });
}

const problem = (status: number, description: string) => ApiResponse({ status, ...problemContent(description) });

function problemContent(description: string) {
  return { description, content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemBody) } } } };
}

/** Routes that need an access token, in the document. */
export const NeedsSession = () => ApiBearerAuth('session');

/** The OpenAPI 3.1 document of the HTTP API, from the controllers of an application. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Jieqiao 界桥')
    .setDescription(
      'The HTTP API of a node, for its people. Errors are `application/problem+json` with a stable `code`. Edits need `If-Match`, sending needs `Idempotency-Key`. Evidence is uploaded by the tus 1.0.0 core protocol.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'session')
    .build();
  return SwaggerModule.createDocument(app, about);
}
