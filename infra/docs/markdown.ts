/** A table in the layout of the formatter: every column as wide as its widest cell. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) =>
    Math.max(3, ...escaped.map((row) => widthOf(row[column] ?? ''))),
  );
  const line = (row: readonly string[]): string => {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? '';
      return cell + ' '.repeat(width - widthOf(cell));
    });
    return `| ${cells.join(' | ')} |\n`;
  };
  const [first = [], ...others] = escaped;
  const rule = widths.map((width) => '-'.repeat(width));
  return [first, rule, ...others].map(line).join('');
}

/** In code points, which is what the formatter counts. */
function widthOf(text: string): number {
  return Array.from(text).length;
}
