import { coloured, type Tone } from './colour.ts';
import { printable } from './text.ts';
import { cut, narrowed, pad, textWidth } from './width.ts';

/** One column: its head, and the cell of a row. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Numbers stand at the right, and are never cut. */
  readonly align?: 'right';
  /** Left out unless asked for. */
  readonly wide?: boolean;
  /** Cut only where a line ends: without the whole of it a row says nothing. */
  readonly whole?: boolean;
  /** Columns of the terminal that stay of it at least, up to the end of a line. Default: 6. */
  readonly least?: number;
  /** What the cell's text says of its row, as a colour. */
  readonly tone?: (text: string, row: Row) => Tone | undefined;
}

/** How a table is drawn. */
export interface TableLook {
  readonly colour?: boolean;
  /** Columns of the terminal; the widest cells are cut to fit, then the line. Without it nothing is cut. */
  readonly width?: number | undefined;
  /** Whether the head is drawn. Default: true. */
  readonly head?: boolean;
}

const gap = '   ';
/** So much of a cell that is cut stays at least, as far as its head is not wider. */
const leastWidth = 6;

/** Lines of a table, the head first, as kubectl draws them. Control characters in cells are escaped. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  look: TableLook = {},
): string[] {
  return createTable(columns, look)(rows);
}

/** A table that grows line by line: later lines keep to the widths of the earlier ones. */
export function growingTable<Row>(
  columns: readonly Column<Row>[],
  look: TableLook = {},
): (row: Row) => string[] {
  const widths = columns.map(({ head }) => Math.max(head.length, 8));
  const lines = createTable(columns, look, widths);
  return (row) => lines([row]);
}

function createTable<Row>(
  columns: readonly Column<Row>[],
  { colour = false, width, head = true }: TableLook,
  widths: number[] = columns.map(() => 0),
): (rows: readonly Row[]) => string[] {
  let hasHead = !head;
  if (head) widen(columns.map((column) => column.head));

  function widen(cells: readonly string[]): void {
    for (const [index, text] of cells.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, textWidth(text));
    }
  }

  function line(cells: readonly string[], shown: readonly number[], row?: Row): string {
    const parts = columns.map(({ align, tone }, index) => {
      const whole = cells[index] ?? '';
      const columnWidth = shown[index] ?? 0;
      const text = cut(whole, columnWidth);
      const said = row !== undefined && colour ? tone?.(whole, row) : undefined;
      return { text, said, padded: pad(text, columnWidth, align ?? 'left') };
    });
    const plain = parts.map(({ padded }) => padded).join(gap);
    const kept = width === undefined ? plain : cut(plain.trimEnd(), width);
    let at = 0;
    let result = '';
    for (const { text, said, padded } of parts) {
      const end = at + padded.length;
      const part = kept.slice(at, end);
      // The end of the line may have cut the text: the rest of it says nothing any more.
      result += said === undefined ? part : part.replace(text, () => coloured(text, said));
      at = end + gap.length;
      result += kept.slice(end, at);
    }
    return result.trimEnd();
  }

  return (rows) => {
    const bodies = rows.map((row) => columns.map(({ cell }) => printable(cell(row))));
    bodies.forEach(widen);
    const shown = width === undefined ? widths : fitted(columns, widths, width);
    const lines = bodies.map((cells, index) => line(cells, shown, rows[index]));
    if (hasHead) return lines;
    hasHead = true;
    const heads = columns.map((column) => column.head);
    return [line(heads, shown), ...lines];
  };
}

function fitted<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  width: number,
): number[] {
  const taken = widths.reduce((sum, each) => sum + each, gap.length * (columns.length - 1));
  const floors = columns.map(({ align, head, whole = false, least = leastWidth }, index) =>
    whole || align === 'right' ? (widths[index] ?? 0) : Math.max(head.length, least),
  );
  return narrowed(widths, floors, taken - width);
}
