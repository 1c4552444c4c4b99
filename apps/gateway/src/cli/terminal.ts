import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { columnsOf, pad, wrap } from '@jieqiao/platform';
import { fill, type Language, type Params, type Text } from '../words';

/** What a command gets from its process; a test gives its own. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  now: () => Date;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the sequences that `paint` writes
const painted = /\u001b\[\d+m/g;

/** Text is never set wider than this, however wide the window is: long lines are hard to read. */
const maxColumns = 80;
const minColumns = 48;
/** A person who types more than this into a prompt has pasted the wrong thing. */
const maxAnswer = 1_000;

export type Colour = 'red' | 'yellow' | 'green' | 'dim' | 'bold';
const colourCodes: Record<Colour, string> = { red: '31', yellow: '33', green: '32', dim: '2', bold: '1' };

/** Where a command tells an administrator what it did, in their language, and asks them. */
export class Terminal {
  readonly columns: number;
  /** Somebody sits there who can answer a question. */
  readonly interactive: boolean;
  private readonly colours: boolean;

  constructor(
    private readonly around: Surroundings,
    readonly language: Language,
  ) {
    const { stdin, stdout, env } = around;
    this.columns = Math.max(minColumns, Math.min(stdout.isTTY ? stdout.columns || maxColumns : maxColumns, maxColumns));
    this.colours = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
    this.interactive = stdin.isTTY === true;
    // Whoever reads through `| head` may stop listening; that is no reason to fail.
    for (const stream of [stdout, around.stderr]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
      });
    }
  }

  say(text: Text, params?: Params): string {
    return fill(text, this.language, params);
  }

  line(text = ''): void {
    this.around.stdout.write(`${text}\n`);
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value, null, 2));
  }

  /** Wrapped text; further lines of the paragraph hang under the first. */
  paragraph(text: string, indent = 0, hanging = 0): void {
    for (const line of wrap(text, this.columns - indent, ' '.repeat(hanging))) this.line(' '.repeat(indent) + line);
  }

  /** A marked line; what does not fit hangs under its text. */
  item(mark: string, colour: Colour, text: string, indent = 2): void {
    const [first = '', ...rest] = wrap(text, this.columns - indent - 2);
    this.line(`${' '.repeat(indent)}${this.paint(colour, mark)} ${first}`);
    for (const line of rest) this.line(' '.repeat(indent + 2) + line);
  }

  heading(text: string): void {
    this.line();
    this.line(this.paint('bold', text));
  }

  /** Rows of label and value, the values in one column. An empty label continues the row above. */
  facts(rows: readonly (readonly [string, string])[], indent = 2): void {
    const width = Math.max(...rows.map(([label]) => columnsOf(label))) + 2;
    const room = this.columns - indent - width;
    for (const [label, value] of rows) {
      const [first = '', ...rest] = breakable(value, room);
      this.line(`${' '.repeat(indent)}${this.paint('dim', pad(label, width))}${first}`);
      for (const line of rest) this.line(' '.repeat(indent + width) + line);
    }
  }

  /** Rows of cells in aligned columns. Paint does not count: it takes no room. */
  table(rows: readonly (readonly string[])[], indent = 2): void {
    const plain = (cell: string) => columnsOf(cell.replace(painted, ''));
    const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => plain(row[i] ?? ''))));
    for (const row of rows) {
      const cells = row.map((cell, i) => cell + ' '.repeat(widths[i]! - plain(cell)));
      this.line(' '.repeat(indent) + cells.join('  ').trimEnd());
    }
  }

  /** Lines with a mark, a name and a text beside it; what to do stands below the text. */
  marked(rows: readonly { mark: string; name: string; text: string; fix: string | null }[]): void {
    const width = Math.max(...rows.map(({ name }) => columnsOf(name)));
    const indent = 2 + 2 + width + 2;
    for (const { mark, name, text, fix } of rows) {
      const [first = '', ...rest] = wrap(text, this.columns - indent);
      this.line(`  ${mark} ${pad(name, width)}  ${first}`.trimEnd());
      for (const line of rest) this.line(' '.repeat(indent) + line);
      for (const line of fix === null ? [] : wrap(fix, this.columns - indent)) {
        this.line(' '.repeat(indent) + this.paint('bold', line));
      }
    }
  }

  /** A fingerprint, to be read aloud. */
  fingerprint(groups: string, indent = 4): void {
    this.line(' '.repeat(indent) + this.paint('bold', groups.replaceAll('-', '  ')));
  }

  paint(colour: Colour, text: string): string {
    return this.colours && text !== '' ? `\u001b[${colourCodes[colour]}m${text}\u001b[0m` : text;
  }

  /** To standard error: what went wrong. */
  problem(text: string): void {
    this.around.stderr.write(`${text}\n`);
  }

  /** To standard error, with a question that follows. */
  note(text: string): void {
    for (const line of wrap(text, this.columns)) this.problem(line);
  }

  /** Asks on standard error, so that the output can be redirected. Call it only where `interactive`. */
  async ask(question: string): Promise<string> {
    const reader = createInterface({ input: this.around.stdin, output: this.around.stderr, terminal: true });
    try {
      return (await reader.question(question)).trim().slice(0, maxAnswer);
    } finally {
      reader.close();
    }
  }

  /** Asks for a secret: what is typed is not shown. */
  async askHidden(question: string): Promise<string> {
    this.around.stderr.write(question);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const reader = createInterface({ input: this.around.stdin, output: nowhere, terminal: true });
    try {
      return (await reader.question('')).slice(0, maxAnswer);
    } finally {
      reader.close();
      this.around.stderr.write('\n');
    }
  }
}

/** A value that must stay in one piece, such as a path or a command, is not broken. */
function breakable(value: string, room: number): string[] {
  return /\s|[\u2e80-\uffef]/u.test(value) ? wrap(value, room) : [value];
}
