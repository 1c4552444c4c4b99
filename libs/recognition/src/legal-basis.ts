import { line, object, text } from './schema-parts';

/** One article: `law` by its usual short Chinese title, `article` as a number or `number(item)`, e.g. `10(2)`. */
export interface LegalBasis {
  law: string;
  article: string;
  text?: string;
}

export const legalBasis = object({ law: line(100), article: line(40), text: text(2000) }, ['text']);
