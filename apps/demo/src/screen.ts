import { columnsOf, fit, pad, wrap } from '@jieqiao/platform';

export type Language = 'zh' | 'en';

/** Text is never set wider than this, however wide the window is: long lines are hard to read. */
const maxColumns = 80;
const minColumns = 48;
const timeColumns = 10;
/** Mark, time of day and case of a diary's entry. */
const leadColumns = 14;
const whoColumns = { zh: 6, en: 9 } as const;

/** Where the story is told: lines of text for a person, coloured only on a terminal. */
export class Screen {
  private readonly columns: number;
  private readonly colours: boolean;
  /** What time it is in the story. */
  now: () => Date = () => new Date();

  constructor(
    private readonly out: NodeJS.WriteStream,
    readonly language: Language,
    env: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.columns = Math.max(minColumns, Math.min(out.isTTY ? out.columns || maxColumns : maxColumns, maxColumns));
    this.colours = out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
    // Whoever reads through `| head` may stop listening; that is no reason to stop working.
    out.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }

  say(zh: string, en: string): string {
    return this.language === 'zh' ? zh : en;
  }

  line(text = ''): void {
    this.out.write(`${text}\n`);
  }

  title(text: string): void {
    this.line(this.bold(text));
    this.line(this.dim('─'.repeat(this.columns)));
  }

  heading(text: string): void {
    this.line();
    this.line(this.bold(text));
  }

  paragraph(text: string, indent = 2): void {
    for (const line of wrap(text, this.columns - indent)) this.line(' '.repeat(indent) + line);
  }

  /** One event of the story: when, who, what; further lines stand below what. */
  step(who: string, what: string, ...more: string[]): void {
    const lead = `  ${this.dim(chinaTime(this.now()))}`;
    const [first = '', ...rest] = wrap(what, this.roomForText);
    this.line(`${lead}${pad('', timeColumns - 8)}${pad(who, whoColumns[this.language])}${first}`);
    for (const line of [...rest, ...more.flatMap((text) => wrap(text, this.roomForText))]) this.detail(line);
  }

  /** Below a step; not wrapped. */
  detail(text: string): void {
    this.line(`${' '.repeat(this.textColumn)}${text}`);
  }

  /** A file below a step: its place in the row, its name, its size, its digest. */
  file(place: string, name: string, bytes: number, digest: string): void {
    const size = sizeOf(bytes).padStart(9);
    const tail = `${size}  ${this.dim(shortDigest(digest))}`;
    const room = this.roomForText - 9 - 2 - shortDigest(digest).length - 1 - place.length - 2;
    this.detail(`${this.dim(place)}  ${pad(fit(name, room), room)} ${tail}`);
  }

  /** A step in a diary: whether it went as expected, time, case, who, what, what came of it. */
  entry(
    passed: boolean,
    time: string,
    chapter: string,
    who: string,
    what: string,
    outcome: string,
    problems: readonly string[],
  ): void {
    const lead = `  ${this.mark(passed)} ${this.dim(time)} ${pad(chapter, 4)}`;
    const text = `${who}  ${what}${outcome === '' ? '' : ` → ${outcome}`}`;
    const indent = ' '.repeat(leadColumns);
    const [first = '', ...rest] = wrap(text, this.columns - leadColumns);
    this.line(`${lead}${first}`);
    for (const line of [...rest, ...problems.flatMap((problem) => wrap(`! ${problem}`, this.columns - leadColumns))]) {
      this.line(indent + line);
    }
  }

  check(passed: boolean | null, what: string, problems: readonly string[] = []): void {
    const mark = this.mark(passed);
    const [first = '', ...rest] = wrap(what, this.columns - 6);
    this.line(`    ${mark} ${first}`);
    for (const line of [...rest, ...problems.flatMap((problem) => wrap(problem, this.columns - 8, '  '))]) {
      this.line(`      ${line}`);
    }
  }

  /** Rows of cells with aligned columns; the last cell is free. */
  table(rows: readonly (readonly string[])[], indent = 2): void {
    const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => columnsOf(row[i] ?? ''))));
    for (const row of rows) {
      const cells = row.map((cell, i) => (i === row.length - 1 ? cell : pad(cell, widths[i]! + 2)));
      this.line(' '.repeat(indent) + cells.join(''));
    }
  }

  /** A command to copy: one argument group per line, joined for the shell. */
  command(parts: readonly string[], indent = 4): void {
    const lines: string[] = [];
    for (const part of parts) {
      const last = lines.at(-1);
      if (last !== undefined && indent + last.length + part.length + 3 <= this.columns)
        lines.push(`${lines.pop()} ${part}`);
      else lines.push(last === undefined ? part : `  ${part}`);
    }
    for (const [i, line] of lines.entries()) {
      this.line(' '.repeat(indent) + line + (i < lines.length - 1 ? ' \\' : ''));
    }
  }

  bold(text: string): string {
    return this.paint('1', text);
  }

  dim(text: string): string {
    return this.paint('2', text);
  }

  private paint(code: string, text: string): string {
    return this.colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  private mark(passed: boolean | null): string {
    return passed === null ? this.dim('–') : passed ? this.paint('32', '✓') : this.paint('31', '✗');
  }

  private get textColumn(): number {
    return 2 + timeColumns + whoColumns[this.language];
  }

  private get roomForText(): number {
    return this.columns - this.textColumn;
  }
}

/** Time of day in China, where the story takes place. */
export function chinaTime(at: Date): string {
  return chinaInstant(at).slice(11);
}

/** E.g. `2026-11-23 13:07:54`. */
export function chinaInstant(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}

export function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

/** Enough to tell digests apart at a glance; the whole ones stand in the files. */
export function shortDigest(digest: string): string {
  const hex = digest.replace('sha256:', '');
  return `${hex.slice(0, 8)}…`;
}
