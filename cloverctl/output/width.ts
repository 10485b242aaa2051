import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that a text takes on a terminal: East Asian wide characters and emoji take two, combining marks none. */
export function textWidth(text: string): number {
  return stringWidth(text);
}

/** A text of at most `width` columns, from 1; `…` stands for what was cut off. Characters are never cut in two. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let taken = 0;
  for (const { segment } of graphemes.segment(text)) {
    const wide = textWidth(segment);
    if (taken + wide > width - 1) break;
    kept += segment;
    taken += wide;
  }
  return `${kept}…`;
}

/** A text filled up with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + spaces : spaces + text;
}

/**
 * Takes `excess` columns off the widths, from the widest one first.
 * @param floors What each of them keeps at least.
 */
export function narrowed(
  widths: readonly number[],
  floors: readonly number[],
  excess: number,
): number[] {
  const result = [...widths];
  const canGive = (index: number): boolean => (result[index] ?? 0) > (floors[index] ?? 0);
  for (let left = excess; left > 0; left--) {
    let widest = -1;
    for (const [index, width] of result.entries()) {
      if (canGive(index) && width > (result[widest] ?? 0)) widest = index;
    }
    if (widest < 0) break;
    result[widest] = (result[widest] ?? 0) - 1;
  }
  return result;
}
