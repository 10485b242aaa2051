import { CloverError } from '../../functions/lib/errors.ts';
import { evaluate } from './json-path/evaluate.ts';
import { parsePath } from './json-path/parse.ts';
import { valueText } from './json-path/render.ts';
import type { Column } from './table.ts';

/**
 * The columns of `-o custom-columns=NAME:.metadata.name,HOST:.spec.target.host`: heads and paths, as kubectl takes them.
 * Of several values there are commas between; of none there is `<none>`.
 * @throws CloverError CLV_ARGUMENT_INVALID with the column, and the place in its path.
 */
export function customColumns(text: string): readonly Column<unknown>[] {
  return columnTexts(text).map((column) => {
    const colon = column.indexOf(':');
    const [head, path] = [column.slice(0, Math.max(0, colon)).trim(), column.slice(colon + 1)];
    if (head === '' || path.trim() === '') {
      throw wrong(
        `found ${JSON.stringify(column)}; expected HEAD:path, such as NAME:.metadata.name`,
      );
    }
    const nodes = pathOf(head, path);
    return {
      head,
      cell: (row) => {
        const values = evaluate(nodes, row).filter((value) => value !== null);
        return values.length === 0 ? '<none>' : values.map(valueText).join(',');
      },
      whole: head === 'NAME',
    };
  });
}

function pathOf(head: string, path: string): ReturnType<typeof parsePath> {
  try {
    return parsePath(path.trim());
  } catch (cause) {
    if (!(cause instanceof CloverError)) throw cause;
    throw wrong(`column ${head}: ${cause.message.replace('jsonpath: ', '')}`);
  }
}

/** The text between commas that stand in no bracket and no quotes. */
function columnTexts(text: string): string[] {
  const columns = text.match(
    /(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\[[^\]]*\]|\\.|[^,])+|(?<=,|^)(?=,|$)/gsu,
  );
  return columns ?? [''];
}

function wrong(message: string): CloverError {
  return new CloverError('CLV_ARGUMENT_INVALID', `custom-columns: ${message}`, {
    details: [{ field: 'custom-columns', message }],
  });
}
