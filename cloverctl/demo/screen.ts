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
  let drawn = 0;
  let current: readonly string[] = [];
  const erase = (): void => {
    if (drawn > 0) stream.write(`\u001B[${drawn}A\u001B[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    // A line that wraps would make the next erase miss its beginning.
    const lines = current.slice(0, Math.max(1, stream.rows - 2));
    for (const line of lines) stream.write(`${line.slice(0, Math.max(20, stream.columns - 1))}\n`);
    drawn = lines.length;
  };
  const keep = (lines: readonly string[]): void => {
    erase();
    for (const line of lines) stream.write(`${line}\n`);
    draw();
  };
  return {
    step: (title) => {
      current = [];
      keep([styleText(['bold', 'green'], `[${++steps}] ${title}`)]);
    },
    note: (text) => keep([`    ${text}`]),
    live: (lines) => {
      erase();
      current = lines.map((line) => `    ${line}`);
      draw();
    },
    block: (lines) => keep(lines.map((line) => `    ${line}`)),
    close: () => {
      current = [];
      erase();
    },
  };
}
