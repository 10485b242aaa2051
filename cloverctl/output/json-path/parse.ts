import { pathError, type PathNodes, type Piece, type Template } from './nodes.ts';
import { readSteps, skipSpaces, wordAt } from './parse-steps.ts';

const deepestRange = 32;

/**
 * Reads a template of kubectl's JSONPath: text, and in braces paths to print, literals, and `{range …}…{end}`.
 *
 * What kubectl takes means the same here, but for this: a key in quotes may be in double ones, and is first looked for as it
 * stands, dots included; numbers are compared by value, whether they are written `2` or `2.0`; what is certainly
 * a mistake and prints nothing there is refused here: `[]`, a dot with no name behind it.
 * @see https://kubernetes.io/docs/reference/kubectl/jsonpath/
 * @throws CloverError CLV_ARGUMENT_INVALID with the place.
 */
export function parseTemplate(template: string): Template {
  const root: Piece[] = [];
  const open: { readonly nodes: PathNodes; readonly body: Piece[] }[] = [];
  const add = (piece: Piece): void => void (open.at(-1)?.body ?? root).push(piece);
  const close = (): boolean => {
    const range = open.pop();
    if (range !== undefined) add({ kind: 'range', ...range });
    return range !== undefined;
  };
  let at = 0;
  while (at < template.length) {
    const brace = template.indexOf('{', at);
    const end = brace < 0 ? template.length : brace;
    if (end > at) add({ kind: 'text', text: template.slice(at, end) });
    if (brace < 0) break;
    const start = skipSpaces(template, brace + 1);
    const word = wordAt(template, start);
    const steps = word === 'range' || word === 'end' ? start + word.length : start;
    const { nodes, next } = readSteps(template, steps, 'action');
    if (template[next] !== '}') throw pathError(brace, 'found { without the } that ends it');
    if (word === 'range') {
      if (open.length === deepestRange) {
        throw pathError(brace, `found more than ${deepestRange} ranges in each other`);
      }
      open.push({ nodes, body: [] });
    } else if (word === 'end') {
      if (nodes.length > 0) throw pathError(steps, 'found more than "end" in {end}');
      if (!close()) throw pathError(brace, 'found {end} without a {range} before it');
    } else {
      add({ kind: 'print', nodes });
    }
    at = next + 1;
  }
  // As with kubectl the end of the template ends every range.
  while (close());
  return root;
}

/**
 * Reads one path alone, in the forms that kubectl takes for columns and orders: `{.a.b}`, `.a.b` and `a.b`.
 * @throws CloverError CLV_ARGUMENT_INVALID with the place.
 */
export function parsePath(path: string): PathNodes {
  const isBraced = path.startsWith('{');
  const { nodes, next } = readSteps(path, isBraced ? 1 : 0, 'path');
  const end = isBraced ? path.length - 1 : path.length;
  if (next === end && nodes.length > 0) return nodes;
  const found = next >= path.length ? 'the end' : JSON.stringify(path.slice(next, next + 20));
  throw pathError(next, `found ${found}; expected one path such as .metadata.name`);
}
