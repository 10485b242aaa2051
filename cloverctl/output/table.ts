/** One column: its head, and the cell of a row. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Numbers stand at the right. */
  readonly align?: 'right';
  /** Left out unless asked for. */
  readonly wide?: boolean;
}

const gap = '   ';

/** Lines of a table, the head first, as kubectl draws them. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  widths: number[] = [],
): string[] {
  const cells = [
    columns.map(({ head }) => head),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  for (const line of cells) {
    for (const [index, text] of line.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, text.length);
    }
  }
  return cells.map((line) =>
    line
      .map((text, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
      })
      .join(gap)
      .trimEnd(),
  );
}

/** A table that grows line by line: later lines keep to the widths of the earlier ones. */
export function growingTable<Row>(columns: readonly Column<Row>[]): (row: Row) => string[] {
  const widths = columns.map(({ head }) => Math.max(head.length, 10));
  let first = true;
  return (row) => {
    const lines = table(columns, [row], widths);
    if (!first) return lines.slice(1);
    first = false;
    return lines;
  };
}
