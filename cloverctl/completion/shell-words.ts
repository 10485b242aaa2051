/**
 * The words of a command line as far as it is typed; the last one is that at the cursor, empty after white space. Quotes
 * and backslashes count as a POSIX shell has them; a quote that is still open ends with the line.
 */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? '';
    if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'" || character === '"') {
      const { text, end } = quoted(line, at);
      word = (word ?? '') + text;
      at = end;
    } else {
      if (character === '\\') at += 1;
      word = (word ?? '') + (line[at] ?? '');
    }
  }
  return [...words, word ?? ''];
}

function quoted(line: string, start: number): { readonly text: string; readonly end: number } {
  const quote = line[start];
  let text = '';
  for (let at = start + 1; at < line.length; at += 1) {
    const character = line[at] ?? '';
    if (character === quote) return { text, end: at };
    const escapes = quote === '"' && character === '\\' && /["\\$`]/.test(line[at + 1] ?? '');
    if (escapes) at += 1;
    text += line[at] ?? '';
  }
  return { text, end: line.length };
}
