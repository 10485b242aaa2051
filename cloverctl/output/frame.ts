import { stripVTControlCharacters } from 'node:util';
import { cut, textWidth } from './width.ts';

/** What a frame needs of a terminal; `process.stdout` is one. */
interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

/** Lines of a terminal that are drawn again in place. */
export interface Frame {
  /** Replaces the lines before; what does not fit is cut, and said to be. */
  draw(lines: readonly string[]): void;
  /** Leaves the last lines where they are, and gives the cursor back. Safe to repeat. */
  close(): void;
}

const cursor = { hide: '\u001B[?25l', show: '\u001B[?25h' } as const;
const clearLine = '\u001B[K';
const clearBelow = '\u001B[J';

/** Begins at the line of the cursor; nothing above it is touched, so that what was there can be read still. */
export function createFrame(terminal: Terminal): Frame {
  let drawn = 0;
  let open = false;
  return {
    draw: (lines) => {
      const shown = fitting(lines, terminal);
      const up = drawn === 0 ? '' : `\u001B[${drawn}A`;
      // In one write, and without an empty moment: so nothing flickers.
      const text = shown.map((line) => `${line}${clearLine}\n`).join('');
      terminal.write(`${open ? '' : cursor.hide}\r${up}${text}${clearBelow}`);
      drawn = shown.length;
      open = true;
    },
    close: () => {
      if (open) terminal.write(cursor.show);
      open = false;
      drawn = 0;
    },
  };
}

function fitting(lines: readonly string[], { columns, rows }: Terminal): readonly string[] {
  // A terminal that does not tell its size says 0. The last row stays free for the cursor: else everything scrolls.
  const width = Math.max(20, columns || 80);
  const height = Math.max(2, (rows || 24) - 1);
  const shortened = lines.map((line) => {
    // A colour takes no place; a line that is cut goes without, for its end may be that of a colour.
    const text = stripVTControlCharacters(line);
    return textWidth(text) < width ? line : cut(text, width - 1);
  });
  if (shortened.length <= height) return shortened;
  return [...shortened.slice(0, height - 1), `… ${shortened.length - height + 1} more`];
}
