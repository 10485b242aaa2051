import { isList, isRecord } from '../../../functions/lib/plain-value.ts';
import { pathError, type PathNode, type PathNodes } from './nodes.ts';

/**
 * The values that a path finds. What is not there is no value; an index out of bounds is an error.
 * @throws CloverError CLV_ARGUMENT_INVALID with the place in the template.
 */
export function evaluate(nodes: PathNodes, value: unknown): readonly unknown[] {
  return nodes.reduce<readonly unknown[]>((values, node) => step(node, values), [value]);
}

function step(node: PathNode, values: readonly unknown[]): readonly unknown[] {
  switch (node.kind) {
    case 'literal':
      return [node.value];
    case 'field':
      return values.flatMap((value) => fieldOf(value, node.name, node.path));
    case 'wildcard':
      return values.flatMap(children);
    case 'recursive':
      return values.flatMap(descendants);
    case 'union':
      return node.branches.flatMap((branch) =>
        branch.reduce((all, each) => step(each, all), values),
      );
    case 'index':
      return values.flatMap((value) => indexed(node, value));
    case 'slice':
      return values.flatMap((value) => sliced(node, value));
    default:
      return values.flatMap((value) => filtered(node, value));
  }
}

function fieldOf(value: unknown, name: string, path: readonly string[] = []): readonly unknown[] {
  if (!isRecord(value)) return [];
  if (Object.hasOwn(value, name)) return [value[name]];
  return path.length === 0
    ? []
    : path.reduce<readonly unknown[]>(
        (values, part) => values.flatMap((inner) => fieldOf(inner, part)),
        [value],
      );
}

function children(value: unknown): readonly unknown[] {
  if (isList(value)) return value;
  return isRecord(value) ? Object.values(value) : [];
}

/** A value and everything below it; what is above comes first. */
function descendants(value: unknown): readonly unknown[] {
  return [value, ...children(value).flatMap(descendants)];
}

type NodeOf<Kind> = Extract<PathNode, { readonly kind: Kind }>;

/** Undefined for null, of which every part is missing. */
function listOf(at: number, value: unknown): readonly unknown[] | undefined {
  if (value === null) return undefined;
  if (isList(value)) return value;
  throw pathError(at, `stands an index of ${nameOf(value)}; only arrays have one`);
}

function indexed({ at: place, index }: NodeOf<'index'>, value: unknown): readonly unknown[] {
  const list = listOf(place, value);
  if (list === undefined) return [];
  const position = index < 0 ? index + list.length : index;
  if (position >= 0 && position < list.length) return [list[position]];
  throw pathError(place, `stands the index ${index} of an array of ${list.length}`);
}

function sliced(
  { at: place, start = 0, end, step: stride = 1 }: NodeOf<'slice'>,
  value: unknown,
): readonly unknown[] {
  const list = listOf(place, value);
  if (list === undefined) return [];
  const { length } = list;
  const from = start < 0 ? start + length : start;
  const until = end === undefined ? length : end < 0 ? end + length : end;
  if (from === until) return [];
  if (from < 0 || from > length || until < 0 || until > length || from > until) {
    const message = `stands the slice ${start}:${end ?? ''} of an array of ${length}`;
    throw pathError(place, message);
  }
  return list.slice(from, until).filter((_, index) => index % stride === 0);
}

function filtered(node: NodeOf<'compare'> | NodeOf<'filter'>, value: unknown): readonly unknown[] {
  if (!isList(value)) {
    throw pathError(node.at, `stands a filter of ${nameOf(value)}; only arrays are filtered`);
  }
  return value.filter((item) => {
    const left = evaluate(node.left, item);
    if (node.kind === 'filter') return left.length > 0;
    const right = evaluate(node.right, item);
    if (left.length === 0 || right.length === 0) return false;
    if (left.length > 1 || right.length > 1) {
      throw pathError(node.at, 'stands a filter of several values; only one can be compared');
    }
    return compare(node, left[0], right[0]);
  });
}

function compare(
  { at: place, operator }: NodeOf<'compare'>,
  left: unknown,
  right: unknown,
): boolean {
  const isSame = typeof left === typeof right;
  const isText = typeof left === 'string' && typeof right === 'string';
  const isNumber = typeof left === 'number' && typeof right === 'number';
  const isOrdered = isText || isNumber;
  if (isSame && (isOrdered || typeof left === 'boolean')) {
    if (operator === '==') return left === right;
    if (operator === '!=') return left !== right;
    if (isOrdered) {
      if (operator === '<') return left < right;
      if (operator === '<=') return left <= right;
      return operator === '>' ? left > right : left >= right;
    }
  }
  const message = `stands a filter that compares ${nameOf(left)} with ${nameOf(right)} by ${operator}`;
  throw pathError(place, message);
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (isList(value)) return 'an array';
  return isRecord(value) ? 'an object' : `a ${typeof value}`;
}
