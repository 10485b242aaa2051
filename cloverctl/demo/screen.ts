import { styleText } from 'node:util';

/** What the live view needs of a terminal; `process.stdout` is one. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

/** Where the demo shows what happens. */
export interface Screen {
  /** A step of the story begins; the one before it is done. */
  step(title: string): void;
  /** A fact worth keeping. */
  note(text: string): void;
  /** Figures of this moment; each call replaces the one before. */
  live(lines: readonly string[]): void;
  /** Lines to keep, as they are. */
  block(lines: readonly string[]): void;
  /** Ends the view; the cursor is back at a line of its own. */
  close(): void;
}

/** One line per step and fact: for pipes and logs. Live figures are left out. */
export function createLineScreen(write: (line: string) => void): Screen {
  let steps = 0;
  return {
    step: (title) => write(`[${++steps}] ${title}`),
    note: (text) => write(`    ${text}`),
    live: () => {},
    block: (lines) => lines.forEach((line) => write(`    ${line}`)),
    close: () => {},
  };
}

/** A view for terminals: facts scroll up, the live figures below them are redrawn in place. */
export function createLiveScreen(stream: Terminal): Screen {
  let steps = 0;
  let drawn: readonly string[] = [];
  let current: readonly string[] = [];
  // A terminal that does not tell its size says 0.
  const width = (): number => Math.max(20, stream.columns || 80);
  const fit = (lines: readonly string[]): string[] =>
    lines.flatMap((line) => wrap(line, width() - 1));
  const erase = (): void => {
    // A terminal that has become narrower since has folded what was drawn.
    const rows = drawn.reduce(
      (sum, { length }) => sum + Math.max(1, Math.ceil(length / width())),
      0,
    );
    if (rows > 0) stream.write(`\u001B[${rows}A\u001B[0J`);
    drawn = [];
  };
  const draw = (): void => {
    // What scrolls off the top could not be erased any more.
    drawn = fit(current).slice(0, Math.max(1, (stream.rows || 24) - 2));
    for (const line of drawn) stream.write(`${line}\n`);
  };
  const keep = (lines: readonly string[]): void => {
    erase();
    for (const line of lines) stream.write(`${line}\n`);
    draw();
  };
  return {
    step: (title) => {
      current = [];
      keep(fit([`[${++steps}] ${title}`]).map((row) => styleText(['bold', 'green'], row)));
    },
    note: (text) => keep(fit([`    ${text}`])),
    live: (lines) => {
      erase();
      current = lines.map((line) => `    ${line}`);
      draw();
    },
    block: (lines) => keep(fit(lines.map((line) => `    ${line}`))),
    close: () => {
      current = [];
      erase();
    },
  };
}

/** A line in rows of at most `width`, broken between words; the further rows are indented by 6. */
export function wrap(line: string, width: number): string[] {
  if (line.length <= width) return [line];
  const space = line.lastIndexOf(' ', width);
  const end = line.slice(0, Math.max(0, space)).trim() === '' ? width : space;
  return [line.slice(0, end), ...wrap(`      ${line.slice(end).trimStart()}`, width)];
}
